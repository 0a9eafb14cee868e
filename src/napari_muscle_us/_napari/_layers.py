"""The only bridge between napari layers and the core's types."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import numpy as np

from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.image import (
    AXES_STILL,
    LAYER_CALIBRATION,
    SIZE_UNKNOWN,
    UNIT_MM,
    UNIT_PIXEL,
    Calibration,
    Device,
    UltrasoundImage,
    coloured_pixels,
    gray_from_rgb,
    pixel_hash,
)
from napari_muscle_us.io.dicom_regions import NO_REGION

if TYPE_CHECKING:
    from napari.layers import Image, Shapes

METADATA_KEY: Final = "napari-muscle-us"
GRAY_LIMITS: Final = (0, 255)

_images: WeakKeyDictionary[Image, tuple[Any, ...]] = WeakKeyDictionary()


def spatial_kwargs(image: UltrasoundImage) -> dict[str, Any]:
    """Return scale, units and axis labels, which every layer gets."""
    unit = UNIT_MM if image.spacing_mm else UNIT_PIXEL
    return {
        "scale": image.spacing_mm or (1.0, 1.0),
        "units": (unit, unit),
        "axis_labels": AXES_STILL,
    }


def spatial_kwargs_of(layer: Image) -> dict[str, Any]:
    """Return what a layer on top of an image layer needs to lie on it."""
    return {
        "scale": tuple(layer.scale),
        "translate": tuple(layer.translate),
        "rotate": layer.rotate,
        "shear": layer.shear,
        "affine": layer.affine,
        "units": tuple(layer.units),
        "axis_labels": tuple(layer.axis_labels),
    }


def follow_image(shapes: Shapes, image_layer: Image) -> None:
    """Keep a Shapes layer on its image after the image's scale was set by hand."""
    for name, value in spatial_kwargs_of(image_layer).items():
        setattr(shapes, name, value)


def layer_data(
    image: UltrasoundImage, *, title: str = ""
) -> tuple[Any, dict[str, Any], str]:
    """Return an ultrasound image as napari's (data, attributes, type).

    `title` names the layer; by default it is named as the image.
    """
    known = image.calibration
    facts = {
        "sha256": image.sha256,
        "hash_of": image.hash_of,
        "name": image.name,
        "gray_rule": image.gray_rule,
        "calibration": None if known is None else asdict(known),
        "device": asdict(image.device),
        "coloured": image.coloured,
        "warnings": list(image.warnings),
    }
    attributes = {
        "name": title or image.name,
        "colormap": "gray",
        "contrast_limits": GRAY_LIMITS,
        "interpolation2d": "nearest",
        "metadata": {METADATA_KEY: facts},
    }
    return image.gray, attributes | spatial_kwargs(image), "image"


def image_of(layer: Image) -> UltrasoundImage:
    """Return the ultrasound image that a napari Image layer shows.

    Layers that our reader did not make are taken too when they hold one 8-bit gray or
    RGB picture; their spacing is the layer's scale if its unit is a length.

    Raises
    ------
    ImageReadError
        If the layer holds something else.
    """
    key = (tuple(layer.scale), tuple(map(str, layer.units)))
    cached = _images.get(layer)
    # The array itself is kept: an id alone may be given to the next one.
    if cached is None or cached[0] is not layer.data or cached[1] != key:
        cached = (layer.data, key, _read_layer(layer))
        _images[layer] = cached
    image: UltrasoundImage = cached[2]
    return image


def forget_image(layer: Image) -> None:
    """Read a layer's pixels anew next time: they may have been edited in place."""
    _images.pop(layer, None)


def _read_layer(layer: Image) -> UltrasoundImage:
    facts = layer.metadata.get(METADATA_KEY)
    calibration = _layer_calibration(layer)
    # A filter may have replaced the pixels of a layer and kept its metadata.
    if isinstance(facts, dict) and "sha256" in facts and _is_untouched(layer, facts):
        known = facts["calibration"]
        if known and calibration and known["spacing_mm"] == calibration.spacing_mm:
            calibration = Calibration(**known)
        return UltrasoundImage(
            np.asarray(layer.data),
            name=facts["name"],
            sha256=facts["sha256"],
            hash_of=facts["hash_of"],
            gray_rule=facts["gray_rule"],
            calibration=calibration,
            device=Device(**facts["device"]),
            coloured=facts["coloured"],
            warnings=_present_warnings(facts["warnings"], calibration),
        )
    return _foreign_image(layer, calibration)


def _present_warnings(
    told: list[str], calibration: Calibration | None
) -> tuple[str, ...]:
    """Return a file's caveats without those that a spacing set by hand has settled."""
    settled = (SIZE_UNKNOWN, NO_REGION) if calibration else ()
    return tuple(sentence for sentence in told if sentence not in settled)


def _is_untouched(layer: Image, facts: dict[str, Any]) -> bool:
    # Our reader hands over read-only pixels, which no in-place edit can change.
    data = layer.data
    return isinstance(data, np.ndarray) and not data.flags.writeable


def _foreign_image(layer: Image, calibration: Calibration | None) -> UltrasoundImage:
    data = np.asarray(layer.data)
    if data.dtype != np.uint8 or data.ndim != (3 if layer.rgb else 2):
        raise ImageReadError(
            f"Layer {layer.name!r} holds {data.dtype} data of shape {data.shape}; echo "
            "intensity needs one 8-bit gray or RGB picture."
        )
    rgb = np.ascontiguousarray(data[..., :3]) if layer.rgb else None
    gray = data.copy() if rgb is None else gray_from_rgb(rgb)
    coloured = None if rgb is None else coloured_pixels(rgb)
    return UltrasoundImage(
        gray,
        name=layer.name,
        sha256=pixel_hash(gray),
        hash_of="pixels",
        gray_rule="stored" if rgb is None else "imagej",
        calibration=calibration,
        coloured=coloured,
    )


def _layer_calibration(layer: Image) -> Calibration | None:
    spacing = []
    for scale, unit in zip(layer.scale[-2:], layer.units[-2:], strict=True):
        if not unit.is_compatible_with(UNIT_MM):
            return None
        spacing.append(float((abs(scale) * unit).to(UNIT_MM).magnitude))
    return Calibration((spacing[0], spacing[1]), LAYER_CALIBRATION)


def is_tied(shapes: Shapes, image_layer: Image) -> bool:
    """Whether a Shapes layer was made for an image layer."""
    facts = shapes.metadata.get(METADATA_KEY, {})
    return facts.get("image_sha256") == image_of(image_layer).sha256
