"""A plot of a fit, in the theme's text colour."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from napari_muscle_us._napari.panels._histogram_plot import PlotCanvas, style_axes
from napari_muscle_us._napari.panels._ref_work import draw_plot

if TYPE_CHECKING:
    from qtpy.QtCore import QSize

    from napari_muscle_us.reference.fitting.fit_types import MuscleFit

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
        self._shown: tuple[MuscleFit, str] | None = None

    def set_value(self, shown: tuple[MuscleFit, str] | None) -> None:
        """Draw a fit's plot of this key, or nothing."""
        self._shown = shown
        self.figure.clear()
        self.set_margins()
        if shown is not None:
            fit, key = shown
            axes = self.figure.add_subplot()
            draw_plot(axes, key, fit, foreground=self.foreground)
            style_axes(axes, self.foreground)
        self.draw_idle()

    def set_foreground(self, colour: str) -> None:
        """Use another text colour."""
        self.foreground = colour
        self.set_value(self._shown)

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
