"""Compiled inner loops; everything here is called through a documented function.

Imported on the first mask or histogram, never with the package: numba costs half a
second. The compiled code is cached on disk, so only the first run compiles.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def _round_half_up(value):  # type: ignore[no-untyped-def]
    # floor(value + 0.5) would round 0.49999999999999994 up; Java does not.
    low = np.floor(value)
    return int(low) + 1 if value - low >= 0.5 else int(low)


@njit(cache=True, nogil=True)
def fill_polygon(x, y, height, width, row0, row1, col0, col1, mask):  # type: ignore[no-untyped-def]
    """Fill `mask` (rows row0..row1, columns col0..col1 of the ROI's box).

    ImageJ's ``PolygonFiller``: an edge crosses rows ``round(y1) <= r < round(y2)`` at
    ``x1 + (round(y1) - y1 + 0.5) * slope + 1e-8``; columns from ``int(xa + 0.5)`` up to
    but without ``int(xb + 0.5)`` lie inside, for successive crossings. Since truncation
    keeps the order of crossings, toggling the parity at each gives the same spans
    without sorting.
    """
    n = x.size
    for i in range(n):
        j = 0 if i == n - 1 else i + 1
        ya, yb, xa, xb = y[i], y[j], x[i], x[j]
        ra = _round_half_up(ya)
        rb = _round_half_up(yb)
        if ra == rb:
            continue
        if ra > rb:
            ra, rb = rb, ra
            ya, yb = yb, ya
            xa, xb = xb, xa
        slope = (xb - xa) / (yb - ya)
        first = max(ra, row0)
        crossing = xa + (ra - ya + 0.5) * slope + 1e-8 + slope * (first - ra)
        for r in range(first, min(rb, row1, height)):
            # int() truncates as Java does; clamping follows, as there.
            c = min(max(int(crossing + 0.5), 0), width)
            c = max(c, col0)
            if c < col1:
                mask[r - row0, c - col0] ^= True
            crossing += slope
    for r in range(mask.shape[0]):
        inside = False
        for c in range(mask.shape[1]):
            inside ^= mask[r, c]
            mask[r, c] = inside


@njit(cache=True, nogil=True)
def masked_histogram(gray, mask):  # type: ignore[no-untyped-def]
    """Return the 256 counts of the gray levels where `mask` is true."""
    # Four tables break the dependency of one count on the one before.
    counts = np.zeros((4, 256), np.int64)
    for r in range(gray.shape[0]):
        for c in range(gray.shape[1]):
            counts[c & 3, gray[r, c]] += mask[r, c]
    return counts[0] + counts[1] + counts[2] + counts[3]


@njit(cache=True, nogil=True)
def first_crossing(x, y, order, low, high):  # type: ignore[no-untyped-def]
    """Return the first pair of edges that cross properly, or (-1, -1).

    `order` sorts the edges by their lower row `low`; `high` is the upper one. Only
    edges whose rows overlap are compared.
    """
    n = x.size
    for a in range(n):
        i = order[a]
        i2 = (i + 1) % n
        for b in range(a + 1, n):
            j = order[b]
            if low[j] > high[i]:
                break
            j2 = (j + 1) % n
            if i2 == j or j2 == i:
                continue
            if max(x[i], x[i2]) < min(x[j], x[j2]) or max(x[j], x[j2]) < min(
                x[i], x[i2]
            ):
                continue
            d1 = (x[i2] - x[i]) * (y[j] - y[i]) - (y[i2] - y[i]) * (x[j] - x[i])
            d2 = (x[i2] - x[i]) * (y[j2] - y[i]) - (y[i2] - y[i]) * (x[j2] - x[i])
            d3 = (x[j2] - x[j]) * (y[i] - y[j]) - (y[j2] - y[j]) * (x[i] - x[j])
            d4 = (x[j2] - x[j]) * (y[i2] - y[j]) - (y[j2] - y[j]) * (x[i2] - x[j])
            if d1 * d2 < 0 and d3 * d4 < 0:
                return i, j
    return -1, -1
