"""Compiled sums of the fascicle direction; called through `_fascicle_lines` only.

Imported on the first direction, never with the package: numba costs half a second.
The compiled code is cached on disk, so only the first run compiles.
"""

from __future__ import annotations

import numpy as np

from napari_muscle_us._compiled import compiled


@compiled
def box_sum_rows(values, radius, out):
    """Write the sum over `2 radius + 1` columns around each pixel to `out`."""
    rows, columns = values.shape
    for r in range(rows):
        total = 0.0
        for c in range(min(radius, columns)):
            total += values[r, c]
        for c in range(columns):
            if c + radius < columns:
                total += values[r, c + radius]
            out[r, c] = total
            if c >= radius:
                total -= values[r, c - radius]


@compiled
def box_sum_columns(values, radius, out):
    """Write the sum over `2 radius + 1` rows around each pixel to `out`."""
    rows, columns = values.shape
    total = np.zeros(columns, np.float64)
    for r in range(min(radius, rows)):
        for c in range(columns):
            total[c] += values[r, c]
    for r in range(rows):
        if r + radius < rows:
            for c in range(columns):
                total[c] += values[r + radius, c]
        for c in range(columns):
            out[r, c] = total[c]
        if r >= radius:
            for c in range(columns):
                total[c] -= values[r - radius, c]


@compiled
def box_blur(values, radius_down, radius_right, passes, out):
    """Write `values` smoothed by a box, `passes` times over, to `out`."""
    scratch = np.empty_like(values)
    scale = np.float32(1.0 / ((2 * radius_down + 1) * (2 * radius_right + 1)))
    for p in range(passes):
        box_sum_rows(values if p == 0 else out, radius_right, scratch)
        box_sum_columns(scratch, radius_down, out)
        for r in range(out.shape[0]):
            for c in range(out.shape[1]):
                out[r, c] *= scale


@compiled
def mean_product(values, inside, down, right):
    """Return the mean product of pixels inside at one lag; 0 without such a pair."""
    total, pairs = 0.0, 0.0
    for r in range(values.shape[0] - down):
        row, other = np.float32(0), np.float32(0)
        for c in range(values.shape[1] - right):
            row += values[r, c] * values[r + down, c + right]
            other += inside[r, c] * inside[r + down, c + right]
        total += row
        pairs += other
    return total / pairs if pairs > 0 else 0.0


@compiled
def add_line_sums(products, lags, cosines, sines, column_per_row, reach, sums):
    """Add, per angle, the values of a map of lags along a line through its origin.

    `products` holds lag (0, 0) at its first pixel and negative lags at its end, as a
    Fourier transform leaves them; `reach` are the most rows and columns of a lag in
    it. Values between pixels are interpolated linearly.
    """
    rows, columns = products.shape
    down, right = reach
    for k in range(cosines.shape[0]):
        total = 0.0
        for lag in lags:
            y = -lag * sines[k]
            x = lag * cosines[k] / column_per_row
            y0, x0 = int(np.floor(y)), int(np.floor(x))
            if y0 < -down or y0 >= down or x0 < -right or x0 >= right:
                continue
            fy, fx = y - y0, x - x0
            top, bottom = y0 % rows, (y0 + 1) % rows
            left, next_ = x0 % columns, (x0 + 1) % columns
            total += (1 - fy) * (
                (1 - fx) * products[top, left] + fx * products[top, next_]
            ) + fy * ((1 - fx) * products[bottom, left] + fx * products[bottom, next_])
        sums[k] += total
