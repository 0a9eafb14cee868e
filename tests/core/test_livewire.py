"""Magnetic lasso: known edges in speckle, naive paths, peers, real aponeuroses."""

from __future__ import annotations

import heapq
import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter, label
from skimage.graph import MCP_Geometric, route_through_array

from napari_muscle_us.errors import RoiError
from napari_muscle_us.roi._livewire_kernels import (
    closed_course,
    kept_points,
    spread,
    walk_back,
)
from napari_muscle_us.roi.crossing import find_crossing
from napari_muscle_us.roi.livewire import (
    EdgeCost,
    edge_cost,
    livewire_path,
    nearest_edge,
    outline_from_anchors,
    snap_outline,
    start_from,
)
from napari_muscle_us.roi.shapes import Composite, Ellipse, Polygon, Rectangle

SHAPE = (120, 200)
NEIGHBOURS = [(r, c) for r in (-1, 0, 1) for c in (-1, 0, 1) if r or c]
COURSES = {
    "level": lambda c: 60 + 0 * c,
    "slanted": lambda c: 30 + 0.3 * c,
    "curved": lambda c: 60 + 15 * np.sin(c / 30),
}


def speckled(mean, seed=0):
    """Return gray levels like B-mode: log-compressed, correlated Rayleigh speckle."""
    rng = np.random.default_rng(seed)
    real, imaginary = (gaussian_filter(rng.normal(size=mean.shape), 1) for _ in "ab")
    amplitude = np.hypot(real, imaginary)
    decibel = 20 * np.log10(amplitude / amplitude.mean() + 0.05)
    return np.clip(mean + 2 * decibel, 0, 255).astype(np.uint8)


def step_image(course, low=50, high=130):
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return speckled(np.where(rows > course(columns), high, low).astype(float))


def line_image(course, half_width=4):
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    return speckled(50 + 90.0 * (np.abs(rows - course(columns)) <= half_width))


def off_course(path, course):
    """Return how far each point of a path lies from a course, in px."""
    columns = np.arange(-10, SHAPE[1] + 10, 0.1)
    truth = np.column_stack([course(columns), columns])
    gaps = path[:, None] - truth[None]
    return np.hypot(gaps[..., 0], gaps[..., 1]).min(axis=1)


def naive_least(fields, side, start):
    """Return all path costs by a plain heap, each step priced by the written rule."""
    flat, gain, down, right = (np.asarray(f, dtype=np.float64) for f in fields)
    least = np.full(flat.shape, np.inf)
    least[start] = 0.0
    queue = [(0.0, start)]
    while queue:
        so_far, here = heapq.heappop(queue)
        if so_far > least[here]:
            continue
        for r, c in NEIGHBOURS:
            there = here[0] + r, here[1] + c
            if not (0 <= there[0] < flat.shape[0] and 0 <= there[1] < flat.shape[1]):
                continue
            length = np.sqrt(2.0) if r and c else 1.0
            price = sum(
                flat[p]
                - max(
                    0.0,
                    min(
                        gain[p],
                        side * down[p] * (c / length) - side * right[p] * (r / length),
                    ),
                )
                for p in (here, there)
            )
            total = so_far + price * 0.5 * length
            if total < least[there]:
                least[there] = total
                heapq.heappush(queue, (total, there))
    return least


def random_fields(rng, shape, directed):
    flat = rng.uniform(0.3, 1, shape).astype(np.float32)
    if not directed:
        zero = np.zeros(shape, np.float32)
        return flat, zero, zero, zero
    gain = (flat * rng.uniform(0, 0.9, shape)).astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi, shape)
    down, right = 2 * gain * np.sin(angle), 2 * gain * np.cos(angle)
    return flat, gain, down.astype(np.float32), right.astype(np.float32)


@pytest.mark.parametrize("directed", [False, True], ids=["flat", "directed"])
@given(
    seed=st.integers(0, 2**32 - 1),
    rows=st.integers(1, 14),
    columns=st.integers(1, 14),
    side=st.sampled_from([1.0, -1.0]),
)
def test_costs_equal_those_of_a_naive_heap(directed, seed, rows, columns, side):
    rng = np.random.default_rng(seed)
    fields = random_fields(rng, (rows, columns), directed)
    start = (int(rng.integers(rows)), int(rng.integers(columns)))
    end = (int(rng.integers(rows)), int(rng.integers(columns)))
    expected = naive_least(fields, side, start)
    least, back = spread(*fields, side, *start, -1, -1)
    np.testing.assert_array_equal(least, expected)
    # An early stop may leave other pixels unfinished, but not the target.
    least, back = spread(*fields, side, *start, *end)
    assert least[end] == expected[end]
    path = walk_back(back, *end)
    assert tuple(path[0]) == start
    assert tuple(path[-1]) == end
    assert np.abs(np.diff(path, axis=0)).max(initial=0) <= 1
    np.testing.assert_array_equal(np.sort(least[tuple(path.T)]), least[tuple(path.T)])


@pytest.mark.parametrize("seed", range(3))
def test_costs_are_those_of_scikit_image(seed):
    rng = np.random.default_rng(seed)
    fields = random_fields(rng, (90, 130), directed=False)
    flat = fields[0].astype(np.float64)
    least, _ = spread(*fields, 1.0, 40, 60, -1, -1)
    expected, _ = MCP_Geometric(flat).find_costs([(40, 60)])
    np.testing.assert_allclose(least, expected, rtol=1e-12)
    _, total = route_through_array(flat, (40, 60), (0, 129), geometric=True)
    assert least[0, 129] == pytest.approx(total, rel=1e-12)


def test_a_window_keeps_paths_inside():
    """Paths of a window are those of the cut-out image, not of the whole one."""
    rng = np.random.default_rng(5)
    whole = EdgeCost(*random_fields(rng, (80, 90), directed=True))
    paths = start_from(whole, (10, 45), reach_px=20)
    assert paths.origin == (0, 25)
    cut = [f[0:31, 25:66] for f in (whole.flat, whole.gain, whole.down, whole.right)]
    for side, sign in (("right", 1.0), ("left", -1.0)):
        expected = naive_least(cut, sign, (10, 20))
        np.testing.assert_array_equal(paths.least[side], expected)


@pytest.mark.parametrize("course", COURSES.values(), ids=COURSES.keys())
def test_a_path_keeps_to_a_step_edge_in_speckle(course):
    cost = edge_cost(step_image(course))
    paths = start_from(cost, (course(5.0), 5))
    path = paths.path_to((course(190.0), 190))
    assert off_course(path, course).max() < 1.5


@pytest.mark.parametrize("course", COURSES.values(), ids=COURSES.keys())
def test_a_path_keeps_to_a_bright_line_in_speckle(course):
    image = line_image(course)
    path = livewire_path(image, (course(5.0), 5), (course(190.0), 190), prefer="line")
    assert off_course(path, course).max() < 1.5


@pytest.mark.parametrize("course", COURSES.values(), ids=COURSES.keys())
@pytest.mark.parametrize("border", [-4.5, 4.5], ids=["upper", "lower"])
def test_a_path_stays_on_the_border_that_was_clicked(course, border):
    def edge(column):
        return course(column) + border

    path = livewire_path(line_image(course), (edge(5.0), 5), (edge(190.0), 190))
    assert off_course(path, edge).max() < 2
    assert off_course(path, edge).mean() < 0.75


def test_the_bright_side_can_be_chosen():
    """Walking to the right, brighter tissue below lies on the right hand."""
    image = line_image(COURSES["level"])
    paths = start_from(edge_cost(image), (60, 5))
    upper = paths.path_to((60, 190), bright="right")[30:-30, 0]
    lower = paths.path_to((60, 190), bright="left")[30:-30, 0]
    assert np.abs(upper - 55.5).max() < 2.5
    assert np.abs(lower - 64.5).max() < 2.5


@pytest.mark.parametrize("prefer", ["edge", "line"])
def test_an_offset_of_the_gray_levels_changes_nothing(prefer):
    image = np.clip(line_image(COURSES["curved"]), 0, 200)
    cost = edge_cost(image, prefer=prefer)
    brighter = edge_cost(image + np.uint8(55), prefer=prefer)
    np.testing.assert_allclose(cost.lowest, brighter.lowest, atol=2e-4)
    assert 0.02 < cost.lowest.min() < 0.25
    assert cost.lowest.max() <= 1


@pytest.mark.parametrize("prefer", ["edge", "line"])
@pytest.mark.parametrize("level", [0, 255])
def test_a_flat_image_has_no_edge(prefer, level):
    cost = edge_cost(np.full((50, 60), level, np.uint8), prefer=prefer)
    np.testing.assert_allclose(cost.lowest, 1, atol=1e-3)
    path = livewire_path(cost, (10, 10), (10, 40))
    np.testing.assert_array_equal(path[:, 0], 10)


@pytest.mark.parametrize("course", COURSES.values(), ids=COURSES.keys())
@pytest.mark.parametrize("beside", [-4, 0, 4])
def test_a_click_beside_an_edge_moves_onto_it(course, beside):
    cost = edge_cost(step_image(course))
    for column in range(20, 180, 20):
        click = (course(float(column)) + beside, column)
        found = nearest_edge(cost, click, within_px=6)
        assert off_course(np.array([found]), course)[0] < 2
        assert math.dist(found, np.rint(click)) <= 6
    assert nearest_edge(cost, click, within_px=0) == tuple(np.rint(click))
    flat = edge_cost(np.full((30, 30), 7, np.uint8))
    assert nearest_edge(flat, (29.4, -0.4)) == (29, 0)


def test_what_is_clicked_at_the_border_works():
    cost = edge_cost(step_image(COURSES["level"]))
    for corner in itertools.product((-0.5, SHAPE[0] - 0.5), (-0.5, SHAPE[1] - 0.5)):
        paths = start_from(cost, corner, reach_px=30)
        path = paths.path_to((60, 100))
        assert np.abs(path[0] - corner).max() <= 0.5
        assert tuple(path[-1]) == (60, 100)
        # Beyond the reach the last stretch is straight.
        assert np.abs(np.diff(path[:-1], axis=0)).max() == 1
        assert np.abs(path[-2] - path[0]).max() <= 30
    assert start_from(cost, (60, 100)).path_to((60, 100)).tolist() == [[60, 100]]


def test_inputs_and_costs_stay_as_they_are():
    image = step_image(COURSES["curved"])
    before = image.copy()
    cost = edge_cost(image)
    fields = [f.copy() for f in (cost.flat, cost.gain, cost.down, cost.right)]
    outline_from_anchors(cost, [(20, 20), (20, 180), (60, 100)])
    snap_outline(cost, Rectangle(20, 20, 40, 100), reach_px=5)
    np.testing.assert_array_equal(image, before)
    for field, was in zip(
        (cost.flat, cost.gain, cost.down, cost.right), fields, strict=True
    ):
        np.testing.assert_array_equal(field, was)
    with pytest.raises(ValueError, match="read-only"):
        cost.gain[0, 0] = 1


def blob(row=60.0, column=100.0, seed=0, shape=SHAPE):
    """Return speckle, bright around a dark muscle with a wavy outline of known size."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    angle = np.arctan2(rows - row, columns - column)
    far = np.hypot(rows - row, (columns - column) / 1.5)
    return speckled(np.where(far < 35 + 3 * np.cos(3 * angle), 50.0, 140.0), seed)


def blob_outline(row=60.0, column=100.0, grow=0.0, n=400):
    """Return points on the blob's outline, found along rays from its centre."""
    points = []
    for turn in np.linspace(0, 2 * np.pi, n, endpoint=False):
        ray = np.linspace(5, 90, 3000)
        r, c = ray * math.sin(turn), ray * math.cos(turn)
        wave = 35 + 3 * np.cos(3 * np.arctan2(r, c))
        at = np.argmax(np.hypot(r, c / 1.5) >= wave)
        points.append((row + r[at] * (1 + grow), column + c[at] * (1 + grow)))
    return np.array(points)


def gap(points, outline):
    """Return the distance of points to a closed outline of straight lines."""
    nexts = np.roll(outline, -1, axis=0)
    way = nexts - outline
    share = ((points[:, None] - outline) * way).sum(-1)
    share /= np.maximum((way**2).sum(-1), 1e-12)
    foot = outline + np.clip(share, 0, 1)[..., None] * way
    return np.hypot(*np.moveaxis(points[:, None] - foot, -1, 0)).min(axis=1)


def test_an_outline_through_anchors_runs_along_the_edge():
    truth = blob_outline()
    outline = outline_from_anchors(blob(), truth[::80])
    assert len(truth[::80]) == 5
    assert gap(outline, truth).max() < 3
    assert gap(truth, outline).max() < 3
    assert gap(outline, truth).mean() < 1
    assert find_crossing(Polygon(outline)) is None
    fine = outline_from_anchors(blob(), truth[::80], simplify_px=0)
    assert len(outline) < len(fine) / 1.5
    assert gap(fine, outline).max() <= 0.5 + 1e-9


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(3, 7))
def test_an_outline_around_a_point_does_not_cross_itself(seed, n):
    """Anchors in order around a point, and nothing to see but speckle."""
    rng = np.random.default_rng(seed)
    turns = 2 * np.pi * (np.arange(n) + rng.uniform(0, 0.5, n)) / n
    far = rng.uniform(30, 50, n)
    anchors = 60 + np.column_stack([far * np.sin(turns), far * np.cos(turns)])
    image = speckled(np.full((121, 121), 90.0), seed % 7)
    outline = outline_from_anchors(image, anchors, margin_px=30)
    assert find_crossing(Polygon(outline)) is None
    for anchor in np.rint(anchors):
        assert (outline == anchor).all(axis=1).any()


def test_two_anchors_go_out_and_come_back_another_way():
    truth = blob_outline()
    outline = outline_from_anchors(blob(), [truth[0], truth[200]], margin_px=50)
    inside = abs(Polygon(outline).area_px / Polygon(truth).area_px - 1)
    assert inside < 0.05


def test_the_closing_click_is_no_second_anchor():
    truth = blob_outline()[::80]
    once = outline_from_anchors(blob(), truth)
    np.testing.assert_array_equal(
        once, outline_from_anchors(blob(), [truth[0], *truth, truth[0]])
    )


@pytest.mark.parametrize("grow", [-0.12, 0.12], ids=["too small", "too large"])
@pytest.mark.parametrize("turned", [1, -1], ids=["clockwise", "counter-clockwise"])
def test_a_rough_outline_snaps_to_the_edge(grow, turned):
    rough = Polygon(blob_outline(grow=grow, n=24)[::turned], "BB", "Biceps", "left")
    truth = blob_outline()
    snapped = snap_outline(blob(), rough, reach_px=12)
    assert (snapped.name, snapped.muscle, snapped.side) == ("BB", "Biceps", "left")
    assert gap(rough.vertices, truth).mean() > 3.5
    assert gap(snapped.vertices, truth).mean() < 1
    assert gap(truth, snapped.vertices).max() < 3
    assert abs(snapped.area_px / Polygon(truth).area_px - 1) < 0.03


@pytest.mark.parametrize("start", [-4, 4], ids=["from within", "from without"])
@pytest.mark.parametrize("radius", [25, 100])
def test_a_disc_keeps_its_size(radius, start):
    """Within a tenth of a px all round, whichever side the outline comes from."""
    rows, columns = np.mgrid[:240, :240]
    dark = np.hypot(rows - 120, columns - 120) <= radius
    rough = Ellipse(*[120 - radius - start] * 2, *[2 * (radius + start)] * 2)
    snapped = snap_outline(np.where(dark, 0.0, 200.0), rough, reach_px=6)
    expected = math.sqrt(dark.sum() / math.pi)
    assert math.sqrt(snapped.area_px / math.pi) == pytest.approx(expected, abs=0.1)
    assert len(snapped.vertices) < radius + 20


def test_inner_takes_the_border_that_gets_brighter_outwards():
    """Between both borders of a bright ring, the inner one and the middle."""
    rows, columns = np.mgrid[:140, :140]
    far = np.hypot(rows - 70, columns - 70)
    image = speckled(50 + 90.0 * (np.abs(far - 45) <= 5))
    between = Ellipse(25, 25, 90, 90)
    inner = snap_outline(image, between, reach_px=10)
    line = snap_outline(image, between, reach_px=10, prefer="line")
    assert math.sqrt(inner.area_px / math.pi) == pytest.approx(40, abs=0.7)
    assert math.sqrt(line.area_px / math.pi) == pytest.approx(45, abs=0.7)
    outer = snap_outline(image, Ellipse(17, 17, 106, 106), reach_px=6, prefer="edge")
    assert math.sqrt(outer.area_px / math.pi) == pytest.approx(50, abs=0.7)


@given(
    seed=st.integers(0, 2**32 - 1),
    reach=st.floats(1, 30),
    prefer=st.sampled_from(["inner", "edge", "line"]),
    spacing=st.sampled_from([None, (1.0, 1.0), (0.1, 0.25), (0.2, 0.07)]),
)
def test_nothing_moves_farther_than_the_reach(seed, reach, prefer, spacing):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 12))
    turns = 2 * np.pi * (np.arange(n) + rng.uniform(0, 0.9, n)) / n
    far = rng.uniform(10, 70, n)
    rough = Polygon(60 + np.column_stack([far * np.sin(turns), far * np.cos(turns)]))
    if find_crossing(rough) is not None:
        return
    image = blob(60, 60, seed % 5, (120, 120))
    snapped = snap_outline(
        image, rough, reach_px=reach, spacing_mm=spacing, prefer=prefer
    )
    scale = np.ones(2) if spacing is None else np.array(spacing) / min(spacing)
    moved = gap(snapped.vertices * scale, rough.vertices * scale)
    assert moved.max() <= reach + 1e-6
    assert find_crossing(snapped) is None


def test_reach_in_mm_is_that_in_px_over_the_spacing():
    rough = Polygon(blob_outline(grow=-0.1, n=24))
    in_mm = snap_outline(blob(), rough, reach_mm=1.2, spacing_mm=(0.1, 0.1))
    in_px = snap_outline(blob(), rough, reach_px=12.0)
    np.testing.assert_allclose(in_mm.vertices, in_px.vertices, atol=1e-6)


def test_without_an_edge_the_outline_stays():
    rough = Polygon(blob_outline(n=24))
    still = snap_outline(np.full(SHAPE, 80, np.uint8), rough, reach_px=15)
    assert gap(still.vertices, rough.vertices).max() < 1e-6
    assert gap(rough.vertices, still.vertices).max() <= 0.5


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 6), wide=st.integers(1, 4))
def test_the_closed_course_is_the_best_of_all(seed, n, wide):
    rng = np.random.default_rng(seed)
    cost, bend = rng.uniform(0, 1, (n, wide)), 0.3

    def total(course):
        steps = np.abs(np.diff([*course, course[0]]))
        if steps.max() > 1:
            return np.inf
        return cost[np.arange(n), list(course)].sum() + bend * steps.sum()

    found = total(tuple(closed_course(cost, bend)))
    best = min(total(course) for course in itertools.product(range(wide), repeat=n))
    assert found == pytest.approx(best, rel=1e-12)


@given(seed=st.integers(0, 2**32 - 1), n=st.integers(2, 60), tolerance=st.floats(0, 3))
def test_what_is_left_out_lies_within_the_tolerance(seed, n, tolerance):
    rng = np.random.default_rng(seed)
    points = np.cumsum(rng.integers(-1, 2, (n, 2)), axis=0).astype(np.float64)
    keep = kept_points(points, tolerance)
    assert keep[0]
    assert keep[-1]
    kept = np.flatnonzero(keep)
    for first, last in itertools.pairwise(kept):
        stretch = points[[first, last]]
        assert gap(points[first : last + 1], stretch).max() <= tolerance + 1e-9
    # Nothing is kept in vain: a straight line needs its ends only.
    straight = np.column_stack([np.arange(9.0), 2 * np.arange(9.0)])
    assert kept_points(straight, tolerance).sum() == 2


GRAY = np.zeros((40, 50), np.uint8)
HOLED = Composite([[(0, 0), (0, 9), (9, 9)], [(20, 20), (20, 29), (29, 29)]])
BOX = Rectangle(5, 5, 20, 20, name="BB")
CROSSED = Polygon([(0, 0), (20, 20), (0, 20), (20, 0)])
REFUSED = {
    "frames": (lambda: edge_cost(np.zeros((2, 40, 50), np.uint8)), "3 axes"),
    "words": (lambda: edge_cost(np.full((9, 9), "x")), "type"),
    "too small": (lambda: edge_cost(GRAY[:2]), "2 × 50 px"),
    "too large": (
        lambda: edge_cost(np.broadcast_to(np.uint8(0), (4000, 4000))),
        "crop",
    ),
    "not finite": (lambda: edge_cost(np.full((9, 9), np.nan)), "not finite"),
    "scale": (lambda: edge_cost(GRAY, scale_px=0), "0.5 to 20"),
    "scale nan": (lambda: edge_cost(GRAY, scale_px=math.nan), "0.5 to 20"),
    "prefer": (lambda: edge_cost(GRAY, prefer="fat"), "'fat'"),
    "anchor outside": (
        lambda: start_from(edge_cost(GRAY), (40, 3)),
        "row 40.0, column 3.0 lies outside the image of 40 × 50 px",
    ),
    "anchor nan": (lambda: start_from(edge_cost(GRAY), (math.nan, 3)), "no .row"),
    "anchor of three": (lambda: start_from(edge_cost(GRAY), (1, 2, 3)), "no .row"),
    "near nan": (
        lambda: nearest_edge(edge_cost(GRAY), (4, 3), within_px=math.nan),
        "nan px",
    ),
    "near outside": (lambda: nearest_edge(edge_cost(GRAY), (4, 50)), "outside"),
    "reach 0": (lambda: start_from(edge_cost(GRAY), (4, 3), reach_px=0), "is 0 px"),
    "reach far": (
        lambda: start_from(edge_cost(GRAY), (4, 3), reach_px=1e9),
        "1 to 1000",
    ),
    "point outside": (
        lambda: start_from(edge_cost(GRAY), (4, 3)).path_to((-1, 3)),
        "outside",
    ),
    "bright": (
        lambda: start_from(edge_cost(GRAY), (4, 3)).path_to((5, 3), bright="up"),
        "'up'",
    ),
    "margin": (lambda: livewire_path(GRAY, (4, 3), (5, 6), margin_px=0), "0 px"),
    "far legs": (
        lambda: livewire_path(
            np.zeros((2400, 2400), np.uint8), (0, 0), (2399, 2399), margin_px=1
        ),
        "2399 px apart",
    ),
    "no anchor": (lambda: outline_from_anchors(GRAY, []), "0 anchors"),
    "one anchor": (lambda: outline_from_anchors(GRAY, [(4, 3)] * 3), "anchors in"),
    "simplify": (
        lambda: outline_from_anchors(GRAY, [(4, 3), (9, 9)], simplify_px=-1),
        "-1 px",
    ),
    "no reach": (lambda: snap_outline(GRAY, BOX), "one reach"),
    "two reaches": (
        lambda: snap_outline(GRAY, BOX, reach_px=3, reach_mm=3),
        "one reach",
    ),
    "snap reach 0": (lambda: snap_outline(GRAY, BOX, reach_px=0), "1 to 100"),
    "snap reach far": (lambda: snap_outline(GRAY, BOX, reach_px=101), "1 to 100"),
    "no spacing": (lambda: snap_outline(GRAY, BOX, reach_mm=3), "'BB'.* 3 mm"),
    "bad spacing": (
        lambda: snap_outline(GRAY, BOX, reach_mm=3, spacing_mm=(0.1, 0)),
        "spacing",
    ),
    "snap prefer": (
        lambda: snap_outline(GRAY, BOX, reach_px=3, prefer="outer"),
        "'outer'",
    ),
    "snap simplify": (
        lambda: snap_outline(GRAY, BOX, reach_px=3, simplify_px=math.nan),
        "nan px",
    ),
    "holes": (lambda: snap_outline(GRAY, HOLED, reach_px=3), "not one outline"),
    "crossed": (lambda: snap_outline(GRAY, CROSSED, reach_px=3), "crosses itself"),
}


@pytest.mark.parametrize(("call", "words"), REFUSED.values(), ids=REFUSED.keys())
def test_a_sentence_tells_what_is_wrong(call, words, one_sentence):
    with pytest.raises(RoiError, match=words) as caught:
        call()
    assert one_sentence(str(caught.value))


def aponeuroses(shared):
    """Yield images, the columns, inner border and middle of two drawn aponeuroses."""
    from tifffile import imread

    folder = shared("data/apo_fascicle_masks")
    for path in sorted((folder / "apo_images").glob("*.tif")):
        gray = imread(path).mean(axis=-1).astype(np.uint8)
        parts, n = label(imread(folder / "apo_masks" / path.name) > 127)
        found = []
        for number in range(1, n + 1):
            rows, columns = np.nonzero(parts == number)
            if np.ptp(columns) > 200:
                at = np.unique(columns)
                ends = [rows[columns == c][[0, -1]] for c in at]
                found.append((at, *np.array(ends, dtype=float).T))
        # From above: that over the muscle, and that below it.
        found.sort(key=lambda part: part[1].mean())
        for (at, top, bottom), inner in zip(found[:2], (2, 1), strict=True):
            yield gray, at, (at, top, bottom)[inner], (top + bottom) / 2


@pytest.mark.parametrize("prefer", ["edge", "line"])
def test_two_clicks_follow_a_real_aponeurosis_better_than_a_straight_line(
    shared, prefer
):
    """Nearer to what a person drew than the line between the same two points."""
    wire, straight = [], []
    for gray, columns, inner, middle in aponeuroses(shared):
        truth = inner if prefer == "edge" else middle
        margin = len(columns) // 30
        within = slice(margin, len(columns) - margin)
        ends = [(truth[within][i], columns[within][i]) for i in (0, -1)]
        path = livewire_path(gray, *ends, prefer=prefer)
        off = path[:, 0] - np.interp(path[:, 1], columns, truth)
        wire.append(np.abs(off).mean())
        line = np.interp(columns[within], [c for _, c in ends], [r for r, _ in ends])
        straight.append(np.abs(truth[within] - line).mean())
    assert len(wire) == 24
    assert np.median(wire) < 2
    assert np.mean(wire) < 0.85 * np.mean(straight)


def test_a_rough_outline_of_a_real_muscle_comes_nearer_to_the_drawn_one(shared):
    """Drawn 4 px inside the muscle by an unsteady hand (3 px)."""
    rng = np.random.default_rng(1)
    before, after = [], []
    found = list(aponeuroses(shared))
    for over, below in zip(found[::2], found[1::2], strict=True):
        gray, columns, upper, _ = over
        _, deep_columns, deep, _ = below
        at = np.linspace(columns[10], columns[-10], 6)
        tops = np.interp(at, columns, upper) + 4 + rng.normal(0, 3, 6)
        bottoms = np.interp(at, deep_columns, deep) - 4 + rng.normal(0, 3, 6)
        rough = Polygon(np.vstack([np.c_[tops, at], np.c_[bottoms, at][::-1]]))
        snapped = snap_outline(gray, rough, reach_px=12)
        for outline, into in ((rough, before), (snapped, after)):
            truth = np.c_[upper, columns][40:-40], np.c_[deep, deep_columns][40:-40]
            into.append(np.mean([gap(t, outline.vertices).mean() for t in truth]))
    assert np.mean(after) < 0.6 * np.mean(before)
    assert max(after) < 4
