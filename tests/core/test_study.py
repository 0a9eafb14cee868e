"""A folder or DICOMDIR as a study: order, identity, hostile folders and files."""

from __future__ import annotations

import gc
import io
import os
import random
import shutil
import socket
import struct
import time
import tracemalloc
import warnings
import zlib
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom import Dataset
from pydicom.data import get_testdata_file
from pydicom.fileset import FileSet
from pydicom.uid import DeflatedExplicitVRLittleEndian, generate_uid

import napari_muscle_us as mus
from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.study import folder as folder_module
from napari_muscle_us.study.model import natural_key
from napari_muscle_us.study.scan import scan_study

GRAY = np.arange(24, dtype=np.uint8).reshape(4, 6)
CLIP = np.zeros((3, 4, 6), np.uint8)
SALT = bytes(range(32))
MARKER = "Zzmarker"
DIRECTORIES = Path(get_testdata_file("dicomdirtests/DICOMDIR", download=False)).parent


@pytest.fixture(scope="module")
def dicom(make_dataset, to_bytes):
    """Give the bytes of an ultrasound image of one person, study and series."""

    def make(**tags) -> bytes:
        elements = {
            "PatientID": "1",
            "StudyInstanceUID": "1.2.1",
            "SeriesInstanceUID": "1.2.1.1",
            "SeriesNumber": 1,
            **tags,
        }
        dataset = make_dataset(GRAY)
        for keyword, value in elements.items():
            if value is not None:
                setattr(dataset, keyword, value)
        return to_bytes(dataset)

    return make


@pytest.fixture
def fill(tmp_path):
    """Write files, ``name=content``, into a folder and return it."""

    def write(files: dict[str, bytes]) -> Path:
        root = tmp_path / "study"
        root.mkdir(exist_ok=True)
        for name, content in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(content)
        return root

    return write


def picture(kind="PNG", size=(6, 4)) -> bytes:
    buffer = io.BytesIO()
    Image.new("L", size).save(buffer, kind)
    return buffer.getvalue()


def names(series) -> list[str]:
    return [item.path.name for item in series.items]


def reasons(study) -> dict[str, str]:
    return {skipped.name: skipped.reason for skipped in study.skipped}


def peak_of(function) -> tuple[int, float, object]:
    """Return bytes at the peak, seconds and the result of a call."""
    start = time.perf_counter()
    tracemalloc.start()
    try:
        result = function()
        return tracemalloc.get_traced_memory()[1], time.perf_counter() - start, result
    finally:
        tracemalloc.stop()


# Order and labels


def test_series_by_number_and_images_by_instance(fill, dicom):
    second = {"SeriesInstanceUID": "1.2.1.2", "SeriesNumber": 10}
    root = fill(
        {
            "x/a": dicom(**second, InstanceNumber=1),
            "b": dicom(InstanceNumber=10),
            "c": dicom(InstanceNumber=9),
            "d": dicom(InstanceNumber=None),
            "y/e.png": dicom(InstanceNumber=2),
        }
    )
    study = scan_study(root)
    assert [s.label for s in study.series] == [
        "Series 1 (US, 4 images)",
        "Series 10 (US, 1 image)",
    ]
    assert names(study.series[0]) == ["e.png", "c", "b", "d"]
    assert [i.instance_number for i in study.series[0].items] == [2, 9, 10, None]
    assert study.skipped == ()
    assert study.warnings == ()
    assert study.is_complete
    assert study.items == study.series[0].items + study.series[1].items


def test_images_without_number_by_time_then_by_natural_name(fill, dicom):
    begin = {"StudyDate": "20240131", "StudyTime": "100000", "ContentDate": "20240131"}
    root = fill(
        {
            "img_10": dicom(),
            "img_2": dicom(),
            "z_early": dicom(**begin, ContentTime="100001"),
            "a_late": dicom(**begin, ContentTime="100100.5"),
        }
    )
    (series,) = scan_study(root).series
    assert names(series) == ["z_early", "a_late", "img_2", "img_10"]
    assert [i.acquired_after_s for i in series.items] == [1.0, 60.5, None, None]


def test_clips_and_stills_are_told_apart_and_counted(fill, make_dataset, to_bytes):
    clip = make_dataset(GRAY, NumberOfFrames=3, SeriesNumber=3)
    clip.PixelData = CLIP.tobytes()
    still = make_dataset(GRAY, SeriesNumber=3)
    root = fill({"clip": to_bytes(clip), "still": to_bytes(still)})
    (series,) = scan_study(root).series
    assert series.label == "Series 3 (US, 1 image, 1 clip)"
    assert [(i.kind, i.frames, i.rows, i.columns) for i in series.items] == [
        ("clip", 3, 4, 6),
        ("still", 1, 4, 6),
    ]


def test_pictures_and_videos_form_a_series_a_folder(fill, shared):
    video = shared("data/video/clarius-ocular-short.mp4").read_bytes()
    root = fill(
        {
            "left/img_10.png": picture(),
            "left/img_2.xyz": picture("JPEG", (8, 5)),
            "left/img_3": picture("TIFF"),
            "left/deep/one.bmp": picture("BMP"),
            "right/clip": video,
            "top.png": picture(),
        }
    )
    study = scan_study(root)
    assert [s.label for s in study.series] == [
        "Pictures in study (1 image)",
        "Pictures in left (3 images)",
        "Pictures in left/deep (1 image)",
        "Pictures in right (1 clip)",
    ]
    left = study.series[1]
    assert names(left) == ["img_2.xyz", "img_3", "img_10.png"]
    assert [(i.rows, i.columns) for i in left.items] == [(5, 8), (4, 6), (4, 6)]
    assert left.patient_key is None
    (clip,) = study.series[3].items
    assert (clip.kind, clip.frames) == ("clip", None)


def test_tiff_of_several_pages_is_a_clip(fill):
    buffer = io.BytesIO()
    pages = [Image.new("L", (6, 4), level) for level in (1, 2)]
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:])
    (series,) = scan_study(fill({"stack": buffer.getvalue()})).series
    assert series.items[0].kind == "clip"


def test_endless_chain_of_tiff_pages_is_looked_at_once(fill):
    content = bytearray(picture("TIFF"))
    (first,) = struct.unpack_from("<I", content, 4)
    (entries,) = struct.unpack_from("<H", content, first)
    struct.pack_into("<I", content, first + 2 + 12 * entries, first)
    peak, seconds, study = peak_of(lambda: scan_study(fill({"loop": bytes(content)})))
    assert peak < 20_000_000
    assert seconds < 5
    assert len(study.items) + len(study.skipped) == 1


def test_every_picture_that_is_listed_can_be_read(fill):
    kinds = ("PNG", "JPEG", "BMP", "TIFF")
    root = fill({kind: picture(kind) for kind in kinds})
    items = scan_study(root).items
    assert {item.path.name for item in items} == set(kinds)
    for item in items:
        assert mus.read_image(item.path).gray.shape == (item.rows, item.columns)


def test_order_does_not_depend_on_the_order_of_the_disk(tmp_path, dicom):
    files = {
        f"{d}/{i}": dicom(SeriesInstanceUID=f"1.{d}", SeriesNumber=d % 2)
        for d in range(4)
        for i in range(3)
    }
    studies = []
    for seed in (1, 2):
        order = list(files)
        random.Random(seed).shuffle(order)
        root = tmp_path / str(seed)
        for name in order:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(files[name])
        study = scan_study(root, salt=SALT)
        studies.append(
            [
                (s.label, s.key, [i.path.relative_to(root) for i in s.items])
                for s in study.series
            ]
        )
    assert studies[0] == studies[1]
    assert [label for label, _, _ in studies[0]] == [
        "Series 0 (US, 3 images)",
        "Series 0 (US, 3 images)",
        "Series 1 (US, 3 images)",
        "Series 1 (US, 3 images)",
    ]


@pytest.mark.parametrize(
    "ordered",
    [
        ["img_2", "img_10"],
        ["a", "a1", "a2", "a10", "b"],
        ["007", "7", "08", "9"],
        ["x", "x²", "x٣"],
        ["1" * 5000, "2" * 5000],
    ],
    ids=["brief", "letters", "zeros", "other digits", "long"],
)
def test_natural_order(ordered):
    assert sorted(set(ordered), key=natural_key) == ordered


# Identity


def test_two_people_with_the_same_series_are_never_mixed(fill, dicom, one_sentence):
    root = fill(
        {
            "a": dicom(PatientID="1"),
            "b": dicom(PatientID="2"),
            "c": dicom(PatientID="1", PatientName="Other^One"),
            "d": dicom(PatientID="1", PatientBirthDate="19700101"),
            "e": dicom(PatientID=None),
        }
    )
    study = scan_study(root)
    assert [names(s) for s in study.series] == [["a"], ["b"], ["c"], ["d"], ["e"]]
    assert len({s.patient_key for s in study.series}) == 5
    assert len({s.key for s in study.series}) == 5
    assert study.series[1].label == "Study 2, series 1 (US, 1 image)"
    (warning,) = study.warnings
    assert one_sentence(warning)
    assert "5 patients" in warning


def test_studies_of_one_person_are_kept_apart_and_linked(fill, dicom, one_sentence):
    root = fill(
        {
            "a": dicom(StudyInstanceUID="1.9", StudyDate="20240201", SeriesNumber=1),
            "b": dicom(StudyInstanceUID="1.8", StudyDate="20240101", SeriesNumber=2),
        }
    )
    study = scan_study(root)
    assert [s.label for s in study.series] == [
        "Study 1, series 2 (US, 1 image)",
        "Study 2, series 1 (US, 1 image)",
    ]
    assert len({s.patient_key for s in study.series}) == 1
    assert len({s.study_key for s in study.series}) == 2
    (warning,) = study.warnings
    assert one_sentence(warning)
    assert "2 studies of one patient" in warning


def test_studies_that_name_nobody_are_not_linked(fill, dicom):
    root = fill(
        {
            "a": dicom(PatientID=None, StudyInstanceUID="1.9"),
            "b": dicom(PatientID=None, StudyInstanceUID="1.8"),
            "c/c": dicom(PatientID="", StudyInstanceUID=None, SeriesInstanceUID=None),
            "d/d": dicom(PatientID="", StudyInstanceUID=None, SeriesInstanceUID=None),
        }
    )
    study = scan_study(root)
    assert len(study.series) == 4
    assert len({s.patient_key for s in study.series}) == 4


def test_name_written_otherwise_is_the_same_person(fill, dicom):
    root = fill(
        {"a": dicom(PatientName="Doe^Jane"), "b": dicom(PatientName="DOE^JANE^^^")}
    )
    assert len(scan_study(root).series) == 1


def test_keys_depend_on_the_salt_and_on_nothing_else(fill, dicom):
    root = fill({"a": dicom()})
    (first,) = scan_study(root, salt=SALT).series
    (again,) = scan_study(root, salt=SALT).series
    (other,) = scan_study(root, salt=SALT[::-1]).series
    (fresh,) = scan_study(root).series
    (fresher,) = scan_study(root).series
    assert first == again
    keys = [
        key
        for s in (first, other, fresh, fresher)
        for key in (s.key, s.study_key, s.patient_key)
    ]
    assert len(set(keys)) == 12
    assert all(len(key) == 16 and int(key, 16) >= 0 for key in keys)


def test_nothing_in_a_study_identifies_anyone(fill, dicom, caplog, capfd):
    personal = {
        keyword: f"{MARKER}{n}"
        for n, keyword in enumerate(
            (
                "PatientID",
                "PatientName",
                "SeriesDescription",
                "StudyDescription",
                "ProtocolName",
                "InstitutionName",
                "StationName",
                "OperatorsName",
            )
        )
    } | {"PatientBirthDate": "19010203", "StudyDate": "19010203", "StudyTime": "1203"}
    whole = dicom(**personal, StudyInstanceUID="1.2.19010203")
    chance = random.Random(1)
    files = {"whole": whole}
    for n in range(150):
        broken = bytearray(whole[: chance.randrange(140, len(whole) + 100)])
        for _ in range(chance.randrange(1, 8)):
            broken[chance.randrange(132, len(broken))] = chance.randrange(256)
        files[f"broken{n}"] = bytes(broken)
    root = fill({**files, "modality": dicom(**personal, Modality=MARKER.upper())})
    study = scan_study(root)
    assert len(study.items) + len(study.skipped) == 152
    assert len(study.skipped) > 20
    text = repr(study) + caplog.text + "".join(capfd.readouterr())
    assert MARKER.lower() not in text.lower()
    assert "1901" not in text


# Strays


def test_strays_are_listed_with_a_reason(fill, dicom, make_dataset, one_sentence):
    report = Dataset()
    report.SOPClassUID = "1.2.840.10008.5.1.4.1.1.88.11"
    report.Modality = "SR"
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, report, implicit_vr=False, little_endian=True)
    ct = dicom(Modality="CT", SOPClassUID="1.2.840.10008.5.1.4.1.1.2")
    strays = {
        "readme.txt": (b"This is a text.\r\n", "neither DICOM nor a picture"),
        "Thumbs.db": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" * 99, "neither DICOM"),
        ".DS_Store": (b"\0\0\0\1Bud1" + bytes(500), "neither DICOM"),
        "._img.dcm": (b"\0\5\x16\7" + bytes(200), "neither DICOM"),
        "info.xml": (b"<?xml version='1.0'?>", "neither DICOM"),
        "empty.dcm": (b"", "empty"),
        "one": (b"\0", "neither DICOM"),
        "report": (bytes(128) + b"DICM" + buffer.getvalue(), "without pixels"),
        "ct": (ct, "modality CT"),
        "cut.dcm": (dicom()[:300], "DICOM"),
        "cut.png": (picture()[:20], "damaged"),
        "cut.jpg": (picture("JPEG")[:5], "damaged"),
        "cut.tif": (picture("TIFF")[:9], "damaged"),
        "frames": (dicom(NumberOfFrames=-1), "-1 frames"),
        "DICOMDIR": ((DIRECTORIES / "DICOMDIR").read_bytes(), "index of the medium"),
    }
    root = fill({name: content for name, (content, _) in strays.items()})
    fill({"good": dicom()})
    study = scan_study(root)
    assert [names(s) for s in study.series] == [["good"]]
    found = reasons(study)
    assert set(found) == set(strays)
    for name, (_, expected) in strays.items():
        assert expected in found[name], name
        assert one_sentence(found[name]), name


@pytest.mark.parametrize(
    ("modality", "sop_class", "accepted"),
    [
        ("US", "6.1", True),
        ("US", "3.1", True),
        ("US", "6", True),
        ("IVUS", "6.1", True),
        ("US", "7", True),
        ("OT", "7", True),
        ("OT", "7.4", True),
        (None, "7", True),
        (None, None, True),
        ("CT", "7", False),
        ("MR", "4", False),
        ("OT", "77.1.4", False),
        (None, "2", False),
    ],
)
def test_what_counts_as_ultrasound(fill, dicom, modality, sop_class, accepted):
    uid = None if sop_class is None else f"1.2.840.10008.5.1.4.1.1.{sop_class}"
    dataset = pydicom.dcmread(io.BytesIO(dicom()))
    for keyword, value in (("Modality", modality), ("SOPClassUID", uid)):
        delattr(dataset, keyword)
        if value is not None:
            setattr(dataset, keyword, value)
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    study = scan_study(fill({"file": buffer.getvalue()}))
    assert bool(study.items) == accepted
    assert ("is no ultrasound" in str(study.skipped)) == (not accepted)


def test_real_files_are_listed_as_pydicom_sees_them(shared):
    root = shared("data/dicom")
    study = scan_study(root)
    assert study.skipped == ()
    found = {
        i.path.name: (i.frames, i.rows, i.columns, i.instance_number)
        for i in study.items
    }
    expected = {}
    for path in root.iterdir():
        dataset = pydicom.dcmread(path, stop_before_pixels=True)
        expected[path.name] = (
            int(dataset.get("NumberOfFrames") or 1),
            dataset.Rows,
            dataset.Columns,
            dataset.InstanceNumber,
        )
    assert found == expected
    groups = {}
    for path in root.iterdir():
        dataset = pydicom.dcmread(path, stop_before_pixels=True)
        # Two files of one series were given different patient numbers.
        keywords = ("PatientID", "StudyInstanceUID", "SeriesInstanceUID")
        ids = tuple(dataset.get(keyword) for keyword in keywords)
        groups.setdefault(ids, set()).add(path.name)
    assert sorted(map(sorted, groups.values())) == sorted(
        sorted(names(s)) for s in study.series
    )


# Hostile folders


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_links(fill, dicom, tmp_path):
    root = fill({"real/a": dicom(), ".store/hidden": dicom(InstanceNumber=2)})
    (tmp_path / "secret").write_bytes(dicom())
    (root / "out").symlink_to(tmp_path / "secret")
    (root / "up").symlink_to("..")
    (root / "loop").symlink_to("loop")
    (root / "real" / "again").symlink_to(root)
    (root / "same").symlink_to("real/a")
    (root / "stored").symlink_to(".store/hidden")
    (root / "stored2").symlink_to(".store/hidden")
    (root / "nowhere").symlink_to("missing")
    study = scan_study(root)
    assert [names(s) for s in study.series] == [["stored", "a"]]
    assert reasons(study) == {
        "out": "It is a link that leads out of the folder.",
        "up": "It is a link that leads out of the folder.",
        "loop": "It is a link that leads nowhere.",
        "real/again": "Links to folders are not followed.",
        "same": "It is a link to a file that is listed already.",
        "stored2": "It is a link to a file that is listed already.",
        "nowhere": "It is a link that leads nowhere.",
        ".store/": "Hidden folders are not searched.",
    }


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_folder_that_is_itself_a_link_opens(fill, dicom, tmp_path):
    root = fill({"a": dicom()})
    (tmp_path / "link").symlink_to(root)
    assert len(scan_study(tmp_path / "link").items) == 1


@pytest.mark.skipif(os.name == "nt", reason="pipes have no place in a folder there")
def test_pipes_and_sockets_are_not_opened(fill, dicom, tmp_path, monkeypatch):
    root = fill({"a": dicom()})
    os.mkfifo(root / "pipe")
    os.mkfifo(tmp_path / "elsewhere")
    (root / "to_pipe").symlink_to("pipe")
    monkeypatch.chdir(root)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        study = scan_study(root)
    special = "It is no file but a device, pipe or socket."
    assert reasons(study) == {"pipe": special, "socket": special, "to_pipe": special}


@pytest.mark.skipif(os.name == "nt", reason="pipes have no place in a folder there")
def test_file_exchanged_for_a_pipe_does_not_hang(fill, dicom):
    root = fill({"a": dicom(), "b": dicom()})

    def exchange(done, total):
        if done == 0:
            (root / "a").unlink()
            os.mkfifo(root / "a")

    study = scan_study(root, progress=exchange)
    assert [i.path.name for i in study.items] == ["b"]
    assert reasons(study) == {"a": "It cannot be read (no regular file any more)."}


def test_file_that_goes_away_is_listed(fill, dicom):
    root = fill({"a": dicom(), "b": dicom()})
    study = scan_study(
        root, progress=lambda done, _: (root / "a").unlink(missing_ok=True)
    )
    assert [i.path.name for i in study.items] == ["b"]
    assert reasons(study) == {"a": "It cannot be read (No such file or directory)."}


def test_folder_that_cannot_be_read(fill, dicom, monkeypatch, one_sentence):
    root = fill({"locked/a": dicom(), "b": dicom()})
    scandir = os.scandir

    def refuse(path):
        if Path(path).name in locked:
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    locked = {"locked"}
    study = scan_study(root)
    assert [i.path.name for i in study.items] == ["b"]
    assert reasons(study) == {
        "locked/": "The folder cannot be read (Permission denied)."
    }
    locked = {"study"}
    with pytest.raises(ImageReadError, match="Permission denied") as caught:
        scan_study(root)
    assert one_sentence(str(caught.value))


def test_depth_is_bounded(fill, dicom):
    shallow, deep = "/".join("f" * 16) + "/a", "/".join("f" * 17) + "/b"
    study = scan_study(fill({shallow: dicom(), deep: dicom()}))
    assert [i.path.name for i in study.items] == ["a"]
    assert reasons(study) == {
        "/".join("f" * 17) + "/": "Folders below 16 others are not searched."
    }


def test_number_of_files_is_bounded(fill, monkeypatch, one_sentence):
    root = fill({f"{i % 5}/{i}": b"x" for i in range(20)})
    monkeypatch.setattr(folder_module, "MAX_ENTRIES", 25)
    assert len(scan_study(root).skipped) == 20
    monkeypatch.setattr(folder_module, "MAX_ENTRIES", 24)
    with pytest.raises(ImageReadError, match="more than 24 files") as caught:
        scan_study(root)
    assert one_sentence(str(caught.value))


@pytest.mark.skipif(os.name == "nt", reason="such names do not exist on Windows")
def test_strange_names_are_shown_in_one_line(fill, dicom):
    root = fill({"line\nbreak": b"x", "turn\u202ed": dicom(), "ok": b"x"})
    with open(os.fsencode(root) + b"/no\xff\xfeutf8", "wb") as file:
        file.write(dicom())
    study = scan_study(root)
    assert set(reasons(study)) == {"line�break", "ok"}
    assert all(item.path.exists() for item in study.items)
    assert len(study.items) == 2
    repr(study).encode()


@pytest.mark.parametrize("path", ["missing", "file.txt", "image", "a\0b", "x" * 5000])
def test_what_is_no_study_is_refused(fill, dicom, path, one_sentence):
    root = fill({"file.txt": b"text", "image": dicom()})
    with pytest.raises(ImageReadError) as caught:
        scan_study(root / path)
    assert one_sentence(str(caught.value))


def test_empty_folder_is_an_empty_study(fill):
    study = scan_study(str(fill({})))
    assert (study.series, study.skipped, study.warnings) == ((), (), ())


# Hostile files


def write_sparse(path: Path, start: bytes, value: int) -> None:
    """Write the start of a file whose last element has a value of many zeros."""
    with path.open("wb") as file:
        file.write(start)
        file.truncate(len(start) + value)


def test_file_of_two_gigabytes_costs_its_header(fill, dicom):
    root = fill({})
    header = dicom(NumberOfFrames=900)[: -GRAY.size - 12]
    pixels = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, 1_900_000_000)
    write_sparse(root / "large", header + pixels, 1_900_000_000)
    peak, seconds, study = peak_of(lambda: scan_study(root))
    assert study.items[0].frames == 900
    assert peak < 5_000_000
    assert seconds < 5


@pytest.mark.parametrize("tag", [0x00100010, 0x00081030, 0x00091001])
def test_element_that_claims_gigabytes_is_not_read(fill, tag):
    root = fill({})
    meta = bytes(128) + b"DICM"
    lying = struct.pack("<HH2sHI", tag >> 16, tag & 0xFFFF, b"UN", 0, 1_900_000_000)
    write_sparse(root / "lie", meta + lying, 1_900_000_000)
    peak, seconds, study = peak_of(lambda: scan_study(root))
    assert "DICOM" in reasons(study)["lie"]
    assert peak < 20_000_000
    assert seconds < 5


@pytest.mark.parametrize(
    "piece",
    [
        b"\xfe\xff\x00\xe0\0\0\0\0",
        b"\xfe\xff\x00\xe0\xff\xff\xff\xff",
        struct.pack("<HH2sH", 0x0009, 0x1001, b"LO", 0),
    ],
    ids=["items", "nested items", "elements"],
)
def test_millions_of_empty_elements_are_not_parsed(fill, piece):
    start = bytes(128) + b"DICM"
    if piece[:2] == b"\xfe\xff":
        start += struct.pack("<HH2sHI", 0x0009, 0x1001, b"SQ", 0, 0xFFFFFFFF)
    root = fill({"many": start + piece * 1_500_000})
    begin = time.perf_counter()
    study = scan_study(root)
    assert "DICOM" in reasons(study)["many"]
    # Parsed to the end, they take a minute and gigabytes.
    assert time.perf_counter() - begin < 15


def deflated(make_dataset, to_bytes, body: bytes) -> bytes:
    dataset = make_dataset(GRAY)
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    meta = io.BytesIO()
    pydicom.filewriter.write_file_meta_info(meta, dataset.file_meta)
    return bytes(128) + b"DICM" + meta.getvalue() + body


def test_deflated_bomb_is_inflated_a_little(fill, make_dataset, to_bytes):
    packer = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    plain = to_bytes(make_dataset(GRAY))
    elements = plain[plain.index(b"\x08\x00\x16\x00") :][: -GRAY.size - 12]
    pixels = struct.pack("<HH2sHI", 0x7FE0, 0x0010, b"OB", 0, 200_000_000)
    body = packer.compress(elements + pixels)
    for _ in range(200):
        body += packer.compress(bytes(1_000_000))
    body += packer.flush()
    assert len(body) < 1_000_000
    root = fill({"bomb": deflated(make_dataset, to_bytes, body)})
    peak, seconds, study = peak_of(lambda: scan_study(root))
    assert study.items[0].rows == 4
    assert peak < 50_000_000
    assert seconds < 5


def test_real_deflated_file_is_listed(fill):
    content = Path(get_testdata_file("image_dfl.dcm", download=False)).read_bytes()
    root = fill({"whole": content, "cut": content[:500], "torn": content[:340]})
    study = scan_study(root)
    assert [(i.path.name, i.rows, i.columns) for i in study.items] == [
        ("whole", 512, 512)
    ]
    assert set(reasons(study)) == {"cut", "torn"}


# Progress and cancelling


def test_progress_counts_every_file(fill, dicom):
    seen = []
    root = fill({"a": dicom(), "b": b"x", "c/d": dicom()})
    scan_study(root, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_cancelling_returns_what_was_found(fill, dicom):
    seen = []
    root = fill({name: dicom() for name in "abcdef"})
    study = scan_study(
        root,
        progress=lambda done, total: seen.append(done),
        cancelled=lambda: len(seen) > 3,
    )
    assert not study.is_complete
    assert [i.path.name for i in study.items] == ["a", "b", "c"]
    study = scan_study(root, cancelled=lambda: True)
    assert (study.items, study.is_complete) == ((), False)


# DICOMDIR


@contextmanager
def file_set(*index):
    """Give pydicom's own idea of a medium; it leaves temporary folders behind."""
    files = [FileSet(*index)]
    yield files[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        files.clear()
        gc.collect()


@cache
def named_by(name: str) -> set[str]:
    """Return the files that a DICOMDIR names, as pydicom understands it."""
    index = DIRECTORIES / name
    with file_set(pydicom.dcmread(index)) as files:
        paths = [Path(instance.path) for instance in files]
        del files
    return {path.relative_to(index.parent).as_posix() for path in paths}


@pytest.mark.parametrize(
    "name",
    [
        "DICOMDIR",
        "DICOMDIR-bigEnd",
        "DICOMDIR-implicit",
        "DICOMDIR-reordered",
        "DICOMDIR-nooffset",
        "TINY_ALPHA/DICOMDIR",
    ],
)
def test_index_names_what_pydicom_finds(name):
    # The variants name the same files; pydicom reads only the first of them.
    expected = named_by("TINY_ALPHA/DICOMDIR" if "TINY" in name else "DICOMDIR")
    assert len(expected) in (31, 50)
    # CT, MR and CR images, and files without pixels: all looked at, none ultrasound.
    study = scan_study(DIRECTORIES / name)
    assert set(reasons(study)) == expected
    assert study.series == ()
    assert study.warnings == ()


@pytest.fixture(scope="module")
def written_medium(tmp_path_factory, dicom):
    folder = tmp_path_factory.mktemp("written") / "medium"
    with file_set() as files:
        write_medium(files, folder, dicom)
        del files
    return folder


@pytest.fixture
def medium(tmp_path, written_medium):
    """Give a folder with a DICOMDIR that pydicom wrote for five images."""
    return Path(shutil.copytree(written_medium, tmp_path / "medium"))


def write_medium(files, folder, dicom):
    for number in range(1, 6):
        dataset = pydicom.dcmread(io.BytesIO(dicom(InstanceNumber=number)))
        dataset.SOPInstanceUID = generate_uid(entropy_srcs=[str(number)])
        dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
        dataset.StudyDate, dataset.StudyTime, dataset.StudyID = "20240131", "10", "1"
        dataset.AccessionNumber = dataset.PatientName = ""
        files.add(dataset)
    files.write(folder)


def test_index_opens_what_it_names_and_the_folder_all(medium, dicom):
    (medium / "extra").write_bytes(dicom(InstanceNumber=6))
    study = scan_study(medium / "DICOMDIR")
    (series,) = study.series
    assert series.label == "Series 1 (US, 5 images)"
    assert [i.instance_number for i in series.items] == [1, 2, 3, 4, 5]
    assert study.skipped == ()
    assert study.folder == medium
    study = scan_study(medium)
    assert [i.instance_number for i in study.items] == [1, 2, 3, 4, 5, 6]
    assert list(reasons(study)) == ["DICOMDIR"]


@pytest.mark.parametrize("suffix", ["", ";1", "."])
def test_names_on_the_medium_may_differ_in_case(medium, suffix):
    for path in sorted(medium.rglob("*"), reverse=True):
        if path.name != "DICOMDIR":
            path.rename(path.with_name(path.name.lower() + suffix))
    study = scan_study(medium / "DICOMDIR")
    assert len(study.items) == 5
    assert all(mus.read_image(item.path).gray.shape == (4, 6) for item in study.items)


def test_named_file_that_is_missing_is_listed(medium, one_sentence):
    images = sorted(p for p in medium.rglob("*") if p.is_file() and "DIR" not in p.name)
    images[0].unlink()
    study = scan_study(medium / "DICOMDIR")
    assert len(study.items) == 4
    name = images[0].relative_to(medium).as_posix()
    assert reasons(study) == {name: "The index names it, but it is not there."}
    for path in images[1:]:
        path.unlink()
    study = scan_study(medium / "DICOMDIR")
    assert len(study.skipped) == 5
    (warning,) = study.warnings
    assert "None of the 5 files" in warning
    assert one_sentence(warning)


def write_index(medium, *references):
    dataset = pydicom.dcmread(medium / "DICOMDIR")
    records = [r for r in dataset.DirectoryRecordSequence if "ReferencedFileID" in r]
    for record, reference in zip(records, references, strict=False):
        record["ReferencedFileID"] = pydicom.DataElement(
            "ReferencedFileID", "LO", reference
        )
    dataset.save_as(medium / "DICOMDIR")


@pytest.mark.parametrize(
    "reference",
    [
        ["..", "secret"],
        ["PT000000", "..", "..", "secret"],
        ["../secret"],
        ["/etc", "passwd"],
        ["", "etc", "passwd"],
        ["C:", "secret"],
        ["C:secret"],
        [".", "secret"],
        ["..."],
        ["a"] * 17,
    ],
    ids=lambda parts: "_".join(parts)[:20],
)
def test_reference_that_leads_out_is_refused(medium, dicom, reference):
    (medium.parent / "secret").write_bytes(dicom())
    write_index(medium, reference)
    study = scan_study(medium / "DICOMDIR")
    assert len(study.items) == 4
    (skipped,) = study.skipped
    assert skipped.reason == "The index names it outside the folder."


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_reference_to_a_link_that_leads_out_is_refused(medium, dicom):
    (medium.parent / "secret").write_bytes(dicom())
    (medium / "LINK").symlink_to("../secret")
    (medium / "FOLDER").mkdir()
    write_index(medium, ["LINK"], ["FOLDER"])
    study = scan_study(medium / "DICOMDIR")
    assert len(study.items) == 3
    assert reasons(study) == {
        "LINK": "It is a link that leads out of the folder.",
        "FOLDER": "The index names it, but it is no file.",
    }


def test_file_named_twice_or_out_of_use_is_listed_once_or_not(medium):
    dataset = pydicom.dcmread(medium / "DICOMDIR")
    records = [r for r in dataset.DirectoryRecordSequence if "ReferencedFileID" in r]
    records[1].ReferencedFileID = records[0].ReferencedFileID
    records[2].RecordInUseFlag = 0
    dataset.save_as(medium / "DICOMDIR")
    study = scan_study(medium / "DICOMDIR")
    assert [i.instance_number for i in study.items] == [1, 4, 5]


@pytest.mark.parametrize("kind", ["cut", "text", "empty", "image", "items", "huge"])
def test_broken_index_opens_the_folder_with_a_warning(
    medium, dicom, kind, one_sentence
):
    path = medium / "DICOMDIR"
    whole = path.read_bytes()
    content = {
        "cut": whole[:500],
        "text": b"DICOMDIR",
        "empty": b"",
        "image": dicom(InstanceNumber=6),
        "items": whole + b"\xfe\xff\x00\xe0\0\0\0\0" * 1_000_000,
        "huge": whole,
    }
    path.write_bytes(content[kind])
    if kind == "huge":
        os.truncate(path, 1_000_000_000)
    peak, seconds, study = peak_of(lambda: scan_study(path))
    (warning,) = study.warnings
    assert "all files of its folder" in warning
    assert one_sentence(warning)
    assert [i.instance_number for i in study.items][:5] == [1, 2, 3, 4, 5]
    assert peak < 100_000_000
    assert seconds < 10


def test_index_that_names_nothing_says_so(tmp_path, one_sentence):
    (tmp_path / "DICOMDIR").write_bytes(
        (DIRECTORIES / "DICOMDIR-empty.dcm").read_bytes()
    )
    study = scan_study(tmp_path / "DICOMDIR")
    assert study.items == ()
    (warning,) = study.warnings
    assert one_sentence(warning)


def test_damaged_index_is_never_an_error(medium):
    path = medium / "DICOMDIR"
    whole = path.read_bytes()
    chance = random.Random(2)
    for _ in range(60):
        broken = bytearray(whole[: chance.randrange(200, len(whole) + 500)])
        for _ in range(chance.randrange(1, 8)):
            broken[chance.randrange(132, len(broken))] = chance.randrange(256)
        path.write_bytes(broken)
        study = scan_study(path)
        assert all(item.path.is_relative_to(medium) for item in study.items)
