"""MONOCHROME images of more than 8 bits: rescale, window, refusal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.pixels import apply_modality_lut, apply_voi_lut

from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.io.dicom_window import gray_levels

RAMP = np.arange(4096, dtype=np.uint16).reshape(64, 64)


def deep(make_dataset, pixels=RAMP, **tags):
    bits = {"BitsAllocated": 16, "BitsStored": 12, "HighBit": 11}
    return make_dataset(pixels, **(bits | tags))


def test_the_linear_window_of_the_standard(read, make_dataset):
    """Centre 2048, width 4096: the standard's own example, 0 at 0 and 255 at 4095."""
    dataset = deep(make_dataset, WindowCenter=2048, WindowWidth=4096)
    gray = read(dataset).gray.ravel()
    assert (gray[0], gray[4095]) == (0, 255)
    # 2047.5 is the middle: 127.5 is rounded half up between these two.
    assert (gray[2047], gray[2048]) == (127, 128)
    assert read(dataset).gray_rule == "window 2048/4096"


def test_rescale_comes_before_the_window(read, make_dataset):
    dataset = deep(
        make_dataset,
        WindowCenter=128,
        WindowWidth=256,
        RescaleSlope=0.5,
        RescaleIntercept=-10,
    )
    gray = read(dataset).gray.ravel()
    # x = p / 2 − 10 and g = x, cut to 0 … 255.
    np.testing.assert_array_equal(gray[20:500:2], np.arange(240))
    assert gray[19] == 0
    assert gray[1000] == 255


@given(
    st.integers(1, 4095),
    st.integers(2, 5000),
    st.sampled_from(["LINEAR", "LINEAR_EXACT"]),
)
def test_windows_are_those_of_pydicom(make_dataset, centre, width, function):
    dataset = deep(
        make_dataset,
        WindowCenter=centre,
        WindowWidth=width,
        VOILUTFunction=function,
    )
    levels = apply_voi_lut(apply_modality_lut(RAMP, dataset), dataset)
    expected = np.floor(levels / 4095 * 255 + 0.5)
    gray, _ = gray_levels(RAMP, dataset, "scan.dcm")
    # Where the level lies on a half, the order of operations may decide.
    off = np.abs(levels / 4095 * 255 % 1 - 0.5) < 1e-6
    np.testing.assert_array_equal(gray[~off], expected[~off])


def test_monochrome1_is_inverted_after_the_window(read, make_dataset):
    tags = {"WindowCenter": 2048, "WindowWidth": 4096}
    bright = read(deep(make_dataset, **tags)).gray
    dark = read(
        deep(make_dataset, PhotometricInterpretation="MONOCHROME1", **tags)
    ).gray
    np.testing.assert_array_equal(dark, 255 - bright)


def test_the_first_of_several_windows_counts(read, make_dataset):
    several = deep(make_dataset, WindowCenter=[100, 2048], WindowWidth=[50, 4096])
    single = deep(make_dataset, WindowCenter=100, WindowWidth=50)
    np.testing.assert_array_equal(read(several).gray, read(single).gray)


def test_eight_bits_are_gray_levels_whatever_the_window(read, make_dataset):
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    image = read(make_dataset(pixels, WindowCenter=20, WindowWidth=10))
    np.testing.assert_array_equal(image.gray, pixels)
    assert image.gray_rule == "stored"


def test_eight_bits_in_words_of_sixteen(read, make_dataset):
    pixels = np.arange(256, dtype=np.uint16).reshape(16, 16)
    image = read(make_dataset(pixels, BitsAllocated=16, BitsStored=8, HighBit=7))
    np.testing.assert_array_equal(image.gray, pixels)


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({}, "12-bit pixels without a display window"),
        ({"WindowCenter": 5}, "without a display window"),
        ({"WindowCenter": 5, "WindowWidth": 0}, "without a display window"),
        ({"WindowCenter": 5, "WindowWidth": 1}, "without a display window"),
        (
            {"WindowCenter": 5, "WindowWidth": 9, "VOILUTFunction": "SIGMOID"},
            "with a display curve",
        ),
    ],
    ids=["none", "no width", "width 0", "width 1", "sigmoid"],
)
def test_more_bits_without_a_linear_window_are_refused(
    read, make_dataset, one_sentence, tags, words
):
    with pytest.raises(ImageReadError, match=words) as error:
        read(deep(make_dataset, **tags))
    assert one_sentence(str(error.value))
