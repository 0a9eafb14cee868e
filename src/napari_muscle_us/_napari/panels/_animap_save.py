"""Saving maps: of the frame that is shown, and of all frames of a clip."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us._napari.panels._animap_source import source_of
from napari_muscle_us._napari.panels._animap_work import (
    Display,
    MapSettings,
    TensorSettings,
    Wanted,
    facts_of,
    parts_of,
)
from napari_muscle_us.errors import MeasureError, MuscleUSError
from napari_muscle_us.io.write_map import refuse_other_map, write_map
from napari_muscle_us.io.write_map_stack import write_map_stack
from napari_muscle_us.measure.anisotropy.orientation import (
    OrientationMap,
    orientation_of_clip,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np
    import numpy.typing as npt

    from napari_muscle_us._napari._session import Session
    from napari_muscle_us.image import UltrasoundImage

_REGULAR: Final = 0.01


def save_map(found: tuple[Wanted, OrientationMap] | None, kind: str, path: str) -> None:
    """Write a part of the map that is on the screen.

    Raises
    ------
    MuscleUSError
        If there is none, or the file cannot be written.
    """
    if found is None:
        raise MeasureError(
            "There is no finished map; tick what is to be shown and wait until it is "
            "there."
        )
    wanted, values = found
    refuse_other_map(path)
    write_map(
        path,
        parts_of(values, kind),
        name=f"anisotropy.{kind}",
        spacing_mm=wanted.source.image.spacing_mm,
        info=facts_of(kind, wanted),
    )


@dataclass(frozen=True, slots=True, eq=False)
class ClipTask:
    """What is needed to save the maps of all frames."""

    clip: UltrasoundImage
    kind: str
    tensor: TensorSettings
    mask: npt.NDArray[np.bool_] | None
    spacing_mm: tuple[float, float] | None
    info: dict[str, Any]
    path: str


def clip_task(
    session: Session, settings: MapSettings, kind: str, path: str, *, in_rois: bool
) -> ClipTask:
    """Return the task of saving the maps of the present clip, or refuse it.

    Raises
    ------
    MuscleUSError
        If it is no clip, its frames differ in scale, an ROI belongs to single frames,
        or a file of that name is something else.
    """
    clip = session.clip
    if not clip.is_clip:
        raise MeasureError(
            f"{clip.name!r} is a still image; save its one map with Save map…."
        )
    refuse_other_map(path)
    # Anew: a map on the screen may be of another image, or of ROIs not yet bound.
    source = source_of(session, None, in_rois=in_rois)
    wanted = Wanted(source, settings, Display())
    for region in source.regions:
        entry = region.entry
        if entry is not None and (entry.frame is not None or entry.keyframes):
            raise MeasureError(
                f"ROI {region.name!r} is not the same on all frames; put it on all "
                "frames, or map the whole image."
            )
    spacing = _spacing(clip)
    settings.tensor.window_px(spacing)
    info = facts_of(kind, wanted) | {
        "frame": None,
        "frames": clip.n_frames,
        "spacing_mm": None if spacing is None else list(spacing),
    }
    tensor = settings.tensor
    return ClipTask(clip, kind, tensor, source.mask(), spacing, info, path)


def save_clip_maps(
    task: ClipTask,
    *,
    progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
) -> str:
    """Write the maps of all frames; return why it failed, or an empty string.

    One frame is in memory at a time. A cancelled task leaves no file.
    """
    clip = task.clip
    rows, columns = clip.frame_shape
    try:
        write_map_stack(
            task.path,
            _maps(task, progress, cancelled),
            shape=(clip.n_frames, rows, columns),
            name=f"anisotropy.{task.kind}",
            spacing_mm=task.spacing_mm,
            frame_interval_s=_interval(clip),
            info=task.info,
        )
    except MuscleUSError as error:
        return str(error)
    return ""


def _maps(
    task: ClipTask,
    progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
) -> Iterator[npt.NDArray[np.float32]]:
    each = orientation_of_clip(
        task.clip,
        progress=progress,
        cancelled=cancelled,
        mask=task.mask,
        **task.tensor.options(),
    )
    for _, found in each:
        yield parts_of(found, task.kind)


def _spacing(clip: UltrasoundImage) -> tuple[float, float] | None:
    """Return the scale that holds for all frames."""
    each = clip.frame_calibrations
    if clip.spacing_mm is not None or each is None:
        return clip.spacing_mm
    found = {None if c is None else c.spacing_mm for c in each}
    if len(found) > 1:
        raise MeasureError(
            f"The {clip.n_frames} frames differ in scale, of which a file holds one; "
            "save the maps of single frames."
        )
    return found.pop() if found else None


def _interval(clip: UltrasoundImage) -> float | None:
    """Return the time from frame to frame, ``None`` where it varies."""
    times = clip.frame_times_s
    if times is None or len(times) < 2:
        return None
    steps = [later - former for former, later in pairwise(times)]
    mean = sum(steps) / len(steps)
    regular = mean > 0 and all(abs(step - mean) <= _REGULAR * mean for step in steps)
    return mean if regular else None
