"""Acquisition: what is known of the image and what is not, and settling it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qtpy.QtWidgets import QScrollArea, QVBoxLayout, QWidget
from superqt.utils import qdebounced

from napari_muscle_us._napari import _layers
from napari_muscle_us._napari._readers import read_layers
from napari_muscle_us._napari._session import session_of
from napari_muscle_us._napari.panels._acceptance_list import AcceptanceList
from napari_muscle_us._napari.panels._calibration_box import CalibrationBox
from napari_muscle_us._napari.panels._copy_dialog import CopyDialog
from napari_muscle_us._napari.panels._device_box import DeviceBox
from napari_muscle_us._napari.panels._facts_view import FactsView
from napari_muscle_us._napari.panels._study_tree import StudyTree
from napari_muscle_us._napari.panels._widgets import (
    LivePanel,
    MessageLabel,
    Section,
    button_row,
    report,
)
from napari_muscle_us.device.acceptance import check_frame
from napari_muscle_us.device.crosscheck import check_ruler
from napari_muscle_us.errors import MuscleUSError
from napari_muscle_us.reference.load import load_reference

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import napari.viewer

    from napari_muscle_us.image import UltrasoundImage

_REFRESH_MS: Final = 60
_COMPARE_MS: Final = 300


class AcquisitionPanel(LivePanel):
    """Shows and settles what a measurement needs to know of the image."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(_REFRESH_MS)
        self._session = session_of(napari_viewer)
        self._marks: dict[str, str] = {}
        self._study = StudyTree()
        self._facts = FactsView()
        self._caveats = MessageLabel()
        self.calibration = CalibrationBox(self._session)
        self.device = DeviceBox(self._session)
        self._findings = AcceptanceList()
        self._lay_out()
        self._ruler_caveat = ""
        # Not while an image is being opened or a clip plays: it takes a moment.
        self._compare_soon = qdebounced(self._compare, timeout=_COMPARE_MS, parent=self)
        self._connect()
        self._on_study_changed()
        self.refresh()

    def _lay_out(self) -> None:
        self._study_box = Section(
            "Study",
            self._study,
            _buttons(
                ("◀ Previous", "Open the image before.", self.open_previous),
                ("Next ▶", "Open the image after.", self.open_next),
            ),
        )
        page = QWidget()
        layout = QVBoxLayout(page)
        for section in (
            self._study_box,
            Section("What is known", self._facts, self._caveats),
            Section("Size of a pixel", self.calibration),
            Section("Device", self.device, opened=False),
            Section(
                "Acceptance check",
                _buttons(("Check this frame", "Look for faults.", self.check)),
                self._findings,
            ),
            Section(
                "De-identified copy",
                _buttons(("Look and save…", "Preview first.", self.open_copy)),
                opened=False,
            ),
        ):
            layout.addWidget(section)
        layout.addStretch()
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setWidget(page)
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(area)

    def _connect(self) -> None:
        self._study.open_requested.connect(self.open)
        for signal in (self._session.layers_changed, self._session.frame_changed):
            signal.connect(self.refresh_soon)
        self._session.study_changed.connect(self._on_study_changed)

    def _on_study_changed(self) -> None:
        self._study.set_study(self._session.study)
        self._study_box.setVisible(self._session.study is not None)

    def refresh(self) -> None:
        """Show the present image."""
        if not self._session.is_open:
            return
        picture = scale = device = ""
        try:
            image = self._session.clip
        except MuscleUSError as error:
            self._facts.set_image(None)
            self._caveats.show_message(str(error))
        else:
            self._facts.set_image(image, self._session.frame)
            self._study.show_in_hand(_layers.file_of(image))
            picture = f"{image.key}{image.crop}"
            scale = f"{picture}{image.calibration}"
            device = f"{picture}{image.device}"
            if self._is_another("ruler", scale):
                self._ruler_caveat = ""
                self._compare_soon()
            caveats = (*image.warnings, self._ruler_caveat)
            self._caveats.show_message(" ".join(filter(None, caveats)))
        frame = f"{picture}{self._session.frame}"
        if self._is_another("frame", frame):
            self.calibration.forget_reading()
        if self._is_another("facts", f"{frame}{scale}{device}"):
            self._findings.set_findings(())
        if self._is_another("scale", f"{scale}{len(self._session.viewer.layers)}"):
            self.calibration.refresh()
        if self._is_another("device", device):
            self.device.refresh()

    def _compare(self) -> None:
        """Warn when the file's scale and the ruler on the picture disagree."""
        try:
            image = self._session.image()
        except MuscleUSError:
            return
        known = image.calibration
        if known is None or known.by_user or not self.isVisible():
            return
        finding = check_ruler(image)
        if finding.level == "warning":
            self._ruler_caveat = finding.sentence
            self.refresh_soon()

    def _is_another(self, part: str, mark: str) -> bool:
        """Tell whether a part of what is shown changed since it was last asked for."""
        changed = mark != self._marks.get(part)
        self._marks[part] = mark
        return changed

    def check(self) -> None:
        """Look for faults of the shown frame."""
        report(self._check)

    def _check(self) -> None:
        image = self._session.image()
        self.refresh()
        device = load_reference(self._session.reference).device
        found = check_frame(image, reference_device=device)
        self._findings.set_findings((*found, check_ruler(image)))

    def open(self, path: Path) -> None:
        """Open an image of the study as a layer."""
        report(lambda: self._open(path))

    def _open(self, path: Path) -> None:
        for data, attributes, _ in read_layers(path):
            self._session.viewer.add_image(data, **attributes)

    def open_next(self) -> None:
        """Open the image after the one in hand."""
        self._study.step(1)

    def open_previous(self) -> None:
        """Open the image before the one in hand."""
        self._study.step(-1)

    def copy_dialog(self) -> CopyDialog:
        """Return the dialog for a de-identified copy of the current image.

        Raises
        ------
        MuscleUSError
            If no image is open.
        """
        image: UltrasoundImage = self._session.clip
        path = _layers.file_of(image)
        return CopyDialog(image, self._session.frame, path, parent=self)

    def open_copy(self) -> None:
        """Show the de-identified copy, to be looked at and saved."""
        report(lambda: self.copy_dialog().open())


def _buttons(*buttons: tuple[str, str, Callable[[], None]]) -> QWidget:
    row = QWidget()
    layout = button_row(*buttons)
    layout.setContentsMargins(0, 0, 0, 0)
    row.setLayout(layout)
    return row
