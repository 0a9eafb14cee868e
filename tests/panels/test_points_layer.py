"""Points of ImageJ files in a layer of their own."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel
from PIL import Image as Picture

from napari_muscle_us._napari import _roi_autosave
from napari_muscle_us._napari._points_layer import points_on, show_points
from napari_muscle_us._napari._readers import read_layers
from napari_muscle_us._napari._session import session_of
from napari_muscle_us.image import Calibration
from napari_muscle_us.roi.entries import RoiEntry
from napari_muscle_us.roi.open_shapes import Points
from tests.panels.roi_factory import session_with, still

pytestmark = pytest.mark.usefixtures("qtbot")

FIRST = Points([(10 + 1 / 3, 20.1), (30, 40)], name="P", muscle="RF", side="left")
SECOND = Points([(50, 60)], name="Q")


@pytest.fixture
def session():
    session = session_with(still())
    yield session
    session.viewer.layers.clear()


@pytest.fixture
def entries(session):
    entries = [RoiEntry(FIRST, colour="#ff0000", imagej=b""), RoiEntry(SECOND)]
    show_points(session.viewer, session.image_layer, entries)
    return entries


@pytest.fixture
def layer(session, entries):
    return session.viewer.layers[-1]


def on(session):
    return points_on(session.viewer, session.image_layer)


def test_untouched_points_are_the_very_entries(session, entries, layer):
    assert all(a is b for a, b in zip(on(session), entries, strict=True))
    assert session.image_layer is session.viewer.layers[0]


def test_a_moved_point_keeps_all_else(session, entries, layer):
    data = layer.data.copy()
    data[1] = (31, 41)
    layer.data = data
    first, second = on(session)
    assert first.roi.outline().tolist() == [[10 + 1 / 3, 20.1], [31, 41]]
    assert (first.key, first.colour) == (entries[0].key, "#ff0000")
    assert (first.roi.muscle, first.roi.side) == ("RF", "left")
    assert second is entries[1]


def test_a_new_name_in_the_table_is_taken(session, entries, layer):
    table = layer.features.copy()
    table["name"] = ["R", "R", "Q"]
    layer.features = table
    first, _ = on(session)
    assert first.roi.name == "R"
    assert first.key == entries[0].key


def test_a_deleted_point_is_gone(session, layer):
    layer.selected_data = {0, 2}
    layer.remove_selected()
    (left,) = on(session)
    assert left.roi.outline().tolist() == [[30, 40]]


def test_points_of_the_user_s_own_have_a_key_that_stays(session, layer):
    table = layer.features.copy()
    table.loc[2, ["name", "roi_key"]] = [np.nan, np.nan]
    layer.features = table
    own = on(session)[-1]
    assert own.roi.name == "Points"
    assert on(session)[-1].key == own.key


@pytest.mark.parametrize(
    ("attribute", "value", "expected"),
    [
        ("translate", (1.0, 2.0), (60, 70)),
        ("scale", (0.2, 0.1), (100, 30)),
    ],
)
def test_a_layer_moved_by_hand_lies_on_other_pixels(
    session, layer, attribute, value, expected
):
    setattr(layer, attribute, value)
    np.testing.assert_allclose(on(session)[1].roi.outline(), [expected])


def test_points_stay_on_their_pixels_when_the_image_is_calibrated(
    session, entries, layer
):
    session.calibrate(Calibration((0.33, 0.44), "typed", by_user=True))
    np.testing.assert_allclose(layer.scale, (0.33, 0.44))
    np.testing.assert_allclose(on(session)[0].roi.outline(), FIRST.outline())
    assert on(session)[0] is entries[0]


def test_points_of_another_image_are_not_this_one_s(session, layer):
    session.add_image(still(digest="b" * 64))
    assert on(session) == []


def test_a_layer_without_points_is_nothing(session, layer):
    layer.data = np.empty((0, 2))
    assert on(session) == []


@pytest.fixture
def scan(tmp_path):
    path = tmp_path / "scan.png"
    gray = np.random.default_rng(4).integers(0, 255, (120, 160), dtype=np.uint8)
    Picture.fromarray(gray).save(path)
    return path


def opened(path):
    """Return the session of a new viewer with a picture, as a new start has it."""
    viewer = ViewerModel()
    session = session_of(viewer)
    session.kept_alive = viewer
    ((data, attributes, _),) = read_layers(path)
    viewer.add_image(data, **attributes)
    session.autosave.restore()
    return session


def test_a_point_that_is_moved_is_autosaved(autosave_place, scan, notes):
    autosave_place(_roi_autosave.BESIDE)
    session = opened(scan)
    show_points(session.viewer, session.image_layer, [RoiEntry(SECOND)])
    session.autosave.save_changes()
    session.autosave.flush()
    layer = session.viewer.layers[-1]
    layer.data = np.array([(51.0, 61.0)])
    # Only what was heard to change is looked at.
    session.autosave.save_changes()
    session.autosave._wait()
    (back,) = on(opened(scan))
    assert (back.roi.name, back.roi.outline().tolist()) == ("Q", [[51, 61]])


def test_points_on_a_part_come_back_on_the_whole(autosave_place, scan, notes):
    autosave_place(_roi_autosave.BESIDE)
    session = opened(scan)
    part = session.add_image(session.image().cropped((10, 90, 20, 140)), title="part")
    session.use_image(part)
    show_points(session.viewer, part, [RoiEntry(SECOND)])
    session.autosave.flush()
    (back,) = on(opened(scan))
    assert back.roi.outline().tolist() == [[60, 80]]
