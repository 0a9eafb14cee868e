"""Shapes of a layer and the entries they stand for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from napari_muscle_us import Polygon, roi_mask
from napari_muscle_us._napari import _roi_edits, _roi_frames
from napari_muscle_us._napari._roi_carry import moved
from napari_muscle_us.image import Calibration
from napari_muscle_us.roi.keyhole import keyhole
from napari_muscle_us.roi.shapes import Composite
from tests.panels.roi_factory import (
    KINDS,
    SHAPE,
    assert_same,
    box,
    clip,
    entry,
    ring,
    session_with,
    still,
    third,
)

pytestmark = pytest.mark.usefixtures("qtbot")


@pytest.fixture
def session():
    session = session_with(still())
    yield session
    session.viewer.layers.clear()


@pytest.fixture
def moving():
    session = session_with(clip())
    yield session
    session.viewer.layers.clear()


def put(session, *rois, **facts):
    """Add regions and return the entries as added."""
    entries = [entry(roi, **facts) for roi in rois]
    _roi_edits.add(session, entries, "adding")
    return entries


@pytest.mark.parametrize("kind", KINDS)
def test_an_untouched_shape_is_the_very_region(session, kind):
    (added,) = put(session, third(kind))
    other = put(session, box(name="other"))[0]
    session.select([1])
    _roi_edits.move(session, 3, 0)
    session.rois.undo()
    session.rois.redo()
    session.select([0, 1])
    session.edit(0, name="new name", muscle="RF", side="left")
    session.rois.undo()
    session.rois.settle()
    now = session.rois.entries()[0]
    assert_same([now], [added])
    assert now.roi is added.roi
    assert session.rois.entries()[1].key == other.key


@pytest.mark.parametrize("kind", KINDS)
def test_labels_change_and_the_geometry_does_not(session, kind):
    (added,) = put(session, third(kind))
    session.edit(0, name="BB", muscle="Biceps brachii", side="right")
    roi = session.rois.entries()[0].roi
    assert (roi.name, roi.muscle, roi.side) == ("BB", "Biceps brachii", "right")
    np.testing.assert_array_equal(roi.outline(), added.roi.outline())


@pytest.mark.parametrize("kind", KINDS)
def test_frames_and_selection_leave_the_region_as_it_is(moving, kind):
    (added,) = put(moving, third(kind))
    for frame in (3, 20, 0, 7):
        moving.viewer.dims.set_current_step(0, frame)
        moving.select([0] if frame % 2 else [])
    assert moving.rois.entries()[0].roi is added.roi


def test_a_region_with_holes_is_measured_as_it_is(session):
    (added,) = put(session, ring())
    (region,) = session.regions()
    gray = session.image().pixels
    inside = roi_mask(added.roi, SHAPE)
    statistics = session.statistics(region)
    assert statistics.n == inside.sum()
    assert statistics.mean == pytest.approx(gray[inside].mean(), rel=1e-12)
    assert 0 < inside.sum() < roi_mask(Polygon(added.roi.parts[0]), SHAPE).sum()


def drag(layer, index, vertex, place):
    """Drag a vertex as napari does: within its own array."""
    data = [np.array(one) for one in layer.data]
    data[index][vertex] = place
    layer.data = data


@pytest.mark.parametrize("copy", ["first", "last"])
def test_one_copy_of_a_doubled_vertex_takes_the_others_along(session, copy):
    (added,) = put(session, ring())
    layer = session.roi_layer
    path = keyhole(added.roi)[0]
    start = np.flatnonzero((path == path[0]).all(axis=1))
    assert len(start) >= 2
    drag(layer, 0, start[0] if copy == "first" else start[-1], (12, 21))
    session.rois.settle()
    roi = session.rois.entries()[0].roi
    assert isinstance(roi, Composite)
    assert roi.parts[0][0].tolist() == [12, 21]
    # All others stay, to the last digit.
    np.testing.assert_array_equal(roi.parts[0][1:], added.roi.parts[0][1:])
    for ours, theirs in zip(roi.parts[1:], added.roi.parts[1:], strict=True):
        np.testing.assert_array_equal(ours, theirs)
    shown = np.asarray(layer.data[0], float)
    np.testing.assert_allclose(shown[start], [(12, 21)] * len(start))
    assert session.rois.undo() == "moving ring"
    assert session.rois.entries()[0].roi is added.roi


def test_a_vertex_inserted_in_a_hole_makes_a_polygon(session):
    put(session, ring())
    layer = session.roi_layer
    data = np.insert(layer.data[0], 1, (20.1, 50), axis=0)
    layer.data = [data]
    session.rois.settle()
    roi = session.rois.entries()[0].roi
    assert isinstance(roi, Polygon)
    session.rois.undo()
    assert isinstance(session.rois.entries()[0].roi, Composite)


def test_a_dragged_vertex_leaves_the_others_to_the_last_digit(session):
    (added,) = put(session, third("polygon"))
    drag(session.roi_layer, 0, 2, (99, 99))
    vertices = session.rois.entries()[0].roi.vertices
    assert vertices[2].tolist() == [99, 99]
    np.testing.assert_array_equal(vertices[[0, 1, 3]], added.roi.vertices[[0, 1, 3]])


@pytest.mark.parametrize("kind", ["angle", "freehand"])
def test_a_line_stays_of_its_kind_when_it_is_dragged(session, kind):
    put(session, third(kind))
    drag(session.roi_layer, 0, 1, (33, 44))
    assert session.rois.entries()[0].roi.kind == kind


def test_an_angle_with_a_fourth_point_is_a_line(session):
    put(session, third("angle"))
    layer = session.roi_layer
    layer.data = [np.insert(layer.data[0], 1, (1, 1), axis=0)]
    assert session.rois.entries()[0].roi.kind == "polyline"


# Layers that lie elsewhere ------------------------------------------------------------


def transforms():
    turn = np.deg2rad(30)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return {
        "translate": ("translate", (1.0, -2.0), np.eye(2), (1 / 0.1, -2 / 0.2)),
        "scale": ("scale", (0.2, 0.1), np.diag([2, 0.5]), (0, 0)),
        "rotate": ("rotate", 30, rotation, (0, 0)),
    }


@pytest.mark.parametrize("name", ["translate", "scale", "rotate"])
@pytest.mark.parametrize("kind", ["rectangle", "ellipse", "polygon", "composite"])
def test_a_layer_moved_by_hand_selects_the_pixels_below_it(name, kind):
    image = still(calibration=None) if name == "rotate" else still()
    session = session_with(image)
    (added,) = put(session, third(kind))
    attribute, value, matrix, offset = transforms()[name]
    setattr(session.roi_layer, attribute, value)
    expected = moved(added.roi, np.array(matrix, float), np.array(offset, float))
    (region,) = session.regions()
    inside = roi_mask(expected, SHAPE)
    assert session.statistics(region).n == inside.sum()
    np.testing.assert_array_equal(region.window.mask.sum(), inside.sum())
    session.rois.settle()
    assert session.rois.undo_label == f"moving {added.roi.name}"
    session.rois.undo()
    assert session.rois.entries()[0].roi is added.roi
    assert (
        session.statistics(session.regions()[0]).n == roi_mask(added.roi, SHAPE).sum()
    )
    session.viewer.layers.clear()


def test_a_sheared_layer_makes_a_polygon_of_a_box(session):
    (added,) = put(session, box())
    session.roi_layer.shear = [0.4]
    (region,) = session.regions()
    assert isinstance(region.roi, Polygon)
    # A shear leaves areas alone.
    assert region.roi.area_px == pytest.approx(added.roi.area_px, rel=1e-6)


def test_a_layer_moved_by_hand_loses_its_numbers(session, qtbot):
    put(session, box())
    session.show_measured({0: 55.0})
    layer = session.roi_layer
    layer.translate = (1.0, 0.0)
    qtbot.waitUntil(lambda: np.isnan(layer.features["echo_intensity"][0]))


def test_a_number_stays_when_the_image_is_calibrated(session, qtbot):
    put(session, third("polygon"))
    session.show_measured({0: 55.0})
    before = session.rois.entries()[0].roi
    session.calibrate(Calibration((0.0847, 0.0913), "typed", by_user=True))
    session.rois.settle()
    assert session.roi_layer.features["echo_intensity"][0] == 55.0
    assert session.rois.entries()[0].roi is before
    assert session.rois.undo_label == "adding"


def test_keyframes_go_along_with_a_moved_layer(moving):
    put(moving, box())
    moving.select([0])
    _roi_frames.set_keyframe(moving, on=True)
    moving.viewer.dims.set_current_step(0, 10)
    moving.select([0])
    _roi_edits.move(moving, 0, 0)
    layer = moving.roi_layer
    layer.data = [layer.data[0] + 20]
    moving.rois.settle()
    layer.translate = (0.5, 1.0)
    moving.rois.settle()
    ((first, at_first), (last, at_last)) = moving.rois.entries()[0].keyframes
    assert (first, last) == (0, 10)
    assert (at_first.top, at_first.left) == pytest.approx((25, 35))
    assert (at_last.top, at_last.left) == pytest.approx((45, 55))


def test_a_part_of_the_picture_and_back_loses_nothing(session):
    (added,) = put(session, third("polygon"))
    composite = put(session, ring())[0]
    whole = session.image_layer
    part = session.add_image(session.image().cropped((10, 140, 20, 180)))
    session.use_image(part)
    session.rois.settle()
    assert session.roi_layer is not None
    there = session.rois.entries()
    np.testing.assert_allclose(
        there[0].roi.vertices, added.roi.vertices - (10, 20), atol=1e-12
    )
    assert isinstance(there[1].roi, Composite)
    assert session.rois.undo_label == ""
    session.use_image(whole)
    session.rois.settle()
    assert_same(session.rois.entries(), [added, composite])
    assert session.rois.undo_label == "adding"


def test_undo_on_a_part_and_on_the_whole_keep_their_pixels(session):
    put(session, box())
    session.select([0])
    _roi_edits.set_locked(session, locked=True)
    whole = session.image_layer
    layer = session.roi_layer
    part = session.add_image(session.image().cropped((10, 140, 20, 180)))
    session.use_image(part)
    session.rois.settle()
    assert session.rois.entries()[0].roi == box(10, 10, name="ROI 1")
    session.select([0])
    _roi_edits.set_locked(session, locked=False)
    _roi_edits.move(session, 5, 5)
    session.use_image(whole)
    assert session.roi_layer is layer
    session.rois.settle()
    assert session.rois.entries()[0].roi == box(25, 35, name="ROI 1")
    session.rois.undo()
    assert session.rois.entries()[0].roi == box(name="ROI 1")


# Layers of others ---------------------------------------------------------------------


def test_shapes_of_another_plugin_become_regions(session):
    squares = [np.array(box(t, 30, 20, 20).outline()) for t in (10, 50, 90)]
    features = pd.DataFrame({"score": [1.0, 2.0, 3.0], "frame": ["x", "y", "z"]})
    layer = session.viewer.add_shapes(
        squares,
        shape_type="rectangle",
        features=features,
        edge_color=["#ff0000", "#00ff00", "#0000ff"],
        **{k: getattr(session.image_layer, k) for k in ("scale", "units")},
    )
    assert session.roi_layer is layer
    found = session.rois.entries()
    assert len({e.key for e in found}) == 3
    assert [e.roi.name for e in found] == ["ROI 1", "ROI 2", "ROI 3"]
    assert [e.roi.top for e in found] == [10, 50, 90]
    assert [e.colour for e in found] == ["#ff0000", "#00ff00", "#0000ff"]
    assert layer.features["score"].tolist() == [1, 2, 3]
    assert session.rois.undo_label == ""
    layer.data = [layer.data[0] + 5, *layer.data[1:]]
    session.rois.settle()
    assert session.rois.undo() == "moving ROI 1"
    assert layer.features["score"].tolist() == [1, 2, 3]


def test_shapes_on_a_slice_of_a_clip_belong_to_its_frame(moving):
    image_layer = moving.image_layer
    square = np.array(box().outline())
    layer = moving.viewer.add_shapes(
        [np.column_stack([np.full(4, 6.0), square])],
        shape_type="rectangle",
        ndim=3,
        scale=image_layer.scale,
        units=image_layer.units,
    )
    assert moving.roi_layer is layer
    (found,) = moving.rois.entries()
    assert (found.frame, found.roi) == (6, box(name="ROI 1"))
    moving.viewer.dims.set_current_step(0, 2)
    assert "belongs to frame 6" in moving.regions()[0].problem
    moving.viewer.dims.set_current_step(0, 6)
    assert moving.regions()[0].window.n_pixels == box().area_px
    layer.add(np.column_stack([np.full(4, 6.0), square + 30]), shape_type="rectangle")
    moving.rois.settle()
    assert [e.frame for e in moving.rois.entries()] == [6, 6]
    assert moving.rois.entries()[1].roi == box(50, 60, name="ROI 2")


@pytest.mark.parametrize(
    ("column", "value"),
    [("colour", "red"), ("frame", -7), ("frame", 1e300), ("side", "middle")],
)
def test_nonsense_in_napari_s_table_hurts_no_region(session, column, value):
    (added,) = put(session, third("polygon"))
    table = session.roi_layer.features.copy()
    table[column] = [value]
    session.roi_layer.features = table
    session.rois.settle()
    assert_same(session.rois.entries(), [added])


def test_the_next_shape_has_defaults_after_the_table_was_assigned(session):
    put(session, box(name="BB", muscle="Biceps brachii", side="left"))
    layer = session.roi_layer
    session.show_measured({0: 61.8})
    # As a script or napari's table does; the last row becomes the default.
    layer.features = layer.features.copy()
    layer.add(box(80, 80, 20, 20).outline(), shape_type="rectangle")
    first, second = session.rois.entries()
    assert second.roi == box(80, 80, 20, 20, name="ROI 1")
    assert second.key != first.key
    assert np.isnan(layer.features["echo_intensity"][1])


def test_napari_s_own_removal_of_the_last_vertices_keeps_the_labels_right(session):
    """Removing a vertex of a triangle removes the shape and leaves its row."""
    triangle = Polygon([(10, 10), (10, 40), (40, 10)], name="gone")
    put(session, triangle, box(60, 60, name="stays", muscle="RF"))
    layer = session.roi_layer
    layer.mode = "vertex_remove"
    layer.events.data(action="changing", data_indices=(0,), value=layer.data)
    layer._data_view.remove(0)
    layer.events.data(action="changed", data_indices=(0,), value=layer.data)
    session.rois.settle()
    (left,) = session.rois.entries()
    assert left.roi == box(60, 60, name="stays", muscle="RF")
    assert len(layer.features) == len(layer.edge_color) == 1
    session.rois.undo()
    assert [e.roi.name for e in session.rois.entries()] == ["gone", "stays"]


# Colours ------------------------------------------------------------------------------


def colours(layer):
    return ["#" + "".join(f"{round(v * 255):02x}" for v in c) for c in layer.edge_color]


def test_a_colour_given_in_napari_s_controls_is_the_region_s(session):
    put(session, box(), box(90, 90, 20, 20))
    layer = session.roi_layer
    session.select([1])
    layer.current_edge_color = "#00ff00"
    session.rois.settle()
    assert [e.colour for e in session.rois.entries()] == ["", "#00ff00"]
    assert session.rois.undo_label == "colouring ROI 2"
    _roi_edits.move(session, 1, 1)
    session.rois.undo()
    assert session.rois.entries()[1].colour == "#00ff00"
    assert colours(layer) == ["#ffd400ff", "#00ff00ff"]
    session.rois.undo()
    assert colours(layer) == ["#ffd400ff"] * 2
    session.rois.redo()
    assert session.rois.entries()[1].colour == "#00ff00"


def test_the_next_drawn_region_has_the_default_colour(session):
    put(session, box(), colour="#ff00ff")
    session.select([0])
    layer = session.roi_layer
    layer.add(box(90, 90, 20, 20).outline(), shape_type="rectangle")
    assert colours(layer) == ["#ff00ffff", "#ffd400ff"]
    assert [e.colour for e in session.rois.entries()] == ["#ff00ff", ""]


def test_a_colour_with_opacity_is_kept(session):
    put(session, box(), colour="#11223344")
    session.select([0])
    _roi_edits.move(session, 1, 0)
    assert session.rois.entries()[0].colour == "#11223344"
    assert colours(session.roi_layer) == ["#11223344"]


def test_a_hidden_region_keeps_its_colour(moving):
    put(moving, box(), colour="#00ff00", frame=3)
    layer = moving.roi_layer
    assert colours(layer) == ["#00ff0000"]
    assert layer.features["shown"].tolist() == [""]
    moving.viewer.dims.set_current_step(0, 3)
    assert colours(layer) == ["#00ff00ff"]
    assert layer.features["shown"].tolist() == ["ROI 1"]
    assert moving.rois.entries()[0].colour == "#00ff00"
    assert moving.rois.undo_label == "adding"


def test_an_image_moved_by_hand_is_measured_where_the_outline_is(session, qtbot):
    put(session, box(19.5, 29.5, 40, 50))
    session.show_measured({0: 55.0})
    session.image_layer.translate = (1.0, 2.0)
    layer = session.roi_layer
    qtbot.waitUntil(lambda: np.isnan(layer.features["echo_intensity"][0]))
    (region,) = session.regions()
    gray = session.image().pixels
    # Ten pixels of 0.1 mm up, ten of 0.2 mm to the left.
    assert session.statistics(region).mean == pytest.approx(
        gray[10:50, 20:70].mean(), rel=1e-12
    )
