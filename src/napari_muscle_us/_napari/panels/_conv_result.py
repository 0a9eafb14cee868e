"""The line in words, and a value carried over by hand."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_muscle_us._napari.panels._conv_work import Fitted
from napari_muscle_us._napari.panels._widgets import MessageLabel
from napari_muscle_us.io.spreadsheet import number_of

if TYPE_CHECKING:
    from napari_muscle_us._napari.panels._conv_work import Phantom
    from napari_muscle_us.reference.conversion.device_conversion import DeviceConversion


class ResultLabel(QLabel):
    """All numbers of a conversion, and what to know about them."""

    def __init__(self) -> None:
        super().__init__()
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setWordWrap(True)
        self.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def show_result(
        self, names: tuple[str, str], found: DeviceConversion, made: Fitted | Phantom
    ) -> None:
        """Show a conversion and what it was made from."""
        rows = [*_numbers(names, found), *_agreement(names, made)]
        table = "".join(
            f"<tr><td>{escape(name)}&nbsp;&nbsp;</td><td>{escape(text)}</td></tr>"
            for name, text in rows
        )
        told = [f"⚠ {found.remark}"] if found.remark else []
        if isinstance(made, Fitted):
            told = [*(f"⚠ {text}" for text in made.fit.warnings), *made.fit.notes]
        notes = "".join(f"<p>{escape(text)}</p>" for text in told)
        first = f"<b>{escape(_equation(names, found))}</b>"
        self.setText(f"{first}<table cellspacing='2'>{table}</table>{notes}")


def _equation(names: tuple[str, str], found: DeviceConversion) -> str:
    sign = "−" if found.intercept < 0 else "+"
    return (
        f"{names[1]} = {found.slope:.4g} × {names[0]} {sign} {abs(found.intercept):.4g}"
    )


def _numbers(names: tuple[str, str], found: DeviceConversion) -> list[tuple[str, str]]:
    units = _units(found.unit)
    people = f"{found.n_pairs} muscles of {found.n_subjects} people"
    span = found.source_range
    return [
        ("Slope", f"{found.slope:.4g}{_interval(found.slope_interval)}"),
        (
            "Intercept",
            f"{_plain(found.intercept)} {units}{_interval(found.intercept_interval)}",
        ),
        (
            "Made from",
            people if found.n_subjects else f"{found.n_pairs} targets of a phantom",
        ),
        ("Holds for", f"{span.low:.4g} to {span.high:.4g} {units} on {names[0]}"),
        (
            "Scatter",
            f"SD {found.residual_sd:.3g} {units} on {names[0]}, "
            f"{found.slope * found.residual_sd:.3g} on {names[1]}; Z-scores carry it",
        ),
    ]


def _agreement(names: tuple[str, str], made: Fitted | Phantom) -> list[tuple[str, str]]:
    if not isinstance(made, Fitted):
        return []
    what = f"{names[1]} − {names[0]}"
    return [
        (
            title,
            found.words(made.unit).replace("-", "−").replace("The difference", told),
        )
        for title, told, found in (
            ("Before", what, made.fit.before),
            ("After", f"{what} converted", made.fit.after),
        )
    ]


def _interval(ends: tuple[float, float]) -> str:
    return f" (95 % interval {_plain(ends[0])} to {_plain(ends[1])})"


def _plain(value: float) -> str:
    return f"{value:.4g}".replace("-", "−")


def _units(unit: str) -> str:
    return "gray levels" if unit == "gray level" else unit


class CheckBox(QWidget):
    """A value on one scanner, and what the other would have shown."""

    def __init__(self) -> None:
        super().__init__()
        self._conversion: DeviceConversion | None = None
        self._lines = QLineEdit(), QLineEdit()
        self._labels = QLabel(), QLabel()
        self._note = MessageLabel()
        row = QHBoxLayout()
        for label, line in zip(self._labels, self._lines, strict=True):
            line.setMaxLength(30)
            line.setMaximumWidth(90)
            line.setToolTip(
                "Type a value to see what the other scanner would have shown. Outside "
                "the range that was compared nothing is converted."
            )
            row.addWidget(label)
            row.addWidget(line)
        row.insertWidget(2, QLabel("⇄"))
        row.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(row)
        layout.addWidget(self._note)
        # Only what the user types; what is set here does not come back.
        self._lines[0].textEdited.connect(self._on_first)
        self._lines[1].textEdited.connect(self._on_second)

    def set_conversion(
        self, conversion: DeviceConversion, names: tuple[str, str]
    ) -> None:
        """Carry values over with another conversion."""
        self._conversion = conversion
        for label, line, name in zip(self._labels, self._lines, names, strict=True):
            label.setText(name if len(name) < 16 else f"{name[:14]}…")
            label.setToolTip(name)
            line.clear()
        self._note.show_message("")

    def _on_first(self, text: str) -> None:
        self._carry(text, 1)

    def _on_second(self, text: str) -> None:
        self._carry(text, 0)

    def _carry(self, text: str, place: int) -> None:
        """Show in a field what the other one becomes."""
        other, found = self._lines[place], self._conversion
        other.clear()
        if found is None or not text.strip():
            self._note.show_message("")
            return
        if place == 0:
            found = found.inverse()
        number = number_of(text)
        if number is None or number != number:
            self._note.show_message(
                f"{text.strip()[:30]!r} is not a number; type digits only."
            )
            return
        if problem := found.problem_of(number):
            self._note.show_message(problem)
            return
        other.setText(f"{found.convert(number):.2f}")
        half = 1.96 * found.slope * found.residual_sd
        self._note.show_message(
            f"95 % of single muscles lie within ± {half:.1f} of it.", warning=False
        )
