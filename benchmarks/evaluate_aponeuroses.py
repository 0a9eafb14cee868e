"""Compare found aponeuroses with people: ``python benchmarks/evaluate_aponeuroses.py``.

Needs ../shared/data beside the repository: 90 pictures of vastus lateralis that three
observers read, and 12 of several scanners with drawn aponeuroses. The observers' rows
belong to a column near the left edge, which their files do not name: TimTrack, the
program they were made for, evaluates thickness in column 20 (`parms.apo.apomargin`),
and a regression of the differences on the slopes agrees. ``--constants`` changes each
constant of the search in turn, to show how little hangs on it.
"""

from __future__ import annotations

import sys
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd
from PIL import Image
from scipy import ndimage

from napari_muscle_us.measure.anisotropy import _aponeurosis_search as search
from napari_muscle_us.measure.anisotropy.aponeurosis import find_aponeuroses

if TYPE_CHECKING:
    import numpy.typing as npt

DATA: Final = Path(__file__).resolve().parents[2] / "shared" / "data"
COLUMN: Final = 20
"""Column of the observers' rows."""

OBSERVED: Final = {
    "superficial row": "superficial_aponeurosis_y_px",
    "deep row": "deep_aponeurosis_y_px",
    "superficial angle": "superficial_aponeurosis_angle_deg",
    "thickness": "thickness_px",
}
VARIATIONS: Final = {
    "FASCIA_MM": (1.0, 2.0),
    "INNER_MM": (1.0, 3.0),
    "AROUND_MM": (4.0, 9.0),
    "PICTURE_MM": (40.0, 60.0),
    "SATURATION_SD": (0.7, 1.4),
    "FASCICLE_WEIGHT": (3.0, 8.0),
    "OBLIQUE_FLOOR": (0.0, 0.1),
    "WITHIN_WEIGHT": (0.25, 0.75),
    "MAX_SLOPE_DEG": (12.0, 20.0),
    "MAX_SAG": (0.01, 0.04),
}


def observers() -> pd.DataFrame:
    """Return the readings, one row a file and observer."""
    return pd.read_csv(DATA / "longitudinal_vl" / "observers.csv")


def found_like_observers() -> pd.DataFrame:
    """Return what observers read, as found, one row a file; NaN where refused."""
    rows = []
    for name in sorted(observers().file.unique()):
        gray = np.asarray(Image.open(DATA / "longitudinal_vl" / name).convert("L"))
        found = find_aponeuroses(gray)
        row: dict[str, object] = {"file": name, "confidence": found.confidence}
        if found.superficial is not None and found.deep is not None:
            top, bottom = (
                line.row_at(COLUMN) for line in (found.superficial, found.deep)
            )
            values = (top, bottom, found.superficial.angle_deg(), bottom - top)
            row |= dict(zip(OBSERVED, values, strict=True))
        rows.append(row)
    return pd.DataFrame(rows).set_index("file")


def agreement(found: pd.Series, read: pd.Series) -> dict[str, float]:
    """Return bias, SD, median absolute difference, correlation and number."""
    both = pd.concat([found, read], axis=1, keys=["found", "read"]).dropna()
    difference = both.found - both.read
    return {
        "n": len(both),
        "bias": difference.mean(),
        "SD": difference.std(),
        "median": difference.median(),
        "median |d|": difference.abs().median(),
        "r": both.found.corr(both.read) if len(both) > 2 else np.nan,
    }


def table(found: pd.DataFrame) -> pd.DataFrame:
    """Return the agreement with each observer, their mean, and among them."""
    readings = observers()
    rows = {}
    for quantity, column in OBSERVED.items():
        read = readings.pivot(index="file", columns="observer", values=column)
        rows[quantity, "all three"] = agreement(found[quantity], read.mean(axis=1))
        for observer in read:
            who = f"observer {observer}"
            rows[quantity, who] = agreement(found[quantity], read[observer])
        for a, b in combinations(read, 2):
            rows[quantity, f"{a} and {b} apart"] = agreement(read[a], read[b])
        for person in sorted(set(read.index.str[:2])):
            part = read[read.index.str.startswith(person)].mean(axis=1)
            rows[quantity, person] = agreement(
                found[quantity].reindex(part.index), part
            )
    return pd.DataFrame(rows).T


def mask_distances() -> pd.DataFrame:
    """Return mean distances of found to drawn inner borders, px and % of the height."""
    folder = DATA / "apo_fascicle_masks"
    rows = {}
    for path in sorted((folder / "apo_images").glob("*.tif")):
        gray = np.asarray(Image.open(path).convert("L"))
        found = find_aponeuroses(gray)
        drawn = np.asarray(Image.open(folder / "apo_masks" / path.name)) > 0
        row: dict[str, float] = {"confidence": found.confidence}
        names = ("superficial", "deep")
        for name, (columns, edge) in zip(names, inner_borders(drawn), strict=True):
            line = getattr(found, name)
            if line is not None:
                away = line.row_at(columns) - edge
                row[f"{name} |d|"] = np.abs(away).mean()
                row[f"{name} d"] = away.mean()
        rows[path.stem] = row
    return pd.DataFrame(rows).T


def inner_borders(
    drawn: npt.NDArray[np.bool_],
) -> list[tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]]:
    """Return columns and rows of the inner borders of the two uppermost bands."""
    labels, count = ndimage.label(drawn)
    sizes = np.bincount(labels.ravel())
    large = [k for k in range(1, count + 1) if sizes[k] > 300]
    large.sort(key=lambda k: ndimage.center_of_mass(labels == k)[0])
    borders = []
    for k, upper in zip(large[:2], (True, False), strict=True):
        band = labels == k
        columns = np.flatnonzero(band.any(axis=0))
        first = band[:, columns].argmax(axis=0) - 0.5
        last = len(band) - band[::-1, columns].argmax(axis=0) - 0.5
        borders.append((columns.astype(float), last if upper else first))
    return borders


def _constants() -> None:
    for name, values in VARIATIONS.items():
        usual = getattr(search, name)
        for value in (values[0], usual, values[1]):
            setattr(search, name, value)
            found = table(found_like_observers()).xs("all three", level=1)
            far = mask_distances()[["superficial |d|", "deep |d|"]].max(axis=1)
            print(
                f"{name} {value:g}: SD {found.SD.round(1).to_dict()}, of "
                f"{found.n.min():.0f}; masks within 8 px {(far < 8).sum()} of 12"
            )
        setattr(search, name, usual)


def main() -> None:
    """Print the tables."""
    if "--constants" in sys.argv[1:]:
        _constants()
        return
    found = found_like_observers()
    print(table(found).round(2).to_string())
    deep = observers().groupby("file")[OBSERVED["deep row"]].mean()
    off = (found["deep row"] - deep).abs()
    print("\nDeep line more than 15 px off:")
    far = pd.concat([off.rename("off"), found.confidence], axis=1)[off > 15]
    print(far.round(2).to_string())
    print("\nRefused:", *found.index[found["deep row"].isna()])
    print("\nDistance of found to drawn inner borders, px:")
    print(mask_distances().round(2).to_string())


if __name__ == "__main__":
    main()
