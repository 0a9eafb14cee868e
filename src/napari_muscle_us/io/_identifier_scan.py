"""Whether a value that had to go still stands somewhere in a DICOM data set."""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.io._profile_actions import dummy_texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pydicom import DataElement, Dataset

    from napari_muscle_us.io._profile_actions import Identifier

_SHORTEST: Final = 4
_DISTINCT: Final = 8
_ENCODINGS: Final = ("utf-8", "latin-1", "utf-16-le")
_NUMBERS: Final = ("DS", "IS", "AT", "FD", "FL", "SL", "SS", "SV", "UL", "US", "UV")
_BYTES: Final = ("OB", "OD", "OF", "OL", "OV", "OW", "UN")
# What a scanner or its settings are called. A station or a study named after them
# says nothing more.
_DEVICE_WORDS: Final = (
    "Manufacturer",
    "ManufacturerModelName",
    "SoftwareVersions",
    "TransducerData",
    "TransducerType",
    "ProcessingFunction",
)
# Bytes of the header times values to look for: a few seconds each.
_MOST_BYTES: Final = 2_000_000_000
_MOST_MATCHES: Final = 50_000_000


class _Mark:
    """One identifying value as the bytes to look for."""

    def __init__(self, found: Identifier) -> None:
        text = found.text.lower()
        self.personal = found.personal
        self.word = found.word
        self.distinct = len(text) >= _DISTINCT
        self.exact = found.vr == "UI" or not self.distinct
        self.dotted = text.replace(".", "").isdigit()
        # bytes.lower() leaves letters beyond ASCII as they are.
        texts = (text, found.text)
        coded = {t.encode(n, "ignore").lower() for n in _ENCODINGS for t in texts}
        self.bytes = {value for value in coded if len(value) >= _SHORTEST}

    @cached_property
    def _whole(self) -> list[re.Pattern[bytes]]:
        # Digits of a UID or of a decimal number are not a word of their own.
        around = rb"[0-9a-z.\x80-\xff]" if self.dotted else rb"[0-9a-z\x80-\xff]"
        return [
            re.compile(rb"(?<!%b)%b(?!%b)" % (around, re.escape(value), around))
            for value in self.bytes
        ]

    def stands_in(self, content: bytes) -> bool:
        """Whether it occurs: short values and UIDs as whole words, others anywhere."""
        if not any(value in content for value in self.bytes):
            return False
        return not self.exact or any(p.search(content) for p in self._whole)


class IdentifierScan:
    """Looks for identifying values in what is to be written.

    Values shorter than 4 characters are not looked for. Up to 7 characters, and UIDs,
    count as whole words, longer ones anywhere, in upper or lower case. A name of a
    station, an institution or a protocol does not count in the name of the device.

    Parameters
    ----------
    identifiers : iterable of Identifier
        What was taken out. Registered UIDs and dummies of this software say nothing.
    """

    def __init__(self, identifiers: Iterable[Identifier]) -> None:
        from pydicom.uid import UID_dictionary

        nothing = dummy_texts()
        self._marks = [
            _Mark(found)
            for found in identifiers
            if len(found.text) >= _SHORTEST
            and found.text not in nothing
            and found.text not in UID_dictionary
        ]

    def within(self, content: bytes) -> IdentifierScan:
        """Return the scan for those values only that stand somewhere in `content`.

        Raises
        ------
        ImageReadError
            If looking for all of them would take minutes.
        """
        # The second also lowers letters beyond ASCII; text is written in UTF-8.
        lowered = (content.lower(), content.decode("utf-8", "ignore").lower().encode())
        self._refuse_endless(len(content), _MOST_BYTES)
        narrow = IdentifierScan(())
        narrow._marks = [
            mark
            for mark in self._marks
            if any(value in text for value in mark.bytes for text in lowered)
        ]
        narrow._refuse_endless(len(content), _MOST_MATCHES)
        return narrow

    def leaks(
        self, dataset: Dataset, *, skip: frozenset[int] = frozenset()
    ) -> Iterator[tuple[Dataset, int]]:
        """Give the data set and tag of each element that repeats a value.

        `dataset` must be fresh from a file or buffer. `skip` are tags of its top level
        that this software wrote.
        """
        for tag in list(dataset.keys()):
            if int(tag) in skip:
                continue
            element = dataset[tag]
            if element.VR == "SQ":
                for item in element.value:
                    yield from self.leaks(item)
            elif self._found(element):
                yield dataset, int(tag)

    def in_bytes(
        self, content: bytes, dataset: Dataset, *, ours: Iterable[str]
    ) -> bool:
        """Whether a value of 8 and more characters stands anywhere in a file's head.

        `dataset` are the same bytes, read: what its elements may hold may stand here,
        and so may parts of `ours`, which this software wrote.
        """
        written = "\0".join(ours).lower().encode()
        lowered = content.lower()
        return any(
            mark.stands_in(lowered)
            and not mark.stands_in(written)
            and not self._allowed(mark, dataset)
            for mark in self._marks
            if mark.distinct and not mark.word
        )

    def _refuse_endless(self, size: int, limit: int) -> None:
        if size * len(self._marks) > limit:
            raise ImageReadError(
                f"The file holds {len(self._marks)} values that identify and a header "
                f"of {size} bytes, too much to check; export it again."
            )

    def _found(self, element: DataElement) -> bool:
        content = _bytes_of(element.value)
        vr = str(element.VR)
        device = element.keyword in _DEVICE_WORDS
        for mark in self._marks:
            passed = (
                ((vr in _NUMBERS or vr in _BYTES) and mark.exact)
                or (vr == "CS" and (mark.word or not mark.personal))
                or (device and not mark.personal)
            )
            if not passed and mark.stands_in(content):
                return True
        return False

    def _allowed(self, mark: _Mark, dataset: Dataset) -> bool:
        """Whether a value that is not personal is a device's name or a coded term."""
        if mark.personal:
            return False
        for element in dataset.iterall():
            device = element.keyword in _DEVICE_WORDS
            if (device or element.VR == "CS") and mark.stands_in(
                _bytes_of(element.value)
            ):
                return True
        return False


def _bytes_of(value: Any) -> bytes:
    """Return a value in lower case."""
    if value is None or isinstance(value, bytes):
        return (value or b"").lower()
    several = isinstance(value, list | tuple) or hasattr(value, "append")
    text = "\\".join(map(str, value if several else [value]))
    return text.lower().encode("utf-8", "ignore")
