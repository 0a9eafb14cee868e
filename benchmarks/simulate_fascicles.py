"""How often a fascicle direction is wrong: ``python benchmarks/simulate_fascicles.py``.

Lines of scatterers at a known angle among others, seen by beams from narrow to far
wider than real ones, with other depth gain, compression, smoothing and noise. Counts
the directions that are given, and those of them that are off by more than 5 degrees;
also without the rule that tells wide speckle from level lines. Of fascicles that bend
the truth is the direction of their chord.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from scipy import ndimage

from napari_muscle_us.measure.anisotropy import _fascicle_mistaken as mistaken
from napari_muscle_us.measure.anisotropy.fascicle import fascicle_direction

if TYPE_CHECKING:
    import numpy.typing as npt

SHAPE: Final = (300, 400)
CHOICES: Final[dict[str, tuple[float, ...]]] = {
    "lateral": (1.5, 3, 5, 8, 12),
    "axial": (1, 1.8, 3),
    "widening": (0, 0, 1.5),
    "strength": (1, 2, 4, 8),
    "number": (15, 40, 100),
    "length": (60, 150, 300),
    "decibels": (40, 55, 80),
    "gamma": (0.6, 1, 1.6),
    "smoothing": (0, 0, 1),
    "noise": (0, 0, 10),
    "specular": (0, 6),
}
"""SD of the beam and the pulse in px, the share it widens by, and so on."""


def scatterers(
    rng: np.random.Generator, angle: float, bend: float, chosen: dict[str, float]
) -> npt.NDArray[np.float64]:
    """Return random scatterers with lines of stronger ones among them."""
    echoes = rng.normal(size=SHAPE)
    for _ in range(int(chosen["number"])):
        middle = [rng.uniform(-40, size + 40) for size in SHAPE]
        length = chosen["length"] * rng.uniform(0.5, 2)
        along = np.arange(-length / 2, length / 2, 0.4)
        heading = np.radians(angle + rng.normal()) + bend * along
        columns, rows = np.cumsum(np.cos(heading)) * 0.4, -np.cumsum(np.sin(heading))
        rows *= 0.4
        rows = np.rint(rows - rows[len(rows) // 2] + middle[0]).astype(int)
        columns = np.rint(columns - columns[len(rows) // 2] + middle[1]).astype(int)
        power = chosen["strength"] * rng.gamma(2, 0.3) * rng.normal(1, 0.6, len(rows))
        power *= np.cos(heading) ** chosen["specular"]
        there = (rows >= 0) & (rows < SHAPE[0]) & (columns >= 0) & (columns < SHAPE[1])
        np.add.at(echoes, (rows[there], columns[there]), power[there])
    return echoes


def seen(
    rng: np.random.Generator, echoes: npt.NDArray[Any], chosen: dict[str, float]
) -> npt.NDArray[np.uint8]:
    """Return what a scanner shows: blurred, detected, compressed."""
    axial, steps = chosen["axial"], np.arange(-16, 17)
    pulse = np.exp(-(steps**2) / (2 * axial**2) - 2j * np.pi * steps / (2.2 * axial))
    field = [
        ndimage.convolve1d(echoes, part, axis=0) for part in (pulse.real, pulse.imag)
    ]
    for row in range(SHAPE[0]):
        beam = chosen["lateral"] * (1 + chosen["widening"] * row / SHAPE[0])
        for part in field:
            part[row] = ndimage.gaussian_filter1d(part[row], beam)
    envelope = np.hypot(*field)
    level = envelope / np.percentile(envelope, 99.7)
    decibels = 20 * np.log10(np.maximum(level, 1e-6))
    gray = 255 * np.clip(1 + decibels / chosen["decibels"], 0, 1) ** chosen["gamma"]
    if chosen["smoothing"]:
        gray = ndimage.gaussian_filter(gray, chosen["smoothing"])
    gray = gray + rng.normal(0, 1, SHAPE) * chosen["noise"]
    return np.clip(gray, 0, 255).astype(np.uint8)


def errors(number: int, *, bend: float = 0.0, rule: bool = True) -> npt.NDArray[Any]:
    """Return angles of `number` pictures, and how far off their directions are."""
    limit = mistaken.MOST_WIDTH
    mistaken.MOST_WIDTH = limit if rule else np.inf
    rng, found = np.random.default_rng(0), []
    try:
        for _ in range(number):
            angle = rng.uniform(-30, 35)
            chosen = {name: float(rng.choice(of)) for name, of in CHOICES.items()}
            if bend:
                chosen["length"] = 300.0
            picture = seen(rng, scatterers(rng, angle, bend, chosen), chosen)
            found.append((angle, fascicle_direction(picture).direction_deg - angle))
    finally:
        mistaken.MOST_WIDTH = limit
    return np.array(found)


def report(title: str, found: npt.NDArray[Any]) -> None:
    angle, off = found[np.isfinite(found[:, 1])].T
    steeper = (off * np.sign(angle))[np.abs(angle) > 8]
    print(
        f"{title}: {len(found)} pictures, {len(off)} directions given, "
        f"{(np.abs(off) > 5).sum()} off by more than 5 degrees; beyond 8 degrees "
        f"steeper by {steeper.mean():.1f}, SD {steeper.std(ddof=1):.1f}, "
        f"{steeper.min():.1f} … {steeper.max():.1f}"
    )


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    report("Straight", errors(count))
    report("Straight, without the rule of wide speckle", errors(count, rule=False))
    report("Bent by 9 to 34 degrees", errors(count, bend=0.001))
