"""Correlation along lines that are longer than the speckle is wide.

A gray level is compared with those some speckle sizes away, in every direction: echoes
of one fascicle are alike over a long way, those of speckle are not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Float = npt.NDArray[np.float32]
    Double = npt.NDArray[np.float64]

BACKGROUND: Final = 5.0
"""SD of the window of the local mean and contrast, in speckle sizes. Our choice."""

FIRST_LAG: Final = 5.0
"""Least distance at which echoes are compared, in speckle sizes. Our choice."""

FIRST_LAG_WIDTHS: Final = 4.0
"""The same in lateral half-widths of the whitened speckle, where that is more."""

MOST_FIRST_LAG: Final = 10.0
"""That lag at most, in speckle sizes: long level lines are wide, too. Our choice."""

LAG_RATIO: Final = 3.0
"""Largest distance at which echoes are compared, of the least. Our choice."""

WHITE_FLOOR: Final = 0.03
"""Lateral power, of its maximum, that is no more amplified. Our choice."""

FLAT_FLOOR: Final = 0.25
"""Least local contrast, of that of the ROI, that is made equal. Our choice."""

DIRECTIONS_DEG: Final = np.arange(-89.0, 91.0)
"""Directions that are tried, degrees."""

_FIRST_WINDOW: Final = 1 / 20
_WINDOW_ROUNDS: Final = 3
_SPECTRUM_SMOOTHING: Final = 0.01
_BOXES: Final = 3
_MOST_WIDTH: Final = 200
_LEVEL_LAGS: Final = (12.0, 20.0)
_LEAST_PEAK: Final = 0.2


@dataclass(frozen=True, slots=True)
class WhitenedEchoes:
    """Gray levels of an ROI's bounding box without background, contrast and blur.

    Lengths are in rows (axial pixels); a column is `column_per_row` rows wide.
    `speckle_width` is the lateral half-width before whitening, without what long level
    lines add to it.
    """

    values: Float
    inside: Float
    speckle_size: float
    speckle_width: float
    first_lag: float
    column_per_row: float

    @property
    def last_lag(self) -> float:
        """Largest distance at which echoes are compared, in rows."""
        return LAG_RATIO * self.first_lag


def whiten_echoes(
    gray: Float, inside: Float, column_per_row: float
) -> WhitenedEchoes | None:
    """Return the echoes of a cropped ROI, whitened; None without any contrast."""
    window = max(2.0, _FIRST_WINDOW * len(gray))
    size = 0.0
    for _ in range(_WINDOW_ROUNDS):
        flat = _without_background(gray, inside, window, column_per_row)
        size = min(
            _half_width(flat, inside, axis=0),
            _half_width(flat, inside, axis=1) * column_per_row,
        )
        if not np.isfinite(size):
            return None
        # Finer than a pixel, echoes are not told apart, either way.
        size = max(size, 1.0, column_per_row)
        window = max(2.0, BACKGROUND * size)
    mean_free = _without_background(gray, inside, window, column_per_row)
    flat = _equal_contrast(mean_free, inside, window, column_per_row)
    beam = _half_width(flat, inside, axis=1, level=_level_lags(size, column_per_row))
    white = _whiten_laterally(flat, inside)
    width = _half_width(white, inside, axis=1) * column_per_row
    first = max(FIRST_LAG, min(FIRST_LAG_WIDTHS * width / size, MOST_FIRST_LAG)) * size
    return WhitenedEchoes(
        white, inside, size, beam * column_per_row, first, column_per_row
    )


def count_pairs(
    inside: Float, echoes: WhitenedEchoes, lags: Double | None = None
) -> Double:
    """Return how many pairs of pixels inside lie along each of `DIRECTIONS_DEG`.

    At the distances `lags`, by default at all that are compared.
    """
    return _line_sums(inside, echoes, _lags(echoes) if lags is None else lags)


def line_correlation(
    values: Float,
    n_inside: float,
    pairs: Double,
    echoes: WhitenedEchoes,
    lags: Double | None = None,
) -> Double | None:
    """Return the mean correlation along each of `DIRECTIONS_DEG`; None without echoes.

    Both ends of every pair lie inside: `values` is zero elsewhere. `pairs` are those
    at the same `lags`.
    """
    power = float(np.vdot(values, values))
    if not power > 0:
        return None
    lags = _lags(echoes) if lags is None else lags
    # A direction with fewer pairs than a speckle has pixels says nothing.
    enough = pairs > lags.size * echoes.speckle_size**2
    sums = _line_sums(values, echoes, lags)
    mean = np.where(enough, sums / np.maximum(pairs, 1.0), 0.0)
    result: Double = mean * (n_inside / power)
    return result


def persistence(echoes: WhitenedEchoes, direction_deg: float) -> float:
    """Return the correlation along a direction far away, over that near by.

    At the farthest and the nearest third of the distances that are compared, and a
    degree to either side. Lines go on; what is left of wide speckle does not.
    """
    away = np.abs((DIRECTIONS_DEG - direction_deg + 90) % 180 - 90) <= 1.5
    peaks = []
    for lags in np.array_split(_lags(echoes), 3)[::2]:
        pairs = count_pairs(echoes.inside, echoes, lags)
        n_inside = float(echoes.inside.sum())
        along = line_correlation(echoes.values, n_inside, pairs, echoes, lags)
        peaks.append(0.0 if along is None else float(along[away].max()))
    near, far = peaks
    return far / near if near > 0 else 0.0


def peak_direction(correlation: Double) -> float:
    """Return the direction of the largest correlation, in (-90, 90] degrees."""
    k = int(np.argmax(correlation))
    before, at = correlation[k - 1], correlation[k]
    after = correlation[(k + 1) % correlation.size]
    bend = before - 2 * at + after
    shift = 0.5 * (before - after) / bend if bend < 0 else 0.0
    return fold(float(DIRECTIONS_DEG[k]) + float(shift))


def fold(degrees: float) -> float:
    """Return the direction of a line in (-90, 90] degrees."""
    return 90.0 - (90.0 - degrees) % 180.0


def _lags(echoes: WhitenedEchoes) -> Double:
    """Return the distances at which echoes are compared, in rows."""
    step = max(1.0, echoes.speckle_size / 2)
    lags: Double = np.arange(echoes.first_lag, echoes.last_lag, step)
    return lags


def _line_sums(values: Float, echoes: WhitenedEchoes, lags: Double) -> Double:
    """Return, per direction, the sum of products of pixels at the compared distances.

    The transform counts the products at all lags at once; zeros beside the picture
    keep its ends from meeting.
    """
    from scipy import fft

    from napari_muscle_us.measure.anisotropy._fascicle_kernels import add_line_sums

    longest = echoes.last_lag, echoes.last_lag / echoes.column_per_row
    reach = [
        min(int(np.ceil(lag)) + 1, n)
        for lag, n in zip(longest, values.shape, strict=True)
    ]
    shape = [
        fft.next_fast_len(n + r, real=True)
        for n, r in zip(values.shape, reach, strict=True)
    ]
    spectrum = fft.rfft2(values, shape)
    power = spectrum.real**2 + spectrum.imag**2
    products = fft.irfft2(power, shape, overwrite_x=True)
    radians = np.deg2rad(DIRECTIONS_DEG)
    sums = np.zeros(radians.size)
    add_line_sums(
        products,
        lags,
        np.cos(radians),
        np.sin(radians),
        echoes.column_per_row,
        (reach[0], reach[1]),
        sums,
    )
    return sums


def _blur(values: Float, window: float, column_per_row: float) -> Float:
    """Return `values` smoothed by nearly a Gaussian of SD `window`, zero outside."""
    from napari_muscle_us.measure.anisotropy._fascicle_kernels import box_blur

    out = np.empty_like(values)
    down, right = (
        max(1, round((np.sqrt(12 * w**2 / _BOXES + 1) - 1) / 2))
        for w in (window, window / column_per_row)
    )
    box_blur(values, down, right, _BOXES, out)
    return out


def _local_mean(
    values: Float, inside: Float, window: float, column_per_row: float
) -> Float:
    """Return the mean over a window of the pixels inside."""
    weight = np.maximum(_blur(inside, window, column_per_row), np.float32(1e-6))
    result: Float = np.divide(
        _blur(values, window, column_per_row), weight, dtype=np.float32
    )
    return result


def _without_background(
    gray: Float, inside: Float, window: float, column_per_row: float
) -> Float:
    """Return the gray levels less their local mean; zero outside."""
    mean = _local_mean(gray * inside, inside, window, column_per_row)
    result: Float = (gray - mean) * inside
    return result


def _equal_contrast(
    values: Float, inside: Float, window: float, column_per_row: float
) -> Float:
    """Return `values` over their local SD, so that bright tissue does not outweigh."""
    squares = values * values
    floor = np.float32(FLAT_FLOOR**2 * float(squares.sum()) / float(inside.sum()))
    local = _local_mean(squares, inside, 2 * window, column_per_row)
    contrast = np.sqrt(np.maximum(local, np.float32(0)) + floor)
    result: Float = np.divide(values, contrast, dtype=np.float32)
    return result


def _level_lags(size: float, column_per_row: float) -> range:
    """Return the columns of lags at which level lines alone still correlate."""
    first, last = (n * size / column_per_row for n in _LEVEL_LAGS)
    return range(round(first), max(round(last), round(first) + 1))


def _half_width(
    values: Float, inside: Float, axis: int, level: range = range(0)
) -> float:
    """Return the lag at which the correlation falls to one half; infinite if not.

    Noise of single pixels adds to lag 0 alone. The value there is therefore that of
    the parabola through lags 1 and 2. One half is halfway down to the mean at the lags
    `level`, where that is above 0 and the picture is wide enough.
    """
    from napari_muscle_us.measure.anisotropy._fascicle_kernels import mean_product

    def correlation(lag: int) -> float:
        down, right = (lag, 0) if axis == 0 else (0, lag)
        return float(mean_product(values, inside, down, right)) / power

    length = min(values.shape[axis], _MOST_WIDTH)
    power = float(mean_product(values, inside, 0, 0))
    if not power > 0 or length < 3:
        return float("inf")
    first, second = correlation(1), correlation(2)
    peak = min(1.0, max(_LEAST_PEAK, first + max(0.0, first - second) / 3))
    floor = 0.0
    if level and level.stop <= length:
        floor = max(0.0, float(np.mean([correlation(lag) for lag in level])))
    half = (peak + floor) / 2
    before = peak
    for lag in range(1, length):
        after = correlation(lag)
        if after < half:
            return lag - 1 + (before - half) / (before - after)
        before = after
    return float("inf")


def _whiten_laterally(values: Float, inside: Float) -> Float:
    """Return `values` with the lateral power spectrum made flat; zero outside.

    The beam smears every echo sideways, whatever the tissue's direction. The spectrum
    of all rows together is the beam's, since fascicles cross the rows everywhere.
    """
    from scipy import fft, ndimage

    columns = values.shape[1]
    length = fft.next_fast_len(2 * columns, real=True)
    spectrum = fft.rfft(values, length, axis=1)
    power = (spectrum.real**2 + spectrum.imag**2).sum(axis=0, dtype=np.float64)
    power = ndimage.gaussian_filter1d(power, _SPECTRUM_SMOOTHING * length)
    if not power.max() > 0:
        return values
    gain = 1 / np.sqrt(power / power.max() + WHITE_FLOOR)
    spectrum *= gain.astype(np.float32)
    white = fft.irfft(spectrum, length, axis=1, overwrite_x=True)[:, :columns]
    result: Float = np.ascontiguousarray(white * inside)
    return result
