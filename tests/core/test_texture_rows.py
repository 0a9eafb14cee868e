"""Texture in the results table: one row a feature, and each row computed again."""

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
from napari_muscle_us import texture_rows
from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.texture.discretise import Levels
from napari_muscle_us.measure.texture.families import all_features, features_of
from napari_muscle_us.measure.texture.settings import (
    DIRECTED,
    FAMILIES,
    TextureSettings,
)
from napari_muscle_us.measure_options import MeasureOptions
from napari_muscle_us.registry import MEASURES
from napari_muscle_us.roi.composite import Composite
from napari_muscle_us.roi.rules import RoiRules
from napari_muscle_us.verify import RELATIVE_TOLERANCE

ALL = TextureSettings(families=FAMILIES)
KNOWN = mus.Calibration((0.2, 0.1), "ruler drawn by hand", by_user=True)
RING = Composite(
    [
        [(20, 20), (20, 90), (90, 95), (85, 18)],
        [(40, 40), (40, 60), (60, 60), (60, 40)],
    ],
    name="ring",
)
ROIS = [
    mus.Polygon([(10, 20), (12, 90), (80, 95.25), (70, 18)], name="outline"),
    mus.Ellipse(20.5, 100, 40, 60.125, name="oval"),
    mus.Rectangle(-5, -7, 60, 50, name="corner"),
    RING,
]
SETTINGS = {
    "default": ALL,
    "bins": replace(ALL, bin_number=16),
    "levels": replace(ALL, bin_size=1, origin=0),
    "normalised": replace(ALL, normalise=True, bin_size=16),
    "far": replace(ALL, distance_px=5, neighbourhood_px=3, alpha=1, radius_px=4),
    "mm": replace(ALL, distance_mm=0.6),
    "average": replace(ALL, aggregation="2d_avg", each_direction=True),
    "slices": replace(ALL, aggregation="2.5d_v_mrg", each_direction=True),
}
N_DIRECTED = sum(len(features_of(family)) for family in DIRECTED)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, formula_image):
    """Return a folder with a picture and a clip, which no test changes."""
    parent = tmp_path_factory.mktemp("images")
    rgb = np.repeat(formula_image[..., None], 3, axis=2)
    rgb[:30, :30, 2] = 255
    Image.fromarray(rgb).save(parent / "scan.png")
    frames = np.stack([np.roll(formula_image, 7 * i, 1) // (i + 1) for i in range(3)])
    tifffile.imwrite(parent / "clip.tif", frames, imagej=True, metadata={"axes": "TYX"})
    return parent


@pytest.fixture(scope="module")
def scan(folder):
    return replace(mus.read_image(folder / "scan.png"), calibration=KNOWN)


def measured(image, wanted, rois=ROIS, **options):
    table = mus.measure_rois(
        image, rois, options=MeasureOptions(texture=wanted), **options
    )
    return table[[texture_rows.is_texture(m) for m in table["measure"]]]


def methods(rows):
    return [json.loads(text) for text in rows["method"]]


def step_of(method):
    return tuple(method["direction"]) if "direction" in method else None


# What the rows hold


@pytest.mark.parametrize("wanted", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("roi", ROIS, ids=lambda roi: roi.name)
def test_rows_hold_the_texture_of_the_whole_image_to_the_last_digit(scan, roi, wanted):
    # The rows see the region's box only; the expected values come from the whole image,
    # with other gray levels around the region.
    mask = mus.roi_mask(roi, scan.frame_shape)
    around = np.where(mask, scan.pixels, 255 - scan.pixels)
    expected = texture_rows.texture_of(around, mask, wanted, spacing_mm=(0.2, 0.1))
    rows = measured(scan, wanted, [roi])
    steps = [step_of(method) for method in methods(rows)]
    assert len(rows) == 148 + 4 * N_DIRECTED * wanted.each_direction
    for key, value, step in zip(rows["measure"], rows["value"], steps, strict=True):
        true = expected[key] if step is None else expected.directions[step][key]
        assert value == true or (math.isnan(value) and math.isnan(true)), (key, step)


def test_a_real_muscle_has_the_same_texture_in_its_box_and_in_its_picture(shared):
    image = mus.read_image(shared("data/longitudinal_vl/S1_L20_step_125.png"))
    roi = mus.Polygon([(120, 150), (110, 400), (260, 430), (300, 300), (280, 110)])
    mask = mus.roi_mask(roi, image.frame_shape)
    expected = mus.measure_texture(image.pixels, mask, families=FAMILIES)
    rows = measured(image, ALL, [roi])
    assert dict(zip(rows["measure"], rows["value"], strict=True)) == dict(expected)
    assert not rows["value"].isna().any()


def test_rows_come_by_family_in_the_order_of_the_standard(scan):
    rows = measured(scan, replace(ALL, families=("ngtdm", "stat", "glcm")), ROIS[:1])
    families = ("stat", "glcm", "ngtdm")
    keys = [feature.key for family in families for feature in features_of(family)]
    assert rows["measure"].tolist() == keys
    assert rows["unit"].tolist() == [MEASURES[key].unit for key in keys]


def test_without_texture_no_row_of_it_and_the_others_are_as_before(scan):
    plain = mus.measure_rois(scan, ROIS)
    with_texture = mus.measure_rois(scan, ROIS, options=MeasureOptions(texture=ALL))
    kept = [not texture_rows.is_texture(m) for m in with_texture["measure"]]
    columns = ["roi", "measure", "value", "unit", "method", "note"]
    assert with_texture[kept][columns].reset_index(drop=True).equals(plain[columns])


OF_PIXELS = {"gray_rule", "mask", "hash_of"}
OF_BINS = {"discretisation", "bin_size", "origin"}
OF_MATRIX = {*OF_BINS, "aggregation", "aggregation_ibsi"}


@pytest.mark.parametrize(
    ("key", "names"),
    [
        ("stat.mean", set()),
        ("hist.mode", OF_BINS),
        ("glcm.contrast", OF_MATRIX | {"distance_px", "offsets"}),
        ("glrlm.run_entropy", OF_MATRIX),
        ("glszm.zone_percentage", OF_MATRIX),
        ("gldzm.zone_percentage", OF_MATRIX),
        ("ngtdm.busyness", OF_MATRIX | {"neighbourhood_px"}),
        ("ngldm.dependence_count_energy", OF_MATRIX | {"neighbourhood_px", "alpha"}),
        ("lbp.energy", {"radius_px"}),
    ],
)
def test_a_method_tells_what_its_value_depends_on_and_no_more(scan, key, names):
    rows = measured(scan, ALL, ROIS[:1])
    (method,) = methods(rows[rows["measure"] == key])
    assert set(method) == OF_PIXELS | names


def test_a_distance_in_mm_tells_the_pixels_and_the_mm_that_it_became(scan):
    rows = measured(scan, TextureSettings(distance_mm=0.55), ROIS[:1])
    method = methods(rows)[0]
    assert method["distance_mm"] == 0.55
    assert "distance_px" not in method
    # 0.55 mm are 2.75 rows of 0.2 mm and 5.5 columns of 0.1 mm; halves are rounded up.
    assert method["offsets"] == [[0, 6], [3, 0], [3, 6], [3, -6]]
    steps = np.array(method["offset_mm"])
    expected = [[0, 0.6], [0.6, 0], [0.6, 0.6], [0.6, -0.6]]
    np.testing.assert_allclose(steps, expected, rtol=1e-12)
    assert (method["spacing_mm"], method["spacing_by_user"]) == ([0.2, 0.1], True)


def test_a_distance_in_mm_without_a_scale_gives_no_row(folder):
    image = mus.read_image(folder / "scan.png")
    with pytest.raises(MeasureError, match="no scale"):
        measured(image, TextureSettings(distance_mm=1.0))


def test_directions_are_told_and_their_mean_is_the_averaged_value(scan):
    wanted = TextureSettings(
        families=DIRECTED, aggregation="2d_avg", each_direction=True, distance_px=2
    )
    rows = measured(scan, wanted, ROIS[:1]).copy()
    rows["step"] = [step_of(method) for method in methods(rows)]
    steps = {
        "glcm": {(0, 2), (2, 0), (2, 2), (2, -2)},
        "glrlm": {(0, 1), (1, 0), (1, 1), (1, -1)},
    }
    for key, found in rows.groupby("measure", sort=False):
        single = found[found["step"].notna()]
        assert set(single["step"]) == steps[key.partition(".")[0]]
        (together,) = found.loc[found["step"].isna(), "value"]
        assert single["value"].mean() == pytest.approx(together, rel=1e-12)


# Notes


def test_every_missing_value_has_its_reason_and_few_levels_are_said(folder):
    image = mus.read_image(folder / "scan.png")
    rows = measured(image, ALL, [mus.Rectangle(99.5, 99.5, 1, 1, name="one pixel")])
    missing = rows[rows["value"].isna()]
    assert len(missing) > 40
    assert missing["note"].str.match("undefined|no ").all()
    pairs = rows[rows["measure"] == "glcm.contrast"].iloc[0]
    assert pairs["note"].startswith("no two pixels of the ROI are this far apart; Only")
    few = rows["note"].map(texture_rows.few_levels)
    family = rows["measure"].str.partition(".")[0]
    assert set(family[few == ""]) == {"stat", "lbp"}
    assert set(family[few != ""]) == set(FAMILIES) - {"stat", "lbp"}
    caveat = Levels(np.zeros((1, 1, 1), np.uint16), 1, 1, {}).caveat
    assert f"{few.iloc[-20]}." == caveat


def test_rows_of_pairs_tell_of_a_direction_that_has_none(scan):
    wanted = replace(ALL, distance_px=40, each_direction=True)
    rows = measured(scan, wanted, [mus.Rectangle(5, 5, 30, 60, name="wide")])
    told = rows["note"].str.contains("this far apart in depth and along both")
    merged = ~rows["method"].str.contains('"direction"')
    of_pairs = rows["measure"].str.startswith("glcm.")
    assert (told == (of_pairs & merged)).all()
    assert told.sum() == len(features_of("glcm"))


def test_what_is_said_of_the_region_is_said_of_its_texture(scan):
    roi = mus.Rectangle(0, 0, 60, 60, name="coloured")
    table = mus.measure_rois(scan, [roi], options=MeasureOptions(texture=ALL))
    said = table.set_index("measure").loc["intensity.mean", "note"]
    texture = table[[texture_rows.is_texture(m) for m in table["measure"]]]
    assert "coloured" in said
    assert texture["note"].str.endswith(said).all()
    assert set(texture.loc[texture["value"].notna(), "note"]) == {said}


# The registry


def test_no_two_measures_share_a_name():
    # A spreadsheet may name its measure so; it must not become another one.
    labels = [measure.label.casefold() for measure in MEASURES.values()]
    assert len(set(labels)) == len(labels)


@pytest.mark.parametrize("key", all_features())
def test_a_definition_holds_meaning_and_formula(key):
    feature, measure = all_features()[key], MEASURES[key]
    assert feature.meaning in measure.definition
    assert feature.formula in measure.definition
    assert measure.source.startswith(f"IBSI {feature.ibsi};" if feature.ibsi else "Oj")


# Computing the rows again


def written(table, tmp_path):
    mus.write_results(tmp_path / "results.csv", table)
    return mus.read_results(tmp_path / "results.csv")


def reasons(rows, folder):
    return [c.reason for c in mus.verify_results(rows, folder) if not c.same]


@pytest.fixture(scope="module")
def once(scan, tmp_path_factory):
    wanted = replace(ALL, distance_mm=0.6, normalise=True, each_direction=True)
    table = measured(scan, wanted, ROIS[:1])
    return written(table.reset_index(drop=True), tmp_path_factory.mktemp("rows"))


@pytest.fixture
def rows(once):
    return once.copy()


@pytest.mark.parametrize("wanted", SETTINGS.values(), ids=SETTINGS)
def test_every_row_is_computed_again(scan, folder, tmp_path, wanted):
    table = written(measured(scan, wanted, ROIS[1:3]), tmp_path)
    assert len(table) >= 2 * 148
    assert reasons(table, folder) == []


def test_rows_of_a_part_with_rules_and_of_frames_are_computed_again(
    scan, folder, tmp_path
):
    part = scan.cropped((5, 140, 10, 190))
    options = MeasureOptions(texture=ALL, rules=RoiRules(min_pixels=10))
    table = mus.measure_rois(part, ROIS[:1], options=options)
    assert table["method"].str.contains('"crop"').all()
    assert reasons(written(table, tmp_path), folder) == []
    clip = mus.read_image(folder / "clip.tif")
    wanted = replace(ALL, aggregation="2.5d_d_mrg", each_direction=True)
    second, third = (measured(clip, wanted, ROIS[:1], frame=i) for i in (1, 2))
    assert (second["value"].to_numpy() != third["value"].to_numpy()).sum() > 200
    for table in (second, third):
        assert reasons(written(table, tmp_path), folder) == []
    wrong = written(second.assign(frame=2), tmp_path)
    assert len(reasons(wrong, folder)) > 200


def test_the_order_does_not_matter_and_families_are_computed_once(
    rows, folder, monkeypatch
):
    asked = []

    def counted(gray, mask, settings, **options):
        asked.append(settings)
        return texture_of(gray, mask, settings, **options)

    texture_of = texture_rows.texture_of
    monkeypatch.setattr(texture_rows, "texture_of", counted)
    mixed = rows.sample(frac=1, random_state=5).reset_index(drop=True)
    assert reasons(mixed, folder) == []
    assert len(mixed) == 148 + 4 * N_DIRECTED
    # Once a family, and once more for the directions of the two that have them.
    assert len(asked) == len(set(asked)) == len(FAMILIES) + len(DIRECTED)


def test_each_changed_value_is_found(rows, folder):
    told = rows["value"].notna()
    change = 1 + 2 * RELATIVE_TOLERANCE
    rows.loc[told, "value"] = rows.loc[told, "value"] * change + 1e-300
    found = mus.verify_results(rows, folder)
    assert [not c.same for c in found] == told.tolist()


def test_a_value_of_another_direction_is_found(rows, folder):
    found = [step_of(method) for method in methods(rows)]
    is_contrast = rows["measure"] == "glcm.contrast"
    places = [i for i in rows.index if is_contrast[i] and found[i] is not None]
    rows.loc[places, "value"] = np.roll(rows.loc[places, "value"], 1)
    assert len(reasons(rows, folder)) == 4


TAMPERED = {
    "bin-size": ("glcm.contrast", {"bin_size": 16}, "the value is"),
    "bin-gone": ("glcm.contrast", {"bin_size": None}, "bin_size must be a whole"),
    "bin-text": ("hist.mean", {"bin_size": "8"}, "bin_size must be a whole"),
    "bin-true": ("hist.mean", {"bin_size": True}, "bin_size must be a whole"),
    "bin-huge": ("glszm.zone_percentage", {"bin_size": 10**400}, "bin_size must be"),
    "bin-nested": ("glszm.zone_percentage", {"bin_size": [[8]]}, "bin_size must be"),
    "bin-nan": ("glszm.zone_percentage", {"bin_size": np.nan}, "bin_size must be"),
    "origin": ("hist.mean", {"origin": 200}, "below the origin"),
    "other-bins": (
        "glcm.contrast",
        {"discretisation": "fixed_bin_number", "bin_number": 8},
        "not of this measure",
    ),
    "number-null": (
        "glcm.contrast",
        {"discretisation": "fixed_bin_number", "bin_number": None},
        "not of this measure",
    ),
    "bins-odd": ("glcm.contrast", {"discretisation": [1]}, "discretisation"),
    "offsets": ("glcm.contrast", {"offsets": [[0, 1], [1, 0]]}, "'offsets' in the"),
    "offsets-of-1": (
        "glcm.contrast",
        {"offsets": [[0, 1], [1, 0], [1, 1], [1, -1]]},
        "'offsets' in the method does not belong",
    ),
    "offsets-gone": ("glcm.contrast", {"offsets": None}, "'offsets' in the method"),
    "offsets-odd": ("glcm.contrast", {"offsets": {"a": [[]] * 9}}, "'offsets' in"),
    "offset-mm": ("glcm.contrast", {"offset_mm": [[0, 1]]}, "'offset_mm' in the"),
    "distance": ("glcm.contrast", {"distance_mm": 0.4}, "the value is|'offset"),
    "distance-inf": ("glcm.contrast", {"distance_mm": np.inf}, "is not a length"),
    "distance-huge": ("glcm.contrast", {"distance_mm": 1e300}, "is more than 10000"),
    "distance-px": ("glcm.contrast", {"distance_px": 1}, "not of this measure"),
    "spacing": ("glcm.contrast", {"spacing_mm": [0.1, 0.1]}, "does not belong|value"),
    "spacing-none": ("glcm.contrast", {"spacing_mm": None}, "has no scale"),
    "source": ("glcm.contrast", {"spacing_source": [1]}, "spacing_source|not usable"),
    "aggregation": ("glrlm.run_entropy", {"aggregation": "2d_avg"}, "belong|the value"),
    "aggregation-odd": ("glrlm.run_entropy", {"aggregation": {}}, "is not known"),
    "aggregation-code": (
        "glcm.contrast", {"aggregation_ibsi": "BTW3"}, "'aggregation_ibsi' in the",
    ),
    "not-normalised": ("glcm.contrast", {"normalisation": None}, "the value is|norm"),
    "normalised-odd": ("stat.mean", {"normalisation": [[]]}, "is not known"),
    "reach": ("ngtdm.busyness", {"neighbourhood_px": 2}, "the value is"),
    "reach-huge": ("ngtdm.busyness", {"neighbourhood_px": 10**9}, "of neighbours"),
    "alpha": ("ngldm.high_dependence_emphasis", {"alpha": 3}, "the value is"),
    "alpha-odd": ("ngldm.high_dependence_emphasis", {"alpha": {}}, "alpha must be"),
    "radius": ("lbp.energy", {"radius_px": 3}, "the value is"),
    "radius-huge": ("lbp.energy", {"radius_px": 10**9}, "radius_px must be"),
    "direction": ("stat.mean", {"direction": [0, 1]}, "is incomplete"),
    "direction-none": ("glcm.contrast", {"direction": None}, "is incomplete"),
    "direction-odd": ("glcm.contrast", {"direction": [[9] * 99] * 99}, "incomplete"),
    "direction-new": ("glcm.contrast", {"direction": [0, 7]}, "is incomplete"),
    "unknown": ("glcm.contrast", {"note " * 100: 1}, "not of this measure"),
    "unused": ("stat.mean", {"bin_size": 8}, "'bin_size' in the method is not of"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("measure", "changes", "words"), TAMPERED.values(), ids=TAMPERED
)
def test_a_tampered_method_is_reported_in_one_sentence(
    rows, folder, measure, changes, words
):
    place = rows.index[rows["measure"] == measure][0]
    old = json.loads(rows.loc[place, "method"])
    rows.loc[place, "method"] = json.dumps(old | changes)
    near = rows.loc[max(place - 1, 0) : place + 1].reset_index(drop=True)
    checks = mus.verify_results(near, folder)
    assert [c.row for c in checks if not c.same] == [min(place, 1) + 1]
    reason = checks[min(place, 1)].reason
    assert re.search(words, reason), reason
    assert "\n" not in reason
    assert len(reason) < 500


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner)
    ),
    max_leaves=6,
)
NAMES = (
    *("discretisation", "bin_size", "bin_number", "origin", "aggregation", "offsets"),
    *("distance_px", "distance_mm", "normalisation", "direction", "neighbourhood_px"),
    *("alpha", "radius_px", "spacing_mm", "spacing_source", "offset_mm", "reference"),
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    family=st.sampled_from(FAMILIES),
    changes=st.dictionaries(st.sampled_from(NAMES), JSON, min_size=1, max_size=3),
)
def test_no_method_stops_a_verification(once, folder, family, changes):
    row = once[once["measure"].str.startswith(f"{family}.")].iloc[:1].copy()
    row["method"] = [json.dumps(json.loads(row["method"].item()) | changes)]
    (check,) = mus.verify_results(row.reset_index(drop=True), folder)
    assert check.same or check.reason
    assert "\n" not in check.reason
