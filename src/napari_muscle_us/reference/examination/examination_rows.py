"""Z-scores of averaged images as rows of the results table."""

from __future__ import annotations

import math
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.errors import ReferenceSetError, ResultsError
from napari_muscle_us.image import Device
from napari_muscle_us.reference.examination.examination import score_average
from napari_muscle_us.reference.model import ECHO_INTENSITY
from napari_muscle_us.reference.subject import Subject

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from napari_muscle_us.reference.conversion.device_conversion import DeviceConversion
    from napari_muscle_us.reference.examination.examination import (
        Examination,
        ExaminedMuscle,
    )
    from napari_muscle_us.reference.model import ReferenceSet

Z_OF_REPEATS: Final = "repeats.z_score"
COVARIATES: Final = ("age_years", "sex", "height_cm", "weight_kg", "handedness")
_DEVICE: Final = {
    f.name: (str,) if "str" in str(f.type) else (int, float) for f in fields(Device)
}


def examination_rows(
    examination: Examination,
    reference: str | Path,
    *,
    conversion: str | Path | None = None,
) -> pd.DataFrame:
    """Return the Z-scores of an examination as rows of the results table.

    Parameters
    ----------
    examination : Examination
        Made of a results table.
    reference : str or Path
        Name or file of the reference set; its hash goes into the rows.
    conversion : str or Path, optional
        File of the conversion between devices, where the examination used one.

    Returns
    -------
    DataFrame
        One row ``repeats.z_score`` a muscle and side; NaN with the reason in ``note``
        where there is no Z-score. ``method`` holds the set with its hash, the person,
        and for each image all it takes to measure it again, so that
        `napari_muscle_us.verify_results` can compute the row again.

    Raises
    ------
    ReferenceSetError
        If `reference` or `conversion` is another than that of the examination, or
        what was measured is not echo intensity.
    ResultsError
        If the examination comes from a spreadsheet, which has no images.
    """
    from napari_muscle_us.reference.load import load_reference, reference_sha256
    from napari_muscle_us.results import results_frame

    if load_reference(reference) != examination.reference:
        raise ReferenceSetError(
            f"The reference set {Path(reference).name!r} is not the one that the "
            "examination was compared with; give that one."
        )
    if examination.measure != ECHO_INTENSITY:
        raise ReferenceSetError(
            f"Rows of averaged images are of echo intensity, not of "
            f"{examination.measure}; examine the echo intensity."
        )
    common = {
        # Of a file only the name: a folder can tell who works here.
        "reference": Path(reference).name,
        "reference_sha256": reference_sha256(reference),
        "accept_device": examination.accept_device,
        "sd": "prediction",
    } | {name: getattr(examination.subject, name) for name in COVARIATES}
    common |= _conversion_method(examination, conversion)
    measured_at = datetime.now(UTC).isoformat(timespec="seconds")
    return results_frame(
        _row(examination, muscle, common, measured_at) for muscle in examination.muscles
    )


def _conversion_method(
    examination: Examination, path: str | Path | None
) -> dict[str, str]:
    if path is None and examination.conversion is None:
        return {}
    from napari_muscle_us.reference.conversion.conversion_file import (
        conversion_sha256,
        load_conversion,
    )

    if path is None or load_conversion(path) != examination.conversion:
        raise ReferenceSetError(
            "The conversion between devices is not the one that the examination used; "
            "give the file of that one."
        )
    sha256 = conversion_sha256(Path(path))
    return {"conversion": Path(path).name, "conversion_sha256": sha256 or ""}


def _conversion_of(method: Mapping[str, Any], folder: Path) -> DeviceConversion | None:
    """Return the conversion that the method of a row names, if any, from a folder."""
    if method.get("conversion") is None:
        return None
    from napari_muscle_us.reference.conversion.conversion_file import (
        find_conversion,
        load_conversion,
    )

    name, sha256 = str(method["conversion"]), method.get("conversion_sha256")
    return load_conversion(find_conversion(name, sha256, folder))


def _row(
    examination: Examination,
    muscle: ExaminedMuscle,
    common: Mapping[str, Any],
    measured_at: str,
) -> dict[str, Any]:
    from napari_muscle_us.repeat_rows import SEVERAL
    from napari_muscle_us.results import canonical_json
    from napari_muscle_us.row_parts import SOFTWARE, registered

    if not muscle.measured.method:
        raise ResultsError(
            f"{muscle.label} comes from a spreadsheet, which names no images; only "
            "measured images give rows of the results table."
        )
    method = {**muscle.measured.method, **common, "side": muscle.side}
    if any(device != Device() for device in muscle.devices):
        method["devices"] = [_told(device) for device in muscle.devices]
    note = muscle.problem or " ".join(muscle.warnings)
    value = registered(Z_OF_REPEATS, muscle.z, method, note)
    return {
        "subject": examination.subject_code,
        "visit": examination.visit,
        "image": "",
        "frame": 0,
        "roi": "",
        "muscle": muscle.muscle,
        "side": muscle.side,
        "measure": value.measure,
        "value": value.value,
        "unit": value.unit,
        "method": canonical_json(method),
        "image_sha256": "",
        "roi_geometry": SEVERAL,
        "software_version": SOFTWARE,
        "measured_at": measured_at,
        "note": note,
    }


def _told(device: Device) -> dict[str, Any]:
    return {name: value for name, value in asdict(device).items() if value is not None}


def recompute_z(
    row: Mapping[str, Any],
    method: Mapping[str, Any],
    reference: ReferenceSet,
    measured: Sequence[tuple[float, Device]],
    *,
    folder: Path,
) -> float:
    """Return the Z-score of a row that `examination_rows` wrote.

    Parameters
    ----------
    row : mapping
        The row.
    method : mapping
        Its method.
    reference : ReferenceSet
        The set that the method names.
    measured : sequence of (float, Device)
        Of each image in ``inputs`` the measure of the rule, measured again, and what
        its file tells of the device.
    folder : Path
        Where the conversion is looked for that the method names, if it names one.

    Returns
    -------
    float
        NaN where there is no Z-score and the row has none either.

    Raises
    ------
    ResultsError
        If the row and its method contradict each other, or the conversion is gone.
    ReferenceSetError
        If the row has a Z-score and there is none.
    MeasureError
        If the rule is unknown.
    """
    from napari_muscle_us.measure.repeats import average_repeats, check_rule

    muscle, side = str(row["muscle"]), str(row["side"])
    inputs = method["inputs"]
    if any(entry.get("muscle") != muscle for entry in inputs):
        raise ResultsError("an image in the method is of another muscle than the row")
    if method.get("side") != side:
        raise ResultsError("the side in the method is another than that of the row")
    if not measured:
        return math.nan
    average = average_repeats(
        [value for value, _ in measured], rule=check_rule(method.get("rule"))
    )
    conversion = _conversion_of(method, folder)
    try:
        return score_average(
            reference,
            muscle,
            average.value,
            _subject(method),
            side=side,
            devices=_devices(method, [device for _, device in measured]),
            accept_device=method.get("accept_device") is True,
            conversion=conversion,
        ).z
    except ReferenceSetError:
        if math.isnan(float(row["value"])):
            return math.nan
        raise


def _subject(method: Mapping[str, Any]) -> Subject:
    words = [method.get(name) for name in ("sex", "handedness")]
    if not all(isinstance(word, str | None) for word in words):
        raise ResultsError("the person in the method of the Z-score is not usable")
    try:
        return Subject(**{name: method.get(name) for name in COVARIATES})
    except TypeError:
        raise ResultsError(
            "the person in the method of the Z-score is not usable"
        ) from None


def _devices(method: Mapping[str, Any], found: list[Device]) -> list[Device]:
    """Return the devices of the images, with what the method adds to their files."""
    told = method.get("devices")
    if told is None:
        return found
    if not isinstance(told, list) or len(told) != len(found):
        raise ResultsError("the devices in the method are not those of its images")
    return [_completed(file, entry) for file, entry in zip(found, told, strict=True)]


def _completed(file: Device, told: object) -> Device:
    if not isinstance(told, dict) or not all(
        isinstance(value, _DEVICE.get(name, ())) for name, value in told.items()
    ):
        raise ResultsError("a device in the method of the Z-score is not usable")
    for name in ("manufacturer", "model"):
        own = getattr(file, name)
        if own is not None and name in told and told[name] != own:
            raise ResultsError(
                f"the {name} in the method is {told[name]!r:.40}, of the image {own!r}"
            )
    missing = {k: v for k, v in told.items() if getattr(file, k) is None}
    return replace(file, **missing)
