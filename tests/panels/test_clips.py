"""Clips in a viewer: the frame that is shown is the one that is measured."""

from __future__ import annotations

import numpy as np
import pytest
from napari.components import ViewerModel

from napari_muscle_us._napari import _layers
from napari_muscle_us._napari._session import session_of
from napari_muscle_us._napari.panels.results import ResultsPanel
from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.frames import Frame, FrameStack
from napari_muscle_us.image import Calibration, UltrasoundImage

FRAMES = np.random.default_rng(2).integers(0, 256, (5, 40, 60), np.uint8)
SQUARE = np.array([(5, 5), (5, 25), (25, 25), (25, 5)], float)


class Source:
    shape = FRAMES.shape

    def read(self, index):
        return Frame(FRAMES[index].copy())


def clip(**changes):
    """Return five frames, 0.2 s apart, of 0.5 mm × 0.25 mm."""
    known = Calibration((0.5, 0.25), "test")
    times = (0.0, 0.2, 0.4, 0.6, 0.8)
    options = {"calibration": known, "frame_times_s": times} | changes
    return UltrasoundImage(
        FrameStack(Source()), name="clip.dcm", digest="c" * 64, **options
    )


@pytest.fixture
def viewer():
    model = ViewerModel()
    session_of(model).add_image(clip())
    yield model
    model.layers.clear()


@pytest.fixture
def session(viewer):
    return session_of(viewer)


@pytest.fixture
def rois(session):
    layer = session.new_roi_layer()
    layer.add(SQUARE, shape_type="rectangle")
    session.edit(0, name="BB")
    return layer


def show(viewer, frame):
    viewer.dims.set_current_step(0, frame)


def test_the_layer_has_seconds_and_millimetres(viewer):
    layer = viewer.layers[0]
    np.testing.assert_allclose(layer.scale, (0.2, 0.5, 0.25))
    assert [str(u) for u in layer.units] == ["second", "millimeter", "millimeter"]
    assert tuple(layer.axis_labels) == ("time", "depth", "lateral")


def test_without_times_the_slider_counts_frames():
    _, attributes, _ = _layers.layer_data(clip(frame_times_s=None))
    assert attributes["scale"] == (1.0, 0.5, 0.25)
    assert attributes["units"] == ("pixel", "mm", "mm")
    assert attributes["axis_labels"][0] == "frame"


@pytest.mark.parametrize("frame", [0, 3, 4])
def test_the_frame_that_is_shown_is_measured(viewer, session, rois, frame):
    show(viewer, frame)
    still = session.image()
    assert still.frame_index == frame
    (region,) = session.regions()
    expected = FRAMES[frame, 5:25, 5:25].mean()
    assert session.statistics(region).mean == pytest.approx(expected, rel=1e-12)


def test_a_frame_is_one_object_as_long_as_it_is_shown(viewer, session):
    show(viewer, 2)
    first = session.image()
    assert session.image() is first
    show(viewer, 3)
    show(viewer, 2)
    np.testing.assert_array_equal(session.image().pixels, first.pixels)


def test_panels_hear_of_another_frame_and_numbers_of_the_old_one_vanish(
    viewer, session, rois
):
    heard = []
    session.frame_changed.connect(lambda: heard.append(session.frame))
    show(viewer, 1)
    session.show_measured({0: 100.0})
    assert rois.features["echo_intensity"].iloc[0] == 100.0
    show(viewer, 4)
    assert heard == [1, 4]
    assert np.isnan(rois.features["echo_intensity"].iloc[0])


def test_the_outline_stays_while_the_clip_runs(viewer, session, rois):
    windows = []
    for frame in range(5):
        show(viewer, frame)
        (region,) = session.regions()
        windows.append((region.window.rows, region.window.columns))
    assert windows == [(slice(5, 25), slice(5, 25))] * 5


def test_rows_say_the_frame(viewer, session, rois, shown):
    panel = shown(ResultsPanel(viewer))
    show(viewer, 3)
    panel.measure(everything=True)
    rows = session.results
    assert set(rows["frame"]) == {3}
    mean = rows.loc[rows["measure"] == "intensity.mean", "value"].item()
    assert mean == pytest.approx(FRAMES[3, 5:25, 5:25].mean(), rel=1e-12)


def test_a_part_lies_where_it_was_in_millimetres(viewer, session, rois):
    part = session.add_image(session.clip.cropped((2, 30, 3, 50)))
    np.testing.assert_allclose(part.translate, (0, 2 * 0.5, 3 * 0.25))
    show(viewer, 2)
    session.use_image(part)
    (region,) = session.regions()
    window = region.window
    assert (window.rows, window.columns) == (slice(3, 23), slice(2, 22))
    expected = FRAMES[2, 5:25, 5:25].mean()
    assert session.statistics(region).mean == pytest.approx(expected, rel=1e-12)


def test_calibration_by_the_user_moves_scale_place_and_outlines(viewer, session, rois):
    before = session.regions()[0].window
    session.calibrate(Calibration((0.1, 0.2), "typed", by_user=True))
    layer = viewer.layers[0]
    np.testing.assert_allclose(layer.scale, (0.2, 0.1, 0.2))
    known = session.image().calibration
    assert known.spacing_mm == (0.1, 0.2)
    assert known.by_user
    after = session.regions()[0].window
    assert (after.rows, after.columns) == (before.rows, before.columns)
    session.calibrate(None)
    assert session.image().spacing_mm is None
    assert str(layer.units[1]) == "pixel"


def test_pixels_of_another_plugin_s_stack_are_refused_in_words(one_viewer_of):
    session = one_viewer_of(np.zeros((3, 4, 5), np.uint8))
    with pytest.raises(ImageReadError, match="clip's own file"):
        session.image()


class Broken(Source):
    """Frame 3 is damaged."""

    def read(self, index):
        if index == 3:
            raise ImageReadError("'clip.dcm' is damaged; copy it again.")
        return super().read(index)


def test_a_damaged_frame_is_black_on_the_screen_and_refused_when_measured(notes):
    model = ViewerModel()
    session = session_of(model)
    broken = UltrasoundImage(FrameStack(Broken()), name="clip.dcm", digest="d" * 64)
    layer = session.add_image(broken)
    rois = session.new_roi_layer()
    rois.add(SQUARE, shape_type="rectangle")
    for frame in (2, 3, 4):
        model.dims.set_current_step(0, frame)
        shown = np.asarray(layer._slice.image.raw)
        np.testing.assert_array_equal(shown, FRAMES[frame] * (frame != 3))
        if frame == 3:
            assert session.regions() == []
            with pytest.raises(ImageReadError, match="damaged"):
                session.image()
        else:
            (region,) = session.regions()
            expected = FRAMES[frame, 5:25, 5:25].mean()
            assert session.statistics(region).mean == pytest.approx(expected)
    assert notes == ["A frame is shown black: 'clip.dcm' is damaged; copy it again."]


@pytest.fixture
def one_viewer_of():
    def make(data):
        model = ViewerModel()
        model.add_image(data)
        return session_of(model)

    return make
