"""Which pictures of a video are shown, in which order, when, and where to start."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from napari_muscle_us.io.video_container import AVI, MPEG, unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from fractions import Fraction

    from napari_muscle_us.io.video_container import Packet, PacketList

TIMES_UNKNOWN: Final = "The file does not tell the times of its frames."

# Packets of these may hold no picture, or one that is not shown; only decoding tells.
_COUNTED_BY_DECODING: Final = frozenset(
    ("mpeg4", "vp8", "wmv3", "vc1", "h263", "indeo4", "indeo5", "svq3")
)
# Pictures that are stored in another order than they are shown.
_REORDERED: Final = frozenset(
    ("h264", "hevc", "mpeg4", "mpeg1video", "mpeg2video", "vc1", "wmv3", "svq3")
)
# Containers that store no times of presentation (or not for every picture).
_WITHOUT_PTS: Final = (AVI, MPEG)


@dataclass(frozen=True, slots=True)
class VideoIndex:
    """The frames of a video.

    Parameters
    ----------
    packets : tuple of Packet
        In the order of decoding; a packet's *number* is its place here.
    order : tuple of int
        Number of the packet that holds each frame, in the order of showing.
    starts : dict
        For each packet that is shown, the number of the key packet to start from.
    times_s : tuple of float, optional
        Time of each frame from the first; ``None`` when the file does not tell.
    notes : tuple of str
        Caveats.
    """

    packets: tuple[Packet, ...]
    order: tuple[int, ...]
    starts: dict[int, int]
    times_s: tuple[float, ...] | None
    notes: tuple[str, ...]


def build_index(
    found: PacketList,
    *,
    demuxer: str,
    codec: str,
    time_base: Fraction,
    has_rate: bool,
    decode_all: Callable[[], Sequence[int]],
    name: str,
) -> VideoIndex:
    """Return the frames of a video.

    Parameters
    ----------
    found : PacketList
        The packets of its stream.
    demuxer, codec : str
        Container and decoder.
    time_base : Fraction
        Seconds a unit of the packets' times.
    has_rate : bool
        Whether the container states times or a rate at all.
    decode_all : callable
        Decodes all packets and returns the numbers of those that gave a picture, as
        shown. Only called where the container does not tell.
    name : str
        File name, for messages.

    Raises
    ------
    ImageReadError
        If there is no frame.
    """
    packets = found.packets
    if not packets:
        raise unreadable(name)
    shown = [n for n, p in enumerate(packets) if p.is_shown and p.is_whole]
    stamps = [packets[n].pts for n in shown]
    complete = None not in stamps and len(set(stamps)) == len(stamps)
    by_pts = complete and not (demuxer in _WITHOUT_PTS and codec in _REORDERED)
    if codec in _COUNTED_BY_DECODING or not by_pts:
        order = list(decode_all())
    else:
        order = sorted(shown, key=lambda n: packets[n].pts or 0)
    starts = _starts(packets, order)
    kept = [n for n in order if n in starts]
    if not kept:
        raise unreadable(name)
    notes: list[str] = []
    if found.is_cut:
        notes.append("The file is cut short or damaged; frames are missing.")
    if len(kept) < len(order):
        notes.append(
            f"{len(order) - len(kept)} frames at the start build on a picture that is "
            "not in the file and are left out."
        )
    times = _times(packets, kept, time_base, demuxer) if has_rate else None
    if times is None and len(kept) > 1:
        notes.append(TIMES_UNKNOWN)
    return VideoIndex(tuple(packets), tuple(kept), starts, times, tuple(notes))


def _times(
    packets: list[Packet], order: list[int], time_base: Fraction, demuxer: str
) -> tuple[float, ...] | None:
    if demuxer == AVI:
        # AVI counts pictures in the order of the file, and shows one a tick.
        stamps = sorted(packets[n].dts or 0 for n in order)
        if any(packets[n].dts is None for n in order):
            return None
    else:
        known = [packets[n].pts for n in order]
        stamps = [s for s in known if s is not None]
        if len(stamps) < len(known):
            return None
    if any(b <= a for a, b in pairwise(stamps)):
        return None
    return tuple(float((s - stamps[0]) * time_base) for s in stamps)


def _starts(packets: list[Packet], order: list[int]) -> dict[int, int]:
    """Return the key packet that decoding must start from to show each frame.

    The last one before it, except for pictures that are stored after a key picture and
    shown before it: those build on the group before.
    """
    rank = {n: i for i, n in enumerate(order)}
    keys = [n for n, p in enumerate(packets) if p.is_key and p.is_whole] or [0]
    by_time = [packets[n].pts for n in order]
    ordered = None not in by_time
    times = [t for t in by_time if t is not None]

    def place(key: int) -> float:
        stamp = packets[key].pts
        if key in rank:
            return rank[key]
        # A key picture that is decoded and not shown, before the start of an edit.
        return bisect_left(times, stamp) - 0.5 if ordered and stamp is not None else -1

    places = [place(key) for key in keys]
    starts: dict[int, int] = {}
    at = -1
    for number in sorted(order):
        while at + 1 < len(keys) and keys[at + 1] <= number:
            at += 1
        i = at
        while i >= 0 and places[i] > rank[number]:
            i -= 1
        if i >= 0:
            starts[number] = keys[i]
    return starts
