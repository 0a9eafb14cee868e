"""Union, subtraction, intersection: on pixels the same as on masks; exact areas."""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import napari_muscle_us as mus
from napari_muscle_us.errors import RoiError
from napari_muscle_us.roi._clip import exact_outlines, holds_a_pixel
from napari_muscle_us.roi.boolean import even_odd_area, intersect, subtract, union
from napari_muscle_us.roi.composite import Composite
from napari_muscle_us.roi.crossing import find_crossing
from napari_muscle_us.roi.open_shapes import Points, Polyline
from napari_muscle_us.roi.rasterize import usable_window

SHAPE = (60, 70)
CLOSE_PX = 1e-3


def star(draw, centre, reach):
    """Return an outline around a centre that does not cross itself."""
    n = draw(st.integers(3, 12))
    radii = draw(st.lists(st.floats(0.2, 1), min_size=n, max_size=n))
    theta = draw(st.floats(0, 6)) + np.arange(n) * 2 * np.pi / n
    around = np.column_stack([np.sin(theta), np.cos(theta)])
    return np.array(centre) + reach * np.array(radii)[:, None] * around


@st.composite
def regions(draw):
    centre = draw(st.tuples(st.floats(5, 55), st.floats(5, 65)))
    reach = draw(st.floats(3, 35))
    kind = draw(st.sampled_from(["polygon", "rectangle", "ellipse", "composite"]))
    if kind == "polygon":
        return mus.Polygon(star(draw, centre, reach), name=kind)
    if kind == "composite":
        island = star(draw, centre, reach * 0.05)
        ring = np.array(centre) + reach * 0.12 * np.array([(-1, 0), (0, 1), (1, 0)])
        parts = [star(draw, centre, reach), ring, island]
        roi = Composite(parts, name=kind)
        assume(find_crossing(roi) is None)
        return roi
    height, width = draw(st.tuples(st.floats(1, 40), st.floats(1, 40)))
    angle = draw(st.sampled_from([0.0, 0.0, 33.0, -70.5]))
    shape = mus.Rectangle if kind == "rectangle" else mus.Ellipse
    return shape(centre[0] - height / 2, centre[1] - width / 2, height, width, angle)


def distance_to_outlines(rows, columns, rois):
    """Return how far pixel centres lie from the nearest edge, naively."""
    points = np.column_stack([rows, columns]).astype(float)
    nearest = np.full(len(points), np.inf)
    for part in itertools.chain.from_iterable(map(exact_outlines, rois)):
        for start, stop in zip(part, np.roll(part, -1, axis=0), strict=True):
            along = stop - start
            length = along @ along
            share = np.clip((points - start) @ along / length, 0, 1) if length else 0.0
            foot = start + np.outer(share, along)
            nearest = np.minimum(nearest, np.hypot(*(points - foot).T))
    return nearest


def mask_of(roi):
    return mus.roi_mask(roi, SHAPE)


def check_pixels(result, expected, rois):
    odd = np.nonzero(result ^ expected)
    if odd[0].size:
        assert distance_to_outlines(*odd, rois).max() < CLOSE_PX


OPERATIONS = {
    "union": (union, np.logical_or),
    "intersect": (intersect, np.logical_and),
    "subtract": (lambda r: subtract(r[0], r[1:]), lambda a, b: a & ~b),
}


@pytest.mark.parametrize("name", OPERATIONS)
@given(rois=st.lists(regions(), min_size=2, max_size=3))
def test_masks_of_results_are_results_of_masks(name, rois):
    operate, combine = OPERATIONS[name]
    expected = functools.reduce(combine, map(mask_of, rois))
    try:
        result = operate(rois)
    except RoiError:
        check_pixels(np.zeros(SHAPE, bool), expected, rois)
        return
    check_pixels(mask_of(result), expected, rois)
    assert find_crossing(result) is None
    assert (result.name, result.side) == (rois[0].name, rois[0].side)


@given(regions())
def test_alone_a_region_keeps_its_pixels(roi):
    try:
        same = union([roi])
    except RoiError:
        assert not mask_of(roi).any()
        return
    check_pixels(mask_of(same), mask_of(roi), [roi])


@given(
    st.tuples(st.floats(-3, 50), st.floats(-3, 50)),
    st.tuples(st.floats(0.2, 60), st.floats(0.2, 60)),
    st.sampled_from([mus.Rectangle, mus.Ellipse]),
)
def test_upright_boxes_keep_exactly_their_pixels(corner, size, shape):
    box = shape(*corner, *size)
    outline = mus.Polygon(exact_outlines(box)[0])
    np.testing.assert_array_equal(mask_of(outline), mask_of(box))


def test_vertices_that_stay_keep_their_places():
    first = mus.Polygon([(0.1, 0.2), (0.3, 9.7), (8.9, 5.3)])
    second = mus.Polygon([(20.1, 20.7), (20.3, 29.9), (28.9, 25.1)])
    both = union([first, second])
    drawn = {tuple(v) for v in np.vstack([first.vertices, second.vertices])}
    assert {tuple(v) for v in both.outline()} == drawn


@pytest.mark.parametrize(
    ("second", "kind", "area"),
    [
        (mus.Rectangle(2.5, 2.5, 4, 4), Composite, 84),
        (mus.Rectangle(0.5, 6.5, 9, 9), mus.Polygon, 100 - 36),
        (mus.Rectangle(2.5, -9.5, 3, 60), Composite, 70),
        (mus.Rectangle(30.5, 30.5, 3, 3), mus.Polygon, 100),
    ],
    ids=["hole", "bite", "two-pieces", "apart"],
)
def test_what_cutting_leaves(second, kind, area):
    left = subtract(mus.Rectangle(-0.5, -0.5, 10, 10, name="RF", side="left"), [second])
    assert isinstance(left, kind) or (area == 64 and isinstance(left, mus.Polygon))
    assert left.area_px == (area if area != 64 else 100 - 9 * 3)
    assert (left.name, left.side) == ("RF", "left")


def test_a_hole_cut_into_a_hole_leaves_an_island():
    plate, hole, island = (
        mus.Rectangle(a, a, 40 - 2 * a, 40 - 2 * a) for a in (0, 8, 16)
    )
    region = union([subtract(plate, [hole]), island])
    assert len(region.parts) == 3
    assert region.area_px == 1600 - 576 + 64


def test_neighbours_become_one_without_slivers():
    cut = [(10.123456, 3.3), (17.7, 21.987654), (11.1, 40.2)]
    upper = mus.Polygon([(2, 3), *cut, (2, 41)])
    lower = mus.Polygon([*cut, (30, 41), (30, 3)])
    assert isinstance(union([upper, lower]), mus.Polygon)
    # A slit of 2e-5 px between regions that overlap at both its ends is no hole.
    slit = [(9, 3.3), (17.70002, 21.987654), (10, 40.2)]
    near = mus.Polygon([*slit, (30, 41), (30, 3)])
    assert isinstance(union([upper, near]), mus.Polygon)
    with pytest.raises(RoiError, match="have no pixel in common; move one over"):
        intersect([upper, lower])


@pytest.mark.parametrize(
    ("operate", "words"),
    [
        (
            lambda a, b: intersect([a, b]),
            "^ROI 'RF' and an unnamed ROI have no pixel in common",
        ),
        (lambda a, b: subtract(a, [a, b]), "^Of ROI 'RF' no pixel is left; cut less"),
        (lambda a, b: union([]), "No ROI was given to be combined"),
        (
            lambda a, b: union([a, Polyline([(0, 0), (1, 1)], name="depth")]),
            "ROI 'depth' is a polyline, which encloses no area",
        ),
        (lambda a, b: intersect([Points([(0, 0)]), a]), "is a points, which encloses"),
        (
            lambda a, b: union([a, mus.Polygon([(0, 0), (9, 9), (0, 9), (9, 0)])]),
            "crosses itself near row 4.5",
        ),
    ],
    ids=["apart", "all-away", "none", "line", "points", "bow-tie"],
)
def test_refusals_say_why(operate, words):
    with pytest.raises(RoiError, match=words):
        operate(mus.Rectangle(0, 0, 9, 9, name="RF"), mus.Rectangle(40, 40, 5, 5))


def test_far_away_regions_fit():
    a = mus.Rectangle(999_000.5, 999_000.5, 900, 900)
    b = mus.Rectangle(999_500.5, 999_500.5, 499, 499)
    assert intersect([a, b]).area_px == 400 * 400
    assert union([a, mus.Rectangle(-999_999.5, -999_999.5, 10, 10)]).area_px == 810_100


# Areas


def square(row, column, size):
    corners = np.array([(0, 0), (0, size), (size, size), (size, 0)])
    return np.add(corners, (row, column))


@pytest.mark.parametrize(
    ("parts", "area"),
    [
        ([square(0, 0, 10), square(2, 2, 6), square(4, 4, 2)], 100 - 36 + 4),
        ([square(4, 4, 2), square(0, 0, 10), square(2, 2, 6)], 100 - 36 + 4),
        ([square(0, 0, 10), square(0, 0, 4)], 100 - 16),
        ([square(0, 0, 10), square(10, 2, 4)], 116),
        ([square(0, 0, 10), square(10, 10, 4)], 116),
        ([square(0, 0, 10), square(0, 0, 10)], 0),
        ([square(0, 0, 10), square(0, 0, 10), square(3, 3, 2)], 4),
        ([square(0, 0, 10), square(2, 2, 3), square(5, 5, 3), square(2, 5, 3)], 73),
        ([square(0, 0, 10), square(5, 5, 10)], 150),
        ([square(0, 0, 10), np.array([(3.0, 3), (5, 5), (7, 7)])], 100),
    ],
    ids=[
        "island",
        "any-order",
        "hole-at-the-corner",
        "shared-edge",
        "shared-corner",
        "twice",
        "twice-and-one",
        "holes-that-touch",
        "crossing",
        "no-area",
    ],
)
def test_even_odd_area_by_hand(parts, area):
    parts = [part.astype(float) for part in parts]
    assert even_odd_area(parts) == area
    # Turned, outlines that touch cross by a rounding error, so vertices are rounded.
    turned = [part @ np.array([(0.6, 0.8), (-0.8, 0.6)]) + 0.1 for part in parts]
    assert even_odd_area(turned) == pytest.approx(area, rel=1e-5, abs=1e-4)


@given(regions())
def test_area_is_that_of_many_small_pixels(roi):
    parts = [part * 20 for part in exact_outlines(roi)]
    window = mus.roi_mask(Composite([p + 1000 for p in parts]), (3000, 3200))
    length = sum(np.hypot(*(p - np.roll(p, 1, axis=0)).T).sum() for p in parts)
    assert abs(window.sum() - even_odd_area(parts)) < 0.5 * length + 1


def test_many_outlines_have_the_area_of_all():
    places = itertools.product(range(30), range(30))
    parts = [square(3.0 * r, 3.0 * c, 2.0) for r, c in places]
    assert even_odd_area(parts) == 3600


# Pixels that a region holds


@given(st.lists(st.tuples(st.floats(0, 20), st.floats(0, 20)), min_size=3, max_size=6))
def test_holds_a_pixel_is_what_the_mask_says(vertices):
    part = np.array(vertices).astype(np.float32).astype(float)
    mask = mus.roi_mask(mus.Polygon(part), (24, 24))
    assert holds_a_pixel([part]) == mask.any()


# Crossing


@pytest.mark.parametrize(
    ("parts", "crosses"),
    [
        ([square(0, 0, 10), square(5, 5, 10)], True),
        ([square(0, 0, 10), square(2, 2, 3)], False),
        ([square(0, 0, 10), square(0, 10, 3)], False),
        ([square(0, 0, 10), square(10, 10, 3)], False),
        ([square(0, 0, 10), square(0, 2, 3)], False),
        ([square(0, 0, 10), np.array([(5, 0), (9, 4), (9, -4)])], True),
        ([square(0, 0, 10), square(-2, 4, 2)], False),
        ([square(0, 0, 10), np.array([(-3, 4), (0, 4), (0, 6), (5, 6)])], True),
        ([square(0, 0, 4), np.array([(9, 9), (20, 20), (9, 20), (20, 9)])], True),
    ],
    ids=[
        "two-squares",
        "hole",
        "shared-edge",
        "shared-corner",
        "hole-at-an-edge",
        "through-a-vertex",
        "on-top",
        "along-an-edge-and-in",
        "one-alone",
    ],
)
def test_outlines_of_a_composite_may_touch_but_not_cross(parts, crosses):
    roi = Composite([part.astype(float) for part in parts], name="VL")
    assert (find_crossing(roi) is not None) == crosses
    swapped = Composite([part[::-1].astype(float) for part in parts[::-1]])
    assert (find_crossing(swapped) is not None) == crosses
    if crosses:
        with pytest.raises(RoiError, match="'VL' crosses itself near row"):
            usable_window(roi, (80, 80))
    else:
        assert math.isclose(
            usable_window(roi, (80, 80)).n_pixels, roi.area_px, abs_tol=40
        )


# Areas of very many outlines


def test_outlines_within_outlines_have_the_area_of_the_rings():
    sides = np.arange(1.0, 2400)
    parts = [square(-s / 2, -s / 2, s) for s in sides]
    rng = np.random.default_rng(3)
    shuffled = [parts[i] for i in rng.permutation(len(parts))]
    assert even_odd_area(shuffled) == np.sum(sides[::2] ** 2) - np.sum(sides[1::2] ** 2)
    # The smallest square drawn again cancels itself.
    assert even_odd_area([*shuffled, parts[0]]) == even_odd_area(shuffled) - 1


def dense_comb(n, left=0.0):
    teeth = np.column_stack([np.where(np.arange(n) % 2, 100, 20), np.arange(n) / 8])
    return np.add(np.vstack([teeth, [(0, n / 8), (0, -1)]]), (0, left))


@pytest.mark.timeout(20)
@pytest.mark.parametrize("turn", [1, -1], ids=["upright", "lying"])
def test_a_dense_composite_that_does_not_cross_has_its_area(turn):
    n = 8000
    combs = [dense_comb(n), dense_comb(n, n / 8 + 5)]
    # A hole in the back of each comb.
    holes = [square(2, 50, 10), square(2, n / 8 + 55, 10)]
    parts = [part[:, ::turn] for part in (*combs, *holes)]
    assert find_crossing(Composite(tuple(parts))) is None
    alone = sum(mus.Polygon(part).area_px for part in combs)
    assert even_odd_area(parts) == alone - 200


@pytest.mark.timeout(20)
def test_an_area_that_cannot_be_worked_out_is_refused(one_sentence):
    teeth = np.column_stack([np.arange(8000) % 2 * 200, np.arange(8000) / 10])
    down = np.vstack([teeth, [(-1, 800), (-1, 0)]])
    crossed = [down, down[:, ::-1]]
    with pytest.raises(RoiError, match="meet in up to") as error:
        even_odd_area(crossed)
    assert one_sentence(str(error.value))


def test_outlines_that_meet_too_often_are_refused_at_once():
    # 1000 teeth of each cross 1000 of the other: minutes, if it were begun.
    comb = dense_comb(1000)
    with pytest.raises(RoiError, match="too many to be worked through"):
        even_odd_area([comb, 10 + comb[:, ::-1]])
