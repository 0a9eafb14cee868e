"""The regions on the current image: read, edited, undone and redone.

Every edit, by hand or by a button, ends as a new tuple of entries. These are what the
history keeps and what is saved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from napari.utils.notifications import show_warning
from psygnal import Signal
from qtpy.QtCore import QTimer

from napari_muscle_us._napari import _roi_rows
from napari_muscle_us._napari._roi_adopt import tie_if_free
from napari_muscle_us._napari._roi_carry import is_same, pixels_below
from napari_muscle_us._napari._roi_changes import put_back, what_changed
from napari_muscle_us._napari._roi_hand import RoiHand
from napari_muscle_us._napari._roi_histories import Histories
from napari_muscle_us.errors import RoiError
from napari_muscle_us.roi.history import same_state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from napari.layers import Image, Shapes

    from napari_muscle_us._napari._roi_store import StoredRoi
    from napari_muscle_us._napari._shapes import Transform
    from napari_muscle_us.roi.entries import RoiEntry
    from napari_muscle_us.roi.history import RoiHistory

_SETTLE_MS: Final = 250
"""After so long without a change, an edit that napari does not announce is kept."""


class RoiBook(RoiHand):
    """Entries of the ROI layer in hand, and their history."""

    changed = Signal()
    """A region was added, removed, moved or relabelled."""
    selection_changed = Signal()
    mode_changed = Signal()
    history_changed = Signal()
    """There is something else to undo or redo."""

    def __init__(self) -> None:
        super().__init__()
        self._histories = Histories()
        self._below: Transform | None = None
        self._timer = _later(self.end_gesture, _SETTLE_MS)
        self._placing = _later(self._on_placed, 0)
        self._again = _later(self.settle, 0)
        self.watch.changed.connect(self._on_changed)
        self.watch.settled.connect(self.settle)
        self.watch.placed.connect(self._on_place)
        self.watch.selection_changed.connect(self.selection_changed.emit)
        self.watch.mode_changed.connect(self.mode_changed.emit)

    def bind(self, layer: Shapes | None, image_layer: Image | None) -> None:
        """Take another ROI layer in hand, on an image."""
        self.settle()
        self.image_layer = image_layer
        self.watch.bind(layer, image_layer)
        self._cache.clear()
        if layer is not None and image_layer is not None:
            self._take_up(layer, image_layer)
        self.history_changed.emit()

    def _take_up(self, layer: Shapes, image_layer: Image) -> None:
        # Shapes of another plugin become regions like any other.
        self.watch.name_new()
        self.bind_slices()
        stored = self.stored()
        if any(map(_moves, stored)) and self.store.frame != self.frame:
            self.show(self.finished(stored))
        self.paint()
        self._below = pixels_below(layer, image_layer)
        if self._histories.has(layer, image_layer):
            # It was edited meanwhile on another part of the picture.
            self._history.record(self.entries(), "edits on another image")
        else:
            self._history.reset(self.entries())

    def set_frame(self, frame: int) -> None:
        """Show the regions as they lie on another frame."""
        if frame == self.frame:
            return
        if any(map(_moves, self.stored())):
            self.watch.end_drawing()
            self.settle()
            stored = self.stored()
            self.watch.frame = frame
            self.show(self.finished(stored))
        else:
            self.settle()
            self.watch.set_frame(frame)

    @property
    def _history(self) -> RoiHistory:
        if self.layer is None or self.image_layer is None:
            raise RoiError("There is no ROI layer; draw an ROI first.")
        return self._histories.of(self.layer, self.image_layer)

    def relabel(self, index: int, labels: dict[str, str]) -> None:
        """Change name, muscle or side of a shape, as one step."""
        if self.layer is None:
            return
        self.settle()
        rows = _roi_rows.read_rows(self.layer)
        rows[index].update(labels)
        _roi_rows.write_rows(self.layer, rows, self.frame)
        self.settle()

    def apply(
        self,
        entries: Sequence[RoiEntry],
        label: str,
        *,
        select: Iterable[str] = (),
        merge: str = "",
    ) -> None:
        """Replace all regions by others, as one step that can be undone.

        Parameters
        ----------
        entries : sequence of RoiEntry
            The whole set, in its new order.
        label : str
            What was done, as in "Undo …".
        select : iterable of str
            Keys of the regions to select afterwards; by default those that were.
        merge : str
            Mark of a gesture, such as a key held down: its edits are one step.
        """
        before = {entry.key for entry in self.entries()}
        drawn: tuple[RoiEntry, ...] = ()
        if self.watch.end_drawing():
            drawn = tuple(e for e in self.entries() if e.key not in before)
        self.settle()
        self.show((*entries, *drawn), select)
        self._record(label, merge)

    def restore(self, entries: Sequence[RoiEntry]) -> None:
        """Show kept entries in an empty layer; there is nothing to undo."""
        self.show(entries)
        self._history.reset(self.entries())
        self.history_changed.emit()

    def change(
        self,
        indices: Sequence[int],
        edit: Callable[[RoiEntry], RoiEntry],
        label: str,
        *,
        merge: str = "",
    ) -> None:
        """Edit some regions, each by itself, as one step.

        Raises
        ------
        RoiError
            If one is locked; then none is edited.
        """
        stored = self.stored()
        keys = {s.row[_roi_rows.KEY] for s in self.unlocked(indices, stored)}
        finished = self.finished(stored)
        edited = [edit(e) if e.key in keys else e for e in finished]
        self.apply(edited, label, merge=merge)

    def undo(self) -> str:
        """Take the last edit back; return what it was, empty for none."""
        return self._step(back=True)

    def redo(self) -> str:
        """Do again what was taken back; return what it was, empty for nothing."""
        return self._step(back=False)

    def _step(self, *, back: bool) -> str:
        if self.layer is None or self.image_layer is None:
            return ""
        self.watch.end_drawing()
        self.settle()
        history = self._history
        label = history.undo_label if back else history.redo_label
        state = history.undo() if back else history.redo()
        if state is None:
            return ""
        self.show(state)
        self.history_changed.emit()
        return label or "edit"

    @property
    def undo_label(self) -> str:
        """What would be undone, empty for nothing."""
        return self._histories.label(self.layer, self.image_layer, back=True)

    @property
    def redo_label(self) -> str:
        """What would be redone, empty for nothing."""
        return self._histories.label(self.layer, self.image_layer, back=False)

    def settle(self) -> None:
        """Keep what has been edited by hand; put locked regions back."""
        self._timer.stop()
        if self.layer is None or self.image_layer is None or self.watch.busy:
            return
        self._on_placed()
        self.bind_slices()
        stored = self.stored()
        before, now = self._history.present, self.finished(stored)
        problems = {s.row[_roi_rows.KEY]: s.problem for s in stored if s.problem}
        restored = put_back(before, now, problems)
        if self.watch.ending and (restored is not None or self.store.must_show):
            self._again.start()
            return
        if restored is not None:
            self.show(restored)
            known = {entry.key for entry in before}
            for problem in (p for key, p in problems.items() if key in known):
                show_warning(f"{problem} It stays as it was.")
        elif self.store.must_show or (
            # Not for a look: other plugins may want their slices.
            self.store.has_slices and not same_state(before, now)
        ):
            self.show(now)
        self._record(what_changed(before, self.entries()))

    def end_gesture(self) -> None:
        """Keep what was edited; what comes now is another step."""
        self.settle()
        if self.layer is not None and self.image_layer is not None:
            self._history.close()

    def _record(self, label: str, merge: str = "") -> None:
        history = self._history
        steps = history.n_steps
        history.record(self.entries(), label, merge=merge)
        layer, image_layer = self.layer, self.image_layer
        if history.n_steps > steps and layer is not None and image_layer is not None:
            tie_if_free(layer, image_layer)
        self.history_changed.emit()

    def _on_changed(self) -> None:
        if not self.watch.busy:
            self.paint()
            self._timer.start()
        self.changed.emit()

    def _on_place(self) -> None:
        # Scale and place change one after the other.
        self._placing.start()

    def _on_placed(self) -> None:
        """Forget all numbers once the layer lies on other pixels."""
        self._placing.stop()
        if self.layer is None or self.image_layer is None:
            return
        before = self._below
        self._below = pixels_below(self.layer, self.image_layer)
        if before is None or is_same(before, self._below):
            return
        with self.watch.quiet():
            _roi_rows.forget_measured(self.layer, self.frame, everything=True)
        self.watch.changed.emit()


def _moves(shape: StoredRoi) -> bool:
    return shape.kept is not None and bool(shape.kept.keyframes)


def _later(work: Callable[[], None], milliseconds: int) -> QTimer:
    timer = QTimer()
    timer.setSingleShot(True)
    timer.setInterval(milliseconds)
    timer.timeout.connect(work)
    return timer
