"""Every transfer syntax and colour model of DICOM: the numbers, or a refusal in words.

The files are built in `dicom_factory`, most code streams by imagecodecs; what is
compared with never went through the reader.
"""

from __future__ import annotations

import re
import tracemalloc
import warnings
from pathlib import Path
from time import perf_counter

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.pixels import decoders, pixel_array

import napari_muscle_us as mus
from napari_muscle_us.errors import ImageReadError
from tests.core import dicom_factory as make

ROWS, COLUMNS = 33, 47
Y, X = np.mgrid[:ROWS, :COLUMNS]
# 33 × 47 bytes are an odd number, and no two frames are alike.
GRAYS = [
    ((7 * X + 3 * Y + (X * Y) % 13 + 60 * i) % 256).astype(np.uint8) for i in (0, 1, 2)
]
SMOOTH = [
    np.stack(
        [
            128 + 100 * np.sin(X / 9 + i),
            128 + 90 * np.cos(Y / 7),
            128 + 80 * np.sin((X + Y) / 11),
        ],
        axis=-1,
    ).astype(np.uint8)
    for i in (0, 1, 2)
]
EVEN = [f[:, :46] for f in SMOOTH]
DEEP = [((70 * X + 31 * Y + 900 * i) % 4096).astype(np.uint16) for i in (0, 1, 2)]
WINDOW = {
    "BitsAllocated": 16,
    "BitsStored": 12,
    "HighBit": 11,
    "WindowCenter": 2048,
    "WindowWidth": 4096,
}


def same(frame):
    return frame


def mean(rgb):
    """ImageJ's gray: the mean of three, rounded half up."""
    return np.floor(np.asarray(rgb).astype(float).sum(axis=-1) / 3 + 0.5)


def rgb_of(ybr):
    """DICOM PS3.3 C.7.6.3.1.2 solved for RGB, rounded half to even and cut."""
    y, cb, cr = np.moveaxis(np.asarray(ybr).astype(float), -1, 0)
    cb, cr = cb - 128, cr - 128
    kr, kg, kb = 0.299, 0.587, 0.114
    red, blue = y + 2 * (1 - kr) * cr, y + 2 * (1 - kb) * cb
    green = (y - kr * red - kb * blue) / kg
    return np.clip(np.around(np.stack([red, green, blue], axis=-1)), 0, 255)


def windowed(deep):
    """Centre 2048, width 4096: black at 0, white at 4095."""
    return np.floor(deep / 4095 * 255 + 0.5)


def jpeg_lossless(predictor, **options):
    return lambda f: make.jpeg(f, lossless=True, predictor=predictor, **options)


def jpeg_ls(**options):
    return lambda f: bytes(imagecodecs.jpegls_encode(f, **options))


def jpeg_2000(**options):
    return lambda f: bytes(imagecodecs.jpeg2k_encode(f, codecformat="J2K", **options))


EXACT = {"reversible": True, "level": 0}
LOSSY = {"reversible": False, "level": 40}


# name: syntax, colour model, frames, encoder, what the code stream holds, its gray
CODECS = {
    "rle": (make.RLE, "MONOCHROME2", GRAYS, make.rle, None, same),
    "rle-rgb": (make.RLE, "RGB", SMOOTH, make.rle, None, mean),
    "rle-16": (make.RLE, "MONOCHROME2", DEEP, make.rle, None, windowed),
    "jpeg-baseline": (
        make.JPEG_BASELINE,
        "MONOCHROME2",
        GRAYS,
        make.jpeg,
        imagecodecs.jpeg8_decode,
        same,
    ),
    "jpeg-extended-8": (
        make.JPEG_EXTENDED,
        "MONOCHROME2",
        GRAYS,
        make.jpeg,
        imagecodecs.jpeg8_decode,
        same,
    ),
    "jpeg-rgb": (
        make.JPEG_BASELINE,
        "RGB",
        SMOOTH,
        lambda f: make.jpeg(f, outcolorspace="RGB"),
        imagecodecs.jpeg8_decode,
        mean,
    ),
    **{
        f"jpeg-lossless-{p}": (
            make.JPEG_LOSSLESS,
            "MONOCHROME2",
            GRAYS,
            jpeg_lossless(p),
            None,
            same,
        )
        for p in range(1, 8)
    },
    "jpeg-lossless-sv1": (
        make.JPEG_LOSSLESS_SV1,
        "MONOCHROME2",
        GRAYS,
        jpeg_lossless(1),
        None,
        same,
    ),
    "jpeg-lossless-sv1-rgb": (
        make.JPEG_LOSSLESS_SV1,
        "RGB",
        SMOOTH,
        jpeg_lossless(1, outcolorspace="RGB"),
        None,
        mean,
    ),
    "jpeg-lossless-sv1-12": (
        make.JPEG_LOSSLESS_SV1,
        "MONOCHROME2",
        DEEP,
        jpeg_lossless(1, bitspersample=12),
        None,
        windowed,
    ),
    "jpeg-ls": (make.JPEG_LS, "MONOCHROME2", GRAYS, jpeg_ls(), None, same),
    "jpeg-ls-rgb": (make.JPEG_LS, "RGB", SMOOTH, jpeg_ls(), None, mean),
    "jpeg-ls-near": (
        make.JPEG_LS_NEAR,
        "MONOCHROME2",
        GRAYS,
        jpeg_ls(level=3),
        imagecodecs.jpegls_decode,
        same,
    ),
    "jpeg-2000": (
        make.JPEG_2000_LOSSLESS,
        "MONOCHROME2",
        GRAYS,
        jpeg_2000(**EXACT),
        None,
        same,
    ),
    "jpeg-2000-12": (
        make.JPEG_2000_LOSSLESS,
        "MONOCHROME2",
        DEEP,
        jpeg_2000(**EXACT, bitspersample=12),
        None,
        windowed,
    ),
    "jpeg-2000-rct": (
        make.JPEG_2000_LOSSLESS,
        "YBR_RCT",
        SMOOTH,
        jpeg_2000(**EXACT),
        None,
        mean,
    ),
    "jpeg-2000-rgb": (
        make.JPEG_2000_LOSSLESS,
        "RGB",
        SMOOTH,
        jpeg_2000(**EXACT, mct=False),
        None,
        mean,
    ),
    "jpeg-2000-lossy": (
        make.JPEG_2000,
        "MONOCHROME2",
        GRAYS,
        jpeg_2000(**LOSSY),
        imagecodecs.jpeg2k_decode,
        same,
    ),
    "jpeg-2000-ict": (
        make.JPEG_2000,
        "YBR_ICT",
        SMOOTH,
        jpeg_2000(**LOSSY),
        imagecodecs.jpeg2k_decode,
        mean,
    ),
}
LAYOUTS = {
    "basic": {},
    "empty": {"table": "empty"},
    "extended": {"table": "extended"},
    "basic-3-fragments": {"fragments": 3},
    "not-padded": {"pad": False},
    "no-delimiter": {"delimiter": False},
    "empty-no-delimiter": {"table": "empty", "delimiter": False},
    "2-bytes-behind": {"tail": b"\0\0"},
    "zeros-behind": {"tail": bytes(1000)},
}


def codec(name):
    """Return the code streams, their gray levels and how they are labelled."""
    syntax, photometric, frames, encode, decode, gray = CODECS[name]
    streams = [encode(f) for f in frames]
    grays = [
        gray(decode(s) if decode else f) for s, f in zip(streams, frames, strict=True)
    ]
    tags = WINDOW if frames is DEEP else {}

    def build(count, layout=None, **more):
        return make.compressed(
            syntax,
            streams[:count],
            frames[0].shape,
            photometric,
            layout=layout,
            **(tags | more),
        )

    return build, grays


def assert_frames(image, grays):
    assert image.n_frames == len(grays)
    for i, gray in enumerate(grays):
        np.testing.assert_array_equal(image.frame(i).gray, gray)


def assert_refused(read, content, words, one_sentence):
    with pytest.raises(ImageReadError, match=words) as error:
        read(content)
    assert one_sentence(str(error.value))
    return str(error.value)


def right_or_refused(read, content, grays, words, one_sentence, *, off=0):
    """Whether the frames were read; they must be right, or refused in these words."""
    try:
        image = read(content)
    except ImageReadError as refused:
        message = str(refused)
    else:
        assert image.n_frames == len(grays)
        for i, gray in enumerate(grays):
            np.testing.assert_allclose(image.frame(i).gray, gray, atol=off)
        return True
    assert one_sentence(message)
    assert re.search(words, message), message
    # Installing what is there would not help.
    assert "python-gdcm" not in message
    return False


# Transfer syntaxes


@pytest.mark.parametrize(
    "syntax",
    [make.IMPLICIT, make.EXPLICIT, make.DEFLATED, make.BIG],
    ids=["implicit", "explicit", "deflated", "big"],
)
@pytest.mark.parametrize("count", [1, 3])
def test_uncompressed(read, syntax, count):
    image = read(make.native(syntax, GRAYS[:count], "MONOCHROME2"))
    assert_frames(image, GRAYS[:count])
    assert (image.gray_rule, image.frame(0).coloured) == ("stored", None)
    image = read(make.native(syntax, SMOOTH[:count], "RGB"))
    assert_frames(image, [mean(f) for f in SMOOTH[:count]])
    image = read(make.native(syntax, DEEP[:count], "MONOCHROME2", **WINDOW))
    assert_frames(image, [windowed(f) for f in DEEP[:count]])


@pytest.mark.parametrize("name", CODECS)
def test_a_compressed_still(read, name):
    build, grays = codec(name)
    assert_frames(read(build(1)), grays[:1])


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["rle", "jpeg-baseline", "jpeg-ls", "jpeg-2000"])
def test_a_compressed_clip_in_every_layout(read, name, layout):
    build, grays = codec(name)
    assert_frames(read(build(3, LAYOUTS[layout])), grays)


@pytest.mark.parametrize("name", CODECS)
def test_a_compressed_clip(read, name):
    build, grays = codec(name)
    assert_frames(read(build(3)), grays)


@pytest.mark.parametrize("name", ["jpeg-baseline", "jpeg-lossless-4", "jpeg-2000-rct"])
def test_frames_in_several_fragments_without_a_table(read, name):
    build, grays = codec(name)
    assert_frames(read(build(3, {"table": "empty", "fragments": 3})), grays)


@pytest.mark.parametrize("name", ["jpeg-baseline", "jpeg-ls", "rle"])
def test_a_still_in_several_fragments(read, name):
    build, grays = codec(name)
    assert_frames(read(build(1, {"table": "empty", "fragments": 4})), grays[:1])


@pytest.mark.parametrize("count", [1, 3])
def test_12_bit_extended_jpeg_is_decoded_or_named(read, one_sentence, count):
    streams = [make.jpeg(f, bitspersample=12) for f in DEEP[:count]]
    content = make.compressed(
        make.JPEG_EXTENDED, streams, DEEP[0].shape, "MONOCHROME2", **WINDOW
    )
    grays = [windowed(imagecodecs.jpeg8_decode(s)) for s in streams]
    right_or_refused(read, content, grays, "JPEG Extended.*12", one_sentence)


@pytest.mark.parametrize("syntax", [make.HTJ2K_LOSSLESS, make.HTJ2K_RPCL, make.HTJ2K])
@pytest.mark.parametrize("count", [1, 3])
def test_htj2k_is_decoded_or_named(read, one_sentence, syntax, count):
    words = "High-Throughput JPEG 2000"
    for frames, model, gray in (
        (GRAYS[:count], "MONOCHROME2", same),
        (SMOOTH[:count], "YBR_RCT", mean),
    ):
        streams = [bytes(imagecodecs.htj2k_encode(f, reversible=True)) for f in frames]
        content = make.compressed(syntax, streams, frames[0].shape, model)
        right_or_refused(read, content, [gray(f) for f in frames], words, one_sentence)


# Named from DICOM PS3.6 A: what neither gdcm nor pydicom decodes.
UNDECODABLE = {
    "1.2.840.10008.1.2.4.100": "MPEG2",
    "1.2.840.10008.1.2.4.101": "MPEG2",
    "1.2.840.10008.1.2.4.102": r"MPEG-4 AVC/H\.264",
    "1.2.840.10008.1.2.4.103": r"MPEG-4 AVC/H\.264",
    "1.2.840.10008.1.2.4.104": r"MPEG-4 AVC/H\.264",
    "1.2.840.10008.1.2.4.105": r"MPEG-4 AVC/H\.264",
    "1.2.840.10008.1.2.4.106": r"MPEG-4 AVC/H\.264",
    "1.2.840.10008.1.2.4.107": r"HEVC/H\.265",
    "1.2.840.10008.1.2.4.108": r"HEVC/H\.265",
    "1.2.840.10008.1.2.4.110": "JPEG XL",
    "1.2.840.10008.1.2.4.111": "JPEG XL",
    "1.2.840.10008.1.2.4.112": "JPEG XL",
    "1.2.840.10008.1.2.4.52": "JPEG Extended",
}


@pytest.mark.parametrize("syntax", UNDECODABLE)
@pytest.mark.parametrize("count", [1, 3])
def test_what_cannot_be_decoded_is_named(read, one_sentence, syntax, count):
    streams = [b"\0\0\0\1\x09\x10" * 20] * count
    content = make.compressed(syntax, streams, GRAYS[0].shape, "MONOCHROME2")
    message = assert_refused(read, content, UNDECODABLE[syntax], one_sentence)
    # Installing what is there would not help.
    assert "install" not in message


@pytest.mark.parametrize(
    "syntax",
    [f"1.2.840.10008.1.2.4.{n}" for n in (94, 95, 204, 205)],
)
def test_pixels_on_a_server_are_said(read, one_sentence, syntax):
    tags = make.header(GRAYS[0].shape, "MONOCHROME2")
    secret = "http://zzmarker.example/anna"
    content = make.dicom_file(syntax, None, PixelDataProviderURL=("UR", secret), **tags)
    message = assert_refused(read, content, "JPIP", one_sentence)
    assert "zzmarker" not in message


@pytest.mark.parametrize(
    "syntax",
    [
        make.GE_PRIVATE,
        "1.2.826.0.1.3680043.8.498.1",
        "1.2.840.10008.1.2.999",
        "Zz^Anna",
    ],
    ids=["ge", "private", "unregistered", "text"],
)
def test_an_unnamed_syntax_is_refused_without_its_text(read, one_sentence, syntax):
    content = make.native(syntax, GRAYS[:1], "MONOCHROME2")
    message = assert_refused(read, content, "unnamed|private|unknown", one_sentence)
    assert syntax not in message
    assert "Anna" not in message


@pytest.mark.parametrize(
    ("name", "decoder", "function"),
    [
        ("jpeg-lossless-sv1", "JPEGLosslessSV1Decoder", "jpeg8_decode"),
        ("jpeg-ls", "JPEGLSLosslessDecoder", "jpegls_decode"),
        ("jpeg-2000", "JPEG2000LosslessDecoder", "jpeg2k_decode"),
        ("jpeg-baseline", "JPEGBaseline8BitDecoder", "jpeg8_decode"),
    ],
)
def test_a_missing_decoder_is_named(
    read, one_sentence, monkeypatch, name, decoder, function
):
    """As on a machine where neither library was built with this codec."""
    build, _ = codec(name)
    contents = [build(1), build(3)]
    missing = {"gdcm": ("gdcm>=3.0.10",)}
    monkeypatch.setattr(getattr(decoders, decoder), "_available", {})
    monkeypatch.setattr(getattr(decoders, decoder), "_unavailable", missing)

    def not_there(*_, **__):
        raise imagecodecs.DelayedImportError(function)

    monkeypatch.setattr(imagecodecs, function, not_there)
    for content in contents:
        words = "compressed as JPEG.*install (python-gdcm|imagecodecs)"
        assert_refused(read, content, words, one_sentence)


# Colour models


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
@pytest.mark.parametrize("bits", [10, 12, 16])
@pytest.mark.parametrize("signed", [False, True], ids=["unsigned", "signed"])
@pytest.mark.parametrize("syntax", [make.EXPLICIT, make.BIG], ids=["little", "big"])
def test_gray_of_more_bits(read, photometric, bits, signed, syntax):
    values = np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS) % (1 << bits)
    values = values * (1 << bits) // (ROWS * COLUMNS)
    if signed:
        values -= 1 << (bits - 1)
    # Slope 2 and intercept 10, window from the least to the greatest value.
    low, high = 2 * values.min() + 10, 2 * values.max() + 10
    tags = {
        "BitsStored": bits,
        "HighBit": bits - 1,
        "PixelRepresentation": int(signed),
        "RescaleSlope": 2,
        "RescaleIntercept": 10,
        "WindowCenter": (low + high) / 2,
        "WindowWidth": high - low,
        "VOILUTFunction": "LINEAR_EXACT",
    }
    # Overlays of old files lie in the unused bits and are no gray level.
    stored = values.astype(np.uint16) & ((1 << bits) - 1)
    if bits < 16:
        stored |= np.uint16(1 << 15)
    image = read(make.native(syntax, [stored], photometric, **tags))
    level = (2 * values + 10 - low) / (high - low) * 255
    expected = np.floor(np.around(level, 9) + 0.5)
    if photometric == "MONOCHROME1":
        expected = 255 - expected
    np.testing.assert_array_equal(image.gray, expected)
    assert image.gray_rule.startswith("window ")


@pytest.mark.parametrize(
    ("stored", "high"), [(12, 15), (12, 12), (8, 15), (8, 8), (10, 15)]
)
@pytest.mark.parametrize("photometric", ["MONOCHROME2", "PALETTE COLOR"])
def test_pixels_that_do_not_begin_at_bit_0_are_not_misread(
    read, one_sentence, stored, high, photometric
):
    """Retired in 2010, so in old files: the value is shifted to the left."""
    values = (np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS) % 200).astype(np.uint16)
    tags = WINDOW | {"BitsStored": stored, "HighBit": high}
    if photometric == "PALETTE COLOR":
        tags |= tables(np.arange(256), 0, 8)
    shifted = values << np.uint16(high + 1 - stored)
    content = make.native(make.EXPLICIT, [shifted], photometric, **tags)
    assert_refused(read, content, "bit", one_sentence)


@pytest.mark.parametrize("planar", [0, 1])
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("syntax", [make.EXPLICIT, make.BIG, make.IMPLICIT])
def test_rgb_by_pixel_and_by_plane(read, planar, count, syntax):
    frames = SMOOTH[:count]
    stored = [np.moveaxis(f, -1, 0) if planar else f for f in frames]
    tags = make.header(frames[0].shape, "RGB", frames=count, PlanarConfiguration=planar)
    pixels = b"".join(f.tobytes() for f in stored)
    pixels += b"\0" * (len(pixels) % 2)
    if syntax == make.BIG:
        # Written as bytes (OB), which no byte order touches.
        assert len(pixels) % 2 == 0
    image = read(make.dicom_file(syntax, pixels, **tags))
    assert_frames(image, [mean(f) for f in frames])


@pytest.mark.parametrize("count", [1, 3])
def test_big_endian_bytes_in_words(read, count):
    """8-bit pixels as OW: each word's bytes change places, PS3.5 D."""
    pixels = b"".join(f.tobytes() for f in GRAYS[:count])
    pixels += b"\0" * (len(pixels) % 2)
    swapped = np.frombuffer(pixels, "<u2").astype(">u2").tobytes()
    tags = make.header(GRAYS[0].shape, "MONOCHROME2", frames=count)
    content = make.dicom_file(make.BIG, swapped, **tags)
    # The factory writes OB; the pixel element is the last one.
    place = content.rindex(b"OB\0\0")
    content = content[:place] + b"OW" + content[place + 2 :]
    assert_frames(read(content), GRAYS[:count])


@pytest.mark.parametrize("planar", [0, 1])
def test_rle_is_by_plane_whatever_the_header_says(read, planar):
    build, grays = codec("rle-rgb")
    assert_frames(read(build(3, PlanarConfiguration=planar)), grays)


def subsampled(ybr):
    """Return YBR_FULL_422 bytes: two luminances, then the chroma of both."""
    parts = [ybr[:, 0::2, 0], ybr[:, 1::2, 0], ybr[:, 0::2, 1], ybr[:, 0::2, 2]]
    return np.stack(parts, axis=-1).tobytes()


@pytest.mark.parametrize("count", [1, 3])
def test_ybr_full_422_without_compression(read, count):
    frames = [f.copy() for f in EVEN[:count]]
    for f in frames:
        f[:, 1::2, 1:] = f[:, 0::2, 1:]
    pixels = b"".join(subsampled(f) for f in frames)
    tags = make.header(frames[0].shape, "YBR_FULL_422", frames=count)
    content = make.dicom_file(make.EXPLICIT, pixels, **tags)
    assert_frames(read(content), [mean(rgb_of(f)) for f in frames])
    luma = read(content, gray_rule="luma601")
    assert_frames(luma, [f[..., 0] for f in frames])


@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("planar", [0, 1])
def test_ybr_full_without_compression(read, count, planar):
    frames = SMOOTH[:count]
    stored = [np.moveaxis(f, -1, 0) if planar else f for f in frames]
    pixels = b"".join(f.tobytes() for f in stored)
    tags = make.header(frames[0].shape, "YBR_FULL", frames=count)
    tags["PlanarConfiguration"] = planar
    content = make.dicom_file(make.EXPLICIT, pixels + b"\0" * (len(pixels) % 2), **tags)
    assert_frames(read(content), [mean(rgb_of(f)) for f in frames])
    luma = read(content, gray_rule="luma601")
    assert_frames(luma, [f[..., 0] for f in frames])


@pytest.mark.parametrize("sampling", ["444", "422", "420"])
@pytest.mark.parametrize("photometric", ["YBR_FULL", "YBR_FULL_422"])
@pytest.mark.parametrize("count", [1, 3])
def test_ybr_jpeg(read, sampling, photometric, count):
    streams = [make.jpeg(f, subsampling=sampling) for f in SMOOTH[:count]]
    content = make.compressed(make.JPEG_BASELINE, streams, SMOOTH[0].shape, photometric)
    decoded = [imagecodecs.jpeg8_decode(s, outcolorspace="YCBCR") for s in streams]
    assert_frames(read(content), [mean(rgb_of(d)) for d in decoded])
    luma = read(content, gray_rule="luma601")
    assert_frames(luma, [d[..., 0] for d in decoded])
    for stream, frame in zip(streams, SMOOTH, strict=False):
        assert np.abs(mean(imagecodecs.jpeg8_decode(stream)) - mean(frame)).mean() < 3


@pytest.mark.parametrize(
    "photometric", ["YBR_PARTIAL_422", "YBR_PARTIAL_420", "ARGB", "HSV", "CMYK", "XYB"]
)
def test_other_colour_models_are_named(read, one_sentence, photometric):
    content = make.native(make.EXPLICIT, EVEN[:1], photometric)
    assert_refused(read, content, f"colour model '{photometric}'", one_sentence)


# A JPEG that says itself what its components are is believed: PS3.5 8.2.1.


YCC = make.jpeg(SMOOTH[0], subsampling="444", level=100)
YCC_422 = make.jpeg(SMOOTH[0], subsampling="422", level=100)
RGB_IDS = make.jpeg(SMOOTH[0], outcolorspace="RGB", level=100)
JPEG_COLOURS = {
    "ycc-jfif": (YCC, "YBR"),
    "ycc-adobe": (make.with_adobe(YCC, 1), "YBR"),
    "ycc-422-adobe": (make.with_adobe(YCC_422, 1), "YBR"),
    "rgb-adobe-ids": (RGB_IDS, "RGB"),
    "rgb-ids": (make.without_markers(RGB_IDS, 0xEE), "RGB"),
    "rgb-adobe": (make.with_component_ids(RGB_IDS, b"\1\2\3"), "RGB"),
}


@pytest.mark.parametrize("photometric", ["RGB", "YBR_FULL", "YBR_FULL_422"])
@pytest.mark.parametrize("name", JPEG_COLOURS)
def test_a_jpeg_that_tells_its_colours_is_believed(read, name, photometric):
    stream, _ = JPEG_COLOURS[name]
    content = make.compressed(
        make.JPEG_BASELINE, [stream], SMOOTH[0].shape, photometric
    )
    truth = mean(SMOOTH[0])
    off = 12 if "422" in name else 2
    np.testing.assert_allclose(read(content).gray, truth, atol=off)


@pytest.mark.parametrize("space", ["RGB", "YBR_FULL", "YBR_FULL_422"])
def test_a_jpeg_that_tells_nothing_has_the_colours_of_the_header(read, space):
    stream = make.without_markers(YCC, 0xE0)
    if space == "RGB":
        stream = make.with_component_ids(RGB_IDS, b"\0\1\2")
        stream = make.without_markers(stream, 0xEE)
    content = make.compressed(make.JPEG_BASELINE, [stream], SMOOTH[0].shape, space)
    np.testing.assert_allclose(read(content).gray, mean(SMOOTH[0]), atol=2)


def test_chroma_of_half_width_is_no_rgb(read, one_sentence):
    stream = make.without_markers(YCC_422, 0xE0)
    content = make.compressed(make.JPEG_BASELINE, [stream], SMOOTH[0].shape, "RGB")
    truth = [mean(SMOOTH[0])]
    right_or_refused(read, content, truth, "colour model", one_sentence, off=12)


@pytest.mark.parametrize("photometric", ["YBR_FULL", "YBR_FULL_422"])
def test_jpeg_2000_that_holds_rgb_is_not_converted_twice(
    read, one_sentence, photometric
):
    stream = jpeg_2000(**EXACT)(SMOOTH[0])
    content = make.compressed(
        make.JPEG_2000_LOSSLESS, [stream], SMOOTH[0].shape, photometric
    )
    truth = [mean(SMOOTH[0])]
    right_or_refused(read, content, truth, "colour model", one_sentence)


def test_jpeg_2000_of_ybr_without_its_own_transform(read):
    stream = jpeg_2000(**EXACT, mct=False)(SMOOTH[0])
    content = make.compressed(
        make.JPEG_2000_LOSSLESS, [stream], SMOOTH[0].shape, "YBR_FULL"
    )
    np.testing.assert_array_equal(read(content).gray, mean(rgb_of(SMOOTH[0])))


# Palettes


def tables(entries, first, bits, *, order="<", vr="OW", words=None):
    """Return the elements of three equal tables; negative firsts need ``SS``."""
    kind = f"{order}u{(words or bits) // 8}"
    data = np.asarray(entries).astype(kind).tobytes()
    count = len(entries) % 65536
    tags = {}
    for colour in ("Red", "Green", "Blue"):
        keyword = f"{colour}PaletteColorLookupTable"
        sign = "h" if first < 0 else "H"
        described = np.array([count, bits], f"{order}u2").tobytes()
        described = (
            described[:2]
            + np.array([first], f"{order}{sign}").tobytes()
            + described[2:]
        )
        tags[f"{keyword}Descriptor"] = ("SS" if first < 0 else "US", described)
        tags[f"{keyword}Data"] = (vr, data)
    return tags


RAMP = (np.arange(256) * 7 + 3) % 256
INDEX = (np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS) * 5 % 256).astype(np.uint8)


@pytest.mark.parametrize("syntax", [make.EXPLICIT, make.BIG, make.IMPLICIT])
@pytest.mark.parametrize(
    ("bits", "words", "scale"),
    [(8, 8, 1), (16, 16, 257), (16, 16, 256), (8, 16, 1)],
    ids=["8", "16", "16-upper", "8-in-16"],
)
@pytest.mark.parametrize("first", [0, 10])
def test_palettes_of_every_width(read, syntax, bits, words, scale, first):
    order = ">" if syntax == make.BIG else "<"
    tags = tables(RAMP * scale, first, bits, order=order, words=words)
    if syntax == make.BIG and words == 8:
        tags |= {
            k: ("OW", np.frombuffer(v[1], "<u2").astype(">u2").tobytes())
            for k, v in tags.items()
            if k.endswith("Data")
        }
    image = read(
        make.native(
            syntax,
            [INDEX, INDEX.T.copy().reshape(ROWS, COLUMNS)],
            "PALETTE COLOR",
            **tags,
        )
    )
    for i, index in enumerate((INDEX, INDEX.T.copy().reshape(ROWS, COLUMNS))):
        expected = RAMP[np.clip(index.astype(int) - first, 0, 255)]
        np.testing.assert_array_equal(image.frame(i).gray, expected)


@pytest.mark.parametrize("syntax", [make.EXPLICIT, make.BIG, make.IMPLICIT])
@pytest.mark.parametrize("vr", ["OW", "US"])
def test_a_palette_of_65536_entries_for_16_bit_indices(read, syntax, vr):
    """Its count is written as 0; US cannot hold so many, so 32767."""
    count = 65536 if vr == "OW" else 32767
    order = ">" if syntax == make.BIG else "<"
    values = np.arange(count)[::-1] % 65536
    index = (INDEX.astype(np.uint16) << 7) + 5
    tags = tables(values, 0, 16, order=order, vr=vr)
    image = read(make.native(syntax, [index], "PALETTE COLOR", **tags))
    np.testing.assert_array_equal(image.gray, values[index] >> 8)


@pytest.mark.parametrize("syntax", [make.EXPLICIT, make.BIG, make.IMPLICIT])
def test_a_palette_that_begins_below_zero(read, syntax):
    order = ">" if syntax == make.BIG else "<"
    signed = (INDEX.astype(np.int16) - 128) * 2
    values = np.arange(256)
    tags = tables(values, -100, 8, order=order, words=16) | {"PixelRepresentation": 1}
    image = read(make.native(syntax, [signed], "PALETTE COLOR", **tags))
    expected = values[np.clip(signed.astype(int) + 100, 0, 255)]
    np.testing.assert_array_equal(image.gray, expected)


def test_a_palette_of_more_than_32767_entries_with_signed_indices(read):
    """The number of entries has no sign though the descriptor's type has."""
    values = np.arange(40_000) + 20_000
    tags = tables(values, -32_768, 16) | {"PixelRepresentation": 1}
    index = (np.arange(ROWS * COLUMNS).reshape(ROWS, COLUMNS) * 25 - 32_768).astype(
        np.int16
    )
    image = read(make.native(make.EXPLICIT, [index], "PALETTE COLOR", **tags))
    np.testing.assert_array_equal(image.gray, values[index.astype(int) + 32_768] >> 8)


@pytest.mark.parametrize("syntax", [make.RLE, make.JPEG_LOSSLESS_SV1, make.JPEG_LS])
def test_a_compressed_palette(read, syntax):
    encode = {
        make.RLE: make.rle,
        make.JPEG_LOSSLESS_SV1: jpeg_lossless(1),
        make.JPEG_LS: jpeg_ls(),
    }[syntax]
    tags = tables(RAMP * 257, 0, 16)
    content = make.compressed(
        syntax,
        [encode(INDEX), encode(INDEX[::-1])],
        INDEX.shape,
        "PALETTE COLOR",
        **tags,
    )
    assert_frames(read(content), [RAMP[INDEX], RAMP[INDEX[::-1]]])


# Discrete 0, 10; straight to 40 in 3; repeat the first segment.
SEGMENTED = {
    8: bytes([0, 2, 0, 10, 1, 3, 40, 2, 1, 0, 0, 0, 0]),
    16: np.array([0, 2, 0, 10 * 257, 1, 3, 40 * 257, 2, 1, 0, 0], "<u2").tobytes(),
}


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("big", [False, True], ids=["little", "big"])
def test_segmented_palettes(read, bits, big):
    data = SEGMENTED[bits]
    data += b"\0" * (len(data) % 2)
    if big:
        data = np.frombuffer(data, "<u2").astype(">u2").tobytes()
    tags = {}
    for colour in ("Red", "Green", "Blue"):
        tags[f"{colour}PaletteColorLookupTableDescriptor"] = ("US", [7, 0, bits])
        tags[f"Segmented{colour}PaletteColorLookupTableData"] = data
    index = (INDEX % 7).astype(np.uint8)
    syntax = make.BIG if big else make.EXPLICIT
    image = read(make.native(syntax, [index], "PALETTE COLOR", **tags))
    expected = np.array([0, 10, 20, 30, 40, 0, 10])[index]
    np.testing.assert_array_equal(image.gray, expected)


def test_a_16_bit_palette_that_holds_8_bit_values_is_refused(read, one_sentence):
    """Its upper bytes are all zero: the picture would be black."""
    tags = tables(RAMP, 0, 16)
    content = make.native(make.EXPLICIT, [INDEX], "PALETTE COLOR", **tags)
    assert_refused(read, content, "8-bit values stated as 16-bit", one_sentence)


@pytest.mark.parametrize("presentation", ["COLOR", "MIXED"])
def test_gray_that_a_second_table_colours_is_refused(read, one_sentence, presentation):
    tags = tables(RAMP, 200, 8) | {"PixelPresentation": presentation}
    content = make.native(make.EXPLICIT, [INDEX], "MONOCHROME2", **tags)
    assert_refused(read, content, "turns into colours", one_sentence)


def test_gray_with_a_table_that_is_not_used_is_the_stored_gray(read):
    tags = tables(RAMP, 0, 8)
    for more in ({}, {"PixelPresentation": "MONOCHROME"}):
        content = make.native(make.EXPLICIT, [INDEX], "MONOCHROME2", **tags, **more)
        np.testing.assert_array_equal(read(content).gray, INDEX)


# Files of pydicom

TEST_FILES = Path(pydicom.__file__).parent / "data" / "test_files"

# Stripes of SC_rgb.dcm, ten rows each, and how far a lossy code may be off.
STRIPES = [
    (255, 0, 0),
    (255, 128, 128),
    (0, 255, 0),
    (128, 255, 128),
    (0, 0, 255),
    (128, 128, 255),
    (0, 0, 0),
    (64, 64, 64),
    (192, 192, 192),
    (255, 255, 255),
]
STRIPED = {
    "SC_rgb_dcmtk_+eb+cr.dcm": 2,
    "SC_rgb_dcmtk_+eb+cy+n1.dcm": 2,
    "SC_rgb_dcmtk_+eb+cy+n2.dcm": 2,
    "SC_rgb_dcmtk_+eb+cy+np.dcm": 2,
    "SC_rgb_dcmtk_+eb+cy+s2.dcm": 2,
    "SC_rgb_dcmtk_+eb+cy+s4.dcm": 2,
    "SC_rgb_gdcm_KY.dcm": 2,
    "SC_rgb_jls_lossy_line.dcm": 5,
    "SC_rgb_jls_lossy_sample.dcm": 5,
    "SC_rgb_jpeg_dcmtk.dcm": 2,
    "SC_rgb_jpeg_gdcm.dcm": 0,
    "SC_rgb_jpeg_lossy_gdcm.dcm": 2,
    "SC_rgb_rle.dcm": 0,
    "SC_rgb_rle_2frame.dcm": 0,
    "SC_ybr_full_422_uncompressed.dcm": 2,
}
AS_PYDICOM = [
    *STRIPED,
    "SC_jpeg_no_color_transform.dcm",
    "SC_jpeg_no_color_transform_2.dcm",
    "SC_rgb_jpeg.dcm",
    "SC_rgb_jpeg_app14_dcmd.dcm",
    "SC_rgb_jpeg_dcmd.dcm",
    "SC_rgb_small_odd.dcm",
    "SC_rgb_small_odd_big_endian.dcm",
    "SC_rgb_small_odd_jpeg.dcm",
    "ExplVR_BigEnd.dcm",
    "GDCMJ2K_TextGBR.dcm",
    "JPEGLSNearLossless_08.dcm",
    "image_dfl.dcm",
    "examples_jpeg2k.dcm",
    "examples_rgb_color.dcm",
    "examples_ybr_color.dcm",
]


def pydicom_file(name):
    path = TEST_FILES / name
    if not path.exists():
        pytest.skip(f"pydicom has no {name} on disk")
    return path


@pytest.mark.parametrize("name", STRIPED)
def test_the_stripes_of_pydicoms_files(name):
    image = mus.read_image(pydicom_file(name)).frame(0)
    rows = np.arange(5, 100, 10)
    expected = mean(np.array(STRIPES))
    np.testing.assert_allclose(image.gray[rows, 50], expected, atol=STRIPED[name])


@pytest.mark.parametrize("name", AS_PYDICOM)
def test_pydicoms_files_as_pydicom_reads_them(name):
    path = pydicom_file(name)
    with warnings.catch_warnings():
        # pydicom's word about markers that contradict the header.
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(path)
        plugin = "gdcm" if "JPEG" in dataset.file_meta.TransferSyntaxUID.name else ""
        pixels = pixel_array(dataset, decoding_plugin=plugin)
    count = int(dataset.get("NumberOfFrames") or 1)
    frames = pixels if count > 1 else [pixels]
    gray = mean if dataset.SamplesPerPixel == 3 else same
    image = mus.read_image(path)
    assert image.n_frames == count
    for i in {0, count // 2, count - 1}:
        np.testing.assert_array_equal(image.frame(i).gray, gray(frames[i]))


MR = [
    "MR_small.dcm",
    "MR_small_RLE.dcm",
    "MR_small_bigendian.dcm",
    "MR_small_expb.dcm",
    "MR_small_implicit.dcm",
    "MR_small_jp2klossless.dcm",
    "MR_small_jpeg_ls_lossless.dcm",
    "MR_small_padded.dcm",
]


@pytest.mark.parametrize("name", MR)
def test_a_16_bit_picture_in_its_window(name):
    """Centre 600, width 1600: 255 ((p − 599.5) / 1599 + 1/2)."""
    image = mus.read_image(pydicom_file(name))
    stored = pydicom.dcmread(pydicom_file("MR_small.dcm"))
    pixels = np.frombuffer(stored.PixelData, "<i2").reshape(64, 64).astype(float)
    level = np.clip((pixels - 599.5) / 1599 + 0.5, 0, 1) * 255
    np.testing.assert_array_equal(image.gray, np.floor(level + 0.5))
    assert image.gray_rule == "window 600/1600"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("CT_small.dcm", "without a display window"),
        ("JPEG-lossy.dcm", "JPEG Extended|without a display window"),
        ("JPGExtended.dcm", "JPEG Extended|without a display window"),
        ("JPEG2000.dcm", "without a display window"),
        ("JPEGLSNearLossless_16.dcm", "without a display window"),
        ("SC_rgb_rle_16bit.dcm", "16-bit colour"),
        ("SC_rgb_rle_16bit_2frame.dcm", "16-bit colour"),
        ("SC_rgb_rle_32bit.dcm", "32-bit colour"),
        ("liver_1frame.dcm", "1 bits|1-bit"),
        ("rtdose_1frame.dcm", "32-bit"),
        ("rtdose.dcm", "32-bit"),
        ("MR_truncated.dcm", "damaged or cut short"),
        ("reportsi.dcm", "without pixels"),
        ("waveform_ecg.dcm", "without pixels"),
        ("test-SR.dcm", "without pixels"),
    ],
)
def test_pydicoms_files_that_are_no_echo_picture(one_sentence, name, words):
    with pytest.raises(ImageReadError, match=words) as error:
        mus.read_image(pydicom_file(name))
    assert one_sentence(str(error.value))


# Headers that lie


def lying(**tags):
    return make.native(make.EXPLICIT, GRAYS[:1], "MONOCHROME2", **tags)


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"Rows": 60_000, "Columns": 60_000}, "60000 × 60000 pixels"),
        ({"Rows": 6_000, "Columns": 6_000}, "damaged or cut short"),
        ({"Rows": 6_000, "Columns": 6_000, "NumberOfFrames": 900}, "damaged"),
        ({"NumberOfFrames": 100_000}, "damaged or cut short"),
        ({"NumberOfFrames": 2_000_000_000}, "2000000000 frames"),
        ({"NumberOfFrames": -1}, "-1 frames"),
        ({"NumberOfFrames": "many"}, "damaged"),
        ({"NumberOfFrames": "1e9"}, "damaged|1000000000 frames"),
        ({"NumberOfFrames": [1, 2]}, "damaged"),
        ({"Rows": 0}, "0 × 47"),
        ({"Rows": [33, 33]}, "damaged"),
        ({"BitsAllocated": 1, "BitsStored": 1, "HighBit": 0}, "1 bits|1-bit"),
        ({"BitsAllocated": 12, "BitsStored": 12, "HighBit": 11}, "12"),
        ({"BitsAllocated": 32, "BitsStored": 32, "HighBit": 31}, "32|damaged"),
        ({"BitsAllocated": 64, "BitsStored": 64, "HighBit": 63}, "64"),
        ({"BitsAllocated": 8, "BitsStored": 16, "HighBit": 15}, "16"),
        ({"BitsStored": 4, "HighBit": 3}, "4-bit"),
        ({"PixelRepresentation": 1}, "may be negative"),
        ({"PixelRepresentation": 7}, "damaged"),
        ({"SamplesPerPixel": 3}, "MONOCHROME2 with 3"),
        ({"SamplesPerPixel": 0}, "MONOCHROME2 with 0"),
        ({"PhotometricInterpretation": "RGB"}, "RGB with 1"),
        ({"PhotometricInterpretation": "PALETTE COLOR", "SamplesPerPixel": 3}, "3"),
        (
            {"PhotometricInterpretation": "YBR_FULL_422", "SamplesPerPixel": 3},
            "damaged",
        ),
    ],
    ids=lambda v: (
        "-".join(f"{k}={x}" for k, x in v.items()) if isinstance(v, dict) else ""
    ),
)
def test_a_header_that_lies_is_refused_at_once(read, one_sentence, tags, words):
    content = lying(**tags)
    assert_refused(read, content, words, one_sentence)
    tracemalloc.start()
    began = perf_counter()
    assert_refused(read, content, words, one_sentence)
    seconds = perf_counter() - began
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert seconds < 2
    assert peak < 5_000_000


@pytest.mark.parametrize(
    "tags", [{"NumberOfFrames": 0}, {"NumberOfFrames": ""}, {"NumberOfFrames": None}]
)
def test_no_number_of_frames_is_one(read, tags):
    image = read(lying(**tags))
    np.testing.assert_array_equal(image.gray, GRAYS[0])


SIZED = ["jpeg-baseline", "jpeg-2000", "jpeg-ls", "jpeg-lossless-sv1"]
OTHER_SIZES = {
    "huge": {"Rows": 9_000, "Columns": 9_000},
    "one row more": {"Rows": ROWS + 1},
    "one column less": {"Columns": COLUMNS - 1},
}


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        *[(n, t) for n in [*SIZED, "rle"] for t in OTHER_SIZES.values()],
        # Runs have no shape, so turned ones would fit.
        *[(n, {"Rows": COLUMNS, "Columns": ROWS}) for n in SIZED],
    ],
    ids=lambda v: (
        v if isinstance(v, str) else "-".join(f"{k}={x}" for k, x in v.items())
    ),
)
def test_a_code_stream_of_another_size_is_refused(read, one_sentence, name, tags):
    build, _ = codec(name)
    content = build(1, **tags)
    tracemalloc.start()
    assert_refused(read, content, "damaged|pixels", one_sentence)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 500_000_000


def colossal(syntax):
    """Return a code stream that says it has 60,000 × 60,000 pixels."""
    if syntax == make.JPEG_2000_LOSSLESS:
        stream = bytearray(jpeg_2000(**EXACT)(GRAYS[0]))
        for place in (8, 12, 24, 28):
            stream[place : place + 4] = (60_000).to_bytes(4, "big")
        return bytes(stream)
    stream = bytearray(
        jpeg_ls()(GRAYS[0]) if syntax == make.JPEG_LS else make.jpeg(GRAYS[0])
    )
    marker = b"\xff\xf7" if syntax == make.JPEG_LS else b"\xff\xc0"
    place = stream.index(marker) + 5
    stream[place : place + 4] = (60_000).to_bytes(2, "big") * 2
    return bytes(stream)


@pytest.mark.parametrize(
    "syntax", [make.JPEG_BASELINE, make.JPEG_LS, make.JPEG_2000_LOSSLESS]
)
def test_a_code_stream_that_says_it_is_huge_is_refused(read, one_sentence, syntax):
    content = make.compressed(syntax, [colossal(syntax)], GRAYS[0].shape, "MONOCHROME2")
    began = perf_counter()
    assert_refused(read, content, "damaged|pixels", one_sentence)
    assert perf_counter() - began < 5


@pytest.mark.parametrize("missing", [1, 5])
def test_fewer_frames_than_said_are_refused(read, one_sentence, missing):
    build, _ = codec("jpeg-baseline")
    for layout in ("basic", "empty", "extended"):
        content = build(3, LAYOUTS[layout], NumberOfFrames=3 + missing)
        assert_refused(read, content, "damaged|frames", one_sentence)


def with_pixels(value, **tags):
    tags = make.header(GRAYS[0].shape, "MONOCHROME2", **tags)
    return make.dicom_file(make.JPEG_BASELINE, value, **tags)


STREAM = make.jpeg(GRAYS[0])
NO_TABLE = b"\xfe\xff\x00\xe0\0\0\0\0"


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"\xfe\xff\x00\xe0",
        NO_TABLE,
        NO_TABLE + b"\xfe\xff\xdd\xe0\0\0\0\0",
        NO_TABLE + b"\xfe\xff\x00\xe0\0\0\0\0",
        NO_TABLE + b"\xfe\xff\x00\xe0\xff\xff\xff\x7f" + STREAM,
        NO_TABLE + b"\xfe\xff\x00\xe0\xff\xff\xff\xff" + STREAM,
        b"\xfe\xff\x00\xe0\xff\xff\xff\xff" + make.item(STREAM),
        b"\xfe\xff\x00\xe0\xf0\xff\xff\xff" + make.item(STREAM),
        NO_TABLE + b"nonsense" * 20,
        STREAM,
        NO_TABLE + make.item(STREAM)[:-40],
        NO_TABLE + make.item(b"\0" * 500),
    ],
    ids=[
        "nothing",
        "half an item",
        "table only",
        "no fragment",
        "empty fragment",
        "2 GB fragment",
        "endless fragment",
        "endless table",
        "4 GB table",
        "no items",
        "bare stream",
        "cut",
        "zeros",
    ],
)
@pytest.mark.parametrize("frames", [None, 3])
def test_broken_encapsulation_is_refused(read, one_sentence, value, frames):
    content = with_pixels(value, NumberOfFrames=frames)
    tracemalloc.start()
    began = perf_counter()
    assert_refused(read, content, "damaged|without pixels", one_sentence)
    assert perf_counter() - began < 2
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    "offsets",
    [[0, 2**31, 2**32 - 1], [0, 0, 0], [9, 9, 9], [0, 3, 5], [2**32 - 8, 0, 0]],
    ids=["outside", "all first", "odd", "inside a fragment", "wrapped"],
)
def test_an_offset_table_that_lies_gives_the_right_frames_or_none(read, offsets):
    build, grays = codec("jpeg-baseline")
    content = bytearray(build(3))
    table = content.index(b"\xfe\xff\x00\xe0\x0c\0\0\0") + 8
    content[table : table + 12] = np.array(offsets, "<u4").tobytes()
    try:
        image = read(bytes(content))
    except ImageReadError:
        return
    assert_frames(image, grays)


def test_an_extended_offset_table_that_lies(read):
    build, grays = codec("jpeg-baseline")
    for start, length in ((2**63, 2**63), (1, 1), (0, 2**40)):
        lie = np.array([start] * 3, "<u8").tobytes()
        lengths = np.array([length] * 3, "<u8").tobytes()
        content = build(
            3,
            {"table": "extended"},
            ExtendedOffsetTable=lie,
            ExtendedOffsetTableLengths=lengths,
        )
        try:
            image = read(content)
        except ImageReadError:
            continue
        assert_frames(image, grays)


def test_frames_that_the_header_hides(read, one_sentence):
    """Three code streams where one frame is stated: no mixture of them."""
    build, grays = codec("jpeg-baseline")
    content = build(3, NumberOfFrames=None)
    right_or_refused(read, content, grays[:1], "damaged|frames", one_sentence)


def test_uncompressed_pixels_of_undefined_length(read, one_sentence):
    tags = make.header(GRAYS[0].shape, "MONOCHROME2")
    content = make.dicom_file(make.EXPLICIT, GRAYS[0].tobytes() + b"\0", **tags)
    place = content.rindex(b"OB\0\0") + 4
    lie = content[:place] + b"\xff\xff\xff\xff" + content[place + 4 :]
    assert_refused(read, lie, "damaged", one_sentence)


def test_pixels_that_say_they_are_shorter_than_the_picture(read, one_sentence):
    tags = make.header(GRAYS[0].shape, "MONOCHROME2")
    content = make.dicom_file(make.EXPLICIT, GRAYS[0].tobytes() + b"\0", **tags)
    place = content.rindex(b"OB\0\0") + 4
    lie = content[:place] + b"\x10\0\0\0" + content[place + 4 :]
    assert_refused(read, lie, "damaged", one_sentence)


def test_a_deflate_bomb_is_refused_in_little_memory(read, one_sentence):
    tags = make.header((5_000, 5_000), "MONOCHROME2", frames=44)
    # Zeros pack a thousand to one; 1.1 GB would unpack.
    content = make.dicom_file(make.DEFLATED, bytes(40_000_000), **tags)
    assert len(content) < 100_000
    tracemalloc.start()
    assert_refused(read, content, "damaged|GB", one_sentence)
    assert tracemalloc.get_traced_memory()[1] < 60_000_000
    tracemalloc.stop()
