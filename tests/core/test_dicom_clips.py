"""Clips: opened by the header, frame by frame, measured and verified."""

from __future__ import annotations

import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from pydicom.encaps import encapsulate
from pydicom.uid import DeflatedExplicitVRLittleEndian, RLELossless

import napari_muscle_us as mus
from napari_muscle_us.errors import ImageReadError, MuscleUSError
from napari_muscle_us.verify import verify_results

FRAMES = np.random.default_rng(3).integers(0, 256, (6, 20, 31), np.uint8)
ROI = mus.Rectangle(2, 3, 10, 20, name="BB")


@pytest.fixture
def make_clip(make_dataset, make_region):
    """Give a data set of several frames."""

    def make(frames=FRAMES, **tags):
        kind = "RGB" if frames.ndim == 4 else "MONOCHROME2"
        content = frames.tobytes()
        return make_dataset(
            frames[0],
            kind,
            regions=[make_region(RegionLocationMaxX1=30, RegionLocationMaxY1=19)],
            NumberOfFrames=len(frames),
            PixelData=content + b"\0" * (len(content) % 2),
            **({"FrameTime": "40"} | tags),
        )

    return make


def test_every_frame_is_that_of_the_file(read, make_clip):
    clip = read(make_clip())
    assert clip.is_clip
    assert clip.n_frames == 6
    assert clip.frame_shape == (20, 31)
    np.testing.assert_array_equal(np.asarray(clip.gray), FRAMES)
    assert clip.frame_times_s == pytest.approx([0, 0.04, 0.08, 0.12, 0.16, 0.2])
    still = clip.frame(4)
    np.testing.assert_array_equal(still.pixels, FRAMES[4])
    assert (still.frame_index, still.is_clip) == (4, False)
    assert still.spacing_mm == clip.spacing_mm == pytest.approx((0.2, 0.1))


def test_odd_frames_in_big_endian_words_are_put_right(read, make_clip, to_bytes):
    """A frame of 19 × 31 = 589 bytes begins in the middle of a swapped word."""
    frames = FRAMES[:, :19]
    dataset = make_clip(frames)
    dataset.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.2"
    stored = frames.tobytes()
    words = np.frombuffer(stored + b"\0" * (len(stored) % 2), "<u2")
    dataset.PixelData = words.byteswap().tobytes()
    dataset["PixelData"].VR = "OW"
    clip = read(dataset)
    np.testing.assert_array_equal(np.asarray(clip.gray), frames)


@pytest.mark.parametrize("table", [True, False], ids=["offsets", "no-offsets"])
def test_compressed_frames_one_by_one(read, make_clip, to_bytes, table):
    dataset = make_clip()
    dataset.compress(RLELossless, generate_instance_uid=False)
    if not table:
        from pydicom.encaps import generate_frames

        parts = list(generate_frames(dataset.PixelData, number_of_frames=6))
        dataset.PixelData = encapsulate(parts, has_bot=False)
    clip = read(dataset)
    for index in (5, 0, 3):
        np.testing.assert_array_equal(clip.frame(index).pixels, FRAMES[index])


def test_coloured_pixels_are_those_of_each_frame(read, make_clip):
    frames = np.repeat(FRAMES[..., None], 3, axis=-1).copy()
    frames[2, 5, 6] = (200, 10, 10)
    clip = read(make_clip(frames))
    assert clip.coloured is None
    assert clip.frame(1).coloured is None
    assert np.argwhere(clip.frame(2).coloured).tolist() == [[5, 6]]


def test_a_large_file_costs_its_header_and_a_frame(
    tmp_path, make_clip, to_bytes, monkeypatch
):
    monkeypatch.setattr("napari_muscle_us.io.dicom.IN_MEMORY_BYTES", 1000)
    frames = np.zeros((80, 300, 400), np.uint8)
    frames += np.arange(80, dtype=np.uint8)[:, None, None]
    path = tmp_path / "long.dcm"
    path.write_bytes(to_bytes(make_clip(frames)))
    mus.read_image(path)
    tracemalloc.start()
    clip = mus.read_image(path)
    assert clip.frame(79).pixels[7, 7] == 79
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < frames.nbytes / 4
    path.write_bytes(path.read_bytes() + b"\0\0")
    with pytest.raises(ImageReadError, match="has changed since it was opened"):
        clip.frame(40)


def test_a_row_says_its_frame_and_is_recomputed_on_it(tmp_path, make_clip, to_bytes):
    path = tmp_path / "clip.dcm"
    path.write_bytes(to_bytes(make_clip()))
    clip = mus.read_image(path)
    rows = mus.measure_rois(clip, [ROI], frame=3)
    assert set(rows["frame"]) == {3}
    mean = rows.loc[rows["measure"] == "intensity.mean", "value"].item()
    assert mean == pytest.approx(FRAMES[3, 2:12, 3:23].mean(), rel=1e-12)
    assert all(check.same for check in verify_results(rows, tmp_path))
    rows["frame"] = 2
    assert not all(check.same for check in verify_results(rows, tmp_path))
    rows["frame"] = 99
    reasons = {check.reason for check in verify_results(rows, tmp_path)}
    assert len(reasons) == 1
    assert "has no frame 99" in reasons.pop()


def test_a_clip_is_not_measured_without_a_frame(read, make_clip, one_sentence):
    clip = read(make_clip())
    for ask in (
        lambda: mus.measure_rois(clip, [ROI]),
        lambda: mus.measure_rois(clip, [ROI], frame=6),
        lambda: clip.frame(-1),
        lambda: clip.pixels,
    ):
        with pytest.raises(ImageReadError, match=r"clip of 6 frames|has no frame") as e:
            ask()
        assert one_sentence(str(e.value))


def test_a_part_keeps_its_place_scale_and_provenance(tmp_path, make_clip, to_bytes):
    path = tmp_path / "clip.dcm"
    path.write_bytes(to_bytes(make_clip()))
    part = mus.read_image(path).cropped((4, 18, 5, 30)).cropped((1, 13, 2, 24))
    assert part.crop == (5, 17, 7, 29)
    np.testing.assert_array_equal(part.frame(2).pixels, FRAMES[2, 5:17, 7:29])
    assert part.spacing_mm == pytest.approx((0.2, 0.1))
    assert part.calibration.region == (0, 12, 0, 22)
    rows = mus.measure_rois(part, [mus.Rectangle(0, 0, 5, 5, name="a")], frame=2)
    assert all(check.same for check in verify_results(rows, tmp_path))
    with pytest.raises(ImageReadError, match="no part of a picture"):
        part.cropped((0, 13, 0, 5))


# Files that lie


def deflated(dataset, to_bytes, extra=b""):
    """Return a deflated file; `extra` follows the data set inside the stream."""
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    content = to_bytes(dataset)
    length = struct.unpack("<I", content[140:144])[0]
    start = 144 + length
    plain = zlib.decompress(content[start:], -15)
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return content[:start] + packer.compress(plain + extra) + packer.flush()


def test_a_deflated_clip_is_read(read, make_clip, to_bytes):
    clip = read(deflated(make_clip(), to_bytes))
    np.testing.assert_array_equal(np.asarray(clip.gray), FRAMES)


def test_a_deflate_bomb_is_refused_in_bounded_memory(
    read, make_clip, to_bytes, monkeypatch
):
    monkeypatch.setattr("napari_muscle_us.io.dicom_file.MAX_INFLATED", 30_000_000)
    bomb = deflated(make_clip(), to_bytes, extra=bytes(60_000_000))
    assert len(bomb) < 200_000
    tracemalloc.start()
    with pytest.raises(ImageReadError, match="unpacks to more than"):
        read(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000


@pytest.mark.parametrize("frames", [7, 1000, 2**31 - 1, -3, "1e9"])
def test_frames_that_are_not_there_are_refused_without_allocating(
    read, make_clip, to_bytes, frames
):
    dataset = make_clip()
    content = to_bytes(dataset)
    told = str(frames).encode().ljust(len(b"6 "), b" ")
    place = content.index(b"IS\x02\x006 ")
    length = len(told) + len(told) % 2
    broken = (
        content[:place]
        + b"IS"
        + struct.pack("<H", length)
        + told.ljust(length)
        + content[place + 6 :]
    )
    tracemalloc.start()
    with pytest.raises(ImageReadError):
        read(broken)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3_000_000


def test_a_damaged_clip_gives_frames_or_a_refusal(read, make_clip, to_bytes):
    packed = make_clip()
    packed.compress(RLELossless, generate_instance_uid=False)
    chance = np.random.default_rng(5)
    refused = frames = 0
    for content in (to_bytes(make_clip()), to_bytes(packed)):
        for _ in range(150):
            broken = bytearray(content)
            for place in chance.integers(132, len(broken), 4):
                broken[place] = chance.integers(256)
            if chance.random() < 0.3:
                del broken[chance.integers(200, len(broken)) :]
            try:
                clip = read(bytes(broken))
                for index in range(min(clip.n_frames, 8)):
                    assert clip.frame(index).pixels.dtype == np.uint8
                    frames += 1
            except MuscleUSError:
                refused += 1
    assert refused > 30
    assert frames > 300
