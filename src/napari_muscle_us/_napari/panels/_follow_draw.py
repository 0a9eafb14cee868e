"""Drawing of a follow-up: a small plot for each muscle."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from napari_muscle_us._napari.panels._histogram_plot import style_axes
from napari_muscle_us._napari.panels._plot import colour_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from napari_muscle_us._napari.panels._follow_work import Followed
    from napari_muscle_us.reference.examination.follow_up import (
        MuscleCourse,
        VisitValue,
    )

Quantity = Literal["ei", "z"]

_HEALTHY: Final = "#5cc26c"
_MARKS: Final = {"left": "o", "right": "s", "": "o"}
_APART: Final = 0.06
_LABELS: Final[dict[Quantity, str]] = {"ei": "EI (gray level)", "z": "Z-score"}
_MOST_LETTERS: Final = 9


@dataclass(frozen=True, slots=True, eq=False)
class FollowContent:
    """What is drawn.

    Attributes
    ----------
    followed : Followed or None
        The follow-up; ``None`` for an empty plot.
    quantity : {"ei", "z"}
        What the height is.
    first : bool
        Whether visits are compared with the first one, or with the previous.
    """

    followed: Followed | None = None
    quantity: Quantity = "ei"
    first: bool = True


def draw_follow_up(figure: Figure, content: FollowContent, foreground: str) -> int:
    """Draw a follow-up; return in how many rows of plots."""
    followed = content.followed
    if followed is None:
        return 0
    muscles: dict[str, list[MuscleCourse]] = {}
    for course in followed.follow_up.courses:
        muscles.setdefault(course.muscle, []).append(course)
    columns = min(2, len(muscles))
    rows = math.ceil(len(muscles) / max(columns, 1))
    places = _places(followed)
    for number, (muscle, courses) in enumerate(muscles.items(), 1):
        axes = figure.add_subplot(rows, columns, number)
        _draw_muscle(axes, courses, content, places)
        _label(axes, muscle, followed, places, foreground)
        if number % columns == 1 or columns == 1:
            axes.set_ylabel(_LABELS[content.quantity], fontsize=8, color=foreground)
    _legend(figure, foreground)
    return rows


def _places(followed: Followed) -> dict[str, float]:
    """Return where each visit stands: by its day, else one after the other."""
    days = followed.days
    visits = followed.follow_up.visits
    if not days or len(visits) < 2:
        return {visit: float(place) for place, visit in enumerate(visits)}
    first, last = days[visits[0]], days[visits[-1]]
    if last <= first:
        return {visit: float(place) for place, visit in enumerate(visits)}
    scale = (len(visits) - 1) / (last - first).days
    return {visit: (days[visit] - first).days * scale for visit in visits}


def _draw_muscle(
    axes: Axes,
    courses: list[MuscleCourse],
    content: FollowContent,
    places: dict[str, float],
) -> None:
    _draw_band(axes, courses, content.quantity, places)
    tops = [_top(course, content.quantity) for course in courses]
    if not any(map(math.isfinite, tops)):
        words = "no Z-score" if content.quantity == "z" else "no value"
        axes.set_yticks([])
        axes.text(
            0.5, 0.5, words, transform=axes.transAxes, ha="center", fontsize=8,
            color="#909090",
        )  # fmt: skip
    for course, top in zip(courses, tops, strict=True):
        right = course.side == "right"
        shift = (_APART if right else -_APART) if len(courses) > 1 else 0.0
        # The words of the upper line stand above it, those of the lower one below.
        up = len(courses) == 1 or top == max(tops)
        _draw_course(
            axes, course, content, places, (shift, 1 if up else -1),
            colour_of(int(right)),
        )  # fmt: skip


def _draw_band(
    axes: Axes,
    courses: list[MuscleCourse],
    quantity: Quantity,
    places: dict[str, float],
) -> None:
    """Shade where 95 % of healthy people are, at each visit."""
    ends: dict[float, tuple[float, float]] = {}
    for course in courses:
        for visit in course.visits:
            band = _band(visit, quantity)
            if band is not None:
                ends.setdefault(places[visit.visit], band)
    if not ends:
        return
    x = sorted(ends)
    low, high = ([ends[place][k] for place in x] for k in (0, 1))
    # Up to the edges, so that a single visit has a band as well.
    x = [min(places.values()) - 1, *x, max(places.values()) + 1]
    low, high = [low[0], *low, low[-1]], [high[0], *high, high[-1]]
    axes.fill_between(x, low, high, color=_HEALTHY, alpha=0.22, lw=0, zorder=0)


def _band(visit: VisitValue, quantity: Quantity) -> tuple[float, float] | None:
    score = visit.examined.score
    if score is None or not all(map(math.isfinite, score.interval)):
        return None
    low, high = score.interval
    if quantity == "z":
        # Of a skewed distribution the limits are not so many SD away.
        if score.kind != "linear":
            return -1.96, 1.96
        return (low - score.predicted) / score.sd, (high - score.predicted) / score.sd
    # The value is of another device than the interval.
    return None if score.conversion else (low, high)


def _draw_course(
    axes: Axes,
    course: MuscleCourse,
    content: FollowContent,
    places: dict[str, float],
    shift_and_word: tuple[float, int],
    colour: str,
) -> None:
    shift, word = shift_and_word
    points = [
        (places[visit.visit] + shift, _height(visit, content.quantity), visit)
        for visit in course.visits
    ]
    points = [point for point in points if math.isfinite(point[1])]
    if not points:
        return
    axes.plot(
        [x for x, _, _ in points], [y for _, y, _ in points], color=colour, lw=1.2,
        zorder=2,
    )  # fmt: skip
    for x, y, visit in points:
        change = visit.first if content.first else visit.previous
        whisker = _whisker(visit, content)
        if whisker:
            axes.errorbar(x, y, yerr=whisker, color=colour, lw=1.0, capsize=3, zorder=2)
        changed = change is not None and change.changed is True
        mark = _MARKS[course.side]
        if changed and change is not None:
            up = change.difference > 0
            mark = "^" if up else "v"
            axes.annotate(
                "changed", (x, y + word * whisker), xytext=(0, 3 * word),
                textcoords="offset points", ha="center",
                va="bottom" if word > 0 else "top", fontsize=6.5, color=colour,
                zorder=4,
            )  # fmt: skip
        axes.plot(
            [x], [y], marker=mark, color=colour, markersize=8 if changed else 4.5,
            zorder=3,
        )  # fmt: skip


def _top(course: MuscleCourse, quantity: Quantity) -> float:
    """Return the mean height of a course; minus infinity where it has none."""
    heights = [_height(visit, quantity) for visit in course.visits]
    known = [height for height in heights if math.isfinite(height)]
    return sum(known) / len(known) if known else -math.inf


def _height(visit: VisitValue, quantity: Quantity) -> float:
    examined = visit.examined
    return examined.z if quantity == "z" else examined.measured.value


def _whisker(visit: VisitValue, content: FollowContent) -> float:
    """Return half the length of the whisker: MDC95, in the unit of the height."""
    change = visit.first if content.first else visit.previous
    if change is None or math.isnan(change.mdc95):
        return 0.0
    if content.quantity == "ei":
        return change.mdc95
    score = visit.examined.score
    if score is None or score.conversion or score.kind != "linear":
        return 0.0
    return change.mdc95 / score.sd


def _label(
    axes: Axes,
    muscle: str,
    followed: Followed,
    places: dict[str, float],
    foreground: str,
) -> None:
    axes.set_title(plain(muscle), fontsize=8.5, color=foreground, loc="left")
    names = [_short(visit) for visit in followed.follow_up.visits]
    axes.set_xticks([places[v] for v in followed.follow_up.visits], names)
    # Room for the word beside a mark at either end.
    axes.set_xlim(min(places.values()) - 0.4, max(places.values()) + 0.4)
    # And above and below it.
    axes.margins(y=0.16)
    style_axes(axes, foreground)
    axes.tick_params(labelsize=7)


def _short(visit: str) -> str:
    text = visit or "–"
    cut = text if len(text) <= _MOST_LETTERS else f"{text[: _MOST_LETTERS - 1]}…"
    return plain(cut)


def plain(text: str) -> str:
    """Return a text in which matplotlib sees no formula."""
    return text.replace("$", r"\$")


def _legend(figure: Figure, foreground: str) -> None:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    grey = "#909090"
    handles: list[Any] = [
        Line2D([], [], color=colour_of(0), marker=_MARKS["left"], ms=4.5, label="left"),
        Line2D(
            [], [], color=colour_of(1), marker=_MARKS["right"], ms=4.5, label="right"
        ),
        Patch(color=_HEALTHY, alpha=0.3, label="95 % of healthy"),
        Line2D([], [], color=grey, marker="_", ls=":", label="± MDC95"),
        Line2D([], [], color=grey, marker="^", ls="", ms=7, label="changed (or ▼)"),
    ]
    figure.legend(
        handles=handles, loc="outside upper center", ncols=3, fontsize=7,
        frameon=False, labelcolor=foreground, handlelength=1.4, columnspacing=1.2,
    )  # fmt: skip
