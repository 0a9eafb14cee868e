"""What the histogram panel shows of a region, and how high its bars stand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us._napari.panels._plot import colour_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from napari_muscle_us.measure.fat_correction import FatCorrection
    from napari_muscle_us.measure.intensity import IntensityStatistics
    from napari_muscle_us.measure.standard_error import StandardError

LOG_BASE: Final = 0.5
"""Count at which the log axis begins, so that a single pixel can be seen."""


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """The gray levels of a region, live or kept for comparison.

    What depends on the image (fat, thickness of fat, standard error) is kept with it:
    a region of one image is never set against the fat of another.
    """

    name: str
    stats: IntensityStatistics
    colour: str
    place: str = ""
    kept: bool = False
    error: StandardError | None = None
    fat: IntensityStatistics | None = None
    is_fat: bool = False
    shared_with_fat: int = 0
    correction: FatCorrection | None = None

    @property
    def title(self) -> str:
        """Name, and for a kept one where it is from."""
        return f"{self.name} · {self.place}" if self.kept else self.name

    def keep(self, number: int) -> Curve:
        """Return the same as it is now, as the kept curve of a number."""
        # From the palette's other end, so that live curves keep their colours.
        return replace(self, kept=True, colour=colour_of(-1 - number))

    def is_same(self, other: Curve) -> bool:
        """Whether another curve shows the same of the same."""
        return (
            (self.name, self.place) == (other.name, other.place)
            and self.fat is other.fat
            and self.correction == other.correction
            and bool(np.array_equal(self.stats.histogram, other.stats.histogram))
        )


@dataclass(frozen=True, slots=True, eq=False)
class PlotContent:
    """What the plot shows, and how."""

    curves: tuple[Curve, ...] = ()
    log: bool = False
    cumulative: bool = False


def bars(histogram: npt.NDArray[np.int64], *, log: bool) -> npt.NDArray[np.float64]:
    """Return the height of each bar, 1 for the largest count.

    On the log scale a count of 0 stands at 0, as in ImageJ, and the axis begins at half
    a pixel.
    """
    top = histogram.max()
    if not log:
        return np.asarray(histogram / top)
    heights = np.zeros(len(histogram))
    some = histogram > 0
    heights[some] = np.log(histogram[some] / LOG_BASE) / np.log(top / LOG_BASE)
    return heights


def level_lines(content: PlotContent, level: int) -> list[tuple[str, str]]:
    """Return (colour, text) for each curve: how many pixels have a gray level."""
    lines = []
    for curve in content.curves:
        counts, n = curve.stats.histogram, curve.stats.n
        count = int(counts[level])
        text = f"{count} px ({100 * count / n:.1f} %)"
        if content.cumulative:
            text += f", up to it {100 * int(counts[: level + 1].sum()) / n:.1f} %"
        if len(content.curves) == 1:
            text = f"level {level} · {text}"
        lines.append((curve.colour, text))
    return lines


def caption(content: PlotContent) -> str:
    """Return the words that stand in the plot."""
    curves = content.curves
    lines = []
    if len(curves) == 1:
        stats = curves[0].stats
        lines += [
            f"mean {stats.mean:.1f}",
            f"mode {stats.mode} ({stats.mode_count} px)",
        ]
    elif curves:
        lines.append("each scaled to its own largest count")
    if content.log and curves:
        lines.append("log scale")
    return "\n".join(lines)


def names_apart(curves: Sequence[Curve]) -> list[str]:
    """Return a title for each curve, numbered where two are alike."""
    titles = [curve.title for curve in curves]
    apart: list[str] = []
    for title in titles:
        number, new = 2, title
        while new in apart:
            new, number = f"{title} ({number})", number + 1
        apart.append(new)
    return apart
