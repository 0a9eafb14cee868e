"""The texture maps of a viewer: one a feature, following the image and the settings.

They belong to the viewer and not to a panel, for they are on the screen also while the
panel is not: a map that no longer fits what lies below it must not stay there.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Final

from qtpy.QtCore import QObject, QTimer, Signal

from napari_muscle_us._napari._layers import spatial_kwargs_of
from napari_muscle_us._napari.panels import _texmap_work as work
from napari_muscle_us._napari.panels._texmap_job import LatestJob
from napari_muscle_us._napari.panels._texmap_kept import KeptMaps
from napari_muscle_us._napari.panels._texmap_work import (
    MapSettings,
    MapSource,
    Outcome,
    Wanted,
)
from napari_muscle_us.errors import MuscleUSError, RoiError

if TYPE_CHECKING:
    import numpy.typing as npt
    from napari.layers import Image

    from napari_muscle_us._napari._regions import Region
    from napari_muscle_us._napari._session import Session

_STALE_MS: Final = 150
"""So long a map of the frame or ROI before may stay until the new one is there."""

_NO_ROI: Final = (
    "Draw an ROI in the panel Muscle ROIs, or make the map of the whole image."
)
_CANCELLED: Final = "Cancelled; change a setting, or press Add map, to compute again."

_of_session: weakref.WeakKeyDictionary[Session, LiveMaps] = weakref.WeakKeyDictionary()


def live_maps_of(session: Session) -> LiveMaps:
    """Return the one set of texture maps of a viewer."""
    if session not in _of_session:
        _of_session[session] = LiveMaps(session)
    return _of_session[session]


class LiveMaps(QObject):
    """Keeps the map layers of a viewer up to date."""

    changed = Signal()
    """A map came, went or has other values, or there is something to say."""
    settings_changed = Signal()
    progressed = Signal(int, int)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = weakref.ref(session)
        self._maps = KeptMaps()
        self._given_up: Wanted | None = None
        self._source: MapSource | None = None
        self._asked: tuple[Wanted, tuple[str, ...]] | None = None
        self.settings = MapSettings()
        self.follow = True
        self.in_rois = False
        self.message = ""
        self._job = LatestJob(self)
        self._stale = QTimer(self)
        self._stale.setSingleShot(True)
        self._stale.setInterval(_STALE_MS)
        self._connect(session)

    def _connect(self, session: Session) -> None:
        self._job.finished.connect(self._on_finished)
        self._job.progressed.connect(self.progressed)
        self._stale.timeout.connect(self._blank_strangers)
        for signal in (
            session.layers_changed,
            session.rois_changed,
            session.selection_changed,
            session.frame_changed,
        ):
            signal.connect(self.refresh)
        session.viewer.layers.events.removed.connect(self._on_removed)

    @property
    def busy(self) -> bool:
        """Whether maps are being computed."""
        return self._asked is not None

    @property
    def compiling(self) -> bool:
        """Whether what is being computed has to be compiled first."""
        return self._asked is not None and not work.is_compiled(self._asked[1])

    @property
    def features(self) -> tuple[str, ...]:
        """The features that have a map, in the order in which they came."""
        return tuple(self._maps.layers)

    def layer(self, feature: str) -> Image | None:
        """Return the layer of a feature's map."""
        return self._maps.layers.get(feature)

    def values(self, feature: str) -> npt.NDArray[Any] | None:
        """Return the values of a map, ``None`` while they are not those wanted."""
        return self._maps.values(feature)

    def add(self, feature: str) -> None:
        """Add the map of a feature, or show it again, and hide the others.

        Raises
        ------
        MuscleUSError
            If there is no image or region to make it of.
        """
        session = self._session()
        if session is None:
            return
        self._given_up = None
        source = self._source_now(session)
        # Before there is a layer: one without values would have to be cleared away.
        self.settings.window(source.image.spacing_mm)
        # Colours of two maps, one on the other, are those of neither.
        for other, layer in self._maps.layers.items():
            layer.visible = other == feature
        if feature not in self._maps.layers:
            wanted = Wanted(source, self.settings)
            layer = self._maps.make(session.viewer, feature, wanted)
            layer.events.visible.connect(self.refresh)
        self.refresh()

    def remove(self, feature: str) -> None:
        """Take the map of a feature away."""
        session = self._session()
        layer = self._maps.layers.get(feature)
        if session is not None and layer in session.viewer.layers:
            session.viewer.layers.remove(layer)

    def fit_colours(self) -> None:
        """Stretch the colours of all maps over their values."""
        self._maps.fit_colours()

    def set_settings(self, settings: MapSettings) -> None:
        """Compute all maps with other settings."""
        if settings != self.settings:
            self.settings = settings
            self.settings_changed.emit()
            self.refresh()

    def set_place(
        self, *, in_rois: bool | None = None, follow: bool | None = None
    ) -> None:
        """Choose what maps are made of, and whether they follow it."""
        if in_rois is not None and in_rois != self.in_rois:
            self.in_rois, self._source = in_rois, None
        if follow is not None:
            self.follow = follow
        self.settings_changed.emit()
        self.refresh()

    def cancel(self) -> None:
        """Give up what is being computed; a map of other settings does not stay."""
        if self._asked is None:
            return
        self._given_up = self._asked[0]
        self._stop()
        for feature in self._maps.layers:
            if self._maps.shown.get(feature) != self._given_up:
                self._maps.blank(feature)
        self._say(_CANCELLED)

    def refresh(self, event: object = None) -> None:
        """Compute what can be seen and is not there yet."""
        session = self._session()
        if session is None or not session.is_open or not self._maps.layers:
            self._stop()
            self._say("")
            return
        try:
            wanted = Wanted(self._source_now(session), self.settings)
        except MuscleUSError as error:
            self._refuse(str(error))
            return
        if wanted == self._given_up:
            return
        self._given_up = None
        outdated = [f for f in self._maps.layers if self._maps.shown.get(f) != wanted]
        needed = tuple(f for f in outdated if self._maps.layers[f].visible)
        self._clear(outdated, needed, wanted)
        if not needed:
            self._stop()
            self._say(self.message if len(outdated) < len(self._maps.layers) else "")
        elif (wanted, needed) != self._asked:
            self._ask(wanted, needed)

    def _ask(self, wanted: Wanted, needed: tuple[str, ...]) -> None:
        other = self._asked is not None and self._asked[0].source is not wanted.source
        self._asked = wanted, needed
        self._job.ask(work.make_maps, wanted, needed, at_once=other)
        self.changed.emit()

    def _clear(
        self, outdated: list[str], needed: tuple[str, ...], wanted: Wanted
    ) -> None:
        """Blank what nobody sees, and what lies on another picture, at once."""
        soon = False
        for feature in outdated:
            shown = self._maps.shown.get(feature)
            seen = feature in needed
            if shown is None or (seen and shown.source is wanted.source):
                continue
            if seen and shown.source.layer is wanted.source.layer:
                soon = True
            else:
                self._maps.blank(feature)
        if soon and not self._stale.isActive():
            self._stale.start()

    def _source_now(self, session: Session) -> MapSource:
        """Return what maps are made of now, the very same if nothing changed."""
        if self._source is not None and not self.follow:
            return self._source
        image = session.image()
        regions: tuple[Region, ...] = ()
        left_out = ""
        if self.in_rois:
            chosen = session.chosen_regions()
            regions = tuple(r for r in chosen if r.window is not None)
            left_out = " ".join(r.problem for r in chosen if r.problem)
            if not regions:
                raise RoiError(left_out or _NO_ROI)
        layer = session.image_layer
        place = spatial_kwargs_of(layer)
        known = self._source
        if known is None or not known.is_of(layer, image, place, regions):
            known = MapSource(layer, image, place, regions, left_out)
            self._source = known
        return known

    def _on_finished(self, outcome: Outcome | None) -> None:
        asked = self._asked
        # Cancelled work comes to nothing; what waited is running by itself.
        if outcome is None or asked is None:
            return
        if outcome.wanted.source is not asked[0].source:
            return
        latest = outcome.wanted == asked[0]
        if outcome.problem:
            if latest:
                self._refuse(outcome.problem)
            return
        # One more map may have been asked for meanwhile, by the same settings.
        if latest and set(asked[1]) <= set(outcome.maps):
            self._asked = None
        self._stale.stop()
        for feature, values in outcome.maps.items():
            if feature in self._maps.layers:
                self._maps.show(feature, values, outcome.wanted)
        self._say(outcome.caveat)

    def _refuse(self, message: str) -> None:
        """Show nothing but the reason."""
        self._stop()
        for feature in self._maps.layers:
            self._maps.blank(feature)
        self._say(message)

    def _stop(self) -> None:
        self._asked = None
        self._job.cancel()
        self._stale.stop()

    def _say(self, message: str) -> None:
        self.message = message
        self.changed.emit()

    def _blank_strangers(self) -> None:
        """Blank maps of a frame or ROI that is not the present one."""
        for feature, shown in list(self._maps.shown.items()):
            if self._asked is not None and shown.source is not self._asked[0].source:
                self._maps.blank(feature)
        self.changed.emit()

    def _on_removed(self, event: Any) -> None:
        for feature, layer in list(self._maps.layers.items()):
            if layer is event.value:
                layer.events.visible.disconnect(self.refresh)
                self._maps.forget(feature)
                self.refresh()
