"""Files made to harm: each is refused in a sentence, or read for what it is.

They are read in a process of its own, whose time and memory are limited, as by the
fuzzer (`tests.fuzz`); a crash, a hang or a large allocation fails the test.
"""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
import struct
import zipfile
import zlib
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest
import tifffile
from PIL import Image

import napari_muscle_us as mus
from napari_muscle_us.errors import ImageReadError, RoiError
from napari_muscle_us.io.imagej import read_imagej_rois
from napari_muscle_us.study.scan import scan_study
from tests.core import dicom_factory as make
from tests.fuzz import roi_mutations, roi_seeds, seeds
from tests.fuzz.fuzz_readers import Case, run
from tests.fuzz.layouts import tiff_entries
from tests.fuzz.mutations import nested, png_chunk, with_checksums, with_tiff_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy as np

    from tests.fuzz.worker import Outcome

GRAYS = seeds.GRAYS[:3]
SHAPE = GRAYS[0].shape
MAX_GROWTH = 400_000_000
"""Bytes that a file of at most a few megabytes may take."""


@dataclass(frozen=True)
class Hostile:
    """A file, what reads it, what must come of it, and what must be said.

    Large files are made when they are needed.
    """

    name: str
    kind: str
    content: bytes | Callable[[], bytes]
    word: str = "refused"
    says: str = "damaged"

    def made(self) -> bytes:
        """Return the file."""
        return self.content if isinstance(self.content, bytes) else self.content()


def packed_zeros(size: int, *, raw: bool = False) -> bytes:
    """Return millions of zeros as zlib (or deflate) packs them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    # After a full flush a piece stands for itself and can be repeated.
    piece = packer.compress(bytes(1_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    body = piece * (size // 1_000_000) + b"\3\0"
    checksum = struct.pack(">I", size % 65_521 << 16 | 1)
    return body if raw else b"\x78\xda" + body + checksum


# DICOM: lengths and nesting

_HEAD = "<HH2sH"
_HEAD_LONG = "<HH2sHI"
EMPTY_ITEM = b"\xfe\xff\x00\xe0\0\0\0\0"
END = b"\xfe\xff\xdd\xe0\0\0\0\0"
ENDLESS = 0xFFFFFFFF


def plain(**tags: Any) -> bytes:
    """Return a still with one tissue region of 0.2 × 0.1 mm, if not told otherwise."""
    known = {"SequenceOfUltrasoundRegions": seeds.regions({})}
    return make.native(make.EXPLICIT, GRAYS[:1], "MONOCHROME2", **(known | tags))


def sequence(value: bytes, length: int | None = None) -> bytes:
    """Return SequenceOfUltrasoundRegions with a stated length."""
    stated = len(value) if length is None else length
    return struct.pack(_HEAD_LONG, 0x0018, 0x6011, b"SQ", 0, stated) + value


def before_pixels(extra: bytes, content: bytes | None = None) -> bytes:
    """Put elements before SamplesPerPixel."""
    content = content or plain(SequenceOfUltrasoundRegions=None)
    at = content.index(b"\x28\0\x02\0US")
    return content[:at] + extra + content[at:]


def deep_region(depth: int, *, defined: bool) -> bytes:
    """Return a region of a picture that holds sequences in sequences."""
    deep = nested(depth, order="<", implicit=False, defined=defined)
    inner = seeds.regions({})[8:] + deep.replace(b"\x18\0\x11\x60", b"\x18\0\x99\x60")
    item = struct.pack("<HHI", 0xFFFE, 0xE000, len(inner)) + inner
    return before_pixels(sequence(item))


def dicom_lengths() -> Iterator[Hostile]:
    case = partial(Hostile, kind="dicom")
    scale = re.escape("(0.2, 0.1)")
    still = partial(case, word="still", says=scale)
    deep = partial(nested, order="<", implicit=False)
    yield case(
        "lists nested 1000 deep, lengths not stated",
        content=before_pixels(deep(1000, defined=False)),
    )
    yield case(
        "lists nested 1000 deep, lengths stated",
        content=before_pixels(deep(1000, defined=True)),
        word="still",
        says="None",
    )
    yield case(
        "lists nested 100,000 deep",
        content=lambda: before_pixels(deep(100_000, defined=False)),
    )
    yield case(
        "a region with lists nested 1000 deep, lengths not stated",
        content=deep_region(1000, defined=False),
        word="still",
        says="damaged",
    )
    yield still(
        "a region with lists nested 1000 deep, lengths stated",
        content=deep_region(1000, defined=True),
    )
    yield case(
        "a million empty regions",
        content=lambda: before_pixels(sequence(EMPTY_ITEM * 1_000_000)),
        word="still",
        says="None",
    )
    yield case(
        "110,000 empty regions, length not stated",
        content=lambda: before_pixels(sequence(EMPTY_ITEM * 110_000 + END, ENDLESS)),
        says="damaged|too",
    )
    tags = b"".join(
        struct.pack(_HEAD, 0x0021, 0x1000 + i, b"LO", 0) for i in range(1000)
    )
    yield case(
        "400,000 empty elements",
        content=lambda: before_pixels(tags * 400),
        says="damaged|too",
    )
    yield case(
        "an element that says it has 4 GB",
        content=before_pixels(
            struct.pack(_HEAD_LONG, 0x21, 0x1000, b"UN", 0, 2**32 - 2)
        ),
        says="without pixels|damaged",
    )
    yield case(
        "a spacing of two million values",
        content=lambda: make.native(
            make.IMPLICIT, GRAYS[:1], "MONOCHROME2", PixelSpacing="1\\" * 1_900_000
        ),
        word="still",
        says="None .*PixelSpacing",
    )
    yield case(
        "a number of frames of four million digits",
        content=lambda: before_pixels(
            struct.pack(_HEAD_LONG, 0x28, 0x8, b"UN", 0, 3_900_000) + b"9" * 3_900_000
        ),
        says="damaged|frames",
    )
    yield case("a deflate bomb of 1.1 GB", content=deflate_bomb, says="more than 1 GB")


def deflate_bomb() -> bytes:
    """Return a deflated file of 1 MB that unpacks to 1.1 GB."""
    small = make.dicom_file(make.DEFLATED, None)
    (meta,) = struct.unpack("<I", small[140:144])
    return small[: 144 + meta] + packed_zeros(1_100_000_000, raw=True)


# DICOM: sizes that lie


def fragments(value: bytes, **tags: Any) -> bytes:
    """Return a file of JPEG frames with a value of PixelData."""
    tags = make.header(SHAPE, "MONOCHROME2", **tags)
    return make.dicom_file(make.JPEG_BASELINE, value, **tags)


def dicom_sizes() -> Iterator[Hostile]:
    case = partial(Hostile, kind="dicom")
    for rows, columns, frames, says in (
        (65_535, 65_535, None, "65535 × 65535 pixels"),
        (65_535, 65_535, 200_000, "65535 × 65535 pixels"),
        (6_000, 6_000, None, "damaged"),
        (6_000, 6_000, 200_000, "damaged"),
        (9_999, 9_999, 2_000, "damaged|9999 × 9999 pixels"),
        (*SHAPE, 200_000, "damaged"),
        (*SHAPE, 2**31 - 1, "2147483647 frames"),
        (*SHAPE, -1, "-1 frames"),
        (0, 0, None, "0 × 0 pixels"),
    ):
        tags: dict[str, Any] = {"Rows": rows, "Columns": columns}
        tags |= {"NumberOfFrames": frames}
        lying = f"{frames} frames of {rows} × {columns}"
        yield case(f"{lying}, raw", content=plain(**tags), says=says)
        stream = make.item(b"") + make.item(make.jpeg(GRAYS[0])) + make._END
        yield case(
            f"{lying}, JPEG", content=fragments(stream, **tags), says=f"{says}|pixels"
        )
    streams = [make.jpeg(f) for f in GRAYS]
    items = b"".join(make.item(s) for s in streams)
    end = make._END
    yield case(
        "a hundred thousand empty fragments",
        content=fragments(EMPTY_ITEM * 100_001 + end),
    )
    yield case(
        "a million empty fragments",
        content=lambda: fragments(EMPTY_ITEM * 1_000_001 + end),
    )
    yield case(
        "an empty fragment for each of 200,000 frames",
        content=fragments(EMPTY_ITEM * 200_001 + end, frames=200_000),
    )
    for name, table, word in (
        ("that stands still", (0, 0, 0), "clip"),
        ("that runs backwards", (800, 400, 0), "clip"),
        ("that leads beyond the end", (0, 10**9, 2**32 - 1), "clip"),
    ):
        # Three items for three frames: the table is not needed.
        content = fragments(
            make.item(struct.pack("<3I", *table)) + items + end, frames=3
        )
        yield case(f"a table {name}", content=content, word=word, says=str(SHAPE)[1:-1])
    yield case(
        "a table of 4 GB",
        content=fragments(b"\xfe\xff\x00\xe0\xf0\xff\xff\xff" + items, frames=3),
    )
    for name, numbers in (
        ("that say they have four billion segments", (2**32 - 1, 64)),
        ("that start beyond the end", (1, 2**32 - 1)),
    ):
        runs = struct.pack("<II", *numbers) + bytes(2000)
        content = make.compressed(make.RLE, [runs], SHAPE, "MONOCHROME2")
        yield case(f"runs {name}", content=content)
    runs = make.rle(seeds.RGBS[0])
    lying = runs[:8] + struct.pack("<I", 3_500_000_000) + runs[12:]
    yield case(
        "runs of a colour with 3.5 GB",
        content=make.compressed(make.RLE, [lying], (*SHAPE, 3), "RGB"),
    )
    tables = {
        f"{c}PaletteColorLookupTable{part}": value
        for c in ("Red", "Green", "Blue")
        for part, value in (("Descriptor", ("US", [0, 0, 16])), ("Data", ("OW", b"ab")))
    }
    yield case(
        "a palette of 65,536 entries in two bytes",
        content=make.native(make.EXPLICIT, GRAYS[:1], "PALETTE COLOR", **tables),
        says="colour table",
    )


# DICOM: sizes of a pixel


def dicom_spacings() -> Iterator[Hostile]:
    case = partial(Hostile, kind="dicom", word="still")
    for delta in (math.nan, math.inf, -math.inf, 0.0, -0.0, 1e308, 5e-324):
        for axis in ("X", "Y"):
            changed = {f"PhysicalDelta{axis}": delta}
            yield case(
                f"a region with {changed}",
                content=plain(SequenceOfUltrasoundRegions=seeds.regions(changed)),
                says=r"None .*(not a length|no scanner has|not stated)",
            )
    yield case(
        "a region that counts backwards",
        content=plain(
            SequenceOfUltrasoundRegions=seeds.regions({"PhysicalDeltaX": -0.01})
        ),
        says=re.escape("(0.2, 0.1)"),
    )
    for text in (
        *("nan\\nan", "0\\0", "-1\\-1", "0.2\\-0.1", "inf\\inf", "1e308\\1e308"),
        *("1e-320\\1e-320", "0.2\\0", "0.2", "0.2\\0.1\\0.3", "\\", "x\\y"),
    ):
        yield case(
            f"PixelSpacing {text}",
            content=plain(SequenceOfUltrasoundRegions=None, PixelSpacing=text),
            says=r"None .*PixelSpacing",
        )


def tiff_spacings() -> Iterator[Hostile]:
    buffer = io.BytesIO()
    options = {"imagej": True, "resolution": (10, 5), "metadata": {"unit": "mm"}}
    tifffile.imwrite(buffer, GRAYS[0], **options)
    content = buffer.getvalue()
    found = {e.tag: e for e in tiff_entries(content)}
    order = found[282].value.order
    for numerator, denominator in (
        (0, 0),
        (0, 1),
        (1, 0),
        (2**32 - 1, 1),
        (1, 2**32 - 1),
    ):
        changed = bytearray(content)
        for tag in (282, 283):
            place = int.from_bytes(
                content[found[tag].value.at :][:4], "little" if order == "<" else "big"
            )
            struct.pack_into(f"{order}II", changed, place, numerator, denominator)
        yield Hostile(
            f"a resolution of {numerator}/{denominator}",
            "tiff",
            bytes(changed),
            "still",
            "None",
        )
    for name, text, word, says in (
        ("no images", "images=0", "still", "0.2, 0.1"),
        ("a billion images", "images=999999999", "refused", "999999999 frames|damaged"),
        ("NaN images", "images=nan", "still", "0.2, 0.1"),
        ("a negative number of images", "images=-4", "still", "0.2, 0.1"),
        ("a unit of nothing", "unit=nan", "still", "None"),
    ):
        description = f"ImageJ=1.53t\nunit=mm\n{text}\n\0".encode()
        changed = with_tiff_text(content, found[270], description)
        yield Hostile(f"a stack of {name}", "tiff", changed, word, says)


# Pictures


def png(rows: int, columns: int, depth: int, *chunks: bytes) -> bytes:
    """Return a PNG of gray pixels with the given chunks."""
    size = struct.pack(">IIBBBBB", columns, rows, depth, 0, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", size)
    return start + b"".join(chunks) + png_chunk(b"IEND", b"")


def pictures() -> Iterator[Hostile]:
    case = partial(Hostile, kind="png")
    pixels = png_chunk(b"IDAT", zlib.compress(b"\0abcd" * 4))
    yield case(
        "PNG of 100,000 × 100,000",
        content=png(100_000, 100_000, 8, pixels),
        says="100000 × 100000 pixels|damaged",
    )
    yield case(
        "PNG of 2 GB a row", content=png(1, 2**31 - 1, 8, pixels), says="pixels|dam"
    )
    yield case("PNG of 6,000 × 6,000 in 20 bytes", content=png(6_000, 6_000, 8, pixels))
    yield case(
        "PNG of 10,000 × 10,000 bits that unpack from 12 kB",
        content=png(10_000, 10_000, 1, png_chunk(b"IDAT", packed_zeros(13_000_000))),
        word="refused|still",
        says="",
    )
    comment = png_chunk(b"zTXt", b"a\0\0" + packed_zeros(100_000_000))
    yield case(
        "PNG with a text of 100 MB", content=png(4, 4, 8, comment, pixels), says="."
    )
    profile = png_chunk(b"iCCP", b"a\0\0" + packed_zeros(100_000_000))
    yield case(
        "PNG with a profile of 100 MB",
        content=png(4, 4, 8, profile, pixels),
        word="refused|still",
        says="",
    )
    notes = png_chunk(b"tEXt", b"a\0b") * 20_000
    yield case(
        "PNG with 20,000 notes",
        content=png(4, 4, 8, notes, pixels),
        word="still",
        says="None",
    )
    lying = struct.pack(">I", 2**32 - 20) + b"IDAT" + zlib.compress(bytes(20))
    yield case(
        "PNG with pixels of 4 GB",
        content=with_checksums(png(4, 4, 8)[:33] + lying + bytes(50)),
        word="refused|still",
        says="",
    )
    bmp = bytearray(_saved(GRAYS[0], "BMP"))
    struct.pack_into("<ii", bmp, 18, 2**31 - 1, -(2**31))
    yield Hostile("BMP of 4 billion pixels", "bmp", bytes(bmp), says="pixels|damaged")
    jpeg = bytearray(_saved(GRAYS[0], "JPEG"))
    struct.pack_into(">HH", jpeg, jpeg.index(b"\xff\xc0") + 5, 65_500, 65_500)
    yield Hostile(
        "JPEG of 4 billion pixels", "jpeg", bytes(jpeg), says="pixels|damaged"
    )
    jpeg = bytearray(_saved(GRAYS[0], "JPEG"))
    struct.pack_into(">HH", jpeg, jpeg.index(b"\xff\xc0") + 5, 6_000, 6_000)
    # The decoder fills up with gray what is missing, and does not say so.
    yield Hostile(
        "JPEG of 6,000 × 6,000 in 1 kB", "jpeg", bytes(jpeg), "refused|still", ""
    )


def _saved(pixels: np.ndarray, kind: str) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def gif(rows: int, columns: int, *blocks: bytes) -> bytes:
    """Return a GIF with a gray palette and the given blocks."""
    palette = bytes(v for v in range(256) for _ in range(3))
    size = struct.pack("<HHBBB", columns, rows, 0xF7, 0, 0)
    return b"GIF89a" + size + palette + b"".join(blocks) + b";"


def gif_image(top: int, left: int, rows: int, columns: int, data: bytes) -> bytes:
    """Return an image block of a GIF."""
    return b"," + struct.pack("<HHHHB", left, top, columns, rows, 0) + data


def gifs() -> Iterator[Hostile]:
    case = partial(Hostile, kind="gif")
    # Clear, one pixel of each of three colours, end.
    data = b"\2\2\x4c\1\0"
    small = gif_image(0, 0, 1, 1, data)
    yield case(
        "GIF of 65,535 × 65,535", content=gif(65_535, 65_535, small), says="pixels"
    )
    yield case(
        "GIF whose part lies outside",
        content=gif(4, 4, gif_image(3, 3, 500, 500, data)),
    )
    yield case(
        "GIF of 6,000 × 6,000 in five bytes",
        content=gif(6_000, 6_000, gif_image(0, 0, 6_000, 6_000, data)),
    )
    yield case(
        "GIF of 201,000 frames",
        content=lambda: gif(1, 1, small * 201_000),
        says="frames",
    )
    chain = b"\2" + b"\1\0" * 2_000_000 + b"\0"
    yield case(
        "GIF with a frame in two million pieces",
        content=gif(4, 4, gif_image(0, 0, 4, 4, chain)),
    )


# TIFF


Directory = dict[int, tuple[int, int, int]]


def classic_tiff(*pages: Directory, data: bytes = bytes(16)) -> bytes:
    """Return a TIFF of directories {tag: (type, count, value)} behind its data."""
    content = b"II*\0" + struct.pack("<I", 8 + len(data)) + data
    parts = [content]
    place = len(content)
    for number, directory in enumerate(pages, 1):
        body = struct.pack("<H", len(directory))
        for tag in sorted(directory):
            body += struct.pack("<HHII", tag, *directory[tag])
        place += len(body) + 4
        parts += [body, struct.pack("<I", place if number < len(pages) else 0)]
    return b"".join(parts)


def page(**changes: tuple[int, int, int]) -> Directory:
    """Return the directory of a page of 4 × 4 gray pixels at the start of the data."""
    known = {
        256: (4, 1, 4),
        257: (4, 1, 4),
        258: (3, 1, 8),
        259: (3, 1, 1),
        262: (3, 1, 1),
        273: (4, 1, 8),
        277: (3, 1, 1),
        278: (4, 1, 4),
        279: (4, 1, 16),
    }
    return known | {int(tag[1:]): value for tag, value in changes.items()}


def tiffs() -> Iterator[Hostile]:
    case = partial(Hostile, kind="tiff")
    huge = (4, 1, 2**31)
    for name, directory, word in (
        ("of 2 billion columns", page(t256=huge), "refused"),
        (
            "of 60,000 × 60,000",
            page(t256=(4, 1, 60_000), t257=(4, 1, 60_000)),
            "refused",
        ),
        ("of 6,000 × 6,000", page(t256=(4, 1, 6_000), t257=(4, 1, 6_000)), "refused"),
        ("of two billion samples", page(t277=huge), "refused"),
        ("of 65,535 bits", page(t258=(3, 1, 65_535)), "refused"),
        ("with a description of 4 GB", page(t270=(2, 2**32 - 1, 0)), "still"),
        (
            "with four billion strips",
            page(t273=(4, 2**32 - 1, 8), t279=huge),
            "refused",
        ),
        (
            "with a strip of 4 GB",
            page(t259=(3, 1, 5), t279=(4, 1, 2**32 - 1)),
            "refused",
        ),
        (
            "in tiles of 2 billion",
            page(t322=huge, t323=huge, t324=(4, 1, 8)),
            "refused|still",
        ),
        ("with no rows a strip", page(t278=(4, 1, 0)), "refused|still"),
        ("with noise for LZMA", page(t259=(3, 1, 34925)), "refused"),
    ):
        yield case(f"TIFF {name}", content=classic_tiff(directory), word=word, says="")
    looped = bytearray(classic_tiff(page()))
    looped[-4:] = struct.pack("<I", 24)
    yield case(
        "TIFF whose page follows itself",
        content=bytes(looped),
        word="still",
        says="None",
    )
    looped = bytearray(classic_tiff(page(), page(), page()))
    looped[-4:] = struct.pack("<I", 24)
    yield case(
        "TIFF whose pages bite their tail",
        content=bytes(looped),
        word="refused|still|clip",
        says="",
    )
    yield case(
        "TIFF of 201,000 pages",
        content=lambda: classic_tiff(*[page()] * 201_000),
        says="frames",
    )
    bomb = packed_zeros(200_000_000)
    packed = page(t259=(3, 1, 8), t279=(4, 1, len(bomb)))
    yield case(
        "TIFF whose 16 pixels unpack to 200 MB",
        content=classic_tiff(packed, data=bomb),
        word="still|refused",
        says="",
    )


# Video


def box(name: bytes, *parts: bytes) -> bytes:
    """Return a box of an MP4 file."""
    body = b"".join(parts)
    return struct.pack(">I4s", 8 + len(body), name) + body


_FOLDERS = (b"moov", b"trak", b"mdia", b"minf", b"stbl")


def with_box(content: bytes, name: bytes, new: bytes) -> bytes:
    """Return an MP4 file in which boxes of a name are another one."""
    out = b""
    while len(content) >= 8:
        size, found = struct.unpack_from(">I4s", content)
        if found in _FOLDERS:
            out += box(found, with_box(content[8:size], name, new))
        else:
            out += new if found == name else content[:size]
        content = content[size:]
    return out


def table(name: bytes, *values: int) -> bytes:
    """Return a table of an MP4 track with its version and flags 0."""
    return box(name, struct.pack(f">{1 + len(values)}I", 0, *values))


def videos() -> Iterator[Hostile]:
    mov = seeds.video("mov", "mjpeg", "yuvj420p")
    case = partial(Hostile, kind="mov")
    for number in (50_000_000, 2**31):
        # Times, sizes and places for pictures of one byte each.
        lying = with_box(mov, b"stsz", table(b"stsz", 1, number))
        lying = with_box(lying, b"stsc", table(b"stsc", 1, 1, number, 1))
        lying = with_box(lying, b"stts", table(b"stts", 1, number, 1))
        yield case(f"MOV of {number} pictures of a byte", content=lying, says=".")
        yield case(
            f"MOV whose times are for {number} pictures",
            content=with_box(mov, b"stts", table(b"stts", 1, number, 1)),
            word="clip|refused",
            says="",
        )
        for name in (b"stts", b"stsz", b"stsc", b"stco"):
            yield case(
                f"MOV whose {name.decode()} states {number} entries",
                content=with_box(mov, name, table(name, number, 1, 1)),
                word="clip|refused",
                says="",
            )
    deep = b"".join(
        struct.pack(">I4s", 8 * (50_000 - i), b"moov") for i in range(50_000)
    )
    yield case("MOV of boxes nested 50,000 deep", content=mov[:20] + deep, says=".")
    avi = seeds.video("avi", "mjpeg", "yuvj420p")
    start = avi.index(b"movi") + 4
    avis = partial(Hostile, kind="avi")
    yield avis(
        "AVI of a million empty pictures",
        content=lambda: avi[:start] + b"00dc\0\0\0\0" * 1_000_000,
    )
    yield avis(
        "AVI of 201,000 pictures of a byte",
        content=lambda: avi[:start] + b"00dc\1\0\0\0\xff\0" * 201_000,
        says="frames",
    )
    texts = seeds.video("avi", "mpeg4", "yuv420p")
    at = texts.index(b"INFO") - 4
    lying = bytearray(texts)
    struct.pack_into("<I", lying, at, 2**31 - 16)
    struct.pack_into("<I", lying, at + 12, 2**31 - 116)
    yield avis("AVI with a text of 2 GB", content=bytes(lying))
    at = texts.index(b"JUNK")
    named = texts[:at] + b"strn" + struct.pack("<I", 2**31 - 16) + texts[at + 8 :]
    yield avis("AVI with a name of 2 GB", content=named)
    for side in (4_000, 65_500, 2**31 - 1):
        wide = bytearray(seeds.video("avi", "rawvideo", "bgr24"))
        struct.pack_into("<ii", wide, wide.index(b"strf") + 12, side, side)
        yield avis(
            f"AVI of {side} × {side}", content=bytes(wide), says="damaged|pixels"
        )


# ImageJ's regions


def overlapping(entries: int, unpacked: bytes) -> bytes:
    """Return a zip archive whose entries are all the same packed bytes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    packed = packer.compress(unpacked) + packer.flush()
    sizes = (zlib.crc32(unpacked), len(packed), len(unpacked), 5)
    local = struct.pack("<4s5H3I2H", b"PK\3\4", 20, 0, 8, 0, 0, *sizes, 0)
    local += b"a.roi" + packed
    entry = struct.pack("<4s6H3I5H2I", b"PK\1\2", 20, 20, 0, 8, 0, 0, *sizes, *[0] * 6)
    index = (entry + b"a.roi") * entries
    told = entries % 65_536
    end = (b"PK\5\6", 0, 0, told, told, len(index), len(local), 0)
    return local + index + struct.pack("<4s4H2IH", *end)


def rois() -> Iterator[Hostile]:
    polygon = seeds.roi_files()["polygon_integer"]
    case = partial(Hostile, kind="roizip")
    yield case(
        "an ROI that unpacks to 30 MB",
        content=overlapping(1, b"Iout" + bytes(30_000_000)),
        says="no ROI that can be read",
    )
    yield case(
        "10,000 ROIs that unpack to 19 MB each",
        content=overlapping(10_000, b"Iout" + bytes(19_000_000)),
        says="20 MB|large|unpack",
    )
    yield case("60,000 ROIs", content=overlapping(60_000, polygon), says="60000 files")
    nameless = overlapping(1, polygon).replace(b"a.roi", b"")
    nameless = nameless.replace(struct.pack("<HH", 5, 0), struct.pack("<HH", 0, 0))
    yield case("an ROI without a name", content=nameless, word="refused|rois", says="")
    lying = bytearray(polygon)
    struct.pack_into(">H", lying, 16, 65_535)
    yield Hostile("an ROI of 65,535 vertices in 100 bytes", "roi", bytes(lying))
    yield case("70,000 ROIs", content=overlapping(70_000, polygon), says="70000 files")
    members = [(f"{name}.roi", part) for name, part in seeds.roi_files().items()]
    plain_zip = roi_mutations.packed(members)
    locked = bytearray(plain_zip)
    for magic, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        for found in re.finditer(re.escape(magic), plain_zip):
            locked[found.start() + offset] |= 1
    yield case("ROIs that say they are locked", content=bytes(locked), says="password")
    climbing = [("../../../tmp/climbed.roi", polygon), ("/etc/root.roi", polygon)]
    yield case(
        "ROIs whose names lead out of the folder",
        content=roi_mutations.packed(climbing),
        word="rois",
        says="2 regions",
    )
    twice = roi_mutations.packed([("RF.roi", polygon)] * 3)
    yield case("ROIs of one name", content=twice, word="rois", says="3 regions")
    yield case(
        "an archive in an archive",
        content=roi_mutations.packed([("inner.zip", plain_zip), ("a.roi", plain_zip)]),
        says="no ROI that can be read",
    )
    lzma_zip = bytearray(roi_mutations.packed([("a.roi", polygon)], zipfile.ZIP_LZMA))
    # The size of the dictionary, for which memory is reserved before a byte is read.
    struct.pack_into("<I", lzma_zip, 30 + len("a.roi") + 5, 2**32 - 1)
    yield case("an ROI that unpacks with 4 GB", content=bytes(lzma_zip), says="packed")
    signalling = bytearray(seeds.roi_files()["ellipse"])
    count = struct.unpack_from(">H", signalling, 16)[0]
    struct.pack_into(">I", signalling, 64 + 4 * count, 0x7F800001)
    yield Hostile(
        "an ellipse with a signalling NaN it does not need",
        "roi",
        bytes(signalling),
        "rois",
        "1 regions",
    )


# Autosaves


def autosaves() -> Iterator[Hostile]:
    case = partial(Hostile, kind="autosave", word="set aside")
    known = dict(roi_seeds.autosaves())
    plain_text = known["plain"].decode()
    yield case(
        "an autosave cut short", content=known["plain"][:-200], says="ends early"
    )
    yield case(
        "an autosave nested 100,000 deep",
        content=b'{"sets":' + b"[" * 100_000,
        says="ends early",
    )
    yield case(
        "an autosave of a million lists",
        content=lambda: b'{"sets":[' + b"[]," * 1_000_001 + b"[]]}",
        says="more than 1000000",
    )
    yield case(
        "an autosave of 40 MB", content=lambda: b" " * 40_000_000, says="more than"
    )
    yield case(
        "an autosave that someone edited",
        content=plain_text.replace("Biceps", "Triceps").encode(),
        says="not as this program wrote it",
    )
    yield case(
        "an autosave of a later version",
        content=roi_mutations.with_checksum(
            plain_text.replace('"version":1', '"version":2')
        ),
        says="newer version",
    )
    for number in ("NaN", "1e999", "9" * 4000, "9" * 5000):
        changed = re.sub(r'"height":[\d.]+', f'"height":{number}', plain_text)
        yield case(
            f"an autosave with the height {number[:9]}",
            content=roi_mutations.with_checksum(changed),
            word="recovered|set aside",
            says="left out|ends early",
        )
    named = plain_text.replace('"name":"rectangle"', f'"name":"{"x" * 100_000}"')
    named = named.replace('"left"', '"middle"')
    yield case(
        "an autosave that makes messages long",
        content=roi_mutations.with_checksum(named),
        word="recovered",
        says="left out",
    )


# Results tables


def row_with(measure: str, column: str, text: str) -> bytes:
    """Return a table of the first row of a measure with another text in a column."""
    known = dict(roi_seeds.tables())
    content = known["repeats" if measure.startswith("repeats.") else "options"]
    rows = csv.DictReader(io.StringIO(content.decode()))
    (row, *_) = [r for r in rows if r["measure"] == measure]
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, list(row))
    writer.writeheader()
    writer.writerow(row | {column: text})
    return buffer.getvalue().encode("utf-8", "surrogatepass")


def tables() -> Iterator[Hostile]:
    case = partial(Hostile, kind="table", word="table")
    mean, band = "intensity.mean", "intensity.band"
    many = {"inputs": [{"image": "scan.png"}] * 1001, "rule": "mean"}
    combed = [[r, 150 * (i % 2)] for i, r in enumerate(range(5000))]
    for name, measure, column, text, says in (
        ("nested 60,000 deep", mean, "roi_geometry", "[" * 60_000, "not a JSON object"),
        (
            "nested 900 deep where a word belongs",
            mean,
            "roi_geometry",
            '{"type":' + "[" * 900 + "]" * 900 + "}",
            "An ROI of type .*unknown",
        ),
        (
            "NaN for a place",
            mean,
            "roi_geometry",
            '{"type": "ellipse", "top": NaN, "left": 1, "height": 9, "width": 9}',
            "no place",
        ),
        (
            "an extent of 4000 digits",
            mean,
            "roi_geometry",
            f'{{"type":"rectangle","top":1,"left":1,"height":{"9" * 4000},"width":9}}',
            "no place",
        ),
        (
            "a line",
            mean,
            "roi_geometry",
            '{"type": "polyline", "vertices": [[1, 1], [50, 50]]}',
            "encloses no area",
        ),
        (
            "an outline of 5,000 teeth",
            mean,
            "roi_geometry",
            json.dumps({"type": "polygon", "vertices": combed}),
            "crosses itself|the value is",
        ),
        (
            "a gray level that is no text",
            band,
            "method",
            '{"band":[0,"\\ud800"]}',
            "band",
        ),
        ("an infinite band", band, "method", '{"band":[-Infinity,Infinity]}', "band"),
        ("1,001 images", "repeats.cv", "method", json.dumps(many), "at most 1000"),
    ):
        yield case(
            f"a row with {name}", content=row_with(measure, column, text), says=says
        )


# Operations on outlines


def operations() -> Iterator[Hostile]:
    def case(name: str, operation: str, *rois: Any, says: str, word: str) -> Hostile:
        numbers = [-1e308, 2.0, 1e308, 1e308]
        told = {"operation": operation, "regions": rois, "numbers": numbers}
        return Hostile(name, "shapes", json.dumps(told).encode(), word, says)

    tall = {"type": "ellipse", "top": 1, "left": 1, "height": 1e6, "width": 60}
    yield case(
        "an oval of a million rows", "union", tall, says="px high", word="refused"
    )
    huge = {"type": "rectangle", "top": -1e6, "left": -1e6, "height": 1e6, "width": 1e6}
    yield case("a box of 1e12 pixels", "subtract", huge, huge, says="", word="refused")
    flat = {"type": "ellipse", "top": 9.5, "left": 9.5, "height": 1e-30, "width": 4}
    yield case("an oval without height", "imagej", flat, says="written", word="done")
    box = {"type": "rectangle", "top": 1, "left": 1, "height": 9, "width": 9}
    yield case("a box beyond all numbers", "resize", box, says="high", word="refused")
    teeth = [[200 * (i % 2), i / 10] for i in range(8000)]
    down = {"type": "polygon", "vertices": [*teeth, [-1, 800], [-1, 0]]}
    across = {"type": "polygon", "vertices": [[c, r] for r, c in down["vertices"]]}
    for name in ("union", "subtract", "intersect"):
        yield case(
            f"{name} of combs that meet in 64 million places",
            name,
            down,
            across,
            says="meet in up to",
            word="refused",
        )


# All of them

HOSTILE = [
    *dicom_lengths(),
    *dicom_sizes(),
    *dicom_spacings(),
    *tiff_spacings(),
    *pictures(),
    *gifs(),
    *tiffs(),
    *videos(),
    *rois(),
    *autosaves(),
    *tables(),
    *operations(),
]


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Outcome]:
    """Read all of them, and return what came of each."""
    numbers = count()
    given = (Case(next(numbers), h.kind, h.made()) for h in HOSTILE)
    found: dict[str, Outcome] = {}

    def keep(case: Case, outcome: Outcome) -> None:
        found[HOSTILE[case.number].name] = outcome

    run(given, each=keep)
    return found


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda h: h.name)
def test_a_hostile_file_is_refused_or_read_for_what_it_is(outcomes, hostile):
    outcome = outcomes[hostile.name]
    assert not outcome.problem, f"{outcome.word}: {outcome.problem}"
    assert re.fullmatch(hostile.word, outcome.word), outcome.said
    assert re.search(hostile.says, outcome.said), outcome.said
    assert outcome.rss_growth < MAX_GROWTH


# Folders, links and pipes

no_links = pytest.mark.skipif(os.name == "nt", reason="links need a privilege there")
no_pipes = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")


@pytest.fixture
def folder(tmp_path):
    """Return a folder with one image, beside a folder with another one."""
    for name in ("study", "elsewhere"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "scan.dcm").write_bytes(plain())
    return tmp_path / "study"


def skipped(study: Any) -> dict[str, str]:
    return {s.name: s.reason for s in study.skipped}


@no_links
@pytest.mark.timeout(30)
def test_links_never_lead_out_of_the_folder(folder):
    (folder / "to_file").symlink_to(folder.parent / "elsewhere" / "scan.dcm")
    (folder / "to_folder").symlink_to(folder.parent / "elsewhere")
    (folder / "to_root").symlink_to("/")
    (folder / "upwards").symlink_to("../elsewhere/scan.dcm")
    study = scan_study(folder)
    assert [item.path.name for item in study.items] == ["scan.dcm"]
    assert set(skipped(study)) == {"to_file", "to_folder", "to_root", "upwards"}
    assert all("leads out of the folder" in r for r in skipped(study).values())


@no_links
@pytest.mark.timeout(30)
def test_links_in_circles_end(folder):
    (folder / "itself").symlink_to("itself")
    (folder / "one").symlink_to("other")
    (folder / "other").symlink_to("one")
    deep = folder
    for _ in range(8):
        deep = deep / "sub"
        deep.mkdir()
        (deep / "again").symlink_to(folder)
        (deep / "up").symlink_to("..")
    study = scan_study(folder)
    assert [item.path.name for item in study.items] == ["scan.dcm"]
    assert len(study.skipped) == 3 + 2 * 8
    for name in ("itself", "one", "other"):
        assert skipped(study)[name] == "It is a link that leads nowhere."
        with pytest.raises(ImageReadError, match=r"cannot be read|does not exist"):
            mus.read_image(folder / name)


@no_links
@pytest.mark.timeout(30)
def test_an_index_does_not_follow_links_out_of_its_folder(folder):
    (folder / "OUT").symlink_to(folder.parent / "elsewhere")
    (folder / "LOOP").symlink_to("LOOP")
    names = ["OUT/scan.dcm", "LOOP", "../elsewhere/scan.dcm", "SCAN.DCM", "/etc/passwd"]
    (folder / "DICOMDIR").write_bytes(seeds.directory(names))
    study = scan_study(folder / "DICOMDIR")
    assert [item.path.name for item in study.items] == ["scan.dcm"]
    assert len(study.skipped) == 4


@no_pipes
@pytest.mark.timeout(30)
def test_a_pipe_is_never_waited_for(folder, one_sentence):
    os.mkfifo(folder / "pipe.dcm")
    os.mkfifo(folder / "DICOMDIR")
    study = scan_study(folder)
    assert [item.path.name for item in study.items] == ["scan.dcm"]
    special = "It is no file but a device, pipe or socket."
    assert skipped(study) == {"pipe.dcm": special, "DICOMDIR": special}
    for read in (mus.read_image, scan_study):
        with pytest.raises(ImageReadError) as error:
            read(folder / "pipe.dcm")
        assert one_sentence(str(error.value))
    with pytest.raises(RoiError) as roi_error:
        read_imagej_rois(folder / "pipe.dcm")
    assert one_sentence(str(roi_error.value))


def read_rois_at(path: Path, kind: str) -> tuple[str, str]:
    """Read the file that a file names."""
    del kind
    return "rois", repr(read_imagej_rois(path.read_text()))


@pytest.mark.skipif(not os.path.exists("/dev/zero"), reason="there is no such device")
@pytest.mark.timeout(30)
def test_a_device_is_no_file(one_sentence):
    for read in (mus.read_image, scan_study):
        with pytest.raises(ImageReadError) as error:
            read("/dev/zero")
        assert one_sentence(str(error.value))
    # It has no end, so memory is limited here, too.
    report = run(
        iter([Case(0, "roi", b"/dev/zero")]),
        target="tests.core.test_hostile_files:read_rois_at",
    )
    assert not report.findings, report.findings[0].outcome.problem
