"""Whole stories of texture: numbers, sides, matrices, maps, and what is refused."""

from __future__ import annotations

import csv
import json
import weakref

import numpy as np
import pytest
import tifffile
from qtpy.compat import isalive

import napari_muscle_us as mus
from napari_muscle_us._napari import _roi_edits
from napari_muscle_us._napari._map_layers import is_map, map_facts
from napari_muscle_us._napari._session import session_of
from napari_muscle_us._napari.panels import _table_actions, _texture_presets
from napari_muscle_us._napari.panels._texmap_live import live_maps_of
from napari_muscle_us._napari.panels.texture import FEATURES, MAP, MATRIX
from napari_muscle_us.cli import main
from napari_muscle_us.frames import Frame, FrameStack
from napari_muscle_us.image import Calibration, UltrasoundImage
from napari_muscle_us.roi.rasterize import roi_mask
from napari_muscle_us.roi.shapes import Rectangle, roi_from_dict

from .conftest import announce, forget_deleted, press, settle

PLUGIN = "napari-muscle-us"
TITLE = "Texture (GLCM)"
BICEPS = "Biceps brachii"
SHAPE = (120, 160)
WAIT_MS = 60_000


def dock(viewer, name=TITLE):
    """Open a panel as the Plugins menu does; return its dock and itself."""
    return viewer.window.add_plugin_dock_widget(PLUGIN, name)


def noise(seed=0, low=40, high=160):
    """Return gray levels without any order."""
    return np.random.default_rng(seed).integers(low, high, SHAPE, np.uint8)


def still(pixels=None, *, name="still.png", spacing_mm=(0.1, 0.2)):
    """Return an image, calibrated unless it is told not to be."""
    gray = noise() if pixels is None else pixels
    gray.setflags(write=False)
    calibration = Calibration(spacing_mm, "test") if spacing_mm else None
    digest = name.encode().hex()[-64:].zfill(64)
    return UltrasoundImage(gray, name=name, digest=digest, calibration=calibration)


class _Frames:
    shape = (5, *SHAPE)

    def read(self, index):
        return Frame(noise(index))


def box(top, left, height, width, **labels):
    return Rectangle(top, left, height, width, **labels)


def draw(session, *rois):
    """Add outlines on the current image and select them."""
    if session.roi_layer is None:
        session.new_roi_layer()
    before = len(session.rois.entries())
    _roi_edits.add(session, list(rois), "drawing")
    session.select(list(range(before, before + len(rois))))


def expected(session, index=0, **options):
    """Return what the core makes of a region."""
    region, gray = session.regions()[index], np.asarray(session.image().pixels)
    mask = roi_mask(region.roi, gray.shape)
    return mus.measure_texture(gray, mask, **options)


def values(page, column=0):
    """Return the shown values of a column by key."""
    shown = page.columns()[column]
    return {row.key: shown.value(row) for row in page.rows() if row.feature}


def contrasts(page):
    """Return the contrast in each column."""
    row = next(row for row in page.rows() if row.key == "glcm.contrast")
    return [column.value(row) for column in page.columns()]


@pytest.fixture
def settled(qtbot):
    """Return a function that waits until all texture is computed."""

    def wait(panel):
        def known():
            panel.refresh()
            jobs = (panel.features.live.job, panel.matrix._live.job)
            live = live_maps_of(panel._session)
            waiting = any(c.outcome is None for c in panel.features.columns())
            return not (waiting or live.busy or any(job.running for job in jobs))

        qtbot.waitUntil(known, timeout=WAIT_MS)

    return wait


@pytest.fixture
def texture(viewer, qtbot):
    """Return the panel on an empty viewer."""
    panel = dock(viewer)[1]
    qtbot.waitUntil(panel.isVisible)
    return panel


def saved_as(path):
    """Return what stands in for a question after a file."""
    return lambda *_: str(path)


def test_from_an_outline_to_a_verified_table(
    viewer, qtbot, mouse, settled, tmp_path, monkeypatch, capsys
):
    viewer.open_sample(PLUGIN, "transverse_healthy")
    session = session_of(viewer)
    workflow = dock(viewer, "Workflow")[1]
    middle = mus.simulate_muscle("transverse_healthy").muscle_outline.mean(axis=0)
    workflow.show_tab("Muscle ROIs")._tools.button("Rectangle").click()
    start = middle - (14, 90)
    for _ in mouse(viewer, session.roi_layer).drag(start, middle, middle + 14):
        pass
    qtbot.waitUntil(lambda: len(session.regions()) == 1)
    session.edit(0, name="BB", muscle=BICEPS, side="left")
    panel = workflow.show_tab(TITLE)
    page = panel.features
    settled(panel)
    assert values(page) == pytest.approx(dict(expected(session)), nan_ok=True)
    page.table.choose("glcm.joint_entropy")
    assert (
        page.details.title() == "Joint entropy · Co-occurrence (GLCM) · bit · IBSI TU9B"
    )
    assert page.details.formula.pixmap().width() > 20

    page.presets.choose("noda-2024")
    settled(panel)
    assert set(values(page)) == set(page.presets.value().keys)
    assert not page.presets.is_changed
    page.form.levels.kind.setCurrentIndex(1)
    page.form.levels.kind.activated.emit(1)
    assert page.presets._changed.isVisible()
    ask = lambda *_: ("Our bins", True)  # noqa: E731
    monkeypatch.setattr(_texture_presets.QInputDialog, "getText", ask)
    press(page.presets, "Save preset…")
    assert page.presets.combo.currentText() == "Our bins"
    assert not page.presets.is_changed
    settled(panel)
    wanted = expected(session, families=("stat", "glcm"), bin_number=32)
    found = values(page)
    assert found == {key: wanted[key] for key in found}

    press(page, "Add to results")
    qtbot.waitUntil(lambda: session.has_results, timeout=WAIT_MS)
    sheet = tmp_path / "texture.csv"
    monkeypatch.setattr(_table_actions, "ask_save_path", saved_as(sheet))
    press(page, "Save CSV…")
    with sheet.open(encoding="utf-8", newline="") as file:
        told = {row["key"]: float(row["BB"]) for row in csv.DictReader(file)}
    assert told == found
    path = tmp_path / "results.csv"
    workflow.show_tab("Results").save(str(path))
    table = mus.read_results(path)
    assert dict(zip(table["measure"], table["value"], strict=True)) == found
    with pytest.raises(SystemExit) as stop:
        main(["verify", str(path), "--images", str(tmp_path)])
    assert stop.value.code == 0
    assert f"{len(found)} of {len(found)} rows agree" in capsys.readouterr().out


def test_sides_of_one_image_and_of_two(viewer, qtbot, texture, settled):
    session, page = session_of(viewer), texture.features
    session.add_image(still(noise(1), name="first.png"))
    left = box(10, 10, 50, 50, name="L", muscle=BICEPS, side="left")
    right = box(10, 90, 50, 50, name="R", muscle=BICEPS, side="right")
    draw(session, left, right)
    page.sides.setCurrentIndex(1)
    page.sides.activated.emit(1)
    session.select([0])
    settled(texture)
    assert page.table.titles() == ["left", "right", "L − R"]
    both = [expected(session, index)["glcm.contrast"] for index in (0, 1)]
    assert contrasts(page) == [*both, both[0] - both[1]]

    # What is shown is what is added and kept, whatever is selected.
    press(page, "Add to results")
    qtbot.waitUntil(lambda: session.has_results, timeout=WAIT_MS)
    added = session.results
    assert set(added["side"]) == {"left", "right"}
    assert list(added[added["measure"] == "glcm.contrast"]["value"]) == both
    press(page, "Keep for comparison")
    assert [kept.name for kept in page.shown.kept] == ["L", "R"]
    press(page, "Clear")

    session.remove([1])
    press(page, "Keep for comparison")
    session.add_image(still(noise(2, 40, 90), name="second.png"))
    draw(session, box(20, 30, 60, 60, name="R2", muscle=BICEPS, side="right"))
    settled(texture)
    assert page.table.titles() == ["left", "right", "L − R"]
    other = expected(session)["glcm.contrast"]
    assert contrasts(page) == [both[0], other, both[0] - other]
    # What was kept is computed anew by other settings.
    page.form.levels.size.setValue(16)
    settled(texture)
    again = mus.measure_texture(noise(1), roi_mask(left, SHAPE), bin_size=16)
    assert contrasts(page)[0] == again["glcm.contrast"]
    page.sides.setCurrentIndex(0)
    page.sides.activated.emit(0)
    settled(texture)
    assert page.table.titles() == ["L · first.png", "R2"]


def test_matrices_of_directions_and_of_two_regions(viewer, texture, settled):
    session = session_of(viewer)
    session.add_image(still(np.repeat(noise(3)[::4], 4, axis=0)))
    draw(session, box(8, 10, 100, 50, name="one"), box(8, 90, 60, 60, name="two"))
    page = texture.show_page(MATRIX)
    session.select([0])
    settled(texture)
    settle()
    assert [found.title for found in page.value()] == ["one"]
    # Rows were repeated: pairs in depth are mostly of the same level.
    diagonals = {}
    for direction in (0, 1):
        page.choose("glcm", direction)
        settled(texture)
        (found,) = page.value()
        diagonals[direction] = np.trace(found.shares)
    assert diagonals[1] > 0.7 > 0.3 > diagonals[0]
    page.choose("glrlm")
    settled(texture)
    assert page.direction.isEnabled()
    page.choose("glszm")
    assert not page.direction.isEnabled()
    page.choose("glcm")
    session.select([0, 1])
    settled(texture)
    settle()
    assert [found.title for found in page.value()] == ["one", "two"]
    plot = page.plot.plot()
    assert len(plot.figure.axes) == 3
    viewer.theme = "light"
    settle()
    colours = {axes.title.get_color() for axes in plot.figure.axes[:2]}
    assert colours == {page.plot._foreground}
    assert page.plot._foreground != "#808080"


def test_maps_follow_sliders_regions_and_images(viewer, texture, settled, tmp_path):
    session = session_of(viewer)
    session.add_image(still(noise(4), name="a.png"))
    picture = session.image_layer
    draw(session, box(10, 10, 60, 80, name="BB"))
    page = texture.show_page(MAP)
    live = live_maps_of(session)
    page._where.setCurrentIndex(1)
    page._where.activated.emit(1)
    page._form.window._slider.setValue(5)
    for feature in ("joint_entropy", "contrast"):
        page._feature.set_value(feature)
        press(page, "Add map")
        settled(texture)
    entropy, contrast = live.layer("joint_entropy"), live.layer("contrast")
    assert contrast.name == "Contrast, 11 px, 32 levels, in ROI · a.png"
    assert (entropy.visible, contrast.visible) == (False, True)
    entropy.visible = True
    assert entropy.colorbar.visible
    layers = list(viewer.layers)
    assert (layers[0], layers[-1]) == (picture, session.roi_layer)

    for half in (6, 7, 8, 9, 3):
        page._form.window._slider.setValue(half)
    page._form.levels._slider.setValue(16)
    settled(texture)
    assert contrast.name == "Contrast, 7 px, 16 levels, in ROI · a.png"
    assert_as_told(session, contrast, noise(4))
    assert_as_told(session, entropy, noise(4))
    before = contrast.data.copy()
    _roi_edits.move(session, 7, 5)
    settled(texture)
    assert_as_told(session, contrast, noise(4))
    assert not np.array_equal(np.isnan(before), np.isnan(contrast.data))

    for layer in (contrast, entropy):
        viewer.layers.selection.active = layer
        assert session.image_layer is picture
    path = tmp_path / "contrast.tif"
    page.save(path)
    with tifffile.TiffFile(path) as tiff:
        np.testing.assert_array_equal(tiff.asarray(), contrast.data)
        info = json.loads(tiff.imagej_metadata["Info"])
    assert info == map_facts(contrast)
    with pytest.raises(mus.MuscleUSError):
        mus.read_image(path)

    # Another image: a map of the one before is gone at once.
    session.add_image(still(noise(5), name="b.png", spacing_mm=(0.3, 0.3)))
    assert np.isnan(contrast.data).all()
    settled(texture)
    assert "Draw an ROI" in page._message.text()
    draw(session, box(20, 20, 50, 50, name="other"))
    settled(texture)
    assert_as_told(session, contrast, noise(5))
    np.testing.assert_array_equal(contrast.scale, (0.3, 0.3))
    assert contrast.name.endswith("in ROI · b.png")

    viewer.layers.remove(contrast)
    settled(texture)
    assert live.features == ("joint_entropy",)
    viewer.layers.remove(session.image_layer)
    viewer.layers.remove(picture)
    settled(texture)
    assert "No image is open" in page._message.text()
    assert np.isnan(entropy.data).all()


def assert_as_told(session, layer, pixels):
    """Check a map against what its own facts tell how to make it."""
    facts = map_facts(layer)
    mask = roi_mask(roi_from_dict(facts["roi_geometry"][0]), SHAPE)
    again = mus.compute_texture_map(
        pixels,
        [facts["feature"]],
        window_px=facts["window_px"][0],
        bin_size=facts["bin_size"],
        mask=mask,
    )
    np.testing.assert_array_equal(layer.data, again[facts["feature"]])
    here = roi_mask(session.regions()[0].roi, SHAPE)
    np.testing.assert_array_equal(mask, here)


def test_a_map_of_a_clip_outlives_its_dock_and_not_its_frame(viewer, qtbot, settled):
    session = session_of(viewer)
    around, texture = dock(viewer)
    qtbot.waitUntil(texture.isVisible)
    digest = "c" * 64
    clip = UltrasoundImage(FrameStack(_Frames()), name="clip.dcm", digest=digest)
    session.add_image(clip)
    viewer.dims.set_current_step(0, 0)
    page = texture.show_page(MAP)
    page._form.window._slider.setValue(4)
    press(page, "Add map")
    settled(texture)
    live = live_maps_of(session)
    layer = live.layer("contrast")
    for frame in (1, 2, 3):
        viewer.dims.set_current_step(0, frame)
    settled(texture)
    wanted = mus.compute_texture_map(noise(3), ["contrast"], window_px=9)
    np.testing.assert_array_equal(layer.data, wanted["contrast"])
    assert map_facts(layer)["frame"] == 3

    around.close()
    viewer.dims.set_current_step(0, 1)
    qtbot.waitUntil(lambda: not live.busy, timeout=WAIT_MS)
    assert map_facts(layer)["frame"] == 1
    around.destroyOnClose()
    del around, texture, page
    forget_deleted()
    viewer.dims.set_current_step(0, 2)
    qtbot.waitUntil(lambda: not live.busy, timeout=WAIT_MS)
    assert map_facts(layer)["frame"] == 2
    again = dock(viewer)[1].show_page(MAP)
    assert again._form.window.value() == (9, None)
    # The viewer goes while a map is being computed.
    again._form.window._slider.setValue(12)
    assert live.busy
    viewer.close()
    settle()
    live.refresh()
    settle()


def spoil_rgb(session):
    session.viewer.add_image(np.stack([noise()] * 3, axis=-1), rgb=True)


def spoil_16(session):
    session.viewer.add_image(noise().astype(np.uint16) * 256)


def spoil_float(session):
    session.viewer.add_image(noise().astype(np.float32))


def spoil_outline(session):
    crossed = np.array([(10, 10), (60, 60), (10, 60), (60, 10)], float)
    session.remove([0])
    session.roi_layer.add(crossed, shape_type="polygon")


BAD = {
    "16-bit": (spoil_16, "uint16"),
    "float": (spoil_float, "float32"),
    "no ROI": (lambda session: session.remove([0]), "Draw an ROI"),
    "crossed": (spoil_outline, "cross"),
}


def test_what_cannot_be_measured_is_a_sentence_and_leaves_nothing(
    viewer, texture, settled
):
    session = session_of(viewer)
    session.add_image(still())
    draw(session, box(10, 10, 60, 80, name="BB"))
    page = texture.show_page(MAP)
    page._where.setCurrentIndex(1)
    page._where.activated.emit(1)
    page._form.window._slider.setValue(4)
    press(page, "Add map")
    settled(texture)
    (layer,) = [one for one in viewer.layers if is_map(one)]
    for name, (spoil, told) in BAD.items():
        texture.show_page(FEATURES)
        settled(texture)
        assert values(texture.features), name
        texture.show_page(MATRIX)
        settled(texture)
        assert texture.matrix.value(), name
        kept, rois = session.image_layer, session.rois.entries()
        spoil(session)
        for number in (FEATURES, MATRIX, MAP):
            texture.show_page(number)
            settled(texture)
            said = page._message.text()
            if number != MAP:
                said = (texture.features, texture.matrix)[number].message()
            assert told in said, (name, number)
            assert said.count(". ") <= 1, said
        assert texture.features.columns() == [], name
        assert texture.matrix.value() == (), name
        assert np.isnan(layer.data).all(), name
        assert page._numbers.isHidden(), name
        # Back to what can be measured.
        if session.image_layer is not kept:
            viewer.layers.remove(session.image_layer)
            session.use_image(kept)
        elif session.rois.entries() != rois:
            session.rois.apply(rois, "back", select=[rois[0].key])
        session.select([0])
        settled(texture)
        assert np.isfinite(layer.data).any(), name


def test_odd_input_is_measured_or_refused_in_words(viewer, texture, settled):
    session, page = session_of(viewer), texture.features
    maps = texture.show_page(MAP)
    spoil_rgb(session)
    draw(session, box(10, 10, 60, 80, name="BB"))
    press(maps, "Add map")
    settled(texture)
    gray = noise()
    (layer,) = [one for one in viewer.layers if is_map(one)]
    wanted = mus.compute_texture_map(gray, ["contrast"])["contrast"]
    np.testing.assert_array_equal(layer.data, wanted)
    texture.show_page(FEATURES)
    settled(texture)
    mask = roi_mask(session.regions()[0].roi, SHAPE)
    assert values(page) == dict(mus.measure_texture(gray, mask))
    # Millimetres without a scale.
    assert not page.form.distance.unit.model().item(1).isEnabled()
    assert not maps._form.window._unit.isEnabled()
    # A pixel alone has no pairs, and no window.
    session.remove([0])
    draw(session, box(9.5, 9.5, 1, 1, name="dot"))
    settled(texture)
    assert page.used().endswith("1 px")
    assert all(np.isnan(value) for value in values(page).values())
    texture.show_page(MATRIX)
    settled(texture)
    assert "No two pixels" in texture.matrix.message()
    texture.show_page(MAP)
    maps._where.setCurrentIndex(1)
    maps._where.activated.emit(1)
    settled(texture)
    assert "no window has a value" in maps._message.text()
    maps._where.setCurrentIndex(0)
    maps._where.activated.emit(0)
    maps._form.window._px.setValue(201)
    settled(texture)
    assert "larger than the image" in maps._message.text()
    assert np.isnan(layer.data).all()


def change_theme(viewer):
    viewer.theme = "light" if viewer.theme == "dark" else "dark"


def all_pages(panel, settled):
    """Look at every page once, with a feature explained and a map on the way."""
    panel.features.table.choose("glcm.contrast")
    for number in (MATRIX, MAP):
        page = panel.show_page(number)
        settled(panel)
    press(page, "Add map")
    page._form.window._slider.setValue(6)


def test_panels_that_are_gone_answer_nothing(viewer, qtbot, settled):
    session = session_of(viewer)
    session.add_image(still())
    draw(session, box(10, 10, 60, 80, name="BB"))
    # The first is let go, the other is held by a script although Qt deleted it.
    for held in (False, True):
        around, panel = dock(viewer)
        around.show()
        qtbot.waitUntil(panel.isVisible)
        settled(panel)
        all_pages(panel, settled)
        announce(session)
        around.close()
        announce(session)
        around.destroyOnClose()
        announce(session)
        if held:
            panel.deleteLater()
            forget_deleted()
            assert not isalive(panel)
        else:
            gone = weakref.ref(panel)
            del around, panel
            settle()
            forget_deleted()
            assert gone() is None
        announce(session)
    change_theme(viewer)
    live = live_maps_of(session)
    live.refresh()
    qtbot.waitUntil(lambda: not live.busy, timeout=WAIT_MS)
