"""Compiled inner loops over the neighbourhood of each pixel.

Imported at the first call, never with the package, as `napari_muscle_us._kernels`.
"""

from __future__ import annotations

import numpy as np

from napari_muscle_us._compiled import compiled


@compiled
def add_tone_differences(field, reach, counts, sums):
    """Add the pixels of each level by their number k of neighbours, and differences.

    ``sums[level - 1, k]`` grows by ``|k * level - sum of the neighbours|``: whole
    numbers, so no order of the pixels changes the result. The sums over the window
    slide, and its width costs nothing. `field` has a margin of `reach` zeros.
    """
    height, width = field.shape
    tall = np.zeros(width, np.int64)
    many = np.zeros(width, np.int64)
    for row in range(2 * reach):
        for column in range(width):
            tall[column] += field[row, column]
            many[column] += field[row, column] != 0
    for row in range(reach, height - reach):
        below, above = field[row + reach], field[row - reach]
        total = n_inside = np.int64(0)
        for column in range(width):
            tall[column] += below[column]
            many[column] += below[column] != 0
        for column in range(2 * reach):
            total += tall[column]
            n_inside += many[column]
        for column in range(reach, width - reach):
            total += tall[column + reach]
            n_inside += many[column + reach]
            level = np.int64(field[row, column])
            if level != 0:
                k = n_inside - 1
                counts[level - 1, k] += 1
                sums[level - 1, k] += abs(k * level - (total - level))
            total -= tall[column - reach]
            n_inside -= many[column - reach]
        for column in range(width):
            tall[column] -= above[column]
            many[column] -= above[column] != 0


@compiled
def tone_features(n, s):
    """Return coarseness, contrast, busyness, complexity and strength.

    NaN where the formula divides by zero.
    """
    values = np.full(5, np.nan)
    levels = np.flatnonzero(n)
    total = n.sum()
    if total == 0:
        return values
    p = n / total
    all_s = s.sum()
    weighted = (p * s).sum()
    spread = apart = complexity = strength = 0.0
    for i in levels:
        for j in levels:
            gap = float(abs(i - j))
            spread += p[i] * p[j] * gap * gap
            apart += abs((i + 1) * n[i] - (j + 1) * n[j])
            complexity += gap * (p[i] * s[i] + p[j] * s[j]) / (p[i] + p[j])
            strength += (p[i] + p[j]) * gap * gap
    apart /= total
    if weighted > 0.0:
        values[0] = 1.0 / weighted
    if levels.size > 1:
        values[1] = spread / (levels.size * (levels.size - 1)) * all_s / total
    if apart > 0.0:
        values[2] = weighted / apart
    values[3] = complexity / total
    if all_s > 0.0:
        values[4] = strength / all_s
    return values


@compiled
def add_dependences(field, reach, alpha, counts):
    """Count the pixels of each level by 1 + the neighbours at most `alpha` from it.

    Whole rows are compared at a time, which the machine does many pixels at once.
    `field` has a margin of `reach` zeros.
    """
    height, width = field.shape
    inner = width - 2 * reach
    like = np.empty(inner, np.int32)
    for row in range(reach, height - reach):
        here = field[row, reach : reach + inner]
        like[:] = 0
        for down in range(-reach, reach + 1):
            for right in range(-reach, reach + 1):
                there = field[row + down, reach + right : reach + right + inner]
                if alpha == 0:
                    for k in range(inner):
                        like[k] += here[k] == there[k]
                else:
                    for k in range(inner):
                        near = abs(here[k] - there[k]) <= alpha
                        like[k] += near & (there[k] != 0)
        for k in range(inner):
            if here[k] != 0:
                # The pixel itself is in its own window: that is the 1.
                counts[here[k] - 1, like[k] - 1] += 1


@compiled
def add_bit_patterns(gray, counted, radius, steps, weights, counts):
    """Add the pixels of each pattern of bits, one bit a neighbour.

    Neighbour i is as bright where the sum of ``weights[i] * gray`` at `steps` is not
    below the sum of the weights times the pixel. ``counted[r, c]`` is of the pixel
    ``gray[r + radius, c + radius]``.
    """
    height, width = counted.shape
    # Whole rows: the compiler then takes several pixels at a time.
    apart = np.empty(width, np.int64)
    bits = np.empty(width, np.uint8)
    for row in range(height):
        centre = gray[row + radius, radius : radius + width]
        bits[:] = 0
        for i in range(weights.shape[0]):
            apart[:] = 0
            for k in range(weights.shape[1]):
                weight = weights[i, k]
                if weight != 0:
                    left = radius + steps[i, k, 1]
                    there = gray[row + radius + steps[i, k, 0], left : left + width]
                    for column in range(width):
                        apart[column] += weight * (
                            np.int64(there[column]) - np.int64(centre[column])
                        )
            for column in range(width):
                bits[column] |= np.uint8((apart[column] >= 0) << i)
        for column in range(width):
            counts[bits[column]] += counted[row, column]
