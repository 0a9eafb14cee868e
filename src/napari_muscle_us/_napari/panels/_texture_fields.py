"""Parts of the texture settings that need more than one control."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_muscle_us._napari.panels._texture_words import offset_text
from napari_muscle_us._napari.panels._widgets import MessageLabel
from napari_muscle_us.errors import MeasureError, MuscleUSError
from napari_muscle_us.measure.texture.discretise import DEFAULT_BIN_SIZE
from napari_muscle_us.measure.texture.families import ABOUT, LABELS
from napari_muscle_us.measure.texture.offsets import MAX_STEP
from napari_muscle_us.measure.texture.settings import FAMILIES

if TYPE_CHECKING:
    from napari_muscle_us.measure.texture.settings import TextureSettings

_COLUMNS: Final = 2
_LEAST_WIDTH: Final = 110
_DEFAULT_NUMBER: Final = 32
_LEAST_MM: Final = 0.001
_MOST_MM: Final = 100.0
_MOST_PX: Final = MAX_STEP
_DECIMALS: Final = 3
SIZE, NUMBER, ALL = range(3)
_KINDS: Final = (
    "Bins of a fixed size",
    "A fixed number of bins",
    "All 256 gray levels",
)
_KINDS_TIP: Final = (
    "How gray levels are put together before neighbours are compared.\n"
    "Bins of a fixed size keep the meaning of the gray scale: a level is the same "
    "brightness in every image of the scanner.\n"
    "A fixed number of bins spreads each ROI's own range, which takes out gain and "
    "offset, and with them the echo intensity.\n"
    "All 256 keep every gray level apart; small ROIs then have few pairs of each."
)


def spin_box(low: int, high: int, suffix: str, tip: str) -> QSpinBox:
    """Return a field for a whole number."""
    box = QSpinBox()
    box.setRange(low, high)
    box.setSuffix(suffix)
    box.setToolTip(tip)
    # Typing 16 is not to compute with 1 first.
    box.setKeyboardTracking(False)
    return box


class FamilyBoxes(QWidget):
    """A check box a family of features."""

    value_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setVerticalSpacing(2)
        self.boxes: dict[str, QCheckBox] = {}
        rows = -(-len(FAMILIES) // _COLUMNS)
        for number, family in enumerate(FAMILIES):
            # In a narrow dock there is no room for the abbreviation.
            box = QCheckBox(LABELS[family].partition(" (")[0])
            box.setToolTip(f"{LABELS[family]}: {ABOUT[family]}")
            box.toggled.connect(self._on_toggled)
            layout.addWidget(box, number % rows, number // rows)
            self.boxes[family] = box

    def chosen(self) -> tuple[str, ...]:
        """Return the ticked families; there may be none."""
        return tuple(name for name, box in self.boxes.items() if box.isChecked())

    def value(self) -> tuple[str, ...]:
        """Return the ticked families.

        Raises
        ------
        MeasureError
            If there is none.
        """
        chosen = self.chosen()
        if not chosen:
            raise MeasureError("No family of features is ticked; tick at least one.")
        return chosen

    def set_value(self, families: tuple[str, ...]) -> None:
        """Tick other families, without telling anyone."""
        for family, box in self.boxes.items():
            with QSignalBlocker(box):
                box.setChecked(family in families)

    def _on_toggled(self) -> None:
        self.value_changed.emit()


class LevelsField(QWidget):
    """How gray levels become levels: by bins of a size, by their number, or not."""

    value_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setToolTip(_KINDS_TIP)
        self.kind = QComboBox()
        self.kind.addItems(_KINDS)
        self.kind.setToolTip(_KINDS_TIP)
        self.size = spin_box(
            1, 128, " wide",
            "Gray levels in a bin. 8 makes 32 levels of the whole gray scale.",
        )  # fmt: skip
        self.origin = spin_box(
            0, 255, "",
            "Gray level at which the first bin begins. No pixel of an ROI may be "
            "darker than this.",
        )  # fmt: skip
        self.origin.setPrefix("from ")
        self.number = spin_box(
            2, 256, " bins", "Bins between the darkest and brightest pixel of the ROI."
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.kind)
        below = QHBoxLayout()
        for field in (self.size, self.origin, self.number):
            # Qt asks for more than a narrow dock has.
            field.setMinimumWidth(_LEAST_WIDTH)
            below.addWidget(field, 1)
        layout.addLayout(below)
        self.number.setValue(_DEFAULT_NUMBER)
        self.kind.activated.connect(self._on_edited)
        for field in (self.size, self.origin, self.number):
            field.valueChanged.connect(self._on_edited)

    def value(self) -> dict[str, Any]:
        """Return the settings by name."""
        kind = self.kind.currentIndex()
        if kind == NUMBER:
            return {"bin_number": self.number.value()}
        if kind == ALL:
            return {"bin_size": 1, "origin": 0}
        return {"bin_size": self.size.value(), "origin": self.origin.value()}

    def set_value(self, settings: TextureSettings) -> None:
        """Show other settings, without telling anyone."""
        kind = SIZE
        if settings.bin_number is not None:
            kind = NUMBER
        elif (settings.bin_size, settings.origin) == (1, 0):
            kind = ALL
        self.kind.setCurrentIndex(kind)
        size = DEFAULT_BIN_SIZE if kind != SIZE else settings.bin_size
        for field, number in (
            (self.size, size),
            (self.origin, settings.origin if kind == SIZE else 0),
            (self.number, settings.bin_number or _DEFAULT_NUMBER),
        ):
            with QSignalBlocker(field):
                field.setValue(number)
        self._show_needed()

    def _on_edited(self) -> None:
        self._show_needed()
        self.value_changed.emit()

    def _show_needed(self) -> None:
        kind = self.kind.currentIndex()
        self.size.setVisible(kind == SIZE)
        self.origin.setVisible(kind == SIZE)
        self.number.setVisible(kind == NUMBER)


class DistanceField(QWidget):
    """How far the pixels of a pair are apart, in px or in mm."""

    value_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        tip = (
            "How far apart the two pixels of a pair are, along rows and columns. In "
            "mm it means the same on every scanner; it is rounded to whole pixels."
        )
        self.setToolTip(tip)
        self.px = spin_box(1, _MOST_PX, "", tip)
        self.mm = QDoubleSpinBox()
        self.mm.setRange(_LEAST_MM, _MOST_MM)
        self.mm.setDecimals(_DECIMALS)
        self.mm.setSingleStep(0.1)
        self.mm.setValue(0.5)
        self.mm.setToolTip(tip)
        self.mm.setKeyboardTracking(False)
        self.unit = QComboBox()
        self.unit.addItems(["px", "mm"])
        self.unit.setToolTip("Unit of the distance; mm needs a calibrated image.")
        self.steps = MessageLabel()
        self._spacing_mm: tuple[float, float] | None = None
        self._told_mm: float | None = None
        row = QHBoxLayout()
        for field in (self.px, self.mm):
            row.addWidget(field, 1)
        row.addWidget(self.unit)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self.steps)
        self.unit.activated.connect(self._on_edited)
        for box in (self.px, self.mm):
            box.valueChanged.connect(self._on_edited)
        self._show_needed()

    @property
    def in_mm(self) -> bool:
        """Whether the distance is in mm."""
        return self.unit.currentIndex() == 1

    def value(self) -> dict[str, Any]:
        """Return the settings by name."""
        if self.in_mm:
            typed = round(self.mm.value(), _DECIMALS)
            # A preset may have more decimals than the field shows.
            told = self._told_mm
            same = told is not None and round(told, _DECIMALS) == typed
            return {"distance_mm": told if same else typed}
        return {"distance_px": self.px.value()}

    def set_value(self, settings: TextureSettings) -> None:
        """Show other settings, without telling anyone."""
        self._told_mm = settings.distance_mm
        with QSignalBlocker(self.px), QSignalBlocker(self.mm):
            self.px.setValue(settings.distance_px)
            if settings.distance_mm is not None:
                self.mm.setValue(settings.distance_mm)
        self.unit.setCurrentIndex(int(settings.distance_mm is not None))
        self._show_needed()

    def set_spacing(self, spacing_mm: tuple[float, float] | None) -> None:
        """Use the scale of another image."""
        if spacing_mm != self._spacing_mm:
            self._spacing_mm = spacing_mm
            self._show_needed()

    def _on_edited(self) -> None:
        self._show_needed()
        self.value_changed.emit()

    def _show_needed(self) -> None:
        self.px.setVisible(not self.in_mm)
        self.mm.setVisible(self.in_mm)
        # Without a scale a preset in mm is refused in words, not taken for px.
        self.unit.model().item(1).setEnabled(self._spacing_mm is not None)
        if not self.in_mm:
            self.steps.show_message("")
            return
        try:
            text = offset_text(self.value()["distance_mm"], self._spacing_mm)
        except MuscleUSError as error:
            self.steps.show_message(str(error))
        else:
            self.steps.show_message(text, warning=False)
