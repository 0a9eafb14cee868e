"""Compiled inner loops of `napari_muscle_us.measure.anisotropy.aponeurosis`.

Imported on the first search, never with the package, as `napari_muscle_us._kernels`.
"""

from __future__ import annotations

import numpy as np

from napari_muscle_us._compiled import compiled


@compiled
def best_arcs(response, weight, slopes, sags, least):
    """Return for each row the best flat arc through it at the middle column.

    ``response`` has one row per picture row and one column per block; ``weight`` is 1
    where it is known. An arc is ``row + slope * x + sag * x**2`` with x from −1 to 1;
    its score is the sum of the response on it over the number of blocks. Arcs with
    fewer than ``least`` known blocks do not count.
    """
    height, width = response.shape
    score = np.full(height, -np.inf)
    shape = np.zeros((height, 2))
    offset = np.empty(width, np.int64)
    for slope in slopes:
        for sag in sags:
            for column in range(width):
                x = (2 * column + 1 - width) / width
                offset[column] = int(np.rint(slope * x + sag * x * x))
            for row in range(height):
                total = 0.0
                known = 0.0
                for column in range(width):
                    there = row + offset[column]
                    if 0 <= there < height:
                        total += response[there, column]
                        known += weight[there, column]
                if known >= least and total / width > score[row]:
                    score[row] = total / width
                    shape[row, 0] = slope
                    shape[row, 1] = sag
    return score, shape


@compiled
def smoothest_path(gain, stiffness):
    """Return for each column the row of the path with the largest gain.

    The path pays ``stiffness`` times the square of each step between neighbours.
    """
    height, width = gain.shape
    total = np.empty((height, width))
    before = np.zeros((height, width), np.int64)
    total[:, 0] = gain[:, 0]
    for column in range(1, width):
        for row in range(height):
            most = -np.inf
            for other in range(height):
                step = row - other
                value = total[other, column - 1] - stiffness * step * step
                if value > most:
                    most = value
                    before[row, column] = other
            total[row, column] = most + gain[row, column]
    path = np.empty(width, np.int64)
    path[-1] = np.argmax(total[:, -1])
    for column in range(width - 1, 0, -1):
        path[column - 1] = before[path[column], column]
    return path
