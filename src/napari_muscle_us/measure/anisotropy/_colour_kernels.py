"""Compiled loop that colours directions."""

from __future__ import annotations

import math

import numpy as np

from napari_muscle_us._compiled import compiled


@compiled
def colour(orientation, coherency, gray, brightness, table, out):
    """Write red, green, blue and opacity of each pixel into `out`.

    `brightness` has a value from 0 to 255 for each gray level, `table` the colours of
    the half circle from −90 degrees on, from 0 to 1.
    """
    steps = len(table)
    scale = np.float32(steps / 180.0)
    one = np.float32(1)
    half = np.float32(0.5)
    for row in range(gray.shape[0]):
        for column in range(gray.shape[1]):
            share = coherency[row, column]
            if math.isnan(share):
                out[row, column] = 0
                continue
            value = brightness[gray[row, column]]
            angle = orientation[row, column]
            place = 0
            if math.isnan(angle):
                share = np.float32(0)
            else:
                place = math.floor((angle + np.float32(90)) * scale + half) % steps
            for part in range(3):
                mixed = (one - share) + share * table[place, part]
                out[row, column, part] = np.uint8(value * mixed + half)
            out[row, column, 3] = 255
