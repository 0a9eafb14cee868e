"""What one file is, by its header: an image, a clip, or something to skip."""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.frames import MAX_FRAMES
from napari_muscle_us.io._pydicom import BROKEN, dicom_guard, quiet_pydicom
from napari_muscle_us.io.dicom_elements import integer_of, text_of
from napari_muscle_us.io.dicom_facts import acquired_after_s
from napari_muscle_us.io.raster import PILLOW_SIGNATURES, TIFF_SIGNATURES
from napari_muscle_us.study.folder import open_regular
from napari_muscle_us.study.model import StudyItem

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom import Dataset

    from napari_muscle_us.study.model import Kind

MAX_HEADER_BYTES: Final = 16_000_000
MAX_HEADER_READS: Final = 100_000
"""Reads of a header; each element, however small, takes memory once it is parsed."""

DIRECTORY_CLASS: Final = "1.2.840.10008.1.3.10"
"""Media Storage Directory Storage: the SOP class of a DICOMDIR."""

_HEAD_BYTES: Final = 4096
_DEFLATED: Final = "1.2.840.10008.1.2.1.99"
_PIXEL_TAGS: Final = (0x7FE00008, 0x7FE00009, 0x7FE00010)
_STORAGE: Final = "1.2.840.10008.5.1.4.1.1"
# Ultrasound image and multi-frame image, as they were and are, and enhanced volume.
_US_CLASSES: Final = {f"{_STORAGE}.{n}" for n in ("6", "6.1", "6.2", "3", "3.1")}
_CAPTURE_CLASSES: Final = {f"{_STORAGE}.{n}" for n in ("7", "7.1", "7.2", "7.3", "7.4")}
_US_MODALITIES: Final = {"US", "IVUS"}
_ANY_MODALITY: Final = {"OT", ""}
_MODALITY_LETTERS: Final = 8
_KEYWORDS: Final = (
    "SOPClassUID",
    "StudyDate",
    "AcquisitionDate",
    "ContentDate",
    "AcquisitionDateTime",
    "StudyTime",
    "AcquisitionTime",
    "ContentTime",
    "Modality",
    "TimezoneOffsetFromUTC",
    "PatientName",
    "PatientID",
    "IssuerOfPatientID",
    "PatientBirthDate",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "SeriesNumber",
    "InstanceNumber",
    "NumberOfFrames",
    "Rows",
    "Columns",
)


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose image it is and what it belongs to. It identifies, and is never shown."""

    patient: str = field(repr=False)
    study: str = field(repr=False)
    series: str = field(repr=False)
    started: str = field(repr=False)
    number: int | None
    modality: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """An image or clip; `identity` is ``None`` for a picture or video."""

    item: StudyItem
    identity: Identity | None = None


def look_at(path: Path) -> Found | str:
    """Return what a file holds, or the sentence that says why it is skipped.

    Costs the header, whatever the size of the file; at most 16 MB of it are read.
    """
    try:
        # Pillow warns too, of large pictures; the filters are the process's.
        with open_regular(path) as file, quiet_pydicom():
            return _look(file, path)
    except OSError as error:
        return f"It cannot be read ({error.strerror or 'unknown reason'})."


def _look(file: BinaryIO, path: Path) -> Found | str:
    from napari_muscle_us.io.dicom import looks_like_dicom

    head = file.read(_HEAD_BYTES)
    file.seek(0)
    if not head:
        return "It is empty (0 bytes)."
    # A file can be both: DICOM allows a TIFF header in its preamble.
    if looks_like_dicom(head):
        try:
            with dicom_guard(path.name):
                return _look_at_dicom(file, path)
        except ImageReadError:
            return (
                "It is DICOM that is damaged or cut short, or its header is too large."
            )
    if head.startswith((*PILLOW_SIGNATURES, *TIFF_SIGNATURES)):
        return _look_at_picture(file, path, head)
    from napari_muscle_us.io.video import looks_like_video

    if looks_like_video(head):
        return Found(StudyItem(path, None, None, None, kind="clip"))
    return "It is no image: neither DICOM nor a picture nor a video."


def _kind(frames: int | None) -> Kind:
    return "still" if frames == 1 else "clip"


# DICOM


class HeaderReader:
    """Stream that refuses to read more of a file than a header can have.

    Parameters
    ----------
    stream : BinaryIO
        The file.
    max_bytes, max_reads : int
        What is read at most in all; places that are jumped over do not count.
    """

    def __init__(
        self,
        stream: BinaryIO,
        *,
        max_bytes: int = MAX_HEADER_BYTES,
        max_reads: int = MAX_HEADER_READS,
    ) -> None:
        self._stream = stream
        self._bytes = max_bytes
        self._reads = max_reads

    def read(self, size: int = -1, /) -> bytes:
        """Return bytes, or refuse.

        Raises
        ------
        OSError
            If all is asked for (a deflated file), or more than a header has.
        """
        self._reads -= 1
        if size < 0 or size > self._bytes or self._reads < 0:
            raise OSError("header too large")
        part = self._stream.read(size)
        self._bytes -= len(part)
        return part

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Move to a place."""
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        """Return the place."""
        return self._stream.tell()


def _look_at_dicom(file: BinaryIO, path: Path) -> Found | str:
    meta, start = _file_meta(file)
    if text_of(meta, "MediaStorageSOPClassUID") == DIRECTORY_CLASS:
        return "It is the index of the medium (DICOMDIR)."
    tags = _tags()
    if text_of(meta, "TransferSyntaxUID") == _DEFLATED:
        dataset, has_pixels = _read_deflated(file, start, tags)
    else:
        dataset, has_pixels = _read_plain(file, tags)
    rows, columns = integer_of(dataset, "Rows"), integer_of(dataset, "Columns")
    if not (has_pixels and rows and columns and rows > 0 and columns > 0):
        return (
            "It is DICOM without pixels: a report, a presentation state, or cut short."
        )
    modality = (text_of(dataset, "Modality") or "").upper()
    if not _is_ultrasound(modality, text_of(dataset, "SOPClassUID") or ""):
        return f"It is no ultrasound image{_named(modality)}."
    frames = integer_of(dataset, "NumberOfFrames") or 1
    if not 1 <= frames <= MAX_FRAMES:
        return f"It says it holds {frames} frames; 1 to {MAX_FRAMES} are read."
    item = StudyItem(
        path,
        frames,
        rows,
        columns,
        instance_number=integer_of(dataset, "InstanceNumber"),
        acquired_after_s=acquired_after_s(dataset),
        kind=_kind(frames),
    )
    return Found(item, _identity(dataset, modality))


@cache
def _tags() -> list[Any]:
    from pydicom.tag import Tag

    return [Tag(keyword) for keyword in _KEYWORDS]


def _file_meta(file: BinaryIO) -> tuple[Dataset, int]:
    """Return the file meta information and where the data set starts."""
    from pydicom.filereader import read_dataset

    reader: Any = HeaderReader(file)
    head = reader.read(132)
    reader.seek(132 if head[128:] == b"DICM" else 0)
    meta = read_dataset(
        reader,
        is_implicit_VR=False,
        is_little_endian=True,
        stop_when=lambda tag, vr, length: tag >> 16 != 0x0002,
    )
    start = reader.tell()
    file.seek(0)
    return meta, start


def _read_plain(file: BinaryIO, tags: list[Any]) -> tuple[Dataset, bool]:
    from pydicom import dcmread

    reader: Any = HeaderReader(file)
    dataset = dcmread(reader, force=True, stop_before_pixels=True, specific_tags=tags)
    order = "big" if dataset.original_encoding[1] is False else "little"
    return dataset, _at_pixels(reader.read(4), order)


def _read_deflated(file: BinaryIO, start: int, tags: list[Any]) -> tuple[Dataset, bool]:
    """Return the elements in the first megabytes of a deflated data set."""
    from pydicom.filereader import read_dataset

    file.seek(start)
    try:
        inflated = zlib.decompressobj(-zlib.MAX_WBITS).decompress(
            file.read(MAX_HEADER_BYTES), MAX_HEADER_BYTES
        )
    except zlib.error:
        raise EOFError("cut short") from None
    reader: Any = HeaderReader(io.BytesIO(inflated))
    dataset = read_dataset(
        reader,
        is_implicit_VR=False,
        is_little_endian=True,
        stop_when=lambda tag, vr, length: tag in _PIXEL_TAGS,
        specific_tags=tags,
    )
    return dataset, _at_pixels(reader.read(4), "little")


def _at_pixels(tag: bytes, order: Any) -> bool:
    group, element = tag[:2], tag[2:]
    number = int.from_bytes(group, order) << 16 | int.from_bytes(element, order)
    return len(tag) == 4 and number in _PIXEL_TAGS


def _is_ultrasound(modality: str, sop_class: str) -> bool:
    """Whether it is ultrasound, or a screen capture that says it is nothing else."""
    if modality in _US_MODALITIES:
        return True
    classes = _US_CLASSES | _CAPTURE_CLASSES | {""}
    return modality in _ANY_MODALITY and sop_class in classes


def _named(modality: str) -> str:
    # Only what looks like a modality is repeated; it could be any text.
    short = modality.isascii() and modality.isalpha()
    return f" (modality {modality})" if short and len(modality) <= 5 else ""


def _identity(dataset: Dataset, modality: str) -> Identity:
    def text(keyword: str) -> str:
        return text_of(dataset, keyword) or ""

    name = " ".join(text("PatientName").casefold().replace("^", " ").split())
    told = (text("PatientID"), name, text("PatientBirthDate"))
    # All of it, as two people may share a number, or have none.
    patient = (*told, text("IssuerOfPatientID")) if any(told) else ()
    return Identity(
        patient="\0".join(patient),
        study=text("StudyInstanceUID"),
        series=text("SeriesInstanceUID"),
        started=text("StudyDate") + text("StudyTime"),
        number=integer_of(dataset, "SeriesNumber"),
        modality=modality if _named(modality) else None,
    )


# Pictures


def _look_at_picture(file: BinaryIO, path: Path, head: bytes) -> Found | str:
    from PIL import Image
    from tifffile import TiffFileError

    look = _tiff_size if head.startswith(TIFF_SIGNATURES) else _picture_size
    try:
        frames, rows, columns = look(HeaderReader(file))
    except (TiffFileError, Image.DecompressionBombError, SyntaxError, *BROKEN):
        return "It is a picture that is damaged or cut short."
    return Found(StudyItem(path, frames, rows, columns, kind=_kind(frames)))


def _picture_size(file: Any) -> tuple[int | None, int, int]:
    from PIL import Image

    with Image.open(file, formats=("PNG", "JPEG", "BMP")) as picture:
        return 1, picture.height, picture.width


def _tiff_size(file: Any) -> tuple[int | None, int, int]:
    """Return frames (``None`` if several, not counted), rows and columns."""
    from tifffile import TiffFile

    from napari_muscle_us.io.tiff import quiet_tifffile

    with quiet_tifffile(), TiffFile(file) as tiff:
        page = tiff.pages[0]
        images = int((tiff.imagej_metadata or {}).get("images", 1))
        try:
            # Only the next page: a chain of pages can be endless.
            second = tiff.pages[1]
        except IndexError:
            second = None
        alike = second is not None and second.shape == page.shape
        if (images == 1 and alike) or not 1 <= images <= MAX_FRAMES:
            return None, int(page.imagelength), int(page.imagewidth)
        return images, int(page.imagelength), int(page.imagewidth)
