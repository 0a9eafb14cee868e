"""The plot of a Z-score, a switch between its two views, and its caption."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qtpy.QtWidgets import QHBoxLayout, QRadioButton, QSizePolicy, QVBoxLayout, QWidget

from napari_muscle_us._napari.panels._plot import PlotHolder
from napari_muscle_us._napari.panels._widgets import MessageLabel
from napari_muscle_us._napari.panels._z_healthy import ShownScore, uses_age
from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    from napari_muscle_us._napari.panels._z_plot import ReferencePlot

_VALUES_TIP: Final = "How many healthy people like this one have which value."
_AGES_TIP: Final = "Healthy people of all ages, all else as of this person."
_VALUES: Final = "Green: 95 % of healthy people like this one. Orange: this ROI."
_AGES: Final = (
    "Line: median; green: 95 %; dashed: Z −2 and +2 of healthy people. Gray: outside "
    "the ages of the sample. Orange: this ROI."
)
_NO_AGE: Final = " The model does not use age."
_UNKNOWN: Final = " The age is not known."
_CONVERTED: Final = " The error of the conversion widens them."


class ScoreView(QWidget):
    """Shows a Z-score among healthy people, in one of two views."""

    def __init__(self) -> None:
        super().__init__()
        # Else napari puts empty space below a panel that is docked by itself.
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self._shown: ShownScore | None = None
        self._values = QRadioButton("Healthy people")
        self._values.setToolTip(_VALUES_TIP)
        self._ages = QRadioButton("Along age")
        self._ages.setToolTip(_AGES_TIP)
        self._values.setChecked(True)
        self._caption = MessageLabel()
        self._plots = {
            False: PlotHolder[ShownScore | None](_make_values),
            True: PlotHolder[ShownScore | None](_make_ages),
        }
        switch = QHBoxLayout()
        switch.addWidget(self._values)
        switch.addWidget(self._ages)
        switch.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(switch)
        for holder in self._plots.values():
            layout.addWidget(holder, 1)
        layout.addWidget(self._caption)
        self._ages.toggled.connect(self._on_switched)
        self._on_switched()

    def value(self) -> ShownScore | None:
        """Return what is shown."""
        return self._shown

    def set_value(self, shown: ShownScore | None) -> None:
        """Show a Z-score in the view that is chosen."""
        self._shown = shown
        self._show()

    def show_ages(self, *, wanted: bool) -> None:
        """Choose the view along age, or that of the distribution."""
        (self._ages if wanted else self._values).setChecked(True)

    def plot(self) -> ReferencePlot:
        """Return the plot of the view that is chosen, made now if need be."""
        plot: ReferencePlot = self._plots[self._ages.isChecked()].plot()
        return plot

    def caption(self) -> str:
        """Return the words below the plot."""
        return str(self._caption.text())

    def set_foreground(self, colour: str) -> None:
        """Use another text colour."""
        for holder in self._plots.values():
            holder.set_foreground(colour)

    def _on_switched(self, *_: object) -> None:
        for along_age, holder in self._plots.items():
            holder.setVisible(along_age == self._ages.isChecked())
        self._show()

    def _show(self) -> None:
        self._plots[self._ages.isChecked()].set_value(self._shown)
        self._caption.show_message(self._words(), warning=False)

    def _words(self) -> str:
        shown = self._shown
        if shown is None:
            return ""
        words = _AGES if self._ages.isChecked() else _VALUES
        if shown.request.conversion is not None:
            words += _CONVERTED
        if not self._ages.isChecked():
            return words
        try:
            words += "" if uses_age(shown) else _NO_AGE
        except MuscleUSError:
            return ""  # The plot says why there is nothing to see.
        return words + (_UNKNOWN if shown.request.subject.age_years is None else "")


def _make_values() -> QWidget:
    from napari_muscle_us._napari.panels._z_plot import ReferencePlot

    return ReferencePlot()


def _make_ages() -> QWidget:
    from napari_muscle_us._napari.panels._z_plot import AgePlot

    return AgePlot()
