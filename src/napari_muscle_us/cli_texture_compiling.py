"""Say on the command line what the first texture on a computer waits for."""

from __future__ import annotations

from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING, Any, Final

import click

from napari_muscle_us.cli_common import note

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE_S: Final = 1.0
"""Time of compiling after which a person wonders."""

_COMPILING: Final = (
    "Compiling the loops of texture for this computer; that is needed once and may "
    "take a minute."
)


def tell_compiling() -> None:
    """Say, until the running command ends, when compiling takes long; once at most."""
    click.get_current_context().with_resource(compiling_told())


@contextmanager
def compiling_told() -> Iterator[None]:
    """Say so when numba compiles and has begun to a while ago; not when it loads."""
    from numba.core.event import Listener, install_listener

    class Teller(Listener):  # type: ignore[misc]
        """Hears of every loop that is compiled, those that others call among them."""

        began: float | None = None
        told = False

        def on_start(self, event: Any) -> None:
            """Look at the clock as the next loop is compiled."""
            now = monotonic()
            self.began = now if self.began is None else self.began
            if not self.told and now - self.began >= PATIENCE_S:
                self.told = True
                note(_COMPILING)

        def on_end(self, event: Any) -> None:
            """Do nothing: what is over need not be told."""

    with install_listener("numba:compile", Teller()):
        yield
