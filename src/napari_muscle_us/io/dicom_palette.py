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

    Parameters
    ----------
    indices : ndarray of 8- or 16-bit integers
        Stored values; negative ones if the file says that they are signed.
    dataset : Dataset
        Elements of the file, with its tables.
    name : str
        File name, for messages.

    Returns
    -------
    ndarray of uint8, shape (..., 3)
        Red, green and blue.

    Raises
    ------
    ImageReadError
        If a table is missing, too short, or holds 8-bit values where it says 16; or
        if the indices have more than 16 bits.

    References
    ----------
    DICOM PS3.3 C.7.6.3.1.5, C.7.6.3.1.6 and C.7.9.2.
    """
    if indices.dtype.kind not in "iu" or indices.dtype.itemsize > 2:
        raise ImageReadError(
            f"{name!r} has a colour table for {8 * indices.dtype.itemsize}-bit pixels; "
            "tables have at most 16 bits, so export it as RGB."
        )
    bits = 8 * indices.dtype.itemsize
    patterns = np.arange(1 << bits, dtype=f"u{bits // 8}")
    values = patterns.view(indices.dtype).astype(np.int64)
    colours = np.empty((len(patterns), 3), np.uint8)
    tables = [_table(dataset, colour, name) for colour in _COLOURS]
    if all(bright is False for _, _, bright in tables):
        # Black is all that their upper bytes hold, and no picture is all black.
        raise _unusable(name, "8-bit values stated as 16-bit")
    for channel, (table, first, _) in enumerate(tables):
        colours[:, channel] = table[np.clip(values - first, 0, len(table) - 1)]
    return colours[indices.view(patterns.dtype)]


def _table(
    dataset: Dataset, colour: str, name: str
) -> tuple[npt.NDArray[np.uint8], int, bool | None]:
    """Return a table, its first index, and whether 16-bit values reach 256.

    The last is ``None`` where the values have 8 bits.
    """
    keyword = f"{colour}PaletteColorLookupTable"
    problem = _unusable(name, colour.lower())
    try:
        entries, first, bits = (int(v) for v in dataset.get(f"{keyword}Descriptor", ()))
    except (TypeError, ValueError):
        raise problem from None
    entries = entries or _MOST_ENTRIES
    if bits not in (8, 16) or entries < 0:
        raise problem
    data = _bytes(dataset, f"{keyword}Data")
    if data is None:
        data = _bytes(dataset, f"Segmented{keyword}Data")
        values = None if data is None else _unfold(data, entries, bits)
    elif len(data) in (entries, entries + 1):
        values, bits = np.frombuffer(data, np.uint8), 8
    else:
        values = _words(data)
    if values is None or len(values) < entries:
        raise problem
    values = values[:entries]
    if bits == 16:
        return (values >> 8).astype(np.uint8), first, bool(values.max() > 255)
    # 8-bit values may lie in 16-bit words.
    return (values & 0xFF).astype(np.uint8), first, None


def _bytes(dataset: Dataset, keyword: str) -> bytes | None:
    """Return a table's bytes with words in little-endian order, ``None`` without it."""
    if keyword not in dataset:
        return None
    value = dataset[keyword].value
    if value is None or isinstance(value, str):
        return None
    if not isinstance(value, bytes):
        # Older files hold the tables as numbers (US).
        return np.atleast_1d(value).astype(np.int64).astype("<u2").tobytes()
    big = dataset.original_encoding[1] is False
    if big and dataset[keyword].VR != "OB":
        return _words(value, ">").astype("<u2").tobytes()
    return value


def _words(data: bytes, order: str = "<") -> npt.NDArray[np.uint16]:
    return np.frombuffer(data[: len(data) // 2 * 2], f"{order}u2")


def _unfold(data: bytes, entries: int, bits: int) -> npt.NDArray[np.uint16]:
    """Return the table of a segmented palette of 8-bit or 16-bit items."""
    if bits == 8:
        table = expand_segments(np.frombuffer(data, np.uint8))
        if len(table) == entries:
            return table
        # Some writers put 8-bit items in 16-bit words here, too.
    return expand_segments(_words(data))


def expand_segments(
    items: npt.NDArray[np.uint8 | np.uint16],
) -> npt.NDArray[np.uint16]:
    """Return the table that a segmented palette describes, at most 65,536 entries.

    Segment 0 holds values as they are, 1 a straight line from the last value to the
    one given, 2 repeats earlier segments. A broken description ends the table.

    Parameters
    ----------
    items : ndarray of uint8 or uint16
        Opcodes, lengths and values; bytes where the table's entries have 8 bits.

    Returns
    -------
    ndarray of uint16
        Entries.

    References
    ----------
    DICOM PS3.3 C.7.9.2.

    Examples
    --------
    >>> import numpy as np
    >>> expand_segments(np.array([0, 2, 10, 20, 1, 4, 40], np.uint16)).tolist()
    [10, 20, 25, 30, 35, 40]
    """
    values = [int(item) for item in items]
    table: list[int] = []
    _expand(values, 0, len(values), table, items.dtype.itemsize, repeats=True)
    return np.array(table[:_MOST_ENTRIES], dtype=np.uint16)


def _expand(
    items: list[int],
    start: int,
    segments: int,
    table: list[int],
    width: int,
    *,
    repeats: bool,
) -> None:
    """Append up to a number of segments from `start`; a repeat holds no repeats."""
    place = start
    for _ in range(segments):
        if place + 2 >= len(items) or len(table) >= _MOST_ENTRIES:
            return
        kind, length = items[place : place + 2]
        if kind == _DISCRETE:
            table.extend(items[place + 2 : place + 2 + length])
            place += 2 + length
        elif kind == _LINEAR and table and length:
            line = np.linspace(table[-1], items[place + 2], length + 1)[1:]
            table.extend(int(v) for v in np.around(line))
            place += 3
        elif kind == _INDIRECT and repeats and place + 1 + 4 // width < len(items):
            # The offset is in bytes, its lower half first.
            parts = items[place + 2 : place + 2 + 4 // width]
            offset = sum(part << (8 * width * i) for i, part in enumerate(parts))
            _expand(items, offset // width, length, table, width, repeats=False)
            place += 2 + len(parts)
        else:
            return


def _unusable(name: str, what: str) -> ImageReadError:
    return ImageReadError(
        f"{name!r} has no usable colour table ({what}); export it as RGB."
    )
