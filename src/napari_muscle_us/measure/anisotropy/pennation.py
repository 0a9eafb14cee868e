"""Pennation angle, muscle thickness and fascicle length between two aponeuroses."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from napari_muscle_us.measure.anisotropy._fascicle_path import Path, crossing
from napari_muscle_us.measure.anisotropy._muscle import (
    Muscle,
    fascicle_paths,
    known_median,
    least_distance,
    muscle_between,
    share_beyond,
)
from napari_muscle_us.measure.anisotropy._prepare import checked_spacing

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from napari_muscle_us.measure.anisotropy.aponeurosis import Aponeurosis

    Float = npt.NDArray[np.float64]

MAX_THICKNESSES: Final = 20.0
"""Longest way from a fascicle's middle to an aponeurosis, in muscle thicknesses.

A fascicle of 3 degrees is as long.
"""

MAX_BEYOND: Final = 2.0
"""How far beyond its end an aponeurosis is prolonged, in its own lengths."""


class ConstructionLine(NamedTuple):
    """A line that a number was measured on.

    Attributes
    ----------
    name : str
        What it is, such as ``"thickness"`` or ``"fascicle 1, curved"``.
    vertices : ndarray of float, shape (n, 2)
        Row and column in px.
    """

    name: str
    vertices: Float


@dataclass(frozen=True, slots=True)
class FascicleArchitecture:
    """What one fascicle gives; angles in degrees, lengths in `Architecture.unit`.

    Attributes
    ----------
    direction_deg : float
        Direction of its straight line, (-90, 90], counter-clockwise positive.
    pennation_deg, pennation_superficial_deg : float
        Acute angle of the straight line to either aponeurosis, where they meet.
    pennation_curved_deg : float
        Acute angle of the arc to the deep aponeurosis where they meet.
    length, length_curved, length_trigonometric : float
        See `Architecture`.
    curvature : float
        1 / radius of the arc, per `unit`, without sign.
    extrapolated_share : float
        See `Architecture`.
    reason, curved_reason : str
        Why there are no numbers, or none from the arc; else empty.
    """

    direction_deg: float
    pennation_deg: float = math.nan
    pennation_superficial_deg: float = math.nan
    pennation_curved_deg: float = math.nan
    length: float = math.nan
    length_curved: float = math.nan
    length_trigonometric: float = math.nan
    curvature: float = math.nan
    extrapolated_share: float = math.nan
    reason: str = ""
    curved_reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Architecture:
    """Architecture of a muscle; of several fascicles the median of each number.

    Lengths in mm are NaN without a scale, those in px where pixels are not square.

    Attributes
    ----------
    pennation_deg : float
        Angle of the fascicle's straight line to the deep aponeurosis at its insertion.
    pennation_superficial_deg : float
        The same at the superficial aponeurosis.
    pennation_curved_deg : float
        Angle of the fascicle's arc to the deep aponeurosis at its insertion.
    thickness_px, thickness_mm : float
        Distance of the inner borders on the normal to their mean direction, through
        the middle of the columns that both have.
    thickness_min_px, thickness_min_mm : float
        As DL_Track_US 0.3.0 does: least distance from the middle of the superficial to
        the central third of the deep aponeurosis.
    fascicle_length_px, fascicle_length_mm : float
        Along the fascicle's straight line from aponeurosis to aponeurosis, all of them
        prolonged where needed.
    fascicle_length_curved_px, fascicle_length_curved_mm : float
        The same along the arc of constant curvature through the drawn fascicle.
    fascicle_length_trigonometric_px, fascicle_length_trigonometric_mm : float
        Estimate: thickness over the sine of pennation, for parallel aponeuroses.
    extrapolated_share : float
        Share of the straight length, 0 to 1, beyond the columns both aponeuroses have.
    unit : {"mm", "px"}
        Unit of the lengths in `fascicles`.
    fascicles : tuple of FascicleArchitecture
        Each one, in the order given.
    construction : tuple of ConstructionLine
        The lines that were used.
    """

    pennation_deg: float
    pennation_superficial_deg: float
    pennation_curved_deg: float
    thickness_px: float
    thickness_mm: float
    thickness_min_px: float
    thickness_min_mm: float
    fascicle_length_px: float
    fascicle_length_mm: float
    fascicle_length_curved_px: float
    fascicle_length_curved_mm: float
    fascicle_length_trigonometric_px: float
    fascicle_length_trigonometric_mm: float
    extrapolated_share: float
    unit: str
    fascicles: tuple[FascicleArchitecture, ...]
    construction: tuple[ConstructionLine, ...]
    _no_scale: bool
    _not_square: bool

    def reason(self, key: str) -> str:
        """Return why a number is NaN, a sentence, or an empty string.

        Parameters
        ----------
        key : str
            Name of an attribute, such as ``"fascicle_length_mm"``.

        Returns
        -------
        str
            The reason; of several fascicles the first one's.
        """
        value = getattr(self, key)
        if not isinstance(value, float) or not math.isnan(value):
            return ""
        if key.endswith("_mm") and self._no_scale:
            return "The image has no scale, so lengths are in px; calibrate it."
        if key.endswith("_px") and self._not_square:
            return "The pixels are not square, so only lengths in mm are given."
        reasons = [f.reason for f in self.fascicles]
        if "curved" in key:
            reasons = [f.reason or f.curved_reason for f in self.fascicles]
        return next((r for r in reasons if r), "")


def measure_architecture(
    superficial: Aponeurosis,
    deep: Aponeurosis,
    fascicle: float | npt.ArrayLike | Sequence[npt.ArrayLike],
    *,
    spacing_mm: tuple[float, float] | None = None,
) -> Architecture:
    r"""Return pennation, thickness and fascicle length between two aponeuroses.

    A direction is laid through the middle of the muscle; a drawn fascicle gives the
    straight line and the arc of least distance to it. Either is followed to both
    aponeuroses. With :math:`\theta` the directions at the deep insertion,

    .. math::

        \text{pennation} = |\theta_{fascicle} - \theta_{deep}|, \qquad
        L_{trig} = \frac{\text{thickness}}{\sin(\text{pennation})}.

    Parameters
    ----------
    superficial, deep : Aponeurosis
        Inner borders, the first above the second.
    fascicle : float, or array_like of shape (n, 2), or a sequence of them
        Direction in degrees, -90 to 90, counter-clockwise positive, physical where a
        spacing is given; or the row and column of points along one or more fascicles.
    spacing_mm : tuple of float, optional
        Size of a pixel ``(depth, lateral)`` in mm. Without it pixels are taken to be
        square and lengths are in px.

    Returns
    -------
    Architecture
        NaN with a reason where a fascicle does not meet both aponeuroses within
        `MAX_THICKNESSES` and `MAX_BEYOND`, and for arcs of fewer than three points.

    Raises
    ------
    MeasureError
        If the aponeuroses cross or lie above one another nowhere, or a fascicle is
        not one.

    Notes
    -----
    What is extrapolated is not seen: `Architecture.extrapolated_share` tells how much.
    From short pieces the arc's curvature is poorly known; prefer the straight length
    unless the fascicle is visible over most of its way.

    References
    ----------
    Ritsche et al. 2023, DL_Track_US, doi:10.21105/joss.05206; van der Zee & Kuo 2022,
    TimTrack, doi:10.1371/journal.pone.0265752.

    Examples
    --------
    >>> from napari_muscle_us.measure.anisotropy.aponeurosis import Aponeurosis
    >>> upper = Aponeurosis.from_points([(50, 0), (50, 400)])
    >>> lower = Aponeurosis.from_points([(250, 0), (250, 400)])
    >>> found = measure_architecture(upper, lower, 30.0, spacing_mm=(0.1, 0.1))
    >>> round(found.pennation_deg, 6), round(found.thickness_mm, 6)
    (30.0, 20.0)
    >>> round(found.fascicle_length_mm, 6)
    40.0
    """
    spacing = checked_spacing(spacing_mm)
    muscle = muscle_between(superficial, deep, spacing)
    drawn = fascicle_paths(fascicle, muscle)
    lines: list[ConstructionLine] = []
    measured = []
    for number, (path, arc) in enumerate(drawn, start=1):
        result, used = _measure_fascicle(muscle, path, arc, f"fascicle {number}")
        measured.append(result)
        lines += used
    return _summary(muscle, tuple(measured), lines)


def _measure_fascicle(
    muscle: Muscle, path: Path, arc: Path | None, name: str
) -> tuple[FascicleArchitecture, list[ConstructionLine]]:
    """Return the numbers of one fascicle and the lines they were measured on."""
    direction = _wrapped(path.direction_deg(0.0))
    ends = _ends(muscle, path)
    if isinstance(ends, str):
        return FascicleArchitecture(direction, reason=ends, curved_reason=ends), []
    lower, upper = ends
    line = path.drawn(lower, upper)
    pennation = _angle_between(muscle, muscle.deep, path, lower)
    result = FascicleArchitecture(
        direction_deg=direction,
        pennation_deg=pennation,
        pennation_superficial_deg=_angle_between(
            muscle, muscle.superficial, path, upper
        ),
        length=abs(upper - lower),
        length_trigonometric=_over_sine(muscle.thickness, pennation),
        extrapolated_share=share_beyond(muscle, line),
    )
    lines = [ConstructionLine(f"{name}, linear", muscle.frame.vertices(line))]
    return _with_arc(muscle, result, arc, lines, name), lines


def _with_arc(
    muscle: Muscle,
    result: FascicleArchitecture,
    arc: Path | None,
    lines: list[ConstructionLine],
    name: str,
) -> FascicleArchitecture:
    """Return the numbers together with those of the arc, whose line is added."""
    if arc is None:
        why = "The curvature of a fascicle needs three points or more along it."
        return replace(result, curved_reason=why)
    ends = _ends(muscle, arc)
    if isinstance(ends, str):
        return replace(result, curved_reason=ends)
    vertices = muscle.frame.vertices(arc.drawn(*ends))
    lines.append(ConstructionLine(f"{name}, curved", vertices))
    return replace(
        result,
        pennation_curved_deg=_angle_between(muscle, muscle.deep, arc, ends[0]),
        length_curved=abs(ends[1] - ends[0]),
        curvature=abs(arc.curvature),
    )


def _ends(muscle: Muscle, path: Path) -> tuple[float, float] | str:
    """Return the lengths along a path at the deep and the superficial aponeurosis.

    Of opposite sign, as the path runs from one to the other; or why there are none.
    """
    top, bottom = (
        float(muscle.frame.height(line)(np.array([path.x]))[0])
        for line in (muscle.superficial, muscle.deep)
    )
    if not bottom < path.y < top:
        return "The middle of the fascicle lies outside the muscle; draw it inside."
    column = path.x / muscle.frame.lateral
    below = muscle.deep.angle_deg(column, spacing_mm=muscle.spacing)
    across = path.direction_deg(0.0) - below
    upwards = 1.0 if math.sin(math.radians(across)) >= 0 else -1.0
    found = []
    for name, sign in (("deep", -upwards), ("superficial", upwards)):
        line: Aponeurosis = getattr(muscle, name)
        reach = sign * MAX_THICKNESSES * muscle.thickness
        length = crossing(path, muscle.frame.height(line), reach)
        if length is None or _beyond(muscle, line, path, length) > MAX_BEYOND:
            what = "arc through the fascicle" if path.curvature else "fascicle"
            return (
                f"The {what} does not meet the {name} aponeurosis within "
                f"{MAX_THICKNESSES:g} muscle thicknesses and {MAX_BEYOND:g} lengths of "
                "its line, so its length is not known."
            )
        found.append(length)
    return found[0], found[1]


def _beyond(muscle: Muscle, line: Aponeurosis, path: Path, length: float) -> float:
    """Return how far beyond its end an aponeurosis is met, in its own lengths."""
    first, last = line.columns
    column = float(path.at(np.array([length]))[0, 0]) / muscle.frame.lateral
    return max(first - column, column - last, 0.0) / (last - first)


def _angle_between(
    muscle: Muscle, line: Aponeurosis, path: Path, length: float
) -> float:
    """Return the acute angle of a path to an aponeurosis where they meet."""
    column = float(path.at(np.array([length]))[0, 0]) / muscle.frame.lateral
    there = line.angle_deg(column, spacing_mm=muscle.spacing)
    return abs(_wrapped(path.direction_deg(length) - there))


def _over_sine(thickness: float, pennation: float) -> float:
    """Return the length of a fascicle between parallel aponeuroses."""
    sine = math.sin(math.radians(pennation))
    return thickness / sine if sine else math.nan


def _wrapped(degrees: float) -> float:
    """Return the direction of a line in (-90, 90]."""
    return 90.0 - (90.0 - degrees) % 180.0


def _summary(
    muscle: Muscle,
    fascicles: tuple[FascicleArchitecture, ...],
    lines: list[ConstructionLine],
) -> Architecture:
    """Return the medians with both units and the whole construction."""
    least, least_ends = least_distance(muscle)
    spacing = muscle.spacing
    lengths = {
        "thickness": muscle.thickness,
        "thickness_min": least,
        "fascicle_length": known_median([f.length for f in fascicles]),
        "fascicle_length_curved": known_median([f.length_curved for f in fascicles]),
        "fascicle_length_trigonometric": known_median(
            [f.length_trigonometric for f in fascicles]
        ),
    }
    in_px = 1.0
    if spacing is not None:
        in_px = 1 / spacing[0] if spacing[0] == spacing[1] else math.nan
    in_mm = math.nan if spacing is None else 1.0
    both = {f"{name}_px": value * in_px for name, value in lengths.items()}
    both |= {f"{name}_mm": value * in_mm for name, value in lengths.items()}
    return Architecture(
        pennation_deg=known_median([f.pennation_deg for f in fascicles]),
        pennation_superficial_deg=known_median(
            [f.pennation_superficial_deg for f in fascicles]
        ),
        pennation_curved_deg=known_median([f.pennation_curved_deg for f in fascicles]),
        **both,
        extrapolated_share=known_median([f.extrapolated_share for f in fascicles]),
        unit="px" if spacing is None else "mm",
        fascicles=fascicles,
        construction=(
            ConstructionLine("superficial aponeurosis", muscle.superficial.vertices),
            ConstructionLine("deep aponeurosis", muscle.deep.vertices),
            ConstructionLine("thickness", muscle.thickness_ends),
            ConstructionLine("least thickness", least_ends),
            *lines,
        ),
        _no_scale=spacing is None,
        _not_square=spacing is not None and spacing[0] != spacing[1],
    )
