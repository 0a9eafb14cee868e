"""How each covariate moved a prediction, against a naive reference."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import napari_muscle_us as mus
from napari_muscle_us.reference.contributions import INPUTS, explain
from napari_muscle_us.reference.subject import Subject

from .test_look_up import ALL_MODELS, LIMITS, LOGARITHM, SIDED, reference_set

PERSON = Subject(63, "male", 190, 72, "left")


def linear(formula, coefficients, **changes):
    size = len(coefficients)
    return SIDED | {
        "formula": formula,
        "coefficients": coefficients,
        "covariance": (np.eye(size) * 1e-9).tolist(),
        "degrees_of_freedom": 50,
        "centre": {},
        **changes,
    }


def explained(model, person=PERSON, side="right", **changes):
    own = reference_set(model, **changes)
    known = person.known(side=side)
    return own.models[0], known, explain(own, own.models[0], known)


def predict(model, told):
    """Return the median for a person whose inputs are given."""
    told = dict(told)
    told["bmi"] = told["weight_kg"] / (told["height_cm"] / 100) ** 2
    x = {name: np.array([float(value)]) for name, value in told.items()}
    return float(model.value_at(x, np.array([50.0]))[0])


def naive(model, known, explanation):
    """Return the mean change of each input over all orders of putting them in."""
    names = [c.covariate for c in explanation.contributions]
    centre = {INPUTS[c.covariate]: c.centre for c in explanation.contributions}
    changes = dict.fromkeys(names, 0.0)
    orders = list(permutations(names))
    for order in orders:
        told = known | centre
        before = predict(model, told)
        for name in order:
            told = told | {INPUTS[name]: known[INPUTS[name]]}
            after = predict(model, told)
            changes[name] += (after - before) / len(orders)
            before = after
    return changes


CASES = {
    "powers": linear("1 + age_years + age_years^2 + age_years^3", [40, 1, -0.02, 1e-4]),
    "product": linear("1 + age_years + age_years:sex_male", [50, 0.2, 1]),
    "bmi": linear("1 + bmi^2 + height_cm", [20, 0.05, 0.1]),
    "all": linear(
        "1 + age_years:bmi + sex_male:side_right + side_nondominant:height_cm^2",
        [50, 0.01, 3, 1e-4],
    ),
    "logarithm": LOGARITHM,
    "lms": ALL_MODELS[5],
    "quantiles": {
        "muscle": "Shares",
        "kind": "quantiles",
        "n": 120,
        "formula": "1 + age_years + age_years^2 + sex_male + weight_kg:sex_male",
        "probabilities": [0.025, 0.5, 0.975],
        "coefficients": [[40, 0.1, 0, -3, 0], [50, 0.2, 1e-3, -3, 0.05],
                         [90, 0.4, 1e-3, -4, 0.2]],
    },
    "groups": {
        "muscle": "Ages",
        "kind": "groups",
        "n": 40,
        "groups": [
            {"age_years": {"low": 18, "high": 60}, "mean": 50.0, "sd": 8.0, "n": 20},
            {"age_years": {"low": 60, "high": 99}, "mean": 62.0, "sd": 8.0, "n": 20},
        ],
    },
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_changes_are_the_mean_over_all_orders(name):
    model, known, found = explained(CASES[name])
    expected = naive(model, known, found)
    assert {c.covariate: c.change for c in found.contributions} == pytest.approx(
        expected, rel=1e-9, abs=1e-9
    )
    assert expected
    centre = {INPUTS[c.covariate]: c.centre for c in found.contributions}
    assert found.baseline == pytest.approx(predict(model, known | centre), rel=1e-12)
    total = math.fsum(c.change for c in found.contributions)
    assert total == pytest.approx(predict(model, known) - found.baseline, abs=1e-9)


numbers = st.floats(-3, 3, allow_subnormal=False)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                "age_years",
                "age_years^2",
                "sex_male",
                "height_cm",
                "weight_kg",
                "bmi",
                "age_years:bmi",
                "sex_male:side_right",
                "side_nondominant:weight_kg",
            ]
        ),
        min_size=1,
        unique=True,
    ),
    st.data(),
)
def test_changes_add_up_to_the_prediction_less_the_baseline(terms, data):
    coefficients = [data.draw(numbers) for _ in range(len(terms) + 1)]
    person = Subject(
        data.draw(st.floats(18, 100)),
        data.draw(st.sampled_from(["male", "female"])),
        data.draw(st.floats(120, 230)),
        data.draw(st.floats(30, 250)),
        data.draw(st.sampled_from(["left", "right"])),
    )
    model = linear(" + ".join(["1", *terms]), coefficients)
    own = reference_set(model)
    x = {k: np.array([v]) for k, v in person.known(side="left").items()}
    predicted = own.models[0].predict(x)[0][0]
    found = explain(own, own.models[0], person.known(side="left"))
    total = math.fsum([found.baseline, *(c.change for c in found.contributions)])
    assert total == pytest.approx(predicted, abs=1e-9, rel=1e-13)


def test_without_products_a_change_is_coefficient_times_distance():
    _, _, found = explained(SIDED)
    changes = {c.covariate: c.change for c in found.contributions}
    assert changes == pytest.approx(
        {"age": 0.3 * (63 - 45), "sex": -4 * 0.6, "dominance": 2 * 0.5}
    )
    assert found.baseline == pytest.approx(50 + 0.3 * 45 - 4 * 0.4 + 2 * 0.5)
    assert found.centre_basis == "mean of the sample"


def test_a_product_is_shared_by_both():
    """At centre (50 y, 0.5), v = 1 · age · sex; a man of 70 y, worked by hand."""
    model = linear("1 + age_years:sex_male", [0, 1], centre={"age_years": 50})
    _, _, found = explained(model, Subject(70, "male"))
    changes = {c.covariate: c.change for c in found.contributions}
    # (35 − 25 + 70 − 50) / 2 and (50 − 25 + 70 − 35) / 2.
    assert changes == pytest.approx({"age": 15.0, "sex": 30.0})
    assert "age: mean of the sample" in found.centre_basis
    assert "sex: half way between" in found.centre_basis


def test_the_middle_of_the_limits_where_the_mean_is_not_stated():
    _, _, found = explained(CASES["bmi"])
    assert [(c.covariate, c.centre) for c in found.contributions] == [
        ("height", 175.0),
        ("weight", 90.0),
    ]
    assert found.centre_basis.startswith("middle of the range of the set")


@pytest.mark.parametrize(
    "changes",
    [
        {"model": ALL_MODELS[4]},
        {"model": ALL_MODELS[6]},
        {"model": linear("1", [50.0])},
        {"model": CASES["powers"], "limits": {}},
        {"model": CASES["powers"], "limits": {"weight_kg": LIMITS["weight_kg"]}},
    ],
    ids=["groups-by-sex", "table-by-sex", "mean", "no-limits", "other-limits"],
)
def test_there_is_none_without_a_centre(changes):
    _, _, found = explained(**changes)
    assert found.contributions == ()
    assert math.isnan(found.baseline)
    assert found.centre_basis == ""


def test_all_muscles_of_the_built_in_set_add_up():
    radboud = mus.load_reference("radboud-esaote-6100-adult")
    man = {"age_years": 40, "sex": "male", "height_cm": 180, "weight_kg": 80}
    for muscle in radboud.muscles:
        score = radboud.z_score(muscle, echo_intensity=100, **man)
        total = math.fsum(c.change for c in score.contributions)
        assert total == pytest.approx(score.predicted - score.baseline, abs=1e-9)
        assert score.contributions
