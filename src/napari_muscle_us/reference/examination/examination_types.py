"""What a whole examination consists of."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.model import ECHO_INTENSITY

if TYPE_CHECKING:
    import pandas as pd

    from napari_muscle_us.image import Device
    from napari_muscle_us.measure.repeats import RepeatRule
    from napari_muscle_us.reference.conversion.device_conversion import DeviceConversion
    from napari_muscle_us.reference.examination.decision_rule import (
        Decision,
        DecisionRule,
    )
    from napari_muscle_us.reference.examination.muscle_values import MuscleValue
    from napari_muscle_us.reference.model import ReferenceSet, ZScore
    from napari_muscle_us.reference.subject import Subject

THRESHOLDS: Final = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5)
"""Z-scores strictly above each are counted."""

EXAMINATION_COLUMNS: Final = (
    *("muscle", "side", "value", "unit", "n_images", "source"),
    *("z", "predicted", "sd", "percentile", "low", "high"),
    *("counted", "warning", "problem"),
)
"""Columns of `Examination.table`, in this order."""


@dataclass(frozen=True, slots=True)
class ExaminedMuscle:
    """A muscle and side of an examination.

    Attributes
    ----------
    measured : MuscleValue
        Value and where it comes from.
    score : ZScore or None
        Its Z-score, predicted value, interval and percentile; ``None`` with a problem.
    warnings : tuple of str
        Caveats, a sentence each.
    problem : str
        Why there is no Z-score, in words; empty where there is one.
    counted : bool
        Whether the Z-score is counted; one that repeats another's is not.
    devices : tuple of Device
        Devices of the images; empty where none was told.
    """

    measured: MuscleValue
    score: ZScore | None
    warnings: tuple[str, ...] = ()
    problem: str = ""
    counted: bool = True
    devices: tuple[Device, ...] = ()

    @property
    def muscle(self) -> str:
        """Muscle as the table names it."""
        return self.measured.muscle

    @property
    def side(self) -> str:
        """Side of the body, or ``""``."""
        return self.measured.side

    @property
    def label(self) -> str:
        """Muscle and side."""
        return self.measured.label

    @property
    def z(self) -> float:
        """Z-score; NaN with a problem."""
        return math.nan if self.score is None else self.score.z


@dataclass(frozen=True, slots=True)
class Examination:
    """All muscles of a person at a visit, compared with healthy people.

    Attributes
    ----------
    subject_code, visit : str
        Labels.
    subject : Subject
        Age, sex, height, weight and handedness at the visit.
    reference : ReferenceSet
        Healthy people compared with.
    measure : str
        What was measured.
    muscles : tuple of ExaminedMuscle
        One a muscle and side, in the order of their names.
    accept_device : bool
        Whether the user answered for a device that is not the set's.
    warnings : tuple of str
        Caveats of the whole, a sentence each.
    rule : {"mean", "mean_rounded", "radboud"}
        How images were averaged.
    conversion : DeviceConversion or None
        By which values were carried over to the set's device.
    """

    subject_code: str
    visit: str
    subject: Subject
    reference: ReferenceSet
    measure: str
    muscles: tuple[ExaminedMuscle, ...]
    accept_device: bool = False
    warnings: tuple[str, ...] = ()
    rule: RepeatRule = "mean"
    conversion: DeviceConversion | None = None

    @property
    def z_scores(self) -> dict[str, float]:
        """The Z-scores that count, one a muscle and side, by their label."""
        return {m.label: m.z for m in self.muscles if m.score is not None and m.counted}

    @property
    def counts(self) -> dict[float, int]:
        """For each of `THRESHOLDS`, how many Z-scores are strictly above it.

        Left and right of a muscle count as two, as in the published rule. What has no
        Z-score, and what repeats another, is not counted.
        """
        scores = self.z_scores.values()
        return {limit: sum(z > limit for z in scores) for limit in THRESHOLDS}

    @property
    def side_differences(self) -> dict[str, float]:
        """Z of the left minus Z of the right, by muscle where both sides have one."""
        by_side = {(m.muscle, m.side): m.z for m in self.muscles if m.score is not None}
        return {
            muscle: z - by_side[muscle, "right"]
            for (muscle, side), z in by_side.items()
            if side == "left" and (muscle, "right") in by_side
        }

    def decide(self, *, rule: DecisionRule | None = None) -> Decision:
        """Return what the published decision rule makes of the Z-scores that count.

        Its caveats also tell warnings of this examination, and the muscles that have
        no Z-score.

        Raises
        ------
        ReferenceSetError
            If there is no Z-score, the age is not known, or the measure is not echo
            intensity.
        """
        from napari_muscle_us.reference.examination.decision_rule import decide

        if self.measure != ECHO_INTENSITY:
            raise ReferenceSetError(
                f"The decision rule is for Z-scores of echo intensity, not of "
                f"{self.measure}; examine the echo intensity."
            )
        decision = decide(
            self.z_scores,
            self.subject.age_years,
            rule=rule,
            reference=self.reference.name,
        )
        caveats = [*decision.caveats, *self.warnings]
        without = [m.label for m in self.muscles if m.score is None]
        if without:
            caveats.append(f"Without a Z-score: {', '.join(without)}.")
        return replace(decision, caveats=tuple(dict.fromkeys(caveats)))

    def table(self) -> pd.DataFrame:
        """Return the muscles as a table with `EXAMINATION_COLUMNS`."""
        import pandas as pd

        return pd.DataFrame(
            [_table_row(muscle) for muscle in self.muscles],
            columns=list(EXAMINATION_COLUMNS),
        )


def _table_row(muscle: ExaminedMuscle) -> tuple[object, ...]:
    value, score = muscle.measured, muscle.score
    numbers = (
        (math.nan,) * 6
        if score is None
        else (score.z, score.predicted, score.sd, score.percentile, *score.interval)
    )
    return (
        *(value.muscle, value.side, value.value, value.unit),
        *(value.n_images, value.source, *numbers),
        *(muscle.counted, " ".join(muscle.warnings), muscle.problem),
    )
