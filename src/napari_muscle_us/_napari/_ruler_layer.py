"""The line that a user draws along the depth ruler, on a layer of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from napari.layers import Image, Shapes

from napari_muscle_us._napari._facts import METADATA_KEY
from napari_muscle_us._napari._layers import (
    follow_image,
    image_of,
    spatial_kwargs_of,
    tie,
)
from napari_muscle_us._napari._shapes import pixel_transform
from napari_muscle_us.errors import MeasureError

if TYPE_CHECKING:
    from napari.components import ViewerModel

Point = tuple[float, float]

RULER_NAME: Final = "Ruler"
_COLOUR: Final = "#00e5ff"


def is_ruler(layer: object) -> bool:
    """Whether a layer holds ruler lines, so no regions of interest."""
    facts = layer.metadata.get(METADATA_KEY) if isinstance(layer, Shapes) else None
    return isinstance(facts, dict) and facts.get("ruler") is True


def start_ruler(viewer: ViewerModel, image_layer: Image) -> Shapes:
    """Return a layer on which the next drag draws a line, made if there is none."""
    layer = _find(viewer)
    if layer is None:
        layer = Shapes(
            name=RULER_NAME,
            ndim=2,
            edge_color=_COLOUR,
            edge_width=2,
            metadata={METADATA_KEY: {"ruler": True}},
            **spatial_kwargs_of(image_layer),
        )
        viewer.add_layer(layer)
    layer.metadata[METADATA_KEY] = {"ruler": True} | tie(image_of(image_layer))
    follow_image(layer, image_layer)
    viewer.layers.selection.active = layer
    layer.mode = "add_line"
    return layer


def ruler_line(viewer: ViewerModel, image_layer: Image) -> tuple[Point, Point]:
    """Return the ends (row, column) of the last line drawn, in pixels of the image.

    Raises
    ------
    MeasureError
        If no line has been drawn.
    """
    layer = _find(viewer)
    lines = (
        []
        if layer is None
        else [
            v
            for v, kind in zip(layer.data, layer.shape_type, strict=True)
            if kind == "line"
        ]
    )
    if layer is None or not lines:
        raise MeasureError(
            "There is no ruler line yet; press Draw and drag along the depth "
            "ruler of the picture."
        )
    matrix, offset = pixel_transform(layer, image_layer)
    ends = np.asarray(lines[-1], float)[:, -2:] @ matrix.T + offset
    (r0, c0), (r1, c1) = ends.tolist()
    return (r0, c0), (r1, c1)


def remove_ruler(viewer: ViewerModel) -> None:
    """Take the ruler layer away once its line was used."""
    layer = _find(viewer)
    if layer is not None:
        viewer.layers.remove(layer)


def _find(viewer: ViewerModel) -> Shapes | None:
    return next((x for x in viewer.layers if is_ruler(x)), None)
