"""Which column of a table is what: guessed, and changed by the user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QComboBox, QGridLayout, QLabel, QSizePolicy, QWidget

from napari_muscle_us._napari.panels._ref_words import COLUMN_LABELS
from napari_muscle_us._napari.panels._ref_work import (
    FROM_MUSCLES,
    OUR_COLUMNS,
    Opened,
    TableChoice,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_NOT_USED: Final = "–"
_CHOOSE: Final = "choose…"
_FROM_NAMES: Final = "by muscle"
_TIPS: Final = {
    "subject": "Code of the person. Rows of one code are one person, never two.",
    "visit": "Of several visits of a person only the first is used.",
    "muscle": "Name of the muscle.",
    "side": "Left or right, in any of six languages, or L and R.",
    "measure": "What a value is, where the table holds several measures.",
    "value": "The measured value, such as the echo intensity.",
    "unit": "Unit of the value.",
    "age_years": "Age in years. A date of birth is never read.",
    "sex": "Men and women, in any of six languages, or M and F.",
    "height_cm": "Height in cm; another unit is refused.",
    "weight_kg": "Weight in kg; another unit is refused.",
    "handedness": "The hand that the person writes with.",
    "image": "Number of the image, where a muscle was measured on several.",
}
_NARROWEST_PX: Final = 80


class ColumnsGrid(QWidget):
    """A list of the table's columns for each of our names."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._combos = {name: self._combo(name) for name in OUR_COLUMNS}
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(3)
        half = (len(OUR_COLUMNS) + 1) // 2
        for number, name in enumerate(OUR_COLUMNS):
            column, row = divmod(number, half)
            label = QLabel(COLUMN_LABELS[name])
            label.setToolTip(_TIPS[name])
            label.setBuddy(self._combos[name])
            grid.addWidget(label, row, 2 * column)
            grid.addWidget(self._combos[name], row, 2 * column + 1)
        for column in (1, 3):
            grid.setColumnStretch(column, 1)

    def _combo(self, name: str) -> QComboBox:
        combo = QComboBox()
        combo.setToolTip(_TIPS[name])
        # A column's name may be long; the panel stays as narrow as others.
        combo.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        combo.setMinimumWidth(_NARROWEST_PX)
        combo.activated.connect(self._on_activated)
        return combo

    def set_table(self, opened: Opened, unsure: Mapping[str, tuple[str, ...]]) -> None:
        """Offer the columns of a table, with those chosen that fit best.

        Parameters
        ----------
        opened : Opened
            The table.
        unsure : mapping of str to tuple of str
            Our names that several columns fit equally well.
        """
        table = opened.table
        names = [] if table is None else [str(c) for c in table.columns]
        names = [name for name in names if name not in opened.hidden]
        for name, combo in self._combos.items():
            with QSignalBlocker(combo):
                combo.clear()
                combo.addItems([_NOT_USED, *names])
                guessed = opened.guessed.get(name)
                told = opened.wide and name in FROM_MUSCLES
                combo.setPlaceholderText(_FROM_NAMES if told else _CHOOSE)
                if told or name in unsure:
                    combo.setCurrentIndex(-1)
                else:
                    combo.setCurrentIndex(1 + names.index(guessed) if guessed else 0)

    def choose(self, name: str, column: str) -> None:
        """Choose a column as a user does; ``""`` for none."""
        self._combos[name].setCurrentText(column or _NOT_USED)
        self.changed.emit()

    def value(self, measure: str) -> TableChoice:
        """Return what was chosen."""
        columns = {n: c.currentText() for n, c in self._combos.items() if _is_set(c)}
        unused = tuple(n for n, c in self._combos.items() if c.currentIndex() == 0)
        return TableChoice(columns, unused, measure)

    def _on_activated(self, index: int) -> None:
        self.changed.emit()


def _is_set(combo: QComboBox) -> bool:
    return combo.currentIndex() > 0
