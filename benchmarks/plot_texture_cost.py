"""Measure what texture costs and draw it: ``python benchmarks/plot_texture_cost.py``.

Writes docs/images/texture-cost.png. Maps against the window, the gray levels and the
image; features of a region against its pixels. Each point is the fastest of several
runs after one that compiled, so that other work on the computer disturbs little.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Final

import matplotlib as mpl
import numpy as np
from PIL import Image

from napari_muscle_us.measure.texture.discretise import discretise
from napari_muscle_us.measure.texture.glcm import glcm_features
from napari_muscle_us.measure.texture.gldzm import gldzm_features
from napari_muscle_us.measure.texture.glrlm import glrlm_features
from napari_muscle_us.measure.texture.glszm import glszm_features
from napari_muscle_us.measure.texture.maps import compute_texture_map
from napari_muscle_us.measure.texture.ngldm import ngldm_features
from napari_muscle_us.measure.texture.ngtdm import ngtdm_features

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt
    from matplotlib.axes import Axes

    from napari_muscle_us.measure.texture.discretise import Levels

    Job = Callable[[], object]
    Curves = dict[str, list[float]]
    Part = tuple[list[int], Curves]

PICTURE: Final = (
    Path(__file__).resolve().parents[1] / "docs" / "images" / "texture-cost.png"
)

MAPS: Final = {
    "eight maps": (
        *("contrast", "dissimilarity", "inverse_difference"),
        *("inverse_difference_moment", "angular_second_moment", "joint_entropy"),
        *("correlation", "cluster_tendency"),
    ),
    "joint entropy": ("joint_entropy",),
    "contrast": ("contrast",),
}
FAMILIES: Final = {
    "GLCM": glcm_features,
    "GLRLM": glrlm_features,
    "GLSZM": glszm_features,
    "GLDZM": gldzm_features,
    "NGTDM": ngtdm_features,
    "NGLDM": ngldm_features,
}
WINDOWS: Final = (5, 9, 15, 23, 31, 45, 63, 81, 101)
BIN_SIZES: Final = (32, 16, 8, 4, 2, 1)
IMAGE_SIDES: Final = (128, 192, 256, 384, 512, 768, 1024)
REGION_SIDES: Final = (32, 64, 128, 256, 512, 1024)

# Okabe and Ito's colours, which colour-blind readers tell apart.
COLOURS: Final = (
    *("#0072B2", "#D55E00", "#009E73", "#CC79A7"),
    *("#E69F00", "#56B4E9", "#000000"),
)


def speckle(side: int) -> npt.NDArray[np.uint8]:
    """Return a picture with fascia: Rayleigh noise, smooth as that of a scanner."""
    rng = np.random.default_rng(0)
    noise = np.hypot(*rng.normal(size=(2, side + 2, side + 2)))
    smooth = (noise[:-2] + noise[1:-1] + noise[2:])[:, :-2] / 3
    rows, columns = np.mgrid[:side, :side]
    stripes = 40 + 50 * (np.sin((rows + 0.3 * columns) / 9) > 0.8)
    return np.clip(stripes * smooth, 0, 255).astype(np.uint8)


def fastest_ms(jobs: Sequence[Job], rounds: int) -> list[float]:
    """Return the shortest time of each job in ms.

    All jobs run once to compile. Then they take turns of three runs, so that what
    disturbs the computer for a second does not fall on one point.
    """
    for job in jobs:
        job()
    fastest = [float("inf")] * len(jobs)
    for _ in range(rounds):
        for place, job in enumerate(jobs):
            for _ in range(3):
                start = perf_counter()
                job()
                fastest[place] = min(fastest[place], 1e3 * (perf_counter() - start))
    return fastest


def curves(jobs: Mapping[str, Sequence[Job]], rounds: int) -> Curves:
    """Return the times of the jobs of each curve."""
    times = iter(fastest_ms([job for row in jobs.values() for job in row], rounds))
    return {label: [next(times) for _ in row] for label, row in jobs.items()}


def map_cost(sides: Sequence[int], **setting: Sequence[int]) -> Curves:
    """Return the time of each of `MAPS`, a number for each side or setting."""
    ((name, values),) = setting.items() if setting else (("window_px", (31,)),)
    cases = [(speckle(side), {name: value}) for side in sides for value in values]
    jobs = {
        label: [
            partial(compute_texture_map, gray, keys, **options)
            for gray, options in cases
        ]
        for label, keys in MAPS.items()
    }
    return curves(jobs, 4)


def region_cost(sides: Sequence[int]) -> Curves:
    """Return the time of each of `FAMILIES`, a number for each side of a square."""

    def made(bin_size: int) -> list[Levels]:
        grays = map(speckle, sides)
        return [
            discretise(gray, np.ones(gray.shape, bool), bin_size=bin_size)
            for gray in grays
        ]

    def row(function: Callable[..., object], cases: Sequence[Levels]) -> list[Job]:
        return [partial(function, case.levels, case.n_levels) for case in cases]

    coarse, fine = made(8), made(1)
    jobs = {label: row(function, coarse) for label, function in FAMILIES.items()}
    jobs["GLCM, 256 levels"] = row(glcm_features, fine)
    return curves(jobs, 5)


def measure() -> dict[str, Part]:
    """Return what the picture shows: for each part its abscissae and its curves."""
    return {
        "window": (list(WINDOWS), map_cost((512,), window_px=WINDOWS)),
        "levels": (
            [256 // size for size in BIN_SIZES],
            map_cost((512,), bin_size=BIN_SIZES),
        ),
        "image": (list(IMAGE_SIDES), map_cost(IMAGE_SIDES)),
        "region": (
            [side * side for side in REGION_SIDES],
            region_cost(REGION_SIDES),
        ),
    }


def draw_curves(
    axes: Axes, abscissae: Sequence[int], curves: Mapping[str, Sequence[float]]
) -> None:
    """Draw each curve; dashed what has another number of levels than the rest."""
    for (label, times), colour in zip(curves.items(), COLOURS, strict=False):
        style = "--" if "256" in label else "-"
        axes.plot(
            abscissae, times, style, color=colour, marker="o", ms=3, lw=1.3, label=label
        )
    axes.grid(True, lw=0.4, color="0.85")
    axes.spines[["top", "right"]].set_visible(False)


def draw(found: Mapping[str, Part]) -> None:
    """Write the picture of what `measure` found."""
    mpl.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.ticker import FuncFormatter, NullLocator

    figure, grid = plt.subplots(2, 2, figsize=(9, 6.6), dpi=100, layout="constrained")
    plain = FuncFormatter(lambda value, _: f"{value:g}")
    parts = {
        "window": ("Maps: window (512 × 512, 32 levels)", "side of the window (px)"),
        "levels": ("Maps: gray levels (512 × 512, window 31)", "number of gray levels"),
        "image": ("Maps: image (window 31, 32 levels)", "side of the image (px)"),
        "region": ("Features of a square ROI, 32 levels", "pixels in the ROI"),
    }
    for axes, (part, (title, label)) in zip(grid.flat, parts.items(), strict=True):
        draw_curves(axes, *found[part])
        axes.set_title(title, fontsize=10, loc="left")
        axes.set_xlabel(label)
        axes.set_ylabel("time (ms)")
    grid.flat[1].set_xscale("log", base=2)
    for axes in grid.flat[:2]:
        axes.set_ylim(bottom=0)
    for axes in grid.flat[2:]:
        axes.set_xscale("log", base=2)
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(plain)
    for axes, part in ((grid.flat[1], "levels"), (grid.flat[2], "image")):
        axes.xaxis.set_major_formatter(plain)
        axes.set_xticks(found[part][0])
        axes.xaxis.set_minor_locator(NullLocator())
    grid.flat[3].set_xscale("log")
    grid.flat[0].legend(frameon=False, fontsize=9)
    grid.flat[3].legend(frameon=False, fontsize=8, ncols=2)
    figure.suptitle(
        f"Time of texture with four directions, on {os.cpu_count()} processors",
        fontsize=11,
    )
    figure.canvas.draw()
    picture = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())).convert("RGB")
    picture.quantize(256).save(PICTURE, optimize=True)
    plt.close(figure)


if __name__ == "__main__":
    draw(measure())
