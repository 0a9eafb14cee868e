"""Whether an outline crosses itself or another one, touching allowed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import RoiError
from napari_muscle_us.roi.checks import label_of
from napari_muscle_us.roi.composite import Composite
from napari_muscle_us.roi.shapes import Polygon

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from napari_muscle_us.roi.shapes import Roi

Point = tuple[float, float]

_LONGEST: Final = 4000
"""Most points of an outline whose shared stretches are followed; the rest is cheap."""
_SMALL: Final = 4000
"""Edges of which all pairs are compared in no time."""
_MOST_PAIRS: Final = 200_000_000
"""Pairs of edges side by side that are compared, in a second or two."""
_MOST_PASSES: Final = 200_000
"""Pairs of passes through a point whose shared stretches are followed."""


class _TooManyPairs(Exception):
    """More pairs of edges than can be compared."""


def find_crossing(roi: Roi) -> tuple[float, float] | None:
    """Return a point ``(row, column)`` where an outline crosses itself, or ``None``.

    Two outlines of a composite that cross each other count as well. Outlines that only
    touch themselves or each other, at a vertex or along an edge, do not cross:
    the smallest shift of their vertices could part them.

    Parameters
    ----------
    roi : Polygon, Rectangle, Ellipse or Composite
        Region; only a polygon or composite can cross itself.

    Returns
    -------
    tuple of float or None
        Where edges cross, or the vertex or the start of the shared stretch through
        which the outline passes a second time.

    Raises
    ------
    RoiError
        If so many edges lie side by side that they cannot all be compared.

    Examples
    --------
    >>> find_crossing(Polygon([(0, 0), (2, 2), (0, 2), (2, 0)]))
    (1.0, 1.0)
    """
    if not isinstance(roi, Polygon | Composite):
        return None
    outlines = roi.parts if isinstance(roi, Composite) else (roi.vertices,)
    try:
        return _crossing_of(outlines)
    except _TooManyPairs:
        raise RoiError(
            f"{label_of(roi.name)} has so many edges side by side that it cannot be "
            "checked for crossings; simplify it or draw it again."
        ) from None


def refuse_crossing(roi: Roi) -> None:
    """Refuse a region whose outlines cross: what is inside is anyone's guess.

    Raises
    ------
    RoiError
        If an outline crosses itself or another one of the region, or cannot be checked.
    """
    crossing = find_crossing(roi)
    if crossing is not None:
        raise RoiError(
            f"{label_of(roi.name)} crosses itself near row {crossing[0]:.1f}, column "
            f"{crossing[1]:.1f}; move a vertex or draw it again."
        )


def _crossing_of(outlines: Sequence[npt.NDArray[np.float64]]) -> Point | None:
    from napari_muscle_us._kernels import first_crossing

    parts = [part for part in map(_without_doubles, outlines) if len(part) >= 3]
    if not parts or (len(parts) == 1 and len(parts[0]) < 4):
        return None
    joined = parts[0] if len(parts) == 1 else np.concatenate(parts)
    before, after = next_vertices([len(part) for part in parts])
    y, x = np.ascontiguousarray(joined.T)
    sideways = len(y) > _SMALL and _sweeps_columns(y, x, after)
    along, across = (x, y) if sideways else (y, x)
    low, high = _extents(along, after)
    order = np.argsort(low, kind="stable")
    found, overlaps, *point = first_crossing(
        across, along, before, after, order, low, high
    )
    if found:
        row, column = point if sideways else point[::-1]
        return float(row), float(column)
    if overlaps and y.size <= _LONGEST:
        return _find_on_stretch(parts)
    return None


def _sweeps_columns(
    y: npt.NDArray[np.float64],
    x: npt.NDArray[np.float64],
    after: npt.NDArray[np.int64],
) -> bool:
    """Whether fewer pairs of edges share columns than rows."""
    rows, columns = pairs_side_by_side(y, after), pairs_side_by_side(x, after)
    if min(rows, columns) > _MOST_PAIRS:
        raise _TooManyPairs
    return columns < rows


def _extents(
    along: npt.NDArray[np.float64], after: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    return np.minimum(along, along[after]), np.maximum(along, along[after])


def pairs_side_by_side(
    along: npt.NDArray[np.float64], after: npt.NDArray[np.int64]
) -> int:
    """Return how many pairs of edges share a row, given rows, or a column.

    Examples
    --------
    >>> pairs_side_by_side(np.array([0.0, 1, 2, 3]), np.array([1, 0, 3, 2]))
    2
    """
    low, high = _extents(along, after)
    begun = np.searchsorted(np.sort(low), high, side="right")
    n = len(low)
    # Of all that begin before an edge ends, it shares a place with those later on.
    return int(begun.sum()) - n * (n + 1) // 2


def _without_doubles(points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return an outline without edges of no length."""
    moved = (points != np.roll(points, 1, axis=0)).any(axis=1)
    return np.asarray(points[moved])


def next_vertices(
    lengths: Sequence[int],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return which vertex comes before and after each, round each outline.

    Examples
    --------
    >>> before, after = next_vertices([3, 4])
    >>> after.tolist()
    [1, 2, 0, 4, 5, 6, 3]
    """
    n = sum(lengths)
    before, after = np.arange(-1, n - 1), np.arange(1, n + 1)
    start = 0
    for length in lengths:
        before[start] = start + length - 1
        after[start + length - 1] = start
        start += length
    return before, after


def _find_on_stretch(parts: Sequence[npt.NDArray[np.float64]]) -> Point | None:
    """Return the start of a shared stretch at whose ends an outline changes sides."""
    everything = np.concatenate(parts)
    paths = [_without_spikes(_split(part, everything)) for part in parts]
    places: dict[Point, list[tuple[int, int]]] = {}
    for number, path in enumerate(paths):
        for place, point in enumerate(path):
            places.setdefault(point, []).append((number, place))
    if sum(len(passes) ** 2 for passes in places.values()) > _MOST_PASSES:
        raise _TooManyPairs
    for point, passes in places.items():
        for number, start in passes:
            for other_number, other in passes:
                if (other_number, other) == (number, start):
                    continue
                path, second = paths[number], paths[other_number]
                if any(_crosses_over(path, start, second, other, s) for s in (1, -1)):
                    return point
    return None


def _crosses_over(
    path: list[Point], start: int, second: list[Point], other: int, step: int
) -> bool:
    """Whether a second pass, along or against, crosses the stretch from `start`."""
    n, m = len(path), len(second)
    before, other_before = path[start - 1], second[(other - step) % m]
    # Longer stretches begin further back; only there are they followed.
    if before == other_before:
        return False
    length = 0
    while path[(start + length + 1) % n] == second[(other + step * (length + 1)) % m]:
        length += 1
        if length >= n:
            return False  # The outline is drawn twice, alike.
    if length == 0:
        return False  # A point has no sides of its own.
    first, following = path[start], path[(start + 1) % n]
    last, last_but_one = path[(start + length) % n], path[(start + length - 1) % n]
    after = path[(start + length + 1) % n]
    other_after = second[(other + step * (length + 1)) % m]
    left_before = _turn(first, following, other_before) < _turn(
        first, following, before
    )
    left_after = _turn(last, last_but_one, other_after) > _turn(
        last, last_but_one, after
    )
    return left_before != left_after


def _turn(corner: Point, start: Point, end: Point) -> float:
    """Return the angle at a corner from one point to another, 0 … 2π, one way round."""
    a = math.atan2(start[0] - corner[0], start[1] - corner[1])
    b = math.atan2(end[0] - corner[0], end[1] - corner[1])
    return (b - a) % (2 * math.pi)


def _split(
    points: npt.NDArray[np.float64], vertices: npt.NDArray[np.float64]
) -> list[Point]:
    """Return the outline with every edge split at the vertices that lie on it."""
    path: list[Point] = []
    for start, end in zip(points, np.roll(points, -1, axis=0), strict=True):
        along, to = end - start, vertices - start
        on_line = along[0] * to[:, 1] == along[1] * to[:, 0]
        share = to @ along / (along @ along)
        inside = np.unique(share[on_line & (share > 0) & (share < 1)])
        path.append((float(start[0]), float(start[1])))
        for part in inside:
            row, column = vertices[on_line & (share == part)][0]
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
