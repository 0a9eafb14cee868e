"""What one step of a drag costs on the screen, without napari's OpenGL canvas.

A vertex of a region of 100,000 px is dragged with napari's own mouse callbacks. The
first group is what we compute: numbers and plot, for which the goal is 16 ms. In the
second napari's triangulation of the shape is counted too, beside napari alone.
"""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import itertools
from types import SimpleNamespace

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtWidgets import QApplication

from benchmarks import test_roi_benchmarks
from benchmarks.test_roi_benchmarks import SHAPE, STEPS
from napari_muscle_us._napari._session import session_of
from napari_muscle_us._napari.panels.histogram import HistogramPanel
from napari_muscle_us._napari.panels.z_score import ZScorePanel
from napari_muscle_us.roi.rasterize import roi_mask
from napari_muscle_us.roi.shapes import Polygon

# The dragged vertex in the middle of the list: napari closes a shape whose last vertex
# comes upon its first.
OUTLINES = {
    kind: np.roll(outline, len(outline) // 2, axis=0)
    for kind, outline in test_roi_benchmarks.OUTLINES.items()
}
ROUNDS = {"polygon": 200, "freehand": 20}
"""napari triangulates an outline of 1000 vertices for a fifth of a second."""


@pytest.fixture(params=OUTLINES)
def kind(request):
    return request.param


@pytest.fixture
def viewer():
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    model = ViewerModel()
    model.add_image(((7 * x + 13 * y + (x * y) % 17) % 256).astype(np.uint8))
    yield model
    model.layers.clear()


def vertex_drag(layer, outline):
    """Press the mouse on the lowest vertex; return a function that moves it a step."""
    layer.mode = "direct"
    layer.selected_data = {0}
    lowest = outline[len(outline) // 2]
    mouse = SimpleNamespace(type="mouse_press", position=lowest, modifiers=())
    # napari's own, and the one that tells the end of a drag.
    drags = [callback(layer, mouse) for callback in layer.mouse_drag_callbacks]
    for drag in drags:
        next(drag)
    # napari may take hold of a neighbour, which is to move downwards just the same.
    row, column = outline[layer._moving_value[1]]
    mouse.type = "mouse_move"
    places = itertools.cycle(range(STEPS))

    def step():
        mouse.position = (row + next(places), column)
        for drag in drags:
            next(drag)

    return step


@pytest.fixture
def shown_panel(viewer, kind, qtbot, monkeypatch):
    """Return a function that shows a panel; with it, the one that moves the vertex."""

    def show(panel_class):
        session = session_of(viewer)
        layer = session.new_roi_layer()
        layer.add(OUTLINES[kind], shape_type="polygon")
        session.edit(0, muscle="Soleus")
        panel = panel_class(viewer)
        qtbot.addWidget(panel)
        panel.show()
        panel._plot.plot()
        QApplication.processEvents()
        # Refreshed here once a step, neither at the panel's own pace nor twice.
        monkeypatch.setattr(panel, "isVisible", lambda: False)
        return panel, vertex_drag(layer, OUTLINES[kind])

    return show


def refresh_and_paint(panel):
    panel.refresh()
    QApplication.processEvents()


def pixels_inside(viewer):
    outline = session_of(viewer).roi_layer.data[0]
    return roi_mask(Polygon(outline), SHAPE).sum()


@pytest.mark.benchmark(group="a step of a drag, numbers and plot")
@pytest.mark.parametrize("panel_class", [HistogramPanel, ZScorePanel])
def test_numbers_and_plot(benchmark, viewer, kind, shown_panel, panel_class):
    panel, move = shown_panel(panel_class)

    def setup():
        move()
        return (panel,), {}

    benchmark.pedantic(
        refresh_and_paint, setup=setup, rounds=ROUNDS[kind], warmup_rounds=2
    )
    if panel_class is HistogramPanel:
        ((_, shown),) = panel.value()
        assert shown.n == pixels_inside(viewer)


@pytest.mark.benchmark(group="a step of a drag, napari's shape included")
def test_napari_alone(benchmark, kind, viewer):
    layer = viewer.add_shapes([OUTLINES[kind]], shape_type="polygon")
    move = vertex_drag(layer, OUTLINES[kind])
    benchmark.pedantic(move, rounds=ROUNDS[kind], warmup_rounds=2)
    moved = np.any(layer.data[0] != OUTLINES[kind], axis=1)
    assert np.count_nonzero(moved) == 1


@pytest.mark.benchmark(group="a step of a drag, napari's shape included")
def test_whole_step(benchmark, kind, viewer, shown_panel):
    panel, move = shown_panel(HistogramPanel)

    def step():
        move()
        refresh_and_paint(panel)

    benchmark.pedantic(step, rounds=ROUNDS[kind], warmup_rounds=2)
    ((_, shown),) = panel.value()
    assert shown.n == pixels_inside(viewer)
