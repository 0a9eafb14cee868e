"""The half rose: how much of the edges of an ROI runs in each direction."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib.patches import Arc, Polygon
from qtpy.QtCore import Qt
from qtpy.QtGui import QColor, QPainter

from napari_muscle_us._napari.panels._histogram_plot import PlotCanvas

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes
    from qtpy.QtGui import QPaintEvent, QResizeEvent

    from napari_muscle_us._napari.panels._aniso_roses import Rose

    Double = npt.NDArray[np.float64]

_FONT: Final = 8
_FONT_POINTS: Final = 8.5
_LEAST_NAME_PX: Final = 60
_ARC_POINTS: Final = 4
_HALF_HEIGHT: Final = 1.16
_RIGHT: Final = 1.3
"""Right end of what is drawn; the rim has a radius of 1."""
_SPOKES: Final = (-90, -60, -30, 0, 30, 60, 90)
_RINGS: Final = (0.5, 1.0)
"""Shares of the rim's share; the area of a sector is its share."""
_STEPS: Final = (1, 1.5, 2, 3, 4, 5, 6, 8, 10)
_NEARLY: Final = 1 - 1e-9
_MARGIN_PX: Final = 6
_FILLED: Final = 0.4
_MOST_FILLED: Final = 2


@dataclass(slots=True)
class _Drawn:
    """What one region is drawn with; made once for its colour, then only moved."""

    style: tuple[str, bool, bool]
    shape: Polygon
    line: Any

    def artists(self) -> tuple[Any, ...]:
        return self.shape, self.line


class RosePlot(PlotCanvas):
    """Half roses of one or several regions, overlaid.

    While a region is dragged only the roses are drawn, on a copy of the empty spokes.
    Names are painted by Qt on top, which takes a hundredth of matplotlib's time.
    """

    def __init__(self) -> None:
        super().__init__()
        self._axes: Axes = self.figure.add_axes((0, 0, 1, 1))
        self._axes.set_axis_off()
        self._around: list[Any] = []
        self._drawn: list[_Drawn] = []
        self._roses: tuple[Rose, ...] = ()
        self._background: Any = None
        self._draw_spokes()
        self.mpl_connect("draw_event", self._on_drawn)

    def value(self) -> tuple[Rose, ...]:
        """Return what is shown."""
        return self._roses

    def set_value(self, roses: tuple[Rose, ...]) -> None:
        """Show the directions of some regions."""
        self._roses = roses
        self._match_artists(roses)
        rim = rim_share(roses)
        for drawn, rose in zip(self._drawn, roses, strict=True):
            _move(drawn, rose, rim)
        self._paint()

    def names(self) -> list[str]:
        """Return what stands beside the rose, a line a region."""
        return [rose.label for rose in self._roses]

    def caption(self) -> str:
        """Return what is said of the rim."""
        return _caption(self._roses)

    def set_foreground(self, colour: str) -> None:
        """Use another text colour."""
        self.foreground = colour
        self._draw_spokes()
        self._background = None
        self._paint()

    def set_margins(self) -> None:
        """Give both axes one scale: the rose at the right, names at the left."""
        width, height = max(self.width(), 60), max(self.height(), 60)
        across = 2 * _HALF_HEIGHT * width / height
        self._axes.set_xlim(_RIGHT - across, _RIGHT)
        self._axes.set_ylim(-_HALF_HEIGHT, _HALF_HEIGHT)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Forget the background, which has the old size."""
        self._background = None
        super().resizeEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the figure, and the names in the room at its left."""
        super().paintEvent(event)
        painter = QPainter(self)
        font = self.font()
        font.setPointSizeF(_FONT_POINTS)
        painter.setFont(font)
        metrics = painter.fontMetrics()
        room = self.width() - self.height() * _RIGHT / (2 * _HALF_HEIGHT)
        wide = max(round(room) - 2 * _MARGIN_PX, _LEAST_NAME_PX)
        line = metrics.lineSpacing()
        for number, rose in enumerate(self._roses):
            painter.setPen(QColor(rose.colour))
            name = metrics.elidedText(rose.label, Qt.TextElideMode.ElideMiddle, wide)
            top = _MARGIN_PX + number * (line + 2) + metrics.ascent()
            painter.drawText(_MARGIN_PX, top, name)
        painter.setPen(QColor(self.foreground))
        lowest = self.height() - _MARGIN_PX - metrics.descent()
        for number, text in enumerate(reversed(self.caption().splitlines())):
            painter.drawText(_MARGIN_PX, lowest - number * line, text)
        painter.end()

    def _draw_spokes(self) -> None:
        for artist in self._around:
            artist.remove()
        axes, colour = self._axes, self.foreground
        around: list[Any] = []
        for share in _RINGS:
            size = 2 * math.sqrt(share)
            ring = Arc((0, 0), size, size, theta1=-90, theta2=90, color=colour, lw=0.6)
            around.append(axes.add_patch(ring))
        for spoke in _SPOKES:
            x, y = math.cos(math.radians(spoke)), math.sin(math.radians(spoke))
            (line,) = axes.plot([0, x], [0, y], color=colour, lw=0.5, alpha=0.6)
            text = axes.text(
                1.05 * x, 1.05 * y, f"{spoke}°".replace("-", "−"), color=colour,
                fontsize=_FONT, ha="left", va=_beside(spoke),
            )  # fmt: skip
            around += [line, text]
        self._around = around

    def _match_artists(self, roses: tuple[Rose, ...]) -> None:
        # Of many, one filled would hide the other.
        filled = len(roses) <= _MOST_FILLED
        wanted = [(rose.colour, rose.kept, filled) for rose in roses]
        if wanted == [drawn.style for drawn in self._drawn]:
            return
        for drawn in self._drawn:
            for artist in drawn.artists():
                artist.remove()
        self._drawn = [self._make(style) for style in wanted]

    def _make(self, style: tuple[str, bool, bool]) -> _Drawn:
        colour, kept, filled = style
        dashes = "--" if kept else "-"
        shape = Polygon(
            np.zeros((3, 2)), closed=True, lw=1, ls=dashes, edgecolor=colour,
            facecolor=(colour, 0 if kept or not filled else _FILLED), animated=True,
        )  # fmt: skip
        self._axes.add_patch(shape)
        (line,) = self._axes.plot([], [], color=colour, lw=2.2, ls=dashes)
        line.set_animated(True)
        return _Drawn(style, shape, line)

    def _paint(self) -> None:
        if self._background is None:
            self.draw_idle()
            return
        self.restore_region(self._background)
        self._draw_artists()
        # Not blit(): it repaints at once, and with it the whole OpenGL window.
        self.update()

    def _draw_artists(self) -> None:
        # All shapes first, so that none covers another's line.
        for layer in zip(*(drawn.artists() for drawn in self._drawn), strict=True):
            for artist in layer:
                self._axes.draw_artist(artist)

    def _on_drawn(self, event: object) -> None:
        self._background = self.copy_from_bbox(self.figure.bbox)
        self._draw_artists()


def outline(shares: Double, edges_deg: Double, rim: float) -> Double:
    """Return the outline of a half rose; the area of a sector is its share.

    Parameters
    ----------
    shares : ndarray of float64, shape (bins,)
        Shares of the directions; NaN where there are none.
    edges_deg : ndarray of float64, shape (bins + 1,)
        Edges of the bins.
    rim : float
        Share that reaches a radius of 1.

    Returns
    -------
    ndarray of float64, shape (points, 2)
        x to the right, y up.
    """
    if not np.isfinite(shares).all():
        return np.zeros((3, 2))
    steps = np.linspace(0, 1, _ARC_POINTS)
    turns = edges_deg[:-1, None] + np.diff(edges_deg)[:, None] * steps
    radius = np.repeat(np.sqrt(shares / rim), _ARC_POINTS)
    turn = np.radians(turns.ravel())
    points = np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1)
    return np.concatenate([np.zeros((1, 2)), points])


def rim_share(roses: tuple[Rose, ...]) -> float:
    """Return one scale for all regions: the share of the rim.

    It is a round number, so that roses keep their scale while a region is dragged.
    """
    tops = [
        float(rose.shares.max()) for rose in roses if np.isfinite(rose.shares).all()
    ]
    top = max(tops, default=0.0)
    if not top > 0:
        return 1.0
    decade = 10.0 ** math.floor(math.log10(top))
    return decade * next(step for step in _STEPS if step * decade >= top * _NEARLY)


def _move(drawn: _Drawn, rose: Rose, rim: float) -> None:
    """Move what a region is drawn with to its numbers."""
    drawn.shape.set_xy(outline(rose.shares, rose.edges_deg, rim))
    known = not math.isnan(rose.direction_deg)
    turn = math.radians(rose.direction_deg) if known else 0.0
    end = 1.0 if known else 0.0
    drawn.line.set_data([0, end * math.cos(turn)], [0, end * math.sin(turn)])


def _caption(roses: tuple[Rose, ...]) -> str:
    if not roses:
        return ""
    wide = roses[0].edges_deg[1] - roses[0].edges_deg[0]
    return f"Rim: {100 * rim_share(roses):.3g} % of the\nedges in {wide:.3g}°"


def _beside(spoke: int) -> str:
    if spoke == 0:
        return "center"
    return "bottom" if spoke > 0 else "top"
