"""Regions that move through a clip: what was drawn stays, the rest lies between."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import napari_muscle_us as mus
from napari_muscle_us.errors import RoiError
from napari_muscle_us.roi.composite import Composite
from napari_muscle_us.roi.crossing import find_crossing
from napari_muscle_us.roi.entries import RoiEntry
from napari_muscle_us.roi.keyframes import (
    interpolate,
    is_keyframed,
    roi_at,
    with_keyframe,
    without_keyframe,
)
from napari_muscle_us.roi.open_shapes import Points, Polyline

TRIANGLE = mus.Polygon([(0, 0), (0, 12), (9, 0)], name="RF", side="left")
MOVED = mus.Polygon(np.add(TRIANGLE.vertices, (4, 8)), name="RF", side="left")


def circle(n, *, radius=10.0, centre=(50.0, 60.0), start=0.0, turn=1):
    theta = start + turn * np.arange(n) * 2 * np.pi / n
    return centre + radius * np.column_stack([np.sin(theta), np.cos(theta)])


def test_an_entry_without_keyframes_lies_where_it_was_drawn():
    entry = RoiEntry(TRIANGLE)
    assert not is_keyframed(entry)
    assert roi_at(entry, 7) is TRIANGLE


def test_between_two_keyframes_in_proportion_outside_them_the_nearest():
    entry = with_keyframe(RoiEntry(TRIANGLE, frame=3, key="k"), 10, TRIANGLE)
    entry = with_keyframe(entry, 14, MOVED)
    assert is_keyframed(entry)
    assert (entry.key, entry.frame) == ("k", None)
    assert entry.roi is MOVED
    for frame, share in [(0, 0), (10, 0), (11, 0.25), (13, 0.75), (14, 1), (99, 1)]:
        expected = TRIANGLE.vertices + np.multiply((4, 8), share)
        np.testing.assert_array_equal(roi_at(entry, frame).vertices, expected)


def test_keyframes_come_in_order_and_are_replaced_and_removed():
    entry = RoiEntry(TRIANGLE)
    for frame, roi in [(9, MOVED), (2, TRIANGLE), (9, TRIANGLE), (5, MOVED)]:
        entry = with_keyframe(entry, frame, roi)
    assert [(n, r is MOVED) for n, r in entry.keyframes] == [
        (2, False),
        (5, True),
        (9, False),
    ]
    fewer = without_keyframe(entry, 5)
    assert [number for number, _ in fewer.keyframes] == [2, 9]
    np.testing.assert_array_equal(fewer.roi.vertices, TRIANGLE.vertices)
    last = without_keyframe(without_keyframe(fewer, 2), 9)
    assert not is_keyframed(last)
    assert roi_at(last, 0).vertices.tolist() == TRIANGLE.vertices.tolist()
    with pytest.raises(RoiError, match=r"'RF' was not drawn on frame 4; .* \[2, 9\]"):
        without_keyframe(fewer, 4)
    with pytest.raises(RoiError, match="frame -1"):
        with_keyframe(entry, -1, TRIANGLE)


def test_a_region_renamed_is_renamed_on_all_frames():
    entry = with_keyframe(with_keyframe(RoiEntry(TRIANGLE), 0, TRIANGLE), 8, MOVED)
    renamed = mus.Polygon(MOVED.vertices, name="VL", muscle="Vastus", side="right")
    entry = RoiEntry(renamed, keyframes=entry.keyframes)
    for frame in (0, 4, 8):
        roi = roi_at(entry, frame)
        assert (roi.name, roi.muscle, roi.side) == ("VL", "Vastus", "right")


@pytest.mark.parametrize("kind", [mus.Rectangle, mus.Ellipse])
@pytest.mark.parametrize(
    ("angles", "middle"),
    [((0, 0), 0), ((10, 50), 30), ((80, -80), 90), ((170, 10), 180), ((-5, 5), 0)],
    ids=str,
)
def test_boxes_mix_centre_size_and_angle(kind, angles, middle):
    first, second = kind(0, 0, 10, 20, angles[0]), kind(30, 50, 20, 40, angles[1])
    half = interpolate(first, second, 0.5)
    assert isinstance(half, kind)
    # Centres (5, 10) and (40, 70).
    assert (half.height, half.width) == (15, 30)
    assert (half.top + 7.5, half.left + 15) == pytest.approx((22.5, 40))
    assert (half.angle_deg - middle) % 180 == pytest.approx(0, abs=1e-12)
    assert half.is_upright == (half.angle_deg == 0)


@given(
    st.integers(3, 40), st.integers(3, 40), st.floats(0, 6), st.sampled_from([1, -1])
)
def test_a_circle_stays_one_however_it_was_drawn(n, m, start, turn):
    first = mus.Polygon(circle(60 + n))
    second = mus.Polygon(
        circle(60 + n + m, centre=(70, 90), radius=20, start=start, turn=turn)
    )
    half = interpolate(first, second, 0.5).vertices
    radii = np.hypot(*(half - (60, 75)).T)
    assert radii.min() > 14.3
    assert radii.max() < 15.1
    assert find_crossing(mus.Polygon(half)) is None


@pytest.mark.parametrize("shift", [0, 1, 2, 3])
@pytest.mark.parametrize("turn", [1, -1])
def test_a_quadrilateral_drawn_from_another_corner_does_not_collapse(shift, turn):
    corners = np.array([(0.0, 0), (0, 40), (20, 42), (22, -2)])
    again = np.add(np.roll(corners[::turn], shift, axis=0), (6, 10))
    half = interpolate(mus.Polygon(corners), mus.Polygon(again), 0.5)
    np.testing.assert_allclose(half.vertices, np.add(corners, (3, 5)), atol=1e-12)


@pytest.mark.parametrize("share", [1e-9, 1 - 1e-9])
def test_next_to_a_keyframe_lies_what_was_drawn_there(share):
    rng = np.random.default_rng(5)
    drawn = []
    for n in (17, 9):
        theta = np.sort(rng.uniform(0, 2 * np.pi, n))
        reach = rng.uniform(15, 30, n)[:, None]
        drawn.append(reach * np.column_stack([np.sin(theta), np.cos(theta)]) + 40)
    near = interpolate(mus.Polygon(drawn[0]), mus.Polygon(drawn[1]), share)
    expected = mus.Polygon(drawn[share > 0.5])
    assert near.area_px == pytest.approx(expected.area_px, rel=1e-6)
    difference = mus.roi_mask(near, (90, 90)) ^ mus.roi_mask(expected, (90, 90))
    assert difference.sum() == 0


def test_mixed_kinds_of_outline_make_a_polygon():
    box, oval = mus.Rectangle(0, 0, 20, 20, name="BB"), mus.Ellipse(0, 0, 20, 20)
    half = interpolate(box, oval, 0.5)
    assert isinstance(half, mus.Polygon)
    assert half.name == "BB"
    # Between the circle and the square around it.
    assert oval.area_px < half.area_px < box.area_px


def test_parts_lines_and_points_move_one_by_one():
    outer, hole = circle(30), circle(12, radius=4)
    first = Composite([outer, hole])
    again = np.roll(hole[::-1], 5, axis=0)
    second = Composite([np.add(outer, (10, 0)), np.add(again, (20, 0))])
    half = interpolate(first, second, 0.5)
    np.testing.assert_allclose(half.parts[0], np.add(outer, (5, 0)))
    assert half.parts[1].mean(axis=0) == pytest.approx((60, 60))
    line = interpolate(
        Polyline([(0, 0), (0, 8)], kind="line"),
        Polyline([(4, 8), (4, 4), (4, 0)], kind="freehand"),
        0.5,
    )
    assert line.kind == "polyline"
    assert line.vertices.tolist() == [[2, 0], [2, 4], [2, 8]]
    points = interpolate(Points([(0, 0), (3, 3)]), Points([(2, 4), (3, 5)]), 0.5)
    assert points.vertices.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (
            Composite([circle(5), circle(5, radius=2)], name="VL"),
            Composite([circle(5)]),
            "'VL' on frame 9 .* frame 2 cannot .* one has 2 outlines and one 1",
        ),
        (
            Points([(0, 0)]),
            Points([(0, 0), (1, 1)]),
            "1 points and one 2; draw equally",
        ),
        (TRIANGLE, Points([(0, 0)]), "one is an outline and one a set of points"),
        (TRIANGLE, Composite([circle(5)]), "an outline and one composed of several"),
        (
            Polyline([(0, 0), (1, 1), (2, 0)], kind="angle"),
            Polyline([(0, 0), (1, 1)]),
            "one is an angle and one a line",
        ),
    ],
    ids=["parts", "points", "kinds", "composite", "angle"],
)
def test_what_cannot_be_mixed_is_refused_when_drawn(first, second, words):
    entry = with_keyframe(RoiEntry(second), 2, second)
    with pytest.raises(RoiError, match=words):
        with_keyframe(entry, 9, first)
    with pytest.raises(RoiError, match="cannot be mixed, because"):
        interpolate(first, second, 0.5)


def test_removing_the_keyframe_between_two_that_do_not_mix_is_refused():
    one, two = Points([(0, 0)]), Points([(0, 0), (1, 1)])
    entry = RoiEntry(one, keyframes=((0, one), (3, one), (6, two)))
    with pytest.raises(RoiError, match="on frame 0 and on frame 6 cannot be joined"):
        without_keyframe(entry, 3)


@pytest.mark.parametrize("point", [(5.0, 5.0), (0.0, 0.0)])
@pytest.mark.parametrize("turn", [1, -1])
def test_an_outline_shrinks_to_a_point(point, turn):
    drawn = np.array([(0.0, 0), (0, 4), (4, 4), (4, 0)])
    pair = [mus.Polygon(drawn, name="VL"), mus.Polygon([point] * 3, name="VL")][::turn]
    half = interpolate(*pair, 0.5)
    low, high = half.vertices.min(axis=0), half.vertices.max(axis=0)
    # Half as large, and half-way to the point.
    np.testing.assert_allclose(low, np.divide(point, 2), atol=1e-12)
    np.testing.assert_allclose(high, np.divide(point, 2) + 2, atol=1e-12)
    assert half.area_px == pytest.approx(4)


def test_two_points_are_mixed_to_one():
    half = interpolate(mus.Polygon([(1, 1)] * 5), mus.Polygon([(3, 5)] * 3), 0.5)
    np.testing.assert_allclose(half.vertices, [(2, 3)] * len(half.vertices))
