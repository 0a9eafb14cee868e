"""The heat map of one matrix, or of two with the same colours."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import LogNorm, Normalize
from qtpy.QtCore import Signal

from napari_muscle_us._napari.panels._histogram_plot import PlotCanvas, style_axes
from napari_muscle_us._napari.panels._texture_matrices import WORDS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from qtpy.QtCore import QEvent
    from qtpy.QtGui import QResizeEvent

    from napari_muscle_us._napari.panels._texture_matrices import Matrix

_COLOURS: Final = "viridis"
_LEFT_PX, _TOP_PX, _BOTTOM_PX = 48, 22, 42
_GAP_PX, _BAR_PX, _BAR_ROOM_PX = 10, 12, 74
_TICKS: Final = 5
_MOST_LETTERS: Final = 22
_FONT: Final = 8
_HEIGHT: Final = 300
_STEPS: Final = (1, 1.5, 2, 3, 4, 5, 6, 8, 10, 15)
_NEARLY: Final = 1 - 1e-9


class MatrixPlot(PlotCanvas):
    """Shares as colours, over the gray values that the levels hold."""

    hovered = Signal(str)
    """What the cell under the mouse holds; empty beside the matrix."""

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumHeight(_HEIGHT)
        self._matrices: tuple[Matrix, ...] = ()
        self._log = False
        self._shown: list[Axes] = []
        self._bar: Any = None
        self._said = ""
        self._pointed: tuple[int, float, float] | None = None
        self._look: tuple[object, ...] = ()
        self._around: tuple[object, ...] = ()
        self._background: Any = None
        self.mpl_connect("draw_event", self._on_drawn)
        self.mpl_connect("motion_notify_event", self._on_move)

    def value(self) -> tuple[Matrix, ...]:
        """Return the matrices that are drawn."""
        return self._matrices

    def set_value(self, shown: tuple[tuple[Matrix, ...], bool]) -> None:
        """Draw matrices; the second part says whether colours are logarithmic."""
        self._matrices, self._log = shown
        self._draw_all()

    def set_foreground(self, colour: str) -> None:
        """Use another text colour."""
        self.foreground = colour
        self._draw_all()

    def set_margins(self) -> None:
        """Place the matrices side by side where there is room, else one below another.

        Pairs are drawn as squares, so that the diagonal is one.
        """
        width, height = max(self.width(), 200), max(self.height(), 120)
        count = max(len(self._shown), 1)
        across = count if width > height else 1
        down = count // across
        room = (width - _BAR_ROOM_PX) / across, height / down
        size = [room[0] - _LEFT_PX - _GAP_PX, room[1] - _TOP_PX - _BOTTOM_PX]
        if self._matrices and not self._matrices[0].columns:
            size = [min(size)] * 2
        for number, axes in enumerate(self._shown):
            row, column = divmod(number, across)
            left = column * (size[0] + _LEFT_PX + _GAP_PX) + _LEFT_PX
            top = row * room[1] + _TOP_PX
            bottom = height - top - size[1]
            axes.set_position(
                (left / width, bottom / height, size[0] / width, size[1] / height)
            )
        if self._bar is not None:
            right = across * (size[0] + _LEFT_PX + _GAP_PX)
            tall = (down - 1) * room[1] + size[1]
            low = (height - _TOP_PX - tall) / height
            self._bar.ax.set_position(
                (right / width, low, _BAR_PX / width, tall / height)
            )

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Forget the background, which has the old size."""
        self._background = None
        super().resizeEvent(event)
        self.set_margins()

    def leaveEvent(self, event: QEvent) -> None:
        """Forget the cell that was pointed at."""
        self._pointed = None
        self._tell()
        super().leaveEvent(event)

    def _draw_all(self) -> None:
        look = (self._log, self.foreground, *map(_look, self._matrices))
        limits = _limits(self._matrices, log=self._log)
        around = (look, limits, *map(_around, self._matrices))
        same = around == self._around and self._background is not None
        if look != self._look:
            self._look = look
            self._make_axes()
        for axes, matrix in zip(self._shown, self._matrices, strict=True):
            _show(axes.images[0], matrix, log=self._log)
        if not same:
            self._around, self._background = around, None
            self._set_around(limits)
        self._paint()
        # The mouse may rest while a region or a setting changes.
        self._tell()

    def _set_around(self, limits: tuple[float, float]) -> None:
        """Set colours, levels and ticks, which seldom change in a drag."""
        norm = LogNorm(*limits) if self._log else Normalize(*limits)
        # The same levels are marked in both, which may begin at others.
        start = min((matrix.first for matrix in self._matrices), default=0)
        step = _step(max((len(m.grays) for m in self._matrices), default=0))
        for axes, matrix in zip(self._shown, self._matrices, strict=True):
            axes.images[0].set_norm(norm)
            lows = [low for low, _ in matrix.grays]
            ticks = _ticks(lows, matrix.first, step, (start - matrix.first) % step)
            axes.set_yticks(*ticks)
            if matrix.columns:
                columns = list(matrix.columns)
                axes.set_xticks(*_ticks(columns, 0, _step(len(columns))))
                axes.set_xlim(-0.5, len(columns) - 0.5)
            else:
                axes.set_xticks(*ticks)
        if self._shown:
            self._same_levels()

    def _paint(self) -> None:
        if self._background is None:
            self.draw_idle()
            return
        self.restore_region(self._background)
        self._draw_images()
        self.update()

    def _draw_images(self) -> None:
        for axes in self._shown:
            axes.draw_artist(axes.images[0])

    def _on_drawn(self, event: object) -> None:
        self._background = self.copy_from_bbox(self.figure.bbox)
        self._draw_images()

    def _make_axes(self) -> None:
        self.figure.clear()
        self._shown, self._bar = [], None
        for matrix in self._matrices:
            axes = self.figure.add_subplot(1, 1, 1, label=str(len(self._shown)))
            _prepare(axes, matrix, self.foreground)
            if not self._log:
                # No pairs beyond the levels that occur, either.
                axes.set_facecolor(colormaps[_COLOURS](0))
            self._shown.append(axes)
        if self._shown:
            self._make_bar()
        self.set_margins()

    def _make_bar(self) -> None:
        place = self.figure.add_axes((0.9, 0.1, 0.03, 0.8))
        drawn = self._shown[0].images[0]
        limits = _limits(self._matrices, log=self._log)
        drawn.set_norm(LogNorm(*limits) if self._log else Normalize(*limits))
        self._bar = self.figure.colorbar(drawn, cax=place)
        counted = WORDS[self._matrices[0].kind].counted
        self._bar.set_label(
            f"% of the {counted}", color=self.foreground, fontsize=_FONT
        )
        place.tick_params(which="both", colors=self.foreground, labelsize=_FONT)
        self._bar.outline.set_edgecolor(self.foreground)

    def _same_levels(self) -> None:
        """Give a level the same place in both, to compare them."""
        low = min(matrix.first for matrix in self._matrices) - 0.5
        high = max(m.first + len(m.grays) for m in self._matrices) - 0.5
        for axes, matrix in zip(self._shown, self._matrices, strict=True):
            axes.set_ylim(low, high)
            if not matrix.columns:
                axes.set_xlim(low, high)

    def _on_move(self, event: Any) -> None:
        self._pointed = None
        if event.inaxes in self._shown:
            number = self._shown.index(event.inaxes)
            self._pointed = number, event.ydata, event.xdata
        self._tell()

    def _tell(self) -> None:
        text = self._pointed_text()
        if text != self._said:
            self._said = text
            self.hovered.emit(text[:1].upper() + text[1:])

    def _pointed_text(self) -> str:
        """Return what the cell under the mouse holds now."""
        if self._pointed is None or self._pointed[0] >= len(self._matrices):
            return ""
        number, y, x = self._pointed
        matrix = self._matrices[number]
        row, column = round(y) - matrix.first, round(x)
        column -= 0 if matrix.columns else matrix.first
        rows, columns = matrix.shares.shape
        if not (0 <= row < rows and 0 <= column < columns):
            return ""
        name = f"{matrix.title}: " if len(self._matrices) > 1 else ""
        return name + matrix.share_text(row, column)


def _limits(matrices: tuple[Matrix, ...], *, log: bool) -> tuple[float, float]:
    """Return one scale of colours for all matrices, so that they can be compared.

    Its ends are round numbers, so that colours keep still while a region is dragged.
    """
    if not matrices:
        return 0.0, 1.0
    top = 100 * max(float(matrix.shares.max()) for matrix in matrices)
    decade = 10.0 ** math.floor(math.log10(top))
    top = decade * next(step for step in _STEPS if step * decade >= top * _NEARLY)
    if not log:
        return 0.0, top
    low = 100 * min(float(m.shares[m.shares > 0].min()) for m in matrices)
    return 10.0 ** (math.ceil(math.log10(low)) - 1), top


def _look(matrix: Matrix) -> tuple[object, ...]:
    """Return what the axes of a matrix depend on, its shares left aside."""
    return matrix.title, matrix.kind


def _prepare(axes: Axes, matrix: Matrix, foreground: str) -> None:
    """Make axes with an image that holds nothing yet."""
    axes.imshow(
        [[0.0]], origin="lower", aspect="auto", cmap=colormaps[_COLOURS],
        interpolation="nearest", animated=True,
    )  # fmt: skip
    axes.set_ylabel("Gray level", fontsize=_FONT)
    axes.set_xlabel(WORDS[matrix.kind].axis, fontsize=_FONT)
    name = matrix.title
    if len(name) > _MOST_LETTERS:
        name = f"{name[: _MOST_LETTERS - 1]}…"
    # A dollar sign in a name is no formula.
    axes.set_title(name, fontsize=_FONT + 1, parse_math=False)
    style_axes(axes, foreground)
    # The image lies upon them, and would hide half of each.
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.title.set_color(foreground)


def _around(matrix: Matrix) -> tuple[object, ...]:
    """Return what levels, ticks and colours around a matrix depend on."""
    return matrix.first, matrix.grays, matrix.columns


def _show(drawn: Any, matrix: Matrix, *, log: bool) -> None:
    """Show the shares of a matrix over its levels."""
    shares = 100 * matrix.shares
    rows, columns = shares.shape
    first = matrix.first - 0.5
    start = -0.5 if matrix.columns else first
    drawn.set_data(np.ma.masked_equal(shares, 0) if log else shares)
    drawn.set_extent((start, start + columns, first, first + rows))


def _step(count: int) -> int:
    return max(1, -(-count // _TICKS))


def _ticks(
    values: list[int], first: int, step: int, start: int = 0
) -> tuple[list[int], list[str]]:
    """Return where ticks stand, and what they say."""
    places = range(start, len(values), step)
    return [first + place for place in places], [str(values[p]) for p in places]
