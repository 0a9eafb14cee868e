"""Whether pairs lie along a straight line (Passing and Bablok's Cusum)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from napari_muscle_us.reference.conversion.method_line import Floats


@dataclass(frozen=True, slots=True)
class Linearity:
    """Whether the pairs lie along a line at random.

    Attributes
    ----------
    statistic : float
        Largest cumulative sum over √(L + 1), with L pairs below the line.
    p_value : float
        Of a straight line, by Kolmogorov and Smirnov.
    above, below : int
        Pairs above and below the line.
    passed : bool
        Whether nothing speaks against a straight line (p ≥ 0.05).
    words : str
        The same in a sentence.
    """

    statistic: float
    p_value: float
    above: int
    below: int
    passed: bool
    words: str


def check_linearity(
    x: Floats,
    y: Floats,
    *,
    slope: float,
    intercept: float,
    ratio: float | None = None,
) -> Linearity:
    r"""Return whether pairs above and below a line are mixed along it.

    A pair above the line scores :math:`\sqrt{L / l}`, one below
    :math:`-\sqrt{l / L}`, with :math:`l` above and :math:`L` below. The scores are
    summed along the line, in the order of :math:`\lambda x + b y`; a bent relation
    makes a long run on one side.

    Parameters
    ----------
    x, y : ndarray of float64, shape (n,)
        Pairs.
    slope, intercept : float
        Of the line; the slope is above 0.
    ratio : float, optional
        :math:`\lambda`, the error variance of y over that of x; by default slope²,
        errors in proportion to the scales.

    Returns
    -------
    Linearity
        With all pairs on one side (or on the line) there is nothing to tell: p is 1.

    Notes
    -----
    The order of 1983 is that of :math:`x + b y`. Where the errors do not have the same
    size it depends on the residuals, and straight lines fail the test; ours has no
    such correlation, and is the same for a slope and ratio of 1. In simulations the
    test doubts one straight line in ten; it is a reason to look at the plot.

    References
    ----------
    Passing H, Bablok W. J Clin Chem Clin Biochem 1983;21:709.
    doi:10.1515/cclm.1983.21.11.709

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(30.0)
    >>> check_linearity(x, (x - 15) ** 2, slope=1.0, intercept=50.0).passed
    False
    """
    from scipy.special import kolmogorov

    residual = y - intercept - slope * x
    # What is on the line but for rounding is on neither side.
    residual[np.abs(residual) <= 1e-12 * np.abs(y).max()] = 0.0
    above, below = int((residual > 0).sum()), int((residual < 0).sum())
    if not above or not below:
        statistic, p_value = 0.0, 1.0
    else:
        scores = np.select(
            [residual > 0, residual < 0],
            [np.sqrt(below / above), -np.sqrt(above / below)],
            0.0,
        )
        # A second key, so that the order of the table does not matter.
        order = np.lexsort((x, (slope**2 if ratio is None else ratio) * x + slope * y))
        reach = float(np.abs(np.cumsum(scores[order])).max())
        statistic = reach / np.sqrt(below + 1)
        p_value = float(kolmogorov(statistic))
    passed = p_value >= 0.05
    told = "nothing speaks against a straight line"
    if not passed:
        told = "the pairs do not lie along a straight line; look at the plot"
    return Linearity(
        float(statistic),
        p_value,
        above,
        below,
        passed,
        f"Cusum test of linearity: p = {p_value:.2g}, {told}.",
    )
