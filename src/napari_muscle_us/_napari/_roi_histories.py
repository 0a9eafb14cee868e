"""The histories of ROI layers, one for each image that a layer is used on.

A layer can lie on a picture and on a part of it, whose pixels count from elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from napari_muscle_us.roi.history import RoiHistory

if TYPE_CHECKING:
    from napari.layers import Image, Shapes


class Histories:
    """Gives each ROI layer on an image its history."""

    def __init__(self) -> None:
        self._known: WeakKeyDictionary[Shapes, WeakKeyDictionary[Image, RoiHistory]]
        self._known = WeakKeyDictionary()

    def label(
        self, layer: Shapes | None, image_layer: Image | None, *, back: bool
    ) -> str:
        """Return what would be undone or redone, empty for nothing."""
        if layer is None or image_layer is None:
            return ""
        history = self.of(layer, image_layer)
        return history.undo_label if back else history.redo_label

    def has(self, layer: Shapes, image_layer: Image) -> bool:
        """Whether a layer was in hand on an image before."""
        return image_layer in self._known.get(layer, ())

    def of(self, layer: Shapes, image_layer: Image) -> RoiHistory:
        """Return the history of a layer on an image, begun if there is none."""
        return self._known.setdefault(layer, WeakKeyDictionary()).setdefault(
            image_layer, RoiHistory()
        )
