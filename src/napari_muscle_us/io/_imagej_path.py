"""ImageJ's composite selections: the path array of a ``ShapeRoi``, both ways.

Each segment is its type and 0 … 3 points: 0 starts an outline, 1 is a line, 2 and 3
are curves of second and third order, 4 closes the outline.

References
----------
ImageJ 1.53t, ``ij/gui/ShapeRoi.java``; Java's ``FlatteningPathIterator``.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import RoiError
from napari_muscle_us.roi.checks import MAX_VERTICES, label_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

Point = tuple[float, float]

_NUMBERS: Final[dict[float, int]] = {0: 2, 1: 2, 2: 4, 3: 6, 4: 0}
_MOVE, _CLOSE = 0, 4
_FLATNESS: Final = 0.01
"""Largest distance in px of a curve from its chord where ImageJ fills it."""
_MOST_HALVINGS: Final = 10


def path_outlines(
    path: npt.NDArray[np.float32], name: str
) -> list[npt.NDArray[np.float64]]:
    """Return the outlines of a path, each of shape (n, 2) as x, y.

    Curves are flattened as ImageJ flattens them to fill; what encloses nothing, a
    point or a line there and back, is dropped.

    Raises
    ------
    RoiError
        If it is no path, or has too many vertices.
    """
    if not np.isfinite(path).all():
        raise RoiError(
            f"{label_of(name)} has a coordinate that is not a number; draw it again."
        )
    values: list[float] = path.tolist()
    outlines: list[list[Point]] = []
    index = total = 0
    is_open = False
    while index < len(values):
        kind, rest = values[index], values[index + 1 : index + 7]
        points = _points(kind, rest, name, is_open)
        index += 1 + 2 * len(points)
        if kind == _MOVE:
            outlines.append(points)
        elif points:
            added = points if kind == 1 else _flattened([outlines[-1][-1], *points], 0)
            outlines[-1] += added
            total += len(added)
        is_open = kind != _CLOSE
        if total > MAX_VERTICES:
            raise RoiError(
                f"{label_of(name)} has more than {MAX_VERTICES} vertices; simplify it "
                "in ImageJ."
            )
    arrays = [np.array(_without_end(points)) for points in outlines]
    return [points for points in arrays if len(points) >= 3]


def _points(kind: float, rest: list[float], name: str, is_open: bool) -> list[Point]:
    """Return the points of a segment."""
    count = _NUMBERS.get(kind)
    if count is None or len(rest) < count or not (is_open or kind == _MOVE):
        raise RoiError(
            f"{label_of(name)} is a composite selection whose path is damaged; save it "
            "again."
        )
    return list(zip(rest[:count:2], rest[1:count:2], strict=True))


def _without_end(points: list[Point]) -> list[Point]:
    return points[:-1] if len(points) > 1 and points[0] == points[-1] else points


def _flattened(curve: list[Point], halvings: int) -> list[Point]:
    """Return the ends of the chords that a curve is replaced by."""
    if halvings == _MOST_HALVINGS or _flatness(curve) < _FLATNESS**2:
        return [curve[-1]]
    first, second = [curve[0]], [curve[-1]]
    while len(curve) > 1:
        curve = [((a[0] + b[0]) / 2, (a[1] + b[1]) / 2) for a, b in pairwise(curve)]
        first.append(curve[0])
        second.insert(0, curve[-1])
    return _flattened(first, halvings + 1) + _flattened(second, halvings + 1)


def _flatness(curve: list[Point]) -> float:
    """Return the largest squared distance of a control point from the chord."""
    (x1, y1), (x2, y2) = curve[0], curve[-1]
    dx, dy = x2 - x1, y2 - y1
    length = dx * dx + dy * dy
    worst = 0.0
    for x, y in curve[1:-1]:
        along = ((x - x1) * dx + (y - y1) * dy) / length if length else 0.0
        along = min(max(along, 0.0), 1.0)
        worst = max(worst, (x - x1 - along * dx) ** 2 + (y - y1 - along * dy) ** 2)
    return worst


def path_array(outlines: Sequence[npt.NDArray[np.float32]]) -> npt.NDArray[np.float32]:
    """Return the path of closed outlines, each of shape (n, 2) as x, y."""
    pieces: list[npt.NDArray[np.float32]] = []
    for outline in outlines:
        segments = np.ones((len(outline), 3), dtype=np.float32)
        segments[0, 0] = _MOVE
        segments[:, 1:] = outline
        pieces += [segments.ravel(), np.array([_CLOSE], dtype=np.float32)]
    return np.concatenate(pieces)
