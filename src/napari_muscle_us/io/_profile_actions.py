"""The Basic Application Confidentiality Profile: what becomes of each DICOM element."""

from __future__ import annotations

import csv
import hmac
import secrets
import uuid
from copy import copy
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.errors import ImageReadError
from napari_muscle_us.io._pydicom import BROKEN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydicom import DataElement, Dataset

EDITION: Final = "2026c"
"""Edition of DICOM PS3.15 that ``basic_profile.csv`` was taken from."""

DUMMY: Final = "DEIDENTIFIED"
_DUMMIES: Final[Mapping[str, Any]] = {
    "AS": "000Y",
    "DA": "19000101",
    "DT": "19000101000000",
    "TM": "000000",
    "DS": "0",
    "IS": "0",
    "UR": "urn:deidentified",
    **dict.fromkeys(("FD", "FL"), 0.0),
    **dict.fromkeys(("SL", "SS", "SV", "UL", "US", "UV", "AT"), 0),
    **dict.fromkeys(("OB", "OD", "OF", "OL", "OV", "OW", "UN"), bytes(8)),
}
_WORD_BYTES: Final = {"OW": 2, "OF": 4, "OL": 4, "OD": 8, "OV": 8}
# Secondary Capture and the US Image IODs: every attribute with an alternative is
# optional there, or may be empty.
_ULTRASOUND: Final = ("1.2.840.10008.5.1.4.1.1.6", "1.2.840.10008.5.1.4.1.1.3")
_SECONDARY_CAPTURE: Final = "1.2.840.10008.5.1.4.1.1.7"
_ENHANCED_US: Final = "1.2.840.10008.5.1.4.1.1.6.2"
# Not listed by name, yet a date or a person.
_NEVER: Final = ("PN", "DA", "DT", "TM")
_IDENTIFYING: Final = (*_NEVER, "AE", "AS", "LO", "LT", "SH", "ST", "UC", "UI", "UR")
_SMALLEST_AND_LARGEST: Final = range(0x00280106, 0x0028010A)
_CHARACTER_SET: Final = 0x00080005
_MAX_DEPTH: Final = 32
_MAX_IDENTIFIERS: Final = 20_000


@dataclass(frozen=True, slots=True)
class Identifier:
    """A value that was taken out and must not be found in the copy.

    Parameters
    ----------
    text : str
        The value, or one word of a person's name.
    keyword : str
        Element it stood in.
    vr : str
        Its value representation.
    word : bool
        Whether it is a part of a name.
    """

    text: str
    keyword: str
    vr: str
    word: bool = False

    @property
    def personal(self) -> bool:
        """Whether it marks a person, a time or an object, not a place or a device."""
        return (
            self.vr in ("PN", "UI", "DA", "DT", "TM", "AS")
            or self.keyword.endswith(("ID", "IDs", "Number"))
            or self.keyword.startswith(("Patient", "OtherPatient", "Issuer"))
        )


@cache
def basic_profile() -> Mapping[str, str]:
    """Return the table: eight hexadecimal digits → action.

    Keys with ``x`` stand for repeating groups, ``"private"`` for all odd groups.

    Examples
    --------
    >>> basic_profile()["00100010"], basic_profile()["0020000D"]
    ('Z', 'U')
    """
    text = files("napari_muscle_us.io").joinpath("basic_profile.csv").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {row["tag"]: row["action"] for row in csv.DictReader(lines)}


def action_of(tag: int, vr: str, *, strict_iod: bool = False) -> str:
    """Return X (remove), Z (empty), D (dummy), U (new UID) or K (keep).

    Of an action with alternatives the first is taken, which removes most: Table E.1-1
    allows it where the attribute is optional (or for Z/D, may be empty), as all of
    them are in the US and Secondary Capture IODs. In another IOD (`strict_iod`) the
    attribute may be required, and the last alternative is taken; of X/Z/U* the
    sequence stays, with new UIDs. A sequence that should get a dummy is removed: it
    holds reports or annotations, which no image needs.

    Stricter than the table: elements that pydicom's data dictionary does not know,
    whole overlay groups, retired group lengths, and any other name, date or time. The
    character set goes too: a copy is written in UTF-8.

    Parameters
    ----------
    tag : int
        Group and element.
    vr : str
        Value representation.
    strict_iod : bool, default: False
        Whether the file is no US or Secondary Capture image.

    References
    ----------
    DICOM PS3.15 2026c, E.1 to E.3 and Table E.1-1.

    Examples
    --------
    >>> action_of(0x00081010, "SH"), action_of(0x00081010, "SH", strict_iod=True)
    ('X', 'D')
    """
    from pydicom.datadict import dictionary_has_tag, repeater_has_tag

    group, element = tag >> 16, tag & 0xFFFF
    overlay_or_curve = group & 0xFF00 in (0x5000, 0x6000)
    # From 7F00 on: pixels, also those that retired elements hold, and signatures.
    if group % 2 or group < 8 or group >= 0x7F00 or element == 0 or overlay_or_curve:
        return "X"
    listed = basic_profile().get(f"{tag:08X}")
    if tag == _CHARACTER_SET:
        return "X"
    if listed is None:
        known = dictionary_has_tag(tag) or repeater_has_tag(tag)
        gone = not known or vr in _NEVER or tag in _SMALLEST_AND_LARGEST
        return "X" if gone else "K"
    if listed == "X/Z/U*":
        return "K" if strict_iod else "X"
    action = listed.split("/")[-1 if strict_iod else 0]
    if vr == "SQ" and action == "D":
        return "Z" if listed == "X/Z/D" else "X"
    return action


def needs_strict_iod(sop_class: str) -> bool:
    """Whether attributes with alternatives may be required in this SOP class."""
    if sop_class.startswith(_ENHANCED_US):
        return True
    return not sop_class.startswith((*_ULTRASOUND, _SECONDARY_CAPTURE))


def dummy_value(vr: str) -> Any:
    """Return a value that says nothing, valid for a value representation."""
    return _DUMMIES.get(vr, DUMMY)


def dummy_texts() -> tuple[str, ...]:
    """Return the texts among the dummies."""
    return (DUMMY, *(value for value in _DUMMIES.values() if isinstance(value, str)))


def element_name(tag: int) -> str:
    """Return the keyword of an element; for one without, group and element."""
    from pydicom.datadict import keyword_for_tag

    return keyword_for_tag(tag) or f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


@dataclass(slots=True, eq=False)
class ProfileCleaner:
    """Applies the profile to a data set, and notes what it did.

    Parameters
    ----------
    salt : bytes
        Key of the new UIDs: with the same salt the same UID becomes the same new one.
    strict_iod : bool
        See `action_of`.
    big_endian : bool
        Whether the file is; words in it are turned round, since the copy is little
        endian.
    """

    salt: bytes
    strict_iod: bool = False
    big_endian: bool = False
    removed: set[str] = field(default_factory=set)
    emptied: set[str] = field(default_factory=set)
    replaced: set[str] = field(default_factory=set)
    unreadable: set[str] = field(default_factory=set)
    identifiers: set[Identifier] = field(default_factory=set)

    def clean(self, dataset: Dataset, depth: int = 0) -> Dataset:
        """Return a new data set with the profile applied, also in its sequences."""
        from pydicom import Dataset

        if depth > _MAX_DEPTH:
            raise ImageReadError(
                f"The file nests sequences more than {_MAX_DEPTH} deep; export it "
                "again from the scanner."
            )
        result = Dataset()
        for tag in list(dataset.keys()):
            kept = self._clean_element(dataset, int(tag), depth)
            if kept is not None:
                result.add(kept)
        return result

    def new_uid(self, old: str) -> str:
        """Return the UID that stands for another one; registered ones stay."""
        from pydicom.uid import UID_dictionary

        old = old.strip("\0 ")
        if old in UID_dictionary:
            return old
        if not old:
            return f"2.25.{uuid.UUID(bytes=secrets.token_bytes(16), version=4).int}"
        digest = hmac.digest(self.salt, old.encode("utf-8", "replace"), "sha256")
        return f"2.25.{uuid.UUID(bytes=digest[:16], version=5).int}"

    def _clean_element(
        self, dataset: Dataset, tag: int, depth: int
    ) -> DataElement | None:
        name = element_name(tag)
        action = action_of(tag, _vr(dataset, tag), strict_iod=self.strict_iod)
        element = None if _is_deferred(dataset, tag) else _read(dataset, tag)
        if action != "K" and element is not None:
            self._remember(element, depth)
        if action == "X":
            self.removed.add(name)
            return None
        if element is None:
            self.removed.add(name)
            self.unreadable.add(name)
            return None
        if action == "Z":
            self.emptied.add(name)
            return _with_value(element, [] if element.VR == "SQ" else None)
        if action in ("D", "U"):
            self.replaced.add(name)
            return _with_value(element, self._replacement(element, action))
        return self._keep(element, depth)

    def _replacement(self, element: DataElement, action: str) -> Any:
        if action == "D" and element.VR != "UI":
            return dummy_value(element.VR)
        new = [self.new_uid(text) for text in _texts(element.value)]
        return new or self.new_uid("")

    def _keep(self, element: DataElement, depth: int) -> DataElement:
        if element.VR == "SQ":
            items = [self.clean(item, depth + 1) for item in element.value]
            return _with_value(element, items)
        size = _WORD_BYTES.get(element.VR)
        if self.big_endian and size and isinstance(element.value, bytes):
            return _with_value(element, _little(element.value, size))
        # What is set in the new data set must not change the original.
        return copy(element)

    def _remember(self, element: DataElement, depth: int) -> None:
        """Note the identifying values of an element that does not stay."""
        if depth > _MAX_DEPTH:
            return
        if element.VR == "SQ":
            for item in element.value:
                for tag in list(item.keys()):
                    inner = _read(item, int(tag))
                    if inner is not None:
                        self._remember(inner, depth + 1)
            return
        listed = f"{int(element.tag):08X}" in basic_profile()
        if element.VR in _IDENTIFYING and (listed or element.VR in _NEVER):
            self.identifiers |= set(_identifiers(element))
        if len(self.identifiers) > _MAX_IDENTIFIERS:
            raise ImageReadError(
                f"The file holds more than {_MAX_IDENTIFIERS} values that identify; "
                "it cannot be checked, so export it again from the scanner."
            )


def _identifiers(element: DataElement) -> Iterator[Identifier]:
    for text in _texts(element.value):
        yield Identifier(text, element.keyword, element.VR)
        if element.VR == "PN":
            for part in text.replace("=", "^").replace(" ", "^").split("^"):
                yield Identifier(part, element.keyword, "PN", word=True)


def _texts(value: Any) -> list[str]:
    """Return the values of an element as texts without padding, empty ones left out."""
    if value is None or isinstance(value, bytes):
        return []
    several = isinstance(value, list | tuple) or hasattr(value, "append")
    texts = [str(part).strip("\0 \t\r\n") for part in (value if several else [value])]
    return [text for text in texts if text]


def _read(dataset: Dataset, tag: int) -> DataElement | None:
    """Return an element, ``None`` if its bytes are no such value."""
    try:
        return dataset[tag]
    except BROKEN:
        return None


def _is_deferred(dataset: Dataset, tag: int) -> bool:
    """Whether an element was too large to be read with the header."""
    from pydicom.dataelem import RawDataElement

    raw = dataset.get_item(tag, keep_deferred=True)
    return isinstance(raw, RawDataElement) and raw.value is None and raw.length > 0


def _vr(dataset: Dataset, tag: int) -> str:
    from pydicom.datadict import dictionary_VR

    raw = dataset.get_item(tag, keep_deferred=True)
    stated = str(getattr(raw, "VR", None) or "UN")
    if stated != "UN":
        return stated
    try:
        return str(dictionary_VR(tag))
    except KeyError:
        return stated


def _with_value(element: DataElement, value: Any) -> DataElement:
    from pydicom import DataElement

    return DataElement(element.tag, element.VR, value)


def _little(value: bytes, size: int) -> bytes:
    """Return big-endian words in little-endian order."""
    whole = len(value) // size * size
    swapped = np.frombuffer(value[:whole], f">u{size}").byteswap().tobytes()
    return swapped + value[whole:]
