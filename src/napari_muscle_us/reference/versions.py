"""Reference files of older versions of the format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.checksum import check_checksum
from napari_muscle_us.reference.formula import format_formula
from napari_muscle_us.reference.model import FORMAT, FORMAT_VERSION

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIELDS_1: Final = frozenset(
    {
        *("format", "version", "name", "title", "citation", "source_remark", "licence"),
        *("author", "date", "measure", "unit", "device", "population", "limits"),
        "models",
    }
)
_MODEL_FIELDS_1: Final = frozenset(
    {
        *("muscle", "kind", "aliases", "n", "terms", "coefficients", "covariance"),
        *("residual_variance", "degrees_of_freedom"),
    }
)


def upgraded(document: Mapping[str, Any], *, what: str) -> dict[str, Any]:
    """Return the content of a reference file as the newest version has it.

    Parameters
    ----------
    document : mapping
        Content of the file.
    what : str
        What it is, for the message.

    Returns
    -------
    dict
        Content of version 2. Its checksum is that of the file, empty for version 1,
        which had none.

    Raises
    ------
    ReferenceSetError
        If it is no reference set, the version is unknown, or the checksum is another.
    """
    if document.get("format") != FORMAT:
        raise ReferenceSetError(
            f"{what} is not valid at format: it is not {FORMAT!r}; choose another file."
        )
    version = document.get("version")
    # 2.0 and True equal whole numbers in Python, but are no versions.
    known = version if type(version) is int else None
    if known == FORMAT_VERSION:
        check_checksum(document, what=what)
        return dict(document)
    if known == 1:
        return _from_version_1(document, what)
    told = "no version" if version is None else f"version {str(version)[:20]!r}"
    raise ReferenceSetError(
        f"{what} has {told} of the format, and this program "
        f"knows 1 and {FORMAT_VERSION}; update the program."
    )


def _from_version_1(document: Mapping[str, Any], what: str) -> dict[str, Any]:
    _refuse_newer_fields(document, _FIELDS_1, what)
    new = dict(document) | {"version": FORMAT_VERSION}
    measure, unit = new.pop("measure", None), new.pop("unit", None)
    if "population" in new:
        new["population"] = {"description": new["population"]}
    models = new.get("models")
    if isinstance(models, list):
        new["models"] = [_model_1(model, measure, unit, what) for model in models]
    return new


def _model_1(model: Any, measure: Any, unit: Any, what: str) -> Any:
    if not isinstance(model, dict):
        return model
    _refuse_newer_fields(model, _MODEL_FIELDS_1, what)
    new = dict(model) | {"measure": measure, "unit": unit}
    terms = new.pop("terms", None)
    if isinstance(terms, list) and all(map(_is_term, terms)):
        new["formula"] = format_formula(terms)
    return new


def _is_term(term: Any) -> bool:
    return isinstance(term, dict) and all(
        isinstance(power, int) and not isinstance(power, bool)
        for power in term.values()
    )


def _refuse_newer_fields(
    part: Mapping[str, Any], known: frozenset[str], what: str
) -> None:
    other = next((name for name in part if name not in known), None)
    if other is not None:
        shown = " ".join(other.split())[:60]
        raise ReferenceSetError(
            f"{what} is not valid at {shown}: version 1 of the format has no such "
            "field; mend the file or get it again."
        )
