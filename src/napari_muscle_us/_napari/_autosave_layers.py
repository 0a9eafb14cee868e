"""The ROI layers of an image as sets to keep, and kept sets as layers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from napari.layers import Image, Shapes

from napari_muscle_us._napari import _pairs, _shapes
from napari_muscle_us._napari._facts import METADATA_KEY
from napari_muscle_us._napari._layers import image_of
from napari_muscle_us._napari._points_layer import points_on, show_points
from napari_muscle_us._napari._roi_store import RoiStore
from napari_muscle_us._napari._ruler_layer import is_ruler
from napari_muscle_us.errors import MuscleUSError
from napari_muscle_us.io.autosave import RoiSet
from napari_muscle_us.roi.edit import move_roi
from napari_muscle_us.roi.entries import RoiEntry
from napari_muscle_us.roi.shapes import Points, Polygon, Polyline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_muscle_us._napari._session import Session
    from napari_muscle_us.image import UltrasoundImage
    from napari_muscle_us.regions import Bounds

_LEAST_OF_OUTLINE = 3


def open_images(session: Session) -> list[str]:
    """Return the keys of the images that are open, each once."""
    keys = [image.key for _, image in _images(session)]
    return list(dict.fromkeys(keys))


def image_by_key(session: Session, key: str) -> UltrasoundImage | None:
    """Return an open image by its key."""
    return next((i for _, i in _images(session) if i.key == key), None)


def _images(session: Session) -> list[tuple[Image, UltrasoundImage]]:
    found = []
    for layer in session.viewer.layers:
        if isinstance(layer, Image) and _pairs.is_measurable(layer):
            found.append((layer, image_of(layer)))
    return found


def sets_on(session: Session, key: str) -> tuple[RoiSet, ...]:
    """Return what is drawn on an image, a set a layer; also what is being drawn."""
    sets = []
    for layer in session.viewer.layers:
        facts = layer.metadata.get(METADATA_KEY, {})
        if not isinstance(layer, Shapes) or is_ruler(layer):
            continue
        if facts.get("image_key") != key:
            continue
        image_layer = _image_of(session, layer)
        if image_layer is not None:
            entries = _entries(session, layer, image_layer)
            sets.append(RoiSet(layer.name, entries, facts.get("image_crop")))
    # Two image layers may show one part of the picture; its points are kept once.
    parts = {i.crop: layer for layer, i in _images(session) if i.key == key}
    for crop, layer in parts.items():
        sets.append(RoiSet("Points", tuple(points_on(session.viewer, layer)), crop))
    return tuple(s for s in sets if s.entries)


def _image_of(session: Session, shapes: Shapes) -> Image | None:
    return _pairs.image_for(session.viewer, shapes, session.image_layer)


def _entries(
    session: Session, layer: Shapes, image_layer: Image
) -> tuple[RoiEntry, ...]:
    if layer is session.roi_layer and image_layer is session.image_layer:
        stored = session.rois.stored()
    else:
        stored = RoiStore.of(layer).read(image_layer, session.frame)
    entries = []
    for shape in stored:
        if shape.kept is not None and shape.row["name"]:
            entries.append(shape.kept)
        else:
            entries += _unfinished(layer, shape.index, image_layer)
    return tuple(entries)


def _unfinished(layer: Shapes, index: int, image_layer: Image) -> list[RoiEntry]:
    """Return what is being drawn: an outline as soon as it is one."""
    vertices = layer.data[index][:, -2:]
    matrix, offset = _shapes.pixel_transform(layer, image_layer)
    vertices = vertices @ matrix.T + offset
    outline = not str(layer.mode).endswith(("line", "path"))
    closed = outline and len(vertices) >= _LEAST_OF_OUTLINE
    kind: type[Polygon | Polyline] = Polygon if closed else Polyline
    try:
        return [RoiEntry(kind(vertices, name="unfinished"))]
    except MuscleUSError:
        # A single point so far.
        return []


def show_sets(session: Session, image_layer: Image, sets: Sequence[RoiSet]) -> None:
    """Add kept sets as ROI layers on an image."""
    here = image_of(image_layer).crop
    for one in sets:
        entries = [_moved(e, one.crop, here) for e in one.entries]
        shapes = [e for e in entries if not isinstance(e.roi, Points)]
        if shapes:
            session.use_image(image_layer)
            layer = session.new_roi_layer()
            layer.name = one.name
            session.rois.restore(shapes)
        show_points(session.viewer, image_layer, entries)


def _moved(entry: RoiEntry, drawn_on: Bounds | None, here: Bounds | None) -> RoiEntry:
    """Return an entry in the pixels of the part of the picture that is shown."""
    rows = (drawn_on[0] if drawn_on else 0) - (here[0] if here else 0)
    columns = (drawn_on[2] if drawn_on else 0) - (here[2] if here else 0)
    if not rows and not columns:
        return entry
    moved: dict[str, Any] = {
        "roi": move_roi(entry.roi, rows, columns),
        "keyframes": tuple(
            (n, move_roi(roi, rows, columns)) for n, roi in entry.keyframes
        ),
    }
    return replace(entry, **moved)
