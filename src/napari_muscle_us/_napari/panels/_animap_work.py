"""What maps of fibre direction are made of and from: settings, names, and the work."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us import __version__
from napari_muscle_us._napari.panels._animap_lines import Lines, grid_lines, too_many
from napari_muscle_us._napari.panels._map_outcome import Outcome
from napari_muscle_us.errors import MuscleUSError
from napari_muscle_us.measure.anisotropy._prepare import length_px
from napari_muscle_us.measure.anisotropy.colours import (
    direction_colours,
    mean_coherency,
)
from napari_muscle_us.measure.anisotropy.gradients import (
    DEFAULT_GRADIENT,
    DEFAULT_WINDOW,
)
from napari_muscle_us.measure.anisotropy.orientation import (
    DEFAULT_GRADIENT_SIGMA_PX,
    DEFAULT_SIGMA_PX,
    OrientationMap,
    compute_orientation_map,
)
from napari_muscle_us.measure.anisotropy.roi import LOW_COHERENCY
from napari_muscle_us.roi.shapes import roi_to_dict

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    from napari_muscle_us._napari.panels._map_source import MapSource

COLOURS, COHERENCY, DIRECTION, LINES = "colours", "coherency", "direction", "lines"
TITLES: Final = {
    COLOURS: "Direction colours",
    COHERENCY: "Coherency",
    DIRECTION: "Direction (°)",
    LINES: "Direction lines",
}
"""What can be shown, in the order of the layers from below."""

VALUES: Final = {
    DIRECTION: ("orientation_deg", "deg"),
    COHERENCY: ("coherency", ""),
    "energy": ("energy", ""),
}
"""What can be saved: the part of the map and its unit."""

DEFAULT_STEP_MM: Final = 2.0
DEFAULT_STEP_PX: Final = 24
DEFAULT_LEAST: Final = 0.5
_ready = threading.Event()


@dataclass(frozen=True, slots=True)
class TensorSettings:
    """How directions are computed; a length in mm goes before the one in pixels.

    Attributes
    ----------
    sigma_px, sigma_mm : float, float or None
        Sigma of the window.
    gradient : str
        Name of the derivative kernel.
    gradient_sigma_px, gradient_sigma_mm : float, float or None
        Scale of the kernel ``"gaussian"``.
    window : str
        Shape of the window.
    """

    sigma_px: float = DEFAULT_SIGMA_PX
    sigma_mm: float | None = None
    gradient: str = DEFAULT_GRADIENT
    gradient_sigma_px: float = DEFAULT_GRADIENT_SIGMA_PX
    gradient_sigma_mm: float | None = None
    window: str = DEFAULT_WINDOW

    def options(self) -> dict[str, Any]:
        """Return them as `compute_orientation_map` takes them, without idle ones."""
        told: dict[str, Any] = {"gradient": self.gradient, "window": self.window}
        told |= _length("sigma", self.sigma_px, self.sigma_mm)
        if self.gradient == "gaussian":
            scale = self.gradient_sigma_px, self.gradient_sigma_mm
            told |= _length("gradient_sigma", *scale)
        return told


@dataclass(frozen=True, slots=True)
class LineSettings:
    """How far lines are apart, in mm or on an image without scale in pixels."""

    step_mm: float = DEFAULT_STEP_MM
    step_px: int = DEFAULT_STEP_PX
    least: float = DEFAULT_LEAST


@dataclass(frozen=True, slots=True)
class MapSettings:
    """All settings."""

    tensor: TensorSettings = field(default_factory=TensorSettings)
    lines: LineSettings = field(default_factory=LineSettings)

    def window(self, spacing_mm: tuple[float, float] | None) -> tuple[float, float]:
        """Return the window's sigma in rows and columns, or refuse it."""
        return length_px(
            "window", self.tensor.sigma_px, self.tensor.sigma_mm, spacing_mm
        )


@dataclass(frozen=True, slots=True)
class Display:
    """How the image is shown, which the colours keep to."""

    limits: tuple[float, float] = (0.0, 255.0)
    gamma: float = 1.0


@dataclass(frozen=True, slots=True)
class Wanted:
    """A source, settings and display: what layers depend on."""

    source: MapSource
    settings: MapSettings
    display: Display


def is_ready() -> bool:
    """Whether the inner loops are compiled."""
    return _ready.is_set()


def make_maps(
    wanted: Wanted,
    kinds: tuple[str, ...],
    *,
    progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
) -> Outcome | None:
    """Return what is to be shown, or the reason why not; touches no layer."""
    source = wanted.source
    try:
        found = compute_orientation_map(
            source.image.pixels,
            mask=source.mask(),
            spacing_mm=source.image.spacing_mm,
            **wanted.settings.tensor.options(),
        )
        if cancelled():
            return None
        shown = {kind: _shown(kind, found, wanted) for kind in kinds}
    except MuscleUSError as error:
        return Outcome(wanted, problem=str(error))
    _ready.set()
    caveat = " ".join(filter(None, (source.caveat(), _caveat(found, wanted, kinds))))
    return Outcome(wanted, shown, found, caveat=caveat)


def _shown(
    kind: str, found: OrientationMap, wanted: Wanted
) -> npt.NDArray[Any] | Lines:
    image, settings = wanted.source.image, wanted.settings
    if kind == COLOURS:
        display = wanted.display
        limits, gamma = display.limits, display.gamma
        return direction_colours(found, image.pixels, limits=limits, gamma=gamma)
    if kind == LINES:
        return grid_lines(
            found,
            step_px=line_step_px(settings.lines, image.spacing_mm),
            least=settings.lines.least,
            spacing_mm=image.spacing_mm,
        )
    return found.coherency if kind == COHERENCY else found.orientation_deg


def _caveat(found: OrientationMap, wanted: Wanted, kinds: tuple[str, ...]) -> str:
    if found.reason:
        return f"There is no direction: {found.reason}."
    told = []
    image = wanted.source.image
    step = line_step_px(wanted.settings.lines, image.spacing_mm)
    if LINES in kinds:
        told.append(too_many(image.frame_shape, step))
    mean = mean_coherency(found)
    if mean < LOW_COHERENCY:
        where = "regions" if wanted.source.regions else "image"
        told.append(
            "No fibre direction is to be seen, as in a transverse image: the "
            f"coherency of the whole {where} is only {mean:.2f}."
        )
    return " ".join(filter(None, told))


def line_step_px(
    lines: LineSettings, spacing_mm: tuple[float, float] | None
) -> tuple[float, float]:
    """Return how many rows and columns lines are apart."""
    if spacing_mm is None:
        return float(lines.step_px), float(lines.step_px)
    return lines.step_mm / spacing_mm[0], lines.step_mm / spacing_mm[1]


def name_of(kind: str, wanted: Wanted) -> str:
    """Return the name of a layer: what it shows, the window and the image."""
    tensor = wanted.settings.tensor
    parts = [TITLES[kind]]
    if tensor.sigma_mm is None:
        parts.append(f"σ {tensor.sigma_px:g} px")
    else:
        parts.append(f"σ {tensor.sigma_mm:g} mm")
    if tensor.gradient != DEFAULT_GRADIENT:
        parts.append(tensor.gradient.replace("_", " "))
    if tensor.window != DEFAULT_WINDOW:
        parts.append("OrientationJ's window")
    if wanted.source.regions:
        parts.append("in ROI")
    return f"{', '.join(parts)} · {wanted.source.layer.name}"


def facts_of(kind: str, wanted: Wanted) -> dict[str, Any]:
    """Return all that computing a map again needs, as JSON values."""
    source, settings = wanted.source, wanted.settings
    spacing = source.image.spacing_mm
    told: dict[str, Any] = {
        "anisotropy": kind,
        "unit": VALUES[kind][1] if kind in VALUES else "",
        **source.image_facts(),
        **settings.tensor.options(),
        "roi_geometry": [roi_to_dict(r.roi) for r in source.regions if r.roi],
        "software_version": __version__,
    }
    if kind == "energy":
        told["unit"] = "gray level²/px²" if spacing is None else "gray level²/mm²"
    if kind == COLOURS:
        display = wanted.display
        told |= {"limits": list(display.limits), "gamma": display.gamma}
    if kind == LINES:
        step = line_step_px(settings.lines, spacing)
        told |= {"step_px": list(step), "least_coherency": settings.lines.least}
    return told


def _length(name: str, px: float, mm: float | None) -> dict[str, float]:
    return {f"{name}_px": px} if mm is None else {f"{name}_mm": mm}


def parts_of(found: OrientationMap, kind: str) -> npt.NDArray[np.float32]:
    """Return the part of a map that is saved under a name."""
    values: npt.NDArray[np.float32] = getattr(found, VALUES[kind][0])
    return values
