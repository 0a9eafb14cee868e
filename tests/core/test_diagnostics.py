"""Residual tests and influence agree with R, and suggest what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from napari_muscle_us.reference.fitting.diagnostics import MAX_INFLUENTIAL, diagnose
from napari_muscle_us.reference.fitting.estimate import estimate

GOLDEN = json.loads(
    (Path(__file__).parents[1] / "golden" / "reference_diagnostics.json").read_text(
        encoding="utf-8"
    )
)

SOUND = 1
"""Seed of 80 people whose residuals pass all tests."""


def table(value, design, subjects, *, shown=None, method="ols", **covariates):
    """Return rows as of a fit, and the estimate."""
    value, design = np.asarray(value, float), np.asarray(design, float)
    shown = value if shown is None else shown
    found = estimate(shown, design, np.asarray(subjects), method=method)
    rows = pd.DataFrame({"subject": subjects, "value": value, "shown": shown})
    rows = rows.assign(fitted=design @ found.coefficients, **covariates)
    rows["residual"] = rows["shown"] - rows["fitted"]
    return rows, found


def people(n, seed, *, sides=1, scatter=None):
    """Return a design of age and sex, true expectation, noise and the covariates."""
    rng = np.random.default_rng(seed)
    of = np.repeat(np.arange(n), sides)
    age, male = rng.uniform(20, 80, n)[of], rng.integers(0, 2, n)[of]
    design = np.column_stack([np.ones(len(of)), age, male])
    noise = 5 * rng.normal(size=n)[of] + 4 * rng.normal(size=len(of))
    covariates = {"age_years": age, "sex": np.where(male == 1, "male", "female")}
    return design, 50 + 0.3 * age - 4 * male, noise, of, covariates


@pytest.fixture(scope="module")
def cars():
    data = {name: np.array(x, float) for name, x in GOLDEN["mtcars"]["data"].items()}
    design = np.column_stack([np.ones(32), data["wt"], data["hp"]])
    rows, found = table(
        data["mpg"],
        design,
        [f"car {i}" for i in range(32)],
        age_years=data["wt"],
        height_cm=data["hp"],
    )
    return rows, design, found


@pytest.mark.parametrize(
    ("name", "golden"),
    [
        ("Shapiro–Wilk", "shapiro"),
        ("Breusch–Pagan", "breusch_pagan"),
        ("Breusch–Pagan, age", "breusch_pagan_wt"),
        ("Breusch–Pagan, height", "breusch_pagan_hp"),
        ("White, fitted", "white_fitted"),
        ("RESET", "reset"),
        ("Added power, age", "added_wt2"),
        ("Added power, height", "added_hp2"),
    ],
)
def test_tests_are_those_of_r(cars, name, golden):
    (test,) = [test for test in diagnose(*cars).tests if test.name == name]
    # R and SciPy have the same algorithm of Shapiro–Wilk, in other precision.
    told = [test.statistic, test.p_value]
    assert_allclose(told, GOLDEN["mtcars"][golden], rtol=1e-7)
    assert test.passed == (test.p_value >= 0.05)


def test_tests_are_those_of_statsmodels(cars):
    from scipy import stats
    from statsmodels.api import OLS
    from statsmodels.stats.diagnostic import het_breuschpagan, het_white, linear_reset
    from statsmodels.stats.stattools import omni_normtest

    rows, design, _ = cars
    fit = OLS(rows["value"].to_numpy(), design).fit()
    told = {t.name: (t.statistic, t.p_value) for t in diagnose(*cars).tests}
    assert_allclose(told["Breusch–Pagan"], het_breuschpagan(fit.resid, design)[:2])
    white = het_white(fit.resid, np.column_stack([np.ones(32), fit.fittedvalues]))
    assert_allclose(told["White, fitted"], white[:2])
    reset = linear_reset(fit, power=3, use_f=True)
    assert_allclose(told["RESET"], [reset.statistic, reset.pvalue], rtol=1e-6)
    inner = fit.get_influence().resid_studentized_internal
    assert_allclose(told["D'Agostino–Pearson"], omni_normtest(inner))
    assert_allclose(told["D'Agostino skewness"], stats.skewtest(inner))


def test_influence_is_that_of_r(cars):
    golden = {
        k: np.array(GOLDEN["mtcars"][k]) for k in ("cook", "leverage", "rstudent")
    }
    striking = (
        (golden["cook"] > 4 / 32)
        | (golden["leverage"] > 9 / 32)
        | (np.abs(golden["rstudent"]) > 3)
    )
    order = [i for i in np.argsort(-golden["cook"]) if striking[i]]
    told = diagnose(*cars).influential
    assert [one.subject for one in told] == [f"car {i}" for i in order]
    assert len(told) == 4
    for one, i in zip(told, order, strict=True):
        assert_allclose(
            [one.cooks_distance, one.leverage, one.studentised],
            [golden[k][i] for k in ("cook", "leverage", "rstudent")],
            rtol=1e-8,
        )
    assert "above 4/n = 0.12" in told[0].words
    (wide,) = [one for one in told if one.leverage > 9 / 32]
    assert "leverage 0.39 is above 3p/n = 0.28" in wide.words


def test_influence_of_a_subject_with_several_values_leaves_all_of_them_out():
    rng = np.random.default_rng(4)
    of = np.repeat(np.arange(24), rng.integers(1, 4, 24))
    age = rng.uniform(20, 80, 24)
    age[:2] = 140
    design = np.column_stack([np.ones(len(of)), age[of]])
    value = 50 + 0.3 * age[of] + 6 * rng.normal(size=24)[of] + rng.normal(size=len(of))
    rows, found = table(value, design, of, method="mixed", age_years=age[of])
    within, total = found.within_variance, found.residual_variance

    def generalised(kept):
        cov = np.where(of[kept, None] == of[kept], total - within, 0.0)
        inverse = np.linalg.inv((cov + within * np.eye(kept.sum())) / total)
        x = design[kept]
        information = x.T @ inverse @ x
        b = np.linalg.solve(information, x.T @ inverse @ value[kept])
        left = value[kept] - x @ b
        # Of the subjects' means alone: of all less of values about their means.
        about = value - pd.Series(value).groupby(of).transform("mean").to_numpy()
        own = np.sum(about[kept] ** 2) * total / within
        freedom = len(np.unique(of[kept])) - 2
        return b, information, (left @ inverse @ left - own) / freedom

    whole, information, variance = generalised(np.ones(len(of), bool))
    told = diagnose(rows, design, found).influential
    assert {"0", "1"} <= {one.subject for one in told}
    for one in told:
        kept = of != int(one.subject)
        b, inner, left = generalised(kept)
        change = whole - b
        cook = change @ information @ change / (2 * variance)
        assert one.cooks_distance == pytest.approx(cook, rel=1e-8)
        x = design[~kept][0]
        m = np.sum(~kept)
        own = (total - within + within / m) / total
        out = value[~kept].mean() - x @ b
        spread = np.sqrt(left * (own + x @ np.linalg.inv(inner) @ x))
        assert one.studentised == pytest.approx(out / spread, rel=1e-8)


def test_sides_of_a_person_count_once():
    design, truth, noise, of, covariates = people(40, 1)
    once = diagnose(*_with(design, truth + noise, of, covariates, "ols"))
    twice = np.repeat(np.arange(40), 2)
    # Both sides scatter evenly about the person's value, so that means are the same.
    sides = (truth + noise)[twice] + np.tile([0.5, -0.5], 40)
    rows = {name: values[twice] for name, values in covariates.items()}
    both = diagnose(*_with(design[twice], sides, twice, rows, "mixed"))
    assert [t.name for t in both.tests] == [t.name for t in once.tests]
    for first, second in zip(once.tests, both.tests, strict=True):
        assert_allclose(second.p_value, first.p_value, rtol=1e-6)
    assert both.box_cox_power == pytest.approx(once.box_cox_power, abs=1e-6)
    assert_allclose(both.box_cox_interval, once.box_cox_interval, atol=1e-6)


def _with(design, value, of, covariates, method):
    rows, found = table(value, design, of, method=method, **covariates)
    return rows, design, found


def test_p_values_of_a_sound_model_are_below_5_percent_in_5_percent():
    rounds = 250
    below: dict[str, int] = {}
    for seed in range(rounds):
        design, truth, noise, of, covariates = people(60, seed)
        for test in diagnose(
            *_with(design, truth + noise, of, covariates, "ols")
        ).tests:
            below[test.name] = below.get(test.name, 0) + (not test.passed)
    assert len(below) == 9
    error = np.sqrt(0.05 * 0.95 / rounds)
    # The tests of scatter are asymptotic and, at 60 subjects, a little shy.
    for name, count in below.items():
        assert abs(count / rounds - 0.05) < 4 * error, name


@pytest.mark.parametrize(
    ("change", "suggestion", "failing"),
    [
        (
            lambda truth, noise, age: truth + 0.02 * (age - 50) ** 2 + noise,
            "age to the power of 2",
            "Added power, age",
        ),
        (
            lambda truth, noise, age: np.exp(truth / 20 + noise / 20),
            "the logarithm of the values",
            "D'Agostino skewness",
        ),
        (
            lambda truth, noise, age: 2000 + truth + noise * (age / 30) ** 2,
            "LMS curves or quantiles, whose spread may change along age",
            "Breusch–Pagan, age",
        ),
        (
            lambda truth, noise, age: 2000 + truth + 12 * np.tanh(noise),
            "LMS curves or quantiles, which need no normal residuals",
            "Shapiro–Wilk",
        ),
    ],
    ids=["curved", "log-normal", "spread rises", "two clumps"],
)
def test_what_is_wrong_is_found_and_a_remedy_suggested(change, suggestion, failing):
    design, truth, noise, of, covariates = people(150, 5)
    value = change(truth, noise, design[:, 1])
    found = diagnose(*_with(design, value, of, covariates, "ols"))
    assert suggestion in found.suggestion
    (test,) = [test for test in found.tests if test.name == failing]
    assert not test.passed
    assert f"too clearly for chance among {len(found.tests)} tests" in test.words


def test_a_scale_already_changed_is_not_suggested_again():
    design, truth, noise, of, covariates = people(150, 5)
    value = np.exp(truth / 20 + np.exp(noise / 6))
    args = {"shown": np.log(value), **covariates}
    rows, found = table(value, design, of, **args)
    told = diagnose(rows, design, found)
    assert "LMS curves or quantiles" in told.suggestion
    assert "logarithm" not in told.suggestion


def test_a_sound_model_has_nothing_to_suggest():
    design, truth, noise, of, covariates = people(80, SOUND)
    found = diagnose(*_with(design, truth + noise, of, covariates, "ols"))
    assert all(test.passed for test in found.tests)
    assert found.suggestion == ""
    for test in found.tests:
        added = test.name.startswith("Added")
        told = "adds nothing that can" if added else "as far as can"
        assert f"{told} be told (p = 0." in test.words
    words = {test.name: test.words for test in found.tests}
    assert words["Added power, age"].startswith("Age to the power of 2 adds nothing")


def test_a_slip_of_the_pen_is_named_first():
    design, truth, noise, of, covariates = people(60, 3)
    value = truth + noise
    value[17] = 610
    found = diagnose(*_with(design, value, of, covariates, "ols"))
    assert found.influential[0].subject == "17"
    assert "an outlier" in found.influential[0].words
    assert found.suggestion.startswith("Look at 17: a slip of the pen")


def test_a_low_outlier_has_a_real_minus_sign():
    design, truth, noise, of, covariates = people(60, 3)
    value = truth + noise
    value[17] -= 90
    found = diagnose(*_with(design, value, of, covariates, "ols"))
    one = found.influential[0]
    assert one.subject == "17"
    assert f"residual −{abs(one.studentised):.1f} is beyond" in one.words
    assert "-" not in one.words + found.suggestion


def test_the_only_woman_is_told_to_carry_a_coefficient_alone():
    design, truth, noise, of, covariates = people(30, 3)
    design[:, 2] = np.arange(30) > 0
    covariates["sex"] = np.where(design[:, 2] == 1, "male", "female")
    found = diagnose(*_with(design, truth + noise, of, covariates, "ols"))
    assert found.influential[0].subject == "0"
    assert found.influential[0].leverage == pytest.approx(1)
    assert "rests on it alone" in found.influential[0].words
    assert np.isfinite([test.p_value for test in found.tests]).all()


def test_weak_evidence_among_many_tests_is_called_so():
    for seed in range(200):
        design, truth, noise, of, covariates = people(60, seed)
        found = diagnose(*_with(design, truth + noise, of, covariates, "ols"))
        smallest = min(test.p_value for test in found.tests)
        if 0.05 / len(found.tests) < smallest < 0.04 and "Look" not in found.suggestion:
            break
    (weak,) = [test for test in found.tests if test.p_value == smallest]
    assert "or it is chance: of 9 tests" in weak.words
    assert "37 % of sound models" in weak.words
    assert found.suggestion.startswith("With 9 tests this may be chance")


def test_values_not_above_0_have_no_box_cox_power():
    design, truth, noise, of, covariates = people(40, 3)
    value = truth + noise - 60
    found = diagnose(*_with(design, value, of, covariates, "ols"))
    assert np.isnan([found.box_cox_power, *found.box_cox_interval]).all()


def test_an_intercept_alone_is_tested_for_covariates_it_leaves_out():
    _, _, noise, of, covariates = people(60, 3)
    value = 50 + 0.5 * covariates["age_years"] + noise
    found = diagnose(*_with(np.ones((60, 1)), value, of, covariates, "ols"))
    names = [test.name for test in found.tests]
    assert "RESET" not in names
    assert "Breusch–Pagan" not in names
    assert {"Added term, age", "Added term, sex"} < set(names)
    assert "Add age" in found.suggestion


@pytest.mark.parametrize("n", [4, 5, 7, 9])
def test_few_subjects_give_tests_that_are_not_passed_rather_than_an_error(n):
    design, truth, noise, of, covariates = people(n, 2)
    design[:, 2] = np.arange(n) % 2
    covariates["sex"] = np.where(design[:, 2] == 1, "male", "female")
    found = diagnose(*_with(design, truth + noise, of, covariates, "ols"))
    for test in found.tests:
        assert test.passed == (test.p_value >= 0.05)
        assert ("could not be tested" in test.words) == np.isnan(test.p_value)


def test_scatter_that_sex_tells_exactly_warns_of_nothing():
    # Squared residuals are two numbers: R² is 1, and F has no denominator.
    male = np.tile([0.0, 1.0], 6)
    design = np.column_stack([np.ones(12), male])
    noise = np.repeat([1.0, -1.0], 2)[np.arange(12) % 4] * (1 + male)
    covariates = {"sex": np.where(male == 1, "male", "female")}
    args = _with(design, 50 - 4 * male + noise, np.arange(12), covariates, "ols")
    told = {test.name: test.statistic for test in diagnose(*args).tests}
    assert told["White, fitted"] == pytest.approx(12)
    assert told["Breusch–Pagan, sex"] == pytest.approx(12)


@pytest.mark.parametrize("n", [100, 2500])
def test_tests_of_normality_are_those_of_many_and_of_few(n):
    from scipy import stats

    _, truth, noise, of, covariates = people(n, 4)
    found = diagnose(*_with(np.ones((n, 1)), truth + noise, of, covariates, "ols"))
    told = {test.name: test.p_value for test in found.tests}
    value = truth + noise
    if n < 2000:
        assert told["D'Agostino–Pearson"] == pytest.approx(stats.normaltest(value)[1])
        assert "Jarque–Bera" not in told
    else:
        assert told["Jarque–Bera"] == pytest.approx(stats.jarque_bera(value)[1])


def test_covariates_not_known_of_all_are_not_tested():
    design, truth, noise, of, covariates = people(60, 3)
    weight = np.full(60, 70.0)
    weight[0] = np.nan
    covariates |= {"weight_kg": weight, "height_cm": np.full(60, 170.0)}
    found = diagnose(*_with(design, truth + noise, of, covariates, "ols"))
    assert not [t.name for t in found.tests if "weight" in t.name or "height" in t.name]


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    factor=st.floats(0.01, 100),
    shift=st.floats(0, 1000),
)
def test_tests_and_influence_do_not_depend_on_the_unit(seed, factor, shift):
    design, truth, noise, of, covariates = people(40, seed)
    value = truth + noise + 30
    first = diagnose(*_with(design, value, of, covariates, "ols"))
    other = diagnose(*_with(design, factor * value + shift, of, covariates, "ols"))
    for one, two in zip(first.tests, other.tests, strict=True):
        assert_allclose(two.p_value, one.p_value, rtol=1e-5, atol=1e-9)
    assert len(first.influential) == len(other.influential) <= MAX_INFLUENTIAL
    assert_allclose(
        [one.cooks_distance for one in other.influential],
        [one.cooks_distance for one in first.influential],
        rtol=1e-6,
    )
