"""Compiled inner loops of the zones: distance to the edge, labelling, counting.

Imported at the first call, never with the package, as `napari_muscle_us._kernels`.
"""

from __future__ import annotations

import numpy as np

from napari_muscle_us._compiled import compiled


@compiled
def edge_distances(field):
    """Return the city-block distance to the nearest pixel outside; 1 at the edge.

    Two passes (Rosenfeld and Pfaltz 1966). `field` has a margin of one zero, so the
    edge of the image is an edge of the region.
    """
    height, width = field.shape
    distance = np.zeros((height, width), np.int32)
    for row in range(1, height - 1):
        for column in range(1, width - 1):
            if field[row, column] != 0:
                above, before = distance[row - 1, column], distance[row, column - 1]
                distance[row, column] = min(above, before) + 1
    for row in range(height - 2, 0, -1):
        for column in range(width - 2, 0, -1):
            below, after = distance[row + 1, column], distance[row, column + 1]
            least = min(below, after) + 1
            if least < distance[row, column]:
                distance[row, column] = least
    return distance


@compiled
def _root(parent, label):
    while parent[label] != label:
        # Each look-up halves the way of the next one.
        parent[label] = parent[parent[label]]
        label = parent[label]
    return label


@compiled
def _join(parent, one, other):
    one, other = _root(parent, one), _root(parent, other)
    if one < other:
        parent[other] = one
        return one
    parent[one] = other
    return other


@compiled
def find_zones(field, distance):
    """Return level, size and least distance of each zone of 8-connected equal levels.

    Two passes with union-find: one over the pixels, one over the labels. A neighbour
    is asked only where those asked before cannot have joined it (Wu, Otoo, Suzuki
    2009). `distance` may be empty; the least distances are then 0.
    """
    width = field.shape[1]
    flat, far = field.ravel(), distance.ravel()
    labels = np.zeros(flat.size, np.int32)
    parent = np.empty(flat.size, np.int32)
    zones = np.empty((flat.size, 3), np.int32)
    n_labels = 0
    for here in range(width + 1, flat.size - width - 1):
        level = flat[here]
        if level == 0:
            continue
        up = here - width
        if flat[up] == level:
            label = labels[up]
        elif flat[up + 1] == level:
            label = labels[up + 1]
            if flat[here - 1] == level:
                label = _join(parent, label, labels[here - 1])
            elif flat[up - 1] == level:
                label = _join(parent, label, labels[up - 1])
        elif flat[here - 1] == level:
            label = labels[here - 1]
        elif flat[up - 1] == level:
            label = labels[up - 1]
        else:
            label = np.int32(n_labels)
            n_labels += 1
            parent[label] = label
            zones[label, 0] = level
            zones[label, 1] = 0
            zones[label, 2] = far[here] if far.size else 0
        labels[here] = label
        zones[label, 1] += 1
        if far.size:
            zones[label, 2] = min(zones[label, 2], far[here])
    return _whole_zones(zones, parent, n_labels)


@compiled
def _whole_zones(zones, parent, n_labels):
    """Return the zones of the labels that are roots, with what was joined to them."""
    n_zones = 0
    for label in range(n_labels):
        root = _root(parent, label)
        if root == label:
            n_zones += 1
        else:
            zones[root, 1] += zones[label, 1]
            zones[root, 2] = min(zones[root, 2], zones[label, 2])
    whole = np.empty((n_zones, 3), np.int32)
    k = 0
    for label in range(n_labels):
        if parent[label] == label:
            whole[k] = zones[label]
            k += 1
    return whole


@compiled
def tabulate(levels, values, n_levels):
    """Return how often each level has each value, and the values that occur."""
    largest = 0
    for k in range(values.size):
        largest = max(largest, values[k])
    place = np.zeros(largest + 1, np.int64)
    for k in range(values.size):
        place[values[k]] = 1
    columns = np.flatnonzero(place)
    for k in range(columns.size):
        place[columns[k]] = k
    counts = np.zeros((n_levels, columns.size), np.int64)
    for k in range(values.size):
        counts[levels[k] - 1, place[values[k]]] += 1
    return counts, columns
