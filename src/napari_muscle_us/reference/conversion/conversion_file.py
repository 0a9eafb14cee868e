"""Device conversions as files: JSON with a checksum, nothing ever executed."""

from __future__ import annotations

import errno
import hashlib
import json
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from napari_muscle_us.errors import ReferenceSetError, ResultsError
from napari_muscle_us.io.files import atomic_path
from napari_muscle_us.reference.checksum import (
    check_checksum,
    read_strict_json,
    stamped,
)
from napari_muscle_us.reference.conversion.device_conversion import (
    FORMAT,
    FORMAT_VERSION,
    DeviceConversion,
)
from napari_muscle_us.reference.validation import in_words, place_in_words, shortened

MAX_BYTES: Final = 1_000_000


def write_conversion(path: str | Path, conversion: DeviceConversion) -> None:
    """Write a conversion to a file, with a fresh checksum.

    Parameters
    ----------
    path : str or Path
        JSON file. An existing file is replaced only if it is a device conversion.
    conversion : DeviceConversion
        What to write.

    Raises
    ------
    ResultsError
        If the folder cannot be written to, or `path` is another kind of file.

    Examples
    --------
    >>> import tempfile
    >>> from napari_muscle_us.reference.conversion.device_conversion import (
    ...     example_conversion,
    ... )
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name) / "a-to-b.json"
    >>> write_conversion(path, example_conversion())
    >>> load_conversion(path).convert(100.0)
    54.0
    >>> folder.cleanup()
    """
    path = Path(path)
    if not _may_replace(path):
        raise ResultsError(
            f"{path.name[:80]!r} exists and is not a device conversion; choose another "
            "name."
        )
    document = stamped(conversion.model_dump(mode="json"))
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    with atomic_path(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def load_conversion(path: str | Path) -> DeviceConversion:
    """Return the conversion that a file holds.

    Parameters
    ----------
    path : str or Path
        File that `write_conversion` wrote, at most `MAX_BYTES`.

    Returns
    -------
    DeviceConversion
        Validated.

    Raises
    ------
    ReferenceSetError
        If the file cannot be read, is no device conversion, has an unknown version
        or field, was changed, or holds a number that cannot be; the message says
        where.
    """
    path = Path(path)
    what = f"The device conversion {shortened(path.name, 80)!r}"
    document = read_strict_json(_content(path, what), what=what)
    _check_head(document, what)
    check_checksum(document, what=what)
    try:
        return DeviceConversion.model_validate_json(json.dumps(document), strict=True)
    except RecursionError:
        raise ReferenceSetError(
            f"{what} is nested too deep; it is not such a file."
        ) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        wrong = in_words(first["type"], first["msg"])
        place = place_in_words(first["loc"], document)
        raise ReferenceSetError(
            f"{what} is not valid at {place}: {wrong}; get the file again."
        ) from None


def find_conversion(name: str, sha256: object, folder: Path) -> Path:
    """Return the device conversion of that file name and hash in the folder.

    Parameters
    ----------
    name : str
        Name of the file without its folder.
    sha256 : object
        What a row of results tells.
    folder : Path
        Folder to look in, with its subfolders.

    Raises
    ------
    ResultsError
        If there is no such file, or only another one of the name.
    """
    paths = [p for p in sorted(folder.rglob("*.json")) if p.name == name]
    for path in paths:
        found = conversion_sha256(path)
        if found is not None and found == sha256:
            return path
    raise ResultsError(
        f"the conversion {name!r:.80} is not the one that was used"
        if paths
        else f"the conversion {name!r:.80} that was used is not in the folder"
    )


def conversion_sha256(path: Path) -> str | None:
    """Return the SHA-256 of a file; ``None`` for what is none, or far too large.

    Each file of a name in a folder is asked, so that a bad one must not stop it.
    """
    try:
        if not path.is_file() or path.stat().st_size > MAX_BYTES:
            return None
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError:
        return None


def _check_head(document: dict[str, Any], what: str) -> None:
    if document.get("format") != FORMAT:
        raise ReferenceSetError(
            f"{what} is none: its format is not {FORMAT!r}; choose another file."
        )
    version = document.get("version")
    # True equals 1 in Python, but is no version.
    if type(version) is not int or version != FORMAT_VERSION:
        raise ReferenceSetError(
            f"{what} has version {str(version)[:20]!r} of the format, and this program "
            f"knows {FORMAT_VERSION}; update the program."
        )


def _content(path: Path, what: str) -> bytes:
    try:
        # A pipe would be waited for without end.
        if path.exists() and not path.is_file():
            raise IsADirectoryError(errno.EISDIR, "not a file")
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a valid path"
        raise ReferenceSetError(
            f"{what} cannot be read ({reason}); give the path of a JSON file."
        ) from None
    if len(content) > MAX_BYTES:
        raise ReferenceSetError(
            f"{what} has more than {MAX_BYTES} bytes; it is not such a file."
        )
    return content


def _may_replace(path: Path) -> bool:
    """Whether there is no file yet, or a device conversion of any version."""
    if "\0" in str(path) or not path.exists() or path.is_dir():
        return True  # What else is wrong with it is said when it is written.
    what = path.name
    try:
        document = read_strict_json(_content(path, what), what=what)
    except ReferenceSetError:
        return False
    return document.get("format") == FORMAT
