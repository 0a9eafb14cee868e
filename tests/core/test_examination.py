"""A whole examination: averages, Z-scores, counts, and what is never counted twice."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import napari_muscle_us as mus
from napari_muscle_us.errors import ReferenceSetError, ResultsError
from napari_muscle_us.measure_options import MeasureOptions
from napari_muscle_us.reference.conversion.device_conversion import example_conversion
from napari_muscle_us.reference.examination.examination import (
    EXAMINATION_COLUMNS,
    THRESHOLDS,
    examine,
    persons_and_visits,
)
from napari_muscle_us.reference.examination.examination_rows import examination_rows
from napari_muscle_us.reference.look_up import look_up
from napari_muscle_us.reference.subject import Subject
from napari_muscle_us.repeat_rows import repeat_rows
from napari_muscle_us.results import TEXT_COLUMNS, canonical_json, results_frame

SET = "radboud-esaote-6100-adult"
MAN = Subject(40, "male", 180, 80)
ESAOTE = mus.Device("Esaote", "MyLabTwice")
PHILIPS = mus.Device("Philips", "CX50")
METHOD = {"gray_rule": "imagej", "mask": "ImageJ 1.53t", "hash_of": "file"}
BICEPS = "Biceps brachii"


@pytest.fixture(scope="module")
def reference():
    return mus.load_reference(SET)


def row(image, value, muscle=BICEPS, side="left", **changes):
    values = dict.fromkeys(TEXT_COLUMNS, "") | {
        "subject": "P1",
        "visit": "1",
        "image": image,
        "frame": 0,
        "roi": "r",
        "muscle": muscle,
        "side": side,
        "measure": "intensity.mean",
        "value": value,
        "unit": "gray level",
        "method": canonical_json(METHOD),
        "image_sha256": f"hash of {image}",
        "roi_geometry": canonical_json({"type": "polygon", "vertices": [[0, 0]]}),
        "measured_at": "2026-01-01T10:00:00+00:00",
    }
    return values | changes


def images(values, muscle=BICEPS, side="left", **changes):
    return [
        row(f"{muscle} {side} {i}.png", v, muscle, side, **changes)
        for i, v in enumerate(values)
    ]


def people(*rows, **columns):
    table = pd.DataFrame(rows, columns=["muscle", "side", "value"])
    return table.assign(subject="P1", **columns)


def only(examination):
    (muscle,) = examination.muscles
    return muscle


# Where values come from


def test_three_images_are_one_z_score_of_their_mean(reference):
    table = results_frame(images([90.0, 104.0, 106.0]))
    found = only(examine(reference, table, MAN))
    assert found.measured.value == 100.0
    assert found.measured.n_images == 3
    assert found.measured.source == "the mean of 3 images"
    # Worked example of the published model.
    assert found.z == pytest.approx(4.675922, abs=1e-6)
    assert found.score.predicted == pytest.approx(66.832839, abs=1e-6)
    low, high = found.score.interval
    assert low < 66.832839 < high < 100


def test_worked_examples_as_one_examination(reference, shared):
    path = shared("oracles/radboud_esaote6100_worked_examples.csv")
    with path.open(encoding="utf-8") as file:
        worked = list(csv.DictReader(file))
    by_person = {}
    for example in worked:
        by_person.setdefault(example["subject"], []).append(example)
    for examples in by_person.values():
        one = examples[0]
        table = people(*[(e["muscle"], "left", 100.0) for e in examples])
        person = Subject(
            float(one["age_y"]),
            {"M": "male", "F": "female"}[one["sex"]],
            float(one["height_cm"]),
            float(one["weight_kg"]),
        )
        found = {m.muscle: m for m in examine(reference, table, person).muscles}
        for example in examples:
            muscle = found[example["muscle"]]
            assert muscle.z == pytest.approx(float(example["z_for_EI_100"]), abs=1e-6)
    assert sum(map(len, by_person.values())) == 128


def test_an_averaged_row_stands_for_its_images(reference):
    single = results_frame(images([90.0, 104.0, 106.0]))
    table = pd.concat([single, repeat_rows(single)], ignore_index=True)
    found = examine(reference, table, MAN)
    assert only(found).measured.source == "averaged row of 3 images"
    assert only(found).z == only(examine(reference, single, MAN)).z
    assert len(found.z_scores) == 1
    assert not any("now give" in said for said in only(found).warnings)


def test_an_averaged_row_that_its_images_contradict_is_told(reference):
    average = repeat_rows(results_frame(images([90.0, 104.0, 106.0])))
    later = results_frame(images([90.0, 104.0, 112.0]))
    table = pd.concat([later, average], ignore_index=True)
    found = only(examine(reference, table, MAN))
    assert found.measured.value == 100.0
    assert any("now give 102.00 (3 images)" in said for said in found.warnings)


def test_the_latest_averaged_row_counts(reference):
    old = repeat_rows(results_frame(images([50.0, 60.0, 70.0])))
    new = repeat_rows(results_frame(images([90.0, 104.0, 106.0])))
    new["measured_at"] = "2099-01-01T00:00:00+00:00"
    for tables in ([old, new], [new, old]):
        table = pd.concat(tables, ignore_index=True)
        assert only(examine(reference, table, MAN)).measured.value == 100.0


def test_images_left_out_are_not_averaged(reference):
    table = results_frame(images([90.0, 104.0, 230.0]))
    found = only(examine(reference, table, MAN, drop=[f"{BICEPS} left 2.png"]))
    assert found.measured.value == 97.0
    assert any("left out" in said for said in found.warnings)


def test_the_radboud_rule_takes_its_own_measure(reference):
    table = results_frame(
        images([90.0, 104.0, 106.0])
        + images([92.0, 105.0, 106.0], measure="intensity.mean_above_black")
    )
    found = only(examine(reference, table, MAN, rule="radboud"))
    assert found.measured.value == 101.0
    assert found.measured.method["rule"] == "radboud"


def test_what_cannot_be_averaged_has_no_z_score_and_says_why(reference):
    table = results_frame(
        [row("a.png", 80.0), row("a.png", 90.0, roi="other"), row("b.png", 70.0)]
    )
    found = only(examine(reference, table, MAN))
    assert math.isnan(found.z)
    assert "two ROIs on an image are no repeats" in found.problem


@given(st.lists(st.floats(1, 254), min_size=1, max_size=5), st.randoms())
def test_rows_of_a_spreadsheet_are_averaged_too(values, random):
    table = people(*[("Soleus", "left", v) for v in values])
    reference = mus.load_reference(SET)
    found = only(examine(reference, table, MAN))
    naive = look_up(reference, "Soleus", math.fsum(values) / len(values), MAN)
    assert found.z == pytest.approx(naive.z, rel=1e-12, abs=1e-12)
    shuffled = table.sample(frac=1, random_state=random.randrange(1000))
    assert only(examine(reference, shuffled, MAN)).z == found.z


def test_a_spreadsheet_tells_the_person(reference):
    table = people(
        (BICEPS, "left", 100.0),
        ("Rectus femoris", "right", 100.0),
        visit="1",
        age_years=40.0,
        sex="male",
        height_cm=180.0,
        weight_kg=80.0,
    )
    found = examine(reference, table)
    assert found.subject == MAN
    assert [m.z for m in found.muscles] == pytest.approx([4.675922, 4.338313], abs=1e-6)
    table.loc[1, "age_years"] = 41
    with pytest.raises(ReferenceSetError, match=r"different values of age_years"):
        examine(reference, table)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (("Soleus", "both", 60.0), "'both' is no side"),
        (("", "left", 60.0), "without muscle"),
        (("Soleus", "left", math.nan), "missing or no number"),
        (("Soleus", "left", "high"), "missing or no number"),
        (("Soleus", "left", 300.0), "no gray level"),
        (("Gluteus", "left", 60.0), "not in the reference set"),
    ],
)
def test_a_row_that_cannot_be_compared_spoils_no_other(reference, cells, words):
    found = examine(reference, people(cells, (BICEPS, "left", 100.0)), MAN)
    good, bad = sorted(found.muscles, key=lambda m: m.muscle != BICEPS)
    assert good.z == pytest.approx(4.675922, abs=1e-6)
    assert bad.score is None
    assert words in bad.problem
    assert found.counts[3.5] == 1


def test_other_units_are_refused(reference):
    table = people(("Soleus", "left", 60.0), unit="mm")
    assert "in 'mm'" in only(examine(reference, table, MAN)).problem


# Which person and visit


def two_visits():
    return results_frame(images([60.0]) + images([70.0], visit="2"))


def test_several_visits_must_be_chosen_from(reference, one_sentence):
    assert persons_and_visits(two_visits()) == [("P1", "1"), ("P1", "2")]
    with pytest.raises(ReferenceSetError, match=r"2 visits .*'1', '2'") as error:
        examine(reference, two_visits(), MAN)
    assert one_sentence(str(error.value))
    assert only(examine(reference, two_visits(), MAN, visit="2")).measured.value == 70


def test_several_subjects_must_be_chosen_from_and_are_not_named(reference):
    table = results_frame(
        images([60.0]) + images([70.0], subject="J. Doe", muscle="Soleus")
    )
    with pytest.raises(ReferenceSetError, match="2 subjects") as error:
        examine(reference, table, MAN)
    assert "Doe" not in str(error.value)
    found = examine(reference, table, MAN, subject_code="J. Doe")
    assert [m.muscle for m in found.muscles] == ["Soleus"]


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ({"subject_code": "P9"}, "not in the table"),
        ({"visit": "9"}, "'9' of the subject is not in the table"),
        ({"measure": "muscle.thickness"}, "no values of muscle.thickness"),
    ],
)
def test_a_choice_that_is_not_there_is_refused(reference, choice, words, one_sentence):
    with pytest.raises(ReferenceSetError, match=words) as error:
        examine(reference, two_visits(), MAN, **choice)
    assert one_sentence(str(error.value))


def test_a_table_of_something_else_is_refused(reference, one_sentence):
    with pytest.raises(ReferenceSetError, match="lacks the columns") as error:
        examine(reference, pd.DataFrame({"muscle": ["Soleus"]}), MAN)
    assert one_sentence(str(error.value))


# Counting


@given(
    st.lists(
        st.tuples(
            st.sampled_from([BICEPS, "Soleus", "Rectus femoris", "Trapezius"]),
            st.sampled_from(["left", "right"]),
            st.floats(20, 150),
        ),
        unique_by=lambda cells: cells[:2],
        min_size=1,
    )
)
def test_counts_are_those_of_all_muscles_and_sides(rows):
    reference = mus.load_reference(SET)
    found = examine(reference, people(*rows), MAN)
    naive = [look_up(reference, m, v, MAN, side=s).z for m, s, v in rows]
    assert found.counts == {t: sum(z > t for z in naive) for t in THRESHOLDS}
    assert sorted(found.z_scores.values()) == pytest.approx(sorted(naive))
    sides = {(m, s): z for (m, s, _), z in zip(rows, naive, strict=True)}
    differences = {
        m: z - sides[m, "right"]
        for (m, s), z in sides.items()
        if s == "left" and (m, "right") in sides
    }
    assert found.side_differences == pytest.approx(differences)


def value_at(reference, muscle, z):
    """Return the value whose Z-score is z to the last bit, or None."""
    one = look_up(reference, muscle, 60.0, MAN)
    value = one.predicted + z * one.sd
    for candidate in (value, math.nextafter(value, 0), math.nextafter(value, 999)):
        if look_up(reference, muscle, candidate, MAN).z == z:
            return candidate
    return None


def test_exactly_at_a_threshold_is_not_counted(reference):
    tried = 0
    for muscle in reference.muscles:
        for threshold in THRESHOLDS:
            value = value_at(reference, muscle, threshold)
            if value is not None and value <= 255:
                found = examine(reference, people((muscle, "left", value)), MAN)
                assert found.counts[threshold] == 0
                tried += 1
    assert tried > 10


def test_one_measurement_under_two_names_is_counted_once(reference):
    table = people(("Biceps femoris", "left", 110.0), ("Hamstrings", "left", 110.0))
    found = examine(reference, table, MAN)
    femoris, hamstrings = found.muscles
    assert femoris.z == hamstrings.z
    assert femoris.counted
    assert not hamstrings.counted
    assert list(found.z_scores) == ["Biceps femoris left"]
    assert "not counted" in hamstrings.warnings[-1]
    assert any("one measurement under two names" in w for w in found.warnings)


@pytest.mark.parametrize("other", [("left", 111.0), ("right", 110.0)])
def test_two_measurements_are_two_whatever_their_names(reference, other):
    table = people(("Biceps femoris", "left", 110.0), ("Hamstrings", *other))
    assert len(examine(reference, table, MAN).z_scores) == 2


def test_two_names_of_one_muscle_are_not_two_muscles(reference):
    table = people(("Biceps", "left", 110.0), (BICEPS, "left", 112.0))
    found = examine(reference, table, MAN)
    assert found.z_scores == {}
    assert all("are one muscle" in m.problem for m in found.muscles)
    with pytest.raises(ReferenceSetError, match="no Z-score"):
        found.decide()


def test_the_rule_decides_on_what_counts_and_tells_what_is_missing(reference):
    table = people(
        ("Biceps femoris", "left", 92.0),
        ("Hamstrings", "left", 92.0),
        ("Soleus", "right", 60.0),
        ("Gluteus", "right", 60.0),
    )
    found = examine(reference, table, MAN)
    decision = found.decide()
    assert decision.n == 2
    assert decision.branch.startswith("Age 40 years (below 65), 2 Z-scores")
    assert "Without a Z-score: Gluteus right." in decision.caveats
    assert any("device of the image is not known" in c for c in decision.caveats)
    # Twice the same Z above 2.5 would wrongly be two muscles, so NMD.
    assert 2.5 < found.z_scores["Biceps femoris left"] < 3.5
    assert decision.outcome == "uncertain"


def test_a_rule_of_echo_intensity_is_of_nothing_else(reference):
    found = examine(reference, people((BICEPS, "left", 100.0)), MAN)
    other = replace(found, measure="muscle.thickness")
    with pytest.raises(ReferenceSetError, match=r"not of muscle\.thickness"):
        other.decide()


def test_the_table_holds_all_that_is_shown(reference):
    rows = ((BICEPS, "left", 100.0), ("Gluteus", "left", 60.0))
    table = examine(reference, people(*rows), MAN).table()
    assert list(table.columns) == list(EXAMINATION_COLUMNS)
    z = table.set_index("muscle")["z"]
    assert z[BICEPS] == pytest.approx(4.675922, abs=1e-6)
    assert np.isnan(z["Gluteus"])
    assert "not in the reference set" in table.set_index("muscle")["problem"]["Gluteus"]


# Devices


def test_an_image_of_another_device_gives_no_z_score(reference):
    table = results_frame(images([90.0, 104.0, 106.0]) + images([60.0], "Soleus"))
    devices = {f"hash of {BICEPS} left {i}.png": ESAOTE for i in range(3)}
    devices[f"hash of {BICEPS} left 1.png"] = PHILIPS
    devices["hash of Soleus left 0.png"] = ESAOTE
    found = examine(reference, table, MAN, device=devices)
    biceps, soleus = found.muscles
    assert biceps.score is None
    assert "Philips CX50" in biceps.problem
    assert soleus.score is not None
    accepted = examine(reference, table, MAN, device=devices, accept_device=True)
    assert len(accepted.z_scores) == 2
    assert any("accepted by the user" in w for w in accepted.warnings)


def test_an_image_of_an_unknown_device_among_known_ones_is_told(reference):
    table = results_frame(images([90.0, 104.0, 106.0]))
    devices = {f"hash of {BICEPS} left {i}.png": ESAOTE for i in range(2)}
    found = only(examine(reference, table, MAN, device=devices))
    assert any("device of the image is not known" in w for w in found.warnings)


def test_values_of_another_device_are_carried_over(reference):
    conversion = example_conversion().model_copy(update={"target": reference.device})
    table = people((BICEPS, "left", 120.0))
    maker = mus.Device("Maker", "A")
    found = only(examine(reference, table, MAN, device=maker, conversion=conversion))
    plain = look_up(reference, BICEPS, 120 * 0.5 + 4, MAN)
    sd = math.hypot(plain.sd, 0.5 * 6)
    assert found.z == pytest.approx((64 - plain.predicted) / sd, rel=1e-9)


# Rows


def test_rows_hold_what_it_takes_to_compute_them_again(reference):
    table = results_frame(images([90.0, 104.0, 106.0]))
    found = examine(reference, table, MAN, device=ESAOTE)
    (made,) = examination_rows(found, SET).to_dict("records")
    method = json.loads(made["method"])
    assert (made["measure"], made["unit"]) == ("repeats.z_score", "SD")
    assert made["value"] == only(found).z
    assert (made["subject"], made["visit"]) == ("P1", "1")
    assert (made["muscle"], made["side"]) == (BICEPS, "left")
    assert [e["image"] for e in method["inputs"]] == [
        f"{BICEPS} left {i}.png" for i in range(3)
    ]
    assert method["rule"] == "mean"
    assert method["reference"] == SET
    assert len(method["reference_sha256"]) == 64
    assert (method["age_years"], method["sex"]) == (40, "male")
    assert method["devices"] == [{"manufacturer": "Esaote", "model": "MyLabTwice"}] * 3


def test_a_muscle_without_z_score_is_a_row_with_its_reason(reference):
    table = results_frame(images([60.0], "Gluteus"))
    (made,) = examination_rows(examine(reference, table, MAN), SET).to_dict("records")
    assert math.isnan(made["value"])
    assert "not in the reference set" in made["note"]


def test_rows_need_images_and_the_same_set(reference, tmp_path, one_sentence):
    sheet = examine(reference, people((BICEPS, "left", 100.0)), MAN)
    with pytest.raises(ResultsError, match="comes from a spreadsheet") as error:
        examination_rows(sheet, SET)
    assert one_sentence(str(error.value))
    other = reference.model_copy(update={"name": "other"})
    with pytest.raises(ReferenceSetError, match="not the one") as error:
        examination_rows(examine(other, two_visits(), MAN, visit="1"), SET)
    assert one_sentence(str(error.value))


def test_the_table_is_not_changed(reference):
    table = results_frame(images([90.0, 104.0, 106.0]))
    before = table.copy(deep=True)
    examination_rows(examine(reference, table, MAN), SET)
    pd.testing.assert_frame_equal(table, before)


@pytest.mark.parametrize("rule", ["mean", "mean_rounded", "radboud"])
def test_real_images_from_roi_to_verified_z_scores(reference, shared, rule):
    names = [f"S1_L20_step_{step:03}.png" for step in (25, 75, 125)]
    options = MeasureOptions(above_black=True)
    tables, means = [], {"left": [], "right": []}
    for name in names:
        path = shared(f"data/longitudinal_vl/{name}")
        image = mus.read_image(path)
        for side, shift in (("left", 0), ("right", 15)):
            roi = mus.Ellipse(
                120 + shift, 150, 90, 220, name=side, muscle="Vastus lateralis",
                side=side,
            )  # fmt: skip
            tables.append(mus.measure_rois(image, [roi], options=options))
            pixels = image.pixels[mus.roi_mask(roi, image.frame_shape)]
            chosen = pixels[pixels > 0] if rule == "radboud" else pixels
            means[side].append(chosen.mean())
    table = pd.concat(tables, ignore_index=True)
    found = examine(reference, table, MAN, rule=rule)
    # The published model, written out: 107.83 + 0.29 · age − 0.31 · height.
    predicted = 107.83477 + 0.29176 * 40 - 0.30854 * 180
    for muscle in found.muscles:
        value = np.mean(means[muscle.side])
        value = value if rule == "mean" else round(value)
        assert muscle.measured.value == pytest.approx(value, rel=1e-12)
        naive = (value - predicted) / muscle.score.sd
        assert muscle.z == pytest.approx(naive, abs=1e-4)
    rows = examination_rows(found, SET)
    assert all(c.same for c in mus.verify_results(rows, path.parent))
