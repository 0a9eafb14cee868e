"""A task of a panel that must not hold up the window, with progress and cancelling."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final, NoReturn

from qtpy.QtCore import QObject, QTimer, Signal
from qtpy.QtWidgets import QApplication

if TYPE_CHECKING:
    from collections.abc import Callable
    from concurrent.futures import Future

_LOOK_MS: Final = 40


class BackgroundJob(QObject):
    """Runs one task at a time in a thread of its own, and tells of it in the window's.

    The thread touches nothing of Qt: a timer of the panel looks how far it is.
    """

    progressed = Signal(int, int)
    """How many steps are done, and of how many."""
    finished = Signal(object)
    """The outcome of the task. A cancelled one has none."""
    running_changed = Signal(bool)

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._run: _Run | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(_LOOK_MS)
        self._timer.timeout.connect(self._look)
        application = QApplication.instance()
        if application is not None:
            application.aboutToQuit.connect(self.cancel)

    @property
    def running(self) -> bool:
        """Whether a task is under way."""
        return self._run is not None

    def start(self, task: Callable[..., Any], *args: Any) -> None:
        """Begin a task; one that is under way is given up.

        Parameters
        ----------
        task : callable
            Pure function. It also takes ``progress(done, of)`` and ``cancelled()``,
            and returns failures that are to be expected, instead of raising them.
        *args
            What it is given.
        """
        self.cancel()
        self._run = _Run(task, args)
        # A panel that is deleted meanwhile asks for nothing any more.
        self.destroyed.connect(self._run.give_up)
        self._timer.start()
        self.running_changed.emit(True)

    def cancel(self) -> None:
        """Give the task up; its outcome is never told."""
        if self._run is not None:
            self._run.give_up()
            self._end()

    def _end(self) -> None:
        if self._run is not None:
            self.destroyed.disconnect(self._run.give_up)
        self._run = None
        self._timer.stop()
        self.running_changed.emit(False)

    def _look(self) -> None:
        run = self._run
        if run is None:
            return
        if not run.outcome.done():
            self.progressed.emit(*run.progress)
            return
        self._end()
        # What nobody expected is raised here, and so comes to napari's error dialog.
        self.finished.emit(run.outcome.result())


class _Run:
    """A thread with what it tells and is told."""

    def __init__(self, task: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self._stop = threading.Event()
        self.progress = (0, 0)
        pool = ThreadPoolExecutor(1, "muscle-us")
        self.outcome: Future[Any] = pool.submit(
            task, *args, progress=self._tell, cancelled=self._stop.is_set
        )
        # The task goes on; its thread ends with it.
        pool.shutdown(wait=False)

    def give_up(self, *_: object) -> None:
        """Ask the task to stop."""
        self._stop.set()

    def _tell(self, done: int, of: int) -> None:
        self.progress = (done, of)


def refuse(error: Exception) -> NoReturn:
    """Raise what a task returned instead of raising it."""
    raise error
