"""Kinds of reference models against R, the CDC's worked example and arithmetic."""

from __future__ import annotations

import json
import math
from statistics import NormalDist

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.formula import COVARIATES
from napari_muscle_us.reference.kinds.any_model import KINDS, AnyModel
from napari_muscle_us.reference.kinds.quantiles import quantile_scores

from .conftest import GOLDEN

ADAPTER = TypeAdapter(AnyModel)
BASE = {"muscle": "Tongue", "n": 60}


def model(kind, **fields):
    return ADAPTER.validate_json(
        json.dumps(BASE | {"kind": kind} | fields, allow_nan=True), strict=True
    )


def people(rows=1, **known):
    """Return covariates of people; not known where they are not given."""
    x = {name: np.full(rows, np.nan) for name in COVARIATES}
    return x | {k: np.broadcast_to(np.array(v, float), rows) for k, v in known.items()}


def one(found):
    """Return the numbers of the one person: z, predicted, sd, percentile, low, high."""
    assert not found.problem[0], found.problem[0]
    parts = (found.z, found.predicted, found.sd, found.percentile)
    return [float(part[0]) for part in (*parts, found.low, found.high)]


@pytest.fixture(scope="module")
def golden():
    return json.loads((GOLDEN / "reference_kinds.json").read_text())


@pytest.fixture(scope="module")
def oracles(shared):
    return json.loads(shared("oracles/statistics_oracles.json").read_text())


GROUPS = {
    "groups": [
        {"sex": "male", "age_years": {"low": 18, "high": 40}, "mean": 50, "sd": 8,
         "n": 20},
        {"sex": "male", "age_years": {"low": 40, "high": 60}, "mean": 60, "sd": 9,
         "n": 20},
        {"sex": "female", "mean": 55, "sd": 7, "n": 20},
    ]
}  # fmt: skip
LMS = {
    "covariate": "age_years",
    "curves": [
        {"x": [20, 40, 80], "l": [1, 0, -1], "m": [50, 60, 90], "s": [0.1, 0.2, 0.2]}
    ],
}
TABLE = {
    "covariate": "age_years",
    "probabilities": [0.025, 0.5, 0.975],
    "curves": [{"x": [20, 40], "values": [[40, 50, 70], [50, 60, 90]]}],
}
QUANTILES = {
    "formula": "1 + age_years",
    "probabilities": [0.05, 0.5, 0.95],
    "coefficients": [[20, 0.1], [40, 0.2], [60, 0.4]],
}
LINEAR = {
    "formula": "1 + age_years",
    "coefficients": [40, 0.2],
    "covariance": [[9, -0.15], [-0.15, 0.003]],
    "residual_variance": 60,
    "degrees_of_freedom": 58,
}
ALL = {
    "linear": LINEAR,
    "groups": GROUPS,
    "lms": LMS,
    "quantile_table": TABLE,
    "quantiles": QUANTILES,
}
MAN = {"age_years": 35.0, "sex_male": 1.0}


def test_every_kind_is_tested():
    assert tuple(ALL) == KINDS


# Groups


def test_groups_are_rs_prediction_intervals(golden):
    # predict(lm(y ~ 1), interval = "prediction") of R, for each number of cylinders.
    told = golden["groups"]
    spans = [{"low": g["cyl"] - 1, "high": g["cyl"] + 1} for g in told]
    cars = model(
        "groups",
        groups=[
            {k: g[k] for k in ("mean", "sd", "n")} | {"age_years": span}
            for g, span in zip(told, spans, strict=True)
        ],
    )
    x = people(3, age_years=[g["cyl"] for g in told])
    found = cars.evaluate(x, np.full(3, 18.0))
    for ours, key in (
        (found.z, "z_of_18"),
        (found.percentile, "percent_of_18"),
        (found.low, "lower"),
        (found.high, "upper"),
    ):
        assert ours == pytest.approx([g[key] for g in told], rel=1e-12)
    assert found.degrees_of_freedom.tolist() == [10, 6, 13]
    assert "√(1 + 1/n)" in cars.sd_label


def test_the_plain_sd_is_the_normal_distribution():
    plain = model("groups", **GROUPS, sd="plain")
    found = one(plain.evaluate(people(**MAN), np.array([66.0])))
    normal = NormalDist(50, 8)
    assert found == pytest.approx(
        [2, 50, 8, 100 * normal.cdf(66), normal.inv_cdf(0.025), normal.inv_cdf(0.975)]
    )
    assert "plain" in plain.sd_label
    larger = one(model("groups", **GROUPS).evaluate(people(**MAN), np.array([66.0])))
    assert larger[2] == pytest.approx(8 * math.sqrt(1.05))
    assert larger[0] < 2


@pytest.mark.parametrize(
    ("person", "mean"),
    [
        ({"age_years": 18, "sex_male": 1}, 50),
        ({"age_years": 39.999, "sex_male": 1}, 50),
        ({"age_years": 40, "sex_male": 1}, 60),
        ({"age_years": 90, "sex_male": 0}, 55),
        ({"age_years": 60, "sex_male": 1}, None),
        ({"age_years": 17.9, "sex_male": 1}, None),
        ({"sex_male": 1}, None),
        ({"age_years": 30}, None),
    ],
    ids=[
        "first",
        "before",
        "next",
        "women",
        "too-old",
        "too-young",
        "no-age",
        "no-sex",
    ],
)
def test_a_group_holds_from_its_low_to_before_its_high(one_sentence, person, mean):
    found = model("groups", **GROUPS).evaluate(people(**person), np.array([57.0]))
    if mean is None:
        assert one_sentence(found.problem[0])
        assert "No group of the reference values of Tongue" in found.problem[0]
        numbers = (found.z, found.predicted, found.sd, found.percentile, found.low)
        assert np.isnan(numbers).all()
    else:
        assert one(found)[1] == mean


@pytest.mark.parametrize(
    ("first", "second", "overlap"),
    [
        ({"sex": "male"}, {"sex": "female"}, False),
        ({"sex": "male"}, {"side": "left"}, True),
        ({"side": "left"}, {"side": "left", "dominance": "dominant"}, True),
        ({"dominance": "dominant"}, {"dominance": "non-dominant"}, False),
        ({}, {"age_years": {"low": 1, "high": 2}}, True),
        (
            {"age_years": {"low": 1, "high": 2}},
            {"age_years": {"low": 2, "high": 3}},
            False,
        ),
        (
            {"age_years": {"low": 1, "high": 2.1}},
            {"age_years": {"low": 2, "high": 3}},
            True,
        ),
    ],
    ids=["sexes", "sex-side", "nested", "hands", "all-ages", "touching", "ages"],
)
def test_groups_that_overlap_are_refused(first, second, overlap):
    values = {"mean": 50, "sd": 8, "n": 20}
    groups = [first | values, second | values]
    if overlap:
        with pytest.raises(ValidationError, match="groups 1 and 2 overlap"):
            model("groups", groups=groups)
    else:
        assert len(model("groups", groups=groups).groups) == 2


@given(
    st.lists(
        st.tuples(
            st.sampled_from([None, "male", "female"]),
            st.sampled_from([None, "left", "right"]),
            st.sampled_from([None, "dominant", "non-dominant"]),
            st.none() | st.tuples(st.integers(0, 6), st.integers(1, 4)),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_groups_are_taken_exactly_if_nobody_is_in_two(drawn):
    groups = []
    for sex, side, dominance, ages in drawn:
        group = {"sex": sex, "side": side, "dominance": dominance, "n": 9}
        if ages is not None:
            group["age_years"] = {"low": ages[0], "high": ages[0] + ages[1]}
        groups.append(group | {"mean": 1, "sd": 1})
    grid = np.array(np.meshgrid([0, 1], [0, 1], [0, 1], np.arange(-1, 12) + 0.5))
    counts = np.zeros(grid[0].size, int)
    for sex, side, dominance, ages in drawn:
        held = np.ones(counts.size, bool)
        for column, wanted in zip(
            grid.reshape(4, -1),
            (
                sex and sex == "male",
                side and side == "right",
                dominance and "-" in dominance,
            ),
            strict=False,
        ):
            held &= True if wanted is None else column == float(wanted)
        if ages is not None:
            age = grid[3].ravel()
            held &= (age >= ages[0]) & (age < sum(ages))
        counts += held
    if counts.max() > 1:
        with pytest.raises(ValidationError, match="overlap"):
            model("groups", groups=groups)
    else:
        found = model("groups", groups=groups).evaluate(
            people(
                counts.size,
                sex_male=grid[0].ravel(),
                side_right=grid[1].ravel(),
                side_nondominant=grid[2].ravel(),
                age_years=grid[3].ravel(),
            ),
            np.ones(counts.size),
        )
        assert ((found.problem == "") == (counts == 1)).all()


def test_what_groups_ask_for_is_named_in_order():
    groups = [
        {"dominance": "dominant", "sex": "male", "mean": 1, "sd": 1, "n": 5},
        {"sex": "female", "side": "left", "mean": 1, "sd": 1, "n": 5},
    ]
    assert model("groups", groups=groups).covariates == (
        "sex_male",
        "side_right",
        "side_nondominant",
    )


# LMS curves


@pytest.fixture(scope="module")
def cdc(oracles):
    """Give the CDC's two rows as curves that do not change along age."""

    def flat(row, **fields):
        point = {k.lower(): [row[k]] * 2 for k in ("L", "M", "S")}
        curve = {"x": [0, 1], **point}
        return model("lms", covariate="age_years", curves=[curve], **fields)

    told = oracles["lms_cdc_worked_example"]
    return told, flat(told, beyond_3="who"), flat(told["second_row_0.5mo"])


BABY = people(age_years=0.5)


def test_lms_is_the_cdcs_worked_example(cdc):
    told, boys, newborn = cdc
    assert one(boys.evaluate(BABY, np.array([9.7])))[0] == pytest.approx(
        told["z_of_9.7kg"], abs=5e-4
    )
    assert round(one(boys.evaluate(BABY, np.array([9.7])))[3]) == 58
    assert one(boys.evaluate(BABY, np.array([14.0])))[0] == pytest.approx(
        told["z_of_14"], abs=5e-4
    )
    assert one(boys.evaluate(BABY, np.array([6.0])))[0] == pytest.approx(
        told["z_of_6"], abs=5e-3
    )
    at = boys.value_at(BABY, np.array([3.0, 90.0]))
    # L, M and S are told with 7 to 10 digits.
    assert at == pytest.approx([told["P3"], told["P90"]], abs=1e-8)
    percent = 100 * NormalDist().cdf(-1.645)
    assert boys.value_at(BABY, np.array([percent]))[0] == pytest.approx(7.9, abs=5e-3)
    second = told["second_row_0.5mo"]
    at = newborn.value_at(BABY, np.array([75.0, 90.0, 95.0, 97.0]))
    expected = [second[k] for k in ("P75", "P90", "P95", "P97")]
    assert at == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("rule", ["lms", "who"])
def test_far_out_z_of_lms_is_by_its_rule_and_has_a_caveat(cdc, one_sentence, rule):
    told, boys, _ = cdc
    boys = boys.model_copy(update={"beyond_3": rule})
    values = np.array([14.0, 9.7, 6.0, -1.0])
    found = boys.evaluate(people(4, age_years=0.5), values)
    assert [bool(c) for c in found.caveat] == [True, False, True, False]
    assert one_sentence(found.caveat[0])
    assert one_sentence(found.problem[3])
    assert "not above 0" in found.problem[3]
    power, median, spread = told["L"], told["M"], told["S"]
    plain = ((values[:3] / median) ** power - 1) / (power * spread)
    assert found.percentile[:3] == pytest.approx(100 * scipy.stats.norm.cdf(plain))
    if rule == "lms":
        assert found.z[:3] == pytest.approx(plain, rel=1e-12)
    else:
        at = {
            k: median * (1 + power * spread * k) ** (1 / power) for k in (-3, -2, 2, 3)
        }
        assert found.z[1] == pytest.approx(plain[1], rel=1e-12)
        assert found.z[0] == pytest.approx(3 + (14 - at[3]) / (at[3] - at[2]))
        assert found.z[2] == pytest.approx(-3 + (6 - at[-3]) / (at[-2] - at[-3]))
        assert "WHO 2006" in found.caveat[0]


def test_lms_is_interpolated_between_its_points():
    curves = model("lms", **LMS)
    found = one(curves.evaluate(people(age_years=30), np.array([66.0])))
    power, median, spread = 0.5, 55.0, 0.15
    z = ((66 / median) ** power - 1) / (power * spread)
    ends = [median * (1 + power * spread * k) ** (1 / power) for k in (-1, 1)]
    assert found[:3] == pytest.approx([z, median, (ends[1] - ends[0]) / 2])
    knots = curves.evaluate(people(3, age_years=[20, 40, 80]), np.full(3, 70.0))
    assert knots.predicted.tolist() == [50, 60, 90]
    assert knots.z[1] == pytest.approx(math.log(70 / 60) / 0.2)


@pytest.mark.parametrize("age", [19.99, 80.01, math.nan], ids=str)
def test_outside_the_curve_is_no_z(one_sentence, age):
    found = model("lms", **LMS).evaluate(people(age_years=age), np.array([60.0]))
    assert one_sentence(found.problem[0])
    assert "an age from 20 to 80 years" in found.problem[0]
    assert np.isnan(found.z[0])


@given(
    st.floats(-3, 3),
    st.floats(1, 250),
    st.floats(0.05, 0.3),
    st.floats(-1.5, 1.5) | st.floats(-1e-12, 1e-12) | st.just(0.0),
)
def test_lms_there_and_back(z, median, spread, power):
    curve = {"x": [0, 1], "l": [power] * 2, "m": [median] * 2, "s": [spread] * 2}
    curves = model("lms", covariate="age_years", curves=[curve])
    percent = 100 * NormalDist().cdf(z)
    (value,) = curves.value_at(BABY, np.array([percent]))
    if not np.isfinite(value):
        assert 1 + power * spread * z <= 1e-9
        return
    found = curves.evaluate(BABY, np.array([value]))
    if not found.problem[0]:
        assert found.z[0] == pytest.approx(z, abs=1e-7)
        shifted = scipy.stats.boxcox(np.array([value / median]), power)[0] / spread
        assert found.z[0] == pytest.approx(shifted, abs=1e-7)


def test_a_curve_for_each_sex_and_hand():
    point = {"x": [20, 80], "l": [1, 1], "s": [0.1, 0.1]}
    curves = [
        point | {"sex": "male", "m": [50, 50]},
        point | {"sex": "female", "dominance": "dominant", "m": [60, 60]},
    ]
    both = model("lms", covariate="age_years", curves=curves)
    assert both.covariates == ("age_years", "sex_male", "side_nondominant")
    x = people(3, age_years=30, sex_male=[1, 0, 0], side_nondominant=[1, 0, 1])
    found = both.evaluate(x, np.full(3, 55.0))
    assert found.predicted[:2].tolist() == [50, 60]
    assert "No curve of the reference values of Tongue" in found.problem[2]


# Quantiles


def test_quantile_regression_is_rs(golden):
    told = golden["quantiles"]
    engel = model(
        "quantiles",
        formula="1 + weight_kg",
        probabilities=told["tau"],
        coefficients=told["coefficients"],
    )
    x = people(4, weight_kg=told["income"])
    found = engel.evaluate(x, np.array(told["food"], float))
    assert list(found.problem) == [""] * 4
    assert found.z == pytest.approx(told["z"], abs=1e-9)
    assert found.percentile == pytest.approx(told["percent"], abs=1e-8)
    values = np.array(told["values"])
    assert found.predicted == pytest.approx(values[:, 4], rel=1e-11)
    assert found.low == pytest.approx(values[:, 0], rel=1e-11)
    assert found.high == pytest.approx(values[:, -1], rel=1e-11)
    at = engel.value_at(people(weight_kg=420), 100 * np.array(told["tau"]))
    assert at == pytest.approx(values[0], rel=1e-11)


def test_the_quantile_oracle_of_three_lines(oracles, one_sentence):
    told = oracles["quantile_regression_R_engel"]
    rows = [told[f"tau_{tau}"] for tau in ("0.05", "0.50", "0.95")]
    engel = model(
        "quantiles",
        formula="1 + weight_kg",
        probabilities=[0.05, 0.5, 0.95],
        coefficients=rows,
    )
    middle = rows[1][0] + 1000 * rows[1][1]
    upper = rows[2][0] + 1000 * rows[2][1]
    x = people(4, weight_kg=[1000, 1000, 1000, 20])
    found = engel.evaluate(x, np.array([middle, upper, upper + 1, 100]))
    assert found.percentile[:2] == pytest.approx([50, 95], abs=1e-9)
    assert found.z[1] == pytest.approx(NormalDist().inv_cdf(0.95))
    assert "above the 95th percentile" in found.problem[2]
    assert "cross for this person" in found.problem[3]
    assert all(map(one_sentence, found.problem[2:]))
    assert np.isnan(found.low[0])
    assert np.isnan(found.high[0])
    assert one_sentence(found.caveat[0])
    assert "5th to the 95th percentile" in found.caveat[0]


def test_a_table_is_interpolated_along_age_and_in_normal_scores(one_sentence):
    table = model("quantile_table", **TABLE)
    found = table.evaluate(
        people(5, age_years=[30, 30, 30, 30, 41]),
        np.array([55.0, 67.5, 44.9, 80.1, 60]),
    )
    outer = NormalDist().inv_cdf(0.975)
    assert found.predicted[0] == 55
    assert found.z[:2] == pytest.approx([0, outer / 2])
    assert (found.low[0], found.high[0]) == (45, 80)
    assert found.sd[0] == pytest.approx((10 + 25) / outer / 2)
    assert "below the 2.5th percentile" in found.problem[2]
    assert "above the 97.5th percentile" in found.problem[3]
    assert "an age from 20 to 40 years" in found.problem[4]
    assert all(map(one_sentence, found.problem[2:]))
    assert list(found.caveat) == [""] * 5


@given(
    st.lists(st.floats(0.001, 0.099), min_size=1, max_size=4, unique=True),
    st.lists(st.floats(0.11, 0.49), max_size=3, unique=True),
    st.floats(20, 200),
    st.floats(1, 30),
    st.floats(0, 1),
)
def test_quantiles_of_a_normal_distribution_give_its_z(tails, inner, mean, sd, part):
    half = sorted([*tails, *inner])
    probabilities = [*half, 0.5, *[1 - p for p in reversed(half)]]
    normal = NormalDist(mean, sd)
    quantiles = np.array([[normal.inv_cdf(p) for p in probabilities]])
    value = quantiles[0, 0] + part * (quantiles[0, -1] - quantiles[0, 0])
    value = min(max(value, quantiles[0, 0]), quantiles[0, -1])
    (z,) = quantile_scores(quantiles, tuple(probabilities), np.array([value]))
    assert z == pytest.approx((value - mean) / sd, abs=1e-6)


def test_quantile_scores_are_numpys_interpolation_row_by_row():
    rng = np.random.default_rng(5)
    quantiles = np.cumsum(rng.uniform(1, 9, (500, 7)), axis=1)
    probabilities = (0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99)
    scores = [NormalDist().inv_cdf(p) for p in probabilities]
    measured = rng.uniform(-3, 60, 500)
    measured[:7] = quantiles[np.arange(7), np.arange(7)]
    expected = [
        np.interp(value, row, scores, left=np.nan, right=np.nan)
        for value, row in zip(measured, quantiles, strict=True)
    ]
    found = quantile_scores(quantiles, probabilities, measured)
    assert np.isnan(found).any()
    assert found == pytest.approx(np.array(expected), abs=1e-12, nan_ok=True)
    assert found[:7] == pytest.approx(scores, abs=1e-15)


@pytest.mark.parametrize(
    ("probability", "words"),
    [(0.01, "1st"), (0.02, "2nd"), (0.03, "3rd"), (0.1, "10th"), (0.025, "2.5th")],
)
def test_percentiles_are_said_in_words(probability, words):
    table = model(
        "quantile_table",
        **(TABLE | {"probabilities": [probability, 0.5, 1 - probability]}),
    )
    found = table.evaluate(people(age_years=30), np.array([1.0]))
    assert f"below the {words} percentile" in found.problem[0]


# Linear models


def test_linear_models_are_rs_prediction(oracles):
    told = oracles["regression_prediction_interval_R"]
    fields = {
        "n": 32,
        "formula": "1 + age_years + weight_kg",
        "coefficients": told["coef"],
        "covariance": told["vcov"],
        "residual_variance": told["sigma"] ** 2,
        "degrees_of_freedom": told["df"],
    }
    x = people(age_years=told["new"]["wt"], weight_kg=told["new"]["hp"])
    found = one(model("linear", **fields).evaluate(x, np.array([25.0])))
    assert found[1] == pytest.approx(told["fit"], abs=1e-9)
    assert found[4:] == pytest.approx([told["lwr95"], told["upr95"]], abs=1e-8)
    key = "z_for_mpg_25_using_sqrt(se_fit^2+sigma^2)"
    assert found[0] == pytest.approx(told[key], abs=1e-9)
    plain = one(model("linear", **fields, sd="residual").evaluate(x, np.array([25.0])))
    assert plain[2] == pytest.approx(told["sigma"], rel=1e-12)
    normal = NormalDist(told["fit"], told["sigma"])
    assert plain[3:] == pytest.approx(
        [100 * normal.cdf(25), normal.inv_cdf(0.025), normal.inv_cdf(0.975)], abs=1e-8
    )


@pytest.mark.parametrize("power", [0.0, 0.5, -1.0, 1e-13, 2.0], ids=str)
def test_box_cox_is_scipys(power):
    values = np.array([0.5, 1.0, 47.0, 250.0])
    scale = scipy.stats.boxcox(values, power)
    fields = LINEAR | {"coefficients": [float(scale[2]), 0], "residual_variance": 1e-4}
    fields |= {"covariance": [[0, 0], [0, 0]], "transform": {"power": power}}
    bent = model("linear", **fields)
    assert bent.transform.forward(values) == pytest.approx(scale, rel=1e-9, abs=1e-12)
    assert bent.transform.back(scale) == pytest.approx(values, rel=1e-9)
    found = one(bent.evaluate(people(age_years=40), np.array([47.0])))
    assert found[0] == pytest.approx(0, abs=1e-9)
    assert found[1] == pytest.approx(47, rel=1e-9)
    step = scipy.special.inv_boxcox(scale[2] + np.array([-0.01, 0.01]), power)
    assert found[2] == pytest.approx((step[1] - step[0]) / 2, rel=1e-9)


def test_degrees_of_freedom_need_not_be_whole():
    fields = LINEAR | {"degrees_of_freedom": 5.5}
    found = model("linear", **fields).evaluate(people(age_years=40), np.array([60.0]))
    assert found.degrees_of_freedom[0] == 5.5
    expected = 100 * scipy.stats.t.cdf(found.z[0], 5.5)
    assert found.percentile[0] == pytest.approx(expected, abs=1e-10)


def test_a_person_whose_variance_would_be_negative_has_no_z():
    # An eigenvalue a little below 0, as rounding may give; at 1e6 years it is large.
    fields = LINEAR | {"covariance": [[1e8, -1e4], [-1e4, 0.99995]]}
    bad = model("linear", **fields)
    found = bad.evaluate(people(2, age_years=[40, 1e4]), np.array([60.0, 60.0]))
    assert found.problem[0] == ""
    assert "no finite numbers" in found.problem[1]


# All kinds


@pytest.mark.parametrize("kind", KINDS)
def test_predicted_interval_and_value_at_agree_with_the_percentile(kind):
    table = {"probabilities": [0.01, 0.5, 0.99]} if kind == "quantiles" else {}
    fitted = model(kind, **(ALL[kind] | table))
    x = people(**MAN)
    first = one(fitted.evaluate(x, np.array([56.0])))
    ends = [first[4], first[1], first[5]]
    assert fitted.value_at(x, np.array([2.5, 50.0, 97.5])) == pytest.approx(ends)
    again = fitted.evaluate(people(3, **MAN), np.array(ends))
    assert again.percentile == pytest.approx([2.5, 50, 97.5], abs=1e-9)
    assert again.z[1] == pytest.approx(0, abs=1e-12)
    assert fitted.sd_label


@pytest.mark.parametrize("kind", KINDS)
def test_a_batch_is_each_person_alone(kind):
    fitted = model(kind, **ALL[kind])
    rng = np.random.default_rng(3)
    values = rng.uniform(30, 90, 60)
    x = people(60, age_years=rng.uniform(15, 65, 60), sex_male=rng.integers(0, 2, 60))
    together = fitted.evaluate(x, values)
    assert 5 < np.count_nonzero(together.problem == "") <= 60
    for row in range(60):
        alone = fitted.evaluate({k: v[[row]] for k, v in x.items()}, values[[row]])
        for name in ("z", "predicted", "sd", "percentile", "low", "high"):
            ours = getattr(alone, name)[0]
            assert ours == pytest.approx(
                getattr(together, name)[row], rel=1e-12, abs=1e-12, nan_ok=True
            )
            if alone.problem[0]:
                assert np.isnan(ours)
        assert alone.problem[0] == together.problem[row]
        assert alone.caveat[0] == together.caveat[row]
    assert np.isfinite(together.z[together.problem == ""]).all()


@pytest.mark.parametrize("kind", ["linear", "groups"])
def test_the_variance_of_a_conversion_adds(kind):
    fitted = model(kind, **ALL[kind])
    x, value = people(**MAN), np.array([70.0])
    before, after = (
        one(fitted.evaluate(x, value, extra_variance=extra)) for extra in (0.0, 16.0)
    )
    assert after[2] == pytest.approx(math.sqrt(before[2] ** 2 + 16))
    assert after[0] == pytest.approx((70 - before[1]) / after[2])


@pytest.mark.parametrize("kind", ["lms", "quantile_table", "quantiles", "box-cox"])
def test_what_cannot_carry_a_variance_says_so(kind, one_sentence):
    if kind == "box-cox":
        fitted = model("linear", **LINEAR, transform={"power": 0})
    else:
        fitted = model(kind, **ALL[kind])
    with pytest.raises(ReferenceSetError, match="cannot be carried") as error:
        fitted.evaluate(people(**MAN), np.array([60.0]), extra_variance=1.0)
    assert one_sentence(str(error.value))


@pytest.mark.parametrize("extra", [-1.0, math.nan, math.inf], ids=str)
@pytest.mark.parametrize("kind", ["linear", "groups"])
def test_an_impossible_variance_is_refused(kind, extra):
    fitted = model(kind, **ALL[kind])
    with pytest.raises(ReferenceSetError, match=r"variance .* is not possible"):
        fitted.evaluate(people(**MAN), np.array([60.0]), extra_variance=extra)


HUGE = 1e308
HOSTILE = {
    "linear": LINEAR | {"coefficients": [HUGE, HUGE]},
    "linear-variance": LINEAR | {"covariance": [[HUGE, 0], [0, HUGE]]},
    "linear-bent": LINEAR | {"coefficients": [HUGE, 1], "transform": {"power": 5}},
    "groups": {"groups": [{"mean": HUGE, "sd": HUGE, "n": 2}]},
    "lms": {
        "covariate": "age_years",
        "curves": [
            {"x": [-HUGE, HUGE], "l": [50, 50], "m": [1e-308] * 2, "s": [HUGE] * 2}
        ],
    },
    "quantile_table": TABLE
    | {"curves": [{"x": [0, 99], "values": [[-HUGE, 0, HUGE]] * 2}]},
    "quantiles": QUANTILES | {"coefficients": [[-HUGE, -HUGE], [0, 0], [HUGE, HUGE]]},
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_numbers_give_a_sentence_or_finite_numbers(name, one_sentence):
    hostile = model(name.split("-")[0], **HOSTILE[name])
    found = hostile.evaluate(people(2, **MAN), np.array([60.0, 1e300]))
    numbers = np.array([found.z, found.predicted, found.sd, found.percentile])
    for row in range(2):
        if found.problem[row]:
            assert one_sentence(found.problem[row])
            assert np.isnan(numbers[:, row]).all()
        else:
            assert np.isfinite(numbers[:, row]).all()
            assert found.sd[row] > 0


WRONG = {
    "group-of-one": (
        "groups",
        {"groups": [{"mean": 1, "sd": 1, "n": 1}]},
        "equal to 2",
    ),
    "group-too-large": ("groups", {"groups": [{"mean": 1, "sd": 1, "n": 61}]}, "61"),
    "group-sd": (
        "groups",
        {"groups": [{"mean": 1, "sd": 0, "n": 9}]},
        "greater than 0",
    ),
    "group-empty-span": (
        "groups",
        {"groups": [{"mean": 1, "sd": 1, "n": 9, "age_years": {"low": 5, "high": 5}}]},
        "hold nobody",
    ),
    "no-groups": ("groups", {"groups": []}, "at least 1"),
    "lms-not-rising": (
        "lms",
        {"curves": [LMS["curves"][0] | {"x": [20, 20, 80]}]},
        "does not rise",
    ),
    "lms-median": ("lms", {"curves": [LMS["curves"][0] | {"m": [1, 0, 1]}]}, "than 0"),
    "lms-length": ("lms", {"curves": [LMS["curves"][0] | {"s": [1, 1]}]}, "2 numbers"),
    "lms-twice": ("lms", {"curves": LMS["curves"] * 2}, "for the same people"),
    "lms-covariate": ("lms", {"covariate": "bmi"}, "age_years"),
    "table-crossing": (
        "quantile_table",
        {"curves": [{"x": [20, 40], "values": [[40, 50, 70], [50, 60, 60]]}]},
        "row 2 of values does not rise",
    ),
    "table-ragged": (
        "quantile_table",
        {"curves": [{"x": [20, 40], "values": [[40, 50, 70], [50, 60]]}]},
        "2 numbers for 3",
    ),
    "table-rows": (
        "quantile_table",
        {"curves": [{"x": [20, 40], "values": [[40, 50, 70]]}]},
        "1 rows for 2",
    ),
    "no-median": ("quantiles", {"probabilities": [0.05, 0.4, 0.95]}, "0.5, the median"),
    "falling": ("quantiles", {"probabilities": [0.5, 0.05, 0.95]}, "do not rise"),
    "quartiles": ("quantiles", {"probabilities": [0.25, 0.5, 0.75]}, "too few people"),
    "one-is-no-share": ("quantiles", {"probabilities": [0.05, 0.5, 1]}, "less than 1"),
    "quantile-shape": ("quantiles", {"coefficients": [[1, 2], [3, 4]]}, "3 × 2"),
    "quantile-formula": ("quantiles", {"formula": "exp(age)"}, "no term of a formula"),
    "quantile-n": ("quantiles", {"n": 2}, "too few for 2 coefficients"),
    "freedom": ("linear", {"degrees_of_freedom": 0.5}, "equal to 1"),
    "infinite": ("linear", {"residual_variance": math.inf}, "finite"),
}


@pytest.mark.parametrize(("kind", "change", "words"), WRONG.values(), ids=WRONG)
def test_a_model_that_cannot_be_is_refused(kind, change, words):
    with pytest.raises(ValidationError, match=words):
        model(kind, **(ALL[kind] | change))
