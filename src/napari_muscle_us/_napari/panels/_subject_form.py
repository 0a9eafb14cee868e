"""Age, sex, height, weight and handedness, typed by the user."""

from __future__ import annotations

from typing import Final

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QGridLayout, QLabel, QLineEdit, QWidget

from napari_muscle_us._napari.panels._z_combo import CalmComboBox
from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.subject import SEXES, Subject

_NUMBERS: Final = (
    ("age_years", "Age (years)"),
    ("height_cm", "Height (cm)"),
    ("weight_kg", "Weight (kg)"),
)
_HANDS: Final = ("right", "left")
_TIPS: Final = {
    "Age (years)": "Age on the day of the scan; with decimals if you like.",
    "Sex": "As the reference values tell people apart. Leave empty if not known.",
    "Height (cm)": "Body height in centimetres, not metres.",
    "Weight (kg)": "Body weight in kilograms.",
    "Handedness": "The hand that the person writes with. Leave empty for somebody who "
    "prefers neither. Only reference sets that tell the dominant side from the other "
    "need it.",
}


class SubjectForm(QWidget):
    """Edits a subject; every field may stay empty."""

    value_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._fields = {name: QLineEdit() for name, _ in _NUMBERS}
        self._sex = CalmComboBox()
        self._sex.addItems(["", *SEXES])
        self._hand = CalmComboBox()
        self._hand.addItems(["", *_HANDS])
        self._hand_label = QLabel("Handedness")
        self._lay_out()
        for field in self._fields.values():
            field.textChanged.connect(self._on_changed)
        self._sex.currentIndexChanged.connect(self._on_changed)
        self._hand.currentIndexChanged.connect(self._on_changed)

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        cells: list[tuple[QLabel, QWidget]] = [
            (QLabel(label), self._fields[name]) for name, label in _NUMBERS
        ]
        cells.insert(1, (QLabel("Sex"), self._sex))
        cells.append((self._hand_label, self._hand))
        for number, (label, field) in enumerate(cells):
            row, column = divmod(number, 2)
            grid.addWidget(label, row, 2 * column)
            grid.addWidget(field, row, 2 * column + 1)
            for widget in (label, field):
                widget.setToolTip(_TIPS[label.text()])
        for column in (1, 3):
            grid.setColumnStretch(column, 1)

    def value(self) -> Subject:
        """Return the subject.

        Raises
        ------
        ReferenceSetError
            If a field is no number or an impossible one.
        """
        age, height, weight = (
            _number(self._fields[name].text(), label) for name, label in _NUMBERS
        )
        sex, hand = self._sex.currentText(), self._hand.currentText()
        return Subject(age, sex or None, height, weight, hand or None)

    def set_value(self, subject: Subject) -> None:
        """Show a subject without announcing it."""
        for name, field in self._fields.items():
            number = getattr(subject, name)
            with QSignalBlocker(field):
                field.setText("" if number is None else f"{number:.12g}")
        for combo, word in (
            (self._sex, subject.sex),
            (self._hand, subject.handedness),
        ):
            with QSignalBlocker(combo):
                combo.setCurrentText(word or "")

    def show_handedness(self, *, wanted: bool) -> None:
        """Show the field of handedness if it is wanted or filled in."""
        shown = wanted or bool(self._hand.currentText())
        self._hand.setVisible(shown)
        self._hand_label.setVisible(shown)

    def _on_changed(self, *_: object) -> None:
        self.value_changed.emit()


def _number(text: str, label: str) -> float | None:
    text = text.strip()
    if not text:
        return None
    try:
        # Half of the world types a decimal comma.
        return float(text.replace(",", "."))
    except ValueError:
        raise ReferenceSetError(
            f"{label} {text!r} is not a number; type digits only."
        ) from None
