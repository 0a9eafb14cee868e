"""The device profile: told by the file, completed by hand, kept for the scanner."""

from __future__ import annotations

import json

import numpy as np
import pytest

from napari_muscle_us._napari.panels import _device_box
from napari_muscle_us._napari.panels._device_box import DeviceBox
from napari_muscle_us._napari.panels.results import ResultsPanel
from napari_muscle_us._napari.panels.z_score import ZScorePanel
from napari_muscle_us.device.profiles import ProfileStore
from napari_muscle_us.image import Device
from napari_muscle_us.reference.load import DEFAULT_SET
from napari_muscle_us.reference.subject import Subject
from napari_muscle_us.verify import verify_results
from tests.core.conftest import dicom_dataset, region

GRAY = np.random.default_rng(6).integers(40, 120, (80, 90), np.uint8)
WHOLE = region(RegionLocationMaxX1=89, RegionLocationMaxY1=79)
TOLD = {"Manufacturer": "ESAOTE", "MechanicalIndex": "1.2345678"}
SQUARE = np.array([(10, 10), (10, 40), (40, 40), (40, 10)], float)


@pytest.fixture(autouse=True)
def profiles(tmp_path, monkeypatch):
    """Keep the profiles of these tests out of the user's own folder."""
    path = tmp_path / "user" / "profiles.json"
    monkeypatch.setattr(_device_box, "default_profile_path", lambda: path)
    return path


@pytest.fixture
def scan(open_file):
    """Return a function that opens a DICOM file which tells what it is given."""
    return lambda name="scan.dcm", gray=GRAY, **tags: open_file(
        dicom_dataset(gray, regions=[WHOLE], **tags), name
    )


@pytest.fixture
def box(session, qtbot, notes):
    def make(store=None):
        widget = DeviceBox(session, store)
        qtbot.addWidget(widget)
        widget.refresh()
        return widget

    return make


def fill_in(box, **texts):
    for name, text in texts.items():
        box._edits[name].setText(text)


def shown(box, *names):
    return [box._edits[name].text() for name in names]


def test_what_the_file_tells_cannot_be_changed(scan, box):
    scan(**TOLD)
    widget = box()
    assert shown(widget, "manufacturer", "mechanical_index") == ["ESAOTE", "1.23457"]
    locked = {name for name, edit in widget._edits.items() if edit.isReadOnly()}
    assert locked == {"manufacturer", "mechanical_index"}
    assert widget._edits["manufacturer"].toolTip() == "As the file tells it."
    assert "does not tell" in widget._edits["model"].placeholderText()


def test_without_an_image_nothing_can_be_typed(box, scan, viewer):
    widget = box()
    assert not widget.isEnabled()
    scan(**TOLD)
    widget.refresh()
    assert widget.isEnabled()
    viewer.layers.clear()
    widget.refresh()
    assert not widget.isEnabled()
    assert shown(widget, "manufacturer") == [""]


def test_use_completes_the_device_and_keeps_what_the_file_tells(scan, box, session):
    scan(**TOLD)
    widget = box()
    fill_in(widget, model=" 6100 ", gain_db="-3", frequency_mhz="7,5")
    widget.use()
    image = session.image()
    # To the last digit, though the field shows fewer.
    assert image.device == Device(
        "ESAOTE", "6100", gain_db=-3.0, frequency_mhz=7.5, mechanical_index=1.2345678
    )
    assert set(image.device_by_user) == {"model", "gain_db", "frequency_mhz"}
    widget.refresh()
    assert not widget._edits["model"].isReadOnly()
    assert widget._edits["model"].toolTip() == "Completed by hand."
    assert widget._edits["manufacturer"].isReadOnly()


def test_what_was_completed_can_be_taken_back(scan, box, session):
    scan(**TOLD)
    widget = box()
    fill_in(widget, model="6100", gain_db="50")
    widget.use()
    widget.refresh()
    fill_in(widget, model="")
    widget.use()
    assert session.image().device.model is None
    assert session.image().device_by_user == ("gain_db",)


@pytest.mark.parametrize(
    ("field", "text", "words"),
    [
        ("depth_mm", "four", "Depth (mm) 'four' is not a usable number"),
        ("frequency_mhz", "-7.5", "Frequency (MHz) '-7.5'"),
        ("gain_db", "nan", "Gain (dB) 'nan'"),
        ("gain_db", "-inf", "Gain (dB) '-inf'"),
        ("mechanical_index", "1e9", "Mechanical index '1e9'"),
    ],
)
def test_a_bad_number_is_said_and_nothing_is_set(
    scan, box, session, notes, field, text, words
):
    scan(Manufacturer="ESAOTE")
    widget = box()
    fill_in(widget, model="6100", **{field: text})
    for command in (widget.use, widget.remember, widget.recall):
        command()
    assert len(notes) == 3
    assert all(words in note for note in notes)
    assert session.image().device == Device("ESAOTE")
    assert session.image().device_by_user == ()


def test_a_layer_of_another_reader_has_nowhere_to_keep_it(viewer, box, session, notes):
    viewer.add_image(GRAY.copy(), name="other")
    widget = box()
    fill_in(widget, manufacturer="ESAOTE")
    widget.use()
    assert "Layer 'other' was not opened by Muscle ultrasound" in notes[-1]
    assert session.image().device == Device()


def test_a_completed_device_is_in_the_z_score_s_row_and_verifies(
    scan, box, viewer, session, qtbot, tmp_path
):
    scan()
    layer = session.new_roi_layer()
    layer.add(SQUARE, shape_type="rectangle")
    session.edit(0, muscle="Tibialis anterior")
    session.set_subject(Subject(40, "male"), DEFAULT_SET, accept_device=False)
    scores = ZScorePanel(viewer)
    qtbot.addWidget(scores)
    assert "device of the image is not known" in " ".join(scores.value().warnings)
    widget = box()
    fill_in(widget, manufacturer="Esaote", model="6100", gain_db="50")
    widget.use()
    scores.refresh()
    assert scores.value().warnings == ()
    results = ResultsPanel(viewer)
    qtbot.addWidget(results)
    results.measure(everything=True)
    row = session.results.set_index("measure").loc["z_score.echo_intensity"]
    assert json.loads(row["method"])["device_by_user"] == {
        "manufacturer": "Esaote",
        "model": "6100",
        "gain_db": 50.0,
    }
    assert row["value"] == pytest.approx(scores.value().z, rel=1e-12)
    checks = verify_results(session.results, tmp_path)
    assert [c for c in checks if not c.same] == []


def test_a_completed_device_can_speak_against_the_set(
    scan, box, viewer, session, qtbot
):
    scan()
    session.new_roi_layer().add(SQUARE, shape_type="rectangle")
    session.edit(0, muscle="Tibialis anterior")
    session.set_subject(Subject(40, "male"), DEFAULT_SET, accept_device=False)
    scores = ZScorePanel(viewer)
    qtbot.addWidget(scores)
    assert scores.value() is not None
    widget = box()
    fill_in(widget, manufacturer="Philips", model="EPIQ 5G")
    widget.use()
    scores.refresh()
    assert scores.value() is None
    assert "Philips EPIQ 5G" in scores._message.text()


def test_remember_and_recall(scan, box, session, profiles, notes):
    scan(**TOLD, ManufacturerModelName="6100")
    widget = box()
    fill_in(widget, gain_db="50", preset="Muscle")
    widget.remember()
    assert notes == ["Remembered ESAOTE 6100"]
    assert profiles.is_file()
    # The next image of the scanner, in another session of napari.
    scan(
        "next.dcm",
        gray=GRAY.T.copy(),
        Manufacturer="Esaote",
        ManufacturerModelName="6100",
    )
    later = box()
    later.recall()
    assert shown(later, "gain_db", "preset") == ["50", "Muscle"]
    # What the file tells stays, and nothing is set before Use.
    assert shown(later, "manufacturer") == ["Esaote"]
    assert session.image().device.gain_db is None
    later.use()
    assert session.image().device.gain_db == 50.0
    assert "gain_db" in session.image().device_by_user


def test_only_the_same_scanner_is_recalled(scan, box, notes):
    scan(Manufacturer="ESAOTE", ManufacturerModelName="6100")
    widget = box()
    fill_in(widget, gain_db="50")
    widget.remember()
    scan(
        "b.dcm",
        gray=GRAY.T.copy(),
        Manufacturer="ESAOTE",
        ManufacturerModelName="MyLab",
    )
    other = box()
    other.recall()
    assert "Nothing is kept for ESAOTE MyLab; press Remember once." in notes[-1]
    assert shown(other, "gain_db") == [""]


def test_a_scanner_without_a_name_cannot_be_remembered(scan, box, notes, profiles):
    scan()
    widget = box()
    fill_in(widget, gain_db="50")
    widget.remember()
    assert "needs a maker or a model" in notes[-1]
    assert not profiles.exists()


def test_what_no_profile_can_hold_is_said(scan, box, notes, profiles):
    scan(Manufacturer="ESAOTE", ManufacturerModelName="6100")
    widget = box()
    fill_in(widget, frequency_mhz="5000")
    widget.remember()
    fill_in(widget, frequency_mhz="", preset="x" * 100)
    widget.remember()
    assert len(notes) == 2
    assert not any(note.startswith("Remembered") for note in notes)
    assert not profiles.exists()


def test_a_store_can_be_given(scan, box, tmp_path, profiles):
    scan(Manufacturer="ESAOTE", ManufacturerModelName="6100")
    store = ProfileStore(tmp_path / "mine.json")
    box(store).remember()
    assert [p.device.model for p in store.read()] == ["6100"]
    assert not profiles.exists()


def test_profiles_that_were_not_valid_are_set_aside_and_said(scan, box, profiles):
    profiles.parent.mkdir()
    profiles.write_text("{broken", encoding="utf-8")
    scan(Manufacturer="ESAOTE", ManufacturerModelName="6100")
    widget = box()
    widget.remember()
    assert "The scanner profiles were not valid" in widget._message.text()
    assert [p.device.model for p in ProfileStore(profiles).read()] == ["6100"]
    aside = profiles.with_name(f"{profiles.name}.broken-1")
    assert aside.read_text(encoding="utf-8") == "{broken"


def test_a_folder_that_cannot_be_written_is_said(scan, box, tmp_path, notes):
    (tmp_path / "file").write_text("", encoding="utf-8")
    scan(Manufacturer="ESAOTE")
    box(ProfileStore(tmp_path / "file" / "profiles.json")).remember()
    assert len(notes) == 1
    assert "profiles.json" in notes[0]


def test_what_belongs_to_one_image_is_not_remembered(scan, box, notes, profiles):
    scan(Manufacturer="ESAOTE", ManufacturerModelName="6100")
    widget = box()
    fill_in(widget, depth_mm="40", gain_db="50", transducer="LA523")
    widget.remember()
    (kept,) = ProfileStore(profiles).read()
    assert kept.name == "ESAOTE 6100, LA523"
    assert (kept.device.depth_mm, kept.device.gain_db) == (None, 50.0)
