"""A place for a plot: matplotlib is loaded once the panel stands on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from qtpy.QtCore import QSize, QTimer
from qtpy.QtWidgets import QVBoxLayout, QWidget

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtGui import QShowEvent

T = TypeVar("T")

_COLOURS: Final = (
    "#4c9be8", "#f2a33a", "#5cc26c", "#d65f9c", "#b0a1f0", "#c9c24b", "#61c9c9",
)  # fmt: skip


def colour_of(number: int) -> str:
    """Return the colour of a region's curve and of its column, by its place."""
    return _COLOURS[number % len(_COLOURS)]


class PlotHolder(QWidget, Generic[T]):
    """Makes its plot when first shown; keeps what is to be shown until then.

    Loading matplotlib takes longer than all the rest of a panel.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        super().__init__()
        self._make = make
        self._plot: Any = None
        self._value: list[T] = []
        self._foreground = "#808080"
        # A child, so that it goes with the panel and never calls into a deleted one.
        self._soon = QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self._on_shown)
        self.setMinimumHeight(120)
        QVBoxLayout(self).setContentsMargins(0, 0, 0, 0)

    def sizeHint(self) -> QSize:
        """Return a size that suits a dock."""
        return QSize(320, 170)

    def plot(self) -> Any:
        """Return the plot, made now if need be."""
        if self._plot is None:
            self._plot = self._make()
            self.layout().addWidget(self._plot)
            self._plot.set_foreground(self._foreground)
            if self._value:
                self._plot.set_value(self._value[0])
        return self._plot

    def set_value(self, value: T) -> None:
        """Show a value, now or when the plot is made."""
        self._value = [value]
        if self._plot is not None:
            self._plot.set_value(value)

    def set_foreground(self, colour: str) -> None:
        """Use another text colour."""
        self._foreground = colour
        if self._plot is not None:
            self._plot.set_foreground(colour)

    def showEvent(self, event: QShowEvent) -> None:
        """Make the plot as soon as the panel has been drawn."""
        super().showEvent(event)
        if self._plot is None:
            self._soon.start(0)

    def _on_shown(self) -> None:
        self.plot()
