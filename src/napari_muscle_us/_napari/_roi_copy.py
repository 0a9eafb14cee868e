"""Regions copied to the other images of a study."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_muscle_us._napari import _pairs
from napari_muscle_us._napari._roi_chosen import chosen_of, edited, kept_of, shown_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari.layers import Image

    from napari_muscle_us._napari._roi_store import StoredRoi
    from napari_muscle_us._napari._session import Session
    from napari_muscle_us.roi.entries import RoiEntry


def copy_to(
    session: Session, targets: Sequence[Image], *, mirrored: bool = False
) -> str:
    """Copy the selected regions to other images; return a caveat, or nothing.

    The outlines keep their pixels, or are mirrored about the middle of the image that
    they come to, with the side swapped. On a layer that has regions already they are
    added to these. On a still image they lie as they are shown now.

    Raises
    ------
    MuscleUSError
        If none is selected, or an image cannot be measured.
    """
    from napari_muscle_us._napari._roi_edits import add, mirror_on

    chosen = chosen_of(session)
    spacing, here = session.image().spacing_mm, session.image_layer
    rois = session.roi_layer
    differing = []
    try:
        for layer in targets:
            session.use_image(layer)
            if session.image().spacing_mm != spacing:
                differing.append(layer.name)
            new = [_copy(s, is_clip=session.clip.is_clip) for s in chosen]
            if mirrored:
                mirror = mirror_on(session)
                new = [edited(e, mirror) for e in new]
            add(session, new, "copying ROIs")
    finally:
        if here is not None:
            session.use_image(here, rois)
    if not differing:
        return ""
    return (
        f"{', '.join(differing)}: the size of a pixel differs, so the copied ROIs have "
        "the same pixels but not the same millimetres."
    )


def _copy(shape: StoredRoi, *, is_clip: bool) -> RoiEntry:
    entry = replace(kept_of(shape).copy(), locked=False)
    if is_clip:
        return entry
    shown = shown_of(shape).roi
    return replace(entry, roi=shown, frame=None, keyframes=())


def other_images(session: Session) -> list[Image]:
    """Return the other image layers that regions can be copied to."""
    from napari.layers import Image as ImageLayer

    return [
        layer
        for layer in session.viewer.layers
        if isinstance(layer, ImageLayer)
        and layer is not session.image_layer
        and _pairs.is_measurable(layer)
    ]
