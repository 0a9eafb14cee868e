"""Regions in a real viewer: the mouse, the keys, files dropped onto the image."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
from napari.errors import ReaderPluginError
from napari.utils.notifications import notification_manager
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_muscle_us import Polygon, roi_mask
from napari_muscle_us._napari import _roi_edits, _roi_frames
from napari_muscle_us._napari._session import session_of
from napari_muscle_us.io.imagej import read_imagej_entries
from napari_muscle_us.io.imagej_write import encode_roi, write_imagej_rois
from napari_muscle_us.roi.keyhole import keyhole
from napari_muscle_us.roi.open_shapes import Points
from napari_muscle_us.roi.shapes import Composite
from tests.integration.conftest import settle
from tests.panels.roi_factory import (
    KINDS,
    SHAPE,
    assert_same,
    box,
    clip,
    entry,
    ring,
    still,
    third,
)

PLUGIN = "napari-muscle-us"


@pytest.fixture(autouse=True)
def nothing_told():
    """Forget what earlier tests were told."""
    notification_manager.records.clear()


@pytest.fixture
def session(viewer):
    """Return the session of a viewer that shows a still image."""
    session = session_of(viewer)
    session.add_image(still())
    return session


@pytest.fixture
def moving(viewer):
    session = session_of(viewer)
    session.add_image(clip())
    settle()
    viewer.dims.set_current_step(0, 0)
    return session


def put(session, *rois, **facts):
    _roi_edits.add(session, [entry(roi, **facts) for roi in rois], "adding")
    session.viewer.layers.selection.active = session.roi_layer
    return session.rois.entries()


def steps(session):
    return session.rois._history.n_steps


def press(viewer, key, modifier=Qt.KeyboardModifier.NoModifier):
    """Press a key over the canvas."""
    native = viewer.window._qt_viewer.canvas.native
    native.setFocus()
    QTest.keyClick(native, key, modifier)
    QApplication.processEvents()


def drag(mouse, viewer, layer, *places, rest=False):
    """Drag with the left button; `rest` lets the mouse stand still on the way."""
    for _ in mouse(viewer, layer).drag(*places):
        if rest:
            settle()
            settle()


def test_a_vertex_of_a_hole_is_dragged_with_the_mouse(session, viewer, mouse):
    (ringed,) = put(session, ring())
    layer = session.roi_layer
    session.select([0])
    layer.mode = "direct"
    start = ringed.roi.parts[0][0]
    drag(mouse, viewer, layer, start, (15, 26), (12, 22), rest=True)
    assert steps(session) == 2
    now = session.rois.entries()[0].roi
    assert isinstance(now, Composite)
    assert np.abs(now.parts[0][0] - (12, 22)).max() < 1.5
    for ours, theirs in zip(now.parts[1:], ringed.roi.parts[1:], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    path = np.asarray(layer.data[0])
    copies = (keyhole(ringed.roi)[0] == start).all(axis=1)
    assert copies.sum() == 3
    assert len(np.unique(path[copies], axis=0)) == 1
    assert session.statistics(session.regions()[0]).n == roi_mask(now, SHAPE).sum()
    assert session.rois.undo() == "moving ring"
    assert session.rois.entries()[0].roi is ringed.roi


@pytest.mark.parametrize("mode", ["select", "direct"])
def test_a_slow_drag_is_one_step(session, viewer, mouse, mode):
    put(session, third("polygon"))
    layer = session.roi_layer
    session.select([0])
    layer.mode = mode
    start = (50, 60) if mode == "select" else (20.1, 30.2)
    end = (65, 80) if mode == "select" else (15, 20)
    drag(mouse, viewer, layer, start, (48, 62), (52, 70), end, rest=True)
    assert steps(session) == 2
    moved = session.rois.entries()
    assert session.rois.undo() == "moving poly"
    session.rois.redo()
    assert_same(session.rois.entries(), moved)


@pytest.mark.parametrize("mode", ["select", "direct"])
def test_a_locked_outline_is_put_back_when_the_mouse_is_up(
    session, viewer, mouse, mode
):
    put(session, third("polygon"))
    session.select([0])
    _roi_edits.set_locked(session, locked=True)
    before = session.rois.entries()
    layer = session.roi_layer
    session.select([0])
    layer.mode = mode
    start = (50, 60) if mode == "select" else (20.1, 30.2)
    drag(mouse, viewer, layer, start, (60, 70), (80, 90), rest=True)
    settle()
    assert_same(session.rois.entries(), before)
    np.testing.assert_allclose(layer.data[0], before[0].roi.vertices, atol=1e-4)


def test_the_delete_key_spares_what_is_locked(session, viewer):
    put(session, box(name="a"), box(60, 90, 20, 20, name="b"))
    session.select([0])
    _roi_edits.set_locked(session, locked=True)
    session.roi_layer.mode = "select"
    session.select([0, 1])
    press(viewer, Qt.Key.Key_Delete)
    assert [e.roi.name for e in session.rois.entries()] == ["a"]
    assert session.rois.undo_label == "deleting b"
    session.rois.undo()
    assert [e.roi.name for e in session.rois.entries()] == ["a", "b"]


def test_copy_and_paste_with_the_keys(session, viewer):
    put(session, ring("RF"))
    session.roi_layer.mode = "select"
    session.select([0])
    control = Qt.KeyboardModifier.ControlModifier
    press(viewer, Qt.Key.Key_C, control)
    press(viewer, Qt.Key.Key_V, control)
    first, second = session.rois.entries()
    assert (first.roi.name, second.roi.name) == ("RF", "RF 2")
    assert first.key != second.key
    assert isinstance(second.roi, Composite)
    session.rois.settle()
    assert session.rois.undo() == "adding RF 2"


@pytest.mark.parametrize("ending", ["double click", "another tool", "undo"])
def test_a_polygon_ends_with_its_corners_however_it_is_ended(
    session, viewer, mouse, ending
):
    put(session, box(100, 150, 20, 20, name="BB", muscle="RF"))
    layer = session.roi_layer
    layer.mode = "add_polygon"
    hand = mouse(viewer, layer)
    corners = [(20, 30), (20, 90), (80, 90), (80, 30)]
    for corner in corners:
        hand.click(*corner)
    if ending == "double click":
        hand.click(80, 30, double=True)
    elif ending == "another tool":
        layer.mode = "select"
    else:
        assert session.rois.undo() == "adding ROI 1"
        session.rois.redo()
    drawn = session.rois.entries()[1].roi
    assert (drawn.name, drawn.muscle) == ("ROI 1", "")
    assert type(drawn).__name__ == "Polygon"
    assert drawn.area_px == pytest.approx(3600, rel=0.05)
    colours = np.asarray(layer.edge_color)
    np.testing.assert_array_equal(colours[0], colours[1])


def test_removing_vertices_until_the_outline_is_gone(session, viewer, mouse):
    triangle = [(20, 20), (20, 60), (60, 20)]
    put(session, Polygon(triangle, name="gone"), box(90, 90, name="stays"))
    layer = session.roi_layer
    session.select([0])
    layer.mode = "vertex_remove"
    mouse(viewer, layer).click(20, 60)
    settle()
    (left,) = session.rois.entries()
    assert left.roi == box(90, 90, name="stays")
    session.rois.undo()
    assert [e.roi.name for e in session.rois.entries()] == ["gone", "stays"]


def test_a_drag_goes_on_while_the_clip_runs(moving, viewer, mouse):
    put(moving, box(), box(90, 120, 30, 30))
    moving.select([0])
    _roi_frames.set_keyframe(moving, on=True)
    layer = moving.roi_layer
    layer.mode = "select"
    moving.select([1])
    hand = mouse(viewer, layer)
    for number, _ in enumerate(
        hand.drag((100, 130), (102, 132), (104, 134), (108, 138))
    ):
        viewer.dims.set_current_step(0, number + 1)
        QApplication.processEvents()
    settle()
    first, second = moving.rois.entries()
    assert first.roi == box(name="ROI 1")
    assert [n for n, _ in first.keyframes] == [0]
    # What was seen is what is kept, wherever the drag was cut off.
    shown = np.asarray(layer.data[1], float)
    np.testing.assert_allclose(second.roi.outline().min(axis=0), shown.min(axis=0))
    while moving.rois.undo():
        pass
    assert moving.rois.entries() == ()


def test_keyframes_by_dragging(moving, viewer, mouse):
    put(moving, box())
    moving.select([0])
    _roi_frames.set_keyframe(moving, on=True)
    viewer.dims.set_current_step(0, 10)
    layer = moving.roi_layer
    layer.mode = "select"
    moving.select([0])
    drag(mouse, viewer, layer, (40, 60), (50, 70), (60, 80))
    at_ten = moving.rois.stored()[0].entry.roi
    viewer.dims.set_current_step(0, 5)
    halfway = moving.rois.stored()[0].entry.roi
    assert halfway.top == pytest.approx((20 + at_ten.top) / 2, abs=1e-6)
    assert halfway.left == pytest.approx((30 + at_ten.left) / 2, abs=1e-6)
    assert at_ten.top == pytest.approx(40, abs=2)


def test_a_layer_turned_by_hand_measures_what_lies_below(session, viewer):
    image = session.image().pixels
    put(session, box(19.5, 29.5, 40, 50))
    session.roi_layer.translate = (1.0, 2.0)
    settle()
    (region,) = session.regions()
    assert session.statistics(region).mean == pytest.approx(
        image[30:70, 40:90].mean(), rel=1e-12
    )


# Files ------------------------------------------------------------------------------


@pytest.fixture
def roi_set(tmp_path):
    entries = [entry(third(kind), colour="#00ff00") for kind in KINDS]
    entries.append(entry(Points([(3, 4), (60, 70)], name="points")))
    path = tmp_path / "RoiSet.zip"
    write_imagej_rois(path, entries)
    return path


def drop(viewer, path):
    """Open a file as dropping it onto the window does."""
    viewer.window._qt_viewer._qt_open([str(path)], stack=[], choose_plugin=False)


def save_selected(viewer, path, layer):
    """Save a layer by File › Save Selected Layers."""
    viewer.layers.selection = {layer}
    return viewer.layers.save(str(path), selected=True)


def told():
    return [str(n.message) for n in notification_manager.records]


def test_a_set_is_dropped_onto_the_image_and_saved_again(
    session, viewer, roi_set, tmp_path
):
    with zipfile.ZipFile(roi_set, "a") as archive:
        archive.writestr("broken.roi", encode_roi(entry(box()))[:30])
    drop(viewer, roi_set)
    assert [e.roi.name for e in session.rois.entries()] == [
        e.roi.name
        for e in read_imagej_entries(roi_set).entries
        if not isinstance(e.roi, Points)
    ]
    assert any("broken.roi" in sentence for sentence in told())
    assert any("10 ROIs of RoiSet.zip loaded" in sentence for sentence in told())
    points = [x for x in viewer.layers if type(x).__name__ == "Points"]
    assert points[0].data[0].tolist() == [3, 4]
    again = tmp_path / "again.zip"
    assert save_selected(viewer, again, session.roi_layer) == [str(again)]
    with zipfile.ZipFile(roi_set) as old, zipfile.ZipFile(again) as new:
        names = new.namelist()
        assert names == old.namelist()[: len(names)]
        assert len(names) == len(KINDS) + 1
        for name in names:
            assert new.read(name) == old.read(name)


def test_a_layer_is_saved_by_its_own_menu(session, roi_set, viewer, tmp_path):
    put(session, third("polygon"))
    path = tmp_path / "one.roi"
    session.roi_layer.save(str(path), plugin=PLUGIN)
    (written,) = read_imagej_entries(path).entries
    np.testing.assert_allclose(
        written.roi.vertices, third("polygon").vertices, atol=1e-5
    )


def test_a_layer_that_is_not_in_hand_is_saved_too(session, viewer, tmp_path):
    put(session, ring("first"))
    first = session.roi_layer
    session.new_roi_layer()
    put(session, box(name="second"))
    path = tmp_path / "first.zip"
    assert session.roi_layer is not first
    assert first.save(str(path), plugin=PLUGIN) == [str(path)]
    (written,) = read_imagej_entries(path).entries
    assert written.roi.name == "first"
    assert isinstance(written.roi, Composite)


def test_a_warning_while_saving_is_shown(moving, viewer, tmp_path):
    put(moving, box(name="BB"))
    _roi_frames.set_keyframe(moving, on=True)
    save_selected(viewer, tmp_path / "BB.roi", moving.roi_layer)
    assert any("keyframes" in sentence for sentence in told())


def test_dropped_without_an_image_one_sentence_says_so(viewer, roi_set):
    drop(viewer, roi_set)
    assert told() == [
        "Open the image first, then drop 'RoiSet.zip' onto it: the ROIs lie on its "
        "pixels."
    ]
    assert len(viewer.layers) == 0


def test_an_archive_of_scans_is_left_to_others(session, viewer, tmp_path):
    path = tmp_path / "scans.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("IM_0001.dcm", b"x")
    with pytest.raises(ReaderPluginError, match="refused the file"):
        drop(viewer, path)
    assert session.rois.entries() == ()
