"""Reference sets made of MATLAB's models, of means and SDs, and of LMS tables."""

from __future__ import annotations

import json

import pytest

import napari_muscle_us as mus
from napari_muscle_us.errors import MuscleUSError
from napari_muscle_us.reference.checksum import checksum_of
from napari_muscle_us.reference.importers import import_reference
from napari_muscle_us.reference.write import write_reference

FACTS = {
    "name": "ours",
    "title": "Title",
    "citation": "Citation",
    "licence": "CC0",
    "author": "Author",
    "date": "2026-11-23",
    "device": {"manufacturer": "Esaote", "models": ["6100"]},
    "population": {"description": "healthy", "n": 40},
    "limits": {},
}
RADBOUD = "oracles/radboud_esaote6100_ei_models_full.json"


@pytest.fixture
def write(tmp_path):
    def write_file(content, name="table.csv"):
        path = tmp_path / name
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding="utf-8")
        return path

    return write_file


def test_radboud_is_the_built_in_set_digit_for_digit(shared):
    built_in = mus.load_reference("radboud-esaote-6100-adult")
    aliases = {m.muscle: list(m.aliases) for m in built_in.models if m.aliases}
    found = import_reference(
        shared(RADBOUD), kind="radboud-json", **FACTS, aliases=aliases
    )
    assert found.models == built_in.models
    head = built_in.model_dump(include={"device", "population", "limits"})
    same = import_reference(
        shared(RADBOUD), kind="radboud-json", **(FACTS | head), aliases=aliases
    )
    score = same.z_score(
        "Rectus femoris", echo_intensity=100, age_years=40, height_cm=180
    )
    assert score.z == pytest.approx(4.338313, abs=1e-6)


def matlab(**changes):
    return {
        "Muscle": "Soleus",
        "CoefficientNames": ["(Intercept)", "Age", "Dominance_Non-dominant"],
        "Coefficients": [50.0, 0.25, -1.5],
        "MSE": 49.0,
        "RMSE": 7.0,
        "DFE": 57,
        "CoeffCov": [[4.0, 0.0, 0.0], [0.0, 0.01, 0.0], [0.0, 0.0, 0.5]],
    } | changes


def test_dominance_is_supported(write):
    found = import_reference(write([matlab()]), kind="radboud-json", **FACTS)
    model = found.models[0]
    assert model.formula == "1 + age_years + side_nondominant"
    assert model.n == 60
    numbers = {"echo_intensity": 65.0, "age_years": 40, "handedness": "right"}
    left = found.z_score("Soleus", side="left", **numbers)
    right = found.z_score("Soleus", side="right", **numbers)
    assert left.predicted == pytest.approx(58.5)
    assert left.sd == pytest.approx((49 + 4 + 16 + 0.5) ** 0.5)
    assert right.predicted == pytest.approx(60.0)


def test_matlabs_lists_of_one(write):
    only = matlab(
        CoefficientNames="(Intercept)", Coefficients=50.0, CoeffCov=4.0, DFE=59
    )
    model = import_reference(write(only), kind="radboud-json", **FACTS).models[0]
    assert (model.formula, model.n, model.covariance) == ("1", 60, ((4.0,),))


def test_powers_and_products(write):
    names = ["(Intercept)", "Age^2", "Sex_Male:Lenght"]
    entry = matlab(CoefficientNames=names)
    model = import_reference(write([entry]), kind="radboud-json", **FACTS).models[0]
    assert model.formula == "1 + age_years^2 + sex_male:height_cm"


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ([matlab(CoefficientNames=["(Intercept)", "Ege", "BMI"])], "'Ege' of Soleus"),
        ([matlab(CoefficientNames=["(Intercept)", "Age^x", "BMI"])], r"'Age\^x'"),
        ([matlab(CoefficientNames=["(Intercept)", "__import__", "BMI"])], "not known"),
        ([matlab(Coefficients=[1.0, 2.0])], "coefficients"),
        ([matlab(RMSE=7.1)], "not its square"),
        ([matlab(MSE="49")], "MSE of Soleus is no number"),
        ([matlab(DFE=57.5, RMSE=7.0)], "57.5 degrees of freedom"),
        ([matlab(Extra=1)], "holds a model without exactly"),
        ([matlab(), matlab()], "already names"),
        ([], "no list of models"),
        ("[NaN]", "NaN, which is not a number"),
        ('[], "models2": []', "no list of models"),
        ("nonsense", "not JSON"),
    ],
)
def test_wrong_files_of_models(write, one_sentence, content, match):
    with pytest.raises(MuscleUSError, match=match) as error:
        import_reference(write(content, "m.json"), kind="radboud-json", **FACTS)
    assert one_sentence(str(error.value))


MEANS = """Muscle;Sex;Age;n;Mean;SD
Soleus;men;20-39;15;60,5;8
Soleus;men;40-59;12;64;9
Soleus;women;20-39;14;66;7,5
Soleus;women;40-59;13;70;8
Tongue;all;;40;45;7
"""


def test_means_by_sex_and_age(write):
    found = import_reference(write(MEANS), kind="means", **FACTS)
    soleus, tongue = found.models
    assert (soleus.kind, soleus.n, tongue.n) == ("groups", 54, 40)
    spans = [(g.sex, g.age_years.low, g.age_years.high) for g in soleus.groups]
    assert spans[:2] == [("male", 20, 40), ("male", 40, 60)]
    assert spans[2:] == [("female", 20, 40), ("female", 40, 60)]
    assert "completed years" in soleus.remark
    score = found.z_score("Soleus", echo_intensity=76.5, age_years=39.9, sex="male")
    assert score.predicted == 60.5
    assert score.z == pytest.approx(16 / (8 * (1 + 1 / 15) ** 0.5))
    plain = import_reference(write(MEANS), kind="means", sd="plain", **FACTS)
    score = plain.z_score("Soleus", echo_intensity=76.5, age_years=39.9, sex="male")
    assert score.z == pytest.approx(2.0)
    assert tongue.groups[0].age_years is None


def test_ages_that_touch_are_taken_as_written(write):
    table = (
        "Muscle,age from,age to,n,mean,sd\nSoleus,20,40,9,60,8\nSoleus,40,60,8,62,8\n"
    )
    model = import_reference(write(table), kind="means", **FACTS).models[0]
    assert [(g.age_years.low, g.age_years.high) for g in model.groups] == [
        (20, 40),
        (40, 60),
    ]
    assert model.remark == ""


def test_both_sides_of_people_are_counted_once(write):
    table = "Muscle,side,n,mean,sd\nSoleus,left,20,60,8\nSoleus,right,19,62,8\n"
    model = import_reference(write(table), kind="means", **FACTS).models[0]
    assert model.n == 20
    assert [group.side for group in model.groups] == ["left", "right"]


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("20-39;15", ">20;15", "'>20' in row 2, which is no range of ages"),
        ("40-59;12", "35-59;12", "overlap"),
        ("60,5;8", ";8", "'Mean' is blank in row 2"),
        ("60,5;8", "605;8", "'Mean' holds 605 in row 2, which is no gray level"),
        ("60,5;8", "60,5;0", "greater than 0"),
        ("20-39;15", "20-39;1", "'n' holds 1 in row 2"),
        ("20-39;15", "20-39;1,5", "'n' holds 1.5 in row 2"),
        ("women", "x", "'Sex' holds 'x' in row 4"),
        ("Age;", "Age (months);", "in months by its name"),
        ("SD\n", "SE\n", "no column sd"),
        ("Mean;SD", "Mean;sd;SD", "Columns 6 and 7 .* same name"),
        ("Tongue", "", "Row 6 has no muscle"),
    ],
)
def test_wrong_tables_of_means(write, one_sentence, old, new, match):
    assert old in MEANS
    with pytest.raises(MuscleUSError, match=match) as error:
        import_reference(write(MEANS.replace(old, new)), kind="means", **FACTS)
    assert one_sentence(str(error.value))


LMS = """muscle,sex,age,L,M,S
Soleus,female,6,1,50,0.10
Soleus,female,10,1,60,0.20
Soleus,male,10,-0.1600954,9.476500305,0.11218624
Soleus,male,12,-0.1600954,9.476500305,0.11218624
"""


def test_an_lms_table(write):
    found = import_reference(write(LMS), kind="lms", **FACTS)
    model = found.models[0]
    assert (model.kind, model.n, model.covariate) == ("lms", 40, "age_years")
    girl = found.z_score("Soleus", echo_intensity=66, age_years=8, sex="female")
    # M = 55 and S = 0.15 half-way; (66 / 55 - 1) / 0.15.
    assert girl.z == pytest.approx(0.2 / 0.15)
    # The worked example of the CDC growth charts.
    boy = found.z_score("Soleus", echo_intensity=9.7, age_years=11, sex="male")
    assert boy.z == pytest.approx(0.207, abs=5e-4)


def test_an_lms_table_with_n_and_rows_in_any_order(write):
    lines = [f"{line},{n}" for line, n in zip(
        LMS.splitlines(), ("n", 30, 30, 25, 25), strict=True)]  # fmt: skip
    mixed = "\n".join([lines[0], lines[4], lines[2], lines[1], lines[3]])
    model = import_reference(write(mixed), kind="lms", **FACTS).models[0]
    assert model.n == 55
    assert {c.sex: c.x for c in model.curves} == {"female": (6, 10), "male": (10, 12)}


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("female,10", "female,6", "Rows 2 and 3 are for the same people at 6"),
        ("0.20", "", "'S' is blank in row 3"),
        ("1,50", "1,-50", "'M' holds -50 in row 2"),
        ("sex,age", "sex,week", "this one has 0"),
        ("age,L", "age (months),L", "in months by its name"),
        ("muscle,", "thing,", "no column muscle"),
        ("0.10", "-0.10", "greater than 0"),
    ],
)
def test_wrong_lms_tables(write, one_sentence, old, new, match):
    assert old in LMS
    with pytest.raises(MuscleUSError, match=match) as error:
        import_reference(write(LMS.replace(old, new)), kind="lms", **FACTS)
    assert one_sentence(str(error.value))


def test_lms_without_a_number_of_people(write):
    facts = FACTS | {"population": "healthy"}
    with pytest.raises(MuscleUSError, match="how many people the curves come from"):
        import_reference(write(LMS), kind="lms", **facts)


def test_what_is_missing_is_asked_for_at_once(write, one_sentence):
    with pytest.raises(MuscleUSError) as error:
        import_reference(write([matlab()]), kind="radboud-json", name="x", title=None)
    told = str(error.value)
    assert one_sentence(told)
    for word in ("title", "citation", "licence", "author", "manufacturer", "limits"):
        assert word in told
    assert "name," not in told


@pytest.mark.parametrize(
    ("facts", "match"),
    [
        ({"licens": "x"}, "did you mean licence"),
        ({"name": "Not a name"}, "name"),
        ({"aliases": {"Soleuss": ["S"]}}, "'Soleuss', which is not in the file"),
        ({"aliases": ["Soleus"]}, "no object of muscles"),
        ({"limits": {"age_years": [18, 80]}}, "limits"),
        ({"title": {1, 2}}, "no text or number|form in JSON"),
    ],
)
def test_wrong_facts(write, one_sentence, facts, match):
    with pytest.raises(MuscleUSError, match=match) as error:
        import_reference(write([matlab()]), kind="radboud-json", **(FACTS | facts))
    assert one_sentence(str(error.value))


def test_own_files_get_their_checksum(write, tmp_path):
    found = import_reference(write(MEANS), kind="means", **FACTS)
    write_reference(tmp_path / "a.json", found)
    document = json.loads((tmp_path / "a.json").read_text())
    told = document.pop("checksum")
    by_hand = write(document, "b.json")
    with pytest.raises(MuscleUSError, match="has no checksum"):
        mus.load_reference(by_hand)
    assert import_reference(by_hand, kind="own").checksum == told
    renamed = import_reference(by_hand, kind="own", title="Other")
    assert renamed.title == "Other"
    assert renamed.checksum != told
    document |= {"title": "Other", "checksum": told}
    with pytest.raises(MuscleUSError, match="remove the field 'checksum'"):
        import_reference(write(document, "c.json"), kind="own")
    assert renamed.checksum == checksum_of(document)


def test_unknown_kind(write):
    with pytest.raises(MuscleUSError, match="use radboud-json, means, lms, own"):
        import_reference(write(MEANS), kind="excel")
