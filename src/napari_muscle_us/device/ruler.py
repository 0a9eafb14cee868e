"""The depth ruler that a scanner draws beside its picture, read from the pixels.

Screenshots carry no size of a pixel, but most show a row of marks along the depth.
What is read here is a proposal: the user looks at it and accepts it, or not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from napari_muscle_us.device._ruler_ladders import Ladder, find_ladders
from napari_muscle_us.device._ruler_marks import CONTRASTS, find_blobs, thin_bright
from napari_muscle_us.errors import MeasureError

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_muscle_us.regions import Bounds

_Side = Literal["left", "right"]

AGREEMENT: Final = 0.01
"""Largest relative difference of a ruler and a stated spacing that agree."""

POSSIBLE_DEPTH_MM: Final = (12.0, 300.0)
USUAL_DEPTH_MM: Final = (20.0, 120.0)

MIN_SPAN: Final = 0.3
"""Least part of the height that a depth ruler runs along."""

MARGIN: Final = 0.35
"""Part of the width, from either edge, in which a ruler is looked for."""

_MIN_ROWS: Final = 64
_MAX_PIXELS: Final = 16_000_000
# What scanners draw, in mm from mark to mark, the most usual first, by the period of
# the longer marks.
_CONVENTIONS: Final[dict[int | None, tuple[float, ...]]] = {
    None: (10.0, 5.0),
    2: (5.0,),
    4: (2.5,),
    5: (10.0, 2.0),
    10: (1.0,),
}
_ONE_LONGER: Final = (10.0, 5.0, 2.0, 1.0)
_RATIOS: Final = (1.0, 2.0, 2.5, 4.0, 5.0, 10.0, 20.0, 25.0, 50.0)


@dataclass(frozen=True, slots=True)
class RulerCandidate:
    """One meaning of the marks.

    Attributes
    ----------
    tick_mm : float
        Distance of neighbouring marks in mm.
    spacing_mm : float
        Size of a pixel along depth in mm.
    uncertainty_mm : float
        Expanded uncertainty of `spacing_mm` (k = 2) from the scatter of the marks;
        it does not cover a wrong `tick_mm`.
    depth_mm : float
        Depth that follows: of the region when it was given, else from the first mark
        to the last.
    """

    tick_mm: float
    spacing_mm: float
    uncertainty_mm: float
    depth_mm: float


@dataclass(frozen=True, slots=True)
class RulerReading:
    """A depth ruler and what it may mean.

    Attributes
    ----------
    side : {"left", "right"}
        Side of the picture.
    column : float
        Column of the marks' middle.
    major_rows, minor_rows : tuple of float
        Sub-pixel rows of the longer and of the other marks; all are minor where all
        are alike.
    pitch_px : float
        Distance of neighbouring marks in px, from the fit through all of them.
    pitch_uncertainty_px : float
        Its expanded uncertainty, k = 2.
    major_every : int or None
        Every which mark is longer; ``None`` where all are alike.
    candidates : tuple of RulerCandidate
        Meanings, best first, at least one.
    explanation : str
        What was seen and what it was taken for, in words.
    region : tuple of int, optional
        Bounds of the picture, as given.
    """

    side: _Side
    column: float
    major_rows: tuple[float, ...]
    minor_rows: tuple[float, ...]
    pitch_px: float
    pitch_uncertainty_px: float
    major_every: int | None
    candidates: tuple[RulerCandidate, ...]
    explanation: str
    region: Bounds | None = None

    @property
    def tick_mm(self) -> float:
        """Distance of neighbouring marks in mm by the best candidate."""
        return self.candidates[0].tick_mm

    @property
    def spacing_mm(self) -> float:
        """Size of a pixel along depth in mm by the best candidate."""
        return self.candidates[0].spacing_mm

    @property
    def uncertainty_mm(self) -> float:
        """Expanded uncertainty (k = 2) of `spacing_mm`."""
        return self.candidates[0].uncertainty_mm

    @property
    def is_ambiguous(self) -> bool:
        """Whether the marks may mean several things, so that the user must choose."""
        return len(self.candidates) > 1


@dataclass(frozen=True, slots=True)
class RulerCheck:
    """A spacing held against a ruler.

    Attributes
    ----------
    agrees : bool
        Whether they differ by at most 1 % for one meaning of the marks.
    tick_mm : float
        Meaning of the marks that comes closest, in mm from mark to mark.
    ruler_spacing_mm : float
        Spacing that follows from it.
    spacing_mm : float
        The spacing that was checked.
    message : str
        A sentence for the user; a warning where they do not agree.
    """

    agrees: bool
    tick_mm: float
    ruler_spacing_mm: float
    spacing_mm: float
    message: str


def read_depth_ruler(
    gray: npt.NDArray[np.uint8], *, region: Bounds | None = None
) -> RulerReading | None:
    r"""Return the depth ruler at the left or right of the picture, if there is one.

    Marks are short bright dashes or dots in one column at equal distances, alike or
    every 2nd, 4th, 5th or 10th longer, on a calm ground, at least four of them over at
    least 30 % of the height. A line through their rows :math:`r_k = r_0 + p\,k` gives
    the distance :math:`p` of two marks, and the spacing :math:`s = t/p` for marks every
    :math:`t` mm, with :math:`U(s) = 2\,s\,u(p)/p`. :math:`u(p)` is the standard error
    of the slope, or the worst that rounding the rows to whole pixels does to it if that
    is more, :math:`\tfrac{1}{2\sqrt3}\sum|k-\bar k| / \sum(k-\bar k)^2`.

    Marks do not tell what they mean. Conventions do: longer marks every 10 mm (or every
    50 mm, with one mark a centimetre), alike marks every 10 or 5 mm. Of these, all that
    give a depth between 12 and 300 mm are proposed, those between 20 and 120 mm first.

    Parameters
    ----------
    gray : ndarray of uint8, shape (depth, lateral)
        Gray levels of the whole screenshot.
    region : tuple of int, optional
        Bounds of the picture, ``(row_start, row_stop, column_start, column_stop)``;
        then marks must go along it.

    Returns
    -------
    RulerReading or None
        ``None`` where no ruler is certain: too few marks, irregular, unlike each
        other, beside a colour bar, or two rulers that contradict each other.

    Raises
    ------
    MeasureError
        If `gray` is no 2-D uint8 image, or the region lies outside of it.

    Notes
    -----
    The horizontal size of a pixel is not read; on screenshots pixels are square.

    Examples
    --------
    >>> import numpy as np
    >>> screen = np.zeros((400, 300), np.uint8)
    >>> screen[40:361:40, 4:9] = 200
    >>> screen[40:361:80, 4:14] = 200
    >>> reading = read_depth_ruler(screen)
    >>> reading.side, reading.tick_mm, round(reading.spacing_mm, 6)
    ('left', 5.0, 0.125)
    """
    _check(gray, region)
    if gray.shape[0] < _MIN_ROWS or gray.size > _MAX_PIXELS:
        return None
    ladders = [
        ladder
        for start, stop in _margins(gray.shape[1], region)
        for ladder in _ladders_in(gray, start, stop, region)
    ]
    best = _most_certain(ladders)
    candidates = () if best is None else _candidates(best, region)
    if best is None or not candidates:
        return None
    first, stop = (0, gray.shape[1]) if region is None else region[2:]
    side: _Side = "left" if best.column < (first + stop) / 2 else "right"
    return RulerReading(
        side=side,
        column=best.column,
        major_rows=tuple(float(r) for r in best.rows[best.is_major]),
        minor_rows=tuple(float(r) for r in best.rows[~best.is_major]),
        pitch_px=best.pitch,
        pitch_uncertainty_px=2 * best.pitch_se,
        major_every=best.major_every,
        candidates=candidates,
        explanation=_explain(best, candidates, side),
        region=region,
    )


def check_spacing(reading: RulerReading, spacing_mm_depth: float) -> RulerCheck:
    """Hold the spacing that a file states against the ruler on its picture.

    Parameters
    ----------
    reading : RulerReading
        The ruler.
    spacing_mm_depth : float
        Distance of pixel centres along depth in mm.

    Returns
    -------
    RulerCheck
        `agrees` when one candidate differs by at most 1 %.

    Raises
    ------
    MeasureError
        If the spacing is not a positive length.
    """
    if not (math.isfinite(spacing_mm_depth) and spacing_mm_depth > 0):
        raise MeasureError(
            f"The spacing {spacing_mm_depth} mm is not a positive length; give the "
            "distance of two pixels along depth in mm."
        )
    nearest = min(
        reading.candidates,
        key=lambda c: abs(math.log(c.spacing_mm / spacing_mm_depth)),
    )
    off = nearest.spacing_mm / spacing_mm_depth - 1
    agrees = abs(off) <= AGREEMENT
    stated = f"{spacing_mm_depth:.4g} mm a pixel along depth"
    read = f"{nearest.spacing_mm:.4g} mm ({nearest.tick_mm:g} mm a mark)"
    message = (
        f"The ruler on the picture agrees with {stated}: it gives {read}."
        if agrees
        else f"The stated {stated} does not agree with the ruler on the picture, which "
        f"gives {read}, {off:+.1%}; check the spacing before lengths are measured."
    )
    return RulerCheck(
        agrees, nearest.tick_mm, nearest.spacing_mm, float(spacing_mm_depth), message
    )


def _check(gray: npt.NDArray[np.uint8], region: Bounds | None) -> None:
    if gray.dtype != np.uint8 or gray.ndim != 2:
        raise MeasureError(
            f"A ruler is read from gray levels of 8 bits with shape (depth, lateral), "
            f"not from {gray.dtype} with shape {gray.shape}; take one frame."
        )
    if region is None:
        return
    top, bottom, left, right = region
    rows, columns = gray.shape
    if not (0 <= top < bottom <= rows and 0 <= left < right <= columns):
        raise MeasureError(
            f"The region {tuple(region)} does not lie in an image of {rows} × "
            f"{columns} pixels; give (row_start, row_stop, column_start, column_stop)."
        )


def _margins(columns: int, region: Bounds | None) -> tuple[tuple[int, int], ...]:
    """Return first and stop column of the two parts that may hold a ruler."""
    first, stop = (0, columns) if region is None else region[2:]
    inside = int(MARGIN * (stop - first))
    return (0, first + inside), (stop - inside, columns)


def _ladders_in(
    gray: npt.NDArray[np.uint8], start: int, stop: int, region: Bounds | None
) -> list[Ladder]:
    if stop - start < 2:
        return []
    part = np.ascontiguousarray(gray[:, start:stop])
    thin = thin_bright(part)
    top, bottom = (0, gray.shape[0]) if region is None else region[:2]
    height = bottom - top
    slack = 0.05 * height + 3
    ladders = []
    for contrast in CONTRASTS:
        blobs = find_blobs(part, thin, contrast=contrast)
        near = (blobs.row >= top - slack) & (blobs.row <= bottom + slack)
        blobs = blobs.take(np.flatnonzero(near))
        ladders += find_ladders(blobs, part, thin, min_span=MIN_SPAN * height)
    return [
        replace(
            ladder,
            column=ladder.column + start,
            left=ladder.left + start,
            right=ladder.right + start,
        )
        for ladder in ladders
        if region is None or _goes_along(ladder, height)
    ]


def _most_certain(ladders: list[Ladder]) -> Ladder | None:
    """Return the ladder of most marks, ``None`` if another contradicts it."""
    if not ladders:
        return None
    best = max(
        ladders,
        key=lambda found: (
            len(found.rows),
            found.major_every is not None,
            -found.residual,
        ),
    )
    return None if any(_contradicts(best, other) for other in ladders) else best


def _goes_along(ladder: Ladder, height: int) -> bool:
    """Whether the marks leave out no more than a mark at either end of the picture."""
    return bool(ladder.rows[-1] - ladder.rows[0] + 3 * ladder.pitch >= 0.75 * height)


def _contradicts(best: Ladder, other: Ladder) -> bool:
    """Whether another line of marks, elsewhere, has a scale that does not fit."""
    if other.left <= best.right + 30 and best.left <= other.right + 30:
        return False
    ratio = max(best.pitch, other.pitch) / min(best.pitch, other.pitch)
    return all(abs(ratio / simple - 1) > AGREEMENT for simple in _RATIOS)


def _candidates(ladder: Ladder, region: Bounds | None) -> tuple[RulerCandidate, ...]:
    extent = (
        ladder.rows[-1] - ladder.rows[0] if region is None else region[1] - region[0]
    )
    found = []
    usual = _CONVENTIONS[ladder.major_every]
    if ladder.major_every is None and ladder.is_major.any():
        usual = _ONE_LONGER
    for tick_mm in usual:
        spacing = tick_mm / ladder.pitch
        depth = float(extent * spacing)
        if POSSIBLE_DEPTH_MM[0] <= depth <= POSSIBLE_DEPTH_MM[1]:
            uncertainty = 2 * spacing * ladder.pitch_se / ladder.pitch
            found.append(RulerCandidate(tick_mm, spacing, uncertainty, depth))
    low, high = USUAL_DEPTH_MM
    return tuple(sorted(found, key=lambda c: not low <= c.depth_mm <= high))


def _explain(ladder: Ladder, candidates: tuple[RulerCandidate, ...], side: str) -> str:
    best = candidates[0]
    relative = best.uncertainty_mm / best.spacing_mm
    count = len(ladder.rows)
    every = ladder.major_every
    if every is not None:
        pattern = f"every {every}{'nd' if every == 2 else 'th'} longer or brighter"
    else:
        pattern = "one of them longer" if ladder.is_major.any() else "all alike"
    text = (
        f"{count} marks at the {side} margin, every {ladder.pitch:.1f} px, {pattern}: "
        f"taken as {best.tick_mm:g} mm from mark to mark, which makes "
        f"{best.spacing_mm:.4g} mm a pixel (± {relative:.1%}, k = 2) and a depth of "
        f"{best.depth_mm:.0f} mm"
    )
    others = [
        f"{c.tick_mm:g} mm ({c.spacing_mm:.4g} mm a pixel, {c.depth_mm:.0f} mm deep)"
        for c in candidates[1:]
    ]
    return f"{text}; {' or '.join(others)} is possible too." if others else f"{text}."
