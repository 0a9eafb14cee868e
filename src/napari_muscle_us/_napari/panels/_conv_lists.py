"""A list of names to tick."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import QLabel, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

_HEIGHT: Final = 130


class TickList(QWidget):
    """Names with a box each, under a title."""

    changed = Signal()

    def __init__(self, title: str, tip: str) -> None:
        super().__init__()
        self._list = QListWidget()
        self._list.setToolTip(tip)
        self._list.setFixedHeight(_HEIGHT)
        self._list.setMinimumWidth(60)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(QLabel(title))
        layout.addWidget(self._list)
        self._list.itemChanged.connect(self._on_changed)

    def _on_changed(self, item: QListWidgetItem) -> None:
        self.changed.emit()

    def offer(self, names: Sequence[str], ticked: Collection[str] = ()) -> None:
        """Offer other names, without announcing it."""
        with QSignalBlocker(self._list):
            self._list.clear()
            for name in names:
                item = QListWidgetItem(name)
                item.setToolTip(name)
                on = name in ticked
                state = Qt.CheckState.Checked if on else Qt.CheckState.Unchecked
                item.setCheckState(state)
                self._list.addItem(item)

    def tick(self, names: Collection[str]) -> None:
        """Tick these names and no others."""
        self.offer(self.names(), names)
        self.changed.emit()

    def names(self) -> list[str]:
        """Return all names."""
        return [self._list.item(row).text() for row in range(self._list.count())]

    def ticked(self) -> tuple[str, ...]:
        """Return the ticked names."""
        items = (self._list.item(row) for row in range(self._list.count()))
        return tuple(
            item.text() for item in items if item.checkState() == Qt.CheckState.Checked
        )
