from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from qtpy.QtCore import QPoint, QPointF, Qt
from qtpy.QtGui import QWheelEvent
from qtpy.QtWidgets import QApplication
from scipy.integrate import trapezoid

from napari_muscle_us import load_reference
from napari_muscle_us._napari._layers import layer_data
from napari_muscle_us._napari.panels._widgets import PANEL_WIDTH
from napari_muscle_us._napari.panels.z_score import ZScorePanel
from napari_muscle_us.image import Device, UltrasoundImage
from napari_muscle_us.reference import own_sets
from napari_muscle_us.reference.conversion.conversion_file import write_conversion
from napari_muscle_us.reference.look_up import look_up
from napari_muscle_us.reference.rules import LOOKUP_RULES
from napari_muscle_us.reference.subject import Subject
from napari_muscle_us.reference.write import write_reference
from tests.core.test_look_up import (
    ALL_MODELS,
    CURVES,
    IMAGE,
    MEN,
    PERSON,
    SHARES,
    SIDED,
    SOURCE,
    conversion_to_b,
    reference_set,
)

from .conftest import square

DEFAULT = "radboud-esaote-6100-adult"


@pytest.fixture(autouse=True)
def own_folder(monkeypatch, tmp_path):
    """Put the user's folder of reference sets where a test can write."""
    monkeypatch.setattr(own_sets, "user_data_folder", lambda: tmp_path / "data")
    folder = tmp_path / "data" / "references"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def panel(viewer, rois, shown):
    return shown(ZScorePanel(viewer))


@pytest.fixture
def set_b(tmp_path):
    """Write a set of all kinds of models on device B; return its path."""
    path = tmp_path / "own-b.json"
    write_reference(path, reference_set(*ALL_MODELS))
    return str(path)


@pytest.fixture
def a_to_b(tmp_path):
    """Write a conversion y = 4 + 0.5 x, scatter 6, from device A; return its path."""
    path = tmp_path / "a-to-b.json"
    write_conversion(path, conversion_to_b())
    return str(path)


@pytest.fixture
def panel_with(viewer, session, shown):
    """Return a function that opens the panel on a muscle of a set, for `PERSON`."""

    def make(reference, muscle, level=70, device=IMAGE):
        show_constant(viewer, session, level, device)
        session.edit(0, muscle=muscle, side="left")
        session.set_subject(Subject(**PERSON), reference, accept_device=False)
        return shown(ZScorePanel(viewer))

    return make


def enter(panel, **values):
    """Type into the form as a user does."""
    for name, text in values.items():
        if name == "sex":
            panel._form._sex.setCurrentText(text)
        elif name == "handedness":
            panel._form._hand.setCurrentText(text)
        else:
            panel._form._fields[name].setText(text)


def gray_image(level: int, device: Device) -> UltrasoundImage:
    pixels = np.full((60, 60), level, np.uint8)
    return UltrasoundImage(pixels, name="x.dcm", digest="0" * 64, device=device)


def show_constant(viewer, session, level, device=None):
    data, attributes, _ = layer_data(gray_image(level, device or Device()))
    viewer.add_image(data, **attributes)
    layer = session.new_roi_layer()
    layer.add(square(9.5, 9.5, 20), shape_type="rectangle")
    session.edit(0, muscle="Biceps brachii")
    session.select([0])


def test_the_worked_example_of_the_reference_set(viewer, session, shown):
    """Man, 40 y, 180 cm, 80 kg, echo intensity 100: Z = 4.675922."""
    show_constant(viewer, session, 100, Device("ESAOTE", "6100"))
    panel = shown(ZScorePanel(viewer))
    enter(panel, age_years="40", sex="male", height_cm="180", weight_kg="80")
    score = panel.value()
    assert score.z == pytest.approx(4.675922, abs=1e-6)
    assert score.predicted == pytest.approx(66.832839, abs=1e-6)
    assert score.sd == pytest.approx(7.093181, abs=1e-6)
    assert "Z = +4.68" in panel._numbers.text("Z")
    assert panel._numbers.text("Predicted").startswith("66.83")
    assert panel._message.text() == ""


def test_a_missing_covariate_is_named(panel):
    assert panel.value() is None
    assert "needs the subject's age and weight" in panel._message.text()
    assert "no Z-score" in panel._numbers.text("Z")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"age_years": "-3"}, "Age -3 years is not possible"),
        ({"height_cm": "1.8"}, "enter 180"),
        ({"weight_kg": "eighty"}, "'eighty' is not a number"),
    ],
    ids=["negative age", "metres", "a word"],
)
def test_impossible_values_are_refused(panel, typed, words):
    enter(panel, age_years="40", weight_kg="80")
    assert panel.value() is not None
    enter(panel, **typed)
    assert panel.value() is None
    assert words in panel._message.text()


def test_a_decimal_comma_is_a_number(panel, session):
    enter(panel, weight_kg="80,5")
    assert session.subject.weight_kg == 80.5


def test_a_muscle_that_is_not_in_the_set(panel, session, qtbot):
    enter(panel, age_years="40", weight_kg="80")
    session.edit(0, muscle="Plantaris")
    qtbot.waitUntil(lambda: panel.value() is None)
    assert "'Plantaris' is not in the reference set" in panel._message.text()


def test_no_muscle_is_said(panel, session, qtbot):
    session.edit(0, muscle="")
    qtbot.waitUntil(lambda: "has no muscle" in panel._message.text())


def test_another_device_is_refused_until_the_user_answers_for_it(
    viewer, session, shown
):
    show_constant(viewer, session, 100, Device("Philips", "EPIQ 5G"))
    panel = shown(ZScorePanel(viewer))
    enter(panel, age_years="40", weight_kg="80")
    assert panel.value() is None
    assert "from Philips EPIQ 5G" in panel._message.text()
    assert panel._device.accept.isVisible()
    panel._device.accept.setChecked(True)
    assert panel.value().z == pytest.approx(4.675922, abs=1e-6)
    assert "accepted by the user" in panel._message.text()


def test_an_unknown_device_is_warned_of(panel):
    enter(panel, age_years="40", weight_kg="80")
    assert panel.value() is not None
    assert "device of the image is not known" in panel._message.text()


def test_it_follows_the_region(panel, rois, qtbot):
    enter(panel, age_years="40", weight_kg="80")
    before = panel.value().z
    rois.data = [rois.data[0] - np.array([60, 0], np.float32)]
    qtbot.waitUntil(lambda: panel.value().z != before)


def test_two_panels_agree(viewer, rois, shown, qtbot):
    first, second = shown(ZScorePanel(viewer)), shown(ZScorePanel(viewer))
    enter(first, age_years="40", weight_kg="80")
    assert second.value() == first.value()
    assert second._form.value() == Subject(age_years=40, weight_kg=80)


def test_a_broken_reference_file_is_said(panel, tmp_path, notes):
    path = tmp_path / "set.json"
    path.write_text("{}", encoding="utf-8")
    from napari_muscle_us._napari.panels._widgets import report

    assert not report(lambda: panel.use_reference(str(path)))
    assert "is not valid" in notes[0]
    assert panel._sets.value() == DEFAULT


def test_the_plot_shows_subject_and_prediction(panel, qtbot):
    enter(panel, age_years="40", weight_kg="80")
    panel._plot_now()
    (axes,) = panel._view.plot().figure.axes
    positions = {float(line.get_xdata()[0]) for line in axes.lines[1:]}
    assert positions == {panel.value().predicted, panel.value().echo_intensity}


# The person among healthy people


def drawn(panel, *, ages=False):
    """Return the axes of the plot as it is now."""
    panel._view.show_ages(wanted=ages)
    panel._plot_now()
    plot = panel._view.plot()
    assert plot.problem() == ""
    (axes,) = plot.figure.axes
    return axes


@pytest.mark.parametrize(
    ("muscle", "sd_name"),
    [
        ("Sided", "SD of prediction"),
        ("Logarithm", "SD of prediction"),
        ("Men", "SD of prediction"),
        ("Curves", "One unit of Z"),
        ("Shares", "One unit of Z"),
    ],
)
def test_every_kind_is_plotted_with_its_own_distribution(
    panel_with, set_b, muscle, sd_name
):
    panel = panel_with(set_b, muscle)
    reference = load_reference(set_b)
    values, density = drawn(panel).lines[0].get_data()
    middles = (density[1:] + density[:-1]) / 2 * np.diff(values)
    below = np.concatenate([[0], np.cumsum(middles)])
    low, median = len(values) // 4, len(values) // 2
    shares = [
        look_up(reference, muscle, v, Subject(**PERSON), side="left").percentile
        for v in values[[low, median]].tolist()
    ]
    expected = (shares[1] - shares[0]) / 100
    assert below[median] - below[low] == pytest.approx(expected, abs=3e-3)
    assert panel._numbers.name_of_sd() == sd_name
    assert panel.value().sd_label in panel._numbers._names["SD"].toolTip()


@pytest.mark.parametrize("muscle", ["Sided", "Logarithm", "Curves", "Shares"])
def test_along_age_each_line_is_the_look_up_at_that_age(panel_with, set_b, muscle):
    panel = panel_with(set_b, muscle)
    axes = drawn(panel, ages=True)
    reference = load_reference(set_b)
    compared = 0
    for line, z in zip(axes.lines, (0.0, -2.0, 2.0), strict=False):
        ages, values = line.get_data()
        for place in (5, 50):
            if np.isfinite(values[place]):
                person = Subject(**(PERSON | {"age_years": float(ages[place])}))
                told = look_up(
                    reference, muscle, float(values[place]), person, side="left"
                )
                assert told.z == pytest.approx(z, abs=1e-8)
                compared += 1
    # The quantiles of "Shares" end at 2.5 %, before Z −2.
    assert compared == (2 if muscle == "Shares" else 6)
    (dot,) = [line for line in axes.lines if line.get_marker() == "o"]
    assert dot.get_xydata().tolist() == [[40.0, 70.0]]


def test_ages_outside_the_sample_are_shaded(panel_with, set_b):
    axes = drawn(panel_with(set_b, "Sided"), ages=True)
    spans = [
        (patch.get_x(), patch.get_x() + patch.get_width()) for patch in axes.patches
    ]
    assert spans == [(80.0, 100.0)]
    assert axes.get_xlim() == (18.0, 100.0)


def test_an_unknown_age_is_a_line_not_a_dot(panel_with, set_b):
    panel = panel_with(set_b, "Men")
    enter(panel, age_years="")
    axes = drawn(panel, ages=True)
    assert not [line for line in axes.lines if line.get_marker() == "o"]
    assert axes.lines[-1].get_ydata() == [70.0, 70.0]
    assert "does not use age" in panel._view.caption()
    assert "age is not known" in panel._view.caption()


def test_a_set_without_a_range_of_age_says_so(panel_with, tmp_path):
    path = tmp_path / "ageless.json"
    write_reference(path, reference_set(MEN, limits={}))
    panel = panel_with(str(path), "Men")
    panel._view.show_ages(wanted=True)
    panel._plot_now()
    plot = panel._view.plot()
    assert "states no range of age_years" in plot.problem()
    assert plot.figure.axes == []
    assert len(drawn(panel).lines) == 3


def test_the_plot_waits_until_a_drag_rests(panel, rois, qtbot, monkeypatch):
    enter(panel, age_years="40", weight_kg="80")
    panel._plot_now()
    drawings = []
    monkeypatch.setattr(panel._view, "set_value", drawings.append)
    before = panel.value().z
    for step in range(4):
        rois.data = [rois.data[0] - np.array([10 * step, 0], np.float32)]
        panel.refresh()
    assert panel.value().z != before
    assert drawings == []
    qtbot.waitUntil(lambda: len(drawings) == 1)
    assert drawings[0].score == panel.value()


# What moved the prediction


def test_what_moved_the_prediction_adds_up(panel_with, set_b):
    panel = panel_with(set_b, "Sided")
    panel._moved_section._button.setChecked(True)
    panel._plot_now()
    score = panel.value()
    total = score.baseline + sum(one.change for one in score.contributions)
    assert total == pytest.approx(score.predicted, abs=1e-9)
    # 50 + 0.3 · 45 − 4 · 0.4 + 2 · 0.5 = 62.9, then each term on its own.
    assert panel._moved.rows() == [
        ("Age", "40 years", "45 years", "−1.50"),
        ("Sex", "male", "40 % male", "−2.40"),
        ("Dominance", "non-dominant", "half way", "+1.00"),
    ]
    assert "Baseline 62.90 → predicted 60.00 gray level" in panel._moved.text()
    assert panel._moved.bars() == pytest.approx([-1.5 / 2.4, -1, 1 / 2.4])
    for words in score.centre_basis.split("; "):
        assert words in panel._moved.text()


def test_terms_are_painted_only_when_the_section_is_open(panel_with, set_b):
    panel = panel_with(set_b, "Sided")
    panel._plot_now()
    assert panel._moved.rows() == []
    panel._moved_section._button.setChecked(True)
    assert len(panel._moved.rows()) == 3


def test_a_group_has_no_terms_and_says_why(panel_with, set_b, session):
    panel = panel_with(set_b, "Sided")
    panel._moved_section._button.setChecked(True)
    panel._plot_now()
    session.edit(0, muscle="Men")
    panel.refresh()
    panel._plot_now()
    assert panel.value().predicted == 60.0
    assert panel._moved.rows() == []
    assert "between which nobody is" in panel._moved.text()


# Handedness


def test_handedness_is_asked_for_where_a_model_needs_it(panel_with, set_b, session):
    panel = panel_with(set_b, "Sided")
    enter(panel, handedness="")
    assert panel.value() is None
    assert "needs the subject's handedness" in panel._message.text()
    predicted = {}
    for hand in ("right", "left"):
        enter(panel, handedness=hand)
        assert session.subject.handedness == hand
        predicted[hand] = panel.value().predicted
    assert predicted["right"] - predicted["left"] == pytest.approx(2.0)


def test_handedness_is_hidden_where_nothing_needs_it(panel, session):
    assert panel._form._hand.isHidden()
    session.set_subject(
        Subject(handedness="left"), session.reference, accept_device=False
    )
    assert not panel._form._hand.isHidden()
    assert panel._form.value() == Subject(handedness="left")


def test_the_wheel_scrolls_and_changes_nobodys_sex(panel):
    enter(panel, sex="female")
    for combo in (panel._form._sex, panel._form._hand, panel._sets._combo):
        before = combo.currentIndex()
        turn = QWheelEvent(
            QPointF(5, 5), QPointF(5, 5), QPoint(), QPoint(0, -120),
            Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(combo, turn)
        assert combo.currentIndex() == before
        assert not turn.isAccepted()


# Rules and the set in words


def test_the_rules_and_the_set_can_be_read_and_copied(panel_with, set_b, qtbot):
    panel = panel_with(set_b, "Sided")
    dialog = panel.rules_dialog()
    qtbot.addWidget(dialog)
    told = " ".join(dialog.text().split())
    for rule in LOOKUP_RULES:
        assert rule.words in told
    groups = [
        "No Z-score ",
        "No Z-score, unless you answer for it",
        "A Z-score with a warning",
        "About this set",
    ]
    places = [told.index(words) for words in groups]
    assert places == sorted(places)
    for rule in LOOKUP_RULES:
        group = {"refused": 0, "refused unless accepted": 1, "warning": 2}
        start = group[rule.severity]
        assert places[start] < told.index(rule.words) < places[start + 1]
    reference = load_reference(set_b)
    for words in (
        reference.citation,
        reference.licence,
        reference.population.description,
        "Maker B, B plus",
        "age: outside 18–80 years with a warning, outside 18–100 refused",
        "Curves: intensity.mean, lms, n = 200, by age_years",
    ):
        assert words in told
    flags = dialog._text.textInteractionFlags()
    assert flags & Qt.TextInteractionFlag.TextSelectableByMouse


def test_a_sets_own_text_is_text_not_markup(panel, tmp_path, qtbot):
    hostile = "<img src='file:///etc/passwd'> & <b>bold</b>"
    path = tmp_path / "hostile.json"
    write_reference(path, reference_set(SIDED, citation=hostile, protocol=hostile))
    panel.use_reference(str(path))
    dialog = panel.rules_dialog()
    qtbot.addWidget(dialog)
    assert dialog.text().count(hostile) == 2


# Another device


def test_a_conversion_carries_value_and_error(panel_with, set_b, a_to_b, session):
    panel = panel_with(set_b, "Sided", level=112, device=SOURCE)
    assert panel.value() is None
    assert panel._device.isVisible()
    panel.use_conversion(a_to_b)
    score = panel.value()
    # 4 + 0.5 · 112 = 60, which is the prediction; SD² grows by 0.5² · 6².
    x = np.array([1, 40, 1, 1.0])
    variance = 49 + x @ np.diag([0.5, 1e-4, 0.4, 0.3]) @ x
    assert (score.value, score.converted_from) == (60.0, 112.0)
    assert score.z == pytest.approx(0, abs=1e-12)
    assert score.sd == pytest.approx(np.sqrt(variance + 9), rel=1e-12)
    assert session.conversion == a_to_b
    assert panel._numbers.text("Echo intensity") == "112.00 gray level"
    assert panel._numbers.text("Carried over") == "60.00 gray level"
    assert "error of the conversion" in panel._numbers._names["SD"].toolTip()
    told = panel._device.conversion.text()
    for words in ("example", "0.5 × Maker A + 4", "20–140", "SD² = SD of the ref"):
        assert words in told
    assert "was carried over from Maker A to Maker B" in panel._message.text()
    panel._device.conversion.remove()
    assert panel.value() is None
    assert session.conversion == ""
    assert panel._numbers._values["Carried over"].isHidden()


def test_with_a_conversion_its_error_is_in_the_plots(panel_with, set_b, a_to_b):
    panel = panel_with(set_b, "Sided", level=112, device=SOURCE)
    panel.use_conversion(a_to_b)
    score = panel.value()
    values, density = drawn(panel).lines[0].get_data()
    inside = (values >= score.interval[0]) & (values <= score.interval[1])
    share = trapezoid(density[inside], values[inside])
    assert share == pytest.approx(0.95, abs=0.01)
    assert trapezoid(density, values) == pytest.approx(1, abs=2e-3)
    axes = drawn(panel, ages=True)
    for line, z in zip(axes.lines, (0, -2, 2), strict=False):
        at = np.interp(40.0, *line.get_data())
        assert at == pytest.approx(score.predicted + z * score.sd, abs=2e-3)


def test_an_answer_for_one_device_is_none_for_a_conversion(
    panel_with, set_b, a_to_b, session
):
    other = dataclasses.replace(SOURCE, model="C")
    panel = panel_with(set_b, "Sided", device=other)
    panel._device.accept.setChecked(True)
    assert panel.value() is not None
    panel.use_conversion(a_to_b)
    assert not session.accept_device
    assert panel.value() is None
    assert "the conversion example from Maker A" in panel._message.text()
    assert "conversion" in panel._device.accept.text()


@pytest.mark.parametrize(
    ("muscle", "level", "words"),
    [
        ("Curves", 100, "LMS curves, through which the error"),
        ("Shares", 100, "cannot be carried"),
        ("Sided", 150, "150"),
    ],
    ids=["curves", "quantiles", "outside the pairs"],
)
def test_what_cannot_be_carried_over_is_refused(
    panel_with, set_b, a_to_b, muscle, level, words
):
    panel = panel_with(set_b, muscle, level=level, device=SOURCE)
    panel.use_conversion(a_to_b)
    assert panel.value() is None
    assert words in panel._message.text()
    # The way out stays in sight.
    assert panel._device.conversion._remove.isVisible()


def test_a_conversion_is_refused_on_the_sets_own_device(panel_with, set_b, a_to_b):
    panel = panel_with(set_b, "Sided")
    assert not panel._device.isVisible()
    panel.use_conversion(a_to_b)
    assert panel.value() is None
    assert "leave the conversion example out" in panel._message.text()


def test_a_file_that_is_no_conversion_changes_nothing(
    panel_with, set_b, a_to_b, session, notes
):
    from napari_muscle_us._napari.panels._widgets import report

    panel = panel_with(set_b, "Sided", level=112, device=SOURCE)
    panel.use_conversion(a_to_b)
    before = panel.value()
    assert not report(lambda: panel.use_conversion(set_b))
    assert "is none: its format is not" in notes[0]
    assert (session.conversion, panel.value()) == (a_to_b, before)


def test_two_panels_agree_about_the_conversion(
    panel_with, set_b, a_to_b, viewer, shown
):
    first = panel_with(set_b, "Sided", level=112, device=SOURCE)
    second = shown(ZScorePanel(viewer))
    first.use_conversion(a_to_b)
    assert second.value() == first.value()
    assert second._device.conversion.text() == first._device.conversion.text()


# Reference sets


def choose(panel, name):
    """Take an entry of the list of sets as a user does."""
    combo = panel._sets._combo
    combo.setCurrentIndex(combo.findText(name))
    combo.activated.emit(combo.currentIndex())


def test_the_users_own_sets_are_in_the_list(panel, own_folder, session):
    assert panel._sets.names() == [DEFAULT]
    write_reference(own_folder / "zeta.json", reference_set(SIDED))
    write_reference(own_folder / "alpha.json", reference_set(CURVES))
    (own_folder / "notes.txt").write_text("no set")
    panel.hide()
    panel.show()
    paths = [str(own_folder / name) for name in ("alpha.json", "zeta.json")]
    assert panel._sets.names() == [DEFAULT, *paths]
    choose(panel, "alpha")
    assert session.reference == paths[0]
    assert "own" in panel._message.text()


def test_a_broken_set_of_the_user_is_not_chosen(panel, own_folder, session, notes):
    (own_folder / "broken.json").write_text("{}")
    panel._sets.list_sets()
    choose(panel, "broken")
    assert "'broken.json' is not valid" in notes[0]
    assert session.reference == DEFAULT
    assert panel._sets._combo.currentText() == DEFAULT


def test_files_of_one_name_can_be_told_apart(panel, own_folder, tmp_path):
    for folder in (own_folder, tmp_path):
        write_reference(folder / "same.json", reference_set(SIDED))
    panel._sets.list_sets()
    panel.use_reference(str(tmp_path / "same.json"))
    combo = panel._sets._combo
    shown_names = [combo.itemText(n) for n in range(combo.count())]
    assert shown_names == [DEFAULT, "same", f"same ({tmp_path.name})"]
    assert panel._sets.value() == str(tmp_path / "same.json")


def test_values_in_another_unit_are_refused(panel_with, tmp_path):
    path = tmp_path / "decibel.json"
    write_reference(path, reference_set(SIDED | {"unit": "dB"}))
    panel = panel_with(str(path), "Sided")
    assert panel.value() is None
    assert "in dB; use a set in gray level, or" in panel._message.text()


def test_a_set_of_another_measure_says_so(panel_with, set_b):
    panel = panel_with(set_b, "Table")
    assert panel.value() is None
    assert "'Table' is not in the reference set" in panel._message.text()


def test_an_end_that_the_quantiles_do_not_reach_is_said(panel_with, tmp_path):
    path = tmp_path / "upper.json"
    few = SHARES | {
        "probabilities": [0.1, 0.5, 0.975],
        "coefficients": [[45, 0.1, -3], [50, 0.2, -3], [65, 0.4, -4]],
    }
    write_reference(path, reference_set(few))
    panel = panel_with(str(path), "Shares", level=60)
    assert panel._numbers.text("95 % of healthy") == "up to 77.0 gray level"
    assert len(drawn(panel).lines) == 3


@pytest.mark.parametrize("muscle", ["Sided", "Men"])
def test_nothing_is_wider_than_a_dock(panel_with, set_b, a_to_b, qtbot, muscle):
    panel = panel_with(set_b, muscle, level=112, device=SOURCE)
    panel.use_conversion(a_to_b)
    panel._moved_section._button.setChecked(True)
    panel._plot_now()
    panel.resize(PANEL_WIDTH, 500)
    (area,) = [child for child in panel.children() if hasattr(child, "takeWidget")]
    qtbot.waitUntil(lambda: area.verticalScrollBar().isVisible())
    assert area.widget().minimumSizeHint().width() <= area.viewport().width()
