"""Scores of formulas: the error of cross-validation, and Akaike's criterion."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.reference.fitting._mixed import Likelihood

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from napari_muscle_us.reference.fitting._mixed import Groups

    Floats = npt.NDArray[np.float64]

SINGULAR: Final = 1e-5
"""Part of a standardised column that those before it must leave."""


class Scorer:
    """Gives the score of a formula, and the subjects' square errors if it has any."""

    def score(self, columns: tuple[int, ...]) -> tuple[float, Floats | None]:
        """Return NaN and None where a formula cannot be fitted."""
        raise NotImplementedError


class CrossValidation(Scorer):
    """Square errors of left-out subjects, from normal equations of all folds."""

    def __init__(
        self,
        shown: Floats,
        columns: Floats,
        groups: Groups,
        *,
        folds: int,
        seed: int,
        mains: Sequence[int],
    ) -> None:
        self._shown, self._columns, self._groups = shown, columns, groups
        number = len(groups.sizes)
        folds = min(folds, number)
        means = groups.means(np.column_stack([columns, shown]))
        order = np.random.default_rng(seed).permutation(number)
        of_subject = np.empty(number, np.int64)
        # By the data, so that neither labels nor the order of rows matter.
        of_subject[np.lexsort(means.T.round(9))[order]] = np.arange(number) % folds
        self._fold = of_subject[groups.of]
        both = np.column_stack([columns, shown])
        if number < len(shown):
            both = groups.whitened(
                both, _correlation(shown, columns[:, list(mains)], groups)
            )
        own = np.array(
            [both[self._fold == f].T @ both[self._fold == f] for f in range(folds)]
        )
        self._training = own.sum(axis=0) - own

    def score(self, columns: tuple[int, ...]) -> tuple[float, Floats | None]:
        """Return the root mean square error, and the subjects' square errors."""
        chosen = np.array(columns)
        matrix = self._training[:, chosen[:, None], chosen]
        length = np.sqrt(np.einsum("fii->fi", matrix))
        if not np.all(length > 0):
            return float("nan"), None
        scaled = matrix / (length[:, :, None] * length[:, None, :])
        try:
            root = np.linalg.cholesky(scaled)
        except np.linalg.LinAlgError:
            return float("nan"), None
        if np.min(np.einsum("fii->fi", root)) < SINGULAR:
            return float("nan"), None
        right = self._training[:, chosen, -1:] / length[:, :, None]
        b = np.linalg.solve(scaled, right)[:, :, 0] / length
        rows = self._columns[:, chosen]
        left = self._shown - np.einsum("rp,rp->r", rows, b[self._fold])
        errors = np.bincount(self._groups.of, left**2) / self._groups.sizes
        return float(np.sqrt(errors.mean())), errors


def _correlation(shown: Floats, columns: Floats, groups: Groups) -> float:
    if len(groups.sizes) <= columns.shape[1]:
        columns = columns[:, :1]
    basis = np.linalg.qr(columns)[0]
    return Likelihood(shown, basis, groups, restricted=True).correlation()


class Akaike(Scorer):
    """The corrected Akaike criterion, n being the number of subjects."""

    def __init__(self, shown: Floats, columns: Floats, groups: Groups) -> None:
        self._shown, self._columns, self._groups = shown, columns, groups

    def score(self, columns: tuple[int, ...]) -> tuple[float, Floats | None]:
        """Return the criterion, and no errors."""
        n, rows = len(self._groups.sizes), len(self._shown)
        k = len(columns) + (1 if n == rows else 2)
        taken = self._columns[:, columns]
        basis, triangle = np.linalg.qr(taken / np.linalg.norm(taken, axis=0))
        if n - k - 1 <= 0 or np.min(np.abs(np.diag(triangle))) < SINGULAR:
            return float("nan"), None
        if n == rows:
            left = self._shown - basis @ (basis.T @ self._shown)
            double = n * (np.log(2 * np.pi * float(left @ left) / n) + 1)
        else:
            curve = Likelihood(self._shown, basis, self._groups, restricted=False)
            double, _ = curve(curve.correlation())
        return double + 2 * k + 2 * k * (k + 1) / (n - k - 1), None
