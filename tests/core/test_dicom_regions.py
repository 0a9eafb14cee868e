"""The size of a pixel: which regions of a DICOM file count, and which do not."""

from __future__ import annotations

import io
import math
import struct
import time
import warnings

import numpy as np
import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.tag import Tag

import napari_muscle_us as mus
from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.image import SIZE_UNKNOWN
from napari_muscle_us.io.dicom_regions import (
    MAX_REGIONS,
    NO_REGION,
    calibrate,
    calibration_of,
    position_mm,
    read_regions,
)
from tests.core.conftest import region

GRAY = np.zeros((4, 6), np.uint8)
SHAPE = GRAY.shape


def dataset(*items, **elements):
    """Return a header with the given regions."""
    header = Dataset()
    if items:
        header.SequenceOfUltrasoundRegions = list(items)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for keyword, value in elements.items():
            setattr(header, keyword, value)
    return header


def box(y0, y1, x0, x1, **changes):
    """Return a tissue region with the given bounds, both ends included."""
    return region(
        RegionLocationMinY0=y0,
        RegionLocationMaxY1=y1,
        RegionLocationMinX0=x0,
        RegionLocationMaxX1=x1,
        **changes,
    )


def scale(*items, shape=SHAPE):
    return calibrate(dataset(*items), shape)


def only(*items, shape=SHAPE):
    (found,) = read_regions(dataset(*items), shape)
    return found


def refused(found):
    return found.calibration is None and found.notes == (NO_REGION,)


def doubtful(found):
    """Whether a single picture region has no usable scale, with the reason said."""
    problem = found.regions[0].problem
    return (
        found.calibration is None
        and problem != ""
        and problem[:-1] in found.notes[0]
        and found.notes[-1] == SIZE_UNKNOWN
    )


@pytest.fixture
def image_of(tmp_path, make_dataset, to_bytes):
    """Return the image of a 4 × 6 file with the given regions."""

    def with_regions(*regions):
        path = tmp_path / "scan.dcm"
        path.write_bytes(to_bytes(make_dataset(GRAY, regions=regions)))
        return mus.read_image(path)

    return with_regions


# -- Size of a pixel ------------------------------------------------------------------


def test_ten_mm_a_cm_depth_first(image_of):
    image = image_of(region())
    assert image.spacing_mm == pytest.approx((0.2, 0.1), rel=1e-12)
    assert image.calibration.source == "DICOM SequenceOfUltrasoundRegions"
    assert not image.calibration.by_user
    # Maxima of 5 and 3 are the last column and row.
    assert image.calibration.region == (0, 4, 0, 6)
    assert image.warnings == ()


# DICOM PS3.3 C.8.5.5.1.15: none, percent, dB, cm, s, Hz, dB/s, cm/s, cm², cm²/s, cm³,
# cm³/s, degree.
@pytest.mark.parametrize("code", [*range(13), 13, None])
@pytest.mark.parametrize("axis", ["X", "Y"])
def test_only_the_unit_cm_is_a_length(axis, code):
    found = scale(region(**{f"PhysicalUnits{axis}Direction": code}))
    assert (found.calibration is not None) == (code == 3)
    assert doubtful(found) == (code != 3)


def test_units_in_words_depth_first():
    found = only(
        region(
            RegionSpatialFormat=2, PhysicalUnitsXDirection=4, PhysicalUnitsYDirection=3
        )
    )
    assert found.units == ("cm", "s")
    assert found.spacing_mm is None
    assert only(region(PhysicalUnitsXDirection=99)).units == ("cm", "not stated")


@pytest.mark.parametrize("axis", ["X", "Y"])
@pytest.mark.parametrize(
    "delta",
    [0.0, math.nan, math.inf, None, 1e-300, 1e308, [0.01, 0.02]],
    ids=["zero", "nan", "infinite", "missing", "tiny", "huge", "two"],
)
def test_a_delta_that_is_no_length_gives_no_spacing(axis, delta):
    found = scale(region(**{f"PhysicalDelta{axis}": delta}))
    assert doubtful(found)
    assert found.regions[0].spacing_mm is None
    assert "size of a pixel is stated as" in found.notes[0]


@pytest.mark.parametrize(
    ("axis", "direction"), [("X", (1, -1)), ("Y", (-1, 1))], ids=["left", "up"]
)
def test_a_negative_delta_is_the_same_distance(axis, direction):
    stated = {"X": -0.01, "Y": -0.02}[axis]
    found = scale(region(**{f"PhysicalDelta{axis}": stated}))
    assert found.calibration.spacing_mm == pytest.approx((0.2, 0.1), rel=1e-12)
    assert found.regions[0].direction == direction
    assert found.notes == ()


# -- Kinds ----------------------------------------------------------------------------


@pytest.mark.parametrize("spatial", [*range(6), 6, None])
@pytest.mark.parametrize("data", [*range(19), 19, None])
def test_only_flat_tissue_and_colour_flow_are_pictures(spatial, data):
    found = scale(region(RegionSpatialFormat=spatial, RegionDataType=data))
    picture = spatial == 1 and data in (1, 2)
    assert found.regions[0].is_picture == picture
    assert (found.calibration is not None) == picture
    assert refused(found) == (not picture)
    kind = found.regions[0].kind
    assert kind
    assert (kind in ("tissue", "colour flow")) == picture
    assert found.regions[0].label == f"Region 1: {kind}"


@pytest.mark.parametrize(
    ("spatial", "data", "kind"),
    [
        (1, 1, "tissue"),
        (1, 2, "colour flow"),
        (2, 1, "M-mode"),
        (2, 2, "M-mode, colour flow"),
        (3, 3, "spectral Doppler (PW)"),
        (3, 4, "spectral Doppler (CW)"),
        (3, None, "spectral Doppler"),
        (3, 5, "Doppler mean trace"),
        (4, 10, "ECG"),
        (4, 11, "pulse"),
        (4, 12, "phonocardiogram"),
        (4, 18, "other physiological trace"),
        (4, 0, "waveform"),
        (5, 13, "gray bar"),
        # As Aloka writes it.
        (0, 13, "gray bar"),
        (5, 14, "colour bar"),
        (5, 0, "graphics"),
        (0, 0, "not stated"),
        (0, 1, "tissue, format not stated"),
        (3, 1, "tissue, spectral Doppler"),
        (1, 15, "integrated backscatter"),
        (1, 0, "picture of unstated data"),
    ],
)
def test_kinds_in_words(spatial, data, kind):
    assert only(region(RegionSpatialFormat=spatial, RegionDataType=data)).kind == kind


# -- Bounds ---------------------------------------------------------------------------


def test_bounds_inside_the_image_are_kept():
    found = scale(box(2, 3, 1, 4))
    assert found.calibration.region == (2, 4, 1, 5)
    assert found.regions[0].bounds == found.regions[0].stated_bounds == (2, 4, 1, 5)


def test_bounds_one_past_the_end_are_how_some_makers_count():
    found = scale(box(0, 4, 0, 6))
    assert found.calibration.spacing_mm == pytest.approx((0.2, 0.1), rel=1e-12)
    assert found.calibration.region == (0, 4, 0, 6)
    assert found.regions[0].stated_bounds == (0, 5, 0, 7)
    assert found.notes == ()


@pytest.mark.parametrize("keyword", ["MinX0", "MinY0", "MaxX1", "MaxY1"])
def test_missing_bounds_are_a_problem(keyword):
    found = scale(region(**{f"RegionLocation{keyword}": None}))
    assert doubtful(found)
    assert not found.regions[0].is_picture
    assert "missing" in found.notes[0]


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ((0, 3, 5, 0), "reversed (rows 0 to 3, columns 5 to 0)"),
        ((3, 0, 0, 5), "reversed"),
        ((0, 0, 0, 0), "hold no picture"),
        ((0, 3, 2, 2), "hold no picture"),
        ((4, 9, 0, 5), "outside the image of 4 × 6 pixels"),
        ((0, 3, 6, 9), "outside the image"),
    ],
)
def test_bounds_without_a_picture_are_a_problem(bounds, words):
    found = scale(box(*bounds))
    assert doubtful(found)
    assert words in found.regions[0].problem
    top, bottom, left, right = found.regions[0].bounds
    assert 0 <= top <= bottom <= 4
    assert 0 <= left <= right <= 6


def test_a_trace_of_one_column_is_no_problem():
    # As Philips writes a stopped ECG.
    trace = box(0, 3, 4, 4, RegionSpatialFormat=4, RegionDataType=10)
    found = only(trace)
    assert (found.kind, found.bounds, found.problem) == ("ECG", (0, 4, 4, 5), "")


SIDES = st.integers(-20, 60)


@given(SIDES, SIDES, SIDES, SIDES, st.integers(1, 40), st.integers(1, 40))
def test_clipped_bounds_hold_the_stated_pixels_of_the_image(y0, y1, x0, x1, rows, cols):
    header = dataset()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        header.SequenceOfUltrasoundRegions = [box(y0, y1, x0, x1)]
    (found,) = read_regions(header, (rows, cols))
    inside = np.zeros((rows, cols), bool)
    for row in range(max(y0, 0), min(y1, rows - 1) + 1):
        inside[row, max(x0, 0) : max(x1 + 1, 0)] = True
    top, bottom, left, right = found.bounds
    assert 0 <= top <= bottom <= rows
    assert 0 <= left <= right <= cols
    clipped = np.zeros_like(inside)
    clipped[top:bottom, left:right] = True
    np.testing.assert_array_equal(clipped, inside)
    assert found.is_picture == inside.any()
    assert not found.is_usable or inside.any()
    for row, col in ((top, left), (bottom - 1, right - 1), (bottom, right)):
        within = 0 <= row < rows and 0 <= col < cols and inside[row, col]
        assert found.contains(row, col) == within


# -- Pictures changed after acquisition -----------------------------------------------


@pytest.mark.parametrize(
    "bounds", [(0, 3, 0, 11), (0, 9, 0, 5), (0, 9, 0, 6)], ids=["right", "below", "one"]
)
def test_a_cut_picture_keeps_its_scale_and_says_so(bounds):
    found = scale(box(*bounds))
    assert found.calibration.spacing_mm == pytest.approx((0.2, 0.1), rel=1e-12)
    assert found.calibration.region == (0, 4, 0, 6)
    (note,) = found.notes
    assert "was cut after acquisition" in note


@pytest.mark.parametrize(
    ("bounds", "words"),
    [((0, 7, 0, 11), "row 7 and column 11"), ((0, 5, 0, 7), "row 5 and column 7")],
)
def test_a_resized_picture_has_no_scale(bounds, words):
    found = scale(box(*bounds))
    assert doubtful(found)
    assert "resized" in found.notes[0]
    assert "doubtful" in found.notes[0]
    assert f"{words} of an image of 4 × 6 pixels" in found.notes[0]
    assert found.regions[0].spacing_mm == pytest.approx((0.2, 0.1))


@pytest.mark.parametrize("bounds", [(0, 9, 1, 4), (0, 2, 1, 11)])
def test_cut_or_resized_cannot_be_told_apart_by_one_edge(bounds):
    found = scale(box(*bounds))
    assert doubtful(found)
    assert "cut or resized" in found.notes[0]


def test_a_halved_duplex_picture_is_found_by_its_spectrum():
    # 480 × 640 halved: the picture in the upper half stays inside the rows.
    picture = box(10, 230, 40, 600)
    spectrum = box(250, 470, 40, 600, RegionSpatialFormat=3, RegionDataType=3)
    found = scale(picture, spectrum, shape=(240, 320))
    assert doubtful(found)
    assert "which was resized after" in found.notes[0]
    assert "cut or resized" in scale(picture, shape=(240, 320)).notes[0]
    # By chance the picture alone looks like one that was cut on the right.
    lower = box(10, 239, 40, 600)
    assert scale(lower, shape=(240, 320)).calibration is not None
    assert doubtful(scale(lower, spectrum, shape=(240, 320)))
    assert scale(picture, spectrum, shape=(480, 640)).notes == ()


@given(
    st.integers(0, 300),
    st.integers(0, 300),
    st.integers(20, 300),
    st.integers(20, 300),
    st.integers(0, 200),
    st.integers(0, 200),
    st.floats(0.1, 0.95),
)
def test_a_reduced_picture_is_never_measured_unless_it_lies_inside_or_ends_at_an_edge(
    top, left, height, width, under, beside, factor
):
    y1, x1 = top + height - 1, left + width - 1
    rows, cols = (
        max(1, int((last + 1 + margin) * factor))
        for last, margin in ((y1, under), (x1, beside))
    )
    found = scale(box(top, y1, left, x1), shape=(rows, cols))
    ends = y1 in (rows - 1, rows) or x1 in (cols - 1, cols)
    fits = y1 < rows and x1 < cols
    if not (ends or fits):
        assert found.calibration is None


def test_a_picture_in_the_upper_left_quarter_may_have_been_enlarged():
    found = scale(box(0, 239, 0, 319), shape=(480, 640))
    assert found.calibration.spacing_mm == pytest.approx((0.2, 0.1))
    (note,) = found.notes
    assert "upper left quarter" in note
    assert scale(box(0, 240, 0, 319), shape=(480, 640)).notes == ()
    assert scale(box(0, 239, 0, 320), shape=(480, 640)).notes == ()


# -- Several regions ------------------------------------------------------------------


def test_no_region_is_said():
    assert refused(calibrate(Dataset(), SHAPE))
    assert refused(calibrate(dataset(SequenceOfUltrasoundRegions=[]), SHAPE))


def test_two_pictures_of_one_scale():
    found = scale(box(0, 3, 0, 2), box(0, 3, 3, 5))
    assert found.calibration.spacing_mm == pytest.approx((0.2, 0.1), rel=1e-12)
    assert found.calibration.region is None
    assert found.notes == ()
    assert [r.label for r in found.regions] == ["Region 1: tissue", "Region 2: tissue"]


@pytest.mark.parametrize(("change", "one"), [(1e-10, True), (1e-8, False)])
def test_one_scale_is_one_to_a_billionth(change, one):
    found = scale(box(0, 3, 0, 2), box(0, 3, 3, 5, PhysicalDeltaX=0.01 * (1 + change)))
    assert (found.calibration is not None) == one


def test_two_pictures_of_different_scale_wait_for_the_user():
    found = scale(box(0, 3, 0, 2), box(0, 3, 3, 5, PhysicalDeltaX=0.03))
    assert found.calibration is None
    (note,) = found.notes
    assert "different scale (0.2 × 0.1 mm and 0.2 × 0.3 mm)" in note
    assert "panel Acquisition" in note
    chosen = calibration_of(found.regions[1])
    assert chosen.spacing_mm == pytest.approx((0.2, 0.3), rel=1e-12)
    assert chosen.region == (0, 4, 3, 6)
    assert chosen.by_user
    assert chosen.source == (
        "DICOM SequenceOfUltrasoundRegions, region 2 chosen by the user"
    )


def test_a_broken_picture_beside_a_good_one_is_told():
    found = scale(box(0, 3, 0, 2), box(0, 3, 3, 5, PhysicalDeltaX=0.0))
    assert found.calibration.region == (0, 4, 0, 3)
    (note,) = found.notes
    assert "0.2 × 0 mm, which is not a length (Region 2: tissue)." in note


def test_traces_and_bars_beside_the_picture_do_not_matter():
    cm_and_s = {"PhysicalUnitsXDirection": 4, "PhysicalDeltaX": 0.5}
    found = scale(
        region(RegionSpatialFormat=4, RegionDataType=10, **cm_and_s),
        region(RegionSpatialFormat=0, RegionDataType=13, PhysicalDeltaX=0.0),
        region(RegionSpatialFormat=2, **cm_and_s),
        region(RegionSpatialFormat=3, RegionDataType=3, **cm_and_s),
        region(),
    )
    assert found.calibration.spacing_mm == pytest.approx((0.2, 0.1), rel=1e-12)
    assert found.calibration.region == (0, 4, 0, 6)
    assert [r.kind for r in found.regions] == [
        "ECG",
        "gray bar",
        "M-mode",
        "spectral Doppler (PW)",
        "tissue",
    ]
    assert found.notes == ()


def test_accepting_a_doubtful_region_is_written_down():
    found = scale(box(0, 7, 0, 11))
    accepted = calibration_of(found.regions[0])
    assert accepted.by_user
    assert accepted.source.endswith("region 1 doubtful, accepted by the user")
    assert accepted.region == (0, 4, 0, 6)
    outside = calibration_of(scale(box(4, 9, 0, 5)).regions[0])
    assert outside.region is None


def test_a_region_without_scale_cannot_be_chosen(one_sentence):
    trace = only(region(RegionSpatialFormat=4, PhysicalUnitsXDirection=4))
    for ask in (calibration_of, lambda r: position_mm(r, 0, 0)):
        with pytest.raises(ImageReadError, match="no size of a pixel") as error:
            ask(trace)
        assert one_sentence(str(error.value))


def test_area_of_a_region_of_interest_is_in_mm(image_of):
    rows = mus.measure_rois(image_of(region()), [mus.Rectangle(0, 0, 2, 3)])
    area = rows[rows["measure"] == "roi.area"].iloc[0]
    assert (area["value"], area["unit"]) == (pytest.approx(6 * 0.02), "mm²")
    rows = mus.measure_rois(image_of(), [mus.Rectangle(0, 0, 2, 3)])
    area = rows[rows["measure"] == "roi.area"].iloc[0]
    assert (area["value"], area["unit"]) == (6, "px²")
    assert area["note"] == "the size of a pixel is not known"


# -- Position -------------------------------------------------------------------------


def test_position_counts_from_the_reference_pixel_of_the_region():
    found = only(
        box(
            10,
            90,
            20,
            80,
            ReferencePixelX0=30,
            ReferencePixelY0=-5,
            ReferencePixelPhysicalValueX=1.0,
            ReferencePixelPhysicalValueY=-0.5,
            PhysicalDeltaX=-0.01,
        ),
        shape=(100, 100),
    )
    assert found.reference_px == (5.0, 50.0)
    assert found.reference_value == (-5.0, 10.0)
    assert position_mm(found, 5, 50) == pytest.approx((-5, 10))
    # 20 rows of 0.2 mm down; 10 columns of 0.1 mm to the right count down.
    assert position_mm(found, 25, 60) == pytest.approx((-1, 9))


def test_without_a_reference_pixel_there_is_no_depth(one_sentence):
    for found in (only(region()), only(region(ReferencePixelX0=3))):
        assert found.reference_px is None
        with pytest.raises(ImageReadError, match="no reference pixel") as error:
            position_mm(found, 0, 0)
        assert one_sentence(str(error.value))


NUMBERS = st.floats(-500, 500)


@given(
    st.tuples(st.integers(-400, 400), st.integers(-400, 400)),
    st.floats(1e-4, 0.5).flatmap(lambda d: st.sampled_from([d, -d])),
    st.floats(1e-4, 0.5).flatmap(lambda d: st.sampled_from([d, -d])),
    st.tuples(NUMBERS, NUMBERS),
    NUMBERS,
    NUMBERS,
)
def test_position_is_linear_with_the_signed_delta(ref, dy, dx, value, row, col):
    found = only(
        box(
            7,
            90,
            3,
            80,
            ReferencePixelX0=ref[1],
            ReferencePixelY0=ref[0],
            ReferencePixelPhysicalValueX=value[1],
            ReferencePixelPhysicalValueY=value[0],
            PhysicalDeltaX=dx,
            PhysicalDeltaY=dy,
        ),
        shape=(100, 100),
    )
    # METHODS: value + (pixel − min − reference) · delta, in cm.
    expected = (
        10 * (value[0] + (row - 7 - ref[0]) * dy),
        10 * (value[1] + (col - 3 - ref[1]) * dx),
    )
    assert position_mm(found, row, col) == pytest.approx(expected, rel=1e-9, abs=1e-6)


# -- Hostile lists --------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        "7",
        " 7 ",
        "x",
        "",
        "9" * 5000,
        10**30,
        -(10**30),
        2.5,
        math.nan,
        [1, 2],
        b"\x01",
    ],
    ids=lambda v: str(v)[:8],
)
@pytest.mark.parametrize("keyword", ["RegionLocationMaxX1", "ReferencePixelX0"])
def test_elements_of_the_wrong_kind_never_raise(keyword, value):
    item = region(ReferencePixelY0=0, ReferencePixelX0=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        setattr(item, keyword, value)
    found = scale(item, shape=(4, 8))
    whole = isinstance(value, str) and value.strip() == "7"
    if keyword == "RegionLocationMaxX1":
        assert (found.calibration is not None) == whole
        assert doubtful(found) == (not whole)
    else:
        assert found.regions[0].reference_px == ((0.0, 7.0) if whole else None)
        assert found.calibration.spacing_mm == pytest.approx((0.2, 0.1))


@pytest.mark.parametrize(
    ("vr", "value"),
    [("US", 5), ("LO", "Roe^Jane"), ("OB", b"\x00\x01"), ("FD", [1.0, 2.0])],
)
def test_a_list_that_is_no_list_is_damaged(vr, value):
    header = dataset(PixelSpacing=[0.3, 0.3])
    header[0x0018, 0x6011] = DataElement(0x00186011, vr, value)
    found = calibrate(header, SHAPE)
    assert found.calibration is None
    assert found.regions == ()
    assert "damaged" in found.notes[0]
    assert NO_REGION in found.notes
    assert not any("Roe" in note for note in found.notes)


def raw(tag, vr, value):
    """Return an element as it comes from a file, not yet converted."""
    return RawDataElement(Tag(tag), vr, len(value), value, 0, False, True)


def test_damaged_bytes_never_raise():
    for vr, value in (("SQ", b"Roe^Jane, not a list"), ("FD", b"Roe^J")):
        header = dataset(PixelSpacing=[0.3, 0.3])
        header[0x0018, 0x6011] = raw(0x00186011, vr, value)
        found = calibrate(header, SHAPE)
        assert found.calibration is None
        assert NO_REGION in found.notes
        assert any("PixelSpacing (0.3 × 0.3 mm) is not used" in n for n in found.notes)
        assert "Roe" not in repr(found)
    item = region()
    item[0x0018, 0x602C] = raw(0x0018602C, "FD", b"Roe^J")
    assert doubtful(scale(item))
    item = region()
    item[0x0018, 0x601C] = raw(0x0018601C, "UL", b"Roe^J")
    assert doubtful(scale(item))


def test_thousands_of_regions_are_bounded_and_said():
    found = scale(*[region() for _ in range(3000)])
    assert len(found.regions) == MAX_REGIONS
    assert found.calibration.spacing_mm == pytest.approx((0.2, 0.1))
    assert found.notes == (
        f"The file lists 3000 ultrasound regions; the first {MAX_REGIONS} are read.",
    )
    broken = [region(PhysicalDeltaX=1e-9 * i) for i in range(90)]
    notes = scale(*broken).notes
    assert len(notes) <= 5
    assert sum(map(len, notes)) < 1000


def test_an_empty_item_says_nothing():
    found = scale(Dataset(), region())
    assert found.calibration.region == (0, 4, 0, 6)
    assert [r.index for r in found.regions] == [0, 1]
    assert (found.regions[0].kind, found.regions[0].is_picture) == ("not stated", False)


def nested(depth, item):
    """Return a region that holds a sequence in a sequence …, as bytes of its value."""
    inner = b""
    for _ in range(depth):
        body = struct.pack("<HHI", 0xFFFE, 0xE000, len(inner)) + inner
        head = struct.pack("<HH2sHI", 0x0018, 0x6011, b"SQ", 0, len(body))
        inner = head + body
    buffer = io.BytesIO()
    pydicom.filewriter.write_dataset(_little(buffer), item)
    value = inner + buffer.getvalue()
    return struct.pack("<HHI", 0xFFFE, 0xE000, len(value)) + value


def _little(buffer):
    file = pydicom.filebase.DicomFileLike(buffer)
    file.is_little_endian, file.is_implicit_VR = True, False
    return file


def test_a_thousand_nested_lists_are_not_followed(make_dataset, to_bytes):
    plain = to_bytes(make_dataset(GRAY))
    at = plain.index(b"\x28\x00\x02\x00US")
    items = nested(1000, region())
    head = struct.pack("<HH2sHI", 0x0018, 0x6011, b"SQ", 0, len(items))
    content = plain[:at] + head + items + plain[at:]
    began = time.perf_counter()
    header = pydicom.dcmread(io.BytesIO(content))
    found = calibrate(header, SHAPE)
    assert time.perf_counter() - began < 2
    assert found.calibration.spacing_mm == pytest.approx((0.2, 0.1))


# -- Files that scanners wrote --------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("examples_rgb_color.dcm", None),
        ("examples_jpeg2k.dcm", None),
        ("examples_ybr_color.dcm", None),
        ("examples_palette.dcm", 0.26228787661969977),
    ],
)
def test_files_of_pydicom(name, expected):
    header = pydicom.dcmread(get_testdata_file(name, download=False))
    found = calibrate(header, (header.Rows, header.Columns))
    if expected is None:
        assert found.calibration is None
    else:
        assert found.calibration.spacing_mm == pytest.approx((expected,) * 2)


def test_the_cut_philips_file_agrees_with_its_own_calliper_and_ruler():
    header = pydicom.dcmread(get_testdata_file("examples_palette.dcm", download=False))
    found = calibrate(header, (header.Rows, header.Columns))
    assert found.calibration.region == (60, 350, 120, 800)
    assert found.regions[0].stated_bounds == (60, 519, 120, 801)
    assert "was cut" in found.notes[0]
    picture, ecg = found.regions
    assert (ecg.kind, ecg.units, ecg.is_picture) == ("ECG", ("none", "s"), False)
    assert "outside" in ecg.problem
    # Centres of the calliper's crosses; the picture says "Cist Mag 1.06 cm".
    start, end = position_mm(picture, 291, 460), position_mm(picture, 302, 499)
    assert math.dist(start, end) == pytest.approx(10.6, abs=0.1)
    # The blue marks of the ruler at the right: 0 and 50 mm.
    assert position_mm(picture, 97, 798)[0] == pytest.approx(0, abs=0.5)
    assert position_mm(picture, 287, 798)[0] == pytest.approx(50, abs=0.5)


def test_the_halved_sonosite_file_waits_for_the_user():
    header = pydicom.dcmread(
        get_testdata_file("examples_ybr_color.dcm", download=False)
    )
    found = calibrate(header, (240, 320), frames=30)
    assert doubtful(found)
    assert "resized" in found.notes[0]
    assert found.regions[0].bounds == (31, 240, 84, 320)


def test_two_aloka_pictures_side_by_side_and_a_gray_bar(shared):
    header = pydicom.dcmread(shared("data/dicom/gdcm-US-ALOKA-16.dcm"))
    found = calibrate(header, (480, 640))
    assert found.calibration.region is None
    left, right, bar = found.regions
    assert (left.bounds, right.bounds) == ((24, 416, 32, 336), (24, 416, 336, 640))
    assert (left.reference_px, right.reference_px) == ((45.0, 186.0), (45.0, 490.0))
    assert (bar.kind, bar.bounds, bar.spacing_mm) == (
        "gray bar",
        (40, 104, 32, 64),
        None,
    )
    # The same depth in both; the middle of each at lateral 0.
    assert position_mm(left, 100, 186) == position_mm(right, 100, 490)


def test_a_philips_file_with_two_ecg_traces(shared):
    header = pydicom.dcmread(shared("data/dicom/no-pixel-spacing.dcm"))
    found = calibrate(header, (600, 800))
    assert [r.kind for r in found.regions] == ["tissue", "ECG", "ECG"]
    assert [r.problem for r in found.regions] == ["", "", ""]
    assert found.regions[0].stated_bounds == (60, 519, 120, 801)
    assert found.notes == ()


def test_the_esaote_ruler_has_162_rows_a_centimetre(shared):
    header = pydicom.dcmread(shared("data/dicom/US-YBR_FULL_422-EVRLE.dcm"))
    found = calibrate(header, (555, 800))
    assert found.calibration.spacing_mm == pytest.approx((10 / 162,) * 2, rel=0.005)
