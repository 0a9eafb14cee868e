"""Last step of reference values: a file that Z-scores can be looked up in."""

from __future__ import annotations

from datetime import date
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QFileDialog,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from napari_muscle_us._napari.panels import _ref_work as work
from napari_muscle_us._napari.panels._background_job import BackgroundJob
from napari_muscle_us._napari.panels._ref_facts import FactsForm
from napari_muscle_us._napari.panels._widgets import (
    MessageLabel,
    report,
    tell_saved,
    widget_row,
)
from napari_muscle_us.errors import MuscleUSError, ReferenceSetError, ResultsError
from napari_muscle_us.user_folder import user_data_folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_muscle_us.reference.fitting.fit_types import ReferenceFit
    from napari_muscle_us.reference.model import ReferenceSet

FOLDER: Final = "references"
"""In the user's data folder: sets that the Z-score panel offers."""


class SaveStep(QWidget):
    """Names a reference set, writes it and its report, and takes it into use."""

    saved = Signal(str)
    """Path of a reference set that was written."""
    use_wanted = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._fit: ReferenceFit | None = None
        self._path = ""
        self._job = BackgroundJob(self)
        self.facts = FactsForm()
        self._message = MessageLabel()
        self._done = MessageLabel()
        self._progress = QProgressBar()
        self._save = QPushButton("Save reference set…")
        self._save.setToolTip(
            "Write the set as a JSON file; in the folder that is offered, the panel "
            "Z-score finds it."
        )
        self._report = QPushButton("Save report…")
        self._report.setToolTip(
            "Write all checks, plots and formulas as one HTML page to print."
        )
        self._use = QPushButton("Use now")
        self._use.setToolTip("Compare with the saved set in the panels from now on.")
        self._lay_out()
        self._connect()
        self.set_fit(None)

    def _lay_out(self) -> None:
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setWidget(self.facts)
        layout = QVBoxLayout(self)
        layout.addWidget(area, 1)
        layout.addWidget(self._message)
        self._waiting = widget_row(
            self._progress, ("Cancel", "Stop; no file is written.", self._job.cancel)
        )
        layout.addWidget(self._waiting)
        layout.addWidget(self._done)
        layout.addWidget(widget_row(self._save, self._report, self._use))

    def _connect(self) -> None:
        self.facts.changed.connect(self._show_state)
        self._save.clicked.connect(self._on_save)
        self._report.clicked.connect(self._on_report)
        self._use.clicked.connect(self._on_use)
        self._job.finished.connect(self._on_finished)
        self._job.running_changed.connect(self._on_running)
        self._job.progressed.connect(self._on_progress)

    def set_fit(self, fit: ReferenceFit | None) -> None:
        """Take the fit that is to be saved; one that was saved is another."""
        self._fit = fit
        self._path = ""
        self._done.show_message("")
        self._show_state()

    def reference(self) -> ReferenceSet:
        """Return the reference set as it would be saved.

        Raises
        ------
        ReferenceSetError
            If nothing was fitted, or something that it must tell is missing.
        """
        from napari_muscle_us.reference.fitting.fit import reference_from_fit

        if self._fit is None:
            raise ReferenceSetError("Nothing is fitted yet; go to step 3.")
        facts = self.facts.value()
        return reference_from_fit(
            self._fit,
            device=facts.device,
            date=date.today().isoformat(),
            **facts.texts,
        )

    def save(self, path: str, *, overwrite: bool = False) -> None:
        """Write the reference set, in the background.

        Raises
        ------
        ReferenceSetError
            If something that it must tell is missing.
        """
        reference = self.reference()
        self._path = ""
        self._done.show_message("")
        self._job.start(work.save_set, path, reference, overwrite)

    def save_report(self, path: str, *, overwrite: bool = False) -> None:
        """Write the report, in the background.

        Raises
        ------
        ReferenceSetError
            If something that the set must tell is missing.
        """
        reference = self.reference()
        self._job.start(work.save_report, path, self._fit, reference, overwrite)

    def _on_finished(self, outcome: object) -> None:
        if isinstance(outcome, MuscleUSError):
            self._done.show_message(str(outcome))
            return
        path = str(outcome)
        if path.endswith(".json"):
            self._path = path
            self._done.show_message(
                f"Saved as {Path(path).name}; press Use now to compare with it.",
                warning=False,
            )
            self.saved.emit(path)
        else:
            tell_saved(path)
        self._show_state()

    def _on_running(self, running: bool) -> None:
        self._progress.setRange(0, 0)
        self._show_state()

    def _on_progress(self, done: int, of: int) -> None:
        self._progress.setRange(0, of)
        self._progress.setValue(done)

    def _show_state(self, *_: object) -> None:
        problem = ""
        try:
            self.facts.value()
        except MuscleUSError as error:
            problem = str(error)
        self._message.show_message(problem, warning=False)
        ready = self._fit is not None and not problem and not self._job.running
        self._save.setEnabled(ready)
        self._report.setEnabled(ready)
        self._use.setEnabled(bool(self._path))
        self._waiting.setVisible(self._job.running)

    def _on_save(self) -> None:
        if report(_make_folder):
            name = f"{self.facts.value().texts['name']}.json"
            # The dialog asks before a file is replaced.
            path, _ = QFileDialog.getSaveFileName(
                self, "Save reference set", str(own_folder() / name), "JSON (*.json)"
            )
            self._begin(self.save, path, ".json")

    def _on_report(self) -> None:
        name = f"{self.facts.value().texts['name']}.html"
        path, _ = QFileDialog.getSaveFileName(
            self, "Save report", name, "Web page (*.html)"
        )
        self._begin(self.save_report, path, ".html")

    def _begin(self, save: Callable[..., None], path: str, suffix: str) -> None:
        """Save under a name that a dialog gave, with its suffix."""
        if not path:
            return
        # The dialog asked whether to replace that name, and no other.
        asked = Path(path).suffix.lower() == suffix
        report(partial(save, path if asked else path + suffix, overwrite=asked))

    def _on_use(self) -> None:
        self.use_wanted.emit(self._path)


def own_folder() -> Path:
    """Return the folder of the user's own reference sets."""
    return user_data_folder() / FOLDER


def _make_folder() -> None:
    try:
        own_folder().mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ResultsError(
            f"The folder {FOLDER!r} for your own sets cannot be made "
            f"({error.strerror}); check the rights of your data folder."
        ) from None
