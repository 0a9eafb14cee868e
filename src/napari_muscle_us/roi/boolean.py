"""Regions put together, cut from each other, and what they have in common."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from napari_muscle_us.errors import RoiError
from napari_muscle_us.roi.checks import label_of
from napari_muscle_us.roi.shapes import Polygon, shoelace_area

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from napari_muscle_us.roi._clip import Path
    from napari_muscle_us.roi.composite import Composite
    from napari_muscle_us.roi.shapes import AnyRoi, Roi


def union(rois: Sequence[AnyRoi]) -> Polygon | Composite:
    """Return all that lies in any of the regions.

    Its mask is the union of the masks: an upright rectangle or ellipse counts with the
    outline of the pixels that it selects.

    Parameters
    ----------
    rois : sequence of Polygon, Rectangle, Ellipse or Composite
        Regions, at least one; the labels of the first are kept.

    Returns
    -------
    Polygon or Composite
        A composite where there are holes or several pieces. Vertices that remain keep
        their places; new ones are rounded to 1/65536 px, and pieces without a pixel
        that are thinner than 0.001 px are left out.

    Raises
    ------
    RoiError
        If there is no region, one has no area or crosses itself, or no pixel is left.

    Notes
    -----
    The Boolean operations are Vatti's, by the Clipper library.

    References
    ----------
    Vatti 1992, *Commun. ACM* 35(7):56–63, https://doi.org/10.1145/129902.129906

    Examples
    --------
    >>> from napari_muscle_us import Rectangle
    >>> union([Rectangle(0, 0, 10, 10), Rectangle(0, 10, 10, 5)]).area_px
    150.0
    """
    from napari_muscle_us.roi import _clip

    checked = _checked(rois, "combined")
    paths = [path for roi in checked for path in _in_order(roi)]
    return _result(
        _clip.clip("union", paths),
        checked,
        f"{_names(checked)} cover no pixel; draw them larger.",
    )


def subtract(first: AnyRoi, others: Sequence[AnyRoi]) -> Polygon | Composite:
    """Return what lies in the first region and in none of the others.

    Parameters
    ----------
    first : Polygon, Rectangle, Ellipse or Composite
        Region to cut from; its labels are kept.
    others : sequence of region
        What is cut away.

    Returns
    -------
    Polygon or Composite
        As of `union`.

    Raises
    ------
    RoiError
        If a region has no area or crosses itself, or no pixel is left.

    Examples
    --------
    >>> from napari_muscle_us import Rectangle
    >>> ring = subtract(Rectangle(0, 0, 10, 10), [Rectangle(3, 3, 4, 4)])
    >>> len(ring.parts), ring.area_px
    (2, 84.0)
    """
    from napari_muscle_us.roi import _clip

    checked = _checked([first, *others], "cut")
    away = [path for roi in checked[1:] for path in _in_order(roi)]
    return _result(
        _clip.clip("difference", _in_order(checked[0]), away),
        checked,
        f"Of {_names(checked[:1])} no pixel is left; cut less away.",
    )


def intersect(rois: Sequence[AnyRoi]) -> Polygon | Composite:
    """Return what lies in all of the regions.

    Parameters
    ----------
    rois : sequence of Polygon, Rectangle, Ellipse or Composite
        Regions, at least one; the labels of the first are kept.

    Returns
    -------
    Polygon or Composite
        As of `union`.

    Raises
    ------
    RoiError
        If there is no region, one has no area or crosses itself, or they have no pixel
        in common.

    Examples
    --------
    >>> from napari_muscle_us import Rectangle
    >>> intersect([Rectangle(0, 0, 10, 10), Rectangle(5, 5, 10, 10)]).area_px
    25.0
    """
    from napari_muscle_us.roi import _clip

    checked = _checked(rois, "intersected")
    common = _in_order(checked[0])
    for roi in checked[1:]:
        common = _clip.clip("intersection", common, _in_order(roi))
    return _result(
        common,
        checked,
        f"{_names(checked)} have no pixel in common; move one over the other.",
    )


def _checked(rois: Sequence[AnyRoi], doing: str) -> list[Roi]:
    from napari_muscle_us.roi._clip import area_roi

    if not rois:
        raise RoiError(f"No ROI was given to be {doing}; select at least one.")
    return [area_roi(roi, doing) for roi in rois]


def _in_order(roi: Roi) -> list[Path]:
    from napari_muscle_us.roi import _clip

    return _clip.clip("even-odd", _clip.to_paths(_clip.exact_outlines(roi)))


def _result(
    paths: list[Path], rois: Sequence[Roi], nothing: str
) -> Polygon | Composite:
    from napari_muscle_us.roi import _clip

    sources = [outline for roi in rois for outline in _clip.exact_outlines(roi)]
    region = _clip.region_of(paths, rois[0], sources)
    if region is None:
        raise RoiError(nothing)
    return region


def _names(rois: Sequence[Roi]) -> str:
    """Return how a message calls several regions."""
    labels = [label_of(roi.name) if roi.name else "an unnamed ROI" for roi in rois]
    joined = " and ".join(filter(None, [", ".join(labels[:-1]), labels[-1]]))
    return joined[0].upper() + joined[1:]


def even_odd_area(parts: Sequence[npt.NDArray[np.float64]]) -> float:
    r"""Return the area of the points that lie in an odd number of outlines.

    .. math:: A = \sum_i (-1)^{d_i} A_i

    with the area :math:`A_i` that outline :math:`i` encloses and the number
    :math:`d_i` of other outlines around it.

    Parameters
    ----------
    parts : sequence of ndarray, each of shape (n, 2)
        Outlines ``(row, column)`` in px; they may be nested and touch each other.

    Returns
    -------
    float
        Area in px². Where outlines cross, vertices are rounded to 1/65536 px first.

    Raises
    ------
    RoiError
        If outlines cross too often, or have too many edges side by side, to be worked
        out.

    Examples
    --------
    >>> import numpy as np
    >>> outer = np.array([[0.0, 0], [0, 9], [9, 9], [9, 0]])
    >>> even_odd_area([outer, outer / 3, outer / 9])
    73.0
    """
    from napari_muscle_us.roi.composite import Composite
    from napari_muscle_us.roi.crossing import find_crossing

    if len(parts) == 1:
        crosses = find_crossing(Polygon(parts[0])) is not None
    else:
        crosses = find_crossing(Composite(tuple(parts))) is not None
    return _resolved_area(parts) if crosses else _nested_area(parts)


def _resolved_area(parts: Sequence[npt.NDArray[np.float64]]) -> float:
    """Return the area after all crossings were made into vertices."""
    import pyclipper

    from napari_muscle_us.roi._clip import SCALE, clip, to_paths

    paths = clip("even-odd", to_paths(parts))
    return abs(math.fsum(map(pyclipper.Area, paths))) / SCALE**2


def _nested_area(parts: Sequence[npt.NDArray[np.float64]]) -> float:
    """Return the area of outlines that do not cross, by the depth of each."""
    from napari_muscle_us._kernels import odd_depths
    from napari_muscle_us.roi.crossing import next_vertices, pairs_side_by_side

    known = [(shoelace_area(part), part) for part in parts]
    # Of two outlines that do not cross, only the larger one can hold the other; an
    # outline drawn twice holds itself, so that the two cancel.
    known = sorted((k for k in known if k[0] > 0), key=lambda k: -k[0])
    areas = np.array([area for area, _ in known])
    if len(areas) < 2:
        return float(areas.sum())
    lengths = [len(part) for _, part in known]
    y, x = np.ascontiguousarray(np.concatenate([part for _, part in known]).T)
    _, after = next_vertices(lengths)
    sideways = pairs_side_by_side(x, after) < pairs_side_by_side(y, after)
    along, across = (x, y) if sideways else (y, x)
    odd = odd_depths(along, across, np.cumsum(lengths))
    return math.fsum(np.where(odd, -areas, areas))
