"""Run length matrix: a printed example, naive loops, invariants."""

from __future__ import annotations

import math
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.texture.glrlm import (
    FEATURES,
    glrlm_features,
    glrlm_matrix,
)
from napari_muscle_us.measure.texture.offsets import DIRECTIONS
from tests.core.texture_naive import (
    AGGREGATIONS,
    assert_same,
    emphases,
    naive_mean,
    small_levels,
)


def naive_runs(frame, offset):
    """Return (level, length) of the runs of a frame, line by line."""
    down, right = offset
    height, width = frame.shape
    runs = []
    for row in range(height):
        for column in range(width):
            before = row - down, column - right
            if 0 <= before[0] < height and 0 <= before[1] < width:
                continue
            line, r, c = [], row, column
            while 0 <= r < height and 0 <= c < width:
                line.append(int(frame[r, c]))
                r, c = r + down, c + right
            runs += [(k, len(list(same))) for k, same in groupby(line) if k]
    return runs


def naive_features(levels, offsets, aggregation):
    frames = [frame for frame in levels if frame.any()]
    apart = {
        (f, o): naive_runs(frame, offset)
        for f, frame in enumerate(frames)
        for o, offset in enumerate(offsets)
    }
    by_key = {
        "2d_avg": lambda f, o: (f, o),
        "2d_s_mrg": lambda f, o: f,
        "2.5d_d_mrg": lambda f, o: o,
        "2.5d_v_mrg": lambda f, o: 0,
    }[aggregation]
    merged, pixels = {}, {}
    for (f, o), runs in apart.items():
        key = by_key(f, o)
        merged[key] = merged.get(key, []) + runs
        pixels[key] = pixels.get(key, 0) + np.count_nonzero(frames[f])
    return naive_mean([emphases(merged[k], pixels[k]) for k in merged], FEATURES)


def test_matrix_is_the_one_printed_by_pyradiomics(printed):
    image = np.array(printed["pyradiomics_glrlm_glszm_gldm_image"], np.uint16)
    matrix = glrlm_matrix(image[None], 5, offsets=((0, 1),))
    wanted = np.array(printed["pyradiomics_glrlm_0deg"])
    assert matrix.columns.tolist() == [1, 2, 3]
    assert matrix.counts.tolist() == wanted[:, :3].tolist()
    assert not wanted[:, 3:].any()
    assert matrix.n_units == 25


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
@pytest.mark.parametrize(
    "offsets",
    [DIRECTIONS, ((0, 3), (2, -1), (-4, 0)), ((1, 0),)],
    ids=["four directions", "longer steps", "depth"],
)
def test_features_of_muscle_are_those_of_a_naive_loop(
    muscle_frames, offsets, aggregation
):
    found = glrlm_features(muscle_frames, 32, offsets=offsets, aggregation=aggregation)
    assert_same(found, naive_features(muscle_frames, offsets, aggregation))


@settings(deadline=None, max_examples=60)
@given(small_levels, st.sampled_from(AGGREGATIONS))
def test_features_of_any_region_are_those_of_a_naive_loop(levels, aggregation):
    found = glrlm_features(levels, 4, aggregation=aggregation)
    assert_same(found, naive_features(levels, DIRECTIONS, aggregation))


@settings(deadline=None, max_examples=40)
@given(small_levels, st.integers(-9, 9), st.integers(-9, 9))
def test_runs_hold_every_pixel_once_and_have_no_sense(levels, down, right):
    if (down, right) == (0, 0):
        down = 1
    there = glrlm_matrix(levels, 4, offsets=((down, right),))
    back = glrlm_matrix(levels, 4, offsets=((-down, -right),))
    assert there.counts.tolist() == back.counts.tolist()
    pixels = there.counts @ there.columns
    assert pixels.tolist() == np.bincount(levels[levels > 0], minlength=5)[1:].tolist()
    assert there.n_units == pixels.sum()


def test_a_step_beyond_the_region_makes_every_pixel_a_run(muscle_frames):
    matrix = glrlm_matrix(muscle_frames, 32, offsets=((0, 10_000), (10_000, -1)))
    assert matrix.columns.tolist() == [1]
    assert matrix.counts.sum() == matrix.n_units == 2 * np.count_nonzero(muscle_frames)


def test_a_higher_number_of_levels_changes_no_feature(muscle_frames):
    assert_same(
        glrlm_features(muscle_frames, 256), glrlm_features(muscle_frames, 32), rtol=0
    )


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_one_pixel_is_a_run_of_one(aggregation):
    levels = np.zeros((2, 3, 3), np.uint16)
    levels[1, 1, 2] = 3
    values = list(glrlm_features(levels, 3, aggregation=aggregation).values())
    ninth = 1 / 9
    assert values == pytest.approx(
        [1, 1, ninth, 9, ninth, 9, ninth, 9, *glnu_of(aggregation), 1, 0, 0, 0]
    )
    assert all(math.copysign(1, value) == 1 for value in values)


def glnu_of(aggregation):
    """Return the four non-uniformities of one pixel: the number of its runs, and 1."""
    n_runs = 4 if aggregation in {"2d_s_mrg", "2.5d_v_mrg"} else 1
    return n_runs, 1, n_runs, 1


def test_a_constant_region_has_one_level_and_no_variance_of_it():
    values = glrlm_features(np.full((1, 4, 4), 2, np.uint16), 2)
    assert values["glrlm.grey_level_variance"] == 0
    assert values["glrlm.normalised_grey_level_non_uniformity"] == 1
    # Lateral and depth: 4 runs of 4 each; a diagonal: 1 of 4 and 2 each of 3, 2, 1.
    assert values["glrlm.run_percentage"] == (4 + 4 + 7 + 7) / 64


@pytest.mark.parametrize(
    ("offsets", "words"),
    [
        (((0, 1), (0, 0)), "no direction"),
        ((), "pairs of whole steps"),
        (((0.5, 1.0),), "pairs of whole steps"),
        ((0, 1), "pairs of whole steps"),
        (((0, 1, 1),), "pairs of whole steps"),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(offsets, words):
    with pytest.raises(MeasureError, match=words):
        glrlm_features(np.ones((1, 2, 2), np.uint16), 1, offsets=offsets)


def test_input_and_results_stay_as_they_are(muscle_frames):
    before = muscle_frames.copy()
    matrix = glrlm_matrix(muscle_frames, 32)
    assert (muscle_frames == before).all()
    with pytest.raises(ValueError, match="read-only"):
        matrix.counts[0, 0] = 1
