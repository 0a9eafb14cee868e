"""Anchors clicked on one frame, and the path along edges between them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import RoiError
from napari_muscle_us.roi.shapes import Polygon

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from napari_muscle_us.roi.livewire import EdgeCost, LivewireMap

    Pixels = npt.NDArray[np.uint8]
    Path = npt.NDArray[np.float64]

REACH_PX: Final = 300
"""How far from an anchor the path is led along edges; a click then takes some 50 ms."""

SNAP_PX: Final = 5
"""A click so near to an edge means the edge."""

SIMPLIFY_PX: Final = 0.5
"""How far the finished outline may lie from the path that was shown."""

_FEWEST: Final = 2
_CROSSES: Final = (
    "The outline crosses itself or encloses nothing; take points back with Backspace "
    "and click them in order around the muscle."
)


class MagneticPath:
    """The outline in the making. Places are ``(row, column)`` in px of the frame.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (depth, lateral)
        Gray levels of the frame.
    """

    def __init__(self, pixels: Pixels) -> None:
        self.pixels = pixels
        self.anchors: list[tuple[int, int]] = []
        self._legs: list[Path] = []
        self._straight: list[bool] = []
        self._cost: EdgeCost | None = None
        self._map: LivewireMap | None = None

    def use_cost(self, pixels: Pixels, cost: EdgeCost) -> None:
        """Take the cost of a frame that was computed elsewhere, if it is this one."""
        if self._cost is None and pixels is self.pixels:
            self._cost = cost

    def move_to(self, pixels: Pixels) -> None:
        """Lay the path anew between the same anchors on another frame."""
        if pixels is self.pixels:
            return
        self.pixels, self._cost = pixels, None
        anchors, straight = self.anchors, self._straight
        self.clear()
        for anchor, flag in zip(anchors, [False, *straight], strict=False):
            self._append(self._pixel(anchor), straight=flag)

    def clear(self) -> None:
        """Begin again on the same frame."""
        self.anchors, self._legs, self._straight, self._map = [], [], [], None

    def add(self, point: Sequence[float], *, straight: bool = False) -> None:
        """Set an anchor on the clearest edge near a point.

        `straight` sets it exactly there, and lays a straight line to it.
        """
        anchor = self._anchor(point, straight=straight)
        if anchor not in self.anchors[-1:]:
            self._append(anchor, straight=straight)
            self._paths()

    def _append(self, anchor: tuple[int, int], *, straight: bool) -> None:
        if self.anchors:
            self._legs.append(self._leg(anchor, straight=straight))
            self._straight.append(straight)
        self.anchors.append(anchor)
        self._map = None

    def remove_last(self) -> None:
        """Take the last anchor back."""
        del self.anchors[-1:]
        del self._legs[len(self.anchors[1:]) :], self._straight[len(self.anchors[1:]) :]
        self._map = None

    def laid(self) -> Path:
        """Return the path through all anchors so far, shape (n, 2)."""
        if not self.anchors:
            return np.empty((0, 2))
        if not self._legs:
            return np.array(self.anchors[:1], np.float64)
        return np.vstack(self._legs)

    def live(self, point: Sequence[float], *, straight: bool = False) -> Path:
        """Return the leg that a click at a point would lay, shape (n, 2)."""
        if not self.anchors:
            return np.empty((0, 2))
        return self._leg(self._anchor(point, straight=straight), straight=straight)

    def closing(self, *, straight: bool = False) -> Path:
        """Return the leg back to the first anchor, shape (n, 2)."""
        return self._leg(self.anchors[0], straight=straight)

    def outline(self, *, straight: bool = False) -> Path:
        """Return the closed outline of few vertices, not closed by a last one.

        Parameters
        ----------
        straight : bool, default: False
            Whether the line back to the first anchor is straight.

        Raises
        ------
        RoiError
            If there are too few anchors, they enclose nothing, or the outline crosses
            itself however it is closed.
        """
        from napari_muscle_us.roi.crossing import find_crossing
        from napari_muscle_us.roi.livewire import outline_from_anchors
        from napari_muscle_us.roi.shapes import shoelace_area
        from napari_muscle_us.roi.simplify import simplify_roi

        if len(self.anchors) < _FEWEST:
            raise RoiError(
                f"The outline has {len(self.anchors)} points; click at least "
                f"{_FEWEST} along the fascia before you close it."
            )
        shown = np.vstack([*self._legs, self.closing(straight=straight)])
        shown = shown[np.any(shown != np.roll(shown, 1, axis=0), axis=1)]
        if len(shown) >= 3 and shoelace_area(shown) > 0:
            roi = Polygon(shown)
            if find_crossing(roi) is None:
                return simplify_roi(roi, SIMPLIFY_PX).vertices
        if straight or any(self._straight):
            raise RoiError(_CROSSES)
        # A leg ran back along another one; laid together they keep apart.
        apart = outline_from_anchors(
            self._known_cost(), self.anchors, simplify_px=SIMPLIFY_PX
        )
        if find_crossing(Polygon(apart)) is not None:
            raise RoiError(_CROSSES)
        return apart

    def _leg(self, anchor: tuple[int, int], *, straight: bool) -> Path:
        if straight:
            return np.array([self.anchors[-1], anchor], np.float64)
        return self._paths().path_to(anchor)

    def _anchor(self, point: Sequence[float], *, straight: bool) -> tuple[int, int]:
        from napari_muscle_us.roi.livewire import nearest_edge

        pixel = self._pixel(point)
        if straight:
            return pixel
        return nearest_edge(self._known_cost(), pixel, within_px=SNAP_PX)

    def _pixel(self, point: Sequence[float]) -> tuple[int, int]:
        """Return the pixel of the frame that is nearest to a point."""
        last = np.array(self.pixels.shape) - 1
        row, column = np.clip(np.rint(point), 0, last).astype(int)
        return int(row), int(column)

    def _known_cost(self) -> EdgeCost:
        if self._cost is None:
            self._cost = cost_of(self.pixels)
        return self._cost

    def _paths(self) -> LivewireMap:
        from napari_muscle_us.roi.livewire import start_from

        if self._map is None:
            cost, anchor = self._known_cost(), self.anchors[-1]
            self._map = start_from(cost, anchor, reach_px=REACH_PX)
        return self._map


def cost_of(pixels: Pixels) -> EdgeCost:
    """Return what an outline costs on a frame."""
    from napari_muscle_us.roi.livewire import edge_cost

    return edge_cost(pixels)


def prepare(pixels: Pixels) -> tuple[Pixels, EdgeCost]:
    """Return a frame with its cost, and load the compiled loops for the first click."""
    from napari_muscle_us.roi.livewire import start_from

    cost = cost_of(pixels)
    start_from(cost, (0, 0), reach_px=1).path_to((0, 0))
    return pixels, cost
