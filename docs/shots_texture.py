"""Make the pictures of the texture panel: features, both sides, the matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from example_rois import MUSCLE
from picture_tools import float_panel, open_with, save_panel, settle, wait_for

from napari_muscle_us.measure.texture.settings import TextureSettings
from napari_muscle_us.roi.shapes import Rectangle

if TYPE_CHECKING:
    import napari

_SIDES = (
    Rectangle(130, 150, 90, 110, name="Left", muscle="Biceps brachii", side="left"),
    Rectangle(130, 310, 90, 110, name="Right", muscle="Biceps brachii", side="right"),
)


def shoot_texture() -> None:
    """Make the pictures of the pages Features and Matrix."""
    viewer = open_with([MUSCLE])
    panel = _open(viewer, (430, 800))
    panel.features.settings_section._button.setChecked(True)
    panel.features.form.set_value(TextureSettings(distance_mm=0.5))
    panel.features.form.value_changed.emit()
    save_panel(panel, "texture-settings")
    panel.features.settings_section._button.setChecked(False)
    panel.features.presets.choose("default")
    panel.features.table.choose("glcm.joint_entropy")
    save_panel(panel, "texture-features")
    panel.show_page(1)
    _resize(panel, (430, 600))
    _wait(panel)
    save_panel(panel, "texture-matrix")
    viewer.close()
    viewer = open_with(list(_SIDES))
    panel = _open(viewer, (430, 700))
    panel.features.presets.choose("noda-2024")
    panel.features.sides.setCurrentIndex(1)
    panel.features.sides.activated.emit(1)
    settle()
    panel.features.table.choose("glcm.contrast")
    save_panel(panel, "texture-sides")
    panel.features.presets.choose("default")
    panel._session.select([0, 1])
    panel.show_page(1)
    _resize(panel, (820, 520))
    _wait(panel)
    save_panel(panel, "texture-matrix-compare")
    viewer.close()


def _open(viewer: napari.Viewer, size: tuple[int, int]) -> Any:
    panel = float_panel(viewer, "Texture (GLCM)", size)
    _wait(panel)
    return panel


def _resize(panel: Any, size: tuple[int, int]) -> None:
    panel.window().resize(*size)
    settle()


def _wait(panel: Any) -> None:
    """Let loops be compiled, then plots be made."""
    settle()
    wait_for(panel.features.live.job)
    wait_for(panel.matrix._live.job)
    settle()


if __name__ == "__main__":
    from picture_tools import no_autosave

    no_autosave()
    shoot_texture()
