"""When a number that was computed again is the number of the table."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.anisotropy_rows import is_anisotropy
from napari_muscle_us.architecture_results import is_architecture

if TYPE_CHECKING:
    from collections.abc import Mapping

RELATIVE_TOLERANCE: Final = 1e-9
"""Two values closer than this, relative, are the same number."""

SINGLE_TOLERANCE: Final = 1e-5
"""The same for numbers from gradients in single precision.

Their last digits depend on the processor: one multiplies and adds in one step, another
rounds in between.
"""

ANGLE_TOLERANCE_DEG: Final = 1e-4
"""The same for angles from such gradients; far below what can be seen."""

_DIRECTIONS: Final = (
    "anisotropy.direction",
    "anisotropy.circular_mean",
    "anisotropy.fascicle_direction",
)


def agrees(row: Mapping[str, Any], told: float, value: float) -> bool:
    """Return whether a value that was computed again is the one of its row.

    Parameters
    ----------
    row : mapping
        Columns ``measure``, ``unit`` and ``method`` of the row.
    told, value : float
        The value in the row, and the one computed again.

    Returns
    -------
    bool
        NaN agrees with NaN only. Directions are those of lines: 90° is −90°.

    Examples
    --------
    >>> row = {"measure": "anisotropy.direction", "unit": "°", "method": "{}"}
    >>> agrees(row, 90.0, -89.99999), agrees(row, 90.0, 89.9)
    (True, False)
    """
    if math.isnan(told) or math.isnan(value):
        return math.isnan(told) and math.isnan(value)
    measure = str(row["measure"])
    from_texture = is_architecture(measure) and '"texture"' in str(row["method"])
    if not (is_anisotropy(measure) or from_texture):
        return math.isclose(told, value, rel_tol=RELATIVE_TOLERANCE)
    if row["unit"] != "°":
        return math.isclose(told, value, rel_tol=SINGLE_TOLERANCE)
    apart = abs(told - value)
    if measure in _DIRECTIONS and abs(told) <= 90:
        apart = min(apart, 180 - apart)
    return apart <= ANGLE_TOLERANCE_DEG
