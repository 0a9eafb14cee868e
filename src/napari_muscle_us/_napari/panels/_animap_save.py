"""Saving maps: of the frame that is shown, and of all frames of a clip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from napari_muscle_us._napari.panels._animap_work import (
    VALUES,
    Display,
    MapSettings,
    TensorSettings,
    Wanted,
    facts_of,
    parts_of,
)
from napari_muscle_us._napari.panels._map_source import source_of
from napari_muscle_us.errors import MeasureError, MuscleUSError
from napari_muscle_us.io.write_map import refuse_other_map, write_map
from napari_muscle_us.orientation_stack import (
    scale_of_frames,
    write_orientation_stack,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import numpy.typing as npt

    from napari_muscle_us._napari._session import Session
    from napari_muscle_us.image import UltrasoundImage
    from napari_muscle_us.measure.anisotropy.orientation import OrientationMap


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
    spacing = scale_of_frames(clip)
    settings.window(spacing)
    info = facts_of(kind, wanted) | {
        "frame": None,
        "frames": clip.n_frames,
        "spacing_mm": None if spacing is None else list(spacing),
    }
    tensor = settings.tensor
    return ClipTask(clip, kind, tensor, source.mask(), info, path)


def save_clip_maps(
    task: ClipTask,
    *,
    progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
) -> str:
    """Write the maps of all frames; return why it failed, or an empty string.

    One frame is in memory at a time. A cancelled task leaves no file.
    """
    try:
        write_orientation_stack(
            task.path,
            task.clip,
            VALUES[task.kind][0],
            name=f"anisotropy.{task.kind}",
            mask=task.mask,
            info=task.info,
            progress=progress,
            cancelled=cancelled,
            **task.tensor.options(),
        )
    except MuscleUSError as error:
        return str(error)
    return ""
