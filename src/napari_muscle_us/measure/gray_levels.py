"""Gray-level measures beyond ImageJ's, all from the histogram of 256 counts."""

from __future__ import annotations

import math
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.intensity import GRAY_LEVELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from napari_muscle_us.measure.intensity import IntensityStatistics

Band = tuple[int, int]

DEFAULT_BANDS: Final[tuple[Band, ...]] = (
    (0, 50),
    (51, 100),
    (101, 150),
    (151, 200),
    (201, 255),
)
"""Bands of 50 gray levels, both ends included."""

_BLACK: Final = "undefined where all pixels are black"
_BLACK_FAT: Final = "undefined where the fat region is black"
_BAND: Final = re.compile(r"\s*(\d{1,3})\s*[-–]\s*(\d{1,3})\s*", re.ASCII)


def percentile(histogram: npt.NDArray[np.int64], q: float) -> int:
    r"""Return the gray level below which about a given share of the pixels lies.

    .. math:: P_q = \min\{i : \sum_{j \le i} h_j > n\,q/100\},\quad P_{100} = \max

    This is the rule of ImageJ's median, so that the 50th percentile *is* the median: a
    gray level that occurs, never one between two. It is NumPy's method
    ``"inverted_cdf"``, save that where :math:`n\,q/100` is a whole number it takes
    the next pixel up, as ImageJ does.

    Parameters
    ----------
    histogram : ndarray of int, shape (256,)
        Number of pixels of each gray level.
    q : float
        Percentage, 0 … 100.

    Returns
    -------
    int
        Gray level; the lowest that occurs for 0, the highest for 100.

    Raises
    ------
    MeasureError
        If `q` is no percentage, or the histogram is empty or none.

    References
    ----------
    IBSI QG58 (10th) and 8DWT (90th percentile), which leave the method open. ImageJ
    1.53t, ``ij/process/ByteStatistics.java``.

    Examples
    --------
    >>> import numpy as np
    >>> counts = np.bincount([2, 4, 6, 8], minlength=256)
    >>> percentile(counts, 50), percentile(counts, 90), percentile(counts, 100)
    (6, 8, 8)
    """
    q = checked_percentage(q)
    cumulated = _counts(histogram).cumsum()
    n = int(cumulated[-1])
    # Hundredfold counts are whole numbers, which no division has rounded.
    place = np.searchsorted(cumulated * 100, n * q, side="right")
    return int(min(place, np.searchsorted(cumulated, n)))


def checked_percentage(q: float) -> float:
    """Return a percentage as float.

    Raises
    ------
    MeasureError
        If it is not between 0 and 100.
    """
    try:
        number = math.nan if isinstance(q, bool) else float(q)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not 0 <= number <= 100:
        raise MeasureError(f"The percentile {q!r} is not possible; give 0 to 100.")
    return number


def cumulative(histogram: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the share of pixels up to each gray level, in %.

    Parameters
    ----------
    histogram : ndarray of int, shape (256,)
        Number of pixels of each gray level.

    Returns
    -------
    ndarray of float64, shape (256,)
        Rising; the last is 100.

    Raises
    ------
    MeasureError
        If the histogram is empty or none.

    Examples
    --------
    >>> import numpy as np
    >>> cumulative(np.bincount([0, 1, 1, 255], minlength=256))[[0, 1, 254, 255]]
    array([ 25.,  75.,  75., 100.])
    """
    cumulated = _counts(histogram).cumsum()
    return np.asarray(100.0 * cumulated / cumulated[-1])


def band_shares(
    histogram: npt.NDArray[np.int64],
    bands: Sequence[Band] = DEFAULT_BANDS,
    *,
    allow_overlap: bool = False,
) -> tuple[float, ...]:
    """Return the share of the pixels in each band of gray levels, in %.

    Parameters
    ----------
    histogram : ndarray of int, shape (256,)
        Number of pixels of each gray level.
    bands : sequence of (int, int)
        Lowest and highest gray level of each band, both included.
    allow_overlap : bool, default: False
        Whether a gray level may lie in two bands. Then the shares can exceed 100.

    Returns
    -------
    tuple of float
        In %, one a band. Bands that hold every level once sum to 100.

    Raises
    ------
    MeasureError
        If a band is none, or two overlap; or the histogram is empty or none.

    References
    ----------
    Logeson ZS et al. The impact of skeletal muscle disuse on distinct echo intensity
    bands. PLoS One 2022. doi:10.1371/journal.pone.0262553

    Examples
    --------
    >>> import numpy as np
    >>> band_shares(np.bincount([0, 50, 51, 255], minlength=256))
    (50.0, 25.0, 0.0, 0.0, 25.0)
    """
    counts = _counts(histogram)
    n = int(counts.sum())
    checked = checked_bands(bands, allow_overlap=allow_overlap)
    return tuple(100.0 * int(counts[low : high + 1].sum()) / n for low, high in checked)


def checked_bands(
    bands: Sequence[Band], *, allow_overlap: bool = False
) -> tuple[Band, ...]:
    """Return bands of gray levels as they were given, after a check.

    Raises
    ------
    MeasureError
        If a band is not two whole gray levels in order, is there twice, or overlaps
        another.
    """
    try:
        checked = tuple(_checked_band(*band) for band in bands)
    except TypeError:
        raise MeasureError(
            f"The bands {bands!r} are not pairs of gray levels; give each as its "
            "lowest and highest, such as (0, 50)."
        ) from None
    ordered = sorted(checked)
    for (low, high), (other_low, other_high) in pairwise(ordered):
        if (low, high) == (other_low, other_high):
            raise MeasureError(
                f"The band {low}–{high} is there twice; give each band once."
            )
        if other_low <= high and not allow_overlap:
            raise MeasureError(
                f"The bands {low}–{high} and {other_low}–{other_high} overlap; end one "
                "below where the other begins, or allow overlapping bands."
            )
    return checked


def band_from_text(text: str) -> Band:
    """Return the band that a text such as ``"51-100"`` tells.

    Raises
    ------
    MeasureError
        If it is no band.

    Examples
    --------
    >>> band_from_text("51-100")
    (51, 100)
    """
    found = _BAND.fullmatch(text)
    if found is None:
        raise MeasureError(
            f"The band {text!r} is not LOW-HIGH; give two gray levels, such as 51-100."
        )
    return _checked_band(int(found[1]), int(found[2]))


def echovariation(stats: IntensityStatistics) -> float:
    r"""Return the echovariation: SD over mean, in %.

    .. math:: EV = 100\,s / \bar g

    Parameters
    ----------
    stats : IntensityStatistics
        Statistics of a region.

    Returns
    -------
    float
        In %. NaN for a single pixel and where all pixels are black; see
        `echovariation_reason`.

    References
    ----------
    Asadi B et al. Characterizing muscle tissue quality post-stroke: echovariation as
    a clinical indicator. J Clin Med 2024;13:7800. doi:10.3390/jcm13247800

    Examples
    --------
    >>> import numpy as np
    >>> from napari_muscle_us.measure.intensity import statistics_of
    >>> echovariation(statistics_of(np.bincount([1, 2, 3], minlength=256)))
    50.0
    """
    return 100.0 * stats.sd / stats.mean if stats.mean > 0 else math.nan


def echovariation_reason(stats: IntensityStatistics) -> str:
    """Return why the echovariation is NaN, or an empty string."""
    return stats.reason("sd") or ("" if stats.mean > 0 else _BLACK)


def entropy_bits(histogram: npt.NDArray[np.int64]) -> float:
    r"""Return the entropy of the gray levels, in bits.

    .. math:: H = -\sum_i p_i \log_2 p_i,\quad p_i = h_i / n,

    over the gray levels that occur, in bins of width 1. It says how evenly the levels
    are used, not how they lie in the image.

    Parameters
    ----------
    histogram : ndarray of int, shape (256,)
        Number of pixels of each gray level.

    Returns
    -------
    float
        From 0, where all pixels are alike, to 8, where all levels are equally often.

    Raises
    ------
    MeasureError
        If the histogram is empty or none.

    References
    ----------
    IBSI TLU2, with a fixed bin width of 1.

    Examples
    --------
    >>> import numpy as np
    >>> entropy_bits(np.bincount([1, 1, 7, 9], minlength=256))
    1.5
    """
    counts = _counts(histogram)
    shares = counts[counts > 0] / counts.sum()
    # Adding zero turns the −0.0 of a constant region into 0.
    return float(-(shares @ np.log2(shares))) + 0.0


def mean_above_black(histogram: npt.NDArray[np.int64]) -> float:
    r"""Return the mean gray level of the pixels that are not black.

    .. math:: \bar g_{>0} = \sum_{i > 0} i\,h_i \Big/ \sum_{i > 0} h_i

    For reproducing the Radboud workflow only: a black pixel inside a region belongs to
    the muscle, as ImageJ counts it.

    Parameters
    ----------
    histogram : ndarray of int, shape (256,)
        Number of pixels of each gray level.

    Returns
    -------
    float
        From 1 to 255; NaN where all are black, see `mean_above_black_reason`.

    Raises
    ------
    MeasureError
        If the histogram is empty or none.

    References
    ----------
    CreateRandom/muscle-ultrasound, ``baselines/zscores.py``.

    Examples
    --------
    >>> import numpy as np
    >>> mean_above_black(np.bincount([0, 0, 40, 60], minlength=256))
    50.0
    """
    counts = _counts(histogram)[1:]
    n = int(counts.sum())
    return int(counts @ np.arange(1, GRAY_LEVELS)) / n if n else math.nan


def mean_above_black_reason(histogram: npt.NDArray[np.int64]) -> str:
    """Return why the mean without black pixels is NaN, or an empty string."""
    return _BLACK if math.isnan(mean_above_black(histogram)) else ""


def luminosity_ratio(muscle: IntensityStatistics, fat: IntensityStatistics) -> float:
    r"""Return the mean gray level of muscle over that of subcutaneous fat.

    .. math:: L = \bar g_{muscle} / \bar g_{fat}

    Gain brightens both, so that the ratio depends on it less than the mean does. It
    is not free of it: the gray scale is compressed, and the fat differs in depth.

    Parameters
    ----------
    muscle, fat : IntensityStatistics
        Statistics of the two regions, in one image.

    Returns
    -------
    float
        Without unit. NaN where the fat region is black.

    Examples
    --------
    >>> import numpy as np
    >>> from napari_muscle_us.measure.intensity import statistics_of
    >>> muscle, fat = (np.bincount([g], minlength=256) for g in (60, 120))
    >>> luminosity_ratio(statistics_of(muscle), statistics_of(fat))
    0.5
    """
    return muscle.mean / fat.mean if fat.mean > 0 else math.nan


def luminosity_ratio_reason(fat: IntensityStatistics) -> str:
    """Return why the luminosity ratio is NaN, or an empty string."""
    return "" if fat.mean > 0 else _BLACK_FAT


def _counts(histogram: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return a histogram of 8-bit gray levels, or refuse what is none."""
    counts = np.asarray(histogram)
    whole = counts.shape == (GRAY_LEVELS,) and counts.dtype.kind in "iu"
    if not whole or counts.min() < 0:
        raise MeasureError(
            f"A histogram needs {GRAY_LEVELS} counts of pixels, not {counts.dtype} of "
            f"shape {counts.shape}; take it from measure_intensity."
        )
    if not counts.any():
        raise MeasureError("The region covers 0 pixels; draw it inside the image.")
    return counts.astype(np.int64)


def _checked_band(low: int, high: int) -> Band:
    whole = all(type(v) is int or isinstance(v, np.integer) for v in (low, high))
    if not whole or not 0 <= low <= high < GRAY_LEVELS:
        raise MeasureError(
            f"The band {low}–{high} is not possible; give whole gray levels from 0 to "
            "255, the lower first."
        )
    return int(low), int(high)
