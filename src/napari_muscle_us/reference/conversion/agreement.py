"""Agreement of two methods of measurement (Bland and Altman)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.conversion.method_line import checked_pairs

if TYPE_CHECKING:
    from napari_muscle_us.reference.conversion.method_line import Floats, Values


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far two methods differ: the differences ``y − x``.

    Attributes
    ----------
    n : int
        Pairs.
    bias, sd : float
        Mean and SD (n − 1) of the differences.
    limits : tuple of float
        Limits of agreement, ``bias ∓ multiplier · sd``.
    bias_se, limit_se : float
        Standard errors of the bias, and of a limit (1999).
    limit_se_1986 : float
        That of a limit by the older, rounder rule √(3 sd² / n).
    bias_interval : tuple of float
        Confidence interval of the bias, with t.
    lower_interval, upper_interval : tuple of float
        Exact confidence intervals of the limits, by the non-central t.
    lower_interval_approximate, upper_interval_approximate : tuple of float
        The same from `limit_se` and t.
    proportional_slope : float
        Slope of the differences on the means of the pairs.
    proportional_interval : tuple of float
        Its confidence interval.
    proportional_p : float
        Of a slope of 0: whether the difference changes with the level.
    multiplier, level : float
        Of the limits (1.96) and of the intervals (0.95).
    """

    n: int
    bias: float
    sd: float
    limits: tuple[float, float]
    bias_se: float
    limit_se: float
    limit_se_1986: float
    bias_interval: tuple[float, float]
    lower_interval: tuple[float, float]
    upper_interval: tuple[float, float]
    lower_interval_approximate: tuple[float, float]
    upper_interval_approximate: tuple[float, float]
    proportional_slope: float
    proportional_interval: tuple[float, float]
    proportional_p: float
    multiplier: float
    level: float

    def words(self, unit: str = "gray level") -> str:
        """Return the agreement in a sentence."""
        units = "gray levels" if unit == "gray level" else unit
        # No minus before a zero.
        bias, low, high = (round(v, 1) + 0.0 for v in (self.bias, *self.limits))
        return (
            f"The difference is {bias:+.1f} {units} on average, and for 95 % of "
            f"the pairs between {low:+.1f} and {high:+.1f} (n = {self.n})."
        )


def limits_of_agreement(
    x: Values, y: Values, *, multiplier: float = 1.96, level: float = 0.95
) -> Agreement:
    r"""Return bias and limits of agreement of y with x.

    With the mean :math:`\bar d` and SD :math:`s` of the differences
    :math:`d = y - x`:

    .. math::
       \mathrm{LoA} = \bar d \mp z s, \qquad
       \mathrm{SE}(\mathrm{LoA}) = s \sqrt{\frac{1}{n} + \frac{z^2}{2 (n - 1)}}

    The exact interval of a limit has the ends :math:`\bar d + t' s / \sqrt n` with
    quantiles :math:`t'` of the non-central t with :math:`n - 1` degrees of freedom
    and non-centrality :math:`\mp z \sqrt n`.

    Parameters
    ----------
    x, y : array-like of float, shape (n,)
        Values of the same things by two methods, in the same unit.
    multiplier : float, default: 1.96
        :math:`z`, the SDs to a limit.
    level : float, default: 0.95
        Of the intervals.

    Returns
    -------
    Agreement
        Never NaN.

    Raises
    ------
    ReferenceSetError
        If a value is not finite, there are fewer than 3 pairs, or all values of a
        method are the same.

    Notes
    -----
    All intervals take each pair as independent. With several muscles a person they
    are too narrow; the limits themselves hold.

    References
    ----------
    Bland JM, Altman DG. Statistical methods for assessing agreement between two
    methods of clinical measurement. Lancet 1986;i:307.
    doi:10.1016/S0140-6736(86)90837-8. Bland JM, Altman DG. Measuring agreement in
    method comparison studies. Stat Methods Med Res 1999;8:135.
    doi:10.1177/096228029900800204. Carkeet A. Exact parametric confidence intervals
    for Bland–Altman limits of agreement. Optom Vis Sci 2015;92:e71.
    doi:10.1097/OPX.0000000000000513

    Examples
    --------
    >>> found = limits_of_agreement([10, 20, 30, 40], [11, 23, 32, 42])
    >>> found.bias, [round(limit, 2) for limit in found.limits]
    (2.0, [0.4, 3.6])
    """
    from scipy.special import nctdtrit, stdtrit

    if not (math.isfinite(multiplier) and multiplier > 0 and 0.5 <= level < 1):
        raise ReferenceSetError(
            f"Limits at {multiplier:g} SD with intervals of level {level:g} do not "
            "exist; use 1.96 and 0.95."
        )
    x, y = checked_pairs(x, y, "deming")
    n, difference = len(x), y - x
    bias, sd = float(difference.mean()), float(difference.std(ddof=1))
    t = float(stdtrit(n - 1, (1 + level) / 2))
    bias_se = sd / math.sqrt(n)
    limit_se = sd * math.sqrt(1 / n + multiplier**2 / (2 * (n - 1)))
    upper = [
        float(nctdtrit(n - 1, multiplier * math.sqrt(n), share)) * bias_se
        for share in ((1 - level) / 2, (1 + level) / 2)
    ]
    limits = (bias - multiplier * sd, bias + multiplier * sd)
    slope, half, p_value = _proportional((x + y) / 2, difference, level)
    return Agreement(
        n=n,
        bias=bias,
        sd=sd,
        limits=limits,
        bias_se=bias_se,
        limit_se=limit_se,
        limit_se_1986=sd * math.sqrt(3 / n),
        bias_interval=(bias - t * bias_se, bias + t * bias_se),
        lower_interval=(bias - upper[1], bias - upper[0]),
        upper_interval=(bias + upper[0], bias + upper[1]),
        lower_interval_approximate=(limits[0] - t * limit_se, limits[0] + t * limit_se),
        upper_interval_approximate=(limits[1] - t * limit_se, limits[1] + t * limit_se),
        proportional_slope=slope,
        proportional_interval=(slope - half, slope + half),
        proportional_p=p_value,
        multiplier=multiplier,
        level=level,
    )


def _proportional(
    mean: Floats,
    difference: Floats,
    level: float,
) -> tuple[float, float, float]:
    """Return slope, half its interval, and p of the differences on the means."""
    from scipy.special import stdtr, stdtrit

    n, off = len(mean), mean - mean.mean()
    size = float(off @ off)
    if not size > 0:
        raise ReferenceSetError(
            f"All {n} pairs have the mean {mean[0]:g}; agreement needs muscles that "
            "differ."
        )
    slope = float(off @ difference) / size
    rest = difference - difference.mean() - slope * off
    error = math.sqrt(float(rest @ rest) / (n - 2) / size)
    half = float(stdtrit(n - 2, (1 + level) / 2)) * error
    if error == 0:
        return slope, half, 1.0 if slope == 0 else 0.0
    return slope, half, 2 * float(stdtr(n - 2, -abs(slope) / error))
