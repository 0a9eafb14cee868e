"""Short lines about what may spoil the shown numbers, each explained in a tooltip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QLayout, QScrollArea, QVBoxLayout, QWidget

from napari_muscle_us._napari.panels._widgets import MessageLabel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qtpy.QtGui import QResizeEvent

_MOST_PX: Final = 110
"""Height from which the lines scroll, so that they never push the numbers away."""


class FlagLine(NamedTuple):
    """A sentence, what it means, and how grave it is."""

    text: str
    explanation: str = ""
    kind: Literal["warning", "note", "plain"] = "warning"


class FlagList(QScrollArea):
    """Lines that come and go while a region is dragged."""

    def __init__(self) -> None:
        super().__init__()
        self._labels: list[MessageLabel] = []
        self._lines: list[FlagLine] = []
        inside = QWidget()
        self._layout = QVBoxLayout(inside)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(2)
        self.setWidget(inside)
        # A label that wraps asks for more than its lines need, so we give the size.
        self._layout.setSizeConstraint(QLayout.SizeConstraint.SetNoConstraint)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVisible(False)

    def lines(self) -> list[FlagLine]:
        """Return what is said."""
        return list(self._lines)

    def text(self) -> str:
        """Return all that is said, a line each."""
        return "\n".join(line.text for line in self._lines)

    def set_lines(self, lines: Sequence[FlagLine]) -> None:
        """Say something else."""
        if list(lines) == self._lines:
            return
        self._lines = list(lines)
        while len(self._labels) < len(lines):
            label = MessageLabel()
            self._labels.append(label)
            self._layout.addWidget(label)
        for label, line in zip(self._labels, lines, strict=False):
            # A word, since every line with the sign is one to act on.
            text = f"Note: {line.text}" if line.kind == "note" else line.text
            label.show_message(text, warning=line.kind == "warning")
            label.setToolTip(line.explanation)
        for label in self._labels[len(lines) :]:
            label.show_message("")
        self.setVisible(bool(lines))
        self._fit_height()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Take the height that the lines need at another width."""
        super().resizeEvent(event)
        self._fit_height()

    def _fit_height(self) -> None:
        room = self.maximumViewportSize()
        width = room.width()
        needed = self._needed(width)
        # A theme may draw a border around the lines.
        height = min(max(needed, 1), _MOST_PX) + self.height() - room.height()
        if height != self.height():
            self.setFixedHeight(height)
        if needed > _MOST_PX:
            width -= self.verticalScrollBar().sizeHint().width()
            needed = self._needed(width)
        self.widget().resize(width, needed)

    def _needed(self, width: int) -> int:
        # The layout knows of another text only after the next turn of Qt's loop.
        shown = [label for label in self._labels if not label.isHidden()]
        lines = sum(label.heightForWidth(width) for label in shown)
        return lines + self._layout.spacing() * max(len(shown) - 1, 0)
