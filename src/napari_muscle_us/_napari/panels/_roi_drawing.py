"""Takes drawing tools in hand and ends what is being drawn."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from qtpy.compat import isalive
from qtpy.QtCore import QObject, QTimer, Signal

from napari_muscle_us._napari.panels._roi_tools import ANGLE, MAGNETIC, TOOLS
from napari_muscle_us._napari.panels._widgets import tell
from napari_muscle_us.roi.open_shapes import Polyline

if TYPE_CHECKING:
    from napari.layers import Shapes

    from napari_muscle_us._napari._session import Session

_ANGLE_POINTS: Final = 3
_DRAWS: Final = "add_"
_LASSO: Final = "add_polygon_lasso"
_MODES: Final = {tool.name: tool.mode for tool in TOOLS}


class Drawing(QObject):
    """The tool in hand.

    napari has none for angles: one is drawn as a line of three points, which ends
    with the third.
    """

    changed = Signal()
    """Another tool is in hand."""

    def __init__(self, session: Session, parent: QObject) -> None:
        super().__init__(parent)
        self._session = session
        self._magnetic: Any = None
        self._last = TOOLS[0].name
        self._angle = False
        # napari must be done with the click before the layer is written.
        self._end = self._later(self.finish)
        self._convert = self._later(self._make_angle)
        session.mode_changed.connect(self._on_mode)
        session.rois_changed.connect(self._on_rois)
        session.rois.watch.settled.connect(self._on_settled)

    def _later(self, work: Any) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(0)
        timer.timeout.connect(work)
        return timer

    @property
    def tool(self) -> str:
        """Name of the tool in hand, empty for none of ours."""
        layer = self._session.roi_layer
        if layer is None:
            return ""
        if self._magnetic is not None and self._magnetic.active:
            return MAGNETIC
        mode = str(layer.mode)
        names = [name for name, its_mode in _MODES.items() if its_mode == mode]
        return "" if not names or (names == [ANGLE] and not self._angle) else names[0]

    @property
    def is_drawing(self) -> bool:
        """Whether an outline was begun and not ended."""
        layer = self._session.roi_layer
        drawing = layer is not None and str(layer.mode).startswith(_DRAWS)
        return drawing and self._session.rois.watch.busy

    def take(self, name: str, *, new_layer: bool = False) -> None:
        """Take a tool in hand, on a ROI layer that is made if need be.

        Raises
        ------
        MuscleUSError
            If no image is open.
        """
        layer = self._session.roi_layer
        if layer is None or new_layer:
            layer = self._session.new_roi_layer()
        if self._magnetic is not None and name != MAGNETIC:
            self._magnetic.stop()
        self._session.viewer.layers.selection.active = layer
        self._angle = name == ANGLE
        if name == MAGNETIC:
            self._magnet().start()
        else:
            layer.mode = _MODES[name]
        if name == MAGNETIC or _MODES[name].startswith(_DRAWS):
            self._last = name
        self.changed.emit()

    def _magnet(self) -> Any:
        if self._magnetic is None:
            from napari_muscle_us._napari._magnetic import MagneticTool

            self._magnetic = MagneticTool(self._session)
            self._magnetic.changed.connect(self._on_magnetic)
        return self._magnetic

    def keep_or_take_again(self) -> None:
        """End the outline that is being drawn, or take the last drawing tool.

        Raises
        ------
        MuscleUSError
            If a magnetic outline encloses nothing, or no image is open.
        """
        if self._is_magnetic_begun:
            self._magnetic.finish()
        elif self.is_drawing:
            self.finish()
        else:
            self.take(self._last)

    @property
    def _is_magnetic_begun(self) -> bool:
        return self._magnetic is not None and self._magnetic.is_drawing

    def take_point_back(self) -> bool:
        """Take the last point of a magnetic outline back, if one was begun."""
        begun = self._is_magnetic_begun
        if begun:
            self._magnetic.remove_last()
        return begun

    def finish(self) -> bool:
        """End the outline that is being drawn; return whether there is one now."""
        layer = self._session.roi_layer
        if layer is None or not self.is_drawing:
            return False
        count = len(layer.data)
        _click_to_end(layer)
        return len(layer.data) == count

    def _on_mode(self) -> None:
        layer = self._session.roi_layer
        if layer is None or str(layer.mode) != _MODES[ANGLE]:
            self._angle = False
        self.changed.emit()

    def _on_magnetic(self, *_: object) -> None:
        # With the window's end the tool is put away after the panel has gone.
        if isalive(self):
            self.changed.emit()

    def _on_rois(self) -> None:
        """End an angle with its third point; napari holds one more, at the mouse."""
        layer = self._session.roi_layer
        if not self._angle or layer is None or not self.is_drawing:
            return
        if len(layer.data[-1]) > _ANGLE_POINTS and not self._end.isActive():
            self._end.start()

    def _on_settled(self) -> None:
        if self._angle:
            self._convert.start()

    def _make_angle(self) -> None:
        """Make an angle of the line just drawn, as part of the step that drew it."""
        layer = self._session.roi_layer
        entries = self._session.rois.entries()
        if layer is None or not entries or not self._is_new_line(layer):
            return
        last = entries[-1]
        points = last.roi.outline()
        if len(points) != _ANGLE_POINTS:
            tell("An angle has three points; this one has two and stays a line.")
            return
        roi = last.roi
        angle = Polyline(points, "angle", roi.name, roi.muscle, roi.side)
        book = self._session.rois
        label = book.undo_label
        if label.startswith("adding"):
            book.undo()
        made = replace(last, roi=angle)
        book.apply((*entries[:-1], made), label or "adding", select=[made.key])

    def _is_new_line(self, layer: Shapes) -> bool:
        last = self._session.rois.entries()[-1].roi
        line = isinstance(last, Polyline) and last.kind == "polyline"
        return line and self._session.selected() == [len(layer.data) - 1]


def _click_to_end(layer: Shapes) -> None:
    """End a drawing as the mouse does: once more for freehand, else a double click."""
    event = SimpleNamespace(position=layer.data_to_world(layer.data[-1][-1]))
    if str(layer.mode) != _LASSO:
        for callback in list(layer.mouse_double_click_callbacks):
            callback(layer, event)
        return
    for callback in list(layer.mouse_drag_callbacks):
        steps = callback(layer, event)
        if steps is not None:
            next(steps, None)
