"""Header of a de-identified copy: the profile applied, stated, written and searched."""

from __future__ import annotations

import io
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.io._profile_actions import (
    EDITION,
    ProfileCleaner,
    element_name,
)

if TYPE_CHECKING:
    import numpy.typing as npt
    from pydicom import Dataset

    from napari_muscle_us.io._identifier_scan import IdentifierScan


_IMPLEMENTATION_UID: Final = "2.25.225587449675653401901138674680169030185"
_METHOD: Final = (
    f"DICOM PS3.15 {EDITION} Basic Application Confidentiality Profile",
    "napari-muscle-us",
)
_BLACKED: Final = "pixels outside the kept picture set to black"
_PROFILE: Final = ("113100", "Basic Application Confidentiality Profile")
_CLEAN_PIXELS: Final = ("113101", "Clean Pixel Data Option")
_UTF8: Final = "ISO_IR 192"
# Written here: character set, statements of this software, colour model.
OURS: Final = frozenset(
    (0x00080005, 0x00120062, 0x00120063, 0x00120064, 0x00280004, 0x00280303)
)
# JPEG 8 and 12 bit, JPEG-LS near-lossless.
_LOSSY: Final = (
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.51",
    "1.2.840.10008.1.2.4.81",
)


def describe_pixels(
    header: Dataset, original: Dataset, first: npt.NDArray[Any]
) -> None:
    """State what the decoded pixels are."""
    colour = first.ndim == 3
    header.Rows, header.Columns = first.shape[:2]
    header.SamplesPerPixel = 3 if colour else 1
    header.PhotometricInterpretation = (
        "RGB" if colour else str(original.PhotometricInterpretation)
    )
    header.PlanarConfiguration = 0
    if not colour:
        del header.PlanarConfiguration
    header.BitsAllocated = 8 * first.itemsize
    header.BitsStored = int(original.BitsStored)
    header.HighBit = header.BitsStored - 1
    header.PixelRepresentation = int(first.dtype.kind == "i")
    if getattr(original.file_meta, "TransferSyntaxUID", None) in _LOSSY:
        header.LossyImageCompression = "01"


def state_method(header: Dataset, *, blacked: bool, confirmed_clean: bool) -> None:
    """State the de-identification, and no more than was done."""
    header.SpecificCharacterSet = _UTF8
    header.PatientIdentityRemoved = "YES"
    header.DeidentificationMethod = [*_METHOD, *([_BLACKED] if blacked else [])]
    methods = (_PROFILE, _CLEAN_PIXELS) if confirmed_clean else (_PROFILE,)
    header.DeidentificationMethodCodeSequence = [_code(*m) for m in methods]
    header.LongitudinalTemporalInformationModified = "REMOVED"
    if confirmed_clean:
        header.BurnedInAnnotation = "NO"
    elif header.get("BurnedInAnnotation", "YES") != "YES":
        # The scanner's word for the original; nobody has looked at this copy.
        del header.BurnedInAnnotation


def _code(value: str, meaning: str) -> Dataset:
    from pydicom import Dataset

    item = Dataset()
    item.CodeValue = value
    item.CodingSchemeDesignator = "DCM"
    item.CodeMeaning = meaning
    return item


def sop_class_of(dataset: Dataset, name: str) -> str:
    stated = dataset.get("SOPClassUID")
    stated = stated or dataset.file_meta.get("MediaStorageSOPClassUID")
    if not stated:
        raise ImageReadError(
            f"{name!r} does not say what kind of DICOM object it is (SOP class), so no "
            "valid copy can be written; export it again from the scanner."
        )
    return str(stated)


def our_texts() -> tuple[str, ...]:
    """Return the texts that a copy gets from this software."""
    terms = ("ISO_IR 192", "YES", "REMOVED", "DCM", "MONOCHROME2", "PALETTE COLOR")
    uids = (_IMPLEMENTATION_UID, _implementation())
    return (*_METHOD, _BLACKED, *_PROFILE, *_CLEAN_PIXELS, *terms, *uids)


def _implementation() -> str:
    return f"NAPARI_MUS_{version('napari-muscle-us')}"[:16]


def rendered(header: Dataset, original: Dataset, name: str) -> bytes:
    """Return the file up to the pixels."""
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    header.SOPClassUID = sop_class_of(original, name)
    header.SOPInstanceUID = header.get("SOPInstanceUID") or _random_uid()
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = header.SOPClassUID
    meta.MediaStorageSOPInstanceUID = header.SOPInstanceUID
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = _IMPLEMENTATION_UID
    meta.ImplementationVersionName = _implementation()
    header.file_meta = meta
    return _saved(header)


def _random_uid() -> str:
    return ProfileCleaner(b"").new_uid("")


def _saved(dataset: Dataset) -> bytes:
    from pydicom import dcmwrite

    buffer = io.BytesIO()
    dcmwrite(
        buffer,
        dataset,
        implicit_vr=False,
        little_endian=True,
        enforce_file_format=True,
    )
    return buffer.getvalue()


def without_repeats(content: bytes, scan: IdentifierScan) -> tuple[bytes, list[str]]:
    """Return the file without elements that repeat a removed value, and their names."""
    from pydicom import dcmread

    dataset = dcmread(io.BytesIO(content))
    repeats = list(scan.within(content).leaks(dataset, skip=OURS))
    for holder, tag in repeats:
        del holder[tag]
    names = sorted({element_name(tag) for _, tag in repeats})
    return (_saved(dataset) if repeats else content), names
