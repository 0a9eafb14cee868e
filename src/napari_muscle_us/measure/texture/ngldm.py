"""Neighbouring gray level dependence matrix: how many neighbours are like a pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.texture._checks import shown, whole
from napari_muscle_us.measure.texture._matrix_features import (
    Aggregation,
    CountMatrix,
    Words,
    checked_frames,
    checked_reach,
    mean_features,
    shared_features,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from napari_muscle_us.measure.texture._matrix_features import Frames
    from napari_muscle_us.measure.texture.features import Feature

_UNKNOWN: Final = "what fat does to it is not known"

FEATURES: Final[tuple[Feature, ...]] = shared_features(
    Words("ngldm", "s", "N_n", "N_v"),
    (
        (
            "SODN",
            "Low dependence emphasis",
            "High where pixels differ from their neighbours: fine texture; "
            f"{_UNKNOWN}.",
        ),
        (
            "IMOQ",
            "High dependence emphasis",
            f"High where pixels are like their neighbours: even tissue; {_UNKNOWN}.",
        ),
        (
            "TL9H",
            "Low grey level count emphasis",
            "High where dark pixels abound; with bins of fixed size it falls as fat "
            "and fibrous tissue brighten the muscle.",
        ),
        (
            "OAE7",
            "High grey level count emphasis",
            "High where bright pixels abound; with bins of fixed size it rises as fat "
            "and fibrous tissue brighten the muscle.",
        ),
        (
            "EQ3F",
            "Low dependence low grey level emphasis",
            f"High where dark pixels differ from their neighbours; {_UNKNOWN} apart "
            "from its fall with brightness in bins of fixed size.",
        ),
        (
            "JA6D",
            "Low dependence high grey level emphasis",
            f"High where bright pixels differ from their neighbours; {_UNKNOWN} apart "
            "from its rise with brightness in bins of fixed size.",
        ),
        (
            "NBZI",
            "High dependence low grey level emphasis",
            f"High where dark tissue is even; {_UNKNOWN} apart from its fall with "
            "brightness.",
        ),
        (
            "9QMG",
            "High dependence high grey level emphasis",
            f"High where bright tissue is even; {_UNKNOWN} apart from its rise with "
            "brightness.",
        ),
        (
            "FP8K",
            "Grey level non-uniformity",
            "High where a few gray levels hold most pixels; it grows with the size of "
            "the region, so compare regions of one size only.",
        ),
        (
            "5SPA",
            "Normalised grey level non-uniformity",
            f"High where a few gray levels hold most pixels; {_UNKNOWN}.",
        ),
        (
            "Z87G",
            "Dependence count non-uniformity",
            "High where most pixels have equally many like neighbours; it grows with "
            "the size of the region, so compare regions of one size only.",
        ),
        (
            "OKJI",
            "Normalised dependence count non-uniformity",
            f"High where most pixels have equally many like neighbours; {_UNKNOWN}.",
        ),
        (
            "6XV8",
            "Dependence count percentage",
            "Always 1, since every pixel is counted once; it tells nothing of tissue.",
        ),
        (
            "1PFV",
            "Grey level variance",
            f"High where pixels differ much in gray level; {_UNKNOWN}.",
        ),
        (
            "DNX2",
            "Dependence count variance",
            f"High where even and uneven tissue lie side by side; {_UNKNOWN}.",
        ),
        (
            "FCBV",
            "Dependence count entropy",
            "High where gray levels and numbers of like neighbours are mixed without "
            f"order; {_UNKNOWN}.",
        ),
        (
            "CAS9",
            "Dependence count energy",
            "High where a few pairs of gray level and number of like neighbours hold "
            f"most pixels; {_UNKNOWN}.",
        ),
    ),
)
"""The 17 features in the order of the standard."""


_MAX_ALPHA: Final = 65_535


def ngldm_features(
    levels: npt.NDArray[np.uint16],
    n_levels: int,
    *,
    distance_px: int = 1,
    alpha: int = 0,
    aggregation: Aggregation = "2d_s_mrg",
) -> dict[str, float]:
    r"""Return the 17 features of the dependence matrix of a region.

    The dependence of a pixel is 1 and the number of its neighbours inside the region
    whose gray level is at most :math:`\alpha` from its own. The matrix element
    :math:`s_{ij}` is the number of pixels of level :math:`i` and dependence :math:`j`.

    Parameters
    ----------
    levels : ndarray of uint16, shape (frame, depth, lateral)
        Gray levels 1 … `n_levels` inside the region, 0 outside.
    n_levels : int
        Highest gray level in the region.
    distance_px : int, optional
        Neighbours are at most so many rows and so many columns away (Chebyshev), 1 to
        15; 1 is the standard's.
    alpha : int, optional
        Largest difference of like gray levels; 0, equal, is the standard's.
    aggregation : {"2d_s_mrg", "2d_avg", "2.5d_d_mrg", "2.5d_v_mrg"}, optional
        Dependence has no direction: both names with ``"2d"`` mean one matrix a frame
        and the mean of the features (8QNN), both with ``"2.5d"`` one matrix of all
        frames (62GR). Neighbours are of the same frame.

    Returns
    -------
    dict of str to float
        Keys of `FEATURES` with their values. All NaN where the region is empty; frames
        that it does not touch are passed over. One pixel or one gray level has values.

    Raises
    ------
    MeasureError
        If levels, their number, the distance, `alpha` or the aggregation cannot be
        used.

    References
    ----------
    IBSI REK0. Zwanenburg A et al. Radiology 2020;295:328.
    doi:10.1148/radiol.2020191145. Sun C, Wee WG. Computer Vision, Graphics, and Image
    Processing 1983;23:341. doi:10.1016/0734-189X(83)90032-4

    Examples
    --------
    >>> import numpy as np
    >>> levels = np.array([[[1, 1, 2], [1, 1, 2]]], np.uint16)
    >>> values = ngldm_features(levels, 2)
    >>> values["ngldm.high_dependence_emphasis"]
    12.0
    """
    frames = checked_frames(levels, n_levels, aggregation)
    reach, near = checked_reach(distance_px), _checked_alpha(alpha)
    matrices = (_counted(frames, stack, reach, near) for stack in frames.stacks)
    return mean_features(matrices, FEATURES)


def ngldm_matrix(
    levels: npt.NDArray[np.uint16],
    n_levels: int,
    *,
    distance_px: int = 1,
    alpha: int = 0,
) -> CountMatrix:
    """Return the dependence matrix of all frames.

    Parameters
    ----------
    levels : ndarray of uint16, shape (frame, depth, lateral)
        Gray levels 1 … `n_levels` inside the region, 0 outside.
    n_levels : int
        Highest gray level in the region.
    distance_px : int, optional
        Neighbours are at most so many rows and so many columns away.
    alpha : int, optional
        Largest difference of like gray levels.

    Returns
    -------
    CountMatrix
        Number of pixels by level (row) and dependence (column), the columns without a
        gap from 1 to the largest dependence there is.

    Raises
    ------
    MeasureError
        As `ngldm_features`.

    Examples
    --------
    >>> import numpy as np
    >>> ngldm_matrix(np.array([[[1, 1, 2], [1, 1, 2]]], np.uint16), 2).counts.tolist()
    [[0, 0, 0, 4], [0, 2, 0, 0]]
    """
    frames = checked_frames(levels, n_levels, "2.5d_v_mrg")
    stack = frames.stacks[0] if frames.stacks else ()
    return _counted(frames, stack, checked_reach(distance_px), _checked_alpha(alpha))


def _counted(
    frames: Frames, stack: Sequence[int], reach: int, alpha: int
) -> CountMatrix:
    """Return one matrix of the pixels of some frames."""
    from napari_muscle_us.measure.texture._neighbour_kernels import add_dependences

    counts = np.zeros((frames.n_levels, (2 * reach + 1) ** 2), np.int64)
    for frame in stack:
        add_dependences(frames.field(frame, reach, reach), reach, alpha, counts)
    used = int(np.flatnonzero(counts.any(axis=0)).max(initial=-1)) + 1
    return CountMatrix(
        np.ascontiguousarray(counts[:, :used]),
        np.arange(1, used + 1),
        frames.n_pixels(stack),
    )


def _checked_alpha(alpha: int) -> int:
    near = whole(alpha)
    if near is None or not 0 <= near <= _MAX_ALPHA:
        raise MeasureError(
            f"The difference of like gray levels must be a whole number from 0 to "
            f"{_MAX_ALPHA}; it is {shown(alpha)}."
        )
    return near
