"""What the panels of one viewer share: image, regions, subject, results.

Layer events come in here; panels listen to the session's signals only, so that any
number of them can be open at once and agree.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from napari.layers import Image, Shapes
from psygnal import Signal

from napari_muscle_us._napari import _layers, _shapes
from napari_muscle_us._napari._regions import RegionCache
from napari_muscle_us._napari._roi_watch import RoiWatch
from napari_muscle_us._napari._workers import warm_up
from napari_muscle_us.errors import ImageReadError, MuscleUSError, RoiError
from napari_muscle_us.measure.intensity import measure_intensity
from napari_muscle_us.reference.load import DEFAULT_SET
from napari_muscle_us.reference.subject import Subject
from napari_muscle_us.results import empty_results

if TYPE_CHECKING:
    import pandas as pd
    from napari.components import ViewerModel

    from napari_muscle_us._napari._regions import Region
    from napari_muscle_us.image import UltrasoundImage
    from napari_muscle_us.measure.intensity import IntensityStatistics

_sessions: WeakKeyDictionary[ViewerModel, Session] = WeakKeyDictionary()


def session_of(viewer: ViewerModel) -> Session:
    """Return the one session of a viewer."""
    # napari hands plugins a proxy that does not live as long as the viewer.
    viewer = getattr(viewer, "__wrapped__", viewer)
    if viewer not in _sessions:
        _sessions[viewer] = Session(viewer)
    return _sessions[viewer]


class Session:
    """State of one viewer, with a signal for each thing that can change."""

    layers_changed = Signal()
    """Another image or ROI layer is the current one."""
    rois_changed = Signal()
    """A region was added, removed, moved or relabelled."""
    selection_changed = Signal()
    mode_changed = Signal()
    """Another drawing tool is in hand."""
    subject_changed = Signal()
    """Age, sex, height, weight, reference set or device question."""
    results_changed = Signal()

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = weakref.ref(viewer)
        self.image_layer: Image | None = None
        self._watch = RoiWatch()
        self.subject = Subject()
        self.reference = DEFAULT_SET
        self.accept_device = False
        self._results: pd.DataFrame | None = None
        self._cache = RegionCache()
        self._watch.changed.connect(self._on_rois_changed)
        self._watch.selection_changed.connect(self._on_selection_changed)
        self._watch.mode_changed.connect(self._on_mode_changed)
        viewer.layers.events.inserted.connect(self._on_layers_changed)
        viewer.layers.events.removed.connect(self._on_layers_changed)
        viewer.layers.selection.events.active.connect(self._on_layers_changed)
        self._on_layers_changed()
        warm_up()

    @property
    def roi_layer(self) -> Shapes | None:
        """The current ROI layer."""
        return self._watch.layer

    @property
    def viewer(self) -> ViewerModel:
        """The viewer that this session belongs to."""
        viewer = self._viewer()
        if viewer is None:
            raise MuscleUSError("The viewer was closed; open a new one.")
        return viewer

    def image(self) -> UltrasoundImage:
        """Return the current image.

        Raises
        ------
        ImageReadError
            If there is none, or its layer cannot be measured.
        """
        if self.image_layer is None:
            raise ImageReadError(
                "No image is open; open one with File › Open or File › Open Sample."
            )
        return _layers.image_of(self.image_layer)

    def regions(self) -> list[Region]:
        """Return the regions of the current ROI layer."""
        if self.roi_layer is None or self.image_layer is None:
            return []
        try:
            image = self.image()
        except MuscleUSError:
            return []
        return self._cache.regions(self.roi_layer, self.image_layer, image)

    def selected(self) -> list[int]:
        """Return the indices of the selected regions."""
        if self.roi_layer is None:
            return []
        count = len(self.roi_layer.data)
        return sorted(i for i in self.roi_layer.selected_data if i < count)

    def select(self, indices: list[int]) -> None:
        """Select regions in the layer."""
        if self.roi_layer is not None and indices != self.selected():
            self.roi_layer.selected_data = set(indices)

    def chosen_regions(self, *, everything: bool = False) -> list[Region]:
        """Return the selected regions; all when none is selected or asked for."""
        regions = self.regions()
        chosen = [] if everything else self.selected()
        return [r for r in regions if r.index in chosen] if chosen else regions

    def statistics(self, region: Region) -> IntensityStatistics:
        """Return the gray-level statistics of a usable region."""
        if region.window is None:
            raise RoiError(region.problem or "The outline is still being drawn.")
        rows, columns, mask = region.window
        return measure_intensity(self.image().gray[rows, columns], mask)

    def use_image(self, layer: Image) -> None:
        """Make an image the current one, with the ROI layer that belongs to it."""
        self._use(layer, self._rois_for(layer))

    def new_roi_layer(self) -> Shapes:
        """Add a Shapes layer tied to the current image, and return it."""
        self.image()
        layer = Shapes(**_shapes.roi_layer_kwargs(self.image_layer))
        image_layer = self.image_layer
        self.viewer.add_layer(layer)
        self._use(image_layer, layer)
        return layer

    def edit(self, index: int, **labels: str) -> None:
        """Change name, muscle or side of a region."""
        if self.roi_layer is None:
            return
        rows = _shapes.read_rows(self.roi_layer)
        rows[index].update(labels)
        _shapes.write_rows(self.roi_layer, rows)

    def remove(self, indices: list[int]) -> None:
        """Delete regions."""
        if self.roi_layer is not None and indices:
            self.roi_layer.selected_data = set(indices)
            self.roi_layer.remove_selected()

    def show_measured(self, values: dict[int, float]) -> None:
        """Write echo intensities beside their outlines, until these move."""
        if self.roi_layer is None:
            return
        rows = _shapes.read_rows(self.roi_layer)
        for index, value in values.items():
            rows[index][_shapes.EI] = value
            rows[index][_shapes.OUTLINE] = _shapes.outline_checksum(
                self.roi_layer, index
            )
        _shapes.write_rows(self.roi_layer, rows)

    def set_subject(
        self, subject: Subject, reference: str, *, accept_device: bool
    ) -> None:
        """Set what a Z-score needs besides the region."""
        new = (subject, reference, accept_device)
        if new != (self.subject, self.reference, self.accept_device):
            self.subject, self.reference, self.accept_device = new
            self.subject_changed.emit()

    @property
    def results(self) -> pd.DataFrame:
        """The results table."""
        if self._results is None:
            self._results = empty_results()
        return self._results

    @property
    def has_results(self) -> bool:
        """Whether the results table has rows."""
        return self._results is not None and not self._results.empty

    def set_results(self, results: pd.DataFrame) -> None:
        """Replace the results table."""
        self._results = results
        self.results_changed.emit()

    def _on_layers_changed(self, event: object = None) -> None:
        viewer = self._viewer()
        if viewer is None:
            return
        active = viewer.layers.selection.active
        image, rois = self.image_layer, self.roi_layer
        if isinstance(active, Image):
            image, rois = active, self._rois_for(active)
        elif isinstance(active, Shapes):
            rois = active
            image = self._image_for(active) or image
        if image not in viewer.layers:
            images = [layer for layer in viewer.layers if isinstance(layer, Image)]
            image = images[-1] if images else None
            rois = None if image is None else self._rois_for(image)
        if rois not in viewer.layers:
            rois = None if image is None else self._rois_for(image)
        self._use(image, rois)

    def _use(self, image: Image | None, rois: Shapes | None) -> None:
        if image is self.image_layer and rois is self.roi_layer:
            return
        if rois is not self.roi_layer:
            self._watch.bind(rois)
        if image is not self.image_layer:
            self._watch_image(image)
        self._cache.clear()
        self.layers_changed.emit()
        self.rois_changed.emit()

    def _rois_for(self, image: Image) -> Shapes | None:
        shapes = [x for x in self.viewer.layers if isinstance(x, Shapes)]
        return next((s for s in reversed(shapes) if self._tied(s, image)), None)

    def _image_for(self, shapes: Shapes) -> Image | None:
        current = self.image_layer
        images = [x for x in self.viewer.layers if isinstance(x, Image)]
        if current in images and self._tied(shapes, current):
            return current
        return next((i for i in reversed(images) if self._tied(shapes, i)), None)

    @staticmethod
    def _tied(shapes: Shapes, image: Image) -> bool:
        try:
            return _layers.is_tied(shapes, image)
        except MuscleUSError:
            return False

    def _watch_image(self, image: Image | None) -> None:
        if self.image_layer is not None:
            events = self.image_layer.events
            events.scale.disconnect(self._on_scale)
            events.units.disconnect(self._on_scale)
            events.data.disconnect(self._on_pixels)
            events.set_data.disconnect(self._on_pixels)
        self.image_layer = image
        if image is not None:
            image.events.scale.connect(self._on_scale)
            image.events.units.connect(self._on_scale)
            image.events.data.connect(self._on_pixels)
            image.events.set_data.connect(self._on_pixels)

    def read_pixels_again(self) -> None:
        """Forget the image's pixels, which a script may have edited in place."""
        if self.image_layer is not None:
            _layers.forget_image(self.image_layer)

    def _on_pixels(self, event: object = None) -> None:
        self.read_pixels_again()
        self.rois_changed.emit()

    def _on_scale(self, event: object = None) -> None:
        """Keep outlines on their pixels when the user sets the scale by hand."""
        if self.image_layer is not None and self.roi_layer is not None:
            _layers.follow_image(self.roi_layer, self.image_layer)
        self._cache.clear()
        self.layers_changed.emit()
        self.rois_changed.emit()

    def _on_rois_changed(self) -> None:
        self.rois_changed.emit()

    def _on_selection_changed(self) -> None:
        self.selection_changed.emit()

    def _on_mode_changed(self) -> None:
        self.mode_changed.emit()
