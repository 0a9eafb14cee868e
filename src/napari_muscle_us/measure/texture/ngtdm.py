"""Neighbourhood gray tone difference matrix: how a pixel differs from those around."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.measure.texture._matrix_features import (
    Aggregation,
    checked_frames,
    checked_reach,
    named_means,
)
from napari_muscle_us.measure.texture.features import Feature

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from napari_muscle_us.measure.texture._matrix_features import Frames

_PAIRS: Final = r"\sum_{i,j:\,p_i,p_j>0}"

FEATURES: Final[tuple[Feature, ...]] = (
    Feature(
        key="ngtdm.coarseness",
        ibsi="QCDE",
        unit="1",
        label="Coarseness",
        formula=r"\frac{1}{\sum_i p_i s_i}",
        meaning="High where gray levels change slowly from pixel to pixel; it falls "
        "with the size of the region, and what fat does to it is not known.",
    ),
    Feature(
        key="ngtdm.contrast",
        ibsi="65HE",
        unit="1",
        label="Contrast",
        formula=rf"\frac{{{_PAIRS}p_i p_j (i-j)^2}}{{N_{{g,p}}(N_{{g,p}}-1)}}"
        r"\cdot\frac{\sum_i s_i}{N_{v,c}}",
        meaning="High where gray levels lie far apart and pixels differ from those "
        "around them; what fat does to it is not known.",
    ),
    Feature(
        key="ngtdm.busyness",
        ibsi="NQ30",
        unit="1",
        label="Busyness",
        formula=rf"\frac{{\sum_i p_i s_i}}{{{_PAIRS}|i\,p_i-j\,p_j|}}",
        meaning="High where gray levels change fast from pixel to pixel; it grows with "
        "the size of the region, and what fat does to it is not known.",
    ),
    Feature(
        key="ngtdm.complexity",
        ibsi="HDEZ",
        unit="1",
        label="Complexity",
        formula=rf"\frac{{1}}{{N_{{v,c}}}}{_PAIRS}|i-j|"
        r"\frac{p_i s_i+p_j s_j}{p_i+p_j}",
        meaning="High where many gray levels change fast and far; what fat does to it "
        "is not known.",
    ),
    Feature(
        key="ngtdm.strength",
        ibsi="1X9X",
        unit="1",
        label="Strength",
        formula=rf"\frac{{{_PAIRS}(p_i+p_j)(i-j)^2}}{{\sum_i s_i}}",
        meaning="High where parts of clearly different gray level are large and stand "
        "out; it falls with the size of the region, and what fat does to it is not "
        "known.",
    ),
)
"""The 5 features in the order of the standard."""


@dataclass(frozen=True, slots=True, eq=False)
class ToneDifferences:
    """Pixels of each gray level and their differences from those around.

    Attributes
    ----------
    counts : ndarray of int64, shape (n_levels,)
        Pixels of each level that have a neighbour inside the region. Read-only.
    differences : ndarray of float64, shape (n_levels,)
        Sum over these pixels of the distance, in levels, to the mean of their
        neighbours. Read-only.
    """

    counts: npt.NDArray[np.int64]
    differences: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        self.counts.setflags(write=False)
        self.differences.setflags(write=False)


def ngtdm_features(
    levels: npt.NDArray[np.uint16],
    n_levels: int,
    *,
    distance_px: int = 1,
    aggregation: Aggregation = "2d_s_mrg",
) -> dict[str, float]:
    r"""Return the 5 features of the gray tone differences of a region.

    :math:`s_i` is the sum, over the pixels of level :math:`i`, of :math:`|i - \bar X|`
    with the mean :math:`\bar X` of the neighbours inside the region;
    :math:`p_i = n_i / N_{v,c}` the share of the level. A pixel without any neighbour
    is not counted.

    Parameters
    ----------
    levels : ndarray of uint16, shape (frame, depth, lateral)
        Gray levels 1 … `n_levels` inside the region, 0 outside.
    n_levels : int
        Highest gray level in the region.
    distance_px : int, optional
        Neighbours are at most so many rows and so many columns away (Chebyshev), 1 to
        15; 1 is the standard's.
    aggregation : {"2d_s_mrg", "2d_avg", "2.5d_d_mrg", "2.5d_v_mrg"}, optional
        Neighbourhoods have no direction: both names with ``"2d"`` mean one matrix a
        frame and the mean of the features (8QNN), both with ``"2.5d"`` one matrix of
        all frames (62GR). Neighbours are of the same frame.

    Returns
    -------
    dict of str to float
        Keys of `FEATURES` with their values. Frames in which no pixel of the region
        has a neighbour are passed over; all NaN where there is no other frame. NaN for
        a feature that divides by zero in any frame: coarseness and strength without a
        difference between neighbours, contrast with one gray level, busyness where
        all :math:`i\,p_i` are equal.

    Raises
    ------
    MeasureError
        If levels, their number, the distance or the aggregation cannot be used.

    Notes
    -----
    For a division by zero other programs put a stand-in (coarseness 1 000 000,
    contrast, busyness and strength 0). A stand-in in a table looks like a measured
    value, so it is NaN here.

    Neighbours are added up as whole numbers: the order of the pixels changes no digit.

    References
    ----------
    IBSI IPET. Zwanenburg A et al. Radiology 2020;295:328.
    doi:10.1148/radiol.2020191145. Amadasun M, King R. IEEE Trans Syst Man Cybern
    1989;19:1264. doi:10.1109/21.44046

    Examples
    --------
    >>> import numpy as np
    >>> levels = np.array([[[1, 2, 5, 2], [3, 5, 1, 3], [1, 3, 5, 5], [3, 1, 1, 1]]])
    >>> values = ngtdm_features(levels.astype(np.uint16), 5)
    >>> round(1 / values["ngtdm.coarseness"], 4)
    8.5333
    """
    from napari_muscle_us.measure.texture._neighbour_kernels import tone_features

    frames = checked_frames(levels, n_levels, aggregation)
    reach = checked_reach(distance_px)
    tables = (_counted(frames, stack, reach) for stack in frames.stacks)
    return named_means([tone_features(n, s) for n, s in tables if n.any()], FEATURES)


def ngtdm_matrix(
    levels: npt.NDArray[np.uint16], n_levels: int, *, distance_px: int = 1
) -> ToneDifferences:
    """Return the gray tone differences of all frames, a row a gray level.

    Parameters
    ----------
    levels : ndarray of uint16, shape (frame, depth, lateral)
        Gray levels 1 … `n_levels` inside the region, 0 outside.
    n_levels : int
        Highest gray level in the region.
    distance_px : int, optional
        Neighbours are at most so many rows and so many columns away.

    Returns
    -------
    ToneDifferences
        Number of pixels :math:`n_i` and sum of differences :math:`s_i`, 0 for a level
        that does not occur.

    Raises
    ------
    MeasureError
        As `ngtdm_features`.

    Examples
    --------
    >>> import numpy as np
    >>> table = ngtdm_matrix(np.array([[[1, 2, 4]]], np.uint16), 4)
    >>> table.counts.tolist(), table.differences.tolist()
    ([1, 1, 0, 1], [1.0, 0.5, 0.0, 2.0])
    """
    frames = checked_frames(levels, n_levels, "2.5d_v_mrg")
    stack = frames.stacks[0] if frames.stacks else ()
    return ToneDifferences(*_counted(frames, stack, checked_reach(distance_px)))


def _counted(
    frames: Frames, stack: Sequence[int], reach: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return pixels and differences by level of some frames."""
    from napari_muscle_us.measure.texture._neighbour_kernels import (
        add_tone_differences,
    )

    shape = (frames.n_levels, (2 * reach + 1) ** 2)
    counts, sums = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for frame in stack:
        add_tone_differences(frames.field(frame, reach, reach), reach, counts, sums)
    # Column k holds the pixels with k neighbours; without any there is no mean.
    k = np.arange(1, shape[1])
    return counts[:, 1:].sum(axis=1), (sums[:, 1:] / k).sum(axis=1)
