"""Quantile regression against R quantreg, and models without crossing quantiles."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.fitting.fit_quantiles import (
    fit_quantiles,
    quantile_coefficients,
)
from napari_muscle_us.reference.formula import COVARIATES

from .conftest import GOLDEN

CASE = json.loads((GOLDEN / "skewed_fits.json").read_text())["quantiles"]
NAMED = {"muscle": "Soleus", "measure": "intensity.mean", "unit": "gray level"}


@pytest.fixture(scope="module")
def engel():
    from statsmodels.datasets import engel

    data = engel.load_pandas().data
    design = np.column_stack([np.ones(len(data)), data["income"]])
    return data["foodexp"].to_numpy(), design


@pytest.mark.parametrize("tau", CASE["engel"])
def test_engel_as_in_quantreg(engel, tau):
    found = quantile_coefficients(*engel, float(tau))
    np.testing.assert_allclose(found, CASE["engel"][tau], rtol=1e-9)


@pytest.mark.parametrize("tau", ["0.05", "0.50", "0.95"])
def test_engel_as_in_the_shared_numbers(engel, shared, tau):
    told = json.loads(shared("oracles/statistics_oracles.json").read_text())
    found = quantile_coefficients(*engel, float(tau))
    wanted = told["quantile_regression_R_engel"][f"tau_{tau}"]
    np.testing.assert_allclose(found, wanted, rtol=1e-10)


@pytest.mark.parametrize("tau", CASE["coefficients"])
def test_a_bent_model_as_in_quantreg(tau):
    ages = np.array(CASE["age"])
    design = np.column_stack([np.ones(223), ages, ages**2, CASE["male"]])
    found = quantile_coefficients(np.array(CASE["value"]), design, float(tau))
    np.testing.assert_allclose(found, CASE["coefficients"][tau], rtol=1e-8)


def loss(values, design, coefficients, p):
    residual = values - design @ coefficients
    return np.sum(np.where(residual < 0, (p - 1) * residual, p * residual))


@given(
    st.integers(0, 10_000),
    st.sampled_from([0.05, 0.1, 0.25, 0.5, 0.8]),
    st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_no_plane_through_values_is_better(seed, p, ties):
    rng = np.random.default_rng(seed)
    design = np.column_stack([np.ones(20), rng.integers(20, 60, 20).astype(float)])
    values = 40 + 0.3 * design[:, 1] + rng.gamma(2, 5, 20)
    if ties:
        values = values.round(-1)
    found = quantile_coefficients(values, design, p)
    best = loss(values, design, found, p)
    # A plane of the smallest loss goes through as many values as it has coefficients.
    for first in range(20):
        for second in range(first):
            pair = design[[first, second]]
            if pair[0, 1] != pair[1, 1]:
                other = np.linalg.solve(pair, values[[first, second]])
                assert loss(values, design, other, p) >= best - 1e-9
    below = np.sum(values < design @ found - 1e-9)
    at_most = np.sum(values <= design @ found + 1e-9)
    assert below <= 20 * p + 1e-9
    assert at_most >= 20 * p - 1e-9


def people(n, seed=0):
    rng = np.random.default_rng(seed)
    ages, male = rng.uniform(18, 80, n), rng.integers(0, 2, n)
    values = 40 + 0.3 * ages - 4 * male + (3 + 0.08 * ages) * rng.standard_normal(n)
    return pd.DataFrame(
        {
            "subject": [f"S{k}" for k in range(n)],
            "value": values,
            "age_years": ages,
            "sex": np.where(male == 1, "male", "female"),
            "height_cm": rng.uniform(150, 195, n),
            "weight_kg": rng.uniform(50, 100, n),
        }
    )


def covariates(rows):
    x = {name: np.full(len(rows), np.nan) for name in COVARIATES}
    x["age_years"] = rows["age_years"].to_numpy(float)
    x["sex_male"] = (rows["sex"] == "male").to_numpy(float)
    return x


def test_the_model_holds_the_coefficients_and_the_shares():
    rows = people(1000)
    formula = "1 + age_years + sex_male"
    model, fitted = fit_quantiles(rows, formula, **NAMED)
    assert model.probabilities == (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975)
    assert model.remark == "Quantile regression."
    x = covariates(rows)
    design = np.column_stack([np.ones(1000), x["age_years"], x["sex_male"]])
    for p, told in zip(model.probabilities, model.coefficients, strict=True):
        wanted = quantile_coefficients(rows["value"].to_numpy(), design, p)
        assert told == pytest.approx(wanted, rel=1e-12)
        share = np.mean(rows["value"] <= design @ told)
        assert share == pytest.approx(p, abs=4 / 1000)
    found = model.evaluate(x, rows["value"].to_numpy())
    known = found.problem == ""
    np.testing.assert_allclose(found.predicted[known], fitted[known], rtol=1e-12)
    assert np.mean(known) == pytest.approx(0.95, abs=0.01)
    # Normal truth, so Z is nearly standard where there is one.
    assert np.nanmean(found.z) == pytest.approx(0, abs=0.1)
    # New people of the same truth.
    new = people(4000, seed=1)
    new = new[
        new["age_years"].between(rows["age_years"].min(), rows["age_years"].max())
    ]
    z = model.evaluate(covariates(new), new["value"].to_numpy()).z
    assert np.mean(np.isfinite(z)) == pytest.approx(0.95, abs=0.02)


@pytest.mark.parametrize(
    ("n", "outermost"), [(50, 0.1), (99, 0.1), (100, 0.05), (199, 0.05), (200, 0.025)]
)
def test_tails_need_subjects(n, outermost):
    # Far apart, so that none cross.
    rows = people(n).assign(value=np.random.default_rng(1).permutation(n) + 1.0)
    model, _ = fit_quantiles(rows, "1", **NAMED)
    assert model.probabilities[0] == outermost
    assert model.probabilities[-1] == 1 - outermost
    assert ("too few for the quantiles 2.5 %" in model.remark) == (n < 200)


def test_more_coefficients_need_more_subjects():
    formula = "1 + age_years + sex_male + height_cm"
    with pytest.raises(ReferenceSetError, match=r"79 subjects, .* at least 80"):
        fit_quantiles(people(79), formula, **NAMED)


def test_crossing_quantiles_are_left_out_in_words():
    # Of 200 subjects 5 decide on the outermost quantiles, which at times cross others.
    seen = 0
    for seed in range(12):
        rows = people(200, seed)
        model, _ = fit_quantiles(rows, "1 + age_years", **NAMED)
        design = np.column_stack([np.ones(200), rows["age_years"]])
        rising = np.diff(design @ np.array(model.coefficients).T, axis=1)
        assert rising.min() > 0
        everyone = [
            design @ quantile_coefficients(rows["value"].to_numpy(), design, p)
            for p in (0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975)
        ]
        crossing = np.diff(everyone, axis=0).min() <= 1e-9
        assert crossing == ("cross or touch" in model.remark)
        assert crossing == (len(model.probabilities) < 9)
        mirrored = [round(1 - p, 9) for p in reversed(model.probabilities)]
        assert mirrored == [round(p, 9) for p in model.probabilities]
        seen += crossing
    assert 0 < seen < 12


def test_too_little_that_does_not_cross_is_refused():
    ages = np.linspace(20, 80, 60)
    # Scatter that has its width in the middle only: straight quantiles must cross.
    values = 50 + np.where(np.abs(ages - 50) < 28, 0, 30) * (-1.0) ** np.arange(60)
    values += np.random.default_rng(0).normal(0, 0.01, 60)
    rows = people(60).assign(age_years=ages, value=values)
    with pytest.raises(ReferenceSetError, match=r"do not cross.*25 % to 75 % only"):
        fit_quantiles(rows, "1 + age_years + age_years^2", **NAMED)


@given(st.floats(0.01, 100), st.floats(-100, 100))
@settings(max_examples=10, deadline=None)
def test_units_do_not_matter(unit, offset):
    rows = people(103)
    first, fitted = fit_quantiles(rows, "1 + age_years", **NAMED)
    second, other = fit_quantiles(
        rows.assign(value=offset + unit * rows["value"]), "1 + age_years", **NAMED
    )
    assert first.probabilities == second.probabilities
    np.testing.assert_allclose(other, offset + unit * fitted, rtol=1e-8, atol=1e-8)


def test_all_covariates_can_enter():
    rows = people(300).assign(
        side=["left", "right", "right"] * 100, handedness=["left", "right"] * 150
    )
    formula = "1 + bmi + side_right + side_nondominant"
    model, fitted = fit_quantiles(rows, formula, probabilities=(0.1, 0.5, 0.9), **NAMED)
    bmi = rows["weight_kg"] / (rows["height_cm"] / 100) ** 2
    design = np.column_stack(
        [
            np.ones(300),
            bmi,
            rows["side"] == "right",
            rows["side"] != rows["handedness"],
        ]
    ).astype(float)
    wanted = quantile_coefficients(rows["value"].to_numpy(), design, 0.5)
    np.testing.assert_allclose(fitted, design @ wanted, rtol=1e-10)
    assert model.centre["bmi"] == pytest.approx(bmi.mean())
    assert model.covariates == ("bmi", "side_right", "side_nondominant")


REFUSED = {
    "few": (lambda r: r.iloc[:49], "1 + age_years", "49 subjects.*at least 50"),
    "formula": (lambda r: r, "age + __import__('os')", "is not a covariate"),
    "column": (lambda r: r.drop(columns="sex"), "1 + sex_male", "no column 'sex'"),
    "twice": (
        lambda r: r.assign(subject="S1"),
        "1",
        "average the sides and images of each subject",
    ),
    "constant": (
        lambda r: r.assign(age_years=40.0),
        "1 + age_years",
        "age_years of Soleus is 40 in all subjects",
    ),
    "sum": (
        lambda r: r.assign(height_cm=r["age_years"] + 100),
        "1 + age_years + height_cm",
        "height_cm of Soleus is a sum of other terms",
    ),
    "missing": (
        lambda r: r.assign(age_years=[np.nan, *r["age_years"][1:]]),
        "1 + age_years",
        "age_years of Soleus is missing .* row 1",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_in_a_sentence(case):
    change, formula, words = REFUSED[case]
    with pytest.raises(ReferenceSetError, match=words):
        fit_quantiles(change(people(120)), formula, **NAMED)


@pytest.mark.parametrize(
    "probabilities", [(0.1, 0.9), (0.5, 0.1), (0, 0.5, 0.9), (0.1, 0.5, 0.5)]
)
def test_probabilities_are_checked(probabilities):
    with pytest.raises(ReferenceSetError, match="must rise between 0 and 1"):
        fit_quantiles(people(60), "1", probabilities=probabilities, **NAMED)
