"""Copies that do not tell who was scanned: elements, pixels, names, damage."""

from __future__ import annotations

import os
import random
import tracemalloc
from collections import Counter

import numpy as np
import pydicom
import pytest
from pydicom import DataElement, Dataset
from pydicom.data import get_testdata_file
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, RLELossless

import napari_muscle_us as mus
from napari_muscle_us.errors import ImageReadError, MuscleUSError, ResultsError
from napari_muscle_us.io import deidentify
from napari_muscle_us.io._identifier_scan import IdentifierScan
from napari_muscle_us.io._profile_actions import (
    Identifier,
    action_of,
    basic_profile,
    dummy_value,
)
from napari_muscle_us.io.deidentify import deidentify_dicom, preview_deidentified

GRAY = np.arange(10, 250, 10, dtype=np.uint8).reshape(4, 6)
RGB = np.stack([GRAY, np.fliplr(GRAY), np.flipud(GRAY)], axis=-1)
KEEP = (1, 3, 2, 5)
ENHANCED_US = "1.2.840.10008.5.1.4.1.1.6.2"


@pytest.fixture
def copied(tmp_path, to_bytes):
    """De-identify a data set (or bytes) the way a user does; give the copy, read."""

    def run(dataset, keep=KEEP, **options):
        content = dataset if isinstance(dataset, bytes) else to_bytes(dataset)
        (tmp_path / "in.dcm").write_bytes(content)
        preview = deidentify_dicom(
            tmp_path / "in.dcm", tmp_path / "out.dcm", keep=keep, **options
        )
        copy = pydicom.dcmread(tmp_path / "out.dcm")
        copy.preview, copy.raw = preview, (tmp_path / "out.dcm").read_bytes()
        return copy

    return run


# The table


def test_the_table_is_whole_and_says_what_the_standard_says():
    table = basic_profile()
    assert len(table) == 656
    assert Counter(table.values()) == {
        "X": 416,
        "D": 93,
        "U": 55,
        "Z": 42,
        "X/D": 23,
        "X/Z": 11,
        "X/Z/D": 8,
        "Z/D": 6,
        "X/Z/U*": 2,
    }
    # Typed from PS3.15 Table E.1-1.
    for keyword, action in {
        "PatientName": "Z",
        "PatientID": "Z/D",
        "PatientBirthDate": "Z",
        "PatientSex": "Z",
        "PatientAge": "X",
        "StudyDate": "Z",
        "SeriesDate": "X/D",
        "ContentDate": "Z/D",
        "AcquisitionDateTime": "X/Z/D",
        "AccessionNumber": "Z",
        "InstitutionName": "X/Z/D",
        "InstitutionAddress": "X",
        "StationName": "X/Z/D",
        "DeviceSerialNumber": "X/Z/D",
        "OperatorsName": "X/Z/D",
        "ReferringPhysicianName": "Z",
        "StudyDescription": "X",
        "SOPInstanceUID": "U",
        "StudyInstanceUID": "U",
        "SourceImageSequence": "X/Z/U*",
        "ContentSequence": "D",
        "IconImageSequence": "X",
    }.items():
        assert table[f"{tag_for_keyword(keyword):08X}"] == action, keyword
    assert table["60xx3000"] == table["50xxxxxx"] == table["private"] == "X"


@pytest.mark.parametrize(
    ("tag", "vr", "us", "other"),
    [
        (0x00081010, "SH", "X", "D"),
        (0x00080021, "DA", "X", "D"),
        (0x00080023, "DA", "Z", "D"),
        (0x00082112, "SQ", "X", "K"),
        (0x0040A730, "SQ", "X", "X"),
        (0x00080082, "SQ", "X", "Z"),
        (0x00080070, "LO", "K", "K"),
        (0x00186011, "SQ", "K", "K"),
        (0x60021500, "LO", "X", "X"),
        (0x50FE3000, "OW", "X", "X"),
        (0x00091001, "FD", "X", "X"),
        (0x00189FFF, "LO", "X", "X"),
        (0x7F000010, "OW", "X", "X"),
        (0x00000002, "UI", "X", "X"),
        (0x00080000, "UL", "X", "X"),
    ],
)
def test_the_action_of_an_element(tag, vr, us, other):
    assert action_of(tag, vr) == us
    assert action_of(tag, vr, strict_iod=True) == other


# Every attribute, planted


def planted(vr, number):
    """Return a distinctive value for a VR, and the bytes to look for."""
    texts = {
        "DA": f"18{number // 28 // 12 % 100:02}{number // 28 % 12 + 1:02}"
        f"{number % 28 + 1:02}",
        "TM": f"{number % 24:02}{number // 24 % 60:02}37.7{number:05}",
        "AS": f"{number % 900 + 99:03}Y",
        "DS": f"77{number:05}.25",
        "IS": f"88{number:05}",
        "UI": f"1.2.826.0.1.77{number:05}.3",
        "PN": f"Plant{number:05}^Anna",
    }
    texts["DT"] = texts["DA"] + "123456.777777"
    if vr == "SQ":
        item = Dataset()
        item.CodeMeaning = f"Inner{number:05}"
        item.PersonName = f"Hidden{number:05}^Person"
        item.PatientID = f"Deep{number:05}"
        return Sequence([item]), [f"Hidden{number:05}", f"Deep{number:05}"]
    if vr in ("OB", "OW", "OF", "OD", "OL", "OV", "UN"):
        return f"BLOB{number:012}".encode(), [f"BLOB{number:012}"]
    if vr in ("FD", "FL", "SL", "SS", "SV", "UL", "US", "UV", "AT"):
        return 77, []
    text = texts.get(vr, f"PLANT{number:05}")
    return text, [text] if vr != "AS" else []


def plant_all(dataset):
    """Put every listed attribute into a data set; return tags and what to find."""
    tags, words = {}, []
    for number, key in enumerate(sorted(basic_profile())):
        if key == "private" or key.startswith(("0000", "0002", "0004")):
            continue
        tag = int(key.replace("xxxxxx", "020110").replace("xx", "02"), 16)
        try:
            vr = dictionary_VR(tag).split(" or ")[-1]
        except KeyError:
            vr = "LO"
        value, found = planted(vr, number)
        dataset.add(DataElement(tag, vr, value))
        tags[tag] = vr
        words += found
    return tags, words


@pytest.fixture(scope="module")
def full(make_dataset, make_region):
    def build(sop_class=None):
        dataset = make_dataset(GRAY, regions=[make_region()], Manufacturer="ESAOTE")
        if sop_class:
            dataset.SOPClassUID = sop_class
            dataset.file_meta.MediaStorageSOPClassUID = sop_class
        tags, words = plant_all(dataset)
        # Again inside a sequence that stays, and inside a private one.
        inner = dataset.SequenceOfUltrasoundRegions[0]
        plant_all(inner)
        block = dataset.private_block(0x0009, "Planted maker", create=True)
        block.add_new(1, "LO", "Planted private")
        secret = Dataset()
        secret.PatientName = "Planted^Nested"
        block.add_new(2, "SQ", Sequence([secret]))
        inner.private_block(0x0011, "Planted inner", create=True).add_new(
            1, "UT", "Planted inner text"
        )
        meta = dataset.file_meta
        meta.SourceApplicationEntityTitle = "PLANTSOURCE"
        meta.SendingApplicationEntityTitle = "PLANTSENDER"
        meta.PrivateInformationCreatorUID = "1.2.826.0.1.8888.1"
        meta.PrivateInformation = b"PLANTINFORMATION"
        meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.preamble = b"PLANTPREAMBLE".ljust(128, b"P")
        return dataset, tags, words

    return build


@pytest.mark.parametrize("sop_class", [None, ENHANCED_US], ids=["us", "enhanced"])
def test_no_planted_value_is_left_anywhere(copied, full, to_bytes, sop_class):
    dataset, tags, words = full(sop_class)
    source = to_bytes(dataset)
    absent = [*words, "Planted", "PLANT", "Anna", "1.2.826.0.1.8888"]
    assert len(words) > 500
    assert all(word.encode() in source for word in absent)
    copy = copied(source, salt=bytes(range(32)))
    assert [w for w in absent if w.lower().encode() in copy.raw.lower()] == []
    for holder in (copy, copy.SequenceOfUltrasoundRegions[0]):
        for tag, vr in tags.items():
            action = action_of(tag, vr, strict_iod=sop_class is not None)
            assert (tag in holder) == (action != "X"), hex(tag)
            if action == "Z":
                assert not holder[tag].value
            elif action == "D" and vr != "UI":
                assert holder[tag].value == dummy_value(vr)
            elif action in "DU":
                assert holder[tag].value.startswith("2.25.")
    assert not any(element.tag.is_private for element in copy.iterall())


def test_the_report_names_elements_and_never_a_value(copied, full):
    dataset, tags, _ = full()
    preview = copied(dataset).preview
    assert {"PatientAge", "StationName", "(0009,1001)", "OverlayData"} <= set(
        preview.removed
    )
    assert {"PatientName", "PatientID", "StudyDate"} <= set(preview.emptied)
    assert {"StudyInstanceUID", "SOPInstanceUID"} <= set(preview.replaced)
    everything = repr((preview.removed, preview.emptied, preview.replaced))
    assert "lant" not in everything + repr(preview.notes)
    assert len(preview.removed + preview.emptied + preview.replaced) > len(tags)


def test_what_the_measurement_needs_stays(copied, make_dataset, make_region):
    dataset = make_dataset(
        GRAY,
        regions=[make_region()],
        Manufacturer="Süd & Co",
        ManufacturerModelName="MyLab",
        SpecificCharacterSet="ISO_IR 100",
        PatientName="Jörg^Käthe",
        TransducerData="LA523",
        ProcessingFunction="MSK",
        PixelSpacing=[0.2, 0.1],
        LossyImageCompression="01",
        LossyImageCompressionRatio="10",
    )
    copy = copied(dataset)
    for keyword in (
        "Manufacturer",
        "ManufacturerModelName",
        "TransducerData",
        "ProcessingFunction",
        "PixelSpacing",
        "LossyImageCompression",
        "LossyImageCompressionRatio",
        "Modality",
    ):
        assert copy[keyword].value == dataset[keyword].value
    assert copy.SequenceOfUltrasoundRegions == dataset.SequenceOfUltrasoundRegions
    assert copy.SpecificCharacterSet == "ISO_IR 192"
    assert "Süd".encode() in copy.raw
    assert b"\xf6rg" not in copy.raw
    assert "örg".encode() not in copy.raw


# UIDs and the file's own header


def test_uids_are_new_valid_and_agree_within_a_salt(copied, make_dataset):
    dataset = make_dataset(
        GRAY,
        StudyInstanceUID="1.2.826.0.1.55555.1",
        FrameOfReferenceUID="1.2.826.0.1.55555.1",
        SynchronizationFrameOfReferenceUID="1.2.840.10008.15.1.1",
    )
    salt = b"0123456789abcdef"
    one, two = copied(dataset, salt=salt), copied(dataset, salt=salt)
    other = copied(dataset)
    assert one.StudyInstanceUID == two.StudyInstanceUID == one.FrameOfReferenceUID
    assert one.SOPInstanceUID == two.SOPInstanceUID != one.StudyInstanceUID
    assert other.StudyInstanceUID not in (one.StudyInstanceUID, "1.2.826.0.1.55555.1")
    assert one.StudyInstanceUID.is_valid
    # Registered UIDs identify nobody.
    assert one.SynchronizationFrameOfReferenceUID == "1.2.840.10008.15.1.1"
    with pytest.raises(ResultsError, match="3 bytes"):
        copied(dataset, salt=b"abc")


def test_the_file_header_is_ours(copied, make_dataset):
    dataset = make_dataset(GRAY)
    dataset.preamble = b"II*\0" + b"scanned by Anna".ljust(124)
    dataset.file_meta.SourceApplicationEntityTitle = "ROOM-7"
    copy = copied(dataset)
    meta = copy.file_meta
    assert copy.raw[:132] == bytes(128) + b"DICM"
    assert meta.MediaStorageSOPInstanceUID == copy.SOPInstanceUID
    assert copy.SOPInstanceUID != dataset.SOPInstanceUID
    assert meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert meta.ImplementationVersionName.startswith("NAPARI_MUS")
    assert meta.ImplementationClassUID.startswith("2.25.")
    assert {e.keyword for e in meta} == {
        "FileMetaInformationGroupLength",
        "FileMetaInformationVersion",
        "MediaStorageSOPClassUID",
        "MediaStorageSOPInstanceUID",
        "TransferSyntaxUID",
        "ImplementationClassUID",
        "ImplementationVersionName",
    }


@pytest.mark.parametrize("stated", ["YES", "NO", None])
@pytest.mark.parametrize("confirmed", [False, True])
def test_no_more_is_claimed_than_was_done(copied, make_dataset, stated, confirmed):
    dataset = make_dataset(GRAY)
    if stated:
        dataset.BurnedInAnnotation = stated
    copy = copied(dataset, confirmed_clean=confirmed)
    assert copy.PatientIdentityRemoved == "YES"
    assert copy.LongitudinalTemporalInformationModified == "REMOVED"
    codes = [
        (item.CodeValue, item.CodingSchemeDesignator)
        for item in copy.DeidentificationMethodCodeSequence
    ]
    looked = any("look at the frames" in note for note in copy.preview.notes)
    if confirmed:
        assert codes == [("113100", "DCM"), ("113101", "DCM")]
        assert copy.BurnedInAnnotation == "NO"
        assert not looked
    else:
        assert codes == [("113100", "DCM")]
        assert copy.get("BurnedInAnnotation") == ("YES" if stated == "YES" else None)
        assert looked


# Values that stand elsewhere, too


def test_a_kept_text_that_repeats_a_name_goes_as_well(copied, make_dataset):
    dataset = make_dataset(
        GRAY,
        PatientName="Zzmarker^Anna",
        ProcessingFunction="preset of zzmarker",
        ManufacturerModelName="MyLab",
        StationName="MyLab",
        ImageType=["ORIGINAL", "PRIMARY"],
        SeriesDescription="ORIGINAL",
        PatientID="1234",
        DepthOfScanField="1234",
    )
    copy = copied(dataset)
    assert "ProcessingFunction" not in copy
    assert "ProcessingFunction" in copy.preview.removed
    assert any("ProcessingFunction repeated" in note for note in copy.preview.notes)
    # A device's name, a code and a number mean the same whoever was scanned.
    assert copy.ManufacturerModelName == "MyLab"
    assert list(copy.ImageType) == ["ORIGINAL", "PRIMARY"]
    assert copy.DepthOfScanField == 1234


def test_a_copy_of_a_copy_is_fine(copied, full):
    first = copied(full(ENHANCED_US)[0])
    again = copied(first.raw)
    assert again.StationName == first.StationName == dummy_value("SH")
    assert again.SOPInstanceUID != first.SOPInstanceUID


@pytest.mark.parametrize(
    "value", ["Zzmarker^Anna", "Zzmarker and company"], ids=["element", "text"]
)
def test_a_leak_is_found_before_the_file_is_there(
    copied, make_dataset, tmp_path, monkeypatch, value
):
    dataset = make_dataset(GRAY, PatientName="Zzmarker", ProcessingFunction=value)
    monkeypatch.setattr(
        deidentify, "without_repeats", lambda content, scan: (content, [])
    )
    with pytest.raises(ResultsError, match="still hold a value") as error:
        copied(dataset)
    assert "marker" not in str(error.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.dcm"]


@pytest.mark.parametrize(
    ("text", "vr", "content", "found"),
    [
        ("Zzmarker", "PN", b"xxZZMARKERxx", True),
        ("1234567", "LO", b"a 1234567 b", True),
        ("1234567", "LO", b"2.25.881234567", False),
        ("1234567", "LO", b"0.1234567", False),
        ("Anna", "PN", b"Dr.Anna\\B", True),
        ("Anna", "PN", b"Annaberg", False),
        ("1.2.3.4.5.6", "UI", b"1.2.3.4.5.6.7", False),
        ("1.2.3.4.5.6", "UI", b"1.2.3.4.5.6", True),
    ],
)
def test_how_values_are_found(text, vr, content, found):
    holder = Dataset()
    holder.ProcessingFunction = content.decode()
    scan = IdentifierScan([Identifier(text, "PatientName", vr)])
    assert bool(list(scan.leaks(holder))) is found


def test_bytes_outside_elements_are_searched():
    scan = IdentifierScan([Identifier("Müllerin", "PatientName", "PN")])
    for coding in ("utf-8", "latin-1", "utf-16-le"):
        content = b"\0\0" + "MÜLLERIN und Müllerin".encode(coding) + b"\0"
        assert scan.in_bytes(content, Dataset(), ours=())
    assert not scan.in_bytes(b"nothing", Dataset(), ours=())


# Pixels


def black_outside(pixels, keep=KEEP):
    outside = np.ones(pixels.shape[:2], bool)
    outside[keep[0] : keep[1], keep[2] : keep[3]] = False
    return pixels[outside]


def palette(dataset, bits=8):
    rising = np.arange(256, dtype=np.uint16)
    for colour in ("Red", "Green", "Blue"):
        keyword = f"{colour}PaletteColorLookupTable"
        # Darkest at index 200.
        table = ((rising - 200) % 256 << 8).astype("<u2").tobytes()
        setattr(dataset, f"{keyword}Descriptor", [256, 0, 16])
        setattr(dataset, f"{keyword}Data", table)
    return dataset


@pytest.mark.parametrize(
    ("pixels", "photometric", "tags", "black"),
    [
        (GRAY, "MONOCHROME2", {}, 0),
        (GRAY, "MONOCHROME1", {}, 255),
        (GRAY.astype("<u2") * 16, "MONOCHROME2", {"BitsStored": 12, "HighBit": 11}, 0),
        (GRAY.astype("<i2") - 99, "MONOCHROME2", {"PixelRepresentation": 1}, -32768),
        (GRAY.astype("<i2"), "MONOCHROME1", {"PixelRepresentation": 1}, 32767),
        (GRAY.astype("<u2"), "MONOCHROME2", {"RescaleSlope": -1}, 65535),
        (RGB, "RGB", {}, 0),
    ],
    ids=["gray", "inverted", "12-bit", "signed", "signed-1", "falling", "rgb"],
)
def test_black_in_the_terms_of_the_colour_model(
    copied, make_dataset, pixels, photometric, tags, black
):
    dataset = make_dataset(pixels, photometric, **tags)
    copy = copied(dataset)
    top, bottom, left, right = KEEP
    np.testing.assert_array_equal(
        copy.pixel_array[top:bottom, left:right], pixels[top:bottom, left:right]
    )
    assert set(np.unique(black_outside(copy.pixel_array))) == {black}
    assert copy.PhotometricInterpretation == photometric
    assert copy.BitsStored == dataset.BitsStored
    assert copy.preview.blacked == pytest.approx(1 - 6 / 24)


def test_the_darkest_colour_of_a_palette(copied, make_dataset):
    copy = copied(palette(make_dataset(GRAY, "PALETTE COLOR")))
    assert set(np.unique(black_outside(copy.pixel_array))) == {200}
    assert black_outside(copy.preview.frame).max() == 0
    assert copy.preview.frame.shape == (4, 6, 3)


def test_colours_by_planes_and_ybr_become_plain_rgb(copied, make_dataset):
    ybr = np.stack([GRAY, np.full_like(GRAY, 128), np.full_like(GRAY, 128)], axis=-1)
    copy = copied(make_dataset(ybr, "YBR_FULL"))
    assert (copy.PhotometricInterpretation, copy.PlanarConfiguration) == ("RGB", 0)
    assert (copy.pixel_array[1:3, 2:5] == GRAY[1:3, 2:5, None]).all()
    assert black_outside(copy.pixel_array).max() == 0
    planes = make_dataset(RGB, "RGB", PlanarConfiguration=1)
    planes.PixelData = np.moveaxis(RGB, -1, 0).tobytes()
    copy = copied(planes)
    assert copy.PlanarConfiguration == 0
    np.testing.assert_array_equal(copy.pixel_array[1:3, 2:5], RGB[1:3, 2:5])


def test_unused_bits_which_may_hold_graphics_are_cleared(copied, make_dataset):
    hidden = GRAY.astype("<u2") | 0x8000
    dataset = make_dataset(hidden, BitsStored=12, HighBit=11)
    assert copied(dataset).pixel_array.max() < 0x1000


REAL = (
    "dicom/GREYSCALE_CINE.dcm",
    "dicom/GREYSCALE_IMAGE.dcm",
    "dicom/JPGLosslessP14SV1_1s_1f_8b.dcm",
    "dicom/OBXXXX1A.dcm",
    "dicom/OBXXXX1A_2frame.dcm",
    "dicom/OBXXXX1A_expb.dcm",
    "dicom/OBXXXX1A_rle.dcm",
    "dicom/US-YBR_FULL_422-EVRLE.dcm",
    "dicom/US1_J2KI.dcm",
    "dicom/US1_UNCR.dcm",
    "dicom/color-pl.dcm",
    "dicom/color-px.dcm",
    "dicom/gdcm-US-ALOKA-16.dcm",
    "dicom/gdcm-US-ALOKA-16_big.dcm",
    "dicom/no-pixel-spacing.dcm",
    "phantom/sonoque_anechoic-3mm-3mm.dcm",
    "phantom/sonoque_axial-lateral-resolution-2020.dcm",
)
SHIPPED = (
    "examples_rgb_color.dcm",
    "examples_palette.dcm",
    "examples_jpeg2k.dcm",
    "ExplVR_BigEnd.dcm",
    "examples_ybr_color.dcm",
)
WITHOUT_REGION = ("US1_J2KI", "US1_UNCR", "color-pl", "color-px", "_rgb", "jpeg2k")
UNKNOWN_PLACE = (*WITHOUT_REGION, "ExplVR_BigEnd", "examples_ybr_color")


def identifying_texts(path):
    """Return the values of elements that name or date, by pydicom alone."""
    found = set()
    dataset = pydicom.dcmread(path, stop_before_pixels=True)
    for element in dataset.iterall():
        key = f"{int(element.tag):08X}"
        if element.VR in ("PN", "DA", "UI") and key in basic_profile():
            values = element.value if element.VM > 1 else [element.value]
            found |= {str(v) for v in values if len(str(v)) >= 8}
    return found


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [*REAL, *SHIPPED])
def test_real_files_keep_their_picture_and_lose_the_rest(shared, tmp_path, name):
    path = get_testdata_file(name) if name in SHIPPED else shared(f"data/{name}")
    image = mus.read_image(path)
    rows, columns = image.frame_shape
    keep = None
    if any(part in name for part in UNKNOWN_PLACE):
        with pytest.raises(ImageReadError, match="rows and columns"):
            deidentify_dicom(path, tmp_path / "copy.dcm")
        keep = (rows // 8, rows - 9, columns // 7, columns - 11)
    done = deidentify_dicom(path, tmp_path / "copy.dcm", keep=keep)
    copy = mus.read_image(tmp_path / "copy.dcm")
    inside = np.zeros(image.frame_shape, bool)
    for top, bottom, left, right in done.keep:
        inside[top:bottom, left:right] = True
    assert done.blacked == pytest.approx(1 - inside.mean())
    assert inside.mean() > 0.4
    for index in {0, image.n_frames // 2, image.n_frames - 1}:
        before, after = image.frame(index), copy.frame(index)
        assert (before.pixels[inside] == after.pixels[inside]).all()
        assert not after.pixels[~inside].any()
        none = np.zeros(image.frame_shape, bool)
        coloured = before.coloured if before.coloured is not None else none
        assert (
            copy.frame(index).coloured is None
            or (after.coloured[inside] == coloured[inside]).all()
        )
    assert copy.spacing_mm == image.spacing_mm
    assert copy.device == image.device
    assert copy.frame_times_s == image.frame_times_s
    assert copy.n_frames == image.n_frames
    raw = (tmp_path / "copy.dcm").read_bytes()
    head = raw[: raw.rindex(b"\xe0\x7f\x10\x00O")].lower()
    texts = identifying_texts(path)
    registered = {t for t in texts if t.startswith("1.2.840.10008.")}
    assert [t for t in texts - registered if t.lower().encode() in head] == []
    assert len(texts) >= 3


def test_the_preview_is_what_is_written(shared, tmp_path):
    path = shared("data/dicom/GREYSCALE_CINE.dcm")
    before = preview_deidentified(path)
    after = deidentify_dicom(path, tmp_path / "copy.dcm")
    written = pydicom.dcmread(tmp_path / "copy.dcm").pixel_array[0]
    np.testing.assert_array_equal(before.frame, written)
    assert before.removed == after.removed
    assert "PatientAge" in before.removed
    assert before.notes == after.notes


def test_a_clip_keeps_frames_and_times_and_a_lossless_copy_its_hash(
    copied, make_dataset
):
    frames = np.stack([GRAY, GRAY[::-1], GRAY // 2])
    dataset = make_dataset(
        GRAY,
        NumberOfFrames=3,
        PixelData=frames.tobytes(),
        FrameTime="40",
        FrameIncrementPointer=0x00181063,
        CineRate="25",
    )
    dataset.compress(RLELossless, generate_instance_uid=False)
    copy = copied(dataset, keep=(0, 4, 0, 6))
    np.testing.assert_array_equal(copy.pixel_array, frames)
    assert (copy.FrameTime, copy.CineRate, copy.NumberOfFrames) == (40, 25, 3)
    assert copy.FrameIncrementPointer == 0x00181063
    assert any("whole image" in note for note in copy.preview.notes)


def test_a_clip_is_never_in_memory_as_a_whole(tmp_path, make_dataset):
    frame = np.zeros((400, 500), np.uint8)
    dataset = make_dataset(frame, NumberOfFrames=150)
    dataset.PixelData = bytes(frame.size * 150)
    dataset.save_as(tmp_path / "in.dcm", enforce_file_format=True)
    del dataset
    deidentify_dicom(tmp_path / "in.dcm", tmp_path / "warm.dcm", keep=(0, 9, 0, 9))
    tracemalloc.start()
    deidentify_dicom(tmp_path / "in.dcm", tmp_path / "out.dcm", keep=(0, 9, 0, 9))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (tmp_path / "out.dcm").stat().st_size > 30_000_000
    assert peak < 6_000_000


# What is kept


def test_without_bounds_every_picture_is_kept_and_nothing_else(
    copied, make_dataset, make_region
):
    left = make_region(RegionLocationMaxX1=1, RegionLocationMaxY1=2)
    right = make_region(RegionLocationMinX0=4, RegionLocationMaxY1=2)
    bar = make_region(RegionDataType=13, RegionLocationMinX0=2, RegionLocationMaxX1=3)
    copy = copied(make_dataset(GRAY, regions=[left, right, bar]), keep=None)
    assert copy.preview.keep == ((0, 3, 0, 2), (0, 3, 4, 6))
    kept = np.zeros((4, 6), bool)
    kept[:3, [0, 1, 4, 5]] = True
    np.testing.assert_array_equal(copy.pixel_array, np.where(kept, GRAY, 0))


@pytest.mark.parametrize(
    "keep", [(0, 5, 0, 6), (2, 2, 0, 6), (0, 4, -1, 6), (0, 4, 0, 7), (3, 1, 0, 6)]
)
def test_bounds_outside_the_image_are_refused(copied, make_dataset, one_sentence, keep):
    with pytest.raises(ImageReadError, match="no part of an image of 4 × 6") as error:
        copied(make_dataset(GRAY), keep=keep)
    assert one_sentence(str(error.value))


# Names and places


@pytest.mark.parametrize("kind", ["same", "link", "hard"])
def test_the_original_is_never_overwritten(tmp_path, make_dataset, to_bytes, kind):
    path = tmp_path / "in.dcm"
    path.write_bytes(to_bytes(make_dataset(GRAY)))
    before = path.read_bytes()
    out = path if kind == "same" else tmp_path / "other.dcm"
    if kind == "link":
        out.symlink_to(path)
    elif kind == "hard":
        os.link(path, out)
    with pytest.raises(ResultsError, match="original itself"):
        deidentify_dicom(path, out, keep=KEEP)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "name",
    ["ZZMARKER.dcm", "copy_of_zzmarker_anna.dcm", "x-77001-y.dcm", "19010203.dcm"],
)
def test_a_name_that_tells_who_it_is_is_refused_without_quoting(
    tmp_path, make_dataset, to_bytes, name
):
    dataset = make_dataset(
        GRAY,
        PatientName="Zzmarker^Anna",
        PatientID="77001/A",
        PatientBirthDate="19010203",
    )
    (tmp_path / "in.dcm").write_bytes(to_bytes(dataset))
    with pytest.raises(ResultsError, match="name of the new file") as error:
        deidentify_dicom(tmp_path / "in.dcm", tmp_path / name, keep=KEEP)
    assert not any(part in str(error.value) for part in ("arker", "77001", "1901"))
    assert [p.name for p in tmp_path.iterdir()] == ["in.dcm"]
    deidentify_dicom(tmp_path / "in.dcm", tmp_path / "subject_01.dcm", keep=KEEP)


def test_what_is_no_dicom_or_no_file_is_refused(tmp_path, one_sentence):
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    for name in ("a.png", "missing.dcm", "no\0file"):
        with pytest.raises(ImageReadError) as error:
            deidentify_dicom(tmp_path / name, tmp_path / "out.dcm", keep=KEEP)
        assert one_sentence(str(error.value).replace("\0", ""))
    with pytest.raises(ResultsError):
        deidentify_dicom(tmp_path / "a.png", tmp_path / "no" / "out.dcm", keep=KEEP)
    assert [p.name for p in tmp_path.iterdir()] == ["a.png"]


# Damage


def test_any_damage_gives_a_clean_copy_or_a_refusal(
    tmp_path, make_dataset, make_region, to_bytes, caplog, capfd
):
    tags = {
        "PatientName": "Zzmarker^Anna",
        "PatientID": "Zzmarker-1",
        "StudyInstanceUID": "1.2.826.0.1.55555.1",
        "InstitutionName": "Zzmarker hospital",
    }
    plain = make_dataset(GRAY, regions=[make_region()], **tags)
    plain.private_block(0x11, "Maker", create=True).add_new(1, "LO", "Zzmarker")
    packed = make_dataset(GRAY, **tags)
    packed.compress(RLELossless, generate_instance_uid=False)
    sources = [
        to_bytes(plain),
        to_bytes(packed),
        to_bytes(palette(make_dataset(GRAY, "PALETTE COLOR", **tags))),
    ]
    chance = random.Random(5)
    outcomes, refused = Counter(), []
    path, out = tmp_path / "in.dcm", tmp_path / "out.dcm"
    for content in sources:
        for _ in range(90):
            broken = bytearray(content[: chance.randrange(300, len(content) + 600)])
            for _ in range(chance.randrange(1, 5)):
                broken[chance.randrange(132, len(broken))] = chance.randrange(256)
            path.write_bytes(broken)
            out.unlink(missing_ok=True)
            try:
                deidentify_dicom(path, out, keep=KEEP)
                outcomes["copied"] += 1
                assert mus.read_image(out).frame_shape[0] > 2
            except MuscleUSError as error:
                outcomes["refused"] += 1
                refused.append(error)
            left = {p.name for p in tmp_path.iterdir()}
            assert left in ({"in.dcm"}, {"in.dcm", "out.dcm"})
    assert min(outcomes["copied"], outcomes["refused"]) > 50
    # What is shown below "During handling …" would quote the file.
    assert all(e.__suppress_context__ or e.__context__ is None for e in refused)
    assert "marker" not in repr(list(map(str, refused)))
    assert "marker" not in (caplog.text + "".join(capfd.readouterr())).lower()


def test_a_frame_that_does_not_decode_leaves_no_file(tmp_path, make_dataset):
    dataset = make_dataset(GRAY, NumberOfFrames=2, PixelData=GRAY.tobytes() * 2)
    dataset.compress(RLELossless, generate_instance_uid=False)
    frames = pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=2)
    dataset.PixelData = pydicom.encaps.encapsulate([next(frames), bytes(66)])
    dataset.save_as(tmp_path / "in.dcm", enforce_file_format=True)
    with pytest.raises(ImageReadError, match="damaged"):
        deidentify_dicom(tmp_path / "in.dcm", tmp_path / "out.dcm", keep=KEEP)
    assert [p.name for p in tmp_path.iterdir()] == ["in.dcm"]


def test_elements_too_large_or_unreadable_are_left_out_and_said(
    tmp_path, copied, make_dataset
):
    dataset = make_dataset(GRAY, ProcessingFunction="MSK")
    dataset.add(DataElement(0x00283006, "OW", bytes(17_000_000)))
    copy = copied(dataset)
    assert 0x00283006 not in copy
    assert any("LUTData could not be read" in note for note in copy.preview.notes)


def test_a_file_without_sop_class_is_refused(copied, make_dataset, to_bytes):
    content = to_bytes(make_dataset(GRAY))
    uid = b"1.2.840.10008.5.1.4.1.1.6.1\0"
    assert content.count(uid) == 2
    # An empty element where the class stood, in the data set and the file's header.
    tag = b"\x08\x00\x16\x00UI" + len(uid).to_bytes(2, "little") + uid
    meta = b"\x02\x00\x02\x00UI" + len(uid).to_bytes(2, "little") + uid
    content = content.replace(tag, b"").replace(meta, b"")
    start = content.index(b"\x02\x00\x00\x00UL\x04\x00") + 8
    length = int.from_bytes(content[start : start + 4], "little") - len(meta)
    content = content[:start] + length.to_bytes(4, "little") + content[start + 4 :]
    with pytest.raises(ImageReadError, match="SOP class"):
        copied(content)
