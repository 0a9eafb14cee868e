"""Masks: ImageJ's own, the rules written out naively, and what must hold of any."""

from __future__ import annotations

import base64
import json
import math
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import napari_muscle_us as mus
from napari_muscle_us.errors import MeasureError, RoiError
from napari_muscle_us.roi.composite import Composite
from napari_muscle_us.roi.rasterize import roi_window, usable_window

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
ENTRIES = [
    pytest.param(
        json.loads(line), id=f"{path.stem.removeprefix('imagej_rois_')}-{number}"
    )
    for path in sorted(GOLDEN.glob("imagej_rois_*.jsonl"))
    for number, line in enumerate(path.read_text().splitlines(), 1)
    if '"measured":false' not in line
]
CLOSE = {"mean": 1e-12, "sd": 1e-9, "skewness": 1e-9, "kurtosis": 1e-9}


def turned_box(x1, y1, x2, y2, across):
    """Return top, left, height, width, angle of a box about an axis in ImageJ's x, y.

    A level axis gets a whole turn: ImageJ fills turned shapes by another rule.
    """
    along = math.hypot(x2 - x1, y2 - y1)
    angle = math.degrees(math.atan2(-(y2 - y1), x2 - x1))
    top, left = (y1 + y2 - across - 1) / 2, (x1 + x2 - along - 1) / 2
    return top, left, across, along, angle if angle else 360.0


def roi_of(entry, folder):
    if "roi" in entry:
        path = folder / "one.roi"
        path.write_bytes(base64.b64decode(entry["roi"]))
        (roi,) = mus.read_imagej_rois(path)
        return roi
    kind, spec = entry["kind"], entry["spec"]
    if kind.startswith(("rect", "oval")):
        shape = mus.Rectangle if kind.startswith("rect") else mus.Ellipse
        x, y, width, height = spec
        return shape(y - 0.5, x - 0.5, height, width)
    if kind == "ellipse":
        x1, y1, x2, y2, ratio = spec
        across = ratio * math.hypot(x2 - x1, y2 - y1)
        return mus.Ellipse(*turned_box(x1, y1, x2, y2, across))
    if kind == "rotated_rect":
        return mus.Rectangle(*turned_box(*spec))
    return mus.Polygon(np.reshape(spec, (-1, 2))[:, ::-1] - 0.5)


def test_all_golden_rois_are_here():
    assert len(ENTRIES) == 774


@pytest.mark.parametrize("entry", ENTRIES)
def test_mask_and_statistics_are_imagejs(entry, formula_image, tmp_path):
    mask = mus.roi_mask(roi_of(entry, tmp_path), formula_image.shape)
    assert mask.dtype == np.bool_
    assert mask.sum() == entry["n"]
    assert zlib.crc32(mask.astype(np.uint8).tobytes()) == entry["mask_crc32"]
    if entry["n"] == 0:
        with pytest.raises(MeasureError, match="0 pixels"):
            mus.measure_intensity(formula_image, mask)
        return
    stats = mus.measure_intensity(formula_image, mask)
    counts = stats.histogram.astype("<i4").tobytes()
    assert zlib.crc32(counts) == entry["histogram_crc32"]
    for name in ("n", "min", "max", "mode", "median"):
        assert getattr(stats, name) == entry[name], name
    for name, tolerance in CLOSE.items():
        # ImageJ gives an SD of 0 for one pixel; with n − 1 it is undefined, so NaN.
        undefined = entry[name] is None or (name == "sd" and entry["n"] == 1)
        expected = math.nan if undefined else entry[name]
        # ImageJ's third and fourth moments lose digits by subtraction.
        lost = 0 if name in ("mean", "sd") else 3e-9
        approx = pytest.approx(expected, rel=tolerance, abs=lost, nan_ok=True)
        assert getattr(stats, name) == approx, name


# A grid of eighths is exact in single and double precision.
EIGHTHS = st.integers(0, 320).map(lambda v: v / 8)
VERTICES = st.lists(st.tuples(EIGHTHS, EIGHTHS), min_size=3, max_size=9)


def naive_polygon_mask(vertices, shape):
    """ImageJ's PolygonFiller, a row at a time, for an outline inside the image."""
    mask = np.zeros(shape, bool)
    points = [(row + 0.5, col + 0.5) for row, col in vertices]
    edges = [
        sorted((a, b), key=lambda p: p[0])
        for a, b in zip(points, points[1:] + points[:1], strict=True)
    ]
    for r in range(shape[0]):
        crossings = []
        for (y1, x1), (y2, x2) in edges:
            first, last = math.floor(y1 + 0.5), math.floor(y2 + 0.5)
            if first <= r < last:
                slope = (x2 - x1) / (y2 - y1)
                crossings.append(x1 + (r - y1 + 0.5) * slope + 1e-8)
        crossings.sort()
        for start, stop in zip(crossings[::2], crossings[1::2], strict=True):
            mask[r, int(start + 0.5) : int(stop + 0.5)] = True
    return mask


@given(VERTICES)
def test_polygon_mask_is_the_naive_rule(vertices):
    expected = naive_polygon_mask(vertices, (42, 43))
    np.testing.assert_array_equal(
        mus.roi_mask(mus.Polygon(vertices), (42, 43)), expected
    )


@given(VERTICES, st.integers(-60, 60), st.integers(-60, 60))
def test_moving_a_polygon_by_whole_pixels_moves_its_mask(vertices, down, right):
    far = np.array(vertices) + 70
    still = mus.roi_mask(mus.Polygon(far), (190, 190))
    moved = mus.roi_mask(mus.Polygon(np.add(far, (down, right))), (190, 190))
    np.testing.assert_array_equal(moved, np.roll(still, (down, right), (0, 1)))


@given(VERTICES, st.integers(0, 40), st.integers(0, 40))
def test_a_polygon_over_the_edge_keeps_its_pixels_inside(vertices, up, left):
    whole = mus.roi_mask(mus.Polygon(vertices), (42, 42))
    cut = mus.roi_mask(mus.Polygon(np.array(vertices) - (up, left)), (25, 30))
    expected = np.zeros((25, 30), bool)
    part = whole[up : up + 25, left : left + 30]
    expected[: part.shape[0], : part.shape[1]] = part
    np.testing.assert_array_equal(cut, expected)


@given(st.integers(0, 20), st.integers(0, 20), st.integers(1, 20), st.integers(1, 20))
def test_a_rectangle_holds_height_times_width_pixels(top, left, height, width):
    box = mus.Rectangle(top - 0.5, left - 0.5, height, width)
    mask = mus.roi_mask(box, (50, 50))
    expected = np.zeros((50, 50), bool)
    expected[top : top + height, left : left + width] = True
    np.testing.assert_array_equal(mask, expected)
    np.testing.assert_array_equal(
        mus.roi_mask(mus.Polygon(box.outline()), (50, 50)), expected
    )


@given(st.integers(-9, 20), st.integers(-9, 20), st.integers(1, 30), st.integers(1, 30))
def test_an_oval_holds_the_pixel_centres_inside_it(top, left, height, width):
    # Twice the distance from the centre, in whole numbers: no rounding decides.
    row, col = np.indices((25, 25))
    down, across = 2 * (row - top) + 1 - height, 2 * (col - left) + 1 - width
    distance = (down * width) ** 2 + (across * height) ** 2
    radius = (height * width) ** 2
    mask = mus.roi_mask(mus.Ellipse(top - 0.5, left - 0.5, height, width), (25, 25))
    # No centre lies on the curve itself: the parities of its two sides differ.
    np.testing.assert_array_equal(mask, distance < radius)


@given(st.integers(1, 39), VERTICES)
def test_two_halves_of_a_picture_make_the_whole(cut, vertices):
    whole = mus.roi_mask(mus.Polygon(vertices), (42, 42))
    upper = mus.roi_mask(mus.Polygon(vertices), (cut, 42))
    np.testing.assert_array_equal(whole[:cut], upper)
    shifted = mus.Polygon(np.array(vertices) - [cut, 0])
    lower = mus.roi_mask(shifted, (42 - cut, 42))
    np.testing.assert_array_equal(np.vstack([upper, lower]), whole)


@given(st.integers(1, 39))
def test_two_neighbours_share_no_pixel_and_leave_none_out(cut):
    upper = mus.Polygon([(0.25, 3.25), (0.25, 30), (cut, 25.5), (cut, 6)])
    lower = mus.Polygon([(cut, 6), (cut, 25.5), (40.75, 38), (40.75, 1.5)])
    masks = [mus.roi_mask(roi, (42, 42)) for roi in (upper, lower)]
    assert not (masks[0] & masks[1]).any()
    outline = [*upper.vertices[:3], *lower.vertices[2:], upper.vertices[3]]
    both = mus.roi_mask(mus.Polygon(outline), (42, 42))
    np.testing.assert_array_equal(masks[0] | masks[1], both)


@pytest.mark.parametrize("size", [20, 80, 320, 1280])
def test_pixel_count_converges_to_the_shoelace_area(size):
    star = np.array([(0.03, 0.5), (0.9, 0.1), (0.45, 0.5), (0.97, 0.85)]) * size
    roi = mus.Polygon(star)
    assert roi.area_px == pytest.approx(size**2 * 0.1575, rel=1e-9)
    count = mus.roi_mask(roi, (size, size)).sum()
    perimeter = np.hypot(*(star - np.roll(star, -1, 0)).T).sum()
    assert abs(count - roi.area_px) < 0.1 * perimeter


@pytest.mark.parametrize(
    ("roi", "words"),
    [
        (mus.Rectangle(200, 5, 10, 10, name="BB"), "outside the image .150 × 200 px"),
        (mus.Polygon([(-9, -9), (-9, -3), (-3, -3)]), "outside the image"),
        (mus.Ellipse(5, 500, 10, 10), "outside the image"),
        (mus.Polygon([(5.1, 5.1), (5.1, 5.2), (5.2, 5.1)]), "smaller than a pixel"),
    ],
    ids=["below", "upper-left", "right", "tiny"],
)
def test_a_region_without_pixels_is_refused_with_its_reason(roi, words):
    with pytest.raises(RoiError, match=words) as error:
        usable_window(roi, (150, 200))
    assert "covers 0 pixels" in str(error.value)
    assert repr(roi.name) in str(error.value) or not roi.name
    assert not mus.roi_mask(roi, (150, 200)).any()


@pytest.mark.parametrize("shape", [(0, 5), (5,), (3, 4, 5), (-1, 4)], ids=str)
def test_no_image_shape_no_mask(shape):
    with pytest.raises(RoiError, match="shape"):
        mus.roi_mask(mus.Rectangle(0, 0, 2, 2), shape)


def test_window_is_the_mask_where_the_region_is():
    roi = mus.Polygon([(-5.5, 3), (20, 33.25), (14, -8)])
    window = roi_window(roi, (18, 30))
    full = np.zeros((18, 30), bool)
    full[window.rows, window.columns] = window.mask
    np.testing.assert_array_equal(full, mus.roi_mask(roi, (18, 30)))
    assert window.n_pixels == full.sum() > 0


@pytest.mark.parametrize(
    "roi",
    [
        mus.Rectangle(-5e5, -5e5, 1e6, 1e6),
        mus.Ellipse(-5e5, -5e5, 1e6, 1e6),
        mus.Ellipse(-5e5, -5e5, 1e6, 1e6, angle_deg=30),
        mus.Polygon([(-1e6, -1e6), (-1e6, 1e6), (1e6, 1e6), (1e6, -1e6)]),
    ],
    ids=["rectangle", "oval", "turned", "polygon"],
)
def test_a_huge_region_costs_no_more_than_the_image(roi):
    mus.roi_mask(roi, (4, 4))  # Compile first.
    tracemalloc.start()
    try:
        assert mus.roi_mask(roi, (100, 100)).all()
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


# Outlines with very many edges


def jagged(n, shape):
    """Return an outline that crosses each row of an image very often."""
    rng = np.random.default_rng(n)
    outline = rng.uniform(-9, (shape[0] + 9, shape[1] + 9), (n, 2))
    return np.float32(outline).astype(float)


def between_crossings(outline, shape):
    """Return the pixels before which lies an odd number of crossings of their row."""
    y, x = outline.T + 0.5
    y2, x2 = np.roll(y, -1), np.roll(x, -1)
    up = y > y2
    y, y2 = np.where(up, y2, y), np.where(up, y, y2)
    x, x2 = np.where(up, x2, x), np.where(up, x, x2)
    mask = np.zeros(shape, bool)
    for row in range(shape[0]):
        met = (np.floor(y + 0.5) <= row) & (row < np.floor(y2 + 0.5))
        share = (row + 0.5 - y[met]) / (y2 - y)[met]
        crossed = np.sort(x[met] + share * (x2 - x)[met])
        before = np.searchsorted(crossed, np.arange(shape[1]) + 0.5)
        mask[row] = before % 2
    return mask


@pytest.mark.parametrize("n", [40, 400, 4000])
@pytest.mark.parametrize("offset", [(0, 0), (-30, 12), (12, -30), (0, -900), (900, 0)])
def test_however_many_edges_the_pixels_are_those_between_crossings(n, offset):
    shape = (23, 31)
    outline = jagged(n, shape) + offset
    mask = mus.roi_mask(mus.Polygon(outline), shape)
    assert np.count_nonzero(mask != between_crossings(outline, shape)) == 0
    assert mask.any() or offset != (0, 0)
    # What lies in it twice is outside.
    assert not mus.roi_mask(Composite((outline, outline)), shape).any()


@pytest.mark.timeout(30)
def test_of_very_many_crossings_of_a_row_none_is_kept():
    shape = (4, 300)
    outline = jagged(300_000, shape)
    drawn = mus.Polygon(outline)
    tracemalloc.start()
    mask = mus.roi_mask(drawn, shape)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Where a crossing lies within a rounding error of a pixel's centre, either counts.
    assert np.count_nonzero(mask != between_crossings(outline, shape)) < 12
    assert peak < 100_000_000
