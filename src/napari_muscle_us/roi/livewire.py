"""Outlines that snap to the edges of fascia: the "magnetic lasso".

Computed once a frame is `edge_cost`, once a click `start_from`, and with every move of
the mouse `LivewireMap.path_to`. All coordinates are ``(row, column)`` in px.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from napari_muscle_us.errors import RoiError
from napari_muscle_us.roi._livewire_cost import MAX_PIXELS as MAX_PIXELS
from napari_muscle_us.roi._livewire_cost import SNAP_TO as SNAP_TO
from napari_muscle_us.roi._livewire_cost import EdgeCost as EdgeCost
from napari_muscle_us.roi._livewire_cost import SnapTo as SnapTo
from napari_muscle_us.roi._livewire_cost import as_cost, pixel_of
from napari_muscle_us.roi._livewire_cost import edge_cost as edge_cost
from napari_muscle_us.roi._livewire_cost import nearest_edge as nearest_edge
from napari_muscle_us.roi._livewire_snap import snap_outline as snap_outline

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from napari_muscle_us.roi._livewire_cost import Gray

Bright = Literal["auto", "left", "right"]
Pixel = tuple[int, int]

MAX_REACH_PX: Final = 1000
"""Farthest that a path may lead from its anchor; it bounds memory and time."""

_SIDES: Final[dict[str, float]] = {"right": 1.0, "left": -1.0}
_AGREEMENT: Final = 0.2
"""What the edges under each end weigh against the cost of a px of the path."""
_NEAR_PX: Final = 3
"""How far around an end its edges count: a click is a few px beside what it means."""
_WALL: Final = 50.0
"""Cost of a px on a leg that is laid already, so that no other leg runs there."""


@dataclass(frozen=True, slots=True, eq=False)
class LivewireMap:
    """The cheapest paths from an anchor to all pixels around it.

    Parameters
    ----------
    cost : EdgeCost
        Cost of the whole frame.
    anchor : tuple of int
        Pixel ``(row, column)`` where all paths start.
    origin : tuple of int
        First row and column of the window that the paths stay in.
    least : dict of str to ndarray of float64
        Cost from the anchor to each pixel of the window, with the brighter tissue on
        the ``"right"`` or ``"left"`` of the path; alike where sides do not matter.
    back : dict of str to ndarray of int8
        Step 0 … 7 by which each pixel of the window is reached, −1 at the anchor.
    """

    cost: EdgeCost
    anchor: Pixel
    origin: Pixel
    least: dict[str, npt.NDArray[np.float64]]
    back: dict[str, npt.NDArray[np.int8]]

    def path_to(
        self, point: Sequence[float], *, bright: Bright = "auto"
    ) -> npt.NDArray[np.float64]:
        """Return the pixels from the anchor to a point along edges.

        Parameters
        ----------
        point : sequence of float
            ``(row, column)`` within the image. Beyond the reach, the path leads to the
            nearest pixel within it and straight on from there.
        bright : {"auto", "left", "right"}, default: "auto"
            Side of the brighter tissue as one walks along the path. ``"auto"`` takes
            the cheaper one that fits the edges under both ends, so a click on one
            border of a fascia stays on it.

        Returns
        -------
        ndarray of float64, shape (n, 2)
            Pixel centres ``(row, column)``, the anchor first; one if both are alike.

        Raises
        ------
        RoiError
            If the point lies outside the image or the side is none.
        """
        end = pixel_of(point, self.cost.shape, "point")
        rows, columns = self.back["right"].shape
        row = min(max(end[0] - self.origin[0], 0), rows - 1)
        column = min(max(end[1] - self.origin[1], 0), columns - 1)
        side = self._side(row, column) if bright == "auto" else bright
        if side not in _SIDES:
            raise RoiError(
                f"Brighter tissue cannot lie {bright!r}; use 'auto', 'left' or 'right'."
            )
        from napari_muscle_us.roi._livewire_kernels import walk_back

        path = walk_back(self.back[side], row, column) + self.origin
        if tuple(path[-1]) != end:
            path = np.vstack([path, end])
        return np.asarray(path, dtype=np.float64)

    def _side(self, row: int, column: int) -> str:
        """Return the side of the brighter tissue for a path to a pixel."""
        if self.least["left"] is self.least["right"]:
            return "right"
        end = (row + self.origin[0], column + self.origin[1])
        way = np.subtract(end, self.anchor)
        length = max(float(np.hypot(*way)), 1.0)
        fits = sum(_fit(self.cost, place, way / length) for place in (self.anchor, end))
        dearer = self.least["right"][row, column] - self.least["left"][row, column]
        return "right" if dearer / length <= _AGREEMENT * fits else "left"


def start_from(
    cost: EdgeCost, anchor: Sequence[float], *, reach_px: float = 200
) -> LivewireMap:
    r"""Return all cheapest paths from a clicked point, to be drawn as the mouse moves.

    Parameters
    ----------
    cost : EdgeCost
        Cost of the frame, from `edge_cost`.
    anchor : sequence of float
        ``(row, column)`` of the click; its nearest pixel is the start.
    reach_px : float, default: 200
        Paths stay in the square that reaches so far from the anchor, 1 … 1000 px.

    Returns
    -------
    LivewireMap
        To be asked for paths with `LivewireMap.path_to`.

    Raises
    ------
    RoiError
        If the anchor lies outside the image or the reach is out of range.

    Notes
    -----
    Dijkstra's algorithm on the grid of pixels with their eight neighbours; a step from
    one pixel to the next costs its length (1 or :math:`\sqrt2`) times the mean of the
    two pixels' costs in its direction. Each side of the brighter tissue has its own
    paths.

    References
    ----------
    Mortensen & Barrett 1995, doi:10.1145/218380.218442.

    Examples
    --------
    >>> import numpy as np
    >>> gray = np.zeros((40, 60), np.uint8)
    >>> gray[20:] = 200
    >>> paths = start_from(edge_cost(gray), (20, 5))
    >>> paths.path_to((20, 50)).mean(axis=0)
    array([20. , 27.5])
    """
    start = pixel_of(anchor, cost.shape, "anchor")
    if not 1 <= reach_px <= MAX_REACH_PX:
        raise RoiError(
            f"The reach of the outline is {reach_px:g} px; choose one from 1 to "
            f"{MAX_REACH_PX} px."
        )
    reach = int(reach_px)
    return _spread(cost, start, [start], reach)


def livewire_path(
    image: Gray | EdgeCost,
    start: Sequence[float],
    end: Sequence[float],
    *,
    scale_px: float = 2.5,
    prefer: SnapTo = "edge",
    margin_px: int = 60,
    bright: Bright = "auto",
) -> npt.NDArray[np.float64]:
    """Return the path between two points along edges, for scripts.

    Parameters
    ----------
    image : ndarray of gray levels, shape (rows, columns), or EdgeCost
        Frame; with a cost, `scale_px` and `prefer` do not matter.
    start, end : sequence of float
        ``(row, column)`` of both ends.
    scale_px, prefer
        As for `edge_cost`.
    margin_px : int, default: 60
        How far the path may leave the box around both ends, 1 … 1000 px.
    bright : {"auto", "left", "right"}, default: "auto"
        As for `LivewireMap.path_to`.

    Returns
    -------
    ndarray of float64, shape (n, 2)
        Pixel centres ``(row, column)``, the start first.

    Raises
    ------
    RoiError
        If an end lies outside the image, both lie too far apart, or an option is out
        of range.

    Examples
    --------
    >>> import numpy as np
    >>> gray = np.zeros((40, 60), np.uint8)
    >>> gray[20:] = 200
    >>> livewire_path(gray, (20, 5), (20, 50)).shape
    (46, 2)
    """
    cost = as_cost(image, scale_px, prefer)
    a = pixel_of(start, cost.shape, "start")
    b = pixel_of(end, cost.shape, "end")
    if not 1 <= margin_px <= MAX_REACH_PX:
        raise RoiError(
            f"The margin of the path is {margin_px} px; choose one from 1 to "
            f"{MAX_REACH_PX} px."
        )
    return _spread(cost, a, [a, b], int(margin_px)).path_to(b, bright=bright)


def outline_from_anchors(
    image: Gray | EdgeCost,
    anchors: Sequence[Sequence[float]] | npt.NDArray[np.float64],
    *,
    scale_px: float = 2.5,
    prefer: SnapTo = "edge",
    margin_px: int = 60,
    simplify_px: float = 0.5,
) -> npt.NDArray[np.float64]:
    """Return the closed outline through anchors along edges.

    Parameters
    ----------
    image : ndarray of gray levels, shape (rows, columns), or EdgeCost
        Frame; with a cost, `scale_px` and `prefer` do not matter.
    anchors : array_like, shape (n, 2)
        Clicked points ``(row, column)``, at least two, in order, not closed.
    scale_px, prefer, margin_px
        As for `livewire_path`, for each leg from an anchor to the next.
    simplify_px : float, default: 0.5
        How far the path may lie from the outline; 0 keeps every bend.

    Returns
    -------
    ndarray of float64, shape (m, 2)
        Vertices ``(row, column)``, not closed, at least three.

    Raises
    ------
    RoiError
        If there are fewer than two anchors, one lies outside the image, they enclose
        nothing, or an option is out of range.

    Notes
    -----
    A leg keeps a pixel's distance from the legs laid before it, if it can, so that
    the outline does not cross itself. Where it cannot, as when the anchors themselves
    are out of order, it does; `napari_muscle_us.roi.crossing.find_crossing` tells.

    References
    ----------
    Douglas & Peucker 1973, doi:10.3138/FM57-6770-U75U-7727, for the simplification.

    Examples
    --------
    >>> import numpy as np
    >>> gray = np.full((80, 80), 200, np.uint8)
    >>> gray[20:60, 20:60] = 0
    >>> outline = outline_from_anchors(gray, [(20, 40), (40, 60), (60, 40), (40, 20)])
    >>> np.round(np.ptp(outline, axis=0)).tolist()
    [40.0, 40.0]
    """
    cost = as_cost(image, scale_px, prefer)
    if not 0 <= simplify_px <= 100:
        raise RoiError(
            f"The outline cannot be simplified by {simplify_px:g} px; choose 0 to 100."
        )
    places = [pixel_of(anchor, cost.shape, "anchor") for anchor in anchors]
    # Neither a double click nor the click that closes the outline is another anchor.
    places = [p for i, p in enumerate(places) if i == 0 or p != places[i - 1]]
    if len(places) > 1 and places[-1] == places[0]:
        del places[-1]
    if len(places) < 2:
        raise RoiError(
            f"The outline has {len(places)} anchors in different places; click at "
            "least two."
        )
    return _joined(_legs(cost, places, margin_px), simplify_px)


def _legs(
    cost: EdgeCost, places: list[Pixel], margin_px: int
) -> list[npt.NDArray[np.float64]]:
    """Return the path from each place to the next and back to the first."""
    walled = replace(cost, flat=cost.flat.copy())
    legs = []
    around = np.array([(r, c) for r in (-1, 0, 1) for c in (-1, 0, 1)])
    for start, end in zip(places, places[1:] + places[:1], strict=True):
        leg = livewire_path(walled, start, end, margin_px=margin_px)
        legs.append(leg)
        near = (leg.astype(np.int64)[:, None] + around).reshape(-1, 2)
        near = np.clip(near, 0, np.array(cost.shape) - 1)
        walled.flat[near[:, 0], near[:, 1]] = _WALL
    return legs


def _joined(
    legs: list[npt.NDArray[np.float64]], simplify_px: float
) -> npt.NDArray[np.float64]:
    """Return the legs as one outline of few vertices that does not cross itself."""
    from napari_muscle_us.roi._livewire_kernels import kept_points
    from napari_muscle_us.roi.crossing import find_crossing
    from napari_muscle_us.roi.shapes import Polygon, shoelace_area

    for tolerance in (simplify_px, 0.0):
        # Each leg ends where the next begins.
        parts = [leg[kept_points(leg, tolerance)][:-1] for leg in legs]
        outline = np.vstack(parts)
        if len(outline) >= 3 and find_crossing(Polygon(outline)) is None:
            break
    if len(outline) < 3 or shoelace_area(outline) == 0:
        raise RoiError(
            "The anchors enclose no area; click them around the muscle, farther apart."
        )
    return outline


def _fit(cost: EdgeCost, place: Pixel, way: npt.NDArray[np.float64]) -> float:
    """Return 1 where edges near a pixel are brighter right of a way, −1 where left."""
    rows, columns = (slice(max(at - _NEAR_PX, 0), at + _NEAR_PX + 1) for at in place)
    down, right = cost.down[rows, columns], cost.right[rows, columns]
    total = float(np.hypot(down, right).sum())
    net = float(down.sum()) * way[1] - float(right.sum()) * way[0]
    return float(net / total) if total > 0 else 0.0


def _spread(cost: EdgeCost, start: Pixel, box: list[Pixel], margin: int) -> LivewireMap:
    """Return the paths from a pixel, within a margin of a box around some pixels."""
    from napari_muscle_us.roi._livewire_kernels import spread

    low = np.maximum(np.min(box, axis=0) - margin, 0)
    high = np.minimum(np.max(box, axis=0) + margin + 1, cost.shape)
    if np.prod(high - low) > (2 * MAX_REACH_PX + 1) ** 2:
        raise RoiError(
            f"The anchors of the outline lie {np.ptp(box, axis=0).max()} px apart, too "
            "far for one leg; click between them."
        )
    window = np.s_[low[0] : high[0], low[1] : high[1]]
    arrays = (cost.flat, cost.gain, cost.down, cost.right)
    fields = [np.ascontiguousarray(array[window]) for array in arrays]
    at = (start[0] - int(low[0]), start[1] - int(low[1]))
    target = (box[-1][0] - int(low[0]), box[-1][1] - int(low[1]))
    if len(box) == 1:
        target = (-1, -1)
    least: dict[str, npt.NDArray[np.float64]] = {}
    back: dict[str, npt.NDArray[np.int8]] = {}
    directed = bool(fields[1].any())
    for name, side in _SIDES.items():
        if directed or not least:
            least[name], back[name] = spread(*fields, side, *at, *target)
        else:
            least[name], back[name] = least["right"], back["right"]
    return LivewireMap(cost, start, (int(low[0]), int(low[1])), least, back)
