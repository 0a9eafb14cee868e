"""Anisotropy: in which direction the lines of a muscle run, and how much in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qtpy.compat import isalive
from qtpy.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from napari_muscle_us._napari._session import session_of
from napari_muscle_us._napari.panels._aniso_page import AnisotropyPage
from napari_muscle_us._napari.panels._widgets import LivePanel, text_colour

if TYPE_CHECKING:
    import napari.viewer

_REFRESH_MS: Final = 33
"""Thirty updates a second while a region is dragged."""

ROI, MAP, ARCHITECTURE = range(3)
_TABS: Final = (
    ("ROI", "Direction and order of the ROIs as numbers, with their half rose."),
    ("Map", "Direction and order around every pixel, as layers on the image."),
    ("Architecture", "Aponeuroses, pennation angle, thickness and fascicle length."),
)


class AnisotropyPanel(LivePanel):
    """Direction and order of a muscle: of ROIs, as a map, and its architecture."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(_REFRESH_MS)
        self._session = session_of(napari_viewer)
        self.roi = AnisotropyPage(self._session)
        self._tabs = QTabWidget()
        self._tabs.setDocumentMode(True)
        self._tabs.tabBar().setDrawBase(False)
        for page, (title, tip) in zip((self.roi, *_later()), _TABS, strict=True):
            number = self._tabs.addTab(page, title)
            self._tabs.setTabToolTip(number, tip)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._tabs)
        self._connect()
        self._on_theme()

    def _connect(self) -> None:
        self._tabs.currentChanged.connect(self._on_tab)
        self.roi.refresh_wanted.connect(self.refresh_soon)
        self._session.viewer.events.theme.connect(self._on_theme)
        self._session.options_changed.connect(self._on_options)
        for signal in (
            self._session.layers_changed,
            self._session.rois_changed,
            self._session.selection_changed,
        ):
            signal.connect(self.refresh_soon)

    def refresh(self) -> None:
        """Show the ROIs as they are now, if their page is in front."""
        if self._tabs.currentIndex() == ROI:
            self.roi.refresh()

    def show_page(self, number: int) -> QWidget:
        """Bring a page to the front and return it."""
        self._tabs.setCurrentIndex(number)
        if number == ROI:
            return self.roi
        return self._tabs.widget(number).layout().itemAt(0).widget()

    def _on_tab(self, number: int) -> None:
        if number != ROI:
            layout = self._tabs.widget(number).layout()
            if layout.count() == 0:
                layout.addWidget(self._page(number))
        self.refresh_soon()

    def _page(self, number: int) -> QWidget:
        # Late: they bring loops that are compiled, and one of them matplotlib.
        if number == MAP:
            from napari_muscle_us._napari.panels.anisotropy_map import (
                AnisotropyMapPage,
            )

            return AnisotropyMapPage(self._session)
        from napari_muscle_us._napari.panels.architecture import ArchitecturePage

        return ArchitecturePage(self._session)

    def _on_options(self) -> None:
        if isalive(self):
            self.roi.show_options()

    def _on_theme(self, event: object = None) -> None:
        if isalive(self):
            self.roi.set_foreground(text_colour(self._session.viewer))


def _later() -> list[QWidget]:
    """Return empty places for the pages that are made when first looked at."""
    places = [QWidget(), QWidget()]
    for place in places:
        QVBoxLayout(place).setContentsMargins(0, 0, 0, 0)
    return places
