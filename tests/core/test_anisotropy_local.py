"""Local texture anisotropy: boxes by hand, eigenvalues, noise and waves."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image

import napari_muscle_us as mus
from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.anisotropy.local import (
    VARIANTS,
    box_size_px,
    local_anisotropy,
)

ROWS, COLUMNS = np.mgrid[:160, :160].astype(float)


def wave(angle, period=12.0, rows=ROWS, columns=COLUMNS):
    t = math.radians(angle)
    phase = columns * math.sin(t) + rows * math.cos(t)
    return 127.5 + 100 * np.sin(2 * math.pi * phase / period)


def everywhere(image):
    return np.ones(image.shape, bool)


@pytest.fixture(scope="module")
def muscle(shared):
    path = sorted(shared("data/longitudinal_vl").glob("*.png"))[0]
    return np.asarray(Image.open(path).convert("L"))[100:260, 80:240].copy()


@pytest.fixture(scope="module")
def region(muscle):
    shape = mus.Ellipse(10, 2, 140, 156)
    return mus.roi_mask(shape, muscle.shape)


def naive_boxes(image, mask, box, origin, counts):
    """Return the eigenvalues of each box by central differences, pixel by pixel."""
    found = {}
    for down in range(counts[0]):
        for across in range(counts[1]):
            tensor, n, inside = np.zeros((2, 2)), 0, 0
            for r in range(origin[0] + down * box, origin[0] + (down + 1) * box):
                for c in range(
                    origin[1] + across * box, origin[1] + (across + 1) * box
                ):
                    if not (0 <= r < mask.shape[0] and 0 <= c < mask.shape[1]):
                        continue
                    inside += mask[r, c]
                    if not (0 < r < mask.shape[0] - 1 and 0 < c < mask.shape[1] - 1):
                        continue
                    cross = (
                        mask[r, c - 1 : c + 2].all() and mask[r - 1 : r + 2, c].all()
                    )
                    if cross:
                        x = (image[r, c + 1] - image[r, c - 1]) / 2
                        y = (image[r + 1, c] - image[r - 1, c]) / 2
                        tensor += np.outer((x, y), (x, y))
                        n += 1
            if inside >= 0.75 * box * box and n >= 0.5 * box * box:
                low, high = np.linalg.eigvalsh(tensor)
                corner = origin[0] + down * box, origin[1] + across * box
                found[corner] = high, low, (high + low) / n
    return found


FORMULAS = {
    "coherency": lambda a, b: (a - b) / (a + b),
    "one_minus_ratio": lambda a, b: 1 - b / a,
    "fractional_anisotropy": lambda a, b: (a - b) / math.hypot(a, b),
}


@pytest.mark.parametrize("variant", list(VARIANTS))
def test_boxes_by_naive_sums(muscle, region, variant):
    rows, columns = (np.flatnonzero(region.any(axis=axis)) for axis in (1, 0))
    extent = len(rows), len(columns)
    box = 21
    counts = tuple(math.floor(side / box + 0.5) for side in extent)
    origin = [
        first + (side - count * box) // 2
        for first, side, count in zip(
            (rows[0], columns[0]), extent, counts, strict=True
        )
    ]
    boxes = naive_boxes(muscle.astype(float), region, box, origin, counts)
    energies = [energy for _, _, energy in boxes.values()]
    limit = 0.7 * np.mean(energies)
    kept = {k: v for k, v in boxes.items() if v[2] > limit}
    found = local_anisotropy(
        muscle,
        region,
        box_px=box,
        variant=variant,
        gradient="finite_difference",
        min_energy_share=0.7,
    )
    assert [tuple(corner) for corner in found.corners.tolist()] == list(kept)
    expected = [FORMULAS[variant](high, low) for high, low, _ in kept.values()]
    np.testing.assert_allclose(found.anisotropy, expected, rtol=1e-6)
    np.testing.assert_allclose(found.energy, [v[2] for v in kept.values()], rtol=1e-6)
    assert found.value == pytest.approx(np.mean(expected), rel=1e-6)
    assert found.sd == pytest.approx(np.std(expected, ddof=1), rel=1e-6)
    assert found.n_boxes == len(kept) > 15
    assert found.n_weak == len(boxes) - len(kept) > 0
    assert found.n_outside > 0


@pytest.mark.parametrize("angle", [-77, -20, 0, 45, 63])
@pytest.mark.parametrize("variant", list(VARIANTS))
def test_a_wave_has_1(angle, variant):
    found = local_anisotropy(wave(angle), everywhere(ROWS), variant=variant)
    assert found.n_boxes == 25
    assert found.value > 0.999
    assert np.abs(found.direction_deg - angle).max() < 0.1


def test_order_of_noise_falls_with_the_side_of_the_box():
    noise = np.random.default_rng(2).normal(size=(640, 640))
    found = [
        local_anisotropy(noise, everywhere(noise), box_px=side) for side in (8, 16, 32)
    ]
    means = [one.value for one in found]
    np.testing.assert_allclose(np.divide(means[:-1], means[1:]), 2, rtol=0.12)
    assert [one.n_boxes for one in found] == [6400, 1600, 400]


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_turned_image_same_value(muscle, turns):
    mask = everywhere(muscle)
    plain = local_anisotropy(muscle, mask)
    turned = local_anisotropy(np.rot90(muscle, turns), mask)
    assert turned.value == pytest.approx(plain.value, rel=1e-6)
    assert turned.n_boxes == plain.n_boxes == 25


@pytest.mark.parametrize(("gain", "offset"), [(0.01, 5.0), (300.0, -1e4)])
def test_gain_and_offset_change_nothing(muscle, region, gain, offset):
    plain = local_anisotropy(muscle, region)
    other = local_anisotropy(gain * muscle.astype(float) + offset, region)
    np.testing.assert_allclose(other.anisotropy, plain.anisotropy, rtol=1e-5)
    np.testing.assert_array_equal(other.corners, plain.corners)
    np.testing.assert_allclose(other.energy, gain**2 * plain.energy, rtol=1e-4)


def test_three_quarters_inside():
    image = wave(10)
    for rows, boxes in ((23, 0), (24, 1)):
        mask = np.zeros(image.shape, bool)
        mask[40 : 40 + rows, 40:72] = True
        found = local_anisotropy(image, mask, box_px=32)
        assert found.n_boxes == boxes
        assert bool(found.reason) == (boxes == 0)
        assert math.isnan(found.value) == (boxes == 0)
    assert found.box_px == (32, 32)
    assert found.corners.tolist() == [[36, 40]]
    assert math.isnan(found.sd)


def test_pixels_outside_take_no_part(region):
    image = wave(30)
    inside = local_anisotropy(np.where(region, image, 0.0), region)
    other = local_anisotropy(np.where(region, image, np.nan), region)
    np.testing.assert_array_equal(inside.anisotropy, other.anisotropy)
    assert inside.value > 0.999


def test_weak_boxes_are_dropped():
    image = wave(20)
    image[:, 64:] = 100 + 0.05 * wave(-40)[:, 64:]
    mask = everywhere(image)
    found = local_anisotropy(image, mask)
    assert found.n_boxes == 10 + 5
    # The boxes at the step hold it; those behind hold 1/400 of the energy.
    assert found.n_weak == 10
    every = local_anisotropy(image, mask, min_energy_share=0.0)
    assert every.n_boxes == 25
    assert np.abs(every.direction_deg + 40).min() < 0.1


def test_box_in_mm():
    spacing = (0.1, 0.2)
    assert box_size_px(box_mm=3.0, spacing_mm=spacing) == (30, 15)
    image = wave(25, 2.4, ROWS * 0.1, COLUMNS * 0.2)
    found = local_anisotropy(image, everywhere(image), box_mm=3.2, spacing_mm=spacing)
    assert found.box_px == (32, 16)
    assert found.n_boxes == 50
    assert np.abs(found.direction_deg - 25).max() < 0.1
    assert found.value > 0.999


def test_constant_region_says_why():
    found = local_anisotropy(np.full((64, 64), 9, np.uint8), np.ones((64, 64), bool))
    assert math.isnan(found.value)
    assert found.n_boxes == 0
    assert found.n_weak == 4
    assert "same gray level" in found.reason


def test_small_regions_say_why():
    image, mask = wave(5), np.zeros(ROWS.shape, bool)
    mask[::7, ::7] = True
    found = local_anisotropy(image, mask)
    assert math.isnan(found.value)
    assert "no box of 32×32 px" in found.reason


BAD = {
    "box 3": {"box_px": 3},
    "box 5000": {"box_px": 5000},
    "box 0": {"box_px": 0},
    "box NaN": {"box_px": math.nan},
    "box in mm without a scale": {"box_mm": 2.0},
    "box in mm too small": {"box_mm": 0.2, "spacing_mm": (0.1, 0.1)},
    "variant": {"variant": "TAI"},
    "inside": {"min_inside": 1.5},
    "energy": {"min_energy_share": -0.1},
    "energy NaN": {"min_energy_share": math.nan},
    "gradient": {"gradient": "roberts"},
    "inside nothing": {"min_inside": None},
    "energy of a list": {"min_energy_share": [0.1]},
    "energy long": {"min_energy_share": 10**5000},
    "variant of a list": {"variant": ["coherency"]},
}


@pytest.mark.parametrize("options", BAD.values(), ids=BAD)
def test_bad_input_is_one_sentence(options, one_sentence):
    with pytest.raises(MeasureError) as error:
        local_anisotropy(wave(0), everywhere(ROWS), **options)
    assert one_sentence(str(error.value))
