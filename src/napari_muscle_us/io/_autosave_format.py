"""The form in which sets of regions are autosaved: JSON with a checksum."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us import __version__
from napari_muscle_us.errors import ResultsError
from napari_muscle_us.roi.history import same_state
from napari_muscle_us.roi.serial import (
    MAX_ENTRIES,
    entries_from_dict,
    entries_to_dict,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_muscle_us.image import UltrasoundImage
    from napari_muscle_us.regions import Bounds
    from napari_muscle_us.roi.entries import RoiEntry

FORMAT: Final = "napari-muscle-us rois"
FORMAT_VERSION: Final = 1
MAX_BYTES: Final = 32_000_000
MAX_CONTAINERS: Final = 1_000_000
"""Lists and mappings in a file: what bounds the memory that reading takes."""
MAX_SETS: Final = 100

_HEX_DIGITS: Final = 64
_PREFIX: Final = b'{"checksum":"'


class AutosaveDamagedError(ResultsError):
    """A file is no whole autosave of this program."""


class AutosaveNewerError(ResultsError):
    """A later version of this program wrote an autosave."""


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """Which image regions belong to.

    Parameters
    ----------
    name : str
        File name without folder; empty where it must not be told.
    key : str
        `napari_muscle_us.UltrasoundImage.key`.
    sha256 : str
        Of the file or the pixels, where it is known; tells that an image is the same
        although its date has changed.
    shape : tuple of int
        Shape of the picture or clip when the regions were drawn.
    """

    name: str
    key: str
    sha256: str = ""
    shape: tuple[int, ...] = ()

    @classmethod
    def of(cls, image: UltrasoundImage) -> ImageFacts:
        """Return what tells an image apart, without hashing a large file."""
        known = image.digest if isinstance(image.digest, str) else ""
        return cls(image.name, image.key, known, tuple(image.gray.shape))

    def without_name(self) -> ImageFacts:
        """Return the same image unnamed, for a place apart from its file."""
        return replace(self, name="")


@dataclass(frozen=True, slots=True, eq=False)
class RoiSet:
    """The regions of one layer.

    Parameters
    ----------
    name : str
        Title of the layer.
    entries : tuple of RoiEntry
        The regions, in order.
    crop : tuple of int, optional
        Part of the picture that the layer lies on (`UltrasoundImage.crop`); ``None``
        for the whole. The coordinates count from its upper left pixel.
    """

    name: str
    entries: tuple[RoiEntry, ...]
    crop: Bounds | None = None

    def same_as(self, other: RoiSet) -> bool:
        """Whether another set has the same title, place and regions."""
        return ((self.name, self.crop) == (other.name, other.crop)) and same_state(
            self.entries, other.entries
        )


@dataclass(frozen=True, slots=True, eq=False)
class AutosaveFile:
    """What an autosave holds.

    Parameters
    ----------
    sets : tuple of RoiSet
        The regions, a set a layer.
    image : ImageFacts
        The image they belong to.
    saved_at : datetime
        When it was written, UTC.
    software_version : str
        Which version wrote it.
    problems : tuple of str
        A sentence for each region that was left out.
    """

    sets: tuple[RoiSet, ...]
    image: ImageFacts
    saved_at: datetime
    software_version: str
    problems: tuple[str, ...] = ()


class Fragments:
    """The JSON of regions that have not changed since the last autosave.

    Regions are immutable, so that one that is the same object has the same JSON.
    """

    def __init__(self) -> None:
        self._last: dict[int, tuple[RoiEntry, str]] = {}
        self._next: dict[int, tuple[RoiEntry, str]] = {}

    def of(self, entry: RoiEntry) -> str:
        """Return the canonical JSON of a region."""
        # The entry is kept too: without it, its id could become another's.
        known = self._last.get(id(entry))
        if known is None:
            known = (entry, canonical(entries_to_dict([entry])[0]))
        self._next[id(entry)] = known
        return known[1]

    def forget_unused(self) -> None:
        """Forget the regions that were not asked for since the last call."""
        self._last, self._next = self._next, {}


def canonical(value: object) -> str:
    """Return the one JSON text of a value: ASCII, sorted keys, no blanks.

    Examples
    --------
    >>> canonical({"b": [1, 0.5], "a": None})
    '{"a":null,"b":[1,0.5]}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def encode_autosave(
    sets: Sequence[RoiSet],
    image: ImageFacts,
    *,
    saved_at: datetime | None = None,
    fragments: Fragments | None = None,
) -> bytes:
    """Return the content of an autosave; pure, so fit for a thread.

    Parameters
    ----------
    sets : sequence of RoiSet
        The regions, a set a layer.
    image : ImageFacts
        The image they belong to.
    saved_at : datetime, optional
        Aware of its zone; now by default.
    fragments : Fragments, optional
        What the last call made, so that only changed regions are made anew.

    Returns
    -------
    bytes
        JSON, ASCII.

    Raises
    ------
    ResultsError
        If there are more than 100 sets, or it would be too large to be read.
    RoiError
        If a region cannot be kept (`napari_muscle_us.roi.serial.entries_to_dict`).

    Notes
    -----
    ``checksum`` is the SHA-256 of the canonical JSON of all else: ASCII, sorted keys,
    no blanks. Laying the text out anew keeps it, any other change does not.
    """
    fragments = Fragments() if fragments is None else fragments
    if len(sets) > MAX_SETS or any(len(s.entries) > MAX_ENTRIES for s in sets):
        raise ResultsError(
            f"The ROIs of {len(sets)} layers, at most "
            f"{max((len(s.entries) for s in sets), default=0)} in one, are not "
            f"autosaved; the most is {MAX_SETS} layers of {MAX_ENTRIES}."
        )
    facts = {
        "format": FORMAT,
        "image": {
            "key": image.key,
            "name": image.name,
            "sha256": image.sha256,
            "shape": list(map(int, image.shape)),
        },
        "saved_at": (saved_at or datetime.now(UTC)).astimezone(UTC).isoformat(),
        "sets": [],
        "software_version": __version__,
        "version": FORMAT_VERSION,
    }
    stored = ",".join(_set_text(one, fragments) for one in sets)
    fragments.forget_unused()
    before, _, after = canonical(facts).rpartition('"sets":[]')
    body = f'{before}"sets":[{stored}]{after}'.encode("ascii")
    # "checksum" comes first of all keys, so the file is canonical as a whole.
    content = _PREFIX + _checksum(body).encode("ascii") + b'",' + body[1:]
    _check_size(content)
    return content


def decode_autosave(content: bytes, *, verify: bool = True) -> AutosaveFile:
    """Return what the content of an autosave holds.

    Parameters
    ----------
    content : bytes
        It may be anything.
    verify : bool, default: True
        Whether the checksum must be right.

    Raises
    ------
    AutosaveDamagedError
        If it is no autosave, or not as it was written. The message is the reason only.
    AutosaveNewerError
        If a later version wrote it.
    """
    if too_large := _too_large(content):
        raise AutosaveDamagedError(too_large)
    try:
        stored = json.loads(content.decode("utf-8-sig"))
        is_whole = _is_whole(content, stored)
    # Lists within lists without end are a RecursionError.
    except (ValueError, RecursionError):
        raise AutosaveDamagedError("it ends early or is no JSON") from None
    if not isinstance(stored, dict) or stored.get("format") != FORMAT:
        raise AutosaveDamagedError("it is no autosave of this program")
    if verify and not is_whole:
        raise AutosaveDamagedError("it is not as this program wrote it")
    version = stored.get("version")
    if type(version) is int and version > FORMAT_VERSION:
        raise AutosaveNewerError("a newer version of this program wrote it")
    if type(version) is not int or version != FORMAT_VERSION:
        raise AutosaveDamagedError("it has no version that this program knows")
    try:
        return _file_of(stored)
    except (TypeError, KeyError, ValueError, OverflowError):
        raise AutosaveDamagedError("an entry of it is missing or wrong") from None


def _set_text(one: RoiSet, fragments: Fragments) -> str:
    crop = None if one.crop is None else list(map(int, one.crop))
    entries = ",".join(fragments.of(entry) for entry in one.entries)
    name = canonical(str(one.name))
    return f'{{"crop":{canonical(crop)},"entries":[{entries}],"name":{name}}}'


def _checksum(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _is_whole(content: bytes, stored: object) -> bool:
    start = len(_PREFIX)
    told, body = content[start : start + _HEX_DIGITS], content[start + _HEX_DIGITS :]
    if content.startswith(_PREFIX) and body.startswith(b'",'):
        whole = _checksum(b"{" + body[2:])
        if whole.encode("ascii") == told:
            return True
    if not isinstance(stored, dict):
        return False
    # An editor may have laid it out anew.
    rest = {name: value for name, value in stored.items() if name != "checksum"}
    return _checksum(canonical(rest).encode("ascii")) == stored.get("checksum")


def _too_large(content: bytes) -> str:
    if len(content) > MAX_BYTES:
        return f"it has more than {MAX_BYTES} bytes"
    if content.count(b"[") + content.count(b"{") > MAX_CONTAINERS:
        return f"it has more than {MAX_CONTAINERS} vertices"
    return ""


def _check_size(content: bytes) -> None:
    if reason := _too_large(content):
        raise ResultsError(
            f"The ROIs are not autosaved: the file is too large, {reason}; save them "
            "as an ROI file and simplify their outlines."
        )


def _file_of(stored: dict[str, Any]) -> AutosaveFile:
    image = stored["image"]
    saved_at = datetime.fromisoformat(stored["saved_at"])
    if saved_at.tzinfo is None or not MINYEAR < saved_at.year < MAXYEAR:
        raise ValueError
    if not isinstance(stored["sets"], list) or len(stored["sets"]) > MAX_SETS:
        raise TypeError
    sets: list[RoiSet] = []
    problems: list[str] = []
    for one in stored["sets"]:
        entries, broken = entries_from_dict(one["entries"])
        sets.append(RoiSet(_text(one["name"]), entries, _crop_of(one.get("crop"))))
        problems += broken
    facts = ImageFacts(
        _text(image["name"]),
        _text(image["key"]),
        _text(image.get("sha256", "")),
        _whole_numbers(image.get("shape", [])),
    )
    version = _text(stored["software_version"])
    return AutosaveFile(
        tuple(sets), facts, saved_at.astimezone(UTC), version, tuple(problems)
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _whole_numbers(value: object) -> tuple[int, ...]:
    if not isinstance(value, list) or not all(type(n) is int for n in value):
        raise TypeError
    return tuple(value)


def _crop_of(value: object) -> Bounds | None:
    if value is None:
        return None
    top, bottom, left, right = _whole_numbers(value)
    return top, bottom, left, right
