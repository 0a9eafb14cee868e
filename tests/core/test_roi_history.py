"""Undo and redo against a history that simply keeps everything."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

import napari_muscle_us as mus
from napari_muscle_us.errors import RoiError
from napari_muscle_us.roi.composite import Composite
from napari_muscle_us.roi.entries import RoiEntry
from napari_muscle_us.roi.history import RoiHistory, same_entry, same_roi, same_state
from napari_muscle_us.roi.open_shapes import Points, Polyline

CORNERS = [(0.0, 0.0), (0.0, 4.0), (3.0, 0.0)]


def triangle(shift: float = 0.0, name: str = "BB", key: str = "k") -> RoiEntry:
    return RoiEntry(mus.Polygon(np.add(CORNERS, shift), name=name), key=key)


# Two of each key, so that a state can change and come back.
POOL = [triangle(shift, key=key) for key in "abc" for shift in (0.0, 1.0)]
STATES = st.lists(st.sampled_from(POOL), max_size=3, unique_by=lambda e: e.key).map(
    tuple
)
MAX_STEPS, MAX_VERTICES = 4, 15


class Naive(RuleBasedStateMachine):
    """A list of all states, the place in it, and where gestures may go on."""

    def __init__(self) -> None:
        super().__init__()
        self.history = RoiHistory(MAX_STEPS, MAX_VERTICES)
        self.states: list[tuple[RoiEntry, ...]] = [()]
        self.labels = [""]
        self.at = 0
        self.gesture = ""

    @rule(
        state=STATES,
        label=st.sampled_from(["move", "draw"]),
        merge=st.sampled_from(["", "", "p", "q"]),
    )
    def record(self, state, label, merge):
        # New objects of equal content, as a layer that is read anew gives.
        fresh = tuple(replace(entry, roi=replace(entry.roi)) for entry in state)
        self.history.record(fresh, label, merge=merge)
        if state == self.states[self.at]:
            return
        if merge and merge == self.gesture:
            self.at -= 1
        self.states = self.states[: self.at + 1]
        self.labels = self.labels[: self.at + 1]
        self.gesture = ""
        if state == self.states[self.at]:
            return
        self.states.append(state)
        self.labels.append(label)
        self.at += 1
        self.gesture = merge
        while self.at > MAX_STEPS or (self.at > 1 and self.vertices() > MAX_VERTICES):
            del self.states[0], self.labels[0]
            self.at -= 1

    @rule()
    def undo(self):
        found = self.history.undo()
        if self.at == 0:
            assert found is None
            return
        self.at -= 1
        self.gesture = ""
        assert same_state(found, self.states[self.at])

    @rule()
    def redo(self):
        found = self.history.redo()
        if self.at == len(self.states) - 1:
            assert found is None
            return
        self.at += 1
        self.gesture = ""
        assert same_state(found, self.states[self.at])

    @rule()
    def close(self):
        self.history.close()
        self.gesture = ""

    @precondition(lambda self: len(self.states) > 3)
    @rule(state=STATES)
    def reset(self, state):
        self.history.reset(state)
        self.states, self.labels, self.at, self.gesture = [state], [""], 0, ""

    def vertices(self) -> int:
        """Count by hand: an entry is held anew where the state before had none."""
        total = 0
        for number, state in enumerate(self.states):
            before = self.states[number - 1] if number else ()
            total += sum(3 for entry in state if entry not in before)
        return total

    @invariant()
    def agrees(self):
        history = self.history
        assert same_state(history.present, self.states[self.at])
        assert history.can_undo == (self.at > 0)
        assert history.can_redo == (self.at < len(self.states) - 1)
        assert history.n_steps == self.at
        assert history.undo_label == (self.labels[self.at] if self.at else "")
        after = [*self.labels, ""][self.at + 1]
        assert history.redo_label == after
        assert history.n_vertices == self.vertices()


# A state machine's test has no name of its own to give settings to.
Naive.TestCase.settings = settings(
    max_examples=200,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestAgainstANaiveHistory = Naive.TestCase


def test_one_drag_is_one_step_and_the_next_drag_another():
    history = RoiHistory()
    history.reset((triangle(0),))
    for shift in (1, 2, 3):
        history.record((triangle(shift),), "move of BB", merge="drag")
    history.close()
    history.record((triangle(4),), "move of BB", merge="drag")
    assert history.undo()[0].roi.vertices[0, 0] == 3
    assert history.undo()[0].roi.vertices[0, 0] == 0
    assert history.undo() is None
    assert history.redo()[0].roi.vertices[0, 0] == 3


def test_a_drag_that_ends_where_it_began_is_no_step():
    history = RoiHistory()
    history.record((triangle(0),), "drawing of BB")
    history.record((triangle(1),), "move of BB", merge="drag")
    history.record((triangle(0),), "move of BB", merge="drag")
    assert (history.n_steps, history.undo_label) == (1, "drawing of BB")
    history.record((triangle(2),), "move of BB", merge="drag")
    assert history.undo()[0].roi.vertices[0, 0] == 0


def test_a_new_edit_forgets_what_was_undone_but_an_equal_record_does_not():
    history = RoiHistory()
    history.record((triangle(0),), "drawing")
    history.undo()
    history.record((), "nothing")
    assert history.can_redo
    history.record((triangle(5),), "another")
    assert not history.can_redo


def test_a_set_of_fifty_costs_what_changes():
    entries = [
        RoiEntry(mus.Polygon(np.random.default_rng(i).uniform(0, 500, (400, 2))))
        for i in range(50)
    ]
    history = RoiHistory()
    history.reset(tuple(entries))
    for step in range(100):
        moved = replace(entries[7], roi=mus.Polygon(entries[7].roi.vertices + step + 1))
        fresh = [replace(entry, roi=replace(entry.roi)) for entry in entries]
        fresh[7] = moved
        history.record(tuple(fresh))
    assert history.n_steps == 100
    assert history.n_vertices == (50 + 100) * 400


def test_the_last_step_stays_however_large_it_is():
    history = RoiHistory(max_vertices=2)
    history.record((triangle(0),))
    history.record((triangle(1),))
    assert history.undo()[0].roi.vertices[0, 0] == 0
    assert history.undo() is None


def test_what_only_imagej_knows_counts_towards_the_limit():
    history = RoiHistory()
    history.reset((replace(triangle(), imagej=bytes(33)),))
    assert history.n_vertices == 3 + 3


@pytest.mark.parametrize("limits", [(0, 1), (1, 0)], ids=["steps", "vertices"])
def test_a_history_of_nothing_is_refused(limits):
    with pytest.raises(RoiError, match="give at least 1"):
        RoiHistory(*limits)


FULL = RoiEntry(
    mus.Polygon(CORNERS, name="BB", muscle="Biceps brachii", side="left"),
    key="k",
    colour="#ff0000",
    locked=True,
    frame=3,
    keyframes=((1, mus.Rectangle(0, 0, 5, 5)), (4, mus.Rectangle(0, 1, 5, 5))),
    imagej=b"Iout",
)


@pytest.mark.parametrize(
    "change",
    [
        {"roi": mus.Polygon(CORNERS[::-1], name="BB", muscle="Biceps brachii")},
        {"roi": replace(FULL.roi, name="RF")},
        {"roi": replace(FULL.roi, muscle="")},
        {"roi": replace(FULL.roi, side="right")},
        {"roi": Points(CORNERS, name="BB", muscle="Biceps brachii", side="left")},
        {"roi": mus.Polygon([*CORNERS, (9, 9)], "BB", "Biceps brachii", "left")},
        {"key": "l"},
        {"colour": "#ff0001"},
        {"locked": False},
        {"frame": None},
        {"keyframes": FULL.keyframes[:1]},
        {"keyframes": ((1, FULL.keyframes[0][1]), (5, FULL.keyframes[1][1]))},
        {"keyframes": ((1, FULL.keyframes[0][1]), (4, mus.Rectangle(0, 2, 5, 5)))},
        {"imagej": b"Jout"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_change_of_an_entry_is_a_change(change):
    assert not same_entry(FULL, replace(FULL, **change))
    history = RoiHistory()
    history.reset((FULL,))
    history.record((replace(FULL, **change),), "edit")
    assert history.undo_label == "edit"


@pytest.mark.parametrize(
    ("roi", "other"),
    [
        (mus.Ellipse(0, 0, 4, 5), mus.Ellipse(0, 0, 4, 5, angle_deg=1)),
        (mus.Rectangle(0, 0, 4, 5), mus.Ellipse(0, 0, 4, 5)),
        (Composite([CORNERS]), Composite([CORNERS, CORNERS])),
        (Composite([CORNERS]), Composite([CORNERS[::-1]])),
        (Polyline(CORNERS, kind="angle"), Polyline(CORNERS, kind="freehand")),
        (Points(CORNERS), Points(CORNERS[:2])),
    ],
    ids=["ellipse", "kind", "parts", "part", "line-kind", "points"],
)
def test_regions_are_the_same_by_value(roi, other):
    assert same_roi(roi, replace(roi))
    assert not same_roi(roi, other)


def test_order_and_number_of_regions_matter():
    a, b = triangle(key="a"), triangle(key="b")
    assert not same_state((a, b), (b, a))
    assert not same_state((a, b), (a,))
    assert same_state((a, b), (replace(a), replace(b)))
