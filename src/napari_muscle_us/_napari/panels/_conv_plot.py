"""The line through the pairs, and the agreement, in the theme's colours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from qtpy.QtCore import QTimer

from napari_muscle_us._napari.panels._conv_work import Fitted
from napari_muscle_us._napari.panels._histogram_plot import PlotCanvas, style_axes
from napari_muscle_us._napari.panels._plot import colour_of
from napari_muscle_us.reference.conversion.conversion_plots import (
    draw_agreement,
    draw_conversion,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from qtpy.QtGui import QResizeEvent

    from napari_muscle_us._napari.panels._conv_work import Phantom, ShownConversion
    from napari_muscle_us.reference.conversion.device_conversion import DeviceConversion

_WIDE_PX: Final = 600
"""From this width on the plots stand side by side."""
_HEIGHT_PX: Final = 250
_LEFT_PX: Final = 58
_BOTTOM_PX: Final = 40
_GAP_PX: Final = 12
_FONT: Final = 8
_MOST_LETTERS: Final = 24


class ConversionPlot(PlotCanvas):
    """Pairs with their line, and differences with their limits."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: ShownConversion | None = None
        # A height set while Qt resizes would be overtaken by the old one.
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._room)

    def value(self) -> ShownConversion | None:
        """Return what is shown."""
        return self._shown

    def set_value(self, shown: ShownConversion | None) -> None:
        """Show a conversion."""
        self._shown = shown
        self._draw_all()

    def set_foreground(self, colour: str) -> None:
        """Use another text colour."""
        self.foreground = colour
        self._draw_all()

    def set_margins(self) -> None:
        """Place the axes: side by side where there is room, else one below another."""
        axes = self.figure.axes
        width, height = max(self.width(), 120), max(self.height(), 120)
        wide = width >= _WIDE_PX
        for place, one in enumerate(axes):
            columns = len(axes) if wide else 1
            rows = 1 if wide else len(axes)
            column, row = (place, 0) if wide else (0, place)
            cell = width / columns, height / rows
            left, top = column * cell[0] + _LEFT_PX, row * cell[1] + _GAP_PX / 2
            size = cell[0] - _LEFT_PX - _GAP_PX, cell[1] - _BOTTOM_PX - _GAP_PX
            one.set_position(
                (
                    left / width,
                    1 - (top + size[1]) / height,
                    size[0] / width,
                    size[1] / height,
                )
            )

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Ask for another height where the plots are laid out anew."""
        super().resizeEvent(event)
        self._later.start(0)

    def _room(self) -> None:
        rows = 1 if self.width() >= _WIDE_PX else max(len(self.figure.axes), 1)
        if self.minimumHeight() != rows * _HEIGHT_PX:
            self.setMinimumHeight(rows * _HEIGHT_PX)

    def _draw_all(self) -> None:
        self.figure.clear()
        shown = self._shown
        if shown is not None:
            if isinstance(shown.made, Fitted):
                first, second = self.figure.add_subplot(), self.figure.add_subplot()
                draw_conversion(first, shown.made.fit, unit=shown.made.unit)
                draw_agreement(
                    second,
                    shown.made.fit,
                    unit=shown.made.unit,
                    converted=shown.converted,
                )
                _name_axes(first, second, shown)
            else:
                _draw_phantom(
                    self.figure.add_subplot(), shown.names, shown.made, shown.conversion
                )
            for axes in self.figure.axes:
                _style(axes, self.foreground)
        self.set_margins()
        self._room()
        self.draw_idle()


def _name_axes(first: Axes, second: Axes, shown: ShownConversion) -> None:
    """Name the axes in the room that a panel has."""
    source, target = (_short(name) for name in shown.names)
    unit = shown.conversion.unit
    first.set_xlabel(f"{source} ({unit})")
    first.set_ylabel(f"{target} ({unit})")
    second.set_xlabel(f"Mean of both ({unit})")
    carried = " converted" if shown.converted else ""
    second.set_ylabel(f"{target} −\n{source}{carried}")


def _short(name: str) -> str:
    return name if len(name) <= _MOST_LETTERS else f"{name[: _MOST_LETTERS - 1]}…"


def _draw_phantom(
    axes: Axes, names: tuple[str, str], made: Phantom, found: DeviceConversion
) -> None:
    axes.scatter(made.source, made.target, s=24, alpha=0.8, linewidths=0)
    x = np.array([found.source_range.low, found.source_range.high])
    sign = "−" if found.intercept < 0 else "+"
    axes.plot(
        x,
        found.intercept + found.slope * x,
        color=colour_of(1),
        label=f"y = {found.slope:.3g} x {sign} {abs(found.intercept):.3g}",
    )
    axes.set_xlabel(f"{_short(names[0])} ({found.unit})")
    axes.set_ylabel(f"{_short(names[1])} ({found.unit})")
    axes.legend(loc="upper left", frameon=False)


def _style(axes: Axes, foreground: str) -> None:
    """Draw in colours that can be told from a dark and from a light background."""
    style_axes(axes, foreground)
    texts: list[Any] = [axes.xaxis.label, axes.yaxis.label, *axes.texts]
    legend = axes.get_legend()
    if legend is not None:
        texts += legend.get_texts()
    for text in texts:
        text.set_color(foreground)
        text.set_fontsize(_FONT)
    from matplotlib.collections import PathCollection

    for drawn in axes.collections:
        if isinstance(drawn, PathCollection):
            drawn.set_facecolor(colour_of(0))
