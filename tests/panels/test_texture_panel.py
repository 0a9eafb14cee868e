from __future__ import annotations

import csv
import json
import math

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QInputDialog, QMessageBox

import napari_muscle_us as mus
from napari_muscle_us import user_folder
from napari_muscle_us._napari.panels import _texture_live
from napari_muscle_us._napari.panels._texture_form import TextureForm
from napari_muscle_us._napari.panels._texture_formula import formula_picture
from napari_muscle_us._napari.panels._texture_matrices import KINDS, grays_of_levels
from napari_muscle_us._napari.panels._texture_presets import same_settings
from napari_muscle_us._napari.panels._texture_words import NOTHING, number_text
from napari_muscle_us._napari.panels._widgets import PANEL_WIDTH
from napari_muscle_us._napari.panels.texture import MAP, MATRIX, TexturePanel
from napari_muscle_us.measure.texture import presets
from napari_muscle_us.measure.texture.discretise import discretise
from napari_muscle_us.measure.texture.families import all_features, features_of
from napari_muscle_us.measure.texture.glcm import glcm_matrix
from napari_muscle_us.measure.texture.settings import FAMILIES, TextureSettings
from napari_muscle_us.roi.rasterize import roi_mask

from .conftest import square
from .roi_tables import (
    assert_fits_narrow_dock,
    assert_made_late,
    assert_tooltips,
    noise,
    show_image,
    two_sides,
    values_of,
)

DEFAULT = TextureSettings()


@pytest.fixture(autouse=True)
def own_folder(monkeypatch, tmp_path):
    """Put the user's presets where a test can write."""
    monkeypatch.setattr(user_folder, "user_data_folder", lambda: tmp_path)
    monkeypatch.setattr(presets, "user_data_folder", lambda: tmp_path)
    return tmp_path


@pytest.fixture
def panel(viewer, rois, shown, qtbot):
    return ready(shown(TexturePanel(viewer)), qtbot)


def ready(panel, qtbot):
    """Wait until all loops are compiled and every value is there."""

    def known():
        panel.refresh()
        page = panel.features
        return not page.live.job.running and all(
            column.outcome is not None for column in page.columns()
        )

    qtbot.waitUntil(known, timeout=60_000)
    return panel


def refreshed(panel, qtbot):
    panel.refresh()
    return ready(panel, qtbot)


def shown_values(panel, column=0):
    return values_of(panel.features, column)


def expected(session, index, **settings):
    """Return the texture of a region by the whole image and its mask."""
    image = session.image()
    mask = roi_mask(session.regions()[index].roi, image.frame_shape)
    return mus.measure_texture(
        image.pixels, mask, spacing_mm=image.spacing_mm, **settings
    )


# Values


def test_the_values_are_those_of_measure_texture(panel, session, rois):
    assert shown_values(panel) == dict(expected(session, 0))
    table = panel.features.table
    contrast = expected(session, 0)["glcm.contrast"]
    assert table.text("glcm.contrast") == number_text(contrast)
    assert table.tip("glcm.contrast") == repr(contrast)


def test_all_families_and_their_order(panel, session, rois, qtbot):
    panel.features.form.set_value(TextureSettings(families=FAMILIES))
    values = shown_values(refreshed(panel, qtbot))
    assert list(values) == list(all_features())
    assert values == pytest.approx(
        dict(expected(session, 0, families=FAMILIES)), nan_ok=True, rel=0
    )


def test_each_direction_stands_below_its_feature(panel, session, rois, qtbot):
    settings = {"families": ("glcm", "glrlm"), "each_direction": True}
    panel.features.form.set_value(TextureSettings(**settings))
    values = shown_values(refreshed(panel, qtbot))
    texture = expected(session, 0, **settings)
    for number, step in enumerate(((0, 1), (1, 0), (1, 1), (1, -1))):
        for key in ("glcm.contrast", "glrlm.run_entropy"):
            assert values[f"{key}@{number}"] == texture.directions[step][key]


def test_it_follows_the_region_while_it_moves(panel, session, rois, qtbot):
    before = shown_values(panel)["glcm.contrast"]
    rois.data = [rois.data[0] - np.array([60, 0], np.float32)]
    qtbot.waitUntil(lambda: shown_values(panel)["glcm.contrast"] != before)
    assert shown_values(panel) == dict(expected(session, 0))


def test_edited_pixels_are_read_again(panel, session, viewer, qtbot):
    before = shown_values(panel)["glcm.contrast"]
    viewer.layers[0].data = viewer.layers[0].data // 2
    refreshed(panel, qtbot)
    assert shown_values(panel)["glcm.contrast"] < before


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (math.nan, NOTHING),
        (-0.0123456, "−0.01235"),
        (12.3456, "12.346"),
        (3.0, "3"),
        (123456.7, "123457"),
        (0.000123456, "1.235e−4"),
        (-7654321.0, "−7.654e6"),
    ],
)
def test_numbers_have_four_or_five_digits(value, text):
    assert number_text(value) == text


def test_several_regions_stand_side_by_side(panel, session, rois, qtbot):
    rois.add(square(120, 120, 40), shape_type="rectangle")
    session.edit(1, name="B")
    session.select([])
    refreshed(panel, qtbot)
    assert panel.features.table.titles() == ["BB", "B"]
    values = shown_values(panel, 1)
    assert values == dict(expected(session, 1))


def test_at_most_eight_regions_are_shown(panel, session, rois, qtbot):
    for number in range(9):
        rois.add(square(20 + 20 * number, 50, 15), shape_type="rectangle")
    session.select([])
    refreshed(panel, qtbot)
    assert len(panel.features.table.titles()) == 8
    assert "The first 8 of 10 ROIs are shown" in panel.features.message()


# Left and right


def test_left_and_right_with_their_difference(panel, session, rois, qtbot):
    two_sides(session, rois)
    panel.features.sides.setCurrentIndex(1)
    refreshed(panel, qtbot)
    assert panel.features.table.titles() == ["left", "right", "L − R"]
    left, right, difference = (shown_values(panel, column) for column in range(3))
    key = "glcm.joint_entropy"
    assert left[key] == expected(session, 0)[key]
    assert right[key] == expected(session, 1)[key]
    assert difference[key] == left[key] - right[key]
    text = panel.features.table.text(key, 2)
    assert text[0] in "+−"
    assert text.lstrip("+−") == number_text(abs(difference[key]))


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ({"side": ""}, "has no ROI on the right"),
        ({"muscle": "Soleus"}, "Biceps brachii has no ROI on the right"),
        ({"side": "left"}, "has no ROI on the right"),
    ],
    ids=["no side", "another muscle", "same side"],
)
def test_a_missing_side_is_said(panel, session, rois, qtbot, labels, words):
    two_sides(session, rois)
    session.edit(1, **labels)
    panel.features.sides.setCurrentIndex(1)
    refreshed(panel, qtbot)
    assert words in panel.features.message()
    assert panel.features.columns() == []


def test_two_rois_on_one_side_are_not_guessed_between(panel, session, rois, qtbot):
    two_sides(session, rois)
    rois.add(square(30, 120, 40), shape_type="rectangle")
    session.edit(2, muscle="Biceps brachii", side="right")
    session.select([])
    panel.features.sides.setCurrentIndex(1)
    refreshed(panel, qtbot)
    assert "has 2 ROIs on the right; select" in panel.features.message()
    session.select([0, 2])
    refreshed(panel, qtbot)
    assert shown_values(panel, 1) == dict(expected(session, 2))


def test_no_muscle_is_said(panel, session, rois, qtbot):
    session.edit(0, muscle="")
    panel.features.sides.setCurrentIndex(1)
    refreshed(panel, qtbot)
    assert "Give the ROIs a muscle and a side" in panel.features.message()


def test_a_kept_roi_of_another_image_is_the_other_side(
    panel, viewer, session, rois, qtbot
):
    kept = shown_values(panel)
    panel.features.actions.keep()
    layer = show_image(viewer, session, noise((60, 60)))
    layer.add(square(10, 10, 30), shape_type="rectangle")
    session.edit(0, name="new", muscle="Biceps brachii", side="right")
    panel.features.sides.setCurrentIndex(1)
    refreshed(panel, qtbot)
    assert panel.features.table.titles() == ["left", "right", "L − R"]
    assert shown_values(panel, 0) == kept
    assert shown_values(panel, 1) == dict(expected(session, 0))
    panel.features.actions._on_clear()
    panel.features.sides.setCurrentIndex(0)
    refreshed(panel, qtbot)
    assert panel.features.table.titles() == ["new"]


def test_what_is_kept_twice_is_one_and_no_rival_of_itself(panel, session, rois, qtbot):
    two_sides(session, rois)
    panel.features.actions.keep()
    panel.features.actions.keep()
    panel.features.sides.setCurrentIndex(1)
    session.select([])
    refreshed(panel, qtbot)
    assert len(panel.features.shown.kept) == 1
    assert panel.features.table.titles() == ["left", "right", "L − R"]


@pytest.mark.parametrize(
    ("distance", "words"),
    [
        (200, "No two pixels of the ROI are this far apart; choose"),
        (60, "this far apart in depth and along both diagonals, so"),
        (30, ""),
    ],
    ids=["no pair", "one direction", "all"],
)
def test_pairs_that_are_missing_are_said(
    panel, viewer, session, qtbot, distance, words
):
    layer = show_image(viewer, session, noise((90, 120)))
    layer.add([[10, 10], [10, 100], [50, 100], [50, 10]], shape_type="rectangle")
    panel.features.form.set_value(TextureSettings(distance_px=distance))
    refreshed(panel, qtbot)
    assert words in panel.features.message()
    assert bool(words) == bool(panel.features.message())


def test_coloured_pixels_are_said(panel, viewer, session, qtbot):
    colours = np.repeat(noise((60, 60))[..., None], 3, axis=2)
    colours[20, 10:17] = (200, 40, 40)
    viewer.add_image(colours, rgb=True)
    layer = session.new_roi_layer()
    layer.add(square(10, 30, 20), shape_type="rectangle")
    refreshed(panel, qtbot)
    assert panel.features.message() == ""
    layer.add(square(10, 5, 30), shape_type="rectangle")
    session.select([1])
    refreshed(panel, qtbot)
    assert "7 of the pixels are coloured" in panel.features.message()


# What is shown


def test_only_shown_families_are_computed(panel, qtbot):
    panel.features.form.set_value(TextureSettings(families=("stat", "glcm", "ngtdm")))
    panel.features.table.family_clicked.emit("glcm")
    panel.features.search.setText("contrast")
    refreshed(panel, qtbot)
    (column,) = panel.features.columns()
    assert column.outcome.settings.families == ("ngtdm",)
    assert list(shown_values(panel)) == ["ngtdm.contrast"]


def test_the_search_finds_names_and_codes(panel, qtbot):
    panel.features.search.setText("8ZQL")
    refreshed(panel, qtbot)
    assert list(shown_values(panel)) == ["glcm.angular_second_moment"]
    panel.features.search.setText("homogeneity")
    refreshed(panel, qtbot)
    assert list(shown_values(panel)) == [
        "glcm.inverse_difference",
        "glcm.inverse_difference_moment",
    ]
    panel.features.search.setText("gargle")
    refreshed(panel, qtbot)
    assert shown_values(panel) == {}
    assert "No feature is called 'gargle'" in panel.features.message()


def test_the_selected_feature_is_explained(panel):
    table, details = panel.features.table, panel.features.details
    table.choose("glcm.joint_entropy")
    feature = all_features()["glcm.joint_entropy"]
    assert details.title() == ("Joint entropy · Co-occurrence (GLCM) · bit · IBSI TU9B")
    assert details.meaning.text() == feature.meaning
    assert details.formula.pixmap().width() > 20


def test_every_formula_can_be_drawn():
    for feature in all_features().values():
        assert 0 < formula_picture(feature.formula, "#ffffff").width() < PANEL_WIDTH


def test_a_missing_value_says_why(panel, viewer, session, qtbot):
    layer = show_image(viewer, session, np.full((40, 40), 90, np.uint8))
    layer.add(square(5, 5, 20), shape_type="rectangle")
    refreshed(panel, qtbot)
    table = panel.features.table
    why = expected(session, 0).reason("glcm.correlation")
    assert why.startswith("undefined")
    assert table.text("glcm.correlation") == NOTHING
    assert table.tip("glcm.correlation") == why
    table.choose("glcm.correlation")
    assert why in panel.features.details.reason.text()
    assert "Only 1 level is left" in panel.features.message()


def test_the_levels_in_use_are_told(panel, session, rois):
    levels = expected(session, 0).levels
    pixels = int((levels.levels > 0).sum())
    assert panel.features.used() == f"{levels.occupied} of 32 levels, {pixels:,} px"


def test_few_levels_are_warned_of(panel, qtbot):
    panel.features.form.levels.size.setValue(64)
    refreshed(panel, qtbot)
    assert "levels are left of the region's gray levels" in panel.features.message()


# Refusals


def test_without_an_image_it_says_so(viewer, shown):
    viewer.layers.clear()
    panel = shown(TexturePanel(viewer))
    assert panel.features.message().startswith("No image is open")
    panel.show_page(MATRIX)
    panel.refresh()
    assert panel.matrix.message().startswith("No image is open")


def test_without_an_roi_it_asks_for_one(viewer, shown):
    panel = shown(TexturePanel(viewer))
    assert "Draw an ROI" in panel.features.message()
    assert panel.features.columns() == []


def test_no_number_outlives_its_region(panel, session, rois, qtbot):
    session.remove([0])
    qtbot.waitUntil(lambda: panel.features.columns() == [])
    assert panel.features.used() == ""
    assert panel.features.details.isHidden()
    assert "Draw an ROI" in panel.features.message()


def test_a_crossed_outline_is_refused(panel, session, rois, qtbot):
    crossed = np.array([(130, 120), (250, 430), (130, 430), (250, 120)])
    rois.add(crossed, shape_type="polygon")
    session.select([1])
    refreshed(panel, qtbot)
    assert panel.features.columns() == []
    assert "cross" in panel.features.message()


def test_a_pixel_alone_has_no_pairs(panel, viewer, session, qtbot):
    layer = show_image(viewer, session, noise((60, 60)))
    layer.add(square(9.5, 9.5, 1), shape_type="rectangle")
    refreshed(panel, qtbot)
    assert panel.features.used() == "1 of 32 levels, 1 px"
    assert all(math.isnan(value) for value in shown_values(panel).values())
    tip = panel.features.table.tip("glcm.contrast")
    assert tip == "no two pixels of the ROI are this far apart"
    panel.show_page(MATRIX)
    wait_for_matrix(panel, qtbot)
    assert panel.matrix.value() == ()
    assert "No two pixels of the ROI" in panel.matrix.message()


def test_millimetres_need_a_calibrated_image(panel, viewer, session, qtbot):
    layer = show_image(viewer, session, noise((60, 60)))
    layer.add(square(5, 5, 30), shape_type="rectangle")
    panel.features.form.set_value(TextureSettings(distance_mm=0.5))
    refreshed(panel, qtbot)
    assert "has no scale" in panel.features.message()
    assert panel.features.table.text("glcm.contrast") == NOTHING
    assert "has no scale" in panel.features.form.distance.steps.text()


def test_millimetres_are_rounded_on_each_axis_and_told(panel, viewer, session, qtbot):
    layer = show_image(viewer, session, noise((60, 60)), spacing_mm=(0.1, 0.2))
    layer.add(square(5, 5, 30), shape_type="rectangle")
    panel.features.form.set_value(TextureSettings(distance_mm=0.5))
    refreshed(panel, qtbot)
    assert panel.features.form.distance.steps.text() == (
        "In depth 5 px (0.5 mm), lateral 3 px (0.6 mm), diagonal 0.781 mm"
    )
    (column,) = panel.features.columns()
    assert column.outcome.offsets == ((0, 3), (5, 0), (5, 3), (5, -3))


def test_no_family_is_refused(panel, qtbot):
    panel.features.form.families.boxes["glcm"].setChecked(False)
    panel.refresh()
    assert "tick at least one" in panel.features.message()
    assert panel.features.columns() == []


def test_pixels_below_the_origin_are_refused(panel, qtbot):
    panel.features.form.levels.origin.setValue(200)
    refreshed(panel, qtbot)
    assert "below the origin 200" in panel.features.message()
    assert panel.features.table.text("glcm.contrast") == NOTHING


# Settings and presets


@pytest.mark.parametrize(
    "settings",
    [
        DEFAULT,
        TextureSettings(bin_size=1),
        TextureSettings(bin_size=1, origin=3),
        TextureSettings(bin_number=16, normalise=True),
        TextureSettings(distance_mm=0.12345),
        TextureSettings(distance_px=500, aggregation="2.5d_d_mrg"),
        TextureSettings(
            families=FAMILIES, neighbourhood_px=3, alpha=2, radius_px=4,
            each_direction=True,
        ),
    ],
    ids=["default", "256", "origin", "number", "mm", "far", "all"],
)  # fmt: skip
def test_the_form_gives_back_what_it_was_given(qtbot, settings):
    form = TextureForm()
    qtbot.addWidget(form)
    form.set_value(settings)
    assert form.value() == settings


def test_every_preset_of_the_program_can_be_shown(panel):
    for preset in presets.list_presets():
        panel.features.presets.choose(preset.name)
        assert same_settings(panel.features.settings(), preset.settings)
        assert not panel.features.presets.is_changed
        keys = [f.key for found in panel.features.features().values() for f in found]
        assert tuple(keys) == preset.keys


def test_a_changed_setting_is_said_and_can_be_undone(panel):
    row = panel.features.presets
    panel.features.form.levels.size.setValue(16)
    assert row.is_changed
    row._back.click()
    assert not row.is_changed
    assert panel.features.settings() == DEFAULT


def test_a_preset_is_saved_and_loaded(panel, notes, own_folder):
    panel.features.form.levels.size.setValue(16)
    panel.features.presets.save_wanted.emit("Sixteen")
    assert "Preset 'Sixteen' saved" in notes
    assert presets.load_preset("Sixteen").settings == TextureSettings(bin_size=16)
    assert not panel.features.presets.is_changed
    panel.features.presets.choose("default")
    assert panel.features.settings() == DEFAULT
    panel.features.presets.choose("Sixteen")
    assert panel.features.settings().bin_size == 16


@pytest.mark.parametrize(("answer", "size"), [("Yes", 16), ("No", 4)])
def test_a_preset_of_ones_own_is_not_replaced_unasked(
    panel, notes, monkeypatch, answer, size
):
    asked = []

    def ask(parent, title, text):
        asked.append(text)
        return QMessageBox.StandardButton[answer]

    monkeypatch.setattr(QInputDialog, "getText", lambda *_: (" Mine ", True))
    monkeypatch.setattr(QMessageBox, "question", ask)
    row = panel.features.presets
    panel.features.form.levels.size.setValue(4)
    row._save.click()
    assert asked == []
    panel.features.form.levels.size.setValue(16)
    row._save.click()
    assert asked == ["You have a preset 'Mine' already. Replace its settings?"]
    assert presets.load_preset("Mine").settings.bin_size == size


def test_a_name_of_the_program_is_refused(panel, notes):
    panel.features.presets.save_wanted.emit("default")
    assert "is that of a preset of the program" in notes[0]


def test_a_preset_keeps_which_features_it_shows(panel, notes):
    panel.features.presets.choose("noda-2024")
    shown = presets.load_preset("noda-2024").keys
    panel.features.form.families.boxes["ngtdm"].setChecked(True)
    panel.features.presets.save_wanted.emit("mine")
    new = tuple(feature.key for feature in features_of("ngtdm"))
    assert presets.load_preset("mine").keys == shown + new


# Results, clipboard, file


def test_rows_are_added_to_the_results(panel, session, rois, qtbot, notes):
    panel.features.actions.add()
    qtbot.waitUntil(lambda: session.has_results, timeout=30_000)
    rows = session.results
    values = dict(zip(rows["measure"], rows["value"], strict=True))
    assert values == dict(expected(session, 0))
    method = json.loads(rows["method"].iat[0])
    assert method["bin_size"] == 8
    assert "25 rows added to the results" in notes


def test_only_shown_features_of_a_preset_are_added(panel, session, qtbot, notes):
    panel.features.presets.choose("noda-2024")
    panel.features.actions.add()
    qtbot.waitUntil(lambda: session.has_results, timeout=30_000)
    keys = presets.load_preset("noda-2024").keys
    assert set(session.results["measure"]) == set(keys)


def test_nothing_to_add_is_said(viewer, shown, notes):
    panel = shown(TexturePanel(viewer))
    for act in (panel.features.actions._on_add, panel.features.actions._on_copy):
        act()
    assert "no ROI" in notes[0]
    assert "no values yet" in notes[1]


def test_texture_with_every_measurement(panel, session):
    panel.features.every.setChecked(True)
    assert session.options.texture == DEFAULT
    panel.features.form.levels.size.setValue(16)
    assert session.options.texture == TextureSettings(bin_size=16)
    panel.features.every.setChecked(False)
    assert session.options.texture is None


def test_options_of_a_session_are_shown(panel, session):
    session.set_options(texture=DEFAULT)
    assert panel.features.every.isChecked()


def test_every_panel_shows_the_settings_that_results_are_measured_by(
    panel, viewer, session, shown
):
    panel.features.every.setChecked(True)
    panel.features.form.levels.size.setValue(16)
    other = shown(TexturePanel(viewer))
    assert other.features.settings() == TextureSettings(bin_size=16)
    assert other.features.presets.is_changed
    other.features.form.levels.size.setValue(4)
    assert panel.features.settings() == TextureSettings(bin_size=4)
    assert session.options.texture == TextureSettings(bin_size=4)


def test_the_table_is_copied_with_all_digits(panel, session, rois, notes):
    panel.features.actions.copy()
    lines = QApplication.clipboard().text().splitlines()
    titles = lines[0].split("\t")
    assert titles[-1] == "BB"
    texture = expected(session, 0)
    found = {line.split("\t")[2]: float(line.split("\t")[-1]) for line in lines[1:]}
    assert found == dict(texture)


def test_the_file_tells_the_settings(panel, tmp_path):
    path = tmp_path / "texture.csv"
    panel.features.actions.save_csv(str(path))
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    (column,) = panel.features.columns()
    assert json.loads(rows[0]["method"]) == column.outcome.method("glcm")
    assert rows[0]["ibsi"] == features_of("glcm")[0].ibsi


# The first time


def test_the_first_computation_compiles_in_the_background(
    viewer, rois, shown, monkeypatch, qtbot
):
    monkeypatch.setattr(_texture_live, "_compiled", set())
    panel = shown(TexturePanel(viewer))
    assert panel.features.message() == "Compiling the texture kernels (once)…"
    assert panel.features.table.text("glcm.contrast") == "…"
    ready(panel, qtbot)
    assert panel.features.message() == ""
    assert not math.isnan(shown_values(panel)["glcm.contrast"])


def test_a_refusal_compiles_nothing(panel, viewer, session, monkeypatch, qtbot):
    layer = show_image(viewer, session, noise((60, 60)))
    layer.add(square(5, 5, 30), shape_type="rectangle")
    monkeypatch.setattr(_texture_live, "_compiled", set())
    panel.features.form.set_value(TextureSettings(distance_mm=0.5))
    refreshed(panel, qtbot)
    assert "has no scale" in panel.features.message()
    assert _texture_live._compiled == set()


# Matrix


def wait_for_matrix(panel, qtbot):
    def known():
        panel.refresh()
        return not panel.matrix._live.job.running and "…" not in panel.matrix.message()

    qtbot.waitUntil(known, timeout=60_000)


@pytest.fixture
def matrix(panel, qtbot):
    panel.show_page(MATRIX)
    wait_for_matrix(panel, qtbot)
    return panel.matrix


def cooccurrence(session, index):
    """Return the whole co-occurrence matrix of a region."""
    levels = expected(session, index).levels
    return glcm_matrix(levels.levels, levels.n_levels)


def assert_drawn(found, whole):
    part = slice(found.first - 1, None)
    np.testing.assert_array_equal(found.shares, whole[part, part])


def test_the_matrix_of_a_kept_roi_stands_beside_that_of_another_image(
    panel, matrix, viewer, session, rois, qtbot
):
    before = cooccurrence(session, 0)
    panel.features.actions.keep()
    wait_for_matrix(panel, qtbot)
    assert len(matrix.value()) == 1, "not yet moved, it would be drawn twice"
    layer = show_image(viewer, session, noise((60, 60)))
    layer.add(square(10, 10, 30), shape_type="rectangle")
    session.edit(0, name="new")
    wait_for_matrix(panel, qtbot)
    kept, now = matrix.value()
    assert kept.title.startswith("BB ·")
    assert now.title == "new"
    assert_drawn(kept, before)
    assert_drawn(now, cooccurrence(session, 0))
    panel.features.actions._on_clear()
    wait_for_matrix(panel, qtbot)
    assert [one.title for one in matrix.value()] == ["new"]


def test_the_matrices_of_left_and_right_are_of_two_images(
    panel, matrix, viewer, session, rois, qtbot
):
    left = cooccurrence(session, 0)
    panel.features.actions.keep()
    layer = show_image(viewer, session, noise((60, 60)))
    layer.add(square(10, 10, 30), shape_type="rectangle")
    session.edit(0, name="new", muscle="Biceps brachii", side="right")
    panel.features.sides.setCurrentIndex(1)
    wait_for_matrix(panel, qtbot)
    assert [one.title for one in matrix.value()] == ["left", "right"]
    assert_drawn(matrix.value()[0], left)
    assert_drawn(matrix.value()[1], cooccurrence(session, 0))
    session.edit(0, side="")
    wait_for_matrix(panel, qtbot)
    assert matrix.value() == ()
    assert "has no ROI on the right" in matrix.message()


@pytest.mark.parametrize("direction", [-1, 0, 2])
def test_the_matrix_is_that_of_the_region(
    panel, matrix, session, rois, qtbot, direction
):
    matrix.choose("glcm", direction)
    wait_for_matrix(panel, qtbot)
    levels = expected(session, 0).levels
    steps = ((0, 1), (1, 0), (1, 1), (1, -1))
    steps = steps if direction < 0 else steps[direction : direction + 1]
    whole = glcm_matrix(levels.levels, levels.n_levels, steps)
    (found,) = matrix.value()
    part = slice(found.first - 1, None)
    assert np.array_equal(found.shares, whole[part, part])
    assert whole.sum() == pytest.approx(found.shares.sum(), rel=1e-12)


def test_every_kind_of_matrix_sums_to_one(panel, matrix, qtbot):
    for kind in KINDS:
        matrix.choose(kind)
        wait_for_matrix(panel, qtbot)
        (found,) = matrix.value()
        assert found.shares.sum() == pytest.approx(1)
        assert "%" in found.share_text(0, 0)


def test_a_cell_is_told_in_gray_values(matrix):
    (found,) = matrix.value()
    level = 6
    row = level - found.first
    assert found.grays[row] == (40, 47)
    share = 200 * found.shares[row, row + 1]
    assert found.share_text(row, row + 1).startswith(
        f"levels 40–47 beside 48–55: {share:.3g} % of the pairs"
    )


def test_pointing_at_a_cell_tells_it(panel, matrix, qtbot):
    plot = matrix.plot.plot()
    QApplication.processEvents()
    plot.draw()
    (found,) = matrix.value()
    axes = plot.figure.axes[0]
    x, y = axes.transData.transform((found.first + 3, found.first + 2))
    from matplotlib.backend_bases import MouseEvent

    plot.callbacks.process(
        "motion_notify_event", MouseEvent("motion_notify_event", plot, x, y)
    )
    told = found.share_text(2, 3)
    assert matrix.hover_text() == told[:1].upper() + told[1:]
    # The mouse rests while a setting changes: nothing old stays.
    panel.features.form.levels.size.setValue(4)
    wait_for_matrix(panel, qtbot)
    (new,) = matrix.value()
    row, column = (found.first + 2 - new.first, found.first + 3 - new.first)
    told = new.share_text(row, column)
    assert matrix.hover_text() == told[:1].upper() + told[1:]


def ticks_of(axes):
    """Return levels that are marked, and what is written there."""
    return axes.get_yticks(), [text.get_text() for text in axes.get_yticklabels()]


def test_two_selected_regions_are_compared_in_the_same_colours(
    panel, matrix, session, rois, qtbot
):
    two_sides(session, rois)
    session.select([0, 1])
    wait_for_matrix(panel, qtbot)
    assert [found.title for found in matrix.value()] == ["BB", "other"]
    plot = matrix.plot.plot()
    first, second = plot.figure.axes[:2]
    assert first.images[0].norm is second.images[0].norm
    assert first.get_ylim() == second.get_ylim()
    low = {axes: dict(zip(*ticks_of(axes), strict=True)) for axes in (first, second)}
    both = low[first].keys() & low[second].keys()
    assert len(both) == min(len(low[first]), len(low[second])) > 2
    assert all(low[first][level] == low[second][level] for level in both)


def test_the_matrix_follows_the_settings(panel, matrix, qtbot):
    panel.features.form.levels.size.setValue(32)
    wait_for_matrix(panel, qtbot)
    (found,) = matrix.value()
    assert all(high - low == 31 for low, high in found.grays)


@pytest.mark.parametrize(
    "settings",
    [
        TextureSettings(bin_size=8),
        TextureSettings(bin_size=7, origin=3),
        TextureSettings(bin_number=16),
        TextureSettings(bin_number=256),
    ],
    ids=["size", "origin", "number", "more than gray values"],
)
def test_gray_values_of_levels(settings):
    """Each gray value of the region lies in the range of its level."""
    gray = np.random.default_rng(2).integers(10, 180, (1, 400), np.uint8)
    region = np.ones_like(gray, bool)
    levels = discretise(
        gray, region, bin_size=settings.bin_size,
        bin_number=settings.bin_number, origin=settings.origin,
    )  # fmt: skip
    grays = grays_of_levels(gray[region], levels, settings)
    assert len(grays) == levels.n_levels
    for value, level in zip(gray[0], levels.levels[0, 0], strict=True):
        low, high = grays[level - 1]
        assert low <= value <= high
    assert list(grays) == sorted(grays)


# The panel as a whole


def test_the_map_is_made_when_it_is_first_looked_at(panel, monkeypatch):
    assert_made_late(panel, monkeypatch, MAP, "texture_map", "TextureMapPage")


def test_every_control_has_a_tooltip(panel):
    assert_tooltips(panel.features)
    assert_tooltips(panel.matrix)


def test_it_fits_a_narrow_dock_with_its_settings_open(panel):
    page = panel.features
    page.settings_section._button.setChecked(True)
    page.form.set_value(TextureSettings(families=FAMILIES, distance_mm=0.5))
    page.form.levels.size.setValue(9)
    assert_fits_narrow_dock(panel, page)


def test_the_chosen_feature_stays_chosen_while_folding(panel, qtbot):
    page = panel.features
    page.form.set_value(TextureSettings(families=("stat", "glcm")))
    refreshed(panel, qtbot)
    page.table.choose("glcm.contrast")
    page.table.clicked.emit(page.table.model().index(0, 0, page.table.rootIndex()))
    refreshed(panel, qtbot)
    assert page.table.chosen().key == "glcm.contrast"
    assert "stat.mean" not in shown_values(panel)
    assert page.table.model().headerData(0, Qt.Orientation.Vertical).startswith("▸")
