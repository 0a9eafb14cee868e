"""The ROI layer in hand and its image: what is on it, and how it is written.

`RoiBook` adds the history.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_muscle_us._napari import _roi_rows
from napari_muscle_us._napari._regions import RegionCache
from napari_muscle_us._napari._roi_adopt import bind_slices
from napari_muscle_us._napari._roi_store import RoiStore
from napari_muscle_us._napari._roi_watch import RoiWatch
from napari_muscle_us.errors import RoiError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from napari.layers import Image, Shapes

    from napari_muscle_us._napari._regions import Region
    from napari_muscle_us._napari._roi_store import StoredRoi
    from napari_muscle_us.image import UltrasoundImage
    from napari_muscle_us.roi.entries import RoiEntry


class RoiHand:
    """Reads, selects and writes the regions of one layer on one image."""

    def __init__(self) -> None:
        self.watch = RoiWatch()
        self.image_layer: Image | None = None
        self._cache = RegionCache()

    @property
    def layer(self) -> Shapes | None:
        """The ROI layer in hand."""
        return self.watch.layer

    @property
    def frame(self) -> int:
        """The frame that is shown."""
        return self.watch.frame

    def forget(self) -> None:
        """Make all regions anew, since the image has changed."""
        self._cache.clear()

    @property
    def store(self) -> RoiStore:
        if self.layer is None:
            raise RoiError("There is no ROI layer; draw an ROI first.")
        return RoiStore.of(self.layer)

    def stored(self) -> list[StoredRoi]:
        """Return every shape of the layer with its entry."""
        if self.layer is None or self.image_layer is None:
            return []
        return self.store.read(self.image_layer, self.frame)

    def entries(self) -> tuple[RoiEntry, ...]:
        """Return all finished regions."""
        return self.finished(self.stored())

    @staticmethod
    def finished(stored: Iterable[StoredRoi]) -> tuple[RoiEntry, ...]:
        # Without a key it is still being drawn.
        rows = ((s.kept, s.row[_roi_rows.KEY]) for s in stored)
        return tuple(entry for entry, key in rows if entry is not None and key)

    def regions(self, image: UltrasoundImage) -> list[Region]:
        """Return the regions to measure on an image."""
        return self._cache.regions(self.stored(), image)

    def selected(self) -> list[int]:
        """Return the indices of the selected shapes."""
        if self.layer is None:
            return []
        count = len(self.layer.data)
        return sorted(i for i in self.layer.selected_data if i < count)

    def select(self, indices: Iterable[int]) -> None:
        """Select shapes in the layer."""
        wanted = sorted(set(indices))
        if self.layer is not None and wanted != self.selected():
            self.layer.selected_data = set(wanted)

    def unlocked(
        self, indices: Sequence[int], stored: Sequence[StoredRoi] | None = None
    ) -> list[StoredRoi]:
        """Return chosen shapes that may be edited.

        Raises
        ------
        RoiError
            If none is chosen, one cannot be used, or one is locked.
        """
        stored = self.stored() if stored is None else stored
        chosen = [s for s in stored if s.index in set(indices)]
        if not chosen:
            raise RoiError("No ROI is selected; click one in the table or the image.")
        for shape in chosen:
            if shape.entry is None:
                raise RoiError(shape.problem or "The outline is still being drawn.")
            if shape.entry.locked:
                raise RoiError(
                    f"ROI {shape.row['name']!r} is locked; unlock it to edit it."
                )
        return chosen

    def show_measured(self, values: dict[int, float]) -> None:
        """Write echo intensities beside their outlines, until these move."""
        if self.layer is not None:
            _roi_rows.set_measured(self.layer, values, self.frame)

    def paint(self) -> None:
        """Show names and colours of the regions that are on this frame."""
        if self.layer is not None:
            with self.watch.quiet():
                _roi_rows.show_texts(self.layer, self.frame)
                self.store.paint(self.frame)

    def bind_slices(self) -> None:
        if self.layer is not None and self.image_layer is not None:
            with self.watch.quiet():
                bind_slices(self.layer, self.image_layer, self.frame)

    def show(self, entries: Sequence[RoiEntry], select: Iterable[str] = ()) -> None:
        if self.layer is None or self.image_layer is None:
            return
        rows = _roi_rows.read_rows(self.layer)
        keys = set(select) or {rows[i][_roi_rows.KEY] for i in self.selected()}
        with self.watch.held():
            self.store.show(entries, self.image_layer, self.frame)
            places = [i for i, e in enumerate(entries) if e.key in keys]
            self.layer.selected_data = set(places)
