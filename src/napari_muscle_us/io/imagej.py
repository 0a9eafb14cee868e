"""ImageJ regions of interest: ``.roi`` files and ``RoiSet.zip``.

ImageJ has two conventions, which experiments with ImageJ 1.53t confirm:

- An **area**'s coordinates count from the corner of pixel (0, 0), which covers 0..1.
  Its vertex ``(x, y)`` is ``(row, column) = (y − 0.5, x − 0.5)`` here.
- A **line**'s and a **point**'s count from the centre of pixel (0, 0), as here: they
  are ``(row, column) = (y, x)``. A profile along a line at ``x = 10`` gives the gray
  level of column 10, one at ``x = 10.25`` three quarters of it and one of column 11;
  a point at ``x = 10.49`` measures column 10, at ``x = 10.5`` column 11.

Both hold for integer and for sub-pixel files alike. An **angle** is no line to ImageJ
(``Roi.isLine``): it is drawn by the convention of areas.
"""

from __future__ import annotations

import warnings
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from napari_muscle_us.errors import MuscleUSWarning, RoiError
from napari_muscle_us.io._imagej_format import MAGIC
from napari_muscle_us.io._imagej_geometry import decode_entry
from napari_muscle_us.io._imagej_zip import MAX_ROI_BYTES, at_most, read_archive
from napari_muscle_us.roi.checks import label_of
from napari_muscle_us.roi.open_shapes import Points, Polyline

if TYPE_CHECKING:
    from napari_muscle_us.roi.entries import RoiEntry
    from napari_muscle_us.roi.shapes import Roi


@dataclass(frozen=True, slots=True)
class ImageJRois:
    """What an ImageJ file holds.

    Attributes
    ----------
    entries : tuple of RoiEntry
        Regions, lines and points in the file's order. Each keeps the bytes that it was
        read from, so that stroke width, fill, group and the like are written back.
    left_out : tuple of str
        A sentence for each thing that was not read, or not wholly.
    """

    entries: tuple[RoiEntry, ...]
    left_out: tuple[str, ...]


def read_imagej_entries(path: str | Path) -> ImageJRois:
    """Return all that an ImageJ ``.roi`` file or RoiSet ``.zip`` holds.

    Parameters
    ----------
    path : str or Path
        File to read.

    Returns
    -------
    ImageJRois
        Rectangles, ovals, ellipses, rotated rectangles, polygons, freehand and traced
        outlines, composite selections, lines, polylines, angles and points, with
        name, muscle, side, stroke colour and slice; and what was left out.

    Raises
    ------
    RoiError
        If the file cannot be read or holds nothing that can.

    Notes
    -----
    Muscle, side and lock are properties of the ImageJ ROI (``muscle: Biceps``). The
    frame is the position in the stack, or slice or time of a hyperstack, less 1. Text,
    images, fitted splines and rounded rectangles are left out.

    References
    ----------
    ImageJ 1.53t, ``ij/io/RoiDecoder.java``.

    Examples
    --------
    >>> import tempfile
    >>> from napari_muscle_us import Rectangle
    >>> from napari_muscle_us.io.imagej_write import write_imagej_rois
    >>> path = tempfile.mkdtemp() + "/RF.roi"
    >>> write_imagej_rois(path, [Rectangle(0, 0, 3, 4, name="RF", side="left")])
    >>> read_imagej_entries(path).entries[0].roi
    Rectangle(top=0.0, left=0.0, height=3.0, width=4.0, angle_deg=0.0, name='RF', \
muscle='', side='left')
    """
    found = _read(Path(path))
    if not found.entries:
        reason = f" {found.left_out[0]}" if found.left_out else ""
        raise RoiError(
            f"{Path(path).name!r} holds no ROI that can be read; save areas from "
            f"ImageJ's ROI Manager.{reason}"
        )
    return found


def read_imagej_rois(path: str | Path) -> list[Roi]:
    """Return the areas of an ImageJ ``.roi`` file or RoiSet ``.zip``.

    Rectangle, oval, polygon, freehand, traced, ellipse, rotated rectangle and composite
    selections are read; each then selects the pixels that it selects in ImageJ. In a
    ``.zip``, what is no area (points, lines) or is broken is left out with a warning.

    Parameters
    ----------
    path : str or Path
        File to read.

    Returns
    -------
    list of Polygon, Rectangle, Ellipse or Composite
        Named as in the file, in its order.

    Raises
    ------
    RoiError
        If the file cannot be read or holds no region that selects an area.

    Warns
    -----
    MuscleUSWarning
        For what was left out, at most 20 sentences.

    See Also
    --------
    read_imagej_entries : Lines and points too, with colours and slices.

    References
    ----------
    ImageJ 1.53t, ``ij/io/RoiDecoder.java``.
    """
    path = Path(path)
    found = _read(path)
    areas: list[Roi] = []
    left_out = list(found.left_out)
    for entry in found.entries:
        roi = entry.roi
        if isinstance(roi, Polyline | Points):
            left_out.append(_no_area(roi))
        else:
            areas.append(roi)
    if not areas and not zipfile.is_zipfile(path):
        raise RoiError(left_out[-1])
    for sentence in at_most(left_out):
        warnings.warn(f"Left out: {sentence}", MuscleUSWarning, stacklevel=2)
    if not areas:
        raise RoiError(
            f"{path.name!r} holds no ROI that selects an area; save areas from "
            "ImageJ's ROI Manager."
        )
    return areas


def _no_area(roi: Polyline | Points) -> str:
    kind = f"{roi.kind}" if isinstance(roi, Polyline) else "point"
    article = "an" if kind == "angle" else "a"
    return (
        f"{label_of(roi.name)} is {article} {kind} selection, which encloses no area; "
        "outline the muscle with an area tool."
    )


def _read(path: Path) -> ImageJRois:
    """Return what a file holds, even if that is nothing."""
    try:
        if path.is_dir():
            raise RoiError(f"{str(path)!r} is a folder; give a .roi or .zip file.")
        if path.exists() and not path.is_file():
            raise RoiError(f"{path.name!r} is no file; give a .roi or .zip file.")
        with path.open("rb") as file:
            data = file.read(len(MAGIC))
            if data != MAGIC and zipfile.is_zipfile(path):
                return ImageJRois(*read_archive(path))
            data += file.read(MAX_ROI_BYTES + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, RoiError):
            raise
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise RoiError(
            f"The ROI file {path.name!r} cannot be read ({reason}); check its path."
        ) from None
    if len(data) > MAX_ROI_BYTES:
        raise RoiError(f"{path.name!r} is too large for an ROI; give a .roi file.")
    entry, notes = decode_entry(data, path.stem, path.name)
    return ImageJRois((entry,), notes)
