"""Fields of the maps of direction: lengths with a slider, and a share."""

from __future__ import annotations

import math
from typing import Final

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QDoubleSpinBox, QHBoxLayout, QWidget

from napari_muscle_us._napari.panels._map_fields import (
    PxOrMmField,
    set_up_box,
    silent,
    tipped_slider,
)

_STEPS: Final = 200
_BOX_PX: Final = (0.5, 100.0)
_BOX_MM: Final = (0.01, 50.0)
_SLIDER_PX: Final = (0.5, 30.0)
_SLIDER_MM: Final = (0.05, 5.0)
_HUNDRED: Final = 100


class LengthField(PxOrMmField):
    """A sigma in pixels or mm; its slider is finer for small ones."""

    def __init__(self, px: float, tip: str) -> None:
        super().__init__(_decimal(_BOX_PX, 1, " px"), _decimal(_BOX_MM, 2, " mm"), tip)
        self._slider.setRange(0, _STEPS)
        # Its many steps need all the room there is.
        self._row.layout().setSpacing(2)
        self.set_value(px, None)

    def value(self) -> tuple[float, float | None]:
        """Return the length in pixels, and in mm if that is the unit."""
        mm = round(self._mm.value(), 2) if self._in_mm() else None
        return round(self._px.value(), 1), mm

    def _show_on_slider(self) -> None:
        low, high = _SLIDER_MM if self._in_mm() else _SLIDER_PX
        share = math.log(self._box().value() / low) / math.log(high / low)
        self._slider.setValue(round(_STEPS * min(max(share, 0.0), 1.0)))

    def _take_from_slider(self, value: int) -> None:
        low, high = _SLIDER_MM if self._in_mm() else _SLIDER_PX
        self._box().setValue(low * (high / low) ** (value / _STEPS))

    def _box(self) -> QDoubleSpinBox:
        return self._mm if self._in_mm() else self._px

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


class ShareField(QWidget):
    """A number from 0 to 1 with a slider."""

    changed = Signal()

    def __init__(self, tip: str) -> None:
        super().__init__()
        self._slider = tipped_slider(tip)
        self._slider.setRange(0, _HUNDRED)
        self._box = _decimal((0.0, 1.0), 2, "")
        set_up_box(self._box, tip)
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
        with silent(self._box, self._slider):
            self._box.setValue(value)
            self._slider.setValue(round(_HUNDRED * value))

    def _on_slider(self, value: int) -> None:
        with silent(self._box):
            self._box.setValue(value / _HUNDRED)
        self.changed.emit()

    def _on_box(self, value: float) -> None:
        self.set_value(value)
        self.changed.emit()


def _decimal(limits: tuple[float, float], digits: int, suffix: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setRange(*limits)
    box.setDecimals(digits)
    box.setSingleStep(10.0**-digits)
    box.setSuffix(suffix)
    return box
