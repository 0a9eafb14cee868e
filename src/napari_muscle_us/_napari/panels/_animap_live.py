"""The layers of fibre direction of a viewer, following the image and the settings."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Final

from napari_muscle_us._napari.panels import _animap_work as work
from napari_muscle_us._napari.panels._animap_display import DisplayWatch
from napari_muscle_us._napari.panels._animap_kept import KeptDirections
from napari_muscle_us._napari.panels._animap_work import (
    COLOURS,
    LINES,
    Display,
    MapSettings,
    Wanted,
)
from napari_muscle_us._napari.panels._map_live import LiveLayers

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_muscle_us._napari._session import Session
    from napari_muscle_us._napari.panels._map_outcome import Outcome
    from napari_muscle_us._napari.panels._map_source import MapSource
    from napari_muscle_us.measure.anisotropy.orientation import OrientationMap

_CANCELLED: Final = "Cancelled; change a setting, or tick a map, to compute again."

_of_session: weakref.WeakKeyDictionary[Session, LiveDirections] = (
    weakref.WeakKeyDictionary()
)


def live_directions_of(session: Session) -> LiveDirections:
    """Return the one set of direction layers of a viewer."""
    if session not in _of_session:
        _of_session[session] = LiveDirections(session)
    return _of_session[session]


class LiveDirections(LiveLayers):
    """Keeps the direction layers of a viewer up to date."""

    settings: MapSettings

    def __init__(self, session: Session) -> None:
        super().__init__(session, KeptDirections(), MapSettings(), _CANCELLED)
        self._display = DisplayWatch(self)
        self._display.changed.connect(self.refresh)

    def _wanted_of(self, source: MapSource) -> Wanted:
        display = Display()
        if self.is_shown(COLOURS):
            display = self._display.of(source.layer)
        return Wanted(source, self.settings, display)

    def _task(self) -> Callable[..., Outcome | None]:
        return work.make_maps

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
        # Colours of two maps, one on the other, are those of neither.
        maps = () if kind == LINES else self.kinds
        self._put(kind, instead_of=[k for k in maps if k not in (kind, LINES)])
