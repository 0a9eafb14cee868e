"""Keeps the shapes of an ROI layer and the entries of its set in step.

The layer is the truth for what is seen; the entries also know what no layer can hold:
holes, keyframes, the fields of an ImageJ file. A shape that nobody touched gives back
the very region it was made from, to the last digit.
"""

from __future__ import annotations

import weakref
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import numpy as np

from napari_muscle_us._napari import _roi_rows, _shapes
from napari_muscle_us._napari._layers import follow_image
from napari_muscle_us._napari._roi_carry import carried, is_same, pixels_below
from napari_muscle_us._napari._roi_known import Known, as_before, know
from napari_muscle_us.errors import MuscleUSError, RoiError
from napari_muscle_us.roi.entries import RoiEntry
from napari_muscle_us.roi.keyframes import roi_at, with_keyframe
from napari_muscle_us.roi.shapes import Points, relabel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    from napari.layers import Image, Shapes


@dataclass(frozen=True, slots=True)
class StoredRoi:
    """A shape of the layer as it is now.

    One that is being drawn, or cannot be a region, has no entry.
    """

    index: int
    row: dict[str, Any]
    entry: RoiEntry | None = None
    """With the outline that is shown on this frame."""
    kept: RoiEntry | None = None
    """The same whatever frame is shown."""
    problem: str = ""


_stores: WeakKeyDictionary[Shapes, RoiStore] = WeakKeyDictionary()


class RoiStore:
    """Reads entries from a layer and writes them to it."""

    def __init__(self, layer: Shapes) -> None:
        # The layer holds nothing of ours; only who asks keeps the layer.
        self._layer = weakref.ref(layer)
        self._known: dict[str, Known] = {}
        self._below: _shapes.Transform | None = None
        self._painted: dict[str, str] = {}
        self._mended = False
        self.frame: int | None = None
        """The frame on which the outlines of moving regions are shown."""

    @classmethod
    def of(cls, layer: Shapes) -> RoiStore:
        """Return the one store of a layer."""
        if layer not in _stores:
            _stores[layer] = cls(layer)
        return _stores[layer]

    @property
    def layer(self) -> Shapes:
        """The layer."""
        layer = self._layer()
        if layer is None:
            raise RoiError("The ROI layer was closed; draw a new one.")
        return layer

    @property
    def must_show(self) -> bool:
        """Whether the layer should be written anew once the mouse is up."""
        return self._mended or self._is_torn

    @property
    def has_slices(self) -> bool:
        """Whether shapes lie on single slices, as on layers that napari makes."""
        return len(self.layer.data) > 0 and self.layer.ndim > 2

    @property
    def _is_torn(self) -> bool:
        # A shape that napari gave up leaves its row and its colour behind.
        layer = self.layer
        rows = {len(layer.edge_color), len(layer.face_color), len(layer.features)}
        return rows != {len(layer.data)}

    def read(self, image_layer: Image, frame: int) -> list[StoredRoi]:
        """Return every shape with its entry, or with the reason why it has none."""
        below = self._settle_on(image_layer)
        if self.frame is not None:
            frame = self.frame
        stored = []
        for index, row in enumerate(_roi_rows.read_rows(self.layer)):
            try:
                now = self._read_one(index, row, below, frame)
            except MuscleUSError as error:
                drawing = not row["name"] and str(self.layer.mode).startswith("add_")
                problem = "" if drawing else str(error)
                stored.append(StoredRoi(index, row, problem=problem))
                continue
            if row[_roi_rows.KEY]:
                # What is gone stays known: it may be pasted again.
                self._known[row[_roi_rows.KEY]] = now
            stored.append(StoredRoi(index, row, now.visible, now.entry))
        return stored

    def _settle_on(self, image_layer: Image) -> _shapes.Transform:
        """Take what is known along to the pixels that lie below the layer now."""
        now = pixels_below(self.layer, image_layer)
        before, self._below = self._below, now
        if before is None or is_same(before, now):
            return now
        for key, known in list(self._known.items()):
            try:
                self._known[key] = known.carried(before, now, carried)
            except MuscleUSError:
                # Told when its shape is read; its entry is put back from the history.
                del self._known[key]
        return now

    def _read_one(
        self, index: int, row: dict[str, Any], below: _shapes.Transform, frame: int
    ) -> Known:
        vertices = self.layer.data[index]
        seen = self._seen(index)
        known = self._known.get(row[_roi_rows.KEY])
        labels = {label: row[label] for label in _roi_rows.LABELS}
        if labels["side"] not in ("left", "right"):
            labels["side"] = ""
        if known is not None and known.seen == seen:
            return self._relabelled(known, row, labels)
        roi = _shapes.geometry_of(self.layer, index, below, labels)
        if known is None:
            entry = _with_facts(RoiEntry(roi, key=row[_roi_rows.KEY]), row)
            return know(seen, vertices, entry, roi)
        roi, mended = as_before(roi, known, vertices)
        entry = replace(known.entry, roi=roi)
        if entry.keyframes:
            entry = with_keyframe(entry, frame, roi)
        self._mended = self._mended or mended
        return know(seen, vertices, _with_facts(entry, row), roi)

    def _seen(self, index: int) -> tuple[Any, ...]:
        outline = np.ascontiguousarray(self.layer.data[index])
        return (outline.tobytes(), outline.shape, str(self.layer.shape_type[index]))

    def _relabelled(
        self, known: Known, row: dict[str, Any], labels: dict[str, str]
    ) -> Known:
        old = known.visible.roi
        entry, shown = known.entry, old
        if (old.name, old.muscle, old.side) != tuple(labels.values()):
            shown = relabel(old, **labels)
            entry = replace(
                entry,
                roi=relabel(entry.roi, **labels),
                keyframes=tuple((n, relabel(r, **labels)) for n, r in entry.keyframes),
            )
        entry = _with_facts(entry, row)
        if entry is known.entry and shown is old:
            return known
        return know(known.seen, known.vertices, entry, shown)

    def copy_known(self, copies: Mapping[str, str]) -> None:
        """Let pasted shapes be all that the copied ones are; new keys with the old."""
        for key, copied in copies.items():
            known = self._known.get(copied)
            if known is not None:
                self._known[key] = known.with_key(key)

    def show(self, entries: Sequence[RoiEntry], image_layer: Image, frame: int) -> None:
        """Write entries to the layer, in this order; the caller holds its events."""
        old_rows = {r[_roi_rows.KEY]: r for r in _roi_rows.read_rows(self.layer)}
        entries = [e for e in entries if not isinstance(e.roi, Points)]
        shown = [roi_at(e, frame) if e.keyframes else e.roi for e in entries]
        shapes = [_shapes.shape_from(roi) for roi in shown]
        if self._is_torn:
            self.layer.data = []
        if shapes:
            # A thumbnail for each frame of a clip that is played would be slow.
            plays = self.frame not in (None, frame)
            with self.layer.block_thumbnail_update() if plays else nullcontext():
                self.layer.data = shapes
                widths = [_shapes.EDGE_WIDTH] * len(shapes)
                if self.layer.edge_width != widths:
                    self.layer.edge_width = widths
        elif len(self.layer.data):
            self.layer.remove(list(range(len(self.layer.data))))
        self._mended, self.frame = False, frame
        self._follow(image_layer)
        rows = [_row_of(e, old_rows.get(e.key)) for e in entries]
        for index, row in enumerate(rows):
            outline = _roi_rows.outline_checksum(self.layer, index, frame)
            if row[_roi_rows.OUTLINE] != outline:
                row.update({_roi_rows.EI: float("nan"), _roi_rows.OUTLINE: 0})
        _roi_rows.write_rows(self.layer, rows, frame)
        self._below = pixels_below(self.layer, image_layer)
        self._known |= {
            e.key: know(self._seen(i), self.layer.data[i], e, shown[i])
            for i, e in enumerate(entries)
        }
        self._painted.clear()
        self.paint(frame)

    def _follow(self, image_layer: Image) -> None:
        """Lay the layer on the image, if it is not there already."""
        layer = self.layer
        lies = is_same(pixels_below(layer, image_layer), (np.eye(2), np.zeros(2)))
        plane = slice(-2, None)
        same_units = tuple(layer.units[plane]) == tuple(image_layer.units[plane])
        if layer.ndim == 2 and not (lies and same_units):
            follow_image(layer, image_layer)

    def take_colours(self, rows: list[dict[str, Any]]) -> None:
        """Note the colours of a layer that another plugin or the user made."""
        colours = self.layer.edge_color
        for row, colour in zip(rows, np.array(colours, float), strict=False):
            if colour[3] > 0:
                row[_roi_rows.COLOUR] = _hex(colour)

    def paint(self, frame: int) -> bool:
        """Give each shape its colour, none on a frame where it is not.

        Returns whether the user had given a shape another colour in napari's own
        controls; that one is now its colour.
        """
        rows = _roi_rows.read_rows(self.layer)
        colours = np.array(self.layer.edge_color, float)
        if len(rows) != len(colours):
            return False
        adopted = False
        wanted = []
        for row, present in zip(rows, colours, strict=True):
            key, now = row[_roi_rows.KEY], _hex(present)
            painted = self._painted.get(key)
            on = _roi_rows.is_on(row, frame)
            if key and painted is not None and now != painted and present[3] > 0:
                row[_roi_rows.COLOUR] = now
                adopted = True
            colour = row[_roi_rows.COLOUR] or _shapes.EDGE_COLOUR
            self._painted[key] = (colour if on else colour[:7] + "00").lower()
            wanted.append(self._painted[key])
        if wanted != [_hex(c) for c in colours]:
            self.layer.edge_color = wanted
        if adopted:
            _roi_rows.write_rows(self.layer, rows, frame)
        return adopted


def _with_facts(entry: RoiEntry, row: dict[str, Any]) -> RoiEntry:
    frame = int(row[_roi_rows.FRAME])
    facts: dict[str, Any] = {
        "colour": row[_roi_rows.COLOUR],
        "locked": bool(row[_roi_rows.LOCKED]),
        "frame": None if frame < 0 else frame,
    }
    same = all(getattr(entry, name) == value for name, value in facts.items())
    return entry if same else replace(entry, **facts)


def _row_of(entry: RoiEntry, old: dict[str, Any] | None) -> dict[str, Any]:
    row = dict(_roi_rows.DEFAULTS)
    if old is not None:
        row |= {name: old[name] for name in (_roi_rows.EI, _roi_rows.OUTLINE)}
    roi = entry.roi
    return row | {
        "name": roi.name,
        "muscle": roi.muscle,
        "side": roi.side,
        _roi_rows.KEY: entry.key,
        _roi_rows.COLOUR: entry.colour,
        _roi_rows.LOCKED: entry.locked,
        _roi_rows.FRAME: _roi_rows.EVERY_FRAME if entry.frame is None else entry.frame,
    }


def _hex(rgba: npt.NDArray[np.float64]) -> str:
    """Return a colour as #rrggbb, with two more digits where it is not opaque."""
    numbers = [round(float(v) * 255) for v in rgba]
    text = "#" + "".join(f"{v:02x}" for v in numbers)
    return text[:7] if numbers[3] == 255 else text
