"""The magnetic outline on a viewer model, with the events that napari would send."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from napari.layers import Shapes
from napari.utils.interactions import (
    mouse_double_click_callbacks,
    mouse_move_callbacks,
    mouse_press_callbacks,
    mouse_release_callbacks,
)

from napari_muscle_us._napari._magnetic import MagneticTool
from napari_muscle_us._napari._magnetic_path import SNAP_PX, MagneticPath, prepare
from napari_muscle_us._napari._magnetic_preview import PREVIEW_NAME
from napari_muscle_us._napari._session import session_of
from napari_muscle_us.errors import ImageReadError, RoiError
from napari_muscle_us.frames import Frame, FrameStack
from napari_muscle_us.image import UltrasoundImage
from napari_muscle_us.roi.shapes import shoelace_area

SHAPE = (120, 200)
BOX = (40, 80, 50, 150)
"""First and last dark row and column of the muscle."""


def muscle(box=BOX):
    """Return bright tissue around a dark muscle, with speckle."""
    rng = np.random.default_rng(3)
    gray = rng.normal(150, 12, SHAPE)
    top, bottom, left, right = box
    gray[top : bottom + 1, left : right + 1] -= 110
    return np.clip(gray, 0, 255).astype(np.uint8)


@pytest.fixture
def layer(viewer, qtbot):
    """Return the only image: a dark box, 0.1 mm × 0.2 mm a pixel."""
    viewer.layers.clear()
    return viewer.add_image(muscle(), scale=(0.1, 0.2), units=("mm", "mm"))


@pytest.fixture
def tool(viewer, layer, qtbot):
    tool = MagneticTool(session_of(viewer))
    tool.start()
    qtbot.waitUntil(lambda: tool._path._cost is not None)
    yield tool
    tool.stop()


class Hand:
    """Sends mouse events to viewer and active layer, as napari's canvas does."""

    def __init__(self, viewer, layer):
        self.viewer, self.layer = viewer, layer

    def send(self, callbacks, place, modifiers=()):
        world = self.layer.data_to_world(place)[-2:]
        point = (*self.viewer.dims.point[:-2], *world)
        event = SimpleNamespace(
            position=point,
            pos=np.zeros(2),
            button=1,
            modifiers=modifiers,
            camera_zoom=10.0,
            is_dragging=False,
            type="mouse_press",
            handled=False,
        )
        callbacks(self.viewer, event)
        callbacks(self.viewer.layers.selection.active, event)

    def move(self, *place, modifiers=()):
        self.send(mouse_move_callbacks, place, modifiers)

    def click(self, *place, modifiers=()):
        self.move(*place, modifiers=modifiers)
        self.send(mouse_press_callbacks, place, modifiers)
        self.send(mouse_release_callbacks, place, modifiers)

    def double_click(self, *place):
        self.click(*place)
        self.send(mouse_double_click_callbacks, place)


@pytest.fixture
def hand(viewer, layer):
    return Hand(viewer, layer)


class Frames:
    """Two frames; on the second the muscle is smaller."""

    shape = (2, *SHAPE)

    def read(self, index):
        return Frame(muscle((BOX, (44, 76, 54, 146))[index]))


def preview_of(viewer):
    return next((x for x in viewer.layers if x.name == PREVIEW_NAME), None)


def press(tool, key):
    """Press a key of the ROI layer."""
    from napari.utils.key_bindings import coerce_keybinding

    layer = tool._on[1]
    layer.keymap[coerce_keybinding(key)](layer)


ROUGH = ((37, 52), (42, 149), (78, 153), (83, 47))


def around(hand, places=ROUGH):
    for place in places:
        hand.click(*place)


def assert_is_muscle(session):
    """Check that the one region is the box, to a pixel along its border."""
    (region,) = session.regions()
    assert region.problem == ""
    top, bottom, left, right = BOX
    area = (bottom - top + 1) * (right - left + 1)
    border = 2 * (bottom - top + right - left)
    assert abs(region.window.n_pixels - area) < border
    rows, columns = region.window.rows, region.window.columns
    ends = np.array([rows.start, rows.stop - 1, columns.start, columns.stop - 1])
    assert np.abs(ends - BOX).max() <= 3


@pytest.mark.parametrize("end", ["first", "double", "Enter", "T"])
def test_rough_clicks_become_the_muscle_s_outline(tool, hand, viewer, end):
    session = session_of(viewer)
    around(hand, ROUGH[:-1])
    if end == "double":
        hand.double_click(*ROUGH[-1])
    else:
        hand.click(*ROUGH[-1])
        if end == "first":
            hand.click(ROUGH[0][0] + 1, ROUGH[0][1])
        else:
            press(tool, end)
    assert_is_muscle(session)
    assert session.regions()[0].name == "ROI 1"
    assert session.selected() == [0]
    assert viewer.layers.selection.active is session.roi_layer
    assert session.rois.undo_label == "drawing ROI 1"
    # The tool stays in hand, and what it showed is gone.
    assert tool.active
    assert not tool.is_drawing
    assert len(preview_of(viewer).data) == 0
    session.rois.undo()
    assert session.regions() == []


def test_what_is_shown_is_what_a_click_lays(tool, hand, viewer):
    hand.click(*ROUGH[0])
    hand.move(*ROUGH[1])
    shown = preview_of(viewer).data.copy()
    hand.click(*ROUGH[1])
    laid = tool._path.laid()
    # From anchor to anchor, along the upper border all the way.
    starts = shown[:, 0]
    on_path = [bool((laid == start).all(axis=1).any()) for start in starts]
    assert sum(on_path) > 25
    assert np.abs(laid[5:-5, 0] - 39.5).max() <= 1.5
    np.testing.assert_allclose(laid[[0, -1], 1], [52, 149], atol=SNAP_PX)
    scale = preview_of(viewer).scale
    np.testing.assert_allclose(scale, (0.1, 0.2))


def test_backspace_takes_the_last_click_back_and_escape_all(tool, hand):
    around(hand)
    first_leg = tool._path._legs[0]
    for left in (3, 2):
        press(tool, "Backspace")
        assert len(tool._path.anchors) == left
    np.testing.assert_array_equal(tool._path.laid(), first_leg)
    press(tool, "Escape")
    assert tool.active
    assert not tool.is_drawing
    press(tool, "Backspace")
    press(tool, "Escape")
    assert not tool.active


def test_shift_lays_a_straight_line_to_the_very_place(tool, hand):
    hand.click(60, 60)
    first = tool._path.anchors[0]
    hand.click(64, 120, modifiers=("Shift",))
    assert tool._path.anchors[1] == (64, 120)
    np.testing.assert_array_equal(tool._path.laid(), [first, (64, 120)])


def test_a_click_beyond_the_image_means_its_edge(tool, hand):
    hand.click(-30, 500, modifiers=("Shift",))
    assert tool._path.anchors == [(0, SHAPE[1] - 1)]


def test_too_few_points_are_said_and_kept(tool, hand, notes):
    hand.click(*ROUGH[0])
    press(tool, "Enter")
    assert "1 points" in notes[0]
    assert tool.is_drawing


def test_two_points_on_opposite_sides_enclose_the_muscle(tool, hand, viewer):
    hand.click(60, 50)
    hand.click(60, 150)
    press(tool, "Enter")
    (region,) = session_of(viewer).regions()
    # However the legs run, they do not run upon each other.
    assert region.problem == ""
    assert region.window.n_pixels > 500


def test_alt_and_other_buttons_set_no_point(tool, hand):
    hand.click(*ROUGH[0], modifiers=("Alt",))
    assert not tool.is_drawing


def test_the_mouse_is_the_tool_s_only_while_it_is_in_hand(tool, hand, viewer):
    rois = session_of(viewer).roi_layer
    zoom = viewer.scene.camera.zoom
    assert not rois.mouse_pan
    hand.double_click(60, 60)
    assert viewer.scene.camera.zoom == zoom
    space = tool._hold._on_space(rois)
    next(space)
    hand.click(20, 20)
    assert len(tool._path.anchors) == 1
    assert rois.mouse_pan
    assert next(space, None) is None
    assert not rois.mouse_pan
    tool.stop()
    assert rois.mouse_pan
    assert rois.keymap == {}
    hand.double_click(60, 60)
    assert viewer.scene.camera.zoom == 2 * zoom
    assert session_of(viewer).regions() == []


def test_keys_of_others_come_back(viewer, layer, qtbot):
    session = session_of(viewer)
    rois = session.new_roi_layer()
    before, meanwhile = (lambda layer: None), (lambda layer: None)
    rois.bind_key("T", before)
    tool = MagneticTool(session)
    tool.start()
    rois.bind_key("Enter", meanwhile, overwrite=True)
    tool.stop()
    assert list(rois.keymap.values()) == [meanwhile, before]


def another_tool(viewer, tool):
    session_of(viewer).roi_layer.mode = "add_polygon"


def another_image(viewer, tool):
    viewer.add_image(muscle() // 2, name="another")


def preview_deleted(viewer, tool):
    viewer.layers.remove(preview_of(viewer))


def rois_deleted(viewer, tool):
    viewer.layers.remove(session_of(viewer).roi_layer)


def all_deleted(viewer, tool):
    viewer.layers.clear()


@pytest.mark.parametrize(
    "leave", [another_tool, another_image, preview_deleted, rois_deleted, all_deleted]
)
def test_leaving_the_tool_cleans_up(tool, hand, viewer, qtbot, leave):
    told = []
    hand.click(*ROUGH[0])
    rois = session_of(viewer).roi_layer
    tool.changed.connect(lambda: told.append(tool.active))
    leave(viewer, tool)
    qtbot.waitUntil(lambda: not tool.active)
    assert told == [False]
    assert preview_of(viewer) is None
    slots = [*rois.mouse_drag_callbacks, *rois.mouse_move_callbacks]
    assert all(getattr(slot, "__self__", None) is not tool for slot in slots)
    assert rois.keymap == {}
    assert rois.mouse_pan == (rois.mode == "pan_zoom")
    zooming = [c.__name__ for c in viewer.mouse_double_click_callbacks]
    assert zooming == ["double_click_to_zoom"]


def test_another_active_layer_only_pauses(tool, hand, viewer, qtbot):
    around(hand, ROUGH[:2])
    viewer.layers.selection.active = preview_of(viewer)
    qtbot.wait(20)
    tool.start()
    assert viewer.layers.selection.active is session_of(viewer).roi_layer
    around(hand, ROUGH[2:])
    press(tool, "T")
    assert_is_muscle(session_of(viewer))


def test_the_preview_is_no_region_and_no_picture(tool, hand, viewer):
    session = session_of(viewer)
    image, rois = session.image_layer, session.roi_layer
    around(hand)
    viewer.layers.selection.active = preview_of(viewer)
    assert session.image_layer is image
    assert session.roi_layer is rois
    assert not isinstance(preview_of(viewer), Shapes)
    assert session.regions() == []


def test_without_an_image_it_is_refused(viewer, qtbot):
    viewer.layers.clear()
    with pytest.raises(ImageReadError, match="No image is open"):
        MagneticTool(session_of(viewer)).start()


def test_a_cropped_picture_has_its_own_pixels(viewer, qtbot):
    whole = UltrasoundImage(muscle(), name="whole", digest="0" * 64)
    viewer.layers.clear()
    session = session_of(viewer)
    layer = session.add_image(whole.cropped((20, 110, 30, 180)))
    np.testing.assert_allclose(layer.translate, (20, 30))
    tool = MagneticTool(session)
    tool.start()
    hand = Hand(viewer, layer)
    around(hand, [(row - 20, column - 30) for row, column in ROUGH])
    tool.finish()
    (region,) = session.regions()
    window = region.window
    ends = (
        window.rows.start,
        window.rows.stop - 1,
        window.columns.start,
        window.columns.stop - 1,
    )
    assert np.abs(np.array(ends) - (20, 60, 20, 120)).max() <= 3


def test_an_outline_follows_the_frame_that_is_shown(viewer, qtbot):
    viewer.layers.clear()
    session = session_of(viewer)
    clip = UltrasoundImage(FrameStack(Frames()), name="clip", digest="1" * 64)
    layer = session.add_image(clip)
    viewer.dims.set_current_step(0, 0)
    tool = MagneticTool(session)
    tool.start()
    around(Hand(viewer, layer))
    upper = tool._path._legs[0][10:-10, 0]
    assert np.abs(upper - 39.5).max() <= 1.5
    viewer.dims.set_current_step(0, 1)
    upper = tool._path._legs[0][10:-10, 0]
    assert np.abs(upper - 43.5).max() <= 1.5
    assert len(tool._path.anchors) == 4
    tool.finish()
    assert session.regions()[0].problem == ""


class TestPath:
    """The outline in the making, without a viewer."""

    def test_clicks_out_of_order_that_cross_are_refused(self):
        path = MagneticPath(np.full(SHAPE, 90, np.uint8))
        for place in ((10, 10), (60, 100), (10, 100), (60, 10)):
            path.add(place, straight=True)
        with pytest.raises(RoiError, match="crosses itself"):
            path.outline(straight=True)

    def test_the_outline_lies_on_what_was_shown(self):
        path = MagneticPath(muscle())
        for place in ROUGH:
            path.add(place)
        shown = np.vstack([path.laid(), path.closing()])
        outline = path.outline()
        assert len(outline) < len(shown) / 3
        away = np.abs(outline[:, None] - shown).max(axis=2).min(axis=1)
        assert away.max() == 0
        area, exact = shoelace_area(outline), shoelace_area(shown)
        assert area == pytest.approx(exact, rel=0.02)

    def test_the_same_place_twice_is_one_anchor(self):
        path = MagneticPath(muscle())
        path.add((39, 60))
        path.add((39, 60))
        assert len(path.anchors) == 1
        assert path.laid().shape == (1, 2)

    def test_a_cost_of_other_pixels_is_not_taken(self):
        path = MagneticPath(muscle())
        path.use_cost(*prepare(np.full(SHAPE, 90, np.uint8)))
        path.add((37, 100))
        assert 39 <= path.anchors[0][0] <= 40
