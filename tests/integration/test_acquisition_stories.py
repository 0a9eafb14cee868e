"""Stories of clips, rulers, studies and parts in a real viewer."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
from PIL import Image as Picture
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QLabel, QPushButton

from napari_muscle_us._napari._clip_slider import _LABEL_NAME, _find_slider
from napari_muscle_us._napari._ruler_layer import is_ruler
from napari_muscle_us._napari._session import session_of
from napari_muscle_us.verify import verify_results
from tests.core.conftest import dicom_bytes, dicom_dataset, region

PLUGIN = "napari-muscle-us"
FRAMES = np.random.default_rng(4).integers(1, 250, (40, 96, 128), np.uint8)
BOX = np.array([(20, 30), (20, 90), (60, 90), (60, 30)], float)


def write_clip(folder, *, frame_time="50"):
    """Write 40 frames of 0.2 mm × 0.1 mm as DICOM."""
    whole = region(RegionLocationMaxX1=127, RegionLocationMaxY1=95)
    dataset = dicom_dataset(
        FRAMES[0],
        regions=[whole],
        NumberOfFrames=len(FRAMES),
        FrameTime=frame_time,
        PixelData=FRAMES.tobytes(),
    )
    path = folder / "clip.dcm"
    path.write_bytes(dicom_bytes(dataset))
    return path


def dock(viewer, name):
    """Open a panel as the Plugins menu does."""
    _, widget = viewer.window.add_plugin_dock_widget(PLUGIN, name)
    return widget


def press(widget, text):
    """Press the only button of that text."""
    (button,) = [b for b in widget.findChildren(QPushButton) if b.text() == text]
    button.click()


def measured(workflow, session, folder):
    """Measure all outlines, prove every row, and return them by measure."""
    results = workflow.show_tab("Results")
    results.measure(everything=True)
    wrong = [c for c in verify_results(session.results, folder) if not c.same]
    assert wrong == []
    return session.results.set_index("measure")


def test_a_clip_plays_at_its_rate_and_the_shown_frame_is_measured(
    viewer, qtbot, tmp_path
):
    viewer.open(str(write_clip(tmp_path)), plugin=PLUGIN)
    workflow = dock(viewer, "Workflow")
    session = session_of(viewer)
    qtbot.waitUntil(lambda: _find_slider(viewer) is not None)
    slider = _find_slider(viewer)
    qtbot.waitUntil(lambda: slider.findChild(QLabel, _LABEL_NAME) is not None)
    label = slider.findChild(QLabel, _LABEL_NAME)
    assert (viewer.dims.current_step[0], label.text()) == (0, "0.000 s")
    qtbot.waitUntil(label.isVisible)
    assert slider.fps == pytest.approx(20)
    viewer.dims.set_current_step(0, 7)
    assert label.text() == "0.350 s"

    changes = []
    viewer.dims.events.current_step.connect(
        lambda event: changes.append(time.perf_counter())
    )
    qtbot.mouseClick(slider.play_button, Qt.MouseButton.LeftButton)
    qtbot.wait(1500)
    slider.qt_dims.stop()
    qtbot.waitUntil(lambda: not slider.qt_dims.is_playing)
    rate = (len(changes) - 1) / (changes[-1] - changes[0])
    assert rate == pytest.approx(20, rel=0.4)

    viewer.dims.set_current_step(0, 23)
    assert session.frame == 23
    layer = session.new_roi_layer()
    layer.add(BOX, shape_type="rectangle")
    rows = measured(workflow, session, tmp_path)
    assert set(rows["frame"]) == {23}
    mean = FRAMES[23, 20:60, 30:90].mean()
    assert rows["value"]["intensity.mean"] == pytest.approx(mean, rel=1e-12)
    assert rows["value"]["roi.area"] == pytest.approx(40 * 60 * 0.02)


def test_a_rate_that_is_no_whole_number_and_a_later_layer(viewer, qtbot, tmp_path):
    viewer.open(str(write_clip(tmp_path, frame_time="41")), plugin=PLUGIN)
    qtbot.waitUntil(
        lambda: (
            _find_slider(viewer) is not None
            and _find_slider(viewer).fps == pytest.approx(1000 / 41)
        )
    )
    viewer.dims.set_current_step(0, 12)
    # Another layer makes the clip no new one: it stays where the user is.
    session_of(viewer).new_roi_layer()
    qtbot.wait(50)
    assert viewer.dims.current_step[0] == 12
    label = _find_slider(viewer).findChild(QLabel, _LABEL_NAME)
    assert label.text() == "0.492 s"


def test_a_line_drawn_along_the_ruler_gives_millimetres(viewer, qtbot, mouse, tmp_path):
    screen = np.zeros((400, 300), np.uint8)
    screen[40:361, 40:280] = np.random.default_rng(1).integers(1, 200, (321, 240))
    screen[40:361:40, 4:9] = 200
    screen[40:361:80, 4:14] = 200
    Picture.fromarray(screen).save(tmp_path / "screen.png")
    (image,) = viewer.open(str(tmp_path / "screen.png"), plugin=PLUGIN)
    workflow = dock(viewer, "Workflow")
    session = session_of(viewer)
    rois = session.new_roi_layer()
    rois.add(BOX + 50, shape_type="rectangle")
    assert measured(workflow, session, tmp_path)["unit"]["roi.area"] == "px²"
    session.set_results(session.results[:0])

    box = workflow.show_tab("Acquisition").calibration
    press(box, "Draw")
    ruler = viewer.layers.selection.active
    assert is_ruler(ruler)
    for _ in mouse(viewer, image).drag((40, 6), (90, 6), (200, 7), (360, 6)):
        pass
    assert list(ruler.shape_type) == ["line"]
    box._length.setValue(40)
    box.use_line()
    assert session.image().spacing_mm == pytest.approx((0.125, 0.125), rel=0.01)
    assert session.roi_layer is rois
    assert {tuple(map(str, x.units)) for x in viewer.layers} == {("millimeter",) * 2}
    window = session.regions()[0].window
    assert (window.rows, window.columns) == (slice(70, 110), slice(80, 140))
    rows = measured(workflow, session, tmp_path)
    assert rows["unit"]["roi.area"] == "mm²"
    area = 40 * 60 * 0.125**2
    assert rows["value"]["roi.area"] == pytest.approx(area, rel=0.02)
    method = json.loads(rows["method"]["roi.area"])
    assert method["spacing_by_user"] is True
    assert method["spacing_source"].startswith("line of")


def test_a_folder_opens_as_a_study_and_steps_on(viewer, qtbot, tmp_path):
    folder = tmp_path / "study"
    folder.mkdir()
    for number, level in enumerate((10, 20, 30), 1):
        dataset = dicom_dataset(
            np.full((40, 60), level, np.uint8),
            regions=[region(RegionLocationMaxX1=59, RegionLocationMaxY1=39)],
            SeriesNumber=1,
            InstanceNumber=number,
            SeriesInstanceUID="1.2.1.1",
            StudyInstanceUID="1.2.1",
        )
        (folder / f"IM{9 - number}").write_bytes(dicom_bytes(dataset))
    (folder / "notes.txt").write_text("text", encoding="utf-8")
    panel = dock(viewer, "Acquisition")
    viewer.open(str(folder), plugin=PLUGIN)
    session = session_of(viewer)
    assert [layer.name for layer in viewer.layers] == ["IM8"]
    qtbot.waitUntil(panel._study_box.isVisible)
    current = panel._study.currentItem
    qtbot.waitUntil(lambda: current() is not None and current().text(0) == "IM8")
    press(panel, "Next ▶")
    assert [layer.name for layer in viewer.layers] == ["IM8", "IM7"]
    assert session.image().pixels[0, 0] == 20
    qtbot.waitUntil(lambda: "IM7" in panel._facts.text())
    press(panel, "Next ▶")
    press(panel, "◀ Previous")
    assert session.image().pixels[0, 0] == 20


def test_an_outline_drawn_on_a_part_has_the_part_s_scale(
    viewer, qtbot, mouse, tmp_path
):
    gray = np.random.default_rng(5).integers(1, 255, (120, 300), np.uint8)
    left = region(RegionLocationMaxX1=149, RegionLocationMaxY1=119)
    right = region(
        RegionLocationMinX0=150,
        RegionLocationMaxX1=299,
        RegionLocationMaxY1=119,
        PhysicalDeltaX=0.03,
        PhysicalDeltaY=0.04,
    )
    path = tmp_path / "two.dcm"
    path.write_bytes(dicom_bytes(dicom_dataset(gray, regions=[left, right])))
    viewer.open(str(path), plugin=PLUGIN)
    workflow = dock(viewer, "Workflow")
    session = session_of(viewer)
    box = workflow.show_tab("Acquisition").calibration
    assert session.image().spacing_mm is None
    box._regions.setCurrentIndex(1)
    press(box, "Crop to it")
    part = session.image_layer
    np.testing.assert_allclose(part.scale, (0.4, 0.3))
    np.testing.assert_allclose(part.translate, (0, 150 * 0.3))
    workflow.show_tab("Muscle ROIs")._tools.button("Ellipse").click()
    hand = mouse(viewer, part)
    for _ in hand.drag((20, 30), (40, 60), (80, 130)):
        pass
    (drawn,) = session.regions()
    assert drawn.roi.area_px == pytest.approx(np.pi / 4 * 60 * 100, rel=0.05)
    rows = measured(workflow, session, tmp_path)
    area = drawn.roi.area_px * 0.4 * 0.3
    assert rows["value"]["roi.area"] == pytest.approx(area, rel=1e-6)
    assert rows["unit"]["roi.area"] == "mm²"
    assert json.loads(rows["method"]["roi.area"])["crop"] == [0, 120, 150, 300]
    inside = drawn.window.mask
    of_part = gray[:, 150:][drawn.window.rows, drawn.window.columns]
    mean = of_part[inside].mean()
    assert rows["value"]["intensity.mean"] == pytest.approx(mean, rel=1e-12)
