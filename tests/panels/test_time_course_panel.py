"""Echo intensity over the frames of a clip, in its panel."""

from __future__ import annotations

import csv
import threading

import numpy as np
import pytest
from napari.components import ViewerModel
from PIL import Image
from qtpy.QtWidgets import QApplication

import napari_muscle_us as mus
from napari_muscle_us._napari import _roi_edits
from napari_muscle_us._napari._session import session_of
from napari_muscle_us._napari.panels._time_plot import draw_on_paper, positions
from napari_muscle_us._napari.panels.time_course import TimeCoursePanel
from napari_muscle_us.errors import ImageReadError, MeasureError, ResultsError
from napari_muscle_us.frames import Frame, FrameStack
from napari_muscle_us.image import Calibration, UltrasoundImage
from napari_muscle_us.results import COLUMNS
from napari_muscle_us.roi.keyframes import with_keyframe

FRAMES = np.random.default_rng(4).integers(0, 256, (6, 40, 60), np.uint8)
TIMES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
BOX = mus.Rectangle(5, 5, 20, 20, name="BB", muscle="Biceps brachii", side="left")
INSIDE = FRAMES[:, 5:25, 5:25]
MEANS = INSIDE.reshape(6, -1).mean(axis=1)


class Source:
    shape = FRAMES.shape

    def __init__(self, *, broken=(), gate=None):
        self._broken, self._gate = broken, gate

    def read(self, index):
        if self._gate is not None and index > 1:
            assert self._gate.wait(10)
        if index in self._broken:
            raise ImageReadError(f"Frame {index} is damaged.")
        return Frame(FRAMES[index].copy())


def clip(name="clip.dcm", digest="c", times=TIMES, **source):
    return UltrasoundImage(
        FrameStack(Source(**source)),
        name=name,
        digest=digest * 64,
        calibration=Calibration((0.5, 0.25), "test"),
        frame_times_s=times,
    )


@pytest.fixture
def viewer():
    model = ViewerModel()
    yield model
    model.layers.clear()


@pytest.fixture
def session(viewer):
    return session_of(viewer)


@pytest.fixture
def panel(viewer, session, shown):
    session.add_image(clip())
    _roi_edits.add(session, [BOX], "adding BB")
    return shown(TimeCoursePanel(viewer))


@pytest.fixture
def measured(panel, qtbot):
    run(panel, qtbot)
    return panel


def run(panel, qtbot):
    panel.measure()
    qtbot.waitUntil(lambda: not panel._job.running)


def plot_of(panel):
    return panel._view._plot.plot()


def show(viewer, frame):
    viewer.dims.set_current_step(0, frame)


def add_and_wait(panel, qtbot):
    panel.add()
    qtbot.waitUntil(lambda: not panel._job.running)


def test_the_course_is_that_of_the_pixels(measured):
    np.testing.assert_allclose(measured.value().mean, MEANS, rtol=1e-12)
    spread = INSIDE.reshape(6, -1).std(axis=1, ddof=1)
    np.testing.assert_allclose(measured.value().sd, spread, rtol=1e-12)
    (curve, _mark) = plot_of(measured)._axes.get_lines()
    np.testing.assert_allclose(curve.get_xdata(), TIMES)
    np.testing.assert_allclose(curve.get_ydata(), MEANS)


def test_some_frames_are_measured(panel, qtbot):
    panel._first.setValue(2)
    panel._last.setValue(4)
    run(panel, qtbot)
    assert panel.value().frames.tolist() == [2, 3, 4]
    np.testing.assert_allclose(panel.value().mean, MEANS[2:5], rtol=1e-12)


def test_frames_in_the_wrong_order_are_refused(panel, notes):
    panel._first.setValue(4)
    panel._last.setValue(2)
    panel.measure()
    assert notes == ["The first frame 4 comes after the last 2; swap them."]
    assert not panel._job.running


@pytest.mark.parametrize("what", ["_lowest", "_highest"])
def test_the_buttons_go_to_the_extremes(measured, session, what):
    place = {"_lowest": np.argmin(MEANS), "_highest": np.argmax(MEANS)}[what]
    button = getattr(measured._view, what)
    seconds = f"{TIMES[place]:.2f} s"
    assert button.text().endswith(f"{MEANS[place]:.1f}\nframe {place}, {seconds}")
    show(session.viewer, (place + 1) % 6)
    button.click()
    assert session.frame == place


def test_the_mark_stands_at_the_shown_frame(measured, viewer, qtbot):
    for frame in (3, 5, 0):
        show(viewer, frame)
        qtbot.waitUntil(lambda f=frame: plot_of(measured).mark() == TIMES[f])


def test_a_frame_that_was_not_measured_has_no_mark(panel, viewer, qtbot):
    panel._last.setValue(2)
    run(panel, qtbot)
    show(viewer, 5)
    qtbot.waitUntil(lambda: plot_of(panel).value().frame == 5)
    assert plot_of(panel).mark() is None


class Press:
    def __init__(self, axes, x):
        self.inaxes, self.xdata = axes, x


@pytest.mark.parametrize(("x", "frame"), [(0.47, 2), (0.51, 3), (9.0, 5), (-1.0, 0)])
def test_a_click_shows_the_nearest_frame(measured, session, x, frame):
    plot = plot_of(measured)
    plot._on_pressed(Press(plot._axes, x))
    assert session.frame == frame
    plot._on_pressed(Press(None, 0.2))
    assert session.frame == frame


def test_without_times_the_axis_counts_frames(viewer, session, shown, qtbot):
    session.add_image(clip(times=None))
    _roi_edits.add(session, [BOX], "adding BB")
    panel = shown(TimeCoursePanel(viewer))
    run(panel, qtbot)
    assert positions(panel.value()).tolist() == [0, 1, 2, 3, 4, 5]
    assert plot_of(panel)._axes.get_xlabel() == "Frame"
    panel._view._highest.click()
    assert session.frame == np.argmax(MEANS)


def outdated(panel):
    shown = panel._view.value()
    return shown.outdated and panel.value() is None and plot_of(panel).mark() is None


def test_a_moved_roi_makes_the_curve_outdated_until_it_is_back(
    measured, session, qtbot, notes
):
    kept = session.roi_layer.data[0].copy()
    session.roi_layer.data = [kept + 1]
    qtbot.waitUntil(lambda: outdated(measured))
    assert not measured._view._lowest.isEnabled()
    assert not measured._outputs.isEnabled()
    assert "has changed since" in measured._message.text()
    frame = session.frame
    plot_of(measured)._on_pressed(Press(plot_of(measured)._axes, 1.0))
    assert session.frame == frame
    measured._on_copy()
    assert "measure the frames again" in notes[-1]
    session.roi_layer.data = [kept]
    qtbot.waitUntil(lambda: measured.value() is not None)


def test_another_clip_makes_the_curve_outdated(measured, session, qtbot):
    session.add_image(clip("other.dcm", "d"))
    _roi_edits.add(session, [BOX], "adding BB")
    qtbot.waitUntil(lambda: outdated(measured))
    assert "'BB' on clip.dcm" in measured._message.text()


def test_another_roi_makes_the_curve_outdated(measured, session, qtbot):
    other = mus.Rectangle(15, 30, 10, 10, name="Other")
    _roi_edits.add(session, [other], "adding Other")
    qtbot.waitUntil(lambda: outdated(measured))
    session.select([0])
    qtbot.waitUntil(lambda: measured.value() is not None)


def test_a_roi_that_moved_meanwhile_gives_an_outdated_curve(
    viewer, session, shown, qtbot
):
    gate = threading.Event()
    gate.set()
    session.add_image(clip(gate=gate))
    _roi_edits.add(session, [BOX], "adding BB")
    panel = shown(TimeCoursePanel(viewer))
    gate.clear()
    panel.measure()
    session.roi_layer.data = [session.roi_layer.data[0] + 1]
    gate.set()
    qtbot.waitUntil(lambda: not panel._job.running)
    assert outdated(panel)


def test_a_new_name_keeps_the_curve_and_is_in_the_rows(measured, session, qtbot):
    session.edit(0, name="Biceps", side="right")
    add_and_wait(measured, qtbot)
    assert set(session.results["roi"]) == {"Biceps"}
    assert set(session.results["side"]) == {"right"}


def test_a_cancelled_measurement_leaves_nothing(viewer, session, shown, qtbot):
    gate = threading.Event()
    gate.set()
    session.add_image(clip(gate=gate))
    _roi_edits.add(session, [BOX], "adding BB")
    panel = shown(TimeCoursePanel(viewer))
    gate.clear()
    panel.measure()
    qtbot.waitUntil(lambda: panel._progress.maximum() == 6)
    assert panel._cancel.isVisible()
    panel._cancel.click()
    gate.set()
    assert not panel._job.running
    assert not panel._cancel.isVisible()
    qtbot.wait(100)
    assert panel.value() is None
    assert panel._measure.isEnabled()


def test_a_damaged_frame_is_left_out_and_named(viewer, session, shown, qtbot):
    session.add_image(clip(broken=(3,)))
    _roi_edits.add(session, [BOX], "adding BB")
    panel = shown(TimeCoursePanel(viewer))
    run(panel, qtbot)
    assert np.isnan(panel.value().mean[3])
    assert "1 frame was not measured. Frame 3" in panel._message.text()
    add_and_wait(panel, qtbot)
    assert 3 not in set(session.results["frame"])


def test_what_cannot_be_measured_is_said(viewer, session, shown, qtbot, notes):
    session.add_image(clip(broken=(4, 5)))
    _roi_edits.add(session, [BOX], "adding BB")
    panel = shown(TimeCoursePanel(viewer))
    panel._first.setValue(4)
    run(panel, qtbot)
    assert notes[-1].startswith("No frame could be measured")
    assert panel.value() is None


def test_rows_are_those_of_the_frames(measured, session, qtbot):
    measured._labels.subject.setText("S01")
    add_and_wait(measured, qtbot)
    rows = session.results
    assert list(rows.columns) == list(COLUMNS)
    assert set(rows["subject"]) == {"S01"}
    means = rows[rows["measure"] == "intensity.mean"]
    np.testing.assert_allclose(means["value"], MEANS, rtol=1e-12)
    assert means["frame"].tolist() == list(range(6))
    assert len(rows) == 12


def test_the_rows_of_a_file_are_verified(viewer, session, shown, qtbot, tmp_path):
    pages = [Image.fromarray(frame) for frame in FRAMES]
    path = tmp_path / "clip.gif"
    pages[0].save(path, save_all=True, append_images=pages[1:], duration=40)
    session.add_image(mus.read_image(path))
    _roi_edits.add(session, [BOX], "adding BB")
    panel = shown(TimeCoursePanel(viewer))
    run(panel, qtbot)
    add_and_wait(panel, qtbot)
    checks = mus.verify_results(session.results, tmp_path)
    assert len(checks) == 12
    assert [c for c in checks if not c.same] == []


def test_adding_twice_does_not_double_rows(measured, session, qtbot, notes):
    add_and_wait(measured, qtbot)
    add_and_wait(measured, qtbot)
    assert len(session.results) == 12
    assert notes[-1] == "The table has these rows already"
    measured._labels.visit.setText("later")
    add_and_wait(measured, qtbot)
    assert len(session.results) == 24


def test_the_same_place_is_told(panel):
    assert "same place on all 6 frames" in panel._hint.text()


def test_keyframes_are_told_and_followed(viewer, session, shown, qtbot):
    later = mus.Rectangle(5, 13, 20, 20, name="BB")
    entry = with_keyframe(mus.RoiEntry(BOX), 0, BOX)
    session.add_image(clip())
    _roi_edits.add(session, [with_keyframe(entry, 4, later)], "adding BB")
    panel = shown(TimeCoursePanel(viewer))
    assert panel._hint.text().endswith("2 keyframes: 0, 4; interpolated between.")
    run(panel, qtbot)
    naive = [FRAMES[f][5:25, 5 + 2 * f : 25 + 2 * f].mean() for f in range(5)]
    np.testing.assert_allclose(panel.value().mean[:5], naive, rtol=1e-12)
    show(viewer, 2)
    qtbot.waitUntil(lambda: plot_of(panel).mark() == TIMES[2])
    assert panel.value() is not None


def refused(panel):
    return not panel._measure.isEnabled() and panel._hint.text()


def test_a_still_image_is_told_so(viewer, session, shown):
    session.add_image(mus.sample_image("transverse_healthy"))
    assert "still image" in refused(shown(TimeCoursePanel(viewer)))


def test_nothing_to_measure_is_told(viewer, session, shown, qtbot):
    panel = shown(TimeCoursePanel(viewer))
    assert "No image is open" in refused(panel)
    session.add_image(clip())
    qtbot.waitUntil(lambda: "Draw an ROI" in refused(panel))
    others = [mus.Rectangle(5, 5 + 20 * k, 9, 9, name=f"R{k}") for k in (0, 1)]
    _roi_edits.add(session, others, "adding two")
    qtbot.waitUntil(lambda: "Select one ROI to follow; 2" in refused(panel))
    session.select([1])
    qtbot.waitUntil(panel._measure.isEnabled)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: mus.Polyline([(1, 1), (9, 9)], kind="line", name="L"), "no area"),
        (
            lambda: mus.RoiEntry(BOX, frame=0),
            "belongs to frame 0 only",
        ),
    ],
    ids=["line", "one frame"],
)
def test_what_cannot_be_followed_is_refused_at_once(viewer, session, shown, make, said):
    session.add_image(clip())
    _roi_edits.add(session, [make()], "adding")
    assert said in refused(shown(TimeCoursePanel(viewer)))


def test_the_csv_has_a_line_a_frame_with_all_digits(measured, session, tmp_path):
    session.edit(0, name="=BB")
    path = tmp_path / "course.csv"
    measured.save_csv(str(path))
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(r["mean"]) for r in rows] == measured.value().mean.tolist()
    assert [float(r["time_s"]) for r in rows] == list(TIMES)
    assert [int(r["pixels"]) for r in rows] == [400] * 6
    assert {r["image"] for r in rows} == {"clip.dcm"}


def test_copied_text_is_tab_separated(measured, notes):
    measured._on_copy()
    lines = QApplication.clipboard().text().strip().split("\n")
    assert len(lines) == 7
    assert lines[1].split("\t")[:4] == ["clip.dcm", "BB", "0", "0.0"]
    assert notes == ["6 frames copied"]


def test_the_plot_is_saved_for_paper(measured, tmp_path):
    measured._view._band.setChecked(True)
    measured.save_plot(str(tmp_path / "course.svg"))
    assert b"<svg" in (tmp_path / "course.svg").read_bytes()
    (axes,) = draw_on_paper(measured._view.value()).axes
    assert axes.get_ylabel() == "Echo intensity ± SD (gray level)"
    assert "BB" in axes.get_title()
    band = axes.collections[0].get_paths()[0].vertices
    course = measured.value()
    assert band[:, 1].max() == pytest.approx((course.mean + course.sd).max())
    with pytest.raises(ResultsError, match=r"neither \.png nor \.svg"):
        measured.save_plot(str(tmp_path / "course.pdf"))


def test_nothing_is_saved_before_it_is_measured(panel, tmp_path):
    with pytest.raises(MeasureError, match="no time course yet"):
        panel.save_csv(str(tmp_path / "course.csv"))
    assert list(tmp_path.iterdir()) == []
