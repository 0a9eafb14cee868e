from __future__ import annotations

import math

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

import napari_muscle_us as mus
from napari_muscle_us._napari.panels.results import ResultsPanel
from napari_muscle_us.errors import MeasureError
from napari_muscle_us.reference.load import DEFAULT_SET
from napari_muscle_us.reference.subject import Subject
from napari_muscle_us.results import BASE_MEASURES, COLUMNS

from .conftest import square


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
