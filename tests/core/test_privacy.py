"""Nothing that names a person, a place or a study leaves the DICOM reader."""

from __future__ import annotations

import dataclasses
import functools
import logging
import re
import traceback
import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.multival import MultiValue

import napari_muscle_us as mus
from napari_muscle_us.errors import ImageReadError

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
WHEEL = Path(pydicom.__file__).parent / "data" / "test_files"

FILES = {
    **{f"pydicom/{p.name}": p for p in sorted(WHEEL.glob("examples_*.dcm"))},
    "pydicom/ExplVR_BigEnd.dcm": WHEEL / "ExplVR_BigEnd.dcm",
    **{
        p.relative_to(DATA).as_posix(): p
        for p in sorted([*DATA.glob("dicom/*.dcm"), *DATA.glob("phantom/*.dcm")])
    },
}

NAMED = (
    "PatientName",
    "PatientID",
    "OtherPatientIDs",
    "PatientBirthDate",
    "PatientAddress",
    "AccessionNumber",
    "StudyID",
    "RequestedProcedureID",
    "PerformedProcedureStepID",
    "InstitutionName",
    "InstitutionAddress",
    "InstitutionalDepartmentName",
    "ReferringPhysicianName",
    "OperatorsName",
    "PerformingPhysicianName",
    "StationName",
    "NetworkID",
    "DeviceSerialNumber",
    "StudyDescription",
    "AdditionalPatientHistory",
)
IDENTIFYING_VRS = ("PN", "UI", "DA", "DT")
TEXT_VRS = ("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UI", "UT", "DA", "DT")
# What the reader is meant to tell; a private copy of it is no secret.
PUBLIC = (
    "Manufacturer",
    "ManufacturerModelName",
    "TransducerData",
    "TransducerType",
    "ProcessingFunction",
    "SoftwareVersions",
)
CUTS = 20


def values_of(element):
    several = isinstance(element.value, MultiValue | list)
    return [str(v) for v in (element.value if several else [element.value])]


def text_in(element):
    """Return the text of an element, also where pydicom does not know it is text."""
    if element.VR in TEXT_VRS:
        return values_of(element)
    if element.tag.is_private and isinstance(element.value, bytes):
        return re.findall(r"[ -~]{4,200}", element.value.decode("latin-1"))
    return []


@functools.cache
def secrets_of(path):
    """Return what must not be told of a file, read by pydicom."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        header = pydicom.dcmread(path, stop_before_pixels=True)
        told = " ".join(str(header.get(keyword, "")) for keyword in PUBLIC)
        found = set()
        for element in [*header.iterall(), *header.file_meta]:
            named = element.keyword in NAMED or element.VR in IDENTIFYING_VRS
            if not (named or element.tag.is_private):
                continue
            for text in text_in(element):
                found.add(text.strip())
                if element.VR == "PN":
                    found.update(re.split(r"[\^= ]+", text))
    long_enough = {text for text in found if len(re.findall("[A-Za-z0-9]", text)) >= 4}
    return frozenset(text for text in long_enough if text not in told)


def leaks(text, path):
    """Return the secrets of a file that stand in a text as words of their own."""
    return [
        secret
        for secret in sorted(secrets_of(path))
        if secret in text
        and re.search(rf"(?<![\w.]){re.escape(secret)}(?!\w)", text) is not None
    ]


def everything_said(*images):
    """Return all text of images: their own words and each field, pixels left out."""
    parts = [part for i in images for part in (repr(i), str(i), str(i.device))]
    todo = [*images]
    while todo:
        item = todo.pop()
        if dataclasses.is_dataclass(item):
            todo.extend(getattr(item, f.name) for f in dataclasses.fields(item))
        elif isinstance(item, tuple | list):
            todo.extend(item)
        elif not isinstance(item, np.ndarray):
            parts.append(str(item))
    return "\n".join(parts)


@pytest.fixture
def silence(caplog, capfd):
    """Give a function that returns what was logged, printed or warned of so far."""
    caplog.set_level(logging.DEBUG)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")

        def heard():
            out, err = capfd.readouterr()
            return "\n".join([caplog.text, out, err, *(str(w.message) for w in caught)])

        yield heard


def listen(path):
    """Read a file as a user does and return all that is said of it."""
    images, errors = [], []
    try:
        images.append(mus.read_image(path))
        images.append(images[0].frame(images[0].n_frames - 1))
    except ImageReadError as error:
        errors.extend(traceback.format_exception(error))
    return "\n".join([everything_said(*images), *errors])


def present(name):
    if not FILES[name].exists():
        pytest.skip("needs ../shared/data beside the repository")
    return FILES[name]


def anonymous_copy(path, folder, size=None):
    """Copy a file, or its beginning, under a name that tells nothing."""
    copy = folder / "scan.dcm"
    content = path.read_bytes()
    copy.write_bytes(content if size is None else content[:size])
    return copy


def test_there_is_something_to_hide():
    hidden = {name: len(secrets_of(path)) for name, path in FILES.items()}
    assert len(hidden) >= 6
    assert min(hidden.values()) >= 4
    assert sum(hidden.values()) >= 50


def test_a_leak_would_be_noticed(tmp_path):
    path = FILES["pydicom/examples_overlay.dcm"]
    image = mus.read_image(anonymous_copy(path, tmp_path))
    assert leaks(everything_said(image), path) == []
    for secret in secrets_of(path):
        device = dataclasses.replace(image.device, preset=f"of {secret}.")
        chatty = dataclasses.replace(image, device=device)
        assert secret in leaks(everything_said(chatty), path)


@pytest.mark.parametrize("name", FILES)
def test_an_image_tells_nothing(tmp_path, silence, name):
    path = present(name)
    copy = anonymous_copy(path, tmp_path)
    said = listen(copy)
    assert "UltrasoundImage(" in said
    assert copy.name in said
    assert leaks(said, path) == []
    assert leaks(silence(), path) == []


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_short_tells_nothing(tmp_path, silence, name):
    path = present(name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        header = pydicom.dcmread(path, defer_size=1000)
    head = header["PixelData"].file_tell
    whole = path.stat().st_size
    # Half of the cuts fall among the elements, half in the pixels.
    half = CUTS // 2
    cuts = [head * i // half for i in range(half)]
    cuts += [head + (whole - head) * i // half for i in range(half)]
    refused = 0
    for size in cuts:
        said = listen(anonymous_copy(path, tmp_path, size))
        refused += "ImageReadError" in said
        assert leaks(said, path) == []
    assert refused >= half
    assert leaks(silence(), path) == []


SECRET = "Smithson"


@pytest.mark.parametrize(
    ("keyword", "filler"),
    [
        ("PatientAge", "0123456Y"),
        ("PatientSex", "MMMMMMMM"),
        ("PatientSize", "1.234567"),
        ("PatientWeight", "71.23456"),
        ("PatientBirthDate", "19510829"),
        ("StudyDate", "20170302"),
        ("AcquisitionDate", "20170302"),
        ("ContentDate", "20170302"),
        ("StudyTime", "12345678"),
        ("DepthOfScanField", "12345678"),
        ("MechanicalIndex", "1.234567"),
        ("FrameTime", "33.33333"),
        ("CineRate", "12345678"),
        ("WindowCenter", "127.1234"),
        ("RescaleSlope", "1.000000"),
        ("LossyImageCompression", "00000000"),
        ("PixelSpacing", "0.123456"),
        ("NumberOfFrames", "00000001"),
    ],
)
def test_text_in_the_wrong_element_is_not_repeated(
    tmp_path, silence, make_dataset, make_region, to_bytes, keyword, filler
):
    pixels = np.arange(24, dtype=np.uint8).reshape(4, 6)
    with pydicom.config.disable_value_validation():
        dataset = make_dataset(pixels, regions=[make_region()], **{keyword: filler})
        content = to_bytes(dataset)
    assert content.count(filler.encode()) == 1
    copy = tmp_path / "scan.dcm"
    copy.write_bytes(content.replace(filler.encode(), SECRET.encode()))
    assert SECRET.encode() in copy.read_bytes()
    assert SECRET not in listen(copy)
    assert SECRET not in silence()
