"""Video clips: MP4, MOV, AVI, WMV, Matroska, MPEG and GIF, decoded frame by frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.frames import FrameStack
from napari_muscle_us.image import SIZE_UNKNOWN, UltrasoundImage
from napari_muscle_us.io.gif import GIF_SIGNATURES, read_gif
from napari_muscle_us.io.raster import STORED, read_head, refuse_photograph
from napari_muscle_us.io.video_container import (
    ASF,
    AVI,
    MATROSKA,
    MP4,
    MPEG,
    unreadable,
)

if TYPE_CHECKING:
    from pathlib import Path

    from napari_muscle_us.digest import FileDigest
    from napari_muscle_us.image import GrayRule

_HEAD_BYTES: Final = 65_536
_ASF_GUID: Final = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_EBML: Final = b"\x1a\x45\xdf\xa3"
_MPEG_PACK: Final = b"\0\0\x01\xba"
_MP4_BOXES: Final = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot")
# Pictures in the same kind of container.
_PICTURE_BRANDS: Final = (b"heic", b"heix", b"heif", b"mif1", b"msf1", b"avif", b"avis")


def looks_like_video(head: bytes) -> bool:
    r"""Whether bytes begin like a video or GIF file.

    Examples
    --------
    >>> looks_like_video(b"RIFF\0\0\1\0AVI LIST"), looks_like_video(b"RIFF")
    (True, False)
    """
    return head.startswith(GIF_SIGNATURES) or _demuxer(head) is not None


def read_video(
    path: Path,
    *,
    name: str,
    digest: str | FileDigest,
    gray_rule: GrayRule = "imagej",
) -> UltrasoundImage:
    """Return the clip in a video file.

    Nothing but the list of its pictures is read at first; a frame is decoded when it
    is looked at, and is the same whichever frames were looked at before.

    Parameters
    ----------
    path : Path
        MP4, M4V, MOV, AVI, WMV, MKV, MPEG or GIF file; the content tells the format.
    name : str
        File name, for messages and results.
    digest : str or FileDigest
        Hash of the file; a `FileDigest` also notices that the file changed.
    gray_rule : {"imagej", "luma601"}, default: "imagej"
        How colour becomes gray, after the conversion of the video's YUV to RGB.

    Returns
    -------
    UltrasoundImage
        Without calibration. `frame_times_s` are the container's times from the first
        frame, ``None`` where it has none. A video of one frame is a still.

    Raises
    ------
    ImageReadError
        If it is damaged, too large, deeper than 8 bits, compressed in a way that is
        not supported, or a colour film.
    """
    head = read_head(path, name, _HEAD_BYTES)
    if head.startswith(GIF_SIGNATURES):
        return read_gif(path, name=name, digest=digest, gray_rule=gray_rule)
    demuxer = _demuxer(head)
    if demuxer is None:
        raise unreadable(name)
    from napari_muscle_us.io.video_frames import VideoSource

    source = VideoSource(
        path.absolute(),
        demuxer,
        name=name,
        digest=digest,
        gray_rule=gray_rule,
        has_rate=demuxer != AVI or avi_states_rate(head),
    )
    first = source.picture(source.first)
    if first.ndim == 3:
        refuse_photograph(first, name)
    common: dict[str, Any] = {
        "name": name,
        "digest": digest,
        "gray_rule": STORED if first.ndim == 2 else gray_rule,
        "warnings": (*source.notes, SIZE_UNKNOWN),
        "lossy": source.lossy,
    }
    if source.shape[0] == 1:
        frame = source.frame(first)
        source.close()
        return UltrasoundImage(frame.gray, coloured=frame.coloured, **common)
    return UltrasoundImage(FrameStack(source), frame_times_s=source.times_s, **common)


def avi_states_rate(head: bytes) -> bool:
    """Whether the header of an AVI file states a frame rate.

    FFmpeg plays a file without one at 25 frames a second, which nobody measured.
    """
    at = head.find(b"avih")
    period = head[at + 8 : at + 12] if at >= 0 else b""
    at = head.find(b"strh")
    while at >= 0 and head[at + 8 : at + 12] != b"vids":
        at = head.find(b"strh", at + 4)
    scale = head[at + 28 : at + 32] if at >= 0 else b""
    rate = head[at + 32 : at + 36] if at >= 0 else b""
    return any(period) or (any(scale) and any(rate))


def _demuxer(head: bytes) -> str | None:
    """Return the container format that the first bytes tell."""
    if head[4:8] in _MP4_BOXES:
        picture = head[4:8] == b"ftyp" and head[8:12] in _PICTURE_BRANDS
        return None if picture else MP4
    if head[:4] == b"RIFF" and head[8:11] == b"AVI":
        return AVI
    found = ((_ASF_GUID, ASF), (_EBML, MATROSKA), (_MPEG_PACK, MPEG))
    return next((kind for start, kind in found if head.startswith(start)), None)
