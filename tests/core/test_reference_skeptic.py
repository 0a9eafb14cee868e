"""Attacks on look-up, fit and follow-up: each was, or could be, a wrong number."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import pickle
import re
import threading
from functools import partial
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st

import napari_muscle_us as mus
from napari_muscle_us.errors import MuscleUSError, ReferenceSetError, ResultsError
from napari_muscle_us.image import Device
from napari_muscle_us.io.spreadsheet import read_spreadsheet
from napari_muscle_us.reference.batch import z_scores
from napari_muscle_us.reference.checksum import stamped
from napari_muscle_us.reference.conversion.conversion_file import (
    find_conversion,
    load_conversion,
)
from napari_muscle_us.reference.conversion.device_conversion import example_conversion
from napari_muscle_us.reference.examination.decision_rule import decide
from napari_muscle_us.reference.examination.examination import examine
from napari_muscle_us.reference.examination.follow_up import Sem, follow_up, sem_from_cv
from napari_muscle_us.reference.fitting.fit import fit_reference, reference_from_fit
from napari_muscle_us.reference.fitting.fit_types import FitOptions
from napari_muscle_us.reference.harmonising._combat_inputs import Covariate, no_overlap
from napari_muscle_us.reference.harmonising.harmonise import harmonise_table
from napari_muscle_us.reference.look_up import look_up
from napari_muscle_us.reference.model import FORMAT, ReferenceSet
from napari_muscle_us.reference.parts import DeviceBinding
from napari_muscle_us.reference.subject import Subject
from napari_muscle_us.reference.validation import validated
from napari_muscle_us.reference.versions import upgraded
from napari_muscle_us.reference.write import write_reference

MAN = Subject(40, "male", 180, 80, "right")
SET = "radboud-esaote-6100-adult"


@pytest.fixture(scope="module")
def radboud():
    return mus.load_reference(SET)


def made(*models, limits=None, population=None):
    """Return a set of models."""
    base = {"muscle": "Tongue", "n": 60}
    document = {
        "format": FORMAT,
        "version": 2,
        "name": "made",
        **dict.fromkeys(("title", "citation", "source_remark", "licence"), "x"),
        **dict.fromkeys(("author", "date"), "x"),
        "device": {"manufacturer": "Maker", "models": ["A"]},
        "population": population or {"description": "x"},
        "limits": limits or {},
        "models": [base | model for model in models],
    }
    return validated(stamped(document), what="The set")


# Each kind, worked out again without the package


def by_hand_linear(person, value):
    a, m, h, w = person.age_years, person.sex == "male", *size(person)
    x = np.array([1.0, a, m * h, (w / (h / 100) ** 2) ** 2])
    spread = np.diag([4.0, 1e-3, 1e-5, 1e-7])
    centre = float(x @ [20, 0.2, 0.05, 0.01])
    sd = math.sqrt(float(x @ spread @ x) + 36)
    z = (value - centre) / sd
    half = scipy.stats.t.ppf(0.975, 40) * sd
    return z, centre, sd, 100 * scipy.stats.t.cdf(z, 40), centre - half, centre + half


def size(person):
    return person.height_cm, person.weight_kg


def by_hand_power(person, value):
    power, sd, centre = -0.5, 0.03, 1.7 - 0.0005 * person.age_years
    forward = (value**power - 1) / power

    def back(v):
        return (1 + power * v) ** (1 / power)

    z = (forward - centre) / sd
    half = scipy.stats.norm.ppf(0.975) * sd
    return (
        z,
        back(centre),
        (back(centre + sd) - back(centre - sd)) / 2,
        100 * scipy.stats.norm.cdf(z),
        back(centre - half),
        back(centre + half),
    )


def by_hand_groups(person, value):
    mean, s, n = (50, 8, 20) if person.age_years < 50 else (60, 9, 5)
    sd = s * math.sqrt(1 + 1 / n)
    z = (value - mean) / sd
    half = scipy.stats.t.ppf(0.975, n - 1) * sd
    return z, mean, sd, 100 * scipy.stats.t.cdf(z, n - 1), mean - half, mean + half


def by_hand_lms(person, value):
    share = (person.age_years - 20) / 60
    power, m, s = 1 - 2 * share, 50 + 40 * share, 0.1 + 0.1 * share

    def at(z):
        if abs(power) < 1e-6:
            # The series to second order; its next term is below 1e-18.
            return m * math.exp(s * z - power * (s * z) ** 2 / 2)
        return m * (1 + power * s * z) ** (1 / power)

    if abs(power) < 1e-6:
        log = math.log(value / m)
        z = (log + power * log**2 / 2) / s
    else:
        z = ((value / m) ** power - 1) / (power * s)
    q = scipy.stats.norm.ppf(0.975)
    middle = (at(1) - at(-1)) / 2
    return z, m, middle, 100 * scipy.stats.norm.cdf(z), at(-q), at(q)


KINDS = {
    "linear": (
        by_hand_linear,
        {
            "kind": "linear",
            "formula": "1 + age_years + sex_male:height_cm + bmi^2",
            "coefficients": [20, 0.2, 0.05, 0.01],
            "covariance": np.diag([4.0, 1e-3, 1e-5, 1e-7]).tolist(),
            "residual_variance": 36,
            "degrees_of_freedom": 40,
        },
    ),
    "power": (
        by_hand_power,
        {
            "kind": "linear",
            "formula": "1 + age_years",
            "coefficients": [1.7, -0.0005],
            "covariance": [[1.0, 0], [0, 1e-3]],
            "residual_variance": 0.0009,
            "degrees_of_freedom": 40,
            "sd": "residual",
            "transform": {"power": -0.5},
        },
    ),
    "groups": (
        by_hand_groups,
        {
            "kind": "groups",
            "groups": [
                {"age_years": {"low": 18, "high": 50}, "mean": 50, "sd": 8, "n": 20},
                {"age_years": {"low": 50, "high": 90}, "mean": 60, "sd": 9, "n": 5},
            ],
        },
    ),
    "lms": (
        by_hand_lms,
        {
            "kind": "lms",
            "covariate": "age_years",
            "curves": [{"x": [20, 80], "l": [1, -1], "m": [50, 90], "s": [0.1, 0.2]}],
        },
    ),
}
AGES = (20, 30.25, 49.999, 50, 50.0000001, 66, 80)
NUMBERS = ("z", "predicted", "sd", "percentile", "low", "high")


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_worked_out_again(kind):
    by_hand, model = KINDS[kind]
    reference = made(model)
    people = [
        Subject(age, sex, 150 + age / 2, 50 + age / 3, "left")
        for age in AGES
        for sex in ("male", "female")
    ]
    rows = [
        dataclasses.asdict(person) | {"muscle": "tongue ", "value": value}
        for person in people
        for value in (45.5, 61.0)
    ]
    table = z_scores(reference, pd.DataFrame(rows))
    assert (table["problem"] == "").all()
    for row, told in zip(rows, table[list(NUMBERS)].to_numpy(), strict=True):
        person = Subject(*(row[f.name] for f in dataclasses.fields(Subject)))
        expected = by_hand(person, row["value"])
        found = look_up(reference, "Tongue", row["value"], person)
        alone = (found.z, found.predicted, found.sd, found.percentile, *found.interval)
        np.testing.assert_allclose(alone, expected, rtol=1e-9)
        np.testing.assert_allclose(told, expected, rtol=1e-9)


def shapley_by_orders(predict, person, centre):
    """Return the mean gain of each player over all orders in which they may come."""
    names = list(person)
    moved = dict.fromkeys(names, 0.0)
    orders = list(permutations(names))
    for order in orders:
        now = dict(centre)
        for name in order:
            before = predict(**now)
            now[name] = person[name]
            moved[name] += (predict(**now) - before) / len(orders)
    return moved


def test_contributions_are_the_mean_over_all_orders():
    model = KINDS["linear"][1] | {
        "centre": {"age_years": 45, "height_cm": 172, "weight_kg": 70, "sex_male": 0.4}
    }
    person = {"age": 40.0, "sex": 1.0, "height": 180.0, "weight": 80.0}
    centre = {"age": 45.0, "sex": 0.4, "height": 172.0, "weight": 70.0}

    def predict(age, sex, height, weight):
        bmi = weight / (height / 100) ** 2
        return 20 + 0.2 * age + 0.05 * sex * height + 0.01 * bmi**2

    found = look_up(made(model), "Tongue", 60, MAN)
    expected = shapley_by_orders(predict, person, centre)
    assert {c.covariate: c.change for c in found.contributions} == pytest.approx(
        expected, rel=1e-10
    )
    assert found.baseline == pytest.approx(predict(**centre), rel=1e-12)
    total = math.fsum(c.change for c in found.contributions)
    assert total == pytest.approx(found.predicted - found.baseline, rel=1e-12)


SIDES = {
    "kind": "groups",
    "groups": [
        {"dominance": "dominant", "mean": 50, "sd": 8, "n": 20},
        {"dominance": "non-dominant", "mean": 70, "sd": 8, "n": 20},
    ],
}


@pytest.mark.parametrize(
    ("hand", "side", "mean"),
    [
        ("left", "left", 50),
        ("right", "right", 50),
        ("left", "right", 70),
        ("right", "left", 70),
        (" LEFT", "Left ", 50),
        ("left", "", None),
        (None, "left", None),
    ],
)
def test_the_dominant_side_is_that_of_the_hand(hand, side, mean):
    reference = made(SIDES)
    row = {"muscle": "Tongue", "value": 60.0, "handedness": hand, "side": side}
    (told,) = z_scores(reference, pd.DataFrame([row])).to_dict("records")
    if mean is None:
        with pytest.raises(ReferenceSetError) as refused:
            look_up(reference, "Tongue", 60, Subject(handedness=hand), side=side)
        assert told["problem"] == str(refused.value)
        return
    found = look_up(reference, "Tongue", 60, Subject(handedness=hand), side=side)
    assert found.predicted == told["predicted"] == mean


def limit(low, high):
    return {"warn": [low, high], "refuse": [low - 5, high + 5], "basis": "sample"}


def test_limits_of_a_model_stand_in_place_of_those_of_the_set():
    plain = KINDS["groups"][1]
    own = plain | {"muscle": "Soleus", "limits": {"age_years": limit(30, 35)}}
    reference = made(plain, own, limits={"age_years": limit(20, 85)})
    rows = [{"muscle": m, "value": 50.0, "age_years": 38.0} for m in reference.muscles]
    table = z_scores(reference, pd.DataFrame(rows))
    assert ["extrapolated" in said for said in table["warning"]] == [False, True]
    caveats = [
        look_up(reference, m, 50, Subject(38)).warnings for m in ("Tongue", "Soleus")
    ]
    assert [any("30–35" in said for said in told) for told in caveats] == [False, True]
    # The other way round: what the set refuses, the model may allow.
    wide = made(
        own | {"limits": {"age_years": limit(20, 85)}},
        limits={"age_years": limit(30, 35)},
    )
    assert math.isfinite(look_up(wide, "Soleus", 50, Subject(60)).z)


def test_a_variance_below_0_gives_no_z_score():
    # As far as the digits of a printed table allow, this is a covariance.
    correlation = -(1 + 5e-5)
    model = {
        "kind": "linear",
        "formula": "1 + age_years",
        "coefficients": [50, 0.1],
        "covariance": [[1e6, correlation * 1e3], [correlation * 1e3, 1.0]],
        "residual_variance": 1e4,
        "degrees_of_freedom": 58,
    }
    reference = made(model)
    # 1e6 (1 - 2 (1 + 5e-5) t + t²) at t = age / 1000 is below 0 nowhere near a person.
    assert math.isfinite(look_up(reference, "Tongue", 60, Subject(40)).z)
    steep = model | {
        "covariance": [[1e6, correlation * 1e4], [correlation * 1e4, 100.0]],
        "residual_variance": 1000.0,
    }
    # At 100 years the two parts cancel: 1e6 (2 - 2 (1 + 5e-5)) = -100.
    with pytest.raises(ReferenceSetError, match="no finite numbers"):
        look_up(made(steep), "Tongue", 60, Subject(100))


# Cells of tables


BASE = {
    "muscle": "Biceps brachii",
    "value": 80.0,
    "age_years": 40.0,
    "sex": "male",
    "height_cm": 180.0,
    "weight_kg": 80.0,
    "side": "left",
}


def test_an_impossible_height_is_told_and_warns_of_nothing_else(radboud):
    table = pd.DataFrame([BASE | {"height_cm": h} for h in (0.0, math.inf, 180.0)])
    found = z_scores(radboud, table)
    assert [bool(said) for said in found["problem"]] == [True, True, False]
    assert "Height 0 cm" in found["problem"][0]


@pytest.mark.parametrize("cell", [True, np.True_, 80 + 0j, "8_0", "８０", "80,5", b"x"])
def test_what_is_no_measurement_has_no_z_score(radboud, cell):
    table = pd.DataFrame([BASE, BASE | {"value": cell}], dtype=object)
    found = z_scores(radboud, table)
    assert math.isfinite(found["z"][0])
    assert math.isnan(found["z"][1])
    assert "is not a number" in found["problem"][1]


@pytest.mark.parametrize("dtype", [bool, "boolean", complex])
def test_a_column_of_no_measurements_has_no_z_scores(radboud, dtype):
    table = pd.DataFrame([BASE] * 2).assign(value=pd.array([1, 1]).astype(dtype))
    assert z_scores(radboud, table)["problem"].str.contains("not a number").all()


def test_the_kind_of_a_column_does_not_matter(radboud):
    table = pd.DataFrame([BASE] * 3)
    wanted = z_scores(radboud, table)["z"].tolist()
    read_only = table.copy()
    for name in ("value", "age_years"):
        values = read_only[name].to_numpy().copy()
        values.flags.writeable = False
        read_only[name] = pd.Series(values, copy=False)
    same = {
        "categories": table.astype("category"),
        "nullable": table.convert_dtypes(),
        "texts": table.astype(str),
        "index": table.set_axis([7, 7, 7]),
        "rows told twice": table.set_index(["muscle", "side"], drop=False),
        "read only": read_only,
    }
    for name, one in same.items():
        before = one.copy(deep=True)
        assert z_scores(radboud, one)["z"].tolist() == wanted, name
        pd.testing.assert_frame_equal(one, before)
    assert z_scores(radboud, table.astype(object).iloc[:0]).empty


@pytest.mark.parametrize("text", ["6_0", "６０", "60,5", "inf", "True", "0x3C"])
def test_an_examination_does_not_read_what_is_no_number(radboud, text):
    table = pd.DataFrame(
        {"subject": "P1", "muscle": "Soleus", "side": ["left", "right"]}
    ).assign(value=[60, text])
    found = examine(radboud, table, MAN)
    assert [bool(m.problem) for m in found.muscles] == [False, True]


@pytest.mark.parametrize("name", ["value", "muscle", "age_years", "note"])
def test_a_column_told_twice_is_refused(radboud, name):
    table = pd.DataFrame([BASE | {"subject": "P1", "note": ""}])
    twice = pd.concat([table, table[[name]]], axis=1)
    for use in (partial(examine, radboud), fit_reference):
        with pytest.raises(ReferenceSetError, match=f"two columns '{name}'"):
            use(twice)


@pytest.mark.parametrize("encoding", ["utf-32", "utf-32-be"])
def test_text_with_empty_bytes_is_no_table(tmp_path, encoding):
    path = tmp_path / "table.csv"
    path.write_bytes("code;EI\nS1;61\n".encode(encoding))
    with pytest.raises(ResultsError, match="no text"):
        read_spreadsheet(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "table.csv")
    said = []

    def read():
        try:
            read_spreadsheet(tmp_path / "table.csv")
        except ResultsError as refused:
            said.append(str(refused))

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    thread.join(10)
    assert said == ["'table.csv' is no file; give a CSV or XLSX file."]


def test_an_edited_file_is_read_anew(tmp_path, radboud):
    path = tmp_path / "set.json"
    for name in ("first", "second"):
        write_reference(path, radboud.model_copy(update={"name": name}), overwrite=True)
        assert mus.load_reference(path).name == name


# Labels that turn a sentence round


@pytest.mark.parametrize("sign", ["\u202e", "\u200b", "\u2028", "\x7f", "\t"])
def test_a_name_holds_no_sign_that_nobody_sees(sign):
    with pytest.raises(ReferenceSetError, match="invisible"):
        made(KINDS["groups"][1] | {"muscle": f"Ton{sign}gue"})


# Fits


def controls(n=40, *, sides=1, seed=0):
    rng = np.random.default_rng(seed)
    age = rng.uniform(20, 80, n).round(1)
    table = pd.DataFrame(
        {
            "subject": [f"C{k}" for k in range(n)],
            "muscle": "Soleus",
            "side": "left",
            "value": (40 + 0.3 * age + rng.normal(0, 6, n)).round(2),
            "age_years": age,
            "sex": np.where(rng.random(n) < 0.5, "male", "female"),
            "height_cm": rng.normal(172, 9, n).round(1),
            "weight_kg": rng.normal(75, 12, n).round(1),
            "handedness": "right",
        }
    )
    if sides == 1:
        return table
    other = table["value"] + rng.normal(0, 3, n).round(2)
    return pd.concat(
        [table, table.assign(side="right", value=other)], ignore_index=True
    )


PLAIN = FitOptions(candidates=("age_years",), selection="none")


@pytest.mark.parametrize("field", ["selection", "repeated", "scale", "kind", "sd"])
@pytest.mark.parametrize("word", ["Box-Cox", "", None])
def test_an_unknown_choice_is_no_other_choice(field, word):
    options = dataclasses.replace(PLAIN, **{field: word})
    with pytest.raises(ReferenceSetError, match=f"no choice for {field}"):
        fit_reference(controls(), options=options)


@pytest.mark.parametrize(
    "spelt",
    [lambda s: s.lower(), lambda s: f"{s}.0", str.casefold],
    ids=["c", ".0", "cf"],
)
def test_two_spellings_of_a_subject_are_not_two_people(spelt):
    table = controls(sides=2)
    other = table["side"] == "right"
    table.loc[other, "subject"] = table.loc[other, "subject"].map(spelt)
    with pytest.raises(ReferenceSetError, match="look like one person"):
        fit_reference(table, options=PLAIN)


def test_numbers_and_texts_of_one_code_are_one_person():
    table = controls(sides=2)
    codes = table["subject"].str.removeprefix("C").astype(int)
    mixed = [
        c if s == "left" else f" {c}" for c, s in zip(codes, table["side"], strict=True)
    ]
    fit = fit_reference(
        table.assign(subject=pd.Series(mixed, dtype=object)), options=PLAIN
    )
    assert (fit.muscles[0].n_subjects, fit.muscles[0].n_values) == (40, 80)


def test_rows_without_measure_are_of_the_echo_intensity():
    table = controls().assign(measure=["", None, " "] + ["intensity.mean"] * 37)
    fit = fit_reference(table, options=PLAIN).muscles[0]
    assert fit.n_subjects == 40
    assert fit.model == fit_reference(controls(), options=PLAIN).muscles[0].model
    with pytest.raises(ReferenceSetError, match=r"no values of size\.thickness"):
        fit_reference(table, measure="size.thickness", options=PLAIN)


@pytest.mark.parametrize("name", ["So\tleus", "So\u202eleus", "S" * 201])
def test_a_muscle_that_no_set_can_hold_is_refused_before_it_is_fitted(name):
    with pytest.raises(ReferenceSetError, match="no name of a muscle"):
        fit_reference(controls().assign(muscle=name), options=PLAIN)


def test_the_order_of_rows_changes_nothing():
    table = controls(sides=2)
    options = FitOptions(candidates=("age_years", "sex_male"), folds=4)
    first = fit_reference(table, options=options).muscles[0]
    shuffled = table.sample(frac=1, random_state=4)
    second = fit_reference(shuffled, options=options).muscles[0]
    assert first.model == second.model
    assert first.candidates == second.candidates
    pd.testing.assert_frame_equal(first.rows, second.rows)


FACTS = {
    "name": "own",
    "title": "Own",
    "device": DeviceBinding(manufacturer="Maker", models=("A",)),
    "author": "x",
    "licence": "x",
    "date": "2026-11-23",
}


@pytest.mark.parametrize(
    "options",
    [
        PLAIN,
        dataclasses.replace(PLAIN, repeated="mean"),
        dataclasses.replace(PLAIN, scale="log", sd="residual"),
        dataclasses.replace(PLAIN, scale="box-cox", repeated="left"),
        dataclasses.replace(PLAIN, kind="lms", repeated="mean"),
        dataclasses.replace(PLAIN, kind="quantiles", repeated="right"),
    ],
    ids=["mixed", "mean", "log", "box-cox", "lms", "quantiles"],
)
def test_z_of_the_controls_is_the_same_through_the_file(tmp_path, options):
    table = controls(60, sides=2)
    fit = fit_reference(table, options=options)
    written = write_reference(tmp_path / "own.json", reference_from_fit(fit, **FACTS))
    read = mus.load_reference(tmp_path / "own.json")
    assert read == written
    rows = fit.muscles[0].rows.assign(muscle="Soleus")
    rows = rows.drop(columns=["z"])
    found = z_scores(read, rows)["z"].to_numpy()
    np.testing.assert_array_equal(found, fit.muscles[0].rows["z"].to_numpy())
    assert np.isfinite(found).mean() > 0.8


def test_a_unit_that_no_set_can_hold_is_refused(one_sentence):
    for unit in ("m\tm", "m\u202em", "m" * 201, "m\u200bm"):
        with pytest.raises(ReferenceSetError, match=r"The unit .* of Soleus") as said:
            fit_reference(controls().assign(unit=unit), options=PLAIN)
        assert one_sentence(str(said.value))
    longest = fit_reference(controls().assign(unit="m" * 200), options=PLAIN)
    assert longest.muscles[0].model.unit == "m" * 200


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"kind": "lms", "formula": "1 + age_years"}, "have no formula; leave"),
        ({"kind": "lms", "sd": "residual"}, "kind lms has no residual SD"),
        ({"kind": "quantiles", "sd": "residual"}, "kind quantiles has no residual"),
        ({"folds": 5.0}, "'5.0' is no choice for folds; give a whole"),
        ({"folds": True}, "'True' is no choice for folds"),
        ({"seed": 0.5}, "'0.5' is no choice for seed"),
        ({"seed": -1}, "seed -1 is below 0"),
        ({"max_power": 2.0}, "'2.0' is no choice for max_power"),
    ],
    ids=str,
)
def test_an_option_that_would_not_be_used_is_refused(one_sentence, changes, match):
    options = dataclasses.replace(PLAIN, **changes)
    with pytest.raises(ReferenceSetError, match=match) as said:
        fit_reference(controls(), options=options)
    assert one_sentence(str(said.value))


def test_a_length_below_0_is_refused_and_a_difference_is_not():
    table = controls()
    table.loc[3, "value"] = -1.5
    told = {"measure": "size.thickness", "options": PLAIN}
    with pytest.raises(ReferenceSetError, match=r"-1\.5 mm, and no length"):
        fit_reference(table.assign(unit="mm", measure="size.thickness"), **told)
    other = table.assign(unit="skew", measure="size.thickness")
    assert fit_reference(other, **told).muscles[0].n_subjects == 40


# Who was in the sample


def only(table, **changes):
    fit = fit_reference(table, options=dataclasses.replace(PLAIN, **changes))
    return reference_from_fit(fit, **FACTS)


def people_of(sexes):
    table = controls(60)
    return table.assign(sex=np.resize(np.array(sexes, dtype=object), len(table)))


@pytest.mark.parametrize(
    ("sexes", "told", "kind"),
    [
        (["female"], ("female",), "linear"),
        (["male"], ("male",), "linear"),
        (["female"], ("female",), "quantiles"),
        (["female"], ("female",), "lms"),
        (["female", "male"], (), "linear"),
        (["female", "female", ""], (), "linear"),
    ],
    ids=["women", "men", "quantiles", "lms", "both", "not-all-told"],
)
def test_a_sample_of_one_sex_warns_of_the_other(tmp_path, sexes, told, kind):
    reference = only(people_of(sexes), kind=kind, repeated="mean")
    write_reference(tmp_path / "own.json", reference)
    reference = mus.load_reference(tmp_path / "own.json")
    assert reference.models[0].sexes == told
    for sex in ("male", "female", None):
        person = dataclasses.replace(MAN, sex=sex)
        said = look_up(reference, "Soleus", 60, person).warnings
        row = BASE | {"muscle": "Soleus", "value": 60, "unit": "", "sex": sex}
        row |= {"age_years": 40, "height_cm": 180, "weight_kg": 80}
        (together,) = z_scores(reference, pd.DataFrame([row]))["warning"]
        assert together == " ".join(said)
        if not told or sex in told:
            assert not [one for one in said if "women" in one or " men" in one]
        elif sex is None:
            assert "The sex is not known" in together
        else:
            who = {"male": "men", "female": "women"}[told[0]]
            assert f"of the sample of Soleus are {who}; the prediction is" in together


@pytest.mark.parametrize(
    ("sexes", "women", "men", "warned"),
    [
        ([], 30, 0, ["male", None]),
        ([], 0, 30, ["female", None]),
        ([], 30, 1, []),
        ([], None, 0, []),
        (["female"], 30, 30, ["male", None]),
        (["male", "female"], 30, 0, []),
    ],
    ids=["women", "men", "one-man", "not-told", "the-model's", "the-model-first"],
)
def test_the_people_of_the_set_tell_what_the_model_does_not(sexes, women, men, warned):
    people = {"description": "x", "women": women, "men": men}
    reference = made(ONE_MEAN | {"sexes": sexes}, population=people)
    found = []
    for sex in ("male", "female", None):
        person = dataclasses.replace(MAN, sex=sex)
        said = look_up(reference, "Tongue", 60, person, device=MAKER_A).warnings
        found += [sex] if said else []
    assert found == warned


MAKER_A = Device(manufacturer="Maker", model="A")
ONE_MEAN = {
    "kind": "linear",
    "formula": "1",
    "coefficients": [60.0],
    "covariance": [[0.5]],
    "residual_variance": 49.0,
    "degrees_of_freedom": 50,
}


def test_a_model_of_one_mean_needs_no_covariates():
    model = made(ONE_MEAN).models[0]
    found = model.evaluate({}, np.array([53.0, 60.0, 74.0]))
    scale = math.sqrt(49.5)
    np.testing.assert_allclose(found.z, np.array([-7, 0, 14]) / scale, rtol=1e-14)
    np.testing.assert_allclose(model.value_at({}, np.array([50.0])), [60.0])
    assert [part.shape for part in model.predict({}, rows=3)] == [(3,), (3,)]


def test_a_body_mass_index_beyond_the_sample_is_told_and_then_refused(tmp_path):
    rng = np.random.default_rng(4)
    height = rng.uniform(160, 190, 60).round()
    bmi = np.linspace(20, 30, 60)
    table = controls(60).assign(height_cm=height, weight_kg=bmi * (height / 100) ** 2)
    for kind in ("linear", "quantiles"):
        reference = only(table, kind=kind, candidates=("bmi",), repeated="mean")
        limit = reference.models[0].limits["bmi"]
        np.testing.assert_allclose(limit.warn, (20, 30), rtol=1e-12)
        np.testing.assert_allclose(limit.refuse, (19, 31), rtol=1e-12)
        # Each of the sample is inside, whatever the rounding.
        rows = table.assign(muscle="Soleus").drop(columns="measure", errors="ignore")
        assert not z_scores(reference, rows)["warning"].str.contains("mass").any()
        for index, words in ((25, ""), (30.5, "30.5 kg/m² is outside 20–30"), (32, "")):
            person = Subject(40, "male", 175, index * 1.75**2)
            row = {"muscle": "Soleus", "value": 60, "sex": "male", "age_years": 40}
            row |= {"height_cm": 175, "weight_kg": person.weight_kg}
            (together,) = z_scores(reference, pd.DataFrame([row])).to_dict("records")
            if index == 32:
                with pytest.raises(ReferenceSetError, match="Body-mass index 32 kg/m²"):
                    look_up(reference, "Soleus", 60, person)
                assert "Body-mass index 32 kg/m²" in together["problem"]
                continue
            said = " ".join(look_up(reference, "Soleus", 60, person).warnings)
            assert together["warning"] == said
            assert words in said
            assert bool(words) is ("Body-mass" in said)


# A set that is shared


CHANGES = {
    "clear": lambda part: part.clear(),
    "set": lambda part: part.__setitem__("age_years", 0),
    "del": lambda part: part.__delitem__("age_years"),
    "or": lambda part: part.__ior__({"age_years": 0}),
    "pop": lambda part: part.pop("age_years"),
    "popitem": lambda part: part.popitem(),
    "default": lambda part: part.setdefault("bmi", 0),
    "update": lambda part: part.update(age_years=0),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_loaded_set_cannot_be_changed(radboud, change):
    before = look_up(radboud, "Soleus", 80, MAN)
    model = radboud.model_for("Soleus")
    parts = [radboud.limits, model.limits, model.centre, *model.terms]
    for part in parts:
        with pytest.raises(TypeError, match="cannot be changed"):
            change(part)
    assert look_up(mus.load_reference(SET), "Soleus", 80, MAN) == before


def test_a_set_that_cannot_be_changed_is_copied_and_written(radboud, tmp_path):
    other = radboud.model_copy(update={"limits": {}})
    assert other.limits == {} != radboud.limits
    deep = radboud.model_copy(deep=True)
    assert deep == radboud
    assert deep.limits is not radboud.limits
    with pytest.raises(TypeError, match="cannot be changed"):
        deep.limits.clear()
    assert pickle.loads(pickle.dumps(radboud)) == radboud
    assert type(radboud).model_validate(radboud.model_dump()) == radboud
    written = write_reference(tmp_path / "copy.json", radboud)
    assert written.model_copy(update={"checksum": radboud.checksum}) == radboud


# Visits


def test_visits_that_cannot_be_of_one_person_are_told(radboud):
    def told(first, second):
        people = {"1": first, "2": second}
        table = visits(("Soleus",) * 2, [60.0, 75.0])
        return follow_up(radboud, table, people, sem=2.0).warnings

    assert told(MAN, dataclasses.replace(MAN, age_years=41)) == ()
    assert told(MAN, Subject(40, None, 180, 80)) == ()
    (said,) = told(MAN, dataclasses.replace(MAN, sex="female"))
    assert said.startswith("The sex is not the same at all visits")
    (said,) = told(MAN, dataclasses.replace(MAN, handedness="left"))
    assert said.startswith("The handedness is not the same")
    (said,) = told(MAN, dataclasses.replace(MAN, age_years=39.9))
    assert said.startswith("The age falls from one visit to a later one")


def visits(names, values, **more):
    return pd.DataFrame(
        {"subject": "P1", "visit": ["1", "2"], "muscle": names, "side": "left"}
    ).assign(value=values, **more)


@pytest.mark.parametrize(
    "names",
    [("Biceps brachii", "biceps brachii"), ("Biceps", "Biceps brachii")],
    ids=["case", "alias"],
)
def test_a_muscle_under_another_name_is_followed_up(radboud, names):
    found = follow_up(radboud, visits(names, [60.0, 75.0]), MAN, sem=2.0)
    (course,) = found.courses
    assert course.muscle == names[0]
    assert course.visits[1].first.difference == 15
    assert course.visits[1].first.changed


def test_two_names_at_one_visit_are_no_two_values_of_it(radboud):
    table = pd.concat(
        [
            visits(("Biceps", "Biceps"), [60.0, 75.0]),
            visits(("Biceps brachii",) * 2, [60.0, 75.0]).iloc[1:],
        ]
    )
    found = follow_up(radboud, table, MAN, sem=2.0)
    for course in found.courses:
        assert len({v.visit for v in course.visits}) == len(course.visits)
        assert all(v.first is None for v in course.visits)


def test_long_names_of_visits_are_not_all_told(radboud):
    table = visits(("Soleus",) * 2, [60.0, 75.0]).assign(visit=["9" * 500, "8" * 500])
    with pytest.raises(ReferenceSetError, match="holds 2 visits") as refused:
        examine(radboud, table, MAN)
    assert len(str(refused.value)) < 200


def test_an_error_in_percent_has_no_sign():
    assert sem_from_cv(5).of_mean(-20.0, 1) == 1.0
    assert Sem(6.0, "x", of="image", divide=True).of_mean(50.0, 4) == 3.0


@pytest.mark.parametrize("values", [(60, 70), (70, 60)], ids=["more", "less"])
def test_two_names_of_a_model_with_other_values_both_count(radboud, values):
    table = pd.DataFrame(
        {"subject": "P1", "muscle": ["Biceps femoris", "Hamstrings"], "side": "left"}
    ).assign(value=values)
    found = examine(radboud, table, MAN)
    assert [m.counted for m in found.muscles] == [True, True]
    again = examine(radboud, table.assign(value=60), MAN)
    assert [m.counted for m in again.muscles] == [True, False]


# Other scanners


def test_an_image_that_may_be_of_either_setting_is_carried_over(radboud):
    source = radboud.device.model_copy(update={"transducers": ("old",)})
    target = radboud.device.model_copy(update={"transducers": ("new",)})
    line = example_conversion().model_copy(update={"source": source, "target": target})
    reference = radboud.model_copy(update={"device": target})
    maker, model = target.manufacturer, target.models[0]
    use = partial(look_up, reference, "Soleus", 80, MAN, conversion=line)
    for transducer in (None, "old"):
        image = Device(manufacturer=maker, model=model, transducer=transducer)
        assert use(device=image).echo_intensity == 44
    with pytest.raises(ReferenceSetError, match="leave the conversion"):
        use(device=Device(manufacturer=maker, model=model, transducer="new"))


@pytest.mark.parametrize(
    ("ages", "told"),
    [((20, 30, 30, 60), 0), ((20, 30, 31, 60), 2), ((20, 60, 30, 40), 0)],
)
def test_ranges_that_touch_overlap(ages, told):
    codes = np.array([0, 0, 1, 1])
    column = np.array(ages, float)[:, None]
    said = no_overlap(codes, column, (Covariate("age", (), 20, 60),), ("A", "B"))
    assert len(said) == told


# Files without a header row


@pytest.mark.parametrize(
    "content",
    [
        "P1,Jane Doe,male,55,61.5\nP2,Jon Roe,female,60,70\n",
        "Jane Doe,Soleus,left,61.5\nJon Roe,Soleus,left,70\n",
        "Jane Doe,Jane Doe,61\nJon Roe,x,62\n",
        "Jane Doe,60,left\n,years,\nJon Roe,61,left\n",
        "Jane Doe,Soleus\nJon Roe,Soleus\n",
    ],
    ids=["mixed", "one-number", "twice", "second", "words"],
)
def test_a_first_row_of_values_is_not_told(tmp_path, content):
    path = tmp_path / "c.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(MuscleUSError) as said:
        harmonise_table(read_spreadsheet(path), batch="scanner", features=["value"])
    assert not re.search("Doe|Soleus|61", str(said.value))
    assert re.search("header|same name|one of its columns", str(said.value))


def test_a_word_that_looks_like_a_column_is_asked_for():
    table = pd.DataFrame({"scaner": ["A", "B"], "Jane Doe": [1, 2], "value": [1, 2]})
    with pytest.raises(MuscleUSError, match="did you mean 'scaner'") as said:
        harmonise_table(table, batch="scanner", features=["value"])
    assert "Doe" not in str(said.value)


def test_an_age_is_written_on_its_side_of_the_edge():
    below = decide({"Soleus left": 1.0}, 64.9999999)
    assert "64.9999999 years (below 65)" in below.branch
    assert "Age 65 years (65 or older)" in decide({"Soleus left": 1.0}, 65).branch
    assert "Age 64.5 years (below 65)" in decide({"Soleus left": 1.0}, 64.5).branch


@pytest.mark.parametrize("cell", [None, "", math.nan, " NaN "], ids=repr)
def test_a_blank_value_is_no_gray_level_that_was_wrong(radboud, cell):
    table = pd.DataFrame([BASE | {"muscle": "Soleus", "value": cell}], dtype=object)
    (said,) = z_scores(radboud, table)["problem"]
    assert said == "There is no value of intensity.mean; fill it in."
    with pytest.raises(ReferenceSetError, match=re.escape(said)):
        look_up(radboud, "Soleus", math.nan, MAN)


@pytest.mark.parametrize("version", [2.0, True, 1.0, "2", None], ids=repr)
def test_what_equals_a_version_is_none(version):
    document = {"format": FORMAT, "version": version}
    with pytest.raises(ReferenceSetError, match="of the format, and this program"):
        upgraded(document, what="The set")


# Conversions


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"a\n": 1}, "not valid at a: there is no such field; get"),
        ({"slope": "x\ny"}, "not valid at slope: it should be a number; get"),
        ({"source": []}, "not valid at source: it should be an object"),
        ({"source": {"models": []}}, "not valid at source, manufacturer: the field is"),
    ],
    ids=["field", "number", "object", "inside"],
)
def test_a_wrong_conversion_is_refused_in_one_sentence(
    tmp_path, one_sentence, change, match
):
    document = json.loads(example_conversion().model_dump_json()) | change
    path = tmp_path / "c.json"
    path.write_text(json.dumps(stamped(document)), encoding="utf-8")
    with pytest.raises(ReferenceSetError, match=match) as said:
        load_conversion(path)
    assert one_sentence(str(said.value))


def test_a_pipe_is_no_conversion_and_is_not_waited_for(tmp_path):
    pipe = tmp_path / "a.json"
    os.mkfifo(pipe)
    with pytest.raises(ReferenceSetError, match="not a file"):
        load_conversion(pipe)
    with pytest.raises(ResultsError, match="not the one that was used"):
        find_conversion("a.json", "0" * 64, tmp_path)
    with pytest.raises(ReferenceSetError, match="not a file"):
        load_conversion(tmp_path)


# Whatever stands in the cells


CELLS = st.one_of(
    st.none(),
    st.booleans(),
    st.floats(),
    st.integers(-(10**6), 10**6),
    st.sampled_from(["", "nan", "left", "male", "Soleus", "80", "8,5", "m", "x" * 99]),
    st.text(max_size=5),
)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.dictionaries(st.sampled_from(sorted(BASE)), CELLS), min_size=1, max_size=4
    )
)
def test_any_cells_give_a_number_or_a_sentence(rows):
    reference = mus.load_reference(SET)
    table = pd.DataFrame([BASE | row for row in rows], dtype=object)
    before = table.copy(deep=True)
    found = z_scores(reference, table)
    pd.testing.assert_frame_equal(table, before)
    good = found["problem"] == ""
    assert np.isfinite(found.loc[good, list(NUMBERS)].to_numpy(float)).all()
    assert found.loc[~good, list(NUMBERS)].isna().to_numpy().all()
    # One row never spoils another.
    for k in range(len(table)):
        alone = z_scores(reference, table.iloc[[k]])
        assert alone["problem"].item() == found["problem"][k]
        np.testing.assert_array_equal(alone["z"].to_numpy(), found["z"].to_numpy()[[k]])


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.dictionaries(st.sampled_from(sorted(BASE)), CELLS), min_size=1, max_size=4
    )
)
def test_any_cells_are_examined_or_refused(rows):
    table = pd.DataFrame([BASE | row for row in rows], dtype=object).assign(subject="P")
    try:
        found = examine(mus.load_reference(SET), table, MAN)
    except MuscleUSError:
        return
    assert all(bool(m.problem) is (m.score is None) for m in found.muscles)


# A set without limits never extrapolates in silence


def without_limits(**changes):
    """Return a set of one linear model by age that states no limits."""
    content = {
        "format": "napari-muscle-us reference set",
        "version": 2,
        "name": "open-ended",
        "title": "Open ended",
        "citation": "None",
        "source_remark": "Made up",
        "licence": "None",
        "author": "None",
        "date": "2026",
        "device": {"manufacturer": "Maker", "models": ["X"]},
        "population": {"description": "People"} | changes.pop("population", {}),
        "limits": {},
        "models": [
            {
                "kind": "linear",
                "muscle": "Soleus",
                "n": 30,
                "formula": "1 + age_years",
                "coefficients": [40.0, 0.2],
                "covariance": [[9.0, -0.15], [-0.15, 0.003]],
                "residual_variance": 60.0,
                "degrees_of_freedom": 28,
            }
            | changes
        ],
    }
    return ReferenceSet.model_validate(content)


def cautions(reference, age):
    score = reference.z_score(
        "Soleus", echo_intensity=50, age_years=age, device=Device("Maker", "X")
    )
    table = pd.DataFrame({"muscle": ["Soleus"], "value": [50.0], "age_years": [age]})
    many = reference.z_scores(table, device=Device("Maker", "X"))
    assert many["warning"].tolist() == [" ".join(score.warnings)]
    return score.warnings


def test_a_set_without_any_range_says_so():
    (said,) = cautions(without_limits(), 40)
    assert "states no range of age for Soleus" in said


def test_the_range_of_the_population_stands_in_for_limits():
    reference = without_limits(population={"age_years": {"low": 20, "high": 60}})
    assert cautions(reference, 40) == ()
    (said,) = cautions(reference, 70)
    assert said.startswith("Age 70 years is outside 20–60 years (the range of the pop")


def test_the_largest_leverage_of_the_sample_stands_in_for_limits():
    assert cautions(without_limits(max_leverage=0.2), 40) == ()
    (said,) = cautions(without_limits(max_leverage=0.06), 5)
    assert "few people like this one" in said
