"""Anisotropy and architecture in the results table, and each row computed again."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

import napari_muscle_us as mus
from napari_muscle_us import anisotropy_rows
from napari_muscle_us.architecture_lines import between, drawn_muscle
from napari_muscle_us.architecture_results import fascicle_between
from napari_muscle_us.errors import ImageReadError, MeasureError
from napari_muscle_us.measure.anisotropy import roi as anisotropy_roi
from napari_muscle_us.measure.anisotropy.roi import measure_anisotropy
from napari_muscle_us.measure_options import MeasureOptions
from napari_muscle_us.registry import MEASURES
from napari_muscle_us.roi.composite import Composite
from napari_muscle_us.verify import RELATIVE_TOLERANCE
from napari_muscle_us.verify_tolerance import (
    ANGLE_TOLERANCE_DEG,
    SINGLE_TOLERANCE,
    agrees,
)

KNOWN = mus.Calibration((0.2, 0.1), "ruler drawn by hand", by_user=True)
RING = Composite(
    [
        [(20, 20), (20, 90), (90, 95), (85, 18)],
        [(40, 40), (40, 60), (60, 60), (60, 40)],
    ],
    name="ring",
)
ROIS = [
    mus.Polygon([(10, 20), (12, 190), (130, 195.25), (110, 18)], name="outline"),
    mus.Ellipse(10.5, 60, 120, 130.125, name="oval"),
    mus.Rectangle(-5, -7, 90, 90, name="corner"),
    RING,
]
TENSOR = mus.AnisotropySettings()
SETTINGS = {
    "default": TENSOR,
    "fascicle": mus.AnisotropySettings(method="fascicle"),
    "gaussian": replace(TENSOR, gradient="gaussian", gradient_sigma_px=1.5, sigma_px=4),
    "mm": replace(
        TENSOR, gradient="gaussian", gradient_sigma_mm=0.2, sigma_mm=0.5, box_mm=3.0
    ),
    "boxes": replace(
        TENSOR, box_px=9, variant="one_minus_ratio", min_inside=1, min_energy_share=0.5
    ),
    "orientationj": replace(TENSOR, window="orientationj", gradient="sobel"),
}
N_TENSOR = 8
LINES = [(100, 150), (95, 300), (100, 450)], [(320, 140), (325, 300), (335, 460)]
FASCICLES = [[(280, 200), (240, 300), (215, 380)], [(290, 220), (200, 420)]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with a picture and a clip of oblique echoes, never changed."""
    parent = tmp_path_factory.mktemp("images")
    rng = np.random.default_rng(4)
    y, x = np.mgrid[:150, :200]
    across = x * np.sin(np.radians(15)) + y * np.cos(np.radians(15))
    echoes = 110 + 30 * rng.normal(size=300)[across.astype(int)]
    gray = np.clip(echoes + 25 * rng.normal(size=y.shape), 0, 255).astype(np.uint8)
    rgb = np.repeat(gray[..., None], 3, axis=2)
    rgb[:30, :30, 2] = 255
    Image.fromarray(rgb).save(parent / "scan.png")
    frames = np.stack([np.roll(gray, 7 * i, 1) // (i + 1) for i in range(3)])
    tifffile.imwrite(parent / "clip.tif", frames, imagej=True, metadata={"axes": "TYX"})
    return parent


@pytest.fixture(scope="module")
def scan(folder):
    return replace(mus.read_image(folder / "scan.png"), calibration=KNOWN)


@pytest.fixture(scope="module")
def muscle(shared):
    return mus.read_image(shared("data/longitudinal_vl/S1_L20_step_025.png"))


def measured(image, wanted, rois=ROIS, **options):
    table = mus.measure_rois(
        image, rois, options=MeasureOptions(anisotropy=wanted), **options
    )
    kept = [anisotropy_rows.is_anisotropy(m) for m in table["measure"]]
    return table[kept].reset_index(drop=True)


def values_of(rows):
    return dict(zip(rows["measure"], rows["value"], strict=True))


def methods(rows):
    return [json.loads(text) for text in rows["method"]]


def written(table, tmp_path):
    mus.write_results(tmp_path / "results.csv", table)
    return mus.read_results(tmp_path / "results.csv")


def reasons(rows, folder):
    return [c.reason for c in mus.verify_results(rows, folder) if not c.same]


def same(one, other):
    return one == other or (math.isnan(one) and math.isnan(other))


# What the rows hold


def expected_of(gray, mask, wanted, spacing):
    """Return the numbers by their keys, of the tensor and of the fascicles."""
    options = wanted.options() | {"method": "tensor"}
    found = measure_anisotropy(gray, mask, spacing_mm=spacing, **options)
    told = {
        "direction": found.direction_deg,
        "coherency": found.coherency,
        "energy": found.energy,
        "circular_mean": found.circular_mean_deg,
        "circular_sd": found.circular_sd_deg,
        "local": found.local.value,
        "local_sd": found.local.sd,
        "n_boxes": found.local.n_boxes,
    }
    if wanted.method == "fascicle":
        lines = mus.fascicle_direction(gray, mask, spacing_mm=spacing)
        told["fascicle_direction"] = lines.direction_deg
        told["fascicle_spread"] = lines.spread_deg
        told["fascicle_confidence"] = lines.confidence
    return {f"anisotropy.{name}": value for name, value in told.items()}


@pytest.mark.parametrize("wanted", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("roi", ROIS, ids=lambda roi: roi.name)
def test_rows_hold_the_anisotropy_of_the_whole_image_to_the_last_digit(
    scan, roi, wanted
):
    # The rows see the region's box only; the expected values come from the whole image,
    # with other gray levels around the region.
    mask = mus.roi_mask(roi, scan.frame_shape)
    around = np.where(mask, scan.pixels, 255 - scan.pixels)
    expected = expected_of(around, mask, wanted, (0.2, 0.1))
    found = values_of(measured(scan, wanted, [roi]))
    assert list(found) == list(expected)
    for key, value in found.items():
        assert same(value, expected[key]), key


def test_a_real_muscle_has_the_same_anisotropy_in_its_box_and_in_its_picture(muscle):
    roi = mus.Polygon([(120, 150), (110, 400), (260, 430), (300, 300), (280, 110)])
    wanted = SETTINGS["fascicle"]
    mask = mus.roi_mask(roi, muscle.frame_shape)
    rows = measured(muscle, wanted, [roi])
    assert values_of(rows) == expected_of(muscle.pixels, mask, wanted, None)
    assert not rows["value"].isna().any()
    found = values_of(rows)
    # The fascicles rise by about 15°; the tensor is drawn towards horizontal.
    assert 12 < found["anisotropy.fascicle_direction"] < 18
    direction = found["anisotropy.direction"]
    assert direction < found["anisotropy.fascicle_direction"] - 1


def test_the_tensor_is_the_same_with_either_method_and_fascicles_are_added(scan):
    both, tensor = (
        measured(scan, wanted, ROIS[:1]) for wanted in (SETTINGS["fascicle"], TENSOR)
    )
    columns = ["measure", "value", "unit", "method", "note"]
    assert both[columns][:N_TENSOR].equals(tensor[columns])
    added = both["measure"][N_TENSOR:].str.removeprefix("anisotropy.fascicle_")
    assert added.tolist() == ["direction", "spread", "confidence"]


def test_without_settings_no_row_and_the_others_are_as_before(scan):
    plain = mus.measure_rois(scan, ROIS)
    options = MeasureOptions(anisotropy=SETTINGS["fascicle"])
    table = mus.measure_rois(scan, ROIS, options=options)
    kept = [not anisotropy_rows.is_anisotropy(m) for m in table["measure"]]
    columns = ["roi", "measure", "value", "unit", "method", "note"]
    assert table[kept][columns].reset_index(drop=True).equals(plain[columns])


OF_ALL = {
    *("gray_rule", "mask", "hash_of", "method"),
    *("spacing_mm", "spacing_source", "spacing_by_user"),
}
OF_BOX = {"variant", "min_inside", "min_energy_share"}


@pytest.mark.parametrize(
    ("key", "names", "in_mm"),
    [
        ("direction", {"gradient"}, {"gradient", "gradient_sigma_mm"}),
        (
            "circular_sd",
            {"gradient", "sigma_px", "window"},
            {"gradient", "gradient_sigma_mm", "sigma_mm", "window"},
        ),
        (
            "local",
            {"gradient", "box_px"} | OF_BOX,
            {"gradient", "gradient_sigma_mm", "box_mm", "box_size_px"} | OF_BOX,
        ),
        ("fascicle_direction", set(), set()),
    ],
)
def test_a_method_tells_what_its_value_depends_on_and_no_more(scan, key, names, in_mm):
    for wanted, told in (("default", names), ("mm", in_mm)):
        settings_ = replace(SETTINGS[wanted], method="fascicle")
        rows = measured(scan, settings_, ROIS[:1])
        (method,) = methods(rows[rows["measure"] == f"anisotropy.{key}"])
        assert set(method) == OF_ALL | told
        assert method["method"] == ("fascicle" if "fascicle" in key else "tensor")
    if key == "local":
        assert method["box_size_px"] == [15, 30]


def test_the_energy_is_per_mm_with_a_scale_and_per_px_without(scan, folder):
    plain = replace(scan, calibration=None)
    square = replace(scan, calibration=mus.Calibration((0.5, 0.5), "test"))
    px, mm = (
        measured(image, TENSOR, ROIS[:1]).set_index("measure").loc["anisotropy.energy"]
        for image in (plain, square)
    )
    assert (px["unit"], mm["unit"]) == ("gray level²/px²", "gray level²/mm²")
    assert mm["value"] == pytest.approx(4 * px["value"], rel=1e-6)


def test_a_scale_in_mm_without_a_scale_of_the_image_gives_no_row(folder):
    image = mus.read_image(folder / "scan.png")
    for name in ("box_mm", "sigma_mm"):
        with pytest.raises(MeasureError, match="no scale"):
            measured(image, replace(TENSOR, **{name: 1.0}))


def test_a_frame_of_a_clip_is_measured_and_verified(folder, tmp_path):
    clip = mus.read_image(folder / "clip.tif")
    second, third = (
        measured(clip, SETTINGS["fascicle"], ROIS[:1], frame=i) for i in (1, 2)
    )
    assert (second["value"].to_numpy() != third["value"].to_numpy()).sum() >= 9
    assert reasons(written(second, tmp_path), folder) == []
    wrong = written(second.assign(frame=2), tmp_path)
    assert len(reasons(wrong, folder)) >= 9


# Notes


@pytest.mark.parametrize(
    ("roi", "gray", "words"),
    [
        (mus.Rectangle(49.5, 49.5, 1, 1), None, "smaller than the derivative kernel"),
        (mus.Rectangle(49.5, 49.5, 8, 8), None, "fewer than 25 gradients"),
        (mus.Rectangle(9.5, 9.5, 100, 100), 90, "same gray level"),
    ],
    ids=["pixel", "small", "flat"],
)
def test_every_missing_value_has_its_reason(scan, roi, gray, words):
    image = scan
    if gray is not None:
        image = replace(scan, gray=np.full(scan.frame_shape, gray, np.uint8))
    rows = measured(image, SETTINGS["fascicle"], [roi])
    missing = rows[rows["value"].isna()].set_index("measure")
    assert words in missing.loc["anisotropy.direction", "note"]
    assert (missing["note"] != "").all()
    told = {"anisotropy.n_boxes", "anisotropy.fascicle_confidence"}
    told |= {"anisotropy.energy", "anisotropy.coherency"} if gray else set()
    assert set(rows["measure"]) - set(missing.index) <= told
    zero = rows.set_index("measure").loc[["anisotropy.n_boxes"]]
    assert zero["value"].item() == 0
    assert "undefined" in zero["note"].item()


def test_one_box_has_no_sd_and_says_so(scan):
    rows = measured(scan, TENSOR, [mus.Rectangle(19.5, 39.5, 32, 32)])
    found = rows.set_index("measure")
    assert found.loc["anisotropy.n_boxes", "value"] == 1
    assert math.isnan(found.loc["anisotropy.local_sd", "value"])
    assert found.loc["anisotropy.local_sd", "note"].startswith("undefined with fewer")
    assert "undefined" not in found.loc["anisotropy.local", "note"]


def test_a_direction_that_is_not_to_be_seen_is_said(scan):
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, scan.frame_shape, np.uint8)
    image = mus.UltrasoundImage(noise, "noise", "0" * 64)
    rows = measured(image, SETTINGS["fascicle"], ROIS[:1]).set_index("measure")
    for key in ("direction", "circular_mean", "fascicle_direction"):
        assert "no fibre direction is to be seen" in rows.loc[f"anisotropy.{key}"].note
    assert math.isfinite(rows.loc["anisotropy.direction", "value"])
    assert math.isnan(rows.loc["anisotropy.fascicle_direction", "value"])


def test_what_is_said_of_the_region_is_said_of_its_anisotropy(scan):
    table = mus.measure_rois(
        scan,
        [mus.Rectangle(0, 0, 60, 60, name="coloured")],
        options=MeasureOptions(anisotropy=TENSOR),
    )
    said = table.set_index("measure").loc["intensity.mean", "note"]
    assert "coloured" in said
    rows = table[table["measure"].str.startswith("anisotropy.")]
    assert rows["note"].str.endswith(said).all()


# The settings


IMPOSSIBLE = {
    "method": ("method", "radon", "'radon'"),
    "method-list": ("method", ["tensor"], "a list"),
    "gradient": ("gradient", "sobel5", "'sobel5'"),
    "gradient-none": ("gradient", None, "None"),
    "window": ("window", 3, "3"),
    "variant": ("variant", {}, "a dict"),
    "sigma": ("sigma_px", 0.1, "0.1 px is not possible"),
    "sigma-text": ("sigma_px", "2", "sigma_px must be a number; it is '2'"),
    "sigma-true": ("sigma_px", True, "must be a number"),
    "sigma-huge": ("sigma_px", 10**400, "a long int"),
    "sigma-nan": ("sigma_mm", math.nan, "sigma_mm must be a number"),
    "sigma-zero": ("sigma_mm", 0, "above 0"),
    "kernel": ("gradient_sigma_px", 1000, "1000 px is not possible"),
    "kernel-mm": ("gradient_sigma_mm", -1, "above 0"),
    "box": ("box_px", 3, "from 4 to 4096; it is 3"),
    "box-decimal": ("box_px", 32.5, "whole number"),
    "box-mm": ("box_mm", -3.0, "above 0"),
    "inside": ("min_inside", 1.1, "1.1"),
    "energy": ("min_energy_share", math.inf, "inf"),
    "bins": ("bins", 1, "it is 1"),
}


@pytest.mark.parametrize(
    ("name", "value", "words"), IMPOSSIBLE.values(), ids=IMPOSSIBLE
)
def test_an_impossible_setting_is_one_sentence(one_sentence, name, value, words):
    with pytest.raises(MeasureError, match=re.escape(words)) as error:
        mus.AnisotropySettings(**{name: value})
    assert one_sentence(str(error.value))


@pytest.mark.parametrize("wanted", SETTINGS.values(), ids=SETTINGS)
def test_settings_lead_to_json_and_back(wanted):
    told = json.loads(json.dumps(wanted.to_dict()))
    assert mus.AnisotropySettings.from_dict(told) == wanted
    with pytest.raises(MeasureError, match="no setting 'sigma'"):
        mus.AnisotropySettings.from_dict({"sigma": 3})
    for key in anisotropy_rows.KEYS:
        method = json.loads(json.dumps(wanted.row_method(key)))
        again = mus.AnisotropySettings.from_method(key, method)
        assert again.row_method(key) == method


# Computing the rows again


@pytest.fixture(scope="module")
def once(scan, tmp_path_factory):
    wanted = replace(SETTINGS["mm"], method="fascicle")
    return written(measured(scan, wanted, ROIS[:1]), tmp_path_factory.mktemp("rows"))


@pytest.fixture
def rows(once):
    return once.copy()


@pytest.mark.parametrize("wanted", SETTINGS.values(), ids=SETTINGS)
def test_every_row_is_computed_again(scan, folder, tmp_path, wanted):
    part = scan.cropped((2, 149, 3, 198))
    for image in (scan, part):
        table = written(measured(image, wanted, ROIS[1:3]), tmp_path)
        assert len(table) >= 2 * N_TENSOR
        assert reasons(table, folder) == []


def test_rows_of_one_setting_are_computed_once(scan, folder, tmp_path, monkeypatch):
    calls = []

    def counted(*arguments, **options):
        calls.append(options)
        return measure_anisotropy(*arguments, **options)

    table = written(measured(scan, TENSOR, ROIS[:1]), tmp_path)
    monkeypatch.setattr(anisotropy_roi, "measure_anisotropy", counted)
    assert reasons(table, folder) == []
    assert len(calls) == 1


def test_each_changed_value_is_found(rows, folder):
    angles = rows["unit"] == "°"
    changed = rows["value"] * (1 + 2 * SINGLE_TOLERANCE)
    changed[angles] = rows.loc[angles, "value"] + 2 * ANGLE_TOLERANCE_DEG
    found = mus.verify_results(rows.assign(value=changed), folder)
    assert not any(c.same for c in found)
    # Another processor rounds the last digits of single precision otherwise.
    near = rows.assign(value=rows["value"] * (1 + 1e-7))
    assert reasons(near, folder) == []


@pytest.mark.parametrize(
    ("measure", "told", "value", "same_number"),
    [
        ("anisotropy.direction", 90.0, -89.99999, True),
        ("anisotropy.direction", -90.0 + 1e-5, 90.0, True),
        ("anisotropy.direction", 190.0, 10.0, False),
        ("anisotropy.direction", math.inf, 10.0, False),
        ("anisotropy.direction", math.nan, 10.0, False),
        ("anisotropy.fascicle_direction", math.nan, math.nan, True),
        ("anisotropy.circular_sd", 190.0, 10.0, False),
        ("anisotropy.fascicle_spread", 0.0, 180.0, False),
        ("architecture.pennation", 20.0, 20.00001, False),
    ],
)
def test_directions_are_compared_as_lines_and_spreads_are_not(
    measure, told, value, same_number
):
    row = {"measure": measure, "unit": "°", "method": '{"fascicle":"drawn"}'}
    assert agrees(row, told, value) is same_number


def test_architecture_from_texture_agrees_within_single_precision(drawn_once, shared):
    rows = drawn_once["texture"]
    folder = shared("data/longitudinal_vl")
    assert reasons(rows.assign(value=rows["value"] * (1 + 1e-7)), folder) == []
    apart = rows.assign(value=rows["value"] * (1 + 1e-4))
    assert len(reasons(apart, folder)) == rows["value"].notna().sum()


TAMPERED = {
    "gradient": ("direction", {"gradient": "sobel"}, "value is|not of this measure"),
    "gradient-odd": ("energy", {"gradient": [[9]] * 9}, "gradient a list"),
    "gradient-gone": ("energy", {"gradient": None}, "gradient None"),
    "kernel": ("coherency", {"gradient_sigma_mm": 0.3}, "the value is"),
    "kernel-px": ("coherency", {"gradient_sigma_px": 0.3}, "not of this measure"),
    "sigma": ("circular_sd", {"sigma_mm": 0.6}, "the value is"),
    "sigma-huge": ("circular_sd", {"sigma_mm": 1e300}, "is not possible"),
    "sigma-null": ("circular_sd", {"sigma_mm": None}, "sigma_mm must be a number"),
    "window": ("circular_mean", {"window": "orientationj"}, "the value is"),
    "box": ("local", {"box_mm": 2.0}, "the value is|does not belong"),
    "box-size": ("local", {"box_size_px": [15, 31]}, "'box_size_px' in the method"),
    "box-text": ("local", {"box_mm": "3"}, "box_mm must be a number"),
    "box-px": ("local", {"box_px": 32}, "not of this measure"),
    "variant": ("local", {"variant": "one_minus_ratio"}, "the value is"),
    "inside": ("n_boxes", {"min_inside": 1.0}, "the value is"),
    "inside-odd": ("n_boxes", {"min_inside": {}}, "min_inside must be"),
    "energy": ("local", {"min_energy_share": 1.0}, "the value is"),
    "method": ("direction", {"method": "fascicle"}, "'method' in the method"),
    "method-odd": ("fascicle_spread", {"method": 7}, "method 7"),
    "tensor": ("fascicle_spread", {"method": "tensor"}, "is incomplete"),
    "spacing": ("fascicle_direction", {"spacing_mm": [0.1, 0.1]}, "the value is"),
    "spacing-none": ("local", {"spacing_mm": None}, "has no scale"),
    "source": ("direction", {"spacing_source": [1]}, "spacing_source|not usable"),
    "direction": ("direction", {"direction": [0, 1]}, "incomplete"),
    "unused": ("direction", {"sigma_px": 2}, "'sigma_px' in the method is not of"),
    "unknown": ("fascicle_direction", {"note " * 100: 1}, "not of this measure"),
}


@pytest.mark.parametrize(
    ("measure", "changes", "words"), TAMPERED.values(), ids=TAMPERED
)
def test_a_tampered_method_is_reported_in_one_sentence(
    rows, folder, measure, changes, words
):
    place = rows.index[rows["measure"] == f"anisotropy.{measure}"][0]
    old = json.loads(rows.loc[place, "method"])
    rows.loc[place, "method"] = json.dumps(old | changes)
    (check,) = mus.verify_results(rows.loc[[place]].reset_index(drop=True), folder)
    assert not check.same
    assert re.search(words, check.reason), check.reason
    assert "\n" not in check.reason
    assert len(check.reason) < 500


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner)
    ),
    max_leaves=6,
)
NAMES = (
    *("method", "gradient", "gradient_sigma_mm", "gradient_sigma_px", "sigma_mm"),
    *("sigma_px", "window", "box_mm", "box_px", "box_size_px", "variant", "min_inside"),
    *("min_energy_share", "spacing_mm", "spacing_source", "fascicle"),
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    changes=st.dictionaries(st.sampled_from(NAMES), JSON, min_size=1, max_size=3),
    key=st.sampled_from(anisotropy_rows.KEYS),
)
def test_any_method_is_checked_without_a_traceback(once, folder, changes, key):
    row = once[once["measure"] == key].reset_index(drop=True)
    old = json.loads(row.loc[0, "method"])
    row.loc[0, "method"] = json.dumps(old | changes)
    (check,) = mus.verify_results(row, folder)
    if not check.same:
        assert 10 < len(check.reason) < 500
        assert "\n" not in check.reason


# Architecture


def lines_of(image, fascicles, **options):
    return mus.architecture_rows(image, *LINES, fascicles, **options)


WAYS = {
    "drawn": FASCICLES,
    "one": FASCICLES[0],
    "angle": 15.0,
    "texture": "texture",
    "none": None,
}


@pytest.mark.parametrize("scale", [None, (0.2, 0.1), (0.1, 0.1)], ids=str)
@pytest.mark.parametrize("fascicles", WAYS.values(), ids=WAYS)
def test_architecture_is_that_of_the_lines_and_is_computed_again(
    muscle, shared, tmp_path, fascicles, scale
):
    known = None if scale is None else mus.Calibration(scale, "by hand", by_user=True)
    image = replace(muscle, calibration=known)
    table = lines_of(image, fascicles, muscle="VL", side="left", subject="S1")
    superficial, deep = (mus.Aponeurosis.from_points(p) for p in LINES)
    angle = fascicles
    if fascicles == "texture":
        angle = fascicle_between(image, superficial, deep).direction_deg
    found = mus.measure_architecture(
        superficial, deep, 90.0 if fascicles is None else angle, spacing_mm=scale
    )
    unit = "px" if scale is None else "mm"
    assert len(table) == (2 if fascicles is None else 8)
    for row in table.itertuples():
        name = row.measure.removeprefix("architecture.")
        is_angle = name.startswith("pennation")
        assert row.unit == ("°" if is_angle else unit)
        expected = getattr(found, f"{name}_{'deg' if is_angle else unit}")
        assert same(row.value, expected), name
        assert not math.isnan(row.value) or row.note
    assert set(table["muscle"]) == {"VL"}
    folder = shared("data/longitudinal_vl")
    assert reasons(written(table, tmp_path), folder) == []


def test_the_outline_of_an_architecture_row_holds_what_was_drawn(muscle):
    geometry = json.loads(lines_of(muscle, FASCICLES).loc[0, "roi_geometry"])
    drawn = [[list(map(float, point)) for point in line] for line in LINES]
    assert [geometry["superficial"], geometry["deep"]] == drawn
    assert geometry["fascicles"] == [[list(p) for p in line] for line in FASCICLES]
    angle = json.loads(lines_of(muscle, -12).loc[0, "roi_geometry"])
    assert angle["fascicle_angle_deg"] == -12.0


def test_lines_of_a_part_of_the_picture_are_computed_again(muscle, shared, tmp_path):
    part = muscle.cropped((20, 450, 30, 500))
    table = written(lines_of(part, "texture"), tmp_path)
    assert table["method"].str.contains('"crop"').all()
    assert reasons(table, shared("data/longitudinal_vl")) == []


def test_notes_tell_what_is_extrapolated_missing_or_not_known(muscle):
    rows = lines_of(muscle, FASCICLES, note="drawn twice").set_index("measure")
    assert rows["note"].str.contains("pixels are taken to be square").all()
    assert rows["note"].str.endswith("drawn twice").all()
    length = rows.loc["architecture.fascicle_length"]
    assert "of the straight length is extrapolated" in length.note
    curved = rows.loc["architecture.fascicle_length_curved"]
    # One of the two has two points only.
    assert math.isnan(curved.value) or "median of 1 of 2 fascicles" in curved.note
    angle = lines_of(muscle, 15.0).set_index("measure")
    assert "three points" in angle.loc["architecture.pennation_curved", "note"]
    region = (0, 200, 0, 500)
    known = mus.Calibration((0.1, 0.1), "file", region=region)
    outside = lines_of(replace(muscle, calibration=known), 15.0)
    assert outside["note"].str.contains("outside the calibrated region").all()


def test_texture_without_a_direction_gives_the_thickness_and_says_why(muscle):
    rng = np.random.default_rng(2)
    noise = rng.integers(0, 256, muscle.frame_shape, np.uint8)
    rows = lines_of(replace(muscle, gray=noise), "texture").set_index("measure")
    known = rows["value"].notna()
    assert rows.index[known].tolist() == [
        "architecture.thickness",
        "architecture.thickness_min",
    ]
    missing = rows[~known]
    assert missing["note"].str.startswith("no direction between the aponeuroses").all()
    assert missing.loc["architecture.fascicle_length", "unit"] == "px"


def test_a_clip_needs_a_frame(folder):
    clip = mus.read_image(folder / "clip.tif")
    lines = [(20, 0), (20, 190)], [(120, 0), (120, 190)]
    with pytest.raises(ImageReadError, match="which frame"):
        mus.architecture_rows(clip, *lines, 20.0)
    rows = mus.architecture_rows(clip, *lines, 20.0, frame=2)
    assert set(rows["frame"]) == {2}


@pytest.mark.parametrize(
    ("lines", "fascicles"),
    [
        ((LINES[1], LINES[0]), 15.0),
        ((LINES[0], LINES[0]), 15.0),
        ((None, LINES[1]), 15.0),
        (([(1, 10**400), (2, 3)], LINES[1]), 15.0),
        (LINES, 95.0),
        (LINES, math.nan),
        (LINES, True),
        (LINES, "speckle"),
        (LINES, []),
        (LINES, [[]]),
        (LINES, [[(1, 2)]]),
        (LINES, [(math.nan, 2), (3, 4)]),
        (LINES, [[(1, 2), (3, 4)], "ab"]),
        (LINES, {"a": 1}),
    ],
    ids=str,
)
def test_lines_that_are_none_are_one_sentence(muscle, one_sentence, lines, fascicles):
    with pytest.raises(MeasureError) as error:
        mus.architecture_rows(muscle, *lines, fascicles)
    assert one_sentence(str(error.value))


def test_pixels_between_lines_are_those_by_hand():
    upper = drawn_muscle([(1, 1), (3, 5)], [(6, 0), (6, 4)], None)
    mask = between(upper.superficial, upper.deep, (8, 7))
    by_hand = np.zeros((8, 7), bool)
    for column in range(1, 5):
        for row in range(8):
            by_hand[row, column] = 1 + (column - 1) / 2 < row < 6
    assert np.array_equal(mask, by_hand)
    far = drawn_muscle([(50, 1), (50, 5)], [(60, 0), (60, 4)], None)
    with pytest.raises(MeasureError, match="No pixel of the image"):
        between(far.superficial, far.deep, (8, 7))


@pytest.fixture(scope="module")
def drawn_once(muscle, tmp_path_factory):
    known = mus.Calibration((0.1, 0.1), "by hand", by_user=True)
    image = replace(muscle, calibration=known)
    parent = tmp_path_factory.mktemp("lines")
    return {
        name: written(mus.architecture_rows(image, *LINES, way), parent)
        for name, way in WAYS.items()
    }


GEOMETRY = {
    "type": ("angle", {"type": "polygon"}, {}, "not that of an architecture"),
    "angle": ("angle", {"fascicle_angle_deg": 16.0}, {}, "the value is"),
    "angle-odd": ("angle", {"fascicle_angle_deg": [1]}, {}, "does not tell the fasc"),
    "angle-true": ("angle", {"fascicle_angle_deg": True}, {}, "True degrees"),
    "angle-far": ("angle", {"fascicle_angle_deg": 91}, {}, "91 degrees"),
    "line": ("drawn", {"deep": [[320, 140], [340, 460]]}, {}, "the value is"),
    "line-gone": ("drawn", {"deep": None}, {}, "aponeurosis needs"),
    "line-text": (
        "drawn",
        {"deep": [["320", "1"], ["330", "4"]]},
        {},
        "share no|drawn",
    ),
    "line-huge": ("drawn", {"deep": [[10**400, 1], [3, 4]]}, {}, "is no line"),
    "line-nested": ("drawn", {"deep": [[[[]]]]}, {}, "aponeurosis needs"),
    "more": ("drawn", {"hidden": 1}, {}, "holds what was not drawn"),
    "fascicle": ("drawn", {"fascicles": FASCICLES[:1]}, {}, "the value is"),
    "fascicle-odd": ("drawn", {"fascicles": {"a": 1}}, {}, "does not tell the fasc"),
    "fascicle-flat": (
        "drawn",
        {"fascicles": [1, 2]},
        {},
        "No fascicle|is no",
    ),
    "kind": ("drawn", {}, {"fascicle": "angle"}, "does not tell the fascicles"),
    "kind-odd": ("drawn", {}, {"fascicle": [[]]}, "does not tell how"),
    "kind-texture": ("angle", {}, {"fascicle": "texture"}, "not drawn so"),
    "kind-none": ("texture", {}, {"fascicle": "none"}, "has no fascicle"),
    "spacing": ("angle", {}, {"spacing_mm": [0.2, 0.1]}, "the value is"),
    "spacing-none": ("angle", {}, {"spacing_mm": None}, "the value is|not of this"),
    "gray-rule": ("angle", {}, {"gray_rule": "luma601"}, "not of this measure"),
    "unknown": ("texture", {}, {"sigma_px": 3}, "'sigma_px' in the method is not of"),
}


@pytest.mark.parametrize(
    ("way", "geometry", "method", "words"), GEOMETRY.values(), ids=GEOMETRY
)
def test_a_tampered_architecture_is_reported_in_one_sentence(
    drawn_once, shared, way, geometry, method, words
):
    rows = drawn_once[way]
    row = rows[rows["measure"] == "architecture.pennation"].reset_index(drop=True)
    for column, changes in (("roi_geometry", geometry), ("method", method)):
        told = json.loads(row.loc[0, column]) | changes
        row.loc[0, column] = json.dumps(told)
    (reason,) = reasons(row, shared("data/longitudinal_vl"))
    assert re.search(words, reason), reason
    assert "\n" not in reason
    assert len(reason) < 500


def test_each_changed_number_of_an_architecture_is_found(drawn_once, shared):
    rows = drawn_once["drawn"]
    told = rows["value"].notna()
    assert told.sum() >= 6
    changed = rows.assign(value=rows["value"] * (1 + 2 * RELATIVE_TOLERANCE))
    found = mus.verify_results(changed, shared("data/longitudinal_vl"))
    assert [not c.same for c in found] == told.tolist()
    moved = rows.assign(unit="cm")
    found = mus.verify_results(moved, shared("data/longitudinal_vl"))
    assert not any(c.same for c in found)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    geometry=st.dictionaries(
        st.sampled_from(
            ["superficial", "deep", "fascicles", "fascicle_angle_deg", "type"]
        ),
        JSON | st.lists(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=2)),
        max_size=2,
    ),
    method=st.dictionaries(
        st.sampled_from(["fascicle", "spacing_mm", "crop", "hash_of"]), JSON, max_size=2
    ),
    way=st.sampled_from(["drawn", "angle", "none"]),
)
def test_any_architecture_is_checked_without_a_traceback(
    drawn_once, shared, geometry, method, way
):
    row = drawn_once[way].iloc[:1].reset_index(drop=True)
    for column, changes in (("roi_geometry", geometry), ("method", method)):
        told = json.loads(row.loc[0, column]) | changes
        row.loc[0, column] = json.dumps(told)
    (check,) = mus.verify_results(row, shared("data/longitudinal_vl"))
    if not check.same:
        assert 10 < len(check.reason) < 500
        assert "\n" not in check.reason


def test_units_and_labels_of_the_registry_are_those_of_the_rows(muscle):
    keys = [key for key in MEASURES if key.startswith("architecture.")]
    known = mus.Calibration((0.1, 0.1), "file")
    rows = lines_of(replace(muscle, calibration=known), FASCICLES)
    assert rows["measure"].tolist() == keys
    assert rows["unit"].tolist() == [MEASURES[key].unit for key in keys]
