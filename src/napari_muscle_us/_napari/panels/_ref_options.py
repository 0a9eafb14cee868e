"""Second step of reference values: what is fitted, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from qtpy.QtCore import Signal
from qtpy.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QGridLayout,
    QLineEdit,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from napari_muscle_us._napari.panels._ref_muscles import MuscleList
from napari_muscle_us._napari.panels._ref_words import COVARIATE_LABELS
from napari_muscle_us._napari.panels._widgets import MessageLabel
from napari_muscle_us.errors import MuscleUSError, ReferenceSetError
from napari_muscle_us.reference.fitting.fit_types import FitOptions
from napari_muscle_us.reference.formula import MAX_POWER

if TYPE_CHECKING:
    import pandas as pd

    from napari_muscle_us._napari.panels._ref_work import People

_KINDS: Final = (
    ("Linear model", "linear", "Straight or curved along the covariates; the usual."),
    (
        "LMS curve",
        "lms",
        "Level, spread and skewness change along age; for skewed values.",
    ),
    ("Quantiles", "quantiles", "No assumption on the shape; needs most subjects."),
)
_RULES: Final = (
    (
        "Cross-validated error",
        "cv",
        "The simplest formula whose error in new people is within one standard error "
        "of the smallest.",
    ),
    ("AICc", "aicc", "Smallest corrected Akaike criterion."),
    ("All that is ticked", "all", "Each ticked covariate once, nothing is chosen."),
    ("My own formula", "own", "Type it below; nothing is chosen."),
)
_REPEATED: Final = (
    ("Mixed model (both sides)", "mixed", "Sides of a person belong together."),
    ("Mean of a person", "mean", "One value a person: the mean of the sides."),
    ("Left side only", "left", "One value a person."),
    ("Right side only", "right", "One value a person."),
)
_SCALES: Final = (
    ("As measured", "none", "Values as they are."),
    ("Logarithm", "log", "For values whose scatter grows with their level."),
    ("Box–Cox power", "box-cox", "The power that makes the residuals most normal."),
)
_SDS: Final = (
    (
        "Prediction SD",
        "prediction",
        "Of one more healthy person: scatter and uncertainty of the model.",
    ),
    (
        "Plain SD, for comparing with published work",
        "residual",
        "Leaves the uncertainty of the model out, so that Z is too large with few "
        "controls.",
    ),
)
_NEEDS: Final = {
    "age_years": ("age_years",),
    "sex_male": ("sex",),
    "height_cm": ("height_cm",),
    "weight_kg": ("weight_kg",),
    "bmi": ("height_cm", "weight_kg"),
    "side_right": ("side",),
    "side_nondominant": ("side", "handedness"),
}
_AT_FIRST: Final = FitOptions().candidates
_ALONG_AGE: Final = ("age_years", "sex_male")
"""What a curve along age uses."""

_SEARCHED: Final = ("cv", "aicc")


class OptionsStep(QWidget):
    """Edits what is fitted; refuses at once what cannot be."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.muscles = MuscleList()
        self._candidates = {name: _box(name) for name in COVARIATE_LABELS}
        self._waiting: set[str] = set()
        self._power = QSpinBox()
        self._power.setRange(1, MAX_POWER)
        self._power.setValue(FitOptions().max_power)
        self._power.setToolTip("2 lets age² enter, and so on; always with age itself.")
        self._products = QCheckBox("with interactions")
        self._products.setToolTip("Lets products such as sex × height enter.")
        self._kind = _combo(_KINDS)
        self._rule = _combo(_RULES)
        self._formula = QLineEdit()
        self._formula.setPlaceholderText("1 + age_years + age_years^2 + sex_male")
        self._formula.setToolTip(
            "Terms joined by +: 1, age_years, sex_male, height_cm, weight_kg, bmi, "
            "side_right, side_nondominant; powers with ^, products with a colon."
        )
        self._repeated = _combo(_REPEATED)
        self._scale = _combo(_SCALES)
        self._sd = _combo(_SDS)
        self._message = MessageLabel()
        self._lay_out()
        self._connect()
        self._on_changed()

    def _lay_out(self) -> None:
        ticks = QWidget()
        grid = QGridLayout(ticks)
        grid.setContentsMargins(0, 0, 0, 0)
        for number, box in enumerate(self._candidates.values()):
            grid.addWidget(box, *divmod(number, 4))
        powers = QWidget()
        row = QGridLayout(powers)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._power, 0, 0)
        row.addWidget(self._products, 0, 1)
        row.setColumnStretch(1, 1)
        form = QFormLayout()
        form.addRow("Muscles", self.muscles)
        form.addRow("Kind", self._kind)
        form.addRow("Chosen by", self._rule)
        form.addRow("Candidates", ticks)
        form.addRow("Highest power", powers)
        form.addRow("Formula", self._formula)
        form.addRow("Both sides", self._repeated)
        form.addRow("Scale", self._scale)
        form.addRow("Z divides by", self._sd)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._form = form
        layout = QVBoxLayout(self)
        layout.addLayout(form)
        layout.addWidget(self._message)
        layout.addStretch()

    def _connect(self) -> None:
        for box in (*self._candidates.values(), self._products):
            box.toggled.connect(self._on_changed)
        for combo in (self._rule, self._repeated, self._scale, self._sd):
            combo.currentIndexChanged.connect(self._on_changed)
        self._kind.currentIndexChanged.connect(self._on_kind)
        self._power.valueChanged.connect(self._on_changed)
        self._formula.textChanged.connect(self._on_changed)
        self.muscles.changed.connect(self._on_changed)

    def set_people(self, people: People) -> None:
        """Offer the muscles of a table, and the covariates that it holds."""
        rows = people.of_measure()
        for name, box in self._candidates.items():
            known = all(_is_known(rows, column) for column in _NEEDS[name])
            box.setEnabled(known)
            box.setToolTip(_box_tip(name, known=known))
            if known and name in self._waiting:
                self._waiting.remove(name)
                box.setChecked(True)
            elif not known and box.isChecked():
                self._waiting.add(name)
                box.setChecked(False)
        self.muscles.set_rows(rows)

    def choose(self, **chosen: str) -> None:
        """Choose entries of the lists by what they mean, such as ``kind="lms"``."""
        for name, value in chosen.items():
            combo: QComboBox = getattr(self, f"_{name}")
            combo.setCurrentIndex(combo.findData(value))

    def value(self) -> FitOptions:
        """Return the options.

        Raises
        ------
        ReferenceSetError
            If the formula is none, or the choices do not go together.
        """
        from napari_muscle_us.reference.fitting.controls import check_options

        rule = str(self._rule.currentData())
        own = rule == "own" and self._kind.currentData() != "lms"
        options = FitOptions(
            candidates=tuple(
                name for name, box in self._candidates.items() if box.isChecked()
            ),
            max_power=self._power.value(),
            interactions=self._products.isChecked(),
            selection="none" if rule in ("all", "own") else self._rule.currentData(),
            formula=self._formula.text().strip() if own else None,
            repeated=self._repeated.currentData(),
            scale=self._scale.currentData(),
            sd=self._sd.currentData(),
            kind=self._kind.currentData(),
        )
        if own and not options.formula:
            raise ReferenceSetError(
                "Type a formula, such as 1 + age_years + age_years^2."
            )
        check_options(options)
        if not self.muscles.value():
            raise ReferenceSetError("Tick at least one muscle.")
        return options

    def problem(self) -> str:
        """Return why nothing can be fitted, in a sentence; else empty."""
        try:
            self.value()
        except MuscleUSError as error:
            return str(error)
        return ""

    def _on_kind(self, *_: object) -> None:
        if self._kind.currentData() != "linear":
            # Other kinds need one value a person and work on the values as they are.
            self.choose(scale="none", sd="prediction")
            if self._repeated.currentData() == "mixed":
                self.choose(repeated="mean")
        self._on_changed()

    def _on_changed(self, *_: object) -> None:
        linear = self._kind.currentData() == "linear"
        curve = self._kind.currentData() == "lms"
        rule = str(self._rule.currentData())
        self._form.setRowVisible(self._rule, not curve)
        self._form.setRowVisible(
            self._power.parentWidget(), not curve and rule in _SEARCHED
        )
        self._form.setRowVisible(self._formula, not curve and rule == "own")
        ticks = self._candidates["bmi"].parentWidget()
        self._form.setRowVisible(ticks, curve or rule != "own")
        for name, box in self._candidates.items():
            box.setVisible(not curve or name in _ALONG_AGE)
        for combo in (self._scale, self._sd):
            self._form.setRowVisible(combo, linear)
        problem = self.problem()
        note = "" if problem else self._note()
        self._message.show_message(problem or note, warning=bool(problem))
        self.changed.emit()

    def _note(self) -> str:
        """Return what to know of the choices."""
        if self._kind.currentData() == "lms":
            return "The curve runs along age, of each sex where Sex is ticked."
        return ""


def _box(name: str) -> QCheckBox:
    box = QCheckBox(COVARIATE_LABELS[name])
    box.setChecked(name in _AT_FIRST)
    return box


def _box_tip(name: str, *, known: bool) -> str:
    if not known:
        return "The table does not tell it."
    if name == "side_nondominant":
        return "Whether the side is that of the hand not written with."
    return "May enter the formula."


def _is_known(rows: pd.DataFrame, column: str) -> bool:
    return bool((rows[column].notna() & (rows[column] != "")).any())


def _combo(entries: tuple[tuple[str, str, str], ...]) -> QComboBox:
    from qtpy.QtCore import Qt

    combo = QComboBox()
    for row, (text, value, tip) in enumerate(entries):
        combo.addItem(text, value)
        combo.setItemData(row, tip, Qt.ItemDataRole.ToolTipRole)
    combo.setToolTip("\n".join(f"{text}: {tip}" for text, _, tip in entries))
    combo.setSizeAdjustPolicy(
        QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
    )
    combo.setMinimumContentsLength(14)
    return combo
