"""The standard error tells how much means of new speckle really vary."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter

import napari_muscle_us as mus
from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.standard_error import (
    MIN_EFFECTIVE,
    relative_gain,
    standard_error_of_mean,
)
from napari_muscle_us.simulate import compress_log, compute_envelope

ELLIPSE = (np.mgrid[-40:40, -60:60] ** 2 / np.array([1600, 3600])[:, None, None]).sum(
    axis=0
) < 1
BOX = np.ones((60, 90), bool)
LARGE = np.ones((100, 110), bool)


def smooth_noise(rng, shape, sd_px):
    """Return Gaussian speckle of known correlation, mean 100, SD 25."""
    noise = rng.normal(size=(shape[0] + 60, shape[1] + 60))
    smooth = gaussian_filter(noise, sd_px, truncate=5)[30:-30, 30:-30]
    unit = smooth * 2 * np.sqrt(np.pi * sd_px[0] * sd_px[1])
    return np.clip(100 + 25 * unit, 0, 255).astype(np.uint8)


def speckle(rng, shape):
    """Return fully developed, log-compressed speckle of the sample's scanner."""
    size = (shape[0] + 40, shape[1] + 40)
    phasors = rng.standard_normal((2, *size)) * 40
    gray = compress_log(compute_envelope(phasors[0] + 1j * phasors[1]))
    return gray[20:-20, 20:-20]


def fibres(rng, shape):
    """Return speckle that is long and oblique, so that it lies on no axis."""
    gray = smooth_noise(rng, (shape[0] + shape[1], shape[1]), (1.0, 5.0))
    rows = np.arange(shape[0])[:, None] + np.arange(shape[1]) // 2
    return gray[rows, np.arange(shape[1])]


@pytest.mark.parametrize(
    ("mask", "sd_px"),
    [(BOX, (1.2, 2.5)), (ELLIPSE, (1.2, 2.5)), (LARGE, (2.0, 3.0)), (LARGE, (3, 1))],
    ids=["box", "ellipse", "coarse", "upright"],
)
def test_standard_error_is_the_known_one_of_filtered_noise(mask, sd_px):
    rng = np.random.default_rng(7)
    # The mean of filtered noise is a sum of noise under the filtered mask.
    weight = gaussian_filter(np.pad(mask.astype(float), 30), sd_px, truncate=5)
    unit = 25 * 2 * np.sqrt(np.pi * sd_px[0] * sd_px[1])
    true = unit * np.sqrt((weight**2).sum()) / mask.sum()
    grays = [smooth_noise(rng, mask.shape, sd_px) for _ in range(60)]
    told = [standard_error_of_mean(gray, mask).value for gray in grays]
    assert np.isfinite(told).all()
    assert np.sqrt(np.mean(np.square(told))) == pytest.approx(true, rel=0.12)


@pytest.mark.parametrize("draw", [speckle, fibres])
def test_standard_error_is_the_spread_of_means_over_new_speckle(draw):
    rng = np.random.default_rng(7)
    grays = [draw(rng, ELLIPSE.shape) for _ in range(120)]
    true = np.std([gray[ELLIPSE].mean() for gray in grays], ddof=1)
    told = [standard_error_of_mean(gray, ELLIPSE).value for gray in grays]
    # The SD of 120 means is itself known to 6 % only.
    assert np.sqrt(np.nanmean(np.square(told))) == pytest.approx(true, rel=0.18)
    assert np.isnan(told).mean() < 0.02


def test_a_mean_of_independent_pixels_has_the_textbook_error():
    gray = np.random.default_rng(2).integers(50, 150, (120, 150)).astype(np.uint8)
    error = standard_error_of_mean(gray, np.ones(gray.shape, bool))
    assert error.value == pytest.approx(gray.std() / np.sqrt(gray.size), rel=0.1)
    assert error.correlation_area_px == pytest.approx(1, abs=0.2)
    assert error.reason == ""


@pytest.mark.parametrize("size", [2, 4])
def test_equal_blocks_count_as_one_pixel_each(size):
    noise = np.random.default_rng(3).integers(50, 150, (50, 60)).astype(np.uint8)
    gray = noise.repeat(size, axis=0).repeat(size, axis=1)
    error = standard_error_of_mean(gray, np.ones(gray.shape, bool))
    assert error.n_effective == pytest.approx(noise.size, rel=0.15)
    assert error.value == pytest.approx(noise.std() / np.sqrt(noise.size), rel=0.1)


def test_a_slope_of_gray_levels_does_not_count_as_correlation():
    flat = smooth_noise(np.random.default_rng(4), (100, 120), (1.2, 2.5)) // 2
    slope = np.linspace(0, 100, 100)[:, None] + np.linspace(0, 20, 120)
    sloped = (flat + slope).astype(np.uint8)
    mask = np.ones(flat.shape, bool)
    plain = standard_error_of_mean(flat, mask).value
    assert standard_error_of_mean(sloped, mask).value == pytest.approx(plain, rel=0.05)


@given(seed=st.integers(0, 1000), top=st.integers(0, 9), left=st.integers(0, 9))
@settings(max_examples=15, deadline=None)
def test_what_lies_outside_the_region_changes_nothing(seed, top, left):
    rng = np.random.default_rng(seed)
    gray = smooth_noise(rng, (50, 60), (1.0, 1.5))
    mask = rng.random(gray.shape) < 0.9
    screen = rng.integers(0, 256, (70, 80)).astype(np.uint8)
    inside = np.zeros(screen.shape, bool)
    screen[top : top + 50, left : left + 60][mask] = gray[mask]
    inside[top : top + 50, left : left + 60] = mask
    alone = standard_error_of_mean(gray, mask)
    within = standard_error_of_mean(screen, inside)
    assert within.n == alone.n == mask.sum()
    assert within.value == pytest.approx(alone.value, rel=1e-9)


def test_correlation_area_is_pixels_over_effective_pixels():
    gray = smooth_noise(np.random.default_rng(5), BOX.shape, (1.2, 2.5))
    error = standard_error_of_mean(gray, BOX)
    assert error.correlation_area_px == pytest.approx(error.n / error.n_effective)
    # Gaussian smoothing of SD a × b correlates over 4πab pixels.
    assert error.correlation_area_px == pytest.approx(4 * np.pi * 3, rel=0.3)
    assert error.method()["max_lag_px"] == 40


@pytest.mark.parametrize(
    ("gray", "said"),
    [
        (np.full((30, 40), 7, np.uint8), "same gray level"),
        (np.tile(np.arange(40, dtype=np.uint8), (30, 1)), "too few"),
        (np.array([[3, 9]], np.uint8), "too few"),
        (np.array([[3]], np.uint8), "same gray level"),
    ],
    ids=["constant", "plane", "two pixels", "one pixel"],
)
def test_where_it_cannot_be_told_it_is_nan_with_a_reason(gray, said):
    error = standard_error_of_mean(gray, np.ones(gray.shape, bool))
    assert math.isnan(error.value)
    assert math.isnan(error.n_effective)
    assert said in error.reason


def test_no_number_rests_on_fewer_independent_pixels_than_promised():
    rng = np.random.default_rng(6)
    mask = np.ones((25, 25), bool)
    errors = [
        standard_error_of_mean(smooth_noise(rng, mask.shape, (2, 4)), mask)
        for _ in range(40)
    ]
    assert sum(math.isnan(error.value) for error in errors) > 20
    told = [e.n_effective for e in errors if not math.isnan(e.value)]
    assert all(number >= MIN_EFFECTIVE for number in told)


def test_a_lag_that_cuts_the_sum_short_is_said():
    gray = smooth_noise(np.random.default_rng(8), (150, 150), (3, 3))
    error = standard_error_of_mean(gray, np.ones(gray.shape, bool), max_lag=2)
    assert "lower limit" in error.reason
    whole = standard_error_of_mean(gray, np.ones(gray.shape, bool))
    assert whole.value > error.value
    assert whole.reason == ""


def test_more_of_the_same_muscle_gives_what_was_foretold(shared):
    image = mus.read_image(shared("data/longitudinal_vl/S2_L20_step_125.png"))
    gray = image.pixels[100:280, 20:500]
    half = standard_error_of_mean(gray[:, :240], np.ones((180, 240), bool))
    whole = standard_error_of_mean(gray, np.ones(gray.shape, bool))
    foretold = relative_gain(half.value, half.n, 2.0)
    assert whole.value == pytest.approx(foretold, rel=0.35)
    assert 1 < whole.value < 10
    assert 20 < whole.correlation_area_px < 2000


def test_twice_the_area_divides_the_error_by_root_two():
    assert relative_gain(3.0, 500) == pytest.approx(3 / math.sqrt(2))
    assert math.isnan(relative_gain(math.nan, 500))


@pytest.mark.parametrize("factor", [0, -1, math.nan, math.inf, 0.001])
def test_a_factor_that_is_none_is_refused(factor, one_sentence):
    with pytest.raises(MeasureError) as caught:
        relative_gain(1.0, 100, factor)
    assert one_sentence(str(caught.value))


@pytest.mark.parametrize(
    ("gray", "mask", "lag"),
    [
        (np.zeros((4, 4)), np.ones((4, 4), bool), 5),
        (np.zeros((4, 4), np.uint8), np.ones((4, 5), bool), 5),
        (np.zeros((4, 4), np.uint8), np.zeros((4, 4), bool), 5),
        (np.zeros((4, 4), np.uint8), np.ones((4, 4), bool), 0),
    ],
    ids=["float", "shape", "empty", "lag"],
)
def test_bad_input_is_refused_in_a_sentence(gray, mask, lag, one_sentence):
    with pytest.raises(MeasureError) as caught:
        standard_error_of_mean(gray, mask, max_lag=lag)
    assert one_sentence(str(caught.value))
