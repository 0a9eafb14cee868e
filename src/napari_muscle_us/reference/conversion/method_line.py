"""A line between two methods, and what it may be drawn from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args

import numpy as np

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.conversion._passing_bablok import MAX_PAIRS
from napari_muscle_us.reference.conversion._resampling import expanded_z

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Values = Sequence[float] | npt.NDArray[np.float64]
    Subjects = Sequence[object] | npt.NDArray[np.object_]

LineMethod = Literal["deming", "weighted-deming", "passing-bablok"]
LINE_METHODS: Final[tuple[LineMethod, ...]] = get_args(LineMethod)
MIN_RESAMPLES: Final = 200
MAX_RESAMPLES: Final = 100_000


@dataclass(frozen=True, slots=True)
class MethodLine:
    """The line ``y = intercept + slope · x`` between two methods.

    Attributes
    ----------
    method : {"deming", "weighted-deming", "passing-bablok"}
        How it was found.
    slope, intercept : float
        The intercept is in the unit of y.
    slope_interval, intercept_interval : tuple of float
        Ends of their confidence intervals.
    zero_interval : tuple of float
        The same of ``−intercept / slope``, the x at which the line crosses y = 0;
        it becomes the interval of the intercept when x and y are exchanged. NaN
        where it was not computed.
    covariance : tuple of tuple of float
        Of intercept and slope, in this order; NaN where it is not known.
    residual_sd : float
        SD of ``y − intercept − slope · x`` with n − 2, in the unit of y.
    level : float
        Of the intervals, such as 0.95.
    intervals : {"jackknife", "ranks", "percentile", "bca"}
        How the intervals were found; the last two by bootstrap.
    ratio : float
        Error variance of y over that of x; NaN for Passing–Bablok.
    n, n_subjects : int
        Pairs, and people that they come from.
    resamples : int
        Bootstrap samples with a line; 0 without bootstrap.
    """

    method: LineMethod
    slope: float
    intercept: float
    slope_interval: tuple[float, float]
    intercept_interval: tuple[float, float]
    zero_interval: tuple[float, float]
    covariance: tuple[tuple[float, float], tuple[float, float]]
    residual_sd: float
    level: float
    intervals: str
    ratio: float
    n: int
    n_subjects: int
    resamples: int = 0

    @property
    def slope_se(self) -> float:
        """Standard error of the slope."""
        return math.sqrt(self.covariance[1][1])

    @property
    def intercept_se(self) -> float:
        """Standard error of the intercept, in the unit of y."""
        return math.sqrt(self.covariance[0][0])


def checked_pairs(x: Values, y: Values, method: str) -> tuple[Floats, Floats]:
    """Return pairs as arrays, or refuse what has no line.

    Raises
    ------
    ReferenceSetError
        If the lengths differ, there are fewer than 3 or too many, a value is not
        finite, one device's are constant, or the method does not suit them.
    """
    if method not in LINE_METHODS:
        raise ReferenceSetError(
            f"The method {method!r:.40} is unknown; use one of "
            f"{', '.join(LINE_METHODS)}."
        )
    first, second = (np.asarray(values, dtype=np.float64) for values in (x, y))
    if first.ndim != 1 or first.shape != second.shape:
        raise ReferenceSetError(
            f"The values have the shapes {first.shape} and {second.shape}; give one "
            "value of each device for each pair."
        )
    if len(first) < 3:
        raise ReferenceSetError(
            f"{len(first)} pairs have no line with errors; give at least 3."
        )
    for values, name in ((first, "first"), (second, "second")):
        _check_values(values, name, method)
    if method == "passing-bablok" and len(first) > MAX_PAIRS:
        raise ReferenceSetError(
            f"Passing–Bablok needs the slope between each two of {len(first)} pairs; "
            f"give at most {MAX_PAIRS}, or use Deming."
        )
    return first, second


def _check_values(values: Floats, name: str, method: str) -> None:
    wrong = ~np.isfinite(values)
    if wrong.any():
        place = int(np.flatnonzero(wrong)[0])
        raise ReferenceSetError(
            f"Pair {place + 1} of {len(values)} has the value {values[place]:g} on the "
            f"{name} device, which is no number; leave it out."
        )
    if values.min() == values.max():
        raise ReferenceSetError(
            f"All {len(values)} values of the {name} device are {values[0]:g}; a line "
            "needs muscles that differ."
        )
    if method == "weighted-deming" and values.min() <= 0:
        raise ReferenceSetError(
            f"Weighted Deming takes errors as a share of the value, and the {name} "
            f"device has the value {values.min():g}; use Deming."
        )


def check_options(ratio: float, resamples: int, level: float) -> None:
    """Refuse a ratio, a number of samples or a level that cannot be."""
    check_level(level)
    if not (math.isfinite(ratio) and ratio > 0):
        raise ReferenceSetError(
            f"The ratio of error variances is {ratio:g}; it must be above 0."
        )
    if not MIN_RESAMPLES <= resamples <= MAX_RESAMPLES:
        raise ReferenceSetError(
            f"{resamples} bootstrap samples were asked for; choose {MIN_RESAMPLES} to "
            f"{MAX_RESAMPLES}."
        )


def check_level(level: float) -> None:
    """Refuse what is no level of an interval."""
    if not 0.5 <= level < 1:
        raise ReferenceSetError(
            f"The level {level:g} of an interval is not from 0.5 to below 1; use 0.95."
        )


def check_people(people: int, resamples: int, level: float) -> None:
    """Refuse an interval whose ends lie beyond the outermost samples."""
    from scipy.special import ndtr

    tail = float(ndtr(-expanded_z(people, level)))
    if resamples * tail >= 1:
        return
    needed = 1 / tail if tail > 0 else math.inf
    advice = "measure more people"
    if needed <= MAX_RESAMPLES:
        advice = f"take at least {math.ceil(needed)} samples or more people"
    raise ReferenceSetError(
        f"{resamples} bootstrap samples of {people} people do not reach the ends of a "
        f"{100 * level:g} % interval; {advice}."
    )


def group_numbers(subjects: Subjects | None, n: int) -> npt.NDArray[np.intp]:
    """Return the number of each pair's person."""
    if subjects is None:
        return np.arange(n)
    named = [str(subject) for subject in subjects]
    if len(named) != n:
        raise ReferenceSetError(
            f"{len(named)} subjects are named for {n} pairs; name one for each."
        )
    _, groups = np.unique(np.array(named), return_inverse=True)
    if groups.max() < 2:
        raise ReferenceSetError(
            f"The {n} pairs come from {groups.max() + 1} people; intervals need at "
            "least 3."
        )
    return np.asarray(groups, dtype=np.intp)


def make_line(
    method: LineMethod,
    x: Floats,
    y: Floats,
    found: tuple[float, float],
    *,
    slope_interval: tuple[float, float],
    intercept_interval: tuple[float, float],
    level: float,
    intervals: str,
    ratio: float,
    n_subjects: int,
    zero_interval: tuple[float, float] = (math.nan, math.nan),
    covariance: Floats | None = None,
    resamples: int = 0,
) -> MethodLine:
    """Return a line with the scatter of the pairs about it."""
    slope, intercept = found
    residual = y - intercept - slope * x
    known = np.full((2, 2), np.nan) if covariance is None else covariance
    return MethodLine(
        method=method,
        slope=slope,
        intercept=intercept,
        slope_interval=(float(slope_interval[0]), float(slope_interval[1])),
        intercept_interval=(
            float(intercept_interval[0]),
            float(intercept_interval[1]),
        ),
        zero_interval=zero_interval,
        covariance=(
            (float(known[0, 0]), float(known[0, 1])),
            (float(known[1, 0]), float(known[1, 1])),
        ),
        residual_sd=float(
            np.sqrt(((residual - residual.mean()) ** 2).sum() / (len(x) - 2))
        ),
        level=level,
        intervals=intervals,
        ratio=ratio,
        n=len(x),
        n_subjects=n_subjects,
        resamples=resamples,
    )
