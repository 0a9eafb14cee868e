"""Regions as values: area, outlines that cross themselves, and hostile numbers."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import napari_muscle_us as mus
from napari_muscle_us.errors import RoiError
from napari_muscle_us.roi.crossing import find_crossing
from napari_muscle_us.roi.rasterize import usable_window
from napari_muscle_us.roi.shapes import roi_area, roi_from_dict, roi_to_dict

COORDINATES = st.floats(-1e6, 1e6)
VERTICES = st.lists(st.tuples(COORDINATES, COORDINATES), min_size=3, max_size=9)


@pytest.mark.parametrize(
    ("roi", "spacing", "expected"),
    [
        (mus.Polygon([(0, 0), (0, 4), (3, 0)]), (0.5, 0.2), (0.6, "mm²")),
        (mus.Rectangle(-1, 2, 10, 4, angle_deg=33), (0.5, 0.2), (4.0, "mm²")),
        (mus.Ellipse(0, 0, 4, 6), None, (6 * math.pi, "px²")),
        (mus.Polygon([(1e6, 1e6), (1e6, 1e6 - 2), (1e6 - 2, 1e6)]), None, (2, "px²")),
    ],
    ids=["triangle", "turned-rectangle", "ellipse", "far-away"],
)
def test_area_by_hand(roi, spacing, expected):
    area, unit = roi_area(roi, spacing)
    assert (area, unit) == (pytest.approx(expected[0], rel=1e-12), expected[1])


# Self-crossing outlines


def test_a_bow_tie_is_refused_at_the_point_where_it_crosses():
    tie = mus.Polygon([(10, 10), (30, 40), (10, 40), (40, 10)], name="RF")
    # Lines 10→30 over 10→40 and 10→40 over 40→10: rows 10 + 20t and 10 + 30t.
    row, col = find_crossing(tie)
    t = 0.6
    assert (row, col) == pytest.approx((10 + 20 * t, 10 + 30 * t))
    with pytest.raises(RoiError, match=r"'RF' crosses itself near row 22\.0.* 28\.0"):
        usable_window(tie, (100, 100))


@pytest.mark.parametrize(
    "vertices",
    [
        [(0, 0), (0, 4), (2, 2), (4, 4), (4, 0), (2, 2)],
        [(0, 0), (0, 9), (5, 9), (5, 5), (0, 5), (5, 5), (5, 0)],
        [(0, 0), (0, 9), (9, 9), (9, 0), (0, 0)],
        [(0, 0), (0, 4), (0, 4), (4, 4), (4, 0)],
        [(0, 0), (0, 8), (0, 3), (5, 3)],
    ],
    ids=["touches-at-a-vertex", "bridge", "closed-twice", "double-vertex", "spike"],
)
def test_outlines_that_touch_do_not_cross(vertices):
    assert find_crossing(mus.Polygon(vertices)) is None


@pytest.mark.parametrize(
    "vertices",
    [
        [(0, 0), (5, 5), (10, 10), (0, 10), (10, 0)],
        [(0, 0), (5, 5), (10, 10), (0, 10), (5, 5), (10, 0)],
    ],
    ids=["edge-through-a-vertex", "vertex-through-a-vertex"],
)
def test_a_bow_tie_that_crosses_at_a_vertex_is_found(vertices):
    # Its signed halves cancel: the area would be 0 px² with 50 pixels inside.
    found = find_crossing(mus.Polygon(vertices))
    assert found is not None
    assert found == pytest.approx((5, 5))


@pytest.mark.parametrize("shape", [mus.Rectangle, mus.Ellipse])
def test_a_box_never_crosses_itself(shape):
    assert find_crossing(shape(3, 4, 50, 2, angle_deg=17)) is None


@given(st.lists(st.floats(1, 100), min_size=3, max_size=60), st.floats(0, 6))
def test_a_star_shaped_outline_never_crosses(radii, start):
    theta = start + np.arange(len(radii)) * 2 * np.pi / len(radii)
    star = np.array(radii)[:, None] * np.column_stack([np.sin(theta), np.cos(theta)])
    assert find_crossing(mus.Polygon(star + 200)) is None


WHOLE = st.integers(0, 12)


@given(st.lists(st.tuples(WHOLE, WHOLE), min_size=3, max_size=12))
def test_crossing_agrees_with_every_pair_of_edges(vertices):
    n = len(vertices)
    points = set()
    for i in range(n):
        for j in range(i + 2, n):
            if (j + 1) % n != i:
                points.add(
                    naive_crossing(
                        vertices[i],
                        vertices[i + 1],
                        vertices[j],
                        vertices[(j + 1) % n],
                    )
                )
    points.discard(None)
    corners = {tuple(map(float, v)) for v in vertices}
    found = find_crossing(mus.Polygon(vertices))
    assert found is not None or not points
    # Edges that cross, or a corner through which the outline passes a second time.
    if found is not None and found not in corners:
        assert min(math.dist(found, p) for p in points) < 1e-9


@given(st.lists(st.tuples(WHOLE, WHOLE), min_size=3, max_size=12))
def test_a_corner_that_crosses_does_so_when_shaken(vertices):
    """A crossing at a corner is one however little the corners are moved."""
    found = find_crossing(mus.Polygon(vertices))
    if found is None:
        return
    shaken = np.random.default_rng(4)
    for _ in range(5):
        moved = np.array(vertices) + shaken.uniform(-1e-4, 1e-4, (len(vertices), 2))
        assert find_crossing(mus.Polygon(moved)) is not None


def naive_crossing(a, b, c, d):
    """Return where two segments cross properly; whole numbers, so exact."""

    def side(py, px, qy, qx, ry, rx):
        return (qx - px) * (ry - py) - (qy - py) * (rx - px)

    s1, s2 = side(*a, *b, *c), side(*a, *b, *d)
    s3, s4 = side(*c, *d, *a), side(*c, *d, *b)
    if s1 * s2 >= 0 or s3 * s4 >= 0:
        return None
    share = s3 / (s3 - s4)
    return a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])


# Hostile numbers


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, 1e30, -1e30], ids=str)
def test_no_place_in_an_image_is_refused(bad):
    with pytest.raises(RoiError, match="no place in an image"):
        mus.Polygon([(0, 0), (0, bad), (5, 5)])
    with pytest.raises(RoiError, match="no place in an image"):
        mus.Ellipse(0, bad, 4, 4)
    with pytest.raises(RoiError, match="no place in an image"):
        mus.Rectangle(0, 0, 4, 4, angle_deg=bad)


@pytest.mark.parametrize(
    "make",
    [
        lambda: mus.Polygon([(0, 0), (1, 1)]),
        lambda: mus.Polygon([]),
        lambda: mus.Polygon([(0, 0, 0)] * 3),
        lambda: mus.Polygon("outline"),
        lambda: mus.Polygon([(0, 0), (0, 1), (1, 0)], side="Left"),
        lambda: mus.Rectangle(0, 0, 0, 4),
        lambda: mus.Ellipse(0, 0, 4, -1),
        lambda: mus.Ellipse(0, 0, "four", 1),
        lambda: roi_from_dict({"type": "spiral"}),
        lambda: roi_from_dict({"type": "rectangle", "top": 1}),
        lambda: roi_from_dict({"type": "polygon", "vertices": None}),
    ],
    ids=lambda make: None,
)
def test_what_is_no_region_is_refused(make, one_sentence):
    with pytest.raises(RoiError) as error:
        make()
    assert one_sentence(str(error.value))


@given(VERTICES)
def test_geometry_survives_its_text(vertices):
    text = json.dumps(roi_to_dict(mus.Polygon(vertices)))
    back = roi_from_dict(json.loads(text), name="a", muscle="b", side="left")
    assert np.array_equal(back.vertices, vertices)
    assert (back.name, back.muscle, back.side) == ("a", "b", "left")


@pytest.mark.parametrize(
    ("vertices", "crosses"),
    [
        ([(4, 3), (3, 2), (2, 2), (1, 0), (5, 4), (4, 1)], True),
        # Along row 4 from column 2 to 6, coming from above and leaving below …
        ([(0, 0), (4, 2), (4, 6), (8, 9), (8, 8), (4, 6), (4, 2), (0, 9)], True),
        # … and coming from above and leaving above, which only touches.
        ([(0, 0), (4, 2), (4, 6), (0, 8), (0, 7), (4, 5), (4, 3), (0, 1)], False),
        ([(0, 0), (0, 9), (9, 9), (9, 4), (0, 4), (9, 4), (9, 0)], False),
    ],
    ids=["in a grid", "over", "along", "slit"],
)
def test_a_shared_stretch_crosses_when_the_sides_change(vertices, crosses):
    assert (find_crossing(mus.Polygon(vertices)) is not None) == crosses
    shaken = np.random.default_rng(5)
    moved = (
        np.array(vertices) + shaken.uniform(-1e-4, 1e-4, (len(vertices), 2))
        for _ in range(60)
    )
    # However little it is moved, it still crosses; or some move parts it.
    found = [find_crossing(mus.Polygon(v)) is not None for v in moved]
    assert all(found) == crosses


# Outlines with very many edges


def spokes(n, inner=40.0):
    """Return a star of `n` corners whose edges all run from a rim to a ring."""
    angles = np.arange(n) * (2 * np.pi / n)
    reach = np.where(np.arange(n) % 2, inner, 100.0)[:, None]
    return 120 + reach * np.column_stack([np.sin(angles), np.cos(angles)])


def comb(n):
    """Return an outline of `n` corners whose teeth lie side by side along columns."""
    across = np.where(np.arange(n) % 2, 100.0, 20.0)
    teeth = np.column_stack([across, np.arange(n) / 100])
    return np.vstack([teeth, [(0.0, n / 100), (0.0, -1.0)]])


@pytest.mark.timeout(20)
@pytest.mark.parametrize("turn", [1, -1], ids=["upright", "lying"])
def test_a_comb_of_very_many_teeth_is_checked(turn):
    outline = comb(100_000)[:, ::turn]
    assert find_crossing(mus.Polygon(outline)) is None
    bent = outline.copy()
    # One tooth reaches through the back of the comb.
    bent[5000] = np.array((-5.0, 50.0))[::turn]
    row, column = np.array(find_crossing(mus.Polygon(bent)))[::turn]
    assert row == pytest.approx(0, abs=1e-9)
    assert column == pytest.approx(50, abs=0.02)


@pytest.mark.timeout(20)
def test_too_many_edges_side_by_side_are_refused(one_sentence):
    assert find_crossing(mus.Polygon(spokes(6000))) is None
    with pytest.raises(RoiError, match="'VL' has so many edges side by side") as error:
        find_crossing(mus.Polygon(spokes(100_000), name="VL"))
    assert one_sentence(str(error.value))


@pytest.mark.timeout(20)
def test_an_outline_drawn_a_thousand_times_over_itself_is_refused():
    corners = np.array([(0.0, 0), (0, 9), (9, 0)])
    assert find_crossing(mus.Polygon(np.tile(corners, (50, 1)))) is None
    with pytest.raises(RoiError, match="so many edges side by side"):
        find_crossing(mus.Polygon(np.tile(corners, (1300, 1))))


@pytest.mark.parametrize(
    "geometry",
    [
        {"type": ["polygon"] * 5000},
        {"type": "rectangle", "top": ["x" * 200] * 9, "left": 1, "height": 1},
        {"type": "rectangle", "top": [[1.5]] * 999, "left": 1, "height": 1, "width": 1},
        {"type": "ellipse", "top": "x", "left": 10**5000, "height": 1, "width": 1},
        {"type": "polygon"} | {f"entry {i}": i for i in range(5000)},
    ],
    ids=["type", "missing", "numbers", "digits", "entries"],
)
def test_a_message_quotes_only_the_beginning_of_what_is_wrong(geometry, one_sentence):
    with pytest.raises(RoiError) as error:
        roi_from_dict(geometry, name="VL")
    assert one_sentence(str(error.value))
    assert len(str(error.value)) < 200
