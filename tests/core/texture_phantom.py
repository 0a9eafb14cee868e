"""The digital phantom of the IBSI and its consensus values, for all texture tests.

The mask leaves out six voxels, among them one of value 9: a family that forgets the
mask counts a gray level that the phantom does not have.
"""

from __future__ import annotations

import csv
import json
import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest

ORACLES = Path(__file__).resolve().parents[3] / "shared" / "oracles"

FAMILY_CODES = {
    "stat": "stat",
    "hist": "ih",
    "glcm": "cm",
    "glrlm": "rlm",
    "glszm": "szm",
    "gldzm": "dzm",
    "ngtdm": "ngt",
    "ngldm": "ngl",
}
_WITHOUT_DIRECTION = {"szm", "dzm", "ngt", "ngl"}


def _oracle(name: str) -> Path:
    path = ORACLES / name
    if not path.exists():
        pytest.skip(
            f"needs ../shared/oracles/{name} beside the repository",
            allow_module_level=True,
        )
    return path


@cache
def phantom() -> tuple[np.ndarray, np.ndarray]:
    """Return gray levels (uint8) and mask (bool), both (frame, depth, lateral)."""
    content = json.loads(_oracle("ibsi1_digital_phantom_volume.json").read_text())
    gray = np.array(content["image_zyx"], np.uint8)
    mask = np.array(content["mask_zyx"], bool)
    for array in (gray, mask):
        array.setflags(write=False)
    return gray, mask


@cache
def phantom_levels() -> tuple[np.ndarray, int]:
    """Return the phantom's levels (uint16, 0 outside the mask) and their number."""
    gray, mask = phantom()
    levels = np.where(mask, gray, 0).astype(np.uint16)
    levels.setflags(write=False)
    return levels, int(levels.max())


@cache
def _rows() -> tuple[dict[str, str], ...]:
    with _oracle("ibsi1_digital_phantom.csv").open(newline="") as file:
        return tuple(csv.DictReader(file))


def _selected(family: str, aggregation: str) -> list[dict[str, str]]:
    family = FAMILY_CODES.get(family, family)
    if family in _WITHOUT_DIRECTION:
        aggregation = aggregation.partition("_")[0]
    elif family in {"stat", "ih"}:
        aggregation = ""
    found = [
        row
        for row in _rows()
        if (row["family"], row["aggregation"]) == (family, aggregation)
    ]
    assert found, f"no consensus values of {family} in {aggregation!r}"
    return found


def expected(family: str, aggregation: str = "") -> dict[str, tuple[float, float]]:
    """Return code → (consensus value at three digits, tolerance).

    `family` is ours ("glcm") or the table's ("cm"); `aggregation` is one of
    "2d_avg", "2d_s_mrg", "2.5d_d_mrg", "2.5d_v_mrg". Families without directions
    know "2d" and "2.5d" only, which the part before the underscore says.
    """
    rows = _selected(family, aggregation)
    return {
        row["ibsi_code"]: (float(row["value_3sf"]), float(row["tolerance"]))
        for row in rows
    }


def full_precision(family: str, aggregation: str = "") -> dict[str, float]:
    """Return code → the value that an independent program found, with all digits."""
    with _oracle("ibsi1_independent_check.csv").open(newline="") as file:
        values = {
            (row["mirp_name"], row["aggregation"]): float(
                row["independent_value_full_precision"]
            )
            for row in csv.DictReader(file)
        }
    rows = _selected(family, aggregation)
    return {
        row["ibsi_code"]: values[row["mirp_name"], row["aggregation"]] for row in rows
    }


def three_digits(value: float) -> float:
    """Return a number rounded to three significant digits, as the table is."""
    return float(f"{value:.3g}")


def assert_consensus(values, features, family: str, aggregation: str = "") -> None:
    """Assert that every feature of a family has the consensus value, and none lacks.

    `values` maps keys to numbers, `features` is the family's ``FEATURES``.
    """
    found = {feature.ibsi: values[feature.key] for feature in features if feature.ibsi}
    consensus = expected(family, aggregation)
    exact = full_precision(family, aggregation)
    assert found.keys() == consensus.keys()
    wrong = {
        code: (found[code], value)
        for code, (value, tolerance) in consensus.items()
        if not abs(three_digits(found[code]) - value) <= tolerance + 1e-9 * abs(value)
    }
    assert not wrong, f"found, consensus: {wrong}"
    apart = {
        code: (found[code], value)
        for code, value in exact.items()
        if not math.isclose(found[code], value, rel_tol=1e-10, abs_tol=1e-12)
    }
    assert not apart, f"found, independent program: {apart}"
