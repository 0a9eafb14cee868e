"""A time course to look at: its plot, and its extremes as buttons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from napari_muscle_us._napari.panels._course_work import extreme_text
from napari_muscle_us._napari.panels._plot import PlotHolder
from napari_muscle_us._napari.panels._widgets import widget_row

if TYPE_CHECKING:
    from napari_muscle_us.measure.time_course import TimeCourse


@dataclass(frozen=True, slots=True)
class ShownCourse:
    """What the plot shows.

    Attributes
    ----------
    course : TimeCourse or None
        Values; ``None`` for an empty plot.
    title : str
        Region and clip that they are of.
    outdated : bool
        Whether the region or the clip is another one by now.
    frame : int
        Frame that is shown in the viewer.
    with_sd : bool
        Whether a band of one SD on either side is drawn.
    """

    course: TimeCourse | None = None
    title: str = ""
    outdated: bool = False
    frame: int = 0
    with_sd: bool = False


class CourseView(QWidget):
    """Shows a time course and tells which frame the user wants to see."""

    frame_chosen = Signal(int)
    band_toggled = Signal()

    def __init__(self) -> None:
        super().__init__()
        # Else napari puts empty space below a panel that is docked by itself.
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Expanding)
        self._shown = ShownCourse()
        self._plot = PlotHolder[ShownCourse](self._make_plot)
        self._plot.setToolTip("Click to show that frame in the image.")
        self._band = QCheckBox("Mean ± SD")
        self._band.setToolTip("Show one SD of the gray levels on either side.")
        self._lowest, self._highest = QPushButton(), QPushButton()
        self._lowest.setToolTip("Show the frame with the lowest EI.")
        self._highest.setToolTip("Show the frame with the highest EI.")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._plot, 1)
        layout.addWidget(self._band)
        layout.addWidget(widget_row(self._lowest, self._highest))
        self._lowest.clicked.connect(self._on_lowest)
        self._highest.clicked.connect(self._on_highest)
        self._band.toggled.connect(self.band_toggled)
        self.set_value(self._shown)

    @property
    def with_sd(self) -> bool:
        """Whether the band of one SD is wanted."""
        return self._band.isChecked()

    def value(self) -> ShownCourse:
        """Return what is shown."""
        return self._shown

    def set_value(self, shown: ShownCourse) -> None:
        """Show a time course."""
        self._shown = shown
        self._plot.set_value(shown)
        course = self._current()
        self._lowest.setText(extreme_text("Lowest", course))
        self._highest.setText(extreme_text("Highest", course))
        for button in (self._lowest, self._highest):
            button.setEnabled(course is not None)

    def set_foreground(self, colour: str) -> None:
        """Use another text colour."""
        self._plot.set_foreground(colour)

    def save(self, path: str) -> None:
        """Write the plot as PNG or SVG."""
        self._plot.plot().save(path)

    def _make_plot(self) -> QWidget:
        # Imported late: matplotlib takes longer than all the rest.
        from napari_muscle_us._napari.panels._time_plot import TimePlot

        plot = TimePlot()
        plot.frame_clicked.connect(self.frame_chosen)
        return plot

    def _current(self) -> TimeCourse | None:
        return None if self._shown.outdated else self._shown.course

    def _on_lowest(self) -> None:
        course = self._current()
        if course is not None:
            self.frame_chosen.emit(course.min_frame)

    def _on_highest(self) -> None:
        course = self._current()
        if course is not None:
            self.frame_chosen.emit(course.max_frame)
