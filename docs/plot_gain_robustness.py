"""Show what scanner settings do to measures: ``python docs/plot_gain_robustness.py``.

Writes docs/images/gain-robustness.png and prints the tables of docs/anisotropy.md.
Needs ../shared/data beside the repository: 90 pictures of vastus lateralis, with the
rows of the aponeuroses as three observers read them.

Settings are imitated on finished gray levels. These are logarithms of echo amplitudes,
so that gain is an offset and dynamic range a slope; what had been black or white before
stays lost.
"""

from __future__ import annotations

from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd
from PIL import Image
from scipy import ndimage

import napari_muscle_us as mus
from napari_muscle_us.measure.anisotropy.fascicle import fascicle_direction
from napari_muscle_us.measure.anisotropy.roi import measure_anisotropy
from napari_muscle_us.simulate import DYNAMIC_RANGE_DB

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt
    from matplotlib.axes import Axes

    Gray = npt.NDArray[np.uint8]
    Mask = npt.NDArray[np.bool_]
    Change = Callable[[Gray], Gray]

DOCS: Final = Path(__file__).resolve().parent
PICTURE: Final = DOCS / "images" / "gain-robustness.png"
DATA: Final = DOCS.parents[1] / "shared" / "data" / "longitudinal_vl"
SHOWN: Final = "S1_L20_step_025.png"
"""The picture that is drawn; it is also a sample of the program."""

INSET: Final = 0.1
MARGIN_PX: Final = 25


class Case(NamedTuple):
    """A picture with the region in it."""

    name: str
    gray: Gray
    mask: Mask


def _gray_levels(values: npt.NDArray[Any]) -> Gray:
    levels: Gray = np.rint(np.clip(values, 0, 255)).astype(np.uint8)
    return levels


def gain(gray: Gray, decibels: float) -> Gray:
    """Return gray levels after a change of the overall gain: an offset."""
    return _gray_levels(gray + 255 * decibels / DYNAMIC_RANGE_DB)


def depth_gain(gray: Gray, decibels: float) -> Gray:
    """Return gray levels with a gain that rises from 0 at the top to the bottom."""
    rise = np.linspace(0, 255 * decibels / DYNAMIC_RANGE_DB, len(gray))
    return _gray_levels(gray + rise[:, np.newaxis])


def dynamic_range(gray: Gray, decibels: float) -> Gray:
    """Return gray levels shown over another range, with white where it was."""
    return _gray_levels(255 - (255 - gray.astype(float)) * DYNAMIC_RANGE_DB / decibels)


def gray_map(gray: Gray, gamma: float) -> Gray:
    """Return gray levels behind another curve, a power of them."""
    return _gray_levels(255 * (gray / 255) ** gamma)


def smoothing(gray: Gray, sd_px: tuple[float, float]) -> Gray:
    """Return a picture smoothed by a Gaussian, in depth and laterally."""
    return _gray_levels(ndimage.gaussian_filter(gray.astype(float), sd_px))


GRAY_CHANGES: Final[dict[str, Change]] = {
    "gain −8 dB": lambda g: gain(g, -8),
    "gain +8 dB": lambda g: gain(g, 8),
    "depth gain +8 dB": lambda g: depth_gain(g, 8),
    "dynamic range 45 dB": lambda g: dynamic_range(g, 45),
    "dynamic range 75 dB": lambda g: dynamic_range(g, 75),
    "gray map γ 0.7": lambda g: gray_map(g, 0.7),
    "gray map γ 1.4": lambda g: gray_map(g, 1.4),
}
"""Changes of the gray levels alone; the range was 60 dB before.

A gain of 8 dB is 34 gray levels, a whole number, so that nothing is rounded twice.
"""

OTHER_CHANGES: Final[dict[str, Change]] = {
    "smoothing 1 px": lambda g: smoothing(g, (1, 1)),
    "lateral smoothing 1 px": lambda g: smoothing(g, (0, 1)),
}
"""What the scanner's filter and a wider beam do: no change of gain."""

CHANGES: Final = GRAY_CHANGES | OTHER_CHANGES

MEASURES: Final = {
    "echo intensity": "echo intensity",
    "contrast, bin size": "GLCM contrast, bins of 8",
    "contrast, bin number": "GLCM contrast, 32 bins",
    "coherency": "coherency",
    "local anisotropy": "local texture anisotropy",
}


def measure(gray: Gray, mask: Mask) -> dict[str, float]:
    """Return the measures that are compared, with the settings' defaults."""
    found = measure_anisotropy(gray, mask)
    return {
        "echo intensity": mus.measure_intensity(gray, mask).mean,
        "contrast, bin size": mus.measure_texture(gray, mask)["glcm.contrast"],
        "contrast, bin number": mus.measure_texture(gray, mask, bin_number=32)[
            "glcm.contrast"
        ],
        "coherency": found.coherency,
        "local anisotropy": found.local.value,
    }


def relative_changes(case: Case, changes: dict[str, Change] = CHANGES) -> pd.DataFrame:
    """Return the change of each measure in percent, one row a change."""
    before = measure(case.gray, case.mask)
    rows = {
        name: {
            key: 100 * (value / before[key] - 1)
            for key, value in measure(change(case.gray), case.mask).items()
        }
        for name, change in changes.items()
    }
    return pd.DataFrame(rows).T


def cases(folder: Path = DATA, *, step: int = 1) -> Iterator[Case]:
    """Yield every step-th picture with the region between its aponeuroses."""
    table = pd.read_csv(folder / "observers.csv")
    means = table.drop(columns="observer").groupby("file").mean().iloc[::step]
    for name, row in means.iterrows():
        gray = np.asarray(Image.open(folder / str(name)).convert("L"))
        top, bottom = row.superficial_aponeurosis_y_px, row.deep_aponeurosis_y_px
        edge = INSET * (bottom - top)
        mask = np.zeros(gray.shape, np.bool_)
        mask[round(top + edge) : round(bottom - edge), MARGIN_PX:-MARGIN_PX] = True
        yield Case(str(name), gray, mask)


def turned_deg(before: float, after: float) -> float:
    """Return by how much a line turned, without sign."""
    return abs((after - before + 90) % 180 - 90)


def directions(case: Case) -> list[float]:
    """Return how far each change turns the fascicle direction."""
    before = fascicle_direction(case.gray, case.mask).direction_deg
    return [
        turned_deg(
            before, fascicle_direction(change(case.gray), case.mask).direction_deg
        )
        for change in CHANGES.values()
    ]


def report(before: pd.DataFrame, changed: pd.DataFrame) -> None:
    """Print median and largest change, and the median in SD of the pictures."""
    by = changed.groupby(level=1, sort=False)
    # Percent of each picture's own value, over the SD as percent of the mean.
    spread = 100 * before.std() / before.mean()
    tables = {
        "Before": before.agg(["mean", "std"]).round(3),
        "Median (%)": by.median().round(1),
        "Largest (%)": by.agg(lambda values: values.abs().max()).round(1),
        "Median size in SD of the pictures": (
            by.agg(lambda values: values.abs().median()) / spread
        ).round(2),
    }
    # Below 1 in all rows: anisotropy changes less, picture by picture.
    intensity = changed["echo intensity"].abs()
    share = changed[["coherency", "local anisotropy"]].abs().div(intensity, axis=0)
    largest = share.groupby(level=1, sort=False).max().round(2)
    tables["Largest part of the echo intensity's change"] = largest
    for title, table in tables.items():
        print(title, table.to_string(), "", sep="\n")


def report_directions(every: list[Case]) -> None:
    """Print how far each change turns the fascicles at most."""
    turned = pd.DataFrame([directions(case) for case in every], columns=list(CHANGES))
    print("Largest turn of the fascicles", turned.max().round(2).to_string(), sep="\n")


def draw_pictures(axes: list[Axes], case: Case) -> None:
    """Draw the picture itself and after each change."""
    rows = np.flatnonzero(case.mask.any(axis=1))
    changes: dict[str, Change] = {"as it is": lambda g: g} | CHANGES
    for part, (name, change) in zip(axes, changes.items(), strict=True):
        part.imshow(change(case.gray), cmap="gray", vmin=0, vmax=255)
        part.axhline(rows[0], color="#E69F00", lw=0.8)
        part.axhline(rows[-1], color="#E69F00", lw=0.8)
        # A number stays beside its unit.
        kept = name.replace(" dB", "\u00a0dB").replace(" px", "\u00a0px")
        part.set_title(fill(kept, 14), fontsize=8.5)
        part.set_axis_off()


def plain(*values: float) -> str:
    """Return a value, or a value ± its SD, as people would write it."""
    digits = 0 if values[0] >= 10 else 1 if values[0] >= 1 else 2
    return " ± ".join(f"{value:.{digits}f}" for value in values)


def percent(value: float) -> str:
    """Return a percentage with its sign, short."""
    text = f"{value:+.1f}" if abs(value) < 9.95 else f"{value:+.0f}"
    return "0" if text in ("+0.0", "-0.0") else text.replace("-", "−")


def draw_table(axes: Axes, title: str, before: list[str], values: pd.DataFrame) -> None:
    """Draw what was before, and the changes as numbers on colours."""
    table = values[list(MEASURES)].T.to_numpy()
    # Logarithmic, or one per cent and ten would look alike.
    shade = np.log10(1 + np.abs(table)) / np.log10(101)
    white = np.zeros((len(shade), 1))
    axes.imshow(
        np.hstack([white, shade]), cmap="Oranges", vmin=0, vmax=1.15, aspect="auto"
    )
    for (row, column), value in np.ndenumerate(table):
        axes.text(column + 1, row, percent(value), ha="center", va="center", size=9)
    for row, text in enumerate(before):
        axes.text(0, row, text, ha="center", va="center", size=9)
    for edge in (0.5, len(GRAY_CHANGES) + 0.5):
        axes.axvline(edge, color="white", lw=5)
    axes.set_xticks([])
    axes.set_yticks(range(len(table)), list(MEASURES.values()), size=9)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.set_title(title, fontsize=10, loc="left")


def draw(shown: Case, before: pd.DataFrame, changed: pd.DataFrame) -> None:
    """Write the picture: one picture under all settings, and the numbers below."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    columns = len(CHANGES) + 1
    figure = plt.figure(figsize=(12, 5.4), dpi=100)
    grid = figure.add_gridspec(
        3, columns, height_ratios=(1, 1.2, 1.2), left=0.15, right=0.995, top=0.93,
        bottom=0.02, wspace=0.06, hspace=0.22,
    )  # fmt: skip
    draw_pictures([figure.add_subplot(grid[0, k]) for k in range(columns)], shown)
    own = [plain(before.loc[shown.name][key]) for key in MEASURES]
    mean, sd = before.mean(), before.std()
    usual = [plain(mean[key], sd[key]) for key in MEASURES]
    draw_table(
        figure.add_subplot(grid[1, :]),
        "This picture, between the orange lines: value, and its change (%)",
        own,
        changed.loc[shown.name],
    )
    draw_table(
        figure.add_subplot(grid[2, :]),
        f"{len(before)} pictures of five people: mean ± SD, and median change (%)",
        usual,
        changed.groupby(level=1, sort=False).median(),
    )
    figure.canvas.draw()
    canvas: Any = figure.canvas
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    image.quantize(256).save(PICTURE, optimize=True)
    plt.close(figure)


def main() -> None:
    """Measure all pictures, print the tables and draw."""
    if not DATA.exists():
        raise SystemExit("Needs ../shared/data/longitudinal_vl beside the repository.")
    every = list(cases())
    before = pd.DataFrame({case.name: measure(case.gray, case.mask) for case in every})
    changed = pd.concat({case.name: relative_changes(case) for case in every})
    report(before.T, changed)
    report_directions(every)
    draw(next(case for case in every if case.name == SHOWN), before.T, changed)


if __name__ == "__main__":
    main()
