"""Settings and pictures that texture refuses or takes, and what that costs."""

from __future__ import annotations

import tracemalloc
from fractions import Fraction

import numpy as np
import pytest

import napari_muscle_us as mus
from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.texture._checks import (
    array_of,
    checked_spacing,
    length,
    shown,
    whole,
)
from napari_muscle_us.measure.texture.discretise import (
    discretise,
    normalise_three_sigma,
)
from napari_muscle_us.measure.texture.histogram_features import level_counts
from napari_muscle_us.measure.texture.maps import compute_texture_map
from napari_muscle_us.measure.texture.measure import measure_texture
from napari_muscle_us.measure.texture.settings import FAMILIES, TextureSettings

GRAY = np.random.default_rng(0).integers(0, 256, (30, 40)).astype(np.uint8)
FULL = np.ones(GRAY.shape, bool)
NO_NUMBER = {
    "true": True, "numpy-true": np.True_, "float": 2.0, "numpy-float": np.float64(2),
    "text": "2", "bytes": b"2", "list": [2], "array": np.array([2]), "nan": np.nan,
    "pair": np.array([1, 2]), "complex": 1j, "huge": 10**5000, "minus": -1,
}  # fmt: skip
WHOLE = ("bin_size", "bin_number", "origin", "distance_px", "neighbourhood_px")


@pytest.mark.parametrize(
    ("value", "number"),
    [(3, 3), (np.uint8(3), 3), (np.int64(-3), -3), (True, None), (3.0, None)],
    ids=repr,
)
def test_a_whole_number_is_an_int(value, number):
    assert whole(value) == number
    assert type(whole(value)) is type(number)


def test_a_length_is_a_finite_number():
    assert length(np.float32(0.5)) == 0.5
    assert length(Fraction(1, 4)) == 0.25
    for none in (np.inf, -np.inf, np.nan, 10**400, True, np.True_, "1", b"1", None):
        assert np.isnan(length(none))


@pytest.mark.parametrize("spacing", [5, None, (1,), (1, 2, 3), (True, 1), (0, 1), "ab"])
def test_a_spacing_is_two_lengths(spacing):
    with pytest.raises(MeasureError, match="not a positive length"):
        checked_spacing(spacing)
    assert checked_spacing(np.array([0.1, 0.2])) == (0.1, 0.2)


def test_a_message_shows_what_was_given_and_stays_short():
    assert shown(np.float64(0.1)) == "0.1"
    assert shown(np.uint8(3)) == "3"
    assert shown((0.1, np.nan)) == "(0.1, nan)"
    assert shown((10**5000, 1)) == "(a long int, 1)"
    assert shown(np.zeros(3)) == "a ndarray"
    assert len(shown("x" * 1000)) <= 62


@pytest.mark.parametrize("name", [*WHOLE, "alpha", "radius_px"])
@pytest.mark.parametrize("value", NO_NUMBER.values(), ids=NO_NUMBER)
def test_what_is_no_whole_number_is_refused(name, value, one_sentence):
    with pytest.raises(MeasureError) as told:
        TextureSettings(**{name: value})
    assert one_sentence(str(told.value))
    assert len(str(told.value)) < 200


LIMITS = {
    "bin_size": (1, 128), "bin_number": (2, 256), "origin": (0, 247), "alpha": (0, 255),
    "radius_px": (1, 100), "distance_px": (1, 10_000), "neighbourhood_px": (1, 15),
}  # fmt: skip


@pytest.mark.parametrize("name", LIMITS)
def test_a_setting_ends_where_the_documentation_says(name):
    low, high = LIMITS[name]
    for value in (low, high):
        assert getattr(TextureSettings(**{name: np.int64(value)}), name) == value
    for value in (low - 1, high + 1):
        with pytest.raises(MeasureError):
            TextureSettings(**{name: value})


def test_an_origin_leaves_two_bins():
    assert TextureSettings(bin_size=1, origin=254).origin == 254
    for size, origin in ((1, 255), (2, 254), (128, 128)):
        with pytest.raises(MeasureError, match=r"one level only|whole number"):
            TextureSettings(bin_size=size, origin=origin)
    with pytest.raises(MeasureError, match="origin must be a whole number"):
        TextureSettings(bin_number=2, origin=255)
    # A number of bins does not use the other two.
    assert TextureSettings(bin_size=128, origin=254, bin_number=2).bin_number == 2


@pytest.mark.parametrize("name", ["aggregation", "families"])
@pytest.mark.parametrize(
    "value", [5, np.array(2), np.array([1, 2]), True, [["a"]], 1j], ids=repr
)
def test_what_is_no_name_is_refused(name, value, one_sentence):
    with pytest.raises(MeasureError) as told:
        TextureSettings(**{name: value})
    assert one_sentence(str(told.value))


@pytest.mark.parametrize(
    "value", [0, np.array(2), np.array([1, 2]), True, "5", np.inf, 10**400], ids=repr
)
def test_what_is_no_distance_is_refused(value, one_sentence):
    with pytest.raises(MeasureError, match="is not a length") as told:
        TextureSettings(distance_mm=value)
    assert one_sentence(str(told.value))


@pytest.mark.parametrize("name", ["normalise", "each_direction"])
@pytest.mark.parametrize("value", [0, 1, None, "yes", np.True_], ids=repr)
def test_a_switch_is_true_or_false(name, value, one_sentence):
    with pytest.raises(MeasureError, match=f"{name} must be true or false") as told:
        TextureSettings(**{name: value})
    assert one_sentence(str(told.value))


@pytest.mark.parametrize("distance", [2, np.float32(0.5), Fraction(1, 2)], ids=repr)
def test_a_distance_in_mm_can_be_written_as_json(distance):
    kept = TextureSettings(distance_mm=distance).distance_mm
    assert type(kept) is float
    assert kept == distance


def test_families_without_directions_have_two_codes_of_their_own():
    for family in ("glszm", "gldzm", "ngtdm", "ngldm"):
        for aggregation, code in zip(
            ("2d_avg", "2d_s_mrg", "2.5d_d_mrg", "2.5d_v_mrg"),
            ("8QNN", "8QNN", "62GR", "62GR"),
            strict=True,
        ):
            chosen = TextureSettings(families=family, aggregation=aggregation)
            assert chosen.method(family, ())["aggregation_ibsi"] == code


def test_local_binary_patterns_are_never_normalised_nor_told_to_be():
    normalised = TextureSettings(families=FAMILIES, normalise=True)
    for family in FAMILIES:
        told = "normalisation" in normalised.method(family, ((0, 1),))
        assert told == (family != "lbp")
    of_lbp = {"families": "lbp", "radius_px": 2}
    found = measure_texture(GRAY, FULL, normalise=True, **of_lbp)
    assert found.features == measure_texture(GRAY, FULL, **of_lbp)


WRONG = {
    "ragged": ([[1, 2], [3]], FULL, "is no array of pixels"),
    "list": (GRAY.tolist(), FULL, "8-bit gray levels, not int64"),
    "none": (None, FULL, "8-bit gray levels, not object|not \\(\\)"),
    "text": ("a", FULL, "8-bit gray levels|not \\(\\)"),
    "mask": (GRAY, "a", "does not say what is inside"),
    "mask-scalar": (GRAY, True, "both must be"),
    "mask-ragged": (GRAY, [[True], []], "The mask is no array of pixels"),
}


@pytest.mark.parametrize(("gray", "mask", "words"), WRONG.values(), ids=WRONG)
@pytest.mark.parametrize(
    "compute",
    [
        measure_texture,
        lambda gray, mask: compute_texture_map(gray, mask=mask, window_px=3),
        normalise_three_sigma,
    ],
    ids=["features", "map", "normalise"],
)
def test_what_is_no_picture_is_refused(compute, gray, mask, words):
    with pytest.raises(MeasureError, match=words):
        compute(gray, mask)


def test_lists_of_truth_values_are_a_mask():
    mask = FULL.copy()
    mask[:, :9] = False
    expected = compute_texture_map(GRAY, "contrast", mask=mask, window_px=5)
    found = compute_texture_map(GRAY, "contrast", mask=mask.tolist(), window_px=5)
    np.testing.assert_array_equal(found["contrast"], expected["contrast"])
    features = measure_texture(GRAY, mask.tolist()).features
    assert features == measure_texture(GRAY, mask).features


@pytest.mark.parametrize("features", [None, 3, (None,), [np.int64(1)], ()], ids=repr)
def test_maps_have_names(features):
    with pytest.raises(MeasureError, match=r"(no texture map|No feature was named)"):
        compute_texture_map(GRAY, features, window_px=3)


def test_a_clip_of_as_many_frames_as_rows_is_no_colour_image():
    clip = np.random.default_rng(1).integers(0, 256, (9, 9, 9)).astype(np.uint8)
    mask = np.ones((9, 9), bool)
    whole_mask = np.ones(clip.shape, bool)
    assert measure_texture(clip, mask).features == measure_texture(clip, whole_mask)
    for colours in (3, 4):
        image = np.zeros((9, 9, colours), np.uint8)
        for of_pixels in (mask, image == 0):
            with pytest.raises(MeasureError, match="convert colours"):
                measure_texture(image, of_pixels)
        tiny = np.zeros((colours,) * 3, np.uint8)
        with pytest.raises(MeasureError, match="convert colours"):
            measure_texture(tiny, tiny[0] == 0)


def test_a_clip_does_not_fill_the_memory():
    """A look-up by gray level takes eight bytes a pixel: of one frame, not of all."""
    clip = np.random.default_rng(2).integers(0, 256, (50, 64, 64), np.uint8)
    inside = np.ones(clip.shape[1:], bool)
    discretise(clip[:1], inside)  # What is compiled or imported is not counted.
    tracemalloc.start()
    try:
        levels = discretise(clip, inside)
        level_counts(levels.levels, levels.n_levels)
        normalise_three_sigma(clip, inside)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The levels take two bytes a pixel, the normalised clip one.
    assert peak < 4 * clip.size


def test_an_array_stays_the_same_object():
    assert array_of(GRAY, "image") is GRAY


def test_the_bins_of_a_map_begin_at_the_origin():
    bright = (GRAY // 2 + 100).astype(np.uint8)
    bins = {"bin_size": 25, "origin": 90}
    found = compute_texture_map(bright, "joint_average", window_px=29, **bins)
    window = bright[:29, 3:32]
    expected = measure_texture(window, window > 0, aggregation="2d_avg", **bins)
    value = expected["glcm.joint_average"]
    assert found["joint_average"][14, 17] == pytest.approx(value, rel=1e-6)


def test_half_of_a_window_is_enough_by_default():
    mask = np.zeros(GRAY.shape, bool)
    mask[:, :20] = True
    pixels_of = {}
    for share in (None, 0.4, 0.5, 0.6):
        options = {} if share is None else {"min_share": share}
        found = compute_texture_map(GRAY, "mean", window_px=9, mask=mask, **options)
        pixels_of[share] = int(np.isfinite(found["mean"]).sum())
    assert pixels_of[None] == pixels_of[0.5]
    assert pixels_of[0.4] > pixels_of[0.5] > pixels_of[0.6]


@pytest.mark.parametrize("step", [(9, 0), (0, 9), (0, -9), (9, 9)], ids=str)
def test_a_step_as_long_as_the_window_has_no_pair_in_it(step):
    with pytest.raises(MeasureError, match="does not fit into a window of 9×9"):
        compute_texture_map(GRAY, window_px=9, offsets=(step,))


def test_rows_of_a_direction_have_the_note_of_their_region():
    image = mus.UltrasoundImage(GRAY, "noise", "0" * 64)
    region = mus.Rectangle(5, 5, 8, 8, name="small")
    settings = TextureSettings(families=("glcm", "glrlm"), each_direction=True)
    options = mus.MeasureOptions(texture=settings)
    rows = mus.measure_rois(image, [region], options=options)
    directed = rows[rows["method"].str.contains('"direction"')]
    assert len(directed) == 4 * (25 + 16)
    assert directed["note"].str.contains("pixels only").all()
