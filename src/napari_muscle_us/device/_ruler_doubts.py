"""What looks like a ruler and is none: print, lists, gray bars, half a ruler."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import ndimage

from napari_muscle_us.device._ruler_marks import half_level

if TYPE_CHECKING:
    from napari_muscle_us.device._ruler_marks import Blobs, Flags, Floats, Gray, Ints

_PRINT_REACH: Final = 40
_LEAST_PARTS_PX: Final = 8.0
_MAX_BUSY: Final = 0.025


def is_doubtful(marks: Blobs, places: Floats, gray: Gray, thin: Gray) -> bool:
    """Whether regular marks are something else than a whole ruler.

    Parameters
    ----------
    marks : Blobs
        The marks, in one line.
    places : ndarray
        Fitted rows of all marks, hidden ones too.
    gray, thin : ndarray of uint8
        The part of the image that `marks` refers to, and its `thin_bright`.
    """
    pitch = float(places[1] - places[0])
    return (
        not _is_calm_between(marks, gray, thin)
        or not _has_calm_side(marks, thin)
        or _begins_lines(marks, gray, pitch)
        or _belongs_to_letters(marks, gray, pitch)
        or _has_finer(marks, thin, places)
        or _goes_along_bar(marks, gray)
    )


def _is_calm_between(marks: Blobs, gray: Gray, thin: Gray) -> bool:
    """Whether the line holds little besides its marks, which are alike in contrast."""
    typical = float(np.median(marks.contrast))
    weak = int((marks.contrast < 0.5 * typical).sum())
    if weak > max(1, 0.15 * len(marks.row)):
        return False
    first, last = int(np.median(marks.left)), int(np.median(marks.right))
    top, bottom = int(marks.top[0]), int(marks.bottom[-1]) + 1
    ground = np.ones(bottom - top, np.bool_)
    for start, stop in zip(marks.top - top, marks.bottom - top, strict=True):
        ground[max(start - 1, 0) : stop + 2] = False
    if not ground.any():
        return True
    line = np.s_[top:bottom, first : last + 1]
    noisy = thin[line].max(axis=1)[ground] >= 0.4 * typical
    covered = gray[line].max(axis=1)[ground] >= half_level(gray, marks)
    return bool(noisy.mean() <= 0.15 and covered.mean() <= 0.5)


def _has_calm_side(marks: Blobs, thin: Gray) -> bool:
    """Whether the screen is empty along one side of the marks, as it is not in tissue.

    The share of pixels that stand out there was at most 0.022 for the rulers of eleven
    kinds of screen, and at least 0.04 for ladders that tissue made by chance.
    """
    typical = float(np.median(marks.contrast))
    rows = slice(int(marks.top[0]), int(marks.bottom[-1]) + 1)
    left, right = int(marks.left.min()), int(marks.right.max())
    shares = [
        (thin[rows, max(start, 0) : max(stop, 0)] >= 0.4 * typical).mean()
        for start, stop in ((left - 10, left - 1), (right + 2, right + 11))
        if max(start, 0) + 3 <= min(stop, thin.shape[1])
    ]
    return bool(shares) and bool(min(shares) <= _MAX_BUSY)


def _begins_lines(marks: Blobs, gray: Gray, pitch: float) -> bool:
    """Whether print stands beside most marks and not between them, as in a list."""
    last_row, last_col = gray.shape[0] - 1, gray.shape[1] - 1
    printed = gray >= half_level(gray, marks)
    reach = np.arange(2, _PRINT_REACH)
    # From the row above a mark, not to the next: that one's number is not this one's.
    rows = np.rint(marks.row).astype(np.intp)[:, None] + np.arange(-1, int(pitch) - 1)
    rows = np.clip(rows, 0, last_row)
    for columns in (marks.left[:, None] - reach, marks.right[:, None] + reach):
        inside = (columns >= 0) & (columns <= last_col)
        beside = np.clip(columns, 0, last_col)
        # Whether anything is printed beside a mark, so many rows further down.
        found = np.stack(
            [
                (printed[row[:, None], column] & free).any(axis=1)
                for row, column, free in zip(rows, beside, inside, strict=True)
            ]
        )
        share = float(found[:, :3].any(axis=1).mean())
        apart = (found | np.roll(found, -1, axis=1)).mean(axis=0)
        if share >= 0.85 and (
            share - apart[len(apart) // 2] >= 0.4 or apart.min() <= 0.2
        ):
            return True
    return False


def _belongs_to_letters(marks: Blobs, gray: Gray, pitch: float) -> bool:
    """Whether most marks have print above or below them, as the foot of a letter."""
    printed = gray >= half_level(gray, marks)
    reach = int(min(8, pitch / 4))
    if reach < 3:
        return False

    def share(starts: Ints) -> float:
        found = [
            printed[max(start, 0) : max(start + reach, 0), left : right + 1].any()
            for start, left, right in zip(starts, marks.left, marks.right, strict=True)
        ]
        return float(np.mean(found))

    apart = share(np.rint(marks.row + pitch / 2 - reach / 2).astype(np.intp))
    over, under = share(marks.top - 2 - reach), share(marks.bottom + 3)
    return max(over, under) >= 0.85 and apart <= 0.3


def _has_finer(marks: Blobs, thin: Gray, places: Floats) -> bool:
    """Whether marks that were not told from the tissue divide the distances."""
    first, last = int(marks.left.min()), int(marks.right.max())
    bright: Flags = thin[:, first : last + 1].max(axis=1) >= 0.5 * np.median(
        marks.contrast
    )
    bright = ndimage.maximum_filter1d(bright, 3)
    pitch = places[1] - places[0]
    for parts in (2, 3, 4, 5, 10):
        if pitch / parts < _LEAST_PARTS_PX:
            continue
        inner = places[:-1, None] + pitch * np.arange(1, parts) / parts
        if bright[np.rint(inner).astype(np.intp)].mean() >= 0.5:
            return True
    return False


def _goes_along_bar(marks: Blobs, gray: Gray) -> bool:
    """Whether the marks go along a gray or colour bar, whose scale is not depth.

    A bar is even across and bright in nearly all rows from the first mark to the last,
    and its level changes along it.
    """
    reach = max(12, gray.shape[0] // 40)
    rows = slice(int(marks.row[0]), int(marks.row[-1]) + 1)
    left, right = int(marks.left.min()), int(marks.right.max())
    for start, stop in ((left - reach, left - 1), (right + 2, right + 2 + reach)):
        near = gray[rows, max(start, 0) : max(stop, 0)].astype(np.int16)
        for first in range(near.shape[1] - 4):
            strip = near[:, first : first + 5]
            level = strip[:, 2]
            even = (strip.max(axis=1) - strip.min(axis=1) <= 8) & (level > 16)
            if even.mean() < 0.8:
                continue
            low, high = np.percentile(level[even], (10, 90))
            if high - low >= 50:
                return True
    return False
