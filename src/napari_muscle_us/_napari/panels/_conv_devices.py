"""The two scanners of a conversion: what the table calls them, and what they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QWidget,
)

from napari_muscle_us._napari.panels._conv_work import invalid
from napari_muscle_us.errors import ReferenceSetError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_muscle_us.image import Device
    from napari_muscle_us.reference.parts import DeviceBinding

ENDS: Final = ("From", "To")
_FIELDS: Final = (
    ("manufacturer", "Maker", "Who built the scanner, as its images tell it."),
    (
        "models",
        "Model",
        "As its images tell it. Several names of one scanner: put ; between them.",
    ),
    (
        "transducers",
        "Probe",
        "The probe, where values hold for this one only; blank if it does not matter.",
    ),
    (
        "presets",
        "Preset",
        "The preset, where values hold for this one only; blank if it does not matter.",
    ),
)
_SPANS: Final = ("depth_mm", "frequency_mhz", "gain_db", "dynamic_range_db", "remark")


class DevicePair(QWidget):
    """Names and details of both scanners, side by side."""

    names_changed = Signal()
    swapped = Signal()
    fill_requested = Signal(int, str)
    """Which scanner (0 from, 1 to) is wanted from ``image`` or ``reference``."""

    def __init__(self) -> None:
        super().__init__()
        self._names = tuple(_name_combo() for _ in ENDS)
        self._fields = tuple(
            {field: _line(tip) for field, _, tip in _FIELDS} for _ in ENDS
        )
        self._base: list[DeviceBinding | None] = [None, None]
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(2, 1)
        labels = ["", "Scanner", *(label for _, label, _ in _FIELDS), "Fill in from"]
        for row, label in enumerate(labels):
            grid.addWidget(QLabel(label), row, 0)
        for end, word in enumerate(ENDS):
            grid.addWidget(QLabel(f"<b>{word}</b>"), 0, end + 1)
            grid.addWidget(self._names[end], 1, end + 1)
            for row, (field, _, _) in enumerate(_FIELDS):
                grid.addWidget(self._fields[end][field], row + 2, end + 1)
            self._names[end].currentTextChanged.connect(self.names_changed)
        self._add_buttons(grid, len(labels) - 1)

    def _add_buttons(self, grid: QGridLayout, row: int) -> None:
        for end in range(2):
            image = _button(
                "Shown image",
                "Take maker, model, probe and preset from the image that is shown.",
            )
            reference = _button(
                "Reference set",
                "Take the scanner that the reference set of the Z-scores is of.",
            )
            image.clicked.connect(self._ask_image_to if end else self._ask_image_from)
            reference.clicked.connect(self._ask_set_to if end else self._ask_set_from)
            grid.addWidget(image, row, end + 1)
            grid.addWidget(reference, row + 1, end + 1)
        swap = _button(
            "Swap from and to",
            "Turn the conversion round. The line is fitted again.",
        )
        swap.clicked.connect(self.swap)
        grid.addWidget(swap, row + 2, 1, 1, 2)

    def _ask_image_from(self) -> None:
        self.fill_requested.emit(0, "image")

    def _ask_image_to(self) -> None:
        self.fill_requested.emit(1, "image")

    def _ask_set_from(self) -> None:
        self.fill_requested.emit(0, "reference")

    def _ask_set_to(self) -> None:
        self.fill_requested.emit(1, "reference")

    def names(self) -> tuple[str, str]:
        """Return what the table calls the scanners."""
        first, second = (box.currentText().strip() for box in self._names)
        return first, second

    def offer_names(self, names: Sequence[str]) -> None:
        """Offer the scanners of a table, the first two chosen."""
        for end, box in enumerate(self._names):
            with QSignalBlocker(box):
                box.clear()
                box.addItems(list(names))
                box.setCurrentText(names[end] if end < len(names) else "")
                box.lineEdit().setCursorPosition(0)
        self.names_changed.emit()

    def set_names(self, first: str, second: str) -> None:
        """Choose or type both scanners."""
        for box, name in zip(self._names, (first, second), strict=True):
            box.setCurrentText(name)

    def set_binding(self, end: int, binding: DeviceBinding) -> None:
        """Show a scanner with the settings that values hold for."""
        self._base[end] = binding
        for field, line in self._fields[end].items():
            told = getattr(binding, field)
            _show(line, told if isinstance(told, str) else "; ".join(told))

    def set_device(self, end: int, device: Device) -> None:
        """Show what an image tells of its scanner."""
        self._base[end] = None
        told = (device.manufacturer, device.model, device.transducer, device.preset)
        for line, text in zip(self._fields[end].values(), told, strict=True):
            _show(line, text or "")

    def binding(self, end: int) -> DeviceBinding:
        """Return a scanner as the file names it.

        Raises
        ------
        ReferenceSetError
            If maker or model is blank, or a text does not fit the format.
        """
        from pydantic import ValidationError

        from napari_muscle_us.reference.parts import DeviceBinding

        told = {field: line.text().strip() for field, line in self._fields[end].items()}
        for field, label, _ in _FIELDS[:2]:
            if not told[field]:
                raise ReferenceSetError(
                    f"{label} of the scanner {ENDS[end].lower()!r} is blank; fill it "
                    "in under Scanners, as its images tell it."
                )
        names = {field: _split(told[field]) for field, _, _ in _FIELDS[1:]}
        base, kept = self._base[end], {}
        if base is not None and (base.manufacturer, base.models) == (
            told["manufacturer"],
            names["models"],
        ):
            # Settings without a field of their own hold as long as the scanner does.
            kept = {name: getattr(base, name) for name in _SPANS}
        try:
            return DeviceBinding.model_validate(
                {"manufacturer": told["manufacturer"], **names, **kept}
            )
        except ValidationError as error:
            what = f"The scanner {ENDS[end].lower()!r}"
            raise ReferenceSetError(invalid(what, error)) from None

    def swap(self) -> None:
        """Exchange from and to, with all details."""
        first, second = self.names()
        for box, name in zip(self._names, (second, first), strict=True):
            with QSignalBlocker(box):
                box.setCurrentText(name)
        self._base.reverse()
        for one, other in zip(*(d.values() for d in self._fields), strict=True):
            text = one.text()
            one.setText(other.text())
            other.setText(text)
        self.swapped.emit()


def _name_combo() -> QComboBox:
    box = QComboBox()
    box.setEditable(True)
    box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
    box.setSizeAdjustPolicy(
        QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
    )
    box.setMinimumContentsLength(8)
    box.lineEdit().setMaxLength(100)
    box.setToolTip(
        "The scanner as the table calls it. Values are carried over from the one to "
        "the other."
    )
    return box


def _line(tip: str) -> QLineEdit:
    line = QLineEdit()
    line.setMaxLength(200)
    line.setToolTip(tip)
    return line


def _show(line: QLineEdit, text: str) -> None:
    line.setText(text)
    line.setCursorPosition(0)


def _button(text: str, tip: str) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tip)
    return button


def _split(text: str) -> tuple[str, ...]:
    return tuple(part for name in text.split(";") if (part := name.strip()))
