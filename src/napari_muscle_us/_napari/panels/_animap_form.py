"""All settings of the maps of direction; knows no viewer."""

from __future__ import annotations

from typing import Final

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QDoubleSpinBox, QFormLayout, QSpinBox, QWidget

from napari_muscle_us._napari.panels._animap_fields import LengthField, ShareField
from napari_muscle_us._napari.panels._animap_work import (
    LineSettings,
    MapSettings,
    TensorSettings,
)
from napari_muscle_us._napari.panels._widgets import widget_row

_KERNELS: Final = {
    "cubic_spline": ("Cubic spline", "true to 0.01° also for fine lines"),
    "gaussian": (
        "Gaussian",
        "smooths by the scale below, so that it sees less speckle",
    ),
    "sobel": ("Sobel", "difference of the neighbours, smoothed a little"),
    "scharr": ("Scharr", "as Sobel, more even over the directions"),
    "finite_difference": ("Two neighbours", "half their difference; plain and fast"),
}
_WINDOWS: Final = {"gaussian": "Gaussian of this σ", "orientationj": "As OrientationJ"}
_WINDOW_TIP: Final = (
    "How far around each pixel its direction is taken from (σ of a Gaussian). Small "
    "windows show small things and scatter more; large ones are smooth."
)
_SCALE_TIP: Final = (
    "How much the image is smoothed before its slopes are taken, only with the kernel "
    "Gaussian. Larger ones leave out speckle and fine lines."
)
_KERNEL_TIP: Final = "How the slope of the gray levels is taken:\n" + "\n".join(
    f"{name}: {what}" for name, what in _KERNELS.values()
)
_SHAPE_TIP: Final = (
    "OrientationJ's window is 1.7 times wider than its σ says; choose it to get the "
    "numbers of that plugin."
)
_STEP_TIP: Final = "How far lines are apart, in mm; in pixels without a scale."
_LEAST_TIP: Final = (
    "A line is drawn only where the coherency is at least this: 0 anywhere, 1 only in "
    "straight parallel lines."
)
_STEPS_MM: Final = (0.2, 50.0)
_STEPS_PX: Final = (3, 500)


class MapForm:
    """The fields of the settings, which a page lays out, and their value."""

    def __init__(self) -> None:
        start = TensorSettings()
        self.sigma = LengthField(start.sigma_px, _WINDOW_TIP)
        self.kernel = QComboBox()
        for key, (name, _) in _KERNELS.items():
            self.kernel.addItem(name, key)
        self.kernel.setToolTip(_KERNEL_TIP)
        self.scale = LengthField(start.gradient_sigma_px, _SCALE_TIP)
        self.shape = QComboBox()
        for key, name in _WINDOWS.items():
            self.shape.addItem(name, key)
        self.shape.setToolTip(_SHAPE_TIP)
        self.step_mm = QDoubleSpinBox()
        self.step_mm.setRange(*_STEPS_MM)
        self.step_mm.setDecimals(1)
        self.step_mm.setSingleStep(0.1)
        self.step_mm.setSuffix(" mm")
        self.step_px = QSpinBox()
        self.step_px.setRange(*_STEPS_PX)
        self.step_px.setSuffix(" px")
        for box in (self.step_mm, self.step_px):
            box.setKeyboardTracking(False)
            box.setToolTip(_STEP_TIP)
        self.least = ShareField(_LEAST_TIP)
        self.set_value(MapSettings())
        self.set_spacing(None)

    @property
    def signals(self) -> tuple[Signal, ...]:
        """What tells of a change by the user."""
        return (
            self.sigma.changed,
            self.kernel.activated,
            self.scale.changed,
            self.shape.activated,
            self.step_mm.valueChanged,
            self.step_px.valueChanged,
            self.least.changed,
        )

    def add_to(self, form: QFormLayout) -> None:
        """Add the rows that are always seen."""
        form.addRow("Window σ", self.sigma)
        form.addRow("Kernel", self.kernel)
        form.addRow("Gradient σ", self.scale)

    def lines(self) -> QWidget:
        """Return the rows of the lines."""
        rows, inner = _rows()
        inner.addRow("Grid", widget_row(self.step_mm, self.step_px))
        inner.addRow("Least coherency", self.least)
        return rows

    def advanced(self) -> QWidget:
        """Return the rows that few need."""
        rows, inner = _rows()
        inner.addRow("Shape of window", self.shape)
        return rows

    def set_spacing(self, spacing_mm: tuple[float, float] | None) -> None:
        """Take the scale of the image, ``None`` where it has none."""
        for field in (self.sigma, self.scale):
            field.set_spacing(spacing_mm)
        self.step_mm.setVisible(spacing_mm is not None)
        self.step_px.setVisible(spacing_mm is None)

    def value(self) -> MapSettings:
        """Return the settings as they are shown."""
        sigma_px, sigma_mm = self.sigma.value()
        scale_px, scale_mm = self.scale.value()
        self._arrange()
        tensor = TensorSettings(
            sigma_px=sigma_px,
            sigma_mm=sigma_mm,
            gradient=str(self.kernel.currentData()),
            gradient_sigma_px=scale_px,
            gradient_sigma_mm=scale_mm,
            window=str(self.shape.currentData()),
        )
        step_mm, step_px = round(self.step_mm.value(), 1), self.step_px.value()
        return MapSettings(tensor, LineSettings(step_mm, step_px, self.least.value()))

    def set_value(self, settings: MapSettings) -> None:
        """Show other settings without telling anyone."""
        tensor, lines = settings.tensor, settings.lines
        for field, length in (
            (self.sigma, (tensor.sigma_px, tensor.sigma_mm)),
            (self.scale, (tensor.gradient_sigma_px, tensor.gradient_sigma_mm)),
        ):
            if field.value() != length:
                field.set_value(*length)
        self.kernel.setCurrentIndex(self.kernel.findData(tensor.gradient))
        self.shape.setCurrentIndex(self.shape.findData(tensor.window))
        for box, step in (
            (self.step_mm, lines.step_mm),
            (self.step_px, lines.step_px),
        ):
            with QSignalBlocker(box):
                box.setValue(step)
        self.least.set_value(lines.least)
        self._arrange()

    def _arrange(self) -> None:
        # Only this kernel has a scale.
        self.scale.setEnabled(self.kernel.currentData() == "gaussian")


def _rows() -> tuple[QWidget, QFormLayout]:
    rows = QWidget()
    inner = QFormLayout(rows)
    inner.setContentsMargins(0, 0, 0, 0)
    return rows, inner
