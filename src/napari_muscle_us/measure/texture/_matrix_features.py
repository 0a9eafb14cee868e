"""What the matrices of gray level and a second index share: check, count, describe.

The run length, size zone, distance zone and dependence matrices all count things (runs,
zones, pixels) by their gray level and by one whole number more. The standard gives
them the same 16 features under other names, and the last one a seventeenth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, get_args

import numpy as np

from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.texture._checks import shown, whole
from napari_muscle_us.measure.texture.features import Feature

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    Levels = npt.NDArray[np.uint16]
    Counts = npt.NDArray[np.int64]
    Values = npt.NDArray[np.float64]

Aggregation: TypeAlias = Literal["2d_avg", "2d_s_mrg", "2.5d_d_mrg", "2.5d_v_mrg"]
"""How matrices of directions and frames are brought together: BTW3, SUJT, JJUI, ZW7Z.

A family without directions knows two ways only: both names that begin with ``"2d"``
mean the mean over the frames (8QNN), both that begin with ``"2.5d"`` one matrix of all
frames (62GR).
"""

MAX_LEVELS: Final = 4096
"""Most gray levels of a matrix, so that a mistaken number does not fill the memory."""

MAX_REACH: Final = 15
"""Longest distance of a neighbour in pixels, for the same reason."""


@dataclass(frozen=True, slots=True, eq=False)
class CountMatrix:
    """How often each gray level occurs with each value of a second index.

    Attributes
    ----------
    counts : ndarray of int64, shape (n_levels, n_columns)
        Number of runs, zones or pixels; row 0 is gray level 1. Read-only.
    columns : ndarray of int64, shape (n_columns,)
        Value of the second index, a column each: length, size, distance, dependence.
        Read-only.
    n_units : int
        Number of pixels, times the number of directions where runs are counted.
    """

    counts: Counts
    columns: Counts
    n_units: int

    def __post_init__(self) -> None:
        self.counts.setflags(write=False)
        self.columns.setflags(write=False)


@dataclass(frozen=True, slots=True)
class Words:
    """How a family speaks: what it counts, by what, in which symbols."""

    family: str
    letter: str
    last: str
    units: str


@dataclass(frozen=True, slots=True)
class Frames:
    """Levels of an ROI with the box around it in each frame that it touches.

    `boxes` has the columns of `_run_kernels.frame_boxes`; `stacks` are the frames
    whose counts belong into one matrix.
    """

    levels: Levels
    n_levels: int
    boxes: Counts
    stacks: tuple[tuple[int, ...], ...]

    def n_pixels(self, stack: Sequence[int]) -> int:
        """Return the number of pixels inside the ROI in some frames."""
        return int(self.boxes[list(stack), 0].sum())

    def field(self, frame: int, rows: int, columns: int) -> npt.NDArray[np.int32]:
        """Return the box of a frame with a margin of zeros."""
        from napari_muscle_us.measure.texture._run_kernels import framed

        found: npt.NDArray[np.int32] = framed(
            self.levels, frame, self.boxes[frame], rows, columns
        )
        return found


def checked_frames(levels: Levels, n_levels: int, aggregation: str) -> Frames:
    """Return levels that the compiled loops can trust, with the frames to merge.

    Without a pixel inside there is no stack, hence no matrix.

    Raises
    ------
    MeasureError
        If levels, their number or the aggregation are not what they must be.
    """
    from napari_muscle_us.measure.texture._run_kernels import frame_boxes

    array = np.asarray(levels)
    if array.ndim != 3 or array.dtype != np.uint16:
        raise MeasureError(
            f"Texture needs gray levels as uint16 of shape (frame, depth, lateral); "
            f"{array.dtype} of {array.ndim} dimensions was given. Discretise first."
        )
    if aggregation not in get_args(Aggregation):
        known = ", ".join(get_args(Aggregation))
        raise MeasureError(
            f"Aggregation {aggregation!r} is not known; choose one of {known}."
        )
    boxes = frame_boxes(np.ascontiguousarray(array))
    _check_number(n_levels, int(boxes[:, 5].max(initial=0)))
    occupied = tuple(int(frame) for frame in np.flatnonzero(boxes[:, 0]))
    merged = (occupied,) if occupied else ()
    stacks = merged if aggregation.startswith("2.5d") else tuple((f,) for f in occupied)
    return Frames(np.ascontiguousarray(array), int(n_levels), boxes, stacks)


def _check_number(n_levels: int, highest: int) -> None:
    if isinstance(n_levels, bool) or not isinstance(n_levels, (int, np.integer)):
        raise MeasureError(f"The number of levels must be whole; it is {n_levels!r}.")
    if n_levels > MAX_LEVELS:
        raise MeasureError(
            f"Texture takes at most {MAX_LEVELS} gray levels; {n_levels} were given. "
            "Choose wider bins."
        )
    if n_levels < highest:
        raise MeasureError(
            f"The region holds gray level {highest}, but {n_levels} levels were told; "
            "give the highest level."
        )


def checked_reach(distance_px: int) -> int:
    """Return a distance of neighbours (Chebyshev), if it can be used.

    Raises
    ------
    MeasureError
        If it is not a whole number from 1 to `MAX_REACH`.
    """
    reach = whole(distance_px)
    if reach is None or not 1 <= reach <= MAX_REACH:
        raise MeasureError(
            f"The distance of neighbours must be a whole number of pixels from 1 to "
            f"{MAX_REACH}; it is {shown(distance_px)}."
        )
    return reach


def mean_features(
    matrices: Iterable[CountMatrix], features: Sequence[Feature]
) -> dict[str, float]:
    """Return the mean over matrices of each feature; NaN for all without a matrix."""
    from napari_muscle_us.measure.texture._run_kernels import describe

    values = [describe(m.counts, m.columns, m.n_units) for m in matrices]
    return named_means(values, features)


def named_means(values: list[Values], features: Sequence[Feature]) -> dict[str, float]:
    """Return the mean of each feature over matrices; NaN where one of them has NaN."""
    if not values:
        return dict.fromkeys((feature.key for feature in features), float("nan"))
    means = np.mean(values, axis=0)
    return {
        feature.key: float(value)
        for feature, value in zip(features, means, strict=False)
    }


def shared_formulas(words: Words) -> tuple[str, ...]:
    """Return the formulas of the 17 features, in the symbols of a family.

    The order is that of `_run_kernels.describe`.
    """
    m, last = words.letter, words.last
    ij = rf"\sum_{{i=1}}^{{N_g}}\sum_{{j=1}}^{{{last}}}"
    i, j = r"\sum_{i=1}^{N_g}", rf"\sum_{{j=1}}^{{{last}}}"
    row, column, cell = f"{m}_{{i\\cdot}}", f"{m}_{{\\cdot j}}", f"{m}_{{ij}}"
    p = f"p_{{ij}}={cell}/N_s"
    part = r"\frac{1}{N_s}"
    mean = r"\mu="
    return (
        rf"{part}{j}\frac{{{column}}}{{j^2}}",
        rf"{part}{j}j^2 {column}",
        rf"{part}{i}\frac{{{row}}}{{i^2}}",
        rf"{part}{i}i^2 {row}",
        rf"{part}{ij}\frac{{{cell}}}{{i^2 j^2}}",
        rf"{part}{ij}\frac{{i^2 {cell}}}{{j^2}}",
        rf"{part}{ij}\frac{{j^2 {cell}}}{{i^2}}",
        rf"{part}{ij}i^2 j^2 {cell}",
        rf"{part}{i}{row}^2",
        rf"\frac{{1}}{{N_s^2}}{i}{row}^2",
        rf"{part}{j}{column}^2",
        rf"\frac{{1}}{{N_s^2}}{j}{column}^2",
        rf"\frac{{N_s}}{{{words.units}}}",
        rf"{ij}(i-\mu)^2 p_{{ij}},\quad {mean}{ij}i\,p_{{ij}},\quad {p}",
        rf"{ij}(j-\mu)^2 p_{{ij}},\quad {mean}{ij}j\,p_{{ij}},\quad {p}",
        rf"-{ij}p_{{ij}}\log_2 p_{{ij}},\quad {p}",
        rf"{ij}p_{{ij}}^2,\quad {p}",
    )


def shared_features(
    words: Words, rows: Sequence[tuple[str, str, str]]
) -> tuple[Feature, ...]:
    """Return the features of a family from its codes, names and meanings, in order."""
    return tuple(
        Feature(
            key=f"{words.family}.{name.lower().replace(' ', '_').replace('-', '_')}",
            ibsi=code,
            unit="bit" if name.endswith("entropy") else "1",
            label=name.replace("grey", "gray").replace("Grey", "Gray"),
            formula=formula,
            meaning=meaning,
        )
        for (code, name, meaning), formula in zip(
            rows, shared_formulas(words), strict=False
        )
    )
