"""Lines that are none of fascicles: wide speckle, and shadows of the beam."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from napari_muscle_us.measure.anisotropy._fascicle_lines import persistence

if TYPE_CHECKING:
    from napari_muscle_us.measure.anisotropy._fascicle_lines import WhitenedEchoes

MOST_WIDTH: Final = 5.0
"""Lateral half-width, in speckle sizes, from which speckle may pass for level lines.

So wide it is still like itself at the least distance that is compared, and whitening
does not take all of that away. The pictures of muscle we have reach 4.4. Our choice.
"""

MIN_PERSISTENCE: Final = 0.5
"""Least persistence of lines among speckle so wide. Our choice, by simulations.

Nearly all lines of 0 to 5 degrees have 0.6 or more, speckle alone mostly 0.4 or less.
"""

STEEPEST_DEG: Final = 80.0
"""Direction from which lines are taken for shadows of the beam. Our choice."""


def no_fascicles(echoes: WhitenedEchoes, direction_deg: float) -> str:
    """Return why lines in a direction are none of fascicles, or an empty string."""
    if abs(direction_deg) >= STEEPEST_DEG:
        return "the lines run down the beam, as shadows do"
    times = echoes.speckle_width / echoes.speckle_size
    if times <= MOST_WIDTH or persistence(echoes, direction_deg) >= MIN_PERSISTENCE:
        return ""
    return f"speckle {times:.0f} times as wide as deep looks like level lines itself"
