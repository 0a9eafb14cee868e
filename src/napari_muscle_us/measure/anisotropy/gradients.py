"""Derivative kernels by name, and the windows over which the tensor is averaged."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.errors import MeasureError

if TYPE_CHECKING:
    import numpy.typing as npt

    Taps = npt.NDArray[np.float32]

DEFAULT_GRADIENT: Final = "cubic_spline"
DEFAULT_WINDOW: Final = "gaussian"

WINDOWS: Final = ("gaussian", "orientationj")
"""``"orientationj"``: what OrientationJ computes for a sigma typed into it."""

MIN_SIGMA_PX: Final = 0.5
MAX_SIGMA_PX: Final = 100.0
"""Largest scale in pixels, so that time and memory stay bounded."""

_SPLINE_REACH: Final = 12
"""Beyond it the taps of the spline are below the last digit of single precision."""

# Central differences of the highest order that two and three pixels a side allow.
_DIFFERENCES: Final = {2: (2 / 3, -1 / 12), 3: (3 / 4, -3 / 20, 1 / 60)}

GRADIENTS: Final[dict[str, str]] = {
    "cubic_spline": "Derivative of the cubic spline through the pixels",
    "finite_difference": "Half the difference of the two neighbours",
    "gaussian": "Derivative of the image smoothed by a Gaussian",
    "sobel": "Difference of the neighbours, smoothed by (1, 2, 1) / 4",
    "scharr": "Difference of the neighbours, smoothed by (3, 10, 3) / 16",
}
"""Names of the derivative kernels and what each is."""


@dataclass(frozen=True, slots=True, eq=False)
class GradientKernel:
    """Taps of a derivative kernel along depth (y) and lateral (x).

    Attributes
    ----------
    smooth_x, smooth_y : ndarray of float32
        Half of the symmetric smoothing across the derivative, from the middle on.
    derive_x, derive_y : ndarray of float32, shape (reach + 1, taps)
        Half of the antisymmetric derivative, in row k for k pixels on each side.
    least_x, least_y : int
        Pixels on each side below which there is no gradient.
    """

    smooth_x: Taps
    smooth_y: Taps
    derive_x: Taps
    derive_y: Taps
    least_x: int
    least_y: int

    @property
    def reach(self) -> tuple[int, int]:
        """Pixels on each side that the full kernel takes: depth, lateral."""
        return len(self.derive_y) - 1, len(self.derive_x) - 1

    @property
    def smooths(self) -> bool:
        """Whether it takes a rectangle of pixels, not a cross."""
        return len(self.smooth_x) > 1

    @property
    def taps(self) -> tuple[Taps, Taps, Taps, Taps]:
        """What the compiled loops take."""
        return self.smooth_x, self.smooth_y, self.derive_x, self.derive_y


def gradient_kernel(
    name: str = DEFAULT_GRADIENT, *, sigma_px: tuple[float, float] = (1.0, 1.0)
) -> GradientKernel:
    r"""Return the taps of a derivative kernel.

    Every kernel gives a ramp of one gray level a pixel the derivative 1, so that
    energies of different kernels have one meaning.

    Parameters
    ----------
    name : str, default: "cubic_spline"
        One of `GRADIENTS`.
    sigma_px : (float, float), default: (1.0, 1.0)
        Scale of the kernel ``"gaussian"`` in depth and lateral, 0.5 … 100 px; the
        others have none.

    Returns
    -------
    GradientKernel
        With taps in single precision, read-only.

    Raises
    ------
    MeasureError
        If there is no such kernel, or the scale is not possible.

    Notes
    -----
    The derivative of the cubic spline through the pixels is, with
    :math:`z = \sqrt 3 - 2`,

    .. math:: f'_i = \sum_{k \ge 1} -3 z^k (f_{i+k} - f_{i-k}),

    of which 12 terms are more than single precision holds. Close to an edge only a
    central difference fits: of sixth order where three pixels a side are inside, of
    fourth order where two are; with fewer there is no gradient.

    Two neighbours see a wave of 12 pixels 4.5 % too flat, which turns its direction by
    up to 0.6°; the spline by 0.005°. OrientationJ takes the whole difference of the
    neighbours, not half: its energy by finite differences is four times ours.

    References
    ----------
    Unser M. Splines: a perfect fit for signal and image processing. IEEE Signal
    Process Mag 1999;16(6):22. doi:10.1109/79.799930. Scharr H. Optimale Operatoren in
    der Digitalen Bildverarbeitung. Heidelberg 2000. doi:10.11588/heidok.00000962

    Examples
    --------
    >>> kernel = gradient_kernel("finite_difference")
    >>> kernel.reach, float(kernel.derive_x[1, 1])
    ((1, 1), 0.5)
    """
    if not isinstance(name, str) or name not in GRADIENTS:
        raise MeasureError(
            f"There is no derivative kernel {name!r}; choose from "
            f"{', '.join(GRADIENTS)}."
        )
    if name == "gaussian":
        down, across = (_gaussian_parts(_checked_sigma(sigma)) for sigma in sigma_px)
        return GradientKernel(
            across[0], down[0], across[1], down[1], across[2], down[2]
        )
    return _unscaled(name)


@lru_cache
def _unscaled(name: str) -> GradientKernel:
    smooth = _padded({"sobel": (0.5, 0.25), "scharr": (0.625, 0.1875)}.get(name, (1,)))
    if name == "cubic_spline":
        derive, least = _spline(), 2
    else:
        derive, least = _table(1, {1: (0.5,)}), 1
    return GradientKernel(smooth, smooth, derive, derive, least, least)


def window_taps(sigma_px: float, *, window: str = DEFAULT_WINDOW) -> Taps:
    r"""Return half of a window, from the middle on; the whole adds up to 1.

    Parameters
    ----------
    sigma_px : float
        Scale in pixels, 0.5 … 100.
    window : {"gaussian", "orientationj"}
        A Gaussian up to four sigma, or what OrientationJ computes.

    Returns
    -------
    ndarray of float32
        Taps at 0, 1, 2 … pixels, with zeros behind until their number is one more than
        a multiple of four.

    Raises
    ------
    MeasureError
        If there is no such window, or the scale is not possible.

    Notes
    -----
    OrientationJ runs an exponential nine times forth and back over each axis, with a
    pole that is right for three times. Its window is therefore
    :math:`\sqrt 3` times as wide as the sigma that is typed in, and not quite Gaussian:

    .. math:: p = 1 + 3/\sigma^2 - \sqrt{9 + 6\sigma^2}/\sigma^2

    References
    ----------
    Püspöki Z et al. Transforms and operators for directional bioimage analysis. Adv
    Anat Embryol Cell Biol 2016;219:69. doi:10.1007/978-3-319-28549-8_3

    Examples
    --------
    >>> [round(float(tap), 3) for tap in window_taps(0.5)]
    [0.787, 0.106, 0.0, 0.0, 0.0]
    """
    sigma = _checked_sigma(sigma_px)
    if window not in WINDOWS:
        raise MeasureError(
            f"There is no window {window!r}; choose from {', '.join(WINDOWS)}."
        )
    if window == "orientationj":
        return _padded(_nine_exponentials(sigma))
    places = np.arange(math.ceil(4 * sigma) + 1)
    return _padded(_of_sum_1(np.exp(-0.5 * (places / sigma) ** 2)))


def _nine_exponentials(sigma: float) -> npt.NDArray[np.float64]:
    pole = 1 + 3 / sigma**2 - math.sqrt(9 + 6 * sigma**2) / sigma**2
    places = np.arange(math.ceil(14 * sigma) + 8)
    # The response of a cascade is the product of responses; far enough out to be exact.
    wave = 2 * np.pi * np.arange(8 * len(places)) / (8 * len(places))
    once = (1 - pole) ** 2 / (1 - 2 * pole * np.cos(wave) + pole**2)
    half = np.fft.ifft(once**9).real[: len(places)]
    kept = half > 1e-7 * half[0]
    return _of_sum_1(half[kept])


def _gaussian_parts(sigma: float) -> tuple[Taps, Taps, int]:
    """Return the smoothing, the derivative and the reach of a Gaussian."""
    reach = math.ceil(4 * sigma)
    places = np.arange(reach + 1)
    bell = np.exp(-0.5 * (places / sigma) ** 2)
    slope = places * bell
    slope = slope / (2 * (slope @ places))
    return _padded(_of_sum_1(bell)), _table(reach, {reach: slope[1:]}), reach


def _spline() -> Taps:
    pole = math.sqrt(3) - 2
    taps = [-3 * pole**k for k in range(1, _SPLINE_REACH + 1)]
    shorter = dict.fromkeys(range(3, _SPLINE_REACH), _DIFFERENCES[3])
    return _table(_SPLINE_REACH, _DIFFERENCES | shorter | {_SPLINE_REACH: taps})


def _table(reach: int, by_reach: dict[int, Any]) -> Taps:
    """Return the taps for each reach, a row each, from tap 0 on."""
    table = np.zeros((reach + 1, _size(reach)), np.float32)
    for k, taps in by_reach.items():
        table[k, 1 : 1 + len(taps)] = taps
    table.setflags(write=False)
    return table


def _padded(half: Any) -> Taps:
    """Return taps with zeros behind."""
    taps = np.zeros(_size(len(half) - 1), np.float32)
    taps[: len(half)] = half
    taps.setflags(write=False)
    return taps


def _size(reach: int) -> int:
    """Return the number of taps: the loops take one, and then four at a time."""
    return 4 * math.ceil(reach / 4) + 1


def _of_sum_1(half: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.asarray(half / (half[0] + 2 * half[1:].sum()))


def _checked_sigma(sigma: float) -> float:
    if not MIN_SIGMA_PX <= sigma <= MAX_SIGMA_PX:
        raise MeasureError(
            f"A scale of {sigma:.4g} px is not possible; give one from "
            f"{MIN_SIGMA_PX:g} to {MAX_SIGMA_PX:g} px."
        )
    return float(sigma)
