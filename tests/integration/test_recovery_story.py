"""A program that is killed in the middle of drawing loses nothing that matters."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from napari_muscle_us._napari import _roi_autosave
from napari_muscle_us._napari._readers import read_layers
from napari_muscle_us._napari._session import session_of
from tests.integration.drawing_program import CORNERS

ROOT = Path(__file__).resolve().parents[2]
START_S = 90
LOSS_S = 2.0
"""What is older than this must not be lost."""


@pytest.fixture
def scan(tmp_path):
    path = tmp_path / "scan.png"
    gray = np.random.default_rng(4).integers(0, 255, (120, 160), dtype=np.uint8)
    Picture.fromarray(gray).save(path)
    return path


def wait_for(path):
    end = time.monotonic() + START_S
    while not path.exists():
        assert time.monotonic() < end, "the program did not come to draw"
        time.sleep(0.02)


def test_kill_in_the_middle_of_drawing(
    scan, tmp_path, make_napari_viewer, autosave_place
):
    ready = tmp_path / "ready"
    program = [sys.executable, "-m", "tests.integration.drawing_program"]
    drawing = subprocess.Popen([*program, str(scan), str(ready)], cwd=ROOT)
    try:
        wait_for(ready)
        time.sleep(LOSS_S)
    finally:
        drawing.kill()
        drawing.wait()
    autosave_place(_roi_autosave.BESIDE)
    viewer = make_napari_viewer()
    ((data, attributes, _),) = read_layers(scan)
    viewer.add_image(data, **attributes)
    session = session_of(viewer)
    session.autosave.restore()
    (region,) = session.regions()
    assert region.name == "unfinished"
    corners = region.roi.vertices
    for corner in CORNERS:
        assert np.abs(corners - corner).max(axis=1).min() < 1.5
