"""Files and folders through napari's reader, and the study in the Acquisition panel."""

from __future__ import annotations

import io

import napari
import numpy as np
import pytest
from napari.components import ViewerModel
from PIL import Image as Picture
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian
from qtpy.QtCore import Qt

from napari_muscle_us._napari import _layers
from napari_muscle_us._napari._readers import get_reader, read_layers
from napari_muscle_us._napari._session import session_of
from napari_muscle_us._napari.panels.acquisition import AcquisitionPanel
from napari_muscle_us.errors import ImageReadError
from tests.core.conftest import dicom_bytes, dicom_dataset, region

NAME = "Zzmarker"
WHOLE = region(RegionLocationMaxX1=59, RegionLocationMaxY1=39)
DIRECTORY = "1.2.840.10008.1.3.10"


def gray(level: int) -> np.ndarray:
    return np.full((40, 60), level, np.uint8)


def scan(level: int, number: int, series: int = 1, **tags) -> bytes:
    """Return an image of one person, recognisable by its gray level."""
    dataset = dicom_dataset(
        gray(level),
        regions=[WHOLE],
        PatientName=f"{NAME}^Anna",
        PatientID=f"{NAME}-1",
        StudyInstanceUID="1.2.1",
        SeriesInstanceUID=f"1.2.1.{series}",
        SeriesDescription=f"{NAME} left",
        SeriesNumber=series,
        InstanceNumber=number,
        **tags,
    )
    return dicom_bytes(dataset)


def clip() -> bytes:
    frames = np.stack([gray(level) for level in (91, 92, 93)])
    return scan(
        91, 1, series=2, NumberOfFrames=3, PixelData=frames.tobytes(), FrameTime="40"
    )


def png(level: int) -> bytes:
    buffer = io.BytesIO()
    Picture.fromarray(gray(level)).save(buffer, "PNG")
    return buffer.getvalue()


def index(*names: str) -> bytes:
    """Return a DICOMDIR that names files."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = DIRECTORY
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = Dataset()
    dataset.file_meta = meta
    records = []
    for name in names:
        record = Dataset()
        record.RecordInUseFlag = 0xFFFF
        record.DirectoryRecordType = "IMAGE"
        record.ReferencedFileID = name.split("/")
        records.append(record)
    dataset.DirectoryRecordSequence = records
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


@pytest.fixture
def fill(tmp_path):
    """Return a function that writes files into a new folder."""

    def write(files: dict[str, bytes], name: str = "study"):
        folder = tmp_path / name
        for file, content in files.items():
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(content)
        return folder

    return write


@pytest.fixture
def study(fill):
    """Return a folder whose names tell neither the order nor what a file is."""
    return fill(
        {
            "a": scan(30, 3),
            "b.xyz": scan(10, 1),
            "c": scan(20, 2),
            "clip.dcm": clip(),
            "notes.txt": b"Zzmarker was here",
            "empty.dcm": b"",
            "sub/shot.png": png(40),
        }
    )


@pytest.fixture
def viewer(monkeypatch):
    model = ViewerModel()
    monkeypatch.setattr(napari, "current_viewer", lambda: model)
    yield model
    model.layers.clear()


@pytest.fixture
def session(viewer):
    return session_of(viewer)


@pytest.fixture
def panel(viewer, shown, notes):
    return shown(AcquisitionPanel(viewer))


def add(viewer, path):
    """Open as napari does: read, then add the layers."""
    return [viewer.add_image(data, **rest) for data, rest, _ in read_layers(path)]


def level(session):
    return int(session.image().pixels[0, 0])


def rows(panel):
    """Return the tree as title → texts of its children."""
    tree = panel._study
    tops = [tree.topLevelItem(i) for i in range(tree.topLevelItemCount())]
    return {
        top.text(0): [
            (top.child(i).text(0), top.child(i).text(1))
            for i in range(top.childCount())
        ]
        for top in tops
    }


def item(panel, name):
    (found,) = panel._study.findItems(
        name, Qt.MatchFlag.MatchExactly | Qt.MatchFlag.MatchRecursive
    )
    return found


def in_hand(panel):
    current = panel._study.currentItem()
    return None if current is None else current.text(0)


# Who reads what


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("IM0001", scan(1, 1)),
        ("scan.7", scan(1, 1)),
        ("scan.dcm", scan(1, 1)),
        ("picture", png(1)),
        ("DICOMDIR", index("A")),
        # By its ending; what is wrong with it, the reader says.
        ("broken.dcm", b"nothing"),
    ],
)
def test_files_of_ours_are_taken(fill, name, content):
    path = fill({name: content}) / name
    assert get_reader(path) is read_layers
    assert get_reader(str(path)) is read_layers
    assert get_reader([str(path), str(path)]) is read_layers
    assert get_reader(path.parent) is read_layers


@pytest.mark.parametrize("name", ["notes.txt", "table.csv", "README", "x.7"])
def test_other_files_are_left_to_others(fill, name):
    path = fill({name: b"Text, and nothing else.\n", "scan.dcm": scan(1, 1)}) / name
    assert get_reader(path) is None
    assert get_reader([path.parent / "scan.dcm", path]) is None
    assert get_reader(path.with_name("missing")) is None
    assert get_reader([]) is None


def test_several_files_become_a_layer_each(fill, viewer, notes):
    folder = fill({"a": scan(10, 1), "b": scan(20, 2)})
    layers = add(viewer, [folder / "b", folder / "a"])
    assert [int(layer.data[0, 0]) for layer in layers] == [20, 10]
    assert [layer.name for layer in layers] == ["b", "a"]


# A folder as a study


def test_a_folder_opens_with_its_first_image_and_lists_the_rest(
    study, viewer, session, panel, notes, qtbot
):
    assert panel._study_box.isHidden()
    (layer,) = add(viewer, study)
    assert layer.name == "b.xyz"
    assert level(session) == 10
    assert len(session.study.items) == 5
    (note,) = notes
    assert "Study: 5 images in 3 series. 2 other files were skipped." in note
    assert panel._study_box.isVisible()
    assert rows(panel) == {
        "Series 1 (US, 3 images)": [
            ("b.xyz", "60 × 40"),
            ("c", "60 × 40"),
            ("a", "60 × 40"),
        ],
        "Series 2 (US, 1 clip)": [("clip.dcm", "3 frames, 60 × 40")],
        "Pictures in sub (1 image)": [("shot.png", "60 × 40")],
        "Skipped files (2)": [
            ("empty.dcm", "It is empty (0 bytes)."),
            ("notes.txt", "It is no image: neither DICOM nor a picture nor a video."),
        ],
    }
    assert NAME not in str(rows(panel))
    assert [path.name for path in panel._study.paths()] == [
        *("b.xyz", "c", "a"),
        *("clip.dcm", "shot.png"),
    ]


def test_a_panel_that_opens_later_shows_the_study(study, viewer, shown, notes):
    add(viewer, study)
    panel = shown(AcquisitionPanel(viewer))
    assert panel._study_box.isVisible()
    assert in_hand(panel) == "b.xyz"


def test_next_and_previous_step_from_the_image_in_hand(
    study, viewer, session, panel, qtbot
):
    add(viewer, study)
    qtbot.waitUntil(lambda: in_hand(panel) == "b.xyz")
    seen = []
    for _ in range(6):
        panel.open_next()
        panel.refresh()
        seen.append((in_hand(panel), level(session)))
    assert seen[:3] == [("c", 20), ("a", 30), ("clip.dcm", 91)]
    # After the last there is nothing more.
    assert seen[3:] == [("shot.png", 40)] * 3
    assert len(viewer.layers) == 5
    panel.open_previous()
    panel.refresh()
    assert (in_hand(panel), session.clip.n_frames) == ("clip.dcm", 3)


def test_steps_count_from_the_layer_that_the_user_went_back_to(
    study, viewer, session, panel
):
    (first,) = add(viewer, study)
    panel.refresh()
    panel.open_next()
    panel.open_next()
    panel.refresh()
    assert in_hand(panel) == "a"
    viewer.layers.selection.active = first
    panel.refresh()
    assert in_hand(panel) == "b.xyz"
    panel.open_next()
    assert level(session) == 20


def test_before_the_first_there_is_nothing(study, viewer, panel):
    add(viewer, study)
    panel.refresh()
    panel.open_previous()
    assert len(viewer.layers) == 1


def test_a_double_click_opens_an_image(study, viewer, session, panel, qtbot):
    add(viewer, study)
    tree = panel._study
    place = tree.visualItemRect(item(panel, "a")).center()
    left = Qt.MouseButton.LeftButton
    qtbot.mouseClick(tree.viewport(), left, pos=place)
    assert len(viewer.layers) == 1
    qtbot.mouseDClick(tree.viewport(), left, pos=place)
    assert len(viewer.layers) == 2
    assert level(session) == 30
    assert _layers.file_of(session.clip) == study / "a"


def test_titles_and_skipped_files_open_nothing(study, viewer, panel, notes):
    add(viewer, study)
    said = len(notes)
    for name in ("notes.txt", "Series 1 (US, 3 images)"):
        panel._study.itemActivated.emit(item(panel, name), 0)
    assert len(viewer.layers) == 1
    assert len(notes) == said


def test_an_image_that_cannot_be_read_is_said_and_stepped_over(
    fill, viewer, session, panel, notes
):
    whole = scan(20, 2)
    files = {"1": scan(10, 1), "2": whole[:-500], "3": scan(30, 3)}
    add(viewer, fill(files))
    panel.refresh()
    notes.clear()
    panel.open_next()
    assert len(notes) == 1
    assert "'2'" in notes[0]
    assert len(viewer.layers) == 1
    panel.open_next()
    assert level(session) == 30


def test_an_image_that_is_gone_is_said(study, viewer, panel, notes):
    add(viewer, study)
    panel.refresh()
    (study / "c").unlink()
    notes.clear()
    panel.open_next()
    assert len(notes) == 1
    assert "'c' does not exist" in notes[0]


def test_the_first_image_that_can_be_read_is_opened(fill, viewer, session, notes):
    add(viewer, fill({"1": scan(10, 1)[:-500], "2": scan(20, 2)}))
    assert level(session) == 20
    assert len(session.study.items) == 2


def test_the_index_of_a_medium_opens_as_a_study(fill, viewer, session, panel):
    folder = fill(
        {
            "DICOMDIR": index("IMAGES/A", "IMAGES/GONE"),
            "IMAGES/A": scan(10, 1),
            "IMAGES/B": scan(20, 2),
        }
    )
    (layer,) = add(viewer, folder / "DICOMDIR")
    assert layer.name == "A"
    assert rows(panel) == {
        "Series 1 (US, 1 image)": [("A", "60 × 40")],
        "Skipped files (1)": [
            ("IMAGES/GONE", "The index names it, but it is not there.")
        ],
    }


def test_another_folder_replaces_the_study(study, fill, viewer, session, panel):
    add(viewer, study)
    add(viewer, fill({"only.png": png(50)}, name="other"))
    assert [path.name for path in panel._study.paths()] == ["only.png"]
    panel.refresh()
    assert in_hand(panel) == "only.png"
    session.set_study(None)
    assert panel._study_box.isHidden()
    panel.open_next()
    assert len(viewer.layers) == 2


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"notes.txt": b"text"}, r"'study' holds no ultrasound image \(1 files"),
        ({"a.dcm": scan(10, 1)[:-500]}, "'a.dcm'"),
    ],
    ids=["no images", "none that can be read"],
)
def test_a_folder_without_an_image_is_refused_in_words(
    fill, viewer, session, notes, files, words
):
    folder = fill(files)
    with pytest.raises(ImageReadError, match=words):
        read_layers(folder)
    assert session.study is None
    assert list(viewer.layers) == []


def test_a_folder_is_read_without_a_viewer_too(study, monkeypatch, notes):
    monkeypatch.setattr(napari, "current_viewer", lambda: None)
    ((data, attributes, kind),) = read_layers(study)
    assert (int(data[0, 0]), attributes["name"], kind) == (10, "b.xyz", "image")
