"""A muscle between two aponeuroses and the fascicles in it, checked."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.anisotropy._fascicle_path import (
    Frame,
    Path,
    crossing,
    curved_path,
    straight_path,
)
from napari_muscle_us.measure.anisotropy._lines import FARTHEST_PX
from napari_muscle_us.measure.texture._checks import shown

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_muscle_us.measure.anisotropy.aponeurosis import Aponeurosis

    Float = npt.NDArray[np.float64]

_MAX_POINTS: Final = 10_000
_MAX_FASCICLES: Final = 1000


class Muscle(NamedTuple):
    """Two checked aponeuroses with what is measured between them.

    `columns` are those that both have, `middle` is a point in physical coordinates,
    and `thickness` is in mm, or px without a `spacing`.
    """

    superficial: Aponeurosis
    deep: Aponeurosis
    frame: Frame
    spacing: tuple[float, float] | None
    columns: tuple[float, float]
    middle: tuple[float, float]
    thickness: float
    thickness_ends: Float


def muscle_between(
    superficial: Aponeurosis, deep: Aponeurosis, spacing: tuple[float, float] | None
) -> Muscle:
    """Return two aponeuroses with their thickness, or refuse what bounds no muscle."""
    first, last = _shared_columns(superficial, deep)
    frame = Frame(*(spacing or (1.0, 1.0)))
    column = np.array([(first + last) / 2])
    x = float(column[0]) * frame.lateral
    top, bottom = (
        float(frame.height(line)(column * frame.lateral)[0])
        for line in (superficial, deep)
    )
    middle = (x, (top + bottom) / 2)
    mean = sum(line.angle_deg(spacing_mm=spacing) for line in (superficial, deep)) / 2
    normal = Path(*middle, math.radians(mean + 90))
    reach = 5 * (top - bottom)
    up = crossing(normal, frame.height(superficial), reach)
    down = crossing(normal, frame.height(deep), -reach)
    if up is None or down is None:
        raise MeasureError(
            "The thickness cannot be measured, since the normal through the middle "
            "does not meet both aponeuroses; redraw them more level."
        )
    ends = frame.vertices(normal.drawn(up, down))
    return Muscle(
        superficial, deep, frame, spacing, (first, last), middle, up - down, ends
    )


def _shared_columns(superficial: Aponeurosis, deep: Aponeurosis) -> tuple[float, float]:
    """Return the first and last column that both lines have, one above the other."""
    first = max(superficial.columns[0], deep.columns[0])
    last = min(superficial.columns[1], deep.columns[1])
    if first >= last:
        spans = [
            f"{line.columns[0]:.0f} … {line.columns[1]:.0f}"
            for line in (superficial, deep)
        ]
        raise MeasureError(
            f"The aponeuroses share no columns ({spans[0]} and {spans[1]}); draw them "
            "one above the other."
        )
    corners = np.concatenate([superficial.vertices[:, 1], deep.vertices[:, 1]])
    columns = np.clip(corners, first, last)
    if (deep.row_at(columns) <= superficial.row_at(columns)).any():
        raise MeasureError(
            "The superficial aponeurosis does not lie above the deep one everywhere; "
            "exchange or redraw them."
        )
    return first, last


def share_beyond(muscle: Muscle, line: Float) -> float:
    """Return the share of a straight line outside the columns both lines have."""
    columns = np.sort(line[:, 0] / muscle.frame.lateral)
    inside = np.clip(columns, *muscle.columns)
    extent = columns[-1] - columns[0]
    if extent == 0:
        outside = not muscle.columns[0] <= columns[0] <= muscle.columns[1]
        return float(outside)
    return float(1 - (inside[-1] - inside[0]) / extent)


def least_distance(muscle: Muscle) -> tuple[float, Float]:
    """Return the thickness as DL_Track_US takes it, and its line."""
    first, last = muscle.columns
    extent = last - first
    middle = (first + last) / 2
    top = np.array([[muscle.superficial.row_at(middle), middle]])
    point = muscle.frame.points(top)
    start, stop = first + 0.33 * extent, first + 0.66 * extent
    corners = np.clip(muscle.deep.vertices[:, 1], start, stop)
    columns = np.unique(np.r_[start, corners, stop])
    vertices = np.column_stack([muscle.deep.row_at(columns), columns])
    border = muscle.frame.points(vertices)
    pieces = np.diff(border, axis=0)
    share = ((point - border[:-1]) * pieces).sum(axis=1) / (pieces**2).sum(axis=1)
    feet = border[:-1] + np.clip(share, 0, 1)[:, None] * pieces
    distances = np.hypot(*(point - feet).T)
    nearest = int(distances.argmin())
    foot = muscle.frame.vertices(feet[nearest : nearest + 1])
    return float(distances[nearest]), np.vstack([top, foot])


def fascicle_paths(fascicle: Any, muscle: Muscle) -> list[tuple[Path, Path | None]]:
    """Return the straight line of each fascicle and its arc, where it can be known."""
    if np.isscalar(fascicle) or (
        isinstance(fascicle, np.ndarray) and not fascicle.ndim
    ):
        return [(Path(*muscle.middle, math.radians(_direction(fascicle))), None)]
    paths: list[tuple[Path, Path | None]] = []
    for vertices in _polylines(fascicle):
        points = muscle.frame.points(vertices)
        arc = curved_path(points) if len(points) > 2 else None
        paths.append((straight_path(points), arc))
    return paths


def _direction(value: Any) -> float:
    """Return a direction in degrees, or refuse what is none."""
    try:
        degrees = math.nan if isinstance(value, (bool, str)) else float(value)
    except (TypeError, ValueError, OverflowError):
        degrees = math.nan
    if not -90 <= degrees <= 90:
        raise MeasureError(
            f"A fascicle direction of {shown(value)} degrees is not possible; give a "
            "number from -90 to 90, counter-clockwise positive, or points along the "
            "fascicle."
        )
    return degrees


def _polylines(fascicle: Any) -> list[Float]:
    """Return the points of one drawn fascicle or of several."""
    one = _points(fascicle)
    if one is not None:
        return [_checked(one)]
    lines = list(fascicle) if isinstance(fascicle, (list, tuple, np.ndarray)) else []
    several = [_points(line) for line in lines[: _MAX_FASCICLES + 1]]
    known = [_checked(points) for points in several if points is not None]
    if not 0 < len(lines) == len(known) <= _MAX_FASCICLES:
        raise MeasureError(
            f"A fascicle is a direction in degrees or 2 to {_MAX_POINTS} points of row "
            f"and column, and at most {_MAX_FASCICLES} are taken; draw it as a line."
        )
    return known


def _points(value: Any) -> Float | None:
    """Return rows and columns, or None for what has another shape."""
    try:
        points = np.asarray(value, np.float64)
    except (TypeError, ValueError, OverflowError):
        return None
    if points.ndim != 2 or points.shape[1] != 2:
        return None
    return points if 2 <= len(points) <= _MAX_POINTS else None


def _checked(points: Float) -> Float:
    """Return points without repeats, or refuse what has no direction."""
    if not (np.abs(points) <= FARTHEST_PX).all():
        raise MeasureError(
            "A point of the fascicle is no number or lies far outside any image; draw "
            "the line again."
        )
    moved = np.r_[True, np.abs(np.diff(points, axis=0)).max(axis=1) > 0]
    kept = points[moved]
    if len(kept) < 2:
        raise MeasureError(
            "All points of the fascicle lie in one place, so it has no direction; draw "
            "it longer."
        )
    return kept


def known_median(values: list[float]) -> float:
    """Return the median of what is known, or NaN."""
    known = [value for value in values if not math.isnan(value)]
    return float(np.median(known)) if known else math.nan
