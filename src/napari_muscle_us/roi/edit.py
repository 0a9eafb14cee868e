"""Regions moved, mirrored, resized and cut to the middle of the field."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import numpy as np

from napari_muscle_us.errors import RoiError
from napari_muscle_us.roi.boolean import intersect
from napari_muscle_us.roi.checks import MAX_COORDINATE, label_of
from napari_muscle_us.roi.composite import Composite
from napari_muscle_us.roi.grow import grow_roi as grow_roi
from napari_muscle_us.roi.rasterize import pixel_box
from napari_muscle_us.roi.shapes import AnyRoi, Ellipse, Polygon, Rectangle, Roi
from napari_muscle_us.roi.simplify import simplify_roi as simplify_roi

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

AnyRoiT = TypeVar("AnyRoiT", bound=AnyRoi)
BoxT = TypeVar("BoxT", Rectangle, Ellipse)
Spacing = tuple[float, float]

_TIE: Final = 1e-9
"""Numbers that differ from half a px by rounding only count as half a px."""
_OTHER_SIDE: Final = {"left": "right", "right": "left", "": ""}


def move_roi(roi: AnyRoiT, rows: float, columns: float) -> AnyRoiT:
    """Return the region moved by so many px down and to the right.

    Examples
    --------
    >>> from napari_muscle_us.roi.open_shapes import Points
    >>> move_roi(Points([(3, 4)]), 1, -0.5).vertices.tolist()
    [[4.0, 3.5]]
    """
    step = np.array([rows, columns], dtype=np.float64)
    if isinstance(roi, Rectangle | Ellipse):
        return replace(roi, top=roi.top + float(rows), left=roi.left + float(columns))
    return _each_outline(roi, lambda vertices: vertices + step)


def _each_outline(
    roi: AnyRoiT,
    change: Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]],
) -> AnyRoiT:
    """Return a region of vertices with each of its outlines changed."""
    changed: AnyRoiT
    if isinstance(roi, Composite):
        changed = replace(roi, parts=tuple(change(part) for part in roi.parts))
    else:
        changed = replace(cast("Any", roi), vertices=change(roi.outline()))
    return changed


def mirror_roi(roi: AnyRoiT, *, about_column: float, swap_side: bool = True) -> AnyRoiT:
    """Return the region as a mirror shows it, left for right.

    Parameters
    ----------
    roi : region, Polyline or Points
        What to mirror.
    about_column : float
        Column that stays where it is; ``(columns − 1) / 2`` is an image's middle.
    swap_side : bool, default: True
        Whether the label left becomes right and right left.

    Returns
    -------
    Same kind as `roi`
        About a whole or half column it selects the mirrored pixels, an upright box
        always, an outline where it passes through no pixel's centre.

    Raises
    ------
    RoiError
        If the column is no place in an image.

    Examples
    --------
    >>> right = mirror_roi(
    ...     Polygon([(0, 0), (0, 4), (3, 0)], side="left"), about_column=5
    ... )
    >>> right.vertices.tolist(), right.side
    ([[0.0, 10.0], [0.0, 6.0], [3.0, 10.0]], 'right')
    """
    if not abs(about_column) <= MAX_COORDINATE:
        raise RoiError(
            f"{label_of(roi.name)} cannot be mirrored about column {about_column:g}; "
            "give a column of the image."
        )
    side = _OTHER_SIDE[roi.side] if swap_side else roi.side
    twice = 2 * float(about_column)
    if isinstance(roi, Rectangle | Ellipse):
        left = _mirrored_left(roi, twice)
        return replace(roi, left=left, angle_deg=0.0 - roi.angle_deg, side=side)
    mirrored = _each_outline(roi, lambda v: v * (1, -1) + np.array([0, twice]))
    return replace(mirrored, side=side)


def _mirrored_left(roi: Rectangle | Ellipse, twice: float) -> float:
    left = twice - roi.left - roi.width
    if not roi.is_upright or not twice.is_integer():
        return left
    # ImageJ drops a fraction of the corner, so it must stay on the left.
    box = pixel_box(roi)
    first = int(twice) - (box.column + box.width - 1)
    fraction = roi.left + 0.5 - box.column
    return first - 0.5 + (fraction if first >= 0 and fraction > 0 else 0.0)


def resize_box(roi: BoxT, d_height: float, d_width: float) -> BoxT:
    """Return an upright box with its lower right corner moved, as Alt + arrow does.

    Parameters
    ----------
    roi : Rectangle or Ellipse
        Upright box; its upper left corner stays.
    d_height, d_width : float
        What to add to its height and width, in px.

    Raises
    ------
    RoiError
        If the region is no upright box, or would be less than 1 px high or wide.

    Examples
    --------
    >>> resize_box(Rectangle(2, 3, 10, 10), 1, -1).outline()[2].tolist()
    [13.0, 12.0]
    """
    if not isinstance(roi, Rectangle | Ellipse) or not roi.is_upright:
        raise RoiError(
            f"{label_of(roi.name)} is no upright rectangle or ellipse; move its "
            "vertices instead."
        )
    height, width = roi.height + float(d_height), roi.width + float(d_width)
    if not (height >= 1 and width >= 1):
        raise RoiError(
            f"{label_of(roi.name)} would be {height:g} px high and {width:g} px wide; "
            "the least is 1 px."
        )
    return replace(roi, height=height, width=width)


def fixed_box(
    centre: tuple[float, float],
    *,
    size_mm: tuple[float, float] | None = None,
    size_px: tuple[float, float] | None = None,
    spacing_mm: Spacing | None = None,
) -> Rectangle:
    """Return an upright rectangle of a given size about a point.

    Parameters
    ----------
    centre : tuple of float
        ``(row, column)`` in px.
    size_mm, size_px : tuple of float
        Height and width; give one of the two.
    spacing_mm : tuple of float, optional
        Pixel spacing ``(depth, lateral)``, needed with `size_mm`.

    Returns
    -------
    Rectangle
        Wherever it lies, it has the same number of pixels.

    Raises
    ------
    RoiError
        If neither or both sizes are given, mm without spacing, or one is not positive.

    Examples
    --------
    >>> box = fixed_box((50, 60), size_mm=(5, 10), spacing_mm=(0.1, 0.2))
    >>> box.height, box.width, box.top, box.left
    (50.0, 50.0, 25.0, 35.0)
    """
    if (size_mm is None) == (size_px is None):
        raise RoiError("A box has a size in mm or in px; give one of them.")
    if size_mm is not None and spacing_mm is None:
        raise RoiError(
            f"A box of {size_mm[0]:g} × {size_mm[1]:g} mm cannot be drawn, because the "
            "image has no scale; calibrate it or give a size in px."
        )
    size = np.array(size_mm if size_px is None else size_px, dtype=np.float64)
    if size_mm is not None and spacing_mm is not None:
        # Decimal sizes and spacings must not make a box one row higher by rounding.
        with np.errstate(all="ignore"):
            size = np.round(size / np.array(spacing_mm), 9)
    height, width = map(float, size)
    return Rectangle(
        float(centre[0]) - height / 2, float(centre[1]) - width / 2, height, width
    )


def lateral_limits(
    bounds: tuple[int, int, int, int], share: float = 0.7
) -> tuple[float, float]:
    """Return the left and right edge of the middle part of a lateral field.

    Parameters
    ----------
    bounds : tuple of int
        ``(row_start, row_stop, column_start, column_stop)`` of the field, stops
        excluded, as of `napari_muscle_us.device.field.Field`.
    share : float, default: 0.7
        Part of the width that remains, 0 < share ≤ 1.

    Returns
    -------
    tuple of float
        Columns in px, both edges of pixels: as many columns are cut off on the left as
        on the right, the nearest whole number, and one at least remains.

    Raises
    ------
    RoiError
        If the share is not in 0 … 1 or the field has no width.

    Examples
    --------
    >>> lateral_limits((0, 400, 0, 500), 0.5)
    (124.5, 374.5)
    """
    start, stop = bounds[2], bounds[3]
    if not 0 < share <= 1:
        raise RoiError(f"A share of {share:g} of the field is none; use 0 … 1.")
    if stop <= start:
        raise RoiError(f"The field from column {start} to {stop} has no width.")
    cut = math.floor((stop - start) * (1 - share) / 2 + 0.5 + _TIE)
    cut = min(cut, (stop - start - 1) // 2)
    return start - 0.5 + cut, stop - 0.5 - cut


def clip_to_lateral(
    roi: AnyRoi, *, bounds: tuple[int, int, int, int], share: float = 0.7
) -> Roi:
    """Return the part of a region in the middle of the lateral field.

    At the edges of the field the beam is steered or narrow and echoes are weaker.

    Parameters
    ----------
    roi : Polygon, Rectangle, Ellipse or Composite
        Region.
    bounds : tuple of int
        The field, see `lateral_limits`.
    share : float, default: 0.7
        Part of the field's width that remains.

    Returns
    -------
    Region
        The region itself when it lies within; otherwise a polygon or composite.

    Raises
    ------
    RoiError
        If no pixel of the region lies there, it has no area or crosses itself.

    Examples
    --------
    >>> clip_to_lateral(
    ...     Rectangle(0, 0, 10, 100), bounds=(0, 50, 0, 100), share=0.5
    ... ).area_px
    500.0
    """
    from napari_muscle_us.roi import _clip

    area = _clip.area_roi(roi, "cut")
    left, right = lateral_limits(bounds, share)
    everything = np.vstack(_clip.exact_outlines(area))
    (top, first), (bottom, last) = everything.min(axis=0), everything.max(axis=0)
    if left <= first and last <= right:
        return area
    strip = [(top, left), (top, right), (bottom, right), (bottom, left)]
    if right <= first or last <= left or top == bottom:
        raise RoiError(
            f"{label_of(roi.name)} lies outside the middle {share:.0%} of the field "
            f"(columns {left:.1f} … {right:.1f}); move it there."
        )
    return intersect([area, Polygon(np.array(strip), name="middle of the field")])
