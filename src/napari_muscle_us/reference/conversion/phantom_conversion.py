"""A conversion from the gray levels of one phantom on two devices."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.conversion.device_conversion import DeviceConversion
from napari_muscle_us.reference.parts import Span

if TYPE_CHECKING:
    from napari_muscle_us.reference.conversion.method_line import Floats, Values
    from napari_muscle_us.reference.parts import DeviceBinding

MAX_TARGETS: Final = 1000
_ENDS: Final = 0.975


def phantom_conversion(
    contrast: Values,
    gray_source: Values,
    gray_target: Values,
    *,
    source: DeviceBinding,
    target: DeviceBinding,
    name: str,
    title: str,
    citation: str,
    licence: str,
    author: str,
    date: str,
    residual_sd: float | None = None,
) -> DeviceConversion:
    r"""Return a conversion from the targets of a phantom.

    The gray levels of each device are fitted to the known contrast,
    :math:`g = a + b c`; a value x of the source then becomes

    .. math::
       y = \frac{x - a_s}{b_s}\, b_t + a_t

    Parameters
    ----------
    contrast : array-like of float, shape (n,)
        Contrast of each target, as the maker of the phantom states it, such as in dB.
    gray_source, gray_target : array-like of float, shape (n,)
        Mean gray level of each target on the two devices.
    source, target : DeviceBinding
        The devices, with the settings that the phantom was scanned with.
    name, title, citation, licence, author, date : str
        For the file; see `DeviceConversion`.
    residual_sd : float, optional
        Scatter of muscles about the line, in gray levels of the source, where it is
        known. Without it that of the targets is taken, which needs 4 targets.

    Returns
    -------
    DeviceConversion
        With ``method="phantom"``.

    Raises
    ------
    ReferenceSetError
        If there are fewer than 2 targets, a number is not finite, contrasts are the
        same, a gray level is black (0) or white (255), gray does not rise with
        contrast, or the error of the conversion cannot be told.

    Notes
    -----
    A phantom does not scatter as muscles do: two muscles of the same gray level on
    the source may differ on the target. Z-scores through such a conversion carry too
    small an error, unless `residual_sd` comes from people.

    Examples
    --------
    >>> from napari_muscle_us.reference.parts import DeviceBinding
    >>> conversion = phantom_conversion(
    ...     [-6, -3, 0, 3],
    ...     [60, 81, 100, 121],
    ...     [40, 50, 61, 70],
    ...     source=DeviceBinding(manufacturer="Maker", models=("A",)),
    ...     target=DeviceBinding(manufacturer="Maker", models=("B",)),
    ...     name="a-to-b",
    ...     title="A to B",
    ...     citation="Own phantom",
    ...     licence="CC0-1.0",
    ...     author="Our laboratory",
    ...     date="2026-11-23",
    ... )
    >>> round(conversion.convert(100.0), 1)
    60.0
    """
    c, x, y = _checked(contrast, gray_source, gray_target)
    n = len(c)
    (a_s, b_s), (a_t, b_t) = (_rising(c, gray) for gray in (x, y))
    slope = b_t / b_s
    intercept = a_t - a_s * slope
    rest = y - intercept - slope * x
    if residual_sd is not None:
        if not (math.isfinite(residual_sd) and residual_sd > 0):
            raise ReferenceSetError(
                f"The scatter {residual_sd:g} of muscles about the line is not above "
                "0; give that of people measured on both devices."
            )
    elif n < 4:
        raise ReferenceSetError(
            f"{n} targets do not tell the error of the conversion; measure at least 4, "
            "or give the scatter of muscles about the line (residual_sd)."
        )
    else:
        residual_sd = math.sqrt(float(rest @ rest) / (n - 2)) / slope
        if not residual_sd > 1e-9 * float(x.max()):
            raise ReferenceSetError(
                f"The {n} targets lie exactly on a line, which measured ones never do; "
                "check the gray levels, or give the scatter of muscles (residual_sd)."
            )
    covariance = _covariance(x, slope * residual_sd)
    half = _half(n) * np.sqrt(np.diag(covariance))
    if slope <= half[1]:
        raise ReferenceSetError(
            f"The slope {slope:.3g} from {n} targets is uncertain by {half[1]:.3g}; "
            "measure more targets of more contrast."
        )
    zero = -intercept / slope
    zero_half = float(half[0]) / slope + abs(zero) * float(half[1]) / slope
    return DeviceConversion(
        name=name,
        title=title,
        citation=citation,
        licence=licence,
        author=author,
        date=date,
        source=source,
        target=target,
        method="phantom",
        slope=slope,
        intercept=intercept,
        slope_interval=(slope - float(half[1]), slope + float(half[1])),
        intercept_interval=(intercept - float(half[0]), intercept + float(half[0])),
        zero_interval=(zero - zero_half, zero + zero_half),
        covariance=(
            (float(covariance[0, 0]), float(covariance[0, 1])),
            (float(covariance[1, 0]), float(covariance[1, 1])),
        ),
        residual_sd=residual_sd,
        n_pairs=n,
        n_subjects=0,
        source_range=Span(low=float(x.min()), high=float(x.max())),
        remark="From a phantom; muscles in people may scatter more about the line.",
    )


def _checked(*columns: Values) -> tuple[Floats, Floats, Floats]:
    c, x, y = (np.asarray(column, dtype=np.float64) for column in columns)
    if c.ndim != 1 or not c.shape == x.shape == y.shape or len(c) > MAX_TARGETS:
        raise ReferenceSetError(
            f"The columns have the shapes {c.shape}, {x.shape} and {y.shape}; give "
            "contrast and both gray levels of each target."
        )
    if len(c) < 2:
        raise ReferenceSetError(
            f"{len(c)} target does not make a line; measure at least 2 of different "
            "contrast."
        )
    if not np.isfinite([c, x, y]).all():
        raise ReferenceSetError(
            "A contrast or gray level of the phantom is no number; leave that target "
            "out."
        )
    if c.min() == c.max():
        raise ReferenceSetError(
            f"All {len(c)} targets have the contrast {c[0]:g}; a line needs different "
            "ones."
        )
    ends = np.concatenate([x, y])
    if ends.min() <= 0 or ends.max() >= 255:
        raise ReferenceSetError(
            f"The gray levels of the targets reach from {ends.min():g} to "
            f"{ends.max():g}; black and white ones are cut off, so leave them out."
        )
    return c, x, y


def _rising(contrast: Floats, gray: Floats) -> tuple[float, float]:
    """Return intercept and slope of gray levels on contrast, which has no error."""
    off = contrast - contrast.mean()
    slope = float(off @ gray / (off @ off))
    if not slope > 0:
        raise ReferenceSetError(
            f"The gray level changes by {slope:.3g} for each unit of contrast; it must "
            "rise, so check the order of the targets."
        )
    return float(gray.mean() - slope * contrast.mean()), slope


def _covariance(x: Floats, sd: float) -> Floats:
    """Return that of intercept and slope of a line through points at x."""
    n, off = len(x), x - x.mean()
    size = float(off @ off)
    mean = float(x.mean())
    unit = np.array([[1 / n + mean**2 / size, -mean / size], [-mean / size, 1 / size]])
    return np.asarray(sd**2 * unit)


def _half(n: int) -> float:
    """Return how many standard errors an interval reaches."""
    from scipy.special import ndtri, stdtrit

    return float(stdtrit(n - 2, _ENDS) if n > 3 else ndtri(_ENDS))
