"""Shows the outline in the making, on a layer that is no region of interest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from napari.layers import Vectors

from napari_muscle_us._napari._layers import spatial_kwargs_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from napari.components import ViewerModel
    from napari.layers import Image

    Float = npt.NDArray[np.float64]

PREVIEW_NAME: Final = "Magnetic outline"
_COLOUR: Final = "#00e5ff"
_LINE_PX: Final = 2.0
_MARK_PX: Final = 4.0
_BLOCK: Final = 256
_EVERY: Final = 3


class MagneticPreview:
    """A layer of vectors: the session takes it neither for regions nor for a picture.

    Parameters
    ----------
    viewer : ViewerModel
        Where it is added, on top.
    image_layer : Image
        What it lies on.
    """

    def __init__(self, viewer: ViewerModel, image_layer: Image) -> None:
        self._layer = Vectors(
            np.zeros((0, 2, 2)),
            ndim=2,
            name=PREVIEW_NAME,
            edge_color=_COLOUR,
            vector_style="line",
            opacity=1.0,
            **spatial_kwargs_of(image_layer),
        )
        viewer.add_layer(self._layer)

    def is_in(self, viewer: ViewerModel) -> bool:
        """Whether the layer is still there; the user may have deleted it."""
        return self._layer in viewer.layers

    def remove_from(self, viewer: ViewerModel) -> None:
        """Take the layer away."""
        if self.is_in(viewer):
            viewer.layers.remove(self._layer)

    def draw(
        self,
        points: Float,
        anchors: Sequence[tuple[int, int]],
        *,
        zoom: float,
        closing: bool,
    ) -> None:
        """Show a path and its anchors.

        Parameters
        ----------
        points : ndarray of float64, shape (n, 2)
            Path in px of the image.
        anchors : sequence of tuple of int
            Pixels ``(row, column)``; none clears the layer.
        zoom : float
            Pixels of the screen to a px of the image.
        closing : bool
            Whether a click would close the outline, so that the first anchor grows.
        """
        layer, width = self._layer, _LINE_PX / zoom
        if anchors and abs(layer.edge_width - width) > 0.1 * width:
            layer.edge_width = width
        # Nobody need know where the layer ends: it lies on the image.
        with layer.events.data.blocker():
            layer.data = _segments(points, anchors, zoom, closing=closing)


def _segments(
    points: Float, anchors: Sequence[tuple[int, int]], zoom: float, *, closing: bool
) -> Float:
    """Return the path and a square around each anchor as napari's vectors."""
    if not anchors:
        return np.zeros((0, 2, 2))
    corners = np.array([(-1, -1), (-1, 1), (1, 1), (1, -1), (-1, -1)]) * _MARK_PX / zoom
    # A pixel more or less cannot be seen; napari's time goes with their number.
    parts = [np.vstack([points[:-1:_EVERY], points[-1:]])]
    for number, anchor in enumerate(anchors):
        grown = 2.0 if closing and number == 0 else 1.0
        parts.append(np.array(anchor) + grown * corners)
    found = np.vstack([np.stack([p[:-1], np.diff(p, axis=0)], axis=1) for p in parts])
    found = found[np.any(found[:, 1] != 0, axis=1)]
    # napari takes longer for another number of vectors than for other vectors.
    missing = -len(found) % _BLOCK
    return np.concatenate([found, np.repeat(found[-1:], missing, axis=0)])
