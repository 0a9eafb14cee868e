"""Outlines in whole numbers, as the clipping library wants them, and back."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import RoiError
from napari_muscle_us.roi.checks import MAX_VERTICES, label_of
from napari_muscle_us.roi.composite import Composite
from napari_muscle_us.roi.crossing import find_crossing, next_vertices, refuse_crossing
from napari_muscle_us.roi.rasterize import oval_rows, pixel_box
from napari_muscle_us.roi.shapes import Ellipse, Polygon, Roi, shoelace_area

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    from napari_muscle_us.roi.shapes import AnyRoi

Path = list[tuple[int, int]]

SCALE: Final = 2**16
"""Whole numbers a px: halves, quarters … stay exact, and 1e6 px fit many times."""
_THIN_PX: Final = 1e-3
_CROSSINGS_AT_ONCE: Final = 4_000_000
_REPAIRS: Final = 4
_MOST_MEETINGS: Final = 300_000
"""Pairs of edges near each other that are worked through, in about two seconds."""
_ALWAYS_FEW: Final = 1500
_SAMPLED_EDGES: Final = 100
_NEAR: Final = 1.0
"""Rounding moves an edge by no more, in whole numbers."""


def area_roi(roi: AnyRoi, doing: str) -> Roi:
    """Return the region, refused where it encloses no area or crosses itself.

    Raises
    ------
    RoiError
        If it is a line or points, or its outline crosses itself.
    """
    if not isinstance(roi, Roi):
        kind = type(roi).__name__.lower()
        raise RoiError(
            f"{label_of(roi.name)} is a {kind}, which encloses no area, so it cannot "
            f"be {doing}; outline the muscle."
        )
    refuse_crossing(roi)
    return roi


def exact_outlines(roi: Roi) -> tuple[npt.NDArray[np.float64], ...]:
    """Return outlines that, filled as polygons, select the pixels of a region.

    An upright rectangle or ellipse selects pixels by another rule than a polygon. Its
    outline is that of the pixels themselves.
    """
    if isinstance(roi, Composite):
        return roi.parts
    if isinstance(roi, Polygon) or not roi.is_upright:
        return (roi.outline(),)
    box = pixel_box(roi)
    corner = np.array([box.row - 0.5, box.column - 0.5])
    if isinstance(roi, Ellipse):
        return (corner + _oval_outline(roi),)
    corners = [(0, 0), (0, box.width), (box.height, box.width), (box.height, 0)]
    return (corner + np.array(corners),)


def _oval_outline(roi: Ellipse) -> npt.NDArray[np.float64]:
    """Return the steps along an oval's pixels, from the corner of its box."""
    if 4 * roi.height > MAX_VERTICES:
        raise RoiError(
            f"{label_of(roi.name)} is {roi.height:g} px high, too much for the outline "
            "of its pixels; draw it within the image."
        )
    top, first = oval_rows(roi)
    rows = np.repeat(np.arange(top, top + len(first) + 1), 2)[1:-1]
    columns = np.repeat(first, 2)
    width = pixel_box(roi).width
    left = np.column_stack([rows, columns])
    right = np.column_stack([rows, width - columns])[::-1]
    return np.vstack([left, right]).astype(np.float64)


def to_paths(outlines: Iterable[npt.NDArray[np.float64]]) -> list[Path]:
    """Return outlines as paths of whole numbers."""
    scaled = (np.rint(outline * SCALE).astype(np.int64) for outline in outlines)
    return [[(int(r), int(c)) for r, c in path] for path in scaled]


def clip(
    operation: str, first: list[Path], second: list[Path] | None = None
) -> list[Path]:
    """Return outer outlines one way round, each followed by its holes the other way.

    Parameters
    ----------
    operation : {"union", "intersection", "difference", "even-odd"}
        ``"even-odd"`` brings outlines as drawn into order; the others take outlines
        that are in order.
    first, second : list
        Paths.

    Raises
    ------
    RoiError
        If the edges meet each other in too many places to be worked through.
    """
    import pyclipper

    meetings = _possible_meetings([*first, *(second or ())])
    if meetings > _MOST_MEETINGS:
        raise RoiError(
            f"The outlines meet in up to {meetings:.0f} places, too many to be worked "
            "through; simplify or draw them again."
        )
    kinds = {
        "even-odd": pyclipper.CT_UNION,
        "union": pyclipper.CT_UNION,
        "intersection": pyclipper.CT_INTERSECTION,
        "difference": pyclipper.CT_DIFFERENCE,
    }
    fill = pyclipper.PFT_EVENODD if operation == "even-odd" else pyclipper.PFT_NONZERO
    clipper = pyclipper.Pyclipper()
    added = False
    for paths, role in ((first, pyclipper.PT_SUBJECT), (second, pyclipper.PT_CLIP)):
        for path in paths or ():
            try:
                clipper.AddPath(path, role, True)
                added = True
            except pyclipper.ClipperException:
                continue  # It encloses nothing.
    if not added:
        return []
    tree = clipper.Execute2(kinds[operation], fill, fill)
    return [[(r, c) for r, c in path] for path in pyclipper.PolyTreeToPaths(tree)]


def _possible_meetings(paths: list[Path]) -> float:
    """Return about how many pairs of edges have boxes that overlap."""
    if sum(map(len, paths)) <= _ALWAYS_FEW:
        return 0.0
    parts = [np.array(path, dtype=np.float64) for path in paths if path]
    start = np.concatenate(parts)
    stop = np.concatenate([np.roll(part, -1, axis=0) for part in parts])
    low, high = np.minimum(start, stop), np.maximum(start, stop)
    # A few edges tell enough; drawn by lot, since teeth and gaps of a comb alternate.
    some = np.random.default_rng(0).integers(len(low), size=_SAMPLED_EDGES)
    found = sum(
        np.count_nonzero((low <= high[i]).all(axis=1) & (high >= low[i]).all(axis=1))
        for i in some
    )
    return float(found) / _SAMPLED_EDGES * len(low) / 2


def region_of(
    paths: list[Path], like: Roi, sources: Sequence[npt.NDArray[np.float64]] = ()
) -> Polygon | Composite | None:
    """Return a region with the labels of `like`, or ``None`` if it holds no pixel.

    Parameters
    ----------
    paths : list
        Outlines in whole numbers, as `clip` returns them.
    like : region
        Whose labels to take.
    sources : sequence of ndarray
        Outlines before rounding, so that vertices that are still there return to
        their exact places.
    """
    places = {
        whole: exact
        for outline, path in zip(sources, to_paths(sources), strict=True)
        for whole, exact in zip(path, outline.tolist(), strict=True)
    }
    for _ in range(_REPAIRS):
        for exact in (places, {}):
            roi = _assemble(paths, exact, like)
            if roi is None or find_crossing(roi) is None:
                return roi
        # Rounding moved an edge over a vertex that it should only touch.
        paths = clip("even-odd", _bent_to_vertices(paths))
    raise RoiError(
        f"{label_of(like.name)} cannot be combined without an outline that crosses "
        "itself; move it a little."
    )


def _bent_to_vertices(paths: list[Path]) -> list[Path]:
    """Return the paths with a vertex wherever an edge comes within a rounding step."""
    everything = np.unique(
        np.array([point for path in paths for point in path]), axis=0
    )
    bent: list[Path] = []
    for path in paths:
        points: Path = []
        for start, stop in zip(path, [*path[1:], path[0]], strict=True):
            along = np.subtract(stop, start).astype(np.float64)
            to = (everything - start).astype(np.float64)
            length = math.hypot(*along) or 1.0
            share = to @ along / length**2
            across = np.abs(along[0] * to[:, 1] - along[1] * to[:, 0]) / length
            near = (across <= _NEAR) & (share > 0) & (share < 1)
            near &= (everything != stop).any(axis=1)
            order = np.argsort(share[near], kind="stable")
            points.append(start)
            points += [(int(r), int(c)) for r, c in everything[near][order]]
        bent.append(points)
    return bent


def _assemble(
    paths: list[Path], places: dict[tuple[int, int], list[float]], like: Roi
) -> Polygon | Composite | None:
    labels = {"name": like.name, "muscle": like.muscle, "side": like.side}
    parts = []
    for path in paths:
        rounded = [(r / SCALE, c / SCALE) for r, c in path]
        exact = map(places.get, path, rounded) if places else rounded
        part = np.array(list(exact))
        if not (_thickness(part) < _THIN_PX and not holds_a_pixel([part])):
            parts.append(part)
    if not parts or not holds_a_pixel(parts):
        return None
    return (
        Polygon(parts[0], **labels)
        if len(parts) == 1
        else Composite(tuple(parts), **labels)
    )


def _thickness(part: npt.NDArray[np.float64]) -> float:
    """Return the mean width of a long thin outline: twice its area by its length."""
    length = float(np.hypot(*(part - np.roll(part, 1, axis=0)).T).sum())
    return 2 * shoelace_area(part) / length if length else 0.0


def holds_a_pixel(parts: Sequence[npt.NDArray[np.float64]]) -> bool:
    """Whether a pixel's centre lies in an odd number of outlines, in any image."""
    y, x = np.concatenate(parts).T + 0.5
    _, after = next_vertices([len(part) for part in parts])
    swap = y > y[after]
    start, stop = np.where(swap, y[after], y), np.where(swap, y, y[after])
    x_start, x_stop = np.where(swap, x[after], x), np.where(swap, x, x[after])
    first, last = np.floor(start + 0.5), np.floor(stop + 0.5)
    kept = first < last
    first, last = first[kept].astype(np.int64), last[kept].astype(np.int64)
    if not first.size:
        return False
    slope = (x_stop - x_start)[kept] / (stop - start)[kept]
    base = x_start[kept] + (0.5 - start[kept]) * slope + 1e-8
    rows = max(_CROSSINGS_AT_ONCE // first.size, 1)
    blocks = range(int(first.min()), int(last.max()) + rows, rows)
    for low, high in pairwise(blocks):
        here = np.maximum(first, low), np.minimum(last, high)
        if _row_holds_a_pixel(*here, base, slope):
            return True
    return False


def _row_holds_a_pixel(
    first: npt.NDArray[np.int64],
    last: npt.NDArray[np.int64],
    base: npt.NDArray[np.float64],
    slope: npt.NDArray[np.float64],
) -> bool:
    """Whether a pixel's centre lies between two crossings of a row, taken in pairs."""
    counts = np.maximum(last - first, 0)
    edge = np.repeat(np.arange(len(first)), counts)
    row = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    row += first[edge]
    column = np.floor(base[edge] + row * slope[edge] + 0.5)
    order = np.lexsort((column, row))
    column = column[order]
    return bool((column[1::2] > column[::2]).any())
