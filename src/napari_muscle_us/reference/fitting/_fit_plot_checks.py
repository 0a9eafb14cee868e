"""Plots of a fit that check it: Q–Q, left-out Z, candidates and influence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.reference.fitting._fit_plot_style import (
    BAND,
    COLOURS,
    LINE,
    UNTOLD,
    WRONG,
    legend,
    plain,
    points,
    say,
    set_labels,
)

if TYPE_CHECKING:
    import numpy.typing as npt
    from matplotlib.axes import Axes

    from napari_muscle_us.reference.fitting._fit_plot_numbers import FitNumbers
    from napari_muscle_us.reference.fitting._subject_residuals import SubjectResiduals

    Floats = npt.NDArray[np.float64]

_POINT: Final = COLOURS["male"]
_NAMED: Final = 8
COOK_LEVELS: Final = (0.5, 1.0)


def normal_quantiles(n: int) -> tuple[Floats, Floats, Floats]:
    """Return where n ordered normal values are expected, with 95 % limits of each.

    Parameters
    ----------
    n : int
        Number of independent values.

    Returns
    -------
    expected, low, high : ndarray of float64, shape (n,)
        Medians, and 2.5 % and 97.5 % of each order statistic: the i-th of n uniform
        values follows the beta distribution with i and n + 1 − i.

    Examples
    --------
    >>> expected, low, high = normal_quantiles(3)
    >>> [float(x) for x in expected.round(3) + 0.0]
    [-0.819, 0.0, 0.819]
    """
    from scipy.special import betaincinv, ndtri

    place = np.arange(1, n + 1, dtype=np.float64)
    low, expected, high = (
        ndtri(betaincinv(place, n + 1 - place, share)) for share in (0.025, 0.5, 0.975)
    )
    return expected, low, high


def draw_qq(axes: Axes, numbers: FitNumbers, *, foreground: str = "black") -> None:
    """Draw ordered residuals, one a subject, against those of a normal distribution.

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
    The band holds each point of 95 % of normal samples; of n points about one in 20 may
    be outside. A linear model shows internally studentised residuals of the subjects'
    means, another kind the Z-scores.
    """
    found = numbers.residuals
    values = np.sort(numbers.column("z") if found is None else found.studentised)
    values = values[np.isfinite(values)]
    if len(values) < 3:
        say(axes, "There are too few residuals to order.", foreground)
        return
    expected, low, high = normal_quantiles(len(values))
    axes.fill_between(expected, low, high, color=LINE, alpha=BAND, linewidth=0)
    axes.plot(expected[[0, -1]], expected[[0, -1]], color=LINE, linewidth=1.2)
    outside = (values < low) | (values > high)
    points(axes, expected[~outside], values[~outside], _POINT, label="inside")
    points(axes, expected[outside], values[outside], WRONG, label="outside the band")
    what = "Studentised residual" if found is not None else "Z"
    set_labels(axes, "Normal quantile", f"{what} (one a subject)", foreground)


def draw_left_out_histogram(
    axes: Axes, numbers: FitNumbers, *, foreground: str = "black"
) -> None:
    """Draw the histogram of left-out Z with the normal curve of mean 0 and SD 1."""
    z = numbers.column("z_left_out")
    z = z[np.isfinite(z)]
    if not len(z):
        say(axes, "No control has a left-out Z.", foreground)
        return
    half = max(4.0, float(np.ceil(np.abs(z).max())))
    edges = np.arange(-half, half + 0.25, 0.5)
    axes.hist(np.clip(z, -half, half), bins=edges.tolist(), color=_POINT, alpha=0.5)
    x = np.linspace(-half, half, 161)
    bell = len(z) * 0.5 * np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
    axes.plot(x, bell, color=LINE, linewidth=1.6)
    for end in (-1.96, 1.96):
        axes.axvline(end, color=UNTOLD, linestyle=":", linewidth=0.8)
    set_labels(axes, "Left-out Z", "Values", foreground)


def draw_left_out_age(
    axes: Axes, numbers: FitNumbers, *, foreground: str = "black"
) -> None:
    """Draw left-out Z along age, with mean ± SD of each age band.

    A band outside its limits is drawn in red.
    """
    age = numbers.column("age_years")
    z = numbers.column("z_left_out")
    known = np.isfinite(age) & np.isfinite(z)
    if not known.any():
        say(axes, "No control has an age and a left-out Z.", foreground)
        return
    for level, style in ((0, "-"), (-1, "--"), (1, "--"), (-1.96, ":"), (1.96, ":")):
        axes.axhline(level, color=UNTOLD, linestyle=style, linewidth=0.8)
    points(axes, age[known], z[known], _POINT, label="values")
    for band in numbers.fit.left_out.bands:
        colour = LINE if band.passed else WRONG
        ends = [band.low, band.high]
        axes.fill_between(
            ends,
            band.mean - band.sd,
            band.mean + band.sd,
            color=colour,
            alpha=0.22,
            linewidth=0,
        )
        axes.plot(ends, [band.mean] * 2, color=colour, linewidth=2)
    set_labels(axes, "Age (years)", "Left-out Z", foreground)


def draw_candidates(
    axes: Axes, numbers: FitNumbers, *, foreground: str = "black"
) -> None:
    """Draw the score of each formula against its number of coefficients."""
    from matplotlib.ticker import MaxNLocator

    tried = [c for c in numbers.fit.candidates if np.isfinite(c.score)]
    if not tried:
        say(axes, "No formulas were compared: it was given.", foreground)
        return
    size = np.array([c.coefficients for c in tried], dtype=np.float64)
    score = np.array([c.score for c in tried])
    points(axes, size, score, UNTOLD, label="tried")
    best = int(np.argmin(score))
    axes.scatter(
        size[best], score[best], s=40, facecolors="none", edgecolors=_POINT,
        label="smallest",
    )  # fmt: skip
    for one in tried:
        if one.chosen:
            axes.scatter(
                one.coefficients, one.score, s=46, marker="D", color=WRONG,
                label="chosen",
            )  # fmt: skip
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    legend(axes)
    rule = (
        "AICc" if numbers.fit.options.selection == "aicc" else "Cross-validated error"
    )
    set_labels(axes, "Coefficients", rule, foreground)


def cook_curve(
    distance: float, leverage: Floats, *, n: int, coefficients: int
) -> Floats:
    """Return the studentised residual that has a Cook's distance.

    Parameters
    ----------
    distance : float
        Cook's distance D.
    leverage : ndarray of float64
        h, above 0 and below 1.
    n, coefficients : int
        Subjects and coefficients p.

    Returns
    -------
    ndarray of float64
        Externally studentised residual t ≥ 0; NaN where none has it.

    Notes
    -----
    D = r² h / ((1 − h) p) with the internally studentised residual r, and
    t = r √((ν − 1)/(ν − r²)) with ν = n − p.
    """
    freedom = n - coefficients
    square = distance * coefficients * (1 - leverage) / leverage
    left = np.where(square < freedom, freedom - square, np.nan)
    return np.asarray(np.sqrt(square * (freedom - 1) / left))


def draw_influence(
    axes: Axes, numbers: FitNumbers, *, foreground: str = "black"
) -> None:
    """Draw studentised residual against leverage, with lines of Cook's distance.

    The most striking subjects are named by their code.
    """
    told = numbers.fit.diagnostics.influential
    found = numbers.residuals
    if found is not None:
        points(axes, found.leverage, found.studentised_outer, _POINT, label="subjects")
        _draw_cook(axes, found)
    elif not told:
        say(axes, "No subject is striking.", foreground)
        return
    strange = np.array([(i.leverage, i.studentised) for i in told]).reshape(-1, 2)
    points(axes, strange[:, 0], strange[:, 1], WRONG, label="striking")
    drawable = [i for i in told if np.isfinite(i.studentised)]
    for number, one in enumerate(drawable[:_NAMED]):
        up = one.studentised >= 0
        axes.annotate(
            plain(one.subject)[:16],
            (one.leverage, one.studentised),
            xytext=(3, (3 if up else -8) + (number % 2) * (5 if up else -5)),
            textcoords="offset points",
            fontsize=6.5,
            color=foreground,
            parse_math=False,
        )
    axes.axhline(0, color=UNTOLD, linewidth=0.8)
    set_labels(axes, "Leverage", "Studentised residual", foreground)


def _draw_cook(axes: Axes, found: SubjectResiduals) -> None:
    n, p = found.n, found.p
    if n - p < 2:
        return
    highest = float(found.leverage.max())
    leverage = np.linspace(highest / 100, min(1.15 * highest, 0.999), 200)
    outer = np.abs(found.studentised_outer)
    top = 1.2 * max(3.0, float(outer[np.isfinite(outer)].max(initial=0.0)))
    for level in (4 / n, *COOK_LEVELS):
        curve = cook_curve(level, leverage, n=n, coefficients=p)
        curve = np.where(curve <= top, curve, np.nan)
        style = ":" if level == 4 / n else "--"
        for sign in (-1, 1):
            axes.plot(
                leverage, sign * curve, color=UNTOLD, linestyle=style, linewidth=0.9
            )
        if np.isfinite(curve[-1]):
            axes.annotate(
                f"D {level:.2g}",
                (leverage[-1], curve[-1]),
                fontsize=6.5,
                color=UNTOLD,
                ha="right",
                va="bottom",
            )
    axes.set_ylim(-top, top)
