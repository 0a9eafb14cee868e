"""Age, sex, height and weight, typed by the user."""

from __future__ import annotations

from typing import Final

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QGridLayout, QLabel, QLineEdit, QWidget

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.subject import SEXES, Subject

_NUMBERS: Final = (
    ("age_years", "Age (years)"),
    ("height_cm", "Height (cm)"),
    ("weight_kg", "Weight (kg)"),
)


class SubjectForm(QWidget):
    """Edits a subject; every field may stay empty."""

    value_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._fields = {name: QLineEdit() for name, _ in _NUMBERS}
        self._sex = QComboBox()
        self._sex.addItems(["", *SEXES])
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        cells = [(label, self._fields[name]) for name, label in _NUMBERS]
        cells.insert(1, ("Sex", self._sex))
        for number, (label, field) in enumerate(cells):
            row, column = divmod(number, 2)
            grid.addWidget(QLabel(label), row, 2 * column)
            grid.addWidget(field, row, 2 * column + 1)
        for field in self._fields.values():
            field.textChanged.connect(self._on_changed)
        self._sex.currentIndexChanged.connect(self._on_changed)

    def value(self) -> Subject:
        """Return the subject.

        Raises
        ------
        ReferenceSetError
            If a field is no number or an impossible one.
        """
        numbers = {
            name: _number(self._fields[name].text(), label) for name, label in _NUMBERS
        }
        return Subject(sex=self._sex.currentText() or None, **numbers)

    def set_value(self, subject: Subject) -> None:
        """Show a subject without announcing it."""
        for name, field in self._fields.items():
            number = getattr(subject, name)
            with QSignalBlocker(field):
                field.setText("" if number is None else f"{number:g}")
        with QSignalBlocker(self._sex):
            self._sex.setCurrentText(subject.sex or "")

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
