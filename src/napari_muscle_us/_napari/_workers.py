"""Work that must not hold up the window."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from qtpy.QtCore import QTimer

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

    from qtpy.QtCore import QObject

_LOOK_MS: Final = 15
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


class Aside:
    """A pure function in a thread of its own; what it returns is told in the window's.

    The thread touches nothing of Qt: PySide6 ends the program now and then when a
    signal carries Python objects from one thread to another. A timer looks instead.

    Parameters
    ----------
    work : callable
        Function without arguments that touches no widget and no layer.
    then : callable
        Is given what `work` returned.
    after : callable, optional
        Is called at the end, whatever the outcome.
    parent : QObject, optional
        With its end nothing is told any more.
    """

    def __init__(
        self,
        work: Callable[[], Any],
        then: Callable[[Any], None],
        *,
        after: Callable[[], None] | None = None,
        parent: QObject | None = None,
    ) -> None:
        self._then, self._after = then, after
        self._timer = QTimer(parent)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self._look)
        pool = ThreadPoolExecutor(1, "muscle-us")
        self._outcome: Future[Any] = pool.submit(work)
        # The work goes on; its thread ends with it.
        pool.shutdown(wait=False)
        self._timer.start()

    def _look(self) -> None:
        if not self._outcome.done():
            return
        self._timer.stop()
        try:
            # What nobody expected is raised here, for napari's error dialog.
            self._then(self._outcome.result())
        finally:
            if self._after is not None:
                self._after()


def run_aside(
    work: Callable[..., Any],
    *args: Any,
    then: Callable[[Any], None],
    after: Callable[[], None] | None = None,
    parent: QObject | None = None,
    **options: Any,
) -> Aside:
    """Start a pure function with its arguments; keep what is returned until it ends."""
    return Aside(partial(work, *args, **options), then, after=after, parent=parent)
