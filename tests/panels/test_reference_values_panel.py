"""From a table of simulated controls to a set that Z-scores are looked up in."""

from __future__ import annotations

import dataclasses
import html
import threading

import numpy as np
import pandas as pd
import pytest
from openpyxl import Workbook
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

from napari_muscle_us import load_reference
from napari_muscle_us._napari._layers import layer_data
from napari_muscle_us._napari.panels import _ref_save, _ref_work
from napari_muscle_us._napari.panels.reference_values import (
    FIT,
    SAVE,
    WHAT,
    ReferenceValuesPanel,
)
from napari_muscle_us._napari.panels.z_score import ZScorePanel
from napari_muscle_us.image import Device, UltrasoundImage
from napari_muscle_us.reference.fitting import _fit_plot_numbers
from napari_muscle_us.reference.fitting.fit import fit_reference
from napari_muscle_us.reference.fitting.fit_types import FitOptions
from napari_muscle_us.reference.people.people_table import tidy_people
from napari_muscle_us.reference.subject import Subject
from napari_muscle_us.results import results_frame
from napari_muscle_us.rows import measure_rois

from .conftest import square

FACTS = {
    "name": "our-laboratory",
    "title": "Our controls",
    "manufacturer": "Maker",
    "models": "X",
    "author": "Us",
    "licence": "CC BY 4.0",
}
MUSCLES = ("Biceps brachii", "Soleus")


def controls(n: int = 40, *, muscles=MUSCLES, seed: int = 5) -> pd.DataFrame:
    """Return controls whose echo intensity rises by 0.4 a year, two sides each."""
    rng = np.random.default_rng(seed)
    people = pd.DataFrame(
        {
            "subject": [f"C{k:02}" for k in range(n)],
            "age": rng.uniform(20, 80, n).round(),
            "sex": np.where(np.arange(n) % 2, "male", "female"),
            "height": rng.normal(172, 9, n).round(),
            "weight": rng.normal(72, 11, n).round(1),
        }
    )
    parts = []
    for muscle in muscles:
        own = 40 + 0.4 * people["age"] + rng.normal(0, 5, n)
        for side in ("left", "right"):
            value = (own + rng.normal(0, 3, n)).round(1)
            parts.append(people.assign(muscle=muscle, side=side, value=value))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def panel(viewer, shown):
    return shown(ReferenceValuesPanel(viewer))


@pytest.fixture
def own_folder(monkeypatch, tmp_path):
    monkeypatch.setattr(_ref_save, "user_data_folder", lambda: tmp_path / "data")
    return tmp_path / "data" / "references"


@pytest.fixture
def opened(panel, qtbot, tmp_path):
    """Return a function that opens a table and waits until it is read."""

    def open_table(table: pd.DataFrame, name: str = "controls.csv"):
        path = tmp_path / name
        table.to_csv(path, index=False)
        panel.table.open(str(path))
        wait(qtbot, panel.table._job)
        return panel

    return open_table


def wait(qtbot, job) -> None:
    qtbot.waitUntil(lambda: not job.running, timeout=20_000)


def fitted(panel, qtbot):
    panel.fit()
    wait(qtbot, panel.fitting._job)
    return panel.fitting.value()


def simple(panel) -> None:
    """Let age alone be a candidate, in first power: fast, and known beforehand."""
    for name, box in panel.what._candidates.items():
        box.setChecked(name == "age_years")
    panel.what._power.setValue(1)


def said(panel) -> str:
    return panel.table._message.text()


def test_the_whole_story_from_a_table_to_a_z_score(
    viewer, session, opened, shown, qtbot, own_folder, monkeypatch, notes
):
    panel = opened(controls())
    simple(panel)
    fit = fitted(panel, qtbot)
    panel.saving.facts.fill(**FACTS)
    asked = []

    def ask(parent, title, name, filters):
        asked.append(name)
        return name, filters

    monkeypatch.setattr(_ref_save.QFileDialog, "getSaveFileName", ask)
    panel.saving._save.click()
    wait(qtbot, panel.saving._job)
    path = own_folder / "our-laboratory.json"
    assert asked == [str(path)]
    assert load_reference(path).muscles == MUSCLES
    assert load_reference(path).models == tuple(m.model for m in fit.muscles)

    pixels = np.full((60, 60), 71, np.uint8)
    image = UltrasoundImage(
        pixels, name="x.dcm", digest="0" * 64, device=Device("Maker", "X")
    )
    data, attributes, _ = layer_data(image)
    viewer.add_image(data, **attributes)
    layer = session.new_roi_layer()
    layer.add(square(9.5, 9.5, 20), shape_type="rectangle")
    session.edit(0, muscle="Soleus", side="left")
    session.select([0])
    session.set_subject(Subject(age_years=50), session.reference, accept_device=True)
    panel.saving._use.click()
    assert session.reference == str(path)
    assert not session.accept_device
    scored = shown(ZScorePanel(viewer)).value()

    (soleus,) = (m.model for m in fit.muscles if m.muscle == "Soleus")
    row = np.array([1.0, 50.0])
    predicted = row @ np.array(soleus.coefficients)
    variance = row @ np.array(soleus.covariance) @ row + soleus.residual_variance
    assert scored.z == pytest.approx((71 - predicted) / variance**0.5, rel=1e-9)
    (region,) = session.chosen_regions()
    request = session.z_score_request()
    rows = measure_rois(image, [region.roi], z_score=request)
    kept = rows.loc[rows["measure"] == "z_score.echo_intensity", "value"].item()
    assert kept == scored.z


def test_the_panel_fits_what_the_core_fits(opened, qtbot):
    table = controls()
    panel = opened(table)
    simple(panel)
    fit = fitted(panel, qtbot)
    options = FitOptions(candidates=("age_years",), max_power=1)
    expected = fit_reference(tidy_people(table), options=options)
    assert [m.model for m in fit.muscles] == [m.model for m in expected.muscles]
    assert panel.fitting._model.index(0, 5).data() == "age"
    assert panel.fitting._model.index(0, 2).data() == "40"


def test_a_table_is_counted_and_shown(opened):
    panel = opened(controls())
    counts = panel.table._counts.text()
    assert counts.startswith("40 subjects, 2 muscles, 160 values\nage ")
    assert counts.endswith("20 women, 20 men, both sides")
    assert panel.table._model.index(0, 1).data() == "Biceps brachii"
    assert panel._tabs.isTabEnabled(WHAT)
    assert not panel._tabs.isTabEnabled(SAVE)


def merged() -> pd.DataFrame:
    table = controls().astype(str)
    units = dict.fromkeys(table.columns, "") | {"age": "years", "value": "0-255"}
    return pd.concat([pd.DataFrame([units]), table])


def two_ages() -> pd.DataFrame:
    table = controls()
    table.loc[3, "age"] += 1
    return table


BAD_TABLES = {
    "height in metres": (controls().assign(height=1.7), "height"),
    "weight in pounds": (
        controls().rename(columns={"weight": "weight (lb)"}),
        "is in pounds by its name",
    ),
    "weight in pounds, unsaid": (
        controls().assign(weight=lambda t: t["weight"] * 2.2),
        "weight",
    ),
    "age in months": (controls().assign(age=lambda t: t["age"] * 12), "age"),
    "a row twice": (pd.concat([controls(), controls().head(1)]), "C00"),
    "two ages of a subject": (two_ages(), "C03"),
    "merged header rows": (merged(), "header row"),
    "no subjects": (controls().drop(columns="subject"), "subject codes"),
    "no value": (controls().drop(columns="value"), "values"),
}


@pytest.mark.parametrize(
    ("table", "words"), list(BAD_TABLES.values()), ids=list(BAD_TABLES)
)
def test_a_bad_table_is_refused_in_a_sentence(opened, table, words):
    panel = opened(table)
    assert words in said(panel)
    assert said(panel).count(". ") == 0
    assert panel.table.value() is None
    assert not panel._tabs.isTabEnabled(FIT)
    panel.fit()
    assert not panel.fitting.running


def test_a_constant_covariate_is_refused_and_named(opened, qtbot):
    panel = opened(controls().assign(height=170))
    assert fitted(panel, qtbot) is None
    message = panel.fitting._message.text()
    assert "height is 170" in message or "height_cm" in message
    assert not panel._tabs.isTabEnabled(SAVE)


def test_fewer_subjects_than_coefficients_are_refused(opened, qtbot):
    panel = opened(controls(12, muscles=["Soleus"]))
    panel.what.choose(rule="own")
    panel.what._formula.setText(
        "1 + age_years + age_years^2 + sex_male + height_cm + weight_kg + bmi + bmi^2"
    )
    assert fitted(panel, qtbot) is None
    message = panel.fitting._message.text()
    assert "12 subjects, and the formula 8 coefficients" in message


def test_one_muscle_that_cannot_be_fitted_does_not_stop_the_others(opened, qtbot):
    few = controls(6, muscles=["Tongue"]).assign(subject=lambda t: "T" + t["subject"])
    panel = opened(pd.concat([controls(muscles=["Soleus"]), few]))
    simple(panel)
    fit = fitted(panel, qtbot)
    assert [m.muscle for m in fit.muscles] == ["Soleus"]
    model = panel.fitting._model
    assert (model.index(1, 0).data(), model.index(1, 1).data()) == (
        "Tongue",
        "✗ refused",
    )
    panel.fitting.choose(1)
    assert "Tongue has 6 subjects" in panel.fitting._note.text()
    assert panel.fitting._details.value() is None


def test_another_table_takes_the_fit_away(opened, qtbot):
    panel = opened(controls())
    simple(panel)
    assert fitted(panel, qtbot) is not None
    opened(controls().drop(columns="value"), "bad.csv")
    assert panel.fitting.value() is None
    assert not panel._tabs.isTabEnabled(SAVE)


def test_choices_that_changed_since_are_said(opened, qtbot):
    panel = opened(controls())
    simple(panel)
    fitted(panel, qtbot)
    assert not panel.fitting._message.text()
    panel.what.choose(scale="log")
    assert "fit again" in panel.fitting._message.text()
    panel.what.choose(scale="none")
    assert not panel.fitting._message.text()


def test_a_fit_is_cancelled(opened, qtbot, monkeypatch):
    panel = opened(controls())
    begun, ended = threading.Event(), threading.Event()

    def slow(*_, progress, cancelled):
        begun.set()
        while not cancelled():
            progress(1, 2)
        ended.set()

    monkeypatch.setattr(_ref_work, "fit_people", slow)
    panel.fit()
    assert begun.wait(10)
    qtbot.waitUntil(lambda: panel.fitting._progress.value() == 1)
    panel.fitting._cancel.click()
    assert ended.wait(10)
    assert panel.fitting.value() is None
    assert panel.fitting._button.isEnabled()


def test_a_formula_is_read_while_it_is_typed(opened):
    panel = opened(controls())
    panel.what.choose(rule="own")
    assert "Type a formula" in panel.what._message.text()
    panel.what._formula.setText("1 + agee_years")
    assert "did you mean age_years?" in panel.what._message.text()
    panel.what._formula.setText("__import__('os')")
    assert "is no term of a formula" in panel.what._message.text()
    panel.fit()
    assert not panel.fitting.running
    assert "is no term of a formula" in panel.fitting._message.text()
    panel.what._formula.setText("1 + age_years:sex_male")
    assert panel.what._message.text() == ""
    assert panel.what.value().formula == "1 + age_years:sex_male"


def test_every_choice_reaches_the_fit(opened):
    panel = opened(controls())
    what = panel.what
    what._candidates["bmi"].setChecked(False)
    what._power.setValue(3)
    what._products.setChecked(True)
    what.choose(rule="aicc", repeated="left", scale="log", sd="residual")
    assert what.value() == FitOptions(
        candidates=("age_years", "sex_male", "height_cm", "weight_kg"),
        max_power=3,
        interactions=True,
        selection="aicc",
        repeated="left",
        scale="log",
        sd="residual",
    )
    what.choose(kind="lms", repeated="mixed", rule="all")
    what.choose(kind="quantiles")
    assert what.value() == FitOptions(
        candidates=("age_years", "sex_male", "height_cm", "weight_kg"),
        max_power=3,
        interactions=True,
        selection="none",
        repeated="mean",
        kind="quantiles",
    )


def test_side_needs_both_sides(opened):
    panel = opened(controls())
    panel.what._candidates["side_right"].setChecked(True)
    assert not panel.what.problem()
    panel.what.choose(repeated="mean")
    assert "needs both sides" in panel.what._message.text()


def test_what_the_table_does_not_tell_cannot_be_ticked(opened):
    panel = opened(controls().drop(columns=["weight"]))
    enabled = {n for n, box in panel.what._candidates.items() if box.isEnabled()}
    assert enabled == {"age_years", "sex_male", "height_cm", "side_right"}
    assert panel.what.value().candidates == ("age_years", "sex_male", "height_cm")


def test_muscles_that_are_not_ticked_are_not_fitted(opened, qtbot):
    panel = opened(controls())
    simple(panel)
    panel.what.muscles.tick("Soleus", on=False)
    assert [m.muscle for m in fitted(panel, qtbot).muscles] == ["Biceps brachii"]
    panel.what.muscles.tick_none()
    assert panel.what.problem() == "Tick at least one muscle."


def test_a_column_of_another_name_is_chosen(opened, qtbot):
    panel = opened(controls().rename(columns={"value": "blob"}))
    assert "holds values" in said(panel)
    panel.table._grid.choose("value", "blob")
    wait(qtbot, panel.table._job)
    assert len(panel.table.value().table) == 160


def test_two_columns_that_may_be_meant_are_asked_for(opened, qtbot):
    table = controls()
    panel = opened(table.assign(EI=table["value"] + 1).drop(columns="value").assign(
        **{"echo intensity": table["value"]}
    ))  # fmt: skip
    combo = panel.table._grid._combos["value"]
    chosen = combo.currentText()
    if not chosen:
        assert "may both be value" in said(panel)
    panel.table._grid.choose("value", "echo intensity")
    wait(qtbot, panel.table._job)
    assert panel.table.value().table["value"].tolist() == table["value"].tolist()


def test_a_column_that_is_not_to_be_used_is_left_out(opened, qtbot):
    panel = opened(controls())
    panel.table._grid.choose("weight_kg", "")
    wait(qtbot, panel.table._job)
    assert panel.table.value().table["weight_kg"].isna().all()
    assert not panel.what._candidates["weight_kg"].isEnabled()


def test_who_a_person_is_is_never_offered(opened):
    panel = opened(controls().assign(Surname="Doe"))
    items = panel.table._grid._combos["subject"]
    assert "Surname" not in [items.itemText(k) for k in range(items.count())]
    assert "'Surname' may tell who a person is" in said(panel)
    assert "Surname" not in panel.table.value().table.columns


def test_a_column_for_each_muscle(opened):
    long = controls(muscles=["Soleus"])
    people = long.drop_duplicates("subject").drop(columns=["muscle", "side", "value"])
    for side in ("left", "right"):
        people[f"Soleus {side}"] = long.loc[long["side"] == side, "value"].to_numpy()
    panel = opened(people)
    assert panel.table._counts.text().startswith("40 subjects, 1 muscle, 80 values")
    assert panel.table._grid._combos["value"].placeholderText() == "by muscle"


def test_a_workbook_with_several_sheets(panel, qtbot, tmp_path):
    table = controls(muscles=["Soleus"])
    book = Workbook()
    values, people = book.active, book.create_sheet("people")
    values.title = "values"
    told = table[["subject", "age", "sex"]].drop_duplicates()
    for sheet, part in (
        (values, table[["subject", "muscle", "side", "value"]]),
        (people, told),
    ):
        for row in [list(part.columns), *part.to_numpy().tolist()]:
            sheet.append(row)
    path = tmp_path / "controls.xlsx"
    book.save(path)
    panel.table.open(str(path))
    wait(qtbot, panel.table._job)
    assert "2 sheets; choose" in said(panel)
    panel.table._source.sheet_chosen.emit("values")
    wait(qtbot, panel.table._job)
    assert panel.table.value().table["age_years"].isna().all()
    panel.table.open_people(str(path), "people")
    wait(qtbot, panel.table._job)
    joined = panel.table.value().table
    assert joined["age_years"].tolist() == table["age"].tolist()


def test_results_with_a_sheet_of_people(panel, session, qtbot, tmp_path, sample):
    panel.use_results()
    assert "Results is empty" in said(panel)
    table = controls(muscles=["Soleus"])
    row = dict.fromkeys(results_frame([]).columns, "")
    rows = [
        row
        | {
            "subject": one.subject,
            "muscle": one.muscle,
            "side": one.side,
            "measure": measure,
            "value": one.value + shift,
            "unit": "gray level",
        }
        for one in table.itertuples()
        for measure, shift in (("intensity.mean", 0), ("intensity.median", 1))
    ]
    session.set_results(pd.DataFrame(rows))
    panel.use_results()
    wait(qtbot, panel.table._job)
    assert not panel.table._columns.isVisible()
    assert panel.what.value().candidates == ()
    people = tmp_path / "people.csv"
    told = table[["subject", "age", "sex", "height", "weight"]].drop_duplicates()
    told.to_csv(people, index=False)
    panel.table.open_people(str(people))
    wait(qtbot, panel.table._job)
    assert panel.what.value().candidates == FitOptions().candidates
    simple(panel)
    fit = fitted(panel, qtbot)
    expected = fit_reference(
        tidy_people(table), options=FitOptions(candidates=("age_years",), max_power=1)
    )
    assert fit.muscles[0].model == expected.muscles[0].model
    combo = panel.table._measure
    combo.setCurrentIndex(combo.findData("intensity.median"))
    combo.activated.emit(combo.currentIndex())
    wait(qtbot, panel.table._job)
    assert panel.table.value().measure == "intensity.median"
    assert panel.fitting.value() is None
    assert fitted(panel, qtbot).muscles[0].model.measure == "intensity.median"


def test_a_measure_is_found_by_a_part_of_its_name(opened, qtbot):
    panel = opened(controls())
    combo = panel.table._measure
    field = combo.lineEdit()
    field.selectAll()
    qtbot.keyClicks(field, "entropy (glcm")
    found = [
        combo.completer().completionModel().index(row, 0).data()
        for row in range(combo.completer().completionCount())
    ]
    kinds = ("Joint", "Difference", "Sum")
    assert found == [f"{kind} entropy (GLCM)" for kind in kinds]
    field.setText(found[0])
    qtbot.keyClick(field, Qt.Key.Key_Return)
    wait(qtbot, panel.table._job)
    assert panel.table.value().measure == "glcm.joint_entropy"


def test_words_that_name_no_measure_change_nothing(opened, qtbot):
    panel = opened(controls())
    field = panel.table._measure.lineEdit()
    field.selectAll()
    qtbot.keyClicks(field, "entrop")
    field.editingFinished.emit()
    assert field.text() == "Mean (EI)"
    assert panel.table._measure.value() == "intensity.mean"


def test_a_subject_missing_from_the_sheet_of_people_is_refused(opened, qtbot, tmp_path):
    table = controls().drop(columns=["age", "sex", "height", "weight"])
    panel = opened(table)
    people = tmp_path / "people.csv"
    pd.DataFrame({"subject": ["C00"], "age": [40]}).to_csv(people, index=False)
    panel.table.open_people(str(people))
    wait(qtbot, panel.table._job)
    assert panel.table.value() is None
    assert "C01" in said(panel)


def ready_to_save(opened, qtbot):
    panel = opened(controls(20, muscles=["Soleus"]))
    simple(panel)
    fitted(panel, qtbot)
    panel.saving.facts.fill(**FACTS)
    return panel


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("Our Lab", "such as our-lab"),
        ("radboud-esaote-6100-adult", "comes with the program"),
        ("../../evil", "such as evil"),
    ],
    ids=["capitals", "taken", "a path"],
)
def test_a_short_name_that_is_none(opened, qtbot, name, words):
    panel = ready_to_save(opened, qtbot)
    assert panel.saving._save.isEnabled()
    panel.saving.facts._fields["name"].setText(name)
    assert words in panel.saving._message.text()
    assert not panel.saving._save.isEnabled()


def test_what_must_be_told_is_asked_for(opened, qtbot):
    panel = ready_to_save(opened, qtbot)
    panel.saving.facts._fields["author"].setText("")
    panel.saving.facts._fields["models"].setText(" , ")
    assert "Fill in the author" in panel.saving._message.text()
    panel.saving.facts._fields["author"].setText("Us")
    assert "models are not possible" in panel.saving._message.text()
    assert not panel.saving._save.isEnabled()


def test_the_facts_stand_in_the_file(opened, qtbot, tmp_path):
    panel = ready_to_save(opened, qtbot)
    panel.saving.facts.fill(
        models="X, X Pro", presets="MSK", country="Nowhere", exclusion="myopathy"
    )
    panel.saving.facts._fields["models"].setText("X, X Pro")
    panel.saving.save(str(tmp_path / "set.json"))
    wait(qtbot, panel.saving._job)
    found = load_reference(tmp_path / "set.json")
    assert found.device.models == ("X", "X Pro")
    assert found.device.presets == ("MSK",)
    assert (found.licence, found.author) == ("CC BY 4.0", "Us")
    assert (found.population.country, found.population.exclusion) == (
        "Nowhere",
        "myopathy",
    )
    assert (found.population.n, found.population.women) == (20, 10)


def test_nothing_is_replaced_unasked(opened, qtbot, tmp_path, monkeypatch, own_folder):
    panel = ready_to_save(opened, qtbot)
    path = tmp_path / "set.json"
    path.write_text("kept", encoding="utf-8")
    panel.saving.save(str(path))
    wait(qtbot, panel.saving._job)
    assert "is there already" in panel.saving._done.text()
    # What is no reference set is not replaced even when the dialog asked.
    panel.saving.save(str(path), overwrite=True)
    wait(qtbot, panel.saving._job)
    assert "not a reference set" in panel.saving._done.text()
    assert path.read_text(encoding="utf-8") == "kept"
    assert not panel.saving._use.isEnabled()
    # The dialog asked about another name than the one with the suffix.
    other = tmp_path / "other.json"
    panel.saving.save(str(other))
    wait(qtbot, panel.saving._job)
    before = other.read_bytes()
    panel.saving.facts._fields["title"].setText("Another title")
    monkeypatch.setattr(
        _ref_save.QFileDialog,
        "getSaveFileName",
        lambda *_: (str(tmp_path / "other"), ""),
    )
    panel.saving._save.click()
    wait(qtbot, panel.saving._job)
    assert "is there already" in panel.saving._done.text()
    assert other.read_bytes() == before


def test_another_fit_is_not_the_saved_one(opened, qtbot, tmp_path):
    panel = ready_to_save(opened, qtbot)
    panel.saving.save(str(tmp_path / "set.json"))
    wait(qtbot, panel.saving._job)
    assert panel.saving._use.isEnabled()
    fitted(panel, qtbot)
    assert not panel.saving._use.isEnabled()


def test_the_report_tells_the_model(opened, qtbot, tmp_path, notes):
    pytest.importorskip("napari_muscle_us.reference.fitting.fit_report")
    panel = ready_to_save(opened, qtbot)
    path = tmp_path / "report.html"
    panel.saving.save_report(str(path))
    wait(qtbot, panel.saving._job)
    text = path.read_text(encoding="utf-8")
    assert "Soleus" in text
    assert "Our controls" in text
    assert not panel.saving._waiting.isVisible()
    assert notes == [f"Saved {path}"]


def test_the_scanner_of_the_image_is_filled_in(viewer, opened, qtbot):
    image = UltrasoundImage(
        np.zeros((40, 40), np.uint8),
        name="x.dcm",
        digest="0" * 64,
        device=Device("Philips", "EPIQ 5G", transducer="L12-5", preset="MSK, gen"),
    )
    data, attributes, _ = layer_data(image)
    viewer.add_image(data, **attributes)
    panel = opened(controls())
    simple(panel)
    fitted(panel, qtbot)
    panel.saving.facts.fill(author="Us", licence="CC0 1.0")
    facts = panel.saving.facts.value()
    assert (facts.device.manufacturer, facts.device.models) == ("Philips", ("EPIQ 5G",))
    assert facts.device.transducers == ("L12-5",)
    assert facts.device.presets == ("MSK  gen",)
    assert facts.texts["name"] == "philips-epiq-5g-own"


def test_details_tell_tests_formulas_subjects_and_limits(opened, qtbot):
    panel = opened(controls())
    fit = fitted(panel, qtbot).muscles[0]
    details = panel.fitting._details
    for test in fit.diagnostics.tests:
        assert test.name.replace("'", "&#x27;") in details.page("Checks")
    assert f"{fit.limit_error.more_to_halve} more would halve it" in details.page(
        "Limits"
    )
    for band in fit.left_out.bands:
        assert f"{band.low:g}–{band.high:g}" in details.page("Limits")
    best = min(c.score for c in fit.candidates)
    assert f"{best:.3f}" in details.page("Formulas")
    for one in fit.diagnostics.influential:
        assert one.subject in details.page("Subjects")


def test_texts_of_a_table_are_shown_as_texts(opened, qtbot):
    table = controls(muscles=["Soleus"])
    table["subject"] = "<b>" + table["subject"]
    # One far off, to be named.
    table.loc[table["subject"] == "<b>C07", "value"] += 60
    panel = opened(table)
    simple(panel)
    fitted(panel, qtbot)
    assert "&lt;b&gt;C07" in panel.fitting._details.page("Subjects")


def test_every_plot_is_drawn(opened, qtbot):
    panel = opened(controls(muscles=["Soleus"]))
    fit = fitted(panel, qtbot).muscles[0]
    details = panel.fitting._details
    plot = details._plot.plot()
    keys = list(_ref_work.plot_titles(fit))
    assert details._which.count() == len(keys) > 3
    for index in range(len(keys)):
        details._which.setCurrentIndex(index)
        (axes,) = plot.figure.axes
        assert axes.has_data(), keys[index]


def test_what_plots_show_is_worked_out_by_the_fit(opened, qtbot, monkeypatch):
    panel = opened(controls())
    simple(panel)
    first, second = fitted(panel, qtbot).muscles
    details = panel.fitting._details
    asked = []
    for name in ("person", "covariates_of_rows", "subject_residuals", "smooth_line"):
        monkeypatch.setattr(_fit_plot_numbers, name, asked.append)
    plot = details._plot.plot()
    for row, fit in ((1, second), (0, first)):
        panel.fitting.choose(row)
        for index in range(details._which.count()):
            details._which.setCurrentIndex(index)
            assert plot.figure.axes[0].has_data()
        assert details.value() is fit
    assert asked == []


def test_a_page_is_written_when_it_is_looked_at(opened, qtbot):
    panel = opened(controls())
    simple(panel)
    first, second = fitted(panel, qtbot).muscles
    details = panel.fitting._details
    label = details._pages["Limits"]
    assert label.text() == ""
    titles = [details.tabText(k) for k in range(details.count())]
    details.setCurrentIndex(titles.index("Limits"))
    assert first.left_out.words in html.unescape(label.text())
    panel.fitting.choose(1)
    assert second.left_out.words in html.unescape(label.text())
    assert first.left_out.words not in html.unescape(label.text())
    details.setCurrentIndex(titles.index("Checks"))
    assert second.diagnostics.tests[0].words in html.unescape(details.page("Checks"))


def test_another_muscle_is_drawn_once(opened, qtbot, monkeypatch):
    panel = opened(controls())
    simple(panel)
    fitted(panel, qtbot)
    panel.show_step(FIT)
    plot = panel.fitting._details._plot.plot()
    for _ in range(3):
        QApplication.processEvents()
    draws = []
    draw = type(plot).draw
    monkeypatch.setattr(
        type(plot), "draw", lambda self: (draws.append(self), draw(self))
    )
    panel.fitting.choose(1)
    for _ in range(3):
        QApplication.processEvents()
    assert draws == [plot]


def test_a_verdict_says_what_is_off(opened, qtbot):
    from napari_muscle_us._napari.panels import _ref_words as words

    panel = opened(controls(muscles=["Soleus"]))
    simple(panel)
    fit = fitted(panel, qtbot).muscles[0]
    sound = dataclasses.replace(
        fit, diagnostics=dataclasses.replace(fit.diagnostics, suggestion="")
    )
    assert words.verdict(sound) == "✓ sound"
    look = dataclasses.replace(
        fit, diagnostics=dataclasses.replace(fit.diagnostics, suggestion="Try logs.")
    )
    assert words.verdict(look) == "⚠ look"
    off = dataclasses.replace(
        sound, left_out=dataclasses.replace(fit.left_out, passed=False, words="SD 2.")
    )
    assert (words.verdict(off), words.verdict_words(off)) == ("✗ Z is off", "SD 2.")


KINDS = {
    "lms": ({"kind": "lms"}, "LMS curve along age"),
    "quantiles": ({"kind": "quantiles"}, "quantiles: age"),
    "logarithm": ({"scale": "log"}, "age (log)"),
    "all as ticked": ({"rule": "all"}, "age"),
    "AICc": ({"rule": "aicc"}, "age"),
}


@pytest.mark.parametrize(("chosen", "words"), list(KINDS.values()), ids=list(KINDS))
def test_every_kind_is_shown(opened, qtbot, chosen, words):
    panel = opened(controls(150, muscles=["Soleus"]))
    simple(panel)
    panel.what.choose(**chosen)
    fit = fitted(panel, qtbot)
    assert fit is not None, panel.fitting._message.text()
    fit = fit.muscles[0]
    model = panel.fitting._model
    assert model.index(0, 5).data() == words
    # The scatter of a person's values: 5 of people and 3 of sides, about 5.8.
    spread = float(model.index(0, 3).data())
    assert 0.05 < spread < 0.2 if "scale" in chosen else 4 < spread < 8
    details = panel.fitting._details
    details._which.setCurrentIndex(0)
    (axes,) = details._plot.plot().figure.axes
    assert axes.has_data()
    assert words in details.page("Formulas")
    assert fit.left_out.words[:20] in details.page("Limits")
