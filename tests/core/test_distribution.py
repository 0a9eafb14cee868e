"""Curves of healthy people like one person."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.distribution import healthy_course, healthy_curve
from napari_muscle_us.reference.look_up import look_up
from napari_muscle_us.reference.subject import Subject

from .test_look_up import ALL_MODELS, PERSON, reference_set

MAN = Subject(**PERSON)
KINDS = ["Sided", "Logarithm", "Men", "Curves", "Shares", "Table"]


@pytest.fixture(scope="module")
def own():
    return reference_set(*ALL_MODELS)


def measure_of(muscle):
    return "roi.thickness" if muscle == "Table" else "intensity.mean"


def score(own, muscle, value, person=MAN):
    measure = measure_of(muscle)
    return look_up(own, muscle, float(value), person, measure=measure, side="left")


@pytest.mark.parametrize("muscle", KINDS)
def test_the_density_adds_up_to_the_percentiles(own, muscle):
    values, density = healthy_curve(
        own, muscle, MAN, measure=measure_of(muscle), side="left", points=400
    )
    assert (density > 0).all()
    middles = (density[1:] + density[:-1]) / 2 * np.diff(values)
    below = np.concatenate([[0], np.cumsum(middles)])
    start = len(values) // 4
    first = score(own, muscle, values[start]).percentile / 100
    for place in range(start, 3 * start, start // 10):
        share = score(own, muscle, values[place]).percentile / 100
        assert below[place] - below[start] == pytest.approx(share - first, abs=3e-3)


def test_a_linear_model_gives_students_t(own):
    values, density = healthy_curve(own, "Sided", MAN, side="left", points=500)
    told = score(own, "Sided", 60)
    expected = scipy.stats.t.pdf(values, 86, loc=told.predicted, scale=told.sd)
    np.testing.assert_allclose(density[1:-1], expected[1:-1], rtol=1e-3)


@pytest.mark.parametrize("muscle", ["Sided", "Logarithm", "Curves", "Shares", "Table"])
def test_the_course_is_the_look_up_at_each_age(own, muscle):
    course = healthy_course(
        own, muscle, MAN, measure=measure_of(muscle), side="left", points=10
    )
    assert (course.x[0], course.x[-1], course.warn) == (18, 100, (18, 80))
    for place in (0, 3, 7):
        person = Subject(**(PERSON | {"age_years": course.x[place]}))
        told = score(own, muscle, course.predicted[place], person)
        assert told.z == pytest.approx(0, abs=1e-9)
        np.testing.assert_allclose(
            told.interval, (course.low[place], course.high[place]), rtol=1e-9
        )
        for z, values in course.at_z.items():
            if np.isfinite(values[place]):
                found = score(own, muscle, values[place], person)
                assert found.z == pytest.approx(z, abs=1e-8)


def test_body_mass_index_follows_the_weight(own):
    course = healthy_course(own, "Logarithm", MAN, along="weight_kg", points=12)
    told = score(own, "Logarithm", 60, Subject(**(PERSON | {"weight_kg": 250})))
    assert course.x[-1] == 250
    assert course.predicted[-1] == pytest.approx(told.predicted, rel=1e-12)
    assert course.predicted[0] < course.predicted[-1]


def test_where_a_table_ends_there_is_nothing(own):
    course = healthy_course(own, "Curves", MAN, points=83)
    beyond = course.x > 90
    assert np.isnan(course.predicted[beyond]).all()
    assert np.isfinite(course.predicted[~beyond]).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda own: healthy_curve(own, "Sided", MAN), "needs the subject's side"),
        (lambda own: healthy_curve(own, "Men", Subject(sex="female")), "distribution"),
        (lambda own: healthy_curve(own, "Men", MAN, points=3), "3 points"),
        (lambda own: healthy_course(own, "Men", MAN, along="sex"), "along 'sex'"),
        (
            lambda _: healthy_course(
                reference_set(*ALL_MODELS, limits={}), "Men", MAN
            ),
            "states no range of age_years",
        ),
    ],
    ids=["side", "group", "points", "along", "limits"],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused(own, one_sentence, call, words):
    with pytest.raises(ReferenceSetError, match=words) as error:
        call(own)
    assert one_sentence(str(error.value))
