"""A shape put into an ImageJ ``.roi`` file, so that ImageJ selects the same pixels."""

from __future__ import annotations

import math
from itertools import product
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import RoiError
from napari_muscle_us.io._imagej_format import (
    ANGLE,
    ARROW,
    AT_BOUNDS,
    AT_COUNT,
    AT_FLOATS,
    AT_OPTIONS,
    AT_PARAMETER,
    AT_SHAPE_SIZE,
    AT_STROKE_WIDTH,
    AT_SUBTYPE,
    AT_TYPE,
    ELLIPSE,
    FREEHAND,
    FREELINE,
    LINE,
    OVAL,
    POINT,
    POLYGON,
    POLYLINE,
    RECT,
    ROTATED_RECT,
    SPLINE_FIT,
    SUB_PIXEL,
    TRACED,
)
from napari_muscle_us.io._imagej_geometry import AREA_SHIFT, turned_shape
from napari_muscle_us.io._imagej_path import path_array
from napari_muscle_us.roi.checks import label_of
from napari_muscle_us.roi.composite import Composite
from napari_muscle_us.roi.open_shapes import Points, Polyline
from napari_muscle_us.roi.shapes import Ellipse, Polygon, Rectangle

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from napari_muscle_us.io._imagej_format import RoiRecord
    from napari_muscle_us.roi.rasterize import RoiWindow
    from napari_muscle_us.roi.shapes import AnyRoi, Roi

_LOW, _HIGH = -5000, 60535
"""Integers that ImageJ's two bytes hold."""
_MOST_COUNTED: Final = 65535
_SMALL_POINT: Final = 3
_SLENDER: Final = 4
_SIDE: Final = 4096
"""Rows and columns on which masks are compared: more than any ultrasound image has."""
_TYPE_OF: Final = {
    "line": LINE,
    "freehand": FREELINE,
    "polyline": POLYLINE,
    "angle": ANGLE,
}


def put_shape(record: RoiRecord, roi: AnyRoi) -> None:
    """Replace the shape of a record; what else it holds stays.

    Raises
    ------
    RoiError
        If ImageJ's files cannot hold it: a line of more than 65,535 vertices.
    """
    if isinstance(roi, Composite):
        _put_path(record, [_singles(part, AREA_SHIFT) for part in roi.parts])
    elif isinstance(roi, Polygon):
        _put_polygon(record, roi)
    elif isinstance(roi, Points):
        _start(record, POINT)
        _put_vertices(record, _singles(roi.vertices, 0.0))
    elif isinstance(roi, Polyline):
        _put_line(record, roi)
    elif roi.is_upright:
        _put_box(record, roi)
    else:
        _put_turned(record, roi)


def _singles(
    vertices: npt.NDArray[np.float64], shift: float
) -> npt.NDArray[np.float32]:
    """Return vertices as ImageJ's x, y in single precision."""
    return (vertices[:, ::-1] + shift).astype(np.float32)


def _start(record: RoiRecord, kind: int, subtype: int = 0) -> None:
    """Clear the old shape and what belongs to its kind alone."""
    old = record.kind if not record.is_composite else None
    if (old, record.subtype) != (kind, subtype):
        record.put(AT_PARAMETER, "i", 0)
        if POINT in (old, kind):
            record.put(AT_STROKE_WIDTH, "h", _SMALL_POINT if kind == POINT else 0)
    record.put(AT_TYPE, "B", kind)
    record.put(AT_SUBTYPE, "H", subtype)
    record.put(AT_BOUNDS, "5H", 0, 0, 0, 0, 0)
    record.put(AT_FLOATS, "4i", 0, 0, 0, 0)
    record.put(AT_SHAPE_SIZE, "i", 0)
    options = record.word(AT_OPTIONS) & ~(SPLINE_FIT | SUB_PIXEL)
    record.put(AT_OPTIONS, "H", options)
    record.body = b""


def _put_bounds(record: RoiRecord, xy: npt.NDArray[np.float32]) -> None:
    low, high = np.floor(xy.min(axis=0)), np.ceil(xy.max(axis=0))
    bounds = np.clip([low[1], low[0], high[1], high[0]], _LOW, _HIGH).astype(int)
    record.put(AT_BOUNDS, "4H", *(int(value) & 0xFFFF for value in bounds))


def _put_vertices(record: RoiRecord, xy: npt.NDArray[np.float32]) -> None:
    """Write integers where all are, and single precision beside them where not."""
    count = len(xy)
    if count > _MOST_COUNTED:
        record.put(AT_FLOATS, "i", count)
    else:
        record.put(AT_COUNT, "H", count)
    _put_bounds(record, xy)
    low = np.floor(xy.min(axis=0))
    steps = np.clip(np.floor(xy) - low, 0, _HIGH).astype(">u2")
    record.body = steps.T.tobytes()
    whole = (xy == np.floor(xy)).all() and xy.min() >= _LOW and xy.max() <= _HIGH
    if not whole:
        record.body += xy.T.astype(">f4").tobytes()
        record.put(AT_OPTIONS, "H", record.word(AT_OPTIONS) | SUB_PIXEL)


def _put_polygon(record: RoiRecord, roi: Polygon) -> None:
    xy = _singles(roi.vertices, AREA_SHIFT)
    if len(xy) > _MOST_COUNTED:
        _put_path(record, [xy])
        return
    keeps = record.kind in (FREEHAND, TRACED) and record.subtype == 0
    _start(record, record.kind if keeps else POLYGON)
    _put_vertices(record, xy)


def _put_line(record: RoiRecord, roi: Polyline) -> None:
    kind = _TYPE_OF[roi.kind]
    xy = _singles(roi.vertices, AREA_SHIFT if kind == ANGLE else 0.0)
    if kind == LINE:
        is_arrow = record.kind == LINE and record.subtype == ARROW
        _start(record, LINE, ARROW if is_arrow else 0)
        _put_bounds(record, xy)
        record.put(AT_FLOATS, "4f", *xy.ravel().tolist())
        return
    if len(xy) > _MOST_COUNTED:
        raise RoiError(
            f"{label_of(roi.name)} is a line of {len(xy)} vertices; ImageJ's files "
            f"hold {_MOST_COUNTED}, so simplify it."
        )
    _start(record, kind)
    _put_vertices(record, xy)


def _put_path(record: RoiRecord, outlines: list[npt.NDArray[np.float32]]) -> None:
    _start(record, RECT)
    _put_bounds(record, np.concatenate(outlines))
    path = path_array(outlines)
    record.put(AT_SHAPE_SIZE, "i", len(path))
    record.body = path.astype(">f4").tobytes()


def _put_box(record: RoiRecord, roi: Rectangle | Ellipse) -> None:
    _start(record, RECT if isinstance(roi, Rectangle) else OVAL)
    x, y = roi.left + AREA_SHIFT, roi.top + AREA_SHIFT
    corners = np.array([[x, y], [x + roi.width, y + roi.height]])
    # A tiny extent would vanish in the sum.
    numbers = np.array([x, y, roi.width, roi.height])
    whole = (numbers == np.round(numbers)).all() and (
        corners.min() >= _LOW and corners.max() <= _HIGH
    )
    _put_bounds(record, corners.astype(np.float32))
    if not whole:
        at = (_single(x, math.trunc), _single(y, math.trunc))
        extent = (_single(roi.width, math.ceil), _single(roi.height, math.ceil))
        record.put(AT_FLOATS, "4f", *at, *extent)
        record.put(AT_OPTIONS, "H", record.word(AT_OPTIONS) | SUB_PIXEL)


def _single(value: float, rule: Callable[[float], int]) -> float:
    """Return the nearest single-precision number that ImageJ rounds the same way."""
    near = np.float32(value)
    if rule(float(near)) != rule(value):
        near = np.nextafter(near, np.float32(-np.inf if near > value else np.inf))
    return float(near)


def _put_turned(record: RoiRecord, roi: Rectangle | Ellipse) -> None:
    """Write the axis and what lies across it, as ImageJ's two turned shapes want it.

    ImageJ makes the outline anew from the axis, so that rounding may move an edge that
    lies right between two rows; the axis is then moved by as little, or the outline
    itself is written.
    """
    outline, axis = roi.outline(), _turned_axis(roi)
    is_ellipse = isinstance(roi, Ellipse)
    _start(record, FREEHAND, ELLIPSE if is_ellipse else ROTATED_RECT)
    _put_vertices(record, _singles(outline, AREA_SHIFT))
    wanted = _selected(roi)
    for steps in sorted(product((0, 1, -1), repeat=3), key=_size):
        x_step, y_step, across_step = steps
        moved = np.array([x_step, y_step, x_step, y_step, across_step])
        numbers = (axis + moved * np.spacing(np.abs(axis))).astype(np.float32)
        record.put(AT_FLOATS, "4f", *numbers[:4].tolist())
        record.put(AT_PARAMETER, "f", float(numbers[4]))
        if _same(_selected(turned_shape(record, roi.name, "")), wanted):
            return
    if _same(_selected(Polygon(outline)), wanted):
        _start(record, FREEHAND)
        _put_vertices(record, _singles(outline, AREA_SHIFT))


def _size(steps: tuple[int, ...]) -> int:
    return sum(map(abs, steps))


def _turned_axis(roi: Rectangle | Ellipse) -> npt.NDArray[np.float32]:
    """Return x1, y1, x2, y2 and the width across or, of an ellipse, its ratio."""
    outline = roi.outline()
    # ImageJ's axis of an ellipse is the longer one: from vertex 36 to vertex 0.
    if isinstance(roi, Ellipse):
        ends = outline[[len(outline) // 2, 0]]
        extents = (roi.height, roi.width)
        across = min(extents) / max(extents)
    elif roi.height <= _SLENDER * roi.width:
        ends = (outline[[0, 1]] + outline[[3, 2]]) / 2
        across = roi.height
    else:
        # In single precision a short axis would turn a long rectangle.
        ends = (outline[[0, 3]] + outline[[1, 2]]) / 2
        across = roi.width
    numbers = np.append(_singles(ends, AREA_SHIFT).ravel(), np.float32(across))
    return numbers.astype(np.float32)


def _selected(roi: Roi) -> RoiWindow:
    from napari_muscle_us.roi.rasterize import roi_window

    return roi_window(roi, (_SIDE, _SIDE))


def _same(window: RoiWindow, other: RoiWindow) -> bool:
    """Whether two windows hold the same pixels."""
    if window.n_pixels != other.n_pixels:
        return False
    if window.n_pixels == 0:
        return True
    if window[:2] == other[:2]:
        return bool((window.mask == other.mask).all())
    corner, other_corner = (
        np.array([w.rows.start, w.columns.start]) for w in (window, other)
    )
    first = np.argwhere(window.mask) + corner
    return bool((first == np.argwhere(other.mask) + other_corner).all())
