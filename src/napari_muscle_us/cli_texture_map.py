"""The command ``napari-muscle-us texture map``: a texture map as a TIFF."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from napari_muscle_us.cli_common import FILE, note, refuse_own_input, with_options
from napari_muscle_us.cli_image import (
    IMAGE_OPTIONS,
    region_of,
    still_of,
)
from napari_muscle_us.cli_texture import (
    DISTANCE_OPTIONS,
    LEVEL_OPTIONS,
    given_settings,
    refuse_idle,
)
from napari_muscle_us.cli_texture_compiling import tell_compiling
from napari_muscle_us.errors import MuscleUSError, ResultsError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt

    from napari_muscle_us.image import UltrasoundImage
    from napari_muscle_us.measure.texture.settings import TextureSettings

    Map = npt.NDArray[np.float32]
    Mask = npt.NDArray[np.bool_]

# What a feature's levels and pairs depend on is that of this family.
_FAMILY_OF: Final = {"pairs": "glcm", "levels": "hist", "gray": "stat"}


@click.command("map")
@click.argument("image", type=FILE)
@click.option("--feature", default="contrast", show_default=True, help="Which feature.")
@click.option("--out", type=FILE, required=True, help="Map (TIFF, 32 bits) to write.")
@click.option("--window-px", type=int, help="Side of the window in pixels, odd (31).")
@click.option("--window-mm", type=float, help="Side of the window in mm.")
@with_options(*LEVEL_OPTIONS, *DISTANCE_OPTIONS)
@click.option("--roi", type=FILE, help="ImageJ file of the one ROI to keep to.")
@click.option(
    "--min-share",
    type=float,
    default=0.5,
    show_default=True,
    help="Least share of a full window's pairs that a value needs.",
)
@with_options(*IMAGE_OPTIONS)
def write_texture_map(out: Path, **options: Any) -> None:
    """Write the texture around every pixel of an IMAGE as a 32-bit TIFF."""
    from napari_muscle_us.io.read import read_image
    from napari_muscle_us.io.write_map import refuse_other_map, write_map
    from napari_muscle_us.row_parts import coloured_sentence

    refuse_own_input(out, [options["image"], options["roi"]])
    _refuse_other_place(out)
    refuse_other_map(out)
    name = options["feature"].removeprefix("glcm.")
    settings, window = _settings(options, name), _window(options)
    tell_compiling()
    opened = read_image(options["image"], gray_rule=options["gray_rule"])
    image = still_of(opened, options["frame"])
    outline, mask = region_of(options["roi"], image)
    values = _computed(image, mask, name, settings, window, options["min_share"])
    info = _info(image, name, settings) | window
    info |= {
        "window_px": _size(image, window),
        "min_share": options["min_share"],
        "roi_geometry": outline,
    }
    write_map(out, values, name=name, spacing_mm=image.spacing_mm, info=info)
    caveats = _caveats(image, mask, name, settings)
    told = (*opened.warnings, coloured_sentence(image, mask), *caveats)
    for sentence in filter(None, told):
        note(sentence)
    rows, columns = info["window_px"]
    click.echo(f"{name}, window {rows} × {columns} px, written to {out}.")


def _refuse_other_place(out: Path) -> None:
    """Refuse what is no TIFF to write, before the image is read."""
    from napari_muscle_us.io.files import refuse_unwritable

    if out.suffix.lower() not in (".tif", ".tiff"):
        raise ResultsError(
            f"A map is written as TIFF; let the name {out.name[:60]!r} end in .tif."
        )
    refuse_unwritable(out)


def _settings(options: dict[str, Any], name: str) -> TextureSettings:
    """Return levels and distance as given; a map averages over the directions."""
    from napari_muscle_us.measure.texture.map_features import MAP_FEATURES
    from napari_muscle_us.measure.texture.settings import TextureSettings

    given = given_settings(options)
    if name in MAP_FEATURES:
        refuse_idle(given, (_FAMILY_OF[MAP_FEATURES[name].source],))
    return TextureSettings(aggregation="2d_avg", **given)


def _window(options: dict[str, Any]) -> dict[str, Any]:
    given = {n: options[n] for n in ("window_px", "window_mm")}
    given = {name: value for name, value in given.items() if value is not None}
    if len(given) == 2:
        raise MuscleUSError("--window-px and --window-mm exclude each other; give one.")
    return given


def _size(image: UltrasoundImage, window: dict[str, Any]) -> list[int]:
    from napari_muscle_us.measure.texture.maps import window_size_px

    return list(window_size_px(spacing_mm=image.spacing_mm, **window))


def _computed(
    image: UltrasoundImage,
    mask: Mask | None,
    name: str,
    settings: TextureSettings,
    window: dict[str, Any],
    min_share: float,
) -> Map:
    """Return the map, or refuse one without a value."""
    import numpy as np

    from napari_muscle_us.measure.texture.maps import compute_texture_map
    from napari_muscle_us.measure.texture.measure import steps_of

    spacing = image.spacing_mm
    maps = compute_texture_map(
        image.pixels,
        [name],
        bin_size=settings.bin_size,
        bin_number=settings.bin_number,
        origin=settings.origin,
        offsets=steps_of(settings, spacing),
        mask=mask,
        min_share=min_share,
        spacing_mm=spacing,
        **window,
    )
    values = None if maps is None else maps[name]
    if values is None or np.isnan(values).all():
        alike = ", or all are of one gray level," if name == "correlation" else ","
        raise MuscleUSError(
            f"No window holds enough pairs of pixels{alike} so the map has no value; "
            "choose a smaller window or --min-share, or a larger ROI."
        )
    return values


def _caveats(
    image: UltrasoundImage, mask: Mask | None, name: str, settings: TextureSettings
) -> list[str]:
    """Return a sentence where the bins leave too few levels of the region."""
    import numpy as np

    from napari_muscle_us.measure.texture.discretise import discretise
    from napari_muscle_us.measure.texture.map_features import MAP_FEATURES

    if MAP_FEATURES[name].source == "gray":
        return []
    levels = discretise(
        image.pixels,
        np.ones(image.frame_shape, np.bool_) if mask is None else mask,
        bin_size=settings.bin_size,
        bin_number=settings.bin_number,
        origin=settings.origin,
    )
    return [levels.caveat] if levels.caveat else []


def _info(
    image: UltrasoundImage, name: str, settings: TextureSettings
) -> dict[str, Any]:
    """Return how a map came about, to be written into its file."""
    from napari_muscle_us.measure.texture.map_features import MAP_FEATURES
    from napari_muscle_us.measure.texture.measure import steps_of
    from napari_muscle_us.row_parts import SOFTWARE, pixel_method, spacing_method

    feature = MAP_FEATURES[name]
    family = _FAMILY_OF[feature.source]
    return {
        "feature": feature.key,
        "ibsi": feature.ibsi,
        "unit": feature.unit or "1",
        "image": image.name,
        "image_sha256": image.sha256,
        "frame": image.frame_index,
        "software_version": SOFTWARE,
        **pixel_method(image),
        **spacing_method(image),
        **settings.method(family, steps_of(settings, image.spacing_mm)),
    }
