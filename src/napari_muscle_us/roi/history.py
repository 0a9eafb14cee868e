"""Undo and redo of every edit of a set of regions."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import RoiError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from napari_muscle_us.roi.entries import RoiEntry
    from napari_muscle_us.roi.shapes import AnyRoi

State = tuple["RoiEntry", ...]
"""A set of regions at one moment, in order."""

MAX_STEPS: Final = 200
MAX_HELD_VERTICES: Final = 5_000_000
"""Vertices that a history keeps in all: 80 MB."""

_VERTEX_BYTES: Final = 16
_BOX_VERTICES: Final = 4


class RoiHistory:
    """The states that a set of regions went through.

    A state is a tuple of entries. Neighbouring states share the entries that an edit
    left alone, so that a step costs what it changed.

    Parameters
    ----------
    max_steps : int, default: 200
        Steps that can be undone; the oldest are forgotten.
    max_vertices : int, default: 5,000,000
        Vertices kept in all states together, those shared counted once, and 16 bytes
        of an ImageJ file as one. Beyond, the oldest steps are forgotten. The last step
        always stays.

    Raises
    ------
    RoiError
        If a limit is less than 1.

    Examples
    --------
    >>> from napari_muscle_us import Rectangle
    >>> from napari_muscle_us.roi.entries import RoiEntry
    >>> history = RoiHistory()
    >>> history.record((RoiEntry(Rectangle(0, 0, 9, 9)),), "drawing of BB")
    >>> history.undo_label, history.undo(), history.redo_label
    ('drawing of BB', (), 'drawing of BB')
    """

    def __init__(
        self, max_steps: int = MAX_STEPS, max_vertices: int = MAX_HELD_VERTICES
    ) -> None:
        if max_steps < 1 or max_vertices < 1:
            raise RoiError(
                f"A history of {max_steps} steps and {max_vertices} vertices keeps "
                "nothing; give at least 1 of each."
            )
        self._max_steps = max_steps
        self._max_vertices = max_vertices
        self.reset(())

    def reset(self, state: State) -> None:
        """Begin anew at a state, with nothing to undo."""
        self._present = tuple(state)
        # Each step is its label with the state on its other side.
        self._past: deque[tuple[str, State]] = deque()
        self._future: list[tuple[str, State]] = []
        self._gesture = ""
        self._held = _Held()
        self._held.add(self._present)

    def record(self, state: State, label: str = "", *, merge: str = "") -> None:
        """Note the state after an edit; what had been undone is forgotten.

        Nothing happens when it is the present state (`same_state`).

        Parameters
        ----------
        state : tuple of RoiEntry
            The whole set.
        label : str
            What the edit was, to be read after *Undo*: ``"move of BB"``.
        merge : str
            Mark of a gesture: a record with the same mark as the one before replaces
            it, so that one drag is one step. `close`, `undo`, `redo` and any other
            record end the gesture. A gesture that ends where it began is no step.
        """
        if same_state(state, self._present):
            return
        self._forget(self._future)
        if merge and merge == self._gesture:
            self._held.remove(self._present)
            self._present = self._past.pop()[1]
        self._gesture = ""
        state = _share(tuple(state), self._present)
        if same_state(state, self._present):
            return
        self._held.add(state)
        self._past.append((label, self._present))
        self._present, self._gesture = state, merge
        while self._is_too_long():
            self._held.remove(self._past.popleft()[1])

    def close(self) -> None:
        """End a gesture: the next record is a step of its own."""
        self._gesture = ""

    def undo(self) -> State | None:
        """Go back a step and return that state; ``None`` when there is none."""
        if not self._past:
            return None
        label, before = self._past.pop()
        self._future.append((label, self._present))
        self._present, self._gesture = before, ""
        return before

    def redo(self) -> State | None:
        """Go forward a step and return that state; ``None`` when there is none."""
        if not self._future:
            return None
        label, after = self._future.pop()
        self._past.append((label, self._present))
        self._present, self._gesture = after, ""
        return after

    @property
    def present(self) -> State:
        """The state that the set is in."""
        return self._present

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to undo."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to redo."""
        return bool(self._future)

    @property
    def undo_label(self) -> str:
        """What `undo` would take back; empty when nothing."""
        return self._past[-1][0] if self._past else ""

    @property
    def redo_label(self) -> str:
        """What `redo` would bring back; empty when nothing."""
        return self._future[-1][0] if self._future else ""

    @property
    def n_steps(self) -> int:
        """Number of steps that can be undone."""
        return len(self._past)

    @property
    def n_vertices(self) -> int:
        """Number of vertices kept in all states, those shared counted once."""
        return self._held.vertices

    def _forget(self, steps: list[tuple[str, State]]) -> None:
        for _, state in steps:
            self._held.remove(state)
        steps.clear()

    def _is_too_long(self) -> bool:
        n_steps = len(self._past)
        return n_steps > self._max_steps or (
            n_steps > 1 and self._held.vertices > self._max_vertices
        )


class _Held:
    """What the states of a history keep in memory, each thing counted once."""

    def __init__(self) -> None:
        self.vertices = 0
        self._entries: dict[int, int] = {}
        self._buffers: dict[int, int] = {}

    def add(self, state: State) -> None:
        for entry in state:
            if self._counted(self._entries, id(entry), 1) > 1:
                continue
            for buffer, weight in _buffers(entry):
                if self._counted(self._buffers, buffer, 1) == 1:
                    self.vertices += weight

    def remove(self, state: State) -> None:
        for entry in state:
            if self._counted(self._entries, id(entry), -1) > 0:
                continue
            for buffer, weight in _buffers(entry):
                if self._counted(self._buffers, buffer, -1) == 0:
                    self.vertices -= weight

    @staticmethod
    def _counted(counts: dict[int, int], what: int, change: int) -> int:
        left = counts.get(what, 0) + change
        if left:
            counts[what] = left
        else:
            del counts[what]
        return left


def same_state(one: State, other: State) -> bool:
    """Whether two states of a set are the same to the user and in a file.

    Parameters
    ----------
    one, other : tuple of RoiEntry
        Sets of regions.

    Returns
    -------
    bool
        True if all entries are the same, in the same order (`same_entry`).

    Examples
    --------
    >>> from napari_muscle_us import Rectangle
    >>> from napari_muscle_us.roi.entries import RoiEntry
    >>> entry = RoiEntry(Rectangle(0, 0, 9, 9))
    >>> same_state((entry,), (RoiEntry(Rectangle(0, 0, 9, 9), key=entry.key),))
    True
    >>> same_state((entry,), (entry.copy(),))
    False
    """
    if one is other:
        return True
    return len(one) == len(other) and all(map(same_entry, one, other))


def same_entry(one: RoiEntry, other: RoiEntry) -> bool:
    """Whether two entries have the same key, geometry, labels and all around it."""
    if one is other:
        return True
    return (
        one.key == other.key
        and one.colour == other.colour
        and one.locked == other.locked
        and one.frame == other.frame
        and one.imagej == other.imagej
        and same_roi(one.roi, other.roi)
        and len(one.keyframes) == len(other.keyframes)
        and all(
            number == number_there and same_roi(roi, roi_there)
            for (number, roi), (number_there, roi_there) in zip(
                one.keyframes, other.keyframes, strict=True
            )
        )
    )


def same_roi(one: AnyRoi, other: AnyRoi) -> bool:
    """Whether two regions are of the same kind, geometry and labels.

    Examples
    --------
    >>> from napari_muscle_us import Polygon, Rectangle
    >>> corners = [(0, 0), (0, 4), (3, 0)]
    >>> same_roi(Polygon(corners), Polygon(corners))
    True
    >>> same_roi(Polygon(corners), Polygon(corners, name="BB"))
    False
    """
    if one is other:
        return True
    return type(one) is type(other) and all(
        _same_value(getattr(one, name), getattr(other, name))
        for name in one.__dataclass_fields__
    )


def _same_value(one: object, other: object) -> bool:
    if one is other:
        return True
    if isinstance(one, np.ndarray):
        return np.array_equal(one, np.asarray(other))
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(_same_value, one, other))
    return bool(one == other)


def _share(state: State, present: State) -> State:
    """Return a state with the entries of the present one where they are the same."""
    known = {entry.key: entry for entry in present}
    return tuple(
        known[entry.key]
        if entry.key in known and same_entry(known[entry.key], entry)
        else entry
        for entry in state
    )


def _buffers(entry: RoiEntry) -> Iterator[tuple[int, int]]:
    """Yield what an entry keeps in memory: which object, and its weight in vertices."""
    if entry.imagej:
        yield id(entry.imagej), -(-len(entry.imagej) // _VERTEX_BYTES)
    for roi in (entry.roi, *(roi for _, roi in entry.keyframes)):
        arrays = [
            array
            for name in roi.__dataclass_fields__
            for array in _arrays(getattr(roi, name))
        ]
        for array in arrays:
            yield id(array), len(array)
        if not arrays:
            yield id(roi), _BOX_VERTICES


def _arrays(value: object) -> list[np.ndarray]:
    if isinstance(value, np.ndarray):
        return [value]
    parts = value if isinstance(value, tuple) else ()
    return [part for part in parts if isinstance(part, np.ndarray)]
