"""What the pages of texture maps and of maps of fibre direction have in common."""

from __future__ import annotations

import dataclasses
import gc
import weakref
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pytest
from napari.components import ViewerModel

import napari_muscle_us as mus
from napari_muscle_us._napari._session import session_of
from napari_muscle_us._napari.panels import _animap_work, _texmap_work
from napari_muscle_us._napari.panels._widgets import PANEL_WIDTH
from napari_muscle_us._napari.panels.anisotropy_map import AnisotropyMapPage
from napari_muscle_us._napari.panels.texture_map import TextureMapPage
from napari_muscle_us.image import Calibration

from .map_pages import choose_unit, draw, hold_up, settle
from .roi_factory import SHAPE, box, session_with


class Kind(NamedTuple):
    """A page, what makes its maps, one of them, the click on it, and its window."""

    page: type
    work: Any
    shown: str
    click: Any
    window: Any


TEXTURE = Kind(
    TextureMapPage,
    _texmap_work,
    "contrast",
    lambda page: page._add.click(),
    lambda page: page._form.window,
)
ANISOTROPY = Kind(
    AnisotropyMapPage,
    _animap_work,
    "coherency",
    lambda page: page._ticks["coherency"].click(),
    lambda page: page._form.sigma,
)


@pytest.fixture(params=[TEXTURE, ANISOTROPY], ids=["texture", "anisotropy"])
def kind(request):
    return request.param


def lines():
    """Return straight lines, in which there is texture as well as direction."""
    pixels = np.round(128 + 100 * np.sin(np.arange(SHAPE[1])))
    pixels = np.tile(pixels.astype(np.uint8), (SHAPE[0], 1))
    pixels.setflags(write=False)
    scale = Calibration((0.1, 0.2), "test")
    return mus.UltrasoundImage(pixels, name="a.png", digest="a" * 64, calibration=scale)


@pytest.fixture
def page(kind, shown):
    return shown(kind.page(session_with(lines())))


@pytest.fixture
def settled(qtbot):
    return partial(settle, qtbot)


@pytest.fixture
def gate(kind, monkeypatch):
    yield from hold_up(monkeypatch, kind.work, lambda settings: settings)


@pytest.fixture
def layer(page, kind, settled):
    """Return a map that a user put on the image."""
    kind.click(page)
    settled(page)
    return page._live.layer(kind.shown)


def test_a_map_lies_below_the_outlines(page, kind, settled):
    draw(page._session, box())
    kind.click(page)
    layers = page._session.viewer.layers
    layer = page._live.layer(kind.shown)
    order = [page._session.image_layer, layer, page._session.roi_layer]
    assert [layers.index(x) for x in order] == [0, 1, 2]
    settled(page)


def test_a_name_given_by_the_user_stays(page, kind, layer, settled):
    layer.name = "mine"
    kind.window(page)._px.setValue(17)
    settled(page)
    assert layer.name == "mine"
    assert np.isfinite(layer.data).any()


def test_millimetres_need_a_scale(page, kind, layer, settled):
    window = kind.window(page)
    choose_unit(window, "mm")
    settled(page)
    page._session.calibrate(None)
    settled(page)
    assert "no scale" in page._message.text()
    assert np.isnan(layer.data).all()
    choose_unit(window, "px")
    settled(page)
    assert np.isfinite(layer.data).any()
    assert page._message.text() == ""
    assert not window._unit.isEnabled()


def test_coloured_pixels_are_said(kind, shown, settled):
    gray = lines()
    coloured = np.zeros(SHAPE, bool)
    coloured[20, 10:17] = True
    page = shown(kind.page(session_with(dataclasses.replace(gray, coloured=coloured))))
    kind.click(page)
    settled(page)
    assert "7 of the pixels are coloured" in page._message.text()


def test_where_and_follow_are_those_of_the_viewer(page, kind, shown):
    other = shown(kind.page(page._session))
    page._live.set_place(in_rois=True, follow=False)
    assert other._where.currentText() == "Inside the selected ROIs"
    assert not other._follow.isChecked()
    other._follow.setChecked(True)
    assert page._follow.isChecked()


def test_without_an_image_nothing_is_added(kind, shown):
    viewer = ViewerModel()
    page = shown(kind.page(session_of(viewer)))
    kind.click(page)
    assert "No image is open" in page._message.text()
    assert len(viewer.layers) == 0


def test_a_viewer_that_closes_meanwhile_is_no_error(kind, shown, settled, gate):
    viewer = ViewerModel()
    session_of(viewer).add_image(lines())
    page = shown(kind.page(session_of(viewer)))
    kind.click(page)
    assert page._live.busy
    viewer.layers.clear()
    live, known = page._live, weakref.ref(viewer)
    del viewer
    gc.collect()
    assert known() is None
    gate.set()
    live.refresh()
    settled(page)
    assert live.kinds == ()


def test_nothing_is_clipped_at_the_narrowest(page, kind):
    page.resize(PANEL_WIDTH, 700)
    body = kind.window(page).parentWidget()
    assert body.minimumSizeHint().width() <= PANEL_WIDTH
