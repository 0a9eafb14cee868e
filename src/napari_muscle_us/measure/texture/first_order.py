"""First-order statistics of the gray levels: the 18 of the standard, exactly."""

from __future__ import annotations

import math
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.measure.texture.discretise import (
    checked_region,
    region_histogram,
)
from napari_muscle_us.measure.texture.features import Feature

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

_UNSETTLED: Final = "how it changes with fat is not settled"

# Name, code, power of the unit, label, formula, meaning.
_TABLE: Final = (
    (
        "mean",
        "Q4LE",
        1,
        "Mean",
        r"\mu = \frac{1}{N}\sum_k X_k",
        "Average brightness, the echo intensity; it rises when muscle is replaced by "
        "fat or fibrous tissue.",
    ),
    (
        "variance",
        "ECT3",
        2,
        "Variance",
        r"\sigma^2 = \frac{1}{N}\sum_k (X_k - \mu)^2",
        "Spread of the brightness; bright streaks in dark muscle raise it and an "
        "evenly bright muscle lowers it.",
    ),
    (
        "skewness",
        "KE2A",
        0,
        "Skewness",
        r"\frac{1}{N}\sum_k (X_k - \mu)^3 / \sigma^3",
        f"Above 0 where a few bright pixels stand out of dark muscle; {_UNSETTLED}.",
    ),
    (
        "kurtosis",
        "IPH6",
        0,
        "(Excess) kurtosis",
        r"\frac{1}{N}\sum_k (X_k - \mu)^4 / \sigma^4 - 3",
        "Above 0 where most pixels are alike and a few are far brighter or darker; "
        f"{_UNSETTLED}.",
    ),
    (
        "median",
        "Y12H",
        1,
        "Median",
        r"P_{50}",
        "Brightness that half of the pixels exceed; it rises when muscle is replaced "
        "by fat, and single bright pixels hardly move it.",
    ),
    (
        "minimum",
        "1GSF",
        1,
        "Minimum",
        r"\min_k X_k",
        "Darkest pixel; it is a matter of single pixels and of the gain.",
    ),
    (
        "percentile_10",
        "QG58",
        1,
        "10th percentile",
        r"P_{10}",
        "Brightness of the dark parts; it rises when the dark muscle between the "
        "septa turns bright.",
    ),
    (
        "percentile_90",
        "8DWT",
        1,
        "90th percentile",
        r"P_{90}",
        "Brightness of the bright parts; it rises with fat, and with septa and fascia "
        "in the region.",
    ),
    (
        "maximum",
        "84IY",
        1,
        "Maximum",
        r"\max_k X_k",
        "Brightest pixel; it is a matter of single pixels, often of fascia.",
    ),
    (
        "interquartile_range",
        "SALO",
        1,
        "Interquartile range",
        r"P_{75} - P_{25}",
        "Range of the middle half of the pixels; bright streaks in dark muscle raise "
        "it and an evenly bright muscle lowers it.",
    ),
    (
        "range",
        "2OJQ",
        1,
        "Range",
        r"\max_k X_k - \min_k X_k",
        "Distance of the darkest and the brightest pixel; it is a matter of single "
        "pixels.",
    ),
    (
        "mean_absolute_deviation",
        "4FUA",
        1,
        "Mean absolute deviation",
        r"\frac{1}{N}\sum_k |X_k - \mu|",
        "Average distance from the mean; bright streaks in dark muscle raise it and "
        "an evenly bright muscle lowers it.",
    ),
    (
        "robust_mean_absolute_deviation",
        "1128",
        1,
        "Robust mean absolute deviation",
        r"\frac{1}{N'}\sum_{k'} |X_{k'} - \mu'|,\ P_{10} \le X_{k'} \le P_{90}",
        "As the mean absolute deviation, without the darkest and the brightest tenth; "
        f"{_UNSETTLED}.",
    ),
    (
        "median_absolute_deviation",
        "N72L",
        1,
        "Median absolute deviation",
        r"\frac{1}{N}\sum_k |X_k - P_{50}|",
        "Average distance from the median; bright streaks in dark muscle raise it and "
        "an evenly bright muscle lowers it.",
    ),
    (
        "coefficient_of_variation",
        "7TET",
        0,
        "Coefficient of variation",
        r"\sigma / \mu",
        "Spread in relation to the brightness: the echovariation, but no percentage, "
        "and with n for n − 1; it falls when the muscle as a whole turns bright.",
    ),
    (
        "quartile_coefficient_of_dispersion",
        "9S40",
        0,
        "Quartile coefficient of dispersion",
        r"(P_{75} - P_{25}) / (P_{75} + P_{25})",
        "Range of the middle half in relation to its brightness; it falls when the "
        "muscle as a whole turns bright.",
    ),
    (
        "energy",
        "N8CA",
        2,
        "Energy",
        r"\sum_k X_k^2",
        "Sum of the squared brightness; it rises with fat, but with the size of the "
        "region too: compare equal regions only.",
    ),
    (
        "root_mean_square",
        "5ZWQ",
        1,
        "Root mean square",
        r"\sqrt{\frac{1}{N}\sum_k X_k^2}",
        "Brightness that gives bright pixels more weight than the mean; it rises when "
        "muscle is replaced by fat.",
    ),
)

_UNITS: Final = ("1", "gray level", "gray level²")

FEATURES: Final[tuple[Feature, ...]] = tuple(
    Feature(f"stat.{name}", code, _UNITS[power], label, formula, meaning)
    for name, code, power, label, formula, meaning in _TABLE
)
"""The 18 intensity-based statistics of the standard, in its order."""


def first_order_features(
    gray: npt.NDArray[np.uint8], mask: npt.NDArray[np.bool_]
) -> dict[str, float]:
    """Return the 18 statistics of the gray levels inside a mask.

    They are taken before discretisation and over all frames at once; formulas are in
    `FEATURES`. Percentiles lie between two pixels by linear interpolation, and the
    variance has n: the standard's definitions, which differ from those of ImageJ in
    ``intensity.sd`` and ``intensity.median``.

    Parameters
    ----------
    gray : ndarray of uint8, shape (depth, lateral) or (frame, depth, lateral)
        Gray levels. A pixel of value 0 inside the region counts.
    mask : ndarray of bool, same shape
        Pixels of the region; of shape (depth, lateral) it holds for every frame.

    Returns
    -------
    dict of str to float
        A value for each key of `FEATURES`, in gray levels or their square. NaN where
        a value is undefined, for which `first_order_reason` gives the reason.

    Raises
    ------
    MeasureError
        If the image is not 8-bit gray, the shapes differ, or the region covers no
        pixel.

    References
    ----------
    IBSI, intensity-based statistics; codes in `FEATURES`.
    doi:10.1148/radiol.2020191145

    Examples
    --------
    >>> import numpy as np
    >>> gray = np.array([[1, 2], [3, 200]], np.uint8)
    >>> found = first_order_features(gray, gray < 100)
    >>> found["stat.mean"], found["stat.percentile_90"], found["stat.energy"]
    (2.0, 2.8, 14.0)
    """
    counts = region_histogram(*checked_region(gray, mask))
    found = statistics_of_counts(np.arange(len(counts)), counts)
    return {feature.key: found[feature.key[5:]] for feature in FEATURES}


def first_order_reason(key: str, values: Mapping[str, float]) -> str:
    """Return why a value of `first_order_features` is NaN, or an empty string.

    Parameters
    ----------
    key : str
        Key of `FEATURES`.
    values : mapping of str to float
        What `first_order_features` gave.

    Returns
    -------
    str
        Phrase without full stop.

    Examples
    --------
    >>> import numpy as np
    >>> black = np.zeros((2, 2), np.uint8)
    >>> found = first_order_features(black, black == 0)
    >>> first_order_reason("stat.skewness", found)
    'undefined where all pixels have the same gray level'
    """
    if not math.isnan(values[key]):
        return ""
    name = key.partition(".")[2]
    if name in ("skewness", "kurtosis"):
        return "undefined where all pixels have the same gray level"
    if name == "robust_mean_absolute_deviation":
        return "undefined where no pixel lies between the 10th and 90th percentile"
    return "undefined where the pixels it is divided by are black"


def statistics_of_counts(
    values: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]
) -> dict[str, float]:
    """Return the 18 statistics of whole numbers that occur a number of times.

    All sums are whole numbers of any length, so that each result is rounded once or
    twice at its end, however large the region is.

    Parameters
    ----------
    values : ndarray of int
        Numbers, rising.
    counts : ndarray of int, same shape
        How often each occurs; one at least does.

    Returns
    -------
    dict of str to float
        A value for each name of the standard in snake case; NaN where undefined.

    Examples
    --------
    >>> import numpy as np
    >>> found = statistics_of_counts(np.array([1, 3]), np.array([2, 2]))
    >>> found["mean"], found["variance"], found["skewness"], found["kurtosis"]
    (2.0, 1.0, 0.0, -2.0)
    """
    present = counts > 0
    pairs = list(zip(values[present].tolist(), counts[present].tolist(), strict=True))
    n = sum(c for _, c in pairs)
    total = sum(v * c for v, c in pairs)
    energy = sum(v * v * c for v, c in pairs)
    low, high = pairs[0][0], pairs[-1][0]
    p10, p25, p50, p75, p90 = (_percentile(pairs, n, q) for q in (10, 25, 50, 75, 90))
    kept = [(v, c) for v, c in pairs if p10 <= 100 * v <= p90]
    variance = (n * energy - total * total) / (n * n)
    return {
        "mean": total / n,
        "variance": variance,
        **_shape(pairs, n, total),
        "median": p50 / 100,
        "minimum": float(low),
        "percentile_10": p10 / 100,
        "percentile_90": p90 / 100,
        "maximum": float(high),
        "interquartile_range": (p75 - p25) / 100,
        "range": float(high - low),
        "mean_absolute_deviation": _mean_deviation(pairs),
        "robust_mean_absolute_deviation": _mean_deviation(kept),
        "median_absolute_deviation": sum(c * abs(100 * v - p50) for v, c in pairs)
        / (100 * n),
        "coefficient_of_variation": _ratio(n * math.sqrt(variance), total),
        "quartile_coefficient_of_dispersion": _ratio(p75 - p25, p75 + p25),
        "energy": float(energy),
        "root_mean_square": math.sqrt(energy / n),
    }


def _shape(pairs: list[tuple[int, int]], n: int, total: int) -> dict[str, float]:
    """Return skewness and excess kurtosis, NaN where all values are alike."""
    centred = [(n * v - total, c) for v, c in pairs]
    second, third, fourth = (sum(c * d**k for d, c in centred) for k in (2, 3, 4))
    if second == 0:
        return {"skewness": math.nan, "kurtosis": math.nan}
    # The factors of n that the whole numbers carry leave √n and n.
    return {
        "skewness": (third / second) * math.sqrt(n / second),
        "kurtosis": (n * fourth - 3 * second * second) / (second * second),
    }


def _percentile(pairs: list[tuple[int, int]], n: int, q: int) -> int:
    """Return a hundred times the percentile by linear interpolation."""
    place, part = divmod((n - 1) * q, 100)
    cumulated = list(accumulate(c for _, c in pairs))
    below = pairs[bisect_right(cumulated, place)][0]
    above = pairs[bisect_right(cumulated, place + (part > 0))][0]
    return 100 * below + part * (above - below)


def _mean_deviation(pairs: list[tuple[int, int]]) -> float:
    """Return the mean distance from the mean, NaN of nothing."""
    n = sum(c for _, c in pairs)
    total = sum(v * c for v, c in pairs)
    return _ratio(sum(c * abs(n * v - total) for v, c in pairs), n * n)


def _ratio(part: float, whole: float) -> float:
    return part / whole if whole else math.nan
