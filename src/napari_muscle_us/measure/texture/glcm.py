"""Gray level co-occurrence matrix: which gray levels stand beside each other."""

from __future__ import annotations

import operator
from functools import cache
from typing import TYPE_CHECKING, Final, get_args

import numpy as np

from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.texture._glcm_numbers import FEATURES as FEATURES
from napari_muscle_us.measure.texture._matrix_features import MAX_LEVELS, Aggregation
from napari_muscle_us.measure.texture.offsets import DIRECTIONS

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Levels = npt.NDArray[np.uint16]
    Offset = tuple[int, int]

DEFAULT_OFFSETS: Final = DIRECTIONS
"""Steps (row, column) of the four directions at a distance of one pixel."""

MAX_OFFSETS: Final = 64
"""Most directions in one call."""

_MAX_PAIRS: Final = 2**31 - 1
"""Most pairs in one matrix, whose counts are 32-bit numbers."""

_MAX_STEP: Final = 2**31 - 1


def glcm_features(
    levels: Levels,
    n_levels: int,
    *,
    offsets: Sequence[Offset] = DEFAULT_OFFSETS,
    aggregation: Aggregation = "2d_s_mrg",
) -> dict[str, float]:
    r"""Return the 25 features of the co-occurrence matrix of a region.

    The matrix element :math:`p_{ij}` is the share of the pairs of pixels, an offset
    apart, that have the levels :math:`i` and :math:`j`, in either order. Only pairs
    with both ends in the region count.

    Parameters
    ----------
    levels : ndarray of uint16, shape (frame, depth, lateral)
        Gray levels 1 … `n_levels` inside the region, 0 outside.
    n_levels : int
        Highest gray level in the region, :math:`N_g`.
    offsets : sequence of (int, int), optional
        Step (row, column) in px between the pixels of a pair, one a direction.
    aggregation : {"2d_s_mrg", "2d_avg", "2.5d_d_mrg", "2.5d_v_mrg"}, optional
        One matrix a frame with all directions (SUJT, default), one for each frame and
        direction (BTW3), one for each direction with all frames (JJUI), or one of all
        (ZW7Z). Features are means over the matrices.

    Returns
    -------
    dict of str to float
        Keys of `FEATURES` with their values. Frames and directions without a pair are
        passed over; without any pair all values are NaN. A matrix of one gray level
        has no correlation and no first measure of information correlation (0/0):
        these are NaN, and so is their mean with those of other matrices.

    Raises
    ------
    MeasureError
        If levels, their number, an offset or the aggregation cannot be used, or a
        matrix would hold more than 2³¹ - 1 pairs.

    Notes
    -----
    Matrices are symmetric, logarithms have base 2. The names of scikit-image's
    ``graycoprops`` differ: its ``homogeneity`` is the inverse difference *moment*, its
    ``energy`` the square root of the angular second moment, its ``entropy`` in nats,
    its ``mean`` counts levels from 0, and its ``correlation`` of one level is 1.

    References
    ----------
    IBSI LFYI. Zwanenburg A et al. Radiology 2020;295:328.
    doi:10.1148/radiol.2020191145. Haralick RM et al. IEEE Transactions on Systems,
    Man, and Cybernetics 1973;3:610. doi:10.1109/TSMC.1973.4309314

    Examples
    --------
    >>> import numpy as np
    >>> levels = np.array([[[1, 1, 2], [2, 2, 2]]], np.uint16)
    >>> values = glcm_features(levels, 2, offsets=((0, 1),))
    >>> values["glcm.contrast"], values["glcm.joint_average"]
    (0.25, 1.625)
    """
    if aggregation not in get_args(Aggregation):
        known = ", ".join(get_args(Aggregation))
        raise MeasureError(
            f"Aggregation {aggregation!r} is not known; choose one of {known}."
        )
    by_slice = aggregation.startswith("2d")
    by_direction = aggregation in {"2d_avg", "2.5d_d_mrg"}
    steps = _checked_offsets(offsets)
    numbers, pairs = _numbers(levels, n_levels, steps, by_slice, by_direction)
    return _means(numbers[pairs > 0])


def glcm_by_direction(
    levels: Levels,
    n_levels: int,
    *,
    offsets: Sequence[Offset] = DEFAULT_OFFSETS,
    merge_frames: bool = False,
) -> dict[Offset, dict[str, float]]:
    """Return the 25 features of each direction by itself.

    Parameters
    ----------
    levels, n_levels, offsets
        As `glcm_features`.
    merge_frames : bool, default: False
        Whether the pairs of all frames go into one matrix, as in "2.5d_d_mrg";
        otherwise a value is the mean over the frames, as in "2d_avg".

    Returns
    -------
    dict
        Offset → keys of `FEATURES` with their values; NaN as `glcm_features`.

    Raises
    ------
    MeasureError
        As `glcm_features`.

    Examples
    --------
    >>> import numpy as np
    >>> levels = np.array([[[1, 2, 3], [1, 2, 3]]], np.uint16)
    >>> values = glcm_by_direction(levels, 3, offsets=((0, 1), (1, 0)))
    >>> {offset: found["glcm.contrast"] for offset, found in values.items()}
    {(0, 1): 1.0, (1, 0): 0.0}
    """
    steps = _checked_offsets(offsets)
    numbers, pairs = _numbers(levels, n_levels, steps, not merge_frames, True)
    return {
        (down, right): _means(numbers[pairs[:, k] > 0, k])
        for k, (down, right) in enumerate(steps.tolist())
    }


def glcm_matrix(
    levels: Levels, n_levels: int, offsets: Sequence[Offset] = DEFAULT_OFFSETS
) -> npt.NDArray[np.float64]:
    """Return the co-occurrence matrix of all frames, as shares that sum to 1.

    Parameters
    ----------
    levels : ndarray of uint16, shape (frame, depth, lateral)
        Gray levels 1 … `n_levels` inside the region, 0 outside.
    n_levels : int
        Highest gray level in the region.
    offsets : sequence of (int, int), optional
        Steps (row, column) in px, whose pairs are counted together.

    Returns
    -------
    ndarray of float64, shape (n_levels, n_levels)
        Symmetric; element (0, 0) is level 1 beside level 1. All NaN without a pair.

    Raises
    ------
    MeasureError
        As `glcm_features`.

    Examples
    --------
    >>> import numpy as np
    >>> levels = np.array([[[1, 1, 2], [2, 2, 2]]], np.uint16)
    >>> glcm_matrix(levels, 2, [(0, 1)]).tolist()
    [[0.25, 0.125], [0.125, 0.5]]
    """
    steps = _checked_offsets(offsets)
    checked = _checked_levels(levels, n_levels)
    _check_pairs(checked, len(steps), by_slice=False)
    from napari_muscle_us.measure.texture._glcm_kernels import count_pairs

    counts = np.zeros((int(n_levels) + 1,) * 2, np.int32)
    count_pairs(checked, steps, counts)
    upper = counts[1:, 1:].astype(np.float64)
    total = 2 * upper.sum()
    return (upper + upper.T) / total if total else np.full_like(upper, np.nan)


def _numbers(
    levels: Levels,
    n_levels: int,
    steps: npt.NDArray[np.int64],
    by_slice: bool,
    by_direction: bool,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Return (slice, direction, number) and the pairs of each (slice, direction)."""
    checked = _checked_levels(levels, n_levels)
    _check_pairs(checked, 1 if by_direction else len(steps), by_slice)
    from napari_muscle_us.measure.texture._glcm_kernels import glcm_numbers

    numbers, pairs = glcm_numbers(
        checked, int(n_levels), steps, by_slice, by_direction, _log2_of()
    )
    return numbers, pairs


def _means(numbers: npt.NDArray[np.float64]) -> dict[str, float]:
    """Return the mean over matrices of each feature; all NaN without a matrix."""
    rows = numbers.reshape(-1, len(FEATURES))
    means = rows.mean(axis=0) if len(rows) else np.full(len(FEATURES), np.nan)
    keys = (feature.key for feature in FEATURES)
    return dict(zip(keys, means.tolist(), strict=True))


@cache
def _log2_of() -> npt.NDArray[np.float64]:
    """Return the logarithms of the counts that most cells have; 0 for none."""
    return np.log2(np.maximum(np.arange(4096), 1))


def _checked_levels(levels: Levels, n_levels: int) -> Levels:
    """Return levels as the compiled loops want them: in row order and read-only."""
    array = np.asarray(levels)
    if array.ndim != 3 or array.dtype != np.uint16:
        raise MeasureError(
            "Texture needs gray levels as uint16 of shape (frame, depth, lateral); "
            f"{array.dtype} of {array.ndim} dimensions was given. Discretise first."
        )
    if isinstance(n_levels, bool) or not isinstance(n_levels, (int, np.integer)):
        raise MeasureError(f"The number of levels must be whole; it is {n_levels!r}.")
    if not 1 <= n_levels <= MAX_LEVELS:
        raise MeasureError(
            f"Texture takes 1 to {MAX_LEVELS} gray levels; {n_levels} were given. "
            "Choose other bins."
        )
    highest = int(array.max(initial=0))
    if highest > n_levels:
        raise MeasureError(
            f"The region holds gray level {highest}, but {n_levels} levels were told; "
            "give the highest level."
        )
    # A view, so that the caller's array stays as it is. Numba would compile once
    # for writable and once for read-only arrays.
    view = np.ascontiguousarray(array).view()
    view.setflags(write=False)
    return view


def _check_pairs(levels: Levels, directions: int, by_slice: bool) -> None:
    """Refuse what could overflow the counts of one matrix."""
    pixels = levels[:1].size if by_slice else levels.size
    if pixels * directions > _MAX_PAIRS and not by_slice:
        pixels = int(np.count_nonzero(levels))
    if pixels * directions > _MAX_PAIRS:
        raise MeasureError(
            f"One matrix of {pixels} pixels and {directions} directions is too large; "
            "measure fewer frames, or aggregate within each frame."
        )


def _checked_offsets(offsets: Sequence[Offset]) -> npt.NDArray[np.int64]:
    """Return offsets as an array (direction, 2), each direction once."""
    try:
        steps = [(operator.index(d), operator.index(r)) for d, r in offsets]
    except (TypeError, ValueError):
        raise MeasureError(
            f"The offsets {offsets!r} are not pairs of whole numbers; give each as "
            "(rows, columns), such as (0, 1)."
        ) from None
    if not 1 <= len(steps) <= MAX_OFFSETS:
        raise MeasureError(
            f"Texture takes 1 to {MAX_OFFSETS} offsets; {len(steps)} were given."
        )
    for k, (down, right) in enumerate(steps):
        if (down, right) == (0, 0) or max(abs(down), abs(right)) > _MAX_STEP:
            raise MeasureError(
                f"The offset {(down, right)} pairs no pixels; choose a distance of "
                "at least 1 px that is smaller than the image."
            )
        if (down, right) in steps[:k] or (-down, -right) in steps[:k]:
            raise MeasureError(
                f"The direction {(down, right)} is there twice; a step and the one "
                "back are the same. Give each once."
            )
    return np.array(steps, np.int64)
