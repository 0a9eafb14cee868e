"""What a map is made of: the frame that is shown, all of it or some regions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from napari_muscle_us._napari._layers import spatial_kwargs_of
from napari_muscle_us._napari.panels._texmap_work import MapSource
from napari_muscle_us.errors import RoiError

if TYPE_CHECKING:
    from napari_muscle_us._napari._regions import Region
    from napari_muscle_us._napari._session import Session

_NO_ROI: Final = (
    "Draw an ROI in the panel Muscle ROIs, or make the map of the whole image."
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
