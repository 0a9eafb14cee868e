"""Fascicle directions: simulated muscle, waves, naive sums, three observers."""

from __future__ import annotations

import functools
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage
from skimage.draw import polygon2mask
from skimage.measure import label, regionprops
from skimage.morphology import convex_hull_image
from skimage.transform import resize

from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.anisotropy import _fascicle_kernels as kernels
from napari_muscle_us.measure.anisotropy import _fascicle_lines as lines
from napari_muscle_us.measure.anisotropy.fascicle import (
    MIN_CONFIDENCE,
    fascicle_direction,
)

SHAPE = (260, 420)


def speckle(echoes, lateral, axial=1.8):
    """Return what a scanner shows of scatterers: blurred, detected, compressed."""
    depth = np.arange(-8, 9)
    pulse = np.exp(-(depth**2) / (2 * axial**2))
    phase = 2 * np.pi * depth / (2.4 * axial)
    parts = [
        ndimage.gaussian_filter1d(
            ndimage.convolve1d(echoes, pulse * wave(phase), axis=0), lateral, axis=1
        )
        for wave in (np.cos, np.sin)
    ]
    envelope = np.hypot(*parts)
    decibels = 20 * np.log10(np.maximum(envelope / np.percentile(envelope, 99.5), 1e-4))
    return np.clip(255 * (1 + decibels / 50), 0, 255).astype(np.uint8)


@functools.cache
def muscle(angle, *, lateral=4.0, strength=8.0, seed=0, n=60, length=120):
    """Return fascicles at an angle (SD 1 degree) among scatterers, as a scanner would.

    Counter-clockwise, up positive; the beam blurs sideways by an SD of `lateral` px.
    """
    rng = np.random.default_rng(seed)
    echoes = rng.normal(size=SHAPE)
    for _ in range(n):
        t = math.radians(angle + rng.normal())
        reach = length * rng.uniform(0.5, 1.5)
        row, column = (rng.uniform(-20, size + 20) for size in SHAPE)
        along = np.arange(-reach / 2, reach / 2, 0.5)
        rows = np.rint(row - along * math.sin(t)).astype(int)
        columns = np.rint(column + along * math.cos(t)).astype(int)
        seen = (rows >= 0) & (rows < SHAPE[0]) & (columns >= 0) & (columns < SHAPE[1])
        echoes[rows[seen], columns[seen]] += strength * rng.normal(1, 0.5, seen.sum())
    return speckle(echoes, lateral)


def turn(found, truth):
    """Return how far a line is turned from another, degrees."""
    return (found - truth + 90) % 180 - 90


def tensor_direction(gray, mask):
    gx, gy = (
        ndimage.gaussian_filter(gray.astype(float), 1, order=order)[mask]
        for order in ((0, 1), (1, 0))
    )
    across = (gy * gy).sum() - (gx * gx).sum()
    return math.degrees(math.atan2(2 * (gx * gy).sum(), across)) / 2


def whole(gray):
    return np.ones(gray.shape, bool)


# Truth that is known.


@pytest.mark.parametrize("angle", [-40, -30, -20, -10, -5, 0, 5, 10, 20, 30, 40])
def test_fascicles_under_stretched_speckle(angle):
    found = fascicle_direction(muscle(angle))
    assert found.reason == ""
    assert found.direction_deg == pytest.approx(angle, abs=0.9)
    assert found.confidence > 0.6


@pytest.mark.parametrize("angle", [-30, 30])
def test_the_simulation_fools_a_plain_tensor(angle):
    gray = muscle(angle)
    assert abs(tensor_direction(gray, whole(gray))) < abs(angle) - 10


@pytest.mark.parametrize("lateral", [2, 3, 6])
def test_wider_speckle_does_not_turn_the_direction(lateral):
    found = [fascicle_direction(muscle(15, lateral=lateral, seed=k)) for k in (1, 2)]
    off = [one.direction_deg - 15 for one in found]
    np.testing.assert_allclose(off, 0, atol=0.8)


@pytest.mark.parametrize("period", [6, 12, 24])
@pytest.mark.parametrize("angle", [-75, -30, -10, 0, 5, 15, 45, 70])
def test_waves(angle, period):
    rows, columns = np.mgrid[:256, :256]
    t = math.radians(angle)
    phase = 2 * np.pi * (columns * math.sin(t) + rows * math.cos(t)) / period
    found = fascicle_direction(127.5 + 100 * np.sin(phase))
    # Whitening turns a single wave that runs almost down the beam a little.
    assert turn(found.direction_deg, angle) == pytest.approx(
        0, abs=0.1 if abs(angle) < 60 else 0.4
    )
    assert -90 < found.direction_deg <= 90
    assert found.confidence > 0.8


def test_half_columns_with_their_spacing_give_the_physical_angle():
    gray = muscle(20)
    narrow = resize(gray.astype(float), (260, 210), anti_aliasing=True)
    assert fascicle_direction(
        narrow, spacing_mm=(0.1, 0.2)
    ).direction_deg == pytest.approx(20, abs=0.9)
    # Without it, tan 20 degrees doubles.
    assert fascicle_direction(narrow).direction_deg == pytest.approx(36, abs=2)


# The parts it is made of, against naive ones.


def echoes_of(values, inside, ratio=1.0, first=4.0):
    return lines.WhitenedEchoes(values, inside, 2.0, 2.0, first, ratio)


@pytest.mark.parametrize("ratio", [1.0, 2.0, 0.5])
def test_correlation_is_that_of_all_pairs_inside(ratio):
    rng = np.random.default_rng(3)
    inside = (ndimage.gaussian_filter(rng.normal(size=(40, 50)), 4) > -0.03).astype(
        np.float32
    )
    values = (rng.normal(size=inside.shape) * inside).astype(np.float32)
    echoes = echoes_of(values, inside, ratio)
    pairs = lines.count_pairs(inside, echoes)
    found = lines.line_correlation(values, float(inside.sum()), pairs, echoes)

    def at_lag(image, down, right):
        total = 0.0
        for r, c in np.ndindex(*image.shape):
            s, d = r + down, c + right
            if 0 <= s < image.shape[0] and 0 <= d < image.shape[1]:
                total += float(image[r, c]) * float(image[s, d])
        return total

    for k in (0, 44, 89, 110, 179):
        t = math.radians(lines.DIRECTIONS_DEG[k])
        products = number = 0.0
        for lag in range(4, 12):
            y, x = -lag * math.sin(t), lag * math.cos(t) / ratio
            for down in (math.floor(y), math.floor(y) + 1):
                for right in (math.floor(x), math.floor(x) + 1):
                    weight = (1 - abs(y - down)) * (1 - abs(x - right))
                    if weight > 0:
                        products += weight * at_lag(values, down, right)
                        number += weight * at_lag(inside, down, right)
        variance = float((values**2).sum()) / float(inside.sum())
        assert pairs[k] == pytest.approx(number, rel=1e-3)
        assert found[k] == pytest.approx(products / number / variance, abs=1e-4)


@pytest.mark.parametrize(("down", "right"), [(1, 3), (6, 2), (30, 40)])
def test_box_blur_is_a_repeated_mean(down, right):
    values = np.random.default_rng(0).normal(size=(23, 31)).astype(np.float32)
    out = np.empty_like(values)
    kernels.box_blur(values, down, right, 2, out)
    expected = values.astype(float)
    for _ in range(2):
        size = (2 * down + 1, 2 * right + 1)
        expected = ndimage.uniform_filter(expected, size, mode="constant")
    np.testing.assert_allclose(out, expected, atol=1e-6)


@pytest.mark.parametrize("noise", [0.0, 0.5], ids=["clean", "noisy"])
@pytest.mark.parametrize("sd", [1.5, 3.0])
def test_speckle_size_is_the_half_width_of_the_autocorrelation(sd, noise):
    rng = np.random.default_rng(5)
    values = ndimage.gaussian_filter(rng.normal(size=(300, 400)), (sd, 2 * sd))
    values = values / values.std() + noise * rng.normal(size=values.shape)
    found = fascicle_direction(values)
    # Noise smoothed by a Gaussian of SD s correlates as one of SD sqrt(2) s.
    assert found.speckle_size_px == pytest.approx(2 * sd * math.sqrt(math.log(2)), 0.1)


def test_folding_keeps_90_and_turns_what_is_beyond():
    assert [lines.fold(a) for a in (90.0, 90.5, -90.0, -89.5, 270.0)] == [
        90.0,
        -89.5,
        90.0,
        -89.5,
        90.0,
    ]


# What must not matter.


@settings(max_examples=8, deadline=None)
@given(
    gain=st.floats(-3, 3).filter(lambda a: abs(a) > 0.01), offset=st.floats(-1e3, 1e3)
)
def test_gain_and_offset_do_not_matter(gain, offset):
    gray = muscle(-12).astype(float)
    before, after = fascicle_direction(gray), fascicle_direction(gain * gray + offset)
    assert after.direction_deg == pytest.approx(before.direction_deg, abs=0.01)
    assert after.confidence == pytest.approx(before.confidence, abs=0.01)


def test_a_mirror_turns_the_sign():
    gray = muscle(18, seed=4)
    before = fascicle_direction(gray)
    after = fascicle_direction(gray[:, ::-1])
    assert after.direction_deg == pytest.approx(-before.direction_deg, abs=0.1)


def test_pixels_outside_the_mask_never_leak_in():
    gray = muscle(18).astype(float)
    mask = polygon2mask(SHAPE, [(20, 30), (40, 380), (230, 400), (240, 60)])
    hostile = np.where(mask, gray, np.nan)
    bright = np.where(mask, gray, 1e6)
    before = fascicle_direction(gray, mask)
    for other in (hostile, bright):
        after = fascicle_direction(other, mask)
        assert after.direction_deg == before.direction_deg
        assert after.confidence == before.confidence
    assert before.direction_deg == pytest.approx(18, abs=0.9)


def test_the_input_is_left_as_it_is_and_the_place_does_not_matter():
    gray = muscle(10)
    kept = gray.copy()
    larger = np.zeros((300, 500), np.uint8)
    larger[30:290, 60:480] = gray
    mask = larger > 255
    mask[30:290, 60:480] = True
    alone, inside = fascicle_direction(gray), fascicle_direction(larger, mask)
    np.testing.assert_array_equal(gray, kept)
    assert inside.direction_deg == alone.direction_deg
    np.testing.assert_allclose(inside.local.rows, alone.local.rows + 30)
    np.testing.assert_allclose(inside.local.columns, alone.local.columns + 60)


@pytest.mark.parametrize("scale", [0.7, 1.5])
def test_a_changed_size_of_the_image_hardly_matters(scale):
    gray = muscle(20, seed=2)
    shape = [round(n * scale) for n in SHAPE]
    scaled = resize(gray.astype(float), shape, anti_aliasing=True)
    before, after = fascicle_direction(gray), fascicle_direction(scaled)
    assert after.direction_deg == pytest.approx(before.direction_deg, abs=0.6)


# Parts, and where there is no direction.


def test_parts_show_where_the_direction_changes():
    gray = np.hstack([muscle(20), muscle(-20)])
    found = fascicle_direction(gray)
    left = found.local.columns < 380
    right = found.local.columns > 460
    assert np.median(found.local.directions_deg[left]) == pytest.approx(20, abs=2)
    assert np.median(found.local.directions_deg[right]) == pytest.approx(-20, abs=2)
    assert found.spread_deg == pytest.approx(20, abs=6)
    assert math.isnan(found.direction_deg)
    assert "no fibre direction is to be seen" in found.reason


@pytest.mark.parametrize("lateral", [1.8, 3, 5, 8])
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_speckle_alone_has_no_direction(lateral, seed):
    echoes = np.random.default_rng(seed).normal(size=SHAPE)
    found = fascicle_direction(speckle(echoes, lateral))
    assert math.isnan(found.direction_deg)
    assert found.confidence < 0.45
    assert "no fibre direction is to be seen" in found.reason


@pytest.mark.parametrize("seed", range(6))
def test_very_wide_speckle_does_not_pass_for_level_lines(seed):
    """Speckle 6 to 9 times as wide as deep was 0 degrees, confidence 0.5 to 0.9."""
    echoes = np.random.default_rng(seed).normal(size=SHAPE)
    found = fascicle_direction(speckle(echoes, 14.0, axial=1.3))
    assert math.isnan(found.direction_deg)
    assert found.confidence == 0
    assert "times as wide as deep looks like level lines itself" in found.reason


@pytest.mark.parametrize("angle", [0, 2, 5])
def test_nearly_level_fascicles_are_seen_in_wide_speckle(angle):
    found = fascicle_direction(muscle(angle, lateral=8.0))
    assert found.direction_deg == pytest.approx(angle, abs=1.1)


def test_shadows_down_the_beam_are_no_fascicles():
    """They had a direction of 90 degrees, confidence 1."""
    rng = np.random.default_rng(0)
    gray = speckle(rng.normal(size=SHAPE), 4.0)
    weak = np.where(rng.random(SHAPE[1]) < 0.05, 0.5, 1.0)
    found = fascicle_direction(gray * weak)
    assert math.isnan(found.direction_deg)
    assert found.confidence == 0
    assert "run down the beam, as shadows do" in found.reason


def test_the_edge_of_the_light_is_no_fascicle():
    """It had a direction of 0 degrees, confidence 0.99, from parts without an echo."""
    dark = np.zeros((400, SHAPE[1]), np.uint8)
    dark[:60] = speckle(np.random.default_rng(0).normal(size=SHAPE), 4.0)[:60]
    found = fascicle_direction(dark)
    assert math.isnan(found.direction_deg)
    assert found.agreement <= 0.5
    assert found.local.rows.size > 0
    assert found.local.rows.max() < 200


def whitened(gray):
    values = gray.astype(np.float32)
    return lines.whiten_echoes(values, np.ones_like(values), 1.0)


def test_lines_go_on_and_speckle_does_not():
    for angle in (0, 3):
        going_on = whitened(muscle(angle, lateral=6.0))
        assert lines.persistence(going_on, angle) > 0.6
    echoes = np.random.default_rng(0).normal(size=SHAPE)
    ending = whitened(speckle(echoes, 14.0, axial=1.3))
    assert lines.persistence(ending, 0.0) < 0.4


def test_long_level_lines_do_not_widen_the_speckle():
    echoes = np.random.default_rng(0).normal(size=SHAPE)
    alone = whitened(speckle(echoes, 4.0))
    striped = whitened(muscle(0, lateral=4.0, length=400))
    # Their correlation goes on across the whole picture, and theirs is not the beam's.
    assert striped.speckle_width < 3 * alone.speckle_width
    assert striped.speckle_width < 5 * striped.speckle_size


def test_faint_fascicles_are_refused_rather_than_guessed():
    found = [fascicle_direction(muscle(30, strength=k)) for k in (1, 3, 8, 16)]
    confidence = [one.confidence for one in found]
    assert confidence == sorted(confidence)
    assert math.isnan(found[0].direction_deg)
    assert found[3].direction_deg == pytest.approx(30, abs=0.9)


@pytest.mark.parametrize(
    ("gray", "reason"),
    [
        (np.full((90, 120), 77, np.uint8), "no gray level differs"),
        (np.full((90, 120), 0.1), "no gray level differs"),
        (np.ones((1, 1)), "no gray level differs"),
        (muscle(20)[:30, :40], "draw it at least"),
        (muscle(20)[:1], "draw it at least"),
        (np.add.outer(np.arange(99.0), np.arange(99.0)), "draw it at least"),
        (np.random.default_rng(0).normal(size=(200, 300)), "no fibre direction"),
    ],
    ids=["constant", "constant float", "pixel", "small", "row", "ramp", "noise"],
)
def test_no_direction_has_its_reason(gray, reason):
    found = fascicle_direction(gray)
    assert math.isnan(found.direction_deg)
    assert found.confidence < MIN_CONFIDENCE
    assert reason in found.reason
    assert not found.reason.endswith(".")


def test_single_pixels_have_no_direction():
    mask = np.zeros(SHAPE, bool)
    mask[::9, ::9] = True
    assert "draw it at least" in fascicle_direction(muscle(20), mask).reason


def test_noise_in_flat_pixels_has_no_direction():
    noise = np.random.default_rng(0).normal(size=(200, 300))
    found = fascicle_direction(noise, spacing_mm=(0.05, 0.8))
    assert math.isnan(found.direction_deg)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((np.zeros((60, 60, 3), np.uint8),), "(60, 60, 3)"),
        ((np.zeros((60, 60)), np.ones((60, 61), bool)), "(60, 61)"),
        ((np.zeros((60, 60)), np.zeros((60, 60), bool)), "0 pixels"),
        ((np.zeros((60, 60)), np.ones((60, 60))), "float64"),
        ((np.full((60, 60), np.nan),), "3600 pixels"),
        ((np.full((60, 60), "a"),), "<U1"),
    ],
    ids=["rgb", "other shape", "empty", "mask of numbers", "NaN", "text"],
)
def test_bad_images_and_masks(arguments, words, one_sentence):
    with pytest.raises(MeasureError) as error:
        fascicle_direction(*arguments)
    assert one_sentence(str(error.value))
    assert words in str(error.value)


@pytest.mark.parametrize("spacing", [(0, 1), (1, math.nan), (0.001, 1.0), (1,)])
def test_bad_spacing(spacing, one_sentence):
    with pytest.raises(MeasureError) as error:
        fascicle_direction(np.zeros((60, 60)), spacing_mm=spacing)
    assert one_sentence(str(error.value))


# People.


def read_gray(path):
    return np.asarray(Image.open(path).convert("L"))


@pytest.fixture(scope="module")
def observed(shared):
    """Return the observers' means, with gray levels and the region of each picture."""
    table = pd.read_csv(shared("data/longitudinal_vl/observers.csv"))
    means = table.drop(columns="observer").groupby("file").mean()
    rows = []
    for name, row in means.iterrows():
        gray = read_gray(shared(f"data/longitudinal_vl/{name}"))
        top, bottom = row.superficial_aponeurosis_y_px, row.deep_aponeurosis_y_px
        inset = 0.1 * (bottom - top)
        mask = np.zeros(gray.shape, bool)
        mask[round(top + inset) : round(bottom - inset), 25:-25] = True
        rows.append((name[:2], row.fascicle_angle_deg, gray, mask))
    return rows


def test_three_observers(observed):
    found = [fascicle_direction(gray, mask) for _, _, gray, mask in observed]
    read = np.array([angle for _, angle, _, _ in observed])
    person = np.array([name for name, _, _, _ in observed])
    directions = np.array([one.direction_deg for one in found])
    assert np.isfinite(directions).all()
    off = directions - read
    assert abs(off.mean()) < 0.4
    assert off.std(ddof=1) < 1.1
    assert np.corrcoef(directions, read)[0, 1] > 0.975
    assert np.abs(off).max() < 3.5
    for name in np.unique(person):
        assert abs(off[person == name].mean()) < 0.7
        assert off[person == name].std(ddof=1) < 1.3


def test_aponeuroses_and_fat_in_the_region_are_refused_or_do_not_matter(observed):
    given = 0
    for _, angle, gray, _ in observed[::3]:
        found = fascicle_direction(gray)
        if not found.reason:
            given += 1
            assert found.direction_deg == pytest.approx(angle, abs=3)
    assert 0 < given < 30


def test_a_plain_tensor_is_fooled(observed):
    off = [tensor_direction(gray, mask) - angle for _, angle, gray, mask in observed]
    assert np.mean(off) < -6


CHANGES = {
    "gray -40": lambda g, _: np.clip(g - 40, 0, 255),
    "gray x 1.6": lambda g, _: np.clip(g * 1.6, 0, 255),
    "gamma 0.5": lambda g, _: 255 * (g / 255) ** 0.5,
    "gamma 2": lambda g, _: 255 * (g / 255) ** 2,
    "noise SD 15": lambda g, rng: g + rng.normal(0, 15, g.shape),
    "noise SD 30": lambda g, rng: g + rng.normal(0, 30, g.shape),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_changed_pictures_hardly_change_the_direction(observed, change):
    rng = np.random.default_rng(0)
    for _, _, gray, mask in observed[::15]:
        before = fascicle_direction(gray, mask).direction_deg
        after = fascicle_direction(change(gray.astype(float), rng), mask)
        assert after.direction_deg == pytest.approx(before, abs=1.5)


def test_drawn_pieces_of_fascicles_on_other_scanners(shared):
    folder = shared("data/apo_fascicle_masks")
    off = []
    for path in sorted((folder / "fasc_images").glob("*.tif")):
        drawn = read_gray(folder / "fasc_masks" / path.name) > 0
        doubled = 0j
        for part in regionprops(label(drawn)):
            y, x = part.coords.T - part.coords.mean(axis=0)[:, None]
            turned = math.atan2(-2 * (x * y).sum(), (x * x - y * y).sum())
            doubled += part.axis_major_length * np.exp(1j * turned)
        read = np.rad2deg(np.angle(doubled)) / 2
        off.append(
            fascicle_direction(read_gray(path), convex_hull_image(drawn)).direction_deg
            - read
        )
    known = np.isfinite(off)
    assert known.sum() >= 8
    assert abs(np.mean(np.array(off)[known])) < 1.5
    assert np.std(np.array(off)[known], ddof=1) < 2


def test_transverse_muscles_have_no_direction(shared):
    corners = [(290, 330), (270, 600), (275, 750), (330, 1000), (430, 1150)]
    corners += [(460, 1100), (410, 800), (400, 600), (400, 350)]
    for path in sorted(shared("data/transverse_vl").glob("*.tif")):
        gray = read_gray(path)
        found = fascicle_direction(gray, polygon2mask(gray.shape, corners))
        assert math.isnan(found.direction_deg)
        assert found.confidence < 0.3
