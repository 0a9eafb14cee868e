"""Follow-up: a change is told only where it is beyond the measurement error."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import napari_muscle_us as mus
from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.conversion.device_conversion import example_conversion
from napari_muscle_us.reference.examination.follow_up import (
    FOLLOW_UP_COLUMNS,
    Sem,
    follow_up,
    mdc95,
    sem_from_cv,
    sem_from_pairs,
    sem_from_repeats,
    visit_order,
)
from napari_muscle_us.reference.look_up import look_up
from napari_muscle_us.reference.parts import MeasurementError
from napari_muscle_us.reference.subject import Subject
from napari_muscle_us.results import TEXT_COLUMNS, canonical_json, results_frame

BICEPS = "Biceps brachii"
PEOPLE = {
    str(i): Subject(age, "male", 180, 80) for i, age in enumerate((40, 42, 45), 1)
}


@pytest.fixture(scope="module")
def reference():
    return mus.load_reference("radboud-esaote-6100-adult")


def course(*values, muscle=BICEPS, side="left", subject="P1"):
    visits = [str(i) for i in range(1, len(values) + 1)]
    table = pd.DataFrame({"visit": visits, "value": values})
    return table.assign(subject=subject, muscle=muscle, side=side)


def with_sem(reference, sem):
    models = tuple(
        m.model_copy(
            update={"measurement_error": MeasurementError(sem=sem, basis="made up")}
        )
        for m in reference.models
    )
    return reference.model_copy(update={"models": models})


def changes(found):
    (one,) = found.courses
    return [(v.first, v.previous) for v in one.visits]


# The measurement error


def test_the_published_checkpoint_of_ishida():
    assert round(mdc95(0.6), 1) == 1.7
    # METHODS: MDC95 = 2.7719 SEM.
    assert mdc95(1.0) == pytest.approx(2.7719, abs=1e-4)
    assert [round(mdc95(s), 1) for s in (0.9, 0.4)] == [2.5, 1.1]


@given(st.floats(0.01, 50), st.floats(0.01, 50))
def test_the_error_of_a_difference_is_of_both_values(one, other):
    naive = 1.96 * math.sqrt(one**2 + other**2)
    assert mdc95(one, other) == pytest.approx(naive)
    assert mdc95(one, other) == pytest.approx(mdc95(other, one))
    assert mdc95(one) == pytest.approx(1.96 * math.sqrt(2) * one)


def test_two_repeats_by_hand():
    # Differences 1, 0, −1: SD 1, so SEM 1/√2.
    assert sem_from_pairs([60, 62, 70], [61, 62, 69]).value == pytest.approx(0.5**0.5)
    # A shift of all is not in it.
    assert sem_from_pairs([60, 62, 70], [71, 72, 79]).value == pytest.approx(0.5**0.5)


def test_simulated_errors_are_found_again():
    rng = np.random.default_rng(5)
    true = rng.normal(70, 10, 4000)
    first, second = (true + rng.normal(0, 2.5, 4000) for _ in range(2))
    assert sem_from_pairs(first, second).value == pytest.approx(2.5, rel=0.05)
    table = pd.DataFrame(
        {
            "subject": np.tile(np.arange(500).astype(str), 3),
            "muscle": "Soleus",
            "side": "left",
            "value": np.tile(true[:500], 3) + rng.normal(0, 2.5, 1500),
        }
    )
    found = sem_from_repeats(table)
    assert found.value == pytest.approx(2.5, rel=0.06)
    assert found.of == "image"
    # The MDC95 holds 95 % of differences of unchanged muscles.
    inside = np.mean(np.abs(second - first) <= mdc95(2.5))
    assert inside == pytest.approx(0.95, abs=0.011)


def row(image, value, **labels):
    values = dict.fromkeys(TEXT_COLUMNS, "") | {
        "subject": "P1",
        "visit": "1",
        "image": image,
        "frame": 0,
        "muscle": BICEPS,
        "side": "left",
        "measure": "intensity.mean",
        "value": value,
        "unit": "gray level",
        "method": canonical_json({"gray_rule": "imagej"}),
        "image_sha256": image,
        "roi_geometry": canonical_json({"type": "polygon", "vertices": [[0, 0]]}),
    }
    return values | labels


def test_pooling_over_groups_of_a_results_table():
    table = results_frame(
        [row(f"a{i}", v) for i, v in enumerate((60.0, 62.0, 64.0))]
        + [row(f"b{i}", v, side="right") for i, v in enumerate((50.0, 51.0))]
        + [row("c", 99.0, muscle="Soleus")]
    )
    # 8 of 2 degrees of freedom and 0.5 of 1.
    assert sem_from_repeats(table).value == pytest.approx(math.sqrt(8.5 / 3))
    assert "5 images of 2 muscles and sides" in sem_from_repeats(table).basis
    assert "3 degrees of freedom" in sem_from_repeats(table).basis
    with pytest.raises(ReferenceSetError, match="two images"):
        sem_from_repeats(table, muscle="Soleus")


@given(
    st.lists(
        st.lists(st.floats(1, 254), min_size=1, max_size=4), min_size=1, max_size=5
    )
)
def test_pooling_is_that_of_numpy(groups):
    table = pd.DataFrame(
        [
            {"subject": str(g), "muscle": "Soleus", "side": "", "value": v}
            for g, values in enumerate(groups)
            for v in values
        ]
    )
    degrees = sum(len(values) - 1 for values in groups)
    squares = sum(np.var(values) * len(values) for values in groups)
    if degrees and squares > 1e-12:
        naive = math.sqrt(squares / degrees)
        assert sem_from_repeats(table).value == pytest.approx(naive, rel=1e-6)
    elif not degrees:
        with pytest.raises(ReferenceSetError, match="cannot be estimated"):
            sem_from_repeats(table)


def test_the_error_of_a_mean_is_divided_only_where_that_is_asked_for():
    whole, divided = (Sem(3.0, "b", of="image", divide=d) for d in (False, True))
    assert whole.of_mean(70, 9) == 3.0
    assert divided.of_mean(70, 9) == 1.0
    assert "not divided" in whole.words
    assert "divided by √k" in divided.words
    assert Sem(3.0, "b").of_mean(70, 9) == 3.0
    assert sem_from_cv(5.0).of_mean(80, 3) == 4.0


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Sem(0, "b"), "SEM|standard error of measurement 0"),
        (lambda: Sem(math.nan, "b"), "nan"),
        (lambda: Sem(-1, "b"), "-1"),
        (lambda: Sem(1, "b", divide=True), "single image"),
        (lambda: sem_from_cv(-3), "-3"),
        (lambda: sem_from_pairs([1, 2], [1, 2]), "at least 3 pairs"),
        (lambda: sem_from_pairs([1, 2, 3], [1, 2]), "3 first and 2 second"),
        (lambda: sem_from_pairs([1, 2, math.nan], [1, 2, 3]), "missing"),
        (lambda: sem_from_pairs([1, 2, 3], [2, 3, 4]), "do not differ"),
    ],
)
def test_what_is_no_measurement_error_is_refused(make, words, one_sentence):
    with pytest.raises(ReferenceSetError, match=words) as error:
        make()
    assert one_sentence(str(error.value))


# The order of visits


@pytest.mark.parametrize(
    ("visits", "options", "ordered"),
    [
        (["10", "9", "1"], {}, ("1", "9", "10")),
        (["2026-02-01", "2025-12-31"], {}, ("2025-12-31", "2026-02-01")),
        (["later"], {}, ("later",)),
        (["a", "b"], {"order": ["b", "a"]}, ("b", "a")),
        (["1", "2"], {"order": ["2", "1"]}, ("2", "1")),
        (
            ["1", "2"],
            {"dates": {"1": date(2026, 5, 1), "2": date(2026, 4, 1)}},
            ("2", "1"),
        ),
    ],
)
def test_the_order_of_visits(visits, options, ordered):
    assert visit_order(visits, **options) == ordered


@pytest.mark.parametrize(
    ("visits", "options", "words"),
    [
        (["before", "after"], {}, "'after', 'before' is not known"),
        (["1", "two"], {}, "is not known"),
        (["1", "01"], {}, "is not known"),
        (["2026-13-01", "2026-01-01"], {}, "is not known"),
        (["a", "b"], {"order": ["a"]}, "each of 'a', 'b' once"),
        (["a", "b"], {"order": ["a", "b", "b"]}, "each of 'a', 'b' once"),
        (["a", "b"], {"dates": {"a": date(2026, 1, 1)}}, "'b' has no date"),
        (
            ["a", "b"],
            {"dates": dict.fromkeys("ab", date(2026, 1, 1))},
            "the same date",
        ),
    ],
)
def test_an_order_that_is_not_known_is_refused(visits, options, words, one_sentence):
    with pytest.raises(ReferenceSetError, match=words) as error:
        visit_order(visits, **options)
    assert one_sentence(str(error.value))


# Changes


def test_by_hand(reference):
    found = follow_up(reference, course(70.0, 72.0, 75.0), PEOPLE, sem=1.0)
    (start, none), (first, same), (since_first, since_previous) = changes(found)
    assert start is none is None
    assert first == same
    assert (first.difference, first.changed) == (2.0, False)
    assert first.mdc95 == pytest.approx(2.7719, abs=1e-4)
    assert (since_first.difference, since_first.changed) == (5.0, True)
    assert (since_previous.difference, since_previous.changed) == (3.0, True)
    assert since_previous.since == "2"
    z = [
        look_up(reference, BICEPS, v, p)
        for v, p in zip((70.0, 72.0, 75.0), PEOPLE.values(), strict=True)
    ]
    assert since_first.z_difference == pytest.approx(z[2].z - z[0].z)
    # Older muscle is brighter: 0.06615 a year and the square of age, as published.
    aged = 0.06615 * 5 + 0.00250479 * (45**2 - 40**2)
    assert since_first.expected == pytest.approx(aged, abs=1e-4)


@given(st.floats(0.05, 5), st.floats(-20, 20))
def test_a_change_is_told_only_beyond_the_error(sem, difference):
    reference = mus.load_reference("radboud-esaote-6100-adult")
    values = (70.0, 70.0 + difference)
    ((_, _), (change, _)) = changes(
        follow_up(reference, course(*values), PEOPLE, sem=sem)
    )
    assert change.changed == (abs(values[1] - values[0]) > 1.96 * 2**0.5 * sem)


def test_a_difference_of_exactly_the_limit_is_no_change(reference):
    limit = mdc95(1.0)
    found = follow_up(reference, course(0.0, limit), PEOPLE, sem=1.0)
    assert changes(found)[1][0].changed is False


def test_without_a_measurement_error_nothing_is_flagged(reference):
    found = follow_up(reference, course(40.0, 140.0), PEOPLE)
    change = changes(found)[1][0]
    assert change.difference == 100.0
    assert change.changed is None
    assert math.isnan(change.mdc95)
    assert "no change is flagged" in found.warnings[-1]
    assert "not known" in found.table().loc[0, "sem_source"]


def test_the_set_comes_before_the_user_and_the_user_before_the_repeats(reference):
    own = Sem(5.0, "repeats", of="image")
    table = course(70.0, 72.0)
    told = follow_up(with_sem(reference, 3.0), table, PEOPLE, sem=4.0, own_sem=own)
    assert told.courses[0].sem.words == "SEM 3: of the reference set, made up"
    user = follow_up(reference, table, PEOPLE, sem=4.0, own_sem=own)
    assert user.courses[0].sem.words == "SEM 4: given by the user"
    other = follow_up(reference, table, PEOPLE, sem={"Soleus": 4.0}, own_sem=own)
    assert other.courses[0].sem is own


def test_means_of_few_and_many_images_have_their_own_errors(reference):
    table = pd.concat(
        [course(70.0, 78.0), course(70.0).assign(value=72.0), course(70.0)],
        ignore_index=True,
    )
    sem = Sem(3.0, "b", of="image", divide=True)
    change = changes(follow_up(reference, table, PEOPLE, sem=sem))[1][0]
    assert change.mdc95 == pytest.approx(1.96 * math.sqrt(9 / 3 + 9 / 1))


def test_on_another_device_the_set_tells_neither_error_nor_ageing(reference):
    conversion = example_conversion().model_copy(update={"target": reference.device})
    options = {"device": mus.Device("Maker", "A"), "conversion": conversion}
    table = course(110.0, 130.0)
    found = follow_up(with_sem(reference, 3.0), table, PEOPLE, **options)
    change = changes(found)[1][0]
    assert change.difference == 20.0
    assert change.changed is None
    assert math.isnan(change.expected)
    assert not math.isnan(change.z_difference)
    own = follow_up(with_sem(reference, 3.0), table, PEOPLE, sem=2.0, **options)
    assert changes(own)[1][0].changed is True


def test_a_visit_without_a_value_is_passed_over(reference):
    found = follow_up(reference, course(70.0, math.nan, 80.0), PEOPLE, sem=1.0)
    _, nothing, last = changes(found)
    assert nothing == (None, None)
    assert last[1].since == "1"
    assert last[1].difference == 10.0


def test_muscles_and_sides_are_followed_apart(reference):
    table = pd.concat(
        [
            course(70.0, 75.0),
            course(60.0, 60.5, side="right"),
            course(55.0, muscle="Soleus"),
        ],
        ignore_index=True,
    )
    found = follow_up(reference, table, PEOPLE, sem=1.0)
    places = {(c.muscle, c.side): c for c in found.courses}
    assert set(places) == {(BICEPS, "left"), (BICEPS, "right"), ("Soleus", "left")}
    assert places[BICEPS, "left"].visits[1].first.changed is True
    assert places[BICEPS, "right"].visits[1].first.changed is False
    assert len(places["Soleus", "left"].visits) == 1
    shown = found.table()
    assert list(shown.columns) == list(FOLLOW_UP_COLUMNS)
    assert len(shown) == 5
    last = shown[(shown["visit"] == "2") & (shown["side"] == "left")].iloc[0]
    assert (last["difference_first"], last["changed_first"]) == (5.0, True)


def test_age_goes_on_with_the_dates(reference):
    dates = {"1": date(2020, 1, 1), "2": date(2024, 1, 1)}
    person = Subject(40, "male", 180, 80)
    found = follow_up(reference, course(70.0, 71.0), person, dates=dates, sem=1.0)
    ages = [e.subject.age_years for e in found.examinations]
    assert ages == pytest.approx([40, 44], abs=0.01)
    assert found.warnings == ()
    stopped = follow_up(reference, course(70.0, 71.0), person, sem=1.0)
    assert "same age was taken" in stopped.warnings[0]
    assert changes(stopped)[1][0].expected == 0


def test_a_table_of_people_tells_the_age_of_each_visit(reference):
    table = course(70.0, 71.0).assign(
        age_years=[40.0, 45.0], sex="male", height_cm=180.0, weight_kg=80.0
    )
    found = follow_up(reference, table, sem=1.0)
    assert [e.subject.age_years for e in found.examinations] == [40, 45]
    assert changes(found)[1][0].expected > 0


@pytest.mark.parametrize(
    ("people", "options", "words"),
    [
        ({"1": PEOPLE["1"]}, {}, "at the visit '2' are missing"),
        (PEOPLE, {"sem": 0.0}, "not possible"),
        (PEOPLE, {"subject_code": "P9"}, "no values of the subject"),
        (PEOPLE, {"order": ["1"]}, "each of"),
    ],
)
def test_what_cannot_be_followed_is_refused(
    reference, people, options, words, one_sentence
):
    with pytest.raises(ReferenceSetError, match=words) as error:
        follow_up(reference, course(70.0, 71.0), people, **options)
    assert one_sentence(str(error.value))


def test_two_persons_are_not_one(reference):
    table = pd.concat([course(70.0), course(90.0, subject="J. Doe")])
    with pytest.raises(ReferenceSetError, match="2 subjects") as error:
        follow_up(reference, table, PEOPLE)
    assert "Doe" not in str(error.value)
