"""The shape that an ImageJ ``.roi`` file holds, in this package's coordinates."""

from __future__ import annotations

import math
import struct
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import RoiError
from napari_muscle_us.io._imagej_format import (
    ANGLE,
    AT_ARC_SIZE,
    AT_BOUNDS,
    AT_COUNT,
    AT_FLOATS,
    AT_OPTIONS,
    AT_PARAMETER,
    AT_SHAPE_SIZE,
    ELLIPSE,
    FREEHAND,
    FREELINE,
    IMAGE,
    LINE,
    MAX_NAME,
    OVAL,
    POINT,
    POLYGON,
    POLYLINE,
    RECT,
    ROTATED_RECT,
    SPLINE_FIT,
    TEXT,
    TRACED,
    cut_short,
    parse_roi,
)
from napari_muscle_us.io._imagej_labels import read_colour, read_frame, read_labels
from napari_muscle_us.io._imagej_path import path_outlines
from napari_muscle_us.roi.checks import MAX_VERTICES, label_of
from napari_muscle_us.roi.composite import Composite
from napari_muscle_us.roi.entries import RoiEntry
from napari_muscle_us.roi.open_shapes import LineKind, Points, Polyline
from napari_muscle_us.roi.shapes import Ellipse, Polygon, Rectangle, relabel

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_muscle_us.io._imagej_format import RoiRecord
    from napari_muscle_us.roi.shapes import AnyRoi

AREA_SHIFT: Final = 0.5
"""An area's ImageJ coordinate less ours: its pixel (0, 0) covers 0..1."""
LINE_KIND: Final[dict[int, LineKind]] = {
    LINE: "line",
    FREELINE: "freehand",
    POLYLINE: "polyline",
    ANGLE: "angle",
}
_OUTLINES: Final = (POLYGON, FREEHAND, TRACED)
_PICTURES: Final = {TEXT: "a text", IMAGE: "an image"}


def decode_entry(
    data: bytes, default_name: str, file_name: str
) -> tuple[RoiEntry, tuple[str, ...]]:
    """Return the region of a ``.roi`` file, and a sentence for what it lost.

    Raises
    ------
    RoiError
        If it is no ROI, is cut short, or is of a kind that is not read.
    """
    record = parse_roi(data, file_name)
    name = (record.name or default_name)[:MAX_NAME]
    labels = read_labels(record.properties)
    roi = _decode_shape(record, name, file_name)
    frame, notes = read_frame(record, name)
    if labels.keyframes:
        notes += (
            f"{label_of(name)} had the keyframes {labels.keyframes[:60]}, which "
            "ImageJ's files do not hold; it lies as last shown.",
        )
    entry = RoiEntry(
        relabel(roi, muscle=labels.muscle, side=labels.side),
        colour=read_colour(record),
        locked=labels.locked,
        frame=frame,
    )
    return replace(entry, imagej=data), notes


def _decode_shape(record: RoiRecord, name: str, file_name: str) -> AnyRoi:
    kind, subtype = record.kind, record.subtype
    if record.is_composite:
        return _composite(record, name, file_name)
    if record.version >= 218 and subtype in _PICTURES:
        raise RoiError(
            f"{label_of(name)} is {_PICTURES[subtype]}, which is no selection; keep it "
            "in ImageJ."
        )
    if kind in (RECT, OVAL):
        return _box(record, name)
    if kind == LINE:
        ends = np.array(struct.unpack(">4f", record.header[AT_FLOATS : AT_FLOATS + 16]))
        return Polyline(ends.reshape(2, 2)[:, ::-1], kind="line", name=name)
    if kind not in (*_OUTLINES, *LINE_KIND, POINT):
        raise RoiError(
            f"{label_of(name)} is of the unknown type {kind}; convert it in ImageJ "
            "(Edit › Selection)."
        )
    xy = _vertices(record, name, file_name)
    if kind == FREEHAND and subtype in (ELLIPSE, ROTATED_RECT):
        return turned_shape(record, name, file_name)
    if kind == POINT:
        return Points(xy[:, ::-1], name=name)
    if record.word(AT_OPTIONS) & SPLINE_FIT:
        raise RoiError(
            f"ROI {name!r} is a fitted spline, which is not supported; convert it in "
            "ImageJ (Edit › Selection › Interpolate)."
        )
    if kind in LINE_KIND:
        # ImageJ's angle is no line to it: it counts from the corner, as areas do.
        shift = AREA_SHIFT if kind == ANGLE else 0.0
        return Polyline(xy[:, ::-1] - shift, kind=LINE_KIND[kind], name=name)
    polygon = Polygon(xy[:, ::-1] - AREA_SHIFT, name=name)
    if _is_flat(polygon.vertices):
        raise RoiError(
            f"{label_of(name)} lies on a line and encloses no area; outline the muscle."
        )
    return polygon


def _vertices(record: RoiRecord, name: str, file_name: str) -> npt.NDArray[np.float64]:
    """Return the vertices of a file, shape (n, 2), as ImageJ's x, y."""
    count = record.word(AT_COUNT) or record.integer(AT_FLOATS)
    if count <= 0:
        raise RoiError(f"{label_of(name)} has no vertices; draw it again.")
    if count > MAX_VERTICES:
        raise RoiError(
            f"{label_of(name)} has {count} vertices; the most is {MAX_VERTICES}, so "
            "simplify the outline."
        )
    floats = record.is_sub_pixel
    if len(record.body) < count * (12 if floats else 4):
        raise cut_short(file_name)
    if floats:
        singles = np.frombuffer(record.body, ">f4", 2 * count, 4 * count)
        # A signalling NaN warns when it is widened; coordinates are checked later.
        with np.errstate(invalid="ignore"):
            return np.asarray(singles.reshape(2, count).T, dtype=np.float64)
    steps = np.frombuffer(record.body, ">i2", 2 * count).astype(np.int64)
    # ImageJ takes −5000 … −1 for 0 and what is below for a large number.
    steps = np.where(steps < -5000, steps + 65536, np.maximum(steps, 0))
    corner = np.array([record.short(AT_BOUNDS + 2), record.short(AT_BOUNDS)])
    return np.asarray(steps.reshape(2, count).T + corner, dtype=np.float64)


def _box(record: RoiRecord, name: str) -> Rectangle | Ellipse:
    if record.kind == RECT and record.short(AT_ARC_SIZE) > 0:
        raise RoiError(
            f"ROI {name!r} has rounded corners, which is not supported; use a plain "
            "rectangle."
        )
    if record.is_sub_pixel:
        x, y, width, height = struct.unpack_from(">4f", record.header, AT_FLOATS)
    else:
        y, x, bottom, right = (record.short(AT_BOUNDS + 2 * i) for i in range(4))
        width, height = right - x, bottom - y
    shape = Rectangle if record.kind == RECT else Ellipse
    return shape(y - AREA_SHIFT, x - AREA_SHIFT, height, width, name=name)


def turned_shape(record: RoiRecord, name: str, file_name: str) -> Rectangle | Ellipse:
    """Return the turned rectangle or ellipse of a record.

    Raises
    ------
    RoiError
        If a number of its axis is none.
    """
    x1, y1, x2, y2 = struct.unpack_from(">4f", record.header, AT_FLOATS)
    (parameter,) = struct.unpack_from(">f", record.header, AT_PARAMETER)
    if not all(math.isfinite(v) for v in (x1, y1, x2, y2, parameter)):
        raise cut_short(file_name)
    along = math.hypot(x2 - x1, y2 - y1)
    is_ellipse = record.subtype == ELLIPSE
    across = along * min(max(parameter, 0.0), 1.0) if is_ellipse else parameter
    # A whole turn marks a shape that lies level as turned all the same: the upright
    # one selects its pixels by another rule.
    angle = math.degrees(math.atan2(y1 - y2, x2 - x1)) or 360.0
    top = (y1 + y2) / 2 - across / 2 - AREA_SHIFT
    left = (x1 + x2) / 2 - along / 2 - AREA_SHIFT
    shape = Ellipse if is_ellipse else Rectangle
    return shape(top, left, across, along, angle, name=name)


def _composite(record: RoiRecord, name: str, file_name: str) -> Composite | Polygon:
    size = record.integer(AT_SHAPE_SIZE)
    if record.kind != RECT or 4 * size > len(record.body):
        raise cut_short(file_name)
    path = np.frombuffer(record.body, ">f4", size)
    outlines = tuple(xy[:, ::-1] - AREA_SHIFT for xy in path_outlines(path, name))
    if all(map(_is_flat, outlines)):
        raise RoiError(
            f"{label_of(name)} is a composite selection that encloses no area; "
            "outline the muscle."
        )
    if len(outlines) == 1:
        return Polygon(outlines[0], name=name)
    return Composite(outlines, name=name)


def _is_flat(vertices: npt.NDArray[np.float64]) -> bool:
    """Whether all vertices lie on one line."""
    steps = vertices - vertices[0]
    far = steps[np.abs(steps).sum(axis=1).argmax()]
    return not (steps[:, 0] * far[1] - steps[:, 1] * far[0]).any()
