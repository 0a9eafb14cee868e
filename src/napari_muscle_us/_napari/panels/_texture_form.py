"""The settings of texture features, each with what it means for the muscle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QLabel,
    QSpinBox,
    QWidget,
)

from napari_muscle_us._napari.panels._texture_fields import (
    DistanceField,
    FamilyBoxes,
    LevelsField,
    spin_box,
)
from napari_muscle_us._napari.panels._texture_words import AGGREGATIONS
from napari_muscle_us.measure.texture.settings import TextureSettings

if TYPE_CHECKING:
    from qtpy.QtCore import SignalInstance

_NEIGHBOURS: Final = frozenset(("ngtdm", "ngldm"))
_MATRICES: Final = _NEIGHBOURS | {"glcm", "glrlm", "glszm", "gldzm"}
_DIRECTED: Final = frozenset(("glcm", "glrlm"))
_TIP: Final = Qt.ItemDataRole.ToolTipRole
_SHORT: Final = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon


class TextureForm(QWidget):
    """Edits texture settings; what no chosen family needs is hidden."""

    value_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.families = FamilyBoxes()
        self.levels = LevelsField()
        self.normalise = QCheckBox("First bring each ROI to µ ± 3σ")
        self.distance = DistanceField()
        self.aggregation = QComboBox()
        self.each_direction = QCheckBox("Show each direction too")
        self.neighbourhood = spin_box(
            1, 15, " px",
            "How far the neighbours of a pixel reach, for gray tone difference and "
            "gray level dependence. 1 takes the eight pixels around it.",
        )  # fmt: skip
        self.alpha = spin_box(
            0, 255, "",
            "Neighbours count as alike when their levels differ by at most this much, "
            "for gray level dependence. 0: the same level only.",
        )  # fmt: skip
        self.radius = spin_box(
            1, 100, " px",
            "Radius of the circle of eight points around a pixel that local binary "
            "patterns compare it with.",
        )  # fmt: skip
        self._lay_out()
        self._connect()
        self.set_value(TextureSettings())

    def _lay_out(self) -> None:
        self.normalise.setToolTip(
            "Brings the ROI's own mean and spread to one scale before anything else. "
            "It takes out gain and offset, and with them the echo intensity."
        )
        self.each_direction.setToolTip(
            "Adds a line for each of the four directions below each feature of "
            "co-occurrence and run length: a fibrous muscle differs along and across."
        )
        for choice in AGGREGATIONS:
            self.aggregation.addItem(choice.words, choice.value)
            number = self.aggregation.count() - 1
            self.aggregation.setItemData(number, choice.tip, _TIP)
        self.aggregation.setSizeAdjustPolicy(_SHORT)
        self.aggregation.setMinimumContentsLength(18)
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        grow = QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow
        self._form.setFieldGrowthPolicy(grow)
        self._form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.DontWrapRows)
        self._form.addRow(self.families)
        for title, field in (
            ("Gray levels", self.levels),
            ("", self.normalise),
            ("Distance", self.distance),
            ("Directions", self.aggregation),
            ("", self.each_direction),
            ("Neighbourhood", self.neighbourhood),
            ("Alike within", self.alpha),
            ("LBP radius", self.radius),
        ):
            label = QLabel(title)
            label.setToolTip(field.toolTip())
            self._form.addRow(label, field)

    def _connect(self) -> None:
        signals: tuple[SignalInstance, ...] = (
            self.families.value_changed,
            self.levels.value_changed,
            self.normalise.toggled,
            self.distance.value_changed,
            self.aggregation.activated,
            self.each_direction.toggled,
            self.neighbourhood.valueChanged,
            self.alpha.valueChanged,
            self.radius.valueChanged,
        )
        for signal in signals:
            signal.connect(self._on_edited)

    def value(self) -> TextureSettings:
        """Return the settings.

        Raises
        ------
        MeasureError
            If no family is ticked, or a setting is not possible.
        """
        return TextureSettings(
            families=self.families.value(),
            normalise=self.normalise.isChecked(),
            aggregation=self.aggregation.currentData(),
            each_direction=self.each_direction.isChecked(),
            neighbourhood_px=self.neighbourhood.value(),
            alpha=self.alpha.value(),
            radius_px=self.radius.value(),
            **self.levels.value(),
            **self.distance.value(),
        )

    def set_value(self, settings: TextureSettings) -> None:
        """Show other settings, without telling anyone."""
        self.families.set_value(settings.families)
        self.levels.set_value(settings)
        self.distance.set_value(settings)
        for box, checked in (
            (self.normalise, settings.normalise),
            (self.each_direction, settings.each_direction),
        ):
            with QSignalBlocker(box):
                box.setChecked(checked)
        for spin, number in (
            (self.neighbourhood, settings.neighbourhood_px),
            (self.alpha, settings.alpha),
            (self.radius, settings.radius_px),
        ):
            _set_number(spin, number)

        values = [choice.value for choice in AGGREGATIONS]
        self.aggregation.setCurrentIndex(values.index(settings.aggregation))
        self._show_needed()

    def set_spacing(self, spacing_mm: tuple[float, float] | None) -> None:
        """Use the scale of another image, ``None`` for one without."""
        self.distance.set_spacing(spacing_mm)

    def _on_edited(self, *_: Any) -> None:
        self._show_needed()
        self.value_changed.emit()

    def _show_needed(self) -> None:
        chosen = frozenset(self.families.chosen())
        for field, needed_by in (
            (self.levels, _MATRICES | {"hist"}),
            (self.distance, frozenset(("glcm",))),
            (self.aggregation, _MATRICES),
            (self.each_direction, _DIRECTED),
            (self.neighbourhood, _NEIGHBOURS),
            (self.alpha, frozenset(("ngldm",))),
            (self.radius, frozenset(("lbp",))),
        ):
            self._form.setRowVisible(field, bool(chosen & needed_by))
        tip = AGGREGATIONS[max(self.aggregation.currentIndex(), 0)].tip
        self.aggregation.setToolTip(tip)


def _set_number(spin: QSpinBox, number: int) -> None:
    with QSignalBlocker(spin):
        spin.setValue(number)
