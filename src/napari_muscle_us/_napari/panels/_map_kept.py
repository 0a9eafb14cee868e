"""The layers of live maps, and what each of them shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_muscle_us._napari import _map_layers

if TYPE_CHECKING:
    from napari.components import ViewerModel

    from napari_muscle_us._napari._map_layers import MapLayer


class KeptLayers:
    """Layers by what they show, in the order in which they came.

    Attributes
    ----------
    layers : dict of str to Image or Vectors
        The layer of each kind.
    shown : dict of str to object
        What the values of a layer depend on; nothing for a blank one.
    """

    def __init__(self) -> None:
        self.layers: dict[str, MapLayer] = {}
        self.shown: dict[str, Any] = {}
        self._names: dict[str, str] = {}

    def make(self, viewer: ViewerModel, kind: str, wanted: Any) -> MapLayer:
        """Add a blank layer to a viewer; subclasses say how, and keep it."""
        raise NotImplementedError

    def show(self, kind: str, values: Any, wanted: Any) -> None:
        """Put values into a layer; subclasses say how, and mark it."""
        raise NotImplementedError

    def blank(self, kind: str) -> None:
        """Take the values out of a layer."""
        _map_layers.blank(self.layers[kind])
        self.shown.pop(kind, None)

    def forget(self, kind: str) -> None:
        """Know nothing more of a layer that is gone."""
        for kept in (self.layers, self.shown, self._names):
            kept.pop(kind, None)

    def _keep(self, kind: str, layer: MapLayer) -> MapLayer:
        self.layers[kind], self._names[kind] = layer, layer.name
        return layer

    def _mark(self, kind: str, wanted: Any, name: str) -> None:
        """Note what a layer shows now, also in its name."""
        layer = self.layers[kind]
        # A name that the user gave stays.
        if layer.name == self._names[kind]:
            layer.name = name
            self._names[kind] = layer.name
        self.shown[kind] = wanted
