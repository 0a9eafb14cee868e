"""Device conversion: carry values of another scanner over, or harmonise centres."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qtpy.compat import isalive
from qtpy.QtWidgets import QTabWidget, QVBoxLayout

from napari_muscle_us._napari._session import session_of
from napari_muscle_us._napari.panels._conv_combat import CombatTab
from napari_muscle_us._napari.panels._conv_two_scanners import TwoScannersTab
from napari_muscle_us._napari.panels._widgets import LivePanel, text_colour

if TYPE_CHECKING:
    import napari.viewer

_REFRESH_MS: Final = 60


class DeviceConversionPanel(LivePanel):
    """Two tabs: two scanners compared muscle by muscle, and several centres."""

    def __init__(self, napari_viewer: napari.viewer.Viewer) -> None:
        super().__init__(_REFRESH_MS)
        self._session = session_of(napari_viewer)
        self.two_scanners = TwoScannersTab(self._session)
        self.combat = CombatTab()
        self._tabs = QTabWidget()
        self._tabs.addTab(self.two_scanners, "Two scanners")
        self._tabs.addTab(self.combat, "Several centres (ComBat)")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._tabs)
        self._session.subject_changed.connect(self.refresh_soon)
        self._session.viewer.events.theme.connect(self._on_theme)
        self._on_theme()

    def show_tab(self, number: int) -> None:
        """Bring a tab to the front: 0 two scanners, 1 several centres."""
        self._tabs.setCurrentIndex(number)

    def refresh(self) -> None:
        """Show which conversion the Z-scores use now."""
        self.two_scanners.refresh()

    def _on_theme(self, event: object = None) -> None:
        if not isalive(self):
            return
        colour = text_colour(self._session.viewer)
        for plot in (self.two_scanners.plot, self.combat.plot):
            plot.set_foreground(colour)
