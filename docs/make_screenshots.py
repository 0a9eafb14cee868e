"""Make the pictures of the documentation.

Run ``python dev.py shots``, or this script by itself: without a display it starts one.
Each picture goes to ``docs/images``. Names make only some, such as
``python docs/make_screenshots.py repeats z_scores``.
"""

from __future__ import annotations

import dataclasses
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from example_rois import (
    ANCHORS,
    CROSSING,
    GAINS,
    KINDS,
    MUSCLE,
    ROIS,
    SAMPLE,
    TOWARDS,
)
from picture_tools import (
    IMAGES,
    add_sample,
    float_panel,
    no_autosave,
    open_file,
    open_section,
    open_with,
    save_panel,
    save_window,
    settle,
    shrink,
    wait_for,
)
from shots_anisotropy import shoot_anisotropy
from shots_anisotropy_map import shoot_anisotropy_map
from shots_architecture import shoot_architecture
from shots_device_conversion import shoot_device_conversion
from shots_examination import shoot_examination, shoot_follow_up
from shots_reference_values import shoot_reference_values
from shots_texture import shoot_texture
from shots_texture_map import shoot_texture_map
from shots_z_score import shoot_z_scores
from simulated_scan import brighter, write_scan

from napari_muscle_us.image import Device
from napari_muscle_us.roi.rules import RoiRules
from napari_muscle_us.roi.shapes import Ellipse
from napari_muscle_us.rows import measure_rois
from napari_muscle_us.samples import sample_image
from napari_muscle_us.virtual_display import virtual_display

if TYPE_CHECKING:
    import napari


def shoot_demo() -> None:
    """Make the picture on the first page."""
    from napari_muscle_us._napari.launch import open_demo

    viewer = open_demo()
    save_window(viewer, "demo")
    viewer.close()


def shoot_panels() -> None:
    """Make one picture a panel, with three regions on the image."""
    viewer = open_with(ROIS)
    save_window(viewer, "drawing")
    histogram = float_panel(viewer, "Grayscale histogram", (430, 560))
    save_panel(histogram, "grayscale-histogram")
    histogram._all.setChecked(True)
    save_panel(histogram, "grayscale-histogram-all")
    save_panel(float_panel(viewer, "Z-score", (430, 640)), "z-score")
    results = float_panel(viewer, "Results", (900, 640))
    results._labels.subject.setText("S012")
    results._labels.visit.setText("baseline")
    results.measure(everything=True)
    save_panel(results, "results")
    viewer.close()


def shoot_rois() -> None:
    """Make pictures of regions of all kinds, of the rules, of the magnetic tool."""
    from napari_muscle_us._napari._session import session_of
    from napari_muscle_us._napari.launch import panel
    from napari_muscle_us._napari.panels._roi_rules import RulesBox

    viewer = open_with(KINDS)
    viewer.window.resize(1500, 560)
    rois = panel(viewer, "Muscle ROIs")
    save_panel(rois, "muscle-rois")
    session_of(viewer).set_options(
        rules=RoiRules(largest_muscle_area=True, inner_lateral=0.7, min_area_mm2=100)
    )
    (rules,) = rois.findChildren(RulesBox)
    open_section(rules)
    viewer.window.resize(1500, 780)
    save_panel(rois, "muscle-rois-rules")
    viewer.close()
    viewer = open_with(())
    shoot_magnetic(viewer)
    viewer.close()


def shoot_magnetic(viewer: napari.Viewer) -> None:
    """Make a picture of an outline that snaps to fascia, before it is closed."""
    from napari_muscle_us._napari.launch import panel, take_screenshot

    rois = panel(viewer, "Muscle ROIs")
    rois._drawing.take("Magnetic")
    settle()
    tool = rois._drawing._magnetic
    viewer.reset_view()
    settle()
    for anchor in ANCHORS:
        tool._path.add(anchor)
    tool._cursor = TOWARDS
    tool._zoom = viewer.scene.camera.zoom * float(viewer.layers[0].scale[-1])
    tool._draw()
    tool.changed.emit()
    settle()
    path = IMAGES / "magnetic.png"
    take_screenshot(viewer, path)
    shrink(path)
    tool.stop()


def shoot_histograms() -> None:
    """Make pictures of further measures, and of two visits in one plot."""
    from napari_muscle_us._napari._session import session_of

    viewer = open_with(KINDS)
    histogram = float_panel(viewer, "Grayscale histogram", (430, 900))
    session = session_of(viewer)
    session.set_options(
        percentiles=(5.0, 25.0, 75.0, 95.0),
        bands=((0, 50), (51, 100), (101, 150), (151, 200), (201, 255)),
        heterogeneity=True,
        standard_error=True,
    )
    keys = {e.roi.name: e.key for e in session.rois.entries()}
    histogram._fat.choose(region=keys["Fat"], thickness=keys["Fat thickness"])
    histogram._log.setChecked(True)
    histogram._cumulative.setChecked(True)
    save_panel(histogram, "grayscale-histogram-more")
    viewer.close()
    viewer = open_with([MUSCLE])
    histogram = float_panel(viewer, "Grayscale histogram", (430, 620))
    settle()
    histogram.keep()
    histogram._kept[0] = dataclasses.replace(histogram._kept[0], place="visit 1")
    add_sample(viewer, [MUSCLE], sample="transverse_diseased", title="Visit 2")
    save_panel(histogram, "grayscale-histogram-compare")
    viewer.close()


def shoot_repeats() -> None:
    """Make a picture of three images a side, averaged."""
    import pandas as pd

    from napari_muscle_us._napari._session import session_of

    viewer = open_with([MUSCLE])
    rows = []
    for number, (side, gain) in enumerate(GAINS, 1):
        image = brighter(sample_image(SAMPLE), gain, f"BB_{side}_{number}.png")
        roi = dataclasses.replace(MUSCLE, side=side)
        rows.append(measure_rois(image, [roi], subject="S012", visit="baseline"))
    session_of(viewer).set_results(pd.concat(rows, ignore_index=True))
    panel = float_panel(viewer, "Repeats", (640, 480))
    settle()
    panel._view.selectRow(1)
    save_panel(panel, "repeats")
    viewer.close()


def shoot_problems() -> None:
    """Make pictures of what is refused: a crossing outline, another device."""
    from napari_muscle_us._napari.launch import panel

    other = Device(manufacturer="Philips", model="EPIQ 5")
    viewer = open_with((MUSCLE, CROSSING), device=other)
    viewer.window.resize(1500, 480)
    save_panel(panel(viewer, "Muscle ROIs"), "muscle-rois-problem")
    save_panel(float_panel(viewer, "Z-score", (430, 500)), "z-score-device")
    viewer.close()


def shoot_acquisition() -> None:
    """Make pictures of a scan: its facts, its ruler, its de-identified copy, a clip."""
    from napari_muscle_us._napari._session import session_of
    from napari_muscle_us._napari._shapes import shape_from

    with tempfile.TemporaryDirectory() as folder:
        scan, plain = Path(folder, "scan.dcm"), Path(folder, "screenshot.dcm")
        clip = Path(folder, "clip.dcm")
        write_scan(scan)
        write_scan(plain, calibrated=False)
        write_scan(clip, frames=50)
        viewer = open_file(scan)
        panel = float_panel(viewer, "Acquisition", (470, 800))
        panel.check()
        save_panel(panel, "acquisition")
        dialog = panel.copy_dialog()
        dialog.show()
        save_panel(dialog, "acquisition-copy")
        dialog.close()
        viewer.close()
        viewer = open_file(plain)
        panel = float_panel(viewer, "Acquisition", (470, 560))
        panel.calibration.read()
        save_panel(panel, "acquisition-ruler")
        viewer.close()
        viewer = open_file(clip)
        session = session_of(viewer)
        vertices, kind = shape_from(Ellipse(235, 290, 120, 260))
        session.new_roi_layer().add(vertices, shape_type=kind)
        settle()
        viewer.dims.set_current_step(0, 17)
        save_window(viewer, "clip")
        viewer.close()


def shoot_time_course() -> None:
    """Make a picture of the echo intensity over a clip."""
    from napari_muscle_us._napari import _roi_edits
    from napari_muscle_us._napari._session import session_of

    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder, "clip.dcm")
        write_scan(clip, frames=50)
        viewer = open_file(clip)
        session = session_of(viewer)
        session.new_roi_layer()
        roi = Ellipse(235, 290, 120, 260, name="BB", muscle="Biceps brachii")
        _roi_edits.add(session, [roi], "drawing")
        session.select([0])
        viewer.window.resize(1500, 600)
        course = float_panel(viewer, "Time course", (640, 560))
        settle()
        course.measure()
        wait_for(course._job)
        viewer.dims.set_current_step(0, 17)
        save_panel(course, "time-course")
        viewer.close()


_ALL: Final = (
    shoot_demo,
    shoot_panels,
    shoot_rois,
    shoot_histograms,
    shoot_repeats,
    shoot_problems,
    shoot_acquisition,
    shoot_time_course,
    shoot_texture,
    shoot_texture_map,
    shoot_anisotropy,
    shoot_anisotropy_map,
    shoot_architecture,
    shoot_z_scores,
    shoot_examination,
    shoot_follow_up,
    shoot_reference_values,
    shoot_device_conversion,
)


def main() -> None:
    """Make all pictures, or those that are named."""
    by_name = {shoot.__name__.removeprefix("shoot_"): shoot for shoot in _ALL}
    names = sys.argv[1:] or list(by_name)
    unknown = set(names) - set(by_name)
    if unknown:
        raise SystemExit(f"No such pictures; choose of: {', '.join(by_name)}.")
    IMAGES.mkdir(exist_ok=True)
    with virtual_display():
        no_autosave()
        for name in names:
            by_name[name]()


if __name__ == "__main__":
    main()
