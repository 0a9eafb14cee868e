"""How inner loops are compiled: when first called, and kept for the next start."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numba import njit

if TYPE_CHECKING:
    from collections.abc import Callable


def compiled(function: Callable[..., Any]) -> Any:
    """Return a function that numba compiles at its first call.

    Parameters
    ----------
    function : callable
        Loop over arrays and numbers.

    Returns
    -------
    Dispatcher
        It holds no lock while it runs. What was compiled is kept beside the package or
        in the user's folder; where neither can be written, it is compiled anew each
        time.
    """
    return compiled_with()(function)


def compiled_with(**options: Any) -> Callable[[Callable[..., Any]], Any]:
    """Return `compiled` with further options of `numba.njit`.

    Parameters
    ----------
    **options
        Such as ``fastmath``.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        try:
            return njit(cache=True, nogil=True, **options)(function)
        except RuntimeError:
            # There is no folder to keep it in.
            return njit(nogil=True, **options)(function)

    return decorate
