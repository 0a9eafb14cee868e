"""What the page of architecture asks the core for; touches no layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NoReturn

import numpy as np

from napari_muscle_us.errors import MeasureError, MuscleUSError
from napari_muscle_us.measure.anisotropy.aponeurosis import (
    Aponeurosis,
    FoundAponeuroses,
    find_aponeuroses,
)
from napari_muscle_us.measure.anisotropy.fascicle import (
    FascicleDirection,
    fascicle_direction,
)
from napari_muscle_us.measure.anisotropy.pennation import (
    Architecture,
    measure_architecture,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt
    import pandas as pd

    from napari_muscle_us._napari._architecture_layer import DrawnLines
    from napari_muscle_us.image import UltrasoundImage

    Float = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]
    Spacing = tuple[float, float] | None

INSET: Final = 0.1
"""Part of the thickness at either border that is left out of the fascicles' region.

An aponeurosis inside would be an oblique line, too.
"""

_SHOWN: Final = 0.5
"""Part of the way to the aponeuroses that a fascicle from texture is drawn.

Longer, its ends and name would lie on theirs.
"""

_UPRIGHT_DEG: Final = 90.0


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What the lines on an image give.

    Attributes
    ----------
    lines : DrawnLines
        What was measured.
    spacing_mm : (float, float) or None
        Size of a pixel.
    superficial, deep : Aponeurosis or None
        The lines as aponeuroses.
    architecture : Architecture or None
        The numbers; without a fascicle those of the thickness only hold.
    missing : str
        What is to be drawn next, a sentence.
    problem : str
        Why there are no numbers, a sentence.
    """

    lines: DrawnLines
    spacing_mm: Spacing = None
    superficial: Aponeurosis | None = None
    deep: Aponeurosis | None = None
    architecture: Architecture | None = None
    missing: str = ""
    problem: str = ""

    @property
    def has_fascicle(self) -> bool:
        """Whether there is more than a thickness."""
        return bool(self.lines.fascicles)


def measure_lines(lines: DrawnLines, spacing_mm: Spacing) -> Outcome:
    """Return the architecture that some lines give, or what is missing."""
    missing = _missing(lines)
    if lines.superficial is None or lines.deep is None:
        return Outcome(lines, spacing_mm, missing=missing)
    try:
        superficial = Aponeurosis.from_points(lines.superficial)
        deep = Aponeurosis.from_points(lines.deep)
        # A line straight down always meets both, and the thickness asks for none.
        fascicles = list(lines.fascicles) or _UPRIGHT_DEG
        found = measure_architecture(
            superficial, deep, fascicles, spacing_mm=spacing_mm
        )
    except MuscleUSError as error:
        return Outcome(lines, spacing_mm, problem=str(error))
    return Outcome(lines, spacing_mm, superficial, deep, found, missing)


def _missing(lines: DrawnLines) -> str:
    absent = [
        name
        for name, line in (("superficial", lines.superficial), ("deep", lines.deep))
        if line is None
    ]
    if len(absent) == 2:
        return "Find the two aponeuroses, or draw them along their inner borders."
    if absent:
        return f"Draw the {absent[0]} aponeurosis along its inner border."
    if not lines.fascicles:
        return "Draw a fascicle, or take its direction from the texture."
    return ""


def refuse_nothing(outcome: Outcome) -> NoReturn:
    """Say why there are no numbers."""
    raise MeasureError(outcome.problem or f"No numbers yet. {outcome.missing}")


def rows_of(
    outcome: Outcome, image: UltrasoundImage, labels: Mapping[str, str], note: str
) -> pd.DataFrame:
    """Return the rows of the results table.

    Parameters
    ----------
    outcome : Outcome
        What was measured.
    image : UltrasoundImage
        Still image, of a clip the frame.
    labels : mapping
        Subject, visit, muscle and side.
    note : str
        What is to be known of all rows.

    Raises
    ------
    MuscleUSError
        If there are no numbers.
    """
    from napari_muscle_us.architecture_results import architecture_rows

    superficial, deep = outcome.superficial, outcome.deep
    if outcome.architecture is None or superficial is None or deep is None:
        refuse_nothing(outcome)
    return architecture_rows(
        image,
        superficial,
        deep,
        list(outcome.lines.fascicles) or None,
        subject=labels["subject"],
        visit=labels["visit"],
        muscle=labels["muscle"],
        side=labels["side"],
        note=note,
    )


def find_lines(
    gray: npt.NDArray[Any],
    spacing_mm: Spacing,
    mask: Mask | None,
    *,
    progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
) -> FoundAponeuroses | MuscleUSError:
    """Return the aponeuroses of a picture, or why it was refused."""
    try:
        return find_aponeuroses(gray, spacing_mm=spacing_mm, mask=mask)
    except MuscleUSError as error:
        return error


def find_fascicle(
    gray: npt.NDArray[Any],
    spacing_mm: Spacing,
    mask: Mask,
    *,
    progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
) -> FascicleDirection | MuscleUSError:
    """Return the direction of the fascicles in a region, or why it was refused."""
    try:
        return fascicle_direction(gray, mask, spacing_mm=spacing_mm)
    except MuscleUSError as error:
        return error


def muscle_mask(
    superficial: Aponeurosis, deep: Aponeurosis, shape: tuple[int, int]
) -> Mask:
    """Return the pixels between two aponeuroses, `INSET` of the way from either.

    Raises
    ------
    MeasureError
        If there are none.
    """
    rows, columns = np.mgrid[: shape[0], : shape[1]].astype(np.float64)
    across = columns[0]
    first = max(superficial.columns[0], deep.columns[0])
    last = min(superficial.columns[1], deep.columns[1])
    top, bottom = superficial.row_at(across), deep.row_at(across)
    edge = INSET * (bottom - top)
    mask = (rows >= top + edge) & (rows <= bottom - edge)
    mask &= (columns >= first) & (columns <= last)
    if not mask.any():
        raise MeasureError(
            "No pixel lies between the two aponeuroses; draw them one above the other."
        )
    return np.asarray(mask)


def line_along(
    direction_deg: float,
    centre: tuple[float, float],
    outcome: Outcome,
    reach_px: float,
) -> Float:
    """Return a line in a direction for the user to correct.

    Parameters
    ----------
    direction_deg : float
        Physical where there is a spacing.
    centre : (float, float)
        Row and column of its middle.
    outcome : Outcome
        The aponeuroses, which the line does not reach, where they are drawn.
    reach_px : float
        Most columns to either side of the middle.

    Returns
    -------
    ndarray, shape (2, 2)
        Rows and columns of its ends.
    """
    depth, lateral = outcome.spacing_mm or (1.0, 1.0)
    angle = np.radians(direction_deg)
    step = np.array([-np.sin(angle) / depth, np.cos(angle) / lateral])
    step /= np.hypot(*step)
    reach = reach_px / max(abs(float(step[1])), 0.1)
    return np.vstack(
        [
            np.add(centre, sign * _room(centre, sign * step, outcome, reach) * step)
            for sign in (-1, 1)
        ]
    )


def _room(
    centre: tuple[float, float], step: Float, outcome: Outcome, reach: float
) -> float:
    """Return how far a line may go on before it comes near an aponeurosis."""
    superficial, deep = outcome.superficial, outcome.deep
    if superficial is None or deep is None:
        return reach
    lengths = np.linspace(0, reach, 201)
    rows, columns = (centre[axis] + lengths * step[axis] for axis in (0, 1))
    inside = (rows > superficial.row_at(columns)) & (rows < deep.row_at(columns))
    if inside.all() or not inside[0]:
        return reach
    return _SHOWN * float(lengths[int(np.argmin(inside))])


def muscle_middle(superficial: Aponeurosis, deep: Aponeurosis) -> tuple[float, float]:
    """Return row and column half-way between two aponeuroses."""
    first = max(superficial.columns[0], deep.columns[0])
    last = min(superficial.columns[1], deep.columns[1])
    column = (first + last) / 2
    return (superficial.row_at(column) + deep.row_at(column)) / 2, column
