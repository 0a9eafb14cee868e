"""Third step of reference values: the fit, and what speaks for and against it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QProgressBar,
    QPushButton,
    QSplitter,
    QVBoxLayout,
    QWidget,
)

from napari_muscle_us._napari.panels import _ref_words as words
from napari_muscle_us._napari.panels import _ref_work as work
from napari_muscle_us._napari.panels._background_job import BackgroundJob
from napari_muscle_us._napari.panels._ref_details import FitDetails
from napari_muscle_us._napari.panels._ref_models import FIT_WIDTHS, FitModel
from napari_muscle_us._napari.panels._widgets import (
    MessageLabel,
    table_view,
    widget_row,
)
from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    from napari_muscle_us.reference.fitting.fit_types import FitOptions, ReferenceFit

_MOST_ROWS: Final = 8
_FRAME_PX: Final = 20
_CHANGED: Final = "Step 2 has changed since; fit again to use it."


class FitStep(QWidget):
    """Fits in the background and shows each muscle's model."""

    fit_wanted = Signal()
    fit_changed = Signal(object)
    """The fit, ``None`` while there is none."""

    def __init__(self) -> None:
        super().__init__()
        self._fit: ReferenceFit | None = None
        self._asked: tuple[object, ...] = ()
        self._job = BackgroundJob(self)
        self._button = QPushButton("Fit")
        self._button.setToolTip("Fit the ticked muscles as chosen in step 2.")
        self._cancel = QPushButton("Cancel")
        self._cancel.setToolTip("Stop; nothing of it is kept.")
        self._progress = QProgressBar()
        self._note = MessageLabel()
        self._message = MessageLabel()
        self._model = FitModel()
        self._view = table_view(self._model)
        for column, width in enumerate(FIT_WIDTHS):
            self._view.setColumnWidth(column, width)
        self._view.setMinimumHeight(70)
        self._details = FitDetails()
        self._lay_out()
        self._connect()
        self._on_running(False)
        self._show(None)

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.addWidget(widget_row(self._button, self._progress, self._cancel))
        layout.addWidget(self._message)
        self._split = QSplitter(Qt.Orientation.Vertical)
        self._split.setChildrenCollapsible(False)
        below = QWidget()
        inner = QVBoxLayout(below)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.addWidget(self._note)
        inner.addWidget(self._details, 1)
        # Without details a sentence stays beside its line.
        inner.addStretch()
        self._split.addWidget(self._view)
        self._split.addWidget(below)
        self._split.setStretchFactor(1, 1)
        layout.addWidget(self._split, 1)
        layout.addStretch()

    def _connect(self) -> None:
        self._button.clicked.connect(self.fit_wanted.emit)
        self._cancel.clicked.connect(self._job.cancel)
        self._job.progressed.connect(self._on_progress)
        self._job.running_changed.connect(self._on_running)
        self._job.finished.connect(self._on_finished)
        self._view.selectionModel().currentRowChanged.connect(self._on_row)

    def value(self) -> ReferenceFit | None:
        """Return the fit, ``None`` while there is none."""
        return self._fit

    @property
    def running(self) -> bool:
        """Whether a fit is under way."""
        return self._job.running

    def start(
        self, people: work.People, muscles: tuple[str, ...], options: FitOptions
    ) -> None:
        """Fit muscles in the background."""
        self._show(None)
        self._message.show_message("")
        self._asked = (muscles, options)
        self._job.start(work.fit_people, people, muscles, options)

    def clear(self) -> None:
        """Give up what is under way and what was fitted: the table is another."""
        self._job.cancel()
        self._message.show_message("")
        self._show(None)

    def refuse(self, sentence: str) -> None:
        """Say why nothing is fitted."""
        self._message.show_message(sentence)

    def compare(self, *asked: object) -> None:
        """Say so when the choices are no longer those of the fit."""
        if self._fit is not None:
            outdated = asked != self._asked
            self._message.show_message(_CHANGED if outdated else "")

    def choose(self, row: int) -> None:
        """Show the muscle of a line."""
        self._view.selectRow(row)

    def set_foreground(self, colour: str) -> None:
        """Use another text colour for plots."""
        self._details.set_foreground(colour)

    def _show(self, fit: ReferenceFit | None) -> None:
        self._fit = fit
        self._model.set_fit(fit)
        self._split.setVisible(fit is not None)
        self._details.set_fit(None)
        self._note.show_message("")
        if fit is not None:
            self.choose(0)
            self._split.setSizes([self._list_height(), 10 * self._list_height()])
        self.fit_changed.emit(fit)

    def _list_height(self) -> int:
        """Return the height that shows all muscles, or the first of many."""
        rows = min(self._model.rowCount(), _MOST_ROWS)
        header = self._view.horizontalHeader().sizeHint().height()
        line = self._view.verticalHeader().defaultSectionSize()
        # A bar below the lines must not hide one of them.
        return int(header + rows * line + _FRAME_PX)

    def _on_row(self, *_: object) -> None:
        row = self._view.currentIndex().row()
        fit = self._model.fit(row)
        sound = fit is not None and fit.left_out.passed
        sound = sound and not (fit is not None and fit.diagnostics.suggestion)
        named = "" if fit is None else f"{fit.muscle} from {words.model_words(fit)}. "
        self._note.show_message(named + self._model.reason(row), warning=not sound)
        # After the note, whose height is the plot's loss: it is drawn once.
        self._details.set_fit(fit)

    def _on_progress(self, done: int, of: int) -> None:
        self._progress.setRange(0, of)
        self._progress.setValue(done)

    def _on_running(self, running: bool) -> None:
        self._progress.setRange(0, 0 if running else 1)
        for widget in (self._progress, self._cancel):
            widget.setVisible(running)
        self._button.setEnabled(not running)

    def _on_finished(self, outcome: object) -> None:
        if isinstance(outcome, MuscleUSError):
            self.refuse(str(outcome))
        elif isinstance(outcome, work.Fitted):
            self._details.set_numbers(outcome.numbers)
            self._show(outcome.fit)
