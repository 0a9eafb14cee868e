"""Make the pictures of the documentation.

Run ``python dev.py shots``, or this script by itself: without a display it starts one.
Each picture goes to ``docs/images``.
"""

from __future__ import annotations

import dataclasses
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PIL import Image
from simulated_scan import write_scan

from napari_muscle_us.image import Device
from napari_muscle_us.roi.shapes import Ellipse, Polygon, Rectangle
from napari_muscle_us.samples import sample_image
from napari_muscle_us.simulate import simulate_muscle
from napari_muscle_us.virtual_display import virtual_display

if TYPE_CHECKING:
    from collections.abc import Sequence

    import napari
    from qtpy.QtWidgets import QWidget

    from napari_muscle_us.roi.shapes import Roi

IMAGES: Final = Path(__file__).resolve().parent / "images"
MAX_BYTES: Final = 350_000
_COLOURS: Final = 256
_SETTLE_SECONDS: Final = 1.5
_SAMPLE: Final = "transverse_healthy"

_MUSCLE: Final = Polygon(
    simulate_muscle(_SAMPLE).muscle_outline,
    name="BB",
    muscle="Biceps brachii",
    side="left",
)
_ROIS: Final = (
    _MUSCLE,
    Rectangle(288, 120, 50, 330, name="Deep", muscle="Brachialis", side="left"),
    Ellipse(36, 90, 40, 220, name="Fat"),
)
_CROSSING: Final = Polygon(
    [(130.0, 120.0), (250.0, 430.0), (130.0, 430.0), (250.0, 120.0)],
    name="Crossed",
    muscle="Biceps brachii",
    side="left",
)


def settle(seconds: float = _SETTLE_SECONDS) -> None:
    """Let Qt lay out and draw for a moment."""
    from qtpy.QtWidgets import QApplication

    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()


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


def open_with(rois: Sequence[Roi], *, device: Device | None = None) -> napari.Viewer:
    """Return a viewer with a simulated image and regions on it."""
    from napari.layers import Layer

    from napari_muscle_us._napari._layers import layer_data
    from napari_muscle_us._napari._session import session_of
    from napari_muscle_us._napari._shapes import shape_from
    from napari_muscle_us._napari.launch import DEMO_SUBJECT, open_viewer
    from napari_muscle_us.reference.load import DEFAULT_SET

    viewer = open_viewer()
    image = dataclasses.replace(sample_image(_SAMPLE), device=device or Device())
    viewer.add_layer(Layer.create(*layer_data(image, title="Simulated muscle")))
    session = session_of(viewer)
    layer = session.new_roi_layer()
    for number, roi in enumerate(rois):
        vertices, kind = shape_from(roi)
        layer.add(vertices, shape_type=kind)
        session.edit(number, name=roi.name, muscle=roi.muscle, side=roi.side)
    session.select([0])
    layer.mode = "select"
    session.set_subject(DEMO_SUBJECT, DEFAULT_SET, accept_device=False)
    viewer.reset_view()
    return viewer


def shoot_demo() -> None:
    """Make the picture on the first page."""
    from napari_muscle_us._napari.launch import open_demo

    viewer = open_demo()
    save_window(viewer, "demo")
    viewer.close()


def shoot_panels() -> None:
    """Make one picture a panel, with three regions on the image."""
    viewer = open_with(_ROIS)
    save_window(viewer, "drawing")
    rois = float_panel(viewer, "Muscle ROIs", (430, 420))
    save_panel(rois, "muscle-rois")
    histogram = float_panel(viewer, "Grayscale histogram", (430, 520))
    save_panel(histogram, "grayscale-histogram")
    histogram._all.setChecked(True)
    save_panel(histogram, "grayscale-histogram-all")
    save_panel(float_panel(viewer, "Z-score", (470, 480)), "z-score")
    results = float_panel(viewer, "Results", (900, 640))
    results._subject.setText("S012")
    results._visit.setText("baseline")
    results.measure(everything=True)
    save_panel(results, "results")
    viewer.close()


def shoot_problems() -> None:
    """Make pictures of what is refused: a crossing outline, another device."""
    other = Device(manufacturer="Philips", model="EPIQ 5")
    viewer = open_with((_MUSCLE, _CROSSING), device=other)
    rois = float_panel(viewer, "Muscle ROIs", (430, 360))
    save_panel(rois, "muscle-rois-problem")
    save_panel(float_panel(viewer, "Z-score", (470, 430)), "z-score-device")
    viewer.close()


def open_file(path: Path) -> napari.Viewer:
    """Return a viewer with a file opened as a user does."""
    from napari_muscle_us._napari._readers import read_layers
    from napari_muscle_us._napari.launch import open_viewer

    viewer = open_viewer()
    for data, attributes, _ in read_layers(path):
        viewer.add_image(data, **attributes)
    viewer.reset_view()
    return viewer


def shoot_acquisition() -> None:
    """Make pictures of a scan: its facts, its ruler, its de-identified copy, a clip."""
    from napari_muscle_us._napari._session import session_of
    from napari_muscle_us._napari._shapes import shape_from

    with tempfile.TemporaryDirectory() as folder:
        scan, plain = Path(folder, "scan.dcm"), Path(folder, "screenshot.dcm")
        clip = Path(folder, "clip.dcm")
        write_scan(scan)
        write_scan(plain, calibrated=False)
        write_scan(clip, frames=50)
        viewer = open_file(scan)
        panel = float_panel(viewer, "Acquisition", (470, 800))
        panel.check()
        save_panel(panel, "acquisition")
        dialog = panel.copy_dialog()
        dialog.show()
        save_panel(dialog, "acquisition-copy")
        dialog.close()
        viewer.close()
        viewer = open_file(plain)
        panel = float_panel(viewer, "Acquisition", (470, 560))
        panel.calibration.read()
        save_panel(panel, "acquisition-ruler")
        viewer.close()
        viewer = open_file(clip)
        session = session_of(viewer)
        vertices, kind = shape_from(Ellipse(235, 290, 120, 260))
        session.new_roi_layer().add(vertices, shape_type=kind)
        settle()
        viewer.dims.set_current_step(0, 17)
        save_window(viewer, "clip")
        viewer.close()


def main() -> None:
    """Make all pictures."""
    IMAGES.mkdir(exist_ok=True)
    with virtual_display():
        for shoot in (shoot_demo, shoot_panels, shoot_problems, shoot_acquisition):
            shoot()


if __name__ == "__main__":
    main()
