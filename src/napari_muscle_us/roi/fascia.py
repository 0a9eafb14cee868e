"""Bright lines in a region: fascia at its border, fascia or bone within.

A guide, not a judge: it warns where an outline seems to hold what is no muscle. Bright
perimysium belongs to muscle, so what counts is long, straight and level.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_muscle_us.roi.rasterize import RoiWindow
    from napari_muscle_us.roi.shapes import Roi

    Float = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]

BAND_MM: Final = 1.0
BAND_PX: Final = 6
"""Depth of the border that is looked at, in mm, or px where no spacing is known."""

LINE_SHARE: Final = 0.8
"""Length over which gray levels are averaged along a line, of the region's width.

Our choice: perimysium is shorter, an aponeurosis crosses all of the region.
"""

MAX_SLOPE_DEG: Final = 15.0
"""Steepest line that is looked for; steeper ones are fibres rather than fascia."""

LINE_SD: Final = 2.0
"""How far a line stands out, in SD of the region's pixels, to be taken for fascia.

Our choice, with the next two: see the figures at `fascia_guide`.
"""

BORDER_SD: Final = 1.5
"""How far a piece of the border stands out, in SD of the region's pixels."""

BORDER_SHARE: Final = 0.12
"""Share of the outline, in one piece, that is bright when fascia is told."""

MIN_SD: Final = 8.0
"""SD in gray levels that is taken at least, so that faint lines do not count."""

MIN_PIXELS: Final = 400
"""Pixels below which a region is too small for lines to be told from speckle."""

_PIECES: Final = 32
_SLOPES: Final = 7
_COARSE_PX: Final = 8000
_BONE_DARK: Final = 0.35


@dataclass(frozen=True, slots=True, eq=False)
class FasciaGuide:
    """Bright structures that an outline holds.

    Attributes
    ----------
    border_share : float
        Share of the outline, 0 to 1, along which the border is bright in one piece.
    interior_share : float
        Share of the region's pixels, 0 to 1, on bright lines away from the border.
    border_mask : ndarray of bool, shape of the window
        Pixels of the bright border; read-only.
    sentences : tuple of str
        What to tell the user, without a full stop; empty where nothing was found.
    """

    border_share: float
    interior_share: float
    border_mask: Mask
    sentences: tuple[str, ...]


def fascia_guide(
    gray: npt.NDArray[np.uint8],
    roi: Roi,
    window: RoiWindow,
    *,
    spacing_mm: tuple[float, float] | None = None,
) -> FasciaGuide:
    r"""Return the bright fascia or bone that a region seems to hold.

    The border (`BAND_MM` deep) is cut into pieces of equal size; one is bright where
    its mean exceeds that of the region by `BORDER_SD` SD. Within, gray levels are
    averaged along lines of `LINE_SHARE` of the region's width, at most
    `MAX_SLOPE_DEG` steep; a line is bright where it exceeds the median of all lines by
    `LINE_SD` SD. A bright line with darkness below is called bone.

    Parameters
    ----------
    gray : ndarray of uint8, shape (depth, lateral)
        Gray levels of the whole image.
    roi : Polygon, Rectangle, Ellipse or Composite
        Region; its name is not used.
    window : RoiWindow
        Its pixels.
    spacing_mm : tuple of float, optional
        Size of a pixel ``(depth, lateral)`` in mm.

    Returns
    -------
    FasciaGuide
        Nothing found for a region below `MIN_PIXELS`.

    Notes
    -----
    In 12 hand-marked pictures of several scanners and 30 of vastus lateralis, regions
    that held an aponeurosis were warned of in 67 % to 92 %, regions well inside the
    muscle in 8 % to 25 %. Steep or curved fascia within is missed, and a muscle with
    long level septa may be warned of.

    Examples
    --------
    >>> import numpy as np
    >>> import napari_muscle_us as mus
    >>> from napari_muscle_us.roi.rasterize import usable_window
    >>> gray = np.random.default_rng(1).normal(60, 15, (200, 300)).astype(np.uint8)
    >>> gray[20:26] = 220
    >>> roi = mus.Rectangle(23, 40, 100, 200)
    >>> fascia_guide(gray, roi, usable_window(roi, gray.shape)).sentences
    ('31 % of the outline runs in a bright band, perhaps fascia',)
    """
    mask = window.mask
    n = window.n_pixels
    nothing = np.zeros(mask.shape, np.bool_)
    nothing.setflags(write=False)
    if n < MIN_PIXELS:
        return FasciaGuide(0.0, 0.0, nothing, ())
    view = gray[window.rows, window.columns]
    values = view[mask].astype(np.float64)
    spread = max(float(values.std()), MIN_SD)
    deep = _border(mask, spacing_mm)
    share, bright = _bright_border(view, mask, deep, float(np.median(values)), spread)
    lines = _bright_lines(view, mask, spread) & ~deep
    sentences = []
    if share >= BORDER_SHARE:
        sentences.append(
            f"{100 * share:.0f} % of the outline runs in a bright band, perhaps fascia"
        )
    interior = float(np.count_nonzero(lines)) / n
    if interior > 0:
        what = "bone" if _dark_below(gray, window, lines) else "fascia"
        sentences.append(
            f"a bright line crosses the ROI ({100 * interior:.1f} % of it), perhaps "
            f"{what}"
        )
    bright.setflags(write=False)
    return FasciaGuide(share, interior, bright, tuple(sentences))


def _border(mask: Mask, spacing_mm: tuple[float, float] | None) -> Mask:
    """Return the pixels of a region that lie within the border's depth."""
    from scipy import ndimage

    depth = (BAND_PX, BAND_PX)
    if spacing_mm is not None:
        depth = (
            max(2, round(BAND_MM / spacing_mm[0])),
            max(2, round(BAND_MM / spacing_mm[1])),
        )
    # A border as deep as the region would leave nothing to compare with.
    rows, columns = (
        min(d, max(1, extent // 6)) for d, extent in zip(depth, mask.shape, strict=True)
    )
    padded = np.pad(mask, ((rows, rows), (columns, columns)))
    core = ndimage.minimum_filter(padded, (2 * rows + 1, 2 * columns + 1))
    return np.asarray(mask & ~core[rows:-rows, columns:-columns])


def _bright_border(
    view: npt.NDArray[np.uint8], mask: Mask, band: Mask, usual: float, spread: float
) -> tuple[float, Mask]:
    """Return the longest bright share of the border, and the bright pixels."""
    bright = np.zeros(mask.shape, np.bool_)
    rows, columns = np.nonzero(band)
    height, width = mask.shape
    if len(rows) < 4 * _PIECES:
        return 0.0, bright
    # Scaling to a square gives long sides as many pieces as their length asks for.
    angle = np.arctan2((rows + 0.5) / height - 0.5, (columns + 0.5) / width - 0.5)
    order = np.argsort(angle, kind="stable")
    piece = np.empty(len(order), np.intp)
    piece[order] = np.arange(len(order)) * _PIECES // len(order)
    values = view[band].astype(np.float64)
    means = np.bincount(piece, values) / np.bincount(piece)
    stands_out = means > usual + BORDER_SD * spread
    run = _longest_run(stands_out)
    bright[rows, columns] = stands_out[piece] & (values > usual + spread)
    return run / _PIECES, bright


def _longest_run(flags: Mask) -> int:
    """Return the length of the longest run on a ring."""
    if flags.all():
        return len(flags)
    best = run = 0
    for flag in np.concatenate([flags, flags]):
        run = run + 1 if flag else 0
        best = max(best, run)
    return best


def _bright_lines(view: npt.NDArray[np.uint8], mask: Mask, spread: float) -> Mask:
    """Return the pixels on lines that stand out, on the region's own grid."""
    step = max(1, round(math.sqrt(mask.sum() / _COARSE_PX)))
    coarse, inside = _shrink(view, mask, step)
    found = np.zeros(mask.shape, np.bool_)
    if not inside.any():
        return found
    along = np.median(inside.sum(axis=1)[inside.any(axis=1)])
    length = max(5, int(LINE_SHARE * along)) | 1
    best = _along_lines(coarse, inside, length)
    known = np.isfinite(best)
    if not known.any():
        return found
    usual = float(np.median(best[known]))
    large = (best > usual + LINE_SD * spread) & (coarse > usual + spread)
    rows, columns = (extent * step for extent in large.shape)
    found[:rows, :columns] = large.repeat(step, axis=0).repeat(step, axis=1)
    return np.asarray(found & mask)


def _shrink(view: npt.NDArray[np.uint8], mask: Mask, step: int) -> tuple[Float, Mask]:
    """Return the means of blocks and which lie mostly inside."""
    rows, columns = (extent // step for extent in mask.shape)
    box = np.s_[: rows * step, : columns * step]
    blocks = (rows, step, columns, step)
    count = mask[box].reshape(blocks).sum(axis=(1, 3))
    total = (view[box] * mask[box]).reshape(blocks).sum(axis=(1, 3), dtype=np.float64)
    return total / np.maximum(count, 1), 2 * count >= step * step


def _along_lines(coarse: Float, inside: Mask, length: int) -> Float:
    """Return for each pixel the largest mean along a line; −inf without support."""
    from scipy import ndimage

    height, width = coarse.shape
    tangent = math.tan(math.radians(MAX_SLOPE_DEG))
    pad = math.ceil(tangent * width / 2) + 1
    edges = ((pad, pad), (0, 0))
    values = np.pad(np.where(inside, coarse, 0.0), edges)
    weights = np.pad(inside.astype(np.float64), edges)
    rows = np.arange(height + 2 * pad)[:, None]
    across = np.arange(width) - width / 2
    best = np.full(values.shape, -np.inf)
    for slope in np.linspace(-tangent, tangent, _SLOPES):
        shift = np.rint(slope * across).astype(np.intp)
        sheared = np.clip(rows + shift, 0, len(rows) - 1)
        back = np.clip(rows - shift, 0, len(rows) - 1)
        total, weight = (
            ndimage.uniform_filter1d(
                np.take_along_axis(part, sheared, 0), length, axis=1, mode="constant"
            )
            for part in (values, weights)
        )
        mean = np.where(weight > 0.6, total / np.maximum(weight, 1e-9), -np.inf)
        best = np.maximum(best, np.take_along_axis(mean, back, 0))
    best = best[pad : pad + height]
    return np.where(inside, best, -np.inf)


def _dark_below(gray: npt.NDArray[np.uint8], window: RoiWindow, lines: Mask) -> bool:
    """Whether what lies below the lowest bright pixels is far darker than the rest."""
    height = len(lines)
    columns = np.flatnonzero(lines.any(axis=0))
    last = height - 1 - lines[::-1].argmax(axis=0)[columns]
    below = window.rows.start + last + max(3, height // 20)
    dark = []
    for row, column in zip(below, columns + window.columns.start, strict=True):
        part = gray[row : row + max(5, height // 6), column]
        if len(part):
            dark.append(float(part.mean()))
    usual = float(np.median(gray[window.rows, window.columns][window.mask]))
    return bool(dark) and float(np.median(dark)) < _BONE_DARK * usual
