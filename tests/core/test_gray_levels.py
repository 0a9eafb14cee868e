"""Percentiles, bands, heterogeneity: by hand, by naive counting, against IBSI."""

from __future__ import annotations

import json
import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st

import napari_muscle_us as mus
from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.gray_levels import (
    DEFAULT_BANDS,
    band_from_text,
    band_shares,
    cumulative,
    echovariation,
    echovariation_reason,
    entropy_bits,
    luminosity_ratio,
    luminosity_ratio_reason,
    mean_above_black,
    mean_above_black_reason,
    percentile,
)
from napari_muscle_us.measure.intensity import statistics_of

LEVELS = st.lists(
    st.one_of(st.integers(0, 255), st.sampled_from([0, 7, 50, 51, 255])),
    min_size=1,
    max_size=40,
)


def counts(levels):
    return np.bincount(levels, minlength=256)


@pytest.fixture(scope="module")
def ibsi(shared):
    """Return the gray levels of the IBSI digital phantom inside its mask."""
    path = shared("oracles/ibsi1_digital_phantom_volume.json")
    phantom = json.loads(path.read_text())
    mask = np.array(phantom["mask_zyx"], bool)
    return np.array(phantom["image_zyx"])[mask]


# Percentiles


@given(LEVELS, st.sampled_from([0, 1, 2.5, 10, 12.5, 25, 33.3, 50, 75, 90, 97.5, 99.9]))
def test_percentile_is_the_level_up_to_which_more_than_q_percent_lie(levels, q):
    ordered = sorted(levels)
    share = Fraction(str(q)) / 100 * len(levels)
    expected = next(
        level for level in ordered if sum(v <= level for v in ordered) > share
    )
    assert percentile(counts(levels), q) == expected


@given(LEVELS, st.sampled_from([12.5, 25, 37.5, 50, 62.5, 75, 87.5]))
def test_percentile_is_numpys_inverted_cdf_from_the_other_end(levels, q):
    # Seen from white, "more than q %" is "at least 100 − q %", as NumPy counts.
    from_white = 255 - np.array(levels)
    expected = 255 - np.percentile(from_white, 100 - q, method="inverted_cdf")
    assert percentile(counts(levels), q) == expected


@given(LEVELS)
def test_the_50th_percentile_is_imagejs_median(levels):
    stats = statistics_of(counts(levels))
    assert percentile(stats.histogram, 50) == stats.median
    assert percentile(stats.histogram, 0) == stats.min
    assert percentile(stats.histogram, 100) == stats.max


@given(LEVELS, st.floats(0, 100), st.floats(0, 100))
def test_a_higher_percentile_is_no_darker(levels, one, other):
    low, high = sorted((one, other))
    histogram = counts(levels)
    assert percentile(histogram, low) <= percentile(histogram, high)


def test_percentiles_by_hand():
    ten = counts(range(10, 110, 10))
    found = [percentile(ten, q) for q in (0, 5, 10, 49.9, 50, 90, 99, 100)]
    assert found == [10, 10, 20, 50, 60, 100, 100, 100]


def test_percentiles_of_the_ibsi_phantom(ibsi):
    histogram = counts(ibsi)
    assert (percentile(histogram, 10), percentile(histogram, 90)) == (1, 4)


@pytest.mark.parametrize(
    "q", [-0.1, 100.1, math.nan, math.inf, "x", None, True, 10**400]
)
def test_what_is_no_percentage_is_refused(q, one_sentence):
    with pytest.raises(MeasureError, match="is not possible; give 0 to 100") as error:
        percentile(counts([1]), q)
    assert one_sentence(str(error.value)) or q == 10**400


# Cumulative curve and bands


@given(LEVELS)
def test_cumulative_shares_are_the_naive_ones(levels):
    curve = cumulative(counts(levels))
    values = np.array(levels)
    naive = [100 * np.mean(values <= level) for level in range(256)]
    np.testing.assert_allclose(curve, naive, rtol=1e-12)
    assert curve[-1] == 100
    assert (np.diff(curve) >= 0).all()


@given(LEVELS)
def test_default_bands_share_out_all_pixels(levels):
    values = np.array(levels)
    shares = band_shares(counts(levels))
    naive = [100 * np.mean((values >= a) & (values <= b)) for a, b in DEFAULT_BANDS]
    np.testing.assert_allclose(shares, naive, rtol=1e-12)
    assert sum(shares) == pytest.approx(100, rel=1e-12)


@given(LEVELS, st.sets(st.integers(0, 254), max_size=6))
def test_any_partition_sums_to_100_and_follows_the_curve(levels, cuts):
    edges = [-1, *sorted(cuts), 255]
    bands = [(a + 1, b) for a, b in pairwise(edges)]
    histogram = counts(levels)
    shares = band_shares(histogram, bands)
    assert sum(shares) == pytest.approx(100, rel=1e-12)
    curve = np.concatenate([[0], cumulative(histogram)[edges[1:]]])
    np.testing.assert_allclose(shares, np.diff(curve), atol=1e-11)


def test_both_ends_of_a_band_belong_to_it():
    histogram = counts([49, 50, 51, 100])
    assert band_shares(histogram, [(50, 51)]) == (50.0,)
    assert band_shares(histogram, [(100, 100)]) == (25.0,)
    assert band_shares(histogram, []) == ()


def test_overlapping_bands_are_given_where_they_are_asked_for():
    histogram = counts([10, 20, 30, 40])
    bands = [(15, 35), (0, 25)]
    with pytest.raises(MeasureError, match="bands 0–25 and 15–35 overlap"):
        band_shares(histogram, bands)
    assert band_shares(histogram, bands, allow_overlap=True) == (50.0, 50.0)


@pytest.mark.parametrize(
    ("bands", "words"),
    [
        ([(50, 0)], "band 50–0 is not possible"),
        ([(-1, 5)], "band -1–5 is not possible"),
        ([(0, 256)], "band 0–256 is not possible"),
        ([(0.0, 50.0)], r"band 0\.0–50\.0 is not possible"),
        ([(False, True)], "is not possible"),
        ([("0", "9")], "is not possible"),
        ([(0, 50), (50, 100)], "bands 0–50 and 50–100 overlap"),
        ([(0, 200), (60, 70), (10, 20)], "overlap"),
        ([(0, 50), (0, 50)], "band 0–50 is there twice"),
        ([(0, 50, 60)], "not pairs"),
        ([5], "not pairs"),
        (5, "not pairs"),
    ],
    ids=str,
)
def test_what_is_no_band_is_refused(bands, words, one_sentence):
    with pytest.raises(MeasureError, match=words) as error:
        band_shares(counts([1]), bands)
    assert one_sentence(str(error.value))


def test_a_band_twice_is_refused_even_where_bands_may_overlap():
    with pytest.raises(MeasureError, match="twice"):
        band_shares(counts([1]), [(3, 9), (3, 9)], allow_overlap=True)


@pytest.mark.parametrize(
    ("text", "band"),
    [("0-50", (0, 50)), (" 51 – 100 ", (51, 100)), ("255-255", (255, 255))],
)
def test_a_band_from_text(text, band):
    assert band_from_text(text) == band


@pytest.mark.parametrize(
    "text", ["", "50", "50-0", "-5-9", "0-256", "a-b", "1-2-3", "٣-٤"]
)
def test_a_text_that_is_no_band_is_refused(text):
    with pytest.raises(MeasureError, match="band"):
        band_from_text(text)


# Heterogeneity


def test_echovariation_by_hand(formula_image):
    assert echovariation(statistics_of(counts([2, 4, 6]))) == pytest.approx(50)
    assert echovariation(statistics_of(counts([7, 7, 7]))) == 0
    whole = mus.measure_intensity(formula_image, np.ones(formula_image.shape, bool))
    # SD and mean as ImageJ 1.53t gives them.
    expected = 100 * 73.81018317246986 / 127.36146666666667
    assert echovariation(whole) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("levels", "reason"),
    [
        ([0, 0], "undefined where all pixels are black"),
        ([9], "undefined for a single pixel"),
        ([0], "undefined for a single pixel"),
    ],
)
def test_echovariation_that_is_none_has_its_reason(levels, reason):
    stats = statistics_of(counts(levels))
    assert math.isnan(echovariation(stats))
    assert echovariation_reason(stats) == reason


@given(LEVELS)
def test_echovariation_is_missing_exactly_where_there_is_a_reason(levels):
    stats = statistics_of(counts(levels))
    assert math.isnan(echovariation(stats)) == bool(echovariation_reason(stats))


@given(st.lists(st.integers(0, 60), min_size=2, max_size=30), st.integers(2, 4))
def test_echovariation_does_not_see_a_factor(levels, factor):
    dark, bright = (statistics_of(counts(np.array(levels) * f)) for f in (1, factor))
    same = pytest.approx(echovariation(dark), rel=1e-12, nan_ok=True)
    assert echovariation(bright) == same


@given(LEVELS)
def test_entropy_is_scipys(levels):
    histogram = counts(levels)
    assert entropy_bits(histogram) == pytest.approx(
        scipy.stats.entropy(histogram, base=2), abs=1e-12
    )


def test_entropy_by_hand():
    assert entropy_bits(counts([3, 3, 3])) == 0
    assert math.copysign(1, entropy_bits(counts([3]))) == 1
    assert entropy_bits(counts([0, 255])) == 1
    assert entropy_bits(counts([1, 1, 2, 3])) == 1.5
    assert entropy_bits(counts(range(256))) == 8


def test_entropy_of_the_ibsi_phantom(ibsi):
    # IBSI TLU2, stated with three digits.
    assert entropy_bits(counts(ibsi)) == pytest.approx(1.27, abs=0.005)


@given(LEVELS, st.randoms())
def test_entropy_does_not_see_which_levels_they_are(levels, random):
    names = list(range(256))
    random.shuffle(names)
    renamed = counts([names[level] for level in levels])
    assert entropy_bits(renamed) == pytest.approx(entropy_bits(counts(levels)))


# The mean without black pixels


@given(LEVELS)
def test_the_mean_above_black_is_numpys_of_the_pixels_above_0(levels):
    values, histogram = np.array(levels), counts(levels)
    if values.any():
        # Whole numbers, summed and divided once, so equal to the last bit.
        assert mean_above_black(histogram) == np.mean(values[values > 0])
        assert mean_above_black(histogram) >= statistics_of(histogram).mean
        assert mean_above_black_reason(histogram) == ""
    else:
        assert math.isnan(mean_above_black(histogram))
        assert mean_above_black_reason(histogram) == BLACK


BLACK = "undefined where all pixels are black"


@pytest.mark.parametrize(
    ("levels", "mean"),
    [
        ([0, 0, 40, 60], 50.0),
        ([0, 1], 1.0),
        ([255], 255.0),
        ([0, 0, 10, 11], 10.5),
        ([10, 11], 10.5),
        ([0], None),
        ([0, 0, 0], None),
    ],
    ids=["half", "one", "white", "quarter", "none-black", "a-pixel", "all-black"],
)
def test_the_mean_above_black_by_hand(levels, mean):
    histogram = counts(levels)
    found = mean_above_black(histogram)
    assert math.isnan(found) if mean is None else found == mean
    assert mean_above_black_reason(histogram) == (BLACK if mean is None else "")


@given(LEVELS, st.integers(0, 30))
def test_black_pixels_do_not_change_the_mean_above_black(levels, black):
    one, other = counts(levels), counts([*levels, *[0] * black])
    assert repr(mean_above_black(one)) == repr(mean_above_black(other))


def test_luminosity_ratio_by_hand():
    muscle, fat, black = (statistics_of(counts(v)) for v in ([30, 60], [100, 80], [0]))
    assert luminosity_ratio(muscle, fat) == 0.5
    assert luminosity_ratio_reason(fat) == ""
    assert math.isnan(luminosity_ratio(muscle, black))
    assert luminosity_ratio_reason(black) == "undefined where the fat region is black"
    assert luminosity_ratio(black, fat) == 0


# What is no histogram

FUNCTIONS = [
    lambda h: percentile(h, 50),
    *(cumulative, band_shares, entropy_bits),
    *(mean_above_black, mean_above_black_reason),
]


@pytest.mark.parametrize(
    "histogram",
    [np.ones(255, int), np.ones(256), np.full(256, -1), np.ones((16, 16), int), [1.5]],
    ids=["short", "float", "negative", "shape", "list"],
)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_is_no_histogram_is_refused(function, histogram):
    with pytest.raises(MeasureError, match="histogram needs 256 counts"):
        function(histogram)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_an_empty_region_is_refused(function):
    with pytest.raises(MeasureError, match="0 pixels"):
        function(np.zeros(256, int))


def test_a_histogram_is_not_changed_and_counts_do_not_overflow():
    histogram = np.zeros(256, np.uint32)
    histogram[[10, 200]] = 4_000_000_000, 3_000_000_000
    before = histogram.copy()
    assert percentile(histogram, 60) == 200
    assert band_shares(histogram, [(0, 50)])[0] == pytest.approx(400 / 7)
    assert cumulative(histogram)[10] == pytest.approx(400 / 7)
    assert mean_above_black(histogram) == pytest.approx((40 + 600) / 7)
    np.testing.assert_array_equal(histogram, before)
