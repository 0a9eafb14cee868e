"""What is computed of the shown regions as they are now, once each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Protocol

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_muscle_us._napari.panels._background_job import BackgroundJob
from napari_muscle_us.errors import MuscleUSError
from napari_muscle_us.measure.texture.measure import Texture, texture_of
from napari_muscle_us.measure.texture.settings import DIRECTED
from napari_muscle_us.row_parts import coloured_note

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from napari_muscle_us._napari._regions import Region
    from napari_muscle_us._napari._session import Session
    from napari_muscle_us.image import UltrasoundImage
    from napari_muscle_us.measure.texture.settings import TextureSettings
    from napari_muscle_us.roi.rasterize import RoiWindow
    from napari_muscle_us.roi.shapes import Roi

_SECONDS_A_PIXEL: Final = 12e-9
"""What a family takes for a pixel, from the benchmarks."""
_AT_ONCE_SECONDS: Final = 0.05
"""Longer work goes into the background."""
_compiled: set[str] = set()
"""Inner loops that are known to be compiled."""


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Pixels of a region, which do not change any more.

    Two are equal only if they are the same one.
    """

    name: str
    muscle: str
    side: str
    place: str
    gray: npt.NDArray[np.uint8]
    mask: npt.NDArray[np.bool_]
    spacing_mm: tuple[float, float] | None
    roi: Roi | None = None
    note: str = ""
    """What its pixels may not be: gray levels."""
    kept: bool = False

    def keep(self) -> Source:
        """Return the same with pixels of its own, to be compared with others."""
        return replace(self, gray=self.gray.copy(), mask=self.mask.copy(), kept=True)

    def is_same(self, other: Source) -> bool:
        """Whether another has the very pixels of the same region."""
        return (
            (self.name, self.place) == (other.name, other.place)
            and np.array_equal(self.mask, other.mask)
            and np.array_equal(self.gray, other.gray)
        )

    @property
    def title(self) -> str:
        """Name, and for a kept one where it is from."""
        return f"{self.name} · {self.place}" if self.kept else self.name


class Sources:
    """Gives the pixels of regions, made anew only for those that changed."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._image: UltrasoundImage | None = None
        self._known: dict[int, tuple[Region, Source]] = {}

    def of(self, regions: Sequence[Region]) -> list[Source]:
        """Return the pixels of usable regions.

        Raises
        ------
        MuscleUSError
            If there is no image, or its layer cannot be measured.
        """
        image = self._session.image()
        if image is not self._image:
            self._image = image
            self._known.clear()
        made = []
        for region in regions:
            if region.window is None:
                continue
            known = self._known.get(region.index)
            # Regions are made anew only where something of them changed.
            if known is None or known[0] is not region:
                known = (region, _source(region, region.window, image))
                self._known[region.index] = known
            made.append(known[1])
        return made


class Work(Protocol):
    """What is computed of a source; hashable, with equal ones for equal values."""

    def kernels(self) -> frozenset[str]:
        """Return names of the inner loops, which are compiled at their first use."""

    def seconds_a_pixel(self) -> float:
        """Return about how long it takes."""

    def outcome(self, source: Source) -> Any:
        """Return what is found; a sentence where there is nothing to be found."""


@dataclass(frozen=True, slots=True)
class TextureWork:
    """Texture features by some settings."""

    settings: TextureSettings

    def kernels(self) -> frozenset[str]:
        """Return the families."""
        return frozenset(self.settings.families)

    def seconds_a_pixel(self) -> float:
        """Return the time of all families, and of their directions."""
        families = len(self.settings.families)
        if self.settings.each_direction:
            families += 2 * len(set(self.settings.families) & set(DIRECTED))
        return families * _SECONDS_A_PIXEL

    def outcome(self, source: Source) -> Texture | str:
        """Return the texture of a region, or why there is none."""
        try:
            return texture_of(
                source.gray, source.mask, self.settings, spacing_mm=source.spacing_mm
            )
        except MuscleUSError as error:
            return str(error)


class LiveResults(QObject):
    """Computes something of each region, anew only where something changed.

    What takes long, and the very first use of an inner loop, which is compiled then,
    goes into the background.
    """

    found = Signal()
    """Something is known that was not before."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._known: dict[Source, tuple[Work, Any]] = {}
        self.compiling = False
        self.job = BackgroundJob(self)
        self.job.finished.connect(self._on_finished)

    def outcomes(self, sources: Sequence[Source], work: Work) -> list[Any]:
        """Return an outcome for each, ``None`` for those still being computed."""
        # Only the newest: while a setting is turned, many come and go.
        self._known = {
            source: known
            for source, known in self._known.items()
            if source in sources and known[0] == work
        }
        missing = [source for source in sources if source not in self._known]
        if missing:
            self._compute(missing, work)
        return [self._known.get(source, (work, None))[1] for source in sources]

    def _compute(self, missing: list[Source], work: Work) -> None:
        fresh = work.kernels() - _compiled
        pixels = sum(source.gray.size for source in missing)
        if fresh or pixels * work.seconds_a_pixel() > _AT_ONCE_SECONDS:
            # One that is under way ends soon, and then the rest is asked for again.
            if not self.job.running:
                self.compiling = bool(fresh)
                self.job.start(_compute_slowly, tuple(missing), work)
            return
        for source in missing:
            self._known[source] = (work, work.outcome(source))

    def _on_finished(self, told: tuple[Work, list[tuple[Source, Any]]]) -> None:
        work, outcomes = told
        # A region that is refused reaches no inner loop.
        if any(not isinstance(outcome, str) for _, outcome in outcomes):
            _compiled.update(work.kernels())
        self.compiling = False
        self._known |= {source: (work, outcome) for source, outcome in outcomes}
        self.found.emit()


def _source(region: Region, window: RoiWindow, image: UltrasoundImage) -> Source:
    return Source(
        region.name,
        region.muscle,
        region.side,
        image.name,
        image.pixels[window.rows, window.columns],
        window.mask,
        image.spacing_mm,
        region.roi,
        coloured_note(image, window.rows, window.columns, window.mask),
    )


def _compute_slowly(
    sources: Sequence[Source],
    work: Work,
    *,
    progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
) -> tuple[Work, list[tuple[Source, Any]]]:
    """Return the work, and each source with its outcome."""
    outcomes = []
    for done, source in enumerate(sources):
        if cancelled():
            break
        progress(done, len(sources))
        outcomes.append((source, work.outcome(source)))
    return work, outcomes
