"""What ImageJ writes into a TIFF: calibration, times and display range."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.image import Calibration

if TYPE_CHECKING:
    from collections.abc import Mapping

SMALLEST_MM: Final = 1e-4
LARGEST_MM: Final = 10.0
"""Size of a pixel outside of which a calibration cannot be of ultrasound."""

_MM_PER_UNIT: Final = {
    "mm": 1.0,
    "cm": 10.0,
    "um": 1e-3,
    "µm": 1e-3,
    "μm": 1e-3,
    "micron": 1e-3,
    "microns": 1e-3,
    "inch": 25.4,
    "inches": 25.4,
    "m": 1000.0,
}
_SECONDS_PER_UNIT: Final = {
    "": 1.0,
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "seconds": 1.0,
    "ms": 1e-3,
    "msec": 1e-3,
    "us": 1e-6,
    "µs": 1e-6,
    "min": 60.0,
}
# ImageJ takes the resolution of paper over when it opens a TIFF and writes it back as
# its own calibration; these are the values that programs put there unasked.
_PAPER_DPI: Final = (1, 72, 75, 90, 96, 100, 120, 144, 150, 200, 240, 300, 600, 1200)
_PAPER_UNITS: Final = ("inch", "inches", "cm")
_MM_PER_INCH: Final = 25.4


def calibration(
    meta: Mapping[str, Any], resolution: tuple[Any, Any]
) -> tuple[Calibration | None, tuple[str, ...]]:
    """Return ImageJ's size of a pixel and caveats.

    Parameters
    ----------
    meta : mapping
        ImageJ's description of the image, empty when ImageJ did not write the file.
    resolution : tuple
        Pixels a unit as rationals ``(numerator, denominator)``, ``(Y, X)``; ``None``
        where the file has none.

    Returns
    -------
    Calibration or None
        ``None`` without a unit of length, with a resolution of paper, and with a size
        outside 0.0001 … 10 mm.
    tuple of str
        A sentence where a stated calibration is not used.

    Examples
    --------
    >>> calibration({"unit": "mm"}, ((4, 1), (8, 1)))[0].spacing_mm
    (0.25, 0.125)
    >>> calibration({"unit": "pixel"}, ((4, 1), (8, 1)))
    (None, ())
    """
    unit = _unit(meta.get("unit", ""))
    units = (_unit(meta.get("yunit", unit)) or unit, unit)
    if any(u not in _MM_PER_UNIT for u in units):
        return None, ()
    rates = [_per_unit(value) for value in resolution]
    spacing = tuple(
        _MM_PER_UNIT[u] / rate if rate else math.nan
        for u, rate in zip(units, rates, strict=True)
    )
    if math.isnan(spacing[0]) or math.isnan(spacing[1]):
        return None, ()
    if not all(SMALLEST_MM <= size <= LARGEST_MM for size in spacing):
        return None, (
            f"ImageJ's calibration of {spacing[0]:.3g} × {spacing[1]:.3g} mm a pixel "
            "cannot be right and is not used.",
        )
    if _is_paper(spacing, units):
        return None, (
            f"ImageJ's calibration is {_MM_PER_INCH / spacing[0]:.0f} dots an inch, as "
            "for paper, and is not used.",
        )
    return Calibration((spacing[0], spacing[1]), f"ImageJ calibration in {unit}"), ()


def frame_times(
    meta: Mapping[str, Any], frames: int
) -> tuple[tuple[float, ...] | None, tuple[str, ...]]:
    """Return the time of each frame in seconds, and a caveat where there is none.

    From ImageJ's frame interval (``finterval``), or its frame rate (``fps``).

    Examples
    --------
    >>> frame_times({"finterval": 0.5}, 3)
    ((0.0, 0.5, 1.0), ())
    >>> frame_times({"fps": 4.0}, 3)
    ((0.0, 0.25, 0.5), ())
    """
    unit = _SECONDS_PER_UNIT.get(_unit(meta.get("tunit", "")))
    interval = _positive(meta.get("finterval"))
    rate = _positive(meta.get("fps"))
    times = None
    if interval is not None and unit is not None:
        times = tuple(i * interval * unit for i in range(frames))
    elif interval is None and rate is not None:
        times = tuple(i / rate for i in range(frames))
    if times is None or not math.isfinite(times[-1]) or (frames > 1 and not times[1]):
        return None, ("The file does not tell the times of its frames.",)
    return times, ()


def display_range(meta: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return ImageJ's display range of a 16-bit image, ``None`` without.

    Examples
    --------
    >>> display_range({"min": 10.0, "max": 4095.0})
    (10, 4095)
    """
    low, high = (meta.get(key) for key in ("min", "max"))
    if not isinstance(low, int | float) or not isinstance(high, int | float):
        return None
    if not 0 <= low < high <= 65535:
        return None
    # ImageJ drops decimals.
    return int(low), int(high)


def _unit(value: Any) -> str:
    return str(value).replace("\\u00B5", "µ").strip().strip('"').lower()


def _positive(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value > 0 else None


def _per_unit(value: Any) -> float | None:
    """Return a resolution tag as pixels a unit."""
    if not isinstance(value, tuple) or len(value) != 2:
        return None
    numerator, denominator = value
    if numerator <= 0 or denominator <= 0:
        return None
    return float(numerator / denominator)


def _is_paper(spacing: tuple[float, ...], units: tuple[str, str]) -> bool:
    if spacing[0] != spacing[1] or units[0] not in _PAPER_UNITS:
        return False
    dpi = _MM_PER_INCH / spacing[0]
    return any(abs(dpi - paper) < 0.02 for paper in _PAPER_DPI)
