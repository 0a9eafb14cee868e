"""Neighbourhoods: printed examples, naive loops, invariants."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.texture import ngldm, ngtdm
from napari_muscle_us.measure.texture.ngldm import ngldm_features, ngldm_matrix
from napari_muscle_us.measure.texture.ngtdm import ngtdm_features, ngtdm_matrix
from tests.core.texture_naive import (
    AGGREGATIONS,
    assert_same,
    emphases,
    naive_mean,
    small_levels,
    stacks_of,
)


def neighbourhoods(frame, reach):
    """Yield the level of each pixel and the list of its neighbours' levels."""
    height, width = frame.shape
    for row, column in np.argwhere(frame):
        yield (
            int(frame[row, column]),
            [
                int(frame[r, c])
                for r in range(max(0, row - reach), min(height, row + reach + 1))
                for c in range(max(0, column - reach), min(width, column + reach + 1))
                if (r, c) != (row, column) and frame[r, c]
            ],
        )


def naive_tones(stack, reach):
    """Return the 5 features, in the symbols of the standard."""
    terms, n = {}, {}
    for frame in stack:
        for i, around in neighbourhoods(frame, reach):
            if around:
                n[i] = n.get(i, 0) + 1
                terms.setdefault(i, []).append(abs(i - sum(around) / len(around)))
    if not n:
        return None
    total = sum(n.values())
    p = {i: n[i] / total for i in n}
    s = {i: math.fsum(terms[i]) for i in n}
    pairs = [(i, j) for i in n for j in n]
    weighted = math.fsum(p[i] * s[i] for i in n)
    apart = sum(abs(i * n[i] - j * n[j]) for i, j in pairs) / total
    spread = math.fsum(p[i] * p[j] * (i - j) ** 2 for i, j in pairs)
    all_s = math.fsum(s.values())
    big = math.fsum((p[i] + p[j]) * (i - j) ** 2 for i, j in pairs)
    return [
        1 / weighted if weighted else math.nan,
        spread / (len(n) * (len(n) - 1)) * all_s / total if len(n) > 1 else math.nan,
        weighted / apart if apart else math.nan,
        math.fsum(
            abs(i - j) * (p[i] * s[i] + p[j] * s[j]) / (p[i] + p[j]) for i, j in pairs
        )
        / total,
        big / all_s if all_s else math.nan,
    ]


def naive_tone_features(levels, reach, aggregation):
    values = [naive_tones(stack, reach) for stack in stacks_of(levels, aggregation)]
    known = [value for value in values if value] or [[math.nan] * 5]
    return naive_mean(known, ngtdm.FEATURES)


def naive_dependence_features(levels, reach, alpha, aggregation):
    values = []
    for stack in stacks_of(levels, aggregation):
        things = [
            (i, 1 + sum(abs(i - j) <= alpha for j in around))
            for frame in stack
            for i, around in neighbourhoods(frame, reach)
        ]
        values.append(emphases(things, len(things)))
    return naive_mean(values, ngldm.FEATURES)


def test_tone_differences_are_those_worked_out_by_pyradiomics(printed):
    example = printed["pyradiomics_ngtdm"]
    table = ngtdm_matrix(np.array(example["image"], np.uint16)[None], 5)
    assert table.counts.tolist() == example["n"]
    np.testing.assert_allclose(table.differences, example["s"], rtol=1e-7)


def test_dependences_are_those_printed_by_pyradiomics(printed):
    image = np.array(printed["pyradiomics_glrlm_glszm_gldm_image"], np.uint16)
    matrix = ngldm_matrix(image[None], 5)
    assert matrix.counts.tolist() == printed["pyradiomics_gldm_alpha0_delta1"]


@pytest.mark.parametrize("aggregation", ["2d_s_mrg", "2.5d_v_mrg"])
@pytest.mark.parametrize("reach", [1, 2, 4])
def test_tones_of_muscle_are_those_of_a_naive_loop(muscle_frames, reach, aggregation):
    found = ngtdm_features(
        muscle_frames, 32, distance_px=reach, aggregation=aggregation
    )
    assert_same(found, naive_tone_features(muscle_frames, reach, aggregation))


@pytest.mark.parametrize("aggregation", ["2d_s_mrg", "2.5d_v_mrg"])
@pytest.mark.parametrize(("reach", "alpha"), [(1, 0), (1, 2), (3, 0), (2, 1)])
def test_dependences_of_muscle_are_those_of_a_naive_loop(
    muscle_frames,
    reach,
    alpha,
    aggregation,
):
    found = ngldm_features(
        muscle_frames, 32, distance_px=reach, alpha=alpha, aggregation=aggregation
    )
    assert_same(
        found, naive_dependence_features(muscle_frames, reach, alpha, aggregation)
    )


@settings(deadline=None, max_examples=80)
@given(small_levels, st.integers(1, 15), st.sampled_from(AGGREGATIONS))
def test_tones_of_any_region_are_those_of_a_naive_loop(levels, reach, aggregation):
    found = ngtdm_features(levels, 4, distance_px=reach, aggregation=aggregation)
    assert_same(found, naive_tone_features(levels, reach, aggregation), rtol=1e-11)


@settings(deadline=None, max_examples=80)
@given(
    small_levels,
    st.integers(1, 15),
    st.integers(0, 5),
    st.sampled_from(AGGREGATIONS),
)
def test_dependences_of_any_region_are_those_of_a_naive_loop(
    levels, reach, alpha, aggregation
):
    found = ngldm_features(
        levels, 4, distance_px=reach, alpha=alpha, aggregation=aggregation
    )
    assert_same(found, naive_dependence_features(levels, reach, alpha, aggregation))


@settings(deadline=None, max_examples=40)
@given(small_levels, st.integers(0, 4))
def test_every_pixel_has_one_dependence(levels, alpha):
    matrix = ngldm_matrix(levels, 4, alpha=alpha)
    pixels = np.bincount(levels[levels > 0], minlength=5)[1:]
    assert matrix.counts.sum(axis=1).tolist() == pixels.tolist()
    assert ngldm_features(levels, 4)["ngldm.dependence_count_percentage"] == 1


def test_pixels_without_a_neighbour_have_no_tone_difference():
    levels = np.zeros((1, 5, 5), np.uint16)
    levels[0, ::4, ::4] = [[1, 2], [3, 4]]
    values = ngtdm_features(levels, 4)
    assert all(math.isnan(value) for value in values.values())
    assert ngtdm_matrix(levels, 4).counts.tolist() == [0, 0, 0, 0]
    # Four pixels further on they are neighbours.
    assert not math.isnan(ngtdm_features(levels, 4, distance_px=4)["ngtdm.contrast"])


def test_a_lonely_pixel_does_not_count_beside_others():
    levels = np.zeros((1, 4, 6), np.uint16)
    levels[0, :2, :2] = [[1, 2], [2, 5]]
    alone = levels.copy()
    alone[0, 3, 5] = 4
    assert_same(ngtdm_features(alone, 5), ngtdm_features(levels, 5), rtol=0)


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_a_frame_without_a_neighbour_is_passed_over(aggregation):
    levels = np.zeros((2, 3, 3), np.uint16)
    levels[0, :2, :2] = [[1, 2], [2, 5]]
    levels[1, 1, 1] = 3
    found = ngtdm_features(levels, 5, aggregation=aggregation)
    assert_same(found, ngtdm_features(levels[:1], 5), rtol=0)


def test_a_frame_that_divides_by_zero_leaves_the_mean_without_a_value():
    levels = np.array([[[1, 2], [2, 5]], [[4, 4], [4, 4]]], np.uint16)
    values = ngtdm_features(levels, 5)
    assert math.isnan(values["ngtdm.coarseness"])
    alone = ngtdm_features(levels[:1], 5)
    assert values["ngtdm.complexity"] == alone["ngtdm.complexity"] / 2


def test_division_by_zero_is_no_value():
    constant = ngtdm_features(np.full((1, 4, 5), 3, np.uint16), 3)
    assert {key for key, value in constant.items() if math.isnan(value)} == {
        "ngtdm.coarseness",
        "ngtdm.contrast",
        "ngtdm.busyness",
        "ngtdm.strength",
    }
    assert constant["ngtdm.complexity"] == 0
    # Two pixels of level 1 and one of level 2: the products i·p are equal.
    even = ngtdm_features(np.array([[[1, 1, 2]]], np.uint16), 2)
    assert [key for key, value in even.items() if math.isnan(value)] == [
        "ngtdm.busyness"
    ]


def test_one_pixel_depends_on_itself_only():
    levels = np.zeros((1, 3, 3), np.uint16)
    levels[0, 2, 0] = 2
    values = list(ngldm_features(levels, 2).values())
    assert values == [1, 1, 0.25, 4, 0.25, 4, 0.25, 4, 1, 1, 1, 1, 1, 0, 0, 0, 1]


def test_dependence_in_a_constant_region_is_the_part_of_the_window_inside():
    matrix = ngldm_matrix(np.full((1, 5, 6), 2, np.uint16), 2)
    assert matrix.columns.tolist() == list(range(1, 10))
    assert matrix.counts[1].tolist() == [0, 0, 0, 4, 0, 14, 0, 0, 12]


def bad_options():
    for function in (ngtdm_features, ngldm_features):
        for distance in (0, -1, 16, 1.5, True):
            yield function, {"distance_px": distance}, f"it is {distance}"
    for alpha in (-1, 0.5, True):
        yield ngldm_features, {"alpha": alpha}, f"is {alpha}"


@pytest.mark.parametrize(("function", "options", "words"), [*bad_options()])
def test_what_cannot_be_used_is_refused_in_a_sentence(function, options, words):
    with pytest.raises(MeasureError, match=words):
        function(np.ones((1, 2, 2), np.uint16), 1, **options)
