"""Colours of directions: one hue a direction, none brighter than another."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import MeasureError

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_muscle_us.measure.anisotropy.orientation import OrientationMap

    Single = npt.NDArray[np.float32]

STEPS: Final = 360
"""Hues over 180 degrees, half a degree each."""

_ENOUGH: Final = 20_000
"""So many pixels tell the mean as well as all do."""

_GRAY_LEVELS: Final = 256
_LIGHTNESS: Final = 0.75
_CHROMA: Final = 0.126
"""The most that every hue of this lightness has on a screen."""

_RED: Final = 29.0
"""Hue of OKLCH in degrees, which lateral lines get."""

# From OKLab to cube roots of cone responses, and from these to linear sRGB.
_TO_CONES: Final = (
    (1.0, 0.3963377774, 0.2158037573),
    (1.0, -0.1055613458, -0.0638541728),
    (1.0, -0.0894841775, -1.2914855480),
)
_TO_RGB: Final = (
    (4.0767416621, -3.3077115913, 0.2309699292),
    (-1.2684380046, 2.6097574011, -0.3413193965),
    (-0.0041960863, -0.7034186147, 1.7076147010),
)


@lru_cache(maxsize=1)
def direction_hues() -> Single:
    r"""Return the colours of the directions from −90 degrees on, every half degree.

    Returns
    -------
    ndarray of float32, shape (360, 3), read-only
        Red, green and blue, 0 to 1. The circle closes: after the last comes the first.

    Notes
    -----
    Equal lightness 0.75 and chroma 0.126 in OKLCH, hue
    :math:`29° + 2\theta`: equal differences of direction look about equally large, and
    no direction looks brighter than another, as yellow does beside blue in plain HSV.

    References
    ----------
    Ottosson B. A perceptual color space for image processing. 2020.
    https://bottosson.github.io/posts/oklab/

    Examples
    --------
    >>> hues = direction_hues()
    >>> [int(255 * part) for part in hues[180]]  # 0 degrees: red
    [243, 141, 127]
    """
    degrees = np.arange(STEPS) * (180 / STEPS) - 90
    hue = np.radians(_RED + 2 * degrees)
    lab = np.stack(
        [np.full(STEPS, _LIGHTNESS), _CHROMA * np.cos(hue), _CHROMA * np.sin(hue)]
    )
    linear = np.asarray(_TO_RGB) @ (np.asarray(_TO_CONES) @ lab) ** 3
    linear = np.clip(linear, 0, 1)
    bent = 1.055 * linear ** (1 / 2.4) - 0.055
    found = np.where(linear <= 0.0031308, 12.92 * linear, bent).T.astype(np.float32)
    found = np.ascontiguousarray(found)
    found.setflags(write=False)
    return found


def direction_colours(
    found: OrientationMap,
    gray: npt.NDArray[np.uint8],
    *,
    limits: tuple[float, float] = (0.0, 255.0),
    gamma: float = 1.0,
) -> npt.NDArray[np.uint8]:
    r"""Return an image coloured by direction: hue, saturation and value.

    Hue is the direction, saturation the coherency, value the image, as it is shown
    between the limits of its contrast:

    .. math:: V\,[(1 - S) + S\,H(\theta)],\quad
       V = 255 \left(\frac{g - g_0}{g_1 - g_0}\right)^\gamma

    with the colours :math:`H` of `direction_hues` in the place of HSV's.

    Parameters
    ----------
    found : OrientationMap
        Directions and coherency.
    gray : ndarray of uint8, same shape
        The image.
    limits : (float, float), default: (0, 255)
        Gray levels shown black and white.
    gamma : float, default: 1.0
        As of the image's layer; above 1 is darker.

    Returns
    -------
    ndarray of uint8, shape (depth, lateral, 4)
        Red, green, blue, opacity. Transparent where there is no coherency; gray where
        there is no direction.

    Raises
    ------
    MeasureError
        If the image is not of 8-bit gray levels or of another shape, or the limits or
        gamma are not possible.

    Examples
    --------
    >>> from napari_muscle_us.measure.anisotropy.orientation import (
    ...     compute_orientation_map,
    ... )
    >>> gray = np.tile(np.uint8([0, 0, 80, 160, 240, 160, 80, 0]), (48, 6)).T
    >>> colours = direction_colours(compute_orientation_map(gray), gray.copy())
    >>> colours[20, 20].tolist()  # Lines that are lateral.
    [229, 133, 120, 255]
    """
    from napari_muscle_us.measure.anisotropy._colour_kernels import colour

    if gray.dtype != np.uint8 or gray.shape != found.coherency.shape:
        raise MeasureError(
            f"An image of {gray.dtype} and shape {gray.shape} cannot be coloured by a "
            f"map of {found.coherency.shape}; give its 8-bit gray levels."
        )
    low, high = (float(limit) for limit in limits)
    if not (-math.inf < low < high < math.inf and 0 < gamma < math.inf):
        raise MeasureError(
            f"Contrast limits {low:g} to {high:g} with a gamma of {gamma:g} are not "
            "possible; give a lower and a higher gray level, and a gamma above 0."
        )
    levels = (np.arange(_GRAY_LEVELS) - low) / (high - low)
    brightness = 255 * np.clip(levels, 0, 1) ** gamma
    out = np.empty((*gray.shape, 4), np.uint8)
    colour(
        np.ascontiguousarray(found.orientation_deg),
        np.ascontiguousarray(found.coherency),
        np.ascontiguousarray(gray),
        brightness.astype(np.float32),
        np.array(direction_hues()),
        out,
    )
    return out


def mean_coherency(found: OrientationMap) -> float:
    """Return about the coherency of the mean tensor of all that a map shows.

    Parameters
    ----------
    found : OrientationMap
        Of an image or region.

    Returns
    -------
    float
        0 … 1; NaN without any direction. Of a large map every few pixels are taken, and
        windows at the edge count as any other, so that it may differ by some hundredths
        from `roi.measure_anisotropy`, which is for numbers.

    Examples
    --------
    >>> from napari_muscle_us.measure.anisotropy.orientation import (
    ...     compute_orientation_map,
    ... )
    >>> noise = np.random.default_rng(0).integers(0, 256, (200, 200), np.uint8)
    >>> mean_coherency(compute_orientation_map(noise)) < 0.05
    True
    """
    step = max(1, math.isqrt(found.energy.size // _ENOUGH))
    sparse = (slice(None, None, step),) * 2
    angle, order, energy = (
        values[sparse].astype(np.float64)
        for values in (found.orientation_deg, found.coherency, found.energy)
    )
    there = np.isfinite(order)
    total = float(energy[there].sum())
    if not total > 0:
        return math.nan
    doubled = np.radians(2 * np.nan_to_num(angle[there]))
    weight = energy[there] * order[there]
    return (
        math.hypot(
            float((weight * np.cos(doubled)).sum()),
            float((weight * np.sin(doubled)).sum()),
        )
        / total
    )
