"""Regions taken along when the pixels below their layer become other ones.

That is so when a layer is turned or scaled by hand, and when the same layer is used on
a part of the picture that it was drawn on.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us._napari import _shapes
from napari_muscle_us.roi.edit import move_roi
from napari_muscle_us.roi.shapes import Composite, Ellipse, Rectangle

if TYPE_CHECKING:
    import numpy.typing as npt
    from napari.layers import Image, Layer

    from napari_muscle_us.roi.entries import RoiEntry
    from napari_muscle_us.roi.shapes import AnyRoi

_SAME: Final = 1e-9
# A millionth of a pixel: the transforms of two layers leave so much dust.
_DUST_PX: Final = 1e-6


def pixels_below(layer: Layer, image_layer: Image) -> _shapes.Transform:
    """Return matrix and offset from a layer to pixels, without the dust of rounding."""
    matrix, offset = _shapes.pixel_transform(layer, image_layer)
    if np.allclose(matrix, np.eye(2), rtol=0, atol=_SAME):
        matrix = np.eye(2)
        whole = np.round(offset)
        offset = np.where(np.abs(offset - whole) < _DUST_PX, whole, offset)
    return matrix, offset + 0.0


def is_same(one: _shapes.Transform, other: _shapes.Transform) -> bool:
    """Whether two transforms differ by dust at most."""
    return bool(
        np.allclose(one[0], other[0], rtol=0, atol=_SAME)
        and np.allclose(one[1], other[1], rtol=0, atol=_DUST_PX)
    )


def carried(
    entry: RoiEntry, before: _shapes.Transform, now: _shapes.Transform
) -> RoiEntry:
    """Return an entry in the pixels that lie below its layer now, on all frames.

    Raises
    ------
    RoiError
        If it would be no region there.
    """
    matrix = now[0] @ np.linalg.inv(before[0])
    offset = now[1] - matrix @ before[1]
    changes: dict[str, Any] = {
        "roi": moved(entry.roi, matrix, offset),
        "keyframes": tuple((n, moved(r, matrix, offset)) for n, r in entry.keyframes),
    }
    return replace(entry, **changes)


def moved(
    roi: AnyRoi, matrix: npt.NDArray[np.float64], offset: npt.NDArray[np.float64]
) -> AnyRoi:
    """Return a region turned, scaled and moved; a sheared box becomes a polygon.

    Raises
    ------
    RoiError
        If its numbers are unusable afterwards.
    """
    if np.allclose(matrix, np.eye(2), rtol=0, atol=_SAME):
        return move_roi(roi, float(offset[0]), float(offset[1]))
    if isinstance(roi, Composite):
        return replace(roi, parts=tuple(p @ matrix.T + offset for p in roi.parts))
    if isinstance(roi, Rectangle | Ellipse):
        corners, kind = _shapes.shape_from(roi)
        labels = {"name": roi.name, "muscle": roi.muscle, "side": roi.side}
        return _shapes.box_roi(kind, corners @ matrix.T + offset, labels)
    return replace(roi, vertices=roi.vertices @ matrix.T + offset)
