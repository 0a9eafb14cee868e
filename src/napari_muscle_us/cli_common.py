"""What several commands share: tables, people, scanners, and files not to replace."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from napari_muscle_us.errors import MuscleUSError, ResultsError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from napari_muscle_us.image import Device
    from napari_muscle_us.reference.conversion.device_conversion import DeviceConversion
    from napari_muscle_us.reference.model import ReferenceSet
    from napari_muscle_us.reference.subject import Subject

FILE: Final = click.Path(path_type=Path)


def with_options(*added: Callable[..., Any]) -> Callable[..., Any]:
    """Return a decorator that adds options to a command, in order."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        for option in reversed(added):
            command = option(command)
        return command

    return decorate


PERSON_OPTIONS: Final = (
    click.option("--age", type=float, help="Age of the subject in years."),
    click.option("--sex", help="male or female."),
    click.option("--height", type=float, help="Height of the subject in cm."),
    click.option("--weight", type=float, help="Weight of the subject in kg."),
    click.option(
        "--handedness",
        help="left or right: the hand that the subject writes with.",
    ),
)
TABLE_OPTIONS: Final = (
    click.option("--sheet", help="Sheet of the workbook TABLE."),
    click.option(
        "--column",
        "columns",
        multiple=True,
        metavar="OURS=THEIRS",
        help="Which column holds what, such as value='Mean EI' (again for more).",
    ),
    click.option(
        "--measure",
        default="intensity.mean",
        show_default=True,
        help="What the values are.",
    ),
    click.option(
        "--people", type=FILE, help="Spreadsheet of ages, sexes, heights, weights."
    ),
)
DEVICE_OPTIONS: Final = (
    click.option("--device-manufacturer", help="Maker of the scanner of the values."),
    click.option("--device-model", help="Its model, as its images tell."),
    click.option(
        "--accept-device",
        is_flag=True,
        help="Give Z-scores although the values are of another device than the set.",
    ),
    click.option(
        "--conversion",
        type=FILE,
        help="Device conversion (JSON) that carries the values over to the set's.",
    ),
)
RULE_OPTION: Final = click.option(
    "--rule",
    type=click.Choice(["mean", "mean_rounded", "radboud"]),
    default="mean",
    show_default=True,
    help="How several images of a muscle and side are averaged.",
)


def load_set(name_or_file: str) -> ReferenceSet:
    """Return a built-in set, one of the user's folder by its name, or a file.

    Raises
    ------
    ReferenceSetError
        If there is no such set or it is not valid.
    """
    from napari_muscle_us.reference.load import load_reference

    return load_reference(set_path(name_or_file))


def set_path(name_or_file: str) -> str | Path:
    """Return the name of a built-in set, or the file that is meant."""
    from napari_muscle_us.reference.load import builtin_references

    if name_or_file not in builtin_references() and "." not in name_or_file:
        from napari_muscle_us.reference.own_sets import user_references

        for path in user_references():
            if path.stem == name_or_file:
                return path
    return name_or_file


def conversion_of(path: Path | None) -> DeviceConversion | None:
    """Return the conversion in a file; ``None`` without one.

    Raises
    ------
    ReferenceSetError
        If the file cannot be read or is no conversion.
    """
    if path is None:
        return None
    from napari_muscle_us.reference.conversion.conversion_file import load_conversion

    return load_conversion(path)


def device_of(options: dict[str, Any]) -> Device | None:
    """Return the scanner that options name; ``None`` where they name none.

    Raises
    ------
    MuscleUSError
        If only one of maker and model is given.
    """
    maker, model = options["device_manufacturer"], options["device_model"]
    if maker is None and model is None:
        return None
    if not (maker or "").strip() or not (model or "").strip():
        raise MuscleUSError(
            "A device is known by its maker and model; give both "
            "--device-manufacturer and --device-model."
        )
    from napari_muscle_us.image import Device

    return Device(maker, model)


def person_of(options: dict[str, Any]) -> Subject:
    """Return the person that options tell of; what they leave out is not known.

    Raises
    ------
    ReferenceSetError
        If a value is not possible.
    """
    from napari_muscle_us.reference.subject import Subject

    words = ("age", "sex", "height", "weight", "handedness")
    return Subject(*(options[word] for word in words))


def named_columns(columns: Sequence[str]) -> dict[str, str]:
    """Return columns of a table by our names, from texts such as ``value=EI``.

    Raises
    ------
    MuscleUSError
        If a text is not such.
    """
    named = {}
    for text in columns:
        ours, sign, theirs = text.partition("=")
        if not sign or not theirs:
            raise MuscleUSError(
                f"--column {text[:60]!r} names no column; write such as value=EI."
            )
        named[ours.strip()] = theirs.strip()
    return named


def read_values(table: Path, options: dict[str, Any]) -> pd.DataFrame:
    """Return a spreadsheet or results table of people as `tidy_people` makes it.

    Raises
    ------
    MuscleUSError
        If it cannot be read or is not clear.
    """
    from napari_muscle_us.io.spreadsheet import read_spreadsheet
    from napari_muscle_us.reference.people.people_table import join_people, tidy_people

    values = tidy_people(
        read_spreadsheet(table, sheet=options["sheet"]),
        columns=named_columns(options["columns"]),
        measure=options["measure"],
    )
    if options["people"] is not None:
        values = join_people(values, read_spreadsheet(options["people"]))
    return values


def tell_dropped(values: pd.DataFrame) -> None:
    """Say which columns were left out, since they tell who a person is."""
    from napari_muscle_us.reference.people.people_table import DROPPED

    for column in values.attrs.get(DROPPED, ()):
        note(f"Column {column!r} tells who a person is and was left out.")


def note(sentence: str) -> None:
    """Print a caveat on standard error."""
    click.echo(f"Note: {sentence}", err=True)


def lined_up(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of cells as lines with their columns below each other."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def refuse_own_input(
    out: Path, inputs: Sequence[Path | None], option: str = "--out"
) -> None:
    """Refuse to write over what is read.

    Raises
    ------
    ResultsError
        If `out` is one of the inputs.
    """
    for path in filter(None, inputs):
        try:
            same = out.samefile(path)
        except (OSError, ValueError):
            continue  # One of them is not there; what else is wrong is said later.
        if same:
            raise ResultsError(
                f"{option} {str(out)!r} is the input itself; give another file name."
            )


def refuse_other_table(out: Path, columns: Sequence[object], what: str) -> None:
    """Refuse to replace a file that is no table with these columns.

    Raises
    ------
    ResultsError
        If `out` exists and does not begin with the columns.
    """
    header = ",".join(map(str, columns)).encode()
    try:
        with out.open("rb") as file:
            head = file.read(len(header) + 4096)
    except (OSError, ValueError):
        return  # Writing will say why it cannot be.
    if head and not head.startswith(header):
        raise ResultsError(
            f"{out.name!r} exists and is no {what}; choose another name."
        )


def write_csv(path: Path, table: pd.DataFrame) -> None:
    """Write a table so that no spreadsheet runs anything of it."""
    from napari_muscle_us.io.tables import guard_formula

    # Texts may be of several dtypes; a number with a sign is no text.
    safe = table.map(
        lambda cell: guard_formula(cell) if isinstance(cell, str) else cell
    )
    safe.to_csv(path, index=False, encoding="utf-8", na_rep="NaN", lineterminator="\n")


class Progress:
    """Tells how far some work is, only where somebody looks on.

    Parameters
    ----------
    what : str
        What is being done, such as ``"Fitting"``.
    """

    def __init__(self, what: str) -> None:
        self._what = what
        self._shown = sys.stderr.isatty()
        self._last = -1

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._last >= 0:
            # Back to the beginning of the line, and nothing on it.
            click.echo("\r\x1b[K", nl=False, err=True)

    def __call__(self, done: int, total: int) -> None:
        """Show the share that is done, when it has changed."""
        percent = 100 * done // max(total, 1)
        if self._shown and percent != self._last:
            self._last = percent
            click.echo(f"\r{self._what}: {percent} %", nl=False, err=True)
