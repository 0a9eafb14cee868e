"""Frames on demand: what is decoded, what is kept, what is refused."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.frames import CroppedFrames, Frame, FrameStack

ROWS, COLUMNS, COUNT = 3, 5, 12
TRUTH = np.random.default_rng(1).integers(0, 256, (COUNT, ROWS, COLUMNS), np.uint8)


class Source:
    """Decodes `TRUTH`, and remembers what it was asked for and by how many at once."""

    def __init__(self, broken=(), shape=TRUTH.shape):
        self.shape = shape
        self.asked = []
        self.inside = self.most = 0
        self._broken = broken

    def read(self, index):
        self.inside += 1
        self.most = max(self.most, self.inside)
        time.sleep(0.001)
        self.asked.append(index)
        self.inside -= 1
        if index in self._broken:
            raise ImageReadError(f"Frame {index} is damaged; copy the file again.")
        gray = TRUTH[index].copy()
        return Frame(gray, gray > 200)


KEYS = st.one_of(
    st.integers(-COUNT, COUNT - 1),
    st.slices(COUNT),
    st.tuples(st.integers(-COUNT, COUNT - 1), st.slices(ROWS)),
    st.tuples(st.slices(COUNT), st.slices(ROWS), st.integers(0, COLUMNS - 1)),
    st.tuples(st.just(Ellipsis), st.slices(COLUMNS)),
    st.just(Ellipsis),
    st.lists(st.integers(0, COUNT - 1), min_size=1, max_size=4).map(np.array),
)


@given(key=KEYS)
def test_indexing_is_numpy_s(key):
    found = FrameStack(Source())[key]
    np.testing.assert_array_equal(found, TRUTH[key])
    assert found.dtype == np.uint8


def test_an_array_of_everything_and_the_facts_of_it():
    stack = FrameStack(Source())
    np.testing.assert_array_equal(np.asarray(stack), TRUTH)
    assert (stack.shape, stack.ndim, stack.size, len(stack)) == (
        TRUTH.shape,
        3,
        TRUTH.size,
        COUNT,
    )
    assert repr(stack) == "FrameStack(12, 3, 5)"


def test_opening_decodes_nothing_and_a_frame_is_decoded_once():
    source = Source()
    stack = FrameStack(source)
    assert source.asked == []
    first = stack.frame(4)
    assert stack.frame(4) is first
    assert source.asked == [4]
    with pytest.raises(ValueError, match="read-only"):
        first.gray[0, 0] = 1


def test_the_cache_is_bounded_and_keeps_what_was_looked_at_last():
    source = Source()
    # A frame takes 15 bytes, its coloured pixels 15 more: room for two.
    stack = FrameStack(source, cache_bytes=60)
    for index in (0, 5, 0, 9):
        stack.frame(index)
    assert source.asked == [0, 5, 9]
    stack.frame(0)
    assert source.asked == [0, 5, 9]
    stack.frame(5)
    assert source.asked == [0, 5, 9, 5]


def test_a_frame_larger_than_the_cache_is_given_all_the_same():
    stack = FrameStack(Source(), cache_bytes=1)
    np.testing.assert_array_equal(stack[3], TRUTH[3])


@pytest.mark.parametrize(("path", "ahead"), [([0, 1], 2), ([9, 8], 7)])
def test_the_next_frames_are_decoded_ahead_in_either_direction(path, ahead):
    source = Source()
    stack = FrameStack(source)
    for index in path:
        stack.frame(index)
    until = time.monotonic() + 5
    while ahead not in source.asked and time.monotonic() < until:
        time.sleep(0.005)
    assert ahead in source.asked
    stack.frame(ahead)
    assert source.asked.count(ahead) == 1


def test_jumping_about_decodes_nothing_else():
    source = Source()
    stack = FrameStack(source)
    for index in (0, 5, 2, 11):
        stack.frame(index)
    time.sleep(0.05)
    assert source.asked == [0, 5, 2, 11]


def test_one_thread_at_a_time_decodes():
    source = Source()
    stack = FrameStack(source)
    threads = [
        threading.Thread(target=lambda: [stack.frame(i) for i in range(COUNT)])
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert source.most == 1
    assert sorted(source.asked) == list(range(COUNT))


def test_a_broken_frame_is_said_when_it_is_asked_for_and_spares_the_others():
    stack = FrameStack(Source(broken=(2,)))
    stack.frame(0)
    stack.frame(1)
    time.sleep(0.05)
    np.testing.assert_array_equal(stack[3], TRUTH[3])
    with pytest.raises(ImageReadError, match="Frame 2 is damaged"):
        stack.frame(2)
    with pytest.raises(IndexError):
        stack.frame(COUNT)


def test_a_frame_of_another_size_is_refused():
    with pytest.raises(ImageReadError, match="3 × 5 pixels where the clip has 4 × 4"):
        FrameStack(Source(shape=(COUNT, 4, 4))).frame(0)


@pytest.mark.parametrize("shape", [(0, 3, 5), (3, 0, 5), (-1, 3, 5), (10**9, 3, 5)])
def test_impossible_shapes_are_refused_without_allocating(shape):
    with pytest.raises(ImageReadError, match="frames of"):
        FrameStack(Source(shape=shape))


def test_more_than_two_gigabytes_at_once_are_refused(monkeypatch):
    monkeypatch.setattr("napari_muscle_us.frames.MAX_ARRAY_BYTES", 100)
    source = Source()
    with pytest.raises(ImageReadError, match="12 frames at once"):
        FrameStack(source)[:]
    assert source.asked == [0]


def test_a_crop_shows_the_same_part_of_every_frame():
    whole = FrameStack(Source())
    part = FrameStack(CroppedFrames(whole, (1, 3, 2, 5)))
    np.testing.assert_array_equal(np.asarray(part), TRUTH[:, 1:3, 2:5])
    marked = part.frame(0).coloured
    expected = TRUTH[0, 1:3, 2:5] > 200
    assert (marked is None and not expected.any()) or (marked == expected).all()
