"""All settings of texture maps in one form; knows no viewer."""

from __future__ import annotations

from typing import Final

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QFormLayout, QLabel, QSpinBox, QWidget

from napari_muscle_us._napari.panels._texmap_fields import LevelField, WindowField
from napari_muscle_us._napari.panels._texmap_work import MapSettings
from napari_muscle_us._napari.panels._widgets import widget_row

_MOST_DISTANCE: Final = 99
_DISTANCE_TIP: Final = (
    "How far the two pixels of a pair are apart; the mean of the four directions is "
    "shown. Without meaning for maps of single pixels."
)
_SHARE_TIP: Final = (
    "A window at the edge of the ROI is cut off. It has a value only if it still "
    "holds this share of the pairs of a full window; 100 % leaves full windows only."
)


class MapForm:
    """The fields of the settings, which a page lays out, and their value."""

    def __init__(self) -> None:
        self.window = WindowField()
        self.levels = LevelField()
        self.distance = _whole(1, _MOST_DISTANCE, " px", _DISTANCE_TIP)
        self.share = _whole(0, 100, " %", _SHARE_TIP)

    @property
    def signals(self) -> tuple[Signal, ...]:
        """What tells of a change by the user."""
        return (
            self.window.changed,
            self.levels.changed,
            self.distance.valueChanged,
            self.share.valueChanged,
        )

    def add_to(self, form: QFormLayout) -> None:
        """Add the rows that are always seen."""
        form.addRow("Window", self.window)
        form.addRow("Levels", self.levels)
        distance = widget_row(self.distance, QLabel("mean of 4 directions"))
        form.addRow("Distance", distance)

    def advanced(self) -> QWidget:
        """Return the rows that few need."""
        rows = QWidget()
        inner = QFormLayout(rows)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.addRow("Least share of pairs", self.share)
        return rows

    def set_spacing(self, spacing_mm: tuple[float, float] | None) -> None:
        """Take the scale of the image, ``None`` where it has none."""
        self.window.set_spacing(spacing_mm)

    def value(self) -> MapSettings:
        """Return the settings as they are shown."""
        window_px, window_mm = self.window.value()
        bin_size, bin_number = self.levels.value()
        return MapSettings(
            window_px=window_px,
            window_mm=window_mm,
            bin_size=bin_size,
            bin_number=bin_number,
            distance_px=self.distance.value(),
            min_share=self.share.value() / 100,
        )

    def set_value(self, settings: MapSettings) -> None:
        """Show other settings without telling anyone."""
        if self.window.value() != (settings.window_px, settings.window_mm):
            self.window.set_value(settings.window_px, settings.window_mm)
        if self.levels.value() != (settings.bin_size, settings.bin_number):
            self.levels.set_value(settings.bin_size, settings.bin_number)
        for box, value in (
            (self.distance, settings.distance_px),
            (self.share, round(settings.min_share * 100)),
        ):
            with QSignalBlocker(box):
                box.setValue(value)


def _whole(low: int, high: int, suffix: str, tip: str) -> QSpinBox:
    box = QSpinBox()
    box.setRange(low, high)
    box.setSuffix(suffix)
    box.setKeyboardTracking(False)
    box.setToolTip(tip)
    return box
