"""The histogram as a figure for paper: black on white, with counts and a legend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from matplotlib.figure import Figure

from napari_muscle_us._napari.panels._histogram_curves import LOG_BASE, names_apart
from napari_muscle_us.errors import ResultsError
from napari_muscle_us.io.files import atomic_path
from napari_muscle_us.measure.gray_levels import cumulative
from napari_muscle_us.measure.intensity import GRAY_LEVELS

if TYPE_CHECKING:
    from napari_muscle_us._napari.panels._histogram_curves import Curve, PlotContent

EDGES: Final = np.arange(GRAY_LEVELS + 1) - 0.5
_PAPER: Final = (6.0, 3.5)
_DPI: Final = 200


def save_on_paper(content: PlotContent, path: str) -> None:
    """Write the plot as PNG or SVG, never half.

    Raises
    ------
    ResultsError
        If the suffix is another one, or the folder cannot be written to.
    """
    if not path.lower().endswith((".png", ".svg")):
        raise ResultsError(f"{path!r} is neither .png nor .svg; choose one.")
    figure = draw_on_paper(content)
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=_DPI)


def draw_on_paper(content: PlotContent) -> Figure:
    """Return a figure of the histograms."""
    figure = Figure(figsize=_PAPER, layout="constrained")
    axes = figure.add_subplot()
    axes.spines[["top", "right"]].set_visible(False)
    shares = axes.twinx() if content.cumulative else None
    for name, curve in zip(names_apart(content.curves), content.curves, strict=True):
        stats, line = curve.stats, _line(curve)
        axes.stairs(
            stats.histogram,
            EDGES,
            fill=not curve.kept,
            alpha=1.0 if curve.kept else 0.55,
            color=curve.colour,
            linestyle=line,
            label=f"{name}: mean {stats.mean:.1f}, n = {stats.n}",
        )
        axes.axvline(stats.mean, color=curve.colour, lw=1.6, linestyle=line)
        if shares is not None:
            levels = np.arange(GRAY_LEVELS)
            shares.plot(
                levels,
                cumulative(stats.histogram),
                color=curve.colour,
                lw=1.2,
                linestyle=line,
            )
    axes.set(xlim=(-0.5, 255.5), xlabel="Gray level", ylabel="Pixels")
    if content.log:
        axes.set_yscale("log")
        axes.set_ylim(bottom=LOG_BASE)
    if shares is not None:
        shares.set(ylim=(0, 103), ylabel="Pixels up to the level (%)")
        shares.spines["top"].set_visible(False)
    if content.curves:
        axes.legend(frameon=False, fontsize=8)
    return figure


def _line(curve: Curve) -> str:
    return "--" if curve.kept else "-"
