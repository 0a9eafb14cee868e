"""Zones of equal levels, found once, and what the matrices made of them share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

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
    from napari_muscle_us.measure.texture.features import Feature

SIZE, DISTANCE = 1, 2
"""Columns of the zones beside their level."""

UNKNOWN: Final = "what fat does to it is not known"

# Names and meanings of features that do not depend on the column.
LOW_GRAY: Final = (
    "Low grey level zone emphasis",
    "High where dark patches abound; with bins of fixed size it falls as fat and "
    "fibrous tissue brighten the muscle.",
)
HIGH_GRAY: Final = (
    "High grey level zone emphasis",
    "High where bright patches abound; with bins of fixed size it rises as fat and "
    "fibrous tissue brighten the muscle.",
)
GRAY_NON_UNIFORMITY: Final = (
    "Grey level non-uniformity",
    "High where a few gray levels hold most patches; it grows with the size of the "
    "region, so compare regions of one size only.",
)
NORMALISED_GRAY_NON_UNIFORMITY: Final = (
    "Normalised grey level non-uniformity",
    f"High where a few gray levels hold most patches; {UNKNOWN}.",
)
PERCENTAGE: Final = (
    "Zone percentage",
    "Number of patches for each pixel: 1 where every pixel differs from all around "
    f"it, low in even tissue; {UNKNOWN}.",
)
GRAY_VARIANCE: Final = (
    "Grey level variance",
    f"High where patches differ much in gray level; {UNKNOWN}.",
)


def features_of(
    levels: npt.NDArray[np.uint16],
    n_levels: int,
    aggregation: Aggregation,
    column: int,
    features: Sequence[Feature],
) -> dict[str, float]:
    """Return the features of the zones by their size or distance."""
    frames = checked_frames(levels, n_levels, aggregation)
    matrices = (_counted(frames, stack, column) for stack in frames.stacks)
    return mean_features(matrices, features)


def matrix_of(
    levels: npt.NDArray[np.uint16], n_levels: int, column: int
) -> CountMatrix:
    """Return how many zones of all frames have each level and size or distance."""
    frames = checked_frames(levels, n_levels, "2.5d_v_mrg")
    return _counted(frames, frames.stacks[0] if frames.stacks else (), column)


def _counted(frames: Frames, stack: Sequence[int], column: int) -> CountMatrix:
    """Return one matrix of the zones of some frames."""
    zones = zones_of(frames, stack, distances=column == DISTANCE)
    return zone_table(frames, stack, zones, column)


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
