"""Finds aponeuroses and fascicles in the background, and puts them on the image."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_muscle_us._napari.panels import _arch_work as work
from napari_muscle_us._napari.panels._background_job import BackgroundJob, refuse
from napari_muscle_us._napari.panels._widgets import report
from napari_muscle_us.errors import MeasureError, MuscleUSError
from napari_muscle_us.measure.anisotropy.aponeurosis import FoundAponeuroses
from napari_muscle_us.measure.anisotropy.fascicle import FascicleDirection

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from napari_muscle_us._napari._session import Session
    from napari_muscle_us._napari.panels._arch_live import LiveArchitecture

    Mask = npt.NDArray[np.bool_]

_REACH: Final = 0.25
"""Half of the line at most, in widths of the ROI or the picture."""


@dataclass(frozen=True, slots=True, eq=False)
class _Place:
    """Where a direction was looked for: middle of the line, and its longest reach."""

    centre: tuple[float, float]
    reach_px: float


class LineFinder(QObject):
    """Looks for lines in the picture that is shown, one search at a time."""

    said = Signal(str, bool)
    """A sentence for the user, and whether it is a warning."""

    def __init__(
        self, session: Session, live: LiveArchitecture, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._session, self._live = session, live
        self._place: _Place | None = None
        self.job = BackgroundJob(self)
        self.job.finished.connect(self._on_finished)
        live.place_changed.connect(self.job.cancel)

    def find_aponeuroses(self, *, in_roi: bool) -> None:
        """Look for the two aponeuroses, in the whole picture or inside an ROI.

        Raises
        ------
        MuscleUSError
            If there is no image, or no ROI to look in.
        """
        self._session.read_pixels_again()
        image = self._session.image()
        mask = self._roi_mask() if in_roi else None
        self.said.emit("", False)
        self.job.start(work.find_lines, image.pixels, image.spacing_mm, mask)

    def find_fascicle(self, *, in_roi: bool) -> None:
        """Look for the direction of the fascicles between the aponeuroses or in an ROI.

        Raises
        ------
        MuscleUSError
            If there is no image, or nowhere to look.
        """
        self._session.read_pixels_again()
        image = self._session.image()
        mask, place = self._region(in_roi=in_roi)
        self._place = place
        self.said.emit("", False)
        self.job.start(work.find_fascicle, image.pixels, image.spacing_mm, mask)

    def _region(self, *, in_roi: bool) -> tuple[Mask, _Place]:
        if in_roi:
            mask = self._roi_mask()
            rows, columns = np.nonzero(mask)
            reach = _REACH * (np.ptp(columns) + 1)
            return mask, _Place((float(rows.mean()), float(columns.mean())), reach)
        now = self._live.outcome
        if now.superficial is None or now.deep is None:
            raise MeasureError(
                now.problem
                or "Draw or find both aponeuroses first, or choose an ROI to look in."
            )
        shape = self._session.image().frame_shape
        mask = work.muscle_mask(now.superficial, now.deep, shape)
        middle = work.muscle_middle(now.superficial, now.deep)
        return mask, _Place(middle, _REACH * shape[1])

    def _roi_mask(self) -> Mask:
        """Return the pixels of the selected ROIs, of all if none is selected."""
        windows = [r.window for r in self._session.chosen_regions()]
        known = [window for window in windows if window is not None]
        if not known:
            raise MeasureError(
                "There is no ROI on this image; draw one in the panel Muscle ROIs, or "
                "look elsewhere."
            )
        mask = np.zeros(self._session.image().frame_shape, np.bool_)
        for rows, columns, inside in known:
            mask[rows, columns] |= inside
        return mask

    def _on_finished(self, outcome: Any) -> None:
        if isinstance(outcome, MuscleUSError):
            report(partial(refuse, outcome))
        elif isinstance(outcome, FoundAponeuroses):
            self._tell_of(partial(self._put_aponeuroses, outcome))
        elif isinstance(outcome, FascicleDirection):
            self._tell_of(partial(self._put_fascicle, outcome))

    def _tell_of(self, put: Callable[[], tuple[str, bool]]) -> None:
        def put_and_say() -> None:
            self.said.emit(*put())

        report(put_and_say)

    def _put_aponeuroses(self, found: FoundAponeuroses) -> tuple[str, bool]:
        if found.superficial is None or found.deep is None:
            return found.reason, True
        note = "aponeuroses found by the program"
        if found.doubt:
            note = f"{note}; {found.doubt.removesuffix('.')}"
        self._live.put(
            superficial=found.superficial.vertices, deep=found.deep.vertices, note=note
        )
        if found.doubt:
            return found.doubt, True
        return (
            f"Found (confidence {found.confidence:.2f}). Look at both lines; drag a "
            "point that is not on the inner border.",
            False,
        )

    def _put_fascicle(self, found: FascicleDirection) -> tuple[str, bool]:
        if found.reason or self._place is None:
            reason = found.reason[:1].upper() + found.reason[1:]
            return f"{reason}. Draw a fascicle by hand.", True
        place = self._place
        line = work.line_along(
            found.direction_deg, place.centre, self._live.outcome, place.reach_px
        )
        note = (
            "fascicle direction from the texture, confidence "
            f"{found.confidence:.2f}, spread {found.spread_deg:.1f}°"
        )
        self._live.put(fascicle=line, note=note)
        return (
            f"Direction {found.direction_deg:.1f}° (confidence {found.confidence:.2f}, "
            f"spread {found.spread_deg:.1f}°). Compare it with the fascicles, and drag "
            "the line's ends where it is off.",
            False,
        )
