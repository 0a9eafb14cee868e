"""The box of the field's rules: what is ticked is what is checked and said."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from napari.layers import Labels

import napari_muscle_us as mus
from napari_muscle_us._napari import _frame_facts, _roi_edits
from napari_muscle_us._napari._fascia_layer import FASCIA_NAME
from napari_muscle_us._napari._frame_facts import facts_of, look_at
from napari_muscle_us._napari.panels._roi_rules import RulesBox, lines_of
from napari_muscle_us._napari.panels._widgets import PANEL_WIDTH
from napari_muscle_us.image import Calibration, UltrasoundImage
from napari_muscle_us.measure import quality
from napari_muscle_us.measure.standard_error import standard_error_of_mean
from napari_muscle_us.roi.fascia import fascia_guide
from napari_muscle_us.roi.rules import RoiRules

SPACING = (0.1, 0.2)
ROI = mus.Rectangle(23, 40, 100, 200, name="VL")


def picture(*, fascia=True):
    """Return speckle of 3 × 3 px with a bright line along the upper border of ROI."""
    rng = np.random.default_rng(1)
    gray = rng.normal(60, 15, (70, 100)).repeat(3, axis=0).repeat(3, axis=1)
    if fascia:
        gray[20:26] = 220
    return np.clip(gray, 0, 255).astype(np.uint8)


@pytest.fixture
def layer(viewer, session):
    """Return the only image, of a known size."""
    viewer.layers.clear()
    image = UltrasoundImage(
        picture(), name="scan", digest="2" * 64, calibration=Calibration(SPACING, "t")
    )
    return session.add_image(image)


@pytest.fixture
def box(layer, session, shown):
    _roi_edits.add(session, [ROI], "adding")
    return shown(RulesBox(session))


def said(box, qtbot, words):
    """Wait until something is said, and return all that is."""
    qtbot.waitUntil(
        lambda: any(words in line for line in box.lines()) and box._findings.isEnabled()
    )
    return box.lines()


def test_every_rule_is_off_until_ticked(box, session):
    assert session.options.rules is None
    assert box.value() == RoiRules()


def largest(fields):
    fields._largest.setChecked(True)
    return RoiRules(largest_muscle_area=True)


def inner(fields):
    fields._inner.setChecked(True)
    return RoiRules(inner_lateral=0.7)


def fixed(fields):
    fields._box.setChecked(True)
    fields._height.setValue(8)
    return RoiRules(fixed_box_mm=(8, 20))


def area(fields):
    fields._area.setChecked(True)
    fields._least.setValue(450)
    return RoiRules(min_area_mm2=450)


def pixels(fields):
    fields._pixels.setChecked(True)
    fields._count.setValue(20_001)
    return RoiRules(min_pixels=20_001)


@pytest.mark.parametrize("tick", [largest, inner, fixed, area, pixels])
def test_a_ticked_rule_holds_and_is_checked(box, session, qtbot, tick):
    expected = tick(box._fields)
    assert session.options.rules == expected
    (found,) = look_at(session.image(), session.regions(), expected)
    assert len(found.broken) == 1
    words = found.broken[0]
    text = f"⚠ {words[0].upper()}{words[1:]}."
    assert text in said(box, qtbot, words[1:])


def test_a_kept_rule_is_said_and_a_cleared_one_forgotten(box, session, qtbot):
    box._fields._pixels.setChecked(True)
    said(box, qtbot, "No broken rule was found.")
    box._fields._pixels.setChecked(False)
    assert session.options.rules is None
    qtbot.waitUntil(lambda: "No broken rule was found." not in box.lines())


def test_rules_set_elsewhere_are_shown(box, session):
    rules = RoiRules(inner_lateral=0.6, fixed_box_mm=(5, 7.5), min_pixels=99)
    session.set_options(rules=rules)
    assert box._fields.value() == rules
    session.set_options(rules=None)
    assert box._fields.value() == RoiRules()
    # A number is not forgotten with its tick.
    assert box._fields.box_mm == (5, 7.5)


def test_a_second_box_shows_the_session_s_rules(box, session, shown):
    box._fields._inner.setChecked(True)
    assert shown(RulesBox(session))._fields.value() == RoiRules(inner_lateral=0.7)


def test_the_standard_error_and_what_twice_the_area_buys(box, session, qtbot):
    (line,) = said(box, qtbot, "standard error")[:1]
    gray = session.image().pixels[23:123, 40:240]
    error = standard_error_of_mean(gray, np.ones(gray.shape, bool))
    assert line == (
        f"VL: EI {gray.mean():.1f} {_two(error.value)} (standard error, about "
        f"{error.n_effective:.0f} independent speckles); twice the area would give "
        f"{_two(error.value / np.sqrt(2))}."
    )


def _two(value):
    return f"± {value:.2f}" if value < 1 else f"± {value:.1f}"


def test_flags_are_explained(box, session, qtbot):
    session.rois.change([0], lambda e: _moved(e, mus.Rectangle(60, 60, 20, 20)), "x")
    lines = said(box, qtbot, "pixels only")
    label = box._labels[lines.index("⚠ The ROI holds 400 pixels only.")]
    assert "independent" in label.toolTip()


def _moved(entry, roi):
    from dataclasses import replace

    return replace(entry, roi=roi)


def test_numbers_of_an_outline_that_moved_are_grey_until_found_anew(
    box, session, qtbot
):
    before = said(box, qtbot, "standard error")
    _roi_edits.move(session, 30, 0)
    assert not box._findings.isEnabled()
    qtbot.waitUntil(box._findings.isEnabled)
    assert box.lines()[0] != before[0]


def test_a_drag_is_not_slowed(box, session, qtbot, monkeypatch):
    said(box, qtbot, "standard error")
    looked = []
    monkeypatch.setattr(box, "refresh", lambda: looked.append(1))
    for _ in range(20):
        session.rois_changed.emit()
    assert looked == []


def test_what_changes_during_the_work_is_looked_at_again(box, session, qtbot):
    said(box, qtbot, "standard error")
    box.refresh()
    assert box._worker is not None
    _roi_edits.move(session, 30, 0)
    box.refresh()
    qtbot.waitUntil(lambda: box._worker is None and box._findings.isEnabled())
    mean = session.image().pixels[53:153, 40:240].mean()
    assert f"EI {mean:.1f}" in box.lines()[0]


def test_at_most_four_regions_are_told(box, session, qtbot):
    boxes = [mus.Rectangle(60, 20 * n, 50, 50, name=f"R{n}") for n in range(5)]
    _roi_edits.add(session, boxes, "adding")
    session.select([])
    lines = said(box, qtbot, "2 more ROIs")
    assert sum("standard error" in line for line in lines) == 4


def test_no_region_and_no_image_are_said(viewer, session, shown, qtbot):
    box = shown(RulesBox(session))
    said(box, qtbot, "Draw an ROI")
    viewer.layers.clear()
    said(box, qtbot, "No image is open")


class TestClipAndPlace:
    def test_clip_keeps_the_inner_share(self, box, session, qtbot):
        box._fields._share.setValue(50)
        box.clip()
        (region,) = session.regions()
        assert (region.window.columns.start, region.window.columns.stop) == (75, 225)
        assert session.rois.undo_label == "clipping VL"

    def test_nothing_selected_is_refused(self, box, session, notes):
        session.select([])
        box.clip()
        assert "No ROI is selected" in notes[0]

    def test_a_placed_box_has_the_size_and_breaks_no_rule(self, box, session, qtbot):
        box._fields._box.setChecked(True)
        box.place()
        roi = session.regions()[1].roi
        assert (roi.height, roi.width) == (100, 100)
        middle = (roi.top + 50, roi.left + 50)
        bounds = facts_of(session.image()).field.bounds
        field = (sum(bounds[:2]) - 1) / 2, (sum(bounds[2:]) - 1) / 2
        assert middle == pytest.approx(field)
        assert session.selected() == [1]
        said(box, qtbot, "No broken rule was found.")

    def test_where_one_looks_the_box_is_placed(self, box, session, viewer):
        viewer.scene.camera.center = (0.0, 100 * SPACING[0], 130 * SPACING[1])
        box.place()
        roi = session.regions()[1].roi
        assert (roi.top + 50, roi.left + 50) == pytest.approx((100, 130))

    def test_a_box_beyond_the_view_is_placed_inside(self, box, session, viewer):
        viewer.scene.camera.center = (0.0, -100.0, 500.0)
        box.place()
        roi = session.regions()[1].roi
        assert (roi.top, roi.left + roi.width) == (-0.5, 299.5)

    def test_without_a_scale_it_is_refused(self, box, session, notes):
        session.calibrate(None)
        box.place()
        assert "no scale" in notes[0]
        assert len(session.regions()) == 1


class TestShowWhere:
    def marks(self, viewer):
        return next((x for x in viewer.layers if x.name == FASCIA_NAME), None)

    @pytest.fixture
    def on(self, box, viewer, qtbot):
        box._where.setChecked(True)
        qtbot.waitUntil(lambda: self.marks(viewer).data.any())
        return self.marks(viewer)

    def test_the_bright_border_is_marked_where_it_lies(self, on, session, layer):
        region = session.regions()[0]
        guide = fascia_guide(
            picture(), region.roi, region.window, spacing_mm=session.image().spacing_mm
        )
        assert on.data[region.window.rows, region.window.columns].sum() == (
            guide.border_mask.sum()
        )
        rows = np.flatnonzero(on.data.any(axis=1))
        assert rows[0] == 23
        np.testing.assert_allclose(on.scale, layer.scale)
        assert tuple(map(str, on.units)) == ("millimeter", "millimeter")

    def test_it_is_neither_measured_nor_a_region(self, on, session, viewer, layer):
        active = viewer.layers.selection.active
        assert active is session.roi_layer
        viewer.layers.selection.active = on
        assert isinstance(on, Labels)
        assert session.image_layer is layer
        assert len(session.regions()) == 1
        assert session.regions()[0].name == "VL"

    def test_a_region_that_moved_loses_its_marks_at_once(
        self, on, session, viewer, qtbot
    ):
        _roi_edits.move(session, 30, 0)
        assert not on.data.any()

    def test_it_goes_when_switched_off(self, on, box, viewer):
        box._where.setChecked(False)
        assert self.marks(viewer) is None

    def test_a_layer_the_user_deleted_switches_it_off(self, on, box, viewer, qtbot):
        viewer.layers.remove(on)
        box.refresh_soon()
        qtbot.waitUntil(lambda: not box._where.isChecked())

    def test_it_follows_to_another_image(self, on, box, session, viewer, qtbot):
        other = UltrasoundImage(picture()[:180, :240], name="b", digest="3" * 64)
        session.add_image(other)
        qtbot.waitUntil(lambda: self.marks(viewer).data.shape == (180, 240))
        assert tuple(self.marks(viewer).scale) == (1, 1)


def test_it_fits_the_narrowest_panel(box):
    assert box.minimumSizeHint().width() <= PANEL_WIDTH


class TestFacts:
    @pytest.fixture
    def prepared(self, monkeypatch):
        """Count how often a frame is looked at."""
        images = []
        prepare = quality.prepare

        def counted(image):
            images.append(image)
            return prepare(image)

        monkeypatch.setattr(quality, "prepare", counted)
        return images

    def test_a_frame_is_looked_at_once(self, prepared):
        image = UltrasoundImage(picture(), name="a", digest="4" * 64)
        assert facts_of(image) is facts_of(image)
        assert len(prepared) == 1

    def test_another_scale_is_the_same_picture_another_part_not(self, prepared):
        from dataclasses import replace

        image = UltrasoundImage(picture(), name="a", digest="4" * 64)
        facts = facts_of(image)
        assert facts_of(replace(image, calibration=Calibration(SPACING, "t"))) is facts
        part = Calibration(SPACING, "t", region=(0, 200, 10, 280))
        assert facts_of(replace(image, calibration=part)) is not facts

    def test_nothing_is_kept_of_a_picture_that_is_gone(self):
        gc.collect()
        before = set(_frame_facts._kept)
        image = UltrasoundImage(picture(), name="a", digest="4" * 64)
        facts_of(image)
        assert set(_frame_facts._kept) - before
        del image
        gc.collect()
        assert not set(_frame_facts._kept) - before

    def test_a_clip_that_plays_does_not_fill_the_memory(self):
        gray = picture()
        images = [UltrasoundImage(gray + np.uint8(n), "a", "5" * 64) for n in range(12)]
        for image in images:
            facts_of(image)
        assert len(_frame_facts._kept) <= 8
        assert facts_of(images[-1]) is facts_of(images[-1])


def test_a_region_that_cannot_be_looked_at_says_why(session, box):
    found = _frame_facts.RegionFindings("VL", problem="Too small.")
    assert lines_of(found, RoiRules()) == [("Too small.", True, "")]


def test_no_standard_error_is_said_with_its_reason(layer, session):
    _roi_edits.add(session, [mus.Rectangle(60, 60, 9, 9, name="S")], "adding")
    (found,) = look_at(session.image(), session.regions(), RoiRules())
    text = lines_of(found, RoiRules())[0][0]
    assert text.startswith(f"S: EI {found.mean:.1f}, without a standard error: the ROI")
