"""What is drawn of an architecture beside the user's lines: how it was measured."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from napari_muscle_us._napari._architecture_layer import COLOURS

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from napari_muscle_us._napari.panels._arch_work import Outcome
    from napari_muscle_us.measure.anisotropy.aponeurosis import Aponeurosis

    Float = npt.NDArray[np.float64]

THICKNESS_COLOUR: Final = "#ffffff"
LEAST_COLOUR: Final = "#90a4ae"
STRAIGHT_COLOUR: Final = "#b9f6ca"
CURVED_COLOUR: Final = "#eeff41"
ANGLE_COLOUR: Final = "#ffffff"
_ARC: Final = 0.25
"""Radius of the angle's arc, in lengths of the fascicle."""
_STEPS: Final = 17


class Part(NamedTuple):
    """A line of the construction.

    Attributes
    ----------
    name : str
        What it is.
    vertices : ndarray of float, shape (n, 2)
        Row and column in px.
    colour : str
        As ``"#rrggbb"``.
    label : str
        What is written beside it; empty for nothing.
    """

    name: str
    vertices: Float
    colour: str
    label: str = ""


def construction_parts(outcome: Outcome) -> list[Part]:
    """Return the lines that an architecture was measured on, with its numbers.

    None where there are no numbers; those of the thickness where no fascicle is drawn.
    """
    found, superficial, deep = outcome.architecture, outcome.superficial, outcome.deep
    if found is None or superficial is None or deep is None:
        return []
    lines = {line.name: line.vertices for line in found.construction}
    thickness = found.thickness_mm if found.unit == "mm" else found.thickness_px
    text = f"{thickness:.1f} {found.unit}"
    parts = [
        Part("thickness", lines["thickness"], THICKNESS_COLOUR, text),
        Part("least thickness", lines["least thickness"], LEAST_COLOUR),
    ]
    if not outcome.has_fascicle:
        return parts
    straight = [v for name, v in lines.items() if name.endswith(", linear")]
    parts += _prolonged("superficial", superficial, [v[-1] for v in straight])
    parts += _prolonged("deep", deep, [v[0] for v in straight])
    for number, fascicle in enumerate(found.fascicles, start=1):
        name = f"fascicle {number}"
        line, curved = (lines.get(f"{name}, {kind}") for kind in ("linear", "curved"))
        if line is None:
            continue
        parts.append(Part(f"{name}, straight", line, STRAIGHT_COLOUR))
        angle = _angle(line, deep, outcome.spacing_mm)
        text = f"{fascicle.pennation_deg:.1f}°"
        parts.append(Part(f"pennation {number}", angle, ANGLE_COLOUR, text))
        if curved is not None:
            parts.append(Part(f"{name}, curved", curved, CURVED_COLOUR))
    return parts


def _prolonged(role: str, line: Aponeurosis, met: list[Float]) -> Iterator[Part]:
    """Yield an aponeurosis beyond its ends, as far as a fascicle meets it there."""
    if not met:
        return
    columns = [float(point[1]) for point in met]
    ends = ((min(columns), 0), (max(columns), -1))
    first, last = line.columns
    for column, end in ends:
        if column < first if end == 0 else column > last:
            there = np.array([line.row_at(column), column])
            vertices = np.vstack([line.vertices[end], there])
            yield Part(f"prolonged {role} aponeurosis", vertices, COLOURS[role])


def _angle(
    line: Float, deep: Aponeurosis, spacing_mm: tuple[float, float] | None
) -> Float:
    """Return the deep aponeurosis' direction at the insertion, and the arc from it.

    Angles are physical, so that the arc is none of a circle where pixels are not
    square, but looks like one on an image that is shown in mm.
    """
    size = np.array(spacing_mm or (1.0, 1.0))
    insertion = line[0]
    along = (line[-1] - insertion) * size
    length = math.hypot(*along)
    fascicle = math.atan2(-along[0], along[1])
    below = math.radians(deep.angle_deg(float(insertion[1]), spacing_mm=spacing_mm))
    # Of the two ways along the aponeurosis the one at the acute angle.
    turn = (fascicle - below + math.pi / 2) % math.pi - math.pi / 2
    angles = np.linspace(fascicle - turn, fascicle, _STEPS)
    arc = np.column_stack([-np.sin(angles), np.cos(angles)]) * (_ARC * length)
    return np.vstack([insertion, insertion + arc / size])
