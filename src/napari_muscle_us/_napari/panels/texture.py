"""Texture: what stands beside what in a muscle, as features, matrix and map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qtpy.compat import isalive
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QScrollArea, QTabWidget, QVBoxLayout, QWidget

from napari_muscle_us._napari._session import session_of
from napari_muscle_us._napari.panels._texture_features import FeaturesPage
from napari_muscle_us._napari.panels._texture_matrix import MatrixPage
from napari_muscle_us._napari.panels._widgets import LivePanel, text_colour

if TYPE_CHECKING:
    import napari.viewer

_REFRESH_MS: Final = 33
"""Thirty updates a second while a region is dragged."""

FEATURES, MATRIX, MAP = range(3)
_TABS: Final = (
    ("Features", "Numbers of texture of the ROIs, and the settings of all of them."),
    ("Matrix", "The matrix that the features are taken from, drawn."),
    ("Map", "A feature around every pixel, as an image."),
)


class TexturePanel(LivePanel):
    """Texture of the selected ROI, or of several side by side."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(_REFRESH_MS)
        self._session = session_of(napari_viewer)
        self.features = FeaturesPage(self._session)
        self.matrix = MatrixPage(self.features)
        self._tabs = QTabWidget()
        self._tabs.setDocumentMode(True)
        self._tabs.tabBar().setDrawBase(False)
        map_page = QWidget()
        QVBoxLayout(map_page).setContentsMargins(0, 0, 0, 0)
        pages = (self.features, _scrolled(self.matrix), map_page)
        for page, (title, tip) in zip(pages, _TABS, strict=True):
            number = self._tabs.addTab(page, title)
            self._tabs.setTabToolTip(number, tip)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._tabs)
        self._connect()
        self._on_theme()

    def _connect(self) -> None:
        self._tabs.currentChanged.connect(self._on_tab)
        self.features.refresh_wanted.connect(self.refresh_soon)
        self.matrix.refresh_wanted.connect(self.refresh_soon)
        self._session.viewer.events.theme.connect(self._on_theme)
        self._session.options_changed.connect(self._on_options)
        for signal in (
            self._session.layers_changed,
            self._session.rois_changed,
            self._session.selection_changed,
        ):
            signal.connect(self.refresh_soon)

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
            return self._tabs.widget(MAP).layout().itemAt(0).widget()
        return (self.features, self.matrix)[number]

    def _on_tab(self, number: int) -> None:
        layout = self._tabs.widget(number).layout()
        if number == MAP and layout.count() == 0:
            # Late: it brings matplotlib and loops that are compiled.
            from napari_muscle_us._napari.panels.texture_map import TextureMapPage

            layout.addWidget(TextureMapPage(self._session))
        self.refresh_soon()

    def _on_options(self) -> None:
        if isalive(self):
            self.features.show_options()

    def _on_theme(self, event: object = None) -> None:
        if not isalive(self):
            return
        colour = text_colour(self._session.viewer)
        self.features.set_foreground(colour)
        self.matrix.set_foreground(colour)


def _scrolled(page: QWidget) -> QScrollArea:
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(page)
    return area
