"""How bright an image is shown: colours of directions keep to it."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from qtpy.QtCore import QObject, Signal

from napari_muscle_us._napari.panels._animap_work import Display

if TYPE_CHECKING:
    from napari.layers import Image


class DisplayWatch(QObject):
    """Tells contrast limits and gamma of one image layer, and when they change."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._layer: weakref.ref[Image] | None = None

    def of(self, layer: Image) -> Display:
        """Return how a layer is shown, and watch it from now on."""
        self._watch(layer)
        if layer.rgb:
            return Display()
        low, high = layer.contrast_limits
        return Display((float(low), float(high)), float(layer.gamma))

    def _watch(self, layer: Image) -> None:
        known = None if self._layer is None else self._layer()
        if known is layer:
            return
        if known is not None:
            known.events.contrast_limits.disconnect(self._on_changed)
            known.events.gamma.disconnect(self._on_changed)
        layer.events.contrast_limits.connect(self._on_changed)
        layer.events.gamma.connect(self._on_changed)
        self._layer = weakref.ref(layer)

    def _on_changed(self, event: object = None) -> None:
        self.changed.emit()
