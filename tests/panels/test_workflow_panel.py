from __future__ import annotations

from napari_muscle_us._napari.panels.acquisition import AcquisitionPanel
from napari_muscle_us._napari.panels.histogram import HistogramPanel
from napari_muscle_us._napari.panels.results import ResultsPanel
from napari_muscle_us._napari.panels.rois import RoiPanel
from napari_muscle_us._napari.panels.workflow import TITLES, WorkflowPanel
from napari_muscle_us._napari.panels.z_score import ZScorePanel


def test_tabs_come_in_the_order_of_the_work(viewer, rois, shown):
    workflow = shown(WorkflowPanel(viewer))
    kinds = [type(workflow.show_tab(title)) for title in TITLES]
    expected = [AcquisitionPanel, RoiPanel, HistogramPanel, ZScorePanel, ResultsPanel]
    assert kinds == expected
    shown_titles = [workflow._tabs.tabText(i) for i in range(len(TITLES))]
    assert shown_titles == [t.replace("Grayscale h", "H") for t in TITLES]


def test_the_work_begins_with_drawing(viewer, shown):
    workflow = shown(WorkflowPanel(viewer))
    assert workflow._tabs.tabText(workflow._tabs.currentIndex()) == "Muscle ROIs"


def test_a_tab_is_made_once(viewer, rois, shown):
    workflow = shown(WorkflowPanel(viewer))
    first = workflow.show_tab("Z-score")
    workflow.show_tab("Results")
    assert workflow.show_tab("Z-score") is first


def test_a_tab_that_comes_to_the_front_is_up_to_date(viewer, rois, shown, qtbot):
    workflow = shown(WorkflowPanel(viewer))
    histogram = workflow.show_tab("Grayscale histogram")
    qtbot.waitUntil(lambda: len(histogram.value()) == 1)
    workflow.show_tab("Results")
    rois.data = [rois.data[0] + 3]
    before = histogram.value()[0][1].histogram.copy()
    workflow.show_tab("Grayscale histogram")
    assert (histogram.value()[0][1].histogram != before).any()
