"""What holds for all families of count matrices: IBSI's consensus, invariants."""

from __future__ import annotations

import csv
import math
import subprocess
import sys
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.texture import gldzm, glrlm, glszm, ngldm, ngtdm
from tests.core.texture_naive import AGGREGATIONS, assert_same, small_levels
from tests.core.texture_phantom import (
    FAMILY_CODES,
    assert_consensus,
    phantom,
    phantom_levels,
)

FAMILIES = {
    "glrlm": (glrlm.glrlm_features, glrlm.glrlm_matrix, glrlm.FEATURES),
    "glszm": (glszm.glszm_features, glszm.glszm_matrix, glszm.FEATURES),
    "gldzm": (gldzm.gldzm_features, gldzm.gldzm_matrix, gldzm.FEATURES),
    "ngtdm": (ngtdm.ngtdm_features, ngtdm.ngtdm_matrix, ngtdm.FEATURES),
    "ngldm": (ngldm.ngldm_features, ngldm.ngldm_matrix, ngldm.FEATURES),
}
UNDIRECTED = [family for family in FAMILIES if family != "glrlm"]
REACHING = ("ngtdm", "ngldm")

TURNS = {
    "quarter turn": lambda levels: np.rot90(levels, axes=(1, 2)),
    "half turn": lambda levels: np.rot90(levels, 2, axes=(1, 2)),
    "mirror left to right": lambda levels: levels[:, :, ::-1],
    "mirror up and down": lambda levels: levels[:, ::-1],
    "padding": lambda levels: np.pad(levels, ((0, 0), (3, 1), (0, 4))),
    "shift": lambda levels: np.pad(levels, ((0, 0), (0, 5), (2, 0))),
    "empty frames": lambda levels: np.pad(levels, ((1, 2), (0, 0), (0, 0))),
    "frames backwards": lambda levels: levels[::-1],
}


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
@pytest.mark.parametrize("family", FAMILIES)
def test_all_values_are_the_consensus_of_the_ibsi(family, aggregation):
    function, _, features = FAMILIES[family]
    values = function(*phantom_levels(), aggregation=aggregation)
    assert_consensus(values, features, family, aggregation)


@pytest.mark.parametrize("family", FAMILIES)
def test_the_level_outside_the_mask_is_not_counted(family):
    _, matrix, _ = FAMILIES[family]
    gray, mask = phantom()
    assert gray[~mask].max() == 9
    levels, n_levels = phantom_levels()
    assert (n_levels, matrix(levels, 9).counts[8].sum()) == (6, 0)
    # One pixel: a zone, a neighbourhood, a run in each direction.
    forgotten = matrix(gray.astype(np.uint16), 9)
    assert forgotten.counts[8].sum() == (1 if family in UNDIRECTED else 4)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("turn", TURNS.values(), ids=TURNS.keys())
@settings(deadline=None, max_examples=25)
@given(levels=small_levels, reach=st.integers(1, 3))
def test_turning_and_moving_change_nothing(family, turn, levels, reach):
    function, matrix, _ = FAMILIES[family]
    options = {"distance_px": reach} if family in REACHING else {}
    before, after = matrix(levels, 4, **options), matrix(turn(levels), 4, **options)
    np.testing.assert_equal(asdict(after), asdict(before))
    for aggregation in AGGREGATIONS:
        assert_same(
            function(turn(levels), 4, aggregation=aggregation, **options),
            function(levels, 4, aggregation=aggregation, **options),
        )


@pytest.mark.parametrize("family", UNDIRECTED)
def test_the_two_ways_of_aggregation_have_two_names_each(muscle_frames, family):
    function, _, _ = FAMILIES[family]
    values = [function(muscle_frames, 32, aggregation=name) for name in AGGREGATIONS]
    assert values[0] == values[1] != values[2] == values[3]


@pytest.mark.parametrize("aggregation", AGGREGATIONS)
@pytest.mark.parametrize("shape", [(2, 4, 3), (0, 5, 4), (2, 0, 3)], ids=str)
@pytest.mark.parametrize("family", FAMILIES)
def test_an_empty_region_has_no_value(family, shape, aggregation):
    function, matrix, features = FAMILIES[family]
    values = function(np.zeros(shape, np.uint16), 0, aggregation=aggregation)
    assert list(values) == [feature.key for feature in features]
    assert all(math.isnan(value) for value in values.values())
    empty = asdict(matrix(np.zeros(shape, np.uint16), 0))
    assert [np.size(empty[name]) for name in empty if name != "n_units"] == [0, 0]


def bad_calls():
    levels = np.ones((1, 2, 2), np.uint16)
    levels[0, 0, 0] = 7
    return [
        pytest.param((levels[0], 7), {}, "2 dimensions", id="flat"),
        pytest.param((levels.astype(float), 7), {}, "float64", id="float"),
        pytest.param((levels.astype(int), 7), {}, "int64", id="int64"),
        pytest.param((levels, 6), {}, "gray level 7, but 6", id="too few"),
        pytest.param((levels, -1), {}, "but -1 levels", id="negative"),
        pytest.param((levels, 7.0), {}, "it is 7.0", id="not whole"),
        pytest.param((levels, True), {}, "it is True", id="bool"),
        pytest.param((levels, 70_000), {}, "70000 were given", id="too many"),
        pytest.param((levels, 7), {"aggregation": "3d_avg"}, "'3d_avg'", id="volume"),
    ]


@pytest.mark.parametrize(("arguments", "options", "words"), bad_calls())
@pytest.mark.parametrize("family", FAMILIES)
def test_what_cannot_be_used_is_refused_in_a_sentence(
    family, arguments, options, words
):
    with pytest.raises(MeasureError, match=words):
        FAMILIES[family][0](*arguments, **options)


def test_no_family_compiles_at_import():
    package = "napari_muscle_us.measure.texture"
    code = f"import sys, {', '.join(f'{package}.{name}' for name in FAMILIES)}\n"
    code += "sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("family", FAMILIES)
def test_keys_are_the_names_and_codes_of_the_standard(shared, family):
    with shared("oracles/ibsi1_digital_phantom.csv").open(newline="") as file:
        wanted = {
            row["ibsi_code"]: row["feature"].lower().replace(" ", "_").replace("-", "_")
            for row in csv.DictReader(file)
            if row["family"] == FAMILY_CODES[family]
        }
    features = FAMILIES[family][2]
    assert {f.ibsi: f.key.partition(".")[2] for f in features} == wanted
    assert {f.family for f in features} == {family}
