"""Whether an outline crosses itself, touching allowed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.roi.shapes import Polygon

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_muscle_us.roi.shapes import Roi

Point = tuple[float, float]

_LONGEST: Final = 4000
"""Most points of an outline whose shared stretches are followed; the rest is cheap."""


def find_crossing(roi: Roi) -> tuple[float, float] | None:
    """Return a point ``(row, column)`` where an outline crosses itself, or ``None``.

    Outlines that only touch themselves, at a vertex or along an edge, do not cross:
    the smallest shift of their vertices could part them.

    Parameters
    ----------
    roi : Polygon, Rectangle or Ellipse
        Region; only a polygon can cross itself.

    Returns
    -------
    tuple of float or None
        Where edges cross, or the vertex or the start of the shared stretch through
        which the outline passes a second time.

    Examples
    --------
    >>> find_crossing(Polygon([(0, 0), (2, 2), (0, 2), (2, 0)]))
    (1.0, 1.0)
    """
    if not isinstance(roi, Polygon):
        return None
    from napari_muscle_us._kernels import first_crossing

    # Two successive points in one place make no edge.
    moved = (roi.vertices != np.roll(roi.vertices, 1, axis=0)).any(axis=1)
    points = np.ascontiguousarray(roi.vertices[moved])
    if len(points) < 4:
        return None
    y, x = np.ascontiguousarray(points.T)
    y_next = np.roll(y, -1)
    low, high = np.minimum(y, y_next), np.maximum(y, y_next)
    order = np.argsort(low, kind="stable")
    found, overlaps, column, row = first_crossing(x, y, order, low, high)
    if found:
        return float(row), float(column)
    if overlaps and len(points) <= _LONGEST:
        return _find_on_stretch(points)
    return None


def _find_on_stretch(points: npt.NDArray[np.float64]) -> Point | None:
    """Return the start of a shared stretch at whose ends the outline changes sides."""
    path = _without_spikes(_split(points))
    places: dict[Point, list[int]] = {}
    for place, point in enumerate(path):
        places.setdefault(point, []).append(place)
    for start, point in enumerate(path):
        for other in places[point]:
            if other == start:
                continue
            for step in (1, -1):
                if _crosses_over(path, start, other, step):
                    return point
    return None


def _crosses_over(path: list[Point], start: int, other: int, step: int) -> bool:
    """Whether a second pass, along or against, crosses the stretch from `start`."""
    n = len(path)
    before, other_before = path[start - 1], path[(other - step) % n]
    length = 0
    while path[(start + length + 1) % n] == path[(other + step * (length + 1)) % n]:
        length += 1
        if length >= n:
            return False  # The outline is drawn twice, alike.
    # Shorter stretches have no sides of their own; longer ones begin further back.
    if length == 0 or before == other_before:
        return False
    first, second = path[start], path[(start + 1) % n]
    last, last_but_one = path[(start + length) % n], path[(start + length - 1) % n]
    after = path[(start + length + 1) % n]
    other_after = path[(other + step * (length + 1)) % n]
    left_before = _turn(first, second, other_before) < _turn(first, second, before)
    left_after = _turn(last, last_but_one, other_after) > _turn(
        last, last_but_one, after
    )
    return left_before != left_after


def _turn(corner: Point, start: Point, end: Point) -> float:
    """Return the angle at a corner from one point to another, 0 … 2π, one way round."""
    a = math.atan2(start[0] - corner[0], start[1] - corner[1])
    b = math.atan2(end[0] - corner[0], end[1] - corner[1])
    return (b - a) % (2 * math.pi)


def _split(points: npt.NDArray[np.float64]) -> list[Point]:
    """Return the outline with every edge split at the vertices that lie on it."""
    path: list[Point] = []
    for start, end in zip(points, np.roll(points, -1, axis=0), strict=True):
        along, to = end - start, points - start
        on_line = along[0] * to[:, 1] == along[1] * to[:, 0]
        share = to @ along / (along @ along)
        inside = np.unique(share[on_line & (share > 0) & (share < 1)])
        path.append((float(start[0]), float(start[1])))
        for part in inside:
            row, column = points[on_line & (share == part)][0]
            path.append((float(row), float(column)))
    return path


def _without_spikes(path: list[Point]) -> list[Point]:
    """Return the outline without stretches that are walked out and straight back."""
    kept: list[Point] = []
    for point in path:
        kept.append(point)
        while len(kept) >= 3 and kept[-1] == kept[-3]:
            del kept[-2:]
    # The same across the place where the list begins and ends.
    while len(kept) >= 3 and (kept[-1] == kept[1] or kept[-2] == kept[0]):
        if kept[-1] == kept[1]:
            del kept[0], kept[-1]
        else:
            del kept[-1], kept[-1]
    return kept
