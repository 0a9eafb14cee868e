"""Co-occurrence features: IBSI phantom, printed matrices, naive loops, invariants."""

from __future__ import annotations

import math
from collections import Counter
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.feature import graycomatrix, graycoprops

import napari_muscle_us as mus
from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.texture import glcm
from napari_muscle_us.measure.texture._matrix_features import Aggregation
from napari_muscle_us.measure.texture.glcm import (
    DEFAULT_OFFSETS,
    FEATURES,
    glcm_by_direction,
    glcm_features,
    glcm_matrix,
)

from .texture_phantom import assert_consensus, phantom, phantom_levels

AGGREGATIONS = get_args(Aggregation)
RIGHT, DOWN, DOWN_RIGHT, DOWN_LEFT = DEFAULT_OFFSETS
UNDEFINED = {"glcm.correlation", "glcm.information_correlation_1"}


def a_frame(rows):
    return np.array([rows], np.uint16)


# A naive reference: the definitions of the standard, cell by cell.


def naive_pairs(frame, offset):
    """Count ordered pairs of levels, each pair in both orders."""
    found = Counter()
    rows, columns = frame.shape
    levels = frame.tolist()
    for r in range(rows):
        for c in range(columns):
            r2, c2 = r + offset[0], c + offset[1]
            if 0 <= r2 < rows and 0 <= c2 < columns and levels[r][c] and levels[r2][c2]:
                found[levels[r][c], levels[r2][c2]] += 1
                found[levels[r2][c2], levels[r][c]] += 1
    return found


def naive_entropy(shares):
    return -math.fsum(p * math.log2(p) for p in shares if p > 0)


def naive_numbers(pairs, n):
    """Return the 25 features of a matrix, by name, from their definitions."""
    total = sum(pairs.values())
    p = {cell: count / total for cell, count in pairs.items()}
    margin, difference, sums = Counter(), Counter(), Counter()
    for (i, j), count in pairs.items():
        margin[i] += count
        difference[abs(i - j)] += count
        sums[i + j] += count
    px = {i: count / total for i, count in margin.items()}
    pd = {d: count / total for d, count in difference.items()}
    ps = {s: count / total for s, count in sums.items()}

    def mean(term):
        return math.fsum(term(i, j) * share for (i, j), share in p.items())

    mu = mean(lambda i, j: i)
    variance = mean(lambda i, j: (i - mu) ** 2)
    difference_mean = math.fsum(d * share for d, share in pd.items())
    sum_mean = math.fsum(s * share for s, share in ps.items())
    hxy, hx = naive_entropy(p.values()), naive_entropy(px.values())
    hxy1 = -mean(lambda i, j: math.log2(px[i] * px[j]))
    hxy2 = -math.fsum(
        a * b * math.log2(a * b) for a in px.values() for b in px.values()
    )
    covariance = mean(lambda i, j: (i - mu) * (j - mu))
    return {
        "joint_max": max(p.values()),
        "joint_average": mu,
        "joint_variance": variance,
        "joint_entropy": hxy,
        "difference_average": difference_mean,
        "difference_variance": math.fsum(
            (d - difference_mean) ** 2 * share for d, share in pd.items()
        ),
        "difference_entropy": naive_entropy(pd.values()),
        "sum_average": sum_mean,
        "sum_variance": math.fsum((s - sum_mean) ** 2 * v for s, v in ps.items()),
        "sum_entropy": naive_entropy(ps.values()),
        "angular_second_moment": math.fsum(share**2 for share in p.values()),
        "contrast": mean(lambda i, j: (i - j) ** 2),
        "dissimilarity": mean(lambda i, j: abs(i - j)),
        "inverse_difference": mean(lambda i, j: 1 / (1 + abs(i - j))),
        "normalised_inverse_difference": mean(lambda i, j: 1 / (1 + abs(i - j) / n)),
        "inverse_difference_moment": mean(lambda i, j: 1 / (1 + (i - j) ** 2)),
        "normalised_inverse_difference_moment": mean(
            lambda i, j: 1 / (1 + (i - j) ** 2 / n**2)
        ),
        "inverse_variance": 2 * mean(lambda i, j: 1 / (i - j) ** 2 if i < j else 0),
        "correlation": covariance / variance if variance > 1e-12 else math.nan,
        "autocorrelation": mean(lambda i, j: i * j),
        "cluster_tendency": mean(lambda i, j: (i + j - 2 * mu) ** 2),
        "cluster_shade": mean(lambda i, j: (i + j - 2 * mu) ** 3),
        "cluster_prominence": mean(lambda i, j: (i + j - 2 * mu) ** 4),
        "information_correlation_1": (hxy - hxy1) / hx if len(px) > 1 else math.nan,
        "information_correlation_2": math.sqrt(
            max(-math.expm1(-2 * (hxy2 - hxy)), 0.0)
        ),
    }


def naive_features(levels, n, aggregation, offsets=DEFAULT_OFFSETS):
    """Return the means over the matrices that an aggregation makes."""
    counted = {
        (f, k): naive_pairs(frame, offset)
        for f, frame in enumerate(levels)
        for k, offset in enumerate(offsets)
    }
    group = {
        "2d_avg": lambda f, k: (f, k),
        "2d_s_mrg": lambda f, k: f,
        "2.5d_d_mrg": lambda f, k: k,
        "2.5d_v_mrg": lambda f, k: 0,
    }[aggregation]
    matrices = {}
    for place, pairs in counted.items():
        matrices.setdefault(group(*place), Counter()).update(pairs)
    values = [naive_numbers(pairs, n) for pairs in matrices.values() if pairs]
    return {
        f"glcm.{name}": math.fsum(v[name] for v in values) / len(values)
        for name in values[0]
    }


def assert_same(found, expected, rtol=1e-12, atol=0.0):
    assert found.keys() == expected.keys()
    wrong = {
        key: (found[key], value)
        for key, value in expected.items()
        if not np.isclose(found[key], value, rtol=rtol, atol=atol, equal_nan=True)
    }
    assert not wrong, f"found, expected: {wrong}"


# The standard


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_ibsi_phantom(aggregation):
    levels, n = phantom_levels()
    values = glcm_features(levels, n, aggregation=aggregation)
    assert_consensus(values, FEATURES, "glcm", aggregation)


def test_ibsi_phantom_has_its_trap_outside_the_mask():
    gray, _ = phantom()
    _, n = phantom_levels()
    unmasked = glcm_features(gray.astype(np.uint16), 9)
    masked = glcm_features(phantom_levels()[0], n)
    assert unmasked["glcm.contrast"] > masked["glcm.contrast"]


@pytest.mark.parametrize(
    ("name", "offset"),
    [
        ("P_0deg", RIGHT),
        ("P_90deg", DOWN),
        ("up_right (Haralick 45deg; skimage angle 3*pi/4)", DOWN_LEFT),
        ("down_right (Haralick 135deg; skimage angle pi/4)", DOWN_RIGHT),
    ],
    ids=["0", "90", "45", "135"],
)
def test_haralicks_matrices(printed, name, offset):
    image = printed["haralick_1973_4x4"]["image"]
    expected = np.array(printed["haralick_1973_4x4"][name], float)
    found = glcm_matrix(a_frame(image) + np.uint16(1), 4, [offset])
    np.testing.assert_allclose(found * expected.sum(), expected, rtol=0, atol=1e-12)


def test_haralicks_contrast_at_two_distances(printed):
    example = printed["haralick_1973_4x4"]
    levels = a_frame(example["image"]) + np.uint16(1)
    found = [
        [glcm_by_direction(levels, 4, offsets=(o,))[o]["glcm.contrast"] for o in pair]
        for pair in (((0, 1), (1, 0)), ((0, 2), (2, 0)))
    ]
    expected = example["skimage_contrast_docstring"]["values"]
    np.testing.assert_allclose(found, expected, atol=1e-8)


def test_pyradiomics_printed_matrix(printed):
    example = printed["pyradiomics_glcm"]
    expected = np.array(example["P_0deg_symmetric"], float)
    found = glcm_matrix(a_frame(example["image"]), 5, [RIGHT])
    np.testing.assert_allclose(found * expected.sum(), expected, rtol=0, atol=1e-12)


# Real regions


@pytest.fixture(scope="module")
def muscle(shared):
    """Return two frames of vastus lateralis and an irregular mask with a hole."""
    names = ("S1_L20_step_025.png", "S3_R20_step_225.png")
    frames = [mus.read_image(shared(f"data/longitudinal_vl/{n}")).gray for n in names]
    gray = np.stack([frame[150:222, 180:262] for frame in frames])
    rows, columns = np.mgrid[:72, :82]
    angle = np.arctan2(rows - 35, columns - 40)
    far = np.hypot(rows - 35, columns - 40)
    mask = (far < 28 + 6 * np.sin(5 * angle)) & (far > 5)
    second = mask & (columns > 30)
    return gray, np.stack([mask, second])


def discretised(gray, mask, width):
    levels = np.where(mask, gray // width + 1, 0).astype(np.uint16)
    return levels, int(levels.max())


@pytest.mark.parametrize("width", [1, 8], ids=["256 levels", "32 levels"])
@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_a_real_region_is_what_a_naive_loop_finds(muscle, width, aggregation):
    levels, n = discretised(*muscle, width)
    found = glcm_features(levels, n, aggregation=aggregation)
    assert_same(found, naive_features(levels, n, aggregation))


@pytest.mark.parametrize("offset", [(0, 3), (4, 0), (-2, 5), (2, -5), (7, 1)], ids=str)
def test_other_distances_are_what_a_naive_loop_finds(muscle, offset):
    levels, n = discretised(*muscle, 8)
    found = glcm_by_direction(levels, n, offsets=(offset,))
    expected = naive_features(levels, n, "2d_avg", (offset,))
    assert_same(found[offset], expected)


def test_counts_beyond_the_table_of_logarithms(muscle):
    # One gray level fills most of the region, so that a cell holds over 4096 pairs.
    gray, _ = muscle
    levels = np.where(gray > 200, 3, np.where(gray > 120, 2, 1)).astype(np.uint16)
    found = glcm_features(levels, 3, aggregation="2.5d_v_mrg")
    assert found["glcm.joint_max"] * 4 * levels.size > 3 * 4096
    assert_same(found, naive_features(levels, 3, "2.5d_v_mrg"))


def test_one_odd_pixel_in_a_large_even_region():
    # 1 - p(1, 1) is 8 of 360 000 pairs: entropies by differences would lose digits.
    levels = np.ones((1, 300, 300), np.uint16)
    levels[0, 100, 100] = 2
    pairs = sum(
        (300 - abs(down)) * (300 - abs(right)) for down, right in DEFAULT_OFFSETS
    )
    odd = 8 / pairs
    inner = (1 - odd) * -math.log1p(-odd) / math.log(2)
    expected = inner - 2 * odd / 2 * math.log2(odd / 2)
    found = glcm_features(levels, 2)["glcm.joint_entropy"]
    assert found == pytest.approx(expected, rel=1e-13, abs=0)


def test_by_direction_means_are_the_aggregations(muscle):
    levels, n = discretised(*muscle, 8)
    for merge_frames, aggregation in ((False, "2d_avg"), (True, "2.5d_d_mrg")):
        each = glcm_by_direction(levels, n, merge_frames=merge_frames)
        assert tuple(each) == DEFAULT_OFFSETS
        found = glcm_features(levels, n, aggregation=aggregation)
        mean = {key: np.mean([v[key] for v in each.values()]) for key in found}
        assert_same(mean, found)


def test_matrix_gives_the_features(muscle):
    levels, n = discretised(*muscle, 8)
    matrix = glcm_matrix(levels, n)
    values = glcm_features(levels, n, aggregation="2.5d_v_mrg")
    i, j = np.mgrid[1 : n + 1, 1 : n + 1]
    np.testing.assert_array_equal(matrix, matrix.T)
    assert matrix.sum() == pytest.approx(1, rel=1e-14)
    assert ((i - j) ** 2 * matrix).sum() == pytest.approx(values["glcm.contrast"])
    assert (matrix**2).sum() == pytest.approx(values["glcm.angular_second_moment"])
    assert matrix.max() == pytest.approx(values["glcm.joint_max"])


# scikit-image, with the differences that the docstring tells


@pytest.mark.parametrize(
    ("offset", "angle"),
    [
        (RIGHT, 0),
        (DOWN, np.pi / 2),
        (DOWN_RIGHT, np.pi / 4),
        (DOWN_LEFT, 3 * np.pi / 4),
    ],
    ids=["right", "down", "down right", "down left"],
)
def test_scikit_image(muscle, offset, angle):
    levels, n = discretised(*muscle, 8)
    # It has no mask: level 0 is given a row and a column, which are thrown away.
    counts = graycomatrix(levels[0].astype(np.uint8), [1], [angle], n + 1)
    counts = counts + counts.transpose(1, 0, 2, 3)
    counts = counts[1:, 1:]
    share = counts / counts.sum()
    theirs = {
        name: graycoprops(share, name)[0, 0]
        for name in (
            *("contrast", "dissimilarity", "homogeneity", "ASM", "energy"),
            *("correlation", "mean", "variance", "entropy"),
        )
    }
    found = glcm_by_direction(levels[:1], n, offsets=(offset,))[offset]
    ours = {key.removeprefix("glcm."): value for key, value in found.items()}
    expected = {
        "contrast": ours["contrast"],
        "dissimilarity": ours["dissimilarity"],
        "homogeneity": ours["inverse_difference_moment"],
        "ASM": ours["angular_second_moment"],
        "energy": math.sqrt(ours["angular_second_moment"]),
        "correlation": ours["correlation"],
        "mean": ours["joint_average"] - 1,
        "variance": ours["joint_variance"],
        "entropy": ours["joint_entropy"] * math.log(2),
    }
    assert_same(theirs, expected, rtol=1e-10)


# Invariants

REGIONS = hnp.arrays(
    np.uint16,
    st.tuples(st.integers(1, 3), st.integers(1, 7), st.integers(1, 7)),
    elements=st.sampled_from([0, 1, 1, 2, 3, 3, 9]),
)
MODES = st.sampled_from(AGGREGATIONS)
few = settings(max_examples=60, deadline=None)


@few
@given(REGIONS, MODES)
def test_any_small_region_is_what_a_naive_loop_finds(levels, aggregation):
    found = glcm_features(levels, 9, aggregation=aggregation)
    if not any(naive_pairs(f, o) for f in levels for o in DEFAULT_OFFSETS):
        assert all(math.isnan(value) for value in found.values())
        return
    expected = naive_features(levels, 9, aggregation)
    # Its root turns a rounding of 1e-16 into one of 1e-8 where nothing is shared.
    key = "glcm.information_correlation_2"
    assert found.pop(key) == pytest.approx(expected.pop(key), abs=1e-7)
    assert_same(found, expected, atol=1e-12)


@few
@given(
    REGIONS,
    st.tuples(st.integers(-8, 8), st.integers(-8, 8)).filter(any),
)
def test_any_step_is_the_step_back_and_what_a_naive_loop_finds(levels, offset):
    found = glcm_matrix(levels, 9, [offset])
    np.testing.assert_array_equal(
        found, glcm_matrix(levels, 9, [(-offset[0], -offset[1])])
    )
    pairs = sum((naive_pairs(frame, offset) for frame in levels), Counter())
    values = glcm_by_direction(levels, 9, offsets=(offset,), merge_frames=True)
    if not pairs:
        assert np.isnan(found).all()
        assert math.isnan(values[offset]["glcm.contrast"])
        return
    expected = np.zeros((9, 9))
    for (i, j), count in pairs.items():
        expected[i - 1, j - 1] = count / pairs.total()
    np.testing.assert_allclose(found, expected, rtol=1e-15)
    contrast = sum((i - j) ** 2 * n for (i, j), n in pairs.items()) / pairs.total()
    assert values[offset]["glcm.contrast"] == pytest.approx(contrast, rel=1e-13)


@few
@given(REGIONS, MODES)
def test_a_quarter_turn_changes_nothing(levels, aggregation):
    turned = np.rot90(levels, axes=(1, 2))
    found = glcm_features(turned, 9, aggregation=aggregation)
    assert_same(found, glcm_features(levels, 9, aggregation=aggregation), atol=1e-12)


@few
@given(REGIONS, MODES, st.sampled_from([1, 2]))
def test_a_mirror_changes_nothing(levels, aggregation, axis):
    found = glcm_features(np.flip(levels, axis), 9, aggregation=aggregation)
    assert_same(found, glcm_features(levels, 9, aggregation=aggregation), atol=1e-12)


@few
@given(REGIONS)
def test_a_mirror_swaps_the_slanted_directions(levels):
    ours = glcm_by_direction(levels, 9)
    mirrored = glcm_by_direction(levels[:, :, ::-1], 9)
    for here, there in zip(
        DEFAULT_OFFSETS, (RIGHT, DOWN, DOWN_LEFT, DOWN_RIGHT), strict=True
    ):
        assert_same(mirrored[there], ours[here])


@few
@given(REGIONS, MODES, st.tuples(*[st.integers(0, 4)] * 4))
def test_place_and_padding_change_nothing(levels, aggregation, margins):
    top, bottom, left, right = margins
    padded = np.pad(levels, ((0, 0), (top, bottom), (left, right)))
    found = glcm_features(padded, 9, aggregation=aggregation)
    assert found == pytest.approx(
        glcm_features(levels, 9, aggregation=aggregation), rel=0, abs=0, nan_ok=True
    )


@few
@given(REGIONS, MODES)
def test_an_empty_frame_changes_nothing(levels, aggregation):
    more = np.concatenate([levels[:1], np.zeros_like(levels[:1]), levels[1:]])
    found = glcm_features(more, 9, aggregation=aggregation)
    assert_same(found, glcm_features(levels, 9, aggregation=aggregation))
    each, before = glcm_by_direction(more, 9), glcm_by_direction(levels, 9)
    for offset in DEFAULT_OFFSETS:
        assert_same(each[offset], before[offset])


@given(gray=hnp.arrays(np.uint8, (6, 7)), other=hnp.arrays(np.uint8, (6, 7)))
@few
def test_values_outside_the_mask_do_not_count(gray, other):
    mask = np.zeros((6, 7), bool)
    mask[1:5, 2:6] = True
    mask[2, 3] = False
    changed = np.where(mask, gray, other)
    first, n = discretised(gray[None], mask[None], 8)
    second, m = discretised(changed[None], mask[None], 8)
    assert n == m
    assert_same(glcm_features(second, m), glcm_features(first, n))


@few
@given(REGIONS, st.integers(1, 5), MODES)
def test_an_offset_of_levels_moves_only_the_brightness(levels, step, aggregation):
    moved = np.where(levels > 0, levels + step, 0).astype(np.uint16)
    before = glcm_features(levels, 14, aggregation=aggregation)
    after = glcm_features(moved, 14, aggregation=aggregation)
    before["glcm.joint_average"] += step
    before["glcm.sum_average"] += 2 * step
    # (i + s)(j + s) = i j + s (i + j) + s².
    mean = glcm_features(levels, 14, aggregation=aggregation)["glcm.sum_average"]
    before["glcm.autocorrelation"] += step * mean + step**2
    assert_same(after, before, rtol=1e-9, atol=1e-9)


def test_input_is_not_changed_and_any_layout_will_do(muscle):
    levels, n = discretised(*muscle, 8)
    expected = glcm_features(levels, n)
    sliced = np.pad(levels, 1)[1:-1, 1:-1, 1:-1]
    for layout in (levels, np.asfortranarray(levels), sliced):
        kept = layout.copy()
        assert glcm_features(layout, n) == expected
        np.testing.assert_array_equal(layout, kept)
        assert layout.flags.writeable
    levels.setflags(write=False)
    assert glcm_features(levels, np.uint8(n)) == expected
    assert glcm_matrix(levels, np.uint8(n)).shape == (n, n)


# What cannot be computed


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_one_gray_level(aggregation):
    values = glcm_features(np.full((2, 5, 6), 4, np.uint16), 4, aggregation=aggregation)
    nan = {key for key, value in values.items() if math.isnan(value)}
    assert nan == UNDEFINED
    assert values["glcm.joint_max"] == values["glcm.angular_second_moment"] == 1
    assert values["glcm.joint_average"] == 4
    assert values["glcm.autocorrelation"] == 16
    for name in ("joint_entropy", "contrast", "information_correlation_2"):
        assert values[f"glcm.{name}"] == 0


def test_one_even_frame_makes_the_mean_correlation_nan():
    levels = np.array([[[1, 2], [2, 1]], [[3, 3], [3, 3]]], np.uint16)
    values = glcm_features(levels, 3)
    assert {key for key, value in values.items() if math.isnan(value)} == UNDEFINED
    assert values["glcm.joint_average"] == (1.5 + 3) / 2
    pooled = glcm_features(levels, 3, aggregation="2.5d_v_mrg")
    assert not any(map(math.isnan, pooled.values()))


@pytest.mark.parametrize(
    "levels",
    [
        np.zeros((1, 4, 4)),
        np.eye(1)[None],
        np.zeros((0, 4, 4)),
        np.zeros((1, 0, 5)),
        a_frame([[1, 0, 2], [0, 0, 0], [3, 0, 4]]),
    ],
    ids=["empty", "one pixel", "no frame", "no row", "pixels apart"],
)
@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_without_a_pair_all_values_are_nan(levels, aggregation):
    levels = levels.astype(np.uint16)
    values = glcm_features(levels, 4, aggregation=aggregation)
    assert len(values) == 25
    assert all(map(math.isnan, values.values()))
    assert np.isnan(glcm_matrix(levels, 4)).all()


def test_a_distance_beyond_the_region_has_no_pair():
    levels = np.ones((1, 3, 5), np.uint16)
    values = glcm_by_direction(levels, 1, offsets=((0, 4), (3, 0), (0, 5), (9, 9)))
    joint_max = {offset: found["glcm.joint_max"] for offset, found in values.items()}
    assert joint_max.pop((0, 4)) == 1
    assert all(map(math.isnan, joint_max.values()))


def test_a_row_of_pixels_is_measured_along_itself_only():
    levels = a_frame([[1, 2, 2, 4]])
    values = glcm_features(levels, 4, aggregation="2d_avg")
    assert values["glcm.contrast"] == pytest.approx(5 / 3)


@pytest.mark.parametrize(
    ("levels", "n", "options"),
    [
        (np.ones((3, 3), np.uint16), 1, {}),
        (np.ones((1, 3, 3), np.uint8), 1, {}),
        (np.ones((1, 3, 3)), 1, {}),
        (np.full((1, 3, 3), np.nan), 1, {}),
        (np.full((1, 3, 3), 5, np.uint16), 4, {}),
        (np.ones((1, 3, 3), np.uint16), 0, {}),
        (np.ones((1, 3, 3), np.uint16), 1.0, {}),
        (np.ones((1, 3, 3), np.uint16), True, {}),
        (np.ones((1, 3, 3), np.uint16), 65535, {}),
        (np.ones((1, 3, 3), np.uint16), 1, {"aggregation": "3d_avg"}),
        (np.ones((1, 3, 3), np.uint16), 1, {"offsets": ()}),
        (np.ones((1, 3, 3), np.uint16), 1, {"offsets": ((0, 0),)}),
        (np.ones((1, 3, 3), np.uint16), 1, {"offsets": ((0, 10**30),)}),
        (np.ones((1, 3, 3), np.uint16), 1, {"offsets": (0, 1)}),
        (np.ones((1, 3, 3), np.uint16), 1, {"offsets": ((0, 1.5),)}),
        (np.ones((1, 3, 3), np.uint16), 1, {"offsets": ((0, 1), (0, -1))}),
        (np.ones((1, 3, 3), np.uint16), 1, {"offsets": ((0, 1, 1),)}),
        (np.ones((1, 3, 3), np.uint16), 1, {"offsets": [(1, k) for k in range(65)]}),
    ],
    ids=[
        *("two axes", "8 bit", "float", "nan", "level above the highest", "no level"),
        *("number not whole", "number is a truth value", "too many levels"),
        *("aggregation", "no offset", "distance 0", "huge offset", "flat offsets"),
        *("offset not whole", "there and back", "three axes", "65 offsets"),
    ],
)
def test_bad_input_is_one_sentence(levels, n, options, one_sentence):
    with pytest.raises(MeasureError) as caught:
        glcm_features(levels, n, **options)
    assert one_sentence(str(caught.value))


def test_counts_that_could_overflow_are_refused(monkeypatch, one_sentence):
    levels = np.ones((3, 4, 5), np.uint16)
    levels[:, 0] = 0
    monkeypatch.setattr(glcm, "_MAX_PAIRS", 4 * 45 - 1)
    with pytest.raises(MeasureError, match="45 pixels and 4 directions") as caught:
        glcm_features(levels, 1, aggregation="2.5d_v_mrg")
    assert one_sentence(str(caught.value))
    with pytest.raises(MeasureError, match="45 pixels"):
        glcm_matrix(levels, 1)
    assert glcm_features(levels, 1, aggregation="2d_s_mrg")["glcm.joint_max"] == 1
    monkeypatch.setattr(glcm, "_MAX_PAIRS", 4 * 45)
    assert glcm_features(levels, 1, aggregation="2.5d_v_mrg")["glcm.joint_max"] == 1


def test_each_feature_is_told_once():
    assert len(FEATURES) == len({feature.key for feature in FEATURES}) == 25
    assert len({feature.ibsi for feature in FEATURES}) == 25
    for feature in FEATURES:
        assert feature.family == "glcm"
        assert feature.meaning.endswith(".")
        assert feature.meaning.count(". ") == 0
        assert (feature.unit == "bit") == ("entropy" in feature.key)
