"""ImageJ's ``.roi`` bytes taken apart and put together: headers, name, properties.

All numbers are big-endian. 64 bytes of header come first, then the coordinates, a
second header of 64 bytes, name, properties and the counters of points.

References
----------
ImageJ 1.53t, ``ij/io/RoiDecoder.java`` and ``ij/io/RoiEncoder.java``.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

from napari_muscle_us.errors import RoiError

MAGIC: Final = b"Iout"
HEADER_BYTES: Final = 64
VERSION: Final = 228
MAX_NAME: Final = 200
"""Longest name that is read, in characters; the file keeps the rest."""

POLYGON, RECT, OVAL, LINE, FREELINE, POLYLINE = 0, 1, 2, 3, 4, 5
FREEHAND, TRACED, ANGLE, POINT = 7, 8, 9, 10
TEXT, ARROW, ELLIPSE, IMAGE, ROTATED_RECT = 1, 2, 3, 4, 5

AT_VERSION: Final = 4
AT_TYPE: Final = 6
AT_BOUNDS: Final = 8
AT_COUNT: Final = 16
AT_FLOATS: Final = 18
AT_STROKE_WIDTH: Final = 34
AT_SHAPE_SIZE: Final = 36
AT_STROKE_COLOUR: Final = 40
AT_SUBTYPE: Final = 48
AT_OPTIONS: Final = 50
AT_PARAMETER: Final = 52
AT_ARC_SIZE: Final = 54
AT_POSITION: Final = 56
AT_SECOND: Final = 60
# In the second header.
AT_CHANNEL: Final = 4
AT_SLICE: Final = 8
AT_TIME: Final = 12
AT_NAME: Final = 16
AT_GROUP: Final = 30
AT_PROPERTIES: Final = 40
AT_COUNTERS: Final = 48
_LEAST_SECOND: Final = 40

SPLINE_FIT: Final = 1
SUB_PIXEL: Final = 128
SCALE_STROKE: Final = 8192
_SMALL_POINT: Final = 3
_LOWEST_SHORT: Final = -5000


@dataclass(slots=True)
class RoiRecord:
    """A ``.roi`` file in its pieces."""

    header: bytearray = field(default_factory=lambda: bytearray(HEADER_BYTES))
    body: bytes = b""
    second: bytearray = field(default_factory=lambda: bytearray(HEADER_BYTES))
    name: str = ""
    properties: str = ""
    counters: bytes = b""

    def byte(self, at: int) -> int:
        """Return a byte of the header."""
        return self.header[at]

    def word(self, at: int) -> int:
        """Return two bytes of the header, unsigned."""
        return int(struct.unpack_from(">H", self.header, at)[0])

    def short(self, at: int) -> int:
        """Return two bytes of the header as ImageJ takes them: −5000 … 60535."""
        value = int(struct.unpack_from(">h", self.header, at)[0])
        return value + 65536 if value < _LOWEST_SHORT else value

    def integer(self, at: int) -> int:
        """Return four bytes of the header, signed."""
        return int(struct.unpack_from(">i", self.header, at)[0])

    def second_integer(self, at: int) -> int:
        """Return four bytes of the second header, signed."""
        return int(struct.unpack_from(">i", self.second, at)[0])

    def put(self, at: int, form: str, *values: float) -> None:
        """Write numbers into the header."""
        struct.pack_into(">" + form, self.header, at, *values)

    def put_second(self, at: int, form: str, *values: float) -> None:
        """Write numbers into the second header."""
        struct.pack_into(">" + form, self.second, at, *values)

    @property
    def kind(self) -> int:
        """ImageJ's type number."""
        return self.byte(AT_TYPE)

    @property
    def subtype(self) -> int:
        """ImageJ's subtype: text, arrow, ellipse, image, rotated rectangle."""
        return self.word(AT_SUBTYPE)

    @property
    def version(self) -> int:
        """Version of the format."""
        return self.short(AT_VERSION)

    @property
    def is_composite(self) -> bool:
        """Whether it holds a path instead of a type of its own."""
        return self.integer(AT_SHAPE_SIZE) > 0

    @property
    def is_sub_pixel(self) -> bool:
        """Whether coordinates are single precision instead of integer."""
        since = 223 if self.kind in (RECT, OVAL) else 222
        return bool(self.word(AT_OPTIONS) & SUB_PIXEL) and self.version >= since


def new_record() -> RoiRecord:
    """Return the bytes that every new ROI starts with."""
    record = RoiRecord()
    record.header[:4] = MAGIC
    record.put(AT_VERSION, "h", VERSION)
    return record


def cut_short(file_name: str) -> RoiError:
    """Return the refusal of a file that is damaged."""
    return RoiError(
        f"The ImageJ ROI {file_name!r} is damaged or cut short; save it again."
    )


def parse_roi(data: bytes, file_name: str) -> RoiRecord:
    """Return the pieces of a ``.roi`` file.

    Raises
    ------
    RoiError
        If it is none, or is cut short.
    """
    if data[:4] != MAGIC:
        raise RoiError(f"{file_name!r} is not an ImageJ ROI; save it from ImageJ.")
    if len(data) < HEADER_BYTES:
        raise cut_short(file_name)
    record = RoiRecord(header=bytearray(data[:HEADER_BYTES]))
    start = record.integer(AT_SECOND)
    if start == 0:
        record.body = data[HEADER_BYTES:]
        return record
    if start < HEADER_BYTES or start + _LEAST_SECOND > len(data):
        raise cut_short(file_name)
    record.body = data[HEADER_BYTES:start]
    second = data[start : start + HEADER_BYTES]
    record.second = bytearray(second.ljust(HEADER_BYTES, b"\0"))
    record.name = _text(record, AT_NAME, data, file_name)
    if record.version >= 224:
        record.properties = _text(record, AT_PROPERTIES, data, file_name)
    offset = record.second_integer(AT_COUNTERS)
    if offset and record.version >= 227 and record.kind == POINT:
        record.counters = data[max(offset, 0) :]
    return record


def _text(record: RoiRecord, at: int, data: bytes, file_name: str) -> str:
    offset, length = record.second_integer(at), record.second_integer(at + 4)
    if offset == 0 or length == 0:
        return ""
    if offset < HEADER_BYTES or length < 0 or offset + 2 * length > len(data):
        raise cut_short(file_name)
    return data[offset : offset + 2 * length].decode("utf-16-be", "replace")


def build_roi(record: RoiRecord) -> bytes:
    """Return the bytes of a ``.roi`` file."""
    start = HEADER_BYTES + len(record.body)
    record.put(AT_SECOND, "i", start)
    offset = start + HEADER_BYTES
    texts = []
    for at, text in ((AT_NAME, record.name), (AT_PROPERTIES, record.properties)):
        encoded = text.encode("utf-16-be", "replace")
        length = len(encoded) // 2
        record.put_second(at, "ii", offset if length else 0, length)
        texts.append(encoded)
        offset += len(encoded)
    record.put_second(AT_COUNTERS, "i", offset if record.counters else 0)
    parts = [bytes(record.header), record.body, bytes(record.second)]
    return b"".join([*parts, *texts, record.counters])


def modernise(record: RoiRecord) -> None:
    """Raise an old file to the version that is written, its meaning unchanged.

    What a field meant before ImageJ gave it its meaning is cleared.
    """
    version, options = record.version, record.word(AT_OPTIONS)
    if version >= VERSION:
        return
    if version < 218:
        record.put(AT_STROKE_WIDTH, "h", 0)
        record.put(AT_STROKE_COLOUR, "ii", 0, 0)
        options &= ~SPLINE_FIT
    if not record.is_sub_pixel:
        options &= ~SUB_PIXEL
    if version < 226 and record.kind == POINT:
        record.put(AT_PARAMETER, "B", 0)
        record.put(AT_STROKE_WIDTH, "h", _SMALL_POINT)
    record.put_second(AT_GROUP, "B", 0)
    record.put(AT_OPTIONS, "H", options | SCALE_STROKE)
    record.put(AT_VERSION, "h", VERSION)
