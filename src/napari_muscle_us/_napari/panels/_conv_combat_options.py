"""How ComBat corrects: what it learns from, what it moves, and to where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QCheckBox, QFormLayout, QVBoxLayout, QWidget

from napari_muscle_us._napari.panels._conv_source import fill_combo, narrow_combo

if TYPE_CHECKING:
    from collections.abc import Sequence

_NO_REFERENCE: Final = "none: all are moved"


class CombatOptions(QWidget):
    """Edits the options of ComBat."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._bayes = QCheckBox("Learn from all features (empirical Bayes)")
        self._bayes.setChecked(True)
        self._bayes.setToolTip(
            "With many features and few people this steadies the correction. Untick it "
            "for a single feature."
        )
        self._mean_only = QCheckBox("Shift only, without stretching")
        self._mean_only.setToolTip(
            "Take away what a scanner adds, and leave how far its values spread."
        )
        self._reference = narrow_combo(
            "The scanner whose values stay as they are, the others being brought to it."
        )
        form = QFormLayout()
        form.addRow("Bring to", self._reference)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._bayes)
        layout.addWidget(self._mean_only)
        layout.addLayout(form)
        self._bayes.toggled.connect(self._on_changed)
        self._mean_only.toggled.connect(self._on_changed)
        self._reference.currentIndexChanged.connect(self._on_changed)

    def _on_changed(self, *_: object) -> None:
        self.changed.emit()

    def offer(self, batches: Sequence[str]) -> None:
        """Offer the scanners of a table, none of them chosen."""
        fill_combo(self._reference, [_NO_REFERENCE, *batches], _NO_REFERENCE)

    @property
    def empirical_bayes(self) -> bool:
        """Whether all features steady each other."""
        return bool(self._bayes.isChecked())

    @property
    def mean_only(self) -> bool:
        """Whether values are only moved."""
        return bool(self._mean_only.isChecked())

    @property
    def reference_batch(self) -> str | None:
        """The scanner that the others are brought to."""
        chosen = self._reference.currentIndex() > 0
        return str(self._reference.currentText()) if chosen else None

    def set_value(
        self,
        *,
        empirical_bayes: bool = True,
        mean_only: bool = False,
        reference_batch: str = "",
    ) -> None:
        """Choose how it is harmonised."""
        self._bayes.setChecked(empirical_bayes)
        self._mean_only.setChecked(mean_only)
        self._reference.setCurrentText(reference_batch or _NO_REFERENCE)
