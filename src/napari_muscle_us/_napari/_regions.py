"""The shapes of an ROI layer as regions to measure, or the reason why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_muscle_us._napari import _roi_rows
from napari_muscle_us.errors import MuscleUSError
from napari_muscle_us.roi.open_shapes import Points, Polyline
from napari_muscle_us.roi.rasterize import usable_window

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_muscle_us._napari._roi_store import StoredRoi
    from napari_muscle_us.image import UltrasoundImage
    from napari_muscle_us.roi.entries import RoiEntry
    from napari_muscle_us.roi.rasterize import RoiWindow
    from napari_muscle_us.roi.shapes import Roi


@dataclass(frozen=True, slots=True)
class Region:
    """A shape of the ROI layer as it is now: usable, or the reason why not.

    One that is still being drawn has neither an entry nor a problem; a line has an
    entry and its length, but no pixels.
    """

    index: int
    name: str
    muscle: str
    side: str
    roi: Roi | None = None
    window: RoiWindow | None = None
    problem: str = ""
    entry: RoiEntry | None = None

    @property
    def line(self) -> Polyline | None:
        """The line or angle, if it is one."""
        roi = None if self.entry is None else self.entry.roi
        return roi if isinstance(roi, Polyline) else None


class RegionCache:
    """Makes regions of shapes, anew only for those that changed."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[tuple[Any, ...], Any, Region]] = {}

    def clear(self) -> None:
        """Forget all regions."""
        self._known.clear()

    def regions(
        self, stored: Iterable[StoredRoi], image: UltrasoundImage
    ) -> list[Region]:
        """Return a region for each shape of a layer on an image."""
        picture = (image.key, image.crop, image.frame_shape, image.spacing_mm)
        known = {}
        for shape in stored:
            labels = tuple(shape.row[label] for label in _roi_rows.LABELS)
            key = (labels, shape.problem, image.frame_index, *picture)
            old = self._known.get(shape.index)
            # The very entry: an equal outline may stem from another one.
            if old is not None and old[0] == key and old[1] is shape.entry:
                known[shape.index] = old
            else:
                region = _make(shape, image)
                known[shape.index] = (key, shape.entry, region)
        self._known = known
        return [region for _, _, region in known.values()]


def _make(shape: StoredRoi, image: UltrasoundImage) -> Region:
    labels: Any = {label: shape.row[label] for label in _roi_rows.LABELS}
    entry = shape.entry
    if entry is None:
        return Region(shape.index, **labels, problem=shape.problem)
    roi = entry.roi
    if not entry.on_frame(image.frame_index):
        problem = (
            f"ROI {roi.name!r} belongs to frame {entry.frame}; go there, or put it on "
            "all frames."
        )
        return Region(shape.index, **labels, problem=problem, entry=entry)
    if isinstance(roi, Polyline | Points):
        return Region(shape.index, **labels, entry=entry)
    try:
        window = usable_window(roi, image.frame_shape)
    except MuscleUSError as error:
        return Region(shape.index, **labels, problem=str(error), entry=entry)
    return Region(shape.index, **labels, roi=roi, window=window, entry=entry)
