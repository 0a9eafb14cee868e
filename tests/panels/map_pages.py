"""Steps on the pages of live maps, of texture as of fibre direction."""

from __future__ import annotations

import threading

import numpy as np

from napari_muscle_us._napari import _roi_edits
from napari_muscle_us.roi.rasterize import roi_mask

from .roi_factory import SHAPE

WAIT_MS = 60_000


def settle(qtbot, page):
    """Wait until no map is being computed."""
    qtbot.waitUntil(lambda: not page._live.busy, timeout=WAIT_MS)
    return page


def hold_up(monkeypatch, work, window_of):
    """Hold up all computing until it is opened; tells what was begun and cancelled."""
    opened, real = threading.Event(), work.make_maps
    opened.begun, opened.cancelled = [], []

    def slow(wanted, kinds, *, progress, cancelled):
        window = window_of(wanted.settings)
        opened.begun.append(window)
        while not opened.wait(0.005):
            if cancelled():
                opened.cancelled.append(window)
                return None
        return real(wanted, kinds, progress=progress, cancelled=cancelled)

    monkeypatch.setattr(work, "make_maps", slow)
    yield opened
    opened.set()


def draw(session, *outlines):
    """Draw outlines and select them."""
    session.new_roi_layer()
    _roi_edits.add(session, list(outlines), "drawing")
    session.select(list(range(len(outlines))))


def in_rois(page):
    """Choose to make maps inside the ROIs."""
    page._where.setCurrentIndex(1)
    page._on_where(1)


def choose_unit(field, unit):
    """Choose px or mm for a length."""
    field._unit.setCurrentIndex(("px", "mm").index(unit))
    field._on_unit()


def mask_of(session):
    """Return the pixels inside any ROI."""
    mask = np.zeros(SHAPE, bool)
    for region in session.regions():
        mask |= roi_mask(region.roi, SHAPE)
    return mask


def assert_on_the_picture(layer, picture):
    """Check that a map lies where its picture does."""
    np.testing.assert_array_equal(layer.scale, picture.scale)
    np.testing.assert_array_equal(layer.translate, picture.translate)
    assert layer.units == picture.units
    assert layer.axis_labels == ("depth", "lateral")
    assert layer.colorbar.visible
    assert layer.colormap.nan_color[3] == 0
