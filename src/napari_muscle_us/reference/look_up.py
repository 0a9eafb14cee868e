"""One value of one person looked up in a reference set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.contributions import explain
from napari_muscle_us.reference.device_rules import conversion_caveats, device_caveats
from napari_muscle_us.reference.model import ECHO_INTENSITY, ReferenceSet, ZScore
from napari_muscle_us.reference.rules import (
    check_side,
    check_unit,
    check_value,
    leverage_caveats,
    limit_caveats,
    observation_caveats,
)

if TYPE_CHECKING:
    from napari_muscle_us.image import Device
    from napari_muscle_us.reference.conversion.device_conversion import DeviceConversion
    from napari_muscle_us.reference.kinds.any_model import AnyModel
    from napari_muscle_us.reference.kinds.base import Floats
    from napari_muscle_us.reference.subject import Subject


def look_up(
    reference: ReferenceSet,
    muscle: str,
    value: float,
    subject: Subject,
    *,
    measure: str = ECHO_INTENSITY,
    side: str = "",
    unit: str = "",
    device: Device | None = None,
    accept_device: bool = False,
    conversion: DeviceConversion | None = None,
) -> ZScore:
    """Return the Z-score of a value.

    When it is refused and when it is given with a warning is written in
    `napari_muscle_us.reference.rules.LOOKUP_RULES`.

    Parameters
    ----------
    reference : ReferenceSet
        Healthy people to compare with.
    muscle : str
        Name or alias of a muscle of the set.
    value : float
        In the unit of the set's model; echo intensity 0 … 255.
    subject : Subject
        The person.
    measure : str, default: "intensity.mean"
        What was measured.
    side : {"left", "right", ""}
        Side of the body; needed where the model uses it.
    unit : str
        Unit of the value where it is known; another than the model's is refused.
    device : Device, optional
        Device of the image; another than the set's is refused.
    accept_device : bool, default: False
        Whether the user answers for a device that is not the set's.
    conversion : DeviceConversion, optional
        Carries the value over from the device of the image to that of the set. The
        SD then holds its error, ``SD² = SD_ref² + slope² · SD_residual²``.

    Returns
    -------
    ZScore
        Never NaN, but for ends of an interval that quantiles do not reach.

    Raises
    ------
    ReferenceSetError
        If the muscle is unknown, a covariate is missing or impossible, or the subject
        is outside what the set allows.
    DeviceMismatchError
        If `device` is not the set's.

    Examples
    --------
    >>> from napari_muscle_us import load_reference
    >>> from napari_muscle_us.reference.subject import Subject
    >>> reference = load_reference("radboud-esaote-6100-adult")
    >>> score = look_up(reference, "Soleus", 80, Subject(40, "male"))
    >>> [(c.covariate, round(c.change, 3)) for c in score.contributions]
    [('sex', -3.022)]
    """
    side = check_side(side)
    check_value(value, measure)
    model = reference.model_for(muscle, measure=measure)
    check_unit(model, unit)
    known = subject.covariates(model.covariates, muscle=model.muscle, side=side)
    warnings = scanner_caveats(
        reference, model, device, accept_device=accept_device, conversion=conversion
    )
    warnings += limit_caveats(reference, model, subject)
    x = {name: np.array([number]) for name, number in known.items()}
    compared, extra = carried_over(np.array([float(value)]), measure, conversion)
    found = model.evaluate(x, compared, extra_variance=extra)
    if found.problem[0]:
        raise ReferenceSetError(str(found.problem[0]))
    warnings += leverage_caveats(model, x) + observation_caveats(model)
    warnings += filter(None, [str(found.caveat[0])])
    explained = explain(reference, model, known)
    return ZScore(
        z=float(found.z[0]),
        echo_intensity=float(compared[0]),
        predicted=float(found.predicted[0]),
        sd=float(found.sd[0]),
        percentile=float(found.percentile[0]),
        interval=(float(found.low[0]), float(found.high[0])),
        degrees_of_freedom=float(found.degrees_of_freedom[0]),
        muscle=model.muscle,
        reference=reference.name,
        warnings=tuple(warnings),
        measure=model.measure,
        unit=model.unit,
        kind=model.kind,
        sd_label=_sd_label(model, conversion),
        contributions=explained.contributions,
        baseline=explained.baseline,
        centre_basis=explained.centre_basis,
        **_origin(conversion, value),
    )


def _origin(conversion: DeviceConversion | None, value: float) -> dict[str, Any]:
    if conversion is None:
        return {}
    return {"converted_from": float(value), "conversion": conversion.name}


def scanner_caveats(
    reference: ReferenceSet,
    model: AnyModel,
    device: Device | None,
    *,
    accept_device: bool = False,
    conversion: DeviceConversion | None = None,
) -> list[str]:
    """Return caveats about scanner and conversion; see `look_up`.

    Raises
    ------
    ReferenceSetError
        If the conversion is not for this set, model or image.
    DeviceMismatchError
        If `device` is not the set's, or not the one that is converted from.
    """
    if conversion is None:
        return device_caveats(reference.device, device, accept=accept_device)
    for converted, compared in (
        (conversion.measure, model.measure),
        (conversion.unit, model.unit),
    ):
        if converted != compared:
            raise ReferenceSetError(
                f"The conversion {conversion.name} is of {converted}, the reference "
                f"values of {model.muscle} of {compared}; leave the conversion out."
            )
    return conversion_caveats(reference, conversion, device, accept=accept_device)


def carried_over(
    values: Floats, measure: str, conversion: DeviceConversion | None
) -> tuple[Floats, float]:
    """Return values as the set's device would show them, and their added variance.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Measured values.
    measure : str
        What was measured.
    conversion : DeviceConversion or None
        With ``None`` values are returned as they are.

    Raises
    ------
    ReferenceSetError
        If a value is outside the range of the conversion, or no gray level after it.
    """
    if conversion is None:
        return values, 0.0
    carried = np.asarray(conversion.convert(values), dtype=np.float64)
    if measure == ECHO_INTENSITY:
        for value in carried[~((carried >= 0) & (carried <= 255))][:1]:
            check_value(float(value), measure)
    return carried, conversion.extra_variance


def _sd_label(model: AnyModel, conversion: DeviceConversion | None) -> str:
    if conversion is None:
        return model.sd_label
    return f"{model.sd_label}, with the error of the conversion {conversion.name}"
