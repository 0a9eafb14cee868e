"""Regions grown, shrunk, mirrored, moved, cut to the field and simplified."""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import napari_muscle_us as mus
from napari_muscle_us.errors import RoiError
from napari_muscle_us.roi.composite import Composite
from napari_muscle_us.roi.crossing import find_crossing
from napari_muscle_us.roi.edit import (
    clip_to_lateral,
    fixed_box,
    grow_roi,
    lateral_limits,
    mirror_roi,
    move_roi,
    resize_box,
    simplify_roi,
)
from napari_muscle_us.roi.open_shapes import Points, Polyline
from napari_muscle_us.roi.rasterize import usable_window

SHAPE = (120, 160)
ANISOTROPIC = (0.05, 0.08)
STAR = np.array(
    [
        (20.3, 30.1),
        (28.1, 75.6),
        (15.2, 119.7),
        (60.7, 99.4),
        (94.8, 124.9),
        (88.2, 36.3),
    ]
)
HOLE = np.array([(40.3, 50.2), (42.1, 70.3), (60.4, 66.6), (57.2, 49.1)])
# No vertex lies on a pixel's centre, where only one side of an outline counts.


def square(row, column, size):
    corners = np.array([(0, 0), (0, size), (size, size), (size, 0)])
    return np.add(corners, (row, column))


def labelled(make, *values):
    return make(*values, name="RF", muscle="Rectus femoris", side="left")


REGIONS = {
    "polygon": labelled(mus.Polygon, STAR),
    "composite": labelled(Composite, [STAR, HOLE]),
    "rectangle": labelled(mus.Rectangle, 29.5, 39.5, 40, 60),
    "turned": mus.Rectangle(30, 40, 40, 60, 25, "RF", "Rectus femoris", "left"),
    "oval": labelled(mus.Ellipse, 29.5, 39.5, 41, 66),
    "ellipse": mus.Ellipse(30, 40, 40, 60, 25, "RF", "Rectus femoris", "left"),
}


def mask_of(roi):
    return mus.roi_mask(roi, SHAPE)


def labels_of(roi):
    return roi.name, roi.muscle, roi.side


@functools.cache
def distances(spacing):
    """Return every pixel's distance in mm to the star with its hole, naively."""
    rows, columns = np.indices(SHAPE).reshape(2, -1) * np.array(spacing)[:, None]
    nearest = np.full(rows.size, np.inf)
    for part in (STAR * spacing, HOLE * spacing):
        for start, stop in zip(part, np.roll(part, -1, axis=0), strict=True):
            along = stop - start
            to = np.column_stack([rows, columns]) - start
            share = np.clip(to @ along / (along @ along), 0, 1)
            nearest = np.minimum(nearest, np.hypot(*(to - np.outer(share, along)).T))
    return nearest.reshape(SHAPE)


# Growing and shrinking


@pytest.mark.parametrize("spacing", [ANISOTROPIC, (0.1, 0.1), (0.2, 0.03)], ids=str)
@pytest.mark.parametrize("mm", [-0.6, -0.25, 0.1, 0.3])
def test_growing_keeps_a_distance_in_the_body(mm, spacing):
    grown = grow_roi(REGIONS["composite"], mm=mm, spacing_mm=spacing)
    inside, far = mask_of(REGIONS["composite"]), distances(spacing)
    expected = inside & (far >= -mm) if mm < 0 else inside | (far <= mm)
    wrong = mask_of(grown) ^ expected
    # Arcs are straight pieces that lie 1/1024 px off at most.
    assert np.abs(far[wrong] - abs(mm)).max(initial=0) < 0.002 * max(spacing)
    assert (mask_of(grown) != inside).sum() > 100
    assert labels_of(grown) == labels_of(REGIONS["composite"])
    assert find_crossing(grown) is None


@pytest.mark.parametrize("name", REGIONS)
def test_shrunk_lies_in_the_region_and_the_region_in_what_has_grown(name):
    roi = REGIONS[name]
    masks = [mask_of(grow_roi(roi, px=px)) for px in (-6, -2.5, -0.4, 0.01, 0.4, 3)]
    masks.insert(3, mask_of(roi))
    counts = [mask.sum() for mask in masks]
    assert counts == sorted(counts)
    assert counts[0] < counts[3] < counts[-1]
    for inner, outer in itertools.pairwise(masks):
        assert not (inner & ~outer).any()
    assert grow_roi(roi, px=0) is roi


@given(st.floats(0.05, 20), st.floats(2, 30), st.floats(2, 30))
def test_a_grown_rectangle_has_the_area_of_steiner(distance, height, width):
    height, width = math.ceil(height), math.ceil(width)
    grown = grow_roi(mus.Rectangle(-0.5, -0.5, height, width), px=distance)
    border = 2 * (height + width) * distance + math.pi * distance**2
    expected = height * width + border
    # Straight pieces lie up to 1/1024 px within their arc.
    assert 0 <= expected + 1e-3 - grown.area_px <= 2 * math.pi * distance / 1024 + 2e-3


@pytest.mark.parametrize("px", [-12, -3.3, 0.5, 15])
def test_a_circle_grows_into_a_circle(px):
    grown = grow_roi(mus.Ellipse(9.5, 9.5, 60, 60), px=px)
    assert grown.area_px == pytest.approx(math.pi * (30 + px) ** 2, rel=1e-3)
    radii = np.hypot(*(grown.vertices - 39.5).T)
    assert np.ptp(radii) < 0.01


def test_a_circle_in_the_body_on_unlike_spacings():
    spacing = (0.1, 0.2)
    # 12 mm high and wide.
    grown = grow_roi(mus.Ellipse(-0.5, -0.5, 120, 60), mm=1, spacing_mm=spacing)
    body = grown.vertices * spacing - np.array([59.5, 29.5]) * spacing
    assert np.hypot(*body.T) == pytest.approx(7, abs=0.002)


@pytest.mark.parametrize(
    ("px", "box"),
    [
        (-3, (12.5, 22.5, 14, 24)),
        (-0.4, (9.5, 19.5, 20, 30)),
        (-0.6, (10.5, 20.5, 18, 28)),
        (-0.5, (9.5, 19.5, 20, 30)),
    ],
)
def test_a_shrunk_rectangle_is_one_of_whole_pixels(px, box):
    for roi in (mus.Rectangle(9.5, 19.5, 20, 30), mus.Rectangle(9.9, 19.6, 19.2, 29.7)):
        small = grow_roi(roi, px=px)
        assert isinstance(small, mus.Rectangle)
        assert (small.top, small.left, small.height, small.width) == box


def test_a_turned_rectangle_stays_one_where_pixels_are_square():
    roi = REGIONS["turned"]
    small = grow_roi(roi, mm=-1, spacing_mm=(0.2, 0.2))
    assert (small.height, small.width, small.angle_deg) == (30, 50, 25)
    np.testing.assert_allclose(small.outline().mean(0), roi.outline().mean(0))
    assert isinstance(grow_roi(roi, mm=-1, spacing_mm=ANISOTROPIC), mus.Polygon)


def test_shrinking_cuts_a_narrow_bridge():
    dumbbell = [(0, 0), (0, 20), (8, 20), (8, 40), (0, 40), (0, 60), (20, 60), (20, 40)]
    dumbbell += [(12, 40), (12, 20), (20, 20), (20, 0)]
    pieces = grow_roi(mus.Polygon(dumbbell), px=-3)
    assert len(pieces.parts) == 2
    assert pieces.area_px == pytest.approx(2 * 14 * 14, rel=0.01)


def test_growing_closes_a_hole():
    ring = Composite([square(0, 0, 40), square(15, 15, 6)])
    assert isinstance(grow_roi(ring, px=4), mus.Polygon)
    assert len(grow_roi(ring, px=2).parts) == 2


@pytest.mark.parametrize("name", REGIONS)
def test_a_region_that_vanishes_is_refused(name):
    with pytest.raises(RoiError, match=r"Nothing is left of ROI 'RF' .* by 9.5 mm"):
        grow_roi(REGIONS[name], mm=-9.5, spacing_mm=(0.1, 0.1))


@pytest.mark.parametrize(
    ("roi", "options", "words"),
    [
        (REGIONS["oval"], {"mm": 2}, "'RF' cannot grow by 2 mm.*no scale; calibrate"),
        (REGIONS["oval"], {}, "give one of them"),
        (REGIONS["oval"], {"mm": 1, "px": 1}, "give one of them"),
        (REGIONS["oval"], {"px": math.nan}, "grow by nan px"),
        (REGIONS["oval"], {"px": math.inf}, "grow by inf px"),
        (REGIONS["oval"], {"mm": 1, "spacing_mm": (0.0, 1.0)}, "no size"),
        (Polyline([(0, 0), (1, 1)]), {"px": 1}, "polyline, which encloses no area"),
        (Points([(0, 0)]), {"px": 1}, "encloses no area"),
        (mus.Polygon([(0, 0), (9, 9), (0, 9), (9, 0)]), {"px": 1}, "crosses itself"),
    ],
    ids=str,
)
def test_what_cannot_grow_is_refused(roi, options, words):
    with pytest.raises(RoiError, match=words):
        grow_roi(roi, **options)


# Mirror, move, boxes


@pytest.mark.parametrize("name", REGIONS)
def test_the_mirror_of_a_region_selects_the_mirror_of_its_pixels(name):
    roi = REGIONS[name]
    middle = (SHAPE[1] - 1) / 2
    mirrored = mirror_roi(roi, about_column=middle)
    assert (mirrored.name, mirrored.side) == ("RF", "right")
    assert mirror_roi(roi, about_column=middle, swap_side=False).side == "left"
    np.testing.assert_array_equal(mask_of(mirrored), mask_of(roi)[:, ::-1])
    back = mirror_roi(mirrored, about_column=middle)
    np.testing.assert_allclose(back.outline(), roi.outline(), atol=1e-12)


@given(
    st.sampled_from([mus.Rectangle, mus.Ellipse]),
    st.floats(0, 60),
    st.floats(1, 50),
    st.integers(80, 200),
)
def test_fractional_boxes_mirror_their_pixels(shape, left, width, twice):
    roi = shape(10.3, left, 20.2, width)
    mirrored = mirror_roi(roi, about_column=twice / 2)
    rows, columns = np.nonzero(mus.roi_mask(roi, (60, 250)))
    expected = np.zeros((60, 250), bool)
    kept = twice - columns >= 0
    expected[rows[kept], (twice - columns)[kept]] = True
    np.testing.assert_array_equal(mus.roi_mask(mirrored, (60, 250)), expected)
    assert (mirrored.height, mirrored.width) == (roi.height, roi.width)


def test_lines_and_points_are_mirrored_and_moved():
    line = Polyline([(0, 1), (5, 9)], kind="line", side="right")
    assert mirror_roi(line, about_column=5).vertices.tolist() == [[0, 9], [5, 1]]
    assert mirror_roi(line, about_column=5).side == "left"
    assert move_roi(Points([(1, 2)]), 3, -4).vertices.tolist() == [[4, -2]]
    with pytest.raises(RoiError, match="about column nan"):
        mirror_roi(line, about_column=math.nan)


@pytest.mark.parametrize("name", REGIONS)
def test_a_moved_region_selects_the_moved_pixels(name):
    moved = move_roi(REGIONS[name], 7, -11)
    expected = np.roll(mask_of(REGIONS[name]), (7, -11), (0, 1))
    np.testing.assert_array_equal(mask_of(moved), expected)
    assert labels_of(moved) == labels_of(REGIONS[name])
    assert type(moved) is type(REGIONS[name])
    with pytest.raises(RoiError, match="no place in an image"):
        move_roi(REGIONS[name], 1e9, 0)


def test_alt_and_an_arrow_move_the_lower_right_corner():
    box = resize_box(labelled(mus.Ellipse, 5, 6, 20, 30), -1, 2)
    assert (box.top, box.left, box.height, box.width) == (5, 6, 19, 32)
    assert isinstance(box, mus.Ellipse)
    assert box.side == "left"
    with pytest.raises(RoiError, match=r"0\.5 px high and 30 px wide; the least is 1"):
        resize_box(mus.Rectangle(5, 6, 1.5, 30), -1, 0)
    for roi in (REGIONS["turned"], REGIONS["polygon"], REGIONS["composite"]):
        with pytest.raises(RoiError, match="no upright rectangle or ellipse"):
            resize_box(roi, 1, 1)


@given(st.tuples(st.floats(40, 60), st.floats(40, 60)))
def test_a_box_of_fixed_size_has_always_as_many_pixels(centre):
    box = fixed_box(centre, size_mm=(3, 4.8), spacing_mm=(0.1, 0.08))
    assert usable_window(box, SHAPE).n_pixels == 30 * 60
    assert box.outline().mean(axis=0) == pytest.approx(centre)
    assert fixed_box(centre, size_px=(7, 9)).area_px == 63


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"size_mm": (5, 8)}, "5 × 8 mm cannot be drawn.* no scale"),
        ({}, "give one of them"),
        ({"size_mm": (1, 1), "size_px": (1, 1)}, "give one of them"),
        ({"size_px": (0, 5)}, "both must be positive"),
    ],
    ids=str,
)
def test_a_box_without_size_is_refused(options, words):
    with pytest.raises(RoiError, match=words):
        fixed_box((5, 5), **options)


# The middle of the field


@pytest.mark.parametrize("name", REGIONS)
@pytest.mark.parametrize("share", [0.7, 0.3, 0.15])
def test_clipped_to_the_middle_of_the_field(name, share):
    bounds = (0, 120, 10, 150)
    left, right = lateral_limits(bounds, share)
    assert abs((right - left) - 140 * share) <= 1
    assert left % 1 == 0.5
    assert (left + right) / 2 == 79.5
    clipped = clip_to_lateral(REGIONS[name], bounds=bounds, share=share)
    columns = np.arange(SHAPE[1])
    expected = mask_of(REGIONS[name]) & (columns > left) & (columns < right)
    np.testing.assert_array_equal(mask_of(clipped), expected)
    assert labels_of(clipped) == labels_of(REGIONS[name])


def test_within_the_field_a_region_stays_what_it_is():
    bounds = (0, 120, 0, 160)
    for roi in REGIONS.values():
        assert clip_to_lateral(roi, bounds=bounds, share=1) is roi


@pytest.mark.parametrize(
    ("bounds", "share", "words"),
    [
        ((0, 9, 140, 160), 0.7, r"'RF' lies outside the middle 70% .* 142\.5 … 156\.5"),
        ((0, 9, 0, 160), 0.0, "share of 0"),
        ((0, 9, 0, 160), 1.1, "share of 1.1"),
        ((0, 9, 0, 160), math.nan, "share of nan"),
        ((0, 9, 60, 60), 0.7, "from column 60 to 60 has no width"),
    ],
    ids=str,
)
def test_no_field_no_clipping(bounds, share, words):
    with pytest.raises(RoiError, match=words):
        clip_to_lateral(REGIONS["oval"], bounds=bounds, share=share)


# Fewer vertices


def freehand(n, seed=3):
    """Return an outline as a hand draws it: close points on half px."""
    rng = np.random.default_rng(seed)
    theta = np.linspace(0, 2 * np.pi, n, endpoint=False)
    waves = sum(
        rng.normal() * 6 / k * np.sin(k * theta + rng.uniform(0, 6))
        for k in range(1, 9)
    )
    radius = 42 + waves
    around = np.column_stack([radius * np.sin(theta), 1.4 * radius * np.cos(theta)])
    return np.round(np.add(around, (60, 80)) * 2) / 2


def furthest(points, outline):
    """Return how far the furthest point lies from an outline, naively."""
    nearest = np.full(len(points), np.inf)
    for start, stop in zip(outline, np.roll(outline, -1, axis=0), strict=True):
        along = stop - start
        length = along @ along
        share = np.clip((points - start) @ along / length, 0, 1) if length else 0.0
        nearest = np.minimum(
            nearest, np.hypot(*(points - start - np.outer(share, along)).T)
        )
    return nearest.max()


def dense(outline):
    parts = np.linspace(0, 1, 8, endpoint=False)
    steps = np.roll(outline, -1, axis=0) - outline
    return (outline[:, None] + parts[:, None] * steps[:, None]).reshape(-1, 2)


@pytest.mark.parametrize("tolerance", [0.3, 0.5, 1.0, 3.0])
def test_a_simplified_outline_stays_within_the_tolerance(tolerance):
    drawn = mus.Polygon(freehand(1500), name="VL", side="right")
    simple = simplify_roi(drawn, tolerance)
    assert labels_of(simple) == ("VL", "", "right")
    assert 5 < len(simple.vertices) < (1500, 500)[tolerance >= 0.5]
    assert {*map(tuple, simple.vertices)} <= {*map(tuple, drawn.vertices)}
    assert furthest(drawn.vertices, simple.vertices) <= tolerance + 1e-9
    assert furthest(dense(simple.vertices), drawn.vertices) <= tolerance + 1e-9


def test_no_tolerance_leaves_out_only_points_on_a_line():
    outline = [(0, 0), (0, 3), (0, 8), (4, 8), (8, 8), (8, 0), (5, 0)]
    simple = simplify_roi(mus.Polygon(outline), 0)
    corners = [[0, 0], [0, 8], [8, 8], [8, 0]]
    assert [c for c in corners if c not in simple.vertices.tolist()] == []
    assert simple.area_px == 64


def test_simplifying_never_makes_an_outline_cross_itself():
    # Two arms of a hook that a coarse tolerance would lay over each other.
    theta = np.linspace(0, 1.8 * np.pi, 200)
    arm = np.column_stack([np.sin(theta), np.cos(theta)])
    hook = mus.Polygon(
        np.vstack([40 * arm, (37 + 2 * np.sin(20 * theta))[::-1, None] * arm[::-1]])
    )
    assert find_crossing(hook) is None
    for tolerance in (0.5, 2, 5, 20, 100):
        simple = simplify_roi(hook, tolerance)
        assert find_crossing(simple) is None
        assert furthest(hook.vertices, simple.vertices) <= tolerance


def test_parts_and_lines_are_simplified_boxes_and_points_are_not():
    ring = Composite([freehand(900), freehand(900) * 0.5 + (30, 40)])
    simple = simplify_roi(ring, 1)
    assert len(simple.parts) == 2
    assert max(map(len, simple.parts)) < 60
    for part, drawn in zip(simple.parts, ring.parts, strict=True):
        assert furthest(drawn, part) <= 1
    line = Polyline([(0, 0), (0.2, 3), (0, 6), (5, 6)], kind="freehand")
    assert simplify_roi(line, 0.5).vertices.tolist() == [[0, 0], [0, 6], [5, 6]]
    assert simplify_roi(line, 0.5).kind == "freehand"
    angle = Polyline([(0, 0), (0.1, 3), (0, 6)], kind="angle")
    for same in (REGIONS["oval"], Points([(1, 1)]), angle):
        assert simplify_roi(same, 5) is same
    for bad in (-1, math.nan, math.inf):
        with pytest.raises(RoiError, match="simplified to"):
            simplify_roi(ring, bad)


@pytest.mark.timeout(20)
def test_a_comb_of_very_many_teeth_is_simplified():
    n = 60_000
    across = np.where(np.arange(n) % 2, 40.0, 0.0)
    teeth = np.column_stack([across, np.arange(n) / 10])
    drawn = mus.Polygon(np.vstack([teeth, [(-9.0, n / 10), (-9.0, -1.0)]]))
    # A tooth is cut off only where both of its sides lie within the tolerance.
    simple = simplify_roi(drawn, 0.01)
    assert len(simple.vertices) > 0.99 * n
    assert find_crossing(simple) is None
    line = simplify_roi(Polyline(teeth, kind="freehand"), 41)
    assert line.vertices.tolist() == [teeth[0].tolist(), teeth[-1].tolist()]


@pytest.mark.timeout(20)
def test_what_cannot_be_checked_can_be_simplified():
    angles = np.arange(40_000) * (2 * np.pi / 40_000)
    reach = np.where(np.arange(40_000) % 2, 99.0, 100.0)[:, None] * 1000
    star = np.column_stack([np.sin(angles), np.cos(angles)]) * reach
    star[::100] *= 0.1
    drawn = mus.Polygon(star, name="VL")
    simple = simplify_roi(drawn, 3000)
    assert len(simple.vertices) < 4000
