"""The regions that the pictures of the documentation show."""

from __future__ import annotations

from typing import Final

from napari_muscle_us.roi.composite import Composite
from napari_muscle_us.roi.entries import RoiEntry
from napari_muscle_us.roi.open_shapes import Polyline
from napari_muscle_us.roi.shapes import Ellipse, Polygon, Rectangle
from napari_muscle_us.simulate import simulate_muscle

SAMPLE: Final = "transverse_healthy"

MUSCLE: Final = Polygon(
    simulate_muscle(SAMPLE).muscle_outline,
    name="BB",
    muscle="Biceps brachii",
    side="left",
)
_FAT: Final = Ellipse(26, 90, 30, 220, name="Fat")
ROIS: Final = (
    MUSCLE,
    Rectangle(288, 120, 50, 330, name="Deep", muscle="Brachialis", side="left"),
    _FAT,
)
_BOX: Final = [(300.0, 130.0), (300.0, 440.0), (350.0, 440.0), (350.0, 130.0)]
_HOLE: Final = [(310.0, 230.0), (310.0, 330.0), (340.0, 330.0), (340.0, 230.0)]
KINDS: Final = (
    MUSCLE,
    Composite([_BOX, _HOLE], name="Deep", muscle="Brachialis", side="left"),
    RoiEntry(_FAT, colour="#00e5ff", locked=True),
    Polyline([(18.0, 340.0), (64.0, 341.0)], kind="line", name="Fat thickness"),
    Polyline(
        [(230.0, 200.0), (200.0, 120.0), (180.0, 220.0)], kind="angle", name="Angle"
    ),
)
GAINS: Final = (
    ("left", 1.0),
    ("left", 1.04),
    ("left", 0.97),
    ("right", 1.15),
    ("right", 0.9),
    ("right", 1.25),
)
"""Side and brightness of each repeated image."""

ANCHORS: Final = (
    (94, 60),
    (77, 180),
    (74, 300),
    (88, 430),
    (108, 530),
    (220, 540),
    (252, 430),
)
TOWARDS: Final = (277.0, 320.0)
"""Clicks of the magnetic outline along the fascia, and where the mouse is."""

CROSSING: Final = Polygon(
    [(130.0, 120.0), (250.0, 430.0), (130.0, 430.0), (250.0, 120.0)],
    name="Crossed",
    muscle="Biceps brachii",
    side="left",
)
