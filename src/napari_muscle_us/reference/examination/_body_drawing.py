"""Drawing of the body map and the bars of Z-scores on matplotlib axes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.reference.examination.body_map import (
    MUSCLE_REGIONS,
    NOT_MEASURED,
    SATURATED_Z,
    VIEWS,
    body_outline,
    face_lines,
    regions_for,
    z_colours,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    from napari_muscle_us.reference.examination._body_shapes import View
    from napari_muscle_us.reference.examination.examination_types import Examination

    Floats = npt.NDArray[np.float64]

_CENTRES: Final[dict[View, float]] = {"front": 0.27, "back": 0.81, "head": 1.31}
_TITLES: Final[dict[View, str]] = {
    "front": "Front",
    "back": "Back",
    "head": "Face and below the chin",
}
_HEAD_SCALE: Final = 0.46
_HEAD_TOP: Final = 0.02
_SKIN: Final = "#f7f5f2"
_LINE: Final = "#5a5a5a"
_SIDES: Final = ("right", "left")


def placed(view: View, points: Floats) -> Floats:
    """Return points of a view where the view is in the figure."""
    scale, top = (_HEAD_SCALE, _HEAD_TOP) if view == "head" else (1.0, 0.0)
    return np.asarray(points) * scale + (_CENTRES[view], top)


def draw_map(axes: Any, z: Mapping[tuple[str, str], float]) -> None:
    """Draw all views; see `body_map.draw_body_map`."""
    axes.clear()
    for view in VIEWS:
        _draw_view(axes, view)
    for muscle in MUSCLE_REGIONS:
        for side in _SIDES:
            _draw_muscle(axes, muscle, side, z.get((muscle, side), math.nan))
    _draw_scale(axes)
    axes.set_aspect("equal")
    axes.set_xlim(0.0, 1.55)
    axes.set_ylim(1.02, -0.09)
    axes.set_axis_off()


def _draw_view(axes: Any, view: View) -> None:
    from matplotlib.patches import Polygon

    outline = placed(view, body_outline(view))
    axes.add_patch(Polygon(outline, facecolor=_SKIN, edgecolor=_LINE, linewidth=1.0))
    if view == "head":
        for line in face_lines():
            x, y = placed(view, line).T
            axes.plot(x, y, color=_LINE, linewidth=0.6)
    centre = _CENTRES[view]
    axes.text(centre, -0.055, _TITLES[view], ha="center", va="center", fontsize=9)
    # The person's own sides: seen from behind they are the viewer's.
    left, right = ("L", "R") if view == "back" else ("R", "L")
    x, y = (0.205, 0.10) if view == "head" else (0.16, 0.14)
    for text, sign in ((left, -1), (right, 1)):
        axes.text(
            centre + sign * x,
            y,
            text,
            ha="center",
            va="center",
            fontsize=10,
            fontweight="bold",
        )


def _draw_muscle(axes: Any, muscle: str, side: str, z: float) -> None:
    from matplotlib.patches import Polygon

    missing = math.isnan(z)
    for region in regions_for(muscle, side):
        axes.add_patch(
            Polygon(
                placed(region.view, np.asarray(region.polygon)),
                facecolor=NOT_MEASURED if missing else tuple(z_colours([z])[0]),
                edgecolor="#a8a8a8" if missing else "#303030",
                hatch="//////" if missing else None,
                linewidth=0.4 if missing else 0.7,
                zorder=2 if missing else 3,
                gid=f"{muscle} {side}",
            )
        )


def _draw_scale(axes: Any) -> None:
    """Draw what colour is which Z-score, and the hatch of what was not measured."""
    from matplotlib.patches import Rectangle

    steps = np.linspace(-SATURATED_Z, SATURATED_Z, 65)
    x0, width, top, height = 1.11, 0.40, 0.66, 0.035
    part = width / len(steps)
    for place, colour in enumerate(z_colours(steps)):
        axes.add_patch(
            Rectangle(
                (x0 + place * part, top), part * 1.05, height, color=tuple(colour)
            )
        )
    axes.add_patch(
        Rectangle((x0, top), width, height, fill=False, edgecolor=_LINE, linewidth=0.6)
    )
    for z in (-4, -2, 0, 2, 4):
        x = x0 + width * (z + SATURATED_Z) / (2 * SATURATED_Z)
        text = {-4: "≤ −4", -2: "−2", 4: "≥ 4"}.get(z, str(z))
        axes.text(x, top + height + 0.02, text, ha="center", va="center", fontsize=8)
    axes.text(
        x0 + width / 2, top - 0.02, "Z-score", ha="center", va="center", fontsize=9
    )
    axes.add_patch(
        Rectangle(
            (x0, top + 0.11),
            0.045,
            0.03,
            facecolor=NOT_MEASURED,
            edgecolor="#a8a8a8",
            hatch="//////",
            linewidth=0.4,
        )
    )
    axes.text(x0 + 0.06, top + 0.125, "not measured", va="center", fontsize=8)


def draw_bars(axes: Any, examination: Examination) -> None:
    """Draw the bars; see `body_map.draw_z_bars`."""
    axes.clear()
    muscles = examination.muscles
    for place, muscle in enumerate(muscles):
        if muscle.score is None:
            axes.text(0.05, place, "no Z-score", va="center", fontsize=7, color=_LINE)
            continue
        colour = tuple(z_colours([muscle.z])[0])
        hatch = None if muscle.counted else "//////"
        axes.barh(
            place,
            muscle.z,
            color=[colour],
            edgecolor="#303030",
            linewidth=0.6,
            hatch=hatch,
            height=0.8,
        )
        inwards = muscle.z < 0
        axes.annotate(
            f"{muscle.z:.2f}",
            (muscle.z, place),
            xytext=(-3 if inwards else 3, 0),
            textcoords="offset points",
            ha="right" if inwards else "left",
            va="center",
            fontsize=7,
        )
    axes.axvline(0, color=_LINE, linewidth=0.8)
    for z in (-2, 2):
        axes.axvline(z, color=_LINE, linewidth=0.6, linestyle="--")
    axes.set_yticks(range(len(muscles)), [m.label for m in muscles], fontsize=8)
    axes.set_ylim(max(len(muscles), 1) - 0.4, -0.6)
    scores = [abs(m.z) for m in muscles if m.score is not None]
    reach = max([SATURATED_Z, *scores]) * 1.15
    axes.set_xlim(-reach, reach)
    axes.set_xlabel("Z-score (dashed: ±2)")
