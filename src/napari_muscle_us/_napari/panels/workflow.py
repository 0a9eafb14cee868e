"""Workflow: the panels as tabs, in the order of the work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qtpy.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from napari_muscle_us._napari.panels.rois import RoiPanel

if TYPE_CHECKING:
    import napari.viewer

    from napari_muscle_us._napari.panels.results import ResultsPanel

TITLES: Final = (
    "Acquisition",
    "Muscle ROIs",
    "Grayscale histogram",
    "Time course",
    "Z-score",
    "Repeats",
    "Results",
)
_SHORT: Final = {
    "Muscle ROIs": "ROIs",
    "Grayscale histogram": "Histogram",
    "Time course": "Time",
}
"""Tabs must all fit into the dock."""

_TIPS: Final = {
    "Acquisition": "Image, size of a pixel and device.",
    "Muscle ROIs": "Muscle ROIs: draw, name and edit them.",
    "Grayscale histogram": "Grayscale histogram and numbers of an ROI.",
    "Time course": "Time course: echo intensity over the frames of a clip.",
    "Z-score": "Z-score of an ROI against healthy people.",
    "Repeats": "Repeats: the images of a muscle averaged, left beside right.",
    "Results": "Results: the table of what was measured.",
}

_FIRST: Final = TITLES.index("Muscle ROIs")


class WorkflowPanel(QWidget):
    """Tabs of all panels; each but the first is made when it is first looked at."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._napari_viewer = napari_viewer
        napari_viewer.canvas.overlays.scale_bar.visible = True
        self._tabs = QTabWidget()
        self._tabs.setDocumentMode(True)
        for number, title in enumerate(TITLES):
            page = QWidget()
            QVBoxLayout(page).setContentsMargins(0, 0, 0, 0)
            self._tabs.addTab(page, _SHORT.get(title, title))
            self._tabs.setTabToolTip(number, _TIPS[title])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._tabs)
        self._tabs.setCurrentIndex(_FIRST)
        self._tabs.currentChanged.connect(self._on_tab)
        self._on_tab(_FIRST)

    def show_tab(self, title: str) -> QWidget:
        """Bring a panel to the front and return it."""
        number = TITLES.index(title)
        self._tabs.setCurrentIndex(number)
        return self._panel(number)

    def _on_measure_requested(self) -> None:
        """Measure the selected ROIs into the table, and show it."""
        results: ResultsPanel = self.show_tab("Results")
        results.measure_chosen()

    def _on_tab(self, number: int) -> None:
        self._panel(number)

    def _panel(self, number: int) -> QWidget:
        layout = self._tabs.widget(number).layout()
        if layout.count() == 0:
            layout.addWidget(self._make(number))
        return layout.itemAt(0).widget()

    def _make(self, number: int) -> QWidget:
        # Imported late: matplotlib is not needed to draw an outline.
        viewer = self._napari_viewer
        title = TITLES[number]
        if title == "Acquisition":
            from napari_muscle_us._napari.panels.acquisition import AcquisitionPanel

            return AcquisitionPanel(viewer)
        if title == "Muscle ROIs":
            rois = RoiPanel(viewer)
            rois.measure_requested.connect(self._on_measure_requested)
            return rois
        if title == "Grayscale histogram":
            from napari_muscle_us._napari.panels.histogram import HistogramPanel

            return HistogramPanel(viewer)
        if title == "Time course":
            from napari_muscle_us._napari.panels.time_course import TimeCoursePanel

            return TimeCoursePanel(viewer)
        if title == "Repeats":
            from napari_muscle_us._napari.panels.repeats import RepeatsPanel

            return RepeatsPanel(viewer)
        if title == "Z-score":
            from napari_muscle_us._napari.panels.z_score import ZScorePanel

            return ZScorePanel(viewer)
        from napari_muscle_us._napari.panels.results import ResultsPanel

        return ResultsPanel(viewer)
