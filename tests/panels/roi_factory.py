"""Small pictures, clips and regions for tests of the ROI layer."""

from __future__ import annotations

import numpy as np
from napari.components import ViewerModel

from napari_muscle_us import Ellipse, Polygon, Rectangle
from napari_muscle_us._napari._session import session_of
from napari_muscle_us.frames import Frame, FrameStack
from napari_muscle_us.image import Calibration, UltrasoundImage
from napari_muscle_us.roi.entries import RoiEntry
from napari_muscle_us.roi.history import same_state
from napari_muscle_us.roi.open_shapes import Polyline
from napari_muscle_us.roi.shapes import Composite

SHAPE = (150, 200)
N_FRAMES = 21


class _Frames:
    shape = (N_FRAMES, *SHAPE)

    def read(self, index):
        gray = np.random.default_rng(index).integers(0, 256, SHAPE, np.uint8)
        return Frame(gray)


def gray(seed=7):
    """Return a noisy picture."""
    return np.random.default_rng(seed).integers(0, 256, SHAPE, np.uint8)


def still(**changes):
    """Return a calibrated still image."""
    facts = {"calibration": Calibration((0.1, 0.2), "test"), "digest": "a" * 64}
    pixels = gray()
    pixels.setflags(write=False)
    return UltrasoundImage(pixels, name="still.png", **facts | changes)


def clip(**changes):
    """Return a calibrated clip of 21 frames."""
    facts = {"calibration": Calibration((0.1, 0.2), "test"), "digest": "c" * 64}
    return UltrasoundImage(FrameStack(_Frames()), name="clip.dcm", **facts | changes)


def session_with(image):
    """Return the session of a new viewer that shows an image."""
    viewer = ViewerModel()
    session = session_of(viewer)
    # A session keeps its viewer by a weak reference alone.
    session.kept_alive = viewer
    session.add_image(image)
    if image.is_clip:
        # napari begins in the middle.
        viewer.dims.set_current_step(0, 0)
    return session


def third(shape):
    """Return a region whose coordinates no single precision holds."""
    third_ = 1 / 3
    match shape:
        case "rectangle":
            return Rectangle(20 + third_, 30, 40.1, 50.7, name="box")
        case "turned":
            return Rectangle(40.1, 50 + third_, 30.3, 60.9, 17.3, name="turned")
        case "ellipse":
            return Ellipse(20.2, 30 + third_, 40.1, 50.3, name="oval")
        case "polygon":
            corners = [(20.1, 30.2), (25.3, 90.7), (80.9, 85 + third_), (70.1, 31.1)]
            return Polygon(corners, name="poly")
        case "composite":
            return ring()
        case "line":
            return Polyline([(10.1, 12.2), (40.3, 50 + third_)], "line", name="line")
        case "angle":
            corners = [(10.1, 12.2), (40.3, 50 + third_), (60.7, 20.2)]
            return Polyline(corners, "angle", name="angle")
        case _:
            corners = [(10.1, 12.2), (40.3, 50 + third_), (60.7, 20.2), (61.1, 9.9)]
            return Polyline(corners, shape, name=shape)


KINDS = (
    "rectangle",
    "turned",
    "ellipse",
    "polygon",
    "composite",
    "line",
    "angle",
    "polyline",
    "freehand",
)


def ring(name="ring"):
    """Return a square with two square holes, off the grid of pixels."""
    outer = Rectangle(20.1, 30.2, 60.3, 80.7).outline()
    holes = [Rectangle(30.3, 40.1, 15.2, 20.9), Rectangle(50.7, 70.9, 20.1, 20.2)]
    return Composite([outer, *(hole.outline() for hole in holes)], name=name)


def box(top=20, left=30, height=40, width=50, **labels):
    """Return an upright box."""
    return Rectangle(top, left, height, width, **labels)


def entry(roi, **facts):
    """Return an entry of a set."""
    return RoiEntry(roi, **facts)


def assert_same(one, other):
    """Check that two sets are the same to the last digit, in order."""
    one, other = tuple(one), tuple(other)
    assert [e.key for e in one] == [e.key for e in other]
    assert [e.roi for e in one if isinstance(e.roi, Rectangle | Ellipse)] == [
        e.roi for e in other if isinstance(e.roi, Rectangle | Ellipse)
    ]
    assert same_state(one, other)
