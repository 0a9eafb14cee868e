"""Orientation maps of all frames of a clip, into one file."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.errors import MeasureError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from napari_muscle_us.image import UltrasoundImage

    Mask = npt.NDArray[np.bool_]
    Map = npt.NDArray[np.float32]

VALUES: Final = ("orientation_deg", "coherency", "energy")
"""Attributes of `OrientationMap` that can be written."""

_REGULAR: Final = 0.01


def write_orientation_stack(
    path: str | Path,
    clip: UltrasoundImage,
    values: str,
    *,
    name: str = "",
    mask: Mask | None = None,
    info: Mapping[str, Any] | None = None,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    **options: Any,
) -> bool:
    """Write the orientation maps of all frames of a clip as a 32-bit float TIFF stack.

    One frame is decoded, mapped and written at a time, so that memory does not grow
    with the clip.

    Parameters
    ----------
    path : str or Path
        File to write; a file of this name is replaced once all is written.
    clip : UltrasoundImage
        Clip whose frames have one scale.
    values : {"orientation_deg", "coherency", "energy"}
        What to write of each map.
    name : str, optional
        What the maps show; one line of ASCII.
    mask : ndarray of bool, shape (depth, lateral), optional
        Pixels that count, of every frame; all by default. Others are NaN.
    info : mapping, optional
        How the maps came about, as JSON values.
    progress : callable, optional
        Called with the number of frames that are done and of all.
    cancelled : callable, optional
        Asked before each frame whether to stop.
    **options
        As for `compute_orientation_map`, save for the spacing, which is the clip's.

    Returns
    -------
    bool
        Whether it was written. When cancelled nothing is left, and a file of this name
        is untouched.

    Raises
    ------
    MeasureError
        If it is no clip, its frames differ in scale, there is no such part of a map, or
        as `compute_orientation_map`.
    ResultsError
        As `napari_muscle_us.io.write_map_stack.write_map_stack`.
    """
    from napari_muscle_us.io.write_map_stack import write_map_stack
    from napari_muscle_us.measure.anisotropy.orientation import orientation_of_clip

    spacing = scale_of_frames(clip)
    if values not in VALUES:
        raise MeasureError(
            f"{values!r} is no part of an orientation map; choose {', '.join(VALUES)}."
        )
    each = orientation_of_clip(
        clip, progress=progress, cancelled=cancelled, mask=mask, **options
    )
    maps: Iterator[Map] = (getattr(found, values) for _, found in each)
    return write_map_stack(
        path,
        maps,
        shape=(clip.n_frames, *clip.frame_shape),
        name=name,
        spacing_mm=spacing,
        frame_interval_s=frame_interval_s(clip),
        info=info,
    )


def scale_of_frames(clip: UltrasoundImage) -> tuple[float, float] | None:
    """Return the size of a pixel in mm that holds for all frames of a clip.

    Raises
    ------
    MeasureError
        If it is no clip, or frames differ in scale.
    """
    if not clip.is_clip:
        raise MeasureError(f"{clip.name!r} is a still image; save its one map.")
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


def frame_interval_s(clip: UltrasoundImage) -> float | None:
    """Return the time from frame to frame in seconds, ``None`` where it varies."""
    times = clip.frame_times_s
    if times is None or len(times) < 2:
        return None
    steps = [later - former for former, later in pairwise(times)]
    mean = sum(steps) / len(steps)
    regular = mean > 0 and all(abs(step - mean) <= _REGULAR * mean for step in steps)
    return mean if regular else None
