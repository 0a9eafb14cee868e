"""Time ImageJ at the same task as the benchmarks: one polygon, all its statistics."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

JAVA_SOURCE = Path(__file__).resolve().parent / "ImageJBench.java"
JAR_PLACES = (
    "/usr/share/java/ij.jar",
    "/usr/share/imagej/ij.jar",
    "/opt/ImageJ/ij.jar",
    "/Applications/ImageJ.app/Contents/Java/ij.jar",
    "~/ImageJ/ij.jar",
    "C:/Program Files/ImageJ/ij.jar",
)
# By then Java has compiled the inner loops; times fall by no more than noise later.
WARM_UP = 2000


def find_imagej() -> tuple[str, Path] | None:
    """Return the paths of the Java launcher and of ij.jar.

    Returns
    -------
    tuple of (str, pathlib.Path) or None
        None when either is missing. ``javac`` stands for a development kit: a runtime
        alone cannot start a source file.
    """
    java = shutil.which("java")
    jars = [Path(place).expanduser() for place in JAR_PLACES]
    jar = next((jar for jar in jars if jar.is_file()), None)
    if java is None or jar is None or shutil.which("javac") is None:
        return None
    return java, jar


def time_imagej(
    shape: tuple[int, int],
    outline: Iterable[tuple[float, float]],
    repeats: int,
    *,
    kind: str = "polygon",
) -> tuple[int, list[float]] | None:
    """Time ImageJ's measurement of a polygon in a warm Java process.

    Each call moves the first vertex down, by 0 to 19 px in turn, makes a new
    ``PolygonRoi`` so that no mask is reused, sets it on an 8-bit image and asks for
    mean, standard deviation, extrema, mode, median, skewness and kurtosis. The start of
    Java and the warm-up are not counted.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns of the image.
    outline : iterable of (float, float)
        Polygon vertices (row, column), pixel centres at integers.
    repeats : int
        Number of timed calls, at least 1.
    kind : {"polygon", "freehand"}, default: "polygon"
        ImageJ's type of the selection.

    Returns
    -------
    tuple of (int, list of float) or None
        Pixels measured in all calls, the warm-up included, and the seconds of each
        timed call; None when ImageJ or a Java development kit is absent.
    """
    found = find_imagej()
    if found is None:
        return None
    java, jar = found
    numbers = " ".join(f"{float(x) + 0.5!r} {float(y) + 0.5!r}" for y, x in outline)
    sizes = [str(number) for number in (shape[1], shape[0], repeats, WARM_UP)]
    command = [java, "-Djava.awt.headless=true", "-cp", str(jar), str(JAVA_SOURCE)]
    done = subprocess.run(
        [*command, *sizes, kind],
        input=numbers,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    pixels, *nanoseconds = map(int, done.stdout.split())
    return pixels, [number * 1e-9 for number in nanoseconds]
