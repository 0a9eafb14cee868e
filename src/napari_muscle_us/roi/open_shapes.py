"""What encloses no area: lines, angles and points."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from napari_muscle_us.errors import RoiError
from napari_muscle_us.roi.checks import check_labels, frozen_vertices, label_of

if TYPE_CHECKING:
    import numpy.typing as npt

LineKind = Literal["line", "polyline", "freehand", "angle"]
LINE_KINDS: Final = ("line", "polyline", "freehand", "angle")
_VERTICES: Final = {"line": 2, "angle": 3}
"""Kinds that have exactly so many vertices."""


@dataclass(frozen=True, slots=True, eq=False)
class Polyline:
    """A straight, segmented or freehand line, or an angle.

    Parameters
    ----------
    vertices : array_like, shape (n, 2)
        Vertices ``(row, column)`` in px, a pixel's centre at integers.
    kind : {"line", "polyline", "freehand", "angle"}
        A line has two vertices, an angle three: its apex is the second.
    name, muscle, side : str
        Labels, as for `napari_muscle_us.Polygon`.

    Raises
    ------
    RoiError
        If the number of vertices does not suit the kind, or one is no place.

    Examples
    --------
    >>> Polyline([(0, 0), (3, 4)], kind="line").length_px
    5.0
    """

    vertices: npt.NDArray[np.float64]
    kind: LineKind = "polyline"
    name: str = ""
    muscle: str = ""
    side: str = ""

    def __post_init__(self) -> None:
        """Freeze and check the vertices."""
        if self.kind not in LINE_KINDS:
            raise RoiError(
                f"{label_of(self.name)} is a line of kind {self.kind!r}; use one of "
                f"{', '.join(LINE_KINDS)}."
            )
        vertices = frozen_vertices(self.name, self.vertices, least=2, what="a line")
        wanted = _VERTICES.get(self.kind, len(vertices))
        if len(vertices) != wanted:
            raise RoiError(
                f"{label_of(self.name)} has {len(vertices)} vertices; {self.kind} "
                f"needs {wanted}."
            )
        check_labels(self.name, self.side)
        object.__setattr__(self, "vertices", vertices)

    def outline(self) -> npt.NDArray[np.float64]:
        """Return the vertices, shape (n, 2)."""
        return self.vertices

    @property
    def length_px(self) -> float:
        """Length of all its pieces in px."""
        return float(np.hypot(*np.diff(self.vertices, axis=0).T).sum())

    def length(self, spacing_mm: tuple[float, float] | None) -> tuple[float, str]:
        """Return the length and its unit, ``"mm"``, or ``"px"`` without spacing.

        Examples
        --------
        >>> Polyline([(0, 0), (3, 4)]).length((2.0, 2.0))
        (10.0, 'mm')
        """
        if spacing_mm is None:
            return self.length_px, "px"
        steps = np.diff(self.vertices, axis=0) * spacing_mm
        return float(np.hypot(*steps.T).sum()), "mm"

    def angle_deg(self, spacing_mm: tuple[float, float] | None = None) -> float:
        """Return the angle in degrees.

        Of a line against the horizontal, −180 … 180, counter-clockwise positive; of an
        angle that between its two arms, 0 … 180. NaN for the other kinds, and where
        an arm has no length.

        Parameters
        ----------
        spacing_mm : tuple of float, optional
            Spacing ``(depth, lateral)``; where the two differ, the angle is that in
            the body, not on the pixels.

        Examples
        --------
        >>> Polyline([(0, 0), (-1, 1)], kind="line").angle_deg()
        45.0
        """
        points = self.vertices * (spacing_mm or (1.0, 1.0))
        if self.kind == "line":
            down, right = points[1] - points[0]
            return math.degrees(math.atan2(-down, right)) if down or right else math.nan
        if self.kind != "angle":
            return math.nan
        first, second = points[0] - points[1], points[2] - points[1]
        if not first.any() or not second.any():
            return math.nan
        cross = first[0] * second[1] - first[1] * second[0]
        return abs(math.degrees(math.atan2(cross, float(first @ second))))


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Single places in an image.

    Parameters
    ----------
    vertices : array_like, shape (n, 2)
        Places ``(row, column)`` in px, at least one.
    name, muscle, side : str
        Labels, as for `napari_muscle_us.Polygon`.

    Raises
    ------
    RoiError
        If there is no point, or one is no place.

    Examples
    --------
    >>> Points([(3, 4), (5, 6)]).outline().shape
    (2, 2)
    """

    vertices: npt.NDArray[np.float64]
    name: str = ""
    muscle: str = ""
    side: str = ""

    def __post_init__(self) -> None:
        """Freeze and check the points."""
        vertices = frozen_vertices(self.name, self.vertices, least=1, what="a point")
        check_labels(self.name, self.side)
        object.__setattr__(self, "vertices", vertices)

    def outline(self) -> npt.NDArray[np.float64]:
        """Return the points, shape (n, 2)."""
        return self.vertices
