"""Regions to start from: files of ImageJ, autosaves, results tables, and operations.

An operation on regions is a small JSON text (kind ``shapes``), made by `program`, so
that a finding can be kept and run again like a damaged file.
"""

from __future__ import annotations

import io
import json
import tempfile
import zipfile
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator

    from napari_muscle_us.roi.entries import RoiEntry
    from napari_muscle_us.roi.shapes import AnyRoi

SHAPE: Final = (150, 200)
SAVED_AT: Final = datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC)
IMAGE_NAME: Final = "scan.png"
OTHER_NAME: Final = "scan 2.png"
AUTOSAVED: Final = "scan.dcm"


def gray(turn: int = 0) -> np.ndarray:
    """Return the picture that regions lie on."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    edges = 60 * (np.hypot(y - 70, x - 100) > 40) + (7 * x + 3 * y + 60 * turn) % 97
    return edges.astype(np.uint8)


@cache
def pictures() -> dict[str, bytes]:
    """Return the image files that the tables were measured on."""
    found = {}
    for turn, name in enumerate((IMAGE_NAME, OTHER_NAME)):
        buffer = io.BytesIO()
        Image.fromarray(gray(turn)).save(buffer, "PNG")
        found[name] = buffer.getvalue()
    return found


# Regions


def regions() -> dict[str, AnyRoi]:
    """Return a region of each kind."""
    from napari_muscle_us.roi.composite import Composite
    from napari_muscle_us.roi.open_shapes import Points, Polyline
    from napari_muscle_us.roi.shapes import Ellipse, Polygon, Rectangle

    corners = np.array([(10, 20), (12, 90), (80, 95), (60, 50), (70, 18)], float)
    hole = [(30, 40), (30, 60), (45, 60), (45, 40)]
    turn = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    wave = 30 + 4 * np.sin(5 * turn)
    free = np.column_stack([75 + wave * np.sin(turn), 100 + wave * np.cos(turn)])
    line = [(5, 6), (80, 120.5)]
    return {
        "rectangle": Rectangle(9.5, 19.5, 40, 60),
        "rectangle-part": Rectangle(9.25, 19.5, 40.5, 60.125),
        "oval": Ellipse(9.5, 19.5, 40, 60),
        "turned-rectangle": Rectangle(40, 50, 30, 60, angle_deg=25),
        "turned-ellipse": Ellipse(40, 50, 30, 60, angle_deg=-25),
        "polygon": Polygon(corners - 0.5),
        "polygon-part": Polygon(corners + 0.3),
        "freehand": Polygon(free),
        "composite": Composite([corners, hole]),
        "two-pieces": Composite([corners, np.add(hole, (80, 80))]),
        "line": Polyline(line, kind="line"),
        "polyline": Polyline([*line, (100, 50)], kind="polyline"),
        "freehand-line": Polyline(free, kind="freehand"),
        "angle": Polyline([*line, (100, 50)], kind="angle"),
        "points": Points([(3, 4), (5.25, 6), (100, 30)]),
        "point": Points([(3, 4)]),
    }


def entries() -> list[RoiEntry]:
    """Return entries with all that can stand in one."""
    from napari_muscle_us.roi.entries import RoiEntry
    from napari_muscle_us.roi.shapes import relabel

    made = []
    for number, (name, roi) in enumerate(regions().items()):
        labelled = relabel(
            roi, name=name, muscle="Biceps brachii" if number % 2 else "", side="left"
        )
        colour = ("", "#ff0080", "#10203040")[number % 3]
        made.append(
            RoiEntry(
                labelled,
                key=f"key{number}",
                colour=colour,
                locked=number % 4 == 1,
                frame=None if number % 2 else number,
            )
        )
    return made


def roi_contents() -> dict[str, bytes]:
    """Return one ``.roi`` file of each kind, as this package writes it."""
    from napari_muscle_us.io.imagej_write import encode_roi

    return {f"written-{e.roi.name}": encode_roi(e) for e in entries()}


def archives() -> Iterator[tuple[str, bytes]]:
    """Yield RoiSet archives: as written, with other files, with hostile names."""
    from napari_muscle_us.io.imagej_write import write_imagej_rois

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "RoiSet.zip"
        write_imagej_rois(path, entries())
        yield "written", path.read_bytes()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in {
            "readme.txt": b"notes",
            "__MACOSX/._a.roi": b"\0\5\26\7",
            **{f"{k}.roi": c for k, c in roi_contents().items()},
            "inner.zip": b"PK\5\6" + bytes(18),
        }.items():
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 2, 3, 4, 6)), content)
    yield "with-others", buffer.getvalue()


# Autosaves


def image_facts() -> Any:
    """Return the image that autosaves belong to."""
    from napari_muscle_us.io.autosave import ImageFacts

    return ImageFacts(AUTOSAVED, "key of scan", "ab" * 32, SHAPE)


def autosaves() -> Iterator[tuple[str, bytes]]:
    """Yield autosaves with regions of all kinds, keyframes, and ImageJ's bytes."""
    from napari_muscle_us.io.autosave import RoiSet, encode_autosave
    from napari_muscle_us.io.imagej_write import encode_roi
    from napari_muscle_us.roi.edit import move_roi
    from napari_muscle_us.roi.keyframes import with_keyframe

    plain = entries()
    moving = []
    for entry in plain[:6]:
        later = with_keyframe(entry, 3, entry.roi)
        moving.append(with_keyframe(later, 9, move_roi(entry.roi, 2, 3.5)))
    from dataclasses import replace

    known = [replace(entry, imagej=encode_roi(entry)) for entry in plain]
    image = image_facts()
    for name, sets in {
        "plain": [RoiSet("ROIs", tuple(plain))],
        "moving": [RoiSet("ROIs", tuple(moving), (0, 100, 10, 150))],
        "imagej": [RoiSet("ROIs", tuple(known)), RoiSet("ROIs [1]", tuple(plain[:2]))],
        "empty": [],
    }.items():
        yield name, encode_autosave(sets, image, saved_at=SAVED_AT)


# Results tables


def tables() -> Iterator[tuple[str, bytes]]:
    """Yield results tables of the `pictures`, with every kind of method."""
    import pandas as pd

    import napari_muscle_us as mus
    from napari_muscle_us.measure.fat_correction import FatCorrection
    from napari_muscle_us.measure_options import MeasureOptions
    from napari_muscle_us.reference.subject import Subject
    from napari_muscle_us.repeat_rows import repeat_rows
    from napari_muscle_us.roi.rules import RoiRules
    from napari_muscle_us.roi.shapes import relabel
    from napari_muscle_us.rows import ZScoreRequest

    known = regions()
    names = ("rectangle", "polygon-part", "turned-ellipse", "composite")
    rois = [
        relabel(known[n], name=n, muscle="Biceps brachii", side="left") for n in names
    ]
    options = MeasureOptions(
        percentiles=(10, 50.5),
        bands=((0, 50), (51, 100)),
        heterogeneity=True,
        standard_error=True,
        fat=FatCorrection(1.25, "caliper"),
        fat_roi=known["rectangle-part"],
        rules=RoiRules(min_pixels=20, inner_lateral=0.7),
    )
    request = ZScoreRequest("radboud-esaote-6100-adult", Subject(40, "male", 180, 80))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, content in pictures().items():
            (folder / file).write_bytes(content)
        images = [mus.read_image(folder / file) for file in pictures()]
        rows = [
            mus.measure_rois(image, rois[:1], subject="S1", visit="1", z_score=request)
            for image in images
        ]
        made = {
            "plain": pd.concat(rows, ignore_index=True),
            "options": mus.measure_rois(images[0], rois, options=options),
            "repeats": repeat_rows(pd.concat(rows, ignore_index=True), rule="mean"),
        }
        for title, table in made.items():
            table = table.assign(measured_at=SAVED_AT.isoformat())
            mus.write_results(folder / "results.csv", table)
            yield title, (folder / "results.csv").read_bytes()


# Operations

OPERATIONS: Final = (
    *("union", "subtract", "intersect", "grow", "move", "mirror", "resize", "lateral"),
    *("simplify", "snap", "keyframes", "measure", "imagej", "keyhole", "crossing"),
)
_FAR: Final = (0.0, 1.0, -0.5, 75.25, 1e3, 65535.5, 1e6, -1e6, 999999.5, 1e-9, -1e5)
_SIZES: Final = (1e-9, 1e-3, 0.5, 1.0, 3.0, 40.0, 90.5, 1e4, 1e6, 2e6)
_NUMBERS: Final = (
    *(0, 1, -1, 0.5, -0.5, 0.7, 2.5, 10, -10, 75.5, 100, 1e-9, -1e-9),
    *(1e3, -1e3, 1e6, 1e300, -1e308, 5e-324, "nan", "inf", "-inf"),
)
_MANY: Final = (3, 4, 5, 12, 60, 300, 2000, 20_000, 100_000)
_SHARES: Final = (6, 6, 6, 6, 6, 6, 6, 2, 1)
_RINGS: Final = ("ring", "star", "comb", "random", "same", "line", "spiral", "grid")


def operations() -> Iterator[tuple[str, bytes]]:
    """Yield each operation on two ordinary regions."""
    box = {"type": "rectangle", "top": 30, "left": 40, "height": 60, "width": 80}
    other = box | {"top": 50, "left": 70.5}
    for name in OPERATIONS:
        told = {"operation": name, "regions": [box, other], "numbers": [0.7, 2, 3, 4]}
        yield name, json.dumps(told).encode()


def program(chance: random.Random) -> bytes:
    """Return an operation on regions, hostile but mostly valid."""
    operation = chance.choice(OPERATIONS)
    count = chance.choice((1, 2, 2, 2, 3, 5))
    rois = [_region(chance) for _ in range(count)]
    if count > 1 and chance.random() < 0.25:
        rois[1] = rois[0]
    numbers = [_number(chance) for _ in range(4)]
    made = {"operation": operation, "regions": rois, "numbers": numbers}
    return json.dumps(made).encode()


def _number(chance: random.Random) -> Any:
    if chance.random() < 0.4:
        return round(chance.uniform(-30, 30), 3)
    return chance.choice(_NUMBERS)


def _region(chance: random.Random) -> dict[str, Any]:
    kind = chance.choices(
        ("made", "rectangle", "ellipse", "polygon", "composite", "polyline", "points"),
        (8, 4, 4, 4, 4, 1, 1),
    )[0]
    if kind == "made":
        return _ring(chance)
    if kind in ("rectangle", "ellipse"):
        return {
            "type": kind,
            "top": _place(chance),
            "left": _place(chance),
            "height": _size(chance),
            "width": _size(chance),
            "angle_deg": chance.choice((0, 0, 0, 12.5, 360, -90, 45, 1e6, 1e-300)),
        }
    if kind == "composite":
        parts = [_few(chance, 3) for _ in range(chance.choice((1, 2, 3, 8)))]
        if chance.random() < 0.4:
            parts = [_ring(chance) for _ in range(chance.choice((1, 2, 5, 600)))]
        return {"type": kind, "parts": parts}
    least = {"polygon": 3, "polyline": 2, "points": 1}[kind]
    return {"type": kind, "vertices": _few(chance, least)}


def _ring(chance: random.Random) -> dict[str, Any]:
    """Return how an outline of many vertices is made."""
    return {
        "type": "made",
        "form": chance.choice(_RINGS),
        "n": chance.choices(_MANY, _SHARES)[0],
        "centre": [_place(chance), _place(chance)],
        "size": _size(chance),
        "seed": chance.randrange(1000),
        "round_to": chance.choice((0, 0, 1, 0.5, 1e-7)),
    }


def _few(chance: random.Random, least: int) -> list[list[float]]:
    """Return few vertices, some of which are the same, or lie on one line."""
    n = chance.choice((least, least + 1, 4, 6, 10))
    if chance.random() < 0.3:
        return [[_place(chance), _place(chance)] for _ in range(max(n, least))]
    step = chance.choice((1, 1, 0.5, 1e-6, 1 / 65536, 1e4))
    points = [
        [chance.randrange(12) * step, chance.randrange(12) * step]
        for _ in range(max(n, least))
    ]
    if chance.random() < 0.3:
        points.insert(chance.randrange(len(points)), list(chance.choice(points)))
    return points


def _place(chance: random.Random) -> float:
    if chance.random() < 0.6:
        return round(chance.uniform(-50, 250), chance.choice((0, 1, 6)))
    return chance.choice(_FAR)


def _size(chance: random.Random) -> float:
    if chance.random() < 0.6:
        return round(chance.uniform(0.1, 150), chance.choice((0, 1, 6))) or 1.0
    return chance.choice(_SIZES)


def vertices_of(made: dict[str, Any]) -> np.ndarray:
    """Return the outline that `_ring` described."""
    n, size = int(made["n"]), float(made["size"])
    if not 1 <= n <= 200_000:
        raise ValueError("too many vertices")
    rng = np.random.default_rng(int(made["seed"]))
    turn = np.arange(n) * (2 * np.pi / n)
    circle = np.column_stack([np.sin(turn), np.cos(turn)])
    steps = np.arange(n)
    half = n // 2
    forms = {
        "ring": lambda: circle,
        "star": lambda: circle * np.where(steps % 2, 0.4, 1.0)[:, None],
        "comb": lambda: np.column_stack(
            [np.where(steps % 2, 1.0, -1 + 0.1 * (steps % 3)), 2 * steps / n - 1]
        ),
        "random": lambda: rng.uniform(-1, 1, (n, 2)),
        "same": lambda: np.zeros((n, 2)),
        "line": lambda: np.column_stack([turn, turn]) / 7,
        # Out on one arm and back on the other.
        "spiral": lambda: np.vstack(
            [
                (circle * 20 % 1)[:half] * (steps[:half, None] / n),
                circle[: n - half] * (steps[: n - half, None] / n)[::-1],
            ]
        ),
        "grid": lambda: rng.integers(-3, 4, (n, 2)) / 3,
    }
    points = forms[str(made["form"])]() * size + np.array(made["centre"], float)
    grain = float(made["round_to"])
    return np.round(points / grain) * grain if grain > 0 else points
