r"""Which features a texture map can show, and their formulas from running sums.

A window moves over the image and carries whole numbers along: how many pairs it holds,
the sums of powers of the difference and of the sum of their two levels, and two sums
over the entries of the co-occurrence matrix. Every feature follows from these, so that
its cost depends neither on the window's area nor on the number of gray levels.

With n pairs of levels (a, b), each counted both ways, :math:`p_{ij}` has the mean
:math:`\mu = \sum (a + b) / 2n` and the variance :math:`\sigma^2`, where
:math:`4\sigma^2 = \mathrm{var}(a + b) + \sum (a - b)^2 / n`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    Whole = npt.NDArray[np.int64]
    Values = npt.NDArray[np.float64]
    Sums = Mapping[str, Whole]

SHARE_BITS: Final = 40
"""Fixed point of 1/(1 + d) and 1/(1 + d²): an error below 10⁻¹² each."""

LOG_BITS: Final = 34
"""Fixed point of c log2 c: an error of the entropy below 10⁻¹⁰."""

OF_DIFFERENCE: Final[Mapping[str, Callable[[Whole], Whole]]] = {
    "n": np.ones_like,
    "d1": lambda d: d,
    "d2": lambda d: d * d,
    "inverse": lambda d: _share(1 + d),
    "inverse_moment": lambda d: _share(1 + d * d),
}
"""Whole number that a pair adds to each sum, by the difference of its levels."""

OF_TOTAL: Final[Mapping[str, Callable[[Whole], Whole]]] = {
    "s1": lambda s: s,
    "s2": lambda s: s**2,
    "s3": lambda s: s**3,
    "s4": lambda s: s**4,
}
"""The same by the sum of its levels."""

OF_MATRIX: Final = ("squares", "logs")
"""Sums over the entries P of the symmetric matrix: of P², of P log2 P."""


@dataclass(frozen=True, slots=True)
class MapFeature:
    """A feature that `compute_texture_map` can show.

    Attributes
    ----------
    key : str
        Name in snake case; that of the feature of a region without ``"glcm."``.
    ibsi : str
        Permanent code of the Image Biomarker Standardisation Initiative, or an empty
        string.
    unit : str
        Unit of the map, or an empty string.
    label : str
        Name for a person.
    source : {"pairs", "levels", "gray"}
        What is looked at: pairs of pixels, the levels, or the gray levels as they are.
    sums : tuple of str
        Running sums that the formula needs besides the number of pairs.
    formula : callable
        Gives the values from the sums; no number of pairs is 0.
    """

    key: str
    ibsi: str
    unit: str
    label: str
    source: Literal["pairs", "levels", "gray"]
    sums: tuple[str, ...]
    formula: Callable[[Sums], Values]


def _share(of: Whole) -> Whole:
    return np.asarray(np.round(2.0**SHARE_BITS / of), np.int64)


@lru_cache(maxsize=8)
def log_table(most: int) -> Whole:
    """Return c log2 c for c = 0 … `most`, in the fixed point of `LOG_BITS`.

    Parameters
    ----------
    most : int
        Largest entry of a matrix.

    Returns
    -------
    ndarray of int64, shape (most + 1,)
        Rounded to whole numbers; read-only.

    Examples
    --------
    >>> (log_table(4) >> LOG_BITS).tolist()
    [0, 0, 2, 4, 8]
    """
    counts = np.arange(most + 1, dtype=np.float64)
    logs = counts * np.log2(np.maximum(counts, 1.0)) * 2.0**LOG_BITS
    table = np.round(logs).astype(np.int64)
    table.setflags(write=False)
    return table


def _mean_of(name: str, bits: int = 0) -> Callable[[Sums], Values]:
    def mean(sums: Sums) -> Values:
        return np.asarray(sums[name] / (sums["n"] * 2.0**bits))

    return mean


def _asm(sums: Sums) -> Values:
    return np.asarray(sums["squares"] / (2.0 * sums["n"]) ** 2)


def _energy(sums: Sums) -> Values:
    return np.asarray(np.sqrt(_asm(sums)))


def _entropy(sums: Sums) -> Values:
    """Return log2(2n) − Σ P log2 P / 2n: of one table, so exactly 0 for a single P."""
    entries = 2 * sums["n"]
    # Of a power of two, so that all bands share one table.
    table = log_table(1 << int(entries.max()).bit_length())
    missing = table[entries] - sums["logs"]
    return np.asarray(np.maximum(missing, 0) / (entries * 2.0**LOG_BITS))


def _joint_average(sums: Sums) -> Values:
    return np.asarray(sums["s1"] / (2.0 * sums["n"]))


def _spread(sums: Sums) -> Whole:
    """Return n² times the variance of the sum of two levels: a whole number."""
    return sums["n"] * sums["s2"] - sums["s1"] ** 2


def _joint_variance(sums: Sums) -> Values:
    fourfold = _spread(sums) + sums["n"] * sums["d2"]
    return np.asarray(fourfold / (2.0 * sums["n"]) ** 2)


def _correlation(sums: Sums) -> Values:
    """Return the covariance over the variance; NaN where all levels are alike."""
    apart = sums["n"] * sums["d2"]
    below = _spread(sums) + apart
    above = (_spread(sums) - apart).astype(np.float64)
    nothing = np.full(below.shape, np.nan)
    return np.asarray(np.divide(above, below, out=nothing, where=below > 0))


def _cluster_tendency(sums: Sums) -> Values:
    return np.asarray(_spread(sums) / sums["n"].astype(np.float64) ** 2)


def _about_centre(sums: Sums) -> list[Values]:
    """Return the means of s − c, its square, cube …, c being the mean as rounded.

    Moving to c with whole numbers leaves small ones, so that the subtractions that
    follow in floating point lose nothing.
    """
    n, s1, s2, s3 = (sums[name] for name in ("n", "s1", "s2", "s3"))
    c = (2 * s1 + n) // (2 * n)
    moved = [
        s1 - c * n,
        s2 - 2 * c * s1 + c**2 * n,
        s3 - 3 * c * s2 + 3 * c**2 * s1 - c**3 * n,
    ]
    if "s4" in sums:
        moved.append(sums["s4"] - 4 * c * s3 + 6 * c**2 * s2 - 4 * c**3 * s1 + c**4 * n)
    return [np.asarray(total / n) for total in moved]


def _cluster_shade(sums: Sums) -> Values:
    m1, m2, m3, *_ = _about_centre(sums)
    return np.asarray(m3 - 3 * m1 * m2 + 2 * m1**3)


def _cluster_prominence(sums: Sums) -> Values:
    m1, m2, m3, m4 = _about_centre(sums)
    return np.asarray(m4 - 4 * m1 * m3 + 6 * m1**2 * m2 - 3 * m1**4)


def _gray_mean(sums: Sums) -> Values:
    """Return the mean of a pixel paired with itself, whose level is its gray + 1."""
    return np.asarray(_joint_average(sums) - 1.0)


def _gray_sd(sums: Sums) -> Values:
    """Return the standard deviation with n − 1, as ImageJ; NaN for a single pixel."""
    n = sums["n"].astype(np.float64)
    variance = np.full(n.shape, np.nan)
    np.divide(_spread(sums) / 4, n * (n - 1), out=variance, where=n > 1)
    return np.asarray(np.sqrt(variance))


_MOMENTS: Final = ("s1", "s2", "s3")
_BOTH: Final = ("d2", "s1", "s2")


def _of_pairs(
    key: str,
    ibsi: str,
    label: str,
    sums: tuple[str, ...],
    formula: Callable[[Sums], Values],
    unit: str = "",
) -> MapFeature:
    return MapFeature(key, ibsi, unit, label, "pairs", sums, formula)


_ALL: Final = (
    _of_pairs("contrast", "ACUI", "Contrast", ("d2",), _mean_of("d2")),
    _of_pairs("dissimilarity", "8S9J", "Dissimilarity", ("d1",), _mean_of("d1")),
    _of_pairs(
        "inverse_difference",
        "IB1Z",
        "Inverse difference",
        ("inverse",),
        _mean_of("inverse", SHARE_BITS),
    ),
    _of_pairs(
        "inverse_difference_moment",
        "WF0Z",
        "Inverse difference moment",
        ("inverse_moment",),
        _mean_of("inverse_moment", SHARE_BITS),
    ),
    _of_pairs(
        "angular_second_moment", "8ZQL", "Angular second moment", ("squares",), _asm
    ),
    _of_pairs("energy", "", "Energy, √ASM", ("squares",), _energy),
    _of_pairs("joint_entropy", "TU9B", "Joint entropy", ("logs",), _entropy, "bit"),
    _of_pairs("correlation", "NI2N", "Correlation", _BOTH, _correlation),
    _of_pairs(
        "cluster_tendency", "DG8W", "Cluster tendency", ("s1", "s2"), _cluster_tendency
    ),
    _of_pairs("cluster_shade", "7NFM", "Cluster shade", _MOMENTS, _cluster_shade),
    _of_pairs(
        "cluster_prominence",
        "AE86",
        "Cluster prominence",
        (*_MOMENTS, "s4"),
        _cluster_prominence,
    ),
    _of_pairs("joint_average", "60VM", "Joint average", ("s1",), _joint_average),
    _of_pairs("joint_variance", "UR99", "Joint variance", _BOTH, _joint_variance),
    MapFeature("mean", "Q4LE", "gray level", "Mean", "gray", ("s1",), _gray_mean),
    MapFeature("sd", "", "gray level", "SD", "gray", ("s1", "s2"), _gray_sd),
    MapFeature("entropy", "TLU2", "bit", "Entropy", "levels", ("logs",), _entropy),
)

MAP_FEATURES: Final[Mapping[str, MapFeature]] = {
    feature.key: feature for feature in _ALL
}
"""All features of a map by key.

``energy`` is scikit-image's: the root of the angular second moment. First-order
features pair each pixel with itself, for which the joint entropy is that of the levels.
"""
