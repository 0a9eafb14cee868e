"""Several centres: a table of features freed of the scanner they come from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from qtpy.QtWidgets import (
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from napari_muscle_us._napari.panels._background_job import BackgroundJob
from napari_muscle_us._napari.panels._conv_columns import device_column, usable_columns
from napari_muscle_us._napari.panels._conv_combat_options import CombatOptions
from napari_muscle_us._napari.panels._conv_combat_work import (
    CombatRequest,
    Harmonised,
    batch_names,
    covariate_names,
    feature_names,
    harmonise,
    write_table,
)
from napari_muscle_us._napari.panels._conv_lists import TickList
from napari_muscle_us._napari.panels._conv_source import TABLES, TableRow, fill_combo
from napari_muscle_us._napari.panels._conv_source import narrow_combo as combo
from napari_muscle_us._napari.panels._plot import PlotHolder
from napari_muscle_us._napari.panels._widgets import (
    MessageLabel,
    Section,
    ask_save_path,
    tell_saved,
)
from napari_muscle_us.errors import MeasureError, MuscleUSError
from napari_muscle_us.io.spreadsheet import read_spreadsheet

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

_HINT: Final = (
    "A table with a row for each muscle or person and a column for each feature, or "
    "the Results with a column of the scanner added. ComBat takes away how the "
    "scanners shift and stretch a feature, and keeps what age, sex and the like do."
)


class CombatTab(QWidget):
    """Harmonises a table by ComBat, shows it, writes it."""

    def __init__(self) -> None:
        super().__init__()
        self._table: pd.DataFrame | None = None
        self._path = Path()
        self._done: Harmonised | None = None
        self._row = TableRow("Open table…")
        self._batch = combo("The column of the scanner or centre.")
        self.features = TickList("Harmonise", "The features to harmonise.")
        self.covariates = TickList(
            "Keep the effect of",
            "What differs between people, such as age and sex. Tick what is not alike "
            "in all centres, or ComBat takes it away with the scanner.",
        )
        self.options = CombatOptions()
        self._run = QPushButton("Harmonise")
        self._run.setToolTip("Compute the harmonised values; nothing is written yet.")
        self._cancel = QPushButton("Cancel")
        self._cancel.setToolTip("Stop; nothing is shown.")
        self._bar = QProgressBar()
        self._bar.setRange(0, 0)
        self._notes = MessageLabel()
        self._shown = combo("The feature that the boxes show.")
        self.plot = PlotHolder[Any](_make_plot)
        self._save = QPushButton("Save harmonised table…")
        self._save.setToolTip(
            "Write the table as CSV, with the harmonised values in new columns beside "
            "those that were measured."
        )
        self.message = MessageLabel()
        self.job = BackgroundJob(self)
        self._lay_out()
        self._connect()
        self._on_running(False)
        self._show(None)

    def _lay_out(self) -> None:
        hint = MessageLabel()
        hint.show_message(_HINT, warning=False)
        form = QFormLayout()
        form.addRow("Scanner in", self._batch)
        lists = _row(self.features, self.covariates)
        run = _row(self._run, self._bar, self._cancel)
        page = QWidget()
        inside = QVBoxLayout(page)
        inside.setContentsMargins(0, 0, 6, 0)
        inside.addWidget(hint)
        inside.addWidget(self._row)
        inside.addLayout(form)
        inside.addWidget(lists)
        inside.addWidget(self.options)
        inside.addWidget(run)
        self._result = Section(
            "Result", self._notes, self._shown, self.plot, self._save
        )
        inside.addWidget(self._result)
        inside.addStretch()
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.addWidget(area, 1)
        layout.addWidget(self.message)

    def _connect(self) -> None:
        self._row.button.clicked.connect(self._on_open)
        self._batch.currentIndexChanged.connect(self._on_batch)
        for signal in (
            self.features.changed,
            self.covariates.changed,
            self.options.changed,
        ):
            signal.connect(self._forget)
        self._run.clicked.connect(self._on_run)
        self._cancel.clicked.connect(self._on_cancel)
        self._shown.currentIndexChanged.connect(self._draw)
        self._save.clicked.connect(self._on_save)
        self.job.running_changed.connect(self._on_running)
        self.job.finished.connect(self._on_done)

    def open(self, path: str | Path) -> None:
        """Open a table.

        Raises
        ------
        ResultsError
            If it cannot be read; the one before stays open.
        """
        table = read_spreadsheet(path)
        self._table, self._path = table, Path(path)
        self._row.show_file(Path(path).name, len(table))
        fill_combo(self._batch, ["", *usable_columns(table)], device_column(table))
        self._on_batch()

    def choose(
        self, batch: str, features: tuple[str, ...], covariates: tuple[str, ...] = ()
    ) -> None:
        """Choose what is harmonised, by which column, and what is kept."""
        self._batch.setCurrentText(batch)
        self.features.tick(features)
        self.covariates.tick(covariates)

    def value(self) -> Harmonised | None:
        """Return what was harmonised, ``None`` before."""
        return self._done

    def run(self) -> None:
        """Harmonise in the background.

        Raises
        ------
        MeasureError
            If no table is open, or nothing is chosen.
        """
        self._forget()
        if self._table is None:
            raise MeasureError("No table is open; open it first.")
        if not self._batch.currentText():
            raise MeasureError(
                "No column tells the scanner of each row; choose it under Scanner in."
            )
        if not self.features.ticked():
            raise MeasureError("No feature is ticked; tick those to harmonise.")
        request = CombatRequest(
            self._table,
            self._batch.currentText(),
            self.features.ticked(),
            self.covariates.ticked(),
            self.options.empirical_bayes,
            self.options.mean_only,
            self.options.reference_batch,
        )
        self.job.start(harmonise, request)

    def save(self, path: str | Path) -> Path:
        """Write the harmonised table.

        Raises
        ------
        MuscleUSError
            If there is none yet, or the file cannot be written.
        """
        if self._done is None:
            raise MeasureError("Nothing is harmonised yet; press Harmonise.")
        return write_table(path, self._done.table, opened=self._path)

    def _on_open(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open table", "", TABLES)
        if path:
            self._try(lambda: self.open(path))

    def _on_batch(self) -> None:
        """Offer the columns besides that of the scanner, and its scanners."""
        table, batch = self._table, self._batch.currentText()
        if table is None:
            return
        features = feature_names(table, batch)
        others = covariate_names(table, batch)
        self.features.offer(features, self.features.ticked())
        self.covariates.offer(others, self.covariates.ticked())
        self.options.offer(batch_names(table, batch) if batch else [])
        self._forget()

    def _on_run(self) -> None:
        self._try(self.run)

    def _on_cancel(self) -> None:
        self.job.cancel()
        self.message.show_message("Harmonising was cancelled.", warning=False)

    def _on_running(self, running: bool) -> None:
        self._run.setVisible(not running)
        self._bar.setVisible(running)
        self._cancel.setVisible(running)

    def _on_done(self, outcome: Harmonised | MuscleUSError) -> None:
        if isinstance(outcome, MuscleUSError):
            self.message.show_message(str(outcome))
        else:
            self._show(outcome)

    def _on_save(self) -> None:
        name = f"{self._path.stem}_harmonised.csv"
        path = ask_save_path(self, "Save harmonised table", name, "Table (*.csv)")
        if path:
            self._try(lambda: tell_saved(self.save(path)))

    def _try(self, work: Callable[[], object]) -> None:
        """Run what the user asked for; show our own errors in the panel."""
        self.message.show_message("")
        try:
            work()
        except MuscleUSError as error:
            self.message.show_message(str(error))

    def _forget(self, *_: object) -> None:
        """Take a result away that is no longer of what is chosen above."""
        self.job.cancel()
        self.message.show_message("")
        self._show(None)

    def _show(self, done: Harmonised | None) -> None:
        self._done = done
        self._result.setVisible(done is not None)
        if done is not None:
            self._notes.show_message(" ".join(done.notes))
            names = [feature.name for feature in done.features]
            fill_combo(self._shown, names, self._shown.currentText())
        self._draw()

    def _draw(self, *_: object) -> None:
        found = self._done.features if self._done is not None else ()
        place = self._shown.currentIndex()
        self.plot.set_value(found[place] if 0 <= place < len(found) else None)


def _row(*widgets: QWidget) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget, 1)
    return row


def _make_plot() -> QWidget:
    from napari_muscle_us._napari.panels._conv_combat_plot import CombatPlot

    return CombatPlot()
