from __future__ import annotations

import json
import threading
import time
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import tifffile
from napari.components import ViewerModel
from napari.layers import Image
from qtpy.QtCore import QObject

import napari_muscle_us as mus
from napari_muscle_us._napari import _pairs, _roi_edits
from napari_muscle_us._napari._map_layers import is_map, map_facts
from napari_muscle_us._napari._session import session_of
from napari_muscle_us._napari.panels import _latest_job, _texmap_work, texture_map
from napari_muscle_us._napari.panels._texmap_choice import GROUPS, meaning_of
from napari_muscle_us._napari.panels._texmap_live import live_maps_of
from napari_muscle_us._napari.panels._texmap_work import MapSettings
from napari_muscle_us._napari.panels.texture_map import TextureMapPage
from napari_muscle_us.image import Calibration
from napari_muscle_us.measure.texture.map_features import MAP_FEATURES
from napari_muscle_us.measure.texture.offsets import offsets_px
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
from .roi_factory import SHAPE, box, clip, gray, session_with, still


@pytest.fixture
def make(shown, qtbot):
    """Return a function that opens the page on an image, with a small window."""

    def open_page(image):
        session = session_with(image)
        page = shown(TextureMapPage(session))
        page._form.window._slider.setValue(5)
        return page

    return open_page


@pytest.fixture
def page(make):
    return make(still())


@pytest.fixture
def settled(qtbot):
    return partial(settle, qtbot)


@pytest.fixture
def add(settled):
    def add_map(page, feature="contrast"):
        page._feature.set_value(feature)
        page.add()
        settled(page)
        return page._live.layer(feature)

    return add_map


@pytest.fixture
def gate(monkeypatch):
    yield from hold_up(monkeypatch, _texmap_work, lambda s: s.window_px)


def computed(page, feature="contrast", pixels=None, **changes):
    """Return what the core makes of the page's settings."""
    settings = page._live.settings
    options = {
        "window_px": settings.window_px,
        "bin_size": settings.bin_size,
        "bin_number": settings.bin_number,
        "offsets": offsets_px(settings.distance_px),
        "min_share": settings.min_share,
    }
    pixels = gray() if pixels is None else pixels
    return mus.compute_texture_map(pixels, [feature], **options | changes)[feature]


def test_every_map_is_offered_once_with_its_meaning():
    listed = [key for keys in GROUPS.values() for key in keys]
    assert sorted(listed) == sorted(MAP_FEATURES)
    assert all(meaning_of(key).endswith(".") for key in listed)


@pytest.mark.parametrize("feature", ["contrast", "joint_entropy", "sd"])
def test_a_map_is_the_cores_on_the_image(page, add, feature):
    layer = add(page, feature)
    np.testing.assert_array_equal(layer.data, computed(page, feature))
    assert np.isfinite(layer.data).sum() == (SHAPE[0] - 10) * (SHAPE[1] - 10)
    assert_on_the_picture(layer, page._session.image_layer)
    assert layer.name_overlay.visible


def test_the_name_says_feature_window_levels_and_image(page, add):
    assert add(page).name == "Contrast, 11 px, 32 levels · still.png"
    page._form.levels._slider.setValue(4)
    page._form.distance.setValue(2)
    name = add(page, "joint_entropy").name
    assert name == "Joint entropy (bit), 11 px, 64 levels, distance 2 px · still.png"
    assert add(page, "mean").name == "Mean (gray level), 11 px · still.png"


def test_a_name_that_is_too_long_keeps_its_beginning(page, add):
    layer = add(page)
    # From the right edge it would lose the feature, and keep the name of the file.
    assert layer.colorbar.position == layer.name_overlay.position == "top_left"


def test_every_setting_reaches_the_map_and_its_facts(page, add, settled):
    layer = add(page)
    page._form.levels._mode.setCurrentIndex(1)
    page._form.levels._on_mode()
    page._form.levels._slider.setValue(12)
    page._form.distance.setValue(3)
    draw(page._session, box(10, 15, 60, 70))
    in_rois(page)
    page._form.share.setValue(80)
    settled(page)
    facts = json.loads(json.dumps(map_facts(layer)))
    mask = roi_mask(roi_from_dict(facts["roi_geometry"][0]), SHAPE)
    again = mus.compute_texture_map(
        gray(),
        [facts["feature"]],
        window_px=facts["window_px"][0],
        bin_number=facts["bin_number"],
        offsets=[tuple(step) for step in facts["offsets"]],
        mask=mask,
        min_share=facts["min_share"],
    )["contrast"]
    np.testing.assert_array_equal(layer.data, again)
    assert facts["bin_number"] == 12
    assert facts["offsets"] == [[0, 3], [3, 0], [3, 3], [3, -3]]
    assert facts["min_share"] == 0.8
    assert facts["image_key"] == "a" * 64


def test_pixels_outside_the_rois_never_count(page, add, settled):
    draw(page._session, box(10, 15, 60, 70), box(90, 100, 40, 60))
    in_rois(page)
    layer = add(page)
    regions = page._session.regions()
    mask = mask_of(page._session)
    changed = np.where(mask, gray(), 255 - gray())
    np.testing.assert_array_equal(layer.data, computed(page, pixels=changed, mask=mask))
    assert np.isnan(layer.data[~mask]).all()
    page._session.select([1])
    settled(page)
    one = roi_mask(regions[1].roi, SHAPE)
    np.testing.assert_array_equal(layer.data, computed(page, mask=one))


def test_a_window_in_mm_may_be_oblong(page, add, settled):
    layer = add(page)
    choose_unit(page._form.window, "mm")
    page._form.window._slider.setValue(30)
    settled(page)
    assert page._form.window._size.text() == "31 × 15 px = 3.1 × 3.0 mm"
    assert layer.name.startswith("Contrast, 31 × 15 px, ")
    wanted = computed(page, window_mm=3.0, spacing_mm=(0.1, 0.2))
    np.testing.assert_array_equal(layer.data, wanted)
    assert map_facts(layer)["window_px"] == [31, 15]


def test_colours_stay_while_the_window_moves_until_they_are_fitted(page, add, settled):
    layer = add(page)
    before = layer.contrast_limits
    low, high = np.nanpercentile(layer.data, [1, 99])
    np.testing.assert_allclose(before, [low, high], rtol=0.02)
    page._form.window._slider.setValue(9)
    settled(page)
    assert layer.contrast_limits == before
    page._live.fit_colours()
    narrower = np.diff(layer.contrast_limits) < np.diff(before)
    assert narrower, "larger windows scatter less"
    fitted = layer.contrast_limits
    page._form.levels._slider.setValue(16)
    settled(page)
    assert layer.contrast_limits[1] < fitted[1], "of other bins numbers are smaller"


def test_a_new_map_hides_the_others_and_hidden_ones_are_not_computed(
    page, add, settled
):
    contrast, entropy = add(page), add(page, "joint_entropy")
    assert (contrast.visible, entropy.visible) == (False, True)
    page._form.window._slider.setValue(9)
    settled(page)
    assert np.isnan(contrast.data).all(), "nothing of the old window is kept"
    np.testing.assert_array_equal(entropy.data, computed(page, "joint_entropy"))
    contrast.visible = True
    settled(page)
    np.testing.assert_array_equal(contrast.data, computed(page))


def test_of_many_requests_the_last_is_shown(page, add, settled, gate, qtbot):
    gate.set()
    layer = add(page)
    gate.clear()
    gate.begun.clear()
    for half in (6, 7, 8, 9, 10):
        page._form.window._slider.setValue(half)
    assert gate.begun == [13], "those between are not even begun"
    qtbot.waitUntil(lambda: gate.cancelled == [13], timeout=WAIT_MS)
    gate.set()
    settled(page)
    assert gate.begun == [13, 21]
    np.testing.assert_array_equal(layer.data, computed(page, window_px=21))
    assert " 21 px" in layer.name


def test_short_work_is_shown_on_the_way(page, add, settled, gate, qtbot):
    gate.set()
    layer = add(page)
    shown = []
    layer.events.data.connect(lambda event: shown.append(layer.data.copy()))
    gate.clear()
    page._form.window._slider.setValue(6)
    page._form.window._slider.setValue(7)
    gate.set()
    settled(page)
    np.testing.assert_array_equal(shown[0], computed(page, window_px=13))
    np.testing.assert_array_equal(shown[-1], computed(page, window_px=15))


def test_a_long_drag_shows_work_that_is_cancelled_else_each_time(qtbot, monkeypatch):
    clock = [0.0]
    fake = SimpleNamespace(monotonic=lambda: clock[0])
    monkeypatch.setattr(_latest_job, "time", fake)
    done, stopped, shown = threading.Event(), [], []

    def slow(name, *, progress, cancelled):
        while not done.is_set() and not cancelled():
            time.sleep(0.001)
        if cancelled():
            stopped.append(name)
        return name

    parent = QObject()
    job = _latest_job.LatestJob(parent)
    job.finished.connect(shown.append)
    for name, now in (("a", 0.0), ("b", 0.2), ("c", 0.4), ("d", 0.8)):
        clock[0] = now
        job._look()
        job.ask(slow, name)
    qtbot.waitUntil(lambda: stopped == ["a"], timeout=WAIT_MS)
    done.set()
    qtbot.waitUntil(lambda: shown == ["b", "d"], timeout=WAIT_MS)
    assert stopped == ["a"], "b had run for longer than a"


def test_a_frame_left_behind_is_cancelled_and_its_map_goes(
    make, add, settled, gate, qtbot
):
    page = make(clip())
    viewer = page._session.viewer
    gate.set()
    layer = add(page)
    gate.clear()
    viewer.dims.set_current_step(0, 4)
    viewer.dims.set_current_step(0, 5)
    assert len(gate.begun) == 3, "what was begun for frame 4 is of no use"
    qtbot.waitUntil(lambda: len(gate.cancelled) == 1, timeout=WAIT_MS)
    qtbot.waitUntil(lambda: np.isnan(layer.data).all(), timeout=WAIT_MS)
    gate.set()
    settled(page)
    pixels = np.random.default_rng(5).integers(0, 256, SHAPE, np.uint8)
    np.testing.assert_array_equal(layer.data, computed(page, pixels=pixels))
    assert map_facts(layer)["frame"] == 5


def test_maps_follow_the_frame_unless_told_not_to(make, add, settled):
    page = make(clip())
    layer, viewer = add(page), page._session.viewer
    assert layer.ndim == 2
    page._follow.setChecked(False)
    kept = layer.data.copy()
    viewer.dims.set_current_step(0, 3)
    settled(page)
    np.testing.assert_array_equal(layer.data, kept)
    page._form.window._slider.setValue(7)
    settled(page)
    first = np.random.default_rng(0).integers(0, 256, SHAPE, np.uint8)
    np.testing.assert_array_equal(layer.data, computed(page, pixels=first))
    page._follow.setChecked(True)
    settled(page)
    assert map_facts(layer)["frame"] == 3


def test_maps_move_to_another_image_and_scale(page, add, settled):
    layer, session = add(page), page._session
    pixels = gray(8)[:100]
    pixels.setflags(write=False)
    other = still(digest="b" * 64, calibration=Calibration((0.3, 0.3), "test"))
    new = session.add_image(mus.UltrasoundImage(pixels, **facts_of(other)))
    session.viewer.layers.selection.active = new
    settled(page)
    assert session.image_layer is new
    np.testing.assert_array_equal(layer.data, computed(page, pixels=pixels))
    np.testing.assert_array_equal(layer.scale, (0.3, 0.3))
    session.calibrate(None)
    settled(page)
    np.testing.assert_array_equal(layer.scale, (1, 1))
    assert layer.units == new.units
    assert page._form.window._size.text() == "11 × 11 px"


def facts_of(image):
    return {"name": "b.png", "digest": image.digest, "calibration": image.calibration}


def test_a_map_follows_the_roi(page, add, settled):
    draw(page._session, box(10, 15, 60, 70))
    in_rois(page)
    layer = add(page)
    before = layer.data.copy()
    _roi_edits.move(page._session, 5, 7)
    settled(page)
    mask = roi_mask(page._session.regions()[0].roi, SHAPE)
    np.testing.assert_array_equal(layer.data, computed(page, mask=mask))
    assert not np.array_equal(np.isnan(before), np.isnan(layer.data))


def test_a_map_is_never_taken_for_a_picture(page, add):
    session, viewer = page._session, page._session.viewer
    picture, layer = session.image_layer, add(page)
    assert is_map(layer)
    assert viewer.layers.selection.active is picture, "adding it chooses nothing"
    viewer.layers.selection.active = layer
    assert session.image_layer is picture
    assert _pairs.pictures(viewer) == [picture]
    # Of 8 bits, as after napari's Convert data type, it would be measurable.
    copied = Image(np.zeros(SHAPE, np.uint8), metadata=layer.metadata)
    assert not _pairs.is_measurable(copied)
    viewer.layers.remove(picture)
    assert session.image_layer is None


def test_cancel_leaves_nothing_of_other_settings(page, add, gate, qtbot, settled):
    gate.set()
    layer = add(page)
    gate.clear()
    page._form.window._slider.setValue(8)
    qtbot.waitUntil(page._cancel.isVisible, timeout=WAIT_MS)
    page._cancel.click()
    assert np.isnan(layer.data).all()
    assert "Cancelled" in page._message.text()
    page._session.selection_changed.emit()
    assert not page._live.busy, "nothing begins again by itself"
    gate.set()
    page.add()
    settled(page)
    np.testing.assert_array_equal(layer.data, computed(page, window_px=17))


def test_the_first_time_it_says_that_it_compiles(page, gate, qtbot, monkeypatch):
    monkeypatch.setattr(_texmap_work, "_compiled", set())

    def said(feature):
        gate.clear()
        page._feature.set_value(feature)
        page.add()
        qtbot.waitUntil(page._cancel.isVisible, timeout=WAIT_MS)
        text = page._message.text()
        gate.set()
        qtbot.waitUntil(lambda: not page._cancel.isVisible(), timeout=WAIT_MS)
        assert page._message.text() == ""
        return text

    compiling = "Compiling the map kernels (once)…"
    # Entropy needs a loop that contrast does not.
    features = "contrast", "joint_entropy", "dissimilarity", "energy"
    assert [said(feature) for feature in features] == [compiling, compiling, "", ""]


def test_layers_that_the_user_removes_are_no_error(page, add, gate, settled):
    gate.set()
    layer = add(page)
    gate.clear()
    page._form.window._slider.setValue(8)
    page._session.viewer.layers.remove(layer)
    gate.set()
    settled(page)
    assert page._live.features == ()
    assert not page._remove.isEnabled()
    again = add(page)
    assert again is not layer
    page.remove()
    assert again not in page._session.viewer.layers


def test_maps_go_on_while_no_page_is_on_the_screen(page, add, settled):
    layer = add(page)
    page.hide()
    page._live.set_settings(MapSettings(window_px=21))
    settled(page)
    np.testing.assert_array_equal(layer.data, computed(page, window_px=21))
    page.show()
    assert page._form.window.value() == (21, None), "two pages of a viewer agree"
    assert live_maps_of(page._session) is page._live


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda p: p._form.window._px.setValue(301), "larger than the image"),
        (lambda p: p._form.distance.setValue(50), "does not fit into a window"),
        (in_rois, "Draw an ROI"),
        (lambda p: p._session.viewer.layers.remove(p._session.image_layer), "No image"),
        (
            lambda p: p._session.viewer.add_image(np.zeros((9, 9), np.float32)),
            "float32",
        ),
        (lambda p: p._session.viewer.add_image(np.zeros((9, 9), np.uint16)), "uint16"),
    ],
    ids=["window", "distance", "roi", "image", "float", "16-bit"],
)
def test_what_cannot_be_mapped_is_a_sentence_and_leaves_nothing(
    page, add, settled, spoil, told
):
    layer = add(page)
    spoil(page)
    settled(page)
    assert told in page._message.text()
    assert np.isnan(layer.data).all()
    assert page._numbers.isHidden()
    assert map_facts(layer) == {}


def test_colour_pictures_are_mapped_by_their_gray_levels(shown, settled):
    viewer = ViewerModel()
    viewer.add_image(np.stack([gray()] * 3, axis=-1), rgb=True)
    page = shown(TextureMapPage(session_of(viewer)))
    page.add()
    settled(page)
    np.testing.assert_array_equal(viewer.layers[1].data, computed(page))


def test_a_small_roi_without_any_window_is_told(page, add):
    draw(page._session, box(20, 30, 3, 3))
    in_rois(page)
    page._form.window._slider.setValue(30)
    layer = add(page)
    assert "Contrast: no window has a value" in page._message.text()
    assert np.isnan(layer.data).all()
    page.refresh()
    assert page._numbers.item(0, 2).text() == "–"


def test_few_levels_are_warned_of(page, add):
    page._form.levels._slider.setValue(64)
    add(page)
    assert "Only 4 levels are left of the image's gray levels" in page._message.text()


def test_numbers_are_of_the_map_inside_the_roi(page, add, qtbot):
    draw(page._session, box(10, 15, 60, 70, name="BB"))
    layer = add(page)
    inside = layer.data[roi_mask(page._session.regions()[0].roi, SHAPE)].astype(float)
    page.refresh()
    texts = [page._numbers.item(0, column).text() for column in range(4)]
    mean, sd = inside.mean(), inside.std(ddof=1)
    wanted = ["Contrast", "BB", f"{mean:.4g} ± {sd:.3g}", "4200 of 4200"]
    assert texts == wanted


def test_a_saved_map_holds_all_that_the_layer_does(page, add, tmp_path):
    layer = add(page, "joint_entropy")
    path = tmp_path / "map.tif"
    page.save(path)
    with tifffile.TiffFile(path) as tiff:
        np.testing.assert_array_equal(tiff.asarray(), layer.data)
        told = json.loads(tiff.imagej_metadata["Info"])
    assert told == map_facts(layer)
    page._feature.set_value("sd")
    with pytest.raises(mus.MuscleUSError, match=r"no finished map of SD"):
        page.save(path)


def test_no_file_is_asked_for_where_there_is_no_map(page, notes, monkeypatch):
    asked = []
    monkeypatch.setattr(texture_map, "ask_save_path", lambda *_: asked.append(_))
    page._on_save()
    assert asked == []
    assert "press Add map" in notes[0]
