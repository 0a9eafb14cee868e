"""Anisotropy on the command line: options of ``measure``, and orientation maps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from napari_muscle_us.cli_common import FILE, note, refuse_own_input, with_options
from napari_muscle_us.cli_image import IMAGE_OPTIONS, region_of, still_of
from napari_muscle_us.errors import MuscleUSError, ResultsError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from napari_muscle_us.image import UltrasoundImage
    from napari_muscle_us.measure.anisotropy.orientation import OrientationMap
    from napari_muscle_us.measure.anisotropy.settings import AnisotropySettings

    Mask = npt.NDArray[np.bool_]

_GRADIENTS: Final = ("cubic_spline", "finite_difference", "gaussian", "sobel", "scharr")
_VARIANTS: Final = ("coherency", "one_minus_ratio", "fractional_anisotropy")

MAPS: Final = {
    "orientation": ("orientation_deg", "degree"),
    "coherency": ("coherency", "1"),
    "energy": ("energy", ""),
}
"""Maps with their name in `OrientationMap` and their unit; that of energy depends."""

GRADIENT_OPTIONS: Final = (
    click.option(
        "--gradient",
        type=click.Choice(_GRADIENTS),
        help="Derivative kernel (cubic_spline).",
    ),
    click.option(
        "--gradient-sigma-px", type=float, help="Scale of the gradient gaussian (1)."
    ),
    click.option(
        "--gradient-sigma-mm", type=float, help="Scale of the gradient gaussian in mm."
    ),
)
WINDOW_OPTION: Final = click.option(
    "--anisotropy-window",
    type=click.Choice(["gaussian", "orientationj"]),
    help="Shape of the window of local directions (gaussian).",
)
ANISOTROPY_OPTIONS: Final = (
    click.option(
        "--anisotropy",
        type=click.Choice(["tensor", "fascicle"]),
        help="Add fibre direction and order; fascicle adds the one that speckle does "
        "not draw sideways.",
    ),
    click.option(
        "--anisotropy-sigma-px",
        type=float,
        help="Sigma of the window of local directions in pixels (2).",
    ),
    click.option("--anisotropy-sigma-mm", type=float, help="The same in mm."),
    WINDOW_OPTION,
    *GRADIENT_OPTIONS,
    click.option("--box-px", type=int, help="Side of a box in pixels (32)."),
    click.option("--box-mm", type=float, help="Side of a box in mm."),
    click.option(
        "--box-variant",
        type=click.Choice(_VARIANTS),
        help="What is averaged over the boxes (coherency).",
    ),
    click.option(
        "--box-min-inside", type=float, help="Share of a box in the ROI (0.75)."
    ),
    click.option(
        "--box-min-energy",
        type=float,
        help="Least energy of a box, of the boxes' mean (0.05).",
    ),
)
"""Options of ``measure``."""

_SETTING: Final = {
    "anisotropy_sigma_px": "sigma_px",
    "anisotropy_sigma_mm": "sigma_mm",
    "anisotropy_window": "window",
    "gradient": "gradient",
    "gradient_sigma_px": "gradient_sigma_px",
    "gradient_sigma_mm": "gradient_sigma_mm",
    "box_px": "box_px",
    "box_mm": "box_mm",
    "box_variant": "variant",
    "box_min_inside": "min_inside",
    "box_min_energy": "min_energy_share",
}
_TOLD: Final = (
    "anisotropy.direction",
    "anisotropy.local",
    "anisotropy.fascicle_direction",
)
"""Measures whose reasons are also printed."""


def anisotropy_settings(options: dict[str, Any]) -> AnisotropySettings | None:
    """Return what the options of ``measure`` ask for; ``None`` where they do not.

    Raises
    ------
    MuscleUSError
        If they contradict each other or a value is not possible.
    """
    given = _given(options)
    if options["anisotropy"] is None:
        if given:
            raise MuscleUSError(
                f"{_option(next(iter(given)))} is for anisotropy; add --anisotropy "
                "tensor or fascicle, or leave it out."
            )
        return None
    from napari_muscle_us.measure.anisotropy.settings import AnisotropySettings

    settings = {_SETTING[name]: value for name, value in given.items()}
    return AnisotropySettings(method=options["anisotropy"], **settings)


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that were given, by the names of their options."""
    told = {name: options.get(name) for name in _SETTING}
    given = {name: value for name, value in told.items() if value is not None}
    for name in given:
        other = f"{name.removesuffix('_mm')}_px"
        if name.endswith("_mm") and other in given:
            raise MuscleUSError(
                f"{_option(other)} and {_option(name)} exclude each other; give one."
            )
        if name.startswith("gradient_sigma") and given.get("gradient") != "gaussian":
            raise MuscleUSError(
                f"{_option(name)} is the scale of the gradient gaussian; add "
                "--gradient gaussian, or leave it out."
            )
    return given


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def anisotropy_caveats(rows: pd.DataFrame) -> list[str]:
    """Return why directions are missing or to be doubted, a sentence each."""
    sentences: dict[str, None] = {}
    for name, found in rows.groupby("roi", sort=False):
        # What holds for all numbers of the region was said before.
        shared = set(found.loc[found["measure"] == "intensity.n", "note"])
        for row in found[found["measure"].isin(_TOLD)].to_dict("records"):
            said = row["note"]
            for text in shared:
                said = said.removesuffix(text).removesuffix("; ")
            if said:
                sentences[f"{name}, {row['measure']}: {said}."] = None
    return list(sentences)


@click.group()
def orientation() -> None:
    """Write maps of fibre orientation."""


@orientation.command("map")
@click.argument("image", type=FILE)
@click.option(
    "--out",
    type=FILE,
    required=True,
    help="Folder for all three maps, or a file ending in .tif for one.",
)
@click.option(
    "--map",
    "chosen",
    type=click.Choice(list(MAPS)),
    help="Which map a file is of (orientation).",
)
@click.option("--sigma-px", type=float, help="Sigma of the window in pixels (2).")
@click.option("--sigma-mm", type=float, help="Sigma of the window in mm.")
@with_options(WINDOW_OPTION, *GRADIENT_OPTIONS)
@click.option("--roi", type=FILE, help="ImageJ file of the one ROI to keep to.")
@with_options(*IMAGE_OPTIONS)
def write_orientation_map(out: Path, **options: Any) -> None:
    """Write orientation, coherency and energy of an IMAGE as 32-bit TIFFs."""
    from napari_muscle_us.io.read import read_image
    from napari_muscle_us.io.write_map import refuse_other_map

    paths = _places(out, options["chosen"])
    for path in paths.values():
        refuse_own_input(path, [options["image"], options["roi"]])
        refuse_other_map(path)
    settings = _map_settings(options)
    opened = read_image(options["image"], gray_rule=options["gray_rule"])
    image = still_of(opened, options["frame"])
    outline, mask = region_of(options["roi"], image)
    found = _oriented(image, settings, mask)
    told = _about(image, settings) | {"roi_geometry": outline}
    _write(paths, found, image, told)
    for sentence in opened.warnings:
        note(sentence)
    names = ", ".join(str(path) for path in paths.values())
    click.echo(f"{', '.join(paths)} written to {names}.")


def _places(out: Path, chosen: str | None) -> dict[str, Path]:
    """Return where each map is written, or refuse what cannot be."""
    from napari_muscle_us.io.files import refuse_unwritable

    if out.suffix.lower() in (".tif", ".tiff"):
        refuse_unwritable(out)
        return {chosen or "orientation": out}
    if chosen is not None:
        raise MuscleUSError(
            f"--map chooses the map of one file, and {out.name[:60]!r} is a folder; "
            "let it end in .tif, or leave --map out."
        )
    if out.exists() and not out.is_dir():
        raise ResultsError(
            f"{out.name[:60]!r} is no folder; give a folder for the three maps, or a "
            "name ending in .tif for one."
        )
    if not out.parent.is_dir():
        raise ResultsError(
            f"{out.name[:60]!r} cannot be made, since its folder is not there."
        )
    paths = {name: out / f"{name}.tif" for name in MAPS}
    if out.is_dir():
        for path in paths.values():
            refuse_unwritable(path)
    return paths


def _map_settings(options: dict[str, Any]) -> AnisotropySettings:
    from napari_muscle_us.measure.anisotropy.settings import AnisotropySettings

    given = _given(options)
    sigmas = {n: options[n] for n in ("sigma_px", "sigma_mm") if options[n] is not None}
    if len(sigmas) == 2:
        raise MuscleUSError("--sigma-px and --sigma-mm exclude each other; give one.")
    settings = {_SETTING[name]: value for name, value in given.items()}
    return AnisotropySettings(**settings, **sigmas)


def _oriented(
    image: UltrasoundImage, settings: AnisotropySettings, mask: Mask | None
) -> OrientationMap:
    """Return the maps, or refuse those without a direction."""
    from napari_muscle_us.measure.anisotropy.orientation import compute_orientation_map

    found = compute_orientation_map(
        image.pixels,
        sigma_px=settings.sigma_px,
        sigma_mm=settings.sigma_mm,
        gradient=settings.gradient,
        gradient_sigma_px=settings.gradient_sigma_px,
        gradient_sigma_mm=settings.gradient_sigma_mm,
        window=settings.window,
        spacing_mm=image.spacing_mm,
        mask=mask,
    )
    if found.reason:
        raise MuscleUSError(f"The map has no direction anywhere: {found.reason}.")
    return found


def _about(image: UltrasoundImage, settings: AnisotropySettings) -> dict[str, Any]:
    """Return how the maps came about, to be written into their files."""
    from napari_muscle_us.row_parts import SOFTWARE, pixel_method, spacing_method

    return {
        "image": image.name,
        "image_sha256": image.sha256,
        "frame": image.frame_index,
        "software_version": SOFTWARE,
        **pixel_method(image),
        **spacing_method(image),
        **settings.row_method("anisotropy.circular_mean"),
    }


def _write(
    paths: dict[str, Path],
    found: OrientationMap,
    image: UltrasoundImage,
    told: dict[str, Any],
) -> None:
    from napari_muscle_us.io.files import refuse_unwritable
    from napari_muscle_us.io.write_map import write_map
    from napari_muscle_us.measure.anisotropy.measures import ENERGY_UNITS

    if len(paths) > 1:
        folder = next(iter(paths.values())).parent
        try:
            folder.mkdir(exist_ok=True)
        except (OSError, ValueError):
            raise ResultsError(
                f"The folder {folder.name[:60]!r} cannot be made; choose another place."
            ) from None
    for name, path in paths.items():
        refuse_unwritable(path)
        attribute, unit = MAPS[name]
        info = told | {
            "map": name,
            "unit": unit or ENERGY_UNITS[image.spacing_mm is not None],
        }
        values = getattr(found, attribute)
        write_map(path, values, name=name, spacing_mm=image.spacing_mm, info=info)
