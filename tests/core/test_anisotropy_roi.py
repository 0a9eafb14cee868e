"""Anisotropy of a region: mean tensor, circular statistics, histogram, reasons."""

from __future__ import annotations

import json
import math
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import napari_muscle_us as mus
from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.anisotropy.gradients import GRADIENTS
from napari_muscle_us.measure.anisotropy.local import local_anisotropy
from napari_muscle_us.measure.anisotropy.orientation import compute_orientation_map
from napari_muscle_us.measure.anisotropy.roi import (
    LOW_COHERENCY,
    MIN_GRADIENTS,
    measure_anisotropy,
)

ROWS, COLUMNS = np.mgrid[:120, :140].astype(float)
KEYS = (
    *("direction_deg", "coherency", "energy"),
    *("circular_mean_deg", "circular_sd_deg"),
)


def wave(angle, period=12.0, amplitude=100.0, rows=ROWS, columns=COLUMNS):
    t = math.radians(angle)
    phase = columns * math.sin(t) + rows * math.cos(t)
    return 127.5 + amplitude * np.sin(2 * math.pi * phase / period)


def apart(angle, truth):
    return abs((angle - truth + 90) % 180 - 90)


def everywhere(image):
    return np.ones(image.shape, bool)


@pytest.fixture(scope="module")
def muscle(shared):
    path = sorted(shared("data/longitudinal_vl").glob("*.png"))[0]
    return np.asarray(Image.open(path).convert("L"))[100:260, 80:330].copy()


@pytest.fixture(scope="module")
def region(muscle):
    shape = mus.Polygon([(5, 30), (0, 200), (90, 249), (150, 190), (120, 20)])
    return mus.roi_mask(shape, muscle.shape)


def test_mean_tensor_of_muscle_by_plain_sums(muscle, region):
    image = muscle.astype(float)
    y, x = np.gradient(image)
    inner = region.copy()
    for step, axis in ((1, 0), (-1, 0), (1, 1), (-1, 1)):
        inner &= np.roll(region, step, axis)
    inner[[0, -1]] = inner[:, [0, -1]] = False
    xx, xy, yy = ((p * q)[inner].mean() for p, q in ((x, x), (x, y), (y, y)))
    found = measure_anisotropy(muscle, region, gradient="finite_difference")
    low, high = np.linalg.eigvalsh([[xx, xy], [xy, yy]])
    assert found.n_gradients == inner.sum()
    assert found.n == region.sum()
    assert found.coherency == pytest.approx((high - low) / (high + low), rel=1e-6)
    assert found.energy == pytest.approx(xx + yy, rel=1e-6)
    angle = math.degrees(math.atan2(2 * xy, yy - xx)) / 2
    assert found.direction_deg == pytest.approx(angle, abs=1e-4)
    assert 0 < found.direction_deg < 30
    assert all(found.reason(key) == "" for key in KEYS)


def test_circular_numbers_and_histogram_of_muscle(muscle, region):
    found = measure_anisotropy(muscle, region, sigma_px=3, bins=18)
    local = compute_orientation_map(muscle, sigma_px=3, mask=region)
    there = np.isfinite(local.orientation_deg)
    angles = local.orientation_deg[there].astype(float)
    energy = local.energy[there].astype(float)
    mean = np.average(np.cos(np.radians(2 * angles)), weights=energy)
    other = np.average(np.sin(np.radians(2 * angles)), weights=energy)
    expected = math.degrees(math.atan2(other, mean)) / 2
    assert found.circular_mean_deg == pytest.approx(expected, abs=1e-6)
    spread = math.sqrt(-2 * math.log(math.hypot(mean, other))) / 2
    assert found.circular_sd_deg == pytest.approx(math.degrees(spread), abs=1e-6)
    edges = np.linspace(-90, 90, 19)
    shares = np.histogram(angles, edges, weights=energy)[0] / energy.sum()
    np.testing.assert_allclose(found.histogram, shares, atol=1e-9)
    np.testing.assert_array_equal(found.bin_edges_deg, edges)
    assert found.histogram.sum() == pytest.approx(1)
    assert apart(found.circular_mean_deg, found.direction_deg) < 3


def test_directions_around_90_do_not_cancel():
    image = np.where(ROWS < 60, wave(88), wave(-88))
    # Without the seam, which is a line of its own.
    found = measure_anisotropy(image, abs(ROWS - 59.5) > 5)
    assert apart(found.circular_mean_deg, 90) < 0.5
    assert found.circular_sd_deg < 5
    vertical = measure_anisotropy(wave(90), everywhere(ROWS), bins=2)
    assert vertical.direction_deg == 90
    np.testing.assert_allclose(vertical.histogram, [0, 1])


def test_spread_of_two_halves():
    # Half of the energy at +d, half at −d: R = cos 2d.
    image = np.where(COLUMNS < 70, wave(12), wave(-12))
    found = measure_anisotropy(image, abs(COLUMNS - 69.5) > 5, sigma_px=1)
    expected = math.degrees(math.sqrt(-2 * math.log(math.cos(math.radians(24))))) / 2
    assert found.circular_sd_deg == pytest.approx(expected, rel=0.001)
    assert abs(found.circular_mean_deg) < 0.1


@pytest.mark.parametrize("gradient", ["cubic_spline", "gaussian"])
@pytest.mark.parametrize("angle", [-90, -62, -33, -8, 0, 21.5, 45, 70, 89.5])
def test_waves(angle, gradient):
    mask = mus.roi_mask(mus.Ellipse(10, 15, 100, 110), ROWS.shape)
    found = measure_anisotropy(wave(angle), mask, gradient=gradient)
    assert apart(found.direction_deg, angle) < 0.1
    assert -90 < found.direction_deg <= 90
    assert found.coherency > 0.999
    assert apart(found.circular_mean_deg, angle) < 0.1
    assert found.circular_sd_deg < 0.1
    assert found.local.value > 0.999


@pytest.mark.parametrize(("one", "two", "a", "b"), [(0, 90, 80, 40), (20, -45, 60, 45)])
def test_two_crossed_waves(one, two, a, b):
    rows, columns = np.mgrid[:244, :244].astype(float)
    image = wave(one, 12, a, rows, columns) + wave(two, 12, b, rows, columns)
    found = measure_anisotropy(image, everywhere(image))
    both = a**2 * np.exp(2j * math.radians(one)) + b**2 * np.exp(2j * math.radians(two))
    both /= a**2 + b**2
    assert found.coherency == pytest.approx(abs(both), abs=0.005)
    assert apart(found.direction_deg, math.degrees(np.angle(both)) / 2) < 0.3


def test_order_of_noise_falls_with_the_root_of_the_area():
    means = []
    for side in (24, 48, 96):
        rng = np.random.default_rng(side)
        values = []
        for _ in range(120):
            noise = rng.normal(size=(side, side))
            found = measure_anisotropy(noise, everywhere(noise))
            values.append(found.coherency)
            assert not found.tells_direction
            assert "no fibre direction" in found.reason("direction_deg")
            assert math.isfinite(found.direction_deg)
        means.append(np.mean(values))
    np.testing.assert_allclose(np.divide(means[:-1], means[1:]), 2, rtol=0.25)
    assert means[-1] < LOW_COHERENCY / 4


@pytest.mark.parametrize("turns", [1, 2, 3])
@pytest.mark.parametrize("gradient", list(GRADIENTS))
def test_turned_image_turned_direction(muscle, region, turns, gradient):
    plain = measure_anisotropy(muscle, region, gradient=gradient)
    turned = measure_anisotropy(
        np.rot90(muscle, turns), np.rot90(region, turns), gradient=gradient
    )
    assert apart(turned.direction_deg, plain.direction_deg + 90 * turns) < 1e-6
    assert turned.coherency == pytest.approx(plain.coherency, rel=1e-7)
    assert turned.energy == pytest.approx(plain.energy, rel=1e-7)
    assert turned.circular_sd_deg == pytest.approx(plain.circular_sd_deg, rel=1e-5)


@pytest.mark.parametrize(("gain", "offset"), [(0.01, 3), (2, -20), (1e4, 1e6)])
def test_gain_and_offset_change_only_the_energy(muscle, region, gain, offset):
    plain = measure_anisotropy(muscle, region)
    other = measure_anisotropy(gain * muscle.astype(float) + offset, region)
    assert apart(other.direction_deg, plain.direction_deg) < 1e-4
    assert other.coherency == pytest.approx(plain.coherency, rel=1e-5)
    assert other.energy == pytest.approx(gain**2 * plain.energy, rel=1e-5)
    assert other.circular_sd_deg == pytest.approx(plain.circular_sd_deg, rel=1e-4)
    assert other.local.value == pytest.approx(plain.local.value, rel=1e-5)


@pytest.mark.parametrize("angle", [-65, -10, 30, 50])
@pytest.mark.parametrize("spacing", [(0.05, 0.12), (0.2, 0.08)])
def test_angles_are_those_in_the_muscle(angle, spacing):
    image = wave(angle, 2.4, 100.0, ROWS * spacing[0], COLUMNS * spacing[1])
    mask = mus.roi_mask(mus.Ellipse(10, 15, 100, 110), ROWS.shape)
    found = measure_anisotropy(image, mask, spacing_mm=spacing, sigma_mm=0.3)
    assert apart(found.direction_deg, angle) < 0.1
    assert apart(found.circular_mean_deg, angle) < 0.1
    slope = (100 * 2 * math.pi / 2.4) ** 2 / 2
    assert found.energy == pytest.approx(slope, rel=0.03)


def test_pixels_outside_take_no_part(muscle, region):
    plain = measure_anisotropy(muscle, region)
    other = measure_anisotropy(np.where(region, muscle, 255 - muscle), region)
    for key in KEYS:
        assert getattr(plain, key) == getattr(other, key)
    np.testing.assert_array_equal(plain.histogram, other.histogram)
    assert plain.local.value == other.local.value


def test_local_is_that_of_the_function(muscle, region):
    options = {"box_px": 24, "variant": "one_minus_ratio", "gradient": "scharr"}
    found = measure_anisotropy(muscle, region, **options).local
    alone = local_anisotropy(muscle, region, **options)
    np.testing.assert_array_equal(found.anisotropy, alone.anisotropy)
    assert found.n_boxes == alone.n_boxes > 10


def test_constant_region_says_why():
    found = measure_anisotropy(
        np.full((60, 60), 200, np.uint8), np.ones((60, 60), bool)
    )
    assert found.energy == 0
    for key in KEYS:
        if key != "energy":
            assert math.isnan(getattr(found, key))
            assert "same gray level" in found.reason(key)
    assert found.reason("energy") == ""
    assert "same gray level" in found.reason("local")
    assert np.isnan(found.histogram).all()


@pytest.mark.parametrize(
    ("area", "words"),
    [
        pytest.param(
            np.s_[::2, ::2], "smaller than the derivative", id="single pixels"
        ),
        pytest.param(np.s_[8:9, 8:9], "smaller than the derivative", id="one pixel"),
        pytest.param(np.s_[8:12, 5:60], "smaller than the derivative", id="four rows"),
        pytest.param(np.s_[8:16, 8:16], f"fewer than {MIN_GRADIENTS}", id="few"),
    ],
)
def test_small_regions_say_why(area, words):
    mask = np.zeros(ROWS.shape, bool)
    mask[area] = True
    found = measure_anisotropy(wave(10), mask)
    for key in KEYS:
        assert math.isnan(getattr(found, key))
        assert words in found.reason(key)
    assert "no box" in found.reason("local")


def test_two_directions_of_one_strength_cancel():
    # As many pixels along as across: the mean tensor is round.
    square = np.zeros((121, 121))
    square[60, 60] = 100
    found = measure_anisotropy(square, everywhere(square))
    assert found.coherency < 1e-6
    assert found.reason("direction_deg") != ""


def test_little_order_in_a_small_region_is_doubted():
    noise = np.random.default_rng(5).normal(size=(11, 11))
    found = measure_anisotropy(noise, everywhere(noise))
    assert found.n_gradients == 49
    assert "no fibre direction is to be seen" in found.reason("direction_deg")


def test_method_is_plain_and_tells_what_counted():
    image = wave(10).astype(np.uint8)
    found = measure_anisotropy(
        image,
        everywhere(image),
        sigma_mm=0.5,
        box_px=np.int64(24),
        spacing_mm=(np.float64(0.1), 0.1),
    )
    told = json.loads(json.dumps(found.method()))
    assert told["sigma_mm"] == 0.5
    assert "sigma_px" not in told
    assert told["box_px"] == 24
    assert told["method"] == "tensor"
    assert told["gradient"] == "cubic_spline"
    assert "gradient_sigma_px" not in told
    assert told["spacing_mm"] == [0.1, 0.1]
    again = measure_anisotropy(image, everywhere(image), **found.method())
    assert again.direction_deg == found.direction_deg
    assert again.method() == found.method()


def test_fascicle_gives_the_direction_and_its_reason(monkeypatch):
    asked = {}

    def fascicle_direction(gray, mask=None, *, spacing_mm=None):
        asked.update(shape=gray.shape, n=int(mask.sum()), spacing=spacing_mm)
        return SimpleNamespace(direction_deg=17.5, reason="as told")

    module = ModuleType("napari_muscle_us.measure.anisotropy.fascicle")
    module.fascicle_direction = fascicle_direction
    monkeypatch.setitem(sys.modules, module.__name__, module)
    image = wave(10)
    plain = measure_anisotropy(image, everywhere(image))
    found = measure_anisotropy(
        image, everywhere(image), method="fascicle", spacing_mm=(0.1, 0.1)
    )
    assert found.direction_deg == 17.5
    assert found.reason("direction_deg") == "as told"
    assert found.coherency == pytest.approx(plain.coherency)
    assert found.circular_mean_deg == pytest.approx(plain.circular_mean_deg)
    assert asked == {"shape": (120, 140), "n": 16800, "spacing": (0.1, 0.1)}
    assert plain.fascicle is None


def test_fascicle_of_muscle(muscle, region):
    module = pytest.importorskip("napari_muscle_us.measure.anisotropy.fascicle")
    found = measure_anisotropy(muscle, region, method="fascicle")
    alone = module.fascicle_direction(muscle, region)
    assert found.direction_deg == alone.direction_deg
    assert found.reason("direction_deg") == alone.reason
    assert 0 < found.direction_deg < 45
    assert found.method()["method"] == "fascicle"


BAD = {
    "method": {"method": "radon"},
    "bins 1": {"bins": 1},
    "bins 5000": {"bins": 5000},
    "bins 3.5": {"bins": 3.5},
    "bins long": {"bins": 10**5000},
    "sigma in mm without a scale": {"sigma_mm": 1.0},
    "box in mm without a scale": {"box_mm": 1.0},
    "variant": {"variant": "TAI"},
    "spacing": {"spacing_mm": (0.1, -0.1)},
    "empty": {"mask": np.zeros(ROWS.shape, bool)},
    "other shape": {"mask": np.ones((4, 4), bool)},
    "colours": {"gray": np.zeros((*ROWS.shape, 3), np.uint8)},
    "NaN": {"gray": np.full(ROWS.shape, np.nan)},
}


@pytest.mark.parametrize("options", BAD.values(), ids=BAD)
def test_bad_input_is_one_sentence(options, one_sentence):
    given = {"gray": wave(0), "mask": everywhere(ROWS), **options}
    with pytest.raises(MeasureError) as error:
        measure_anisotropy(given.pop("gray"), given.pop("mask"), **given)
    assert one_sentence(str(error.value))
