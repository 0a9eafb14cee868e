"""The check boxes and numbers of the field's rules."""

from __future__ import annotations

from typing import Final

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QSpinBox,
    QWidget,
)

from napari_muscle_us.roi.rules import INNER_LATERAL, RoiRules

_MOST_MM: Final = 200.0
_MOST_MM2: Final = 20_000.0
_MOST_PIXELS: Final = 9_999_999
_BOX_MM: Final = (10.0, 20.0)
_AREA_MM2: Final = 100.0
_PIXELS: Final = 2000
_NARROW: Final = 80
"""Room for a length and its unit, in px of the screen."""


class RuleFields(QWidget):
    """Shows rules and lets the user change them; knows no viewer."""

    changed = Signal()
    clip_wanted = Signal()
    box_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._largest = _check(
            "Largest muscle area without fascia",
            "Draw as much of the muscle as possible. Warns where the outline's border "
            "or inside seems to hold bright fascia or bone.",
        )
        self._inner = _check(
            "Inner share",
            "Keep to the middle of the picture from side to side: at both ends the "
            "beam is weaker, so echoes are too dark.",
        )
        self._box = _check(
            "Fixed box",
            "Every ROI is a box of the same height and width, as some studies do.",
        )
        self._area = _check("Smallest area", "Warns of an ROI of less area than this.")
        self._pixels = _check(
            "Fewest pixels", "Warns of an ROI of fewer pixels than this."
        )
        self._share = _whole(
            10, 99, " % of the width", "How much of the picture's width is kept."
        )
        self._height = _length(" ×", "Height of the box, in the direction of depth.")
        self._width = _length(" mm", "Width of the box, from side to side.")
        self._least = _decimal(_MOST_MM2, " mm²", "The least area of an ROI.")
        self._count = _whole(1, _MOST_PIXELS, " px", "The fewest pixels of an ROI.")
        self._preset()
        self._lay_out()
        self._connect()

    def _preset(self) -> None:
        self._share.setValue(round(100 * INNER_LATERAL))
        self._height.setValue(_BOX_MM[0])
        self._width.setValue(_BOX_MM[1])
        self._least.setValue(_AREA_MM2)
        self._count.setValue(_PIXELS)

    def _lay_out(self) -> None:
        clip = _button(
            "Clip",
            "Cut the selected ROIs to this middle part. Can be undone.",
            self.clip_wanted,
        )
        place = _button(
            "Place",
            "Add a box of this size in the middle of what you see; then drag it.",
            self.box_wanted,
        )
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        grid.addWidget(self._largest, 0, 0, 1, 3)
        sides = QWidget()
        row = QHBoxLayout(sides)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._height, 1)
        row.addWidget(self._width, 1)
        rows = (
            (self._inner, self._share, clip),
            (self._box, sides, place),
            (self._area, self._least, None),
            (self._pixels, self._count, None),
        )
        for number, (check, field, button) in enumerate(rows, 1):
            grid.addWidget(check, number, 0)
            grid.addWidget(field, number, 1)
            if button is not None:
                grid.addWidget(button, number, 2)

    def _connect(self) -> None:
        for check in self._checks():
            check.toggled.connect(self._on_edited)
        for number in self._numbers():
            number.valueChanged.connect(self._on_edited)

    def _checks(self) -> tuple[QCheckBox, ...]:
        return self._largest, self._inner, self._box, self._area, self._pixels

    def _numbers(self) -> tuple[QSpinBox | QDoubleSpinBox, ...]:
        return self._share, self._height, self._width, self._least, self._count

    @property
    def share(self) -> float:
        """The typed share of the lateral field, whether it is a rule or not."""
        return self._share.value() / 100

    @property
    def box_mm(self) -> tuple[float, float]:
        """The typed height and width of the box, whether it is a rule or not."""
        return self._height.value(), self._width.value()

    def value(self) -> RoiRules:
        """Return the rules that are ticked."""
        return RoiRules(
            largest_muscle_area=self._largest.isChecked(),
            inner_lateral=self.share if self._inner.isChecked() else None,
            fixed_box_mm=self.box_mm if self._box.isChecked() else None,
            min_area_mm2=self._least.value() if self._area.isChecked() else None,
            min_pixels=self._count.value() if self._pixels.isChecked() else None,
        )

    def setValue(self, rules: RoiRules) -> None:
        """Show rules; the numbers of those that do not hold stay as they are."""
        if rules == self.value():
            return
        blocked = [QSignalBlocker(w) for w in (*self._checks(), *self._numbers())]
        self._largest.setChecked(rules.largest_muscle_area)
        self._inner.setChecked(rules.inner_lateral is not None)
        self._box.setChecked(rules.fixed_box_mm is not None)
        self._area.setChecked(rules.min_area_mm2 is not None)
        self._pixels.setChecked(rules.min_pixels is not None)
        if rules.inner_lateral is not None:
            self._share.setValue(round(100 * rules.inner_lateral))
        if rules.fixed_box_mm is not None:
            self._height.setValue(rules.fixed_box_mm[0])
            self._width.setValue(rules.fixed_box_mm[1])
        if rules.min_area_mm2 is not None:
            self._least.setValue(rules.min_area_mm2)
        if rules.min_pixels is not None:
            self._count.setValue(rules.min_pixels)
        for blocker in blocked:
            blocker.unblock()

    def _on_edited(self, *_: object) -> None:
        self.changed.emit()


def _check(text: str, tip: str) -> QCheckBox:
    box = QCheckBox(text)
    box.setToolTip(tip)
    return box


def _button(text: str, tip: str, wanted: Signal) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    button.clicked.connect(wanted)
    return button


def _whole(least: int, most: int, unit: str, tip: str) -> QSpinBox:
    box = QSpinBox()
    box.setRange(least, most)
    box.setSuffix(unit)
    box.setToolTip(tip)
    # A number half typed is no rule.
    box.setKeyboardTracking(False)
    return box


def _length(unit: str, tip: str) -> QDoubleSpinBox:
    box = _decimal(_MOST_MM, unit, tip)
    # napari's wide buttons would hide the number in a narrow panel.
    box.setButtonSymbols(QDoubleSpinBox.ButtonSymbols.NoButtons)
    box.setMinimumWidth(_NARROW)
    return box


def _decimal(most: float, unit: str, tip: str) -> QDoubleSpinBox:
    box = QDoubleSpinBox()
    box.setRange(0.1, most)
    box.setDecimals(1)
    box.setSuffix(unit)
    box.setToolTip(tip)
    box.setKeyboardTracking(False)
    return box
