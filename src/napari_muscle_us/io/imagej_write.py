"""Write regions as ImageJ ``.roi`` files and RoiSet ``.zip`` archives.

ImageJ opens what is written and selects the same pixels: areas lie half a pixel
further in its coordinates, lines and points do not (see `napari_muscle_us.io.imagej`).
"""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from napari_muscle_us.errors import MuscleUSWarning, RoiError
from napari_muscle_us.io._imagej_format import (
    RoiRecord,
    build_roi,
    modernise,
    new_record,
    parse_roi,
)
from napari_muscle_us.io._imagej_geometry import decode_entry
from napari_muscle_us.io._imagej_labels import (
    Labels,
    counter_values,
    write_colour,
    write_counters,
    write_frame,
    write_labels,
)
from napari_muscle_us.io._imagej_names import MAX_ROIS, entry_names
from napari_muscle_us.io._imagej_shapes import put_shape
from napari_muscle_us.io.files import atomic_path
from napari_muscle_us.roi.entries import RoiEntry
from napari_muscle_us.roi.open_shapes import Points
from napari_muscle_us.roi.shapes import roi_to_dict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_muscle_us.roi.shapes import AnyRoi

_OLDEST: Final = (1980, 1, 1, 0, 0, 0)
_READABLE: Final = 0o644 << 16


def write_imagej_rois(path: str | Path, rois: Iterable[AnyRoi | RoiEntry]) -> None:
    """Write regions as ImageJ reads them.

    Parameters
    ----------
    path : str or Path
        ``.roi`` for exactly one region, ``.zip`` for any number. It is replaced only
        when all went well.
    rois : iterable of region or RoiEntry
        Areas, lines and points, in the order of the file. Of an entry that was read
        from ImageJ, what only ImageJ knows is written back.

    Raises
    ------
    RoiError
        If there is no region, another suffix, or a region that ImageJ cannot hold.
    ResultsError
        If the folder cannot be written to.

    Warns
    -----
    MuscleUSWarning
        If a region has keyframes: ImageJ's files hold it as last shown.

    Notes
    -----
    In a ``.zip`` each region is a file with its name, without characters that a file
    name cannot have; equal names get a number, as in ImageJ. Muscle and side become
    properties of the ImageJ ROI. The bytes depend on the regions alone.

    Examples
    --------
    >>> import tempfile
    >>> from napari_muscle_us import Rectangle, read_imagej_rois
    >>> path = tempfile.mkdtemp() + "/RoiSet.zip"
    >>> write_imagej_rois(path, [Rectangle(-0.5, -0.5, 10, 10, name="RF")])
    >>> read_imagej_rois(path)[0].area_px
    100
    """
    path = Path(path)
    entries = [_as_entry(roi) for roi in rois]
    if path.suffix not in (".roi", ".zip"):
        raise RoiError(f"{path.name!r} is no name for ROIs; end it in .roi or .zip.")
    if not entries:
        raise RoiError(f"There is no ROI to write to {path.name!r}; draw one first.")
    if path.suffix == ".roi" and len(entries) > 1:
        raise RoiError(
            f"{len(entries)} ROIs do not fit in one .roi file; save them as a .zip."
        )
    if len(entries) > MAX_ROIS:
        raise RoiError(
            f"{len(entries)} ROIs are too many for one file; save at most {MAX_ROIS}."
        )
    encoded = [encode_roi(entry) for entry in entries]
    with atomic_path(path) as temporary:
        if path.suffix == ".roi":
            temporary.write_bytes(encoded[0])
        else:
            _write_zip(temporary, entry_names([e.roi for e in entries]), encoded)
    moving = sum(bool(entry.keyframes) for entry in entries)
    if moving:
        warnings.warn(
            f"{moving} of {len(entries)} ROIs have keyframes, which ImageJ's files do "
            "not hold; they were written as last shown.",
            MuscleUSWarning,
            stacklevel=2,
        )


def _as_entry(roi: AnyRoi | RoiEntry) -> RoiEntry:
    return roi if isinstance(roi, RoiEntry) else RoiEntry(roi)


def _write_zip(path: Path, names: list[str], encoded: list[bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in zip(names, encoded, strict=True):
            # A fixed date makes equal regions equal files.
            info = zipfile.ZipInfo(f"{name}.roi", _OLDEST)
            info.external_attr = _READABLE
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)


def encode_roi(entry: RoiEntry | AnyRoi) -> bytes:
    """Return a region as the bytes of an ImageJ ``.roi`` file.

    Parameters
    ----------
    entry : RoiEntry or region
        Region. Where it was read from ImageJ (`RoiEntry.imagej`), only what has
        changed since is changed in those bytes: stroke width, fill, group, counters
        and unknown properties stay, and coordinates that were not edited stay bit
        for bit.

    Returns
    -------
    bytes
        Content of a ``.roi`` file; format version 228 (ImageJ 1.53t) or as read.

    Raises
    ------
    RoiError
        If ImageJ's files cannot hold it.

    Notes
    -----
    Coordinates are single precision, as ImageJ keeps them, and integers where all of
    a region's are.

    References
    ----------
    ImageJ 1.53t, ``ij/io/RoiEncoder.java``.

    Examples
    --------
    >>> from napari_muscle_us import Rectangle
    >>> encode_roi(Rectangle(-0.5, -0.5, 10, 10))[:4]
    b'Iout'
    """
    entry = _as_entry(entry)
    known = _known(entry.imagej)
    record = parse_roi(entry.imagej, "") if known is not None else new_record()
    if known is not None:
        if not _update_is_needed(entry, known):
            return entry.imagej
        modernise(record)
    roi = entry.roi
    if known is None or roi.name != known.roi.name:
        record.name = roi.name
    if known is None or entry.colour != known.colour:
        write_colour(record, entry.colour)
    if known is None or roi_to_dict(roi) != roi_to_dict(known.roi):
        counters = _carried_counters(record, roi, known)
        put_shape(record, roi)
        write_counters(record, counters)
    if known is None or entry.frame != known.frame:
        write_frame(record, entry.frame)
    record.properties = write_labels(record.properties, _labels(entry))
    return build_roi(record)


def _known(data: bytes) -> RoiEntry | None:
    """Return what the bytes of an entry hold, if they still can be read."""
    if not data:
        return None
    try:
        return decode_entry(data, "", "")[0]
    except RoiError:
        return None


def _labels(entry: RoiEntry) -> Labels:
    frames = " ".join(str(frame) for frame, _ in entry.keyframes)
    return Labels(entry.roi.muscle, entry.roi.side, entry.locked, frames)


def _update_is_needed(entry: RoiEntry, known: RoiEntry) -> bool:
    record = parse_roi(entry.imagej, "")
    properties = write_labels(record.properties, _labels(entry))
    return (
        (entry.roi.name, entry.colour, entry.frame)
        != (known.roi.name, known.colour, known.frame)
        or properties != record.properties
        or roi_to_dict(entry.roi) != roi_to_dict(known.roi)
    )


def _carried_counters(
    record: RoiRecord, roi: AnyRoi, known: RoiEntry | None
) -> list[int]:
    """Return the counters of points after some were moved, added or taken away."""
    values = counter_values(record)
    if not values or not isinstance(roi, Points) or known is None:
        return []
    old, new = known.roi.outline().tolist(), roi.vertices.tolist()
    if len(old) == len(new):
        return values
    kept = dict(zip(map(tuple, old), values, strict=False))
    return [kept.get(tuple(point), 0) for point in new]
