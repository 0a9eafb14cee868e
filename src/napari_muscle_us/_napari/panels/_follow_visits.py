"""The visits of a person: their order, dates, and the age at each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING, Final

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_muscle_us._napari.panels._widgets import report, widget_row
from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.examination.follow_up import visit_order

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_muscle_us.reference.subject import Subject

_VISIT, _DATE, _AGE = range(3)
_ROW_PX: Final = 24
_MOST_ROWS: Final = 4
_DAYS_A_YEAR: Final = 365.25
_TIPS: Final = (
    "Name of the visit, in the order of time.",
    "Day of the visit, as 2026-01-31; with all days known, the visits can be sorted "
    "and ages go on by themselves.",
    "Age of the person at this visit, in years; type it over.",
)


@dataclass(frozen=True, slots=True)
class Visits:
    """The visits as the user ordered them.

    Attributes
    ----------
    order : tuple of str
        Names in the order of time.
    people : mapping of str to Subject
        The person at each.
    days : mapping of str to date
        Day of each that has one.
    same_age : bool
        Whether one age stands for all, because nobody told another.
    """

    order: tuple[str, ...]
    people: dict[str, Subject]
    days: dict[str, date]
    same_age: bool


class VisitsBox(QWidget):
    """A table of visits with buttons for their order."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._people: dict[str, Subject] = {}
        self._told: set[str] = set()
        self._code = ""
        self._labels: list[str] = []
        self._settled = False
        self._dates: dict[str, str] = {}
        self._ages: dict[str, str] = {}
        self._table = QTableWidget(0, 3)
        self._table.setHorizontalHeaderLabels(["Visit", "Date", "Age (years)"])
        for column, tip in enumerate(_TIPS):
            self._table.horizontalHeaderItem(column).setToolTip(tip)
        header = self._table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self._table.verticalHeader().setVisible(False)
        self._table.verticalHeader().setDefaultSectionSize(_ROW_PX)
        self._table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self._table.itemChanged.connect(self._on_edited)
        self._settle = QPushButton("In this order")
        self._settle.setToolTip("Say that the visits stand in the order of time.")
        self._settle.clicked.connect(self.settle)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._table)
        layout.addWidget(
            widget_row(
                ("▲ Earlier", "Move the selected visit up.", self._on_up),
                ("▼ Later", "Move the selected visit down.", self._on_down),
                ("By date", "Sort the visits by their dates.", self._on_by_date),
                self._settle,
            )
        )

    def set_visits(
        self, code: str, people: Mapping[str, Subject], told: set[str]
    ) -> None:
        """Show the visits of a person, with whom each finds.

        Parameters
        ----------
        code : str
            Of the person.
        people : mapping of str to Subject
            The person at each visit.
        told : set of str
            Visits whose person a table tells; the others were typed once for all.
        """
        self._people, self._told = dict(people), set(told)
        if sorted(people) != sorted(self._labels) or code != self._code:
            # Of another person, or one more: nothing typed is carried over.
            self._code = code
            self._dates, self._ages = {}, {}
            try:
                self._labels = list(visit_order(list(people)))
                self._settled = True
            except ReferenceSetError:
                self._labels = list(people)
                self._settled = False
        self._show()

    def value(self) -> Visits:
        """Return order and people.

        Raises
        ------
        ReferenceSetError
            If the order is not known, or a date or an age is not possible.
        """
        if not self._settled:
            raise ReferenceSetError(
                "The order of the visits is not known; move them with the buttons, or "
                "type their dates and press By date, or press In this order."
            )
        days, people = self._days(), self._people_then()
        typed = [label for label in self._labels if label not in self._told]
        same = len(typed) > 1 and not self._ages and not self._all_dated()
        return Visits(tuple(self._labels), people, days, same)

    def _days(self) -> dict[str, date]:
        return {label: _day(text) for label, text in self._dates.items()}

    def _all_dated(self) -> bool:
        return len(self._dates) == len(self._labels)

    def _people_then(self) -> dict[str, Subject]:
        """Return the person at each visit, with the ages that were typed."""
        people = {label: self._people[label] for label in self._labels}
        for label, text in self._ages.items():
            people[label] = replace(people[label], age_years=_age(text, label))
        first = self._labels[0]
        age = people[first].age_years
        if age is None or not self._all_dated():
            return people
        days = self._days()
        for label in self._labels[1:]:
            if label not in self._told and label not in self._ages:
                years = (days[label] - days[first]).days / _DAYS_A_YEAR
                people[label] = replace(people[label], age_years=age + years)
        return people

    def set_day(self, label: str, text: str) -> None:
        """Type the day of a visit."""
        self._table.item(self._labels.index(label), _DATE).setText(text)

    def set_age(self, label: str, text: str) -> None:
        """Type the age at a visit."""
        self._table.item(self._labels.index(label), _AGE).setText(text)

    def move(self, label: str, steps: int) -> None:
        """Move a visit down, or up."""
        place = self._labels.index(label)
        other = min(max(place + steps, 0), len(self._labels) - 1)
        self._labels.insert(other, self._labels.pop(place))
        self._settled = True
        self._show()
        self._table.selectRow(other)
        self.changed.emit()

    def sort_by_date(self) -> None:
        """Sort the visits by their days.

        Raises
        ------
        ReferenceSetError
            If a day is missing, not one, or of two visits.
        """
        self._labels = list(visit_order(self._labels, dates=self._days()))
        self._settled = True
        self._show()
        self.changed.emit()

    def _show(self) -> None:
        try:
            people = self._people_then()
        except ReferenceSetError:
            # It is said where the visits are asked for.
            people = self._people
        self._settle.setVisible(not self._settled)
        with QSignalBlocker(self._table):
            self._table.setRowCount(len(self._labels))
            for row, label in enumerate(self._labels):
                name = self._put(row, _VISIT, label or "(no name)")
                name.setFlags(name.flags() & ~Qt.ItemFlag.ItemIsEditable)
                self._put(row, _DATE, self._dates.get(label, ""))
                age = people[label].age_years
                known = "" if age is None else f"{age:.4g}"
                self._put(row, _AGE, self._ages.get(label, known))
        rows = min(max(len(self._labels), 2), _MOST_ROWS)
        header = self._table.horizontalHeader().sizeHint().height()
        self._table.setFixedHeight(rows * _ROW_PX + header + 4)

    def _put(self, row: int, column: int, text: str) -> QTableWidgetItem:
        # Not a new item: this one may be being edited.
        item = self._table.item(row, column)
        if item is None:
            item = QTableWidgetItem()
            self._table.setItem(row, column, item)
        item.setText(text)
        item.setToolTip(text if column == _VISIT else _TIPS[column])
        return item

    def _on_edited(self, item: QTableWidgetItem) -> None:
        typed = self._dates if item.column() == _DATE else self._ages
        label, text = self._labels[item.row()], item.text().strip()
        # An empty cell is one in which nothing was typed.
        typed.pop(label, None)
        if text:
            typed[label] = text
        self._show()
        self.changed.emit()

    def _move_selected(self, steps: int) -> None:
        row = self._table.currentRow()
        if row >= 0:
            self.move(self._labels[row], steps)

    def _on_up(self) -> None:
        self._move_selected(-1)

    def _on_down(self) -> None:
        self._move_selected(1)

    def _on_by_date(self) -> None:
        report(self.sort_by_date)

    def settle(self) -> None:
        """Say that the visits stand in the order of time."""
        self._settled = True
        self._show()
        self.changed.emit()


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise ReferenceSetError(
            f"{text.strip()!r:.40} is no date; write year-month-day as 2026-01-31."
        ) from None


def _age(text: str, label: str) -> float:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise ReferenceSetError(
            f"The age {text!r:.20} at the visit {label!r:.40} is no number; type years."
        ) from None
