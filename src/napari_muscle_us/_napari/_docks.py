"""Opening another panel of ours from inside a panel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

    from napari_muscle_us._napari._session import Session

PLUGIN: Final = "napari-muscle-us"


def open_panel(session: Session, title: str) -> QWidget:
    """Dock a panel beside the image, or bring it to the front, and return it.

    Raises
    ------
    MuscleUSError
        If the viewer has no window.
    """
    window: Any = getattr(session.viewer, "window", None)
    if window is None:
        raise MuscleUSError(
            f"The panel {title} opens in a window of napari only; start napari."
        )
    dock, panel = window.add_plugin_dock_widget(PLUGIN, title)
    dock.show()
    dock.raise_()
    return panel
