"""Every real file against what other programs say of it: header and pixels."""

from __future__ import annotations

import csv
import functools
import itertools
import warnings
import zlib
from fnmatch import fnmatch
from pathlib import Path

import av
import numpy as np
import pydicom
import pytest
from PIL import Image
from pydicom.encaps import generate_frames
from pydicom.pixels import apply_color_lut, apply_windowing, pixel_array
from scipy.ndimage import binary_dilation

import napari_muscle_us as mus
from napari_muscle_us.errors import ImageReadError

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared" / "data"
WHEEL = Path(pydicom.__file__).parent / "data"
TABLE = ROOT / "tests" / "golden" / "truth_table.csv"

NOT_IMAGES = {
    "*.md": "text",
    "longitudinal_vl/observers.csv": "what observers measured",
    "transverse_vl/calibration.csv": "size of a pixel of each picture",
    "apo_fascicle_masks/*_masks/*": "drawn by hand, not scanned",
    "elastography/supersonic_colormap.mat": "colour table",
    "ibsi/*.nii.gz": "digital phantom of radiomics, not ultrasound",
}
PICTURES = ("tissue", "colour flow")
SHORT = 31
"""Frames of a clip of which every one is compared."""

RLE = "1.2.840.10008.1.2.5"


def rows_of_table():
    with TABLE.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


ROWS = {row["file"]: row for row in rows_of_table()}
READ = [name for name, row in ROWS.items() if row["outcome"] == "read"]
REFUSED = [name for name, row in ROWS.items() if row["outcome"] != "read"]
DICOM = [name for name in READ if ROWS[name]["format"] == "DICOM"]
VIDEO = [name for name in READ if ROWS[name]["format"] == "MP4"]
GIF = [name for name in READ if ROWS[name]["format"] == "GIF"]
RASTER = [name for name in READ if ROWS[name]["format"] in ("PNG", "TIFF")]


@pytest.fixture(scope="module")
def find(shared):
    def path_of(name):
        if name.startswith("pydicom/"):
            return WHEEL / "test_files" / name.removeprefix("pydicom/")
        return shared(f"data/{name}")

    return path_of


@pytest.fixture(scope="module")
def opened(find):
    """Give what the reader makes of a file, read once for all tests."""
    return functools.cache(lambda name: mus.read_image(find(name)))


def bounds(text):
    """Return ``(0, 3, 1, 5)`` for ``"0:3 1:5"``."""
    rows, columns = (part.split(":") for part in text.split())
    return (int(rows[0]), int(rows[1]), int(columns[0]), int(columns[1]))


def listed(text):
    return [part for part in text.split("; ") if part]


def parsed(path, **options):
    """Return what pydicom reads; the phantoms name a character set that is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pydicom.dcmread(path, **options)


# --- the table itself -------------------------------------------------------------


def test_every_file_has_a_row(shared):
    shared("data")
    files = {
        path.relative_to(DATA).as_posix() for path in DATA.rglob("*") if path.is_file()
    }
    excluded = {f for f in files if any(fnmatch(f, p) for p in NOT_IMAGES)}
    outside = {name for name in ROWS if not name.startswith("pydicom/")}
    assert files - excluded == outside
    for pattern in NOT_IMAGES:
        assert any(fnmatch(f, pattern) for f in excluded), pattern


def test_every_ultrasound_file_of_pydicom_has_a_row():
    found = set()
    for path in sorted(WHEEL.glob("*/*")):
        if path.parent.name not in ("test_files", "palettes") or not path.is_file():
            continue
        try:
            header = parsed(path, stop_before_pixels=True)
        except pydicom.errors.InvalidDicomError:
            continue
        kind = getattr(header.get("SOPClassUID"), "name", "")
        ultrasound = header.get("Modality") == "US" or "Ultrasound" in kind
        if ultrasound or path.name.startswith("examples_"):
            found.add(f"pydicom/{path.name}")
    assert found == {name for name in ROWS if name.startswith("pydicom/")}


def test_the_files_are_those_of_the_table(find):
    for name, row in ROWS.items():
        assert find(name).stat().st_size == int(row["bytes"]), name


@pytest.mark.parametrize("name", DICOM)
def test_the_row_is_of_this_file(find, name):
    row = ROWS[name]
    header = parsed(find(name), stop_before_pixels=True)
    assert header.file_meta.TransferSyntaxUID == row["coding"]
    assert header.PhotometricInterpretation == row["photometric"]


# --- the header -------------------------------------------------------------------


@pytest.mark.parametrize("name", READ)
def test_shape_and_device(opened, name):
    row = ROWS[name]
    image = opened(name)
    assert image.frame_shape == (int(row["rows"]), int(row["columns"]))
    assert image.n_frames == int(row["frames"])
    assert image.is_clip is (image.n_frames > 1)
    assert image.is_clip or image.frame_times_s is None
    assert (image.device.manufacturer or "") == row["manufacturer"]
    assert (image.device.model or "") == row["model"]
    assert row["format"] == "DICOM" or image.regions == ()


@pytest.mark.parametrize("name", [n for n in READ if ROWS[n]["frames"] != "1"])
def test_frame_times(opened, name):
    row = ROWS[name]
    image = opened(name)
    times = image.frame_times_s
    if row["time_from"].startswith("none"):
        assert times is None
        assert image.warnings
        return
    assert len(times) == int(row["frames"])
    assert times[0] == 0
    assert times[-1] == pytest.approx(float(row["last_s"]), abs=1e-6)
    if row["interval_s"] != "varies":
        assert np.diff(times) == pytest.approx(float(row["interval_s"]), abs=1e-9)
    if row["pts_per_s"]:
        ticks = [round(t * int(row["pts_per_s"])) for t in times]
        assert times == pytest.approx(
            [tick / int(row["pts_per_s"]) for tick in ticks], abs=1e-9
        )
        text = ",".join(str(tick) for tick in ticks)
        assert f"{zlib.crc32(text.encode()):08x}" == row["pts_crc32"]


@pytest.mark.parametrize("name", READ)
def test_spacing(opened, name):
    row = ROWS[name]
    image = opened(name)
    middle = image.frame(image.n_frames // 2)
    if row["spacing_from"].startswith("none"):
        assert image.spacing_mm is None
        assert middle.spacing_mm is None
        assert image.calibration is None
        assert image.warnings
        return
    told = (float(row["depth_mm"]), float(row["lateral_mm"]))
    source = row["spacing_from"].split(":")[0]
    assert image.spacing_mm == pytest.approx(told, rel=1e-12)
    assert middle.spacing_mm == image.spacing_mm
    assert source in image.calibration.source
    region = bounds(row["picture"]) if row["picture"] else None
    assert image.calibration.region == region
    if source != "SequenceOfUltrasoundRegions":
        assert image.warnings


@pytest.mark.parametrize("name", DICOM)
def test_regions(opened, name):
    row = ROWS[name]
    image = opened(name)
    told = [part.rpartition(" ")[0].rpartition(" ") for part in listed(row["regions"])]
    stated = [bounds(" ".join(p.split()[-2:])) for p in listed(row["regions"])]
    assert [r.kind for r in image.regions] == [kind for kind, _, _ in told]
    assert [r.is_picture for r in image.regions] == [k in PICTURES for k, _, _ in told]
    assert [r.stated_bounds for r in image.regions] == stated
    assert [r.index for r in image.regions] == list(range(len(stated)))
    inside = listed(row["regions_inside"])
    for found, text in zip(image.regions, inside, strict=True):
        if text == "outside":
            top, bottom, left, right = found.bounds
            assert bottom <= top or right <= left
        else:
            assert found.bounds == bounds(text)
        if found.is_picture and image.spacing_mm is not None:
            assert found.spacing_mm == pytest.approx(image.spacing_mm, rel=1e-12)
        elif not found.is_picture:
            assert found.spacing_mm is None


@pytest.mark.parametrize(
    ("name", "places"),
    [
        # Corner of the region plus ReferencePixelY0 and X0, from dcmdump.
        ("dicom/OBXXXX1A.dcm", [(60 + 36, 120 + 340), (522 - 522, 176 - 176)]),
        ("dicom/no-pixel-spacing.dcm", [(60 + 4, 120 + 340), (0, 0), (0, 0)]),
        (
            "dicom/gdcm-US-ALOKA-16_big.dcm",
            [(24 + 21, 32 + 154), (24 + 21, 336 + 154), None],
        ),
        ("dicom/GREYSCALE_IMAGE.dcm", [None]),
    ],
)
def test_reference_pixels(opened, name, places):
    assert [r.reference_px for r in opened(name).regions] == places
    assert {r.direction for r in opened(name).regions} == {(1, 1)}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_refused(find, name):
    words = ROWS[name]["outcome"].removeprefix("refused: ")
    with pytest.raises(ImageReadError, match=words):
        mus.read_image(find(name))


# --- the pixels -------------------------------------------------------------------


def mean_of(rgb):
    """Return ImageJ's gray of colour, by its formula."""
    return np.floor(rgb.astype(float).sum(axis=-1) / 3 + 0.5)


def unpack_rle(segment, count):
    """Return the bytes that PackBits holds (DICOM PS3.5 G.3.2)."""
    out, place = bytearray(), 0
    while len(out) < count:
        head = segment[place]
        if head < 128:
            out += segment[place + 1 : place + 2 + head]
            place += 2 + head
        else:
            out += segment[place + 1 : place + 2] * (257 - head)
            place += 2
    return bytes(out[:count])


def decoded(dataset, index):
    """Return the samples of a frame, by another decoder than the reader's own."""
    syntax = dataset.file_meta.TransferSyntaxUID
    shape = (dataset.Rows, dataset.Columns)
    if syntax == RLE:
        frames = list(generate_frames(dataset.PixelData, number_of_frames=1))
        header = np.frombuffer(frames[index][:64], "<u4")
        assert header[0] == 1  # one segment: 8-bit indices
        data = unpack_rle(frames[index][header[1] :], shape[0] * shape[1])
        return np.frombuffer(data, np.uint8).reshape(shape)
    plugin = "gdcm" if syntax.is_compressed else ""
    with warnings.catch_warnings():
        # The phantoms say RGB where their JPEG holds YBR.
        warnings.simplefilter("ignore")
        return pixel_array(dataset, index=index, decoding_plugin=plugin)


def swap_tables(dataset):
    """Turn 16-bit look-up tables of a big-endian file into this machine's order."""
    for colour in ("Red", "Green", "Blue"):
        keyword = f"{colour}PaletteColorLookupTableData"
        if keyword in dataset:
            words = np.frombuffer(dataset[keyword].value, ">u2")
            dataset[keyword].value = words.astype("<u2").tobytes()


def gray_of(dataset, index):
    pixels = decoded(dataset, index)
    photometric = dataset.PhotometricInterpretation
    if photometric == "PALETTE COLOR":
        return mean_of(apply_color_lut(pixels, dataset) >> 8)
    if photometric == "MONOCHROME2":
        if dataset.BitsStored == 8:
            return pixels
        most = 2**dataset.BitsStored - 1
        return np.floor(apply_windowing(pixels, dataset) / most * 255 + 0.5)
    return mean_of(pixels)


def compared(count):
    return range(count) if count <= SHORT else (count - 1, 0, count // 2)


@pytest.mark.parametrize("name", DICOM)
def test_pixels_of_dicom(find, opened, name):
    path = find(name)
    dataset = parsed(path)
    if dataset.file_meta.TransferSyntaxUID == pydicom.uid.ExplicitVRBigEndian:
        swap_tables(dataset)
    image = opened(name)
    for index in compared(image.n_frames):
        expected = gray_of(dataset, index)
        assert np.ptp(expected) > 100
        np.testing.assert_array_equal(image.frame(index).pixels, expected)


@pytest.mark.parametrize(
    "names",
    [
        ("dicom/color-pl.dcm", "dicom/color-px.dcm"),
        ("dicom/OBXXXX1A.dcm", "dicom/OBXXXX1A_rle.dcm"),
        ("dicom/OBXXXX1A.dcm", "dicom/OBXXXX1A_expb.dcm"),
        ("dicom/gdcm-US-ALOKA-16.dcm", "dicom/gdcm-US-ALOKA-16_big.dcm"),
    ],
    ids=lambda names: names[1].removeprefix("dicom/"),
)
def test_one_picture_in_two_files(opened, names):
    one, other = (opened(name) for name in names)
    np.testing.assert_array_equal(one.pixels, other.pixels)
    assert one.spacing_mm == other.spacing_mm
    assert one.regions == other.regions
    assert one.device == other.device
    assert one.sha256 != other.sha256


def test_the_cut_picture_is_the_upper_part_of_the_whole_one(opened):
    # So its calibration holds, though its region reaches outside.
    whole = opened("dicom/OBXXXX1A.dcm")
    cut = opened("pydicom/examples_palette.dcm")
    np.testing.assert_array_equal(cut.pixels, whole.pixels[:350])
    assert cut.spacing_mm == whole.spacing_mm


def gray_of_video(frame):
    """Return gray levels by the formula of BT.601, and where that is beyond doubt.

    How chroma of half the size is spread is the decoder's choice, so pixels near
    colour are compared roughly. FFmpeg's own conversion is not the truth: unless told
    otherwise it makes a fifth of the gray pixels one level too dark.
    """
    y, u, v = (
        np.frombuffer(plane, np.uint8).reshape(plane.height, plane.line_size)
        for plane in frame.planes
    )
    shape = (frame.height, frame.width)
    luma = 255 / 219 * (y[:, : shape[1]] - 16.0)
    u, v = (
        np.kron(part, np.ones((2, 2)))[: shape[0], : shape[1]] - 128 for part in (u, v)
    )
    red = luma + 255 / 224 * 1.402 * v
    green = luma - 255 / 224 * (0.344136 * u + 0.714136 * v)
    blue = luma + 255 / 224 * 1.772 * u
    rgb = np.floor(np.clip(np.stack([red, green, blue], axis=-1), 0, 255) + 0.5)
    colour = binary_dilation((u != 0) | (v != 0), np.ones((7, 7)))
    return mean_of(rgb), ~colour


@pytest.mark.parametrize("name", VIDEO)
def test_pixels_of_video(find, opened, name):
    image = opened(name)
    chosen = compared(image.n_frames)
    with av.open(str(find(name))) as container:
        expected = {
            index: gray_of_video(frame)
            for index, frame in enumerate(container.decode(video=0))
            if index in chosen
        }
    assert sorted(expected) == sorted(chosen)
    # The last one first, so that it is sought.
    for index in chosen:
        pixels = image.frame(index).pixels.astype(float)
        gray, sure = expected[index]
        assert sure.mean() > 0.98
        assert np.ptp(gray[sure]) > 100
        np.testing.assert_array_equal(pixels[sure], gray[sure])
        np.testing.assert_allclose(pixels[~sure], gray[~sure], atol=20)
    grays = [gray for gray, _ in expected.values()]
    assert not any(np.array_equal(a, b) for a, b in itertools.pairwise(grays))


@pytest.mark.parametrize("name", GIF)
def test_pixels_of_gif(find, opened, name):
    path = find(name)
    image = opened(name)
    with Image.open(path) as picture:
        for index in range(image.n_frames):
            picture.seek(index)
            expected = mean_of(np.asarray(picture.convert("RGB")))
            np.testing.assert_array_equal(image.frame(index).pixels, expected)


@pytest.mark.parametrize("name", RASTER)
def test_pixels_of_pictures(find, opened, name):
    path = find(name)
    if ROWS[name]["format"] == "TIFF":
        with Image.open(path) as picture:
            pixels = np.asarray(picture)
    else:
        kind = {"gray": "gray", "RGB": "rgb24", "RGBA": "rgba"}
        with av.open(str(path)) as container:
            (frame,) = container.decode(video=0)
            pixels = frame.to_ndarray(format=kind[ROWS[name]["photometric"]])
    expected = pixels if pixels.ndim == 2 else mean_of(pixels[..., :3])
    np.testing.assert_array_equal(opened(name).pixels, expected)
