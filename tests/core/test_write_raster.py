"""Pictures that are written: pixels, calibration and nothing of the source."""

from __future__ import annotations

import struct
import tracemalloc

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import napari_muscle_us as mus
from napari_muscle_us.errors import ImageReadError, ResultsError
from napari_muscle_us.frames import Frame, FrameStack
from napari_muscle_us.image import Calibration, Device, UltrasoundImage
from napari_muscle_us.io.write_raster import write_png, write_tiff

GRAY = np.arange(10, 250, 10, dtype=np.uint8).reshape(4, 6)
SPACING = (0.0616, 0.0291)


class Clip:
    """Frames that are told apart by their level; counts what is decoded."""

    def __init__(self, frames=5, rows=4, columns=6, broken=None):
        self.shape = (frames, rows, columns)
        self.broken = broken

    def read(self, index):
        if index == self.broken:
            raise ImageReadError(f"Frame {index} is damaged; copy the clip again.")
        return Frame(np.full(self.shape[1:], index % 256, np.uint8))


def still(spacing=SPACING):
    return UltrasoundImage(
        GRAY.copy(),
        name="Zzmarker_Anna.dcm",
        digest="0" * 64,
        calibration=None if spacing is None else Calibration(spacing, "zzmarker"),
        device=Device(manufacturer="Zzmarker", model="Zzmarker"),
    )


def clip(source=None, **changes):
    return UltrasoundImage(
        FrameStack(source or Clip()),
        name="Zzmarker.dcm",
        digest="0" * 64,
        **{"calibration": Calibration(SPACING, "zzmarker"), **changes},
    )


def tags(path):
    with tifffile.TiffFile(path) as tiff:
        found = {t.name: t.value for t in tiff.pages[0].tags.values()}
        return found, tiff.imagej_metadata, tiff.asarray()


def chunks(path):
    """Return the chunks of a PNG by the format's own description."""
    content, place, found = path.read_bytes(), 8, {}
    while place < len(content):
        length, kind = struct.unpack(">I4s", content[place : place + 8])
        found[kind] = content[place + 8 : place + 8 + length]
        place += 12 + length
    return found


# TIFF


def test_a_tiff_comes_back_with_pixels_and_spacing(tmp_path):
    write_tiff(tmp_path / "a.tif", still())
    image = mus.read_image(tmp_path / "a.tif")
    np.testing.assert_array_equal(image.pixels, GRAY)
    assert image.spacing_mm == pytest.approx(SPACING, rel=1e-6)
    assert image.coloured is None


def test_a_tiff_is_what_imagej_takes_for_a_calibrated_image(tmp_path):
    write_tiff(tmp_path / "a.tif", still())
    found, imagej, pixels = tags(tmp_path / "a.tif")
    # TiffDecoder: pixelWidth = 1 / XResolution, pixelHeight = 1 / YResolution, in the
    # unit of the description; ResolutionUnit 1 leaves that as it is.
    (xn, xd), (yn, yd) = found["XResolution"], found["YResolution"]
    assert (yd / yn, xd / xn) == pytest.approx(SPACING, rel=1e-9)
    assert found["ResolutionUnit"] == 1
    assert found["ImageDescription"].startswith("ImageJ=")
    assert imagej["unit"] == "mm"
    assert (found["BitsPerSample"], found["PhotometricInterpretation"]) == (8, 1)
    np.testing.assert_array_equal(pixels, GRAY)


@given(
    st.floats(1e-5, 1e3, allow_nan=False),
    st.floats(1e-5, 1e3, allow_nan=False),
)
def test_any_sensible_spacing_comes_back(tmp_path_factory, depth, lateral):
    path = tmp_path_factory.getbasetemp() / "spacing.tif"
    write_tiff(path, still((depth, lateral)))
    found = tags(path)[0]
    (xn, xd), (yn, yd) = found["XResolution"], found["YResolution"]
    assert (yd / yn, xd / xn) == pytest.approx((depth, lateral), rel=1e-6)


@pytest.mark.parametrize("spacing", [1e-30, 1e30])
def test_a_spacing_that_no_tiff_can_hold_is_refused(tmp_path, one_sentence, spacing):
    with pytest.raises(ResultsError, match="cannot be written into a TIFF") as error:
        write_tiff(tmp_path / "a.tif", still((spacing, 0.1)))
    assert one_sentence(str(error.value))
    assert not list(tmp_path.iterdir())


def test_without_calibration_nothing_is_made_up(tmp_path):
    write_tiff(tmp_path / "a.tif", still(None))
    write_png(tmp_path / "a.png", still(None))
    _, imagej, _ = tags(tmp_path / "a.tif")
    assert "unit" not in imagej
    assert mus.read_image(tmp_path / "a.tif").spacing_mm is None
    assert b"pHYs" not in chunks(tmp_path / "a.png")


def test_a_clip_becomes_a_stack_of_time_points(tmp_path):
    times = (0.0, 0.04, 0.08, 0.12, 0.16)
    write_tiff(tmp_path / "a.tif", clip(frame_times_s=times))
    _, imagej, pixels = tags(tmp_path / "a.tif")
    assert pixels.shape == (5, 4, 6)
    assert [int(frame.mean()) for frame in pixels] == [0, 1, 2, 3, 4]
    assert imagej["frames"] == imagej["images"] == 5
    assert imagej["finterval"] == pytest.approx(0.04)
    assert imagej["unit"] == "mm"


@pytest.mark.parametrize(
    "times", [None, (0.0, 0.04, 0.09, 0.12, 0.16), (0.0, 0.0, 0.0, 0.0, 0.0)]
)
def test_no_frame_interval_is_guessed(tmp_path, times):
    write_tiff(tmp_path / "a.tif", clip(frame_times_s=times))
    assert "finterval" not in tags(tmp_path / "a.tif")[1]


def test_a_clip_of_one_scale_a_frame(tmp_path):
    one, two = Calibration((0.1, 0.1), "a"), Calibration((0.2, 0.1), "b")
    same = clip(calibration=None, frame_calibrations=(one,) * 5)
    write_tiff(tmp_path / "a.tif", same)
    assert tags(tmp_path / "a.tif")[0]["XResolution"] == (10, 1)
    mixed = clip(calibration=None, frame_calibrations=(one, two, one, one, one))
    with pytest.raises(ImageReadError, match="differ in scale"):
        write_tiff(tmp_path / "b.tif", mixed)
    write_tiff(tmp_path / "b.tif", mixed.frame(1))
    assert tags(tmp_path / "b.tif")[0]["YResolution"] == (5, 1)


def test_a_clip_is_written_frame_by_frame(tmp_path):
    write_tiff(tmp_path / "a.tif", clip())
    source = Clip(frames=150, rows=500, columns=500)
    image = UltrasoundImage(
        FrameStack(source, cache_bytes=1_000_000), name="a", digest="0"
    )
    tracemalloc.start()
    write_tiff(tmp_path / "a.tif", image)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (tmp_path / "a.tif").stat().st_size > 37_000_000
    assert peak < 10_000_000


def test_a_clip_that_no_imagej_tiff_holds_is_refused(tmp_path, one_sentence):
    image = clip(Clip(frames=100_000, rows=500, columns=500))
    with pytest.raises(ResultsError, match="4 GB") as error:
        write_tiff(tmp_path / "a.tif", image)
    assert one_sentence(str(error.value))
    assert not list(tmp_path.iterdir())


def test_a_frame_that_does_not_decode_leaves_no_file(tmp_path):
    with pytest.raises(ImageReadError, match="Frame 3 is damaged"):
        write_tiff(tmp_path / "a.tif", clip(Clip(broken=3)))
    assert not list(tmp_path.iterdir())


# PNG


def test_a_png_holds_gray_levels_and_whole_pixels_per_metre(tmp_path):
    write_png(tmp_path / "a.png", still())
    found = chunks(tmp_path / "a.png")
    assert set(found) == {b"IHDR", b"tEXt", b"pHYs", b"IDAT", b"IEND"}
    assert found[b"tEXt"] == b"Software\0napari-muscle-us"
    # 1000 / 0.0291 and 1000 / 0.0616, per metre.
    assert struct.unpack(">IIB", found[b"pHYs"]) == (34364, 16234, 1)
    assert found[b"IHDR"] == struct.pack(">IIBBBBB", 6, 4, 8, 0, 0, 0, 0)
    image = mus.read_image(tmp_path / "a.png")
    np.testing.assert_array_equal(image.pixels, GRAY)
    assert image.spacing_mm is None


def test_a_clip_is_no_png(tmp_path):
    with pytest.raises(ImageReadError, match=r"frame\(index\)"):
        write_png(tmp_path / "a.png", clip())
    write_png(tmp_path / "a.png", clip().frame(2))
    assert (np.asarray(Image.open(tmp_path / "a.png")) == 2).all()


# Both


@pytest.mark.parametrize("write", [write_png, write_tiff])
def test_pixels_outside_are_black(tmp_path, write):
    path = tmp_path / f"a.{'png' if write is write_png else 'tif'}"
    write(path, still(), keep=(1, 3, 2, 5))
    expected = np.zeros_like(GRAY)
    expected[1:3, 2:5] = GRAY[1:3, 2:5]
    np.testing.assert_array_equal(mus.read_image(path).pixels, expected)
    with pytest.raises(ImageReadError, match="no part of an image of 4 × 6"):
        write(path, still(), keep=(0, 5, 0, 6))


@pytest.mark.parametrize("write", [write_png, write_tiff])
def test_nothing_of_the_source_is_written(tmp_path, write):
    path = tmp_path / f"a.{'png' if write is write_png else 'tif'}"
    write(path, still())
    assert b"marker" not in path.read_bytes().lower()
    with pytest.raises(ResultsError):
        write(tmp_path / "no folder" / path.name, still())


def test_a_real_clip_and_its_frame(shared, tmp_path):
    image = mus.read_image(shared("data/dicom/GREYSCALE_CINE.dcm"))
    write_tiff(tmp_path / "clip.tif", image)
    _, imagej, pixels = tags(tmp_path / "clip.tif")
    np.testing.assert_array_equal(pixels[13], image.frame(13).pixels)
    assert pixels.shape == image.gray.shape
    assert imagej["finterval"] == pytest.approx(image.frame_times_s[1], rel=0.01)
    write_tiff(tmp_path / "frame.tif", image.frame(13))
    frame = mus.read_image(tmp_path / "frame.tif")
    assert frame.spacing_mm == pytest.approx(image.spacing_mm, rel=1e-6)
    np.testing.assert_array_equal(frame.pixels, pixels[13])
