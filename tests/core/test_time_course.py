"""Echo intensity over a clip: against a naive loop, and against single frames."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import napari_muscle_us as mus
from napari_muscle_us.errors import ImageReadError, MeasureError, RoiError
from napari_muscle_us.frames import Frame, FrameStack
from napari_muscle_us.measure.time_course import (
    TimeCourse,
    measure_time_course,
    time_course_rows,
)
from napari_muscle_us.measure_options import MeasureOptions
from napari_muscle_us.roi.entries import RoiEntry
from napari_muscle_us.roi.keyframes import roi_at
from napari_muscle_us.roi.open_shapes import Points, Polyline

ROWS, COLUMNS, COUNT = 40, 60, 12
BOX = mus.Rectangle(9.5, 9.5, 12, 20, name="BB", muscle="Biceps brachii", side="left")
OUTLINE = mus.Polygon([(5, 5), (8, 40), (30, 50), (35, 12)], name="outline")


class Source:
    """Random frames, some of which cannot be decoded or hold coloured pixels."""

    def __init__(self, *, broken=(), coloured=(), seed=3):
        self.shape = (COUNT, ROWS, COLUMNS)
        rng = np.random.default_rng(seed)
        self.pixels = rng.integers(0, 256, self.shape, np.uint8)
        self._broken, self._coloured = broken, coloured
        self.read_by_us = []

    def read(self, index):
        self.read_by_us.append(index)
        if index in self._broken:
            raise ImageReadError(f"Frame {index} is damaged; copy the file again.")
        gray = self.pixels[index].copy()
        return Frame(gray, gray > 250 if index in self._coloured else None)


def clip(source=None, *, times=None, **changes):
    source = source or Source()
    # One frame in the cache, so that nothing is read ahead in the background.
    stack = FrameStack(source, cache_bytes=1)
    return mus.UltrasoundImage(
        stack, "clip.dcm", "0" * 64, frame_times_s=times, **changes
    )


def naive(image, mask, frames=None):
    """Return mean and SD of each frame, a frame at a time."""
    found = [image.frame(i).pixels[mask] for i in frames or range(image.n_frames)]
    return np.array([(p.mean(), p.std(ddof=1), p.size) for p in found]).T


@pytest.mark.parametrize("roi", [BOX, OUTLINE, mus.Ellipse(-5, 30, 30, 50)])
def test_each_frame_is_measured_as_a_still(roi):
    image = clip(times=tuple(i / 25 for i in range(COUNT)))
    course = measure_time_course(image, roi)
    mean, sd, n = naive(image, mus.roi_mask(roi, (ROWS, COLUMNS)))
    np.testing.assert_allclose(course.mean, mean, rtol=1e-13)
    np.testing.assert_allclose(course.sd, sd, rtol=1e-13)
    assert course.n.tolist() == n.tolist()
    assert course.frames.tolist() == list(range(COUNT))
    assert course.times_s.tolist() == [i / 25 for i in range(COUNT)]
    assert course.max_frame == mean.argmax()
    assert course.min_frame == mean.argmin()
    assert course.range == pytest.approx(np.ptp(mean), rel=1e-12)
    assert not course.problems


@pytest.mark.parametrize(
    ("file", "frames"),
    [
        ("video/contraction.gif", None),
        ("video/sonosite-anon-eye1-video.mp4", range(0, 40, 4)),
        ("video/clarius-ocular-short.mp4", range(5)),
        ("dicom/GREYSCALE_CINE.dcm", None),
        ("dicom/OBXXXX1A_2frame.dcm", None),
    ],
)
def test_real_clips(shared, file, frames):
    if file.endswith("mp4"):
        pytest.importorskip("av")
    image = mus.read_image(shared(f"data/{file}"))
    rows, columns = image.frame_shape
    roi = mus.Ellipse(rows / 4, columns / 4, rows / 3, columns / 2, name="middle")
    course = measure_time_course(image, roi, frames=frames)
    mean, sd, n = naive(image, mus.roi_mask(roi, image.frame_shape), frames)
    np.testing.assert_allclose(course.mean, mean, rtol=1e-13)
    np.testing.assert_allclose(course.sd, sd, rtol=1e-9, atol=1e-12)
    assert course.n.tolist() == n.tolist()
    assert course.range > 0
    chosen = list(frames or range(image.n_frames))
    assert course.frames.tolist() == chosen
    if image.frame_times_s is not None:
        assert course.times_s.tolist() == [image.frame_times_s[i] for i in chosen]


def test_the_evoked_contraction_as_pillow_decodes_it(shared):
    path = shared("data/video/contraction.gif")
    means = []
    with Image.open(path) as file:
        for index in range(file.n_frames):
            file.seek(index)
            rgb = np.asarray(file.convert("RGB"), dtype=np.int64)
            # ImageJ's conversion: the mean of the channels, rounded half up.
            gray = (2 * rgb.sum(axis=-1) + 3) // 6
            means.append(gray[50:100, 100:200].mean())
    course = measure_time_course(
        mus.read_image(path), mus.Rectangle(49.5, 99.5, 50, 100)
    )
    np.testing.assert_allclose(course.mean, means, rtol=1e-13)
    assert course.max_frame == int(np.argmax(means))
    assert course.min_frame == int(np.argmin(means))


def test_the_first_of_equal_extremes_counts():
    course = TimeCourse(
        frames=np.array([2, 4, 6, 8]),
        times_s=None,
        mean=np.array([math.nan, 5.0, 9.0, 9.0]),
        sd=np.ones(4),
        n=np.ones(4, np.int64),
        n_coloured=np.zeros(4, np.int64),
    )
    assert (course.min_frame, course.max_frame, course.range) == (4, 6, 4.0)
    with pytest.raises(ValueError, match="read-only"):
        course.mean[0] = 1.0


def test_a_course_of_arrays_that_do_not_fit_is_refused():
    values = [np.ones(2), np.ones(2), np.ones(2, np.int64), np.ones(1, np.int64)]
    with pytest.raises(MeasureError, match=r"lengths \[2, 2, 2, 2, 1\]"):
        TimeCourse(np.arange(2), None, *values)


def test_a_damaged_frame_is_a_gap_with_its_reason():
    image = clip(Source(broken=(0, 7)))
    course = measure_time_course(image, BOX)
    assert np.flatnonzero(np.isnan(course.mean)).tolist() == [0, 7]
    assert np.flatnonzero(np.isnan(course.sd)).tolist() == [0, 7]
    assert course.n.tolist() == [0, *[240] * 6, 0, *[240] * 4]
    assert dict(course.problems) == {
        i: f"Frame {i} is damaged; copy the file again." for i in (0, 7)
    }
    sound = [i for i in range(COUNT) if i not in (0, 7)]
    mean, _, _ = naive(image, mus.roi_mask(BOX, (ROWS, COLUMNS)), sound)
    np.testing.assert_allclose(course.mean[sound], mean, rtol=1e-13)
    rows = time_course_rows(image, BOX, course)
    assert sorted(set(rows["frame"])) == sound


def test_a_clip_without_a_sound_frame_is_refused(one_sentence):
    with pytest.raises(MeasureError, match="No frame could be measured: Frame 0 is"):
        measure_time_course(clip(Source(broken=range(COUNT))), BOX)


def test_a_static_region_is_rasterised_once(monkeypatch):
    from napari_muscle_us.measure import time_course

    asked = []

    def counted(roi, shape, of=time_course.usable_window):
        asked.append(roi)
        return of(roi, shape)

    monkeypatch.setattr(time_course, "usable_window", counted)
    measure_time_course(clip(), BOX)
    assert len(asked) == 1


@given(st.data())
def test_chosen_frames_are_those_of_the_whole_course(data):
    image = clip()
    start = data.draw(st.integers(0, COUNT - 1))
    frames = range(
        start, data.draw(st.integers(start + 1, COUNT)), data.draw(st.integers(1, 5))
    )
    part = measure_time_course(image, OUTLINE, frames=frames)
    whole = measure_time_course(image, OUTLINE)
    chosen = list(frames)
    assert part.frames.tolist() == chosen
    assert part.mean.tolist() == whole.mean[chosen].tolist()
    assert part.sd.tolist() == whole.sd[chosen].tolist()


def test_progress_is_told_and_cancelling_stops():
    source, told = Source(), []
    course = measure_time_course(
        clip(source), BOX, progress=lambda done, of: told.append((done, of))
    )
    assert told == [(i + 1, COUNT) for i in range(COUNT)]
    assert course is not None
    source, told = Source(), []
    stopped = measure_time_course(
        clip(source),
        BOX,
        progress=lambda done, _: told.append(done),
        cancelled=lambda: len(told) == 4,
    )
    assert stopped is None
    assert told == [1, 2, 3, 4]
    assert source.read_by_us == [0, 1, 2, 3]


def test_nothing_is_changed_and_a_second_run_is_the_same():
    image, entry = clip(), RoiEntry(OUTLINE)
    before = OUTLINE.vertices.copy()
    one, two = (measure_time_course(image, entry) for _ in range(2))
    assert one.mean.tolist() == two.mean.tolist()
    assert one.fingerprint == two.fingerprint
    np.testing.assert_array_equal(OUTLINE.vertices, before)


# What is refused


@pytest.mark.parametrize(
    ("entry", "error", "words"),
    [
        (Polyline([(1, 1), (9, 9)], name="l"), RoiError, "ROI 'l' encloses no area"),
        (Points([(1, 1)]), RoiError, "The ROI encloses no area"),
        (RoiEntry(BOX, frame=3), RoiError, "ROI 'BB' belongs to frame 3 only"),
        (
            RoiEntry(BOX, keyframes=((0, BOX), (5, Points([(1, 1)], name="BB")))),
            RoiError,
            "ROI 'BB' encloses no area",
        ),
        (mus.Rectangle(90, 90, 5, 5, name="far"), RoiError, "lies outside the image"),
        (
            mus.Polygon([(0, 0), (20, 20), (0, 20), (20, 0)], name="bow"),
            RoiError,
            "crosses itself",
        ),
    ],
    ids=["line", "points", "one-frame", "keyframe-of-points", "outside", "crossing"],
)
def test_a_region_that_cannot_be_followed_is_refused(entry, error, words, one_sentence):
    source = Source()
    with pytest.raises(error, match=words) as raised:
        measure_time_course(clip(source), entry)
    assert one_sentence(str(raised.value))
    assert source.read_by_us == []


def test_a_still_image_is_refused(one_sentence):
    image = mus.sample_image("transverse_healthy")
    with pytest.raises(MeasureError, match="is a still image") as raised:
        measure_time_course(image, BOX)
    assert one_sentence(str(raised.value))


@pytest.mark.parametrize(
    "frames",
    [range(0), range(-1, 4), range(5, 13), range(9, 2, -1), range(0, 14, 13)],
    ids=str,
)
def test_frames_that_are_not_there_are_refused(frames, one_sentence):
    with pytest.raises(MeasureError, match="has the frames 0 to 11") as raised:
        measure_time_course(clip(), BOX, frames=frames)
    assert one_sentence(str(raised.value))


# Regions that move


def moving(target):
    return RoiEntry(BOX, keyframes=((2, BOX), (8, target)))


def test_a_moving_region_is_measured_where_it_lies_on_each_frame():
    entry = moving(mus.Rectangle(19.5, 29.5, 12, 20, name="BB"))
    image = clip()
    course = measure_time_course(image, entry)
    masks = [mus.roi_mask(roi_at(entry, i), (ROWS, COLUMNS)) for i in range(COUNT)]
    wanted = [image.frame(i).pixels[mask].mean() for i, mask in enumerate(masks)]
    np.testing.assert_allclose(course.mean, wanted, rtol=1e-13)
    # Half-way, frame 5, it has moved by half of (10, 20) px.
    pixels = image.frame(5).pixels[15:27, 20:40]
    assert course.mean[5] == pytest.approx(pixels.mean(), rel=1e-13)
    assert course.mean[11] == pytest.approx(
        image.frame(11).pixels[20:32, 30:50].mean(), rel=1e-13
    )


def test_where_a_moving_region_leaves_the_image_is_a_gap():
    entry = moving(mus.Rectangle(9.5, 99.5, 12, 20, name="BB"))
    course = measure_time_course(clip(), entry)
    # It leaves at column 60: 9.5 + 15 px a frame from frame 2.
    assert sorted(course.problems) == [6, 7, 8, 9, 10, 11]
    assert all("covers 0 pixels" in text for text in course.problems.values())
    assert np.isnan(course.mean[6:]).all()
    assert not np.isnan(course.mean[:6]).any()


# Rows


def rows_of_frames(image, outlines, **labels):
    tables = [
        mus.measure_rois(
            image, [roi], frame=i, options=MeasureOptions(quality=False), **labels
        )
        for i, roi in outlines
    ]
    table = pd.concat(tables, ignore_index=True)
    table = table[table["measure"].isin(["intensity.mean", "intensity.sd"])]
    return table.reset_index(drop=True)


def assert_same_rows(found, wanted):
    # Seconds may pass between the two.
    columns = [c for c in found.columns if c != "measured_at"]
    pd.testing.assert_frame_equal(found[columns], wanted[columns], check_exact=True)


@pytest.mark.parametrize(
    "roi",
    [BOX, OUTLINE, mus.Rectangle(4.5, 4.5, 1, 1, name="one pixel")],
    ids=["box", "polygon", "one-pixel"],
)
@pytest.mark.parametrize("coloured", [(), (0, 4, 5)], ids=["gray", "coloured"])
def test_rows_are_those_of_the_single_frames(roi, coloured):
    image = clip(Source(coloured=coloured))
    course = measure_time_course(image, roi)
    rows = time_course_rows(image, roi, course, subject="P1", visit="2")
    outlines = [(i, roi) for i in range(COUNT)]
    wanted = rows_of_frames(image, outlines, subject="P1", visit="2")
    assert_same_rows(rows, wanted)
    assert len(rows) == 2 * COUNT
    mask = mus.roi_mask(roi, (ROWS, COLUMNS))
    counted = [(image.frame(i).pixels[mask] > 250).sum() for i in coloured]
    told = rows.loc[rows["note"].str.contains("are coloured"), "frame"]
    found = [i for i, n in zip(coloured, counted, strict=True) if n]
    assert sorted(set(told)) == found
    assert bool(found) == (bool(coloured) and roi.name != "one pixel")


def test_rows_of_a_cropped_real_clip_are_those_of_its_frames(shared):
    whole = mus.read_image(shared("data/video/contraction.gif"))
    image = whole.cropped((20, 150, 30, 280))
    roi = mus.Ellipse(20, 40, 60, 120, name="calf", muscle="Soleus", side="right")
    frames = range(4, 31, 9)
    course = measure_time_course(image, RoiEntry(roi), frames=frames)
    rows = time_course_rows(image, RoiEntry(roi), course)
    assert_same_rows(rows, rows_of_frames(image, [(i, roi) for i in frames]))


def test_rows_of_a_moving_region_hold_the_outline_of_each_frame():
    entry = moving(mus.Rectangle(19.5, 29.5, 12, 20, name="BB", side="left"))
    image = clip()
    rows = time_course_rows(image, entry, measure_time_course(image, entry))
    outlines = [(i, roi_at(entry, i)) for i in range(COUNT)]
    assert_same_rows(rows, rows_of_frames(image, outlines))
    assert rows["roi_geometry"].nunique() >= 7


def test_rows_can_be_verified(tmp_path, make_dataset, to_bytes):
    pixels = Source().pixels
    dataset = make_dataset(pixels[0], NumberOfFrames=COUNT, FrameTime="40")
    dataset.PixelData = pixels.tobytes()
    (tmp_path / "clip.dcm").write_bytes(to_bytes(dataset))
    image = mus.read_image(tmp_path / "clip.dcm")
    course = measure_time_course(image, OUTLINE)
    np.testing.assert_allclose(course.times_s, np.arange(COUNT) * 0.04, rtol=1e-12)
    rows = time_course_rows(image, OUTLINE, course)
    checks = mus.verify_results(rows, tmp_path)
    assert [c.reason for c in checks if not c.same] == []
    assert len(checks) == 2 * COUNT


@pytest.mark.parametrize(
    "changed",
    [
        (clip(), mus.Rectangle(9.5, 9.5, 12, 21, name="BB")),
        (clip(gray_rule="luma601"), BOX),
        (clip().cropped((1, ROWS, 0, COLUMNS)), BOX),
        (clip(), RoiEntry(BOX, keyframes=((0, BOX),))),
    ],
    ids=["moved", "gray-rule", "crop", "keyframe"],
)
def test_rows_of_another_outline_or_image_are_refused(changed, one_sentence):
    course = measure_time_course(clip(), BOX)
    with pytest.raises(MeasureError, match="measure it again") as raised:
        time_course_rows(*changed, course)
    assert one_sentence(str(raised.value))


def test_a_region_that_was_renamed_gives_rows_with_its_new_name():
    course = measure_time_course(clip(), BOX)
    renamed = mus.Rectangle(9.5, 9.5, 12, 20, name="new", side="right")
    rows = time_course_rows(clip(), renamed, course)
    assert set(rows["roi"]) == {"new"}
    assert set(rows["side"]) == {"right"}
