"""Local binary patterns: which neighbours of a pixel are as bright as it is."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Final, TypeVar

import numpy as np

from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.texture._checks import shown, whole
from napari_muscle_us.measure.texture.discretise import checked_region
from napari_muscle_us.measure.texture.features import Feature

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from napari_muscle_us.measure.texture.offsets import Offset

_Pixel = TypeVar("_Pixel", bound=np.generic)

POINTS: Final = 8
"""Neighbours on the circle around a pixel."""

MAX_RADIUS: Final = 100
"""Largest radius in pixels; a wider circle does not fit into a muscle."""

_BRIGHT_AROUND: Final = {
    0: "Share of bright spots, pixels brighter than all around them",
    1: "Share of pixels at ends of bright lines",
    2: "Share of pixels in narrow bright corners",
    3: "Share of pixels in bright corners",
    4: "Share of pixels on straight edges",
    5: "Share of pixels in or beside dark corners",
    6: "Share of pixels in or beside narrow dark corners",
    7: "Share of pixels at ends of dark lines",
    8: "Share of dark spots and of evenly gray places",
}
_SCALE: Final = 100_000
_CORNERS: Final = 4
"""Pixels that a place lies between, at most."""

_UNSETTLED: Final = "how it changes with fat is not settled"

FEATURES: Final[tuple[Feature, ...]] = (
    *(
        Feature(
            f"lbp.uniform_{ones}",
            "",
            "1",
            f"LBP, {ones} of {POINTS} as bright",
            rf"h_{ones} / N",
            f"{what}; {_UNSETTLED}.",
        )
        for ones, what in _BRIGHT_AROUND.items()
    ),
    Feature(
        "lbp.non_uniform",
        "",
        "1",
        "LBP, non-uniform",
        rf"h_{POINTS + 1} / N",
        f"Share of pixels whose surroundings change like noise; {_UNSETTLED}.",
    ),
    Feature(
        "lbp.entropy",
        "",
        "bit",
        "LBP entropy",
        r"-\sum_i p_i \log_2 p_i,\ p_i = h_i / N",
        f"High where all patterns occur equally often; {_UNSETTLED}.",
    ),
    Feature(
        "lbp.energy",
        "",
        "1",
        "LBP energy",
        r"\sum_i p_i^2,\ p_i = h_i / N",
        f"High where few patterns make up the muscle; {_UNSETTLED}.",
    ),
)
"""Shares of the ten patterns, and their entropy and energy. Not in the standard."""


def lbp_features(
    gray: npt.NDArray[np.uint8], mask: npt.NDArray[np.bool_], *, radius_px: int = 1
) -> dict[str, float]:
    r"""Return the shares of the rotation-invariant uniform patterns inside a mask.

    Eight neighbours lie on a circle around each pixel, between pixels by bilinear
    interpolation. With :math:`s_i` = 1 where neighbour i is at least as bright:

    .. math::
       LBP = \sum_i s_i \text{ if } \sum_i |s_i - s_{i+1}| \le 2, \text{ else } 9

    Only the order of brightness counts, so that gain and offset change nothing as
    long as they clip and round nothing. A pixel counts where all pixels that its
    circle is interpolated from are inside the region, in its own frame; the frames'
    counts are summed.

    Parameters
    ----------
    gray : ndarray of uint8, shape (depth, lateral) or (frame, depth, lateral)
        Gray levels, not discretised.
    mask : ndarray of bool, same shape
        Pixels of the region; of shape (depth, lateral) it holds for every frame.
    radius_px : int, default: 1
        Radius of the circle in pixels, 1 … 100. Where the spacing in depth and
        lateral differ, the circle is an ellipse in the muscle.

    Returns
    -------
    dict of str to float
        A value for each key of `FEATURES`. All NaN where no circle lies inside the
        region.

    Raises
    ------
    MeasureError
        If the image is not 8-bit gray, the shapes differ, the region covers no pixel,
        or the radius is not possible.

    Notes
    -----
    scikit-image's ``local_binary_pattern`` with ``method="uniform"`` has the same
    definition, without a mask and with black outside the image. It interpolates in
    floating point, where a neighbour that is exactly as bright may fall below its
    pixel: in a picture of a thigh, at one pixel in 200. Here the sums are whole
    numbers, so that equal is equal and no turn or mirror changes a pattern.

    References
    ----------
    Ojala T, Pietikäinen M, Mäenpää T. Multiresolution gray-scale and rotation
    invariant texture classification with local binary patterns. IEEE Trans Pattern
    Anal Mach Intell 2002;24:971. doi:10.1109/TPAMI.2002.1017623

    Examples
    --------
    >>> import numpy as np
    >>> gray = np.zeros((3, 3), np.uint8)
    >>> gray[1, 1] = 200
    >>> lbp_features(gray, np.ones((3, 3), bool))["lbp.uniform_0"]
    1.0
    """
    frames, inside = checked_region(gray, mask)
    radius = _checked_radius(radius_px)
    counts = np.zeros(POINTS + 2, np.int64)
    for frame, area in zip(frames, inside, strict=True):
        if area.any():
            counts += _frame_counts(frame, area, radius)
    return dict(zip((f.key for f in FEATURES), _numbers(counts), strict=True))


def lbp_reason(key: str, values: Mapping[str, float]) -> str:
    """Return why a value of `lbp_features` is NaN, or an empty string.

    Parameters
    ----------
    key : str
        Key of `FEATURES`.
    values : mapping of str to float
        What `lbp_features` gave.

    Returns
    -------
    str
        Phrase without full stop.

    Examples
    --------
    >>> import numpy as np
    >>> found = lbp_features(np.zeros((2, 2), np.uint8), np.ones((2, 2), bool))
    >>> lbp_reason("lbp.entropy", found)
    'undefined where no circle of neighbours lies inside the ROI'
    """
    if math.isnan(values[key]):
        return "undefined where no circle of neighbours lies inside the ROI"
    return ""


def _frame_counts(
    frame: npt.NDArray[np.uint8], area: npt.NDArray[np.bool_], radius: int
) -> npt.NDArray[np.int64]:
    """Return how often each pattern occurs among the pixels whose circle is inside."""
    from napari_muscle_us.measure.texture._neighbour_kernels import add_bit_patterns

    rows = np.flatnonzero(area.any(axis=1))
    columns = np.flatnonzero(area.any(axis=0))
    if min(np.ptp(rows), np.ptp(columns)) < 2 * radius:
        return np.zeros(POINTS + 2, np.int64)
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    # A copy, since for each layout of an array the loop would be compiled anew.
    gray, inside = frame[box].copy(), area[box]
    steps, weights = _neighbours(radius)
    counted = _moved(inside, (0, 0), radius).copy()
    for step in {tuple(s) for s in steps[weights != 0].tolist()}:
        counted &= _moved(inside, step, radius)
    counts = np.zeros(1 << POINTS, np.int64)
    add_bit_patterns(gray, counted, radius, steps, weights, counts)
    return np.bincount(_patterns(), counts, POINTS + 2).astype(np.int64)


@cache
def _patterns() -> npt.NDArray[np.int64]:
    """Return the pattern of each byte, whose bits tell which neighbours are bright."""
    signs = np.arange(1 << POINTS) >> np.arange(POINTS)[:, None] & 1
    changes = np.abs(signs - np.roll(signs, 1, axis=0)).sum(axis=0)
    return np.where(changes <= 2, signs.sum(axis=0), POINTS + 1)


def _moved(
    array: npt.NDArray[_Pixel], step: Offset, radius: int
) -> npt.NDArray[_Pixel]:
    """Return what lies a step away from each pixel that keeps off the edge."""
    row, column = radius + step[0], radius + step[1]
    depth, lateral = (length - 2 * radius for length in array.shape)
    return array[row : row + depth, column : column + lateral]


def _neighbours(radius: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return, for each point of the circle, steps to pixels around it, and weights.

    Whole weights, in units of 1e-10, keep equal brightness equal; 0 stands for none.
    """
    steps = np.zeros((POINTS, _CORNERS, 2), np.int64)
    weights = np.zeros((POINTS, _CORNERS), np.int64)
    for point in range(POINTS):
        angle = 2 * math.pi * point / POINTS
        down = _between(-radius * math.sin(angle)).items()
        right = _between(radius * math.cos(angle)).items()
        found = [((r, c), v * w) for r, v in down for c, w in right]
        for place, (step, weight) in enumerate(found):
            steps[point, place], weights[point, place] = step, weight
    return steps, weights


def _between(place: float) -> dict[int, int]:
    """Return the one or two whole numbers around a place with their weights."""
    # Five digits, as scikit-image rounds: a place next to a pixel is that pixel.
    below, part = divmod(round(place * _SCALE), _SCALE)
    return {below: _SCALE - part} | ({below + 1: part} if part else {})


def _numbers(counts: npt.NDArray[np.int64]) -> list[float]:
    """Return the shares of the patterns, their entropy and their energy."""
    n = int(counts.sum())
    if n == 0:
        return [math.nan] * len(FEATURES)
    shares = [count / n for count in counts.tolist()]
    bits = -math.fsum(share * math.log2(share) for share in shares if share) + 0.0
    return [*shares, bits, math.fsum(share * share for share in shares)]


def _checked_radius(radius_px: int) -> int:
    radius = whole(radius_px)
    if radius is None or not 1 <= radius <= MAX_RADIUS:
        raise MeasureError(
            f"The radius {shown(radius_px)} px is not possible; give a whole number "
            f"from 1 to {MAX_RADIUS}."
        )
    return radius
