"""The numbers of a Z-score, each with its name and unit."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QGridLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from napari_muscle_us.reference.model import ZScore

NO_VALUE: Final = "–"
_ONE_Z: Final = "One unit of Z"
_TIPS: Final = {
    "Echo intensity": "Mean gray level of the ROI, as it was measured.",
    "Carried over": "The echo intensity as the scanner of the reference set would "
    "have shown it, by the device conversion.",
    "Predicted": "Median of healthy people like this one.",
    "SD": "",
    "95 % of healthy": "95 of 100 healthy people like this one lie between.",
    "Percentile": "Share of healthy people like this one with a lower value.",
}


class NumbersView(QWidget):
    """Shows a Z-score, large, and the numbers it is made of."""

    def __init__(self) -> None:
        super().__init__()
        self._names = {name: QLabel(name) for name in _TIPS}
        self._values = {name: QLabel(NO_VALUE) for name in _TIPS}
        self._z = QLabel()
        self._z.setTextFormat(Qt.TextFormat.RichText)
        self._z.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._z.setToolTip(
            "How many SD the value lies above (+) or below (−) that of healthy people."
        )
        numbers = QGridLayout()
        numbers.setVerticalSpacing(2)
        for row, (name, tip) in enumerate(_TIPS.items()):
            for column, label in enumerate((self._names[name], self._values[name])):
                label.setTextFormat(Qt.TextFormat.PlainText)
                label.setToolTip(tip)
                numbers.addWidget(label, row, column)
        for label in (self._z, *self._values.values()):
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        numbers.setColumnStretch(1, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        # Above, not beside: numbers with units need the whole width of a dock.
        layout.addWidget(self._z)
        layout.addLayout(numbers)
        self.set_value(None)

    def text(self, name: str) -> str:
        """Return a number as it is shown, and ``"Z"`` for the large one."""
        return str((self._z if name == "Z" else self._values[name]).text())

    def name_of_sd(self) -> str:
        """Return what the SD is called."""
        return str(self._names["SD"].text())

    def set_measured(self, mean: float | None) -> None:
        """Show the echo intensity of the ROI, ``None`` where there is no ROI."""
        text = NO_VALUE if mean is None else f"{mean:.2f} gray level"
        self._values["Echo intensity"].setText(text)

    def set_value(self, score: ZScore | None) -> None:
        """Show a Z-score, ``None`` for none."""
        shown = "no Z-score" if score is None else _signed(score.z)
        # The application's style sheet sets the font of labels, so size is markup.
        self._z.setText(f"<b style='font-size: 20pt'>{shown}</b>")
        converted = score is not None and bool(score.conversion)
        for label in (self._names["Carried over"], self._values["Carried over"]):
            label.setVisible(converted)
        self._name_sd("SD of prediction" if score is None else score.sd_label)
        texts = dict.fromkeys(list(_TIPS)[1:], NO_VALUE)
        if score is not None:
            texts = _texts(score)
        for name, text in texts.items():
            self._values[name].setText(text)

    def _name_sd(self, sd_label: str) -> None:
        short = sd_label.partition(",")[0]
        name = f"{short[:1].upper()}{short[1:]}" if "SD" in short else _ONE_Z
        self._names["SD"].setText(name)
        tip = f"What one unit of Z is at the prediction: {sd_label}."
        for label in (self._names["SD"], self._values["SD"]):
            label.setToolTip(tip)


def wrapped_label(text: str) -> QLabel:
    """Return a label that takes more lines instead of more width."""
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    policy.setHeightForWidth(True)
    label.setSizePolicy(policy)
    return label


def _texts(score: ZScore) -> dict[str, str]:
    unit = score.unit
    return {
        "Carried over": f"{score.value:.2f} {unit}",
        "Predicted": f"{score.predicted:.2f} {unit}",
        "SD": f"{score.sd:.2f} {unit}",
        "95 % of healthy": _interval(score),
        "Percentile": _percent(score.percentile),
    }


def _interval(score: ZScore) -> str:
    low, high = score.interval
    if math.isnan(low) and math.isnan(high):
        return "not reached by the set"
    if math.isnan(low):
        return f"up to {high:.1f} {score.unit}"
    if math.isnan(high):
        return f"from {low:.1f} {score.unit}"
    return f"{low:.1f} to {high:.1f} {score.unit}"


def _signed(z: float) -> str:
    """Return Z with a real minus sign."""
    return f"Z = {z:+.2f}".replace("-", "−")


def _percent(percentile: float) -> str:
    if percentile > 99.9:
        return "> 99.9 %"
    if percentile < 0.1:
        return "< 0.1 %"
    return f"{percentile:.1f} %"
