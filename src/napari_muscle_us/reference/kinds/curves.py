"""What LMS curves and quantile tables share: points along age, height or weight."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np
from pydantic import Field, model_validator

from napari_muscle_us.reference.formula import COVARIATES
from napari_muscle_us.reference.kinds.base import ModelBase, nothing
from napari_muscle_us.reference.kinds.conditions import (
    Condition,
    chosen,
    needed,
    overlapping,
)
from napari_muscle_us.reference.parts import Along, Finite  # noqa: TC001

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

    import numpy.typing as npt

    from napari_muscle_us.reference.kinds.base import Floats

MAX_POINTS: Final = 10_000

_WORDS: Final = {
    "age_years": "an age",
    "height_cm": "a height",
    "weight_kg": "a weight",
}


class Curve(Condition):
    """Points along a covariate, for all or for one sex, side or dominance.

    Parameters
    ----------
    x : tuple of float
        Values of the covariate, rising.
    n : int, optional
        People that the curve comes from.
    """

    x: tuple[Finite, ...] = Field(min_length=2, max_length=MAX_POINTS)
    n: int | None = Field(default=None, ge=2)

    @model_validator(mode="after")
    def _check_rising(self) -> Self:
        if any(a >= b for a, b in pairwise(self.x)):
            raise ValueError("x does not rise from point to point")
        return self

    def columns(self) -> Sequence[Sequence[float]]:
        """Return the series of numbers, each as long as `x`."""
        raise NotImplementedError


class CurveModel(ModelBase):
    """A model whose numbers follow curves along one covariate."""

    covariate: Along
    curves: tuple[Curve, ...] = Field(min_length=1, max_length=8)

    @model_validator(mode="after")
    def _check_curves(self) -> Self:
        everywhere = [(-math.inf, math.inf)] * len(self.curves)
        pair = overlapping(self.curves, everywhere)
        if pair is not None:
            raise ValueError(
                f"curves {pair[0] + 1} and {pair[1] + 1} are for the same people"
            )
        return self

    @property
    def covariates(self) -> tuple[str, ...]:
        """The covariate of the curves, and what tells whom each curve is for."""
        return needed(self.curves, self.covariate, order=COVARIATES)

    def _at(
        self, x: Mapping[str, Floats]
    ) -> tuple[Floats, npt.NDArray[np.object_], npt.NDArray[np.object_]]:
        """Return the curves' numbers for each person, problems, and no caveats."""
        along = x[self.covariate]
        place = chosen(self.curves, x)
        found = np.full((len(self.curves[0].columns()), len(along)), np.nan)
        problem = nothing(len(along))
        problem[place < 0] = (
            f"No curve of the reference values of {self.muscle} is for this person; "
            "use a set for this person."
        )
        for number, curve in enumerate(self.curves):
            mine = place == number
            inside = mine & (along >= curve.x[0]) & (along <= curve.x[-1])
            for row, column in enumerate(curve.columns()):
                found[row, inside] = np.interp(along[inside], curve.x, column)
            problem[mine & ~inside] = (
                f"The curve of {self.muscle} holds for {_WORDS[self.covariate]} from "
                f"{curve.x[0]:g} to {curve.x[-1]:g} {self.covariate.split('_')[1]}; "
                "use a set for this person."
            )
        return found, problem, nothing(len(along))
