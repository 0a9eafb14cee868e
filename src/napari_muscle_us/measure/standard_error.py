"""How well a region's mean gray level is known, given that speckle is correlated.

Neighbouring pixels of speckle are alike, so a region of 10 000 pixels holds far fewer
independent ones. What a larger region buys is seen in the standard error alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.errors import MeasureError

if TYPE_CHECKING:
    import numpy.typing as npt

    Float = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]

MAX_LAG_PX: Final = 40
"""Largest distance of pixels that is looked at.

Our choice: 2 mm to 4 mm on usual scanners. Speckle ends long before; what is alike
over more is anatomy.
"""

CORE: Final = 0.5
"""Correlation above which pixels belong to one speckle, for its shape."""

MIN_EFFECTIVE: Final = 20.0
"""Independent pixels below which no standard error is given.

Our choice: in simulations it then scatters by more than a quarter of itself.
"""

MAX_LOST: Final = 0.7
"""Largest share of the variance of a mean that the removed plane may have taken."""

MAX_WINDOW_PX: Final = 4_000_000
"""Largest window that is computed, since its transforms need memory."""

_FEW: Final = "the ROI holds too few independent speckles for a standard error"
_CONSTANT: Final = "undefined where all pixels have the same gray level"
_LARGE: Final = "the ROI is too large for a standard error"


@dataclass(frozen=True, slots=True)
class StandardError:
    """Standard error of the mean gray level of a region.

    Attributes
    ----------
    value : float
        Standard error in gray levels; NaN where it cannot be told (see `reason`).
    n : int
        Number of pixels.
    n_effective : float
        Number of independent pixels that would give the same standard error; NaN
        where it cannot be told.
    correlation_area_px : float
        Pixels that count as one, ``n / n_effective``.
    reason : str
        Why `value` is NaN, or why it is a lower limit; empty else.
    max_lag_px : int
        Largest distance of pixels that was looked at.
    """

    value: float
    n: int
    n_effective: float
    correlation_area_px: float
    reason: str = ""
    max_lag_px: int = MAX_LAG_PX

    def method(self) -> dict[str, Any]:
        """Return how it was computed, for the column ``method``."""
        return {
            "rule": "speckle correlation",
            "trend": "plane removed",
            "truncation": "first ring with a mean correlation of 0 or less",
            "max_lag_px": self.max_lag_px,
        }


def standard_error_of_mean(
    gray: npt.NDArray[np.uint8], mask: Mask, *, max_lag: int = MAX_LAG_PX
) -> StandardError:
    r"""Return the standard error of the mean gray level of a region.

    With the SD :math:`s`, the number :math:`N(h)` of pairs of pixels inside the region
    at the lag :math:`h`, and their correlation :math:`\rho(h)`:

    .. math::
       \mathrm{SE} = \frac{s}{\sqrt{n_\mathrm{eff}}},\qquad
       n_\mathrm{eff} = \frac{n}{\sum_{h \in H} \frac{N(h)}{n}\,\rho(h)} .

    It tells how much the mean would vary if the same tissue were drawn again in other
    speckle. How patients, probe positions and readers vary it does not tell.

    Parameters
    ----------
    gray : ndarray of uint8, shape (depth, lateral)
        Gray levels; a region's window suffices.
    mask : ndarray of bool, same shape
        Pixels of the region. Pairs count only with both pixels inside.
    max_lag : int, default: 40
        Largest lag in px along either axis, at least 1.

    Returns
    -------
    StandardError
        In gray levels. NaN with a reason where all pixels are alike, fewer than
        `MIN_EFFECTIVE` independent ones remain, or the window exceeds
        `MAX_WINDOW_PX`. Where `max_lag` cut the sum short, the reason says so.

    Raises
    ------
    MeasureError
        If `gray` is not uint8, the shapes differ, the mask is empty or the lag is
        none.

    Notes
    -----
    A plane is taken off the gray levels first, so that a slope from attenuation does
    not count as correlation. Over all lags the estimated correlations would sum to 0,
    hence the sum ends where they first do (the *first transit through zero* of Zięba
    and Ramza): the lags :math:`H` lie within an ellipse shaped like the core of the
    correlation (:math:`\rho \ge 0.5`), up to the first elliptic ring whose mean is
    not positive. Rings make the rule hold for oblique fibres, and they are wide enough
    that noise does not stretch it. What mean and plane took from the sum is given
    back: with their modes :math:`\varphi_k`, :math:`\sum \varphi_k^2 = n`, the
    variance of the mean is divided by
    :math:`1 - n^{-2} \sum_k \sum_{i - j \in H} \varphi_k(i)\,\varphi_k(j)`.

    References
    ----------
    Bayley GV, Hammersley JM. The "effective" number of independent observations in an
    autocorrelated time series. Suppl J R Stat Soc 1946;8:184. doi:10.2307/2983560.
    Zięba A, Ramza P. Standard deviation of the mean of autocorrelated observations
    estimated with the use of the autocorrelation function estimated from the data.
    Metrol Meas Syst 2011;18:529. doi:10.2478/v10178-011-0052-x. Wagner RF, Insana MF,
    Brown DG. Statistical properties of radio-frequency and envelope-detected signals
    with applications to medical ultrasound. J Opt Soc Am A 1987;4:910.
    doi:10.1364/JOSAA.4.000910

    Examples
    --------
    Pixels in blocks of 3 × 3 that are alike count as one:

    >>> import numpy as np
    >>> noise = np.random.default_rng(1).integers(60, 140, (40, 60), np.uint8)
    >>> gray = noise.repeat(3, axis=0).repeat(3, axis=1)
    >>> error = standard_error_of_mean(gray, np.ones(gray.shape, bool))
    >>> error.n, round(error.correlation_area_px)
    (21600, 9)
    """
    _check(gray, mask, max_lag)
    n = int(np.count_nonzero(mask))
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    box = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    gray, mask = gray[box], np.asarray(mask[box], np.bool_)
    if mask.size > MAX_WINDOW_PX:
        return _refused(n, max_lag, f"{_LARGE} ({mask.size} px)")
    values = gray[mask]
    if values.min() == values.max():
        return _refused(n, max_lag, _CONSTANT)
    residual, slopes = _without_plane(values, mask)
    if not (residual * residual).sum() > 1e-9 * n:
        return _refused(n, max_lag, _FEW)
    sums, pairs, lost = _lag_sums(mask, residual, slopes, max_lag)
    inside, cut = _correlated_lags(sums, pairs)
    kept = 1.0 - float(lost[inside].sum()) / n**2
    variance = float(sums[inside].sum()) / n**2 / kept if kept >= 1 - MAX_LOST else 0.0
    centre = (sums.shape[0] // 2, sums.shape[1] // 2)
    spread = float(sums[centre]) / n + variance
    if not variance > 0 or spread / variance < MIN_EFFECTIVE:
        return _refused(n, max_lag, _FEW)
    reason = ""
    if cut:
        reason = f"gray levels are alike beyond {max_lag} px, so it is a lower limit"
    effective = min(spread / variance, float(n))
    return StandardError(
        math.sqrt(variance), n, effective, n / effective, reason, max_lag
    )


def relative_gain(se: float, n: int, area_factor: float = 2.0) -> float:
    r"""Return the standard error that a region of another area would have.

    .. math:: \mathrm{SE}' = \mathrm{SE} / \sqrt{a}

    Parameters
    ----------
    se : float
        Standard error of the region as it is, in gray levels; NaN stays NaN.
    n : int
        Its number of pixels, at least 1.
    area_factor : float, default: 2
        Area of the other region divided by that of this one, > 0.

    Returns
    -------
    float
        Standard error in gray levels, of tissue of the same kind.

    Raises
    ------
    MeasureError
        If the factor is not positive or leaves less than a pixel.

    Examples
    --------
    >>> round(relative_gain(2.0, 5000), 2)
    1.41
    """
    if not (math.isfinite(area_factor) and area_factor > 0 and n * area_factor >= 1):
        raise MeasureError(
            f"A region of {n} px cannot become {area_factor:g} times as large; give a "
            "positive factor that leaves a pixel."
        )
    return se / math.sqrt(area_factor)


def _check(gray: npt.NDArray[np.uint8], mask: Mask, max_lag: int) -> None:
    if gray.dtype != np.uint8:
        raise MeasureError(
            f"A standard error needs 8-bit gray levels, not {gray.dtype}; convert the "
            "image to 8 bits first."
        )
    if gray.shape != mask.shape or gray.ndim != 2:
        raise MeasureError(
            f"The image has shape {gray.shape} and the mask {mask.shape}; both must "
            "be the same (depth, lateral)."
        )
    if max_lag < 1:
        raise MeasureError(f"The largest lag is {max_lag} px; give at least 1.")
    if not mask.any():
        raise MeasureError("The region covers 0 pixels; draw it inside the image.")


def _refused(n: int, max_lag: int, reason: str) -> StandardError:
    return StandardError(math.nan, n, math.nan, math.nan, reason, max_lag)


def _without_plane(
    values: npt.NDArray[np.uint8], mask: Mask
) -> tuple[Float, list[Float]]:
    """Return the values less mean and slope, and the slopes as orthonormal modes."""
    gray = values.astype(np.float64)
    residual = gray - gray.mean()
    modes: list[Float] = []
    for place in np.nonzero(mask):
        mode = place - place.mean()
        for other in modes:
            mode -= other * (mode @ other / len(mode))
        size = math.sqrt(float(mode @ mode) / len(mode))
        # A line of pixels has no slope across it.
        if size > 1e-6:
            mode /= size
            residual -= mode * (residual @ mode / len(mode))
            modes.append(mode)
    return residual, modes


def _lag_sums(
    mask: Mask, residual: Float, slopes: list[Float], max_lag: int
) -> tuple[Float, Float, Float]:
    """Return for each lag the sum of products, of pairs, and of what was removed."""
    from scipy import fft

    reach = [min(max_lag, extent - 1) for extent in mask.shape]
    padded = [
        fft.next_fast_len(extent + lag, real=True)
        for extent, lag in zip(mask.shape, reach, strict=True)
    ]
    lags = np.ix_(*(np.arange(-lag, lag + 1) for lag in reach))

    def power(values: Float) -> Float:
        field = np.zeros(mask.shape)
        field[mask] = values
        spectrum = fft.rfft2(field, padded)
        return np.asarray(spectrum.real**2 + spectrum.imag**2)

    def correlation(spectrum: Float) -> Float:
        return np.asarray(fft.irfft2(spectrum, padded)[lags])

    ones = power(np.ones(len(residual)))
    removed = sum((power(mode) for mode in slopes), start=ones)
    pairs = np.rint(correlation(ones))
    return correlation(power(residual)), pairs, correlation(removed)


def _correlated_lags(sums: Float, pairs: Float) -> tuple[Mask, bool]:
    """Return the lags within the first ring without correlation, and if none is."""
    from scipy import ndimage

    reach = [extent // 2 for extent in sums.shape]
    y, x = (np.arange(-lag, lag + 1, dtype=np.float64) for lag in reach)
    y = y[:, None]
    centre = (reach[0], reach[1])
    rho = sums / np.maximum(pairs, 1.0) * (pairs[centre] / sums[centre])
    pieces, _ = ndimage.label(rho >= CORE)
    core = np.where(pieces == pieces[centre], rho, 0.0)
    core /= core.sum()
    # A pixel has an extent of its own: without it white noise had no shape.
    yy = float((core * y * y).sum()) + 1 / 12
    xx = float((core * x * x).sum()) + 1 / 12
    yx = float((core * y * x).sum())
    determinant = yy * xx - yx * yx
    narrow = (yy + xx) / 2 - math.hypot((yy - xx) / 2, yx)
    square = (xx * y * y - 2 * yx * y * x + yy * x * x) / determinant
    ring = np.rint(np.sqrt(np.maximum(square * narrow, 0.0))).astype(np.intp)
    ended = np.flatnonzero(np.bincount(ring.ravel(), sums.ravel()) <= 0)
    if not len(ended):
        return np.ones(sums.shape, np.bool_), True
    return np.asarray(ring < ended[0]), False
