"""The reference distribution with the subject in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us._napari.panels._histogram_plot import PlotCanvas, style_axes

if TYPE_CHECKING:
    from napari_muscle_us.reference.model import ZScore

_BAND: Final = "#5cc26c"
_SUBJECT: Final = "#f2a33a"
_REACH: Final = 3.6


class ReferencePlot(PlotCanvas):
    """Shows healthy people's echo intensity, its 95 % interval, and the subject."""

    def __init__(self) -> None:
        super().__init__()
        self._score: ZScore | None = None

    def set_value(self, score: ZScore | None) -> None:
        """Draw a Z-score; an empty plot for none."""
        self._score = score
        self.figure.clear()
        # Clearing a figure takes its margins, too.
        self.set_margins()
        if score is None:
            self.draw_idle()
            return
        axes = self.figure.add_subplot()
        foreground = self.foreground
        reach = _REACH * score.sd
        low = min(score.predicted - reach, score.echo_intensity - score.sd)
        high = max(score.predicted + reach, score.echo_intensity + score.sd)
        x = np.linspace(low, high, 300)
        density = student_density(x, score)
        inside = (x >= score.interval[0]) & (x <= score.interval[1])
        axes.plot(x, density, color=foreground, lw=1)
        axes.fill_between(x, density, where=inside, color=_BAND, alpha=0.45, lw=0)
        axes.axvline(score.predicted, color=foreground, lw=0.8, ls=":")
        axes.axvline(score.echo_intensity, color=_SUBJECT, lw=2)
        axes.set_yticks([])
        axes.set_xlim(low, high)
        axes.set_ylim(0)
        axes.set_xlabel(
            "Gray level; green: 95 % of healthy people, orange: this ROI", fontsize=8
        )
        style_axes(axes, foreground)
        self.draw_idle()

    def set_foreground(self, colour: str) -> None:
        """Use another text colour."""
        self.foreground = colour
        self.set_value(self._score)


def student_density(x: np.ndarray, score: ZScore) -> np.ndarray:
    """Return the density of a healthy person's echo intensity, its peak at 1."""
    df = score.degrees_of_freedom
    t = (x - score.predicted) / score.sd
    return np.asarray((1 + t * t / df) ** (-(df + 1) / 2))
