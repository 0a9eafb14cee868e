"""Opening and scrubbing a long clip, beside pydicom's reading of the whole file.

The clip has 1000 frames of 800 × 600 pixels, once gray and not compressed (480 MB),
once in colour as JPEG; it is written once a run.
"""

from __future__ import annotations

import io
import tracemalloc

import numpy as np
import pydicom
import pytest
from pydicom.encaps import encapsulate

import napari_muscle_us as mus

FRAMES, ROWS, COLUMNS = 1000, 600, 800


def head_of(kind):
    """Return the elements of a clip but its pixels."""
    from pydicom import Dataset, uid
    from pydicom.dataset import FileMetaDataset

    colour = kind == "jpeg"
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = (
        uid.JPEGBaseline8Bit if colour else uid.ExplicitVRLittleEndian
    )
    dataset.file_meta.MediaStorageSOPClassUID = uid.UltrasoundMultiFrameImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = uid.generate_uid()
    dataset.SOPClassUID = uid.UltrasoundMultiFrameImageStorage
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID
    dataset.Rows, dataset.Columns, dataset.NumberOfFrames = ROWS, COLUMNS, FRAMES
    dataset.SamplesPerPixel = 3 if colour else 1
    dataset.PhotometricInterpretation = "YBR_FULL_422" if colour else "MONOCHROME2"
    if colour:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
    dataset.PixelRepresentation = 0
    dataset.FrameTime = "33.3"
    return dataset


@pytest.fixture(scope="module", params=["native", "jpeg"])
def long_clip(request, tmp_path_factory):
    """Write 1000 frames: gray as they are (480 MB), or colour as JPEG."""
    path = tmp_path_factory.mktemp("clip") / "long.dcm"
    dataset = head_of(request.param)
    sample = mus.sample_image("transverse_healthy").pixels
    picture = np.zeros((ROWS, COLUMNS), np.uint8)
    picture[: sample.shape[0], : sample.shape[1]] = sample[:ROWS, :COLUMNS]
    frames = (np.roll(picture, i % 50, axis=1) for i in range(FRAMES))
    if request.param == "native":
        dataset.PixelData = b"".join(frame.tobytes() for frame in frames)
    else:
        distinct = [jpeg(next(frames)) for _ in range(50)]
        dataset.PixelData = encapsulate([distinct[i % 50] for i in range(FRAMES)])
        dataset["PixelData"].is_undefined_length = True
    dataset.save_as(path, enforce_file_format=True)
    return path


def jpeg(gray):
    """Return a gray picture as a colour JPEG."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(gray).convert("RGB").save(buffer, "JPEG", quality=85)
    return buffer.getvalue()


def ours(path):
    return mus.read_image(path).frame(0).pixels


def eager(path):
    return pydicom.dcmread(path).pixel_array[0]


def memory_mb(open_first, path):
    tracemalloc.start()
    open_first(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return round(peak / 1e6, 1)


@pytest.mark.benchmark(group="open a clip of 1000 frames to its first frame")
@pytest.mark.parametrize("open_first", [ours, eager], ids=["ours", "pydicom"])
def test_open_to_first_frame(benchmark, long_clip, open_first):
    if open_first is eager and long_clip.stat().st_size < FRAMES * ROWS * COLUMNS:
        pytest.skip("pydicom decodes all 1000 JPEG frames: nearly two minutes")
    benchmark.extra_info["peak_mb"] = memory_mb(open_first, long_clip)
    print(f"\npeak memory: {benchmark.extra_info['peak_mb']} MB")
    first = benchmark.pedantic(
        open_first, (long_clip,), rounds=1 if open_first is eager else 5
    )
    assert first.shape[:2] == (ROWS, COLUMNS)


@pytest.mark.benchmark(group="step to a decoded neighbour, and to a frame far away")
@pytest.mark.parametrize("step", [1, 377], ids=["neighbour", "far"])
def test_scrub(benchmark, long_clip, step):
    stack = mus.read_image(long_clip).gray
    place = iter(range(0, 10**9, step))
    benchmark.pedantic(lambda: stack.frame(next(place) % FRAMES), rounds=200)
    assert stack[7].shape == (ROWS, COLUMNS)


@pytest.mark.benchmark(group="step to a decoded neighbour, and to a frame far away")
def test_scrub_peer(benchmark, long_clip):
    place = iter(range(10**9))
    benchmark.pedantic(
        lambda: pydicom.pixels.pixel_array(long_clip, index=next(place) % FRAMES),
        rounds=20,
    )
