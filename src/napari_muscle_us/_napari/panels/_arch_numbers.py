"""The numbers of an architecture as a table, as text, and their reasons in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_muscle_us._napari.panels._arch_work import Outcome

_ROW_PX: Final = 24
_MOST_COLUMNS: Final = 6
"""So many fit side by side in the narrowest dock."""

_NONE: Final = "–"


class _Measure(NamedTuple):
    """A row of the table: attribute of the muscle, of a fascicle, title and tooltip."""

    key: str
    of_fascicle: str
    title: str
    unit: str
    tip: str


_MEASURES: Final = (
    _Measure(
        "pennation_deg",
        "pennation_deg",
        "Pennation",
        "°",
        "Angle of the fascicle's straight line to the deep aponeurosis, where they "
        "meet.",
    ),
    _Measure(
        "pennation_superficial_deg",
        "pennation_superficial_deg",
        "Pennation, superficial",
        "°",
        "The same angle at the superficial aponeurosis.",
    ),
    _Measure(
        "pennation_curved_deg",
        "pennation_curved_deg",
        "Pennation, curved",
        "°",
        "Angle of the arc through the drawn fascicle to the deep aponeurosis; needs "
        "three points along the fascicle.",
    ),
    _Measure(
        "thickness",
        "",
        "Thickness, middle",
        "",
        "Distance of the inner borders in the middle of the picture's shared part, at "
        "right angles to their mean direction.",
    ),
    _Measure(
        "thickness_min",
        "",
        "Thickness, least",
        "",
        "Least distance from the middle of the superficial to the central third of the "
        "deep aponeurosis, as DL_Track_US takes it.",
    ),
    _Measure(
        "fascicle_length",
        "length",
        "Fascicle, straight",
        "",
        "Length of the straight line from aponeurosis to aponeurosis, prolonged where "
        "they are not seen.",
    ),
    _Measure(
        "fascicle_length_curved",
        "length_curved",
        "Fascicle, curved",
        "",
        "Length of the arc of one curvature through the drawn fascicle; needs three "
        "points along it.",
    ),
    _Measure(
        "fascicle_length_trigonometric",
        "length_trigonometric",
        "Fascicle, estimated",
        "",
        "Thickness over the sine of the pennation: an estimate for parallel "
        "aponeuroses.",
    ),
    _Measure(
        "extrapolated_share",
        "extrapolated_share",
        "Extrapolated",
        "%",
        "Share of the straight length beyond the part where both aponeuroses are "
        "drawn: not seen, but assumed.",
    ),
)
_WITHOUT_FASCICLE: Final = ("thickness", "thickness_min")


class Number(NamedTuple):
    """A row: its value (of several fascicles the median), and that of each fascicle.

    The extrapolated share is in per cent.
    """

    title: str
    unit: str
    value: float
    each: tuple[float, ...]
    reason: str
    tip: str


def numbers_of(outcome: Outcome) -> list[Number]:
    """Return the numbers that there can be, NaN with a reason where there is none."""
    found = outcome.architecture
    if found is None:
        return []
    numbers = []
    for measure in _MEASURES:
        if not outcome.has_fascicle and measure.key not in _WITHOUT_FASCICLE:
            continue
        key = measure.key if measure.unit else f"{measure.key}_{found.unit}"
        factor = 100.0 if measure.unit == "%" else 1.0
        each: tuple[float, ...] = ()
        if measure.of_fascicle:
            name = measure.of_fascicle
            each = tuple(factor * getattr(f, name) for f in found.fascicles)
        number = Number(
            measure.title,
            measure.unit or found.unit,
            factor * getattr(found, key),
            each,
            found.reason(key),
            measure.tip,
        )
        numbers.append(number)
    return numbers


def reasons_of(outcome: Outcome) -> str:
    """Return why numbers are missing, and which fascicles gave none."""
    found = outcome.architecture
    if outcome.problem:
        return outcome.problem
    if found is None or not outcome.has_fascicle:
        return ""
    whose: dict[str, list[str]] = {}
    for number, fascicle in enumerate(found.fascicles, start=1):
        why = fascicle.reason or fascicle.curved_reason
        whose.setdefault(why, []).append(str(number))
    whose.pop("", None)
    several = len(found.fascicles) > 1
    said = [
        f"Fascicle {', '.join(numbers)}: {why}" if several else why
        for why, numbers in whose.items()
    ]
    if not outcome.spacing_mm:
        said.append("The image has no scale, so lengths are in px.")
    return "\n".join(said)


def warns(outcome: Outcome) -> bool:
    """Whether the lines, or a fascicle, gave no numbers at all."""
    found = outcome.architecture
    if outcome.problem:
        return True
    return found is not None and any(f.reason for f in found.fascicles)


def as_text(numbers: Sequence[Number]) -> str:
    """Return the numbers for the clipboard, tab-separated, with all their digits."""
    count = max((len(number.each) for number in numbers), default=0)
    several = [f"fascicle {n + 1}" for n in range(count)] if count > 1 else []
    lines = [["measure", "unit", "median" if several else "value", *several, "reason"]]
    for number in numbers:
        each = [repr(value) for value in number.each] if several else []
        each += [""] * (len(several) - len(each))
        value = repr(number.value)
        lines.append([number.title, number.unit, value, *each, number.reason])
    return "\n".join("\t".join(line) for line in lines)


def text_of(value: float, unit: str) -> str:
    """Return a value as it is shown."""
    if math.isnan(value):
        return _NONE
    return f"{value:.0f}" if unit == "%" else f"{value:.1f}"


class ArchitectureTable(QTableWidget):
    """Shows the numbers, a line each; hidden without any."""

    def __init__(self) -> None:
        super().__init__(0, 0)
        self.verticalHeader().setVisible(False)
        self.verticalHeader().setDefaultSectionSize(_ROW_PX)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVisible(False)

    def set_numbers(self, numbers: Sequence[Number]) -> None:
        """Show other numbers."""
        count = max((len(number.each) for number in numbers), default=0)
        heads = ["", "Unit", "Value"]
        if count > 1:
            heads = ["", "Unit", "Median", *map(str, range(1, count + 1))]
        self._set_heads(heads)
        self.setRowCount(len(numbers))
        for row, number in enumerate(numbers):
            shown = [number.value, *(number.each if count > 1 else ())]
            texts = [text_of(value, number.unit) for value in shown]
            texts = [number.title, number.unit, *texts]
            texts += [""] * (len(heads) - len(texts))
            for column, text in enumerate(texts):
                self._put(row, column, text, number.reason or number.tip)
        self._fit(len(numbers))

    def _set_heads(self, heads: list[str]) -> None:
        if self.columnCount() == len(heads):
            return
        self.setColumnCount(len(heads))
        self.setHorizontalHeaderLabels(heads)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        if len(heads) <= _MOST_COLUMNS:
            header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        if len(heads) > 3:
            self.horizontalHeaderItem(2).setToolTip(
                "Median of the fascicles that gave a number."
            )

    def _put(self, row: int, column: int, text: str, tip: str) -> None:
        item = self.item(row, column)
        if item is None:
            item = QTableWidgetItem(text)
            if column > 1:
                right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                item.setTextAlignment(right)
            self.setItem(row, column, item)
        elif item.text() != text:
            item.setText(text)
        item.setToolTip(tip)

    def _fit(self, rows: int) -> None:
        # More fascicles than there is room for can be scrolled to.
        scrolls = self.columnCount() > _MOST_COLUMNS
        room = self.horizontalScrollBar().sizeHint().height() if scrolls else 0
        head = self.horizontalHeader().sizeHint().height()
        self.setFixedHeight(head + 4 + rows * _ROW_PX + room)
        self.setVisible(rows > 0)
