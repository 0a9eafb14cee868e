"""A body, front and back, with its muscles coloured by Z-score.

The figures are our own drawings. They show where a muscle is scanned, not its anatomy.
Left and right are those of the person: seen from the front, the person's left is on
the viewer's right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.examination._body_shapes import (
    BODY,
    FACE,
    FEATURES,
    PLACES,
    View,
    smooth,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from napari_muscle_us.reference.examination.examination_types import Examination

    Floats = npt.NDArray[np.float64]

SATURATED_Z: Final = 4.0
"""Z-scores beyond this, up or down, have the same colour."""

NOT_MEASURED: Final = (0.88, 0.88, 0.88, 1.0)
"""Colour of muscles without a Z-score; in figures they are hatched as well."""

VIEWS: Final[tuple[View, ...]] = ("front", "back", "head")

# Blue below, orange-brown above: two hues that colour-blind people tell apart, each
# darker the further from 0.
_ANCHORS: Final = (
    *((0.02, 0.26, 0.53), (0.26, 0.54, 0.78), (0.66, 0.82, 0.93)),
    (0.97, 0.97, 0.95),
    *((0.99, 0.79, 0.50), (0.88, 0.47, 0.13), (0.52, 0.18, 0.02)),
)


@dataclass(frozen=True, slots=True)
class BodyRegion:
    """Where a muscle is, on one view.

    Attributes
    ----------
    view : {"front", "back", "head"}
        View that shows it; ``"head"`` is the face from the front, enlarged.
    polygon : tuple of (float, float)
        Corners (x, y): x to the viewer's right of the midline, y down from the top of
        the head, in heights of the body (of head and neck for ``"head"``).
    """

    view: View
    polygon: tuple[tuple[float, float], ...]

    def mirrored(self) -> BodyRegion:
        """Return the region of the other side of the person."""
        return BodyRegion(self.view, tuple((-x, y) for x, y in self.polygon))


def _right(view: View, half: tuple[tuple[float, float], ...]) -> BodyRegion:
    # From the front, the person's right is on the viewer's left.
    sign = 1.0 if view == "back" else -1.0
    return BodyRegion(view, tuple((sign * x, y) for x, y in half))


MUSCLE_REGIONS: Final[dict[str, BodyRegion]] = {
    muscle: _right(view, half) for muscle, (view, half) in PLACES.items()
}
"""The region of each of `napari_muscle_us.muscles.STANDARD_MUSCLES` on the right."""

_BY_NAME: Final = {muscle.casefold(): muscle for muscle in MUSCLE_REGIONS}


def regions_for(muscle: str, side: str = "") -> tuple[BodyRegion, ...]:
    """Return the regions of a muscle.

    Parameters
    ----------
    muscle : str
        One of `MUSCLE_REGIONS`, in any case.
    side : {"left", "right", ""}
        Side of the person; both for ``""``.

    Returns
    -------
    tuple of BodyRegion
        One a side; none for a muscle that is not on the map.

    Raises
    ------
    ReferenceSetError
        If the side is none.

    Examples
    --------
    >>> (region,) = regions_for("Biceps brachii", "left")
    >>> region.view, region.polygon[0][0] > 0
    ('front', True)
    """
    if side not in ("left", "right", ""):
        raise ReferenceSetError(
            f"{side!r:.40} is no side of the body; use left or right."
        )
    name = _BY_NAME.get(muscle.strip().casefold())
    if name is None:
        return ()
    right = MUSCLE_REGIONS[name]
    by_side = {"right": (right,), "left": (right.mirrored(),)}
    return by_side.get(side, (right, right.mirrored()))


def z_colours(z: npt.ArrayLike) -> Floats:
    """Return the colours of Z-scores.

    Parameters
    ----------
    z : array_like, shape (n,)
        Z-scores; NaN where there is none.

    Returns
    -------
    ndarray of float64, shape (n, 4)
        Red, green, blue and opacity, 0 … 1: near white at 0, darker and bluer below,
        darker and browner above, the same from ±4 on; light grey for NaN.

    Examples
    --------
    >>> z_colours([4, 9]).round(2).tolist()
    [[0.52, 0.18, 0.02, 1.0], [0.52, 0.18, 0.02, 1.0]]
    """
    values = np.atleast_1d(np.asarray(z, dtype=np.float64))
    places = np.linspace(-SATURATED_Z, SATURATED_Z, len(_ANCHORS))
    known = np.nan_to_num(values, nan=0.0, posinf=np.inf, neginf=-np.inf)
    anchors = np.asarray(_ANCHORS)
    colours = np.ones((values.size, 4))
    for channel in range(3):
        colours[:, channel] = np.interp(known, places, anchors[:, channel])
    colours[np.isnan(values)] = NOT_MEASURED
    return colours


def body_outline(view: View) -> Floats:
    """Return the closed outline of a view, in the coordinates of `BodyRegion`.

    Returns
    -------
    ndarray of float64, shape (n, 2)
        Corners (x, y).
    """
    half = smooth(FACE if view == "head" else BODY)
    return np.vstack([half, half[::-1] * (-1, 1)])


def face_lines() -> tuple[Floats, ...]:
    """Return brows, eyes, nose, mouth and chin of the face, as open lines."""
    halves = [smooth(line) for line in FEATURES]
    return tuple(line * (sign, 1) for line in halves for sign in (1, -1))


def z_by_place(examination: Examination) -> dict[tuple[str, str], float]:
    """Return Z-scores by muscle, as the reference set names it, and side."""
    return {
        (muscle.score.muscle, muscle.side): muscle.z
        for muscle in examination.muscles
        if muscle.score is not None
    }


def draw_body_map(
    axes: object, z_by_muscle_side: Mapping[tuple[str, str], float]
) -> tuple[str, ...]:
    """Draw the body with muscles coloured by Z-score.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        To draw on; emptied before.
    z_by_muscle_side : mapping of (str, str) to float
        Z-score by muscle and side, as from `z_by_place`; NaN or left out where a
        muscle has none. A side ``""`` colours both.

    Returns
    -------
    tuple of str
        Muscles that have a Z-score and are not on the map.
    """
    from napari_muscle_us.reference.examination._body_drawing import draw_map

    found: dict[tuple[str, str], float] = {}
    missing = []
    for (muscle, side), z in z_by_muscle_side.items():
        name = _BY_NAME.get(muscle.strip().casefold())
        if name is None:
            missing.append(muscle)
            continue
        for one in (side,) if side else ("left", "right"):
            found.setdefault((name, one), z)
    draw_map(axes, found)
    return tuple(dict.fromkeys(missing))


def draw_z_bars(axes: object, examination: Examination) -> None:
    """Draw a bar for each Z-score, the two sides of a muscle beside each other.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
        To draw on; emptied before.
    examination : Examination
        What to draw; muscles without a Z-score are named and have no bar.
    """
    from napari_muscle_us.reference.examination._body_drawing import draw_bars

    draw_bars(axes, examination)
