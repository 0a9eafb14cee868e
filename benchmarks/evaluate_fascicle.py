"""Compare fascicle directions with people: ``python benchmarks/evaluate_fascicle.py``.

Needs ../shared/data beside the repository: 90 pictures of vastus lateralis of five
people with the readings of three observers, 12 of other scanners with drawn pieces of
fascicles, and 4 transverse panoramas. The region is that between the observers'
aponeuroses less a tenth of the thickness on either side, or the convex hull of the
pieces. Directions below the confidence limit count in the columns "all".

``--constants`` changes the method's constants, and lets four people choose them for
the fifth; ``--pictures`` changes the pictures.
"""

from __future__ import annotations

import sys
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from PIL import Image
from scipy import ndimage
from skimage.measure import label, regionprops
from skimage.morphology import convex_hull_image
from skimage.transform import resize

from napari_muscle_us.measure.anisotropy import _fascicle_lines as lines
from napari_muscle_us.measure.anisotropy import fascicle
from napari_muscle_us.measure.anisotropy.fascicle import (
    FascicleDirection,
    fascicle_direction,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Gray = npt.NDArray[Any]
    Mask = npt.NDArray[np.bool_]
    Case = tuple[Gray, Mask]

DATA: Final = Path(__file__).resolve().parents[2] / "shared" / "data"
INSET: Final = 0.1
MARGIN: Final = 0.05
MIN_PIECE_PX: Final = 12

GRID: Final = {
    "BACKGROUND": (3.0, 5.0, 8.0),
    "FIRST_LAG": (4.0, 5.0, 8.0),
    "WHITE_FLOOR": (0.01, 0.03, 0.1),
}
TRANSVERSE_MUSCLE: Final = (
    (290, 330), (270, 600), (275, 750), (330, 1000), (430, 1150),
    (460, 1100), (410, 800), (400, 600), (400, 350),
)  # fmt: skip
"""Row and column of the corners of vastus lateralis, nearly, in all panoramas."""


def read_gray(path: Path) -> Gray:
    return np.asarray(Image.open(path).convert("L"))


def observed() -> pd.DataFrame:
    """Return the observers' means, one row a file."""
    table = pd.read_csv(DATA / "longitudinal_vl" / "observers.csv")
    means = table.drop(columns="observer").groupby("file").mean()
    return means.assign(person=means.index.str[:2])


def between_aponeuroses(shape: tuple[int, ...], row: pd.Series, inset: float) -> Mask:
    """Return the muscle less a share of its thickness above and below."""
    top, bottom = row.superficial_aponeurosis_y_px, row.deep_aponeurosis_y_px
    edge, side = inset * (bottom - top), int(MARGIN * shape[1])
    mask = np.zeros(shape, np.bool_)
    mask[round(max(0, top + edge)) : round(bottom - edge), side : shape[1] - side] = 1
    return mask


def longitudinal(inset: float = INSET) -> list[Case]:
    cases = []
    for name, row in observed().iterrows():
        gray = read_gray(DATA / "longitudinal_vl" / str(name))
        cases.append((gray, between_aponeuroses(gray.shape, row, inset)))
    return cases


def drawn_pieces() -> tuple[list[Case], list[pd.DataFrame]]:
    """Return pictures with the hull of the drawn pieces, and the pieces of each."""
    cases, pieces = [], []
    folder = DATA / "apo_fascicle_masks"
    for path in sorted((folder / "fasc_images").glob("*.tif")):
        drawn = read_gray(folder / "fasc_masks" / path.name) > 0
        cases.append((read_gray(path), convex_hull_image(drawn)))
        rows = []
        for part in regionprops(label(drawn)):
            if part.axis_major_length >= MIN_PIECE_PX:
                y, x = part.coords.T - part.coords.mean(axis=0)[:, None]
                angle = np.arctan2(-2 * (x * y).sum(), (x * x - y * y).sum()) / 2
                length = part.axis_major_length
                rows.append((*part.centroid, np.rad2deg(angle), length))
        pieces.append(pd.DataFrame(rows, columns=["row", "column", "angle", "length"]))
    return cases, pieces


def transverse() -> list[Case]:
    from skimage.draw import polygon2mask

    paths = sorted((DATA / "transverse_vl").glob("*.tif"))
    grays = [read_gray(path) for path in paths]
    return [(gray, polygon2mask(gray.shape, TRANSVERSE_MUSCLE)) for gray in grays]


def tensor_direction(gray: Gray, mask: Mask) -> float:
    """Return the direction of the plain mean tensor, Gaussian gradients of SD 1."""
    gx, gy = (
        ndimage.gaussian_filter(gray.astype(float), 1, order=order)[mask]
        for order in ((0, 1), (1, 0))
    )
    across = (gy * gy).sum() - (gx * gx).sum()
    return float(np.rad2deg(np.arctan2(2 * (gx * gy).sum(), across)) / 2)


def measured(cases: list[Case]) -> list[FascicleDirection]:
    """Return what is found, without a limit of confidence."""
    limit, fascicle.MIN_CONFIDENCE = fascicle.MIN_CONFIDENCE, 0.0
    try:
        return [fascicle_direction(*case) for case in cases]
    finally:
        fascicle.MIN_CONFIDENCE = limit


def directions(found: list[FascicleDirection]) -> npt.NDArray[np.float64]:
    return np.array([one.direction_deg for one in found])


def agreement(found: npt.ArrayLike, read: npt.ArrayLike) -> dict[str, float]:
    found, read = np.asarray(found, float), np.asarray(read, float)
    known = np.isfinite(found) & np.isfinite(read)
    difference = (found - read)[known]
    return {
        "n": len(difference),
        "bias": difference.mean(),
        "sd": difference.std(ddof=1),
        "r": np.corrcoef(found[known], read[known])[0, 1],
        "mae": np.abs(difference).mean(),
        "median": np.median(np.abs(difference)),
        "max": np.abs(difference).max(),
    }


def show(title: str, rows: dict[str, dict[str, float]]) -> None:
    print(f"\n{title}")
    print(pd.DataFrame(rows).T.round(3).to_string())


def longitudinal_report() -> None:
    table, cases = observed(), longitudinal()
    found = measured(cases)
    sure = np.array([one.confidence >= fascicle.MIN_CONFIDENCE for one in found])
    read, ours = table.fascicle_angle_deg.to_numpy(), directions(found)
    tensor = [tensor_direction(*case) for case in cases]
    rows = {
        "all": agreement(ours, read),
        "given": agreement(np.where(sure, ours, np.nan), read),
    }
    for person in sorted(table.person.unique()):
        mine = (table.person == person).to_numpy()
        rows[person] = agreement(ours[mine], read[mine])
    rows["plain tensor"] = agreement(tensor, read)
    for name, inset in (
        ("inset 0.25", 0.25),
        ("inset 0", 0.0),
        ("aponeuroses inside", -0.08),
    ):
        found = measured(longitudinal(inset))
        sure = [one.confidence >= fascicle.MIN_CONFIDENCE for one in found]
        rows[f"{name}, all"] = agreement(directions(found), read)
        rows[f"{name}, given"] = agreement(
            np.where(sure, directions(found), np.nan), read
        )
    show("Vastus lateralis, against the mean of three observers (degrees)", rows)
    each = pd.read_csv(DATA / "longitudinal_vl" / "observers.csv")
    wide = each.pivot(index="file", columns="observer", values="fascicle_angle_deg")
    others = {
        f"observer {k} against the other two": agreement(
            wide[k], wide.drop(columns=k).mean(axis=1)
        )
        for k in wide
    }
    others |= {f"ours against observer {k}": agreement(ours, wide[k]) for k in wide}
    show("One observer at a time", others)


def pieces_report() -> None:
    cases, pieces = drawn_pieces()
    found = measured(cases)
    doubled = [
        (part.length * np.exp(2j * np.deg2rad(part.angle))).sum() for part in pieces
    ]
    read = np.rad2deg(np.angle(doubled)) / 2
    sure = np.array([one.confidence >= fascicle.MIN_CONFIDENCE for one in found])
    near, drawn = [], []
    for one, part in zip(found, pieces, strict=True):
        for piece in part.itertuples():
            off = np.hypot(one.local.rows - piece.row, one.local.columns - piece.column)
            near.append(one.local.directions_deg[off.argmin()])
            drawn.append(piece.angle)
    tensor = [tensor_direction(*case) for case in cases]
    rows = {
        "all": agreement(directions(found), read),
        "given": agreement(np.where(sure, directions(found), np.nan), read),
        "plain tensor": agreement(tensor, read),
        "each piece, nearest part": agreement(near, drawn),
    }
    show("Other scanners, against drawn pieces of fascicles (degrees)", rows)


def transverse_report() -> None:
    found = measured(transverse())
    print("\nTransverse, whole muscle: confidence", end="")
    print("", *(f"{one.confidence:.2f}" for one in found))


def constants_report() -> None:
    """Show each set of constants, and what four people would choose for the fifth."""
    table, cases = observed(), longitudinal()
    read = table.fascicle_angle_deg.to_numpy()
    kept = {name: getattr(lines, name) for name in GRID}
    found = {}
    for values in product(*GRID.values()):
        for name, value in zip(GRID, values, strict=True):
            setattr(lines, name, value)
        found[values] = directions(measured(cases))
    for name, value in kept.items():
        setattr(lines, name, value)
    show(
        f"Constants {', '.join(GRID)}",
        {str(values): agreement(ours, read) for values, ours in found.items()},
    )
    held_out = np.empty(len(read))
    for person in sorted(table.person.unique()):
        mine = (table.person == person).to_numpy()
        best = min(found, key=lambda v: float(np.mean((found[v] - read)[~mine] ** 2)))
        held_out[mine] = found[best][mine]
        print(f"Without {person} the others choose {best}.")
    show("Each person by the others' constants", {"": agreement(held_out, read)})


def pictures_report() -> None:
    """Show what a change of the picture does to every third direction."""
    rng = np.random.default_rng(0)
    read = observed().fascicle_angle_deg.to_numpy()[::3]
    cases = longitudinal()[::3]
    before = directions(measured(cases))
    rows = {"as it is": agreement(before, read)}

    def add(name: str, change: Callable[[Gray], Gray], sign: int = 1) -> None:
        changed = [
            (change(gray.astype(float)), change(mask.astype(float)) > 0.5)
            if name.startswith(("scale", "mirror"))
            else (change(gray.astype(float)), mask)
            for gray, mask in cases
        ]
        after = sign * directions(measured(changed))
        rows[name] = agreement(after, read) | {
            "largest change": float(np.abs(after - before).max())
        }

    for gain in (-40, 60):
        add(f"gray {gain:+d}", lambda g, gain=gain: np.clip(g + gain, 0, 255))
    add("gray × 1.6", lambda g: np.clip(g * 1.6, 0, 255))
    for gamma in (0.5, 2.0):
        add(f"gamma {gamma}", lambda g, gamma=gamma: 255 * (g / 255) ** gamma)
    for sd in (5, 15, 30):
        add(f"noise SD {sd}", lambda g, sd=sd: g + rng.normal(0, sd, g.shape))
    for scale in (0.5, 0.7, 1.5, 2.0):
        add(
            f"scale {scale}",
            lambda g, scale=scale: resize(
                g, [round(n * scale) for n in g.shape], anti_aliasing=True
            ),
        )
    add("mirror", lambda g: g[:, ::-1], -1)
    show("Changed pictures, every third of vastus lateralis (degrees)", rows)


if __name__ == "__main__":
    longitudinal_report()
    pieces_report()
    transverse_report()
    if "--constants" in sys.argv:
        constants_report()
    if "--pictures" in sys.argv:
        pictures_report()
