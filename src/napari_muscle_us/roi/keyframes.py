"""Where a region lies on each frame of a clip, from those on which it was drawn."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import RoiError
from napari_muscle_us.roi.checks import label_of
from napari_muscle_us.roi.composite import Composite
from napari_muscle_us.roi.open_shapes import Points, Polyline
from napari_muscle_us.roi.shapes import AnyRoi, Ellipse, Polygon, Rectangle, relabel

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_muscle_us.roi.entries import RoiEntry

    Vertices = npt.NDArray[np.float64]

_SAMPLES: Final = 128
"""Points round an outline by which two of them are laid upon each other."""


def is_keyframed(entry: RoiEntry) -> bool:
    """Whether the region lies in other places on other frames."""
    return bool(entry.keyframes)


def roi_at(entry: RoiEntry, frame: int) -> AnyRoi:
    """Return the region as it lies on a frame.

    Parameters
    ----------
    entry : RoiEntry
        Region with or without keyframes.
    frame : int
        Frame, from 0.

    Returns
    -------
    region
        On a keyframe exactly what was drawn; before the first and after the last one
        that one; between two a mixture, in proportion to the frames. Its labels are
        those of ``entry.roi``.

    Notes
    -----
    Boxes of one kind are mixed by centre, size and angle (the shorter way round).
    Outlines and lines of equally many vertices are mixed vertex by vertex, others
    point by point along their length. Two outlines run the same way round, from
    starting points that make the sum of squared distances between the two least.

    Examples
    --------
    >>> from napari_muscle_us.roi.entries import RoiEntry
    >>> entry = with_keyframe(RoiEntry(Rectangle(0, 0, 4, 4)), 0, Rectangle(0, 0, 4, 4))
    >>> entry = with_keyframe(entry, 10, Rectangle(0, 20, 4, 8))
    >>> roi_at(entry, 5).outline()[0].tolist(), roi_at(entry, 99).left
    ([0.0, 10.0], 20)
    """
    if not entry.keyframes:
        return entry.roi
    frames = [number for number, _ in entry.keyframes]
    after = bisect_right(frames, frame)
    first, roi = entry.keyframes[max(after - 1, 0)]
    if 0 < after < len(frames) and first != frame:
        last, following = entry.keyframes[after]
        roi = interpolate(roi, following, (frame - first) / (last - first))
    labels = entry.roi
    return relabel(roi, name=labels.name, muscle=labels.muscle, side=labels.side)


def with_keyframe(entry: RoiEntry, frame: int, roi: AnyRoi) -> RoiEntry:
    """Return the entry with the region drawn on a frame, in place of an earlier one.

    Parameters
    ----------
    entry : RoiEntry
        Region; from now on it belongs to all frames.
    frame : int
        Frame, from 0.
    roi : region
        Where it lies there.

    Returns
    -------
    RoiEntry
        The entry; its ``roi`` is `roi`.

    Raises
    ------
    RoiError
        If the frame is negative, or the region and the one of a keyframe beside it
        cannot be mixed.
    """
    keyframes = dict(entry.keyframes)
    keyframes[int(frame)] = roi
    ordered = tuple(sorted(keyframes.items(), key=lambda item: item[0]))
    place = [number for number, _ in ordered].index(int(frame))
    for number, other in ordered[max(place - 1, 0) : place + 2]:
        _refuse_mixture(roi, other, int(frame), number)
    return replace(entry, roi=roi, frame=None, keyframes=ordered)


def without_keyframe(entry: RoiEntry, frame: int) -> RoiEntry:
    """Return the entry without what was drawn on a frame.

    Without the last keyframe the region lies on all frames where that one was.

    Raises
    ------
    RoiError
        If nothing was drawn on the frame, or the two keyframes beside it cannot be
        mixed.
    """
    kept = tuple(item for item in entry.keyframes if item[0] != frame)
    if len(kept) == len(entry.keyframes):
        raise RoiError(
            f"{label_of(entry.roi.name)} was not drawn on frame {frame}; its keyframes "
            f"are {[number for number, _ in kept]}."
        )
    for (number, roi), (later, other) in pairwise(kept):
        _refuse_mixture(roi, other, number, later)
    shorter = replace(entry, keyframes=kept)
    last = roi_at(shorter if kept else entry, frame)
    return replace(shorter, roi=last)


def _refuse_mixture(roi: AnyRoi, other: AnyRoi, frame: int, other_frame: int) -> None:
    reason = _why_not(roi, other)
    if reason:
        raise RoiError(
            f"{label_of(roi.name)} on frame {frame} and on frame {other_frame} cannot "
            f"be joined by the frames between, because {reason}."
        )


def _why_not(roi: AnyRoi, other: AnyRoi) -> str:
    """Return why two regions cannot be mixed, nothing if they can."""
    kinds = [_family(roi), _family(other)]
    if kinds[0] != kinds[1]:
        return f"one is {kinds[0]} and one {kinds[1]}; draw the same kind"
    if isinstance(roi, Composite) and isinstance(other, Composite):
        counts = len(roi.parts), len(other.parts)
        what = "outlines"
    elif isinstance(roi, Points) and isinstance(other, Points):
        counts = len(roi.vertices), len(other.vertices)
        what = "points"
    else:
        return ""
    if counts[0] == counts[1]:
        return ""
    return f"one has {counts[0]} {what} and one {counts[1]}; draw equally many"


def _family(roi: AnyRoi) -> str:
    if isinstance(roi, Composite):
        return "composed of several outlines"
    if isinstance(roi, Points):
        return "a set of points"
    if isinstance(roi, Polyline):
        return "an angle" if roi.kind == "angle" else "a line"
    return "an outline"


def interpolate(first: AnyRoi, second: AnyRoi, share: float) -> AnyRoi:
    """Return a mixture of two regions, as `roi_at` describes.

    Parameters
    ----------
    first, second : region
        Both outlines, composites of equally many parts, lines, angles or equally many
        points. Boxes are outlines.
    share : float
        Part of `second`, 0 … 1.

    Returns
    -------
    region
        With the labels of `first`; at 0 `first` itself, at 1 `second`.

    Raises
    ------
    RoiError
        If they cannot be mixed.

    Examples
    --------
    >>> interpolate(
    ...     Polyline([(0, 0), (0, 4)]), Polyline([(2, 0), (4, 8)]), 0.5
    ... ).vertices
    array([[1., 0.],
           [2., 6.]])
    """
    reason = _why_not(first, second)
    if reason:
        raise RoiError(f"{label_of(first.name)} cannot be mixed, because {reason}.")
    if share in (0, 1):
        return first if share == 0 else second
    labels = {"name": first.name, "muscle": first.muscle, "side": first.side}
    if isinstance(first, Rectangle | Ellipse) and type(first) is type(second):
        return _mixed_box(first, second, share)
    if isinstance(first, Composite) and isinstance(second, Composite):
        pairs = zip(first.parts, second.parts, strict=True)
        parts = tuple(_mixed(a, b, share, closed=True) for a, b in pairs)
        return Composite(parts, **labels)
    if isinstance(first, Points):
        return Points(_between(first.vertices, second.outline(), share), **labels)
    if isinstance(first, Polyline) and isinstance(second, Polyline):
        kind = first.kind if first.kind == second.kind else "polyline"
        vertices = _mixed(first.vertices, second.vertices, share, closed=False)
        return Polyline(vertices, kind, **labels)
    outlines = first.outline(), second.outline()
    return Polygon(_mixed(*outlines, share, closed=True), **labels)


def _mixed_box(
    first: Rectangle | Ellipse, second: Rectangle | Ellipse, share: float
) -> AnyRoi:
    size = _between([first.height, first.width], [second.height, second.width], share)
    starts, ends = (
        [roi.top + roi.height / 2, roi.left + roi.width / 2] for roi in (first, second)
    )
    top, left = _between(starts, ends, share) - size / 2
    # Half a turn leaves either as it is.
    turn = (second.angle_deg - first.angle_deg + 90) % 180 - 90
    return replace(
        first,
        top=float(top),
        left=float(left),
        height=float(size[0]),
        width=float(size[1]),
        angle_deg=first.angle_deg + share * turn,
    )


def _between(first: object, second: object, share: float) -> Vertices:
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    return np.asarray((1 - share) * a + share * b)


def _mixed(
    first: Vertices, second: Vertices, share: float, *, closed: bool
) -> Vertices:
    """Return vertices between those of two outlines or lines."""
    if closed and (_signed_area(second) < 0) != (_signed_area(first) < 0):
        second = np.roll(second[::-1], 1, axis=0)
    if len(first) == len(second):
        turn = _best_start(first, second) if closed else 0
        return _between(first, np.roll(second, -turn, axis=0), share)
    if closed:
        first, second = _ring(first), _ring(_laid_upon(second, first))
    elif _sum_of_squares(first, second[::-1]) < _sum_of_squares(first, second):
        second = second[::-1]
    places = np.union1d(_along(first), _along(second))
    mixed = _between(_at(first, places), _at(second, places), share)
    return mixed[:-1] if closed else mixed


def _best_start(target: Vertices, points: Vertices) -> int:
    """Return the point from which on a closed row of points lies nearest to another.

    The sum of squared distances is least where the correlation is largest.
    """
    centre = target.mean(axis=0)
    a, b = ((p - centre) @ np.array([1, 1j]) for p in (target, points))
    match = np.fft.ifft(np.fft.fft(b) * np.fft.fft(a).conj()).real
    tie = 1e-9 * float(np.abs(a) @ np.abs(b))
    # Where several are as good, such as for a square grown, the points stay as drawn.
    return 0 if match[0] >= match.max() - tie else int(np.argmax(match))


def _laid_upon(outline: Vertices, other: Vertices) -> Vertices:
    """Return an outline that starts where it suits another best."""
    steps = np.arange(_SAMPLES) / _SAMPLES
    ring = _ring(outline)
    start = steps[_best_start(_at(_ring(other), steps), _at(ring, steps))]
    later = _along(ring)[:-1] > start
    begin = _at(ring, np.array([start]))
    rotated = np.vstack([begin, outline[later], outline[~later]])
    kept = (rotated != np.roll(rotated, -1, axis=0)).any(axis=1)
    # Of an outline whose vertices all coincide, one remains.
    kept[0] |= not kept.any()
    return np.asarray(rotated[kept])


def _sum_of_squares(first: Vertices, second: Vertices) -> float:
    steps = np.linspace(0, 1, _SAMPLES)
    return float(((_at(first, steps) - _at(second, steps)) ** 2).sum())


def _ring(outline: Vertices) -> Vertices:
    return np.vstack([outline, outline[:1]])


def _along(line: Vertices) -> npt.NDArray[np.float64]:
    """Return how far along the line each vertex lies, 0 … 1."""
    length = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    if length[-1] == 0:
        return np.linspace(0, 1, len(line))
    return np.asarray(length / length[-1])


def _at(line: Vertices, places: npt.NDArray[np.float64]) -> Vertices:
    """Return the points that lie so far along a line."""
    along = _along(line)
    return np.column_stack([np.interp(places, along, axis) for axis in line.T])


def _signed_area(outline: Vertices) -> float:
    rows, columns = (outline - outline[0]).T
    return float((rows * np.roll(columns, -1) - np.roll(rows, -1) * columns).sum())
