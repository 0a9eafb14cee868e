"""What takes too long for a drag: computed in a thread when the regions stand still."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from qtpy.QtCore import QObject, QTimer, Signal

from napari_muscle_us._napari._workers import run_aside
from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_muscle_us._napari._workers import Aside
    from napari_muscle_us.image import UltrasoundImage
    from napari_muscle_us.measure.quality import FrameFacts
    from napari_muscle_us.measure.standard_error import StandardError
    from napari_muscle_us.roi.rasterize import RoiWindow

PAUSE_MS: Final = 200
_MOST_KEPT: Final = 64


class Job(NamedTuple):
    """What a thread is to find out about an image and its regions."""

    image: UltrasoundImage
    windows: tuple[RoiWindow, ...]
    with_facts: bool


class Found(NamedTuple):
    """What it found; no facts where they were not asked for, or cannot be told."""

    job: Job
    facts: FrameFacts | None
    errors: tuple[StandardError, ...]


def find(job: Job) -> Found:
    """Return the facts of an image and the standard errors of its regions."""
    from napari_muscle_us.measure.quality import prepare
    from napari_muscle_us.measure.standard_error import standard_error_of_mean

    facts = None
    if job.with_facts:
        try:
            facts = prepare(job.image)
        except MuscleUSError:
            # Asked for again with the next image; the numbers do not need them.
            facts = None
    pixels = job.image.pixels
    errors = tuple(
        standard_error_of_mean(pixels[window.rows, window.columns], window.mask)
        for window in job.windows
    )
    return Found(job, facts, errors)


class SlowFacts(QObject):
    """Keeps standard errors and facts of the shown image; finds them in pauses."""

    found = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE_MS)
        self._timer.timeout.connect(self._on_pause)
        self._next: Job | None = None
        self._running = False
        self._aside: Aside | None = None
        self._image: UltrasoundImage | None = None
        self._prepared = False
        self._facts: FrameFacts | None = None
        # The windows are kept beside, so that no other object gets their identity.
        self._errors: dict[int, tuple[RoiWindow, StandardError]] = {}

    def facts(self, image: UltrasoundImage) -> FrameFacts | None:
        """Return what the quality of regions is told from, if it is known."""
        return self._facts if image is self._image else None

    def error(self, image: UltrasoundImage, window: RoiWindow) -> StandardError | None:
        """Return the standard error of a region's mean, if it is known."""
        if image is not self._image:
            return None
        known = self._errors.get(id(window))
        return known[1] if known is not None and known[0] is window else None

    def want(
        self, image: UltrasoundImage, windows: Iterable[RoiWindow], *, errors: bool
    ) -> None:
        """Ask for what is not known yet; it is looked for after a pause."""
        missing = tuple(
            window for window in windows if errors and self.error(image, window) is None
        )
        with_facts = image is not self._image or not self._prepared
        if missing or with_facts:
            self._next = Job(image, missing, with_facts)
            self._timer.start()
        else:
            self._next = None
            self._timer.stop()

    def _on_pause(self) -> None:
        # Busy: what is asked for next starts when the thread has ended.
        if self._next is None or self._running:
            return
        job, self._next = self._next, None
        self._running = True
        self._aside = run_aside(
            find, job, then=self._on_found, after=self._on_finished, parent=self
        )

    def _on_found(self, found: Found) -> None:
        image = found.job.image
        if image is not self._image:
            self._image, self._facts, self._prepared = image, None, False
            self._errors.clear()
        if found.job.with_facts:
            self._facts, self._prepared = found.facts, True
        if len(self._errors) > _MOST_KEPT:
            self._errors.clear()
        for window, error in zip(found.job.windows, found.errors, strict=True):
            self._errors[id(window)] = (window, error)
        self.found.emit()

    def _on_finished(self) -> None:
        self._running = False
        if self._next is not None and not self._timer.isActive():
            self._timer.start()
