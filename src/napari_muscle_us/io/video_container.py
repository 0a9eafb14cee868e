"""Video containers: opened from the file alone, their packets listed undecoded."""

from __future__ import annotations

import os
import weakref
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NoReturn

from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.frames import MAX_FRAMES
from napari_muscle_us.io.raster import BROKEN
from napari_muscle_us.io.video_boxes import refuse_lying_avi, refuse_lying_mp4

if TYPE_CHECKING:
    from collections.abc import Iterator
    from fractions import Fraction
    from pathlib import Path

MAX_VIDEO_PIXELS: Final = 20_000_000
"""Largest frame of a video: a decoder keeps up to 17 of them for reference."""

MAX_STREAMS: Final = 32

# Containers are named, so that FFmpeg does not try its playlists and network formats.
MP4: Final = "mov"
AVI: Final = "avi"
ASF: Final = "asf"
MATROSKA: Final = "matroska"
MPEG: Final = "mpeg"

# Decoders that scanners, phones and capture boxes need; the other 200 stay shut.
CODECS: Final = frozenset(
    (
        *("h264", "hevc", "vp8", "vp9", "libdav1d", "av1"),
        *("mpeg1video", "mpeg2video", "mpeg4", "h263", "dvvideo"),
        *("msmpeg4v1", "msmpeg4v2", "msmpeg4", "wmv1", "wmv2", "wmv3", "vc1"),
        *("mjpeg", "mjpegb", "jpeg2000", "jpegls", "png", "bmp", "prores", "dnxhd"),
        *("rawvideo", "v210", "ffv1", "huffyuv", "ffvhuff", "utvideo", "lagarith"),
        *("msrle", "msvideo1", "cinepak", "qtrle", "rpza", "smc", "svq1", "svq3"),
        *("indeo2", "indeo3", "indeo4", "indeo5", "cscd", "tscc", "zmbv", "8bps"),
    )
)


LOSSLESS: Final = frozenset(
    (
        *("rawvideo", "ffv1", "huffyuv", "ffvhuff", "utvideo", "lagarith", "png"),
        *("bmp", "msrle", "qtrle", "cscd", "tscc", "zmbv", "8bps"),
    )
)


@dataclass(frozen=True, slots=True)
class Packet:
    """One compressed picture as the container lists it, in the order of decoding."""

    pts: int | None
    dts: int | None
    pos: int | None
    nbytes: int
    is_key: bool
    is_shown: bool
    is_whole: bool


@dataclass(slots=True)
class PacketList:
    """What one pass through a container found, no picture decoded."""

    packets: list[Packet] = field(default_factory=list)
    is_cut: bool = False


class OpenVideo:
    """One open container and its first video stream.

    Parameters
    ----------
    path : Path
        The file.
    demuxer : str
        The only container format that is tried.
    name : str
        File name, for messages.

    Raises
    ------
    ImageReadError
        If it cannot be opened, has no video, or a codec that is not supported.
    """

    def __init__(self, path: Path, demuxer: str, name: str) -> None:
        try:
            import av
        except ImportError:
            raise ImageReadError(
                f"{name!r} is a video, and PyAV, which decodes it, is not installed; "
                'run: pip install "napari-muscle-us[video]".'
            ) from None

        self.name = name
        av.logging.set_level(None)
        with video_guard(name):
            file = _PlainFile(path)
            self._finalize = weakref.finalize(self, file.close)
            if demuxer == MP4:
                refuse_lying_mp4(file.raw, name)
            elif demuxer == AVI:
                refuse_lying_avi(file.raw, name)
            self._container = av.open(
                file,
                mode="r",
                format=demuxer,
                options={"threads": "1", "max_pixels": str(MAX_VIDEO_PIXELS)},
                container_options={"max_streams": str(MAX_STREAMS)},
                # Texts of a recorder may be in any encoding; none is used.
                metadata_errors="replace",
                io_open=_refuse_other_files,
            )
            self._finalize.detach()
            self._finalize = weakref.finalize(
                self, partial(_close, self._container, file)
            )
            streams = self._container.streams.video
            if not streams:
                raise ImageReadError(
                    f"{name!r} holds no moving picture (sound or data only); open the "
                    "video itself."
                )
            self.stream: Any = streams[0]
            self.other_streams = len(streams) - 1
            self._set_up()

    @property
    def time_base(self) -> Fraction:
        """Seconds a unit of the packets' times."""
        base: Fraction = self.stream.time_base
        return base

    @property
    def codec(self) -> str:
        """Name of the decoder."""
        return str(self.stream.codec_context.codec.name)

    def close(self) -> None:
        """Close container and file."""
        self._finalize()

    def demux(self) -> Iterator[Any]:
        """Return the packets that hold something, in the order of the file."""
        # An empty packet would end the decoder: AVI marks repeated frames so.
        return (p for p in self._container.demux(self.stream) if p.size)

    def seek(self, time: int) -> None:
        """Go to the last key picture at or before a time of the stream."""
        self._container.seek(time, stream=self.stream, backward=True)

    def list_packets(self) -> PacketList:
        """Return all packets up to the end, or to where the file is damaged."""
        found = PacketList()
        repeated = 0
        try:
            for packet in self._container.demux(self.stream):
                if not packet.size:
                    repeated += packet.dts is not None
                    continue
                found.packets.append(
                    Packet(
                        pts=packet.pts,
                        dts=packet.dts,
                        pos=packet.pos,
                        nbytes=packet.size,
                        is_key=packet.is_keyframe,
                        is_shown=not packet.is_discard,
                        is_whole=not packet.is_corrupt,
                    )
                )
                if len(found.packets) > MAX_FRAMES:
                    raise ImageReadError(
                        f"{self.name!r} has more than {MAX_FRAMES} frames; at most "
                        "these are read."
                    )
        except ImageReadError:
            raise
        except broken():
            found.is_cut = True
        stated = int(self.stream.frames or 0)
        whole = all(packet.is_whole for packet in found.packets)
        found.is_cut |= stated > len(found.packets) + repeated or not whole
        return found

    def _set_up(self) -> None:
        context = self.stream.codec_context
        if context is None or self.codec not in CODECS:
            kind = "an unknown way" if context is None else repr(self.codec)
            raise ImageReadError(
                f"{self.name!r} is compressed in {kind}, which is not supported; save "
                "it as MP4 (H.264) or AVI (MJPEG)."
            )
        if context.width * context.height > MAX_VIDEO_PIXELS:
            raise ImageReadError(
                f"{self.name!r} says it has {context.height} × {context.width} pixels; "
                f"at most {MAX_VIDEO_PIXELS} are read in a video."
            )
        # One thread: an error then belongs to the packet that was given last.
        context.thread_count = 1
        context.options = {
            "max_pixels": str(MAX_VIDEO_PIXELS),
            # A damaged picture is to fail, not to be patched up from its neighbours.
            "err_detect": "crccheck+explode",
        }


class _PlainFile:
    """A file without a name, so that FFmpeg cannot take the name for an address."""

    def __init__(self, path: Path) -> None:
        self.raw = path.open("rb", buffering=0)
        self._size = self.raw.seek(0, os.SEEK_END)
        self.raw.seek(0)
        self.seek = self.raw.seek
        self.tell = self.raw.tell
        self.close = self.raw.close

    def read(self, size: int = -1, /) -> bytes:
        """Return bytes; room is made for what the file holds, not for what is asked."""
        left = max(self._size - self.raw.tell(), 0)
        return self.raw.read(left if size < 0 else min(size, left))


@contextmanager
def video_guard(name: str) -> Iterator[None]:
    """Turn whatever FFmpeg raises inside into one `ImageReadError`."""
    try:
        yield
    except ImageReadError:
        raise
    except broken():
        raise unreadable(name) from None


def broken() -> tuple[type[Exception], ...]:
    """Return what PyAV raises on damaged files."""
    from av import FFmpegError

    # PyAV asserts that a file is open.
    return (
        FFmpegError,
        OSError,
        RuntimeError,
        AttributeError,
        AssertionError,
        *BROKEN,
    )


def unreadable(name: str) -> ImageReadError:
    """Return the error for a file that does not open."""
    return ImageReadError(
        f"{name!r} is not a readable video (damaged, cut short or of an unknown "
        "kind); copy it from the scanner again."
    )


def _refuse_other_files(_address: str, _flags: int, _options: object) -> NoReturn:
    raise PermissionError("a video may not open other files")


def _close(container: Any, file: _PlainFile) -> None:
    container.close()
    file.close()
