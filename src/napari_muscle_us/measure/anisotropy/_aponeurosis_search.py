"""Where the two aponeuroses of one muscle run: the search behind `aponeurosis`.

An aponeurosis is a bright band about as thick as fascia, brighter than the muscle on
its inner side and than its surroundings, nearly straight from side to side. The muscle
between the two is told from fat and from the muscle below by its fascicles, which run
obliquely and all the same way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Float = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]

FASCIA_MM: Final = 1.5
"""Thickness of the bright band, fascia with its blur, in mm."""

INNER_MM: Final = 2.0
"""Depth of the muscle beside the band that it is compared with, in mm."""

AROUND_MM: Final = 6.0
"""Reach of the surroundings, up and down, that the band must exceed, in mm."""

PICTURE_MM: Final = 50.0
"""Depth that a picture is taken to show where no spacing is known, in mm.

It only sets the thickness of what is looked for; no length is ever computed from it.
"""

MIN_THICKNESS_MM: Final = 7.5
"""Least distance of the two, in mm; thinner layers are taken for fat."""

MAX_SLOPE_DEG: Final = 15.0
MAX_SAG: Final = 0.02
"""Largest height of the arc over its chord, of the width of the picture."""

BLOCKS: Final = 64
"""The width of the picture is cut into so many blocks, in which rows are averaged."""

SATURATION_SD: Final = 1.0
"""Contrast in SD of the picture from which a band is no better for being brighter."""

FASCICLE_WEIGHT: Final = 5.0
OBLIQUE_FLOOR: Final = 0.05
"""Obliqueness below which a layer speaks against being muscle; see `_obliqueness`."""

WITHIN_WEIGHT: Final = 0.5
"""Weight of the strongest line inside, which a muscle should not have."""

MIN_KNOWN: Final = 0.6
"""Share of the width along which a line must run inside the picture."""

_SLOPES: Final = 25
_SAGS: Final = 5
_CANDIDATES: Final = 12


class Units(NamedTuple):
    """Pixels per mm, down and across; from a nominal depth where it is not known."""

    rows: float
    columns: float


@dataclass(frozen=True, slots=True)
class Picture:
    """The bounding box of a picture, in blocks of columns.

    Attributes
    ----------
    gray : ndarray of float, shape (height, width)
        Gray levels in the box, 0 outside the mask.
    mask : ndarray of bool
        Pixels of the picture.
    top, left : int
        First row and column of the box.
    sums, counts : ndarray of float, shape (height + 1, BLOCKS)
        Running sums down the rows of gray levels and of pixels.
    centres : ndarray of float, shape (BLOCKS,)
        Columns in the middle of the blocks, counted from the box.
    sd : float
        SD of the gray levels inside.
    """

    gray: Float
    mask: Mask
    top: int
    left: int
    sums: Float
    counts: Float
    centres: Float
    sd: float


class Arcs(NamedTuple):
    """The best arc through each row, for one kind of border."""

    score: Float
    shape: Float


class Pair(NamedTuple):
    """Two lines, in rows of the box, one value a block, and how good they are."""

    superficial: Float
    deep: Float
    strength: tuple[float, float]
    obliqueness: float
    margin: float


def cut_picture(gray: Float, mask: Mask) -> Picture:
    """Return the bounding box of a mask with sums over blocks of columns."""
    rows = np.flatnonzero(mask.any(axis=1))
    columns = np.flatnonzero(mask.any(axis=0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    inside = mask[box]
    values = np.where(inside, gray[box], 0.0)
    edges = block_edges(values.shape[1])
    sums = np.add.reduceat(values, edges[:-1], axis=1)
    counts = np.add.reduceat(inside, edges[:-1], axis=1, dtype=np.float64)
    return Picture(
        values,
        inside,
        int(rows[0]),
        int(columns[0]),
        _running(sums),
        _running(counts),
        (edges[:-1] + edges[1:] - 1) / 2,
        float(gray[mask].std()),
    )


def block_edges(width: int) -> npt.NDArray[np.intp]:
    """Return the first column of each block, and the end."""
    return np.linspace(0, width, BLOCKS + 1).astype(np.intp)


def _running(values: Float) -> Float:
    return np.vstack([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])


def strip_mean(picture: Picture, start: int, stop: int, *, least: float) -> Float:
    """Return for each row the mean of the rows from `start` to `stop` beside it.

    NaN where less than `least` of the strip lies in the picture.
    """
    height = len(picture.sums) - 1
    rows = np.arange(height)
    low = np.clip(rows + start, 0, height)
    high = np.clip(rows + stop, 0, height)
    total = picture.sums[high] - picture.sums[low]
    number = picture.counts[high] - picture.counts[low]
    full = (stop - start) * np.diff(block_edges(picture.gray.shape[1]))
    return np.where(number > least * full, total / np.maximum(number, 1), np.nan)


def border_response(picture: Picture, unit: float, *, upper: bool) -> Float:
    """Return how much a row looks like the inner border of a band of fascia, in SD.

    The row is the first one on the inner side for the `upper` band, and the first one
    of the band for the lower. The lesser of two contrasts counts: the band's with the
    muscle, and the band's with all around, which a mere step of brightness fails.
    """
    band = max(2, round(FASCIA_MM * unit))
    inner = max(3, round(INNER_MM * unit))
    around = max(band + inner, round(AROUND_MM * unit))
    if upper:
        bright = strip_mean(picture, -band, 0, least=0.5)
        muscle = strip_mean(picture, 0, inner, least=0.5)
    else:
        bright = strip_mean(picture, 0, band, least=0.5)
        muscle = strip_mean(picture, -inner, 0, least=0.5)
    usual = strip_mean(picture, -around, around, least=0.0)
    return np.minimum(bright - muscle, bright - usual) / picture.sd


def _arcs(response: Float, width: int, units: Units) -> Arcs:
    """Return the best arcs of a response."""
    from scipy import ndimage

    from napari_muscle_us.measure.anisotropy._aponeurosis_kernels import best_arcs

    known = np.isfinite(response)
    clipped = np.clip(response, -SATURATION_SD / 2, SATURATION_SD)
    # A row of tolerance, since arcs come in steps of slope.
    tolerant = ndimage.maximum_filter1d(np.where(known, clipped, 0.0), 3, axis=0)
    steepest = np.tan(np.deg2rad(MAX_SLOPE_DEG)) * units.rows / units.columns
    sag = MAX_SAG * width * units.rows / units.columns
    score, shape = best_arcs(
        tolerant.astype(np.float32),
        known.astype(np.float32),
        np.linspace(-steepest, steepest, _SLOPES) * width / 2,
        np.linspace(-sag, sag, _SAGS),
        MIN_KNOWN * BLOCKS,
    )
    return Arcs(score, shape)


def _rows(arcs: Arcs, row: int) -> Float:
    """Return the rows of an arc, one a block."""
    x = (2 * np.arange(BLOCKS) + 1 - BLOCKS) / BLOCKS
    slope, sag = arcs.shape[row]
    return np.asarray(row + slope * x + sag * x * x)


def _peaks(score: Float, distance: int) -> list[int]:
    """Return the rows of the highest peaks, at least a distance apart."""
    left = np.where(np.isfinite(score), score, -np.inf)
    found: list[int] = []
    while len(found) < _CANDIDATES:
        row = int(left.argmax())
        if not np.isfinite(left[row]):
            break
        found.append(row)
        left[max(0, row - distance) : row + distance + 1] = -np.inf
    return found


def _obliqueness(picture: Picture, units: Units) -> tuple[Float, Float, Float]:
    """Return running sums of the double-angle parts of the texture, and of blocks.

    With J the structure tensor, ``2 Jxy / (Jxx + Jyy)`` and ``(Jyy − Jxx) / (Jxx +
    Jyy)`` are coherency times sine and cosine of twice the direction of the lines.
    """
    from scipy import ndimage

    # Fibre bundles are a fraction of a millimetre thick.
    sigma = (max(1.0, 0.2 * units.rows), max(1.0, 0.2 * units.columns))
    gray = picture.gray.astype(np.float32)
    down = ndimage.gaussian_filter(gray, sigma, order=(1, 0), truncate=3)
    across = ndimage.gaussian_filter(gray, sigma, order=(0, 1), truncate=3)
    down, across = down * units.rows, across * units.columns
    reach = int(3 * max(sigma)) + 1
    # What lies outside the mask would look like an edge of the picture.
    known = ndimage.minimum_filter(
        np.pad(picture.mask, 1), 2 * reach + 1, mode="nearest"
    )[1:-1, 1:-1]
    starts = block_edges(gray.shape[1])[:-1]
    parts = [
        ndimage.gaussian_filter1d(
            np.add.reduceat(part * known, starts, axis=1, dtype=np.float64),
            max(1.0, 0.5 * units.rows),
            axis=0,
        )
        for part in (across * across, across * down, down * down)
    ]
    energy = parts[0] + parts[2]
    inside = np.add.reduceat(known, starts, axis=1, dtype=np.float64) > 0
    scale = np.where(inside, 1 / np.maximum(energy, 1e-3 * energy.mean() + 1e-30), 0)
    return (
        _running(2 * parts[1] * scale),
        _running((parts[2] - parts[0]) * scale),
        _running(inside.astype(np.float64)),
    )


def find_pair(picture: Picture, units: Units) -> Pair | None:
    """Return the two lines that most look like a muscle's aponeuroses, if any."""
    width = picture.gray.shape[1]
    upper = _arcs(border_response(picture, units.rows, upper=True), width, units)
    lower = _arcs(border_response(picture, units.rows, upper=False), width, units)
    texture = _obliqueness(picture, units)
    apart = max(2, round(units.rows / 2))
    above = [(row, _rows(upper, row)) for row in _peaks(upper.score, apart)]
    below = [(row, _rows(lower, row)) for row in _peaks(lower.score, apart)]
    least = MIN_THICKNESS_MM * units.rows
    graded = []
    for i, first in above:
        for j, last in below:
            if (last - first).min() >= least / 2 and j - i >= least:
                oblique = _oblique_between(texture, first, last, width, units)
                score = upper.score[i] + lower.score[j]
                score += FASCICLE_WEIGHT * (oblique[0] - OBLIQUE_FLOOR) * oblique[1]
                score -= WITHIN_WEIGHT * _strongest_within(upper, lower, i, j, units)
                graded.append((float(score), i, j, oblique[0]))
    if not graded:
        return None
    best, i, j, oblique_best = max(graded)
    near = 2 * FASCIA_MM * units.rows
    rivals = [s for s, a, b, _ in graded if abs(a - i) > near or abs(b - j) > near]
    return Pair(
        _rows(upper, i),
        _rows(lower, j),
        (float(upper.score[i]), float(lower.score[j])),
        oblique_best,
        best - max(rivals, default=0.0),
    )


def _oblique_between(
    texture: tuple[Float, Float, Float],
    first: Float,
    last: Float,
    width: int,
    units: Units,
) -> tuple[float, float]:
    """Return the obliqueness between two lines and their share of the picture.

    Obliqueness is the mean of coherency × sin 2φ, φ the angle of the texture to the
    lines, without its sign: 0 in layers, 1 for sharp fibres at 45 degrees.
    """
    blocks = np.arange(BLOCKS)
    height = len(texture[0]) - 1
    start = np.clip(np.rint(first), 0, height).astype(np.intp)
    stop = np.clip(np.rint(last), 0, height).astype(np.intp)
    sine, cosine, number = (
        float((part[stop, blocks] - part[start, blocks]).sum()) for part in texture
    )
    if number <= 0:
        return 0.0, 0.0
    rise = (first[0] - first[-1] + last[0] - last[-1]) / 2 / units.rows
    angle = np.arctan2(rise, width * (1 - 1 / BLOCKS) / units.columns)
    oblique = sine * np.cos(2 * angle) - cosine * np.sin(2 * angle)
    return abs(oblique) / number, number / (height * BLOCKS)


def _strongest_within(upper: Arcs, lower: Arcs, i: int, j: int, units: Units) -> float:
    """Return the scores of the strongest lines between two, which should be low."""
    margin = round(FASCIA_MM * units.rows)
    inside = slice(i + margin, j - margin)
    return sum(
        max(0.0, float(arcs.score[inside].max(initial=0.0))) for arcs in (upper, lower)
    )


def refine_border(picture: Picture, rows: Float, units: Units, *, upper: bool) -> Float:
    """Return the rows of the inner border near a line, one a block.

    Half a millimetre on either side is compared; the path with the largest contrast
    within a band's thickness of the line, and small steps, is taken.
    """
    from napari_muscle_us.measure.anisotropy._aponeurosis_kernels import (
        smoothest_path,
    )

    half = max(2, round(0.5 * units.rows))
    reach = max(3, round(FASCIA_MM * units.rows))
    step = strip_mean(picture, -half, 0, least=0.5) - strip_mean(
        picture, 0, half, least=0.5
    )
    step = np.nan_to_num(step if upper else -step) / picture.sd
    height = len(step)
    offsets = np.arange(-reach, reach + 1)
    at = np.clip(np.rint(rows).astype(np.intp) + offsets[:, None], 0, height - 1)
    gain = np.take_along_axis(step, at, axis=0)
    stiffness = 4.0 / units.rows**2
    path = smoothest_path(np.ascontiguousarray(gain), stiffness)
    found: Float = at[path, np.arange(BLOCKS)].astype(np.float64)
    return found
