"""The settings of anisotropy, each with what it means for the muscle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QSpinBox,
    QWidget,
)

from napari_muscle_us._napari.panels import _aniso_words as words
from napari_muscle_us._napari.panels._texture_fields import spin_box
from napari_muscle_us.measure.anisotropy.settings import AnisotropySettings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_muscle_us._napari.panels._texture_words import Choice

_DECIMALS: Final = 3
_LEAST_MM, _MOST_MM = 0.001, 100.0
_GAUSSIAN: Final = "gaussian"
_SCALE_TIP: Final = (
    "How far the Gaussian smooths the image before gray levels are compared: its "
    "standard deviation. About the thickness of the lines to be seen."
)
_WINDOW_TIP: Final = (
    "How far around a pixel its direction is averaged, as the standard deviation of "
    "the window. Small windows follow every line, large ones are calm. It changes the "
    "half rose, circular mean and circular SD only."
)
_BOX_TIP: Final = (
    "Side of the boxes that the local texture anisotropy looks at one by one. Small "
    "boxes read higher. Compare boxes of one size only."
)
_INSIDE_TIP: Final = "Boxes of which less than this lies inside the ROI are left out."
_ENERGY_TIP: Final = (
    "Boxes whose edges are weaker than this share of the ROI's mean are left out: "
    "where there is next to no echo, direction is noise. 0 % keeps them."
)


class LengthField(QWidget):
    """A length in px or in mm."""

    value_changed = Signal()

    def __init__(self, name: str, low: float, high: float, tip: str) -> None:
        super().__init__()
        self._name = name
        whole = isinstance(low, int)
        self.px: Any = QSpinBox() if whole else QDoubleSpinBox()
        self.mm = QDoubleSpinBox()
        self.mm.setDecimals(_DECIMALS)
        self.mm.setRange(_LEAST_MM, _MOST_MM)
        self.mm.setSingleStep(0.1)
        self.mm.setValue(3.0 if whole else 0.2)
        self.px.setRange(low, high)
        if not whole:
            self.px.setSingleStep(0.5)
        self.unit = QComboBox()
        self.unit.addItems(["px", "mm"])
        self.unit.setToolTip("Unit; mm needs a calibrated image.")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self.setToolTip(tip)
        for box in (self.px, self.mm):
            box.setToolTip(tip)
            # Typing 16 is not to compute with 1 first.
            box.setKeyboardTracking(False)
            box.valueChanged.connect(self._on_edited)
            layout.addWidget(box, 1)
        layout.addWidget(self.unit)
        self.unit.activated.connect(self._on_edited)
        self._spacing_mm: tuple[float, float] | None = None
        self._told: dict[str, tuple[float | None, float]] = {}
        self._show_needed()

    @property
    def in_mm(self) -> bool:
        """Whether the length is in mm."""
        return self.unit.currentIndex() == 1

    def value(self) -> dict[str, Any]:
        """Return the settings by name."""
        unit, box = ("mm", self.mm) if self.in_mm else ("px", self.px)
        told, shown = self._told.get(unit, (None, 0.0))
        # Settings of elsewhere may have more decimals than the field shows.
        same = told is not None and box.value() == shown
        return {f"{self._name}_{unit}": told if same else box.value()}

    def set_value(self, settings: AnisotropySettings) -> None:
        """Show other settings, without telling anyone."""
        px = getattr(settings, f"{self._name}_px")
        mm = getattr(settings, f"{self._name}_mm")
        with QSignalBlocker(self.px), QSignalBlocker(self.mm):
            self.px.setValue(px)
            if mm is not None:
                self.mm.setValue(mm)
        self._told = {"px": (px, self.px.value()), "mm": (mm, self.mm.value())}
        self.unit.setCurrentIndex(int(mm is not None))
        self._show_needed()

    def set_spacing(self, spacing_mm: tuple[float, float] | None) -> None:
        """Use the scale of another image, ``None`` for one without."""
        if spacing_mm != self._spacing_mm:
            self._spacing_mm = spacing_mm
            self._show_needed()

    def _on_edited(self, *_: object) -> None:
        self._show_needed()
        self.value_changed.emit()

    def _show_needed(self) -> None:
        self.px.setVisible(not self.in_mm)
        self.mm.setVisible(self.in_mm)
        # Settings in mm on an image without a scale are refused, not taken for px.
        self.unit.model().item(1).setEnabled(self._spacing_mm is not None)


class ChoiceCombo(QComboBox):
    """A list of choices, each with its tooltip."""

    def __init__(self, choices: Sequence[Choice]) -> None:
        super().__init__()
        self._choices = tuple(choices)
        for number, choice in enumerate(choices):
            self.addItem(choice.words, choice.value)
            self.setItemData(number, choice.tip, Qt.ItemDataRole.ToolTipRole)
        policy = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
        self.setSizeAdjustPolicy(policy)
        self.setMinimumContentsLength(14)
        self.currentIndexChanged.connect(self._show_tip)
        self._show_tip()

    def value(self) -> str:
        """Return the choice."""
        return str(self.currentData())

    def set_value(self, value: str) -> None:
        """Show another choice, without telling anyone but itself."""
        with QSignalBlocker(self):
            self.setCurrentIndex([c.value for c in self._choices].index(value))
        self._show_tip()

    def _show_tip(self, *_: object) -> None:
        self.setToolTip(self._choices[max(self.currentIndex(), 0)].tip)


class AnisotropyForm(QWidget):
    """Edits the settings; what the chosen kernel does not need is hidden.

    The method stands by itself: a page places it where it is always seen.
    """

    value_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.method = ChoiceCombo(words.METHODS)
        self.gradient = ChoiceCombo(words.GRADIENTS)
        self.scale = LengthField("gradient_sigma", 0.5, 100.0, _SCALE_TIP)
        self.sigma = LengthField("sigma", 0.5, 100.0, _WINDOW_TIP)
        self.window_shape = ChoiceCombo(words.WINDOWS)
        self.box = LengthField("box", 4, 4096, _BOX_TIP)
        self.variant = ChoiceCombo(words.VARIANTS)
        self.inside = spin_box(0, 100, " %", _INSIDE_TIP)
        self.energy = spin_box(0, 100, " %", _ENERGY_TIP)
        self._shares: dict[QSpinBox, float] = {}
        self._bins = AnisotropySettings().bins
        self._lay_out()
        self._connect()
        self.set_value(AnisotropySettings())

    def _lay_out(self) -> None:
        self._form = QFormLayout(self)
        self._form.setContentsMargins(0, 0, 0, 0)
        grow = QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow
        self._form.setFieldGrowthPolicy(grow)
        for title, field in (
            ("Gradient", self.gradient),
            ("Its scale", self.scale),
            ("Window", self.sigma),
            ("Its shape", self.window_shape),
            ("Box", self.box),
            ("Order in a box", self.variant),
            ("Least inside", self.inside),
            ("Least energy", self.energy),
        ):
            label = QLabel(title)
            label.setToolTip(field.toolTip())
            self._form.addRow(label, field)

    def _connect(self) -> None:
        for combo in (self.method, self.gradient, self.window_shape, self.variant):
            combo.activated.connect(self._on_edited)
        for field in (self.scale, self.sigma, self.box):
            field.value_changed.connect(self._on_edited)
        for spin in (self.inside, self.energy):
            spin.valueChanged.connect(self._on_edited)

    def value(self) -> AnisotropySettings:
        """Return the settings.

        Raises
        ------
        MeasureError
            If one is not possible.
        """
        gradient = self.gradient.value()
        scale = self.scale.value() if gradient == _GAUSSIAN else {}
        return AnisotropySettings(
            method=self.method.value(),
            gradient=gradient,
            window=self.window_shape.value(),
            variant=self.variant.value(),
            min_inside=self._share(self.inside),
            min_energy_share=self._share(self.energy),
            bins=self._bins,
            **scale,
            **self.sigma.value(),
            **self.box.value(),
        )

    def set_value(self, settings: AnisotropySettings) -> None:
        """Show other settings, without telling anyone."""
        self.method.set_value(settings.method)
        self.gradient.set_value(settings.gradient)
        self.window_shape.set_value(settings.window)
        self.variant.set_value(settings.variant)
        self._bins = settings.bins
        for field in (self.scale, self.sigma, self.box):
            field.set_value(settings)
        for spin, share in (
            (self.inside, settings.min_inside),
            (self.energy, settings.min_energy_share),
        ):
            self._shares[spin] = share
            with QSignalBlocker(spin):
                spin.setValue(round(100 * share))
        self._show_needed()

    def _share(self, spin: QSpinBox) -> float:
        """Return a share, with the decimals that it was given and that do not show."""
        told = self._shares[spin]
        return told if round(100 * told) == spin.value() else spin.value() / 100

    def set_spacing(self, spacing_mm: tuple[float, float] | None) -> None:
        """Use the scale of another image, ``None`` for one without."""
        for field in (self.scale, self.sigma, self.box):
            field.set_spacing(spacing_mm)

    def _on_edited(self, *_: object) -> None:
        self._show_needed()
        self.value_changed.emit()

    def _show_needed(self) -> None:
        self._form.setRowVisible(self.scale, self.gradient.value() == _GAUSSIAN)
