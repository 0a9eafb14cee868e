"""Regions made larger or smaller by a distance in the body or on the image."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import RoiError
from napari_muscle_us.roi.checks import MAX_COORDINATE, label_of
from napari_muscle_us.roi.rasterize import pixel_box
from napari_muscle_us.roi.shapes import AnyRoi, Ellipse, Polygon, Rectangle, Roi

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_muscle_us.roi._clip import Path
    from napari_muscle_us.roi.composite import Composite

Spacing = tuple[float, float]

_ARC_PX: Final = 1 / 1024
"""How far the straight pieces of a round corner may lie from the circle, in px."""
_TIE: Final = 1e-9
"""Distances that differ from half a px by rounding only count as half a px."""


def grow_roi(
    roi: AnyRoi,
    *,
    mm: float | None = None,
    px: float | None = None,
    spacing_mm: Spacing | None = None,
) -> Roi:
    """Return a region whose outline lies a distance further out, or in.

    Parameters
    ----------
    roi : Polygon, Rectangle, Ellipse or Composite
        Region; holes shrink when it grows.
    mm : float, optional
        Distance in mm, negative inwards; needs `spacing_mm`.
    px : float, optional
        The same in px. Give one of the two.
    spacing_mm : tuple of float, optional
        Pixel spacing ``(depth, lateral)``. Where the two differ, a distance in mm is
        still the same in all directions of the body.

    Returns
    -------
    Polygon, Rectangle or Composite
        Rounded at corners that point outwards when it grows, inwards when it shrinks.
        An upright rectangle that shrinks stays one: of its pixels those remain whose
        centre lies in the smaller box. Otherwise an upright rectangle grows from the
        outline of its pixels, and an upright ellipse from the one that its pixels
        fill. The region itself when the distance is 0.

    Raises
    ------
    RoiError
        If neither or both distances are given, mm without spacing, or nothing is left;
        or if the region has no area or crosses itself.

    Notes
    -----
    Every point of the new outline lies at the distance from the old one (a *parallel
    curve*). Round corners are drawn to 1/1024 px.

    References
    ----------
    Chen & McMains 2005, Polygon offsetting by computing winding numbers, ASME DETC
    2005-85513, https://doi.org/10.1115/DETC2005-85513

    Examples
    --------
    >>> box = grow_roi(Rectangle(-0.5, -0.5, 40, 60), mm=-1, spacing_mm=(0.1, 0.2))
    >>> box.outline().tolist()
    [[9.5, 4.5], [9.5, 54.5], [29.5, 54.5], [29.5, 4.5]]
    """
    from napari_muscle_us.roi import _clip

    area = _clip.area_roi(roi, "made larger or smaller")
    distance, unit, scale = _distance(area, mm, px, spacing_mm)
    if distance == 0:
        return area
    grown: Roi | None
    if isinstance(area, Rectangle) and distance < 0 and _stays_box(area, scale):
        grown = _shrunk_box(area, -distance / scale[0], -distance / scale[1])
    else:
        grown = _parallel(area, distance, scale)
    if grown is None:
        raise RoiError(
            f"Nothing is left of {label_of(area.name)} when it shrinks by "
            f"{abs(distance):g} {unit}; give a smaller distance."
        )
    return grown


def _stays_box(roi: Rectangle, scale: Spacing) -> bool:
    # With unlike spacings a turned rectangle is a parallelogram in the body.
    return roi.is_upright or scale[0] == scale[1]


def _parallel(roi: Roi, distance: float, scale: Spacing) -> Polygon | Composite | None:
    """Return the region within an outline at a distance, ``None`` if nothing is."""
    from napari_muscle_us.roi import _clip

    finest = min(scale)
    stretch = np.array(scale) / finest
    outlines = [part * stretch for part in _smooth_outlines(roi)]
    ordered = _clip.clip("even-odd", _clip.to_paths(outlines))
    moved = _offset(ordered, distance / finest)
    paths = [
        [(round(r / stretch[0]), round(c / stretch[1])) for r, c in path]
        for path in moved
    ]
    return _clip.region_of(_clip.clip("even-odd", paths), roi)


def _offset(paths: list[Path], distance_px: float) -> list[Path]:
    import pyclipper

    from napari_muscle_us.roi._clip import SCALE

    offset = pyclipper.PyclipperOffset(2.0, _ARC_PX * SCALE)
    offset.AddPaths(paths, pyclipper.JT_ROUND, pyclipper.ET_CLOSEDPOLYGON)
    return [[(r, c) for r, c in path] for path in offset.Execute(distance_px * SCALE)]


def _smooth_outlines(roi: Roi) -> tuple[npt.NDArray[np.float64], ...]:
    """Return the outlines that a region grows from."""
    from napari_muscle_us.roi._clip import exact_outlines

    if not isinstance(roi, Ellipse) or not roi.is_upright:
        return exact_outlines(roi)
    box = pixel_box(roi)
    radii = np.array([box.height, box.width]) / 2
    n = max(math.ceil(math.pi / math.acos(1 - _ARC_PX / max(radii.max(), 1))), 72)
    step = 2 * math.pi / n
    # Somewhat larger, so that the straight pieces enclose the ellipse's own area.
    radii *= math.sqrt(step / math.sin(step))
    theta = np.arange(n) * step
    around = np.column_stack([np.sin(theta), np.cos(theta)]) * radii
    centre = (box.row + (box.height - 1) / 2, box.column + (box.width - 1) / 2)
    return (around + np.array(centre),)


def _distance(
    roi: Roi, mm: float | None, px: float | None, spacing_mm: Spacing | None
) -> tuple[float, str, Spacing]:
    """Return the distance, its unit, and the px in that unit, down and across."""
    name = label_of(roi.name)
    if (mm is None) == (px is None):
        raise RoiError(f"{name} grows by a distance in mm or in px; give one of them.")
    if mm is not None and spacing_mm is None:
        raise RoiError(
            f"{name} cannot grow by {mm:g} mm, because the image has no scale; "
            "calibrate it or give a distance in px."
        )
    amount, unit = (px, "px") if mm is None else (mm, "mm")
    scale = spacing_mm if spacing_mm is not None and mm is not None else (1.0, 1.0)
    if not all(0 < s < math.inf for s in scale):
        raise RoiError(f"A pixel of {scale} mm has no size; calibrate the image again.")
    distance = float(amount) if amount is not None else math.nan
    if not abs(distance) / min(scale) <= MAX_COORDINATE:
        raise RoiError(
            f"{name} cannot grow by {distance:g} {unit}; give a distance that fits "
            "into an image."
        )
    return distance, unit, (float(scale[0]), float(scale[1]))


def _shrunk_box(roi: Rectangle, down: float, across: float) -> Rectangle | None:
    """Return the smaller rectangle, ``None`` if nothing is left."""
    top, left, height, width = roi.top, roi.left, roi.height, roi.width
    if roi.is_upright:
        box = pixel_box(roi)
        top, left = box.row - 0.5, box.column - 0.5
        height, width = box.height, box.width
        down, across = (float(math.ceil(d - 0.5 - _TIE)) for d in (down, across))
    height, width = height - 2 * down, width - 2 * across
    if height <= 0 or width <= 0:
        return None
    return replace(roi, top=top + down, left=left + across, height=height, width=width)
