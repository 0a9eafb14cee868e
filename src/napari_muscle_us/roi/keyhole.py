"""A region with holes as one closed path, for a program that can hold no hole.

The path walks each outline round to its first vertex and, along a *bridge*, out to the
next outline and straight back. A bridge encloses nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.roi.composite import Composite

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

_ROUNDINGS: Final = 4
"""Copies of a vertex may differ by so many steps of single precision."""


def keyhole(roi: Composite) -> tuple[npt.NDArray[np.float64], tuple[int, ...]]:
    """Return one closed path that selects what a composite does.

    Parameters
    ----------
    roi : Composite
        Region of outlines ``R0, R1, …``.

    Returns
    -------
    vertices : ndarray, shape (n, 2)
        ``R0…, R0[0], R1…, R1[0], R0[0], R2…, R2[0]``, not closed: the way back to
        ``R0[0]`` is the last bridge.
    lengths : tuple of int
        Number of vertices of each outline, which `from_keyhole` needs.

    Examples
    --------
    >>> outer = [(0, 0), (0, 9), (9, 0)]
    >>> vertices, lengths = keyhole(Composite([outer, [(1, 1), (1, 2), (2, 1)]]))
    >>> lengths, len(vertices)
    ((3, 3), 8)
    """
    lengths = tuple(len(part) for part in roi.parts)
    return np.vstack(roi.parts)[_order(lengths)], lengths


def from_keyhole(
    vertices: npt.NDArray[np.floating],
    lengths: Sequence[int],
    *,
    name: str = "",
    muscle: str = "",
    side: str = "",
) -> Composite | None:
    """Return the composite that a path was made of.

    Parameters
    ----------
    vertices : array_like, shape (n, 2)
        As from `keyhole`, moved or rounded to single precision since.
    lengths : sequence of int
        As from `keyhole`.
    name, muscle, side : str
        Labels.

    Returns
    -------
    Composite or None
        ``None`` if vertices were added or removed, or the copies of one no longer lie
        in one place: then the path is a polygon like any other.

    Raises
    ------
    RoiError
        If a number is no place in an image.

    Examples
    --------
    >>> drawn = Composite([[(0, 0), (0, 9), (9, 0)], [(1, 1), (1, 2), (2, 1)]])
    >>> from_keyhole(*keyhole(drawn), name="RF").area_px
    40.0
    """
    points = np.asarray(vertices, dtype=np.float64)
    if not _fits(points, lengths):
        return None
    order = _order(lengths)
    firsts = np.unique(order, return_index=True)[1]
    if not _same_place(points, points[firsts][order]).all():
        return None
    parts = np.split(points[firsts], np.cumsum(lengths)[:-1])
    return Composite(tuple(parts), name=name, muscle=muscle, side=side)


def mend_keyhole(
    vertices: npt.NDArray[np.floating],
    before: npt.NDArray[np.floating],
    lengths: Sequence[int],
) -> npt.NDArray[np.float64]:
    """Return a path whose doubled vertices lie together again.

    Parameters
    ----------
    vertices, before : array_like, shape (n, 2)
        The path now and before one copy of a doubled vertex was dragged.
    lengths : sequence of int
        As from `keyhole`.

    Returns
    -------
    ndarray, shape (n, 2)
        Every copy of a vertex lies where the one that moved furthest went. Unchanged
        if vertices were added or removed.

    Examples
    --------
    >>> drawn = Composite([[(0, 0), (0, 9), (9, 0)], [(1, 1), (1, 2), (2, 1)]])
    >>> before, lengths = keyhole(drawn)
    >>> dragged = before.copy()
    >>> dragged[0] = (-1, -1)
    >>> from_keyhole(mend_keyhole(dragged, before, lengths), lengths).parts[0].tolist()
    [[-1.0, -1.0], [0.0, 9.0], [9.0, 0.0]]
    """
    points = np.array(vertices, dtype=np.float64)
    old = np.asarray(before, dtype=np.float64)
    if not _fits(points, lengths) or old.shape != points.shape:
        return points
    order = _order(lengths)
    moved = np.where(_same_place(points, old), 0, np.hypot(*(points - old).T))
    # The furthest copy of each vertex comes first; of equals, the earliest.
    ranking = np.lexsort((np.arange(len(order)), -moved, order))
    firsts = np.unique(order[ranking], return_index=True)[1]
    return np.asarray(points[ranking[firsts]][order])


def _order(lengths: Sequence[int]) -> npt.NDArray[np.int64]:
    """Return which vertex of the outlines, one after the other, each of a path is."""
    stops = np.cumsum(lengths)
    first, *others = (
        np.arange(stop - n, stop) for n, stop in zip(lengths, stops, strict=True)
    )
    if not others:
        return first
    pieces = [first, first[:1]]
    for ring in others:
        pieces += [ring, ring[:1], first[:1]]
    return np.concatenate(pieces[:-1])


def _fits(points: npt.NDArray[np.float64], lengths: Sequence[int]) -> bool:
    bridges = 2 * (len(lengths) - 1)
    return (
        len(lengths) > 0
        and min(lengths) >= 3
        and points.shape == (sum(lengths) + bridges, 2)
    )


def _same_place(
    first: npt.NDArray[np.float64], second: npt.NDArray[np.float64]
) -> npt.NDArray[np.bool_]:
    """Whether vertices differ by no more than the rounding to single precision."""
    largest = np.maximum(np.abs(first), np.abs(second)).astype(np.float32)
    steps = _ROUNDINGS * np.spacing(np.maximum(largest, np.float32(1)))
    return np.asarray((np.abs(first - second) <= steps).all(axis=1))
