"""Texture: what stands beside what in a muscle, as features, matrix and map."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from qtpy.compat import isalive
from qtpy.QtWidgets import QVBoxLayout, QWidget

from napari_muscle_us._napari._session import session_of
from napari_muscle_us._napari.panels._pages import PageTabs, follow_rois, scrolled
from napari_muscle_us._napari.panels._texture_features import FeaturesPage
from napari_muscle_us._napari.panels._texture_matrix import MatrixPage
from napari_muscle_us._napari.panels._widgets import LivePanel, text_colour

if TYPE_CHECKING:
    import napari.viewer

    from napari_muscle_us._napari._session import Session

_REFRESH_MS: Final = 33
"""Thirty updates a second while a region is dragged."""

FEATURES, MATRIX, MAP = range(3)


class TexturePanel(LivePanel):
    """Texture of the selected ROI, or of several side by side."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(_REFRESH_MS)
        self._session = session_of(napari_viewer)
        self.features = FeaturesPage(self._session)
        self.matrix = MatrixPage(self.features)
        self._tabs = PageTabs()
        self._tabs.add(
            self.features,
            "Features",
            "Numbers of texture of the ROIs, and the settings of all of them.",
        )
        self._tabs.add(
            scrolled(self.matrix),
            "Matrix",
            "The matrix that the features are taken from, drawn.",
        )
        self._tabs.add_later(
            partial(_map_page, self._session),
            "Map",
            "A feature around every pixel, as an image.",
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._tabs)
        self._connect()
        self._on_theme()

    def _connect(self) -> None:
        self._tabs.currentChanged.connect(self.refresh_soon)
        self.features.refresh_wanted.connect(self.refresh_soon)
        self.matrix.refresh_wanted.connect(self.refresh_soon)
        self._session.viewer.events.theme.connect(self._on_theme)
        follow_rois(self, self._session)

    def refresh(self) -> None:
        """Show the page in front as it is now."""
        number = self._tabs.currentIndex()
        if number == FEATURES:
            self.features.refresh()
        elif number == MATRIX:
            self.matrix.refresh()

    def show_page(self, number: int) -> QWidget:
        """Bring a page to the front and return it."""
        self._tabs.setCurrentIndex(number)
        if number == MAP:
            return self._tabs.made(MAP)
        return (self.features, self.matrix)[number]

    def _on_theme(self, event: object = None) -> None:
        if not isalive(self):
            return
        colour = text_colour(self._session.viewer)
        self.features.set_foreground(colour)
        self.matrix.set_foreground(colour)


def _map_page(session: Session) -> QWidget:
    # Late: it brings matplotlib and loops that are compiled.
    from napari_muscle_us._napari.panels.texture_map import TextureMapPage

    return TextureMapPage(session)
