"""Passing–Bablok lines of many weighted samples at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Places = npt.NDArray[np.int16]

MAX_PAIRS: Final = 5000
"""Most pairs, since each two of them give a slope: 12.5 million, some 300 MB."""
MAX_BOOTSTRAP_PAIRS: Final = 1000
"""Most pairs of which samples are drawn, since each sample goes through all slopes."""

_SAME: Final = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class PairSlopes:
    """Slopes between each two pairs, in rising order.

    Attributes
    ----------
    slopes : ndarray of float64, shape (k,)
        Sorted. A vertical one is +inf; two equal pairs have none, and slopes of
        exactly −1 are left out.
    first, second : ndarray of int16, shape (k,)
        Places of the two pairs.
    offset : int
        Number of slopes below −1.
    """

    slopes: Floats
    first: Places
    second: Places
    offset: int


def pair_slopes(x: Floats, y: Floats) -> PairSlopes:
    """Return the sorted slopes between each two pairs.

    Parameters
    ----------
    x, y : ndarray of float64, shape (n,)
        Pairs, at most `MAX_PAIRS`.

    Notes
    -----
    The sign of a vertical slope does not matter: as −inf it would move the median
    down by one and raise the offset by one.
    """
    n = len(x)
    size = n * (n - 1) // 2
    slopes = np.empty(size)
    first, second = np.empty(size, np.int16), np.empty(size, np.int16)
    tiny = _SAME * (np.abs(x).max() + np.abs(y).max())
    end = 0
    for i in range(n - 1):
        dx, dy = x[i + 1 :] - x[i], y[i + 1 :] - y[i]
        kept = np.flatnonzero(((dx != 0) | (dy != 0)) & (np.abs(dx + dy) > tiny))
        dx, dy = dx[kept], dy[kept]
        rising = np.full(len(kept), np.inf)
        np.divide(dy, dx, out=rising, where=dx != 0)
        part = slice(end, end + len(kept))
        slopes[part], first[part], second[part] = rising, i, kept + i + 1
        end += len(kept)
    order = np.argsort(slopes[:end], kind="stable")
    slopes = slopes[order]
    offset = int(np.searchsorted(slopes, -1.0))
    return PairSlopes(slopes, first[order], second[order], offset)


def passing_bablok_lines(
    x: Floats, y: Floats, found: PairSlopes, counts: Floats
) -> tuple[Floats, Floats]:
    r"""Return the Passing–Bablok line of each weighted sample.

    The slope is the median of the :math:`N` slopes between pairs, moved up by the
    number :math:`K` of those below −1; the intercept is the median of
    :math:`y - b x`. A pair that is in a sample c times counts c times.

    Parameters
    ----------
    x, y : ndarray of float64, shape (n,)
        Pairs.
    found : PairSlopes
        Their slopes.
    counts : ndarray of float64, shape (r, n)
        How often each pair is in each of r samples, whole numbers.

    Returns
    -------
    slopes, intercepts : ndarray of float64, shape (r,)
        NaN where the moved median lies beyond the slopes or is not finite.
    """
    slopes = np.array([_moved_median(found, row) for row in counts])
    lines = y - slopes[:, None] * x
    return slopes, _medians(lines, counts)


def _moved_median(found: PairSlopes, count: Floats) -> float:
    weight = count[found.first] * count[found.second]
    reached = np.cumsum(weight)
    total = reached[-1] if len(reached) else 0.0
    below = reached[found.offset - 1] if found.offset else 0.0
    # Places from 1; an even number of slopes has two in the middle.
    middle = np.array([np.floor((total + 1) / 2), np.ceil((total + 1) / 2)]) + below
    if middle[1] > total:
        return float("nan")
    places = np.searchsorted(reached, middle)
    slope = float(found.slopes[places].mean())
    return slope if np.isfinite(slope) else float("nan")


def _medians(values: Floats, counts: Floats) -> Floats:
    """Return the median of each row, its values counted so often."""
    order = np.argsort(values, axis=1)
    ranked = np.take_along_axis(values, order, axis=1)
    reached = np.cumsum(np.take_along_axis(counts, order, axis=1), axis=1)
    total = reached[:, -1:]
    low = (reached < np.floor((total + 1) / 2)).sum(axis=1)
    high = (reached < np.ceil((total + 1) / 2)).sum(axis=1)
    # A sample without any pair has no slope either, so its number does not matter.
    low, high = (np.minimum(place, values.shape[1] - 1) for place in (low, high))
    rows = np.arange(len(values))
    return np.asarray((ranked[rows, low] + ranked[rows, high]) / 2)


def rank_interval(
    x: Floats, y: Floats, found: PairSlopes, *, level: float
) -> tuple[tuple[float, float], tuple[float, float]]:
    r"""Return the intervals of slope and intercept from the ranks of the slopes.

    .. math::
       C = z \sqrt{n (n - 1) (2 n + 5) / 18}, \qquad
       M_1 = \mathrm{round}\,\frac{N - C}{2}

    The ends are the slopes at the places :math:`M_1 + K` and
    :math:`N - M_1 + 1 + K`, and the medians of :math:`y - b x` with them.

    Returns
    -------
    tuple of tuple
        Of the slope and of the intercept; infinite where the place lies beyond.
    """
    from scipy.special import ndtri

    n, total = len(x), len(found.slopes)
    spread = float(ndtri((1 + level) / 2)) * np.sqrt(n * (n - 1) * (2 * n + 5) / 18)
    first = round((total - spread) / 2)
    low, high = first + found.offset, total - first + 1 + found.offset
    lower = float(found.slopes[low - 1]) if first >= 1 and low <= total else -np.inf
    upper = float(found.slopes[high - 1]) if first >= 1 and high <= total else np.inf
    ends = [
        float(np.median(y - slope * x)) if np.isfinite(slope) else sign * np.inf
        for slope, sign in ((upper, -1), (lower, 1))
    ]
    return (lower, upper), (ends[0], ends[1])
