"""Choosers for the fat: its region, its thickness, the corrections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QLabel,
    QPushButton,
    QWidget,
)

from napari_muscle_us._napari.panels._histogram_fat import NONE, TYPED
from napari_muscle_us._napari.panels._histogram_rows import MODEL_NAMES
from napari_muscle_us._napari.panels._widgets import MessageLabel
from napari_muscle_us.measure.fat_correction import (
    FAT_MODELS,
    MAX_THICKNESS_CM,
    YOUNG_SLOPE,
)

if TYPE_CHECKING:
    from napari_muscle_us._napari._regions import Region
    from napari_muscle_us._napari.panels._histogram_fat import FatChoice
    from napari_muscle_us.measure.fat_correction import FatCorrection

_NOT_TYPED: Final = -0.01
_REGION_TIP: Final = (
    "An ROI drawn in the subcutaneous fat of this image. Each ROI's mean is divided "
    "by its mean."
)
_THICKNESS_TIP: Final = (
    "How thick the subcutaneous fat above the muscle is: typed, or measured with a "
    "line from skin to fascia. A line is followed when it is moved."
)
_CM_TIP: Final = "Thickness in cm, not in mm."
_SLOPE_TIP: Final = "Gray levels added per cm of fat, as published: 40.5278."
_MODEL_TIPS: Final = {
    "young2015": "Adds the slope times the thickness (Young 2015).",
    "muller2021": "Adds 38.30836 · t − 5.0054 · t², t in cm (Müller 2021).",
}


class FatBox(QWidget):
    """Lets the user choose; shows what was chosen."""

    changed = Signal(dict)
    """Fields of the choice that the user changed."""

    def __init__(self) -> None:
        super().__init__()
        self._region = _combo(_REGION_TIP)
        self._thickness = _combo(_THICKNESS_TIP)
        self._cm = QDoubleSpinBox()
        self._slope = QDoubleSpinBox()
        self._models = {model: QCheckBox(MODEL_NAMES[model]) for model in FAT_MODELS}
        self._published = QPushButton("As published")
        self._message = MessageLabel()
        self._set_up()
        self._lay_out()
        self._connect()

    def _set_up(self) -> None:
        # The lowest value stands for none, since 0 cm is a thickness, too.
        self._cm.setRange(_NOT_TYPED, MAX_THICKNESS_CM)
        self._cm.setSpecialValueText("type it")
        self._cm.setSingleStep(0.01)
        self._cm.setSuffix(" cm")
        self._cm.setToolTip(_CM_TIP)
        self._slope.setRange(0.0001, 255.0)
        self._slope.setDecimals(4)
        self._slope.setToolTip(_SLOPE_TIP)
        self._published.setToolTip(f"Set the slope to {YOUNG_SLOPE} again.")
        for box in (self._cm, self._slope):
            box.setKeyboardTracking(False)
        for model, check in self._models.items():
            check.setToolTip(_MODEL_TIPS[model])

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        for row, (text, widget) in enumerate(
            (("Region of fat", self._region), ("Fat thickness", self._thickness))
        ):
            grid.addWidget(QLabel(text), row, 0)
            grid.addWidget(widget, row, 1)
        grid.addWidget(self._cm, 1, 2)
        young, muller = self._models.values()
        grid.addWidget(young, 2, 0)
        grid.addWidget(self._slope, 2, 1)
        grid.addWidget(self._published, 2, 2)
        grid.addWidget(muller, 3, 0)
        grid.addWidget(self._message, 4, 0, 1, 3)

    def _connect(self) -> None:
        self._region.activated.connect(self._on_region)
        self._thickness.activated.connect(self._on_thickness)
        self._cm.valueChanged.connect(self._on_cm)
        self._slope.valueChanged.connect(self._on_slope)
        self._published.clicked.connect(self._on_published)
        for check in self._models.values():
            check.toggled.connect(self._on_models)

    def set_state(
        self,
        choice: FatChoice,
        regions: list[Region],
        fat: FatCorrection | None,
        problem: str,
    ) -> None:
        """Show a choice and what can be chosen, without telling anyone."""
        known = [(r, r.entry.key) for r in regions if r.entry is not None]
        areas = [(r.name, key) for r, key in known if r.roi is not None]
        lines = [
            (f"line {r.name}", key)
            for r, key in known
            if r.line is not None and r.line.kind != "angle"
        ]
        _fill(self._region, [("none", NONE), *areas], choice.region)
        off = [("off: no correction", NONE), ("typed", TYPED)]
        _fill(self._thickness, [*off, *lines], choice.thickness)
        cm = _NOT_TYPED if choice.typed_cm is None else choice.typed_cm
        measured = choice.thickness not in (NONE, TYPED)
        if measured:
            cm = _NOT_TYPED if fat is None else fat.thickness_cm
        _set(self._cm, round(cm, self._cm.decimals()))
        unset = "unknown" if measured else "type it"
        if self._cm.specialValueText() != unset:
            self._cm.setSpecialValueText(unset)
        self._cm.setEnabled(choice.thickness == TYPED)
        _set(self._slope, choice.slope)
        for model, check in self._models.items():
            with QSignalBlocker(check):
                check.setChecked(model in choice.models)
        for widget in (*self._models.values(), self._slope, self._published):
            widget.setEnabled(choice.thickness != NONE)
        self._message.show_message(problem)

    def _on_region(self, index: int) -> None:
        self.changed.emit({"region": self._region.itemData(index)})

    def _on_thickness(self, index: int) -> None:
        self.changed.emit({"thickness": self._thickness.itemData(index)})

    def _on_cm(self, value: float) -> None:
        typed = None if value <= _NOT_TYPED / 2 else value
        self.changed.emit({"typed_cm": typed})

    def _on_slope(self, value: float) -> None:
        self.changed.emit({"slope": value})

    def _on_published(self) -> None:
        self.changed.emit({"slope": YOUNG_SLOPE})

    def _on_models(self) -> None:
        chosen = tuple(m for m, check in self._models.items() if check.isChecked())
        self.changed.emit({"models": chosen})


def _combo(tip: str) -> QComboBox:
    combo = QComboBox()
    combo.setSizeAdjustPolicy(
        QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
    )
    combo.setMinimumContentsLength(8)
    combo.setToolTip(tip)
    return combo


def _fill(combo: QComboBox, items: list[tuple[str, str]], current: str) -> None:
    """Offer names with their keys, one of them chosen; of one that is gone, none."""
    shown = [(combo.itemText(i), combo.itemData(i)) for i in range(combo.count())]
    with QSignalBlocker(combo):
        if shown != items:
            combo.clear()
            for text, key in items:
                combo.addItem(text, key)
        combo.setCurrentIndex(combo.findData(current))


def _set(box: QDoubleSpinBox, value: float) -> None:
    # Setting the same again would take away what is being typed.
    if box.value() != value:
        with QSignalBlocker(box):
            box.setValue(value)
