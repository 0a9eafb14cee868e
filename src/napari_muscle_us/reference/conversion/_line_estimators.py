"""Lines of weighted pairs: one function for each method."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.conversion._deming import (
    deming_lines,
    weighted_deming_lines,
)
from napari_muscle_us.reference.conversion._passing_bablok import (
    pair_slopes,
    passing_bablok_lines,
)

if TYPE_CHECKING:
    from napari_muscle_us.reference.conversion._resampling import Estimator
    from napari_muscle_us.reference.conversion.method_line import Floats, LineMethod

MAX_FAILED: Final = 0.05
"""Largest share of bootstrap samples that may have no line (our choice)."""


def line_estimator(
    x: Floats, y: Floats, method: LineMethod, ratio: float
) -> partial[tuple[Floats, Floats]]:
    """Return the function that makes lines of weighted pairs by a method."""
    if method == "deming":
        return partial(deming_lines, x, y, ratio=ratio)
    if method == "weighted-deming":
        return partial(weighted_deming_lines, x, y, ratio=ratio)
    return partial(passing_bablok_lines, x, y, pair_slopes(x, y))


def line_of_all(estimate: Estimator, ones: Floats) -> tuple[float, float]:
    """Return slope and intercept of all pairs; refuse a line that does not rise."""
    slopes, intercepts = estimate(ones)
    slope, intercept = float(slopes[0]), float(intercepts[0])
    if not (slope > 0 and math.isfinite(slope) and math.isfinite(intercept)):
        raise ReferenceSetError(
            f"The values of the two devices do not rise together in {ones.shape[1]} "
            "pairs, so no line leads from one to the other; check which muscles were "
            "paired."
        )
    return slope, intercept


def rising(draws: Floats) -> Floats:
    """Return the samples with a rising line; refuse when too many have none."""
    kept = np.isfinite(draws).all(axis=0) & (draws[0] > 0)
    failed = 1 - kept.mean()
    if failed > MAX_FAILED:
        raise ReferenceSetError(
            f"{100 * failed:.0f} % of the bootstrap samples have no rising line; the "
            "range of the muscles is too narrow for their scatter, so measure weaker "
            "and brighter muscles too."
        )
    return np.asarray(draws[:, kept])
