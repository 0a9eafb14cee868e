"""Which muscles of a table are fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QListWidget,
    QListWidgetItem,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_muscle_us._napari.panels._widgets import widget_row

if TYPE_CHECKING:
    import pandas as pd

_FRAME_PX: Final = 10
_MOST_ROWS: Final = 6


class MuscleList(QWidget):
    """Muscles with the number of their subjects, each to be ticked."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._list = QListWidget()
        self._list.setToolTip("Muscles to fit, with the number of subjects of each.")
        self._list.itemChanged.connect(self._on_item)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._list)
        self._buttons = widget_row(
            ("All", "Tick all muscles.", self.tick_all),
            ("None", "Tick none.", self.tick_none),
        )
        layout.addWidget(self._buttons)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)

    def set_rows(self, rows: pd.DataFrame) -> None:
        """Offer the muscles of a table; those unticked before stay so."""
        before = {self._text(k) for k in range(self._list.count())} - set(self.value())
        names = rows["muscle"].str.strip()
        subjects = rows.groupby(names.str.casefold())["subject"].nunique()
        with QSignalBlocker(self._list):
            self._list.clear()
            for name in names[~names.str.casefold().duplicated()]:
                item = QListWidgetItem(f"{name} ({subjects[name.casefold()]})")
                item.setData(Qt.ItemDataRole.UserRole, name)
                item.setCheckState(_state(name not in before))
                self._list.addItem(item)
        shown = max(min(self._list.count(), _MOST_ROWS), 2)
        self._list.setFixedHeight(shown * self._list.sizeHintForRow(0) + _FRAME_PX)
        self._buttons.setVisible(self._list.count() > _MOST_ROWS // 2)
        self.changed.emit()

    def value(self) -> tuple[str, ...]:
        """Return the muscles that are ticked."""
        items = [self._list.item(k) for k in range(self._list.count())]
        return tuple(
            str(item.data(Qt.ItemDataRole.UserRole))
            for item in items
            if item is not None and item.checkState() == Qt.CheckState.Checked
        )

    def tick(self, muscle: str, *, on: bool) -> None:
        """Tick a muscle or take the tick away."""
        for row in range(self._list.count()):
            if self._text(row) == muscle:
                self._list.item(row).setCheckState(_state(on))

    def tick_all(self) -> None:
        """Tick all muscles."""
        self._tick_every(on=True)

    def tick_none(self) -> None:
        """Tick no muscle."""
        self._tick_every(on=False)

    def _tick_every(self, *, on: bool) -> None:
        with QSignalBlocker(self._list):
            for row in range(self._list.count()):
                self._list.item(row).setCheckState(_state(on))
        self.changed.emit()

    def _text(self, row: int) -> str:
        return str(self._list.item(row).data(Qt.ItemDataRole.UserRole))

    def _on_item(self, item: QListWidgetItem) -> None:
        self.changed.emit()


def _state(on: bool) -> Qt.CheckState:
    return Qt.CheckState.Checked if on else Qt.CheckState.Unchecked
