"""The power that makes residuals of a linear model most nearly normal (Box–Cox)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

LOWEST_POWER: Final = -3.0
HIGHEST_POWER: Final = 3.0

_STEPS: Final = 121
_NONE: Final = (float("nan"), (float("nan"), float("nan")))

# Half the 95 % quantile of χ² with 1 degree of freedom: the fall of the log-likelihood.
_FALL: Final = 1.920729410347062

# Residuals below this share of the values' spread are rounding.
_EXACT: Final = 1e-20


def box_cox_power(
    values: npt.ArrayLike, design: npt.ArrayLike
) -> tuple[float, tuple[float, float]]:
    r"""Return the Box–Cox power λ of the largest likelihood and its 95 % interval.

    With the values divided by their geometric mean, :math:`u`, and the residual sum of
    squares :math:`\mathrm{RSS}_\lambda` of the regression of
    :math:`(u^\lambda - 1) / \lambda` (:math:`\ln u` for λ = 0) on the design, the
    profile log-likelihood is

    .. math::
       \ell(\lambda) = -\tfrac{n}{2} \ln \mathrm{RSS}_\lambda .

    Its largest value in −3 … 3 is found to 1e-6, not on a grid. The interval is that of
    the likelihood ratio: all λ about it with
    :math:`\ell(\lambda) > \ell(\hat\lambda) - \chi^2_{1; 0.95} / 2`.

    Parameters
    ----------
    values : array_like, shape (n,)
        Measured values, one a subject, in their unit.
    design : array_like, shape (n, p)
        Design matrix of the covariates, with its intercept; see
        `napari_muscle_us.reference.formula.design_matrix`.

    Returns
    -------
    power : float
        λ; 1 leaves the values as they are, 0 is the logarithm. NaN where a value is not
        above 0 or a number is not finite, where there are not more values than
        coefficients, or where the model leaves no residual.
    interval : tuple of float
        Its 95 % interval; −3 or 3 where it reaches beyond. NaN where `power` is.

    References
    ----------
    Box GEP, Cox DR. An analysis of transformations. J R Stat Soc B 1964;26:211.
    doi:10.1111/j.2517-6161.1964.tb00553.x

    Examples
    --------
    >>> import numpy as np
    >>> ages = np.arange(20.0, 80.0)
    >>> scatter = 0.2 * np.sin(ages**2)
    >>> design = np.column_stack([np.ones(60), ages])
    >>> power, (low, high) = box_cox_power(np.exp(3 + ages / 50 + scatter), design)
    >>> print(f"{power:.2f} ({low:.2f} to {high:.2f})")
    -0.07 (-0.44 to 0.30)
    """
    from scipy.optimize import minimize_scalar

    y = np.asarray(values, dtype=np.float64)
    x = np.asarray(design, dtype=np.float64)
    if len(y) <= x.shape[1] or not np.isfinite(y).all() or not np.isfinite(x).all():
        return _NONE
    if np.any(y <= 0):
        return _NONE
    logs = np.log(y)
    logs -= logs.mean()
    profile = _Profile(logs, _basis(x))
    powers = np.linspace(LOWEST_POWER, HIGHEST_POWER, _STEPS)
    likelihood = np.array([profile(power) for power in powers])
    if not np.isfinite(likelihood).all():
        return _NONE
    best = int(np.argmax(likelihood))
    found = minimize_scalar(
        lambda power: -profile(power),
        bounds=(powers[max(best - 1, 0)], powers[min(best + 1, _STEPS - 1)]),
        method="bounded",
        options={"xatol": 1e-9},
    )
    power, top = float(found.x), -float(found.fun)
    if likelihood[best] >= top:
        power, top = float(powers[best]), float(likelihood[best])
    low = _crossing(profile, powers[powers < power][::-1], power, top - _FALL)
    high = _crossing(profile, powers[powers > power], power, top - _FALL)
    return power, (low, high)


def _basis(design: Floats) -> Floats:
    """Return an orthonormal basis of the columns, whatever their scale and rank."""
    size = np.linalg.norm(design, axis=0)
    scaled = design / np.where(size > 0, size, 1)
    left, strength, _ = np.linalg.svd(scaled, full_matrices=False)
    kept = strength > strength.max(initial=0) * len(design) * np.finfo(float).eps
    return np.asarray(left[:, kept])


class _Profile:
    """The profile log-likelihood, up to a constant."""

    def __init__(self, logs: Floats, basis: Floats) -> None:
        self.logs = logs
        self.basis = basis

    def __call__(self, power: float) -> float:
        """Return it at a power; NaN where the model leaves no residual."""
        shown = np.expm1(power * self.logs) / power if power else self.logs
        centred = shown - shown.mean()
        residual = shown - self.basis @ (self.basis.T @ shown)
        # A second projection takes away what rounding left of the first.
        residual -= self.basis @ (self.basis.T @ residual)
        rss = float(residual @ residual)
        if rss <= _EXACT * float(centred @ centred):
            return float("nan")
        return -0.5 * len(shown) * float(np.log(rss))


def _crossing(profile: _Profile, powers: Floats, start: float, level: float) -> float:
    """Return where the profile first falls to a level on the way through powers."""
    from scipy.optimize import brentq

    before = start
    for power in powers:
        if profile(power) < level:
            return float(
                brentq(lambda at: profile(at) - level, before, power, xtol=1e-10)
            )
        before = float(power)
    return before
