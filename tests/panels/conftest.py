"""A viewer model with a sample and an ROI layer; no window, no OpenGL."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_muscle_us._napari._samples import transverse_healthy
from napari_muscle_us._napari._session import session_of
from napari_muscle_us.simulate import simulate_muscle


@pytest.fixture(scope="session")
def sample():
    return simulate_muscle("transverse_healthy")


@pytest.fixture(scope="session")
def sample_layer():
    return transverse_healthy()


@pytest.fixture
def viewer(sample_layer):
    """Yield a viewer that shows the healthy transverse sample."""
    model = ViewerModel()
    ((data, attributes, _),) = sample_layer
    model.add_image(data, **attributes)
    yield model
    model.layers.clear()


@pytest.fixture
def session(viewer):
    return session_of(viewer)


@pytest.fixture
def rois(session, sample):
    """Return a ROI layer with one outline, labelled and selected."""
    layer = session.new_roi_layer()
    layer.add(sample.muscle_outline, shape_type="polygon")
    session.edit(0, name="BB", muscle="Biceps brachii", side="left")
    session.select([0])
    return layer


def square(top: float, left: float, size: float) -> np.ndarray:
    """Return the corners of a square in napari's order for rectangles."""
    return np.array(
        [
            (top, left),
            (top, left + size),
            (top + size, left + size),
            (top + size, left),
        ]
    )


@pytest.fixture
def shown(qtbot):
    """Return a function that puts a panel on the (offscreen) screen."""

    def show(panel):
        qtbot.addWidget(panel)
        with qtbot.waitExposed(panel):
            panel.show()
        return panel

    return show


@pytest.fixture
def notes(monkeypatch):
    """Collect what napari would notify the user of, instead of showing it."""
    import napari.utils.notifications as notifications

    said = []
    monkeypatch.setattr(notifications, "show_error", said.append)
    monkeypatch.setattr(notifications, "show_info", said.append)
    return said


@pytest.fixture(autouse=True)
def autosave_place(monkeypatch):
    """Turn autosaving off, so that no test writes beside a file it opens.

    A test that is about it gives the fixture's function the place.
    """
    from napari_muscle_us._napari import _roi_autosave

    def choose(place):
        monkeypatch.setattr(_roi_autosave, "chosen_place", lambda: place)

    choose(_roi_autosave.OFF)
    return choose
