"""Compiled inner loops of the run length matrix, and of the features of any matrix.

Imported at the first call, never with the package, as `napari_muscle_us._kernels`.
"""

from __future__ import annotations

import numpy as np

from napari_muscle_us._compiled import compiled


@compiled
def frame_boxes(levels):
    """Return pixels, top, bottom, left, right and highest level, a row a frame.

    Bottom and right are one past the last pixel inside the region.
    """
    n_frames, height, width = levels.shape
    boxes = np.zeros((n_frames, 6), np.int64)
    for frame in range(n_frames):
        n_pixels, top, bottom, left, right, highest = 0, height, 0, width, 0, 0
        for row in range(height):
            inside = 0
            for column in range(width):
                level = np.int64(levels[frame, row, column])
                inside += level != 0
                highest = max(highest, level)
            if inside == 0:
                continue
            n_pixels += inside
            top, bottom = min(top, row), row + 1
            first = 0
            while levels[frame, row, first] == 0:
                first += 1
            last = width - 1
            while levels[frame, row, last] == 0:
                last -= 1
            left, right = min(left, first), max(right, last + 1)
        boxes[frame] = (n_pixels, top, bottom, left, right, highest)
    return boxes


@compiled
def framed(levels, frame, box, rows, columns):
    """Return the box of one frame with a margin of zeros, so that no step leaves it."""
    top, bottom, left, right = box[1], box[2], box[3], box[4]
    height, width = bottom - top + 2 * rows, right - left + 2 * columns
    field = np.zeros((height, width), np.int32)
    for row in range(top, bottom):
        for column in range(left, right):
            field[row - top + rows, column - left + columns] = levels[
                frame, row, column
            ]
    return field


@compiled
def add_runs(field, row_step, column_step, counts):
    """Count the runs of one direction into ``counts[level - 1, length - 1]``.

    Each pixel knows how long its run is so far, and ``reached[level, l]`` is how many
    runs reach the length l. Where a run ends is never asked: no guess of the machine
    about that can be wrong, which halves the time.
    """
    flat = field.ravel()
    # A run has no sense, so the step may always go forwards in memory.
    step = abs(row_step * field.shape[1] + column_step)
    so_far = np.zeros(flat.size, np.int32)
    n_levels, longest = counts.shape
    reached = np.zeros((n_levels + 1, longest + 2), np.int64)
    length = np.int32(0)
    for here in range(step, flat.size):
        level = flat[here]
        same = np.int32(level == flat[here - step])
        # Beside it, the pixel before need not be read back from memory.
        before = length if step == 1 else so_far[here - step]
        length = ((before & -same) + np.int32(1)) & -np.int32(level != 0)
        so_far[here] = length
        reached[level, length] += 1
    for i in range(n_levels):
        for j in range(longest):
            counts[i, j] += reached[i + 1, j + 1] - reached[i + 1, j + 2]


@compiled
def _mean_and_variance(sums, places, total):
    mean = 0.0
    for k in range(sums.size):
        mean += places[k] * sums[k]
    mean /= total
    variance = 0.0
    for k in range(sums.size):
        variance += (places[k] - mean) ** 2 * sums[k]
    return mean, variance / total


@compiled
def describe(counts, columns, n_units):
    """Return the 17 features that all matrices of level and second index share.

    Order: emphasis of short, long, low, high, short low, short high, long low and
    long high; non-uniformity of the level, normalised, of the column, normalised;
    percentage; variance of the level and of the column; entropy; energy. NaN where
    nothing was counted.
    """
    n_levels, n_columns = counts.shape
    values = np.full(17, np.nan)
    by_level = np.zeros(n_levels)
    by_column = np.zeros(n_columns)
    for i in range(n_levels):
        for j in range(n_columns):
            by_level[i] += counts[i, j]
            by_column[j] += counts[i, j]
    total = by_level.sum()
    if total == 0.0:
        return values
    values[:] = 0.0
    places = columns.astype(np.float64)
    grades = np.arange(1, n_levels + 1).astype(np.float64)
    for i in range(n_levels):
        if by_level[i] == 0.0:
            continue
        level_2 = grades[i] ** 2
        values[2] += by_level[i] / level_2
        values[3] += by_level[i] * level_2
        values[8] += by_level[i] ** 2
        for j in range(n_columns):
            count = float(counts[i, j])
            if count == 0.0:
                continue
            column_2 = places[j] ** 2
            values[4] += count / (level_2 * column_2)
            values[5] += count * level_2 / column_2
            values[6] += count * column_2 / level_2
            values[7] += count * column_2 * level_2
            values[15] += count * np.log2(total / count)
            values[16] += count * count
    for j in range(n_columns):
        values[0] += by_column[j] / places[j] ** 2
        values[1] += by_column[j] * places[j] ** 2
        values[10] += by_column[j] ** 2
    values[:9] /= total
    values[9] = values[8] / total
    values[10] /= total
    values[11] = values[10] / total
    values[12] = total / n_units
    values[13] = _mean_and_variance(by_level, grades, total)[1]
    values[14] = _mean_and_variance(by_column, places, total)[1]
    values[15] /= total
    values[16] /= total * total
    return values
