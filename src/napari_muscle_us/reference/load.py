"""Find, read and validate reference sets; nothing in them is ever executed."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.model import ReferenceSet

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

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
    return _parse(str(name_or_path), read_reference_bytes(name_or_path))


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
        if path.stat().st_size > MAX_BYTES:
            raise ReferenceSetError(
                f"The reference set {path.name!r} has more than {MAX_BYTES} bytes; "
                "this is not such a file."
            )
        return path.read_bytes()
    except (OSError, ValueError) as error:
        if isinstance(error, ReferenceSetError):
            raise
        reason = getattr(error, "strerror", None) or "not a valid path"
        raise ReferenceSetError(
            f"The reference set {path.name!r} cannot be read ({reason}); give a "
            f"built-in name ({', '.join(builtin_references())}) or the path of a JSON "
            "file."
        ) from None


def _read_builtin(name: str) -> bytes:
    if name not in builtin_references():
        raise ReferenceSetError(
            f"There is no reference set {name!r}; built in are "
            f"{', '.join(builtin_references())}."
        )
    file: Traversable = files("napari_muscle_us.reference") / "sets" / f"{name}.json"
    return file.read_bytes()


@lru_cache(maxsize=16)
def _parse(name: str, content: bytes) -> ReferenceSet:
    try:
        return ReferenceSet.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ReferenceSetError(
            f"The reference set {Path(name).name!r} is not valid at {place}: "
            f"{first['msg']}; mend the file or get it again."
        ) from None
