"""From gray to levels and from millimetres to pixel steps."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import napari_muscle_us as mus
from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.texture.discretise import (
    FEW_LEVELS,
    discretise,
    normalise_three_sigma,
)
from napari_muscle_us.measure.texture.offsets import offsets_mm, offsets_px
from tests.core.texture_phantom import phantom, phantom_levels

SHAPES = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=7)


@st.composite
def regions(draw, high=255):
    """Draw an image and a mask with a pixel at least."""
    shape = draw(SHAPES)
    gray = draw(hnp.arrays(np.uint8, shape, elements=st.integers(0, high)))
    mask = draw(hnp.arrays(bool, shape))
    mask[draw(st.integers(0, shape[0] - 1)), draw(st.integers(0, shape[1] - 1))] = True
    return gray, mask


@pytest.fixture(scope="module")
def muscle(shared):
    """Return a picture of a thigh and an irregular region in its muscle."""
    gray = mus.read_image(shared("data/transverse_vl/SUB02_img1.tif")).gray
    rows, columns = np.indices(gray.shape)
    centre = np.array(gray.shape) // 2
    wobble = 60 + 25 * np.sin(rows / 9.0) + 15 * np.cos(columns / 13.0)
    return gray, np.hypot(rows - centre[0], (columns - centre[1]) / 1.5) < wobble


# Fixed bin size


def test_the_phantom_keeps_its_levels_and_not_the_nine_outside_its_mask():
    found = discretise(*phantom(), bin_size=1, origin=1)
    levels, n_levels = phantom_levels()
    np.testing.assert_array_equal(found.levels, levels)
    assert found.levels.dtype == np.uint16
    assert (found.n_levels, found.occupied) == (n_levels, 4) == (6, 4)


@given(regions(), st.integers(1, 128), st.integers(0, 254))
def test_fixed_size_is_its_formula_pixel_by_pixel(region, size, origin):
    gray, mask = region
    if origin + size >= 256 or gray[mask].min() < origin:
        with pytest.raises(MeasureError):
            discretise(gray, mask, bin_size=size, origin=origin)
        return
    found = discretise(gray, mask, bin_size=size, origin=origin)
    expected = [
        [
            math.floor(Fraction(int(x) - origin, size)) + 1 if m else 0
            for x, m in zip(*row, strict=True)
        ]
        for row in zip(gray, mask, strict=True)
    ]
    np.testing.assert_array_equal(found.levels, [expected])
    inside = {level for row in expected for level in row} - {0}
    assert (found.n_levels, found.occupied) == (max(inside), len(inside))


def test_default_makes_32_levels_of_the_whole_gray_scale():
    gray = np.arange(256, dtype=np.uint8).reshape(16, 16)
    found = discretise(gray, np.ones((16, 16), bool))
    assert found.levels[0, 0, 0] == 1
    assert found.levels[0, 15, 15] == found.n_levels == found.occupied == 32
    assert np.bincount(found.levels.ravel())[1:].tolist() == [8] * 32
    assert found.method == {
        "discretisation": "fixed_bin_size",
        "bin_size": 8,
        "origin": 0,
    }


def test_size_1_keeps_all_256_levels():
    gray = np.arange(256, dtype=np.uint8).reshape(16, 16)
    found = discretise(gray, np.ones((16, 16), bool), bin_size=1)
    np.testing.assert_array_equal(found.levels[0], gray.astype(int) + 1)
    assert (found.n_levels, found.occupied) == (256, 256)


# Fixed bin number


@given(regions(), st.integers(2, 256))
def test_fixed_number_is_its_formula_pixel_by_pixel(region, number):
    gray, mask = region
    inside = gray[mask].astype(int).tolist()
    low, high = min(inside), max(inside)
    found = discretise(gray, mask, bin_number=number)
    if low == high:
        expected = [math.ceil(number / 2)] * len(inside)
    else:
        expected = [
            min(number, math.floor(Fraction(number * (x - low), high - low)) + 1)
            for x in inside
        ]
        assert found.n_levels == number
    assert found.levels[0][mask].tolist() == expected
    assert not found.levels[0][~mask].any()
    assert (found.n_levels, found.occupied) == (max(expected), len(set(expected)))
    assert found.method == {
        "discretisation": "fixed_bin_number",
        "bin_number": number,
    }


@given(regions(high=60), st.integers(2, 64), st.integers(1, 4), st.integers(0, 15))
def test_fixed_number_does_not_see_gain_and_offset(region, number, gain, offset):
    gray, mask = region
    other = (gain * gray + offset).astype(np.uint8)
    found = discretise(other, mask, bin_number=number)
    expected = discretise(gray, mask, bin_number=number)
    np.testing.assert_array_equal(found.levels, expected.levels)


# Either


@given(
    regions(),
    st.sampled_from([{}, {"bin_size": 1}, {"bin_number": 16}]),
    st.integers(0, 4),
    st.integers(0, 4),
    st.integers(0, 255),
)
def test_place_and_surroundings_of_a_region_change_nothing(
    region, options, down, right, outside
):
    gray, mask = region
    depth, lateral = gray.shape
    moved = np.full((depth + 4, lateral + 4), outside, np.uint8)
    area = np.zeros(moved.shape, bool)
    box = np.s_[down : down + depth, right : right + lateral]
    moved[box] = np.where(mask, gray, 255 - gray)
    area[box] = mask
    found = discretise(moved, area, **options)
    expected = discretise(gray, mask, **options)
    np.testing.assert_array_equal(found.levels[0][box], expected.levels[0])
    assert found.levels.sum() == expected.levels.sum()
    assert (found.n_levels, found.occupied) == (expected.n_levels, expected.occupied)


def test_a_clip_is_binned_over_all_its_frames():
    gray = np.array([[[0, 10]], [[20, 255]]], np.uint8)
    mask = np.array([[True, True], [True, False]]).reshape(2, 1, 2)
    found = discretise(gray, mask, bin_number=2)
    assert found.levels.tolist() == [[[1, 2]], [[2, 0]]]


def test_a_mask_of_one_picture_holds_for_every_frame():
    gray = np.array([[[8, 16]], [[24, 32]]], np.uint8)
    found = discretise(gray, np.array([[True, False]]))
    assert found.levels.tolist() == [[[2, 0]], [[4, 0]]]


@pytest.mark.parametrize("options", [{}, {"bin_number": 5}], ids=["size", "number"])
@pytest.mark.parametrize("value", [0, 200, 255])
def test_a_constant_region_and_a_single_pixel_have_one_level(options, value):
    gray = np.full((3, 3), 77, np.uint8)
    gray[1, 1] = value
    single = discretise(gray, gray == value, **options)
    level = 3 if options else value // 8 + 1
    assert (single.n_levels, single.occupied) == (level, 1)
    assert np.flatnonzero(single.levels).tolist() == [4]


def test_inputs_stay_as_they_are(muscle):
    gray, mask = muscle[0].copy(), muscle[1].copy()
    gray.setflags(write=False)
    mask.setflags(write=False)
    found = discretise(gray, mask)
    normalised = normalise_three_sigma(gray, mask)
    assert not np.shares_memory(found.levels, gray)
    assert not np.shares_memory(normalised, gray)


@pytest.mark.parametrize(
    ("occupied", "words"),
    [
        (1, "Only 1 level is left"),
        (FEW_LEVELS - 1, "Only 7 levels are left"),
        (FEW_LEVELS, ""),
    ],
)
def test_fewer_than_eight_levels_are_warned_of(occupied, words, one_sentence):
    gray = np.arange(occupied, dtype=np.uint8)[None] * 8
    caveat = discretise(gray, gray < 255).caveat
    assert caveat.startswith(words)
    assert bool(caveat) == bool(words)
    assert not caveat or one_sentence(caveat)


def test_the_widths_of_the_literature_on_muscle(muscle):
    # Fernández-Cuesta: 0 … 255 in bins of 25, eleven levels at most.
    found = discretise(*muscle, bin_size=25)
    gray, mask = muscle
    assert found.n_levels == gray[mask].max() // 25 + 1 <= 11
    assert discretise(*muscle).occupied > found.occupied


# Refusals

GRAY = np.array([[10, 20], [30, 40]], np.uint8)
MASK = np.ones((2, 2), bool)


@pytest.mark.parametrize(
    ("gray", "mask", "options", "words"),
    [
        (GRAY.astype(np.uint16), MASK, {}, "not uint16"),
        (GRAY.astype(float), MASK, {}, "not float64"),
        (np.full((2, 2), np.nan), MASK, {}, "not float64"),
        (np.zeros((2, 2, 3), np.uint8), MASK, {}, "convert colours to gray"),
        (np.zeros((5, 2, 2, 3), np.uint8), MASK, {}, "convert colours to gray"),
        (GRAY, MASK.astype(int), {}, "labels == 1"),
        (GRAY, MASK[:1], {}, r"the mask \(1, 2\)"),
        (GRAY[0], MASK[0], {}, r"shape \(2,\)"),
        (GRAY, ~MASK, {}, "covers 0 pixels"),
        (GRAY[:0], MASK[:0], {}, "covers 0 pixels"),
        (GRAY, MASK, {"bin_size": 0}, "The bin size 0"),
        (GRAY, MASK, {"bin_size": 129}, "The bin size 129"),
        (GRAY, MASK, {"bin_size": 2.5}, "The bin size 2.5"),
        (GRAY, MASK, {"bin_size": True}, "The bin size True"),
        (GRAY, MASK, {"bin_number": 1}, "The bin number 1 "),
        (GRAY, MASK, {"bin_number": 257}, "The bin number 257"),
        (GRAY, MASK, {"bin_number": math.nan}, "The bin number nan"),
        (GRAY, MASK, {"origin": -1}, "The origin -1"),
        (GRAY, MASK, {"origin": 11}, "from 10, below the origin 11"),
        (GRAY, MASK, {"origin": 248}, "one level only"),
    ],
)
def test_refusals_are_one_sentence(gray, mask, options, words, one_sentence):
    with pytest.raises(MeasureError, match=words) as caught:
        discretise(gray, mask, **options)
    assert one_sentence(str(caught.value))


# Normalisation by three standard deviations


def test_three_sigma_is_its_formula_on_muscle(muscle):
    gray, mask = muscle
    inside = gray[mask].astype(float)
    scaled = 256 * (gray - inside.mean() + 3 * inside.std()) / (6 * inside.std())
    # The formula in float64 may fall to the other side of a whole number.
    settled = np.abs(scaled - np.round(scaled)) > 1e-6
    expected = np.clip(np.floor(scaled), 0, 255)
    found = normalise_three_sigma(gray, mask)
    assert settled.mean() > 0.99
    np.testing.assert_array_equal(found[settled], expected[settled])
    assert found[mask].mean() == pytest.approx(127.5, abs=2)
    assert found[mask].std() == pytest.approx(256 / 6, rel=0.03)


@given(regions(high=60), st.sampled_from([1, 2, 4]), st.integers(0, 15))
def test_three_sigma_takes_out_gain_and_offset(region, gain, offset):
    gray, mask = region
    other = (gain * gray + offset).astype(np.uint8)
    np.testing.assert_array_equal(
        normalise_three_sigma(other, mask), normalise_three_sigma(gray, mask)
    )


def test_three_sigma_holds_a_bright_pixel_at_white_and_a_constant_at_the_middle():
    gray = np.full((10, 10), 50, np.uint8)
    mask = np.ones((10, 10), bool)
    assert (normalise_three_sigma(gray, mask) == 128).all()
    gray[0, 0] = 255
    found = normalise_three_sigma(gray, mask)
    assert found[0, 0] == 255
    mask[0, 0] = False
    assert (normalise_three_sigma(gray, mask) == 128).all()


# Steps


def test_steps_in_pixels():
    assert offsets_px() == ((0, 1), (1, 0), (1, 1), (1, -1))
    assert offsets_px(np.int64(3)) == ((0, 3), (3, 0), (3, 3), (3, -3))


def test_scikit_image_rounds_its_diagonal_as_the_notes_say():
    graycomatrix = pytest.importorskip("skimage.feature").graycomatrix
    gray = np.arange(36, dtype=np.uint8).reshape(6, 6)
    pairs = graycomatrix(gray, [2], [np.pi / 4], levels=36)[:, :, 0, 0]
    first, second = np.nonzero(pairs)
    row, column = offsets_px(1)[2]
    assert set((second - first).tolist()) == {6 * row + column}


LENGTHS = st.floats(0.01, 5)


@given(LENGTHS, LENGTHS, LENGTHS)
def test_steps_in_mm_are_the_nearest_and_their_lengths_true(distance, depth, lateral):
    if min(distance / depth, distance / lateral) < 0.5:
        with pytest.raises(MeasureError, match="less than half a pixel"):
            offsets_mm(distance, (depth, lateral))
        return
    found = offsets_mm(distance, (depth, lateral))
    (_, columns), (rows, _), down_right, down_left = found.offsets
    assert (down_right, down_left) == ((rows, columns), (rows, -columns))
    assert abs(rows * depth - distance) <= depth * 0.5000001
    assert abs(columns * lateral - distance) <= lateral * 0.5000001
    assert found.asked_mm == distance
    assert (found.depth_mm, found.lateral_mm) == (rows * depth, columns * lateral)
    diagonal = math.sqrt((rows * depth) ** 2 + (columns * lateral) ** 2)
    assert found.lengths_mm == pytest.approx(
        (columns * lateral, rows * depth, diagonal, diagonal), rel=1e-12
    )


@pytest.mark.parametrize(
    ("distance", "spacing", "steps"),
    [
        (0.1, (0.1, 0.1), (1, 1)),
        (0.25, (0.1, 0.1), (3, 3)),
        (0.15, (0.1, 0.3), (2, 1)),
        (1.0, (0.0653, 0.0822), (15, 12)),
    ],
    ids=["one", "half-goes-up", "half-of-either", "scanner"],
)
def test_rounding_of_steps_in_mm(distance, spacing, steps):
    assert offsets_mm(distance, spacing).offsets[2] == steps


@pytest.mark.parametrize("distance", [0, -1, 1.0, 2.5, math.nan, 10_001, True, "1"])
def test_impossible_distances_in_pixels(distance, one_sentence):
    with pytest.raises(MeasureError, match="px is not possible") as caught:
        offsets_px(distance)
    assert one_sentence(str(caught.value))


@pytest.mark.parametrize(
    ("distance", "spacing", "words"),
    [
        (0, (0.1, 0.1), "The distance 0 mm"),
        (-0.1, (0.1, 0.1), "The distance -0.1 mm"),
        (math.nan, (0.1, 0.1), "The distance nan mm"),
        (math.inf, (0.1, 0.1), "The distance inf mm"),
        ("x", (0.1, 0.1), "The distance 'x' mm"),
        (0.04, (0.05, 0.1), "less than half a pixel of 0.1 mm laterally"),
        (1e300, (0.1, 0.1), "more than 10000 pixels"),
        (1.0, None, "no scale"),
        (1.0, (0.1, 0.0), "not a positive length"),
        (1.0, (0.1, math.nan), "not a positive length"),
        (1.0, (0.1, 0.1, 0.1), "not a positive length"),
        (1.0, (1e-320, 0.1), "more than 10000 pixels"),
    ],
)
def test_impossible_distances_in_mm(distance, spacing, words, one_sentence):
    with pytest.raises(MeasureError, match=words) as caught:
        offsets_mm(distance, spacing)
    assert one_sentence(str(caught.value))
