"""The buttons below a table of ROIs: keep, add to results, copy, save."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QApplication,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_muscle_us._napari.panels._background_job import BackgroundJob, refuse
from napari_muscle_us._napari.panels._texture_rows import (
    as_text,
    measure_features,
    save_table,
)
from napari_muscle_us._napari.panels._widgets import (
    ask_save_path,
    button_row,
    report,
    tell,
    tell_saved,
    widget_row,
)
from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    from napari_muscle_us._napari._session import Session
    from napari_muscle_us._napari.panels._table_page import TablePage, TableWords


class TableActions(QWidget):
    """Does with the shown numbers what the buttons say."""

    kept_changed = Signal()

    def __init__(
        self, session: Session, page: TablePage[Any], words: TableWords
    ) -> None:
        super().__init__()
        self._session, self._page, self._words = session, page, words
        self.job = BackgroundJob(self)
        self._progress = QProgressBar()
        cancel = ("Cancel", "Stop; no row is added.", self.job.cancel)
        self._waiting = widget_row(self._progress, cancel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._waiting)
        self._clear = QPushButton("Clear")
        self._clear.setToolTip("Forget the kept ROIs.")
        self._clear.clicked.connect(self._on_clear)
        self._clear.hide()
        layout.addWidget(
            widget_row(
                (
                    "Keep for comparison",
                    "Keep the shown ROIs as they are now, to set those of another "
                    "image or side beside them.",
                    self._on_keep,
                ),
                self._clear,
            )
        )
        layout.addLayout(
            button_row(
                ("Add to results", words.add_tip, self._on_add),
                ("Copy", "Copy the shown values, tab-separated.", self._on_copy),
                (
                    "Save CSV…",
                    "Save the shown values with their settings.",
                    self._on_csv,
                ),
            )
        )
        self._on_running(False)
        self.job.running_changed.connect(self._on_running)
        self.job.progressed.connect(self._on_progress)
        self.job.finished.connect(self._on_finished)

    def add(self) -> None:
        """Add rows of the ROIs in hand, in the background.

        Raises
        ------
        MuscleUSError
            If there is nothing to measure, or the settings are not possible.
        """
        self.job.start(measure_features, *self._page.plan())

    def keep(self) -> None:
        """Keep the shown ROIs for comparison.

        Raises
        ------
        MuscleUSError
            If there is none.
        """
        self._page.shown.keep(left_and_right=self._page.left_and_right)
        self._clear.show()
        self.kept_changed.emit()

    def copy(self) -> None:
        """Put the shown values on the clipboard.

        Raises
        ------
        MeasureError
            If there are none, or they are still being computed.
        """
        table = self._page.as_table()
        QApplication.clipboard().setText(as_text(table))
        tell(f"{len(table) - 1} {self._words.numbers} copied")

    def save_csv(self, path: str) -> None:
        """Write the shown values as CSV.

        Raises
        ------
        MuscleUSError
            If there are none, they are still being computed, or the folder cannot be
            written to.
        """
        save_table(self._page.as_table(), path)

    def _on_keep(self) -> None:
        report(self.keep)

    def _on_clear(self) -> None:
        self._page.shown.kept.clear()
        self._clear.hide()
        self.kept_changed.emit()

    def _on_add(self) -> None:
        report(self.add)

    def _on_copy(self) -> None:
        report(self.copy)

    def _on_csv(self) -> None:
        name = self._words.option
        path = ask_save_path(self, f"Save {name}", f"{name}.csv", "CSV (*.csv)")
        if path and report(partial(self.save_csv, path)):
            tell_saved(path)

    def _on_running(self, running: bool) -> None:
        self._progress.setRange(0, 0)
        self._waiting.setVisible(running)

    def _on_progress(self, done: int, of: int) -> None:
        self._progress.setRange(0, of)
        self._progress.setValue(done)

    def _on_finished(self, outcome: object) -> None:
        import pandas as pd

        if isinstance(outcome, MuscleUSError):
            report(partial(refuse, outcome))
        elif isinstance(outcome, pd.DataFrame):
            session = self._session
            frames = [session.results] if session.has_results else []
            session.set_results(pd.concat([*frames, outcome], ignore_index=True))
            tell(f"{len(outcome)} rows added to the results")
