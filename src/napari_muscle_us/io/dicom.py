"""Ultrasound DICOM: pixels, spacing and device, and nothing that identifies anyone."""

from __future__ import annotations

import io
import logging
import math
import struct
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.image import (
    MAX_PIXELS,
    Device,
    UltrasoundImage,
    coloured_pixels,
    gray_from_rgb,
)
from napari_muscle_us.io.dicom_palette import apply_palette
from napari_muscle_us.io.dicom_regions import calibrate
from napari_muscle_us.io.dicom_window import gray_levels
from napari_muscle_us.io.raster import LOSSY_TOLERANCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt
    from pydicom import Dataset

    from napari_muscle_us.image import GrayRule

_PHOTOMETRIC: Final = (
    "MONOCHROME1",
    "MONOCHROME2",
    "RGB",
    "YBR_FULL",
    "YBR_FULL_422",
    "YBR_ICT",
    "YBR_RCT",
    "PALETTE COLOR",
)
_ANY_BITS: Final = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")
_YBR_STORED: Final = ("YBR_FULL", "YBR_FULL_422")
# A hostile file makes pydicom and its decoders raise nearly anything; a list keeps
# our own mistakes (NameError, AssertionError …) visible.
_BROKEN: Final = (
    ValueError,
    TypeError,
    AttributeError,
    KeyError,
    IndexError,
    EOFError,
    OSError,
    OverflowError,
    ArithmeticError,
    RuntimeError,
    MemoryError,
    struct.error,
)


def looks_like_dicom(content: bytes) -> bool:
    """Whether bytes begin like DICOM, with or without its preamble."""
    # Old files start with group 0008 (or 0002) and have no preamble.
    return content[128:132] == b"DICM" or (
        content[:2] in (b"\x08\x00", b"\x02\x00") and content[3:4] == b"\x00"
    )


def read_dicom(
    content: bytes, *, name: str, sha256: str, gray_rule: GrayRule = "imagej"
) -> UltrasoundImage:
    """Return the ultrasound image in a DICOM file.

    Parameters
    ----------
    content : bytes
        The file.
    name : str
        File name, for messages and results.
    sha256 : str
        Hash of the file.
    gray_rule : {"imagej", "luma601"}, default: "imagej"
        How colour becomes gray; ``"luma601"`` of a YBR image is its Y plane.

    Returns
    -------
    UltrasoundImage
        Spacing from SequenceOfUltrasoundRegions, ``None`` without a usable region.
        Patient, study and institution are not read.

    Raises
    ------
    ImageReadError
        If the file is damaged, holds no pixels or several frames, or needs a decoder
        that is not installed.

    References
    ----------
    DICOM PS3.3 C.8.5.5 (US Region Calibration), C.7.6.3 (Image Pixel).
    """
    from pydicom.errors import BytesLengthException, InvalidDicomError

    # Elements are converted when they are first looked at, so any access may fail;
    # "from None", since pydicom's own message can quote a patient.
    try:
        with _quiet_pydicom():
            return _read(content, name, sha256, gray_rule)
    except ImageReadError:
        raise
    except (BytesLengthException, InvalidDicomError, *_BROKEN):
        raise _damaged(name) from None


def _read(
    content: bytes, name: str, sha256: str, gray_rule: GrayRule
) -> UltrasoundImage:
    from pydicom.pixels import pixel_array

    dataset = _parse(content, name)
    shape = _check_pixels(dataset, name)
    photometric = str(dataset.PhotometricInterpretation)
    pixels = _decode(dataset, name)
    calibration, notes = calibrate(dataset, shape)
    coloured = None
    rule = "stored"
    if photometric.startswith("MONOCHROME"):
        gray, rule = gray_levels(pixels, dataset, name)
    else:
        rgb = apply_palette(pixels, dataset, name) if pixels.ndim == 2 else pixels
        gray = gray_from_rgb(rgb, rule=gray_rule)
        if gray_rule == "luma601" and photometric in _YBR_STORED:
            # The Y plane itself: RGB clips it where the chroma is strong.
            gray = pixel_array(dataset, raw=True)[..., 0].reshape(gray.shape)
        rule = gray_rule
        where = coloured_pixels(rgb, tolerance=_tolerance(dataset))
        coloured = where if where.any() else None
    return UltrasoundImage(
        np.ascontiguousarray(gray),
        name=name,
        sha256=sha256,
        gray_rule=rule,
        calibration=calibration,
        device=_device(dataset),
        coloured=coloured,
        warnings=notes,
    )


@contextmanager
def _quiet_pydicom() -> Iterator[None]:
    """Silence pydicom, whose warnings and log quote element values, so patients."""
    logger = logging.getLogger("pydicom")
    before = logger.disabled
    logger.disabled = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.disabled = before


def _parse(content: bytes, name: str) -> Dataset:
    from pydicom import dcmread

    dataset = dcmread(io.BytesIO(content), force=content[128:132] != b"DICM")
    if "PixelData" not in dataset:
        raise ImageReadError(
            f"{name!r} is DICOM without pixels (a report, an index, or cut short); "
            "open the image itself."
        )
    return dataset


def _check_pixels(dataset: Dataset, name: str) -> tuple[int, int]:
    """Return rows and columns of a still image, or refuse."""
    rows, columns = int(dataset.Rows), int(dataset.Columns)
    frames = int(dataset.get("NumberOfFrames") or 1)
    bits = int(dataset.BitsStored)
    photometric = str(dataset.PhotometricInterpretation)
    if photometric not in _PHOTOMETRIC:
        raise ImageReadError(
            f"{name!r} has the colour model {photometric[:24]!r}, which is not "
            "supported; export it as gray or RGB."
        )
    if frames != 1:
        raise ImageReadError(
            f"{name!r} holds {frames} frames; open a still image, one frame saved as "
            "its own file."
        )
    if rows < 1 or columns < 1 or rows * columns > MAX_PIXELS:
        raise ImageReadError(
            f"{name!r} says it has {rows} × {columns} pixels; between 1 and "
            f"{MAX_PIXELS} are read."
        )
    if bits != 8 and photometric not in _ANY_BITS:
        raise ImageReadError(
            f"{name!r} holds {bits}-bit colour; echo intensity is defined on 8-bit "
            "gray levels, so export the image with 8 bits."
        )
    return rows, columns


def _decode(dataset: Dataset, name: str) -> npt.NDArray[Any]:
    try:
        pixels: npt.NDArray[Any] = dataset.pixel_array
    except NotImplementedError:
        raise ImageReadError(
            f"{name!r} is compressed as {_syntax(dataset)}, which cannot be decoded "
            "here; export it uncompressed or as JPEG."
        ) from None
    except _BROKEN as error:
        # pydicom lists missing decoders in a RuntimeError.
        if isinstance(error, RuntimeError) and "missing dependencies" in str(error):
            raise ImageReadError(
                f"{name!r} is compressed as {_syntax(dataset)}, whose decoder is not "
                "installed; install python-gdcm."
            ) from None
        raise _damaged(name) from None
    expected = (int(dataset.Rows), int(dataset.Columns))
    if pixels.ndim == 4 and pixels.shape[0] == 1:
        pixels = pixels[0]
    if pixels.shape[:2] != expected or pixels.shape[2:] not in ((), (3,)):
        raise _damaged(name)
    return pixels


def _tolerance(dataset: Dataset) -> int:
    """Return the channel difference that is not colour in this file."""
    lossy = str(dataset.get("LossyImageCompression") or "") == "01"
    jpeg = _syntax(dataset).startswith("JPEG")
    subsampled = str(dataset.PhotometricInterpretation).startswith("YBR")
    # Half-width chroma colours the edge of every coloured line, so does YBR rounding.
    return LOSSY_TOLERANCE if lossy or jpeg or subsampled else 0


def _syntax(dataset: Dataset) -> str:
    uid = getattr(dataset.file_meta, "TransferSyntaxUID", None)
    return str(getattr(uid, "name", "an unnamed transfer syntax"))


def _device(dataset: Dataset) -> Device:
    transducer = dataset.get("TransducerData") or dataset.get("TransducerType")
    if not isinstance(transducer, str | None):
        transducer = next((part for part in transducer if str(part).strip()), None)
    regions = dataset.get("SequenceOfUltrasoundRegions") or []
    frequencies = [_number(r.get("TransducerFrequency")) for r in regions]
    khz = next((f for f in frequencies if f), None)
    return Device(
        manufacturer=_text(dataset.get("Manufacturer")),
        model=_text(dataset.get("ManufacturerModelName")),
        transducer=_text(transducer),
        preset=_text(dataset.get("ProcessingFunction")),
        depth_mm=_number(dataset.get("DepthOfScanField")),
        frequency_mhz=None if khz is None else khz / 1000,
    )


def _text(value: Any) -> str | None:
    """Return an element as one short printable line, ``None`` when empty."""
    if value is None:
        return None
    line = "".join(c for c in str(value) if c.isprintable()).strip()
    return line[:64] or None


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) and number > 0 else None


def _damaged(name: str) -> ImageReadError:
    return ImageReadError(
        f"{name!r} is damaged or cut short and cannot be read as DICOM; copy it from "
        "the scanner again."
    )
