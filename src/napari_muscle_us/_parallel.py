"""Parts of one computation beside each other, in threads that stay."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor, wait
from functools import cache
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")

_MOST_THREADS: Final = 7
"""Beside the one that calls; a region or an image has no more to share out."""


def processors() -> int:
    """Return how many processors this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        # Not on Windows or macOS.
        return os.cpu_count() or 1


def side_by_side(parts: Sequence[Callable[[], T]]) -> list[T]:
    """Run parts that do not depend on each other, on all processors.

    It pays where the parts hold no lock and take a millisecond or so each. They may
    call this function themselves.

    Parameters
    ----------
    parts : sequence of callable
        The longest first.

    Returns
    -------
    list
        What each has returned, in the order of the parts.

    Raises
    ------
    Exception
        What a part raises. No part runs on after that.
    """
    helpers = _helpers() if len(parts) > 1 else None
    if helpers is None:
        return [part() for part in parts]
    waiting = [helpers.submit(part) for part in parts]
    mine: dict[int, T] = {}
    try:
        for index in reversed(range(len(parts))):
            # What no other thread has begun is done here, where no waking is needed.
            if waiting[index].cancel():
                mine[index] = parts[index]()
        return [
            mine[index] if index in mine else one.result()
            for index, one in enumerate(waiting)
        ]
    finally:
        # One that is cancelled counts as done only when a thread comes across it.
        wait([one for one in waiting if not one.cancel()])


@cache
def _helpers() -> ThreadPoolExecutor | None:
    """Return the threads beside that of the caller; to start them takes longest."""
    others = min(processors() - 1, _MOST_THREADS)
    return ThreadPoolExecutor(others, "muscle-us-part") if others else None


if hasattr(os, "register_at_fork"):
    # Threads do not live on in a forked process.
    os.register_at_fork(after_in_child=_helpers.cache_clear)
