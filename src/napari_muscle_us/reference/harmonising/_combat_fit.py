"""ComBat: features of several scanners in, harmonised features out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import MeasureError
from napari_muscle_us.reference.harmonising._combat import (
    SHARPEST,
    batch_effects,
    expected,
    standardise,
)
from napari_muscle_us.reference.harmonising._combat_inputs import (
    batch_codes,
    check_columns,
    checked_values,
    code_covariates,
    extrapolated,
    no_overlap,
    shown,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from napari_muscle_us.reference.harmonising._combat import BatchEffects, Floats
    from napari_muscle_us.reference.harmonising._combat_inputs import (
        Covariate,
        Covariates,
    )

FEW_FEATURES: Final = 10
"""Below this many features the priors of empirical Bayes are said to be rough."""

FEW_SAMPLES: Final = 10
"""Below this many samples a batch's shift and scale are said to be rough."""


@dataclass(frozen=True, slots=True, eq=False)
class CombatResult:
    """Harmonised features, and all that is needed to harmonise more samples.

    Attributes
    ----------
    values : ndarray of float64, shape (features, samples)
        Harmonised, in the units of the input.
    features : tuple of str
        Their names.
    batches : tuple of str
        Scanners, in the order of the estimates.
    sizes : tuple of int
        Samples of each batch.
    covariates : tuple of Covariate
        What was preserved.
    grand_mean, variance : ndarray, shape (features,)
        Mean over batches, and pooled variance of the residuals (divided by n).
    slopes : ndarray, shape (columns of covariates, features)
        Effects of the covariates, which are preserved.
    effects : BatchEffects
        ``gamma_hat, delta_hat, gamma_star, delta_star, gamma_bar, t2, a_prior,
        b_prior``.
    reference_batch : str, optional
        The batch whose values stay as they are.
    warnings : tuple of str
        What to know, a sentence each.
    """

    values: Floats
    features: tuple[str, ...]
    batches: tuple[str, ...]
    sizes: tuple[int, ...]
    covariates: tuple[Covariate, ...]
    grand_mean: Floats
    variance: Floats
    slopes: Floats
    effects: BatchEffects
    reference_batch: str | None = None
    warnings: tuple[str, ...] = ()

    def apply(
        self,
        values: npt.ArrayLike,
        batch: Sequence[object] | npt.NDArray[np.generic],
        covariates: Covariates | None = None,
    ) -> Floats:
        """Return new samples of the same scanners, harmonised as the first ones were.

        Nothing is estimated again: a sample gets the same value alone as among others.

        Parameters
        ----------
        values : array_like, shape (features, samples)
            The same features in the same order.
        batch : sequence, shape (samples,)
            Scanner of each sample; all must be among `batches`.
        covariates : mapping, DataFrame or array_like, optional
            The same covariates as those of the fit.

        Returns
        -------
        ndarray of float64, shape (features, samples)
            Harmonised values.

        Raises
        ------
        MeasureError
            If a batch or level is new, a value is missing, or features or covariates
            are not those of the fit.

        Warns
        -----
        MuscleUSWarning
            If a covariate is outside the range of the fit.
        """
        new = checked_values(values, self.features)
        codes = batch_codes(batch, new.shape[1], known=self.batches)[1]
        columns, _ = code_covariates(covariates, new.shape[1], known=self.covariates)
        extrapolated(columns, self.covariates)
        return self._adjust(new, codes, columns)

    def _adjust(
        self, values: Floats, codes: npt.NDArray[np.intp], columns: Floats
    ) -> Floats:
        mean = expected(self.grand_mean, self.slopes, columns)
        sd = np.sqrt(self.variance)[:, None]
        shift = sd * self.effects.gamma_star[codes].T
        scale = np.sqrt(self.effects.delta_star[codes].T)
        adjusted = (values - mean - shift) / scale + mean
        if self.reference_batch is not None:
            same = codes == self.batches.index(self.reference_batch)
            adjusted[:, same] = values[:, same]
        return np.asarray(adjusted)


def combat(
    values: npt.ArrayLike,
    batch: Sequence[object] | npt.NDArray[np.generic],
    covariates: Covariates | None = None,
    *,
    features: Sequence[str] | None = None,
    empirical_bayes: bool = True,
    reference_batch: object = None,
    mean_only: bool = False,
) -> CombatResult:
    r"""Return features without the shift and scale of their scanner.

    With the feature :math:`f` of sample :math:`j` of batch :math:`b`, its covariates
    :math:`x_j` and the pooled variance :math:`\sigma_f^2` of the residuals of the
    regression on batches and covariates (divided by the number of samples):

    .. math::
       z_{fj} = \frac{y_{fj} - \alpha_f - x_j \beta_f}{\sigma_f}, \qquad
       y^*_{fj} = \sigma_f \frac{z_{fj} - \gamma^*_{bf}}{\sqrt{\delta^*_{bf}}}
       + \alpha_f + x_j \beta_f

    The shift :math:`\gamma` and the variance :math:`\delta` of a batch are its mean and
    variance of :math:`z`. With empirical Bayes they are shrunk towards those of the
    batch's other features: a normal prior for the shifts, an inverse gamma prior for
    the variances, by iteration until no value changes by more than 1e-4 of itself. The
    effects of covariates are preserved.

    Parameters
    ----------
    values : array_like, shape (features, samples)
        Measured values, finite.
    batch : sequence, shape (samples,)
        Scanner (or centre) of each sample; text or numbers.
    covariates : mapping, DataFrame or array_like of shape (samples, k), optional
        What is to be preserved, such as age and sex: numbers as they are, texts as
        categories. An array must hold numbers.
    features : sequence of str, optional
        Names for messages; ``feature 1`` … where not given.
    empirical_bayes : bool, default: True
        Whether batches' effects are shrunk; needs several features.
    reference_batch : optional
        A batch whose values stay; the others are brought to it.
    mean_only : bool, default: False
        Whether only shifts are taken away. Allows batches of one sample.

    Returns
    -------
    CombatResult
        Harmonised values, estimates, and ``apply`` for further samples.

    Raises
    ------
    MeasureError
        If a value, batch or covariate is missing, a batch has fewer than 2 samples (1
        with `mean_only`), a feature does not vary, a covariate cannot be told apart
        from the batches, there are not more samples than coefficients, or there are
        too few features for empirical Bayes.

    Warnings
    --------
    What the batches' people differ in, other than the covariates, is taken for the
    scanner's doing and is lost. Do not harmonise patients of one scanner with controls
    of another.

    References
    ----------
    Johnson WE, Li C, Rabinovic A. Adjusting batch effects in microarray expression
    data using empirical Bayes methods. Biostatistics 2007;8:118.
    doi:10.1093/biostatistics/kxj037

    Fortin JP, et al. Harmonization of cortical thickness measurements across scanners
    and sites. NeuroImage 2018;167:104. doi:10.1016/j.neuroimage.2017.11.024

    Examples
    --------
    Two scanners, the second 10 gray levels brighter, and no covariates. The variance of
    a batch is divided by n − 1 and the pooled one by n, as published, which draws small
    samples together:

    >>> values = [[50, 54, 52, 60, 64, 62], [70, 72, 77, 81, 80, 88]]
    >>> scanner = ["A", "A", "A", "B", "B", "B"]
    >>> combat(values, scanner, empirical_bayes=False).values[0].round(6).tolist()
    [55.367007, 58.632993, 57.0, 55.367007, 58.632993, 57.0]
    """
    given = checked_values(values, features)
    names = _names(features, len(given))
    batches, codes = batch_codes(batch, given.shape[1])
    columns, told = code_covariates(covariates, given.shape[1])
    reference = _reference(reference_batch, batches)
    if empirical_bayes:
        _check_several(names)
    sizes = np.bincount(codes, minlength=len(batches))
    _check_batches(batches, sizes, mean_only=mean_only)
    check_columns(codes, columns, told)
    whole = standardise(given, codes, columns, reference=reference)
    _check_spread(given, whole.variance, names)
    effects = batch_effects(
        whole.values,
        codes,
        empirical_bayes=empirical_bayes,
        mean_only=mean_only,
        reference=reference,
    )
    _check_variances(effects, names, batches)
    if empirical_bayes and not mean_only:
        _check_priors(effects, reference)
    result = CombatResult(
        values=given,
        features=names,
        batches=batches,
        sizes=tuple(sizes.tolist()),
        covariates=told,
        grand_mean=whole.grand_mean,
        variance=whole.variance,
        slopes=whole.slopes,
        effects=effects,
        reference_batch=None if reference is None else batches[reference],
        warnings=(
            *_rough(names, batches, sizes, empirical_bayes),
            *no_overlap(codes, columns, told, batches),
        ),
    )
    return replace(result, values=result._adjust(given, codes, columns))


def _names(features: Sequence[str] | None, count: int) -> tuple[str, ...]:
    if features is None:
        return tuple(f"feature {number + 1}" for number in range(count))
    return tuple(str(name) for name in features)


def _reference(batch: object, batches: tuple[str, ...]) -> int | None:
    if batch is None:
        return None
    if str(batch) not in batches:
        raise MeasureError(
            f"The reference batch {shown(batch)} is not among the batches; use one of "
            f"{', '.join(shown(name) for name in batches[:10])}."
        )
    return batches.index(str(batch))


def _check_batches(
    batches: tuple[str, ...], sizes: npt.NDArray[np.intp], *, mean_only: bool
) -> None:
    if len(batches) < 2:
        raise MeasureError(
            f"All samples are of the batch {shown(batches[0])}; harmonising needs at "
            "least two batches."
        )
    smallest = int(np.argmin(sizes))
    if sizes[smallest] < 2 and not mean_only:
        raise MeasureError(
            f"The batch {shown(batches[smallest])} has one sample, which has no "
            "variance; leave it out or take away shifts only (mean only)."
        )


def _check_several(names: tuple[str, ...]) -> None:
    if len(names) < 2:
        raise MeasureError(
            f"There is one feature, {shown(names[0])}, and empirical Bayes learns from "
            "several; switch empirical Bayes off."
        )


def _check_spread(values: Floats, variance: Floats, names: tuple[str, ...]) -> None:
    constant = np.ptp(values, axis=1) == 0
    if constant.any():
        first = int(np.flatnonzero(constant)[0])
        raise MeasureError(
            f"{shown(names[first])} is {values[first, 0]:g} in all samples; leave it "
            "out."
        )
    # Of what the batches and covariates leave, only rounding may remain.
    exact = variance <= 1e-20 * np.var(values, axis=1)
    if exact.any():
        raise MeasureError(
            f"{shown(names[int(np.flatnonzero(exact)[0])])} does not vary beyond its "
            "batches and covariates; leave it out."
        )


def _check_variances(
    effects: BatchEffects, names: tuple[str, ...], batches: tuple[str, ...]
) -> None:
    still = np.argwhere(effects.delta_hat <= 1e-20)
    if len(still):
        code, feature = (int(number) for number in still[0])
        raise MeasureError(
            f"{shown(names[feature])} does not vary in the batch "
            f"{shown(batches[code])}; leave one of them out or take away shifts only "
            "(mean only)."
        )


def _check_priors(effects: BatchEffects, reference: int | None) -> None:
    others = np.arange(len(effects.a_prior)) != reference
    if not np.all(effects.a_prior[others] < SHARPEST):
        raise MeasureError(
            "The features all have the same variance in a batch, as copies of each "
            "other do; leave copies out or switch empirical Bayes off."
        )


def _rough(
    names: tuple[str, ...],
    batches: tuple[str, ...],
    sizes: npt.NDArray[np.intp],
    empirical_bayes: bool,
) -> list[str]:
    told = []
    if empirical_bayes and len(names) < FEW_FEATURES:
        told.append(
            f"Empirical Bayes learned from {len(names)} features, which are few; "
            "compare with the result without it."
        )
    few = [
        f"{shown(name)} ({size})"
        for name, size in zip(batches, sizes, strict=True)
        if size < FEW_SAMPLES
    ]
    if few:
        told.append(
            f"Shift and scale are rough for batches of fewer than {FEW_SAMPLES} "
            f"samples: {', '.join(few[:10])}."
        )
    return told
