"""Make the pictures of the page Architecture: lines found, and fascicles by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from picture_tools import open_with, save_panel, save_window, settle, wait_for

if TYPE_CHECKING:
    import napari

_WINDOW: Final = (1500, 900)
_SAMPLE: Final = "longitudinal_healthy"
_CURVED: Final = (-70.0, 0.0, 70.0)
"""Columns from the middle of the muscle, of a second fascicle's points."""


def _open_page(viewer: napari.Viewer) -> Any:
    from napari_muscle_us._napari._session import session_of
    from napari_muscle_us._napari.panels.architecture import ArchitecturePage

    page = ArchitecturePage(session_of(viewer))
    for title in list(viewer.window.dock_widgets):
        viewer.window.remove_dock_widget(viewer.window.dock_widgets[title])
    viewer.window.add_dock_widget(page, name="Architecture", area="right")
    viewer.window.resize(*_WINDOW)
    settle()
    return page


def _beside(line: np.ndarray) -> np.ndarray:
    """Return a slightly curved fascicle above and to the right of a straight one."""
    (top, left), (bottom, right) = line
    slope = (bottom - top) / (right - left)
    columns = (left + right) / 2 + 40 + np.array(_CURVED)
    rows = (top + bottom) / 2 - 14 + 1.1 * slope * np.array(_CURVED)
    rows[1] -= 1
    return np.column_stack([rows, columns])


def shoot_architecture() -> None:
    """Make pictures of the lines with their construction, and of the page."""
    viewer = open_with((), sample=_SAMPLE)
    for layer in list(viewer.layers)[1:]:
        viewer.layers.remove(layer)
    page = _open_page(viewer)
    page.find_aponeuroses()
    wait_for(page._finder.job)
    page.find_fascicle()
    wait_for(page._finder.job)
    save_window(viewer, "architecture")
    (line,) = page._live.outcome.lines.fascicles
    page._live.put(fascicle=_beside(line))
    page._message.show_message("")
    page._muscle.muscle.setCurrentText("Vastus lateralis")
    page._muscle.side.setCurrentText("left")
    save_panel(page, "architecture-panel")
    viewer.close()
