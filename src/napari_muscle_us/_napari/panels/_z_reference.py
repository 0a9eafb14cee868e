"""The choice of a reference set: built in, the user's own, or any file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QComboBox, QFileDialog, QVBoxLayout, QWidget

from napari_muscle_us._napari.panels._widgets import button_row, report
from napari_muscle_us._napari.panels._z_combo import CalmComboBox
from napari_muscle_us.errors import MuscleUSError
from napari_muscle_us.reference.load import builtin_references, load_reference

if TYPE_CHECKING:
    from qtpy.QtGui import QShowEvent

_TIP: Final = (
    "The healthy people to compare with. Sets that come with the program, sets in your "
    "own folder of reference sets, and those that you opened."
)
_OPEN_TIP: Final = "Use a reference set from any file."
_RULES_TIP: Final = (
    "Who these healthy people are, on which scanner, what to cite, and when a Z-score "
    "is refused or given with a warning."
)
_CHARACTERS: Final = 16


class ReferencePicker(QWidget):
    """Chooses a reference set; a set that is not valid is never chosen."""

    value_changed = Signal()
    rules_wanted = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._value = ""
        self._opened: list[str] = []
        self._combo = CalmComboBox()
        self._combo.setToolTip(_TIP)
        # Else a file's long name would set the width of the whole dock.
        self._combo.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self._combo.setMinimumContentsLength(_CHARACTERS)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addWidget(self._combo)
        layout.addLayout(
            button_row(
                ("Open…", _OPEN_TIP, self._on_open),
                ("Rules…", _RULES_TIP, self.rules_wanted.emit),
            )
        )
        self._combo.activated.connect(self._on_activated)
        self.list_sets()

    def value(self) -> str:
        """Return name or path of the chosen set."""
        return self._value

    def set_value(self, name_or_path: str) -> None:
        """Show a set as the chosen one, without announcing it."""
        if name_or_path != self._value:
            self._value = name_or_path
            self.list_sets()

    def names(self) -> list[str]:
        """Return names and paths of all sets that can be chosen."""
        return [str(self._combo.itemData(n)) for n in range(self._combo.count())]

    def list_sets(self) -> None:
        """Look again which sets there are."""
        known = dict.fromkeys([*builtin_references(), *_own(), *self._opened])
        if self._value and self._value not in known:
            self._opened.append(self._value)
            known[self._value] = None
        with QSignalBlocker(self._combo):
            self._combo.clear()
            for name in known:
                shown = _shown(name)
                if self._combo.findText(shown) >= 0:
                    shown = f"{shown} ({Path(name).parent.name})"
                self._combo.addItem(shown, name)
                place = self._combo.count() - 1
                self._combo.setItemData(place, name, Qt.ItemDataRole.ToolTipRole)
            self._combo.setCurrentIndex(self._combo.findData(self._value))

    def use(self, name_or_path: str) -> None:
        """Choose a set.

        Raises
        ------
        ReferenceSetError
            If there is no such set or it is not valid; the previous one stays.
        """
        load_reference(name_or_path)
        if name_or_path != self._value:
            self.set_value(name_or_path)
            self.value_changed.emit()

    def showEvent(self, event: QShowEvent) -> None:
        """Show sets that were added to the user's folder meanwhile."""
        super().showEvent(event)
        self.list_sets()

    def _on_activated(self, place: int) -> None:
        wanted = str(self._combo.itemData(place))
        if not report(lambda: self.use(wanted)):
            self.list_sets()

    def _on_open(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, "Open reference set", "", "Reference set (*.json);;All files (*)"
        )
        if path:
            report(lambda: self.use(str(Path(path))))


def _own() -> list[str]:
    # Imported late: the program's start does not wait for the user's folder.
    from napari_muscle_us.reference.own_sets import user_references

    try:
        return [str(path) for path in user_references()]
    except MuscleUSError:
        # Whoever has no home folder keeps no sets there.
        return []


def _shown(name_or_path: str) -> str:
    """Return a set's name in the list; of a file its name only."""
    path = Path(name_or_path)
    return path.stem if path.suffix == ".json" else path.name
