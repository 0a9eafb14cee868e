"""The list of measures that values of healthy controls may be of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import QComboBox
from superqt import QSearchableComboBox

from napari_muscle_us.reference.model import ECHO_INTENSITY
from napari_muscle_us.registry import MEASURES

if TYPE_CHECKING:
    from collections.abc import Sequence

_DERIVED: Final = ("z_score.", "repeats.")
_TIP: Final = Qt.ItemDataRole.ToolTipRole


class MeasureCombo(QSearchableComboBox):
    """Chooses a measure; a part of its name, typed, finds it among all."""

    def __init__(self) -> None:
        super().__init__()
        self.setToolTip("What the values are. Type a part of a name to find it.")
        self.setSizeAdjustPolicy(
            QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        )
        self.setMinimumContentsLength(14)
        self.lineEdit().editingFinished.connect(self._on_left)
        self.offer(())

    def value(self) -> str:
        """Return the key of the chosen measure."""
        return str(self.currentData() or ECHO_INTENSITY)

    def offer(self, keys: Sequence[str], current: str = "") -> None:
        """List measures, all that can have controls if none are given."""
        current = current or self.value()
        keys = keys or tuple(k for k in MEASURES if not k.startswith(_DERIVED))
        with QSignalBlocker(self):
            self.clear()
            for number, key in enumerate(keys):
                known = MEASURES.get(key)
                self.addItem(key if known is None else known.label, key)
                self.setItemData(
                    number, "" if known is None else known.definition, _TIP
                )
            self.setCurrentIndex(max(self.findData(current), 0))

    def _on_left(self) -> None:
        """Show what is chosen: words that name no measure choose none."""
        self.setEditText(self.itemText(self.currentIndex()))
