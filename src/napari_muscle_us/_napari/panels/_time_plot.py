"""Echo intensity over time, with a mark at the shown frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.figure import Figure
from qtpy.QtCore import Signal

from napari_muscle_us._napari.panels._course_view import ShownCourse
from napari_muscle_us._napari.panels._histogram_plot import PlotCanvas, style_axes
from napari_muscle_us._napari.panels._plot import colour_of
from napari_muscle_us.errors import ResultsError
from napari_muscle_us.io.files import atomic_path

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes

    from napari_muscle_us.measure.time_course import TimeCourse

_MARK: Final = "#f2a33a"
_OUTDATED: Final = "#808080"
_PAPER: Final = (6.0, 3.5)
_LEFT_PX: Final = 40
_TOP_PX: Final = 22
_DOTS: Final = 120
"""Up to so many frames each has a dot."""


class TimePlot(PlotCanvas):
    """Shows a time course; only the mark is redrawn while the clip plays."""

    frame_clicked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._shown = ShownCourse()
        self._axes: Any = None
        self._mark: Any = None
        self._background: Any = None
        self.mpl_connect("draw_event", self._on_drawn)
        self.mpl_connect("button_press_event", self._on_pressed)

    def value(self) -> ShownCourse:
        """Return what is shown."""
        return self._shown

    def set_value(self, shown: ShownCourse) -> None:
        """Show a time course."""
        before, self._shown = self._shown, shown
        same = (before.course, before.with_sd, before.outdated, before.title)
        if (shown.course, shown.with_sd, shown.outdated, shown.title) != same:
            self._draw_course()
        elif before.frame != shown.frame:
            self._paint()

    def set_foreground(self, colour: str) -> None:
        """Use another text colour."""
        self.foreground = colour
        self._draw_course()

    def save(self, path: str) -> None:
        """Write the plot for paper as PNG or SVG, never half.

        Raises
        ------
        ResultsError
            If the suffix is another one, or the folder cannot be written to.
        """
        if not path.lower().endswith((".png", ".svg")):
            raise ResultsError(f"{path!r} is neither .png nor .svg; choose one.")
        figure = draw_on_paper(self._shown)
        with atomic_path(path) as temporary:
            figure.savefig(temporary, dpi=200)

    def set_margins(self) -> None:
        """Leave room for tick labels and the title too, in pixels."""
        super().set_margins()
        self.figure.subplots_adjust(
            left=_LEFT_PX / max(self.width(), 60),
            top=1 - _TOP_PX / max(self.height(), 60),
        )

    def _draw_course(self) -> None:
        self.figure.clear()
        # Clearing a figure takes its margins, too.
        self.set_margins()
        self._axes = self._mark = self._background = None
        if self._shown.course is not None:
            self._axes = self.figure.add_subplot()
            colour = _OUTDATED if self._shown.outdated else colour_of(0)
            draw_course(self._axes, self._shown, colour)
            style_axes(self._axes, self.foreground)
            self._axes.xaxis.label.set_fontsize(9)
            self._axes.set_title(
                f"EI (gray level) of {self._shown.title}", loc="left", fontsize=8,
                color=self.foreground,
            )  # fmt: skip
            if self._shown.outdated:
                self._axes.text(
                    0.5, 0.97, "outdated: measure again", ha="center", va="top",
                    transform=self._axes.transAxes, color=self.foreground, fontsize=12,
                )  # fmt: skip
            self._mark = self._axes.axvline(0, color=_MARK, lw=1.6, animated=True)
        self.draw_idle()

    def _paint(self) -> None:
        if self._background is None:
            self.draw_idle()
            return
        self.restore_region(self._background)
        self._draw_mark()
        # Not blit(): it repaints at once, and with it the whole OpenGL window.
        self.update()

    def _draw_mark(self) -> None:
        x = self.mark()
        if x is not None:
            self._mark.set_xdata([x, x])
            self._axes.draw_artist(self._mark)

    def mark(self) -> float | None:
        """Return where the mark of the shown frame stands, ``None`` for no mark."""
        shown = self._shown
        if shown.course is None or shown.outdated or self._mark is None:
            return None
        place = np.flatnonzero(shown.course.frames == shown.frame)
        return float(positions(shown.course)[place[0]]) if place.size else None

    def _on_drawn(self, event: object) -> None:
        self._background = self.copy_from_bbox(self.figure.bbox)
        self._draw_mark()

    def _on_pressed(self, event: Any) -> None:
        shown = self._shown
        if shown.course is None or shown.outdated or event.inaxes is not self._axes:
            return
        away = np.abs(positions(shown.course) - event.xdata)
        self.frame_clicked.emit(int(shown.course.frames[np.argmin(away)]))

    def resizeEvent(self, event: Any) -> None:
        """Forget the background, which has the old size."""
        self._background = None
        super().resizeEvent(event)


def positions(course: TimeCourse) -> npt.NDArray[Any]:
    """Return where the frames stand on the axis: in seconds if these are known."""
    return course.frames if course.times_s is None else course.times_s


def draw_course(axes: Axes, shown: ShownCourse, colour: str) -> None:
    """Draw mean, and the band of one SD if it is wanted."""
    course = shown.course
    if course is None:
        return
    x = positions(course)
    dots = "." if len(x) <= _DOTS else ""
    # A single frame is a dot or nothing.
    axes.plot(x, course.mean, color=colour, lw=1.4, marker=dots, markersize=4)
    if shown.with_sd:
        low, high = course.mean - course.sd, course.mean + course.sd
        axes.fill_between(x, low, high, color=colour, alpha=0.25, lw=0)
    axes.margins(x=0.02)
    axes.set_xlabel("Frame" if course.times_s is None else "Time (s)")


def draw_on_paper(shown: ShownCourse) -> Figure:
    """Return a figure of a time course, black on white."""
    figure = Figure(figsize=_PAPER, layout="constrained")
    axes = figure.add_subplot()
    draw_course(axes, shown, colour_of(0))
    band = " ± SD" if shown.with_sd else ""
    axes.set_ylabel(f"Echo intensity{band} (gray level)")
    axes.set_title(shown.title, fontsize=9)
    axes.spines[["top", "right"]].set_visible(False)
    return figure
