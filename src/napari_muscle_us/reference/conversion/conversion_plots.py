"""Plots of a conversion: the line through the pairs, and the agreement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from napari_muscle_us.reference.conversion.agreement import Agreement
    from napari_muscle_us.reference.conversion.conversion_fit import ConversionFit

_POINT: Final = "#0072b2"
_LINE: Final = "#d55e00"
_GREY: Final = "0.45"


def draw_conversion(
    axes: Axes, fit: ConversionFit, *, unit: str = "gray level"
) -> None:
    """Draw the pairs, the line with its 95 % band, and the line of equality.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    fit : ConversionFit
        What to draw.
    unit : str, default: "gray level"
        Of both axes.

    Notes
    -----
    The dark band is that of the line (normal approximation from its covariance), the
    light one that of single muscles about it (± 1.96 SD).
    """
    line, frame = fit.line, fit.frame
    x = np.linspace(frame["x"].min(), frame["x"].max(), 100)
    middle = line.intercept + line.slope * x
    (first, mixed), (_, second) = line.covariance
    wobble = 1.96 * np.sqrt(np.maximum(first + 2 * x * mixed + x**2 * second, 0))
    spread = 1.96 * line.residual_sd
    axes.fill_between(
        x, middle - spread, middle + spread, color=_LINE, alpha=0.1, linewidth=0
    )
    axes.fill_between(
        x, middle - wobble, middle + wobble, color=_LINE, alpha=0.3, linewidth=0
    )
    axes.scatter(frame["x"], frame["y"], s=18, alpha=0.6, linewidths=0, color=_POINT)
    sign = "−" if line.intercept < 0 else "+"
    axes.plot(
        x,
        middle,
        color=_LINE,
        label=f"y = {line.slope:.3g} x {sign} {abs(line.intercept):.3g}",
    )
    both = np.concatenate([frame["x"], frame["y"]])
    axes.plot(
        [both.min(), both.max()],
        [both.min(), both.max()],
        color=_GREY,
        linestyle="--",
        linewidth=1,
        label="y = x",
    )
    axes.set_xlabel(f"{fit.pairs.device_a} ({unit})")
    axes.set_ylabel(f"{fit.pairs.device_b} ({unit})")
    axes.legend(loc="upper left", frameon=False)


def draw_agreement(
    axes: Axes, fit: ConversionFit, *, unit: str = "gray level", converted: bool = True
) -> None:
    """Draw the differences of the pairs against their means, with their limits.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    fit : ConversionFit
        What to draw.
    unit : str, default: "gray level"
        Of both axes.
    converted : bool, default: True
        Whether the first device is shown converted, or as it was measured.
    """
    frame = fit.frame
    x = frame["converted" if converted else "x"]
    found: Agreement = fit.after if converted else fit.before
    axes.scatter(
        (x + frame["y"]) / 2,
        frame["y"] - x,
        s=18,
        alpha=0.6,
        linewidths=0,
        color=_POINT,
    )
    marks = (
        (found.bias, found.bias_interval, "-", "mean"),
        (found.limits[0], found.lower_interval, "--", "−1.96 SD"),
        (found.limits[1], found.upper_interval, "--", "+1.96 SD"),
    )
    for value, ends, style, label in marks:
        axes.axhspan(*ends, color=_LINE, alpha=0.12, linewidth=0)
        axes.axhline(value, color=_LINE, linestyle=style, linewidth=1)
        axes.annotate(
            f"{label} {round(value, 1) + 0.0:+.1f}".replace("-", "−"),
            xy=(1, value),
            xycoords=axes.get_yaxis_transform(),
            xytext=(-3, 2),
            textcoords="offset points",
            ha="right",
            va="bottom",
            fontsize="small",
        )
    axes.axhline(0, color=_GREY, linewidth=0.8)
    names = fit.pairs.device_b, fit.pairs.device_a
    shown = f"{names[1]} converted" if converted else names[1]
    axes.set_xlabel(f"Mean of {names[0]} and {shown} ({unit})")
    axes.set_ylabel(f"{names[0]} − {shown} ({unit})")
