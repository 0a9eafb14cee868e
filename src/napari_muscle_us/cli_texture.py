"""Texture on the command line: options of ``measure``, and the group ``texture``."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import click

from napari_muscle_us.cli_common import lined_up, note
from napari_muscle_us.cli_texture_compiling import tell_compiling
from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from napari_muscle_us.measure.texture.presets import TexturePreset
    from napari_muscle_us.measure.texture.settings import TextureSettings

_AGGREGATIONS: Final = ("2d_s_mrg", "2d_avg", "2.5d_d_mrg", "2.5d_v_mrg")

LEVEL_OPTIONS: Final = (
    click.option("--bin-size", type=int, help="Gray levels in a bin (8); 1 keeps all."),
    click.option("--bin-number", type=int, help="Number of bins over the ROI's range."),
    click.option("--origin", type=int, help="Gray level where the first bin begins."),
)
DISTANCE_OPTIONS: Final = (
    click.option("--distance-px", type=int, help="Distance of a pair in pixels (1)."),
    click.option("--distance-mm", type=float, help="Distance of a pair in mm."),
)
TEXTURE_OPTIONS: Final = (
    click.option(
        "--texture",
        metavar="FAMILIES",
        help="Add texture: families such as glcm,glrlm, or all.",
    ),
    click.option(
        "--texture-preset",
        metavar="NAME|FILE",
        help="Add texture by a preset; napari-muscle-us texture presets lists them.",
    ),
    *LEVEL_OPTIONS,
    click.option(
        "--normalise", is_flag=True, help="Bring the ROI's gray levels to µ ± 3σ first."
    ),
    *DISTANCE_OPTIONS,
    click.option(
        "--aggregation",
        type=click.Choice(_AGGREGATIONS),
        help="How directions are brought together (2d_s_mrg).",
    ),
    click.option(
        "--each-direction", is_flag=True, help="Add a row for each direction too."
    ),
    click.option(
        "--neighbourhood-px", type=int, help="Reach of NGTDM and NGLDM in pixels (1)."
    ),
    click.option("--alpha", type=int, help="Levels this far apart are alike (NGLDM)."),
    click.option(
        "--radius-px", type=int, help="Radius of local binary patterns in pixels (1)."
    ),
)
"""Options of ``measure``; which family each is for is in the documentation."""

_LEVELS: Final = ("hist", "glcm", "glrlm", "glszm", "gldzm", "ngtdm", "ngldm")
_CONCERNS: Final = {
    **dict.fromkeys(("bin_size", "bin_number", "origin"), _LEVELS),
    "normalise": ("stat", *_LEVELS),
    **dict.fromkeys(("distance_px", "distance_mm"), ("glcm",)),
    "aggregation": _LEVELS[1:],
    "each_direction": ("glcm", "glrlm"),
    "neighbourhood_px": ("ngtdm", "ngldm"),
    "alpha": ("ngldm",),
    "radius_px": ("lbp",),
}
"""Families whose values depend on a setting."""

_EITHER: Final = (("bin_size", "bin_number"), ("distance_px", "distance_mm"))


def texture_settings(options: dict[str, Any]) -> TextureSettings | None:
    """Return what the options of ``measure`` ask for; ``None`` where they do not.

    Raises
    ------
    MuscleUSError
        If they contradict each other or a value is not possible.
    """
    from napari_muscle_us.measure.texture.settings import TextureSettings

    given = given_settings(options)
    preset, families = _preset(options), options["texture"]
    if preset is not None:
        if families is not None:
            raise MuscleUSError(
                "--texture and --texture-preset both choose families; give one of them."
            )
        refuse_idle(given, preset.settings.families)
        tell_compiling()
        return _changed(preset, given)
    if families is None:
        if given:
            raise MuscleUSError(
                f"{_option(next(iter(given)))} is for texture; add --texture FAMILIES "
                "or --texture-preset NAME, or leave it out."
            )
        return None
    settings = TextureSettings(families=_families(families), **given)
    refuse_idle(given, settings.families)
    tell_compiling()
    return settings


def refuse_idle(given: dict[str, Any], families: Sequence[str]) -> None:
    """Refuse a setting that changes nothing of the families that are measured.

    Raises
    ------
    MuscleUSError
        If there is one; it would be taken for something that was done.
    """
    for name in given:
        concerned = _CONCERNS[name]
        if not set(concerned) & set(families):
            raise MuscleUSError(
                f"{_option(name)} is for {', '.join(concerned)} and changes nothing of "
                f"{', '.join(families)}; leave it out."
            )


def wanted_rows(rows: pd.DataFrame, options: dict[str, Any]) -> pd.DataFrame:
    """Return a results table without the texture features that a preset leaves out."""
    from napari_muscle_us.texture_rows import is_texture

    preset = _preset(options)
    if preset is None:
        return rows
    shown = set(preset.keys)
    kept = [not is_texture(m) or m in shown for m in rows["measure"]]
    return rows[kept].reset_index(drop=True)


def texture_caveats(rows: pd.DataFrame) -> list[str]:
    """Return what is to be known of the texture of each region, a sentence each."""
    from napari_muscle_us.texture_rows import few_levels, is_texture

    texture = rows[[is_texture(measure) for measure in rows["measure"]]]
    sentences: dict[str, None] = {}
    for name, found in texture.groupby("roi", sort=False):
        for said in filter(None, map(few_levels, found["note"].unique())):
            sentences[f"{name}: {said}."] = None
        missing = int(found["value"].isna().sum())
        if missing:
            told = f"{missing} of {len(found)} texture rows have no value"
            sentences[f"{name}: {told}; their note says why."] = None
    return list(sentences)


def given_settings(options: dict[str, Any]) -> dict[str, Any]:
    """Return the texture settings that were given, by their names.

    Raises
    ------
    MuscleUSError
        If two of them exclude each other.
    """
    told = {name: options.get(name) for name in _CONCERNS}
    # A flag that was not given is False; a number may be 0.
    given = {n: v for n, v in told.items() if v is not None and v is not False}
    for one, other in _EITHER:
        if one in given and other in given:
            raise MuscleUSError(
                f"{_option(one)} and {_option(other)} exclude each other; give one."
            )
    if "bin_number" in given and "origin" in given:
        raise MuscleUSError(
            "--origin is for bins of a fixed size; leave it out with --bin-number."
        )
    return given


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _families(text: str) -> tuple[str, ...]:
    from napari_muscle_us.measure.texture.settings import FAMILIES

    names = tuple(name.strip().lower() for name in text.split(","))
    return FAMILIES if names == ("all",) else names


def _preset(options: dict[str, Any]) -> TexturePreset | None:
    name = options["texture_preset"]
    if name is None:
        return None
    from napari_muscle_us.measure.texture.presets import load_preset

    return load_preset(name)


def _changed(preset: TexturePreset, given: dict[str, Any]) -> TextureSettings:
    """Return the settings of a preset with those that were given, and say so."""
    settings = preset.settings
    changes = dict(given)
    if "bin_size" in given or "origin" in given:
        changes["bin_number"] = None
    if "distance_px" in given:
        changes["distance_mm"] = None
    changed = replace(settings, **changes)
    if changed != settings:
        names = ", ".join(_option(name) for name in given)
        note(f"Not the preset {preset.name!r} as it is: {names} was given.")
    return changed


@click.group()
def texture() -> None:
    """List texture features and presets; write a texture map of an image."""


@texture.command("presets")
def list_presets() -> None:
    """List the presets: those of the literature with their source, then yours."""
    from napari_muscle_us.measure.texture import presets

    for preset in presets.list_presets():
        families = ", ".join(preset.settings.families)
        click.echo(f"{preset.name}: {preset.title}")
        click.echo(f"  {len(preset.keys)} features of {families}")
        source = " ".join(filter(None, (preset.citation, _doi(preset))))
        for text in filter(None, (source, preset.note)):
            click.echo(f"  {text}")
    for sentence in presets.preset_problems():
        note(sentence)


def _doi(preset: TexturePreset) -> str:
    if not preset.doi or preset.doi in preset.citation:
        return ""
    return f"doi:{preset.doi}"


@texture.command("features")
@click.option("--family", metavar="FAMILIES", help="Only these, such as glcm,ngtdm.")
def list_features(family: str | None) -> None:
    """List the features: key, code of the IBSI, unit, and what each means."""
    from napari_muscle_us.measure.texture.families import ABOUT, LABELS, features_of
    from napari_muscle_us.measure.texture.settings import FAMILIES, TextureSettings
    from napari_muscle_us.registry import MEASURES

    chosen: tuple[str, ...] = FAMILIES
    if family is not None:
        chosen = TextureSettings(families=_families(family)).families
    for name in chosen:
        click.echo(f"{LABELS[name]}. {ABOUT[name]}")
        lines = [
            (f.key, f.ibsi or "–", MEASURES[f.key].unit, f"{f.label}. {f.meaning}")
            for f in features_of(name)
        ]
        for line in lined_up([("key", "IBSI", "unit", "meaning"), *lines]):
            click.echo(f"  {line}")
