"""What commands on one picture share: which frame, how gray, and its one ROI."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from napari_muscle_us.image import UltrasoundImage

    Mask = npt.NDArray[np.bool_]

IMAGE_OPTIONS: Final = (
    click.option(
        "--frame", type=int, help="Frame of a clip, from 0 (a clip needs it)."
    ),
    click.option(
        "--gray-rule",
        type=click.Choice(["imagej", "luma601"]),
        default="imagej",
        show_default=True,
        help="How colour becomes gray.",
    ),
)


def still_of(image: UltrasoundImage, frame: int | None) -> UltrasoundImage:
    """Return the frame that was chosen of a clip, or the still image itself.

    Raises
    ------
    MuscleUSError
        If it is a clip and no frame, or one that is not there, was chosen.
    """
    if frame is not None:
        return image.frame(frame)
    if image.is_clip:
        raise MuscleUSError(
            f"{image.name!r} is a clip of {image.n_frames} frames; add --frame N, 0 to "
            f"{image.n_frames - 1}."
        )
    return image


def region_of(
    path: Path | None, image: UltrasoundImage
) -> tuple[dict[str, Any] | None, Mask | None]:
    """Return the outline and the pixels of the one ROI in a file, if there is one.

    Raises
    ------
    MuscleUSError
        If the file holds another number of ROIs, or no pixels of it can be measured.
    """
    if path is None:
        return None, None
    import numpy as np

    from napari_muscle_us.io.imagej import read_imagej_rois
    from napari_muscle_us.roi.rasterize import usable_window
    from napari_muscle_us.roi.shapes import roi_to_dict

    rois = read_imagej_rois(path)
    if len(rois) != 1:
        raise MuscleUSError(
            f"{path.name!r} holds {len(rois)} ROIs, and a map is of one; give a file "
            "with one ROI."
        )
    window = usable_window(rois[0], image.frame_shape)
    mask = np.zeros(image.frame_shape, np.bool_)
    mask[window.rows, window.columns] = window.mask
    return roi_to_dict(rois[0]), mask
