"""The shapes of an ROI layer as regions to measure, or the reason why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_muscle_us._napari import _shapes
from napari_muscle_us.errors import MuscleUSError
from napari_muscle_us.roi.rasterize import usable_window

if TYPE_CHECKING:
    from napari.layers import Image, Shapes

    from napari_muscle_us.image import UltrasoundImage
    from napari_muscle_us.roi.rasterize import RoiWindow
    from napari_muscle_us.roi.shapes import Roi


@dataclass(frozen=True, slots=True)
class Region:
    """A shape of the ROI layer as it is now: usable, or the reason why not.

    One that is still being drawn has neither a window nor a problem.
    """

    index: int
    name: str
    muscle: str
    side: str
    roi: Roi | None = None
    window: RoiWindow | None = None
    problem: str = ""


class RegionCache:
    """Makes regions of shapes, anew only for those that changed."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, Region]] = {}

    def clear(self) -> None:
        """Forget all regions."""
        self._known.clear()

    def regions(
        self, shapes: Shapes, image_layer: Image, image: UltrasoundImage
    ) -> list[Region]:
        """Return a region for each shape of a layer on an image."""
        picture = (image.key, image.crop, image.frame_shape, image.spacing_mm)
        place = (picture, tuple(shapes.scale), tuple(shapes.translate))
        known = {}
        for index, row in enumerate(_shapes.read_rows(shapes)):
            labels = {label: row[label] for label in _shapes.LABELS}
            outline = _shapes.outline_checksum(shapes, index)
            kind = str(shapes.shape_type[index])
            key = (outline, kind, *labels.values(), *place)
            if index not in self._known or self._known[index][0] != key:
                region = _make(shapes, index, image_layer, image, labels)
                known[index] = (key, region)
            else:
                known[index] = self._known[index]
        self._known = known
        return [region for _, region in known.values()]


def _make(
    shapes: Shapes,
    index: int,
    image_layer: Image,
    image: UltrasoundImage,
    labels: dict[str, str],
) -> Region:
    texts: Any = labels
    try:
        roi = _shapes.roi_of(shapes, index, image_layer)
        window = usable_window(roi, image.frame_shape)
    except MuscleUSError as error:
        if not labels["name"] and str(shapes.mode).startswith("add_"):
            # Still being drawn: it has no name yet, and no fault either.
            return Region(index, **texts)
        return Region(index, **texts, problem=str(error))
    return Region(index, **texts, roi=roi, window=window)
