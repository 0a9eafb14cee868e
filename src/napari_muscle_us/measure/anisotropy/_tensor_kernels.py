"""Compiled inner loops of the structure tensor: gradients, windows and sums.

Imported on the first measurement, never with the package, as
`napari_muscle_us._kernels`. A band of rows goes through in one sweep: a row's
gradients, their products, the window along the row into a ring of rows, the window
across them, the angle. What is kept in between is that ring, never an image.

`reach_x` and `reach_y` say how many pixels on each side of a pixel may be used; 0 means
that no kernel fits. Without a mask they have the shapes (1, lateral) and (depth, 1).
A kernel is a tuple ``(smooth_x, smooth_y, derive_x, derive_y)``; row k of the
derivatives holds the taps for a reach of k.
"""

from __future__ import annotations

import numpy as np

from napari_muscle_us._compiled import compiled, compiled_with
from napari_muscle_us.measure.anisotropy._filter_kernels import (
    FUSED,
    across,
    even4,
    even_along,
    odd_along,
    scaled,
)

# Single precision throughout: a literal of Python would make all of it double.
ZERO = np.float32(0.0)
ONE = np.float32(1.0)
TWO = np.float32(2.0)
TINY = np.float32(1e-30)
NAN = np.float32(np.nan)
HALF_PI = np.float32(np.pi / 2)
PI = np.float32(np.pi)
HALF_DEGREES = np.float32(90 / np.pi)
RIGHT = np.float32(90.0)
TURN = np.float32(180.0)

# Minimax polynomial of atan(t) / t in t², 0 <= t <= 1; largest error 6e-9 rad.
A0 = np.float32(0.999999886383)
A1 = np.float32(-0.333325970283)
A2 = np.float32(0.199859067697)
A3 = np.float32(-0.141612292185)
A4 = np.float32(0.104989461577)
A5 = np.float32(-0.0723485750384)
A6 = np.float32(0.0397812247667)
A7 = np.float32(-0.0144013584203)
A8 = np.float32(0.0024567246558)


@compiled
def _shorter_x(image, r, reach_x, reach_y, derive, first, stop, out):
    """Write the derivative along the row where only a shorter kernel fits."""
    full = derive.shape[0] - 1
    row_x, row_y = r % reach_x.shape[0], r % reach_y.shape[0]
    step = 0 if reach_y.shape[1] == 1 else 1
    for c in range(first, stop):
        reach = reach_x[row_x, c]
        if 0 < reach < full and reach_y[row_y, c * step] > 0:
            total = ZERO
            for k in range(1, reach + 1):
                total += derive[reach, k] * (image[r, c + k] - image[r, c - k])
            out[c] = total


@compiled
def _shorter_y(image, r, reach_x, reach_y, derive, level, out):
    """Write the derivative across the rows where only a shorter kernel fits."""
    for c in range(out.size):
        reach = reach_y[r, c]
        if 0 < reach < level and reach_x[r, c] > 0:
            total = ZERO
            for k in range(1, reach + 1):
                total += derive[reach, k] * (image[r + k, c] - image[r - k, c])
            out[c] = total


@compiled
def _gradient_row(image, r, reach_x, reach_y, kernel, pad, work, gx, gy):
    """Write both derivatives of a row, per pixel; no matter what where none fits."""
    smooth_x, smooth_y, derive_x, derive_y = kernel
    n = gx.size
    full = derive_x.shape[0] - 1
    level = min(r, image.shape[0] - 1 - r, derive_y.shape[0] - 1)
    across(image, r, smooth_y, False, work[0, pad : pad + n])
    across(image, r, derive_y[level], True, work[1, pad : pad + n])
    odd_along(work[0], pad, derive_x[full], gx)
    even_along(work[1], pad, smooth_x, gy)
    if smooth_x.size > 1:
        return
    if reach_y.shape[1] > 1:
        _shorter_x(image, r, reach_x, reach_y, derive_x, 0, n, gx)
        _shorter_y(image, r, reach_x, reach_y, derive_y, level, gy)
    else:
        near = min(full, n)
        _shorter_x(image, r, reach_x, reach_y, derive_x, 0, near, gx)
        _shorter_x(image, r, reach_x, reach_y, derive_x, n - near, n, gx)


@compiled
def _valid_row(r, reach_x, reach_y, valid):
    """Write 1 where both kernels fit and 0 elsewhere."""
    x = reach_x[r % reach_x.shape[0]]
    y = reach_y[r % reach_y.shape[0]]
    if y.size > 1:
        for c in range(valid.size):
            valid[c] = ONE if (x[c] > 0) and (y[c] > 0) else ZERO
    elif y[0] > 0:
        for c in range(valid.size):
            valid[c] = ONE if x[c] > 0 else ZERO
    else:
        valid[:] = ZERO


@compiled
def _rows(n):
    # Three arrays, not the rows of one: known to be contiguous, they run twice as fast.
    return np.zeros(n, np.float32), np.zeros(n, np.float32), np.zeros(n, np.float32)


@compiled_with(fastmath=FUSED, error_model="numpy")
def _products(gx, gy, valid, scale_x, scale_y, xx, xy, yy):
    for c in range(gx.size):
        x = gx[c] * scale_x * valid[c]
        y = gy[c] * scale_y * valid[c]
        xx[c] = x * x
        xy[c] = x * y
        yy[c] = y * y


@compiled_with(fastmath=FUSED, error_model="numpy")
def _finish(xx, xy, yy, weight, least, flat, gain, orientation, coherency, energy):
    """Write angle, coherency and energy of a row of tensors; NaN where undefined."""
    for c in range(xx.size):
        total = xx[c] + yy[c]
        x = yy[c] - xx[c]
        y = TWO * xy[c]
        length = np.sqrt(x * x + y * y)
        enough = weight[c] >= least
        there = enough and total > flat * weight[c]
        ratio = length / (total + TINY)
        ratio = ratio if ratio < ONE else ONE
        ax = x if x > ZERO else -x
        ay = y if y > ZERO else -y
        larger = ax if ax > ay else ay
        smaller = ay if ax > ay else ax
        t = smaller / (larger + TINY)
        q = t * t
        p = A4 + q * (A5 + q * (A6 + q * (A7 + q * A8)))
        p = t * (A0 + q * (A1 + q * (A2 + q * (A3 + q * p))))
        p = HALF_PI - p if ay > ax else p
        p = PI - p if x < ZERO else p
        p = (-p if y < ZERO else p) * HALF_DEGREES
        p = p + TURN if p <= -RIGHT else p
        coherency[c] = ratio if there else NAN
        orientation[c] = p if there and length > ZERO else NAN
        energy[c] = gain * total / weight[c] if enough else NAN


@compiled
def map_band(
    image, reach_x, reach_y, kernel, windows, shares, scales, limits, rows, out
):
    """Write the rows of a band of all three maps.

    Parameters: float32 image; `windows` taps across and along; `shares` the window's
    share of valid rows and columns, or two empty arrays where the mask tells; `scales`
    1 / spacing of x and y; `limits` (least share, flat energy, gain of the energy);
    `rows` first and stop; `out` orientation, coherency, energy.
    """
    n = image.shape[1]
    tall, wide = windows
    reach = tall.size - 1
    masked = shares[0].size == 0
    channels = 4 if masked else 3
    pad = max(wide.size, kernel[2].shape[1], kernel[0].size)
    work = np.zeros((2, n + 2 * pad), np.float32)
    gx, gy, valid = _rows(n)
    parts = np.zeros((4, n + 2 * pad), np.float32)
    middle = slice(pad, pad + n)
    ring = np.zeros((2 * reach + 1, channels * n), np.float32)
    total = np.empty(4 * n, np.float32)
    orientation, coherency, energy = out
    for r in range(rows[0] - reach, rows[1] + reach):
        slot = ring[r % ring.shape[0]]
        if r < 0 or r >= image.shape[0]:
            slot[:] = ZERO
        else:
            _gradient_row(image, r, reach_x, reach_y, kernel, pad, work, gx, gy)
            _valid_row(r, reach_x, reach_y, valid)
            xx, xy, yy = parts[0, middle], parts[1, middle], parts[2, middle]
            _products(gx, gy, valid, scales[0], scales[1], xx, xy, yy)
            if masked:
                parts[3, middle] = valid
            for part in range(channels):
                even_along(parts[part], pad, wide, slot[part * n : (part + 1) * n])
        done = r - reach
        if done >= rows[0]:
            _across_ring(ring, done, tall, total[: channels * n])
            weight = total[3 * n :]
            if not masked:
                scaled(weight, shares[0][done], shares[1])
            _finish(
                total[:n],
                total[n : 2 * n],
                total[2 * n : 3 * n],
                weight,
                limits[0],
                limits[1],
                limits[2],
                orientation[done],
                coherency[done],
                energy[done],
            )


@compiled
def _across_ring(ring, r, taps, out):
    """Write the window across the rows of the ring, around row `r`."""
    size = ring.shape[0]
    scaled(out, taps[0], ring[r % size])
    for k in range(1, taps.size, 4):
        even4(
            out,
            taps[k : k + 4],
            ring[(r + k) % size],
            ring[(r - k) % size],
            ring[(r + k + 1) % size],
            ring[(r - k - 1) % size],
            ring[(r + k + 2) % size],
            ring[(r - k - 2) % size],
            ring[(r + k + 3) % size],
            ring[(r - k - 3) % size],
        )


@compiled
def box_sums(image, reach_x, reach_y, kernel, scales, origin, box, inside, out):
    """Add up the tensor of all gradients inside, box by box.

    `origin` is the first row and column of the first box, `box` its rows and columns,
    `inside` the mask; `out` has the shape (boxes down, boxes across, 4) with xx, xy,
    yy and the number of gradients. What lies in no box is left out.
    """
    n = image.shape[1]
    pad = max(kernel[2].shape[1], kernel[0].size)
    work = np.zeros((2, n + 2 * pad), np.float32)
    gx, gy, valid = _rows(n)
    first, stop = origin[1], min(n, origin[1] + out.shape[1] * box[1])
    last_row = min(image.shape[0], origin[0] + out.shape[0] * box[0])
    for r in range(max(0, origin[0]), last_row):
        _gradient_row(image, r, reach_x, reach_y, kernel, pad, work, gx, gy)
        _valid_row(r, reach_x, reach_y, valid)
        boxes = out[(r - origin[0]) // box[0]]
        for c in range(max(0, first), stop):
            if inside[r, c] and valid[c] > ZERO:
                x = np.float64(gx[c]) * scales[0]
                y = np.float64(gy[c]) * scales[1]
                into = boxes[(c - first) // box[1]]
                into[0] += x * x
                into[1] += x * y
                into[2] += y * y
                into[3] += 1.0


@compiled
def mask_reach(inside, most, out_x, out_y):
    """Write how many pixels up to `most` lie inside on both sides of each pixel."""
    height, width = inside.shape
    for r in range(height):
        run = 0
        for c in range(width):
            run = min(run + 1, most + 1) if inside[r, c] else 0
            out_x[r, c] = max(run - 1, 0)
        run = 0
        for c in range(width - 1, -1, -1):
            run = min(run + 1, most + 1) if inside[r, c] else 0
            out_x[r, c] = min(out_x[r, c], max(run - 1, 0))
    runs = np.zeros(width, np.int64)
    for r in range(height):
        for c in range(width):
            runs[c] = min(runs[c] + 1, most + 1) if inside[r, c] else 0
            out_y[r, c] = max(runs[c] - 1, 0)
    runs[:] = 0
    for r in range(height - 1, -1, -1):
        for c in range(width):
            runs[c] = min(runs[c] + 1, most + 1) if inside[r, c] else 0
            out_y[r, c] = min(out_y[r, c], max(runs[c] - 1, 0))
