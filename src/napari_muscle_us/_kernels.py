"""Compiled inner loops; everything here is called through a documented function.

Imported on the first mask or histogram, never with the package: numba costs half a
second. The compiled code is cached on disk, so only the first run compiles.
"""

from __future__ import annotations

import numpy as np

from napari_muscle_us._compiled import compiled


@compiled
def _round_half_up(value):
    # floor(value + 0.5) would round 0.49999999999999994 up; Java does not.
    low = np.floor(value)
    return int(low) + 1 if value - low >= 0.5 else int(low)


@compiled
def fill_polygon(x, y, after, height, width, row0, row1, col0, col1, mask):
    """Fill `mask` (rows row0..row1, columns col0..col1 of the ROI's box).

    Vertex ``i`` is joined to vertex ``after[i]``, so that several outlines can be
    filled at once: what lies in an odd number of them.

    ImageJ's ``PolygonFiller``: an edge crosses rows ``round(y1) <= r < round(y2)`` at
    ``x1 + (round(y1) - y1 + 0.5) * slope + 1e-8``; columns from ``int(xa + 0.5)`` up to
    but without ``int(xb + 0.5)`` lie inside, for successive crossings. Truncation keeps
    the order of crossings, so it is the columns that are sorted.
    """
    last = min(row1, height)
    if mask.size == 0:
        return
    # First pass: the number of crossings of each row gives each its own place.
    starts = np.zeros(max(last - row0, 0) + 1, np.int64)
    for i in range(y.size):
        ra, rb = _rows_of_edge(y, i, after[i])
        for r in range(max(ra, row0), min(rb, last)):
            starts[r - row0 + 1] += 1
    swaps = 0
    for r in range(1, starts.size):
        swaps += starts[r] ** 2 // 4
        starts[r] += starts[r - 1]
    if swaps > 2 * mask.size:
        _fill_by_parity(x, y, after, width, row0, last, col0, col1, mask)
        return
    columns = np.empty(starts[-1], np.int64)
    filled = starts[:-1].copy()
    for i in range(y.size):
        ra, rb = _rows_of_edge(y, i, after[i])
        first = max(ra, row0)
        if first >= min(rb, last):
            continue
        j = after[i]
        a, b = (i, j) if y[i] < y[j] else (j, i)
        slope = (x[b] - x[a]) / (y[b] - y[a])
        crossing = x[a] + (ra - y[a] + 0.5) * slope + 1e-8 + slope * (first - ra)
        for r in range(first, min(rb, last)):
            # int() truncates as Java does; clamping to the box follows, as there.
            column = min(max(int(crossing + 0.5), 0), width)
            place = filled[r - row0]
            while place > starts[r - row0] and columns[place - 1] > column:
                columns[place] = columns[place - 1]
                place -= 1
            columns[place] = column
            filled[r - row0] += 1
            crossing += slope
    for r in range(starts.size - 1):
        for k in range(starts[r], starts[r + 1] - 1, 2):
            left = min(max(columns[k], col0), col1) - col0
            right = min(max(columns[k + 1], col0), col1) - col0
            mask[r, left:right] = True


@compiled
def _fill_by_parity(x, y, after, width, row0, last, col0, col1, mask):
    """Fill the pixels before which an odd number of crossings lies: the same ones.

    Slower where a row has few crossings, but as fast however many there are.
    """
    for i in range(y.size):
        ra, rb = _rows_of_edge(y, i, after[i])
        first = max(ra, row0)
        if first >= min(rb, last):
            continue
        j = after[i]
        a, b = (i, j) if y[i] < y[j] else (j, i)
        slope = (x[b] - x[a]) / (y[b] - y[a])
        crossing = x[a] + (ra - y[a] + 0.5) * slope + 1e-8 + slope * (first - ra)
        for r in range(first, min(rb, last)):
            column = min(max(int(crossing + 0.5), 0), width)
            if column < col1:
                mask[r - row0, max(column, col0) - col0] ^= True
            crossing += slope
    for r in range(mask.shape[0]):
        for c in range(1, mask.shape[1]):
            mask[r, c] ^= mask[r, c - 1]


@compiled
def _rows_of_edge(y, i, j):
    """Return the first row that an edge crosses, and the one after its last."""
    a = _round_half_up(y[i])
    b = _round_half_up(y[j])
    return min(a, b), max(a, b)


@compiled
def masked_histogram(gray, mask):
    """Return the 256 counts of the gray levels where `mask` is true."""
    # Four tables break the dependency of one count on the one before.
    counts = np.zeros((4, 256), np.int64)
    for r in range(gray.shape[0]):
        for c in range(gray.shape[1]):
            counts[c & 3, gray[r, c]] += mask[r, c]
    return counts[0] + counts[1] + counts[2] + counts[3]


@compiled
def _side(x, y, i, j, k):
    """Return on which side of the line from i to j the point k lies: > 0, < 0 or 0."""
    return (x[j] - x[i]) * (y[k] - y[i]) - (y[j] - y[i]) * (x[k] - x[i])


@compiled
def _interleave(x, y, i, j, before, after):
    """Whether two corners at the same point go through each other."""
    a, b = before[i], after[i]
    c, d = before[j], after[j]
    # Inside the angle from a to b, counted one way round, lies exactly one of c, d.
    inside = 0
    for k in (c, d):
        left_a, right_b = _side(x, y, i, a, k), _side(x, y, i, b, k)
        if left_a == 0 and _ahead(x, y, i, a, k):
            return False
        if right_b == 0 and _ahead(x, y, i, b, k):
            return False
        if _side(x, y, i, a, b) >= 0:
            between = left_a > 0 and right_b < 0
        else:
            between = left_a > 0 or right_b < 0
        if between:
            inside += 1
    return inside == 1


@compiled
def _ahead(x, y, i, a, k):
    return (x[a] - x[i]) * (x[k] - x[i]) + (y[a] - y[i]) * (y[k] - y[i]) > 0


@compiled
def _passes_through(x, y, v, i, i2, before, after):
    """Whether the outline changes sides of an edge at a vertex that lies on it."""
    come, go = _side(x, y, i, i2, before[v]), _side(x, y, i, i2, after[v])
    return (come < 0 and go > 0) or (come > 0 and go < 0)


@compiled
def first_crossing(x, y, before, after, order, low, high):
    """Return (found, overlaps, x, y) of a point where outlines cross.

    Vertex ``i`` is joined to ``after[i]``; ``before`` is the inverse.

    `overlaps` tells that edges lie on each other for a stretch, which is not followed
    here.

    `order` sorts the edges by their lower row `low`; `high` is the upper one. Only
    edges whose rows overlap are compared. Successive points must differ.
    """
    n = x.size
    overlaps = False
    for first in range(n):
        i = order[first]
        i2 = after[i]
        left, right = min(x[i], x[i2]), max(x[i], x[i2])
        for second in range(first + 1, n):
            j = order[second]
            if low[j] > high[i]:
                break
            j2 = after[j]
            if max(x[j], x[j2]) < left or min(x[j], x[j2]) > right:
                continue
            if i2 == j or j2 == i:
                corner, a, b = (i2, i, j2) if i2 == j else (i, j, i2)
                back = _side(x, y, corner, a, b) == 0 and _ahead(x, y, corner, a, b)
                overlaps = overlaps or back
                continue
            d1, d2 = _side(x, y, i, i2, j), _side(x, y, i, i2, j2)
            d3, d4 = _side(x, y, j, j2, i), _side(x, y, j, j2, i2)
            # Compared by sign: a product of tiny sides would vanish.
            if ((d1 < 0 < d2) or (d2 < 0 < d1)) and ((d3 < 0 < d4) or (d4 < 0 < d3)):
                share = d3 / (d3 - d4)
                cx, cy = x[i] + share * (x[i2] - x[i]), y[i] + share * (y[i2] - y[i])
                return True, overlaps, cx, cy
            if d1 == 0 and d2 == 0 and _share_stretch(x, y, i, i2, j, j2):
                overlaps = True
            if x[i] == x[j] and y[i] == y[j]:
                if _interleave(x, y, i, j, before, after):
                    return True, overlaps, x[i], y[i]
                continue
            on_first = d1 == 0 and _between(x, y, i, i2, j)
            if on_first and _passes_through(x, y, j, i, i2, before, after):
                return True, overlaps, x[j], y[j]
            on_second = d3 == 0 and _between(x, y, j, j2, i)
            if on_second and _passes_through(x, y, i, j, j2, before, after):
                return True, overlaps, x[i], y[i]
    return False, overlaps, 0.0, 0.0


@compiled
def _between(x, y, i, j, k):
    """Whether a point on the line through i and j lies strictly between them."""
    return _ahead(x, y, i, j, k) and _ahead(x, y, j, i, k)


@compiled
def _share_stretch(x, y, i, i2, j, j2):
    """Whether two edges on one line have more than a point in common."""
    across = abs(x[i2] - x[i]) > abs(y[i2] - y[i])
    z = x if across else y
    low = max(min(z[i], z[i2]), min(z[j], z[j2]))
    return low < min(max(z[i], z[i2]), max(z[j], z[j2]))


@compiled
def odd_depths(p, q, ends):
    """Return of each outline whether it lies in an odd number of those before it.

    Outlines must not cross, and each must enclose an area. Outline ``k`` ends before
    vertex ``ends[k]``. A line is swept along `p`; the edges that it meets are compared
    with a point inside each outline in turn.
    """
    n, count = p.size, ends.size
    owner, after = np.empty(n, np.int64), np.arange(1, n + 1)
    at, beside = np.empty(count), np.empty(count)
    start = 0
    for k in range(count):
        owner[start : ends[k]] = k
        after[ends[k] - 1] = start
        at[k], beside[k] = _point_inside(p[start : ends[k]], q[start : ends[k]])
        start = ends[k]
    low = np.minimum(p, p[after])
    edges, met = np.argsort(low, kind="mergesort"), np.empty(n, np.int64)
    odd = np.zeros(count, np.bool_)
    waiting = 0
    n_met = 0
    for k in np.argsort(at, kind="mergesort"):
        while waiting < n and low[edges[waiting]] <= at[k]:
            met[n_met] = edges[waiting]
            waiting += 1
            n_met += 1
        kept = 0
        for e in range(n_met):
            i = met[e]
            j = after[i]
            if max(p[i], p[j]) <= at[k]:
                continue
            met[kept] = i
            kept += 1
            if owner[i] < k and _crossed_at(p, q, i, j, at[k]) > beside[k]:
                odd[k] = not odd[k]
        n_met = kept
    return odd


@compiled
def _crossed_at(p, q, i, j, at):
    return q[i] + (at - p[i]) / (p[j] - p[i]) * (q[j] - q[i])


@compiled
def _point_inside(p, q):
    """Return a point inside an outline, off all its edges."""
    # The compiled quicksort takes quadratic time for the teeth of a comb.
    values = p[np.argsort(p, kind="mergesort")]
    widest = np.argmax(np.diff(values))
    at = (values[widest] + values[widest + 1]) / 2
    crossed = np.empty(p.size)
    n = 0
    for i in range(p.size):
        j = (i + 1) % p.size
        if (p[i] <= at) != (p[j] <= at):
            crossed[n] = _crossed_at(p, q, i, j, at)
            n += 1
    if n < 2:
        return at, q[0]
    crossed = crossed[:n]
    crossed = crossed[np.argsort(crossed, kind="mergesort")]
    pair = 2 * np.argmax(crossed[1::2] - crossed[: n - 1 : 2])
    return at, (crossed[pair] + crossed[pair + 1]) / 2


@compiled
def thin(y, x, tolerance, most, kept):
    """Mark in `kept` which vertices of a line Douglas and Peucker's rule keeps.

    Beyond `most` distances a line is halved, not cut where it lies furthest off, which
    holds the tolerance as well but may keep more vertices.
    """
    waiting = np.empty((y.size + 1, 2), np.int64)
    waiting[0] = 0, y.size - 1
    n = 1
    done = 0
    while n:
        n -= 1
        start, stop = waiting[n]
        along_y, along_x = y[stop] - y[start], x[stop] - x[start]
        length = along_y**2 + along_x**2
        worst, furthest = -1, tolerance
        for i in range(start + 1, stop):
            to_y, to_x = y[i] - y[start], x[i] - x[start]
            share = (to_y * along_y + to_x * along_x) / length if length else 0.0
            share = min(max(share, 0.0), 1.0)
            distance = np.hypot(to_y - share * along_y, to_x - share * along_x)
            if distance > furthest:
                worst, furthest = i, distance
        done += stop - start
        if worst < 0:
            continue
        if done > most:
            worst = (start + stop) // 2
        kept[worst] = True
        waiting[n] = start, worst
        waiting[n + 1] = worst, stop
        n += 2
