"""Parts of a computation beside each other."""

from __future__ import annotations

import os
import threading
import time

import pytest

from napari_muscle_us import _parallel
from napari_muscle_us._parallel import side_by_side


@pytest.fixture(params=[1, 2, 5], ids="{} processors".format)
def processors(request, monkeypatch):
    """Pretend to have so many processors."""
    monkeypatch.setattr(_parallel, "processors", lambda: request.param)
    _parallel._helpers.cache_clear()
    yield request.param
    helpers = _parallel._helpers()
    if helpers is not None:
        helpers.shutdown()
    _parallel._helpers.cache_clear()


@pytest.mark.usefixtures("processors")
@pytest.mark.parametrize("n_parts", [0, 1, 2, 3, 30])
def test_what_parts_return_comes_in_their_order(n_parts):
    def part(index):
        time.sleep(0.002 * (index % 3))
        return index

    parts = [lambda i=i: part(i) for i in range(n_parts)]
    assert side_by_side(parts) == list(range(n_parts))


def test_as_many_parts_run_at_once_as_there_are_processors(processors):
    # Each waits for all others of its kind, so that fewer threads would hang.
    barrier = threading.Barrier(processors)
    parts = [lambda: barrier.wait(timeout=20)] * processors
    assert sorted(side_by_side(parts)) == list(range(processors))


@pytest.mark.usefixtures("processors")
def test_an_error_is_raised_once_no_part_runs_any_more():
    running = []

    def part(index):
        running.append(index)
        time.sleep(0.005)
        running.remove(index)
        if index % 2:
            raise ValueError(index)

    with pytest.raises(ValueError, match=r"^[135]$"):
        side_by_side([lambda i=i: part(i) for i in range(6)])
    assert running == []


@pytest.mark.usefixtures("processors")
def test_parts_may_have_parts_of_their_own():
    def outer(number):
        return sum(side_by_side([lambda i=i: number + i for i in range(4)]))

    found = side_by_side([lambda n=n: outer(n) for n in range(8)])
    assert found == [4 * n + 6 for n in range(8)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded")
def test_a_forked_process_has_threads_of_its_own():
    def both():
        return side_by_side([threading.get_ident, lambda: time.sleep(0.01) or 1])

    both()
    child = os.fork()
    if not child:
        both()
        os._exit(0)
    deadline = time.monotonic() + 20
    while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert ended == (child, 0)
