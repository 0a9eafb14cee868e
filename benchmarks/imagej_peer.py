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
    width: int, height: int, vertices: Iterable[tuple[float, float]], repeats: int
) -> float | None:
    """Time ImageJ's measurement of a polygon in a warm Java process.

    A call makes a new ``PolygonRoi``, so that no mask is reused, sets it on an 8-bit
    image and asks for mean, standard deviation, extrema, mode, median, skewness and
    kurtosis. The start of Java and the warm-up are not counted.

    Parameters
    ----------
    width, height : int
        Size of the image in pixels.
    vertices : iterable of (float, float)
        Polygon vertices as x, y in ImageJ coordinates, where pixel (0, 0) covers 0..1.
    repeats : int
        Number of timed calls, at least 1.

    Returns
    -------
    float or None
        Median seconds a call, or None when ImageJ or a Java development kit is absent.
    """
    found = find_imagej()
    if found is None:
        return None
    java, jar = found
    numbers = " ".join(f"{float(x)!r} {float(y)!r}" for x, y in vertices)
    sizes = [str(number) for number in (width, height, repeats, WARM_UP)]
    done = subprocess.run(
        [java, "-Djava.awt.headless=true", "-cp", str(jar), str(JAVA_SOURCE), *sizes],
        input=numbers,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return float(done.stdout) * 1e-9
