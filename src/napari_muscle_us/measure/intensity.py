"""Echo intensity: the gray-level histogram of a region and its statistics."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import MeasureError

if TYPE_CHECKING:
    import numpy.typing as npt

GRAY_LEVELS: Final = 256

_ONE_PIXEL: Final = "undefined for a single pixel"
_CONSTANT: Final = "undefined where all pixels have the same gray level"


@dataclass(frozen=True, slots=True, eq=False)
class IntensityStatistics:
    """Histogram of a region and the numbers that ImageJ's Measure gives.

    Attributes
    ----------
    n : int
        Number of pixels.
    mean : float
        Echo intensity: mean gray level, 0 … 255.
    sd : float
        Standard deviation with n − 1; NaN for a single pixel.
    min, max : int
        Lowest and highest gray level.
    mode : int
        Lowest gray level with the largest count.
    mode_count : int
        Number of pixels of that gray level.
    median : int
        Smallest gray level up to which more than n/2 pixels lie; never half a level.
    skewness, kurtosis : float
        Population skewness and excess kurtosis; NaN where all pixels are alike.
    histogram : ndarray of int64, shape (256,)
        Number of pixels of each gray level, bins of width 1.
    """

    n: int
    mean: float
    sd: float
    min: int
    max: int
    mode: int
    mode_count: int
    median: int
    skewness: float
    kurtosis: float
    histogram: npt.NDArray[np.int64]

    def reason(self, statistic: str) -> str:
        """Return why a statistic is NaN, or an empty string."""
        if not math.isnan(getattr(self, statistic)):
            return ""
        return _ONE_PIXEL if self.n == 1 else _CONSTANT


def measure_intensity(
    gray: npt.NDArray[np.uint8], mask: npt.NDArray[np.bool_]
) -> IntensityStatistics:
    r"""Return the gray-level statistics of the pixels inside a mask.

    With the counts :math:`h_i`, :math:`n = \sum h_i` and the central moments
    :math:`m_k = \frac1n\sum h_i (i - \bar g)^k`:

    .. math::
       \bar g = \frac1n \sum i\,h_i,\quad
       s = \sqrt{\tfrac{n}{n-1} m_2},\quad
       \gamma_1 = m_3 / m_2^{3/2},\quad \gamma_2 = m_4 / m_2^2 - 3.

    The *echo intensity* of a muscle is the mean. It holds for one scanner and its
    settings only: compare it with reference values of the same device.

    Parameters
    ----------
    gray : ndarray of uint8, shape (depth, lateral)
        Gray levels. Pixels of value 0 count.
    mask : ndarray of bool, same shape
        Pixels of the region.

    Returns
    -------
    IntensityStatistics
        In gray levels. `sd` is NaN for a single pixel, `skewness` and `kurtosis`
        where all pixels are alike.

    Raises
    ------
    MeasureError
        If `gray` is not uint8, the shapes differ, or the mask is empty.

    References
    ----------
    ImageJ 1.53t, ``ij/process/ByteStatistics.java``. Pillen S, van Alfen N. Skeletal
    muscle ultrasound. Neurol Res 2011;33:1016. doi:10.1179/1743132811Y.0000000010

    Examples
    --------
    >>> import numpy as np
    >>> gray = np.array([[1, 2], [3, 200]], np.uint8)
    >>> stats = measure_intensity(gray, gray < 100)
    >>> stats.n, stats.mean, stats.sd, stats.median
    (3, 2.0, 1.0, 2)
    """
    if gray.dtype != np.uint8:
        raise MeasureError(
            f"Echo intensity needs 8-bit gray levels, not {gray.dtype}; convert the "
            "image to 8 bits first."
        )
    if gray.shape != mask.shape or gray.ndim != 2:
        raise MeasureError(
            f"The image has shape {gray.shape} and the mask {mask.shape}; both must "
            "be the same (depth, lateral)."
        )
    from napari_muscle_us._kernels import masked_histogram

    return statistics_of(masked_histogram(gray, np.asarray(mask, dtype=np.bool_)))


def statistics_of(histogram: npt.NDArray[np.int64]) -> IntensityStatistics:
    """Return the statistics of a gray-level histogram.

    Parameters
    ----------
    histogram : ndarray of int, shape (256,)
        Number of pixels of each gray level.

    Returns
    -------
    IntensityStatistics
        See `measure_intensity` for definitions and NaN policy.

    Raises
    ------
    MeasureError
        If the histogram is empty.

    Examples
    --------
    >>> import numpy as np
    >>> statistics_of(np.bincount([5, 5, 9], minlength=256)).mode
    5
    """
    n = int(histogram.sum())
    if n == 0:
        raise MeasureError("The region covers 0 pixels; draw it inside the image.")
    levels = np.flatnonzero(histogram)
    counts = histogram[levels].astype(np.float64)
    mean = float(levels @ counts) / n
    centred = levels - mean
    powers = centred * centred * counts
    m2 = float(powers.sum()) / n
    m3 = float(powers @ centred) / n
    m4 = float(powers @ (centred * centred)) / n
    constant = len(levels) == 1
    mode = int(histogram.argmax())
    return IntensityStatistics(
        n=n,
        mean=mean,
        sd=math.sqrt(m2 * n / (n - 1)) if n > 1 else math.nan,
        min=int(levels[0]),
        max=int(levels[-1]),
        mode=mode,
        mode_count=int(histogram[mode]),
        median=int(np.searchsorted(histogram.cumsum(), n / 2, side="right")),
        skewness=math.nan if constant else m3 / m2**1.5,
        kurtosis=math.nan if constant else m4 / (m2 * m2) - 3.0,
        histogram=histogram,
    )
