"""The results table: columns, exact round trips, and files that are never half."""

from __future__ import annotations

import csv
import errno
import io
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import napari_muscle_us as mus
from napari_muscle_us.errors import MeasureError, ResultsError, RoiError
from napari_muscle_us.measure.fat_correction import FatCorrection
from napari_muscle_us.measure.repeats import recompute
from napari_muscle_us.measure.texture.families import features_of
from napari_muscle_us.measure.texture.settings import FAMILIES
from napari_muscle_us.measure_options import MeasureOptions
from napari_muscle_us.reference.examination.examination_rows import recompute_z
from napari_muscle_us.results import (
    BASE_MEASURES,
    COLUMNS,
    MEASURES,
    TEXT_COLUMNS,
    MeasuredValue,
    canonical_json,
    empty_results,
    results_frame,
)
from napari_muscle_us.roi.open_shapes import Polyline
from napari_muscle_us.roi.rasterize import usable_window
from napari_muscle_us.roi.rules import RoiRules, check_rules

from . import texture_phantom

AGREED = [
    *("subject", "visit", "image", "frame", "roi", "muscle", "side", "measure"),
    *("value", "unit", "method", "image_sha256", "roi_geometry"),
    *("software_version", "measured_at", "note"),
]


def row(**changes):
    values = dict.fromkeys(TEXT_COLUMNS, "text") | {"frame": 0, "value": 1.5}
    return values | changes


def table(*rows):
    return results_frame(rows)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results.csv"


def test_the_columns_are_the_agreed_ones(formula_image, path):
    image = mus.UltrasoundImage(formula_image, "a.png", "0" * 64)
    rows = mus.measure_rois(image, [mus.Rectangle(4.5, 4.5, 10, 10, name="BB")])
    assert list(rows.columns) == list(COLUMNS) == AGREED
    assert rows["value"].dtype == np.float64
    assert rows["frame"].dtype == np.int64
    assert list(empty_results().columns) == AGREED
    mus.write_results(path, rows)
    with path.open(encoding="utf-8") as file:
        assert next(csv.reader(file)) == AGREED


@pytest.mark.parametrize("missing", ["value", "roi_geometry"])
def test_a_row_without_an_entry_is_no_row(missing):
    incomplete = row()
    del incomplete[missing]
    frame = results_frame([incomplete])
    # Never a made-up number: a missing value is NaN, a missing text is no text.
    assert pd.isna(frame[missing].iloc[0])


def test_a_measure_must_be_registered():
    with pytest.raises(ResultsError, match=r"'intensity\.glow' is not in the registry"):
        MeasuredValue("intensity.glow", 1.0, "gray level", {})


def test_a_missing_value_needs_a_reason():
    with pytest.raises(ResultsError, match="no value and no note"):
        MeasuredValue("intensity.sd", math.nan, "gray level", {})
    value = MeasuredValue("intensity.sd", math.nan, "gray level", {}, "one pixel")
    assert value.note == "one pixel"


def test_every_missing_value_of_a_real_table_has_its_reason(formula_image):
    image = mus.UltrasoundImage(formula_image, "a.png", "0" * 64)
    rows = mus.measure_rois(image, [mus.Rectangle(4.5, 4.5, 1, 1, name="one pixel")])
    missing = rows[rows["value"].isna()]
    assert set(missing["measure"]) == {
        "intensity.sd",
        "intensity.skewness",
        "intensity.kurtosis",
    }
    assert missing["note"].str.startswith("undefined for a single pixel").all()


# Measures that options add


def polygon():
    # Vertices (x, y) of ImageJ; its pixel (0, 0) covers 0..1.
    outline = [(20, 10), (150, 25), (170, 120), (90, 140), (15, 80)]
    return mus.Polygon([(y - 0.5, x - 0.5) for x, y in outline], name="BB")


@pytest.fixture
def image(formula_image):
    known = mus.Calibration((0.2, 0.1), "test")
    return mus.UltrasoundImage(formula_image, "a.png", "0" * 64, calibration=known)


# What was computed outside the package: from the histogram that ImageJ 1.53t gives for
# the polygon on the formula image, with sums, sorting and logarithms of plain Python.
# The fat region is ImageJ's rectangle 30, 20, 80, 60 of mean 127.27416666666667.
MEAN, SD = 127.02551020408163, 73.73497230950866
OPTIONS = MeasureOptions(
    percentiles=(10, 90),
    bands=((0, 50), (51, 100), (101, 150), (151, 200), (201, 255)),
    heterogeneity=True,
    above_black=True,
    fat=FatCorrection(0.8),
    fat_roi=mus.Rectangle(19.5, 29.5, 60, 80),
)
GOLDEN_VALUES = {
    "intensity.percentile": [25, 229],
    "intensity.band": [100 * n / 14700 for n in (2927, 2891, 2910, 2852, 3120)],
    "intensity.echovariation": [100 * SD / MEAN],
    "intensity.entropy": [7.990827544730211],
    # 57 of the 14700 pixels are black.
    "intensity.mean_above_black": [1867275 / 14643],
    "intensity.luminosity_ratio": [MEAN / 127.27416666666667],
    "intensity.mean_fat_young2015": [MEAN + 40.5278 * 0.8],
    "intensity.mean_fat_muller2021": [MEAN - 5.0054 * 0.64 + 38.30836 * 0.8],
    # By the textbook, σ / √n of independent noise: another image, in its own test.
    "intensity.standard_error": None,
    "repeats.echo_intensity": [77.0],
    "repeats.cv": [100 * 7 / 77],
    "repeats.side_difference": [-6.0],
    # The published model's arithmetic, from the worked examples: a man of 40 years,
    # 180 cm and 80 kg, biceps brachii of echo intensity 100.
    "repeats.z_score": [4.675922],
}


# Of texture: the consensus of the IBSI on its digital phantom, at its tolerance; of
# local binary patterns, which it does not know, two pixels by hand: a bright spot, and
# its neighbour, around which everything is at least as bright.
SPOT = np.pad(np.array([[200, 0]], np.uint8), 1)
SPOT_VALUES = dict.fromkeys((f.key for f in features_of("lbp")), 0.0) | {
    "lbp.uniform_0": 0.5,
    "lbp.uniform_8": 0.5,
    "lbp.entropy": 1.0,
    "lbp.energy": 0.5,
}
# Of lines: gratings by theory, oblique echoes that were drawn at 20°, and a muscle of
# 20 mm between level aponeuroses by trigonometry. The arc is of radius 60 mm around a
# point 50 mm above the deep one: it meets them where cos φ is 50/60 and 30/60.
ARC_START, ARC_END = math.acos(50 / 60), math.acos(30 / 60)
GOLDEN_LINES = {
    "anisotropy.direction": (20.0, 0.05),
    "anisotropy.circular_mean": (20.0, 0.05),
    # Lines of 20° in one half and of −20° in the other, as in a chevron.
    "anisotropy.coherency": (math.cos(math.radians(40)), 0.005),
    # Squared slope of 100 sin(2π x / 12), halved, per (0.1 mm)².
    "anisotropy.energy": (100 * (100 * 2 * math.pi / 12) ** 2 / 2, 2000),
    "anisotropy.circular_sd": (
        math.degrees(math.sqrt(-2 * math.log(math.cos(math.radians(40))))) / 2,
        0.2,
    ),
    # One direction in 16 boxes, and one of 2 : 1 in amplitude across it in 16.
    "anisotropy.local": ((1 + 0.6) / 2, 0.01),
    "anisotropy.local_sd": (0.2 * math.sqrt(32 / 31), 0.01),
    "anisotropy.n_boxes": (32, 0),
    "anisotropy.fascicle_direction": (20.0, 0.5),
    "anisotropy.fascicle_spread": (0.0, 1.0),
    "anisotropy.fascicle_confidence": (1.0, 0.1),
    "architecture.pennation": (30.0, 1e-9),
    "architecture.pennation_superficial": (30.0, 1e-9),
    "architecture.pennation_curved": (math.degrees(ARC_START), 1e-6),
    "architecture.thickness": (20.0, 1e-9),
    "architecture.thickness_min": (20.0, 1e-9),
    "architecture.fascicle_length": (40.0, 1e-9),
    "architecture.fascicle_length_curved": (60 * (ARC_END - ARC_START), 1e-6),
    "architecture.fascicle_length_trigonometric": (40.0, 1e-9),
}
TEXTURE = {key for key in MEASURES if key.partition(".")[0] in FAMILIES}


def test_every_measure_that_is_not_basic_has_a_golden_value_here():
    special = set(MEASURES) - set(BASE_MEASURES) - TEXTURE
    assert {*GOLDEN_VALUES, *GOLDEN_LINES} == special
    known = {key: MEASURES[key].source for key in TEXTURE - set(SPOT_VALUES)}
    codes = {key: source[5:9] for key, source in known.items()}
    consensus = {
        family: set(texture_phantom.expected(family, "2d_s_mrg"))
        for family in FAMILIES
        if family != "lbp"
    }
    for key, code in codes.items():
        assert code in consensus[key.partition(".")[0]], key
    assert len(codes) == sum(map(len, consensus.values()))


@pytest.mark.parametrize("family", FAMILIES)
def test_texture_reproduces_its_golden_values(family):
    if family == "lbp":
        found = mus.measure_texture(SPOT, SPOT < 255, families=family)
        assert dict(found) == SPOT_VALUES
        return
    gray, mask = texture_phantom.phantom()
    # Bins of 1 from 1, so that the phantom's gray levels are the levels.
    found = mus.measure_texture(gray, mask, families=family, bin_size=1, origin=1)
    features = features_of(family)
    texture_phantom.assert_consensus(found, features, family, "2d_s_mrg")


@pytest.mark.parametrize(
    "key", [k for k, v in GOLDEN_VALUES.items() if v and k.startswith("intensity")]
)
def test_a_measure_of_a_region_reproduces_its_golden_values(image, key):
    rows = mus.measure_rois(image, [polygon()], options=OPTIONS)
    rows = rows[rows["measure"] == key]
    assert rows["value"].tolist() == pytest.approx(GOLDEN_VALUES[key], rel=1e-12)
    assert set(rows["unit"]) == {MEASURES[key].unit}


def oblique(image_of_lines, height, width, settings):
    """Return the values of lines drawn on a picture of 0.1 mm a pixel, by measure."""
    known = mus.Calibration((0.1, 0.1), "test")
    gray = np.clip(image_of_lines.round(), 0, 255).astype(np.uint8)
    image = mus.UltrasoundImage(gray, "lines", "0" * 64, calibration=known)
    rows = mus.measure_rois(
        image,
        [mus.Rectangle(-0.5, -0.5, height, width)],
        options=MeasureOptions(anisotropy=settings),
    )
    return rows.set_index("measure")


def grating(degrees, amplitude=100.0, *, chevron=False):
    angle = np.radians(degrees)
    y, x = np.mgrid[:144, :288]
    x = np.abs(x - 143.5) if chevron else x
    return amplitude * np.sin(2 * np.pi * (x * np.sin(angle) + y * np.cos(angle)) / 12)


def golden_lines():
    """Return every number of lines with its unit, each from a picture that has it."""
    left = np.arange(288) < 144
    plain, halves = (
        oblique(127.5 + lines, 144, 288, mus.AnisotropySettings())
        for lines in (grating(20), grating(20, chevron=True))
    )
    crossed = 127.5 + np.where(left, grating(0), grating(0, 80) + grating(90, 40))
    boxes = oblique(crossed, 144, 288, mus.AnisotropySettings(box_mm=3.6))
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:240, :320]
    across = x * np.sin(np.radians(20)) + y * np.cos(np.radians(20))
    echoes = 128 + 20 * rng.normal(size=500)[across.astype(int)]
    noisy = echoes + 20 * rng.normal(size=y.shape)
    fascicle = oblique(noisy, 240, 320, mus.AnisotropySettings(method="fascicle"))
    known = mus.Calibration((0.1, 0.1), "test")
    image = mus.UltrasoundImage(np.zeros((400, 500), np.uint8), "a", "0" * 64)
    image = replace(image, calibration=known)
    level = [(100, 0), (100, 400)], [(300, 0), (300, 400)]
    straight = [(250, 150), (200, 150 + 50 * math.sqrt(3))]
    angles = np.linspace(ARC_START, ARC_END, 9)[1:-1]
    arc = [(300 - 500 + 600 * np.cos(a), 600 * np.sin(a)) for a in angles]
    lines, curved = (
        mus.architecture_rows(image, *level, drawn).set_index("measure")
        for drawn in (straight, arc)
    )
    sources = {
        "architecture.pennation_curved": curved,
        "architecture.fascicle_length_curved": curved,
        "architecture": lines,
        "anisotropy.fascicle": fascicle,
        "anisotropy.local": boxes,
        "anisotropy.n_boxes": boxes,
        "anisotropy.direction": plain,
        "anisotropy.circular_mean": plain,
        "anisotropy": halves,
    }
    for key in GOLDEN_LINES:
        source = next(rows for name, rows in sources.items() if key.startswith(name))
        yield key, *source.loc[key, ["value", "unit"]]


def test_measures_of_lines_reproduce_their_golden_values():
    for key, value, unit in golden_lines():
        expected, tolerance = GOLDEN_LINES[key]
        assert value == pytest.approx(expected, abs=tolerance), key
        assert unit == MEASURES[key].unit, key


def test_the_standard_error_of_independent_noise_is_the_textbooks():
    rng = np.random.default_rng(7)
    noise = np.clip(rng.normal(120, 20, (120, 160)), 0, 255).astype(np.uint8)
    image = mus.UltrasoundImage(noise, "noise", "0" * 64)
    options = MeasureOptions(standard_error=True)
    rows = mus.measure_rois(image, [mus.Rectangle(9.5, 9.5, 100, 140)], options=options)
    found = rows.set_index("measure").loc["intensity.standard_error"]
    assert found["value"] == pytest.approx(20 / math.sqrt(100 * 140), rel=0.1)
    assert found["unit"] == "gray level"


@pytest.mark.parametrize(
    ("key", "method", "values"),
    [
        ("repeats.echo_intensity", {}, [70.0, 77.0, 84.0]),
        ("repeats.cv", {}, [70.0, 77.0, 84.0]),
        (
            "repeats.side_difference",
            {"left": [0, 1], "right": [2]},
            [60.0, 64.0, 68.0],
        ),
    ],
)
def test_a_measure_of_repeats_reproduces_its_golden_value(key, method, values):
    found = recompute(key, {"rule": "mean"} | method, values)
    assert [found] == pytest.approx(GOLDEN_VALUES[key], rel=1e-12)


def test_the_z_score_of_repeats_reproduces_its_golden_value():
    reference = mus.load_reference("radboud-esaote-6100-adult")
    person = {"age_years": 40, "sex": "male", "height_cm": 180, "weight_kg": 80}
    method = person | {"rule": "mean", "side": "left"}
    method["inputs"] = [{"muscle": "Biceps brachii"}] * 3
    row = {"muscle": "Biceps brachii", "side": "left", "value": 0.0}
    images = [(value, mus.Device()) for value in (90.0, 104.0, 106.0)]
    found = recompute_z(row, method, reference, images, folder=Path())
    assert [found] == pytest.approx(GOLDEN_VALUES["repeats.z_score"], abs=1e-6)


@pytest.mark.parametrize("key", MEASURES)
def test_a_measure_names_a_source_that_can_be_looked_up(key):
    source = MEASURES[key].source
    assert any(word in source for word in ("doi:10.", "IBSI ", "ImageJ 1."))
    if "fat" in key.rpartition(".")[2] and "ratio" not in key:
        assert "read in a program" in source


def test_without_options_the_rows_are_the_basic_ones(image):
    plain = mus.measure_rois(image, [polygon()])
    assert plain["measure"].tolist() == list(BASE_MEASURES[:-1])
    methods = [json.loads(m) for m in plain["method"]]
    basic = {"gray_rule", "mask", "hash_of"}
    area = {"rule", "hash_of", "spacing_mm", "spacing_source"}
    assert [set(m) for m in methods] == [basic] * 9 + [area]
    asked = mus.measure_rois(image, [polygon()], options=OPTIONS)
    same = ["measure", "value", "unit", "method", "note"]
    pd.testing.assert_frame_equal(asked[same][:10], plain[same])


def test_the_method_tells_what_was_asked(image):
    line = Polyline([(5, 60), (25, 60)], kind="line")
    options = MeasureOptions(
        percentiles=(33,),
        bands=((7, 9),),
        standard_error=True,
        fat=FatCorrection.from_line(line, image.spacing_mm, slope=30),
        fat_roi=mus.Ellipse(2, 30, 10, 20),
    )
    rows = mus.measure_rois(image, [polygon()], options=options)
    method = dict(zip(rows["measure"], map(json.loads, rows["method"]), strict=True))
    assert method["intensity.percentile"]["percentile"] == 33
    assert method["intensity.band"]["band"] == [7, 9]
    assert method["intensity.standard_error"]["max_lag_px"] > 0
    fat_roi = method["intensity.luminosity_ratio"]["fat_roi"]
    assert (fat_roi["type"], fat_roi["top"], fat_roi["width"]) == ("ellipse", 2, 20)
    young = method["intensity.mean_fat_young2015"]
    assert young["line"]["vertices"] == [[5, 60], [25, 60]]
    assert (young["thickness_cm"], young["slope"]) == (pytest.approx(0.4), 30)
    assert young["spacing_mm"] == [0.2, 0.1]
    assert "slope" not in method["intensity.mean_fat_muller2021"]


def test_a_thickness_of_a_line_on_another_image_is_refused(image):
    line = Polyline([(5, 60), (25, 60)], kind="line")
    options = MeasureOptions(fat=FatCorrection.from_line(line, (0.1, 0.1)))
    with pytest.raises(MeasureError, match="but its line measures"):
        mus.measure_rois(image, [polygon()], options=options)


def test_a_fat_region_that_cannot_be_measured_gives_no_row(image):
    options = MeasureOptions(fat_roi=mus.Rectangle(900, 0, 5, 5, name="fat"))
    with pytest.raises(RoiError, match="'fat' covers 0 pixels"):
        mus.measure_rois(image, [polygon()], options=options)


def test_what_is_doubtful_is_said(image):
    options = MeasureOptions(
        fat=FatCorrection(7), fat_roi=polygon(), fat_models=("young2015",)
    )
    rows = mus.measure_rois(image, [polygon()], options=options).set_index("measure")
    ratio, young = (
        rows.loc[f"intensity.{k}"] for k in ("luminosity_ratio", "mean_fat_young2015")
    )
    assert ratio["value"] == 1
    assert "14700 of the pixels lie in the fat region too" in ratio["note"]
    assert young["value"] == pytest.approx(MEAN + 7 * 40.5278)
    assert "exceeds 255" in young["note"]
    assert "7 cm is unusual" in young["note"]


def test_regions_share_the_pixels_that_both_masks_hold(image):
    from napari_muscle_us.extra_rows import shared_pixels
    from napari_muscle_us.roi.rasterize import roi_window

    shape = image.frame_shape
    rois = [
        polygon(),
        mus.Ellipse(30, 60, 80, 70),
        mus.Rectangle(-5, -5, 20, 30),
        mus.Rectangle(100, 150, 40, 40),
    ]
    for one in rois:
        for other in rois:
            naive = (mus.roi_mask(one, shape) & mus.roi_mask(other, shape)).sum()
            windows = (roi_window(roi, shape) for roi in (one, other))
            assert shared_pixels(*windows) == naive


def test_a_black_region_has_no_mean_above_black_and_says_why():
    gray = np.zeros((40, 40), np.uint8)
    gray[:, 20:] = 80
    image = mus.UltrasoundImage(gray, "a.png", "0" * 64)
    rois = [mus.Rectangle(9.5, left, 10, 10, name=f"{left}") for left in (3.5, 13.5)]
    options = MeasureOptions(above_black=True, quality=False)
    rows = mus.measure_rois(image, rois, options=options)
    black, both = rows[rows["measure"] == "intensity.mean_above_black"].to_dict(
        "records"
    )
    assert math.isnan(black["value"])
    assert black["note"] == "undefined where all pixels are black"
    # Columns 14 to 23: six black, four of gray level 80.
    assert (both["value"], both["note"]) == (80.0, "")
    means = rows[rows["measure"] == "intensity.mean"]["value"]
    assert means.tolist() == [0.0, 32.0]


@pytest.fixture
def saturated():
    gray = np.full((150, 200), 90, np.uint8)
    gray[::2, ::3] = 255
    return mus.UltrasoundImage(gray, "a.png", "0" * 64)


def test_the_note_tells_what_spoils_the_echo_intensity(saturated):
    roi = mus.Rectangle(29.5, 29.5, 60, 90)
    rows = mus.measure_rois(saturated, [roi])
    notes = rows.set_index("measure")["note"]
    assert "saturated" in notes["intensity.mean"]
    assert "saturated" not in notes["roi.area"]
    quiet = mus.measure_rois(saturated, [roi], options=MeasureOptions(quality=False))
    assert (quiet["note"][:9] == "").all()


def test_coloured_pixels_are_told_either_way(saturated):
    from dataclasses import replace

    coloured = np.zeros(saturated.frame_shape, bool)
    coloured[40:44, 40:45] = True
    image = replace(saturated, coloured=coloured)
    roi = mus.Rectangle(29.5, 29.5, 60, 90)
    for options in (None, MeasureOptions(quality=False)):
        rows = mus.measure_rois(image, [roi], options=options)
        note = rows.set_index("measure").loc["intensity.mean", "note"]
        assert "20 of the pixels are coloured" in note


def test_rules_stand_in_the_method_and_what_breaks_them_in_the_note(image):
    rules = RoiRules(min_pixels=20_000)
    window = usable_window(polygon(), image.frame_shape)
    (broken,) = check_rules(image, polygon(), window, rules)
    options = MeasureOptions(rules=rules, percentiles=(50,))
    rows = mus.measure_rois(image, [polygon()], options=options).set_index("measure")
    for key in ("intensity.mean", "intensity.percentile"):
        assert json.loads(rows.loc[key, "method"])["rules"] == rules.to_dict()
        assert broken in rows.loc[key, "note"]
    assert broken not in rows.loc["roi.area", "note"]
    none = mus.measure_rois(
        image, [polygon()], options=MeasureOptions(rules=RoiRules())
    )
    assert not none["method"].str.contains("rules").any()


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"percentiles": (101,)}, "percentile 101 is not possible"),
        ({"percentiles": tuple(n / 3 for n in range(300))}, "at most 256"),
        ({"bands": ((0, 50), (50, 60))}, "overlap"),
        ({"bands": ((0, 300),)}, "band 0–300"),
        ({"fat_models": ("young",)}, "are not possible; choose of young2015"),
        ({"fat": FatCorrection(1), "fat_models": ()}, "are not possible"),
    ],
    ids=["percentile", "many", "overlap", "band", "model", "no-model"],
)
def test_options_that_are_not_possible_are_refused(entries, words, one_sentence):
    with pytest.raises(MeasureError, match=words) as error:
        MeasureOptions(**entries)
    assert one_sentence(str(error.value))


def test_overlapping_bands_are_measured_where_the_user_says_so(image):
    bands = ((0, 127), (64, 191))
    options = MeasureOptions(bands=bands, overlapping_bands=True)
    rows = mus.measure_rois(image, [polygon()], options=options)
    found = rows[rows["measure"] == "intensity.band"]["value"]
    gray = image.pixels[mus.roi_mask(polygon(), image.frame_shape)]
    naive = [100 * np.mean((gray >= a) & (gray <= b)) for a, b in bands]
    assert found.tolist() == pytest.approx(naive)


def test_json_is_the_same_text_for_the_same_content():
    assert canonical_json({"b": 0.1, "a": "µ"}) == '{"a":"µ","b":0.1}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"a": math.nan})


# Round trips

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
HOSTILE = st.sampled_from(["=1+1", "'=1", "-3", "+A1", "@x", "NaN", "''", 'a"b,c'])


@given(st.lists(st.floats(), min_size=1, max_size=5), st.integers(-(2**62), 2**62))
def test_numbers_come_back_to_the_last_bit(tmp_path_factory, values, frame):
    file = tmp_path_factory.getbasetemp() / "floats.csv"
    mus.write_results(file, table(*[row(value=v, frame=frame) for v in values]))
    back = mus.read_results(file)
    assert [v.hex() for v in back["value"]] == [v.hex() for v in values]
    assert (back["frame"] == frame).all()


@given(st.lists(TEXT | HOSTILE, min_size=14, max_size=14))
def test_texts_come_back_as_they_were(tmp_path_factory, texts):
    file = tmp_path_factory.getbasetemp() / "texts.csv"
    rows = table(row(**dict(zip(TEXT_COLUMNS, texts, strict=True))))
    mus.write_results(file, rows)
    pd.testing.assert_frame_equal(mus.read_results(file), rows)


@pytest.mark.parametrize("text", ["=cmd|'/c calc'!A1", "+1", "-1", "@SUM(A1)"])
def test_a_spreadsheet_runs_no_formula(path, text):
    rows = table(row(roi=text, subject=text))
    mus.write_results(path, rows)
    with path.open(encoding="utf-8", newline="") as file:
        (stored,) = list(csv.DictReader(file))
    assert stored["roi"] == stored["subject"] == f"'{text}"
    assert mus.read_results(path)["roi"].tolist() == [text]


@pytest.mark.parametrize("text", ["a\rb", "a\nb", "a\tb", "a\0b"])
def test_a_text_stays_on_one_line(path, text):
    mus.write_results(path, table(row(roi=text)))
    assert mus.read_results(path)["roi"].tolist() == ["a b"]


def test_a_name_that_utf8_cannot_hold_costs_no_row(path):
    mus.write_results(path, table(row(image="scan\udcff.dcm")))
    assert mus.read_results(path)["image"].tolist() == ["scan?.dcm"]


def test_an_empty_table_comes_back(path):
    mus.write_results(path, empty_results())
    assert mus.read_results(path).empty


def test_a_table_saved_by_a_spreadsheet_is_read(path):
    mus.write_results(path, table(row()))
    plain = path.read_text(encoding="utf-8")
    path.write_bytes(b"\xef\xbb\xbf" + plain.replace("\n", "\r\n").encode())
    pd.testing.assert_frame_equal(mus.read_results(path), table(row()))


def test_writing_changes_nothing_in_the_table(path):
    rows = table(row(roi="=1"))
    before = rows.copy(deep=True)
    mus.write_results(path, rows)
    pd.testing.assert_frame_equal(rows, before)


# Appending and replacing


def test_append_keeps_what_is_there(path):
    mus.write_results(path, table(row(roi="first", value=0.1)), append=True)
    mus.write_results(path, table(row(roi="=second", value=0.2)), append=True)
    back = mus.read_results(path)
    assert back["roi"].tolist() == ["first", "=second"]
    assert back["value"].tolist() == [0.1, 0.2]
    mus.write_results(path, table(row(roi="third")))
    assert mus.read_results(path)["roi"].tolist() == ["third"]


@pytest.mark.parametrize("append", [False, True], ids=["replace", "append"])
@pytest.mark.parametrize(
    "content", [b"my,own,table\n1,2,3\n", b"\x89PNG\r\n\x1a\n", b"\xff\xfe\x00"]
)
def test_another_kind_of_file_is_left_alone(path, append, content):
    path.write_bytes(content)
    with pytest.raises(ResultsError, match="not a results table; choose another"):
        mus.write_results(path, table(row()), append=append)
    assert path.read_bytes() == content


def test_append_to_a_damaged_table_is_refused(path):
    mus.write_results(path, table(row()))
    damaged = path.read_bytes() + b"a,b\n"
    path.write_bytes(damaged)
    with pytest.raises(ResultsError, match="not a results table"):
        mus.write_results(path, table(row()), append=True)
    assert path.read_bytes() == damaged


# All or nothing


@pytest.mark.parametrize(
    "failure",
    [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()],
    ids=["disk-full", "interrupted"],
)
def test_a_write_that_fails_leaves_the_old_table(path, monkeypatch, failure):
    mus.write_results(path, table(row(roi="old")))
    before = path.read_bytes()

    def half(frame, target, **options):
        target.write_bytes(b"subject,visit,im")
        raise failure

    monkeypatch.setattr(pd.DataFrame, "to_csv", half)
    if isinstance(failure, OSError):
        with pytest.raises(ResultsError, match="No space left on device"):
            mus.write_results(path, table(row(roi="new")))
    else:
        with pytest.raises(KeyboardInterrupt):
            mus.write_results(path, table(row(roi="new")))
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["results.csv"]


def test_where_nothing_can_be_written_it_is_said(path, tmp_path, one_sentence):
    blocked = tmp_path / "file"
    blocked.write_bytes(b"x")
    for target, words in (
        (tmp_path / "no" / "results.csv", r"'results\.csv' cannot be written"),
        (blocked / "results.csv", "cannot be written"),
        (tmp_path, "is a folder"),
        (tmp_path / ("x" * 300), "cannot be written"),
    ):
        with pytest.raises(ResultsError, match=words) as error:
            mus.write_results(target, table(row()))
        assert one_sentence(str(error.value)) or len(str(error.value)) > 500
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


# Files that are no tables


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"a,b\n1,2\n",
        ",".join(AGREED[:-1]).encode() + b"\n" + b"x," * 14 + b"x\n",
        ",".join(reversed(AGREED)).encode() + b"\n" + b"1," * 15 + b"1\n",
        ",".join(AGREED).encode() + b"\n" + b"1," * 14 + b"1\n",
        ",".join(AGREED).encode() + b"\n" + b"1," * 16 + b"1\n",
        ",".join(AGREED).encode() + b"\n" + b"x," * 15 + b"x\n",
        ",".join(AGREED).encode() + b"\n" + b"\xff," * 15 + b"1\n",
        ",".join(AGREED).encode() + b"\n" + b'"' + b"x" * 200_000,
    ],
    ids=[
        "empty",
        "other-columns",
        "a-column-less",
        "other-order",
        "short-row",
        "long-row",
        "no-number",
        "not-utf-8",
        "huge-field",
    ],
)
def test_what_is_no_results_table_is_refused(path, one_sentence, content):
    path.write_bytes(content)
    with pytest.raises(ResultsError, match=r"'results\.csv'") as error:
        mus.read_results(path)
    assert one_sentence(str(error.value))


def test_a_missing_table_is_said(tmp_path):
    with pytest.raises(ResultsError, match=r"'none\.csv' cannot be read"):
        mus.read_results(tmp_path / "none.csv")
    with pytest.raises(ResultsError, match="is a folder"):
        mus.read_results(tmp_path)


@pytest.mark.parametrize("frame", ["9" * 20, "9" * 5000, "1e3", ""])
def test_a_frame_that_is_no_number_of_a_frame_is_refused(path, one_sentence, frame):
    content = table(row()).to_csv(index=False, na_rep="NaN")
    assert content.splitlines()[0] == ",".join(COLUMNS)
    (line,) = csv.DictReader(io.StringIO(content))
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS)
    writer.writeheader()
    writer.writerow(line)
    path.write_text(buffer.getvalue())
    assert len(mus.read_results(path)) == 1
    writer.writerow(line | {"frame": frame})
    path.write_text(buffer.getvalue())
    with pytest.raises(ResultsError, match="not a results table") as error:
        mus.read_results(path)
    assert one_sentence(str(error.value))
