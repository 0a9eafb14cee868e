from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

from napari_muscle_us._napari.panels import histogram as module
from napari_muscle_us._napari.panels._histogram_extras import (
    bands_from_text,
    percentiles_from_text,
)
from napari_muscle_us._napari.panels._histogram_fat import FatChoice, fat_of
from napari_muscle_us._napari.panels._histogram_flags import FlagLine
from napari_muscle_us._napari.panels._histogram_later import PAUSE_MS
from napari_muscle_us._napari.panels._histogram_list import ListDialog
from napari_muscle_us._napari.panels._histogram_rows import STATISTICS
from napari_muscle_us._napari.panels.histogram import HistogramPanel
from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.fat_correction import FatCorrection, correct_for_fat
from napari_muscle_us.measure.gray_levels import DEFAULT_BANDS
from napari_muscle_us.measure.standard_error import standard_error_of_mean
from napari_muscle_us.roi.entries import RoiEntry
from napari_muscle_us.roi.open_shapes import Polyline
from napari_muscle_us.rows import measure_rois

from .conftest import square


@pytest.fixture
def panel(viewer, rois, shown):
    return shown(HistogramPanel(viewer))


@pytest.fixture
def ramp(viewer, session, shown):
    """Show a picture with the gray levels 0, 1, … 255, each once."""
    viewer.add_image(np.arange(256, dtype=np.uint8).reshape(16, 16))
    layer = session.new_roi_layer()
    layer.add(square(-0.5, -0.5, 16), shape_type="rectangle")
    return shown(HistogramPanel(viewer))


def column(panel, number=0):
    return [panel._table.text(row, number) for row in range(len(STATISTICS))]


def cells(panel, title, number=0):
    """Return text and tooltip of a row by its title."""
    titles = [row.title for row in panel.rows()]
    row = titles.index(title)
    return panel._table.text(row, number), panel._table.tip(row, number)


def titles(panel):
    return [row.title for row in panel.rows()]


def test_numbers_are_those_of_the_pixels(ramp):
    # Uniform on 0…255: SD with n − 1 is sqrt(256·257/12), kurtosis −6(n²+1)/5(n²−1).
    assert column(ramp) == [
        "256", "127.500", "74.045", "0", "255", "0", "1", "128", "0.0000", "-1.2000",
    ]  # fmt: skip
    assert titles(ramp) == [title for title, _, _ in STATISTICS]


def test_it_follows_an_outline_that_moves(panel, rois, qtbot):
    before = panel.value()[0][1].mean
    rois.data = [rois.data[0] - np.array([60, 0], np.float32)]
    qtbot.waitUntil(lambda: panel.value()[0][1].mean != before)
    assert column(panel)[1] == f"{panel.value()[0][1].mean:.3f}"


def test_a_drag_is_followed_step_by_step(panel, rois, session, qtbot):
    """Every step of a drag ends in the numbers of just that outline."""
    start = rois.data[0].copy()
    for step in range(5):
        moved = start.copy()
        moved[0, 0] -= 5 * step
        rois._data_view.edit(0, moved)
        rois.refresh()
        expected = session.statistics(session.regions()[0]).n
        qtbot.waitUntil(lambda n=expected: panel.value()[0][1].n == n)


def test_all_rois_are_overlaid_on_request(panel, rois, session, qtbot):
    rois.add(square(99.5, 99.5, 10), shape_type="rectangle")
    session.select([0])
    qtbot.waitUntil(lambda: [n for n, _ in panel.value()] == ["BB"])
    panel._all.setChecked(True)
    qtbot.waitUntil(lambda: [n for n, _ in panel.value()] == ["BB", "ROI 1"])
    assert column(panel, 1)[0] == "100"


def test_two_columns_have_their_difference(panel, rois, session, qtbot):
    rois.add(square(99.5, 99.5, 10), shape_type="rectangle")
    panel._all.setChecked(True)
    qtbot.waitUntil(lambda: panel._table.titles() == ["BB", "ROI 1", "b − a"])
    (_, first), (_, second) = panel.value()
    assert column(panel, 2)[:3] == [
        f"{second.n - first.n:+d}",
        f"{second.mean - first.mean:+.3f}",
        f"{second.sd - first.sd:+.3f}",
    ]
    rois.add(square(79.5, 99.5, 10), shape_type="rectangle")
    qtbot.waitUntil(lambda: panel._table.titles() == ["BB", "ROI 1", "ROI 2"])


def test_one_pixel_and_a_constant_region_say_what_is_missing(viewer, session, shown):
    viewer.add_image(np.full((20, 20), 9, np.uint8))
    layer = session.new_roi_layer()
    layer.add(square(4.5, 4.5, 5), shape_type="rectangle")
    layer.add(square(14.5, 14.5, 1), shape_type="rectangle")
    panel = shown(HistogramPanel(viewer))
    panel._all.setChecked(True)
    panel.refresh()
    assert column(panel)[-2:] == ["–", "–"]
    assert "same gray level" in panel._table.tip(8, 0)
    assert column(panel, 1)[2] == "–"
    assert panel._table.tip(2, 1)
    assert column(panel, 2)[2] == "–"


def test_flags_come_when_the_roi_stands_still_and_are_explained(
    viewer, session, shown, qtbot
):
    rgb = np.full((60, 60, 3), 50, np.uint8)
    rgb[10, 10] = (255, 0, 0)
    viewer.add_image(rgb, rgb=True)
    session.new_roi_layer().add(square(4.5, 4.5, 50), shape_type="rectangle")
    panel = shown(HistogramPanel(viewer))
    said = "1 of the pixels are coloured (Doppler, caliper or marker)"
    qtbot.waitUntil(lambda: said in panel._flags.text())
    line = next(line for line in panel._flags.lines() if said in line.text)
    assert line.kind == "note"
    assert "drawn by the scanner" in line.explanation
    labels = [label for label in panel._flags._labels if said in label.text()]
    assert labels[0].toolTip() == line.explanation


def test_lines_are_seen_whole_until_there_are_many(panel):
    panel.resize(420, 800)
    few = [FlagLine("a sentence that needs more than a line of the panel " * 2)] * 2
    panel._flags.set_lines(few)
    QApplication.processEvents()
    assert panel._flags.verticalScrollBar().maximum() == 0
    height = panel._flags.height()
    panel._flags.set_lines(few[:1])
    QApplication.processEvents()
    assert panel._flags.height() < height
    panel._flags.set_lines(few * 10)
    QApplication.processEvents()
    assert panel._flags.verticalScrollBar().maximum() > 0
    assert panel._flags.height() < panel.height() / 4


def test_no_flag_of_another_image_is_shown(panel, viewer, session, qtbot):
    qtbot.waitUntil(lambda: panel._slow.facts(session.image()) is not None)
    viewer.add_image(np.full((50, 50), 200, np.uint8))
    assert panel._slow.facts(session.image()) is None
    panel.refresh()
    assert [line.kind for line in panel._flags.lines()] == ["plain"]


def test_a_region_that_cannot_be_used_is_left_out_and_said(panel, rois, qtbot):
    crossed = np.array([(100, 100), (150, 200), (100, 200), (150, 100)])
    rois.add(crossed, shape_type="polygon")
    panel._all.setChecked(True)
    panel.refresh()
    assert [name for name, _ in panel.value()] == ["BB"]
    assert "cross" in panel._flags.lines()[0].text


def test_without_image_and_without_roi_it_says_what_to_do(viewer, session, shown):
    panel = shown(HistogramPanel(viewer))
    assert "Draw an ROI" in panel._flags.text()
    viewer.layers.clear()
    panel.refresh()
    assert "No image is open" in panel._flags.text()
    assert panel.value() == []


def test_a_hidden_panel_catches_up_when_it_is_shown(panel, rois, qtbot):
    panel.hide()
    before = panel.value()
    rois.data = [rois.data[0] - np.array([60, 0], np.float32)]
    qtbot.wait(60)
    assert panel.value() == before
    panel.show()
    assert panel.value()[0][1].mean != before[0][1].mean


class TestKeeping:
    def test_a_kept_histogram_stays_when_the_roi_moves(self, panel, rois):
        kept = panel.value()[0][1]
        panel.keep()
        rois.data = [rois.data[0] - np.array([60, 0], np.float32)]
        panel.refresh()
        assert panel._table.titles()[1:] == ["BB", "b − a"]
        assert panel._table.titles()[0].startswith("BB · ")
        assert column(panel, 0)[1] == f"{kept.mean:.3f}"
        live = panel.value()[0][1]
        assert column(panel, 2)[1] == f"{live.mean - kept.mean:+.3f}"

    def test_it_tells_the_image_and_outlives_it(self, panel, viewer):
        place = viewer.layers[0].name
        panel.keep()
        viewer.add_image(np.arange(256, dtype=np.uint8).reshape(16, 16))
        panel.refresh()
        assert panel._table.titles() == [f"BB · {place}"]
        assert f"Kept, dashed: BB · {place}" in panel._flags.text()
        assert panel.value() == []

    def test_the_same_is_kept_once_and_cleared(self, panel):
        panel.keep()
        panel.keep()
        assert len(panel._kept) == 1
        panel._on_clear()
        assert panel._table.titles() == ["BB"]

    def test_a_kept_one_is_renamed_by_its_title(self, panel, monkeypatch):
        panel.keep()

        def answer(*_, **__):
            return "visit 1", True

        monkeypatch.setattr(module.QInputDialog, "getText", answer)
        panel._on_title(0)
        panel._on_title(1)
        assert panel._table.titles()[:2] == ["BB · visit 1", "BB"]

    def test_nothing_is_not_kept(self, viewer, shown):
        panel = shown(HistogramPanel(viewer))
        with pytest.raises(MeasureError, match="no histogram yet"):
            panel.keep()

    def test_fat_of_another_image_is_never_used(self, panel, session, rois, viewer):
        """A kept region keeps its own fat, or has none."""
        panel.keep()
        rois.add(square(39.5, 99.5, 20), shape_type="rectangle")
        fat_of(session).choose(region=session.regions()[1].entry.key)
        session.select([0])
        panel.refresh()
        text, tip = cells(panel, "Muscle / fat luminosity", 0)
        assert text == "–"
        assert "when the histogram was kept" in tip
        assert cells(panel, "Muscle / fat luminosity", 1)[0] != "–"


class TestExtras:
    def test_percentiles_bands_entropy(self, ramp, session):
        ramp._extras._heterogeneity.setChecked(True)
        for field in ramp._extras._lists.values():
            field.check.setChecked(True)
        ramp.refresh()
        assert session.options.percentiles == (5, 25, 75, 95)
        assert session.options.bands == DEFAULT_BANDS
        # More than 12.8 and 243.2 of 256 pixels.
        assert cells(ramp, "Percentile 5 (gray level)")[0] == "12"
        assert cells(ramp, "Percentile 95 (gray level)")[0] == "243"
        assert cells(ramp, "EI band 0–50 (%)")[0] == f"{100 * 51 / 256:.2f}"
        assert cells(ramp, "Entropy (bits)")[0] == "8.0000"
        assert cells(ramp, "Echovariation (%)")[0] == f"{100 * 74.0450 / 127.5:.2f}"

    def test_the_mean_without_black_pixels_is_shown_on_request(self, ramp, session):
        ramp._extras._above_black.setChecked(True)
        ramp.refresh()
        assert session.options.above_black
        assert cells(ramp, "Mean without black (Radboud)")[0] == "128.000"

    def test_own_bands_are_typed(self, ramp, session):
        field = ramp._extras._lists["bands"]
        field.text.setText("0-39, 40–255")
        field.check.setChecked(True)
        ramp.refresh()
        assert session.options.bands == ((0, 39), (40, 255))
        assert cells(ramp, "EI band 0–39 (%)")[0] == f"{100 * 40 / 256:.2f}"

    def test_wrong_bands_are_explained_and_show_nothing(self, ramp, session):
        field = ramp._extras._lists["bands"]
        field.check.setChecked(True)
        field.text.setText("0-50, 40-100")
        field.text.editingFinished.emit()
        ramp.refresh()
        assert "overlap" in ramp._extras._message.text()
        assert session.options.bands == ()
        assert titles(ramp) == [title for title, _, _ in STATISTICS]
        field.text.setText("0-50")
        field.text.editingFinished.emit()
        assert ramp._extras._message.text() == ""
        assert session.options.bands == ((0, 50),)

    def test_what_others_set_is_shown(self, ramp, session):
        session.set_options(percentiles=(2.5,), standard_error=True)
        field = ramp._extras._lists["percentiles"]
        assert field.check.isChecked()
        assert field.text.text() == "2.5"
        assert ramp._extras._error.isChecked()

    def test_the_standard_error_comes_after_a_pause(self, panel, session, qtbot):
        panel._extras._error.setChecked(True)
        panel.refresh()
        text, tip = cells(panel, "Mean, standard error")
        assert (text, tip) == ("–", "Computed when the ROI stands still.")
        qtbot.waitUntil(lambda: "±" in cells(panel, "Mean, standard error")[0])
        rows, columns, mask = session.regions()[0].window
        gray = session.image().pixels[rows, columns]
        expected = standard_error_of_mean(gray, mask).value
        assert cells(panel, "Mean, standard error")[0] == f"± {expected:.3f}"

    def test_a_moved_roi_loses_its_standard_error_at_once(self, panel, rois, qtbot):
        panel._extras._error.setChecked(True)
        qtbot.waitUntil(lambda: "±" in cells(panel, "Mean, standard error")[0])
        rois.data = [rois.data[0] - np.array([20, 0], np.float32)]
        panel.refresh()
        assert cells(panel, "Mean, standard error")[0] == "–"

    def test_no_thread_starts_while_the_roi_moves(self, panel, rois, qtbot):
        qtbot.waitUntil(lambda: panel._slow._prepared)
        panel._extras._error.setChecked(True)
        for _ in range(4):
            rois.data = [rois.data[0] - np.array([1, 0], np.float32)]
            panel.refresh()
            qtbot.wait(PAUSE_MS // 3)
            assert not panel._slow._running

    @pytest.mark.parametrize(
        ("text", "match"),
        [("5; x", "'x' is no number"), ("101", "not possible"), ("", "type some")],
    )
    def test_wrong_percentiles(self, text, match):
        with pytest.raises(MeasureError, match=match):
            percentiles_from_text(text)

    @pytest.mark.parametrize(
        ("text", "match"),
        [("0_50", "not LOW-HIGH"), ("9-300", "not possible"), (" , ", "type some")],
    )
    def test_wrong_bands(self, text, match):
        with pytest.raises(MeasureError, match=match):
            bands_from_text(text)


@pytest.fixture
def line(session, rois):
    """Add a line of 40 px straight down, and select the muscle again."""
    spacing = session.image().spacing_mm
    fat_line = Polyline([(20, 100), (60, 100)], name="Depth", kind="line")
    entry = RoiEntry(fat_line)
    session.rois.apply([*session.rois.entries(), entry], "add line")
    session.select([0])
    return entry.key, 40 * spacing[0] / 10


class TestFat:
    def test_it_is_off_until_asked_for(self, panel, session):
        assert session.options.fat is None
        assert session.options.fat_roi is None
        assert fat_of(session).choice == FatChoice()

    def test_a_typed_thickness_stands_beside_the_raw_mean(self, panel, session):
        panel._fat_box.changed.emit({"thickness": "typed"})
        assert session.options.fat is None
        panel._fat_box._cm.setValue(0.8)
        panel.refresh()
        assert session.options.fat == FatCorrection(0.8)
        mean = panel.value()[0][1].mean
        assert cells(panel, "Mean = EI (gray level)")[0] == f"{mean:.3f}"
        young = correct_for_fat(mean, 0.8, model="young2015")
        text, tip = cells(panel, "EI, fat-corrected (Young 2015)")
        assert text == f"{young:.3f}"
        assert "0.800 cm" in tip
        assert "40.5278" in tip

    def test_the_slope_and_the_models_are_the_users(self, panel, session):
        box = panel._fat_box
        box.changed.emit({"thickness": "typed"})
        box._cm.setValue(1.0)
        box._slope.setValue(30.0)
        box._models["muller2021"].setChecked(False)
        panel.refresh()
        mean = panel.value()[0][1].mean
        assert titles(panel)[len(STATISTICS) :] == ["EI, fat-corrected (Young 2015)"]
        assert cells(panel, "EI, fat-corrected (Young 2015)")[0] == f"{mean + 30:.3f}"
        box._published.click()
        assert session.options.fat.slope == 40.5278

    def test_the_results_get_the_same(self, panel, session):
        panel._fat_box.changed.emit({"thickness": "typed", "typed_cm": 0.8})
        rows = measure_rois(
            session.image(), [session.regions()[0].roi], options=session.options
        )
        panel.refresh()
        row = rows[rows["measure"] == "intensity.mean_fat_young2015"].iloc[0]
        shown = cells(panel, "EI, fat-corrected (Young 2015)")[0]
        assert shown == f"{row['value']:.3f}"
        assert json.loads(row["method"])["thickness_cm"] == 0.8

    def test_a_line_measures_and_is_followed_without_a_panel(
        self, panel, session, rois, line
    ):
        key, cm = line
        panel._fat_box.changed.emit({"thickness": key})
        assert session.options.fat.thickness_cm == pytest.approx(cm, rel=1e-6)
        assert session.options.fat.measured_with == "line"
        panel.hide()
        longer = rois.data[1].copy()
        longer[1, 0] += 10
        rois._data_view.edit(1, longer)
        rois.refresh()
        # What napari does at each step of a drag.
        rois.events.data(value=rois.data, action="changing", data_indices=(1,))
        assert session.options.fat.thickness_cm == pytest.approx(50 * cm / 40, rel=1e-6)

    def test_a_deleted_line_ends_the_correction_and_is_said(self, panel, session, line):
        panel._fat_box.changed.emit({"thickness": line[0]})
        session.remove([1])
        panel.refresh()
        assert session.options.fat is None
        assert "line of the fat thickness is gone" in panel._fat_box._message.text()

    def test_a_line_needs_the_size_of_a_pixel(self, panel, session, line):
        session.calibrate(None)
        panel._fat_box.changed.emit({"thickness": line[0]})
        panel.refresh()
        assert session.options.fat is None
        assert "size of a pixel" in panel._fat_box._message.text()

    def test_another_image_begins_without(self, panel, session, viewer, rois):
        first = session.image_layer
        panel._fat_box.changed.emit({"thickness": "typed", "typed_cm": 0.8})
        second = viewer.add_image(np.full((50, 50), 80, np.uint8))
        assert session.image_layer is second
        assert session.options.fat is None
        session.use_image(first)
        assert session.options.fat == FatCorrection(0.8)

    def test_luminosity_ratio_and_shared_pixels(self, viewer, session, shown):
        gray = np.full((60, 60), 60, np.uint8)
        gray[:20] = 120
        viewer.add_image(gray)
        layer = session.new_roi_layer()
        layer.add(square(29.5, 4.5, 20), shape_type="rectangle")
        layer.add(square(4.5, 4.5, 10), shape_type="rectangle")
        panel = shown(HistogramPanel(viewer))
        panel._all.setChecked(True)
        panel._fat_box.changed.emit({"region": session.regions()[1].entry.key})
        panel.refresh()
        assert cells(panel, "Muscle / fat luminosity", 0) == ("0.5000", "")
        text, tip = cells(panel, "Muscle / fat luminosity", 1)
        assert text == "–"
        assert "fat itself" in tip
        layer.data = [layer.data[0] - np.array([20, 0], np.float32), layer.data[1]]
        panel.refresh()
        # Rows 10 … 14 of 10 columns lie in both.
        said = "50 of the pixels lie in the fat region too"
        assert said in panel._flags.text()

    def test_a_dragged_line_leaves_the_region_shown(self, panel, session, line):
        session.select([1])
        panel.refresh()
        assert [name for name, _ in panel.value()] == ["BB"]

    def test_choosers_offer_regions_and_lines(self, panel, session, rois, line):
        panel.refresh()
        region, thickness = panel._fat_box._region, panel._fat_box._thickness
        assert [region.itemText(i) for i in range(region.count())] == ["none", "BB"]
        offered = [thickness.itemText(i) for i in range(thickness.count())]
        assert offered == ["off: no correction", "typed", "line Depth"]

    def test_what_is_typed_survives_a_refresh(self, panel, session):
        panel._fat_box.changed.emit({"thickness": "typed"})
        panel.refresh()
        edit = panel._fat_box._cm.lineEdit()
        edit.setText("1. cm")
        panel.refresh()
        assert edit.text() == "1. cm"


class TestSaving:
    def test_saving_the_counts_gives_all_levels(self, panel, tmp_path):
        path = tmp_path / "counts.csv"
        panel.save_csv(str(path))
        rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
        assert rows[0] == ["gray_level", "BB"]
        counts = [int(row[1]) for row in rows[1:]]
        assert counts == panel.value()[0][1].histogram.tolist()

    def test_kept_ones_are_saved_too(self, panel, rois, tmp_path):
        kept = panel.value()[0][1].histogram.tolist()
        panel.keep()
        rois.data = [rois.data[0] - np.array([60, 0], np.float32)]
        panel.refresh()
        path = tmp_path / "counts.csv"
        panel.save_csv(str(path))
        rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
        assert rows[0] == ["gray_level", *panel._table.titles()[:2]]
        assert [int(row[1]) for row in rows[1:]] == kept
        live = panel.value()[0][1].histogram.tolist()
        assert [int(row[2]) for row in rows[1:]] == live

    @pytest.mark.parametrize(
        ("suffix", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml")]
    )
    def test_saving_the_plot(self, panel, tmp_path, suffix, magic):
        path = tmp_path / f"plot.{suffix}"
        panel.save_plot(str(path))
        assert path.read_bytes().startswith(magic)
        assert [p.name for p in tmp_path.iterdir()] == [path.name]

    def test_copying_gives_numbers_and_counts(self, panel, notes):
        panel._copy()
        lines = QApplication.clipboard().text().split("\n")
        assert lines[0] == "\tBB"
        assert lines[1] == f"N (pixels)\t{panel.value()[0][1].n}"
        assert len(lines) == 1 + len(STATISTICS) + 256

    def test_copying_two_gives_the_difference(self, panel, rois, session, notes):
        rois.add(square(99.5, 99.5, 10), shape_type="rectangle")
        panel._all.setChecked(True)
        panel.refresh()
        panel._copy()
        lines = QApplication.clipboard().text().split("\n")
        (_, first), (_, second) = panel.value()
        values = [float(text) for text in lines[2].split("\t")[1:]]
        assert values == [first.mean, second.mean, second.mean - first.mean]

    def test_a_name_is_no_formula(self, panel, session, notes):
        session.edit(0, name="=1+1")
        panel.refresh()
        panel._copy()
        assert "\t=1+1" not in QApplication.clipboard().text()

    def test_the_list_holds_the_counts(self, panel, notes, qtbot):
        panel._on_list()
        (dialog,) = panel.findChildren(ListDialog)
        model = dialog.view.model()
        counts = panel.value()[0][1].histogram
        shown = [model.data(model.index(level, 1)) for level in range(256)]
        assert shown == counts.tolist()
        dialog.copy()
        lines = QApplication.clipboard().text().split("\n")
        assert lines[0] == "gray_level\tBB"
        assert lines[101] == f"100\t{counts[100]}"
        dialog.close()

    def test_saving_nothing_is_refused(self, viewer, shown, notes):
        panel = shown(HistogramPanel(viewer))
        panel._copy()
        assert notes == ["There is no histogram yet; draw an ROI on the muscle."]

    def test_an_unwritable_folder_is_said(self, panel, tmp_path, notes):
        from napari_muscle_us._napari.panels._widgets import report

        assert not report(lambda: panel.save_csv(str(tmp_path / "no" / "counts.csv")))
        assert "cannot be written" in notes[0]


def test_no_number_is_hidden_in_the_narrowest_dock(panel, rois, session, qtbot):
    """With six columns a bar scrolls; none is narrower than its number."""
    for top in (79.5, 99.5, 119.5, 139.5, 159.5):
        rois.add(square(top, 99.5, 10), shape_type="rectangle")
    panel._all.setChecked(True)
    panel.resize(420, 800)
    panel.refresh()
    QApplication.processEvents()
    table = panel._table
    metrics = table.fontMetrics()
    for number in range(6):
        for text in column(panel, number):
            assert metrics.horizontalAdvance(text) + 6 <= table.columnWidth(number)
    assert table.horizontalScrollBar().maximum() > 0
    last = table.model().index(table.model().rowCount() - 1, 0)
    assert table.viewport().rect().contains(table.visualRect(last))
