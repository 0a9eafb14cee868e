"""When each action on ROIs can be done, and in words why not.

A rule returns a sentence where its wish is not fulfilled, otherwise nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from napari.layers import Image

from napari_muscle_us._napari import _layers, _pairs, _roi_edits
from napari_muscle_us._napari._points_layer import points_on
from napari_muscle_us.errors import MuscleUSError
from napari_muscle_us.roi.shapes import Ellipse, Rectangle, Roi

if TYPE_CHECKING:
    from pathlib import Path

    from napari_muscle_us._napari._roi_store import StoredRoi
    from napari_muscle_us._napari._session import Session
    from napari_muscle_us.roi.shapes import AnyRoi


@dataclass(frozen=True, slots=True)
class Situation:
    """All that decides what can be done now."""

    chosen: tuple[StoredRoi, ...]
    count: int
    image_problem: str
    is_clip: bool
    frame: int
    undo: str
    redo: str
    can_save: bool
    """Whether there is an ROI, line or point to write to a file."""
    has_targets: bool
    """Whether there is another image to copy to."""

    @property
    def rois(self) -> list[AnyRoi]:
        """The selected regions as they are shown."""
        return [s.entry.roi for s in self.chosen if s.entry is not None]


def situation_of(session: Session) -> Situation:
    """Return how things are in a session."""
    stored = session.rois.stored()
    selected = set(session.selected())
    problem, is_clip = "", False
    try:
        is_clip = session.clip.is_clip
    except MuscleUSError as error:
        problem = str(error)
    return Situation(
        tuple(s for s in stored if s.index in selected),
        len(stored),
        problem,
        is_clip,
        session.frame,
        session.rois.undo_label,
        session.rois.redo_label,
        bool(stored) or _has_points(session),
        bool(_roi_edits.other_images(session) or closed_images(session)),
    )


def _has_points(session: Session) -> bool:
    layer = session.image_layer
    if layer is None or not _pairs.is_measurable(layer):
        return False
    return bool(points_on(session.viewer, layer))


def closed_images(session: Session) -> list[Path]:
    """Return the files of the study's images that no layer shows."""
    if session.study is None:
        return []
    shown = {
        _layers.file_of(_layers.image_of(layer))
        for layer in session.viewer.layers
        if isinstance(layer, Image) and _pairs.is_measurable(layer)
    }
    paths = [item.path for series in session.study.series for item in series.items]
    return [path for path in paths if path.absolute() not in shown]


def image(now: Situation) -> str:
    """Want an image."""
    return now.image_problem


def some(now: Situation) -> str:
    """Want an ROI to be selected."""
    return (
        "" if now.chosen else "No ROI is selected; click one in the table or the image."
    )


def usable(now: Situation) -> str:
    """Want the selected ROIs to be outlines or lines."""
    broken = [s.problem for s in now.chosen if s.entry is None]
    return (broken[0] or "The outline is still being drawn.") if broken else ""


def unlocked(now: Situation) -> str:
    """Want no selected ROI to be locked."""
    for shape in now.chosen:
        if shape.row["locked"]:
            return f"ROI {shape.row['name']!r} is locked; unlock it to edit it."
    return ""


def areas(now: Situation) -> str:
    """Want the selected ROIs to enclose an area."""
    for roi in now.rois:
        if not isinstance(roi, Roi):
            return (
                f"ROI {roi.name!r} is a line, which encloses no area; choose an "
                "outline."
            )
    return ""


def boxes(now: Situation) -> str:
    """Want the selected ROIs to be upright rectangles or ellipses."""
    for roi in now.rois:
        if not isinstance(roi, Rectangle | Ellipse) or not roi.is_upright:
            return f"ROI {roi.name!r} is no upright rectangle or ellipse."
    return ""


def two(now: Situation) -> str:
    """Want two ROIs or more to be selected."""
    if len(now.chosen) >= 2:
        return ""
    return "Select two or more ROIs (Shift or Ctrl + click in the table)."


def not_first(now: Situation) -> str:
    """Want a selected ROI to have another one above it."""
    places = [s.index for s in now.chosen]
    return "" if places != list(range(len(places))) else "It is at the top already."


def not_last(now: Situation) -> str:
    """Want a selected ROI to have another one below it."""
    places = [s.index for s in now.chosen]
    last = list(range(now.count - len(places), now.count))
    return "" if places != last else "It is at the bottom already."


def clip(now: Situation) -> str:
    """Want the image to be a clip."""
    return "" if now.is_clip else "The image has one frame only."


def keyed(now: Situation) -> str:
    """Want the shown frame to be a keyframe of every selected ROI."""
    for shape in now.chosen:
        frames = [n for n, _ in shape.kept.keyframes] if shape.kept else []
        if now.frame not in frames:
            return f"Frame {now.frame} is no keyframe of ROI {shape.row['name']!r}."
    return ""


def can_undo(now: Situation) -> str:
    """Want something to take back."""
    return "" if now.undo else "There is nothing to undo."


def can_redo(now: Situation) -> str:
    """Want something that was taken back."""
    return "" if now.redo else "There is nothing to redo."


def any_roi(now: Situation) -> str:
    """Want an ROI."""
    return "" if now.count else "There is no ROI; draw one first."


def savable(now: Situation) -> str:
    """Want something to write."""
    return "" if now.can_save else "There is no ROI; draw one first."


def targets(now: Situation) -> str:
    """Want another image."""
    if now.has_targets:
        return ""
    return "No other image is open; open one, or a folder as a study."
