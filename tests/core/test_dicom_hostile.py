"""DICOM that is damaged, lies or is personal: refused in a line that names nobody."""

from __future__ import annotations

import random

import numpy as np
import pytest
from pydicom.uid import RLELossless

import napari_muscle_us as mus
from napari_muscle_us.errors import ImageReadError

GRAY = np.arange(0, 240, 10, dtype=np.uint8).reshape(4, 6)
RGB = np.stack([GRAY, np.fliplr(GRAY), np.flipud(GRAY)], axis=-1)


def palette_dataset(make_dataset):
    dataset = make_dataset(GRAY, "PALETTE COLOR")
    for colour in ("Red", "Green", "Blue"):
        keyword = f"{colour}PaletteColorLookupTable"
        setattr(dataset, f"{keyword}Descriptor", [16, 0, 16])
        setattr(dataset, f"{keyword}Data", bytes(range(32)))
    return dataset


# Nobody's name

MARKER = "Zzmarker"


@pytest.fixture
def personal(make_dataset, make_region):
    dataset = make_dataset(
        GRAY,
        regions=[make_region()],
        Manufacturer="ESAOTE",
        PatientName=f"{MARKER}^Anna",
        PatientID=f"{MARKER}-1",
        PatientBirthDate="19010203",
        OtherPatientIDs=f"{MARKER}-2",
        PatientAddress=f"{MARKER} street",
        InstitutionName=f"{MARKER} hospital",
        OperatorsName=f"{MARKER}^Olga",
        ReferringPhysicianName=f"{MARKER}^Karl",
        StudyDescription=f"{MARKER} study",
        StationName=MARKER,
        AccessionNumber=MARKER,
        StudyDate="19010203",
    )
    block = dataset.private_block(0x0011, f"{MARKER} maker", create=True)
    block.add_new(1, "LO", f"{MARKER} secret")
    return dataset


def identifies(text):
    return MARKER.lower() in text.lower() or "1901" in text


def test_nothing_that_is_read_identifies_anyone(read, personal, to_bytes):
    assert MARKER.encode() in to_bytes(personal)
    image = read(personal)
    rows = mus.measure_rois(image, [mus.Rectangle(0, 0, 2, 3, name="BB")])
    for text in (repr(image), *image.warnings, rows.to_csv()):
        assert not identifies(text)


def test_no_message_about_a_damaged_file_identifies_anyone(
    read, personal, to_bytes, caplog, capfd
):
    content = to_bytes(personal)
    chance = random.Random(1)
    refused, texts = [], []
    for _ in range(300):
        broken = bytearray(content[: chance.randrange(200, len(content) + 400)])
        for _ in range(chance.randrange(1, 6)):
            broken[chance.randrange(132, len(broken))] = chance.randrange(256)
        try:
            texts.append(repr(read(bytes(broken))))
        except ImageReadError as error:
            refused.append(error)
    assert len(refused) > 50
    # What is shown below "During handling …" would quote the file.
    assert all(e.__suppress_context__ or e.__context__ is None for e in refused)
    assert not [t for t in (*texts, *map(str, refused)) if identifies(t)]
    out, err = capfd.readouterr()
    assert not identifies(caplog.text + out + err)


# Files that lie


@pytest.mark.parametrize("pixels", [GRAY, RGB], ids=["gray", "rgb"])
def test_a_file_cut_short_is_refused(read, make_dataset, to_bytes, pixels):
    kind = "RGB" if pixels.ndim == 3 else "MONOCHROME2"
    content = to_bytes(make_dataset(pixels, kind))
    chance = random.Random(2)
    for length in {*range(1, 140, 7), *chance.sample(range(len(content) - 1), 40)}:
        with pytest.raises(ImageReadError, match=r"'scan\.dcm'"):
            read(content[:length] or b"\0")


def test_any_damage_gives_an_image_or_a_refusal(
    read, make_dataset, make_region, to_bytes
):
    plain = make_dataset(GRAY, regions=[make_region()], Manufacturer="ESAOTE")
    palette = palette_dataset(make_dataset)
    packed = make_dataset(GRAY)
    packed.compress(RLELossless, generate_instance_uid=False)
    chance = random.Random(3)
    outcomes = {"read": 0, "refused": 0}
    for content in (to_bytes(d) for d in (plain, palette, packed)):
        for _ in range(400):
            broken = bytearray(content)
            for _ in range(chance.randrange(1, 5)):
                broken[chance.randrange(132, len(broken))] = chance.randrange(256)
            try:
                read(bytes(broken))
                outcomes["read"] += 1
            except ImageReadError:
                outcomes["refused"] += 1
    assert min(outcomes.values()) > 100


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"Rows": 60000, "Columns": 60000}, "60000 × 60000 pixels"),
        ({"Rows": 5000}, "damaged or cut short"),
        ({"Rows": 0}, "0 × 6 pixels"),
        ({"Rows": None}, "damaged"),
        ({"BitsStored": None}, "damaged"),
        ({"BitsStored": 12, "BitsAllocated": 16}, "lowest bit"),
        ({"NumberOfFrames": 2}, "cut short"),
        ({"PhotometricInterpretation": "HSV"}, "colour model 'HSV'"),
        ({"PixelData": None}, "without pixels"),
        ({"PixelData": b""}, "'scan.dcm'"),
        ({"SamplesPerPixel": 7}, "'scan.dcm'"),
        ({"BitsAllocated": 16}, "8-bit|damaged|uint8"),
    ],
    ids=lambda v: "-".join(v) if isinstance(v, dict) else "",
)
def test_what_the_header_says_is_checked(read, make_dataset, one_sentence, tags, words):
    with pytest.raises(ImageReadError, match=words) as error:
        read(make_dataset(GRAY, **tags))
    assert one_sentence(str(error.value))


@pytest.mark.parametrize(
    "content",
    [b"\0" * 128 + b"DICM", b"\0" * 128 + b"DICM" + b"\xff" * 300, b"\x08\0\0\0"],
    ids=["preamble-only", "noise", "group-only"],
)
def test_a_header_without_a_data_set_is_refused(read, content):
    with pytest.raises(ImageReadError, match=r"'scan\.dcm'"):
        read(content)
