"""Nothing that was drawn is lost: autosave beside the image, and its return."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from napari.components import ViewerModel
from PIL import Image as Picture

from napari_muscle_us import Rectangle
from napari_muscle_us._napari import _roi_autosave, _roi_edits
from napari_muscle_us._napari._readers import read_layers
from napari_muscle_us._napari._session import session_of
from napari_muscle_us.roi.entries import RoiEntry
from tests.panels.conftest import square


@pytest.fixture
def scan(tmp_path):
    """Return the path of a gray picture in a folder of its own."""
    path = tmp_path / "scan.png"
    gray = np.random.default_rng(4).integers(0, 255, (120, 160), dtype=np.uint8)
    Picture.fromarray(gray).save(path)
    return path


@pytest.fixture
def open_scan(autosave_place, qtbot, scan, notes):
    """Return a function that opens the picture in a new viewer, as a new start does."""
    autosave_place(_roi_autosave.BESIDE)
    viewers = []

    def start(path=scan):
        viewer = ViewerModel()
        viewers.append(viewer)
        session = session_of(viewer)
        ((data, attributes, _),) = read_layers(path)
        viewer.add_image(data, **attributes)
        session.autosave.restore()
        return session

    yield start
    for viewer in viewers:
        viewer.layers.clear()


def kept(path):
    return path.with_name(path.name + ".rois.json")


def test_what_is_drawn_comes_back(open_scan, scan, notes):
    first = open_scan()
    layer = first.new_roi_layer()
    layer.add(square(20, 30, 40), shape_type="rectangle")
    first.edit(0, name="BB", muscle="Biceps brachii", side="left")
    first.autosave.flush()
    again = open_scan()
    (region,) = again.regions()
    assert (region.name, region.muscle, region.side) == ("BB", "Biceps brachii", "left")
    assert region.window.n_pixels == first.regions()[0].window.n_pixels
    assert any("1 ROIs of scan.png are back" in note for note in notes)


def test_a_file_is_written_within_two_seconds_without_being_asked(
    open_scan, scan, qtbot
):
    session = open_scan()
    session.new_roi_layer().add(square(20, 30, 40), shape_type="rectangle")
    qtbot.waitUntil(kept(scan).is_file, timeout=2000)


def test_an_outline_in_the_middle_of_drawing_is_kept(open_scan, scan):
    session = open_scan()
    layer = session.new_roi_layer()
    layer.mode = "add_polygon"
    # As napari does with the first clicks: added, and not yet finished.
    layer.add(
        np.array([(10, 10), (10, 60), (50, 60), (50, 55)], float),
        shape_type="path",
        gui=True,
    )
    session.rois.changed.emit()
    session.autosave.flush()
    ((entry,),) = [
        one["entries"] for one in json.loads(kept(scan).read_bytes())["sets"]
    ]
    assert entry["geometry"]["vertices"][2] == [50, 60]


def test_a_composite_and_an_exact_box_come_back_to_the_last_digit(open_scan, scan):
    session = open_scan()
    outer = Rectangle(9.5 + 1 / 3, 9.5, 60, 60, name="outer")
    hole = Rectangle(29.5, 29.5, 20, 20, name="hole")
    _roi_edits.add(session, [outer, outer, hole], "adding")
    session.select([1, 2])
    _roi_edits.combine(session, "subtract")
    before = session.rois.entries()
    session.autosave.flush()
    box, composite = open_scan().rois.entries()
    assert box.roi == outer
    assert composite.key == before[1].key
    for ours, theirs in zip(composite.roi.parts, before[1].roi.parts, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_deleting_the_last_region_empties_the_autosave(open_scan, scan):
    session = open_scan()
    session.new_roi_layer().add(square(20, 30, 40), shape_type="rectangle")
    session.autosave.flush()
    assert kept(scan).is_file()
    session.select([0])
    _roi_edits.delete(session)
    session.autosave.flush()
    assert open_scan().regions() == []


def test_closing_the_image_keeps_what_was_drawn(open_scan, scan):
    session = open_scan()
    session.new_roi_layer().add(square(20, 30, 40), shape_type="rectangle")
    session.autosave.flush()
    session.viewer.layers.clear()
    session.autosave.flush()
    assert len(open_scan().regions()) == 1


def test_a_damaged_autosave_is_set_aside(open_scan, scan, notes):
    session = open_scan()
    session.new_roi_layer().add(square(20, 30, 40), shape_type="rectangle")
    session.autosave.flush()
    damaged = kept(scan).read_bytes()[:-40]
    kept(scan).write_bytes(damaged)
    again = open_scan()
    assert again.regions() == []
    assert any("was not used" in note for note in notes)
    again.new_roi_layer().add(square(50, 30, 20), shape_type="rectangle")
    again.autosave.flush()
    contents = [path.read_bytes() for path in scan.parent.iterdir()]
    assert damaged in contents
    assert len(open_scan().regions()) == 1


def test_another_image_of_the_same_name_gets_none(open_scan, scan, notes):
    session = open_scan()
    session.new_roi_layer().add(square(20, 30, 40), shape_type="rectangle")
    session.autosave.flush()
    Picture.fromarray(np.zeros((120, 160), np.uint8)).save(scan)
    assert open_scan().regions() == []
    assert any("another image" in note for note in notes)


def test_regions_of_a_part_come_back_on_the_whole(open_scan, scan):
    session = open_scan()
    part = session.add_image(session.image().cropped((10, 90, 20, 140)), title="part")
    session.use_image(part)
    _roi_edits.add(session, [RoiEntry(Rectangle(4.5, 4.5, 30, 30))], "adding")
    inside = session.statistics(session.regions()[0])
    session.autosave.flush()
    again = open_scan()
    (region,) = again.regions()
    assert region.roi == Rectangle(14.5, 24.5, 30, 30, name="ROI 1")
    assert again.statistics(region).mean == inside.mean


def test_off_writes_nothing(open_scan, autosave_place, scan):
    session = open_scan()
    autosave_place(_roi_autosave.OFF)
    session.new_roi_layer().add(square(20, 30, 40), shape_type="rectangle")
    session.autosave.flush()
    assert list(scan.parent.iterdir()) == [scan]


def test_in_the_user_folder_when_chosen(open_scan, autosave_place, scan):
    autosave_place("in my user folder")
    session = open_scan()
    session.new_roi_layer().add(square(20, 30, 40), shape_type="rectangle")
    session.autosave.flush()
    assert list(scan.parent.iterdir()) == [scan]
    assert len(open_scan().regions()) == 1


def test_the_setting_is_napari_s_own(monkeypatch):
    monkeypatch.undo()
    from npe2 import PluginManager

    PluginManager.instance().discover()
    assert _roi_autosave.chosen_place() == _roi_autosave.BESIDE


def test_two_copies_of_an_image_do_not_mix(open_scan, scan, tmp_path):
    session = open_scan()
    session.new_roi_layer().add(square(20, 30, 40), shape_type="rectangle")
    session.autosave.flush()
    other = tmp_path / "elsewhere"
    other.mkdir()
    copy = other / "scan.png"
    shutil.copy(scan, copy)
    assert open_scan(copy).regions() == []


def test_a_demonstration_leaves_nothing_behind(open_scan, scan):
    session = open_scan()
    session.autosave.turn_off()
    session.new_roi_layer().add(square(20, 30, 40), shape_type="rectangle")
    session.autosave.flush()
    assert list(scan.parent.iterdir()) == [scan]
