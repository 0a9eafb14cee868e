"""Plots of a fit: what they draw is what the fit holds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from numpy.testing import assert_allclose
from scipy.stats import beta, norm

from napari_muscle_us.reference.fitting import _fit_plot_numbers
from napari_muscle_us.reference.fitting._fit_people import (
    COVARIATE_WORDS,
    covariates_of_rows,
    formula_words,
    linear_estimate,
    person,
    subject_residuals,
)
from napari_muscle_us.reference.fitting._fit_plot_checks import (
    cook_curve,
    normal_quantiles,
)
from napari_muscle_us.reference.fitting._fit_plot_style import (
    COLOURS,
    LINE,
    WRONG,
    plain,
)
from napari_muscle_us.reference.fitting.fit import fit_reference
from napari_muscle_us.reference.fitting.fit_plots import (
    FIT_PLOTS,
    FitNumbers,
    draw_plot,
    plots_of,
    smooth_line,
)
from napari_muscle_us.reference.fitting.fit_types import FitOptions
from napari_muscle_us.reference.formula import COVARIATES
from napari_muscle_us.reference.subject import Subject

HOSTILE = "$\\frac{ <b>\u202e筋肉 & $"


def controls(n=60, *, seed=0, sides=("left", "right"), **changes):
    """Return controls: SD 6 between and 3 within subjects."""
    rng = np.random.default_rng(seed)
    people = pd.DataFrame(
        {
            "subject": [f"C{number:02}" for number in range(n)],
            "muscle": "Biceps brachii",
            "age_years": rng.uniform(20, 80, n).round(1),
            "sex": np.where(np.arange(n) % 2, "male", "female"),
            "height_cm": rng.normal(172, 9, n).round(1),
            "weight_kg": rng.normal(75, 10, n).round(1),
            "handedness": np.where(np.arange(n) % 7, "right", "left"),
        }
    ).assign(**changes)
    own = 45 + 0.3 * people["age_years"].fillna(50) - 12 * (people["sex"] == "male")
    own = own + rng.normal(0, 6, n)
    parts = [
        people.assign(side=side, value=own + rng.normal(0, 3, n)) for side in sides
    ]
    return pd.concat(parts, ignore_index=True)


def only(table, **options):
    return fit_reference(table, options=FitOptions(**options)).muscles[0]


@pytest.fixture(scope="module")
def fit():
    return only(controls(), candidates=("age_years", "sex_male"))


@pytest.fixture(scope="module")
def others(fit):
    """Return fits of all kinds, and of people of whom little is known."""
    bare = controls(sides=("",), age_years=np.nan, sex=None, height_cm=np.nan)
    return {
        "linear": fit,
        "lms": only(controls(), kind="lms", repeated="mean", folds=3),
        "quantiles": only(
            controls(),
            kind="quantiles",
            repeated="left",
            selection="none",
            candidates=("age_years",),
        ),
        "log": only(
            controls(),
            scale="log",
            selection="none",
            candidates=("age_years", "side_right"),
        ),
        "bare": only(bare, selection="none", formula="1 + weight_kg"),
        "nothing": only(bare.assign(weight_kg=np.nan), formula="1"),
    }


def drawn(name, fit, foreground="black"):
    figure = Figure(dpi=40)
    canvas = FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    draw_plot(axes, name, fit, foreground=foreground)
    canvas.draw()
    return axes


def scatter(axes, colour):
    """Return the points of a colour, whatever they are drawn with."""
    found = [
        np.asarray(c.get_offsets())
        for c in axes.collections
        if isinstance(c, PathCollection) and len(c.get_facecolor())
        and np.allclose(c.get_facecolor()[0, :3], to_rgba(colour)[:3])
    ] + [
        np.column_stack(each.get_data())
        for each in axes.lines
        if each.get_linestyle() == "None" and same_colour(each, colour)
    ]  # fmt: skip
    return np.concatenate(found) if found else np.empty((0, 2))


def same_colour(each, colour):
    return to_rgba(each.get_color()) == to_rgba(colour)


def line(axes, colour):
    return next(
        np.column_stack(each.get_data())
        for each in axes.lines
        if each.get_linestyle() != "None" and same_colour(each, colour)
    )


# The plots along a covariate show the same of each kind of model.
OF_A_KIND = ("values", "residuals_fitted", "qq", "left_out_histogram", "influence")


@pytest.mark.parametrize(
    ("kind", "name"),
    [(kind, name) for kind in ("linear", "bare") for name in FIT_PLOTS]
    + [(kind, name) for kind in ("lms", "quantiles", "log") for name in OF_A_KIND],
)
def test_every_plot_draws_or_says_why_not(others, kind, name):
    axes = drawn(name, others[kind])
    something = axes.has_data()
    assert something or any(text.get_text().endswith(".") for text in axes.texts)
    assert something or name not in plots_of(others[kind]) or name == "influence"


def test_with_nothing_known_it_says_so(others):
    fit = others["nothing"]
    assert set(plots_of(fit)) == {
        "residuals_fitted", "qq", "left_out_histogram", "influence",
    }  # fmt: skip
    assert "Nothing differs" in drawn("values", fit).texts[0].get_text()
    assert "is known" in drawn("residuals_age_years", fit).texts[0].get_text()
    for name in plots_of(fit):
        assert drawn(name, fit).has_data(), name


@pytest.mark.parametrize("sex", ["female", "male"])
def test_values_are_the_points_and_the_model(fit, sex):
    assert fit.model.covariates == ("age_years", "sex_male")
    axes = drawn("values", fit)
    own = fit.rows[fit.rows["sex"] == sex]
    assert_allclose(scatter(axes, COLOURS[sex]), own[["age_years", "value"]])
    curve = line(axes, COLOURS[sex])
    intercept, slope, male = fit.model.coefficients
    assert_allclose(
        curve[:, 1], intercept + slope * curve[:, 0] + male * (sex == "male")
    )
    assert axes.get_xlabel() == "Age (years)"
    assert axes.get_ylabel() == "Mean (EI) (gray level)"


def test_the_band_is_the_95_percent_interval(fit):
    axes = drawn("values", fit)
    band = axes.collections[0].get_paths()[0].vertices
    low, _, high = fit.model.value_at(
        person(fit, sex="female", age_years=fit.rows["age_years"].min()),
        np.array([2.5, 50, 97.5]),
    )
    youngest = band[band[:, 0] == band[:, 0].min()][:, 1]
    assert_allclose([youngest.min(), youngest.max()], [low, high])


def test_sides_of_a_subject_are_joined(fit):
    axes = drawn("values", fit)
    joined = next(c for c in axes.collections if "LineCollection" in repr(c))
    first = fit.rows[fit.rows["subject"] == "C00"]["value"]
    assert len(joined.get_segments()) == 60
    assert_allclose(np.sort(joined.get_segments()[0][:, 1]), np.sort(first))


def test_without_age_values_are_along_another_covariate(others):
    axes = drawn("values", others["bare"])
    assert axes.get_xlabel() == "Weight (kg)"
    assert_allclose(scatter(axes, "#8a8a8a")[:, 0], others["bare"].rows["weight_kg"])


@pytest.mark.parametrize("along", ["age_years", "height_cm", "weight_kg", "bmi"])
def test_residuals_are_those_of_the_rows(fit, along):
    axes = drawn(f"residuals_{along}", fit)
    x = covariates_of_rows(fit.rows)[along]
    for sex, colour in COLOURS.items():
        own = (fit.rows["sex"] == sex).to_numpy()
        points = scatter(axes, colour)
        assert_allclose(points[:, 0], x[own])
        assert_allclose(points[:, 1], fit.rows["standardised"][own])


def test_groups_show_mean_and_sd(fit):
    axes = drawn("residuals_sex_male", fit)
    for place, sex in enumerate(("female", "male")):
        own = fit.rows.loc[fit.rows["sex"] == sex, "standardised"]
        bar = axes.containers[place]
        middle = np.asarray(bar[0].get_ydata(), np.float64)
        assert_allclose(middle, own.mean(), atol=1e-12)
        assert_allclose(
            np.asarray(bar[2][0].get_segments()[0], np.float64)[:, 1],
            [own.mean() - own.std(), own.mean() + own.std()],
        )


def test_smooth_line_follows_what_is_there_and_refuses_what_is_not():
    x = np.linspace(0, 1, 80)
    found = smooth_line(x, 3 * x - 1)
    assert_allclose(found[1], 3 * found[0] - 1, atol=1e-8)
    assert smooth_line(np.repeat([1.0, 2.0], 40), x) is None
    assert smooth_line(np.full(80, np.nan), x) is None


@pytest.mark.parametrize("n", [3, 17, 200])
def test_qq_band_is_of_order_statistics(n):
    expected, low, high = normal_quantiles(n)
    place = np.arange(1, n + 1)
    for found, share in ((low, 0.025), (expected, 0.5), (high, 0.975)):
        assert_allclose(found, norm.ppf(beta.ppf(share, place, n + 1 - place)))


def test_qq_has_one_point_a_subject(fit):
    axes = drawn("qq", fit)
    points = np.concatenate([scatter(axes, COLOURS["male"]), scatter(axes, WRONG)])
    points = points[np.argsort(points[:, 0])]
    assert len(points) == fit.n_subjects == 60
    assert_allclose(points[:, 1], np.sort(subject_residuals(fit).studentised))


def test_left_out_bands_are_mean_and_sd(fit):
    axes = drawn("left_out_age", fit)
    means = [
        each.get_ydata()[0]
        for each in axes.lines
        if to_rgba(each.get_color()) in (to_rgba(LINE), to_rgba(WRONG))
    ]
    assert len(fit.left_out.bands) > 1
    assert_allclose(means, [band.mean for band in fit.left_out.bands])


def test_a_band_outside_its_limits_is_red(fit):
    bands = tuple(replace(band, passed=False) for band in fit.left_out.bands)
    wrong = replace(fit, left_out=replace(fit.left_out, bands=bands))
    colours = {each.get_color() for each in drawn("left_out_age", wrong).lines}
    assert WRONG in colours
    assert LINE not in colours


def test_histogram_counts_all_left_out_z(fit):
    axes = drawn("left_out_histogram", fit)
    assert sum(bar.get_height() for bar in axes.patches) == fit.n_values


def test_candidates_mark_the_chosen(fit):
    axes = drawn("candidates", fit)
    (chosen,) = (c for c in fit.candidates if c.chosen)
    assert_allclose(scatter(axes, WRONG), [[chosen.coefficients, chosen.score]])
    assert len(scatter(axes, "#8a8a8a")) == len(fit.candidates)


def test_cook_curve_gives_back_its_distance():
    n, p, distance = 40, 3, 0.2
    leverage = np.linspace(0.05, 0.6, 12)
    outer = cook_curve(distance, leverage, n=n, coefficients=p)
    inner_square = outer**2 * (n - p) / (n - p - 1 + outer**2)
    assert_allclose(inner_square * leverage / ((1 - leverage) * p), distance)
    assert np.isnan(cook_curve(5.0, np.array([0.01]), n=n, coefficients=p)[0])


def test_influence_names_the_striking_only(fit):
    axes = drawn("influence", fit)
    told = {one.subject for one in fit.diagnostics.influential}
    codes = {text.get_text() for text in axes.texts} & set(fit.rows["subject"])
    assert codes
    assert codes <= told
    assert len(scatter(axes, COLOURS["male"])) == fit.n_subjects


@pytest.mark.parametrize("name", FIT_PLOTS)
def test_foreground_is_the_colour_of_all_texts(fit, name):
    axes = drawn(name, fit, foreground="#fefefe")
    texts = [axes.xaxis.label, axes.yaxis.label, *axes.get_xticklabels()]
    legend = axes.get_legend()
    texts += [] if legend is None else legend.get_texts()
    assert {text.get_color() for text in texts} == {"#fefefe"}


def test_drawing_twice_is_drawing_once(fit):
    figure = Figure()
    axes = figure.add_subplot()
    draw_plot(axes, "qq", fit)
    once = [type(each) for each in axes.get_children()]
    draw_plot(axes, "qq", fit)
    assert [type(each) for each in axes.get_children()] == once


def test_numbers_are_worked_out_once_whatever_is_drawn(fit, monkeypatch):
    numbers = FitNumbers(fit)
    numbers.prepare()
    asked = []
    for name in ("person", "covariates_of_rows", "subject_residuals", "smooth_line"):
        monkeypatch.setattr(_fit_plot_numbers, name, asked.append)
    monkeypatch.setattr(type(fit.model), "value_at", asked.append)
    for name in plots_of(numbers):
        assert drawn(name, numbers).has_data()
    assert asked == []


@pytest.mark.parametrize("name", ["values", "residuals_age_years", "influence"])
def test_numbers_of_a_fit_and_the_fit_give_the_same_picture(fit, name):
    numbers = FitNumbers(fit)
    numbers.prepare()
    assert pixels(name, numbers).tobytes() == pixels(name, fit).tobytes()


def test_curves_lie_upon_points(fit):
    axes = drawn("values", fit)
    points = [each for each in axes.lines if each.get_linestyle() == "None"]
    curves = [each for each in axes.lines if each.get_linestyle() != "None"]
    assert len(points) == len(curves) == 2
    assert max(p.get_zorder() for p in points) < min(c.get_zorder() for c in curves)


def pixels(name, fit):
    return np.asarray(drawn(name, fit).figure.canvas.buffer_rgba())


@pytest.mark.parametrize("kind", ["linear", "lms", "quantiles", "log", "bare"])
def test_courses_are_the_models_at_each_place(others, kind):
    fit = others[kind]
    numbers = FitNumbers(fit)
    for course in numbers.courses:
        for k in (0, 13, -1):
            x = person(fit, sex=course.sex, **{numbers.along: course.x[k]})
            ends = (course.low[k], course.median[k], course.high[k])
            expected = fit.model.value_at(x, np.array([2.5, 50, 97.5]))
            assert_allclose(ends, expected, equal_nan=True)


def test_people_along_height_change_their_bmi(fit):
    x = person(fit, sex="male", height_cm=np.array([160.0, 200.0]))
    weight = fit.rows.loc[fit.rows["sex"] == "male", "weight_kg"].mean()
    assert_allclose(x["weight_kg"], weight)
    assert_allclose(x["bmi"], [weight / 1.6**2, weight / 4])
    assert all(values.shape == (2,) for values in x.values())


def test_hostile_names_are_drawn_as_letters():
    people = controls(40)
    people["subject"] = people["subject"] + HOSTILE
    people.loc[people["subject"].str.startswith("C05"), "value"] += 60
    fit = only(
        people.assign(unit="$\\frac{ <b>筋 & $"),
        selection="none",
        formula="1 + age_years",
    )
    for name in plots_of(fit):
        drawn(name, fit)
    labels = [text.get_text() for text in drawn("influence", fit).texts]
    assert any(label.startswith("C05$") for label in labels)


def test_plain_keeps_what_the_font_has():
    assert plain("m. tibialis, º²") == "m. tibialis, º²"
    assert plain("筋\n\u202e") == "???"
    assert plain("x" * 100) == "x" * 47 + "…"


def test_covariates_are_those_of_subjects(fit):
    x = covariates_of_rows(fit.rows)
    for row, found in zip(
        fit.rows.to_dict("records"), zip(*(x[n] for n in COVARIATES), strict=True),
        strict=True,
    ):  # fmt: skip
        known = Subject(
            row["age_years"], row["sex"], row["height_cm"], row["weight_kg"],
            row["handedness"],
        ).known(side=row["side"])  # fmt: skip
        assert_allclose(found, [known[name] for name in COVARIATES])


@pytest.mark.parametrize("kind", ["linear", "log"])
def test_the_estimate_made_again_is_that_of_the_model(others, kind):
    fit = others[kind]
    _, found = linear_estimate(fit)
    assert_allclose(found.coefficients, fit.model.coefficients)
    assert_allclose(found.residual_variance, fit.model.residual_variance)
    assert_allclose(found.degrees_of_freedom, fit.model.degrees_of_freedom)
    assert 0 < found.within_variance < found.residual_variance


def test_words_of_formulas():
    assert formula_words("1") == "one mean for all"
    assert formula_words("1 + age_years^3 + sex_male:bmi") == "age³ + sex × BMI"
    assert set(COVARIATE_WORDS) == set(COVARIATES)
