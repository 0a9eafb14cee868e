"""A whole examination: all muscles of a person at a visit against healthy people."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.image import Device
from napari_muscle_us.reference.examination.examination_types import (
    EXAMINATION_COLUMNS as EXAMINATION_COLUMNS,
)
from napari_muscle_us.reference.examination.examination_types import (
    THRESHOLDS as THRESHOLDS,
)
from napari_muscle_us.reference.examination.examination_types import (
    Examination as Examination,
)
from napari_muscle_us.reference.examination.examination_types import (
    ExaminedMuscle as ExaminedMuscle,
)
from napari_muscle_us.reference.examination.muscle_values import (
    muscle_values,
    subject_of_rows,
)
from napari_muscle_us.reference.model import ECHO_INTENSITY
from napari_muscle_us.reference.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import pandas as pd

    from napari_muscle_us.measure.repeats import RepeatRule
    from napari_muscle_us.reference.conversion.device_conversion import DeviceConversion
    from napari_muscle_us.reference.examination.muscle_values import MuscleValue
    from napari_muscle_us.reference.model import ReferenceSet, ZScore


def persons_and_visits(
    table: pd.DataFrame,
    *,
    measure: str = ECHO_INTENSITY,
    rule: RepeatRule = "mean",
) -> list[tuple[str, str]]:
    """Return the subjects and visits of a table, each pair once, in order.

    The parameters and errors are those of `examine`.
    """
    values = muscle_values(table, measure=measure, rule=rule)
    return sorted({(value.subject, value.visit) for value in values})


def examine(
    reference: ReferenceSet,
    table: pd.DataFrame,
    subject: Subject | None = None,
    *,
    subject_code: str | None = None,
    visit: str | None = None,
    measure: str = ECHO_INTENSITY,
    rule: RepeatRule = "mean",
    drop: Collection[str] = (),
    device: Device | Mapping[str, Device] | None = None,
    accept_device: bool = False,
    conversion: DeviceConversion | None = None,
) -> Examination:
    """Compare all muscles of a person at a visit with healthy people.

    Parameters
    ----------
    reference : ReferenceSet
        Healthy people to compare with.
    table : DataFrame
        A results table, or a table of people with ``subject``, ``muscle``, ``side``
        and ``value``.
    subject : Subject, optional
        The person at the visit; by default what a table of people tells.
    subject_code, visit : str, optional
        Which person and visit; needed where the table holds several.
    measure : str, default: "intensity.mean"
        What was measured.
    rule : {"mean", "mean_rounded", "radboud"}, default: "mean"
        How several images of a muscle and side are averaged; one Z-score is made of
        their average.
    drop : collection of str
        Names of images to leave out.
    device : Device or mapping of str to Device, optional
        Device of all images, or of each by its SHA-256.
    accept_device : bool, default: False
        Whether the user answers for a device that is not the set's.
    conversion : DeviceConversion, optional
        Carries values of another device over to that of the set.

    Returns
    -------
    Examination
        One row a muscle and side; a muscle that has no Z-score tells why.

    Raises
    ------
    ReferenceSetError
        If the table has no values, or several persons or visits and none is chosen,
        or its rows of the person contradict each other.
    ResultsError
        If a method of a results table cannot be read.

    Notes
    -----
    Each muscle *and side* has one Z-score, and left and right count as two, as in the
    published rule. Two names with one and the same model (Hamstrings repeats Biceps
    femoris in the built-in set) and the same value on the same side are one
    measurement under two names and counted once; a warning says so.

    Examples
    --------
    >>> import pandas as pd
    >>> from napari_muscle_us import load_reference
    >>> table = pd.DataFrame(
    ...     {
    ...         "subject": "P1",
    ...         "muscle": ["Biceps brachii", "Soleus"],
    ...         "side": "left",
    ...         "value": [100, 60],
    ...     }
    ... )
    >>> found = examine(
    ...     load_reference("radboud-esaote-6100-adult"),
    ...     table,
    ...     Subject(40, "male", 180, 80),
    ... )
    >>> [round(m.z, 4) for m in found.muscles]
    [4.6759, 0.1292]
    >>> found.counts[3.5]
    1
    """
    values = muscle_values(table, measure=measure, rule=rule, drop=drop)
    code, visit = _chosen(values, subject_code, visit, measure)
    own = [v for v in values if (v.subject, v.visit) == (code, visit)]
    told = subject_of_rows(table, code, visit) if subject is None else subject
    person = Subject() if told is None else told
    own = _one_name_each(reference, own, measure)
    muscles = [
        _examined(reference, value, person, measure, device, accept_device, conversion)
        for value in own
    ]
    muscles = _counted_once(reference, muscles, measure)
    return Examination(
        code,
        visit,
        person,
        reference,
        measure,
        tuple(muscles),
        accept_device,
        _warnings(muscles),
        rule,
        conversion,
    )


def _chosen(
    values: Sequence[MuscleValue], code: str | None, visit: str | None, measure: str
) -> tuple[str, str]:
    """Return the one person and visit that is meant."""
    if not values:
        raise ReferenceSetError(
            f"The table holds no values of {measure} of a muscle; measure some first."
        )
    codes = sorted({v.subject for v in values if code in (None, v.subject)})
    if not codes:
        raise ReferenceSetError(
            "The chosen subject is not in the table; choose one that is."
        )
    if len(codes) > 1:
        # Not the codes themselves: some people write names there.
        raise ReferenceSetError(
            f"The table holds {len(codes)} subjects; choose one of them."
        )
    visits = sorted({v.visit for v in values if v.subject == codes[0]})
    if visit is None and len(visits) > 1:
        raise ReferenceSetError(
            f"The table holds {len(visits)} visits of the subject "
            f"({_listed(visits)}{' …' if len(visits) > 8 else ''}); choose one of them."
        )
    if visit is not None and visit not in visits:
        raise ReferenceSetError(
            f"The visit {visit!r:.40} of the subject is not in the table; choose one "
            f"of {_listed(visits)}."
        )
    return codes[0], visits[0] if visit is None else visit


def _listed(visits: Sequence[str]) -> str:
    return ", ".join(f"{visit!r:.40}" for visit in visits[:8])


def _one_name_each(
    reference: ReferenceSet, values: list[MuscleValue], measure: str
) -> list[MuscleValue]:
    """Mark values of one muscle and side that stand under two names of the muscle."""
    names: dict[tuple[str, str], list[str]] = {}
    places: list[tuple[str, str]] = []
    for value in values:
        try:
            name = reference.model_for(value.muscle, measure=measure).muscle
        except ReferenceSetError:
            name = value.muscle
        places.append((name, value.side))
        names.setdefault(places[-1], []).append(value.muscle)
    return [
        value
        if len(names[place]) == 1
        else replace(
            value,
            value=math.nan,
            # What is not averaged is not recomputed either.
            method=value.method and {**value.method, "inputs": []},
            problem=f"{' and '.join(map(repr, names[place]))} are one muscle in the "
            "reference set; give it one name",
        )
        for value, place in zip(values, places, strict=True)
    ]


def _examined(
    reference: ReferenceSet,
    value: MuscleValue,
    person: Subject,
    measure: str,
    device: Device | Mapping[str, Device] | None,
    accept_device: bool,
    conversion: DeviceConversion | None,
) -> ExaminedMuscle:
    devices = _devices_of(value, device)
    if value.problem:
        return ExaminedMuscle(value, None, problem=value.problem, devices=devices)
    try:
        score = score_average(
            reference,
            value.muscle,
            value.value,
            person,
            measure=measure,
            side=value.side,
            devices=devices,
            accept_device=accept_device,
            conversion=conversion,
        )
        _refuse_other_unit(value, score)
    except ReferenceSetError as error:
        return ExaminedMuscle(value, None, problem=str(error), devices=devices)
    notes = (value.note,) if value.note else ()
    return ExaminedMuscle(value, score, (*score.warnings, *notes), devices=devices)


def score_average(
    reference: ReferenceSet,
    muscle: str,
    value: float,
    subject: Subject,
    *,
    measure: str = ECHO_INTENSITY,
    side: str = "",
    devices: Sequence[Device] = (),
    accept_device: bool = False,
    conversion: DeviceConversion | None = None,
) -> ZScore:
    """Return the Z-score of an average over images, each of which must fit the set.

    Parameters
    ----------
    reference, muscle, value, subject, measure, side, accept_device, conversion
        As for `napari_muscle_us.reference.look_up.look_up`.
    devices : sequence of Device
        Of the images; none where they are not known.

    Returns
    -------
    ZScore
        With the caveats of all devices.

    Raises
    ------
    ReferenceSetError
        If there is no Z-score.
    DeviceMismatchError
        If one of the images is from another device than the set's.
    """
    from napari_muscle_us.reference.look_up import look_up

    scores = [
        look_up(
            reference,
            muscle,
            value,
            subject,
            measure=measure,
            side=side,
            device=device,
            accept_device=accept_device,
            conversion=conversion,
        )
        for device in dict.fromkeys(devices) or (None,)
    ]
    warnings = dict.fromkeys(said for score in scores for said in score.warnings)
    return replace(scores[0], warnings=tuple(warnings))


def _devices_of(
    value: MuscleValue, device: Device | Mapping[str, Device] | None
) -> tuple[Device, ...]:
    """Return the device of each image; nothing where none is told."""
    if device is None:
        return ()
    inputs = value.method.get("inputs", ())
    if isinstance(device, Device):
        return (device,) * max(1, len(inputs))
    return tuple(
        device.get(str(entry.get("image_sha256", "")), Device())
        for entry in inputs
        if isinstance(entry, dict)
    )


def _refuse_other_unit(value: MuscleValue, score: ZScore) -> None:
    if value.unit and value.unit != score.unit:
        raise ReferenceSetError(
            f"The value is in {value.unit!r:.40}, the reference values of "
            f"{score.muscle} in {score.unit!r}; give values in the unit of the set."
        )


def _counted_once(
    reference: ReferenceSet, muscles: list[ExaminedMuscle], measure: str
) -> list[ExaminedMuscle]:
    """Mark what repeats another muscle of the same model, side and value."""
    seen: dict[tuple[str, str], list[ExaminedMuscle]] = {}
    found = []
    for one in muscles:
        muscle = one
        if muscle.score is None:
            found.append(muscle)
            continue
        model = reference.model_for(muscle.muscle, measure=measure)
        content = model.model_dump_json(exclude={"muscle", "aliases", "remark"})
        twins = seen.setdefault((content, muscle.side), [])
        same = [t for t in twins if t.measured.value == muscle.measured.value]
        if same:
            said = (
                f"The same value and model as {same[0].label}; one measurement under "
                "two names, so it is not counted."
            )
            muscle = replace(muscle, counted=False, warnings=(*muscle.warnings, said))
        elif twins:
            said = (
                f"The reference values are those of {twins[0].label}, so the two count "
                "as two muscles with one model."
            )
            muscle = replace(muscle, warnings=(*muscle.warnings, said))
        twins.append(muscle)
        found.append(muscle)
    return found


def _warnings(muscles: Sequence[ExaminedMuscle]) -> tuple[str, ...]:
    """Return what holds for every muscle with a Z-score, and what is not counted."""
    scored = [m for m in muscles if m.score is not None]
    if not scored:
        return ("No muscle has a Z-score.",) if muscles else ()
    shared = [
        said
        for said in (scored[0].score.warnings if scored[0].score else ())
        if all(said in m.warnings for m in scored)
    ]
    others = [
        f"{m.label}: {said}"
        for m in scored
        for said in m.warnings
        if said not in shared
    ]
    return tuple(dict.fromkeys([*shared, *others]))
