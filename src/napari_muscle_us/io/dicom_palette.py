"""PALETTE COLOR: indices into red, green and blue tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.errors import ImageReadError

if TYPE_CHECKING:
    import numpy.typing as npt
    from pydicom import Dataset

_COLOURS: Final = ("Red", "Green", "Blue")
_MOST_ENTRIES: Final = 65_536
_DISCRETE, _LINEAR, _INDIRECT = 0, 1, 2


def apply_palette(
    indices: npt.NDArray[Any], dataset: Dataset, name: str
) -> npt.NDArray[np.uint8]:
    """Return the colours of a palette image.

    Indices below the first entry map to it, above the last to the last. Tables of 16
    bits keep their upper 8.

    Raises
    ------
    ImageReadError
        If a table is missing or too short.

    References
    ----------
    DICOM PS3.3 C.7.6.3.1.5, C.7.6.3.1.6 and C.7.9.2.
    """
    tables = []
    for colour in _COLOURS:
        table, first = _table(dataset, colour, name)
        where = np.clip(indices.astype(np.int64) - first, 0, len(table) - 1)
        tables.append(table[where])
    return np.stack(tables, axis=-1)


def _table(dataset: Dataset, colour: str, name: str) -> tuple[npt.NDArray[Any], int]:
    keyword = f"{colour}PaletteColorLookupTable"
    problem = ImageReadError(
        f"{name!r} has no usable colour table ({colour.lower()}); export it as RGB."
    )
    try:
        entries, first, bits = (int(v) for v in dataset.get(f"{keyword}Descriptor", ()))
    except (TypeError, ValueError):
        raise problem from None
    entries = entries or _MOST_ENTRIES
    plain = dataset.get(f"{keyword}Data")
    segmented = dataset.get(f"Segmented{keyword}Data")
    data = plain if isinstance(plain, bytes) else segmented
    if bits not in (8, 16) or not isinstance(data, bytes):
        raise problem
    if data is plain and len(data) in (entries, entries + 1):
        return np.frombuffer(data, np.uint8)[:entries], first
    # The table is written in the file's byte order, and 8-bit values may lie in
    # 16-bit words.
    order = "<" if dataset.original_encoding[1] in (True, None) else ">"
    words = np.frombuffer(data[: len(data) // 2 * 2], f"{order}u2")
    if data is not plain:
        words = expand_segments(words)
    if len(words) < entries:
        raise problem
    words = words[:entries]
    return (words >> 8 if bits == 16 else words & 0xFF).astype(np.uint8), first


def expand_segments(words: npt.NDArray[Any]) -> npt.NDArray[np.uint16]:
    """Return the table that a segmented palette describes, at most 65,536 entries.

    Segment 0 holds values as they are, 1 a straight line from the last value to the
    one given, 2 repeats earlier segments. A broken description ends the table.

    References
    ----------
    DICOM PS3.3 C.7.9.2.

    Examples
    --------
    >>> import numpy as np
    >>> expand_segments(np.array([0, 2, 10, 20, 1, 4, 40])).tolist()
    [10, 20, 25, 30, 35, 40]
    """
    values = [int(word) for word in words]
    table: list[int] = []
    _expand(values, 0, len(values), table, repeats=True)
    return np.array(table[:_MOST_ENTRIES], dtype=np.uint16)


def _expand(
    words: list[int], start: int, segments: int, table: list[int], *, repeats: bool
) -> None:
    """Append up to a number of segments from `start`; a repeat holds no repeats."""
    place = start
    for _ in range(segments):
        if place + 2 >= len(words) or len(table) >= _MOST_ENTRIES:
            return
        kind, length = words[place : place + 2]
        if kind == _DISCRETE:
            table.extend(words[place + 2 : place + 2 + length])
            place += 2 + length
        elif kind == _LINEAR and table and length:
            line = np.linspace(table[-1], words[place + 2], length + 1)[1:]
            table.extend(int(v) for v in np.around(line))
            place += 3
        elif kind == _INDIRECT and repeats and place + 3 < len(words):
            # The offset is in bytes, its lower half first.
            offset = words[place + 2] + (words[place + 3] << 16)
            _expand(words, offset // 2, length, table, repeats=False)
            place += 4
        else:
            return
