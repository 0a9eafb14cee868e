"""A fascicle as a straight line or an arc, and where it meets an aponeurosis.

All in physical coordinates: x to the right, y upwards, in mm, or px without a scale.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from napari_muscle_us.measure.anisotropy.aponeurosis import Aponeurosis

    Float = npt.NDArray[np.float64]

_SAMPLES: Final = 4001
_ROUNDS: Final = 8
_PARTS: Final = 64
_ON_LINE: Final = 33
_FLAT: Final = 1e-6
_SETTLED: Final = 1e-9
_WILD: Final = 100.0


@dataclass(frozen=True, slots=True)
class Frame:
    """Turns pixels into physical coordinates and back; 1 px is 1 without a scale."""

    depth: float
    lateral: float

    def points(self, vertices: Float) -> Float:
        """Return x and y of rows and columns."""
        return np.column_stack(
            [vertices[:, 1] * self.lateral, -vertices[:, 0] * self.depth]
        )

    def vertices(self, points: Float) -> Float:
        """Return rows and columns of x and y."""
        return np.column_stack(
            [-points[:, 1] / self.depth, points[:, 0] / self.lateral]
        )

    def height(self, line: Aponeurosis) -> Callable[[Float], Float]:
        """Return the function that gives y of an aponeurosis at x."""
        return lambda x: -line.row_at(x / self.lateral) * self.depth


@dataclass(frozen=True, slots=True)
class Path:
    """A line of constant curvature through a point.

    Attributes
    ----------
    x, y : float
        The point, from which lengths along the path are counted.
    heading : float
        Direction there, radians, counter-clockwise from the right.
    curvature : float
        1 / radius, positive when it turns counter-clockwise; 0 for a straight line.
    """

    x: float
    y: float
    heading: float
    curvature: float = 0.0

    def at(self, length: Float) -> Float:
        """Return points, shape (n, 2), at lengths along the path."""
        turn = self.curvature * length / 2
        # Chord of an arc: sinc holds for the straight line, too.
        chord = length * np.sinc(turn / math.pi)
        angle = self.heading + turn
        return np.column_stack(
            [self.x + chord * np.cos(angle), self.y + chord * np.sin(angle)]
        )

    def direction_deg(self, length: float) -> float:
        """Return the direction at a length, in degrees."""
        return math.degrees(self.heading + self.curvature * length)

    def drawn(self, start: float, stop: float) -> Float:
        """Return points along the path for drawing, two where it is straight."""
        number = 2 if self.curvature == 0 else _ON_LINE
        return self.at(np.linspace(start, stop, number))


def crossing(
    path: Path, height: Callable[[Float], Float], limit: float
) -> float | None:
    """Return the length along a path at which it first meets a line, if it does.

    Lengths from 0 to `limit` are looked at, which is negative for backwards; an arc is
    followed for a quarter of a turn at most.
    """
    if path.curvature:
        quarter = math.pi / 2 / abs(path.curvature)
        limit = math.copysign(min(abs(limit), quarter), limit)

    def above(lengths: Float) -> Float:
        points = path.at(lengths)
        return np.asarray(points[:, 1] - height(points[:, 0]))

    lengths = np.linspace(0.0, limit, _SAMPLES)
    sides = above(lengths) > 0
    changes = np.flatnonzero(sides[1:] != sides[:-1])
    if len(changes) == 0:
        return None
    low, high = lengths[changes[0]], lengths[changes[0] + 1]
    for _ in range(_ROUNDS):
        # Many places at once: a call of NumPy costs more than its numbers do.
        within = np.linspace(low, high, _PARTS + 1)
        other = (above(within) > 0) != sides[0]
        first = max(int(np.argmax(other)), 1)
        low, high = within[first - 1], within[first]
    return float((low + high) / 2)


def straight_path(points: Float) -> Path:
    """Return the straight line of least distance to a drawn line, from its middle."""
    even = _evenly(points)
    x, y = even.mean(axis=0)
    _, _, axes = np.linalg.svd(even - (x, y), full_matrices=False)
    heading = math.atan2(axes[0, 1], axes[0, 0])
    return Path(float(x), float(y), _to_the_right(heading))


def curved_path(points: Float) -> Path | None:
    """Return the arc of least squared distance to points along it, from their middle.

    Points weigh as much as the length of line around them. Gauss–Newton on offset,
    direction and curvature, which needs no centre and so holds for straight lines;
    None where points are so scattered that no arc is found.
    """
    start = straight_path(points)
    size = float(np.ptp(points, axis=0).max())
    away = points - (start.x, start.y)
    steps = np.hypot(*np.diff(points, axis=0).T)
    weights = np.sqrt(np.r_[steps, 0.0] + np.r_[0.0, steps])
    values = np.zeros(3)
    for _ in range(50):
        distance = _distances(away, start.heading, values, size)
        slopes = np.empty((len(points), 3))
        for k in range(3):
            moved = values.copy()
            moved[k] += _FLAT
            there = _distances(away, start.heading, moved, size)
            slopes[:, k] = (there - distance) / _FLAT
        step, *_ = np.linalg.lstsq(
            slopes * weights[:, None], -distance * weights, rcond=None
        )
        values = values + step
        if np.abs(values).max() > _WILD:
            return None
        if np.abs(step).max() < _SETTLED:
            break
    else:
        return None
    offset, turn, bend = values
    normal = start.heading + math.pi / 2
    curvature = 0.0 if abs(bend) < _FLAT else float(bend) / size
    return Path(
        start.x + float(offset) * size * math.cos(normal),
        start.y + float(offset) * size * math.sin(normal),
        start.heading + float(turn),
        curvature,
    )


def _distances(away: Float, heading: float, values: Float, size: float) -> Float:
    """Return signed distances of points to an arc, in parts of their extent."""
    offset, turn, bend = values
    points = away / size
    normal = heading + math.pi / 2
    points = points - offset * np.array([math.cos(normal), math.sin(normal)])
    cosine, sine = math.cos(heading + turn), math.sin(heading + turn)
    along = points[:, 0] * cosine + points[:, 1] * sine
    across = points[:, 1] * cosine - points[:, 0] * sine
    power = 2 * across - bend * (along**2 + across**2)
    return np.asarray(power / (1 + np.sqrt(np.maximum(1 - bend * power, 0.0))))


def _evenly(points: Float) -> Float:
    """Return points at equal distances along a drawn line, however it was clicked."""
    steps = np.hypot(*np.diff(points, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    at = np.linspace(0.0, along[-1], _ON_LINE)
    return np.column_stack([np.interp(at, along, points[:, k]) for k in (0, 1)])


def _to_the_right(heading: float) -> float:
    """Return the same line's heading in (−90, 90] degrees."""
    if heading > math.pi / 2:
        return heading - math.pi
    if heading <= -math.pi / 2:
        return heading + math.pi
    return heading
