"""Mixed models without one subject each, all by restricted maximum likelihood at once.

Leaving a subject out only takes its share from a few sums, so that the likelihoods of
all left-out models are found together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Ints = npt.NDArray[np.intp]

LEFT: Final = 1e-9
"""Part of a coefficient that must be left when a subject is taken out."""

# Shares of the variance between subjects that are tried, ever closer to 1, where the
# likelihood ends: sides that were rounded alike differ by next to nothing.
_SHARES: Final = np.append(np.linspace(0, 0.98, 50), 1 - 10.0 ** -np.arange(2, 14))
_GOLDEN: Final = (5**0.5 - 1) / 2
_NARROWINGS: Final = 45


def blocks_of(codes: Ints) -> list[Ints]:
    """Return row numbers of the subjects, (subjects, m) for each number m of values."""
    order = np.argsort(codes, kind="stable")
    counts = np.bincount(codes)
    starts = np.cumsum(counts) - counts
    return [
        order[starts[counts == m][:, None] + np.arange(m)] for m in np.unique(counts)
    ]


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """Sums from which the likelihood of each left-out fit follows.

    With rows M = (x, y), ``within`` holds the products of M about the subjects' means
    and ``totals`` those of the subjects' column sums, of all subjects that are left;
    ``totals`` and their ``counts`` by the number of values in ``sizes``. Apart, neither
    loses digits to the other, however alike the values of a subject are.
    """

    within: Floats
    totals: Floats
    counts: Floats
    sizes: Floats

    def weighted(self, share: Floats) -> tuple[Floats, Floats]:
        """Return (x, y)ᵀ V⁻¹ (x, y) for a within-variance of 1, and ln |V|."""
        ratio = (share / (1 - share))[:, None]
        inflation = 1 + self.sizes * ratio
        part = 1 / (self.sizes * inflation)
        between = np.einsum("im,imjk->ijk", part, self.totals)
        return self.within + between, (self.counts * np.log(inflation)).sum(axis=1)

    def deviance(self, share: Floats) -> Floats:
        """Return −2 ln of the restricted likelihood at shares between subjects."""
        matrix, size = self.weighted(share)
        p = matrix.shape[1] - 1
        freedom = self.counts @ self.sizes - p
        # The last squared pivot of the Cholesky factor is the residual sum of squares.
        pivots = np.square(np.einsum("ijj->ij", np.linalg.cholesky(matrix)))
        return np.asarray(
            freedom * np.log(pivots[:, p]) + np.log(pivots[:, :p]).sum(axis=1) + size
        )


def _sums(rows: Floats, codes: Ints) -> tuple[_Sums, list[Ints]]:
    """Return the sums for each left-out subject, in the order of the blocks."""
    blocks = blocks_of(codes)
    sizes = np.array([float(block.shape[1]) for block in blocks])
    sums = [rows[block].sum(axis=1) for block in blocks]
    about = [rows[block] - rows[block].mean(axis=1, keepdims=True) for block in blocks]
    own_within = [each.transpose(0, 2, 1) @ each for each in about]
    all_within = np.sum([each.sum(axis=0) for each in own_within], axis=0)
    outer = [np.einsum("ij,ik->ijk", each, each) for each in sums]
    total = np.stack([each.sum(axis=0) for each in outer])
    counts = np.array([float(len(block)) for block in blocks])
    n, width = len(np.concatenate(sums)), rows.shape[1]
    within = np.empty((n, width, width))
    totals = np.tile(total, (n, 1, 1, 1))
    left = np.tile(counts, (n, 1))
    start = 0
    for kind, block in enumerate(blocks):
        own = slice(start, start + len(block))
        within[own] = all_within - own_within[kind]
        totals[own, kind] -= outer[kind]
        left[own, kind] -= 1
        start += len(block)
    return _Sums(within, totals, left, sizes), blocks


def mixed_left_out(
    residual: Floats, basis: Floats, codes: Ints, *, prediction: bool
) -> Floats:
    """Return Z of each row against the mixed model without its subject.

    Parameters
    ----------
    residual : ndarray of float64, shape (rows,)
        Values less their projection on the basis.
    basis : ndarray of float64, shape (rows, p)
        Orthonormal basis of the design's columns.
    codes : ndarray of int, shape (rows,)
        Number of each row's subject, 0 … n − 1.
    prediction : bool
        Whether the error of the coefficients counts.

    Returns
    -------
    ndarray of float64, shape (rows,)
        NaN where the model cannot be fitted without the subject.
    """
    p = basis.shape[1]
    scale = np.sqrt(residual @ residual)
    z = np.full(len(residual), np.nan)
    if not scale > 0:
        return z
    sums, blocks = _sums(np.column_stack([basis, residual / scale]), codes)
    possible = _possible(sums, p)
    if not possible.any():
        return z
    kept = _Sums(
        sums.within[possible],
        sums.totals[possible],
        sums.counts[possible],
        sums.sizes,
    )
    share = _best_share(kept)
    matrix, _ = kept.weighted(share)
    inverse = np.linalg.inv(matrix[:, :p, :p])
    coefficients = np.einsum("ijk,ik->ij", inverse, matrix[:, :p, p])
    rss = matrix[:, p, p] - np.einsum("ij,ij->i", matrix[:, :p, p], coefficients)
    within = rss / (kept.counts @ kept.sizes - p)
    total = within / (1 - share)
    place = np.full(len(possible), -1)
    place[possible] = np.arange(possible.sum())
    start = 0
    for block in blocks:
        at = place[start : start + len(block)]
        start += len(block)
        rows, at = block[at >= 0], at[at >= 0]
        x = basis[rows]
        out = residual[rows] / scale - np.einsum("imj,ij->im", x, coefficients[at])
        variance = total[at][:, None]
        if prediction:
            spread = np.einsum("imj,ijk,imk->im", x, inverse[at], x)
            variance = variance + within[at][:, None] * spread
        z[rows] = out / np.sqrt(variance)
    return z


def _possible(sums: _Sums, p: int) -> npt.NDArray[np.bool_]:
    """Return whether what is left can be fitted, for each left-out subject."""
    enough = sums.counts.sum(axis=1) > p
    plain, _ = sums.weighted(np.zeros(len(sums.within)))
    lowest = np.linalg.eigvalsh(plain)[:, 0]
    return np.asarray(enough & (lowest > LEFT))


def _best_share(sums: _Sums) -> Floats:
    """Return the share between subjects with the largest restricted likelihood."""
    grid, n = _SHARES, len(sums.within)
    heights = np.stack([sums.deviance(np.full(n, share)) for share in grid])
    best = np.argmin(heights, axis=0)
    low = grid[np.maximum(best - 1, 0)]
    high = grid[np.minimum(best + 1, len(grid) - 1)]
    for _ in range(_NARROWINGS):
        step = _GOLDEN * (high - low)
        left_better = sums.deviance(high - step) <= sums.deviance(low + step)
        low, high = (
            np.where(left_better, low, high - step),
            np.where(left_better, low + step, high),
        )
    share = (low + high) / 2
    edge = np.isin(best, [0, len(grid) - 1])
    better = heights.min(axis=0) <= sums.deviance(share)
    return np.asarray(np.where(edge & better, grid[best], share))
