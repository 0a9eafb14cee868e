"""The picture is found on screens whose shape is known, and on real ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import gaussian_filter

import napari_muscle_us as mus
from napari_muscle_us.device.field import find_field, find_image_field
from napari_muscle_us.device.overlay import find_overlays
from napari_muscle_us.errors import ImageReadError, MeasureError
from napari_muscle_us.regions import UltrasoundRegion


def tissue(shape, seed=0, mean=90, sd=35):
    """Return speckle that is smooth over some pixels, wider than high."""
    noise = np.random.default_rng(seed).normal(size=shape)
    smooth = gaussian_filter(noise, (1.2, 2.5))
    return (mean + sd * smooth / smooth.std()).clip(3, 250).astype(np.uint8)


def screen(mask, *, shade=0, seed=0):
    """Return tissue inside a mask on a flat screen with some text."""
    gray = np.where(mask, tissue(mask.shape, seed), shade).astype(np.uint8)
    picture = Image.fromarray(gray)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(14)
    for row, words in enumerate(("MSK L12-5", "Gn 60", "C 61", "11 cm")):
        draw.text((4, 4 + 18 * row), words, fill=230, font=font)
    return np.asarray(picture)


def rectangle(rows, columns, top, bottom, left, right):
    mask = np.zeros((rows, columns), bool)
    mask[top:bottom, left:right] = True
    return mask


def sector(rows=600, columns=800, *, apex=-60, near=140, far=600, half_angle=38):
    """Return a curved array's picture by its geometry."""
    y, x = np.mgrid[:rows, :columns]
    y, x = y - apex, x - columns / 2
    angle = np.degrees(np.arctan2(x, y))
    radius = np.hypot(x, y)
    return (np.abs(angle) < half_angle) & (radius > near) & (radius < far)


def trapezoid(rows=600, columns=800):
    y, x = np.mgrid[:rows, :columns]
    side = 150 + 0.25 * y
    return (y > 90) & (y < 540) & (np.abs(x - 400) < side)


def overlap(one, other):
    return np.count_nonzero(one & other) / np.count_nonzero(one | other)


@given(
    top=st.integers(90, 160),
    height=st.integers(200, 400),
    left=st.integers(110, 300),
    width=st.integers(220, 450),
    shade=st.sampled_from([0, 48, 110, 255]),
)
def test_a_rectangle_is_found_to_the_pixel_on_any_shade(
    top, height, left, width, shade
):
    mask = rectangle(600, 800, top, top + height, left, left + width)
    field = find_field(screen(mask, shade=shade))
    assert np.abs(np.subtract(field.bounds, _bounds(mask))).max() <= 2
    assert field.mask[top + 5 : top + height - 5, left + 5 : left + width - 5].all()
    assert field.certain
    assert field.found == "largest connected picture"


@pytest.mark.parametrize("mask", [sector(), trapezoid()], ids=["sector", "trapezoid"])
@pytest.mark.parametrize("shade", [0, 60])
def test_a_sector_is_not_filled_up_to_a_box(mask, shade):
    field = find_field(screen(mask, shade=shade))
    assert overlap(field.mask, mask) > 0.96
    assert field.n < 0.85 * np.prod(np.ptp(np.argwhere(mask), axis=0))


def test_a_picture_without_a_screen_is_the_whole_image():
    field = find_field(tissue((300, 400)))
    assert field.mask.all()
    assert (field.found, field.certain, field.n) == ("whole image", True, 120_000)


def test_a_shadow_to_the_bottom_stays_inside_a_rectangle():
    mask = rectangle(600, 800, 100, 500, 200, 600)
    gray = screen(mask).copy()
    gray[220:500, 350:450] = 0
    field = find_field(gray)
    assert overlap(field.mask, mask) > 0.98
    assert field.mask[300:480, 360:440].all()


def test_parts_that_a_cyst_separates_are_joined_and_said():
    gray = screen(rectangle(600, 800, 100, 500, 200, 600)).copy()
    gray[200:300] = 0
    field = find_field(gray)
    assert field.bounds == pytest.approx((100, 500, 200, 600), abs=2)
    assert not field.certain
    assert "2 parts" in field.doubt


def test_two_pictures_side_by_side_are_doubtful_without_the_file_s_word():
    left = rectangle(500, 800, 100, 450, 110, 400)
    right = rectangle(500, 800, 100, 450, 460, 740)
    field = find_field(screen(left | right))
    assert not field.certain
    assert "second picture" in field.doubt


@pytest.mark.parametrize("shade", [0, 77, 255])
def test_where_there_is_no_picture_everything_is_taken_and_doubted(shade):
    field = find_field(np.full((120, 160), shade, np.uint8))
    assert field.mask.all()
    assert not field.certain


def test_saturated_tissue_belongs_to_the_picture():
    gray = np.clip(2.5 * tissue((400, 500), mean=90).astype(float), 0, 255)
    gray = gray.astype(np.uint8)
    flat = np.count_nonzero(gray == 255) / gray.size
    field = find_field(gray)
    assert flat > 0.3
    assert field.mask.all()


def test_the_region_of_the_file_limits_the_search():
    left = rectangle(500, 800, 100, 450, 100, 400)
    right = rectangle(500, 800, 100, 450, 460, 740)
    field = find_field(screen(left | right), region=(90, 460, 430, 800))
    assert overlap(field.mask, right) > 0.97
    assert field.found == "region of the file"


def test_a_region_that_tissue_spans_counts_down_to_its_black_end():
    gray = screen(rectangle(600, 800, 100, 300, 200, 600))
    field = find_field(gray, region=(100, 500, 200, 600))
    assert field.bounds == (100, 500, 200, 600)
    assert field.mask[100:500, 200:600].all()


@pytest.mark.parametrize("region", [(700, 800, 0, 10), (5, 5, 0, 10), (0, 9, 900, 990)])
def test_a_region_outside_is_refused(region, one_sentence):
    with pytest.raises(MeasureError, match="outside the image") as error:
        find_field(np.zeros((600, 800), np.uint8), region=region)
    assert one_sentence(str(error.value))


@pytest.mark.parametrize(
    "gray",
    [np.zeros((2, 9, 9), np.uint8), np.zeros((9, 9)), np.zeros((0, 9), np.uint8)],
)
def test_what_is_no_still_image_is_refused(gray):
    with pytest.raises(MeasureError, match="8-bit image"):
        find_field(gray)


@given(
    rows=st.integers(1, 40),
    columns=st.integers(1, 40),
    seed=st.integers(0, 99),
    levels=st.sampled_from([1, 2, 4, 256]),
)
def test_any_image_has_a_field_inside_itself(rows, columns, seed, levels):
    gray = np.random.default_rng(seed).integers(0, levels, (rows, columns))
    gray = (gray * (255 // max(levels - 1, 1))).astype(np.uint8)
    before = gray.copy()
    field = find_field(gray)
    top, bottom, left, right = field.bounds
    assert field.mask.shape == gray.shape
    assert field.n > 0
    assert field.mask[top:bottom, left:right].sum() == field.n
    assert field.certain == (field.doubt == "")
    find_overlays(gray, field, coloured=gray > 200)
    np.testing.assert_array_equal(gray, before)


def test_pictures_side_by_side_count_together_without_their_seam():
    left = rectangle(500, 800, 100, 450, 100, 400)
    right = rectangle(500, 800, 100, 450, 400, 740)
    regions = tuple(
        UltrasoundRegion(i, kind, picture, bounds, bounds)
        for i, (kind, picture, bounds) in enumerate(
            [
                ("tissue", True, (100, 450, 100, 400)),
                ("tissue", True, (100, 450, 400, 740)),
                ("gray bar", False, (0, 80, 0, 80)),
            ]
        )
    )
    image = mus.UltrasoundImage(screen(left | right), "two", "0" * 64, regions=regions)
    field = find_image_field(image)
    assert overlap(field.mask, left | right) > 0.97
    assert not field.mask[:, 399:401].any()
    assert not field.mask[:90].any()


def test_a_clip_is_refused(make_clip):
    with pytest.raises(ImageReadError, match="choose one"):
        find_image_field(make_clip())


@pytest.fixture
def make_clip():
    from napari_muscle_us.frames import Frame, FrameStack

    class Source:
        shape = (2, 8, 8)

        def read(self, index):
            return Frame(np.full((8, 8), index, np.uint8))

    return lambda: mus.UltrasoundImage(FrameStack(Source()), "clip", "0" * 64)


# First and last pixel of tissue read off enlarged corners by eye; of the DICOM file its
# region. Lossy compression blurs the edges of img_00078.
REAL = {
    "longitudinal_gm/GM_T_1.png": (43, 686, 237, 997),
    "apo_fascicle_masks/fasc_images/img_00129.tif": (70, 522, 175, 504),
    "apo_fascicle_masks/fasc_images/img_00078.tif": (128, 599, 140, 507),
    "apo_fascicle_masks/apo_images/img_00001.tif": (132, 599, 50, 597),
    "dicom/US-YBR_FULL_422-EVRLE.dcm": (75, 555, 184, 800),
}


@pytest.mark.parametrize("name", REAL)
def test_real_rectangles(shared, name):
    field = find_image_field(mus.read_image(shared(f"data/{name}")))
    assert np.abs(np.subtract(field.bounds, REAL[name])).max() <= 4
    assert field.certain


def test_all_cropped_pictures_of_vastus_lateralis_are_whole(shared):
    paths = sorted(shared("data/longitudinal_vl").glob("*.png"))
    fields = [find_field(np.asarray(Image.open(path))) for path in paths]
    assert len(fields) == 90
    assert all(f.certain and f.found == "whole image" for f in fields)


def test_a_panorama_keeps_its_arc_and_leaves_the_hospital_s_text_out(shared):
    image = mus.read_image(shared("data/transverse_vl/SUB02_img1.tif"))
    field = find_image_field(image)
    assert field.certain
    # The text lies above row 140, the arc's middle is higher than its ends.
    assert not field.mask[:160].any()
    assert not field.mask[640:, 500:900].any()
    assert field.mask[250:450, 600:800].all()
    assert 0.3 < field.n / field.mask.size < 0.42


@pytest.mark.parametrize(
    "name",
    ["dicom/OBXXXX1A.dcm", "dicom/no-pixel-spacing.dcm", "dicom/OBXXXX1A_expb.dcm"],
)
def test_a_probe_in_the_air_is_doubtful(shared, name):
    assert not find_image_field(mus.read_image(shared(f"data/{name}"))).certain


def _bounds(mask):
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
