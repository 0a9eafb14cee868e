"""Animated GIF: its frames as they are shown, and the times between them."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Final

import numpy as np

from napari_muscle_us.digest import FileDigest
from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.frames import MAX_FRAMES, FrameStack
from napari_muscle_us.image import SIZE_UNKNOWN, UltrasoundImage
from napari_muscle_us.io.raster import (
    BROKEN,
    LOSSY_TOLERANCE,
    check_size,
    damaged,
    frame_of,
    refuse_photograph,
)
from napari_muscle_us.io.recent import Recent

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from napari_muscle_us.frames import Frame
    from napari_muscle_us.image import GrayRule

GIF_SIGNATURES: Final = (b"GIF87a", b"GIF89a")

_EXTENSION: Final = 0x21
_CONTROL: Final = 0xF9
_IMAGE: Final = 0x2C
_END: Final = 0x3B
_PADDING: Final = 0x00
_TO_BACKGROUND: Final = 2
_TO_PREVIOUS: Final = 3
_NO_CONTROL: Final = bytes(4)
_TICKS_A_SECOND: Final = 100
# LZW can grow: never more than a code of 12 bits a pixel, with its block lengths.
_MOST_BYTES_A_PIXEL: Final = 2
_SPARE_BYTES: Final = 65_536


@dataclass(frozen=True, slots=True)
class _Part:
    """One image block: what of the canvas it paints, and from which bytes."""

    at: int
    nbytes: int
    box: tuple[int, int, int, int]
    interlaced: bool
    palette_at: int
    colours: int
    transparent: int | None
    disposal: int
    delay_cs: int

    def paints_all(self, rows: int, columns: int) -> bool:
        """Whether nothing of what was there before shows through."""
        return self.transparent is None and self.box == (0, rows, 0, columns)


def read_gif(
    path: Path,
    *,
    name: str,
    digest: str | FileDigest,
    gray_rule: GrayRule = "imagej",
) -> UltrasoundImage:
    """Return the ultrasound image or clip in a GIF file.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        File name, for messages and results.
    digest : str or FileDigest
        Hash of the file; a `FileDigest` also notices that the file changed.
    gray_rule : {"imagej", "luma601"}, default: "imagej"
        How colour becomes gray.

    Returns
    -------
    UltrasoundImage
        Frames composed as a viewer shows them, transparent pixels black. Times from
        the delays, in steps of 0.01 s; ``None`` when a delay is 0, which means *as
        fast as possible*. Without calibration.

    Raises
    ------
    ImageReadError
        If it is damaged, too large, or a colour picture.
    """
    source = _GifSource(path, name, digest, gray_rule)
    first = source.picture(0)
    refuse_photograph(first, name)
    notes = (*source.notes, SIZE_UNKNOWN)
    if source.shape[0] == 1:
        frame = frame_of(first, gray_rule, LOSSY_TOLERANCE)
        return UltrasoundImage(
            frame.gray,
            name=name,
            digest=digest,
            gray_rule=gray_rule,
            coloured=frame.coloured,
            warnings=notes,
        )
    times = _times(source.parts)
    if times is None:
        notes = (*notes, "The file does not tell the times of its frames.")
    return UltrasoundImage(
        FrameStack(source),
        name=name,
        digest=digest,
        gray_rule=gray_rule,
        frame_times_s=times,
        warnings=notes,
    )


def _times(parts: list[_Part]) -> tuple[float, ...] | None:
    delays = [part.delay_cs for part in parts[:-1]]
    if not all(delays):
        return None
    return tuple(int(t) / _TICKS_A_SECOND for t in np.cumsum([0, *delays]))


class _GifSource:
    """Composes frames; each paints a part of the canvas over the one before."""

    def __init__(
        self, path: Path, name: str, digest: str | FileDigest, gray_rule: GrayRule
    ) -> None:
        self._path = path.absolute()
        self._name = name
        self._digest = digest
        self._rule: GrayRule = gray_rule
        try:
            with self._path.open("rb") as file:
                rows, columns, self.parts, cut = _parse(file, name)
        except (OSError, *BROKEN) as error:
            if isinstance(error, ImageReadError):
                raise
            raise damaged(name) from None
        self.notes = ("The file is cut short; its last frames are missing.",) * cut
        self.shape = (len(self.parts), rows, columns)
        self._canvas = np.zeros((rows, columns, 3), np.uint8)
        self._next = 0
        self._recent: Recent[npt.NDArray[np.uint8]] = Recent(
            item_bytes=self._canvas.nbytes
        )

    def read(self, index: int) -> Frame:
        """Return a frame."""
        return frame_of(self.picture(index), self._rule, LOSSY_TOLERANCE)

    def picture(self, index: int) -> npt.NDArray[np.uint8]:
        """Return a frame as RGB."""
        if isinstance(self._digest, FileDigest):
            self._digest.check()
        known = self._recent.get(index)
        if known is not None:
            return known
        start = self._start(index)
        if not start <= self._next <= index:
            self._canvas = np.zeros_like(self._canvas)
            self._next = start
        try:
            with self._path.open("rb") as file:
                while self._next <= index:
                    shown = self._paint(file, self._next)
                    self._recent.add(self._next, shown)
                    self._next += 1
        except ImageReadError:
            raise
        except (OSError, *BROKEN):
            raise damaged(self._name) from None
        return shown

    def _start(self, index: int) -> int:
        """Return the last frame up to `index` that needs none before it."""
        rows, columns = self.shape[1:]
        for i in range(index, 0, -1):
            part = self.parts[i]
            if part.paints_all(rows, columns) and (
                i == index or part.disposal != _TO_PREVIOUS
            ):
                return i
        return 0

    def _paint(self, file: BinaryIO, index: int) -> npt.NDArray[np.uint8]:
        part = self.parts[index]
        top, bottom, left, right = part.box
        levels = self._indices(file, part)
        painted = _palette(file, part)[levels]
        shown = self._canvas.copy()
        target = shown[top:bottom, left:right]
        if part.transparent is None:
            target[...] = painted
        else:
            opaque = levels != part.transparent
            target[opaque] = painted[opaque]
        if part.disposal == _TO_BACKGROUND:
            after = shown.copy()
            after[top:bottom, left:right] = 0
            self._canvas = after
        elif part.disposal != _TO_PREVIOUS:
            self._canvas = shown
        return shown

    def _indices(self, file: BinaryIO, part: _Part) -> npt.NDArray[np.uint8]:
        """Return the colour numbers of an image block, decoded as a GIF of its own."""
        from PIL import Image

        rows, columns = part.box[1] - part.box[0], part.box[3] - part.box[2]
        file.seek(part.at)
        size = columns.to_bytes(2, "little") + rows.to_bytes(2, "little")
        alone = (
            GIF_SIGNATURES[1]
            + size
            # A table of 256 grays, so that levels are colour numbers.
            + b"\xf7\0\0"
            + bytes(v for v in range(256) for _ in range(3))
            + bytes((_IMAGE, 0, 0, 0, 0))
            + size
            + bytes((0x40 * part.interlaced,))
            + file.read(part.nbytes)
            + bytes((_END,))
        )
        with warnings.catch_warnings():
            # Pillow warns of large pictures, whose size is checked.
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(alone), formats=("GIF",)) as picture:
                levels = np.asarray(picture)
        if levels.shape != (rows, columns) or levels.dtype != np.uint8:
            raise damaged(self._name)
        return levels


def _palette(file: BinaryIO, part: _Part) -> npt.NDArray[np.uint8]:
    file.seek(part.palette_at)
    content = file.read(3 * part.colours)
    palette = np.zeros((256, 3), np.uint8)
    palette[: part.colours] = np.frombuffer(content, np.uint8).reshape(-1, 3)
    return palette


def _parse(file: BinaryIO, name: str) -> tuple[int, int, list[_Part], bool]:
    """Return rows, columns, image blocks, and whether the file is cut short."""
    header = file.read(13)
    if len(header) < 13 or header[:6] not in GIF_SIGNATURES:
        raise damaged(name)
    columns, rows = _two(header, 6), _two(header, 8)
    check_size(rows, columns, name)
    flags = header[10]
    palette = (file.tell(), 2 << (flags & 7)) if flags & 0x80 else (0, 0)
    file.seek(3 * palette[1], 1)
    parts: list[_Part] = []
    control: bytes | None = _NO_CONTROL
    kind = _kind(file)
    while kind in (_EXTENSION, _IMAGE, _PADDING) and control is not None:
        if kind == _EXTENSION:
            control = _extension(file, control)
        elif kind == _IMAGE:
            part = _image(file, palette, control, (rows, columns), name)
            if part is None:
                break
            parts.append(part)
            control = _NO_CONTROL
        if len(parts) > MAX_FRAMES:
            raise ImageReadError(
                f"{name!r} has more than {MAX_FRAMES} frames; at most these are read."
            )
        kind = _kind(file)
    if not parts:
        raise damaged(name)
    return rows, columns, parts, kind != _END


def _kind(file: BinaryIO) -> int | None:
    """Return what block comes next, ``None`` at the file's end."""
    kind = file.read(1)
    return kind[0] if kind else None


def _extension(file: BinaryIO, control: bytes) -> bytes | None:
    """Return the control block in force, ``None`` when the file ends in it."""
    label = file.read(1)
    block = _first_block(file)
    if block is None:
        return None
    is_control = label[:1] == bytes((_CONTROL,)) and len(block) >= len(_NO_CONTROL)
    return block if is_control else control


def _image(
    file: BinaryIO,
    palette: tuple[int, int],
    control: bytes,
    canvas: tuple[int, int],
    name: str,
) -> _Part | None:
    """Return an image block, ``None`` when the file ends in it."""
    header = file.read(9)
    if len(header) < 9:
        return None
    left, top, columns, rows = (_two(header, at) for at in (0, 2, 4, 6))
    flags = header[8]
    if flags & 0x80:
        palette = (file.tell(), 2 << (flags & 7))
        file.seek(3 * palette[1], 1)
    inside = top + rows <= canvas[0] and left + columns <= canvas[1]
    if not (rows and columns and palette[1] and inside):
        raise damaged(name)
    at = file.tell()
    if not file.read(1) or _first_block(file) is None:
        return None
    nbytes = file.tell() - at
    if nbytes > _MOST_BYTES_A_PIXEL * rows * columns + _SPARE_BYTES:
        raise damaged(name)
    return _Part(
        at=at,
        nbytes=nbytes,
        box=(top, top + rows, left, left + columns),
        interlaced=bool(flags & 0x40),
        palette_at=palette[0],
        colours=palette[1],
        transparent=control[3] if control[0] & 1 else None,
        disposal=control[0] >> 2 & 7,
        delay_cs=_two(control, 1),
    )


def _first_block(file: BinaryIO) -> bytes | None:
    """Skip a chain of data blocks and return the first; ``None`` at the file's end."""
    first: bytes | None = None
    while True:
        length = file.read(1)
        if not length:
            return None
        if first is None:
            first = file.read(length[0])
            if len(first) < length[0]:
                return None
        elif length[0]:
            file.seek(length[0], 1)
        if not length[0]:
            return first


def _two(content: bytes, at: int) -> int:
    return int.from_bytes(content[at : at + 2], "little")
