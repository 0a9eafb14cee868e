"""Reading ``.roi`` files and RoiSet archives that ImageJ wrote, and broken ones."""

from __future__ import annotations

import base64
import json
import random
import struct
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from roifile import ROI_TYPE, ImagejRoi

import napari_muscle_us as mus
from napari_muscle_us.errors import MuscleUSError, MuscleUSWarning, RoiError

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
AREAS = {
    "rect_integer": mus.Rectangle,
    "rect_fractional": mus.Rectangle,
    "oval_integer": mus.Ellipse,
    "oval_fractional": mus.Ellipse,
    "polygon_integer": mus.Polygon,
    "polygon_half": mus.Polygon,
    "polygon_float": mus.Polygon,
    "freehand_integer": mus.Polygon,
    "freehand_float": mus.Polygon,
    "traced": mus.Polygon,
    "ellipse": mus.Ellipse,
    "rotated_rect": mus.Rectangle,
}
SQUARE = [[10, 20], [30, 20], [30, 40], [10, 40]]


def named(points, name):
    roi = ImagejRoi.frompoints(points, name=name)
    roi.roitype = ROI_TYPE.POLYGON
    return roi.tobytes()


@pytest.fixture
def read(tmp_path):
    def read_bytes(content, name="one.roi"):
        (tmp_path / name).write_bytes(content)
        return mus.read_imagej_rois(tmp_path / name)

    return read_bytes


@pytest.fixture
def archive(tmp_path):
    def write(**entries):
        path = tmp_path / "RoiSet.zip"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for name, content in entries.items():
                file.writestr(name.replace("__", "/"), content)
        return path

    return write


@pytest.mark.parametrize("kind", AREAS)
def test_each_area_kind_becomes_its_shape(read, golden_roi_bytes, kind):
    (roi,) = read(golden_roi_bytes(kind), "Left biceps.roi")
    assert type(roi) is AREAS[kind]
    # Without a name of its own it has that of the file.
    assert (roi.name, roi.muscle, roi.side) == ("Left biceps", "", "")


def test_vertices_move_by_half_a_pixel(read):
    (roi,) = read(named(SQUARE, "RF left"))
    expected = [(y - 0.5, x - 0.5) for x, y in SQUARE]
    np.testing.assert_array_equal(roi.vertices, expected)
    assert roi.name == "RF left"
    assert roi.area_px == 400
    assert mus.roi_mask(roi, (100, 100)).sum() == 400


def test_a_rectangle_keeps_its_box(read, golden_roi_bytes):
    content = golden_roi_bytes("rect_integer")
    top, left, bottom, right = struct.unpack(">4h", content[8:16])
    (roi,) = read(content)
    assert (roi.top, roi.left) == (top - 0.5, left - 0.5)
    assert (roi.height, roi.width) == (bottom - top, right - left)


def test_an_archive_keeps_names_and_order(archive):
    names = ["0003-TA", "0001-BB", "0002-Muskel größe µ"]
    path = archive(**{f"{n}.roi": named(SQUARE, n) for n in names})
    assert [roi.name for roi in mus.read_imagej_rois(path)] == names


def test_an_archive_may_have_folders(archive):
    path = archive(folder__BB=named(SQUARE, ""))
    (roi,) = mus.read_imagej_rois(path)
    assert roi.name == "BB"


UNMEASURED = [
    json.loads(line)
    for line in (GOLDEN / "imagej_rois_file_unmeasured.jsonl").read_text().splitlines()
]


@pytest.mark.parametrize(
    "entry", UNMEASURED, ids=[f"{e['kind']}-{i}" for i, e in enumerate(UNMEASURED)]
)
def test_what_encloses_no_single_area_is_refused(read, one_sentence, entry):
    words = {
        "composite": "several parts or has holes",
        "line": "is a line selection, which encloses no area",
        "point": "is a point selection, which encloses no area",
    }
    with pytest.raises(RoiError, match=words[entry["kind"]]) as error:
        read(base64.b64decode(entry["roi"]))
    assert one_sentence(str(error.value))


def test_splines_and_rounded_corners_are_refused(read, golden_roi_bytes):
    spline = ImagejRoi.frombytes(golden_roi_bytes("polygon_integer"))
    spline.options |= 1
    with pytest.raises(RoiError, match="fitted spline"):
        read(spline.tobytes())
    rounded = ImagejRoi.frombytes(golden_roi_bytes("rect_integer"))
    rounded.rounded_rect_arc_size = 10
    with pytest.raises(RoiError, match="rounded corners"):
        read(rounded.tobytes())


def test_what_is_left_out_of_an_archive_is_said(archive, golden_roi_bytes):
    good = golden_roi_bytes("polygon_integer")
    path = archive(
        **{
            "a.roi": good,
            "notes.txt": b"left biceps, third visit",
            "cut.roi": good[:70],
            "line.roi": golden_roi_bytes("line"),
            "b.roi": golden_roi_bytes("oval_integer"),
        }
    )
    with pytest.warns(MuscleUSWarning) as caught:
        rois = mus.read_imagej_rois(path)
    assert [roi.name for roi in rois] == ["a", "b"]
    said = [str(w.message) for w in caught]
    assert len(said) == 3
    for text, name in zip(said, ("notes.txt", "cut.roi", "line"), strict=True):
        assert text.startswith("Left out: ")
        assert name in text
    assert all(Path(w.filename) == Path(__file__) for w in caught)


def test_an_archive_without_an_area_is_refused(archive, golden_roi_bytes):
    with pytest.raises(RoiError, match="holds no ROI that selects an area"):
        mus.read_imagej_rois(archive())
    path = archive(**{"line.roi": golden_roi_bytes("line")})
    with (
        pytest.warns(MuscleUSWarning, match="line"),
        pytest.raises(RoiError, match="holds no ROI that selects an area"),
    ):
        mus.read_imagej_rois(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not an ImageJ ROI"),
        (b"BB,100\n", "not an ImageJ ROI"),
        (b"Iout", "damaged or cut short"),
        (b"PK\3\4" + b"\0" * 60, "not an ImageJ ROI|damaged"),
    ],
    ids=["empty", "text", "signature-only", "zip-signature"],
)
def test_what_is_no_roi_is_refused(read, one_sentence, content, words):
    with pytest.raises(RoiError, match=words) as error:
        read(content)
    assert one_sentence(str(error.value))


def test_a_path_that_is_no_file_is_refused(tmp_path, one_sentence):
    with pytest.raises(RoiError, match="is a folder"):
        mus.read_imagej_rois(tmp_path)
    with pytest.raises(RoiError, match=r"'none\.roi' cannot be read") as error:
        mus.read_imagej_rois(tmp_path / "none.roi")
    assert one_sentence(str(error.value))


def outcome(read, content):
    """Return what reading gives, or the refusal; any other error goes through."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", MuscleUSWarning)
            rois = read(content)
    except MuscleUSError as error:
        return error
    assert rois
    assert all(isinstance(r, mus.Polygon | mus.Rectangle | mus.Ellipse) for r in rois)
    return rois


@pytest.mark.parametrize("kind", AREAS)
def test_a_file_cut_short_is_read_or_refused(read, golden_roi_bytes, kind):
    content = golden_roi_bytes(kind)
    refused = 0
    for length in range(len(content)):
        result = outcome(read, content[:length])
        refused += isinstance(result, MuscleUSError)
        if length < 64:
            assert isinstance(result, RoiError)
    assert refused >= 64


def test_changed_bytes_give_regions_or_a_refusal(read, golden_roi_bytes, tmp_path):
    kinds = [*AREAS, "composite", "line", "point"]
    chance = random.Random(5)
    results = {"rois": 0, "refused": 0}
    for _ in range(2000):
        broken = bytearray(golden_roi_bytes(chance.choice(kinds)))
        for _ in range(chance.randrange(1, 5)):
            broken[chance.randrange(4, len(broken))] = chance.randrange(256)
        result = outcome(read, bytes(broken))
        results["refused" if isinstance(result, MuscleUSError) else "rois"] += 1
        if not isinstance(result, MuscleUSError):
            for roi in result:
                mus.roi_mask(roi, (30, 40))
    assert min(results.values()) > 300


def test_a_damaged_archive_is_read_in_part_or_refused(read, archive, golden_roi_bytes):
    path = archive(**{f"{k}.roi": golden_roi_bytes(k) for k in AREAS})
    content = path.read_bytes()
    chance = random.Random(6)
    for _ in range(300):
        broken = bytearray(content)
        for _ in range(chance.randrange(1, 4)):
            broken[chance.randrange(len(broken))] = chance.randrange(256)
        outcome(lambda data: read(data, "RoiSet.zip"), bytes(broken))
    for length in range(0, len(content), 37):
        outcome(lambda data: read(data, "RoiSet.zip"), content[:length])


def test_a_zip_bomb_is_not_unpacked(archive, golden_roi_bytes):
    bomb = b"Iout" + bytes(120_000_000)
    path = archive(**{"a.roi": golden_roi_bytes("oval_integer"), "bomb.roi": bomb})
    assert path.stat().st_size < 200_000
    tracemalloc.start()
    try:
        with pytest.warns(MuscleUSWarning, match=r"'bomb\.roi' is too large"):
            rois = mus.read_imagej_rois(path)
        assert tracemalloc.get_traced_memory()[1] < 80_000_000
    finally:
        tracemalloc.stop()
    assert [roi.name for roi in rois] == ["a"]
