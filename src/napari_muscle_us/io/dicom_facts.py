"""What a DICOM header tells of scanner, person and time, without identity.

Elements are asked for one by one, and a damaged one counts as missing: a wrong age or
frame rate must not keep an image from opening.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from napari_muscle_us.image import Device, Person
from napari_muscle_us.io._pydicom import quiet_pydicom
from napari_muscle_us.io.dicom_elements import (
    items_of,
    line_of,
    number_of,
    text_of,
    within,
)
from napari_muscle_us.io.dicom_time import acquired_after_s, date_from, frame_times

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["acquired_after_s", "device_of", "frame_times", "person_of"]

MAX_AGE_YEARS: Final = 120
HEIGHT_CM: Final = (30.0, 250.0)
WEIGHT_KG: Final = (1.0, 400.0)
DEPTH_MM: Final = (1.0, 1000.0)
FREQUENCY_MHZ: Final = (0.5, 100.0)
MECHANICAL_INDEX: Final = (0.0, 10.0)

_SEX: Final = {"M": "male", "MALE": "male", "F": "female", "FEMALE": "female"}
_DAYS_PER_YEAR: Final = 365.25
_PER_YEAR: Final = {"D": _DAYS_PER_YEAR, "W": _DAYS_PER_YEAR / 7, "M": 12.0, "Y": 1.0}
# What de-identification writes for a birth date that it took out.
_NO_BIRTH_DATE: Final = "19000101"
# RegionSpatialFormat and RegionDataType of a 2-D picture of tissue.
_TISSUE: Final = (1, 1)


def device_of(dataset: Dataset) -> Device:
    """Return the scanner and its settings as far as the DICOM standard has a place.

    Overall gain and dynamic range have none: TotalGain (0018,5040) and DynamicRange
    (0018,5030) are retired and the standard gives no unit for them, so `gain_db` and
    `dynamic_range_db` stay ``None``. ProtocolName and the descriptions are free text,
    which may hold a name, and are not looked at.

    Parameters
    ----------
    dataset : pydicom.Dataset
        Header of an ultrasound image.

    Returns
    -------
    Device
        Texts as one printable line of up to 64 characters; of several values the
        first that is not empty. `frequency_mhz` is the nominal frequency of the 2-D
        tissue regions, ``None`` where they disagree. Implausible numbers are
        ``None``: a depth outside 1 to 1000 mm, a frequency outside 0.5 to 100 MHz, a
        mechanical index outside 0 to 10.

    References
    ----------
    DICOM PS3.3 C.7.5.1 (General Equipment), C.8.5.5 (US Region Calibration), C.8.5.6
    (US Image).

    Examples
    --------
    >>> from pydicom import Dataset
    >>> header = Dataset()
    >>> header.Manufacturer, header.ManufacturerModelName = "ESAOTE", "6100"
    >>> str(device_of(header))
    'ESAOTE 6100'
    """
    with quiet_pydicom():
        return Device(
            manufacturer=line_of(dataset, "Manufacturer"),
            model=line_of(dataset, "ManufacturerModelName"),
            transducer=line_of(dataset, "TransducerData")
            or line_of(dataset, "TransducerType"),
            preset=line_of(dataset, "ProcessingFunction"),
            depth_mm=within(number_of(dataset, "DepthOfScanField"), DEPTH_MM),
            frequency_mhz=_frequency_mhz(dataset),
            software=line_of(dataset, "SoftwareVersions"),
            mechanical_index=within(
                number_of(dataset, "MechanicalIndex"), MECHANICAL_INDEX
            ),
        )


def person_of(dataset: Dataset) -> Person:
    """Return age, sex, height and weight; nothing that names the person.

    Parameters
    ----------
    dataset : pydicom.Dataset
        Header of an image.

    Returns
    -------
    Person
        `age_years` from PatientAge (``058Y``, ``018M``, ``003W``, ``010D``); without
        it, from birth to study in completed years, or below two years in completed
        months: an exact age together with the date of the study would give the
        birthday away. Implausible values are ``None``: an age of zero or above 120
        years, a height outside 0.3 to 2.5 m, a weight outside 1 to 400 kg.

    References
    ----------
    DICOM PS3.3 C.7.2.2 (Patient Study), PS3.5 6.2 (Age String).

    Examples
    --------
    >>> from pydicom import Dataset
    >>> header = Dataset()
    >>> header.PatientAge, header.PatientSex, header.PatientSize = "018M", "F", "0.82"
    >>> person_of(header)
    Person(age_years=1.5, sex='female', height_cm=82.0, weight_kg=None)
    """
    with quiet_pydicom():
        metres = number_of(dataset, "PatientSize")
        age = _stated_age(dataset)
        return Person(
            age_years=_age_at_study(dataset) if age is None else age,
            sex=_SEX.get((text_of(dataset, "PatientSex") or "").upper()),
            height_cm=within(metres and round(metres * 100, 6), HEIGHT_CM),
            weight_kg=within(number_of(dataset, "PatientWeight"), WEIGHT_KG),
        )


def _frequency_mhz(dataset: Dataset) -> float | None:
    regions = items_of(dataset, "SequenceOfUltrasoundRegions")
    kinds = [
        (number_of(region, "RegionSpatialFormat"), number_of(region, "RegionDataType"))
        for region in regions
    ]
    tissue = [r for r, kind in zip(regions, kinds, strict=True) if kind == _TISSUE]
    # In kHz. Doppler is transmitted lower than the picture, so tissue goes first.
    told = {number_of(region, "TransducerFrequency") for region in tissue or regions}
    told -= {None, 0.0}
    if len(told) != 1:
        return None
    return within((told.pop() or 0.0) / 1000, FREQUENCY_MHZ)


def _stated_age(dataset: Dataset) -> float | None:
    text = (text_of(dataset, "PatientAge") or "").upper()
    match = re.fullmatch(r"(\d{1,3})([DWMY])", text, re.ASCII)
    if match is None:
        return None
    years = int(match[1]) / _PER_YEAR[match[2]]
    # Zero is what de-identification writes.
    return years if 0 < years <= MAX_AGE_YEARS else None


def _age_at_study(dataset: Dataset) -> float | None:
    text = text_of(dataset, "PatientBirthDate")
    born = None if text == _NO_BIRTH_DATE else date_from(text)
    moment = text_of(dataset, "AcquisitionDateTime") or ""
    days = (
        date_from(text_of(dataset, "StudyDate")),
        date_from(text_of(dataset, "AcquisitionDate")),
        date_from(moment[:8]),
    )
    then = next((day for day in days if day is not None), None)
    if born is None or then is None:
        return None
    months = 12 * (then.year - born.year) + then.month - born.month
    months -= then.day < born.day
    age = months / 12 if months < 24 else float(months // 12)
    return age if 0 < age <= MAX_AGE_YEARS else None
