"""Xvfb for machines without a display, so that the demo works there too."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    from collections.abc import Iterator

_SCREEN: Final = "1600x1000x24"
_STOP_SECONDS: Final = 5.0


def needs_display() -> bool:
    """Whether this is a Unix machine on which no window can open."""
    if sys.platform in ("win32", "darwin"):
        return False
    return not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


@contextmanager
def virtual_display() -> Iterator[None]:
    """Run the block on a virtual display where there is none.

    Raises
    ------
    MuscleUSError
        If Xvfb is needed and not installed, or does not start.
    """
    if not needs_display():
        yield
        return
    program = shutil.which("Xvfb")
    if program is None:
        raise MuscleUSError(
            "There is no display and Xvfb is not installed; install it (Debian: "
            "apt-get install xvfb) or run on a machine with a screen."
        )
    read_end, write_end = os.pipe()
    command = [program, "-displayfd", str(write_end), "-screen", "0", _SCREEN]
    server = subprocess.Popen(
        [*command, "-nolisten", "tcp"],
        pass_fds=(write_end,),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(write_end)
    try:
        with os.fdopen(read_end) as pipe:
            number = pipe.readline().strip()
        if not number:
            raise MuscleUSError("Xvfb did not start; run on a machine with a screen.")
        os.environ["DISPLAY"] = f":{number}"
        # A Qt that was told to draw nowhere cannot show an image layer.
        os.environ.pop("QT_QPA_PLATFORM", None)
        yield
    finally:
        os.environ.pop("DISPLAY", None)
        server.terminate()
        try:
            server.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
