"""What options and a file of metadata tell of a reference set that is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from napari_muscle_us.cli_common import FILE

if TYPE_CHECKING:
    from pathlib import Path

FACT_OPTIONS: Final = (
    click.option(
        "--metadata",
        "--about",
        type=FILE,
        help="JSON of what the options do not tell.",
    ),
    click.option("--name", help="Of the set: small letters, digits and hyphens."),
    click.option("--title", help="One line."),
    click.option("--citation", help="What to cite."),
    click.option("--source-remark", help="What a reader should know of the source."),
    click.option("--licence", help="Of the numbers."),
    click.option("--author", help="Who made the set."),
    click.option("--date", help="When (default: today)."),
    click.option("--protocol", help="How was measured."),
    click.option("--population", help="Who the healthy people were."),
    click.option("--manufacturer", help="Of the scanner."),
    click.option(
        "--model", "models", multiple=True, help="Of the scanner (again: more)."
    ),
)
_TEXT_FACTS: Final = (
    *("name", "title", "citation", "source_remark", "licence", "author", "date"),
    *("protocol", "population", "measure", "unit", "sd"),
)


def facts_of(options: dict[str, Any]) -> dict[str, Any]:
    """Return what options and the file of metadata tell; options come first.

    Raises
    ------
    ReferenceSetError
        If the file of metadata is not to be read.
    """
    facts = _metadata(options["metadata"]) if options["metadata"] else {}
    told = {k: options[k] for k in _TEXT_FACTS if options.get(k) is not None}
    if "population" in told and isinstance(facts.get("population"), dict):
        told["population"] = facts["population"] | {"description": told["population"]}
    facts |= told
    if options["manufacturer"] is not None or options["models"]:
        device = facts.get("device")
        device = dict(device) if isinstance(device, dict) else {}
        if options["manufacturer"] is not None:
            device["manufacturer"] = options["manufacturer"]
        if options["models"]:
            device["models"] = list(options["models"])
        facts["device"] = device
    return facts


def _metadata(path: Path) -> dict[str, Any]:
    from napari_muscle_us.reference.checksum import read_strict_json
    from napari_muscle_us.reference.load import read_reference_bytes

    content = read_reference_bytes(path.absolute())
    return read_strict_json(content, what=f"The metadata {path.name!r}")
