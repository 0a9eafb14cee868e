"""The matrices of texture, as shares with the gray values that their levels hold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us._napari.panels._texture_words import NO_PAIRS, direction_name
from napari_muscle_us.errors import MeasureError, MuscleUSError
from napari_muscle_us.measure.texture.discretise import (
    Levels,
    discretise,
    normalise_three_sigma,
)
from napari_muscle_us.measure.texture.measure import steps_of
from napari_muscle_us.measure.texture.offsets import DIRECTIONS

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_muscle_us._napari.panels._texture_live import Source
    from napari_muscle_us.measure.texture._matrix_features import CountMatrix
    from napari_muscle_us.measure.texture.settings import TextureSettings

    Gray = npt.NDArray[np.uint8]

KINDS: Final = ("glcm", "glrlm", "glszm", "gldzm", "ngldm")
DIRECTED: Final = ("glcm", "glrlm")
ALL: Final = -1
"""All directions in one matrix."""

_SECONDS_A_PIXEL: Final = 20e-9


@dataclass(frozen=True, slots=True)
class Words:
    """What a kind of matrix says of itself."""

    title: str
    tip: str
    axis: str
    counted: str
    one: str


WORDS: Final = {
    "glcm": Words(
        "Co-occurrence (GLCM)",
        "How often a gray level stands beside another. A narrow band along the "
        "diagonal is a smooth muscle; a wide cloud is a grainy one.",
        "Gray level beside it",
        "pairs",
        "",
    ),
    "glrlm": Words(
        "Run length (GLRLM)",
        "How long lines of one gray level are.",
        "Length of the run (px)",
        "runs",
        "runs of {} px",
    ),
    "glszm": Words(
        "Size zone (GLSZM)",
        "How large patches of one gray level are. Only sizes that occur are shown.",
        "Size of the patch (px)",
        "patches",
        "patches of {} px",
    ),
    "gldzm": Words(
        "Distance zone (GLDZM)",
        "How far patches of one gray level are from the edge of the ROI.",
        "Distance to the edge (px)",
        "patches",
        "patches {} px from the edge",
    ),
    "ngldm": Words(
        "Dependence (NGLDM)",
        "How many of the neighbours are like a pixel, itself counted in.",
        "Pixels alike, with itself",
        "pixels",
        "pixels with {} alike",
    ),
}


@dataclass(frozen=True, slots=True, eq=False)
class Matrix:
    """A matrix of one region.

    Attributes
    ----------
    title : str
        Region.
    kind : str
        One of `KINDS`.
    shares : ndarray of float64, shape (level, column)
        Shares that sum to 1; the first row is the darkest level that occurs.
    grays : tuple of (int, int)
        Lowest and highest gray value of each row's level.
    first : int
        Number of the first row's level.
    columns : tuple of int
        Second index of a matrix that counts runs, patches or pixels; empty for pairs,
        whose columns are levels too.
    """

    title: str
    kind: str
    shares: npt.NDArray[np.float64]
    grays: tuple[tuple[int, int], ...]
    first: int
    columns: tuple[int, ...] = ()

    def share_text(self, row: int, column: int) -> str:
        """Return in words what a cell holds."""
        share = 100 * float(self.shares[row, column])
        first = gray_text(self.grays[row])
        words = WORDS[self.kind]
        if self.columns:
            what = words.one.format(self.columns[column])
            return f"gray {first}, {what}: {share:.3g} % of the {words.counted}"
        second = gray_text(self.grays[column])
        if row == column:
            return f"levels {first} beside {second}: {share:.3g} % of the pairs"
        # Each pair stands in the matrix both ways round.
        return (
            f"levels {first} beside {second}: {2 * share:.3g} % of the pairs, "
            "half of them on either side of the diagonal"
        )


@dataclass(frozen=True, slots=True)
class MatrixWork:
    """A matrix by some settings, of one direction or of all."""

    settings: TextureSettings
    kind: str = "glcm"
    direction: int = ALL

    def kernels(self) -> frozenset[str]:
        """Return the inner loop that counts."""
        return frozenset((f"matrix of {self.kind}",))

    def seconds_a_pixel(self) -> float:
        """Return about how long counting takes."""
        return _SECONDS_A_PIXEL

    def outcome(self, source: Source) -> Matrix | str:
        """Return the matrix of a region, or why there is none."""
        try:
            return self._matrix(source)
        except MuscleUSError as error:
            return str(error)

    def _matrix(self, source: Source) -> Matrix:
        settings, gray = self.settings, source.gray
        if settings.normalise:
            gray = normalise_three_sigma(gray, source.mask)
        levels = discretise(gray, source.mask, **_bins(settings))
        grays = grays_of_levels(gray[source.mask], levels, settings)
        if self.kind == "glcm":
            shares = self._pairs(levels, source)
            columns: tuple[int, ...] = ()
        else:
            counted = self._counted(levels)
            total = counted.counts.sum()
            shares = counted.counts / total
            columns = tuple(int(number) for number in counted.columns)
        first = int(np.flatnonzero(shares.sum(axis=1))[0])
        shares = shares[first:] if columns else shares[first:, first:]
        return Matrix(
            source.title, self.kind, shares, grays[first:], first + 1, columns
        )

    def _pairs(self, levels: Levels, source: Source) -> npt.NDArray[np.float64]:
        from napari_muscle_us.measure.texture.glcm import glcm_matrix

        steps = steps_of(_for_pairs(self.settings), source.spacing_mm)
        if self.direction != ALL:
            steps = (steps[self.direction],)
        shares = glcm_matrix(levels.levels, levels.n_levels, steps)
        if np.isnan(shares).any():
            raise MeasureError(NO_PAIRS)
        return shares

    def _counted(self, levels: Levels) -> CountMatrix:
        from napari_muscle_us.measure.texture.families import family_module

        count = getattr(family_module(self.kind), f"{self.kind}_matrix")
        options: dict[str, Any] = {}
        if self.kind == "glrlm" and self.direction != ALL:
            options["offsets"] = (DIRECTIONS[self.direction],)
        if self.kind == "ngldm":
            options["distance_px"] = self.settings.neighbourhood_px
            options["alpha"] = self.settings.alpha
        found: CountMatrix = count(levels.levels, levels.n_levels, **options)
        return found


def direction_words(direction: int) -> str:
    """Return how a direction is called in a list."""
    if direction == ALL:
        return "All directions"
    words = direction_name(DIRECTIONS[direction])
    return words[:1].upper() + words[1:]


def grays_of_levels(
    inside: Gray, levels: Levels, settings: TextureSettings
) -> tuple[tuple[int, int], ...]:
    """Return the lowest and highest gray value that each level 1 … N_g holds."""
    start, end = int(inside.min()), int(inside.max())
    if settings.bin_number is None:
        start, end = settings.origin, 255
    ramp = np.arange(start, end + 1, dtype=np.uint8)[None]
    found = discretise(ramp, np.ones_like(ramp, bool), **_bins(settings)).levels[0, 0]
    grays = []
    for level in range(1, levels.n_levels + 1):
        # Of more bins than gray values some hold none: they lie between two.
        place = np.searchsorted(found, level)
        held = np.flatnonzero(found == level)
        ends = (held[0], held[-1]) if len(held) else (place, place)
        grays.append((start + int(ends[0]), min(start + int(ends[1]), 255)))
    return tuple(grays)


def gray_text(grays: tuple[int, int]) -> str:
    """Return the gray values of a level.

    Examples
    --------
    >>> gray_text((48, 55)), gray_text((7, 7))
    ('48–55', '7')
    """
    low, high = grays
    return f"{low}–{high}" if high > low else str(low)


def _bins(settings: TextureSettings) -> dict[str, Any]:
    return {
        "bin_size": settings.bin_size,
        "bin_number": settings.bin_number,
        "origin": settings.origin,
    }


def _for_pairs(settings: TextureSettings) -> TextureSettings:
    """Return the settings with pairs among the families: steps are theirs alone."""
    return replace(settings, families=("glcm",))
