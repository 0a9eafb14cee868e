"""What the panels of one viewer share: image, regions, subject, results.

Layer events come in here; panels listen to the session's signals only, so that any
number of them can be open at once and agree.
"""

from __future__ import annotations

import weakref
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from napari.layers import Image, Shapes
from psygnal import Signal

from napari_muscle_us._napari import _layers, _pairs, _shapes
from napari_muscle_us._napari._clip_slider import ClipSlider
from napari_muscle_us._napari._devices import remember_devices
from napari_muscle_us._napari._points_layer import layers_above
from napari_muscle_us._napari._roi_autosave import RoiAutosave
from napari_muscle_us._napari._roi_book import RoiBook
from napari_muscle_us._napari._shown_image import ShownImage
from napari_muscle_us._napari._workers import warm_up
from napari_muscle_us._napari._z_state import ZScoreState
from napari_muscle_us.errors import MuscleUSError, RoiError
from napari_muscle_us.measure.intensity import measure_intensity
from napari_muscle_us.measure_options import MeasureOptions
from napari_muscle_us.results import empty_results

if TYPE_CHECKING:
    import pandas as pd
    from napari.components import ViewerModel

    from napari_muscle_us._napari._regions import Region
    from napari_muscle_us.image import Calibration, Device, UltrasoundImage
    from napari_muscle_us.measure.intensity import IntensityStatistics
    from napari_muscle_us.study.model import Study

_sessions: WeakKeyDictionary[ViewerModel, Session] = WeakKeyDictionary()


def session_of(viewer: ViewerModel) -> Session:
    """Return the one session of a viewer."""
    # napari hands plugins a proxy that does not live as long as the viewer.
    viewer = getattr(viewer, "__wrapped__", viewer)
    if viewer not in _sessions:
        _sessions[viewer] = Session(viewer)
    return _sessions[viewer]


class Session(ZScoreState):
    """State of one viewer, with a signal for each thing that can change."""

    layers_changed = Signal()
    """Another image or ROI layer is the current one."""
    rois_changed = Signal()
    """A region was added, removed, moved or relabelled."""
    selection_changed = Signal()
    mode_changed = Signal()
    """Another drawing tool is in hand."""
    frame_changed = Signal()
    """Another frame of the clip is shown."""
    results_changed = Signal()
    options_changed = Signal()
    """Other things are to be measured, or other rules hold."""
    study_changed = Signal()
    """Another folder was opened as a study."""

    def __init__(self, viewer: ViewerModel) -> None:
        super().__init__()
        self._viewer = weakref.ref(viewer)
        self._shown = ShownImage()
        self.rois = RoiBook()
        self.options = MeasureOptions()
        self._results: pd.DataFrame | None = None
        self.study: Study | None = None
        self._shown.pixels_changed.connect(self._on_pixels)
        self._shown.scale_changed.connect(self._on_scale)
        self.rois.changed.connect(self.rois_changed.emit)
        self.rois.selection_changed.connect(self.selection_changed.emit)
        self.rois.mode_changed.connect(self.mode_changed.emit)
        events = viewer.layers.events
        for event in (events.inserted, events.removed):
            event.connect(self._on_layers_changed)
        viewer.layers.selection.events.active.connect(self._on_layers_changed)
        viewer.dims.events.point.connect(self._on_frame)
        self._slider = ClipSlider(self)
        self.autosave = RoiAutosave(self)
        self._on_layers_changed()
        warm_up()

    @property
    def is_open(self) -> bool:
        """Whether its viewer still exists."""
        return self._viewer() is not None

    @property
    def image_layer(self) -> Image | None:
        """The current image layer."""
        return self._shown.layer

    @property
    def frame(self) -> int:
        """The frame that is shown, 0 for a still image."""
        return self._shown.frame

    @property
    def roi_layer(self) -> Shapes | None:
        """The current ROI layer."""
        return self.rois.layer

    @property
    def viewer(self) -> ViewerModel:
        """The viewer that this session belongs to."""
        viewer = self._viewer()
        if viewer is None:
            raise MuscleUSError("The viewer was closed; open a new one.")
        return viewer

    def image(self) -> UltrasoundImage:
        """Return the current image; of a clip the frame that is shown.

        Raises
        ------
        ImageReadError
            If there is none, or its layer cannot be measured.
        """
        return self._shown.still()

    @property
    def clip(self) -> UltrasoundImage:
        """The current image with all its frames.

        Raises
        ------
        ImageReadError
            If there is none, or its layer cannot be measured.
        """
        return self._shown.whole()

    def calibrate(self, calibration: Calibration | None) -> None:
        """Set the size of a pixel of the current image, by the user's word."""
        self.image()
        _layers.set_calibration(self.image_layer, calibration)
        self._on_scale()

    def complete_device(self, device: Device, by_user: tuple[str, ...]) -> None:
        """Set the device profile of the current image, completed by the user."""
        self.image()
        _layers.set_device(self.image_layer, device, by_user)
        self.layers_changed.emit()

    def add_image(self, image: UltrasoundImage, *, title: str = "") -> Image:
        """Add an image to the viewer and make it the current one."""
        data, attributes, _ = _layers.layer_data(image, title=title)
        layer: Image = self.viewer.add_image(data, **attributes)
        return layer

    def regions(self) -> list[Region]:
        """Return the regions of the current ROI layer."""
        try:
            return self.rois.regions(self.image())
        except MuscleUSError:
            return []

    def selected(self) -> list[int]:
        """Return the indices of the selected regions."""
        return self.rois.selected()

    def select(self, indices: list[int]) -> None:
        """Select regions in the layer."""
        self.rois.select(indices)

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
        return measure_intensity(self.image().pixels[rows, columns], mask)

    def use_image(self, layer: Image, rois: Shapes | None = None) -> None:
        """Make an image the current one, with its newest ROI layer or a given one."""
        self._use(layer, rois or _pairs.rois_for(self.viewer, layer))

    def new_roi_layer(self) -> Shapes:
        """Add a Shapes layer tied to the current image, and return it."""
        self.image()
        image_layer = self.image_layer
        layer = Shapes(**_shapes.roi_layer_kwargs(image_layer))
        self.viewer.add_layer(layer)
        self._use(image_layer, layer)
        return layer

    def edit(self, index: int, **labels: str) -> None:
        """Change name, muscle or side of a region."""
        self.rois.relabel(index, labels)

    def remove(self, indices: list[int]) -> None:
        """Delete regions."""
        if self.roi_layer is not None and indices:
            self.roi_layer.selected_data = set(indices)
            self.roi_layer.remove_selected()

    def show_measured(self, values: dict[int, float]) -> None:
        """Write echo intensities beside their outlines, until these move."""
        self.rois.show_measured(values)

    def set_options(self, **changes: Any) -> None:
        """Set what is measured besides, and by which rules."""
        if any(getattr(self.options, name) != new for name, new in changes.items()):
            self.options = replace(self.options, **changes)
            self.options_changed.emit()

    @property
    def results(self) -> pd.DataFrame:
        """The results table."""
        self._results = empty_results() if self._results is None else self._results
        return self._results

    @property
    def has_results(self) -> bool:
        """Whether the results table has rows."""
        return self._results is not None and not self._results.empty

    def set_results(self, results: pd.DataFrame) -> None:
        """Replace the results table."""
        self._results = results
        remember_devices(self)
        self.results_changed.emit()

    def set_study(self, study: Study | None) -> None:
        """Replace the list of images that the panels offer."""
        self.study = study
        self.study_changed.emit()

    def _on_layers_changed(self, event: object = None) -> None:
        viewer = self._viewer()
        if viewer is None:
            return
        self._use(*_pairs.pair(viewer, self.image_layer, self.roi_layer))

    def _use(self, image: Image | None, rois: Shapes | None) -> None:
        if image is self.image_layer and rois is self.roi_layer:
            return
        if image is not self.image_layer:
            self._shown.bind(image)
        self._shown.follow(self.viewer.dims.point)
        self.rois.bind(rois, image)
        self.rois.set_frame(self.frame)
        self.layers_changed.emit()
        self.rois_changed.emit()

    def _on_frame(self, event: object = None) -> None:
        viewer = self._viewer()
        if viewer is not None and self._shown.follow(viewer.dims.point):
            self.rois.set_frame(self.frame)
            self.frame_changed.emit()
            self.rois_changed.emit()

    def read_pixels_again(self) -> None:
        """Forget the image's pixels, which a script may have edited in place."""
        self._shown.forget()

    def _on_pixels(self) -> None:
        self.read_pixels_again()
        self.rois_changed.emit()

    def _on_scale(self) -> None:
        """Keep outlines on their pixels when the user sets the scale by hand."""
        if self.image_layer is not None:
            for layer in layers_above(self.viewer, self.image_layer):
                _layers.follow_image(layer, self.image_layer)
            # Outlines of the whole do not lie on a part of another scale.
            if self.roi_layer is not None and not _pairs.fits(
                self.roi_layer, self.image_layer
            ):
                rois = _pairs.rois_for(self.viewer, self.image_layer)
                self._use(self.image_layer, rois)
        self.rois.forget()
        self.layers_changed.emit()
        self.rois_changed.emit()
