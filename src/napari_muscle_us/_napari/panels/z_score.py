"""Z-score of the selected region: compared with healthy people on the same device."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QVBoxLayout,
)
from superqt.utils import qdebounced

from napari_muscle_us._napari._session import session_of
from napari_muscle_us._napari.panels._plot import PlotHolder
from napari_muscle_us._napari.panels._subject_form import SubjectForm
from napari_muscle_us._napari.panels._widgets import (
    LivePanel,
    MessageLabel,
    report,
    text_colour,
)
from napari_muscle_us.errors import DeviceMismatchError, MuscleUSError
from napari_muscle_us.reference.load import builtin_references, load_reference
from napari_muscle_us.reference.model import ZScore
from napari_muscle_us.rows import ZScoreRequest, compute_z_score

if TYPE_CHECKING:
    import napari.viewer
    from qtpy.QtWidgets import QWidget

    from napari_muscle_us._napari._regions import Region

_REFRESH_MS: Final = 60
_PLOT_MS: Final = 150
"""The numbers follow a drag; the plot waits until it rests."""
_NO_VALUE: Final = "–"
_NUMBERS: Final = (
    "Echo intensity",
    "Predicted",
    "SD of prediction",
    "95 % of healthy",
    "Percentile",
)


class ZScorePanel(LivePanel):
    """Looks the echo intensity of one region up in a reference set."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(_REFRESH_MS)
        self._session = session_of(napari_viewer)
        self._region_label = QLabel(_NO_VALUE)
        self._set_combo = QComboBox()
        self._set_combo.addItems(builtin_references())
        self._form = SubjectForm()
        self._from_file = QPushButton("Fill in what the file tells of the person")
        self._accept = QCheckBox("Use the set for another device on my responsibility")
        self._numbers = {name: QLabel(_NO_VALUE) for name in _NUMBERS}
        self._z_label = QLabel()
        self._plot = PlotHolder[ZScore | None](_make_plot)
        self._message = MessageLabel()
        self._score: ZScore | None = None
        self._lay_out()
        self._plot_soon = qdebounced(self._plot_now, timeout=_PLOT_MS, parent=self)
        self._connect()
        self._on_subject_changed()

    def _lay_out(self) -> None:
        open_button = QPushButton("Open…")
        open_button.setToolTip("Use a reference set from a JSON file.")
        open_button.clicked.connect(self._on_open)
        sets = QHBoxLayout()
        sets.addWidget(self._set_combo, 1)
        sets.addWidget(open_button)
        top = QFormLayout()
        top.addRow("ROI", self._region_label)
        top.addRow("Reference set", sets)
        self._z_label.setTextFormat(Qt.TextFormat.RichText)
        self._z_label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._z_label.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
        )
        numbers = QFormLayout()
        for name, label in self._numbers.items():
            numbers.addRow(name, label)
        result = QHBoxLayout()
        result.addLayout(numbers, 1)
        result.addWidget(self._z_label, 1)
        layout = QVBoxLayout(self)
        layout.addLayout(top)
        layout.addWidget(self._form)
        layout.addWidget(self._from_file)
        layout.addWidget(self._accept)
        layout.addLayout(result)
        layout.addWidget(self._message)
        layout.addWidget(self._plot, 1)
        layout.addStretch()

    def _connect(self) -> None:
        self._form.value_changed.connect(self._on_edited)
        self._from_file.clicked.connect(self.fill_in)
        self._accept.toggled.connect(self._on_edited)
        self._set_combo.currentTextChanged.connect(self._on_edited)
        for signal in (
            self._session.layers_changed,
            self._session.rois_changed,
            self._session.selection_changed,
        ):
            signal.connect(self.refresh_soon)
        self._session.subject_changed.connect(self._on_subject_changed)
        self._session.viewer.events.theme.connect(self._on_theme)
        self._on_theme()

    def _on_theme(self, event: object = None) -> None:
        self._plot.set_foreground(text_colour(self._session.viewer))

    def value(self) -> ZScore | None:
        """Return the shown Z-score, ``None`` where it cannot be given."""
        return self._score

    def use_reference(self, name_or_path: str) -> None:
        """Choose a reference set.

        Raises
        ------
        ReferenceSetError
            If there is no such set or it is not valid.
        """
        load_reference(name_or_path)
        if self._set_combo.findText(name_or_path) < 0:
            self._set_combo.addItem(name_or_path)
        self._set_combo.setCurrentText(name_or_path)

    def fill_in(self) -> None:
        """Take over age, sex, height and weight where the file tells them."""
        report(self._fill_in)

    def _fill_in(self) -> None:
        told = asdict(self._session.clip.person)
        known = {name: value for name, value in told.items() if value is not None}
        self._form.set_value(replace(self._session.subject, **known))
        self._on_edited()

    def _offer_person(self) -> None:
        try:
            known = self._session.clip.person.is_known
        except MuscleUSError:
            known = False
        self._from_file.setVisible(known)

    def _on_open(self) -> None:
        path, _ = QFileDialog.getOpenFileName(
            self, "Open reference set", "", "Reference set (*.json)"
        )
        if path:
            report(lambda: self.use_reference(str(Path(path))))

    def _on_edited(self, *_: object) -> None:
        try:
            subject = self._form.value()
        except MuscleUSError as error:
            self._show(None, str(error))
            return
        self._session.set_subject(
            subject,
            self._set_combo.currentText(),
            accept_device=self._accept.isChecked(),
        )
        self.refresh()

    def _on_subject_changed(self) -> None:
        if self._form_differs():
            self._form.set_value(self._session.subject)
        with QSignalBlocker(self._set_combo):
            if self._set_combo.findText(self._session.reference) < 0:
                self._set_combo.addItem(self._session.reference)
            self._set_combo.setCurrentText(self._session.reference)
        with QSignalBlocker(self._accept):
            self._accept.setChecked(self._session.accept_device)
        self.refresh()

    def _form_differs(self) -> bool:
        try:
            return self._form.value() != self._session.subject
        except MuscleUSError:
            return True

    def refresh(self) -> None:
        """Look the region up as it is now."""
        self._offer_person()
        try:
            # A typing error outlives a redraw: the last valid subject is not shown.
            self._form.value()
            region = self._region()
            count = len(self._session.selected())
            self._region_label.setText(_describe(region, count))
            stats = self._session.statistics(region)
            self._numbers["Echo intensity"].setText(f"{stats.mean:.2f} gray level")
            if region.roi is None:
                return
            request = ZScoreRequest(
                self._session.reference,
                self._session.subject,
                accept_device=self._session.accept_device,
            )
            image = self._session.image()
            score = compute_z_score(image, region.roi, stats.mean, request)
        except MuscleUSError as error:
            mismatch = isinstance(error, DeviceMismatchError)
            self._show(None, str(error), offer_device=mismatch)
            return
        self._show(
            score, " ".join(score.warnings), offer_device=self._accept.isChecked()
        )

    def _region(self) -> Region:
        regions = self._session.chosen_regions()
        if not regions:
            self._region_label.setText(_NO_VALUE)
            self._numbers["Echo intensity"].setText(_NO_VALUE)
            self._session.image()
            raise MuscleUSError("Draw an ROI on the muscle in the panel Muscle ROIs.")
        return regions[0]

    def _show(
        self, score: ZScore | None, message: str, *, offer_device: bool = False
    ) -> None:
        self._score = score
        self._accept.setVisible(offer_device)
        shown = "no Z-score" if score is None else _signed(score.z)
        # The application's style sheet sets the font of labels, so size is markup.
        self._z_label.setText(f"<b style='font-size: 20pt'>{shown}</b>")
        texts = [_NO_VALUE] * 4
        if score is not None:
            low, high = score.interval
            texts = [
                f"{score.predicted:.2f} gray level",
                f"{score.sd:.2f} gray level",
                f"{low:.1f} to {high:.1f} gray level",
                _percent(score.percentile),
            ]
        for name, text in zip(_NUMBERS[1:], texts, strict=True):
            self._numbers[name].setText(text)
        self._plot.setVisible(score is not None)
        self._plot_soon()
        self._message.show_message(message)

    def _plot_now(self) -> None:
        self._plot.set_value(self._score)


def _describe(region: Region, selected: int) -> str:
    parts = (region.name, region.muscle or "no muscle chosen", region.side)
    words = ", ".join(part for part in parts if part)
    return f"{words} (first of {selected} selected)" if selected > 1 else words


def _signed(z: float) -> str:
    """Return Z with a real minus sign."""
    return f"Z = {z:+.2f}".replace("-", "−")


def _percent(percentile: float) -> str:
    if percentile > 99.9:
        return "> 99.9 %"
    if percentile < 0.1:
        return "< 0.1 %"
    return f"{percentile:.1f} %"


def _make_plot() -> QWidget:
    from napari_muscle_us._napari.panels._z_plot import ReferencePlot

    return ReferencePlot()
