"""What all pictures of the documentation are made with."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from example_rois import SAMPLE
from PIL import Image

from napari_muscle_us.image import Device
from napari_muscle_us.samples import sample_image

if TYPE_CHECKING:
    from collections.abc import Sequence

    import napari
    from qtpy.QtWidgets import QWidget

    from napari_muscle_us.roi.entries import RoiEntry
    from napari_muscle_us.roi.shapes import AnyRoi

IMAGES: Final = Path(__file__).resolve().parent / "images"
MAX_BYTES: Final = 350_000
_COLOURS: Final = 256
_SETTLE_SECONDS: Final = 1.5


def settle(seconds: float = _SETTLE_SECONDS) -> None:
    """Let Qt lay out and draw for a moment."""
    from qtpy.QtWidgets import QApplication

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()


def wait_for(job: Any) -> None:
    """Let a task of a panel come to its end."""
    while job.running:
        settle(0.1)
    settle(0.2)


def shrink(path: Path) -> None:
    """Pack a picture tightly, with fewer colours when it is still too large."""
    with Image.open(path) as opened:
        picture = opened.convert("RGB")
    picture.save(path, optimize=True)
    if path.stat().st_size > MAX_BYTES:
        # An octree keeps the few bright colours of a mostly gray window.
        octree = Image.Quantize.FASTOCTREE
        picture.quantize(_COLOURS, octree).save(path, optimize=True)
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise SystemExit(f"{path.name} has {size} bytes, the most is {MAX_BYTES}.")
    print(f"{path.name}: {size // 1000} kB")


def float_panel(viewer: napari.Viewer, title: str, size: tuple[int, int]) -> Any:
    """Open a panel in a window of its own, of this width and height."""
    from napari_muscle_us._napari.launch import PLUGIN

    dock, widget = viewer.window.add_plugin_dock_widget(PLUGIN, title)
    dock.setFloating(True)
    dock.resize(*size)
    return widget


def save_panel(widget: QWidget, name: str) -> None:
    """Write the picture of one panel."""
    settle()
    path = IMAGES / f"{name}.png"
    if not widget.grab().save(str(path)):
        raise SystemExit(f"{path.name} could not be written.")
    shrink(path)


def save_window(viewer: napari.Viewer, name: str) -> None:
    """Write the picture of the whole window."""
    from napari_muscle_us._napari.launch import take_screenshot

    settle()
    viewer.reset_view()
    settle()
    path = IMAGES / f"{name}.png"
    take_screenshot(viewer, path)
    shrink(path)


def no_autosave() -> None:
    """Keep what is drawn here out of the user's folder, and what lies there out."""
    from napari_muscle_us._napari import _roi_autosave

    _roi_autosave.chosen_place = lambda: _roi_autosave.OFF


def open_with(
    rois: Sequence[AnyRoi | RoiEntry],
    *,
    device: Device | None = None,
    sample: str = SAMPLE,
) -> napari.Viewer:
    """Return a viewer with a simulated image and regions on it."""
    from napari_muscle_us._napari._session import session_of
    from napari_muscle_us._napari.launch import DEMO_SUBJECT, open_viewer
    from napari_muscle_us.reference.load import DEFAULT_SET

    viewer = open_viewer()
    add_sample(viewer, rois, sample=sample, device=device)
    session_of(viewer).set_subject(DEMO_SUBJECT, DEFAULT_SET, accept_device=False)
    viewer.reset_view()
    return viewer


def add_sample(
    viewer: napari.Viewer,
    rois: Sequence[AnyRoi | RoiEntry],
    *,
    sample: str = SAMPLE,
    device: Device | None = None,
    title: str = "Simulated muscle",
) -> None:
    """Add a simulated image with regions, of which the first is selected."""
    from napari.layers import Layer

    from napari_muscle_us._napari import _roi_edits
    from napari_muscle_us._napari._layers import layer_data
    from napari_muscle_us._napari._session import session_of

    image = dataclasses.replace(sample_image(sample), device=device or Device())
    viewer.add_layer(Layer.create(*layer_data(image, title=title)))
    session = session_of(viewer)
    layer = session.new_roi_layer()
    if rois:
        _roi_edits.add(session, rois, "drawing")
        session.select([0])
    layer.mode = "select"


def open_section(inside: QWidget) -> None:
    """Unfold the section of a panel that a widget lies in."""
    from napari_muscle_us._napari.panels._widgets import Section

    parent = inside.parentWidget()
    while not isinstance(parent, Section):
        parent = parent.parentWidget()
    parent._button.setChecked(True)


def open_file(path: Path) -> napari.Viewer:
    """Return a viewer with a file opened as a user does."""
    from napari_muscle_us._napari._readers import read_layers
    from napari_muscle_us._napari.launch import open_viewer

    viewer = open_viewer()
    for data, attributes, _ in read_layers(path):
        viewer.add_image(data, **attributes)
    viewer.reset_view()
    return viewer
