"""ImageJ's files in napari, both ways."""

from __future__ import annotations

import json
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

from napari_muscle_us import Polygon, roi_mask
from napari_muscle_us._napari import _roi_edits, _roi_files, _roi_frames
from napari_muscle_us.errors import MuscleUSWarning, RoiError
from napari_muscle_us.io.imagej import read_imagej_entries
from napari_muscle_us.io.imagej_write import encode_roi, write_imagej_rois
from napari_muscle_us.roi.entries import RoiEntry
from napari_muscle_us.roi.history import same_roi
from napari_muscle_us.roi.open_shapes import Points
from napari_muscle_us.roi.shapes import Composite
from tests.core.imagej_java import run_imagej
from tests.panels.roi_factory import (
    KINDS,
    SHAPE,
    assert_same,
    box,
    clip,
    entry,
    session_with,
    still,
    third,
)

pytestmark = pytest.mark.usefixtures("qtbot")

READ_BACK = Path(__file__).parents[1] / "golden" / "ImageJReadBack.java"
PIXEL_KINDS = ("rectangle", "turned", "ellipse", "polygon", "composite")


@pytest.fixture
def session():
    session = session_with(still())
    yield session
    session.viewer.layers.clear()


@pytest.fixture
def said(monkeypatch):
    """Collect what the user is told of files."""
    said = []
    for name in ("show_info", "show_warning"):
        monkeypatch.setattr(_roi_files.notifications, name, said.append)
    return said


@pytest.fixture
def roi_set(tmp_path):
    """Return a RoiSet.zip with a region of every kind, points and a style each."""
    entries = [
        RoiEntry(third(kind), colour=f"#10{n:02x}30", frame=None)
        for n, kind in enumerate(KINDS)
    ]
    entries.append(RoiEntry(Points([(3.5, 4.25), (60, 70)], name="points")))
    path = tmp_path / "RoiSet.zip"
    write_imagej_rois(path, entries)
    return path


def parts(path):
    """Return name and bytes of each file of an archive, in order."""
    with zipfile.ZipFile(path) as archive:
        return [(n, archive.read(n)) for n in archive.namelist()]


def test_all_kinds_come_in_with_their_geometry_to_the_last_digit(
    session, roi_set, said
):
    assert _roi_files.load_rois(session, roi_set) == len(KINDS) + 1
    expected = read_imagej_entries(roi_set).entries
    shapes = [e for e in expected if not isinstance(e.roi, Points)]
    now = session.rois.entries()
    for ours, theirs in zip(now, shapes, strict=True):
        assert same_roi(ours.roi, theirs.roi)
        assert ours.imagej == theirs.imagej
        assert ours.colour == theirs.colour
    assert session.rois.undo_label == "loading RoiSet.zip"
    layer = session.viewer.layers[-1]
    assert np.asarray(layer.data).tolist() == [[3.5, 4.25], [60, 70]]
    assert said[-1] == f"{len(KINDS) + 1} ROIs of RoiSet.zip loaded."


def test_loaded_and_saved_unchanged_is_the_same_to_the_byte(
    session, roi_set, said, tmp_path
):
    _roi_files.load_rois(session, roi_set)
    session.select([0, 2])
    session.rois.undo()
    session.rois.redo()
    again = tmp_path / "again.zip"
    _roi_files.save_rois(session, again)
    assert parts(again) == parts(roi_set)


def test_one_edit_changes_one_file_of_the_archive(session, roi_set, said, tmp_path):
    _roi_files.load_rois(session, roi_set)
    session.select([3])
    _roi_edits.move(session, 1, 0)
    again = tmp_path / "again.zip"
    _roi_files.save_rois(session, again)
    pairs = zip(parts(again), parts(roi_set), strict=True)
    changed = [old[0] for new, old in pairs if new != old]
    assert changed == ["poly.roi"]


def test_a_colour_given_in_napari_is_written_for_imagej(session, tmp_path, said):
    _roi_edits.add(session, [box(name="BB")], "adding")
    session.select([0])
    session.roi_layer.current_edge_color = "#00ff00"
    session.rois.settle()
    path = tmp_path / "BB.roi"
    _roi_files.save_rois(session, path)
    assert read_imagej_entries(path).entries[0].colour == "#00ff00"


def test_text_and_broken_files_are_named_and_the_rest_comes_in(session, tmp_path, said):
    path = tmp_path / "RoiSet.zip"
    good = encode_roi(entry(box(name="good")))
    text = bytearray(good)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("good.roi", good)
        archive.writestr("notes.txt", "seen by nobody")
        archive.writestr("broken.roi", good[:20])
        archive.writestr("nonsense.roi", b"Iout" + bytes(text)[::-1])
    assert _roi_files.load_rois(session, path) == 1
    assert [e.roi.name for e in session.rois.entries()] == ["good"]
    told = " ".join(said)
    assert "broken.roi" in told
    assert "'nonsense' is of the unknown type" in told
    assert "notes.txt" in told
    assert "1 ROIs of RoiSet.zip loaded." in said


def test_many_that_are_left_out_are_counted(session, tmp_path, said):
    path = tmp_path / "RoiSet.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("good.roi", encode_roi(entry(box(name="good"))))
        for n in range(9):
            archive.writestr(f"broken{n}.roi", b"Iout")
    _roi_files.load_rois(session, path)
    assert len(said) == 4 + 1 + 1
    assert said[-2] == "RoiSet.zip: 5 more were left out."


def test_without_an_image_one_sentence_says_what_to_do(session, roi_set):
    session.viewer.layers.clear()
    with pytest.raises(RoiError, match=r"Open the image first, then drop 'RoiSet.zip'"):
        _roi_files.load_rois(session, roi_set)


@pytest.mark.parametrize(
    ("name", "content", "ours"),
    [
        ("RoiSet.zip", ["a.roi"], True),
        ("RoiSet.ZIP", ["a.ROI"], True),
        ("scans.zip", ["IM_0001.dcm", "DICOMDIR"], False),
        ("empty.zip", [], False),
        ("scan.png", None, False),
        ("a.roi", None, True),
        ("torn.zip", None, True),
    ],
)
def test_which_files_are_taken(tmp_path, name, content, ours):
    path = tmp_path / name
    if content is None:
        path.write_bytes(b"torn")
    else:
        with zipfile.ZipFile(path, "w") as archive:
            for one in content:
                archive.writestr(one, b"x")
    assert (_roi_files.get_roi_reader(str(path)) is not None) == ours
    assert (_roi_files.get_roi_reader([str(path)]) is not None) == ours


def test_a_mixture_of_files_is_not_ours(roi_set, tmp_path):
    other = tmp_path / "scan.png"
    other.write_bytes(b"")
    assert _roi_files.get_roi_reader([str(roi_set), str(other)]) is None
    assert _roi_files.get_roi_reader([]) is None
    assert _roi_files.get_roi_reader(str(tmp_path / "gone.zip")) is None


def test_what_imagej_cannot_hold_is_told_each_time(tmp_path, said):
    session = session_with(clip())
    _roi_edits.add(session, [box(name="BB")], "adding")
    _roi_frames.set_keyframe(session, on=True)
    session.viewer.dims.set_current_step(0, 10)
    session.roi_layer.data = [session.roi_layer.data[0] + 20]
    session.viewer.dims.set_current_step(0, 5)
    path = tmp_path / "BB.roi"
    for _ in range(2):
        _roi_files.save_rois(session, path)
    assert len(said) == 2
    assert "keyframes, which ImageJ's files do not hold" in said[0]
    # As it is shown, not as it was first drawn.
    assert read_imagej_entries(path).entries[0].roi == box(30, 40, name="BB")
    session.viewer.layers.clear()


def test_other_warnings_stay_warnings(tmp_path, said, session, monkeypatch):
    def write(path, entries):
        warnings.warn("something else", UserWarning, stacklevel=1)
        warnings.warn("for the user", MuscleUSWarning, stacklevel=1)

    monkeypatch.setattr(_roi_files, "write_imagej_rois", write)
    _roi_edits.add(session, [box(name="BB")], "adding")
    with pytest.warns(UserWarning, match="something else") as caught:
        _roi_files.save_rois(session, tmp_path / "BB.roi")
    assert said == ["for the user"]
    assert not any(issubclass(w.category, MuscleUSWarning) for w in caught)


def test_nothing_to_save_says_so(session, tmp_path):
    with pytest.raises(RoiError, match="There is no ROI to write"):
        _roi_files.save_rois(session, tmp_path / "RoiSet.zip")
    assert list(tmp_path.iterdir()) == []


def test_a_layer_of_a_rotated_image_is_written_in_pixels(session, tmp_path, said):
    _roi_edits.add(session, [third("polygon")], "adding")
    before = session.rois.entries()[0].roi
    session.image_layer.rotate = 20
    session.roi_layer.rotate = 20
    path = tmp_path / "poly.roi"
    _roi_files.save_rois(session, path)
    (written,) = read_imagej_entries(path).entries
    np.testing.assert_allclose(written.roi.vertices, before.vertices, atol=1e-5)


def test_keys_of_a_set_loaded_twice_differ(session, roi_set, said):
    _roi_files.load_rois(session, roi_set)
    _roi_files.load_rois(session, roi_set)
    keys = [e.key for e in session.rois.entries()]
    assert len(set(keys)) == len(keys) == 2 * len(KINDS)


def test_imagej_selects_the_same_pixels_of_what_was_edited_in_napari(
    session, tmp_path, said
):
    _roi_edits.add(session, [third(kind) for kind in PIXEL_KINDS], "adding")
    layer = session.roi_layer
    dragged = [np.array(one) for one in layer.data]
    dragged[3][0] = (12.3, 21.7)
    dragged[4][1] += (3, 5)
    layer.data = dragged
    session.rois.settle()
    path = tmp_path / "RoiSet.zip"
    _roi_files.save_rois(session, path)
    lines = run_imagej(READ_BACK, path).splitlines()
    counted = [json.loads(line)["n"] for line in lines]
    rows = [region.window.n_pixels for region in session.regions()]
    assert counted == rows
    shown = [roi_mask(e.roi, SHAPE).sum() for e in session.rois.entries()]
    assert counted == shown
    kinds = [type(e.roi) for e in session.rois.entries()]
    assert kinds[3:] == [Polygon, Composite]


def test_loading_is_one_step(session, roi_set, said):
    _roi_edits.add(session, [box(name="BB")], "adding")
    before = session.rois.entries()
    _roi_files.load_rois(session, roi_set)
    session.rois.undo()
    assert_same(session.rois.entries(), before)
