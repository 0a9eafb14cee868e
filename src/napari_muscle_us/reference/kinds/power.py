"""Powers near 0 without loss of digits, for Box–Cox scales and LMS curves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from napari_muscle_us.reference.kinds.base import Floats


def box_cox(logarithm: Floats, power: Floats) -> Floats:
    r"""Return :math:`(r^\lambda - 1) / \lambda`, or :math:`\ln r` at a power of 0.

    Parameters
    ----------
    logarithm : ndarray of float64
        Natural logarithm of the ratio r.
    power : ndarray of float64
        λ; may be 0 or as small as wished.

    Returns
    -------
    ndarray of float64
        Infinite where it is too large, NaN where an argument is NaN.

    Examples
    --------
    >>> import numpy as np
    >>> box_cox(np.log([2.0, 2.0]), np.array([2.0, 0.0])).round(6)
    array([1.5     , 0.693147])
    """
    with np.errstate(all="ignore"):
        exponent = logarithm * power
        bent = logarithm * np.expm1(exponent) / exponent
        return np.where(exponent == 0, logarithm, bent)


def inverse_box_cox(value: Floats, power: Floats) -> Floats:
    r"""Return the logarithm of the ratio of which `box_cox` is `value`.

    Parameters
    ----------
    value : ndarray of float64
        As from `box_cox`.
    power : ndarray of float64
        λ.

    Returns
    -------
    ndarray of float64
        :math:`\ln (1 + \lambda v) / \lambda`; NaN where no ratio gives `value`.

    Examples
    --------
    >>> import numpy as np
    >>> inverse_box_cox(np.array([1.5, -2.0]), np.array([2.0, 1.0])).round(6)
    array([0.693147,      nan])
    """
    with np.errstate(all="ignore"):
        inner = value * power
        straight = value * np.log1p(np.where(inner > -1, inner, np.nan)) / inner
        return np.where(inner == 0, value, straight)
