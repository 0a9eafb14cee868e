"""Stored values to gray levels or colours: rescale, window, palette, refusal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset, dcmread
from pydicom.data import get_palette_files
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi_lut

from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.io.dicom_palette import apply_palette
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


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"BitsStored": 7, "HighBit": 6}, "7-bit pixels"),
        ({"BitsStored": 4, "HighBit": 3}, "4-bit pixels"),
        ({"PixelRepresentation": 1}, "8-bit pixels that may be negative"),
        ({"PixelPresentation": "COLOR"}, "a second table turns into colours"),
        ({"PixelPresentation": "MIXED"}, "a second table turns into colours"),
    ],
    ids=["7 bits", "4 bits", "signed", "colour", "mixed"],
)
@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_small_values_that_are_no_gray_levels_are_refused(
    make_dataset, one_sentence, tags, words, photometric
):
    """Whatever this frame holds: the next frame of a clip must not differ."""
    pixels = np.arange(16, dtype=np.uint8).reshape(4, 4)
    dataset = make_dataset(pixels, photometric, **tags)
    with pytest.raises(ImageReadError, match=words) as error:
        gray_levels(pixels, dataset, "scan.dcm")
    assert one_sentence(str(error.value))


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"ModalityLUTSequence": [Dataset()]}, "with a table of values"),
        ({"VOILUTSequence": [Dataset()]}, "without a display window"),
        ({"RescaleSlope": 0}, "all rescaled to one value"),
        ({"BitsAllocated": 32, "BitsStored": 24, "HighBit": 23}, "24-bit pixels"),
    ],
    ids=["modality table", "display table", "slope 0", "24 bits"],
)
def test_rescales_that_are_no_line_are_refused(make_dataset, one_sentence, tags, words):
    dataset = deep(make_dataset, WindowCenter=2048, WindowWidth=4096, **tags)
    with pytest.raises(ImageReadError, match=words) as error:
        gray_levels(RAMP, dataset, "scan.dcm")
    assert one_sentence(str(error.value))


@given(
    st.sampled_from([10, 12, 16]),
    st.booleans(),
    st.sampled_from([np.int64, np.int32, np.int16]),
)
def test_signed_and_unsigned_values_of_any_container(make_dataset, bits, signed, kind):
    """Level 255 (x − low) / (high − low) on the whole range, by LINEAR_EXACT."""
    low = -(1 << (bits - 1)) if signed else 0
    high = low + (1 << bits) - 1
    values = np.linspace(low, high, 400).astype(np.int64).reshape(20, 20)
    kind = kind if signed else np.dtype(kind).str.replace("i", "u")
    dataset = deep(
        make_dataset,
        BitsStored=bits,
        HighBit=bits - 1,
        PixelRepresentation=int(signed),
        WindowCenter=(low + high) / 2,
        WindowWidth=high - low,
        VOILUTFunction="LINEAR_EXACT",
    )
    gray, _ = gray_levels(values.astype(kind), dataset, "scan.dcm")
    level = (values - low) / (high - low) * 255
    off = np.abs(level % 1 - 0.5) < 1e-6
    np.testing.assert_array_equal(gray[~off], np.floor(level + 0.5)[~off])


@pytest.mark.parametrize("slope", ["1e300", "-1e300", "1e308", "-1.7e308"])
@pytest.mark.parametrize("centre", ["0", "1.7e308", "-1.7e308"])
def test_hostile_numbers_give_black_or_white(make_dataset, slope, centre):
    dataset = deep(
        make_dataset, RescaleSlope=slope, WindowCenter=centre, WindowWidth="1e5"
    )
    gray, _ = gray_levels(RAMP, dataset, "scan.dcm")
    x = RAMP.astype(object) * int(float(slope)) - int(float(centre))
    expected = np.where(x > 0, 255, 0)
    clear = np.abs(x).astype(bool)
    np.testing.assert_array_equal(gray[clear], expected[clear])


@pytest.mark.parametrize("key", ["WindowCenter", "WindowWidth", "RescaleSlope"])
@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "wide"])
def test_numbers_that_are_none_are_refused(read, make_dataset, to_bytes, key, value):
    tags = {"WindowCenter": "2048", "WindowWidth": "4096", "RescaleSlope": "1.50"}
    content = to_bytes(deep(make_dataset, **tags))
    stated = tags[key].encode()
    padded = stated + b" " * (len(stated) % 2)
    assert content.count(padded) == 1
    broken = value.encode().ljust(len(padded))[: len(padded)]
    with pytest.raises(ImageReadError, match="damaged"):
        read(content.replace(padded, broken))


@given(st.integers(0, 255), st.integers(0, 65_535), st.booleans())
def test_palettes_are_looked_up_as_the_standard_says(make_dataset, count, first, wide):
    """PS3.3 C.7.6.3.1.5: below the first entry it, above the last the last."""
    pixels = np.arange(0, 65_536, 17, dtype=np.uint16)
    pixels = pixels[:3844].reshape(62, 62) if wide else pixels[:256].astype(np.uint8)
    pixels = pixels.reshape(-1, 2)
    table = (np.arange(count + 1) * 37 % 256).astype(np.uint8)
    dataset = make_dataset(pixels, "PALETTE COLOR")
    for colour in ("Red", "Green", "Blue"):
        keyword = f"{colour}PaletteColorLookupTable"
        setattr(dataset, f"{keyword}Descriptor", [count + 1, first, 8])
        setattr(dataset, f"{keyword}Data", table.tobytes())
    rgb = apply_palette(pixels, dataset, "scan.dcm")
    for value, found in zip(pixels.ravel()[::7], rgb.reshape(-1, 3)[::7], strict=True):
        entry = min(max(int(value) - first, 0), count)
        assert found.tolist() == [table[entry]] * 3


@pytest.mark.parametrize("name", ["spring", "summer", "fall", "winter", "pet"])
def test_the_palettes_of_the_standard_are_those_of_pydicom(name):
    """Four of them are segmented with entries of 8 bits (DICOM PS3.6 B.1)."""
    (path,) = get_palette_files(f"{name}.dcm")
    dataset = dcmread(path)
    indices = np.arange(256, dtype=np.uint8).reshape(16, 16)
    expected = apply_color_lut(indices, dataset)
    np.testing.assert_array_equal(apply_palette(indices, dataset, name), expected)
    assert np.ptp(expected) == 255
