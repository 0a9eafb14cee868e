"""How each thing about a person moved the prediction, shared out fairly."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.formula import BINARY, COVARIATES
from napari_muscle_us.reference.kinds.linear import LinearModel
from napari_muscle_us.reference.model import Contribution
from napari_muscle_us.reference.rules import limits_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from napari_muscle_us.reference.kinds.any_model import AnyModel
    from napari_muscle_us.reference.kinds.base import Floats
    from napari_muscle_us.reference.model import ReferenceSet
    from napari_muscle_us.reference.parts import Range

INPUTS: Final = {
    "age": "age_years",
    "sex": "sex_male",
    "height": "height_cm",
    "weight": "weight_kg",
    "side": "side_right",
    "dominance": "side_nondominant",
}
"""What is known about a person, and its covariate; BMI follows from two of them."""

_BY_SAMPLE: Final = "mean of the sample"
_BY_LIMITS: Final = "middle of the range of the set, whose sample's mean is not stated"
_HALVES: Final = "half way between the sexes, sides or dominances"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Contributions of a person's covariates to a prediction.

    Attributes
    ----------
    contributions : tuple of Contribution
        One for each input that the model uses; empty where there is no baseline.
    baseline : float
        Prediction at the centre; NaN where there is none.
    centre_basis : str
        Where the centre is known from.
    """

    contributions: tuple[Contribution, ...] = ()
    baseline: float = math.nan
    centre_basis: str = ""


def explain(
    reference: ReferenceSet, model: AnyModel, person: Mapping[str, float]
) -> Explanation:
    r"""Return how each covariate of a person moved the prediction.

    The change by input :math:`i` is its Shapley value over the inputs :math:`N` that
    the model uses,

    .. math::
       \phi_i = \sum_{S \subseteq N \setminus i}
       \frac{|S|!\,(|N|-|S|-1)!}{|N|!}\,\bigl(v(S \cup i) - v(S)\bigr),

    where :math:`v(S)` is the prediction for somebody who is like the person in
    :math:`S` and at the centre in the rest. The changes add up to the prediction less
    the baseline, whatever powers, products or scale the model has. Body-mass index is
    computed from height and weight, which share its effect.

    Parameters
    ----------
    reference : ReferenceSet
        The set, for its limits.
    model : LinearModel or another kind
        One of its models.
    person : mapping of str to float
        Values of all of `napari_muscle_us.reference.formula.COVARIATES`.

    Returns
    -------
    Explanation
        Without contributions where the centre is not known, the model uses nothing, or
        it has no value at one of the mixtures, as a model with a group for each sex has
        none half way between them.

    References
    ----------
    Shapley LS. A value for n-person games. Contributions to the Theory of Games
    1953;2:307. doi:10.1515/9781400881970-018

    Štrumbelj E, Kononenko I. Explaining prediction models and individual predictions
    with feature contributions. Knowl Inf Syst 2014;41:647.
    doi:10.1007/s10115-013-0679-x
    """
    inputs = _inputs_of(model)
    centre, basis = _centre(reference, model, inputs)
    if not inputs or centre is None:
        return Explanation()
    chosen = _subsets(len(inputs))
    predicted = _predicted(model, _mixtures(inputs, centre, person, chosen))
    if not np.isfinite(predicted).all():
        return Explanation()
    changes = _shapley(predicted, chosen)
    return Explanation(
        tuple(
            Contribution(name, float(person[INPUTS[name]]), centre[name], float(change))
            for name, change in zip(inputs, changes, strict=True)
        ),
        float(predicted[0]),
        basis,
    )


def _inputs_of(model: AnyModel) -> tuple[str, ...]:
    used = set(model.covariates)
    if "bmi" in used:
        used |= {"height_cm", "weight_kg"}
    return tuple(name for name, covariate in INPUTS.items() if covariate in used)


def _centre(
    reference: ReferenceSet, model: AnyModel, inputs: Sequence[str]
) -> tuple[dict[str, float] | None, str]:
    """Return the centre of each input and where it is known from."""
    limits: dict[str, Range] = dict(limits_of(reference, model).items())
    centre: dict[str, float] = {}
    bases: dict[str, list[str]] = {}
    for name in inputs:
        covariate = INPUTS[name]
        if covariate in model.centre:
            centre[name] = float(model.centre[covariate])
            basis = _BY_SAMPLE
        elif covariate in BINARY:
            centre[name], basis = 0.5, _HALVES
        elif covariate in limits:
            centre[name] = math.fsum(limits[covariate].warn) / 2
            basis = _BY_LIMITS
        else:
            return None, ""
        bases.setdefault(basis, []).append(name)
    if len(bases) == 1:
        return centre, next(iter(bases))
    said = (f"{' and '.join(names)}: {basis}" for basis, names in bases.items())
    return centre, "; ".join(said)


def _subsets(count: int) -> npt.NDArray[np.bool_]:
    """Return all subsets, one a row; row number ``r`` holds the bits of ``r``."""
    return (np.arange(2**count)[:, None] >> np.arange(count) & 1).astype(bool)


def _mixtures(
    inputs: Sequence[str],
    centre: Mapping[str, float],
    person: Mapping[str, float],
    chosen: npt.NDArray[np.bool_],
) -> dict[str, Floats]:
    """Return covariates of people who are like the person in each subset only."""
    x = {name: np.full(len(chosen), float(person[name])) for name in COVARIATES}
    for column, name in enumerate(inputs):
        own = person[INPUTS[name]]
        x[INPUTS[name]] = np.where(chosen[:, column], own, centre[name])
    x["bmi"] = x["weight_kg"] / (x["height_cm"] / 100) ** 2
    return x


def _predicted(model: AnyModel, x: dict[str, Floats]) -> Floats:
    """Return the median of healthy people like each; NaN where there is none."""
    rows = len(x["bmi"])
    try:
        if isinstance(model, LinearModel):
            # Any value above 0 will do: the prediction does not depend on it.
            return model.evaluate(x, np.ones(rows)).predicted
        middle = np.array([50.0])
        people = ({k: v[row : row + 1] for k, v in x.items()} for row in range(rows))
        return np.array([model.value_at(person, middle)[0] for person in people])
    except ReferenceSetError:
        return np.full(rows, np.nan)


def _shapley(predicted: Floats, chosen: npt.NDArray[np.bool_]) -> list[float]:
    count = chosen.shape[1]
    size = chosen.sum(axis=1)
    orders = [
        math.factorial(s) * math.factorial(count - s - 1) / math.factorial(count)
        for s in range(count)
    ]
    rows = np.arange(len(chosen))
    changes = []
    for player in range(count):
        without = rows[~chosen[:, player]]
        gain = predicted[without + (1 << player)] - predicted[without]
        changes.append(math.fsum(np.array(orders)[size[without]] * gain))
    return changes
