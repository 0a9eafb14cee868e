"""The commands ``reference list|show|validate|import|score``."""

from __future__ import annotations

import json
import logging
import warnings

import numpy as np
import openpyxl
import pandas as pd
import pytest

import napari_muscle_us as mus
from napari_muscle_us.cli import main
from napari_muscle_us.reference.conversion.device_conversion import example_conversion
from napari_muscle_us.reference.load import read_reference_bytes

SET = "radboud-esaote-6100-adult"
FACTS = {
    "title": "Title",
    "citation": "Citation",
    "licence": "CC0",
    "author": "Author",
    "device": {"manufacturer": "Esaote", "models": ["6100"]},
    "population": {"description": "healthy", "n": 40},
    "limits": {},
}
MEANS = "Muscle,Sex,n,Mean,SD\nSoleus,men,15,60.5,8\nSoleus,women,14,66,7.5\n"
CONTROLS = (
    "Code;Surname;Muskel;Seite;EI;Alter;Größe (cm);Gewicht (kg);Geschlecht\n"
    "=S1;Geheim;Rectus femoris;li;100;40;180;80;m\n"
    "S2;Geheim;Tibialis anterior;re;100;40;180;80;w\n"
    "S2;Geheim;Plantaris;re;80,5;40;180;80;w\n"
)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Stand in an empty folder, with a user's folder of its own."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return work


@pytest.fixture
def own_folder(tmp_path, monkeypatch):
    """Give the user's folder of reference sets, wherever the platform has it."""
    own = tmp_path / "own"
    (own / "references").mkdir(parents=True)
    monkeypatch.setattr(
        "napari_muscle_us.reference.own_sets.user_data_folder", lambda: own
    )
    return own / "references"


@pytest.fixture
def run(capfd, monkeypatch):
    """Run the command in this process; return status, output and error lines."""
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    loggers = [logging.getLogger(n) for n in ("pydicom", "tifffile")]
    levels = [logger.level for logger in loggers]

    def command(*arguments):
        capfd.readouterr()
        with pytest.raises(SystemExit) as stop:
            main(["reference", *map(str, arguments)])
        out, err = capfd.readouterr()
        return stop.value.code, out.splitlines(), err.splitlines()

    yield command
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.fixture
def means(folder):
    (folder / "means.csv").write_text(MEANS, encoding="utf-8")
    (folder / "meta.json").write_text(json.dumps(FACTS), encoding="utf-8")
    return ("import", "means.csv", "--kind", "means", "--metadata", "meta.json")


def refused(found, match):
    status, out, err = found
    assert status == 2
    assert out == []
    assert len(err) == 1
    assert err[0].startswith("Error: ")
    assert match in err[0]
    return True


def test_list_and_show_sets_of_ones_own(run, own_folder):
    content = read_reference_bytes(SET)
    (own_folder / "mine.json").write_bytes(content)
    (own_folder / "broken.json").write_text("{}", encoding="utf-8")
    status, out, err = run("list")
    assert status == 0
    assert out[0].startswith(f"{SET}: Echo intensity of adult muscle")
    assert out[1].startswith(str(own_folder / "mine.json"))
    assert "32 model(s)" in out[1]
    assert len(err) == 1
    assert err[0].startswith("Note: The reference set 'broken.json'")
    assert run("show", "mine")[1] == run("show", SET)[1]


def test_show_tells_limits_rules_and_models(run):
    status, out, err = run("show", SET)
    assert (status, err) == (0, [])
    text = "\n".join(out)
    for words in (
        "Device: Esaote 6100, MyLabTwice",
        "age: outside 18–80 years with a warning, outside 18–100 refused",
        "Biceps brachii: intensity.mean, linear, n = 159, by age_years, weight_kg",
        "refused: The set has no such muscle and measure.",
        "refused unless accepted: Manufacturer or model",
    ):
        assert words in text


def test_show_a_muscle_by_an_alias(run):
    status, out, _ = run("show", SET, "--muscle", "deltoid")
    assert status == 0
    # The coefficients of the published model.
    assert out[1] == (
        "predicted = −12.49658 − 4.41623 · sex_male − 0.09068149 · age_years − "
        "0.8520926 · weight_kg + 0.3758132 · height_cm + 2.663523 · bmi + "
        "0.005236093 · age_years^2"
    )
    assert out[2] == "residual SD 7.412943, 155 degrees of freedom"


def test_show_groups_and_curves(run, folder, means):
    run(*means, "--name", "m", "--out", "m.json")
    _, out, _ = run("show", "m.json", "--muscle", "soleus")
    assert out[1:3] == ["male: 60.5 ± 8 (n = 15)", "female: 66 ± 7.5 (n = 14)"]
    (folder / "lms.csv").write_text(
        "muscle,age,L,M,S\nSoleus,6,1,50,0.1\nSoleus,10,1,60,0.2\n", encoding="utf-8"
    )
    arguments = ("--kind", "lms", "--metadata", "meta.json", "--name", "l")
    assert run("import", "lms.csv", *arguments, "--out", "l.json")[0] == 0
    _, out, _ = run("show", "l.json", "--muscle", "soleus")
    assert out[1:5] == [
        "all: 2 points of age_years from 6 to 10",
        "  age_years  L  M  S",
        "  6  1  50  0.1",
        "  10  1  60  0.2",
    ]


def test_show_refuses(run):
    assert refused(run("show", SET, "--muscle", "bicepz"), "did you mean 'Biceps br")
    assert refused(run("show", SET, "--measure", "intensity.sd"), "add --muscle")
    assert refused(run("show", "nothing"), "There is no reference set 'nothing'")
    assert refused(
        run("show", SET, "--muscle", "Soleus", "--measure", "intensity.sd"),
        "no values of intensity.sd",
    )


def test_validate(run, folder):
    content = read_reference_bytes(SET)
    (folder / "good.json").write_bytes(content)
    status, out, err = run("validate", "good.json")
    assert (status, err) == (0, [])
    assert out == ["good.json is valid: 32 model(s) of 32 muscle(s), Esaote 6100."]
    (folder / "bad.json").write_bytes(content.replace(b"53.159", b"53.160", 1))
    assert refused(run("validate", "bad.json"), "its checksum is")
    assert refused(run("validate", "good"), "cannot be read")


def test_validate_tells_of_unknown_measures_and_missing_limits(run, folder, means):
    run(
        *("import", "means.csv", "--kind", "means", "--metadata", "meta.json"),
        *("--measure", "thickness.own", "--unit", "mm", "--name", "m"),
        *("--out", "m.json"),
    )
    status, out, err = run("validate", "m.json")
    assert status == 0
    assert len(out) == 1
    assert err == ["Note: The measure thickness.own is not measured by this version."]
    document = json.loads(read_reference_bytes(SET)) | {"limits": {}}
    document.pop("checksum")
    (folder / "own.json").write_text(json.dumps(document), encoding="utf-8")
    _, _, err = run("import", "own.json", "--kind", "own", "--out", "new.json")
    assert [line.split(",")[0] for line in err] == [
        f"Note: There are no limits of {word}" for word in ("age", "height", "weight")
    ]


def test_import_writes_a_set_that_loads(run, folder, means):
    status, out, err = run(
        *(*means, "--name", "m", "--title", "Mine", "--population", "adults"),
        *("--model", "A", "--model", "B", "--out", "m.json"),
    )
    assert (status, err) == (0, [])
    assert out == ["m.json written: 1 model(s) of 1 muscle(s), Esaote A."]
    found = mus.load_reference("m.json")
    assert found.title == "Mine"
    assert found.device.models == ("A", "B")
    assert (found.population.description, found.population.n) == ("adults", 40)
    score = found.z_score("Soleus", echo_intensity=76.5, sex="male")
    assert score.z == pytest.approx(16 / (8 * (1 + 1 / 15) ** 0.5))


@pytest.mark.parametrize(
    ("extra", "match"),
    [
        (("--out", "new.json"), "needs name;"),
        (("--name", "m", "--out", "means.csv"), "is the input itself"),
        (("--name", "m", "--out", "new.txt"), "does not end in .json"),
        (("--name", "m", "--out", "none/new.json"), "cannot be written"),
        (("--name", "m", "--sheet", "x", "--out", "new.json"), "without sheets"),
        (("--name", "m", "--sd", "wrong", "--out", "new.json"), "sd"),
    ],
    ids=["name", "input", "suffix", "folder", "sheet", "sd"],
)
def test_import_refused_writes_nothing(run, folder, means, extra, match):
    before = sorted(folder.iterdir())
    assert refused(run(*means, *extra), match)
    assert sorted(folder.iterdir()) == before
    assert (folder / "means.csv").read_text(encoding="utf-8") == MEANS


def test_import_overwrites_only_when_told(run, folder, means):
    command = (*means, "--name", "m", "--out", "m.json")
    assert run(*command)[0] == 0
    before = (folder / "m.json").read_bytes()
    assert refused(run(*command, "--title", "Other"), "is there already")
    assert (folder / "m.json").read_bytes() == before
    assert run(*command, "--title", "Other", "--overwrite")[0] == 0
    assert mus.load_reference("m.json").title == "Other"


def test_score_a_spreadsheet(run, folder):
    (folder / "c.csv").write_text(CONTROLS, encoding="cp1252")
    status, out, err = run("score", "c.csv", "--reference", SET, "--out", "z.csv")
    assert status == 0
    assert out == ["2 of 3 rows have a Z-score, written to z.csv."]
    assert err[0] == "Note: Column 'Surname' tells who a person is and was left out."
    assert err[1].startswith("Note: 1 row(s): Muscle 'Plantaris' is not in")
    text = (folder / "z.csv").read_text(encoding="utf-8")
    assert "Geheim" not in text
    found = pd.read_csv("z.csv", keep_default_na=False, na_values=["NaN"])
    # Worked examples of the published models; 6.46457 is their difference of sexes.
    assert found["z"][0] == pytest.approx(4.338313, abs=1e-6)
    assert found["predicted"][1] == pytest.approx(71.245571 + 6.46457, abs=1e-5)
    assert np.isnan(found["z"][2])
    assert found["problem"][2] != ""
    assert found["subject"].tolist() == ["'=S1", "S2", "S2"]
    assert set(found["reference"]) == {SET}


def test_score_a_workbook_with_people_in_another(run, folder):
    book = openpyxl.Workbook()
    book.active.append(["id", "Rectus femoris left", "my value"])
    book.active.append(["S1", 100, 1])
    book.save("values.xlsx")
    people = openpyxl.Workbook()
    people.active.append(["id", "age", "height (cm)"])
    people.active.append(["S1", 40, 180])
    people.save("people.xlsx")
    command = ("score", "values.xlsx", "--reference", SET, "--out", "z.csv")
    assert run(*command, "--people", "people.xlsx")[0] == 0
    assert pd.read_csv("z.csv")["z"][0] == pytest.approx(4.338313, abs=1e-6)
    status, out, err = run(*command)
    assert (status, out) == (0, ["0 of 1 rows have a Z-score, written to z.csv."])
    assert "needs the subject's age" in err[0]
    assert refused(run(*command, "--column", "value"), "names no column")
    assert refused(run(*command, "--column", "value=none"), "no column 'none'")


def test_score_a_results_table(run, folder):
    from napari_muscle_us.io.tables import write_results
    from napari_muscle_us.results import COLUMNS, results_frame

    row = dict.fromkeys(COLUMNS, "") | {
        "subject": "S1",
        "muscle": "Tongue",
        "measure": "intensity.mean",
        "value": 60.0,
        "frame": 0,
        "unit": "gray level",
    }
    write_results("r.csv", results_frame([row]))
    (folder / "people.csv").write_text("code,age\nS1,40\n", encoding="utf-8")
    command = ("score", "r.csv", "--people", "people.csv", "--reference", SET)
    assert run(*command, "--out", "z.csv")[0] == 0
    expected = mus.load_reference(SET).z_score(
        "Tongue", echo_intensity=60, age_years=40
    )
    assert pd.read_csv("z.csv")["z"][0] == expected.z


@pytest.mark.parametrize(
    ("old", "new", "match"),
    [
        ("180;80;m", "1,80;80;m", "'Größe (cm)' holds 1.8 in row 2"),
        ("Code;", "Code2;", "subject codes"),
        ("Alter", "Code", "have the same name; rename"),
        ("S2;Geheim;Plantaris;re", "S2;Geheim;Tibialis anterior;re", "Duplicate sub"),
    ],
    ids=["metres", "no-codes", "twice", "duplicate"],
)
def test_score_refused_writes_nothing(run, folder, old, new, match):
    assert old in CONTROLS
    (folder / "c.csv").write_text(CONTROLS.replace(old, new), encoding="utf-8")
    assert refused(run("score", "c.csv", "--reference", SET, "--out", "z.csv"), match)
    assert [path.name for path in folder.iterdir()] == ["c.csv"]


PHILIPS = ("--device-manufacturer", "Philips", "--device-model", "CX50")


def test_score_of_another_device(run, folder):
    (folder / "c.csv").write_text(CONTROLS, encoding="utf-8")
    command = ("score", "c.csv", "--reference", SET, "--out", "z.csv")
    status, out, err = run(*command, *PHILIPS)
    assert (status, out) == (0, ["0 of 3 rows have a Z-score, written to z.csv."])
    assert any("Philips CX50" in line for line in err)
    status, out, _ = run(*command, *PHILIPS, "--accept-device")
    assert (status, out) == (0, ["2 of 3 rows have a Z-score, written to z.csv."])
    assert pd.read_csv("z.csv")["z"][0] == pytest.approx(4.338313, abs=1e-6)
    esaote = ("--device-manufacturer", "Esaote", "--device-model", "6100")
    assert run(*command, *esaote)[0] == 0
    assert pd.read_csv("z.csv")["warning"].isna().all()


def test_score_through_a_conversion(run, folder):
    (folder / "c.csv").write_text(CONTROLS, encoding="utf-8")
    target = mus.load_reference(SET).device
    made = example_conversion().model_copy(update={"target": target})
    mus.write_conversion("a-to-b.json", made)
    command = ("score", "c.csv", "--reference", SET, "--out", "z.csv")
    command = (*command, "--conversion", "a-to-b.json")
    source = ("--device-manufacturer", "Maker", "--device-model", "A")
    assert run(*command, *source)[0] == 0
    found = pd.read_csv("z.csv")
    # 100 on A is 54 on the set's device; the error of the line adds (0.5 · 6)².
    plain = mus.load_reference(SET).z_score(
        "Rectus femoris", echo_intensity=54, age_years=40, weight_kg=80, height_cm=180
    )
    sd = (plain.sd**2 + 9) ** 0.5
    assert found["z"][0] == pytest.approx((54 - plain.predicted) / sd, rel=1e-12)
    assert found["conversion"][0] == made.name
    assert run(*command, *PHILIPS)[1][0].startswith("0 of 3 rows")
    assert run(*command, *PHILIPS, "--accept-device")[1][0].startswith("2 of 3 rows")


@pytest.mark.parametrize(
    ("extra", "match"),
    [
        (("--device-model", "CX50"), "give both"),
        (("--device-manufacturer", "Philips", "--device-model", " "), "give both"),
        (("--conversion", "none.json"), "cannot be read"),
        (("--conversion", "c.csv"), "is not JSON"),
        (("--conversion", "a-to-b.json", "--out", "a-to-b.json"), "the input itself"),
        (("--reference", "own.json", "--out", "own.json"), "the input itself"),
    ],
    ids=["model", "blank", "missing", "table", "out-conversion", "out-set"],
)
def test_score_refuses_a_wrong_device_or_conversion(run, folder, extra, match):
    (folder / "c.csv").write_text(CONTROLS, encoding="utf-8")
    mus.write_conversion("a-to-b.json", example_conversion())
    (folder / "own.json").write_bytes(read_reference_bytes(SET))
    before = {path: path.read_bytes() for path in folder.iterdir()}
    command = ("score", "c.csv", "--reference", SET, "--out", "z.csv", *extra)
    assert refused(run(*command), match)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_score_replaces_only_its_own_tables(run, folder):
    (folder / "c.csv").write_text(CONTROLS, encoding="utf-8")
    (folder / "thesis.csv").write_text("mine", encoding="utf-8")
    command = ("score", "c.csv", "--reference", SET, "--out")
    assert refused(run(*command, "thesis.csv"), "is no table of Z-scores")
    assert (folder / "thesis.csv").read_text(encoding="utf-8") == "mine"
    assert refused(run(*command, "c.csv"), "is the input itself")
    assert run(*command, "z.csv")[0] == 0
    before = (folder / "z.csv").read_bytes()
    assert run(*command, "z.csv")[0] == 0
    assert (folder / "z.csv").read_bytes() == before


def test_radboud_imported_on_the_command_line(run, folder, shared):
    path = shared("oracles/radboud_esaote6100_ei_models_full.json")
    (folder / "meta.json").write_text(json.dumps(FACTS), encoding="utf-8")
    status, out, _ = run(
        *("import", path, "--kind", "radboud-json", "--metadata", "meta.json"),
        *("--name", "rb", "--out", "rb.json"),
    )
    assert status == 0
    assert out == ["rb.json written: 32 model(s) of 32 muscle(s), Esaote 6100."]
    built_in = mus.load_reference(SET)
    for model in mus.load_reference("rb.json").models:
        theirs = built_in.model_for(model.muscle)
        assert model.coefficients == theirs.coefficients
        assert model.covariance == theirs.covariance
