"""Echo intensity or Z-score of each muscle over the visits, on screen and paper."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from matplotlib.figure import Figure
from qtpy.QtCore import QSize

from napari_muscle_us._napari.panels._exam_plots import SheetCanvas, save_figure
from napari_muscle_us._napari.panels._follow_draw import (
    FollowContent,
    Quantity,
    draw_follow_up,
    plain,
)

if TYPE_CHECKING:
    from napari_muscle_us._napari.panels._follow_work import Followed

_ROW_PX: Final = 172
_LEGEND_PX: Final = 44


class FollowPlot(SheetCanvas):
    """A small plot for each muscle, left and right in one."""

    def __init__(self) -> None:
        super().__init__()
        self._content = FollowContent()

    def set_value(self, shown: tuple[Followed | None, Quantity, bool]) -> None:
        """Draw a follow-up: its parts are those of `FollowContent`."""
        self._content = FollowContent(*shown)
        self.redraw()

    def redraw(self) -> None:
        """Draw all anew."""
        self.figure.clear()
        rows = draw_follow_up(self.figure, self._content, self.foreground)
        self.setMinimumHeight(_LEGEND_PX + _ROW_PX * max(rows, 1))
        self.draw_idle()

    def sizeHint(self) -> QSize:
        """Return a size that suits a dock."""
        return QSize(400, self.minimumHeight())


def save_follow_up(content: FollowContent, path: str) -> None:
    """Write the plots for paper as PNG, PDF or SVG, never half.

    Raises
    ------
    ResultsError
        If the suffix is another one, or the folder cannot be written to.
    """
    followed = content.followed
    muscles = (
        {course.muscle for course in followed.follow_up.courses} if followed else set()
    )
    rows = math.ceil(max(len(muscles), 1) / 2)
    figure = Figure(figsize=(6.5, 0.9 + 1.9 * rows), layout="constrained")
    draw_follow_up(figure, content, "black")
    if followed is not None:
        reference = followed.follow_up.examinations[0].reference.name
        known = (followed.follow_up.subject_code, reference)
        figure.suptitle(plain(" · ".join(filter(None, known))), fontsize=9)
    save_figure(figure, path)
