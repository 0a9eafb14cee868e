"""The arithmetic of ComBat; what users call is in `harmonise`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]

CONVERGED: Final = 1e-4
"""Largest relative change at which the published algorithm ends."""

SHARPEST: Final = 1e12
"""Shape of a prior of variances that comes of rounding, not of features."""

_MAX_ITERATIONS: Final = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Standardised:
    """Features without the effect of covariates, in pooled SD.

    Attributes
    ----------
    values : ndarray, shape (features, samples)
        (x − mean) / SD.
    mean : ndarray, shape (features, samples)
        Mean over all samples plus the effect of the sample's covariates.
    grand_mean : ndarray, shape (features,)
        Mean over batches by their sizes, or of the reference batch.
    slopes : ndarray, shape (covariates, features)
        Effects of the covariates.
    variance : ndarray, shape (features,)
        Of the residuals, divided by the number of samples.
    """

    values: Floats
    mean: Floats
    grand_mean: Floats
    slopes: Floats
    variance: Floats


@dataclass(frozen=True, slots=True, eq=False)
class BatchEffects:
    """Shift and variance of each batch, before and after shrinking.

    Attributes
    ----------
    gamma_hat, delta_hat, gamma_star, delta_star : ndarray, shape (batches, features)
        Shift in SD and variance in SD²; as found, and as taken.
    gamma_bar, t2, a_prior, b_prior : ndarray, shape (batches,)
        Mean and variance of the normal prior of the shifts, shape and scale of the
        inverse gamma prior of the variances; NaN where there is none.
    """

    gamma_hat: Floats
    delta_hat: Floats
    gamma_star: Floats
    delta_star: Floats
    gamma_bar: Floats
    t2: Floats
    a_prior: Floats
    b_prior: Floats


def standardise(
    values: Floats, codes: Indices, covariates: Floats, *, reference: int | None
) -> Standardised:
    """Return features freed of covariates and scaled by their pooled SD.

    Parameters
    ----------
    values : ndarray, shape (features, samples)
        Finite.
    codes : ndarray of int, shape (samples,)
        Number of each sample's batch, from 0, none left out.
    covariates : ndarray, shape (samples, k)
        Columns that are not confounded with the batches.
    reference : int, optional
        Batch that stays as it is.
    """
    sizes = np.bincount(codes)
    one_hot = np.eye(len(sizes))[codes]
    design = np.column_stack([one_hot, covariates])
    scale = np.abs(design).max(axis=0)
    # A common scale keeps age in days from drowning the columns of the batches.
    found = np.linalg.lstsq(design / scale, values.T, rcond=None)[0] / scale[:, None]
    residual = values - (design @ found).T
    batch_means, slopes = found[: len(sizes)], found[len(sizes) :]
    if reference is None:
        grand_mean = sizes / len(codes) @ batch_means
        variance = np.mean(residual**2, axis=1)
    else:
        grand_mean = batch_means[reference]
        variance = np.mean(residual[:, codes == reference] ** 2, axis=1)
    mean = expected(grand_mean, slopes, covariates)
    with np.errstate(divide="ignore", invalid="ignore"):
        shown = (values - mean) / np.sqrt(variance)[:, None]
    return Standardised(shown, mean, grand_mean, slopes, variance)


def expected(grand_mean: Floats, slopes: Floats, covariates: Floats) -> Floats:
    """Return the mean of features for samples' covariates, (features, samples)."""
    return np.asarray(grand_mean[:, None] + (covariates @ slopes).T)


def batch_effects(
    values: Floats,
    codes: Indices,
    *,
    empirical_bayes: bool,
    mean_only: bool,
    reference: int | None,
) -> BatchEffects:
    """Return shift and variance of each batch from standardised features."""
    batches = [values[:, codes == code] for code in range(int(codes.max()) + 1)]
    gamma_hat = np.array([batch.mean(axis=1) for batch in batches])
    delta_hat = np.ones_like(gamma_hat)
    if not mean_only:
        delta_hat = np.array([batch.var(axis=1, ddof=1) for batch in batches])
    priors = np.full((4, len(batches)), np.nan)
    gamma_star, delta_star = gamma_hat.copy(), delta_hat.copy()
    if empirical_bayes:
        priors = _priors(gamma_hat, delta_hat, mean_only=mean_only)
        for code, batch in enumerate(batches):
            if mean_only:
                mean, variance = priors[:2, code]
                # The published algorithm takes one sample for the batch here.
                gamma_star[code] = _shift(
                    gamma_hat[code], np.ones(len(values)), 1, mean, variance
                )
            elif code != reference and priors[2, code] < SHARPEST:
                gamma_star[code], delta_star[code] = shrink(
                    batch, gamma_hat[code], delta_hat[code], priors[:, code]
                )
    if reference is not None:
        gamma_star[reference], delta_star[reference] = 0.0, 1.0
    return BatchEffects(gamma_hat, delta_hat, gamma_star, delta_star, *priors)


def _priors(gamma_hat: Floats, delta_hat: Floats, *, mean_only: bool) -> Floats:
    gamma_bar = gamma_hat.mean(axis=1)
    t2 = gamma_hat.var(axis=1, ddof=1)
    if mean_only:
        nothing = np.full_like(t2, np.nan)
        return np.array([gamma_bar, t2, nothing, nothing])
    mean = delta_hat.mean(axis=1)
    spread = delta_hat.var(axis=1, ddof=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        a_prior = (2 * spread + mean**2) / spread
        b_prior = (mean * spread + mean**3) / spread
    return np.array([gamma_bar, t2, a_prior, b_prior])


def shrink(
    batch: Floats, gamma_hat: Floats, delta_hat: Floats, priors: Floats
) -> tuple[Floats, Floats]:
    """Return the posterior shift and variance of one batch, found by iteration."""
    size = batch.shape[1]
    gamma_bar, t2, a_prior, b_prior = priors
    gamma, delta = gamma_hat, delta_hat
    within = np.sum((batch - gamma_hat[:, None]) ** 2, axis=1)
    for _ in range(_MAX_ITERATIONS):
        new_gamma = _shift(gamma_hat, delta, size, gamma_bar, t2)
        squares = within + size * (gamma_hat - new_gamma) ** 2
        new_delta = (squares / 2 + b_prior) / (size / 2 + a_prior - 1)
        change = max(_change(new_gamma, gamma), _change(new_delta, delta))
        gamma, delta = new_gamma, new_delta
        if change <= CONVERGED:
            break
    return gamma, delta


def _shift(
    gamma_hat: Floats, delta: Floats, size: int, gamma_bar: float, t2: float
) -> Floats:
    weight = t2 * size
    return np.asarray((weight * gamma_hat + delta * gamma_bar) / (weight + delta))


def _change(new: Floats, old: Floats) -> float:
    # Not by the size of the old value: so it stands in the published algorithm, whose
    # number of iterations, and so the result, would else be another.
    safe = np.where(old == 0, np.finfo(float).tiny, old)
    with np.errstate(over="ignore"):
        return float(np.max(np.abs(new - old) / safe))
