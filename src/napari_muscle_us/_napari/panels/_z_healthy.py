"""The healthy people that a Z-score is shown among, as curves to plot."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from napari_muscle_us.reference.load import load_reference
from napari_muscle_us.z_request import ZScoreRequest, load_conversion_of

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from napari_muscle_us.reference.distribution import HealthyCourse
    from napari_muscle_us.reference.model import ReferenceSet, ZScore

    Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ShownScore:
    """A Z-score and what it was asked for.

    Attributes
    ----------
    score : ZScore
        The result.
    request : ZScoreRequest
        Set, person and conversion.
    side : str
        Side of the body, empty where it is not known.
    """

    score: ZScore
    request: ZScoreRequest
    side: str = ""

    def reference(self) -> ReferenceSet:
        """Return the set.

        Raises
        ------
        ReferenceSetError
            If its file cannot be read any more.
        """
        return load_reference(self.request.reference)


def healthy_values(shown: ShownScore) -> tuple[Floats, Floats]:
    """Return values of healthy people like the person, and how many have them.

    With a conversion its error is part of them, as of the Z-score. Only kinds of models
    whose SD alone grows by it (linear, groups) can carry one, so that a stretch about
    the prediction is the true curve.

    Raises
    ------
    ReferenceSetError
        If the model has no distribution for this person.
    """
    from napari_muscle_us.reference.distribution import healthy_curve

    score = shown.score
    values, density = healthy_curve(
        shown.reference(),
        score.muscle,
        shown.request.subject,
        measure=score.measure,
        side=shown.side,
    )
    extra = _extra_variance(shown)
    if extra == 0:
        return values, density
    factor = score.sd / math.sqrt(score.sd**2 - extra)
    return score.predicted + (values - score.predicted) * factor, density / factor


def healthy_ages(shown: ShownScore) -> HealthyCourse:
    """Return healthy people of all ages, all else as the person's.

    Raises
    ------
    ReferenceSetError
        If the set states no range of age.
    """
    import numpy as np

    from napari_muscle_us.reference.distribution import healthy_course

    score = shown.score
    course = healthy_course(
        shown.reference(),
        score.muscle,
        shown.request.subject,
        measure=score.measure,
        side=shown.side,
    )
    extra = _extra_variance(shown)
    if extra == 0:
        return course
    sd = (course.at_z[1.0] - course.at_z[-1.0]) / 2
    factor = np.hypot(sd, math.sqrt(extra)) / sd
    middle = course.predicted
    return replace(
        course,
        low=middle + (course.low - middle) * factor,
        high=middle + (course.high - middle) * factor,
        at_z={z: middle + (at - middle) * factor for z, at in course.at_z.items()},
    )


def uses_age(shown: ShownScore) -> bool:
    """Whether the model of the muscle asks for the age."""
    score = shown.score
    model = shown.reference().model_for(score.muscle, measure=score.measure)
    return "age_years" in model.covariates


def _extra_variance(shown: ShownScore) -> float:
    conversion = load_conversion_of(shown.request)
    return 0.0 if conversion is None else conversion.extra_variance
