"""A texture preset, and the form in which it is kept in a file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.errors import MeasureError, MuscleUSError
from napari_muscle_us.measure.texture._checks import shown
from napari_muscle_us.measure.texture.families import all_features
from napari_muscle_us.measure.texture.settings import TextureSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT: Final = "napari-muscle-us texture preset"
FORMAT_VERSION: Final = 1
MAX_BYTES: Final = 100_000

_TEXTS: Final = {
    "name": 64, "title": 200, "citation": 1000, "doi": 200, "note": 4000,
}  # fmt: skip
_FIELDS: Final = ("format", "version", *_TEXTS, "settings", "features")


@dataclass(frozen=True, slots=True)
class TexturePreset:
    """Settings of texture features with a name and where they come from.

    Parameters
    ----------
    name : str
        Short name, 1 to 64 characters.
    title : str
        What a list shows.
    settings : TextureSettings
        Families and all that their values depend on.
    features : tuple of str, optional
        Keys to show, of the families of `settings`; empty for all of them.
    citation, doi : str, optional
        Publication that the settings come from; empty for one's own.
    note : str, optional
        What the publication does not tell, and where its features are not ours.
    shipped : bool, default: False
        Whether it comes with the program.

    Raises
    ------
    MeasureError
        If a text is missing, too long or cannot be shown, or a feature is not one of
        the families.

    Examples
    --------
    >>> preset = TexturePreset(
    ...     "quick", "Contrast alone", TextureSettings(), features=("glcm.contrast",)
    ... )
    >>> preset.keys
    ('glcm.contrast',)
    """

    name: str
    title: str
    settings: TextureSettings
    features: tuple[str, ...] = ()
    citation: str = ""
    doi: str = ""
    note: str = ""
    shipped: bool = False

    def __post_init__(self) -> None:
        """Check the texts and the features."""
        for field, longest in _TEXTS.items():
            _check_text(field, getattr(self, field), longest)
        if not isinstance(self.settings, TextureSettings):
            raise MeasureError(
                f"The settings of a preset must be TextureSettings, not "
                f"{type(self.settings).__name__}."
            )
        object.__setattr__(self, "features", self._checked_features())

    def _checked_features(self) -> tuple[str, ...]:
        """Return the features once each, in the order of the standard."""
        if not isinstance(self.features, (tuple, list)):
            raise MeasureError(
                f"The features of a preset must be a list of keys; they are "
                f"{shown(self.features)}."
            )
        known = all_features()
        for key in self.features:
            if not isinstance(key, str) or key not in known:
                raise MeasureError(
                    f"There is no texture feature {shown(key)}; "
                    "docs/texture-features.md lists them."
                )
            if known[key].family not in self.settings.families:
                raise MeasureError(
                    f"The feature {key!r} is not of the preset's families, "
                    f"{', '.join(self.settings.families)}; add its family."
                )
        return tuple(key for key in known if key in self.features)

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the features to show, all of the families where none were chosen."""
        chosen = self.features or tuple(all_features())
        known = all_features()
        return tuple(k for k in chosen if known[k].family in self.settings.families)


def dump_preset(preset: TexturePreset) -> str:
    """Return the text of the preset's file, JSON with every setting."""
    document = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        **{field: getattr(preset, field) for field in _TEXTS},
        "settings": preset.settings.to_dict(),
        "features": list(preset.features),
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def parse_preset(
    content: bytes, *, what: str = "The texture preset", shipped: bool = False
) -> TexturePreset:
    """Return the preset that a file holds; nothing in it is ever executed.

    Parameters
    ----------
    content : bytes
        The file.
    what : str, optional
        What it is, for messages.
    shipped : bool, default: False
        Whether it comes with the program.

    Raises
    ------
    MeasureError
        If it is too large, not JSON, of another format or version, or holds a field,
        setting, value or feature that is not possible.
    """
    from napari_muscle_us.reference.checksum import read_strict_json

    if len(content) > MAX_BYTES:
        raise MeasureError(
            f"{what} has more than {MAX_BYTES} bytes; this is not such a file."
        )
    try:
        document = read_strict_json(content, what=what)
    except MuscleUSError as error:
        raise MeasureError(str(error)) from None
    _check_head(document, what)
    told = {field: document[field] for field in _TEXTS if field in document}
    try:
        settings = TextureSettings.from_dict(document["settings"])
        features = document.get("features", [])
        return TexturePreset(
            **told, settings=settings, features=features, shipped=shipped
        )
    except MeasureError as error:
        raise MeasureError(f"{what} is not valid: {error}") from None


def _check_head(document: Mapping[str, Any], what: str) -> None:
    """Refuse another format, another version, and fields that lack or are unknown."""
    if document.get("format") != FORMAT:
        raise MeasureError(f"{what} is not a preset: its format is not {FORMAT!r}.")
    version = document.get("version")
    if type(version) is not int or version != FORMAT_VERSION:
        raise MeasureError(
            f"{what} has version {shown(version)} and this program reads "
            f"{FORMAT_VERSION}; update the program, or save the preset anew."
        )
    unknown = [field for field in document if field not in _FIELDS]
    if unknown:
        raise MeasureError(
            f"{what} has the field {shown(unknown[0])}, which is not known; known are "
            f"{', '.join(_FIELDS)}."
        )
    for field in ("name", "title", "settings"):
        if field not in document:
            raise MeasureError(f"{what} has no field {field!r}; add it.")
    if not isinstance(document["settings"], dict):
        raise MeasureError(f"{what} has settings that are not an object; mend them.")


def _check_text(field: str, text: object, longest: int) -> None:
    if not isinstance(text, str):
        raise MeasureError(f"The {field} of a preset must be text, not {shown(text)}.")
    if len(text) > longest:
        raise MeasureError(
            f"The {field} of the preset has {len(text)} characters; shorten it to "
            f"{longest}."
        )
    if not text.isprintable():
        raise MeasureError(
            f"The {field} of the preset holds characters that cannot be shown, such as "
            "a line break; take them out."
        )
    if field in ("name", "title") and (not text or text != text.strip()):
        raise MeasureError(
            f"The {field} of the preset is {text!r}; give one that is not empty and "
            "has no space at its ends."
        )
