"""The layers of fibre direction of a viewer, following the image and the settings.

They belong to the viewer and not to a panel, for they are on the screen also while the
panel is not: a map that no longer fits what lies below it must not stay there.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Final

from qtpy.QtCore import QObject, QTimer, Signal

from napari_muscle_us._napari.panels import _animap_work as work
from napari_muscle_us._napari.panels._animap_display import DisplayWatch
from napari_muscle_us._napari.panels._animap_kept import KeptLayers
from napari_muscle_us._napari.panels._animap_source import source_of
from napari_muscle_us._napari.panels._animap_work import (
    COLOURS,
    LINES,
    Display,
    MapSettings,
    Outcome,
    Wanted,
)
from napari_muscle_us._napari.panels._texmap_job import LatestJob
from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    from napari_muscle_us._napari._map_layers import MapLayer
    from napari_muscle_us._napari._session import Session
    from napari_muscle_us._napari.panels._texmap_work import MapSource
    from napari_muscle_us.measure.anisotropy.orientation import OrientationMap

_STALE_MS: Final = 150
"""So long a map of the frame or ROI before may stay until the new one is there."""

_CANCELLED: Final = "Cancelled; change a setting, or tick a map, to compute again."

_of_session: weakref.WeakKeyDictionary[Session, LiveDirections] = (
    weakref.WeakKeyDictionary()
)


def live_directions_of(session: Session) -> LiveDirections:
    """Return the one set of direction layers of a viewer."""
    if session not in _of_session:
        _of_session[session] = LiveDirections(session)
    return _of_session[session]


class LiveDirections(QObject):
    """Keeps the direction layers of a viewer up to date."""

    changed = Signal()
    """A layer came, went or shows something else, or there is something to say."""
    settings_changed = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = weakref.ref(session)
        self._kept = KeptLayers()
        self._found: tuple[Wanted, OrientationMap] | None = None
        self._given_up: Wanted | None = None
        self._source: MapSource | None = None
        self._asked: tuple[Wanted, tuple[str, ...]] | None = None
        self.settings = MapSettings()
        self.follow = True
        self.in_rois = False
        self.message = ""
        self._display = DisplayWatch(self)
        self._job = LatestJob(self)
        self._stale = QTimer(self)
        self._stale.setSingleShot(True)
        self._stale.setInterval(_STALE_MS)
        self._connect(session)

    def _connect(self, session: Session) -> None:
        self._job.finished.connect(self._on_finished)
        self._stale.timeout.connect(self._blank_strangers)
        self._display.changed.connect(self.refresh)
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

    def layer(self, kind: str) -> MapLayer | None:
        """Return the layer of a kind."""
        return self._kept.layers.get(kind)

    def is_shown(self, kind: str) -> bool:
        """Whether there is a layer of a kind that can be seen."""
        layer = self.layer(kind)
        return layer is not None and bool(layer.visible)

    def found(self) -> tuple[Wanted, OrientationMap] | None:
        """Return the map on the screen and what it is of, ``None`` without one."""
        return None if self.busy else self._found

    def show(self, kind: str) -> None:
        """Show a layer; of the maps, only this one.

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
        self.settings.tensor.window_px(source.image.spacing_mm)
        # Colours of two maps, one on the other, are those of neither.
        for other in self._kept.layers if kind != LINES else ():
            if other not in (kind, LINES):
                self.hide(other)
        layer = self.layer(kind)
        if layer is None:
            wanted = Wanted(source, self.settings, Display())
            layer = self._kept.make(session.viewer, kind, wanted)
            layer.events.visible.connect(self.refresh)
        layer.visible = True
        self.refresh()

    def hide(self, kind: str) -> None:
        """Hide a layer; it is not computed any more."""
        layer = self.layer(kind)
        if layer is not None:
            layer.visible = False

    def set_settings(self, settings: MapSettings) -> None:
        """Compute all with other settings."""
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
        for kind in self._kept.layers:
            if self._kept.shown.get(kind) != self._given_up:
                self._kept.blank(kind)
        self._found = None
        self._say(_CANCELLED)

    def wanted(self) -> Wanted:
        """Return what the layers are to show now.

        Raises
        ------
        MuscleUSError
            If there is no image or region to make them of.
        """
        session = self._session()
        if session is None:
            raise MuscleUSError("The viewer was closed; open a new one.")
        source = self._source_now(session)
        display = Display()
        if self.is_shown(COLOURS):
            display = self._display.of(source.layer)
        return Wanted(source, self.settings, display)

    def refresh(self, event: object = None) -> None:
        """Compute what can be seen and is not there yet."""
        session = self._session()
        if session is None or not session.is_open or not self._kept.layers:
            self._stop()
            self._found = None
            self._say("")
            return
        try:
            wanted = self.wanted()
        except MuscleUSError as error:
            self._refuse(str(error))
            return
        if wanted == self._given_up:
            return
        self._given_up = None
        layers = self._kept.layers
        outdated = [k for k in layers if self._kept.shown.get(k) != wanted]
        needed = tuple(k for k in outdated if layers[k].visible)
        self._clear(outdated, needed, wanted)
        if not needed:
            self._stop()
            self._say(self.message if len(outdated) < len(layers) else "")
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
        for kind in outdated:
            shown = self._kept.shown.get(kind)
            seen = kind in needed
            if shown is None or (seen and shown.source is wanted.source):
                continue
            if seen and shown.source.layer is wanted.source.layer:
                soon = True
            else:
                self._kept.blank(kind)
        if not self._kept.shown:
            self._found = None
        if soon and not self._stale.isActive():
            self._stale.start()

    def _source_now(self, session: Session) -> MapSource:
        """Return what maps are made of now, the very same if nothing changed."""
        if self._source is None or self.follow:
            self._source = source_of(session, self._source, in_rois=self.in_rois)
        return self._source

    def _on_finished(self, outcome: Outcome | None) -> None:
        asked = self._asked
        # Cancelled work comes to nothing; what waited is running by itself.
        if outcome is None or asked is None:
            return
        if outcome.wanted.source is not asked[0].source:
            return
        latest = outcome.wanted == asked[0]
        if outcome.found is None or outcome.shown is None:
            if latest:
                self._refuse(outcome.problem)
            return
        # One more layer may have been asked for meanwhile, of the very same map.
        if latest and set(asked[1]) <= set(outcome.shown):
            self._asked = None
        self._stale.stop()
        self._found = outcome.wanted, outcome.found
        for kind, values in outcome.shown.items():
            if kind in self._kept.layers:
                self._kept.show(kind, values, outcome.wanted)
        self._say(outcome.caveat)

    def _refuse(self, message: str) -> None:
        """Show nothing but the reason."""
        self._stop()
        self._found = None
        for kind in self._kept.layers:
            self._kept.blank(kind)
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
        for kind, shown in list(self._kept.shown.items()):
            if self._asked is not None and shown.source is not self._asked[0].source:
                self._kept.blank(kind)
        self.changed.emit()

    def _on_removed(self, event: Any) -> None:
        for kind, layer in list(self._kept.layers.items()):
            if layer is event.value:
                layer.events.visible.disconnect(self.refresh)
                self._kept.forget(kind)
                self.refresh()
