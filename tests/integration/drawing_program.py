"""A napari that draws an outline with the mouse and never ends it, to be killed.

Arguments: the image, and a file that is touched once the last corner was clicked.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import napari
from qtpy.QtWidgets import QApplication

from napari_muscle_us._napari._readers import read_layers
from napari_muscle_us._napari._session import session_of
from tests.integration.conftest import Mouse

CORNERS = ((20, 30), (20, 120), (90, 120), (90, 60))


def main(image: Path, ready: Path) -> None:
    """Open the image, draw three edges, wait for ever."""
    viewer = napari.Viewer()
    ((data, attributes, _),) = read_layers(image)
    layer = viewer.add_image(data, **attributes)
    session = session_of(viewer)
    rois = session.new_roi_layer()
    rois.mode = "add_polygon"
    mouse = Mouse(viewer, layer)
    for corner in CORNERS:
        mouse.click(*corner)
    ready.touch()
    while True:
        QApplication.processEvents()
        time.sleep(0.01)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
