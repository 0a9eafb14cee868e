"""Texture features of a region as values of the results table, and their check."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.errors import ResultsError
from napari_muscle_us.measure.texture.measure import Texture, texture_of
from napari_muscle_us.measure.texture.settings import DIRECTED, FAMILIES
from napari_muscle_us.row_parts import pixel_method, registered, spacing_method

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from napari_muscle_us.extra_rows import MeasuredRegion
    from napari_muscle_us.image import UltrasoundImage
    from napari_muscle_us.measure.texture.settings import TextureSettings
    from napari_muscle_us.results import MeasuredValue

DIRECTION: Final = "direction"
"""Entry of a method: step (row, column) in px of the direction that a value is of."""

_OF_OTHERS: Final = "rules"
_FEW: Final = re.compile(r"Only \d+ levels? (?:is|are) left [^;]*; [^;]*")


def texture_values(
    region: MeasuredRegion, settings: TextureSettings
) -> Iterator[MeasuredValue]:
    """Yield the texture features of a region, then those of each direction.

    Only the region's box is looked at, since no feature depends on pixels outside the
    region.

    Parameters
    ----------
    region : MeasuredRegion
        Image, pixels and what all rows of the region share.
    settings : TextureSettings
        Families and all that their values depend on.

    Yields
    ------
    MeasuredValue
        By family, in the order of the standard. NaN with a reason where a value
        cannot be computed; the note also warns of too few levels.

    Raises
    ------
    MeasureError
        If the settings do not fit the image or the region, such as a distance in mm
        without the size of a pixel.
    """
    image, window = region.image, region.window
    found = texture_of(
        image.pixels[window.rows, window.columns],
        window.mask,
        settings,
        spacing_mm=image.spacing_mm,
    )
    for family in settings.families:
        method = region.method | _method(found, family, image)
        note = _note(found.caveats_of(family), region.note)
        yield from _values(found.family(family), found, method, note)
        if family not in DIRECTED:
            continue
        # What is missing in other directions says nothing of one by itself.
        note = _note((found.levels.caveat,), region.note)
        for step, values in found.directions.items():
            of_family = {k: v for k, v in values.items() if _family(k) == family}
            own = method | {DIRECTION: list(step)}
            yield from _values(of_family, found, own, note)


def _values(
    values: Mapping[str, float], found: Texture, method: dict[str, Any], note: str
) -> Iterator[MeasuredValue]:
    from napari_muscle_us.measure.texture.families import reason

    for key, value in values.items():
        said = "; ".join(filter(None, (reason(key, values), note)))
        yield registered(key, value, method, said)


def _method(found: Texture, family: str, image: UltrasoundImage) -> dict[str, Any]:
    told = found.method(family)
    if family == "glcm" and found.settings.distance_mm is not None:
        told["offset_mm"] = [list(step) for step in found.offset_mm]
        told |= spacing_method(image)
    return told


def _note(caveats: Sequence[str], note: str) -> str:
    # As the other parts of a note, which are joined by semicolons, without full stop.
    return "; ".join(filter(None, (*(c.removesuffix(".") for c in caveats), note)))


def few_levels(note: str) -> str:
    """Return the part of a note that warns of too few levels, empty for none.

    Examples
    --------
    >>> few_levels("no pair; Only 2 levels are left of it; choose more; 3 are coloured")
    'Only 2 levels are left of it; choose more'
    """
    found = _FEW.search(note)
    return found.group() if found else ""


def _family(key: str) -> str:
    return key.partition(".")[0]


def is_texture(measure: str) -> bool:
    """Return whether a measure is a texture feature, by its key.

    Examples
    --------
    >>> is_texture("glcm.contrast"), is_texture("intensity.mean")
    (True, False)
    """
    return _family(measure) in FAMILIES


def direction_of(method: Mapping[str, Any]) -> str:
    """Return the direction that a value is of as a text, empty for none.

    Examples
    --------
    >>> direction_of({"direction": [0, 1]}), direction_of({})
    ('[0, 1]', '')
    """
    return repr(method[DIRECTION]) if DIRECTION in method else ""


def refuse_other_method(
    image: UltrasoundImage, method: Mapping[str, Any], found: MeasuredValue
) -> None:
    """Refuse a row whose method is not that of the value recomputed from it.

    A step that does not belong to the stated distance would otherwise stand in the
    table beside a value that it does not give.

    Parameters
    ----------
    image : UltrasoundImage
        Image of the row.
    method : mapping
        What the row tells.
    found : MeasuredValue
        The value recomputed.

    Raises
    ------
    ResultsError
        If an entry differs, is missing, or is one too many.
    """
    known = found.method
    # How the pixels were taken is checked by taking them; rules only add notes.
    for name in sorted(method.keys() - known.keys() - {_OF_OTHERS}):
        raise ResultsError(f"{name[:40]!r} in the method is not of this measure")
    for name in sorted(known.keys() - pixel_method(image).keys()):
        if method.get(name) != known[name]:
            raise ResultsError(
                f"{name!r} in the method does not belong to the other settings"
            )
