"""Depth rulers: of real scanners measured by eye, simulated ones, and what is none."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont
from pydicom.data import get_testdata_file
from scipy import ndimage

import napari_muscle_us as mus
from napari_muscle_us.device.ruler import check_spacing, read_depth_ruler
from napari_muscle_us.errors import MeasureError
from napari_muscle_us.simulate import SIMULATED_NAMES

# Measured by eye on enlarged pictures: side, rows of two marks, their distance in mm,
# and from what the distance is known.
BY_EYE = {
    "dicom/US-YBR_FULL_422-EVRLE.dcm": ("right", 75.5, 399.5, 20, "printed 0, 1, 2"),
    "dicom/GREYSCALE_IMAGE.dcm": ("right", 90, 706, 40, "printed 4.0cm"),
    "dicom/GREYSCALE_CINE.dcm": ("right", 70.5, 552, 40, "printed 4.0cm"),
    "dicom/OBXXXX1A.dcm": ("right", 134, 516, 100, "printed 11cm: 12 marks"),
    "dicom/OBXXXX1A_2frame.dcm": ("right", 134, 516, 100, "printed 11cm: 12 marks"),
    "dicom/OBXXXX1A_rle.dcm": ("right", 134, 516, 100, "printed 11cm: 12 marks"),
    "dicom/OBXXXX1A_expb.dcm": ("right", 134, 516, 100, "printed 11cm: 12 marks"),
    "dicom/gdcm-US-ALOKA-16.dcm": ("left", 101.5, 310.5, 80, "header"),
    "dicom/gdcm-US-ALOKA-16_big.dcm": ("left", 101.5, 310.5, 80, "header"),
    "phantom/sonoque_anechoic-3mm-3mm.dcm": ("left", 384.2, 1071.5, 20, "printed"),
    "phantom/sonoque_axial-lateral-resolution-2020.dcm": (
        *("left", 384.2, 1071.5, 20),
        "printed 10, 20, 30",
    ),
    "video/butterfly-ocular-phantom.mp4": ("right", 376.3, 896.4, 30, "printed 1 … 4"),
    "video/clarius-ocular-short.mp4": ("right", 86, 873.4, 40, "printed 4 cm"),
    "video/sonosite-anon-eye1-video.mp4": ("right", 40, 633, 45, "printed 4.5 cm"),
    **{
        f"longitudinal_gm/GM_T_{i}.png": ("left", 43, 673.5, 50, "printed 0, 50")
        for i in range(1, 6)
    },
    **{
        f"apo_fascicle_masks/{name}.tif": ("right", 43, 507.5, 60, "printed 0, 60")
        for name in (
            *(f"apo_images/img_00{n}" for n in (335, 383, 431, 479, 527)),
            *(f"fasc_images/img_00{n}" for n in (232, 258, 284)),
        )
    },
    # Nothing printed: long marks every centimetre, or one mark a centimetre.
    "apo_fascicle_masks/apo_images/img_00001.tif": ("left", 129, 601, 40, "long marks"),
    "apo_fascicle_masks/apo_images/img_00048.tif": ("left", 129, 601, 50, "long marks"),
    "apo_fascicle_masks/fasc_images/img_00078.tif": (
        *("left", 129, 601, 60),
        "long marks",
    ),
    "apo_fascicle_masks/fasc_images/img_00129.tif": ("left", 70.5, 522.5, 70, "marks"),
    "apo_fascicle_masks/fasc_images/img_00207.tif": ("left", 70.5, 522.5, 40, "marks"),
    "pydicom/examples_palette.dcm": ("right", 134, 325, 50, "cut from OBXXXX1A"),
    "pydicom/examples_ybr_color.dcm": ("right", 69.9, 168, 100, "printed 19"),
}
# Seen by eye and not read: four hollow dots, one of them on a gray bar; faint marks
# at the edge of two pictures, one above the other.
MISSED = (
    "dicom/US1_UNCR.dcm",
    "dicom/US1_J2KI.dcm",
    "pydicom/examples_rgb_color.dcm",
    "pydicom/examples_jpeg2k.dcm",
    "elastography/supersonic_muscle_swe_screenshot.png",
)
# The depth of a heart, which is not what is expected of a muscle.
BEST_IS_NOT_FIRST = ("pydicom/examples_ybr_color.dcm",)
RASTER = (".png", ".tif", ".gif")


def pixels(path):
    """Return the gray levels of a still, or of the first frame."""
    if path.suffix in RASTER:
        with Image.open(path) as picture:
            return mus.gray_from_rgb(np.asarray(picture.convert("RGB")))
    return mus.read_image(path).frame(0).pixels


def find(shared, name):
    if name.startswith("pydicom/"):
        path = get_testdata_file(name.removeprefix("pydicom/"), download=False)
        if path is None:
            pytest.skip(f"pydicom does not ship {name}")
        return Path(path)
    return shared(f"data/{name}")


@pytest.mark.parametrize("name", BY_EYE)
def test_rulers_of_real_scanners_are_read_within_one_per_cent(shared, name):
    side, first, last, mm, _ = BY_EYE[name]
    path = find(shared, name)
    reading = read_depth_ruler(pixels(path))
    assert reading is not None
    assert reading.side == side
    truth = mm / (last - first)
    errors = [abs(c.spacing_mm / truth - 1) for c in reading.candidates]
    assert min(errors) < 0.01
    if name not in BEST_IS_NOT_FIRST:
        assert errors[0] < 0.01
        assert abs(reading.spacing_mm - truth) <= reading.uncertainty_mm + 0.01 * truth
    found = np.array(sorted(reading.major_rows + reading.minor_rows))
    assert np.abs(found - last).min() < 1 or np.abs(found - first).min() < 1


@pytest.mark.parametrize(
    "name",
    [n for n in BY_EYE if n.startswith(("dicom/", "phantom/")) and "palette" not in n],
)
def test_rulers_agree_with_the_header(shared, name):
    image = mus.read_image(find(shared, name)).frame(0)
    for region in (None, image.calibration.region):
        reading = read_depth_ruler(image.pixels, region=region)
        assert reading is not None
        check = check_spacing(reading, image.spacing_mm[0])
        assert check.agrees, check.message
        assert check.ruler_spacing_mm in [c.spacing_mm for c in reading.candidates]


def test_every_other_real_picture_has_no_ruler(shared):
    root = shared("data")
    kinds = (".png", ".tif", ".gif", ".dcm", ".mp4")
    names = {str(p.relative_to(root)): p for p in root.rglob("*") if p.suffix in kinds}
    vastus = sorted(n for n in names if n.startswith("longitudinal_vl"))
    skipped = set(vastus) - set(vastus[::6])
    looked = [n for n in sorted(names) if n not in skipped and n not in BY_EYE]
    assert len(looked) > 50
    found = [n for n in looked if read_depth_ruler(pixels(names[n])) is not None]
    assert found == []
    assert all(n in looked for n in MISSED if not n.startswith("pydicom"))


def ruler(
    *,
    pitch,
    period=None,
    first_long=0,
    side="left",
    thickness=2,
    short=4,
    long=9,
    level=200,
    ground=0,
    shape=(600, 500),
    top=30.0,
    noise=0.0,
    at=3,
):
    """Return a screen with a ruler, and the true rows of its marks."""
    screen = np.full(shape, float(ground))
    rows = top + pitch * np.arange(int((shape[0] - 25 - top) / pitch) + 1)
    for k, row in enumerate(rows):
        is_long = period is not None and k % period == first_long
        start = math.floor(row - (thickness - 1) / 2 + 0.5)
        screen[start : start + thickness, at : at + (long if is_long else short)] = (
            level
        )
    if side == "right":
        screen = screen[:, ::-1]
    screen = screen + np.random.default_rng(7).normal(0, noise, shape)
    return np.clip(np.rint(screen), 0, 255).astype(np.uint8), rows


@given(
    pitch=st.floats(5, 80),
    period=st.sampled_from([None, 2, 5, 10]),
    side=st.sampled_from(["left", "right"]),
    thickness=st.integers(1, 3),
    short=st.integers(2, 8),
    more=st.integers(3, 8),
    level=st.integers(120, 255),
    ground=st.integers(0, 60),
    noise=st.sampled_from([0.0, 2.0]),
    at=st.integers(0, 60),
    data=st.data(),
)
def test_simulated_rulers(
    pitch, period, side, thickness, short, more, level, ground, noise, at, data
):
    first_long = data.draw(st.integers(0, (period or 1) - 1))
    thickness = thickness if pitch > 9 else 1
    gray, rows = ruler(
        pitch=pitch,
        period=period,
        first_long=first_long,
        side=side,
        thickness=thickness,
        short=short,
        long=short + more,
        level=level,
        ground=ground,
        noise=noise,
        at=at,
    )
    count = len(rows)
    longs = [k for k in range(count) if period and k % period == first_long]
    usual = {None: (10, 5), 2: (5,), 5: (10, 2), 10: (1,)}[period]
    depths = [tick * pitch * (count - 1) / pitch for tick in usual]
    assume(any(13 < d < 299 for d in depths))
    assume(period is not None or count <= 32)
    # One long mark does not make a period, nor two of which the second is the end.
    assume(period is None or (len(longs) >= 2 and count - len(longs) >= 2))
    reading = read_depth_ruler(gray)
    assert reading is not None
    assert (reading.side, reading.major_every) == (side, period)
    assert abs(reading.pitch_px - pitch) <= reading.pitch_uncertainty_px + 1e-9
    assert len(reading.major_rows) == len(longs)
    found = sorted(reading.major_rows + reading.minor_rows)
    # Half a row of rounding, and a quarter for the noise.
    np.testing.assert_allclose(found, rows, atol=0.75)
    for candidate in reading.candidates:
        assert candidate.spacing_mm == pytest.approx(
            candidate.tick_mm / reading.pitch_px
        )
        assert candidate.tick_mm in usual


def test_the_uncertainty_covers_what_rounding_does():
    misses = 0
    for i in range(60):
        pitch = 18 + 0.173 * i
        reading = read_depth_ruler(ruler(pitch=pitch, period=5)[0])
        misses += abs(reading.pitch_px - pitch) > reading.pitch_uncertainty_px
    assert misses == 0
    # Rows rounded at will cost at most half a pixel at each: for n marks 1.5/n px, as
    # a half-width; over √3, times 2.
    _, rows = ruler(pitch=30.0)
    reading = read_depth_ruler(ruler(pitch=30.0)[0])
    steps = np.arange(len(rows)) - (len(rows) - 1) / 2
    half_width = 0.5 * np.abs(steps).sum() / (steps**2).sum()
    assert reading.pitch_uncertainty_px == pytest.approx(2 * half_width / 3**0.5)
    assert half_width == pytest.approx(1.5 / len(rows), rel=0.02)


def test_the_long_marks_decide_what_a_mark_means():
    def ticks(**options):
        reading = read_depth_ruler(ruler(**options)[0])
        return [c.tick_mm for c in reading.candidates]

    assert ticks(pitch=60, period=2) == [5]
    assert ticks(pitch=12, period=10) == [1]
    assert ticks(pitch=27, period=4) == [2.5]
    # 18 intervals of 10 mm are deeper than a muscle picture usually is.
    assert ticks(pitch=30, period=5) == [2, 10]
    # 6 intervals of 2 mm would be a depth of 12 mm at the most.
    assert ticks(pitch=95, period=5) == [10]
    assert ticks(pitch=80) == [10, 5]
    # One long mark: how many short ones follow it is not known.
    assert ticks(pitch=60, period=20) == [10, 5, 2]


def test_a_known_region_says_how_deep_the_picture_is():
    gray, _ = ruler(pitch=50, period=5, at=20)
    reading = read_depth_ruler(gray, region=(25, 580, 60, 480))
    assert reading.candidates[0].depth_mm == pytest.approx(555 * 10 / 50, rel=1e-3)
    # Marks must go along the picture: here they leave out its lower half.
    short = gray.copy()
    short[240:] = 0
    assert read_depth_ruler(short, region=(25, 580, 60, 480)) is None
    assert read_depth_ruler(short, region=(25, 245, 60, 480)) is not None


def test_one_hidden_mark_is_bridged_and_two_of_seven_are_not():
    gray, rows = ruler(pitch=80)
    assert len(rows) == 7
    gray[int(rows[3]) - 5 : int(rows[3]) + 6] = 0
    reading = read_depth_ruler(gray)
    assert reading.pitch_px == pytest.approx(80, rel=1e-3)
    assert len(reading.minor_rows) == 6
    gray[int(rows[4]) - 5 : int(rows[4]) + 6] = 0
    assert read_depth_ruler(gray) is None


def test_marks_on_an_axis_line_with_numbers_at_the_long_ones():
    gray, _ = ruler(pitch=24, period=5, at=20)
    gray[30:575, 18:20] = 160
    picture = Image.fromarray(gray)
    draw = ImageDraw.Draw(picture)
    for k in range(0, 22, 5):
        draw.text((34, 24 + 24 * k), str(2 * k), fill=200)
    reading = read_depth_ruler(np.asarray(picture))
    assert (reading.major_every, reading.tick_mm) == (5, 2)
    assert reading.spacing_mm == pytest.approx(2 / 24, rel=1e-3)


def test_jpeg_does_not_move_the_marks():
    gray, _ = ruler(pitch=31.3, period=5, thickness=1)
    buffer = io.BytesIO()
    Image.fromarray(gray).save(buffer, "JPEG", quality=80)
    reading = read_depth_ruler(np.asarray(Image.open(buffer)))
    assert reading.major_every == 5
    assert reading.pitch_px == pytest.approx(31.3, rel=2e-3)


def speckle(shape, size, seed):
    rng = np.random.default_rng(seed)
    field = ndimage.gaussian_filter(rng.normal(size=(2, *shape)), (0, size, 2 * size))
    envelope = np.hypot(*field)
    return np.clip(60 * envelope / envelope.mean(), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("size", [0.0, 0.7, 1.2, 2.5])
def test_speckle_is_no_ruler(size):
    for seed in range(6):
        assert read_depth_ruler(speckle((480, 640), size, seed)) is None


@pytest.mark.parametrize("step", ["225", "325"])
def test_tissue_that_makes_a_ladder_by_chance_is_no_ruler(shared, step):
    gray = pixels(shared(f"data/longitudinal_vl/S2_L20_step_{step}.png"))
    # On its side, four equal streaks stand in one line at equal distances.
    assert read_depth_ruler(np.ascontiguousarray(gray.T)) is None


@pytest.mark.parametrize("name", SIMULATED_NAMES)
def test_simulated_muscles_have_no_ruler(name):
    assert read_depth_ruler(mus.sample_image(name).pixels) is None


def lines_of_text(words, size, pitch):
    picture = Image.new("L", (640, 600))
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size)
    for i in range(int(560 / pitch)):
        draw.text((20, 20 + round(i * pitch)), words(i), fill=220, font=font)
    return np.asarray(picture)


@pytest.mark.parametrize(
    "words",
    [
        lambda i: f"Gain {7 * i % 100} dB",
        lambda i: f"-{10 * i} dB",
        lambda i: f"- item {i}",
        lambda i: f"TIS 0.{i % 10}",
        lambda i: ["Frq 15.0", "DR 69", "MI 1.2", "AO% 100", "E", "F T L"][i % 6],
    ],
    ids=["labels", "minus", "bullets", "capitals", "menu"],
)
@pytest.mark.parametrize("size", [8, 11, 16])
def test_text_is_no_ruler(words, size):
    for spread in (1.25, 1.7, 2.5):
        assert read_depth_ruler(lines_of_text(words, size, size * spread)) is None


def bar_with_ticks():
    screen = np.zeros((600, 500), np.uint8)
    screen[100:400, 20:40] = np.linspace(255, 20, 300)[:, None].astype(np.uint8)
    screen[100:401:50, 44:50] = 200
    return screen


def fascia():
    screen = speckle((600, 500), 1.5, 3)
    screen[60:560:40] = 220
    screen[61:560:40] = 220
    return screen


def irregular():
    screen = np.zeros((600, 500), np.uint8)
    for row in (40, 95, 170, 205, 290, 360, 395, 480, 520):
        screen[row : row + 2, 4:10] = 200
    return screen


def arrows():
    screen = np.zeros((600, 500), np.uint8)
    for k, row in enumerate(range(60, 540, 60)):
        for i in range(16):
            width = 8 - abs(i - 8)
            screen[row + i + 3 * (k % 3), 4 : 4 + width] = 220
    return screen


def random_lengths():
    screen = np.zeros((600, 500), np.uint8)
    for k, row in enumerate(range(40, 560, 40)):
        screen[row : row + 2, 4 : 4 + (5, 14, 9, 22, 3, 17)[(k * k + k // 3) % 6]] = 200
    return screen


def contradiction():
    left, _ = ruler(pitch=40.0, period=2)
    right, _ = ruler(pitch=47.0, period=2, side="right")
    return np.maximum(left, right)


@pytest.mark.parametrize(
    "screen",
    [
        lambda: np.zeros((600, 800), np.uint8),
        lambda: np.full((600, 800), 255, np.uint8),
        lambda: np.zeros((30, 40), np.uint8),
        bar_with_ticks,
        fascia,
        irregular,
        arrows,
        random_lengths,
        contradiction,
        lambda: ruler(pitch=8, shape=(600, 500))[0],
        lambda: ruler(pitch=50, at=240)[0],
        lambda: ruler(pitch=30, shape=(600, 500), top=460)[0],
        lambda: ruler(pitch=250)[0],
        lambda: ruler(pitch=50, period=3)[0],
    ],
    ids=[
        *("black", "white", "tiny", "colour bar", "equal fasciae", "irregular"),
        *("arrows", "lengths at random", "two that contradict", "dotted line"),
        *("in the middle", "too short", "three marks", "every third longer"),
    ],
)
def test_what_is_no_certain_ruler_is_not_read(screen):
    assert read_depth_ruler(screen()) is None


def test_the_same_marks_without_the_bar_are_read():
    screen = bar_with_ticks()
    screen[:, 20:40] = 0
    assert read_depth_ruler(screen).pitch_px == pytest.approx(50, rel=1e-3)


def test_check_spacing_says_both_values(one_sentence):
    reading = read_depth_ruler(ruler(pitch=50)[0])
    assert [c.tick_mm for c in reading.candidates] == [10, 5]
    good = check_spacing(reading, 0.1005)
    assert (good.agrees, good.tick_mm) == (True, 5)
    assert one_sentence(good.message)
    bad = check_spacing(reading, 0.15)
    assert not bad.agrees
    assert "0.15 mm" in bad.message
    assert f"{bad.ruler_spacing_mm:.4g} mm" in bad.message
    assert one_sentence(bad.message)
    assert check_spacing(reading, 0.2 * 1.0095).agrees
    assert not check_spacing(reading, 0.2 * 1.0111).agrees
    for spacing in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(MeasureError, match="positive length"):
            check_spacing(reading, spacing)


def test_the_explanation_tells_what_was_seen_and_what_else_it_may_mean(one_sentence):
    reading = read_depth_ruler(ruler(pitch=30, period=5)[0])
    count = len(reading.major_rows) + len(reading.minor_rows)
    text = reading.explanation
    assert text.startswith(
        f"{count} marks at the left margin, every 30.0 px, every 5th"
    )
    assert "2 mm from mark to mark" in text
    assert "10 mm (0.3333 mm a pixel" in text
    assert "possible too" in text
    assert one_sentence(text)
    assert reading.is_ambiguous
    assert not read_depth_ruler(ruler(pitch=60, period=2)[0]).is_ambiguous


@pytest.mark.parametrize(
    ("gray", "region", "words"),
    [
        (np.zeros((100, 100)), None, "8 bits"),
        (np.zeros((2, 100, 100), np.uint8), None, "one frame"),
        (np.zeros((100, 100), np.uint8), (0, 101, 0, 100), "does not lie"),
        (np.zeros((100, 100), np.uint8), (50, 50, 0, 100), "does not lie"),
        (np.zeros((100, 100), np.uint8), (0, 100, -1, 100), "does not lie"),
    ],
    ids=["float", "clip", "too low", "empty", "too far left"],
)
def test_wrong_input_is_refused(one_sentence, gray, region, words):
    with pytest.raises(MeasureError, match=words) as error:
        read_depth_ruler(gray, region=region)
    assert one_sentence(str(error.value))


@given(st.integers(0, 2**32 - 1), st.integers(2, 40))
def test_any_pixels_end_in_a_reading_or_none(seed, levels):
    rng = np.random.default_rng(seed)
    gray = (rng.integers(0, levels, (90, 70)) * (255 // (levels - 1))).astype(np.uint8)
    gray.setflags(write=False)
    assert read_depth_ruler(gray) is None
