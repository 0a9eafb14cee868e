"""A real aponeurosis outlined with a real mouse in a real viewer."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from scipy.ndimage import label
from tifffile import imread

from napari_muscle_us._napari._magnetic import MagneticTool
from napari_muscle_us._napari._magnetic_path import MagneticPath
from napari_muscle_us._napari._magnetic_preview import PREVIEW_NAME
from napari_muscle_us._napari._readers import read_layers
from napari_muscle_us._napari._session import session_of

SHARED = Path(__file__).parents[3] / "shared" / "data" / "apo_fascicle_masks"
SCAN = "img_00048.tif"
CLICKS = 3
MARGIN = 20

pytestmark = pytest.mark.skipif(
    not (SHARED / "apo_masks" / SCAN).exists(), reason="../shared/data is not here"
)


@pytest.fixture
def scan(tmp_path):
    """Return a copy of the picture, so that nothing is written beside the original."""
    path = tmp_path / "scan.png"
    Picture.fromarray(read_gray(SCAN)).save(path)
    return path


def read_gray(name):
    gray = imread(SHARED / "apo_images" / name)
    gray = gray if gray.ndim == 2 else gray[..., :3].mean(axis=-1)
    return gray.astype(np.uint8)


def borders(name=SCAN):
    """Return columns and rows of the muscle's upper and lower border as drawn by hand.

    They are the lower border of the upper aponeurosis and the upper border of the
    lower one.
    """
    mask = imread(SHARED / "apo_masks" / name)
    mask = mask if mask.ndim == 2 else mask[..., 0]
    parts, n = label(mask > 127)
    found = []
    for number in range(1, n + 1):
        rows, columns = np.nonzero(parts == number)
        at = np.unique(columns)
        if len(at) > 200:
            ends = np.array([rows[columns == c][[0, -1]] for c in at], float)
            found.append((at, ends))
    found.sort(key=lambda part: part[1].mean())
    (upper, over), (lower, below) = found[:2]
    return (upper, over[:, 1]), (lower, below[:, 0])


def clicks(columns, rows):
    """Return a few places along a border, evenly apart."""
    at = np.linspace(MARGIN, len(columns) - 1 - MARGIN, CLICKS).astype(int)
    return [(rows[i], columns[i]) for i in at]


def away(outline, columns, rows):
    """Return how far an outline lies from a drawn border, column by column."""
    at = columns[2 * MARGIN : -2 * MARGIN]
    truth = np.interp(at, columns, rows)
    closed = np.vstack([outline, outline[:1]])
    best = np.full(len(at), np.inf)
    for (r0, c0), (r1, c1) in pairwise(closed):
        low, high = sorted((c0, c1))
        inside = (at >= low) & (at <= high)
        if high > low:
            row = r0 + (at - c0) / (c1 - c0) * (r1 - r0)
            off = np.where(inside, np.abs(row - truth), np.inf)
            best = np.minimum(best, off)
    return best


def test_clicks_along_a_real_aponeurosis_follow_it(viewer, qtbot, mouse, scan):
    ((data, attributes, _),) = read_layers(scan)
    image = viewer.add_image(data, **attributes)
    session = session_of(viewer)
    tool = MagneticTool(session)
    tool.start()
    hand = mouse(viewer, image)
    camera = viewer.scene.camera
    view = (camera.center, camera.zoom)
    upper, lower = borders()
    places = [*clicks(*upper), *clicks(*lower)[::-1]]
    for place in places:
        hand.click(*place)
    assert len(tool._path.anchors) == 2 * CLICKS
    hand.click(*places[-1], double=True)
    (region,) = session.regions()
    assert region.problem == ""
    assert (camera.center, camera.zoom) == view
    straight = np.array(places)
    for border in (upper, lower):
        wire = away(region.roi.outline(), *border)
        line = away(straight, *border)
        assert np.median(wire) < 3
        assert wire.mean() < 3
        assert np.isfinite(line).all()
    wires = [away(region.roi.outline(), *b).mean() for b in (upper, lower)]
    lines = [away(straight, *b).mean() for b in (upper, lower)]
    assert sum(wires) < sum(lines)


def test_keys_and_clean_up_on_the_canvas(viewer, qtbot, mouse, scan):
    ((data, attributes, _),) = read_layers(scan)
    image = viewer.add_image(data, **attributes)
    session = session_of(viewer)
    tool = MagneticTool(session)
    tool.start()
    hand = mouse(viewer, image)
    canvas = viewer.window._qt_viewer.canvas.native
    upper, lower = borders()
    places = [*clicks(*upper), *clicks(*lower)[::-1]]
    for place in places:
        hand.click(*place)
    QTest.keyClick(canvas, Qt.Key.Key_Backspace)
    assert len(tool._path.anchors) == 2 * CLICKS - 1
    QTest.keyClick(canvas, Qt.Key.Key_T)
    assert [r.problem for r in session.regions()] == [""]
    for place in places:
        hand.click(*place)
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    assert [r.name for r in session.regions()] == ["ROI 1", "ROI 2"]
    hand.click(*places[0])
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert tool.active
    QTest.keyClick(canvas, Qt.Key.Key_Escape)
    assert not tool.active
    assert PREVIEW_NAME not in [layer.name for layer in viewer.layers]
    assert len(session.regions()) == 2
    # The canvas is napari's again: a double click zooms.
    zoom = viewer.scene.camera.zoom
    hand.click(*places[0], double=True)
    assert viewer.scene.camera.zoom == 2 * zoom
    tool.start()


def test_an_unsteady_hand_comes_nearer_to_the_drawn_borders():
    """Twelve pictures, three clicks a border, each some 4 px beside it.

    Clicks right on the border need no magnet: straight lines are then as near.
    """
    rng = np.random.default_rng(0)
    wire, line = [], []
    for file in sorted((SHARED / "apo_masks").glob("*.tif")):
        upper, lower = borders(file.name)
        places = np.array([*clicks(*upper), *clicks(*lower)[::-1]], float)
        places[:, 0] += rng.normal(0, 4, len(places))
        path = MagneticPath(read_gray(file.name))
        for place in places:
            path.add(place)
        outline = path.outline()
        wire += [away(outline, *border).mean() for border in (upper, lower)]
        line += [away(places, *border).mean() for border in (upper, lower)]
    assert len(wire) == 24
    assert np.median(wire) < 2
    assert np.median(wire) < 0.7 * np.median(line)
    assert np.mean(wire) < np.mean(line)
