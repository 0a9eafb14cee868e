"""The table of the histogram panel: a row a number, a column a region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from qtpy.QtGui import QColor, QPixmap
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QSizePolicy, QTableView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_muscle_us._napari.panels._histogram_rows import Row

_ROW_HEIGHT: Final = 20
_LEAST_WIDTH: Final = 66
_SQUARE: Final = 10
_NO_PARENT: Final = QModelIndex()
_RIGHT: Final = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class Heading(NamedTuple):
    """Title of a column; the colour of its curve, empty for a difference."""

    title: str
    colour: str
    tip: str


class HistogramModel(QAbstractTableModel):
    """Numbers as text, with what is to be known about each as its tooltip."""

    def __init__(self) -> None:
        super().__init__()
        self._headings: list[Heading] = []
        self._titles: list[tuple[str, str]] = []
        self._texts: list[list[str]] = []
        self._tips: list[list[str]] = []
        self._squares: dict[str, QPixmap] = {}

    def set_rows(self, rows: Sequence[Row], headings: Sequence[Heading]) -> bool:
        """Show other numbers; return whether there are other rows or columns."""
        titles = [(row.title, row.tip) for row in rows]
        same = titles == self._titles and list(headings) == self._headings
        if not same:
            self.beginResetModel()
        self._headings, self._titles = list(headings), titles
        self._texts = [row.texts() for row in rows]
        self._tips = [[tip for _, tip in row.cells] for row in rows]
        if rows and len(headings) > len(rows[0].cells):
            for row, texts, tips in zip(rows, self._texts, self._tips, strict=True):
                texts.append(row.difference_text())
                tips.append("")
        if not same:
            self.endResetModel()
        elif rows and headings:
            last = self.index(len(rows) - 1, len(headings) - 1)
            self.dataChanged.emit(self.index(0, 0), last)
        return not same

    def rowCount(self, parent: QModelIndex = _NO_PARENT) -> int:
        """Return the number of rows."""
        return 0 if parent.isValid() else len(self._titles)

    def columnCount(self, parent: QModelIndex = _NO_PARENT) -> int:
        """Return the number of columns."""
        return 0 if parent.isValid() else len(self._headings)

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Return the title of a column or row, its tooltip, its curve's colour."""
        if orientation == Qt.Orientation.Vertical:
            title, tip = self._titles[section]
            colour = ""
        else:
            title, colour, tip = self._headings[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return title
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip
        if role == Qt.ItemDataRole.DecorationRole and colour:
            return self._square(colour)
        return None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text or tooltip."""
        if role == Qt.ItemDataRole.DisplayRole:
            return self._texts[index.row()][index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tips[index.row()][index.column()]
        return _RIGHT if role == Qt.ItemDataRole.TextAlignmentRole else None

    def _square(self, colour: str) -> QPixmap:
        if colour not in self._squares:
            square = QPixmap(_SQUARE, _SQUARE)
            square.fill(QColor(colour))
            self._squares[colour] = square
        return self._squares[colour]


class HistogramTable(QTableView):
    """Shows all its rows at once; whoever holds it scrolls."""

    title_double_clicked = Signal(int)
    """The title of a column, by its number."""

    def __init__(self) -> None:
        super().__init__()
        self._model = HistogramModel()
        self.setModel(self._model)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        rows = self.verticalHeader()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setMinimumSectionSize(_ROW_HEIGHT)
        rows.setDefaultSectionSize(_ROW_HEIGHT)
        columns = self.horizontalHeader()
        columns.setMinimumSectionSize(_LEAST_WIDTH)
        columns.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        columns.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        columns.sectionDoubleClicked.connect(self.title_double_clicked.emit)
        columns.setHighlightSections(False)

    def set_rows(self, rows: Sequence[Row], headings: Sequence[Heading]) -> None:
        """Show other numbers."""
        if self._model.set_rows(rows, headings):
            self.fit_height()

    def text(self, row: int, column: int = 0) -> str:
        """Return what stands in a cell."""
        return str(self._model.data(self._model.index(row, column)))

    def tip(self, row: int, column: int = 0) -> str:
        """Return the tooltip of a cell."""
        index = self._model.index(row, column)
        return str(self._model.data(index, Qt.ItemDataRole.ToolTipRole))

    def titles(self) -> list[str]:
        """Return the titles of the columns."""
        across = Qt.Orientation.Horizontal
        count = self._model.columnCount()
        return [str(self._model.headerData(i, across)) for i in range(count)]

    def fit_height(self) -> None:
        """Take the height of all rows, and of the scroll bar below if there is one."""
        bar = self.horizontalScrollBar()
        below = bar.sizeHint().height() if bar.maximum() > 0 else 0
        rows = self._model.rowCount() * _ROW_HEIGHT
        head = self.horizontalHeader().sizeHint().height()
        height = head + rows + below + 2 * self.frameWidth()
        if height != self.height():
            self.setFixedHeight(height)

    def updateGeometries(self) -> None:
        """Follow the scroll bar, which comes and goes with the width."""
        super().updateGeometries()
        self.fit_height()
