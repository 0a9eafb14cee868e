"""Shapes layers as regions of interest, and back."""

from __future__ import annotations

import math
import zlib
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us._napari._facts import METADATA_KEY
from napari_muscle_us._napari._layers import image_of, spatial_kwargs_of, tie
from napari_muscle_us.errors import RoiError
from napari_muscle_us.roi.shapes import Ellipse, Polygon, Rectangle, relabel

if TYPE_CHECKING:
    import numpy.typing as npt
    from napari.layers import Image, Shapes

    from napari_muscle_us.roi.shapes import Roi

LABELS: Final = ("name", "muscle", "side")
EI: Final = "echo_intensity"
OUTLINE: Final = "measured_outline"
"""Checksum of the outline that the echo intensity was measured in."""

TEXT: Final = "shown"
"""Text beside the outline: the name, and the echo intensity once measured."""

DEFAULTS: Final[dict[str, Any]] = {
    **dict.fromkeys(LABELS, ""),
    EI: math.nan,
    OUTLINE: 0,
    TEXT: "",
}
_EDGE_COLOUR: Final = "#ffd400"
_FACE_COLOUR: Final = "transparent"
# Shapes keep float32: at 1000 px its step is 6e-5, which ceil() would make a pixel.
_DECIMALS: Final = 3


def roi_layer_kwargs(image_layer: Image) -> dict[str, Any]:
    """Return the attributes of a new Shapes layer for regions on an image."""
    import pandas as pd

    image = image_of(image_layer)
    return {
        "name": f"ROIs of {image_layer.name}",
        "ndim": 2,
        "features": pd.DataFrame({k: pd.Series([v])[:0] for k, v in DEFAULTS.items()}),
        "feature_defaults": DEFAULTS,
        "text": {
            "string": f"{{{TEXT}}}",
            "color": _EDGE_COLOUR,
            "size": 10,
            "anchor": "upper_left",
        },
        "edge_color": _EDGE_COLOUR,
        "face_color": _FACE_COLOUR,
        "edge_width": 3,
        "opacity": 1.0,
        "metadata": {METADATA_KEY: tie(image)},
    } | spatial_kwargs_of(image_layer)


def read_rows(shapes: Shapes) -> list[dict[str, Any]]:
    """Return our features of each shape, with defaults where there are none."""
    import pandas as pd

    rows = [dict(DEFAULTS) for _ in shapes.data]
    for column in DEFAULTS:
        if column not in shapes.features:
            continue
        for row, value in zip(rows, shapes.features[column], strict=False):
            if not pd.isna(value):
                row[column] = value if column in (EI, OUTLINE) else str(value)
    return rows


def write_rows(shapes: Shapes, rows: list[dict[str, Any]]) -> None:
    """Set our features of all shapes, and none for the next one.

    Assigning features makes the last row the default of the next shape, which would
    then carry another region's muscle and number; the defaults are set back.
    """
    import pandas as pd

    for row in rows:
        row[TEXT] = _text(row)
    frame = pd.DataFrame(rows, columns=list(DEFAULTS)).astype(
        dict.fromkeys((*LABELS, TEXT), "object") | {EI: "float64", OUTLINE: "int64"}
    )
    others = shapes.features.drop(columns=list(DEFAULTS), errors="ignore")
    shapes.features = pd.concat([frame, others.reset_index(drop=True)], axis=1)
    shapes.feature_defaults = DEFAULTS


def set_labels(shapes: Shapes, index: int, labels: dict[str, str]) -> None:
    """Change name, muscle or side of a shape."""
    rows = read_rows(shapes)
    rows[index].update(labels)
    write_rows(shapes, rows)


def set_measured(shapes: Shapes, values: dict[int, float], frame: int) -> None:
    """Write echo intensities of a frame beside their outlines."""
    rows = read_rows(shapes)
    for index, value in values.items():
        rows[index][EI] = value
        rows[index][OUTLINE] = outline_checksum(shapes, index, frame)
    write_rows(shapes, rows)


def outline_checksum(shapes: Shapes, index: int, frame: int = 0) -> int:
    """Return a number that changes when a shape is moved, or another frame shown."""
    outline = np.ascontiguousarray(shapes.data[index]).tobytes()
    return zlib.crc32(outline, frame)


def _text(row: dict[str, Any]) -> str:
    lines = [row["name"]]
    if not math.isnan(row[EI]):
        lines.append(f"EI {row[EI]:.1f}")
    return "\n".join(lines)


def roi_of(shapes: Shapes, index: int, image_layer: Image) -> Roi:
    """Return one shape as a region in the pixels of an image layer.

    Raises
    ------
    RoiError
        If the shape encloses no area, or its numbers are unusable.
    """
    row = read_rows(shapes)[index]
    labels = {label: row[label] for label in LABELS}
    if labels["side"] not in ("left", "right"):
        labels["side"] = ""
    kind = str(shapes.shape_type[index])
    vertices = np.asarray(shapes.data[index], np.float64)[:, -2:]
    matrix, offset = pixel_transform(shapes, image_layer)
    if not _is_identity(matrix, offset):
        vertices = vertices @ matrix.T + offset
    if kind == "polygon":
        return Polygon(vertices, **labels)
    if kind in ("rectangle", "ellipse"):
        return _box_roi(kind, vertices, labels)
    raise RoiError(
        f"ROI {labels['name']!r} is a {kind}, which encloses no area; outline the "
        "muscle with polygon, freehand, ellipse or rectangle."
    )


def pixel_transform(
    shapes: Shapes, image_layer: Image
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return matrix and offset from shape coordinates to pixels of an image."""
    leading = np.zeros(shapes.ndim - 2)
    in_pixels = []
    for point in ((0.0, 0.0), (1.0, 0.0), (0.0, 1.0)):
        world = shapes.data_to_world(np.concatenate([leading, point]))
        in_pixels.append(np.asarray(image_layer.world_to_data(world))[-2:])
    origin = in_pixels[0]
    return np.column_stack([in_pixels[1] - origin, in_pixels[2] - origin]), origin


def _is_identity(
    matrix: npt.NDArray[np.float64], offset: npt.NDArray[np.float64]
) -> bool:
    # A millionth of a pixel over a thousand pixels.
    return bool(
        np.allclose(matrix, np.eye(2), atol=1e-9) and np.allclose(offset, 0, atol=1e-6)
    )


def _box_roi(
    kind: str, corners: npt.NDArray[np.float64], labels: dict[str, str]
) -> Roi:
    """Return a rectangle or ellipse from napari's four corners."""
    shape = Rectangle if kind == "rectangle" else Ellipse
    along, across = corners[1] - corners[0], corners[3] - corners[0]
    size = max(np.abs(along).max(), np.abs(across).max(), 1.0)
    dust = 10.0**-_DECIMALS * size / 100
    upright = np.abs(along).min() < dust and np.abs(across).min() < dust
    if upright:
        top, left = corners.min(axis=0)
        height, width = corners.max(axis=0) - corners.min(axis=0)
        top, left, height, width = (
            round(float(v), _DECIMALS) for v in (top, left, height, width)
        )
        return relabel(shape(top, left, height, width), **labels)
    width, height = float(np.hypot(*along)), float(np.hypot(*across))
    centre = corners.mean(axis=0)
    if abs(along @ across) > 1e-4 * width * height:
        return _sheared(kind, centre, along / 2, across / 2, labels)
    angle = math.degrees(math.atan2(-along[0], along[1]))
    top, left = centre[0] - height / 2, centre[1] - width / 2
    return relabel(shape(float(top), float(left), height, width, angle), **labels)


def _sheared(
    kind: str,
    centre: npt.NDArray[np.float64],
    along: npt.NDArray[np.float64],
    across: npt.NDArray[np.float64],
    labels: dict[str, str],
) -> Polygon:
    if kind == "rectangle":
        signs = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], float)
    else:
        theta = np.linspace(0, 2 * np.pi, 72, endpoint=False)
        signs = np.column_stack([np.cos(theta), np.sin(theta)])
    return Polygon(centre + signs @ np.vstack([along, across]), **labels)


def shape_from(roi: Roi) -> tuple[npt.NDArray[np.float64], str]:
    """Return vertices and napari's shape type of a region."""
    if isinstance(roi, Ellipse):
        box = Rectangle(roi.top, roi.left, roi.height, roi.width, roi.angle_deg)
        return box.outline(), "ellipse"
    return roi.outline(), type(roi).__name__.lower()
