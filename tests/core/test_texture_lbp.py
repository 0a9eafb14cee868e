"""Local binary patterns: by a naive count with exact fractions."""

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
from napari_muscle_us.measure.texture import lbp
from napari_muscle_us.measure.texture._neighbour_kernels import add_bit_patterns
from napari_muscle_us.measure.texture.lbp import lbp_features, lbp_reason


@pytest.fixture(scope="module")
def muscle(shared):
    """Return a picture of a thigh and an irregular region in its muscle."""
    gray = mus.read_image(shared("data/transverse_vl/SUB02_img1.tif")).gray
    rows, columns = np.indices(gray.shape)
    centre = np.array(gray.shape) // 2
    wobble = 60 + 25 * np.sin(rows / 9.0) + 15 * np.cos(columns / 13.0)
    return gray, np.hypot(rows - centre[0], (columns - centre[1]) / 1.5) < wobble


def naive_lbp(gray, mask, radius):
    """Return the counts of the patterns, with exact fractions between pixels."""
    counts = [0] * 10
    angles = [2 * math.pi * i / 8 for i in range(8)]
    places = [
        (round(-radius * math.sin(a), 5), round(radius * math.cos(a), 5))
        for a in angles
    ]
    for r, c in np.argwhere(mask).tolist():
        signs = [neighbour_sign(gray, mask, r, c, place) for place in places]
        if None not in signs:
            changes = sum(signs[i] != signs[i - 1] for i in range(8))
            counts[sum(signs) if changes <= 2 else 9] += 1
    return counts


def neighbour_sign(gray, mask, r, c, place):
    """Return whether a neighbour is as bright as its pixel; None if it is outside."""
    total = Fraction(0)
    row, column = (Fraction(str(v)) for v in place)
    for i in {math.floor(row), math.ceil(row)}:
        for j in {math.floor(column), math.ceil(column)}:
            inside = 0 <= r + i < gray.shape[0] and 0 <= c + j < gray.shape[1]
            if not inside or not mask[r + i, c + j]:
                return None
            weight = (1 - abs(row - i)) * (1 - abs(column - j))
            total += weight * int(gray[r + i, c + j])
    return total >= int(gray[r, c])


@pytest.mark.parametrize("radius", [1, 2, 3])
def test_patterns_of_muscle_are_a_naive_count(muscle, radius):
    # The edge of the region crosses this part.
    gray, mask = (array[330:380, 700:750] for array in muscle)
    mask = mask.copy()
    mask[20:23, 30:36] = False
    counts = naive_lbp(gray, mask, radius)
    shares = [count / sum(counts) for count in counts]
    found = lbp_features(gray, mask, radius_px=radius)
    assert not mask.all()
    assert sum(counts) > 1000
    assert list(found.values())[:10] == shares
    assert found["lbp.energy"] == pytest.approx(sum(p * p for p in shares), rel=1e-12)
    bits = -sum(p * math.log2(p) for p in shares if p)
    assert found["lbp.entropy"] == pytest.approx(bits, rel=1e-12)


IMAGES = hnp.arrays(np.uint8, (6, 7), elements=st.integers(0, 120))
MASKS = hnp.arrays(bool, (6, 7), elements=st.sampled_from([True, True, True, False]))


@given(IMAGES, MASKS, st.integers(0, 10))
def test_patterns_know_no_offset_no_outside_and_no_place(gray, mask, offset):
    mask[2, 3] = True
    expected = lbp_features(gray, mask)
    outside = np.where(mask, gray, 250).astype(np.uint8)
    np.testing.assert_equal(lbp_features(outside, mask), expected)
    padded = lbp_features(np.pad(gray, 4), np.pad(mask, 4))
    np.testing.assert_equal(padded, expected)
    clip = lbp_features(np.stack([gray, gray]), mask)
    np.testing.assert_equal(clip, expected)
    np.testing.assert_equal(naive_shares(gray + np.uint8(offset), mask), expected)


def naive_shares(gray, mask):
    counts = naive_lbp(gray, mask, 1)
    n = sum(counts)
    shares = [count / n if n else math.nan for count in counts]
    keys = [feature.key for feature in lbp.FEATURES]
    bits = -math.fsum(p * math.log2(p) for p in shares if p) + 0.0
    energy = math.fsum(p * p for p in shares)
    return dict(zip(keys, [*shares, bits, energy], strict=True))


@pytest.mark.parametrize("value", [0, 3, 77, 255])
def test_patterns_of_a_constant_region_are_flat(value):
    gray = np.full((9, 9), value, np.uint8)
    for radius in (1, 2, 4):
        found = lbp_features(gray, gray == value, radius_px=radius)
        assert found["lbp.uniform_8"] == found["lbp.energy"] == 1
        assert found["lbp.entropy"] == 0


def test_patterns_need_a_whole_circle():
    gray = np.arange(25, dtype=np.uint8).reshape(5, 5)
    mask = np.ones((5, 5), bool)
    mask[1, 2] = False
    values = lbp_features(gray, mask, radius_px=2)
    assert not any(map(math.isnan, values.values()))
    assert lbp_reason("lbp.entropy", values) == ""
    values = lbp_features(gray, mask, radius_px=3)
    assert all(map(math.isnan, values.values()))
    assert "no circle" in lbp_reason("lbp.entropy", values)


@pytest.mark.parametrize("radius", [0, -1, 1.5, 101, True])
def test_impossible_radii(radius, one_sentence):
    gray = np.zeros((5, 5), np.uint8)
    with pytest.raises(MeasureError, match="The radius") as caught:
        lbp_features(gray, gray == 0, radius_px=radius)
    assert one_sentence(str(caught.value))


@pytest.mark.parametrize("radius", [1, 2, 5])
def test_patterns_are_those_of_scikit_image_but_for_its_rounding(muscle, radius):
    feature = pytest.importorskip("skimage.feature")
    gray = muscle[0][300:500, 600:860]
    theirs = feature.local_binary_pattern(gray, 8, radius, method="uniform")
    mask = np.zeros(gray.shape, bool)
    mask[20:-20, 20:-20] = True
    counted = theirs[20 + radius : -20 - radius, 20 + radius : -20 - radius]
    shares = np.bincount(counted.ravel().astype(int), minlength=10) / counted.size
    found = list(lbp_features(gray, mask, radius_px=radius).values())[:10]
    np.testing.assert_allclose(found, shares, rtol=0, atol=0.005)


def test_a_neighbour_that_is_exactly_as_bright_counts_as_such():
    # From a muscle; down to the right lies 52 between 52, 56, 48 and 52. In floating
    # point it falls below 52, and scikit-image gives 5.
    gray = np.array([[56, 58, 58], [52, 52, 56], [48, 48, 52]], np.uint8)
    found = lbp_features(gray, np.ones((3, 3), bool))
    assert found["lbp.uniform_6"] == 1


@given(hnp.arrays(np.uint8, (9, 9)), st.integers(1, 3))
def test_a_quarter_turn_and_a_mirror_change_no_pattern(gray, radius):
    mask = np.ones(gray.shape, bool)
    mask[0, 4] = False
    expected = lbp_features(gray, mask, radius_px=radius)
    for turn in (np.rot90, np.fliplr, np.transpose):
        turned = lbp_features(turn(gray), turn(mask), radius_px=radius)
        np.testing.assert_equal(turned, expected)


def test_the_loop_is_compiled_once_whatever_the_array():
    rng = np.random.default_rng(0)
    gray = rng.integers(0, 256, (12, 12), np.uint8)
    mask = np.ones(gray.shape, bool)
    mask[0, 0] = False
    lbp_features(gray, mask)
    known = len(add_bit_patterns.signatures)
    fixed = gray.copy()
    fixed.setflags(write=False)
    for one in (fixed, gray.T, gray[::-1], gray[:, ::2]):
        lbp_features(one, mask[:, : one.shape[1]])
    part = np.zeros(gray.shape, bool)
    part[2:9, 3:11] = True
    lbp_features(fixed, part)
    assert len(add_bit_patterns.signatures) == known
