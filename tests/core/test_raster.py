"""PNG, JPEG and BMP: pixels, refusals, and files that lie."""

from __future__ import annotations

import hashlib
import io
import random
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from PIL import Image

import napari_muscle_us as mus
from napari_muscle_us.errors import ImageReadError

from .mutation import mutated

GRAY = (np.add.outer(np.arange(40) * 5, np.arange(50)) % 256).astype(np.uint8)
NO_SIZE = ("The size of a pixel is not known: lengths and areas are in pixels.",)


def colourful(shape=(40, 50)):
    row, col = np.indices(shape)
    return np.stack([row * 6 % 256, col * 5 % 256, (row + col) * 2 % 256], -1).astype(
        np.uint8
    )


def overlay():
    """Return gray speckle with a yellow marker, as scanners burn it in."""
    rgb = np.repeat(GRAY[..., None], 3, axis=2)
    rgb[5:9, 10:20] = (255, 255, 0)
    return rgb


def encode(array, kind, mode=None, **options):
    buffer = io.BytesIO()
    picture = Image.fromarray(array)
    if mode:
        picture = picture.convert(mode)
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.fixture
def read(tmp_path):
    def read_bytes(content, name="scan.png", **options):
        (tmp_path / name).write_bytes(content)
        return mus.read_image(tmp_path / name, **options)

    return read_bytes


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("PNG", {}),
        ("BMP", {}),
        ("TIFF", {}),
        ("TIFF", {"compression": "packbits"}),
        ("TIFF", {"compression": "tiff_lzw"}),
        ("TIFF", {"compression": "tiff_adobe_deflate"}),
    ],
    ids=lambda v: v if isinstance(v, str) else v.get("compression", "plain"),
)
@pytest.mark.parametrize("colour", [False, True], ids=["gray", "rgb"])
def test_lossless_pictures_keep_every_pixel(read, kind, options, colour):
    content = encode(overlay() if colour else GRAY, kind, **options)
    image = read(content)
    if colour:
        expected = GRAY.copy()
        expected[5:9, 10:20] = 170  # (255 + 255 + 0) / 3
        assert image.coloured.sum() == 40
        assert image.coloured[5:9, 10:20].all()
        assert image.gray_rule == "imagej"
    else:
        expected = GRAY
        assert image.coloured is None
    np.testing.assert_array_equal(image.gray, expected)
    assert image.spacing_mm is None
    assert image.warnings == NO_SIZE
    assert image.sha256 == hashlib.sha256(content).hexdigest()
    assert image.hash_of == "file"


def test_alpha_is_left_out(read):
    rgba = np.dstack([overlay(), np.full(GRAY.shape, 7, np.uint8)])
    expected = read(encode(overlay(), "PNG")).gray
    np.testing.assert_array_equal(read(encode(rgba, "PNG")).gray, expected)
    two = np.dstack([GRAY, np.full(GRAY.shape, 7, np.uint8)])
    image = read(encode(two, "PNG"))
    np.testing.assert_array_equal(image.gray, GRAY)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF"])
def test_palette_pictures_are_looked_up(read, kind):
    picture = Image.new("P", (50, 40))
    picture.putpalette([v for level in (9, 90, 200, 255) for v in (level,) * 3])
    picture.putdata([int(v) % 4 for v in GRAY.ravel()])
    buffer = io.BytesIO()
    picture.save(buffer, kind)
    expected = np.array([9, 90, 200, 255], np.uint8)[GRAY % 4]
    np.testing.assert_array_equal(read(buffer.getvalue()).gray, expected)


def test_luma601_is_imagejs_weighted_gray(read):
    image = read(encode(overlay(), "PNG"), gray_rule="luma601")
    assert image.gray[5, 10] == 226  # 0.299 · 255 + 0.587 · 255 = 225.93
    assert image.gray_rule == "luma601"
    with pytest.raises(ImageReadError, match="'mean' is unknown"):
        read(encode(overlay(), "PNG"), gray_rule="mean")


def test_jpeg_is_decoded_as_pillow_does(read):
    content = encode(overlay(), "JPEG", quality=95)
    rgb = np.asarray(Image.open(io.BytesIO(content)))
    image = read(content, "scan.jpg")
    np.testing.assert_array_equal(image.gray, mus.gray_from_rgb(rgb))
    assert image.lossy
    # Compression makes small differences everywhere; they are not colour.
    np.testing.assert_array_equal(image.coloured, np.ptp(rgb.astype(int), axis=-1) > 24)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP", "TIFF"])
def test_dots_per_inch_are_no_calibration(read, kind):
    image = read(encode(GRAY, kind, dpi=(72, 72)))
    assert image.spacing_mm is None
    assert image.warnings == NO_SIZE


def test_real_pictures_are_read_as_pillow_does(shared):
    for path in sorted(shared("data/longitudinal_vl").glob("*.png"))[:5]:
        image = mus.read_image(path)
        picture = np.asarray(Image.open(path))
        assert image.gray_rule == ("stored" if picture.ndim == 2 else "imagej")
        expected = picture if picture.ndim == 2 else mus.gray_from_rgb(picture[..., :3])
        np.testing.assert_array_equal(image.gray, expected)


# What is no still 8-bit B-mode image


def many_pages(kind):
    buffer = io.BytesIO()
    frames = [Image.fromarray(GRAY), Image.fromarray(GRAY[::-1].copy())]
    frames[0].save(buffer, kind, save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def deep_colour():
    """Return a PNG of 16 bits a channel, which Pillow would cut to 8 silently."""
    header = struct.pack(">IIBBBBB", 4, 3, 16, 2, 0, 0, 0)
    rows = zlib.compress((b"\0" + bytes(range(24))) * 3)
    return png(header, rows)


def png(header, data):
    content = b"\x89PNG\r\n\x1a\n"
    for name, body in ((b"IHDR", header), (b"IDAT", data), (b"IEND", b"")):
        crc = struct.pack(">I", zlib.crc32(name + body))
        content += struct.pack(">I", len(body)) + name + body + crc
    return content


def png_header(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return png(header, zlib.compress(bytes(99)))


REFUSED = {
    "16-bit-png": (lambda: encode(GRAY.astype(np.uint16) * 9, "PNG"), "8-bit"),
    "16-bit-colour-png": (deep_colour, "8-bit"),
    "animated-png": (lambda: many_pages("PNG"), "animated PNG; export the clip"),
    "photograph-png": (lambda: encode(colourful(), "PNG"), "colour picture .*coloured"),
    "photograph-jpeg": (lambda: encode(colourful(), "JPEG"), "colour picture"),
    "empty": (lambda: b"", "is empty"),
    "text": (lambda: b"echo intensity,100\n", "open a DICOM, PNG, JPEG"),
    "signature-only": (lambda: b"\x89PNG\r\n\x1a\n", "not a readable image"),
    "bomb": (lambda: png_header(100_000, 100_000), "pixels|readable"),
    "below-pillows-limit": (lambda: png_header(11_000, 10_000), "11000 pixels"),
}


@pytest.mark.parametrize(("make", "words"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_measured_is_refused(read, one_sentence, make, words):
    content = make()
    tracemalloc.start()
    with pytest.raises(ImageReadError, match=words) as error:
        read(content, "scan.png")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # A header that lies allocates nothing; the photograph has 0.2 megapixels.
    assert peak < 40e6
    assert one_sentence(str(error.value))
    assert "'scan.png'" in str(error.value)


def test_no_file_no_image(tmp_path, one_sentence):
    for path, words in (
        (tmp_path, "is a folder"),
        (tmp_path / "missing.png", "does not exist"),
        ("a\0b.png", "does not exist|cannot be read"),
        (tmp_path / ("x" * 4000), "cannot be read"),
    ):
        with pytest.raises(ImageReadError, match=words) as error:
            mus.read_image(path)
        if len(str(error.value)) < 500:
            assert one_sentence(str(error.value))


CUT = {
    "png": lambda: encode(overlay(), "PNG"),
    "jpeg": lambda: encode(overlay(), "JPEG"),
    "bmp": lambda: encode(overlay(), "BMP"),
}


@pytest.mark.parametrize("make", CUT.values(), ids=CUT)
def test_a_picture_cut_short_is_refused(read, make):
    content = make()
    whole = read(content).gray
    refused = []
    for length in random.Random(4).sample(range(1, len(content) - 12), 40):
        try:
            cut = read(content[:length])
        except ImageReadError as error:
            refused.append(str(error))
        else:
            # Only what lies behind the pixels may be missing.
            np.testing.assert_array_equal(cut.gray, whole)
    assert len(refused) > 20
    assert all("'scan.png'" in text for text in refused)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "BMP"])
def test_mutated_pictures_open_or_are_refused(read, kind):
    content = encode(overlay(), kind)
    for seed in range(12):
        try:
            image = read(mutated(content, seed))
        except ImageReadError:
            continue
        assert image.pixels.shape == image.frame_shape


def test_a_jpeg_whose_lower_rows_are_missing_is_refused(tmp_path, one_sentence):
    """Decoders fill them with level 128 and do not say so."""
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)
    Image.fromarray(noise).save(buffer, "JPEG", quality=90)
    whole = buffer.getvalue()
    path = tmp_path / "scan.jpg"
    path.write_bytes(whole)
    assert mus.read_image(path).frame_shape == (64, 64)
    path.write_bytes(whole[: len(whole) // 2] + b"\xff\xd9")
    with pytest.raises(ImageReadError, match="not a readable image") as error:
        mus.read_image(path)
    assert one_sentence(str(error.value))
