"""Where the frames of a DICOM file lie: read by the header, whatever the size."""

from __future__ import annotations

import io
import struct
import tempfile
import weakref
import zlib
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.io._pydicom import damaged
from napari_muscle_us.io.dicom_syntax import check_syntax

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom import Dataset

    from napari_muscle_us.digest import FileDigest

IN_MEMORY_BYTES: Final = 16_000_000
"""Smaller files are read at once; of larger ones the header, then what is needed."""

MAX_INFLATED: Final = 1_000_000_000
_INFLATED_IN_MEMORY: Final = 4_000_000
_LARGEST_ELEMENT: Final = 4_000_000
_MAX_FRAGMENTS: Final = 1_000_000
_MAX_META: Final = 1_000_000
_MOST_READS: Final = 300_000
"""Reads of a header, two an element or item at most; each takes memory once parsed."""

_DEFLATED: Final = "1.2.840.10008.1.2.1.99"
_EXPLICIT_LITTLE: Final = b"1.2.840.10008.1.2.1\0"
_PIXEL_DATA: Final = (0x7FE0, 0x0010)
_ITEM: Final = b"\xfe\xff\x00\xe0"
_SEQUENCE_END: Final = b"\xfe\xff\xdd\xe0"
_UNDEFINED: Final = 0xFFFFFFFF
_LONG_VRS: Final = (b"OB", b"OW", b"OD", b"OF", b"OL", b"OV", b"UN", b"UT", b"UC")
_LONG_VRS_META: Final = (*_LONG_VRS, b"SQ", b"UR", b"SV", b"UV")
# How a JPEG and a JPEG 2000 code stream begin.
_CODE_STREAM: Final = (b"\xff\xd8", b"\xff\x4f\xff\x51")


class FileBytes:
    """Bytes of a file at a place: from memory if small, else from the file.

    A large file is opened for each read and must be the one that was opened first.
    """

    def __init__(self, path: Path, digest: FileDigest, content: bytes | None) -> None:
        self._path = path
        self._digest = digest
        self._memory: BinaryIO | None = None if content is None else io.BytesIO(content)
        self.size = path.stat().st_size if content is None else len(content)

    def replace(self, stream: BinaryIO, size: int) -> None:
        """Read from another stream from now on: the inflated data set."""
        self._memory, self.size = stream, size
        weakref.finalize(self, stream.close)

    def open(self) -> BinaryIO:
        """Return a stream at the start; a file's must be closed by `close`."""
        if self._memory is not None:
            self._memory.seek(0)
            return self._memory
        self._digest.check()
        return self._path.open("rb")

    def close(self, stream: BinaryIO) -> None:
        """Close a stream unless it is the one kept."""
        if stream is not self._memory:
            stream.close()

    def read(self, pieces: list[tuple[int, int]]) -> bytes:
        """Return pieces (offset, length) one behind the other."""
        stream = self.open()
        try:
            parts = []
            for offset, length in pieces:
                stream.seek(offset)
                part = stream.read(length)
                if len(part) != length:
                    raise EOFError("cut short")
                parts.append(part)
            return b"".join(parts)
        finally:
            self.close(stream)


@dataclass(frozen=True, slots=True)
class PixelElement:
    """Place of the pixel data: its value starts at `start` and has `length` bytes."""

    start: int
    length: int
    vr: str
    encapsulated: bool


def parse_header(source: FileBytes, name: str) -> tuple[Dataset, PixelElement]:
    """Return the elements before the pixels, and where the pixels lie.

    Raises
    ------
    ImageReadError
        If there are no pixels, or a deflated file holds more than a gigabyte.
    """
    syntax, body = _syntax(source)
    check_syntax(syntax, name)
    if syntax == _DEFLATED:
        _inflate(source, body, name)
    stream = source.open()
    try:
        dataset = _read_elements(stream)
        element = _find_pixels(stream, dataset, source.size, name)
    finally:
        source.close(stream)
    return dataset, element


class _LimitedReads:
    """Stream that ends the parsing of a header of too many elements or items."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._left = stream, _MOST_READS
        self.seek, self.tell = stream.seek, stream.tell

    def read(self, size: int = -1, /) -> bytes:
        """Return bytes, or refuse."""
        self._left -= 1
        if self._left < 0:
            raise OSError("header too large")
        return self._stream.read(size)


def _read_elements(stream: BinaryIO) -> Dataset:
    from pydicom import dcmread

    magic = stream.read(132)[128:]
    stream.seek(0)
    reader: Any = _LimitedReads(stream)
    return dcmread(
        reader,
        force=magic != b"DICM",
        stop_before_pixels=True,
        # An element that claims megabytes is skipped, not read.
        defer_size=_LARGEST_ELEMENT,
    )


def _find_pixels(
    stream: BinaryIO, dataset: Dataset, size: int, name: str
) -> PixelElement:
    implicit, little = dataset.original_encoding
    order = "<" if little in (True, None) else ">"
    header = stream.read(12)
    if len(header) < 8 or struct.unpack(f"{order}HH", header[:4]) != _PIXEL_DATA:
        raise ImageReadError(
            f"{name!r} is DICOM without pixels (a report, an index, or cut short); "
            "open the image itself."
        )
    vr = header[4:6]
    # Some files leave the types out though their syntax has them.
    if implicit or not (vr.isalpha() and vr.isupper()):
        start = stream.tell() - len(header) + 8
        (length,) = struct.unpack(f"{order}I", header[4:8])
        vr = b"OW"
    elif vr in _LONG_VRS and len(header) == 12:
        start = stream.tell()
        (length,) = struct.unpack(f"{order}I", header[8:12])
    else:
        raise damaged(name)
    encapsulated = length == _UNDEFINED
    left = size - start
    return PixelElement(
        start, left if encapsulated else min(length, left), vr.decode(), encapsulated
    )


def find_fragments(source: FileBytes, element: PixelElement) -> list[tuple[int, int]]:
    """Return offset and length of each item of encapsulated pixel data.

    The first is the Basic Offset Table. An item that reaches beyond the file raises
    EOFError.
    """
    fragments: list[tuple[int, int]] = []
    stream = source.open()
    try:
        place = element.start
        end = element.start + element.length
        while place + 8 <= end and len(fragments) < _MAX_FRAGMENTS:
            stream.seek(place)
            header = stream.read(8)
            if header[:4] == _SEQUENCE_END:
                return fragments
            (length,) = struct.unpack("<I", header[4:])
            if header[:4] != _ITEM or place + 8 + length > end:
                raise EOFError("cut short")
            fragments.append((place + 8, length))
            place += 8 + length
        if len(fragments) >= _MAX_FRAGMENTS:
            raise ValueError("too many fragments")
        return fragments
    finally:
        source.close(stream)


def frames_of(
    source: FileBytes, dataset: Dataset, element: PixelElement, count: int
) -> list[list[tuple[int, int]]]:
    """Return for each frame the pieces of the file that hold its code stream.

    Follows the Extended or Basic Offset Table where it fits the items; else one item a
    frame; else a frame begins where an item begins like a code stream.

    Raises
    ------
    ValueError
        If the items cannot be shared out among the frames.
    """
    items = find_fragments(source, element)
    if len(items) < 2:
        raise ValueError("no pixels")
    table, fragments = items[0], items[1:]
    if count == 1:
        return [fragments]
    starts = _table(source, dataset, table, fragments, count)
    if starts is None and len(fragments) == count:
        starts = list(range(count))
    if starts is None:
        starts = [
            i
            for i, (offset, length) in enumerate(fragments)
            if source.read([(offset, min(length, 4))]).startswith(_CODE_STREAM)
        ]
    if len(starts) != count or starts[0] != 0:
        raise ValueError("frames and items do not match")
    stops = [*starts[1:], len(fragments)]
    return [fragments[a:b] for a, b in zip(starts, stops, strict=True)]


def _table(
    source: FileBytes,
    dataset: Dataset,
    table: tuple[int, int],
    fragments: list[tuple[int, int]],
    count: int,
) -> list[int] | None:
    """Return the first item of each frame by an offset table that fits, or ``None``."""
    extended: Any = dataset.get("ExtendedOffsetTable")
    if isinstance(extended, bytes) and len(extended) == 8 * count:
        offsets = struct.unpack(f"<{count}Q", extended)
    elif table[1] == 4 * count:
        offsets = struct.unpack(f"<{count}I", source.read([table]))
    else:
        return None
    # Counted from the first item's tag, which is 8 bytes before its value.
    first = fragments[0][0]
    place = {offset - first: i for i, (offset, _) in enumerate(fragments)}
    starts = [place.get(offset, -1) for offset in offsets]
    rising = all(a < b for a, b in pairwise(starts))
    return starts if rising and starts[0] == 0 else None


def _inflate(source: FileBytes, body: int, name: str) -> None:
    """Replace a deflated file by its inflated data set, at most a gigabyte of it."""
    stream = source.open()
    try:
        stream.seek(body)
        inflated = _unpack(stream, name)
    finally:
        source.close(stream)
    size = inflated.seek(0, io.SEEK_END)
    source.replace(inflated, size)


def _syntax(source: FileBytes) -> tuple[str, int]:
    """Return the transfer syntax, empty if it is not told, and where the data start.

    File meta information is always explicit little endian (DICOM PS3.10 7.1).
    """
    stream = source.open()
    try:
        head = stream.read(_MAX_META)
    finally:
        source.close(stream)
    place = 132 if head[128:132] == b"DICM" else 0
    syntax = b""
    while head[place : place + 2] == b"\x02\x00":
        element, vr = head[place + 2 : place + 4], head[place + 4 : place + 6]
        if vr in _LONG_VRS_META:
            start, size = place + 12, head[place + 8 : place + 12]
        else:
            start, size = place + 8, head[place + 6 : place + 8]
        length = int.from_bytes(size, "little")
        if element == b"\x10\x00":
            syntax = head[start : start + length]
        place = start + length
    return syntax.decode("latin-1").rstrip("\0 "), place


def _unpack(stream: BinaryIO, name: str) -> BinaryIO:
    """Return a file with the inflated data set as explicit little endian."""
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    with ExitStack() as closing:
        # Beyond a few megabytes it lies on the disk, not in memory.
        out: Any = closing.enter_context(
            tempfile.SpooledTemporaryFile(_INFLATED_IN_MEMORY)
        )
        syntax = struct.pack("<HH2sH", 2, 0x10, b"UI", len(_EXPLICIT_LITTLE))
        out.write(bytes(128) + b"DICM" + syntax + _EXPLICIT_LITTLE)
        total = 0
        while not inflater.eof:
            packed = inflater.unconsumed_tail or stream.read(65_536)
            try:
                part = inflater.decompress(packed, 1_000_000)
            except zlib.error:
                raise EOFError("cut short") from None
            total += len(part)
            if total > MAX_INFLATED:
                raise ImageReadError(
                    f"{name!r} unpacks to more than {MAX_INFLATED / 1e9:g} GB; export "
                    "it without compression by deflate."
                )
            out.write(part)
            if not packed:
                break
        # Kept open: it is the file from now on.
        closing.pop_all()
    stored: BinaryIO = out
    return stored
