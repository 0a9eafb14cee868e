"""The commands ``examine`` and ``follow-up``."""

from __future__ import annotations

import logging
import warnings
from datetime import date

import pandas as pd
import pytest
from PIL import Image

import napari_muscle_us as mus
from napari_muscle_us.cli import main
from napari_muscle_us.reference.conversion.device_conversion import example_conversion

SET = "radboud-esaote-6100-adult"
TABLE = (
    "Code;Surname;Visite;Muskel;Seite;EI;Alter;Größe (cm);Gewicht (kg);Geschlecht\n"
    "=P1;Geheim;1;Biceps brachii;li;110;40;180;80;m\n"
    "=P1;Geheim;1;Biceps brachii;re;90;40;180;80;m\n"
    "=P1;Geheim;1;Soleus;li;80;40;180;80;m\n"
    "=P1;Geheim;1;Plantaris;li;80;40;180;80;m\n"
    "=P1;Geheim;2;Biceps brachii;li;120;41;180;82;m\n"
    "=P1;Geheim;2;Soleus;li;81;41;180;82;m\n"
    "P2;Geheim;1;Soleus;li;70;60;165;60;w\n"
)
PERSON = mus.Subject(40, "male", 180, 80)
MAN = ("--age", "40", "--sex", "male", "--height", "180", "--weight", "80")
FIRST = ("examine", "t.csv", "--reference", SET, "--subject", "=P1", "--visit", "1")
COURSE = ("follow-up", "t.csv", "--reference", SET, "--subject", "=P1")


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Stand in a folder with a table of two people."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    (work / "t.csv").write_text(TABLE.replace("Visite", "visit"), encoding="utf-8")
    return work


@pytest.fixture
def run(capfd, monkeypatch):
    """Run the command in this process; return status, output and error lines."""
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    loggers = [logging.getLogger(n) for n in ("pydicom", "tifffile")]
    levels = [logger.level for logger in loggers]

    def command(*arguments):
        capfd.readouterr()
        with pytest.raises(SystemExit) as stop:
            main(list(map(str, arguments)))
        out, err = capfd.readouterr()
        return stop.value.code, out.splitlines(), err.splitlines()

    yield command
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


def expected(visit="1", person=PERSON, **options):
    values = mus.tidy_people(mus.read_spreadsheet("t.csv"))
    return mus.examine(
        *(mus.load_reference(SET), values, person),
        **{"subject_code": "=P1", "visit": visit} | options,
    )


def test_examine_prints_scores_counts_and_the_steps_of_the_rule(run):
    status, out, err = run(*FIRST)
    assert status == 0
    found = expected()
    for muscle in found.muscles:
        if muscle.score is not None:
            line = next(
                x
                for x in out
                if x.startswith(f"{muscle.muscle} ") and f" {muscle.side} " in x
            )
            assert f" {muscle.z:.2f} " in line
    text = "\n".join(out)
    assert "No Z-score: Plantaris left: Muscle 'Plantaris' is not in" in text
    # Worked by hand: Z of 6.09, 3.27 and 2.30.
    assert (
        "Z-scores of 3 muscles and sides: 3 > 1.0, 3 > 1.5, 3 > 2.0, 2 > 2.5, "
        "2 > 3.0, 1 > 3.5"
    ) in out
    assert "Decision support, not a diagnosis." in text
    decision = found.decide()
    for step in decision.steps:
        assert f"  {step.words}" in out
    assert [line.removeprefix("Note: ") for line in err] == [
        "Column 'Surname' tells who a person is and was left out.",
        *decision.caveats,
    ]
    assert "> 99.9" in text


def test_examine_writes_the_table(run, folder):
    assert run(*FIRST, "--out", "z.csv")[0] == 0
    written = pd.read_csv("z.csv", na_values=["NaN"])
    pd.testing.assert_series_equal(written["z"], expected().table()["z"])
    assert set(written["subject"]) == {"'=P1"}
    assert set(written["reference"]) == {SET}
    assert "Geheim" not in (folder / "z.csv").read_text(encoding="utf-8")
    before = (folder / "z.csv").read_bytes()
    assert run(*FIRST, "--out", "z.csv")[0] == 0
    assert (folder / "z.csv").read_bytes() == before


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_examine_draws_a_picture(run, folder, suffix):
    path = folder / f"z.{suffix}"
    assert run(*FIRST, "--figure", path.name)[0] == 0
    content = path.read_bytes()
    if suffix == "png":
        with Image.open(path) as picture:
            # As wide as two drawings, and not blank.
            assert picture.width > 1.5 * picture.height
            assert len(set(picture.convert("L").tobytes())) > 20
    else:
        assert content.startswith(b"%PDF-" if suffix == "pdf" else b"<?xml")
    assert b"Geheim" not in content
    status, _, err = run(*FIRST, "--figure", path.name)
    assert (status, len(err)) == (2, 1)
    assert path.read_bytes() == content
    assert run(*FIRST, "--figure", path.name, "--overwrite")[0] == 0


def test_what_is_typed_comes_before_the_table(run):
    assert run(*FIRST, "--age", "70", "--out", "z.csv")[0] == 0
    z = pd.read_csv("z.csv")["z"]
    older = mus.Subject(70, "male", 180, 80)
    assert z.tolist()[:2] == [m.z for m in expected(person=older).muscles][:2]
    assert z[0] != expected().muscles[0].z


def test_a_subject_with_one_visit_needs_no_visit(run):
    command = ("examine", "t.csv", "--reference", SET, "--subject", "P2")
    status, out, _ = run(*command)
    assert status == 0
    score = mus.load_reference(SET).z_score(
        "Soleus", echo_intensity=70, age_years=60, sex="female"
    )
    assert f" {score.z:.2f} " in out[1]


def results_table():
    """Write a results table of two images of a muscle."""
    for number, gray in enumerate((100, 104)):
        Image.new("L", (60, 50), gray).save(f"{number}.png")
        roi = mus.Rectangle(
            *(10, 10, 20, 30), name="BB", muscle="Biceps brachii", side="left"
        )
        rows = mus.measure_rois(
            mus.read_image(f"{number}.png"), [roi], subject="S1", visit="1"
        )
        mus.write_results("r.csv", rows, append=number > 0)


def test_examine_a_results_table(run, folder):
    results_table()
    command = ("examine", "r.csv", "--reference", SET, "--out", "z.csv")
    assert run(*command, *MAN)[0] == 0
    mean = mus.load_reference(SET).z_score(
        "Biceps brachii", echo_intensity=102, age_years=40, weight_kg=80
    )
    written = pd.read_csv("z.csv")
    assert written["z"].tolist() == pytest.approx([mean.z], rel=1e-12)
    assert written["n_images"].tolist() == [2]
    (folder / "people.csv").write_text(
        "code,age,sex,height,weight\nS1,40,male,180,80\nS2,20,male,180,80\n",
        encoding="utf-8",
    )
    assert run(*command, "--people", "people.csv")[0] == 0
    assert pd.read_csv("z.csv")["z"].tolist() == written["z"].tolist()
    (folder / "people.csv").write_text("code,age\nS2,40\n", encoding="utf-8")
    status, _, err = run(*command, "--people", "people.csv")
    assert (status, len(err)) == (2, 1)
    assert "'people.csv' does not tell of the subject" in err[0]
    status, out, err = run(*command)
    assert status == 0
    assert "No Z-score: Biceps brachii left: " in out[0]
    assert any("No muscle has a Z-score" in line for line in err)
    assert any("needs the subject's age" in line for line in err)


def test_examine_another_device(run):
    philips = ("--device-manufacturer", "Philips", "--device-model", "CX50")
    status, out, _ = run(*FIRST, *philips)
    assert status == 0
    assert sum("Philips CX50" in line for line in out) == 3
    assert run(*FIRST, *philips, "--accept-device", "--out", "z.csv")[0] == 0
    pd.testing.assert_series_equal(pd.read_csv("z.csv")["z"], expected().table()["z"])
    target = mus.load_reference(SET).device
    made = example_conversion().model_copy(update={"target": target})
    mus.write_conversion("a-to-b.json", made)
    source = ("--device-manufacturer", "Maker", "--device-model", "A")
    command = (*FIRST, *source, "--conversion", "a-to-b.json", "--out", "z.csv")
    assert run(*command)[0] == 0
    carried = expected(device=mus.Device("Maker", "A"), conversion=made)
    written = pd.read_csv("z.csv")
    pd.testing.assert_series_equal(written["z"], carried.table()["z"])
    assert set(written["conversion"]) == {made.name}


def test_without_an_age_the_rule_is_not_applied(run, folder):
    (folder / "t.csv").write_text(
        "code,muscle,side,value\nS1,Biceps brachii,left,80\n", encoding="utf-8"
    )
    command = ("examine", "t.csv", "--reference", SET, "--weight", "80")
    status, out, err = run(*command, "--out", "z.csv")
    assert status == 0
    assert not any("Decision support" in line for line in out)
    assert "No Z-score" in out[0]
    assert any("Z-score" in line for line in err)


def test_follow_up_flags_what_exceeds_the_error(run):
    status, out, _ = run(*COURSE, "--sem", "2.5", "--out", "f.csv")
    assert status == 0
    # 1.96 √2 · 2.5 = 6.93; the biceps changed by 10, the soleus by 1.
    biceps = next(line for line in out if "Biceps brachii  left   2" in line)
    assert "+10.00 (CHANGED)" in biceps
    assert biceps.endswith("6.93")
    soleus = next(line for line in out if "Soleus          left   2" in line)
    assert "+1.00 (within the error)" in soleus
    values = mus.tidy_people(mus.read_spreadsheet("t.csv"))
    people = {"1": PERSON, "2": mus.Subject(41, "male", 180, 82)}
    found = mus.follow_up(
        mus.load_reference(SET), values, people, subject_code="=P1", sem=2.5
    )
    written = pd.read_csv("f.csv")
    for column in ("z", "expected_first", "mdc95_first"):
        pd.testing.assert_series_equal(
            written[column], found.table()[column], check_dtype=False
        )


def test_follow_up_without_an_error_flags_nothing(run):
    status, out, err = run(*COURSE)
    assert status == 0
    assert any("(not judged)" in line for line in out)
    assert not any("CHANGED" in line for line in out)
    assert any("no change is flagged" in line for line in err)
    status, out, _ = run(*COURSE, "--sem", "Soleus=0.1")
    changed = [line for line in out if "CHANGED" in line]
    assert len(changed) == 1
    assert changed[0].startswith("Soleus")


def test_follow_up_of_a_results_table(run):
    results_table()
    rows = mus.read_results("r.csv")
    later = rows.assign(visit="2", value=rows["value"] + 3)
    rows = pd.concat([rows, later], ignore_index=True)
    mus.write_results("r.csv", rows)
    days = ("--date", "1=2024-03-01", "--date", "2=2026-03-01")
    command = ("follow-up", "r.csv", "--reference", SET, *MAN, "--out", "f.csv")
    status, _, err = run(*command, *days, "--sem-from-repeats")
    assert status == 0
    assert not any("same age" in line for line in err)
    written = pd.read_csv("f.csv")
    found = mus.follow_up(
        *(mus.load_reference(SET), mus.read_results("r.csv"), PERSON),
        dates={"1": date(2024, 3, 1), "2": date(2026, 3, 1)},
    )
    assert written["z"].tolist() == [m.z for e in found.examinations for m in e.muscles]
    # The SD of 100 and 104, pooled over two visits.
    assert written["sem"].tolist() == pytest.approx([8**0.5] * 2)
    status, _, err = run(*command, "--order", "2,1")
    assert any("same age" in line for line in err)
    assert pd.read_csv("f.csv")["visit"].tolist() == [2, 1]


REFUSED = {
    "no-table": (("examine", "none.csv", "--reference", SET), "none.csv"),
    "set": (("examine", "t.csv", "--reference", "none"), "no reference set 'none'"),
    "subjects": (("examine", "t.csv", "--reference", SET), "2 subjects"),
    "visits": (FIRST[:-2], "2 visits"),
    "subject": ((*FIRST, "--subject", "P9"), "not in the table"),
    "visit": ((*FIRST, "--visit", "9"), "'9' of the subject is not"),
    "age": ((*FIRST, "--age", "480"), "looks like months"),
    "hand": ((*FIRST, "--handedness", "both"), "Handedness 'both'"),
    "device": ((*FIRST, "--device-model", "A"), "give both"),
    "conversion": ((*FIRST, "--conversion", "none.json"), "cannot be read"),
    "rule": ((*FIRST, "--rule", "median"), "is not one of"),
    "out-is-input": ((*FIRST, "--out", "t.csv"), "is the input itself"),
    "out-foreign": ((*FIRST, "--out", "notes.csv"), "exists and is no table"),
    "out-folder": ((*FIRST, "--out", "no/z.csv"), "cannot be written"),
    "figure-is-input": ((*FIRST, "--figure", "t.csv"), "--figure 't.csv' is the"),
    "figure-suffix": ((*FIRST, "--figure", "z.doc"), "no picture"),
    "figure-exists": ((*FIRST, "--figure", "holiday.png"), "is there already"),
    "figure-folder": ((*FIRST, "--figure", "no/z.png"), "cannot be written"),
    "foreign-table-and-figure": (
        (*FIRST, "--out", "notes.csv", "--figure", "z.png"),
        "exists and is no table",
    ),
    "person-not-told": (
        (*FIRST, "--people", "people.csv"),
        "is not in the table of people",
    ),
    "course-subjects": (("follow-up", "t.csv", "--reference", SET), "2 subjects"),
    "course-age": ((*COURSE, "--age", "40"), "leave out --age"),
    "course-order": ((*COURSE, "--order", "1"), "order of the visits"),
    "course-date": ((*COURSE, "--date", "1=2024"), "tells no day"),
    "course-dates": ((*COURSE, "--date", "1=2024-01-01"), "has no date"),
    "course-twice": (
        (*COURSE, "--date", "1=2024-01-01", "--date", "1=2024-01-02"),
        "two days",
    ),
    "course-sem": ((*COURSE, "--sem", "0"), "no number above 0"),
    "course-sem-text": ((*COURSE, "--sem", "Soleus=x"), "no number above 0"),
    "course-sem-nan": ((*COURSE, "--sem", "nan"), "no number above 0"),
    "course-sem-muscle": ((*COURSE, "--sem", "Soleos=1"), "not in the table"),
    "course-sem-both": ((*COURSE, "--sem", "1", "--sem", "Soleus=1"), "one or the"),
    "course-repeats": ((*COURSE, "--sem-from-repeats"), "two images"),
    "course-out": ((*COURSE, "--out", "t.csv"), "is the input itself"),
    "course-foreign": ((*COURSE, "--out", "notes.csv"), "is no table of visits"),
}


@pytest.mark.parametrize(("arguments", "words"), REFUSED.values(), ids=REFUSED)
def test_refused_in_one_line_and_nothing_written(run, folder, arguments, words):
    (folder / "notes.csv").write_text("mine", encoding="utf-8")
    (folder / "people.csv").write_text("code,age\nP7,40\n", encoding="utf-8")
    (folder / "holiday.png").write_bytes(b"mine")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    status, out, err = run(*arguments)
    assert (status, out) == (2, [])
    assert len(err) == 1, err
    assert err[0].startswith("Error: ")
    assert words in err[0]
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
