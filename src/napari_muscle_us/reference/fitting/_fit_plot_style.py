"""Colours, labels and texts that the plots of a fit share."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from matplotlib.axes import Axes

    Floats = npt.NDArray[np.float64]

COLOURS: Final = {"female": "#d55e00", "male": "#2b8cc4"}
LINE: Final = "#119e73"
UNTOLD: Final = "#8a8a8a"
WRONG: Final = "#cc3366"
BAND: Final = 0.16
_DIAMETER: Final = 3.3
_BELOW_CURVES: Final = 1
LONGEST: Final = 48
"""Most letters of a text in a plot."""


@cache
def _letters() -> frozenset[int]:
    """Return the letters that the font of the plots has."""
    from matplotlib.font_manager import findfont, get_font

    return frozenset(get_font(findfont("DejaVu Sans")).get_charmap())


def plain(text: str) -> str:
    """Return a text as far as it can be drawn, in one line, not too long.

    Names of muscles and subjects may hold anything; a letter that the font lacks is
    drawn as a question mark.
    """
    kept = "".join(
        letter if letter.isprintable() and ord(letter) in _letters() else "?"
        for letter in text[: LONGEST + 1]
    )
    return kept if len(text) <= LONGEST else f"{kept[: LONGEST - 1]}…"


def points(axes: Axes, x: Floats, y: Floats, colour: str, *, label: str) -> None:
    """Draw points; faint where there are many."""
    # A line of markers is drawn in a third of the time of a scatter.
    axes.plot(
        x,
        y,
        linestyle="none",
        marker="o",
        markersize=_DIAMETER,
        markeredgewidth=0,
        alpha=0.75 if len(x) <= 300 else 0.35,
        color=colour,
        label=label,
        zorder=_BELOW_CURVES,
    )


def set_labels(axes: Axes, x: str, y: str, foreground: str) -> None:
    """Name the axes and draw them in a colour."""
    # A dollar sign in a name is no formula.
    axes.set_xlabel(x, parse_math=False, color=foreground, fontsize=8)
    axes.set_ylabel(y, parse_math=False, color=foreground, fontsize=8)
    axes.tick_params(colors=foreground, labelsize=8)
    for spine in axes.spines.values():
        spine.set_color(foreground)
    axes.spines[["top", "right"]].set_visible(False)
    known: Any = axes.get_legend()
    if known is not None:
        for text in known.get_texts():
            text.set_color(foreground)


def legend(axes: Axes, place: str = "best") -> None:
    """Tell what colours mean, where more than one thing is drawn."""
    if len(axes.get_legend_handles_labels()[1]) > 1:
        axes.legend(loc=place, frameon=False, fontsize=7, handletextpad=0.3)


def say(axes: Axes, sentence: str, foreground: str) -> None:
    """Write a sentence in place of a plot."""
    axes.set_axis_off()
    axes.text(
        0.5,
        0.5,
        sentence,
        ha="center",
        va="center",
        wrap=True,
        fontsize=8,
        color=foreground,
        transform=axes.transAxes,
        parse_math=False,
    )
