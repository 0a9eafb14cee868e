"""Make the pictures of the panels Examination and Follow-up."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

import numpy as np
from picture_tools import float_panel, save_panel, settle

from napari_muscle_us.image import Device, pixel_hash
from napari_muscle_us.roi.shapes import Polygon
from napari_muscle_us.rows import measure_rois
from napari_muscle_us.samples import sample_image
from napari_muscle_us.simulate import simulate_muscle

if TYPE_CHECKING:
    import napari
    import pandas as pd

    from napari_muscle_us.image import UltrasoundImage

SAMPLE: Final = "transverse_healthy"
BRIGHTER: Final = {
    "Biceps brachii": (28, 36),
    "Extensors underarm": (24, 12),
    "Gastrocnemius medial head": (12, 10),
    "Masseter": (18, 24),
    "Rectus abdominis": (30, 30),
    "Sterno cleido": (14, 18),
    "Tibialis anterior": (42, 20),
    "Trapezius": (10, 8),
    "Vastus lateralis": (22, 4),
}
"""By how many gray levels the simulated muscle is brighter, left and right."""

VISITS: Final = (
    ("baseline", "2025-01-10", 0),
    ("month 6", "2025-07-12", 2),
    ("month 12", "2026-01-20", 8),
)
_TALL: Final = (440, 1000)
_SIZE: Final = (440, 900)


def scan(name: str, shift: int, seed: int) -> UltrasoundImage:
    """Return a simulated image that is brighter by some gray levels."""
    image = sample_image(SAMPLE)
    noise = np.random.default_rng(seed).normal(0, 2, image.gray.shape).round()
    gray = np.clip(image.gray + shift + noise, 0, 255).astype(np.uint8)
    device = Device("Esaote", "6100")
    return dataclasses.replace(
        image, gray=gray, name=name, digest=pixel_hash(gray), device=device
    )


def examined_rows(
    session_images: list[UltrasoundImage],
    muscles: dict[str, tuple[int, int]],
    *,
    visit: str = "",
    extra: int = 0,
) -> pd.DataFrame:
    """Return rows of three images of each muscle and side."""
    import pandas as pd

    outline = simulate_muscle(SAMPLE).muscle_outline
    parts = []
    for number, (muscle, shifts) in enumerate(muscles.items()):
        for side, shift in zip(("left", "right"), shifts, strict=True):
            roi = Polygon(outline, name="R", muscle=muscle, side=side)
            for image_number in range(3):
                place = 100 * number + 10 * (side == "right") + image_number
                name = f"{visit}{muscle} {side} {image_number + 1}.dcm"
                image = scan(name, shift + extra + 2 * image_number, place)
                session_images.append(image)
                parts.append(measure_rois(image, [roi], subject="P07", visit=visit))
    return pd.concat(parts, ignore_index=True)


def show_rows(
    viewer: napari.Viewer, rows: pd.DataFrame, images: list[UltrasoundImage]
) -> None:
    """Put rows into the results, with the person and the devices of the images."""
    from napari_muscle_us._napari._session import session_of
    from napari_muscle_us._napari.launch import DEMO_SUBJECT
    from napari_muscle_us.reference.load import DEFAULT_SET

    session = session_of(viewer)
    session.set_subject(DEMO_SUBJECT, DEFAULT_SET, accept_device=False)
    layers = [session.add_image(image) for image in images]
    session.set_results(rows)
    for layer in layers:
        viewer.layers.remove(layer)


def shoot_examination() -> None:
    """Make pictures of all muscles of a person: bars, body, decision."""
    from napari_muscle_us._napari.launch import open_viewer

    viewer = open_viewer()
    images: list[UltrasoundImage] = []
    show_rows(viewer, examined_rows(images, BRIGHTER), images)
    panel = float_panel(viewer, "Examination", _TALL)
    save_panel(panel, "examination")
    panel.window().resize(*_SIZE)
    panel.show_tab("Body map")
    save_panel(panel, "examination-body")
    panel.show_tab("Decision")
    save_panel(panel, "examination-decision")
    viewer.close()


def shoot_follow_up() -> None:
    """Make a picture of two muscles at three visits."""
    import pandas as pd

    from napari_muscle_us._napari.launch import open_viewer

    viewer = open_viewer()
    images: list[UltrasoundImage] = []
    two = {name: BRIGHTER[name] for name in ("Biceps brachii", "Vastus lateralis")}
    parts = [
        examined_rows(images, two, visit=visit, extra=extra)
        for visit, _, extra in VISITS
    ]
    show_rows(viewer, pd.concat(parts, ignore_index=True), images)
    panel = float_panel(viewer, "Follow-up", _SIZE)
    settle()
    for visit, day, _ in VISITS:
        panel.visits.set_day(visit, day)
    panel.visits.sort_by_date()
    panel.set_sem("1.5")
    save_panel(panel, "follow-up")
    viewer.close()
