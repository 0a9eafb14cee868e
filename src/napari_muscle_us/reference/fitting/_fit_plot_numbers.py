"""Numbers of the plots of a fit, worked out once, so that drawing is only drawing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.reference.fitting._fit_people import (
    covariates_of_rows,
    first_covariate,
    person,
    sexes_of,
    subject_residuals,
    varying,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from napari_muscle_us.reference.fitting._subject_residuals import SubjectResiduals
    from napari_muscle_us.reference.fitting.fit_types import MuscleFit

    Floats = npt.NDArray[np.float64]

FITTED: Final = "fitted"
"""Name of the fitted values, beside those of covariates."""

_STEPS: Final = 41
_PERCENT: Final = (2.5, 50.0, 97.5)
_FEWEST_FOR_LINE: Final = 10


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Median and interval of healthy people along a covariate.

    Attributes
    ----------
    sex : {"male", "female"} or None
        Of whom it is; ``None`` for one course for all.
    x : ndarray of float64, shape (n,)
        Places along the covariate.
    low, median, high : ndarray of float64, shape (n,)
        2.5 %, 50 % and 97.5 %; NaN where the model does not reach.
    """

    sex: str | None
    x: Floats
    low: Floats
    median: Floats
    high: Floats


class FitNumbers:
    """What the plots of a fit show; each number is worked out when first asked for.

    Parameters
    ----------
    fit : MuscleFit
        The fit.

    Notes
    -----
    `prepare` works out all of them, as in the thread of the fit.
    """

    def __init__(self, fit: MuscleFit) -> None:
        self.fit = fit
        self._smooth: dict[str, tuple[Floats, Floats] | None] = {}

    def prepare(self) -> None:
        """Work out all that plots show."""
        _ = self.courses, self.joined, self.residuals
        for name in (FITTED, *self.differing):
            self.smooth(name)

    def column(self, name: str) -> Floats:
        """Return a column of the rows; NaN where nothing is known."""
        return self.fit.rows[name].to_numpy(dtype=np.float64, na_value=np.nan)

    def places(self, name: str) -> Floats:
        """Return a covariate of the rows by its name, or their `FITTED` values."""
        return self.column(FITTED) if name == FITTED else self.covariates[name]

    @cached_property
    def covariates(self) -> dict[str, Floats]:
        """All covariates of the rows; NaN where one is not known."""
        return covariates_of_rows(self.fit.rows)

    @cached_property
    def differing(self) -> tuple[str, ...]:
        """The covariates that differ among the subjects."""
        return varying(self.fit)

    @cached_property
    def along(self) -> str:
        """What values are shown along; empty for nothing."""
        return first_covariate(self.fit)

    @cached_property
    def courses(self) -> tuple[Course, ...]:
        """Courses of the model, by sex where it tells a difference."""
        if not self.along:
            return ()
        x = self.covariates[self.along]
        x = x[np.isfinite(x)]
        places = np.linspace(x.min(), x.max(), _STEPS)
        return tuple(self._course(sex, places) for sex in self._sexes())

    def _sexes(self) -> tuple[str | None, ...]:
        """Return the sexes with a course of their own; ``None`` for one for all."""
        fit = self.fit
        sexes = sexes_of(fit)
        differ = {"sex_male", "height_cm", "weight_kg", "bmi"}
        differ &= set(fit.model.covariates)
        return sexes if sexes and differ - {self.along} else (None,)

    def _course(self, sex: str | None, places: Floats) -> Course:
        known: dict[str, Any] = {self.along: places}
        people = person(self.fit, sex=sex, **known)
        ends = np.array(
            [
                self.fit.model.value_at(
                    {name: values[k : k + 1] for name, values in people.items()},
                    np.array(_PERCENT),
                )
                for k in range(len(places))
            ]
        )
        return Course(sex, places, *ends.T)

    @cached_property
    def joined(self) -> Floats:
        """Lines between the sides of each subject: place, lowest, highest; (n, 3)."""
        rows = self.fit.rows
        if not self.along:
            return np.empty((0, 3))
        held = rows.assign(_x=self.covariates[self.along])
        ends = held.groupby("subject", sort=False).agg(
            x=("_x", "first"), low=("value", "min"), high=("value", "max")
        )
        ends = ends[ends["high"] > ends["low"]]
        return ends.to_numpy(dtype=np.float64, na_value=np.nan)

    @cached_property
    def residuals(self) -> SubjectResiduals | None:
        """One residual a subject; ``None`` for a model that is not linear."""
        return subject_residuals(self.fit)

    def smooth(self, name: str) -> tuple[Floats, Floats] | None:
        """Return the lowess line of standardised residuals; see `smooth_line`."""
        if name not in self._smooth:
            y = self.column("standardised")
            self._smooth[name] = smooth_line(self.places(name), y)
        return self._smooth[name]


def smooth_line(x: Floats, y: Floats) -> tuple[Floats, Floats] | None:
    """Return a lowess line; ``None`` where there are too few different places.

    Parameters
    ----------
    x, y : ndarray of float64, shape (n,)
        Points; those that are not finite are left out.
    """
    from statsmodels.nonparametric.smoothers_lowess import lowess

    known = np.isfinite(x) & np.isfinite(y)
    if len(np.unique(x[known])) < _FEWEST_FOR_LINE:
        return None
    delta = 0.01 * float(np.ptp(x[known]))
    with np.errstate(all="ignore"):
        found = lowess(y[known], x[known], frac=2 / 3, delta=delta)
    found = found[np.isfinite(found).all(axis=1)]
    return (found[:, 0], found[:, 1]) if len(found) else None
