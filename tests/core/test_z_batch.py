"""Z-scores of a whole table, beside one look-up a row."""

from __future__ import annotations

import csv
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import napari_muscle_us as mus
from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.batch import z_scores
from napari_muscle_us.reference.look_up import look_up
from napari_muscle_us.reference.subject import Subject

from .test_look_up import (
    ALL_MODELS,
    IMAGE,
    PERSON,
    SOURCE,
    body_model,
    conversion_to_b,
    reference_set,
)

NAME = "radboud-esaote-6100-adult"
NUMBERS = ("z", "predicted", "sd", "percentile", "low", "high")
ADDED = [*NUMBERS, "unit", "muscle_in_set", "warning", "problem"]


@pytest.fixture(scope="module")
def radboud():
    return mus.load_reference(NAME)


@pytest.fixture(scope="module")
def own():
    several = body_model() | {"muscle": "Body wide", "max_leverage": None}
    return reference_set(*ALL_MODELS, several)


def row_by_row(reference, table, **options):
    """Return what the look-up says of each row, as the batch has it."""
    found = []
    for row in table.to_dict("records"):
        told = {k: v for k, v in row.items() if not pd.isna(v) and v != ""}
        person = {k: told[k] for k in PERSON if k in told}
        try:
            score = look_up(
                reference,
                told.get("muscle", ""),
                told.get("value", math.nan),
                Subject(**person),
                measure=told.get("measure", "intensity.mean"),
                side=told.get("side", ""),
                unit=told.get("unit", ""),
                **options,
            )
        except ReferenceSetError as error:
            found.append([math.nan] * 6 + ["", str(error)])
            continue
        numbers = [score.z, score.predicted, score.sd, score.percentile]
        said = " ".join(score.warnings)
        found.append([*numbers, *score.interval, said, ""])
    return pd.DataFrame(found, columns=[*NUMBERS, "warning", "problem"])


def assert_same(found, expected):
    """Compare words exactly, and numbers to what the order of a sum may change."""
    assert found["problem"].tolist() == expected["problem"].tolist()
    assert found["warning"].tolist() == expected["warning"].tolist()
    np.testing.assert_allclose(
        found[list(NUMBERS)].to_numpy(),
        expected[list(NUMBERS)].to_numpy(),
        rtol=1e-11,
        atol=1e-11,
    )


def test_all_128_worked_examples(radboud, shared):
    path = shared("oracles/radboud_esaote6100_worked_examples.csv")
    with path.open() as file:
        rows = pd.DataFrame(list(csv.DictReader(file)))
    table = pd.DataFrame(
        {
            "muscle": rows["muscle"],
            "value": 100,
            "age_years": rows["age_y"],
            "sex": rows["sex"].map({"M": "male", "F": "female"}),
            "height_cm": rows["height_cm"],
            "weight_kg": rows["weight_kg"],
        }
    )
    found = radboud.z_scores(table)
    assert len(found) == 128
    told = ["predicted_EI", "sd_pred=sqrt(xCx+MSE)", "z_for_EI_100"]
    np.testing.assert_allclose(
        found[["predicted", "sd", "z"]], rows[told].astype(float), rtol=0, atol=1e-6
    )


NAMES = ["Body", "Body wide", "sided", " BOTH", "Mean", "Logarithm", "Men", "Curves"]
muscles = st.sampled_from([*NAMES, "Table", "Shares", "Sidet", "", None])
rows = st.fixed_dictionaries(
    {
        "subject": st.sampled_from(["a", "b"]),
        "muscle": muscles,
        "side": st.sampled_from(["left", "Right", "", None, "L"]),
        "measure": st.sampled_from(
            ["intensity.mean"] * 5 + [None, "roi.thickness", "roi.thickness", "x.y"]
        ),
        "unit": st.sampled_from(["gray level"] * 4 + ["", None, "mm", "px"]),
        "value": st.floats(5, 145) | st.sampled_from([-1.0, 0.0, 256.0, 1e6, None]),
        "age_years": st.floats(16, 104) | st.sampled_from([18.0, 480.0, None]),
        "sex": st.sampled_from(["male", "Female ", "female", None, "M"]),
        "height_cm": st.floats(115, 235) | st.sampled_from([1.8, None]),
        "weight_kg": st.floats(28, 255) | st.sampled_from([0.0, None]),
        "handedness": st.sampled_from(["left", "right", "right", None, "both"]),
    }
)
OPTIONS = {
    "unknown": {},
    "own": {"device": IMAGE},
    "settings": {"device": replace(IMAGE, depth_mm=50, preset=None)},
    "other": {"device": SOURCE},
    "accepted": {"device": SOURCE, "accept_device": True},
    "converted": {"device": SOURCE, "conversion": conversion_to_b()},
}


@pytest.mark.parametrize("name", OPTIONS)
@settings(max_examples=40, deadline=None)
@given(st.lists(rows, min_size=1, max_size=25))
def test_every_row_is_its_own_look_up(own, name, people):
    table = pd.DataFrame(people)
    for column in ("value", "age_years", "height_cm", "weight_kg"):
        table[column] = table[column].astype(float)
    found = z_scores(own, table, **OPTIONS[name])
    assert_same(found, row_by_row(own, table, **OPTIONS[name]))


@pytest.mark.parametrize("name", ["own", "converted", "unknown", "settings"])
def test_ordinary_people_row_by_row(own, name):
    """Most of these rows have a Z-score, unlike those of the search above."""
    names = ["Body", "Body wide", "Sided", "Mean", "Men", "Curves", "Shares"]
    accepted = {"accept_device": True} if name == "settings" else {}
    rng = np.random.default_rng(5)
    table = pd.DataFrame(
        {
            "muscle": rng.choice(names, 400),
            "value": rng.uniform(25, 139, 400),
            "age_years": rng.uniform(18, 95, 400),
            "sex": "male",
            "height_cm": rng.uniform(125, 220, 400),
            "weight_kg": rng.uniform(35, 200, 400),
            "handedness": rng.choice(["left", "right"], 400),
            "side": rng.choice(["left", "right"], 400),
        }
    )
    found = z_scores(own, table, **OPTIONS[name], **accepted)
    expected = row_by_row(own, table, **OPTIONS[name], **accepted)
    assert_same(found, expected)
    assert (found["problem"] == "").sum() > 250
    assert found["warning"].str.contains("few people like this one").sum() > 20


def test_the_search_finds_what_it_is_for(own):
    """The problems and caveats of the random rows above are not all one."""
    table = pd.DataFrame([PERSON | {"muscle": "Body", "value": 60.0}] * 9)
    table.loc[1, "age_years"] = 480
    table.loc[2, "age_years"] = 90
    table.loc[3, "value"] = np.nan
    table.loc[4, "muscle"] = "Plantaris"
    table.loc[5, "height_cm"] = np.nan
    table.loc[6, "weight_kg"] = 251
    table.loc[7, "sex"] = "M"
    found = z_scores(own, table, device=IMAGE)
    assert found["problem"].ne("").tolist() == [
        number in (1, 3, 4, 5, 6, 7) for number in range(9)
    ]
    assert found["z"].notna().tolist() == found["problem"].eq("").tolist()
    assert found["problem"].nunique() == 7
    assert "so enter 40" in found["problem"][1]
    assert "Age 90 years is outside" in found["warning"][2]
    alone = z_scores(own, table.loc[[0, 2, 8]], device=IMAGE)
    for row in (0, 2, 8):
        assert found.loc[row, "z"] == pytest.approx(alone.loc[row, "z"], rel=1e-13)


def test_the_table_is_kept_as_it_is(radboud):
    table = pd.DataFrame(
        {
            "note": ["x", None, "y"],
            "muscle": pd.Categorical(["Soleus", "Soleus", "Tongue"]),
            "value": [80, 90, 60],
            "sex": ["male", "female", None],
            "age_years": [40, None, 50],
        },
        index=[7, 7, 3],
    )
    before = table.copy(deep=True)
    found = radboud.z_scores(table)
    pd.testing.assert_frame_equal(table, before)
    pd.testing.assert_frame_equal(found[list(table.columns)], before)
    assert list(found.columns) == [*table.columns, *ADDED]
    assert found["z"].notna().all()
    assert found["muscle_in_set"].tolist() == ["Soleus", "Soleus", "Tongue"]
    assert found["warning"].str.contains("The age is").tolist() == [0, 1, 0]


def test_numbers_written_as_text(radboud, one_sentence):
    people = {"muscle": "Soleus", "sex": "male", "value": "80"}
    ages = ["40", " 41 ", "", "forty", None, "4e1", "12,5"]
    found = radboud.z_scores(pd.DataFrame([people | {"age_years": a} for a in ages]))
    assert found["z"].notna().tolist() == [True, True, True, False, True, True, False]
    assert found["problem"][3] == "Age 'forty' is not a number; write it as 12.5."
    assert one_sentence(found["problem"][6])


def test_a_unit_that_was_refused_stays(own):
    table = pd.DataFrame(
        [
            PERSON | {"muscle": "Table", "value": 14.0, "unit": "mm"},
            PERSON | {"muscle": "Table", "value": 140.0, "unit": "px"},
            PERSON | {"muscle": "Table", "value": 14.0, "unit": None},
        ]
    ).assign(measure="roi.thickness")
    found = z_scores(own, table, device=IMAGE)
    assert found["unit"].tolist() == ["mm", "px", "mm"]
    assert found["z"].notna().tolist() == [True, False, True]
    assert "in px, the reference values of Table in mm" in found["problem"][1]


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (pd.DataFrame({"value": [1.0]}), "no column 'muscle'"),
        (pd.DataFrame({"muscle": ["Soleus"]}), "no column 'value'"),
        (
            pd.DataFrame([["Soleus", 1, 2]], columns=["muscle", "value", "value"]),
            "has 2 columns 'value'",
        ),
        (
            pd.DataFrame({"muscle": ["Soleus"], "value": [1], "sd": [2]}),
            "already has the column 'sd'",
        ),
    ],
    ids=["muscle", "value", "twice", "taken"],
)
def test_a_table_that_cannot_be_read_is_refused(radboud, one_sentence, table, words):
    with pytest.raises(ReferenceSetError, match=words) as error:
        radboud.z_scores(table)
    assert one_sentence(str(error.value))


def test_an_empty_table_has_the_same_columns(radboud):
    table = pd.DataFrame({"muscle": [], "value": []})
    assert list(radboud.z_scores(table).columns) == ["muscle", "value", *ADDED]
