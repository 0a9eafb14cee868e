"""Watches one ROI layer: names what is new, forgets numbers of what moved."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from psygnal import Signal

from napari_muscle_us._napari import _roi_rows
from napari_muscle_us._napari._roi_store import RoiStore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari.layers import Image, Shapes

_BEGIN: Final = ("adding", "changing", "removing")
_AT_ONCE: Final = ("vertex_insert", "vertex_remove")
"""Modes in which a click begins and ends a change, or napari tells of no end."""

_DRAWS: Final = "add_"
_OUTLINES: Final = ("add_polygon", "add_polygon_lasso")
_LINES: Final = ("add_path", "add_polyline")


class RoiWatch:
    """Turns the many events of a Shapes layer into a few signals.

    napari's order when drawing is ``data`` (adding), ``set_data``, ``data`` (added),
    ``features``; while a shape is dragged only ``set_data`` comes, pasting gives
    ``set_data`` and ``features``, and a vertex begins to be dragged without a word.
    """

    changed = Signal()
    """A region was added, removed, moved or relabelled."""
    settled = Signal()
    """The mouse is up: an outline was added, removed or has a new place."""
    placed = Signal()
    """The layer or its image may lie elsewhere in the world."""
    selection_changed = Signal()
    mode_changed = Signal()
    """Another drawing tool is in hand."""

    def __init__(self) -> None:
        self.layer: Shapes | None = None
        self.frame = 0
        self._image: Image | None = None
        self.ending = False
        """Whether napari tells of an outline that it has not quite ended."""
        self._held = 0
        self._begun = False
        self._pressed = False
        self._touched = False
        self._tool = ""

    @property
    def busy(self) -> bool:
        """Whether an outline is being drawn or dragged."""
        return self._begun or self._pressed

    def bind(self, layer: Shapes | None, image: Image | None = None) -> None:
        """Watch another layer and the image below it, or none."""
        for event, slot in self._slots():
            event.disconnect(slot)
        if self.layer is not None and self._on_mouse in self.layer.mouse_drag_callbacks:
            self.layer.mouse_drag_callbacks.remove(self._on_mouse)
        if layer is not self.layer:
            self._begun = False
        self._pressed = self._touched = False
        self.layer, self._image = layer, image
        for event, slot in self._slots():
            event.connect(slot)
        if layer is not None:
            layer.mouse_drag_callbacks.append(self._on_mouse)

    def _slots(self) -> list[tuple[Any, Any]]:
        slots: list[tuple[Any, Any]] = []
        for layer in (self.layer, self._image):
            if layer is not None:
                events = layer.events
                places = (events.scale, events.translate, events.rotate)
                slots += [(event, self._on_place) for event in places]
                slots += [(e, self._on_place) for e in (events.shear, events.affine)]
        if self.layer is not None:
            events = self.layer.events
            slots += [
                (events.data, self._on_data),
                (events.set_data, self._on_outline),
                (events.features, self._on_features),
                (events.edge_color, self._on_colour),
                (events.mode, self._on_mode),
                (self.layer.selected_data.events.items_changed, self._on_selection),
            ]
        return slots

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Hear nothing while the layer is written."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hear nothing while all outlines are written, then tell once."""
        with self.quiet():
            yield
        self._begun = False
        self.changed.emit()
        self.selection_changed.emit()

    def set_frame(self, frame: int) -> None:
        """Tell which frame is shown: numbers of another one are forgotten."""
        self.frame = frame
        self._on_outline()

    def end_drawing(self) -> bool:
        """End the outline that is being drawn; return whether there was one."""
        layer = self.layer
        if layer is None or not self._begun or not str(layer.mode).startswith(_DRAWS):
            return False
        # Taking away nothing is what ends a drawing; leaving its mode would make a
        # line of an outline.
        layer.remove([])
        return True

    def name_new(self) -> None:
        """Give names and keys to shapes without, and to the next one nothing."""
        if self.layer is None:
            return
        ours = _roi_rows.is_ours(self.layer)
        rows = _roi_rows.read_rows(self.layer)
        changed, copies = _roi_rows.name_new(rows)
        store = RoiStore.of(self.layer)
        if not ours:
            store.take_colours(rows)
        store.copy_known(copies)
        with self.quiet():
            if changed:
                _roi_rows.write_rows(self.layer, rows, self.frame)
            _roi_rows.reset_defaults(self.layer)

    def _on_mouse(self, layer: Shapes, event: Any) -> Iterator[None]:
        self._pressed, self._touched = True, False
        yield
        while event.type == "mouse_move":
            yield
        self._pressed = False
        if self._touched and not self._begun:
            self.settled.emit()

    def _on_data(self, event: Any) -> None:
        if self._held or self.layer is None:
            return
        at_once = str(self.layer.mode) in _AT_ONCE
        self._begun = event.action in _BEGIN and not at_once
        if event.action in _BEGIN:
            self._tool = str(self.layer.mode) if event.action == "adding" else ""
            return
        if event.action == "added":
            self._end_as_begun(self.layer)
        self._drop_row_of_gone(event)
        self.name_new()
        self._on_outline()
        # napari is still ending the outline, and would end it again in a new list.
        self.ending = event.action == "added" and str(self.layer.mode).startswith("add")
        self.settled.emit()
        self.ending = False

    def _end_as_begun(self, layer: Shapes) -> None:
        """End an outline as its own tool does, after another one was taken in hand.

        napari then leaves a line that reaches to the mouse.
        """
        tool, self._tool = self._tool, ""
        left = tool in (*_OUTLINES, *_LINES) and tool != str(layer.mode)
        if not left or not layer.data or layer.shape_type[-1] != "path":
            return
        count, last = len(layer.data), layer.data[-1][:-1]
        kind = "polygon" if tool in _OUTLINES else "path"
        with self.quiet():
            if len(last) < (3 if tool in _OUTLINES else 2):
                layer.remove([count - 1])
                return
            shapes = list(zip(layer.data, layer.shape_type, strict=True))
            layer.data = [*shapes[:-1], (last, kind)]
            layer.selected_data = {count - 1}

    def _drop_row_of_gone(self, event: Any) -> None:
        """Forget the labels of a shape whose last but two vertices were taken away.

        napari then removes the shape and leaves its row, so that all later shapes
        would have another one's labels.
        """
        layer = self.layer
        gone = tuple(event.data_indices or ())
        if layer is None or event.action != "changed" or len(gone) != 1:
            return
        table = layer.features
        if len(table) == len(layer.data) + 1 and 0 <= gone[0] < len(table):
            with self.quiet():
                layer.features = table.drop(index=table.index[gone[0]]).reset_index(
                    drop=True
                )

    def _on_outline(self, event: object = None) -> None:
        """Forget numbers of outlines that moved; tell the panels."""
        if self.layer is None or self._held:
            return
        self._touched = True
        with self.quiet():
            _roi_rows.forget_measured(self.layer, self.frame)
        self.changed.emit()

    def _on_features(self, event: object = None) -> None:
        if self._held:
            return
        if not self._begun:
            self.name_new()
        self.changed.emit()

    def _on_colour(self, event: object = None) -> None:
        if not self._held:
            self.changed.emit()

    def _on_place(self, event: object = None) -> None:
        if not self._held:
            self.placed.emit()

    def _on_mode(self, event: object = None) -> None:
        self.mode_changed.emit()

    def _on_selection(self, *changes: object) -> None:
        if not self._held:
            self.selection_changed.emit()
