"""Shapes layers as regions of interest, and back."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us._napari._facts import METADATA_KEY
from napari_muscle_us._napari._layers import image_of, spatial_kwargs_of, tie
from napari_muscle_us._napari._roi_rows import DEFAULTS, LABELS, TEXT
from napari_muscle_us.roi.keyhole import keyhole
from napari_muscle_us.roi.open_shapes import Polyline
from napari_muscle_us.roi.shapes import (
    Composite,
    Ellipse,
    Polygon,
    Rectangle,
)

if TYPE_CHECKING:
    import numpy.typing as npt
    from napari.layers import Image, Shapes

    from napari_muscle_us.roi.open_shapes import LineKind
    from napari_muscle_us.roi.shapes import AnyRoi, Roi

    Transform = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]

EDGE_COLOUR: Final = "#ffd400"
_FACE_COLOUR: Final = "transparent"
EDGE_WIDTH: Final = 3
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
            "color": EDGE_COLOUR,
            "size": 10,
            "anchor": "upper_left",
        },
        "edge_color": EDGE_COLOUR,
        "face_color": _FACE_COLOUR,
        "edge_width": EDGE_WIDTH,
        "opacity": 1.0,
        "metadata": {METADATA_KEY: tie(image)},
    } | spatial_kwargs_of(image_layer)


def geometry_of(
    shapes: Shapes, index: int, transform: Transform, labels: dict[str, str]
) -> AnyRoi:
    """Return one shape as a region in the pixels of an image.

    Parameters
    ----------
    shapes : Shapes
        ROI layer.
    index : int
        Which shape.
    transform : tuple of ndarray
        Matrix and offset from the layer's coordinates to pixels.
    labels : dict
        Name, muscle and side.

    Raises
    ------
    RoiError
        If the numbers of the shape are unusable.
    """
    labels = {label: labels[label] for label in LABELS}
    if labels["side"] not in ("left", "right"):
        labels["side"] = ""
    kind = str(shapes.shape_type[index])
    vertices = np.asarray(shapes.data[index], np.float64)[:, -2:]
    if not _is_identity(*transform):
        vertices = vertices @ transform[0].T + transform[1]
    if kind == "polygon":
        return Polygon(vertices, **labels)
    if kind in ("rectangle", "ellipse"):
        return box_roi(kind, vertices, labels)
    line: LineKind = "line" if kind == "line" else "polyline"
    return Polyline(vertices, kind=line, **labels)


def pixel_transform(shapes: Shapes, image_layer: Image) -> Transform:
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


def box_roi(kind: str, corners: npt.NDArray[np.float64], labels: dict[str, str]) -> Roi:
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
        return shape(top, left, height, width, 0.0, **labels)
    width, height = float(np.hypot(*along)), float(np.hypot(*across))
    centre = corners.mean(axis=0)
    if abs(along @ across) > 1e-4 * width * height:
        return _sheared(kind, centre, along / 2, across / 2, labels)
    angle = math.degrees(math.atan2(-along[0], along[1]))
    top, left = centre[0] - height / 2, centre[1] - width / 2
    return shape(float(top), float(left), height, width, angle, **labels)


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


def shape_from(roi: AnyRoi) -> tuple[npt.NDArray[np.float64], str]:
    """Return vertices and napari's shape type of a region.

    A composite becomes one path, since napari knows no holes.
    """
    if isinstance(roi, Ellipse):
        box = Rectangle(roi.top, roi.left, roi.height, roi.width, roi.angle_deg)
        return box.outline(), "ellipse"
    if isinstance(roi, Composite):
        return keyhole(roi)[0], "polygon"
    if isinstance(roi, Polyline):
        return roi.vertices, "line" if roi.kind == "line" else "path"
    return roi.outline(), type(roi).__name__.lower()
