from __future__ import annotations

from napari_muscle_us._napari.panels.acquisition import AcquisitionPanel
from napari_muscle_us._napari.panels.examination import ExaminationPanel
from napari_muscle_us._napari.panels.histogram import HistogramPanel
from napari_muscle_us._napari.panels.repeats import RepeatsPanel
from napari_muscle_us._napari.panels.results import ResultsPanel
from napari_muscle_us._napari.panels.rois import RoiPanel
from napari_muscle_us._napari.panels.texture import TexturePanel
from napari_muscle_us._napari.panels.workflow import TITLES, WorkflowPanel
from napari_muscle_us._napari.panels.z_score import ZScorePanel


def test_tabs_come_in_the_order_of_the_work(viewer, rois, shown):
    workflow = shown(WorkflowPanel(viewer))
    kinds = [type(workflow.show_tab(title)) for title in TITLES]
    expected = [
        AcquisitionPanel,
        RoiPanel,
        HistogramPanel,
        TexturePanel,
        ZScorePanel,
        RepeatsPanel,
        ExaminationPanel,
        ResultsPanel,
    ]
    assert kinds == expected
    assert [workflow._tabs.tabText(i) for i in range(len(TITLES))] == [
        "Image", "ROIs", "Hist.", "Texture", "Z", "Repeats", "Exam", "Results",
    ]  # fmt: skip


def test_the_tooltip_of_a_short_title_has_the_whole_one(viewer, shown):
    workflow = shown(WorkflowPanel(viewer))
    for number, title in enumerate(TITLES):
        whole = workflow._tabs.tabToolTip(number)
        assert title in (workflow._tabs.tabText(number), whole[: len(title)])


def test_the_work_begins_with_drawing(viewer, shown):
    workflow = shown(WorkflowPanel(viewer))
    assert workflow._tabs.tabText(workflow._tabs.currentIndex()) == "ROIs"


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


def test_measuring_from_the_rois_fills_and_shows_the_table(
    viewer, session, rois, shown
):
    workflow = shown(WorkflowPanel(viewer))
    workflow.show_tab("Muscle ROIs").measure_requested.emit()
    assert workflow._tabs.currentIndex() == TITLES.index("Results")
    assert set(session.results["roi"]) == {"BB"}
