"""What a map is made of: the frame that is shown, all of it or some regions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us._napari._layers import spatial_kwargs_of
from napari_muscle_us._napari._map_layers import same_place
from napari_muscle_us.errors import RoiError
from napari_muscle_us.row_parts import coloured_sentence

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    from napari.layers import Image

    from napari_muscle_us._napari._regions import Region
    from napari_muscle_us._napari._session import Session
    from napari_muscle_us.image import UltrasoundImage

_NO_ROI: Final = (
    "Draw an ROI in the panel Muscle ROIs, or make the map of the whole image."
)


@dataclass(frozen=True, slots=True, eq=False)
class MapSource:
    """The frame and the regions that maps are made of; `place` is where they lie.

    Without regions it is the whole image. `left_out` tells of regions that do not
    count.
    """

    layer: Image
    image: UltrasoundImage
    place: Mapping[str, Any]
    regions: tuple[Region, ...] = ()
    left_out: str = ""

    def is_of(
        self,
        layer: Image,
        image: UltrasoundImage,
        place: Mapping[str, Any],
        regions: tuple[Region, ...],
    ) -> bool:
        """Whether it is of this very frame, place and regions."""
        return (
            self.layer is layer
            and same_place(self.place, place)
            and _mark(self.image) == _mark(image)
            and len(self.regions) == len(regions)
            and all(a.roi is b.roi for a, b in zip(self.regions, regions, strict=True))
        )

    def mask(self) -> npt.NDArray[np.bool_] | None:
        """Return the pixels inside any of the regions, ``None`` for all of them."""
        if not self.regions:
            return None
        mask = np.zeros(self.image.frame_shape, np.bool_)
        for region in self.regions:
            if region.window is not None:
                mask[region.window.rows, region.window.columns] |= region.window.mask
        return mask

    def caveat(self) -> str:
        """Return what does not count, and what counts without being gray."""
        coloured = coloured_sentence(self.image, self.mask())
        return " ".join(filter(None, (self.left_out, coloured)))

    def image_facts(self) -> dict[str, Any]:
        """Return what tells the frame from any other, as JSON values."""
        image, spacing = self.image, self.image.spacing_mm
        return {
            "image_key": image.key,
            "image_crop": None if image.crop is None else list(image.crop),
            "frame": image.frame_index,
            "gray_rule": image.gray_rule,
            "spacing_mm": None if spacing is None else list(spacing),
        }


def _mark(image: UltrasoundImage) -> tuple[Any, ...]:
    # Not the object: napari's every new slice makes the session read the image anew.
    return (
        image.key,
        image.frame_index,
        image.crop,
        image.spacing_mm,
        image.gray_rule,
        image.frame_shape,
    )


def source_of(session: Session, known: MapSource | None, *, in_rois: bool) -> MapSource:
    """Return what maps are made of now, the very same if nothing changed.

    Raises
    ------
    MuscleUSError
        If there is no image, or no region where one is asked for.
    """
    image = session.image()
    regions: tuple[Region, ...] = ()
    left_out = ""
    if in_rois:
        chosen = session.chosen_regions()
        regions = tuple(r for r in chosen if r.window is not None)
        left_out = " ".join(r.problem for r in chosen if r.problem)
        if not regions:
            raise RoiError(left_out or _NO_ROI)
    layer = session.image_layer
    place = spatial_kwargs_of(layer)
    if known is not None and known.is_of(layer, image, place, regions):
        return known
    return MapSource(layer, image, place, regions, left_out)
