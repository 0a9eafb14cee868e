"""Direction and order of a region's lines as values of the results table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.measure.anisotropy.measures import ANISOTROPY, ENERGY_UNITS
from napari_muscle_us.results import MeasuredValue
from napari_muscle_us.row_parts import registered, spacing_method

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_muscle_us.extra_rows import MeasuredRegion
    from napari_muscle_us.measure.anisotropy.fascicle import FascicleDirection
    from napari_muscle_us.measure.anisotropy.roi import Anisotropy
    from napari_muscle_us.measure.anisotropy.settings import AnisotropySettings

PREFIX: Final = "anisotropy."
KEYS: Final = tuple(entry[0] for entry in ANISOTROPY)
FASCICLE_KEYS: Final = tuple(k for k in KEYS if k.startswith(f"{PREFIX}fascicle_"))
"""Those that ``method="fascicle"`` adds."""

_ATTRIBUTES: Final = {
    "direction": "direction_deg",
    "coherency": "coherency",
    "energy": "energy",
    "circular_mean": "circular_mean_deg",
    "circular_sd": "circular_sd_deg",
}
_ONE_BOX: Final = "undefined with fewer than two boxes"
_NO_PARTS: Final = "undefined where the region's parts show no common direction"


def anisotropy_values(
    region: MeasuredRegion, settings: AnisotropySettings
) -> Iterator[MeasuredValue]:
    """Yield the anisotropy of a region, and with ``"fascicle"`` its fascicles' too.

    Only the region's box is looked at, since no number depends on pixels outside the
    region.

    Parameters
    ----------
    region : MeasuredRegion
        Image, pixels and what all rows of the region share.
    settings : AnisotropySettings
        All that the values depend on.

    Yields
    ------
    MeasuredValue
        In the registry's order. ``anisotropy.direction`` is the tensor's with either
        method. NaN with a reason where a value cannot be computed; the note also says
        where no direction is to be seen.

    Raises
    ------
    MeasureError
        If the settings do not fit the image or the region, such as a box in mm
        without the size of a pixel.
    """
    from napari_muscle_us.measure.anisotropy.roi import measure_anisotropy

    window, spacing = region.window, region.image.spacing_mm
    gray = region.image.pixels[window.rows, window.columns]
    options = settings.options() | {"method": "tensor"}
    found = measure_anisotropy(gray, window.mask, spacing_mm=spacing, **options)
    for key in KEYS:
        if key not in FASCICLE_KEYS:
            value, reason = _of_tensor(found, key.removeprefix(PREFIX))
            yield _value(region, settings, key, value, reason)
    if settings.method == "fascicle":
        from napari_muscle_us.measure.anisotropy.fascicle import fascicle_direction

        fascicle = fascicle_direction(gray, window.mask, spacing_mm=spacing)
        for key in FASCICLE_KEYS:
            value, reason = _of_fascicle(fascicle, key)
            yield _value(region, settings, key, value, reason)


def _of_tensor(found: Anisotropy, name: str) -> tuple[float, str]:
    """Return a number of the tensor with its reason."""
    if name == "n_boxes":
        return found.local.n_boxes, found.reason("local")
    if name == "local":
        return found.local.value, found.reason("local")
    if name == "local_sd":
        reason = found.reason("local") or (_ONE_BOX if found.local.n_boxes < 2 else "")
        return found.local.sd, reason
    attribute = _ATTRIBUTES[name]
    return getattr(found, attribute), found.reason(attribute)


def _of_fascicle(found: FascicleDirection, key: str) -> tuple[float, str]:
    """Return a number of the fascicles with its reason."""
    name = key.removeprefix(f"{PREFIX}fascicle_")
    value = getattr(found, "confidence" if name == "confidence" else f"{name}_deg")
    # A missing value must say why, also where the direction itself is given.
    return value, found.reason or (_NO_PARTS if value != value else "")


def _value(
    region: MeasuredRegion,
    settings: AnisotropySettings,
    key: str,
    value: float,
    reason: str,
) -> MeasuredValue:
    method = region.method | _method(region, settings, key)
    note = "; ".join(filter(None, (reason, region.note)))
    if key == f"{PREFIX}energy":
        unit = ENERGY_UNITS[region.image.spacing_mm is not None]
        return MeasuredValue(key, float(value), unit, method, note)
    return registered(key, value, method, note)


def _method(
    region: MeasuredRegion, settings: AnisotropySettings, key: str
) -> dict[str, Any]:
    # Every angle depends on the shape of a pixel, and every scale on its size.
    told = settings.row_method(key) | spacing_method(region.image)
    if "box_mm" in told:
        from napari_muscle_us.measure.anisotropy.local import box_size_px

        spacing = region.image.spacing_mm
        box = box_size_px(box_mm=settings.box_mm, spacing_mm=spacing)
        told["box_size_px"] = list(box)
    return told


def is_anisotropy(measure: str) -> bool:
    """Return whether a measure is one of a region's anisotropy, by its key.

    Examples
    --------
    >>> is_anisotropy("anisotropy.local"), is_anisotropy("intensity.mean")
    (True, False)
    """
    return measure.startswith(PREFIX)
