"""Names of the files within an ImageJ RoiSet archive."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_muscle_us.roi.shapes import AnyRoi

MAX_ROIS: Final = 10_000
_MOST_BYTES: Final = 180
_UNSAFE: Final = re.compile(r'[\x00-\x1f\x7f-\x9f"*/:<>?\\|\ud800-\udfff]')
_RESERVED: Final = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)


def entry_names(rois: Sequence[AnyRoi]) -> list[str]:
    """Return a file name without suffix for each region, unique in any letter case.

    As in ImageJ, a region without a name is called after its place, and of equal
    names all but the last get a number.

    Examples
    --------
    >>> from napari_muscle_us import Rectangle
    >>> entry_names([Rectangle(0, 0, 4, 8), Rectangle(9, 9, 1, 1, name="a/b")])
    ['0002-0004', 'a_b']
    """
    names = [_safe(roi.name) or _place(roi) for roi in rois]
    used = Counter(name.casefold() for name in names)
    numbers: dict[str, int] = {}
    for index, name in enumerate(names):
        while used[name.casefold()] > 1:
            used[name.casefold()] -= 1
            stem = _stem(name)
            numbers[stem] = numbers.get(stem, 0) + 1
            name = f"{stem}-{numbers[stem]}"
            used[name.casefold()] += 1
        names[index] = name
    return names


def _stem(name: str) -> str:
    """Return a name without the number at its end, as ImageJ takes it off."""
    dash = name.rfind("-")
    return name[:dash] if dash > 0 and len(name) - dash < 5 else name


def _place(roi: AnyRoi) -> str:
    """Return ImageJ's name of a region that has none: row and column of its middle."""
    outline = roi.outline()
    row, column = ((outline.min(axis=0) + outline.max(axis=0)) / 2).astype(int)
    return f"{max(row, 0):04d}-{max(column, 0):04d}"


def _safe(name: str) -> str:
    """Return a name that any system takes for one file in this folder."""
    # A suffix of its own would be doubled, and is taken off by ImageJ.
    safe = _UNSAFE.sub("_", name).removesuffix(".roi").strip(" .")
    while len(safe.encode()) > _MOST_BYTES:
        safe = safe[:-1]
    return f"_{safe}" if _RESERVED.fullmatch(safe) else safe
