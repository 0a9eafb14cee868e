"""Outlines with fewer vertices that lie no further off than a tolerance."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

import numpy as np

from napari_muscle_us.errors import RoiError
from napari_muscle_us.roi.checks import label_of
from napari_muscle_us.roi.composite import Composite
from napari_muscle_us.roi.crossing import find_crossing
from napari_muscle_us.roi.open_shapes import Polyline
from napari_muscle_us.roi.shapes import AnyRoi, Polygon, shoelace_area

if TYPE_CHECKING:
    import numpy.typing as npt

AnyRoiT = TypeVar("AnyRoiT", bound=AnyRoi)

_HALVINGS: Final = 12
_DISTANCES: Final = 10_000_000
_DISTANCES_A_VERTEX: Final = 100
"""Far more than any drawn outline takes; only teeth of a comb need them all."""


def simplify_roi(roi: AnyRoiT, tolerance_px: float) -> AnyRoiT:
    """Return the region with as few vertices as a tolerance allows.

    Parameters
    ----------
    roi : region, Polyline or Points
        A freehand outline of thousands of points, say. Boxes and points have nothing
        to leave out.
    tolerance_px : float
        No point of the old outline lies further from the new one, nor the other way
        round; not negative.

    Returns
    -------
    Same kind as `roi`
        With some of its vertices. An outline that did not cross itself does not do so
        now: where it would, the tolerance is halved until it does not. One with too
        many edges side by side to be checked is simplified as it is.

    Raises
    ------
    RoiError
        If the tolerance is negative or no number.

    References
    ----------
    Douglas & Peucker 1973, *Cartographica* 10(2):112–122,
    https://doi.org/10.3138/FM57-6770-U75U-7727

    Examples
    --------
    >>> roi = Polygon([(0, 0), (0.1, 2), (0, 4), (4, 4), (4, 0)])
    >>> len(simplify_roi(roi, 0.2).vertices), len(simplify_roi(roi, 0.05).vertices)
    (4, 5)
    """
    if not 0 <= tolerance_px < np.inf:
        raise RoiError(
            f"{label_of(roi.name)} cannot be simplified to {tolerance_px:g} px; give a "
            "tolerance of 0 px or more."
        )
    if isinstance(roi, Polyline):
        fixed = roi.kind in ("line", "angle")
        return (
            roi if fixed else replace(roi, vertices=_thin(roi.vertices, tolerance_px))
        )
    if not isinstance(roi, Polygon | Composite):
        return roi
    if _may_cross(roi):
        return _simplified(roi, tolerance_px)
    for halving in range(_HALVINGS):
        simple = _simplified(roi, tolerance_px / 2**halving)
        if not _may_cross(simple):
            return simple
    return roi


def _may_cross(roi: Polygon | Composite) -> bool:
    """Whether an outline crosses itself, or has too many edges to tell."""
    try:
        return find_crossing(roi) is not None
    except RoiError:
        return True


def _simplified(roi: AnyRoiT, tolerance_px: float) -> AnyRoiT:
    simple: AnyRoiT
    if isinstance(roi, Composite):
        parts = tuple(_thin_ring(part, tolerance_px) for part in roi.parts)
        simple = replace(roi, parts=parts)
    else:
        ring = _thin_ring(roi.outline(), tolerance_px)
        simple = replace(cast("Any", roi), vertices=ring)
    return simple


def _thin_ring(
    points: npt.NDArray[np.float64], tolerance: float
) -> npt.NDArray[np.float64]:
    """Return a closed outline with fewer vertices, itself where nothing would be left.

    It is cut at its first vertex and at the one furthest from it, which both stay.
    """
    furthest = int(np.argmax(((points - points[0]) ** 2).sum(axis=1)))
    if furthest == 0:
        return points
    out = _thin(points[: furthest + 1], tolerance)
    back = _thin(np.vstack([points[furthest:], points[:1]]), tolerance)
    ring = np.vstack([out[:-1], back[:-1]])
    return ring if len(ring) >= 3 and shoelace_area(ring) > 0 else points


def _thin(points: npt.NDArray[np.float64], tolerance: float) -> npt.NDArray[np.float64]:
    """Return a line with fewer vertices, by Douglas and Peucker."""
    from napari_muscle_us._kernels import thin

    kept = np.zeros(len(points), dtype=np.bool_)
    kept[[0, -1]] = True
    most = max(_DISTANCES, _DISTANCES_A_VERTEX * len(points))
    y, x = np.ascontiguousarray(points.T)
    thin(y, x, float(tolerance), most, kept)
    return np.asarray(points[kept])
