"""Gray levels of colour, coloured pixels, and images that nothing can change."""

from __future__ import annotations

import dataclasses
import hashlib
import math
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import napari_muscle_us as mus
from napari_muscle_us.errors import ImageReadError, MuscleUSError
from napari_muscle_us.image import GRAY_RULES, coloured_pixels, pixel_hash

WEIGHTS = {"imagej": (1 / 3, 1 / 3, 1 / 3), "luma601": (0.299, 0.587, 0.114)}

# ImageJ 1.53t, ColorProcessor.setRGBWeights and convertToByte.
IMAGEJ_COLOURS = {
    (255, 0, 0): (85, 76),
    (0, 255, 0): (85, 150),
    (0, 0, 255): (85, 29),
    (10, 20, 31): (20, 18),
    (128, 128, 129): (128, 128),
    (1, 0, 0): (0, 0),
    (1, 1, 0): (1, 1),
    (200, 100, 50): (117, 124),
    (0, 114, 163): (92, 86),
}

# CRC-32 of the gray bytes of all 256³ colours, red slowest, by the same calls.
IMAGEJ_ALL_COLOURS = {"imagej": 1036139930, "luma601": 3096331897}

# ImageJ 1.53t on r = (5x+3y), g = (11x+7y), b = (2x+17y) mod 256, 120 × 90.
IMAGEJ_RGB = {
    "imagej": (127.21768518518519, 40.56529118112054, 117, 127, 0, 245),
    "luma601": (127.13722222222222, 46.46945636357343, 112, 126, 0, 246),
}


def all_colours(red):
    green, blue = np.mgrid[:256, :256].reshape(2, -1)
    return np.stack([np.full(65536, red), green, blue], axis=-1).astype(np.uint8)


def java_gray(rgb, rule):
    """ImageJ's TypeConverter: (int)(r*wr + g*wg + b*wb + 0.5), in that order."""
    red, green, blue = np.moveaxis(rgb.astype(np.float64), -1, 0)
    wr, wg, wb = WEIGHTS[rule]
    return np.floor(red * wr + green * wg + blue * wb + 0.5)


@pytest.mark.parametrize("colour", IMAGEJ_COLOURS, ids=str)
@pytest.mark.parametrize("rule", GRAY_RULES)
def test_gray_of_a_colour_is_imagejs(colour, rule):
    gray = mus.gray_from_rgb(np.array([[colour]], np.uint8), rule=rule)
    assert gray.dtype == np.uint8
    assert gray.tolist() == [[IMAGEJ_COLOURS[colour][GRAY_RULES.index(rule)]]]


@pytest.mark.parametrize("total", range(0, 766, 85))
def test_every_split_of_a_sum_gives_javas_gray(total):
    splits = [
        (r, g, total - r - g)
        for r in range(256)
        for g in range(256)
        if 0 <= total - r - g <= 255
    ]
    rgb = np.array(splits, np.uint8)
    np.testing.assert_array_equal(mus.gray_from_rgb(rgb), java_gray(rgb, "imagej"))


def test_all_sums_give_javas_gray():
    totals = np.arange(766)
    parts = [np.clip(totals - 255 * k, 0, 255) for k in range(3)]
    rgb = np.stack(parts, axis=-1).astype(np.uint8)
    np.testing.assert_array_equal(mus.gray_from_rgb(rgb), java_gray(rgb, "imagej"))


@pytest.mark.parametrize("rule", GRAY_RULES)
def test_all_colours_are_as_imagej_converts_them(rule):
    crc = 0
    for red in range(256):
        rgb = all_colours(red)
        gray = mus.gray_from_rgb(rgb, rule=rule)
        np.testing.assert_array_equal(gray, java_gray(rgb, rule))
        crc = zlib.crc32(gray.tobytes(), crc)
    assert crc == IMAGEJ_ALL_COLOURS[rule]


@pytest.mark.parametrize("rule", GRAY_RULES)
def test_statistics_of_a_converted_picture_are_imagejs(rule):
    y, x = np.mgrid[:90, :120]
    rgb = np.stack([5 * x + 3 * y, 11 * x + 7 * y, 2 * x + 17 * y], -1) % 256
    gray = mus.gray_from_rgb(rgb.astype(np.uint8), rule=rule)
    stats = mus.measure_intensity(gray, np.ones(gray.shape, bool))
    found = (stats.mean, stats.sd, stats.mode, stats.median, stats.min, stats.max)
    assert found == pytest.approx(IMAGEJ_RGB[rule], rel=1e-12)


@given(st.integers(0, 255), st.sampled_from(GRAY_RULES))
def test_gray_stays_the_gray_it_is(level, rule):
    pixel = np.full((1, 2, 3), level, np.uint8)
    assert mus.gray_from_rgb(pixel, rule=rule).tolist() == [[level, level]]


@given(arrays(np.uint8, (3, 4, 3)), st.integers(0, 255))
def test_coloured_pixels_are_those_whose_channels_differ(rgb, tolerance):
    found = coloured_pixels(rgb, tolerance=tolerance)
    for index in np.ndindex(3, 4):
        channels = [int(v) for v in rgb[index]]
        assert found[index] == (max(channels) - min(channels) > tolerance)


@pytest.mark.parametrize(
    "rgb",
    [
        np.zeros((2, 2, 3)),
        np.zeros((2, 2, 3), np.uint16),
        np.zeros((2, 2), np.uint8),
        np.zeros((2, 2, 4), np.uint8),
    ],
    ids=["float", "uint16", "gray", "rgba"],
)
def test_what_is_no_colour_picture_is_refused(rgb):
    with pytest.raises(ImageReadError, match="uint8 with 3 channels"):
        mus.gray_from_rgb(rgb)


def test_an_unknown_rule_is_refused():
    with pytest.raises(ImageReadError, match="'mean' is unknown; use one of imagej"):
        mus.gray_from_rgb(np.zeros((1, 1, 3), np.uint8), rule="mean")


def test_conversion_leaves_the_picture_as_it_is():
    rgb = all_colours(77)
    before = rgb.copy()
    for rule in GRAY_RULES:
        mus.gray_from_rgb(rgb, rule=rule)
    coloured_pixels(rgb, tolerance=3)
    np.testing.assert_array_equal(rgb, before)


def test_an_image_cannot_be_changed():
    image = mus.UltrasoundImage(np.zeros((3, 4), np.uint8), "a", "b")
    with pytest.raises(ValueError, match="read-only"):
        image.gray[0, 0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        image.name = "other"
    with pytest.raises(dataclasses.FrozenInstanceError):
        image.device.model = "other"
    assert image.spacing_mm is None


@pytest.mark.parametrize(
    "gray",
    [
        np.zeros((3, 4)),
        np.zeros((3, 4), np.uint16),
        np.zeros((3, 4), bool),
        np.zeros((2, 3, 4), np.uint8),
        np.zeros((0, 4), np.uint8),
    ],
    ids=["float", "uint16", "bool", "frames", "empty"],
)
def test_gray_levels_are_8_bit_and_flat(gray):
    with pytest.raises(ImageReadError, match="must be uint8"):
        mus.UltrasoundImage(gray, "a", "b")


@pytest.mark.parametrize(
    "spacing",
    [(0, 1), (1, -1), (math.nan, 1), (1, math.inf)],
    ids=["zero", "negative", "nan", "infinite"],
)
def test_a_spacing_is_a_length(spacing):
    with pytest.raises(MuscleUSError, match="not a positive length"):
        mus.Calibration(spacing, "test")


@pytest.mark.parametrize(
    ("device", "text", "known"),
    [
        (mus.Device(), "unknown device", False),
        (mus.Device("Esaote", "6100"), "Esaote 6100", True),
        (mus.Device(model="6100", transducer="LA523"), "6100", True),
        (mus.Device(transducer="LA523"), "unknown device", False),
    ],
    ids=["nothing", "both", "model", "transducer"],
)
def test_a_device_tells_its_name(device, text, known):
    assert (str(device), device.is_known) == (text, known)


def test_the_hash_of_pixels_tells_values_and_shape_apart():
    gray = np.arange(6, dtype=np.uint8)
    expected = hashlib.sha256(b"(2, 3)" + bytes(range(6))).hexdigest()
    assert pixel_hash(gray.reshape(2, 3)) == expected
    assert pixel_hash(gray.reshape(3, 2)) != expected
    # The same picture in another memory order is the same picture.
    assert pixel_hash(np.asfortranarray(gray.reshape(2, 3))) == expected
