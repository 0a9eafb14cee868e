"""What the numbers of anisotropy and of a muscle's architecture are, for the registry.

Each entry is key, unit, label, definition and source.
"""

from __future__ import annotations

from typing import Final

ENERGY_UNITS: Final = {True: "gray level²/mm²", False: "gray level²/px²"}
"""Unit of the energy of an image with a scale, and of one without."""

_TENSOR: Final = "doi:10.1007/s10237-011-0325-z"
_CIRCLE: Final = "Mardia & Jupp, doi:10.1002/9780470316979"
_LOCAL: Final = (
    "Eigenvalues of the structure tensor, doi:10.1007/s10237-011-0325-z, in boxes. Not "
    "the texture anisotropy index (TAI) of Dubois 2018, whose formula is not public"
)
_FASCICLE: Final = (
    "Correlation along lines, our method, tested against observers; others are in "
    "doi:10.1016/j.jbiomech.2009.06.003"
)
_PENNATION: Final = "DL_Track_US 0.3.0, doi:10.21105/joss.05206"
_ARC: Final = "Arc of constant curvature; angles as in doi:10.21105/joss.05206"
_LINES: Final = (
    "Angles of lines in (−90°, 90°]: 0 is lateral, positive rises to the right."
)

ANISOTROPY: Final = (
    (
        "anisotropy.direction",
        "°",
        "Fibre direction (tensor)",
        f"Direction of the lines, of the structure tensor averaged over the region: ½ "
        f"atan2(2 Jxy, Jyy − Jxx). {_LINES} Speckle draws it towards horizontal.",
        _TENSOR,
    ),
    (
        "anisotropy.coherency",
        "1",
        "Coherency",
        "Order of the lines, of the structure tensor averaged over the region: (λ1 − "
        "λ2) / (λ1 + λ2), 0 without a preferred direction … 1 for parallel lines.",
        _TENSOR,
    ),
    (
        "anisotropy.energy",
        ENERGY_UNITS[True],
        "Gradient energy",
        "Mean squared gradient Jxx + Jyy; in gray level²/px² when the spacing is "
        "unknown. It depends on the gain.",
        _TENSOR,
    ),
    (
        "anisotropy.circular_mean",
        "°",
        "Mean direction (circular)",
        f"Circular mean of the local directions of the structure tensor, weighted by "
        f"their energy, with angles doubled. {_LINES}",
        _CIRCLE,
    ),
    (
        "anisotropy.circular_sd",
        "°",
        "SD of direction (circular)",
        "Circular standard deviation of the local directions, weighted by their "
        "energy: ½ √(−2 ln R), R the length of the mean of doubled angles.",
        _CIRCLE,
    ),
    (
        "anisotropy.local",
        "1",
        "Local texture anisotropy",
        "Order of the lines in small boxes, averaged over the boxes: the variant in "
        "the method, by default (λ1 − λ2) / (λ1 + λ2) of a box's structure tensor.",
        _LOCAL,
    ),
    (
        "anisotropy.local_sd",
        "1",
        "SD of local texture anisotropy",
        "Standard deviation over the boxes, with n − 1.",
        _LOCAL,
    ),
    (
        "anisotropy.n_boxes",
        "1",
        "Boxes of local texture anisotropy",
        "Boxes that lie far enough inside the region and have gradients enough.",
        _LOCAL,
    ),
    (
        "anisotropy.fascicle_direction",
        "°",
        "Fascicle direction",
        f"Direction along which whitened echoes correlate most over distances at which "
        f"speckle has nothing in common. {_LINES}",
        _FASCICLE,
    ),
    (
        "anisotropy.fascicle_spread",
        "°",
        "Spread of fascicle direction",
        "Circular standard deviation of the fascicle directions of the region's "
        "parts, weighted by their correlation.",
        f"{_FASCICLE}; {_CIRCLE}",
    ),
    (
        "anisotropy.fascicle_confidence",
        "1",
        "Confidence of fascicle direction",
        "0 … 1: share of the region's parts that agree, beyond chance, times a factor "
        "of how far the correlation stands out. Below 0.5 no direction is given.",
        _FASCICLE,
    ),
)

ARCHITECTURE: Final = (
    (
        "architecture.pennation",
        "°",
        "Pennation angle",
        "Acute angle of the fascicle's straight line to the deep aponeurosis where "
        "they meet; of several fascicles the median.",
        _PENNATION,
    ),
    (
        "architecture.pennation_superficial",
        "°",
        "Pennation angle (superficial)",
        "Acute angle of the fascicle's straight line to the superficial aponeurosis "
        "where they meet; of several fascicles the median.",
        _PENNATION,
    ),
    (
        "architecture.pennation_curved",
        "°",
        "Pennation angle (curved)",
        "Acute angle of the arc through a drawn fascicle to the deep aponeurosis "
        "where they meet; of several fascicles the median.",
        _ARC,
    ),
    (
        "architecture.thickness",
        "mm",
        "Muscle thickness",
        "Distance of the inner borders of the aponeuroses on the normal to their mean "
        "direction, through the middle; in px when the spacing is unknown.",
        f"{_PENNATION}, which takes the least distance instead",
    ),
    (
        "architecture.thickness_min",
        "mm",
        "Muscle thickness (least distance)",
        "Least distance from the middle of the superficial aponeurosis to the central "
        "third of the deep one; in px when the spacing is unknown.",
        _PENNATION,
    ),
    (
        "architecture.fascicle_length",
        "mm",
        "Fascicle length",
        "Along the fascicle's straight line from aponeurosis to aponeurosis, all "
        "prolonged where needed; of several the median; in px when the spacing is "
        "unknown.",
        _PENNATION,
    ),
    (
        "architecture.fascicle_length_curved",
        "mm",
        "Fascicle length (curved)",
        "Along the arc of constant curvature through a drawn fascicle, from "
        "aponeurosis to aponeurosis; in px when the spacing is unknown.",
        _ARC,
    ),
    (
        "architecture.fascicle_length_trigonometric",
        "mm",
        "Fascicle length (trigonometric)",
        "Estimate for parallel aponeuroses: thickness / sin(pennation); in px when "
        "the spacing is unknown.",
        "Trigonometry of parallel aponeuroses; thickness and pennation as in "
        "doi:10.21105/joss.05206",
    ),
)
