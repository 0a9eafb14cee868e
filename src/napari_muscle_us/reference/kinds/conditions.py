"""Whom a group or a curve is for: sex, side and dominance."""

from __future__ import annotations

from itertools import pairwise, product
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from napari_muscle_us.reference.parts import Sex, Side, Strict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from napari_muscle_us.reference.kinds.base import Floats

Dominance = Literal["dominant", "non-dominant"]

_CELLS: Final = tuple(
    product(("male", "female"), ("left", "right"), ("dominant", "non-dominant"))
)


class Condition(Strict):
    """Whom values are for; what is left out holds for all.

    Parameters
    ----------
    sex : {"male", "female"}, optional
        Sex.
    side : {"left", "right"}, optional
        Side of the body.
    dominance : {"dominant", "non-dominant"}, optional
        Whether the side is that of the hand written with.
    """

    sex: Sex | None = None
    side: Side | None = None
    dominance: Dominance | None = None

    @property
    def covariates(self) -> tuple[str, ...]:
        """Covariates that must be known to tell whether it holds."""
        asked = {
            "sex_male": self.sex,
            "side_right": self.side,
            "side_nondominant": self.dominance,
        }
        return tuple(name for name, wanted in asked.items() if wanted is not None)

    def holds(self, x: Mapping[str, Floats]) -> npt.NDArray[np.bool_]:
        """Return for whom it holds; never for a person of whom it is not known."""
        held = np.ones(len(x["sex_male"]), dtype=bool)
        for name, wanted in (
            ("sex_male", None if self.sex is None else self.sex == "male"),
            ("side_right", None if self.side is None else self.side == "right"),
            (
                "side_nondominant",
                None if self.dominance is None else self.dominance == "non-dominant",
            ),
        ):
            if wanted is not None:
                held &= x[name] == float(wanted)
        return held

    def includes(self, cell: tuple[str, str, str]) -> bool:
        """Whether it holds for a sex, side and dominance."""
        wanted = (self.sex, self.side, self.dominance)
        return all(w in (None, c) for w, c in zip(wanted, cell, strict=True))


def overlapping(
    conditions: Sequence[Condition], spans: Sequence[tuple[float, float]]
) -> tuple[int, int] | None:
    """Return two conditions that one person can fulfil at once, if there are any.

    Parameters
    ----------
    conditions : sequence of Condition
        Sex, side and dominance.
    spans : sequence of (float, float)
        For each the range of another covariate, from the first to below the second.

    Returns
    -------
    tuple of int or None
        Their places.

    Examples
    --------
    >>> overlapping([Condition(sex="male"), Condition()], [(18, 40), (30, 50)])
    (0, 1)
    >>> overlapping([Condition(), Condition()], [(18, 40), (40, 50)]) is None
    True
    """
    for cell in _CELLS:
        held = sorted(
            (spans[number], number)
            for number, condition in enumerate(conditions)
            if condition.includes(cell)
        )
        for (span, first), (following, second) in pairwise(held):
            if following[0] < span[1]:
                return min(first, second), max(first, second)
    return None


def chosen(
    conditions: Sequence[Condition], x: Mapping[str, Floats]
) -> npt.NDArray[np.intp]:
    """Return the place of the condition that each person fulfils, −1 for none."""
    place = np.full(len(x["sex_male"]), -1, dtype=np.intp)
    for number, condition in enumerate(conditions):
        place[condition.holds(x)] = number
    return place


def needed(
    conditions: Sequence[Condition], *always: str, order: Sequence[str]
) -> tuple[str, ...]:
    """Return the covariates that any of the conditions needs, in an order."""
    used = {name for condition in conditions for name in condition.covariates}
    used.update(always)
    return tuple(name for name in order if name in used)
