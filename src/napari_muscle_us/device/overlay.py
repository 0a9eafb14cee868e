"""Text, calipers and markers that a scanner wrote into the picture.

A beam of ultrasound is wide, so the gray levels of tissue change slowly from column to
column, bright fascia and bone included; what is drawn on the screen changes from one
column to the next. That lateral jump tells the two apart, whatever the brightness.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from scipy import ndimage

from napari_muscle_us.errors import MeasureError

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_muscle_us.device.field import Field
    from napari_muscle_us.regions import Bounds

    Gray = npt.NDArray[np.uint8]
    Mask = npt.NDArray[np.bool_]

Kind = Literal["text or marker", "caliper line", "colour"]

MIN_JUMP: Final = 56
"""Least lateral jump, in gray levels, of something drawn.

Our choice: in 90 pictures of vastus lateralis (GE Logiq E9, 514 × 458 pixels) 99.9 % of
neighbouring columns differ by less than 45, at most 15 pixels of a clean one by 64.
"""

SPREAD: Final = 2.5
"""In a coarse picture the jump must reach so many times the 99th percentile."""

MAX_JUMP: Final = 160
"""So much of the gray scale from one column to the next is drawn in any picture."""

MARGIN_PX: Final = 4
"""Rim of the picture that is not looked at: its own edge is sharp."""

LINK_PX: Final = 8
"""Sharp pixels no farther apart than twice this belong together."""

MIN_SHARP: Final = 6
"""Fewer sharp pixels may be speckle."""

MIN_LINE_PX: Final = 24
LINE_WIDTH_PX: Final = 2.0
"""Half width within which the pixels of a line lie, dotted or drawn through."""

MIN_COLOURED: Final = 4
MAX_OVERLAYS: Final = 200


@dataclass(frozen=True, slots=True)
class Overlay:
    """Something that may be drawn into the picture.

    Attributes
    ----------
    bounds : tuple of int
        Rows and columns ``(row_start, row_stop, column_start, column_stop)``, stops
        excluded.
    kind : {"text or marker", "caliper line", "colour"}
        What it looks like; a line may also be a frame, a guide or a curve.
    pixels : int
        Number of its pixels, about; of colour exact.
    """

    bounds: Bounds
    kind: Kind
    pixels: int


def find_overlays(
    gray: Gray, field: Field, *, coloured: Mask | None = None
) -> tuple[Overlay, ...]:
    r"""Return what may be drawn into the picture, largest first.

    A pixel is sharp where :math:`|g(r, c+1) - g(r, c)| \ge J` with :math:`J =
    \min(\max(56, 2.5\,P_{99}), 160)`, :math:`P_{99}` being the 99th percentile of these
    differences inside the picture; also where a row keeps its gray level for 24 columns
    and differs by `J` from the rows above and below (a horizontal line). At least 6
    sharp pixels near each other make an overlay.

    Parameters
    ----------
    gray : ndarray of uint8, shape (depth, lateral)
        Gray levels of a still image.
    field : Field
        The picture, from `find_field`; what is outside is not looked at.
    coloured : ndarray of bool, optional
        Pixels whose colour channels differ.

    Returns
    -------
    tuple of Overlay
        Empty when nothing was found, which does not prove that nothing is there: gray
        writing on bright tissue, or writing that a lossy video has smeared, is missed.

    Raises
    ------
    MeasureError
        If the arrays do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.ndimage import gaussian_filter
    >>> from napari_muscle_us.device.field import find_field
    >>> noise = np.random.default_rng(1).normal(size=(200, 200))
    >>> gray = (90 + 150 * gaussian_filter(noise, 2)).clip(0, 255).astype(np.uint8)
    >>> find_overlays(gray, find_field(gray))
    ()
    >>> gray[100:111, 105] = gray[105, 100:111] = 255
    >>> find_overlays(gray, find_field(gray))[0].kind
    'text or marker'
    """
    if gray.shape != field.mask.shape or gray.dtype != np.uint8 or gray.ndim != 2:
        raise MeasureError(
            f"Overlays are looked for in a still 8-bit image, not in {gray.dtype} of "
            f"shape {gray.shape} with a picture of shape {field.mask.shape}."
        )
    if coloured is not None and coloured.shape != gray.shape:
        raise MeasureError(
            f"The coloured pixels have shape {coloured.shape}, the image {gray.shape}; "
            "take both from one frame."
        )
    top, bottom, left, right = field.bounds
    box = (slice(top, bottom), slice(left, right))
    inner = _inner(field.mask)[box]
    found = []
    if coloured is not None:
        colour = coloured[box] & field.mask[box]
        found += _grouped(colour, colour, minimum=MIN_COLOURED, kind="colour")
        # Its edge is sharp in gray too, and is not to be told twice.
        inner = inner & ~ndimage.maximum_filter(colour, 5)
    sharp = _sharp(gray[box], inner)
    found += _grouped(sharp, _strokes(gray[box], sharp), minimum=MIN_SHARP, kind=None)
    found.sort(key=lambda overlay: -overlay.pixels)
    return tuple(
        Overlay((r0 + top, r1 + top, c0 + left, c1 + left), o.kind, o.pixels)
        for o in found[:MAX_OVERLAYS]
        for r0, r1, c0, c1 in [o.bounds]
    )


def _inner(mask: Mask) -> Mask:
    """Return the picture without its rim; the image's own border is no rim."""
    return np.asarray(
        ndimage.minimum_filter(mask, 2 * MARGIN_PX + 1, mode="nearest"), np.bool_
    )


def _sharp(gray: Gray, inner: Mask) -> Mask:
    """Return the brighter pixel of every lateral jump, and horizontal lines."""
    step = np.diff(gray.astype(np.int16), axis=1)
    height = np.abs(step)
    both = inner[:, 1:] & inner[:, :-1]
    heights = height[both]
    sharp = np.zeros(gray.shape, np.bool_)
    if heights.size == 0:
        return sharp
    counts = np.bincount(heights, minlength=256)
    p99 = int(np.searchsorted(counts.cumsum(), 0.99 * heights.size))
    jump = min(max(MIN_JUMP, SPREAD * p99), MAX_JUMP)
    strong = (height >= jump) & both
    sharp[:, 1:] |= strong & (step > 0)
    sharp[:, :-1] |= strong & (step < 0)
    return sharp | (_horizontal_lines(gray, height, jump) & inner)


def _horizontal_lines(gray: Gray, height: npt.NDArray[np.int16], jump: float) -> Mask:
    """Return rows of one gray level, 1 to 3 px thick, that stand out of both sides."""
    rows = gray.astype(np.int16)
    level = np.zeros(gray.shape, np.bool_)
    level[:, 1:] = height <= 1
    rise = np.zeros(gray.shape, np.bool_)
    fall = np.zeros(gray.shape, np.bool_)
    down = np.diff(rows, axis=0)
    rise[1:] = down >= jump
    fall[:-1] = down <= -jump
    lines = np.zeros(gray.shape, np.bool_)
    flat_rise = rise & level
    flat_fall = fall & level
    for thick in range(3):
        edge = flat_rise[: len(rows) - thick] & flat_fall[thick:]
        if edge.any():
            long = ndimage.binary_opening(edge, np.ones((1, MIN_LINE_PX)))
            lines[: len(rows) - thick] |= long
    return lines


def _strokes(gray: Gray, sharp: Mask) -> Mask:
    """Return the sharp pixels and what is as bright beside them."""
    beside = ndimage.maximum_filter(sharp, 3)
    brightest = ndimage.maximum_filter(np.where(sharp, gray, 0), 3)
    return np.asarray(sharp | (beside & (gray.astype(np.int16) + 16 >= brightest)))


def _grouped(
    seeds: Mask, pixels: Mask, *, minimum: int, kind: Kind | None
) -> list[Overlay]:
    """Return neighbouring seeds as one overlay each."""
    if not seeds.any():
        return []
    near = ndimage.maximum_filter(seeds, 2 * LINK_PX + 1)
    labels, count = ndimage.label(near)
    per_label = np.bincount(labels[seeds], minlength=count + 1)
    # Of a hostile picture there may be a hundred thousand; the largest are told.
    kept = [i for i in np.argsort(-per_label)[:MAX_OVERLAYS] if per_label[i] >= minimum]
    own = np.where(pixels, labels, 0)
    spans = ndimage.find_objects(own, count)
    overlays = []
    for label in kept:
        span = spans[label - 1]
        rows, columns = np.nonzero(own[span] == label)
        bounds = (span[0].start, span[0].stop, span[1].start, span[1].stop)
        overlays.append(Overlay(bounds, kind or _kind(rows, columns), len(rows)))
    return overlays


def _kind(rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64]) -> Kind:
    """Return whether pixels lie along a line or are something else."""
    points = np.stack([rows, columns]).astype(np.float64)
    points -= points.mean(axis=1, keepdims=True)
    _, axes = np.linalg.eigh(points @ points.T)
    across, along = axes[:, 0] @ points, axes[:, 1] @ points
    thin = np.percentile(np.abs(across), 95) <= LINE_WIDTH_PX
    return "caliper line" if thin and np.ptp(along) >= MIN_LINE_PX else "text or marker"
