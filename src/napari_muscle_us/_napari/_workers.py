"""Work that must not hold up the window."""

from __future__ import annotations

import threading
from typing import Final

import numpy as np

_WAIT_SECONDS: Final = 1.0
_started = threading.Event()


def warm_up() -> None:
    """Load and, the first time after installing, compile the inner loops.

    In a thread of its own, so that the first region answers at once, and a little
    later, so that the panel just opened comes up first.
    """
    if not _started.is_set():
        _started.set()
        threading.Timer(_WAIT_SECONDS, _touch_kernels).start()


def _touch_kernels() -> None:
    from napari_muscle_us.measure.intensity import measure_intensity
    from napari_muscle_us.roi.rasterize import usable_window
    from napari_muscle_us.roi.shapes import Polygon

    gray = np.zeros((4, 4), np.uint8)
    gray.setflags(write=False)
    window = usable_window(Polygon(np.array([(0.0, 0), (0, 3), (3, 3)])), (4, 4))
    measure_intensity(gray[window.rows, window.columns], window.mask)
