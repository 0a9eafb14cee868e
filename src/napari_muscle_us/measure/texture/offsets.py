"""Which pixels make a pair: steps of rows and columns, from pixels or millimetres."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.texture._checks import (
    checked_spacing,
    length,
    shown,
    whole,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

Offset = tuple[int, int]
Offsets = tuple[Offset, ...]

DIRECTIONS: Final[Offsets] = ((0, 1), (1, 0), (1, 1), (1, -1))
"""Steps (row, column): lateral, in depth, down to the right, down to the left."""

MAX_STEP: Final = 10_000
"""Longest step in pixels; no ultrasound picture is as wide."""


@dataclass(frozen=True, slots=True)
class OffsetsMm:
    """Pixel steps that come nearest to a distance in millimetres.

    Attributes
    ----------
    offsets : tuple of (int, int)
        Row and column of each step, as the texture families take them.
    asked_mm : float
        Distance that was asked for.
    depth_mm, lateral_mm : float
        Length of the step in depth and of the lateral one after rounding to pixels.
    lengths_mm : tuple of float
        True length of each of `offsets`.
    """

    offsets: Offsets
    asked_mm: float
    depth_mm: float
    lateral_mm: float
    lengths_mm: tuple[float, ...]


def offsets_px(distance_px: int = 1) -> Offsets:
    r"""Return the four steps of a distance in pixels.

    .. math:: (0, d),\; (d, 0),\; (d, d),\; (d, -d)

    The distance is Chebyshev's, as in the standard: a diagonal step has d rows and d
    columns and is :math:`\sqrt2` times as long. The opposite steps are left out, for
    the matrices count each pair both ways.

    Parameters
    ----------
    distance_px : int, default: 1
        Distance d, 1 … 10000. For several distances, call once for each.

    Returns
    -------
    tuple of (int, int)
        Row and column of each step: 0°, 90°, and the two diagonals.

    Raises
    ------
    MeasureError
        If the distance is 0, negative, not whole, or beyond 10000.

    Notes
    -----
    Other programs differ at distances above 1. scikit-image takes the distance along
    the diagonal and rounds it, so that its 45° at a distance of 2 is still (1, 1).
    pyradiomics takes every step of that Chebyshev distance, such as (1, 2).

    References
    ----------
    Zwanenburg A et al. The Image Biomarker Standardization Initiative. Radiology
    2020;295:328. doi:10.1148/radiol.2020191145

    Examples
    --------
    >>> offsets_px(2)
    ((0, 2), (2, 0), (2, 2), (2, -2))
    """
    distance = whole(distance_px)
    if distance is None or not 1 <= distance <= MAX_STEP:
        raise MeasureError(
            f"The distance {shown(distance_px)} px is not possible; give a whole "
            f"number from 1 to {MAX_STEP}."
        )
    return _steps(distance, distance)


def offsets_mm(distance_mm: float, spacing_mm: tuple[float, float] | None) -> OffsetsMm:
    r"""Return the four steps that come nearest to a distance in millimetres.

    With the spacing :math:`s`, each axis is rounded to whole pixels by itself, halves
    up:

    .. math:: n_{axis} = \lfloor D / s_{axis} + 1/2 \rfloor

    As with pixels, the diagonals combine both. What was rounded is reported, so that
    nobody takes the asked distance for the true one.

    Parameters
    ----------
    distance_mm : float
        Distance D in mm along each axis.
    spacing_mm : (float, float) or None
        Size of a pixel in mm: depth, lateral. Without one there is no distance in mm.

    Returns
    -------
    OffsetsMm
        Steps in pixels and their true lengths in mm.

    Raises
    ------
    MeasureError
        If the image has no spacing, the distance or the spacing is no length, or the
        distance is less than half a pixel or more than 10000 pixels on an axis.

    Examples
    --------
    >>> found = offsets_mm(0.5, (0.1, 0.2))
    >>> found.offsets
    ((0, 3), (5, 0), (5, 3), (5, -3))
    >>> found.depth_mm, round(found.lateral_mm, 9), round(found.lengths_mm[2], 4)
    (0.5, 0.6, 0.781)
    """
    if spacing_mm is None:
        raise MeasureError(
            "The image has no scale, so a distance in mm is not possible; give it in "
            "pixels or calibrate the image."
        )
    depth, lateral = checked_spacing(spacing_mm)
    distance = length(distance_mm)
    if not distance > 0:
        raise MeasureError(
            f"The distance {shown(distance_mm)} mm is not possible; give a length "
            "above 0."
        )
    rows = _pixels(distance, depth, "in depth")
    columns = _pixels(distance, lateral, "laterally")
    offsets = _steps(rows, columns)
    return OffsetsMm(
        offsets=offsets,
        asked_mm=distance,
        depth_mm=rows * depth,
        lateral_mm=columns * lateral,
        lengths_mm=tuple(math.hypot(r * depth, c * lateral) for r, c in offsets),
    )


def missing_pairs(inside: npt.NDArray[np.bool_], offsets: Offsets) -> str:
    """Return a sentence on directions in which a region has no pair.

    Its co-occurrence is then of the other directions alone, and a mean over directions
    one of fewer.

    Parameters
    ----------
    inside : ndarray of bool, shape (depth, lateral) or (frame, depth, lateral)
        Pixels of the region.
    offsets : tuple of (int, int)
        What `offsets_px` or `offsets_mm` gave.

    Returns
    -------
    str
        Empty where each direction has a pair, and where none has, for then there is
        no value that could mislead.

    Examples
    --------
    >>> import numpy as np
    >>> missing_pairs(np.ones((2, 9), bool), offsets_px(2)).partition(",")[0]
    'No two pixels of the ROI are this far apart in depth and along both diagonals'
    """
    lateral, depth, *diagonals = (not _has_pair(inside, step) for step in offsets)
    if lateral and depth and all(diagonals):
        return ""
    words = ["laterally"] * lateral + ["in depth"] * depth
    if any(diagonals):
        words.append(f"along {'both diagonals' if all(diagonals) else 'one diagonal'}")
    if not words:
        return ""
    return (
        f"No two pixels of the ROI are this far apart {' and '.join(words)}, so the "
        "co-occurrence is of the other directions alone; choose a shorter distance or "
        "a larger ROI."
    )


def _has_pair(inside: npt.NDArray[np.bool_], step: Offset) -> bool:
    """Return whether two pixels of a region are a step apart; no row leads upwards."""
    rows, columns = step
    height, width = inside.shape[-2:]
    one = inside[
        ..., : max(height - rows, 0), max(-columns, 0) : width - max(columns, 0)
    ]
    left, right = max(columns, 0), width - max(-columns, 0)
    other = inside[..., rows:, left:right]
    return abs(columns) < width and bool((one & other).any())


def _steps(rows: int, columns: int) -> Offsets:
    return tuple((r * rows, c * columns) for r, c in DIRECTIONS)


def _pixels(distance: float, spacing: float, axis: str) -> int:
    """Return a distance in whole pixels, or refuse what rounds to none or too many."""
    exact = distance / spacing
    # A tie that the division has moved below the half still counts as a half.
    pixels = math.floor(exact + 0.5 + 1e-9) if exact <= MAX_STEP else MAX_STEP + 1
    if pixels > MAX_STEP:
        raise MeasureError(
            f"The distance {distance:g} mm is more than {MAX_STEP} pixels of "
            f"{spacing:g} mm {axis}; give a shorter one."
        )
    if pixels == 0:
        raise MeasureError(
            f"The distance {distance:g} mm is less than half a pixel of {spacing:g} "
            f"mm {axis}; give at least {spacing:g} mm."
        )
    return pixels
