"""A plot of a fit, in the theme's text colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us._napari.panels._histogram_plot import PlotCanvas, style_axes
from napari_muscle_us._napari.panels._ref_work import draw_plot

if TYPE_CHECKING:
    from qtpy.QtCore import QSize

    from napari_muscle_us.reference.fitting.fit_plots import FitNumbers

_LEFT_PX: Final = 52
_RIGHT_PX: Final = 12
_BOTTOM_PX: Final = 40
_TOP_PX: Final = 10
_LOWEST_PX: Final = 210


class FitPlot(PlotCanvas):
    """Draws one of the plots of `fit_plots.FIT_PLOTS`."""

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumHeight(_LOWEST_PX)
        self._shown: tuple[FitNumbers, str] | None = None
        # Made once: an axes costs as much as what is drawn into it.
        self._axes: Any = self.figure.add_subplot()
        self._axes.set_axis_off()

    def set_value(self, shown: tuple[FitNumbers, str] | None) -> None:
        """Draw a fit's plot of this key, or nothing."""
        if shown == self._shown:
            return
        self._shown = shown
        self._draw_shown()

    def _draw_shown(self) -> None:
        if self._shown is None:
            self._axes.clear()
            self._axes.set_axis_off()
        else:
            numbers, key = self._shown
            draw_plot(self._axes, key, numbers, foreground=self.foreground)
            style_axes(self._axes, self.foreground)
        self.draw_idle()

    def set_foreground(self, colour: str) -> None:
        """Use another text colour."""
        self.foreground = colour
        self._draw_shown()

    def set_margins(self) -> None:
        """Leave room for both axes' numbers and titles, in pixels."""
        width, height = max(self.width(), 120), max(self.height(), 120)
        self.figure.subplots_adjust(
            left=_LEFT_PX / width,
            right=1 - _RIGHT_PX / width,
            bottom=_BOTTOM_PX / height,
            top=1 - _TOP_PX / height,
        )

    def sizeHint(self) -> QSize:
        """Return a size that suits a dock."""
        from qtpy.QtCore import QSize

        return QSize(320, 240)
