"""One feature in each scanner, before and after harmonising, as boxes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from napari_muscle_us._napari.panels._histogram_plot import PlotCanvas, style_axes
from napari_muscle_us._napari.panels._plot import colour_of

if TYPE_CHECKING:
    from napari_muscle_us._napari.panels._conv_combat_work import Feature

_LEFT_PX: Final = 48
_BOTTOM_PX: Final = 30
_TOP_PX: Final = 20
_GAP_PX: Final = 12
_HEIGHT_PX: Final = 210
_MOST_LETTERS: Final = 10
_MOST_BATCHES: Final = 12


class CombatPlot(PlotCanvas):
    """Shows boxes of each scanner: left before, right after, on one scale."""

    def __init__(self) -> None:
        super().__init__()
        self._feature: Feature | None = None
        self.setMinimumHeight(_HEIGHT_PX)

    def value(self) -> Feature | None:
        """Return what is shown."""
        return self._feature

    def set_value(self, feature: Feature | None) -> None:
        """Show a feature."""
        self._feature = feature
        self._draw_all()

    def set_foreground(self, colour: str) -> None:
        """Use another text colour."""
        self.foreground = colour
        self._draw_all()

    def set_margins(self) -> None:
        """Leave room for tick labels and titles, in pixels."""
        width, height = max(self.width(), 120), max(self.height(), 90)
        self.figure.subplots_adjust(
            left=_LEFT_PX / width,
            right=1 - _GAP_PX / width,
            bottom=_BOTTOM_PX / height,
            top=1 - _TOP_PX / height,
            wspace=0.06,
        )

    def _draw_all(self) -> None:
        self.figure.clear()
        feature = self._feature
        if feature is not None:
            both = self.figure.subplots(1, 2, sharey=True)
            for axes, title, values in zip(
                both, ("Before", "After"), (feature.before, feature.after), strict=True
            ):
                shown = [part.tolist() for part in values[:_MOST_BATCHES]]
                drawn = axes.boxplot(shown, widths=0.6, patch_artist=True)
                for place, box in enumerate(drawn["boxes"]):
                    box.set(facecolor=colour_of(place), alpha=0.7)
                    box.set_edgecolor(self.foreground)
                for part in ("whiskers", "caps", "medians"):
                    for line in drawn[part]:
                        line.set_color(self.foreground)
                for flier in drawn["fliers"]:
                    flier.set(marker=".", markeredgecolor=self.foreground)
                names = [_short(name) for name in feature.batches[:_MOST_BATCHES]]
                axes.set_xticks(range(1, len(names) + 1), names)
                axes.set_title(title, fontsize=8, loc="left", color=self.foreground)
                style_axes(axes, self.foreground)
            both[1].tick_params(labelleft=False)
        self.set_margins()
        self.draw_idle()


def _short(name: str) -> str:
    return name if len(name) <= _MOST_LETTERS else f"{name[: _MOST_LETTERS - 1]}…"
