"""A look at MP4 and AVI files before FFmpeg makes room for what they promise."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, BinaryIO, Final

from napari_muscle_us.errors import ImageReadError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_SAMPLES: Final = 20_000_000
"""Pictures and sounds of all tracks; FFmpeg keeps 70 bytes of each."""

MAX_BOX_BYTES: Final = 256_000_000
"""Largest description of the tracks; the pictures themselves do not count."""

_MOST_CHUNKS: Final = 10_000
_CONTENT: Final = (b"mdat", b"free", b"skip")
_SIZES: Final = (b"stsz", b"stz2")
_COUNT_AT: Final = 12
_RIFF_HEAD: Final = 12


def refuse_lying_mp4(file: BinaryIO, name: str) -> None:
    """Raise when an MP4 file promises more samples than it can hold.

    The table of sizes may say "2 000 000 000 samples of 1 byte each" in 20 bytes.

    Parameters
    ----------
    file : binary file
        The file, which is left at its start.
    name : str
        File name, for messages.

    Raises
    ------
    ImageReadError
        If the tracks state more than `MAX_SAMPLES`, or more than the file has bytes.
    """
    size = file.seek(0, os.SEEK_END)
    promised = 0
    described = 0
    for at, length in _described(file, size):
        described += length
        if described > MAX_BOX_BYTES:
            raise ImageReadError(
                f"{name!r} describes its tracks in more than {MAX_BOX_BYTES} bytes; "
                "save it again as MP4 (H.264)."
            )
        file.seek(at)
        promised += _promised(file.read(length))
    file.seek(0)
    if promised > min(MAX_SAMPLES, size):
        raise ImageReadError(
            f"{name!r} says it holds {promised} pictures and sounds in {size} bytes, "
            f"where at most {MAX_SAMPLES} are read; save it again, without sound."
        )


def _described(file: BinaryIO, size: int) -> Iterator[tuple[int, int]]:
    """Yield place and length of the outer boxes that hold no pictures."""
    at = 0
    while at + 8 <= size:
        file.seek(at)
        head = file.read(16)
        length, kind = int.from_bytes(head[:4], "big"), head[4:8]
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        elif length == 0:
            length = size - at
        if length < 8:
            return
        if kind not in _CONTENT:
            yield at, min(length, size - at)
        at += length


def _promised(box: bytes) -> int:
    """Return the samples of all size tables, however deep they lie."""
    total = 0
    for kind in _SIZES:
        at = box.find(kind)
        while at >= 0:
            total += int.from_bytes(box[at + _COUNT_AT : at + _COUNT_AT + 4], "big")
            at = box.find(kind, at + 4)
    return total


def refuse_lying_avi(file: BinaryIO, name: str) -> None:
    """Raise when the header of an AVI file holds a chunk that reaches beyond its end.

    FFmpeg makes room for a text of the stated length, and fills it with zeros.

    Parameters
    ----------
    file : binary file
        The file, which is left at its start.
    name : str
        File name, for messages.

    Raises
    ------
    ImageReadError
        If a chunk before the pictures is larger than what is left, or there are more
        than ten thousand of them.
    """
    size = file.seek(0, os.SEEK_END)
    place = _RIFF_HEAD
    for _ in range(_MOST_CHUNKS):
        file.seek(place)
        head = file.read(12)
        length = int.from_bytes(head[4:8], "little")
        is_list = head[:4] in (b"LIST", b"RIFF")
        if len(head) < 12 or (is_list and head[8:] == b"movi"):
            file.seek(0)
            return
        if place + 8 + length > size:
            break
        # Lists are entered, as FFmpeg does; only texts are read as a whole.
        whole = not is_list or head[8:] == b"INFO"
        place += 8 + length + length % 2 if whole else 12
    raise ImageReadError(
        f"{name!r} is an AVI whose header is damaged or cut short; copy it from the "
        "scanner again."
    )
