"""Make the pictures of the maps of fibre direction, on a simulated muscle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from picture_tools import open_with, save_panel, save_window, settle

from napari_muscle_us.roi.shapes import Polygon
from napari_muscle_us.simulate import simulate_muscle

if TYPE_CHECKING:
    import napari

_WINDOW: Final = (1300, 800)
_SAMPLE: Final = "longitudinal_healthy"
_SIGMA_MM: Final = 0.4
_GRADIENT_MM: Final = 0.25


def _open_page(viewer: napari.Viewer) -> Any:
    from napari_muscle_us._napari._session import session_of
    from napari_muscle_us._napari.panels.anisotropy_map import AnisotropyMapPage

    page = AnisotropyMapPage(session_of(viewer))
    for title in list(viewer.window.dock_widgets):
        viewer.window.remove_dock_widget(viewer.window.dock_widgets[title])
    viewer.window.add_dock_widget(page, name="Anisotropy map", area="right")
    viewer.window.resize(*_WINDOW)
    settle()
    return page


def _wait(page: Any) -> None:
    while page._live.busy:
        settle(0.1)
    settle(0.3)


def shoot_anisotropy_map() -> None:
    """Make the pictures of colours with lines, and of the coherency inside an ROI."""
    outline = simulate_muscle(_SAMPLE).muscle_outline
    muscle = Polygon(outline, name="VL", muscle="Vastus lateralis", side="left")
    viewer = open_with([muscle], sample=_SAMPLE)
    page = _open_page(viewer)
    page._form.sigma._unit.setCurrentIndex(1)
    page._form.sigma._on_unit()
    page._form.sigma._mm.setValue(_SIGMA_MM)
    page._form.kernel.setCurrentIndex(page._form.kernel.findData("gaussian"))
    page._form.scale._unit.setCurrentIndex(1)
    page._form.scale._on_unit()
    page._form.scale._mm.setValue(_GRADIENT_MM)
    page.show_kind("colours")
    page.show_kind("lines")
    _wait(page)
    save_window(viewer, "anisotropy-map")
    save_panel(page, "anisotropy-map-panel")
    page._where.setCurrentIndex(1)
    page._on_where(1)
    page.show_kind("lines", shown=False)
    page.show_kind("coherency")
    _wait(page)
    save_window(viewer, "anisotropy-map-roi")
    viewer.close()


def shots() -> None:
    """Make all pictures of this page."""
    shoot_anisotropy_map()
