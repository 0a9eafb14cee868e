"""How the texture panel says numbers, directions and choices."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from napari_muscle_us.measure.intensity import GRAY_LEVELS
from napari_muscle_us.measure.texture.offsets import offsets_mm

if TYPE_CHECKING:
    from napari_muscle_us.measure.texture.features import Feature
    from napari_muscle_us.measure.texture.measure import Texture
    from napari_muscle_us.measure.texture.offsets import Offset

NOTHING: Final = "–"
PENDING: Final = "…"
COMPILING: Final = "Compiling the texture kernels (once)…"
COMPUTING: Final = "Computing…"
NO_PAIRS: Final = (
    "No two pixels of the ROI are this far apart; choose a shorter distance or a "
    "larger ROI."
)

_DIGITS: Final = 5
_FEWER: Final = 4
"""Of a number below 1, whose zeros take room, too."""
_LARGE: Final = 1e6
_SMALL: Final = 1e-3


class Choice(NamedTuple):
    """A setting's value with what is said of it."""

    value: str
    words: str
    tip: str


AGGREGATIONS: Final = (
    Choice(
        "2d_s_mrg",
        "All directions together (SUJT)",
        "Pairs of all four directions are counted in one matrix, and the features are "
        "taken from it. The usual choice for a single image.",
    ),
    Choice(
        "2d_avg",
        "Each, then the mean (BTW3)",
        "Each of the four directions has a matrix of its own; the features are the "
        "mean of the four.",
    ),
    Choice(
        "2.5d_v_mrg",
        "All directions and frames (ZW7Z)",
        "One matrix of all directions and of all frames of a clip. For one frame, as "
        "shown here, the same as SUJT.",
    ),
    Choice(
        "2.5d_d_mrg",
        "Each over all frames (JJUI)",
        "A matrix a direction with all frames of a clip, then the mean. For one frame, "
        "as shown here, the same as BTW3.",
    ),
)

_DIRECTIONS: Final = {
    (0, 1): ("lateral, 0°", "lateral"),
    (1, 0): ("in depth, 90°", "in depth"),
    (1, 1): ("falling to the right, 135°", "falling"),
    (1, -1): ("rising to the right, 45°", "rising"),
}


def direction_name(offset: Offset, *, short: bool = False) -> str:
    """Return the name of a step's direction; degrees are those of Haralick.

    Examples
    --------
    >>> direction_name((3, -2))
    'rising to the right, 45°'
    """
    row, column = (int(math.copysign(1, step)) if step else 0 for step in offset)
    return _DIRECTIONS[row, column][short]


def number_text(value: float) -> str:
    """Return a value with five significant digits, four below 1; `NOTHING` for none.

    Examples
    --------
    >>> number_text(0.0123456), number_text(8.29), number_text(-1234567.8)
    ('0.01235', '8.2900', '−1.235e6')
    """
    if math.isnan(value):
        return NOTHING
    size = abs(value)
    if size >= _LARGE or 0 < size < _SMALL:
        mantissa, _, exponent = f"{value:.{_FEWER - 1}e}".partition("e")
        text = f"{mantissa}e{int(exponent)}"
    elif size >= 10 ** (_DIGITS - 1) or value == int(value):
        text = f"{value:.0f}"
    else:
        text = f"{value:#.{_DIGITS if size >= 1 else _FEWER}g}"
    return text.replace("-", "−")


def unit_text(unit: str) -> str:
    """Return a unit as it stands in brackets, empty for none."""
    return "" if unit in ("", "1") else unit


def title_of(feature: Feature) -> str:
    """Return a feature's name with its unit.

    Examples
    --------
    >>> from napari_muscle_us.measure.texture.families import all_features
    >>> title_of(all_features()["glcm.joint_entropy"])
    'Joint entropy (bit)'
    """
    unit = unit_text(feature.unit)
    return f"{feature.label} ({unit})" if unit else feature.label


def used_text(texture: Texture) -> str:
    """Return which levels and how many pixels a region has.

    Examples
    --------
    >>> import numpy as np
    >>> import napari_muscle_us as mus
    >>> gray = np.arange(64, dtype=np.uint8).reshape(8, 8)
    >>> used_text(mus.measure_texture(gray, gray < 64))
    '8 of 32 levels, 64 px'
    """
    levels = texture.levels
    pixels = int((levels.levels > 0).sum())
    settings = texture.settings
    steps = -((settings.origin - GRAY_LEVELS) // settings.bin_size)
    most = settings.bin_number or steps
    if set(settings.families) <= {"stat", "lbp"}:
        return f"{pixels:,} px"
    return f"{levels.occupied} of {most} levels, {pixels:,} px"


def offset_text(distance_mm: float, spacing_mm: tuple[float, float] | None) -> str:
    """Return what a distance in mm becomes in pixels, with the true lengths.

    Raises
    ------
    MeasureError
        If the image has no scale, or the distance is not possible on it.

    Examples
    --------
    >>> offset_text(0.5, (0.1, 0.2))
    'In depth 5 px (0.5 mm), lateral 3 px (0.6 mm), diagonal 0.781 mm'
    """
    found = offsets_mm(distance_mm, spacing_mm)
    (_, columns), (rows, _) = found.offsets[:2]
    return (
        f"In depth {rows} px ({found.depth_mm:.3g} mm), lateral {columns} px "
        f"({found.lateral_mm:.3g} mm), diagonal {found.lengths_mm[2]:.3g} mm"
    )
