"""The person among healthy people: their distribution, or their course along age."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us._napari.panels._histogram_plot import PlotCanvas, style_axes
from napari_muscle_us._napari.panels._z_healthy import healthy_ages, healthy_values
from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    from napari_muscle_us._napari.panels._z_healthy import ShownScore
    from napari_muscle_us.reference.distribution import HealthyCourse
    from napari_muscle_us.reference.model import ZScore

_BAND: Final = "#5cc26c"
_SUBJECT: Final = "#f2a33a"
_LEFT_PX: Final = 40
"""Room for gray levels beside the axis."""
_TOP_PX: Final = 8
_MARGIN_PX: Final = 42
_FAINT: Final = 0.18


class ReferencePlot(PlotCanvas):
    """Shows healthy people, the interval that holds 95 % of them, and the person."""

    along_age: bool = False

    def __init__(self) -> None:
        super().__init__()
        self._shown: ShownScore | None = None
        self._problem = ""

    def value(self) -> ShownScore | None:
        """Return what is shown."""
        return self._shown

    def problem(self) -> str:
        """Return why there is nothing to see, ``""`` where there is."""
        return self._problem

    def set_value(self, shown: ShownScore | None) -> None:
        """Draw a Z-score; an empty plot for none."""
        self._shown = shown
        self._problem = ""
        self.figure.clear()
        # Clearing a figure takes its margins, too.
        self.set_margins()
        if shown is not None:
            try:
                self._draw(shown)
            except MuscleUSError as error:
                self._problem = str(error)
                self._say(str(error))
        self.draw_idle()

    def set_foreground(self, colour: str) -> None:
        """Use another text colour."""
        self.foreground = colour
        self.set_value(self._shown)

    def set_margins(self) -> None:
        """Leave room for the numbers at the axes, in pixels."""
        super().set_margins()
        width, height = max(self.width(), 60), max(self.height(), 60)
        self.figure.subplots_adjust(
            bottom=_MARGIN_PX / height, top=1 - _TOP_PX / height
        )
        if self.along_age:
            self.figure.subplots_adjust(left=_LEFT_PX / width)

    def _draw(self, shown: ShownScore) -> None:
        values, density = healthy_values(shown)
        axes = self.figure.add_subplot()
        draw_distribution(axes, shown.score, values, density, self.foreground)
        style_axes(axes, self.foreground)

    def _say(self, text: str) -> None:
        self.figure.clear()
        self.figure.text(
            0.5, 0.5, text, wrap=True, ha="center", va="center", fontsize=9,
            color=self.foreground,
        )  # fmt: skip


class AgePlot(ReferencePlot):
    """Shows healthy people of all ages, and the person at the own age."""

    along_age = True

    def _draw(self, shown: ShownScore) -> None:
        course = healthy_ages(shown)
        axes = self.figure.add_subplot()
        draw_course(axes, course, self.foreground)
        draw_person(axes, shown)
        style_axes(axes, self.foreground)


def draw_distribution(
    axes: Any, score: ZScore, values: Any, density: Any, foreground: str
) -> None:
    """Draw how many healthy people have which value."""
    low, high = score.interval
    # An end that the set does not reach lies outside of what it tells.
    low, high = (
        (-math.inf if math.isnan(low) else low),
        (math.inf if math.isnan(high) else high),
    )
    inside = (values >= low) & (values <= high)
    axes.plot(values, density, color=foreground, lw=1)
    axes.fill_between(values, density, where=inside, color=_BAND, alpha=0.45, lw=0)
    axes.axvline(score.predicted, color=foreground, lw=0.8, ls=":")
    axes.axvline(score.value, color=_SUBJECT, lw=2)
    axes.set_yticks([])
    axes.set_xlim(
        min(values[0], score.value - score.sd), max(values[-1], score.value + score.sd)
    )
    axes.set_ylim(0)
    axes.set_xlabel(axis_label(score), fontsize=8)


def draw_course(axes: Any, course: HealthyCourse, foreground: str) -> None:
    """Draw median, interval and Z −2 and +2 of healthy people along age."""
    x = course.x
    axes.fill_between(x, course.low, course.high, color=_BAND, alpha=0.35, lw=0)
    axes.plot(x, course.predicted, color=foreground, lw=1.2)
    for z in (-2.0, 2.0):
        axes.plot(x, course.at_z[z], color=foreground, lw=0.8, ls="--")
    for start, end in ((x[0], course.warn[0]), (course.warn[1], x[-1])):
        if start < end:
            axes.axvspan(start, end, color=foreground, alpha=_FAINT, lw=0)
    axes.set_xlim(x[0], x[-1])
    axes.set_xlabel("Age (years)", fontsize=8)


def draw_person(axes: Any, shown: ShownScore) -> None:
    """Draw the person as a dot; as a line where the age is not known."""
    age, value = shown.request.subject.age_years, shown.score.value
    if age is None:
        axes.axhline(value, color=_SUBJECT, lw=1.6)
    else:
        axes.plot([age], [value], "o", color=_SUBJECT, ms=8, clip_on=False, zorder=5)
    low, high = axes.get_ylim()
    room = np.ptp([low, high]) * 0.05
    axes.set_ylim(min(low, value - room), max(high, value + room))


def axis_label(score: ZScore) -> str:
    """Return what stands below the axis of values."""
    return f"{score.unit[:1].upper()}{score.unit[1:]}"
