"""Single elements of a DICOM header; a damaged one counts as missing."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.io._pydicom import BROKEN

if TYPE_CHECKING:
    from pydicom import Dataset

TEXT_LENGTH: Final = 64
MAX_ITEMS: Final = 100_000
MAX_VALUES: Final = 250_000

_ITEMS: Final = (b"\xfe\xff\x00\xe0", b"\xff\xfe\xe0\x00")


def value_of(dataset: Dataset, keyword: str) -> Any:
    """Return an element's value, ``None`` where it is missing, empty or damaged.

    Elements are converted when they are first looked at, so any may fail then.
    """
    from pydicom.errors import BytesLengthException

    try:
        return None if _is_endless(dataset, keyword) else dataset.get(keyword)
    except (BytesLengthException, *BROKEN):
        return None


def _is_endless(dataset: Dataset, keyword: str) -> bool:
    """Whether a value has more items or numbers than any picture needs.

    Each takes up to a kilobyte once it is converted.
    """
    if keyword not in dataset:
        return False
    element = dataset.get_item(keyword, keep_deferred=True)
    value = element.value
    if value is None:
        # Put off by pydicom for its size, and read in full when it is asked for.
        return bool(getattr(element, "length", 0))
    return isinstance(value, bytes) and (
        sum(value.count(item) for item in _ITEMS) > MAX_ITEMS
        or value.count(b"\\") > MAX_VALUES
    )


def texts_of(dataset: Dataset, keyword: str) -> list[str]:
    """Return an element's values as text, without padding."""
    value = value_of(dataset, keyword)
    if value is None:
        return []
    several = isinstance(value, list | tuple) or hasattr(value, "_list")
    parts = list(value) if several else [value]
    return ["" if part is None else str(part).strip(" \0") for part in parts]


def line_of(dataset: Dataset, keyword: str) -> str | None:
    """Return the first value that is not empty, as one short printable line."""
    for text in texts_of(dataset, keyword):
        if "\0" in text:
            # A wrong length: what follows is the next element, which may be a name.
            return None
        line = "".join(c for c in text if c.isprintable()).strip()
        if line:
            return line[:TEXT_LENGTH].rstrip()
    return None


def text_of(dataset: Dataset, keyword: str) -> str | None:
    """Return the value of which there must be one; several are doubtful, so none."""
    texts = texts_of(dataset, keyword)
    return texts[0] if len(texts) == 1 and texts[0] else None


def number_of(dataset: Dataset, keyword: str) -> float | None:
    """Return a finite number, ``None`` where there is none or several."""
    try:
        number = float(text_of(dataset, keyword) or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def integer_of(dataset: Dataset, keyword: str) -> int | None:
    """Return a whole number of 32 bits, ``None`` where there is none or several."""
    number = number_of(dataset, keyword)
    if number is None or number != int(number) or abs(number) >= 2**31:
        return None
    return int(number)


def items_of(dataset: Dataset, keyword: str) -> list[Dataset]:
    """Return the items of a sequence."""
    from pydicom import Dataset as Item

    value = value_of(dataset, keyword)
    if not hasattr(value, "__iter__") or isinstance(value, str | bytes):
        return []
    return [item for item in value if isinstance(item, Item)]


def within(number: float | None, limits: tuple[float, float]) -> float | None:
    """Return a number if it lies within limits, else ``None``."""
    low, high = limits
    return number if number is not None and low <= number <= high else None
