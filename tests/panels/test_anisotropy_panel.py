from __future__ import annotations

import csv
import json
import math

import numpy as np
import pytest
from qtpy.QtWidgets import (
    QApplication,
    QPushButton,
)

from napari_muscle_us._napari.panels import _aniso_live, _aniso_work
from napari_muscle_us._napari.panels._aniso_form import AnisotropyForm
from napari_muscle_us._napari.panels._aniso_rose import outline, rim_share
from napari_muscle_us._napari.panels._aniso_words import (
    COMPILING,
    COMPUTING,
    COUNT,
    between_lines,
    short_number,
)
from napari_muscle_us._napari.panels._texture_words import NOTHING, PENDING
from napari_muscle_us._napari.panels._widgets import PANEL_WIDTH
from napari_muscle_us._napari.panels.anisotropy import (
    ARCHITECTURE,
    MAP,
    AnisotropyPanel,
)
from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.anisotropy.fascicle import fascicle_direction
from napari_muscle_us.measure.anisotropy.roi import measure_anisotropy
from napari_muscle_us.measure.anisotropy.settings import AnisotropySettings
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

FASCICLE = AnisotropySettings(method="fascicle")
DIRECTION = "anisotropy.direction"
FIBRES = "anisotropy.fascicle_direction"


@pytest.fixture
def panel(viewer, rois, shown, qtbot):
    return ready(shown(AnisotropyPanel(viewer)), qtbot)


def ready(panel, qtbot):
    """Wait until all loops are compiled and every value is there."""

    def known():
        panel.refresh()
        return not panel.roi.live.busy

    qtbot.waitUntil(known, timeout=60_000)
    return panel


def values(panel, column=0):
    return values_of(panel.roi, column)


def expected(session, index, **options):
    """Return the numbers of a region by the whole image and its mask."""
    image = session.image()
    mask = roi_mask(session.regions()[index].roi, image.frame_shape)
    spacing = image.spacing_mm
    tensor = measure_anisotropy(image.pixels, mask, spacing_mm=spacing, **options)
    return tensor, fascicle_direction(image.pixels, mask, spacing_mm=spacing)


def stripes(angle_deg, shape=(120, 160), wave=9.0):
    """Return parallel lines in a direction, rising to the right if positive."""
    rows, columns = np.indices(shape)
    turn = np.radians(angle_deg)
    across = columns * np.sin(turn) + rows * np.cos(turn)
    return np.round(128 + 100 * np.sin(2 * np.pi * across / wave)).astype(np.uint8)


# Values


def test_the_values_are_those_of_the_measures(panel, session, rois):
    tensor, fascicle = expected(session, 0)
    local = tensor.local
    assert values(panel) == pytest.approx(
        {
            FIBRES: fascicle.direction_deg,
            "anisotropy.fascicle_spread": fascicle.spread_deg,
            "anisotropy.fascicle_confidence": fascicle.confidence,
            DIRECTION: tensor.direction_deg,
            "anisotropy.coherency": tensor.coherency,
            "anisotropy.circular_mean": tensor.circular_mean_deg,
            "anisotropy.circular_sd": tensor.circular_sd_deg,
            "anisotropy.energy": tensor.energy,
            "anisotropy.local": local.value,
            "anisotropy.local_sd": local.sd,
            "anisotropy.n_boxes": local.n_boxes,
        },
        nan_ok=True,
        rel=1e-6,
    )


def test_every_setting_reaches_the_measure(panel, session, rois, qtbot):
    options = {
        "gradient": "gaussian", "gradient_sigma_px": 2.5, "sigma_px": 4.0,
        "window": "orientationj", "box_px": 20, "variant": "one_minus_ratio",
        "min_inside": 0.9, "min_energy_share": 0.3,
    }  # fmt: skip
    panel.roi.form.set_value(AnisotropySettings(**options))
    told = values(ready(panel, qtbot))
    tensor, _ = expected(session, 0, **options)
    assert told["anisotropy.coherency"] == pytest.approx(tensor.coherency)
    assert told["anisotropy.circular_sd"] == pytest.approx(tensor.circular_sd_deg)
    assert told["anisotropy.local"] == pytest.approx(tensor.local.value)
    assert told["anisotropy.n_boxes"] == tensor.local.n_boxes
    assert FIBRES not in told


@pytest.mark.parametrize("angle", [-70, -20, 0, 35, 85])
def test_lines_rising_to_the_right_are_positive(panel, viewer, session, qtbot, angle):
    layer = show_image(viewer, session, stripes(angle))
    layer.add(square(10, 20, 100), shape_type="rectangle")
    told = values(ready(panel, qtbot))
    assert told[DIRECTION] == pytest.approx(angle, abs=0.1)
    assert told["anisotropy.coherency"] > 0.999


def test_angles_are_those_in_the_muscle(panel, viewer, session, qtbot):
    layer = show_image(viewer, session, stripes(45), spacing_mm=(0.1, 0.2))
    layer.add(square(10, 20, 100), shape_type="rectangle")
    told = values(ready(panel, qtbot))[DIRECTION]
    assert told == pytest.approx(math.degrees(math.atan(0.5)), abs=0.1)


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (-12.34, "°", "−12.3"),
        (-0.04, "°", "0.0"),
        (0.61234, "1", "0.612"),
        (54.0, COUNT, "54"),
        (1.0, COUNT, "1"),
        (1.0, "1", "1.000"),
        (329.94, "gray level²", "329.94"),
        (24281.3, "gray level²", "24281"),
        (math.nan, "°", NOTHING),
    ],
)
def test_numbers_are_short(value, unit, text):
    assert short_number(value, unit) == text


@pytest.mark.parametrize(
    ("turn", "told"), [(170, -10), (-170, 10), (90, 90), (-90, 90), (30, 30), (0, 0)]
)
def test_a_turn_between_lines_is_never_more_than_a_right_angle(turn, told):
    assert between_lines(turn) == told


# A region that moves


def test_it_follows_the_region_while_it_moves(panel, session, rois, qtbot):
    before = values(panel)
    rois.data = [rois.data[0] - np.array([60, 0], np.float32)]
    ready(panel, qtbot)
    after = values(panel)
    tensor, _ = expected(session, 0)
    assert after[DIRECTION] != before[DIRECTION]
    assert after[DIRECTION] == pytest.approx(tensor.direction_deg)


def test_numbers_of_the_place_before_last_a_moment_only(
    panel, session, rois, qtbot, monkeypatch
):
    live, page = panel.roi.live, panel.roi
    monkeypatch.setattr(_aniso_live, "AT_ONCE_SECONDS", 0.0)
    monkeypatch.setattr(_aniso_live, "STALE_SECONDS", 60.0)
    monkeypatch.setattr(live.job, "ask", lambda *args, **kind: None)
    before = page.table.text(DIRECTION)
    rois.data = [rois.data[0] - np.array([60, 0], np.float32)]
    panel.refresh()
    assert page.table.text(DIRECTION) == before
    with pytest.raises(MeasureError, match="still being computed"):
        page.actions.copy()
    monkeypatch.setattr(_aniso_live, "STALE_SECONDS", 0.0)
    qtbot.waitUntil(lambda: page.table.text(DIRECTION) == PENDING, timeout=5000)
    assert page.rose.plot().value() == ()


def test_no_number_passes_from_one_roi_to_another(panel, session, rois, monkeypatch):
    live, page = panel.roi.live, panel.roi
    monkeypatch.setattr(_aniso_live, "AT_ONCE_SECONDS", 0.0)
    monkeypatch.setattr(live.job, "ask", lambda *args, **kind: None)
    rois.add(square(120, 120, 60), shape_type="rectangle")
    session.edit(1, name="other")
    session.select([1])
    panel.refresh()
    assert page.table.titles() == ["other"]
    assert page.table.text(DIRECTION) == PENDING


def test_other_settings_never_show_the_old_numbers(panel, monkeypatch):
    monkeypatch.setattr(panel.roi.live.job, "ask", lambda *args, **kind: None)
    panel.roi.form.box.px.setValue(16)
    panel.refresh()
    assert panel.roi.table.text("anisotropy.local") == PENDING


def test_the_first_use_is_compiled_and_says_so(panel, monkeypatch):
    monkeypatch.setattr(panel.roi.live.job, "ask", lambda *args, **kind: None)
    panel.roi.form.box.px.setValue(16)
    panel.refresh()
    assert panel.roi.message() == COMPUTING
    monkeypatch.setattr(_aniso_work, "_compiled", set())
    panel.refresh()
    assert panel.roi.message() == COMPILING


def test_quick_work_is_done_at_once(panel, session, rois, qtbot, monkeypatch):
    panel.roi.form.set_value(AnisotropySettings())
    ready(panel, qtbot)
    monkeypatch.setattr(_aniso_live, "AT_ONCE_SECONDS", 60.0)
    monkeypatch.setattr(
        panel.roi.live.job, "ask", lambda *args, **kind: pytest.fail("background")
    )
    rois.data = [rois.data[0] - np.array([30, 0], np.float32)]
    panel.refresh()
    tensor, _ = expected(session, 0)
    assert values(panel)[DIRECTION] == pytest.approx(tensor.direction_deg)


def test_no_number_outlives_its_region(panel, session, rois, qtbot):
    session.remove([0])
    qtbot.waitUntil(lambda: panel.roi.columns() == [])
    assert "Draw an ROI" in panel.roi.message()
    assert panel.roi.rose.plot().value() == ()


# Several regions


def test_several_regions_stand_side_by_side(panel, session, rois, qtbot):
    two_sides(session, rois)
    session.select([])
    ready(panel, qtbot)
    assert panel.roi.table.titles() == ["BB", "other"]
    for number in range(2):
        told = expected(session, number)[0].coherency
        assert values(panel, number)["anisotropy.coherency"] == pytest.approx(told)


def test_left_and_right_with_the_turn_between_them(panel, viewer, session, qtbot):
    both = np.concatenate([stripes(85), stripes(-85)], axis=1)
    layer = show_image(viewer, session, both)
    layer.add(square(10, 30, 100), shape_type="rectangle")
    layer.add(square(10, 190, 100), shape_type="rectangle")
    session.edit(0, name="a", muscle="Soleus", side="left")
    session.edit(1, name="b", muscle="Soleus", side="right")
    panel.roi.sides.setCurrentIndex(1)
    ready(panel, qtbot)
    assert panel.roi.table.titles() == ["left", "right", "L − R"]
    # From 85° to −85° are 10°, not 170°.
    assert values(panel, 2)[DIRECTION] == pytest.approx(-10, abs=0.2)
    left, right, difference = (values(panel, n)["anisotropy.local"] for n in range(3))
    assert difference == left - right
    assert panel.roi.table.text(DIRECTION, 2) == "−10.0"
    assert panel.roi.table.text("anisotropy.n_boxes", 2) == "0"


def test_a_kept_roi_of_another_image_is_the_other_side(
    panel, viewer, session, rois, qtbot
):
    kept = values(panel)
    panel.roi.actions.keep()
    layer = show_image(viewer, session, stripes(20))
    layer.add(square(10, 10, 100), shape_type="rectangle")
    session.edit(0, name="new", muscle="Biceps brachii", side="right")
    panel.roi.sides.setCurrentIndex(1)
    ready(panel, qtbot)
    assert panel.roi.table.titles() == ["left", "right", "L − R"]
    assert values(panel, 0) == pytest.approx(kept, nan_ok=True)
    assert values(panel, 1)[DIRECTION] == pytest.approx(20, abs=0.1)
    assert [rose.kept for rose in panel.roi.rose.plot().value()] == [True, False]
    panel.roi.actions._on_clear()
    panel.roi.sides.setCurrentIndex(0)
    ready(panel, qtbot)
    assert panel.roi.table.titles() == ["new"]


def keep_and_open(panel, viewer, session, kept, now, *, muscle=("", "")):
    """Keep an ROI of an image, and draw one on the next; each pixels and spacing."""
    for number, ((pixels, spacing), name) in enumerate(
        zip((kept, now), muscle, strict=True)
    ):
        layer = show_image(viewer, session, pixels, spacing)
        layer.add(square(10, 10, 100), shape_type="rectangle")
        session.edit(0, name="VL", muscle=name, side="left" if name else "")
        session.select([0])
        if not number:
            panel.refresh()
            panel.roi.actions.keep()


def test_the_change_since_the_former_visit_stands_beside_both(
    panel, viewer, session, qtbot
):
    visits = (stripes(85), None), (stripes(-85), None)
    keep_and_open(panel, viewer, session, *visits, muscle=("Soleus", "Soleus"))
    panel.roi.sides.setCurrentIndex(2)
    ready(panel, qtbot)
    former, now, change = panel.roi.table.titles()
    assert (now, change) == ("VL", "Change")
    assert former.startswith("VL · ")
    # Now minus former, as lines: from 85° on to −85° are 10°.
    assert values(panel, 2)[DIRECTION] == pytest.approx(10, abs=0.2)
    assert panel.roi.table.text(DIRECTION, 2) == "+10.0"
    local = [values(panel, n)["anisotropy.local"] for n in range(3)]
    assert local[2] == local[1] - local[0]
    assert [rose.kept for rose in panel.roi.rose.plot().value()] == [True, False]


def test_a_change_is_of_one_muscle_only(panel, viewer, session, qtbot):
    visits = (stripes(10), None), (stripes(20), None)
    panel.roi.sides.setCurrentIndex(2)
    ready(panel, qtbot)
    assert "Press Keep for comparison" in panel.roi.message()
    keep_and_open(panel, viewer, session, *visits, muscle=("Soleus", "Biceps brachii"))
    ready(panel, qtbot)
    assert panel.roi.columns() == []
    assert "Biceps brachii left was not kept" in panel.roi.message()
    session.edit(0, muscle="Soleus")
    ready(panel, qtbot)
    assert len(panel.roi.columns()) == 3
    panel.roi.shown.kept *= 2
    ready(panel, qtbot)
    assert panel.roi.columns() == []
    assert "was kept 2 times" in panel.roi.message()


def test_energies_of_different_units_are_never_subtracted(
    panel, viewer, session, qtbot
):
    energy = "anisotropy.energy"
    visits = (stripes(10), (0.1, 0.1)), (stripes(20), None)
    keep_and_open(panel, viewer, session, *visits)
    panel.roi.sides.setCurrentIndex(2)
    ready(panel, qtbot)
    texts = [panel.roi.table.text(energy, n) for n in range(3)]
    assert texts[0].endswith(" /mm²")
    assert texts[1].endswith(" /px²")
    assert texts[2] == NOTHING
    assert "units differ" in panel.roi.table.tip(energy, 2)
    assert "gray level²/px²" in panel.roi.table.tip(energy, 1)
    assert "do not compare the local anisotropy" in panel.roi.message()
    # What has no unit is compared all the same.
    assert not math.isnan(values(panel, 2)["anisotropy.coherency"])


@pytest.mark.parametrize(
    ("spacing", "unit"),
    [(None, "gray level²/px²"), ((0.1, 0.2), "gray level²/mm²")],
)
def test_the_energy_tells_its_unit(
    panel, viewer, session, qtbot, tmp_path, spacing, unit
):
    layer = show_image(viewer, session, stripes(10), spacing)
    layer.add(square(10, 10, 100), shape_type="rectangle")
    ready(panel, qtbot)
    (row,) = [r for r in panel.roi.rows() if r.key == "anisotropy.energy"]
    # Short enough for the narrow titles beside three columns.
    assert row.title == f"Energy (gray²{unit[-4:]})"
    assert row.tip.endswith(f"In {unit}.")
    panel.roi.actions.save_csv(str(tmp_path / "a.csv"))
    with (tmp_path / "a.csv").open(encoding="utf-8-sig", newline="") as file:
        lines = {line["key"]: line for line in csv.DictReader(file)}
    assert lines["anisotropy.energy"]["unit"] == unit


# What is said


def test_noise_has_no_direction_and_says_so(panel, viewer, session, qtbot):
    layer = show_image(viewer, session, noise())
    layer.add(square(5, 5, 110), shape_type="rectangle")
    session.edit(0, name="N")
    ready(panel, qtbot)
    table, page = panel.roi.table, panel.roi
    tensor, fascicle = expected(session, 0)
    assert table.text(DIRECTION) == f"({short_number(tensor.direction_deg, '°')})"
    assert tensor.reason("direction_deg") in table.tip(DIRECTION)
    assert table.text(FIBRES) == NOTHING
    assert table.tip(FIBRES) == fascicle.reason
    assert "Tensor: no fibre direction is to be seen: the coherency" in page.message()
    assert "Fascicles: no fibre direction is to be seen" in page.message()
    (rose,) = page.rose.plot().value()
    assert math.isnan(rose.direction_deg)
    assert rose.label == "N"


def test_coloured_pixels_are_said(panel, viewer, session, qtbot):
    colours = np.repeat(stripes(10)[..., None], 3, axis=2)
    colours[20, 10:17] = (200, 40, 40)
    viewer.add_image(colours, rgb=True)
    layer = session.new_roi_layer()
    layer.add(square(10, 5, 100), shape_type="rectangle")
    ready(panel, qtbot)
    assert "7 of the pixels are coloured" in panel.roi.message()


@pytest.mark.parametrize(
    ("pixels", "size", "words"),
    [
        (np.full((120, 160), 90, np.uint8), 100, "same gray level"),
        (noise(), 3, "smaller than the derivative kernel"),
        (noise(), 7, "fewer than 25 gradients"),
    ],
    ids=["constant", "tiny", "small"],
)
def test_a_missing_value_says_why(panel, viewer, session, qtbot, pixels, size, words):
    layer = show_image(viewer, session, pixels)
    layer.add(square(10, 10, size), shape_type="rectangle")
    ready(panel, qtbot)
    for key in (DIRECTION, "anisotropy.local", FIBRES):
        assert panel.roi.table.text(key) == NOTHING
        assert panel.roi.table.tip(key)
    assert words in panel.roi.table.tip(DIRECTION)
    assert words in panel.roi.message()
    (rose,) = panel.roi.rose.plot().value()
    assert math.isnan(rose.direction_deg)


def test_many_regions_without_a_direction_get_one_sentence(
    panel, viewer, session, qtbot
):
    layer = show_image(viewer, session, noise())
    for left in (5, 45, 85):
        layer.add(square(5, left, 36), shape_type="rectangle")
    session.select([])
    ready(panel, qtbot)
    sentences = panel.roi.message().splitlines()
    told = [line for line in sentences if "Fascicles:" in line]
    assert [line.removeprefix("⚠ ") for line in told] == [
        "Fascicles: no direction in 3 of 3 ROIs; rest the mouse on its cell to read "
        "why."
    ]


def test_a_refusal_of_many_regions_is_said_once(panel, viewer, session, qtbot):
    layer = show_image(viewer, session, noise())
    for left in (5, 45, 85):
        layer.add(square(5, left, 36), shape_type="rectangle")
    session.select([])
    panel.roi.form.set_value(AnisotropySettings(box_mm=3.0))
    ready(panel, qtbot)
    assert panel.roi.message().count("mm") == panel.roi.table.tip(DIRECTION).count("mm")


def test_one_box_has_no_spread(panel, viewer, session, qtbot):
    layer = show_image(viewer, session, stripes(10))
    layer.add(square(10, 10, 33), shape_type="rectangle")
    ready(panel, qtbot)
    assert panel.roi.table.text("anisotropy.n_boxes") == "1"
    assert panel.roi.table.tip("anisotropy.local_sd").startswith("undefined")


def test_the_local_index_is_never_called_tai(panel):
    assert panel.roi.note().startswith("Local texture anisotropy; not the published")
    titles = [row.title for row in panel.roi.rows()]
    assert not any("TAI" in title for title in titles)


def test_without_an_image_it_says_so(viewer, shown):
    viewer.layers.clear()
    panel = shown(AnisotropyPanel(viewer))
    assert panel.roi.message().startswith("No image is open")


def test_without_an_roi_it_asks_for_one(viewer, shown):
    panel = shown(AnisotropyPanel(viewer))
    assert "Draw an ROI" in panel.roi.message()
    assert panel.roi.columns() == []


def test_a_crossed_outline_is_refused(panel, session, rois, qtbot):
    crossed = np.array([(130, 120), (250, 430), (130, 430), (250, 120)])
    rois.add(crossed, shape_type="polygon")
    session.select([1])
    ready(panel, qtbot)
    assert panel.roi.columns() == []
    assert "cross" in panel.roi.message()


@pytest.mark.parametrize(
    "settings",
    [{"box_mm": 3.0}, {"sigma_mm": 0.5}],
    ids=["box", "window"],
)
def test_millimetres_need_a_calibrated_image(panel, viewer, session, qtbot, settings):
    layer = show_image(viewer, session, noise())
    layer.add(square(5, 5, 100), shape_type="rectangle")
    panel.roi.form.set_value(AnisotropySettings(**settings))
    ready(panel, qtbot)
    assert "mm" in panel.roi.message()
    assert panel.roi.table.text(DIRECTION) == NOTHING
    assert not panel.roi.form.box.unit.model().item(1).isEnabled()


# Settings


@pytest.mark.parametrize(
    "settings",
    [
        AnisotropySettings(),
        FASCICLE,
        AnisotropySettings(gradient="gaussian", gradient_sigma_px=1.2345),
        AnisotropySettings(gradient="gaussian", gradient_sigma_mm=0.12345),
        AnisotropySettings(sigma_mm=0.34567, window="orientationj"),
        AnisotropySettings(box_mm=2.5, variant="fractional_anisotropy"),
        AnisotropySettings(box_px=17, min_inside=0.3333, min_energy_share=0.0),
    ],
    ids=["default", "fascicle", "scale", "scale mm", "window", "box mm", "shares"],
)
def test_the_form_gives_back_what_it_was_given(qtbot, settings):
    form = AnisotropyForm()
    qtbot.addWidget(form)
    form.set_value(settings)
    assert form.value() == settings


def test_only_the_gaussian_has_a_scale(qtbot):
    form = AnisotropyForm()
    qtbot.addWidget(form)
    assert form.scale.isHidden()
    form.set_value(AnisotropySettings(gradient="gaussian"))
    assert not form.scale.isHidden()


def test_every_measurement_takes_the_settings_along(panel, session):
    page = panel.roi
    page.every.click()
    assert session.options.anisotropy == page.settings() == FASCICLE
    page.form.box.px.setValue(20)
    assert session.options.anisotropy.box_px == 20
    page.every.click()
    assert session.options.anisotropy is None


def test_settings_of_the_viewer_are_shown(panel, session):
    wanted = AnisotropySettings(box_px=24)
    session.set_options(anisotropy=wanted)
    assert panel.roi.settings() == wanted
    assert panel.roi.every.isChecked()


# Results and text


def test_rows_are_those_that_are_shown(panel, session, rois, qtbot, notes):
    panel.roi.actions.add()
    qtbot.waitUntil(lambda: session.has_results, timeout=20_000)
    table = session.results
    told = dict(zip(table["measure"], table["value"], strict=True))
    assert told == pytest.approx(values(panel), nan_ok=True)
    assert set(table["roi"]) == {"BB"}
    assert set(table["side"]) == {"left"}
    method = json.loads(table.set_index("measure")["method"][DIRECTION])
    assert method["gradient"] == "cubic_spline"
    assert f"{len(told)} rows added to the results" in notes


def test_nothing_to_add_is_said(panel, session, rois, notes):
    session.remove([0])
    panel.roi.actions._on_add()
    assert "no ROI" in notes[-1]


def test_what_is_shown_can_be_copied_and_saved(
    panel, session, rois, qtbot, notes, tmp_path
):
    session.edit(0, name="=cmd()")
    ready(panel, qtbot)
    panel.roi.actions.copy()
    lines = QApplication.clipboard().text().split("\n")
    assert len(lines) == 1 + len(values(panel))
    panel.roi.actions.save_csv(str(tmp_path / "a.csv"))
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        saved = list(csv.DictReader(file))
    column = next(name for name in saved[0] if "cmd" in name)
    assert not column.startswith("=")
    told = {row["key"]: float(row[column]) for row in saved}
    assert told == pytest.approx(values(panel), nan_ok=True, rel=0)
    method = json.loads(
        next(r for r in saved if r["key"] == "anisotropy.local")["method"]
    )
    assert method["box_px"] == 32


def test_a_doubtful_number_is_saved_with_its_reason(
    panel, viewer, session, qtbot, tmp_path
):
    layer = show_image(viewer, session, noise())
    layer.add(square(5, 5, 110), shape_type="rectangle")
    session.edit(0, name="N")
    ready(panel, qtbot)
    panel.roi.actions.save_csv(str(tmp_path / "a.csv"))
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        saved = {row["key"]: row for row in csv.DictReader(file)}
    assert saved[DIRECTION]["note"].startswith("N: no fibre direction is to be seen")
    assert saved["anisotropy.coherency"]["note"] == ""


# The half rose


def test_the_rose_has_the_direction_and_the_histogram(panel, viewer, session, qtbot):
    layer = show_image(viewer, session, stripes(35))
    layer.add(square(10, 20, 100), shape_type="rectangle")
    session.edit(0, name="S")
    panel.roi.form.set_value(AnisotropySettings())
    ready(panel, qtbot)
    plot = panel.roi.rose.plot()
    (rose,) = plot.value()
    assert rose.direction_deg == pytest.approx(35, abs=0.1)
    top = int(np.argmax(rose.shares))
    assert rose.edges_deg[top] - 1 <= 35 <= rose.edges_deg[top + 1] + 1
    assert plot.names() == ["S  35.0°"]
    assert plot.caption().startswith("Rim: ")
    (drawn,) = plot._drawn
    x, y = (values[1] for values in drawn.line.get_data())
    assert math.degrees(math.atan2(y, x)) == pytest.approx(35, abs=0.1)


def test_the_area_of_a_sector_is_its_share():
    rng = np.random.default_rng(3)
    shares = rng.random(36)
    shares /= shares.sum()
    edges = np.linspace(-90, 90, 37)
    points = outline(shares, edges, rim=0.1)[1:].reshape(36, -1, 2)
    assert (points[:, :, 0] >= -1e-12).all()
    areas = []
    for arc in points:
        x, y = np.concatenate([np.zeros((1, 2)), arc]).T
        areas.append(0.5 * abs(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))))
    np.testing.assert_allclose(np.array(areas) / sum(areas), shares, rtol=1e-9)
    # Five degrees of a circle of radius 1, drawn with three straight pieces.
    np.testing.assert_allclose(areas, shares / 0.1 * np.radians(5) / 2, rtol=1e-3)


@pytest.mark.parametrize(
    ("top", "rim"), [(0.11, 0.15), (0.1, 0.1), (0.99, 1.0), (0.031, 0.04)]
)
def test_the_rim_is_a_round_share_that_holds_the_largest(panel, top, rim):
    (rose,) = panel.roi.rose.plot().value()
    shares = np.full(36, 0.001)
    shares[5] = top

    class One:
        pass

    one = One()
    one.shares, one.edges_deg = shares, rose.edges_deg
    assert rim_share((one,)) == pytest.approx(rim)


def test_a_drag_does_not_draw_the_spokes_again(panel, viewer, session, qtbot):
    layer = show_image(viewer, session, stripes(20))
    layer.add(square(5, 5, 100), shape_type="rectangle")
    ready(panel, qtbot)
    plot = panel.roi.rose.plot()
    qtbot.waitUntil(lambda: plot._background is not None)
    background, size = plot._background, plot.size()
    before = plot._drawn[0].shape.get_xy().copy()
    layer.data = [square(9, 40, 100)]
    ready(panel, qtbot)
    assert plot.size() == size
    assert plot._background is background
    assert not np.array_equal(plot._drawn[0].shape.get_xy(), before)


# The panel as a whole


@pytest.mark.parametrize(
    ("number", "module", "name"),
    [
        (MAP, "anisotropy_map", "AnisotropyMapPage"),
        (ARCHITECTURE, "architecture", "ArchitecturePage"),
    ],
    ids=["map", "architecture"],
)
def test_a_page_is_made_when_it_is_first_looked_at(
    panel, monkeypatch, number, module, name
):
    assert_made_late(panel, monkeypatch, number, module, name)


def test_every_control_has_a_tooltip(panel):
    assert_tooltips(panel.roi)


def test_its_buttons_speak_of_numbers_not_of_features(panel):
    tips = " ".join(button.toolTip() for button in panel.findChildren(QPushButton))
    assert "feature" not in tips


def test_numbers_are_seen_where_another_panel_leaves_no_more_room(panel):
    panel.resize(PANEL_WIDTH, panel.minimumSizeHint().height())
    QApplication.processEvents()
    table = panel.roi.table
    area = table.parentWidget().parentWidget()
    first_rows = table.mapTo(area, table.rect().topLeft()).y() + 4 * table.rowHeight(0)
    assert first_rows <= area.height()


def test_it_fits_a_narrow_dock_with_its_settings_open(panel):
    page = panel.roi
    page.settings_section._button.setChecked(True)
    page.form.set_value(AnisotropySettings(gradient="gaussian", box_mm=2.0))
    assert_fits_narrow_dock(panel, page)


def test_without_numbers_no_empty_table_stands_there(panel, session):
    assert panel.roi.table.isVisible()
    session.viewer.layers.remove(session.roi_layer)
    panel.refresh()
    assert panel.roi.table.isHidden()
    assert "draw" in panel.roi.message().lower()


def test_all_numbers_show_without_scrolling_the_table(panel):
    table = panel.roi.table
    rows = table.verticalHeader().length()
    assert table.viewport().height() >= rows
