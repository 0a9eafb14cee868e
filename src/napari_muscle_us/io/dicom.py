"""Ultrasound DICOM: pixels, spacing and device, and nothing that identifies anyone."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.frames import MAX_FRAMES, FrameStack
from napari_muscle_us.image import MAX_PIXELS, UltrasoundImage
from napari_muscle_us.io._pydicom import dicom_guard
from napari_muscle_us.io.dicom_facts import device_of, person_of
from napari_muscle_us.io.dicom_file import IN_MEMORY_BYTES, FileBytes, parse_header
from napari_muscle_us.io.dicom_frames import DicomFrames
from napari_muscle_us.io.dicom_regions import calibrate
from napari_muscle_us.io.dicom_time import acquired_after_s, frame_times

if TYPE_CHECKING:
    from pathlib import Path

    from pydicom import Dataset

    from napari_muscle_us.digest import FileDigest
    from napari_muscle_us.image import GrayRule

_SAMPLES: Final = {
    "MONOCHROME1": 1,
    "MONOCHROME2": 1,
    "PALETTE COLOR": 1,
    "RGB": 3,
    "YBR_FULL": 3,
    "YBR_FULL_422": 3,
    "YBR_ICT": 3,
    "YBR_RCT": 3,
}
_ANY_BITS: Final = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")
_ULTRASOUND: Final = ("US", "IVUS", "SC", "OT")
_OTHER_MODALITIES: Final = ("CT", "MR", "CR", "DX", "MG", "NM", "PT", "XA", "RF", "ES")
_BITS_ALLOCATED: Final = (8, 16, 32)


def looks_like_dicom(content: bytes) -> bool:
    """Whether bytes begin like DICOM, with or without its preamble."""
    # Old files start with group 0008 (or 0002) and have no preamble.
    return content[128:132] == b"DICM" or (
        content[:2] in (b"\x08\x00", b"\x02\x00") and content[3:4] == b"\x00"
    )


def read_dicom(
    path: Path, *, name: str, digest: FileDigest, gray_rule: GrayRule = "imagej"
) -> UltrasoundImage:
    """Return the ultrasound image or clip in a DICOM file.

    Of a clip only the header is read; frames are decoded when they are looked at.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        File name, for messages and results.
    digest : FileDigest
        Hash of the file.
    gray_rule : {"imagej", "luma601"}, default: "imagej"
        How colour becomes gray; ``"luma601"`` of a YBR image is its Y plane.

    Returns
    -------
    UltrasoundImage
        Spacing from SequenceOfUltrasoundRegions, or where no region exists from
        PixelSpacing, marked so; ``None`` when it is not known or doubtful. Patient,
        study and institution are not read.

    Raises
    ------
    ImageReadError
        If the file is damaged, holds no pixels, or needs a decoder that is not
        installed.

    References
    ----------
    DICOM PS3.3 C.8.5.5 (US Region Calibration), C.7.6.3 (Image Pixel).
    """
    with dicom_guard(name):
        file = open_dicom(path, name=name, digest=digest, gray_rule=gray_rule)
        return _assemble(file, name)


@dataclass(frozen=True, slots=True)
class DicomFile:
    """The elements of a file, its frames, and what it is known by."""

    dataset: Dataset
    frames: DicomFrames
    digest: str | FileDigest


def open_dicom(
    path: Path, *, name: str, digest: FileDigest, gray_rule: GrayRule = "imagej"
) -> DicomFile:
    """Return the header and the frames, checked against the data that is there.

    To be called inside `dicom_guard`.

    Raises
    ------
    ImageReadError
        If the header asks for what is not there or not supported.
    """
    small = path.stat().st_size <= IN_MEMORY_BYTES
    content = path.read_bytes() if small else None
    source = FileBytes(path, digest, content)
    dataset, element = parse_header(source, name)
    shape = _check_pixels(dataset, name)
    frames = DicomFrames(
        source, dataset, element, shape, name=name, gray_rule=gray_rule
    )
    known = digest if content is None else hashlib.sha256(content).hexdigest()
    return DicomFile(dataset, frames, known)


def _assemble(file: DicomFile, name: str) -> UltrasoundImage:
    dataset, frames = file.dataset, file.frames
    count, rows, columns = frames.shape
    scale = calibrate(dataset, (rows, columns), frames=count)
    times, time_notes = frame_times(dataset, count) if count > 1 else (None, ())
    stack = FrameStack(frames)
    # Decoded here, so that an unreadable file is refused now, and the rule is known.
    first = stack.frame(0)
    still = count == 1
    return UltrasoundImage(
        first.gray if still else stack,
        name=name,
        digest=file.digest,
        gray_rule=frames.rule,
        calibration=scale.calibration,
        device=device_of(dataset),
        coloured=first.coloured if still else None,
        warnings=(*_caveats(dataset), *scale.notes, *time_notes),
        frame_times_s=times,
        regions=scale.regions,
        frame_calibrations=None if still else scale.frame_calibrations,
        person=person_of(dataset),
        acquired_after_s=acquired_after_s(dataset),
        lossy=frames.lossy,
    )


def _caveats(dataset: Dataset) -> tuple[str, ...]:
    """Return what a measurement should know of the file besides its scale."""
    notes = []
    modality = str(dataset.get("Modality") or "US")
    # Only a code is repeated: any other text could be anybody's name.
    if modality not in _ULTRASOUND:
        named = modality if modality in _OTHER_MODALITIES else "another modality"
        notes.append(f"The file says that it is no ultrasound image ({named}).")
    ratio = dataset.get("PixelAspectRatio")
    if ratio is not None and len(ratio) == 2 and int(ratio[0]) != int(ratio[1]):
        notes.append(
            f"The pixels are not square ({int(ratio[0])}:{int(ratio[1])}, depth to "
            "lateral): angles and lengths in pixels are distorted."
        )
    return tuple(notes)


def _check_pixels(dataset: Dataset, name: str) -> tuple[int, int, int]:
    """Return frames, rows and columns, or refuse."""
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    frames = int(dataset.get("NumberOfFrames") or 1)
    bits = int(dataset.BitsStored)
    allocated = int(dataset.BitsAllocated)
    photometric = str(dataset.PhotometricInterpretation)
    if photometric not in _SAMPLES:
        raise ImageReadError(
            f"{name!r} has the colour model {photometric[:24]!r}, which is not "
            "supported; export it as gray or RGB."
        )
    if not 1 <= frames <= MAX_FRAMES:
        raise ImageReadError(
            f"{name!r} says it holds {frames} frames; between 1 and {MAX_FRAMES} are "
            "read, so export a shorter clip."
        )
    if rows < 1 or columns < 1 or rows * columns > MAX_PIXELS:
        raise ImageReadError(
            f"{name!r} says it has {rows} × {columns} pixels; between 1 and "
            f"{MAX_PIXELS} are read."
        )
    if int(dataset.SamplesPerPixel) != _SAMPLES[photometric]:
        raise ImageReadError(
            f"{name!r} says {photometric} with {int(dataset.SamplesPerPixel)} values "
            "a pixel, which contradict each other; export it again as gray or RGB."
        )
    if allocated not in _BITS_ALLOCATED or not 1 < bits <= allocated:
        raise ImageReadError(
            f"{name!r} holds {bits} bits in {allocated} a value, which is not gray "
            "levels; export the image with 8 bits."
        )
    if int(dataset.get("HighBit", bits - 1)) != bits - 1:
        raise ImageReadError(
            f"{name!r} holds {bits}-bit values that do not begin at the lowest bit "
            "(a retired layout); export the image with 8 bits."
        )
    if bits != 8 and photometric not in _ANY_BITS:
        raise ImageReadError(
            f"{name!r} holds {bits}-bit colour; echo intensity is defined on 8-bit "
            "gray levels, so export the image with 8 bits."
        )
    return frames, rows, columns
