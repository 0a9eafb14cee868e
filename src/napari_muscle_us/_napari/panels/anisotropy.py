"""Anisotropy: in which direction the lines of a muscle run, and how much in order."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from qtpy.compat import isalive
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_muscle_us._napari._session import session_of
from napari_muscle_us._napari.panels._aniso_page import AnisotropyPage
from napari_muscle_us._napari.panels._pages import PageTabs, follow_rois
from napari_muscle_us._napari.panels._widgets import LivePanel, text_colour

if TYPE_CHECKING:
    import napari.viewer

    from napari_muscle_us._napari._session import Session

_REFRESH_MS: Final = 33
"""Thirty updates a second while a region is dragged."""

ROI, MAP, ARCHITECTURE = range(3)


class AnisotropyPanel(LivePanel):
    """Direction and order of a muscle: of ROIs, as a map, and its architecture."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(_REFRESH_MS)
        self._session = session_of(napari_viewer)
        self.roi = AnisotropyPage(self._session)
        self._tabs = PageTabs()
        self._tabs.add(
            self.roi,
            "ROI",
            "Direction and order of the ROIs as numbers, with their half rose.",
        )
        self._tabs.add_later(
            partial(_map_page, self._session),
            "Map",
            "Direction and order around every pixel, as layers on the image.",
        )
        self._tabs.add_later(
            partial(_architecture_page, self._session),
            "Architecture",
            "Aponeuroses, pennation angle, thickness and fascicle length.",
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._tabs)
        self._connect()
        self._on_theme()

    def _connect(self) -> None:
        self._tabs.currentChanged.connect(self.refresh_soon)
        self.roi.refresh_wanted.connect(self.refresh_soon)
        self._session.viewer.events.theme.connect(self._on_theme)
        follow_rois(self, self._session)

    def refresh(self) -> None:
        """Show the ROIs as they are now, if their page is in front."""
        if self._tabs.currentIndex() == ROI:
            self.roi.refresh()

    def show_page(self, number: int) -> QWidget:
        """Bring a page to the front and return it."""
        self._tabs.setCurrentIndex(number)
        return self.roi if number == ROI else self._tabs.made(number)

    def _on_theme(self, event: object = None) -> None:
        if isalive(self):
            self.roi.set_foreground(text_colour(self._session.viewer))


def _map_page(session: Session) -> QWidget:
    # Late, as the next one: they bring loops that are compiled, or matplotlib.
    from napari_muscle_us._napari.panels.anisotropy_map import AnisotropyMapPage

    return AnisotropyMapPage(session)


def _architecture_page(session: Session) -> QWidget:
    from napari_muscle_us._napari.panels.architecture import ArchitecturePage

    return ArchitecturePage(session)
