"""Workflow: the panels as tabs, in the order of the work."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Final

from qtpy.QtWidgets import QMenu, QTabWidget, QToolButton, QVBoxLayout, QWidget

from napari_muscle_us._napari._docks import open_panel
from napari_muscle_us._napari._session import session_of
from napari_muscle_us._napari.panels._widgets import report

if TYPE_CHECKING:
    import napari.viewer
    from qtpy.QtGui import QAction

    from napari_muscle_us._napari.panels.results import ResultsPanel


@dataclass(frozen=True, slots=True)
class _Tab:
    """A panel: its title, what the tab says, its tooltip, and where it is made.

    All tabs and the button beside them fit into the narrowest dock.
    """

    title: str
    short: str
    tip: str
    place: str


# Imported late: matplotlib is not needed to draw an outline.
_TABS: Final = (
    _Tab(
        "Acquisition",
        "Image",
        "Acquisition: image, size of a pixel and device.",
        "acquisition:AcquisitionPanel",
    ),
    _Tab(
        "Muscle ROIs",
        "ROIs",
        "Muscle ROIs: draw, name and edit them.",
        "rois:RoiPanel",
    ),
    _Tab(
        "Grayscale histogram",
        "Hist.",
        "Grayscale histogram and numbers of an ROI.",
        "histogram:HistogramPanel",
    ),
    _Tab(
        "Texture (GLCM)",
        "Texture",
        "Texture (GLCM): texture features of ROIs, and texture maps.",
        "texture:TexturePanel",
    ),
    _Tab(
        "Z-score",
        "Z",
        "Z-score of an ROI against healthy people.",
        "z_score:ZScorePanel",
    ),
    _Tab(
        "Repeats",
        "Repeats",
        "Repeats: the images of a muscle averaged, left beside right.",
        "repeats:RepeatsPanel",
    ),
    _Tab(
        "Examination",
        "Exam",
        "Examination: all muscles of a person against healthy people.",
        "examination:ExaminationPanel",
    ),
    _Tab(
        "Results",
        "Results",
        "Results: the table of what was measured.",
        "results:ResultsPanel",
    ),
)
TITLES: Final = tuple(tab.title for tab in _TABS)

MORE: Final = (
    ("Anisotropy map", "Direction and order of fibres, pennation, thickness."),
    ("Time course", "Echo intensity over the frames of a clip."),
    ("Follow-up", "Visits of a person against the error of measurement."),
    ("Reference values", "Build your own from a table of healthy controls."),
    ("Device conversion", "Carry values over from another scanner."),
)
"""Panels that are not needed on every day, opened from the corner."""

_FIRST: Final = TITLES.index("Muscle ROIs")


class WorkflowPanel(QWidget):
    """Tabs of all panels; each but the first is made when it is first looked at."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__()
        self._napari_viewer = napari_viewer
        self._session = session_of(napari_viewer)
        napari_viewer.canvas.overlays.scale_bar.visible = True
        self._tabs = QTabWidget()
        self._tabs.setDocumentMode(True)
        for number, tab in enumerate(_TABS):
            page = QWidget()
            QVBoxLayout(page).setContentsMargins(0, 0, 0, 0)
            self._tabs.addTab(page, tab.short)
            self._tabs.setTabToolTip(number, tab.tip)
        self._tabs.setCornerWidget(self._more_button())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._tabs)
        self._tabs.setCurrentIndex(_FIRST)
        self._tabs.currentChanged.connect(self._on_tab)
        self._on_tab(_FIRST)

    def _more_button(self) -> QToolButton:
        self._more = QMenu(self)
        self._more.setToolTipsVisible(True)
        for title, tip in MORE:
            action = self._more.addAction(title)
            action.setToolTip(tip)
        self._more.triggered.connect(self._on_more)
        button = QToolButton()
        button.setText("⋯")
        button.setToolTip("More panels: " + ", ".join(t for t, _ in MORE) + ".")
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        button.setAutoRaise(True)
        # The corner is as low as the tabs: napari's padding would leave it no room.
        button.setStyleSheet(
            "QToolButton { padding: 0; margin: 0; font-size: 14pt; }"
            "QToolButton::menu-indicator { image: none; }"
        )
        button.setMinimumWidth(28)
        button.setMenu(self._more)
        return button

    def _on_more(self, action: QAction) -> None:
        report(lambda: open_panel(self._session, action.text()))

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
            layout.addWidget(self._make(_TABS[number]))
        return layout.itemAt(0).widget()

    def _make(self, tab: _Tab) -> QWidget:
        module, _, name = tab.place.partition(":")
        package = __name__.rpartition(".")[0]
        made = getattr(import_module(f"{package}.{module}"), name)(self._napari_viewer)
        if tab.title == "Muscle ROIs":
            made.measure_requested.connect(self._on_measure_requested)
        return made
