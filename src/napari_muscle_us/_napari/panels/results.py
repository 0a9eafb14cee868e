"""Results: rows of measured regions, to keep as a table."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QApplication, QProgressBar, QVBoxLayout, QWidget

from napari_muscle_us._napari._session import session_of
from napari_muscle_us._napari.panels._background_job import BackgroundJob, refuse
from napari_muscle_us._napari.panels._measure_options import MeasureOptionsBox
from napari_muscle_us._napari.panels._measure_work import (
    Plan,
    measure_plan,
    measure_plan_slowly,
    no_gray_levels,
    z_score_request,
)
from napari_muscle_us._napari.panels._results_model import WIDTHS, ResultsModel
from napari_muscle_us._napari.panels._row_labels import RowLabelFields
from napari_muscle_us._napari.panels._widgets import (
    PANEL_WIDTH,
    MessageLabel,
    Section,
    ask_save_path,
    button_row,
    report,
    table_view,
    tell,
    tell_saved,
    widget_row,
)
from napari_muscle_us.errors import MeasureError, MuscleUSError
from napari_muscle_us.io.tables import guard_texts, write_results
from napari_muscle_us.results import COLUMNS

if TYPE_CHECKING:
    import napari.viewer
    import pandas as pd

    from napari_muscle_us._napari._regions import Region
    from napari_muscle_us._napari._session import Session


class ResultsPanel(QWidget):
    """Measures regions into a table and saves it."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self.setMinimumWidth(PANEL_WIDTH)
        self._session: Session = session_of(napari_viewer)
        self._labels = RowLabelFields(self._session)
        self._subject, self._visit = self._labels.subject, self._labels.visit
        self._options = MeasureOptionsBox(self._session)
        self._model = ResultsModel()
        self._view = table_view(self._model)
        for column, width in enumerate(WIDTHS):
            self._view.setColumnWidth(column, width)
        self._note = MessageLabel()
        self._message = MessageLabel()
        self._left_out = ""
        self._job = BackgroundJob(self)
        self._progress = QProgressBar()
        self._lay_out()
        self._on_running(False)
        self._job.running_changed.connect(self._on_running)
        self._job.progressed.connect(self._on_progress)
        self._job.finished.connect(self._on_finished)
        self._view.selectionModel().selectionChanged.connect(self._show_note)
        self._session.results_changed.connect(self._on_results_changed)
        self._on_results_changed()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.addWidget(self._labels)
        layout.addWidget(Section("What is measured", self._options, opened=False))
        layout.addLayout(
            button_row(
                ("Measure", "Add rows of the selected ROIs.", self._on_measure),
                ("Measure all", "Add rows of all ROIs.", self._on_measure_all),
            )
        )
        cancel = ("Cancel", "Stop; no row is added.", self._job.cancel)
        self._waiting = widget_row(self._progress, cancel)
        layout.addWidget(self._waiting)
        layout.addWidget(self._view, 1)
        layout.addWidget(self._note)
        layout.addWidget(self._message)
        layout.addLayout(
            button_row(
                ("Save CSV…", "Save the table with its provenance.", self._on_save),
                ("Copy", "Copy the whole table, tab-separated.", self._on_copy),
                ("Remove rows", "Take the selected rows out.", self._on_remove),
            )
        )

    def measure(self, *, everything: bool = False) -> None:
        """Add the rows of the selected ROIs, or of all.

        Lines, angles and points are left out, and of a clip also the ROIs of other
        frames where none is selected; the panel names them.

        Raises
        ------
        MuscleUSError
            If there is nothing to measure, or an ROI is not usable; then no row of
            any ROI is added.
        """
        plan = self._plan(everything=everything)
        self._add(plan, measure_plan(plan))

    def _plan(self, *, everything: bool) -> Plan:
        session = self._session
        session.read_pixels_again()
        chosen = session.chosen_regions(everything=everything)
        image = session.image()
        if not chosen:
            raise MeasureError("There is no ROI; draw one in the panel Muscle ROIs.")
        named = not everything and bool(session.selected())
        regions, left_out = self._sorted_out(chosen, named=named)
        problems = [r.problem for r in regions if r.problem]
        if problems:
            raise MeasureError(problems[0])
        if not regions:
            told = " ".join(left_out)
            raise MeasureError(told or "The outline is still being drawn.")
        return Plan(
            image,
            tuple(regions),
            session.options,
            z_score_request(session),
            **self._labels.value(),
            left_out=" ".join(left_out),
        )

    def _add(self, plan: Plan, rows: pd.DataFrame) -> None:
        import pandas as pd

        session = self._session
        self._left_out = plan.left_out
        frames = [session.results, rows] if session.has_results else [rows]
        session.set_results(pd.concat(frames, ignore_index=True))
        means = rows[rows["measure"] == "intensity.mean"]["value"]
        # One that moved while it was measured has another echo intensity by now.
        now = {region.index: region for region in session.regions()}
        session.show_measured(
            {
                region.index: float(mean)
                for region, mean in zip(plan.regions, means, strict=True)
                if now.get(region.index) is region
            }
        )

    def _sorted_out(
        self, chosen: list[Region], *, named: bool
    ) -> tuple[list[Region], list[str]]:
        """Return the regions to measure, and a sentence for each of the others."""
        regions, left_out = [], []
        for region in chosen:
            sentence = no_gray_levels(region)
            elsewhere = region.entry is not None and not region.entry.on_frame(
                self._session.frame
            )
            if elsewhere and not named:
                sentence = region.problem
            if sentence:
                left_out.append(sentence)
            elif region.roi is not None or region.problem:
                regions.append(region)
        return regions, left_out

    def save(self, path: str) -> None:
        """Write all rows as CSV.

        Raises
        ------
        MuscleUSError
            If there are no rows, or the file cannot be written.
        """
        if not self._session.has_results:
            raise MeasureError("The table is empty; measure an ROI first.")
        write_results(path, self._session.results)

    def measure_chosen(self) -> None:
        """Do what the button Measure does; say what stands against it."""
        self._on_measure()

    def _on_measure(self) -> None:
        report(partial(self._start, everything=False))

    def _on_measure_all(self) -> None:
        report(partial(self._start, everything=True))

    def _start(self, *, everything: bool) -> None:
        # Only this one takes long enough to be waited for.
        if self._session.options.standard_error:
            plan = self._plan(everything=everything)
            self._job.start(measure_plan_slowly, plan)
        else:
            self.measure(everything=everything)

    def _on_running(self, running: bool) -> None:
        self._progress.setRange(0, 0)
        self._waiting.setVisible(running)

    def _on_progress(self, done: int, of: int) -> None:
        self._progress.setRange(0, of)
        self._progress.setValue(done)

    def _on_finished(self, outcome: object) -> None:
        if isinstance(outcome, MuscleUSError):
            report(partial(refuse, outcome))
        elif isinstance(outcome, tuple):
            self._add(*outcome)

    def _on_save(self) -> None:
        path = ask_save_path(self, "Save results", "results.csv", "CSV (*.csv)")
        if path and report(partial(self.save, path)):
            tell_saved(path)

    def _on_copy(self) -> None:
        frame = self._session.results
        safe = guard_texts(frame)
        text = safe.to_csv(sep="\t", index=False, columns=list(COLUMNS))
        QApplication.clipboard().setText(text)
        tell(f"{len(frame)} rows copied")

    def _on_remove(self) -> None:
        chosen = {i.row() for i in self._view.selectionModel().selectedRows()}
        frame = self._session.results
        kept = [i for i in range(len(frame)) if i not in chosen]
        self._session.set_results(frame.iloc[kept].reset_index(drop=True))

    def _on_results_changed(self) -> None:
        count = len(self._session.results) if self._session.has_results else 0
        if count or self._model.rowCount():
            self._model.set_frame(self._session.results)
            self._view.scrollToBottom()
        text = f"{count} rows" if count else "No rows yet."
        # Of this measuring only: the next change of the table says nothing of it.
        skipped, self._left_out = self._left_out, ""
        self._message.show_message(
            f"{text}. {skipped}" if skipped else text, warning=False
        )
        self._show_note()

    def _show_note(self, *_: object) -> None:
        """Show the note of the selected row whole, below the table."""
        rows = {index.row() for index in self._view.selectionModel().selectedRows()}
        note = self._model.note(rows.pop()) if len(rows) == 1 else ""
        self._note.show_message(note, warning=False)
