"""LMS curves against R, and against the truth that samples were drawn from."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.fitting._lms_likelihood import (
    LmsDesigns,
    _score,
    log_likelihood,
    maximise,
    natural_spline,
)
from napari_muscle_us.reference.fitting.fit_lms import fit_lms
from napari_muscle_us.reference.fitting.fit_types import FitOptions
from napari_muscle_us.reference.formula import COVARIATES

from .conftest import GOLDEN

CASE = json.loads((GOLDEN / "skewed_fits.json").read_text())["lms"]
AGE_ONLY = FitOptions(candidates=("age_years",))
NAMED = {"muscle": "Soleus", "measure": "intensity.mean", "unit": "gray level"}


def designs(name, ages, male):
    ends = np.array([min(CASE["age"]), CASE["knot"], max(CASE["age"])])
    one, spline = np.ones((len(ages), 1)), natural_spline(ages, ends)
    if name == "constant":
        return LmsDesigns(one, spline, one)
    return LmsDesigns(
        one, np.column_stack([spline, male]), natural_spline(ages, ends[[0, 2]])
    )


@pytest.mark.parametrize("name", ["constant", "straight"])
def test_as_in_r(name):
    ages, male = np.array(CASE["age"], float), np.array(CASE["male"], float)
    found = maximise(np.array(CASE["value"]), designs(name, ages, male))
    assert found.converged
    at = np.array(CASE["at"], float)
    told = designs(name, at, 0 * at).split(found.coefficients)
    case = CASE[name]
    assert found.log_likelihood == pytest.approx(case["log_likelihood"], abs=1e-8)
    for ours, key, far in zip(
        told, ("l", "log_m", "log_s"), (5e-2, 2e-3, 1e-2), strict=True
    ):
        np.testing.assert_allclose(ours, case[key], atol=5e-6)
        # VGAM ends its iteration earlier; that is far less than a standard error.
        np.testing.assert_allclose(ours, case["vgam"][key], atol=far)
    assert np.sqrt(found.covariance[0, 0]) > 0.3


@given(
    st.floats(-2, 2, allow_subnormal=False),
    st.floats(-0.02, 0.02).map(lambda power: round(power, 12)),
    st.floats(3, 5),
    st.floats(-0.01, 0.01),
    st.floats(-2, -1),
)
@settings(max_examples=20, deadline=None)
def test_the_gradient_is_that_of_the_likelihood(l0, l1, m0, m1, s0):
    rng = np.random.default_rng(0)
    x = np.column_stack([np.ones(25), rng.uniform(-30, 30, 25)])
    values = np.exp(4 + 0.2 * rng.standard_normal(25))
    made = LmsDesigns(x, x, x[:, :1])
    at = np.array([l0, l1, m0, m1, s0])
    gradient, information = _score(values, made, at)
    for number in range(5):
        step = np.zeros(5)
        step[number] = 1e-6
        rise = log_likelihood(values, *made.split(at + step)) - log_likelihood(
            values, *made.split(at - step)
        )
        assert rise / 2e-6 == pytest.approx(gradient[number], rel=1e-4, abs=1e-2)
    assert np.linalg.eigvalsh(information).min() > -1e-6


def test_the_gradient_at_a_power_of_zero_is_its_limit():
    values, one = np.array([40.0, 55, 61, 90]), np.ones((4, 1))
    made = LmsDesigns(one, one, one)
    at = [_score(values, made, np.array([p, 4.0, -1.5]))[0] for p in (0, 1e-7, 1e-3)]
    np.testing.assert_allclose(at[0], at[1], rtol=1e-5)
    np.testing.assert_allclose(at[1], at[2], rtol=1e-2)


def covariates(ages, male):
    return {name: np.full(len(ages), np.nan) for name in COVARIATES} | {
        "age_years": ages,
        "sex_male": male,
    }


def drawn(n, seed, *, z=None):
    """People of a known truth: L −0.4, M rising and bent, S rising, men lower."""
    rng = np.random.default_rng(seed)
    ages, male = rng.uniform(18, 85, n), (np.arange(n) % 2).astype(float)
    m = np.exp(3.6 + 0.006 * ages + 6e-5 * (ages - 50) ** 2 - 0.15 * male)
    s = 0.15 + 0.001 * ages
    # The values of a Z beyond 3.5 do not exist for every L.
    z = np.clip(rng.standard_normal(n), -3.5, 3.5) if z is None else z
    return ages, male, m, s, m * (1 - 0.4 * s * z) ** (-2.5)


def rows_of(ages, male, values):
    sex = np.where(male == 1, "male", "female")
    return pd.DataFrame(
        {
            "subject": [f"S{n}" for n in range(len(ages))],
            "value": values,
            "age_years": ages,
            "sex": sex,
        }
    )


@pytest.mark.parametrize("n", [60, 150, 600])
def test_the_truth_comes_back(n):
    ages, male, m, _, values = drawn(n, n)
    rows = rows_of(ages, male, values)
    model, fitted = fit_lms(rows, options=FitOptions(), **NAMED)
    found = model.evaluate(covariates(ages, male), values)
    # The likelihood makes the sample's own Z nearly standard, whatever the sample.
    assert np.mean(found.z) == pytest.approx(0, abs=0.02)
    assert np.std(found.z) == pytest.approx(1, abs=0.01)
    assert scipy.stats.shapiro(found.z).pvalue > 0.01
    np.testing.assert_allclose(found.predicted, fitted, rtol=2e-4)
    # About three standard errors of a median of some 20 % scatter.
    assert np.median(np.abs(fitted / m - 1)) < 3 * 0.2 * 2 / np.sqrt(n)
    # People who were not in the sample.
    z = np.random.default_rng(1).standard_normal(4000).clip(-3.5, 3.5)
    ages, male, _, _, values = drawn(4000, 2, z=z)
    inside = (ages > rows["age_years"].min() + 3) & (ages < rows["age_years"].max() - 3)
    new = model.evaluate(covariates(ages[inside], male[inside]), values[inside]).z
    assert np.nanmean(new) == pytest.approx(0, abs=3 * 2 / np.sqrt(n))
    assert np.nanstd(new) == pytest.approx(1, abs=3 / np.sqrt(n))


def test_cdc_parameters_come_back():
    # Boys of 9.5 months: L, M, S of the CDC growth charts.
    power, median, spread = -0.1600954, 9.476500305, 0.11218624
    z = scipy.stats.norm.ppf((np.arange(400) + 0.5) / 400)
    values = median * (1 + power * spread * z) ** (1 / power)
    ages = np.tile(np.arange(20.0, 60), 10)
    order = np.random.default_rng(4).permutation(400)
    model, _ = fit_lms(
        rows_of(ages, ages * 0, values[order]),
        options=FitOptions(candidates=("age_years",), selection="none"),
        **NAMED,
    )
    curve = model.curves[0]
    assert curve.m[50] == pytest.approx(median, rel=0.02)
    assert curve.s[50] == pytest.approx(spread, rel=0.02)
    # Its standard error at n = 400 is 1 / √(7 S² n / 4), 0.34.
    assert curve.l[50] == pytest.approx(power, abs=0.7)
    one = np.ones((400, 1))
    exact = maximise(values, LmsDesigns(one, one, one)).coefficients
    assert exact[0] == pytest.approx(power, abs=0.1)
    assert np.exp(exact[1:]) == pytest.approx([median, spread], rel=5e-3)
    # 9.7 kg is Z 0.207 there, and 14 kg 3.408.
    told = model.evaluate(covariates(np.array([40.0]), np.zeros(1)), np.array([9.7]))
    assert told.z[0] == pytest.approx(0.207, abs=0.15)


def test_the_smaller_criterion_is_chosen():
    ages, male, *_, values = drawn(300, 5)
    rows = rows_of(ages, male, values)
    remarks = [
        fit_lms(rows, options=options, **NAMED)[0].remark
        for options in (
            FitOptions(),
            FitOptions(selection="aicc"),
            FitOptions(selection="none", candidates=("age_years",)),
        )
    ]
    assert "by BIC. The median of men is 0.8" in remarks[0]
    assert "by AICc" in remarks[1]
    assert "L 1, M 3, S 1 as fixed" in remarks[2]


def sexes(model):
    return [curve.sex for curve in model.curves]


def test_sexes_share_or_have_curves():
    rng = np.random.default_rng(6)
    ages, male = rng.uniform(20, 80, 240), (np.arange(240) % 2).astype(float)
    noise = rng.standard_normal(240)

    def fit(median, spread, options=None):
        values = median * np.exp(spread * noise)
        rows = rows_of(ages, male, values)
        return fit_lms(rows, options=options or FitOptions(), **NAMED)

    same, _ = fit(30 + 0.4 * ages, 0.15)
    assert sexes(same) == [None]
    assert same.covariates == ("age_years",)
    shifted, _ = fit((30 + 0.4 * ages) * np.exp(-0.2 * male), 0.15)
    assert sexes(shifted) == ["female", "male"]
    ratio = np.divide(shifted.curves[1].m, shifted.curves[0].m)
    assert ratio[50] == pytest.approx(np.exp(-0.2), abs=0.05)
    assert [curve.n for curve in shifted.curves] == [120, 120]
    own, fitted = fit(np.where(male == 1, 60, 20 + 0.8 * ages), 0.1 + 0.15 * male)
    assert sexes(own) == ["female", "male"]
    assert own.remark.count("M ") == 2
    told = own.evaluate(covariates(ages, male), fitted)
    np.testing.assert_allclose(told.z, 0, atol=2e-3)
    blind, _ = fit(np.where(male == 1, 60, 20 + 0.8 * ages), 0.1, AGE_ONLY)
    assert sexes(blind) == [None]


def test_a_sample_of_one_sex_gives_curves_of_that_sex():
    ages, _, _, _, values = drawn(80, 7)
    model, _ = fit_lms(
        rows_of(ages, np.zeros(80), values), options=FitOptions(), **NAMED
    )
    assert sexes(model) == ["female"]
    assert "women only" in model.remark


def test_curves_end_with_the_sample():
    ages, male, *_, values = drawn(80, 8)
    model, _ = fit_lms(rows_of(ages, male, values), options=AGE_ONLY, **NAMED)
    curve = model.curves[0]
    assert (curve.x[0], curve.x[-1]) == (ages.min(), ages.max())
    outside = np.array([ages.max() + 1])
    told = model.evaluate(covariates(outside, np.ones(1)), np.array([60.0]))
    assert np.isnan(told.z[0])
    assert told.problem[0] != ""


@given(st.floats(0.01, 100), st.integers(0, 3))
@settings(max_examples=4, deadline=None)
def test_units_and_order_do_not_matter(unit, seed):
    ages, male, *_, values = drawn(80, seed)
    rows = rows_of(ages, male, values)
    first = fit_lms(rows, options=AGE_ONLY, **NAMED)[1]
    order = np.random.default_rng(seed).permutation(80)
    mixed = rows.iloc[order].assign(value=unit * values[order])
    second = fit_lms(mixed, options=AGE_ONLY, **NAMED)[1]
    np.testing.assert_allclose(second, unit * first[order], rtol=1e-5)


def test_rows_are_not_modified_and_observation_is_told():
    ages, male, *_, values = drawn(50, 9)
    rows = rows_of(ages, male, values)
    before = rows.copy()
    told = "mean of a person's values"
    model, _ = fit_lms(rows, options=FitOptions(), observation=told, **NAMED)
    pd.testing.assert_frame_equal(rows, before)
    assert (model.observation, model.n, model.unit) == (told, 50, "gray level")


def put(column, value, row=3):
    def change(rows):
        rows = rows.astype({column: object})
        rows.loc[row, column] = value
        return rows

    return change


REFUSED = {
    "few": (lambda r: r.iloc[:39], "39 subjects, and this kind of model needs at"),
    "twice": (put("subject", "S0"), "Row 4 of Soleus is another value of the same"),
    "zero": (put("value", 0.0), "A value of Soleus is 0"),
    "missing value": (put("value", np.nan), "value of Soleus is missing"),
    "missing age": (put("age_years", None), "age_years of Soleus is missing .* row 4"),
    "sex": (put("sex", "m"), "sex of Soleus is missing or not possible in row 4"),
    "one age": (lambda r: r.assign(age_years=40.0), r"1 different age\(s\)"),
    "constant": (lambda r: r.assign(value=60.0), "All values of Soleus are 60"),
    "follow age": (
        lambda r: r.assign(value=np.exp(3 + 0.01 * r["age_years"])),
        "follow age exactly",
    ),
    # The likelihood of these grows without end.
    "two values": (
        lambda r: r.assign(value=[50.0, 50.0, 60.0] * 20),
        "has no maximum for these 60 subjects",
    ),
    "near zero": (put("value", 1e-4), "has no maximum .* look for outliers"),
    "column": (lambda r: r.drop(columns="age_years"), "no column 'age_years'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_in_a_sentence(case):
    change, words = REFUSED[case]
    ages, male, *_, values = drawn(60, 10)
    with pytest.raises(ReferenceSetError, match=words) as caught:
        fit_lms(change(rows_of(ages, male, values)), options=FitOptions(), **NAMED)
    assert str(caught.value).endswith(".")
