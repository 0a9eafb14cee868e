"""What must not change texture: gain, turning, mirroring, place, what lies outside.

All families at once through `measure_texture`, all maps through `compute_texture_map`.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from napari_muscle_us.measure.texture.map_features import MAP_FEATURES
from napari_muscle_us.measure.texture.maps import compute_texture_map
from napari_muscle_us.measure.texture.measure import measure_texture
from napari_muscle_us.measure.texture.settings import FAMILIES

AGGREGATIONS = ("2d_avg", "2d_s_mrg", "2.5d_d_mrg", "2.5d_v_mrg")
MOVES = {
    "turn": lambda array: np.rot90(array, axes=(-2, -1)),
    "mirror-lateral": lambda array: array[..., ::-1],
    "mirror-depth": lambda array: array[..., ::-1, :],
}
# Where a direction goes; a step and the one back are the same.
GOES_TO = {
    "turn": {(0, 1): (1, 0), (1, 0): (0, 1), (1, 1): (1, -1), (1, -1): (1, 1)},
    "mirror-lateral": {(1, 1): (1, -1), (1, -1): (1, 1)},
    "mirror-depth": {(1, 1): (1, -1), (1, -1): (1, 1)},
}
OPTIONS = st.fixed_dictionaries(
    {
        "bin_size": st.sampled_from([1, 8, 25]),
        "bin_number": st.sampled_from([None, 2, 6, 32]),
        "normalise": st.booleans(),
        "distance_px": st.integers(1, 3),
        "aggregation": st.sampled_from(AGGREGATIONS),
        "neighbourhood_px": st.integers(1, 2),
        "alpha": st.integers(0, 2),
        "radius_px": st.integers(1, 2),
    }
)


@st.composite
def regions(draw, highest=255):
    """Draw a clip of a few gray levels with a region of any form."""
    shape = draw(st.tuples(st.integers(1, 2), st.integers(1, 7), st.integers(5, 8)))
    low = draw(st.integers(0, highest))
    level = st.integers(low, min(highest, low + draw(st.integers(0, 60))))
    gray = draw(hnp.arrays(np.uint8, shape, elements=level))
    mask = draw(hnp.arrays(bool, shape, elements=st.booleans()))
    assume(mask.any())
    return gray, mask


def measured(gray, mask, **options):
    return measure_texture(
        np.ascontiguousarray(gray), mask, families=FAMILIES, **options
    )


def same(found, expected, **tolerance):
    assert dict(found) == pytest.approx(dict(expected), nan_ok=True, **tolerance)


@settings(max_examples=60)
@given(region=regions(), options=OPTIONS, name=st.sampled_from(sorted(MOVES)))
def test_turning_and_mirroring_change_no_feature(region, options, name):
    gray, mask = region
    moved = MOVES[name](gray), MOVES[name](mask)
    # Three or four columns would be taken for colours.
    assume(moved[0].shape[2] > 4)
    before = measured(gray, mask, each_direction=True, **options)
    after = measured(*moved, each_direction=True, **options)
    # The square root in one feature makes 1e-8 of the last digit of another near 0.
    root = "glcm.information_correlation_2"
    assert after[root] == pytest.approx(before[root], abs=1e-7, nan_ok=True)
    rest = [{k: v for k, v in d.items() if k != root} for d in (after, before)]
    same(*rest, rel=1e-10, abs=1e-10)
    far = options["distance_px"]
    for step, values in before.directions.items():
        goes_to = {
            (far * row, far * column): (far * r, far * c)
            for (row, column), (r, c) in GOES_TO[name].items()
        } | GOES_TO[name]
        there = after.directions[goes_to.get(step, step)]
        rest = [{k: v for k, v in d.items() if k != root} for d in (there, values)]
        same(*rest, rel=1e-10, abs=1e-10)


@settings(max_examples=60)
@given(
    region=regions(),
    options=OPTIONS,
    margins=st.tuples(*[st.integers(0, 3)] * 4),
    other=st.integers(0, 255),
)
def test_place_and_what_lies_outside_change_no_digit(region, options, margins, other):
    gray, mask = region
    top, bottom, left, right = margins
    wider = (0, 0), (top, bottom), (left, right)
    inside = np.pad(mask, wider)
    padded = np.where(inside, np.pad(gray, wider), other).astype(np.uint8)
    expected = measured(gray, mask, **options)
    same(measured(padded, inside, **options), expected, rel=0, abs=0)


@settings(max_examples=60)
@given(
    region=regions(highest=60),
    options=OPTIONS,
    gain=st.integers(1, 4),
    offset=st.integers(0, 15),
    number=st.sampled_from([2, 8, 32, 256]),
)
def test_gain_and_offset_vanish_under_a_fixed_bin_number(
    region, options, gain, offset, number
):
    gray, mask = region
    options |= {"bin_number": number, "normalise": False}
    before = measured(gray, mask, **options)
    after = measured((gain * gray + offset).astype(np.uint8), mask, **options)
    same(
        {k: v for k, v in after.items() if not k.startswith("stat.")},
        {k: v for k, v in before.items() if not k.startswith("stat.")},
        rel=0,
        abs=0,
    )
    assert after["stat.mean"] == pytest.approx(gain * before["stat.mean"] + offset)


def maps(gray, mask, **options):
    return compute_texture_map(
        np.ascontiguousarray(gray), list(MAP_FEATURES), mask=mask, **options
    )


MAP_OPTIONS = st.fixed_dictionaries(
    {
        "window_px": st.sampled_from([3, 5]),
        "bin_size": st.sampled_from([1, 8]),
        "bin_number": st.sampled_from([None, 4, 32]),
        "min_share": st.sampled_from([0.0, 0.3, 1.0]),
    }
)


@st.composite
def pictures(draw, highest=255):
    """Draw an image with a region of any form."""
    shape = draw(st.tuples(*[st.integers(5, 9)] * 2))
    elements = st.integers(0, highest)
    gray = draw(hnp.arrays(np.uint8, shape, elements=elements))
    mask = draw(hnp.arrays(bool, shape, elements=st.booleans()))
    assume(mask.any())
    return gray, mask


@settings(max_examples=40)
@given(
    picture=pictures(), options=MAP_OPTIONS, name=st.sampled_from(sorted(MOVES)),
    whole=st.booleans(),
)  # fmt: skip
def test_maps_turn_and_mirror_with_the_image(picture, options, name, whole):
    gray, mask = picture
    move = MOVES[name]
    before = maps(gray, None if whole else mask, **options)
    after = maps(move(gray), None if whole else move(mask), **options)
    for key, values in before.items():
        np.testing.assert_allclose(
            after[key], move(values), rtol=1e-6, atol=1e-6, err_msg=key
        )


@settings(max_examples=40)
@given(
    picture=pictures(), options=MAP_OPTIONS,
    margins=st.tuples(*[st.integers(0, 4)] * 4), other=st.integers(0, 255),
)  # fmt: skip
def test_maps_move_with_the_region(picture, options, margins, other):
    gray, mask = picture
    top, bottom, left, right = margins
    wider = (top, bottom), (left, right)
    inside = np.pad(mask, wider)
    padded = np.where(inside, np.pad(gray, wider), other).astype(np.uint8)
    expected = maps(gray, mask, **options)
    for key, values in maps(padded, inside, **options).items():
        moved = np.pad(expected[key], wider, constant_values=np.nan)
        np.testing.assert_array_equal(values, moved, err_msg=key)


@settings(max_examples=40)
@given(
    picture=pictures(highest=60), options=MAP_OPTIONS, gain=st.integers(1, 4),
    offset=st.integers(0, 15), number=st.sampled_from([2, 8, 32, 256]),
)  # fmt: skip
def test_gain_and_offset_vanish_from_maps_under_a_fixed_bin_number(
    picture, options, gain, offset, number
):
    gray, mask = picture
    options |= {"bin_number": number}
    before = maps(gray, mask, **options)
    after = maps((gain * gray + offset).astype(np.uint8), mask, **options)
    for key, values in before.items():
        if MAP_FEATURES[key].source != "gray":
            np.testing.assert_array_equal(after[key], values, err_msg=key)
    np.testing.assert_allclose(after["mean"], gain * before["mean"] + offset, rtol=1e-6)
    np.testing.assert_allclose(after["sd"], gain * before["sd"], rtol=1e-6)
