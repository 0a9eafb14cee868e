"""Maps as layers: they lie on their picture, and are never taken for one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from napari.layers import Image, Vectors

from napari_muscle_us._napari._facts import METADATA_KEY

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeAlias

    import numpy.typing as npt
    from napari.components import ViewerModel

    Map = npt.NDArray[np.float32]
    MapLayer: TypeAlias = Image | Vectors

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
    if not isinstance(layer, Image | Vectors):
        return False
    facts = layer.metadata.get(METADATA_KEY)
    return isinstance(facts, dict) and _MAP_KEY in facts


def map_facts(layer: MapLayer) -> Mapping[str, Any]:
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
    layer = Image(
        _nothing(shape),
        name=name,
        colormap=_COLOUR_MAP,
        contrast_limits=(0.0, 1.0),
        opacity=_OPACITY,
        blending="translucent",
        interpolation2d="nearest",
        metadata=map_metadata({}),
        **place,
    )
    insert_map(viewer, image_layer, layer)
    return layer


def map_metadata(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metadata that make a layer a map; a blank one has no facts."""
    return {METADATA_KEY: {_MAP_KEY: dict(facts)}}


def insert_map(viewer: ViewerModel, image_layer: Image, layer: MapLayer) -> None:
    """Put a map above its picture and below the outlines; nothing else is chosen."""
    active = viewer.layers.selection.active
    viewer.layers.insert(_above(viewer, image_layer, layer), layer)
    viewer.layers.selection.active = active


def _above(viewer: ViewerModel, image_layer: Image, layer: MapLayer) -> int:
    """Return the index above a picture and the maps on it, yet below their lines."""
    layers = viewer.layers
    if image_layer not in layers:
        return len(layers)
    index = int(layers.index(image_layer)) + 1
    while index < len(layers) and is_map(layers[index]):
        if isinstance(layers[index], Vectors) and not isinstance(layer, Vectors):
            break
        index += 1
    return index


def show_values(
    layer: MapLayer,
    values: npt.NDArray[Any],
    place: Mapping[str, Any],
    facts: Mapping[str, Any],
) -> None:
    """Put values into a map, and what they are; colours keep their meaning."""
    _put(layer, place)
    layer.data = values
    layer.metadata = layer.metadata | map_metadata(facts)


def _put(layer: MapLayer, place: Mapping[str, Any]) -> None:
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


def blank(layer: MapLayer) -> None:
    """Take the values out of a map: what it showed does not hold any more."""
    if is_blank(layer):
        return
    if isinstance(layer, Vectors):
        layer.data = layer.data[:0]
    elif layer.rgb:
        layer.data = np.zeros(layer.data.shape, layer.data.dtype)
    else:
        layer.data = _nothing(layer.data.shape)
    layer.metadata = layer.metadata | map_metadata({})


def is_blank(layer: MapLayer) -> bool:
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
