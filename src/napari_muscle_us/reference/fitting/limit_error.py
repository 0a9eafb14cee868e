"""How well the ends of a regression's 95 % interval are known."""

from __future__ import annotations

from math import ceil, sqrt
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.fitting.fit_types import LimitError

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_muscle_us.reference.fitting.estimate import Estimate

REACH: Final = 1.959963984540054
"""Z at the ends of the interval that holds 95 % of healthy people."""


def limit_error(
    estimate: Estimate,
    n_subjects: int,
    *,
    unit: str,
    centre_row: npt.ArrayLike,
) -> LimitError:
    r"""Return the standard error of an end of the 95 % interval.

    An end is :math:`x b \pm 1.96\,s`. Coefficients and variance are independent, so
    that

    .. math::
       \mathrm{SE}^2 = x C x^\top + 1.96^2 \frac{s^2}{2\nu}

    with the row x of the sample's centre, the covariance C of the coefficients, the
    residual variance s² of a single value and its ν degrees of freedom. At the centre
    :math:`x C x^\top \approx s^2 / n`, which gives the well-known
    :math:`s\sqrt{2.92 / n}`.

    Parameters
    ----------
    estimate : Estimate
        The model.
    n_subjects : int
        Subjects.
    unit : str
        Unit of the values on the scale of the model.
    centre_row : array_like, shape (p,)
        Row of the design matrix at the centre of the sample.

    Returns
    -------
    LimitError
        On the scale of the model. ``more_to_halve`` is the smallest number of subjects
        with which the error is at most half, if they are like those there are: C then
        shrinks as 1 / n, and ν grows as n − p. It is a little below 3 n, as the first
        subjects pay for the coefficients.

    Raises
    ------
    ReferenceSetError
        If the row has another length than the coefficients, or the model leaves no
        degrees of freedom or no finite positive variance.

    Notes
    -----
    Two sides of a person tell more about s² than one: ν then is Satterthwaite's, see
    `napari_muscle_us.reference.fitting.estimate.estimate`.

    References
    ----------
    Bland JM, Altman DG. Statistical methods for assessing agreement. Lancet
    1986;i:307. doi:10.1016/S0140-6736(86)90837-8 (the same error of a limit)

    Examples
    --------
    >>> import numpy as np
    >>> from napari_muscle_us.reference.fitting.estimate import estimate
    >>> age = np.linspace(20, 80, 50)
    >>> design = np.column_stack([np.ones(50), age])
    >>> values = 40 + 0.3 * age + 7 * np.sin(age**2)
    >>> found = estimate(values, design, np.arange(50), method="ols")
    >>> error = limit_error(found, 50, unit="gray level", centre_row=[1, 50])
    >>> round(error.in_sd, 3), error.more_to_halve
    (0.245, 146)
    """
    row = np.asarray(centre_row, dtype=np.float64)
    if row.shape != estimate.coefficients.shape:
        raise ReferenceSetError(
            f"The centre has {row.size} numbers and the model "
            f"{estimate.coefficients.size} coefficients; give one for each."
        )
    freedom, variance = estimate.degrees_of_freedom, estimate.residual_variance
    if not (freedom > 0 and 0 < variance < np.inf):
        raise ReferenceSetError(
            f"A model with {freedom:g} degrees of freedom and residual variance "
            f"{variance:g} tells no error of its limits; measure more people."
        )
    of_centre = float(row @ estimate.covariance @ row)
    of_sd = REACH**2 * variance / (2 * freedom)
    error = sqrt(of_centre + of_sd)
    spare = n_subjects - row.size
    if spare <= 0:
        raise ReferenceSetError(
            f"{n_subjects} subjects and {row.size} coefficients tell no error of the "
            "limits; measure more people."
        )
    more = _more_to_halve(of_centre, of_sd, n_subjects, spare)
    in_sd = error / sqrt(variance)
    words = (
        f"With {n_subjects} subjects an end of the 95 % interval is known to "
        f"±{error:#.2g} {unit} ({in_sd:.2f} SD; one standard error, at the centre of "
        f"the sample); {more} more would halve it."
    )
    return LimitError(
        standard_error=error,
        in_sd=in_sd,
        n=n_subjects,
        more_to_halve=more,
        words=words,
    )


def _more_to_halve(of_centre: float, of_sd: float, n: int, spare: int) -> int:
    r"""Return how many more subjects bring the variance of an end to a quarter.

    The larger root k of a n/(n + k) + b f/(f + k) = (a + b)/4, with f = n − p.
    """
    quarter = (of_centre + of_sd) / 4
    # As a quadratic, quarter·k² + linear·k + constant = 0.
    linear = quarter * (n + spare) - of_centre * n - of_sd * spare
    constant = -3 * quarter * n * spare
    root = (-linear + sqrt(linear**2 - 4 * quarter * constant)) / (2 * quarter)
    # Rounding must not ask for one subject more than the root of whole numbers.
    return ceil(root * (1 - 1e-12))
