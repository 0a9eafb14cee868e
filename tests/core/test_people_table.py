"""Tables of people: columns found, words and units understood or refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import napari_muscle_us as mus
from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.people.people_columns import (
    PEOPLE_COLUMNS,
    guess_columns,
    identity_columns,
    tells_identity,
)
from napari_muscle_us.reference.people.people_table import (
    DROPPED,
    join_people,
    melt_wide,
    tidy_people,
    tidy_subjects,
)
from napari_muscle_us.results import COLUMNS


def controls(**changes):
    """Return a plain table of six values of three people; None drops a column."""
    table = {
        "subject": ["S1", "S1", "S2", "S2", "S3", "S3"],
        "muscle": ["Soleus"] * 6,
        "side": ["left", "right"] * 3,
        "EI": [60.0, 61.0, 70.0, 71.0, 65.0, 66.5],
        "age": [40, 40, 51, 51, 33, 33],
        "sex": ["male", "male", "female", "female", "male", "male"],
        "height": [180, 180, 165, 165, 175, 175],
        "weight": [80, 80, 60, 60, 72, 72],
    }
    table |= changes
    return pd.DataFrame({k: v for k, v in table.items() if v is not None})


HEADERS = {
    "english": (
        "Subject ID,Muscle,Side (L/R),Echo intensity (a.u.),Age (years),Gender,"
        "Height (cm),Weight [kg],Dominant hand"
    ),
    "camel": "subjectId,muscleName,side,meanGrayValue,ageYears,sex,heightCm,weightKg,"
    "handedness",
    "german": "Probandencode,Muskel,Seite,Echointensität,Alter (Jahre),Geschlecht,"
    "Körpergröße in cm,Gewicht (kg),Händigkeit",
    "dutch": "Proefpersoon,Spier,Zijde,Gemiddelde grijswaarde,Leeftijd (jaar),Geslacht,"
    "Lengte (cm),Gewicht (kg),Voorkeurshand",
    "french": "Sujet,Nom du muscle,Côté,Échogénicité,Âge (ans),Sexe,Taille (cm),"
    "Poids (kg),Main dominante",
    "spanish": "Paciente,Músculo,Lado,Ecogenicidad,Edad (años),Sexo,Estatura (cm),"
    "Peso (kg),Mano dominante",
}


@pytest.mark.parametrize("language", HEADERS)
def test_columns_are_found_in_five_languages(language):
    columns = HEADERS[language].split(",")
    ours = ["subject", "muscle", "side", "value", "age_years", "sex", "height_cm"]
    ours += ["weight_kg", "handedness"]
    found = guess_columns(pd.DataFrame(columns=["BMI", *columns, "Comment"]))
    assert found == dict(zip(ours, columns, strict=True))


def test_a_german_sheet_whole():
    table = pd.DataFrame(
        {
            "Code": ["P1", "P2"],
            "Nachname": ["Geheim", "Geheim"],
            "Geb.-Datum": ["1.1.1980", "2.2.1970"],
            "Muskel": ["Soleus", "Soleus"],
            "Seite": ["li", "re"],
            "Echointensität": ["61,5", "k.A."],
            "Alter": ["40", "50"],
            "Geschlecht": ["w", "m"],
            "Größe (cm)": ["165,5", "181"],
            "Händigkeit": ["Rechtshändig", "links"],
        }
    )
    tidy = tidy_people(table)
    assert tuple(tidy.columns) == PEOPLE_COLUMNS
    assert tidy.iloc[0].drop("weight_kg").to_list() == [
        *("P1", "", "Soleus", "left", "intensity.mean", 61.5, "gray level"),
        *(40.0, "female", 165.5, "right"),
    ]
    assert np.isnan(tidy["weight_kg"]).all()
    assert np.isnan(tidy["value"][1])
    assert tidy["handedness"][1] == "left"
    assert tidy.attrs[DROPPED] == ("Nachname", "Geb.-Datum")
    assert "Geheim" not in tidy.to_csv()


def test_tidy_again_changes_nothing():
    once = tidy_people(controls(visit=list("121212"), side=["left"] * 6))
    pd.testing.assert_frame_equal(tidy_people(once), once)


@given(st.permutations(range(6)), st.permutations(range(8)))
def test_order_of_rows_and_columns_does_not_matter(rows, columns):
    table = controls()
    mixed = table.iloc[rows, columns]
    found = tidy_people(mixed).sort_values(["subject", "side"], ignore_index=True)
    pd.testing.assert_frame_equal(found, tidy_people(table))


def test_input_is_not_changed():
    table = controls()
    before = table.copy(deep=True)
    tidy_people(table)
    pd.testing.assert_frame_equal(table, before)


@pytest.mark.parametrize(
    ("letters", "expected"),
    [
        ("MFMF", ["male", "female"]),
        ("mwmw", ["male", "female"]),
        ("MVMV", ["male", "female"]),
    ],
)
def test_letters_for_sexes(letters, expected):
    table = pd.DataFrame(
        {"id": list("abcd"), "EI": [1.5] * 4, "muscle": "Soleus", "sex": list(letters)}
    )
    assert tidy_people(table)["sex"].tolist() == expected * 2


@pytest.mark.parametrize(
    "letters",
    ["MMMM", "HMHM", "FFFF", "MFWM", "1212", "MVFM", "HFHF", ["m", "male"] * 2],
)
def test_letters_that_may_mean_another_sex_are_refused(letters):
    table = pd.DataFrame(
        {"id": list("abcd"), "EI": [9.0] * 4, "muscle": "Soleus", "sex": list(letters)}
    )
    with pytest.raises(ReferenceSetError, match=r"Column 'sex' .* row \d; write male"):
        tidy_people(table)


HEIGHTS = [180, 180, 165, 165, 175, 175]
UNITS = {
    "metres": (
        {"height": [1.8, 1.8, 1.65, 1.65, 1.75, 1.75]},
        r"'height' holds 1\.8 in row 1, which looks like metres; give all heights in",
    ),
    "one row in metres": (
        {"height": [180, 180, 165, 165, 1.75, 1.75]},
        r"'height' holds 1\.75 in row 5, which looks like metres",
    ),
    "metres by name": (
        {"height": None, "Height (m)": [1.8] * 6},
        r"'Height \(m\)' is in m by its name; multiply by 100",
    ),
    "inches": (
        {"height": [71, 71, 65, 65, 69, 69]},
        r"holds 71 in row 1, which looks like inches",
    ),
    "inches by name": (
        {"height": None, "height_inches": [71] * 6},
        "is in inches by its name; multiply by 2.54",
    ),
    "feet": ({"height": [5.9] * 6}, r"holds 5\.9 in row 1, which looks like feet"),
    "millimetres": ({"height": [1800] * 6}, "looks like millimetres"),
    "pounds": (
        {"weight": [176, 176, 140, 140, 160, 160]},
        r"'weight' holds 176 in row 1.*looks like pounds; give all weights in kg",
    ),
    "pounds by name": (
        {"weight": None, "Weight (lbs)": [176] * 6},
        r"'Weight \(lbs\)' is in pounds by its name; multiply by 0\.45359",
    ),
    "grams": ({"weight": [80000] * 6}, "no person weighs in kg"),
    "weight for height": ({"weight": [8] * 2 + [60] * 4}, "body-mass index of 2"),
    "months": (
        {"age": [480, 480, 612, 612, 396, 396]},
        r"'age' holds 480 in row 1, which looks like months; give all ages in years",
    ),
    "months by name": (
        {"age": None, "Age (months)": [48] * 6},
        "is in months by its name; divide by 12",
    ),
    "months of children": (
        {"age": [40, 40, 51, 51, 33, 33], "height": [98] * 6, "weight": [15] * 6},
        "below 120 cm, so ages look like months",
    ),
    "gray level": ({"EI": [60, 61, 70, 300, 1, 2]}, r"'EI' holds 300 in row 4"),
    "negative": ({"EI": [60, 61, -70, 3, 1, 2]}, r"'EI' holds -70 in row 3"),
    "shares": ({"EI": [0.2, 0.3, 0.25, 0.3, 0.2, 0.2]}, "looks like shares of 1"),
    "text": ({"EI": ["60", "about 61", "1", "2", "3", "4"]}, "'about 61' in row 2"),
    "point and comma": (
        {"EI": ["60.5", "61,5", "1", "2", "3", "4"]},
        "decimal points and commas",
    ),
    "side": ({"side": ["both"] * 6}, "'side' holds 'both' in row 1; write left"),
    "muscle blank": ({"muscle": ["Soleus", ""] * 3}, "'muscle' is blank in row 2"),
    "subject blank": ({"subject": ["S1", None] * 3}, "'subject' is blank in row 2"),
    "two ages": ({"age": [40, 41] * 3}, r"'S1' has several ages \(40, 41\)"),
    "two sexes": ({"sex": ["male", "female"] * 3}, "several sexes"),
    "two heights": ({"height": [180, 181] * 3}, r"several heights \(180, 181\)"),
    "twice": (
        {"side": ["left"] * 6},
        r"Duplicate subject: 'S1' has 2 values of Soleus left \(rows 1 and 2\)",
    ),
    "two columns": ({"Alter": [40] * 6}, "may both be age_years|'age' and 'Alter'"),
    "no subject": ({"subject": None}, "No column of the table holds subject codes"),
    "no value": ({"EI": None}, "No column of the table holds values"),
    "measure": ({"parameter": ["hardness"] * 6}, "Measure 'hardness' in row 1"),
}


@pytest.mark.parametrize("case", UNITS)
def test_what_is_mixed_up_is_refused_in_one_sentence(case, one_sentence):
    changes, match = UNITS[case]
    if case == "two columns":
        changes = {"age": None, "Age": [40] * 6, "age (years)": [40] * 6}
        match = "'Age' and 'age \\(years\\)' may both be age_years"
    with pytest.raises(ReferenceSetError, match=match) as error:
        tidy_people(controls(**changes))
    assert one_sentence(str(error.value))


def test_rows_are_numbered_as_in_the_file():
    table = controls(height=[180, 180, 165, 165, 1.75, 1.75])
    table.index = pd.Index(range(2, 8), name="row")
    with pytest.raises(ReferenceSetError, match=r"holds 1\.75 in row 6"):
        tidy_people(table)


def test_small_and_heavy_people_are_possible():
    child = controls(
        age=[0.5] * 6, height=[66] * 6, weight=[7.5] * 6, sex=None, subject=["S1"] * 6,
        muscle=["Soleus", "Soleus", "Deltoideus", "Deltoideus", "Tongue", "Tongue"],
    )  # fmt: skip
    assert tidy_people(child)["height_cm"].tolist() == [66.0] * 6
    heavy = controls(weight=[140, 140, 60, 60, 72, 72])
    assert tidy_people(heavy)["weight_kg"][0] == 140


def test_facts_of_a_person_told_once_hold_for_all_rows():
    table = controls(
        age=[40, None, 51, None, 33, None], sex=["male", "", None, "female", "male", ""]
    )
    tidy = tidy_people(table)
    assert tidy["age_years"].tolist() == [40, 40, 51, 51, 33, 33]
    assert tidy["sex"].tolist() == ["male"] * 2 + ["female"] * 2 + ["male"] * 2


def test_visits_and_images_tell_values_apart():
    table = controls(side=["left"] * 6, visit=["1", "2"] * 3, age=[40, 41] * 3)
    assert tidy_people(table)["age_years"].tolist() == [40, 41] * 3
    repeats = tidy_people(controls(side=["left"] * 6, repeat=[1, 2] * 3))
    assert tuple(repeats.columns) == (*PEOPLE_COLUMNS, "image")
    assert repeats["image"].tolist() == ["1", "2"] * 3
    with pytest.raises(ReferenceSetError, match="Duplicate subject"):
        tidy_people(controls(side=["left"] * 6, repeat=[1, 1] * 3))


def test_columns_given_by_the_user():
    table = controls(EI=None, A=[60.0] * 6, B=[70.0] * 6)
    assert tidy_people(table, columns={"value": "B"})["value"].tolist() == [70.0] * 6
    for columns, match in (
        ({"value": "C"}, "no column 'C'"),
        ({"valeu": "A"}, "no column of ours"),
        ({"subject": "Name", "value": "A"}, "tells who a person is"),
    ):
        with pytest.raises(ReferenceSetError, match=match):
            tidy_people(table.assign(Name="x"), columns=columns)


IDENTITY = (
    "Name;SURNAME;First name;patient_name;Nachname;achternaam;Prénom;DOB;"
    "Date of Birth;Geburtsdatum;geboortedatum;fecha de nacimiento;FirstName;"
    "date de naissance;MRN;BSN;E-mail;phone;initials"
)


@pytest.mark.parametrize(
    "column",
    IDENTITY.split(";"),
)
def test_columns_that_tell_who_a_person_is(column):
    assert tells_identity(column)
    assert identity_columns(pd.DataFrame(columns=["code", column])) == (column,)
    assert guess_columns(pd.DataFrame(columns=[column])) == {}


@pytest.mark.parametrize("column", ["Muscle name", "subject", "Patient ID", "age", "n"])
def test_columns_that_do_not(column):
    assert not tells_identity(column)


WIDE = {
    "id": ["S1", "S2"],
    "age": [40, 50],
    "Biceps brachii left": ["60,5", "70"],
    "Biceps brachii R": ["61", ""],
    "EI m. soleus (links)": ["50", "52"],
}


def test_a_column_for_each_muscle():
    tidy = tidy_people(pd.DataFrame(WIDE))
    found = tidy[["subject", "muscle", "side", "value", "age_years"]]
    assert found.to_numpy().tolist() == [
        ["S1", "Biceps brachii", "left", 60.5, 40.0],
        ["S1", "Biceps brachii", "right", 61.0, 40.0],
        ["S1", "Soleus", "left", 50.0, 40.0],
        ["S2", "Biceps brachii", "left", 70.0, 50.0],
        ["S2", "Soleus", "left", 52.0, 50.0],
    ]
    twice = pd.DataFrame({"id": ["a"], "Soleus L": [1], "Soleus left": [2]})
    with pytest.raises(ReferenceSetError, match="Two columns are named after Soleus"):
        melt_wide(twice)
    with pytest.raises(ReferenceSetError, match="No column is named after a muscle"):
        melt_wide(twice[["id"]])


def results(**changes):
    row = dict.fromkeys(COLUMNS, "") | {
        "subject": "S1",
        "muscle": "Soleus",
        "side": "left",
        "measure": "intensity.mean",
        "value": 61.5,
        "unit": "gray level",
        "frame": 0,
        "image": "Geheim.dcm",
        "image_sha256": "ab",
        "roi": "1",
    }
    rows = [row, row | {"measure": "intensity.sd", "value": 9.0}, row | changes]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def test_a_results_table():
    tidy = tidy_people(results(side="right", value=63.0))
    assert tuple(tidy.columns) == PEOPLE_COLUMNS
    assert tidy["value"].tolist() == [61.5, 63.0]
    assert tidy["side"].tolist() == ["left", "right"]
    sds = tidy_people(results(side="right"), measure="intensity.sd")
    assert sds["value"].tolist() == [9.0]
    repeats = tidy_people(results(image_sha256="cd", value=63.0))
    assert repeats["image"].tolist() == ["1", "2"]
    assert "Geheim" not in repeats.to_csv()
    with pytest.raises(ReferenceSetError, match="Duplicate subject"):
        tidy_people(results(value=63.0))
    with pytest.raises(ReferenceSetError, match=r"no rows of intensity\.max"):
        tidy_people(results(), measure="intensity.max")
    with pytest.raises(ReferenceSetError, match="'subject' is blank in row 3"):
        tidy_people(results(subject="", side="right"))


def test_a_results_table_read_back_from_its_file(tmp_path):
    from napari_muscle_us.io.spreadsheet import read_spreadsheet
    from napari_muscle_us.io.tables import write_results
    from napari_muscle_us.results import results_frame

    rows = results(side="right", value=63.0).assign(subject="-S1")
    write_results(tmp_path / "r.csv", results_frame(rows.to_dict("records")))
    read = tidy_people(mus.read_results(tmp_path / "r.csv"))
    pd.testing.assert_frame_equal(
        tidy_people(read_spreadsheet(tmp_path / "r.csv")), read
    )
    assert set(read["subject"]) == {"-S1"}


PEOPLE = {"code": ["S1", "S2"], "Age": [40, 50], "Sex": ["male", "female"]}


def test_people_joined():
    values = tidy_people(results(side="right"))
    joined = join_people(values, pd.DataFrame(PEOPLE | {"Surname": ["x", "y"]}))
    assert joined["age_years"].tolist() == [40.0, 40.0]
    assert joined["sex"].tolist() == ["male", "male"]
    assert joined["value"].tolist() == values["value"].tolist()
    assert joined.attrs[DROPPED] == ("Surname",)
    assert np.isnan(values["age_years"]).all()


def test_people_joined_by_visit():
    people = pd.DataFrame(
        {"code": ["S1", "S1"], "visit": ["1", "2"], "weight": [80.0, 70.0]}
    )
    values = tidy_people(results(visit="2").assign(visit=["1", "1", "2"]))
    assert join_people(values, people)["weight_kg"].tolist() == [80.0, 70.0]
    with pytest.raises(ReferenceSetError, match="'S1' has no visit '3'"):
        join_people(values.assign(visit="3"), people)
    with pytest.raises(ReferenceSetError, match="several rows in the table of people"):
        join_people(tidy_people(results(side="right")), people)


def test_people_that_do_not_fit():
    values = tidy_people(results(side="right"))
    for people, match in (
        ({"code": ["S9"], "age": [40]}, "'S1' is not in the table of people; add"),
        ({"code": ["s1"], "age": [40]}, "it has 's1', so write both alike"),
        ({"code": ["S1", "S1"], "age": [40, 41]}, r"several ages \(40, 41\)"),
    ):
        with pytest.raises(ReferenceSetError, match=match):
            join_people(values, pd.DataFrame(people))
    known = join_people(values, pd.DataFrame(PEOPLE))
    other = pd.DataFrame(PEOPLE | {"Age": [41, 50]})
    with pytest.raises(ReferenceSetError, match=r"several ages \(40.0 with the values"):
        join_people(known, other)


def test_exact_duplicates_of_people_are_one():
    people = pd.DataFrame({k: [*v, v[0]] for k, v in PEOPLE.items()})
    assert tidy_subjects(people)["subject"].tolist() == ["S1", "S2"]


def test_an_empty_table():
    with pytest.raises(ReferenceSetError, match="no rows"):
        tidy_people(pd.DataFrame(columns=["subject", "EI"]))
