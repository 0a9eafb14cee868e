"""The likelihood of L, M and S along a covariate, and where it is largest."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.reference.kinds.power import box_cox

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

LARGEST_POWER: Final = 20.0
"""|L| beyond which no fit is taken: there the likelihood has no true maximum."""

LARGEST_BEND: Final = 0.5
"""|L S| beyond which no fit is taken: there the 95 % interval has no end."""

SMALLEST_SPREAD: Final = 1e-6
"""S below which no fit is taken: there the values follow the covariate exactly."""

_ITERATIONS: Final = 200
_HALVINGS: Final = 40

TOLERANCE: Final = 1e-10
"""What a log-likelihood may be short of its maximum."""


@dataclass(frozen=True, slots=True, eq=False)
class LmsDesigns:
    """Columns of which L, ln M and ln S are sums; shape (n, columns) each."""

    power: Floats
    median: Floats
    spread: Floats

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Numbers of columns."""
        return self.power.shape[1], self.median.shape[1], self.spread.shape[1]

    def split(self, coefficients: Floats) -> tuple[Floats, Floats, Floats]:
        """Return L, ln M and ln S of each row."""
        first, second, _ = np.cumsum(self.sizes)
        return (
            self.power @ coefficients[:first],
            self.median @ coefficients[first:second],
            self.spread @ coefficients[second:],
        )


@dataclass(frozen=True, slots=True, eq=False)
class LmsMaximum:
    """Where the likelihood is largest.

    Attributes
    ----------
    coefficients : ndarray, shape (columns,)
        Of L, then of ln M, then of ln S.
    log_likelihood : float
        With all constants, of the values in their unit.
    covariance : ndarray, shape (columns, columns)
        Inverse of the expected information.
    converged : bool
        Whether it is a maximum.
    """

    coefficients: Floats
    log_likelihood: float
    covariance: Floats
    converged: bool


def natural_spline(x: Floats, knots: Floats) -> Floats:
    """Return the basis of natural cubic splines, the intercept first.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Where; beyond the outer knots the splines are straight.
    knots : ndarray, shape (k,)
        Rising, at least 2, the outer ones included.

    Returns
    -------
    ndarray, shape (n, k)
        1, x, and for each inner knot a piecewise cubic; x on the scale of 0 to 1
        between the outer knots.

    Notes
    -----
    The span is that of R's ``splines::ns`` with the same knots and an intercept.

    Examples
    --------
    >>> import numpy as np
    >>> natural_spline(np.array([0.0, 1.0, 2.0]), np.array([0.0, 2.0])).tolist()
    [[1.0, 0.0], [1.0, 0.5], [1.0, 1.0]]
    """
    low, width = knots[0], knots[-1] - knots[0]
    at, inner = (x - low) / width, (knots - low) / width

    def cubic(knot: float) -> Floats:
        bent = np.maximum(at - knot, 0) ** 3 - np.maximum(at - 1, 0) ** 3
        return np.asarray(bent / (1 - knot))

    columns = [np.ones_like(at), at]
    last = cubic(inner[-2]) if len(knots) > 2 else None
    columns += [cubic(knot) - last for knot in inner[:-2] if last is not None]
    return np.column_stack(columns)


def log_likelihood(
    values: Floats, power: Floats, log_m: Floats, log_s: Floats
) -> float:
    r"""Return the log-likelihood of values in their unit.

    .. math::
       \ell = \sum \left( L \ln\tfrac{y}{M} - \ln S - \tfrac{z^2}{2} - \ln y
       - \tfrac{1}{2} \ln 2\pi \right)
    """
    ratio = np.log(values) - log_m
    with np.errstate(all="ignore"):
        z = box_cox(ratio, power) / np.exp(log_s)
        terms = power * ratio - log_s - z**2 / 2
    constant = np.log(values).sum() + 0.5 * len(values) * np.log(2 * np.pi)
    total = float(terms.sum() - constant)
    return total if np.isfinite(total) else -np.inf


def maximise(
    values: Floats,
    designs: LmsDesigns,
    *,
    start: Floats | None = None,
    tolerance: float = TOLERANCE,
) -> LmsMaximum:
    """Return where the likelihood of L, M and S is largest, by Fisher scoring.

    Parameters
    ----------
    values : ndarray, shape (n,)
        Above 0.
    designs : LmsDesigns
        Of full column rank; the first columns are the intercepts.
    start : ndarray, optional
        Coefficients to start from; else L = 1, least squares and constant S.
    tolerance : float
        What the log-likelihood may be short of its maximum, about.

    References
    ----------
    Cole TJ, Green PJ. Smoothing reference centile curves: the LMS method and penalized
    likelihood. Stat Med 1992;11:1305. doi:10.1002/sim.4780111005
    """
    at = _start(values, designs) if start is None else start
    top = log_likelihood(values, *designs.split(at))
    converged = False
    information = np.eye(len(at))
    for _ in range(_ITERATIONS):
        score, information = _score(values, designs, at)
        if not np.isfinite(information).all() or not np.isfinite(score).all():
            return LmsMaximum(at, top, np.eye(len(at)), False)
        step = np.asarray(np.linalg.solve(information, score), dtype=np.float64)
        # The decrement is twice what the likelihood may still rise by.
        decrement = float(score @ step)
        if decrement < tolerance:
            converged = True
            break
        at, risen = _climb(values, designs, at, step, top)
        if risen <= top:
            # What is left is rounding, or no step leads up.
            converged = decrement < 1e-5
            break
        top = risen
    converged = converged and _is_sound(values, designs, at)
    covariance = np.asarray(np.linalg.inv(information), dtype=np.float64)
    return LmsMaximum(at, top, covariance, converged)


def _is_sound(values: Floats, designs: LmsDesigns, at: Floats) -> bool:
    """Whether curves are a maximum, and have a 95 % interval at every subject.

    Beside a maximum the likelihood of a transformed normal can grow without end, where
    a value runs to the edge of what L and S allow.
    """
    power, log_m, log_s = designs.split(at)
    spread = np.exp(log_s)
    z = box_cox(np.log(values) - log_m, power) / spread
    return bool(
        np.abs(power).max() < LARGEST_POWER
        and np.abs(power * spread).max() < LARGEST_BEND
        and spread.min() > SMALLEST_SPREAD
        and abs(np.mean(z**2) - 1) < 0.01
    )


def _start(values: Floats, designs: LmsDesigns) -> Floats:
    """Return L = 1, M by least squares of the logarithms, and S constant."""
    logs = np.log(values)
    median = np.linalg.lstsq(designs.median, logs, rcond=None)[0]
    left = logs - designs.median @ median
    at = np.zeros(sum(designs.sizes))
    at[0] = 1.0
    at[designs.sizes[0] : designs.sizes[0] + len(median)] = median
    at[designs.sizes[0] + len(median)] = np.log(max(left.std(), SMALLEST_SPREAD))
    return at


def _climb(
    values: Floats, designs: LmsDesigns, at: Floats, step: Floats, top: float
) -> tuple[Floats, float]:
    """Return the first of step, its half, quarter … that leads up; else stay."""
    for halving in range(_HALVINGS):
        new = at + step / 2**halving
        risen = log_likelihood(values, *designs.split(new))
        if risen > top:
            return new, risen
    return at, top


def _score(values: Floats, designs: LmsDesigns, at: Floats) -> tuple[Floats, Floats]:
    """Return the gradient and the expected information of the coefficients."""
    power, log_m, log_s = designs.split(at)
    ratio, spread = np.log(values) - log_m, np.exp(log_s)
    with np.errstate(all="ignore"):
        z = box_cox(ratio, power) / spread
        bend = (np.exp(power * ratio) * ratio / spread - z) / power
    # Near L = 0 the quotient loses its digits; two terms of its series do not.
    series = ratio**2 / spread * (0.5 + power * ratio / 3 + (power * ratio) ** 2 / 8)
    bend = np.where(np.abs(power * ratio) < 1e-4, series, bend)
    slopes = (ratio - z * bend, z / spread + power * (z**2 - 1), z**2 - 1)
    blocks = (designs.power, designs.median, designs.spread)
    score = np.concatenate([x.T @ g for x, g in zip(blocks, slopes, strict=True)])
    # Cole and Green's expected information, for ln M and ln S in place of M and S.
    half = np.full_like(power, -0.5)
    weights = (
        (1.75 * spread**2, half, power * spread**2),
        (half, 1 / spread**2 + 2 * power**2, 2 * power),
        (power * spread**2, 2 * power, np.full_like(power, 2.0)),
    )
    ends = np.cumsum([0, *designs.sizes])
    information = np.empty((ends[-1], ends[-1]))
    for a, row in enumerate(weights):
        for b, weight in enumerate(row):
            information[ends[a] : ends[a + 1], ends[b] : ends[b + 1]] = blocks[a].T @ (
                weight[:, None] * blocks[b]
            )
    return score, information
