"""Files that scanners wrote, from ../shared: pixels, scale and device."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
from pydicom.pixels import apply_color_lut

import napari_muscle_us as mus

# Read by hand with pydicom: PhysicalDelta (cm, code 3) of the only 2-D tissue region,
# times 10, and its inclusive bounds, one added and cut at the image. The two of
# 800 columns and 2083 × 1455 pixels end one past the last.
SCALES = {
    "GREYSCALE_IMAGE.dcm": (0.064904689685, (38, 759, 14, 1011), "EPIQ 5G"),
    "JPGLosslessP14SV1_1s_1f_8b.dcm": (0.254766965924, (38, 759, 14, 1011), "EPIQ 7C"),
    "OBXXXX1A.dcm": (0.262287876620, (60, 519, 120, 800), "CX50"),
    "OBXXXX1A_expb.dcm": (0.262287876620, (60, 519, 120, 800), "CX50"),
    "OBXXXX1A_rle.dcm": (0.262287876620, (60, 519, 120, 800), "CX50"),
    "no-pixel-spacing.dcm": (0.330542089026, (60, 519, 120, 800), "CX50"),
    "US-YBR_FULL_422-EVRLE.dcm": (0.0616, (75, 555, 184, 800), "6100"),
    "US1_UNCR.dcm": (None, None, "LOGIQ 700"),
    "US1_J2KI.dcm": (None, None, "LOGIQ 700"),
    "color-pl.dcm": (None, None, None),
    "color-px.dcm": (None, None, None),
}


@pytest.mark.parametrize("name", SCALES)
def test_scale_region_and_model(shared, name):
    image = mus.read_image(shared(f"data/dicom/{name}"))
    spacing, region, model = SCALES[name]
    assert image.device.model == model
    if spacing is None:
        assert image.spacing_mm is None
        assert any("no calibrated ultrasound region" in w for w in image.warnings)
    else:
        assert image.spacing_mm == pytest.approx((spacing, spacing), rel=1e-8)
        assert image.calibration.region == region
        assert image.warnings == ()


@pytest.mark.parametrize(
    "name", ["GREYSCALE_IMAGE.dcm", "JPGLosslessP14SV1_1s_1f_8b.dcm"]
)
def test_gray_pixels_are_pydicoms(shared, name):
    path = shared(f"data/dicom/{name}")
    image = mus.read_image(path)
    np.testing.assert_array_equal(image.gray, pydicom.dcmread(path).pixel_array)
    assert image.gray_rule == "stored"


@pytest.mark.parametrize("name", ["US1_UNCR.dcm", "color-pl.dcm", "color-px.dcm"])
def test_colour_pixels_are_imagejs_gray_of_pydicoms(shared, name):
    path = shared(f"data/dicom/{name}")
    rgb = pydicom.dcmread(path).pixel_array
    image = mus.read_image(path)
    expected = np.floor(rgb.astype(float).sum(axis=-1) / 3 + 0.5)
    np.testing.assert_array_equal(image.gray, expected)
    np.testing.assert_array_equal(image.coloured, np.ptp(rgb, axis=-1) > 0)


def test_palette_pixels_are_pydicoms_upper_bytes(shared):
    path = shared("data/dicom/OBXXXX1A.dcm")
    dataset = pydicom.dcmread(path)
    rgb = pydicom.pixels.apply_color_lut(dataset.pixel_array, dataset) >> 8
    expected = np.floor(rgb.astype(float).sum(axis=-1) / 3 + 0.5)
    np.testing.assert_array_equal(mus.read_image(path).gray, expected)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("color-pl.dcm", "color-px.dcm"),
        ("OBXXXX1A.dcm", "OBXXXX1A_rle.dcm"),
        ("OBXXXX1A.dcm", "OBXXXX1A_expb.dcm"),
    ],
    ids=["planes-and-pixels", "rle", "big-endian"],
)
def test_one_picture_written_twice_is_one_picture(shared, one, other):
    first, second = (mus.read_image(shared(f"data/dicom/{n}")) for n in (one, other))
    np.testing.assert_array_equal(first.gray, second.gray)
    assert first.spacing_mm == second.spacing_mm
    assert first.sha256 != second.sha256
    assert np.ptp(first.gray) > 100


def test_luma601_is_the_stored_y_and_gray_pixels_are_it_by_any_rule(shared):
    path = shared("data/dicom/US-YBR_FULL_422-EVRLE.dcm")
    stored = np.frombuffer(pydicom.dcmread(path).PixelData, np.uint8).reshape(-1, 4)
    y = stored[:, :2].reshape(555, 800)
    gray = (stored[:, 2:] == 128).all(axis=1).repeat(2).reshape(555, 800)
    image = mus.read_image(path, gray_rule="luma601")
    assert gray.mean() > 0.98
    np.testing.assert_array_equal(image.gray, y)
    assert mus.read_image(path).gray[gray].tobytes() == y[gray].tobytes()


def test_lossy_jpeg_2000_is_close_to_the_uncompressed_picture(shared):
    plain = mus.read_image(shared("data/dicom/US1_UNCR.dcm")).gray.astype(int)
    packed = mus.read_image(shared("data/dicom/US1_J2KI.dcm")).gray
    assert np.abs(plain - packed).mean() < 3


def test_a_clip_of_a_scanner_opens_by_frame(shared):
    path = shared("data/dicom/GREYSCALE_CINE.dcm")
    clip = mus.read_image(path)
    everything = pydicom.dcmread(path).pixel_array
    assert clip.n_frames == len(everything) == 27
    for index in (26, 0, 13):
        np.testing.assert_array_equal(clip.frame(index).pixels, everything[index])


def test_a_segmented_palette_is_that_of_pydicom_in_either_byte_order(shared):
    little = shared("data/dicom/gdcm-US-ALOKA-16.dcm")
    dataset = pydicom.dcmread(little)
    colours = apply_color_lut(dataset.pixel_array, dataset) >> 8
    image = mus.read_image(little)
    expected = mus.gray_from_rgb(colours.astype(np.uint8))
    np.testing.assert_array_equal(image.gray, expected)
    big = mus.read_image(shared("data/dicom/gdcm-US-ALOKA-16_big.dcm"))
    np.testing.assert_array_equal(big.gray, expected)
    # Two pictures side by side, alike in scale.
    assert image.spacing_mm == pytest.approx((0.3826530650258064,) * 2, rel=1e-12)


@pytest.mark.parametrize(
    "name",
    [
        "sonoque_anechoic-3mm-3mm.dcm",
        "sonoque_axial-lateral-resolution-2020.dcm",
    ],
)
def test_phantoms(shared, name):
    image = mus.read_image(shared(f"data/phantom/{name}"))
    assert image.spacing_mm == pytest.approx((0.0291, 0.0291))
    assert image.calibration.region == (0, 1455, 0, 2083)
    assert not image.device.is_known


def runs(line):
    """Return start and stop of the stretches of true values."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], line.astype(int), [0]])))
    return edges.reshape(-1, 2)


def test_the_rulers_on_the_picture_agree_with_its_spacing(shared):
    image = mus.read_image(shared("data/dicom/US-YBR_FULL_422-EVRLE.dcm"))
    # The ruler's marks, every 5 mm, are the only lines of two rows that reach the
    # last column; along the lower edge likewise.
    marks = runs(image.gray[:540, 799] > 150)
    rows = [(a + b - 1) / 2 for a, b in marks if b - a == 2]
    assert rows[::2] == [75.5, 237.5, 399.5]
    assert len(rows) == 6
    depth_mm = 5 * (len(rows) - 1) / (rows[-1] - rows[0])
    assert image.spacing_mm[0] == pytest.approx(depth_mm, rel=0.005)
    marks = runs(image.gray[553, 184:780] > 150)
    columns = [(a + b - 1) / 2 for a, b in marks]
    assert len(columns) >= 6
    lateral_mm = 5 * (len(columns) - 1) / (columns[-1] - columns[0])
    assert image.spacing_mm[1] == pytest.approx(lateral_mm, rel=0.005)
    # 30 mm were scanned ("P 30mm" on the picture) in 480 rows.
    assert 480 * image.spacing_mm[0] == pytest.approx(30, rel=0.02)
