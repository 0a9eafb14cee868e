"""Regions of a clip: on every frame, on one, or moving from keyframe to keyframe."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from napari_muscle_us._napari import _roi_edits
from napari_muscle_us.roi.keyframes import with_keyframe, without_keyframe

if TYPE_CHECKING:
    from napari_muscle_us._napari._session import Session
    from napari_muscle_us.roi.entries import RoiEntry
    from napari_muscle_us.roi.shapes import AnyRoi


def bind_to_frame(session: Session, *, every: bool) -> None:
    """Put the selected regions on all frames, or on the shown one alone."""
    frame = None if every else session.frame
    shown = _shown(session)
    label = f"frames of {_roi_edits.names_of(session)}"
    session.rois.change(
        session.selected(),
        lambda e: replace(e, frame=frame, keyframes=(), roi=shown[e.key]),
        label,
    )


def set_keyframe(session: Session, *, on: bool) -> None:
    """Make the shown frame a keyframe of the selected regions, or none of it."""
    frame = session.frame
    shown = _shown(session)

    def keyed(entry: RoiEntry) -> RoiEntry:
        if not on:
            return without_keyframe(entry, frame)
        return with_keyframe(entry, frame, shown[entry.key])

    label = f"keyframe of {_roi_edits.names_of(session)}"
    session.rois.change(session.selected(), keyed, label)


def _shown(session: Session) -> dict[str, AnyRoi]:
    """Return each region's outline as it lies on the shown frame."""
    return {s.entry.key: s.entry.roi for s in session.rois.stored() if s.entry}
