"""Healthy people like one person, as curves to plot."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.model import ECHO_INTENSITY
from napari_muscle_us.reference.rules import NO_LIMIT, check_side, limits_of

if TYPE_CHECKING:
    from napari_muscle_us.reference.kinds.any_model import AnyModel
    from napari_muscle_us.reference.kinds.base import Floats
    from napari_muscle_us.reference.model import ReferenceSet
    from napari_muscle_us.reference.parts import Along
    from napari_muscle_us.reference.subject import Subject

_REACH: Final = 4.0
"""Normal scores from −4 to +4 hold all but 6 of 100,000 healthy people."""

_LIMITED: Final = ("age_years", "height_cm", "weight_kg")


@dataclass(frozen=True, slots=True, eq=False)
class HealthyCourse:
    """Healthy people along a covariate, all else as one person's.

    Attributes
    ----------
    along : str
        The covariate, such as ``age_years``.
    unit : str
        Unit of the values.
    x : ndarray of float64, shape (n,)
        Values of the covariate.
    predicted, low, high : ndarray of float64, shape (n,)
        Median and the ends of the interval that holds 95 % of healthy people; NaN
        where the model has none.
    at_z : dict of float to ndarray of float64, shape (n,)
        Values whose Z-score is −2, −1, 1 and 2.
    warn : tuple of float
        Range of the sample; outside it the prediction is extrapolated.
    """

    along: str
    unit: str
    x: Floats
    predicted: Floats
    low: Floats
    high: Floats
    at_z: dict[float, Floats]
    warn: tuple[float, float]


def healthy_curve(
    reference: ReferenceSet,
    muscle: str,
    subject: Subject,
    *,
    measure: str = ECHO_INTENSITY,
    side: str = "",
    points: int = 200,
) -> tuple[Floats, Floats]:
    r"""Return the distribution of healthy people like one person.

    The values :math:`v(t)` below which the share :math:`\Phi(t)` of healthy people
    lies have the density

    .. math:: f(v) = \varphi(t) \Big/ \frac{dv}{dt}

    Parameters
    ----------
    reference : ReferenceSet
        The set.
    muscle : str
        Name or alias of a muscle of the set.
    subject : Subject
        The person.
    measure : str, default: "intensity.mean"
        What was measured.
    side : {"left", "right", ""}
        Side of the body; needed where the model uses it.
    points : int, default: 200
        Number of points, 10 … 10,000; fewer where the model does not reach as far.

    Returns
    -------
    values, density : ndarray of float64, shape (k,)
        Rising values in the unit of the model, and the share of people by unit.

    Raises
    ------
    ReferenceSetError
        If the muscle is unknown, a covariate is missing, or the model has no values
        for this person.

    Examples
    --------
    >>> from napari_muscle_us import load_reference
    >>> from napari_muscle_us.reference.subject import Subject
    >>> reference = load_reference("radboud-esaote-6100-adult")
    >>> values, density = healthy_curve(reference, "Soleus", Subject(sex="male"))
    >>> round(float(values[density.argmax()]))
    59
    """
    from scipy.special import ndtr

    _check_points(points)
    model, x = _person(reference, muscle, subject, measure, side)
    scores = np.linspace(-_REACH, _REACH, points)
    values = model.value_at(x, 100 * ndtr(scores))
    reached = np.isfinite(values)
    if np.count_nonzero(reached) < 3 or not np.all(np.diff(values[reached]) > 0):
        raise ReferenceSetError(
            f"The reference values of {model.muscle} have no distribution for this "
            "person; use a set for this person."
        )
    scores, values = scores[reached], values[reached]
    height = np.exp(-(scores**2) / 2) / math.sqrt(2 * math.pi)
    return values, height / np.gradient(values, scores)


def healthy_course(
    reference: ReferenceSet,
    muscle: str,
    subject: Subject,
    *,
    along: Along = "age_years",
    measure: str = ECHO_INTENSITY,
    side: str = "",
    points: int = 101,
) -> HealthyCourse:
    """Return healthy people along a covariate, all else as one person's.

    Parameters
    ----------
    reference : ReferenceSet
        The set.
    muscle : str
        Name or alias of a muscle of the set.
    subject : Subject
        The person; what `along` names need not be known.
    along : {"age_years", "height_cm", "weight_kg"}
        The covariate, from end to end of what the set allows. Body-mass index follows
        height and weight.
    measure : str, default: "intensity.mean"
        What was measured.
    side : {"left", "right", ""}
        Side of the body; needed where the model uses it.
    points : int, default: 101
        Number of points, 10 … 10,000.

    Returns
    -------
    HealthyCourse
        NaN where the model has no values, as outside the curves of an LMS table.

    Raises
    ------
    ReferenceSetError
        If the muscle is unknown, a covariate is missing, or the set has no limits of
        `along`.

    Examples
    --------
    >>> from napari_muscle_us import load_reference
    >>> from napari_muscle_us.reference.subject import Subject
    >>> reference = load_reference("radboud-esaote-6100-adult")
    >>> person = Subject(sex="male")
    >>> course = healthy_course(reference, "Tibialis anterior", person, points=10)
    >>> course.x[[0, -1]].tolist(), course.predicted[[0, -1]].round(1).tolist()
    ([18.0, 100.0], [63.5, 92.4])
    """
    _check_points(points)
    if along not in _LIMITED:
        raise ReferenceSetError(
            f"Healthy people cannot be shown along {along!r}; choose "
            f"{', '.join(_LIMITED)}."
        )
    model = reference.model_for(muscle, measure=measure)
    limits = limits_of(reference, model)
    if along not in limits:
        raise ReferenceSetError(
            f"The reference set {reference.name} states no range of {along}; choose "
            "another covariate."
        )
    limit = limits[along]
    ends = limit.warn if limit.refuse[1] == NO_LIMIT else limit.refuse
    grid = np.linspace(*ends, points)
    columns = np.array(
        [_values(reference, muscle, subject, along, float(at), measure, side)
         for at in grid]
    ).T  # fmt: skip
    return HealthyCourse(
        along=along,
        unit=model.unit,
        x=grid,
        predicted=columns[0],
        low=columns[1],
        high=columns[2],
        at_z=dict(zip(_SCORES, columns[3:], strict=True)),
        warn=limits[along].warn,
    )


_SCORES: Final = (-2.0, -1.0, 1.0, 2.0)


def _values(
    reference: ReferenceSet,
    muscle: str,
    subject: Subject,
    along: Along,
    at: float,
    measure: str,
    side: str,
) -> Floats:
    """Return median, interval and the values at `_SCORES` for one point."""
    from scipy.special import stdtr

    person = _moved(subject, along, at)
    model, x = _person(reference, muscle, person, measure, side)
    middle = model.value_at(x, np.array([50.0]))
    if not np.isfinite(middle).all():
        return np.full(3 + len(_SCORES), np.nan)
    freedom = model.evaluate(x, middle).degrees_of_freedom[0]
    percent = 100 * stdtr(freedom, np.array(_SCORES))
    return model.value_at(x, np.array([50.0, 2.5, 97.5, *percent]))


def _moved(subject: Subject, along: Along, at: float) -> Subject:
    if along == "age_years":
        return replace(subject, age_years=at)
    if along == "height_cm":
        return replace(subject, height_cm=at)
    return replace(subject, weight_kg=at)


def _person(
    reference: ReferenceSet, muscle: str, subject: Subject, measure: str, side: str
) -> tuple[AnyModel, dict[str, Floats]]:
    model = reference.model_for(muscle, measure=measure)
    known = subject.covariates(
        model.covariates, muscle=model.muscle, side=check_side(side)
    )
    return model, {name: np.array([value]) for name, value in known.items()}


def _check_points(points: int) -> None:
    if not 10 <= points <= 10_000:
        raise ReferenceSetError(
            f"A curve of {points} points is not possible; choose 10 to 10000."
        )
