"""Flags name what is wrong with a region, with the number, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

import napari_muscle_us as mus
from napari_muscle_us.device import acceptance
from napari_muscle_us.device.field import find_image_field
from napari_muscle_us.errors import ImageReadError, RoiError
from napari_muscle_us.image import UltrasoundImage
from napari_muscle_us.measure import quality
from napari_muscle_us.measure.quality import prepare, quality_flags, quality_note
from napari_muscle_us.measure.shadow import find_shadows
from napari_muscle_us.regions import UltrasoundRegion
from napari_muscle_us.roi.composite import Composite
from napari_muscle_us.roi.rasterize import roi_mask, usable_window
from napari_muscle_us.rows import coloured_note

GOOD = mus.Rectangle(99.5, 149.5, 60, 100)


def tissue(shape=(400, 500), seed=1):
    noise = np.random.default_rng(seed).normal(size=shape)
    smooth = gaussian_filter(noise, (1.2, 2.5))
    return (80 + 25 * smooth / smooth.std()).clip(3, 250).astype(np.uint8)


def still(gray, **changes):
    return UltrasoundImage(gray, "a.png", "0" * 64, **changes)


def flags_of(image, roi=GOOD, **options):
    window = usable_window(roi, image.frame_shape)
    return {flag.key: flag for flag in quality_flags(image, roi, window, **options)}


def test_a_good_region_has_no_flag():
    assert flags_of(still(tissue())) == {}
    assert quality_note(()) == ""


@pytest.mark.parametrize(
    ("level", "key", "n", "graveness", "sentence"),
    [
        (255, "saturated", 29, None, ""),
        (255, "saturated", 30, "note", "0.5 % of the ROI is saturated (255)"),
        (255, "saturated", 120, "warning", "2.0 % of the ROI is saturated (255)"),
        (0, "black", 1499, None, ""),
        (0, "black", 1500, "note", "25 % of the ROI is black (0)"),
        (0, "black", 3000, "warning", "50 % of the ROI is black (0)"),
    ],
)
def test_clipped_pixels_are_counted_inside_only(level, key, n, graveness, sentence):
    field = find_image_field(still(tissue()))
    gray = tissue()
    gray[:100] = level
    spots = np.argwhere(roi_mask(GOOD, gray.shape))[:n]
    gray[tuple(spots.T)] = level
    found = flags_of(still(gray), field=field)
    if graveness is None:
        assert key not in found
    else:
        assert (found[key].level, found[key].sentence) == (graveness, sentence)
        assert found[key].value == n / 6000


def test_shares_are_those_of_the_whole_picture():
    for name in ("SATURATED_NOTE", "SATURATED_WARNING", "BLACK_NOTE", "BLACK_WARNING"):
        assert getattr(quality, name) == getattr(acceptance, name)


def test_coloured_pixels_keep_the_words_of_the_table():
    coloured = np.zeros((400, 500), bool)
    coloured[90:110, 160:163] = True
    image = still(tissue(), coloured=coloured)
    window = usable_window(GOOD, image.frame_shape)
    said = flags_of(image)["coloured"]
    assert said.value == 30
    words = coloured_note(image, window.rows, window.columns, window.mask)
    assert said.sentence == words
    assert said.sentence == (
        "30 of the pixels are coloured (Doppler, caliper or marker)"
    )


def test_leaving_touching_and_keeping_from_the_edge_of_the_picture():
    screen = np.zeros((500, 700), np.uint8)
    screen[50:450, 100:600] = tissue()
    image = still(screen)
    facts = prepare(image)
    assert facts.field.bounds == (50, 450, 100, 600)
    leaving = mus.Rectangle(149.5, 79.5, 60, 100)
    touching = mus.Rectangle(149.5, 99.5, 60, 100)
    inside = mus.Rectangle(149.5, 101.5, 60, 100)
    edge = flags_of(image, leaving, facts=facts)["edge"]
    assert (edge.level, edge.value) == ("warning", 20 * 60)
    assert edge.sentence == "1200 of the pixels lie outside the picture"
    edge = flags_of(image, touching, facts=facts)["edge"]
    assert (edge.level, edge.value) == ("note", 60)
    assert flags_of(image, inside, facts=facts) == {}


def test_an_outline_outside_the_image_is_said():
    edge = flags_of(still(tissue()), mus.Rectangle(100, -10, 60, 100))["edge"]
    assert edge.level == "warning"
    assert "outside the image" in edge.sentence


@pytest.mark.parametrize(
    ("rows", "said"),
    [(50, None), (51, "51 % of the ROI lies below half of the picture's depth")],
)
def test_deep_is_more_than_half_below_half(rows, said):
    roi = mus.Rectangle(100 + rows - 0.5, 149.5, 100, 100)
    found = flags_of(still(tissue()), roi).get("deep")
    assert (found and found.sentence) == said


def test_deep_is_counted_in_the_picture_that_holds_the_region():
    parts = ((0, 200, 0, 500), (200, 400, 0, 500))
    regions = tuple(
        UltrasoundRegion(i, "tissue", True, bounds, bounds)
        for i, bounds in enumerate(parts)
    )
    image = still(tissue(), regions=regions)
    upper_half_of_lower_part = mus.Rectangle(210, 100, 60, 100)
    assert "deep" not in flags_of(image, upper_half_of_lower_part)
    assert "deep" in flags_of(still(tissue()), upper_half_of_lower_part)


@pytest.mark.parametrize(
    ("height", "width", "level"),
    [(40, 50, None), (40, 49, "note"), (20, 25, "note"), (20, 24, "warning")],
)
def test_few_pixels(height, width, level):
    found = flags_of(still(tissue()), mus.Rectangle(100.5, 100.5, height, width))
    assert (found["few_pixels"].level if found else None) == level


def test_a_hole_takes_its_pixels_out_of_every_count():
    gray = tissue()
    gray[120:140, 180:220] = 255
    outer = [(99.5, 149.5), (99.5, 249.5), (159.5, 249.5), (159.5, 149.5)]
    hole = [(115, 175), (115, 225), (145, 225), (145, 175)]
    assert "saturated" in flags_of(still(gray), mus.Polygon(outer))
    image = still(gray)
    roi = Composite([outer, hole])
    mask = roi_mask(mus.Polygon(outer), gray.shape)
    mask &= ~roi_mask(mus.Polygon(hole), gray.shape)
    window = usable_window(mus.Polygon(outer), gray.shape)
    window = window._replace(mask=mask[window.rows, window.columns])
    assert quality_flags(image, roi, window) == ()


def test_facts_given_or_not_make_no_difference():
    gray = tissue()
    gray[150:, 200:260] = 2
    gray[140:150, 200:260] = 240
    image = still(gray)
    roi = mus.Ellipse(120, 150, 150, 120)
    assert flags_of(image, roi) == flags_of(image, roi, facts=prepare(image))
    assert set(flags_of(image, roi)) == {"shadow"}


def test_every_flag_has_a_tooltip_and_the_note_joins_them(one_sentence):
    gray = tissue()
    gray[100:120, 100:200] = 255
    gray[120:200, 100:200] = 0
    coloured = np.zeros(gray.shape, bool)
    coloured[110, 110] = True
    image = still(gray, coloured=coloured)
    roi = mus.Rectangle(110, 105, 30, 30)
    window = usable_window(roi, gray.shape)
    flags = quality_flags(image, roi, window)
    assert {"saturated", "black", "coloured", "few_pixels"} <= {f.key for f in flags}
    assert quality_note(flags) == "; ".join(f.sentence for f in flags)
    for flag in flags:
        assert one_sentence(flag.explanation)
        assert flag.explanation.count(".") >= 2


def painted(gray, mask, *, start, left, width, drop, echo, seed=0):
    """Return a picture with the shadow of a bone, or a loss of contact, painted in."""
    across = np.zeros(gray.shape[1])
    across[left : left + width] = 1
    fall = np.clip((np.arange(len(gray)) - start) / 6, 0, 1)[:, None]
    out = gray - drop * fall * gaussian_filter(across, 1.5)
    if echo:
        bright = np.random.default_rng(seed).integers(170, 240, (4, width))
        out[start - 4 : start, left : left + width] = bright
    return np.where(mask, out.clip(0, 255), gray).astype(np.uint8)


REAL = [
    "longitudinal_vl/S2_L20_step_125.png",
    "longitudinal_vl/S5_R20_step_025.png",
    "longitudinal_gm/GM_T_2.png",
    "transverse_vl/SUB02_img1.tif",
    "apo_fascicle_masks/apo_images/img_00144.tif",
]


@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("kind", ["bone", "contact"])
def test_a_shadow_painted_into_a_real_picture_is_found(shared, name, kind):
    image = mus.read_image(shared("data") / name)
    field = find_image_field(image)
    _, bottom, left, right = field.bounds
    width = int(0.1 * (right - left))
    at = left + int(0.4 * (right - left))
    inside = np.flatnonzero(field.mask[:, at + width // 2])
    start = inside[0] + (int(0.4 * len(inside)) if kind == "bone" else -6)
    echo = kind == "bone"
    gray = painted(
        image.pixels, field.mask, start=start, left=at, width=width, drop=150, echo=echo
    )
    truth = np.zeros(gray.shape, bool)
    truth[max(start, 0) + 6 : bottom, at + 3 : at + width - 3] = True
    truth &= field.mask
    found = find_shadows(gray, field)
    assert found[truth].mean() > 0.8
    assert (found & ~truth).sum() < 0.35 * truth.sum()
    assert not find_shadows(image.pixels, field).any()
    lost = replace(image, gray=gray)
    roi = mus.Rectangle(start + 20, at - 5, 0.3 * len(inside), width + 10)
    shadow = flags_of(lost, roi, field=field)["shadow"]
    assert shadow.level == "warning"
    assert 0.5 < shadow.value <= 1


@pytest.mark.parametrize(
    ("name", "side"),
    [("S1_R20_step_375.png", "right"), ("S3_R20_step_425.png", "right")],
)
def test_contact_lost_on_a_real_picture_is_found(shared, name, side):
    image = mus.read_image(shared(f"data/longitudinal_vl/{name}"))
    shadow = prepare(image).shadow
    assert shadow[150:250, -30:].mean() > 0.9
    assert not shadow[:, :250].any()


def test_anechoic_cysts_of_a_phantom_are_no_shadow(shared):
    image = mus.read_image(shared("data/phantom/sonoque_anechoic-3mm-3mm.dcm"))
    assert not prepare(image.frame(0)).shadow.any()


def test_facts_of_another_image_are_refused(one_sentence):
    small, large = still(tissue((200, 300))), still(tissue())
    with pytest.raises(RoiError) as caught:
        flags_of(large, facts=prepare(small))
    assert one_sentence(str(caught.value))
    with pytest.raises(RoiError):
        flags_of(large, field=find_image_field(small))


def test_an_empty_window_and_a_clip_are_refused(shared):
    image = still(tissue())
    window = usable_window(GOOD, image.frame_shape)
    empty = window._replace(mask=np.zeros_like(window.mask))
    with pytest.raises(RoiError, match="0 pixels"):
        quality_flags(image, GOOD, empty)
    clip = mus.read_image(shared("data/video/contraction.gif"))
    with pytest.raises(ImageReadError):
        quality_flags(clip, GOOD, window)
