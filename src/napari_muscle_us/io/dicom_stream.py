"""Compressed frames: what a code stream says of itself, and its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

_START: Final = b"\xff\xd8"
_CODESTREAM: Final = b"\xff\x4f\xff\x51"
_END: Final = b"\xff\xd9"
_SCAN, _JFIF, _ADOBE, _JPEG_LS = 0xDA, 0xE0, 0xEE, 0xF7
_NO_FRAME: Final = (0xC4, 0xC8, 0xCC)
_LARGEST_BOX: Final = 65_536
_PADDING: Final = 64


@dataclass(frozen=True, slots=True)
class CodeStream:
    """A code stream's own header.

    Parameters
    ----------
    kind : {"jpeg", "jpeg-ls", "jpeg-2000"}
        Family.
    content : bytes
        The code stream.
    shape : tuple of int
        Rows and columns.
    samples, bits : int
        Values a pixel, bits a value.
    colour : {"RGB", "YBR", ""}
        What its values are; empty when it does not tell.
    """

    kind: str
    content: bytes
    shape: tuple[int, int]
    samples: int
    bits: int
    colour: str

    def decode(self, *, signed: bool, bits_stored: int) -> npt.NDArray[Any]:
        """Return the values as stored, (rows, columns) or (rows, columns, 3).

        No colour is converted. `signed` values of fewer bits than their words are
        extended by their sign.

        Raises
        ------
        RuntimeError
            If the stream is damaged.
        """
        import imagecodecs

        if self.kind == "jpeg":
            # The same space in and out: nothing is converted whatever markers say.
            space = "YCBCR" if self.samples == 3 else None
            values = imagecodecs.jpeg8_decode(
                self.content, colorspace=space, outcolorspace=space
            )
        elif self.kind == "jpeg-ls":
            values = imagecodecs.jpegls_decode(self.content)
        else:
            values = imagecodecs.jpeg2k_decode(self.content)
        values = np.asarray(values)
        told = bits_stored if self.kind == "jpeg" else self.bits
        unused = max(8 * values.dtype.itemsize - told, 0)
        if signed:
            values = values.view(f"i{values.dtype.itemsize}")
            return values << unused >> unused
        values = values.view(f"u{values.dtype.itemsize}")
        return values << unused >> unused if unused else values


def read_code_stream(content: bytes) -> CodeStream:
    """Return the header of a JPEG, JPEG-LS or JPEG 2000 code stream.

    Raises
    ------
    ValueError
        If it is none, or cut short.

    References
    ----------
    ITU-T T.81 B.2 (JPEG), T.87 C.2 (JPEG-LS), T.800 A.5 (JPEG 2000); Adobe TN 5116.
    """
    if content[:2] == _START:
        return _jpeg(content)
    # A JP2 file around the code stream is common, if not allowed.
    place = content[:_LARGEST_BOX].find(_CODESTREAM)
    if place < 0:
        raise ValueError("no code stream")
    return _jpeg_2000(content[place:])


def decode_rle(
    content: bytes, shape: tuple[int, int], *, samples: int, dtype: npt.DTypeLike
) -> npt.NDArray[Any]:
    """Return the values of a frame in DICOM's run-length code.

    Raises
    ------
    ValueError
        If it holds more or fewer values than the picture has.

    References
    ----------
    DICOM PS3.5 G.
    """
    import imagecodecs

    size = np.dtype(dtype).itemsize
    count = shape[0] * shape[1]
    starts = np.frombuffer(content[:64], "<u4").astype(np.int64)
    if len(starts) != 16 or starts[0] != samples * size:
        raise ValueError("another number of segments")
    bounds = [int(start) for start in starts[1 : 1 + samples * size]] + [len(content)]
    if bounds[0] < 64 or bounds != sorted(bounds):
        raise ValueError("segments in another order or beyond the end")
    planes = np.empty((samples, count, size), np.uint8)
    for number, (start, stop) in enumerate(pairwise(bounds)):
        # Bounded room: imagecodecs refuses to write beyond.
        room = count + stop - start
        part = imagecodecs.packbits_decode(content[start:stop], out=max(room, 1))
        # Zeros behind a segment, which pad it, unfold to zeros.
        if len(part) < count or any(part[count:]):
            raise ValueError("another number of values")
        # The most significant byte comes first.
        sample, byte = divmod(number, size)
        plane = np.frombuffer(part, np.uint8)[:count]
        planes[sample, :, size - 1 - byte] = plane
    values = planes.view(np.dtype(dtype).newbyteorder("<")).reshape(samples, *shape)
    return values[0] if samples == 1 else np.moveaxis(values, 0, -1)


def _jpeg(content: bytes) -> CodeStream:
    # Some writers fill each frame up with zeros.
    if _END not in content.rstrip(b"\0\xff ")[-_PADDING:]:
        raise ValueError("cut short")
    frame: bytes | None = None
    markers: dict[int, bytes] = {}
    kind, place = 0, 2
    while True:
        # Any number of 0xFF may stand before a marker.
        while content[place : place + 2] == b"\xff\xff":
            place += 1
        if content[place] != 0xFF:
            raise ValueError("no marker")
        kind = content[place + 1]
        if kind == _SCAN:
            break
        length = int.from_bytes(content[place + 2 : place + 4], "big")
        body = content[place + 4 : place + 2 + length]
        if kind == _JPEG_LS or (0xC0 <= kind <= 0xCF and kind not in _NO_FRAME):
            if frame is not None:
                raise ValueError("two frame headers")
            frame, found = body, kind
        elif length < 2:
            raise ValueError("no segment")
        else:
            markers.setdefault(kind, body)
        place += 2 + length
    if frame is None:
        raise ValueError("no frame header")
    size = (int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big"))
    samples = frame[5]
    family = "jpeg-ls" if found == _JPEG_LS else "jpeg"
    colour = _jpeg_colour(frame, samples, markers)
    return CodeStream(family, content, size, samples, frame[0], colour)


def _jpeg_colour(frame: bytes, samples: int, markers: dict[int, bytes]) -> str:
    """Return what three components are, as readers of JPEG settle it."""
    parts = frame[6 : 6 + 3 * samples]
    if samples != 3:
        return ""
    if bytes(parts[0::3]) in (b"RGB", b"rgb"):
        return "RGB"
    adobe = markers.get(_ADOBE, b"")
    if adobe.startswith(b"Adobe") and len(adobe) >= 12:
        return "YBR" if adobe[11] == 1 else "RGB"
    # RGB is never stored at half the width.
    coarser = parts[1] != parts[4] or parts[1] != parts[7]
    jfif = markers.get(_JFIF, b"").startswith(b"JFIF\0")
    return "YBR" if jfif or coarser else ""


def _jpeg_2000(content: bytes) -> CodeStream:
    def number(place: int, size: int = 4) -> int:
        part = content[place : place + size]
        if len(part) != size:
            raise ValueError("cut short")
        return int.from_bytes(part, "big")

    shape = (number(12) - number(20), number(8) - number(16))
    samples = number(40, 2)
    depth = content[42 : 42 + 3 * samples]
    if len({bytes(depth[i : i + 3]) for i in range(0, len(depth), 3)}) != 1:
        raise ValueError("components of different size")
    place, transformed = 4 + number(4, 2), False
    while (marker := number(place, 2)) != 0xFF90:
        if marker == 0xFF52:
            transformed = number(place + 8, 1) == 1
        place += 2 + max(number(place + 2, 2), 2)
    colour = "RGB" if transformed else ""
    return CodeStream(
        "jpeg-2000", content, shape, samples, (depth[0] & 0x7F) + 1, colour
    )
