"""DICOM files built byte by byte, so that what is read has an independent truth.

Nothing of pydicom writes here except its dictionary (keyword → tag and type); a header
may therefore lie in any way a damaged or hostile file does.
"""

from __future__ import annotations

import struct
import zlib
from itertools import accumulate, pairwise
from typing import Any

import imagecodecs
import numpy as np
from pydicom.datadict import dictionary_VR, tag_for_keyword

IMPLICIT = "1.2.840.10008.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
BIG = "1.2.840.10008.1.2.2"
RLE = "1.2.840.10008.1.2.5"
JPEG_BASELINE = "1.2.840.10008.1.2.4.50"
JPEG_EXTENDED = "1.2.840.10008.1.2.4.51"
JPEG_LOSSLESS = "1.2.840.10008.1.2.4.57"
JPEG_LOSSLESS_SV1 = "1.2.840.10008.1.2.4.70"
JPEG_LS = "1.2.840.10008.1.2.4.80"
JPEG_LS_NEAR = "1.2.840.10008.1.2.4.81"
JPEG_2000_LOSSLESS = "1.2.840.10008.1.2.4.90"
JPEG_2000 = "1.2.840.10008.1.2.4.91"
HTJ2K_LOSSLESS = "1.2.840.10008.1.2.4.201"
HTJ2K_RPCL = "1.2.840.10008.1.2.4.202"
HTJ2K = "1.2.840.10008.1.2.4.203"
GE_PRIVATE = "1.2.840.113619.5.2"
NATIVE = (IMPLICIT, EXPLICIT, DEFLATED, BIG, GE_PRIVATE)

ULTRASOUND = "1.2.840.10008.5.1.4.1.1.6.1"
_LONG = ("OB", "OW", "OV", "UN", "SQ", "UT")
_NUMBERS = {"US": "H", "SS": "h", "UL": "I", "FD": "d", "OV": "Q"}
_ITEM = b"\xfe\xff\x00\xe0"
_END = b"\xfe\xff\xdd\xe0\0\0\0\0"
_UNDEFINED = 0xFFFFFFFF


# Elements


def element(
    keyword: str,
    value: Any,
    *,
    syntax: str = EXPLICIT,
    vr: str | None = None,
    length: int | None = None,
) -> bytes:
    """Return one data element; `length` overrides what the header states."""
    tag = tag_for_keyword(keyword)
    assert tag is not None, keyword
    kind = vr or dictionary_VR(tag).split(" or ")[0]
    order = ">" if syntax == BIG else "<"
    body = _value(value, kind, order)
    body += (b"\0" if kind in (*_LONG, "UI") else b" ") * (len(body) % 2)
    stated = len(body) if length is None else length
    head = struct.pack(f"{order}HH", tag >> 16, tag & 0xFFFF)
    if syntax in (IMPLICIT, GE_PRIVATE):
        return head + struct.pack("<I", stated) + body
    if kind in _LONG:
        return head + kind.encode() + struct.pack(f"{order}HI", 0, stated) + body
    return head + kind.encode() + struct.pack(f"{order}H", stated) + body


def _value(value: Any, kind: str, order: str) -> bytes:
    if isinstance(value, bytes):
        return value
    values = value if isinstance(value, list | tuple) else [value]
    if kind in _NUMBERS:
        return struct.pack(f"{order}{len(values)}{_NUMBERS[kind]}", *values)
    return "\\".join(str(v) for v in values).encode("latin-1")


def dicom_file(
    syntax: str, pixels: bytes | None, *, native: bool | None = None, **tags: Any
) -> bytes:
    """Return a whole file: preamble, meta header, elements in order, pixels.

    `pixels` is the value of PixelData as it stands in the file, `native` whether its
    length is stated; by default that follows from the syntax. A tag given as a tuple
    ``(vr, value)`` is written with that type.
    """
    meta = element("FileMetaInformationVersion", b"\0\1")
    meta += element("MediaStorageSOPClassUID", ULTRASOUND)
    meta += element("MediaStorageSOPInstanceUID", "1.2.3.4")
    meta += element("TransferSyntaxUID", syntax)
    known = {"SOPClassUID": ULTRASOUND, "SOPInstanceUID": "1.2.3.4", "Modality": "US"}
    tags = known | {k: v for k, v in tags.items() if v is not None}
    body = b""
    for keyword in sorted(tags, key=lambda k: int(tag_for_keyword(k) or 0)):
        value = tags[keyword]
        vr, value = value if _is_typed(value) else (None, value)
        body += element(keyword, value, syntax=syntax, vr=vr)
    if pixels is not None:
        native = syntax in NATIVE if native is None else native
        words = native and (syntax == IMPLICIT or tags.get("BitsAllocated") == 16)
        body += element(
            "PixelData",
            pixels,
            syntax=syntax,
            vr="OW" if words else "OB",
            length=None if native else _UNDEFINED,
        )
    if syntax == DEFLATED:
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        body = packer.compress(body) + packer.flush()
    group = element("FileMetaInformationGroupLength", len(meta))
    return b"\0" * 128 + b"DICM" + group + meta + body


def _is_typed(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str)


def header(
    shape: tuple[int, ...], photometric: str, *, frames: int | None = None, **tags: Any
) -> dict[str, Any]:
    """Return the elements of the image pixel module for 8-bit frames of a shape."""
    colour = len(shape) == 3
    values: dict[str, Any] = {
        "Rows": shape[0],
        "Columns": shape[1],
        "SamplesPerPixel": 3 if colour else 1,
        "PhotometricInterpretation": photometric,
        "PlanarConfiguration": 0 if colour else None,
        "NumberOfFrames": frames,
        "BitsAllocated": 8,
        "BitsStored": 8,
        "HighBit": 7,
        "PixelRepresentation": 0,
    }
    return values | tags


# Pixels


def native(syntax: str, frames: list[np.ndarray], photometric: str, **tags) -> bytes:
    """Return a file of uncompressed frames."""
    order = ">" if syntax in (BIG, GE_PRIVATE) else "<"
    pixels = b"".join(f.astype(f.dtype.newbyteorder(order)).tobytes() for f in frames)
    if frames[0].dtype.itemsize == 2:
        deep = {"BitsAllocated": 16, "BitsStored": 16, "HighBit": 15}
        tags = deep | tags
    count = len(frames) if len(frames) > 1 else None
    tags = header(frames[0].shape, photometric, frames=count, **tags)
    return dicom_file(syntax, pixels, native=True, **tags)


def item(content: bytes, *, pad: bool = True) -> bytes:
    """Return a fragment with its own length."""
    content += b"\0" * (len(content) % 2 if pad else 0)
    return _ITEM + struct.pack("<I", len(content)) + content


def encapsulated(
    frames: list[bytes],
    *,
    table: str = "basic",
    fragments: int = 1,
    pad: bool = True,
    delimiter: bool = True,
    tail: bytes = b"",
) -> tuple[bytes, dict[str, Any]]:
    """Return PixelData and, for ``table="extended"``, the elements that go with it.

    Parameters
    ----------
    table : {"basic", "empty", "extended"}
        Which offset table holds the starts of the frames.
    fragments : int
        Into how many fragments each frame is cut.
    pad : bool
        Whether odd lengths are padded with a zero, as the standard demands.
    delimiter : bool
        Whether the sequence ends with its delimiter.
    tail : bytes
        Appended to every frame before it is cut.
    """
    parts = [
        b"".join(item(f, pad=pad) for f in _cut(c + tail, fragments)) for c in frames
    ]
    starts = [0, *accumulate(len(p) for p in parts)][:-1]
    tags: dict[str, Any] = {}
    offsets = b""
    if table == "basic":
        offsets = struct.pack(f"<{len(starts)}I", *starts)
    elif table == "extended":
        lengths = [len(c + tail) + len(c + tail) % 2 for c in frames]
        tags["ExtendedOffsetTable"] = struct.pack(f"<{len(starts)}Q", *starts)
        tags["ExtendedOffsetTableLengths"] = struct.pack(f"<{len(starts)}Q", *lengths)
    return item(offsets) + b"".join(parts) + (_END if delimiter else b""), tags


def _cut(content: bytes, parts: int) -> list[bytes]:
    # All but the last of even length: only the last may be padded.
    step = max(len(content) // parts // 2 * 2, 2)
    bounds = [step * i for i in range(parts)] + [len(content)]
    return [content[a:b] for a, b in pairwise(bounds)]


def compressed(
    syntax: str,
    frames: list[bytes],
    shape: tuple[int, ...],
    photometric: str,
    *,
    layout: dict[str, Any] | None = None,
    **tags: Any,
) -> bytes:
    """Return a file of encoded frames; `layout` goes to `encapsulated`."""
    pixels, tables = encapsulated(frames, **(layout or {}))
    count = len(frames) if len(frames) > 1 else None
    known = header(shape, photometric, frames=count)
    return dicom_file(syntax, pixels, **(known | tables | tags))


def rle(frame: np.ndarray) -> bytes:
    """Return a frame as DICOM RLE: a segment a byte plane, most significant first."""
    planes = frame[..., None] if frame.ndim == 2 else frame
    segments = []
    for i in range(planes.shape[-1]):
        plane = np.ascontiguousarray(planes[..., i])
        deep = plane.astype(f">u{plane.itemsize}").view(np.uint8)
        for byte in range(plane.itemsize):
            rows = deep.reshape(plane.shape[0], -1)[:, byte :: plane.itemsize]
            packed = b"".join(imagecodecs.packbits_encode(r.tobytes()) for r in rows)
            segments.append(packed + b"\0" * (len(packed) % 2))
    starts = [64, *accumulate((len(s) for s in segments), initial=64)][1:-1]
    starts += [0] * (15 - len(starts))
    return struct.pack("<16I", len(segments), *starts) + b"".join(segments)


def jpeg(frame: np.ndarray, **options: Any) -> bytes:
    """Return a frame as JPEG: 8 or 12 bits, lossy, or lossless with a predictor."""
    return bytes(imagecodecs.jpeg8_encode(frame, **({"level": 95} | options)))


def without_markers(stream: bytes, *markers: int) -> bytes:
    """Return a JPEG without the given application segments (0xE0 JFIF, 0xEE Adobe)."""
    kept, place = stream[:2], 2
    while stream[place + 1] != 0xDA:
        length = 2 + int.from_bytes(stream[place + 2 : place + 4], "big")
        if stream[place + 1] not in markers:
            kept += stream[place : place + length]
        place += length
    return kept + stream[place:]


def with_adobe(stream: bytes, transform: int) -> bytes:
    """Return a JPEG whose only colour marker is Adobe's: 0 RGB, 1 YCbCr."""
    plain = without_markers(stream, 0xE0, 0xEE)
    marker = b"\xff\xee\x00\x0eAdobe" + struct.pack(">HHHB", 100, 0, 0, transform)
    return plain[:2] + marker + plain[2:]


def with_component_ids(stream: bytes, ids: bytes) -> bytes:
    """Return a JPEG whose three components bear other names."""
    content, place = bytearray(stream), 2
    while True:
        kind = content[place + 1]
        if kind in (0xC0, 0xC1, 0xC3):
            for i, name in enumerate(ids):
                content[place + 10 + 3 * i] = name
        if kind == 0xDA:
            for i, name in enumerate(ids):
                content[place + 5 + 2 * i] = name
            return bytes(content)
        place += 2 + int.from_bytes(content[place + 2 : place + 4], "big")
