from __future__ import annotations

import gc
import weakref

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_muscle_us._napari._layers import METADATA_KEY, image_of
from napari_muscle_us._napari._ruler_layer import start_ruler
from napari_muscle_us._napari._session import session_of
from napari_muscle_us.errors import ImageReadError

from .conftest import square


def test_new_rois_are_named_and_carry_nothing_of_the_one_before(session, rois):
    session.show_measured({0: 61.8})
    rois.add(square(100, 100, 30), shape_type="rectangle")
    first, second = session.regions()
    assert (first.name, first.muscle, first.side) == ("BB", "Biceps brachii", "left")
    assert (second.name, second.muscle, second.side) == ("ROI 1", "", "")
    assert np.isnan(rois.features["echo_intensity"][1])
    assert rois.features["shown"].tolist() == ["BB\nEI 61.8", "ROI 1"]


def test_numbers_vanish_when_the_outline_moves(session, rois):
    session.show_measured({0: 61.8})
    assert rois.features["echo_intensity"].tolist() == [61.8]
    rois.data = [rois.data[0] + 1]
    assert np.isnan(rois.features["echo_intensity"][0])
    assert rois.features["shown"].tolist() == ["BB"]


def test_numbers_stay_with_their_outline_when_another_is_deleted(session, rois):
    rois.add(square(100, 100, 30), shape_type="rectangle")
    rois.add(square(200, 200, 10), shape_type="rectangle")
    session.show_measured({2: 33.0})
    session.remove([1])
    assert rois.features["shown"].tolist() == ["BB", "ROI 2\nEI 33.0"]


def test_a_square_of_ten_pixels_holds_a_hundred(session, rois):
    rois.add(square(99.5, 99.5, 10), shape_type="rectangle")
    assert session.regions()[1].window.n_pixels == 100


@pytest.mark.parametrize("kind", ["polygon", "rectangle", "ellipse"])
def test_regions_follow_a_shapes_layer_of_another_scale(session, rois, kind):
    """Two shapes that look the same on the screen select the same pixels."""
    vertices = square(99.5, 119.5, 40)
    rois.add(vertices, shape_type=kind)
    same = session.regions()[1].window
    world = session.viewer.add_shapes(
        [(vertices * session.image().spacing_mm[0])],
        shape_type=kind,
        units=("mm", "mm"),
        metadata=dict(rois.metadata),
    )
    session.viewer.layers.selection.active = world
    assert session.roi_layer is world
    other = session.regions()[0].window
    assert (other.rows, other.columns) == (same.rows, same.columns)
    np.testing.assert_array_equal(other.mask, same.mask)


def test_a_turned_rectangle_keeps_its_area_and_angle(session, rois):
    corner = square(100, 100, 50) - 125
    turn = np.deg2rad(30)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    rois.add(corner @ matrix.T + 125, shape_type="rectangle")
    roi = session.regions()[1].roi
    assert roi.area_px == pytest.approx(2500, rel=1e-4)
    assert roi.angle_deg == pytest.approx(30, abs=1e-3)


@pytest.mark.parametrize(
    ("shape", "vertices", "words"),
    [
        ("polygon", [(10, 10), (50, 50), (10, 50), (50, 10)], "crosses itself"),
        ("rectangle", square(-500, -500, 20), "outside the image"),
    ],
    ids=["bow tie", "outside"],
)
def test_an_unusable_region_says_why(session, rois, shape, vertices, words):
    rois.add(np.array(vertices, float), shape_type=shape)
    region = session.regions()[1]
    assert region.window is None
    assert words in region.problem


def test_a_line_is_no_fault_but_has_no_pixels(session, rois):
    rois.add(np.array([(10, 10), (13, 14)], float), shape_type="line")
    region = session.regions()[1]
    assert (region.window, region.problem) == (None, "")
    assert region.line.length_px == 5


def test_a_foreign_layer_is_measured_with_its_scale(viewer):
    pixels = np.arange(120, dtype=np.uint8).reshape(10, 12)
    layer = viewer.add_image(pixels, scale=(0.2, 0.1), units=("mm", "mm"))
    image = image_of(layer)
    assert image.spacing_mm == pytest.approx((0.2, 0.1))
    assert image.hash_of == "pixels"


def test_centimetres_become_millimetres_and_pixels_no_length(viewer):
    pixels = np.zeros((4, 4), np.uint8)
    metric = viewer.add_image(pixels, scale=(0.02, 0.02), units=("cm", "cm"))
    plain = viewer.add_image(pixels, scale=(0.02, 0.02))
    assert image_of(metric).spacing_mm == pytest.approx((0.2, 0.2))
    assert image_of(plain).spacing_mm is None


@pytest.mark.parametrize(
    "data",
    [np.zeros((4, 4), np.float32), np.zeros((3, 4, 4), np.uint8)],
    ids=["float", "three frames"],
)
def test_a_layer_without_gray_levels_is_refused(viewer, data):
    layer = viewer.add_image(data)
    with pytest.raises(ImageReadError, match="8-bit gray or RGB"):
        image_of(layer)


def test_pixels_replaced_by_a_filter_lose_the_file_s_hash(viewer):
    layer = viewer.layers[0]
    told = layer.metadata[METADATA_KEY]["digest"]
    layer.data = np.asarray(layer.data) // 2
    assert image_of(layer).sha256 != told


def test_rescaling_the_layer_changes_the_spacing(viewer):
    layer = viewer.layers[0]
    layer.scale = (0.5, 0.25)
    image = image_of(layer)
    assert image.spacing_mm == (0.5, 0.25)
    assert image.calibration.source == "scale of the napari layer"


def test_selecting_an_image_brings_its_rois(session, viewer, rois):
    other = viewer.add_image(np.full((50, 60), 7, np.uint8))
    assert (session.image_layer, session.roi_layer) == (other, None)
    viewer.layers.selection.active = viewer.layers[0]
    assert session.roi_layer is rois


def test_a_ruler_is_never_taken_for_rois(session, viewer, rois):
    image = session.image_layer
    ruler = start_ruler(viewer, image)
    ruler.add([[10, 10], [10, 60]], shape_type="line")
    viewer.layers.selection.active = image
    assert session.roi_layer is rois
    viewer.layers.remove(rois)
    assert session.roi_layer is None
    session.use_image(image)
    assert session.roi_layer is None


def test_removing_layers_leaves_nothing_stale(session, viewer, rois):
    viewer.layers.remove(rois)
    assert session.regions() == []
    viewer.layers.clear()
    with pytest.raises(ImageReadError, match="No image is open"):
        session.image()


def test_a_closed_viewer_is_forgotten(qapp):
    viewer = ViewerModel()
    session = session_of(viewer)
    assert session_of(viewer) is session
    alive = weakref.ref(viewer)
    del viewer, session
    gc.collect()
    assert alive() is None


def test_outlines_stay_on_their_pixels_when_the_scale_is_set(session, viewer, rois):
    before = session.regions()[0].window
    viewer.layers[0].scale = (0.2, 0.1)
    after = session.regions()[0].window
    assert (after.rows, after.columns) == (before.rows, before.columns)
    np.testing.assert_array_equal(after.mask, before.mask)
    np.testing.assert_allclose(rois.scale, (0.2, 0.1))


def test_a_scale_set_by_hand_settles_the_unknown_size(viewer, tmp_path):
    from PIL import Image

    from napari_muscle_us._napari._readers import read_layers

    path = tmp_path / "plain.png"
    Image.fromarray(np.zeros((20, 20), np.uint8)).save(path)
    ((data, attributes, _),) = read_layers(path)
    layer = viewer.add_image(data, **attributes)
    assert "size of a pixel is not known" in image_of(layer).warnings[0]
    layer.units = ("mm", "mm")
    layer.scale = (0.1, 0.1)
    assert image_of(layer).warnings == ()
    assert image_of(layer).spacing_mm == (0.1, 0.1)


def test_pixels_edited_in_place_are_measured_as_they_are(viewer, session):
    pixels = np.full((40, 40), 10, np.uint8)
    layer = viewer.add_image(pixels)
    session.new_roi_layer().add(square(9.5, 9.5, 10), shape_type="rectangle")
    assert session.statistics(session.regions()[0]).mean == 10
    pixels[:] = 90
    layer.refresh()
    assert session.statistics(session.regions()[0]).mean == 90


def test_the_next_array_is_not_taken_for_the_last(viewer, session):
    """Arrays made one after the other may get the same place in memory."""
    layer = viewer.add_image(np.full((40, 40), 10, np.uint8))
    session.new_roi_layer().add(square(9.5, 9.5, 10), shape_type="rectangle")
    for level in range(20, 60):
        layer.data = np.full((40, 40), level, np.uint8)
        assert session.statistics(session.regions()[0]).mean == level
