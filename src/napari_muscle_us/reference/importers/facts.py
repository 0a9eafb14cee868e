"""What a reference set tells of itself, apart from its models."""

from __future__ import annotations

import datetime
import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.checksum import stamped
from napari_muscle_us.reference.validation import validated

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_muscle_us.reference.model import ReferenceSet

SET_FACTS: Final = (
    *("name", "title", "citation", "source_remark", "licence", "author", "date"),
    *("device", "protocol", "population", "limits"),
)
"""Fields of the format that are not models, in their order."""

MODEL_FACTS: Final = ("aliases", "measure", "unit", "sd")
"""Facts that go into each model."""

_NEEDED: Final = ("name", "title", "citation", "licence", "author")


def checked_facts(
    facts: Mapping[str, Any], path: str | Path, *, needs_limits: bool
) -> dict[str, Any]:
    """Return facts completed with what can be known; refuse unknown and missing ones.

    Raises
    ------
    ReferenceSetError
        In one sentence that names all missing ones.
    """
    for name in facts:
        refuse_unknown_fact(name)
    told = dict(facts)
    if isinstance(told.get("population"), str):
        told["population"] = {"description": told["population"]}
    missing = [name for name in _NEEDED if not told.get(name)]
    missing += _missing_parts(told)
    if needs_limits and "limits" not in told:
        missing.append("limits (of age, height, weight; {} for none)")
    if missing:
        raise ReferenceSetError(
            f"A reference set made of {Path(path).name!r} needs {', '.join(missing)}; "
            "give them as options or in the file of --metadata."
        )
    told.setdefault("date", datetime.date.today().isoformat())
    told.setdefault("source_remark", f"Imported from the file {Path(path).name!r}.")
    told.setdefault("limits", {})
    return told


def refuse_unknown_fact(name: str) -> None:
    """Refuse a fact that no reference set has.

    Raises
    ------
    ReferenceSetError
        With the nearest one that there is.
    """
    known = (*SET_FACTS, *MODEL_FACTS)
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"use {', '.join(known)}."
        raise ReferenceSetError(
            f"{name[:40]!r} is nothing that a reference set tells; {hint}"
        )


def _missing_parts(told: Mapping[str, Any]) -> list[str]:
    missing = []
    device = told.get("device")
    if not isinstance(device, dict) or not device.get("manufacturer"):
        missing.append("device manufacturer")
    if not isinstance(device, dict) or not device.get("models"):
        missing.append("device models")
    population = told.get("population")
    if not isinstance(population, dict) or not population.get("description"):
        missing.append("population (who the healthy people were)")
    return missing


def with_aliases(
    models: list[dict[str, Any]], aliases: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return models with other names of their muscles.

    Raises
    ------
    ReferenceSetError
        If a muscle of the aliases has no model.
    """
    known = {model["muscle"] for model in models}
    if not isinstance(aliases, dict):
        raise ReferenceSetError(
            "The aliases are no object of muscles; write such as "
            '{"Biceps brachii": ["Biceps"]}.'
        )
    for muscle in aliases:
        if muscle not in known:
            raise ReferenceSetError(
                f"The aliases name {muscle[:60]!r}, which is not in the file; write "
                "muscles as the file does."
            )
    return [{**model, "aliases": aliases.get(model["muscle"], [])} for model in models]


def built(document: dict[str, Any], path: str | Path) -> ReferenceSet:
    """Return a document of the newest version as a validated reference set.

    Raises
    ------
    ReferenceSetError
        If it is not valid, with the place.
    """
    what = f"A reference set made of {Path(path).name!r}"
    try:
        content = stamped(document)
    except (TypeError, AttributeError):
        raise ReferenceSetError(
            f"{what} would hold what is no text or number; check the metadata."
        ) from None
    return validated(content, what=what)
