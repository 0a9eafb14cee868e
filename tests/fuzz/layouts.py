"""Where the numbers and the parts of a file lie, format by format.

What is found serves to damage a file where it hurts: a length, a count, a size. The
walkers read files that are damaged already, so they believe nothing and stop early.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Final, NamedTuple

from pydicom.datadict import dictionary_VR

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST: Final = 3000
_DEEPEST: Final = 12


class Field(NamedTuple):
    """A number in a file: its place, its bytes, their order, and whether it is real."""

    at: int
    width: int
    order: str = "<"
    is_float: bool = False


@dataclass
class Layout:
    """The numbers of a file and its parts (start, stop)."""

    fields: list[Field] = field(default_factory=list)
    parts: list[tuple[int, int]] = field(default_factory=list)

    def words(self, start: int, stop: int, width: int, order: str) -> None:
        """Note a run of numbers, its start at least."""
        places = range(start, min(stop, start + 500) - width + 1, width)
        self.fields += [Field(at, width, order) for at in places]


def number(content: bytes, at: int, width: int, order: str = "<") -> int:
    """Return an unsigned number; of what lies beyond the end nothing counts."""
    return int.from_bytes(content[at : at + width], "little" if order == "<" else "big")


def layout_of(kind: str, content: bytes) -> Layout:
    """Return what is known of a file of a kind; of some kinds nothing is."""
    layout = Layout()
    walker = _WALKERS.get(kind)
    if walker is not None:
        walker(content, layout)
    layout.fields = [f for f in layout.fields if f.at + f.width <= len(content)][:MOST]
    layout.parts = [(a, b) for a, b in layout.parts if a < b <= len(content)][:MOST]
    return layout


# DICOM

_LONG: Final = ("OB", "OW", "OD", "OF", "OL", "OV", "UN", "SQ", "UT", "UC", "UR")
_WIDTHS: Final = {
    **dict.fromkeys(("US", "SS", "AT", "OW"), 2),
    **dict.fromkeys(("UL", "SL", "FL"), 4),
    **dict.fromkeys(("FD", "OV"), 8),
    "OB": 1,
}
_UNDEFINED: Final = 0xFFFFFFFF
_ITEM, _ITEM_END, _END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
_PIXELS: Final = 0x7FE00010
BIG: Final = b"1.2.840.10008.1.2.2"
IMPLICIT: Final = b"1.2.840.10008.1.2"
DEFLATED: Final = b"1.2.840.10008.1.2.1.99"


class Element(NamedTuple):
    """A data element: where it starts, where its value starts and stops."""

    tag: int
    vr: str
    start: int
    value: int
    stop: int
    length: Field
    order: str
    depth: int

    @property
    def is_implicit(self) -> bool:
        """Whether its type is not written."""
        return self.value - self.start == 8 and self.length.width == 4


class _Syntax(NamedTuple):
    is_implicit: bool
    order: str


def syntax_of(content: bytes) -> bytes:
    """Return the transfer syntax that the file states, without padding."""
    at = content.find(b"\x02\0\x10\0UI", 128, 2000)
    if at < 0:
        return b""
    return content[at + 8 : at + 8 + number(content, at + 6, 2)].rstrip(b"\0 ")


def elements_of(content: bytes) -> list[Element]:
    """Return the elements of a DICOM file in their order, those of items included."""
    start = 132 if content[128:132] == b"DICM" else 0
    found: list[Element] = []
    place = _walk_elements(content, start, len(content), _Syntax(False, "<"), 0, found)
    syntax = syntax_of(content)
    if syntax != DEFLATED:
        told = _Syntax(syntax == IMPLICIT, ">" if syntax == BIG else "<")
        _walk_elements(content, place, len(content), told, 0, found)
    return found


def _walk_elements(
    content: bytes,
    place: int,
    stop: int,
    syntax: _Syntax,
    depth: int,
    found: list[Element],
) -> int:
    """Add elements, and return where they end; the meta header ends by itself."""
    is_meta = depth == 0 and not found
    order = syntax.order
    while place + 8 <= stop and len(found) < MOST and depth < _DEEPEST:
        group = number(content, place, 2, order)
        tag = group << 16 | number(content, place + 2, 2, order)
        if group == 0xFFFE or (is_meta and group != 2):
            break
        element = _element(content, place, tag, syntax, depth)
        if element is None:
            break
        at = len(found)
        found.append(element)
        end = element.stop
        if element.vr == "SQ" or (end < 0 and tag != _PIXELS):
            inside = stop if end < 0 else min(end, stop)
            place = _walk_items(
                content, element.value, inside, syntax, depth, found, to_end=end < 0
            )
            end = place if end < 0 else end
        elif end < 0:
            end = stop
        end = min(max(end, element.start + 8), stop)
        found[at] = element._replace(stop=end)
        place = end
    return place


def _element(
    content: bytes, place: int, tag: int, syntax: _Syntax, depth: int
) -> Element | None:
    """Return an element; its stop is −1 where the length is not stated."""
    order = syntax.order
    if syntax.is_implicit:
        length = Field(place + 4, 4, order)
        vr, value = _known_vr(tag), place + 8
    else:
        vr = content[place + 4 : place + 6].decode("latin-1")
        if not vr.isalpha() or not vr.isupper():
            return None
        is_long = vr in _LONG
        length = Field(place + (8 if is_long else 6), 4 if is_long else 2, order)
        value = place + (12 if is_long else 8)
    size = number(content, *length[:3])
    undefined = size == _UNDEFINED and length.width == 4
    stop = -1 if undefined else value + size
    return Element(tag, vr, place, value, stop, length, order, depth)


def _known_vr(tag: int) -> str:
    try:
        return dictionary_VR(tag)[:2]
    except KeyError:
        return "UN"


def _walk_items(
    content: bytes,
    place: int,
    stop: int,
    syntax: _Syntax,
    depth: int,
    found: list[Element],
    *,
    to_end: bool,
) -> int:
    while place + 8 <= stop:
        order = syntax.order
        tag = number(content, place, 2, order) << 16
        tag |= number(content, place + 2, 2, order)
        length = Field(place + 4, 4, order)
        size = number(content, *length[:3])
        if tag == _END and to_end:
            return place + 8
        if tag not in (_ITEM, _ITEM_END):
            return place
        end = stop if size == _UNDEFINED else min(place + 8 + size, stop)
        found.append(Element(tag, "", place, place + 8, end, length, order, depth))
        if len(found) >= MOST:
            return stop
        if tag == _ITEM:
            after = _walk_elements(content, place + 8, end, syntax, depth + 1, found)
            place = after if size == _UNDEFINED else end
        else:
            place += 8
    return place


def _dicom(content: bytes, layout: Layout) -> None:
    for element in elements_of(content):
        layout.parts.append((element.start, element.stop))
        layout.fields.append(element.length)
        layout.words(element.start, element.start + 4, 2, element.order)
        width = _WIDTHS.get(element.vr)
        stop = min(element.stop, element.value + 64)
        if width and element.tag != _PIXELS:
            is_float = element.vr in ("FL", "FD")
            layout.fields += [
                Field(at, width, element.order, is_float)
                for at in range(element.value, stop - width + 1, width)
            ]
        if element.tag == _PIXELS and number(content, element.value, 2) == 0xFFFE:
            _fragments(content, element.value, element.stop, layout)


def _fragments(content: bytes, place: int, stop: int, layout: Layout) -> None:
    number_of = 0
    while place + 8 <= stop and number(content, place, 4) == 0xE000FFFE:
        size = number(content, place + 4, 4)
        end = place + 8 + size
        layout.fields.append(Field(place + 4, 4))
        layout.parts.append((place, end))
        if number_of == 0:
            layout.words(place + 8, min(end, place + 72), 4, "<")
        else:
            _code_stream(content, place + 8, min(end, stop), layout)
        place, number_of = end, number_of + 1


def _code_stream(content: bytes, start: int, stop: int, layout: Layout) -> None:
    if content[start : start + 2] == b"\xff\xd8":
        _jpeg_segments(content, start, stop, layout)
    elif content[start : start + 4] == b"\xff\x4f\xff\x51":
        # SIZ: sizes and tiles of JPEG 2000, then the coding style.
        layout.words(start + 4, start + 8, 2, ">")
        layout.words(start + 8, start + 40, 4, ">")
        layout.words(start + 40, min(start + 80, stop), 1, ">")
    else:
        # RLE: number of segments and their offsets.
        layout.words(start, min(start + 64, stop), 4, "<")


# Pictures


def png_chunks(content: bytes) -> Iterator[tuple[int, int]]:
    """Yield start and length of the chunks of a PNG."""
    place = 8
    while place + 12 <= len(content):
        size = number(content, place, 4, ">")
        yield place, size
        place += 12 + size


def _png(content: bytes, layout: Layout) -> None:
    for place, size in png_chunks(content):
        name = content[place + 4 : place + 8]
        layout.fields.append(Field(place, 4, ">"))
        layout.parts.append((place, place + 12 + size))
        inside, stop = place + 8, place + 8 + size
        if name == b"IHDR":
            layout.words(inside, inside + 8, 4, ">")
            layout.words(inside + 8, inside + 13, 1, ">")
        elif name in (b"acTL", b"fcTL", b"pHYs"):
            layout.words(inside, stop, 4, ">")
        elif name in (b"PLTE", b"tRNS"):
            layout.words(inside, min(stop, inside + 16), 1, ">")


def _jpeg(content: bytes, layout: Layout) -> None:
    _jpeg_segments(content, 0, len(content), layout)


def _jpeg_segments(content: bytes, start: int, stop: int, layout: Layout) -> None:
    place = start + 2
    while place + 4 <= stop and content[place] == 0xFF:
        marker, size = content[place + 1], number(content, place + 2, 2, ">")
        layout.fields += [Field(place + 1, 1), Field(place + 2, 2, ">")]
        layout.parts.append((place, place + 2 + size))
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            layout.fields.append(Field(place + 4, 1))
            layout.words(place + 5, place + 9, 2, ">")
            layout.words(place + 9, place + 2 + size, 1, ">")
        else:
            layout.words(place + 4, min(place + 24, place + 2 + size), 1, ">")
        if marker == 0xDA:
            break
        place += 2 + max(size, 2)


def _bmp(content: bytes, layout: Layout) -> None:
    layout.words(2, 6, 4, "<")
    layout.words(10, 26, 4, "<")
    layout.words(26, 30, 2, "<")
    layout.words(30, 70, 4, "<")
    start = number(content, 10, 4)
    layout.parts += [(0, 14), (14, 54), (54, start), (start, len(content))]


def _gif(content: bytes, layout: Layout) -> None:
    layout.words(6, 10, 2, "<")
    layout.words(10, 13, 1, "<")
    flags = number(content, 10, 1)
    place = 13 + (3 * (2 << (flags & 7)) if flags & 0x80 else 0)
    while place < len(content):
        start, kind = place, content[place]
        layout.fields.append(Field(place, 1))
        if kind == 0x21:
            layout.words(place + 1, place + 8, 1, "<")
            place += 2
        elif kind == 0x2C:
            layout.words(place + 1, place + 9, 2, "<")
            layout.fields += [Field(place + 9, 1), Field(place + 10, 1)]
            flags = number(content, place + 9, 1)
            place += 11 + (3 * (2 << (flags & 7)) if flags & 0x80 else 0)
        else:
            break
        while place < len(content) and content[place]:
            layout.fields.append(Field(place, 1))
            place += 1 + content[place]
        place += 1
        layout.parts.append((start, place))


# TIFF

TIFF_WIDTHS: Final = (1, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 2, 2, 8, 8, 8)


class TiffEntry(NamedTuple):
    """An entry of a TIFF directory: where tag, count and value stand."""

    tag: int
    at: int
    count: Field
    value: Field


def tiff_entries(content: bytes, layout: Layout | None = None) -> list[TiffEntry]:
    """Return the entries of all directories; `layout` takes the directories' numbers.

    A chain of directories that bites its tail is followed once.
    """
    order = "<" if content[:2] == b"II" else ">"
    is_big = number(content, 2, 2, order) == 43
    wide = 8 if is_big else 4
    link = Field(8 if is_big else 4, wide, order)
    found: list[TiffEntry] = []
    seen: set[int] = set()
    while True:
        if layout is not None:
            layout.fields.append(link)
        place = number(content, *link[:3])
        if not place or place in seen or place + 8 > len(content) or len(seen) > 20:
            return found
        seen.add(place)
        head = Field(place, 8 if is_big else 2, order)
        count = min(number(content, *head[:3]), 64)
        at = place + head.width
        for _ in range(count):
            found.append(
                TiffEntry(
                    number(content, at, 2, order),
                    at,
                    Field(at + 4, wide, order),
                    Field(at + 4 + wide, wide, order),
                )
            )
            at += 4 + 2 * wide
        if layout is not None:
            layout.fields.append(head)
            layout.parts.append((place, at + wide))
        link = Field(at, wide, order)


def _tiff(content: bytes, layout: Layout) -> None:
    for entry in tiff_entries(content, layout):
        order, wide = entry.count.order, entry.count.width
        kind = number(content, entry.at + 2, 2, order)
        layout.words(entry.at, entry.at + 4, 2, order)
        layout.fields += [entry.count, entry.value, Field(entry.value.at, 2, order)]
        layout.parts.append((entry.at, entry.value.at + wide))
        width = TIFF_WIDTHS[kind] if kind < len(TIFF_WIDTHS) else 1
        size = width * number(content, *entry.count[:3])
        place = number(content, *entry.value[:3])
        if size > wide and width > 1:
            layout.words(place, place + min(size, 64), min(width, 4), order)


# Video


def _riff(content: bytes, layout: Layout) -> None:
    layout.fields.append(Field(4, 4))
    _riff_chunks(content, 12, len(content), layout, 0)


def _riff_chunks(
    content: bytes, place: int, stop: int, layout: Layout, depth: int
) -> None:
    while place + 8 <= stop and depth < _DEEPEST and len(layout.parts) < MOST:
        name, size = content[place : place + 4], number(content, place + 4, 4)
        end = place + 8 + size
        layout.fields.append(Field(place + 4, 4))
        layout.parts.append((place, end))
        if name in (b"LIST", b"RIFF"):
            _riff_chunks(content, place + 12, min(end, stop), layout, depth + 1)
        elif name in (b"avih", b"strh", b"strf", b"idx1", b"indx", b"vprp"):
            layout.words(place + 8, min(end, place + 136), 4, "<")
        place = end + size % 2


_ISO_FOLDERS: Final = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf")


def _iso(content: bytes, layout: Layout) -> None:
    _iso_boxes(content, 0, len(content), layout, 0)


def _iso_boxes(
    content: bytes, place: int, stop: int, layout: Layout, depth: int
) -> None:
    while place + 8 <= stop and depth < _DEEPEST:
        size, name = number(content, place, 4, ">"), content[place + 4 : place + 8]
        end = place + max(size, 8)
        layout.fields.append(Field(place, 4, ">"))
        layout.parts.append((place, end))
        if name in _ISO_FOLDERS:
            _iso_boxes(content, place + 8, min(end, stop), layout, depth + 1)
        elif name != b"mdat":
            last = min(end, stop, place + 264)
            layout.words(place + 8, last, 4, ">")
            layout.words(place + 8, min(last, place + 72), 2, ">")
        place = end


def _asf(content: bytes, layout: Layout) -> None:
    _asf_objects(content, 0, len(content), layout, 0)


def _asf_objects(
    content: bytes, place: int, stop: int, layout: Layout, depth: int
) -> None:
    while place + 24 <= stop:
        size = number(content, place + 16, 8)
        end = place + max(size, 24)
        layout.fields.append(Field(place + 16, 8))
        layout.parts.append((place, end))
        layout.words(place + 24, min(end, stop, place + 150), 2, "<")
        layout.words(place + 24, min(end, stop, place + 150), 4, "<")
        if depth == 0 and place == 0:
            _asf_objects(content, 30, min(end, stop), layout, 1)
        place = end


_EBML_FOLDERS: Final = (
    *(b"\x18\x53\x80\x67", b"\x16\x54\xae\x6b", b"\xae", b"\xe0"),
    *(b"\x1f\x43\xb6\x75", b"\xa0", b"\x1c\x53\xbb\x6b", b"\x15\x49\xa9\x66"),
)


def _ebml(content: bytes, layout: Layout) -> None:
    _ebml_elements(content, 0, len(content), layout, 0)


def _ebml_elements(
    content: bytes, place: int, stop: int, layout: Layout, depth: int
) -> None:
    while place + 2 <= stop and depth < _DEEPEST and len(layout.parts) < MOST:
        start = place
        id_width = 9 - content[place].bit_length()
        name = content[place : place + id_width]
        place += id_width
        if place >= stop:
            return
        width = 9 - content[place].bit_length()
        size = number(content, place, width, ">") & (1 << 7 * width) - 1
        layout.fields += [Field(place, 1), Field(place, width, ">")]
        place += width
        end = min(place + size, stop)
        layout.parts.append((start, end))
        if name in _EBML_FOLDERS:
            _ebml_elements(content, place, end, layout, depth + 1)
        elif size <= 16:
            layout.fields.append(Field(place, max(size, 1), ">"))
        place = end


def _mpeg(content: bytes, layout: Layout) -> None:
    starts = []
    at = content.find(b"\0\0\1")
    while at >= 0 and len(starts) < 500:
        starts.append(at)
        layout.fields += [
            Field(at + 3, 1),
            Field(at + 4, 2, ">"),
            Field(at + 4, 4, ">"),
        ]
        at = content.find(b"\0\0\1", at + 3)
    layout.parts += pairwise([*starts, len(content)])


# ImageJ's regions and archives


def _roi(content: bytes, layout: Layout) -> None:
    layout.words(4, 8, 1, ">")
    layout.words(8, 64, 2, ">")
    layout.words(16, 64, 4, ">")
    layout.fields += [Field(at, 4, ">", True) for at in range(18, 34, 4)]
    layout.words(64, min(len(content), 300), 2, ">")
    layout.fields += [Field(at, 4, ">", True) for at in range(64, 300, 4)]
    second = number(content, 60, 4, ">")
    if 64 <= second <= len(content):
        # Places and lengths of name, properties and counters; position and colour.
        layout.words(second + 4, min(len(content), second + 64), 4, ">")
    layout.parts += [(0, 64), (64, len(content))]


_ZIP_RECORDS: Final = {b"PK\3\4": 30, b"PK\1\2": 46, b"PK\5\6": 22}


def _zip(content: bytes, layout: Layout) -> None:
    starts = []
    at = content.find(b"PK")
    while at >= 0 and len(starts) < 500:
        size = _ZIP_RECORDS.get(content[at : at + 4])
        if size:
            starts.append(at)
            layout.words(at + 4, at + size, 2, "<")
            layout.words(at + (14 if size == 30 else 16), at + size, 4, "<")
        at = content.find(b"PK", at + 2)
    layout.parts += pairwise([*starts, len(content)])


_WALKERS: Final[dict[str, Callable[[bytes, Layout], None]]] = {
    "dicom": _dicom,
    "png": _png,
    "jpeg": _jpeg,
    "bmp": _bmp,
    "gif": _gif,
    "tiff": _tiff,
    "avi": _riff,
    "mp4": _iso,
    "mov": _iso,
    "asf": _asf,
    "matroska": _ebml,
    "mpeg": _mpeg,
    "roi": _roi,
    "roizip": _zip,
    "study": _zip,
}
