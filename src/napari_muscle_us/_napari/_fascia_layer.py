"""Shows on the image where a region seems to hold fascia.

A Labels layer: the session takes Image layers for pictures and Shapes for regions, so
this one is neither measured nor saved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from napari.layers import Labels
from napari.utils.colormaps import DirectLabelColormap

from napari_muscle_us._napari._layers import spatial_kwargs_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_muscle_us._napari._frame_facts import RegionFindings

FASCIA_NAME: Final = "Perhaps fascia"
_COLOUR: Final = "#ff3df0"
_OPACITY: Final = 0.5


class FasciaLayer:
    """The one layer of marks in a viewer, above the image it belongs to."""

    def __init__(self) -> None:
        self.layer: Labels | None = None
        self._marked = False

    def show(self, viewer: ViewerModel, image_layer: Image) -> None:
        """Add the layer, empty, without taking the active layer's place."""
        self.remove(viewer)
        self._marked = False
        active = viewer.layers.selection.active
        self.layer = Labels(
            _empty(image_layer),
            name=FASCIA_NAME,
            opacity=_OPACITY,
            colormap=DirectLabelColormap(
                color_dict={None: "transparent", 0: "transparent", 1: _COLOUR}
            ),
            **spatial_kwargs_of(image_layer),
        )
        # Below the outlines, so that it hides no vertex.
        viewer.layers.insert(viewer.layers.index(image_layer) + 1, self.layer)
        viewer.layers.selection.active = active

    def is_shown(self, viewer: ViewerModel) -> bool:
        """Whether the layer is there; the user may have deleted it."""
        return self.layer is not None and self.layer in viewer.layers

    def fits(self, image_layer: Image | None) -> bool:
        """Whether the layer lies on an image as it is placed now."""
        if self.layer is None or image_layer is None:
            return False
        here = spatial_kwargs_of(self.layer)
        there = spatial_kwargs_of(image_layer)
        same = self.layer.data.shape == _shape(image_layer)
        return same and all(
            np.allclose(here[name], there[name]) for name in ("scale", "translate")
        )

    def mark(self, findings: Sequence[RegionFindings]) -> None:
        """Mark the bright pixels of regions and no others."""
        if self.layer is None or not (findings or self._marked):
            return
        self._marked = bool(findings)
        marks = np.zeros(self.layer.data.shape, np.uint8)
        for found in findings:
            if found.window is not None and found.bright is not None:
                marks[found.window.rows, found.window.columns][found.bright] = 1
        self.layer.data = marks

    def remove(self, viewer: ViewerModel) -> None:
        """Take the layer away."""
        if self.layer is not None and self.layer in viewer.layers:
            viewer.layers.remove(self.layer)
        self.layer = None


def _shape(image_layer: Image) -> tuple[int, int]:
    shape = image_layer.data.shape
    rows, columns = shape[-3:-1] if image_layer.rgb else shape[-2:]
    return int(rows), int(columns)


def _empty(image_layer: Image) -> np.ndarray:
    return np.zeros(_shape(image_layer), np.uint8)
