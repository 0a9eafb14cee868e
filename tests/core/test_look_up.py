"""The rules of the look-up, each firing and not firing; values carried over."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats

import napari_muscle_us as mus
from napari_muscle_us.errors import DeviceMismatchError, ReferenceSetError
from napari_muscle_us.reference.conversion.device_conversion import (
    DeviceConversion,
    example_conversion,
)
from napari_muscle_us.reference.device_rules import same_binding
from napari_muscle_us.reference.look_up import look_up
from napari_muscle_us.reference.model import ReferenceSet
from napari_muscle_us.reference.parts import DeviceBinding
from napari_muscle_us.reference.rules import LOOKUP_RULES, leverage
from napari_muscle_us.reference.subject import Subject

SPAN = {"low": 30, "high": 50}
DEVICE = {
    "manufacturer": "Maker",
    "models": ["B", "B plus"],
    "transducers": ["L4-15"],
    "presets": ["Muscle"],
    "depth_mm": {"low": 40, "high": 40},
    "frequency_mhz": {"low": 10, "high": 13},
    "gain_db": {"low": 0, "high": 10},
    "dynamic_range_db": {"low": 60, "high": 70},
}
IMAGE = mus.Device(
    "Maker",
    "B",
    transducer="L4-15",
    preset="Muscle",
    depth_mm=40,
    frequency_mhz=12,
    gain_db=10,
    dynamic_range_db=60,
)
SOURCE = mus.Device("Maker", "A")
PERSON = {
    "age_years": 40.0,
    "sex": "male",
    "height_cm": 175.0,
    "weight_kg": 70.0,
    "handedness": "right",
}
LIMITS = {
    "age_years": {"warn": [18, 80], "refuse": [18, 100], "basis": "the sample"},
    "height_cm": {"warn": [140, 210], "refuse": [120, 230], "basis": "the sample"},
    "weight_kg": {"warn": [40, 140], "refuse": [30, 250], "basis": "the sample"},
}


def body_sample():
    """Return the design of 80 people of usual height and weight."""
    rng = np.random.default_rng(3)
    height = rng.normal(172, 9, 80)
    weight = rng.normal(23, 2.5, 80) * (height / 100) ** 2
    return np.column_stack([np.ones(80), height, weight])


def body_model():
    """Return a model of height and weight with the covariance of that sample."""
    design = body_sample()
    inverse = np.linalg.inv(design.T @ design)
    largest = float(np.einsum("ij,jk,ik->i", design, inverse, design).max())
    return {
        "muscle": "Body",
        "kind": "linear",
        "n": 80,
        "formula": "1 + height_cm + weight_kg",
        "coefficients": [90.0, -0.2, 0.1],
        "covariance": (49.0 * inverse).tolist(),
        "residual_variance": 49.0,
        "degrees_of_freedom": 77,
        "max_leverage": largest,
    }


SIDED = {
    "muscle": "Sided",
    "aliases": ["Both"],
    "kind": "linear",
    "n": 90,
    "formula": "1 + age_years + sex_male + side_nondominant",
    "coefficients": [50.0, 0.3, -4.0, 2.0],
    "covariance": np.diag([0.5, 1e-4, 0.4, 0.3]).tolist(),
    "residual_variance": 49.0,
    "degrees_of_freedom": 86,
    "centre": {"age_years": 45, "sex_male": 0.4, "side_nondominant": 0.5},
}
WOMEN = SIDED | {"muscle": "Women", "aliases": [], "sexes": ["female"]}
MEAN = SIDED | {
    "muscle": "Mean",
    "aliases": [],
    "observation": "mean of a person's values",
}
LOGARITHM = {
    "muscle": "Logarithm",
    "kind": "linear",
    "n": 60,
    "formula": "1 + age_years + bmi",
    "coefficients": [3.5, 0.004, 0.02],
    "covariance": np.diag([1e-3, 1e-7, 1e-6]).tolist(),
    "residual_variance": 0.02,
    "degrees_of_freedom": 57,
    "transform": {"power": 0.0},
}
MEN = {
    "muscle": "Men",
    "kind": "groups",
    "n": 30,
    "groups": [{"sex": "male", "mean": 60.0, "sd": 8.0, "n": 30}],
}
CURVES = {
    "muscle": "Curves",
    "kind": "lms",
    "n": 200,
    "covariate": "age_years",
    "curves": [
        {"x": [18, 50, 90], "l": [0.2, -0.5, 1], "m": [55, 60, 75], "s": [0.1] * 3}
    ],
}
TABLE = {
    "muscle": "Table",
    "measure": "roi.thickness",
    "unit": "mm",
    "kind": "quantile_table",
    "n": 300,
    "covariate": "age_years",
    "probabilities": [0.05, 0.5, 0.95],
    "curves": [
        {"x": [18, 95], "values": [[15, 20, 30], [10, 14, 20]], "sex": "male"},
        {"x": [18, 95], "values": [[14, 18, 26], [9, 12, 18]], "sex": "female"},
    ],
}
SHARES = {
    "muscle": "Shares",
    "kind": "quantiles",
    "n": 120,
    "formula": "1 + age_years + sex_male",
    "probabilities": [0.025, 0.5, 0.975],
    "coefficients": [[40, 0.1, -3], [50, 0.2, -3], [65, 0.4, -4]],
}


def reference_set(*models, **changes):
    """Return a set of these models on device B."""
    return ReferenceSet.model_validate(
        {
            "format": "napari-muscle-us reference set",
            "version": 2,
            "name": "own",
            "title": "Own",
            "citation": "None.",
            "source_remark": "Made up.",
            "licence": "CC0-1.0",
            "author": "Nobody",
            "date": "2026-11-23",
            "device": DEVICE,
            "population": {"description": "Made-up people."},
            "limits": LIMITS,
            "models": models,
        }
        | changes
    )


ALL_MODELS = (body_model(), SIDED, MEAN, LOGARITHM, MEN, CURVES, TABLE, SHARES, WOMEN)


@pytest.fixture(scope="module")
def own():
    return reference_set(*ALL_MODELS)


def conversion_to_b(**changes):
    """Return y = 4 + 0.5 x from device A to device B, known for 20 to 140."""
    told = dict(example_conversion()) | {"target": DeviceBinding(**DEVICE)}
    return DeviceConversion(**(told | changes))


def outcome(own, **changes):
    """Return what follows and the sentences of a look-up changed in some respect."""
    told = {
        "muscle": "Sided",
        "value": 70.0,
        "side": "left",
        "device": IMAGE,
        **PERSON,
    } | changes
    own = told.pop("reference", own)
    person = {name: told.pop(name) for name in PERSON}
    muscle, value = told.pop("muscle"), told.pop("value")
    try:
        found = look_up(own, muscle, value, Subject(**person), **told)
    except DeviceMismatchError as error:
        return "refused unless accepted", [str(error)]
    except ReferenceSetError as error:
        return "refused", [str(error)]
    return "warning" if found.warnings else "none", list(found.warnings)


FIRES = {
    "person": ({"age_years": 480.0}, "looks like months, so enter 40"),
    "side": ({"side": "L"}, "Side 'L' is not one"),
    "value": ({"value": 256.0}, "256 is no gray level"),
    "muscle": ({"muscle": "Sidet"}, "did you mean 'Sided'"),
    "unit": ({"unit": "mm"}, "in mm, the reference values of Sided in gray level"),
    "missing": ({"handedness": None}, "needs the subject's handedness; enter it"),
    "device": ({"device": replace(IMAGE, model="C")}, "from Maker C, .* differs"),
    "transducer": (
        {"device": replace(IMAGE, transducer="L3-9")},
        "Maker B and transducer 'L3-9', .* transducer 'L4-15'; .* between settings",
    ),
    "preset": ({"device": replace(IMAGE, preset="Nerve")}, "preset 'Nerve', the"),
    "settings": (
        {"device": replace(IMAGE, depth_mm=50.0)},
        "depth of the image is 50 mm, that of the reference values 40 mm",
    ),
    "device-unknown": (
        {"device": replace(IMAGE, transducer=None, gain_db=None)},
        r"transducer and gain of the image are not known; .* 'L4-15' and gain 0–10 dB",
    ),
    "conversion-device": (
        {
            "conversion": conversion_to_b(
                target=DeviceBinding(**(DEVICE | {"presets": ["X"]}))
            ),
            "device": SOURCE,
        },
        "leads to .*preset 'X'.* the reference values are from .*preset 'Muscle'",
    ),
    "conversion-range": (
        {"conversion": conversion_to_b(), "device": SOURCE, "value": 145.0},
        "The value 145 is outside",
    ),
    "conversion": (
        {"conversion": conversion_to_b(), "device": SOURCE},
        r"carried over from Maker A to Maker B .*4 \+ 0.5 × value.*SD [0-9.]+, is part",
    ),
    "beyond": ({"age_years": 101.0}, r"outside what the reference set own .*18–100"),
    "outside": ({"weight_kg": 141.0}, r"141 kg is outside 40–140 kg \(the sample\)"),
    "age-unknown": ({"muscle": "Body", "age_years": None}, "age is not known; .*18–80"),
    "few-like-this": (
        {"muscle": "Body", "height_cm": 150.0, "weight_kg": 120.0},
        "few people like this one in height and weight taken together",
    ),
    "mean-of-person": ({"muscle": "Mean"}, "of means of a person's values"),
    "other-sex": ({"muscle": "Women"}, "of the sample of Women are women; .*polated"),
    "no-range": (
        {"reference": reference_set(SIDED, limits={})},
        "states no range of age for Sided, so nobody",
    ),
    "model": ({"muscle": "Men", "sex": "female"}, "No group .* for this person"),
}
QUIET = {
    "person": {"age_years": 80.0},
    "side": {"side": " RIGHT "},
    "value": {"value": 255.0},
    "muscle": {"muscle": " bOTH "},
    "unit": {"unit": " gray level"},
    "missing": {"muscle": "Body", "handedness": None, "sex": None, "side": ""},
    "device": {"device": replace(IMAGE, manufacturer=" MAKER ", model="b PLUS")},
    "transducer": {"device": replace(IMAGE, transducer=" l4-15 ")},
    "preset": {"device": replace(IMAGE, preset="MUSCLE")},
    "settings": {"device": replace(IMAGE, gain_db=0.0, frequency_mhz=13.0)},
    "device-unknown": {"device": replace(IMAGE, software=None)},
    "beyond": {"age_years": 18.0},
    "outside": {"weight_kg": 140.0, "height_cm": 210.0},
    "age-unknown": {"muscle": "Body"},
    "few-like-this": {"muscle": "Body", "height_cm": 172.0, "weight_kg": 68.0},
    "mean-of-person": {"muscle": "Sided"},
    "other-sex": {"muscle": "Women", "sex": " FEMALE "},
    "no-range": {
        "reference": reference_set(SIDED, limits={"age_years": LIMITS["age_years"]})
    },
    "model": {"muscle": "Men"},
}
SEVERITY = {rule.key: rule.severity for rule in LOOKUP_RULES}


def test_every_rule_is_tested_both_ways():
    assert set(FIRES) == set(SEVERITY)
    carried = {"conversion", "conversion-device", "conversion-range"}
    assert set(QUIET) == set(SEVERITY) - carried


@pytest.mark.parametrize("key", FIRES)
def test_a_rule_fires_as_it_says(own, one_sentence, key):
    changes, words = FIRES[key]
    severity, sentences = outcome(own, **changes)
    assert severity == SEVERITY[key]
    (sentence,) = sentences
    assert one_sentence(sentence)
    assert re.search(words, sentence), sentence


@pytest.mark.parametrize("key", QUIET)
def test_a_rule_does_not_fire_at_its_edge(own, key):
    assert outcome(own, **QUIET[key]) == ("none", [])


@pytest.mark.parametrize("key", ["device", "transducer", "preset"])
def test_the_user_may_answer_for_another_device(own, key):
    severity, sentences = outcome(own, **FIRES[key][0], accept_device=True)
    assert severity == "warning"
    (sentence,) = sentences
    assert sentence.endswith("; accepted by the user.")


def test_a_preset_counts_where_the_scanner_is_not_named(own):
    device = mus.Device(preset="Nerve")
    severity, (sentence,) = outcome(own, device=device)
    assert severity == "refused unless accepted"
    assert "unknown device and preset 'Nerve'" in sentence
    severity, sentences = outcome(own, device=device, accept_device=True)
    assert [s.split(";")[0] for s in sentences] == [
        sentence.split(";")[0],
        "The device of the image is not known",
    ]


def test_settings_count_where_the_scanner_is_not_named(own):
    severity, sentences = outcome(own, device=mus.Device(depth_mm=50, gain_db=-3))
    assert severity == "warning"
    assert len(sentences) == 3
    assert sentences[0].startswith("The device of the image is not known; these values")
    assert "is 50 mm" in sentences[1]
    assert "is -3 dB, that of the reference values 0–10 dB" in sentences[2]


def test_a_long_name_is_cut(own):
    _, (sentence,) = outcome(own, muscle="Biceps " * 50_000)
    assert len(sentence) < 300


def test_several_limits_are_all_said(own):
    severity, sentences = outcome(own, age_years=90.0, weight_kg=200.0, height_cm=215.0)
    assert severity == "warning"
    assert [s.split()[0] for s in sentences] == ["Age", "Height", "Weight"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"age_years": 150}, "looks like months, so enter 12.5"),
        ({"age_years": 1985}, "looks like a year of birth"),
        ({"age_years": -1}, "enter it in years"),
        ({"height_cm": 1750}, "looks like millimetres, so enter 175"),
        ({"weight_kg": 3500}, "looks like grams, so enter 3.5"),
        ({"weight_kg": 450}, "enter it in kg"),
        ({"handedness": "both"}, "leave it out where neither is preferred"),
    ],
    ids=lambda v: next(iter(v.values())) if isinstance(v, dict) else "",
)
def test_the_likely_mistake_is_told(one_sentence, value, words):
    with pytest.raises(ReferenceSetError, match=words) as error:
        Subject(**value)
    assert one_sentence(str(error.value))


# Leverage


def test_leverage_is_the_diagonal_of_the_hat_matrix(own):
    design = body_sample()
    model = own.model_for("Body")
    found = leverage(model, {"height_cm": design[:, 1], "weight_kg": design[:, 2]})
    hat = design @ np.linalg.pinv(design)
    np.testing.assert_allclose(found, np.diag(hat), rtol=1e-8)
    assert found.sum() == pytest.approx(3)


def test_nobody_of_the_sample_itself_is_warned_of(own):
    for _, height, weight in body_sample():
        changes = {"height_cm": height, "weight_kg": weight}
        _, sentences = outcome(own, muscle="Body", **changes)
        assert "few people" not in " ".join(sentences)


def test_without_a_stored_limit_only_what_no_sample_can_hold_is_warned_of():
    model = body_model()
    del model["max_leverage"]
    own = reference_set(model)
    unusual = {"muscle": "Body", "height_cm": 150.0, "weight_kg": 100.0}
    assert outcome(own, **unusual) == ("none", [])
    severity, (sentence,) = outcome(own, **(unusual | {"weight_kg": 139.0}))
    assert severity == "warning"
    assert "above 1)" in sentence


def test_the_built_in_set_does_not_nag_ordinary_adults():
    radboud = mus.load_reference("radboud-esaote-6100-adult")
    rng = np.random.default_rng(0)
    male = rng.integers(0, 2, 4000).astype(float)
    height = np.clip(rng.normal(167 + 13 * male, 7), 150, 195)
    weight = np.clip(rng.normal(25, 4, 4000) * (height / 100) ** 2, 50, 110)
    x = {
        "age_years": rng.uniform(18, 80, 4000),
        "sex_male": male,
        "height_cm": height,
        "weight_kg": weight,
        "bmi": weight / (height / 100) ** 2,
    }
    warned = [np.mean(leverage(model, x) > 1) for model in radboud.models]
    assert max(warned) < 0.005
    assert np.mean(warned) < 0.0005
    beyond = {"height_cm": np.array([150.0]), "weight_kg": np.array([128.0])}
    x = {k: np.array([v]) for k, v in {"age_years": 40, "sex_male": 1}.items()} | beyond
    x["bmi"] = x["weight_kg"] / 1.5**2
    assert leverage(radboud.model_for("Masseter"), x)[0] > 1


# Values carried over from another device


def test_the_error_of_a_conversion_is_in_the_sd(own):
    conversion = conversion_to_b(residual_sd=6.0)
    told = {"side": "left", "device": SOURCE, "conversion": conversion}
    found = look_up(own, "Sided", 110.0, Subject(**PERSON), **told)
    plain = look_up(own, "Sided", 59.0, Subject(**PERSON), side="left", device=IMAGE)
    assert found.echo_intensity == 59.0
    assert found.converted_from == 110.0
    assert found.conversion == conversion.name
    assert found.predicted == plain.predicted
    assert found.sd == pytest.approx(math.sqrt(plain.sd**2 + 0.25 * 36), rel=1e-14)
    assert found.z == pytest.approx((59 - plain.predicted) / found.sd, rel=1e-14)
    share = scipy.stats.t.cdf(found.z, 86)
    assert found.percentile == pytest.approx(100 * share, rel=1e-12)
    half = scipy.stats.t.ppf(0.975, 86) * found.sd
    assert found.interval[1] == pytest.approx(found.predicted + half, rel=1e-12)
    assert "SD 3, is part of the SD" in " ".join(found.warnings)
    assert "with the error of the conversion" in found.sd_label
    assert math.isnan(plain.converted_from)
    assert plain.conversion == ""


BLACK = conversion_to_b(
    intercept=-60.0, intercept_interval=(-61, -59), zero_interval=(119, 121)
)


@pytest.mark.parametrize(
    ("changes", "severity", "words"),
    [
        ({"device": IMAGE}, "refused", "the device of the reference values itself"),
        ({"device": mus.Device("X", "Y")}, "refused unless accepted", "from X Y"),
        ({"device": None}, "warning", "not known; these values hold for Maker A"),
        ({"value": 140.0}, "warning", "carried over"),
        ({"value": 19.0}, "refused", "The value 19 is outside"),
        ({"muscle": "Curves"}, "refused", "cannot be carried"),
        ({"muscle": "Logarithm"}, "refused", "cannot be carried"),
        (
            {"muscle": "Table", "measure": "roi.thickness"},
            "refused",
            "is of intensity.mean, the reference values of Table of roi.thickness",
        ),
        (
            {"conversion": BLACK},
            "refused",
            "no gray level",
        ),
    ],
    ids=["target", "other", "unknown", "edge", "range", "lms", "log", "measure",
         "black"],
)  # fmt: skip
def test_a_conversion_must_fit(own, one_sentence, changes, severity, words):
    told = {"device": SOURCE, "conversion": conversion_to_b()} | changes
    found, sentences = outcome(own, **told)
    assert found == severity
    assert any(words in sentence for sentence in sentences), sentences
    assert all(map(one_sentence, sentences))


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({}, True),
        ({"models": ["b plus"], "presets": [], "depth_mm": None}, True),
        ({"manufacturer": "Other"}, False),
        ({"models": ["C"]}, False),
        ({"transducers": ["L3-9"]}, False),
        ({"depth_mm": {"low": 41, "high": 60}}, False),
        ({"gain_db": {"low": 10, "high": 60}}, True),
    ],
    ids=["same", "less", "maker", "model", "transducer", "depth", "touching"],
)
def test_what_is_the_same_device(changes, same):
    one, other = DeviceBinding(**DEVICE), DeviceBinding(**(DEVICE | changes))
    assert same_binding(one, other) is same
    assert same_binding(other, one) is same


# All kinds


@pytest.mark.parametrize(
    ("muscle", "measure", "value", "z", "predicted", "freedom"),
    [
        ("Sided", "intensity.mean", 70.0, None, 50 + 12 - 4 + 2, 86),
        ("Men", "intensity.mean", 70.0, 10 / (8 * math.sqrt(31 / 30)), 60.0, 29),
        ("Curves", "intensity.mean", 70.0, None, 55 + 5 * 22 / 32, math.inf),
        ("Table", "roi.thickness", 20 - 6 * 22 / 77, 0.0, 20 - 6 * 22 / 77, math.inf),
        ("Shares", "intensity.mean", 55.0, 0.0, 55.0, math.inf),
    ],
    ids=["linear", "groups", "lms", "table", "quantiles"],
)
def test_all_kinds_fill_the_score(own, muscle, measure, value, z, predicted, freedom):
    found = look_up(
        own,
        muscle,
        value,
        Subject(**PERSON),
        measure=measure,
        side="left",
        device=IMAGE,
    )
    model = own.model_for(muscle, measure=measure)
    assert found.predicted == pytest.approx(predicted, rel=1e-12)
    assert found.degrees_of_freedom == freedom
    if z is not None:
        assert found.z == pytest.approx(z, abs=1e-12)
    assert (found.kind, found.unit) == (model.kind, model.unit)
    assert found.sd_label == model.sd_label
    assert found.sd > 0
