"""The histogram plot: 256 bins and the mean, redrawn fast while a region moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from matplotlib.figure import Figure
from qtpy.QtCore import QSize

from napari_muscle_us._napari.panels._plot import colour_of
from napari_muscle_us.errors import ResultsError
from napari_muscle_us.io.files import atomic_path
from napari_muscle_us.measure.intensity import GRAY_LEVELS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from qtpy.QtGui import QResizeEvent

    from napari_muscle_us.measure.intensity import IntensityStatistics

NamedStatistics = tuple[str, "IntensityStatistics"]

_EDGES: Final = np.arange(GRAY_LEVELS + 1) - 0.5
_PAPER: Final = (6.0, 3.5)
_MARGIN_PX: Final = 42


class PlotCanvas(FigureCanvasQTAgg):
    """A small figure without a background of its own, in the theme's text colour."""

    def __init__(self) -> None:
        super().__init__(Figure())
        self.figure.set_facecolor("none")
        self.setMinimumHeight(120)
        self.foreground = "#808080"

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the axes' margins at the size of their text.

        matplotlib's own layout engines take ten times as long as the drawing.
        """
        self.set_margins()
        super().resizeEvent(event)

    def set_margins(self) -> None:
        """Leave room for tick and axis labels, in pixels."""
        width, height = max(self.width(), 60), max(self.height(), 60)
        self.figure.subplots_adjust(
            left=12 / width,
            right=1 - 14 / width,
            bottom=_MARGIN_PX / height,
            top=1 - 6 / height,
        )

    def sizeHint(self) -> QSize:
        """Return a size that suits a dock; matplotlib's own is far wider."""
        return QSize(320, 170)


def style_axes(axes: Axes, foreground: str) -> None:
    """Draw axes in the text colour of the application."""
    axes.set_facecolor("none")
    axes.tick_params(colors=foreground, labelsize=8)
    for spine in axes.spines.values():
        spine.set_color(foreground)
    axes.spines[["top", "right"]].set_visible(False)
    axes.xaxis.label.set_color(foreground)
    axes.yaxis.label.set_color(foreground)


class HistogramPlot(PlotCanvas):
    """Shows one histogram a region; the axes are drawn once and kept."""

    def __init__(self) -> None:
        super().__init__()
        self._axes = self.figure.add_subplot()
        self._axes.set_xlim(-0.5, GRAY_LEVELS - 0.5)
        self._axes.set_xticks(range(0, GRAY_LEVELS, 50))
        self._axes.set_yticks([])
        self._axes.set_ylim(0, 1.08)
        self._axes.set_xlabel("Gray level", fontsize=9)
        self._curves: list[Any] = []
        self._means: list[Any] = []
        self._caption = self._axes.text(
            1.0, 1.0, "", transform=self._axes.transAxes, ha="right", va="top",
            fontsize=8, animated=True,
        )  # fmt: skip
        self._background: Any = None
        self._shown: list[NamedStatistics] = []
        self.mpl_connect("draw_event", self._on_drawn)

    def value(self) -> list[NamedStatistics]:
        """Return what is shown."""
        return list(self._shown)

    def set_value(self, statistics: Sequence[NamedStatistics]) -> None:
        """Show the histograms of some regions, each with its mean."""
        self._shown = list(statistics)
        self._make_artists(len(self._shown))
        for (_, stats), curve, mean in zip(
            self._shown, self._curves, self._means, strict=False
        ):
            curve.set_data(values=stats.histogram / stats.mode_count)
            mean.set_xdata([stats.mean, stats.mean])
        self._caption.set_text(_caption(self._shown))
        self._paint()

    def set_foreground(self, colour: str) -> None:
        """Use another text colour."""
        self.foreground = colour
        style_axes(self._axes, colour)
        self._caption.set_color(colour)
        self._background = None
        self._paint()

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

    def _make_artists(self, count: int) -> None:
        while len(self._curves) < count:
            colour = colour_of(len(self._curves))
            flat = np.zeros(GRAY_LEVELS)
            self._curves.append(
                self._axes.stairs(
                    flat, _EDGES, fill=True, alpha=0.55, color=colour, animated=True
                )
            )
            self._means.append(
                self._axes.axvline(0, color=colour, lw=1.6, animated=True)
            )

    def _paint(self) -> None:
        if self._background is None:
            self.draw_idle()
            return
        self.restore_region(self._background)
        self._draw_artists()
        # Not blit(): it repaints at once, and with it the whole OpenGL window. An
        # update waits for the canvas's own and costs one composition for both.
        self.update()

    def _draw_artists(self) -> None:
        for curve, mean in zip(
            self._curves[: len(self._shown)], self._means, strict=False
        ):
            self._axes.draw_artist(curve)
            self._axes.draw_artist(mean)
        self._axes.draw_artist(self._caption)

    def _on_drawn(self, event: object) -> None:
        self._background = self.copy_from_bbox(self.figure.bbox)
        self._draw_artists()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Forget the background, which has the old size."""
        self._background = None
        super().resizeEvent(event)


def _caption(shown: list[NamedStatistics]) -> str:
    if len(shown) > 1:
        return "each scaled to its own largest count"
    return "\n".join(
        f"mean {s.mean:.1f}\nmode {s.mode} ({s.mode_count} px)" for _, s in shown
    )


def draw_on_paper(statistics: Sequence[NamedStatistics]) -> Figure:
    """Return a figure of the histograms, black on white, with counts and a legend."""
    figure = Figure(figsize=_PAPER, layout="constrained")
    axes = figure.add_subplot()
    for number, (name, stats) in enumerate(statistics):
        colour = colour_of(number)
        label = f"{name}: mean {stats.mean:.1f}, n = {stats.n}"
        axes.stairs(
            stats.histogram, _EDGES, fill=True, alpha=0.55, color=colour, label=label
        )
        axes.axvline(stats.mean, color=colour, lw=1.6)
    axes.set(xlim=(-0.5, 255.5), xlabel="Gray level", ylabel="Pixels")
    axes.spines[["top", "right"]].set_visible(False)
    if statistics:
        axes.legend(frameon=False, fontsize=8)
    return figure
