"""Frames of a clip, decoded when they are looked at.

A clip of 1000 frames is opened by its header; what stays in memory is a small cache,
whatever the clip's size.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np

from napari_muscle_us.errors import ImageReadError

if TYPE_CHECKING:
    import numpy.typing as npt

CACHE_BYTES: Final = 64_000_000
READ_AHEAD: Final = 8
"""Neighbours that are decoded in the background while a clip is played."""

MAX_FRAMES: Final = 200_000
MAX_ARRAY_BYTES: Final = 2_000_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One decoded frame.

    Parameters
    ----------
    gray : ndarray of uint8, shape (depth, lateral)
        Gray levels.
    coloured : ndarray of bool, optional
        Pixels whose colour channels differ; ``None`` when there are none.
    """

    gray: npt.NDArray[np.uint8]
    coloured: npt.NDArray[np.bool_] | None = None

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return self.gray.nbytes + (0 if self.coloured is None else self.coloured.nbytes)


class FrameSource(Protocol):
    """What decodes the frames of one file.

    `read` is never called by two threads at once. It raises `ImageReadError` for a
    frame that cannot be decoded.
    """

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of frames, rows and columns."""

    def read(self, index: int) -> Frame:
        """Return a frame; `index` lies in 0 … frames − 1."""


class CroppedFrames:
    """The same part of every frame of a clip (a `FrameSource`).

    Parameters
    ----------
    whole : FrameStack
        The clip.
    bounds : tuple of int
        ``(row_start, row_stop, column_start, column_stop)``, inside the clip's frames.
    """

    def __init__(self, whole: FrameStack, bounds: tuple[int, int, int, int]) -> None:
        self._whole = whole
        self._part = (slice(*bounds[:2]), slice(*bounds[2:]))
        self.shape = (len(whole), bounds[1] - bounds[0], bounds[3] - bounds[2])

    def read(self, index: int) -> Frame:
        """Return the part of a frame."""
        frame = self._whole.frame(index)
        coloured = None if frame.coloured is None else frame.coloured[self._part]
        return Frame(
            np.ascontiguousarray(frame.gray[self._part]),
            coloured if coloured is not None and coloured.any() else None,
        )


class FrameStack:
    """Read-only array ``(frame, depth, lateral)`` of uint8, decoded frame by frame.

    Indexing decodes what it touches: ``stack[7]`` one frame, ``stack[2:5, 10:20]``
    three. When neighbours are asked for one after the other, the next ones are decoded
    in the background.

    Parameters
    ----------
    source : FrameSource
        Decoder of the file.
    cache_bytes : int
        Decoded frames that are kept; the last one always is.

    Raises
    ------
    ImageReadError
        On creation, if the shape is impossible; on indexing, if a frame cannot be
        decoded, or more than 2 GB were asked for at once.
    """

    dtype: Final = np.dtype(np.uint8)
    ndim: Final = 3

    def __init__(self, source: FrameSource, *, cache_bytes: int = CACHE_BYTES) -> None:
        frames, rows, columns = source.shape
        if not (1 <= frames <= MAX_FRAMES and rows >= 1 and columns >= 1):
            raise ImageReadError(
                f"The file says it has {frames} frames of {rows} × {columns} pixels; "
                f"between 1 and {MAX_FRAMES} frames are read."
            )
        self.shape = (int(frames), int(rows), int(columns))
        self._source = source
        self._cache_bytes = cache_bytes
        self._cache: OrderedDict[int, Frame] = OrderedDict()
        self._cached = 0
        # Two before the first, so that looking at frame 0 is no step forward.
        self._last = -2
        self._wanted: range = range(0)
        self._decoding = threading.Lock()
        self._guard = threading.Lock()
        self._ahead: ThreadPoolExecutor | None = None

    @property
    def size(self) -> int:
        """Number of pixels in all frames."""
        return self.shape[0] * self.shape[1] * self.shape[2]

    @property
    def nbytes(self) -> int:
        """Bytes that all frames would take."""
        return self.size

    def __len__(self) -> int:
        """Return the number of frames."""
        return self.shape[0]

    def __repr__(self) -> str:
        """Return the shape, not the pixels."""
        return f"FrameStack{self.shape}"

    def __deepcopy__(self, memo: object) -> FrameStack:
        """Return the stack itself: it is read-only, and a copied layer shares it."""
        return self

    def frame(self, index: int) -> Frame:
        """Return one frame; negative indices count from the end.

        Raises
        ------
        IndexError
            If there is no such frame.
        ImageReadError
            If it cannot be decoded.
        """
        count = self.shape[0]
        if not -count <= index < count:
            raise IndexError(f"frame {index} of a clip with {count} frames")
        index = int(index) % count
        frame = self._get(index)
        step = index - self._last
        self._last = index
        if abs(step) == 1:
            self._read_ahead(index, step)
        return frame

    def __getitem__(self, key: Any) -> npt.NDArray[np.uint8]:
        """Return pixels as a NumPy array."""
        first, rest = (key[0], key[1:]) if isinstance(key, tuple) and key else (key, ())
        if first is Ellipsis or (isinstance(key, tuple) and not key):
            axes = 3 - len(rest)
            first, rest = slice(None), (*([slice(None)] * (axes - 1)), *rest)
        if isinstance(first, int | np.integer):
            return np.asarray(self.frame(int(first)).gray[rest])
        if isinstance(first, slice):
            wanted = list(range(*first.indices(self.shape[0])))
        else:
            wanted = [int(i) for i in np.arange(self.shape[0])[np.asarray(first)]]
        parts = []
        total = 0
        for index in wanted:
            part = self.frame(index).gray[rest]
            total += part.nbytes
            if total > MAX_ARRAY_BYTES or part.nbytes * len(wanted) > MAX_ARRAY_BYTES:
                raise ImageReadError(
                    f"{len(wanted)} frames at once are more than "
                    f"{MAX_ARRAY_BYTES / 1e9:g} GB; take fewer frames."
                )
            parts.append(part)
        if not parts:
            empty = np.empty((0, *self.shape[1:]), np.uint8)
            return empty[(slice(None), *rest)]
        return np.stack(parts)

    def __array__(
        self, dtype: npt.DTypeLike | None = None, copy: bool | None = None
    ) -> npt.NDArray[Any]:
        """Decode all frames."""
        return self[:].astype(dtype or np.uint8, copy=False)

    def _get(self, index: int) -> Frame:
        found = self._look_up(index)
        if found is not None:
            return found
        with self._decoding:
            found = self._look_up(index)
            if found is None:
                found = self._source.read(index)
                self._check(found)
                self._keep(index, found)
        return found

    def _check(self, frame: Frame) -> None:
        if frame.gray.shape != self.shape[1:] or frame.gray.dtype != np.uint8:
            raise ImageReadError(
                f"A frame has {frame.gray.shape[0]} × {frame.gray.shape[1]} pixels "
                f"where the clip has {self.shape[1]} × {self.shape[2]}; the file is "
                "damaged."
            )
        frame.gray.setflags(write=False)

    def _look_up(self, index: int) -> Frame | None:
        with self._guard:
            found = self._cache.get(index)
            if found is not None:
                self._cache.move_to_end(index)
            return found

    def _keep(self, index: int, frame: Frame) -> None:
        with self._guard:
            self._cache[index] = frame
            self._cached += frame.nbytes
            while self._cached > self._cache_bytes and len(self._cache) > 1:
                _, oldest = self._cache.popitem(last=False)
                self._cached -= oldest.nbytes

    def _read_ahead(self, index: int, step: int) -> None:
        """Decode the next frames in the background, in the direction of play."""
        # Half the cache: what is ahead must not push out what was just looked at.
        room = self._cache_bytes // (2 * max(self.shape[1] * self.shape[2], 1))
        stop = index + step * (min(READ_AHEAD, room) + 1)
        with self._guard:
            idle = not self._wanted
            self._wanted = range(index + step, stop, step)
        if idle and self._wanted:
            if self._ahead is None:
                self._ahead = ThreadPoolExecutor(1, "read-ahead")
            self._ahead.submit(self._decode_wanted)

    def _decode_wanted(self) -> None:
        while True:
            with self._guard:
                if not self._wanted:
                    return
                index, self._wanted = self._wanted[0], self._wanted[1:]
            if 0 <= index < self.shape[0]:
                try:
                    self._get(index)
                except ImageReadError:
                    # Said when the user comes to this frame.
                    continue
