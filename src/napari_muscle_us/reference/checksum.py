"""JSON files of ours, read strictly, with a checksum over their content.

The checksum is the SHA-256 of the file's content in the canonical form of RFC 8785,
without the field ``checksum`` itself. It tells an accidental change; it is no
signature.
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import TYPE_CHECKING, Any, Final

import rfc8785

from napari_muscle_us.errors import ReferenceSetError

if TYPE_CHECKING:
    from collections.abc import Mapping

FIELD: Final = "checksum"
_PREFIX: Final = "sha256:"


def checksum_of(document: Mapping[str, Any]) -> str:
    """Return the checksum of a document, whatever its field ``checksum`` says.

    Parameters
    ----------
    document : mapping
        Content of a JSON file.

    Returns
    -------
    str
        ``sha256:`` and 64 hexadecimal digits.

    Raises
    ------
    ReferenceSetError
        If a number or text has no exact form in JSON.

    References
    ----------
    RFC 8785, JSON Canonicalization Scheme. doi:10.17487/RFC8785

    Examples
    --------
    >>> checksum_of({"b": 1.0, "a": "x", "checksum": "?"}) == checksum_of(
    ...     {"a": "x", "b": 1}
    ... )
    True
    """
    content = {k: v for k, v in document.items() if k != FIELD}
    try:
        canonical = rfc8785.dumps(content)
    except (rfc8785.CanonicalizationError, RecursionError, UnicodeError):
        raise ReferenceSetError(
            "The content has no exact form in JSON: a whole number above 2^53, a "
            "number that is not finite, text that is no Unicode, or too deep nesting; "
            "mend it."
        ) from None
    return _PREFIX + hashlib.sha256(canonical).hexdigest()


def stamped(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a document with its right checksum as the last field."""
    content = {k: v for k, v in document.items() if k != FIELD}
    return {**content, FIELD: checksum_of(content)}


def check_checksum(document: Mapping[str, Any], *, what: str) -> None:
    """Refuse a document whose content is not what its checksum was made of.

    Parameters
    ----------
    document : mapping
        Content of a JSON file.
    what : str
        What it is, for the message, such as ``"The reference set 'a.json'"``.

    Raises
    ------
    ReferenceSetError
        If the checksum is missing or another one.
    """
    told = document.get(FIELD)
    if told is None:
        raise ReferenceSetError(
            f"{what} has no checksum; if you wrote it yourself, give it one with "
            "'napari-muscle-us reference import'."
        )
    try:
        found = checksum_of(document)
    except ReferenceSetError:
        raise ReferenceSetError(
            f"{what} holds a number or text that has no exact form in JSON; get the "
            "file again."
        ) from None
    if told != found:
        raise ReferenceSetError(
            f"{what} was changed after it was made: its checksum is "
            f"{str(told)[:15]!r}…, its content gives {found[:15]!r}…; get the file "
            "again."
        )


def read_strict_json(content: bytes, *, what: str) -> dict[str, Any]:
    """Return the content of a JSON file; refuse what JSON leaves open.

    Parameters
    ----------
    content : bytes
        The file.
    what : str
        What it is, for the message.

    Returns
    -------
    dict
        With string keys, none repeated; all numbers finite.

    Raises
    ------
    ReferenceSetError
        If it is not JSON in UTF-8, not one object, repeats a key, or holds NaN.
    """
    try:
        document = json.loads(
            content.decode("utf-8-sig"),
            object_pairs_hook=_without_repeats,
            parse_constant=_refuse_constant,
            parse_float=_finite,
        )
    except RecursionError:
        raise ReferenceSetError(
            f"{what} is nested too deep; it is not such a file."
        ) from None
    except ReferenceSetError as error:
        raise ReferenceSetError(f"{what} {error}") from None
    except ValueError as error:
        place = f" at line {error.lineno}" if hasattr(error, "lineno") else ""
        raise ReferenceSetError(
            f"{what} is not JSON{place}; get the file again."
        ) from None
    if not isinstance(document, dict):
        raise ReferenceSetError(f"{what} is not a JSON object; get the file again.")
    return document


def _without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ReferenceSetError(f"has the field {key[:60]!r} twice; keep one.")
        found[key] = value
    return found


def _refuse_constant(name: str) -> float:
    raise ReferenceSetError(f"holds {name}, which is not a number; mend it.")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ReferenceSetError(f"holds {text[:30]}, which is too large; mend it.")
    return number
