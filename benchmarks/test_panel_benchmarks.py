"""What one step of a drag costs in the histogram panel, without napari's canvas.

Thirty steps a second leave 33 ms for a step, napari's own drawing included.
"""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import numpy as np
import pytest
from napari.components import ViewerModel
from qtpy.QtWidgets import QApplication

from benchmarks.test_roi_benchmarks import OUTLINE, SHAPE
from napari_muscle_us._napari._session import session_of
from napari_muscle_us._napari.panels.histogram import HistogramPanel
from napari_muscle_us._napari.panels.z_score import ZScorePanel


@pytest.fixture
def viewer():
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    model = ViewerModel()
    model.add_image(((7 * x + 13 * y + (x * y) % 17) % 256).astype(np.uint8))
    layer = session_of(model).new_roi_layer()
    layer.add(OUTLINE, shape_type="polygon")
    session_of(model).edit(0, muscle="Soleus")
    yield model
    model.layers.clear()


@pytest.mark.benchmark(group="a step of a drag, 300 px region on 800 x 600")
@pytest.mark.parametrize("kind", [HistogramPanel, ZScorePanel])
def test_a_step_of_a_drag(benchmark, qtbot, viewer, kind):
    panel = kind(viewer)
    qtbot.addWidget(panel)
    panel.show()
    panel._plot.plot()
    QApplication.processEvents()
    layer = session_of(viewer).roi_layer
    steps = [0]

    def step():
        steps[0] += 1
        moved = OUTLINE.copy()
        moved[0] += steps[0] % 20
        layer._data_view.edit(0, moved)
        panel.refresh()
        QApplication.processEvents()

    benchmark(step)
    assert steps[0] > 5
