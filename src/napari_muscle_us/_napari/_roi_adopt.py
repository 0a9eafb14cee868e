"""Makes ROI layers of Shapes layers that the user or another plugin made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari_muscle_us._napari import _roi_rows
from napari_muscle_us._napari._facts import METADATA_KEY
from napari_muscle_us._napari._layers import frame_of, image_of, tie
from napari_muscle_us.errors import ImageReadError

if TYPE_CHECKING:
    from napari.layers import Image, Shapes


def bind_slices(layer: Shapes, image_layer: Image, frame: int) -> None:
    """Note the frame of each shape that lies on one slice of a clip.

    napari's own button makes such layers; ours lie on all frames.
    """
    if layer.ndim < 3 or image_layer.ndim < 3:
        return
    rows = _roi_rows.read_rows(layer)
    changed = False
    for row, vertices in zip(rows, layer.data, strict=True):
        places = {frame_of(image_layer, layer.data_to_world(v)) for v in vertices}
        if len(places) == 1 and row[_roi_rows.FRAME] == _roi_rows.EVERY_FRAME:
            row[_roi_rows.FRAME] = places.pop()
            changed = True
    if changed:
        _roi_rows.write_rows(layer, rows, frame)


def tie_if_free(layer: Shapes, image_layer: Image) -> None:
    """Tie a layer that was made elsewhere to the image it is used on."""
    if METADATA_KEY in layer.metadata:
        return
    try:
        facts = tie(image_of(image_layer))
    except ImageReadError:
        # Nothing can be measured on it, so nothing is bound to it.
        return
    layer.metadata[METADATA_KEY] = facts
