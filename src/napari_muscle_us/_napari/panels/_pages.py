"""Pages of a panel: behind tabs, some made when first looked at, or to be scrolled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QScrollArea, QTabWidget, QVBoxLayout, QWidget

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_muscle_us._napari._session import Session
    from napari_muscle_us._napari.panels._widgets import LivePanel


class PageTabs(QTabWidget):
    """Pages behind tabs; those that bring much are made when first looked at."""

    def __init__(self) -> None:
        super().__init__()
        self._makers: dict[int, Callable[[], QWidget]] = {}
        self.setDocumentMode(True)
        self.tabBar().setDrawBase(False)
        self.currentChanged.connect(self._on_tab)

    def add(self, page: QWidget, title: str, tip: str) -> None:
        """Add a page that is there already."""
        self.setTabToolTip(self.addTab(page, title), tip)

    def add_later(self, make: Callable[[], QWidget], title: str, tip: str) -> None:
        """Add a page that is made when its tab first comes to the front."""
        place = QWidget()
        QVBoxLayout(place).setContentsMargins(0, 0, 0, 0)
        self._makers[self.count()] = make
        self.add(place, title, tip)

    def made(self, number: int) -> QWidget:
        """Return a page of `add_later` that was in front before."""
        return self.widget(number).layout().itemAt(0).widget()

    def _on_tab(self, number: int) -> None:
        make = self._makers.pop(number, None)
        if make is not None:
            self.widget(number).layout().addWidget(make())


def scrolled(page: QWidget) -> QScrollArea:
    """Return a page in an area that scrolls down where it has no room, not aside."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(page)
    return area


def follow_rois(panel: LivePanel, session: Session) -> None:
    """Refresh a panel whenever the image, an ROI or the selection changes."""
    for signal in (
        session.layers_changed,
        session.rois_changed,
        session.selection_changed,
    ):
        signal.connect(panel.refresh_soon)
