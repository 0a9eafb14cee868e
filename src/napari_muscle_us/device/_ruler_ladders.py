"""Marks at equal distances: lined up, fitted, and sorted into longer and shorter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.device._ruler_doubts import is_doubtful

if TYPE_CHECKING:
    from napari_muscle_us.device._ruler_marks import Blobs, Flags, Floats, Gray, Ints

MIN_MARKS: Final = 4
MIN_PITCH_PX: Final = 4.0

_MAX_IN_LINE: Final = 160
_MAX_STARTS: Final = 24
_MAX_ALIKE: Final = 32
_PERIODS: Final = (10, 5, 4, 2)


@dataclass(frozen=True, slots=True, eq=False)
class Ladder:
    """Marks in one line at equal distances: ``row = origin + pitch · step``.

    `major_every` is the period of the longer marks, ``None`` where all are alike, and
    `is_major` tells which those are; with one longer mark alone the period is unknown.
    `pitch_se` is the standard uncertainty of the pitch, from the scatter of the rows
    or the worst that rounding them can do.
    """

    rows: Floats
    pitch: float
    pitch_se: float
    residual: float
    column: float
    left: int
    right: int
    major_every: int | None
    is_major: Flags


def find_ladders(
    blobs: Blobs, gray: Gray, thin: Gray, *, min_span: float
) -> list[Ladder]:
    """Return the regular lines of marks, one for each alignment that shows one.

    Parameters
    ----------
    blobs : Blobs
        Spots of the part of the image that `gray` shows.
    gray, thin : ndarray of uint8
        That part, and what `thin_bright` makes of it.
    min_span : float
        Least distance of the first and last mark in px.
    """
    found = []
    seen = set()
    for edge in (blobs.left, blobs.right, blobs.middle):
        order = np.argsort(edge, kind="stable")
        ordered = edge[order]
        for place in np.unique(edge):
            start, stop = np.searchsorted(ordered, (place - 1, place + 2))
            members = np.sort(order[start:stop])
            if not MIN_MARKS <= len(members) <= _MAX_IN_LINE:
                continue
            if members.tobytes() in seen:
                continue
            seen.add(members.tobytes())
            line = blobs.take(members)
            if line.row[-1] - line.row[0] < min_span:
                continue
            run = _longest_run(line.row, min_span)
            ladder = None if run is None else _fit(line, *run, gray, thin)
            if ladder is not None:
                found.append(ladder)
    return found


def _longest_run(rows: Floats, min_span: float) -> tuple[Ints, Ints] | None:
    """Return the members and step numbers of the longest regular run of rows."""
    gaps = np.diff(rows)
    alike = (np.abs(gaps[:, None] - gaps[None, :]) <= 1.5).sum(axis=1)
    usable = (gaps >= MIN_PITCH_PX) & (alike >= max(2, 0.25 * len(gaps)))
    best: tuple[Ints, Ints] | None = None
    reached = -1.0
    for start in np.flatnonzero(usable)[:_MAX_STARTS]:
        if rows[start] <= reached:
            continue
        members, steps = _walk(rows, int(start), float(gaps[start]))
        if len(members) < MIN_MARKS or rows[members[-1]] - rows[start] < min_span:
            continue
        reached = float(rows[members[-2]])
        if best is None or len(members) > len(best[0]):
            best = members, steps
    return best


def _walk(rows: Floats, start: int, pitch: float) -> tuple[Ints, Ints]:
    """Follow equal distances from a pair of rows; one mark at a time may be hidden."""
    members, steps = [start, start + 1], [0, 1]
    while True:
        tolerance = min(max(1.2, 0.03 * pitch), 3.0)
        for gap in (1, 2):
            target = rows[members[-1]] + gap * pitch
            after = int(np.searchsorted(rows, target))
            near = min(
                (i for i in (after - 1, after) if i < len(rows)),
                key=lambda i: abs(rows[i] - target),
            )
            if near > members[-1] and abs(rows[near] - target) <= tolerance:
                members.append(near)
                steps.append(steps[-1] + gap)
                break
        else:
            return np.array(members), np.array(steps)
        pitch = float((rows[members[-1]] - rows[start]) / steps[-1])


def _fit(
    line: Blobs, members: Ints, steps: Ints, gray: Gray, thin: Gray
) -> Ladder | None:
    """Return the ladder of some members of a line, ``None`` if it is no ruler."""
    marks = line.take(members)
    count = len(members)
    if _too_many_hidden(steps) or _too_many_strangers(line, marks):
        return None
    pitch, origin = np.polyfit(steps, marks.row, 1)
    residuals = marks.row - (origin + pitch * steps)
    rms = float(np.sqrt((residuals**2).sum() / (count - 2)))
    worst = float(np.abs(residuals).max())
    if worst > max(1.0, 0.02 * pitch) or rms > max(0.6, 0.015 * pitch):
        return None
    places = origin + pitch * np.arange(steps[-1] + 1)
    pattern = _pattern(marks, steps)
    if pattern is None or is_doubtful(marks, places, gray, thin):
        return None
    hidden = int(steps[-1]) + 1 - count
    if pattern[0] is None and (count > _MAX_ALIKE or hidden > 2):
        return None
    around = steps - steps.mean()
    scatter = rms / np.sqrt((around**2).sum())
    # Scanners draw on whole rows; the errors of rounding can all pull one way.
    rounding = 0.5 * np.abs(around).sum() / (around**2).sum() / np.sqrt(3)
    return Ladder(
        rows=marks.row,
        pitch=float(pitch),
        pitch_se=float(max(scatter, rounding)),
        residual=rms,
        column=float(np.median(marks.left + marks.right) / 2),
        left=int(marks.left.min()),
        right=int(marks.right.max()),
        major_every=pattern[0],
        is_major=pattern[1],
    )


def _too_many_hidden(steps: Ints) -> bool:
    """Whether too few places of the ladder are filled to believe in it."""
    positions = int(steps[-1]) + 1
    hidden = np.setdiff1d(np.arange(positions), steps)
    if len(hidden) > max(0 if len(steps) < 5 else 1, 0.15 * positions):
        return True
    # Gaps at equal distances: the longer marks are there but stand in another line.
    distances = np.unique(np.diff(hidden))
    return len(distances) == 1 and (len(hidden) > 2 or distances[0] in _PERIODS)


def _too_many_strangers(line: Blobs, marks: Blobs) -> bool:
    """Whether other spots of the line stand between the marks."""
    between = (line.row > marks.row[0]) & (line.row < marks.row[-1])
    as_bright = line.contrast >= 0.5 * np.median(marks.contrast)
    count = len(marks.row)
    strangers = int((between & as_bright).sum()) - (count - 2)
    return strangers > max(count > MIN_MARKS, 0.2 * count)


def _pattern(marks: Blobs, steps: Ints) -> tuple[int | None, Flags] | None:
    """Return the period of the longer marks and which they are.

    ``None`` when the lengths are neither alike nor in a period, as those of text.
    """
    width = marks.width
    sizes = (width, width * marks.height * marks.contrast, marks.contrast)
    for exceptions in (0, 1):
        for size in sizes:
            for period in _PERIODS:
                for first in range(period):
                    major = steps % period == first
                    if (
                        _are_larger(size, major, exceptions)
                        and _unlike(width, major) <= max(1, 0.15 * len(width))
                        and _is_shortest(steps, period, first)
                    ):
                        return period, major
    longest = np.arange(len(width)) == width.argmax()
    if _unlike(width, longest) > max(1, 0.05 * len(width)):
        return None
    next_longest = width[~longest].max()
    single = width.max() > max(1.2 * next_longest, next_longest + 1)
    return None, longest & single


def _is_shortest(steps: Ints, period: int, first: int) -> bool:
    """Whether marks are there that rule out every shorter period of the longer ones."""
    return all(
        ((steps % shorter == first % shorter) & (steps % period != first)).any()
        for shorter in _PERIODS
        if shorter < period and period % shorter == 0
    )


def _are_larger(size: Floats, major: Flags, exceptions: int) -> bool:
    if major.sum() < 2 or (~major).sum() < 2:
        return False
    # One mark may be clipped, hidden in part or joined to print where there are many.
    low, high = np.sort(size[major]), np.sort(size[~major])
    smallest = low[exceptions if len(low) >= 6 else 0]
    largest = high[-1 - (exceptions if len(high) >= 6 else 0)]
    return bool(smallest > 1.2 * largest and smallest >= largest + 1)


def _unlike(width: Floats, major: Flags) -> int:
    """Return how many marks differ in length from those of their kind."""
    odd = 0
    for group in (width[major], width[~major]):
        if group.size:
            middle = np.median(group)
            odd += int((np.abs(group - middle) > max(2.0, 0.25 * middle)).sum())
    return odd
