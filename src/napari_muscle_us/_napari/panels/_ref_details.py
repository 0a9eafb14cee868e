"""All that speaks for and against the model of one muscle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qtpy.QtCore import QSignalBlocker, Qt
from qtpy.QtWidgets import (
    QComboBox,
    QLabel,
    QScrollArea,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from napari_muscle_us._napari.panels import _ref_words as words
from napari_muscle_us._napari.panels._plot import PlotHolder
from napari_muscle_us._napari.panels._ref_work import plot_titles
from napari_muscle_us.reference.fitting.selection import SELECTION_WORDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from napari_muscle_us.reference.fitting.fit_plots import FitNumbers
    from napari_muscle_us.reference.fitting.fit_types import MuscleFit

_MOST_FORMULAS: Final = 25
_ABOUT: Final = {
    "normality": "Are residuals normal?",
    "skewness": "Are they symmetric?",
    "heteroscedasticity": "Is the scatter the same everywhere?",
    "linearity": "Is the form right?",
}


class FitDetails(QTabWidget):
    """Shows plots, tests, formulas, subjects and limits of one muscle."""

    def __init__(self) -> None:
        super().__init__()
        self._fit: MuscleFit | None = None
        self._numbers: Mapping[MuscleFit, FitNumbers] = {}
        self._which = QComboBox()
        self._which.setToolTip("Which plot to show.")
        self._plot = PlotHolder["tuple[FitNumbers, str] | None"](_make_plot)
        plots = QWidget()
        layout = QVBoxLayout(plots)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.addWidget(self._which)
        layout.addWidget(self._plot, 1)
        self.addTab(plots, "Plots")
        self._pages: dict[str, QLabel] = {}
        self._written: set[str] = set()
        for title, tip in (
            ("Checks", "Tests of the residuals, each in a sentence."),
            ("Formulas", "Formulas that were tried, best first."),
            ("Subjects", "Subjects that pull the model."),
            ("Limits", "How well the 95 % interval is known, and Z of the controls."),
        ):
            self._pages[title] = QLabel()
            index = self.addTab(_text_page(self._pages[title]), title)
            self.setTabToolTip(index, tip)
        self._which.currentIndexChanged.connect(self._draw)
        self.currentChanged.connect(self._show_page)

    def value(self) -> MuscleFit | None:
        """Return the fit that is shown."""
        return self._fit

    def set_numbers(self, numbers: Mapping[MuscleFit, FitNumbers]) -> None:
        """Take the numbers of the plots of all muscles that may be shown."""
        self._numbers = numbers

    def set_fit(self, fit: MuscleFit | None) -> None:
        """Show another muscle of those with numbers; nothing for none."""
        self._fit = fit
        self._written.clear()
        self.setVisible(fit is not None)
        if fit is None:
            return
        self._offer_plots(self._numbers[fit])
        self._draw()
        self._show_page()

    def set_foreground(self, colour: str) -> None:
        """Use another text colour for the plot."""
        self._plot.set_foreground(colour)

    def page(self, title: str) -> str:
        """Return the text of a page, as HTML."""
        self._write(title)
        return str(self._pages[title].text())

    def _show_page(self, *_: object) -> None:
        title = self.tabText(self.currentIndex())
        if title in self._pages:
            self._write(title)

    def _write(self, title: str) -> None:
        """Fill a page, once for each muscle, when somebody looks at it."""
        if self._fit is not None and title not in self._written:
            self._written.add(title)
            self._pages[title].setText(_PAGES[title](self._fit))

    def _offer_plots(self, numbers: FitNumbers) -> None:
        """Offer the plots of a fit; the one in hand stays where it can."""
        current = self._which.currentData()
        titles = plot_titles(numbers)
        offered = [self._which.itemData(k) for k in range(self._which.count())]
        if offered == list(titles):
            return
        with QSignalBlocker(self._which):
            self._which.clear()
            for key, title in titles.items():
                self._which.addItem(title, key)
            self._which.setCurrentIndex(max(self._which.findData(current), 0))

    def _draw(self, *_: object) -> None:
        key = self._which.currentData()
        fit = self._fit
        self._plot.set_value(None if fit is None else (self._numbers[fit], str(key)))


def _text_page(label: QLabel) -> QScrollArea:
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.RichText)
    label.setAlignment(Qt.AlignmentFlag.AlignTop)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setMargin(4)
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    area.setWidget(label)
    return area


def _make_plot() -> QWidget:
    from napari_muscle_us._napari.panels._ref_plot import FitPlot

    return FitPlot()


def _checks(fit: MuscleFit) -> str:
    parts = []
    for about, question in _ABOUT.items():
        rows = [
            ("✓" if test.passed else "⚠", f"{test.words} {test.name}.")
            for test in fit.diagnostics.tests
            if test.about == about
        ]
        if rows:
            parts.append(f"<p><b>{question}</b></p>{words.as_rows(rows)}")
    return "".join(parts) or words.as_paragraphs(["Nothing was tested."])


def _formulas(fit: MuscleFit) -> str:
    options = fit.options
    parts = [words.as_paragraphs([words.model_words(fit)])]
    if not fit.candidates:
        return parts[0] + words.as_paragraphs(
            ["Nothing was chosen: the formula is the user's own."]
            if options.kind != "lms"
            else []
        )
    score = "AICc" if options.selection == "aicc" else f"Error ({fit.model.unit})"
    rule = SELECTION_WORDS[options.selection]
    parts.append(words.as_paragraphs([f"Rule: {rule}."]))
    # The one chosen may be far from the smallest error, but is always shown.
    shown = [
        (place, c)
        for place, c in enumerate(fit.candidates, 1)
        if place <= _MOST_FORMULAS or c.chosen
    ]
    rows = [
        (
            "✓" if c.chosen else "",
            str(place),
            words.formula_words(c.formula),
            words.number(c.score, 3),
            c.note,
        )
        for place, c in shown
    ]
    parts.append(words.as_rows(rows, head=("", "", "Formula", score, "")))
    more = len(fit.candidates) - len(shown)
    if more:
        parts.append(words.as_paragraphs([f"{more} more with larger errors."]))
    return "".join(parts)


def _subjects(fit: MuscleFit) -> str:
    people = fit.diagnostics.influential
    if not people:
        return words.as_paragraphs(["No subject pulls the model."])
    rows = [
        (one.subject, words.signed(one.studentised, 1), one.words) for one in people
    ]
    return words.as_rows(rows, head=("Subject", "Residual", "What is striking"))


def _limits(fit: MuscleFit) -> str:
    bands = [
        (
            "✓" if band.passed else "⚠",
            f"{band.low:g}–{band.high:g}",
            str(band.n),
            words.signed(band.mean),
            words.number(band.sd),
        )
        for band in fit.left_out.bands
    ]
    texts = [fit.limit_error.words, fit.left_out.words, *fit.warnings]
    table = words.as_rows(bands, head=("", "Age", "n", "Mean Z", "SD of Z"))
    return words.as_paragraphs(texts) + (table if bands else "")


_PAGES: Final[dict[str, Callable[[MuscleFit], str]]] = {
    "Checks": _checks,
    "Formulas": _formulas,
    "Subjects": _subjects,
    "Limits": _limits,
}
