"""Writing ImageJ's files: read back by this package and by ImageJ itself."""

from __future__ import annotations

import json
import struct
import warnings
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from roifile import ImagejRoi

import napari_muscle_us as mus
from napari_muscle_us.errors import MuscleUSWarning, ResultsError, RoiError
from napari_muscle_us.io.imagej import read_imagej_entries
from napari_muscle_us.io.imagej_write import encode_roi, write_imagej_rois
from napari_muscle_us.roi.composite import Composite
from napari_muscle_us.roi.entries import RoiEntry
from napari_muscle_us.roi.open_shapes import Points, Polyline
from napari_muscle_us.roi.shapes import relabel, roi_to_dict
from tests.core.imagej_java import run_imagej

READ_BACK = Path(__file__).resolve().parents[1] / "golden" / "ImageJReadBack.java"
SHAPE = (150, 200)
SQUARE = [(-0.5, -0.5), (-0.5, 9.5), (9.5, 9.5), (9.5, -0.5)]
HOLE = [(2.5, 2.5), (2.5, 6.5), (6.5, 6.5), (6.5, 2.5)]


@pytest.fixture
def decode(tmp_path_factory):
    folder = tmp_path_factory.mktemp("roi")

    def read(content):
        (folder / "file.roi").write_bytes(content)
        found = read_imagej_entries(folder / "file.roi")
        assert found.left_out == ()
        return found.entries[0]

    return read


def in_imagej(path, *more):
    """Return what ImageJ says of each region of a file."""
    # ImageJ itself prints a line where it misses its folder of colour tables.
    lines = run_imagej(READ_BACK, path, *more).splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def mask_sums(roi):
    mask = mus.roi_mask(roi, SHAPE)
    return int(mask.sum()), zlib.crc32(mask.astype(np.uint8).tobytes())


# Round trips -------------------------------------------------------------------------

place = st.floats(-300, 3000) | st.integers(-300, 3000).map(float)
half = st.integers(-300, 3000).map(lambda n: n - 0.5)
extent = st.floats(0.01, 500) | st.integers(1, 500).map(float)
turn = st.floats(-180, 180).filter(lambda a: abs(a) > 1e-3) | st.just(360.0)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def vertices(least, most=9):
    pairs = st.tuples(place, place) | st.tuples(half, half)
    return st.lists(pairs, min_size=least, max_size=most, unique=True)


def encloses(roi):
    parts = roi.parts if isinstance(roi, Composite) else [roi.vertices]
    singles = [(part + 0.5).astype(np.float32).astype(float) for part in parts]
    return all(np.linalg.matrix_rank(p - p[0], tol=1e-2) == 2 for p in singles)


polygons = vertices(3).map(mus.Polygon).filter(encloses)
shapes = st.one_of(
    st.builds(mus.Rectangle, place | half, place | half, extent, extent),
    st.builds(mus.Ellipse, place | half, place | half, extent, extent),
    st.builds(mus.Rectangle, place, half, extent, extent, turn),
    st.builds(mus.Ellipse, half, place, extent, extent, turn),
    polygons,
    st.lists(vertices(3), min_size=2, max_size=4).map(Composite).filter(encloses),
    vertices(1).map(Points),
    vertices(2, 2).map(lambda v: Polyline(v, kind="line")),
    vertices(3, 3).map(lambda v: Polyline(v, kind="angle")),
    vertices(2).map(Polyline),
    vertices(2).map(lambda v: Polyline(v, kind="freehand")),
)
hexes = st.integers(0, 0xFFFFFF).map(lambda n: f"#{n:06x}")
labelled = st.builds(
    lambda roi, name, muscle, side, colour, locked, frame: RoiEntry(
        relabel(roi, name=name, muscle=muscle, side=side),
        colour=colour,
        locked=locked,
        frame=frame,
    ),
    shapes,
    texts.filter(bool),
    texts,
    st.sampled_from(["", "left", "right"]),
    st.just("") | hexes | hexes.map(lambda c: c + "7f"),
    st.booleans(),
    st.none() | st.integers(0, 5000),
)


def same_geometry(roi, other):
    if isinstance(roi, Composite):
        assert [len(p) for p in roi.parts] == [len(p) for p in other.parts]
    # Single precision is good to 2⁻²⁴ of the largest coordinate. ImageJ's rectangle
    # may start at another corner.
    corners = len(roi.outline()) if isinstance(roi, mus.Rectangle) else 1
    wanted = [np.roll(roi.outline(), k, axis=0) for k in range(corners)]
    assert any(np.allclose(other.outline(), w, rtol=0, atol=2e-3) for w in wanted)


def is_turned(roi):
    return isinstance(roi, mus.Rectangle | mus.Ellipse) and not roi.is_upright


def labels_of(entry):
    roi = entry.roi
    return roi.name, roi.muscle, roi.side, entry.colour, entry.locked, entry.frame


# What looks like UTF-8 that was read as Latin-1, and is repaired in ImageJ's files.
@example(RoiEntry(mus.Polygon([(0, 0), (9, 0), (9, 9)], name="0", muscle="Â\x80")))
@example(RoiEntry(mus.Polygon([(0, 0), (9, 0), (9, 9)], name="0", muscle="Ã©")))
@given(labelled)
@settings(max_examples=250, deadline=None)
def test_every_kind_comes_back(entry):
    content = encode_roi(entry)
    back = decode_bytes(content)
    assert type(back.roi) is type(entry.roi) or is_turned(entry.roi)
    if type(back.roi) is type(entry.roi):
        same_geometry(entry.roi, back.roi)
    else:
        assert mask_sums(back.roi) == mask_sums(entry.roi)
    assert labels_of(back) == labels_of(entry)
    if isinstance(entry.roi, Polyline):
        assert back.roi.kind == entry.roi.kind
    # What is read is written back byte for byte, and stays so when it is relabelled.
    assert encode_roi(back) == content
    renamed = replace(back, roi=relabel(back.roi, name="another", muscle="Other"))
    again = decode_bytes(encode_roi(renamed))
    assert roi_to_dict(again.roi) == roi_to_dict(back.roi)
    assert again.roi.muscle == "Other"


def decode_bytes(content):
    from napari_muscle_us.io._imagej_geometry import decode_entry

    entry, notes = decode_entry(content, "", "file.roi")
    assert notes == ()
    return entry


@given(labelled)
@settings(max_examples=60, deadline=None)
def test_an_independent_reader_agrees(entry):
    """Name, position and coordinates as roifile reads them."""
    content = encode_roi(entry)
    oracle = ImagejRoi.frombytes(content)
    assert oracle.name == entry.roi.name
    assert oracle.position == (0 if entry.frame is None else entry.frame + 1)
    if isinstance(entry.roi, Points | Polyline) and oracle.n_coordinates:
        # ImageJ shows an angle by the convention of areas.
        shift = 0.5 if getattr(entry.roi, "kind", "") == "angle" else 0.0
        xy = oracle.coordinates() - shift
        np.testing.assert_allclose(xy[:, ::-1], entry.roi.vertices, atol=5e-4)
    elif isinstance(entry.roi, mus.Polygon):
        xy = oracle.coordinates()
        np.testing.assert_allclose(xy[:, ::-1] - 0.5, entry.roi.vertices, atol=5e-4)


@pytest.mark.parametrize(
    "kind",
    [
        "rect_integer",
        "rect_fractional",
        "oval_fractional",
        "polygon_integer",
        "polygon_float",
        "freehand_float",
        "traced",
        "ellipse",
        "rotated_rect",
        "composite",
        "line",
        "point",
    ],
)
def test_only_what_changed_is_written(golden_roi_bytes, decode, kind):
    """ImageJ's own bytes: untouched as they were, renamed with the same coordinates."""
    content = golden_roi_bytes(kind)
    entry = decode_bytes(content)
    assert encode_roi(entry) == content
    changed = encode_roi(
        replace(entry, roi=relabel(entry.roi, name="new", side="left"), frame=4)
    )
    assert body(changed) == body(content)
    # Of the first header only position and the second header's place differ.
    assert changed[:56] == content[:56]
    assert decode(changed).frame == 4


def body(content):
    (start,) = struct.unpack(">i", content[60:64])
    return content[64:start]


def styled(content):
    """Return a .roi file with stroke, fill, group, width and a property."""
    roi = ImagejRoi.frombytes(content)
    roi.stroke_color, roi.fill_color = b"\xff\x10\x20\x30", b"\x80\xff\x00\x00"
    roi.stroke_width, roi.float_stroke_width = 2, 2.5
    roi.group, roi.z_position = 7, 3
    roi.props = "other: kept\nmuscle: Vastus lateralis\n"
    roi.name = "before"
    return roi.tobytes()


def test_an_edited_shape_keeps_its_style(golden_roi_bytes, decode):
    content = styled(golden_roi_bytes("freehand_float"))
    entry = decode(content)
    assert (entry.colour, entry.frame) == ("#102030", 2)
    assert entry.roi.muscle == "Vastus lateralis"
    moved = mus.Polygon(entry.roi.vertices + 1, name="after", muscle="Soleus")
    new = ImagejRoi.frombytes(encode_roi(replace(entry, roi=moved, frame=9)))
    assert (new.roitype, new.name) == (7, "after")
    assert (new.stroke_color, new.fill_color) == (
        b"\xff\x10\x20\x30",
        b"\x80\xff\x00\x00",
    )
    assert (new.float_stroke_width, new.group) == (2.5, 7)
    assert (new.position, new.z_position, new.t_position) == (0, 10, 0)
    assert new.props == "other: kept\nmuscle: Soleus\n"
    shifted = new.coordinates()[:, ::-1] - 0.5
    np.testing.assert_allclose(shifted, moved.vertices, atol=1e-5)
    other_kind = replace(entry, roi=mus.Rectangle(0, 0, 5.5, 6))
    new = ImagejRoi.frombytes(encode_roi(other_kind))
    assert (new.roitype, new.subtype, new.group) == (1, 0, 7)
    assert new.fill_color == b"\x80\xff\x00\x00"
    assert decode(encode_roi(other_kind)).roi.width == 6


def test_points_keep_their_counters(decode):
    roi = ImagejRoi.frompoints([[1, 2], [3, 4], [5, 6]], name="p")
    roi.roitype, roi.version = type(roi.roitype)(10), 228
    roi.counters = np.array([1, 0, 2], np.uint8)
    entry = decode(roi.tobytes())
    assert entry.roi.vertices.tolist() == [[2, 1], [4, 3], [6, 5]]
    fewer = encode_roi(replace(entry, roi=Points([(6, 5), (2, 1), (9, 9)][:2])))
    assert counters_of(fewer) == [2, 1]
    more = encode_roi(replace(entry, roi=Points([(2, 1), (9, 9), (4, 3), (6, 5)])))
    assert counters_of(more) == [1, 0, 0, 2]
    on_slice = encode_roi(replace(entry, frame=3))
    assert counters_of(on_slice) == [1 | 4 << 8, 4 << 8, 2 | 4 << 8]
    assert decode(on_slice).frame == 3


def counters_of(content):
    (start,) = struct.unpack(">i", content[60:64])
    (offset,) = struct.unpack(">i", content[start + 48 : start + 52])
    return [v for (v,) in struct.iter_unpack(">i", content[offset:])]


def test_an_old_file_keeps_its_meaning(golden_roi_bytes, decode):
    """What a field did not mean in its version is not given a meaning."""
    content = bytearray(golden_roi_bytes("rect_integer"))
    content[4:6] = (217).to_bytes(2, "big")
    content[34:36] = b"\0\5"
    content[40:44] = b"\xff\1\2\3"
    content[50:52] = (128 + 1).to_bytes(2, "big")
    entry = decode(bytes(content))
    assert entry.colour == ""
    after = encode_roi(replace(entry, roi=relabel(entry.roi, muscle="Soleus")))
    back = decode(after)
    assert (back.colour, back.roi.muscle) == ("", "Soleus")
    assert roi_to_dict(back.roi) == roi_to_dict(entry.roi)
    new = ImagejRoi.frombytes(after)
    assert (new.version, new.stroke_width, int(new.options)) == (228, 0, 8192)


@pytest.mark.parametrize(
    ("places", "frame"),
    [
        ((0, 0, 0, 0), None),
        ((5, 0, 0, 0), 4),
        ((0, 1, 0, 0), None),
        ((5, 0, 3, 0), 2),
        ((0, 2, 3, 1), 2),
        ((0, 1, 1, 7), 6),
        ((-3, 0, 0, 0), None),
    ],
    ids=["none", "stack", "channel", "slice-first", "slice", "time", "negative"],
)
def test_the_slice_is_the_frame(golden_roi_bytes, decode, places, frame):
    roi = ImagejRoi.frombytes(golden_roi_bytes("rect_integer"))
    roi.position, roi.c_position, roi.z_position, roi.t_position = places
    entry = decode(roi.tobytes())
    assert entry.frame == frame
    moved = decode(encode_roi(replace(entry, frame=11)))
    assert moved.frame == 11
    assert decode(encode_roi(replace(moved, frame=None))).frame is None


def test_a_place_on_two_axes_is_said(golden_roi_bytes, tmp_path):
    roi = ImagejRoi.frombytes(golden_roi_bytes("rect_integer"))
    roi.name, roi.z_position, roi.t_position = "RF", 4, 6
    (tmp_path / "a.roi").write_bytes(roi.tobytes())
    found = read_imagej_entries(tmp_path / "a.roi")
    assert found.entries[0].frame is None
    assert found.left_out == (
        "ROI 'RF' lies on slice 4 and time 6 of a hyperstack; it is shown on every "
        "frame.",
    )
    with pytest.warns(MuscleUSWarning, match="slice 4 and time 6"):
        mus.read_imagej_rois(tmp_path / "a.roi")


def test_properties_are_read_as_java_reads_them():
    entry = RoiEntry(mus.Rectangle(0, 0, 1, 1), imagej=b"")
    content = encode_roi(entry)
    for properties, muscle, side in [
        ("muscle: Größe\nside: Left\n", "Größe", "left"),
        ("muscle=Gr\\u00f6\\u00dfe", "Größe", ""),
        ("muscle: GrÃ¶Ã\x9fe\nside: dorsal\n", "Größe", ""),
        ("#muscle: no\nmuscles: no\na: b\\\n muscle: no\n", "", ""),
    ]:
        roi = ImagejRoi.frombytes(content)
        roi.props = properties
        read = decode_bytes(roi.tobytes())
        assert (read.roi.muscle, read.roi.side) == (muscle, side)
        assert encode_roi(read) == roi.tobytes()
        right = encode_roi(replace(read, roi=relabel(read.roi, side="right")))
        kept = [line for line in properties.splitlines() if "side" not in line]
        new = ImagejRoi.frombytes(right).props.splitlines()
        assert new == [*kept, "side: right"]


@pytest.mark.parametrize(
    "roi",
    [
        mus.Rectangle(1.0, 182.0, 31.51, 55.01, 180),
        mus.Rectangle(0.0, -0.5, 95.0, 0.0625, 3),
    ],
    ids=["tie", "slender"],
)
def test_a_turned_shape_selects_the_same_pixels_after_rounding(roi):
    """ImageJ makes the outline anew from single-precision numbers."""
    assert mask_sums(decode_bytes(encode_roi(roi)).roi) == mask_sums(roi)
    assert mask_sums(roi)[0] > 0 or roi.width < 1


def test_keyframes_are_named(tmp_path):
    roi = mus.Rectangle(0, 0, 5, 5, name="RF")
    entry = RoiEntry(roi, keyframes=((0, roi), (12, roi)))
    with pytest.warns(MuscleUSWarning, match="1 of 1 ROIs have keyframes"):
        write_imagej_rois(tmp_path / "a.roi", [entry])
    found = read_imagej_entries(tmp_path / "a.roi")
    assert found.left_out == (
        "ROI 'RF' had the keyframes 0 12, which ImageJ's files do not hold; it lies "
        "as last shown.",
    )
    # Once said, it is not said again of a file that is written anew.
    write_imagej_rois(tmp_path / "b.roi", found.entries)
    assert read_imagej_entries(tmp_path / "b.roi").left_out == ()


def test_bytes_that_cannot_be_read_are_not_kept():
    entry = RoiEntry(mus.Rectangle(0, 0, 5, 5, name="RF"), imagej=b"Iout broken")
    assert encode_roi(entry) == encode_roi(entry.roi)


# Files -------------------------------------------------------------------------------


def test_an_archive_is_the_same_each_time_and_in_order(tmp_path):
    rois = [mus.Rectangle(0, n, 5, 5, name=n_) for n, n_ in enumerate("cab")]
    for name in ("a.zip", "b.zip"):
        write_imagej_rois(tmp_path / name, iter(rois))
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.namelist() == ["c.roi", "a.roi", "b.roi"]
        assert archive.testzip() is None
    assert [r.name for r in mus.read_imagej_rois(tmp_path / "a.zip")] == ["c", "a", "b"]


def test_names_are_safe_and_unique_but_kept_inside(tmp_path):
    names = [
        "RF",
        "rf",
        "RF",
        "a/b\\c",
        "..",
        "con",
        "x" * 500,
        "Größe µ",
        "",
        "\x00\n",
    ]
    names += ["RF-1", "end.roi", " . "]
    rois = [mus.Rectangle(4, 8, 5, 5, name=name) for name in names]
    write_imagej_rois(tmp_path / "a.zip", rois)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        files = archive.namelist()
    assert len({name.casefold() for name in files}) == len(names)
    assert all(f.endswith(".roi") and len(f.encode()) < 200 for f in files)
    assert not any(set(f) & set('/\\:*?"<>|\x00\n') for f in files)
    assert not any(f.startswith((".", " ")) for f in files)
    assert (files[3], files[5], files[7]) == ("a_b_c.roi", "_con.roi", "Größe µ.roi")
    assert files[11] == "end.roi"
    read = [roi.name for roi in mus.read_imagej_rois(tmp_path / "a.zip")]
    expected = [name[:200] or files[i][:-4] for i, name in enumerate(names)]
    assert read == expected
    assert files[8].startswith("0006-")  # row of the middle, as ImageJ calls it


def test_what_cannot_be_written_is_refused(tmp_path, one_sentence):
    one = mus.Rectangle(0, 0, 5, 5)
    for name, rois, words in [
        ("a.tif", [one], "no name for ROIs"),
        ("a.ROI", [one], "no name for ROIs"),
        ("a.zip", [], "no ROI to write"),
        ("a.roi", [one, one], "do not fit in one .roi file"),
        ("a.zip", [one] * 10_001, "too many"),
        (
            "a.zip",
            [one, Polyline(np.arange(140_000).reshape(-1, 2), name="long")],
            "70000 vertices",
        ),
    ]:
        with pytest.raises(RoiError, match=words) as error:
            write_imagej_rois(tmp_path / name, rois)
        assert one_sentence(str(error.value))
    with pytest.raises(ResultsError, match="cannot be written"):
        write_imagej_rois(tmp_path / "none" / "a.roi", [one])
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.zip"
    write_imagej_rois(path, [mus.Rectangle(0, 0, 5, 5)])
    before = path.read_bytes()
    with pytest.raises(RoiError):
        write_imagej_rois(path, [Polyline(np.arange(140_000).reshape(-1, 2))])
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_long_outlines_and_many_points_are_held(decode):
    """More than 65,535 vertices: ImageJ makes a path of an outline."""
    angle = np.linspace(0, 2 * np.pi, 70_000, endpoint=False)
    circle = np.column_stack([np.sin(angle), np.cos(angle)]) * 900 + 1000
    polygon = mus.Polygon(circle, name="long")
    back = decode(encode_roi(polygon)).roi
    np.testing.assert_allclose(back.vertices, circle, atol=1e-4)
    points = Points(np.arange(140_000).reshape(-1, 2) % 1999)
    np.testing.assert_array_equal(
        decode(encode_roi(points)).roi.vertices, points.vertices
    )


# ImageJ itself -----------------------------------------------------------------------


def test_a_square_of_10_by_10_pixels_reads_100_in_imagej(tmp_path):
    """Drawn round the pixels 0 … 9; half a pixel off it would read 81 or 121."""
    square = [
        mus.Polygon(SQUARE, name="polygon"),
        mus.Rectangle(-0.5, -0.5, 10, 10, name="rectangle"),
        mus.Rectangle(-0.5, -0.5, 10, 10, 360, name="rotated"),
        Composite([SQUARE], name="one"),
        Composite([SQUARE, HOLE], name="ring"),
    ]
    write_imagej_rois(tmp_path / "RoiSet.zip", square)
    said = in_imagej(tmp_path / "RoiSet.zip")
    assert [s["n"] for s in said] == [100, 100, 100, 100, 84]
    assert [int(mus.roi_mask(roi, SHAPE).sum()) for roi in square] == [
        s["n"] for s in said
    ]


def drawn(rng, index):
    """Return a random region: integer, half or sub-pixel, some over the edge."""
    steps = (1, 2, 1024)[index // 9 % 3]
    shift = 0.5 if steps == 1 else 0.0

    def snap(values):
        return np.round(np.asarray(values) * steps) / steps - shift

    centre = rng.uniform((-5, -5), (155, 205))
    height, width = np.round(rng.uniform(1, 60, 2) * steps) / steps
    top, left = snap(centre - 20)
    turn = float(rng.choice([30, 45, 90, 180, -120, 360, rng.uniform(-180, 180)]))

    def star(count):
        angle = np.sort(rng.uniform(0, 2 * np.pi, count))
        reach = rng.uniform(0.2, 1, count) * 45
        rays = np.column_stack([np.sin(angle), np.cos(angle)])
        return snap(centre + rays * reach[:, None])

    match index % 9:
        case 0:
            return mus.Rectangle(top, left, height, width)
        case 1:
            return mus.Ellipse(top, left, height, width)
        case 2:
            return mus.Rectangle(top, left, height, width, turn)
        case 3:
            return mus.Ellipse(top, left, height, width, turn)
        case 4:
            return mus.Polygon(star(int(rng.integers(3, 12))))
        case 5:
            return Composite([star(9), star(7)][: 1 + index % 2])
        case 6:
            return Points(np.abs(star(int(rng.integers(1, 5)))) % 149)
        case 7:
            return Polyline(np.abs(star(2)) % 149, kind="line")
        case _:
            kind = ("polyline", "freehand", "angle")[index // 9 % 3]
            return Polyline(np.abs(star(3)) % 149, kind=kind)


@pytest.fixture(scope="module")
def exchanged(tmp_path_factory):
    """Give 63 random entries of all kinds and what ImageJ says of each."""
    rng = np.random.default_rng(20261123)
    entries = []
    for index in range(63):
        roi = relabel(
            drawn(rng, index),
            name=f"ROI {index} µ\U0001f600",
            muscle=("", "Biceps brachii", "Größe: \\ = #")[index % 3],
            side=("", "left", "right")[index // 3 % 3],
        )
        colour = ("", "#ff8000", "#00ff0080")[index % 3]
        entries.append(RoiEntry(roi, colour=colour, frame=index if index % 4 else None))
    folder = tmp_path_factory.mktemp("imagej")
    path, saved = folder / "RoiSet.zip", folder / "saved.zip"
    write_imagej_rois(path, entries)
    return entries, in_imagej(path, saved), path, saved


def test_imagej_selects_the_very_pixels(exchanged, formula_image):
    entries, said, _, _ = exchanged
    areas = 0
    for entry, answer in zip(entries, said, strict=True):
        if isinstance(entry.roi, Points | Polyline):
            continue
        areas += 1
        n, crc = mask_sums(entry.roi)
        assert answer["n"] == n, answer
        if n:
            assert answer["mask_crc32"] == crc, answer
            mean = formula_image[mus.roi_mask(entry.roi, SHAPE)].mean()
            np.testing.assert_allclose(answer["mean"], mean, rtol=1e-12)
    assert areas == 42


def test_imagej_shows_the_labels(exchanged):
    entries, said, _, _ = exchanged
    for entry, answer in zip(entries, said, strict=True):
        roi = entry.roi
        assert answer["name"] == roi.name
        assert (answer["muscle"] or "", answer["side"] or "") == (roi.muscle, roi.side)
        argb = {"": None, "#ff8000": "ffff8000", "#00ff0080": "8000ff00"}
        assert answer["stroke"] == argb[entry.colour]
        assert answer["position"] == (0 if entry.frame is None else entry.frame + 1)
        assert (answer["time"], answer["stroke_width"]) == (0, 0)


def test_imagej_has_lines_and_points_where_they_are(exchanged, formula_image):
    """A line's first gray level and a point's are those of the pixels that they name.

    A point's pixel is the nearest one; a line's gray level is interpolated between
    pixel centres (`scipy.ndimage`'s spline of order 1 at row, column).
    """
    from scipy.ndimage import map_coordinates

    entries, said, _, _ = exchanged
    for entry, answer in zip(entries, said, strict=True):
        roi = entry.roi
        if not isinstance(roi, Points | Polyline):
            continue
        shift = 0.0 if answer["centred"] else 0.5
        assert answer["centred"] == (getattr(roi, "kind", "") != "angle")
        xy = np.array([answer["x"], answer["y"]]).T - shift
        np.testing.assert_allclose(xy[:, ::-1], roi.vertices, atol=2e-5)
        if isinstance(roi, Points):
            rows, cols = np.floor(roi.vertices + 0.5).astype(int).T
            np.testing.assert_array_equal(answer["grays"], formula_image[rows, cols])
            continue
        if roi.kind != "freehand":  # ImageJ smooths a freehand line to measure it.
            np.testing.assert_allclose(answer["length"], roi.length_px, rtol=1e-5)
        if roi.kind in ("line", "angle"):
            np.testing.assert_allclose(answer["angle"], roi.angle_deg(), atol=1e-3)
        start = roi.vertices[:1].T
        gray = map_coordinates(formula_image.astype(float), start, order=1)
        if roi.kind == "line" and start.min() > 1:
            np.testing.assert_allclose(answer["first_gray"], gray[0], atol=0.02)


def test_what_imagej_saved_comes_back(exchanged):
    """From us to ImageJ, saved there, and read again: nothing is lost."""
    entries, _, _, saved = exchanged
    found = read_imagej_entries(saved)
    assert found.left_out == ()
    for entry, back in zip(entries, found.entries, strict=True):
        # ImageJ saves properties without their escapes, so it loses a backslash.
        muscle = entry.roi.muscle.replace("\\", "")
        assert labels_of(back)[:3] == (entry.roi.name, muscle, entry.roi.side)
        assert (back.colour, back.frame) == (entry.colour, entry.frame)
        if isinstance(entry.roi, Composite) and len(entry.roi.parts) == 1:
            assert isinstance(back.roi, mus.Polygon)
        else:
            assert type(back.roi) is type(entry.roi)
        if not isinstance(entry.roi, Points | Polyline):
            assert mask_sums(back.roi) == mask_sums(entry.roi)


def curved(rng):
    """Return the ``.roi`` file of a path of lines and curves of both orders."""
    path = []
    for _ in range(rng.integers(1, 3)):
        path += [0, *rng.uniform(5, 140, 2)]
        for kind in rng.integers(1, 4, rng.integers(2, 6)):
            path += [kind, *rng.uniform(5, 140, 2 * kind)]
        path.append(4)
    header = bytearray(64)
    header[:8] = b"Iout" + struct.pack(">hBx", 228, 1)
    struct.pack_into(">i", header, 36, len(path))
    return bytes(header) + struct.pack(f">{len(path)}f", *path)


@pytest.fixture(scope="module")
def foreign(tmp_path_factory, golden_roi_bytes):
    """Give an archive made by hand, and what ImageJ says of its files.

    A region with a style, the same edited here, and 20 paths with curves.
    """
    content = styled(golden_roi_bytes("traced"))
    edited = replace(
        decode_bytes(content), roi=mus.Polygon(SQUARE, name="after", side="left")
    )
    rng = np.random.default_rng(7)
    path = tmp_path_factory.mktemp("foreign") / "foreign.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("before.roi", content)
        archive.writestr("after.roi", encode_roi(edited))
        for number in range(20):
            archive.writestr(f"curve-{number:02d}.roi", curved(rng))
    return path, in_imagej(path)


def test_imagej_flattens_curves_to_the_same_pixels(foreign):
    path, said = foreign
    entries = read_imagej_entries(path).entries[2:]
    answers = [(answer["n"], answer["mask_crc32"]) for answer in said[2:]]
    assert answers == [mask_sums(entry.roi) for entry in entries]
    assert sum(n for n, _ in answers) > 20_000


def test_imagej_keeps_the_style_of_an_edited_region(foreign):
    """Stroke, fill, group … are to ImageJ what they were before the edit."""
    before, after = foreign[1][:2]
    assert (after["type"], after["name"], after["n"]) == ("Traced", "after", 100)
    for key in ("stroke", "fill", "stroke_width", "group", "slice", "time", "other"):
        assert after[key] == before[key], key
    assert (after["fill"], after["stroke_width"]) == ("80ff0000", 2.5)
    assert (after["group"], after["other"]) == (7, "kept")
    assert (before["muscle"], after["muscle"]) == ("Vastus lateralis", None)
    assert after["side"] == "left"


def test_no_warning_for_what_is_whole(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_imagej_rois(tmp_path / "a.zip", [mus.Polygon(SQUARE, name="RF")])
        (roi,) = mus.read_imagej_rois(tmp_path / "a.zip")
    np.testing.assert_array_equal(roi.vertices, SQUARE)
