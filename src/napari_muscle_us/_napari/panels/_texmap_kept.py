"""The layers of texture maps, one a feature, and what each of them shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_muscle_us._napari import _map_layers
from napari_muscle_us._napari.panels._texmap_work import Wanted, facts_of, name_of

if TYPE_CHECKING:
    import numpy.typing as npt
    from napari.components import ViewerModel
    from napari.layers import Image


class KeptMaps:
    """Map layers by feature, in the order in which they came.

    Attributes
    ----------
    layers : dict of str to Image
        The layer of each feature.
    shown : dict of str to Wanted
        What the values of a layer are of; nothing for a blank one.
    """

    def __init__(self) -> None:
        self.layers: dict[str, Image] = {}
        self.shown: dict[str, Wanted] = {}
        self._names: dict[str, str] = {}
        self._fitted: dict[str, Any] = {}

    def make(self, viewer: ViewerModel, feature: str, wanted: Wanted) -> Image:
        """Add a layer without values to a viewer."""
        source = wanted.source
        shape, place = source.image.frame_shape, source.place
        name = name_of(feature, wanted)
        layer = _map_layers.add_map(viewer, source.layer, shape, place, name)
        # A long name is then cut off behind the image's, not before the feature's.
        layer.colorbar.position = "top_left"
        self.layers[feature], self._names[feature] = layer, layer.name
        return layer

    def values(self, feature: str) -> npt.NDArray[Any] | None:
        """Return the values of a map, ``None`` while it is blank."""
        layer = self.layers.get(feature)
        if layer is None or _map_layers.is_blank(layer):
            return None
        values: npt.NDArray[Any] = layer.data
        return values

    def show(self, feature: str, values: npt.NDArray[Any], wanted: Wanted) -> None:
        """Put values into a layer, and into its name and facts what they are of."""
        layer, source = self.layers[feature], wanted.source
        facts = facts_of(feature, wanted)
        _map_layers.show_values(layer, values, source.place, facts)
        # A name that the user gave stays.
        if layer.name == self._names[feature]:
            layer.name = name_of(feature, wanted)
            self._names[feature] = layer.name
        self.shown[feature] = wanted
        # Of other bins the numbers are of another size; else colours can be compared.
        scale = wanted.settings.binning, bool(source.regions)
        if self._fitted.get(feature) != scale and _map_layers.fit_colours(layer):
            self._fitted[feature] = scale

    def fit_colours(self) -> None:
        """Stretch the colours of all maps over their values."""
        for layer in self.layers.values():
            _map_layers.fit_colours(layer)

    def blank(self, feature: str) -> None:
        """Take the values out of a layer."""
        _map_layers.blank(self.layers[feature])
        self.shown.pop(feature, None)

    def forget(self, feature: str) -> None:
        """Know nothing more of a layer that is gone."""
        for kept in (self.layers, self.shown, self._names, self._fitted):
            kept.pop(feature, None)
