"""Damage to files: of bytes, of the numbers that a format lives by, of whole parts."""

from __future__ import annotations

import contextlib
import io
import lzma
import math
import struct
import zipfile
import zlib
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from pydicom.datadict import tag_for_keyword

from tests.fuzz import layouts, reference_mutations, roi_mutations
from tests.fuzz.layouts import Element, Field, layout_of, number
from tests.fuzz.seeds import zipped

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from tests.fuzz.seeds import Seed

    Mutation = Callable[[random.Random, str, bytes], bytes]

MAX_BYTES: Final = 4_000_000

_BROKEN_ZIP: Final = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, OSError, EOFError),
    *(ValueError, RuntimeError, KeyError, IndexError, OverflowError, MemoryError),
)


def mutate(chance: random.Random, seed: Seed, other: Seed) -> bytes:
    """Return a damaged copy of a file; `other` may lend it some bytes."""
    content = seed.content
    if seed.kind in _WHOLE:
        return _WHOLE[seed.kind](chance, seed.kind, content)[:MAX_BYTES]
    for _ in range(chance.choices((1, 2, 3, 5), (55, 25, 12, 8))[0]):
        content = _once(chance, seed.kind, content, other)[:MAX_BYTES]
    if seed.kind == "png" and chance.random() < 0.9:
        content = with_checksums(content)
    return content


def _once(chance: random.Random, kind: str, content: bytes, other: Seed) -> bytes:
    special = _SPECIAL.get(kind, _tampered)
    shares = (5, 2, 5, 85, 3) if kind in _TEXTS else (30, 12, 22, 30, 6)
    how = chance.choices(
        (_tampered, _parts, _bytes, special, partial(_splice, other=other.content)),
        shares,
    )[0]
    return how(chance, kind, content) or b"\0"


# Numbers

FLOATS: Final = (
    *(math.nan, math.inf, -math.inf, 0.0, -0.0, -1.0, -0.02),
    *(1e308, -1e308, 5e-324, 1e-9, 1e9, 1.0),
)


def _hostile_integer(chance: random.Random, old: int, width: int, size: int) -> int:
    top = 1 << 8 * width
    small = (0, 1, 2, 3, 4, 7, 8, 9, 15, 16, 24, 32, 64, 127, 255, 256, 1000)
    large = (10_000, 16_384, 32_767, 65_535, 65_536, 1 << 20, 1 << 28, 1 << 31, 1 << 32)
    edges = (top // 2 - 1, top // 2, top - 1, top - 2, top - 8)
    near = (old + 1, old - 1, old + 2, old * 2, old // 2, old * 1000, -old, old ^ 0x80)
    places = (size, size - 1, size + 1, chance.randrange(size + 1))
    groups = (small, large, edges, near, places, (chance.randrange(top),))
    return chance.choice(chance.choices(groups, (4, 3, 3, 4, 2, 1))[0]) % top


def _tampered(chance: random.Random, kind: str, content: bytes) -> bytes:
    """Give some of the numbers that the format lives by another value."""
    fields = layout_of(kind, content).fields
    if not fields:
        return _bytes(chance, kind, content)
    changed = bytearray(content)
    for place in chance.choices(fields, k=chance.choice((1, 1, 1, 2, 3))):
        _set_field(chance, changed, place)
    return bytes(changed)


def _set_field(chance: random.Random, content: bytearray, place: Field) -> None:
    at, width, order, is_float = place
    if is_float:
        code = f"{order}{'f' if width == 4 else 'd'}"
        value = chance.choice(FLOATS)
        if width == 4 and abs(value) > 3e38 and math.isfinite(value):
            value = math.copysign(3e38, value)
        content[at : at + width] = struct.pack(code, value)
        return
    old = number(bytes(content[at : at + width]), 0, width, order)
    value = _hostile_integer(chance, old, width, len(content))
    content[at : at + width] = value.to_bytes(width, _byteorder(order))


def _byteorder(order: str) -> Any:
    return "little" if order == "<" else "big"


# Parts


def _parts(chance: random.Random, kind: str, content: bytes) -> bytes:
    """Leave a part out, double it many times, move it, or put it into another."""
    parts = layout_of(kind, content).parts
    if not parts:
        return _bytes(chance, kind, content)
    start, stop = chance.choice(parts)
    part = content[start:stop]
    how = chance.randrange(5)
    if how == 0:
        return content[:start] + content[stop:]
    if how == 1:
        times = chance.choice((2, 3, 10, 100))
        return content[:start] + part * times + content[stop:]
    there = chance.choice(parts)[chance.randrange(2)]
    if how == 2:
        return content[:there] + part + content[there:]
    if how == 3 and there >= stop:
        return content[:start] + content[stop:there] + part + content[there:]
    return content[:start] + _bytes(chance, kind, part) + content[stop:]


# Bytes


def _place(chance: random.Random, size: int) -> int:
    """Return a place, in every other case near the start, where headers are."""
    near = min(size, chance.choice((64, 256, 1024, 4096)))
    return chance.randrange(near if chance.random() < 0.5 else size)


def _bytes(chance: random.Random, _kind: str, content: bytes) -> bytes:
    """Change bytes without any knowledge of the format."""
    if not content:
        return chance.randbytes(8)
    changed = bytearray(content)
    at = _place(chance, len(content))
    length = min(chance.choice((1, 2, 4, 16, 64, 500, 5000)), len(content) - at)
    how = chance.randrange(9)
    if how == 0:
        for _ in range(chance.choice((1, 2, 5, 50))):
            changed[_place(chance, len(changed))] ^= 1 << chance.randrange(8)
    elif how == 1:
        for _ in range(chance.choice((1, 2, 5, 50))):
            changed[_place(chance, len(changed))] = chance.randrange(256)
    elif how == 2:
        fill = chance.choice((b"\0", b"\xff", b"\x80", b"A"))
        changed[at : at + length] = fill * length
    elif how == 3:
        del changed[at:]
    elif how == 4:
        del changed[at : at + length]
    elif how == 5:
        changed[at:at] = chance.randbytes(length)
    elif how == 6:
        changed[at:at] = changed[at : at + length] * chance.choice((1, 2, 20))
    elif how == 7:
        width, order = chance.choice((1, 2, 4, 8)), chance.choice("<>")
        _set_field(chance, changed, Field(at, width, order))
    else:
        there = _place(chance, len(content))
        changed[there : there + length] = changed[at : at + length]
    return bytes(changed)


def _splice(
    chance: random.Random, _kind: str, content: bytes, *, other: bytes
) -> bytes:
    """Join the start of one file to the end of another, or put a piece into it."""
    if not content or not other:
        return content or other
    at, there = _place(chance, len(content)), _place(chance, len(other))
    if chance.random() < 0.5:
        return content[:at] + other[there:]
    piece = other[there : there + chance.choice((8, 64, 512, 4096))]
    after = at + (len(piece) if chance.random() < 0.5 else 0)
    return content[:at] + piece + content[after:]


# DICOM

_WORDS: Final = (
    "0",
    "1",
    "-1",
    "2",
    "1e308",
    "-0",
    "nan",
    "inf",
    "1e-320",
    "",
    " ",
    "x",
)
_LARGE: Final = ("99999999999999999999", "2147483648", "200000", "200001", "3", "1.5")
_SMALL_NUMBERS: Final = (0, 1, 2, 3, 4, 7, 8, 10, 12, 16, 24, 32, 64, 65535)
_SIZES: Final = (0, 1, 2, 3, 23, 25, 36, 72, 255, 4096, 10_000, 32_768, 65_535)
_PAIRS: Final = (
    *(
        "nan\\nan",
        "0\\0",
        "-1\\-1",
        "inf\\inf",
        "1e308\\1e308",
        "1e-320\\1",
        "0.2\\nan",
    ),
    *("0.1", "0.1\\0.2\\0.3", "\\", "1\\1", "0.2\\x", "-0.2\\0.1", "", "1e-9\\1e-9"),
)
_PHOTOMETRIC: Final = (
    *("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "YBR_FULL"),
    *("YBR_FULL_422", "YBR_ICT", "YBR_RCT", "YBR_PARTIAL_420", "HSV", "", "A\\B"),
)
_SYNTAXES: Final = tuple(
    f"1.2.840.10008.1.2{end}"
    for end in (
        *("", ".1", ".1.99", ".2", ".5", ".4.50", ".4.51", ".4.57", ".4.70", ".4.80"),
        *(".4.81", ".4.90", ".4.91", ".4.100", ".4.201", ".4.203", ".8.1", ".9"),
    )
)
HOSTILE: Final[dict[str, tuple[Any, ...]]] = {
    **dict.fromkeys(("Rows", "Columns"), _SIZES),
    **dict.fromkeys(
        (
            *("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"),
            *("SamplesPerPixel", "PlanarConfiguration"),
        ),
        _SMALL_NUMBERS,
    ),
    "NumberOfFrames": (*_WORDS, *_LARGE),
    "PhotometricInterpretation": _PHOTOMETRIC,
    **dict.fromkeys(("PixelSpacing", "ImagerPixelSpacing"), _PAIRS),
    **dict.fromkeys(
        (
            *("FrameTime", "CineRate", "RecommendedDisplayFrameRate", "WindowCenter"),
            *("WindowWidth", "RescaleSlope", "RescaleIntercept", "PatientAge"),
            *("PatientSize", "PatientWeight", "MechanicalIndex", "DepthOfScanField"),
            *("StudyDate", "StudyTime", "AcquisitionTime", "LossyImageCompression"),
            *("PixelPresentation", "VOILUTFunction", "SpecificCharacterSet"),
            *("Modality", "InstanceNumber", "SeriesNumber", "SOPClassUID"),
        ),
        (*_WORDS, *_LARGE, *_PAIRS),
    ),
    "FrameTimeVector": (
        "0",
        "nan\\nan\\nan",
        "0\\-40\\40",
        "0\\1e308\\1e308",
        "\\" * 999,
    ),
    "TransferSyntaxUID": _SYNTAXES,
}
_HOSTILE_TAGS: Final = {int(tag_for_keyword(k) or 0): v for k, v in HOSTILE.items()}


def _dicom(chance: random.Random, kind: str, content: bytes) -> bytes:
    """Rewrite elements with another value and a right length, or the pixels' items."""
    body = _deflated_at(content)
    if body is not None and chance.random() < 0.8:
        return _inside_deflated(chance, kind, content, body)
    elements = layouts.elements_of(content)
    if not elements:
        return _bytes(chance, kind, content)
    how = chance.randrange(6)
    if how == 0:
        return _floats(chance, content, elements)
    if how == 1:
        return _fragments(chance, kind, content, elements[-1])
    if how == 2:
        return _nested(chance, content, elements)
    for _ in range(chance.choice((1, 1, 2, 3))):
        content = _rewrite(chance, content)
    return content


def _rewrite(chance: random.Random, content: bytes) -> bytes:
    """Give an element of the header a hostile value, keeping all lengths right."""
    elements = [e for e in layouts.elements_of(content) if e.depth == 0 and e.vr]
    known = [e for e in elements if e.tag in _HOSTILE_TAGS]
    if not known:
        return content
    element = chance.choice(known)
    value = chance.choice(_HOSTILE_TAGS[element.tag])
    if isinstance(value, int):
        coded = value.to_bytes(2, _byteorder(element.order))
    else:
        coded = value.encode() + b" " * (len(value) % 2)
    return with_value(content, element, coded)


def with_value(content: bytes, element: Element, value: bytes) -> bytes:
    """Return a file in which an element has another value and the right length."""
    width, order = element.length.width, element.length.order
    length = (len(value) % (1 << 8 * width)).to_bytes(width, _byteorder(order))
    head = bytearray(content[element.start : element.value])
    at = element.length.at - element.start
    head[at : at + width] = length
    return content[: element.start] + bytes(head) + value + content[element.stop :]


def _floats(chance: random.Random, content: bytes, elements: list[Element]) -> bytes:
    """Make deltas and reference values of regions NaN, zero, negative or endless."""
    changed = bytearray(content)
    doubles = [e for e in elements if e.vr == "FD" and e.stop - e.value == 8]
    for element in chance.sample(doubles, min(len(doubles), chance.randrange(1, 5))):
        value = struct.pack(f"{element.order}d", chance.choice(FLOATS))
        changed[element.value : element.stop] = value
    return bytes(changed)


def _fragments(
    chance: random.Random, kind: str, content: bytes, last: Element
) -> bytes:
    """Damage one fragment and keep its length right, or add empty ones."""
    items = []
    place = last.value
    while number(content, place, 4) == 0xE000FFFE and place + 8 <= len(content):
        size = number(content, place + 4, 4)
        items.append((place, place + 8 + size))
        place += 8 + size
    if not items:
        return _tampered(chance, kind, content)
    start, stop = chance.choice(items)
    if chance.random() < 0.15:
        empty = b"\xfe\xff\x00\xe0\0\0\0\0" * chance.choice((1, 3, 100, 10_000))
        return content[:start] + empty + content[start:]
    value = _stream(chance, content[start + 8 : stop])
    value += b"\0" * (len(value) % 2)
    head = b"\xfe\xff\x00\xe0" + struct.pack("<I", len(value))
    return content[:start] + head + value + content[stop:]


def _stream(chance: random.Random, value: bytes) -> bytes:
    """Damage a code stream, mostly in its header."""
    if value.startswith(b"\xff\xd8") and chance.random() < 0.6:
        return _tampered(chance, "jpeg", value)
    changed = bytearray(value or b"\0")
    if chance.random() < 0.5:
        width, order = chance.choice((1, 2, 4)), chance.choice("<>>")
        _set_field(chance, changed, Field(_place(chance, len(changed)), width, order))
        return bytes(changed)
    return _bytes(chance, "", bytes(changed))


def _nested(chance: random.Random, content: bytes, elements: list[Element]) -> bytes:
    """Put deeply nested sequences before an element of the header, or into a region."""
    element = chance.choice([e for e in elements if e.vr] or elements)
    depth = chance.choice((2, 30, 300, 3000))
    deep = nested(
        depth, order=element.order, implicit=element.is_implicit, defined=depth < 300
    )
    return content[: element.start] + deep + content[element.start :]


def nested(depth: int, *, order: str, implicit: bool, defined: bool) -> bytes:
    """Return a sequence in a sequence …, with stated lengths or with delimiters."""
    tag = struct.pack(f"{order}HH", 0x0018, 0x6011)
    item, item_end, end = (
        struct.pack(f"{order}HH", 0xFFFE, e) for e in (0xE000, 0xE00D, 0xE0DD)
    )
    head = tag + (b"" if implicit else b"SQ\0\0")
    if not defined:
        endless = b"\xff\xff\xff\xff"
        opening = (head + endless + item + endless) * depth
        return opening + (item_end + bytes(4) + end + bytes(4)) * depth
    inner = b""
    for _ in range(depth):
        inner = item + struct.pack(f"{order}I", len(inner)) + inner
        inner = head + struct.pack(f"{order}I", len(inner)) + inner
    return inner


def _deflated_at(content: bytes) -> int | None:
    """Return where a deflated data set starts."""
    if layouts.syntax_of(content) != layouts.DEFLATED:
        return None
    size = number(content, 140, 4)
    return 144 + size if content[128:132] == b"DICM" else None


def _inside_deflated(
    chance: random.Random, kind: str, content: bytes, body: int
) -> bytes:
    """Damage the data set and deflate it again."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        plain = inflater.decompress(content[body:], MAX_BYTES)
    except zlib.error:
        return _bytes(chance, kind, content)
    meta = content[:body]
    shown = meta.replace(b"1.2.840.10008.1.2.1.99", b"1.2.840.10008.1.2.1\0\0\0")
    how = chance.choice((_dicom, _tampered, _parts, _bytes))
    changed = how(chance, kind, shown + plain)[body:]
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return meta + packer.compress(changed) + packer.flush()


# PNG


def with_checksums(content: bytes) -> bytes:
    """Return a PNG in which the checksum of every chunk that fits is right."""
    changed = bytearray(content)
    for place, size in layouts.png_chunks(content):
        end = place + 8 + size
        if end + 4 <= len(content):
            changed[end : end + 4] = struct.pack(
                ">I", zlib.crc32(content[place + 4 : end])
            )
    return bytes(changed)


def png_chunk(name: bytes, value: bytes) -> bytes:
    """Return a chunk of a PNG with its checksum."""
    checksum = struct.pack(">I", zlib.crc32(name + value))
    return struct.pack(">I", len(value)) + name + value + checksum


def _png(chance: random.Random, kind: str, content: bytes) -> bytes:
    """Damage the packed pixels and pack them again, or add a chunk."""
    chunks = [
        (p, s) for p, s in layouts.png_chunks(content) if p + 12 + s <= len(content)
    ]
    packed = [
        c for c in chunks if content[c[0] + 4 : c[0] + 8] in (b"IDAT", b"zTXt", b"iTXt")
    ]
    if not packed or chance.random() < 0.3:
        return _tampered(chance, kind, content)
    place, size = chance.choice(packed)
    name, value = content[place + 4 : place + 8], content[place + 8 : place + 8 + size]
    if name != b"IDAT" or chance.random() < 0.2:
        # A text that unpacks to a hundred thousand times its size.
        bomb = zlib.compress(bytes(chance.choice((10, 1_000_000, 50_000_000))))
        new = png_chunk(b"zTXt", b"Comment\0\0" + bomb)
        return content[:place] + new + content[place:]
    try:
        plain = zlib.decompress(value)
    except zlib.error:
        return _bytes(chance, kind, content)
    new = png_chunk(b"IDAT", zlib.compress(_bytes(chance, kind, plain)))
    return content[:place] + new + content[place + 12 + size :]


# TIFF

_IMAGEJ: Final = (
    *("images=4", "images=999999999", "images=0", "images=-3", "images=x", "frames=4"),
    *("slices=2", "frames=2147483648", "channels=2", "channels=0", "hyperstack=true"),
    *("unit=mm", "unit=cm", "unit=\\u00B5m", "unit=inch", "unit=nan", "unit="),
    *("finterval=nan", "finterval=0", "finterval=-1", "finterval=1e308", "fps=1e-320"),
    *("fps=inf", "min=nan", "min=0", "max=0", "max=inf", "max=65535", "min=-1e308"),
    *(
        "loop=false",
        "mode=grayscale",
        "tunit=ms",
        "yunit=cm",
        "spacing=-1",
        "=",
        "a=b=c",
    ),
)
_DESCRIPTION: Final = 270


def _tiff(chance: random.Random, kind: str, content: bytes) -> bytes:
    """Give ImageJ's description or the resolution hostile values, or make a loop."""
    entries = layouts.tiff_entries(content)
    if not entries:
        return _bytes(chance, kind, content)
    how = chance.randrange(4)
    texts = [e for e in entries if e.tag == _DESCRIPTION]
    if how <= 1 and texts:
        lines = ["ImageJ=1.53t", *chance.choices(_IMAGEJ, k=chance.randrange(1, 8))]
        if chance.random() < 0.1:
            lines = [f'{{"shape": [{chance.choice((4, 10**9, -1))}, 24, 36]}}']
        return with_tiff_text(content, texts[0], "\n".join(lines).encode() + b"\0")
    rationals = [e for e in entries if e.tag in (282, 283)]
    if how == 2 and rationals:
        changed = bytearray(content)
        for entry in rationals:
            place = Field(number(content, *entry.value[:3]), 4, entry.value.order)
            if place.at + 8 <= len(content):
                _set_field(chance, changed, place)
                if chance.random() < 0.5:
                    _set_field(chance, changed, place._replace(at=place.at + 4))
        return bytes(changed)
    entry = chance.choice(entries)
    changed = bytearray(content)
    # 254 kind of page, 256 … 262 size, bits, compression; 273 … 279 strips; 322 tiles.
    tag = chance.choice(
        (254, 256, 257, 258, 259, 262, 273, 277, 278, 279, 284, 322, 324)
    )
    width = 2 if chance.random() < 0.5 else entry.count.width
    changed[entry.at : entry.at + 2] = tag.to_bytes(2, _byteorder(entry.count.order))
    _set_field(chance, changed, entry.value._replace(width=width))
    return bytes(changed)


def with_tiff_text(content: bytes, entry: layouts.TiffEntry, text: bytes) -> bytes:
    """Return a TIFF whose description is another text, put at the end of the file."""
    changed = bytearray(content) + text
    for place, value in ((entry.count, len(text)), (entry.value, len(content))):
        changed[place.at : place.at + place.width] = value.to_bytes(
            place.width, _byteorder(place.order)
        )
    return bytes(changed)


# Archives and folders


def _archive(chance: random.Random, kind: str, content: bytes) -> bytes:
    """Damage a file in an archive and pack it again."""
    if kind == "roizip" and chance.random() < 0.4:
        return roi_mutations.archive(chance, kind, content)
    files = unzipped(content)
    if not files:
        return _bytes(chance, kind, content)
    is_index = "DICOMDIR" in files and chance.random() < 0.5
    name = "DICOMDIR" if is_index else chance.choice(sorted(files))
    inner = "roi" if kind == "roizip" else _kind_of(files[name])
    how = chance.choice((_tampered, _parts, _bytes, _SPECIAL.get(inner, _bytes)))
    if chance.random() < 0.1:
        files["again/" + name] = files[name]
    files[name] = how(chance, inner, files[name])
    method = zipfile.ZIP_STORED if kind == "study" else zipfile.ZIP_DEFLATED
    return zipped(files, method)


def unzipped(content: bytes) -> dict[str, bytes]:
    """Return the files of an archive, as many as can be unpacked."""
    files: dict[str, bytes] = {}
    with (
        contextlib.suppress(*_BROKEN_ZIP),
        zipfile.ZipFile(io.BytesIO(content)) as archive,
    ):
        for entry in archive.infolist():
            if entry.file_size <= MAX_BYTES:
                files[entry.filename] = archive.read(entry)
    return files


def _kind_of(content: bytes) -> str:
    starts = ((b"\x89PNG", "png"), (b"II*", "tiff"), (b"MM", "tiff"), (b"GIF", "gif"))
    if content[128:132] == b"DICM":
        return "dicom"
    return next((kind for start, kind in starts if content.startswith(start)), "")


_SPECIAL: Final[dict[str, Mutation]] = {
    "dicom": _dicom,
    "png": _png,
    "tiff": _tiff,
    "roizip": _archive,
    "study": _archive,
    "autosave": roi_mutations.autosave,
    "table": roi_mutations.table,
    "reference": reference_mutations.document,
    "conversion": reference_mutations.document,
    "spreadsheet": reference_mutations.spreadsheet,
    "people": reference_mutations.spreadsheet,
}
_WHOLE: Final[dict[str, Mutation]] = {"shapes": roi_mutations.shapes}
_TEXTS: Final = (
    *("autosave", "table"),
    *("reference", "conversion", "spreadsheet", "people"),
)
"""Kinds whose bytes rarely can be damaged without all being refused."""
