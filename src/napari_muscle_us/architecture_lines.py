"""What is drawn of a muscle: two aponeuroses and fascicles, and as a row keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from napari_muscle_us.errors import MeasureError, ResultsError
from napari_muscle_us.measure.texture._checks import length, shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from napari_muscle_us.measure.anisotropy.aponeurosis import Aponeurosis

TEXTURE: Final = "texture"
"""In place of fascicles: their direction is that of the echoes between the lines."""

_TYPE: Final = "architecture"
_ENTRIES: Final = {"drawn": "fascicles", "angle": "fascicle_angle_deg"}
"""Entry of the outline for each way to give fascicles."""


class DrawnMuscle(NamedTuple):
    """Two aponeuroses, and the fascicles between them.

    Attributes
    ----------
    superficial, deep : Aponeurosis
        Inner borders.
    fascicles : list of lists of (row, column), float or None
        Points along each; or their direction in degrees; or nothing.
    kind : {"drawn", "angle", "texture", "none"}
        How the fascicles are known.
    """

    superficial: Aponeurosis
    deep: Aponeurosis
    fascicles: list[list[list[float]]] | float | None
    kind: str

    def to_dict(self) -> dict[str, Any]:
        """Return what was drawn as JSON values, for a row's ``roi_geometry``."""
        told: dict[str, Any] = {
            "type": _TYPE,
            "superficial": self.superficial.vertices.tolist(),
            "deep": self.deep.vertices.tolist(),
        }
        if self.kind in _ENTRIES:
            told[_ENTRIES[self.kind]] = self.fascicles
        return told


def drawn_muscle(superficial: Any, deep: Any, fascicles: Any) -> DrawnMuscle:
    """Return lines as a row keeps them, so that it is measured as it is read.

    Parameters
    ----------
    superficial, deep : Aponeurosis, or array_like of shape (n, 2)
        Inner borders.
    fascicles : float, array_like of shape (n, 2), a sequence of them, "texture" or None
        As for `architecture_results.architecture_rows`.

    Returns
    -------
    DrawnMuscle
        Whether the lines bound a muscle is checked where it is measured.

    Raises
    ------
    MeasureError
        If a line is none or the direction is not possible.

    Examples
    --------
    >>> drawn_muscle([(9, 5), (8, 0)], [(20, 0), (20, 5)], 15).to_dict()
    {'type': 'architecture', 'superficial': [[8.0, 0.0], [9.0, 5.0]], 'deep': \
[[20.0, 0.0], [20.0, 5.0]], 'fascicle_angle_deg': 15.0}
    """
    lines = (_line(superficial), _line(deep))
    if fascicles is None:
        return DrawnMuscle(*lines, None, "none")
    if isinstance(fascicles, str):
        if fascicles != TEXTURE:
            raise MeasureError(
                f"Fascicles {fascicles[:60]!r} are not known; give a direction, points "
                f"along them, {TEXTURE!r} or None."
            )
        return DrawnMuscle(*lines, None, TEXTURE)
    if np.isscalar(fascicles) or getattr(fascicles, "shape", None) == ():
        return DrawnMuscle(*lines, _angle(fascicles), "angle")
    return DrawnMuscle(*lines, _points(fascicles), "drawn")


def drawn_of_row(geometry: Mapping[str, Any], method: Mapping[str, Any]) -> DrawnMuscle:
    """Return what was drawn for a row.

    Parameters
    ----------
    geometry, method : mapping
        What the row's columns ``roi_geometry`` and ``method`` hold.

    Returns
    -------
    DrawnMuscle
        The same lines.

    Raises
    ------
    MuscleUSError
        If they are not usable, or hold more than was drawn.
    """
    if geometry.get("type") != _TYPE:
        raise ResultsError("the outline of the row is not that of an architecture")
    kind = method.get("fascicle")
    if not isinstance(kind, str) or kind not in (*_ENTRIES, TEXTURE, "none"):
        raise ResultsError("the method does not tell how the fascicles were taken")
    fascicles: Any = TEXTURE if kind == TEXTURE else None
    if kind in _ENTRIES:
        fascicles = geometry.get(_ENTRIES[kind])
        if not isinstance(fascicles, list if kind == "drawn" else (int, float)):
            raise ResultsError("the row does not tell the fascicles it was made from")
    drawn = drawn_muscle(geometry.get("superficial"), geometry.get("deep"), fascicles)
    if drawn.to_dict() != dict(geometry):
        raise ResultsError("the outline of the row holds what was not drawn so")
    return drawn


def between(
    superficial: Aponeurosis, deep: Aponeurosis, shape: tuple[int, int]
) -> npt.NDArray[np.bool_]:
    """Return the pixels whose centres lie between two lines, in their common columns.

    Parameters
    ----------
    superficial, deep : Aponeurosis
        Inner borders, the first above the second.
    shape : (int, int)
        Rows and columns of the image.

    Returns
    -------
    ndarray of bool
        Pixels whose centre lies strictly between.

    Raises
    ------
    MeasureError
        If there are none.

    Examples
    --------
    >>> from napari_muscle_us.measure.anisotropy.aponeurosis import Aponeurosis
    >>> lines = [Aponeurosis.from_points([(r, 0), (r, 3)]) for r in (1, 4)]
    >>> between(*lines, (6, 5)).sum(axis=1).tolist()
    [0, 0, 4, 4, 0, 0]
    """
    columns = np.arange(shape[1], dtype=np.float64)
    rows = np.arange(shape[0], dtype=np.float64)[:, None]
    first = max(superficial.columns[0], deep.columns[0])
    last = min(superficial.columns[1], deep.columns[1])
    mask = (rows > superficial.row_at(columns)) & (rows < deep.row_at(columns))
    mask &= (columns >= first) & (columns <= last)
    if not mask.any():
        raise MeasureError(
            "No pixel of the image lies between the aponeuroses; draw them inside the "
            "image, one above the other."
        )
    return mask


def _line(points: Any) -> Aponeurosis:
    from napari_muscle_us.measure.anisotropy.aponeurosis import Aponeurosis

    if isinstance(points, Aponeurosis):
        points = points.vertices
    return Aponeurosis.from_points(_floats(points, "The aponeurosis"))


def _floats(points: Any, what: str) -> npt.NDArray[np.float64]:
    try:
        return np.asarray(points, np.float64)
    except (TypeError, ValueError, OverflowError):
        raise MeasureError(
            f"{what} is no line of rows and columns; draw it as a line."
        ) from None


def _angle(value: Any) -> float:
    number = length(value.item() if isinstance(value, np.ndarray) else value)
    if not -90 <= number <= 90:
        raise MeasureError(
            f"A fascicle direction of {shown(value)} degrees is not possible; give a "
            "number from -90 to 90, counter-clockwise positive."
        )
    return number


def _points(fascicles: Any) -> list[list[list[float]]]:
    """Return one drawn fascicle or several as lists of row and column."""
    try:
        lines = list(fascicles)
        one = len(lines[0]) == 2 and np.ndim(lines[0][0]) == 0
    except (TypeError, ValueError, IndexError, KeyError):
        raise MeasureError(
            "No fascicle was given; draw one between the aponeuroses, or ask for the "
            "thickness alone."
        ) from None
    whole = [fascicles] if one else lines
    return [_floats(line, "The fascicle").tolist() for line in whole]
