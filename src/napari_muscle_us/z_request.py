"""What a Z-score is asked for, and how a results row keeps it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_muscle_us.image import UltrasoundImage
    from napari_muscle_us.reference.conversion.device_conversion import DeviceConversion
    from napari_muscle_us.reference.model import ZScore
    from napari_muscle_us.reference.subject import Subject
    from napari_muscle_us.roi.shapes import Roi


@dataclass(frozen=True, slots=True)
class ZScoreRequest:
    """What a Z-score is asked for: the set, the person, the device question.

    Attributes
    ----------
    reference : str or Path
        Name or file of the reference set.
    subject : Subject
        Age, sex, height, weight and handedness.
    accept_device : bool
        Whether the user answers for an image of another device.
    note_problems : bool
        Whether a muscle or person that does not fit the set gives NaN with a note,
        instead of an error.
    conversion : str or Path, optional
        File of a device conversion, for an image of its source device.
    """

    reference: str | Path
    subject: Subject
    accept_device: bool = False
    note_problems: bool = False
    conversion: str | Path | None = None


def compute_z_score(
    image: UltrasoundImage, roi: Roi, echo_intensity: float, request: ZScoreRequest
) -> ZScore:
    """Return the Z-score of a region's echo intensity.

    Raises
    ------
    DeviceMismatchError
        If the image is from another device than the set.
    ReferenceSetError
        If the muscle is not in the set, or the person does not fit.
    """
    from napari_muscle_us.reference.load import load_reference
    from napari_muscle_us.reference.look_up import look_up

    return look_up(
        load_reference(request.reference),
        roi.muscle,
        echo_intensity,
        request.subject,
        side=roi.side,
        # A set of the same measure in decibels must not be compared with.
        unit="gray level",
        device=image.device,
        accept_device=request.accept_device,
        conversion=load_conversion_of(request),
    )


def load_conversion_of(request: ZScoreRequest) -> DeviceConversion | None:
    """Return the device conversion of a request, ``None`` where it has none."""
    if request.conversion is None:
        return None
    from napari_muscle_us.reference.conversion.conversion_file import load_conversion

    return load_conversion(request.conversion)


def request_method(request: ZScoreRequest) -> dict[str, Any]:
    """Return what a results row keeps of a request, to compute it again.

    Raises
    ------
    ReferenceSetError
        If the set or the conversion cannot be read.
    """
    from napari_muscle_us.reference.load import reference_sha256

    person = request.subject
    method = {
        # Of a file only the name: a folder can tell who works here.
        "reference": Path(request.reference).name,
        "reference_sha256": reference_sha256(request.reference),
        "age_years": person.age_years,
        "sex": person.sex,
        "height_cm": person.height_cm,
        "weight_kg": person.weight_kg,
        "accept_device": request.accept_device,
    }
    if person.handedness is not None:
        method["handedness"] = person.handedness
    if request.conversion is not None:
        path = Path(request.conversion)
        method["conversion"] = path.name
        method["conversion_sha256"] = conversion_sha256(path)
    return method


def conversion_sha256(path: Path) -> str:
    """Return the SHA-256 of the file of a device conversion.

    Raises
    ------
    ReferenceSetError
        If the file cannot be read or is no conversion.
    """
    from napari_muscle_us.reference.conversion.conversion_file import load_conversion

    # Read first: what is wrong with the file is said in its words.
    load_conversion(path)
    return hashlib.sha256(path.read_bytes()).hexdigest()
