"""Who made a reference set, with which scanner, from whom."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QComboBox, QFormLayout, QLineEdit, QWidget

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.load import builtin_references

if TYPE_CHECKING:
    from napari_muscle_us.image import Device
    from napari_muscle_us.reference.parts import DeviceBinding

LICENCES: Final = ("CC BY 4.0", "CC0 1.0", "CC BY-NC 4.0", "For our own use only")
_LONGEST_NAME: Final = 64
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]*")
_FIELDS: Final = (
    (
        "name",
        "Short name*",
        "our-lab-adult",
        "Small letters, digits and hyphens; results rows bear it.",
    ),
    ("title", "Title*", "Healthy adults, our laboratory", "What it is, in a line."),
    ("manufacturer", "Manufacturer*", "Esaote", "As the images' files tell it."),
    (
        "models",
        "Models*",
        "MyLab 60, MyLab 70",
        "Scanner, as the images' files tell it; several with commas.",
    ),
    (
        "transducers",
        "Transducers",
        "left out: not compared",
        "Several with commas; left out, it is not compared with the image.",
    ),
    (
        "presets",
        "Presets",
        "left out: not compared",
        "Several with commas; left out, it is not compared with the image.",
    ),
    ("author", "Author*", "who made it", "Who answers for these values."),
    ("citation", "Citation", "Not published.", "Where they are published."),
    ("description", "People", "Healthy controls.", "Who was measured."),
    ("country", "Country", "", "Where they live."),
    ("exclusion", "Exclusion", "neuromuscular disease, …", "Who was not measured."),
    ("protocol", "Protocol", "supine, relaxed; transverse; …", "How was measured."),
)
_WORDS: Final = {
    "name": "a short name",
    "title": "a title",
    "manufacturer": "the scanner's manufacturer",
    "models": "the scanner's model",
    "author": "the author",
    "licence": "a licence",
}


@dataclass(frozen=True, slots=True)
class SetFacts:
    """What a reference set tells beside its numbers, by names of `reference_from_fit`.

    Attributes
    ----------
    device : DeviceBinding
        Scanner and settings.
    texts : dict of str to str
        All else; blank ones are left out.
    """

    device: DeviceBinding
    texts: dict[str, str]


class FactsForm(QWidget):
    """Fields of what a reference set tells beside its numbers; * must be filled in."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(4)
        self._fields: dict[str, QLineEdit] = {}
        self._licence = QComboBox()
        self._licence.setEditable(True)
        self._licence.addItems(["", *LICENCES])
        self._licence.setToolTip("Under which licence others may use it.")
        for name, label, example, tip in _FIELDS:
            field = QLineEdit()
            field.setPlaceholderText(example)
            field.setToolTip(tip)
            field.textChanged.connect(self._on_changed)
            form.addRow(label, field)
            self._fields[name] = field
            if name == "author":
                form.addRow("Licence*", self._licence)
        self._licence.currentTextChanged.connect(self._on_changed)

    def _on_changed(self, *_: object) -> None:
        self.changed.emit()

    def fill(self, **texts: str) -> None:
        """Fill in fields that are still blank."""
        for name, text in texts.items():
            if name == "licence":
                if not self._licence.currentText():
                    self._licence.setCurrentText(text)
            elif text and not self._fields[name].text():
                self._fields[name].setText(text)

    def fill_device(self, device: Device) -> None:
        """Fill in the scanner of an image, where its fields are still blank."""
        told = (device.manufacturer or "", device.model or "")
        if not all(told) or self._fields["manufacturer"].text():
            return
        self.fill(
            manufacturer=told[0],
            # A comma parts names, and a name may hold one.
            models=told[1].replace(",", " "),
            transducers=(device.transducer or "").replace(",", " "),
            presets=(device.preset or "").replace(",", " "),
            name=slug(f"{told[0]} {told[1]} own"),
            title=f"Healthy controls, {told[0]} {told[1]}",
        )

    def value(self) -> SetFacts:
        """Return what was typed.

        Raises
        ------
        ReferenceSetError
            If something that is needed is blank, or the short name is none.
        """
        texts = {name: field.text().strip() for name, field in self._fields.items()}
        texts["licence"] = self._licence.currentText().strip()
        blank = [word for name, word in _WORDS.items() if not texts[name]]
        if blank:
            *most, last = blank
            told = f"{', '.join(most)} and {last}" if most else last
            raise ReferenceSetError(f"Fill in {told}.")
        check_name(texts["name"])
        device = device_of(texts)
        for name in ("manufacturer", "models", "transducers", "presets"):
            del texts[name]
        return SetFacts(device, {name: text for name, text in texts.items() if text})


def slug(text: str) -> str:
    """Return a short name made of a text.

    Examples
    --------
    >>> slug("Philips EPIQ 5G (own)")
    'philips-epiq-5g-own'
    """
    return re.sub(r"[^a-z0-9]+", "-", text.casefold()).strip("-")[:_LONGEST_NAME]


def check_name(name: str) -> None:
    """Refuse what is no short name, or one that is taken.

    Raises
    ------
    ReferenceSetError
        With a name that would do.
    """
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        near = slug(name)
        hint = f"such as {near}" if near else "such as our-lab-adult"
        raise ReferenceSetError(
            f"The short name {name[:60]!r} is not possible; use small letters, digits "
            f"and hyphens, {hint}."
        )
    if name in builtin_references():
        raise ReferenceSetError(
            f"{name!r} is a set that comes with the program; choose another name."
        )


def device_of(texts: dict[str, str]) -> DeviceBinding:
    """Return the scanner of a set.

    Raises
    ------
    ReferenceSetError
        If a name is too long or tears a line.
    """
    from pydantic import ValidationError

    from napari_muscle_us.reference.parts import DeviceBinding

    several: dict[str, Any] = {
        name: tuple(part.strip() for part in texts[name].split(",") if part.strip())
        for name in ("models", "transducers", "presets")
    }
    try:
        return DeviceBinding(manufacturer=texts["manufacturer"], **several)
    except ValidationError as error:
        place = str(error.errors()[0]["loc"][0])
        raise ReferenceSetError(
            f"The scanner's {place} are not possible; write names of up to 200 "
            "characters, several with commas."
        ) from None
