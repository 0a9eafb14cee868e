"""The lines that are drawn on one image: watched, kept by frame, put in order."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from qtpy.QtCore import QObject, Qt, QTimer, Signal

from napari_muscle_us._napari import _architecture_layer as bridge
from napari_muscle_us._napari._architecture_layer import DrawnLines

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from napari.components import ViewerModel
    from napari.layers import Image, Shapes

    from napari_muscle_us._napari._architecture_layer import Role

_SOON_MS: Final = 10
"""Several events of one movement are answered once, and within a frame."""

_BEGIN: Final = ("adding", "changing", "removing")

# Of frames that are not shown, and which one is. They live as long as the layer.
_kept: WeakKeyDictionary[Shapes, dict[int, DrawnLines]] = WeakKeyDictionary()
_shown: WeakKeyDictionary[Shapes, int] = WeakKeyDictionary()


class WatchedLines(QObject):
    """Turns the many events of a layer of lines into one signal a movement."""

    moved = Signal()
    """Lines were added, removed or moved, or another tool is in hand."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.layer: Shapes | None = None
        self._image: Image | None = None
        self._quiet = 0
        self._drawing = False
        self._role: Role = "fascicle"
        self._new: tuple[Role, ...] = ()
        self._soon = self._single_shot(_SOON_MS, self.moved.emit)
        self._tidying = self._single_shot(0, self._tidy)

    def _single_shot(self, delay_ms: int, slot: Any) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(delay_ms)
        timer.setTimerType(Qt.TimerType.PreciseTimer)
        timer.timeout.connect(slot)
        return timer

    @property
    def awaits_line(self) -> bool:
        """Whether the next clicks draw a line, or one is being drawn."""
        layer = self.layer
        return self._drawing or (layer is not None and str(layer.mode) == bridge.TOOL)

    def bind(self, layer: Shapes | None, image: Image | None) -> None:
        """Watch another layer of lines and the image below it, or none."""
        self._image = image
        if layer is self.layer:
            return
        for event, slot in self._slots():
            event.disconnect(slot)
        self.layer, self._drawing = layer, False
        for event, slot in self._slots():
            event.connect(slot)

    def _slots(self) -> list[tuple[Any, Any]]:
        if self.layer is None:
            return []
        events = self.layer.events
        heard = (
            events.set_data,
            events.features,
            events.mode,
            events.scale,
            events.translate,
            events.rotate,
            events.affine,
        )
        return [(events.data, self._on_data), *((e, self._on_moved) for e in heard)]

    def value(self) -> DrawnLines:
        """Return the finished lines that are shown."""
        if self.layer is None or self._image is None:
            return DrawnLines()
        return bridge.read_lines(self.layer, self._image, unfinished=self._drawing)

    def set_value(self, lines: DrawnLines, new: Collection[Role] = ()) -> None:
        """Show other lines, to be corrected, and tell nobody.

        New lines are selected: napari shows and drags only points of selected ones.
        """
        if self.layer is not None and self._image is not None:
            self._end_drawing()
            with self._silence():
                bridge.write_lines(self.layer, self._image, lines)
                # Taking a point and not a whole line is what most will want next.
                self.layer.mode = "pan_zoom" if lines.is_empty else "direct"
                self.layer.selected_data = set(_places_of(lines, new))

    def begin(self, viewer: ViewerModel, role: Role) -> None:
        """Let the next clicks on the picture draw a line."""
        if self.layer is not None:
            self._end_drawing()
            self._role = role
            bridge.begin_line(viewer, self.layer, role)

    def show_frame(self, frame: int) -> None:
        """Put the lines of another frame in the place of those that are shown."""
        if self.layer is None:
            return
        before = _shown.setdefault(self.layer, frame)
        if before == frame:
            return
        self._end_drawing()
        frames = _kept.setdefault(self.layer, {})
        frames[before] = self.value()
        tool = str(self.layer.mode)
        self.set_value(frames.pop(frame, DrawnLines()))
        with self._silence():
            self.layer.mode = tool
        _shown[self.layer] = frame

    @contextmanager
    def _silence(self) -> Iterator[None]:
        self._quiet += 1
        try:
            yield
        finally:
            self._quiet -= 1

    def _on_moved(self, event: object = None) -> None:
        # The first movement counts: a drag without end must not wait for its end.
        if not self._quiet and not self._soon.isActive():
            self._soon.start()

    def _on_data(self, event: Any) -> None:
        if self._quiet or self.layer is None:
            return
        self._drawing = event.action == "adding"
        if event.action in _BEGIN:
            return
        with self._silence():
            mended = bridge.mend_rows(self.layer, tuple(event.data_indices or ()))
        if mended or event.action == "added":
            # Later: napari is still ending the line.
            self._new = () if mended else (self._role,)
            self._tidying.start()
        self._on_moved()

    def _tidy(self) -> None:
        """Let a new aponeurosis replace the former one."""
        if self.layer is not None and not self._drawing:
            self.set_value(self.value(), self._new)
            self.moved.emit()

    def _end_drawing(self) -> None:
        """End the line that is being drawn, as far as it has come."""
        if self._drawing and self.layer is not None:
            with self._silence():
                # Taking away nothing is what ends a drawing without a loose end.
                self.layer.remove([])
                bridge.mend_rows(self.layer)
            self._drawing = False


def _places_of(lines: DrawnLines, new: Collection[Role]) -> Iterator[int]:
    """Yield the places of new lines among all; of the fascicles the last is new."""
    roles = [role for role, _ in lines.by_role()]
    for place, role in enumerate(roles):
        if role in new and role not in roles[place + 1 :]:
            yield place
