"""Regenerate the ImageJ golden files beside this script.

Random but reproducible regions of interest are measured by ImageJ's own classes,
without a display, on a formula-defined image. Run it from anywhere::

    python tests/golden/make_imagej_golden.py [--jar PATH/TO/ij.jar]

It needs a Java development kit (11 or later, because ImageJGolden.java is started from
its source) and ImageJ 1.53t, for example from Debian 12::

    apt-get install imagej openjdk-17-jdk-headless

What the files contain is told in SOURCES.md.
"""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

LOGGER = logging.getLogger(__name__)
HERE = Path(__file__).resolve().parent
JAVA_SOURCE = HERE / "ImageJGolden.java"
JAR_PLACES = (
    "/usr/share/java/ij.jar",
    "/usr/share/imagej/ij.jar",
    "/opt/ImageJ/ij.jar",
    "/Applications/ImageJ.app/Contents/Java/ij.jar",
    "~/ImageJ/ij.jar",
    "C:/Program Files/ImageJ/ij.jar",
)
WIDTH, HEIGHT = 200, 150
SEED = 20261122
MAX_FILE_BYTES = 40_000
PER_KIND_THROUGH_FILE = 8
# Empty regions are worth a test, but only a few.
MAX_EMPTY = 2

Numbers = list[float]
Floats = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator, int], Numbers]


# Specifications ----------------------------------------------------------------------


def _plain(values: Floats) -> Numbers:
    """Return the numbers as ints where they are whole, which keeps the files short."""
    return [int(v) if v == int(v) else float(v) for v in values.ravel()]


def draw_box(rng: np.random.Generator, index: int, steps: int) -> Numbers:
    """Draw x, y, width and height of a box that touches the image.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    index : int
        Running number; it selects large, small and over-the-edge boxes in turn.
    steps : int
        Coordinates are multiples of 1/steps.

    Returns
    -------
    list of float
        x, y, width, height in ImageJ coordinates.
    """
    match index % 5:
        case 0:  # over the left and top edge, also by less than a pixel
            low, high, size = (-3.0, -3.0), (0.0, 0.0), 40.0
        case 1:  # over the right and bottom edge
            low, high, size = (170.0, 120.0), (200.0, 150.0), 60.0
        case 2:  # tiny
            low, high, size = (0.0, 0.0), (195.0, 145.0), 4.0
        case 3:  # far over the left and top edge
            low, high, size = (-30.0, -30.0), (10.0, 10.0), 90.0
        case _:
            low, high, size = (0.0, 0.0), (120.0, 90.0), 80.0
    origin = rng.uniform(low, high)
    extent = rng.uniform(0.4, size, 2)
    box = np.round(np.concatenate([origin, extent]) * steps) / steps
    box[2:] = np.maximum(box[2:], 1 / steps)
    if steps > 1 and index % 7 == 0:  # whole position, fractional size
        box[:2] = np.round(box[:2])
    if steps > 1 and index % 11 == 0:  # fractional position, whole size
        box[2:] = np.ceil(box[2:])
    return _plain(box)


def draw_vertices(rng: np.random.Generator, index: int) -> Floats:
    """Draw polygon vertices: star-shaped, self-crossing, tiny or over the edge.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    index : int
        Running number; it selects the form.

    Returns
    -------
    numpy.ndarray
        Vertices, shape (n, 2), as x, y in ImageJ coordinates.
    """
    count = int(rng.integers(3, 11))
    match index % 6:
        case 0:  # any order: nearly always self-crossing
            return rng.uniform((5, 5), (195, 145), (count, 2))
        case 1:  # self-crossing and over the edges
            return rng.uniform((-40, -40), (240, 190), (count, 2))
        case 2:  # tiny
            corner = rng.uniform((0, 0), (195, 145))
            return corner + rng.uniform(0, 5, (count, 2))
        case 3:  # star-shaped, concave, over an edge
            centre = rng.choice([[5, 60], [195, 70], [90, 3], [110, 148], [2, 2]])
            reach = 70
        case 4:  # upright box, whose edges lie along pixel rows and columns
            low = rng.uniform((-5, -5), (120, 90))
            high = low + rng.uniform(1, 80, 2)
            (left, top), (right, bottom) = low, high
            return np.array(
                [[left, top], [right, top], [right, bottom], [left, bottom]]
            )
        case _:  # star-shaped, concave, inside
            centre = rng.uniform((60, 60), (140, 90))
            reach = 60
    angle = np.sort(rng.uniform(0, 2 * np.pi, count))
    radius = rng.uniform(0.2, 1, count) * reach
    rays = np.column_stack([np.cos(angle), np.sin(angle)])
    return np.asarray(centre) + rays * radius[:, None]


def draw_polygon(rng: np.random.Generator, index: int, steps: int) -> Numbers:
    """Draw a polygon whose coordinates are multiples of 1/steps.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    index : int
        Running number; it selects the form.
    steps : int
        Coordinates are multiples of 1/steps.

    Returns
    -------
    list of float
        x1, y1, x2, y2, ...
    """
    return _plain(np.round(draw_vertices(rng, index) * steps) / steps)


def draw_float_polygon(rng: np.random.Generator, index: int) -> Numbers:
    """Draw a polygon with single-precision coordinates.

    In two of three polygons some coordinates are moved to pixel centres, or to the
    next number beside one, because rounding decides there which pixels are inside.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    index : int
        Running number; it selects the form.

    Returns
    -------
    list of float
        x1, y1, x2, y2, ..., each representable in single precision.
    """
    vertices = draw_vertices(rng, index).astype(np.float32)
    if (index // 6) % 3:
        centre = np.floor(vertices) + np.float32(0.5)
        below = np.nextafter(centre, np.float32(-1e9))
        above = np.nextafter(centre, np.float32(1e9))
        pick = rng.integers(0, 6, vertices.shape)
        # The smallest coordinates stay as they are: ImageJ subtracts them from the
        # others in single precision, and that only rounds when they are "odd".
        pick[vertices == vertices.min(axis=0)] = 5
        vertices = np.choose(pick, [centre, centre, below, above, vertices, vertices])
    return _plain(vertices.astype(float))


def draw_freehand(rng: np.random.Generator, index: int, steps: int) -> Numbers:
    """Draw a wavy closed outline in steps of about one pixel, as a mouse leaves it.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    index : int
        Running number; each fourth outline lies over an edge of the image.
    steps : int
        Coordinates are multiples of 1/steps.

    Returns
    -------
    list of float
        x1, y1, x2, y2, ...
    """
    # Long outlines are rare, because their vertices make the file long too.
    count = int(rng.integers(96, 150) if index % 10 == 3 else rng.integers(62, 78))
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    radius = np.full(count, count * 1.2 / (2 * np.pi))
    for order in (2, 3, 5):
        radius *= 1 + 0.25 * np.cos(order * angle + rng.uniform(0, 2 * np.pi)) / order
    centre = rng.uniform((30, 30), (170, 120))
    if index % 4 == 0:
        centre = rng.choice([[3, 70], [198, 60], [80, 2], [100, 147]])
    rays = np.column_stack([np.cos(angle), np.sin(angle)])
    outline = np.asarray(centre) + rays * radius[:, None]
    outline = np.round((outline + rng.normal(0, 0.4, outline.shape)) * steps) / steps
    moved = np.any(np.diff(outline, axis=0, prepend=outline[:1] - 1) != 0, axis=1)
    return _plain(outline[moved])


def draw_axis(rng: np.random.Generator, index: int, rotated_rect: bool) -> Numbers:
    """Draw the end points of an axis and the width (or aspect ratio) across it.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    index : int
        Running number; some axes are upright or level and some lie over an edge.
    rotated_rect : bool
        Whether the fifth number is a width in pixels instead of an aspect ratio.

    Returns
    -------
    list of float
        x1, y1, x2, y2 and width or aspect ratio.
    """
    steps = (1, 2, 1024)[index % 3]
    ends = rng.uniform((10, 10, 10, 10), (190, 140, 190, 140))
    if index % 5 == 0:
        ends = rng.uniform((-20, -20, 100, 100), (30, 30, 230, 180))
    if index % 5 == 1:
        ends[2:] = ends[:2] + rng.uniform(-6, 6, 2)
    ends = np.round(ends * steps) / steps
    if index % 10 == 2:
        ends[3] = ends[1]
    if index % 10 == 7:
        ends[2] = ends[0]
    if rotated_rect:
        across = max(1.0, np.round(rng.uniform(1, 60) * steps)) / steps
    else:
        across = np.round(rng.uniform(0.1, 1) * 1024) / 1024
    return _plain(np.append(ends, across))


def draw_composite(rng: np.random.Generator, _index: int) -> Numbers:
    """Draw a rectangle and an oval, to be combined to a composite region."""
    inside = 4  # the box form that stays within the image
    return draw_box(rng, inside, 1) + draw_box(rng, inside, 1)


def draw_coordinates(rng: np.random.Generator, _index: int, count: int) -> Numbers:
    """Draw the end points of a line or the position of a point."""
    return _plain(np.round(rng.uniform(10, 140, count) * 8) / 8)


DRAWS: dict[str, Draw] = {
    "rect_integer": lambda rng, i: draw_box(rng, i, 1),
    "rect_fractional": lambda rng, i: draw_box(rng, i, 1024),
    "oval_integer": lambda rng, i: draw_box(rng, i, 1),
    "oval_fractional": lambda rng, i: draw_box(rng, i, 1024),
    "polygon_integer": lambda rng, i: draw_polygon(rng, i, 1),
    "polygon_half": lambda rng, i: draw_polygon(rng, i, 2),
    "polygon_float": draw_float_polygon,
    "freehand_integer": lambda rng, i: draw_freehand(rng, i, 1),
    "freehand_float": lambda rng, i: draw_freehand(rng, i, 16),
    "ellipse": lambda rng, i: draw_axis(rng, i, rotated_rect=False),
    "rotated_rect": lambda rng, i: draw_axis(rng, i, rotated_rect=True),
    "traced": lambda rng, i: draw_polygon(rng, (0, 3, 5)[i % 3], 1),
    "composite": draw_composite,
    "line": lambda rng, i: draw_coordinates(rng, i, 4),
    "point": lambda rng, i: draw_coordinates(rng, i, 2),
}

# Regions measured as constructed: kind and how many.
CONSTRUCTED = {
    "rect_integer": 60,
    "rect_fractional": 72,
    "oval_integer": 60,
    "oval_fractional": 72,
    "polygon_integer": 66,
    "polygon_half": 66,
    "polygon_float": 72,
    "freehand_integer": 50,
    "freehand_float": 28,
    "ellipse": 66,
    "rotated_rect": 66,
}
# Readers may refuse these: their rows hold the bytes and the type, no measures.
UNMEASURED = ("composite", "line", "point")
# Regions that go through a .roi file: file of this directory, kinds and how many each.
THROUGH_FILE = {
    "file_boxes": (
        "rect_integer",
        "rect_fractional",
        "oval_integer",
        "oval_fractional",
    ),
    "file_polygons": ("polygon_integer", "polygon_half", "polygon_float"),
    "file_outlines": ("freehand_integer", "freehand_float", "traced"),
    "file_rotated": ("ellipse", "rotated_rect"),
    "file_unmeasured": UNMEASURED,
}


# ImageJ ------------------------------------------------------------------------------


def find_jar(given: Path | None) -> Path:
    """Return ImageJ's archive, the given one or one of the usual places.

    Parameters
    ----------
    given : pathlib.Path or None
        The path that the user named, if any.

    Returns
    -------
    pathlib.Path
        An existing file.

    Raises
    ------
    SystemExit
        If there is no such file.
    """
    places = [given] if given else [Path(place).expanduser() for place in JAR_PLACES]
    for place in places:
        if place.is_file():
            return place
    raise SystemExit(f"ij.jar not found ({', '.join(map(str, places))}); use --jar")


def make_image() -> npt.NDArray[np.uint8]:
    """Return the image I[y, x] = (7x + 13y + ((x*y) mod 17)) mod 256."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    return np.asarray((7 * x + 13 * y + (x * y) % 17) % 256, dtype=np.uint8)


def run_imagej(jar: Path, requests: list[tuple[str, Numbers]]) -> list[dict[str, Any]]:
    """Measure regions of interest with ImageJ.

    Parameters
    ----------
    jar : pathlib.Path
        ImageJ's archive.
    requests : list of (str, list of float)
        Kind and numbers of each region.

    Returns
    -------
    list of dict
        What ImageJGolden.java printed for each region.

    Raises
    ------
    SystemExit
        If Java is missing or ImageJ read another image than was written.
    """
    java = shutil.which("java")
    if java is None:
        raise SystemExit("java not found; install a Java development kit")
    image = make_image()
    with tempfile.TemporaryDirectory() as directory:
        image_path = Path(directory, "image.pgm")
        header = f"P5\n{WIDTH} {HEIGHT}\n255\n".encode()
        image_path.write_bytes(header + image.tobytes())
        request_path = Path(directory, "requests.txt")
        request_path.write_text(
            "".join(
                f"{kind}\t{' '.join(map(repr, numbers))}\n"
                for kind, numbers in requests
            )
        )
        command = [java, "-Djava.awt.headless=true", "-cp", str(jar)]
        command += [str(JAVA_SOURCE), str(image_path), str(request_path)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    about, *answers = [json.loads(line) for line in done.stdout.splitlines()]
    if about["image_crc32"] != zlib.crc32(image.tobytes()):
        raise SystemExit("ImageJ read another image than was written")
    if len(answers) != len(requests):
        raise SystemExit(f"{len(requests)} regions asked, {len(answers)} answered")
    LOGGER.info("ImageJ %s, Java %s", about["imagej"], about["java"])
    return answers


# Files -------------------------------------------------------------------------------


def select(rows: Iterator[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """Keep the first rows, at most two of them empty, none that ImageJ refuses.

    Parameters
    ----------
    rows : iterator of dict
        Candidates in order.
    count : int
        How many to keep.

    Returns
    -------
    list of dict
        The rows kept.

    Raises
    ------
    SystemExit
        If too few candidates were drawn.
    """
    kept: list[dict[str, Any]] = []
    empty = 0
    for row in rows:
        if row.get("n") == 0:
            empty += 1
        if len(kept) == count or (row.get("n") == 0 and empty > MAX_EMPTY):
            continue
        kept.append(row)
    if len(kept) < count:
        raise SystemExit(f"only {len(kept)} of {count} regions could be used")
    return kept


def write_rows(name: str, rows: list[dict[str, Any]]) -> None:
    """Write one golden file, one compact JSON object a line."""
    text = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
    if len(text) > MAX_FILE_BYTES:
        raise SystemExit(f"{name}: {len(text)} bytes, more than {MAX_FILE_BYTES}")
    path = HERE / f"imagej_rois_{name}.jsonl"
    path.write_text(text, encoding="ascii", newline="\n")
    LOGGER.info("%s: %d rows, %d bytes", path.name, len(rows), len(text))


def draw_candidates(kind: str, count: int, stream: int) -> list[Numbers]:
    """Draw twice as many regions as needed; some have no area or miss the image."""
    # One stream of random numbers a kind: changing one kind leaves the others alone.
    rng = np.random.default_rng([SEED, stream])
    return [DRAWS[kind](rng, index) for index in range(2 * count)]


def make_golden(jar: Path) -> None:
    """Draw, measure and write all golden files.

    Parameters
    ----------
    jar : pathlib.Path
        ImageJ's archive.
    """
    plan = [(kind, kind, kind, count) for kind, count in CONSTRUCTED.items()]
    plan += [
        (name, kind, f"file:{kind}", PER_KIND_THROUGH_FILE)
        for name, kinds in THROUGH_FILE.items()
        for kind in kinds
    ]
    drawn = [
        draw_candidates(kind, count, stream)
        for stream, (_, kind, _, count) in enumerate(plan)
    ]
    answers = iter(
        run_imagej(
            jar,
            [
                (request, numbers)
                for (_, _, request, _), candidates in zip(plan, drawn, strict=True)
                for numbers in candidates
            ],
        )
    )
    files: dict[str, list[dict[str, Any]]] = {}
    for (name, kind, request, count), candidates in zip(plan, drawn, strict=True):
        rows = []
        for numbers in candidates:
            answer = next(answers)
            if "n" in answer or kind in UNMEASURED:
                given = {} if "roi" in answer else {"spec": numbers}
                rows.append({"kind": kind, **given, **answer})
            else:
                LOGGER.debug("%s: no area in %s", request, numbers)
        files.setdefault(name, []).extend(select(iter(rows), count))
    for name, rows in files.items():
        write_rows(name, rows)


def main() -> None:
    """Parse the command line and regenerate the files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--jar", type=Path, help="ImageJ's ij.jar")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    make_golden(find_jar(arguments.jar))


if __name__ == "__main__":
    main()
