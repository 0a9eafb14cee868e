"""The texture maps of a viewer: one a feature, following the image and the settings."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Final

from qtpy.QtCore import Signal

from napari_muscle_us._napari.panels import _texmap_work as work
from napari_muscle_us._napari.panels._map_live import LiveLayers
from napari_muscle_us._napari.panels._texmap_kept import KeptMaps
from napari_muscle_us._napari.panels._texmap_work import MapSettings, Wanted

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from napari_muscle_us._napari._session import Session
    from napari_muscle_us._napari.panels._map_outcome import Outcome
    from napari_muscle_us._napari.panels._map_source import MapSource

_CANCELLED: Final = "Cancelled; change a setting, or press Add map, to compute again."

_of_session: weakref.WeakKeyDictionary[Session, LiveMaps] = weakref.WeakKeyDictionary()


def live_maps_of(session: Session) -> LiveMaps:
    """Return the one set of texture maps of a viewer."""
    if session not in _of_session:
        _of_session[session] = LiveMaps(session)
    return _of_session[session]


class LiveMaps(LiveLayers):
    """Keeps the texture maps of a viewer up to date."""

    progressed = Signal(int, int)

    _kept: KeptMaps
    settings: MapSettings

    def __init__(self, session: Session) -> None:
        super().__init__(session, KeptMaps(), MapSettings(), _CANCELLED)
        self._job.progressed.connect(self.progressed)

    def _wanted_of(self, source: MapSource) -> Wanted:
        return Wanted(source, self.settings)

    def _task(self) -> Callable[..., Outcome | None]:
        return work.make_maps

    @property
    def compiling(self) -> bool:
        """Whether what is being computed has to be compiled first."""
        return self._asked is not None and not work.is_compiled(self._asked[1])

    @property
    def features(self) -> tuple[str, ...]:
        """The features that have a map, in the order in which they came."""
        return self.kinds

    def values(self, feature: str) -> npt.NDArray[Any] | None:
        """Return the values of a map, ``None`` while they are not those wanted."""
        return self._kept.values(feature)

    def add(self, feature: str) -> None:
        """Add the map of a feature, or show it again, and hide the others.

        Raises
        ------
        MuscleUSError
            If there is no image or region to make it of.
        """
        # Colours of two maps, one on the other, are those of neither.
        self._put(feature, instead_of=[k for k in self.kinds if k != feature])

    def remove(self, feature: str) -> None:
        """Take the map of a feature away."""
        session, layer = self._session(), self.layer(feature)
        if session is not None and layer in session.viewer.layers:
            session.viewer.layers.remove(layer)

    def fit_colours(self) -> None:
        """Stretch the colours of all maps over their values."""
        self._kept.fit_colours()
