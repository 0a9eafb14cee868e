"""Deming and weighted Deming lines of many weighted samples at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from functools import partial

    import numpy.typing as npt

    from napari_muscle_us.reference.conversion._resampling import Estimator

    Floats = npt.NDArray[np.float64]

_MAX_ROUNDS: Final = 200
_TOLERANCE: Final = 1e-12


def deming_lines(
    x: Floats, y: Floats, counts: Floats, *, ratio: float | Floats
) -> tuple[Floats, Floats]:
    r"""Return the Deming line of each weighted sample.

    With weighted sums of squares :math:`u` of x, :math:`q` of y and of products
    :math:`p` about the means, and :math:`\lambda` the error variance of y over that
    of x:

    .. math::
       b = \frac{q - \lambda u + \sqrt{(q - \lambda u)^2 + 4 \lambda p^2}}{2 p},
       \qquad a = \bar y - b \bar x

    Parameters
    ----------
    x, y : ndarray of float64, shape (n,)
        Pairs.
    counts : ndarray of float64, shape (r, n)
        Weight of each pair in each of r samples, 0 or more.
    ratio : float or ndarray of float64, shape (r,)
        Error variance of y over that of x, of all samples or of each.

    Returns
    -------
    slopes, intercepts : ndarray of float64, shape (r,)
        NaN where x and y do not rise together.
    """
    with np.errstate(all="ignore"):
        total = counts.sum(axis=1)
        x_mean = counts @ x / total
        y_mean = counts @ y / total
        x_off = x - x_mean[:, None]
        y_off = y - y_mean[:, None]
        u = np.einsum("ij,ij,ij->i", counts, x_off, x_off)
        q = np.einsum("ij,ij,ij->i", counts, y_off, y_off)
        p = np.einsum("ij,ij,ij->i", counts, x_off, y_off)
        excess = q - ratio * u
        root = np.sqrt(excess**2 + 4 * ratio * p**2)
        # Two forms of one root; each is exact where the other cancels.
        slopes = np.where(
            excess > 0, (excess + root) / (2 * p), 2 * ratio * p / (root - excess)
        )
        slopes = np.where((p > 0) & np.isfinite(slopes), slopes, np.nan)
    return slopes, y_mean - slopes * x_mean


def weighted_deming_lines(
    x: Floats, y: Floats, counts: Floats, *, ratio: float | Floats
) -> tuple[Floats, Floats]:
    r"""Return the weighted Deming line of each weighted sample.

    Errors are proportional to the level (constant coefficient of variation): each
    pair is weighted by :math:`1 / \hat l^2` with its level
    :math:`\hat l = (\lambda \hat x + \hat y) / (\lambda + 1)`, where
    :math:`\hat x, \hat y` is the point of the line that is closest to the pair; line
    and weights are found in turn until they stay.

    Parameters
    ----------
    x, y : ndarray of float64, shape (n,)
        Pairs, above 0.
    counts : ndarray of float64, shape (r, n)
        Weight of each pair in each of r samples.
    ratio : float or ndarray of float64, shape (r,)
        Error variance of y over that of x, at the same level.

    Returns
    -------
    slopes, intercepts : ndarray of float64, shape (r,)
        NaN where there is no line, a level is not above 0, or the turns do not end.
    """
    ratios = np.broadcast_to(np.asarray(ratio, dtype=np.float64), len(counts))
    level = (ratios[:, None] * x + y) / (ratios[:, None] + 1)
    slopes, intercepts = deming_lines(x, y, counts / level**2, ratio=ratios)
    moving = np.isfinite(slopes)
    for _ in range(_MAX_ROUNDS):
        rows = np.flatnonzero(moving)
        if not len(rows):
            break
        own = ratios[rows]
        weights = counts[rows] * _weights(x, y, slopes[rows], intercepts[rows], own)
        new, offset = deming_lines(x, y, weights, ratio=own)
        change = np.abs(new - slopes[rows]) / np.abs(new)
        slopes[rows], intercepts[rows] = new, offset
        # A sample without a line (NaN) does not move on either.
        moving[rows] = change > _TOLERANCE
    slopes[moving] = intercepts[moving] = np.nan
    return slopes, intercepts


def _weights(
    x: Floats, y: Floats, slopes: Floats, intercepts: Floats, ratios: Floats
) -> Floats:
    b, a, ratio = slopes[:, None], intercepts[:, None], ratios[:, None]
    off = (y - a - b * x) / (ratio + b**2)
    level = (ratio * (x + b * off) + y - ratio * off) / (ratio + 1)
    return np.where(level > 0, level, np.nan) ** -2.0


def ratios_drawn(
    estimate: partial[tuple[Floats, Floats]],
    ratio: float,
    freedom: tuple[int, int] | None,
    seed: int,
) -> Estimator:
    """Return an estimator whose samples each have a ratio as uncertain as it is."""
    if freedom is None or "ratio" not in estimate.keywords:
        return estimate
    # A stream of its own, so that the people drawn are the same with and without it.
    rng = np.random.default_rng([seed, 1])
    of_x, of_y = freedom

    def with_own(counts: Floats) -> tuple[Floats, Floats]:
        return estimate(counts, ratio=ratio * rng.f(of_y, of_x, len(counts)))

    return with_own
