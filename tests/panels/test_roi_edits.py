"""What buttons and keys do to the selected regions."""

from __future__ import annotations

import re

import numpy as np
import pytest

from napari_muscle_us import Ellipse, Polygon, roi_mask
from napari_muscle_us._napari import _roi_edits, _roi_frames
from napari_muscle_us.errors import ImageReadError, MuscleUSError, RoiError
from napari_muscle_us.image import Calibration
from napari_muscle_us.roi.history import same_roi
from napari_muscle_us.roi.open_shapes import Points, Polyline
from napari_muscle_us.roi.shapes import Composite
from tests.panels.roi_factory import (
    SHAPE,
    assert_same,
    box,
    clip,
    entry,
    gray,
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
    _roi_edits.add(session, [entry(roi, **facts) for roi in rois], "adding")
    return session.rois.entries()


def names(session):
    return [e.roi.name for e in session.rois.entries()]


def test_added_regions_are_named_and_selected(session):
    put(session, box(), box(name="RF"), box())
    assert names(session) == ["ROI 1", "RF", "ROI 2"]
    put(session, box(name="RF"))
    assert session.selected() == [3]
    assert len(session.regions()) == 4


def test_the_same_entries_added_twice_are_regions_of_their_own(session):
    one = entry(box(name="RF"))
    _roi_edits.add(session, [one], "adding")
    _roi_edits.add(session, [one], "adding")
    first, second = session.rois.entries()
    assert first.key != second.key


def test_points_that_are_added_go_to_a_layer_of_points(session):
    _roi_edits.add(session, [Points([(3, 4)], name="P"), box()], "adding")
    assert names(session) == ["ROI 1"]
    assert [type(x).__name__ for x in session.viewer.layers].count("Points") == 1


def test_an_unnamed_region_that_moves_is_named_on_every_frame(moving):
    roi = box()
    moving_one = entry(roi, keyframes=((0, roi), (10, box(40))))
    _roi_edits.add(moving, [moving_one], "adding")
    (added,) = moving.rois.entries()
    assert {added.roi.name, *(r.name for _, r in added.keyframes)} == {"ROI 1"}
    assert moving.rois.undo_label == "adding"
    moving.rois.settle()
    moving.rois.undo()
    assert moving.rois.entries() == ()


def test_duplicate_follows_its_original(session):
    before = put(session, ring("a"), box(name="b"))
    session.select([0])
    _roi_edits.duplicate(session)
    assert names(session) == ["a", "a 2", "b"]
    assert session.selected() == [1]
    now = session.rois.entries()
    assert isinstance(now[1].roi, Composite)
    np.testing.assert_array_equal(now[1].roi.parts[2], before[0].roi.parts[2])
    assert session.rois.undo() == "duplicating a"
    assert_same(session.rois.entries(), before)


@pytest.mark.parametrize(
    ("chosen", "step", "order"),
    [([0], 1, "bacd"), ([2, 3], -1, "acdb"), ([0, 1], -1, "abcd"), ([1, 3], 1, "acbd")],
)
def test_reorder(session, chosen, step, order):
    put(session, *(box(name=n) for n in "abcd"))
    session.select(chosen)
    keys = {session.rois.entries()[i].key for i in chosen}
    _roi_edits.reorder(session, step)
    assert "".join(names(session)) == order
    entries = session.rois.entries()
    assert {entries[i].key for i in session.selected()} == keys


def test_regions_keep_their_exact_geometry_in_another_order(session):
    before = put(session, third("polygon"), ring(), third("ellipse"))
    session.select([0])
    _roi_edits.reorder(session, 1)
    now = session.rois.entries()
    for place, old in zip((1, 0, 2), before, strict=True):
        assert now[place].roi is old.roi


def test_move_and_resize_are_exact(session):
    put(session, third("rectangle"))
    roi = session.rois.entries()[0].roi
    _roi_edits.move(session, 1, -2)
    now = session.rois.entries()[0].roi
    assert (now.top, now.left) == (roi.top + 1, roi.left - 2)
    assert (now.height, now.width) == (roi.height, roi.width)
    _roi_edits.resize(session, 0, 3)
    assert session.rois.entries()[0].roi.width == roi.width + 3
    session.rois.undo()
    session.rois.undo()
    assert session.rois.entries()[0].roi is roi


def test_resize_refuses_an_outline(session):
    put(session, third("polygon"))
    with pytest.raises(RoiError, match="no rectangle or ellipse; drag its vertices"):
        _roi_edits.resize(session, 1, 0)


def test_mirror_is_its_own_inverse_and_swaps_the_side(session):
    put(session, box(10, 20, 30, 40, name="BB", side="left"))
    _roi_edits.mirror(session)
    roi = session.rois.entries()[0].roi
    assert roi.side == "right"
    before = roi_mask(box(10, 20, 30, 40), SHAPE)
    np.testing.assert_array_equal(roi_mask(roi, SHAPE), before[:, ::-1])
    _roi_edits.mirror(session)
    assert session.rois.entries()[0].roi == box(10, 20, 30, 40, name="BB", side="left")


def test_growing_is_in_millimetres_of_each_direction(session):
    put(session, Polygon(box(50, 60, 20, 30).outline(), name="BB"))
    _roi_edits.grow(session, 1.0)
    outline = session.rois.entries()[0].roi.outline()
    top, left = outline.min(axis=0)
    # 0.1 mm deep and 0.2 mm wide a pixel.
    assert (top, left) == pytest.approx((50 - 10, 60 - 5), abs=0.2)


@pytest.mark.parametrize(
    "edit",
    [
        lambda s: _roi_edits.grow(s, 1),
        lambda s: _roi_edits.simplify(s, 1),
        lambda s: _roi_edits.snap(s, 1),
        lambda s: _roi_edits.clip_lateral(s, 0.5),
    ],
    ids=["grow", "simplify", "snap", "clip"],
)
def test_a_line_is_no_area(session, edit):
    before = put(session, third("line"))
    with pytest.raises(RoiError, match="encloses no area"):
        edit(session)
    assert_same(session.rois.entries(), before)


def test_clip_lateral(session):
    put(session, box(20, 2, 40, 190))
    _roi_edits.clip_lateral(session, 0.5)
    columns = session.rois.entries()[0].roi.outline()[:, 1]
    left, right = columns.min(), columns.max()
    assert right - left == pytest.approx(100, abs=2)
    assert (right + left) / 2 == pytest.approx(99.5, abs=1)


@pytest.mark.parametrize("operation", ["union", "subtract", "intersect"])
def test_combine_selects_the_pixels_of_the_operation(session, operation):
    # Whole pixels: no outline passes through the centre of one.
    one, other = box(19.5, 29.5, 40, 50, name="a"), box(39.5, 49.5, 40, 60, name="b")
    before = put(session, one, other, box(name="c"))
    session.select([0, 1])
    _roi_edits.combine(session, operation)
    assert names(session) == ["a", "c"]
    masks = [roi_mask(r, SHAPE) for r in (one, other)]
    expected = {
        "union": masks[0] | masks[1],
        "subtract": masks[0] & ~masks[1],
        "intersect": masks[0] & masks[1],
    }[operation]
    made = session.rois.entries()[0]
    np.testing.assert_array_equal(roi_mask(made.roi, SHAPE), expected)
    assert session.statistics(session.regions()[0]).n == expected.sum()
    assert made.key == before[0].key
    session.rois.undo()
    assert_same(session.rois.entries(), before)


def test_combine_needs_two_and_something_left(session):
    before = put(session, box(), box(90, 100, 20, 20))
    session.select([0])
    with pytest.raises(RoiError, match="1 ROI is selected; select two or more"):
        _roi_edits.combine(session, "union")
    session.select([0, 1])
    with pytest.raises(RoiError):
        _roi_edits.combine(session, "intersect")
    assert_same(session.rois.entries(), before)


def test_a_hole_is_cut_by_subtracting(session):
    put(session, box(19.5, 29.5, 40, 50, name="a"), box(29.5, 39.5, 10, 10))
    session.select([0, 1])
    _roi_edits.combine(session, "subtract")
    (region,) = session.regions()
    assert isinstance(region.roi, Composite)
    assert region.window.n_pixels == 2000 - 100


def test_nothing_selected_says_so(session):
    put(session, box())
    session.select([])
    for edit in (_roi_edits.duplicate, _roi_edits.delete, _roi_edits.mirror):
        with pytest.raises(RoiError, match="No ROI is selected"):
            edit(session)


def test_snapping_a_region_that_moves_touches_the_shown_frame_alone(moving):
    roi = Polygon(box().outline(), name="BB")
    put(moving, roi)
    _roi_frames.set_keyframe(moving, on=True)
    moving.viewer.dims.set_current_step(0, 10)
    moving.select([0])
    _roi_frames.set_keyframe(moving, on=True)
    _roi_edits.snap(moving, 1.0)
    ((first, at_first), (last, _)) = moving.rois.entries()[0].keyframes
    assert (first, last) == (0, 10)
    assert same_roi(at_first, roi)


# Copies -----------------------------------------------------------------------------


def other_image(session, **changes):
    here = session.image_layer
    facts = {"digest": "b" * 64} | changes
    layer = session.add_image(still(**facts), title="other")
    session.use_image(here)
    return layer


def test_copies_lie_on_the_same_pixels_of_the_other_image(session):
    other = other_image(session)
    before = put(session, ring("RF"), third("polygon"), box(name="c"))
    session.select([0, 1])
    _roi_edits.set_locked(session, locked=True)
    assert _roi_edits.other_images(session) == [other]
    assert _roi_edits.copy_to(session, [other]) == ""
    assert [e.key for e in session.rois.entries()] == [e.key for e in before]
    session.use_image(other)
    copies = session.rois.entries()
    assert [e.roi.name for e in copies] == ["RF", "poly"]
    for copy, original in zip(copies, before, strict=False):
        assert same_roi(copy.roi, original.roi)
        assert copy.key != original.key
        assert not copy.locked
    assert session.rois.undo() == "copying ROIs"
    assert session.rois.entries() == ()


def test_mirrored_copies(session):
    other = other_image(session)
    put(session, box(10, 20, 30, 40, name="BB", side="left"))
    _roi_edits.copy_to(session, [other], mirrored=True)
    session.use_image(other)
    (copy,) = session.rois.entries()
    assert copy.roi.side == "right"
    np.testing.assert_array_equal(
        roi_mask(copy.roi, SHAPE), roi_mask(box(10, 20, 30, 40), SHAPE)[:, ::-1]
    )


def test_another_pixel_size_is_told(session):
    other = other_image(session, calibration=Calibration((0.3, 0.3), "test"))
    put(session, box())
    assert "other: the size of a pixel differs" in _roi_edits.copy_to(session, [other])


def test_of_a_clip_a_still_gets_what_is_shown(moving):
    other = other_image(moving)
    put(moving, box(), frame=4)
    moving.viewer.dims.set_current_step(0, 4)
    moving.select([0])
    _roi_edits.copy_to(moving, [other])
    moving.use_image(other)
    (region,) = moving.regions()
    assert region.window.n_pixels == 2000
    assert region.entry.frame is None


def test_a_copy_that_fails_leaves_the_image_in_hand(session):
    here = session.image_layer
    deep = session.viewer.add_image(gray().astype(np.uint16), name="deep")
    session.use_image(here)
    put(session, box())
    assert _roi_edits.other_images(session) == []
    with pytest.raises(ImageReadError, match="uint16"):
        _roi_edits.copy_to(session, [deep])
    assert session.image_layer is here
    assert len(session.rois.entries()) == 1


# Images of other kinds --------------------------------------------------------------


def test_a_16_bit_layer_is_refused_in_a_sentence(session):
    session.viewer.add_image(gray().astype(np.uint16), name="deep")
    session.viewer.layers.selection.active = session.viewer.layers["deep"]
    with pytest.raises(MuscleUSError, match="'deep' holds uint16 data"):
        session.new_roi_layer()
    assert session.regions() == []
    with pytest.raises(MuscleUSError, match="uint16"):
        _roi_edits.add(session, [box()], "adding")


def test_a_layer_of_shapes_on_16_bits_is_left_in_peace(session):
    session.viewer.add_image(gray().astype(np.uint16), name="deep")
    layer = session.viewer.add_shapes([box().outline()], shape_type="rectangle")
    assert session.regions() == []
    layer.data = [layer.data[0] + 3]
    session.rois.settle()
    assert session.rois.undo() == "moving ROI 1"


def test_colour_pictures_are_measured_by_their_mean(session):
    rgb = np.stack([gray(1), gray(2), gray(3)], axis=-1)
    session.viewer.add_image(rgb, rgb=True, name="doppler")
    session.viewer.layers.selection.active = session.viewer.layers["doppler"]
    put(session, box(19.5, 29.5, 40, 50))
    (region,) = session.regions()
    inside = rgb[20:60, 30:80].astype(float)
    assert session.statistics(region).mean == pytest.approx(inside.mean(), abs=0.5)
    assert session.statistics(region).n == 2000


@pytest.mark.parametrize(
    ("roi", "words"),
    [
        (box(-500, -500), "outside the image"),
        (Polygon([(10, 10), (50, 50), (10, 50), (50, 10)]), "crosses itself"),
        (Polygon([(10, 10), (20, 20), (30, 30)]), "0 pixels|no pixel|area"),
        (Polygon([(20.1, 20.1), (20.1, 20.3), (20.3, 20.3)]), "0 pixels|no pixel"),
    ],
    ids=["outside", "bow tie", "flat", "tiny"],
)
def test_unusable_regions_say_why_and_have_no_number(session, roi, words):
    put(session, roi)
    (region,) = session.regions()
    assert region.window is None
    assert re.search(words, region.problem)
    # It can still be moved, undone and deleted.
    _roi_edits.move(session, 1, 1)
    _roi_edits.delete(session)
    session.rois.undo()
    assert len(session.rois.entries()) == 1


def test_a_region_over_the_edge_counts_the_pixels_that_there_are(session):
    put(session, Ellipse(-20, -20, 60, 60))
    (region,) = session.regions()
    assert region.window.n_pixels == roi_mask(region.roi, SHAPE).sum()


def test_an_image_that_is_replaced_keeps_outlines_and_history(session):
    put(session, third("polygon"))
    layer = session.image_layer
    layer.data = gray(99)
    (region,) = session.regions()
    inside = roi_mask(region.roi, SHAPE)
    assert session.statistics(region).mean == pytest.approx(gray(99)[inside].mean())
    assert session.rois.undo() == "adding"


def test_lines_stay_lines(session):
    put(session, third("line"), third("angle"))
    _roi_edits.move(session, 1, 1)
    kinds = [e.roi.kind for e in session.rois.entries()]
    assert kinds == ["line", "angle"]
    assert all(isinstance(e.roi, Polyline) for e in session.rois.entries())


def test_a_held_arrow_key_is_one_step_and_the_next_press_another(session, rois, qtbot):
    start = session.rois.entries()[0].roi.vertices
    for _ in range(5):
        _roi_edits.move(session, 0, 1)
    np.testing.assert_array_equal(
        session.rois.entries()[0].roi.vertices, start + np.array([0, 5])
    )
    # Longer than a key takes to repeat.
    qtbot.wait(400)
    _roi_edits.move(session, 0, 1)
    session.rois.undo()
    np.testing.assert_array_equal(
        session.rois.entries()[0].roi.vertices, start + np.array([0, 5])
    )
    session.rois.undo()
    np.testing.assert_array_equal(session.rois.entries()[0].roi.vertices, start)
