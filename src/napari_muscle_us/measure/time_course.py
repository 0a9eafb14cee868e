"""Echo intensity of a region over the frames of a clip."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.errors import ImageReadError, MeasureError, RoiError
from napari_muscle_us.frames import FrameStack
from napari_muscle_us.measure.intensity import measure_intensity
from napari_muscle_us.results import canonical_json, results_frame
from napari_muscle_us.roi.checks import label_of
from napari_muscle_us.roi.entries import RoiEntry
from napari_muscle_us.roi.keyframes import roi_at
from napari_muscle_us.roi.rasterize import usable_window
from napari_muscle_us.roi.shapes import Roi, roi_to_dict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import numpy.typing as npt
    import pandas as pd

    from napari_muscle_us.image import UltrasoundImage
    from napari_muscle_us.roi.rasterize import RoiWindow

COURSE_MEASURES: Final = ("intensity.mean", "intensity.sd")
"""What a time course gives of each frame in a results table."""


@dataclass(frozen=True, slots=True, eq=False)
class TimeCourse:
    """Echo intensity of a region, frame by frame.

    Attributes
    ----------
    frames : ndarray of int64, shape (k,)
        Frames that were looked at, from 0, in increasing order.
    times_s : ndarray of float64, shape (k,), or None
        Their times in seconds from the first frame of the clip; ``None`` where the
        file does not tell.
    mean, sd : ndarray of float64, shape (k,)
        Mean and standard deviation (n − 1) of the gray levels. NaN where a frame could
        not be measured; `sd` is also NaN for a single pixel.
    n : ndarray of int64, shape (k,)
        Number of pixels; 0 where a frame could not be measured.
    n_coloured : ndarray of int64, shape (k,)
        How many of them are coloured (Doppler, caliper or marker).
    problems : mapping of int to str
        Why a frame could not be measured, by frame.
    fingerprint : str
        Mark of the image and the outlines that were measured.

    Raises
    ------
    MeasureError
        If no frame has a mean, or the arrays differ in length.
    """

    frames: npt.NDArray[np.int64]
    times_s: npt.NDArray[np.float64] | None
    mean: npt.NDArray[np.float64]
    sd: npt.NDArray[np.float64]
    n: npt.NDArray[np.int64]
    n_coloured: npt.NDArray[np.int64]
    problems: Mapping[int, str] = field(default_factory=dict)
    fingerprint: str = ""

    def __post_init__(self) -> None:
        """Freeze the arrays; refuse a course without any value."""
        arrays = [self.frames, self.mean, self.sd, self.n, self.n_coloured]
        if self.times_s is not None:
            arrays.append(self.times_s)
        if len({len(array) for array in arrays}) != 1:
            raise MeasureError(
                f"The arrays of a time course have the lengths "
                f"{[len(array) for array in arrays]}; give one value a frame."
            )
        if np.isnan(self.mean).all():
            first = next(iter(self.problems.values()), "there is no frame.")
            raise MeasureError(f"No frame could be measured: {first}")
        for array in arrays:
            array.setflags(write=False)
        object.__setattr__(self, "problems", MappingProxyType(dict(self.problems)))

    @property
    def min_frame(self) -> int:
        """First frame with the lowest mean."""
        return int(self.frames[np.nanargmin(self.mean)])

    @property
    def max_frame(self) -> int:
        """First frame with the highest mean."""
        return int(self.frames[np.nanargmax(self.mean)])

    @property
    def range(self) -> float:
        """Highest minus lowest mean, in gray levels."""
        return float(np.nanmax(self.mean) - np.nanmin(self.mean))


def measure_time_course(
    image: UltrasoundImage,
    entry: RoiEntry | Roi,
    *,
    frames: range | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> TimeCourse | None:
    """Return the echo intensity of a region on the frames of a clip.

    Each frame has the statistics that `measure_intensity` gives of it. A region
    without keyframes lies in the same place on all frames; one with keyframes is
    interpolated (`napari_muscle_us.roi.keyframes.roi_at`).

    Parameters
    ----------
    image : UltrasoundImage
        Clip.
    entry : RoiEntry, Polygon, Rectangle, Ellipse or Composite
        Region, with its keyframes if it moves.
    frames : range, optional
        Frames to measure, increasing; all when not given.
    progress : callable, optional
        Called with the number of frames that are done and of all.
    cancelled : callable, optional
        Asked before each frame whether to stop.

    Returns
    -------
    TimeCourse or None
        A frame that cannot be decoded, or where a moving region covers nothing, is
        NaN and has its reason in `problems`. ``None`` when it was cancelled.

    Raises
    ------
    MeasureError
        If the image is a still, there is no such frame, or none could be measured.
    RoiError
        If the region encloses no area, belongs to one frame only, crosses itself or
        covers nothing; where a region moves, the last two are of single frames.

    Notes
    -----
    The mean of a moving muscle changes as fascia and noise cross the outline: follow
    it by keyframes, and look at the frames of the extremes.

    Examples
    --------
    >>> import numpy as np, napari_muscle_us as mus
    >>> from napari_muscle_us.frames import Frame, FrameStack
    >>> class Brighter:
    ...     shape = (3, 8, 8)
    ...
    ...     def read(self, index):
    ...         return Frame(np.full((8, 8), 10 * index, np.uint8))
    >>> clip = mus.UltrasoundImage(FrameStack(Brighter()), "clip", "0" * 64)
    >>> course = measure_time_course(clip, mus.Rectangle(1.5, 1.5, 4, 4))
    >>> course.mean, course.max_frame
    (array([ 0., 10., 20.]), 2)
    """
    stack = _stack_of(image)
    entry = entry if isinstance(entry, RoiEntry) else RoiEntry(entry)
    _check_entry(entry)
    wanted = _checked_frames(frames, image)
    values = np.full((2, len(wanted)), np.nan)
    counts = np.zeros((2, len(wanted)), np.int64)
    problems: dict[int, str] = {}
    windows = _windows(entry, wanted, image.frame_shape)
    for place, (index, window) in enumerate(zip(wanted, windows, strict=True)):
        if cancelled is not None and cancelled():
            return None
        try:
            found = _measure_frame(stack, index, window)
            values[:, place], counts[:, place] = found[:2], found[2:]
        except (ImageReadError, RoiError) as error:
            problems[index] = str(error)
        if progress is not None:
            progress(place + 1, len(wanted))
    chosen = np.array(wanted, dtype=np.int64)
    return TimeCourse(
        frames=chosen,
        times_s=_times_of(image, chosen),
        mean=values[0],
        sd=values[1],
        n=counts[0],
        n_coloured=counts[1],
        problems=problems,
        fingerprint=_fingerprint(image, entry),
    )


def time_course_rows(
    image: UltrasoundImage,
    entry: RoiEntry | Roi,
    course: TimeCourse,
    *,
    subject: str = "",
    visit: str = "",
) -> pd.DataFrame:
    """Return a time course as rows of the results table.

    Parameters
    ----------
    image : UltrasoundImage
        Clip that was measured.
    entry : RoiEntry, Polygon, Rectangle, Ellipse or Composite
        Region that was measured.
    course : TimeCourse
        What `measure_time_course` gave of them.
    subject, visit : str
        Labels of the person (a code, not a name) and the visit.

    Returns
    -------
    DataFrame
        Mean and SD of each frame, the same rows that `measure_rois` gives of that
        frame and its outline, where it does not look for what may spoil them
        (``MeasureOptions(quality=False)``). A frame that could not be measured has
        none; the reason is in ``course.problems``.

    Raises
    ------
    MeasureError
        If the course is of another image or outline.
    """
    entry = entry if isinstance(entry, RoiEntry) else RoiEntry(entry)
    if course.fingerprint != _fingerprint(image, entry):
        raise MeasureError(
            f"The time course is not of {label_of(entry.roi.name)} as it lies on "
            f"{image.name!r} now; measure it again."
        )
    measured = np.flatnonzero(~np.isnan(course.mean))
    # Measured in full once, for all that is the same on each frame.
    first = _measured(image, entry, int(course.frames[measured[0]]), subject, visit)
    rows: list[Mapping[str, Any]] = []
    for place in measured:
        frame = int(course.frames[place])
        if course.n_coloured[place] or math.isnan(course.sd[place]):
            # Such a frame has a note, which the measuring words.
            rows += _measured(image, entry, frame, subject, visit)
            continue
        roi = _outline_at(entry, frame)
        own = {
            "frame": frame,
            "roi_geometry": canonical_json(roi_to_dict(roi)),
            "roi": roi.name,
            "muscle": roi.muscle,
            "side": roi.side,
            "note": "",
        }
        values = (course.mean[place], course.sd[place])
        for row, value in zip(first, values, strict=True):
            rows.append({**row, **own, "value": float(value)})
    return results_frame(rows)


def _measured(
    image: UltrasoundImage, entry: RoiEntry, frame: int, subject: str, visit: str
) -> list[dict[str, Any]]:
    from napari_muscle_us.measure_options import MeasureOptions
    from napari_muscle_us.rows import measure_rois

    table = measure_rois(
        image,
        [_outline_at(entry, frame)],
        subject=subject,
        visit=visit,
        frame=frame,
        options=MeasureOptions(quality=False),
    )
    kept = table[table["measure"].isin(COURSE_MEASURES)]
    rows = kept.sort_values("measure", kind="stable").to_dict("records")
    return [{str(key): value for key, value in row.items()} for row in rows]


def _measure_frame(
    stack: FrameStack, index: int, window: RoiWindow | RoiError
) -> tuple[float, float, int, int]:
    """Return mean, SD, number of pixels and of coloured ones."""
    if isinstance(window, RoiError):
        raise window
    # Of the stack, not of image.frame(): that makes an image for each frame.
    frame = stack.frame(index)
    part = (window.rows, window.columns)
    found = measure_intensity(frame.gray[part], window.mask)
    coloured = 0
    if frame.coloured is not None:
        coloured = int(np.count_nonzero(frame.coloured[part] & window.mask))
    return found.mean, found.sd, found.n, coloured


def _stack_of(image: UltrasoundImage) -> FrameStack:
    if isinstance(image.gray, FrameStack):
        return image.gray
    raise MeasureError(f"{image.name!r} is a still image; a time course needs a clip.")


def _check_entry(entry: RoiEntry) -> None:
    """Refuse a region that cannot be followed through a clip."""
    for roi in (entry.roi, *(keyed for _, keyed in entry.keyframes)):
        if not isinstance(roi, Roi):
            raise RoiError(
                f"{label_of(roi.name)} encloses no area; outline the muscle to follow "
                "its echo intensity."
            )
    if entry.frame is not None:
        raise RoiError(
            f"{label_of(entry.roi.name)} belongs to frame {entry.frame} only; let it "
            "belong to every frame to follow it through the clip."
        )


def _checked_frames(frames: range | None, image: UltrasoundImage) -> range:
    if frames is None:
        return range(image.n_frames)
    if not frames or frames.step < 0 or frames[0] < 0 or frames[-1] >= image.n_frames:
        raise MeasureError(
            f"{image.name!r} has the frames 0 to {image.n_frames - 1}; {frames} does "
            "not choose of them in increasing order."
        )
    return frames


def _windows(
    entry: RoiEntry, frames: range, shape: tuple[int, int]
) -> Iterator[RoiWindow | RoiError]:
    """Give the pixels of each frame, or why there are none."""
    if not entry.keyframes:
        # Now, not at the first frame: what is wrong holds for all of them.
        window = usable_window(_outline_at(entry, frames[0]), shape)
        return (window for _ in frames)
    return (_moving_window(entry, frame, shape) for frame in frames)


def _moving_window(
    entry: RoiEntry, frame: int, shape: tuple[int, int]
) -> RoiWindow | RoiError:
    try:
        return usable_window(_outline_at(entry, frame), shape)
    except RoiError as error:
        # Of this frame only; the others go on.
        return error


def _times_of(
    image: UltrasoundImage, frames: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64] | None:
    if image.frame_times_s is None:
        return None
    return np.array(image.frame_times_s, dtype=np.float64)[frames]


def _outline_at(entry: RoiEntry, frame: int) -> Roi:
    """Return the region as it lies on a frame."""
    roi = roi_at(entry, frame)
    if not isinstance(roi, Roi):
        raise RoiError(f"{label_of(roi.name)} encloses no area on frame {frame}.")
    return roi


def _fingerprint(image: UltrasoundImage, entry: RoiEntry) -> str:
    """Return a mark of what the values of a time course depend on."""
    moved = [[number, roi_to_dict(roi)] for number, roi in entry.keyframes]
    crop = None if image.crop is None else list(image.crop)
    told = {
        "image": [image.key, image.name, image.gray_rule, crop],
        # Between keyframes `roi` is only what was last shown.
        "roi": None if moved else roi_to_dict(entry.roi),
        "keyframes": moved,
    }
    return hashlib.sha256(canonical_json(told).encode()).hexdigest()
