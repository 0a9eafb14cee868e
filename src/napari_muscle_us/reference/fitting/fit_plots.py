"""Plots of a fit of reference values, on the axes of a panel or of a report."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.reference.fitting._fit_people import (
    COVARIATE_UNITS,
    COVARIATE_WORDS,
    SEX_WORDS,
)
from napari_muscle_us.reference.fitting._fit_plot_checks import (
    draw_candidates,
    draw_influence,
    draw_left_out_age,
    draw_left_out_histogram,
    draw_qq,
)
from napari_muscle_us.reference.fitting._fit_plot_numbers import (
    FITTED,
)
from napari_muscle_us.reference.fitting._fit_plot_numbers import (
    FitNumbers as FitNumbers,
)
from napari_muscle_us.reference.fitting._fit_plot_numbers import (
    smooth_line as smooth_line,
)
from napari_muscle_us.reference.fitting._fit_plot_style import (
    BAND,
    COLOURS,
    LINE,
    UNTOLD,
    legend,
    plain,
    points,
    say,
    set_labels,
)
from napari_muscle_us.registry import MEASURES

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes

    from napari_muscle_us.reference.fitting.fit_types import MuscleFit

    Floats = npt.NDArray[np.float64]


def value_label(fit: MuscleFit) -> str:
    """Return what was measured, with its unit, for an axis."""
    known = MEASURES.get(fit.model.measure)
    name = fit.model.measure if known is None else known.label
    return plain(f"{name} ({fit.model.unit})")


def _covariate_label(name: str) -> str:
    word = COVARIATE_WORDS[name]
    word = word if word.isupper() else word.capitalize()
    return f"{word} ({COVARIATE_UNITS[name]})"


def draw_values(axes: Axes, numbers: FitNumbers, *, foreground: str = "black") -> None:
    """Draw values along age with the median and the 95 % interval by sex.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    numbers : FitNumbers
        What to draw.
    foreground : str, default: "black"
        Colour of texts and lines of the axes.

    Notes
    -----
    Where no age is known, or all are the same, it is the first covariate that differs.
    Both sides of a subject are joined. The curves are for a person of mean height and
    weight of that sex, half-way between the sides; women and men share one where the
    model tells no difference between them.
    """
    along = numbers.along
    if not along:
        say(axes, "Nothing differs among the subjects to draw along.", foreground)
        return
    for course in numbers.courses:
        colour = LINE if course.sex is None else COLOURS[course.sex]
        axes.fill_between(
            course.x, course.low, course.high, color=colour, alpha=BAND, linewidth=0
        )
        axes.plot(course.x, course.median, color=colour, linewidth=1.6)
    if len(numbers.joined):
        axes.vlines(*numbers.joined.T, color=UNTOLD, linewidth=0.6, alpha=0.7)
    _points_by_sex(axes, numbers, numbers.covariates[along], numbers.column("value"))
    set_labels(axes, _covariate_label(along), value_label(numbers.fit), foreground)


def _points_by_sex(
    axes: Axes, numbers: FitNumbers, x: Floats, y: Floats, *, told: bool = True
) -> None:
    sex = numbers.fit.rows["sex"].to_numpy(dtype=object)
    untold = ~np.isin(sex.astype(str), list(SEX_WORDS))
    for name, words in SEX_WORDS.items():
        own = sex == name
        if own.any():
            points(axes, x[own], y[own], COLOURS[name], label=words)
    if untold.any():
        points(axes, x[untold], y[untold], UNTOLD, label="sex not told")
    if told:
        legend(axes)


def draw_residuals_fitted(
    axes: Axes, numbers: FitNumbers, *, foreground: str = "black"
) -> None:
    """Draw standardised residuals against the fitted values; see `draw_values`."""
    model = numbers.fit.model
    _draw_residuals(axes, numbers, FITTED)
    scaled = getattr(model, "transform", None) is not None
    label = "Fitted value, scale of the model" if scaled else f"Fitted {model.unit}"
    set_labels(axes, plain(label), "Residual (SD)", foreground)


def draw_residuals_along(
    axes: Axes, numbers: FitNumbers, *, along: str, foreground: str = "black"
) -> None:
    """Draw standardised residuals against a covariate.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    numbers : FitNumbers
        What to draw.
    along : str
        One of `napari_muscle_us.reference.formula.COVARIATES`.
    foreground : str, default: "black"
        Colour of texts and lines of the axes.

    Notes
    -----
    The line is a locally weighted regression (lowess) over the values.

    References
    ----------
    Cleveland WS. Robust locally weighted regression and smoothing scatterplots. J Am
    Stat Assoc 1979;74:829. doi:10.1080/01621459.1979.10481038
    """
    x = numbers.covariates[along]
    if not np.isfinite(x).any():
        word = COVARIATE_WORDS[along]
        say(axes, f"The {word} of no subject is known.", foreground)
        return
    if along in _GROUPS:
        _draw_groups(axes, numbers, x, _GROUPS[along])
        set_labels(axes, "", "Residual (SD)", foreground)
        return
    _draw_residuals(axes, numbers, along)
    set_labels(axes, _covariate_label(along), "Residual (SD)", foreground)


_GROUPS: Final = {
    "sex_male": ("women", "men"),
    "side_right": ("left", "right"),
    "side_nondominant": ("dominant", "other side"),
}


def _draw_residuals(axes: Axes, numbers: FitNumbers, along: str) -> None:
    for level, style in ((0, "-"), (-1.96, ":"), (1.96, ":")):
        axes.axhline(level, color=UNTOLD, linestyle=style, linewidth=0.8)
    x, y = numbers.places(along), numbers.column("standardised")
    _points_by_sex(axes, numbers, x, y, told=False)
    line = numbers.smooth(along)
    if line is not None:
        axes.plot(*line, color=LINE, linewidth=1.6)


def _draw_groups(
    axes: Axes, numbers: FitNumbers, x: Floats, names: tuple[str, str]
) -> None:
    y = numbers.column("standardised")
    # Spread by a fixed rule, so that the same fit gives the same picture.
    aside = 0.3 * ((np.arange(len(x)) * 0.6180339887) % 1 - 0.5)
    axes.axhline(0, color=UNTOLD, linewidth=0.8)
    for place, name in enumerate(names):
        own = (x == place) & np.isfinite(y)
        if not own.any():
            continue
        points(axes, place + aside[own], y[own], UNTOLD, label=name)
        middle = y[own].mean()
        spread = y[own].std(ddof=1) if own.sum() > 1 else np.nan
        axes.errorbar(
            [place + 0.28], [middle], [spread], color=LINE, marker="o", capsize=4
        )
    axes.set_xlim(-0.5, 1.5)
    axes.set_xticks([0, 1], names)


Draw = Callable[..., None]


def _along(name: str) -> Draw:
    def draw(axes: Axes, numbers: FitNumbers, *, foreground: str = "black") -> None:
        draw_residuals_along(axes, numbers, along=name, foreground=foreground)

    draw.__doc__ = f"Draw residuals against {COVARIATE_WORDS[name]}."
    return draw


_RESIDUALS: Final = {
    f"residuals_{name}": (f"Residuals against {COVARIATE_WORDS[name]}", _along(name))
    for name in COVARIATE_WORDS
}

FIT_PLOTS: Final[dict[str, tuple[str, Draw]]] = {
    "values": ("Values with median and 95 % interval", draw_values),
    "residuals_fitted": ("Residuals against fitted values", draw_residuals_fitted),
    **_RESIDUALS,
    "qq": ("Q–Q plot of the residuals", draw_qq),
    "left_out_histogram": ("Left-out Z of the controls", draw_left_out_histogram),
    "left_out_age": ("Left-out Z along age", draw_left_out_age),
    "candidates": ("Formulas that were tried", draw_candidates),
    "influence": ("Influence of the subjects", draw_influence),
}
"""Title and function of each plot, by name; called ``(axes, numbers, foreground=…)``.

A plot that has nothing to show says so in a sentence.
"""


def plots_of(fit: MuscleFit | FitNumbers) -> tuple[str, ...]:
    """Return the names of the plots that have something to show of a fit.

    Parameters
    ----------
    fit : MuscleFit or FitNumbers
        The fit, or its numbers where they are at hand.

    Returns
    -------
    tuple of str
        Keys of `FIT_PLOTS`, in its order.
    """
    numbers = _numbers_of(fit)
    differ = set(numbers.differing)
    absent = {name for name in _RESIDUALS if name[10:] not in differ}
    if not any(np.isfinite(c.score) for c in numbers.fit.candidates):
        absent.add("candidates")
    if "age_years" not in differ:
        absent.add("left_out_age")
    if not numbers.along:
        absent.add("values")
    return tuple(name for name in FIT_PLOTS if name not in absent)


def draw_plot(
    axes: Any, name: str, fit: MuscleFit | FitNumbers, *, foreground: str = "black"
) -> None:
    """Draw a plot of `FIT_PLOTS` by its name, on cleared axes.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        Where to draw.
    name : str
        Key of `FIT_PLOTS`.
    fit : MuscleFit or FitNumbers
        What to draw. Of a fit its numbers are worked out each time; who draws more
        than one plot of it makes `FitNumbers` once.
    foreground : str, default: "black"
        Colour of texts and lines of the axes.
    """
    axes.clear()
    FIT_PLOTS[name][1](axes, _numbers_of(fit), foreground=foreground)


def _numbers_of(fit: MuscleFit | FitNumbers) -> FitNumbers:
    return fit if isinstance(fit, FitNumbers) else FitNumbers(fit)
