"""The layers of fibre direction: how they look, and how they are filled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from napari.layers import Image, Vectors
from napari.utils import Colormap

from napari_muscle_us._napari import _map_layers
from napari_muscle_us._napari.panels._animap_lines import Lines
from napari_muscle_us._napari.panels._animap_work import (
    COHERENCY,
    COLOURS,
    DIRECTION,
    LINES,
    Wanted,
    facts_of,
    line_step_px,
    name_of,
)
from napari_muscle_us._napari.panels._map_kept import KeptLayers
from napari_muscle_us.measure.anisotropy.colours import direction_hues

if TYPE_CHECKING:
    import numpy.typing as npt
    from napari.components import ViewerModel

    from napari_muscle_us._napari._map_layers import MapLayer

_OPACITY: Final = 0.6
_LINE_COLOUR: Final = "#ffe94d"
_LINE_SHARE: Final = 0.07
"""Width of a line, as a share of the grid's step."""


class KeptDirections(KeptLayers):
    """Colours, coherency, direction and lines, each a layer."""

    def make(self, viewer: ViewerModel, kind: str, wanted: Wanted) -> MapLayer:
        """Add a blank layer to a viewer."""
        source = wanted.source
        layer = _blank_layer(kind, source.image.frame_shape)
        for name, value in source.place.items():
            setattr(layer, name, value)
        layer.name = name_of(kind, wanted)
        _map_layers.insert_map(viewer, source.layer, layer)
        if kind in (COHERENCY, DIRECTION):
            # A long name is then cut off behind the image's, not before what is
            # mapped. Only of a layer that is in a viewer it stands above the bar.
            layer.name_overlay.position = layer.colorbar.position = "top_left"
            layer.colorbar.visible = layer.name_overlay.visible = True
        return self._keep(kind, layer)

    def show(self, kind: str, values: npt.NDArray[Any] | Lines, wanted: Wanted) -> None:
        """Put values into a layer, and into its name and facts what they are of."""
        layer, place = self.layers[kind], wanted.source.place
        facts = facts_of(kind, wanted)
        if isinstance(values, Lines):
            _show_lines(layer, values, wanted, facts)
        else:
            _map_layers.show_values(layer, values, place, facts)
        self._mark(kind, wanted, name_of(kind, wanted))


def direction_colormap() -> Colormap:
    """Return the hues of directions as napari's colours; the circle closes."""
    hues = direction_hues()
    closed = np.vstack([hues, hues[:1]])
    return Colormap(closed, name="fibre direction", display_name="fibre direction")


def _blank_layer(kind: str, shape: tuple[int, int]) -> MapLayer:
    metadata = _map_layers.map_metadata({})
    if kind == LINES:
        return Vectors(
            np.empty((0, 2, 2)),
            vector_style="line",
            edge_color=_LINE_COLOUR,
            opacity=1.0,
            metadata=metadata,
        )
    if kind == COLOURS:
        nothing = np.zeros((*shape, 4), np.uint8)
        return Image(nothing, rgb=True, interpolation2d="nearest", metadata=metadata)
    return Image(
        np.full(shape, np.nan, np.float32),
        colormap="viridis" if kind == COHERENCY else direction_colormap(),
        contrast_limits=(0.0, 1.0) if kind == COHERENCY else (-90.0, 90.0),
        opacity=_OPACITY,
        blending="translucent",
        interpolation2d="nearest",
        metadata=metadata,
    )


def _show_lines(
    layer: Vectors, lines: Lines, wanted: Wanted, facts: dict[str, Any]
) -> None:
    import pandas as pd

    source = wanted.source
    _map_layers.show_values(layer, lines.vectors, source.place, facts)
    layer.features = pd.DataFrame(
        {"direction_deg": lines.direction_deg, "coherency": lines.coherency}
    )
    step = line_step_px(wanted.settings.lines, source.image.spacing_mm)
    width = max(_LINE_SHARE * min(step), 0.5)
    # Setting it builds all lines anew.
    if layer.edge_width != width:
        layer.edge_width = width
