"""The histogram plot: 256 bins and the mean, redrawn fast while a region moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.backends.backend_qtagg import FigureCanvasQTAgg
from matplotlib.figure import Figure
from qtpy.QtCore import QSize

from napari_muscle_us._napari.panels._histogram_curves import (
    PlotContent,
    bars,
    caption,
)
from napari_muscle_us._napari.panels._histogram_hover import paint_hover
from napari_muscle_us._napari.panels._histogram_paper import EDGES, save_on_paper
from napari_muscle_us.measure.gray_levels import cumulative
from napari_muscle_us.measure.intensity import GRAY_LEVELS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from qtpy.QtCore import QEvent
    from qtpy.QtGui import QMouseEvent, QPaintEvent, QResizeEvent

    from napari_muscle_us._napari.panels._histogram_curves import Curve

_LEFT_PX: Final = 12
_RIGHT_PX: Final = 14
_SHARES_PX: Final = 44
"""Room for the percentages beside the cumulative curve."""
_TOP_PX: Final = 6
_MARGIN_PX: Final = 42
_TOP: Final = 1.08
_FILLED: Final = 0.55
_FAINT: Final = 0.3
"""How solid bars are; fainter where cumulative curves lie on them."""


class PlotCanvas(FigureCanvasQTAgg):
    """A small figure without a background of its own, in the theme's text colour."""

    def __init__(self) -> None:
        super().__init__(Figure())
        self.figure.set_facecolor("none")
        self.setMinimumHeight(120)
        self.foreground = "#808080"
        self.right_px = _RIGHT_PX

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
            left=_LEFT_PX / width,
            right=1 - self.right_px / width,
            bottom=_MARGIN_PX / height,
            top=1 - _TOP_PX / height,
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


class _Drawn:
    """The artists of one curve; made once for its colour, then only moved."""

    def __init__(self, axes: Axes, colour: str, *, kept: bool) -> None:
        self.style = (colour, kept)
        line = "--" if kept else "-"
        flat = np.zeros(GRAY_LEVELS)
        self.bars = axes.stairs(
            flat,
            EDGES,
            fill=not kept,
            alpha=1.0 if kept else _FILLED,
            lw=1.0,
            color=colour,
            linestyle=line,
            animated=True,
        )
        self.mean = axes.axvline(0, color=colour, lw=1.6, linestyle=line, animated=True)
        (self.share,) = axes.plot(
            np.arange(GRAY_LEVELS), flat, color=colour, lw=1.6, linestyle=line,
            animated=True,
        )  # fmt: skip

    def show(self, curve: Curve, *, log: bool, with_share: bool) -> None:
        """Move the artists to the numbers of a curve."""
        self.bars.set_data(values=bars(curve.stats.histogram, log=log))
        self.mean.set_xdata([curve.stats.mean, curve.stats.mean])
        self.share.set_visible(with_share)
        if not self.style[1]:
            self.bars.set_alpha(_FAINT if with_share else _FILLED)
        if with_share:
            self.share.set_ydata(cumulative(curve.stats.histogram) / 100)

    def artists(self) -> tuple[Any, ...]:
        """Return all artists, the lowest first."""
        return self.bars, self.mean, self.share

    def remove(self) -> None:
        """Take the artists out of the axes."""
        for artist in self.artists():
            artist.remove()


class HistogramPlot(PlotCanvas):
    """Histograms of one or several regions, overlaid.

    While a region is dragged only the curves are drawn, on a copy of the empty axes:
    a whole redraw of the figure would take five times as long. What the mouse points
    at is painted by Qt on top, without drawing any curve.
    """

    def __init__(self) -> None:
        super().__init__()
        self._axes: Axes = self.figure.add_subplot()
        self._axes.set_xlim(-0.5, GRAY_LEVELS - 0.5)
        self._axes.set_xticks(range(0, GRAY_LEVELS, 50))
        self._axes.set_yticks([])
        self._axes.set_ylim(0, _TOP)
        self._axes.yaxis.tick_right()
        self._axes.set_xlabel("Gray level", fontsize=9)
        self._drawn: list[_Drawn] = []
        self._caption = self._axes.text(
            1.0, 1.0, "", transform=self._axes.transAxes, ha="right", va="top",
            fontsize=8, animated=True,
        )  # fmt: skip
        self._background: Any = None
        self._content = PlotContent()
        self._level: int | None = None
        self.mpl_connect("draw_event", self._on_drawn)

    def value(self) -> PlotContent:
        """Return what is shown."""
        return self._content

    def set_value(self, content: PlotContent) -> None:
        """Show the histograms of some regions, each with its mean."""
        if content.cumulative != self._content.cumulative:
            self._show_share_axis(shown=content.cumulative)
        self._content = content
        self._match_artists(content.curves)
        for drawn, curve in zip(self._drawn, content.curves, strict=True):
            drawn.show(curve, log=content.log, with_share=content.cumulative)
        self._caption.set_text(caption(content))
        self._paint()

    def set_foreground(self, colour: str) -> None:
        """Use another text colour."""
        self.foreground = colour
        self._style()
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
        save_on_paper(self._content, path)

    @property
    def level(self) -> int | None:
        """The gray level under the mouse, if it is over the plot."""
        return self._level

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Tell of the gray level under the mouse."""
        inside = self.width() - _LEFT_PX - self.right_px
        place = event.position().x() - _LEFT_PX
        level = int(GRAY_LEVELS * place // max(inside, 1))
        self._point_at(level if 0 <= level < GRAY_LEVELS else None)

    def leaveEvent(self, event: QEvent) -> None:
        """Forget the gray level that was pointed at."""
        self._point_at(None)
        super().leaveEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the figure, and on it what the mouse points at."""
        super().paintEvent(event)
        if self._level is not None and self._content.curves:
            inside = self.width() - _LEFT_PX - self.right_px
            x = _LEFT_PX + inside * (self._level + 0.5) / GRAY_LEVELS
            bottom = self.height() - _MARGIN_PX
            paint_hover(self, self._content, self._level, (x, _TOP_PX, bottom))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Forget the background, which has the old size."""
        self._background = None
        super().resizeEvent(event)

    def _point_at(self, level: int | None) -> None:
        if level != self._level:
            self._level = level
            self.update()

    def _style(self) -> None:
        style_axes(self._axes, self.foreground)
        self._axes.spines["right"].set_visible(self.right_px == _SHARES_PX)

    def _show_share_axis(self, *, shown: bool) -> None:
        self.right_px = _SHARES_PX if shown else _RIGHT_PX
        places = (0.0, 0.5, 1.0) if shown else ()
        self._axes.set_yticks(places, [f"{100 * place:.0f} %" for place in places])
        # Below the line of 100 %, which every cumulative curve ends in.
        self._caption.set_y(0.88 if shown else 1.0)
        self._style()
        self.set_margins()
        self._background = None

    def _match_artists(self, curves: tuple[Curve, ...]) -> None:
        wanted = [(curve.colour, curve.kept) for curve in curves]
        if wanted == [drawn.style for drawn in self._drawn]:
            return
        for drawn in self._drawn:
            drawn.remove()
        self._drawn = [_Drawn(self._axes, colour, kept=kept) for colour, kept in wanted]

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
        # All bars first, so that none covers another's lines.
        for layer in zip(*(drawn.artists() for drawn in self._drawn), strict=True):
            for artist in layer:
                self._axes.draw_artist(artist)
        self._axes.draw_artist(self._caption)

    def _on_drawn(self, event: object) -> None:
        self._background = self.copy_from_bbox(self.figure.bbox)
        self._draw_artists()
