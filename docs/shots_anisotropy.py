"""Make the pictures of the anisotropy panel's page of ROIs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from picture_tools import open_with, save_panel, settle

from napari_muscle_us.roi.shapes import Rectangle

if TYPE_CHECKING:
    import napari

_SAMPLE: Final = "longitudinal_healthy"
_MUSCLE: Final = "Vastus lateralis"
_SIDES: Final = (
    Rectangle(82, 20, 170, 250, name="Left", muscle=_MUSCLE, side="left"),
    Rectangle(82, 290, 170, 250, name="Right", muscle=_MUSCLE, side="right"),
)


def shoot_anisotropy() -> None:
    """Make the pictures of one ROI, of both sides and of the settings."""
    viewer = open_with(list(_SIDES), sample=_SAMPLE)
    panel = _open(viewer, (430, 800))
    save_panel(panel, "anisotropy-roi")
    panel.roi.sides.setCurrentIndex(1)
    panel.roi.sides.activated.emit(1)
    _wait(panel)
    save_panel(panel, "anisotropy-sides")
    panel.roi.settings_section._button.setChecked(True)
    panel.window().resize(430, 1000)
    _wait(panel)
    save_panel(panel, "anisotropy-settings")
    viewer.close()


def _open(viewer: napari.Viewer, size: tuple[int, int]) -> Any:
    from napari_muscle_us._napari.panels.anisotropy import AnisotropyPanel

    panel = AnisotropyPanel(viewer)
    dock = viewer.window.add_dock_widget(panel, name="Anisotropy map")
    dock.setFloating(True)
    dock.resize(*size)
    _wait(panel)
    return panel


def _wait(panel: Any) -> None:
    """Let loops be compiled, then the plot be made."""
    settle()
    while panel.roi.live.busy:
        settle(0.1)
    settle(0.3)


if __name__ == "__main__":
    from picture_tools import no_autosave

    no_autosave()
    shoot_anisotropy()
