"""The buttons that save maps, and the progress of saving those of a clip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from napari_muscle_us._napari.panels._animap_save import ClipTask, save_clip_maps
from napari_muscle_us._napari.panels._background_job import BackgroundJob, refuse
from napari_muscle_us._napari.panels._widgets import (
    report,
    tell,
    tell_saved,
    widget_row,
)
from napari_muscle_us.errors import MeasureError

if TYPE_CHECKING:
    from typing import Any

_KINDS: Final = {
    "direction": "Direction",
    "coherency": "Coherency",
    "energy": "Energy",
}
_KIND_TIP: Final = (
    "What is saved: degrees, coherency from 0 to 1, or the strength of the edges."
)
_CLIP_TIP: Final = (
    "Maps every frame of the clip, one after the other, into one TIFF stack. With ROIs "
    "they are the same on all frames."
)
_NO_CLIP: Final = " Only for clips."


class ClipSaver(QWidget):
    """Asks for maps to be saved, and saves those of a clip in the background."""

    save_asked = Signal()
    clip_asked = Signal()

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._path = ""
        self._is_clip = False
        self._job = BackgroundJob(self)
        self._kind = QComboBox()
        for key, name in _KINDS.items():
            self._kind.addItem(name, key)
        self._kind.setToolTip(_KIND_TIP)
        self._save = QPushButton("Save map…")
        self._save.setToolTip(
            "Saves the map of this frame as a TIFF that keeps all digits and the scale."
        )
        self._save_clip = QPushButton("Save maps of all frames…")
        self._progress = QProgressBar()
        self._cancel = QPushButton("Cancel")
        self._cancel.setToolTip("Stop; nothing is left of the file.")
        self._lay_out()
        self._save.clicked.connect(self.save_asked)
        self._save_clip.clicked.connect(self.clip_asked)
        self._cancel.clicked.connect(self.cancel)
        self._job.progressed.connect(self._on_progress)
        self._job.finished.connect(self._on_finished)
        self._job.running_changed.connect(self._arrange)
        self._arrange()

    def _lay_out(self) -> None:
        first = QHBoxLayout()
        for widget in (self._kind, self._save, self._save_clip):
            first.addWidget(widget)
        self._busy = widget_row(self._progress, self._cancel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(first)
        layout.addWidget(self._busy)

    @property
    def running(self) -> bool:
        """Whether maps of a clip are being saved."""
        return self._job.running

    def kind(self) -> str:
        """Return what is to be saved."""
        return str(self._kind.currentData())

    def set_kind(self, kind: str) -> None:
        """Choose what is to be saved."""
        self._kind.setCurrentIndex(self._kind.findData(kind))

    def set_clip(self, is_clip: bool) -> None:
        """Take whether the image is a clip."""
        self._is_clip = is_clip
        self._arrange()

    def start(self, task: ClipTask) -> None:
        """Save the maps of all frames."""
        self._path = task.path
        self._progress.setRange(0, task.clip.n_frames)
        self._progress.setValue(0)
        self._job.start(save_clip_maps, task)

    def cancel(self) -> None:
        """Stop saving."""
        if self._job.running:
            self._job.cancel()
            tell("Cancelled; no maps were saved.")

    def _arrange(self, *_: Any) -> None:
        running = self._job.running
        self._busy.setVisible(running)
        self._save_clip.setEnabled(self._is_clip and not running)
        self._save_clip.setToolTip(_CLIP_TIP + ("" if self._is_clip else _NO_CLIP))

    def _on_progress(self, done: int, of: int) -> None:
        if of:
            self._progress.setRange(0, of)
            self._progress.setValue(done)

    def _on_finished(self, problem: str) -> None:
        if problem:
            report(lambda: refuse(MeasureError(problem)))
        else:
            tell_saved(self._path)
