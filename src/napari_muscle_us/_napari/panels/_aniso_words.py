"""How the page of anisotropy names numbers and choices, and writes angles."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, NamedTuple

from napari_muscle_us._napari.panels._texture_words import NOTHING, Choice, number_text
from napari_muscle_us.measure.anisotropy.measures import ENERGY_UNITS

if TYPE_CHECKING:
    from collections.abc import Iterator

COUNT: Final = "count"
ENERGY: Final = "anisotropy.energy"
COMPILING: Final = "Compiling the anisotropy kernels (once)…"
COMPUTING: Final = "Computing…"
LOCAL_NOTE: Final = (
    "Local texture anisotropy; not the published TAI, whose formula is not public."
)

METHODS: Final = (
    Choice(
        "fascicle",
        "Fascicles and tensor",
        "Adds the direction of the fascicles, which the speckle does not draw towards "
        "horizontal. Draw the ROI between the aponeuroses.",
    ),
    Choice(
        "tensor",
        "Tensor alone",
        "Gradients of the image, averaged: fast. In real muscle the speckle, which "
        "the beam smears sideways, draws its direction towards horizontal by some "
        "degrees.",
    ),
)

GRADIENTS: Final = (
    Choice(
        "cubic_spline",
        "Cubic spline",
        "How fast gray levels change at a pixel, by a smooth curve through them. The "
        "truest for fine lines.",
    ),
    Choice(
        "gaussian",
        "Gaussian",
        "The image is smoothed first, by the scale below: looks at thicker lines and "
        "past noise.",
    ),
    Choice(
        "finite_difference",
        "Difference of neighbours",
        "Half the difference of the two neighbours; turns fine lines a little.",
    ),
    Choice("sobel", "Sobel", "Difference of the neighbours, smoothed by 1, 2, 1."),
    Choice("scharr", "Scharr", "Difference of the neighbours, smoothed by 3, 10, 3."),
)

WINDOWS: Final = (
    Choice(
        "gaussian",
        "Gaussian",
        "Pixels near the middle count most.",
    ),
    Choice(
        "orientationj",
        "As OrientationJ",
        "The window of the ImageJ plugin OrientationJ for the same number: in truth "
        "1.7 times as wide.",
    ),
)

VARIANTS: Final = (
    Choice(
        "coherency",
        "Coherency",
        "(λ₁ − λ₂) / (λ₁ + λ₂) of the two strengths across and along the lines.",
    ),
    Choice("one_minus_ratio", "1 − λ₂/λ₁", "1 less the weaker over the stronger."),
    Choice(
        "fractional_anisotropy",
        "Fractional anisotropy",
        "(λ₁ − λ₂) / √(λ₁² + λ₂²), as in diffusion imaging.",
    ),
)


class Number(NamedTuple):
    """A number of a region: its key in the results, its name and what it means."""

    key: str
    title: str
    tip: str
    unit: str = "1"


class Group(NamedTuple):
    """Numbers under one title."""

    title: str
    tip: str
    numbers: tuple[Number, ...]


FASCICLE: Final = Group(
    "Fascicles",
    "Lines looked for over distances at which speckle has nothing in common.",
    (
        Number(
            "anisotropy.fascicle_direction",
            "Fascicle direction (°)",
            "Direction of the fascicles: 0 is lateral, positive rises to the right.",
            "°",
        ),
        Number(
            "anisotropy.fascicle_spread",
            "Spread of its parts (°)",
            "How much the parts of the ROI differ in direction, as an SD.",
            "°",
        ),
        Number(
            "anisotropy.fascicle_confidence",
            "Confidence",
            "0 … 1: how many parts of the ROI agree, and how clearly the direction "
            "stands out. Below 0.5 no direction is given.",
        ),
    ),
)

TENSOR: Final = Group(
    "Tensor",
    "From how gray levels change at every pixel.",
    (
        Number(
            "anisotropy.direction",
            "Direction (°)",
            "Direction of the lines of the whole ROI: 0 is lateral, positive rises to "
            "the right. Speckle draws it towards horizontal by some degrees.",
            "°",
        ),
        Number(
            "anisotropy.coherency",
            "Coherency",
            "0: no preferred direction … 1: parallel lines. Speckle alone is wider "
            "than deep and has some; compare images of one scanner and setting.",
        ),
        Number(
            "anisotropy.circular_mean",
            "Circular mean (°)",
            "Mean of the directions around each pixel, strong edges counting most.",
            "°",
        ),
        Number(
            "anisotropy.circular_sd",
            "Circular SD (°)",
            "How much the directions around each pixel differ.",
            "°",
        ),
        Number(
            ENERGY,
            "Energy",
            "Gradient energy: mean squared change of gray level a mm, or a pixel "
            "without a scale. It depends on the gain; all else does not.",
            ENERGY_UNITS[True],
        ),
    ),
)

LOCAL: Final = Group(
    "Local anisotropy",
    LOCAL_NOTE,
    (
        Number(
            "anisotropy.local",
            "Mean of the boxes",
            "Order inside small boxes, averaged: 0 none … 1 straight parallel lines. "
            "Compare boxes of one size only. It is not the published TAI.",
        ),
        Number(
            "anisotropy.local_sd",
            "SD of the boxes",
            "How much the boxes of the ROI differ.",
        ),
        Number(
            "anisotropy.n_boxes",
            "Boxes",
            "Boxes that count: enough of each lies inside, with edges strong enough.",
            COUNT,
        ),
    ),
)


def groups_of(method: str) -> Iterator[Group]:
    """Yield the groups of numbers that a method gives."""
    if method == "fascicle":
        yield FASCICLE
    yield TENSOR
    yield LOCAL


def short_number(value: float, unit: str) -> str:
    """Return a value as it is shown: degrees to a tenth, shares to a thousandth.

    The unit of a number of things is `COUNT`.

    Examples
    --------
    >>> short_number(-12.34, "°"), short_number(0.61234, "1"), short_number(54, COUNT)
    ('−12.3', '0.612', '54')
    """
    if math.isnan(value):
        return NOTHING
    form = {"°": ".1f", "1": ".3f", COUNT: ".0f"}.get(unit)
    if form is None:
        return number_text(value)
    text = f"{value:{form}}"
    # A minus in front of nothing but zeros says more than the number does.
    if not text.strip("-0."):
        text = text.lstrip("-")
    return text.replace("-", "−")


def between_lines(angle_deg: float) -> float:
    """Return the turn from one line to another, in (−90, 90].

    Examples
    --------
    >>> between_lines(85 - -85), between_lines(-90)
    (-10, 90)
    """
    turn = angle_deg % 180
    return turn - 180 if turn > 90 else turn
