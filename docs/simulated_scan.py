"""Simulated scanner files for the pictures of the documentation.

Nobody was scanned: the tissue is simulated, the name on the screen is made up.
"""

from __future__ import annotations

import dataclasses
import hashlib
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageDraw
from pydicom import Dataset, uid
from pydicom.dataset import FileMetaDataset

from napari_muscle_us.simulate import simulate_muscle

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from napari_muscle_us.image import UltrasoundImage

_ROWS, _COLUMNS = 600, 800
_TOP, _LEFT = 90, 110
_MARGIN: Final = 20
_INK: Final = 230
_DARKER: Final = 0.15
"""By how much a muscle gets darker in the middle of the simulated contraction."""


def screen(picture: npt.NDArray[np.uint8], spacing_mm: float) -> npt.NDArray[np.uint8]:
    """Return a scanner's screen: a picture, a depth ruler beside it, text above."""
    rows, columns = picture.shape
    canvas = np.zeros((_ROWS, _COLUMNS), np.uint8)
    canvas[_TOP : _TOP + rows, _LEFT : _LEFT + columns] = picture
    image = Image.fromarray(canvas)
    pen = ImageDraw.Draw(image)
    pen.text((12, 12), "DOE^JANE  F 58", fill=_INK)
    pen.text((12, 30), "MSK  10 MHz  DEPTH 40 mm  G 55", fill=_INK)
    edge = _LEFT + columns + _MARGIN
    for number in range(int(rows * spacing_mm / 5) + 1):
        y = _TOP + round(number * 5 / spacing_mm)
        long = number % 2 == 0
        pen.line([(edge, y), (edge + (14 if long else 7), y)], fill=_INK)
        if long:
            pen.text((edge + 20, y - 5), str(number // 2), fill=_INK)
    return np.array(image)


def write_scan(path: Path, *, frames: int = 1, calibrated: bool = True) -> None:
    """Write a simulated scan as DICOM; several frames move like a contraction."""
    sample = simulate_muscle("transverse_healthy")
    whole = screen(
        sample.gray[: _ROWS - _TOP - 10, : _COLUMNS - _LEFT - 70], sample.spacing_mm[0]
    )
    rows = min(sample.gray.shape[0], _ROWS - _TOP - 10)
    columns = min(sample.gray.shape[1], _COLUMNS - _LEFT - 70)
    part = (slice(_TOP, _TOP + rows), slice(_LEFT, _LEFT + columns))
    pixels = []
    for number in range(frames):
        shift = round(6 * np.sin(2 * np.pi * number / max(frames, 1)))
        frame = whole.copy()
        moved = np.roll(whole[part], shift, axis=0)
        gain = 1 - _DARKER * np.sin(np.pi * number / max(frames, 1)) ** 2
        frame[part] = np.rint(moved * gain).astype(np.uint8)
        pixels.append(frame.tobytes())
    dataset = _elements(frames)
    if calibrated:
        bounds = (_TOP, _TOP + rows, _LEFT, _LEFT + columns)
        dataset.SequenceOfUltrasoundRegions = [_region(bounds, sample.spacing_mm)]
    dataset.PixelData = b"".join(pixels)
    dataset.save_as(path, enforce_file_format=True)


def brighter(image: UltrasoundImage, gain: float, name: str) -> UltrasoundImage:
    """Return a still image as another gain might have made it."""
    gray = np.clip(image.pixels * gain, 0, 255).astype(np.uint8)
    digest = hashlib.sha256(gray.tobytes()).hexdigest()
    return dataclasses.replace(image, gray=gray, name=name, digest=digest)


def _elements(frames: int) -> Dataset:
    dataset = Dataset()
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = uid.ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID = uid.UltrasoundMultiFrameImageStorage
    meta.MediaStorageSOPInstanceUID = uid.generate_uid()
    dataset.file_meta = meta
    dataset.SOPClassUID = meta.MediaStorageSOPClassUID
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    dataset.Modality = "US"
    dataset.PatientName, dataset.PatientID = "DOE^JANE", "0815-4711"
    dataset.PatientAge, dataset.PatientSex = "058Y", "F"
    dataset.PatientSize, dataset.PatientWeight = "1.68", "64"
    dataset.Manufacturer, dataset.ManufacturerModelName = "ESAOTE", "6100"
    dataset.Rows, dataset.Columns = _ROWS, _COLUMNS
    dataset.NumberOfFrames = frames
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.PixelRepresentation = 0
    if frames > 1:
        dataset.FrameTime = "40"
    return dataset


def _region(
    bounds: tuple[int, int, int, int], spacing_mm: tuple[float, float]
) -> Dataset:
    top, bottom, left, right = bounds
    region = Dataset()
    region.RegionSpatialFormat, region.RegionDataType, region.RegionFlags = 1, 1, 0
    region.RegionLocationMinX0, region.RegionLocationMinY0 = left, top
    region.RegionLocationMaxX1, region.RegionLocationMaxY1 = right - 1, bottom - 1
    region.PhysicalUnitsXDirection = region.PhysicalUnitsYDirection = 3
    region.PhysicalDeltaY, region.PhysicalDeltaX = (s / 10 for s in spacing_mm)
    return region
