"""LMS curves: skewness, median and coefficient of variation along a covariate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final, Literal

import numpy as np
from pydantic import Field, model_validator

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.kinds.base import (
    Evaluation,
    cleared,
    finite_or_nan,
    refuse_unbounded,
)
from napari_muscle_us.reference.kinds.curves import Curve, CurveModel
from napari_muscle_us.reference.kinds.power import box_cox, inverse_box_cox
from napari_muscle_us.reference.parts import Finite, Positive  # noqa: TC001

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from napari_muscle_us.reference.kinds.base import Floats

_FAR: Final = 3.0

_CAVEATS: Final = {
    "lms": (
        "Beyond Z ±3 LMS curves rest on hardly anybody; take the Z-score as 'beyond 3'."
    ),
    "who": (
        "Beyond Z ±3 LMS curves rest on hardly anybody, so the Z-score is counted in "
        "steps of the distance from Z 2 to Z 3 (WHO 2006); take it as 'beyond 3'."
    ),
}


class LmsCurve(Curve):
    """L, M and S at points of the covariate.

    Parameters
    ----------
    l, m, s : tuple of float
        Power, median (in the unit of the model) and coefficient of variation at each
        of `x`; between them they are interpolated linearly.
    """

    l: tuple[Annotated[float, Field(ge=-50, le=50)], ...]  # noqa: E741 -- Cole's name.
    m: tuple[Positive, ...]
    s: tuple[Positive, ...]

    @model_validator(mode="after")
    def _check_sizes(self) -> Self:
        for name, values in (("l", self.l), ("m", self.m), ("s", self.s)):
            if len(values) != len(self.x):
                raise ValueError(
                    f"{name} has {len(values)} numbers for {len(self.x)} points of x"
                )
        return self

    def columns(self) -> tuple[tuple[Finite, ...], ...]:
        """Return L, M and S."""
        return (self.l, self.m, self.s)


class LmsModel(CurveModel):
    r"""Curves of L, M and S along age, height or weight (Cole's LMS method).

    .. math::
       Z = \frac{(y / M)^L - 1}{L S}, \qquad
       y = M (1 + L S Z)^{1/L}

    and at L = 0 their limits :math:`\ln(y/M)/S` and :math:`M e^{S Z}`, computed so
    that no digits are lost near it. With ``beyond_3="who"`` a value beyond
    :math:`Z = \pm 3` is counted in steps of the distance from Z 2 to Z 3:

    .. math::
       Z = \pm\left(3 + \frac{|y - y_{\pm 3}|}{|y_{\pm 3} - y_{\pm 2}|}\right)

    The percentile is that of the LMS distribution in both cases.

    References
    ----------
    Cole TJ, Green PJ. Smoothing reference centile curves: the LMS method and penalized
    likelihood. Stat Med 1992;11:1305. doi:10.1002/sim.4780111005

    World Health Organization. WHO Child Growth Standards: methods and development.
    Geneva, 2006, chapter 7. ISBN 92-4-154693-X
    """

    kind: Literal["lms"]
    curves: tuple[LmsCurve, ...] = Field(min_length=1, max_length=8)
    beyond_3: Literal["lms", "who"] = "lms"

    @property
    def sd_label(self) -> str:
        """What the SD is; Z is not the distance divided by it."""
        return (
            "half the way from Z −1 to Z +1 of the LMS curves, without their "
            "uncertainty"
        )

    def evaluate(
        self,
        x: Mapping[str, Floats],
        measured: Floats,
        *,
        extra_variance: float = 0.0,
    ) -> Evaluation:
        """Compare measured values with the curves; see `ModelBase.evaluate`.

        A Z-score beyond ±3 has a caveat: so few healthy people lie there that the
        curves hardly know it.
        """
        from scipy.special import ndtr, ndtri

        self._refuse_variance(extra_variance)
        (power, median, spread), problem, caveat = self._at(x)
        problem[(problem == "") & ~(measured > 0)] = (
            f"The value is not above 0, and LMS curves as those of {self.muscle} know "
            "none such; measure again."
        )
        with np.errstate(all="ignore"):
            ratio = np.log(np.where(measured > 0, measured, np.nan) / median)
            z = box_cox(ratio, power) / spread
            at = [
                median * np.exp(inverse_box_cox(spread * k, power))
                for k in (ndtri(0.025), -1.0, 1.0, ndtri(0.975))
            ]
            sd = (at[2] - at[1]) / 2
        share = 100 * ndtr(z)
        if self.beyond_3 == "who":
            z = _as_who(z, measured, power, median, spread)
        refuse_unbounded(problem, self.muscle, z, sd, *at)
        caveat[(problem == "") & (np.abs(z) > _FAR)] = _CAVEATS[self.beyond_3]
        return cleared(z, median, sd, share, (at[0], at[3]), problem, caveat)

    def value_at(self, x: Mapping[str, Floats], percent: Floats) -> Floats:
        """Return the values below which given shares of healthy people lie."""
        from scipy.special import ndtri

        (power, median, spread), _, _ = self._at(x)
        with np.errstate(all="ignore"):
            score = ndtri(percent / 100)
            values = median * np.exp(inverse_box_cox(spread * score, power))
        return finite_or_nan(values)

    def _refuse_variance(self, extra_variance: float) -> None:
        if extra_variance:
            raise ReferenceSetError(
                f"The reference values of {self.muscle} are LMS curves, through which "
                "the error of a conversion cannot be carried; use a set of this device."
            )


def _as_who(
    z: Floats, measured: Floats, power: Floats, median: Floats, spread: Floats
) -> Floats:
    """Return Z-scores with those beyond ±3 counted in steps from Z 2 to Z 3."""
    sign = np.where(z < 0, -1.0, 1.0)
    with np.errstate(all="ignore"):
        two, three = (
            median * np.exp(inverse_box_cox(spread * k * sign, power)) for k in (2, 3)
        )
        counted = sign * (_FAR + (measured - three) / (three - two))
    return np.where(np.abs(z) > _FAR, counted, z)
