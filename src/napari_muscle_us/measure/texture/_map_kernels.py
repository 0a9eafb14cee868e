"""Compiled inner loops of `napari_muscle_us.measure.texture.maps`.

Imported on the first map, never with the package, as `napari_muscle_us._kernels`. All
sums are whole numbers, so a window that has moved a thousand times has not drifted.
"""

from __future__ import annotations

import numpy as np

from napari_muscle_us._compiled import compiled

NO_PAIR = 65535
"""Code where an end of the pair lies outside; 256 levels never reach it."""


@compiled
def pair_codes(levels, down, across, n_levels, codes):
    """Write the code of each pair of pixels, transposed: shape (columns, rows).

    A code is ``difference * n_levels + lower level``, levels counted from 0, so that
    the many pairs of nearly the same level lie together in memory. `down` is not
    negative. A pair has the row of its upper and the column of its left pixel.
    """
    left, right = max(0, -across), max(0, across)
    for c in range(codes.shape[0]):
        for r in range(codes.shape[1]):
            a = np.int64(levels[r, c + left])
            b = np.int64(levels[r + down, c + right])
            if a == 0 or b == 0:
                codes[c, r] = NO_PAIR
            else:
                codes[c, r] = abs(a - b) * n_levels + min(a, b) - 1


@compiled
def _enter(line, start, stop, n_levels, counts, gains, squares, logs):
    """Count the pairs of a stretch in; return the two sums as they then are."""
    for i in range(start, stop):
        code = line[i]
        if code != NO_PAIR:
            count = counts[code]
            counts[code] = count + 1
            same = code < n_levels
            squares += (4 * count + 2) << same
            logs += gains[np.int64(same), count]
    return squares, logs


@compiled
def _leave(line, start, stop, n_levels, counts, gains, squares, logs):
    """Undo `_enter`."""
    for i in range(start, stop):
        code = line[i]
        if code != NO_PAIR:
            count = counts[code] - 1
            counts[code] = count
            same = code < n_levels
            squares -= (4 * count + 2) << same
            logs -= gains[np.int64(same), count]
    return squares, logs


@compiled
def slide(codes, height, width, n_levels, gains, first, squares_out, logs_out):
    """Write the sums over the entries of the matrix of each window of a band.

    ``squares_out[y, x]`` is the sum of P², ``logs_out[y, x]`` that of P log2 P in
    the fixed point of `gains`, where P are the entries of the symmetric matrix of the
    pairs ``codes[x : x + width, first + y : first + y + height]``.

    The window goes to and fro along the rows. An entry off the diagonal is there twice,
    one on it grows by two for each pair: ``gains[0, c]`` and ``gains[1, c]`` are what
    one more pair adds to the logarithmic sum where there were c.
    """
    n_rows, n_columns = squares_out.shape
    counts = np.zeros(n_levels * n_levels, np.int32)
    squares, logs = np.int64(0), np.int64(0)
    for c in range(width):
        squares, logs = _enter(
            codes[c], first, first + height, n_levels, counts, gains, squares, logs
        )
    x, step = 0, 1
    for y in range(n_rows):
        top = first + y
        if y:
            # Down: one row of pairs leaves at the top, one enters at the bottom.
            for c in range(x, x + width):
                squares, logs = _leave(
                    codes[c], top - 1, top, n_levels, counts, gains, squares, logs
                )
                below = top + height
                squares, logs = _enter(
                    codes[c], below - 1, below, n_levels, counts, gains, squares, logs
                )
        squares_out[y, x], logs_out[y, x] = squares, logs
        for _ in range(n_columns - 1):
            old, new = (x, x + width) if step > 0 else (x + width - 1, x - 1)
            squares, logs = _leave(
                codes[old], top, top + height, n_levels, counts, gains, squares, logs
            )
            squares, logs = _enter(
                codes[new], top, top + height, n_levels, counts, gains, squares, logs
            )
            x += step
            squares_out[y, x], logs_out[y, x] = squares, logs
        step = -step


@compiled
def _read_row(levels, row, down, across, by_difference, difference, total):
    """Write difference and sum of the levels of a row of pairs."""
    left, right = max(0, -across), max(0, across)
    nothing = by_difference.shape[1] - 1
    for c in range(difference.size):
        a = np.int64(levels[row, c + left])
        b = np.int64(levels[row + down, c + right])
        there = a > 0 and b > 0
        difference[c] = abs(a - b) if there else nothing
        total[c] = a + b if there else 0


@compiled
def _add_row(table, place, sign, columns):
    for c in range(columns.size):
        columns[c] += sign * table[place[c]]


@compiled
def box_sums(levels, down, across, height, width, by_difference, by_total, first, sums):
    """Write the sums of functions of the pairs of each window of a band.

    ``sums[q, y, x]`` is that over the pairs whose upper left corner is in rows
    ``first + y … + height − 1``, columns ``x … + width − 1``, of entry q of the tables:
    first the functions of the difference of the two levels, then those of their sum.
    What stands for a pair with an end outside (last difference, sum 0) must be 0.
    """
    n_difference, n_total = by_difference.shape[0], by_total.shape[0]
    n_rows, n_columns = sums.shape[1:]
    n_pairs = n_columns + width - 1
    columns = np.zeros((n_difference + n_total, n_pairs), np.int64)
    difference = np.empty(n_pairs, np.int64)
    total = np.empty(n_pairs, np.int64)
    for step in range(2 * n_rows + height - 2):
        # After the first window, each row that leaves is followed by one that enters.
        late = step - height
        leaves = late >= 0 and late % 2 == 0
        if late < 0:
            row = first + step
        else:
            row = first + late // 2 + (0 if leaves else height)
        sign = -1 if leaves else 1
        _read_row(levels, row, down, across, by_difference, difference, total)
        for q in range(n_difference):
            _add_row(by_difference[q], difference, sign, columns[q])
        for q in range(n_total):
            _add_row(by_total[q], total, sign, columns[n_difference + q])
        if late < -1 or leaves:
            continue
        y = (late + 1) // 2
        for q in range(n_difference + n_total):
            _run_along(columns[q], width, sums[q, y])


@compiled
def _run_along(columns, width, out):
    window = columns[:width].sum()
    out[0] = window
    for x in range(1, out.size):
        window += columns[x + width - 1] - columns[x - 1]
        out[x] = window
