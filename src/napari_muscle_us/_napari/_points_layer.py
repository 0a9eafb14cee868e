"""Points of ImageJ files: napari keeps them in a layer of their own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import numpy as np
from napari.layers import Points as PointsLayer

from napari_muscle_us._napari import _pairs
from napari_muscle_us._napari._facts import METADATA_KEY
from napari_muscle_us._napari._layers import image_of, spatial_kwargs_of, tie
from napari_muscle_us._napari._roi_carry import pixels_below
from napari_muscle_us.roi.entries import RoiEntry
from napari_muscle_us.roi.shapes import Points, relabel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.components import ViewerModel
    from napari.layers import Image, Layer

_NAME: Final = "name"
_KEY: Final = "roi_key"
_SIZE: Final = 6
_COLOUR: Final = "#ffd400"

_known: WeakKeyDictionary[PointsLayer, dict[str, RoiEntry]] = WeakKeyDictionary()


def show_points(
    viewer: ViewerModel, image_layer: Image, entries: Sequence[RoiEntry]
) -> None:
    """Add the points among some entries as a layer on an image."""
    import pandas as pd

    points = [e for e in entries if isinstance(e.roi, Points)]
    if not points:
        return
    active = viewer.layers.selection.active
    rows = [{_NAME: e.roi.name, _KEY: e.key} for e in points for _ in e.roi.outline()]
    layer = PointsLayer(
        np.vstack([e.roi.outline() for e in points]),
        name=f"Points of {image_layer.name}",
        features=pd.DataFrame(rows),
        text={"string": f"{{{_NAME}}}", "color": _COLOUR, "size": 10},
        size=_SIZE,
        face_color=_COLOUR,
        metadata={METADATA_KEY: tie(image_of(image_layer))},
        **spatial_kwargs_of(image_layer),
    )
    _known[layer] = {e.key: e for e in points}
    viewer.add_layer(layer)
    viewer.layers.selection.active = active


def points_on(viewer: ViewerModel, image_layer: Image) -> list[RoiEntry]:
    """Return the points on an image as entries, as they are now."""
    return [
        entry
        for layer in point_layers(viewer, image_layer)
        for entry in _entries(layer, image_layer)
    ]


def point_layers(viewer: ViewerModel, image_layer: Image) -> list[PointsLayer]:
    """Return the layers of points that were made for an image."""
    wanted = tie(image_of(image_layer))
    found = []
    for layer in viewer.layers:
        facts = layer.metadata.get(METADATA_KEY, {})
        if isinstance(layer, PointsLayer) and all(
            facts.get(name) == value for name, value in wanted.items()
        ):
            found.append(layer)
    return found


def layers_above(viewer: ViewerModel, image_layer: Image) -> list[Layer]:
    """Return all layers made for an image: outlines, the ruler and points."""
    shapes = _pairs.layers_on(viewer, image_layer)
    return [*shapes, *point_layers(viewer, image_layer)]


def _entries(layer: PointsLayer, image_layer: Image) -> list[RoiEntry]:
    """Return the points of a layer, those of one row key together."""
    matrix, offset = pixels_below(layer, image_layer)
    places = np.asarray(layer.data, np.float64)[:, -2:] @ matrix.T + offset
    groups: dict[str, list[Any]] = {}
    names: dict[str, str] = {}
    rows = layer.features.reindex(columns=[_KEY, _NAME]).fillna("").astype(str)
    for place, key, name in zip(places, rows[_KEY], rows[_NAME], strict=True):
        groups.setdefault(key, []).append(place)
        names[key] = names.get(key) or name
    known = _known.setdefault(layer, {})
    entries = []
    for key, members in groups.items():
        roi = Points(np.array(members), name=names[key] or "Points")
        old = known.get(key)
        if old is None:
            # Points that the user put there keep their mark from now on.
            old = known.setdefault(key, RoiEntry(roi))
        entries.append(_updated(old, roi))
    return entries


def _updated(old: RoiEntry, roi: Points) -> RoiEntry:
    """Return an entry with the points as they are now, itself if they are the same."""
    labelled = relabel(roi, name=roi.name, muscle=old.roi.muscle, side=old.roi.side)
    if np.array_equal(old.roi.outline(), labelled.outline()):
        if old.roi.name == labelled.name:
            return old
        return replace(old, roi=relabel(old.roi, name=labelled.name))
    return replace(old, roi=labelled)
