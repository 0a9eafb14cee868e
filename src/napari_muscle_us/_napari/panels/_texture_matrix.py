"""The page of the matrix: a heat map of what the features are taken from."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QCheckBox, QComboBox, QVBoxLayout, QWidget

from napari_muscle_us._napari.panels._plot import PlotHolder
from napari_muscle_us._napari.panels._texture_live import LiveResults
from napari_muscle_us._napari.panels._texture_matrices import (
    ALL,
    DIRECTED,
    KINDS,
    WORDS,
    Matrix,
    MatrixWork,
    direction_words,
)
from napari_muscle_us._napari.panels._texture_shown import titles_of
from napari_muscle_us._napari.panels._texture_words import COMPILING, COMPUTING
from napari_muscle_us._napari.panels._widgets import MessageLabel, widget_row
from napari_muscle_us.errors import MuscleUSError
from napari_muscle_us.measure.texture.offsets import DIRECTIONS

if TYPE_CHECKING:
    from napari_muscle_us._napari.panels._texture_features import FeaturesPage

_HINT: Final = "Point at a cell to read it; select two ROIs to compare them."
_TIP: Final = Qt.ItemDataRole.ToolTipRole


class MatrixPage(QWidget):
    """Draws the matrix of one ROI, or of two side by side, by the page of features."""

    refresh_wanted = Signal()

    def __init__(self, features: FeaturesPage) -> None:
        super().__init__()
        self._features = features
        self.kind = QComboBox()
        self.direction = QComboBox()
        self.log = QCheckBox("Log colours")
        self.plot = PlotHolder[tuple[tuple[Matrix, ...], bool]](self._make_plot)
        self._hover = MessageLabel()
        self._message = MessageLabel()
        self._live = LiveResults(self)
        self._value: tuple[Matrix, ...] = ()
        self._lay_out()
        self._connect()

    def _lay_out(self) -> None:
        for kind in KINDS:
            self.kind.addItem(WORDS[kind].title, kind)
            self.kind.setItemData(self.kind.count() - 1, WORDS[kind].tip, _TIP)
        for direction in (ALL, *range(len(DIRECTIONS))):
            self.direction.addItem(direction_words(direction), direction)
        self.direction.setToolTip(
            "Which neighbours are looked at. Degrees as Haralick counts them, from "
            "lateral upwards."
        )
        self.log.setToolTip("Colours on a log scale, so that rare pairs show.")
        for combo in (self.kind, self.direction):
            combo.setSizeAdjustPolicy(
                QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
            )
            combo.setMinimumContentsLength(10)
        self._hover.setMinimumHeight(2 * self.fontMetrics().height() + 4)
        self._hover.setText(_HINT)
        layout = QVBoxLayout(self)
        layout.addWidget(widget_row(self.kind, self.direction))
        layout.addWidget(self.log)
        layout.addWidget(self._message)
        layout.addWidget(self._hover)
        layout.addWidget(self.plot, 1)
        self._show_tip()

    def _connect(self) -> None:
        self.kind.activated.connect(self._on_kind)
        self.direction.activated.connect(self._want_refresh)
        self.log.toggled.connect(self._want_refresh)
        self._live.found.connect(self._want_refresh)

    def value(self) -> tuple[Matrix, ...]:
        """Return the matrices that are drawn."""
        return self._value

    def message(self) -> str:
        """Return what is said above the plot."""
        return self._message.text()

    def choose(self, kind: str, direction: int = ALL) -> None:
        """Choose a matrix, as a user does."""
        self.kind.setCurrentIndex(KINDS.index(kind))
        self.direction.setCurrentIndex(direction + 1)
        self._on_kind()

    def refresh(self) -> None:
        """Draw the matrices as they are now."""
        try:
            features = self._features
            shown = features.shown.one_or_two(left_and_right=features.left_and_right)
            work = MatrixWork(features.settings(), self._kind(), self._direction())
        except MuscleUSError as error:
            self._show((), str(error), warning=False)
            return
        outcomes = self._live.outcomes(shown.sources, work)
        if None in outcomes:
            wait = COMPILING if self._live.compiling else COMPUTING
            self._show((), wait, warning=False)
            return
        matrices = tuple(
            replace(outcome, title=title)
            for outcome, title in zip(outcomes, titles_of(shown), strict=True)
            if isinstance(outcome, Matrix)
        )
        said = [o for o in dict.fromkeys(outcomes) if isinstance(o, str)]
        if not shown.sources:
            said.append(shown.said)
        self._show(matrices, " ".join(said), warning=bool(shown.sources))

    def _show(
        self, matrices: tuple[Matrix, ...], said: str, *, warning: bool = True
    ) -> None:
        self._value = matrices
        self._message.show_message(said, warning=warning)
        self.plot.setVisible(bool(matrices))
        self.plot.set_value((matrices, self.log.isChecked()))
        self._hover.setVisible(bool(matrices))

    def hover_text(self) -> str:
        """Return what is said of the cell under the mouse."""
        return self._hover.text()

    def set_foreground(self, colour: str) -> None:
        """Draw in another text colour."""
        self.plot.set_foreground(colour)

    def _kind(self) -> str:
        return KINDS[self.kind.currentIndex()]

    def _direction(self) -> int:
        return self.direction.currentIndex() - 1 if self._kind() in DIRECTED else ALL

    def _on_kind(self) -> None:
        self.direction.setEnabled(self._kind() in DIRECTED)
        self._show_tip()
        self._want_refresh()

    def _show_tip(self) -> None:
        self.kind.setToolTip(WORDS[self._kind()].tip)

    def _make_plot(self) -> QWidget:
        from napari_muscle_us._napari.panels._texture_heat import MatrixPlot

        plot = MatrixPlot()
        plot.hovered.connect(self._on_hover)
        return plot

    def _on_hover(self, text: str) -> None:
        self._hover.setText(text or _HINT)

    def _want_refresh(self, *_: object) -> None:
        self.refresh_wanted.emit()
