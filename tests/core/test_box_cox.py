"""The Box–Cox power against R, and what it must not change with."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_muscle_us.reference.fitting.box_cox import box_cox_power

from .conftest import GOLDEN

CASES = json.loads((GOLDEN / "skewed_fits.json").read_text())["box_cox"]


@pytest.mark.parametrize("name", CASES)
def test_as_in_r(name):
    case = CASES[name]
    power, interval = box_cox_power(case["values"], case["design"])
    # Either search knows the place of a maximum to the square root of the precision.
    assert power == pytest.approx(case["power"], abs=2e-6)
    assert interval == pytest.approx((case["low"], case["high"]), abs=1e-8)
    # MASS::boxcox itself, on a grid of 0.001.
    assert [power, *interval] == pytest.approx(case["mass"], abs=0.0011)


def test_an_interval_ends_at_the_limits():
    case = CASES["flat"]
    assert box_cox_power(case["values"], case["design"])[1] == (-3, 3)


def naive(values, design, power):
    """Profile log-likelihood by the book, with its Jacobian."""
    y = np.asarray(values, float)
    shown = np.log(y) if power == 0 else (y**power - 1) / power
    residual = shown - design @ np.linalg.lstsq(design, shown, rcond=None)[0]
    variance = residual @ residual / len(y)
    return -len(y) / 2 * math.log(variance) + (power - 1) * np.log(y).sum()


def test_no_other_power_is_likelier_and_the_interval_is_of_the_likelihood_ratio():
    rng = np.random.default_rng(3)
    ages = rng.uniform(20, 80, 60)
    design = np.column_stack([np.ones(60), ages, rng.integers(0, 2, 60)])
    values = (5 + 0.05 * ages + rng.normal(0, 0.4, 60)) ** 2
    power, (low, high) = box_cox_power(values, design)
    top = naive(values, design, power)
    grid = np.linspace(-3, 3, 301)
    assert max(naive(values, design, p) for p in grid) <= top + 1e-9
    for end in (low, high):
        assert 2 * (top - naive(values, design, end)) == pytest.approx(3.841458820694)
    assert low < 0.5 < high


@given(st.floats(1e-3, 1e3), st.floats(0.1, 10))
@settings(max_examples=25, deadline=None)
def test_units_do_not_matter(unit, years):
    case = CASES["trees"]
    design = np.array(case["design"])
    design[:, 1:] *= years
    power, interval = box_cox_power(unit * np.array(case["values"]), design)
    assert power == pytest.approx(case["power"], abs=2e-6)
    assert interval == pytest.approx((case["low"], case["high"]), abs=1e-7)


@given(st.sampled_from([0.5, 2.0, -1.0, -2.0]))
@settings(deadline=None)
def test_a_power_of_the_values_divides_the_power(by):
    case = CASES["trees"]
    power, _ = box_cox_power(np.array(case["values"]) ** by, case["design"])
    assert power == pytest.approx(case["power"] / by, abs=1e-5)


@pytest.mark.parametrize(
    "values",
    [[0, 1, 2, 4, 3], [-1, 1, 2, 4, 3], [1, 2, math.nan, 4, 3], [2, 2, 2, 2, 2]],
    ids=["zero", "negative", "missing", "constant"],
)
def test_nan_where_there_is_no_power(values):
    design = np.column_stack([np.ones(5), np.arange(5)])
    power, interval = box_cox_power(values, design)
    assert np.isnan([power, *interval]).all()


def test_nan_without_residuals():
    design = np.column_stack([np.ones(3), [1, 2, 3], [1, 4, 9]])
    assert math.isnan(box_cox_power([1, 2, 4], design)[0])
    line = np.arange(1.0, 7)
    assert math.isnan(box_cox_power(line, np.column_stack([np.ones(6), line]))[0])


def test_columns_that_repeat_others_do_not_matter():
    case = CASES["cars"]
    design = np.array(case["design"])
    twice = np.column_stack([design, 1e6 * design[:, 1] + 7])
    found = box_cox_power(case["values"], twice)
    assert found[0] == pytest.approx(case["power"], abs=2e-6)
