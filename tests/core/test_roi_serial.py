"""Regions come back from JSON as they were, and broken ones harm no other."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import napari_muscle_us as mus
from napari_muscle_us.errors import RoiError
from napari_muscle_us.roi import serial
from napari_muscle_us.roi.composite import Composite
from napari_muscle_us.roi.entries import RoiEntry
from napari_muscle_us.roi.history import same_state
from napari_muscle_us.roi.open_shapes import LINE_KINDS, Points, Polyline
from napari_muscle_us.roi.serial import entries_from_dict, entries_to_dict

NUMBER = st.floats(-1e6, 1e6)
SIZE = st.floats(1e-9, 1e6)
OUTLINE = st.lists(st.tuples(NUMBER, NUMBER), min_size=3, max_size=6)
LABELS = {
    "name": st.text(max_size=5),
    "muscle": st.text(max_size=5),
    "side": st.sampled_from(["", "left", "right"]),
}
BOX = {"top": NUMBER, "left": NUMBER, "height": SIZE, "width": SIZE}
ROIS = st.one_of(
    st.builds(mus.Polygon, OUTLINE, **LABELS),
    st.builds(mus.Rectangle, **BOX, angle_deg=NUMBER, **LABELS),
    st.builds(mus.Ellipse, **BOX, angle_deg=NUMBER, **LABELS),
    st.builds(Composite, st.lists(OUTLINE, min_size=1, max_size=3), **LABELS),
    st.builds(Polyline, OUTLINE, **LABELS),
    st.builds(Polyline, OUTLINE.map(lambda o: o[:3]), kind=st.just("angle"), **LABELS),
    st.builds(Points, OUTLINE, **LABELS),
)
KEYFRAMES = st.dictionaries(st.integers(0, 99), ROIS, max_size=3).map(
    lambda found: tuple(sorted(found.items()))
)
ENTRIES = st.builds(
    RoiEntry,
    ROIS,
    colour=st.sampled_from(["", "#00ff7f", "#00ff7f80"]),
    locked=st.booleans(),
    frame=st.none() | st.integers(0, 99),
    keyframes=KEYFRAMES,
    imagej=st.binary(max_size=9),
)


def through_json(entries):
    return entries_from_dict(json.loads(json.dumps(entries_to_dict(entries))))


@given(st.lists(ENTRIES, max_size=3))
def test_all_comes_back_to_the_last_bit(entries):
    back, problems = through_json(entries)
    assert problems == ()
    assert same_state(tuple(entries), back)
    for before, after in zip(entries, back, strict=True):
        assert before.roi.outline().tobytes() == after.roi.outline().tobytes()


@pytest.mark.parametrize("kind", LINE_KINDS)
def test_the_kind_of_a_line_is_kept(kind):
    number = 3 if kind == "angle" else 2
    line = Polyline([(0.1, 0.2), (0.3, 1 / 3), (5, 5)][:number], kind=kind)
    (back,), _ = through_json([RoiEntry(line)])
    assert back.roi.kind == kind
    assert back.roi.vertices.tolist() == line.vertices.tolist()


@pytest.mark.parametrize(
    "number",
    [np.float32(0.1), np.float64(0.1), np.int16(3), 3, Decimal("0.1"), 1e-300],
    ids=lambda number: type(number).__name__,
)
def test_numbers_of_other_libraries_keep_their_value(number):
    (back,), problems = through_json([RoiEntry(mus.Rectangle(number, 0, 5, 6))])
    assert problems == ()
    assert back.roi.top == float(number)


def test_bytes_of_imagej_and_numbers_that_decimals_round(golden_roi_bytes):
    outline = np.nextafter(np.array([(0.1, 0.2), (0.3, 1e6 / 3), (-0.0, 5)]), 9)
    rectangle = golden_roi_bytes("rect_fractional")
    entry = RoiEntry(mus.Polygon(outline, name="µ\ud800\n"), imagej=rectangle)
    (back,), _ = through_json([entry])
    assert back.imagej == rectangle
    assert back.roi.vertices.tobytes() == outline.tobytes()
    assert back.roi.name == "µ\ud800\n"


GOOD = entries_to_dict([RoiEntry(mus.Rectangle(0, 0, 5, 6, name="BB"), key="good")])[0]
LINE = {"type": "polyline", "vertices": [[0, 0], [1, 1]], "kind": "line"}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"geometry": {"type": "star"}}, "type 'star' is unknown"),
        ({"geometry": {"type": ["rectangle"]}}, "'type' of .* is not"),
        ({"geometry": None}, "no geometry"),
        ({"geometry": {"type": "rectangle", "top": 0}}, "do not make a rectangle"),
        ({"geometry": GOOD["geometry"] | {"top": "1"}}, "'top' of ROI 'BB'"),
        ({"geometry": GOOD["geometry"] | {"top": True}}, "'top' of ROI 'BB'"),
        ({"geometry": GOOD["geometry"] | {"top": None}}, "'top' of ROI 'BB'"),
        ({"geometry": GOOD["geometry"] | {"height": -1}}, "-1 px high"),
        ({"geometry": GOOD["geometry"] | {"top": math.nan}}, "coordinate nan"),
        ({"geometry": GOOD["geometry"] | {"top": 10**400}}, "no place in an image"),
        ({"geometry": GOOD["geometry"] | {"name": "x"}}, "'name' of ROI 'BB'"),
        ({"geometry": LINE | {"kind": "arrow"}}, "kind 'arrow'"),
        ({"geometry": LINE | {"vertices": [[0, 0], [1]]}}, "0 vertices"),
        ({"geometry": LINE | {"vertices": [[0, 10**400], [1, 1]]}}, "no place in an"),
        ({"geometry": LINE | {"vertices": {"a": 1}}}, "'vertices' of"),
        ({"geometry": {"type": "composite", "parts": [[[0, 0]]]}}, "1 vertices"),
        ({"geometry": {"type": "composite", "parts": []}}, "no outline"),
        ({"name": 7}, "name that is no text"),
        ({"side": "middle"}, "side 'middle'"),
        ({"colour": "red"}, "colour 'red'"),
        ({"locked": 1}, "neither locked nor not"),
        ({"frame": -1}, "no frame from 0"),
        ({"frame": 1.0}, "no whole number"),
        ({"frame": True}, "no whole number"),
        ({"frame": 10**9}, "no frame from 0"),
        ({"keyframes": {}}, "no list"),
        ({"keyframes": [[1]]}, "no frame with a region"),
        ({"keyframes": [[1, GOOD]]}, "keyframe of ROI 'BB' has the unknown entry"),
        ({"keyframes": [[1, {"geometry": {"type": "star"}}]]}, "'star' is unknown"),
        ({"keyframes": [[n, {"geometry": LINE}] for n in (4, 2)]}, r"\[4, 2\]"),
        ({"imagej": "&&&&"}, "no base64"),
        ({"imagej": "µ"}, "no base64"),
        ({"frmae": 3}, "unknown entry 'frmae'"),
        ({"key": 3}, "key that is no text"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_broken_region_is_left_out_with_a_sentence(change, says):
    broken = json.loads(json.dumps(GOOD | change))
    entries, problems = entries_from_dict([GOOD, broken, GOOD])
    assert [entry.roi.name for entry in entries] == ["BB", "BB"]
    assert len(problems) == 1
    with pytest.raises(RoiError, match=says):
        raise RoiError(problems[0])
    assert problems[0].startswith("ROI 2 of 3 was left out: ")
    assert problems[0].endswith(".")


JUNK = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(["polygon", "composite", "left", "#ffffff", "QUJD"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(GOOD)), JUNK, max_size=4), JUNK)
def test_junk_never_raises(changes, other):
    entries, problems = entries_from_dict([GOOD | changes, other])
    # What is kept can be kept again.
    assert same_state(through_json(entries)[0], entries)
    assert len(entries) + len(problems) == 2


@pytest.mark.parametrize(
    "part", sorted({*mus.Rectangle.__dataclass_fields__} - serial._REGION)
)
@given(junk=JUNK)
def test_junk_in_a_box_never_raises(part, junk):
    one = GOOD | {"geometry": GOOD["geometry"] | {part: junk}}
    entries, problems = entries_from_dict([one])
    assert len(entries) + len(problems) == 1


@pytest.mark.parametrize("stored", [None, {}, "abc", 3], ids=str)
def test_what_is_no_list_is_told(stored):
    entries, problems = entries_from_dict(stored)
    assert (entries, len(problems)) == ((), 1)


def test_a_key_that_occurs_twice_is_made_anew():
    entries, problems = entries_from_dict([GOOD, GOOD, GOOD | {"key": ""}])
    assert problems == ()
    assert entries[0].key == "good"
    assert len({entry.key for entry in entries}) == 3


def test_the_number_of_regions_is_bounded():
    many = [GOOD | {"key": ""}] * (serial.MAX_ENTRIES + 2)
    entries, problems = entries_from_dict(many)
    assert len(entries) == serial.MAX_ENTRIES
    assert problems == ("2 ROIs beyond the first 10000 were left out.",)
    with pytest.raises(RoiError, match="10001 ROIs cannot be kept"):
        entries_to_dict([*entries, entries[0]])


def test_the_number_of_sentences_is_bounded():
    entries, problems = entries_from_dict([None] * 250)
    assert entries == ()
    assert len(problems) == serial.MAX_PROBLEMS + 1
    assert problems[-1] == "150 more ROIs were left out."


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"imagej": b"x" * 11}, "11 bytes"),
        ({"frame": 10**8}, "belongs to frame 100000000"),
        ({"keyframes": ((10**8, mus.Rectangle(0, 0, 1, 1)),)}, "100000000"),
    ],
    ids=["imagej", "frame", "keyframe"],
)
def test_what_could_not_be_read_back_is_not_written(change, says, monkeypatch):
    monkeypatch.setattr(serial, "MAX_IMAGEJ_BYTES", 10)
    entry = RoiEntry(mus.Rectangle(0, 0, 5, 6), imagej=b"x" * 10)
    assert through_json([entry])[1] == ()
    with pytest.raises(RoiError, match=says):
        entries_to_dict([replace(entry, **change)])
    longer = entries_to_dict([entry])[0] | {"imagej": "QUFB" * 5}
    assert "more than 10 B" in entries_from_dict([longer])[1][0]
