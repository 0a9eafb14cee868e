"""Compiled inner loops of `napari_muscle_us.roi.livewire`.

Imported on the first click, never with the package, as `napari_muscle_us._kernels`.
"""

from __future__ import annotations

import numpy as np

from napari_muscle_us._compiled import compiled

_ROOT_2 = np.sqrt(2.0)


@compiled
def spread(flat, gain, down, right, side, row, column, target_row, target_column):
    """Return the least cost from a pixel to all others, and the way back.

    A step in the unit direction (r, c) costs its length times the mean over its two
    pixels of ``flat - max(0, min(gain, side * (down * c - right * r)))``.

    Dijkstra with a queue of buckets, each as wide as the cheapest step, so that what
    one bucket holds needs no order (Dial 1969). A pixel whose cost still falls is put
    in again, so rounding cannot spoil the result. Stops early once the target, if not
    negative, is final. ``back[r, c]`` is the step 0 … 7 that led here, −1 at the start.
    """
    height, width = flat.shape
    wide = width + 2
    # A frame of cost 0 around the window is never improved, so no step leaves it.
    least = np.zeros((height + 2, wide))
    least[1:-1, 1:-1] = np.inf
    least = least.ravel()
    field, breadth, dearest = _packed(flat, gain, down, right, side)
    back = np.full(least.size, -1, np.int8)
    steps = np.array([-wide - 1, -wide, -wide + 1, -1, 1, wide - 1, wide, wide + 1])
    lengths = np.array([_ROOT_2, 1.0, _ROOT_2, 1.0, 1.0, _ROOT_2, 1.0, _ROOT_2])
    to_row = np.array([-1.0, -1.0, -1.0, 0.0, 0.0, 1.0, 1.0, 1.0]) / lengths
    to_column = np.array([-1.0, 0.0, 1.0, -1.0, 1.0, -1.0, 0.0, 1.0]) / lengths
    scale = 1.0 / breadth
    n_buckets = int(dearest * _ROOT_2 * scale) + 3
    head = np.full(n_buckets, -1, np.int32)
    after = np.full(least.size, -1, np.int32)
    before = np.full(least.size, -1, np.int32)
    start = (row + 1) * wide + column + 1
    target = (target_row + 1) * wide + target_column + 1 if target_row >= 0 else -1
    least[start] = 0.0
    head[0] = start
    waiting = 1
    turn = 0
    while waiting > 0:
        bucket = turn % n_buckets
        while head[bucket] >= 0:
            here = head[bucket]
            head[bucket] = after[here]
            if after[here] >= 0:
                before[after[here]] = -1
            waiting -= 1
            so_far = least[here]
            for k in range(8):
                there = here + steps[k]
                old = least[there]
                if so_far >= old:
                    continue
                price = _price(field, here, to_row[k], to_column[k])
                price += _price(field, there, to_row[k], to_column[k])
                total = so_far + price * 0.5 * lengths[k]
                if total >= old:
                    continue
                place = int(total * scale) % n_buckets
                # Written out: calls would make it slower by two fifths.
                if old < np.inf:
                    old_place = int(old * scale) % n_buckets
                    queued = before[there] >= 0 or head[old_place] == there
                    if queued:
                        waiting -= 1
                        if before[there] >= 0:
                            after[before[there]] = after[there]
                        else:
                            head[old_place] = after[there]
                        if after[there] >= 0:
                            before[after[there]] = before[there]
                least[there] = total
                back[there] = k
                before[there] = -1
                after[there] = head[place]
                if head[place] >= 0:
                    before[head[place]] = there
                head[place] = there
                waiting += 1
        turn += 1
        if target >= 0 and least[target] * scale < turn:
            break
    inner = least.reshape(height + 2, wide)[1:-1, 1:-1].copy()
    return inner, back.reshape(height + 2, wide)[1:-1, 1:-1].copy()


@compiled
def _packed(flat, gain, down, right, side):
    """Return the costs side by side in a frame of zeros, the least and the most."""
    height, width = flat.shape
    field = np.zeros((height + 2, width + 2, 4))
    breadth, dearest = np.inf, 0.0
    for r in range(height):
        for c in range(width):
            field[r + 1, c + 1, 0] = flat[r, c]
            field[r + 1, c + 1, 1] = gain[r, c]
            field[r + 1, c + 1, 2] = side * down[r, c]
            field[r + 1, c + 1, 3] = side * right[r, c]
            dearest = max(dearest, float(flat[r, c]))
            breadth = min(breadth, float(flat[r, c]) - float(gain[r, c]))
    return field.reshape(-1, 4), breadth, dearest


@compiled
def _price(field, place, to_row, to_column):
    """Return what a step in a direction costs at one of its pixels, a px long."""
    match = field[place, 2] * to_column - field[place, 3] * to_row
    return field[place, 0] - max(0.0, min(field[place, 1], match))


@compiled
def walk_back(back, row, column):
    """Return the pixels from the start to one pixel, shape (n, 2)."""
    rows = np.array([-1, -1, -1, 0, 0, 1, 1, 1])
    columns = np.array([-1, 0, 1, -1, 1, -1, 0, 1])
    n = 1
    r, c = row, column
    while back[r, c] >= 0:
        k = back[r, c]
        r, c = r - rows[k], c - columns[k]
        n += 1
    path = np.empty((n, 2), np.int64)
    r, c = row, column
    for i in range(n - 1, -1, -1):
        path[i, 0], path[i, 1] = r, c
        k = back[r, c]
        if k >= 0:
            r, c = r - rows[k], c - columns[k]
    return path


@compiled
def closed_course(cost, bend):
    """Return one column a row of `cost`, the cheapest that closes on itself.

    From row to row, and from the last to the first, the column changes by one at most,
    at the price `bend`. All first columns are tried, so the course is the best one.
    """
    wide = cost.shape[1]
    best, best_first = np.inf, wide // 2
    totals = np.empty(wide)
    fresh = np.empty(wide)
    for first in range(wide):
        total = _pass(cost, bend, first, totals, fresh)
        if total < best:
            best, best_first = total, first
    return _trace(cost, bend, best_first)


@compiled
def _pass(cost, bend, first, totals, fresh):
    """Return the cost of the cheapest closed course through one first column."""
    n, wide = cost.shape
    totals[:] = np.inf
    totals[first] = cost[0, first]
    for i in range(1, n):
        for k in range(wide):
            low = totals[k]
            if k > 0:
                low = min(low, totals[k - 1] + bend)
            if k < wide - 1:
                low = min(low, totals[k + 1] + bend)
            fresh[k] = low + cost[i, k]
        totals[:] = fresh
    end = totals[first]
    if first > 0:
        end = min(end, totals[first - 1] + bend)
    if first < wide - 1:
        end = min(end, totals[first + 1] + bend)
    return end


@compiled
def _trace(cost, bend, first):
    """Return the columns of the cheapest closed course through one first column."""
    n, wide = cost.shape
    totals = np.full((n, wide), np.inf)
    came = np.zeros((n, wide), np.int8)
    totals[0, first] = cost[0, first]
    for i in range(1, n):
        for k in range(wide):
            low = totals[i - 1, k]
            for step in (-1, 1):
                j = k + step
                if 0 <= j < wide and totals[i - 1, j] + bend < low:
                    low = totals[i - 1, j] + bend
                    came[i, k] = step
            totals[i, k] = low + cost[i, k]
    course = np.empty(n, np.int64)
    k, low = first, totals[n - 1, first]
    for step in (-1, 1):
        j = first + step
        if 0 <= j < wide and totals[n - 1, j] + bend < low:
            k, low = j, totals[n - 1, j] + bend
    for i in range(n - 1, -1, -1):
        course[i] = k
        k += came[i, k]
    return course


@compiled
def kept_points(points, tolerance):
    """Return which points of an open line Douglas and Peucker (1973) keep."""
    n = len(points)
    keep = np.zeros(n, np.bool_)
    keep[0] = keep[n - 1] = True
    stack = np.empty((n + 1, 2), np.int64)
    stack[0, 0], stack[0, 1] = 0, n - 1
    depth = 1
    while depth > 0:
        depth -= 1
        first, last = stack[depth, 0], stack[depth, 1]
        dr = points[last, 0] - points[first, 0]
        dc = points[last, 1] - points[first, 1]
        square = dr * dr + dc * dc
        worst, place = tolerance * tolerance, -1
        for i in range(first + 1, last):
            pr = points[i, 0] - points[first, 0]
            pc = points[i, 1] - points[first, 1]
            # The distance to the stretch, not to its line: a spike is kept.
            share = 0.0
            if square > 0:
                share = min(max((pr * dr + pc * dc) / square, 0.0), 1.0)
            far = (pr - share * dr) ** 2 + (pc - share * dc) ** 2
            if far > worst:
                worst, place = far, i
        if place >= 0:
            keep[place] = True
            stack[depth, 0], stack[depth, 1] = first, place
            stack[depth + 1, 0], stack[depth + 1, 1] = place, last
            depth += 2
    return keep
