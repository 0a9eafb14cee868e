"""Anisotropy on the command line: options of ``measure``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from napari_muscle_us.measure.anisotropy.settings import AnisotropySettings

    Mask = npt.NDArray[np.bool_]

_GRADIENTS: Final = ("cubic_spline", "finite_difference", "gaussian", "sobel", "scharr")
_VARIANTS: Final = ("coherency", "one_minus_ratio", "fractional_anisotropy")

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

SETTING: Final = {
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
    given = given_settings(options)
    if options["anisotropy"] is None:
        if given:
            raise MuscleUSError(
                f"{_option(next(iter(given)))} is for anisotropy; add --anisotropy "
                "tensor or fascicle, or leave it out."
            )
        return None
    from napari_muscle_us.measure.anisotropy.settings import AnisotropySettings

    settings = {SETTING[name]: value for name, value in given.items()}
    return AnisotropySettings(method=options["anisotropy"], **settings)


def given_settings(options: dict[str, Any]) -> dict[str, Any]:
    """Return the settings that were given, by the names of their options."""
    told = {name: options.get(name) for name in SETTING}
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
