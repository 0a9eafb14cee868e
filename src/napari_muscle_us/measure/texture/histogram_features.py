"""Statistics of the histogram of levels: the 23 of the standard, exactly."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.texture.features import Feature
from napari_muscle_us.measure.texture.first_order import (
    FEATURES as STATISTICS,
)
from napari_muscle_us.measure.texture.first_order import (
    first_order_reason,
    statistics_of_counts,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

_CODES: Final = {
    "mean": "X6K6",
    "variance": "CH89",
    "skewness": "88K1",
    "kurtosis": "C3I7",
    "median": "WIFQ",
    "minimum": "1PR8",
    "percentile_10": "GPMT",
    "percentile_90": "OZ0C",
    "maximum": "3NCY",
    "mode": "AMMC",
    "interquartile_range": "WR0O",
    "range": "5Z3W",
    "mean_absolute_deviation": "D2ZX",
    "robust_mean_absolute_deviation": "WRZB",
    "median_absolute_deviation": "4RNL",
    "coefficient_of_variation": "CWYJ",
    "quartile_coefficient_of_dispersion": "SLWD",
    "entropy": "TLU2",
    "uniformity": "BJ5W",
    "maximum_gradient": "12CE",
    "maximum_gradient_level": "8E6O",
    "minimum_gradient": "VQB3",
    "minimum_gradient_level": "RHQZ",
}

# Of the histogram alone: unit, label, formula, meaning.
_OWN: Final = {
    "mode": (
        "level",
        "Mode",
        r"\arg\max_i n_i",
        "Most frequent level; with bins of fixed size it rises when muscle is replaced "
        "by fat.",
    ),
    "entropy": (
        "bit",
        "Entropy",
        r"-\sum_i p_i \log_2 p_i",
        "High where many levels are used equally often; how it changes with fat is not "
        "settled.",
    ),
    "uniformity": (
        "1",
        "Uniformity",
        r"\sum_i p_i^2",
        "High where few levels hold most pixels, as in an evenly dark or evenly bright "
        "muscle; how it changes with fat is not settled.",
    ),
    "maximum_gradient": (
        "px/level",
        "Maximum histogram gradient",
        r"\max_i H'_i",
        "Steepest rise of the histogram; it grows with the size of the region and says "
        "little about tissue.",
    ),
    "maximum_gradient_level": (
        "level",
        "Maximum histogram gradient level",
        r"\arg\max_i H'_i",
        "Level at which the histogram rises most steeply; with bins of fixed size it "
        "moves up as the muscle turns brighter.",
    ),
    "minimum_gradient": (
        "px/level",
        "Minimum histogram gradient",
        r"\min_i H'_i",
        "Steepest fall of the histogram; it grows with the size of the region and says "
        "little about tissue.",
    ),
    "minimum_gradient_level": (
        "level",
        "Minimum histogram gradient level",
        r"\arg\min_i H'_i",
        "Level at which the histogram falls most steeply; with bins of fixed size it "
        "moves up as the muscle turns brighter.",
    ),
}

# Meanings that differ from those of the gray levels, for a fixed number of bins takes
# the brightness out.
_OF_LEVELS: Final = {
    "mean": "Average level; with bins of fixed size it rises when muscle is replaced "
    "by fat or fibrous tissue.",
    "median": "Level in the middle of all pixels; with bins of fixed size it rises "
    "when muscle is replaced by fat, and single bright pixels hardly move it.",
    "minimum": "Lowest level; it is a matter of single pixels and of the gain, and "
    "always 1 with a fixed number of bins.",
    "percentile_10": "Level of the dark parts; with bins of fixed size it rises when "
    "the dark muscle between the septa turns bright.",
    "percentile_90": "Level of the bright parts; with bins of fixed size it rises with "
    "fat, and with septa and fascia in the region.",
    "maximum": "Highest level; it is a matter of single pixels, often of fascia, and "
    "always the last with a fixed number of bins.",
    "range": "Distance of the lowest and the highest level; it is a matter of single "
    "pixels, and always the same with a fixed number of bins.",
    "coefficient_of_variation": "Spread in relation to the average level; with bins of "
    "fixed size it falls when the muscle as a whole turns bright.",
    "quartile_coefficient_of_dispersion": "Range of the middle half in relation to its "
    "level; with bins of fixed size it falls when the muscle as a whole turns bright.",
}

_SHARED: Final = {feature.key[5:]: feature for feature in STATISTICS}


def _feature(name: str, code: str) -> Feature:
    if name in _OWN:
        return Feature(f"hist.{name}", code, *_OWN[name])
    of_gray = _SHARED[name]
    unit = of_gray.unit.replace("gray level", "level")
    meaning = _OF_LEVELS.get(name, of_gray.meaning)
    return Feature(f"hist.{name}", code, unit, of_gray.label, of_gray.formula, meaning)


FEATURES: Final[tuple[Feature, ...]] = tuple(
    _feature(name, code) for name, code in _CODES.items()
)
"""The 23 features of the intensity histogram, in the order of the standard."""


def histogram_features(
    levels: npt.NDArray[np.uint16], n_levels: int
) -> dict[str, float]:
    r"""Return the 23 features of the histogram of levels, over all frames at once.

    With the counts :math:`n_i` of the levels 1 … N_g and :math:`p_i = n_i / N`;
    formulas are in `FEATURES`. The gradient is the central difference, at both ends
    the difference to the neighbour:

    .. math:: H'_i = (n_{i+1} - n_{i-1}) / 2

    Levels below the region's darkest belong to the histogram and are empty, so that
    the gradient sees its rise; above the highest it ends.

    Parameters
    ----------
    levels : ndarray of uint16, shape (frame, depth, lateral)
        0 outside the region, 1 … `n_levels` inside.
    n_levels : int
        Highest level in the region, N_g.

    Returns
    -------
    dict of str to float
        A value for each key of `FEATURES`. NaN where a value is undefined, for which
        `histogram_reason` gives the reason.

    Raises
    ------
    MeasureError
        If no level is above 0, or one is above `n_levels`.

    Notes
    -----
    Of several most frequent levels the mode is the one nearest to the mean, and of
    two as near the lower; ImageJ takes the lowest of all. Of several equal gradients
    the lowest level is given.

    References
    ----------
    IBSI, intensity histogram; codes in `FEATURES`. doi:10.1148/radiol.2020191145

    Examples
    --------
    >>> import numpy as np
    >>> levels = np.array([[[0, 1, 1, 2, 4]]], np.uint16)
    >>> found = histogram_features(levels, 4)
    >>> found["hist.entropy"], found["hist.mode"], found["hist.minimum_gradient"]
    (1.5, 1.0, -1.0)
    """
    counts = level_counts(levels, n_levels)
    numbers = np.arange(1, n_levels + 1)
    found = statistics_of_counts(numbers, counts) | _of_histogram(counts)
    return {feature.key: found[feature.key[5:]] for feature in FEATURES}


def histogram_reason(key: str, values: Mapping[str, float]) -> str:
    """Return why a value of `histogram_features` is NaN, or an empty string.

    Parameters
    ----------
    key : str
        Key of `FEATURES`.
    values : mapping of str to float
        What `histogram_features` gave.

    Returns
    -------
    str
        Phrase without full stop.

    Examples
    --------
    >>> import numpy as np
    >>> found = histogram_features(np.ones((1, 2, 2), np.uint16), 1)
    >>> histogram_reason("hist.maximum_gradient", found)
    'undefined where the histogram has a single level'
    """
    if math.isnan(values[key]) and "gradient" in key:
        return "undefined where the histogram has a single level"
    return first_order_reason(key, values).replace("gray level", "level")


def level_counts(
    levels: npt.NDArray[np.uint16], n_levels: int
) -> npt.NDArray[np.int64]:
    """Return the number of pixels of each level of a region.

    Parameters
    ----------
    levels : ndarray of uint16
        0 outside the region, 1 … `n_levels` inside.
    n_levels : int
        Highest level in the region.

    Returns
    -------
    ndarray of int64, shape (n_levels,)
        Counts of the levels 1 … `n_levels`.

    Raises
    ------
    MeasureError
        If no level is above 0, or one is above `n_levels`.

    Examples
    --------
    >>> import numpy as np
    >>> level_counts(np.array([[[0, 1, 1, 3]]], np.uint16), 3)
    array([2, 0, 1])
    """
    highest = int(levels.max(initial=0))
    if highest > n_levels:
        raise MeasureError(
            f"The region has levels up to {highest} and was said to have {n_levels}; "
            "take both from discretise."
        )
    counts = np.zeros(n_levels + 1, np.int64)
    # Frame by frame: counting takes eight bytes a pixel for the while.
    for frame in levels:
        counts += np.bincount(frame.reshape(-1), minlength=n_levels + 1)
    if not counts[1:].any():
        raise MeasureError("The region covers 0 pixels; draw it inside the image.")
    return counts[1:]


def _of_histogram(counts: npt.NDArray[np.int64]) -> dict[str, float]:
    """Return the features that the gray levels themselves do not have."""
    n = int(counts.sum())
    p = counts[counts > 0] / n
    highest, lowest = (math.nan, math.nan), (math.nan, math.nan)
    if len(counts) > 1:
        gradient = np.gradient(counts.astype(np.float64))
        up, down = int(gradient.argmax()), int(gradient.argmin())
        highest = (float(gradient[up]), up + 1.0)
        lowest = (float(gradient[down]), down + 1.0)
    return {
        "mode": _mode(counts, n),
        # Adding zero turns the −0.0 of a constant region into 0.
        "entropy": -math.fsum(p * np.log2(p)) + 0.0,
        "uniformity": sum(c * c for c in counts.tolist()) / (n * n),
        "maximum_gradient": highest[0],
        "maximum_gradient_level": highest[1],
        "minimum_gradient": lowest[0],
        "minimum_gradient_level": lowest[1],
    }


def _mode(counts: npt.NDArray[np.int64], n: int) -> float:
    """Return the most frequent level nearest to the mean, the lower of two as near."""
    total = int(counts @ np.arange(1, len(counts) + 1))
    modes = (np.flatnonzero(counts == counts.max()) + 1).tolist()
    return float(min(modes, key=lambda level: (abs(level * n - total), level)))
