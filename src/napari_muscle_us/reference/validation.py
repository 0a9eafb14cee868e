"""Content of a reference file validated; what is wrong is said in words."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from pydantic import ValidationError

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.kinds.any_model import KINDS
from napari_muscle_us.reference.model import ReferenceSet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_WORDS: Final = {
    "missing": "the field is missing",
    "extra_forbidden": "there is no such field",
    "union_tag_invalid": f"kind is none of {', '.join(KINDS)}",
    "union_tag_not_found": f"kind is missing; it is one of {', '.join(KINDS)}",
    "string_pattern_mismatch": "it has characters that are not allowed there",
    "finite_number": "it should be a finite number",
    "tuple_type": "it should be a list",
    "json_invalid": "it is nested too deep, or holds text that is no Unicode",
    "recursion_loop": "it is nested too deep",
}
_PHRASES: Final = (
    (r"^Input should be ", "it should be "),
    (r"^String should ", "the text should "),
    (r"^(Tuple|List|Dictionary) should ", "the list should "),
    (r" after validation", ""),
    (r"a valid dictionary or .*$|a valid dictionary$|an object$", "an object in {}"),
    (r"a valid (integer)", r"a whole number"),
    (r"a valid (number|string|boolean)", r"a \1"),
)


def validated(document: Mapping[str, Any], *, what: str) -> ReferenceSet:
    """Return the reference set of a document of the newest version.

    Parameters
    ----------
    document : mapping
        As from `napari_muscle_us.reference.versions.upgraded`.
    what : str
        What it is, for the message, such as ``"The reference set 'a.json'"``.

    Raises
    ------
    ReferenceSetError
        If it is not valid: the first place that is wrong, with the muscle's name.
    """
    try:
        return ReferenceSet.model_validate_json(json.dumps(document), strict=True)
    except RecursionError:
        raise ReferenceSetError(
            f"{what} is nested too deep; it is not such a file."
        ) from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        wrong = in_words(first["type"], first["msg"])
        place = place_in_words(first["loc"], document)
        raise ReferenceSetError(
            f"{what} is not valid at {place}: {wrong}; mend the file or get it again."
        ) from None


def in_words(kind: str, message: str) -> str:
    """Return what pydantic says is wrong, as part of a sentence.

    Parameters
    ----------
    kind, message : str
        Fields ``type`` and ``msg`` of an error of pydantic.

    Examples
    --------
    >>> in_words("value_error", "Value error, x does not rise.")
    'x does not rise'
    >>> in_words("float_type", "Input should be a valid number")
    'it should be a number'
    """
    if kind in _WORDS:
        return _WORDS[kind]
    words = message.removeprefix("Value error, ").strip().rstrip(".?")
    for pattern, better in _PHRASES:
        words = re.sub(pattern, better, words)
    return shortened(words, 260)


def place_in_words(loc: Sequence[int | str], document: Any) -> str:
    """Return where in a document something is wrong; a model has its muscle's name.

    Parameters
    ----------
    loc : sequence of int or str
        Field ``loc`` of an error of pydantic.
    document : object
        What was validated.

    Examples
    --------
    >>> document = {"models": [{"muscle": "Tongue", "kind": "lms"}]}
    >>> place_in_words(("models", 0, "lms", "curves", 1, "x", 2), document)
    'models 1 (Tongue), curves 2, x 3'
    """
    words: list[str] = []
    for depth, part in enumerate(loc):
        if isinstance(part, int):
            place = f" {part + 1}{_muscle(loc[: depth + 1], document)}"
            words = [*words[:-1], (words[-1] if words else "item") + place]
        elif not (part == "[key]" or (depth == 2 and loc[0] == "models")):
            words.append(shortened(part))
    return ", ".join(words) or "the file"


def _muscle(loc: Sequence[int | str], document: Any) -> str:
    if len(loc) != 2 or loc[0] != "models":
        return ""
    model = document["models"][loc[1]]
    name = model.get("muscle") if isinstance(model, dict) else None
    return f" ({shortened(name)})" if isinstance(name, str) and name.strip() else ""


def shortened(text: str, length: int = 60) -> str:
    r"""Return text in one line, cut where it is long.

    Examples
    --------
    >>> shortened("a\n  b"), shortened("abcdef", 4)
    ('a b', 'abc…')
    """
    line = " ".join(text.split())
    return line if len(line) <= length else line[: length - 1] + "…"
