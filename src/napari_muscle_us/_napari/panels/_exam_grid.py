"""A sortable table of what an examination or follow-up found."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from qtpy.QtCore import QAbstractTableModel, QModelIndex, QSortFilterProxyModel, Qt
from qtpy.QtGui import QFont
from qtpy.QtWidgets import QAbstractItemView, QHeaderView

from napari_muscle_us._napari.panels._results_model import wrapped
from napari_muscle_us._napari.panels._widgets import table_view
from napari_muscle_us.io.files import atomic_path
from napari_muscle_us.io.tables import guard_formula

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from qtpy.QtWidgets import QTableView

_NO_PARENT: Final = QModelIndex()
_NUMBERS: Final = "biuf"
_SORT: Final = Qt.ItemDataRole.UserRole


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell shows.

    Attributes
    ----------
    text : str
        What is written in it.
    order : float or str
        What it is sorted by.
    tip : str
        The same with all digits, or the whole of a sentence.
    bold : bool
        Whether it stands out.
    """

    text: str
    order: float | str
    tip: str = ""
    bold: bool = False


def number_cell(
    value: float, digits: int, *, signed: bool = False, mark: str = ""
) -> Cell:
    """Return a number; a mark in front of it makes it stand out.

    Examples
    --------
    >>> number_cell(2.3456, 2, signed=True, mark="▲").text
    '▲ +2.35'
    >>> number_cell(float("nan"), 1).text
    '–'
    """
    if math.isnan(value):
        return Cell("–", -math.inf)
    text = signed_text(value, digits) if signed else f"{value:.{digits}f}"
    return Cell(f"{mark} {text}" if mark else text, value, repr(value), bool(mark))


def signed_text(value: float, digits: int = 2) -> str:
    """Return a number with its sign, a real minus; none for what rounds to 0.

    Examples
    --------
    >>> signed_text(-1.234), signed_text(-0.001)
    ('−1.23', '0.00')
    """
    # Adding 0.0 turns −0.0 into 0.0.
    value = round(value, digits) + 0.0
    text = f"{value:+.{digits}f}" if value else f"{value:.{digits}f}"
    return text.replace("-", "−")


def text_cell(text: str, *, bold: bool = False) -> Cell:
    """Return a text, sorted without regard to capitals."""
    return Cell(text, text.casefold(), text, bold)


@dataclass(frozen=True, slots=True)
class Column:
    """A column: title, width in pixels, what it means, and whether it is numbers."""

    title: str
    width: int
    tip: str
    number: bool = False


class GridModel(QAbstractTableModel):
    """Shows lines of cells."""

    def __init__(self, columns: Sequence[Column]) -> None:
        super().__init__()
        self._columns = tuple(columns)
        self._lines: list[tuple[Cell, ...]] = []

    def set_lines(self, lines: Sequence[tuple[Cell, ...]]) -> None:
        """Show other lines."""
        self.beginResetModel()
        self._lines = list(lines)
        self.endResetModel()

    def lines(self) -> list[tuple[str, ...]]:
        """Return the texts that are shown."""
        return [tuple(cell.text for cell in line) for line in self._lines]

    def rowCount(self, parent: QModelIndex = _NO_PARENT) -> int:
        """Return the number of lines."""
        return 0 if parent.isValid() else len(self._lines)

    def columnCount(self, parent: QModelIndex = _NO_PARENT) -> int:
        """Return the number of columns."""
        return 0 if parent.isValid() else len(self._columns)

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Return the column's title, and what it means."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = self._columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.title
        return column.tip if role == Qt.ItemDataRole.ToolTipRole else None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text, and how it is drawn and sorted."""
        cell = self._lines[index.row()][index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return cell.text
        if role == _SORT:
            return cell.order
        if role == Qt.ItemDataRole.ToolTipRole:
            return wrapped(cell.tip)
        if role == Qt.ItemDataRole.FontRole and cell.bold:
            font = QFont()
            font.setBold(True)
            return font
        if (
            role == Qt.ItemDataRole.TextAlignmentRole
            and self._columns[index.column()].number
        ):
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None


class Grid:
    """A view of lines, sorted by a click on a column's title."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.model = GridModel(columns)
        self._proxy = QSortFilterProxyModel()
        self._proxy.setSourceModel(self.model)
        self._proxy.setSortRole(_SORT)
        self.view: QTableView = table_view(self._proxy)
        self.view.setWordWrap(False)
        self.view.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        for number, column in enumerate(columns):
            self.view.setColumnWidth(number, column.width)
        header = self.view.horizontalHeader()
        # Bold titles would not fit.
        header.setHighlightSections(False)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        self.view.setSortingEnabled(True)

    def wrap(self) -> None:
        """Make lines as high as their texts need."""
        self.view.setWordWrap(True)
        self.view.verticalHeader().setSectionResizeMode(
            QHeaderView.ResizeMode.ResizeToContents
        )

    def selected(self) -> int | None:
        """Return the place of the selected line, in the order of `set_lines`."""
        chosen = self.view.selectionModel().selectedRows()
        return self._proxy.mapToSource(chosen[0]).row() if chosen else None

    def select(self, line: int) -> None:
        """Select a line and show it."""
        index = self._proxy.mapFromSource(self.model.index(line, 0))
        self.view.selectRow(index.row())
        self.view.scrollTo(index)


def table_text(table: pd.DataFrame, *, sep: str) -> str:
    """Return a table with all digits, safe to open in a spreadsheet."""
    safe = table.copy()
    for column in safe.columns:
        if safe[column].dtype.kind not in _NUMBERS:
            safe[column] = [
                guard_formula(cell) if isinstance(cell, str) else cell
                for cell in safe[column]
            ]
    return str(safe.to_csv(sep=sep, index=False, na_rep="NaN", lineterminator="\n"))


def save_table(table: pd.DataFrame, path: str) -> None:
    """Write a table as CSV, never half.

    Raises
    ------
    ResultsError
        If the folder cannot be written to.
    """
    text = table_text(table, sep=",")
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")
