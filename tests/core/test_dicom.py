"""DICOM: pixels of every kind, and the device."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit, RLELossless

import napari_muscle_us as mus
from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.io.dicom_palette import expand_segments

GRAY = np.arange(0, 240, 10, dtype=np.uint8).reshape(4, 6)
RGB = np.stack([GRAY, np.fliplr(GRAY), np.flipud(GRAY)], axis=-1)


def with_tables(dataset, tables, *, first=0, bits=16, order="<"):
    """Add red, green and blue tables, an array of (entries, 3), to a palette image."""
    kind = "u1" if bits == 8 else f"{order}u2"
    for i, colour in enumerate(("Red", "Green", "Blue")):
        keyword = f"{colour}PaletteColorLookupTable"
        setattr(dataset, f"{keyword}Descriptor", [len(tables), first, bits])
        setattr(dataset, f"{keyword}Data", tables[:, i].astype(kind).tobytes())
    return dataset


def test_monochrome2_is_stored_gray(read, make_dataset):
    image = read(make_dataset(GRAY))
    np.testing.assert_array_equal(image.gray, GRAY)
    assert (image.gray_rule, image.coloured, image.name) == (
        "stored",
        None,
        "scan.dcm",
    )


def test_monochrome1_is_turned_to_black_low(read, make_dataset):
    image = read(make_dataset(GRAY, "MONOCHROME1"))
    np.testing.assert_array_equal(image.gray, 255 - GRAY)


@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize("rule", ["imagej", "luma601"])
def test_rgb_in_both_orders(read, make_dataset, planar, rule):
    stored = np.ascontiguousarray(np.moveaxis(RGB, -1, 0)) if planar else RGB
    dataset = make_dataset(RGB, "RGB", PixelData=stored.tobytes())
    dataset.PlanarConfiguration = planar
    image = read(dataset, gray_rule=rule)
    np.testing.assert_array_equal(image.gray, mus.gray_from_rgb(RGB, rule=rule))
    assert image.gray_rule == rule
    np.testing.assert_array_equal(image.coloured, np.ptp(RGB, axis=-1) > 0)


def naive_rgb(ybr):
    """DICOM PS3.3 C.7.6.3.1.2, solved for R, G and B."""
    y, cb, cr = np.moveaxis(ybr.astype(float), -1, 0) - [[[0]], [[128]], [[128]]]
    rgb = [y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb]
    return np.clip(np.stack(rgb, axis=-1), 0, 255)


def ybr_picture():
    ybr = np.full((4, 6, 3), 128, np.uint8)
    ybr[..., 0] = GRAY
    ybr[1, 2:4, 1:] = (90, 200)
    return ybr


def ybr_dataset(make_dataset, ybr, photometric):
    if photometric == "YBR_FULL":
        return make_dataset(ybr, photometric)
    # Two luminances, then the chroma that both share.
    pairs = [ybr[:, 0::2, 0], ybr[:, 1::2, 0], ybr[:, 0::2, 1], ybr[:, 0::2, 2]]
    data = np.stack(pairs, axis=-1).tobytes()
    return make_dataset(ybr, photometric, PixelData=data)


@pytest.mark.parametrize("photometric", ["YBR_FULL", "YBR_FULL_422"])
def test_ybr_becomes_the_gray_of_its_colours(read, make_dataset, photometric):
    ybr = ybr_picture()
    image = read(ybr_dataset(make_dataset, ybr, photometric))
    expected = naive_rgb(ybr).mean(axis=-1)
    gray = ybr[..., 1] == 128
    np.testing.assert_array_equal(image.gray[gray], ybr[gray][:, 0])
    np.testing.assert_allclose(image.gray, expected, atol=1)
    np.testing.assert_array_equal(image.coloured, ~gray)


@pytest.mark.parametrize("photometric", ["YBR_FULL", "YBR_FULL_422"])
def test_luma601_of_ybr_is_its_y_plane(read, make_dataset, photometric):
    ybr = ybr_picture()
    dataset = ybr_dataset(make_dataset, ybr, photometric)
    image = read(dataset, gray_rule="luma601")
    np.testing.assert_array_equal(image.gray, GRAY)


def test_rle_is_lossless(read, make_dataset):
    for pixels, photometric in ((GRAY, "MONOCHROME2"), (RGB, "RGB")):
        dataset = make_dataset(pixels, photometric)
        plain = read(dataset).gray
        dataset.compress(RLELossless, generate_instance_uid=False)
        np.testing.assert_array_equal(read(dataset).gray, plain)


def test_baseline_jpeg(read, make_dataset):
    smooth = np.add.outer(np.arange(64), np.arange(48)).astype(np.uint8) + 40
    buffer = io.BytesIO()
    Image.fromarray(smooth).save(buffer, "JPEG", quality=100)
    dataset = make_dataset(smooth, PixelData=encapsulate([buffer.getvalue()]))
    dataset["PixelData"].is_undefined_length = True
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    gray = read(dataset).gray.astype(int)
    np.testing.assert_allclose(gray, np.asarray(Image.open(buffer)), atol=1)
    np.testing.assert_allclose(gray, smooth, atol=2)


TABLES = np.stack([np.arange(16) * 17, np.arange(16) * 3, 255 - np.arange(16)], -1)
INDICES = np.arange(24, dtype=np.uint8).reshape(4, 6)


@pytest.mark.parametrize(
    ("bits", "big"),
    [(8, False), (16, False), (16, True)],
    ids=["8-little", "16-little", "16-big"],
)
@pytest.mark.parametrize("first", [0, 4])
def test_palette_of_8_bit_indices(read, make_dataset, bits, big, first):
    dataset = make_dataset(INDICES, "PALETTE COLOR", big=big)
    entries = TABLES * 257 if bits == 16 else TABLES
    order = ">" if big else "<"
    image = read(with_tables(dataset, entries, first=first, bits=bits, order=order))
    where = np.clip(INDICES.astype(int) - first, 0, 15)
    expected = mus.gray_from_rgb(TABLES[where].astype(np.uint8))
    np.testing.assert_array_equal(image.gray, expected)


@pytest.mark.parametrize("big", [False, True], ids=["little", "big"])
def test_palette_of_16_bit_indices(read, make_dataset, big):
    order = ">" if big else "<"
    indices = (INDICES.astype(np.uint16) * 300).astype(f"{order}u2")
    ramp = (np.arange(7200) * 9)[:, None] * np.ones(3, int)
    dataset = make_dataset(indices, "PALETTE COLOR", big=big)
    image = read(with_tables(dataset, ramp, order=order))
    expected = (INDICES.astype(int) * 300 * 9) >> 8
    np.testing.assert_array_equal(image.gray, expected)


def test_a_palette_without_tables_is_refused(read, make_dataset):
    with pytest.raises(ImageReadError, match=r"no usable colour table \(red\)"):
        read(make_dataset(INDICES, "PALETTE COLOR"))
    short = with_tables(make_dataset(INDICES, "PALETTE COLOR"), TABLES)
    short.GreenPaletteColorLookupTableData = b"\1\2\3\4"
    with pytest.raises(ImageReadError, match=r"no usable colour table \(green\)"):
        read(short)


def test_a_file_without_preamble_is_read(read, make_dataset, to_bytes):
    content = to_bytes(make_dataset(GRAY))
    np.testing.assert_array_equal(read(content[132:]).gray, GRAY)


def test_device_as_the_file_tells_it(read, make_dataset, make_region):
    region = make_region(TransducerFrequency=12000)
    dataset = make_dataset(
        GRAY,
        regions=[region],
        Manufacturer=" ESAOTE\x07 ",
        ManufacturerModelName="6100",
        TransducerData=["LA435", "x"],
        ProcessingFunction="MSK",
        DepthOfScanField="30",
    )
    expected = mus.Device("ESAOTE", "6100", "LA435", "MSK", 30.0, 12.0)
    assert read(dataset).device == expected


@pytest.mark.parametrize("big", [False, True], ids=["little", "big"])
def test_a_segmented_palette_is_expanded(read, make_dataset, big):
    """One discrete segment, a line, and a repeat of both: DICOM PS3.3 C.7.9.2."""
    order = ">" if big else "<"
    # Bytes 0…7 hold the discrete segment, 8…13 the line.
    words = [0, 2, 0, 10 << 8, 1, 4, 50 << 8, 2, 2, 0, 0]
    table = [0, 10, 20, 30, 40, 50]
    indices = np.array([[0, 1, 2, 3], [4, 5, 6, 11]], np.uint8)
    dataset = make_dataset(indices, PhotometricInterpretation="PALETTE COLOR", big=big)
    for colour in ("Red", "Green", "Blue"):
        keyword = f"{colour}PaletteColorLookupTable"
        setattr(dataset, f"{keyword}Descriptor", [12, 0, 16])
        data = np.array(words, f"{order}u2").tobytes()
        setattr(dataset, f"Segmented{keyword}Data", data)
    image = read(dataset)
    # The repeat starts with the discrete values again.
    expected = np.array(table * 2)[indices]
    np.testing.assert_array_equal(image.gray, expected)


@pytest.mark.parametrize(
    "words",
    [[], [0], [0, 9, 1], [1, 4, 9], [2, 2, 0, 0], [2, 1, 0, 0] * 9, [7, 1, 1]],
    ids=["empty", "cut", "short", "line first", "itself", "many", "unknown"],
)
def test_a_broken_segmented_palette_ends(words):
    assert len(expand_segments(np.array(words, np.uint16))) <= 3
