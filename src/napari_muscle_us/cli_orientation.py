"""Orientation maps on the command line: of a picture, and of all frames of a clip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from napari_muscle_us.cli_anisotropy import (
    GRADIENT_OPTIONS,
    SETTING,
    WINDOW_OPTION,
    given_settings,
)
from napari_muscle_us.cli_common import (
    FILE,
    Progress,
    note,
    refuse_own_input,
    with_options,
)
from napari_muscle_us.cli_image import (
    IMAGE_OPTIONS,
    region_of,
    still_of,
)
from napari_muscle_us.errors import MuscleUSError, ResultsError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from napari_muscle_us.image import UltrasoundImage
    from napari_muscle_us.measure.anisotropy.orientation import OrientationMap
    from napari_muscle_us.measure.anisotropy.settings import AnisotropySettings

    Mask = npt.NDArray[np.bool_]

MAPS: Final = {
    "orientation": ("orientation_deg", "degree"),
    "coherency": ("coherency", "1"),
    "energy": ("energy", ""),
}
"""Maps with their name in `OrientationMap` and their unit; that of energy depends."""


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
@click.option(
    "--all-frames", is_flag=True, help="One map of every frame of a clip, as a stack."
)
@with_options(*IMAGE_OPTIONS)
def write_orientation_map(out: Path, **options: Any) -> None:
    """Write orientation, coherency and energy of an IMAGE as 32-bit TIFFs."""
    from napari_muscle_us.io.read import read_image
    from napari_muscle_us.io.write_map import refuse_other_map

    paths = _places(out, options["chosen"])
    for path in paths.values():
        refuse_own_input(path, [options["image"], options["roi"]])
        refuse_other_map(path)
    if options["all_frames"]:
        _refuse_beside_all_frames(paths, options["frame"])
    settings = _map_settings(options)
    opened = read_image(options["image"], gray_rule=options["gray_rule"])
    write = _write_stack if options["all_frames"] else _write_maps
    write(paths, opened, settings, options)
    for sentence in opened.warnings:
        note(sentence)
    names = ", ".join(str(path) for path in paths.values())
    click.echo(f"{', '.join(paths)} written to {names}.")


def _write_maps(
    paths: dict[str, Path],
    opened: UltrasoundImage,
    settings: AnisotropySettings,
    options: dict[str, Any],
) -> None:
    """Write the maps of one picture."""
    from napari_muscle_us.row_parts import coloured_sentence

    image = still_of(opened, options["frame"])
    outline, mask = region_of(options["roi"], image)
    found = _oriented(image, settings, mask)
    told = _about(image, settings) | {"roi_geometry": outline}
    _write(paths, found, image, told)
    coloured = coloured_sentence(image, mask)
    if coloured:
        note(coloured)


def _refuse_beside_all_frames(paths: dict[str, Path], frame: int | None) -> None:
    """Refuse what contradicts a stack of all frames."""
    if frame is not None:
        raise MuscleUSError(
            "--frame and --all-frames exclude each other; leave one out."
        )
    if len(paths) > 1:
        raise MuscleUSError(
            "--all-frames writes a stack of one map; let --out end in .tif, and choose "
            "the map by --map."
        )


def _write_stack(
    paths: dict[str, Path],
    clip: UltrasoundImage,
    settings: AnisotropySettings,
    options: dict[str, Any],
) -> None:
    """Write one map of all frames, a frame at a time."""
    from napari_muscle_us.orientation_stack import (
        scale_of_frames,
        write_orientation_stack,
    )

    # First, since it refuses a still image.
    spacing = scale_of_frames(clip)
    ((kind, path),) = paths.items()
    outline, mask = region_of(options["roi"], clip)
    told = _about(clip.frame(0), settings) | {
        "frame": None,
        "frames": clip.n_frames,
        "roi_geometry": outline,
    }
    attribute, info = MAPS[kind][0], told | _kind_of(kind, spacing)
    with Progress("Mapping") as progress:
        write_orientation_stack(
            path,
            clip,
            attribute,
            name=kind,
            mask=mask,
            info=info,
            progress=progress,
            **_tensor_options(settings),
        )


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

    given = given_settings(options)
    sigmas = {n: options[n] for n in ("sigma_px", "sigma_mm") if options[n] is not None}
    if len(sigmas) == 2:
        raise MuscleUSError("--sigma-px and --sigma-mm exclude each other; give one.")
    settings = {SETTING[name]: value for name, value in given.items()}
    return AnisotropySettings(**settings, **sigmas)


def _oriented(
    image: UltrasoundImage, settings: AnisotropySettings, mask: Mask | None
) -> OrientationMap:
    """Return the maps, or refuse those without a direction."""
    from napari_muscle_us.measure.anisotropy.orientation import compute_orientation_map

    found = compute_orientation_map(
        image.pixels,
        spacing_mm=image.spacing_mm,
        mask=mask,
        **_tensor_options(settings),
    )
    if found.reason:
        raise MuscleUSError(f"The map has no direction anywhere: {found.reason}.")
    return found


def _tensor_options(settings: AnisotropySettings) -> dict[str, Any]:
    """Return settings as `compute_orientation_map` takes them."""
    names = (
        *("sigma_px", "sigma_mm", "gradient"),
        *("gradient_sigma_px", "gradient_sigma_mm", "window"),
    )
    return {name: getattr(settings, name) for name in names}


def _kind_of(kind: str, spacing_mm: tuple[float, float] | None) -> dict[str, str]:
    """Return what a map is of, and its unit."""
    from napari_muscle_us.measure.anisotropy.measures import ENERGY_UNITS

    unit = MAPS[kind][1] or ENERGY_UNITS[spacing_mm is not None]
    return {"map": kind, "unit": unit}


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
        spacing = image.spacing_mm
        info = told | _kind_of(name, spacing)
        values = getattr(found, MAPS[name][0])
        write_map(path, values, name=name, spacing_mm=spacing, info=info)
