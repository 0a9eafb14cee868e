"""Whole stories of fibre direction: ROIs, maps, architecture, and panels that go."""

from __future__ import annotations

import weakref

import numpy as np
import pytest
from qtpy.compat import isalive

import napari_muscle_us as mus
from napari_muscle_us._napari import _roi_edits
from napari_muscle_us._napari._map_layers import is_map
from napari_muscle_us._napari._session import session_of
from napari_muscle_us._napari.panels._animap_live import live_directions_of
from napari_muscle_us._napari.panels._arch_live import live_architecture_of
from napari_muscle_us._napari.panels.anisotropy import ARCHITECTURE, MAP

from .conftest import announce, forget_deleted, press, settle

PLUGIN = "napari-muscle-us"
WAIT_MS = 60_000
TRUE_DEG = 16.0
"""Direction of the fascicles of the simulated longitudinal muscle."""


@pytest.fixture
def session(viewer):
    """Return the session of a simulated muscle with its outline."""
    viewer.open_sample(PLUGIN, "longitudinal_healthy")
    session = session_of(viewer)
    outline = mus.simulate_muscle("longitudinal_healthy").muscle_outline
    session.new_roi_layer()
    _roi_edits.add(session, [mus.Polygon(outline, name="VL", side="left")], "drawing")
    session.select([0])
    return session


def dock(viewer):
    return viewer.window.add_plugin_dock_widget(PLUGIN, "Anisotropy map")


def numbers(page):
    """Return the numbers of the first ROI by key, empty while they are computed."""
    columns = page.columns()
    if not columns or columns[0].found is None:
        return {}
    return {row.key: columns[0].value(row) for row in page.rows() if row.key}


def test_numbers_of_an_outline_reach_a_verified_table(viewer, session, qtbot, tmp_path):
    panel = dock(viewer)[1]
    qtbot.waitUntil(panel.isVisible)
    qtbot.waitUntil(lambda: bool(numbers(panel.roi)), timeout=WAIT_MS)
    found = numbers(panel.roi)["anisotropy.fascicle_direction"]
    assert found == pytest.approx(TRUE_DEG, abs=1.5)
    press(panel, "Add to results")
    qtbot.waitUntil(lambda: session.has_results, timeout=WAIT_MS)
    rows = session.results.set_index("measure")["value"]
    assert rows["anisotropy.fascicle_direction"] == found
    mus.write_results(tmp_path / "results.csv", session.results)
    written = mus.read_results(tmp_path / "results.csv")
    assert all(check.same for check in mus.verify_results(written, tmp_path))


def test_maps_lie_on_the_image_and_follow_the_region(viewer, session, qtbot):
    image = session.image_layer
    panel = dock(viewer)[1]
    page = panel.show_page(MAP)
    live = live_directions_of(session)
    for kind in ("coherency", "lines"):
        page.show_kind(kind)
        qtbot.waitUntil(lambda: not live.busy, timeout=WAIT_MS)
    coherency, lines = live.layer("coherency"), live.layer("lines")
    for layer in (coherency, lines):
        assert is_map(layer)
        np.testing.assert_allclose(layer.scale, image.scale)
        assert layer.units == image.units
    assert len(lines.data) > 20
    viewer.layers.selection.active = coherency
    # A map is no picture: the image in hand stays the one that is measured.
    assert session.image_layer is image
    assert np.isfinite(coherency.data).mean() > 0.9
    viewer.layers.remove(coherency)
    settle()
    assert live.layer("coherency") is None
    viewer.layers.remove(image)
    qtbot.waitUntil(lambda: not live.busy, timeout=WAIT_MS)
    assert live.layer("lines") is None or not len(live.layer("lines").data)


def test_architecture_is_found_corrected_and_verified(
    viewer, session, mouse, qtbot, tmp_path
):
    panel = dock(viewer)[1]
    page = panel.show_page(ARCHITECTURE)
    live = live_architecture_of(session)
    page.find_aponeuroses()
    qtbot.waitUntil(lambda: live.outcome.lines.deep is not None, timeout=WAIT_MS)
    page.find_fascicle()
    qtbot.waitUntil(lambda: bool(live.outcome.lines.fascicles), timeout=WAIT_MS)
    pennation = live.outcome.architecture.pennation_deg
    assert pennation == pytest.approx(TRUE_DEG, abs=1.5)
    page.add()
    qtbot.waitUntil(lambda: session.has_results, timeout=WAIT_MS)
    rows = session.results.set_index("measure")["value"]
    assert rows["architecture.pennation"] == pytest.approx(pennation, abs=1e-6)
    assert all(c.same for c in mus.verify_results(session.results, tmp_path))
    # The point of the fascicle that was found is dragged at once, with the mouse.
    layer = live._drawn.layer
    (row, column), _ = live.outcome.lines.fascicles[0]
    for _ in mouse(viewer, layer).drag((row, column), (row - 4, column)):
        pass
    settle()
    assert live.outcome.lines.fascicles[0][0, 0] == pytest.approx(row - 4, abs=1)
    assert live.outcome.architecture.pennation_deg < pennation
    # The deep line, tilted by hand, changes the angle; the ROI layer is another one.
    pennation = live.outcome.architecture.pennation_deg
    rois = session.roi_layer
    deep = live.outcome.lines.deep.copy()
    deep[-1, 0] -= 40
    live.put(deep=deep)
    assert live.outcome.architecture.pennation_deg != pennation
    assert session.roi_layer is rois


def test_panels_that_are_gone_answer_nothing(viewer, session, qtbot):
    for held in (False, True):
        around, panel = dock(viewer)
        around.show()
        qtbot.waitUntil(panel.isVisible)
        page = panel.show_page(MAP)
        page.show_kind("colours")
        panel.show_page(ARCHITECTURE).find_aponeuroses()
        announce(session)
        around.destroyOnClose()
        announce(session)
        if held:
            panel.deleteLater()
            forget_deleted()
            assert not isalive(panel)
        else:
            gone = weakref.ref(panel)
            del around, panel, page
            settle()
            forget_deleted()
            assert gone() is None
        announce(session)
    viewer.theme = "light"
    live = live_directions_of(session)
    qtbot.waitUntil(lambda: not live.busy, timeout=WAIT_MS)
