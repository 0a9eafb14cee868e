"""What one step of a drag costs in the texture panel, without napari's OpenGL canvas.

A vertex of a region of 100,000 px is dragged with napari's own mouse callbacks; counted
are texture and table, for which the goal is 16 ms. The matrix is drawn by matplotlib.
"""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import time

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtWidgets import QApplication

from benchmarks.test_panel_benchmarks import OUTLINES, vertex_drag
from benchmarks.test_roi_benchmarks import SHAPE
from napari_muscle_us._napari._session import session_of
from napari_muscle_us._napari.panels.texture import FEATURES, MATRIX, TexturePanel
from napari_muscle_us.measure.texture.settings import FAMILIES, TextureSettings

SETTINGS = {
    "GLCM": TextureSettings(),
    "GLCM, 256 levels": TextureSettings(bin_size=1),
    "GLCM, each direction": TextureSettings(each_direction=True),
    "all nine families": TextureSettings(families=FAMILIES),
}
_WAIT_SECONDS = 60.0


@pytest.fixture
def viewer():
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    waves = 90 + 60 * np.sin(x / 7) * np.cos(y / 11)
    grain = np.random.default_rng(0).normal(0, 25, SHAPE)
    model = ViewerModel()
    model.add_image(np.clip(waves + grain, 0, 255).astype(np.uint8))
    yield model
    model.layers.clear()


@pytest.fixture
def dragged(viewer, qtbot, monkeypatch):
    """Return a function that shows the panel, and gives one that moves the vertex."""

    def show(settings, page):
        session = session_of(viewer)
        layer = session.new_roi_layer()
        layer.add(OUTLINES["polygon"], shape_type="polygon")
        panel = TexturePanel(viewer)
        qtbot.addWidget(panel)
        panel.features.form.set_value(settings)
        panel.show()
        panel.show_page(page)
        settle(panel)
        # Refreshed here once a step, neither at the panel's own pace nor twice.
        monkeypatch.setattr(panel, "isVisible", lambda: False)
        return panel, vertex_drag(layer, OUTLINES["polygon"])

    return show


def settle(panel):
    """Wait until everything is compiled, and the plot is there."""
    end = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < end:
        panel.refresh()
        QApplication.processEvents()
        jobs = (panel.features.live.job, panel.matrix._live.job)
        if not any(job.running for job in jobs):
            break
        time.sleep(0.05)
    panel.refresh()
    QApplication.processEvents()


def refresh_and_paint(panel):
    panel.refresh()
    QApplication.processEvents()


@pytest.mark.benchmark(group="a step of a drag, texture and table")
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_features(benchmark, dragged, settings):
    panel, move = dragged(settings, FEATURES)

    def setup():
        move()
        return (panel,), {}

    benchmark.pedantic(refresh_and_paint, setup=setup, rounds=100, warmup_rounds=3)
    (column,) = panel.features.columns()
    assert column.outcome["glcm.contrast"] > 0


@pytest.mark.benchmark(group="a step of a drag, the matrix drawn")
def test_matrix(benchmark, dragged):
    panel, move = dragged(TextureSettings(), MATRIX)
    panel.matrix.plot.plot()

    def setup():
        move()
        return (panel,), {}

    benchmark.pedantic(refresh_and_paint, setup=setup, rounds=50, warmup_rounds=3)
    assert len(panel.matrix.value()) == 1
