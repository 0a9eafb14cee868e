"""ImageJ's "List": the 256 counts to look at and to copy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt
from qtpy.QtWidgets import QApplication, QDialog, QTableView, QVBoxLayout

from napari_muscle_us._napari.panels._histogram_curves import names_apart
from napari_muscle_us._napari.panels._histogram_text import (
    count_rows,
    counts,
    safe_names,
)
from napari_muscle_us._napari.panels._widgets import button_row, tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtWidgets import QWidget

    from napari_muscle_us._napari.panels._histogram_curves import Curve

_HEIGHT: Final = 520
_COLUMN_WIDTH: Final = 104
_MOST_COLUMNS: Final = 8
_ROW_HEIGHT: Final = 20
_NO_PARENT: Final = QModelIndex()
_RIGHT: Final = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class _CountModel(QAbstractTableModel):
    """Gray levels and counts as they were when the list was opened."""

    def __init__(self, curves: Sequence[Curve]) -> None:
        super().__init__()
        self._titles = ["Gray level", *names_apart(curves)]
        self._rows = count_rows(curves)

    def rowCount(self, parent: QModelIndex = _NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: QModelIndex = _NO_PARENT) -> int:
        return 0 if parent.isValid() else len(self._titles)

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        across = orientation == Qt.Orientation.Horizontal
        shown = role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole)
        return self._titles[section] if across and shown else None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.DisplayRole:
            return self._rows[index.row()][index.column()]
        return _RIGHT if role == Qt.ItemDataRole.TextAlignmentRole else None


class ListDialog(QDialog):
    """A window with gray levels and counts; it does not follow the regions."""

    def __init__(self, curves: Sequence[Curve], parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Grayscale histogram: list")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._curves = tuple(curves)
        self._model = _CountModel(curves)
        self.view = QTableView()
        self.view.setModel(self._model)
        self.view.verticalHeader().setVisible(False)
        self.view.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
        layout = QVBoxLayout(self)
        layout.addWidget(self.view)
        tip = "Copy all gray levels and counts, tab-separated, with a line of titles."
        layout.addLayout(
            button_row(
                ("Copy", tip, self.copy), ("Close", "Close this list.", self.close)
            )
        )
        columns = min(self._model.columnCount(), _MOST_COLUMNS)
        self.resize(_COLUMN_WIDTH * columns + 50, _HEIGHT)

    def copy(self) -> None:
        """Put the whole list on the clipboard."""
        titles = "\t".join(["gray_level", *safe_names(self._curves)])
        QApplication.clipboard().setText(f"{titles}\n{counts(self._curves)}")
        tell("List copied")
