"""Zone matrices: a printed example, naive loops, invariants."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_muscle_us.measure.texture import gldzm, glszm
from napari_muscle_us.measure.texture.gldzm import gldzm_features, gldzm_matrix
from napari_muscle_us.measure.texture.glszm import glszm_features, glszm_matrix
from tests.core.texture_naive import (
    AGGREGATIONS,
    assert_same,
    emphases,
    naive_mean,
    small_levels,
    stacks_of,
)

FAMILIES = {
    "glszm": (glszm_features, glszm_matrix, glszm.FEATURES),
    "gldzm": (gldzm_features, gldzm_matrix, gldzm.FEATURES),
}


def naive_zones(frame):
    """Return (level, size, distance) of the zones of a frame, by flooding."""
    inside = {(int(r), int(c)): int(frame[r, c]) for r, c in np.argwhere(frame)}
    outside = np.argwhere(np.pad(frame, 1) == 0) - 1
    left, zones = set(inside), []
    while left:
        start = left.pop()
        zone, edge = [start], [start]
        while edge:
            r, c = edge.pop()
            for there in [(r + y, c + x) for y in (-1, 0, 1) for x in (-1, 0, 1)]:
                if there in left and inside[there] == inside[start]:
                    left.remove(there)
                    zone.append(there)
                    edge.append(there)
        distance = min(int(abs(outside - pixel).sum(axis=1).min()) for pixel in zone)
        zones.append((inside[start], len(zone), distance))
    return zones


def naive_features(levels, family, aggregation):
    second = {"glszm": 1, "gldzm": 2}[family]
    values = []
    for stack in stacks_of(levels, aggregation):
        things = [(z[0], z[second]) for frame in stack for z in naive_zones(frame)]
        values.append(emphases(things, sum(map(np.count_nonzero, stack))))
    return naive_mean(values, FAMILIES[family][2])


def test_size_zones_are_those_printed_by_pyradiomics(printed):
    image = np.array(printed["pyradiomics_glrlm_glszm_gldm_image"], np.uint16)
    matrix = glszm_matrix(image[None], 5)
    wanted = np.array(printed["pyradiomics_glszm_8conn"])
    assert matrix.columns.tolist() == (np.flatnonzero(wanted.any(axis=0)) + 1).tolist()
    assert matrix.counts.tolist() == wanted[:, wanted.any(axis=0)].tolist()


@pytest.mark.parametrize("aggregation", ["2d_s_mrg", "2.5d_v_mrg"])
@pytest.mark.parametrize("family", FAMILIES)
def test_features_of_muscle_are_those_of_a_naive_loop(
    muscle_frames, family, aggregation
):
    found = FAMILIES[family][0](muscle_frames, 32, aggregation=aggregation)
    assert_same(found, naive_features(muscle_frames, family, aggregation))


@pytest.mark.parametrize("family", FAMILIES)
@settings(deadline=None, max_examples=100)
@given(levels=small_levels, aggregation=st.sampled_from(AGGREGATIONS))
def test_features_of_any_region_are_those_of_a_naive_loop(family, levels, aggregation):
    found = FAMILIES[family][0](levels, 4, aggregation=aggregation)
    assert_same(found, naive_features(levels, family, aggregation))


def spiral(size):
    """Return a spiral of level 1 in level 2: every turn is joined only at its end."""
    field = np.full((size, size), 2, np.uint16)
    row, column, down, right = 0, 0, 0, 1
    field[0, 0] = 1
    for length in [size - 1] * 3 + [k for j in range(size - 3, 0, -2) for k in (j, j)]:
        for _ in range(length):
            row, column = row + down, column + right
            field[row, column] = 1
        down, right = right, -down
    return field


def test_zones_that_wind_are_one_zone_each():
    levels = spiral(61)[None]
    matrix = glszm_matrix(levels, 2)
    n_ones = int((levels == 1).sum())
    assert matrix.columns.tolist() == [61 * 61 - n_ones, n_ones]
    assert matrix.counts.tolist() == [[0, 1], [1, 0]]


def test_a_comb_joined_at_its_last_row_is_one_zone():
    levels = np.zeros((1, 30, 41), np.uint16)
    levels[0, :, ::2] = 1
    levels[0, -1] = 1
    matrix = glszm_matrix(levels, 1)
    assert (matrix.counts.tolist(), matrix.columns.tolist()) == ([[1]], [29 * 21 + 41])


def test_distance_goes_along_rows_and_columns_and_the_image_is_an_edge():
    levels = np.arange(1, 50, dtype=np.uint16).reshape(1, 7, 7)
    rings = np.minimum(np.arange(7), np.arange(7)[::-1]) + 1
    wanted = np.minimum(rings[:, None], rings)
    # One pixel outside, in the middle: from there the distance is a diamond.
    levels[0, 3, 3] = 0
    y, x = np.mgrid[:7, :7]
    wanted = np.minimum(wanted, abs(y - 3) + abs(x - 3))
    matrix = gldzm_matrix(levels, 49)
    found = matrix.columns[matrix.counts.argmax(axis=1)].reshape(7, 7)
    found[3, 3] = 0
    assert found.tolist() == wanted.tolist()


def test_zones_hold_every_pixel_once(muscle_frames):
    sizes, distances = glszm_matrix(muscle_frames, 32), gldzm_matrix(muscle_frames, 32)
    pixels = np.bincount(muscle_frames[muscle_frames > 0], minlength=33)[1:]
    assert (sizes.counts @ sizes.columns).tolist() == pixels.tolist()
    assert sizes.counts.sum(axis=1).tolist() == distances.counts.sum(axis=1).tolist()
    assert sizes.n_units == distances.n_units == np.count_nonzero(muscle_frames)


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
@pytest.mark.parametrize("family", FAMILIES)
def test_one_pixel_is_a_zone_of_one(family, aggregation):
    levels = np.zeros((2, 3, 3), np.uint16)
    levels[1, 1, 1] = 2
    values = list(FAMILIES[family][0](levels, 2, aggregation=aggregation).values())
    assert values == [1, 1, 0.25, 4, 0.25, 4, 0.25, 4, 1, 1, 1, 1, 1, 0, 0, 0]
    assert all(math.copysign(1, value) == 1 for value in values)


def test_a_constant_region_is_one_zone_at_the_edge():
    levels = np.full((1, 9, 8), 5, np.uint16)
    assert glszm_features(levels, 5)["glszm.large_zone_emphasis"] == 72**2
    assert gldzm_features(levels, 5)["gldzm.large_distance_emphasis"] == 1
    assert gldzm_features(levels, 5)["gldzm.zone_distance_entropy"] == 0
