"""Averages of repeated images: by hand, as published, and what is no repeat."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import napari_muscle_us as mus
from napari_muscle_us.errors import MeasureError, ResultsError
from napari_muscle_us.measure.repeat_rules import measure_of_rule
from napari_muscle_us.measure.repeats import (
    MAX_CV_PERCENT,
    REPEAT_MEASURES,
    REPEAT_RULES,
    SUMMARY_COLUMNS,
    average_repeats,
    recompute,
    side_difference,
    summarise_repeats,
)
from napari_muscle_us.repeat_rows import repeat_rows
from napari_muscle_us.results import TEXT_COLUMNS, canonical_json, results_frame

LEVELS = st.floats(0.5, 255)
IMAGES = st.lists(LEVELS, min_size=1, max_size=6)
METHOD = {"gray_rule": "imagej", "mask": "ImageJ 1.53t", "hash_of": "file"}


def row(image="a.png", value=70.0, **changes):
    values = dict.fromkeys(TEXT_COLUMNS, "") | {
        "subject": "P1",
        "visit": "1",
        "image": image,
        "frame": 0,
        "roi": "BB",
        "muscle": "Biceps brachii",
        "side": "left",
        "measure": "intensity.mean",
        "value": value,
        "unit": "gray level",
        "method": canonical_json(METHOD | changes.pop("method", {})),
        "image_sha256": f"hash of {image}",
        "roi_geometry": canonical_json({"type": "polygon", "vertices": [[0, 0]]}),
        "measured_at": "2026-01-01T10:00:00+00:00",
    }
    return values | changes


def table(*rows):
    return results_frame(rows)


def three(values=(66.0, 70.0, 74.0), *, name="", **changes):
    name = name or changes.get("side", "left")
    return [row(f"{name}{i}.png", v, **changes) for i, v in enumerate(values)]


def only(summary):
    assert len(summary) == 1
    return summary.iloc[0]


# The average


def test_by_hand():
    # Mean 77; deviations −7, 0, 7: SD = √(98/2) = 7; CV = 700/77.
    repeats = average_repeats([84, 70, 77])
    assert (repeats.value, repeats.n, repeats.sd) == (77.0, 3, 7.0)
    assert repeats.cv_percent == pytest.approx(100 / 11, rel=1e-15)
    assert not repeats.flagged
    assert repeats.reason == ""


@pytest.mark.parametrize(
    ("values", "flagged"),
    [((90, 100, 110), False), ((89.9, 100, 110), True), ((100, 100, 100), False)],
    ids=["exactly 10 %", "above", "alike"],
)
def test_the_flag_is_for_more_than_ten_percent(values, flagged):
    repeats = average_repeats(values)
    assert MAX_CV_PERCENT == 10.0
    assert repeats.flagged is flagged
    assert ("above 10 %" in repeats.reason) is flagged


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ((70.0,), "1 image; the protocol asks for 3; the CV needs 2 images"),
        ((70.0, 72.0), "2 images; the protocol asks for 3"),
        ((70.0, 71.0, 72.0, 73.0), "4 images; the protocol asks for 3"),
        ((0.0, 0.0, 0.0), "the CV needs values from 0 up and a mean above 0"),
        ((-1.0, 2.0, 3.0), "the CV needs values from 0 up and a mean above 0"),
        (
            (50.0, 100.0),
            "2 images; the protocol asks for 3; "
            "the images differ: their CV is 47.1 %, above 10 %",
        ),
    ],
    ids=["one", "two", "four", "black", "negative", "two-that-differ"],
)
def test_what_is_to_be_known_is_said(values, told):
    repeats = average_repeats(values)
    assert repeats.reason == told
    assert math.isnan(repeats.cv_percent) == ("the CV needs" in told)
    assert math.isnan(repeats.sd) == (len(values) == 1)


@pytest.mark.parametrize(
    ("values", "rounded"),
    [
        ((70.0, 71.0), 70),
        ((71.0, 72.0), 72),
        ((70.0, 70.0, 71.4), 70),
        ((70.0, 70.0, 71.6), 71),
    ],
    ids=["70.5", "71.5", "70.47", "70.53"],
)
def test_rounding_is_that_of_the_published_code(values, rounded):
    frame = pd.DataFrame({"Muscle": "BB", "Side": "L", "EI_manual": values})
    # As in CreateRandom/muscle-ultrasound, compute_EIZ_from_scratch.
    published = round(frame.groupby(["Muscle", "Side"])["EI_manual"].mean())
    found = average_repeats(values, rule="mean_rounded")
    assert found.value == published.astype(int).iloc[0] == rounded
    assert average_repeats(values, rule="radboud") == found
    exact = average_repeats(values)
    assert (found.sd, found.cv_percent) == (exact.sd, exact.cv_percent)


@given(IMAGES, st.randoms(), st.sampled_from(REPEAT_RULES))
def test_the_order_of_the_images_does_not_matter(values, random, rule):
    shuffled = list(values)
    random.shuffle(shuffled)
    assert repr(average_repeats(shuffled, rule=rule)) == repr(
        average_repeats(values, rule=rule)
    )


@given(st.lists(LEVELS, min_size=2, max_size=6), st.floats(0.01, 100))
def test_a_factor_scales_value_and_sd_and_leaves_the_cv(values, factor):
    assume(np.ptp(values) > 1e-3)
    one, other = average_repeats(values), average_repeats([factor * v for v in values])
    assert other.value == pytest.approx(factor * one.value, rel=1e-12)
    assert other.sd == pytest.approx(factor * one.sd, rel=1e-9)
    assert other.cv_percent == pytest.approx(one.cv_percent, rel=1e-9)


@given(IMAGES)
def test_average_and_sd_are_numpy_s(values):
    repeats = average_repeats(values)
    assert repeats.value == pytest.approx(np.mean(values), rel=1e-14)
    if len(values) > 1:
        assert repeats.sd == pytest.approx(np.std(values, ddof=1), rel=1e-9, abs=1e-12)


@given(IMAGES)
def test_rounding_twice_is_rounding_once(values):
    once = average_repeats(values, rule="mean_rounded").value
    assert average_repeats([once], rule="mean_rounded").value == once
    assert once == int(once)
    assert abs(once - average_repeats(values).value) <= 0.5


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([], "no image to average"),
        ([70.0, math.nan], "value of image 2 is nan"),
        ([math.inf], "value of image 1 is inf"),
        ([1e200], "value of image 1 is 1e"),
        (["x" * 900], "which is no number"),
        ([70.0, None], "value of image 2 is None"),
        ([10**400], "which is no number"),
    ],
    ids=["none", "nan", "inf", "huge", "text", "nothing", "huge-integer"],
)
def test_what_cannot_be_averaged_is_refused(values, words, one_sentence):
    with pytest.raises(MeasureError, match=words) as raised:
        average_repeats(values)
    assert one_sentence(str(raised.value))


def test_an_unknown_rule_is_refused(one_sentence):
    for attempt in (
        lambda: average_repeats([1.0], rule="median"),
        lambda: summarise_repeats(table(row()), rule="median"),
        lambda: repeat_rows(table(), rule="median"),
        lambda: recompute("repeats.cv", {"rule": ["mean"]}, [1.0]),
    ):
        with pytest.raises(MeasureError, match="use one of mean, mean_rounded, r") as e:
            attempt()
        assert one_sentence(str(e.value))


# Left and right


def test_left_minus_right_by_hand():
    found = side_difference(left=66.0, right=54.0)
    assert (found.difference, found.asymmetry_percent) == (12.0, 20.0)


@given(LEVELS, LEVELS)
def test_changing_the_sides_changes_the_sign(left, right):
    one, other = side_difference(left, right), side_difference(right, left)
    assert one.difference == -other.difference
    assert one.asymmetry_percent == -other.asymmetry_percent
    assert abs(one.asymmetry_percent) <= 200


@pytest.mark.parametrize(("left", "right"), [(0.0, 0.0), (-1.0, 3.0)])
def test_asymmetry_without_a_scale_is_missing(left, right):
    assert math.isnan(side_difference(left, right).asymmetry_percent)


def test_a_missing_side_is_refused():
    with pytest.raises(MeasureError, match="The right side has the value nan"):
        side_difference(60.0, math.nan)


# From a results table


def test_a_row_a_muscle_and_side_with_the_difference_in_both():
    rows = three((66.0, 70.0, 74.0)) + three((60.0, 61.0, 62.0), side="right")
    rows += three((80.0, 80.0, 83.0), name="S", muscle="Soleus", side="right")
    summary = summarise_repeats(table(*rows))
    assert list(summary.columns) == list(SUMMARY_COLUMNS)
    found = summary.set_index(["muscle", "side"])
    assert found.loc[("Biceps brachii", "left"), "value"] == 70.0
    assert found.loc[("Biceps brachii", "left"), "sd"] == 4.0
    assert found.loc[("Biceps brachii", "right"), "value"] == 61.0
    assert found.loc["Biceps brachii", "difference"].tolist() == [9.0, 9.0]
    asymmetry = found.loc["Biceps brachii", "asymmetry_percent"].tolist()
    assert asymmetry == pytest.approx([900 / 65.5] * 2, rel=1e-15)
    soleus = found.loc[("Soleus", "right")]
    assert (soleus["n"], soleus["value"]) == (3, 81.0)
    assert math.isnan(soleus["difference"])
    assert set(summary["note"]) == {""}


def test_persons_and_visits_are_apart():
    rows = [row("a.png", 60.0), row("b.png", 70.0, visit="2")]
    rows.append(row("c.png", 80.0, subject="P2"))
    assert summarise_repeats(table(*rows))["value"].tolist() == [60.0, 70.0, 80.0]


@given(st.permutations(range(6)))
def test_the_order_of_the_rows_does_not_matter(order):
    rows = three() + three((60.0, 61.0, 65.0), side="right")
    wanted = summarise_repeats(table(*rows))
    shuffled = table(*(rows[i] for i in order))
    pd.testing.assert_frame_equal(summarise_repeats(shuffled), wanted)
    again = repeat_rows(shuffled).drop(columns="measured_at")
    pd.testing.assert_frame_equal(
        again, repeat_rows(table(*rows)).drop(columns="measured_at")
    )


def test_the_table_is_not_changed():
    rows = table(*three())
    before = rows.copy(deep=True)
    summarise_repeats(rows)
    repeat_rows(rows)
    pd.testing.assert_frame_equal(rows, before)


def test_an_roi_that_was_measured_again_counts_as_measured_last():
    again = row("left0.png", 72.0, measured_at="2026-01-01T12:30:00+02:00")
    found = only(summarise_repeats(table(again, *three())))
    # 12:30 at +02:00 is 10:30, half an hour after the other.
    assert (found["n"], found["value"]) == (3, 72.0)
    assert found["note"] == (
        "ROI 'BB' on 'left0.png' was measured 2 times, the latest counts"
    )


def test_a_copy_of_an_image_is_no_other_image():
    copy = row("copy.png", 66.0, image_sha256="hash of left0.png")
    found = only(summarise_repeats(table(*three(), copy)))
    assert (found["n"], found["value"]) == (3, 70.0)
    assert "measured 2 times" in found["note"]


MOVED = canonical_json({"type": "polygon", "vertices": [[1, 1]]})


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (
            [row("left0.png", 80.0, roi="BB deep", roi_geometry=MOVED)],
            "2 ROIs on 'left0.png': two ROIs on an image are no repeats, so keep one",
        ),
        (
            [row("left0.png", 80.0, roi_geometry=MOVED)],
            "several ROIs named 'BB' on 'left0.png'",
        ),
        (
            [
                row("x.png", 80.0, roi=""),
                row(
                    "x.png", 81.0, roi="", roi_geometry=MOVED, measured_at="2027-01-01"
                ),
            ],
            "several ROIs without a name on 'x.png'",
        ),
        ([row("left0.png", 80.0, frame=9)], "2 frames of 'left0.png' are measured"),
        (
            [row("x.png", 80.0, method={"gray_rule": "luma601"})],
            "measured by different gray rules (imagej, luma601)",
        ),
        ([row("x.png", 80.0, method={"mask": "other"})], "by different methods"),
        ([row("x.png", 80.0, unit="%")], "measured by different units"),
    ],
    ids=[
        "two-rois",
        "two-of-one-name",
        "two-without-name",
        "two-frames",
        "gray-rules",
        "masks",
        "units",
    ],
)
def test_what_is_no_repeat_is_not_averaged(extra, words):
    found = only(summarise_repeats(table(*three(), *extra)))
    assert math.isnan(found["value"])
    assert found["n"] == 0
    assert not found["flagged"]
    assert words in found["note"]
    rows = repeat_rows(table(*three(), *extra))
    assert rows["measure"].tolist() == ["repeats.echo_intensity"]
    assert words in only(rows)["note"]


def test_gray_files_and_colour_files_may_be_averaged():
    rows = three()
    rows[0] = row("left0.png", 66.0, method={"gray_rule": "stored", "hash_of": "x"})
    rows[1] = row("left1.png", 70.0, method={"crop": [0, 9, 0, 9], "rules": {}})
    assert only(summarise_repeats(table(*rows)))["value"] == 70.0


def test_one_outline_does_not_count_for_two_sides():
    rows = [*three(), *three((60.0, 61.0, 62.0), side="right")]
    rows.append(row("left0.png", 66.0, side="right", measured_at="2027-01-01"))
    summary = summarise_repeats(table(*rows))
    assert summary["value"].isna().all()
    words = "one outline is measured as Biceps brachii left and Biceps brachii right"
    assert all(words in note for note in summary["note"])


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"muscle": ""}, "3 rows without muscle, so not averaged"),
        ({"side": ""}, "3 rows without side, so not averaged"),
        ({"side": "links"}, "3 rows without side ('links' is none), so not averaged"),
        ({"muscle": " ", "side": ""}, "3 rows without muscle and side"),
    ],
    ids=["muscle", "side", "odd-side", "both"],
)
def test_rows_without_muscle_or_side_are_said_not_averaged(changes, words):
    found = only(summarise_repeats(table(*three(**changes))))
    assert words in found["note"]
    assert math.isnan(found["value"])


def test_images_are_left_out_by_name_and_that_is_said():
    found = only(summarise_repeats(table(*three()), drop=["left2.png", "other.png"]))
    assert (found["n"], found["value"]) == (2, 68.0)
    assert found["note"] == ("2 images; the protocol asks for 3; left out: 'left2.png'")
    every = [f"left{i}.png" for i in range(3)]
    assert (
        "no image with a value"
        in only(summarise_repeats(table(*three()), drop=every))["note"]
    )


def test_an_image_without_a_value_is_said():
    found = only(summarise_repeats(table(*three((66.0, math.nan, 74.0)))))
    assert (found["n"], found["value"]) == (2, 70.0)
    assert "without a value: 'left1.png'" in found["note"]


def test_sides_of_different_gray_rules_are_not_compared():
    right = three(side="right", method={"gray_rule": "luma601"})
    summary = summarise_repeats(table(*three(), *right))
    assert summary["value"].tolist() == [70.0, 70.0]
    assert summary["difference"].isna().all()
    assert all("so they are not compared" in note for note in summary["note"])
    assert "repeats.side_difference" not in set(
        repeat_rows(table(*three(), *right))["measure"]
    )


def test_another_measure_can_be_summarised():
    rows = three(measure="roi.area", unit="mm²", method={"spacing_mm": [0.1, 0.1]})
    rows[0] = row(
        "left0.png", 66.0, measure="roi.area", unit="mm²", method={"spacing_mm": None}
    )
    found = only(summarise_repeats(table(*rows), measure="roi.area"))
    assert (found["value"], found["unit"]) == (70.0, "mm²")
    assert summarise_repeats(table(*rows)).empty


# The Radboud rule

ABOVE = "intensity.mean_above_black"


def both_means(values, shift=1.25, **changes):
    """Return rows of the mean and of the mean without black pixels, a bit higher."""
    above = three([v + shift for v in values], measure=ABOVE, **changes)
    return [*three(values, **changes), *above]


def test_the_radboud_rule_averages_the_means_without_black_pixels():
    rows = both_means((66.0, 70.0, 74.5)) + both_means((60.0, 61.0, 65.0), side="right")
    summary = summarise_repeats(table(*rows), rule="radboud")
    assert summary["value"].tolist() == [71.0, 63.0]
    assert summary["difference"].tolist() == [8.0, 8.0]
    assert set(summary["measure"]) == {ABOVE}
    assert set(summary["rule"]) == {"radboud"}
    assert set(summary["note"]) == {""}
    right = np.array((61.25, 62.25, 66.25))
    cv = 100 * right.std(ddof=1) / right.mean()
    assert summary.loc[1, "cv_percent"] == pytest.approx(cv, rel=1e-12)
    # The other rules do not look at them.
    plain = summarise_repeats(table(*rows), rule="mean_rounded")
    assert plain["value"].tolist() == [70.0, 62.0]
    exact = summarise_repeats(table(*rows), measure=ABOVE)
    assert exact["value"].tolist() == pytest.approx([214.25 / 3, 189.75 / 3])


UNMEASURED = "measure with 'mean without black pixels' switched on"


def test_where_only_the_mean_was_measured_the_radboud_rule_says_what_to_do():
    rows = table(*three(), *three((60.0, 61.0, 65.0), side="right"))
    summary = summarise_repeats(rows, rule="radboud")
    assert summary["value"].isna().all()
    assert summary["n"].tolist() == [0, 0]
    assert set(summary["note"]) == {f"no mean without black pixels: {UNMEASURED}"}
    added = repeat_rows(rows, rule="radboud")
    assert added["measure"].tolist() == ["repeats.echo_intensity"] * 2
    assert added["value"].isna().all()
    assert added["note"].str.contains(UNMEASURED).all()


def test_an_image_without_the_mean_above_black_is_not_passed_over():
    rows = [r for r in both_means((66.0, 70.0, 74.0)) if r["image"] != "left1.png"]
    rows.append(row("left1.png", 70.0))
    found = only(summarise_repeats(table(*rows), rule="radboud"))
    assert (found["n"], math.isnan(found["value"])) == (0, True)
    said = f"no mean without black pixels of 'left1.png': {UNMEASURED}"
    assert found["note"] == said
    # Left out by the user, it may be missing; and so may the mean of all pixels.
    left_out = summarise_repeats(table(*rows), rule="radboud", drop=["left1.png"])
    assert only(left_out)["value"] == 71.0
    above = [r for r in rows if r["measure"] == ABOVE]
    assert only(summarise_repeats(table(*above), rule="radboud"))["n"] == 2


@pytest.mark.parametrize(
    ("later", "refused"),
    [
        ({"roi_geometry": "MOVED"}, True),
        ({"method": {"gray_rule": "luma601"}}, True),
        ({"method": {"rules": {"min_pixels": 3}}}, False),
        ({}, False),
        ({"roi_geometry": "MOVED", "measured_at": "2025-01-01"}, False),
    ],
    ids=["moved", "gray-rule", "rules", "same", "before"],
)
def test_a_mean_above_black_of_an_older_outline_does_not_count(later, refused):
    changes = {"measured_at": "2027-01-01"} | later
    if "roi_geometry" in changes:
        changes["roi_geometry"] = MOVED
    rows = [*both_means((66.0, 70.0, 74.0)), row("left0.png", 50.0, **changes)]
    found = only(summarise_repeats(table(*rows), rule="radboud"))
    assert ("of 'left0.png': measure with" in found["note"]) is refused
    assert math.isnan(found["value"]) is refused


def test_rows_without_a_side_are_counted_for_the_radboud_rule_too():
    found = only(summarise_repeats(table(*three(side="")), rule="radboud"))
    assert found["note"].startswith("3 rows without side, so not averaged")


def test_the_radboud_rule_is_of_no_other_measure(one_sentence):
    rows = table(*both_means((66.0, 70.0, 74.0)))
    with pytest.raises(MeasureError, match="'radboud' averages intensity") as raised:
        summarise_repeats(rows, rule="radboud", measure="intensity.mean")
    assert one_sentence(str(raised.value))
    named = summarise_repeats(rows, rule="radboud", measure=ABOVE)
    pd.testing.assert_frame_equal(named, summarise_repeats(rows, rule="radboud"))


def test_a_table_that_is_none_is_refused(one_sentence):
    with pytest.raises(ResultsError, match="lack the columns") as raised:
        summarise_repeats(pd.DataFrame({"value": [1.0]}))
    assert one_sentence(str(raised.value))
    for method in ("no json", "[1]", '{"a": NaN}', "[" * 100_000):
        broken = table(row() | {"method": method})
        with pytest.raises(ResultsError, match="is not a JSON object") as raised:
            summarise_repeats(broken)
        assert one_sentence(str(raised.value))


# Rows


def test_rows_hold_all_it_takes_to_measure_again():
    rows = repeat_rows(
        table(*three((66.0, 70.0, 77.0)), *three((60.0, 61.0, 64.0), side="right"))
    )
    assert rows["measure"].tolist() == [
        "repeats.echo_intensity",
        "repeats.cv",
        "repeats.echo_intensity",
        "repeats.cv",
        "repeats.side_difference",
    ]
    assert rows["side"].tolist() == ["left", "left", "right", "right", ""]
    assert rows["unit"].tolist() == ["gray level", "%", "gray level", "%", "gray level"]
    assert rows["value"].tolist()[::2] == pytest.approx([71.0, 185 / 3, 28 / 3])
    assert set(rows["roi_geometry"]) == {'{"type":"several"}'}
    assert set(rows["image"]) == set(rows["image_sha256"]) == set(rows["roi"]) == {""}
    assert set(rows["frame"]) == {0}
    method = json.loads(rows["method"].iloc[-1])
    assert (method["left"], method["right"]) == ([0, 1, 2], [3, 4, 5])
    assert method["inputs"][3] == {
        "image": "right0.png",
        "image_sha256": "hash of right0.png",
        "frame": 0,
        "roi_geometry": {"type": "polygon", "vertices": [[0, 0]]},
        "muscle": "Biceps brachii",
        "method": METHOD,
    }


@pytest.mark.parametrize("rule", REPEAT_RULES)
def test_rows_can_be_recomputed_from_their_own_method(rule):
    values = {f"left{i}.png": v for i, v in enumerate((66.0, 70.5, 95.0))}
    values |= {f"right{i}.png": v for i, v in enumerate((60.0, 61.0))}
    measure = measure_of_rule(rule)
    rows = repeat_rows(
        table(
            *three((66.0, 70.5, 95.0), measure=measure),
            *three((60.0, 61.0), side="right", measure=measure),
            *three((50.0,), name="S", muscle="Soleus", measure=measure),
        ),
        rule=rule,
    )
    values["S0.png"] = 50.0
    assert set(rows["measure"]) == set(REPEAT_MEASURES)
    for _, found in rows.iterrows():
        method = json.loads(found["method"])
        measured = [values[one["image"]] for one in method["inputs"]]
        again = recompute(found["measure"], method, measured)
        assert again == found["value"] or (np.isnan(again) and np.isnan(found["value"]))


def test_notes_say_what_is_to_be_known_of_each_side():
    rows = repeat_rows(
        table(*three((66.0, 70.0, 95.0)), *three((60.0, 61.0), side="right"))
    )
    left, right, apart = rows["note"].iloc[[0, 2, 4]]
    assert left == "the images differ: their CV is 20.4 %, above 10 %"
    assert right == "2 images; the protocol asks for 3"
    assert apart == f"left: {left}; right: {right}"


def test_a_row_without_an_average_is_recomputed_as_missing():
    found = only(repeat_rows(table(*three(side=""))))
    method = json.loads(found["method"])
    assert method["inputs"] == []
    assert math.isnan(found["value"])
    assert math.isnan(recompute(found["measure"], method, []))
    assert "without side" in found["note"]


def test_averages_are_not_averaged_again(tmp_path):
    rows = table(*three(), *three((60.0, 61.0, 62.0), side="right"))
    first = repeat_rows(rows)
    both = pd.concat([rows, first], ignore_index=True)
    again = repeat_rows(both)
    pd.testing.assert_frame_equal(
        again.drop(columns="measured_at"), first.drop(columns="measured_at")
    )
    mus.write_results(tmp_path / "results.csv", both)
    pd.testing.assert_frame_equal(mus.read_results(tmp_path / "results.csv"), both)


@pytest.mark.parametrize(
    ("measure", "changes", "values", "words"),
    [
        ("repeats.median", {}, [1.0], "is not one of repeated images"),
        ("repeats.side_difference", {}, [1.0, 2.0], "do not take each of 2 images"),
        (
            "repeats.side_difference",
            {"left": [0], "right": [0]},
            [1.0, 2.0],
            "do not take each",
        ),
        (
            "repeats.side_difference",
            {"left": [0, 1], "right": []},
            [1.0, 2.0],
            "do not take each",
        ),
        (
            "repeats.side_difference",
            {"left": [0], "right": [-1]},
            [1.0, 2.0],
            "do not take each",
        ),
        (
            "repeats.side_difference",
            {"left": [False], "right": [True]},
            [1.0, 2.0],
            "do not take each",
        ),
        (
            "repeats.side_difference",
            {"left": "0", "right": [1]},
            [1.0],
            "do not take each",
        ),
        ("repeats.cv", {}, [1.0, math.nan], "value of image 2 is nan"),
    ],
)
def test_a_method_that_is_none_is_refused(
    measure, changes, values, words, one_sentence
):
    with pytest.raises(MeasureError, match=words) as raised:
        recompute(measure, {"rule": "mean"} | changes, values)
    assert one_sentence(str(raised.value))


# Real images


def test_three_real_images_average_as_the_published_code_does(shared):
    names = [f"S1_L20_step_{step:03}.png" for step in (25, 75, 125)]
    roi = mus.Ellipse(120, 150, 90, 220, name="VL", muscle="Vastus lateralis")
    tables, published = [], []
    for name in names:
        image = mus.read_image(shared(f"data/longitudinal_vl/{name}"))
        for side, shift in (("left", 0), ("right", 15)):
            moved = mus.Ellipse(
                roi.top + shift, 150, 90, 220, name=side, muscle=roi.muscle, side=side
            )
            tables.append(mus.measure_rois(image, [moved]))
            mask = mus.roi_mask(moved, image.frame_shape)
            mean = image.pixels[mask].mean()
            published.append({"Muscle": roi.muscle, "Side": side, "EI_manual": mean})
    results = pd.concat(tables, ignore_index=True)
    groups = pd.DataFrame(published).groupby(["Muscle", "Side"])["EI_manual"]
    exact = summarise_repeats(results)
    np.testing.assert_allclose(exact["value"], groups.mean(), rtol=1e-13)
    np.testing.assert_allclose(exact["sd"], groups.std(), rtol=1e-10)
    assert exact["n"].tolist() == [3, 3]
    rounded = summarise_repeats(results, rule="mean_rounded")
    assert rounded["value"].tolist() == round(groups.mean()).astype(int).tolist()
    left, right = rounded["value"]
    assert rounded["difference"].tolist() == [left - right] * 2


def test_real_images_average_as_the_radboud_workflow_does(shared):
    names = [f"S1_L20_step_{step:03}.png" for step in (25, 75, 125)]
    options = mus.MeasureOptions(above_black=True)
    tables, published = [], []
    for number, name in enumerate(names):
        pixels = mus.read_image(shared(f"data/longitudinal_vl/{name}")).pixels
        # As at a lower gain: what is dark becomes black.
        dark = np.clip(pixels.astype(int) - 60, 0, 255).astype(np.uint8)
        image = mus.UltrasoundImage(dark, name, f"{number}" * 64)
        for side, shift in (("left", 0), ("right", 15)):
            roi = mus.Rectangle(
                110 + shift + number, 150, 160, 220,
                name="VL", muscle="Vastus lateralis", side=side,
            )  # fmt: skip
            tables.append(mus.measure_rois(image, [roi], options=options))
            # As published: black around the region, then the mean of what is above 0.
            masked = image.pixels.copy()
            masked[~mus.roi_mask(roi, image.frame_shape)] = 0
            labels = {"Muscle": roi.muscle, "Side": side}
            published.append(labels | {"EI_manual": np.mean(masked[masked > 0])})
    results = pd.concat(tables, ignore_index=True)
    means = pd.DataFrame(published).groupby(["Muscle", "Side"])["EI_manual"].mean()
    rows = repeat_rows(results, rule="radboud").set_index(["measure", "side"])["value"]
    for side in ("left", "right"):
        wanted = round(means).astype(int)["Vastus lateralis"][side]
        assert rows["repeats.echo_intensity"][side] == wanted
    exact = summarise_repeats(results, measure=ABOVE)["value"]
    np.testing.assert_allclose(exact, means, rtol=1e-13)
    rounded = summarise_repeats(results, rule="mean_rounded")["value"].tolist()
    assert all(r < wanted - 1 for r, wanted in zip(rounded, means, strict=True))


def test_an_empty_table_has_no_repeats():
    summary = summarise_repeats(table())
    assert summary.empty
    assert list(summary.columns) == list(SUMMARY_COLUMNS)
    pd.testing.assert_frame_equal(repeat_rows(table()), table())
