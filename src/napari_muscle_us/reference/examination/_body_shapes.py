"""Outlines of a body and a face, and where muscles lie on them, drawn for this program.

All points are (lateral, down): `lateral` is the distance from the midline, `down` from
the top of the head, both in body heights; on the face in heights of the face.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

View = Literal["front", "back", "head"]
Half = tuple[tuple[float, float], ...]

BODY: Final[Half] = (
    *((0.0, 0.0), (0.024, 0.003), (0.042, 0.020), (0.048, 0.046), (0.046, 0.074)),
    *((0.039, 0.098), (0.029, 0.114), (0.027, 0.132), (0.033, 0.149), (0.058, 0.163)),
    *((0.094, 0.174), (0.117, 0.186), (0.131, 0.208), (0.137, 0.240), (0.143, 0.280)),
    *((0.153, 0.318), (0.165, 0.350), (0.176, 0.382), (0.186, 0.422), (0.196, 0.462)),
    *((0.204, 0.484), (0.220, 0.499), (0.232, 0.523), (0.227, 0.531), (0.215, 0.520)),
    *((0.220, 0.552), (0.219, 0.580), (0.211, 0.591), (0.199, 0.586), (0.190, 0.566)),
    *((0.184, 0.535), (0.181, 0.505), (0.178, 0.484), (0.163, 0.452), (0.147, 0.412)),
    *((0.136, 0.378), (0.128, 0.352), (0.119, 0.318), (0.111, 0.282), (0.103, 0.252)),
    *((0.101, 0.275), (0.098, 0.310), (0.091, 0.355), (0.087, 0.390), (0.091, 0.422)),
    *((0.100, 0.456), (0.106, 0.492), (0.108, 0.530), (0.106, 0.580), (0.100, 0.630)),
    *((0.091, 0.680), (0.084, 0.716), (0.084, 0.742), (0.089, 0.778), (0.088, 0.812)),
    *((0.080, 0.856), (0.070, 0.902), (0.065, 0.936), (0.069, 0.958), (0.083, 0.978)),
    *((0.086, 0.991), (0.070, 0.999), (0.049, 0.998), (0.041, 0.984), (0.043, 0.960)),
    *((0.043, 0.934), (0.041, 0.900), (0.034, 0.852), (0.030, 0.810), (0.032, 0.770)),
    *((0.037, 0.742), (0.034, 0.716), (0.027, 0.680), (0.018, 0.622), (0.010, 0.562)),
    *((0.004, 0.520), (0.0, 0.508)),
)
"""The left or right half of the body, from the top of the head to between the legs."""

FACE: Final[Half] = (
    *((0.0, 0.0), (0.16, 0.015), (0.29, 0.085), (0.355, 0.20), (0.365, 0.33)),
    *((0.395, 0.34), (0.405, 0.39), (0.385, 0.47), (0.355, 0.48), (0.335, 0.60)),
    *((0.285, 0.71), (0.21, 0.78), (0.205, 0.86), (0.225, 0.94), (0.27, 1.0)),
    (0.0, 1.0),
)
"""Half of the head and neck, from the top of the head to the base of the neck."""

FEATURES: Final[tuple[Half, ...]] = (
    ((0.07, 0.345), (0.12, 0.325), (0.185, 0.330), (0.225, 0.355)),
    ((0.085, 0.395), (0.135, 0.375), (0.19, 0.395), (0.135, 0.412), (0.085, 0.395)),
    ((0.035, 0.40), (0.04, 0.47), (0.065, 0.525), (0.045, 0.545), (0.0, 0.55)),
    ((0.0, 0.617), (0.05, 0.612), (0.115, 0.62)),
    ((0.20, 0.785), (0.12, 0.795), (0.0, 0.80)),
)
"""Brow, eye, nose, mouth and chin of the face, each an open line."""


def spindle(
    start: tuple[float, float],
    end: tuple[float, float],
    width: float,
    *,
    points: int = 24,
) -> Half:
    """Return a muscle belly: thick in the middle, blunt at both ends.

    Parameters
    ----------
    start, end : tuple of float
        Ends of its axis.
    width : float
        Largest width.
    points : int
        Number of corners.
    """
    (x0, y0), (x1, y1) = start, end
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    # An exponent below 1 makes an ellipse fuller, as a belly is.
    along = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** 0.8 / 2
    across = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** 0.8 * width / 2
    length = float(np.hypot(x1 - x0, y1 - y0))
    ux, uy = (x1 - x0) / length, (y1 - y0) / length
    x = (x0 + x1) / 2 + along * (x1 - x0) - across * uy
    y = (y0 + y1) / 2 + along * (y1 - y0) + across * ux
    return tuple((float(a), float(b)) for a, b in zip(x, y, strict=True))


def smooth(
    points: Sequence[tuple[float, float]], *, rounds: int = 2
) -> npt.NDArray[np.float64]:
    """Return an open line with its corners cut, ends kept (Chaikin's rule).

    Parameters
    ----------
    points : sequence of (float, float)
        Corners.
    rounds : int
        How often corners are cut.

    Returns
    -------
    ndarray of float64, shape (n, 2)
        The smoother line.
    """
    line = np.asarray(points, dtype=np.float64)
    for _ in range(rounds):
        near = 0.75 * line[:-1] + 0.25 * line[1:]
        far = 0.25 * line[:-1] + 0.75 * line[1:]
        cut = np.stack([near, far], axis=1).reshape(-1, 2)
        line = np.vstack([line[:1], cut, line[-1:]])
    return line


PLACES: Final[dict[str, tuple[View, Half]]] = {
    # Front: shoulder, arm and hand.
    "Deltoideus": (
        "front",
        (
            *((0.090, 0.176), (0.104, 0.179), (0.116, 0.187), (0.128, 0.207)),
            *((0.134, 0.238), (0.138, 0.262), (0.136, 0.274), (0.130, 0.268)),
            *((0.118, 0.240), (0.104, 0.222), (0.094, 0.200)),
        ),
    ),
    "Biceps brachii": ("front", spindle((0.112, 0.244), (0.145, 0.354), 0.022)),
    "Brachioradialis": ("front", spindle((0.154, 0.344), (0.183, 0.440), 0.012)),
    "Flexor carpi radialis": ("front", spindle((0.150, 0.366), (0.182, 0.468), 0.010)),
    "Flexor digitorum profundus": (
        "front",
        spindle((0.142, 0.374), (0.175, 0.466), 0.009),
    ),
    "Abductor pollicis brevis": (
        "front",
        spindle((0.197, 0.493), (0.217, 0.513), 0.013),
    ),
    # Front: neck and trunk.
    "Sterno cleido": ("front", spindle((0.026, 0.106), (0.007, 0.157), 0.010)),
    "Diaphragm": (
        "front",
        (
            *((0.043, 0.296), (0.066, 0.302), (0.095, 0.292), (0.092, 0.326)),
            *((0.070, 0.338), (0.048, 0.330)),
        ),
    ),
    "Rectus abdominis": (
        "front",
        (
            *((0.004, 0.300), (0.034, 0.305), (0.038, 0.360), (0.035, 0.420)),
            *((0.022, 0.474), (0.004, 0.482)),
        ),
    ),
    "Iliopsoas": ("front", spindle((0.064, 0.450), (0.038, 0.524), 0.020)),
    # Front: thigh, lower leg and foot.
    "Rectus femoris prox": ("front", spindle((0.064, 0.514), (0.060, 0.566), 0.025)),
    "Rectus femoris": ("front", spindle((0.060, 0.566), (0.058, 0.690), 0.024)),
    "Vastus lateralis prox": ("front", spindle((0.091, 0.530), (0.092, 0.582), 0.024)),
    "Vastus lateralis": ("front", spindle((0.092, 0.582), (0.086, 0.648), 0.022)),
    "Vastus lateralis dist": ("front", spindle((0.085, 0.648), (0.077, 0.704), 0.018)),
    "Vastus intermedius": ("front", spindle((0.078, 0.585), (0.069, 0.700), 0.007)),
    "Vastus medialis": ("front", spindle((0.032, 0.625), (0.045, 0.708), 0.018)),
    "Tibialis anterior": ("front", spindle((0.068, 0.748), (0.058, 0.880), 0.020)),
    "Peroneus tertius": ("front", spindle((0.072, 0.850), (0.060, 0.926), 0.009)),
    "Extensor digitorum brevis": (
        "front",
        spindle((0.060, 0.954), (0.072, 0.980), 0.013),
    ),
    # Back: neck, arm and hand.
    "Trapezius": (
        "back",
        (
            *((0.003, 0.118), (0.020, 0.128), (0.032, 0.151), (0.058, 0.165)),
            *((0.094, 0.177), (0.066, 0.200), (0.040, 0.228), (0.022, 0.270)),
            (0.003, 0.318),
        ),
    ),
    "Triceps brachii": ("back", spindle((0.118, 0.236), (0.146, 0.344), 0.024)),
    "Extensors underarm": ("back", spindle((0.152, 0.358), (0.186, 0.468), 0.023)),
    "Interosseus dorsalis I": (
        "back",
        spindle((0.203, 0.497), (0.214, 0.524), 0.011),
    ),
    # Back: thigh and calf.
    "Biceps femoris": ("back", spindle((0.080, 0.550), (0.077, 0.706), 0.022)),
    "Hamstrings": ("back", spindle((0.059, 0.548), (0.060, 0.692), 0.014)),
    "Semitendinosus": ("back", spindle((0.037, 0.556), (0.044, 0.706), 0.020)),
    "Gastrocnemius lateral head": (
        "back",
        spindle((0.073, 0.738), (0.070, 0.832), 0.023),
    ),
    "Gastrocnemius medial head": (
        "back",
        spindle((0.046, 0.738), (0.047, 0.846), 0.024),
    ),
    "Soleus": ("back", spindle((0.060, 0.838), (0.055, 0.914), 0.025)),
    # Face, and what lies under the chin.
    "Temporalis": ("head", spindle((0.320, 0.190), (0.300, 0.345), 0.085)),
    "Procerus": (
        "head",
        ((0.006, 0.285), (0.035, 0.275), (0.030, 0.365), (0.006, 0.385)),
    ),
    "Nasalis": ("head", spindle((0.026, 0.420), (0.052, 0.505), 0.036)),
    "Levator labii superior": (
        "head",
        spindle((0.112, 0.435), (0.082, 0.575), 0.044),
    ),
    "Zygomaticus major": ("head", spindle((0.262, 0.470), (0.150, 0.600), 0.042)),
    "Orbicularis oris": (
        "head",
        (
            *((0.004, 0.574), (0.070, 0.572), (0.128, 0.596), (0.145, 0.620)),
            *((0.125, 0.648), (0.070, 0.672), (0.004, 0.676), (0.004, 0.650)),
            *((0.070, 0.644), (0.104, 0.622), (0.066, 0.600), (0.004, 0.600)),
        ),
    ),
    "Tongue": (
        "head",
        (
            (0.004, 0.606),
            (0.060, 0.606),
            (0.090, 0.622),
            (0.060, 0.638),
            (0.004, 0.644),
        ),
    ),
    "Masseter": ("head", spindle((0.300, 0.480), (0.255, 0.690), 0.072)),
    "Depressor anguli oris": (
        "head",
        ((0.135, 0.655), (0.160, 0.640), (0.190, 0.745), (0.105, 0.765)),
    ),
    "Geniohyoideus": ("head", spindle((0.032, 0.815), (0.038, 0.925), 0.048)),
    "Digastricus": ("head", spindle((0.085, 0.812), (0.150, 0.915), 0.050)),
}
"""View and outline of each muscle on one half of the body."""
