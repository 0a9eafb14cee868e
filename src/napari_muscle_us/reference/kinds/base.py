"""What all kinds of reference models share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Literal

import numpy as np
from pydantic import AfterValidator, Field, StringConstraints

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.formula import MAX_LENGTH
from napari_muscle_us.reference.parts import (
    Finite,
    FrozenDict,
    Label,
    Limited,
    MeasureKey,
    MeasurementError,
    Range,
    Remark,
    Sex,
    Strict,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

INTERVAL_PERCENT: Final = 95.0
"""Share of healthy people between the ends of an interval."""

Formula = Annotated[str, StringConstraints(min_length=1, max_length=MAX_LENGTH)]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Values of people compared with one model; arrays of one length.

    Attributes
    ----------
    z : ndarray of float64
        Z-score.
    predicted : ndarray of float64
        Median of healthy people like this one, in the unit of the measure.
    sd : ndarray of float64
        What one unit of Z is at the prediction, in the unit of the measure. Where the
        distribution is skewed, half the way from Z −1 to Z +1.
    percentile : ndarray of float64
        Share of healthy people with a lower value, in %.
    low, high : ndarray of float64
        Ends of the interval that holds 95 % of healthy people like this one; NaN, with
        a caveat, where quantiles do not reach so far.
    problem : ndarray of object
        Sentence why there is no Z-score, ``""`` where there is one. With a problem
        all numbers of the row are NaN.
    caveat : ndarray of object
        Sentence that goes with the Z-score, ``""`` for none.
    degrees_of_freedom : ndarray of float64
        Of Student's t that the percentile is of; infinite for the normal distribution.
    """

    z: Floats
    predicted: Floats
    sd: Floats
    percentile: Floats
    low: Floats
    high: Floats
    problem: npt.NDArray[np.object_]
    caveat: npt.NDArray[np.object_]
    degrees_of_freedom: Floats


class ModelBase(Strict):
    """A muscle's and measure's reference values; each kind adds its own numbers.

    Parameters
    ----------
    muscle : str
        Its name.
    aliases : tuple of str
        Other names of the same muscle.
    measure : str
        Key of the measure, as in a results table, such as ``intensity.mean``.
    unit : str
        Unit of the values.
    n : int
        Number of people (not of images or sides).
    limits : dict
        Limits of covariates for this model, in place of those of the set.
    centre : dict
        The sample's mean of each covariate, from which contributions are counted.
    sexes : tuple of {"male", "female"}
        Who was in the sample; empty where it is not told.
    observation : {"single value", "mean of a person's values"}
        What one value of the sample was: of one muscle and side, or the mean of both
        sides (or more), which scatters less. A single value is compared with the first.
    measurement_error : MeasurementError, optional
        How well a value repeats.
    remark : str
        What a reader should know.
    """

    muscle: Label
    aliases: tuple[Label, ...] = Field(default=(), max_length=50)
    measure: MeasureKey = "intensity.mean"
    unit: Label = "gray level"
    n: int = Field(ge=2)
    limits: Annotated[dict[Limited, Range], AfterValidator(FrozenDict)] = Field(
        default_factory=FrozenDict
    )
    centre: Annotated[dict[str, Finite], AfterValidator(FrozenDict)] = Field(
        default_factory=FrozenDict
    )
    sexes: tuple[Sex, ...] = Field(default=(), max_length=2)
    observation: Literal["single value", "mean of a person's values"] = "single value"
    measurement_error: MeasurementError | None = None
    remark: Remark = ""

    @property
    def covariates(self) -> tuple[str, ...]:
        """Covariates that must be known, in the order of `formula.COVARIATES`."""
        raise NotImplementedError

    @property
    def sd_label(self) -> str:
        """What the SD of this model is, in words."""
        raise NotImplementedError

    def evaluate(
        self,
        x: Mapping[str, Floats],
        measured: Floats,
        *,
        extra_variance: float = 0.0,
    ) -> Evaluation:
        """Compare measured values with healthy people like those.

        Parameters
        ----------
        x : mapping of str to ndarray of float64, shape (n,)
            Values of all of `formula.COVARIATES`; NaN where not known. Those of
            `covariates` must be known; limits were checked before.
        measured : ndarray of float64, shape (n,)
            In the unit of the model, finite.
        extra_variance : float, default: 0
            Variance of `measured` that healthy people's values do not have, as that
            of a conversion from another device; adds to the square of the SD.

        Returns
        -------
        Evaluation
            Arrays of length n.

        Raises
        ------
        ReferenceSetError
            If `extra_variance` is above 0 and the kind cannot carry it.
        """
        raise NotImplementedError

    def value_at(self, x: Mapping[str, Floats], percent: Floats) -> Floats:
        """Return the values below which given shares of healthy people lie.

        Parameters
        ----------
        x : mapping of str to ndarray of float64, shape (1,)
            One person, as for `evaluate`.
        percent : ndarray of float64, shape (k,)
            Shares in %, above 0 and below 100.

        Returns
        -------
        ndarray of float64, shape (k,)
            In the unit of the model; NaN where the model does not reach.
        """
        raise NotImplementedError


def rows_of(x: Mapping[str, Floats], *, otherwise: int = 1) -> int:
    """Return the number of people that covariates are of.

    Parameters
    ----------
    x : mapping of str to ndarray of float64, shape (n,)
        May be empty for a model of one mean for all.
    otherwise : int, default: 1
        What is returned then.
    """
    return len(next(iter(x.values()))) if x else otherwise


def nothing(rows: int) -> npt.NDArray[np.object_]:
    """Return an array of empty sentences."""
    told = np.empty(rows, dtype=object)
    told[:] = ""
    return told


def cleared(
    z: Floats,
    predicted: Floats,
    sd: Floats,
    percentile: Floats,
    interval: tuple[Floats, Floats],
    problem: npt.NDArray[np.object_],
    caveat: npt.NDArray[np.object_],
    *,
    degrees_of_freedom: Floats | float = math.inf,
) -> Evaluation:
    """Return an evaluation whose numbers are NaN where there is a problem."""
    freedom = np.broadcast_to(degrees_of_freedom, z.shape)
    numbers = np.array(
        [z, predicted, sd, percentile, *interval, freedom], dtype=np.float64
    )
    numbers[:, problem != ""] = np.nan
    return Evaluation(
        z=numbers[0],
        predicted=numbers[1],
        sd=numbers[2],
        percentile=numbers[3],
        low=numbers[4],
        high=numbers[5],
        problem=problem,
        caveat=caveat,
        degrees_of_freedom=numbers[6],
    )


def finite_or_nan(values: Floats) -> Floats:
    """Return values with NaN in place of those that are not finite."""
    return np.where(np.isfinite(values), values, np.nan)


def checked_variance(extra_variance: float) -> float:
    """Return a variance to be added to that of healthy people.

    Raises
    ------
    ReferenceSetError
        If it is negative or not finite.
    """
    if not 0 <= extra_variance < math.inf:
        raise ReferenceSetError(
            f"The variance {extra_variance:g} of a conversion is not possible; it is a "
            "finite number of 0 or more."
        )
    return extra_variance


def refuse_unbounded(
    problem: npt.NDArray[np.object_], muscle: str, *numbers: Floats
) -> None:
    """Add a sentence to rows without a problem that have a number which is not finite.

    Parameters
    ----------
    problem : ndarray of object
        Sentences; changed.
    muscle : str
        Name for the sentence.
    *numbers : ndarray of float64
        What must be finite.
    """
    finite = np.isfinite(np.array(numbers)).all(axis=0)
    problem[(problem == "") & ~finite] = (
        f"The reference model of {muscle} gives no finite numbers for this person; use "
        "another set."
    )
