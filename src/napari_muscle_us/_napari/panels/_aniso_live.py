"""Anisotropy of the shown regions as they are now; of a drag the last place counts."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NamedTuple

from qtpy.QtCore import QObject, QTimer, Signal

from napari_muscle_us._napari.panels import _aniso_work as work
from napari_muscle_us._napari.panels._latest_job import LatestJob

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_muscle_us._napari.panels._aniso_work import Known, Outcome
    from napari_muscle_us._napari.panels._texture_live import Source
    from napari_muscle_us.measure.anisotropy.settings import AnisotropySettings

AT_ONCE_SECONDS: Final = 0.016
"""Longer work would hold up a drag, and goes into the background."""

STALE_SECONDS: Final = 0.15
"""So long the numbers of the place before may stay while those of a drag are made."""


class Found(NamedTuple):
    """What is known of a region.

    `outcome` is ``None`` for one that is still being computed; `current` tells whether
    it is of the region as it is, or of where it was a moment ago.
    """

    outcome: Outcome | None
    current: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """A region in its place among those shown."""

    source: Source
    known: Known | None = None
    current: bool = False
    since: float = 0.0
    """When what is known became that of the place before."""


class LiveAnisotropy(QObject):
    """Computes the anisotropy of each region, anew only where something changed."""

    found = Signal()
    """Something is known that was not before."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._places: list[_Place] = []
        self._pace: tuple[AnisotropySettings, float] | None = None
        self._asked: tuple[tuple[Source, ...], AnisotropySettings] | None = None
        self.job = LatestJob(self)
        self.job.finished.connect(self._on_finished)
        self._stale = QTimer(self)
        self._stale.setSingleShot(True)
        self._stale.setInterval(round(1000 * STALE_SECONDS) + 1)
        self._stale.timeout.connect(self.found)

    @property
    def busy(self) -> bool:
        """Whether something is being computed."""
        return self._asked is not None

    @property
    def compiling(self) -> bool:
        """Whether what is waited for is compiled first, as at the very first use."""
        return self._asked is not None and not work.is_compiled(self._asked[1])

    def results(
        self, sources: Sequence[Source], settings: AnisotropySettings
    ) -> list[Found]:
        """Return what is known of each region."""
        self._take_places(sources, settings)
        missing = tuple(p.source for p in self._places if not p.current)
        if not missing:
            self.stop()
        elif self._is_quick(missing, settings):
            self.stop()
            self._learn([work.anisotropy_of(source, settings) for source in missing])
        elif (missing, settings) != self._asked:
            other = self._asked is not None and self._asked[1] != settings
            self._asked = missing, settings
            self.job.ask(work.compute_slowly, missing, settings, at_once=other)
        return [self._found(place) for place in self._places]

    def stop(self) -> None:
        """Give up what is being computed; nobody waits for it any more."""
        self._asked = None
        self._stale.stop()
        if self.job.running:
            self.job.cancel()

    def _take_places(
        self, sources: Sequence[Source], settings: AnisotropySettings
    ) -> None:
        """Keep what is known, and where a region moved, what was known before."""
        now = time.monotonic()
        by_source = {place.source: place for place in self._places}
        before = self._places if len(self._places) == len(sources) else []
        places = []
        for number, source in enumerate(sources):
            place = by_source.get(source)
            if place is None and before and _is_alike(before[number].source, source):
                old = before[number]
                since = now if old.current else old.since
                place = replace(old, source=source, current=False, since=since)
            if place is None or place.known is None or place.known.settings != settings:
                place = _Place(source)
            places.append(place)
        self._places = places

    def _found(self, place: _Place) -> Found:
        known = place.known
        if known is None:
            return Found(None, current=False)
        if not place.current:
            if time.monotonic() - place.since > STALE_SECONDS:
                return Found(None, current=False)
            if not self._stale.isActive():
                self._stale.start()
        return Found(known.outcome, place.current)

    def _is_quick(
        self, sources: Sequence[Source], settings: AnisotropySettings
    ) -> bool:
        """Whether it takes no longer than a drag allows, by the time it took before."""
        if self._pace is None or self._pace[0] != settings:
            return False
        pixels = sum(source.gray.size for source in sources)
        return pixels * self._pace[1] <= AT_ONCE_SECONDS

    def _learn(self, found: Sequence[Known]) -> None:
        """Take outcomes to their places; one of a place before is worth a moment."""
        now = time.monotonic()
        for known in found:
            self._pace = known.settings, known.seconds / known.source.gray.size
            for number, place in enumerate(self._places):
                if place.source is known.source:
                    self._places[number] = _Place(known.source, known, current=True)
                elif not place.current and _is_alike(place.source, known.source):
                    self._places[number] = replace(place, known=known, since=now)

    def _on_finished(self, found: list[Known]) -> None:
        if self._asked is None:
            return
        self._learn([known for known in found if known.settings == self._asked[1]])
        if all(place.current for place in self._places):
            self._asked = None
        self.found.emit()


def _is_alike(one: Source, other: Source) -> bool:
    """Whether two are of the same outline, which may have moved or changed since."""
    return (one.name, one.muscle, one.side, one.place, one.kept) == (
        other.name, other.muscle, other.side, other.place, other.kept,
    )  # fmt: skip
