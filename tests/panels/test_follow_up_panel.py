"""The visits of a person, compared in their panel."""

from __future__ import annotations

import csv
import math

import numpy as np
import pandas as pd
import pytest

import napari_muscle_us as mus
from napari_muscle_us._napari.panels._follow_draw import FollowContent, draw_follow_up
from napari_muscle_us._napari.panels.follow_up import FollowUpPanel
from napari_muscle_us.errors import MuscleUSError, ReferenceSetError
from napari_muscle_us.image import UltrasoundImage
from napari_muscle_us.reference.load import DEFAULT_SET
from napari_muscle_us.reference.subject import Subject
from napari_muscle_us.rows import ZScoreRequest, measure_rois

PERSON = Subject(40, "male", 180, 80)
BICEPS = "Biceps brachii"


def rows(visit, means, *, side="left", subject="P1", muscle=BICEPS, z_score=None):
    roi = mus.Rectangle(10, 10, 20, 20, name="R", muscle=muscle, side=side)
    found = []
    for k, mean in enumerate(means):
        name = f"{subject} {visit} {muscle} {side} {k}.dcm"
        image = UltrasoundImage(
            np.full((40, 40), mean, np.uint8),
            name=name,
            digest=name.encode().hex()[-64:].zfill(64),
        )
        found.append(
            measure_rois(image, [roi], subject=subject, visit=visit, z_score=z_score)
        )
    return found


def table(*parts):
    return pd.concat([one for part in parts for one in part], ignore_index=True)


THREE = table(rows("1", (70, 71, 72)), rows("2", (72, 73, 74)), rows("3", (60, 61, 62)))


@pytest.fixture
def panel(viewer, session, shown):
    session.set_subject(PERSON, DEFAULT_SET, accept_device=False)
    session.set_results(THREE)
    return shown(FollowUpPanel(viewer))


def words(panel):
    return [line[-1] for line in panel._grid.model.lines()]


def test_nothing_is_called_changed_without_a_measurement_error(panel):
    assert words(panel) == ["first", "no SEM", "no SEM"]
    assert "no change is flagged" in panel._message.text()


def test_a_change_is_told_only_beyond_the_measurement_error(panel):
    panel.set_sem("1,5")
    limit = 1.96 * math.hypot(1.5, 1.5)
    lines = panel._grid.model.lines()
    assert [line[5] for line in lines] == ["–", "+2.0", "−10.0"]
    assert [line[6] for line in lines] == ["–", f"{limit:.1f}", f"{limit:.1f}"]
    assert words(panel) == ["first", "within error", "▼ changed"]
    assert "given by the user" in panel._sem_used.text()


def test_visits_are_compared_with_the_one_before_if_wanted(panel):
    panel.set_sem("1")
    panel.set_shown("ei", first=False)
    assert [line[5] for line in panel._grid.model.lines()] == ["–", "+2.0", "−12.0"]


def test_the_error_of_the_repeats_is_the_pooled_sd(panel):
    panel.set_sem("", own=True)
    # Each visit has images one gray level apart.
    assert panel.value().courses[0].sem.value == pytest.approx(1.0)
    assert "pooled SD within a visit of 9 images" in panel._sem_used.text()
    assert words(panel) == ["first", "within error", "▼ changed"]


def test_a_typed_error_comes_before_that_of_the_repeats(panel):
    panel.set_sem("30", own=True)
    assert words(panel) == ["first", "within error", "within error"]


@pytest.mark.parametrize("text", ["0", "-1", "abc", "nan", "inf"])
def test_no_number_is_no_measurement_error(panel, text):
    panel.set_sem(text)
    assert panel.value() is None
    assert "no number above 0" in panel._message.text()


def test_z_is_of_the_age_at_the_visit(panel):
    panel.visits.set_age("3", "60")
    score = mus.load_reference(DEFAULT_SET).z_score(
        BICEPS, echo_intensity=61.0, age_years=60, weight_kg=80
    )
    shown_z = panel._grid.model.lines()[2][4]
    assert shown_z == f"{score.z:+.2f}".replace("-", "−")
    assert "same age" not in panel._message.text()


def test_one_age_for_all_visits_is_said(panel):
    assert "same age" in panel._message.text()


def test_an_impossible_age_or_date_is_refused_in_words(panel):
    panel.visits.set_age("2", "600")
    assert panel.value() is None
    assert "600" in panel._message.text()
    panel.visits.set_age("2", "41")
    assert panel.value() is not None
    panel.visits.set_day("2", "31.1.2026")
    assert panel.value() is None
    assert "2026-01-31" in panel._message.text()


def test_dates_sort_the_visits_and_the_age_goes_on(panel):
    for visit, day in (("1", "2026-01-01"), ("2", "2024-01-01"), ("3", "2025-01-01")):
        panel.visits.set_day(visit, day)
    panel.visits.sort_by_date()
    assert panel.value().visits == ("2", "3", "1")
    ages = [e.subject.age_years for e in panel.value().examinations]
    assert ages == pytest.approx([40, 40 + 366 / 365.25, 40 + 731 / 365.25])


def test_a_missing_date_does_not_sort(panel):
    panel.visits.set_day("1", "2026-01-01")
    with pytest.raises(ReferenceSetError, match="no date"):
        panel.visits.sort_by_date()
    assert panel.value().visits == ("1", "2", "3")


def test_an_unknown_order_is_asked_for(viewer, session, shown):
    session.set_subject(PERSON, DEFAULT_SET, accept_device=False)
    session.set_results(table(rows("start", (70,)), rows("end", (72,))))
    panel = shown(FollowUpPanel(viewer))
    assert panel.value() is None
    assert "order of the visits is not known" in panel._message.text()
    panel.visits.settle()
    assert panel.value().visits == ("end", "start")
    panel.visits.move("start", -1)
    assert panel.value().visits == ("start", "end")


def test_one_visit_has_no_follow_up(viewer, session, shown):
    session.set_results(table(rows("1", (70,))))
    panel = shown(FollowUpPanel(viewer))
    assert panel.value() is None
    assert "one visit only" in panel._message.text()


def test_without_results_it_tells_what_to_do(viewer, session, shown):
    panel = shown(FollowUpPanel(viewer))
    assert "two visits or more" in panel._message.text()
    with pytest.raises(MuscleUSError, match="no follow-up"):
        panel.save("x.csv")


def test_what_was_typed_of_one_person_is_not_taken_for_another(panel, session):
    panel.visits.set_age("2", "41")
    more = table(rows("1", (70,), subject="P2"), rows("2", (71,), subject="P2"))
    third = table(rows("3", (71,), subject="P2"))
    session.set_results(pd.concat([THREE, more, third], ignore_index=True))
    panel.refresh()
    panel.source.choose("P2")
    ages = [e.subject.age_years for e in panel.value().examinations]
    assert ages == [40, 40, 40]
    assert "several people" in panel._message.text()


def test_rows_that_tell_an_age_keep_it(viewer, session, shown):
    older = ZScoreRequest(DEFAULT_SET, Subject(43, "male", 180, 80))
    session.set_subject(PERSON, DEFAULT_SET, accept_device=False)
    session.set_results(table(rows("1", (70,)), rows("2", (72,), z_score=older)))
    panel = shown(FollowUpPanel(viewer))
    assert [e.subject.age_years for e in panel.value().examinations] == [40, 43]


def test_a_spreadsheet_tells_the_person_at_each_visit(panel, tmp_path):
    path = tmp_path / "visits.csv"
    path.write_text(
        "code,visit,muscle,side,EI,age,weight\n"
        f"S1,1,{BICEPS},left,70,40,80\n"
        f"S1,2,{BICEPS},left,74,41,80\n"
    )
    panel.source.use_spreadsheet(str(path))
    panel.set_sem("1")
    assert [e.subject.age_years for e in panel.value().examinations] == [40, 41]
    assert words(panel) == ["first", "▲ changed"]


def test_the_plot_marks_what_changed_with_shape_and_word(panel):
    from matplotlib.figure import Figure

    panel.set_sem("1.5")
    figure = Figure()
    draw_follow_up(figure, FollowContent(panel._found, "ei"), "white")
    (axes,) = figure.axes
    marks = [
        (float(line.get_xdata()[0]), line.get_marker())
        for line in axes.lines
        if line.get_marker() in ("o", "s", "^", "v")
    ]
    assert marks == [(0.0, "o"), (1.0, "o"), (2.0, "v")]
    assert [text.get_text() for text in axes.texts] == ["changed"]
    limit = 1.96 * math.hypot(1.5, 1.5)
    ends = [
        c.get_segments()[0][:, 1]
        for c in axes.collections
        if hasattr(c, "get_segments")
    ]
    np.testing.assert_allclose(
        ends, [[73 - limit, 73 + limit], [61 - limit, 61 + limit]]
    )


def test_the_band_is_the_interval_of_the_set(panel):
    from matplotlib.figure import Figure

    figure = Figure()
    draw_follow_up(figure, FollowContent(panel._found, "ei"), "white")
    (band,) = [c for c in figure.axes[0].collections if not hasattr(c, "get_segments")]
    edges = band.get_paths()[0].vertices[:, 1]
    score = mus.load_reference(DEFAULT_SET).z_score(
        BICEPS, echo_intensity=71.0, age_years=40, weight_kg=80
    )
    assert (edges.min(), edges.max()) == pytest.approx(score.interval)


@pytest.mark.parametrize("quantity", ["ei", "z"])
def test_table_and_plots_are_saved(panel, tmp_path, quantity):
    panel.set_sem("1.5")
    panel.set_shown(quantity)
    path = tmp_path / "visits.csv"
    panel.save(str(path))
    with path.open(encoding="utf-8") as file:
        saved = list(csv.DictReader(file))
    assert [row["changed_first"] for row in saved] == ["NaN", "False", "True"]
    assert [float(row["difference_first"]) for row in saved[1:]] == [2.0, -10.0]
    assert {row["age_years"] for row in saved} == {"40"}
    picture = tmp_path / "visits.png"
    panel.save(str(picture))
    assert picture.read_bytes().startswith(b"\x89PNG")
