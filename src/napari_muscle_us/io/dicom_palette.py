"""PALETTE COLOR: indices into red, green and blue tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.errors import ImageReadError

if TYPE_CHECKING:
    import numpy.typing as npt
    from pydicom import Dataset

_COLOURS: Final = ("Red", "Green", "Blue")


def apply_palette(
    indices: npt.NDArray[Any], dataset: Dataset, name: str
) -> npt.NDArray[np.uint8]:
    """Return the colours of a palette image.

    Indices below the first entry map to it, above the last to the last. Tables of 16
    bits keep their upper 8.

    Raises
    ------
    ImageReadError
        If a table is missing, segmented or of the wrong length.

    References
    ----------
    DICOM PS3.3 C.7.6.3.1.5 and C.7.6.3.1.6.
    """
    tables = []
    for colour in _COLOURS:
        table, first = _table(dataset, colour, name)
        where = np.clip(indices.astype(np.int64) - first, 0, len(table) - 1)
        tables.append(table[where])
    return np.stack(tables, axis=-1)


def _table(dataset: Dataset, colour: str, name: str) -> tuple[npt.NDArray[Any], int]:
    descriptor = dataset.get(f"{colour}PaletteColorLookupTableDescriptor")
    data = dataset.get(f"{colour}PaletteColorLookupTableData")
    problem = ImageReadError(
        f"{name!r} has no usable colour table ({colour.lower()}); export it as RGB."
    )
    try:
        entries, first, bits = (int(v) for v in descriptor or ())
    except (TypeError, ValueError):
        raise problem from None
    entries = entries or 65536
    if bits not in (8, 16) or not isinstance(data, bytes):
        raise problem
    if len(data) in (entries, entries + 1):
        return np.frombuffer(data, np.uint8)[:entries], first
    if len(data) < 2 * entries:
        raise problem
    # The table is written in the file's byte order, and 8-bit values may lie in
    # 16-bit words.
    order = "<" if dataset.original_encoding[1] in (True, None) else ">"
    words = np.frombuffer(data, f"{order}u2")[:entries]
    return (words >> 8 if bits == 16 else words & 0xFF).astype(np.uint8), first
