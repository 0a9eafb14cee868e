"""Controls of a table: what is averaged, left out and said, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.fitting.controls import check_options, controls_of
from napari_muscle_us.reference.fitting.fit_types import FitOptions


def table(n=30, *, sides=("left", "right"), seed=0):
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(n):
        male = number % 2 == 0
        person = {
            "subject": f"C{number:02}",
            "visit": "1",
            "muscle": "Biceps brachii",
            "measure": "intensity.mean",
            "unit": "gray level",
            "age_years": round(rng.uniform(20, 80), 1),
            "sex": "male" if male else "female",
            "height_cm": round(rng.normal(180 if male else 167, 6), 1),
            "weight_kg": round(rng.normal(75, 9), 1),
            "handedness": "left" if number % 7 == 0 else "right",
        }
        common = rng.normal(60, 6)
        rows += [
            person | {"side": side, "value": common + rng.normal(0, 3)}
            for side in sides
        ]
    return pd.DataFrame(rows)


def controls(people, **changes):
    options = FitOptions(**changes)
    return controls_of(
        people, "biceps BRACHII ", measure="intensity.mean", options=options
    )


def test_rows_and_covariates_are_those_of_the_table():
    people = table()
    before = people.copy(deep=True)
    found = controls(people.sample(frac=1, random_state=1))
    pd.testing.assert_frame_equal(people, before)
    assert found.n_subjects == 30
    assert found.unit == "gray level"
    assert found.warnings == ()
    assert_allclose(found.values, people["value"])
    assert_array_equal(found.subjects, people["subject"])
    assert_array_equal(found.x["sex_male"], people["sex"] == "male")
    bmi = people["weight_kg"] / (people["height_cm"] / 100) ** 2
    assert_allclose(found.x["bmi"], bmi)
    other = people["side"] != people["handedness"]
    assert_array_equal(found.x["side_nondominant"], other)
    assert_allclose(
        found.centre(["age_years"])["age_years"], people["age_years"].mean()
    )


def test_text_may_be_categories_and_labels_numbers():
    people = table()
    expected = controls(people)
    people = people.astype({"sex": "category", "side": "category"})
    people["visit"] = 1
    people.index = [0] * len(people)
    found = controls(people)
    pd.testing.assert_frame_equal(found.rows, expected.rows)


def test_images_of_a_side_are_averaged():
    people = table().assign(image="1")
    again = people.iloc[:10].assign(image="2", value=lambda t: t["value"] + 4)
    found = controls(pd.concat([people, again]))
    expected = people["value"] + np.where(np.arange(60) < 10, 2, 0)
    assert_allclose(found.values, expected)
    assert found.n_subjects == 30
    assert "averaged (70 to 60 values)" in " ".join(found.warnings)


def test_first_visit_counts():
    people = table().assign(visit="2")
    later = people.iloc[:8].assign(
        visit="10", value=99.0, age_years=lambda t: t["age_years"] + 1
    )
    same_age = people.iloc[8:12].assign(visit="10", value=99.0)
    found = controls(pd.concat([later, same_age, people]))
    assert_allclose(found.values, people["value"])
    assert "6 later visits of 6 subjects" in " ".join(found.warnings)


def test_first_visit_is_by_label_where_an_age_is_missing():
    people = table().assign(visit="2")
    later = people.assign(visit="10", value=99.0)
    people["age_years"] = np.nan
    found = controls(pd.concat([later, people]), candidates=("bmi",))
    assert_allclose(found.values, table()["value"])


@pytest.mark.parametrize(
    ("repeated", "expected"),
    [
        ("mean", lambda t: t.groupby("subject")["value"].mean()),
        ("left", lambda t: t[t["side"] == "left"]["value"]),
        ("right", lambda t: t[t["side"] == "right"]["value"]),
    ],
    ids=["mean", "left", "right"],
)
def test_one_value_a_subject(repeated, expected):
    people = table()
    found = controls(people, repeated=repeated)
    assert_allclose(found.values, expected(people))
    assert len(found.rows) == found.n_subjects == 30
    assert found.averaged == (repeated == "mean")


def test_mean_of_one_side_only_is_said():
    found = controls(table().iloc[3:], repeated="mean")
    assert found.n_subjects == 29
    assert "1 subjects have one side" in " ".join(found.warnings)


def test_missing_covariates_leave_out_their_subjects_and_say_so():
    people = table()
    people.loc[people["subject"].isin(["C03", "C04"]), "height_cm"] = np.nan
    people.loc[people["subject"] == "C05", "sex"] = ""
    found = controls(people)
    assert found.n_subjects == 27
    (said,) = found.warnings
    assert "6 values" in said
    assert "(3 of 30 subjects)" in said
    assert "sex, height, height or weight is missing" in said
    without = controls(people, candidates=("age_years",))
    assert without.n_subjects == 30
    assert without.warnings == ()


def test_facts_of_a_person_may_stand_in_one_row():
    people = table()
    people.loc[people["side"] == "right", ["height_cm", "sex"]] = [np.nan, None]
    found = controls(people)
    assert found.n_subjects == 30
    assert not found.rows["sex"].isna().any()


def test_empty_values_are_left_out_and_said():
    people = table()
    people.loc[4, "value"] = np.nan
    found = controls(people)
    assert len(found.rows) == 59
    assert "1 rows of" in found.warnings[0]


def test_one_sex_is_said_where_it_is_no_candidate():
    people = table()
    women = people[people["sex"] == "female"]
    found = controls(women, candidates=("age_years",))
    assert found.warnings == (
        "All subjects of biceps BRACHII are women; the values hold for women.",
    )


def changed(**columns):
    return lambda people: people.assign(**columns)


def with_cell(row, name, value):
    def change(people):
        people = people.astype({name: object})
        people.loc[row, name] = value
        return people

    return change


@pytest.mark.parametrize(
    ("change", "options", "words"),
    [
        (lambda t: t.iloc[:18], {}, "has 9 subjects .* at least 10"),
        (
            lambda t: t.iloc[:22],
            {"formula": "1 + age_years + age_years^2 + height_cm + bmi + weight_kg + "
             "sex_male"},
            "has 11 subjects, and the formula 7 coefficients; at least 12",
        ),
        (lambda t: t.iloc[:20], {"selection": "none"}, "6 coefficients; at least 11"),
        (changed(age_years=40.0), {}, "age is 40, .* take age_years out"),
        (changed(sex="female"), {}, "values are women, .* take sex_male out"),
        (changed(height_cm=None), {}, "height_cm, bmi cannot be told .* them out"),
        (changed(value=60.0), {}, "All 60 values .* are 60 gray level"),
        (lambda t: pd.concat([t, t.iloc[:1]]), {}, "two values .* 'left'"),
        (
            lambda t: pd.concat([t.assign(image="a"), t.iloc[3:4].assign(image="a")]),
            {},
            "'right' and image 'a'; keep one",
        ),
        (with_cell(3, "age_years", 22.5), {}, "two different entries of age_years"),
        (with_cell(3, "sex", "female"), {}, None),
        (with_cell(1, "sex", "female"), {}, "two different entries of sex"),
        (with_cell(0, "value", 260.0), {}, "260 is no gray level"),
        (with_cell(0, "value", "6o"), {}, "'6o' in the column value is no number"),
        (with_cell(0, "side", "both"), {}, "side 'both' .* is none"),
        (with_cell(0, "subject", ""), {}, "1 values .* have no subject"),
        (with_cell(0, "unit", "dB"), {}, "in dB and gray level; bring them to one"),
        (changed(height_cm=1.8), {}, "looks like metres, so enter 180"),
        (changed(sex="M"), {}, "Sex 'm' is not one"),
        (with_cell(0, "value", 0.0), {"scale": "log"}, "value 0 .* above 0"),
        (with_cell(0, "value", 0.0), {"kind": "lms", "repeated": "left"}, "above 0"),
        (lambda t: t, {"kind": "lms"}, "needs one of each; choose their mean"),
        (
            lambda t: t[t["side"] == "left"],
            {"candidates": ("side_right",)},
            "values are of the left side, .* side_right out",
        ),
        (lambda t: t, {"repeated": "left", "candidates": ("bmi",)}, None),
        (lambda t: t.drop(columns="muscle"), {}, "no column muscle"),
    ],
)  # fmt: skip
def test_bad_tables_are_refused_in_a_sentence(change, options, words):
    people = change(table())
    if words is None:
        assert controls(people, **options).n_subjects == 30
        return
    with pytest.raises(ReferenceSetError, match=words) as caught:
        controls(people, **options)
    said = str(caught.value)
    assert said.endswith(".")
    assert "\n" not in said


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"candidates": ("age",)}, "'age' is not a covariate"),
        ({"candidates": ("bmi", "bmi")}, "named twice"),
        ({"max_power": 5}, "power 5 .* 1 to 4"),
        ({"folds": 1}, "1 folds"),
        ({"formula": "age_years"}, "no intercept"),
        ({"formula": "1 + exp(age_years)"}, "no term of a formula"),
        ({"formula": "1 + side_right", "repeated": "mean"}, "both sides"),
        ({"kind": "quantiles", "scale": "log"}, "as they are"),
    ],
)
def test_bad_options_are_refused_in_a_sentence(options, words):
    check_options(FitOptions())
    with pytest.raises(ReferenceSetError, match=words):
        check_options(FitOptions(**options))
