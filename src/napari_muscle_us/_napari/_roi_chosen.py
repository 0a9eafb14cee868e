"""The selected regions, as the edits take them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_muscle_us.errors import RoiError
from napari_muscle_us.roi.shapes import relabel

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_muscle_us._napari._roi_store import StoredRoi
    from napari_muscle_us._napari._session import Session
    from napari_muscle_us.roi.entries import RoiEntry
    from napari_muscle_us.roi.shapes import AnyRoi


def edited(entry: RoiEntry, change: Callable[[AnyRoi], AnyRoi]) -> RoiEntry:
    """Return an entry with its geometry changed, on every keyframe."""
    if not entry.keyframes:
        return replace(entry, roi=change(entry.roi))
    frames = tuple((n, change(roi)) for n, roi in entry.keyframes)
    return replace(entry, roi=frames[0][1], keyframes=frames)


def chosen_of(session: Session) -> list[StoredRoi]:
    """Return the selected shapes that are regions.

    Raises
    ------
    RoiError
        If there is none.
    """
    places = set(session.selected())
    chosen = [s for s in session.rois.stored() if s.index in places]
    usable = [s for s in chosen if s.kept is not None]
    if not usable:
        raise RoiError("No ROI is selected; click one in the table or the image.")
    return usable


def kept_of(shape: StoredRoi) -> RoiEntry:
    """Return the entry of a shape, whatever frame is shown.

    Raises
    ------
    RoiError
        If it has none.
    """
    if shape.kept is None:
        raise RoiError(shape.problem or "The outline is still being drawn.")
    return shape.kept


def shown_of(shape: StoredRoi) -> RoiEntry:
    """Return the entry of a shape with the outline on the shown frame.

    Raises
    ------
    RoiError
        If it has none.
    """
    if shape.entry is None:
        raise RoiError(shape.problem or "The outline is still being drawn.")
    return shape.entry


def renamed(entry: RoiEntry, name: str) -> RoiEntry:
    """Return an entry with another name, on every keyframe."""
    return replace(
        entry,
        roi=relabel(entry.roi, name=name),
        keyframes=tuple((n, relabel(r, name=name)) for n, r in entry.keyframes),
    )


def names_of(session: Session) -> str:
    """Return how a step names the selected regions."""
    names = [shown_of(s).roi.name for s in chosen_of(session)]
    return names[0] if len(names) == 1 else f"{len(names)} ROIs"
