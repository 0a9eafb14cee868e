from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QPushButton

import napari_muscle_us as mus
from napari_muscle_us._napari import _roi_edits
from napari_muscle_us._napari.panels.results import ResultsPanel
from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.gray_levels import DEFAULT_BANDS, percentile
from napari_muscle_us.measure.intensity import measure_intensity
from napari_muscle_us.reference.load import DEFAULT_SET
from napari_muscle_us.reference.subject import Subject
from napari_muscle_us.results import BASE_MEASURES, COLUMNS

from .conftest import square

HORIZONTAL = Qt.Orientation.Horizontal


@pytest.fixture
def panel(viewer, rois, shown, session):
    session.set_subject(Subject(40, "male", 180, 80), DEFAULT_SET, accept_device=False)
    return shown(ResultsPanel(viewer))


def test_measuring_adds_every_measure_of_the_region(panel, session, sample):
    panel.measure()
    rows = session.results
    assert rows["measure"].tolist() == list(BASE_MEASURES)
    mask = mus.roi_mask(mus.Polygon(sample.muscle_outline), sample.gray.shape)
    values = rows.set_index("measure")["value"]
    assert values["intensity.mean"] == pytest.approx(
        sample.gray[mask].mean(), rel=1e-12
    )
    reference = mus.load_reference(DEFAULT_SET)
    z = reference.z_score(
        "Biceps brachii",
        echo_intensity=sample.gray[mask].mean(),
        age_years=40,
        weight_kg=80,
    ).z
    assert values["z_score.echo_intensity"] == pytest.approx(z, rel=1e-9)


def test_rows_accumulate_and_all_can_be_measured(panel, rois, session):
    panel.measure()
    rois.add(square(99.5, 99.5, 10), shape_type="rectangle")
    panel.measure(everything=True)
    assert session.results["roi"].value_counts().to_dict() == {"BB": 22, "ROI 1": 10}


def test_measuring_writes_echo_intensity_beside_the_outline(panel, rois, session):
    panel.measure()
    mean = session.results.set_index("measure")["value"]["intensity.mean"]
    assert rois.features["shown"].tolist() == [f"BB\nEI {mean:.1f}"]


def test_one_bad_region_adds_no_row_at_all(panel, rois, session):
    rois.add(square(-500, -500, 10), shape_type="rectangle")
    with pytest.raises(MeasureError, match="outside the image"):
        panel.measure(everything=True)
    assert not session.has_results


def test_a_z_score_that_cannot_be_given_is_a_row_with_its_reason(panel, session):
    session.edit(0, muscle="Plantaris")
    panel.measure()
    row = session.results.set_index("measure").loc["z_score.echo_intensity"]
    assert math.isnan(row["value"])
    assert "'Plantaris' is not in the reference set" in row["note"]
    assert len(session.results) == 11


def test_no_z_score_is_tried_for_a_person_nobody_described(panel, session):
    session.set_subject(Subject(), DEFAULT_SET, accept_device=False)
    panel.measure()
    assert "z_score.echo_intensity" not in set(session.results["measure"])


def test_a_spacing_set_by_hand_is_verified_too(panel, session, viewer, tmp_path):
    viewer.layers[0].scale = (0.2, 0.1)
    panel.measure()
    rows = session.results.set_index("measure")
    inside = mus.Polygon(mus.simulate_muscle("transverse_healthy").muscle_outline)
    assert rows["value"]["roi.area"] == pytest.approx(inside.area_px * 0.02, rel=1e-6)
    assert all(c.same for c in mus.verify_results(session.results, tmp_path))


def test_a_formula_in_a_name_is_copied_as_text(panel, session, notes):
    session.edit(0, name="=cmd")
    panel.measure()
    panel._on_copy()
    assert "\t'=cmd\t" in QApplication.clipboard().text()


def test_saved_rows_are_verified(panel, session, tmp_path):
    panel._subject.setText("P01")
    panel._visit.setText("baseline")
    panel.measure()
    path = tmp_path / "results.csv"
    panel.save(str(path))
    table = mus.read_results(path)
    assert list(table.columns) == list(COLUMNS)
    assert set(table["subject"]) == {"P01"}
    assert all(check.same for check in mus.verify_results(table, tmp_path))


def test_an_empty_table_is_not_saved(panel, tmp_path):
    with pytest.raises(MeasureError, match="table is empty"):
        panel.save(str(tmp_path / "results.csv"))
    assert list(tmp_path.iterdir()) == []


def test_no_roi_is_said(viewer, shown):
    with pytest.raises(MeasureError, match="There is no ROI"):
        shown(ResultsPanel(viewer)).measure()


def test_removing_rows_leaves_the_others(panel, session):
    panel.measure()
    panel._view.selectRow(0)
    panel._on_remove()
    assert session.results["measure"].tolist() == list(BASE_MEASURES)[1:]


def test_copying_gives_the_whole_table(panel, session, notes):
    panel.measure()
    panel._on_copy()
    lines = QApplication.clipboard().text().strip().split("\n")
    assert lines[0].split("\t") == list(COLUMNS)
    assert len(lines) == 12


def test_two_panels_show_the_same_rows(viewer, panel, shown):
    other = shown(ResultsPanel(viewer))
    panel.measure()
    assert other._model.rowCount() == panel._model.rowCount() == 11


def test_pixels_edited_behind_napari_s_back_are_measured(viewer, session, shown):
    pixels = np.full((40, 40), 10, np.uint8)
    viewer.add_image(pixels)
    session.new_roi_layer().add(square(9.5, 9.5, 10), shape_type="rectangle")
    panel = shown(ResultsPanel(viewer))
    panel.measure()
    pixels[:] = 90
    panel.measure()
    rows = session.results[session.results["measure"] == "intensity.mean"]
    assert rows["value"].tolist() == [10, 90]
    assert rows["image_sha256"].nunique() == 2


def values_of(session):
    return session.results.set_index("measure")["value"]


def column_of(panel, title):
    header = [panel._model.headerData(i, HORIZONTAL) for i in range(12)]
    place = header.index(title)
    rows = range(panel._model.rowCount())
    return [panel._model.data(panel._model.index(row, place)) for row in rows]


def line(session, kind="line"):
    corners = [(10.0, 10.0), (40.0, 50.0), (60.0, 10.0)][: 3 if kind == "angle" else 2]
    roi = mus.Polyline(corners, kind=kind, name="L1")
    _roi_edits.add(session, [roi], "adding L1")


def test_the_boxes_add_rows_whose_values_are_those_of_the_pixels(
    panel, session, sample
):
    for box in (
        panel._options._percentiles,
        panel._options._bands,
        panel._options._heterogeneity,
        panel._options._above_black,
        panel._options._standard_error,
    ):
        box.click()
    panel.measure()
    mask = mus.roi_mask(mus.Polygon(sample.muscle_outline), sample.gray.shape)
    inside = sample.gray[mask].astype(float)
    stats = measure_intensity(sample.gray, mask)
    rows = session.results
    levels = rows[rows["measure"] == "intensity.percentile"]["value"].tolist()
    assert levels == [percentile(stats.histogram, q) for q in (5, 25, 75, 95)]
    shares = rows[rows["measure"] == "intensity.band"]["value"].tolist()
    naive = [((inside >= a) & (inside <= b)).mean() * 100 for a, b in DEFAULT_BANDS]
    np.testing.assert_allclose(shares, naive, rtol=1e-12)
    spread = 100 * inside.std(ddof=1) / inside.mean()
    assert values_of(session)["intensity.echovariation"] == pytest.approx(spread)
    above = inside[inside > 0].mean()
    assert values_of(session)["intensity.mean_above_black"] == pytest.approx(above)
    assert values_of(session)["intensity.standard_error"] > 0
    labels = column_of(panel, "measure")
    assert [t for t in labels if t[1:].isdigit()] == ["P5", "P25", "P75", "P95"]
    assert "Band 51–100" in labels


def test_what_is_typed_is_measured(panel, session):
    panel._options._percentages.setText("5; 97.5")
    panel._options._percentiles.click()
    assert session.options.percentiles == (5.0, 97.5)
    panel._options._percentages.setText("50")
    panel._options._percentages.editingFinished.emit()
    assert session.options.percentiles == (50.0,)
    panel._options._percentiles.click()
    assert session.options.percentiles == ()
    assert panel._options._percentages.text() == "50"


@pytest.mark.parametrize(
    ("text", "said"),
    [("ten", "'ten' is no number"), ("120", "120"), (" , ", "There is no percentage")],
    ids=["word", "too high", "nothing"],
)
def test_a_percentage_that_is_none_is_refused(panel, session, notes, text, said):
    panel._options._percentages.setText(text)
    panel._options._percentiles.click()
    assert said in notes[0]
    assert session.options.percentiles == ()
    assert not panel._options._percentiles.isChecked()


def test_bands_that_overlap_are_refused_and_the_old_ones_stay(panel, session, notes):
    panel._options._bands.click()
    panel._options._limits.setText("0-60, 50-100")
    panel._options._limits.editingFinished.emit()
    assert "overlap" in notes[0]
    assert session.options.bands == DEFAULT_BANDS
    assert panel._options._limits.text().startswith("0-50, 51-100")


def test_options_set_elsewhere_are_shown_and_not_set_back(panel, session):
    heard = []
    session.options_changed.connect(lambda: heard.append(1))
    session.set_options(percentiles=(1, 99), heterogeneity=True, quality=False)
    options = panel._options
    assert options._percentiles.isChecked()
    assert options._percentages.text() == "1, 99"
    assert options._heterogeneity.isChecked()
    assert not options._quality.isChecked()
    assert heard == [1]


def test_the_mean_without_black_pixels_leaves_them_out(panel, session, viewer):
    gray = np.full((60, 60), 90, np.uint8)
    gray[::3] = 0
    viewer.add_image(gray)
    session.new_roi_layer().add(square(9.5, 9.5, 30), shape_type="rectangle")
    assert "Radboud" in panel._options._above_black.toolTip()
    panel._options._above_black.click()
    assert session.options.above_black
    panel.measure(everything=True)
    assert values_of(session)["intensity.mean"] == 60
    assert values_of(session)["intensity.mean_above_black"] == 90
    session.set_options(above_black=False)
    assert not panel._options._above_black.isChecked()


def test_quality_notes_are_written_unless_they_are_off(panel, session, viewer):
    white = np.full((60, 60), 255, np.uint8)
    viewer.add_image(white)
    session.new_roi_layer().add(square(9.5, 9.5, 30), shape_type="rectangle")
    panel.measure(everything=True)
    noted = session.results.iloc[1]["note"]
    session.set_options(quality=False)
    panel.measure(everything=True)
    plain = session.results.iloc[-9]["note"]
    assert session.results.iloc[-9]["measure"] == "intensity.mean"
    assert len(noted) > len(plain)


def test_the_note_of_the_selected_row_is_shown_whole(panel, session):
    session.edit(0, muscle="Plantaris")
    panel.measure()
    row = session.results["measure"].tolist().index("z_score.echo_intensity")
    panel._view.selectRow(row)
    assert panel._note.text() == session.results.iloc[row]["note"]
    panel._view.clearSelection()
    assert panel._note.isHidden()


def test_measure_all_skips_a_line_and_names_it(panel, session):
    line(session)
    panel.measure(everything=True)
    assert set(session.results["roi"]) == {"BB"}
    assert "ROI 'L1' is a line" in panel._message.text()
    panel.measure(everything=True)
    session.set_results(session.results.iloc[:3])
    assert "L1" not in panel._message.text()


@pytest.mark.parametrize(
    ("kind", "said"),
    [("line", "is a line: it has a length"), ("angle", "is an angle: it has a size")],
)
def test_a_line_by_itself_is_refused_with_what_it_has(panel, session, kind, said):
    line(session, kind)
    session.select([1])
    with pytest.raises(MeasureError, match=said):
        panel.measure()
    assert not session.has_results


def test_two_panels_share_subject_code_and_visit(viewer, panel, shown, session):
    other = shown(ResultsPanel(viewer))
    other._subject.setText("P07 ")
    assert panel._subject.text() == "P07"
    panel.measure()
    assert set(session.results["subject"]) == {"P07"}


def test_rows_keep_the_order_of_the_rois_with_and_without_muscle(panel, rois, session):
    rois.add(square(99.5, 99.5, 10), shape_type="rectangle")
    rois.add(square(149.5, 99.5, 10), shape_type="rectangle")
    session.edit(2, name="C", muscle="Biceps brachii")
    panel.measure(everything=True)
    assert session.results["roi"].drop_duplicates().tolist() == ["BB", "ROI 1", "C"]
    has_z = session.results[session.results["measure"].str.startswith("z_score")]
    assert has_z["roi"].tolist() == ["BB", "C"]


def test_what_takes_long_is_measured_in_the_background(panel, session, qtbot):
    session.set_options(standard_error=True)
    panel._on_measure_all()
    assert panel._waiting.isVisible()
    assert not session.has_results
    qtbot.waitUntil(lambda: session.has_results)
    assert not panel._waiting.isVisible()
    found = session.results.drop(columns="measured_at")
    session.set_results(session.results.iloc[:0])
    panel.measure(everything=True)
    pd.testing.assert_frame_equal(found, session.results.drop(columns="measured_at"))


def test_cancelling_adds_no_row(panel, session, qtbot):
    session.set_options(standard_error=True)
    panel._on_measure()
    panel._waiting.findChild(QPushButton).click()
    assert not panel._waiting.isVisible()
    qtbot.wait(200)
    assert not session.has_results


def test_an_roi_that_moves_meanwhile_gets_no_number_beside_it(
    panel, rois, session, qtbot
):
    session.set_options(standard_error=True)
    panel._on_measure()
    rois.data = [rois.data[0] + 2]
    qtbot.waitUntil(lambda: session.has_results)
    assert rois.features["shown"].tolist() == ["BB"]


def test_what_is_refused_in_the_background_is_said(panel, session, qtbot, notes):
    other = mus.Rectangle(-50, -50, 9, 9)
    session.set_options(standard_error=True, fat_roi=other)
    panel._on_measure()
    qtbot.waitUntil(lambda: len(notes) == 1)
    assert not session.has_results
