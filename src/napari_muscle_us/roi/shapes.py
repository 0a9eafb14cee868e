"""Regions of interest as values: polygon, rectangle, ellipse, composite.

Coordinates are ``(row, column)`` with a pixel's centre at integers, as in napari. In
ImageJ pixel (0, 0) covers 0..1: its vertex ``(x, y)`` is ``(y − 0.5, x − 0.5)`` here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from napari_muscle_us.errors import RoiError
from napari_muscle_us.roi.checks import (
    LABELS,
    check_labels,
    check_numbers,
    frozen_vertices,
    label_of,
)
from napari_muscle_us.roi.checks import MAX_COORDINATE as MAX_COORDINATE
from napari_muscle_us.roi.checks import MAX_VERTICES as MAX_VERTICES
from napari_muscle_us.roi.checks import SIDES as SIDES
from napari_muscle_us.roi.composite import Composite as Composite
from napari_muscle_us.roi.open_shapes import Points as Points
from napari_muscle_us.roi.open_shapes import Polyline as Polyline

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

_ELLIPSE_VERTICES: Final = 72
_QUOTED: Final = 60
"""Characters of a wrong value that a message quotes."""


@dataclass(frozen=True, slots=True, eq=False)
class Polygon:
    """A closed outline of straight lines: polygon, freehand or traced.

    Parameters
    ----------
    vertices : array_like, shape (n, 2)
        Vertices ``(row, column)`` in px, at least three, not closed.
    name, muscle : str
        Labels of the region.
    side : {"", "left", "right"}
        Side of the body.

    Raises
    ------
    RoiError
        If there are fewer than three vertices or one is not finite.

    Examples
    --------
    >>> Polygon([(0, 0), (0, 4), (3, 0)], name="BB").area_px
    6.0
    """

    vertices: npt.NDArray[np.float64]
    name: str = ""
    muscle: str = ""
    side: str = ""

    def __post_init__(self) -> None:
        """Freeze and check the vertices."""
        vertices = frozen_vertices(self.name, self.vertices, least=3)
        check_labels(self.name, self.side)
        object.__setattr__(self, "vertices", vertices)

    def outline(self) -> npt.NDArray[np.float64]:
        """Return the vertices of the outline, shape (n, 2)."""
        return self.vertices

    @property
    def area_px(self) -> float:
        """Area in px² by the shoelace formula, right for concave outlines."""
        return shoelace_area(self.vertices)


@dataclass(frozen=True, slots=True)
class _Box:
    """What a rectangle and an ellipse share: a box, turned about its centre."""

    top: float
    left: float
    height: float
    width: float
    angle_deg: float = 0.0
    name: str = ""
    muscle: str = ""
    side: str = ""

    def __post_init__(self) -> None:
        """Check the extent and the angle."""
        numbers = [getattr(self, f.name) for f in fields(self) if f.name not in LABELS]
        try:
            values = np.array(numbers, dtype=np.float64)
        except OverflowError:
            raise RoiError(
                f"{label_of(self.name)} has a coordinate beyond all numbers, which is "
                "no place in an image; draw it again."
            ) from None
        except (TypeError, ValueError):
            raise RoiError(
                f"{label_of(self.name)} needs numbers for its box, not "
                f"{_short(numbers)}."
            ) from None
        check_numbers(self.name, values)
        check_labels(self.name, self.side)
        if self.height <= 0 or self.width <= 0:
            raise RoiError(
                f"{label_of(self.name)} is {self.height:g} px high and "
                f"{self.width:g} px wide; both must be positive."
            )

    @property
    def is_upright(self) -> bool:
        """Whether the edges of the box lie along rows and columns."""
        return self.angle_deg == 0

    def _centre(self) -> npt.NDArray[np.float64]:
        return np.array([self.top + self.height / 2, self.left + self.width / 2])

    def _half_axes(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Return half the width and half the height as (row, column) vectors."""
        turn = math.radians(self.angle_deg)
        sine, cosine = (
            (0.0, 1.0) if self.is_upright else (math.sin(turn), math.cos(turn))
        )
        along = np.array([-sine, cosine]) * (self.width / 2)
        across = np.array([cosine, sine]) * (self.height / 2)
        return along, across


@dataclass(frozen=True, slots=True)
class Rectangle(_Box):
    """A rectangle, upright or turned.

    Parameters
    ----------
    top, left : float
        Upper and left edge in px before it is turned; ImageJ's ``y − 0.5`` and
        ``x − 0.5``.
    height, width : float
        Extent in px, positive.
    angle_deg : float, default: 0
        Turn about the centre in degrees, counter-clockwise positive on a picture
        whose rows run downwards. A turned one is ImageJ's *rotated rectangle*.
    name, muscle, side : str
        Labels, as for `Polygon`.

    Raises
    ------
    RoiError
        If an extent is not positive.

    Examples
    --------
    >>> Rectangle(0, 0, 10, 20).area_px
    200
    """

    def outline(self) -> npt.NDArray[np.float64]:
        """Return the four corners, shape (4, 2), clockwise from the upper left."""
        along, across = self._half_axes()
        corners = np.array([-along - across, along - across, along + across])
        corners = np.vstack([corners, across - along])
        return corners + self._centre()

    @property
    def area_px(self) -> float:
        """Area in px²: height × width."""
        return self.height * self.width


@dataclass(frozen=True, slots=True)
class Ellipse(_Box):
    """An ellipse, upright or turned.

    Parameters
    ----------
    top, left, height, width : float
        Bounding box in px of the ellipse before it is turned.
    angle_deg : float, default: 0
        Turn about the centre in degrees, counter-clockwise positive on a picture
        whose rows run downwards.
    name, muscle, side : str
        Labels, as for `Polygon`.

    Notes
    -----
    An upright ellipse is ImageJ's *oval*, a turned one ImageJ's *ellipse*: a polygon
    of 72 vertices. Their masks follow different rules, as in ImageJ.
    """

    def outline(self) -> npt.NDArray[np.float64]:
        """Return ImageJ's 72 vertices of the ellipse, shape (72, 2)."""
        along, across = self._half_axes()
        if self.height > self.width:
            # ImageJ starts at an end of the longer axis.
            along, across = -across, along
        theta = np.arange(_ELLIPSE_VERTICES) * (2 * np.pi / _ELLIPSE_VERTICES)
        turned = np.cos(theta)[:, None] * along + np.sin(theta)[:, None] * across
        return np.asarray(turned + self._centre())

    @property
    def area_px(self) -> float:
        """Area in px²: π/4 · height · width."""
        return math.pi / 4 * self.height * self.width


def _short(value: object) -> str:
    """Return the beginning of a value, as a message quotes it."""
    try:
        text = repr(value)
    except ValueError:  # Python writes no number of thousands of digits.
        text = f"a {type(value).__name__} of too many digits"
    return text if len(text) <= _QUOTED else f"{text[: _QUOTED - 1]}…"


Roi = Polygon | Rectangle | Ellipse | Composite
"""A region that encloses an area, so that its gray levels can be measured."""

AnyRoi = Roi | Polyline | Points
"""A region, or a line or points, which enclose none."""

_KINDS: Final[dict[str, type[AnyRoi]]] = {
    "polygon": Polygon,
    "rectangle": Rectangle,
    "ellipse": Ellipse,
    "composite": Composite,
    "polyline": Polyline,
    "points": Points,
}


def shoelace_area(vertices: npt.NDArray[np.float64]) -> float:
    r"""Return the area enclosed by a polygon that does not cross itself.

    .. math:: A = \tfrac12 \left|\sum_i (r_i c_{i+1} - r_{i+1} c_i)\right|

    Parameters
    ----------
    vertices : ndarray, shape (n, 2)
        Vertices in order; the unit of the result is theirs, squared.

    Returns
    -------
    float
        Area; 0 when all vertices lie on a line.

    Examples
    --------
    >>> import numpy as np
    >>> shoelace_area(np.array([[0.0, 0], [0, 2], [2, 2], [2, 0]]))
    4.0
    """
    # Coordinates about the first vertex keep large offsets from costing digits.
    rows, cols = (vertices - vertices[0]).T
    cross = rows * np.roll(cols, -1) - np.roll(rows, -1) * cols
    return float(abs(cross.sum()) / 2)


def roi_area(roi: Roi, spacing_mm: tuple[float, float] | None) -> tuple[float, str]:
    """Return the area of a region and its unit.

    Parameters
    ----------
    roi : Polygon, Rectangle or Ellipse
        Region of interest.
    spacing_mm : tuple of float or None
        Pixel spacing ``(depth, lateral)`` in mm.

    Returns
    -------
    area : float
        Area inside the outline, not of the pixels.
    unit : {"mm²", "px²"}
        ``"px²"`` when there is no spacing.

    Examples
    --------
    >>> roi_area(Rectangle(0, 0, 10, 20), (0.5, 0.25))
    (25.0, 'mm²')
    """
    if spacing_mm is None:
        return roi.area_px, "px²"
    return roi.area_px * (spacing_mm[0] * spacing_mm[1]), "mm²"


def roi_to_dict(roi: AnyRoi) -> dict[str, Any]:
    """Return the geometry of a region as plain types, without its labels.

    Examples
    --------
    >>> roi_to_dict(Polygon([(0, 0), (0, 1), (1, 0)]))
    {'type': 'polygon', 'vertices': [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0]]}
    """
    geometry: dict[str, Any] = {"type": type(roi).__name__.lower()}
    for field in fields(roi):
        if field.name not in LABELS:
            geometry[field.name] = _plain(getattr(roi, field.name))
    return geometry


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.tolist()
    return [part.tolist() for part in value] if isinstance(value, tuple) else value


def any_roi_from_dict(
    geometry: Mapping[str, Any], *, name: str = "", muscle: str = "", side: str = ""
) -> AnyRoi:
    """Return the region, line or points that `roi_to_dict` described.

    Raises
    ------
    RoiError
        If the type is unknown or a number is missing or wrong.
    """
    values = dict(geometry)
    kind = values.pop("type", None)
    if not isinstance(kind, str) or kind not in _KINDS:
        raise RoiError(
            f"An ROI of type {_short(kind)} is unknown; use one of {', '.join(_KINDS)}."
        )
    try:
        return _KINDS[kind](**values, name=name, muscle=muscle, side=side)
    except TypeError:
        entries = _short(sorted(map(str, values)))
        raise RoiError(
            f"The geometry of {label_of(name)} has the entries {entries}, which do not "
            f"make a {kind}."
        ) from None


def roi_from_dict(
    geometry: Mapping[str, Any], *, name: str = "", muscle: str = "", side: str = ""
) -> Roi:
    """Return the region with an area that `roi_to_dict` described.

    Raises
    ------
    RoiError
        If it is a line or points, its type is unknown, or a number is wrong.
    """
    roi = any_roi_from_dict(geometry, name=name, muscle=muscle, side=side)
    if not isinstance(roi, Roi):
        raise RoiError(
            f"{label_of(name)} is a {geometry['type']}, which encloses no area; "
            "outline the muscle."
        )
    return roi


AnyRoiT = TypeVar("AnyRoiT", bound=AnyRoi)


def relabel(
    roi: AnyRoiT,
    *,
    name: str | None = None,
    muscle: str | None = None,
    side: str | None = None,
) -> AnyRoiT:
    """Return the region with other labels; those not given stay as they are."""
    return replace(
        roi,
        name=roi.name if name is None else name,
        muscle=roi.muscle if muscle is None else muscle,
        side=roi.side if side is None else side,
    )
