"""Reference sets, conversions and clinical spreadsheets for the fuzzer to damage."""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.fuzz.seeds import Seed

MARKER: Final = "Zzmarker"
"""As in `tests.fuzz.seeds`, which reads this module."""

FACTS: Final[dict[str, Any]] = {
    "name": "fuzzed",
    "title": "Made up",
    "citation": "None.",
    "licence": "CC0-1.0",
    "author": "Nobody",
    "date": "2026-11-23",
    "device": {"manufacturer": "Maker", "models": ["A"]},
    "population": {"description": "Nobody", "n": 60},
}

_AGES: Final = {
    "age_years": {"warn": [20, 70], "refuse": [18, 90], "basis": "range of the sample"}
}
_BASE: Final = {"muscle": "Tongue", "measure": "intensity.mean", "n": 60}

_MODELS: Final[dict[str, dict[str, Any]]] = {
    "linear": {
        "kind": "linear",
        "formula": "1 + age_years + sex_male:height_cm + bmi^2",
        "coefficients": [40, 0.2, 0.01, 0.001],
        "covariance": np.diag([4.0, 1e-3, 1e-4, 1e-6]).tolist(),
        "residual_variance": 36,
        "degrees_of_freedom": 56,
        "centre": {"age_years": 45, "height_cm": 172, "weight_kg": 70},
        "max_leverage": 0.4,
        "aliases": ["Lingua"],
    },
    "power": {
        "kind": "linear",
        "formula": "1 + age_years + side_nondominant",
        "coefficients": [4, 0.005, 0.01],
        "covariance": np.diag([1e-3, 1e-7, 1e-4]).tolist(),
        "residual_variance": 0.02,
        "degrees_of_freedom": 57,
        "transform": {"power": 0.1},
        "observation": "mean of a person's values",
        "measurement_error": {"sem": 1.5, "basis": "20 people twice"},
    },
    "groups": {
        "kind": "groups",
        "groups": [
            {"sex": "male", "age_years": {"low": 18, "high": 50}, "mean": 50, "sd": 8,
             "n": 20},
            {"sex": "male", "age_years": {"low": 50, "high": 90}, "mean": 60, "sd": 9,
             "n": 20},
            {"sex": "female", "side": "left", "mean": 55, "sd": 7, "n": 20},
            {"sex": "female", "side": "right", "mean": 55, "sd": 7, "n": 20},
        ],
    },
    "lms": {
        "kind": "lms",
        "covariate": "age_years",
        "beyond_3": "who",
        "curves": [
            {"sex": "male", "x": [18, 40, 90], "l": [1, 0, -1], "m": [50, 60, 90],
             "s": [0.1, 0.2, 0.2], "n": 30},
            {"sex": "female", "x": [18, 90], "l": [0.5, 1e-9], "m": [50, 70],
             "s": [0.1, 0.15]},
        ],
    },
    "table": {
        "kind": "quantile_table",
        "covariate": "age_years",
        "probabilities": [0.025, 0.5, 0.975],
        "curves": [
            {"x": [18, 50, 90],
             "values": [[30, 50, 80], [35, 60, 90], [40, 70, 120]]},
        ],
    },
    "quantiles": {
        "kind": "quantiles",
        "formula": "1 + age_years + weight_kg",
        "probabilities": [0.05, 0.25, 0.5, 0.75, 0.95],
        "coefficients": [
            [20, 0.1, 0.1], [30, 0.15, 0.1], [40, 0.2, 0.1], [50, 0.3, 0.1],
            [60, 0.4, 0.1],
        ],
    },
}  # fmt: skip


def reference_seeds() -> Iterator[Seed]:
    """Yield sets, conversions, published tables and tables of people."""
    from tests.fuzz.seeds import Seed

    for kind, made in (
        ("reference", _references()),
        ("conversion", _conversions()),
        ("spreadsheet", _published()),
        ("people", _people()),
    ):
        for name, content in made:
            yield Seed(name, kind, content)


# Reference sets


def _document(*models: dict[str, Any]) -> dict[str, Any]:
    from napari_muscle_us.reference.model import FORMAT, FORMAT_VERSION

    head = {"format": FORMAT, "version": FORMAT_VERSION, **FACTS}
    return head | {"source_remark": "None.", "limits": _AGES, "models": list(models)}


def _references() -> Iterator[tuple[str, bytes]]:
    from napari_muscle_us.reference.checksum import stamped
    from napari_muscle_us.reference.load import DEFAULT_SET, load_reference
    from napari_muscle_us.reference.write import reference_document

    named = {name: _BASE | model for name, model in _MODELS.items()}
    for name, model in named.items():
        yield name, json.dumps(stamped(_document(model))).encode()
    several = [m | {"muscle": f"Tongue {name}"} for name, m in named.items()]
    yield "all", json.dumps(stamped(_document(*several))).encode()
    built_in = reference_document(load_reference(DEFAULT_SET))
    built_in["models"] = built_in["models"][:3]
    yield "built in", json.dumps(stamped(built_in)).encode()
    yield "version 1", json.dumps(_older()).encode()


def _older() -> dict[str, Any]:
    """Return a set of version 1, whose models were linear and had no checksum."""
    known = _MODELS["linear"]
    names = ("coefficients", "covariance", "residual_variance", "degrees_of_freedom")
    model = {name: known[name] for name in ("kind", *names)} | {
        "muscle": "Tongue",
        "n": 60,
        "terms": [{}, {"age_years": 1}, {"sex_male": 1, "height_cm": 1}, {"bmi": 2}],
    }
    told = _document(model) | {"version": 1, "population": "60 neighbours"}
    return told | {"measure": "intensity.mean", "unit": "gray level"}


# Conversions


def _conversions() -> Iterator[tuple[str, bytes]]:
    from napari_muscle_us.reference.checksum import stamped
    from napari_muscle_us.reference.conversion.device_conversion import (
        example_conversion,
    )

    line = example_conversion()
    for name, conversion in (("plain", line), ("inverse", line.inverse())):
        document = stamped(conversion.model_dump(mode="json"))
        yield name, json.dumps(document).encode()


# Spreadsheets

Rows = list[list[Any]]

_MADE_AT: Final = b"2020-01-02T03:04:06Z"

_MEANS: Final[Rows] = [
    ["Muscle", "Sex", "Age", "n", "Mean", "SD"],
    ["Tongue", "m", "20-39", 20, 50.5, 8],
    ["Tongue", "m", "40-59", 21, 55, 9.25],
    ["Tongue", "f", "20-39", 22, 48, 7],
    ["Soleus", "all", "20-39", 40, 61, 8],
]
_LMS: Final[Rows] = [
    ["muscle", "sex", "age", "L", "M", "S", "n"],
    *[["Tongue", "male", 20 * k, 1 - k / 2, 40 + 10 * k, 0.1, 30] for k in range(5)],
    *[["Tongue", "female", 20 * k, 0, 42 + 9 * k, 0.12, 31] for k in range(5)],
]


def _published() -> Iterator[tuple[str, bytes]]:
    for name, rows in (("means", _MEANS), ("lms", _LMS)):
        yield name, csv_of(rows)
        yield f"{name} workbook", xlsx_of(rows)
    yield "semicolons", csv_of(_MEANS).replace(b",", b";").replace(b".", b",")


def _people() -> Iterator[tuple[str, bytes]]:
    long = _controls()
    yield "long", csv_of(long)
    yield "long workbook", xlsx_of(long)
    half = len(long) // 2
    yield (
        "visits",
        csv_of(
            [[*long[0], "visit"]]
            + [[*row, 1] for row in long[1:half]]
            + [[*row, 2] for row in long[1:half]]
        ),
    )
    wide: Rows = [["id", "age", "sex", "EI Soleus left", "EI Soleus right"]]
    for left, right in zip(long[1::2], long[2::2], strict=True):
        wide.append([left[0], left[5], left[6], left[4], right[4]])
    yield "wide", csv_of(wide, delimiter=";")


def _controls() -> Rows:
    """Return two sides of the people of a study, with whom nobody may see."""
    rng = np.random.default_rng(5)
    rows: Rows = [
        [
            *("code", "patient name", "muscle", "side", "EI", "age", "sex"),
            *("height (cm)", "weight (kg)", "handedness", "scanner"),
        ]
    ]
    for number in range(14):
        age, height = int(rng.integers(20, 80)), round(float(rng.normal(172, 9)), 1)
        for side in ("left", "right"):
            value = round(40 + 0.3 * age + float(rng.normal(0, 6)), 2)
            person = [age, "mf"[number % 2], height, 60 + number, "right"]
            known = [f"C{number}", f"{MARKER} Anna", "Soleus", side, value]
            rows.append([*known, *person, "AB"[number % 2]])
    return rows


def csv_of(rows: Sequence[Sequence[Any]], *, delimiter: str = ",") -> bytes:
    """Return rows as a text file."""
    return "\n".join(delimiter.join(map(str, row)) for row in rows).encode()


def xlsx_of(rows: Sequence[Sequence[Any]]) -> bytes:
    """Return rows as a workbook, the same one for the same rows."""
    import openpyxl

    from tests.fuzz.roi_mutations import packed

    book = openpyxl.Workbook()
    sheet = book.active
    for row in rows:
        sheet.append(list(row))
    book.properties.creator = MARKER
    buffer = io.BytesIO()
    book.save(buffer)
    files = []
    with zipfile.ZipFile(buffer) as archive:
        for name in archive.namelist():
            part = archive.read(name)
            if name == "docProps/core.xml":
                part = re.sub(
                    rb"\d{4}-\d\d-\d\dT[\d:]+Z", b"2020-01-02T03:04:06Z", part
                )
            files.append((name, part))
    return packed(files, zipfile.ZIP_DEFLATED)
