from __future__ import annotations

import csv

import numpy as np
import pytest
from qtpy.QtWidgets import QApplication

from napari_muscle_us._napari.panels.histogram import STATISTICS, HistogramPanel

from .conftest import square


@pytest.fixture
def panel(viewer, rois, shown):
    return shown(HistogramPanel(viewer))


def column(panel, number=0):
    return [panel._table.item(row, number).text() for row in range(len(STATISTICS))]


def test_numbers_are_those_of_the_pixels(viewer, session, shown):
    """A picture whose statistics are known: 0, 1, … 255, each once."""
    viewer.add_image(np.arange(256, dtype=np.uint8).reshape(16, 16))
    layer = session.new_roi_layer()
    layer.add(square(-0.5, -0.5, 16), shape_type="rectangle")
    panel = shown(HistogramPanel(viewer))
    # Uniform on 0…255: SD with n − 1 is sqrt(256·257/12), kurtosis −6(n²+1)/5(n²−1).
    assert column(panel) == [
        "256", "127.500", "74.045", "0", "255", "0", "1", "128", "0.0000", "-1.2000",
    ]  # fmt: skip


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


def test_a_constant_region_has_no_skewness_and_says_why(viewer, session, shown):
    viewer.add_image(np.full((20, 20), 9, np.uint8))
    session.new_roi_layer().add(square(4.5, 4.5, 5), shape_type="rectangle")
    panel = shown(HistogramPanel(viewer))
    assert column(panel)[-2:] == ["–", "–"]
    assert "same gray level" in panel._table.item(8, 0).toolTip()


def test_coloured_pixels_are_reported(viewer, session, shown):
    rgb = np.full((20, 20, 3), 50, np.uint8)
    rgb[10, 10] = (255, 0, 0)
    viewer.add_image(rgb, rgb=True)
    session.new_roi_layer().add(square(4.5, 4.5, 10), shape_type="rectangle")
    panel = shown(HistogramPanel(viewer))
    assert "1 of the pixels are coloured" in panel._message.text()


def test_a_hidden_panel_catches_up_when_it_is_shown(panel, rois, qtbot):
    panel.hide()
    before = panel.value()
    rois.data = [rois.data[0] - np.array([60, 0], np.float32)]
    qtbot.wait(60)
    assert panel.value() == before
    panel.show()
    assert panel.value()[0][1].mean != before[0][1].mean


def test_saving_the_counts_gives_all_levels(panel, tmp_path):
    path = tmp_path / "counts.csv"
    panel.save_csv(str(path))
    rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
    assert rows[0] == ["gray_level", "BB"]
    counts = [int(row[1]) for row in rows[1:]]
    assert counts == panel.value()[0][1].histogram.tolist()


@pytest.mark.parametrize(("suffix", "magic"), [("png", b"\x89PNG"), ("svg", b"<?xml")])
def test_saving_the_plot(panel, tmp_path, suffix, magic):
    path = tmp_path / f"plot.{suffix}"
    panel.save_plot(str(path))
    assert path.read_bytes().startswith(magic)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_copying_gives_numbers_and_counts(panel, notes):
    panel._copy()
    lines = QApplication.clipboard().text().split("\n")
    assert lines[0] == "\tBB"
    assert lines[1] == f"N (pixels)\t{panel.value()[0][1].n}"
    assert len(lines) == 1 + len(STATISTICS) + 256


def test_saving_nothing_is_refused(viewer, shown, notes):
    panel = shown(HistogramPanel(viewer))
    panel._copy()
    assert notes == ["There is no histogram yet; draw an ROI on the muscle."]


def test_an_unwritable_folder_is_said(panel, tmp_path, notes):
    from napari_muscle_us._napari.panels._widgets import report

    assert not report(lambda: panel.save_csv(str(tmp_path / "no" / "counts.csv")))
    assert "cannot be written" in notes[0]


def test_the_plot_draws_the_counts(panel):
    plot = panel._plot.plot()
    plot.draw()
    (curve,) = plot._curves
    counts = panel.value()[0][1].histogram
    np.testing.assert_allclose(curve.get_data().values, counts / counts.max())
    assert plot._means[0].get_xdata()[0] == panel.value()[0][1].mean
