"""The windows of a texture map, band by band on all processors, by sums that slide."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us._parallel import processors
from napari_muscle_us.measure.texture.map_features import (
    OF_DIFFERENCE,
    OF_MATRIX,
    OF_TOTAL,
    MapFeature,
    log_table,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt

    from napari_muscle_us.measure.texture._map_boxes import Levels, Window
    from napari_muscle_us.measure.texture.offsets import Offset, Offsets

    Whole = npt.NDArray[np.int64]
    Maps = Mapping[str, npt.NDArray[np.floating[Any]]]

MIN_BAND: Final = 16
"""Least rows of a band; each begins with a window of its own, which costs."""

BANDS_A_THREAD: Final = 8
"""So many bands share out the work evenly and are soon over when it is cancelled."""


@dataclass(frozen=True, slots=True, eq=False)
class Direction:
    """The pairs of one step: its box of pairs, and their codes where they are needed.

    `least` is the number of pairs below which a window has no value.
    """

    step: Offset
    box: tuple[int, int]
    least: int
    codes: npt.NDArray[np.uint16] | None
    gains: Whole | None


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """Features that come from the same levels, averaged over the same directions."""

    levels: Levels
    n_levels: int
    directions: tuple[Direction, ...]
    features: tuple[MapFeature, ...]
    names: tuple[str, ...]
    by_difference: Whole
    by_total: Whole


def prepare(
    levels: Levels,
    n_levels: int,
    steps: Offsets,
    window: Window,
    features: Sequence[MapFeature],
    min_share: float,
) -> Pass:
    """Return the tables and codes that the bands of a pass need.

    Parameters
    ----------
    levels : ndarray of uint16, shape (depth, lateral)
        1 … `n_levels` inside, 0 outside.
    n_levels : int
        Highest level, at most 256.
    steps : tuple of (int, int)
        Steps that point down or right; (0, 0) pairs each pixel with itself.
    window : Window
        Size of the window.
    features : sequence of MapFeature
        What is asked of these levels.
    min_share : float
        Least share of a full window's pairs.

    Returns
    -------
    Pass
        Ready for `run`.
    """
    needed = {"n"}.union(*(feature.sums for feature in features))
    differences = tuple(name for name in OF_DIFFERENCE if name in needed)
    totals = tuple(name for name in OF_TOTAL if name in needed)
    matrix = not needed.isdisjoint(OF_MATRIX)
    places = np.arange(n_levels + 1, dtype=np.int64)
    by_difference = np.stack([OF_DIFFERENCE[name](places) for name in differences])
    # The last entry stands for a pair with an end outside.
    by_difference[:, n_levels] = 0
    by_total = np.zeros((len(totals), 2 * n_levels + 1), np.int64)
    for row, name in enumerate(totals):
        by_total[row] = OF_TOTAL[name](np.arange(2 * n_levels + 1, dtype=np.int64))
    directions = (
        _direction(levels, n_levels, step, window, min_share, matrix) for step in steps
    )
    return Pass(
        levels=levels,
        n_levels=n_levels,
        directions=tuple(directions),
        features=tuple(features),
        names=differences + totals,
        by_difference=by_difference,
        by_total=by_total,
    )


def _direction(
    levels: Levels,
    n_levels: int,
    step: Offset,
    window: Window,
    min_share: float,
    matrix: bool,
) -> Direction:
    from napari_muscle_us.measure.texture import _map_kernels as kernels

    box = window.rows - step[0], window.columns - abs(step[1])
    most = box[0] * box[1]
    least = max(1, math.ceil(min_share * most - 1e-9))
    if not matrix:
        return Direction(step, box, least, None, None)
    shape = levels.shape[1] - abs(step[1]), levels.shape[0] - step[0]
    codes = np.empty(shape, np.uint16)
    kernels.pair_codes(levels, *step, n_levels, codes)
    logs = log_table(2 * most)
    single, double = logs[: most + 1], logs[::2]
    gains = np.stack([2 * np.diff(single), np.diff(double)])
    return Direction(step, box, least, codes, gains)


def run(
    passes: Sequence[Pass],
    out: Maps,
    progress: Callable[[int, int], None] | None,
    cancelled: Callable[[], bool] | None,
) -> bool:
    """Write all maps; return whether they are complete, not cancelled.

    Parameters
    ----------
    passes : sequence of Pass
        What to compute; the levels of all have the same shape.
    out : mapping of str to ndarray
        Array of each feature, of one row and column for each place of the window.
    progress : callable or None
        Called in this thread with the number of bands that are done and of all.
    cancelled : callable or None
        Asked in this thread after each band whether to stop.

    Returns
    -------
    bool
        False if it was cancelled; `out` is then incomplete.
    """
    threads = processors()
    bands = [(work, rows) for work in passes for rows in _bands(work, out, threads)]
    if cancelled is not None and cancelled():
        return False
    with ThreadPoolExecutor(min(threads, len(bands)), "texture-map") as pool:
        waiting = [pool.submit(_write_band, work, rows, out) for work, rows in bands]
        try:
            for done, band in enumerate(as_completed(waiting), 1):
                band.result()
                if progress is not None:
                    progress(done, len(bands))
                if cancelled is not None and cancelled():
                    return False
        finally:
            for band in waiting:
                band.cancel()
    return True


def _bands(work: Pass, out: Maps, threads: int) -> list[slice]:
    """Return the rows of each band; a high window makes them higher."""
    n_rows = out[work.features[0].key].shape[0]
    height = work.directions[0].box[0]
    step = max(MIN_BAND, height // 2, -(-n_rows // (BANDS_A_THREAD * threads)))
    return [slice(row, min(row + step, n_rows)) for row in range(0, n_rows, step)]


def _write_band(work: Pass, rows: slice, out: Maps) -> None:
    """Write the mean over the directions; NaN where one has too few pairs."""
    shape = rows.stop - rows.start, out[work.features[0].key].shape[1]
    totals = {feature.key: np.zeros(shape) for feature in work.features}
    enough = np.ones(shape, np.bool_)
    for direction in work.directions:
        sums = _sums(work, direction, rows.start, shape)
        enough &= sums["n"] >= direction.least
        np.maximum(sums["n"], 1, out=sums["n"])
        for feature in work.features:
            totals[feature.key] += feature.formula(sums)
    for key, total in totals.items():
        total /= len(work.directions)
        total[~enough] = np.nan
        out[key][rows] = total


def _sums(
    work: Pass, direction: Direction, first: int, shape: tuple[int, int]
) -> dict[str, Whole]:
    """Return the sums of one direction over the windows of a band."""
    from napari_muscle_us.measure.texture import _map_kernels as kernels

    sums = np.empty((len(work.names), *shape), np.int64)
    kernels.box_sums(
        work.levels,
        *direction.step,
        *direction.box,
        work.by_difference,
        work.by_total,
        first,
        sums,
    )
    found = dict(zip(work.names, sums, strict=True))
    if direction.codes is not None:
        squares, logs = np.empty((2, *shape), np.int64)
        kernels.slide(
            direction.codes,
            *direction.box,
            work.n_levels,
            direction.gains,
            first,
            squares,
            logs,
        )
        found |= {"squares": squares, "logs": logs}
    return found
