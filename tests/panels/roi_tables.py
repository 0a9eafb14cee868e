"""What the tests of texture and of anisotropy share: images, sides, tables, docks."""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np
from qtpy.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QPushButton,
    QWidget,
)

from napari_muscle_us._napari import panels
from napari_muscle_us._napari._layers import layer_data
from napari_muscle_us._napari.panels._widgets import PANEL_WIDTH
from napari_muscle_us.image import Calibration, UltrasoundImage

from .conftest import square


def noise(shape=(120, 160)):
    """Return gray levels without any order."""
    return np.random.default_rng(1).integers(0, 256, shape, np.uint8)


def show_image(viewer, session, pixels, spacing_mm=None):
    """Show another image; return an ROI layer for it."""
    known = None if spacing_mm is None else Calibration(spacing_mm, "typed")
    image = UltrasoundImage(pixels, name="x.png", digest="0" * 64, calibration=known)
    data, attributes, _ = layer_data(image)
    viewer.add_image(data, **attributes)
    return session.new_roi_layer()


def two_sides(session, rois):
    """Draw the right side of the muscle whose left side is there."""
    rois.add(square(120, 120, 60), shape_type="rectangle")
    session.edit(1, name="other", muscle="Biceps brachii", side="right")


def values_of(page, column=0):
    """Return what a column holds, all digits, by key."""
    return {
        row.key: page.columns()[column].value(row)
        for row in page.rows()
        if not row.is_family
    }


def assert_made_late(panel, monkeypatch, number, module, name):
    """Assert that a page is made, once, when its tab first comes to the front."""
    made = []

    class Page(QWidget):
        def __init__(self, session):
            super().__init__()
            made.append(session)

    fake = ModuleType(module)
    setattr(fake, name, Page)
    monkeypatch.setitem(sys.modules, f"{panels.__name__}.{module}", fake)
    first = panel.show_page(0)
    assert made == []
    page = panel.show_page(number)
    assert isinstance(page, Page)
    assert panel.show_page(0) is first
    assert panel.show_page(number) is page
    assert made == [panel._session]


def assert_tooltips(page):
    """Assert that every control of a page tells what it does."""
    for kind in (QAbstractSpinBox, QCheckBox, QComboBox, QPushButton):
        for widget in page.findChildren(kind):
            assert widget.toolTip(), widget


def assert_fits_narrow_dock(panel, page):
    """Assert that a page needs no more width than the narrowest dock has."""
    panel.resize(PANEL_WIDTH, 700)
    inside = page.form.parentWidget()
    while inside.parentWidget().objectName() != "qt_scrollarea_viewport":
        inside = inside.parentWidget()
    assert inside.minimumSizeHint().width() <= PANEL_WIDTH - 36
