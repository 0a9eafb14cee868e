"""Z-score of the selected region: compared with healthy people on the same device."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Final

from qtpy.compat import isalive
from qtpy.QtWidgets import (
    QFormLayout,
    QPushButton,
    QVBoxLayout,
    QWidget,
)
from superqt.utils import qdebounced

from napari_muscle_us._napari._session import session_of
from napari_muscle_us._napari.panels._pages import scrolled
from napari_muscle_us._napari.panels._subject_form import SubjectForm
from napari_muscle_us._napari.panels._widgets import (
    LivePanel,
    MessageLabel,
    Section,
    report,
    text_colour,
)
from napari_muscle_us._napari.panels._z_device import DeviceQuestion
from napari_muscle_us._napari.panels._z_healthy import ShownScore
from napari_muscle_us._napari.panels._z_moved import MovedView
from napari_muscle_us._napari.panels._z_numbers import (
    NO_VALUE,
    NumbersView,
    wrapped_label,
)
from napari_muscle_us._napari.panels._z_reference import ReferencePicker
from napari_muscle_us._napari.panels._z_view import ScoreView
from napari_muscle_us.errors import (
    DeviceMismatchError,
    MuscleUSError,
)
from napari_muscle_us.reference.load import load_reference
from napari_muscle_us.z_request import compute_z_score

if TYPE_CHECKING:
    import napari.viewer
    from qtpy.QtWidgets import QDialog

    from napari_muscle_us._napari._regions import Region
    from napari_muscle_us.reference.model import ZScore

_REFRESH_MS: Final = 60
_PLOT_MS: Final = 150
"""The numbers follow a drag; the plot waits until it rests."""
_FILL_TIP: Final = "Takes age, sex, height and weight over from the file; check them."


class ZScorePanel(LivePanel):
    """Looks the echo intensity of one region up in a reference set."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(_REFRESH_MS)
        self._session = session_of(napari_viewer)
        self._region_label = wrapped_label(NO_VALUE)
        self._sets = ReferencePicker()
        self._form = SubjectForm()
        self._from_file = QPushButton("Fill in what the file tells of the person")
        self._from_file.setToolTip(_FILL_TIP)
        self._device = DeviceQuestion(self._session)
        self._numbers = NumbersView()
        self._message = MessageLabel()
        self._moved = MovedView()
        self._moved_section = Section(
            "What moved the prediction", self._moved, opened=False
        )
        self._view = ScoreView()
        self._shown: ShownScore | None = None
        self._handed: tuple[str, bool] = ("", False)
        self._lay_out()
        self._plot_soon = qdebounced(self._plot_now, timeout=_PLOT_MS, parent=self)
        self._connect()
        self._on_subject_changed()

    def _lay_out(self) -> None:
        top = QFormLayout()
        top.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        top.addRow("ROI", self._region_label)
        top.addRow("Reference set", self._sets)
        body = QWidget()
        inner = QVBoxLayout(body)
        inner.addLayout(top)
        for widget in (
            self._form,
            self._from_file,
            self._device,
            self._numbers,
            self._message,
            self._moved_section,
        ):
            inner.addWidget(widget)
        inner.addWidget(self._view, 1)
        inner.addStretch()
        # Warnings, a conversion and an open section are more than a small screen holds.
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(scrolled(body))

    def _connect(self) -> None:
        self._form.value_changed.connect(self._on_edited)
        self._from_file.clicked.connect(self.fill_in)
        self._device.value_changed.connect(self._on_edited)
        self._sets.value_changed.connect(self._on_edited)
        self._sets.rules_wanted.connect(self.show_rules)
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
        if not isalive(self):
            return
        self._view.set_foreground(text_colour(self._session.viewer))

    def value(self) -> ZScore | None:
        """Return the shown Z-score, ``None`` where it cannot be given."""
        return None if self._shown is None else self._shown.score

    def use_reference(self, name_or_path: str) -> None:
        """Choose a reference set.

        Raises
        ------
        ReferenceSetError
            If there is no such set or it is not valid.
        """
        self._sets.use(name_or_path)

    def use_conversion(self, path: str) -> None:
        """Choose a device conversion.

        Raises
        ------
        ReferenceSetError
            If the file is no device conversion.
        """
        self._device.conversion.use(path)

    def show_rules(self) -> None:
        """Open the rules and what the set tells of itself."""
        report(lambda: self.rules_dialog().show())

    def rules_dialog(self) -> QDialog:
        """Return a dialog of the rules and the set.

        Raises
        ------
        ReferenceSetError
            If the set cannot be read.
        """
        from napari_muscle_us._napari.panels._z_about import AboutDialog

        return AboutDialog(load_reference(self._session.reference), self)

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

    def _on_edited(self, *_: object) -> None:
        try:
            subject = self._form.value()
        except MuscleUSError as error:
            self._show(None, str(error))
            return
        self._session.set_subject(
            subject,
            self._sets.value(),
            accept_device=self._device.accepted,
            conversion=self._device.conversion.value(),
        )
        self.refresh()

    def _on_subject_changed(self) -> None:
        if not isalive(self):
            return
        session = self._session
        if self._form_differs():
            self._form.set_value(session.subject)
        self._sets.set_value(session.reference)
        self._device.follow_session()
        self._form.show_handedness(wanted=self._needs_handedness())
        self.refresh()

    def _form_differs(self) -> bool:
        try:
            return self._form.value() != self._session.subject
        except MuscleUSError:
            return True

    def _needs_handedness(self) -> bool:
        """Whether a model of the set tells the dominant side from the other."""
        name, needed = self._handed
        if name != self._session.reference:
            name = self._session.reference
            try:
                models = load_reference(name).models
            except MuscleUSError:
                models = ()
            needed = any("side_nondominant" in model.covariates for model in models)
            self._handed = (name, needed)
        return needed

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
            self._numbers.set_measured(stats.mean)
            if region.roi is None:
                return
            request = self._session.z_score_request()
            image = self._session.image()
            score = compute_z_score(image, region.roi, stats.mean, request)
        except MuscleUSError as error:
            mismatch = isinstance(error, DeviceMismatchError)
            self._show(None, str(error), offer_device=mismatch)
            return
        shown = ShownScore(score, request, region.roi.side)
        caveats = " ".join(score.warnings)
        self._show(shown, caveats, offer_device=self._device.accepted)

    def _region(self) -> Region:
        regions = self._session.chosen_regions()
        if not regions:
            self._region_label.setText(NO_VALUE)
            self._numbers.set_measured(None)
            self._session.image()
            raise MuscleUSError("Draw an ROI on the muscle in the panel Muscle ROIs.")
        return regions[0]

    def _show(
        self, shown: ShownScore | None, message: str, *, offer_device: bool = False
    ) -> None:
        self._shown = shown
        self._device.offer(device=offer_device)
        self._numbers.set_value(None if shown is None else shown.score)
        self._moved_section.setVisible(shown is not None)
        self._view.setVisible(shown is not None)
        self._plot_soon()
        self._message.show_message(message)

    def _plot_now(self) -> None:
        self._view.set_value(self._shown)
        self._moved.set_value(self.value())


def _describe(region: Region, selected: int) -> str:
    parts = (region.name, region.muscle or "no muscle chosen", region.side)
    words = ", ".join(part for part in parts if part)
    return f"{words} (first of {selected} selected)" if selected > 1 else words
