"""What moved the prediction of a person away from that of the sample's middle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qtpy.QtCore import QRectF, QSize, Qt
from qtpy.QtGui import QColor, QPainter
from qtpy.QtWidgets import QGridLayout, QLabel, QVBoxLayout, QWidget

from napari_muscle_us._napari.panels._widgets import MessageLabel

if TYPE_CHECKING:
    from qtpy.QtGui import QPaintEvent, QShowEvent

    from napari_muscle_us.reference.model import Contribution, ZScore

_UP: Final = "#f2a33a"
_DOWN: Final = "#4c9be8"
_HEADS: Final = ("", "Person", "Centre", "Change", "")
_TIPS: Final = (
    "What the model knows of the person.",
    "Of this person.",
    "From where is counted: the middle of the healthy sample.",
    "By how much this moved the prediction, in its unit. All changes add up from the "
    "baseline to the prediction; they are rounded here.",
    "The change as a bar, all to one scale: orange up, blue down.",
)
_UNITS: Final = {"age": "years", "height": "cm", "weight": "kg"}
_ENDS: Final = {
    "sex": ("female", "male"),
    "side": ("left", "right"),
    "dominance": ("dominant", "non-dominant"),
}
_NONE: Final = (
    "This model does not count from a middle of the sample: it uses nothing about the "
    "person, or has groups or curves between which nobody is."
)


class Bar(QWidget):
    """A bar from the middle to the right or the left."""

    def __init__(self) -> None:
        super().__init__()
        self._share = 0.0
        self.setMinimumSize(self.sizeHint())

    def sizeHint(self) -> QSize:
        """Return a size that leaves room for the numbers."""
        return QSize(34, 14)

    def share(self) -> float:
        """Return the length, −1 … 1 of half the width."""
        return self._share

    def set_share(self, share: float) -> None:
        """Set the length, −1 … 1 of half the width."""
        self._share = share
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the bar and the line where it starts."""
        painter = QPainter(self)
        middle, height = self.width() / 2, self.height()
        start, end = sorted((middle, middle * (1 + self._share)))
        colour = QColor(_UP if self._share > 0 else _DOWN)
        painter.fillRect(QRectF(start, 3, end - start, height - 6), colour)
        painter.fillRect(QRectF(middle, 0, 1, height), self.palette().text().color())
        painter.end()


class MovedView(QWidget):
    """Shows how each thing about a person moved the prediction."""

    def __init__(self) -> None:
        super().__init__()
        self._score: ZScore | None = None
        self._sum = MessageLabel()
        self._sum.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._basis = MessageLabel()
        self._table = QWidget()
        self._grid = QGridLayout(self._table)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(2)
        self._grid.setHorizontalSpacing(3)
        self._grid.setColumnStretch(len(_HEADS) - 1, 1)
        self._rows: list[tuple[tuple[QLabel, ...], Bar]] = []
        for column, (head, tip) in enumerate(zip(_HEADS, _TIPS, strict=True)):
            label = QLabel(head)
            label.setToolTip(tip)
            self._grid.addWidget(label, 0, column)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        for widget in (self._sum, self._table, self._basis):
            layout.addWidget(widget)

    def set_value(self, score: ZScore | None) -> None:
        """Show the contributions of a score, now or when they can be seen."""
        self._score = score
        if self.isVisible():
            self._show()

    def rows(self) -> list[tuple[str, ...]]:
        """Return the table as it is shown, a row a tuple."""
        return [
            tuple(label.text() for label in labels)
            for labels, bar in self._rows
            if not bar.isHidden()
        ]

    def bars(self) -> list[float]:
        """Return the lengths of the bars, −1 … 1."""
        return [bar.share() for _, bar in self._rows if not bar.isHidden()]

    def text(self) -> str:
        """Return the sentences around the table."""
        return f"{self._sum.text()} {self._basis.text()}".strip()

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what happened while it was folded away."""
        super().showEvent(event)
        self._show()

    def _show(self) -> None:
        score = self._score
        moved = () if score is None else score.contributions
        self._table.setVisible(bool(moved))
        self._show_rows(moved)
        if score is None or not moved:
            self._sum.show_message("" if score is None else _NONE, warning=False)
            self._basis.show_message("")
            return
        self._sum.show_message(
            f"Baseline {score.baseline:.2f} → predicted {score.predicted:.2f} "
            f"{score.unit}",
            warning=False,
        )
        self._basis.show_message(f"Centre: {score.centre_basis}.", warning=False)

    def _show_rows(self, moved: tuple[Contribution, ...]) -> None:
        while len(self._rows) < len(moved):
            self._add_row()
        longest = max((abs(one.change) for one in moved), default=0.0) or 1.0
        for place, (labels, bar) in enumerate(self._rows):
            used = place < len(moved)
            for widget in (*labels, bar):
                widget.setVisible(used)
            if used:
                one = moved[place]
                for label, text in zip(labels, _texts(one), strict=True):
                    label.setText(text)
                bar.set_share(one.change / longest)

    def _add_row(self) -> None:
        row = len(self._rows) + 1
        labels = tuple(QLabel() for _ in _HEADS[:-1])
        for column, label in enumerate(labels):
            label.setToolTip(_TIPS[column])
            self._grid.addWidget(label, row, column)
        bar = Bar()
        bar.setToolTip(_TIPS[-1])
        self._grid.addWidget(bar, row, len(labels))
        self._rows.append((labels, bar))


def _texts(one: Contribution) -> tuple[str, str, str, str]:
    change = f"{one.change:+.2f}".replace("-", "−")
    return (
        one.covariate.capitalize(),
        _words(one.covariate, one.value),
        _words(one.covariate, one.centre),
        change,
    )


def _words(covariate: str, value: float) -> str:
    """Return a value in words; between two words the share of the second."""
    if covariate not in _ENDS:
        return f"{value:.4g} {_UNITS[covariate]}"
    no, yes = _ENDS[covariate]
    if value in (0, 1):
        return yes if value else no
    return "half way" if value == 0.5 else f"{100 * value:.0f} % {yes}"
