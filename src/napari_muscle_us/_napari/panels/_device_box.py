"""The device profile: what the file tells, and what the user completes."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Final

from qtpy.QtWidgets import QFormLayout, QLineEdit, QVBoxLayout, QWidget

from napari_muscle_us._napari.panels._widgets import (
    MessageLabel,
    button_row,
    report,
    tell,
)
from napari_muscle_us.device.profiles import (
    ProfileStore,
    ScannerProfile,
    complete,
    default_profile_path,
)
from napari_muscle_us.errors import ImageReadError, MuscleUSError
from napari_muscle_us.image import Device

if TYPE_CHECKING:
    from napari_muscle_us._napari._session import Session
    from napari_muscle_us.image import UltrasoundImage

_LABELS: Final = {
    "manufacturer": "Maker",
    "model": "Model",
    "software": "Software",
    "transducer": "Transducer",
    "preset": "Preset",
    "depth_mm": "Depth (mm)",
    "gain_db": "Gain (dB)",
    "dynamic_range_db": "Dynamic range (dB)",
    "frequency_mhz": "Frequency (MHz)",
    "mechanical_index": "Mechanical index",
}
_LONGEST_NAME: Final = 64
_NUMBERS: Final = tuple(
    f.name for f in fields(Device) if f.name.endswith(("_mm", "_db", "_mhz", "_index"))
)


class DeviceBox(QWidget):
    """Edits the device profile of the session's current image.

    What the file tells cannot be changed here; empty fields can be filled.
    """

    def __init__(self, session: Session, store: ProfileStore | None = None) -> None:
        super().__init__()
        self._session = session
        self._store = store
        self._edits = {name: QLineEdit() for name in _LABELS}
        self._message = MessageLabel()
        form = QFormLayout()
        for name, label in _LABELS.items():
            self._edits[name].setPlaceholderText("the file does not tell")
            form.addRow(label, self._edits[name])
        form.addRow(
            button_row(
                ("Use", "Complete the device of this image.", self.use),
                ("Remember", "Keep this for the scanner's next images.", self.remember),
                ("Recall", "Fill in what was kept for this scanner.", self.recall),
            )
        )
        # Not a row of the form, which would cut a sentence that grows.
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(form)
        layout.addWidget(self._message)

    def refresh(self) -> None:
        """Show the device of the current image."""
        image = _image(self._session)
        for name, edit in self._edits.items():
            value = None if image is None else getattr(image.device, name)
            edit.setText(_text(value))
            by_user = image is not None and name in image.device_by_user
            edit.setReadOnly(value is not None and not by_user)
            edit.setToolTip(
                "Completed by hand."
                if by_user
                else "As the file tells it."
                if value is not None
                else "The file does not tell; type it if you know it."
            )
        self.setEnabled(image is not None)

    def value(self) -> Device:
        """Return the profile as it is typed.

        Raises
        ------
        ImageReadError
            If a number is not one.
        """
        typed: dict[str, Any] = {name: self._typed(name) for name in _LABELS}
        return Device(**typed)

    def _typed(self, name: str) -> str | float | None:
        text = self._edits[name].text().strip()
        if not text:
            return None
        if name not in _NUMBERS:
            return text
        try:
            number = float(text.replace(",", "."))
        except ValueError:
            number = float("nan")
        # Gain can be below zero; nothing else can.
        if not abs(number) < 1e6 or (number < 0 and name != "gain_db"):
            raise ImageReadError(
                f"{_LABELS[name]} {text!r} is not a usable number; correct it or leave "
                "it empty."
            )
        return number

    def use(self) -> None:
        """Complete the device of the current image."""
        report(self._use)

    def _use(self) -> None:
        self._session.image()
        image = self._session.clip
        typed = self.value()
        by_user = tuple(
            name
            for name in _LABELS
            if getattr(typed, name) is not None
            and (getattr(image.device, name) is None or name in image.device_by_user)
        )
        # What the file tells stays to the last digit, whatever the field shows.
        told = dict.fromkeys(image.device_by_user)
        base = replace(image.device, **told)
        new = replace(base, **{name: getattr(typed, name) for name in by_user})
        self._session.complete_device(new, by_user)
        self._message.show_message("")

    def remember(self) -> None:
        """Keep the profile for this scanner."""
        report(self._remember)

    def _remember(self) -> None:
        device = self.value()
        if not device.is_known:
            raise ImageReadError(
                "A scanner needs a maker or a model to be remembered by; type them."
            )
        # What belongs to one image is not the scanner's.
        kept = replace(device, depth_mm=None, mechanical_index=None)
        parts = (str(device), device.transducer, device.preset)
        name = ", ".join(part for part in parts if part)[:_LONGEST_NAME]
        self._profiles().save(ScannerProfile(name=name, device=kept))
        self._message.show_message(self._profiles().notice)
        tell(f"Remembered {device}")

    def recall(self) -> None:
        """Fill in what was kept for this scanner."""
        report(self._recall)

    def _recall(self) -> None:
        device = self.value()
        profile = self._profiles().match(device)
        self._message.show_message(self._profiles().notice)
        if profile is None:
            raise ImageReadError(f"Nothing is kept for {device}; press Remember once.")
        full = complete(device, profile)
        for name, edit in self._edits.items():
            edit.setText(_text(getattr(full, name)))

    def _profiles(self) -> ProfileStore:
        if self._store is None:
            self._store = ProfileStore(default_profile_path())
        return self._store


def _image(session: Session) -> UltrasoundImage | None:
    try:
        return session.clip
    except MuscleUSError:
        return None


def _text(value: object) -> str:
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)
