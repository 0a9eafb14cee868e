"""Work that follows a slider: of all that is asked for, the last is what counts."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from qtpy.QtCore import Qt

from napari_muscle_us._napari.panels._background_job import BackgroundJob

if TYPE_CHECKING:
    from collections.abc import Callable

    from qtpy.QtCore import QObject

_LOOK_MS: Final = 4
_PATIENCE_S: Final = 0.25
"""Work that ends within it is shown on the way; a drag would else show nothing."""
_MOST_PATIENCE_S: Final = 1.0
"""Where all would be cancelled, it grows up to this; longer work only slows a drag."""


class LatestJob(BackgroundJob):
    """Runs one task at a time; of those asked for meanwhile only the last is kept."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._timer.setInterval(_LOOK_MS)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._waiting: tuple[Callable[..., Any], tuple[Any, ...]] | None = None
        self._began = 0.0
        self._patience_s = _PATIENCE_S

    def ask(self, task: Callable[..., Any], *args: Any, at_once: bool = False) -> None:
        """Run a task next; what ran before is cancelled.

        Parameters
        ----------
        task : callable
            As for `start`.
        *args
            What it is given.
        at_once : bool, default: False
            Whether the outcome of what runs is of no use any more. Otherwise it may
            still come to its end, if that is soon.
        """
        if self.running and not at_once:
            self._waiting = task, args
            return
        self._patience_s = _PATIENCE_S
        self._run_now(task, args)

    def cancel(self) -> None:
        """Give up what runs and what waits."""
        self._waiting = None
        super().cancel()

    def _run_now(self, task: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self._began = time.monotonic()
        self.start(task, *args)

    def _look(self) -> None:
        try:
            super()._look()
        finally:
            waited = time.monotonic() - self._began
            if self._waiting and (not self.running or waited > self._patience_s):
                if self.running:
                    self._patience_s = min(2 * self._patience_s, _MOST_PATIENCE_S)
                self._run_now(*self._waiting)
