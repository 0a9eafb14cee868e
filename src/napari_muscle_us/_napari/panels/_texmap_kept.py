"""The layers of texture maps, one a feature, and the colours of their values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from napari_muscle_us._napari import _map_layers
from napari_muscle_us._napari.panels._map_kept import KeptLayers
from napari_muscle_us._napari.panels._texmap_work import Wanted, facts_of, name_of

if TYPE_CHECKING:
    import numpy.typing as npt
    from napari.components import ViewerModel
    from napari.layers import Image


class KeptMaps(KeptLayers):
    """Map layers by feature."""

    def __init__(self) -> None:
        super().__init__()
        self._fitted: dict[str, Any] = {}

    def make(self, viewer: ViewerModel, feature: str, wanted: Wanted) -> Image:
        """Add a layer without values to a viewer."""
        source = wanted.source
        shape, place = source.image.frame_shape, source.place
        name = name_of(feature, wanted)
        layer = _map_layers.add_map(viewer, source.layer, shape, place, name)
        # A long name is then cut off behind the image's, not before the feature's.
        layer.colorbar.position = "top_left"
        return self._keep(feature, layer)

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
        self._mark(feature, wanted, name_of(feature, wanted))
        # Of other bins the numbers are of another size; else colours can be compared.
        scale = wanted.settings.binning, bool(source.regions)
        if self._fitted.get(feature) != scale and _map_layers.fit_colours(layer):
            self._fitted[feature] = scale

    def fit_colours(self) -> None:
        """Stretch the colours of all maps over their values."""
        for layer in self.layers.values():
            _map_layers.fit_colours(layer)

    def forget(self, feature: str) -> None:
        """Know nothing more of a layer that is gone."""
        super().forget(feature)
        self._fitted.pop(feature, None)
