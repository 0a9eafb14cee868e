"""All muscles of a person against a reference set, in their panel."""

from __future__ import annotations

import csv
import json
import math
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from openpyxl import Workbook
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

import napari_muscle_us as mus
from napari_muscle_us._napari._devices import devices_of
from napari_muscle_us._napari.panels.examination import ExaminationPanel
from napari_muscle_us._napari.panels.repeats import RepeatsPanel
from napari_muscle_us.errors import MuscleUSError
from napari_muscle_us.image import Device, UltrasoundImage
from napari_muscle_us.reference.load import DEFAULT_SET
from napari_muscle_us.reference.subject import Subject
from napari_muscle_us.rows import ZScoreRequest, measure_rois

PERSON = Subject(40, "male", 180, 80)
ESAOTE = Device("Esaote", "6100")
OTHER = Device("Philips", "iU22")
MUSCLES = {
    ("Biceps brachii", "left"): (110.0, 112.0, 114.0),
    ("Biceps brachii", "right"): (70.0,),
    ("Soleus", "left"): (60.0,),
    ("Diaphragm", "left"): (60.0,),
}


def picture(name, mean, device=None):
    gray = np.full((40, 40), int(mean), np.uint8)
    digest = name.encode().hex()[-64:].zfill(64)
    return UltrasoundImage(gray, name=name, digest=digest, device=device or Device())


def rows(muscles=MUSCLES, *, subject="P1", visit="", device=None, z_score=None):
    found = []
    for (muscle, side), means in muscles.items():
        roi = mus.Rectangle(10, 10, 20, 20, name="R", muscle=muscle, side=side)
        for k, mean in enumerate(means):
            image = picture(f"{muscle} {side} {k} {visit}.dcm", mean, device)
            found.append(
                measure_rois(
                    image, [roi], subject=subject, visit=visit, z_score=z_score
                )
            )
    return pd.concat(found, ignore_index=True)


def z_of(muscle, value, person=PERSON):
    return (
        mus.load_reference(DEFAULT_SET)
        .z_score(
            muscle,
            echo_intensity=value,
            age_years=person.age_years,
            sex=person.sex,
            height_cm=person.height_cm,
            weight_kg=person.weight_kg,
        )
        .z
    )


@pytest.fixture
def panel(viewer, session, shown):
    session.set_subject(PERSON, DEFAULT_SET, accept_device=False)
    session.set_results(rows())
    return shown(ExaminationPanel(viewer))


def line(panel, muscle, side):
    (found,) = [x for x in panel._grid.model.lines() if x[:2] == (muscle, side)]
    return found


def z_rows(session):
    return session.results[session.results["measure"] == "repeats.z_score"]


def test_each_muscle_and_side_has_its_z_score(panel):
    z = z_of("Biceps brachii", 112.0)
    biceps = line(panel, "Biceps brachii", "left")
    assert biceps[2] == "112.0"
    assert biceps[4] == f"▲ +{z:.2f}"
    assert biceps[5] == "> 99.9"
    soleus = line(panel, "Soleus", "left")
    assert soleus[4] == f"{z_of('Soleus', 60.0):+.2f}".replace("-", "−")
    assert "▲" not in soleus[4]
    diaphragm = line(panel, "Diaphragm", "left")
    assert diaphragm[3:6] == ("–", "–", "–")
    assert "not in the reference set" in diaphragm[6]


def test_a_raised_muscle_is_bold_and_others_are_not(panel):
    model = panel._grid.model
    role = Qt.ItemDataRole.FontRole
    names = [texts[:2] for texts in model.lines()]
    raised = names.index(("Biceps brachii", "left"))
    normal = names.index(("Soleus", "left"))
    assert model.data(model.index(raised, 4), role).bold()
    assert model.data(model.index(normal, 4), role) is None


def test_the_table_sorts_by_number(panel):
    view = panel._grid.view
    view.sortByColumn(4, Qt.SortOrder.DescendingOrder)
    shown_z = [
        view.model().index(row, 4).data() for row in range(view.model().rowCount())
    ]
    assert shown_z[0].startswith("▲")
    assert shown_z[-1] == "–"
    view.selectRow(0)
    # The note is of the line that was chosen, wherever sorting has put it.
    assert "mean of 3 images" in panel._note.text()


def test_without_results_it_tells_what_to_do(viewer, session, shown):
    panel = shown(ExaminationPanel(viewer))
    assert panel.value() is None
    assert "Measure the muscles" in panel._message.text()
    assert not panel._splitter.isVisible()


def test_another_person_gives_other_z_scores(panel, session, qtbot):
    old = Subject(80, "male", 180, 80)
    session.set_subject(old, DEFAULT_SET, accept_device=False)
    wanted = f"{z_of('Biceps brachii', 112.0, old):+.2f}"
    qtbot.waitUntil(lambda: wanted in line(panel, "Biceps brachii", "left")[4])
    assert "80 years" in panel._told.text()


def test_the_decision_shows_its_steps_and_is_no_diagnosis(panel):
    text = panel._decision.text()
    decision = panel.value().decide()
    for step in decision.steps:
        assert step.words.rpartition(" — ")[0].replace(">", "&gt;") in text
    assert "Diaphragm left" in text  # It has no Z-score, and that is a caveat.
    panel.show_tab("Decision")
    labels = [w.text() for w in panel.findChildren(type(panel._decision))]
    assert any("Decision support, not a diagnosis" in t for t in labels)


def test_a_muscle_name_is_shown_and_not_run_as_markup(panel, session, qtbot):
    session.set_results(rows({("<img src=x>", "left"): (60.0,), **MUSCLES}))
    qtbot.waitUntil(lambda: "&lt;img" in panel._decision.text())
    assert "<img" not in panel._decision.text()


def test_counts_are_those_of_the_core(panel):
    scores = {
        ("Biceps brachii", "left"): z_of("Biceps brachii", 112.0),
        ("Biceps brachii", "right"): z_of("Biceps brachii", 70.0),
        ("Soleus", "left"): z_of("Soleus", 60.0),
    }
    for texts in panel._counts.model.lines():
        above = sum(z > float(texts[0]) for z in scores.values())
        assert texts[1] == f"{above} of 3"
    apart = scores["Biceps brachii", "left"] - scores["Biceps brachii", "right"]
    assert f"Biceps brachii {apart:+.2f}" in panel._sides.text()


def test_an_unknown_device_is_said(panel):
    assert "device of the image is not known" in panel._message.text()


def test_the_device_of_an_open_image_is_remembered_when_it_is_closed(
    viewer, session, shown
):
    image = picture("Soleus left 0 .dcm", 60, OTHER)
    layer = session.add_image(image)
    session.set_subject(PERSON, DEFAULT_SET, accept_device=False)
    session.set_results(rows({("Soleus", "left"): (60.0,)}))
    viewer.layers.remove(layer)
    assert devices_of(session)[image.sha256] == OTHER
    panel = shown(ExaminationPanel(viewer))
    assert math.isnan(panel.value().muscles[0].z)
    assert "Philips" in line(panel, "Soleus", "left")[6]


def test_the_sets_own_device_gives_no_caveat(viewer, session, shown):
    session.add_image(picture("Soleus left 0 .dcm", 60, ESAOTE))
    session.set_subject(PERSON, DEFAULT_SET, accept_device=False)
    session.set_results(rows({("Soleus", "left"): (60.0,)}))
    panel = shown(ExaminationPanel(viewer))
    assert panel.value().z_scores["Soleus left"] == z_of("Soleus", 60.0)
    assert "not known" not in panel._message.text()


def test_added_rows_replace_those_of_before(panel, session):
    before = len(session.results)
    panel.add()
    added = z_rows(session)
    assert len(session.results) == before + 4
    left = added[(added["muscle"] == "Biceps brachii") & (added["side"] == "left")]
    assert left["value"].item() == pytest.approx(z_of("Biceps brachii", 112.0))
    session.set_subject(Subject(60, "male", 180, 80), DEFAULT_SET, accept_device=False)
    panel.add()
    assert len(session.results) == before + 4
    ages = {json.loads(method)["age_years"] for method in z_rows(session)["method"]}
    assert ages == {60}


def test_rows_of_another_visit_stay(panel, session):
    panel.add()
    both = [session.results, rows(visit="2")]
    session.set_results(pd.concat(both, ignore_index=True))
    panel.source.choose("P1", "2")
    panel.add()
    assert sorted(z_rows(session)["visit"]) == [""] * 4 + ["2"] * 4


def test_averaging_again_drops_the_z_scores_of_that_muscle(panel, viewer, session):
    panel.add()
    repeats = RepeatsPanel(viewer)
    repeats.leave_out({"Biceps brachii left 2 .dcm"})
    known = session.results
    only = known[known["muscle"] != "Soleus"]
    session.set_results(only.reset_index(drop=True))
    soleus = known[
        (known["muscle"] == "Soleus") & (known["measure"] == "repeats.z_score")
    ]
    session.set_results(pd.concat([only, soleus], ignore_index=True))
    repeats.add()
    left = z_rows(session)
    # That of a muscle without new averages still holds.
    assert set(left["muscle"]) == {"Soleus"}


def test_people_and_visits_are_offered_only_when_there_are_several(
    panel, session, qtbot
):
    assert not panel.source._subject.isVisible()
    more = rows(subject="P2", visit="a")
    session.set_results(pd.concat([session.results, more], ignore_index=True))
    qtbot.waitUntil(panel.source._subject.isVisible)
    assert "several people" in panel._message.text()
    panel.source.choose("P2")
    assert panel.value().subject_code == "P2"
    assert panel.value().visit == "a"


def test_rows_made_for_another_person_are_doubted(panel, session, qtbot):
    request = ZScoreRequest(DEFAULT_SET, Subject(62, "female", 165, 60))
    only = {("Soleus", "left"): (60.0,)}
    session.set_results(rows(only, z_score=request))
    qtbot.waitUntil(lambda: "another person" in panel._message.text())
    assert "female, 62 years, 165 cm, 60 kg" in panel._message.text()
    session.set_subject(request.subject, DEFAULT_SET, accept_device=False)
    qtbot.waitUntil(lambda: "another person" not in panel._message.text())


def test_a_spreadsheet_tells_its_own_person(panel, tmp_path, session):
    path = tmp_path / "exam.csv"
    path.write_text(
        "code,muscle,side,EI,age,sex,height,weight\n"
        "S1,Biceps brachii,left,100,40,male,180,80\n"
        "S1,Soleus,right,60,40,male,180,80\n"
    )
    session.set_subject(Subject(70), DEFAULT_SET, accept_device=False)
    panel.source.use_spreadsheet(str(path))
    # The worked example of the published set.
    assert panel.value().z_scores["Biceps brachii left"] == pytest.approx(
        4.6759, abs=5e-5
    )
    assert "as the spreadsheet tells" in panel._told.text()
    with pytest.raises(MuscleUSError, match="spreadsheet"):
        panel.add()
    assert z_rows(session).empty
    panel.source.use_results()
    assert panel.value().subject_code == "P1"


def test_a_bad_spreadsheet_changes_nothing(panel, tmp_path):
    before = panel.value()
    path = tmp_path / "bad.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(MuscleUSError):
        panel.source.use_spreadsheet(str(path))
    assert panel.value() is before


@pytest.fixture
def workbook(tmp_path):
    """Return a workbook of two visits, and a sheet that tells no values."""
    book = Workbook()
    book.active.title = "First"
    for title, value in (("First", 100), ("Second", 60)):
        page = book[title] if title in book.sheetnames else book.create_sheet(title)
        page.append(["code", "muscle", "side", "EI", "age", "sex", "height", "weight"])
        page.append(["S1", "Biceps brachii", "left", value, 40, "male", 180, 80])
    book.create_sheet("Notes").append(["written by", "on"])
    path = tmp_path / "visits.xlsx"
    book.save(path)
    return str(path)


def test_of_several_sheets_one_is_chosen(panel, workbook):
    before = panel.value()
    source = panel.source
    source.use_spreadsheet(workbook)
    # Nothing is guessed: the values of before stay until a sheet is chosen.
    assert panel.value() is before
    assert source._name.text() == "Results table"
    sheets = source._sheets
    assert sheets.isVisible()
    assert [sheets.itemText(k) for k in range(3)] == ["First", "Second", "Notes"]
    assert sheets.currentIndex() == -1
    assert sheets.placeholderText() == "choose the sheet of visits.xlsx…"
    for title, value in (("Second", 60), ("First", 100)):
        choose(sheets, title)
        assert source._name.text() == f"visits.xlsx, {title}"
        expected = z_of("Biceps brachii", value)
        assert panel.value().z_scores == {"Biceps brachii left": expected}
    source.use_results()
    assert not sheets.isVisible()
    assert panel.value().subject_code == "P1"


def test_a_sheet_without_values_changes_nothing(panel, workbook, notes):
    panel.source.use_spreadsheet(workbook)
    choose(panel.source._sheets, "Second")
    before = panel.value()
    choose(panel.source._sheets, "Notes")
    assert len(notes) == 1
    assert panel.value() is before
    assert panel.source._sheets.currentText() == "Second"


def choose(combo, text):
    """Choose an entry as a user does."""
    combo.setCurrentText(text)
    combo.textActivated.emit(text)


def test_a_conversion_that_is_gone_is_said(panel, session, qtbot):
    session.set_subject(
        PERSON, DEFAULT_SET, accept_device=False, conversion="/gone.json"
    )
    qtbot.waitUntil(lambda: "gone.json" in panel._message.text())
    assert panel.value() is None


def test_the_table_is_saved_with_all_digits_and_no_formula(panel, tmp_path, session):
    session.set_results(rows({("=1+1", "left"): (60.0,), **MUSCLES}))
    path = tmp_path / "exam.csv"
    panel.save(str(path))
    with path.open(encoding="utf-8") as file:
        saved = list(csv.DictReader(file))
    biceps = next(r for r in saved if r["muscle"] == "Biceps brachii")
    assert float(biceps["z"]) == panel.value().z_scores["Biceps brachii left"]
    assert biceps["age_years"] == "40"
    assert [r["muscle"] for r in saved if "1+1" in r["muscle"]] == ["'=1+1"]


def test_copy_gives_the_same_table(panel, notes):
    panel._on_copy()
    head, *lines = QApplication.clipboard().text().splitlines()
    assert head.split("\t")[:3] == ["subject", "visit", "reference"]
    assert len(lines) == 4


@pytest.mark.parametrize("suffix", [".png", ".pdf", ".svg"])
def test_the_plot_in_front_is_saved(panel, tmp_path, suffix):
    heads = {".png": b"\x89PNG", ".pdf": b"%PDF", ".svg": b"<?xml"}
    bars, body = tmp_path / f"bars{suffix}", tmp_path / f"body{suffix}"
    panel.save(str(bars))
    panel.show_tab("Body map")
    panel.save(str(body))
    for path in (bars, body):
        assert path.read_bytes().startswith(heads[suffix])
    assert bars.read_bytes() != body.read_bytes()


def test_another_suffix_is_refused_and_nothing_written(panel, tmp_path):
    with pytest.raises(MuscleUSError, match=r"\.png"):
        panel.save(str(tmp_path / "exam.bmp"))
    assert list(tmp_path.iterdir()) == []


def test_the_body_map_tells_what_the_mouse_points_at(panel, qtbot):
    plot = panel._body.plot()
    plot.draw()
    axes = plot.figure.axes[0]

    def at(gid):
        (patch,) = [p for p in axes.patches if p.get_gid() == gid]
        x, y = patch.get_window_extent().get_points().mean(axis=0)
        return SimpleNamespace(x=x, y=y, canvas=plot, inaxes=axes)

    plot._on_moved(at("Biceps brachii left"))
    z = z_of("Biceps brachii", 112.0)
    assert panel._pointed.text() == f"Biceps brachii left: Z = +{z:.2f}"
    plot._on_moved(at("Deltoideus left"))
    assert panel._pointed.text() == "Deltoideus left: not measured"
    plot._on_pressed(at("Biceps brachii right"))
    chosen = panel._grid.model.lines()[panel._grid.selected()]
    assert chosen[:2] == ("Biceps brachii", "right")


def test_plots_are_drawn_in_the_colour_of_the_theme(panel, viewer):
    bars = panel._bars.plot().plot
    viewer.theme = "light"
    light = bars.figure.axes[0].texts[0].get_color()
    viewer.theme = "dark"
    assert bars.figure.axes[0].texts[0].get_color() != light


def test_many_bars_scroll_instead_of_being_cut(panel, session, qtbot):
    names = list(mus.load_reference(DEFAULT_SET).muscles)[:30]
    session.set_results(rows({(name, "left"): (60.0,) for name in names}))
    area = panel._bars.plot()
    qtbot.waitUntil(lambda: area.verticalScrollBar().maximum() > 0)
    assert area.plot.height() >= 20 * len(names)


def test_a_caveat_of_several_muscles_is_said_once(panel):
    text = panel._decision.text()
    assert text.count("the protocol asks for 3") == 1
    assert "Biceps brachii right, Soleus left: 1 image" in text
