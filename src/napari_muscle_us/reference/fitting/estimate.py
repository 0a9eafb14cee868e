r"""Coefficients of a linear model of controls, with what is needed for a prediction.

One value a subject: ordinary least squares. Several: a mixed model with a random
intercept for each subject,

.. math::
   y_{ij} = x_{ij} b + u_i + e_{ij}, \qquad
   \operatorname{var} u = \sigma_b^2, \quad \operatorname{var} e = \sigma_w^2 ,

by restricted maximum likelihood. Either way a *new single value* of a new person has
the variance :math:`x C x^\top + s^2` with :math:`s^2 = \sigma_b^2 + \sigma_w^2`.

Coefficients, their covariance and :math:`s^2` are those of statsmodels: least squares,
of a mixed model generalised ones with the covariance of a subject's values, which is
the maximum of the restricted likelihood where :math:`\sigma_b^2 / \sigma_w^2` is.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.fitting._freedom import degrees_of_freedom
from napari_muscle_us.reference.fitting._mixed import Likelihood, groups_of, only_common

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_muscle_us.reference.fitting._mixed import Floats

Method = Literal["ols", "mixed"]

RANK_LIMIT: Final = 1e-10
"""Part of a column, of its length, that the columns before it must leave."""


@dataclass(frozen=True, slots=True, eq=False)
class Estimate:
    """A linear model of controls.

    Attributes
    ----------
    coefficients : ndarray of float64, shape (p,)
        In the order of the design's columns.
    covariance : ndarray of float64, shape (p, p)
        Of the coefficients.
    residual_variance : float
        Of a new single value about the prediction: between plus within subjects.
    within_variance : float
        Of the values of one subject about each other; NaN where no subject has two.
    degrees_of_freedom : float
        Of the SD of prediction: subjects less coefficients, and somewhat more where
        subjects have several values.
    leverage : ndarray of float64, shape (rows,)
        ``x C xᵀ / residual_variance``, the diagonal of the hat matrix for ordinary
        least squares.
    method : {"ols", "mixed"}
        How it was estimated.
    """

    coefficients: Floats
    covariance: Floats
    residual_variance: float
    within_variance: float
    degrees_of_freedom: float
    leverage: Floats
    method: Method


def estimate(
    shown: Floats,
    design: Floats,
    subjects: npt.NDArray[np.generic],
    *,
    method: Method,
) -> Estimate:
    r"""Return a linear model of values on a design.

    Parameters
    ----------
    shown : ndarray of float64, shape (rows,)
        Values on the scale of the model, finite.
    design : ndarray of float64, shape (rows, p)
        As `napari_muscle_us.reference.formula.design_matrix` gives it, finite.
    subjects : ndarray, shape (rows,)
        Label of each row's subject.
    method : {"ols", "mixed"}
        Ordinary least squares, for one value a subject; or a random intercept for
        each subject, which is ordinary least squares where no subject has two values.

    Returns
    -------
    Estimate
        Numbers for predictions.

    Raises
    ------
    ReferenceSetError
        If there are no more subjects than coefficients, a column of the design is a
        combination of others, values do not vary, or ``"ols"`` is asked for several
        values a subject.

    Notes
    -----
    The mixed model is restricted maximum likelihood, as R's ``nlme::lme`` has it, with
    :math:`\sigma_b^2 \ge 0`: where subjects differ by no more than their own values,
    :math:`\sigma_b^2` is 0. Where the values of each subject are all the same (a sum of
    squares within subjects of at most 10⁻¹¹ of the whole), they count once.

    The degrees of freedom are Satterthwaite's,

    .. math::
       \nu_S = \frac{(\mathrm{MSB} + (m - 1)\,\mathrm{MSW})^2}
       {\mathrm{MSB}^2 / (n - p) + (m - 1)\,\mathrm{MSW}^2 / n}

    for n subjects with m values each, with leverage and for any numbers of values by
    the delta method from the information of the restricted likelihood. Of what they
    are above :math:`f = n - p`, the part f / (f + 8) counts: with all of it, intervals
    of small samples would be too narrow.

    References
    ----------
    Laird NM, Ware JH. Random-effects models for longitudinal data. Biometrics
    1982;38:963. doi:10.2307/2529876

    Satterthwaite FE. An approximate distribution of estimates of variance components.
    Biometrics Bull 1946;2:110. doi:10.2307/3002019

    Examples
    --------
    >>> import numpy as np
    >>> age = np.array([20.0, 30, 40, 50, 60])
    >>> found = estimate(
    ...     np.array([50.0, 54, 55, 61, 64]),
    ...     np.column_stack([np.ones(5), age]),
    ...     np.arange(5),
    ...     method="ols",
    ... )
    >>> found.coefficients.round(6)
    array([42.8 ,  0.35])
    >>> found.degrees_of_freedom
    3.0
    """
    groups = groups_of(subjects)
    _check(len(groups.sizes), len(shown), design.shape[1], method)
    if len(groups.sizes) == len(shown):
        return _least_squares(shown, design, design)
    if only_common(shown, design, groups):
        return _of_means(shown, design, subjects)
    basis, _ = _triangle(design)
    share = Likelihood(shown, basis, groups, restricted=True).within_share()
    white = groups.whitened_by_share(np.column_stack([design, shown]), share)
    return _least_squares(
        white[:, -1],
        white[:, :-1],
        design,
        within_share=share,
        freedom=degrees_of_freedom(design, groups, share),
    )


def _check(subjects: int, rows: int, coefficients: int, method: Method) -> None:
    if subjects <= coefficients:
        raise ReferenceSetError(
            f"{coefficients} coefficients cannot be estimated from {subjects} "
            "subjects; take a smaller formula or measure more people."
        )
    if method == "ols" and subjects != rows:
        raise ReferenceSetError(
            f"{rows} values of {subjects} subjects are not independent; use a mixed "
            "model or one value a subject."
        )


def _of_means(
    shown: Floats, design: Floats, subjects: npt.NDArray[np.generic]
) -> Estimate:
    """Return the model of subjects whose own values are all the same."""
    groups = groups_of(subjects)
    means = groups.means(np.column_stack([design, shown]))
    if groups.about_means(design).any():
        raise ReferenceSetError(
            "The values of each subject differ by the same amount, so that their "
            "scatter is 0; this is not how measured values are, so check the table."
        )
    return _least_squares(means[:, -1], means[:, :-1], design, within_share=0.0)


def _least_squares(
    shown: Floats,
    design: Floats,
    asked: Floats,
    *,
    within_share: float = float("nan"),
    freedom: float | None = None,
) -> Estimate:
    """Return the fit of a (whitened) design, and the leverage of rows `asked`."""
    # Loaded by those who fit only: it takes a second.
    from statsmodels.regression.linear_model import OLS

    basis, triangle = _triangle(design)
    # In an orthonormal basis, for statsmodels inverts XᵀX, where age³ costs digits.
    found = OLS(shown, basis, hasconst=False).fit()
    variance = float(found.scale)
    if variance <= 1e-24 * max(1.0, float(shown @ shown) / len(shown)):
        raise ReferenceSetError(
            "The model hits all values exactly, so their scatter is 0; measured values "
            "scatter, so check the table."
        )
    inverse = np.linalg.solve(triangle, np.eye(len(triangle)))
    return Estimate(
        coefficients=inverse @ np.asarray(found.params),
        covariance=inverse @ np.asarray(found.cov_params()) @ inverse.T,
        residual_variance=variance,
        within_variance=within_share * variance,
        degrees_of_freedom=float(found.df_resid) if freedom is None else freedom,
        leverage=np.sum((asked @ inverse) ** 2, axis=1),
        method="ols" if np.isnan(within_share) else "mixed",
    )


def _triangle(design: Floats) -> tuple[Floats, Floats]:
    """Return an orthonormal basis Q and the triangle R of ``design = Q R``."""
    # Scaled first: age³ is 10⁵ times age, which no test of rank could stand.
    length = np.linalg.norm(design, axis=0)
    if not np.all(length > 0):
        raise ReferenceSetError(
            "A term of the formula is 0 for all subjects; take it out."
        )
    basis, triangle = np.linalg.qr(design / length)
    if np.min(np.abs(np.diag(triangle))) < RANK_LIMIT:
        raise ReferenceSetError(
            "A term of the formula is a combination of the others in these data, so "
            "that its coefficient cannot be told; take a smaller formula."
        )
    return basis, triangle * length
