"""What a texture map is made of and from: settings, names, and the work."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us import __version__
from napari_muscle_us._napari.panels._map_outcome import Outcome
from napari_muscle_us.errors import MuscleUSError
from napari_muscle_us.measure.texture.discretise import DEFAULT_BIN_SIZE, discretise
from napari_muscle_us.measure.texture.map_features import MAP_FEATURES, OF_MATRIX
from napari_muscle_us.measure.texture.maps import (
    DEFAULT_MIN_SHARE,
    DEFAULT_WINDOW_PX,
    compute_texture_map,
    window_size_px,
)
from napari_muscle_us.measure.texture.offsets import offsets_px
from napari_muscle_us.roi.shapes import roi_to_dict

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    from napari_muscle_us._napari.panels._map_source import MapSource

    Map = npt.NDArray[np.float32]

GRAY_LEVELS: Final = 256
_compiled: set[str] = set()
"""Inner loops that are known to be compiled."""


@dataclass(frozen=True, slots=True)
class MapSettings:
    """How maps are computed; `window_mm` and `bin_number` go before the other.

    Attributes
    ----------
    window_px : int
        Side of the window in pixels, odd.
    window_mm : float or None
        Side in mm.
    bin_size : int
        Gray levels in a bin; 1 keeps all 256.
    bin_number : int or None
        Number of bins over the range of the image or region.
    distance_px : int
        Distance of the pixels of a pair.
    min_share : float
        Least share of a full window's pairs.
    """

    window_px: int = DEFAULT_WINDOW_PX
    window_mm: float | None = None
    bin_size: int = DEFAULT_BIN_SIZE
    bin_number: int | None = None
    distance_px: int = 1
    min_share: float = DEFAULT_MIN_SHARE

    @property
    def binning(self) -> tuple[int, int | None]:
        """What the meaning of a level depends on."""
        return (0 if self.bin_number else self.bin_size), self.bin_number

    def window(self, spacing_mm: tuple[float, float] | None) -> tuple[int, int]:
        """Return rows and columns of the window on an image, or refuse it."""
        return window_size_px(
            window_px=self.window_px, window_mm=self.window_mm, spacing_mm=spacing_mm
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """A source and the settings: what the values of a map depend on."""

    source: MapSource
    settings: MapSettings


def is_compiled(features: tuple[str, ...]) -> bool:
    """Whether the inner loops of some maps are known to be compiled."""
    return _loops(features) <= _compiled


def _loops(features: tuple[str, ...]) -> set[str]:
    """Return the inner loops: one for all, another where the matrix is kept."""
    sums = {name for feature in features for name in MAP_FEATURES[feature].sums}
    return {"boxes", "matrix"} if sums & set(OF_MATRIX) else {"boxes"}


def make_maps(
    wanted: Wanted,
    features: tuple[str, ...],
    *,
    progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
) -> Outcome | None:
    """Return the maps of some features, or the reason why not; touches no layer."""
    source, settings = wanted.source, wanted.settings
    try:
        gray, mask = source.image.pixels, source.mask()
        maps = compute_texture_map(
            gray,
            features,
            window_px=settings.window_px,
            window_mm=settings.window_mm,
            spacing_mm=source.image.spacing_mm,
            bin_size=settings.bin_size,
            bin_number=settings.bin_number,
            offsets=offsets_px(settings.distance_px),
            mask=mask,
            min_share=settings.min_share,
            progress=progress,
            cancelled=cancelled,
        )
        if maps is None:
            return None
        caveat = _caveat(wanted, maps)
    except MuscleUSError as error:
        return Outcome(wanted, problem=str(error))
    _compiled.update(_loops(features))
    told = " ".join(filter(None, (source.caveat(), caveat)))
    return Outcome(wanted, maps, caveat=told)


def _caveat(wanted: Wanted, maps: Mapping[str, Map]) -> str:
    empty = [key for key, values in maps.items() if not np.isfinite(values).any()]
    if empty:
        names = ", ".join(MAP_FEATURES[key].label for key in empty)
        return (
            f"{names}: no window has a value. Choose a smaller window, a larger ROI, "
            "or a smaller share of pairs; the correlation needs several gray levels."
        )
    if all(MAP_FEATURES[key].source == "gray" for key in maps):
        return ""
    settings = wanted.settings
    return _few_levels(wanted.source, settings.bin_size, settings.bin_number)


# A slider asks again and again about the same source.
@lru_cache(maxsize=1)
def _few_levels(source: MapSource, bin_size: int, bin_number: int | None) -> str:
    gray, mask = source.image.pixels, source.mask()
    inside = np.ones(gray.shape, np.bool_) if mask is None else mask
    caveat = discretise(gray, inside, bin_size=bin_size, bin_number=bin_number).caveat
    # The core's sentence speaks of a region, as it is used for ROIs.
    return caveat if mask is not None else caveat.replace("region", "image")


def levels_text(settings: MapSettings) -> str:
    """Return how many levels the gray scale has under the settings."""
    if settings.bin_number is not None:
        return f"{settings.bin_number} bins"
    return f"{-(-GRAY_LEVELS // settings.bin_size)} levels"


def name_of(feature: str, wanted: Wanted) -> str:
    """Return the name of a map's layer: feature, settings and image."""
    about, settings = MAP_FEATURES[feature], wanted.settings
    parts = [title_of(feature), _window_text(wanted)]
    if about.source != "gray":
        parts.append(levels_text(settings))
    if about.source == "pairs" and settings.distance_px != 1:
        parts.append(f"distance {settings.distance_px} px")
    if wanted.source.regions:
        parts.append("in ROI")
    return f"{', '.join(parts)} · {wanted.source.layer.name}"


def title_of(feature: str) -> str:
    """Return the name of a feature with its unit."""
    about = MAP_FEATURES[feature]
    return f"{about.label} ({about.unit})" if about.unit else about.label


def _window_text(wanted: Wanted) -> str:
    try:
        rows, columns = wanted.settings.window(wanted.source.image.spacing_mm)
    except MuscleUSError:
        return "no window"
    return f"{rows} px" if rows == columns else f"{rows} × {columns} px"


def facts_of(feature: str, wanted: Wanted) -> dict[str, Any]:
    """Return all that computing a map again needs, as JSON values."""
    source, settings = wanted.source, wanted.settings
    about = MAP_FEATURES[feature]
    told: dict[str, Any] = {
        "feature": feature,
        "ibsi": about.ibsi,
        "unit": about.unit,
        **source.image_facts(),
        "window_px": list(settings.window(source.image.spacing_mm)),
        "window_mm": settings.window_mm,
        "min_share": settings.min_share,
        "roi_geometry": [roi_to_dict(r.roi) for r in source.regions if r.roi],
        "software_version": __version__,
    }
    if about.source != "gray" and settings.bin_number is not None:
        told["bin_number"] = settings.bin_number
    elif about.source != "gray":
        told |= {"bin_size": settings.bin_size, "origin": 0}
    if about.source == "pairs":
        told["offsets"] = [list(step) for step in offsets_px(settings.distance_px)]
        told["aggregation"] = "2d_avg"
    return told
