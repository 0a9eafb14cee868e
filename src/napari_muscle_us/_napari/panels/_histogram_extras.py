"""Choosers for what the histogram panel tells beyond ImageJ's numbers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from qtpy.QtCore import QSignalBlocker, Signal
from qtpy.QtWidgets import QCheckBox, QGridLayout, QLineEdit, QWidget

from napari_muscle_us._napari.panels._measure_options import DEFAULT_PERCENTILES
from napari_muscle_us._napari.panels._widgets import MessageLabel
from napari_muscle_us.errors import MeasureError, MuscleUSError
from napari_muscle_us.measure.gray_levels import (
    DEFAULT_BANDS,
    Band,
    band_from_text,
    checked_bands,
    checked_percentage,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_muscle_us.measure_options import MeasureOptions

_NUMBER: Final = re.compile(r"\d{1,3}(\.\d*)?|\.\d+", re.ASCII)
_TIPS: Final = {
    "standard_error": (
        "How well the mean is known, shown as ±. It is computed when the ROI stands "
        "still."
    ),
    "above_black": "Leaves out pixels of level 0, to reproduce the Radboud workflow.",
    "heterogeneity": "Echovariation 100 · SD / mean, and entropy of the gray levels.",
    "percentiles": "Percentages of pixels, such as 5, 25, 75, 95.",
    "bands": (
        "Share of the pixels in bands of gray levels, such as 0-50, 51-100. Both ends "
        "belong to the band."
    ),
}


def percentiles_from_text(text: str) -> tuple[float, ...]:
    """Return the percentages that a text lists.

    Raises
    ------
    MeasureError
        If there is none, or one is not possible.
    """
    parts = [part for part in re.split(r"[,;\s]+", text.strip()) if part]
    if not parts:
        raise MeasureError("There is no percentile; type some, such as 5, 25, 75, 95.")
    wrong = [part for part in parts if not _NUMBER.fullmatch(part)]
    if wrong:
        raise MeasureError(
            f"The percentile {wrong[0]!r} is no number; type some, such as 5, 25, 97.5."
        )
    return tuple(dict.fromkeys(checked_percentage(float(part)) for part in parts))


def bands_from_text(text: str) -> tuple[Band, ...]:
    """Return the bands that a text lists.

    Raises
    ------
    MeasureError
        If there is none, one is not possible, or two overlap.
    """
    parts = [part.strip() for part in re.split(r"[,;]", text) if part.strip()]
    if not parts:
        raise MeasureError("There is no band; type some, such as 0-50, 51-100.")
    return checked_bands([band_from_text(part) for part in parts])


def _percentile_text(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def _band_text(bands: tuple[Band, ...]) -> str:
    return ", ".join(f"{low}-{high}" for low, high in bands)


class ExtrasBox(QWidget):
    """Lets the user choose further measures; shows those of the session."""

    changed = Signal(dict)
    """Options that the user changed."""

    def __init__(self) -> None:
        super().__init__()
        self._error = QCheckBox("Standard error of the mean")
        self._heterogeneity = QCheckBox("Echovariation and entropy")
        self._above_black = QCheckBox("Mean without black pixels (Radboud)")
        self._lists = {
            "percentiles": _ListField(
                "Percentiles",
                _percentile_text(DEFAULT_PERCENTILES),
                percentiles_from_text,
            ),
            "bands": _ListField("EI bands", _band_text(DEFAULT_BANDS), bands_from_text),
        }
        self._message = MessageLabel()
        self._lay_out()
        self._error.toggled.connect(self._on_error)
        self._heterogeneity.toggled.connect(self._on_heterogeneity)
        self._above_black.toggled.connect(self._on_above_black)
        for field in self._lists.values():
            field.check.toggled.connect(self._on_lists)
            field.text.editingFinished.connect(self._on_lists)

    def _lay_out(self) -> None:
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(self._error, 0, 0, 1, 2)
        grid.addWidget(self._heterogeneity, 1, 0, 1, 2)
        grid.addWidget(self._above_black, 2, 0, 1, 2)
        self._above_black.setToolTip(_TIPS["above_black"])
        self._error.setToolTip(_TIPS["standard_error"])
        self._heterogeneity.setToolTip(_TIPS["heterogeneity"])
        for row, (name, field) in enumerate(self._lists.items(), 3):
            grid.addWidget(field.check, row, 0)
            grid.addWidget(field.text, row, 1)
            field.check.setToolTip(_TIPS[name])
            field.text.setToolTip(_TIPS[name])
        grid.addWidget(self._message, 5, 0, 1, 2)

    def set_options(self, options: MeasureOptions) -> None:
        """Show what the session measures, without telling anyone."""
        for check, on in (
            (self._error, options.standard_error),
            (self._heterogeneity, options.heterogeneity),
            (self._above_black, options.above_black),
        ):
            with QSignalBlocker(check):
                check.setChecked(on)
        self._lists["percentiles"].show(
            options.percentiles, _percentile_text(options.percentiles)
        )
        self._lists["bands"].show(options.bands, _band_text(options.bands))

    def _on_error(self, on: bool) -> None:
        self.changed.emit({"standard_error": on})

    def _on_heterogeneity(self, on: bool) -> None:
        self.changed.emit({"heterogeneity": on})

    def _on_above_black(self, on: bool) -> None:
        self.changed.emit({"above_black": on})

    def _on_lists(self) -> None:
        changes: dict[str, Any] = {}
        problems = []
        for name, field in self._lists.items():
            try:
                changes[name] = field.value()
            except MuscleUSError as error:
                # Nothing is shown for it: the old numbers would not be what is typed.
                changes[name] = ()
                problems.append(str(error))
        self._message.show_message(" ".join(problems))
        self.changed.emit(changes)


class _ListField:
    """A check box, and a list that counts while it is checked."""

    def __init__(
        self, title: str, text: str, parse: Callable[[str], tuple[Any, ...]]
    ) -> None:
        self.check = QCheckBox(title)
        self.text = QLineEdit(text)
        self._parse = parse

    def value(self) -> tuple[Any, ...]:
        """Return the list, empty while it is not checked."""
        return self._parse(self.text.text()) if self.check.isChecked() else ()

    def show(self, value: tuple[Any, ...], text: str) -> None:
        """Show a list that was set elsewhere; what is typed and wrong stays."""
        try:
            known = self.value()
        except MuscleUSError:
            known = ()
        if value == known:
            return
        with QSignalBlocker(self.check):
            self.check.setChecked(bool(value))
        if value:
            with QSignalBlocker(self.text):
                self.text.setText(text)
