"""The command line says so where the first texture waits for a compiler."""

from __future__ import annotations

import numpy as np
import pytest
import tifffile
from PIL import Image

import napari_muscle_us as mus
from napari_muscle_us import cli_texture_compiling
from napari_muscle_us.cli import main
from napari_muscle_us.io import read

MEASURE = ("measure", "scan.png", "--roi", "bb.roi", "--out", "out.csv")
MAP = ("texture", "map", "scan.png", "--out", "map.tif", "--window-px", "9")


@pytest.fixture
def run(tmp_path, monkeypatch, capfd, formula_image):
    """Run the command in a folder with an image; return status and error lines."""
    monkeypatch.chdir(tmp_path)
    Image.fromarray(formula_image).save("scan.png")
    roi = mus.Polygon([(20, 10), (150, 25), (90, 140)], name="BB")
    mus.write_imagej_rois("bb.roi", [roi])

    def command(*arguments):
        capfd.readouterr()
        with pytest.raises(SystemExit) as stop:
            main(list(arguments))
        return stop.value.code, capfd.readouterr().err.splitlines()

    return command


@pytest.fixture
def compiling(monkeypatch):
    """Let each image that is read come with two loops to compile."""
    from numba import njit

    original = read.read_image

    def slow(path, **options):
        for _ in range(2):
            assert njit(lambda x: x + 1)(1) == 2
        return original(path, **options)

    monkeypatch.setattr(read, "read_image", slow)


def told(lines):
    return [line for line in lines if line.startswith("Note: Compiling the loops")]


@pytest.mark.usefixtures("compiling")
@pytest.mark.parametrize(
    ("patience", "times"), [(0.0, 1), (1e9, 0)], ids=["long", "short"]
)
@pytest.mark.parametrize(
    "command", [(*MEASURE, "--texture", "glcm"), MAP], ids=["measure", "map"]
)
def test_compiling_that_takes_long_is_told_once(
    run, monkeypatch, command, patience, times
):
    monkeypatch.setattr(cli_texture_compiling, "PATIENCE_S", patience)
    status, lines = run(*command)
    assert status == 0
    assert len(told(lines)) == times


@pytest.mark.usefixtures("compiling")
def test_a_preset_tells_it_too(run, monkeypatch):
    monkeypatch.setattr(cli_texture_compiling, "PATIENCE_S", 0.0)
    status, lines = run(*MEASURE, "--texture-preset", "default")
    assert (status, len(told(lines))) == (0, 1)


def test_loading_what_was_compiled_before_is_not_told(run, monkeypatch):
    run(*MAP)
    monkeypatch.setattr(cli_texture_compiling, "PATIENCE_S", 0.0)
    status, lines = run(*MAP)
    assert (status, told(lines)) == (0, [])
    assert np.isfinite(tifffile.imread("map.tif")).any()


@pytest.mark.usefixtures("compiling")
def test_it_is_told_of_texture_alone_and_until_its_end(run, monkeypatch):
    monkeypatch.setattr(cli_texture_compiling, "PATIENCE_S", 0.0)
    assert told(run(*MEASURE, "--texture", "glcm")[1])
    assert not told(run(*MEASURE)[1])
