"""The ROI table: model and editors; it knows neither layers nor the viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from qtpy.QtCore import QAbstractTableModel, QModelIndex, Qt, Signal
from qtpy.QtWidgets import QComboBox, QStyledItemDelegate, QWidget

from napari_muscle_us.muscles import STANDARD_MUSCLES
from napari_muscle_us.roi.shapes import SIDES, roi_area

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtWidgets import QStyleOptionViewItem

    from napari_muscle_us._napari._regions import Region

_EDITABLE: Final = ("name", "muscle", "side")
_HEADERS: Final = ("Name", "Muscle", "Side", "Area", "Pixels")
_NO_PARENT: Final = QModelIndex()


class RoiTableModel(QAbstractTableModel):
    """Rows of regions; edits are only announced, whoever owns the data does them."""

    label_edited = Signal(int, str, str)

    def __init__(self) -> None:
        super().__init__()
        self._regions: list[Region] = []
        self._spacing: tuple[float, float] | None = None

    def set_regions(
        self, regions: list[Region], spacing: tuple[float, float] | None
    ) -> None:
        """Show these regions; the selection stays when their number does."""
        same_size = len(regions) == len(self._regions)
        if not same_size:
            self.beginResetModel()
        self._regions, self._spacing = regions, spacing
        if not same_size:
            self.endResetModel()
        elif regions:
            last = self.index(len(regions) - 1, len(_HEADERS) - 1)
            self.dataChanged.emit(self.index(0, 0), last)

    def rowCount(self, parent: QModelIndex = _NO_PARENT) -> int:
        """Return the number of regions."""
        return 0 if parent.isValid() else len(self._regions)

    def columnCount(self, parent: QModelIndex = _NO_PARENT) -> int:
        """Return the number of columns."""
        return 0 if parent.isValid() else len(_HEADERS)

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Return a column's title, the area with its unit."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            title = _HEADERS[section]
            unit = "px²" if self._spacing is None else "mm²"
            return f"{title} ({unit})" if title == "Area" else title
        return None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text, alignment or explanation."""
        if not index.isValid() or index.row() >= len(self._regions):
            return None
        region = self._regions[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return self._text(region, index.column())
        if role == Qt.ItemDataRole.ToolTipRole:
            return region.problem or None
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() >= 3:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def _text(self, region: Region, column: int) -> str:
        if column < len(_EDITABLE):
            return str(getattr(region, _EDITABLE[column]))
        if region.roi is None or region.window is None:
            return "⚠" if region.problem else "…"
        if column == 3:
            return f"{roi_area(region.roi, self._spacing)[0]:.1f}"
        return str(region.window.n_pixels)

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """Return that labels can be edited and numbers cannot."""
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        if index.column() < len(_EDITABLE):
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    def setData(
        self, index: QModelIndex, value: Any, role: int = Qt.ItemDataRole.EditRole
    ) -> bool:
        """Announce an edited label."""
        if role != Qt.ItemDataRole.EditRole or index.column() >= len(_EDITABLE):
            return False
        text = str(value).strip()
        if text != self._text(self._regions[index.row()], index.column()):
            self.label_edited.emit(index.row(), _EDITABLE[index.column()], text)
        return True


class ChoiceDelegate(QStyledItemDelegate):
    """Edits a cell with a list of choices, free text allowed or not."""

    def __init__(self, choices: Sequence[str], *, free_text: bool) -> None:
        super().__init__()
        self._choices = list(choices)
        self._free_text = free_text

    def createEditor(
        self, parent: QWidget, option: QStyleOptionViewItem, index: QModelIndex
    ) -> QComboBox:
        """Return a combo box, with completion when text is free."""
        editor = QComboBox(parent)
        editor.setEditable(self._free_text)
        editor.addItems(self._choices)
        if self._free_text:
            editor.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
            editor.completer().setFilterMode(Qt.MatchFlag.MatchContains)
        editor.activated.connect(self._on_activated)
        return editor

    def setEditorData(self, editor: QComboBox, index: QModelIndex) -> None:
        """Show the cell's text."""
        text = str(index.data(Qt.ItemDataRole.EditRole) or "")
        editor.setCurrentIndex(editor.findText(text))
        if self._free_text:
            editor.setCurrentText(text)

    def setModelData(
        self, editor: QComboBox, model: QAbstractTableModel, index: QModelIndex
    ) -> None:
        """Hand the chosen text to the model."""
        model.setData(index, editor.currentText(), Qt.ItemDataRole.EditRole)

    def _on_activated(self, _: int) -> None:
        editor = self.sender()
        self.commitData.emit(editor)
        self.closeEditor.emit(editor)


def muscle_delegate() -> ChoiceDelegate:
    """Return the editor of the muscle column."""
    return ChoiceDelegate(("", *STANDARD_MUSCLES), free_text=True)


def side_delegate() -> ChoiceDelegate:
    """Return the editor of the side column."""
    return ChoiceDelegate(SIDES, free_text=False)
