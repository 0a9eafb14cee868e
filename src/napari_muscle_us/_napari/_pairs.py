"""Which ROI layer belongs to which image layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Image, Shapes

from napari_muscle_us._napari._architecture_layer import is_architecture, lies_on
from napari_muscle_us._napari._layers import image_of, is_made_for, is_tied
from napari_muscle_us._napari._map_layers import is_map
from napari_muscle_us._napari._ruler_layer import is_ruler
from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    from typing import TypeGuard

    from napari.components import ViewerModel


def pair(
    viewer: ViewerModel, image: Image | None, rois: Shapes | None
) -> tuple[Image | None, Shapes | None]:
    """Return the image and ROI layer to work on, by the layer that was chosen last."""
    active = viewer.layers.selection.active
    if is_picture(active):
        image, rois = active, rois_for(viewer, active)
    elif is_architecture(active):
        owner = _drawn_on(viewer, active, image)
        if owner is not image:
            image, rois = owner, rois_for(viewer, owner)
    elif _may_hold_rois(active):
        image, rois = image_for(viewer, active, image) or image, active
    if image not in viewer.layers:
        image = next(reversed(pictures(viewer)), None)
        rois = None
    if rois not in viewer.layers:
        rois = None if image is None else rois_for(viewer, image)
    return image, rois


def _drawn_on(
    viewer: ViewerModel, lines: Shapes, current: Image | None
) -> Image | None:
    """Return the image of lines of architecture, the current one if it may be."""
    images = [i for i in pictures(viewer) if lies_on(lines, i)]
    return current if current in images or not images else images[-1]


def is_picture(layer: object) -> TypeGuard[Image]:
    """Whether a layer is an image that may be a picture to measure, so not a map."""
    return isinstance(layer, Image) and not is_map(layer)


def pictures(viewer: ViewerModel) -> list[Image]:
    """Return the image layers of a viewer that are no maps, the newest last."""
    return [layer for layer in viewer.layers if is_picture(layer)]


def rois_for(viewer: ViewerModel, image: Image) -> Shapes | None:
    """Return the newest ROI layer that was made for an image."""
    rois = [x for x in viewer.layers if _may_hold_rois(x)]
    return next((s for s in reversed(rois) if fits(s, image)), None)


def _may_hold_rois(layer: object) -> TypeGuard[Shapes]:
    """Whether a layer holds outlines, and neither the ruler nor architecture."""
    ours = is_ruler(layer) or is_architecture(layer)
    return isinstance(layer, Shapes) and not ours


def image_for(
    viewer: ViewerModel, shapes: Shapes, current: Image | None
) -> Image | None:
    """Return the image that an ROI layer was made for, preferably the current one."""
    images = pictures(viewer)
    if current in images and fits(shapes, current):
        return current
    return next((i for i in reversed(images) if fits(shapes, i)), None)


def layers_on(viewer: ViewerModel, image: Image) -> list[Shapes]:
    """Return all Shapes layers made for an image: outlines and the ruler."""
    shapes = [x for x in viewer.layers if isinstance(x, Shapes)]
    return [s for s in shapes if is_made_for(s, image)]


def fits(shapes: Shapes, image: Image) -> bool:
    """Whether outlines of a Shapes layer can be measured on an image."""
    try:
        return is_tied(shapes, image)
    except MuscleUSError:
        return False


def is_measurable(image: Image) -> bool:
    """Whether an image layer holds a picture that can be measured."""
    if not is_picture(image):
        return False
    try:
        image_of(image)
    except MuscleUSError:
        return False
    return True
