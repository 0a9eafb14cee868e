"""Make the pictures of the texture maps: on the whole image, and inside an ROI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from example_rois import MUSCLE
from picture_tools import open_with, save_panel, save_window, settle

if TYPE_CHECKING:
    import napari

_WINDOW: Final = (1500, 900)


def _open_page(viewer: napari.Viewer) -> Any:
    from napari_muscle_us._napari.launch import panel
    from napari_muscle_us._napari.panels.texture import MAP

    page = panel(viewer, "Texture (GLCM)").show_page(MAP)
    viewer.window.resize(*_WINDOW)
    settle()
    return page


def _wait(page: Any) -> None:
    while page._live.busy:
        settle(0.1)
    settle(0.3)


def shoot_texture_map() -> None:
    """Make the picture of the page beside a map, and of a map inside an ROI."""
    viewer = open_with([MUSCLE])
    page = _open_page(viewer)
    page._feature.set_value("joint_entropy")
    page.add()
    _wait(page)
    save_window(viewer, "texture-map")
    page._where.setCurrentIndex(1)
    page._on_where(1)
    _wait(page)
    save_window(viewer, "texture-map-roi")
    save_panel(page, "texture-map-panel")
    viewer.close()
