"""The two aponeuroses of a muscle: found in a longitudinal picture, or drawn by hand.

They are lines along the inner borders of the bright fascia, from which pennation,
thickness and fascicle length are measured in `pennation`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, Self, cast, overload

import numpy as np

from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.anisotropy import _aponeurosis_search as search
from napari_muscle_us.measure.anisotropy._lines import (
    checked_points,
    robust_polynomial,
    straight_line,
)
from napari_muscle_us.measure.anisotropy._prepare import checked_image, checked_spacing

if TYPE_CHECKING:
    import numpy.typing as npt

    Float = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]

Smoothing = Literal["none", "line", "parabola"]

MIN_CONFIDENCE: Final = 0.4
"""Confidence below which nothing is returned.

Speckle without muscle and transverse pictures reach 0.3, longitudinal muscle 0.34 to 1.
"""

MIN_MARGIN: Final = 0.05
"""Lead in contrast of the best pair over the next other one, below which none is given.

Noise leads by 0.02 to 0.05, clear muscle by 0.14 to 1.
"""

MIN_OBLIQUENESS: Final = 0.05
"""Obliqueness of the texture between the lines below which none are given.

Fat and simulated muscle without fibres reach 0.05, longitudinal muscle 0.06 to 0.4.
"""

DOUBT: Final = 0.6
"""Confidence below which the lines are returned with a doubt.

In 90 pictures all five deep lines that were more than 18 px off lie below it, and so do
an eighth of the others.
"""

LOCAL_SHARE: Final = 0.1
"""Part of an aponeurosis, to either side, over which its local slope is taken."""

MIN_SIZE_PX: Final = search.BLOCKS
"""Least width and height of a picture in which lines are looked for."""

_VERTICES: Final = 9


@dataclass(frozen=True, slots=True, eq=False)
class Aponeurosis:
    """The inner border of one aponeurosis, a line from left to right.

    Attributes
    ----------
    vertices : ndarray of float, shape (n, 2)
        Row and column in px, pixel centres at integers, columns rising; read-only.
    line : (float, float)
        The robust straight line through it: row at column 0, and rows per column.

    Examples
    --------
    >>> drawn = Aponeurosis.from_points([(50, 0), (60, 100), (70, 200)])
    >>> float(drawn.row_at(150)), round(drawn.angle_deg(), 3)
    (65.0, -5.711)
    """

    vertices: Float
    line: tuple[float, float]

    @classmethod
    def from_points(cls, points: npt.ArrayLike, *, smooth: Smoothing = "none") -> Self:
        """Return the aponeurosis through points that were drawn.

        Parameters
        ----------
        points : array_like, shape (n, 2)
            Row and column in px, at least two, in any order.
        smooth : {"none", "line", "parabola"}
            Keep the points, or take the robust straight line or parabola through them
            (Tukey's bisquare, which stray points do not move).

        Returns
        -------
        Aponeurosis
            Points in the same column are averaged.

        Raises
        ------
        MeasureError
            If the points are not pairs of finite numbers in at least two columns.
        """
        if smooth not in ("none", "line", "parabola"):
            raise MeasureError(
                f"An aponeurosis cannot be smoothed by {smooth!r}; choose 'none', "
                "'line' or 'parabola'."
            )
        rows, columns = checked_points(points)
        if smooth != "none":
            degree = min(1 if smooth == "line" else 2, len(columns) - 1)
            number = 2 if degree == 1 else _VERTICES
            at = np.linspace(columns[0], columns[-1], number)
            rows, columns = robust_polynomial(columns, rows, degree, at), at
        vertices = np.column_stack([rows, columns])
        vertices.setflags(write=False)
        return cls(vertices, straight_line(rows, columns))

    @property
    def columns(self) -> tuple[float, float]:
        """First and last column."""
        return float(self.vertices[0, 1]), float(self.vertices[-1, 1])

    @overload
    def row_at(self, column: float) -> float: ...
    @overload
    def row_at(self, column: Float) -> Float: ...
    def row_at(self, column: float | Float) -> float | Float:
        """Return the row at a column.

        Beyond the ends the line goes on from the last vertex with the slope of the
        robust straight line.

        Parameters
        ----------
        column : float or ndarray
            Column in px.

        Returns
        -------
        float or ndarray
            Row in px.
        """
        rows, columns = self.vertices.T
        first, last = self.columns
        inside = np.interp(column, columns, rows)
        beyond = np.minimum(np.subtract(column, first), 0.0)
        beyond = beyond + np.maximum(np.subtract(column, last), 0.0)
        result = inside + self.line[1] * beyond
        return float(result) if np.ndim(result) == 0 else cast("Float", result)

    def angle_deg(
        self,
        at: float | None = None,
        *,
        spacing_mm: tuple[float, float] | None = None,
    ) -> float:
        """Return the direction of the line.

        Parameters
        ----------
        at : float, optional
            Column at which the local direction is taken, by least squares over a tenth
            of the length to either side; beyond the ends, and by default, that of the
            robust straight line.
        spacing_mm : tuple of float, optional
            Size of a pixel ``(depth, lateral)`` in mm, which makes the angle physical.

        Returns
        -------
        float
            Degrees in (-90, 90), counter-clockwise positive, 0 for a level line.
        """
        depth, lateral = checked_spacing(spacing_mm) or (1.0, 1.0)
        slope = self.line[1] if at is None else self._local_slope(float(at))
        return -math.degrees(math.atan2(slope * depth, lateral))

    def _local_slope(self, column: float) -> float:
        first, last = self.columns
        if not first <= column <= last:
            return self.line[1]
        reach = LOCAL_SHARE * (last - first)
        near = np.linspace(max(first, column - reach), min(last, column + reach), 33)
        away = near - near.mean()
        return float(away @ self.row_at(near) / (away @ away))


@dataclass(frozen=True, slots=True, eq=False)
class FoundAponeuroses:
    """What was found in a picture.

    Attributes
    ----------
    superficial, deep : Aponeurosis or None
        Inner borders of the upper and the lower aponeurosis; both or none.
    confidence : float
        Contrast of the fainter line along the picture's width, 0 to 1: 1 where all of
        it stands out by `_aponeurosis_search.SATURATION_SD` SD of the picture or more.
    reason : str
        Why nothing was found, a sentence; empty where the lines are given.
    doubt : str
        What to check in lines that are given, a sentence; empty when they are clear.
    """

    superficial: Aponeurosis | None
    deep: Aponeurosis | None
    confidence: float
    reason: str = ""
    doubt: str = ""


def find_aponeuroses(
    gray: npt.NDArray[Any],
    *,
    spacing_mm: tuple[float, float] | None = None,
    mask: Mask | None = None,
) -> FoundAponeuroses:
    """Return the superficial and deep aponeurosis of the muscle in a picture.

    Flat arcs from side to side are scored by how much a band as thick as fascia
    (1.5 mm) exceeds both the muscle on its inner side (2 mm) and all around (6 mm), up
    to 1 SD of the picture. Of the pairs at least 7.5 mm apart the best is taken, where
    oblique texture between the two counts for a pair and a strong line between them
    against it. Around each arc the path of largest contrast within half a millimetre
    to either side is the inner border, and a robust parabola is laid through it.

    Parameters
    ----------
    gray : ndarray, shape (depth, lateral)
        Gray levels of one longitudinal picture.
    spacing_mm : tuple of float, optional
        Size of a pixel ``(depth, lateral)`` in mm. Without it the picture is taken to
        be 50 mm deep, for the thickness of what is looked for only.
    mask : ndarray of bool, optional
        Pixels to look at. By default the picture that
        `napari_muscle_us.device.field.find_field` finds in an 8-bit image, else all.

    Returns
    -------
    FoundAponeuroses
        Without lines, and with a reason, where no pair stands out: transverse,
        constant, or speckle alone.

    Raises
    ------
    MeasureError
        If the image is not gray or holds NaN, or mask or spacing do not fit.

    Notes
    -----
    Of several muscles, one above the other, the one with the clearest borders is
    taken; give a mask around another one. The result does not change when gray levels
    are multiplied or shifted. A found line is a proposal: look at it.

    Against the mean of three observers in 90 pictures of vastus lateralis (3 refused):
    superficial row SD 5.3 px (median distance 1.1), its angle SD 0.8°, deep row SD
    8.6 px (median 2.1), thickness r = 0.97. The observers' deep rows differ among
    themselves by SD 5.6 to 9.1 px. What is left are deep aponeuroses that hardly
    show, and superficial ones that fork. Curved fascia of a transverse picture may
    pass for a pair, with a doubt.

    Examples
    --------
    >>> import numpy as np
    >>> rows, columns = np.mgrid[:300, :400]
    >>> gray = 60 + 20 * np.sin((rows + columns / 3) / 4)
    >>> gray[40:50] += 120
    >>> gray[210:220] += 120
    >>> found = find_aponeuroses(gray)
    >>> [round(line.row_at(200), 1) for line in (found.superficial, found.deep)]
    [49.5, 209.5]
    >>> find_aponeuroses(np.zeros((300, 400))).reason.split(",")[0]
    'The picture has one gray level everywhere'
    """
    spacing = checked_spacing(spacing_mm)
    checked_image(gray, mask)
    inside = _where_to_look(gray, mask)
    picture = search.cut_picture(_levels(gray, inside), inside)
    refused = _refusal(picture)
    if refused:
        return _nothing(refused)
    per_mm = len(picture.gray) / search.PICTURE_MM
    units = search.Units(per_mm, per_mm)
    if spacing is not None:
        units = search.Units(1 / spacing[0], 1 / spacing[1])
    return _found(picture, units)


def _where_to_look(gray: npt.NDArray[Any], mask: Mask | None) -> Mask:
    if mask is not None:
        return mask
    if gray.dtype == np.uint8:
        from napari_muscle_us.device.field import find_field

        return find_field(gray).mask
    return np.ones(gray.shape, np.bool_)


def _levels(gray: npt.NDArray[Any], inside: Mask) -> Float:
    """Return gray levels as floats, 0 outside, or refuse what is no number."""
    values = np.where(inside, gray, 0).astype(np.float64)
    missing = values.size - int(np.isfinite(values).sum())
    if missing:
        raise MeasureError(
            f"{missing} pixels of the picture have no gray level (NaN or infinite); "
            "leave them out by a mask."
        )
    return values


def _refusal(picture: search.Picture) -> str:
    """Return why a picture cannot show aponeuroses, or an empty string."""
    height, width = picture.gray.shape
    if min(height, width) < MIN_SIZE_PX:
        return (
            f"The picture of {height}×{width} pixels is too small to look for "
            f"aponeuroses; it needs {MIN_SIZE_PX} each way, so draw them by hand."
        )
    if picture.sd <= 1e-9 * np.abs(picture.gray).max():
        return (
            "The picture has one gray level everywhere, so no aponeurosis can be seen; "
            "check the image."
        )
    return ""


def _nothing(reason: str, confidence: float = 0.0) -> FoundAponeuroses:
    return FoundAponeuroses(None, None, confidence, reason)


def _found(picture: search.Picture, units: search.Units) -> FoundAponeuroses:
    """Return the refined lines of the best pair, or why there are none."""
    pair = search.find_pair(picture, units)
    if pair is None:
        return _nothing(
            "No two lines far enough apart for a muscle were found; check the scale, "
            "or draw the aponeuroses by hand."
        )
    confidence = float(np.clip(min(pair.strength), 0, 1))
    refused = _not_a_muscle(pair, confidence)
    if refused:
        return _nothing(refused, confidence)
    superficial = _refined(picture, pair.superficial, units, upper=True)
    deep = _refined(picture, pair.deep, units, upper=False)
    doubt = ""
    if confidence < DOUBT:
        which = "superficial" if pair.strength[0] < pair.strength[1] else "deep"
        doubt = (
            f"The {which} aponeurosis is faint (confidence {confidence:.2f}), so check "
            "its line and correct it."
        )
    return FoundAponeuroses(superficial, deep, confidence, "", doubt)


def _not_a_muscle(pair: search.Pair, confidence: float) -> str:
    """Return why a pair of lines is not given, or an empty string."""
    if confidence < MIN_CONFIDENCE:
        return (
            f"No pair of aponeuroses stands out (confidence {confidence:.2f}, least "
            f"{MIN_CONFIDENCE:g}), as in a transverse picture or without a muscle; "
            "draw them by hand."
        )
    if pair.obliqueness < MIN_OBLIQUENESS:
        return (
            "Between the two brightest lines no oblique fibres are seen, as in fat, in "
            "a transverse picture, or in muscle that has lost its fibres; draw the "
            "aponeuroses by hand."
        )
    if pair.margin < MIN_MARGIN:
        return (
            "Two different pairs of lines look alike as aponeuroses; draw them by "
            "hand, or look inside a region of the one muscle."
        )
    return ""


def _refined(
    picture: search.Picture, rows: Float, units: search.Units, *, upper: bool
) -> Aponeurosis:
    """Return the inner border near an arc, smoothed, over the width of the picture."""
    border = search.refine_border(picture, rows, units, upper=upper)
    width = picture.gray.shape[1]
    columns = np.linspace(0, width - 1, _VERTICES)
    smooth = robust_polynomial(picture.centres, border, 2, columns)
    # The border lies between the last row of one side and the first of the other.
    return Aponeurosis.from_points(
        np.column_stack([picture.top + smooth - 0.5, picture.left + columns])
    )
