"""Files of our own format, written by hand without a checksum."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.checksum import (
    FIELD,
    checksum_of,
    read_strict_json,
    stamped,
)
from napari_muscle_us.reference.importers.facts import (
    SET_FACTS,
    refuse_unknown_fact,
)
from napari_muscle_us.reference.load import read_reference_bytes
from napari_muscle_us.reference.versions import upgraded

if TYPE_CHECKING:
    from collections.abc import Mapping


def read_own(path: str | Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of a file of our format as the newest version has it.

    Parameters
    ----------
    path : str or Path
        JSON of ``docs/reference-format.md``, of any version.
    facts : mapping
        Fields of the set to put in place of those of the file.

    Returns
    -------
    dict
        Not yet validated.

    Raises
    ------
    ReferenceSetError
        If it is no such file, or has a checksum that is not its own.
    """
    what = f"The file {Path(path).name!r}"
    document = read_strict_json(read_reference_bytes(Path(path).absolute()), what=what)
    told = document.get(FIELD)
    if told is not None and told != checksum_of(document):
        raise ReferenceSetError(
            f"{what} was changed after its checksum was made; get it again, or, if you "
            f"changed it yourself, remove the field {FIELD!r} from it."
        )
    for name in facts:
        refuse_unknown_fact(name)
        if name not in SET_FACTS:
            raise ReferenceSetError(
                f"{name!r} stands with each model in a file of this kind; change it "
                "there."
            )
    newest = upgraded(stamped(document), what=what)
    return newest | dict(facts)
