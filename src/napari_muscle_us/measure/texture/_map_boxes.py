"""The window of a texture map: its size, where it may lie, which steps fit into it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.texture._checks import (
    checked_spacing,
    length,
    shown,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from napari_muscle_us.measure.texture.offsets import Offsets

    Mask = npt.NDArray[np.bool_]
    Levels = npt.NDArray[np.uint16]

MIN_WINDOW: Final = 3
MAX_WINDOW: Final = 2047
"""Largest side in pixels: beyond it the sums of fourth powers would overflow."""


@dataclass(frozen=True, slots=True)
class Window:
    """Rows and columns of a window, both odd, so that it has a pixel in its middle."""

    rows: int
    columns: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where the windows of a map lie.

    `read` is the part of the image that they may look at, `pad` the rows and columns
    of nothing around it, `write` the pixels that get a value.
    """

    read: tuple[slice, slice]
    pad: tuple[int, int]
    write: tuple[slice, slice]

    def cut(self, levels: Levels) -> Levels:
        """Return the levels that the windows look at, 0 where there is nothing."""
        rows, columns = self.pad
        padded = np.pad(levels[self.read], ((rows, rows), (columns, columns)))
        return np.ascontiguousarray(padded)


def window_from_px(window_px: int) -> Window:
    """Return the square window of a side in pixels, or refuse it."""
    side = whole(window_px)
    if side is None or not MIN_WINDOW <= side <= MAX_WINDOW or side % 2 == 0:
        raise MeasureError(
            f"A window of {shown(window_px)} px is not possible; give an odd whole "
            f"number from {MIN_WINDOW} to {MAX_WINDOW}, so that a pixel is its middle."
        )
    return Window(side, side)


def window_from_mm(window_mm: float, spacing_mm: tuple[float, float] | None) -> Window:
    """Return the window nearest to a side in mm, odd on each axis, or refuse it."""
    if spacing_mm is None:
        raise MeasureError(
            "The image has no scale, so a window in mm is not possible; give it in "
            "pixels or calibrate the image."
        )
    spacing = checked_spacing(spacing_mm)
    side = length(window_mm)
    if not side > 0:
        raise MeasureError(
            f"A window of {shown(window_mm)} mm is not possible; give a length above 0."
        )
    exact = [side / size for size in spacing]
    if not all(MIN_WINDOW - 1 <= px < MAX_WINDOW + 1 for px in exact):
        raise MeasureError(
            f"A window of {side:g} mm is {exact[0]:.3g} × {exact[1]:.3g} px here; give "
            f"one of {MIN_WINDOW} to {MAX_WINDOW} px on each axis."
        )
    # The odd number nearest to x is 2 floor(x / 2) + 1.
    rows, columns = (2 * math.floor(px / 2 + 1e-9) + 1 for px in exact)
    return Window(min(rows, MAX_WINDOW), min(columns, MAX_WINDOW))


def place_windows(shape: tuple[int, int], window: Window, mask: Mask | None) -> Place:
    """Return where the windows lie, or refuse a window larger than the image."""
    if window.rows > shape[0] or window.columns > shape[1]:
        raise MeasureError(
            f"The window of {window.rows}×{window.columns} px is larger than the image "
            f"of {shape[0]}×{shape[1]}; choose a smaller one."
        )
    half = window.rows // 2, window.columns // 2
    if mask is None:
        inner = tuple(slice(h, size - h) for h, size in zip(half, shape, strict=True))
        return Place((slice(None), slice(None)), (0, 0), (inner[0], inner[1]))
    rows, columns = (_extent(np.asarray(mask.any(axis=axis))) for axis in (1, 0))
    return Place((rows, columns), half, (rows, columns))


def _extent(line: Mask) -> slice:
    there = np.flatnonzero(line)
    return slice(int(there[0]), int(there[-1]) + 1)


def checked_steps(offsets: Sequence[tuple[int, int]], window: Window) -> Offsets:
    """Return the steps of the pairs, each pointing down or right, or refuse them."""
    try:
        steps = [(row, column) for row, column in offsets]
    except (TypeError, ValueError):
        steps = []
    if not steps or any(whole(value) is None for step in steps for value in step):
        raise MeasureError(
            f"The steps {shown(offsets)} are not pairs of whole numbers; give at least "
            "one (row, column), such as (0, 1)."
        )
    found: list[tuple[int, int]] = []
    for row, column in steps:
        step = int(row), int(column)
        if abs(step[0]) >= window.rows or abs(step[1]) >= window.columns:
            raise MeasureError(
                f"A pair of pixels {step} apart does not fit into a window of "
                f"{window.rows}×{window.columns} px; choose a larger window or a "
                "shorter step."
            )
        step = max(step, (-step[0], -step[1]))
        if step == (0, 0) or step in found:
            raise MeasureError(
                f"The step ({row}, {column}) is no direction of its own; leave out "
                "(0, 0) and steps that are there already, also backwards."
            )
        found.append(step)
    return tuple(found)


def checked_share(min_share: float) -> float:
    """Return the share as float, or refuse what is not within 0 … 1."""
    share = length(min_share)
    if not 0 <= share <= 1:
        raise MeasureError(
            f"The least share {shown(min_share)} is not possible; give a number from 0 "
            "to 1."
        )
    return share
