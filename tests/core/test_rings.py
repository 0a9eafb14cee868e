"""The core needs no screen, loads little, and every measure has an outside value."""

from __future__ import annotations

import json
import math
import pkgutil
import subprocess
import sys

import numpy as np
import pytest

import napari_muscle_us as mus
from napari_muscle_us.reference.subject import Subject
from napari_muscle_us.results import BASE_MEASURES, MEASURES
from napari_muscle_us.rows import ZScoreRequest

GUI = ("napari", "qtpy", "magicgui", "superqt", "PyQt6", "PySide6", "PyQt5", "vispy")
HEAVY = ("numpy", "pandas", "scipy", "numba", "pydicom", "pydantic", "matplotlib")
CORE = sorted(
    m.name
    for m in pkgutil.walk_packages(mus.__path__, "napari_muscle_us.")
    if not m.name.startswith("napari_muscle_us._napari")
)

# Vertices (x, y) of ImageJ; its pixel (0, 0) covers 0..1.
POLYGON_XY = [(20, 10), (150, 25), (170, 120), (90, 140), (15, 80)]

# What others computed, one value a measure: image, value, relative tolerance.
# "formula": ImageJ 1.53t on the polygon above of the formula image; the area by hand
# from the surveyor's formula, 29400/2 px² of 0.2 mm × 0.1 mm. "flat": a region of gray
# level 100, biceps brachii of a man of 40 years, 180 cm and 80 kg, by the arithmetic
# of the published model done outside this package.
GOLDEN_VALUES = {
    "intensity.n": ("formula", 14700, 0),
    "intensity.mean": ("formula", 127.02551020408163, 1e-12),
    "intensity.sd": ("formula", 73.73497230950866, 1e-12),
    "intensity.min": ("formula", 0, 0),
    "intensity.max": ("formula", 255, 0),
    "intensity.mode": ("formula", 210, 0),
    "intensity.median": ("formula", 127, 0),
    "intensity.skewness": ("formula", 0.005099782559465668, 1e-9),
    "intensity.kurtosis": ("formula", -1.1939717164822063, 1e-9),
    "roi.area": ("formula", 294.0, 1e-12),
    "z_score.echo_intensity": ("flat", 4.675922, 2e-7),
}


def loaded_after(code: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter holds after some code."""
    script = f"{code}\nimport sys, json; print(json.dumps(sorted(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return {name.partition(".")[0] for name in json.loads(result.stdout)}


def test_the_package_has_the_modules_that_the_ring_test_means():
    names = {name.removeprefix("napari_muscle_us.") for name in CORE}
    assert {"image", "cli", "io.dicom", "roi.rasterize", "measure.intensity"} <= names
    assert {"reference.model", "results", "rows", "verify", "simulate"} <= names


def test_no_core_module_loads_a_gui():
    loaded = loaded_after("\n".join(f"import {name}" for name in CORE))
    assert "napari_muscle_us" in loaded
    assert loaded.isdisjoint(GUI), sorted(loaded & set(GUI))


def test_measuring_and_verifying_load_no_gui(tmp_path):
    code = f"""
import napari_muscle_us as mus
image = mus.sample_image("transverse_healthy")
rows = mus.measure_rois(image, [mus.Rectangle(150, 200, 40, 60, name="BB")])
mus.write_results({str(tmp_path / "r.csv")!r}, rows)
checks = mus.verify_results(mus.read_results({str(tmp_path / "r.csv")!r}), ".")
assert len(checks) == len(rows) and all(c.same for c in checks)
"""
    assert loaded_after(code).isdisjoint(GUI)


def test_importing_the_package_loads_nothing_heavy():
    loaded = loaded_after("import napari_muscle_us")
    assert loaded.isdisjoint((*GUI, *HEAVY)), sorted(loaded & {*GUI, *HEAVY})


@pytest.mark.parametrize("name", mus.__all__)
def test_public_name_resolves(name):
    value = getattr(mus, name)
    assert name in dir(mus)
    if name != "__version__":
        assert value.__name__ == name
        assert value.__doc__


def test_unknown_public_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = mus.no_such_name


@pytest.mark.parametrize("key", MEASURES)
def test_registry_entry_is_complete(key):
    measure = MEASURES[key]
    assert measure.key == key
    family, _, name = key.partition(".")
    assert family
    assert name
    assert measure.unit.strip()
    assert measure.label.strip()
    assert measure.definition.endswith(".")
    assert any(word in measure.source for word in ("doi:10.", "IBSI ", "ImageJ 1."))


def test_every_measure_has_a_golden_value_and_no_value_is_left_over():
    assert set(GOLDEN_VALUES) == set(BASE_MEASURES)


@pytest.fixture(scope="module")
def measured(request):
    formula = request.getfixturevalue("formula_image")
    device = mus.Device("ESAOTE", "6100")
    calibration = mus.Calibration((0.2, 0.1), "test")
    roi = mus.Polygon(
        [(y - 0.5, x - 0.5) for x, y in POLYGON_XY], name="BB", muscle="Biceps brachii"
    )
    request_z = ZScoreRequest("radboud-esaote-6100-adult", Subject(40, "male", 180, 80))
    images = {"formula": formula, "flat": np.full((150, 200), 100, np.uint8)}
    rows = {}
    for name, gray in images.items():
        image = mus.UltrasoundImage(
            gray, name, "0" * 64, calibration=calibration, device=device
        )
        table = mus.measure_rois(image, [roi], z_score=request_z)
        rows[name] = table.set_index("measure")
    return rows


@pytest.mark.parametrize("key", GOLDEN_VALUES)
def test_measure_reproduces_its_golden_value(measured, key):
    image, value, tolerance = GOLDEN_VALUES[key]
    row = measured[image].loc[key]
    assert math.isclose(row["value"], value, rel_tol=tolerance, abs_tol=0)
    assert row["unit"] == MEASURES[key].unit
    assert row["note"] == ""
