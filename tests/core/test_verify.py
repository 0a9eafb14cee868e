"""Recomputing a table: what agrees, and each way in which a row can differ."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import napari_muscle_us as mus
from napari_muscle_us.errors import ReferenceSetError, ResultsError
from napari_muscle_us.measure.fat_correction import FatCorrection
from napari_muscle_us.measure_options import MeasureOptions
from napari_muscle_us.reference.checksum import stamped
from napari_muscle_us.reference.conversion.conversion_file import (
    load_conversion,
    write_conversion,
)
from napari_muscle_us.reference.conversion.device_conversion import example_conversion
from napari_muscle_us.reference.examination.examination import examine
from napari_muscle_us.reference.examination.examination_rows import (
    examination_rows,
    recompute_z,
)
from napari_muscle_us.reference.load import read_reference_bytes, reference_sha256
from napari_muscle_us.reference.subject import Subject
from napari_muscle_us.repeat_rows import repeat_rows
from napari_muscle_us.roi.composite import Composite
from napari_muscle_us.roi.open_shapes import Polyline
from napari_muscle_us.roi.rules import RoiRules
from napari_muscle_us.rows import ZScoreRequest
from napari_muscle_us.verify import MAX_INPUTS

SET = "radboud-esaote-6100-adult"
ROIS = [
    mus.Polygon(
        [(10, 20), (12, 90), (80, 95.25), (70, 18)],
        name="outline",
        muscle="Biceps brachii",
        side="left",
    ),
    mus.Ellipse(20.5, 100, 40, 60.125, name="oval", muscle="Rectus femoris"),
    mus.Rectangle(90, 30, 30, 50, angle_deg=12.5, name="box", muscle="Soleus"),
    mus.Rectangle(99.5, 99.5, 1, 1, name="one pixel", muscle="Soleus"),
]


def make_folder(parent, formula_image):
    nested = parent / "images" / "visit 1"
    nested.mkdir(parents=True)
    rgb = np.repeat(formula_image[..., None], 3, axis=2)
    rgb[:30, :30, 2] = 255
    Image.fromarray(rgb).save(nested / "scan.png")
    return parent / "images"


@pytest.fixture
def folder(tmp_path, formula_image):
    return make_folder(tmp_path, formula_image)


@pytest.fixture
def own_set(folder):
    # A set of one's own is looked for beside the images, by name and hash.
    resource = files("napari_muscle_us.reference") / "sets" / f"{SET}.json"
    path = folder / "own.json"
    path.write_bytes(resource.read_bytes())
    return path


@pytest.fixture
def rows(folder, own_set, tmp_path):
    """Measure, write, and read back, as a user who verifies later."""
    image = mus.read_image(folder / "visit 1" / "scan.png", gray_rule="luma601")
    request = ZScoreRequest(own_set, Subject(40, "male", 180, 80))
    table = mus.measure_rois(image, ROIS, subject="S1", visit="1", z_score=request)
    mus.write_results(tmp_path / "results.csv", table)
    return mus.read_results(tmp_path / "results.csv")


def reasons(rows, folder):
    return [c.reason for c in mus.verify_results(rows, folder) if not c.same]


def test_an_untouched_table_agrees_row_by_row(rows, folder):
    checks = mus.verify_results(rows, folder)
    assert [c.row for c in checks] == list(range(1, 4 * 11 + 1))
    assert all(c.same for c in checks), [c.reason for c in checks if not c.same]


def test_measuring_twice_gives_the_same_numbers(folder):
    path = folder / "visit 1" / "scan.png"
    first, second = (mus.measure_rois(mus.read_image(path), ROIS) for _ in range(2))
    columns = ["roi", "measure", "value", "unit", "method", "roi_geometry"]
    assert first[columns].equals(second[columns])


@pytest.mark.parametrize("change", [1e-6, -1e-6, np.nan], ids=str)
def test_a_changed_value_is_found(rows, folder, change):
    place = rows.index[rows["measure"] == "intensity.mean"][1]
    rows.loc[place, "value"] += change * rows.loc[place, "value"]
    checks = mus.verify_results(rows, folder)
    assert [c.row for c in checks if not c.same] == [place + 1]
    assert "the value is" in checks[place].reason
    assert "recomputed" in checks[place].reason


def test_a_value_where_there_is_none_is_found(rows, folder):
    missing = rows["value"].isna()
    assert missing.sum() == 3
    rows.loc[missing, "value"] = 0.0
    assert len(reasons(rows, folder)) == 3


def tampered(column, edit):
    def change(rows):
        rows.loc[0, column] = edit(rows.loc[0, column])

    return change


def geometry(**changes):
    return tampered("roi_geometry", lambda t: json.dumps(json.loads(t) | changes))


def method(row, **changes):
    def change(rows):
        old = json.loads(rows.loc[row, "method"])
        rows.loc[row, "method"] = json.dumps(old | changes)

    return change


FIRST_Z = 10
TAMPERED = {
    "unit": (tampered("unit", lambda t: "mm"), "the unit is 'mm'"),
    "measure": (tampered("measure", lambda t: "intensity.glow"), "unknown to this"),
    "hash": (tampered("image_sha256", lambda t: "0" * 64), "not the file that was"),
    "vertex": (
        geometry(vertices=[[10, 20], [12, 90], [80, 95.25], [70, 8]]),
        "the value is",
    ),
    "crossing": (
        geometry(vertices=[[10, 20], [80, 90], [10, 95], [70, 18]]),
        "crosses itself",
    ),
    "outside": (geometry(vertices=[[900, 20], [900, 90], [980, 95]]), "outside"),
    "huge": (geometry(vertices=[[1e30, 20], [12, 90], [80, 95]]), "no place in"),
    "shape": (geometry(type="spiral"), "'spiral' is unknown"),
    "shape-list": (geometry(type=[]), "unknown"),
    "entries": (geometry(name="x"), "do not make a polygon"),
    "no-json": (tampered("roi_geometry", lambda t: t[:-3]), "not a JSON object"),
    "list": (tampered("roi_geometry", lambda t: "[1]"), "not a JSON object"),
    "nested": (tampered("roi_geometry", lambda t: "[" * 99999), "not a JSON object"),
    "method-text": (tampered("method", lambda t: "mean"), "not a JSON object"),
    "image-gone": (tampered("image", lambda t: "gone.png"), "is not in the folder"),
    "parent": (tampered("image", lambda t: "../own.json"), "is not a file name"),
    "absolute": (tampered("image", lambda t: "/etc/hostname"), "is not a file name"),
    "dots": (tampered("image", lambda t: ".."), "is not a file name"),
    "no-name": (tampered("image", lambda t: ""), "is not a file name"),
    "sample": (tampered("image", lambda t: "sample:nothing"), "folder|file name"),
    "gray-rule": (
        lambda rows: rows.__setitem__(
            "method", rows["method"].str.replace("luma601", "imagej")
        ),
        "the value is",
    ),
    "age": (method(FIRST_Z, age_years=60), "the value is"),
    "age-text": (method(FIRST_Z, age_years="forty"), "incomplete|possible|number"),
    "age-impossible": (method(FIRST_Z, age_years=-3), "Age -3"),
    "sex-list": (method(FIRST_Z, sex=[]), "no word"),
    "height-object": (method(FIRST_Z, height_cm={}), "incomplete|possible|number"),
    "set-hash": (method(FIRST_Z, reference_sha256="0"), "not the one that was used"),
    "set-gone": (method(FIRST_Z, reference="gone.json"), "is not in the folder"),
    "set-nul": (method(FIRST_Z, reference="a\0b"), "is not in the folder|no reference"),
    "set-number": (method(FIRST_Z, reference=5), "is not in the folder|no reference"),
    "device-number": (method(FIRST_Z, device_by_user={"model": 5}), "device"),
    "device-list": (method(FIRST_Z, device_by_user={"model": [1]}), "device"),
    "device-text": (method(FIRST_Z, device_by_user={"depth_mm": "x"}), "device"),
    "device-other": (method(FIRST_Z, device_by_user={"owner": "x"}), "device"),
    "device-none": (method(FIRST_Z, device_by_user=7), "device"),
    "crop-infinite": (method(FIRST_Z, crop=[np.inf, 0, 0, 0]), "no number"),
    "z-muscle": (
        lambda rows: rows.__setitem__(
            "muscle", rows["muscle"].replace("Biceps brachii", "Triceps brachii")
        ),
        "the value is",
    ),
}


@pytest.mark.parametrize(("change", "words"), TAMPERED.values(), ids=TAMPERED)
def test_each_tampering_is_reported_and_stops_nothing(rows, folder, change, words):
    change(rows)
    checks = mus.verify_results(rows, folder)
    assert len(checks) == len(rows)
    found = [c.reason for c in checks if not c.same]
    assert found
    assert any(re.search(words, reason) for reason in found), found
    assert any(c.same for c in checks)
    assert all("\n" not in reason for reason in found)


def test_a_changed_reference_set_is_found(rows, folder, own_set):
    own_set.write_text(own_set.read_text().replace("53.15988", "54.15988", 1))
    found = reasons(rows, folder)
    assert len(found) == len(ROIS)
    assert all("is not the one that was used" in reason for reason in found)


def test_a_reference_set_that_is_gone_is_said(rows, folder, own_set):
    own_set.unlink()
    found = reasons(rows, folder)
    assert len(found) == len(ROIS)
    assert all("is not in the folder" in reason for reason in found)


def test_no_folder_of_ours_is_told_in_the_table(rows, folder, tmp_path):
    assert str(tmp_path) not in rows.to_csv()
    assert "visit 1" not in rows.to_csv()


def test_a_changed_image_is_found(rows, folder):
    path = folder / "visit 1" / "scan.png"
    picture = np.array(Image.open(path))
    picture[0, 0] ^= 1
    Image.fromarray(picture).save(path)
    found = reasons(rows, folder)
    assert len(found) == len(rows)
    assert set(found) == {"the image 'scan.png' is not the file that was measured"}


def test_of_two_files_of_one_name_the_measured_one_is_used(rows, folder):
    Image.new("L", (9, 9)).save(folder / "scan.png")
    assert reasons(rows, folder) == []


def test_a_damaged_namesake_does_not_hide_the_measured_image(rows, folder):
    (folder / "scan.png").write_bytes(b"not an image")
    assert reasons(rows, folder) == []


def test_simulated_samples_need_no_file(tmp_path):
    image = mus.sample_image("longitudinal_diseased")
    rows = mus.measure_rois(image, [mus.Ellipse(150, 200, 40, 60, name="x")])
    assert len(rows) == 10
    assert reasons(rows, tmp_path) == []
    rows.loc[0, "image_sha256"] = "0" * 64
    assert len(reasons(rows, tmp_path)) == 1


def test_no_folder_no_verification(rows, tmp_path):
    with pytest.raises(ResultsError, match="is not a folder"):
        mus.verify_results(rows, tmp_path / "none")


# Measures that options add

FAT_LINE = Polyline([(2, 100), (22, 100)], kind="line")
BY_HAND = mus.Calibration((0.2, 0.1), "ruler drawn by hand", by_user=True)
WANTED = {
    "percentiles": (10, 50, 97.5),
    "bands": ((0, 50), (40, 90), (91, 255)),
    "overlapping_bands": True,
    "heterogeneity": True,
    "above_black": True,
    "standard_error": True,
    "fat_roi": mus.Ellipse(2, 100, 12, 40),
    "rules": RoiRules(min_pixels=10),
}
ADDED = 3 + 3 + 2 + 1 + 1 + 1 + 2


def written(table, tmp_path):
    mus.write_results(tmp_path / "results.csv", table)
    return mus.read_results(tmp_path / "results.csv")


@pytest.fixture(scope="module")
def images(tmp_path_factory, formula_image):
    """Return a folder that no test changes."""
    return make_folder(tmp_path_factory.mktemp("options"), formula_image)


@pytest.fixture(scope="module")
def scan(images):
    image = mus.read_image(images / "visit 1" / "scan.png")
    return replace(image, calibration=BY_HAND)


@pytest.fixture(scope="module")
def measured_once(scan, tmp_path_factory):
    fat = FatCorrection.from_line(FAT_LINE, BY_HAND.spacing_mm, slope=33)
    options = MeasureOptions(**WANTED, fat=fat)
    table = mus.measure_rois(scan, ROIS, options=options)
    return written(table, tmp_path_factory.mktemp("rows"))


@pytest.fixture
def optional(measured_once):
    return measured_once.copy()


def test_every_row_that_options_add_is_recomputed(optional, images):
    assert len(optional) == len(ROIS) * (10 + ADDED)
    assert set(optional["measure"]) >= {"intensity.band", "intensity.standard_error"}
    assert reasons(optional, images) == []


def test_the_order_of_the_rows_does_not_matter(optional, images):
    mixed = optional.sample(frac=1, random_state=5).reset_index(drop=True)
    assert reasons(mixed, images) == []


def test_each_changed_value_of_an_option_is_found(optional, images):
    given = optional["value"].notna()
    optional.loc[given, "value"] = optional.loc[given, "value"] * (1 + 1e-6) + 1e-6
    found = mus.verify_results(optional, images)
    assert [c.same for c in found] == (~given).tolist()


def test_a_typed_thickness_is_recomputed_without_calibration(images, tmp_path):
    image = mus.read_image(images / "visit 1" / "scan.png")
    options = MeasureOptions(fat=FatCorrection(1.25, "caliper"))
    rows = written(mus.measure_rois(image, ROIS, options=options), tmp_path)
    assert reasons(rows, images) == []


def test_options_of_a_part_of_a_picture_are_recomputed(scan, images, tmp_path):
    part = scan.cropped((5, 140, 10, 190))
    fat = FatCorrection.from_line(FAT_LINE, BY_HAND.spacing_mm)
    options = MeasureOptions(**WANTED, fat=fat)
    rows = written(mus.measure_rois(part, ROIS[:2], options=options), tmp_path)
    assert rows["method"].str.contains('"crop"').all()
    assert reasons(rows, images) == []


def test_a_region_with_a_hole_is_recomputed(scan, images, tmp_path):
    outer = [(20, 20), (20, 90), (90, 90), (90, 20)]
    hole = [(40, 40), (40, 60), (60, 60), (60, 40)]
    roi = Composite([outer, hole], name="ring", muscle="Soleus")
    options = MeasureOptions(percentiles=(10,), fat_roi=roi)
    rows = written(mus.measure_rois(scan, [roi, ROIS[0]], options=options), tmp_path)
    assert rows.loc[0, "value"] == 70 * 70 - 20 * 20
    assert reasons(rows, images) == []


OPTION_TAMPERED = {
    "percentile": ("intensity.percentile", {"percentile": 60}, "the value is"),
    "percentile-gone": ("intensity.percentile", {"percentile": None}, "not possible"),
    "percentile-text": ("intensity.percentile", {"percentile": "x"}, "not possible"),
    "percentile-nan": ("intensity.percentile", {"percentile": np.nan}, "not possible"),
    "band": ("intensity.band", {"band": [0, 60]}, "the value is"),
    "band-gone": ("intensity.band", {"band": None}, "not two gray levels"),
    "band-long": ("intensity.band", {"band": [0] * 99}, "not two gray levels"),
    "band-odd": ("intensity.band", {"band": [{}, []]}, "not possible"),
    "band-huge": ("intensity.band", {"band": [0, 10**400]}, "not possible"),
    "thickness": ("intensity.mean_fat_young2015", {"thickness_cm": 1}, "its line"),
    "slope": ("intensity.mean_fat_young2015", {"slope": 40}, "the value is"),
    "slope-odd": ("intensity.mean_fat_young2015", {"slope": {}}, "slope"),
    "no-line": ("intensity.mean_fat_muller2021", {"line": 5}, "has no line"),
    "line": (
        "intensity.mean_fat_muller2021",
        {"line": {"type": "polyline", "kind": "line", "vertices": [[0, 0], [9, 9]]}},
        "its line measures",
    ),
    "spacing": (
        "intensity.mean_fat_muller2021",
        {"spacing_mm": [0.3, 0.1]},
        "its line measures",
    ),
    "spacing-inf": (
        "intensity.mean_fat_muller2021",
        {"spacing_mm": [np.inf, 1]},
        "not a positive length",
    ),
    "spacing-huge": (
        "intensity.mean_fat_muller2021",
        {"spacing_mm": [10**400, 1]},
        "not usable",
    ),
    "spacing-none": (
        "intensity.mean_fat_muller2021",
        {"spacing_mm": None},
        "size of a pixel is not known",
    ),
    "fat-region": (
        "intensity.luminosity_ratio",
        {
            "fat_roi": {
                "type": "rectangle",
                "top": 1,
                "left": 1,
                "height": 9,
                "width": 9,
            }
        },
        "the value is",
    ),
    "fat-gone": ("intensity.luminosity_ratio", {"fat_roi": None}, "no outline"),
    "fat-line": (
        "intensity.luminosity_ratio",
        {"fat_roi": {"type": "points", "vertices": [[1, 1]]}},
        "encloses no area",
    ),
    "fat-outside": (
        "intensity.luminosity_ratio",
        {
            "fat_roi": {
                "type": "rectangle",
                "top": 1e5,
                "left": 1,
                "height": 9,
                "width": 9,
            }
        },
        "outside the image",
    ),
    "lag": ("intensity.standard_error", {"max_lag_px": 10**9}, "not that of this"),
    "crop": ("intensity.entropy", {"crop": [np.inf, 1, 1, 1]}, "no number"),
}


@pytest.mark.parametrize(
    ("measure", "changes", "words"), OPTION_TAMPERED.values(), ids=OPTION_TAMPERED
)
def test_a_tampered_option_is_reported(optional, images, measure, changes, words):
    place = optional.index[optional["measure"] == measure][0]
    old = json.loads(optional.loc[place, "method"])
    optional.loc[place, "method"] = json.dumps(old | changes)
    checks = mus.verify_results(optional[: 10 + ADDED], images)
    assert [c.row for c in checks if not c.same] == [place + 1]
    assert re.search(words, checks[place].reason), checks[place].reason
    assert "\n" not in checks[place].reason


# Rows over several images


@pytest.fixture(scope="module")
def repeated_once(images, formula_image, tmp_path_factory):
    tables = []
    for number, side in enumerate(["left", "left", "left", "right", "right"]):
        path = images / f"repeat {number}.png"
        Image.fromarray(np.roll(formula_image, 7 * number, axis=1)).save(path)
        roi = mus.Rectangle(
            20.5 + number, 30, 40, 50, name="BB", muscle="Biceps brachii", side=side
        )
        rows = mus.measure_rois(mus.read_image(path), [roi], subject="S1", visit="1")
        tables.append(rows)
    table = repeat_rows(pd.concat(tables, ignore_index=True), rule="mean")
    return written(table, tmp_path_factory.mktemp("repeats"))


@pytest.fixture
def repeated(repeated_once):
    return repeated_once.copy()


def test_rows_over_several_images_are_recomputed(repeated, images):
    assert set(repeated["measure"]) == {
        "repeats.echo_intensity",
        "repeats.cv",
        "repeats.side_difference",
    }
    assert len(repeated) == 5
    assert repeated["value"].notna().all()
    assert reasons(repeated, images) == []


def test_an_image_of_several_that_changed_is_found(
    repeated, images, tmp_path, formula_image
):
    changed = tmp_path / "changed"
    shutil.copytree(images, changed)
    Image.fromarray(formula_image[::-1]).save(changed / "repeat 4.png")
    found = mus.verify_results(repeated, changed)
    right = repeated["side"].eq("right") | repeated["measure"].str.endswith(
        "difference"
    )
    assert [not c.same for c in found] == right.tolist()
    assert all("repeat 4.png" in c.reason for c in found if not c.same)


def entry_changed(**changes):
    def change(method):
        method["inputs"][0] |= changes

    return change


def all_changed(**changes):
    return lambda method: method.update(changes)


REPEATS_TAMPERED = {
    "value": (lambda method: method["inputs"].pop(), "the value is"),
    "rule": (all_changed(rule="median"), "median"),
    "rule-gone": (all_changed(rule=None), "rule"),
    "inputs-gone": (all_changed(inputs=None), "does not name its images"),
    "inputs-number": (all_changed(inputs=7), "does not name its images"),
    "inputs-many": (
        lambda method: method.update(inputs=method["inputs"] * MAX_INPUTS),
        f"at most {MAX_INPUTS}",
    ),
    "input-text": (all_changed(inputs=["scan.png"]), "not a JSON object"),
    "hash": (entry_changed(image_sha256="0" * 64), "not the file that was measured"),
    "image": (entry_changed(image="../x.png"), "not a file name"),
    "image-list": (entry_changed(image=[1]), "not in the folder"),
    "image-gone": (entry_changed(image=None), "not in the folder"),
    "frame": (entry_changed(frame=3), "no frame 3"),
    "frame-inf": (entry_changed(frame=np.inf), "no number"),
    "frame-gone": (entry_changed(frame=None), "no number"),
    "outline": (
        entry_changed(roi_geometry={"type": "several"}),
        "'several' is unknown",
    ),
    "outline-text": (entry_changed(roi_geometry="x"), "not a JSON object"),
    "method": (entry_changed(method=5), "not a JSON object"),
    "crop": (entry_changed(method={"crop": [0, 0, 0, 0]}), "."),
    "nested": (
        entry_changed(method={"inputs": [{"inputs": [{}]}], "rule": "mean"}),
        None,
    ),
}


@pytest.mark.parametrize(
    ("change", "words"), REPEATS_TAMPERED.values(), ids=REPEATS_TAMPERED
)
def test_a_tampered_row_over_several_images_is_reported(
    repeated, images, change, words
):
    changed = json.loads(repeated.loc[0, "method"])
    change(changed)
    repeated.loc[0, "method"] = json.dumps(changed)
    checks = mus.verify_results(repeated, images)
    assert all(c.same for c in checks[1:])
    if words is None:
        # What a method holds beyond what is needed is not looked at.
        assert checks[0].same
    else:
        assert not checks[0].same
        assert re.search(words, checks[0].reason), checks[0].reason
        assert "\n" not in checks[0].reason


@pytest.fixture(scope="module")
def radboud_once(images, formula_image, tmp_path_factory):
    """Return averages without black pixels, of images that have some."""
    tables = []
    options = MeasureOptions(above_black=True)
    for number, side in enumerate(["left", "left", "right"]):
        gray = formula_image.copy()
        gray[:: 4 + number] = 0
        gray[:, ::7] = 40 + 30 * number
        path = images / f"black {number}.png"
        Image.fromarray(gray).save(path)
        roi = mus.Rectangle(20, 30, 40, 50, name="BB", muscle="Soleus", side=side)
        image = mus.read_image(path)
        tables.append(mus.measure_rois(image, [roi], options=options))
    table = pd.concat(tables, ignore_index=True)
    rows = [repeat_rows(table, rule=rule) for rule in ("radboud", "mean_rounded")]
    table = pd.concat(rows, ignore_index=True)
    return written(table, tmp_path_factory.mktemp("radboud"))


def test_averages_without_black_pixels_are_recomputed_as_such(radboud_once, images):
    # In one table with those of all pixels, so that no image is taken for the other.
    values = radboud_once["value"].tolist()
    assert all(
        one > other for one, other in zip(values[0:4:2], values[5:9:2], strict=True)
    )
    assert reasons(radboud_once, images) == []


@pytest.mark.parametrize(
    ("place", "rule"), [(0, "mean_rounded"), (1, "mean"), (5, "radboud")]
)
def test_another_rule_than_the_averages_own_is_found(radboud_once, images, place, rule):
    rows = radboud_once.copy()
    rows.loc[place, "method"] = json.dumps(
        json.loads(rows.loc[place, "method"]) | {"rule": rule}
    )
    checks = mus.verify_results(rows, images)
    assert [c.row for c in checks if not c.same] == [place + 1]
    assert "the value is" in checks[place].reason


# Z-scores of averaged images

MAN = Subject(40, "male", 180, 80)
ESAOTE = mus.Device("Esaote", "MyLabTwice")


def z_rows(images, formula_image, **options):
    """Return Z-scores of two images of the left and one of the right biceps."""
    tables = []
    for number, side in enumerate(["left", "left", "right"]):
        path = images / f"z {number}.png"
        Image.fromarray(np.roll(formula_image, 9 * number, axis=0)).save(path)
        roi = mus.Ellipse(20, 30, 40, 50, name="BB", muscle="Biceps", side=side)
        image = mus.read_image(path)
        tables.append(mus.measure_rois(image, [roi], subject="S1", visit="1"))
    table = pd.concat(tables, ignore_index=True)
    reference = mus.load_reference(SET)
    return examination_rows(examine(reference, table, MAN, **options), SET)


@pytest.fixture(scope="module")
def z_once(images, formula_image, tmp_path_factory):
    table = z_rows(images, formula_image, device=ESAOTE)
    return written(table, tmp_path_factory.mktemp("z"))


@pytest.fixture
def z_table(z_once):
    return z_once.copy()


def test_z_scores_of_averaged_images_are_recomputed(z_table, images):
    assert z_table["measure"].tolist() == ["repeats.z_score"] * 2
    assert z_table["value"].notna().all()
    assert reasons(z_table, images) == []
    # A row is worth nothing if a changed number goes unnoticed.
    z_table.loc[1, "value"] += 1e-6
    checks = mus.verify_results(z_table, images)
    assert [c.same for c in checks] == [True, False]


def test_a_missing_z_score_is_recomputed_as_missing(images, formula_image, tmp_path):
    rows = z_rows(images, formula_image, device=mus.Device("Philips", "CX50"))
    assert rows["value"].isna().all()
    assert rows["note"].str.contains("Philips CX50").all()
    assert reasons(written(rows, tmp_path), images) == []
    rows["value"] = 1.0
    assert all("Philips CX50" in r for r in reasons(rows, images))
    accepted = z_rows(
        images,
        formula_image,
        device=mus.Device("Philips", "CX50"),
        accept_device=True,
    )
    assert accepted["value"].notna().all()
    assert reasons(written(accepted, tmp_path), images) == []


def test_an_average_that_was_carried_over_is_recomputed(
    images, formula_image, tmp_path
):
    target = mus.load_reference(SET).device
    conversion = example_conversion().model_copy(update={"target": target})
    folder = tmp_path / "with conversion"
    shutil.copytree(images, folder)
    write_conversion(folder / "a to esaote.json", conversion)
    conversion = load_conversion(folder / "a to esaote.json")
    table = z_rows(images, formula_image, device=mus.Device("Maker", "A"))
    assert table["value"].isna().all()
    tables = repeat_source(images, formula_image)
    found = examine(
        mus.load_reference(SET),
        tables,
        MAN,
        device=mus.Device("Maker", "A"),
        conversion=conversion,
    )
    with pytest.raises(ReferenceSetError, match="not the one that the examination"):
        examination_rows(found, SET)
    rows = examination_rows(found, SET, conversion=folder / "a to esaote.json")
    assert rows["value"].notna().all()
    assert reasons(written(rows, tmp_path), folder) == []
    assert all("is not in the folder" in r for r in reasons(rows, images))
    (folder / "a to esaote.json").write_bytes(b"{}")
    assert all("not the one that was used" in r for r in reasons(rows, folder))


def repeat_source(images, formula_image):
    path = images / "z 0.png"
    Image.fromarray(formula_image).save(path)
    roi = mus.Ellipse(20, 30, 40, 50, name="BB", muscle="Biceps", side="left")
    return mus.measure_rois(mus.read_image(path), [roi], subject="S1", visit="1")


Z_TAMPERED = {
    "age": (all_changed(age_years=20), "the value is"),
    "age-text": (all_changed(age_years="old"), "not usable"),
    "sex": (all_changed(sex=[1]), "not usable"),
    "age-gone": (all_changed(weight_kg=None), "needs the subject's weight"),
    "rule": (all_changed(rule="mean_rounded"), "the value is"),
    "side": (all_changed(side="right"), "the side in the method"),
    "muscle": (entry_changed(muscle="Soleus"), "of another muscle"),
    "reference": (all_changed(reference="other.json"), "not in the folder"),
    "hash": (all_changed(reference_sha256="0"), "not the one that was used"),
    "reference-gone": (lambda method: method.pop("reference"), "not in the folder"),
    "devices": (all_changed(devices=[{}]), "not those of its images"),
    "devices-text": (all_changed(devices=["Esaote", "Esaote"]), "not usable"),
    "devices-other": (
        all_changed(devices=[{"manufacturer": "GE", "model": "Venue"}] * 2),
        "GE Venue",
    ),
    "conversion": (all_changed(conversion="a.json"), "is not in the folder"),
    "inputs": (lambda method: method["inputs"].pop(), "devices in the method"),
    "none": (all_changed(inputs=[], devices=[]), "recomputed nan"),
}


@pytest.mark.parametrize(("change", "words"), Z_TAMPERED.values(), ids=Z_TAMPERED)
def test_a_tampered_z_score_is_reported(z_table, images, change, words):
    changed = json.loads(z_table.loc[0, "method"])
    change(changed)
    z_table.loc[0, "method"] = json.dumps(changed)
    checks = mus.verify_results(z_table, images)
    assert [c.same for c in checks] == [False, True]
    assert re.search(words, checks[0].reason), checks[0].reason
    assert "\n" not in checks[0].reason


def test_the_device_of_the_file_beats_that_of_the_row(z_table, tmp_path):
    reference = mus.load_reference(SET)
    row, method = z_table.loc[0].to_dict(), json.loads(z_table.loc[0, "method"])
    told = [(100.0, mus.Device("Philips", "CX50"))] * 2
    with pytest.raises(ResultsError, match="of the image 'Philips'"):
        recompute_z(row, method, reference, told, folder=tmp_path)


def test_deep_nesting_is_reported_not_raised(repeated, optional, images):
    for table, place in ((repeated, 0), (optional, 1)):
        method = json.loads(table.loc[place, "method"])
        method |= {"inputs": [{"deep": "@"}], "spacing_mm": None}
        for depth in (300, 900, 5_000, 100_000):
            nested = "[" * depth + "]" * depth
            table.loc[place, "method"] = json.dumps(method).replace('"@"', nested)
            check = mus.verify_results(table[place : place + 1], images)[0]
            assert check.same or (check.reason and "\n" not in check.reason)


def test_a_row_over_several_images_of_no_measure_is_reported(repeated, images):
    repeated.loc[0, "measure"] = "repeats.median"
    assert "unknown to this version" in reasons(repeated, images)[0]


# Side, handedness and conversion of a Z-score, and rows of earlier files

OWN_MODEL = {
    "muscle": "Biceps brachii",
    "measure": "intensity.mean",
    "unit": "gray level",
    "kind": "linear",
    "n": 50,
    "formula": "1 + side_right + side_nondominant",
    "coefficients": [100.0, 5.0, 10.0],
    "covariance": [[4.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
    "residual_variance": 60.0,
    "degrees_of_freedom": 47,
    "sd": "prediction",
}
LEFT_HANDED = Subject(40, "male", 180, 80, "left")
EARLIER = "3941224c2974c3c7fc101d862d593959c5b8cf8f69b345536fb8811e37400adf"


@pytest.fixture
def sided(folder):
    """Return a folder with a set that uses side and dominance, and a conversion."""
    document = json.loads(read_reference_bytes(SET))
    document.pop("checksum")
    document |= {"name": "sided", "models": [OWN_MODEL], "limits": {}}
    (folder / "sided.json").write_text(json.dumps(stamped(document)), encoding="utf-8")
    target = mus.load_reference(SET).device
    conversion = example_conversion().model_copy(update={"target": target})
    write_conversion(folder / "a-to-b.json", conversion)
    return folder


def both_sides(folder, tmp_path, **request):
    image = mus.read_image(folder / "visit 1" / "scan.png")
    image = replace(image, device=mus.Device("Maker", "A"), device_by_user=DEVICE_WORDS)
    rois = [
        mus.Rectangle(90, 30, 30, 50, name=side, muscle="Biceps brachii", side=side)
        for side in ("left", "right")
    ]
    asked = ZScoreRequest(folder / "sided.json", LEFT_HANDED, **request)
    return written(mus.measure_rois(image, rois, z_score=asked), tmp_path)


DEVICE_WORDS = ("manufacturer", "model")


def z_of(rows):
    return rows.loc[rows["measure"] == "z_score.echo_intensity"]


def test_side_and_handedness_are_kept_and_recomputed(sided, tmp_path):
    rows = both_sides(sided, tmp_path, accept_device=True)
    mean = rows.loc[rows["measure"] == "intensity.mean", "value"].iloc[0]
    # Of a left-handed man the right side is the non-dominant one.
    expected = [
        (mean - 100) / 64**0.5,
        (mean - 115) / 66**0.5,
    ]
    assert z_of(rows)["value"].tolist() == pytest.approx(expected, rel=1e-12)
    methods = [json.loads(text) for text in z_of(rows)["method"]]
    assert [m["handedness"] for m in methods] == ["left", "left"]
    assert reasons(rows, sided) == []


def test_a_conversion_is_kept_and_recomputed(sided, tmp_path):
    rows = both_sides(sided, tmp_path, conversion=sided / "a-to-b.json")
    mean = rows.loc[rows["measure"] == "intensity.mean", "value"].iloc[0]
    carried, extra = 4 + 0.5 * mean, (0.5 * 6) ** 2
    assert z_of(rows)["value"].tolist() == pytest.approx(
        [(carried - 100) / (64 + extra) ** 0.5, (carried - 115) / (66 + extra) ** 0.5],
        rel=1e-12,
    )
    method = json.loads(z_of(rows)["method"].iloc[0])
    content = (sided / "a-to-b.json").read_bytes()
    assert method["conversion"] == "a-to-b.json"
    assert method["conversion_sha256"] == hashlib.sha256(content).hexdigest()
    assert reasons(rows, sided) == []
    # A damaged namesake does not hide it.
    (sided / "a").mkdir()
    (sided / "a" / "a-to-b.json").write_bytes(b"{}")
    (sided / "b" / "a-to-b.json").mkdir(parents=True)
    assert reasons(rows, sided) == []


SIDED_TAMPERED = {
    "handedness": ({"handedness": "right"}, {}, "the value is"),
    "handedness-list": ({"handedness": ["left"]}, {}, "no word"),
    "handedness-both": ({"handedness": "both"}, {}, "Handedness 'both'"),
    "handedness-gone": ({"handedness": None}, {}, "recomputed nan"),
    "side": ({}, {"side": "right"}, "the value is"),
    "side-none": ({}, {"side": ""}, "recomputed nan"),
    "side-word": ({}, {"side": "top"}, "side"),
    "conversion-none": ({"conversion": None}, {}, "is from Maker A|the value is"),
    "conversion-other": ({"conversion": "b.json"}, {}, "is not in the folder"),
    "conversion-hash": ({"conversion_sha256": "0"}, {}, "not the one that was used"),
    "conversion-number": ({"conversion": 5}, {}, "is not in the folder"),
    "conversion-nul": ({"conversion": "a\0b"}, {}, "is not in the folder"),
}


@pytest.mark.parametrize(
    ("changes", "cells", "words"), SIDED_TAMPERED.values(), ids=SIDED_TAMPERED
)
def test_a_tampered_person_or_conversion_is_reported(
    sided, tmp_path, changes, cells, words
):
    rows = both_sides(sided, tmp_path, conversion=sided / "a-to-b.json")
    place = z_of(rows).index[0]
    old = json.loads(rows.loc[place, "method"])
    rows.loc[place, "method"] = json.dumps(old | changes)
    for column, text in cells.items():
        rows.loc[place, column] = text
    checks = mus.verify_results(rows, sided)
    assert [c.row for c in checks if not c.same] == [place + 1]
    assert re.search(words, checks[place].reason), checks[place].reason
    assert "\n" not in checks[place].reason


def test_a_changed_conversion_is_found(sided, tmp_path):
    rows = both_sides(sided, tmp_path, conversion=sided / "a-to-b.json")
    text = (sided / "a-to-b.json").read_text(encoding="utf-8")
    (sided / "a-to-b.json").write_text(text + "\n", encoding="utf-8")
    found = reasons(rows, sided)
    assert len(found) == 2
    assert all("not the one that was used" in reason for reason in found)


def test_a_row_of_the_earlier_file_of_a_set_is_recomputed(folder, tmp_path):
    image = mus.read_image(folder / "visit 1" / "scan.png")
    request = ZScoreRequest(SET, MAN)
    rows = written(mus.measure_rois(image, ROIS, z_score=request), tmp_path)
    earlier = rows["method"].str.replace(reference_sha256(SET), EARLIER)
    assert (earlier != rows["method"]).sum() == len(ROIS)
    # Rows of then also told the SD.
    rows["method"] = earlier.str.replace('"accept_', '"sd":"prediction","accept_')
    assert reasons(rows, folder) == []
    rows["method"] = rows["method"].str.replace(SET, "own.json")
    assert all("is not in the folder" in r for r in reasons(rows, folder))
    rows["method"] = earlier.str.replace(EARLIER, EARLIER[::-1])
    assert all("not the one that was used" in r for r in reasons(rows, folder))


def test_an_average_of_the_earlier_file_is_recomputed(z_table, images):
    for place in z_table.index:
        method = json.loads(z_table.loc[place, "method"])
        method["reference_sha256"] = EARLIER
        z_table.loc[place, "method"] = json.dumps(method)
    assert reasons(z_table, images) == []


def test_a_set_of_the_users_folder_is_found(
    rows, folder, own_set, tmp_path, monkeypatch
):
    own = tmp_path / "home" / "napari-muscle-us"
    (own / "references").mkdir(parents=True)
    monkeypatch.setattr(
        "napari_muscle_us.reference.own_sets.user_data_folder", lambda: own
    )
    shutil.move(own_set, own / "references" / own_set.name)
    assert reasons(rows, folder) == []


def test_side_and_handedness_of_an_average_are_recomputed(sided, tmp_path):
    rows = both_sides(sided, tmp_path, accept_device=True)
    right = rows[rows["side"] == "right"]
    reference = mus.load_reference(sided / "sided.json")
    found = examine(reference, right, LEFT_HANDED, accept_device=True)
    table = written(examination_rows(found, sided / "sided.json"), tmp_path)
    assert table["value"].tolist() == z_of(right)["value"].tolist()
    assert reasons(table, sided) == []
    method = json.loads(table.loc[0, "method"])
    table.loc[0, "method"] = json.dumps(method | {"handedness": "right"})
    assert "the value is" in reasons(table, sided)[0]


def test_an_image_of_an_average_that_asks_for_a_z_score_stops_nothing(z_table, images):
    method = json.loads(z_table.loc[0, "method"])
    asked = {"reference": SET, "reference_sha256": reference_sha256(SET)}
    for entry in method["inputs"]:
        entry["method"] |= asked
    z_table.loc[0, "method"] = json.dumps(method)
    # What is needed of the image is its echo intensity, which is the same.
    assert reasons(z_table, images) == []
