"""Whole stories of reference values: an examination, own controls, another scanner."""

from __future__ import annotations

import math
import weakref

import numpy as np
import pandas as pd
import pytest
from qtpy.compat import isalive
from qtpy.QtWidgets import QToolButton

import napari_muscle_us as mus
from napari_muscle_us._napari._session import session_of
from napari_muscle_us._napari.panels import (
    _conv_files,
    _conv_source,
    _ref_save,
    _ref_table,
)
from napari_muscle_us._napari.panels._widgets import PANEL_WIDTH
from napari_muscle_us._napari.panels.workflow import MORE, TITLES
from napari_muscle_us.cli import main
from napari_muscle_us.image import Device, UltrasoundImage
from napari_muscle_us.reference.conversion.conversion_file import load_conversion
from napari_muscle_us.reference.load import DEFAULT_SET, load_reference
from napari_muscle_us.reference.subject import Subject

from .conftest import announce, forget_deleted, press, settle

PLUGIN = "napari-muscle-us"
MAN = Subject(40, "male", 180, 80)
BICEPS, SOLEUS = "Biceps brachii", "Soleus"
MAKER, MODEL = "Maker", "X"
PHILIPS = Device("Philips", "iU22")


def dock(viewer, name):
    """Open a panel as the Plugins menu does; return its dock and itself."""
    return viewer.window.add_plugin_dock_widget(PLUGIN, name)


def panel_of(viewer, name):
    """Open a panel as the Plugins menu does."""
    return dock(viewer, name)[1]


def from_menu(viewer, workflow, title):
    """Choose a panel in the menu in the corner; return it."""
    (action,) = [one for one in workflow._more.actions() if one.text() == title]
    action.trigger()
    return panel_of(viewer, title)


def z_by_hand(muscle, value, person=MAN, conversion=None):
    """Return Z by the built-in set; of a converted value with the line's error."""
    if conversion is not None:
        value = conversion.intercept + conversion.slope * value
    score = load_reference(DEFAULT_SET).z_score(
        muscle,
        echo_intensity=value,
        age_years=person.age_years,
        sex=person.sex,
        height_cm=person.height_cm,
        weight_kg=person.weight_kg,
    )
    if conversion is None:
        return score.z
    return (value - score.predicted) / math.hypot(
        score.sd, conversion.slope * conversion.residual_sd
    )


def saved_as(path):
    """Return what stands in for a dialog that asks for a file."""
    return lambda *_, **__: (str(path), "")


def halves(left, right, name, device=None):
    """Return an image with another gray level, ± 2, in each half."""
    gray = np.empty((120, 160), np.uint8)
    gray[:, :80], gray[:, 80:] = left, right
    gray[::2] += 2
    gray[1::2] -= 2
    digest = name.encode().hex()[-64:].zfill(64)
    return UltrasoundImage(gray, name=name, digest=digest, device=device or Device())


def box(top, left, bottom, right):
    """Return the corners of a rectangle in napari's order."""
    return np.array([(top, left), (top, right), (bottom, right), (bottom, left)])


def test_an_examination_from_drawing_to_a_verified_table(
    viewer, qtbot, mouse, tmp_path, capsys
):
    workflow = panel_of(viewer, "Workflow")
    session = session_of(viewer)
    session.set_subject(MAN, DEFAULT_SET, accept_device=False)
    results = workflow.show_tab("Results")
    results._labels.subject.setText("S012")
    expected = {}
    for sample, muscle in (("healthy", BICEPS), ("diseased", SOLEUS)):
        name = f"transverse_{sample}"
        viewer.open_sample(PLUGIN, name)
        outline = mus.simulate_muscle(name).muscle_outline
        middle = outline.mean(axis=0)
        workflow.show_tab("Muscle ROIs")._tools.button("Rectangle").click()
        corner = middle - (12, 90)
        for _ in mouse(viewer, session.roi_layer).drag(corner, middle, middle + 12):
            pass
        qtbot.waitUntil(lambda: len(session.regions()) == 1)
        session.roi_layer.add(outline, shape_type="polygon")
        for index, side in enumerate(("left", "right")):
            session.edit(index, muscle=muscle, side=side)
        results = workflow.show_tab("Results")
        results.measure(everything=True)
        gray = np.asarray(session.image().pixels)
        for region in session.regions():
            inside = mus.roi_mask(region.roi, gray.shape)
            expected[muscle, region.side] = gray[inside].mean()
    assert len(expected) == 4

    exam = workflow.show_tab("Examination")
    qtbot.waitUntil(lambda: exam.value() is not None)
    found = {(m.muscle, m.side): m for m in exam.value().muscles}
    assert set(found) == set(expected)
    for place, mean in expected.items():
        assert found[place].measured.value == pytest.approx(mean, rel=1e-12)
        assert found[place].z == pytest.approx(z_by_hand(place[0], mean), rel=1e-9)
    assert found[SOLEUS, "right"].z > 2 > found[BICEPS, "right"].z

    for title in ("Bars", "Body map", "Decision", "Counts"):
        exam.show_tab(title)
        settle()
    bars = exam._bars.plot().plot.figure.axes[0]
    assert len(bars.patches) >= 4
    z = found[SOLEUS, "right"].z
    assert exam._body.plot().words("Soleus right") == f"Soleus right: Z = +{z:.2f}"
    assert "<b>Branch:</b>" in exam._decision.text()
    above_two = sum(one.z > 2 for one in found.values())
    assert ("2.0", f"{above_two} of 4") in [x[:2] for x in exam._counts.model.lines()]

    press(exam, "Add to results")
    press(exam, "Add to results")
    path = tmp_path / "results.csv"
    results.save(str(path))
    table = mus.read_results(path)
    kept = table[table["measure"] == "repeats.z_score"]
    assert len(kept) == 4
    for row in kept.itertuples():
        assert row.value == pytest.approx(found[row.muscle, row.side].z, rel=1e-12)
    with pytest.raises(SystemExit) as stop:
        main(["verify", str(path), "--images", str(tmp_path)])
    assert stop.value.code == 0
    assert f"{len(table)} of {len(table)} rows agree" in capsys.readouterr().out


def controls(n=40):
    """Return controls whose echo intensity rises by 0.4 a year, two sides each."""
    rng = np.random.default_rng(7)
    age = rng.uniform(20, 80, n).round()
    own = 40 + 0.4 * age + rng.normal(0, 5, n)
    people = {"subject": [f"C{k:02}" for k in range(n)], "age": age}
    sides = [
        pd.DataFrame(people).assign(
            muscle=SOLEUS, side=side, value=(own + rng.normal(0, 3, n)).round(1)
        )
        for side in ("left", "right")
    ]
    return pd.concat(sides, ignore_index=True)


def test_own_controls_become_the_set_of_the_z_score(
    viewer, qtbot, tmp_path, monkeypatch
):
    workflow = panel_of(viewer, "Workflow")
    session = session_of(viewer)
    session.add_image(halves(71, 90, "x.dcm", Device(MAKER, MODEL)))
    session.new_roi_layer().add(box(9.5, 9.5, 49.5, 49.5), shape_type="rectangle")
    session.edit(0, muscle=SOLEUS, side="left")
    session.select([0])
    panel = from_menu(viewer, workflow, "Reference values")
    qtbot.waitUntil(panel.isVisible)

    source = tmp_path / "controls.csv"
    controls().to_csv(source, index=False)
    monkeypatch.setattr(_ref_table.QFileDialog, "getOpenFileName", saved_as(source))
    press(panel, "Open table…")
    qtbot.waitUntil(lambda: panel.table.value() is not None, timeout=20_000)
    panel.what._power.setValue(1)
    panel.show_step(2)
    press(panel, "Fit")
    qtbot.waitUntil(lambda: panel.fitting.value() is not None, timeout=20_000)
    (fit,) = panel.fitting.value().muscles
    assert fit.n_subjects == 40
    panel.show_step(3)
    # The scanner is that of the image that is shown.
    panel.saving.facts.fill(author="Us", licence="CC BY 4.0")
    for text, suffix in (("Save reference set…", "json"), ("Save report…", "html")):
        path = _ref_save.own_folder() / f"own.{suffix}"
        monkeypatch.setattr(_ref_save.QFileDialog, "getSaveFileName", saved_as(path))
        press(panel, text)
        qtbot.waitUntil(path.exists, timeout=30_000)
        qtbot.waitUntil(lambda: not panel.saving._job.running, timeout=30_000)
    page = path.read_text(encoding="utf-8")
    assert page.lstrip().lower().startswith("<!doctype html>")
    assert SOLEUS in page

    session.set_subject(Subject(age_years=50), DEFAULT_SET, accept_device=False)
    z_panel = workflow.show_tab("Z-score")
    assert z_panel.value() is None
    press(panel, "Use now")
    used = _ref_save.own_folder() / "own.json"
    assert session.reference == str(used)
    qtbot.waitUntil(lambda: z_panel.value() is not None)
    # By hand: age is centred nowhere, and both sides of a person count once.
    mean = session.statistics(session.regions()[0]).mean
    assert mean == 71.0
    row = np.array([1.0, 50.0])
    model = load_reference(used).models[0]
    predicted = row @ np.array(model.coefficients)
    variance = row @ np.array(model.covariance) @ row + model.residual_variance
    hand = (mean - predicted) / math.sqrt(variance)
    assert z_panel.value().z == pytest.approx(hand, rel=1e-9)
    assert predicted == pytest.approx(60, abs=3)
    assert str(used) in z_panel._sets.names()


def pairs():
    """Return 36 muscles of 12 people on both scanners, two images each."""
    rng = np.random.default_rng(4)
    rows = []
    for person in range(12):
        for muscle in (BICEPS, SOLEUS, "Rectus femoris"):
            true = rng.uniform(45, 110)
            for image in (1, 2):
                x, y = true + rng.normal(0, 3), 9 + 0.72 * true + rng.normal(0, 2)
                for scanner, value in (("Philips iU22", x), ("Esaote 6100", y)):
                    rows.append((f"S{person}", muscle, "left", image, scanner, value))
    names = ["subject", "muscle", "side", "image", "scanner", "value"]
    return pd.DataFrame(rows, columns=names)


def test_another_scanner_is_refused_without_a_conversion_and_carries_its_error(
    viewer, qtbot, tmp_path, monkeypatch
):
    workflow = panel_of(viewer, "Workflow")
    session = session_of(viewer)
    session.add_image(halves(80, 90, "x.dcm", PHILIPS))
    session.new_roi_layer().add(box(9.5, 9.5, 49.5, 49.5), shape_type="rectangle")
    session.edit(0, muscle=BICEPS, side="left")
    session.select([0])
    session.set_subject(MAN, DEFAULT_SET, accept_device=False)
    z_panel = workflow.show_tab("Z-score")
    assert z_panel.value() is None
    assert "Philips" in z_panel._message.text()

    tab = from_menu(viewer, workflow, "Device conversion").two_scanners
    qtbot.waitUntil(tab.isVisible)
    source, target = tmp_path / "pairs.csv", tmp_path / "there.json"
    pairs().to_csv(source, index=False)
    monkeypatch.setattr(_conv_source.QFileDialog, "getOpenFileName", saved_as(source))
    press(tab, "Open table…")
    press(tab, "Fit")
    qtbot.waitUntil(lambda: tab.value() is not None, timeout=30_000)
    tab.devices._ask_image_from()
    tab.devices._ask_set_to()
    tab.file.set_labels(author="Our laboratory")
    monkeypatch.setattr(_conv_files, "ask_save_path", lambda *_: str(target))
    press(tab, "Use for Z-scores")
    assert tab.message.text() == ""
    assert session.conversion == str(target)
    qtbot.waitUntil(lambda: z_panel.value() is not None)
    line = load_conversion(target)
    assert (str(line.source), str(line.target)) == ("Philips iU22", "Esaote 6100")
    hand = z_by_hand(BICEPS, 80.0, conversion=line)
    assert z_panel.value().z == pytest.approx(hand, rel=1e-9)
    without_error = z_by_hand(BICEPS, line.intercept + line.slope * 80)
    assert abs(z_panel.value().z) < abs(without_error)

    press(z_panel, "Remove")
    assert session.conversion == ""
    assert z_panel.value() is None
    assert "Philips" in z_panel._message.text()
    qtbot.waitUntil(lambda: not tab.file._used.isVisible())


def test_a_follow_up_flags_what_exceeds_the_measurement_error(viewer, qtbot):
    workflow = panel_of(viewer, "Workflow")
    session = session_of(viewer)
    session.set_subject(MAN, DEFAULT_SET, accept_device=False)
    results = workflow.show_tab("Results")
    results._labels.subject.setText("S012")
    # MDC95 of an SEM of 3 is 8.3: left stays below, right lies above it.
    for visit, left, right in (("1", 60, 70), ("2", 68, 79)):
        session.add_image(halves(left, right, f"{visit}.dcm"))
        layer = session.new_roi_layer()
        for index, start in enumerate((9.5, 99.5)):
            layer.add(box(9.5, start, 49.5, start + 40), shape_type="rectangle")
            side = ("left", "right")[index]
            session.edit(index, muscle=BICEPS, side=side)
        results._labels.visit.setText(visit)
        results.measure(everything=True)
    panel = from_menu(viewer, workflow, "Follow-up")
    qtbot.waitUntil(lambda: panel.value() is not None)
    assert not any("changed" in line[-1] for line in panel._grid.model.lines())
    panel.set_sem("3")
    lines = {line[1:3]: line for line in panel._grid.model.lines()}
    limit = f"{1.96 * math.sqrt(2) * 3:.1f}"
    assert lines["left", "2"][5:] == ("+8.0", limit, "within error")
    assert lines["right", "2"][5:] == ("+9.0", limit, "▲ changed")
    assert lines["left", "1"][-1] == lines["right", "1"][-1] == "first"


NEW = ("Z-score", "Examination", *(title for title, _ in MORE))


def announce_and_switch_theme(session):
    """Send every signal that panels listen to."""
    announce(session)
    viewer = session.viewer
    viewer.theme = "light" if viewer.theme == "dark" else "dark"


@pytest.fixture
def at_work(viewer):
    """Return a session with an image, an ROI, results and a person."""
    viewer.open_sample(PLUGIN, "transverse_healthy")
    session = session_of(viewer)
    outline = mus.simulate_muscle("transverse_healthy").muscle_outline
    session.new_roi_layer().add(outline, shape_type="polygon")
    session.edit(0, muscle=BICEPS, side="left")
    session.set_subject(MAN, DEFAULT_SET, accept_device=False)
    panel_of(viewer, "Results").measure()
    return session


def test_new_docks_come_and_go(viewer, at_work, qtbot):
    """Closed by the X or hidden: nothing is raised, and nothing stays behind."""
    for _time in range(2):
        opened = [dock(viewer, title) for title in NEW]
        for around, panel in opened:
            around.show()
            around.raise_()
            qtbot.waitUntil(panel.isVisible)
        settle()
        announce_and_switch_theme(at_work)
        opened[0][0].close()
        announce_and_switch_theme(at_work)
        settle()
        kept = [weakref.ref(panel) for around, panel in opened]
        for pair in opened:
            pair[0].destroyOnClose()
        announce_and_switch_theme(at_work)
        del around, panel, pair, opened
        forget_deleted()
        assert [one() for one in kept] == [None] * len(NEW)
    announce_and_switch_theme(at_work)


def test_a_panel_that_qt_deleted_answers_nothing(viewer, at_work, qtbot):
    panels = []
    for title in NEW:
        around, panel = dock(viewer, title)
        qtbot.waitUntil(panel.isVisible)
        settle()
        around.destroyOnClose()
        panel.deleteLater()
        panels.append(panel)
    forget_deleted()
    assert not any(isalive(panel) for panel in panels)
    announce_and_switch_theme(at_work)
    at_work.set_subject(Subject(50), DEFAULT_SET, accept_device=False)
    settle()


def test_layers_and_viewer_go_while_all_panels_are_open(viewer, at_work, qtbot):
    panels = [panel_of(viewer, title) for title in ("Workflow", *NEW)]
    for title in TITLES:
        panels[0].show_tab(title)
    settle()
    viewer.layers.clear()
    announce_and_switch_theme(at_work)
    settle()
    assert panels[1].value() is None
    # What was measured is still there to be looked at.
    examined = panel_of(viewer, "Examination")
    dock(viewer, "Examination")[0].raise_()
    qtbot.waitUntil(lambda: examined.value() is not None)
    viewer.close()
    at_work.set_subject(Subject(50), DEFAULT_SET, accept_device=False)
    settle()


def test_all_tabs_fit_into_the_narrowest_dock(viewer):
    around, workflow = dock(viewer, "Workflow")
    around.setFloating(True)
    around.resize(PANEL_WIDTH, 700)
    settle()
    bar = workflow._tabs.tabBar()
    corner = workflow._tabs.cornerWidget()
    assert corner.isVisible()
    last = bar.tabRect(bar.count() - 1).right()
    assert last < bar.width()
    assert last + corner.width() < PANEL_WIDTH
    assert not any(one.isVisible() for one in bar.findChildren(QToolButton))
