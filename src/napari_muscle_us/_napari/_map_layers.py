"""Texture maps as image layers: lie on their picture, and are never taken for one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from napari.layers import Image

from napari_muscle_us._napari._facts import METADATA_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    from napari.components import ViewerModel

    Map = npt.NDArray[np.float32]

_MAP_KEY: Final = "map"
_COLOUR_MAP: Final = "viridis"
"""Perceptually uniform; napari shows NaN transparent in it."""

_OPACITY: Final = 0.6
_PERCENTILES: Final = (1.0, 99.0)
"""Ends of the colours: single windows on a bright spot do not darken all others."""

_MANY: Final = 20_000
"""So many values tell percentiles as well as all do."""


def is_map(layer: object) -> bool:
    """Whether a layer holds a map, so no picture to measure."""
    facts = layer.metadata.get(METADATA_KEY) if isinstance(layer, Image) else None
    return isinstance(facts, dict) and _MAP_KEY in facts


def map_facts(layer: Image) -> Mapping[str, Any]:
    """Return what a map's metadata tell: all that computing it again needs."""
    facts: Mapping[str, Any] = layer.metadata[METADATA_KEY][_MAP_KEY]
    return facts


def add_map(
    viewer: ViewerModel,
    image_layer: Image,
    shape: tuple[int, int],
    place: Mapping[str, Any],
    name: str,
) -> Image:
    """Add a map without values above its picture and below the outlines."""
    active = viewer.layers.selection.active
    layer = Image(
        _nothing(shape),
        name=name,
        colormap=_COLOUR_MAP,
        contrast_limits=(0.0, 1.0),
        opacity=_OPACITY,
        blending="translucent",
        interpolation2d="nearest",
        metadata={METADATA_KEY: {_MAP_KEY: {}}},
        **place,
    )
    viewer.layers.insert(_above(viewer, image_layer), layer)
    viewer.layers.selection.active = active
    return layer


def _above(viewer: ViewerModel, image_layer: Image) -> int:
    """Return the index above a picture and the maps that lie on it already."""
    if image_layer not in viewer.layers:
        return len(viewer.layers)
    index = int(viewer.layers.index(image_layer)) + 1
    while index < len(viewer.layers) and is_map(viewer.layers[index]):
        index += 1
    return index


def show_values(
    layer: Image, values: Map, place: Mapping[str, Any], facts: Mapping[str, Any]
) -> None:
    """Put values into a map, and what they are; colours keep their meaning."""
    _put(layer, place)
    layer.data = values
    layer.metadata = layer.metadata | {METADATA_KEY: {_MAP_KEY: dict(facts)}}


def _put(layer: Image, place: Mapping[str, Any]) -> None:
    """Lay a map on its picture, and stir nothing where it lies there already."""
    if not same_place({name: getattr(layer, name) for name in place}, place):
        for name, value in place.items():
            setattr(layer, name, value)


def same_place(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two places of layers, as `spatial_kwargs_of` gives them, are the same."""
    plain = (tuple(one[n]) == tuple(other[n]) for n in ("units", "axis_labels"))
    numbers = (
        np.array_equal(np.ravel(one[n]), np.ravel(other[n]))
        for n in ("scale", "translate", "rotate", "shear")
    )
    matrices = one["affine"].affine_matrix, other["affine"].affine_matrix
    return all(plain) and all(numbers) and np.array_equal(*matrices)


def blank(layer: Image) -> None:
    """Take the values out of a map: what it showed does not hold any more."""
    if not is_blank(layer):
        layer.data = _nothing(layer.data.shape)
        layer.metadata = layer.metadata | {METADATA_KEY: {_MAP_KEY: {}}}


def is_blank(layer: Image) -> bool:
    """Whether a map shows nothing."""
    return not map_facts(layer)


def _nothing(shape: tuple[int, ...]) -> Map:
    return np.full(shape, np.nan, np.float32)


def fit_colours(layer: Image) -> bool:
    """Stretch the colours over a map's values; tell whether it has any.

    From the 1st to the 99th percentile. The colour bar shows up with the first values.
    """
    values = layer.data[np.isfinite(layer.data)]
    if not values.size:
        return False
    least, most = float(values.min()), float(values.max())
    low, high = np.percentile(values[:: max(1, values.size // _MANY)], _PERCENTILES)
    low, high = _apart(float(low), float(high))
    span = min(least, low), max(most, high)
    # The range first: limits outside of it would be clipped to the former one.
    layer.contrast_limits_range = span
    layer.contrast_limits = low, high
    layer.contrast_limits_range = span
    # Side by side, so that each bar says what it is of, and in which unit.
    layer.name_overlay.position = layer.colorbar.position
    layer.colorbar.visible = layer.name_overlay.visible = True
    return True


def _apart(low: float, high: float) -> tuple[float, float]:
    """Return limits that differ also as single precision, as napari needs them."""
    room = max(abs(low), abs(high), 1.0) * 1e-4
    return (low, high) if high - low > room else (low - room, high + room)
