"""Gray level run length matrix: how far a gray level goes on along a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.texture._matrix_features import (
    Aggregation,
    CountMatrix,
    Words,
    checked_frames,
    mean_features,
    shared_features,
)
from napari_muscle_us.measure.texture.offsets import DIRECTIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    from napari_muscle_us.measure.texture._matrix_features import Frames
    from napari_muscle_us.measure.texture.features import Feature

    Offsets = Sequence[tuple[int, int]]

MAX_OFFSETS: Final = 64
"""Most directions in one call."""

_UNKNOWN: Final = "what fat does to it is not known"

FEATURES: Final[tuple[Feature, ...]] = shared_features(
    Words("glrlm", "r", "N_r", r"\sum_j j\,r_{\cdot j}"),
    (
        (
            "22OV",
            "Short runs emphasis",
            "High where a gray level soon changes along a line, as in fine speckle; "
            f"{_UNKNOWN}.",
        ),
        (
            "W4KF",
            "Long runs emphasis",
            "High where a gray level goes on for long, as along fascia or in even "
            f"tissue; {_UNKNOWN}.",
        ),
        (
            "V3SW",
            "Low grey level run emphasis",
            "High where dark runs abound; with bins of fixed size it falls as fat and "
            "fibrous tissue brighten the muscle.",
        ),
        (
            "G3QZ",
            "High grey level run emphasis",
            "High where bright runs abound; with bins of fixed size it rises as fat "
            "and fibrous tissue brighten the muscle.",
        ),
        (
            "HTZT",
            "Short run low grey level emphasis",
            f"High where short dark runs abound: fine, dark texture; {_UNKNOWN} apart "
            "from its fall with brightness in bins of fixed size.",
        ),
        (
            "GD3A",
            "Short run high grey level emphasis",
            f"High where short bright runs abound: fine, bright speckle; {_UNKNOWN} "
            "apart from its rise with brightness in bins of fixed size.",
        ),
        (
            "IVPO",
            "Long run low grey level emphasis",
            f"High where long dark runs abound: even, dark tissue; {_UNKNOWN} apart "
            "from its fall with brightness in bins of fixed size.",
        ),
        (
            "3KUM",
            "Long run high grey level emphasis",
            f"High where long bright runs abound: fascia or saturation; {_UNKNOWN} "
            "apart from its rise with brightness in bins of fixed size.",
        ),
        (
            "R5YN",
            "Grey level non-uniformity",
            "High where a few gray levels hold most runs; it grows with the size of "
            "the region, so compare regions of one size only.",
        ),
        (
            "OVBL",
            "Normalised grey level non-uniformity",
            f"High where a few gray levels hold most runs; {_UNKNOWN}.",
        ),
        (
            "W92Y",
            "Run length non-uniformity",
            "High where most runs have the same length; it grows with the size of the "
            "region, so compare regions of one size only.",
        ),
        (
            "IC23",
            "Normalised run length non-uniformity",
            f"High where most runs have the same length; {_UNKNOWN}.",
        ),
        (
            "9ZK5",
            "Run percentage",
            "Number of runs for each pixel: 1 where every pixel differs from the next, "
            f"low in even tissue; {_UNKNOWN}.",
        ),
        (
            "8CE5",
            "Grey level variance",
            f"High where runs differ much in gray level; {_UNKNOWN}.",
        ),
        (
            "SXLW",
            "Run length variance",
            f"High where short and long runs lie side by side; {_UNKNOWN}.",
        ),
        (
            "HJ9O",
            "Run entropy",
            "High where gray levels and lengths of runs are mixed without order; "
            f"{_UNKNOWN}.",
        ),
    ),
)
"""The 16 features in the order of the standard."""


def glrlm_features(
    levels: npt.NDArray[np.uint16],
    n_levels: int,
    *,
    offsets: Offsets = DIRECTIONS,
    aggregation: Aggregation = "2d_s_mrg",
) -> dict[str, float]:
    r"""Return the 16 features of the run length matrix of a region.

    A run is an unbroken line of pixels of one gray level in one direction. The matrix
    element :math:`r_{ij}` is the number of runs of level :math:`i` and length
    :math:`j`. A pixel outside the region ends a run.

    Parameters
    ----------
    levels : ndarray of uint16, shape (frame, depth, lateral)
        Gray levels 1 … `n_levels` inside the region, 0 outside.
    n_levels : int
        Highest gray level in the region.
    offsets : sequence of (int, int), optional
        Step (row, column) from pixel to pixel, one a direction. A step of two pixels
        follows every second pixel; the length is then still a number of pixels.
    aggregation : {"2d_s_mrg", "2d_avg", "2.5d_d_mrg", "2.5d_v_mrg"}, optional
        One matrix a frame with all directions (SUJT, default), one for each frame and
        direction (BTW3), one for each direction with all frames (JJUI), or one of all
        (ZW7Z). Features are means over the matrices.

    Returns
    -------
    dict of str to float
        Keys of `FEATURES` with their values. All NaN where the region is empty; frames
        that it does not touch are passed over. One pixel or one gray level has values.

    Raises
    ------
    MeasureError
        If levels, their number, an offset or the aggregation cannot be used.

    Notes
    -----
    Run percentage is :math:`N_s / (k N_v)` with :math:`N_s` runs, :math:`N_v` pixels
    and :math:`k` merged directions. Logarithms have base 2.

    References
    ----------
    IBSI TP0I. Zwanenburg A et al. Radiology 2020;295:328.
    doi:10.1148/radiol.2020191145. Galloway MM. Computer Graphics and Image Processing
    1975;4:172. doi:10.1016/S0146-664X(75)80008-6

    Examples
    --------
    >>> import numpy as np
    >>> levels = np.array([[[1, 1, 2], [3, 3, 3]]], np.uint16)
    >>> values = glrlm_features(levels, 3, offsets=((0, 1),))
    >>> values["glrlm.run_percentage"], round(values["glrlm.long_runs_emphasis"], 3)
    (0.5, 4.667)
    """
    frames = checked_frames(levels, n_levels, aggregation)
    steps = _checked_offsets(offsets)
    merged = aggregation.endswith(("s_mrg", "v_mrg"))
    groups = (steps,) if merged else tuple((step,) for step in steps)
    return mean_features(_matrices(frames, groups), FEATURES)


def glrlm_matrix(
    levels: npt.NDArray[np.uint16],
    n_levels: int,
    *,
    offsets: Offsets = DIRECTIONS,
) -> CountMatrix:
    """Return the run length matrix of all frames and of all directions told.

    Parameters
    ----------
    levels : ndarray of uint16, shape (frame, depth, lateral)
        Gray levels 1 … `n_levels` inside the region, 0 outside.
    n_levels : int
        Highest gray level in the region.
    offsets : sequence of (int, int), optional
        Step (row, column), one a direction; one alone gives the matrix of that one.

    Returns
    -------
    CountMatrix
        Number of runs by level (row) and length in pixels (column), the columns
        without a gap from 1 to the longest run; no column where the region is empty.

    Raises
    ------
    MeasureError
        As `glrlm_features`.

    Examples
    --------
    >>> import numpy as np
    >>> levels = np.array([[[1, 1, 2], [3, 3, 3]]], np.uint16)
    >>> glrlm_matrix(levels, 3, offsets=((0, 1),)).counts.tolist()
    [[0, 1, 0], [1, 0, 0], [0, 0, 1]]
    """
    frames = checked_frames(levels, n_levels, "2.5d_v_mrg")
    stack = frames.stacks[0] if frames.stacks else ()
    return _counted(frames, stack, _checked_offsets(offsets))


def _matrices(frames: Frames, groups: Sequence[Offsets]) -> Iterator[CountMatrix]:
    """Yield the matrix of each stack of frames and group of directions."""
    for stack in frames.stacks:
        for group in groups:
            yield _counted(frames, stack, group)


def _counted(frames: Frames, stack: Sequence[int], offsets: Offsets) -> CountMatrix:
    """Return one matrix of some frames and some directions."""
    from napari_muscle_us.measure.texture._run_kernels import add_runs

    boxes = frames.boxes[list(stack)]
    longest = max((boxes[:, [2, 4]] - boxes[:, [1, 3]]).max(initial=0), 0)
    counts = np.zeros((frames.n_levels, int(longest)), np.int64)
    for frame in stack:
        _, top, bottom, left, right, _ = frames.boxes[frame]
        # A step longer than the box leaves it as surely as one just as long.
        rows, columns = int(bottom - top), int(right - left)
        steps = [
            (max(-rows, min(rows, row)), max(-columns, min(columns, column)))
            for row, column in offsets
        ]
        margins = (
            max(abs(size) for size in sizes) for sizes in zip(*steps, strict=True)
        )
        field = frames.field(frame, *margins)
        for row, column in steps:
            add_runs(field, row, column, counts)
    used = int(np.flatnonzero(counts.any(axis=0)).max(initial=-1)) + 1
    return CountMatrix(
        np.ascontiguousarray(counts[:, :used]),
        np.arange(1, used + 1),
        frames.n_pixels(stack) * len(offsets),
    )


def _checked_offsets(offsets: Offsets) -> tuple[tuple[int, int], ...]:
    array = np.asarray(offsets)
    if (
        array.ndim != 2
        or array.shape[1:] != (2,)
        or array.dtype.kind not in "iu"
        or not 1 <= len(array) <= MAX_OFFSETS
    ):
        raise MeasureError(
            f"Directions must be 1 to {MAX_OFFSETS} pairs of whole steps (row, "
            f"column), such as ((0, 1), (1, 0)); got {offsets!r}."
        )
    if not array.any(axis=1).all():
        raise MeasureError("A step of (0, 0) has no direction; leave it out.")
    return tuple((int(row), int(column)) for row, column in array)
