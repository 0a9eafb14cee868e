"""ImageJ regions of interest: ``.roi`` files and ``RoiSet.zip``.

ImageJ's vertex ``(x, y)`` is ``(row, column) = (y − 0.5, x − 0.5)`` here, for area
regions: its pixel (0, 0) covers 0..1, ours −0.5..0.5.
"""

from __future__ import annotations

import lzma
import math
import struct
import warnings
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import MuscleUSWarning, RoiError
from napari_muscle_us.roi.shapes import Ellipse, Polygon, Rectangle

if TYPE_CHECKING:
    from roifile import ImagejRoi

    from napari_muscle_us.roi.shapes import Roi

MAX_ROI_BYTES: Final = 20_000_000
MAX_ROIS: Final = 10_000
MAX_ARCHIVE_BYTES: Final = 100_000_000

_ELLIPSE_SUBTYPE: Final = 3
_ROTATED_RECT_SUBTYPE: Final = 5
_SPLINE_FIT: Final = 1
_FLOAT_PARAM: Final = slice(52, 56)
# Files are hostile: a lying header makes roifile raise any of these.
_BROKEN: Final = (
    ValueError,
    TypeError,
    struct.error,
    IndexError,
    OverflowError,
    EOFError,
    RuntimeError,
)


def read_imagej_rois(path: str | Path) -> list[Roi]:
    """Return the regions of an ImageJ ``.roi`` file or RoiSet ``.zip``.

    Rectangle, oval, polygon, freehand, traced, ellipse and rotated rectangle are read;
    each then selects the pixels that it selects in ImageJ. In a ``.zip``, what cannot
    be an area (points, lines) or is broken is left out with a warning.

    Parameters
    ----------
    path : str or Path
        File to read.

    Returns
    -------
    list of Polygon, Rectangle or Ellipse
        Named as in the file, in its order.

    Raises
    ------
    RoiError
        If the file cannot be read or holds no region that selects an area.

    Warns
    -----
    MuscleUSWarning
        For each region of a ``.zip`` that was left out.

    References
    ----------
    ImageJ 1.53t, ``ij/io/RoiDecoder.java``.
    """
    path = Path(path)
    try:
        if path.is_dir():
            raise RoiError(f"{path.name!r} is a folder; give a .roi or .zip file.")
        if path.exists() and not path.is_file():
            raise RoiError(f"{path.name!r} is no file; give a .roi or .zip file.")
        if zipfile.is_zipfile(path):
            return _read_zip(path)
        if path.stat().st_size > MAX_ROI_BYTES:
            raise RoiError(f"{path.name!r} is too large for an ROI; give a .roi file.")
        return [_decode(path.read_bytes(), path.stem, path.name)]
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise RoiError(
            f"The ROI file {path.name!r} cannot be read ({reason}); check its path."
        ) from None


def _read_zip(path: Path) -> list[Roi]:
    rois: list[Roi] = []
    try:
        with zipfile.ZipFile(path) as archive:
            entries = [e for e in archive.infolist() if not e.is_dir()]
            if len(entries) > MAX_ROIS:
                raise RoiError(
                    f"{path.name!r} holds {len(entries)} files; at most {MAX_ROIS} "
                    "ROIs are read."
                )
            left = MAX_ARCHIVE_BYTES
            for entry in entries:
                left -= min(entry.file_size, MAX_ROI_BYTES)
                if left < 0:
                    raise RoiError(
                        f"{path.name!r} unpacks to more than "
                        f"{MAX_ARCHIVE_BYTES / 1e6:g} MB; save the ROIs of one image."
                    )
                try:
                    rois.append(_read_entry(archive, entry))
                except RoiError as error:
                    warnings.warn(f"Left out: {error}", MuscleUSWarning, stacklevel=3)
    except (zipfile.BadZipFile, RuntimeError, EOFError, struct.error, IndexError):
        raise RoiError(
            f"The archive {path.name!r} is damaged; save it in ImageJ again."
        ) from None
    if not rois:
        raise RoiError(
            f"{path.name!r} holds no ROI that selects an area; save areas from "
            "ImageJ's ROI Manager."
        )
    return rois


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Roi:
    name = PurePosixPath(entry.filename).name
    # The stated size may lie, so no more than the limit is ever unpacked.
    try:
        with archive.open(entry) as file:
            data = file.read(MAX_ROI_BYTES + 1)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, *_BROKEN):
        raise RoiError(
            f"{name!r} is damaged or locked and cannot be unpacked; save it again."
        ) from None
    if len(data) > MAX_ROI_BYTES:
        raise RoiError(f"{name!r} is too large for an ROI.")
    return _decode(data, PurePosixPath(name).stem, name)


def _decode(data: bytes, default_name: str, file_name: str) -> Roi:
    from roifile import ImagejRoi

    if data[:4] != b"Iout":
        raise RoiError(f"{file_name!r} is not an ImageJ ROI; save it from ImageJ.")
    try:
        decoded = ImagejRoi.frombytes(data)
        name = decoded.name or default_name
        return _convert(decoded, data, name)
    except RoiError:
        raise
    except _BROKEN:
        raise RoiError(
            f"The ImageJ ROI {file_name!r} is damaged or cut short; save it again."
        ) from None


def _convert(roi: ImagejRoi, data: bytes, name: str) -> Roi:
    from roifile import ROI_TYPE

    kind = roi.roitype
    if roi.composite:
        raise RoiError(
            f"ROI {name!r} is composed of several parts or has holes, which is not "
            "supported; split it in ImageJ (Edit › Selection › Split)."
        )
    if kind in (ROI_TYPE.RECT, ROI_TYPE.OVAL):
        return _convert_box(roi, name)
    if kind == ROI_TYPE.FREEHAND and roi.subtype == _ELLIPSE_SUBTYPE:
        return _convert_ellipse(roi, data, name)
    if kind == ROI_TYPE.FREEHAND and roi.subtype == _ROTATED_RECT_SUBTYPE:
        return _convert_rotated_rectangle(roi, data, name)
    if kind not in (ROI_TYPE.POLYGON, ROI_TYPE.FREEHAND, ROI_TYPE.TRACED):
        words = getattr(kind, "name", str(kind)).lower()
        raise RoiError(
            f"ROI {name!r} is a {words} selection, which encloses no area; outline "
            "the muscle with an area tool."
        )
    if int(roi.options) & _SPLINE_FIT:
        raise RoiError(
            f"ROI {name!r} is a fitted spline, which is not supported; convert it in "
            "ImageJ (Edit › Selection › Interpolate)."
        )
    xy = roi.coordinates()
    return Polygon(np.asarray(xy, np.float64)[:, ::-1] - 0.5, name=name)


def _convert_box(roi: ImagejRoi, name: str) -> Roi:
    from roifile import ROI_TYPE

    if roi.roitype == ROI_TYPE.RECT and roi.rounded_rect_arc_size:
        raise RoiError(
            f"ROI {name!r} has rounded corners, which is not supported; use a plain "
            "rectangle."
        )
    if roi.subpixelrect:
        box = (roi.yd - 0.5, roi.xd - 0.5, roi.heightd, roi.widthd)
    else:
        size = (roi.bottom - roi.top, roi.right - roi.left)
        box = (roi.top - 0.5, roi.left - 0.5, *size)
    if roi.roitype == ROI_TYPE.RECT:
        return Rectangle(*box, name=name)
    return Ellipse(*box, name=name)


def _axis(roi: ImagejRoi, data: bytes) -> tuple[float, float, float, float, float]:
    (parameter,) = struct.unpack(">f", data[_FLOAT_PARAM])
    values = (roi.x1, roi.y1, roi.x2, roi.y2, parameter)
    if not all(math.isfinite(v) for v in values):
        raise ValueError("axis is not finite")
    return values


def _convert_ellipse(roi: ImagejRoi, data: bytes, name: str) -> Ellipse:
    x1, y1, x2, y2, ratio = _axis(roi, data)
    major = math.hypot(x2 - x1, y2 - y1)
    minor = major * min(max(ratio, 0.0), 1.0)
    return Ellipse(*_turned_box(x1, y1, x2, y2, minor), name=name)


def _convert_rotated_rectangle(roi: ImagejRoi, data: bytes, name: str) -> Rectangle:
    x1, y1, x2, y2, width = _axis(roi, data)
    return Rectangle(*_turned_box(x1, y1, x2, y2, width), name=name)


def _turned_box(
    x1: float, y1: float, x2: float, y2: float, across: float
) -> tuple[float, float, float, float, float]:
    """Return top, left, height, width and angle of a shape along an axis."""
    along = math.hypot(x2 - x1, y2 - y1)
    # A whole turn marks a shape that lies level as turned all the same: the upright
    # one selects its pixels by another rule.
    angle = math.degrees(math.atan2(y1 - y2, x2 - x1)) or 360.0
    top, left = (y1 + y2) / 2 - across / 2 - 0.5, (x1 + x2) / 2 - along / 2 - 0.5
    return top, left, across, along, angle
