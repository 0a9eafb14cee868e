"""Z-scores against worked examples; muscles, subjects and devices."""

from __future__ import annotations

import csv
import json
import math
from importlib.resources import files

import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import napari_muscle_us as mus
from napari_muscle_us.errors import DeviceMismatchError, ReferenceSetError
from napari_muscle_us.reference.subject import Subject

NAME = "radboud-esaote-6100-adult"
MAN = {"age_years": 40, "sex": "male", "height_cm": 180, "weight_kg": 80}
ESAOTE = mus.Device("ESAOTE", "6100")


@pytest.fixture(scope="module")
def radboud():
    return mus.load_reference(NAME)


# Predicted, SD of prediction, Z of EI 100, for that man: arithmetic on the published
# models, done outside this package.
WORKED = {
    "Biceps brachii": (66.832839, 7.093181, 4.675922),
    "Rectus femoris": (65.750138, 7.894742, 4.338313),
    "Tibialis anterior": (71.245571, 8.987668, 3.199320),
}


@pytest.mark.parametrize("muscle", WORKED)
def test_worked_examples(radboud, muscle):
    score = radboud.z_score(muscle, echo_intensity=100, **MAN, device=ESAOTE)
    found = (score.predicted, score.sd, score.z)
    assert found == pytest.approx(WORKED[muscle], abs=1e-6)
    assert (score.muscle, score.reference) == (muscle, NAME)
    assert score.echo_intensity == 100
    assert score.warnings == ()


def test_all_128_worked_examples(radboud, shared):
    path = shared("oracles/radboud_esaote6100_worked_examples.csv")
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 128
    for row in rows:
        score = radboud.z_score(
            row["muscle"],
            echo_intensity=100,
            age_years=float(row["age_y"]),
            sex={"M": "male", "F": "female"}[row["sex"]],
            height_cm=float(row["height_cm"]),
            weight_kg=float(row["weight_kg"]),
        )
        told = [
            float(row[k])
            for k in ("predicted_EI", "sd_pred=sqrt(xCx+MSE)", "z_for_EI_100")
        ]
        assert [score.predicted, score.sd, score.z] == pytest.approx(told, abs=1e-6)


SOURCE_TERMS = {
    "(Intercept)": "1",
    "Age": "age_years",
    "Age^2": "age_years^2",
    "Age^3": "age_years^3",
    "Weight": "weight_kg",
    "Lenght": "height_cm",
    "BMI": "bmi",
    "Sex_Male": "sex_male",
}


def test_the_built_in_set_is_its_source_digit_for_digit(shared):
    path = shared("oracles/radboud_esaote6100_ei_models_full.json")
    source = json.loads(path.read_text())
    resource = files("napari_muscle_us.reference") / "sets" / f"{NAME}.json"
    models = json.loads(resource.read_text())["models"]
    assert [m["muscle"] for m in models] == [s["Muscle"] for s in source]
    assert len(models) == 32
    for model, told in zip(models, source, strict=True):
        terms = [SOURCE_TERMS[name] for name in told["CoefficientNames"]]
        assert model["formula"].split(" + ") == terms
        assert model["coefficients"] == told["Coefficients"]
        assert model["covariance"] == told["CoeffCov"]
        assert model["residual_variance"] == told["MSE"]
        assert model["degrees_of_freedom"] == told["DFE"]
        assert model["n"] == told["DFE"] + len(told["Coefficients"])


@given(st.floats(0, 255), st.floats(0, 255), st.sampled_from(sorted(WORKED)))
def test_percentile_is_students_t_and_grows(radboud, low, high, muscle):
    low, high = sorted((low, high))
    scores = [radboud.z_score(muscle, echo_intensity=e, **MAN) for e in (low, high)]
    assert scores[0].percentile <= scores[1].percentile
    for score in scores:
        dof = score.degrees_of_freedom
        expected = 100 * scipy.stats.t.cdf(score.z, dof)
        assert score.percentile == pytest.approx(expected, abs=1e-9)
        assert 0 <= score.percentile <= 100


@pytest.mark.parametrize("muscle", WORKED)
def test_the_predicted_value_is_the_median_and_the_interval_holds_95_percent(
    radboud, muscle
):
    middle = radboud.z_score(muscle, echo_intensity=50, **MAN)
    at = [
        radboud.z_score(muscle, echo_intensity=e, **MAN)
        for e in (middle.predicted, *middle.interval)
    ]
    assert [s.percentile for s in at] == pytest.approx([50, 2.5, 97.5], abs=1e-9)
    assert at[0].z == pytest.approx(0, abs=1e-12)


# Muscles, subjects and devices


@pytest.mark.parametrize("name", ["biceps BRACHII", " Biceps brachii ", "Biceps"])
def test_names_and_aliases_whatever_their_case(radboud, name):
    assert radboud.z_score(name, echo_intensity=100, **MAN).muscle == "Biceps brachii"


@pytest.mark.parametrize(
    ("muscle", "words"),
    [
        ("Bicep brachi", "did you mean 'Biceps brachii'"),
        ("tibialis anterio", "did you mean 'Tibialis anterior'"),
        ("xyz", "it has .*Biceps brachii, "),
        ("", "no muscle; choose one"),
    ],
    ids=["typo", "cut", "nothing-like-it", "empty"],
)
def test_an_unknown_muscle_is_refused_with_help(radboud, muscle, words):
    with pytest.raises(ReferenceSetError, match=words):
        radboud.z_score(muscle, echo_intensity=100, **MAN)


@pytest.mark.parametrize(
    ("muscle", "given", "words"),
    [
        ("Biceps brachii", {"age_years": 40}, "subject's weight; enter"),
        ("Biceps brachii", {}, "subject's age and weight; enter"),
        ("Soleus", {"age_years": 40}, "subject's sex; enter"),
        ("Biceps femoris", {"weight_kg": 70}, "age and sex and height|sex and height"),
    ],
    ids=["weight", "two", "sex", "bmi"],
)
def test_missing_covariates_are_named(radboud, muscle, given, words):
    with pytest.raises(ReferenceSetError, match=words):
        radboud.z_score(muscle, echo_intensity=100, **given)


def test_covariates_that_a_model_does_not_use_are_not_needed(radboud):
    score = radboud.z_score("Soleus", echo_intensity=80, sex="male")
    assert score.predicted == pytest.approx(64.85174 - 6.04357, abs=2e-5)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"age_years": -3}, r"Age -3 years is not possible \(allowed 0–120\)"),
        ({"age_years": 121}, "Age 121"),
        ({"age_years": math.nan}, "Age nan"),
        ({"height_cm": 1.8}, "looks like metres.* enter 180"),
        ({"height_cm": math.inf}, "Height inf"),
        ({"weight_kg": 0}, "Weight 0 kg is not possible"),
        ({"weight_kg": math.nan}, "Weight nan"),
        ({"sex": "M"}, "Sex 'M'.*'male' or 'female'"),
    ],
    ids=lambda v: (
        "-".join(f"{k}-{x}" for k, x in v.items()) if v and v != str(v) else ""
    ),
)
def test_impossible_people_are_refused(radboud, one_sentence, value, words):
    with pytest.raises(ReferenceSetError, match=words) as error:
        radboud.z_score("Biceps brachii", echo_intensity=100, **(MAN | value))
    assert one_sentence(str(error.value))


@pytest.mark.parametrize("level", [-1, 255.5, math.nan, math.inf], ids=str)
def test_what_is_no_gray_level_has_no_z(radboud, level):
    words = "no value of" if math.isnan(level) else "no gray level"
    with pytest.raises(ReferenceSetError, match=words):
        radboud.z_score("Biceps brachii", echo_intensity=level, **MAN)


def test_bmi_is_kg_by_square_metre():
    assert Subject(height_cm=180, weight_kg=81).bmi == 25
    assert Subject(height_cm=180).bmi is None


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"age_years": 85}, "Age 85 years is outside 18–80 years"),
        ({"height_cm": 215}, "Height 215 cm is outside 145–205 cm"),
        ({"weight_kg": 200}, "Weight 200 kg is outside 40–130 kg"),
    ],
    ids=["age", "height", "weight"],
)
def test_outside_the_sample_is_said(radboud, value, words):
    score = radboud.z_score(
        "Biceps brachii", echo_intensity=100, **(MAN | value), device=ESAOTE
    )
    (warning,) = score.warnings
    assert words in warning
    assert "extrapolated" in warning


@pytest.mark.parametrize(
    "value",
    [{"age_years": 17.9}, {"age_years": 101}, {"height_cm": 119}, {"weight_kg": 29}],
    ids=str,
)
def test_far_outside_the_sample_is_refused(radboud, value):
    with pytest.raises(ReferenceSetError, match="outside what the reference set"):
        radboud.z_score("Biceps brachii", echo_intensity=100, **(MAN | value))


@pytest.mark.parametrize(
    "device",
    [ESAOTE, mus.Device(" esaote ", "mylabtwice"), mus.Device("Esaote", "MyLab Twice")],
    ids=["6100", "case", "other-spelling"],
)
def test_the_sets_own_device_has_no_caveat(radboud, device):
    score = radboud.z_score("Biceps", echo_intensity=90, **MAN, device=device)
    assert score.warnings == ()


@pytest.mark.parametrize("device", [None, mus.Device(), mus.Device(preset="MSK")])
def test_an_unknown_device_is_said(radboud, device):
    score = radboud.z_score("Biceps", echo_intensity=90, **MAN, device=device)
    (warning,) = score.warnings
    assert "device of the image is not known" in warning


@pytest.mark.parametrize(
    "device",
    [
        mus.Device("Philips", "EPIQ 5G"),
        mus.Device("Esaote", "MyLab Eight"),
        mus.Device("Esaote"),
        mus.Device(model="6100"),
    ],
    ids=["maker", "model", "maker-only", "model-only"],
)
def test_another_device_is_refused_unless_accepted(radboud, device):
    with pytest.raises(DeviceMismatchError, match=f"from {device}"):
        radboud.z_score("Biceps", echo_intensity=90, **MAN, device=device)
    score = radboud.z_score(
        "Biceps", echo_intensity=90, **MAN, device=device, accept_device=True
    )
    (warning,) = score.warnings
    assert "accepted by the user" in warning


@pytest.mark.parametrize("word", ["male", "Male", " MALE "])
def test_sex_is_a_word_in_any_case(word):
    assert Subject(sex=word) == Subject(sex="male")
