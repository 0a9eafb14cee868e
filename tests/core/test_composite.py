"""Composites: ImageJ's masks, areas of nested outlines, and the path without holes."""

from __future__ import annotations

import json
import os
import zlib
from pathlib import Path

import numpy as np
import pytest

import napari_muscle_us as mus
from napari_muscle_us.errors import RoiError
from napari_muscle_us.roi.composite import Composite
from napari_muscle_us.roi.keyhole import from_keyhole, keyhole, mend_keyhole
from napari_muscle_us.roi.rasterize import usable_window

from .imagej_java import run_imagej

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
SHAPE = (64, 80)
STEPS = (1, 0.5, 1 / 16, 0.0)
"""Vertices lie on multiples of it; 0 is any number in single precision."""


def draw_outline(rng, centre, radius, step):
    n = int(rng.integers(3, 14))
    theta = np.sort(rng.uniform(0, 2 * np.pi, n))
    reach = rng.uniform(0.4, 1, n) * radius
    xy = centre + reach[:, None] * np.column_stack([np.cos(theta), np.sin(theta)])
    return np.round(xy / step) * step if step else xy.astype(np.float32).astype(float)


def draw_composite(rng, index):
    """Return outlines (x, y): holes, islands in them, neighbours that touch."""
    step = STEPS[index % len(STEPS)]
    centre, radius = rng.uniform(-5, 85, 2) * (1, 0.8), rng.uniform(3, 40)
    parts = [draw_outline(rng, centre, radius, step)]
    if index % 3 != 1:
        parts.append(draw_outline(rng, centre, radius * 0.4, step))
    if index % 3 == 2:
        parts.append(draw_outline(rng, centre, radius * 0.15, step))
    if index % 5 == 0:
        # A neighbour with a corner, and one with an edge, in common.
        first = parts[0]
        away = first[:1] + (first[:1] - centre) * 0.5
        parts.append(np.vstack([first[0], np.add(away, (2, 5)), away - (3, 1)]))
        parts.append(np.vstack([first[1], first[2], (first[1] + first[2]) - centre]))
    if index % 4 == 1:
        parts.append(draw_outline(rng, rng.uniform(0, 70, 2), 12, step))
    order = rng.permutation(len(parts)) if index % 2 else np.arange(len(parts))
    return [parts[k].astype(np.float32).astype(float) for k in order]


def ours(parts):
    mask = mus.roi_mask(Composite([part[:, ::-1] - 0.5 for part in parts]), SHAPE)
    return int(mask.sum()), zlib.crc32(mask.astype(np.uint8).tobytes())


def ask_imagej(composites, folder):
    text = (
        ";".join(" ".join(map(repr, part.ravel().tolist())) for part in parts)
        for parts in composites
    )
    request = folder / "composites.txt"
    request.write_text("\n".join(text) + "\n")
    source = GOLDEN / "ImageJComposite.java"
    lines = run_imagej(source, request, str(SHAPE[1]), str(SHAPE[0])).splitlines()
    return [tuple(map(int, line.split())) for line in lines]


def test_masks_are_imagejs(tmp_path):
    rng = np.random.default_rng(20261123)
    composites = [draw_composite(rng, index) for index in range(300)]
    expected = ask_imagej(composites, tmp_path)
    assert sum(n > 0 for n, _ in expected) > 250
    assert [ours(parts) for parts in composites] == expected
    if os.environ.get("REMAKE_GOLDEN"):
        write_golden(composites, expected)


def write_golden(composites, expected):
    """Write the first composites whose line fits; run with ``REMAKE_GOLDEN=1``."""
    text = ""
    for parts, (n, crc) in zip(composites, expected, strict=True):
        flat = [[float(f"{v:.9g}") for v in part.ravel()] for part in parts]
        row = {"spec": flat, "n": n, "mask_crc32": crc}
        line = json.dumps(row, separators=(",", ":")) + "\n"
        if len(text) + len(line) < 19_500:
            text += line
    (GOLDEN / "imagej_composites.jsonl").write_text(text, newline="\n")


GOLDEN_ROWS = [
    json.loads(line)
    for line in (GOLDEN / "imagej_composites.jsonl").read_text().splitlines()
]


@pytest.mark.parametrize("row", GOLDEN_ROWS, ids=range(len(GOLDEN_ROWS)))
def test_mask_is_the_one_imagej_wrote_down(row):
    parts = [np.reshape(flat, (-1, 2)) for flat in row["spec"]]
    assert ours(parts) == (row["n"], row["mask_crc32"])


def test_the_golden_composites_have_pixels():
    assert len(GOLDEN_ROWS) == 66
    assert sum(row["n"] > 0 for row in GOLDEN_ROWS) > 50


@pytest.mark.parametrize("start", [(-3.25, -4.5), (0, 0), (7.5, 11.25)], ids=str)
def test_a_ring_holds_its_outside_without_its_hole(start):
    outer = np.array([(0, 0), (3, 31), (40.5, 36), (33, -2)]) + np.array(start)
    hole = np.array([(9.25, 8), (11, 20.5), (21, 13)]) + np.array(start)
    ring = mus.roi_mask(Composite([outer, hole]), SHAPE)
    whole, cut = (mus.roi_mask(mus.Polygon(part), SHAPE) for part in (outer, hole))
    np.testing.assert_array_equal(ring, whole & ~cut)
    assert cut.sum() > 20


# One path without holes


def islands(rng, count):
    """Return a plate with holes side by side, some with an island."""
    parts = [np.array([(1.5, 1.25), (1.5, 78.5), (62.25, 77), (60.5, 2)])]
    for k in range(count):
        centre = (30, 8 + 68 * (k + 0.5) / count)
        for size in (0.45, 0.2)[: 1 + k % 2]:
            theta = rng.uniform(0, 6) + np.arange(7) * 2 * np.pi / 7
            around = np.column_stack([20 * np.sin(theta), 60 / count * np.cos(theta)])
            parts.append(np.round((centre + size * around) * 16) / 16)
    return Composite(parts, name="VL", side="left")


@pytest.mark.parametrize("count", [0, 1, 2, 5])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_keyhole_selects_the_same_pixels_and_comes_back(count, dtype):
    roi = islands(np.random.default_rng(count), count)
    vertices, lengths = keyhole(roi)
    np.testing.assert_array_equal(
        mus.roi_mask(mus.Polygon(vertices), SHAPE), mus.roi_mask(roi, SHAPE)
    )
    back = from_keyhole(vertices.astype(dtype), lengths, name="VL", side="left")
    assert (back.name, back.side) == ("VL", "left")
    for part, drawn in zip(back.parts, roi.parts, strict=True):
        np.testing.assert_array_equal(part, drawn)


def test_a_moved_keyhole_is_the_moved_region():
    vertices, lengths = keyhole(islands(np.random.default_rng(3), 3))
    moved = (vertices * 1.01 + (3.3, -1.7)).astype(np.float32)
    back = from_keyhole(moved, lengths)
    np.testing.assert_allclose(keyhole(back)[0], moved, rtol=1e-6)


def doubled(vertices):
    """Return the places of a path that share their vertex with another."""
    _, inverse, counts = np.unique(
        vertices, axis=0, return_inverse=True, return_counts=True
    )
    return np.flatnonzero(counts[inverse.ravel()] > 1)


def test_each_copy_that_is_dragged_takes_the_others_along():
    before, lengths = keyhole(islands(np.random.default_rng(8), 4))
    copies = doubled(before)
    # Every outline begins where a bridge ends; the first one has a copy a bridge.
    assert len(copies) == 2 * (len(lengths) - 1) + len(lengths)
    for place in copies:
        dragged = before.astype(np.float32)
        dragged[place] += (0.5, -0.75)
        assert from_keyhole(dragged, lengths) is None
        mended = mend_keyhole(dragged, before, lengths)
        same = (before == before[place]).all(axis=1)
        np.testing.assert_allclose(mended[same], before[same] + (0.5, -0.75), rtol=1e-6)
        np.testing.assert_allclose(mended[~same], before[~same], rtol=1e-6)
        assert from_keyhole(mended, lengths) is not None


@pytest.mark.parametrize("change", [lambda v: v[1:], lambda v: np.vstack([v, v[:1]])])
def test_a_path_with_other_vertices_is_no_composite(change):
    before, lengths = keyhole(islands(np.random.default_rng(2), 2))
    changed = change(before)
    assert from_keyhole(changed, lengths) is None
    np.testing.assert_array_equal(mend_keyhole(changed, before, lengths), changed)
    assert from_keyhole(before, ()) is None
    assert from_keyhole(before, (2, *lengths[1:])) is None


def test_many_vertices_cost_no_more_than_one_outline():
    """The check for crossings compares only edges whose rows overlap."""
    theta = np.linspace(0, 2 * np.pi, 5000, endpoint=False)
    circle = np.column_stack([np.sin(theta), np.cos(theta)])
    roi = Composite([circle * 300 + 320, circle * 120 + 320])
    window = usable_window(roi, (700, 700))
    assert window.n_pixels == pytest.approx(np.pi * (300**2 - 120**2), rel=1e-3)
    with pytest.raises(RoiError, match="crosses itself"):
        usable_window(Composite([circle * 300 + 320, circle * 120 + 600]), (700, 700))
