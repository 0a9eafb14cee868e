"""Frames of a video, exact whichever was decoded before."""

from __future__ import annotations

from bisect import bisect_left, insort
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.digest import FileDigest
from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.io.raster import LOSSY_TOLERANCE, as_picture, frame_of
from napari_muscle_us.io.recent import Recent
from napari_muscle_us.io.video_container import (
    LOSSLESS,
    OpenVideo,
    broken,
    unreadable,
    video_guard,
)
from napari_muscle_us.io.video_index import build_index
from napari_muscle_us.io.video_picture import caveats_of, pixels_of, turn_of, turned

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from napari_muscle_us.frames import Frame
    from napari_muscle_us.image import GrayRule
    from napari_muscle_us.io.video_index import VideoIndex

MAX_COUNTED_PIXELS: Final = 20_000_000_000
"""Pixels that are decoded to count frames where a container does not tell them."""

_NEAR: Final = 16
"""Packets that are rather decoded than jumped over."""

_MAX_DISTRUST: Final = 3
_TRIES: Final = 500
"""Frames that are tried at the start for one that is not damaged."""


class VideoSource:
    """Decoder of one video file.

    Pictures are told apart by their packet's number, which is given to the decoder in
    place of a time: times may be missing, doubled or rounded, and differ after a jump.

    Parameters
    ----------
    path : Path
        The file.
    demuxer : str
        Its container format.
    name : str
        File name, for messages.
    digest : str or FileDigest
        Hash of the file.
    gray_rule : str
        How colour becomes gray.
    has_rate : bool
        Whether the container states times or a rate.

    Raises
    ------
    ImageReadError
        If no frame can be read.
    """

    def __init__(
        self,
        path: Path,
        demuxer: str,
        *,
        name: str,
        digest: str | FileDigest,
        gray_rule: GrayRule,
        has_rate: bool,
    ) -> None:
        self._path, self._demuxer, self._name = path, demuxer, name
        self._digest = digest
        self._rule: GrayRule = gray_rule
        video = OpenVideo(path, demuxer, name)
        self._failed: list[int] = []
        self._run = _Run(video)
        self._index = self._list(video, has_rate=has_rate)
        self.times_s = self._index.times_s
        self.lossy = video.codec not in LOSSLESS
        self._rank = {n: i for i, n in enumerate(self._index.order)}
        self._numbers = _numbers(self._index.packets)
        self._distrust = 0
        self._missing: set[int] = set()
        context = video.stream.codec_context
        self._recent: Recent[Any] = Recent(
            item_bytes=2 * max(context.width * context.height, 1)
        )
        self._reopen()
        self.first, frame = self._first_whole()
        self._coded = (frame.height, frame.width)
        self._turn = turn_of(frame, name)
        rows, columns = self._coded[::-1] if self._turn[0] else self._coded
        self.shape = (len(self._index.order), rows, columns)
        self.notes = (
            *self._index.notes,
            *_missing_note(self.first),
            *caveats_of(frame, self._run.video),
        )

    def _list(self, video: OpenVideo, *, has_rate: bool) -> VideoIndex:
        return build_index(
            video.list_packets(),
            demuxer=self._demuxer,
            codec=video.codec,
            time_base=video.time_base,
            has_rate=has_rate,
            decode_all=self._decode_all,
            name=self._name,
        )

    def close(self) -> None:
        """Close the file."""
        self._run.video.close()

    def read(self, index: int) -> Frame:
        """Return a frame."""
        return self.frame(self.picture(index))

    def frame(self, picture: npt.NDArray[np.uint8]) -> Frame:
        """Return a decoded picture as a frame."""
        return frame_of(picture, self._rule, LOSSY_TOLERANCE)

    def picture(self, index: int) -> npt.NDArray[np.uint8]:
        """Return a frame as gray or RGB.

        Raises
        ------
        ImageReadError
            If it cannot be decoded exactly, or the file has changed.
        """
        if isinstance(self._digest, FileDigest):
            self._digest.check()
        number = self._index.order[index]
        frame = self._recent.get(number)
        if frame is None:
            frame = self._decoded(number)
        if (frame.height, frame.width) != self._coded:
            raise ImageReadError(
                f"Frame {index} of {self._name!r} has {frame.height} × {frame.width} "
                f"pixels where the clip has {self._coded[0]} × {self._coded[1]}; save "
                "the parts as clips of their own."
            )
        with video_guard(self._name):
            picture = as_picture(pixels_of(frame, self._name), self._name)
            return turned(picture, self._turn)

    def _first_whole(self) -> tuple[int, Any]:
        """Return the first frame that can be shown, and its picture."""
        for index, number in enumerate(self._index.order[:_TRIES]):
            try:
                return index, self._decoded(number)
            except ImageReadError:
                continue
        raise unreadable(self._name)

    def _decoded(self, number: int) -> Any:
        """Return a picture, decoded from where it can be."""
        start = self._index.starts[number]
        self._refuse_lost(number, start)
        run = self._run
        goes_on = run.first <= start <= run.fed + _NEAR
        if goes_on and run.shown < self._rank[number]:
            frame = self._run_to(number)
            if frame is not None:
                return frame
            if run.first == 0:
                self._missing.add(number)
            self._refuse_lost(number, start)
        if start and self._distrust < _MAX_DISTRUST:
            frame = self._jump(start, number)
            if frame is not None:
                return frame
            self._refuse_lost(number, start)
            self._distrust += 1
        self._reopen()
        frame = self._run_to(number)
        if frame is None:
            self._missing.add(number)
            raise self._lost(number)
        return frame

    def _refuse_lost(self, number: int, start: int) -> None:
        """Raise when a picture, or one that it builds on, is known to be damaged."""
        if number in self._missing or _any_between(self._failed, start, number):
            raise self._lost(number)

    def _lost(self, number: int) -> ImageReadError:
        return ImageReadError(
            f"Frame {self._rank.get(number, 0)} of {self._name!r} is damaged, or "
            "builds on a damaged one, and is not shown; choose another frame."
        )

    def _reopen(self) -> None:
        if isinstance(self._digest, FileDigest):
            self._digest.check()
        self._run.video.close()
        self._run = _Run(OpenVideo(self._path, self._demuxer, self._name))

    def _jump(self, start: int, number: int) -> Any:
        """Return a picture after jumping to its key picture, ``None`` if that fails."""
        packet = self._index.packets[start]
        time = packet.dts if packet.pts is None else packet.pts
        if time is None:
            return None
        for target in dict.fromkeys((time, packet.dts or time)):
            try:
                self._run.video.seek(target)
                first, packets = self._landed()
            except broken():
                return None
            if first is None or not self._index.packets[first].is_key:
                continue
            if first <= start:
                self._run = _Run(self._run.video, first, packets)
                return self._run_to(number, must_start_with_key=True)
        return None

    def _landed(self) -> tuple[int | None, Iterator[Any]]:
        """Return the number of the next packet, and the packets from there."""
        packets = self._run.video.demux()
        first = next(packets, None)
        if first is None:
            return None, packets
        number = self._numbers.get((first.pos, first.dts, first.size))
        return number, _with(first, packets)

    def _run_to(self, number: int, *, must_start_with_key: bool = False) -> Any:
        """Decode up to a picture; ``None`` if it does not come out whole."""
        run = self._run
        frame = None
        for got, picture in run.pictures():
            if must_start_with_key and got == run.first and not picture.key_frame:
                # The container lies: what follows builds on pictures before.
                return None
            rank = self._rank.get(got, -1)
            run.shown = max(run.shown, rank)
            if rank >= 0 and self._is_whole(got, picture):
                self._recent.add(got, picture)
                frame = picture if got == number else None
            if rank >= self._rank[number]:
                break
        for failed in run.failed:
            if not _any_between(self._failed, failed, failed):
                insort(self._failed, failed)
        return frame

    def _is_whole(self, number: int, picture: Any) -> bool:
        """Whether all that a picture builds on was decoded in this run."""
        start = self._index.starts[number]
        failed = _any_between(self._run.failed, start, number)
        return start >= self._run.first and not failed and not picture.is_corrupt

    def _decode_all(self) -> list[int]:
        """Return the numbers of all pictures that come out, as they are shown."""
        self._reopen()
        context = self._run.video.stream.codec_context
        numbers: list[int] = []
        done = 0
        for number, frame in self._run.pictures():
            numbers.append(number)
            done += frame.width * frame.height
            if done > MAX_COUNTED_PIXELS:
                raise ImageReadError(
                    f"{self._name!r} has frames that only decoding can count "
                    f"({context.codec.name}), and is too long for that; save it as MP4 "
                    "(H.264)."
                )
        return list(dict.fromkeys(numbers))


class _Run:
    """A decoder on its way through a file.

    Parameters
    ----------
    video : OpenVideo
        The open file.
    first : int
        Number of the packet that it starts with.
    packets : iterator, optional
        The packets from there; from the start of the file by default.
    """

    def __init__(
        self,
        video: OpenVideo,
        first: int = 0,
        packets: Iterator[Any] | None = None,
    ) -> None:
        self.video = video
        self.first = self.fed = first
        self.shown = -1
        self.failed: list[int] = []
        self._packets = video.demux() if packets is None else packets
        self._pictures = self._decode()

    def pictures(self) -> Iterator[tuple[int, Any]]:
        """Return the pictures that have not been taken yet, with their numbers."""
        return self._pictures

    def _decode(self) -> Iterator[tuple[int, Any]]:
        context = self.video.stream.codec_context
        caught = broken()
        while True:
            try:
                packet = next(self._packets, None)
            except caught:
                packet = None
            if packet is None:
                break
            number, self.fed = self.fed, self.fed + 1
            if packet.is_corrupt:
                self.failed.append(number)
                continue
            packet.pts = number
            try:
                frames = context.decode(packet)
            except caught:
                self.failed.append(number)
                continue
            yield from ((f.pts, f) for f in frames if f.pts is not None)
        try:
            frames = context.decode(None)
        except caught:
            return
        yield from ((f.pts, f) for f in frames if f.pts is not None)


def _any_between(numbers: list[int], low: int, high: int) -> bool:
    """Whether a sorted list holds a number from `low` to `high`."""
    at = bisect_left(numbers, low)
    return at < len(numbers) and numbers[at] <= high


def _missing_note(count: int) -> tuple[str, ...]:
    if not count:
        return ()
    return (
        f"The first {count} frames are damaged, or build on pictures that are not in "
        "the file, and cannot be shown.",
    )


def _with(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest


def _numbers(packets: tuple[Any, ...]) -> dict[tuple[Any, ...], int]:
    """Return the number of each packet by what tells it apart after a jump."""
    found: dict[tuple[Any, ...], int] = {}
    doubled = set()
    for number, p in enumerate(packets):
        key = (p.pos, p.dts, p.nbytes)
        if key in found or p.pos is None or p.dts is None:
            doubled.add(key)
        found[key] = number
    return {key: number for key, number in found.items() if key not in doubled}
