from __future__ import annotations

import json
import threading
import weakref
from functools import partial

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from napari.layers import Vectors
from qtpy.QtWidgets import QFileDialog

import napari_muscle_us as mus
from napari_muscle_us._napari import _pairs, _roi_edits, _roi_frames
from napari_muscle_us._napari._map_layers import is_map, map_facts
from napari_muscle_us._napari._session import session_of
from napari_muscle_us._napari.panels import _animap_work
from napari_muscle_us._napari.panels._animap_live import live_directions_of
from napari_muscle_us._napari.panels._animap_wheel import half_disc
from napari_muscle_us._napari.panels._animap_work import MapSettings, TensorSettings
from napari_muscle_us._napari.panels.anisotropy_map import AnisotropyMapPage
from napari_muscle_us.frames import Frame, FrameStack
from napari_muscle_us.image import Calibration
from napari_muscle_us.io.write_map_stack import write_map_stack
from napari_muscle_us.measure.anisotropy.colours import (
    direction_colours,
    direction_hues,
    mean_coherency,
)
from napari_muscle_us.measure.anisotropy.orientation import (
    OrientationMap,
    compute_orientation_map,
)
from napari_muscle_us.measure.anisotropy.roi import measure_anisotropy
from napari_muscle_us.roi.rasterize import roi_mask
from napari_muscle_us.roi.shapes import roi_from_dict

from .map_pages import (
    WAIT_MS,
    assert_on_the_picture,
    choose_unit,
    draw,
    hold_up,
    in_rois,
    mask_of,
    settle,
)
from .roi_factory import N_FRAMES, SHAPE, box, clip, gray, session_with, still

SPACING = (0.1, 0.2)


def grating(degrees, spacing=SPACING, wavelength=1.6):
    """Return lines that lie at a physical angle."""
    rows, columns = np.mgrid[: SHAPE[0], : SHAPE[1]]
    turned = np.radians(degrees)
    across = columns * spacing[1] * np.sin(turned) + rows * spacing[0] * np.cos(turned)
    pixels = np.round(128 + 100 * np.sin(2 * np.pi * across / wavelength))
    pixels = pixels.astype(np.uint8)
    pixels.setflags(write=False)
    return pixels


def striped(degrees=20, **changes):
    facts = {"calibration": Calibration(SPACING, "test"), "digest": "a" * 64}
    return mus.UltrasoundImage(grating(degrees), name="still.png", **facts | changes)


class _Turning:
    """A clip whose lines turn by one degree a frame."""

    shape = (N_FRAMES, *SHAPE)

    def read(self, index):
        return Frame(grating(index))


def turning(**changes):
    facts = {"calibration": Calibration(SPACING, "test"), "digest": "c" * 64}
    return mus.UltrasoundImage(
        FrameStack(_Turning()), name="clip.dcm", **facts | changes
    )


@pytest.fixture
def make(shown):
    def open_page(image):
        return shown(AnisotropyMapPage(session_with(image)))

    return open_page


@pytest.fixture
def page(make):
    return make(striped())


@pytest.fixture
def settled(qtbot):
    return partial(settle, qtbot)


@pytest.fixture
def show(settled):
    def show_kind(page, kind="coherency"):
        page._ticks[kind].click()
        settled(page)
        return page._live.layer(kind)

    return show_kind


@pytest.fixture
def gate(monkeypatch):
    yield from hold_up(monkeypatch, _animap_work, lambda s: s.tensor.sigma_px)


def computed(page, pixels=None, **changes):
    options = page._live.settings.tensor.options() | {"spacing_mm": SPACING}
    pixels = page._session.image().pixels if pixels is None else pixels
    return compute_orientation_map(pixels, **options | changes)


@pytest.mark.parametrize(
    ("kind", "part"), [("coherency", "coherency"), ("direction", "orientation_deg")]
)
def test_a_map_is_the_cores_on_the_image(make, show, kind, part):
    page = make(still())
    layer = show(page, kind)
    np.testing.assert_array_equal(layer.data, getattr(computed(page), part))
    assert layer.data.dtype == np.float32
    assert_on_the_picture(layer, page._session.image_layer)
    limits = {"coherency": (0, 1), "direction": (-90, 90)}[kind]
    assert tuple(layer.contrast_limits) == limits


def test_the_colours_of_the_direction_map_close_and_are_the_wheels(page, show):
    layer = show(page, "direction")
    colours = layer.colormap.map(np.array([0.0, 0.25, 0.5, 1.0]))[:, :3]
    np.testing.assert_allclose(colours[0], colours[3], atol=1e-6)
    np.testing.assert_allclose(colours[:3], direction_hues()[[0, 90, 180]], atol=0.01)


@pytest.mark.parametrize("degrees", [-60, -15, 0, 25, 89])
def test_colours_are_hue_saturation_and_value(make, show, degrees):
    page = make(striped(degrees))
    layer = show(page, "colours")
    assert layer.rgb
    found, pixels = computed(page), page._session.image().pixels
    row, column = 70, 90
    share = float(found.coherency[row, column])
    hue = direction_hues()[round((degrees + 90) * 2) % 360]
    wanted = pixels[row, column] * ((1 - share) + share * hue.astype(float))
    np.testing.assert_allclose(layer.data[row, column, :3], wanted, atol=2)
    assert layer.data[row, column, 3] == 255
    assert share > 0.99


def test_no_direction_looks_brighter_than_another_and_steps_look_equal():
    hues = direction_hues().astype(float)
    linear = np.where(hues <= 0.04045, hues / 12.92, ((hues + 0.055) / 1.055) ** 2.4)
    # CIELAB, another space than that the colours were made in.
    to_xyz = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    xyz = linear @ to_xyz.T / to_xyz.sum(axis=1)
    f = np.cbrt(xyz)
    lightness = 116 * f[:, 1] - 16
    lab = np.stack([lightness, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])])
    assert np.ptp(lightness) < 6, "in plain HSV it is 65"
    steps = np.linalg.norm(np.roll(lab, -1, axis=1) - lab, axis=0)
    assert steps.max() / steps.min() < 2, "in plain HSV it is 9"
    assert steps.max() < 2


def test_colours_keep_to_the_brightness_of_the_image(page, show, settled):
    layer, picture = show(page, "colours"), page._session.image_layer
    before = layer.data.copy()
    picture.contrast_limits = (0, 100)
    settled(page)
    pixels = picture.data
    wanted = direction_colours(computed(page), pixels, limits=(0, 100))
    np.testing.assert_array_equal(layer.data, wanted)
    picture.gamma = 0.5
    settled(page)
    wanted = direction_colours(computed(page), pixels, limits=(0, 100), gamma=0.5)
    np.testing.assert_array_equal(layer.data, wanted)
    assert layer.data[..., :3].mean() > before[..., :3].mean()


def test_colours_are_transparent_outside_and_gray_without_direction():
    nan = np.float32(np.nan)
    found = OrientationMap(
        np.array([[nan, nan, 0]], np.float32),
        np.array([[nan, 0, 1]], np.float32),
        np.ones((1, 3), np.float32),
        "",
    )
    colours = direction_colours(found, np.array([[9, 80, 255]], np.uint8))
    np.testing.assert_array_equal(colours[0, 0], [0, 0, 0, 0])
    np.testing.assert_array_equal(colours[0, 1], [80, 80, 80, 255])
    np.testing.assert_allclose(colours[0, 2, :3], 255 * direction_hues()[180], atol=0.5)


@pytest.mark.parametrize(
    ("pixels", "options", "told"),
    [
        (np.zeros((3, 3), np.uint8), {}, "shape"),
        (np.zeros((1, 3), np.float32), {}, "8-bit"),
        (np.zeros((1, 3), np.uint8), {"limits": (5, 5)}, "limits 5 to 5"),
        (np.zeros((1, 3), np.uint8), {"gamma": 0.0}, "gamma of 0"),
    ],
    ids=["shape", "float", "limits", "gamma"],
)
def test_what_cannot_be_coloured_is_a_sentence(pixels, options, told):
    nothing = np.zeros((1, 3), np.float32)
    found = OrientationMap(nothing, nothing, nothing, "")
    with pytest.raises(mus.MuscleUSError, match=told):
        direction_colours(found, pixels, **options)


def test_the_wheel_shows_each_direction_in_its_colour():
    wheel = half_disc(400)
    for degrees in (-80, -30, 0, 45, 80):
        turned = np.radians(degrees)
        row, column = (
            round(199.5 - 190 * np.sin(turned)),
            round(190 * np.cos(turned)),
        )
        hue = direction_hues()[2 * (degrees + 90)]
        wanted = 255 * (0.05 + 0.95 * hue)
        np.testing.assert_allclose(wheel[row, column, :3], wanted, atol=6)
    assert wheel[200, 0, :3].min() > 250, "in the middle nothing has a colour"
    assert wheel[0, 199, 3] == 0


@pytest.mark.parametrize("degrees", [-60, 0, 30, 90])
def test_lines_point_along_the_fibres_in_mm(make, show, degrees):
    page = make(striped(degrees))
    layer = show(page, "lines")
    assert isinstance(layer, Vectors)
    assert layer.vector_style == "line"
    way = layer.data[:, 1] * SPACING
    middle = layer.data[:, 0] + layer.data[:, 1] / 2
    inner = ((middle > 20) & (middle < np.array(SHAPE) - 20)).all(axis=1)
    angles = np.degrees(np.arctan2(-way[inner, 0], way[inner, 1]))
    off = (angles - degrees + 90) % 180 - 90
    assert np.abs(off).max() < 0.5
    length = np.hypot(*way.T)
    np.testing.assert_allclose(length, 0.9 * 2.0 * layer.features["coherency"], 1e-5)
    places = np.unique(np.round(middle[:, 0])) * SPACING[0]
    np.testing.assert_allclose(np.diff(places), 2.0, atol=SPACING[0])
    assert layer.units == page._session.image_layer.units


def test_lines_are_only_where_there_is_order(make, show, settled):
    page = make(still())
    layer = show(page, "lines")
    few = len(layer.data)
    assert layer.features["coherency"].min() >= 0.5
    page._form.least._slider.setValue(0)
    settled(page)
    assert len(layer.data) == 7 * 20 > few
    page._form.least._slider.setValue(100)
    settled(page)
    assert len(layer.data) == 0


def test_a_grid_that_hides_the_image_is_told(page, show, settled):
    layer = show(page, "lines")
    page._form.step_mm.setValue(0.2)
    settled(page)
    assert "A grid of 75 × 200 lines would hide the image" in page._message.text()
    assert len(layer.data) == 0
    page._session.calibrate(None)
    page._form.step_px.setValue(10)
    settled(page)
    assert len(layer.data) == 15 * 20
    assert page._message.text() == ""


def test_a_tick_shows_one_map_and_the_lines(page, show):
    coherency, lines = show(page, "coherency"), show(page, "lines")
    colours = show(page, "colours")
    assert (coherency.visible, lines.visible, colours.visible) == (False, True, True)
    ticked = {kind for kind, tick in page._ticks.items() if tick.isChecked()}
    assert ticked == {"colours", "lines"}
    layers = page._session.viewer.layers
    order = [page._session.image_layer, coherency, colours, lines]
    assert list(layers) == order, "lines stay on top"
    page._ticks["lines"].click()
    assert not lines.visible


def test_ticks_follow_the_layer_list_and_hidden_maps_are_not_computed(
    page, show, settled
):
    layer = show(page, "coherency")
    layer.visible = False
    assert not page._ticks["coherency"].isChecked()
    page._form.sigma._slider.setValue(120)
    settled(page)
    assert np.isnan(layer.data).all(), "nothing of the old window is kept"
    layer.visible = True
    settled(page)
    np.testing.assert_array_equal(layer.data, computed(page).coherency)
    page._session.viewer.layers.remove(layer)
    settled(page)
    assert not page._ticks["coherency"].isChecked()
    assert show(page, "coherency") is not layer


def test_every_setting_reaches_the_map_its_name_and_its_facts(page, show, settled):
    layer = show(page, "direction")
    assert layer.name == "Direction (°), σ 2 px · still.png"
    choose_unit(page._form.sigma, "mm")
    page._form.sigma._mm.setValue(0.45)
    page._form.kernel.setCurrentIndex(page._form.kernel.findData("gaussian"))
    page._form.kernel.activated.emit(1)
    page._form.scale._px.setValue(1.5)
    page._form.shape.setCurrentIndex(1)
    page._form.shape.activated.emit(1)
    draw(page._session, box(10, 15, 60, 70))
    in_rois(page)
    settled(page)
    facts = json.loads(json.dumps(map_facts(layer)))
    mask = roi_mask(roi_from_dict(facts["roi_geometry"][0]), SHAPE)
    again = compute_orientation_map(
        page._session.image().pixels,
        sigma_mm=facts["sigma_mm"],
        gradient=facts["gradient"],
        gradient_sigma_px=facts["gradient_sigma_px"],
        window=facts["window"],
        spacing_mm=tuple(facts["spacing_mm"]),
        mask=mask,
    )
    np.testing.assert_array_equal(layer.data, again.orientation_deg)
    told = facts["sigma_mm"], facts["gradient"], facts["gradient_sigma_px"]
    assert told == (0.45, "gaussian", 1.5)
    assert facts["image_key"] == "a" * 64
    assert layer.name == (
        "Direction (°), σ 0.45 mm, gaussian, OrientationJ's window, in ROI · still.png"
    )


def test_pixels_outside_the_rois_never_count(make, show, settled):
    page = make(still())
    draw(page._session, box(10, 15, 60, 70), box(90, 100, 40, 60))
    in_rois(page)
    layer = show(page, "coherency")
    mask = mask_of(page._session)
    changed = np.where(mask, gray(), 255 - gray())
    wanted = computed(page, pixels=changed, mask=mask).coherency
    np.testing.assert_array_equal(layer.data, wanted)
    assert np.isnan(layer.data[~mask]).all()
    colours = show(page, "colours")
    assert not colours.data[~mask].any()
    _roi_edits.move(page._session, 5, 7)
    settled(page)
    moved = mask_of(page._session)
    assert not colours.data[~moved].any()
    assert colours.data[moved, 3].any()


def test_a_length_says_what_it_comes_to(page):
    field = page._form.sigma
    assert field._size.text() == "= 0.20 × 0.40 mm"
    choose_unit(field, "mm")
    assert field.value() == (2.0, 0.2)
    assert field._size.text() == "= 2.0 × 1.0 px"
    page._session.calibrate(None)
    assert field._size.isHidden()


def test_of_many_requests_the_last_is_shown(page, show, settled, gate, qtbot):
    gate.set()
    layer = show(page)
    gate.clear()
    gate.begun.clear()
    for sigma in (3, 4, 5, 6):
        page._form.sigma._px.setValue(sigma)
    assert gate.begun == [3], "those between are not even begun"
    qtbot.waitUntil(lambda: gate.cancelled == [3], timeout=WAIT_MS)
    gate.set()
    settled(page)
    assert gate.begun == [3, 6]
    np.testing.assert_array_equal(layer.data, computed(page, sigma_px=6.0).coherency)
    assert "σ 6 px" in layer.name


def test_a_layer_asked_for_meanwhile_is_filled_too(page, gate, settled, qtbot):
    page._ticks["colours"].click()
    qtbot.waitUntil(lambda: gate.begun == [2], timeout=WAIT_MS)
    page._ticks["lines"].click()
    gate.set()
    settled(page)
    assert page._live.layer("colours").data.any()
    assert len(page._live.layer("lines").data) > 0
    assert page._live.found() is not None


def test_a_frame_left_behind_is_cancelled_and_its_map_goes(
    make, show, settled, gate, qtbot
):
    page = make(turning())
    viewer = page._session.viewer
    gate.set()
    layer = show(page, "direction")
    lines = show(page, "lines")
    assert layer.ndim == 2
    gate.clear()
    viewer.dims.set_current_step(0, 4)
    viewer.dims.set_current_step(0, 5)
    qtbot.waitUntil(lambda: np.isnan(layer.data).all(), timeout=WAIT_MS)
    assert len(lines.data) == 0
    assert page._live.found() is None
    gate.set()
    settled(page)
    assert layer.data[75, 100] == pytest.approx(5, abs=0.1)
    assert map_facts(layer)["frame"] == 5
    page._follow.setChecked(False)
    viewer.dims.set_current_step(0, 9)
    settled(page)
    assert map_facts(layer)["frame"] == 5


def test_maps_move_to_another_image_and_scale(page, show, settled):
    layer, session = show(page, "direction"), page._session
    other = striped(-30, digest="b" * 64, calibration=Calibration((0.3, 0.3), "test"))
    new = session.add_image(other)
    session.viewer.layers.selection.active = new
    settled(page)
    assert session.image_layer is new
    wanted = computed(page, spacing_mm=(0.3, 0.3)).orientation_deg
    np.testing.assert_array_equal(layer.data, wanted)
    np.testing.assert_array_equal(layer.scale, (0.3, 0.3))
    session.calibrate(None)
    settled(page)
    np.testing.assert_array_equal(layer.scale, (1, 1))
    assert layer.units == new.units
    assert map_facts(layer)["spacing_mm"] is None


def test_no_layer_of_it_is_ever_taken_for_a_picture(page, show):
    session, viewer = page._session, page._session.viewer
    picture = session.image_layer
    for kind in ("colours", "coherency", "direction", "lines"):
        layer = show(page, kind)
        assert is_map(layer)
        assert viewer.layers.selection.active is picture, "adding it chooses nothing"
        viewer.layers.selection.active = layer
        assert session.image_layer is picture
        viewer.layers.selection.active = picture
        assert not _pairs.is_measurable(layer)
    assert _pairs.pictures(viewer) == [picture]
    viewer.layers.remove(picture)
    assert session.image_layer is None
    assert not page._live.layer("colours").data.any()


def test_cancelled_work_leaves_nothing_of_other_settings(page, show, gate, settled):
    gate.set()
    layer = show(page)
    gate.clear()
    page._form.sigma._px.setValue(9)
    page._live.cancel()
    assert np.isnan(layer.data).all()
    assert "Cancelled" in page._message.text()
    page._session.selection_changed.emit()
    assert not page._live.busy, "nothing begins again by itself"


def test_the_first_time_it_says_that_it_compiles(page, gate, qtbot, monkeypatch):
    monkeypatch.setattr(_animap_work, "_ready", threading.Event())
    page._ticks["coherency"].click()
    assert page._message.text() == "Compiling the map kernels (once)…"
    gate.set()
    qtbot.waitUntil(lambda: not page._live.busy, timeout=WAIT_MS)
    assert page._message.text() == ""


def test_maps_go_on_while_no_page_is_on_the_screen(page, show, settled):
    layer = show(page)
    page.hide()
    page._live.set_settings(MapSettings(TensorSettings(sigma_px=7.0)))
    settled(page)
    np.testing.assert_array_equal(layer.data, computed(page).coherency)
    page.show()
    assert page._form.sigma.value() == (7.0, None), "two pages of a viewer agree"
    assert live_directions_of(page._session) is page._live


def add_layer(page, data, **options):
    page._session.viewer.add_image(data, **options)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (in_rois, "Draw an ROI"),
        (lambda p: p._session.viewer.layers.remove(p._session.image_layer), "No image"),
        (lambda p: add_layer(p, np.zeros((9, 9), np.float32)), "float32"),
        (lambda p: add_layer(p, np.zeros((9, 9), np.uint16)), "uint16"),
        (lambda p: add_layer(p, np.zeros((9, 9, 3), np.float32), rgb=True), "float32"),
        (lambda p: add_layer(p, np.full((9, 9), 7, np.uint8)), "same gray level"),
        (lambda p: add_layer(p, np.full((2, 2), 7, np.uint8)), "derivative kernel"),
    ],
    ids=["roi", "image", "float", "16-bit", "rgb", "constant", "tiny"],
)
def test_what_cannot_be_mapped_is_a_sentence_and_leaves_nothing(
    page, show, settled, spoil, told
):
    layers = [show(page, kind) for kind in ("direction", "colours", "lines")]
    spoil(page)
    settled(page)
    assert told in page._message.text()
    for layer in layers:
        assert not np.nan_to_num(layer.data.astype(float)).any()


def test_an_roi_of_single_pixels_has_no_direction(page, show):
    draw(page._session, box(20, 30, 1, 1), box(50, 60, 1, 2))
    in_rois(page)
    layer = show(page, "coherency")
    assert "There is no direction" in page._message.text()
    assert np.isnan(layer.data).all()


def test_without_an_image_nothing_stays_ticked(shown):
    page = shown(AnisotropyMapPage(session_of(viewer := ViewerModel())))
    page._ticks["colours"].click()
    assert not page._ticks["colours"].isChecked()
    assert len(viewer.layers) == 0


def test_colour_pictures_are_mapped_by_their_gray_levels(shown, show):
    viewer = ViewerModel()
    viewer.add_image(np.stack([grating(20)] * 3, axis=-1), rgb=True)
    page = shown(AnisotropyMapPage(session_of(viewer)))
    layer = show(page, "coherency")
    wanted = computed(page, pixels=grating(20), spacing_mm=None).coherency
    np.testing.assert_array_equal(layer.data, wanted)


def test_disorder_is_told(make, show):
    page = make(still(calibration=Calibration((0.1, 0.1), "test")))
    show(page)
    assert "No fibre direction is to be seen" in page._message.text()
    other = make(striped())
    show(other)
    assert other._message.text() == ""


def test_the_order_of_a_whole_map_is_nearly_that_of_the_measure():
    rng = np.random.default_rng(3)
    for share in (0.2, 0.5, 0.9):
        noise = rng.normal(0, 40, SHAPE) * (1 - share)
        pixels = np.clip((grating(15) - 128.0) * share + noise + 128, 0, 255)
        pixels = pixels.astype(np.uint8)
        exact = measure_anisotropy(pixels, np.ones(SHAPE, bool)).coherency
        found = mean_coherency(compute_orientation_map(pixels))
        assert found == pytest.approx(exact, abs=0.03)


@pytest.mark.parametrize("kind", ["direction", "coherency", "energy"])
def test_a_saved_map_holds_all_its_digits(page, show, tmp_path, kind):
    show(page, "colours")
    page._saver.set_kind(kind)
    path = tmp_path / "map.tif"
    page.save(path)
    part = "orientation_deg" if kind == "direction" else kind
    with tifffile.TiffFile(path) as tiff:
        np.testing.assert_array_equal(tiff.asarray(), getattr(computed(page), part))
        told = json.loads(tiff.imagej_metadata["Info"])
    assert told["anisotropy"] == kind
    assert told["spacing_mm"] == [0.1, 0.2]
    page.save(path)
    picture = tmp_path / "picture.tif"
    tifffile.imwrite(picture, np.zeros((4, 4), np.uint8))
    with pytest.raises(mus.MuscleUSError, match="choose another name"):
        page.save(picture)


def test_without_a_map_there_is_nothing_to_save(page, tmp_path):
    with pytest.raises(mus.MuscleUSError, match="no finished map"):
        page.save(tmp_path / "map.tif")
    assert list(tmp_path.iterdir()) == []


def test_maps_of_all_frames_are_those_of_each(make, notes, qtbot, tmp_path, settled):
    page = make(turning(frame_times_s=tuple(0.05 * k for k in range(N_FRAMES))))
    page._saver.set_kind("direction")
    path = tmp_path / "maps.tif"
    page.save_clip(path)
    assert page._saver._cancel.isVisible()
    qtbot.waitUntil(lambda: not page._saver.running, timeout=WAIT_MS)
    with tifffile.TiffFile(path) as tiff:
        assert tiff.imagej_metadata["finterval"] == pytest.approx(0.05)
        assert tiff.imagej_metadata["frames"] == N_FRAMES
        assert json.loads(tiff.imagej_metadata["Info"])["frames"] == N_FRAMES
        stack = tiff.asarray()
    assert stack.dtype == np.float32
    for frame in (0, 7, N_FRAMES - 1):
        wanted = computed(page, pixels=grating(frame)).orientation_deg
        np.testing.assert_array_equal(stack[frame], wanted)
    assert notes == [f"Saved {path}"]
    assert page._saver._busy.isHidden()


def test_maps_of_all_frames_keep_to_the_roi(make, qtbot, tmp_path, notes):
    page = make(clip())
    draw(page._session, box(10, 15, 60, 70))
    in_rois(page)
    page._saver.set_kind("coherency")
    page.save_clip(tmp_path / "maps.tif")
    qtbot.waitUntil(lambda: not page._saver.running, timeout=WAIT_MS)
    stack = tifffile.imread(tmp_path / "maps.tif")
    mask = roi_mask(page._session.regions()[0].roi, SHAPE)
    pixels = page._session.clip.frame(3).pixels
    wanted = computed(page, pixels=pixels, mask=mask).coherency
    np.testing.assert_array_equal(stack[3], wanted)
    _roi_frames.bind_to_frame(page._session, every=False)
    with pytest.raises(mus.MuscleUSError, match="not the same on all frames"):
        page.save_clip(tmp_path / "more.tif")


def test_cancelled_maps_leave_no_file_and_keep_the_old_one(
    make, notes, qtbot, tmp_path
):
    page = make(turning())
    path = tmp_path / "maps.tif"
    write_map_stack(path, [np.zeros((2, 3), np.float32)], shape=(1, 2, 3))
    before = path.read_bytes()
    page.save_clip(path)
    page._saver._cancel.click()
    assert not page._saver.running
    assert notes == ["Cancelled; no maps were saved."]
    qtbot.waitUntil(lambda: list(tmp_path.iterdir()) == [path], timeout=WAIT_MS)
    assert path.read_bytes() == before


def test_a_still_image_has_no_maps_of_frames(page, make, tmp_path):
    assert not page._saver._save_clip.isEnabled()
    with pytest.raises(mus.MuscleUSError, match="still image"):
        page.save_clip(tmp_path / "maps.tif")
    assert make(clip())._saver._save_clip.isEnabled()


def test_the_buttons_ask_for_a_file(make, show, notes, qtbot, monkeypatch, tmp_path):
    page = make(turning())
    show(page)
    path = str(tmp_path / "asked.tif")
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *a, **k: (path, ""))
    page._saver._save.click()
    assert notes == [f"Saved {path}"]
    page._saver._save_clip.click()
    qtbot.waitUntil(lambda: len(notes) == 2, timeout=WAIT_MS)
    assert tifffile.imread(path).shape == (N_FRAMES, *SHAPE)


def test_a_stack_is_written_map_by_map(tmp_path):
    alive = []

    def maps():
        for frame in range(6):
            values = np.full((50, 60), frame, np.float32)
            alive.append(weakref.ref(values))
            yield values
            del values
            assert sum(ref() is not None for ref in alive) <= 2

    assert write_map_stack(tmp_path / "s.tif", maps(), shape=(6, 50, 60))
    assert tifffile.imread(tmp_path / "s.tif")[:, 0, 0].tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("maps", "shape", "told"),
    [
        ([np.zeros((2, 3), np.float64)], (1, 2, 3), "float64"),
        ([np.zeros((2, 4), np.float32)], (1, 2, 3), "one shape"),
        ([], (0, 2, 3), "holds nothing"),
        ([], (1001, 1000, 1000), "4 GB"),
    ],
    ids=["type", "shape", "empty", "large"],
)
def test_a_stack_that_cannot_be_written_is_a_sentence(tmp_path, maps, shape, told):
    with pytest.raises(mus.MuscleUSError, match=told):
        write_map_stack(tmp_path / "maps.tif", maps, shape=shape)
    assert list(tmp_path.iterdir()) == []


def test_the_scale_belongs_to_the_gaussian_kernel_alone(page):
    assert not page._form.scale.isEnabled()
    page._form.kernel.setCurrentIndex(page._form.kernel.findData("gaussian"))
    page._form.kernel.activated.emit(1)
    assert page._form.scale.isEnabled()
