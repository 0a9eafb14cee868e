"""Echo intensity against ImageJ, hand-made histograms and a naive reference."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import napari_muscle_us as mus
from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.intensity import statistics_of


def polygon(*xy):
    return mus.Polygon([(y - 0.5, x - 0.5) for x, y in xy])


def box(shape, x, y, width, height):
    return shape(y - 0.5, x - 0.5, height, width)


# ImageJ 1.53t: name in the oracle file, region, n, mean, SD, mode, median, skewness,
# kurtosis. The region is in ImageJ's coordinates.
IMAGEJ = [
    (
        "full_200x150",
        box(mus.Rectangle, 0, 0, 200, 150),
        (
            30000,
            127.36146666666667,
            73.81018317246986,
            157,
            127,
            -0.0012679898632409507,
            -1.1971723580550786,
        ),
    ),
    (
        "rect_30_20_80_60",
        box(mus.Rectangle, 30, 20, 80, 60),
        (
            4800,
            127.27416666666667,
            73.94388764347273,
            7,
            127,
            -0.00020546481972166092,
            -1.2017169014418858,
        ),
    ),
    (
        "oval_30_20_80_60",
        box(mus.Ellipse, 30, 20, 80, 60),
        (
            3760,
            128.06808510638297,
            75.45596181553177,
            25,
            130,
            -0.025232579336872802,
            -1.2583332690686804,
        ),
    ),
    (
        "oval_31_21_81_61",
        box(mus.Ellipse, 31, 21, 81, 61),
        (
            3885,
            126.41132561132561,
            75.33074805066374,
            76,
            125,
            0.02765652542101508,
            -1.2538426235543092,
        ),
    ),
    (
        "poly_int_20_10_150_25_170_120_90_140_15_80",
        polygon((20, 10), (150, 25), (170, 120), (90, 140), (15, 80)),
        (
            14700,
            127.02551020408163,
            73.73497230950866,
            210,
            127,
            0.005099782559465668,
            -1.1939717164822063,
        ),
    ),
    (
        "poly_float",
        polygon(
            (20.5, 10.4), (150.25, 25.6), (170.75, 120.2), (90.1, 140.8), (15.9, 80.5)
        ),
        (
            14696,
            127.14207947740881,
            73.74063655327467,
            210,
            127,
            0.0034356985379853113,
            -1.1935031969404524,
        ),
    ),
    (
        "freehand_concave_int",
        polygon((40, 30), (120, 40), (100, 70), (160, 130), (60, 120), (80, 80)),
        (
            5030,
            127.98389662027833,
            73.83422297773195,
            74,
            128,
            -0.008257182877056098,
            -1.1959251050695983,
        ),
    ),
    (
        "triangle_float_half",
        polygon((10.5, 10.5), (60.5, 10.5), (35.5, 60.5)),
        (
            1225,
            124.51265306122448,
            73.31608561585021,
            110,
            122,
            0.05595136963407245,
            -1.180333629297687,
        ),
    ),
]
CASES = pytest.mark.parametrize(
    ("name", "roi", "expected"), IMAGEJ, ids=[case[0] for case in IMAGEJ]
)


@CASES
def test_statistics_are_imagejs(formula_image, name, roi, expected):
    stats = mus.measure_intensity(formula_image, mus.roi_mask(roi, formula_image.shape))
    found = (stats.n, stats.mean, stats.sd, stats.mode, stats.median)
    found += (stats.skewness, stats.kurtosis)
    assert found == pytest.approx(expected, rel=1e-9)
    assert (stats.min, stats.max) == (0, 255)


@CASES
def test_full_histogram_is_imagejs(formula_image, shared, name, roi, expected):
    lines = shared("oracles/imagej_oracle.jsonl").read_text().splitlines()
    entry = next(e for e in map(json.loads, lines) if e["name"] == name)
    stats = mus.measure_intensity(formula_image, mus.roi_mask(roi, formula_image.shape))
    assert stats.histogram.tolist() == [int(v) for v in entry["histogram"].split()]
    for ours, theirs in {
        "n": "n",
        "mean": "mean",
        "sd": "sd",
        "mode": "mode",
        "median": "median",
        "skewness": "skew",
        "kurtosis": "kurt",
    }.items():
        assert getattr(stats, ours) == pytest.approx(entry[theirs], rel=1e-9), ours


def naive(values):
    """Definitions as sums, medians by counting; NumPy and SciPy where they agree."""
    n = len(values)
    numbers = values.astype(float)
    counts = [int((values == level).sum()) for level in range(256)]
    below = np.cumsum(counts)
    constant = len(set(values.tolist())) == 1
    return {
        "n": n,
        "mean": numbers.mean(),
        "sd": numbers.std(ddof=1) if n > 1 else math.nan,
        "min": min(values.tolist()),
        "max": max(values.tolist()),
        "mode": counts.index(max(counts)),
        "mode_count": max(counts),
        "median": next(level for level in range(256) if below[level] > n / 2),
        "skewness": math.nan if constant else scipy.stats.skew(numbers),
        "kurtosis": math.nan if constant else scipy.stats.kurtosis(numbers),
    }


PICTURES = arrays(
    np.uint8,
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    elements=st.one_of(st.integers(0, 255), st.sampled_from([0, 7, 255])),
)


@given(PICTURES, st.integers(0, 2**32 - 1))
def test_statistics_are_the_naive_ones(gray, seed):
    mask = np.random.default_rng(seed).random(gray.shape) < 0.6
    mask[0, 0] = True
    before = gray.copy(), mask.copy()
    stats = mus.measure_intensity(gray, mask)
    np.testing.assert_array_equal(gray, before[0])
    np.testing.assert_array_equal(mask, before[1])
    for name, value in naive(gray[mask]).items():
        approx = pytest.approx(value, rel=1e-9, abs=1e-9, nan_ok=True)
        assert getattr(stats, name) == approx, name
    expected = np.bincount(gray[mask], minlength=256)
    np.testing.assert_array_equal(stats.histogram, expected)


@given(PICTURES)
def test_where_the_pixels_lie_does_not_matter(gray):
    everywhere = np.ones(gray.shape, bool)
    stats = mus.measure_intensity(gray, everywhere)
    flipped = mus.measure_intensity(np.ascontiguousarray(gray[::-1]), everywhere)
    view = mus.measure_intensity(gray[:, ::-1], everywhere)
    for name in ("mean", "sd", "skewness", "kurtosis", "median", "mode"):
        values = [getattr(s, name) for s in (stats, flipped, view)]
        assert values == pytest.approx([values[0]] * 3, rel=0, nan_ok=True)


@given(arrays(np.uint8, (6, 7), elements=st.integers(0, 99)), st.integers(0, 156))
def test_a_brighter_image_moves_levels_and_keeps_the_form(gray, brighter):
    mask = np.ones(gray.shape, bool)
    dark, bright = (mus.measure_intensity(g, mask) for g in (gray, gray + brighter))
    for name in ("mean", "median", "mode", "min", "max"):
        moved = getattr(dark, name) + brighter
        assert getattr(bright, name) == pytest.approx(moved, rel=1e-12)
    for name in ("sd", "skewness", "kurtosis"):
        same = pytest.approx(getattr(dark, name), rel=1e-6, abs=1e-9, nan_ok=True)
        assert getattr(bright, name) == same


# Levels, then mean, SD, mode, its count, median, skewness, kurtosis by hand.
BY_HAND = [
    ([2, 4, 4, 4, 5, 5, 7, 9], (5, math.sqrt(32 / 7), 4, 3, 5, 0.65625, -0.21875)),
    ([0, 255], (127.5, 127.5 * math.sqrt(2), 0, 1, 255, 0, -2)),
    ([1, 1, 2, 2], (1.5, math.sqrt(1 / 3), 1, 2, 2, 0, -2)),
    ([0, 0, 0, 100], (25, 50, 0, 3, 0, 2 / math.sqrt(3), 7 / 3 - 3)),
    ([0] * 9 + [10], (1, math.sqrt(10), 0, 9, 0, 720 / 270, 6570 / 810 - 3)),
]


@pytest.mark.parametrize(("levels", "expected"), BY_HAND, ids=lambda v: str(v)[:18])
def test_hand_made_histograms(levels, expected):
    stats = statistics_of(np.bincount(levels, minlength=256))
    found = (stats.mean, stats.sd, stats.mode, stats.mode_count, stats.median)
    found += (stats.skewness, stats.kurtosis)
    assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert stats.n == len(levels)


def test_a_single_pixel_has_no_spread_and_says_why():
    mask = np.zeros((3, 3), bool)
    mask[1, 2] = True
    stats = mus.measure_intensity(np.full((3, 3), 42, np.uint8), mask)
    assert (stats.n, stats.mean, stats.median, stats.mode) == (1, 42.0, 42, 42)
    for name in ("sd", "skewness", "kurtosis"):
        assert math.isnan(getattr(stats, name))
        assert stats.reason(name) == "undefined for a single pixel"
    assert stats.reason("mean") == ""


@pytest.mark.parametrize("level", [0, 1, 100, 255])
def test_a_constant_region_has_sd_zero_and_no_form(level):
    gray = np.full((5, 6), level, np.uint8)
    stats = mus.measure_intensity(gray, np.ones((5, 6), bool))
    assert (stats.n, stats.mean, stats.sd, stats.mode_count) == (30, level, 0, 30)
    for name in ("skewness", "kurtosis"):
        assert math.isnan(getattr(stats, name))
        assert "same gray level" in stats.reason(name)
    assert stats.reason("sd") == ""


def test_black_pixels_count():
    gray = np.array([[0, 0, 0, 100]], np.uint8)
    assert mus.measure_intensity(gray, np.ones((1, 4), bool)).mean == 25


def test_a_large_region_loses_no_digits():
    gray = np.tile(np.array([[254, 255]], np.uint8), (1500, 1500))
    stats = mus.measure_intensity(gray, np.ones(gray.shape, bool))
    n = 4_500_000
    assert (stats.n, stats.mean) == (n, 254.5)
    assert stats.sd == pytest.approx(math.sqrt(0.25 * n / (n - 1)), rel=1e-14)
    assert (stats.skewness, stats.kurtosis) == pytest.approx((0, -2), abs=1e-12)


@pytest.mark.parametrize(
    ("gray", "mask", "words"),
    [
        (np.zeros((2, 2)), np.ones((2, 2), bool), "8-bit gray levels, not float64"),
        (np.zeros((2, 2), np.uint16), np.ones((2, 2), bool), "not uint16"),
        (np.zeros((2, 2), np.uint8), np.ones((2, 3), bool), r"\(2, 2\).*\(2, 3\)"),
        (np.zeros((2, 2, 2), np.uint8), np.ones((2, 2, 2), bool), "depth, lateral"),
        (np.zeros((2, 2), np.uint8), np.zeros((2, 2), bool), "0 pixels"),
    ],
    ids=["float", "uint16", "shapes", "frames", "empty-mask"],
)
def test_what_cannot_be_measured_is_refused(gray, mask, words):
    with pytest.raises(MeasureError, match=words):
        mus.measure_intensity(gray, mask)


def test_a_mask_of_numbers_is_a_mask():
    gray = np.array([[1, 2], [3, 4]], np.uint8)
    stats = mus.measure_intensity(gray, np.array([[0, 2], [0, 5]]))
    assert (stats.n, stats.mean) == (2, 3.0)
