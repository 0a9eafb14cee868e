"""Reference values by group: mean and SD of men and women, of ages, of sides."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from pydantic import Field, model_validator

from napari_muscle_us.reference.formula import COVARIATES
from napari_muscle_us.reference.kinds.base import (
    Evaluation,
    ModelBase,
    checked_variance,
    cleared,
    finite_or_nan,
    nothing,
    refuse_unbounded,
)
from napari_muscle_us.reference.kinds.conditions import (
    Condition,
    chosen,
    needed,
    overlapping,
)
from napari_muscle_us.reference.parts import Finite, Positive, Span  # noqa: TC001

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    import numpy.typing as npt

    from napari_muscle_us.reference.kinds.base import Floats

_SD_LABELS: Final = {
    "prediction": "SD of prediction, SD of the group · √(1 + 1/n)",
    "plain": "plain SD of the group, without the uncertainty of its mean",
}


class Group(Condition):
    """Mean and SD of a group of healthy people.

    Parameters
    ----------
    mean, sd : float
        In the unit of the model; the SD with n − 1.
    n : int
        People in the group.
    age_years : Span, optional
        From `low` to below `high`.
    """

    age_years: Span | None = None
    mean: Finite
    sd: Positive
    n: int = Field(ge=2)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.age_years is not None and self.age_years.low == self.age_years.high:
            raise ValueError(
                f"the ages from {self.age_years.low:g} to below "
                f"{self.age_years.high:g} hold nobody"
            )
        return self

    @property
    def ages(self) -> tuple[float, float]:
        """First age, and the age before which it ends; infinite for all ages."""
        if self.age_years is None:
            return (-math.inf, math.inf)
        return (self.age_years.low, self.age_years.high)

    @property
    def covariates(self) -> tuple[str, ...]:
        """Covariates that must be known to tell whether a person is in it."""
        age = () if self.age_years is None else ("age_years",)
        return (*age, *super().covariates)

    def holds(self, x: Mapping[str, Floats]) -> npt.NDArray[np.bool_]:
        """Return who is in the group."""
        held = super().holds(x)
        if self.age_years is not None:
            held &= x["age_years"] >= self.age_years.low
            held &= x["age_years"] < self.age_years.high
        return held


class GroupModel(ModelBase):
    r"""Mean and SD of groups of healthy people that do not overlap.

    .. math::
       \mathrm{SD} = s \sqrt{1 + 1/n}, \qquad Z = \frac{y - \bar y}{\mathrm{SD}}

    with mean :math:`\bar y`, SD :math:`s` and size :math:`n` of the person's group;
    the percentile is that of Student's t with n − 1 degrees of freedom. With
    ``sd="plain"`` the SD is :math:`s` alone and the percentile the normal one.
    """

    kind: Literal["groups"]
    groups: tuple[Group, ...] = Field(min_length=1, max_length=500)
    sd: Literal["prediction", "plain"] = "prediction"

    @model_validator(mode="after")
    def _check(self) -> Self:
        pair = overlapping(self.groups, [group.ages for group in self.groups])
        if pair is not None:
            raise ValueError(
                f"groups {pair[0] + 1} and {pair[1] + 1} overlap, so a person could "
                "be in both"
            )
        largest = max(group.n for group in self.groups)
        if largest > self.n:
            raise ValueError(
                f"a group has {largest} people, more than the {self.n} of all"
            )
        return self

    @property
    def covariates(self) -> tuple[str, ...]:
        """Covariates that any of the groups asks for."""
        return needed(self.groups, order=COVARIATES)

    @property
    def sd_label(self) -> str:
        """Which SD divides."""
        return _SD_LABELS[self.sd]

    def _numbers(
        self, x: Mapping[str, Floats]
    ) -> tuple[Floats, Floats, Floats, npt.NDArray[np.intp]]:
        """Return mean, SD and degrees of freedom of groups, and who is in which."""
        mean, sd, n = np.array([(g.mean, g.sd, g.n) for g in self.groups]).T
        freedom = np.full(len(self.groups), np.inf)
        if self.sd == "prediction":
            sd, freedom = sd * np.sqrt(1 + 1 / n), n - 1
        return mean, sd, freedom, chosen(self.groups, x)

    def evaluate(
        self,
        x: Mapping[str, Floats],
        measured: Floats,
        *,
        extra_variance: float = 0.0,
    ) -> Evaluation:
        """Compare measured values with their groups; see `ModelBase.evaluate`."""
        from scipy.special import stdtr, stdtrit

        extra = math.sqrt(checked_variance(extra_variance))
        problem, caveat = nothing(len(measured)), nothing(len(measured))
        with np.errstate(over="ignore", invalid="ignore"):
            mean, sd, freedom, place = self._numbers(x)
            sd = np.hypot(sd, extra)
            half = stdtrit(freedom, 0.975) * sd
            low, high = (mean - half)[place], (mean + half)[place]
            mean, sd, freedom = mean[place], sd[place], freedom[place]
            z = (measured - mean) / sd
        problem[place < 0] = (
            f"No group of the reference values of {self.muscle} is for this person; "
            "use a set for this person."
        )
        refuse_unbounded(problem, self.muscle, z, sd, low, high)
        percentile = 100 * stdtr(freedom, z)
        return cleared(
            z,
            mean,
            sd,
            percentile,
            (low, high),
            problem,
            caveat,
            degrees_of_freedom=freedom,
        )

    def value_at(self, x: Mapping[str, Floats], percent: Floats) -> Floats:
        """Return the values below which given shares of healthy people lie."""
        from scipy.special import stdtrit

        with np.errstate(over="ignore", invalid="ignore"):
            mean, sd, freedom, (place,) = self._numbers(x)
            if place < 0:
                return np.full(len(percent), np.nan)
            reach = stdtrit(freedom[place], percent / 100)
            return finite_or_nan(mean[place] + reach * sd[place])
