"""Whole stories: open, draw, measure, save, verify."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from napari.errors import MultipleReaderError
from napari.settings import get_settings
from qtpy.QtWidgets import QDockWidget

import napari_muscle_us as mus
from napari_muscle_us._napari._session import session_of
from napari_muscle_us.reference.subject import Subject

PLUGIN = "napari-muscle-us"
SHARED = Path(__file__).parents[3] / "shared" / "data"
ESAOTE = SHARED / "dicom" / "US-YBR_FULL_422-EVRLE.dcm"


def dock(viewer, name):
    """Open a panel as the Plugins menu does."""
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, name)
    return widget


def take_tool(viewer, name):
    """Open an empty picture and take a drawing tool of the panel."""
    viewer.add_image(np.zeros((150, 200), np.uint8))
    panel = dock(viewer, "Muscle ROIs")
    panel._tools.button(name).click()
    return panel, session_of(viewer)


@pytest.mark.parametrize(
    "name",
    [
        "Workflow",
        "Acquisition",
        "Muscle ROIs",
        "Grayscale histogram",
        "Texture (GLCM)",
        "Anisotropy map",
        "Time course",
        "Z-score",
        "Repeats",
        "Results",
    ],
)
def test_every_panel_docks_through_the_manifest(viewer, qtbot, name):
    qtbot.waitUntil(dock(viewer, name).isVisible)


def test_the_main_job_on_a_sample(viewer, qtbot, tmp_path):
    """Open a sample, draw, see histogram and Z-score, save, verify."""
    viewer.open_sample(PLUGIN, "transverse_healthy")
    workflow = dock(viewer, "Workflow")
    session = session_of(viewer)
    layer = session.new_roi_layer()
    outline = mus.simulate_muscle("transverse_healthy").muscle_outline
    layer.add(outline, shape_type="polygon")
    session.edit(0, name="BB", muscle="Biceps brachii", side="left")
    session.select([0])
    histogram = workflow.show_tab("Grayscale histogram")
    qtbot.waitUntil(lambda: len(histogram.value()) == 1)
    gray = np.asarray(viewer.layers[0].data)
    inside = mus.roi_mask(mus.Polygon(outline), gray.shape)
    assert histogram.value()[0][1].mean == pytest.approx(gray[inside].mean(), rel=1e-12)
    z_panel = workflow.show_tab("Z-score")
    session.set_subject(
        Subject(40, "male", 180, 80), "radboud-esaote-6100-adult", accept_device=False
    )
    qtbot.waitUntil(lambda: z_panel.value() is not None)
    results = workflow.show_tab("Results")
    results.measure()
    path = tmp_path / "results.csv"
    results.save(str(path))
    checks = mus.verify_results(mus.read_results(path), tmp_path)
    assert [check.same for check in checks] == [True] * 11


def test_scale_bar_and_layers_are_in_millimetres(viewer):
    viewer.open_sample(PLUGIN, "longitudinal_healthy")
    layer = viewer.layers[0]
    assert tuple(map(str, layer.units)) == ("millimeter", "millimeter")
    assert layer.axis_labels == ("depth", "lateral")
    dock(viewer, "Workflow")
    bar = viewer.canvas.overlays.scale_bar
    assert bar.visible
    session_of(viewer).new_roi_layer()
    assert {tuple(map(str, x.units)) for x in viewer.layers} == {("millimeter",) * 2}


def test_dragging_a_vertex_updates_histogram_while_dragging(viewer, qtbot, mouse):
    viewer.add_image(np.tile(np.arange(200, dtype=np.uint8), (150, 1)))
    panel = dock(viewer, "Grayscale histogram")
    session = session_of(viewer)
    layer = session.new_roi_layer()
    square = np.array([(30, 30), (30, 90), (90, 90), (90, 30)], float)
    layer.add(square, shape_type="polygon")
    session.select([0])
    viewer.layers.selection.active = layer
    layer.mode = "direct"
    qtbot.waitUntil(lambda: len(panel.value()) == 1)
    seen = []
    path = [(90, 90), (92, 92), (100, 110), (110, 130), (120, 150)]
    for _ in mouse(viewer, layer).drag(*path):
        expected = session.statistics(session.regions()[0]).n
        qtbot.waitUntil(lambda n=expected: panel.value()[0][1].n == n)
        seen.append(expected)
    assert len(set(seen)) >= 3
    assert seen == sorted(seen)


def test_drawing_an_ellipse_with_the_mouse(viewer, qtbot, mouse):
    _, session = take_tool(viewer, "Ellipse")
    layer = session.roi_layer
    for _ in mouse(viewer, layer).drag((40, 40), (60, 80), (100, 120)):
        pass
    assert list(layer.shape_type) == ["ellipse"]
    assert session.regions()[0].name == "ROI 1"
    area = session.regions()[0].roi.area_px
    assert area == pytest.approx(np.pi / 4 * 60 * 80, rel=0.05)


def test_drawing_a_polygon_click_by_click(viewer, qtbot, mouse):
    panel, session = take_tool(viewer, "Polygon")
    layer = session.roi_layer
    hand = mouse(viewer, layer)
    for place in [(40, 40), (40, 140), (110, 140), (110, 40)]:
        hand.click(*place)
        qtbot.wait(300)
        assert "⚠" not in panel._message.text()
    hand.click(110, 40, double=True)
    qtbot.waitUntil(lambda: [r.name for r in session.regions()] == ["ROI 1"])
    assert session.selected() == [0]
    assert session.regions()[0].roi.area_px == pytest.approx(7000, rel=0.03)


def test_drawing_freehand(viewer, qtbot, mouse):
    _, session = take_tool(viewer, "Freehand")
    angles = np.linspace(0, 2 * np.pi, 60)
    path = [(75 + 40 * np.sin(a), 100 + 60 * np.cos(a)) for a in angles]
    for _ in mouse(viewer, session.roi_layer).drag(*path):
        pass
    qtbot.waitUntil(lambda: [r.name for r in session.regions()] == ["ROI 1"])
    assert session.regions()[0].roi.area_px == pytest.approx(np.pi * 2400, rel=0.03)


@pytest.mark.skipif(not ESAOTE.exists(), reason="../shared/data is not here")
def test_a_dropped_scan_is_opened_by_the_chosen_reader(viewer, monkeypatch):
    """The reader of napari claims DICOM too; it asks once and remembers the answer."""
    with pytest.raises(MultipleReaderError):
        viewer.open(str(ESAOTE), plugin=None)
    chosen = {"*.dcm": PLUGIN}
    monkeypatch.setattr(get_settings().plugins, "extension2reader", chosen)
    (layer,) = viewer.open(str(ESAOTE), plugin=None)
    assert layer.source.reader_plugin == PLUGIN
    np.testing.assert_allclose(layer.scale, 0.0616, rtol=1e-6)


@pytest.mark.skipif(not ESAOTE.exists(), reason="../shared/data is not here")
def test_a_real_scan_from_file_to_z_score(viewer, qtbot):
    viewer.open(str(ESAOTE), plugin=PLUGIN)
    layer = viewer.layers[0]
    np.testing.assert_allclose(layer.scale, 0.0616, rtol=1e-6)
    panel = dock(viewer, "Z-score")
    session = session_of(viewer)
    rois = session.new_roi_layer()
    box = np.array([(150, 300), (150, 500), (210, 500), (210, 300)], float)
    rois.add(box, shape_type="rectangle")
    session.edit(0, muscle="Tibialis anterior")
    session.set_subject(
        Subject(40, "male"), "radboud-esaote-6100-adult", accept_device=False
    )
    qtbot.waitUntil(lambda: panel.value() is not None)
    # The device of the file is the one of the set: no warning.
    assert panel.value().warnings == ()


def test_a_closed_dock_does_no_more_work(viewer, qtbot):
    viewer.open_sample(PLUGIN, "transverse_healthy")
    panel = dock(viewer, "Grayscale histogram")
    qtbot.waitUntil(panel.isVisible)
    session = session_of(viewer)
    around = panel.parent()
    while not isinstance(around, QDockWidget):
        around = around.parent()
    around.close()
    layer = session.new_roi_layer()
    layer.add(np.array([(10, 10), (10, 50), (50, 50.0)]), shape_type="polygon")
    qtbot.wait(80)
    assert panel.value() == []


def test_napari_starts_without_loading_the_plugin():
    """The manifest is all that napari reads at its start."""
    script = (
        "import sys, napari\n"
        "viewer = napari.Viewer(show=False)\n"
        "from npe2 import PluginManager\n"
        "assert 'napari-muscle-us' in PluginManager.instance()._manifests\n"
        "print([m for m in sys.modules if m.startswith('napari_muscle_us')])\n"
        "viewer.close()\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_the_demo_writes_its_files_and_exits(tmp_path):
    picture, table = tmp_path / "demo.png", tmp_path / "results.csv"
    command = [sys.executable, "-m", "napari_muscle_us", "demo"]
    command += ["--screenshot", str(picture), "--out", str(table)]
    subprocess.run(command, check=True, timeout=120)
    assert picture.read_bytes().startswith(b"\x89PNG")
    rows = mus.read_results(table).set_index("measure")["value"]
    assert rows["z_score.echo_intensity"] > 2
    assert all(c.same for c in mus.verify_results(mus.read_results(table), tmp_path))
