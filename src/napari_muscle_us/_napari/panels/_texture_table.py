"""The table of texture features: a row a feature under its family, a column an ROI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from qtpy.QtGui import QFont
from qtpy.QtWidgets import QAbstractItemView, QHeaderView, QTableView

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_muscle_us._napari.panels._texture_columns import Column, Row

_ROW_HEIGHT: Final = 20
_NAME_WIDTH: Final = 206
_NAME_NARROW: Final = 156
_ROOMY: Final = 2
_LEAST_WIDTH: Final = 72
_NO_PARENT: Final = QModelIndex()
_LEFT: Final = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT: Final = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_Role = Qt.ItemDataRole


class TextureModel(QAbstractTableModel):
    """Values as text, made only for the cells that are looked at."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[Row] = []
        self._columns: list[Column] = []
        self._bold = QFont()
        self._bold.setBold(True)

    def set_content(self, rows: list[Row], columns: list[Column]) -> bool:
        """Show other values; return whether there are other rows or columns."""
        headings = [column.heading for column in columns]
        same = rows == self._rows and headings == [c.heading for c in self._columns]
        if not same:
            self.beginResetModel()
        self._rows, self._columns = rows, columns
        if not same:
            self.endResetModel()
        elif rows and columns:
            last = self.index(len(rows) - 1, len(columns) - 1)
            self.dataChanged.emit(self.index(0, 0), last, [_Role.DisplayRole])
        return not same

    def rows(self) -> list[Row]:
        """Return the rows."""
        return self._rows

    def columns(self) -> list[Column]:
        """Return the columns."""
        return self._columns

    def rowCount(self, parent: QModelIndex = _NO_PARENT) -> int:
        """Return the number of families and features."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex = _NO_PARENT) -> int:
        """Return the number of ROIs and differences."""
        return 0 if parent.isValid() else len(self._columns)

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Return the title of a column or row, and its tooltip."""
        if orientation == Qt.Orientation.Vertical:
            return self._name(self._rows[section], role)
        heading = self._columns[section].heading
        if role == _Role.DisplayRole:
            return heading.title
        return heading.tip if role == _Role.ToolTipRole else None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text or tooltip."""
        row = self._rows[index.row()]
        if row.is_family:
            return None
        column = self._columns[index.column()]
        if role == _Role.DisplayRole:
            return column.text(row)
        if role == _Role.ToolTipRole:
            return column.tip(row)
        return _RIGHT if role == _Role.TextAlignmentRole else None

    def _name(self, row: Row, role: int) -> Any:
        if role == _Role.DisplayRole:
            return row.title
        if role == _Role.ToolTipRole:
            return row.tip
        return self._bold if role == _Role.FontRole and row.is_family else None


class TextureTable(QTableView):
    """Shows the features; a family's title folds it away."""

    row_chosen = Signal(object)
    """The row that is selected, ``None`` for none or for a family."""
    family_clicked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._model = TextureModel()
        self.setModel(self._model)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setWordWrap(False)
        self.setMinimumHeight(6 * _ROW_HEIGHT)
        rows = self.verticalHeader()
        rows.setDefaultAlignment(_LEFT)
        rows.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        rows.setHighlightSections(False)
        rows.setSectionsClickable(True)
        rows.sectionClicked.connect(self._on_section)
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setMinimumSectionSize(_ROW_HEIGHT)
        rows.setDefaultSectionSize(_ROW_HEIGHT)
        columns = self.horizontalHeader()
        columns.setMinimumSectionSize(_LEAST_WIDTH)
        columns.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        columns.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        columns.setHighlightSections(False)
        self.selectionModel().currentRowChanged.connect(self._on_row)
        self.clicked.connect(self._on_clicked)

    def set_content(self, rows: Sequence[Row], columns: Sequence[Column]) -> None:
        """Show other values; the selected feature stays selected."""
        chosen = self.chosen()
        if not self._model.set_content(list(rows), list(columns)):
            return
        names = _NAME_WIDTH if len(columns) <= _ROOMY else _NAME_NARROW
        self.verticalHeader().setFixedWidth(names)
        self.clearSpans()
        for number, row in enumerate(rows):
            if row.is_family and len(columns) > 1:
                self.setSpan(number, 0, 1, len(columns))
            if chosen is not None and row.same_feature(chosen):
                self.setCurrentIndex(self._model.index(number, 0))
        if self.chosen() is None:
            self.row_chosen.emit(None)

    def chosen(self) -> Row | None:
        """Return the selected feature."""
        index = self.currentIndex()
        if not index.isValid():
            return None
        row = self._model.rows()[index.row()]
        return None if row.is_family else row

    def choose(self, key: str) -> None:
        """Select a feature by its key."""
        for number, row in enumerate(self._model.rows()):
            if row.key == key:
                self.setCurrentIndex(self._model.index(number, 0))
                return

    def text(self, key: str, column: int = 0) -> str:
        """Return what stands beside a feature."""
        row = next(row for row in self._model.rows() if row.key == key)
        return self._model.columns()[column].text(row)

    def tip(self, key: str, column: int = 0) -> str:
        """Return the tooltip of a value."""
        row = next(row for row in self._model.rows() if row.key == key)
        return self._model.columns()[column].tip(row)

    def titles(self) -> list[str]:
        """Return the titles of the columns of values."""
        return [column.heading.title for column in self._model.columns()]

    def _on_row(self, current: QModelIndex, _: QModelIndex) -> None:
        self.row_chosen.emit(self.chosen() if current.isValid() else None)

    def _on_clicked(self, index: QModelIndex) -> None:
        self._on_section(index.row())

    def _on_section(self, number: int) -> None:
        row = self._model.rows()[number]
        if row.is_family:
            self.family_clicked.emit(row.family)
