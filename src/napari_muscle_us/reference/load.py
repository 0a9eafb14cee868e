"""Find, read and validate reference sets; nothing in them is ever executed."""

from __future__ import annotations

import errno
import hashlib
import re
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.checksum import read_strict_json
from napari_muscle_us.reference.validation import shortened, validated
from napari_muscle_us.reference.versions import upgraded

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from napari_muscle_us.reference.model import ReferenceSet

MAX_BYTES: Final = 20_000_000
DEFAULT_SET: Final = "radboud-esaote-6100-adult"


def builtin_references() -> tuple[str, ...]:
    """Return the names of the sets that come with the package.

    Examples
    --------
    >>> builtin_references()
    ('radboud-esaote-6100-adult',)
    """
    folder = files("napari_muscle_us.reference") / "sets"
    return tuple(
        sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".json"))
    )


def load_reference(name_or_path: str | Path) -> ReferenceSet:
    """Return a reference set by its name or from a file.

    Parameters
    ----------
    name_or_path : str or Path
        Name of a built-in set, or path of a JSON file of the format in
        ``docs/reference-format.md``.

    Returns
    -------
    ReferenceSet
        Validated set.

    Raises
    ------
    ReferenceSetError
        If there is no such set or the file is not valid; the message says where.

    Examples
    --------
    >>> len(load_reference("radboud-esaote-6100-adult").muscles)
    32
    """
    return parse_reference(read_reference_bytes(name_or_path), str(name_or_path))


def reference_sha256(name_or_path: str | Path) -> str:
    """Return the SHA-256 of a reference set's file, kept with every Z-score."""
    return hashlib.sha256(read_reference_bytes(name_or_path)).hexdigest()


def read_reference_bytes(name_or_path: str | Path) -> bytes:
    """Return the file of a reference set as it is.

    Raises
    ------
    ReferenceSetError
        If there is no such set, or the file cannot be read or is far too large.
    """
    name = str(name_or_path)
    if re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
        return _read_builtin(name)
    path = Path(name_or_path)
    try:
        content = _bytes_of_file(path)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a valid path"
        raise ReferenceSetError(
            f"The reference set {shortened(path.name)!r} cannot be read ({reason}); "
            f"give a built-in name ({', '.join(builtin_references())}) or the path of "
            "a JSON file."
        ) from None
    if len(content) > MAX_BYTES:
        raise ReferenceSetError(
            f"The reference set {shortened(path.name)!r} has more than {MAX_BYTES} "
            "bytes; this is not such a file."
        )
    return content


def _bytes_of_file(path: Path) -> bytes:
    # A pipe or a device would be waited for, or never end.
    if path.exists() and not path.is_file():
        raise IsADirectoryError(errno.EISDIR, "not a file")
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _read_builtin(name: str) -> bytes:
    if name not in builtin_references():
        raise ReferenceSetError(
            f"There is no reference set {shortened(name)!r}; built in are "
            f"{', '.join(builtin_references())}."
        )
    file: Traversable = files("napari_muscle_us.reference") / "sets" / f"{name}.json"
    return file.read_bytes()


@lru_cache(maxsize=16)
def parse_reference(content: bytes, name: str) -> ReferenceSet:
    """Return the reference set that a file holds.

    Parameters
    ----------
    content : bytes
        The file.
    name : str
        Its name, for messages.

    Raises
    ------
    ReferenceSetError
        If the file is not valid; the message says where.
    """
    what = f"The reference set {shortened(Path(name).name)!r}"
    document = upgraded(read_strict_json(content, what=what), what=what)
    return validated(document, what=what)
