"""Bootstrap and jackknife in which a subject's pairs stay together."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Estimator = Callable[[Floats], tuple[Floats, Floats]]

IntervalKind = Literal["percentile", "bca"]
_CHUNK: Final = 500_000


def jackknife(estimate: Estimator, groups: npt.NDArray[np.intp]) -> Floats:
    """Return slope and intercept without each subject in turn.

    Parameters
    ----------
    estimate : callable
        Gives slopes and intercepts for counts of shape (r, n).
    groups : ndarray of int, shape (n,)
        Number of each pair's subject, from 0.

    Returns
    -------
    ndarray of float64, shape (2, subjects)
        Slopes and intercepts.
    """
    m = int(groups.max()) + 1
    step = max(1, _CHUNK // len(groups))
    parts = []
    for start in range(0, m, step):
        left_out = np.arange(start, min(start + step, m))
        parts.append(estimate((groups != left_out[:, None]).astype(np.float64)))
    return np.concatenate([np.array(part) for part in parts], axis=1)


def bootstrap(
    estimate: Estimator,
    groups: npt.NDArray[np.intp],
    *,
    resamples: int,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Floats | None:
    """Return slope and intercept of samples of subjects drawn with replacement.

    Parameters
    ----------
    estimate, groups
        As for `jackknife`.
    resamples : int
        Number of samples.
    seed : int
        Of the random draws.
    progress : callable, optional
        Called with the number of samples that are done and of all.
    cancelled : callable, optional
        Asked now and then whether to stop.

    Returns
    -------
    ndarray of float64, shape (2, resamples), or None
        NaN where a sample has no line; ``None`` when it was cancelled.
    """
    parts = []
    for counts, done in _samples(groups, resamples, seed):
        if cancelled is not None and cancelled():
            return None
        parts.append(np.array(estimate(counts)))
        if progress is not None:
            progress(done, resamples)
    return np.concatenate(parts, axis=1)


def _samples(
    groups: npt.NDArray[np.intp], resamples: int, seed: int
) -> Iterator[tuple[Floats, int]]:
    rng = np.random.default_rng(seed)
    m = int(groups.max()) + 1
    step = max(1, min(100, _CHUNK // len(groups)))
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        drawn = rng.multinomial(m, np.full(m, 1 / m), size=size)
        yield drawn[:, groups].astype(np.float64), start + size


def expanded_z(n: int, level: float) -> float:
    """Return the normal deviate that an interval of n subjects is taken at."""
    from scipy.special import stdtrit

    return math.sqrt(n / (n - 1)) * float(stdtrit(n - 1, (1 + level) / 2))


def interval(
    draws: Floats,
    *,
    estimate: float,
    left_out: Floats,
    level: float,
    kind: IntervalKind,
    expanded: bool = True,
) -> tuple[float, float]:
    r"""Return a bootstrap interval.

    The percentile interval lies between the quantiles :math:`\Phi(\pm z)` of the
    draws. Of few subjects these are too near to each other, since samples with
    replacement spread by :math:`(n - 1) / n` of the variance and normal quantiles
    take that spread as known. The expanded interval uses

    .. math::
       z = \sqrt{\frac{n}{n - 1}}\; t_{n - 1,\,(1 + \mathrm{level}) / 2}

    for :math:`n` subjects. BCa moves the ends for the bias :math:`z_0` and the
    acceleration :math:`\hat a` from the jackknife:

    .. math::
       \alpha' = \Phi\left(z_0 + \frac{z_0 \pm z}
                 {1 - \hat a (z_0 \pm z)}\right)

    Parameters
    ----------
    draws : ndarray of float64
        Estimates of the samples, finite.
    estimate : float
        That of all pairs.
    left_out : ndarray of float64
        Estimates without each subject.
    level : float
        Such as 0.95.
    kind : {"percentile", "bca"}
        Which.
    expanded : bool, default: True
        Whether for few subjects, or with the normal :math:`z` of a large number.

    References
    ----------
    Hesterberg TC. What teachers should know about the bootstrap. Am Stat 2015;69:371.
    doi:10.1080/00031305.2015.1089789

    Efron B. Better bootstrap confidence intervals. J Am Stat Assoc 1987;82:171.
    doi:10.1080/01621459.1987.10478410
    """
    from scipy.special import ndtr, ndtri

    z = expanded_z(len(left_out), level) if expanded else ndtri((1 + level) / 2)
    ends = ndtr(np.array([-z, z]))
    if kind == "bca":
        share = np.mean(draws < estimate) + np.mean(draws == estimate) / 2
        off = left_out.mean() - left_out
        size = float((off**2).sum())
        # Without spread or with all draws on one side there is nothing to correct by.
        if 0 < share < 1 and size > 0 and np.isfinite(size):
            bias = ndtri(share)
            acceleration = float((off**3).sum()) / (6 * size**1.5)
            moved = bias + np.array([-z, z])
            ends = ndtr(bias + moved / (1 - acceleration * moved))
    low, high = np.quantile(draws, ends)
    return float(low), float(high)


def three(lines: Floats) -> tuple[Floats, Floats, Floats]:
    """Return slopes, intercepts and where the lines cross y = 0."""
    slopes, intercepts = lines
    return slopes, intercepts, -intercepts / slopes
