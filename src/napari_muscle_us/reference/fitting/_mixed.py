r"""Random-intercept models by restricted maximum likelihood, quick enough to repeat.

The values of a subject are correlated by :math:`\rho`, all else is known in closed
form; so one number is searched for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.int64]

COPIED: Final = 1e-11
"""Share of the sum of squares within subjects up to which values are copies."""

ROUNDING: Final = 1e-12
"""Part of a covariate's largest value that does not differ within a subject."""

# Shares of the variance within subjects that are tried: 1 is no correlation. By the
# share, not by 1 less the share, which has no digits left for sides nearly the same.
_GRID: Final = np.array(
    [1, 0.98, 0.94, *np.arange(0.9, 0.05, -0.1), 0.05, 0.02, 0.01, 1e-3]
)
_SMALL: Final = 10.0 ** -np.arange(3, 15)


@dataclass(frozen=True, slots=True)
class Groups:
    """Which rows belong to which subject.

    Attributes
    ----------
    of : ndarray of int64, shape (rows,)
        Number of the row's subject, from 0.
    sizes : ndarray of int64, shape (subjects,)
        Rows of each subject.
    """

    of: Integers
    sizes: Integers

    def means(self, columns: Floats) -> Floats:
        """Return each subject's mean of columns, shape (subjects, columns)."""
        total = np.column_stack([np.bincount(self.of, c) for c in columns.T])
        return np.asarray(total / self.sizes[:, None])

    def about_means(self, design: Floats) -> Floats:
        """Return a design less its means of subjects, 0 but for what is rounding."""
        left = design - self.means(design)[self.of]
        # A mean of three equal numbers is not always that number.
        left[np.abs(left) <= ROUNDING * np.abs(design).max(axis=0)] = 0
        return np.asarray(left)

    def whitened(self, columns: Floats, correlation: float) -> Floats:
        """Return columns whose rows are uncorrelated and of one variance."""
        return self.whitened_by_share(columns, 1 - correlation)

    def whitened_by_share(self, columns: Floats, within_share: float) -> Floats:
        """Return the same for a share of the variance within subjects, above 0."""
        spread = self.means(columns)[self.of]
        sizes = self.sizes[self.of]
        common = 1 / np.sqrt(within_share + sizes * (1 - within_share))
        own = (columns - spread) / np.sqrt(within_share)
        return np.asarray(own + common[:, None] * spread)


def groups_of(subjects: npt.NDArray[np.generic]) -> Groups:
    """Return the groups of rows with the same label."""
    _, of, sizes = np.unique(subjects, return_inverse=True, return_counts=True)
    return Groups(of.astype(np.int64), sizes.astype(np.int64))


class Likelihood:
    r"""Minus twice the log-likelihood of a random-intercept model over :math:`\rho`.

    With :math:`V_i = (1-\rho) I + \rho J` for the :math:`n_i` rows of a subject,
    coefficients and variance profiled out.

    Parameters
    ----------
    shown : ndarray of float64, shape (rows,)
        Values.
    basis : ndarray of float64, shape (rows, p)
        Orthonormal basis of the design's columns.
    groups : Groups
        Subjects.
    restricted : bool
        Whether the restricted likelihood is meant, up to a constant of the design.
    """

    def __init__(
        self, shown: Floats, basis: Floats, groups: Groups, *, restricted: bool
    ) -> None:
        both = np.column_stack([basis, shown])
        means = groups.means(both)
        within = both - means[groups.of]
        self._within = within.T @ within
        self._sizes, counts = np.unique(groups.sizes, return_counts=True)
        self._counts = counts.astype(np.float64)
        self._between = np.array(
            [
                size * means[groups.sizes == size].T @ means[groups.sizes == size]
                for size in self._sizes
            ]
        )
        self._p = basis.shape[1]
        self._rows = len(shown) - self._p * restricted
        self._restricted = restricted

    def __call__(self, correlation: float) -> tuple[float, float]:
        """Return the value at a correlation, and its derivative."""
        return self._at(1 - correlation)

    def _at(self, own: float) -> tuple[float, float]:
        """Return the same at the share within subjects, 1 less the correlation."""
        p = self._p
        common = own + self._sizes * (1 - own)
        slope = (self._sizes - 1) / common**2
        matrix = self._within / own + np.tensordot(1 / common, self._between, 1)
        change = self._within / own**2 - np.tensordot(slope, self._between, 1)
        vector = np.ones(p + 1)
        vector[:p] = -np.linalg.solve(matrix[:p, :p], matrix[:p, p])
        square = float(vector @ matrix @ vector)
        value = self._rows * np.log(square / self._rows) + self._rows
        value += self._counts @ ((self._sizes - 1) * np.log(own) + np.log(common))
        turn = self._rows * float(vector @ change @ vector) / square
        turn += self._counts @ ((self._sizes - 1) * (1 / common - 1 / own))
        if self._restricted:
            value += np.linalg.slogdet(matrix[:p, :p])[1]
            turn += np.trace(np.linalg.solve(matrix[:p, :p], change[:p, :p]))
        return float(value + self._rows * np.log(2 * np.pi)), float(turn)

    def correlation(self) -> float:
        """Return the correlation at which it is smallest, from 0."""
        return 1 - self.within_share()

    def within_share(self) -> float:
        """Return the share of the variance within subjects where it is smallest."""
        from scipy.optimize import brentq

        grid = _GRID
        found = [self._at(own) for own in grid]
        best = int(np.argmin([value for value, _ in found]))
        if best == len(grid) - 1:
            grid = _SMALL
            found = [self._at(own) for own in grid]
            best = int(np.argmin([value for value, _ in found]))
            if best == 0:
                grid, found = np.append(_GRID[-2], grid), [self._at(_GRID[-2]), *found]
                best = 1
        # The slope is along the correlation, against the order of shares.
        low = best if found[best][1] < 0 else best - 1
        if low < 0 or low + 1 == len(grid):
            return float(grid[best])
        if found[low][1] >= 0 or found[low + 1][1] <= 0:
            return float(grid[best])
        ends = np.log(grid[[low, low + 1]])
        root = brentq(
            lambda log: self._at(np.exp(log))[1], *ends, xtol=1e-14, rtol=1e-14
        )
        return float(np.exp(root))


def only_common(shown: Floats, design: Floats, groups: Groups) -> bool:
    """Whether the values of a subject differ by nothing but what the design tells."""
    own = groups.about_means(design)
    left = shown - groups.means(shown[:, None])[groups.of, 0]
    left = left - own @ np.linalg.lstsq(own, left, rcond=1e-10)[0]
    total = float(np.sum((shown - shown.mean()) ** 2))
    return bool(float(left @ left) <= COPIED * total)
