"""Fields of the maps of direction: lengths with a slider, and a share."""

from __future__ import annotations

import math
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QSlider,
    QVBoxLayout,
    QWidget,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_STEPS: Final = 200
_PX, _MM = range(2)
_BOX_PX: Final = (0.5, 100.0)
_BOX_MM: Final = (0.01, 50.0)
_SLIDER_PX: Final = (0.5, 30.0)
_SLIDER_MM: Final = (0.05, 5.0)
_HUNDRED: Final = 100


class LengthField(QWidget):
    """A sigma in pixels or mm; its slider is finer for small ones."""

    changed = Signal()

    def __init__(self, px: float, tip: str) -> None:
        super().__init__()
        self._spacing: tuple[float, float] | None = None
        self._slider = _slider(_STEPS, tip)
        self._px = _decimal(_BOX_PX, 1, " px", tip)
        self._mm = _decimal(_BOX_MM, 2, " mm", tip)
        self._unit = QComboBox()
        self._unit.addItems(["px", "mm"])
        self._unit.setToolTip("Pixels, or mm where the image has a scale.")
        self._size = QLabel()
        row = QHBoxLayout()
        row.addWidget(self._slider, 1)
        for widget in (self._px, self._mm, self._unit):
            row.addWidget(widget)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(row)
        layout.addWidget(self._size)
        self._slider.valueChanged.connect(self._on_slider)
        self._px.valueChanged.connect(self._on_box)
        self._mm.valueChanged.connect(self._on_box)
        self._unit.activated.connect(self._on_unit)
        self.set_value(px, None)

    def value(self) -> tuple[float, float | None]:
        """Return the length in pixels, and in mm if that is the unit."""
        mm = round(self._mm.value(), 2) if self._unit.currentIndex() == _MM else None
        return round(self._px.value(), 1), mm

    def set_value(self, px: float, mm: float | None) -> None:
        """Show another length without telling anyone."""
        with _silent(self._px, self._mm, self._unit):
            self._unit.setCurrentIndex(_PX if mm is None else _MM)
            self._px.setValue(px)
            if mm is not None:
                self._mm.setValue(mm)
        self._arrange()

    def set_spacing(self, spacing_mm: tuple[float, float] | None) -> None:
        """Take the scale of the image, ``None`` where it has none."""
        self._spacing = spacing_mm
        self._arrange()

    def _arrange(self) -> None:
        in_mm = self._unit.currentIndex() == _MM
        self._px.setVisible(not in_mm)
        self._mm.setVisible(in_mm)
        # A unit already in mm stays, and the reason why there is no map is told.
        self._unit.setEnabled(self._spacing is not None or in_mm)
        low, high = _SLIDER_MM if in_mm else _SLIDER_PX
        share = math.log(self._box().value() / low) / math.log(high / low)
        with _silent(self._slider):
            self._slider.setValue(round(_STEPS * min(max(share, 0.0), 1.0)))
        self._tell()

    def _box(self) -> QDoubleSpinBox:
        return self._mm if self._unit.currentIndex() == _MM else self._px

    def _tell(self) -> None:
        """Say what the length comes to in the other unit, where there is a scale."""
        self._size.setVisible(self._spacing is not None)
        if self._spacing is None:
            return
        (down, across), (px, mm) = self._spacing, self.value()
        if mm is None:
            self._size.setText(f"= {px * down:.2f} × {px * across:.2f} mm")
        else:
            self._size.setText(f"= {mm / down:.1f} × {mm / across:.1f} px")

    def _on_slider(self, value: int) -> None:
        low, high = _SLIDER_MM if self._unit.currentIndex() == _MM else _SLIDER_PX
        with _silent(self._px, self._mm):
            self._box().setValue(low * (high / low) ** (value / _STEPS))
        self._tell()
        self.changed.emit()

    def _on_box(self) -> None:
        self._arrange()
        self.changed.emit()

    def _on_unit(self) -> None:
        """Keep the length about as large as it was."""
        if self._spacing is not None:
            with _silent(self._px, self._mm):
                if self._unit.currentIndex() == _MM:
                    self._mm.setValue(self._px.value() * self._spacing[0])
                else:
                    self._px.setValue(self._mm.value() / self._spacing[0])
        self._on_box()


class ShareField(QWidget):
    """A number from 0 to 1 with a slider."""

    changed = Signal()

    def __init__(self, tip: str) -> None:
        super().__init__()
        self._slider = _slider(_HUNDRED, tip)
        self._box = _decimal((0.0, 1.0), 2, "", tip)
        self._box.setSingleStep(0.05)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._slider, 1)
        row.addWidget(self._box)
        self._slider.valueChanged.connect(self._on_slider)
        self._box.valueChanged.connect(self._on_box)

    def value(self) -> float:
        """Return the number."""
        return round(self._box.value(), 2)

    def set_value(self, value: float) -> None:
        """Show another number without telling anyone."""
        with _silent(self._box, self._slider):
            self._box.setValue(value)
            self._slider.setValue(round(_HUNDRED * value))

    def _on_slider(self, value: int) -> None:
        with _silent(self._box):
            self._box.setValue(value / _HUNDRED)
        self.changed.emit()

    def _on_box(self, value: float) -> None:
        self.set_value(value)
        self.changed.emit()


@contextmanager
def _silent(*widgets: QWidget) -> Iterator[None]:
    """Change widgets without their telling of it."""
    blockers = [QSignalBlocker(widget) for widget in widgets]
    try:
        yield
    finally:
        for blocker in blockers:
            blocker.unblock()


def _slider(most: int, tip: str) -> QSlider:
    slider = QSlider(Qt.Orientation.Horizontal)
    slider.setRange(0, most)
    slider.setMinimumWidth(60)
    slider.setToolTip(tip)
    return slider


def _decimal(
    limits: tuple[float, float], digits: int, suffix: str, tip: str
) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setRange(*limits)
    box.setDecimals(digits)
    box.setSingleStep(10.0**-digits)
    box.setSuffix(suffix)
    box.setKeyboardTracking(False)
    box.setToolTip(tip)
    return box
