"""Time course: echo intensity of a region over the frames of a clip."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from qtpy.QtCore import QSignalBlocker
from qtpy.QtWidgets import (
    QApplication,
    QLabel,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_muscle_us._napari._session import session_of
from napari_muscle_us._napari.panels import _course_work as work
from napari_muscle_us._napari.panels._background_job import BackgroundJob, refuse
from napari_muscle_us._napari.panels._course_view import CourseView, ShownCourse
from napari_muscle_us._napari.panels._course_work import MeasuredCourse
from napari_muscle_us._napari.panels._row_labels import RowLabelFields
from napari_muscle_us._napari.panels._widgets import (
    LivePanel,
    MessageLabel,
    ask_save_path,
    button_row,
    report,
    tell,
    tell_saved,
    text_colour,
    widget_row,
)
from napari_muscle_us.errors import MeasureError, MuscleUSError
from napari_muscle_us.io.files import atomic_path

if TYPE_CHECKING:
    import napari.viewer

    from napari_muscle_us.image import UltrasoundImage
    from napari_muscle_us.measure.time_course import TimeCourse
    from napari_muscle_us.roi.entries import RoiEntry

_REFRESH_MS: Final = 40
_CLIP_NDIM: Final = 3
_CHANGED: Final = "The ROI or the clip has changed since; measure the frames again."


class TimeCoursePanel(LivePanel):
    """Follows the echo intensity of one region through a clip."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(_REFRESH_MS)
        self._session = session_of(napari_viewer)
        self._measured: MeasuredCourse | None = None
        self._clip_key: object = None
        self._job = BackgroundJob(self)
        self._hint = MessageLabel()
        self._first = _frame_box("First frame to measure, counted from 0.")
        self._last = _frame_box("Last frame to measure.")
        self._measure = QPushButton("Measure all frames")
        self._cancel = QPushButton("Cancel")
        self._progress = QProgressBar()
        self._view = CourseView()
        self._labels = RowLabelFields(self._session)
        self._message = MessageLabel()
        self._lay_out()
        self._connect()
        self._on_running(False)

    def _lay_out(self) -> None:
        self._measure.setToolTip(
            "Measure the selected ROI on every frame from the first to the last."
        )
        self._cancel.setToolTip("Stop; nothing of it is kept.")
        layout = QVBoxLayout(self)
        layout.addWidget(self._hint)
        frames = (QLabel("Frames"), self._first, QLabel("to"), self._last)
        layout.addWidget(widget_row(*frames))
        layout.addWidget(widget_row(self._measure, self._progress, self._cancel))
        layout.addWidget(self._view, 1)
        layout.addWidget(self._message)
        layout.addWidget(self._labels)
        self._outputs = QWidget()
        row = button_row(
            ("Add to results", "Add mean and SD of each frame as rows.", self.add),
            ("Save CSV…", "Save a line for each frame.", self._on_csv),
            ("Copy", "Copy a line for each frame, tab-separated.", self._on_copy),
            ("Save plot…", "Save the plot as PNG or SVG.", self._on_plot_file),
        )
        row.setContentsMargins(0, 0, 0, 0)
        self._outputs.setLayout(row)
        layout.addWidget(self._outputs)

    def _connect(self) -> None:
        self._measure.clicked.connect(self.measure)
        self._cancel.clicked.connect(self._job.cancel)
        self._view.band_toggled.connect(self.refresh_soon)
        self._view.frame_chosen.connect(self.go_to)
        self._job.progressed.connect(self._on_progress)
        self._job.running_changed.connect(self._on_running)
        self._job.finished.connect(self._on_finished)
        self._session.viewer.events.theme.connect(self._on_theme)
        self._on_theme()
        for signal in (
            self._session.layers_changed,
            self._session.rois_changed,
            self._session.selection_changed,
            self._session.frame_changed,
        ):
            signal.connect(self.refresh_soon)

    def value(self) -> TimeCourse | None:
        """Return the shown time course, ``None`` without one that holds now."""
        current = self._current()
        return None if current is None else current.course

    def _on_theme(self, event: object = None) -> None:
        self._view.set_foreground(text_colour(self._session.viewer))

    def _current(self) -> MeasuredCourse | None:
        """Return the time course if it is of the clip and region in hand."""
        try:
            target = work.course_target(self._session)
        except MuscleUSError:
            return None
        known = self._measured
        return known if known is not None and known.fits(*target) else None

    def refresh(self) -> None:
        """Show what holds now."""
        if not self._session.is_open:
            return
        target = None
        try:
            target = work.course_target(self._session)
        except MuscleUSError as error:
            self._hint.show_message(str(error))
        else:
            self._set_range(target[0])
            told = work.hint(target[1], target[0].n_frames)
            self._hint.show_message(told, warning=False)
        self._measure.setEnabled(target is not None and not self._job.running)
        self._show_course(target)

    def _show_course(self, target: tuple[UltrasoundImage, RoiEntry] | None) -> None:
        known = self._measured
        holds = known is not None and target is not None and known.fits(*target)
        self._outputs.setEnabled(holds and not self._job.running)
        if known is None:
            self._message.show_message("")
            return
        self._message.show_message(
            work.problems_text(known.course)
            if holds
            else f"The curve is of {known.title} as it was. {_CHANGED}"
        )
        self._view.set_value(
            ShownCourse(
                known.course,
                known.title,
                outdated=not holds,
                frame=self._session.frame,
                with_sd=self._view.with_sd,
            )
        )

    def _set_range(self, clip: UltrasoundImage) -> None:
        """Offer all frames of another clip."""
        key = (clip.key, clip.crop, clip.n_frames)
        if key == self._clip_key:
            return
        self._clip_key = key
        for box, value in ((self._first, 0), (self._last, clip.n_frames - 1)):
            with QSignalBlocker(box):
                box.setRange(0, clip.n_frames - 1)
                box.setValue(value)

    def measure(self) -> None:
        """Measure the frames from the first to the last, in the background."""
        report(self._start)

    def _start(self) -> None:
        self._session.rois.settle()
        clip, entry = work.course_target(self._session)
        self._set_range(clip)
        first, last = self._first.value(), self._last.value()
        if first > last:
            raise MeasureError(
                f"The first frame {first} comes after the last {last}; swap them."
            )
        frames = range(first, last + 1)
        self._job.start(work.measure_course, clip, entry, frames)

    def _on_progress(self, done: int, of: int) -> None:
        self._progress.setRange(0, of)
        self._progress.setValue(done)

    def _on_running(self, running: bool) -> None:
        self._progress.setRange(0, 0 if running else 1)
        for widget in (self._progress, self._cancel):
            widget.setVisible(running)
        self.refresh_soon()

    def _on_finished(self, outcome: object) -> None:
        import pandas as pd

        if isinstance(outcome, MuscleUSError):
            report(partial(refuse, outcome))
        elif isinstance(outcome, MeasuredCourse):
            self._measured = outcome
        elif isinstance(outcome, pd.DataFrame):
            count = work.add_rows(self._session, outcome)
            tell(f"{count} rows added" if count else "The table has these rows already")
        self.refresh()

    def add(self) -> None:
        """Add mean and SD of each frame to the results, in the background."""
        report(self._add)

    def _add(self) -> None:
        known = self._current_or_refuse()
        clip, entry = work.course_target(self._session)
        labels = self._labels.value()
        self._job.start(work.course_rows, clip, entry, known.course, labels)

    def _current_or_refuse(self) -> MeasuredCourse:
        current = self._current()
        if current is None:
            raise MeasureError(
                _CHANGED if self._measured else "There is no time course yet; measure."
            )
        return current

    def go_to(self, frame: int) -> None:
        """Show a frame of the clip in the viewer."""
        layer, viewer = self._session.image_layer, self._session.viewer
        if layer is None or layer.ndim < _CLIP_NDIM:
            return
        # By its place, not its number: another layer may have other steps.
        place = layer.data_to_world((frame, *(0,) * (layer.ndim - 1)))
        viewer.dims.set_point(viewer.dims.ndim - _CLIP_NDIM, place[-_CLIP_NDIM])

    def save_csv(self, path: str) -> None:
        """Write a line for each frame.

        Raises
        ------
        MuscleUSError
            If there is no time course that holds, or the folder cannot be written to.
        """
        text = work.course_text(self._current_or_refuse(), delimiter=",")
        with atomic_path(path) as temporary:
            temporary.write_text(text, encoding="utf-8")

    def save_plot(self, path: str) -> None:
        """Write the plot as PNG or SVG.

        Raises
        ------
        MuscleUSError
            If there is no time course that holds, or the file cannot be written.
        """
        self._current_or_refuse()
        self.refresh()
        self._view.save(path)

    def _on_copy(self) -> None:
        report(self._copy)

    def _copy(self) -> None:
        current = self._current_or_refuse()
        QApplication.clipboard().setText(work.course_text(current, delimiter="\t"))
        tell(f"{len(current.course.frames)} frames copied")

    def _on_csv(self) -> None:
        path = ask_save_path(self, "Save time course", "time-course.csv", "CSV (*.csv)")
        if path and report(partial(self.save_csv, path)):
            tell_saved(path)

    def _on_plot_file(self) -> None:
        kinds = "PNG (*.png);;SVG (*.svg)"
        path = ask_save_path(self, "Save plot", "time-course.png", kinds)
        if path and report(partial(self.save_plot, path)):
            tell_saved(path)


def _frame_box(tip: str) -> QSpinBox:
    box = QSpinBox()
    box.setToolTip(tip)
    return box
