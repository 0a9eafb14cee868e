"""The ROI table: model and editors; it knows neither layers nor the viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from qtpy.QtCore import QAbstractTableModel, QEvent, QModelIndex, Qt, Signal
from qtpy.QtWidgets import QComboBox, QStyledItemDelegate, QWidget

from napari_muscle_us._napari.panels._roi_signs import colour_square, padlock
from napari_muscle_us.muscles import STANDARD_MUSCLES
from napari_muscle_us.roi.shapes import SIDES, roi_area

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtWidgets import QStyleOptionViewItem

    from napari_muscle_us._napari._regions import Region

EDITABLE: Final = ("name", "muscle", "side")
COLUMNS: Final = ("Name", "Muscle", "Side", "Size", "Pixels", "EI", "")
_TIPS: Final = {
    "Size": "Area of an outline, length of a line, or angle.",
    "Pixels": "Number of pixels that the ROI selects, as in ImageJ.",
    "EI": "Echo intensity: mean gray level, 0 black to 255 white.",
    "": "A lock: it cannot be changed. Of a clip: ● the shown frame is one of so many "
    "keyframes, ○ it lies between; f 3: it belongs to frame 3 alone.",
}
_SIZE, _PIXELS, _EI, _SIGNS = range(3, 7)
_LINE_COLOUR: Final = "#ffd400"
_NO_PARENT: Final = QModelIndex()


class RoiTableModel(QAbstractTableModel):
    """Rows of regions; edits are only announced, whoever owns the data does them."""

    label_edited = Signal(int, str, str)

    def __init__(self) -> None:
        super().__init__()
        self._regions: list[Region] = []
        self._means: list[float | None] = []
        self._spacing: tuple[float, float] | None = None
        self._frame = 0

    def set_regions(
        self,
        regions: list[Region],
        spacing: tuple[float, float] | None,
        means: list[float | None],
        frame: int = 0,
    ) -> None:
        """Show these regions; the selection stays when their number does."""
        same_size = len(regions) == len(self._regions)
        if not same_size:
            self.beginResetModel()
        self._regions, self._spacing = regions, spacing
        self._means, self._frame = means, frame
        if not same_size:
            self.endResetModel()
        elif regions:
            last = self.index(len(regions) - 1, len(COLUMNS) - 1)
            self.dataChanged.emit(self.index(0, 0), last)

    def rowCount(self, parent: QModelIndex = _NO_PARENT) -> int:
        """Return the number of regions."""
        return 0 if parent.isValid() else len(self._regions)

    def columnCount(self, parent: QModelIndex = _NO_PARENT) -> int:
        """Return the number of columns."""
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(
        self,
        section: int,
        orientation: Qt.Orientation,
        role: int = Qt.ItemDataRole.DisplayRole,
    ) -> Any:
        """Return a column's title or what it means."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return _TIPS.get(COLUMNS[section])
        return None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a cell's text, sign, alignment or explanation."""
        if not index.isValid() or index.row() >= len(self._regions):
            return None
        region, column = self._regions[index.row()], index.column()
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.EditRole):
            return self._text(index.row(), column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._explanation(region, column) or None
        if role == Qt.ItemDataRole.DecorationRole:
            return self._sign(region, column)
        if role == Qt.ItemDataRole.TextAlignmentRole and _SIZE <= column <= _EI:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def _text(self, row: int, column: int) -> str:
        region = self._regions[row]
        if column < len(EDITABLE):
            return str(getattr(region, EDITABLE[column]))
        if column == _SIGNS:
            return _frames_sign(region, self._frame)
        if region.line is not None:
            return self._length(region) if column == _SIZE else "–"
        if region.roi is None or region.window is None:
            return _no_number(region, self._frame)
        if column == _SIZE:
            area, unit = roi_area(region.roi, self._spacing)
            return f"{area:.1f} {unit}" if self._spacing else f"{area:.0f} {unit}"
        if column == _PIXELS:
            return str(region.window.n_pixels)
        mean = self._means[row]
        return "–" if mean is None else f"{mean:.1f}"

    def _length(self, region: Region) -> str:
        if region.line is None:
            return ""
        if region.line.kind == "angle":
            return f"{region.line.angle_deg(self._spacing):.1f}°"
        length, unit = region.line.length(self._spacing)
        return f"{length:.1f} {unit}"

    def _explanation(self, region: Region, column: int) -> str:
        entry = region.entry
        if column != _SIGNS or entry is None:
            shown = getattr(region, EDITABLE[column]) if column < len(EDITABLE) else ""
            return region.problem or str(shown)
        sentences = ["Locked: it cannot be changed."] if entry.locked else []
        if entry.keyframes:
            frames = [str(number) for number, _ in entry.keyframes]
            word = "keyframe" if len(frames) == 1 else "keyframes"
            sentences.append(f"{len(frames)} {word}: {', '.join(frames)}")
        elif entry.frame is not None:
            sentences.append(f"Only on frame {entry.frame}")
        return "\n".join(sentences)

    def _sign(self, region: Region, column: int) -> Any:
        entry = region.entry
        if entry is None or column not in (0, _SIGNS):
            return None
        if column == 0:
            return colour_square(entry.colour or _LINE_COLOUR)
        return padlock() if entry.locked else None

    def flags(self, index: QModelIndex) -> Qt.ItemFlag:
        """Return that labels can be edited and numbers cannot."""
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        if index.column() < len(EDITABLE):
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    def setData(
        self, index: QModelIndex, value: Any, role: int = Qt.ItemDataRole.EditRole
    ) -> bool:
        """Announce an edited label; a name cannot be emptied."""
        if role != Qt.ItemDataRole.EditRole or index.column() >= len(EDITABLE):
            return False
        text = str(value).strip()
        label = EDITABLE[index.column()]
        if not text and label == "name":
            return False
        if text != self._text(index.row(), index.column()):
            self.label_edited.emit(index.row(), label, text)
        return True


def is_elsewhere(region: Region, frame: int) -> bool:
    """Whether a region belongs to another frame than the shown one."""
    return region.entry is not None and not region.entry.on_frame(frame)


def _no_number(region: Region, frame: int) -> str:
    if is_elsewhere(region, frame):
        return "–"
    return "⚠" if region.problem else "…"


def _frames_sign(region: Region, frame: int) -> str:
    entry = region.entry
    if entry is None:
        return ""
    if entry.keyframes:
        here = any(number == frame for number, _ in entry.keyframes)
        return f"{'●' if here else '○'}{len(entry.keyframes)}"
    return "" if entry.frame is None else f"f {entry.frame}"


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
        editor = _ChoiceBox(parent)
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


class _ChoiceBox(QComboBox):
    """Keeps its keys to itself: typing a choice must not lock or measure an ROI."""

    def event(self, event: QEvent) -> bool:
        """Claim every key that would be a shortcut."""
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        return bool(super().event(event))


def muscle_delegate() -> ChoiceDelegate:
    """Return the editor of the muscle column."""
    return ChoiceDelegate(("", *STANDARD_MUSCLES), free_text=True)


def side_delegate() -> ChoiceDelegate:
    """Return the editor of the side column."""
    return ChoiceDelegate(SIDES, free_text=False)
