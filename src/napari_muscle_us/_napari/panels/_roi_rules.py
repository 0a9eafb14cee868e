"""The field's rules as options, and what they and the speckle say of an ROI."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from napari_muscle_us._napari import _roi_edits
from napari_muscle_us._napari._fascia_layer import FasciaLayer
from napari_muscle_us._napari._frame_facts import facts_of, look_at
from napari_muscle_us._napari._workers import run_aside
from napari_muscle_us._napari.panels._roi_rule_fields import RuleFields
from napari_muscle_us._napari.panels._widgets import MessageLabel, report, widget_row
from napari_muscle_us.errors import MuscleUSError
from napari_muscle_us.roi.rules import RoiRules

if TYPE_CHECKING:
    from qtpy.QtGui import QShowEvent

    from napari_muscle_us._napari._frame_facts import RegionFindings
    from napari_muscle_us._napari._session import Session

_SETTLE_MS: Final = 200
"""So long nothing must change before regions are looked at; never in a drag."""

_MOST: Final = 4
"""Regions whose findings are shown."""

_RULE_TIP: Final = (
    "A rule that you follow, ticked above, and that this ROI breaks. The result says "
    "so too. Redraw the ROI, or keep it if you have a reason."
)
_ERROR_TIP: Final = (
    "How much the echo intensity would vary if the same tissue were imaged again with "
    "other speckle. Neighbouring pixels of speckle are alike, so an ROI holds far "
    "fewer independent ones than pixels. How patients, probe positions and readers "
    "differ is not in it."
)
_WHERE_TIP: Final = (
    "Tints the bright pixels at the border of the ROI that look like fascia. The tint "
    "is neither measured nor saved."
)

Line = tuple[str, bool, str]
"""What is said, whether it is a warning, and what it means."""


class RulesBox(QWidget):
    """Sets the session's rules; says which the chosen regions break, and their SE."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._fields = RuleFields()
        self._where = QCheckBox("Show where bright fascia lies")
        self._where.setToolTip(_WHERE_TIP)
        self._fascia = FasciaLayer()
        self._findings = QWidget()
        self._labels: list[MessageLabel] = []
        self._worker: Any = None
        self._again = False
        self._rest = 0
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SETTLE_MS)
        self._timer.timeout.connect(self.refresh)
        self._lay_out()
        self._connect()
        self._on_options()

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._fields)
        layout.addWidget(widget_row(self._where))
        inner = QVBoxLayout(self._findings)
        inner.setContentsMargins(0, 4, 0, 0)
        inner.setSpacing(3)
        layout.addWidget(self._findings)

    def _connect(self) -> None:
        session = self._session
        self._fields.changed.connect(self._on_fields)
        self._fields.clip_wanted.connect(self.clip)
        self._fields.box_wanted.connect(self.place)
        self._where.toggled.connect(self._on_where)
        session.options_changed.connect(self._on_options)
        for signal in (
            session.layers_changed,
            session.rois_changed,
            session.selection_changed,
            session.frame_changed,
        ):
            signal.connect(self.refresh_soon)

    def value(self) -> RoiRules:
        """Return the rules that hold."""
        return self._session.options.rules or RoiRules()

    def lines(self) -> list[str]:
        """Return what is said of the chosen regions."""
        return [label.text() for label in self._labels if label.text()]

    def clip(self) -> None:
        """Cut the selected regions to the inner part of the field."""
        share = self._fields.share
        report(lambda: _roi_edits.clip_lateral(self._session, share))

    def place(self) -> None:
        """Add a box of the fixed size in the middle of the view, or of the picture."""
        report(self._place)

    def _place(self) -> None:
        from napari_muscle_us.roi.edit import fixed_box

        image = self._session.image()
        size = self._fields.box_mm
        box = fixed_box((0.0, 0.0), size_mm=size, spacing_mm=image.spacing_mm)
        top, bottom, left, right = facts_of(image).field.bounds
        row, column = self._centre()
        middle = (np.array(image.frame_shape) - 1) / 2
        if np.hypot(*(middle - (row, column))) < 1:
            # The view is as napari set it, on the image with its dark margins.
            row, column = (top + bottom - 1) / 2, (left + right - 1) / 2
        row = _inside(row, box.height, top, bottom)
        column = _inside(column, box.width, left, right)
        box = fixed_box((row, column), size_mm=size, spacing_mm=image.spacing_mm)
        _roi_edits.add(self._session, [box], "placing a box")

    def _centre(self) -> tuple[float, float]:
        """Return the pixel in the middle of the view."""
        viewer = self._session.viewer
        layer: Any = self._session.image_layer
        point = list(viewer.dims.point)
        point[-2:] = viewer.scene.camera.center[-2:]
        row, column = layer.world_to_data(point)[-2:]
        return float(row), float(column)

    def refresh_soon(self, *_: object) -> None:
        """Look again once nothing has changed for a moment."""
        if not (self.isVisible() or self._where.isChecked()):
            return
        if not self._timer.isActive():
            # What was found is of the outline as it was.
            self._findings.setEnabled(False)
            self._fascia.mark([])
        self._timer.start()

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with what happened while the box was hidden."""
        super().showEvent(event)
        self.refresh_soon()

    def refresh(self) -> None:
        """Look at the chosen regions, apart from the window."""
        if self._worker is not None:
            self._again = True
            return
        self._keep_marks_in_place()
        regions = [r for r in self._session.chosen_regions() if r.window is not None]
        try:
            image = self._session.image()
        except MuscleUSError as error:
            self._say([(str(error), False, "")])
            return
        if not regions:
            self._fascia.mark([])
            self._say([("Draw an ROI to see how good it is.", False, "")])
            return
        self._rest = len(regions) - _MOST
        self._worker = run_aside(
            look_at,
            image,
            regions[:_MOST],
            self.value(),
            fascia=self._where.isChecked(),
            then=self._on_found,
            after=self._on_finished,
            parent=self,
        )

    def _on_found(self, findings: list[RegionFindings]) -> None:
        # Something changed meanwhile, so this is not what is on the screen.
        if self._again or self._timer.isActive():
            return
        self._fascia.mark(findings)
        lines = [line for found in findings for line in lines_of(found, self.value())]
        if self._rest > 0:
            more = f"{self._rest} more ROIs are not shown; select the one you want."
            lines.append((more, False, ""))
        self._say(lines)

    def _on_finished(self) -> None:
        self._worker = None
        if self._again:
            self._again = False
            self.refresh()

    def _say(self, lines: list[Line]) -> None:
        while len(self._labels) < len(lines):
            label = MessageLabel()
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._labels.append(label)
            self._findings.layout().addWidget(label)
        for number, label in enumerate(self._labels):
            text, warning, tip = lines[number] if number < len(lines) else ("", 0, "")
            label.show_message(text, warning=bool(warning))
            # Qt wraps tooltips of rich text only.
            label.setToolTip(f"<p>{tip}</p>" if tip else "")
        self._findings.setEnabled(True)

    def _on_fields(self) -> None:
        rules = self._fields.value()
        self._session.set_options(rules=rules if rules.active else None)

    def _on_options(self) -> None:
        self._fields.setValue(self.value())
        self.refresh_soon()

    def _on_where(self, checked: bool) -> None:
        layer = self._session.image_layer
        if checked and layer is not None:
            self._fascia.show(self._session.viewer, layer)
        elif self._session.is_open:
            self._fascia.remove(self._session.viewer)
        self.refresh_soon()

    def _keep_marks_in_place(self) -> None:
        """Move the marks to another image; forget them when the user deleted them."""
        if not self._where.isChecked():
            return
        viewer, layer = self._session.viewer, self._session.image_layer
        if layer is None or not (
            self._fascia.layer is None or self._fascia.is_shown(viewer)
        ):
            self._where.setChecked(False)
        elif not self._fascia.fits(layer):
            self._fascia.show(viewer, layer)


def _inside(centre: float, size: float, start: int, stop: int) -> float:
    """Return the centre of a box moved into a picture, or its middle."""
    if size >= stop - start:
        return (start + stop - 1) / 2
    half = size / 2
    return min(max(centre, start - 0.5 + half), stop - 0.5 - half)


def lines_of(found: RegionFindings, rules: RoiRules) -> list[Line]:
    """Return what is said of a region: echo intensity first, then what is amiss."""
    if found.problem:
        return [(found.problem, True, "")]
    lines: list[Line] = [(f"{found.name}: {_mean_text(found)}", False, _ERROR_TIP)]
    lines += [(_sentence(text), True, _RULE_TIP) for text in found.broken]
    if rules.active and not found.broken:
        lines.append(("No broken rule was found.", False, ""))
    for flag in found.flags:
        warning = flag.level == "warning"
        lines.append((_sentence(flag.sentence), warning, flag.explanation))
    return lines


def _mean_text(found: RegionFindings) -> str:
    from napari_muscle_us.measure.standard_error import relative_gain

    error = found.error
    if error is None or math.isnan(error.value):
        reason = "" if error is None else f": {error.reason}"
        return f"EI {found.mean:.1f}, without a standard error{reason}."
    twice = relative_gain(error.value, error.n)
    limit = f" {_sentence(error.reason)}" if error.reason else ""
    return (
        f"EI {found.mean:.1f} ± {_short(error.value)} (standard error, about "
        f"{error.n_effective:.0f} independent speckles); twice the area would give "
        f"± {_short(twice)}.{limit}"
    )


def _short(value: float) -> str:
    """Return a value with two digits that count, and one decimal at least."""
    return f"{value:.2f}" if value < 1 else f"{value:.1f}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""
