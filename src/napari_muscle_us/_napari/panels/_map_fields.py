"""A length in pixels or mm with a slider; knows no viewer."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QSlider,
    QVBoxLayout,
    QWidget,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qtpy.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QSpinBox

_PX, _MM = range(2)


class PxOrMmField(QWidget):
    """A length in the unit that the user chooses; tells what it comes to.

    Subclasses say what its slider means, and how what it comes to is put.
    """

    changed = Signal()

    def __init__(
        self, px: QSpinBox | QDoubleSpinBox, mm: QDoubleSpinBox, tip: str
    ) -> None:
        super().__init__()
        self._spacing: tuple[float, float] | None = None
        self._slider = tipped_slider(tip)
        self._px, self._mm = px, mm
        self._unit = QComboBox()
        self._unit.addItems(["px", "mm"])
        self._unit.setToolTip("Pixels, or mm where the image has a scale.")
        self._size = QLabel()
        for box in (px, mm):
            set_up_box(box, tip)
            box.valueChanged.connect(self._on_box)
        self._row = slider_row(self._slider, px, mm, self._unit)
        stack(self, self._row, self._size)
        self._slider.valueChanged.connect(self._on_slider)
        self._unit.activated.connect(self._on_unit)

    def _show_on_slider(self) -> None:
        raise NotImplementedError

    def _take_from_slider(self, value: int) -> None:
        raise NotImplementedError

    def _tell(self) -> None:
        """Say what the length comes to."""
        raise NotImplementedError

    def _set_px(self, px: float) -> None:
        self._px.setValue(px)

    def _in_mm(self) -> bool:
        return self._unit.currentIndex() == _MM

    def set_value(self, px: float, mm: float | None) -> None:
        """Show another length without telling anyone."""
        with silent(self._px, self._mm, self._unit):
            self._unit.setCurrentIndex(_PX if mm is None else _MM)
            self._set_px(px)
            if mm is not None:
                self._mm.setValue(mm)
        self._arrange()

    def set_spacing(self, spacing_mm: tuple[float, float] | None) -> None:
        """Take the scale of the image, ``None`` where it has none."""
        self._spacing = spacing_mm
        self._arrange()

    def _arrange(self) -> None:
        in_mm = self._in_mm()
        self._px.setVisible(not in_mm)
        self._mm.setVisible(in_mm)
        # A unit already in mm stays, and the reason why there is no map is told.
        self._unit.setEnabled(self._spacing is not None or in_mm)
        with silent(self._slider, self._px):
            self._show_on_slider()
        self._tell()

    def _on_slider(self, value: int) -> None:
        with silent(self._px, self._mm):
            self._take_from_slider(value)
        self._tell()
        self.changed.emit()

    def _on_box(self) -> None:
        self._arrange()
        self.changed.emit()

    def _on_unit(self) -> None:
        """Keep the length about as large as it was."""
        if self._spacing is not None:
            with silent(self._px, self._mm):
                if self._in_mm():
                    self._mm.setValue(self._px.value() * self._spacing[0])
                else:
                    self._set_px(self._mm.value() / self._spacing[0])
        self._on_box()


@contextmanager
def silent(*widgets: QWidget) -> Iterator[None]:
    """Change widgets without their telling of it."""
    blockers = [QSignalBlocker(widget) for widget in widgets]
    try:
        yield
    finally:
        for blocker in blockers:
            blocker.unblock()


def tipped_slider(tip: str) -> QSlider:
    """Return a slider that a narrow panel has room for."""
    slider = QSlider(Qt.Orientation.Horizontal)
    slider.setMinimumWidth(60)
    slider.setToolTip(tip)
    return slider


def set_up_box(box: QAbstractSpinBox, tip: str) -> None:
    """Let a box tell only of numbers that are typed to their end."""
    box.setKeyboardTracking(False)
    box.setToolTip(tip)


def slider_row(*widgets: QWidget) -> QWidget:
    """Put widgets side by side; a slider takes what room there is."""
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget, 1 if isinstance(widget, QSlider) else 0)
    return row


def stack(parent: QWidget, *widgets: QWidget) -> None:
    """Put widgets of one field closely below each other."""
    layout = QVBoxLayout(parent)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(2)
    for widget in widgets:
        layout.addWidget(widget)
