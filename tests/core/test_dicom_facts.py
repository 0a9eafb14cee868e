"""Scanner, person and times of a DICOM header, checked by hand and on real files."""

from __future__ import annotations

import io
import itertools
import math
import warnings

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.data import get_testdata_file

from napari_muscle_us.image import Device, Person
from napari_muscle_us.io.dicom_facts import (
    acquired_after_s,
    device_of,
    frame_times,
    person_of,
)


def header(**elements) -> Dataset:
    """Return a data set; values that the standard forbids are put in all the same."""
    dataset = Dataset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for keyword, value in elements.items():
            setattr(dataset, keyword, value)
    return dataset


def raw_header(**elements: str) -> Dataset:
    """Return a data set as read from a file, its values not looked at yet."""
    parts = [b"\0" * 128, b"DICM"]
    tags = sorted((pydicom.datadict.tag_for_keyword(k), v) for k, v in elements.items())
    for tag, value in tags:
        content = value.encode() + b" " * (len(value) % 2)
        vr = pydicom.datadict.dictionary_VR(tag).encode()
        parts.append(tag.to_bytes(4)[1::-1] + tag.to_bytes(4)[:1:-1] + vr)
        parts.append(len(content).to_bytes(2, "little") + content)
    return pydicom.dcmread(io.BytesIO(b"".join(parts)), force=True)


# Scanner

REAL_DEVICES = {
    "GREYSCALE_CINE.dcm": Device(
        "Philips Medical Systems",
        "EPIQ 5G",
        transducer="L12_5",
        preset="SM_PRTS_ADV_BREAST",
        software="EPIQ 5G_1.5.6.850",
    ),
    "gdcm-US-ALOKA-16.dcm": Device(
        "ALOKA CO., LTD.",
        "SSD-4000",
        depth_mm=150,
        frequency_mhz=5.0,
        software="00-2.0.0(29Oct)",
    ),
    "US-YBR_FULL_422-EVRLE.dcm": Device("ESAOTE", "6100", software="Sw pack: V 6.10"),
}


@pytest.mark.parametrize("name", REAL_DEVICES)
def test_device_of_a_real_file(shared, name):
    dataset = pydicom.dcmread(shared(f"data/dicom/{name}"), stop_before_pixels=True)
    assert device_of(dataset) == REAL_DEVICES[name]


def test_device_of_nothing_is_unknown():
    assert device_of(Dataset()) == Device()


def test_texts_become_one_short_printable_line():
    dataset = header(
        Manufacturer="A\nB\u202eC" + "x" * 100,
        ManufacturerModelName=["", " \0", "second"],
        TransducerData=["", ""],
        TransducerType="LINEAR",
    )
    device = device_of(dataset)
    assert device.manufacturer == "ABC" + "x" * 61
    assert device.model == "second"
    assert device.transducer == "LINEAR"


@pytest.mark.parametrize(
    ("element", "value", "attribute", "expected"),
    [
        ("MechanicalIndex", "0", "mechanical_index", 0.0),
        ("MechanicalIndex", "0.9", "mechanical_index", 0.9),
        ("MechanicalIndex", "-1", "mechanical_index", None),
        ("MechanicalIndex", "NaN", "mechanical_index", None),
        ("MechanicalIndex", "low", "mechanical_index", None),
        ("MechanicalIndex", "0.9\\1.1", "mechanical_index", None),
        ("DepthOfScanField", "40", "depth_mm", 40.0),
        ("DepthOfScanField", "0", "depth_mm", None),
        ("DepthOfScanField", "-40", "depth_mm", None),
        ("DepthOfScanField", "4E9", "depth_mm", None),
    ],
)
def test_numbers_of_the_device(element, value, attribute, expected):
    assert getattr(device_of(raw_header(**{element: value})), attribute) == expected


@pytest.mark.parametrize(
    ("frequencies", "expected"),
    [
        ([(1, 1, 7500)], 7.5),
        ([(1, 1, 7500), (3, 3, 5000)], 7.5),
        ([(1, 1, 7500), (1, 1, 10000)], None),
        ([(1, 1, 10000), (1, 1, 10000)], 10.0),
        ([(1, 2, 5000)], 5.0),
        ([(1, 1, 0)], None),
        ([(1, 1, None)], None),
        ([(1, 1, 7)], None),
        ([(1, 1, 7_500_000)], None),
    ],
)
def test_frequency_is_that_of_the_tissue(make_region, frequencies, expected):
    regions = [
        make_region(RegionSpatialFormat=f, RegionDataType=t, TransducerFrequency=khz)
        for f, t, khz in frequencies
    ]
    device = device_of(header(SequenceOfUltrasoundRegions=regions))
    assert device.frequency_mhz == expected


def test_retired_gain_and_range_without_unit_are_not_used():
    device = device_of(header(TotalGain="55", DynamicRange="60"))
    assert (device.gain_db, device.dynamic_range_db) == (None, None)


# Person


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("058Y", 58.0),
        ("018M", 1.5),
        ("003W", 21 / 365.25),
        ("010D", 10 / 365.25),
        ("58Y", 58.0),
        ("120Y", 120.0),
        ("121Y", None),
        ("000Y", None),
        ("058", None),
        ("58 years", None),
        ("-58Y", None),
        ("٠٥٨Y", None),
        ("058Y\\059Y", None),
    ],
)
def test_stated_age(text, years):
    dataset = Dataset()
    dataset.add(pydicom.DataElement("PatientAge", "LO", text.split("\\")))
    age = person_of(dataset).age_years
    assert age == (None if years is None else pytest.approx(years, rel=1e-12))


@pytest.mark.parametrize(
    ("born", "studied", "years"),
    [
        ("19510829", "20170302", 65.0),
        ("19510302", "20170302", 66.0),
        ("19510303", "20170302", 65.0),
        ("20150901", "20170302", 1.5),
        ("20150303", "20170302", 23 / 12),
        ("20150302", "20170302", 2.0),
        ("20160229", "20200228", 3.0),
        ("20160229", "20200229", 4.0),
        ("20170302", "20170302", None),
        ("20180101", "20170302", None),
        ("19000101", "20170302", None),
        ("18500615", "20170302", None),
        ("1951.08.29", "2017.03.02", 65.0),
        ("--", "20170302", None),
        ("19510829", "", None),
        ("19511329", "20170302", None),
    ],
)
def test_age_from_birth_to_study(born, studied, years):
    dataset = raw_header(PatientBirthDate=born, StudyDate=studied)
    assert person_of(dataset).age_years == years


def test_age_at_acquisition_without_a_date_of_the_study():
    dataset = raw_header(PatientBirthDate="19510829", AcquisitionDate="20170302")
    assert person_of(dataset).age_years == 65
    dataset = raw_header(
        PatientBirthDate="19510829", AcquisitionDateTime="20170302172454-0500"
    )
    assert person_of(dataset).age_years == 65


def test_stated_age_goes_before_the_birth_date():
    elements = {"PatientBirthDate": "19510829", "StudyDate": "20170302"}
    assert person_of(raw_header(PatientAge="070Y", **elements)).age_years == 70
    assert person_of(raw_header(PatientAge="000Y", **elements)).age_years == 65


def test_stated_and_computed_age_of_a_real_file_agree(shared):
    dataset = pydicom.dcmread(
        shared("data/dicom/GREYSCALE_CINE.dcm"), stop_before_pixels=True
    )
    stated = person_of(dataset)
    assert stated == Person(age_years=65.0, sex="male")
    del dataset.PatientAge
    assert person_of(dataset) == stated


@pytest.mark.parametrize(
    ("text", "sex"),
    [
        ("M", "male"),
        ("F", "female"),
        ("f", "female"),
        ("Male", "male"),
        ("O", None),
        ("", None),
        ("X", None),
    ],
)
def test_sex(text, sex):
    assert person_of(raw_header(PatientSex=text)).sex == sex


@pytest.mark.parametrize(
    ("metres", "cm"),
    [
        ("1.8", 180.0),
        ("1.15", 115.0),
        ("0.30", 30.0),
        ("2.5", 250.0),
        ("0.29", None),
        ("2.51", None),
        ("180", None),
        ("0.000000", None),
        ("-1.8", None),
        ("1,80", None),
        ("inf", None),
    ],
)
def test_height(metres, cm):
    assert person_of(raw_header(PatientSize=metres)).height_cm == cm


@pytest.mark.parametrize(
    ("text", "kg"),
    [("80", 80.0), ("1", 1.0), ("400", 400.0), ("0", None), ("401", None), ("?", None)],
)
def test_weight(text, kg):
    assert person_of(raw_header(PatientWeight=text)).weight_kg == kg


def test_person_holds_no_date_and_no_name():
    person = person_of(
        header(
            PatientName="Zzmarker^Anna",
            PatientID="Zzmarker",
            PatientBirthDate="19510829",
            StudyDate="20170302",
        )
    )
    text = repr(person)
    assert "Zzmarker" not in text
    assert "1951" not in text
    assert "2017" not in text


# Time after the start of the study


STUDY = {"StudyDate": "20240131", "StudyTime": "235950.5"}


@pytest.mark.parametrize(
    ("elements", "seconds"),
    [
        ({"AcquisitionDateTime": "20240201000010.75"}, 20.25),
        ({"AcquisitionDate": "20240201", "AcquisitionTime": "000010"}, 19.5),
        ({"ContentDate": "20240201", "ContentTime": "000010"}, 19.5),
        ({"ContentDate": "2024.02.01", "ContentTime": "00:00:10"}, 19.5),
        ({"ContentTime": "235955"}, 4.5),
        ({"ContentTime": "000010"}, None),
        ({"ContentDate": "20240131", "ContentTime": "235950.500000"}, 0.0),
        ({"ContentDate": "20240131", "ContentTime": "235960"}, 9.5),
        ({"ContentDate": "20240131", "ContentTime": "235950"}, None),
        ({"ContentDate": "20240202", "ContentTime": "000000"}, None),
        ({"ContentDate": "20240201", "ContentTime": "235950.5"}, 86_400.0),
        ({"ContentDate": "20240201", "ContentTime": "0000"}, None),
        ({"ContentDate": "20240201", "ContentTime": "240000"}, None),
        ({"ContentDate": "20240231", "ContentTime": "000010"}, None),
        ({"AcquisitionDateTime": "20240201"}, None),
        # The first that is complete counts, and only it.
        (
            {
                "AcquisitionDateTime": "20240201",
                "AcquisitionTime": "0000",
                "ContentDate": "20240201",
                "ContentTime": "000010",
            },
            19.5,
        ),
        (
            {
                "AcquisitionDateTime": "20240130000000",
                "ContentDate": "20240201",
                "ContentTime": "000010",
            },
            None,
        ),
    ],
)
def test_seconds_after_the_start_of_the_study(elements, seconds):
    assert acquired_after_s(raw_header(**STUDY, **elements)) == seconds


@pytest.mark.parametrize(
    ("zone", "acquired", "seconds"),
    [
        # 23:59:50.5 at -0400 is 03:59:50.5 UTC; 04:00:00 UTC is 9.5 s later.
        ("-0400", "20240201040000+0000", 9.5),
        ("-0400", "20240201093000+0530", 9.5),
        ("-0400", "20240201000000", 9.5),
        ("", "20240201040000+0000", None),
        ("-0400", "20240201040000+9900", 14_409.5),
    ],
)
def test_time_zones(zone, acquired, seconds):
    dataset = raw_header(
        **STUDY, TimezoneOffsetFromUTC=zone, AcquisitionDateTime=acquired
    )
    assert acquired_after_s(dataset) == seconds


def test_time_with_a_zone_gives_way_to_one_that_compares():
    dataset = raw_header(
        **STUDY,
        AcquisitionDateTime="20240201040000+0000",
        ContentDate="20240201",
        ContentTime="000010",
    )
    assert acquired_after_s(dataset) == 19.5


@pytest.mark.parametrize("missing", ["StudyDate", "StudyTime"])
def test_no_time_without_the_start_of_the_study(missing):
    elements = STUDY | {"AcquisitionDateTime": "20240201000010"}
    del elements[missing]
    assert acquired_after_s(raw_header(**elements)) is None


# By hand from the elements of the files: acquisition minus start of the study.
@pytest.mark.parametrize(
    ("name", "seconds"),
    [
        ("GREYSCALE_CINE.dcm", 5.0),
        ("OBXXXX1A.dcm", 1683.35),
        ("US-YBR_FULL_422-EVRLE.dcm", 364.0),
        ("US1_UNCR.dcm", None),
        ("color-pl.dcm", None),
    ],
)
def test_seconds_after_the_start_in_a_real_file(shared, name, seconds):
    dataset = pydicom.dcmread(shared(f"data/dicom/{name}"), stop_before_pixels=True)
    assert acquired_after_s(dataset) == seconds


# Frames


def test_real_clip_of_27_frames(shared):
    dataset = pydicom.dcmread(
        shared("data/dicom/GREYSCALE_CINE.dcm"), stop_before_pixels=True
    )
    times, notes = frame_times(dataset, 27)
    assert times == pytest.approx([0.033333 * i for i in range(27)], rel=1e-12)
    assert notes == ()


def test_real_clip_of_30_frames():
    path = get_testdata_file("examples_ybr_color.dcm", download=False)
    times, notes = frame_times(pydicom.dcmread(path, stop_before_pixels=True), 30)
    assert len(times) == 30
    assert times[-1] == pytest.approx(0.966657, rel=1e-12)
    assert notes == ()


def test_real_clip_that_does_not_tell_its_rate(shared, one_sentence):
    path = shared("data/dicom/OBXXXX1A_2frame.dcm")
    times, notes = frame_times(pydicom.dcmread(path, stop_before_pixels=True), 2)
    assert times is None
    assert len(notes) == 1
    assert "does not tell" in notes[0]
    assert one_sentence(notes[0])


def test_still_image_has_no_times():
    assert frame_times(header(FrameTime="40"), 1) == (None, ())


SOURCES = {
    "FrameTimeVector": ("0\\10\\30", (0.0, 0.01, 0.04)),
    "FrameTime": ("40", (0.0, 0.04, 0.08)),
    "CineRate": ("50", (0.0, 0.02, 0.04)),
    "RecommendedDisplayFrameRate": ("20", (0.0, 0.05, 0.1)),
}


@pytest.mark.parametrize("first", range(4))
def test_order_of_the_elements(first):
    usable = list(SOURCES)[first:]
    dataset = raw_header(**{keyword: SOURCES[keyword][0] for keyword in usable})
    times, _ = frame_times(dataset, 3)
    assert times == pytest.approx(SOURCES[usable[0]][1], rel=1e-12)


@pytest.mark.parametrize(
    ("pointer", "used"),
    [
        (0x00181063, "FrameTime"),
        (0x00181065, "FrameTimeVector"),
        ([0x00181065, 0x00181063], "FrameTimeVector"),
        (0x00540080, "FrameTimeVector"),
    ],
)
def test_pointer_decides_between_vector_and_time(pointer, used):
    dataset = header(
        FrameTimeVector=["0", "10", "30"], FrameTime="40", FrameIncrementPointer=pointer
    )
    times, _ = frame_times(dataset, 3)
    assert times == pytest.approx(SOURCES[used][1], rel=1e-12)


def test_pointer_at_what_is_not_there_is_passed_over():
    dataset = header(
        FrameTimeVector=["0", "10", "30"], FrameIncrementPointer=0x00181063
    )
    assert frame_times(dataset, 3)[0] == pytest.approx((0.0, 0.01, 0.04), rel=1e-12)


def test_frame_delay_does_not_move_the_first_frame():
    dataset = raw_header(FrameTime="40", FrameDelay="1000")
    assert frame_times(dataset, 3)[0] == pytest.approx((0.0, 0.04, 0.08), rel=1e-12)


def test_first_increment_does_not_move_the_first_frame():
    dataset = raw_header(FrameTimeVector="33\\10\\30")
    assert frame_times(dataset, 3)[0] == pytest.approx((0.0, 0.01, 0.04), rel=1e-12)


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("FrameTime", "0"),
        ("FrameTime", "-40"),
        ("FrameTime", "NaN"),
        ("FrameTime", "inf"),
        ("FrameTime", "1E308"),
        ("FrameTime", "often"),
        ("FrameTime", "40\\40"),
        ("FrameTimeVector", "0\\10"),
        ("FrameTimeVector", "0\\10\\30\\30"),
        ("FrameTimeVector", "0\\10\\-5"),
        ("FrameTimeVector", "0\\0\\10"),
        ("FrameTimeVector", "0\\NaN\\10"),
        ("FrameTimeVector", "0\\x\\10"),
        ("FrameTimeVector", "\\".join(["1"] * 20_000)),
        ("CineRate", "0"),
        ("CineRate", "-30"),
        ("CineRate", "2147483647"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_unusable_element_is_noted_and_the_next_one_used(keyword, value, one_sentence):
    dataset = raw_header(**{keyword: value, "RecommendedDisplayFrameRate": "20"})
    times, notes = frame_times(dataset, 3)
    assert times == pytest.approx((0.0, 0.05, 0.1), rel=1e-12)
    assert notes[0].startswith(f"{keyword} in the file gives no usable times")
    assert "display rate" in notes[1]
    assert all(one_sentence(note) for note in notes)


def test_vector_of_lying_length_is_not_converted(monkeypatch):
    dataset = raw_header(FrameTimeVector="\\".join(["1"] * 20_000))
    frame_times(dataset, 3)
    element = dataset.get_item("FrameTimeVector")
    assert isinstance(element, pydicom.dataelem.RawDataElement)


def test_empty_element_is_missing_without_a_note():
    times, notes = frame_times(raw_header(FrameTime="", CineRate="50"), 3)
    assert times == pytest.approx((0.0, 0.02, 0.04), rel=1e-12)
    assert notes == ()


@pytest.mark.parametrize(("rate", "told"), [("30", 0), ("31", 0), ("33", 1), ("60", 1)])
def test_two_rates_that_differ_are_told(rate, told, one_sentence):
    times, notes = frame_times(raw_header(FrameTime="33.333", CineRate=rate), 4)
    assert times[1] == pytest.approx(0.033333, rel=1e-12)
    assert len(notes) == told
    assert all(one_sentence(note) and rate in note for note in notes)


def enhanced(moments) -> Dataset:
    groups = []
    for moment in moments:
        group = Dataset()
        content = Dataset()
        if moment is not None:
            content.FrameAcquisitionDateTime = moment
        group.FrameContentSequence = [content]
        groups.append(group)
    return header(PerFrameFunctionalGroupsSequence=groups)


def test_times_of_the_frames_of_enhanced_files():
    dataset = enhanced(["20240131235959.98", "20240201000000.02", "20240201000000.1"])
    times, notes = frame_times(dataset, 3)
    assert times == pytest.approx((0.0, 0.04, 0.12), abs=1e-9)
    assert notes == ()


@pytest.mark.parametrize(
    "moments",
    [
        ["20240131000000", "20240131000001"],
        ["20240131000000", "20240131000001", "20240131000001"],
        ["20240131000000", "20240131000002", "20240131000001"],
        ["20240131000000", "20240131000001+0000", "20240131000002"],
        ["20240131000000", "20240131", "20240131000002"],
        ["20240131000000", None, "20240131000002"],
    ],
)
def test_times_of_frames_that_do_not_rise_are_not_used(moments):
    times, notes = frame_times(enhanced(moments), 3)
    assert times is None
    assert len(notes) == 2
    assert not any("2024" in note for note in notes)


@given(
    step=st.floats(0.002, 3_000_000),
    frames=st.integers(2, 300),
    keyword=st.sampled_from(["FrameTime", "FrameTimeVector"]),
)
def test_times_rise_from_zero(step, frames, keyword):
    text = f"{step:.10g}"
    value = text if keyword == "FrameTime" else "\\".join(["0", *[text] * (frames - 1)])
    times, _ = frame_times(header(**{keyword: value}), frames)
    assert times[0] == 0
    assert len(times) == frames
    assert all(a < b for a, b in itertools.pairwise(times))
    assert math.isclose(times[-1], (frames - 1) * step / 1000, rel_tol=1e-6)


# Damage


FACTS = (
    device_of,
    person_of,
    acquired_after_s,
    lambda dataset: frame_times(dataset, 3),
)
ELEMENTS = (
    "Manufacturer",
    "SoftwareVersions",
    "TransducerData",
    "MechanicalIndex",
    "DepthOfScanField",
    "PatientAge",
    "PatientBirthDate",
    "PatientSize",
    "PatientSex",
    "StudyDate",
    "StudyTime",
    "AcquisitionDateTime",
    "TimezoneOffsetFromUTC",
    "FrameTime",
    "FrameTimeVector",
    "CineRate",
    "FrameIncrementPointer",
)


@given(
    elements=st.dictionaries(
        st.sampled_from(ELEMENTS), st.text(st.characters(codec="ascii"), max_size=30)
    )
)
def test_no_text_in_an_element_is_an_error_or_a_warning(elements):
    for facts in FACTS:
        facts(raw_header(**elements))


def test_binary_elements_of_wrong_length_are_missing(make_region):
    dataset = header(SequenceOfUltrasoundRegions=[make_region()])
    item = dataset.SequenceOfUltrasoundRegions[0]
    item[0x00186030] = pydicom.dataelem.RawDataElement(
        pydicom.tag.Tag(0x00186030), "UL", 3, b"abc", 0, False, True
    )
    assert device_of(dataset) == Device()
    assert device_of(header(SequenceOfUltrasoundRegions=[])) == Device()
