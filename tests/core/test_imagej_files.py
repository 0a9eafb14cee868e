"""Reading ``.roi`` files and RoiSet archives that ImageJ wrote, and broken ones."""

from __future__ import annotations

import base64
import json
import math
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
from napari_muscle_us.io.imagej import read_imagej_entries
from napari_muscle_us.roi.composite import Composite
from napari_muscle_us.roi.open_shapes import Points, Polyline

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
def test_what_encloses_no_area_is_refused(read, one_sentence, entry):
    if entry["kind"] == "composite":
        (roi,) = read(base64.b64decode(entry["roi"]))
        assert isinstance(roi, mus.Polygon | Composite)
        return
    words = {
        "line": "is a line selection, which encloses no area",
        "point": "is a point selection, which encloses no area",
    }
    with pytest.raises(RoiError, match=words[entry["kind"]]) as error:
        read(base64.b64decode(entry["roi"]))
    assert one_sentence(str(error.value))


def test_a_composite_keeps_its_outlines(read, golden_roi_bytes):
    """A path array written by hand: a square of 10 px with a hole of 4 px."""
    outer = [(0, 0, 0), (1, 10, 0), (1, 10, 10), (1, 0, 10), (4,)]
    hole = [(0, 3, 3), (1, 3, 7), (1, 7, 7), (1, 7, 3), (1, 3, 3), (4,)]
    content = composite_bytes([*outer, *hole])
    (roi,) = read(content, "ring.roi")
    assert isinstance(roi, Composite)
    assert roi.name == "ring"
    outer, hole = roi.parts
    assert outer.tolist() == [[-0.5, -0.5], [-0.5, 9.5], [9.5, 9.5], [9.5, -0.5]]
    assert hole.tolist() == [[2.5, 2.5], [6.5, 2.5], [6.5, 6.5], [2.5, 6.5]]
    assert mus.roi_mask(roi, (20, 20)).sum() == 100 - 16
    (single,) = read(composite_bytes([(0, 0, 0), (1, 4, 0), (1, 0, 4), (4,)]))
    assert isinstance(single, mus.Polygon)
    assert single.area_px == 8


def composite_bytes(segments):
    path = [value for segment in segments for value in segment]
    header = bytearray(64)
    header[:8] = b"Iout" + struct.pack(">hBx", 228, 1)
    struct.pack_into(">i", header, 36, len(path))
    return bytes(header) + struct.pack(f">{len(path)}f", *path)


def test_curves_of_a_composite_are_flattened_finely(read):
    """Four cubic curves make a circle of radius 50 within 0.03 % of its radius."""
    k = 50 * 0.5522847498
    curves = [
        (3, 50, k, k, 50, 0, 50),
        (3, -k, 50, -50, k, -50, 0),
        (3, -50, -k, -k, -50, 0, -50),
        (3, k, -50, 50, -k, 50, 0),
    ]
    (roi,) = read(composite_bytes([(0, 50, 0), *curves, (4,)]))
    radius = np.hypot(*(roi.vertices + 0.5).T)
    np.testing.assert_allclose(radius, 50, rtol=3e-4)
    np.testing.assert_allclose(roi.area_px, np.pi * 2500, rtol=1e-3)
    quadratic = [(0, 0, 0), (2, 5, 10, 10, 0), (1, 0, 0), (4,)]
    (roi,) = read(composite_bytes(quadratic))
    # The area under a parabola of height 5 over a chord of 10.
    np.testing.assert_allclose(roi.area_px, 2 / 3 * 5 * 10, rtol=2e-3)


@pytest.mark.parametrize(
    ("segments", "words"),
    [
        ([(1, 0, 0), (1, 5, 5)], "path is damaged"),
        ([(0, 0, 0), (7, 5, 5)], "path is damaged"),
        ([(0, 0, 0), (1, 5)], "path is damaged"),
        ([(math.nan, 0, 0)], "not a number"),
        ([(0, 0, 0), (1, math.nan, 5), (1, 5, 5), (4,)], "not a number"),
        ([(0, 0, 0), (1, 2e6, 5), (1, 5, 5), (4,)], r"coordinate 2e\+06"),
        ([(0, 0, 0), (1, 5, 5), (1, 9, 9), (4,)], "encloses no area"),
        ([(0, 0, 0), (4,)], "encloses no area"),
    ],
    ids=["no-start", "type", "short", "nan-type", "nan", "huge", "flat", "point"],
)
def test_a_wrong_path_is_refused(read, one_sentence, segments, words):
    with pytest.raises(RoiError, match=words) as error:
        read(composite_bytes(segments))
    assert one_sentence(str(error.value))


def raw_bytes(kind, *, count=0, body=b"", at18=0, options=0, version=228):
    header = bytearray(64)
    header[:8] = b"Iout" + struct.pack(">hBx", version, kind)
    struct.pack_into(">Hi", header, 16, count, at18)
    struct.pack_into(">H", header, 50, options)
    return bytes(header) + body


def float_body(*xy):
    columns = np.array(xy, dtype=">f4").T
    return bytes(4 * len(xy)) + columns.tobytes()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (raw_bytes(0, at18=10_000_000), "10000000 vertices; the most is 1000000"),
        (raw_bytes(0, count=60_000, body=bytes(500)), "damaged or cut short"),
        (raw_bytes(0, at18=-4), "no vertices"),
        (raw_bytes(7, count=2, body=bytes(8)), "2 vertices; an outline needs"),
        (raw_bytes(8, count=3, body=bytes(12)), "lies on a line"),
        (raw_bytes(37), "unknown type 37"),
        (raw_bytes(6), "unknown type 6"),
        (raw_bytes(1), "0 px high"),
        (
            raw_bytes(
                0,
                count=3,
                options=128,
                body=float_body((0, 0), (math.inf, 1), (5, 5)),
            ),
            "coordinate inf",
        ),
        (
            raw_bytes(5, count=2, options=128, body=float_body((0, 0), (math.nan, 1))),
            "coordinate nan",
        ),
        (
            raw_bytes(10, count=1, options=128, body=float_body((0, -3e6))),
            r"coordinate -3e\+06",
        ),
        (b"Iout" + bytes(20_000_100), "too large"),
    ],
    ids=[
        "ten-million",
        "lying-count",
        "negative-count",
        "two-vertices",
        "flat",
        "unknown",
        "no-roi",
        "empty",
        "inf",
        "nan",
        "huge",
        "large",
    ],
)
def test_hostile_numbers_are_refused_quickly(read, one_sentence, content, words):
    tracemalloc.start()
    try:
        with pytest.raises(RoiError, match=words) as error:
            read(content)
        assert tracemalloc.get_traced_memory()[1] < 60_000_000
    finally:
        tracemalloc.stop()
    assert one_sentence(str(error.value))


def test_text_and_images_are_named_not_read(golden_roi_bytes, archive):
    text = bytearray(golden_roi_bytes("rect_integer"))
    text[48:50] = (1).to_bytes(2, "big")
    good = golden_roi_bytes("polygon_integer")
    found = read_imagej_entries(archive(**{"a.roi": good, "label.roi": bytes(text)}))
    assert [entry.roi.name for entry in found.entries] == ["a"]
    assert found.left_out == (
        "ROI 'label' is a text, which is no selection; keep it in ImageJ.",
    )


def test_lines_and_points_are_read_where_pixels_have_their_centre(tmp_path):
    """ImageJ's line and point coordinates count from the centre of a pixel."""
    for line in UNMEASURED:
        if line["kind"] == "composite":
            continue
        content = base64.b64decode(line["roi"])
        (tmp_path / "a.roi").write_bytes(content)
        (entry,) = read_imagej_entries(tmp_path / "a.roi").entries
        oracle = ImagejRoi.frombytes(content)
        if line["kind"] == "line":
            assert isinstance(entry.roi, Polyline)
            expected = [[oracle.y1, oracle.x1], [oracle.y2, oracle.x2]]
        else:
            assert isinstance(entry.roi, Points)
            expected = oracle.coordinates()[:, ::-1]
        np.testing.assert_array_equal(entry.roi.vertices, expected)


def test_other_files_of_an_archive_are_one_sentence(archive, golden_roi_bytes):
    good = golden_roi_bytes("polygon_integer")
    path = archive(
        **{
            "a.roi": good,
            "__MACOSX/._a.roi": good,
            "results.csv": b"1,2",
            "scan.png": bytes(100),
            ".DS_Store": b"\0\0",
        }
    )
    found = read_imagej_entries(path)
    assert len(found.entries) == 1
    (sentence,) = found.left_out
    assert "4 files that are no ROIs" in sentence
    assert "'results.csv'" in sentence
    assert one_line(sentence)


def one_line(text):
    return "\n" not in text and text.endswith(".") and len(text) < 500


def test_many_broken_files_are_summed_up(archive, golden_roi_bytes):
    good = golden_roi_bytes("polygon_integer")
    broken = {f"{n:03d}.roi": good[:80] for n in range(300)}
    found = read_imagej_entries(archive(**{"a.roi": good, **broken}))
    assert len(found.entries) == 1
    assert len(found.left_out) == 20
    assert found.left_out[-1] == "So it is with 281 more."
    assert all(map(one_line, found.left_out))


def test_a_locked_file_is_named_and_the_rest_read(archive, golden_roi_bytes):
    good = golden_roi_bytes("polygon_integer")
    content = bytearray(archive(**{"a.roi": good, "b.roi": good}).read_bytes())
    # The flag of encryption in the second file's two headers.
    local, central = content.rfind(b"PK\3\4"), content.rfind(b"PK\1\2")
    content[local + 6] |= 1
    content[central + 8] |= 1
    path = archive()
    path.write_bytes(content)
    found = read_imagej_entries(path)
    assert [entry.roi.name for entry in found.entries] == ["a"]
    assert found.left_out == ("'b.roi' is locked with a password; save it without.",)


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
    areas = mus.Polygon | mus.Rectangle | mus.Ellipse | Composite
    assert all(isinstance(r, areas) for r in rois)
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
