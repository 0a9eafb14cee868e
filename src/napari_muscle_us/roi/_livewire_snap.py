"""Move an outline that is drawn already onto the edges near it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from napari_muscle_us.errors import RoiError
from napari_muscle_us.roi._livewire_cost import as_cost
from napari_muscle_us.roi.checks import label_of
from napari_muscle_us.roi.shapes import Ellipse, Polygon, Rectangle, shoelace_area

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_muscle_us.roi._livewire_cost import EdgeCost, Gray
    from napari_muscle_us.roi.shapes import Roi

    Floats = npt.NDArray[np.float64]

SnapOutlineTo = Literal["inner", "edge", "line"]
SNAP_OUTLINE_TO: Final = ("inner", "edge", "line")
MAX_BAND_PX: Final = 100
"""Farthest that an outline is moved, in px of the finer axis; it bounds the time."""

_MOST_PLACES: Final = 4000
"""About so many places of an outline are moved; a longer one has them farther apart."""
_PULL: Final = 0.1
"""Cost of a place at the full reach, so that an outline stays where no edge is."""
_BEND: Final = 0.2
"""Cost of a step inwards or outwards from a place to the next."""
_OUTSIDE: Final = 1.1
"""Cost beyond the image, above that of a px without an edge."""


def snap_outline(
    image: Gray | EdgeCost,
    roi: Roi,
    *,
    reach_px: float | None = None,
    reach_mm: float | None = None,
    spacing_mm: tuple[float, float] | None = None,
    scale_px: float = 2.5,
    prefer: SnapOutlineTo = "inner",
    simplify_px: float = 0.25,
) -> Polygon:
    r"""Return an outline moved onto the edges near it.

    Parameters
    ----------
    image : ndarray of gray levels, shape (rows, columns), or EdgeCost
        Frame; a cost must be that of the same kind, ``"line"`` or else ``"edge"``.
    roi : Polygon, Rectangle or Ellipse
        Outline, which does not cross itself.
    reach_px, reach_mm : float
        The farthest that a point of the outline moves: one of the two, in px of the
        finer axis (up to 100) or in mm.
    spacing_mm : tuple of float, optional
        Pixel spacing ``(depth, lateral)`` in mm, needed with `reach_mm`.
    scale_px : float, default: 2.5
        As for `edge_cost`.
    prefer : {"inner", "edge", "line"}, default: "inner"
        ``"inner"`` is the border where it gets brighter outwards, that of a muscle to
        the fascia around it; ``"edge"`` a border either way; ``"line"`` the middle of
        the fascia.
    simplify_px : float, default: 0.25
        How far the outline may lie from the course found; 0 keeps every bend. Straight
        lines cut the curve short: about a third of it is lost all round.

    Returns
    -------
    Polygon
        The outline with the labels of the region. Where there is no edge, it has not
        moved.

    Raises
    ------
    RoiError
        If the region has no single outline or crosses itself, or an option is missing
        or out of range.

    Notes
    -----
    Places about 1 px apart on the outline may each move along a normal, by
    :math:`o_i` within ± the reach. Dynamic programming finds the closed course of
    least

    .. math:: \sum_i w_i(o_i) + 0.1\,|o_i| / \mathrm{reach} +
        0.2\,|o_{i+1} - o_i| / \mathrm{px}

    with steps of 1 px at most. Should it cross itself, as where the reach is larger
    than a bend, it is found again with half the reach.

    References
    ----------
    Amini, Weymouth & Jain 1990, doi:10.1109/34.57681, for active contours by dynamic
    programming.

    Examples
    --------
    >>> import numpy as np
    >>> row, column = np.mgrid[:80, :80]
    >>> gray = 200.0 * (np.hypot(row - 40, column - 40) > 25)
    >>> rough = Ellipse(19, 19, 42, 42, name="BB")
    >>> snapped = snap_outline(gray, rough, reach_px=6)
    >>> for roi in (rough, snapped):
    ...     print(roi.name, round((roi.area_px / np.pi) ** 0.5, 1))
    BB 21.0
    BB 24.9
    """
    outline = _outline_of(roi)
    scale, reach = _reach(roi.name, reach_px, reach_mm, spacing_mm)
    if prefer not in SNAP_OUTLINE_TO:
        raise RoiError(
            f"An outline cannot snap to {prefer!r}; use one of "
            f"{', '.join(SNAP_OUTLINE_TO)}."
        )
    if not 0 <= simplify_px <= 100:
        raise RoiError(
            f"The outline cannot be simplified by {simplify_px:g} px; choose 0 to 100."
        )
    cost = as_cost(image, scale_px, "line" if prefer == "line" else "edge")
    places, outwards = _places(outline, scale, reach)
    while reach >= 1:
        moved = _moved(cost, places, outwards, reach, prefer)
        vertices = _simplified(moved, simplify_px)
        if len(vertices) >= 3 and not _crosses(vertices):
            return Polygon(vertices, name=roi.name, muscle=roi.muscle, side=roi.side)
        reach /= 2
    return Polygon(outline, name=roi.name, muscle=roi.muscle, side=roi.side)


def _outline_of(roi: Roi) -> Floats:
    """Return the vertices of a region that has one sound outline."""
    if not isinstance(roi, Polygon | Rectangle | Ellipse):
        raise RoiError(
            f"{label_of(roi.name)} has not one outline that could snap to an edge; "
            "choose a polygon, rectangle or ellipse."
        )
    outline = np.asarray(roi.outline())
    if shoelace_area(outline) == 0 or _crosses(outline):
        raise RoiError(
            f"{label_of(roi.name)} crosses itself or encloses no area, so it has no "
            "outside to snap to; draw it again."
        )
    return outline


def _crosses(vertices: Floats) -> bool:
    from napari_muscle_us.roi.crossing import find_crossing

    return find_crossing(Polygon(vertices)) is not None


def _reach(
    name: str,
    reach_px: float | None,
    reach_mm: float | None,
    spacing_mm: tuple[float, float] | None,
) -> tuple[Floats, float]:
    """Return what a px of each axis measures, in px of the finer one, and the reach."""
    if (reach_px is None) == (reach_mm is None):
        raise RoiError("The outline needs one reach to snap, in px or in mm; give it.")
    scale = np.ones(2)
    if spacing_mm is not None:
        scale = np.array(spacing_mm, dtype=np.float64)
        if scale.shape != (2,) or not (np.isfinite(scale) & (scale > 0)).all():
            raise RoiError(
                f"The spacing {spacing_mm} mm is none; give (depth, lateral) in mm."
            )
        scale = scale / scale.min()
    reach = reach_px
    if reach_mm is not None:
        if spacing_mm is None:
            raise RoiError(
                f"{label_of(name)} cannot be moved by {reach_mm:g} mm, since the image "
                "has no spacing; give the reach in px."
            )
        reach = reach_mm / min(spacing_mm)
    if reach is None or not 1 <= reach <= MAX_BAND_PX:
        raise RoiError(
            f"The reach of the outline is {reach:g} px; choose one from 1 to "
            f"{MAX_BAND_PX} px."
        )
    return scale, float(reach)


def _places(outline: Floats, scale: Floats, reach: float) -> tuple[Floats, Floats]:
    """Return places along an outline and the way outwards from each, in px of image."""
    from scipy.ndimage import gaussian_filter1d

    corners = np.vstack([outline, outline[:1]]) * scale
    lengths = np.hypot(*np.diff(corners, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(lengths)])
    apart = max(1.0, along[-1] / _MOST_PLACES)
    # Bends of the outline stay; what a hand drew within less than a px is passed over.
    stops = [0.0]
    for stop in along[1:]:
        if stop - stops[-1] >= apart / 2 or stop == along[-1]:
            n = math.ceil((stop - stops[-1]) / apart)
            stops.extend(np.linspace(stops[-1], stop, n + 1)[1:])
    at = np.array(stops[:-1])
    points = np.column_stack([np.interp(at, along, axis) for axis in corners.T])
    way = np.roll(points, -1, axis=0) - np.roll(points, 1, axis=0)
    # Normals that turn slowly do not meet within the reach.
    way = gaussian_filter1d(way, max(2.0, reach / apart / 2), axis=0, mode="wrap")
    normal = np.column_stack([way[:, 1], -way[:, 0]])
    size = np.hypot(*normal.T)
    normal = normal / np.where(size > 1e-9, size, np.inf)[:, None]
    rows, columns = (points - points[0]).T
    signed = (rows * np.roll(columns, -1) - np.roll(rows, -1) * columns).sum()
    return points / scale, math.copysign(1.0, signed) * normal / scale


def _moved(
    cost: EdgeCost, places: Floats, outwards: Floats, reach: float, prefer: str
) -> Floats:
    """Return the places where the cheapest closed course within the reach leads."""
    from napari_muscle_us.roi._livewire_kernels import closed_course

    steps = max(1, round(reach))
    offsets = np.linspace(-reach, reach, 2 * steps + 1)
    # Places whose normals cancelled out, at the tip of a spike, stay.
    points = places[:, None] + offsets[:, None] * outwards[:, None]
    prices = _prices(cost, points, outwards, prefer)
    prices += _PULL * np.abs(offsets) / reach
    course = closed_course(prices, _BEND)
    return np.asarray(places + offsets[course][:, None] * outwards)


def _prices(cost: EdgeCost, points: Floats, outwards: Floats, prefer: str) -> Floats:
    """Return what the outline costs at points, shape (places, offsets)."""
    from scipy.ndimage import map_coordinates

    at = np.moveaxis(points, -1, 0)

    def sample(field: npt.NDArray[np.float32]) -> Floats:
        values = map_coordinates(field, at, np.float64, order=1, mode="nearest")
        return np.asarray(values)

    prices = sample(cost.flat)
    if prefer != "line":
        size = np.hypot(*outwards.T)
        way = outwards / np.where(size > 0, size, 1.0)[:, None]
        match = sample(cost.down) * way[:, :1] + sample(cost.right) * way[:, 1:]
        match = np.abs(match) if prefer == "edge" else match
        prices -= np.clip(match, 0, sample(cost.gain))
    high = np.array(cost.shape) - 1
    outside = ((points < 0) | (points > high)).any(axis=-1)
    prices[outside] = _OUTSIDE
    return prices


def _simplified(places: Floats, tolerance: float) -> Floats:
    """Return a closed outline of fewer vertices, the farthest one from the first kept.

    Closed, it is simplified as two open lines.
    """
    from napari_muscle_us.roi._livewire_kernels import kept_points

    far = int(np.argmax(((places - places[0]) ** 2).sum(axis=1)))
    closed = np.vstack([places, places[:1]])
    first = closed[: far + 1][kept_points(closed[: far + 1], tolerance)]
    second = closed[far:][kept_points(closed[far:], tolerance)]
    return np.vstack([first[:-1], second[:-1]])
