"""Write reference sets to files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.io.files import atomic_path
from napari_muscle_us.reference.checksum import read_strict_json, stamped
from napari_muscle_us.reference.load import (
    MAX_BYTES,
    parse_reference,
    read_reference_bytes,
)
from napari_muscle_us.reference.model import FORMAT, ReferenceSet
from napari_muscle_us.reference.validation import shortened

_FIRST: Final = ("muscle", "aliases", "measure", "unit", "kind", "n")
_ALWAYS: Final = {"measure", "unit", "sd", "beyond_3"}


def reference_document(reference: ReferenceSet) -> dict[str, Any]:
    """Return a reference set as the content of its file.

    Fields that hold what they hold by default are left out, but for the measure, the
    unit and the choice of SD of a model.

    Parameters
    ----------
    reference : ReferenceSet
        The set.

    Returns
    -------
    dict
        Ready for JSON, with its checksum as the last field.

    Raises
    ------
    ReferenceSetError
        If a number has no form in JSON.

    Examples
    --------
    >>> from napari_muscle_us import load_reference
    >>> document = reference_document(load_reference("radboud-esaote-6100-adult"))
    >>> document["version"], document["models"][0]["formula"]
    (2, '1 + age_years + weight_kg + age_years^2')
    """
    # What is of a wrong type is refused when it is read back, in a sentence.
    document = reference.model_dump(mode="json", exclude_defaults=True, warnings=False)
    for model, short in zip(reference.models, document["models"], strict=True):
        kept = model.model_dump(mode="json", include=_ALWAYS) | short
        short.clear()
        short.update({name: kept[name] for name in _FIRST if name in kept} | kept)
    return stamped(document)


def write_reference(
    path: str | Path, reference: ReferenceSet, *, overwrite: bool = False
) -> ReferenceSet:
    """Write a reference set to a file, with its checksum.

    The file is written beside its place and renamed, so there is never half a file.
    Before that it is read back: what is written is the set, bit for bit.

    Parameters
    ----------
    path : str or Path
        Name ending in ``.json``.
    reference : ReferenceSet
        The set.
    overwrite : bool, default: False
        Whether another reference set at that place may be replaced. A file that is no
        reference set is never replaced.

    Returns
    -------
    ReferenceSet
        As in the file: with its checksum.

    Raises
    ------
    ReferenceSetError
        If the name does not end in ``.json``, something is there that must not be
        replaced, or the set is not valid.
    ResultsError
        If the folder does not exist or cannot be written to.

    Examples
    --------
    >>> import tempfile
    >>> from napari_muscle_us import load_reference
    >>> reference = load_reference("radboud-esaote-6100-adult")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     written = write_reference(f"{folder}/mine.json", reference)
    ...     load_reference(f"{folder}/mine.json") == written
    True
    """
    path = Path(path)
    if path.suffix.lower() != ".json":
        raise ReferenceSetError(
            f"{shortened(path.name)!r} does not end in .json; give the file such a "
            "name."
        )
    refuse_to_replace(path, overwrite)
    content = as_text(reference_document(reference)).encode("utf-8")
    written = _read_back(content, path.name, reference)
    with atomic_path(path) as temporary:
        temporary.write_bytes(content)
    return written


def refuse_to_replace(path: Path, overwrite: bool) -> None:
    """Refuse to write over what is no reference set, or one that may not be replaced.

    Parameters
    ----------
    path : Path
        Where the reference set would be written.
    overwrite : bool
        Whether another reference set there may be replaced.

    Raises
    ------
    ReferenceSetError
        If something is there that must not be replaced.
    """
    try:
        if not (path.exists() or path.is_symlink()) or path.is_dir():
            return
    except (OSError, ValueError):
        # That it is no place to write to is said when it is written.
        return
    if not _is_reference_set(path):
        raise ReferenceSetError(
            f"{shortened(path.name)!r} is there already and is not a reference set, so "
            "it is not replaced; choose another name."
        )
    if not overwrite:
        raise ReferenceSetError(
            f"The reference set {shortened(path.name)!r} is there already; choose "
            "another name, or allow it to be replaced."
        )


def _is_reference_set(path: Path) -> bool:
    """Whether a file is a reference set, though perhaps a damaged one."""
    try:
        content = read_reference_bytes(path.absolute())
        return read_strict_json(content, what=path.name).get("format") == FORMAT
    except ReferenceSetError:
        return False


def _read_back(content: bytes, name: str, reference: ReferenceSet) -> ReferenceSet:
    if len(content) > MAX_BYTES:
        raise ReferenceSetError(
            f"The reference set {reference.name} has {len(content)} bytes, more than "
            f"the {MAX_BYTES} that are read; leave out models or points of curves."
        )
    written = parse_reference(content, name)
    same = written.model_copy(update={"checksum": reference.checksum})
    if same != reference:
        raise ReferenceSetError(
            f"The reference set {reference.name} would not be read back as it is, so "
            "it is not written; build it anew."
        )
    return written


def as_text(document: Any, indent: int = 0) -> str:
    """Return a document as JSON with each list of numbers in one line.

    Parameters
    ----------
    document : object
        Ready for JSON.
    indent : int, default: 0
        Spaces before it.

    Examples
    --------
    >>> print(as_text({"x": [1.5, 2], "y": [[0.1], [3]]}))
    {
     "x": [1.5, 2],
     "y": [
      [0.1],
      [3]
     ]
    }
    <BLANKLINE>
    """
    return _lines(document, indent) + "\n"


def _lines(value: Any, indent: int) -> str:
    inner = " " * (indent + 1)
    if isinstance(value, dict) and value:
        parts = [
            f"{json.dumps(key, ensure_ascii=False)}: {_lines(item, indent + 1)}"
            for key, item in value.items()
        ]
        return _enclosed("{", parts, "}", indent, inner)
    if isinstance(value, list) and any(isinstance(v, (list, dict)) for v in value):
        parts = [_lines(item, indent + 1) for item in value]
        return _enclosed("[", parts, "]", indent, inner)
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _enclosed(first: str, parts: list[str], last: str, indent: int, inner: str) -> str:
    body = f",\n{inner}".join(parts)
    return f"{first}\n{inner}{body}\n{' ' * indent}{last}"
