"""The only bridge between napari layers and the core's types."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

import numpy as np

from napari_muscle_us._napari._facts import (
    METADATA_KEY,
    facts_of,
    image_from,
    is_ours,
)
from napari_muscle_us._napari._shown_frames import ShownFrames
from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.frames import FrameStack
from napari_muscle_us.image import (
    AXES_STILL,
    LAYER_CALIBRATION,
    UNIT_MM,
    UNIT_PIXEL,
    Calibration,
    Device,
    UltrasoundImage,
    coloured_pixels,
    gray_from_rgb,
    pixel_hash,
)

if TYPE_CHECKING:
    from pathlib import Path

    from napari.layers import Image, Shapes

GRAY_LIMITS: Final = (0, 255)
UNIT_SECOND: Final = "s"
AXIS_TIME: Final = "time"
AXIS_FRAME: Final = "frame"

# Not in the metadata: a folder's name can tell who was scanned.
_files: dict[str, Path] = {}
_images: WeakKeyDictionary[Image, tuple[Any, ...]] = WeakKeyDictionary()


def spatial_kwargs(image: UltrasoundImage) -> dict[str, Any]:
    """Return scale, units, place and axis labels, which every layer gets."""
    unit = UNIT_MM if image.spacing_mm else UNIT_PIXEL
    spacing = image.spacing_mm or (1.0, 1.0)
    top, left = (0, 0) if image.crop is None else (image.crop[0], image.crop[2])
    place = {
        "scale": spacing,
        # A cropped picture stays where it was in the whole one.
        "translate": (top * spacing[0], left * spacing[1]),
        "units": (unit, unit),
        "axis_labels": AXES_STILL,
    }
    if not image.is_clip:
        return place
    step = frame_interval_s(image)
    return {
        "scale": (step or 1.0, *place["scale"]),
        "translate": (0.0, *place["translate"]),
        "units": (UNIT_SECOND if step else UNIT_PIXEL, unit, unit),
        "axis_labels": (AXIS_TIME if step else AXIS_FRAME, *AXES_STILL),
    }


def frame_interval_s(image: UltrasoundImage) -> float | None:
    """Return the mean time from frame to frame, ``None`` where it is not known."""
    times = image.frame_times_s
    if times is None or len(times) < 2 or times[-1] <= times[0]:
        return None
    return (times[-1] - times[0]) / (len(times) - 1)


def spatial_kwargs_of(layer: Image) -> dict[str, Any]:
    """Return what a layer on top of an image's two axes needs to lie on it."""
    plane = slice(-2, None)
    shear = np.atleast_1d(layer.shear)
    return {
        "scale": tuple(layer.scale[plane]),
        "translate": tuple(layer.translate[plane]),
        "rotate": np.asarray(layer.rotate)[plane, plane],
        # Of the upper triangle row by row the last value is that of the plane.
        "shear": shear[-1:] if shear.ndim == 1 else shear[plane, plane],
        "affine": layer.affine.set_slice(range(layer.ndim - 2, layer.ndim)),
        "units": tuple(layer.units[plane]),
        "axis_labels": tuple(layer.axis_labels[plane]),
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
    attributes = {
        "name": title or image.name,
        "colormap": "gray",
        "contrast_limits": GRAY_LIMITS,
        "interpolation2d": "nearest",
        "metadata": {METADATA_KEY: facts_of(image)},
    }
    gray = image.gray
    data = ShownFrames(gray) if isinstance(gray, FrameStack) else gray
    return data, attributes | spatial_kwargs(image), "image"


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
    if is_ours(facts) and _is_untouched(layer):
        data = layer.data
        gray = data if isinstance(data, FrameStack) else np.asarray(data)
        return image_from(facts, gray, calibration)
    return _foreign_image(layer, calibration)


def _is_untouched(layer: Image) -> bool:
    # Our reader hands over read-only pixels, which no in-place edit can change.
    data = layer.data
    if isinstance(data, FrameStack):
        return True
    return isinstance(data, np.ndarray) and not data.flags.writeable


def _foreign_image(layer: Image, calibration: Calibration | None) -> UltrasoundImage:
    # Shape and type first: a lazy stack of another plugin would be read whole.
    kind, shape = layer.data.dtype, tuple(layer.data.shape)
    if kind != np.uint8 or len(shape) != (3 if layer.rgb else 2):
        raise ImageReadError(
            f"Layer {layer.name!r} holds {kind} data of shape {shape}; echo intensity "
            "needs 8-bit gray or RGB pictures. Open a clip's own file with the reader "
            "of Muscle ultrasound."
        )
    data = np.asarray(layer.data)
    rgb = np.ascontiguousarray(data[..., :3]) if layer.rgb else None
    gray = data.copy() if rgb is None else gray_from_rgb(rgb)
    coloured = None if rgb is None else coloured_pixels(rgb)
    return UltrasoundImage(
        gray,
        name=layer.name,
        digest=pixel_hash(gray),
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


def tie(image: UltrasoundImage) -> dict[str, Any]:
    """Return the metadata of a Shapes layer that is made for an image."""
    return {"image_key": image.key, "image_crop": image.crop}


def is_made_for(shapes: Shapes, image_layer: Image) -> bool:
    """Whether a Shapes layer was made for an image layer, and not for a part of it."""
    facts = shapes.metadata.get(METADATA_KEY, {})
    wanted = tie(image_of(image_layer))
    return all(facts.get(name) == value for name, value in wanted.items())


def is_tied(shapes: Shapes, image_layer: Image) -> bool:
    """Whether a Shapes layer lies on the picture that an image layer shows.

    It was made for it, or for the whole of which that shows a part (or the other way
    round) as long as both have the same scale.
    """
    if is_made_for(shapes, image_layer):
        return True
    facts = shapes.metadata.get(METADATA_KEY, {})
    return (
        facts.get("image_key") == image_of(image_layer).key
        and tuple(shapes.units) == tuple(image_layer.units[-2:])
        and bool(np.allclose(shapes.scale, image_layer.scale[-2:]))
    )


def set_calibration(layer: Image, calibration: Calibration | None) -> None:
    """Give a layer another calibration, and its scale, units and place with it."""
    facts = layer.metadata.get(METADATA_KEY)
    image = replace(image_of(layer), calibration=calibration)
    if is_ours(facts) and _is_untouched(layer):
        facts["calibration"] = None if calibration is None else asdict(calibration)
    forget_image(layer)
    place = spatial_kwargs(image)
    # Units first: the session reads both when the scale changes.
    layer.units = place["units"]
    layer.translate = place["translate"]
    layer.scale = place["scale"]


def set_device(layer: Image, device: Device, by_user: tuple[str, ...]) -> None:
    """Give a layer's image a device profile that the user completed.

    Raises
    ------
    ImageReadError
        If the layer was not read by this plugin, so has nowhere to keep it.
    """
    facts = layer.metadata.get(METADATA_KEY)
    if not (is_ours(facts) and _is_untouched(layer)):
        raise ImageReadError(
            f"Layer {layer.name!r} was not opened by Muscle ultrasound; open its file "
            "with that reader to complete the device."
        )
    facts |= {"device": asdict(device), "device_by_user": by_user}
    forget_image(layer)


def remember_file(image: UltrasoundImage, path: Path) -> None:
    """Keep from which file an image was read, until napari is closed."""
    _files[image.key] = path.absolute()


def file_of(image: UltrasoundImage) -> Path | None:
    """Return the file that an image was read from, if it is known."""
    return _files.get(image.key)


def frame_of(layer: Image, point: tuple[float, ...]) -> int:
    """Return which frame of a layer is shown at a point of the viewer's sliders."""
    if layer.ndim < 3:
        return 0
    place = layer.world_to_data(point)[-3]
    return int(np.clip(np.round(place), 0, layer.data.shape[-3] - 1))
