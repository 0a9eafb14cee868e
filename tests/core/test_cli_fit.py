"""The command ``reference fit``: from a table of controls to a set and its report."""

from __future__ import annotations

import json
import logging
import sys
import warnings

import numpy as np
import pandas as pd
import pytest

import napari_muscle_us as mus
from napari_muscle_us.cli import main
from napari_muscle_us.cli_common import Progress

WHO = ("--name", "own", "--title", "Our adults", "--author", "A. Uthor")
FACTS = (*WHO, "--licence", "CC0", "--manufacturer", "Esaote", "--model", "6100")
QUICK = ("--candidates", "age,sex", "--max-power", "1")


def controls(n=40):
    """Return controls whose Soleus is of one person each, and a muscle of two only."""
    rng = np.random.default_rng(11)
    age = np.round(rng.uniform(20, 80, n), 1)
    table = pd.DataFrame(
        {
            "Code": [f"C{place:02}" for place in range(n)],
            "Surname": "Geheim",
            "Muskel": "Soleus",
            "EI": np.round(40 + 0.4 * age + rng.normal(0, 5, n), 2),
            "Alter": age,
            "Geschlecht": np.where(np.arange(n) % 2, "female", "male"),
        }
    )
    return pd.concat([table, table[:2].assign(Muskel="Tongue")], ignore_index=True)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Stand in a folder with a table of controls."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    controls().to_csv("c.csv", index=False)
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
            main(["reference", "fit", *map(str, arguments)])
        out, err = capfd.readouterr()
        return stop.value.code, out.splitlines(), err.splitlines()

    yield command
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


def test_fit_writes_the_set_that_the_functions_make(run, folder):
    status, out, err = run("c.csv", "--out", "own.json", *FACTS, *QUICK)
    assert status == 0
    assert "Note: Column 'Surname' tells who a person is and was left out." in err
    assert out[0].split() == [
        *("muscle", "n", "formula", "SD"),
        *("left-out", "mean", "left-out", "SD", "check"),
    ]
    table = mus.tidy_people(mus.read_spreadsheet("c.csv"))
    options = mus.FitOptions(candidates=("age_years", "sex_male"), max_power=1)
    fitted = mus.fit_reference(table, muscle="Soleus", options=options).muscles[0]
    written = mus.load_reference("own.json")
    assert written.muscles == ("Soleus",)
    assert written.models[0].coefficients == fitted.model.coefficients
    assert written.models[0].covariance == fitted.model.covariance
    assert written.population.n == 40
    assert (written.name, written.title, written.author) == (
        *("own", "Our adults", "A. Uthor"),
    )
    sd = fitted.model.residual_variance**0.5
    words = out[1].split()
    assert words[:2] == ["Soleus", "40"]
    assert f"{sd:.4g}" in words
    assert f"{fitted.left_out.mean:.2f}" in words
    assert f"{fitted.left_out.sd:.2f}" in words
    assert out[2].startswith("Not fitted: Tongue: ")
    assert out[3] == "Reference set own written to own.json."
    assert "Geheim" not in (folder / "own.json").read_text(encoding="utf-8")


def test_the_set_is_ready_the_same_minute(run, folder, capfd):
    assert run("c.csv", "--out", "own.json", *FACTS, *QUICK, "--sd", "residual")[0] == 0
    found = mus.load_reference("own.json")
    model = found.model_for("Soleus")
    assert model.sd == "residual"
    score = found.z_score("Soleus", echo_intensity=70, age_years=50, sex="male")
    assert score.sd == pytest.approx(model.residual_variance**0.5, rel=1e-12)
    with pytest.raises(SystemExit) as stop:
        main(["reference", "score", "c.csv", "--reference", "own.json", "--out", "z"])
    assert stop.value.code == 0
    z = pd.read_csv("z")["z"]
    # The residuals of the controls themselves sum to nothing.
    assert z[:40].mean() == pytest.approx(0, abs=1e-9)


def test_facts_come_from_a_file_and_options_before_it(run, folder):
    told = {
        "name": "theirs",
        "title": "Title",
        "author": "Author",
        "licence": "CC0",
        "device": {
            "manufacturer": "Esaote",
            "models": ["6100"],
            "presets": ["Muscle"],
            "depth_mm": {"low": 40, "high": 40},
        },
        "population": {"description": "Neighbours", "country": "NL"},
    }
    (folder / "about.json").write_text(json.dumps(told), encoding="utf-8")
    command = ("c.csv", "--out", "own.json", "--about", "about.json", *QUICK)
    assert run(*command, "--name", "ours", "--population", "Friends")[0] == 0
    found = mus.load_reference("own.json")
    assert (found.name, found.title) == ("ours", "Title")
    assert (found.population.description, found.population.country) == ("Friends", "NL")
    assert found.device.presets == ("Muscle",)
    assert found.device.depth_mm.low == 40


def test_people_of_another_file_are_joined(run, folder):
    table = controls()[:40]
    table[["Code", "Muskel", "EI"]].to_csv("values.csv", index=False)
    table[["Code", "Alter", "Geschlecht"]].to_csv("people.csv", index=False)
    options = (*FACTS, *QUICK, "--muscle", "soleus")
    assert run("c.csv", "--out", "a.json", *options)[0] == 0
    command = ("values.csv", "--people", "people.csv", "--out", "b.json", *options)
    assert run(*command)[0] == 0
    one, other = (mus.load_reference(name) for name in ("a.json", "b.json"))
    assert one.models == other.models


def test_formula_scale_and_kinds_are_passed_on(run):
    options = (*FACTS, "--muscle", "Soleus")
    command = ("c.csv", *options, "--formula", "1 + age_years^2", "--scale", "log")
    assert run(*command, "--out", "log.json")[0] == 0
    model = mus.load_reference("log.json").models[0]
    assert (model.formula, model.transform.power) == ("1 + age_years^2", 0)
    controls(60)[:60].to_csv("more.csv", index=False)
    command = ("more.csv", *options, "--kind", "quantiles")
    command = (*command, "--formula", "1 + age_years", "--folds", "2")
    status, out, _ = run(*command, "--out", "q.json")
    assert status == 0
    assert mus.load_reference("q.json").models[0].kind == "quantiles"
    assert "quantiles by age_years" in out[1]


def test_report_is_written_with_the_set(run, folder):
    command = ("c.csv", "--out", "own.json", "--report", "r.html", *FACTS, *QUICK)
    status, out, _ = run(*command)
    assert status == 0
    assert out[-1] == "Report written to r.html."
    page = (folder / "r.html").read_text(encoding="utf-8")
    assert "Reference values: Our adults" in page
    assert "Geheim" not in page
    status, out, err = run(*command)
    assert (status, out, len(err)) == (2, [], 1)
    assert "is there already" in err[0]
    assert run(*command, "--title", "Other", "--overwrite")[0] == 0
    assert "Reference values: Other" in (folder / "r.html").read_text(encoding="utf-8")
    assert mus.load_reference("own.json").title == "Other"


REFUSED = {
    "no-table": (("none.csv", *FACTS), "none.csv"),
    "no-facts": (("c.csv",), "needs name, title, licence, author, device manu"),
    "no-device": (("c.csv", *WHO, "--licence", "x"), "needs device manufacturer"),
    "name": (("c.csv", *FACTS, "--name", "Our Set"), "The name 'Our Set' is not"),
    "device-blank": (("c.csv", *FACTS, "--model", ""), "told rightly at models"),
    "candidate": (("c.csv", *FACTS, "--candidates", "age,shoe"), "shoe"),
    "candidate-empty": (("c.csv", *FACTS, "--candidates", "age,,sex"), "empty name"),
    "formula": (("c.csv", *FACTS, "--formula", "import os"), "formula"),
    "power": (("c.csv", *FACTS, "--max-power", "9"), "9"),
    "folds": (("c.csv", *FACTS, "--folds", "1"), "1"),
    "selection": (("c.csv", *FACTS, "--selection", "p"), "is not one of"),
    "muscle": (("c.csv", *FACTS, "--muscle", "Soleos"), "did you mean 'Soleus'"),
    "measure": (("r.csv", *FACTS, "--measure", "intensity.sd"), "no values of int"),
    "column": (("c.csv", *FACTS, "--column", "value=None"), "no column 'None'"),
    "none-fitted": (("c.csv", *FACTS, *QUICK, "--muscle", "Tongue"), "Tongue"),
    "out-is-input": (("c.csv", *FACTS, "--out", "c.csv"), "is the input itself"),
    "out-suffix": (("c.csv", *FACTS, "--out", "own.txt"), "does not end in .json"),
    "out-folder": (("c.csv", *FACTS, "--out", "no/own.json"), "cannot be written"),
    "out-foreign": (("c.csv", *FACTS, "--out", "notes.json"), "not a reference set"),
    "report-is-input": (
        ("c.csv", *FACTS, "--report", "c.csv"),
        "--report 'c.csv' is the input itself",
    ),
    "report-suffix": (("c.csv", *FACTS, "--report", "r.txt"), "end in .html"),
    "report-foreign": (("c.csv", *FACTS, "--report", "thesis.html"), "not a report"),
    "report-foreign-too": (
        ("c.csv", *FACTS, "--report", "thesis.html", "--overwrite"),
        "not a report",
    ),
    "metadata-missing": (("c.csv", *FACTS, "--about", "no.json"), "no.json"),
    "metadata-limits": (("c.csv", *FACTS, "--about", "limits.json"), "tell limits"),
    "metadata-n": (("c.csv", *FACTS, "--about", "n.json"), "counted from the table"),
    "metadata-other": (("c.csv", *FACTS, "--about", "other.json"), "nothing that"),
    "metadata-is-out": (
        ("c.csv", *FACTS, "--about", "n.json", "--out", "n.json"),
        "is the input itself",
    ),
}


@pytest.mark.parametrize(("arguments", "words"), REFUSED.values(), ids=REFUSED)
def test_fit_refused_writes_nothing(run, folder, arguments, words):
    contents = {
        "notes.json": "{}",
        "thesis.html": "<p>mine",
        "limits.json": '{"limits": {}}',
        "n.json": '{"population": {"description": "us", "n": 5}}',
        "other.json": '{"shoes": 5}',
    }
    controls().assign(measure="intensity.mean").to_csv("r.csv", index=False)
    for name, content in contents.items():
        (folder / name).write_text(content, encoding="utf-8")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    status, out, err = run("--out", "own.json", *arguments)
    assert (status, out) == (2, [])
    assert len(err) == 1, err
    assert err[0].startswith("Error: ")
    assert words in err[0]
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize(
    "place",
    [
        "napari_muscle_us.reference.fitting.fit.fit_reference",
        "napari_muscle_us.reference.write.write_reference",
    ],
    ids=["fitting", "writing"],
)
def test_an_interrupt_leaves_nothing_half_written(run, folder, monkeypatch, place):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(place, stop)
    before = sorted(folder.iterdir())
    command = ("c.csv", "--out", "own.json", "--report", "r.html", *FACTS, *QUICK)
    status, out, _ = run(*command)
    assert (status, out) == (130, [])
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "file"])
def test_progress_is_told_on_a_terminal_only(capfd, monkeypatch, terminal):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    with Progress("Fitting") as progress:
        for done in (0, 1, 1, 2):
            progress(done, 2)
    out, err = capfd.readouterr()
    assert out == ""
    shown = ["\rFitting: 0 %", "\rFitting: 50 %", "\rFitting: 100 %"]
    assert [part for part in shown if part in err] == (shown if terminal else [])
    assert err.count("Fitting") == (3 if terminal else 0)
