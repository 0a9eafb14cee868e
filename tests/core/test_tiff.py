"""TIFF: stills and stacks, what ImageJ says of them, refusals, files that lie."""

from __future__ import annotations

import io
import struct
import tracemalloc

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import napari_muscle_us as mus
from napari_muscle_us.digest import FileDigest
from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.io.imagej_meta import calibration, display_range, frame_times
from napari_muscle_us.io.tiff import read_tiff

from .mutation import mutated

GRAY = (np.add.outer(np.arange(40) * 5, np.arange(50)) % 256).astype(np.uint8)
STACK = np.stack([np.roll(GRAY, 3 * i, axis=0) for i in range(6)])
NO_SIZE = "The size of a pixel is not known: lengths and areas are in pixels."
NO_TIMES = "The file does not tell the times of its frames."


def coloured_stack():
    rgb = np.repeat(STACK[..., None], 3, axis=3)
    rgb[:, 5:9, 10:20] = (255, 255, 0)
    return rgb


def encode(array, **options):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, array, **options)
    return buffer.getvalue()


def as_imagej_writes(array, **metadata):
    """Return a stack as ImageJ saves it: one directory, all planes behind it."""
    content = bytearray(encode(array, imagej=True, metadata=metadata))
    with tifffile.TiffFile(io.BytesIO(bytes(content))) as tiff:
        at, order = tiff.pages[0].offset, tiff.byteorder
    entries = struct.unpack_from(f"{order}H", content, at)[0]
    struct.pack_into(f"{order}I", content, at + 2 + 12 * entries, 0)
    with tifffile.TiffFile(io.BytesIO(bytes(content))) as tiff:
        assert len(tiff.pages) == 1
    return bytes(content)


@pytest.fixture
def read(tmp_path):
    def read_bytes(content, name="scan.tif", **options):
        path = tmp_path / name
        path.write_bytes(content)
        return read_tiff(path, name=name, digest="0" * 64, **options)

    return read_bytes


# Stills


def test_white_is_zero_is_turned(read):
    image = read(encode(255 - GRAY, photometric="miniswhite"))
    np.testing.assert_array_equal(image.gray, GRAY)


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("order", ["<", ">"], ids=["little", "big"])
def test_both_layouts_and_byte_orders(read, planar, order):
    rgb = coloured_stack()[0]
    stored = rgb if planar == "contig" else np.moveaxis(rgb, -1, 0)
    image = read(
        encode(stored, photometric="rgb", planarconfig=planar, byteorder=order)
    )
    np.testing.assert_array_equal(image.gray, mus.gray_from_rgb(rgb))
    assert image.coloured.sum() == 40
    assert image.gray_rule == "imagej"


def test_opacity_is_left_out(read):
    rgba = np.dstack([coloured_stack()[0], np.full(GRAY.shape, 7, np.uint8)])
    image = read(encode(rgba, photometric="rgb", extrasamples=["unassalpha"]))
    np.testing.assert_array_equal(image.gray, mus.gray_from_rgb(rgba[..., :3]))


def test_real_tiffs_with_meaningless_resolution(shared):
    paths = [
        *sorted(shared("data/transverse_vl").glob("*.tif")),
        *sorted(shared("data/apo_fascicle_masks/apo_images").glob("*.tif"))[:4],
    ]
    for path in paths:
        image = mus.read_image(path)
        assert image.spacing_mm is None
        assert image.warnings == (NO_SIZE,)
        rgb = np.asarray(Image.open(path).convert("RGB"))
        np.testing.assert_array_equal(image.gray, mus.gray_from_rgb(rgb))


# Stacks


@pytest.mark.parametrize(
    "options",
    [
        {"photometric": "minisblack"},
        {"photometric": "minisblack", "compression": "lzw"},
        {"photometric": "minisblack", "compression": "deflate"},
        {"photometric": "minisblack", "compression": "packbits"},
        {"photometric": "minisblack", "tile": (16, 16)},
        {"photometric": "minisblack", "bigtiff": True},
        {"photometric": "minisblack", "ome": True, "metadata": {"axes": "TYX"}},
        {"imagej": True, "metadata": {"axes": "TYX"}},
        {"imagej": True, "metadata": {"axes": "ZYX"}},
        {"imagej": True, "metadata": {"axes": "TYX"}, "compression": "deflate"},
    ],
    ids=lambda o: "-".join(str(v) for v in o.values()),
)
def test_every_page_of_a_stack_is_a_frame(read, options):
    image = read(encode(STACK, **options))
    assert image.is_clip
    assert image.gray.shape == STACK.shape
    for index in (4, 0, 5, 1, 2, 3):
        np.testing.assert_array_equal(image.gray[index], STACK[index])
    assert image.frame_times_s is None
    assert image.warnings == (NO_SIZE, NO_TIMES)
    assert image.gray_rule == "stored"
    assert not image.lossy


@pytest.mark.parametrize("planar", ["contig", "separate"])
@pytest.mark.parametrize("rule", ["imagej", "luma601"])
def test_a_colour_stack_is_gray_by_the_rule(read, planar, rule):
    rgb = coloured_stack()
    stored = rgb if planar == "contig" else np.moveaxis(rgb, -1, 1)
    image = read(encode(stored, photometric="rgb", planarconfig=planar), gray_rule=rule)
    assert image.gray_rule == rule
    for index in range(6):
        still = image.frame(index)
        np.testing.assert_array_equal(
            still.pixels, mus.gray_from_rgb(rgb[index], rule=rule)
        )
        assert still.coloured.sum() == 40


def test_jpeg_in_tiff_keeps_a_tolerance_for_colour(read):
    gray = np.full((64, 64), 120, np.uint8)
    gray[20:40, 20:40] = 180
    rgb = np.repeat(gray[None, ..., None], 3, axis=3).repeat(2, axis=0)
    image = read(encode(rgb, photometric="rgb", compression="jpeg"))
    assert np.abs(image.frame(1).pixels.astype(int) - gray).max() <= 12
    assert image.frame(1).coloured is None
    assert image.lossy


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_stack_without_page_directories_as_imagej_saves_it(read, dtype):
    image = read(as_imagej_writes(STACK.astype(dtype), axes="TYX", min=0.0, max=255.0))
    assert image.gray.shape == STACK.shape
    for index in (5, 0, 3):
        np.testing.assert_array_equal(image.gray[index], STACK[index])


def test_a_stack_cut_short_shows_the_frames_that_are_there(read):
    content = as_imagej_writes(STACK, axes="TYX", finterval=0.5)
    image = read(content[: len(content) - 2 * GRAY.size - 200])
    assert image.n_frames in (3, 4)
    assert image.warnings[0] == (
        f"The file is cut short: it states 6 frames and holds {image.n_frames}."
    )
    assert len(image.frame_times_s) == image.n_frames
    np.testing.assert_array_equal(image.gray[2], STACK[2])


def test_pages_of_another_kind_are_left_out(read):
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as tiff:
        for page in (STACK[0], STACK[0, :9, :9], STACK[1]):
            tiff.write(page, photometric="minisblack", metadata=None)
    image = read(buffer.getvalue())
    np.testing.assert_array_equal(np.asarray(image.gray), STACK[:2])
    assert "1 of 3 pages have another size" in image.warnings[0]


def test_a_changed_file_is_refused(tmp_path):
    path = tmp_path / "scan.tif"
    path.write_bytes(encode(STACK, photometric="minisblack"))
    image = read_tiff(path, name="scan.tif", digest=FileDigest(path))
    np.testing.assert_array_equal(image.gray[0], STACK[0])
    path.write_bytes(encode(STACK[::-1, :-1], photometric="minisblack"))
    with pytest.raises(ImageReadError, match="has changed since it was opened"):
        image.gray[5]


def test_a_stack_is_not_read_at_once(read):
    content = encode(np.zeros((60, 500, 500), np.uint8), photometric="minisblack")
    tracemalloc.start()
    image = read(content)
    image.gray[7]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 3e6  # Two frames of 0.25 MB and their copies, of 15 MB.


# ImageJ's calibration, times and display range


@pytest.mark.parametrize(
    ("unit", "spacing"),
    [
        ("mm", (0.25, 0.125)),
        ("cm", (2.5, 1.25)),
        ("micron", (0.00025, 0.000125)),
        ("um", (0.00025, 0.000125)),
        ("\\u00B5m", (0.00025, 0.000125)),
        ("inch", (6.35, 3.175)),
        ("pixel", None),
        ("", None),
        ("furlong", None),
    ],
    ids=lambda v: v or "none" if isinstance(v, str) else "",
)
@pytest.mark.parametrize("frames", [1, 3])
def test_imagej_calibration(read, unit, spacing, frames):
    # Resolution is pixels a unit, across then down: 8 and 4; "spacing" is of slices.
    metadata = {"unit": unit, "spacing": 3.0} | ({"axes": "TYX"} if frames > 1 else {})
    image = read(
        encode(
            STACK[0] if frames == 1 else STACK[:frames],
            imagej=True,
            resolution=(8, 4),
            metadata=metadata,
        )
    )
    assert image.n_frames == frames
    if spacing is None:
        assert image.spacing_mm is None
        assert NO_SIZE in image.warnings
    else:
        assert image.spacing_mm == pytest.approx(spacing, rel=1e-9)
        assert image.frame(frames - 1).spacing_mm == image.spacing_mm
        assert "ImageJ calibration" in image.calibration.source
        assert NO_SIZE not in image.warnings


def test_each_axis_has_its_own_unit():
    known, _ = calibration({"unit": "mm", "yunit": "cm"}, ((40, 1), (8, 1)))
    assert known.spacing_mm == (0.25, 0.125)


@pytest.mark.parametrize(
    ("unit", "rate", "words"),
    [
        ("mm", (1, 11), "11 × 11 mm a pixel cannot be right"),
        ("m", (1, 1), "cannot be right"),
        ("um", (1000, 1), "cannot be right"),
        ("inch", (72, 1), "72 dots an inch"),
        ("inch", (96, 1), "96 dots an inch"),
        ("inch", (300, 1), "300 dots an inch"),
        ("cm", (2834646, 100000), "72 dots an inch"),
    ],
    ids=str,
)
def test_a_calibration_that_cannot_be_is_not_used(one_sentence, unit, rate, words):
    known, notes = calibration({"unit": unit}, (rate, rate))
    assert known is None
    assert len(notes) == 1
    assert words in notes[0]
    assert one_sentence(notes[0])


@pytest.mark.parametrize("rate", [None, (0, 1), (1, 0), (-1, 1), 5, "8", (1, 2, 3)])
def test_an_impossible_resolution_is_no_calibration(rate):
    assert calibration({"unit": "mm"}, (rate, (8, 1))) == (None, ())


@pytest.mark.parametrize(
    "options", [{"resolution": (72, 72), "resolutionunit": "INCH"}, {}], ids=str
)
def test_dots_per_inch_are_no_calibration(read, options):
    image = read(encode(GRAY, **options))
    assert image.spacing_mm is None
    assert image.warnings == (NO_SIZE,)


@pytest.mark.parametrize(
    ("metadata", "times"),
    [
        ({"finterval": 0.25}, (0.0, 0.25, 0.5)),
        ({"finterval": 40.0, "tunit": "ms"}, (0.0, 0.04, 0.08)),
        ({"fps": 4.0}, (0.0, 0.25, 0.5)),
        ({"finterval": 0.5, "fps": 7.0}, (0.0, 0.5, 1.0)),
        ({"finterval": 0.0}, None),
        ({"finterval": -1.0}, None),
        ({"finterval": float("nan")}, None),
        ({"finterval": 1.0, "tunit": "fortnight"}, None),
        ({"fps": float("inf")}, None),
        ({"fps": "fast"}, None),
        ({}, None),
    ],
    ids=str,
)
def test_times_of_frames(metadata, times):
    found, notes = frame_times(metadata, 3)
    if times is None:
        assert found is None
        assert notes == (NO_TIMES,)
    else:
        assert found == pytest.approx(times, rel=1e-12)
        assert notes == ()


@pytest.mark.parametrize("axes", ["TYX", "ZYX"])
@pytest.mark.parametrize(("key", "value"), [("finterval", 0.04), ("fps", 25.0)])
def test_times_come_from_the_file(read, axes, key, value):
    image = read(encode(STACK, imagej=True, metadata={"axes": axes, key: value}))
    np.testing.assert_allclose(image.frame_times_s, np.arange(6) * 0.04, rtol=1e-12)
    assert NO_TIMES not in image.warnings


def imagej_eight_bits(value, low, high):
    """Return ImageJ's 8-bit level of a 16-bit value, step by step as it computes."""
    value = max(value - low, 0)
    return min(int(value * (256.0 / (high - low + 1)) + 0.5), 255)


@given(
    low=st.integers(0, 65000),
    span=st.integers(1, 65535),
    values=st.lists(st.integers(0, 65535), min_size=4, max_size=40),
)
def test_sixteen_bits_by_imagejs_rule(tmp_path_factory, low, span, values):
    high = min(low + span, 65535)
    stored = np.array([values, values[::-1]], np.uint16)
    path = tmp_path_factory.mktemp("deep") / "scan.tif"
    path.write_bytes(
        encode(stored, imagej=True, metadata={"min": float(low), "max": float(high)})
    )
    image = read_tiff(path, name="scan.tif", digest="x")
    expected = [
        [imagej_eight_bits(v, low, high) for v in row] for row in stored.tolist()
    ]
    assert image.pixels.tolist() == expected
    assert image.gray_rule == f"ImageJ 8-bit conversion of {low}–{high}"


@pytest.mark.parametrize(
    "meta",
    [
        {},
        {"min": 5.0},
        {"min": 9.0, "max": 9.0},
        {"min": -5.0, "max": 10.0},
        {"min": float("nan"), "max": 10.0},
        {"min": 0.0, "max": 1e9},
    ],
    ids=str,
)
def test_a_display_range_that_is_none(meta):
    assert display_range(meta) is None


# Refusals

REFUSED = {
    "16-bit": (lambda: encode(GRAY.astype(np.uint16) * 9), "uint16 .*set the display"),
    "signed": (lambda: encode(GRAY.astype(np.int16)), "int16 pixels"),
    "float": (lambda: encode(GRAY.astype(np.float32)), "float32 pixels"),
    "photograph": (
        lambda: encode(
            np.stack(np.broadcast_arrays(GRAY, GRAY.T[:1, :1], GRAY[::-1]), -1),
            photometric="rgb",
        ),
        "colour picture",
    ),
    "channels": (
        lambda: encode(
            np.zeros((2, 3, 40, 50), np.uint8), imagej=True, metadata={"axes": "TCYX"}
        ),
        "3 channels; turn them into one RGB image",
    ),
    "ome-channels": (
        lambda: encode(
            np.zeros((3, 40, 50), np.uint8),
            ome=True,
            photometric="minisblack",
            metadata={"axes": "CYX"},
        ),
        "3 channels",
    ),
    "slices-and-times": (
        lambda: encode(
            np.zeros((2, 3, 40, 50), np.uint8), imagej=True, metadata={"axes": "TZYX"}
        ),
        "3 slices at each of 2 times",
    ),
    "hidden-planes": (
        lambda: encode(STACK, photometric="minisblack", truncate=True),
        "states the shape .6, 40, 50.",
    ),
    "volume": (
        lambda: encode(
            np.zeros((16, 48, 64), np.uint8), volumetric=True, tile=(16, 16, 16)
        ),
        "volume in one page",
    ),
    "signature-only": (lambda: b"II*\0", "not a readable image"),
    "no-directory": (lambda: b"II*\0\x08\0\0\0", "not a readable image"),
}


@pytest.mark.parametrize(("make", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_measured_is_refused(read, one_sentence, make, words):
    with pytest.raises(ImageReadError, match=words) as error:
        read(make())
    assert one_sentence(str(error.value))
    assert "'scan.tif'" in str(error.value)


def test_a_header_that_lies_allocates_nothing(read):
    content = bytearray(encode(GRAY))
    with tifffile.TiffFile(io.BytesIO(bytes(content))) as tiff:
        for code in (256, 257):
            tag = tiff.pages[0].tags[code]
            struct.pack_into("<H", content, tag.valueoffset, 65535)
    tracemalloc.start()
    with pytest.raises(ImageReadError, match="65535 × 65535 pixels"):
        read(bytes(content))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_imagej_may_promise_more_frames_than_there_are(read):
    content = as_imagej_writes(STACK, axes="TYX")
    lying = content.replace(b"images=6\nframes=6", b"images=9\nframes=9")
    assert lying != content
    image = read(lying)
    assert image.n_frames in (6, 7)
    assert "states 9 frames" in image.warnings[0]


def test_the_readers_log_is_silent(read, caplog):
    content = as_imagej_writes(STACK, axes="TYX")
    with pytest.raises(ImageReadError):
        read(content[:300])
    assert not caplog.records


FORMATS = {
    "plain": lambda: encode(STACK, photometric="minisblack"),
    "lzw": lambda: encode(STACK, photometric="minisblack", compression="lzw"),
    "jpeg": lambda: encode(coloured_stack(), photometric="rgb", compression="jpeg"),
    "imagej": lambda: as_imagej_writes(STACK, axes="TYX", finterval=0.1, unit="mm"),
    "deep": lambda: as_imagej_writes(
        STACK.astype(np.uint16), axes="TYX", min=3.0, max=99.0
    ),
}


@pytest.mark.parametrize("make", FORMATS.values(), ids=FORMATS)
def test_mutated_files_open_or_are_refused(read, make):
    content = make()
    for seed in range(10):
        try:
            image = read(mutated(content, seed))
        except ImageReadError:
            continue
        for index in {0, image.n_frames - 1}:
            try:
                still = image.frame(index)
            except ImageReadError:
                continue
            assert still.pixels.shape == image.frame_shape
