"""Zones of equal levels, found once for the matrices of their size and distance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from napari_muscle_us.measure.texture._matrix_features import (
    CountMatrix,
    Frames,
    checked_frames,
    mean_features,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from napari_muscle_us.measure.texture._matrix_features import Aggregation

SIZE, DISTANCE = 1, 2
"""Columns of the zones beside their level."""


def zones_of(
    frames: Frames, stack: Sequence[int], *, distances: bool
) -> npt.NDArray[np.int32]:
    """Return level, size and least distance to the edge of the zones of some frames.

    Without `distances` these are 0, which saves their time.
    """
    from napari_muscle_us.measure.texture._zone_kernels import (
        edge_distances,
        find_zones,
    )

    found = [np.empty((0, 3), np.int32)]
    unmeasured = np.empty((0, 0), np.int32)
    for frame in stack:
        field = frames.field(frame, 1, 1)
        distance = edge_distances(field) if distances else unmeasured
        found.append(find_zones(field, distance))
    return np.concatenate(found)


def zone_table(
    frames: Frames, stack: Sequence[int], zones: npt.NDArray[np.int32], column: int
) -> CountMatrix:
    """Return how many zones each level has of each size or distance."""
    from napari_muscle_us.measure.texture._zone_kernels import tabulate

    counts, values = tabulate(zones[:, 0], zones[:, column], frames.n_levels)
    return CountMatrix(counts, values, frames.n_pixels(stack))


def both_zone_features(
    levels: npt.NDArray[np.uint16],
    n_levels: int,
    *,
    aggregation: Aggregation = "2d_s_mrg",
) -> dict[str, float]:
    """Return the features of `glszm_features` and `gldzm_features` from one search."""
    from napari_muscle_us.measure.texture import gldzm, glszm

    frames = checked_frames(levels, n_levels, aggregation)
    found = [(s, zones_of(frames, s, distances=True)) for s in frames.stacks]
    sizes = [zone_table(frames, stack, zones, SIZE) for stack, zones in found]
    reach = [zone_table(frames, stack, zones, DISTANCE) for stack, zones in found]
    return mean_features(sizes, glszm.FEATURES) | mean_features(reach, gldzm.FEATURES)
