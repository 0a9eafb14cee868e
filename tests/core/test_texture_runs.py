"""Run length matrix: IBSI's consensus, printed examples, naive loops, invariants."""

from __future__ import annotations

import csv
import json
import math
import subprocess
import sys
from itertools import groupby

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.texture import gldzm, glrlm, glszm, ngldm, ngtdm
from napari_muscle_us.measure.texture.glrlm import (
    FEATURES,
    glrlm_features,
    glrlm_matrix,
)
from napari_muscle_us.measure.texture.offsets import DIRECTIONS
from tests.core.texture_naive import (
    AGGREGATIONS,
    MUSCLES,
    TURNS,
    assert_same,
    bad_calls,
    emphases,
    muscle_levels,
    naive_mean,
    small_levels,
)
from tests.core.texture_phantom import assert_consensus, phantom, phantom_levels


@pytest.fixture(params=MUSCLES)
def muscle(request, shared):
    return muscle_levels(shared, request.param)


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


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
def test_all_values_are_the_consensus_of_the_ibsi(aggregation):
    values = glrlm_features(*phantom_levels(), aggregation=aggregation)
    assert_consensus(values, FEATURES, "glrlm", aggregation)


def test_the_level_outside_the_mask_is_in_no_run():
    gray, mask = phantom()
    assert gray[~mask].max() == 9
    levels, n_levels = phantom_levels()
    assert (n_levels, glrlm_matrix(levels, 9).counts[8].sum()) == (6, 0)
    forgotten = glrlm_matrix(gray.astype(np.uint16), 9)
    assert forgotten.counts[8].sum() == 4


def test_matrix_is_the_one_printed_by_pyradiomics(shared):
    printed = json.loads(shared("oracles/texture_worked_examples.json").read_text())
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
def test_features_of_muscle_are_those_of_a_naive_loop(muscle, offsets, aggregation):
    found = glrlm_features(muscle, 32, offsets=offsets, aggregation=aggregation)
    assert_same(found, naive_features(muscle, offsets, aggregation))


@settings(deadline=None, max_examples=60)
@given(small_levels, st.sampled_from(AGGREGATIONS))
def test_features_of_any_region_are_those_of_a_naive_loop(levels, aggregation):
    found = glrlm_features(levels, 4, aggregation=aggregation)
    assert_same(found, naive_features(levels, DIRECTIONS, aggregation))


@pytest.mark.parametrize("turn", TURNS.values(), ids=TURNS.keys())
@settings(deadline=None, max_examples=25)
@given(levels=small_levels)
def test_turning_and_moving_change_nothing(turn, levels):
    before, after = glrlm_matrix(levels, 4), glrlm_matrix(turn(levels), 4)
    assert after.counts.tolist() == before.counts.tolist()
    assert after.n_units == before.n_units
    for aggregation in AGGREGATIONS:
        assert_same(
            glrlm_features(turn(levels), 4, aggregation=aggregation),
            glrlm_features(levels, 4, aggregation=aggregation),
        )


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


def test_a_step_beyond_the_region_makes_every_pixel_a_run(muscle):
    matrix = glrlm_matrix(muscle, 32, offsets=((0, 10_000), (10_000, -1)))
    assert matrix.columns.tolist() == [1]
    assert matrix.counts.sum() == matrix.n_units == 2 * np.count_nonzero(muscle)


def test_a_higher_number_of_levels_changes_no_feature(muscle):
    assert_same(glrlm_features(muscle, 256), glrlm_features(muscle, 32), rtol=0)


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


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
@pytest.mark.parametrize("shape", [(1, 5, 4), (0, 5, 4), (2, 0, 3)], ids=str)
def test_an_empty_region_has_no_value(shape, aggregation):
    values = glrlm_features(np.zeros(shape, np.uint16), 0, aggregation=aggregation)
    assert list(values) == [feature.key for feature in FEATURES]
    assert all(math.isnan(value) for value in values.values())
    assert glrlm_matrix(np.zeros(shape, np.uint16), 0).counts.shape == (0, 0)


@pytest.mark.parametrize(
    ("function", "arguments", "options", "words"),
    [
        *bad_calls(glrlm_features),
        *(
            pytest.param(
                glrlm_features,
                (np.ones((1, 2, 2), np.uint16), 1),
                {"offsets": offsets},
                words,
                id=f"offsets {offsets}",
            )
            for offsets, words in [
                (((0, 1), (0, 0)), "no direction"),
                ((), "pairs of whole steps"),
                (((0.5, 1.0),), "pairs of whole steps"),
                ((0, 1), "pairs of whole steps"),
                (((0, 1, 1),), "pairs of whole steps"),
            ]
        ),
    ],
)
def test_what_cannot_be_used_is_refused_in_a_sentence(
    function, arguments, options, words
):
    with pytest.raises(MeasureError, match=words):
        function(*arguments, **options)


def test_input_and_results_stay_as_they_are(muscle):
    before = muscle.copy()
    matrix = glrlm_matrix(muscle, 32)
    assert (muscle == before).all()
    with pytest.raises(ValueError, match="read-only"):
        matrix.counts[0, 0] = 1


def test_no_family_compiles_at_import():
    names = ("glrlm", "glszm", "gldzm", "ngtdm", "ngldm")
    package = "napari_muscle_us.measure.texture"
    code = f"import sys, {', '.join(f'{package}.{name}' for name in names)}\n"
    code += "sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_keys_are_the_names_and_codes_of_the_standard(shared):
    with shared("oracles/ibsi1_digital_phantom.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    families = {"rlm": glrlm, "szm": glszm, "dzm": gldzm, "ngt": ngtdm, "ngl": ngldm}
    for name, module in families.items():
        wanted = {
            row["ibsi_code"]: row["feature"].lower().replace(" ", "_").replace("-", "_")
            for row in rows
            if row["family"] == name
        }
        found = {f.ibsi: f.key.partition(".")[2] for f in module.FEATURES}
        assert found == wanted
        assert {f.family for f in module.FEATURES} == {module.__name__.split(".")[-1]}
