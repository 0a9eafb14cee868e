"""The images of a muscle and side averaged, in their panel."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication

import napari_muscle_us as mus
from napari_muscle_us._napari.panels.repeats import RepeatsPanel
from napari_muscle_us.errors import MeasureError
from napari_muscle_us.image import UltrasoundImage
from napari_muscle_us.measure_options import MeasureOptions
from napari_muscle_us.rows import measure_rois

LEFT, RIGHT = (60.0, 62.0, 66.0), (50.0, 51.5, 50.5)


def picture(name, mean):
    """Return a picture with a mean that ends in .0 or .5."""
    gray = np.full((40, 40), math.floor(mean), np.uint8)
    gray[::2] = math.ceil(mean)
    return UltrasoundImage(gray, name=name, digest=name.encode().hex().zfill(64))


def rows_of(means, side, *, muscle="Biceps brachii", subject="S1"):
    """Return the rows of one ROI on pictures with these means."""
    roi = mus.Rectangle(10, 10, 20, 20, name="BB", muscle=muscle, side=side)
    return pd.concat(
        measure_rois(picture(f"{side}{k}.png", mean), [roi], subject=subject)
        for k, mean in enumerate(means)
    ).reset_index(drop=True)


def both():
    return pd.concat([rows_of(LEFT, "left"), rows_of(RIGHT, "right")])


@pytest.fixture
def panel(viewer, session, shown):
    session.set_results(both().reset_index(drop=True))
    return shown(RepeatsPanel(viewer))


def texts(panel, row):
    model = panel._model
    cells = (model.index(row, c) for c in range(model.columnCount()))
    return [model.data(cell) for cell in cells][2:8]


def repeats(session):
    rows = session.results
    return rows[rows["measure"].str.startswith("repeats.")]


def test_each_muscle_and_side_has_a_line(panel):
    left, right = np.mean(LEFT), np.mean(RIGHT)
    cv = [100 * np.std(v, ddof=1) / np.mean(v) for v in (LEFT, RIGHT)]
    apart = f"{left - right:+.1f}"
    assert texts(panel, 0) == [
        "Biceps brachii", "left", "3", f"{left:.1f}", f"{cv[0]:.1f}", apart,
    ]  # fmt: skip
    assert texts(panel, 1) == [
        "Biceps brachii", "right", "3", f"{right:.1f}", f"{cv[1]:.1f}", apart,
    ]  # fmt: skip


def test_rounding_as_radboud_is_a_choice(panel, qtbot):
    panel.set_rule("mean_rounded")
    qtbot.waitUntil(lambda: texts(panel, 0)[3] == "63.0")
    assert texts(panel, 1)[3] == "51.0"
    # CV is never of rounded numbers.
    assert texts(panel, 0)[4] == f"{100 * np.std(LEFT, ddof=1) / np.mean(LEFT):.1f}"
    panel.set_rule("mean")
    qtbot.waitUntil(lambda: texts(panel, 0)[3] == "62.7")


NOT_MEASURED = "measure with 'mean without black pixels' switched on"


def test_the_radboud_rule_needs_the_mean_without_black_pixels(
    panel, session, qtbot, notes
):
    panel._rule.setCurrentText("As the Radboud workflow: without black pixels, rounded")
    assert panel.rule == "radboud"
    qtbot.waitUntil(lambda: texts(panel, 0)[2:] == ["0", "–", "–", "–"])
    assert panel._message.text() == (
        "⚠ Not averaged: Biceps brachii left, Biceps brachii right; no mean without "
        f"black pixels: {NOT_MEASURED}."
    )
    panel._on_add()
    assert NOT_MEASURED in notes[0]
    assert repeats(session).empty


def test_the_radboud_workflow_is_averaged_added_and_verified(
    viewer, session, shown, tmp_path
):
    roi = mus.Rectangle(10, 10, 20, 20, muscle="Biceps brachii", side="left")
    tables, means = [], []
    for number in range(3):
        path = tmp_path / f"scan{number}.png"
        noise = np.random.default_rng(number).integers(40, 80, (60, 60), np.uint8)
        noise[::4] = 0
        Image.fromarray(noise).save(path)
        options = MeasureOptions(above_black=True)
        tables.append(measure_rois(mus.read_image(path), [roi], options=options))
        inside = noise[mus.roi_mask(roi, noise.shape)]
        means.append(inside[inside > 0].mean())
    session.set_results(pd.concat(tables, ignore_index=True))
    panel = shown(RepeatsPanel(viewer))
    panel.set_rule("radboud")
    panel.add()
    added = repeats(session)
    assert added["value"].tolist()[0] == round(np.mean(means))
    assert round(np.mean(means)) > session.results["value"][1] + 5
    checks = mus.verify_results(session.results, tmp_path)
    assert [c for c in checks if not c.same] == []


def test_images_that_differ_are_flagged(viewer, session, shown):
    session.set_results(rows_of((60, 80, 61), "left"))
    panel = shown(RepeatsPanel(viewer))
    cv = 100 * np.std((60, 80, 61), ddof=1) / np.mean((60, 80, 61))
    assert texts(panel, 0)[4] == f"⚠ {cv:.1f}"
    assert panel._message.text() == "⚠ The images differ: Biceps brachii left."


def test_it_follows_the_table(panel, session, qtbot):
    rows = session.results
    session.set_results(rows[rows["image"] != "left2.png"])
    qtbot.waitUntil(lambda: texts(panel, 0)[2] == "2")
    panel._view.selectRow(0)
    assert panel._note.text() == "2 images; the protocol asks for 3"


def test_an_image_is_left_out_by_its_tick(panel, qtbot):
    names = [panel._images.item(k).text() for k in range(panel._images.count())]
    place = names.index("left2.png")
    panel._images.item(place).setCheckState(Qt.CheckState.Unchecked)
    qtbot.waitUntil(lambda: texts(panel, 0)[3] == "61.0")
    panel._view.selectRow(0)
    assert "left out: 'left2.png'" in panel._note.text()
    panel._images.item(place).setCheckState(Qt.CheckState.Checked)
    qtbot.waitUntil(lambda: texts(panel, 0)[2] == "3")


def test_what_is_left_out_is_left_out_of_the_rows(panel, session):
    panel.leave_out({"left2.png", "no such image"})
    panel.add()
    value = repeats(session).iloc[0]
    assert (value["side"], value["value"]) == ("left", 61.0)
    assert "'left2.png'" in value["note"]
    assert "no such image" not in value["note"]


def test_rows_are_added_after_those_they_are_of(panel, session):
    panel.add()
    added = repeats(session)
    assert added["measure"].tolist() == [
        "repeats.echo_intensity", "repeats.cv",
        "repeats.echo_intensity", "repeats.cv", "repeats.side_difference",
    ]  # fmt: skip
    apart = added.iloc[-1]["value"]
    assert apart == pytest.approx(np.mean(LEFT) - np.mean(RIGHT))
    assert len(session.results) == 65


def test_the_averages_of_files_are_verified(viewer, session, shown, tmp_path):
    roi = mus.Rectangle(10, 10, 20, 20, muscle="Biceps brachii", side="left")
    tables = []
    for number in range(3):
        path = tmp_path / f"scan{number}.png"
        noise = np.random.default_rng(number).integers(40, 80, (60, 60), np.uint8)
        Image.fromarray(noise).save(path)
        tables.append(measure_rois(mus.read_image(path), [roi], subject="S1"))
    session.set_results(pd.concat(tables, ignore_index=True))
    shown(RepeatsPanel(viewer)).add()
    assert len(repeats(session)) == 2
    checks = mus.verify_results(session.results, tmp_path)
    assert [c for c in checks if not c.same] == []


def test_adding_twice_replaces(panel, session):
    panel.add()
    panel.set_rule("mean_rounded")
    panel.add()
    added = repeats(session)
    assert len(added) == 5
    assert added["value"].tolist()[0] == 63.0


def test_averages_of_others_stay(panel, session):
    panel.add()
    first = session.results
    kept = first[first["measure"].str.startswith("repeats.")]
    others = rows_of((70, 71, 72), "left", muscle="Tibialis anterior", subject="S2")
    session.set_results(pd.concat([kept, others]).reset_index(drop=True))
    panel.add()
    added = repeats(session)
    assert added["subject"].value_counts().to_dict() == {"S1": 5, "S2": 2}


def test_a_difference_goes_with_an_average_that_is_made_anew(panel, session):
    panel.add()
    rows = session.results
    single = rows["measure"].str.startswith("intensity.") & (rows["side"] == "right")
    session.set_results(rows[~single].reset_index(drop=True))
    panel.add()
    added = repeats(session)
    assert added["side"].value_counts().to_dict() == {"left": 2, "right": 2}


def test_what_cannot_be_averaged_is_explained(viewer, session, shown, notes):
    session.set_results(rows_of((60, 61), ""))
    panel = shown(RepeatsPanel(viewer))
    assert texts(panel, 0)[2:] == ["0", "–", "–", "–"]
    assert "Not averaged: Biceps brachii" in panel._message.text()
    panel._view.selectRow(0)
    assert "2 rows without side" in panel._note.text()
    panel._on_add()
    assert "without side" in notes[0]
    assert repeats(session).empty


def test_an_empty_table_says_how_to_get_there(viewer, shown, session):
    panel = shown(RepeatsPanel(viewer))
    assert panel._model.rowCount() == 0
    assert "Measure each of the three images" in panel._hint.text()
    with pytest.raises(MeasureError, match="nothing to average"):
        panel.add()
    assert not session.has_results


def test_a_table_that_cannot_be_read_is_said_and_not_averaged(panel, session, qtbot):
    rows = session.results.copy()
    rows["method"] = "{"
    session.set_results(rows)
    qtbot.waitUntil(lambda: "is not a JSON object" in panel._message.text())
    assert panel._model.rowCount() == 0


def test_labels_nobody_gave_take_no_room(panel, session, qtbot):
    assert [panel._view.isColumnHidden(c) for c in (0, 1)] == [False, True]
    session.set_results(session.results.assign(subject="", visit="V2"))
    qtbot.waitUntil(lambda: panel._view.isColumnHidden(0))
    assert not panel._view.isColumnHidden(1)


def test_the_table_is_copied_with_all_digits(panel, notes, session):
    session.set_results(session.results.assign(visit="=V1"))
    panel.refresh()
    panel._on_copy()
    header, left, _right = QApplication.clipboard().text().split("\n")
    cells = dict(zip(header.split("\t"), left.split("\t"), strict=True))
    assert float(cells["value"]) == pytest.approx(np.mean(LEFT), rel=1e-15)
    assert float(cells["sd"]) == pytest.approx(np.std(LEFT, ddof=1), rel=1e-14)
    assert cells["visit"] == "'=V1"
    assert cells["rule"] == "mean"
