"""Bars and body map of an examination, on screen and on paper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from matplotlib.figure import Figure
from qtpy.QtCore import QSize, Signal
from qtpy.QtWidgets import QFrame, QScrollArea

from napari_muscle_us._napari.panels._exam_grid import signed_text
from napari_muscle_us._napari.panels._histogram_plot import style_axes
from napari_muscle_us.errors import ResultsError
from napari_muscle_us.io.files import atomic_path
from napari_muscle_us.reference.examination.body_map import (
    draw_body_map,
    draw_z_bars,
    z_by_place,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from qtpy.QtGui import QWheelEvent

    from napari_muscle_us.reference.examination.examination import Examination

_BAR_PX: Final = 21
_AROUND_PX: Final = 60
_DPI: Final = 200
_FAINT: Final = 0.5
_SMALL_PT: Final = 6.5
KINDS: Final = (".png", ".pdf", ".svg")


class SheetCanvas(FigureCanvasQTAgg):
    """A figure that is redrawn whole, in the theme's text colour, and scrolls."""

    def __init__(self) -> None:
        # The labels' widths are not known beforehand, and it is seldom drawn.
        super().__init__(Figure(layout="constrained"))
        self.figure.set_facecolor("none")
        self.foreground = "#808080"

    def set_foreground(self, colour: str) -> None:
        """Use another text colour."""
        self.foreground = colour
        self.redraw()

    def redraw(self) -> None:
        """Draw all anew; subclasses say how."""
        raise NotImplementedError

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to the scroll area around it."""
        event.ignore()


class ScrolledPlot(QScrollArea):
    """A figure that may be higher than its place."""

    def __init__(self, plot: Any) -> None:
        super().__init__()
        self.plot = plot
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidget(plot)

    def set_value(self, value: Any) -> None:
        """Show a value."""
        self.plot.set_value(value)

    def set_foreground(self, colour: str) -> None:
        """Use another text colour."""
        self.plot.set_foreground(colour)


class BarsPlot(SheetCanvas):
    """A bar for each Z-score."""

    def __init__(self) -> None:
        super().__init__()
        self._examination: Examination | None = None

    def set_value(self, examination: Examination | None) -> None:
        """Draw an examination; an empty plot for none."""
        self._examination = examination
        self.redraw()

    def redraw(self) -> None:
        """Draw all anew."""
        self.figure.clear()
        if self._examination is not None:
            self.setMinimumHeight(
                _AROUND_PX + _BAR_PX * max(len(self._examination.muscles), 3)
            )
            axes = self.figure.add_subplot()
            draw_z_bars(axes, self._examination)
            recolour(axes, self.foreground)
            axes.xaxis.label.set_fontsize(8)
        self.draw_idle()

    def sizeHint(self) -> QSize:
        """Return a size that suits a dock."""
        return QSize(320, self.minimumHeight())


class BodyPlot(SheetCanvas):
    """The body with its muscles coloured, telling what the mouse points at."""

    pointed = Signal(str)
    """Muscle, side and Z-score under the mouse, in words; empty beside all."""
    clicked = Signal(str, str)
    """Muscle as the examination names it, and side."""
    missing_changed = Signal(str)
    """Muscles with a Z-score that are not on the map, in a sentence."""

    def __init__(self) -> None:
        super().__init__()
        self._examination: Examination | None = None
        self._shown: dict[str, tuple[str, str, float]] = {}
        self.setMinimumHeight(230)
        self.mpl_connect("motion_notify_event", self._on_moved)
        self.mpl_connect("button_press_event", self._on_pressed)

    def set_value(self, examination: Examination | None) -> None:
        """Draw an examination; an empty body for none."""
        self._examination = examination
        self.redraw()

    def redraw(self) -> None:
        """Draw all anew."""
        self.figure.clear()
        axes = self.figure.add_subplot()
        found = self._examination
        missing = draw_body_map(axes, {} if found is None else z_by_place(found))
        recolour(axes, self.foreground, lines=False)
        for text in axes.texts:
            # Else the numbers of the colour scale touch in a narrow dock.
            if text.get_fontsize() <= 8:
                text.set_fontsize(_SMALL_PT)
        self._shown = {} if found is None else _by_region(found)
        names = ", ".join(missing)
        self.missing_changed.emit(f"Not on the map: {names}." if names else "")
        self.draw_idle()

    def at(self, event: Any) -> str:
        """Return which region lies under the mouse, empty for none."""
        for axes in self.figure.axes:
            for patch in reversed(axes.patches):
                if patch.get_gid() and patch.contains(event)[0]:
                    return str(patch.get_gid())
        return ""

    def words(self, region: str) -> str:
        """Return what is known of a region."""
        if not region:
            return ""
        if region.casefold() not in self._shown:
            return f"{region}: not measured"
        muscle, side, z = self._shown[region.casefold()]
        return f"{' '.join(filter(None, (muscle, side)))}: Z = {signed_text(z)}"

    def _on_moved(self, event: Any) -> None:
        self.pointed.emit(self.words(self.at(event)))

    def _on_pressed(self, event: Any) -> None:
        region = self.at(event)
        self.pointed.emit(self.words(region))
        if region.casefold() in self._shown:
            muscle, side, _ = self._shown[region.casefold()]
            self.clicked.emit(muscle, side)

    def sizeHint(self) -> QSize:
        """Return a size that suits a dock."""
        return QSize(400, 300)


def _by_region(examination: Examination) -> dict[str, tuple[str, str, float]]:
    """Return muscle, side and Z of each region, by the name that the map gives it."""
    found: dict[str, tuple[str, str, float]] = {}
    for muscle in examination.muscles:
        if muscle.score is None:
            continue
        for side in (muscle.side,) if muscle.side else ("left", "right"):
            key = f"{muscle.score.muscle} {side}".casefold()
            found.setdefault(key, (muscle.muscle, muscle.side, muscle.z))
    return found


def recolour(axes: Axes, foreground: str, *, lines: bool = True) -> None:
    """Draw texts, and lines where wanted, in the text colour of the application."""
    style_axes(axes, foreground)
    for text in axes.texts:
        text.set_color(foreground)
    for line in axes.lines if lines else ():
        line.set_color(foreground)
        # Numbers of short bars stand on the limits.
        line.set_alpha(_FAINT if line.get_linestyle() == "--" else 1.0)


def save_bars(examination: Examination, path: str) -> None:
    """Write the bars for paper as PNG, PDF or SVG, never half.

    Raises
    ------
    ResultsError
        If the suffix is another one, or the folder cannot be written to.
    """
    height = 1.2 + 0.24 * max(len(examination.muscles), 3)
    figure = Figure(figsize=(6.5, height), layout="constrained")
    axes = figure.add_subplot()
    draw_z_bars(axes, examination)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(_title(examination), fontsize=9)
    save_figure(figure, path)


def save_body(examination: Examination, path: str) -> None:
    """Write the body map for paper as PNG, PDF or SVG, never half.

    Raises
    ------
    ResultsError
        If the suffix is another one, or the folder cannot be written to.
    """
    figure = Figure(figsize=(7.5, 5.8), layout="constrained")
    axes = figure.add_subplot()
    missing = draw_body_map(axes, z_by_place(examination))
    axes.set_title(_title(examination), fontsize=9)
    if missing:
        figure.supxlabel(f"Not on the map: {', '.join(missing)}", fontsize=7)
    save_figure(figure, path)


def save_figure(figure: Figure, path: str) -> None:
    """Write a figure as PNG, PDF or SVG, never half.

    Raises
    ------
    ResultsError
        If the suffix is another one, or the folder cannot be written to.
    """
    if not path.lower().endswith(KINDS):
        raise ResultsError(f"{path!r} is neither .png, .pdf nor .svg; choose one.")
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=_DPI)


def _title(examination: Examination) -> str:
    known = (examination.subject_code, examination.visit, examination.reference.name)
    # A code may hold signs that matplotlib takes for a formula.
    return " · ".join(filter(None, known)).replace("$", r"\$")
