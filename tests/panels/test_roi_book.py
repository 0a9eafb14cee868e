"""Undo and redo of every edit, locks, frames."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from napari_muscle_us import Rectangle
from napari_muscle_us._napari import _roi_edits, _roi_frames
from napari_muscle_us.errors import RoiError
from napari_muscle_us.roi.history import same_state
from napari_muscle_us.roi.keyframes import roi_at
from napari_muscle_us.roi.shapes import Composite
from tests.panels.roi_factory import (
    KINDS,
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
    _roi_edits.add(session, [entry(roi, **facts) for roi in rois], "adding")
    return session.rois.entries()


def go(session, frame):
    session.viewer.dims.set_current_step(0, frame)


def history_of(session):
    return session.rois._history


PLACES = st.integers(5, 90)
COLOURS = st.sampled_from(["#ff0000", "#00ff00", "#0000ff80"])
NAMES = st.sampled_from(["BB", "RF", "", "TA 2", "é/ü"])


class Edits(RuleBasedStateMachine):
    """Random edits, against a naive list of the states that there were."""

    def __init__(self):
        super().__init__()
        self.session = session_with(clip())
        self.session.new_roi_layer()
        self.states = [()]
        self.at = 0

    def teardown(self):
        book = self.session.rois
        self.look()
        while book.undo():
            self.at -= 1
            self.same(self.states[self.at])
        assert self.at == 0
        while book.redo():
            self.at += 1
            self.same(self.states[self.at])
        assert self.at == len(self.states) - 1
        self.session.viewer.layers.clear()

    def same(self, state):
        now = self.session.rois.entries()
        assert [e.key for e in now] == [e.key for e in state]
        assert same_state(now, state)

    def look(self):
        """Note the state if it is another one: then it was one step."""
        book = self.session.rois
        book.settle()
        now = book.entries()
        if not same_state(now, self.states[self.at]):
            self.states = [*self.states[: self.at + 1], now]
            self.at += 1
        assert history_of(self.session).n_steps == self.at

    @property
    def layer(self):
        return self.session.roi_layer

    def try_(self, edit, *arguments, **options):
        """Edit; a refusal must leave all as it was."""
        before = self.session.rois.entries()
        try:
            edit(*arguments, **options)
        except RoiError:
            assert_same(self.session.rois.entries(), before)
        self.look()

    @rule(kind=st.sampled_from(KINDS), colour=st.sampled_from(["", "#ff00ff"]))
    def add(self, kind, colour):
        _roi_edits.add(self.session, [entry(third(kind), colour=colour)], "adding")
        self.look()

    @rule(top=PLACES, left=PLACES, kind=st.sampled_from(["rectangle", "ellipse"]))
    def draw(self, top, left, kind):
        corners = Rectangle(top, left, 20, 30).outline()
        self.layer.add(corners, shape_type=kind)
        self.look()

    @precondition(lambda self: len(self.layer.data))
    @rule(data=st.data())
    def select(self, data):
        count = len(self.layer.data)
        places = data.draw(st.sets(st.integers(0, count - 1), min_size=1))
        self.session.select(places)
        self.look()

    @precondition(lambda self: len(self.layer.data))
    @rule(data=st.data(), rows=st.integers(-9, 9))
    def drag(self, data, rows):
        place = data.draw(st.integers(0, len(self.layer.data) - 1))
        outlines = [np.array(one) for one in self.layer.data]
        outlines[place] = outlines[place] + (rows, 0)
        self.layer.data = outlines
        self.look()

    @precondition(lambda self: len(self.layer.data))
    @rule(data=st.data(), where=PLACES)
    def drag_vertex(self, data, where):
        place = data.draw(st.integers(0, len(self.layer.data) - 1))
        if str(self.layer.shape_type[place]) not in ("polygon", "path"):
            return
        outlines = [np.array(one) for one in self.layer.data]
        outlines[place][0] = (where, where / 2)
        self.layer.data = outlines
        self.look()

    @precondition(lambda self: len(self.layer.data))
    @rule(data=st.data(), name=NAMES, side=st.sampled_from(["", "left", "right"]))
    def relabel(self, data, name, side):
        place = data.draw(st.integers(0, len(self.layer.data) - 1))
        self.session.edit(place, name=name, side=side)
        self.look()

    @precondition(lambda self: len(self.layer.data))
    @rule(data=st.data(), muscle=NAMES)
    def type_into_the_table(self, data, muscle):
        place = data.draw(st.integers(0, len(self.layer.data) - 1))
        table = self.layer.features.copy()
        table.loc[place, "muscle"] = muscle
        self.layer.features = table
        self.look()

    @rule()
    def copy_and_paste(self):
        self.layer._copy_data()
        self.layer._paste_data()
        self.look()

    @rule()
    def press_delete(self):
        self.layer.remove_selected()
        self.look()

    @precondition(lambda self: len(self.layer.data))
    @rule(colour=COLOURS)
    def colour_in_controls(self, colour):
        self.layer.current_edge_color = colour
        self.look()

    @rule(
        edit=st.sampled_from(["duplicate", "delete", "mirror"]),
    )
    def button(self, edit):
        self.try_(getattr(_roi_edits, edit), self.session)

    @rule(step=st.sampled_from([-1, 1]))
    def reorder(self, step):
        self.try_(_roi_edits.reorder, self.session, step)

    @rule(locked=st.booleans())
    def lock(self, locked):
        self.try_(_roi_edits.set_locked, self.session, locked=locked)

    @rule(colour=COLOURS)
    def colour(self, colour):
        self.try_(_roi_edits.set_colour, self.session, colour)

    @rule(rows=st.integers(-3, 3))
    def nudge(self, rows):
        self.try_(_roi_edits.move, self.session, rows, 1 / 3)
        # The key is let go: the next press is another step.
        self.session.rois.end_gesture()

    @rule(operation=st.sampled_from(["union", "subtract", "intersect"]))
    def combine(self, operation):
        self.try_(_roi_edits.combine, self.session, operation)

    @rule(on=st.booleans())
    def keyframe(self, on):
        self.try_(_roi_frames.set_keyframe, self.session, on=on)

    @rule(every=st.booleans())
    def bind_frame(self, every):
        self.try_(_roi_frames.bind_to_frame, self.session, every=every)

    @rule(frame=st.sampled_from([0, 3, 5, 10, 20]))
    def frame(self, frame):
        before = self.session.rois.entries()
        go(self.session, frame)
        assert_same(self.session.rois.entries(), before)
        self.look()

    @rule()
    def measure(self):
        count = len(self.layer.data)
        self.session.show_measured({i: 50.0 + i for i in range(count)})
        self.session.regions()
        self.look()

    @rule()
    def undo(self):
        self.look()
        done = self.session.rois.undo()
        assert bool(done) == (self.at > 0)
        self.at = max(self.at - 1, 0)
        self.same(self.states[self.at])

    @rule()
    def redo(self):
        self.look()
        done = self.session.rois.redo()
        assert bool(done) == (self.at < len(self.states) - 1)
        self.at = min(self.at + 1, len(self.states) - 1)
        self.same(self.states[self.at])

    @invariant()
    def keys_are_unique_and_what_is_shown_is_what_is_kept(self):
        stored = self.session.rois.stored()
        keys = [s.row["roi_key"] for s in stored]
        assert len(set(keys)) == len(keys)
        assert all(keys)
        assert all(s.row["name"] for s in stored)
        for shape in stored:
            expected = roi_at(shape.kept, self.session.frame)
            np.testing.assert_allclose(
                shape.entry.roi.outline(), expected.outline(), atol=1e-4
            )


Edits.TestCase.settings = settings(
    max_examples=20, stateful_step_count=30, deadline=None, derandomize=True
)
TestEdits = Edits.TestCase


# Steps ------------------------------------------------------------------------------


def test_labels_of_the_steps_tell_what_was_done(session, qtbot):
    put(session, box(), box(90, 90, 20, 20))
    layer = session.roi_layer
    said = []
    layer.data = [layer.data[0] + 3, layer.data[1]]
    said.append(session.rois.undo_label)
    layer.add(box(5, 5, 9, 9).outline(), shape_type="rectangle")
    said.append(session.rois.undo_label)
    session.edit(2, name="BB")
    said.append(session.rois.undo_label)
    session.select([2])
    layer.remove_selected()
    said.append(session.rois.undo_label)
    assert said == ["moving ROI 1", "adding ROI 3", "labels", "deleting BB"]
    assert [session.rois.undo() for _ in range(5)] == [*reversed(said), "adding"]
    assert session.rois.undo() == ""
    assert session.rois.entries() == ()


def test_what_changes_nothing_is_no_step(moving):
    put(moving, box())
    steps = history_of(moving).n_steps
    for frame in (1, 2, 3, 0):
        go(moving, frame)
    moving.select([])
    moving.select([0])
    moving.show_measured({0: 60.0})
    moving.regions()
    moving.edit(0, name="ROI 1")
    moving.roi_layer.data = list(moving.roi_layer.data)
    moving.roi_layer.mode = "direct"
    moving.rois.settle()
    assert history_of(moving).n_steps == steps


def test_a_pasted_region_is_one_of_its_own(session):
    (ringed,) = put(session, ring("ring"), colour="#00ff00", locked=True)
    session.select([0])
    layer = session.roi_layer
    layer._copy_data()
    layer._paste_data()
    first, second = session.rois.entries()
    assert first.key == ringed.key
    assert second.key != first.key
    assert second.roi.name == "ring 2"
    assert isinstance(second.roi, Composite)
    assert (second.colour, first.locked, second.locked) == ("#00ff00", True, False)
    layer.data = [layer.data[0], layer.data[1] + 7]
    session.rois.settle()
    now = session.rois.entries()
    assert now[0].roi is ringed.roi
    np.testing.assert_allclose(now[1].roi.parts[1], ringed.roi.parts[1] + 7, atol=1e-4)


def test_what_was_cut_comes_back_whole_when_it_is_pasted(session):
    (ringed,) = put(session, ring("ring"))
    session.select([0])
    layer = session.roi_layer
    layer._copy_data()
    layer.remove_selected()
    assert session.rois.entries() == ()
    layer._paste_data()
    session.rois.settle()
    (back,) = session.rois.entries()
    assert isinstance(back.roi, Composite)
    np.testing.assert_array_equal(back.roi.parts[0], ringed.roi.parts[0])


BEGUN = [[100, 10], [100, 60], [140, 60], [140, 10], [139, 9]]
"""Four corners, and the place of the mouse."""


def begin(layer, mode="add_polygon"):
    """Begin an outline as napari does with the first clicks."""
    layer.mode = mode
    layer._is_creating = True
    layer.add(np.array(BEGUN, float), shape_type="path", gui=True)
    layer._moving_value = (len(layer.data) - 1, 4)
    layer.selected_data = {len(layer.data) - 1}


@pytest.mark.parametrize("what", ["undo", "button", "frame"])
def test_an_outline_that_is_being_drawn_is_ended_not_lost(moving, what):
    put(moving, box())
    moving.select([0])
    _roi_frames.set_keyframe(moving, on=True)
    begin(moving.roi_layer)
    assert len(moving.rois.entries()) == 1
    if what == "undo":
        assert moving.rois.undo() == "adding ROI 2"
        assert len(moving.rois.entries()) == 1
        moving.rois.redo()
    elif what == "button":
        moving.rois.change([0], lambda e: entry(e.roi, key=e.key), "changing")
        assert moving.rois.undo_label == "changing"
    else:
        go(moving, 4)
        assert moving.rois.undo_label == "adding ROI 2"
    drawn = moving.rois.entries()[1].roi
    assert drawn.vertices.tolist() == BEGUN[:4]


@pytest.mark.parametrize(
    ("mode", "kind"), [("add_polygon", "Polygon"), ("add_path", "Polyline")]
)
def test_another_tool_ends_an_outline_as_its_own_does(session, mode, kind):
    put(session, box())
    begin(session.roi_layer, mode)
    session.roi_layer.mode = "select"
    drawn = session.rois.entries()[1].roi
    assert type(drawn).__name__ == kind
    assert drawn.vertices.tolist() == BEGUN[:4]
    assert session.rois.undo() == "adding ROI 2"


def test_drawing_goes_on_while_a_clip_runs_without_keyframes(moving):
    put(moving, box())
    begin(moving.roi_layer)
    go(moving, 3)
    go(moving, 4)
    assert moving.rois.watch.busy
    assert len(moving.roi_layer.data) == 2


def test_a_layer_removed_while_drawing_leaves_nothing_behind(session):
    put(session, box())
    layer = session.roi_layer
    begin(layer)
    session.viewer.layers.remove(layer)
    assert session.roi_layer is None
    assert session.rois.entries() == ()
    assert session.rois.undo() == ""
    put(session, box(5, 5, 9, 9))
    assert [e.roi.name for e in session.rois.entries()] == ["ROI 1"]


def test_two_layers_on_an_image_have_each_its_history(session):
    put(session, box(name="first"))
    first = session.roi_layer
    second = session.new_roi_layer()
    put(session, box(5, 5, 9, 9, name="second"))
    session.viewer.layers.selection.active = first
    assert session.roi_layer is first
    assert session.rois.undo_label == "adding"
    session.rois.undo()
    assert len(first.data) == 0
    assert len(second.data) == 1
    session.viewer.layers.selection.active = second
    assert [e.roi.name for e in session.rois.entries()] == ["second"]


def test_an_ellipse_clicked_to_lose_a_vertex_does_not_stop_the_history(session):
    """A change is said to begin, and never to have ended."""
    put(session, third("ellipse"))
    layer = session.roi_layer
    layer.mode = "vertex_remove"
    layer.events.data(action="changing", data_indices=(0,), value=layer.data)
    assert not session.rois.watch.busy
    session.edit(0, name="BB")
    assert session.rois.undo_label == "labels"


class Press:
    type = "mouse_press"


def test_a_long_drag_of_a_vertex_is_one_step(session):
    """In direct mode napari tells of the end of a drag alone."""
    put(session, third("polygon"))
    layer, book = session.roi_layer, session.rois
    event = Press()
    (watching,) = [c for c in layer.mouse_drag_callbacks if c == book.watch._on_mouse]
    gesture = watching(layer, event)
    next(gesture)
    event.type = "mouse_move"
    for step in range(4):
        layer._data_view.edit(0, np.array(layer.data[0]) + np.array((step, 0)))
        layer.refresh()
        next(gesture)
        # As the timer does when the mouse rests.
        book.settle()
        assert history_of(session).n_steps == 1
    layer.events.data(action="changed", data_indices=(0,), value=layer.data)
    event.type = "mouse_release"
    assert list(gesture) == []
    assert book.undo() == "moving poly"
    assert book.undo() == "adding"


# Locks ------------------------------------------------------------------------------


@pytest.fixture
def locked(session):
    put(session, box(name="a"), third("polygon"), box(60, 90, name="c"))
    session.select([1])
    _roi_edits.set_locked(session, locked=True)
    return session


def by_data(session):
    layer = session.roi_layer
    layer.data = [one + 5 for one in layer.data]


def by_delete(session):
    session.select([0, 1])
    session.roi_layer.remove_selected()


def by_emptying(session):
    session.roi_layer.data = []


@pytest.mark.parametrize("edit", [by_data, by_delete, by_emptying])
def test_a_locked_region_is_put_back_at_its_place(locked, edit):
    before = locked.rois.entries()
    edit(locked)
    locked.rois.settle()
    now = locked.rois.entries()
    kept = [e for e in now if e.key == before[1].key]
    assert_same(kept, [before[1]])
    order = [e.key for e in before]
    assert [e.key for e in now] == [k for k in order if k in {e.key for e in now}]
    assert not same_state(now, before)
    locked.rois.undo()
    assert_same(locked.rois.entries(), before)


@pytest.mark.parametrize(
    "edit",
    [
        lambda s: _roi_edits.move(s, 1, 1),
        _roi_edits.delete,
        _roi_edits.mirror,
        lambda s: _roi_edits.set_colour(s, "#ff0000"),
    ],
    ids=["move", "delete", "mirror", "colour"],
)
def test_buttons_refuse_a_locked_region(locked, edit):
    locked.select([1])
    before = locked.rois.entries()
    with pytest.raises(RoiError, match="'poly' is locked; unlock it"):
        edit(locked)
    assert_same(locked.rois.entries(), before)


def test_a_locked_region_may_be_labelled_and_unlocked(locked):
    locked.edit(1, name="BB", side="left")
    assert locked.rois.entries()[1].roi.name == "BB"
    by_data(locked)
    locked.rois.settle()
    now = locked.rois.entries()[1]
    assert (now.roi.name, now.roi.side, now.locked) == ("BB", "left", True)
    locked.select([1])
    _roi_edits.set_locked(locked, locked=False)
    _roi_edits.move(locked, 2, 0)
    assert locked.rois.undo_label == "moving BB"


def test_a_locked_region_that_moves_is_put_back_on_any_frame(moving):
    put(moving, box())
    moving.select([0])
    _roi_frames.set_keyframe(moving, on=True)
    go(moving, 10)
    moving.roi_layer.data = [moving.roi_layer.data[0] + 20]
    moving.select([0])
    _roi_edits.set_locked(moving, locked=True)
    before = moving.rois.entries()
    go(moving, 5)
    moving.roi_layer.data = [moving.roi_layer.data[0] + 9]
    moving.rois.settle()
    assert_same(moving.rois.entries(), before)
    assert moving.rois.stored()[0].entry.roi.top == 30


def test_a_region_squeezed_to_nothing_stays_as_it_was(session, notes, monkeypatch):
    from napari_muscle_us._napari import _roi_book

    said = []
    monkeypatch.setattr(_roi_book, "show_warning", said.append)
    before = put(session, box(name="BB"), box(80, 80, 9, 9))
    layer = session.roi_layer
    flat = np.array(layer.data[0])
    flat[:, 0] = 40
    layer.data = [flat, layer.data[1]]
    session.rois.settle()
    assert_same(session.rois.entries(), before)
    (sentence,) = said
    assert "'BB' is 0 px high" in sentence
    assert sentence.endswith("It stays as it was.")


# Frames -----------------------------------------------------------------------------


def two_keyframes(session, roi, shift):
    """Draw on frame 0, and drag on frame 10."""
    put(session, roi)
    session.select([0])
    _roi_frames.set_keyframe(session, on=True)
    go(session, 10)
    layer = session.roi_layer
    layer.data = [np.array(layer.data[0]) + shift]
    session.rois.settle()


@pytest.mark.parametrize("kind", ["rectangle", "polygon", "composite", "line"])
def test_between_two_keyframes_lies_the_mixture(moving, kind):
    roi = third(kind)
    two_keyframes(moving, roi, (20, 10))
    for frame, share in ((0, 0), (5, 0.5), (2, 0.2), (10, 1), (15, 1)):
        go(moving, frame)
        shown = moving.rois.stored()[0].entry.roi
        expected = roi.outline() + np.array((20, 10)) * share
        np.testing.assert_allclose(shown.outline(), expected, atol=1e-3)
    go(moving, 0)
    np.testing.assert_array_equal(
        moving.rois.stored()[0].entry.roi.outline(), roi.outline()
    )


def test_a_keyframe_drawn_on_another_frame_is_undone(moving):
    two_keyframes(moving, box(), (20, 10))
    go(moving, 5)
    assert moving.rois.undo() == "moving ROI 1"
    assert moving.frame == 5
    assert moving.rois.stored()[0].entry.roi == box(name="ROI 1")
    moving.rois.redo()
    assert moving.rois.stored()[0].entry.roi == box(30, 35, name="ROI 1")


def test_taking_a_keyframe_away(moving):
    two_keyframes(moving, box(), (20, 10))
    moving.select([0])
    _roi_frames.set_keyframe(moving, on=False)
    ((frame, roi),) = moving.rois.entries()[0].keyframes
    assert (frame, roi) == (0, box(name="ROI 1"))
    _roi_frames.bind_to_frame(moving, every=True)
    assert moving.rois.entries()[0].keyframes == ()


def test_keyframes_of_another_kind_are_refused_and_the_outline_put_back(
    moving, monkeypatch
):
    from napari_muscle_us._napari import _roi_book

    said = []
    monkeypatch.setattr(_roi_book, "show_warning", said.append)
    two_keyframes(moving, ring(), (2, 1))
    before = moving.rois.entries()
    go(moving, 5)
    layer = moving.roi_layer
    # One more vertex: no longer an outline with holes.
    layer.data = [np.insert(layer.data[0], 1, (21, 50), axis=0)]
    moving.rois.settle()
    assert_same(moving.rois.entries(), before)
    assert "cannot be joined" in said[0]


def test_a_region_of_one_frame_is_refused_on_the_others(moving):
    put(moving, box())
    go(moving, 4)
    moving.select([0])
    _roi_frames.bind_to_frame(moving, every=False)
    (region,) = moving.regions()
    assert region.window.n_pixels == 2000
    go(moving, 5)
    (region,) = moving.regions()
    assert region.window is None
    assert "belongs to frame 4; go there" in region.problem
    assert np.asarray(moving.roi_layer.edge_color)[0, 3] == 0
    go(moving, 4)
    assert moving.regions()[0].window.n_pixels == 2000


def test_another_layer_meanwhile_does_not_leave_an_outline_behind(moving):
    two_keyframes(moving, box(), (20, 10))
    first = moving.roi_layer
    second = moving.new_roi_layer()
    go(moving, 0)
    moving.viewer.layers.selection.active = first
    assert moving.rois.stored()[0].entry.roi == box(name="ROI 1")
    moving.viewer.layers.selection.active = second
    go(moving, 5)
    moving.viewer.layers.selection.active = first
    assert moving.rois.stored()[0].entry.roi == box(30, 35, name="ROI 1")
    moving.rois.settle()
    assert moving.rois.undo_label == "moving ROI 1"


def test_playing_records_nothing(moving):
    for n in range(10):
        put(moving, third("polygon" if n % 2 else "ellipse"))
    moving.select(range(10))
    _roi_frames.set_keyframe(moving, on=True)
    go(moving, 10)
    moving.roi_layer.data = [np.array(one) + 10 for one in moving.roi_layer.data]
    moving.rois.settle()
    steps = history_of(moving).n_steps
    before = moving.rois.entries()
    for frame in range(11):
        go(moving, frame)
    assert history_of(moving).n_steps == steps
    assert_same(moving.rois.entries(), before)
