"""The settings of texture maps: window and levels; knows no viewer."""

from __future__ import annotations

from typing import Final

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QLabel, QSpinBox, QWidget

from napari_muscle_us._napari.panels._map_fields import (
    PxOrMmField,
    set_up_box,
    silent,
    slider_row,
    stack,
    tipped_slider,
)
from napari_muscle_us._napari.panels._texmap_work import MapSettings, levels_text
from napari_muscle_us.errors import MuscleUSError
from napari_muscle_us.measure.texture.maps import window_size_px

_WINDOWS_PX: Final = (3, 2047)
_SLIDER_PX: Final = 151
"""Where the slider ends; larger windows are typed."""

_TENTHS: Final = 10
_WINDOWS_MM: Final = (0.1, 99.9)
_SLIDER_MM: Final = 15.0
_SIZE, _NUMBER, _ALL = range(3)
_SIZES: Final = (2, 64)
_NUMBERS: Final = (2, 256)
_WINDOW_TIP: Final = (
    "Side of the square around each pixel that its value is computed from. Small "
    "windows show small things and scatter more; large ones are smooth."
)
_MODE_TIP: Final = (
    "How the 256 gray levels are put together. Bins of a fixed size keep the meaning "
    "of the gray scale; a fixed number of bins spreads the range of this image or ROI, "
    "so that gain matters less."
)
_COUNT_TIP: Final = "Gray levels in a bin, or number of bins."


class WindowField(PxOrMmField):
    """The side of the window, in pixels or mm; tells what it comes to."""

    def __init__(self) -> None:
        px, mm = QSpinBox(), QDoubleSpinBox()
        px.setRange(*_WINDOWS_PX)
        px.setSingleStep(2)
        mm.setRange(*_WINDOWS_MM)
        mm.setDecimals(1)
        mm.setSingleStep(1 / _TENTHS)
        super().__init__(px, mm, _WINDOW_TIP)
        self.set_value(MapSettings().window_px, None)

    def value(self) -> tuple[int, float | None]:
        """Return the side in pixels, and in mm if that is the unit."""
        mm = round(self._mm.value(), 1) if self._in_mm() else None
        return self._px.value() | 1, mm

    def _set_px(self, px: float) -> None:
        self._px.setValue(round(px) | 1)

    def _show_on_slider(self) -> None:
        if self._in_mm():
            self._slider.setRange(1, round(_SLIDER_MM * _TENTHS))
            self._slider.setValue(round(self._mm.value() * _TENTHS))
        else:
            # An even number that was typed becomes odd.
            self._set_px(self._px.value())
            self._slider.setRange(1, _SLIDER_PX // 2)
            self._slider.setValue(self._px.value() // 2)

    def _take_from_slider(self, value: int) -> None:
        if self._in_mm():
            self._mm.setValue(value / _TENTHS)
        else:
            self._px.setValue(2 * value + 1)

    def _tell(self) -> None:
        self._size.setText(self._describe())

    def _describe(self) -> str:
        px, mm = self.value()
        try:
            rows, columns = window_size_px(
                window_px=px, window_mm=mm, spacing_mm=self._spacing
            )
        except MuscleUSError:
            return "–"
        size = f"{rows} × {columns} px"
        if self._spacing is None:
            return size
        high, wide = rows * self._spacing[0], columns * self._spacing[1]
        return (
            f"{size} = {high:.2g} × {wide:.2g} mm"
            if high < 1
            else (f"{size} = {high:.1f} × {wide:.1f} mm")
        )


class LevelField(QWidget):
    """How gray levels become levels."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._mode = QComboBox()
        self._mode.addItems(["Bins of a size", "Number of bins", "All 256 levels"])
        self._mode.setToolTip(_MODE_TIP)
        self._slider = tipped_slider(_COUNT_TIP)
        self._size = _whole(_SIZES, MapSettings().bin_size)
        self._number = _whole(_NUMBERS, 32)
        self._levels = QLabel()
        self._levels.setToolTip("Levels that the whole gray scale has.")
        # Beside the list a slider would be too short to be dragged to a number.
        row = slider_row(self._slider, self._size, self._number)
        stack(self, self._mode, row, self._levels)
        self._mode.activated.connect(self._on_mode)
        self._slider.valueChanged.connect(self._on_slider)
        for box in (self._size, self._number):
            box.valueChanged.connect(self._on_mode)
        self._arrange()

    def value(self) -> tuple[int, int | None]:
        """Return the size of a bin, and the number of bins if that is fixed."""
        mode = self._mode.currentIndex()
        number = self._number.value() if mode == _NUMBER else None
        return (1 if mode == _ALL else self._size.value()), number

    def set_value(self, size: int, number: int | None) -> None:
        """Show other bins without telling anyone."""
        with silent(self._mode, self._size, self._number):
            if number is not None:
                self._mode.setCurrentIndex(_NUMBER)
                self._number.setValue(number)
            else:
                self._mode.setCurrentIndex(_ALL if size == 1 else _SIZE)
                if size > 1:
                    self._size.setValue(size)
        self._arrange()

    def _arrange(self) -> None:
        mode = self._mode.currentIndex()
        self._size.setVisible(mode == _SIZE)
        self._number.setVisible(mode == _NUMBER)
        self._slider.setVisible(mode != _ALL)
        box = self._number if mode == _NUMBER else self._size
        with silent(self._slider):
            self._slider.setRange(box.minimum(), box.maximum())
            self._slider.setValue(box.value())
        self._tell()

    def _tell(self) -> None:
        size, number = self.value()
        text = levels_text(MapSettings(bin_size=size, bin_number=number))
        over = "the range of the image or ROI" if number else "gray levels 0 to 255"
        self._levels.setText(f"{text} over {over}")

    def _on_slider(self, value: int) -> None:
        box = self._number if self._mode.currentIndex() == _NUMBER else self._size
        with silent(box):
            box.setValue(value)
        self._tell()
        self.changed.emit()

    def _on_mode(self) -> None:
        self._arrange()
        self.changed.emit()


def _whole(limits: tuple[int, int], value: int) -> QSpinBox:
    box = QSpinBox()
    box.setRange(*limits)
    box.setValue(value)
    set_up_box(box, _COUNT_TIP)
    return box
