"""Layers of maps that follow the image and the settings of a viewer.

They belong to the viewer and not to a panel, for they are on the screen also while the
panel is not: a map that no longer fits what lies below it must not stay there.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Final

from qtpy.QtCore import QObject, QTimer, Signal

from napari_muscle_us._napari.panels._latest_job import LatestJob
from napari_muscle_us._napari.panels._map_source import MapSource, source_of
from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from napari_muscle_us._napari._map_layers import MapLayer
    from napari_muscle_us._napari._session import Session
    from napari_muscle_us._napari.panels._map_kept import KeptLayers
    from napari_muscle_us._napari.panels._map_outcome import Outcome

_STALE_MS: Final = 150
"""So long a map of the frame or ROI before may stay until the new one is there."""


class LiveLayers(QObject):
    """Keeps the map layers of a viewer up to date.

    Of all that is wanted the latest is made, in the background, and what is made of
    another frame or ROI is given up. Subclasses say what is wanted of a source, and
    which task makes it.
    """

    changed = Signal()
    """A layer came, went or shows something else, or there is something to say."""
    settings_changed = Signal()

    def __init__(
        self, session: Session, kept: KeptLayers, settings: Any, cancelled: str
    ) -> None:
        super().__init__()
        self._session = weakref.ref(session)
        self._kept = kept
        self._cancelled = cancelled
        self._found: tuple[Any, Any] | None = None
        self._given_up: Any = None
        self._source: MapSource | None = None
        self._asked: tuple[Any, tuple[str, ...]] | None = None
        self.settings = settings
        self.follow = True
        self.in_rois = False
        self.message = ""
        self._job = LatestJob(self)
        self._stale = QTimer(self)
        self._stale.setSingleShot(True)
        self._stale.setInterval(_STALE_MS)
        self._job.finished.connect(self._on_finished)
        self._stale.timeout.connect(self._blank_strangers)
        for signal in (
            session.layers_changed,
            session.rois_changed,
            session.selection_changed,
            session.frame_changed,
        ):
            signal.connect(self.refresh)
        session.viewer.layers.events.removed.connect(self._on_removed)

    def _wanted_of(self, source: MapSource) -> Any:
        """Return what the layers depend on; equal ones need not be made again."""
        raise NotImplementedError

    def _task(self) -> Callable[..., Outcome | None]:
        """Return what makes some kinds of what is wanted, in a thread."""
        raise NotImplementedError

    @property
    def busy(self) -> bool:
        """Whether maps are being computed."""
        return self._asked is not None

    @property
    def kinds(self) -> tuple[str, ...]:
        """What there is a layer of, in the order in which they came."""
        return tuple(self._kept.layers)

    def layer(self, kind: str) -> MapLayer | None:
        """Return the layer of a kind."""
        return self._kept.layers.get(kind)

    def hide(self, kind: str) -> None:
        """Hide a layer; it is not computed any more."""
        layer = self.layer(kind)
        if layer is not None:
            layer.visible = False

    def set_settings(self, settings: Any) -> None:
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
        self._say(self._cancelled)

    def refresh(self, event: object = None) -> None:
        """Compute what can be seen and is not there yet."""
        session = self._session()
        if session is None or not session.is_open or not self._kept.layers:
            self._stop()
            self._found = None
            self._say("")
            return
        try:
            wanted = self._wanted_of(self._source_now(session))
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

    def _put(self, kind: str, *, instead_of: Iterable[str]) -> None:
        """Show a layer and hide others; one that is not there yet is added."""
        session = self._session()
        if session is None:
            return
        self._given_up = None
        source = self._source_now(session)
        # Before there is a layer: one without values would have to be cleared away.
        self.settings.window(source.image.spacing_mm)
        for other in instead_of:
            self.hide(other)
        if kind not in self._kept.layers:
            layer = self._kept.make(session.viewer, kind, self._wanted_of(source))
            layer.events.visible.connect(self.refresh)
        self._kept.layers[kind].visible = True
        self.refresh()

    def _ask(self, wanted: Any, needed: tuple[str, ...]) -> None:
        other = self._asked is not None and self._asked[0].source is not wanted.source
        self._asked = wanted, needed
        self._job.ask(self._task(), wanted, needed, at_once=other)
        self.changed.emit()

    def _clear(self, outdated: list[str], needed: tuple[str, ...], wanted: Any) -> None:
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
        if outcome.problem:
            if latest:
                self._refuse(outcome.problem)
            return
        # One more layer may have been asked for meanwhile, by the same settings.
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
