"""Run a Java source file against the ImageJ that is installed, or skip."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

JAR_PLACES = (
    "/usr/share/java/ij.jar",
    "/usr/share/imagej/ij.jar",
    "/opt/ImageJ/ij.jar",
    "/Applications/ImageJ.app/Contents/Java/ij.jar",
    "~/ImageJ/ij.jar",
    "C:/Program Files/ImageJ/ij.jar",
)
TIMEOUT_S = 240


def find_jar() -> Path | None:
    """Return ImageJ's program file, ``None`` where it or a Java compiler is missing."""
    if shutil.which("java") is None or shutil.which("javac") is None:
        return None
    jars = (Path(place).expanduser() for place in JAR_PLACES)
    return next((jar for jar in jars if jar.is_file()), None)


def run_imagej(source: Path, *arguments: str | Path) -> str:
    """Return what a Java program with ``ij.jar`` on its class path prints.

    The test is skipped where ImageJ or a Java development kit is not installed.
    """
    jar = find_jar()
    if jar is None:
        pytest.skip("ImageJ or a Java development kit is not installed")
    command = ["java", "-Djava.awt.headless=true", "-cp", str(jar), str(source)]
    done = subprocess.run(
        [*command, *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
