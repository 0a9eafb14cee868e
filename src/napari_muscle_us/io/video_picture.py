"""A decoded picture of a video as gray or RGB, the right way up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.errors import ImageReadError

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_muscle_us.io.video_container import OpenVideo

Turn = tuple[bool, bool, bool]
"""Whether rows and columns change places, then rows are flipped, then columns."""

# Bilinear, with exact rounding, the same on every processor, and full chroma: the
# defaults of swscale truncate, which darkens one gray pixel in four by one level.
_EXACT: Final = 0x2 | 0x40000 | 0x80000 | 0x2000
_LIMITED_RANGE: Final = 1
_ROUND_ASPECT: Final = 0.005
_ONE: Final = 1 << 16
_UPRIGHT: Final = (1, 0, 0, 1)
# Matrix (a, b, c, d) of the container: column of the shown picture = a·column + c·row,
# row = b·column + d·row.
_TURNS: Final = {
    _UPRIGHT: (False, False, False),
    (-1, 0, 0, 1): (False, False, True),
    (1, 0, 0, -1): (False, True, False),
    (-1, 0, 0, -1): (False, True, True),
    (0, 1, 1, 0): (True, False, False),
    (0, 1, -1, 0): (True, False, True),
    (0, -1, 1, 0): (True, True, False),
    (0, -1, -1, 0): (True, True, True),
}


def pixels_of(frame: Any, name: str) -> npt.NDArray[Any]:
    """Return a decoded picture as gray or RGB.

    Raises
    ------
    ImageReadError
        If it has more than 8 bits a channel.
    """
    if any(part.bits > 8 for part in frame.format.components):
        raise ImageReadError(
            f"{name!r} has more than 8 bits a pixel; echo intensity is defined on "
            "8-bit gray levels, so export the video with 8 bits."
        )
    if frame.format.name == "gray" and frame.color_range != _LIMITED_RANGE:
        return np.asarray(frame.to_ndarray())
    return np.asarray(frame.to_ndarray(format="rgb24", interpolation=_EXACT, threads=1))


def turn_of(frame: Any, name: str) -> Turn:
    """Return how the container says that pictures are to be turned.

    Raises
    ------
    ImageReadError
        If that is no quarter turn or mirror.
    """
    found = [s for s in frame.side_data if s.type.name == "DISPLAYMATRIX"]
    if not found:
        return _TURNS[_UPRIGHT]
    matrix = np.frombuffer(bytes(found[0]), np.int32)
    signs = [int(v) for v in matrix[[0, 1, 3, 4]]] if matrix.size == 9 else [0] * 4
    units = tuple(v // _ONE if v % _ONE == 0 else 2 for v in signs)
    if units not in _TURNS:
        raise ImageReadError(
            f"{name!r} is to be shown turned by an angle that is no quarter turn, or "
            "stretched; save it upright."
        )
    return _TURNS[units]


def turned(picture: npt.NDArray[np.uint8], turn: Turn) -> npt.NDArray[np.uint8]:
    """Return a picture the way it is to be shown."""
    transpose, flip_rows, flip_columns = turn
    if transpose:
        picture = np.swapaxes(picture, 0, 1)
    if flip_rows:
        picture = picture[::-1]
    if flip_columns:
        picture = picture[:, ::-1]
    return np.ascontiguousarray(picture)


def caveats_of(frame: Any, video: OpenVideo) -> tuple[str, ...]:
    """Return what a user must know of a video, a sentence each."""
    notes = []
    if video.other_streams:
        notes.append(
            f"The file holds {video.other_streams + 1} videos; the first is shown."
        )
    aspect = video.stream.sample_aspect_ratio
    if aspect and aspect > 0 and abs(aspect - 1) > _ROUND_ASPECT:
        notes.append(
            f"The pixels are not square (width : height = {aspect.numerator}:"
            f"{aspect.denominator}): angles and lengths in pixels are distorted."
        )
    if frame.interlaced_frame:
        notes.append(
            "The video is interlaced: odd and even rows were taken at different times."
        )
    return tuple(notes)
