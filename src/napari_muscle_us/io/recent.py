"""The last few decoded pictures of a clip, so that going back is cheap."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, Generic, TypeVar

RECENT_BYTES: Final = 48_000_000

T = TypeVar("T")


class Recent(Generic[T]):
    """Mapping that forgets the oldest entries beyond a number of bytes.

    A decoder can only go forward. What it passes on its way to a frame is kept here,
    so that playing backwards decodes a group of pictures once, not once a frame.

    Parameters
    ----------
    item_bytes : int
        Size of an entry.
    limit : int
        Bytes that are kept; two entries always are.

    Examples
    --------
    >>> recent = Recent(item_bytes=10, limit=20)
    >>> for i in range(3):
    ...     recent.add(i, str(i))
    >>> recent.get(0), recent.get(2)
    (None, '2')
    """

    def __init__(self, *, item_bytes: int, limit: int = RECENT_BYTES) -> None:
        self._room = max(limit // max(item_bytes, 1), 2)
        self._kept: OrderedDict[int, T] = OrderedDict()

    def add(self, key: int, value: T) -> None:
        """Keep an entry as the newest."""
        self._kept[key] = value
        self._kept.move_to_end(key)
        while len(self._kept) > self._room:
            self._kept.popitem(last=False)

    def get(self, key: int) -> T | None:
        """Return an entry, ``None`` when it is forgotten."""
        return self._kept.get(key)
