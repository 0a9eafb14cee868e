"""What the panel Time course asks the core for, and how it is said."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from napari_muscle_us._napari import _roi_rows
from napari_muscle_us.errors import MeasureError, MuscleUSError, RoiError
from napari_muscle_us.io.tables import guard_formula
from napari_muscle_us.measure.time_course import (
    TimeCourse,
    measure_time_course,
    time_course_rows,
)
from napari_muscle_us.roi.checks import label_of
from napari_muscle_us.roi.open_shapes import Points, Polyline
from napari_muscle_us.roi.shapes import roi_to_dict

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from napari_muscle_us._napari._session import Session
    from napari_muscle_us.image import UltrasoundImage
    from napari_muscle_us.roi.entries import RoiEntry

HEADER: Final = (
    "image", "roi", "frame", "time_s", "mean", "sd", "pixels", "coloured_pixels",
    "note",
)  # fmt: skip
_SAME_ROW: Final = (
    "subject", "visit", "image", "image_sha256", "frame", "roi", "muscle", "side",
    "measure", "value", "method", "roi_geometry",
)  # fmt: skip
_FEW: Final = 6


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredCourse:
    """A time course with the clip and the region that it is of."""

    image: UltrasoundImage
    entry: RoiEntry
    course: TimeCourse

    def fits(self, image: UltrasoundImage, entry: RoiEntry) -> bool:
        """Whether these are still the clip and the outlines that were measured."""
        if _picture(image) != _picture(self.image) or entry.key != self.entry.key:
            return False
        return entry is self.entry or _outlines(entry) == _outlines(self.entry)

    @property
    def title(self) -> str:
        """Region and clip in words."""
        return f"{label_of(self.entry.roi.name)} on {self.image.name}"


def _picture(image: UltrasoundImage) -> tuple[Any, ...]:
    return (image.key, image.name, image.gray_rule, image.crop)


def _outlines(entry: RoiEntry) -> list[Any]:
    # Between keyframes the region itself is only what was last shown.
    if not entry.keyframes:
        return [roi_to_dict(entry.roi)]
    return [(frame, roi_to_dict(roi)) for frame, roi in entry.keyframes]


def measure_course(
    image: UltrasoundImage,
    entry: RoiEntry,
    frames: range,
    *,
    progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
) -> MeasuredCourse | MuscleUSError | None:
    """Measure frames in the background; a refusal is returned."""
    try:
        course = measure_time_course(
            image, entry, frames=frames, progress=progress, cancelled=cancelled
        )
    except MuscleUSError as error:
        return error
    return None if course is None else MeasuredCourse(image, entry, course)


def course_rows(
    image: UltrasoundImage,
    entry: RoiEntry,
    course: TimeCourse,
    labels: dict[str, str],
    *,
    progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
) -> pd.DataFrame | MuscleUSError:
    """Make rows in the background; a refusal is returned."""
    try:
        return time_course_rows(image, entry, course, **labels)
    except MuscleUSError as error:
        return error


def course_target(session: Session) -> tuple[UltrasoundImage, RoiEntry]:
    """Return the clip and the region in hand, before they are measured.

    Raises
    ------
    MuscleUSError
        If there is none, or the region cannot be followed through a clip; it says
        what to do.
    """
    clip = session.clip
    if not clip.is_clip:
        raise MeasureError(
            f"{clip.name!r} is a still image; open a clip to follow the echo intensity "
            "over time."
        )
    stored = session.rois.stored()
    if not stored:
        raise RoiError("Draw an ROI on the muscle in the panel Muscle ROIs.")
    selected = session.selected()
    if selected:
        stored = [shape for shape in stored if shape.index in selected]
    if len(stored) != 1:
        raise RoiError(
            f"Select one ROI to follow; {len(stored)} are "
            f"{'selected' if selected else 'there'}."
        )
    entry = stored[0].kept
    if entry is None or not stored[0].row[_roi_rows.KEY]:
        raise RoiError(stored[0].problem or "The outline is still being drawn.")
    _refuse_unfit(entry)
    return clip, entry


def _refuse_unfit(entry: RoiEntry) -> None:
    name = label_of(entry.roi.name)
    if isinstance(entry.roi, Polyline | Points):
        raise RoiError(
            f"{name} encloses no area, so it has no gray levels; select an outline."
        )
    if entry.frame is not None:
        raise RoiError(
            f"{name} belongs to frame {entry.frame} only; put it on all frames in the "
            "panel Muscle ROIs to follow it through the clip."
        )


def add_rows(session: Session, rows: pd.DataFrame) -> int:
    """Add rows to the results, except those the table holds; return how many."""
    import pandas as pd

    known = session.results
    columns = list(_SAME_ROW)
    there = set(known[columns].itertuples(index=False, name=None))
    own = rows[columns].itertuples(index=False, name=None)
    rows = rows[[row not in there for row in own]]
    if len(rows):
        frames = [known, rows] if len(known) else [rows]
        session.set_results(pd.concat(frames, ignore_index=True))
    return len(rows)


def hint(entry: RoiEntry, n_frames: int) -> str:
    """Return in words where a region lies on the frames of a clip.

    Examples
    --------
    >>> import napari_muscle_us as mus
    >>> from napari_muscle_us.roi.entries import RoiEntry
    >>> hint(RoiEntry(mus.Rectangle(0, 0, 4, 4, name="BB")), 20)
    "ROI 'BB' lies in the same place on all 20 frames."
    """
    name = label_of(entry.roi.name)
    frames = [str(frame) for frame, _ in entry.keyframes]
    if not frames:
        return f"{name} lies in the same place on all {n_frames} frames."
    if len(frames) == 1:
        return (
            f"{name} has 1 keyframe: {frames[0]}; it lies there on all {n_frames} "
            "frames. Set another one where the muscle has moved."
        )
    told = ", ".join(frames[:_FEW]) + (" …" if len(frames) > _FEW else "")
    return f"{name} has {len(frames)} keyframes: {told}; interpolated between."


def extreme_text(what: Literal["Lowest", "Highest"], course: TimeCourse | None) -> str:
    """Return the caption of a button that goes to the frame of an extreme."""
    if course is None:
        return f"{what} EI\n–"
    frame = course.min_frame if what == "Lowest" else course.max_frame
    place = int((course.frames == frame).argmax())
    time = "" if course.times_s is None else f", {course.times_s[place]:.2f} s"
    return f"{what} EI {course.mean[place]:.1f}\nframe {frame}{time}"


def problems_text(course: TimeCourse) -> str:
    """Return which frames could not be measured, and why the first could not."""
    if not course.problems:
        return ""
    frame, why = next(iter(course.problems.items()))
    count = len(course.problems)
    told = "1 frame was" if count == 1 else f"{count} frames were"
    return f"{told} not measured. Frame {frame}: {why}"


def course_text(measured: MeasuredCourse, *, delimiter: str) -> str:
    """Return a time course as a table, a line a frame, numbers with all digits."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(HEADER)
    course = measured.course
    names = (measured.image.name, measured.entry.roi.name)
    start = [guard_formula(name) for name in names]
    for place, frame in enumerate(course.frames.tolist()):
        time = "" if course.times_s is None else repr(float(course.times_s[place]))
        numbers = (_number(course.mean[place]), _number(course.sd[place]))
        counts = (int(course.n[place]), int(course.n_coloured[place]))
        note = guard_formula(course.problems.get(frame, ""))
        writer.writerow([*start, frame, time, *numbers, *counts, note])
    return text.getvalue()


def _number(value: float) -> str:
    return "NaN" if math.isnan(value) else repr(float(value))
