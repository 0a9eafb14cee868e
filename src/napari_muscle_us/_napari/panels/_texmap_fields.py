"""The settings of texture maps: window, levels, distance; knows no viewer."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from qtpy.QtCore import QSignalBlocker, Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QHBoxLayout,
    QLabel,
    QSlider,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_muscle_us._napari.panels._texmap_work import MapSettings, levels_text
from napari_muscle_us.errors import MuscleUSError
from napari_muscle_us.measure.texture.maps import window_size_px

if TYPE_CHECKING:
    from collections.abc import Iterator

_WINDOWS_PX: Final = (3, 2047)
_SLIDER_PX: Final = 151
"""Where the slider ends; larger windows are typed."""

_TENTHS: Final = 10
_WINDOWS_MM: Final = (0.1, 99.9)
_SLIDER_MM: Final = 15.0
_PX, _MM = range(2)
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


class WindowField(QWidget):
    """The side of the window, in pixels or mm; tells what it comes to."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._spacing: tuple[float, float] | None = None
        self._slider = _slider(_WINDOW_TIP)
        self._px = QSpinBox()
        self._px.setRange(*_WINDOWS_PX)
        self._px.setSingleStep(2)
        self._mm = QDoubleSpinBox()
        self._mm.setRange(*_WINDOWS_MM)
        self._mm.setDecimals(1)
        self._mm.setSingleStep(1 / _TENTHS)
        self._unit = QComboBox()
        self._unit.addItems(["px", "mm"])
        self._unit.setToolTip("Pixels, or mm where the image has a scale.")
        self._size = QLabel()
        for box in (self._px, self._mm):
            box.setToolTip(_WINDOW_TIP)
            box.setKeyboardTracking(False)
        row = _row(self._slider, self._px, self._mm, self._unit)
        _stack(self, row, self._size)
        self._slider.valueChanged.connect(self._on_slider)
        self._px.valueChanged.connect(self._on_box)
        self._mm.valueChanged.connect(self._on_box)
        self._unit.activated.connect(self._on_unit)
        self.set_value(MapSettings().window_px, None)

    def value(self) -> tuple[int, float | None]:
        """Return the side in pixels, and in mm if that is the unit."""
        mm = round(self._mm.value(), 1) if self._unit.currentIndex() == _MM else None
        return self._px.value() | 1, mm

    def set_value(self, px: int, mm: float | None) -> None:
        """Show another window without telling anyone."""
        with _silent(self._slider, self._px, self._mm, self._unit):
            self._unit.setCurrentIndex(_PX if mm is None else _MM)
            self._px.setValue(px)
            if mm is not None:
                self._mm.setValue(mm)
        self._arrange()

    def set_spacing(self, spacing_mm: tuple[float, float] | None) -> None:
        """Take the scale of the image, ``None`` where it has none."""
        self._spacing = spacing_mm
        self._arrange()

    def _arrange(self) -> None:
        in_mm = self._unit.currentIndex() == _MM
        self._px.setVisible(not in_mm)
        self._mm.setVisible(in_mm)
        # A unit already in mm stays, and the reason why there is no map is told.
        self._unit.setEnabled(self._spacing is not None or in_mm)
        with _silent(self._slider, self._px):
            if in_mm:
                self._slider.setRange(1, round(_SLIDER_MM * _TENTHS))
                self._slider.setValue(round(self._mm.value() * _TENTHS))
            else:
                self._px.setValue(self._px.value() | 1)
                self._slider.setRange(1, _SLIDER_PX // 2)
                self._slider.setValue(self._px.value() // 2)
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

    def _on_slider(self, value: int) -> None:
        with _silent(self._px, self._mm):
            if self._unit.currentIndex() == _MM:
                self._mm.setValue(value / _TENTHS)
            else:
                self._px.setValue(2 * value + 1)
        self._size.setText(self._describe())
        self.changed.emit()

    def _on_box(self) -> None:
        self._arrange()
        self.changed.emit()

    def _on_unit(self) -> None:
        """Keep the window about as large as it was."""
        if self._spacing is not None:
            with _silent(self._px, self._mm):
                if self._unit.currentIndex() == _MM:
                    self._mm.setValue(self._px.value() * self._spacing[0])
                else:
                    self._px.setValue(round(self._mm.value() / self._spacing[0]) | 1)
        self._on_box()


class LevelField(QWidget):
    """How gray levels become levels."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._mode = QComboBox()
        self._mode.addItems(["Bins of a size", "Number of bins", "All 256 levels"])
        self._mode.setToolTip(_MODE_TIP)
        self._slider = _slider(_COUNT_TIP)
        self._size = _whole(_SIZES, MapSettings().bin_size)
        self._number = _whole(_NUMBERS, 32)
        self._levels = QLabel()
        self._levels.setToolTip("Levels that the whole gray scale has.")
        # Beside the list a slider would be too short to be dragged to a number.
        row = _row(self._slider, self._size, self._number)
        _stack(self, self._mode, row, self._levels)
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
        with _silent(self._mode, self._size, self._number):
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
        with _silent(self._slider):
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
        with _silent(box):
            box.setValue(value)
        self._tell()
        self.changed.emit()

    def _on_mode(self) -> None:
        self._arrange()
        self.changed.emit()


@contextmanager
def _silent(*widgets: QWidget) -> Iterator[None]:
    """Change widgets without their telling of it."""
    blockers = [QSignalBlocker(widget) for widget in widgets]
    try:
        yield
    finally:
        for blocker in blockers:
            blocker.unblock()


def _slider(tip: str) -> QSlider:
    slider = QSlider(Qt.Orientation.Horizontal)
    slider.setMinimumWidth(60)
    slider.setToolTip(tip)
    return slider


def _whole(limits: tuple[int, int], value: int) -> QSpinBox:
    box = QSpinBox()
    box.setRange(*limits)
    box.setValue(value)
    box.setKeyboardTracking(False)
    box.setToolTip(_COUNT_TIP)
    return box


def _row(*widgets: QWidget) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget, 1 if isinstance(widget, QSlider) else 0)
    return row


def _stack(parent: QWidget, *widgets: QWidget) -> None:
    layout = QVBoxLayout(parent)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(2)
    for widget in widgets:
        layout.addWidget(widget)
