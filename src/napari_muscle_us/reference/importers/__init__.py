"""Reference sets made of what others publish: models, means and SDs, LMS tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.errors import ReferenceSetError

if TYPE_CHECKING:
    from pathlib import Path

    from napari_muscle_us.reference.model import ReferenceSet

KINDS: Final = ("radboud-json", "means", "lms", "own")
"""Kinds of files that `import_reference` reads."""


def import_reference(
    path: str | Path, *, kind: str, sheet: str | None = None, **facts: Any
) -> ReferenceSet:
    """Return a reference set made of a published table or file of models.

    Parameters
    ----------
    path : str or Path
        The file.
    kind : {"radboud-json", "means", "lms", "own"}
        ``"radboud-json"``: linear models as MATLAB exports them for
        CreateRandom/muscle-ultrasound. ``"means"``: a spreadsheet with muscle, mean,
        SD and n, and perhaps sex, ages, side and dominance. ``"lms"``: a spreadsheet
        with age (or height or weight), L, M and S. ``"own"``: a file of our format,
        written by hand without a checksum.
    sheet : str, optional
        Sheet of a workbook.
    **facts
        What the file does not tell: ``name``, ``title``, ``citation``, ``licence``,
        ``author``, ``date``, ``device`` and ``population`` (as in the format), and
        ``protocol``, ``source_remark``, ``limits``, ``aliases`` (of each muscle),
        ``measure``, ``unit``, ``sd``. For ``"own"`` they replace what the file holds.

    Returns
    -------
    ReferenceSet
        Validated; write it with `napari_muscle_us.reference.write.write_reference`.

    Raises
    ------
    ReferenceSetError
        If something needed is missing, or the file is not of the kind or not valid.
    ResultsError
        If a spreadsheet cannot be read.
    """
    from napari_muscle_us.reference.importers import lms, means, own, radboud
    from napari_muscle_us.reference.importers.facts import built, checked_facts

    readers = {"radboud-json": radboud, "means": means, "lms": lms, "own": own}
    if kind not in readers:
        raise ReferenceSetError(
            f"{str(kind)[:40]!r} is no kind of file to import; use {', '.join(KINDS)}."
        )
    told = {name: fact for name, fact in facts.items() if fact is not None}
    if kind == "own":
        return built(own.read_own(path, told), path)
    # Of a formula nobody knows where it ends; tables end by themselves.
    told = checked_facts(told, path, needs_limits=kind == "radboud-json")
    if kind == "radboud-json":
        models = radboud.read_models(path, told)
    elif kind == "means":
        models = means.read_models(path, told, sheet=sheet)
    else:
        models = lms.read_models(path, told, sheet=sheet)
    return built(_document(told, models), path)


def _document(told: dict[str, Any], models: list[dict[str, Any]]) -> dict[str, Any]:
    from napari_muscle_us.reference.importers.facts import SET_FACTS, with_aliases
    from napari_muscle_us.reference.model import FORMAT, FORMAT_VERSION

    head: dict[str, Any] = {name: told[name] for name in SET_FACTS if name in told}
    return {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        **head,
        "models": with_aliases(models, told.get("aliases", {})),
    }
