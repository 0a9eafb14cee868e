"""Recomputing a table: what agrees, and each way in which a row can differ."""

from __future__ import annotations

import json
import re
from importlib.resources import files

import numpy as np
import pytest
from PIL import Image

import napari_muscle_us as mus
from napari_muscle_us.errors import ResultsError
from napari_muscle_us.reference.subject import Subject
from napari_muscle_us.rows import ZScoreRequest

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


@pytest.fixture
def folder(tmp_path, formula_image):
    nested = tmp_path / "images" / "visit 1"
    nested.mkdir(parents=True)
    rgb = np.repeat(formula_image[..., None], 3, axis=2)
    rgb[:30, :30, 2] = 255
    Image.fromarray(rgb).save(nested / "scan.png")
    return tmp_path / "images"


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
    "height-object": (method(FIRST_Z, height_cm={}), "incomplete|possible|number"),
    "set-hash": (method(FIRST_Z, reference_sha256="0"), "not the one that was used"),
    "set-gone": (method(FIRST_Z, reference="gone.json"), "is not in the folder"),
    "set-nul": (method(FIRST_Z, reference="a\0b"), "is not in the folder|no reference"),
    "set-number": (method(FIRST_Z, reference=5), "is not in the folder|no reference"),
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
