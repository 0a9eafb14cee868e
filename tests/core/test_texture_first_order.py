"""First-order statistics and the histogram of levels."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import napari_muscle_us as mus
from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.gray_levels import entropy_bits
from napari_muscle_us.measure.texture import first_order, histogram_features, lbp
from napari_muscle_us.measure.texture.discretise import discretise
from napari_muscle_us.measure.texture.first_order import (
    first_order_features,
    first_order_reason,
    statistics_of_counts,
)
from napari_muscle_us.measure.texture.histogram_features import histogram_reason
from tests.core.texture_phantom import assert_consensus, phantom, phantom_levels

histogram = histogram_features.histogram_features

VALUES = st.lists(
    st.one_of(st.integers(0, 255), st.sampled_from([0, 7, 200])),
    min_size=1,
    max_size=40,
)


@pytest.fixture(scope="module")
def muscle(shared):
    """Return a picture of a thigh and an irregular region in its muscle."""
    gray = mus.read_image(shared("data/transverse_vl/SUB02_img1.tif")).gray
    rows, columns = np.indices(gray.shape)
    centre = np.array(gray.shape) // 2
    wobble = 60 + 25 * np.sin(rows / 9.0) + 15 * np.cos(columns / 13.0)
    return gray, np.hypot(rows - centre[0], (columns - centre[1]) / 1.5) < wobble


def region_of(values):
    gray = np.array([values], np.uint8)
    return gray, np.ones(gray.shape, bool)


def naive_statistics(inside):
    """Return the statistics as NumPy and SciPy have them."""
    x = np.asarray(inside, float)
    p10, p25, p50, p75, p90 = np.percentile(x, [10, 25, 50, 75, 90])
    kept = x[(x >= p10) & (x <= p90)]
    alike = np.ptp(x) == 0
    return {
        "mean": x.mean(),
        "variance": x.var(),
        "skewness": math.nan if alike else scipy.stats.skew(x),
        "kurtosis": math.nan if alike else scipy.stats.kurtosis(x),
        "median": p50,
        "minimum": x.min(),
        "percentile_10": p10,
        "percentile_90": p90,
        "maximum": x.max(),
        "interquartile_range": p75 - p25,
        "range": np.ptp(x),
        "mean_absolute_deviation": np.abs(x - x.mean()).mean(),
        "robust_mean_absolute_deviation": np.abs(kept - kept.mean()).mean()
        if kept.size
        else math.nan,
        "median_absolute_deviation": np.abs(x - p50).mean(),
        "coefficient_of_variation": x.std() / x.mean() if x.any() else math.nan,
        "quartile_coefficient_of_dispersion": (p75 - p25) / (p75 + p25)
        if p75 + p25
        else math.nan,
        "energy": (x**2).sum(),
        "root_mean_square": math.sqrt((x**2).mean()),
    }


def assert_close(found, expected, family, rtol=1e-12, atol=1e-13):
    keyed = {f"{family}.{name}": value for name, value in expected.items()}
    assert found.keys() == keyed.keys()
    for key, value in keyed.items():
        np.testing.assert_allclose(
            found[key], value, rtol=rtol, atol=atol, err_msg=key, equal_nan=True
        )


# Gray levels


def test_all_18_statistics_of_the_phantom():
    values = first_order_features(*phantom())
    assert_consensus(values, first_order.FEATURES, "stat")
    assert len(values) == 18


def test_statistics_of_muscle_are_those_of_numpy(muscle):
    gray, mask = muscle
    expected = naive_statistics(gray[mask])
    # NumPy's own sums over 20 000 pixels are good to about 1e-12.
    assert_close(first_order_features(gray, mask), expected, "stat", rtol=1e-11)


@given(VALUES)
def test_statistics_of_any_region_are_those_of_numpy(values):
    kept = naive_statistics(values)
    # At 1 − 1e-16 of a gray level, NumPy's percentile may drop the pixel on it.
    del kept["robust_mean_absolute_deviation"]
    found = first_order_features(*region_of(values))
    robust = found.pop("stat.robust_mean_absolute_deviation")
    assert_close(found, kept, "stat", rtol=1e-10, atol=1e-10)
    inside = [
        v
        for v in values
        if exact_percentile(values, 10) <= v <= exact_percentile(values, 90)
    ]
    expected = np.abs(np.array(inside) - np.mean(inside)).mean() if inside else math.nan
    assert robust == pytest.approx(expected, nan_ok=True, abs=1e-10)


def exact_percentile(values, q):
    ordered = sorted(values)
    place, part = divmod(Fraction((len(ordered) - 1) * q, 100), 1)
    above = ordered[min(int(place) + 1, len(ordered) - 1)]
    return ordered[int(place)] + part * (above - ordered[int(place)])


def test_a_long_clip_loses_no_digit():
    # More pixels than the squares of float64 hold exactly.
    counts = np.array([1, 0, 10**12, 10**12, 1])
    found = statistics_of_counts(np.array([0, 1, 100, 200, 300]), counts)
    assert found["mean"] == 150
    assert found["skewness"] == 0
    n = 2 * 10**12 + 2
    assert found["variance"] == float(Fraction(2 * 10**12 * 50**2 + 2 * 150**2, n))
    fourth = Fraction(2 * 10**12 * 50**4 + 2 * 150**4, n)
    second = Fraction(2 * 10**12 * 50**2 + 2 * 150**2, n)
    assert found["kurtosis"] == float(fourth / second**2 - 3)


@given(VALUES)
def test_a_negative_has_the_mirrored_statistics(values):
    found = first_order_features(*region_of(values))
    negative = first_order_features(*region_of([255 - v for v in values]))
    for name in ("variance", "kurtosis", "interquartile_range", "range"):
        assert negative[f"stat.{name}"] == pytest.approx(
            found[f"stat.{name}"], nan_ok=True, rel=1e-15
        )
    assert negative["stat.skewness"] == pytest.approx(
        -found["stat.skewness"], nan_ok=True, rel=1e-15
    )
    low, high = found["stat.percentile_10"], negative["stat.percentile_90"]
    assert low + high == pytest.approx(255, rel=1e-15)


def test_what_is_outside_the_mask_counts_nowhere(muscle):
    gray, mask = muscle
    expected = first_order_features(gray, mask)
    assert first_order_features(np.where(mask, gray, 255), mask) == expected
    assert first_order_features(np.where(mask, gray, 0), mask) == expected
    padded = first_order_features(np.pad(gray, 5), np.pad(mask, 5))
    assert padded == expected


def test_a_black_pixel_inside_counts():
    found = first_order_features(*region_of([0, 30]))
    assert found["stat.mean"] == 15
    assert found["stat.minimum"] == 0


@pytest.mark.parametrize(
    ("values", "undefined"),
    [
        ([9], {"skewness", "kurtosis"}),
        ([9] * 5, {"skewness", "kurtosis"}),
        (
            [0] * 5,
            {
                "skewness",
                "kurtosis",
                "coefficient_of_variation",
                "quartile_coefficient_of_dispersion",
            },
        ),
        ([0] * 9 + [50], {"quartile_coefficient_of_dispersion"}),
        ([3, 8], {"robust_mean_absolute_deviation"}),
        ([3, 8, 9], set()),
    ],
    ids=["one-pixel", "constant", "black", "nearly-black", "two-pixels", "three"],
)
def test_what_is_undefined_is_nan_with_its_reason(values, undefined):
    found = first_order_features(*region_of(values))
    missing = {key[5:] for key, value in found.items() if math.isnan(value)}
    assert missing == undefined
    reasons = {key[5:] for key in found if first_order_reason(key, found)}
    assert reasons == undefined


# Levels


def test_all_23_histogram_features_of_the_phantom():
    values = histogram(*phantom_levels())
    assert_consensus(values, histogram_features.FEATURES, "hist")
    assert len(values) == 23


def naive_histogram(levels, n_levels):
    counts = [levels.count(level) for level in range(1, n_levels + 1)]
    p = [c / len(levels) for c in counts]
    mean = Fraction(sum(levels), len(levels))
    modes = [i for i, c in enumerate(counts, 1) if c == max(counts)]
    gradient = np.gradient(np.array(counts, float)).tolist()
    own = {
        "mode": min(modes, key=lambda i: (abs(i - mean), i)),
        "entropy": -sum(q * math.log2(q) for q in p if q),
        "uniformity": sum(q * q for q in p),
        "maximum_gradient": max(gradient),
        "maximum_gradient_level": gradient.index(max(gradient)) + 1,
        "minimum_gradient": min(gradient),
        "minimum_gradient_level": gradient.index(min(gradient)) + 1,
    }
    shared = naive_statistics(levels)
    del shared["energy"], shared["root_mean_square"]
    return shared | own


@pytest.mark.parametrize(
    "options",
    [{}, {"bin_size": 1}, {"bin_number": 64}],
    ids=["size-8", "all-256", "number-64"],
)
def test_histogram_of_muscle_is_a_naive_count(muscle, options):
    found = discretise(*muscle, **options)
    inside = found.levels[found.levels > 0].tolist()
    expected = naive_histogram(inside, found.n_levels)
    values = histogram(found.levels, found.n_levels)
    assert_close(values, expected, "hist", rtol=1e-11)


def test_entropy_of_all_levels_is_that_of_the_gray_histogram(muscle):
    gray, mask = muscle
    found = discretise(gray, mask, bin_size=1)
    bits = entropy_bits(np.bincount(gray[mask], minlength=256))
    values = histogram(found.levels, found.n_levels)
    assert values["hist.entropy"] == pytest.approx(bits, rel=1e-13)


@pytest.mark.parametrize(
    ("levels", "mode"),
    [
        ([1, 1, 5, 5, 6], 5),
        ([1, 1, 5, 5], 1),
        ([1, 1, 8, 9, 9], 9),
        ([4], 4),
    ],
    ids=["nearest-to-the-mean", "lower-of-two-as-near", "above", "one-pixel"],
)
def test_mode_where_there_are_several(levels, mode):
    array = np.array([[levels]], np.uint16)
    assert histogram(array, max(levels))["hist.mode"] == mode


@given(VALUES, st.integers(1, 2), st.integers(0, 3), st.integers(2, 32))
def test_gain_and_offset_under_a_fixed_bin_number(values, gain, offset, number):
    low = [v // 3 for v in values]
    first = discretise(*region_of(low), bin_number=number)
    other = region_of([gain * v + offset for v in low])
    second = discretise(*other, bin_number=number)
    np.testing.assert_equal(
        histogram(second.levels, second.n_levels),
        histogram(first.levels, first.n_levels),
    )


@given(hnp.arrays(np.uint16, (2, 4, 5), elements=st.integers(0, 6)))
def test_a_histogram_knows_no_places(levels):
    n_levels = int(levels.max())
    if n_levels == 0:
        with pytest.raises(MeasureError, match="covers 0 pixels"):
            histogram(levels, n_levels)
        return
    expected = histogram(levels, n_levels)
    for other in (
        np.rot90(levels, axes=(1, 2)),
        levels[:, :, ::-1],
        levels[::-1],
        np.pad(levels, 3),
    ):
        np.testing.assert_equal(histogram(other, n_levels), expected)


@pytest.mark.parametrize(
    ("levels", "undefined"),
    [
        (
            [1, 1],
            {
                "skewness",
                "kurtosis",
                "maximum_gradient",
                "maximum_gradient_level",
                "minimum_gradient",
                "minimum_gradient_level",
            },
        ),
        ([4], {"skewness", "kurtosis"}),
    ],
    ids=["lowest-level", "one-pixel"],
)
def test_what_a_histogram_leaves_undefined(levels, undefined):
    found = histogram(np.array([[levels]], np.uint16), max(levels))
    missing = {key[5:] for key, value in found.items() if math.isnan(value)}
    reasons = {key[5:] for key in found if histogram_reason(key, found)}
    assert missing == reasons == undefined
    assert found["hist.entropy"] == 0
    assert math.copysign(1, found["hist.entropy"]) == 1
    assert found["hist.uniformity"] == 1


def test_levels_above_their_number_are_refused(one_sentence):
    with pytest.raises(MeasureError, match="levels up to 5") as caught:
        histogram(np.array([[[5]]], np.uint16), 4)
    assert one_sentence(str(caught.value))


# What a person reads


@pytest.mark.parametrize(
    "features",
    [first_order.FEATURES, histogram_features.FEATURES, lbp.FEATURES],
    ids=["stat", "hist", "lbp"],
)
def test_every_feature_is_described(features, one_sentence):
    assert len({feature.key for feature in features}) == len(features)
    assert len({feature.family for feature in features}) == 1
    for feature in features:
        assert feature.label
        assert feature.unit
        assert feature.formula.count("{") == feature.formula.count("}")
        assert one_sentence(feature.meaning)
