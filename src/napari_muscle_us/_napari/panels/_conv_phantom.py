"""Gray levels of a phantom's targets, typed or pasted into a small table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtGui import QKeySequence
from qtpy.QtWidgets import (
    QApplication,
    QFormLayout,
    QHeaderView,
    QLineEdit,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from napari_muscle_us._napari.panels._conv_work import Phantom
from napari_muscle_us._napari.panels._widgets import button_row
from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.io.spreadsheet import number_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QKeyEvent

_TITLES: Final = ("Contrast (dB)", "Gray level from", "Gray level to")
_WORDS: Final = ("contrast", "gray level on the first", "gray level on the second")
_ROWS: Final = 6
_MAX_ROWS: Final = 1000


class PhantomTable(QTableWidget):
    """Contrast and two gray levels a row; takes cells pasted from a spreadsheet."""

    def __init__(self) -> None:
        super().__init__(_ROWS, len(_TITLES))
        self.setHorizontalHeaderLabels(_TITLES)
        header = self.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        self.verticalHeader().setDefaultSectionSize(24)
        self.setMinimumHeight(180)
        self.setToolTip(
            "A target of the phantom a row: its contrast as the maker states it, and "
            "its mean gray level on both scanners. Ctrl+V pastes cells copied from a "
            "spreadsheet. Leave out targets that are black or white."
        )

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Paste cells, and blank the chosen ones."""
        if event.matches(QKeySequence.StandardKey.Paste):
            self.paste(QApplication.clipboard().text())
        elif event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            for item in self.selectedItems():
                item.setText("")
        else:
            super().keyPressEvent(event)

    def paste(self, text: str) -> None:
        """Put tab-separated cells in, from the current cell on."""
        row, column = max(self.currentRow(), 0), max(self.currentColumn(), 0)
        lines = text.splitlines()[: _MAX_ROWS - row]
        self.setRowCount(max(self.rowCount(), row + len(lines)))
        for down, line in enumerate(lines):
            cells = line.split("\t")[: len(_TITLES) - column]
            for right, cell in enumerate(cells):
                item = QTableWidgetItem(cell.strip()[:40])
                self.setItem(row + down, column + right, item)


class PhantomBox(QWidget):
    """Edits the targets of a phantom, and the scatter of muscles if it is known."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.table = PhantomTable()
        self._scatter = QLineEdit()
        self._scatter.setPlaceholderText("from the targets")
        self._scatter.setToolTip(
            "How far single muscles of people lie from the line (SD, in gray levels of "
            "the first scanner), if you know it. Blank: that of the targets is taken, "
            "which is less than that of muscles."
        )
        form = QFormLayout()
        form.addRow("Scatter of muscles", self._scatter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table)
        layout.addLayout(
            button_row(
                ("Add a row", "Add a target.", self._add_row),
                ("Clear", "Empty all rows.", self.clear),
            )
        )
        layout.addLayout(form)
        self.table.cellChanged.connect(self._on_changed)
        self._scatter.textChanged.connect(self._on_changed)

    def _on_changed(self, *_: object) -> None:
        self.changed.emit()

    def _add_row(self) -> None:
        if self.table.rowCount() < _MAX_ROWS:
            self.table.setRowCount(self.table.rowCount() + 1)

    def clear(self) -> None:
        """Empty all rows."""
        self.set_targets(())

    def set_targets(self, rows: Sequence[tuple[float, float, float]]) -> None:
        """Show targets: contrast, gray level from, gray level to."""
        with QSignalBlocker(self.table):
            self.table.clearContents()
            self.table.setRowCount(max(_ROWS, len(rows)))
            for row, numbers in enumerate(rows):
                for column, number in enumerate(numbers):
                    item = QTableWidgetItem(f"{number:g}")
                    self.table.setItem(row, column, item)
        self.changed.emit()

    def swap(self) -> None:
        """Exchange the gray levels of both scanners."""
        with QSignalBlocker(self.table):
            for row in range(self.table.rowCount()):
                first, second = (self.table.takeItem(row, k) for k in (1, 2))
                self.table.setItem(row, 1, second)
                self.table.setItem(row, 2, first)

    def value(self) -> Phantom:
        """Return the targets.

        Raises
        ------
        ReferenceSetError
            If a cell is blank in a row that is not, or no number.
        """
        rows = []
        for row in range(self.table.rowCount()):
            cells = [self._text(row, column) for column in range(len(_TITLES))]
            if any(cells):
                rows.append(_numbers(cells, row + 1))
        if not rows:
            raise ReferenceSetError(
                "No target is filled in; type the contrast and both gray levels of "
                "each target of the phantom."
            )
        contrast, source, target = zip(*rows, strict=True)
        text = self._scatter.text().strip()
        scatter = number_of(text) if text else None
        if text and (scatter is None or not scatter > 0):
            raise ReferenceSetError(
                f"The scatter of muscles {text[:40]!r} is no number above 0; type "
                "digits only, or leave it blank."
            )
        return Phantom(contrast, source, target, scatter)

    def _text(self, row: int, column: int) -> str:
        item = self.table.item(row, column)
        return "" if item is None else item.text().strip()


def _numbers(cells: list[str], row: int) -> tuple[float, float, float]:
    found = []
    for text, word in zip(cells, _WORDS, strict=True):
        # Spreadsheets write a real minus sign, too.
        number = number_of(text.replace("−", "-"))
        if number is None or number != number:
            told = f"is {text[:40]!r}, which is no number" if text else "is blank"
            raise ReferenceSetError(
                f"Row {row} of the phantom: the {word} {told}; type it, or empty the "
                "row."
            )
        found.append(number)
    return found[0], found[1], found[2]
