"""Pictures of a report: the plots of a fit as images that stand in the page."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.reference.fitting._report_html import Part, joined, text
from napari_muscle_us.reference.fitting.fit_plots import (
    FIT_PLOTS,
    FitNumbers,
    draw_plot,
    plots_of,
)

if TYPE_CHECKING:
    from napari_muscle_us.reference.fitting.fit_types import MuscleFit

DOTS_AN_INCH: Final = 200
_COLOURS: Final = 64
_WIDE: Final = ("values",)
_SIZES: Final = {True: (7.1, 3.1), False: (3.5, 2.35)}

CAPTIONS: Final = {
    "values": (
        "Each point is a value, both sides of a subject joined; line and band are "
        "median and 95 % interval of healthy people of mean height and weight."
    ),
    "residuals_fitted": (
        "Dotted: ±1.96 SD; the line is a local regression (lowess), which should be "
        "level, and the scatter the same everywhere."
    ),
    **dict.fromkeys(
        ("residuals_sex_male", "residuals_side_right", "residuals_side_nondominant"),
        "Beside the points mean ± SD.",
    ),
    "qq": (
        "One residual a subject. The band holds each point of 95 % of normal samples; "
        "one point in 20 may be outside."
    ),
    "left_out_histogram": (
        "Z of each control against a model without this subject; the curve is normal "
        "with mean 0 and SD 1."
    ),
    "left_out_age": "Boxes: mean ± SD of each age band; red where outside its limits.",
    "candidates": "Smaller scores are better; the rule of choice is told above.",
    "influence": (
        "One point a subject. Lines of equal Cook's distance D; the most striking "
        "subjects are named by their code."
    ),
}

_ALONG: Final = "The line is a local regression (lowess), which should be level."


def plots_part(fit: MuscleFit) -> Part:
    """Return all plots of a fit that have something to show, with their captions."""
    figures = []
    numbers = FitNumbers(fit)
    for name in plots_of(numbers):
        title = FIT_PLOTS[name][0]
        wide = name in _WIDE
        source = base64.b64encode(plot_png(numbers, name, size=_SIZES[wide])).decode()
        caption = CAPTIONS.get(name, _ALONG)
        kind = ' class="wide"' if wide else ""
        figures.append(
            Part(
                f"<figure{kind}>"
                f'<img alt="{text(title)}" src="data:image/png;base64,{source}"/>'
                f"<figcaption><b>{text(title)}.</b> {text(caption)}</figcaption>"
                "</figure>\n"
            )
        )
    return Part(f'<div class="plots">\n{joined(figures)}</div>\n')


def plot_png(
    fit: MuscleFit | FitNumbers,
    name: str,
    *,
    size: tuple[float, float] = (3.5, 2.35),
    dots_an_inch: int = DOTS_AN_INCH,
) -> bytes:
    """Return a plot as a PNG file of few colours; the same fit gives the same bytes.

    Parameters
    ----------
    fit : MuscleFit or FitNumbers
        What to draw.
    name : str
        Key of `napari_muscle_us.reference.fitting.fit_plots.FIT_PLOTS`.
    size : tuple of float
        Width and height in inches.
    dots_an_inch : int, default: 200
        Pixels an inch.
    """
    # Not pyplot, whose figures belong to the thread of the screen.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from PIL import Image

    figure = Figure(figsize=size, dpi=dots_an_inch, layout="constrained")
    canvas = FigureCanvasAgg(figure)
    draw_plot(figure.add_subplot(), name, fit)
    canvas.draw()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    few = picture.quantize(
        _COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE
    )
    held = io.BytesIO()
    few.save(held, "PNG")
    return held.getvalue()
