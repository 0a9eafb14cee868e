"""Images, files and outside numbers that the core tests share."""

from __future__ import annotations

import base64
import io
import json
import logging
import warnings
from pathlib import Path

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset
from pydicom.uid import (
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    UltrasoundImageStorage,
    generate_uid,
)

import napari_muscle_us as mus
from tests.core.texture_naive import MUSCLES, muscle_levels

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared"
GOLDEN = ROOT / "tests" / "golden"


@pytest.fixture(scope="session")
def shared():
    """Give the folder of outside files, a path at a time."""

    def find(relative: str) -> Path:
        path = SHARED / relative
        if not path.exists():
            pytest.skip(f"needs ../shared/{relative} beside the repository")
        return path

    return find


@pytest.fixture(scope="session", params=MUSCLES)
def muscle_frames(request, shared) -> np.ndarray:
    """Return 32 levels of two frames of a muscle; read-only."""
    return muscle_levels(shared, request.param)


@pytest.fixture(scope="session")
def printed(shared):
    """Return the texture matrices that were printed elsewhere."""
    return json.loads(shared("oracles/texture_worked_examples.json").read_text())


@pytest.fixture(scope="session")
def formula_image() -> np.ndarray:
    """Return the 8-bit image that ImageJ measured for the golden files."""
    y, x = np.mgrid[:150, :200]
    gray = ((7 * x + 13 * y + (x * y) % 17) % 256).astype(np.uint8)
    gray.setflags(write=False)
    return gray


@pytest.fixture(scope="session")
def golden_roi_bytes():
    """Give the bytes of the first ``.roi`` file of a kind, as ImageJ wrote it."""
    found: dict[str, bytes] = {}
    for path in sorted(GOLDEN.glob("imagej_rois_file_*.jsonl")):
        for line in path.read_text().splitlines():
            entry = json.loads(line)
            found.setdefault(entry["kind"], base64.b64decode(entry["roi"]))
    return found.__getitem__


def region(**changes) -> Dataset:
    """Return a calibrated tissue region of 0.1 mm × 0.2 mm (lateral × depth)."""
    item = Dataset()
    values = {
        "RegionSpatialFormat": 1,
        "RegionDataType": 1,
        "RegionFlags": 0,
        "RegionLocationMinX0": 0,
        "RegionLocationMinY0": 0,
        "RegionLocationMaxX1": 5,
        "RegionLocationMaxY1": 3,
        "PhysicalUnitsXDirection": 3,
        "PhysicalUnitsYDirection": 3,
        "PhysicalDeltaX": 0.01,
        "PhysicalDeltaY": 0.02,
    }
    for keyword, value in (values | changes).items():
        if value is not None:
            setattr(item, keyword, value)
    return item


def dicom_dataset(pixels, photometric="MONOCHROME2", *, big=False, regions=(), **tags):
    """Return an uncompressed ultrasound data set; `tags` override its elements."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UltrasoundImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=["test"])
    meta.TransferSyntaxUID = ExplicitVRBigEndian if big else ExplicitVRLittleEndian
    dataset = Dataset()
    dataset.file_meta = meta
    dataset.SOPClassUID = UltrasoundImageStorage
    dataset.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    dataset.Modality = "US"
    dataset.Rows, dataset.Columns = pixels.shape[:2]
    dataset.SamplesPerPixel = 1 if pixels.ndim == 2 else 3
    if pixels.ndim == 3:
        dataset.PlanarConfiguration = 0
    dataset.PhotometricInterpretation = photometric
    dataset.BitsAllocated = dataset.BitsStored = 8 * pixels.dtype.itemsize
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = 0
    if regions:
        dataset.SequenceOfUltrasoundRegions = list(regions)
    data = pixels.tobytes()
    dataset.PixelData = data + b"\0" * (len(data) % 2)
    dataset["PixelData"].VR = "OW" if pixels.dtype.itemsize == 2 else "OB"
    for keyword, value in tags.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return dataset


def dicom_bytes(dataset) -> bytes:
    """Return a data set as the bytes of a DICOM file."""
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


@pytest.fixture(scope="session")
def make_region():
    return region


@pytest.fixture(scope="session")
def make_dataset():
    return dicom_dataset


@pytest.fixture(scope="session")
def to_bytes():
    return dicom_bytes


@pytest.fixture
def read(tmp_path, to_bytes):
    """Read a data set (or bytes) the way a user does: from a file."""

    def read_dataset(dataset, name="scan.dcm", **options):
        content = dataset if isinstance(dataset, bytes) else to_bytes(dataset)
        (tmp_path / name).write_bytes(content)
        return mus.read_image(tmp_path / name, **options)

    return read_dataset


def is_one_sentence(message: str) -> bool:
    """Whether a message is a line that ends like a sentence and shows no traceback."""
    return (
        "\n" not in message
        and 20 <= len(message) <= 500
        and message.rstrip(")")[-1] in ".?…"
        and "Traceback" not in message
    )


@pytest.fixture(scope="session")
def one_sentence():
    return is_one_sentence


@pytest.fixture
def run(capfd, monkeypatch):
    """Run the command in this process; return status, output and error lines."""
    monkeypatch.setattr(warnings, "showwarning", warnings.showwarning)
    loggers = [logging.getLogger(n) for n in ("pydicom", "tifffile", "roifile")]
    levels = [logger.level for logger in loggers]

    def command(*arguments):
        capfd.readouterr()
        from napari_muscle_us.cli import main

        with pytest.raises(SystemExit) as stop:
            main([str(a) for a in arguments])
        out, err = capfd.readouterr()
        return stop.value.code, out.splitlines(), err.splitlines()

    yield command
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)
