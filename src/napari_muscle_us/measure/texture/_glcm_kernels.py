"""Compiled counting of pixel pairs, and their numbers; called through `glcm` only.

Imported on the first texture, never with the package: numba costs half a second.
The compiled code is cached on disk, so only the first run compiles.

`counts` holds each unordered pair once, at (lower level, higher level) in the upper
triangle; row and column 0 are outside the ROI. With M pairs the symmetric matrix of
the standard is p(i, i) = counts / M on the diagonal and p(i, j) = counts / 2M off it.

Most numbers need only the differences and the sums of the levels of a pair, because
4 i j = (i + j)² − (i − j)² and, p being symmetric, 4 σ² = var(i + j) + mean (i − j)².
These are sums of whole numbers, which no rounding touches.
"""

from __future__ import annotations

import numpy as np

from napari_muscle_us._compiled import compiled

N_NUMBERS = 25
_BITS_PER_NAT = 1 / np.log(2.0)


@compiled
def row_extents(levels):
    """Return the first column of each row inside the ROI, and the one after its last.

    Pixels before and after need no look, however large the image around the ROI is.
    """
    frames, rows, columns = levels.shape
    first = np.empty((frames, rows), np.int64)
    last = np.empty((frames, rows), np.int64)
    for f in range(frames):
        for r in range(rows):
            row = levels[f, r]
            left, right = 0, columns
            while left < columns and row[left] == 0:
                left += 1
            while right > left and row[right - 1] == 0:
                right -= 1
            first[f, r], last[f, r] = left, right
    return first, last


@compiled
def add_pairs(levels, first, last, down, right, counts):
    """Add the pixel pairs of one frame and direction to `counts`.

    A pair stands at (lower level, higher level), so that only the upper triangle is
    used. Row 0 takes the pairs that have an end outside the ROI: no branch is needed.
    """
    rows = levels.shape[0]
    for r in range(max(0, -down), rows - max(0, down)):
        s = r + down
        here, there = levels[r], levels[s]
        for c in range(max(first[r], first[s] - right), min(last[r], last[s] - right)):
            a, b = here[c], there[c + right]
            counts[min(a, b), max(a, b)] += 1


@compiled
def count_pairs(levels, offsets, counts):
    """Add the pixel pairs of all frames and directions to `counts`."""
    first, last = row_extents(levels)
    for f in range(levels.shape[0]):
        for k in range(offsets.shape[0]):
            down, right = offsets[k]
            add_pairs(levels[f], first[f], last[f], down, right, counts)


@compiled
def glcm_numbers(levels, n_levels, offsets, by_slice, by_direction, log2_of):
    """Return the numbers of every matrix, and how many pairs each was counted from.

    Shapes (slices, directions, number) and (slices, directions); slices or directions
    that are merged are one. The single matrix is counted, read and cleared again, so
    that it stays in the processor's cache.
    """
    first, last = row_extents(levels)
    frames, directions = levels.shape[0], offsets.shape[0]
    slices, frames_each = (frames, 1) if by_slice else (1, frames)
    groups, directions_each = (directions, 1) if by_direction else (1, directions)
    numbers = np.empty((slices, groups, N_NUMBERS), np.float64)
    pairs = np.empty((slices, groups), np.int64)
    counts = np.empty((n_levels + 1, n_levels + 1), np.int32)
    for s in range(slices):
        for g in range(groups):
            counts[:] = 0
            for f in range(s, s + frames_each):
                for k in range(g, g + directions_each):
                    down, right = offsets[k]
                    add_pairs(levels[f], first[f], last[f], down, right, counts)
            pairs[s, g] = pair_numbers(counts, log2_of, numbers[s, g])
    return numbers, pairs


@compiled
def pair_numbers(counts, log2_of, out):
    """Write the numbers of a matrix to `out`, in the standard's order.

    Returns the number of pairs; without one, all numbers are NaN.
    """
    n = counts.shape[0] - 1
    differences, sums, margin = _histograms(counts)
    pairs = differences.sum()
    if pairs == 0:
        out[:] = np.nan
        return pairs
    joint_bits = _joint(counts, differences[0], pairs, log2_of, out)
    _of_differences(differences, n, pairs, log2_of, out)
    _of_sums(sums, pairs, log2_of, out)
    _of_both(differences, sums, pairs, out)
    _information(joint_bits, _entropy(margin, 2 * pairs, log2_of), out)
    return pairs


@compiled
def _histograms(counts):
    """Return the counts of i - j, of i + j, and of the level of either end."""
    n = counts.shape[0] - 1
    differences = np.zeros(n, np.int64)
    sums = np.zeros(2 * n + 1, np.int64)
    margin = np.zeros(n + 1, np.int64)
    for i in range(1, n + 1):
        # A loop for each target: three in one would not be vectorised.
        row = counts[i, i : n + 1]
        target = differences[: row.size]
        for j in range(row.size):
            target[j] += row[j]
        target = sums[2 * i : i + n + 1]
        for j in range(row.size):
            target[j] += row[j]
        target = margin[i : n + 1]
        total = 0
        for j in range(row.size):
            target[j] += row[j]
            total += row[j]
        margin[i] += total
    return differences, sums, margin


@compiled
def _bits(count, total, log2_total, log2_of):
    """Return count · log2(total / count), exact to the last digits for any share."""
    if 2 * count > total:
        return count * np.log1p((total - count) / count) * _BITS_PER_NAT
    if count < log2_of.size:
        return count * (log2_total - log2_of[count])
    return count * (log2_total - np.log2(count))


@compiled
def _entropy(histogram, total, log2_of):
    log2_total = np.log2(total)
    bits = 0.0
    for k in range(histogram.size):
        if histogram[k]:
            bits += _bits(histogram[k], total, log2_total, log2_of)
    return bits / total


@compiled
def _joint(counts, equal, pairs, log2_of, out):
    """Write maximum, entropy and angular second moment; return the entropy."""
    n = counts.shape[0] - 1
    log2_pairs = np.log2(pairs)
    # Each pair off the diagonal stands in two cells: one bit more.
    bits = float(pairs - equal)
    squares, equal_squares, highest, equal_highest = 0, 0, 0, 0
    for i in range(1, n + 1):
        count = np.int64(counts[i, i])
        if count:
            bits += _bits(count, pairs, log2_pairs, log2_of)
            equal_squares += count * count
            equal_highest = max(equal_highest, count)
        row = counts[i, i + 1 : n + 1]
        for j in range(row.size):
            count = np.int64(row[j])
            if count:
                bits += _bits(count, pairs, log2_pairs, log2_of)
                squares += count * count
                highest = max(highest, count)
    out[0] = max(equal_highest, highest / 2) / pairs
    out[3] = bits / pairs
    out[10] = (equal_squares + squares / 2) / pairs / pairs
    return out[3]


@compiled
def _of_differences(differences, n, pairs, log2_of, out):
    total, squares = 0, 0
    inverse, inverse_n, moment, moment_n, variance = 0.0, 0.0, 0.0, 0.0, 0.0
    for d in range(n):
        count = differences[d]
        total += d * count
        squares += d * d * count
        inverse += count / (1 + d)
        inverse_n += count / (1 + d / n)
        moment += count / (1 + d * d)
        moment_n += count / (1 + d * d / (n * n))
        if d:
            variance += count / (d * d)
    mean = total / pairs
    spread = 0.0
    for d in range(n):
        spread += (d - mean) ** 2 * differences[d]
    out[4], out[5] = mean, spread / pairs
    out[6] = _entropy(differences, pairs, log2_of)
    out[11], out[12] = squares / pairs, mean
    out[13], out[14] = inverse / pairs, inverse_n / pairs
    out[15], out[16] = moment / pairs, moment_n / pairs
    out[17] = variance / pairs


@compiled
def _of_sums(sums, pairs, log2_of, out):
    total = 0
    for s in range(sums.size):
        total += s * sums[s]
    mean = total / pairs
    second, third, fourth = 0.0, 0.0, 0.0
    for s in range(sums.size):
        far = s - mean
        square = far * far
        second += square * sums[s]
        third += far * square * sums[s]
        fourth += square * square * sums[s]
    out[1], out[7] = mean / 2, mean
    out[8], out[9] = second / pairs, _entropy(sums, pairs, log2_of)
    out[20], out[21], out[22] = second / pairs, third / pairs, fourth / pairs


@compiled
def _of_both(differences, sums, pairs, out):
    """Write variance, correlation and autocorrelation."""
    products = 0
    for s in range(sums.size):
        products += s * s * sums[s]
    for d in range(differences.size):
        products -= d * d * differences[d]
    contrast, tendency = out[11], out[20]
    both = tendency + contrast
    out[2] = both / 4
    out[18] = (tendency - contrast) / both if both > 0 else np.nan
    out[19] = products / (4 * pairs)


@compiled
def _information(joint_bits, margin_bits, out):
    """Write the two measures; p being symmetric, HXY1 = HXY2 = 2 HX."""
    shared = max(2 * margin_bits - joint_bits, 0.0)
    out[23] = (0.0 - shared) / margin_bits if margin_bits > 0 else np.nan
    out[24] = np.sqrt(-np.expm1(-2 * shared))
