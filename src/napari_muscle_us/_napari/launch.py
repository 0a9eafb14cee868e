"""Start napari with the plugin docked, from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import napari
from qtpy.QtCore import QEventLoop, QTimer

from napari_muscle_us._napari._docks import PLUGIN as PLUGIN
from napari_muscle_us._napari._readers import read_layers
from napari_muscle_us._napari._session import session_of
from napari_muscle_us._napari._shapes import shape_from
from napari_muscle_us.errors import MuscleUSError
from napari_muscle_us.io.files import atomic_path
from napari_muscle_us.reference.load import DEFAULT_SET
from napari_muscle_us.reference.subject import Subject
from napari_muscle_us.roi.shapes import Polygon
from napari_muscle_us.simulate import simulate_muscle

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from qtpy.QtWidgets import QWidget

DEMO_SAMPLE: Final = "transverse_diseased"
DEMO_SUBJECT: Final = Subject(58.0, "female", 168.0, 64.0)
_WINDOW: Final = (1500, 930)
_SETTLE_MS: Final = 1500
_LAYOUT_MS: Final = 300


def launch(files: Sequence[Path]) -> None:
    """Open napari with the Workflow docked and the files loaded; return when closed."""
    viewer = open_viewer()
    # Not viewer.open(): napari asks for a suffix, and scanners write files without.
    try:
        for data, attributes, _ in read_layers(files):
            viewer.add_image(data, **attributes)
    except MuscleUSError:
        viewer.close()
        raise
    run(viewer)


def run(viewer: napari.Viewer) -> None:
    """Show the whole image once the docks have taken their room; wait for the user."""
    QTimer.singleShot(_LAYOUT_MS, viewer.reset_view)
    napari.run()


def open_viewer() -> napari.Viewer:
    """Return a viewer in millimetres with the Workflow docked."""
    viewer = napari.Viewer(title="Muscle ultrasound")
    viewer.window.resize(*_WINDOW)
    viewer.window.add_plugin_dock_widget(PLUGIN, "Workflow")
    return viewer


def run_demo(*, screenshot: Path | None, out: Path | None) -> None:
    """Open the demo; write its files and close when any was asked for."""
    viewer = open_demo()
    if screenshot is None and out is None:
        run(viewer)
        return
    try:
        _settle()
        if out is not None:
            panel(viewer, "Results").save(str(out))
        if screenshot is not None:
            panel(viewer, "Z-score")
            viewer.reset_view()
            _settle()
            take_screenshot(viewer, screenshot)
    finally:
        viewer.close()


def open_demo() -> napari.Viewer:
    """Return a viewer with a sample, an ROI, its histogram, Z-score and results."""
    viewer = open_viewer()
    session = session_of(viewer)
    # Else the next demonstration would find this one's outline.
    session.autosave.turn_off()
    sample = simulate_muscle(DEMO_SAMPLE)
    viewer.open_sample(PLUGIN, DEMO_SAMPLE)
    layer = session.new_roi_layer()
    vertices, kind = shape_from(Polygon(sample.muscle_outline))
    layer.add(vertices, shape_type=kind)
    session.edit(0, name="BB", muscle=sample.muscle, side="left")
    session.select([0])
    layer.mode = "select"
    session.set_subject(DEMO_SUBJECT, DEFAULT_SET, accept_device=False)
    viewer.window.add_plugin_dock_widget(PLUGIN, "Grayscale histogram")
    panel(viewer, "Results").measure(everything=True)
    panel(viewer, "Z-score")
    viewer.reset_view()
    return viewer


def panel(viewer: napari.Viewer, title: str) -> Any:
    """Bring a tab of the docked Workflow to the front and return its panel."""
    _, workflow = viewer.window.add_plugin_dock_widget(PLUGIN, "Workflow")
    widget: QWidget = workflow.show_tab(title)
    return widget


def take_screenshot(viewer: napari.Viewer, path: Path) -> None:
    """Write a picture of the whole window, never half of one."""
    with atomic_path(path) as temporary:
        viewer.screenshot(str(temporary), canvas_only=False, flash=False)


def _settle(milliseconds: int = _SETTLE_MS) -> None:
    """Let Qt lay out and draw for a moment."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    # One call, not many of processEvents: PySide6 6.12 loses a reference in each.
    loop.exec()
