"""Muscles measured on two devices are matched, and what cannot be is refused."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.conversion import pairs as pairs_module
from napari_muscle_us.reference.conversion.pairs import pair_measurements

MUSCLES = ("Biceps brachii", "Rectus femoris")
DEVICES = {"device_a": "Esaote", "device_b": "Philips"}


def table(*, people=12, repeats=1, seed=1):
    """Return a tidy table of both devices."""
    rng = np.random.default_rng(seed)
    rows = []
    for person in range(people):
        for muscle in MUSCLES:
            true = rng.normal(70, 15)
            for repeat in range(repeats):
                for device, value, error in (
                    ("Esaote", true, 4),
                    ("Philips", 9 + 0.6 * true, 3),
                ):
                    rows.append(
                        {
                            "subject": f"S{person}",
                            "muscle": muscle,
                            "side": "left",
                            "device": device,
                            "image": f"{repeat}.dcm",
                            "value": value + rng.normal(0, error),
                        }
                    )
    return pd.DataFrame(rows)


def test_pairs_hold_the_values_of_both_devices():
    tidy = table()
    found = pair_measurements(tidy.sample(frac=1, random_state=3), **DEVICES)
    assert (found.n, found.n_subjects) == (24, 12)
    assert found.notes == ()
    for row in found.frame.itertuples():
        own = tidy[(tidy["subject"] == row.subject) & (tidy["muscle"] == row.muscle)]
        by_device = own.set_index("device")["value"]
        assert (row.x, row.y) == (by_device["Esaote"], by_device["Philips"])


def test_the_table_is_not_changed():
    tidy = table()
    before = tidy.copy()
    pair_measurements(tidy, **DEVICES)
    pd.testing.assert_frame_equal(tidy, before)


def test_two_tables_give_the_same_pairs_as_one():
    tidy = table(repeats=2)
    parts = [
        tidy[tidy["device"] == name].drop(columns="device")
        for name in ("Esaote", "Philips")
    ]
    one, two = pair_measurements(tidy, **DEVICES), pair_measurements(*parts, **DEVICES)
    pd.testing.assert_frame_equal(one.frame, two.frame)
    assert one.error_ratio == two.error_ratio


def test_spelling_does_not_part_a_pair_or_a_person():
    tidy = table()
    own = tidy["device"] == "Philips"
    tidy.loc[own, "subject"] = tidy.loc[own, "subject"].str.lower()
    tidy.loc[own, "muscle"] = " " + tidy.loc[own, "muscle"].str.upper()
    tidy.loc[own, "side"] = "Left"
    tidy.loc[own, "device"] = "philips "
    first_muscle = tidy["muscle"] == MUSCLES[0]
    tidy.loc[first_muscle, "subject"] = tidy.loc[first_muscle, "subject"].str.lower()
    found = pair_measurements(tidy, **DEVICES)
    assert (found.n, found.n_subjects) == (24, 12)


def test_another_visit_is_another_pair():
    later = table(seed=9).assign(visit="2")
    both = pd.concat([table().assign(visit="1"), later])
    assert pair_measurements(both, **DEVICES).n == 48


def test_repeats_are_averaged_and_tell_the_ratio_of_errors():
    tidy = table(people=300, repeats=3)
    # One device was scanned less often, so that its means have more error.
    tidy = tidy[(tidy["device"] == "Esaote") | (tidy["image"] < "2")]
    found = pair_measurements(tidy, **DEVICES)
    assert set(found.frame["n_x"]) == {3}
    assert set(found.frame["n_y"]) == {2}
    assert found.repeat_sd_a == pytest.approx(4, rel=0.1)
    assert found.repeat_sd_b == pytest.approx(3, rel=0.1)
    assert found.error_ratio == pytest.approx(9 / 2 / (16 / 3), rel=0.15)
    row = found.frame.iloc[5]
    own = tidy[(tidy["subject"] == row["subject"]) & (tidy["muscle"] == row["muscle"])]
    means = own.groupby("device")["value"].mean()
    assert (row["x"], row["y"]) == pytest.approx((means["Esaote"], means["Philips"]))
    assert any("up to 3 repeats" in note for note in found.notes)


def test_without_repeats_the_ratio_is_not_known():
    found = pair_measurements(table(), **DEVICES)
    assert math.isnan(found.error_ratio)
    assert math.isnan(found.repeat_sd_a)


def test_what_has_no_partner_or_no_value_is_counted_and_said():
    tidy = table()
    tidy.loc[tidy.index[:2], "value"] = np.nan
    found = pair_measurements(tidy.drop(index=[4, 7, 9]), **DEVICES)
    assert (found.n, found.not_measured) == (20, 2)
    assert (found.unmatched_a, found.unmatched_b) == (2, 1)
    assert len(found.notes) == 3
    assert found.notes[0].startswith("2 muscles were measured on Esaote only")


def test_texts_of_a_spreadsheet_are_numbers():
    tidy = table()
    texts = tidy.assign(value=tidy["value"].map("{:.3f}".format).str.replace(".", ","))
    found = pair_measurements(texts, **DEVICES)
    wanted = pair_measurements(tidy, **DEVICES).frame
    np.testing.assert_allclose(found.frame["x"], wanted["x"], atol=6e-4)


def test_of_several_measures_echo_intensity_is_taken():
    tidy = table().assign(measure="intensity.mean")
    other = table(seed=5).assign(measure="thickness")
    found = pair_measurements(pd.concat([other, tidy]), **DEVICES)
    assert found.measure == "intensity.mean"
    pd.testing.assert_frame_equal(found.frame, pair_measurements(tidy, **DEVICES).frame)
    chosen = pair_measurements(pd.concat([other, tidy]), **DEVICES, measure="thickness")
    assert chosen.frame["x"].iloc[0] != found.frame["x"].iloc[0]


def changed(column, value, row=3):
    tidy = table()
    tidy[column] = tidy[column].astype(object)
    tidy.loc[row, column] = value
    return tidy


def unrelated():
    tidy = table()
    return tidy.assign(value=np.random.default_rng(1).normal(60, 10, len(tidy)))


WRONG = {
    "no value column": (lambda: table().drop(columns="value"), "no column 'value'"),
    "no device column": (lambda: table().drop(columns="device"), "'device'"),
    "no such device": (lambda: table().assign(device="GE"), "'GE'"),
    "blank subject": (lambda: changed("subject", " "), "Row 3"),
    "blank muscle": (lambda: changed("muscle", None), "Row 3"),
    "side": (lambda: changed("side", "L"), "Row 3"),
    "text": (lambda: changed("value", "sixty"), "'sixty'"),
    "infinite": (lambda: changed("value", math.inf), "'inf'"),
    "truth value": (lambda: changed("value", True), "'True'"),
    "twice": (lambda: pd.concat([table(), table()[:1]]), "twice"),
    "few pairs": (lambda: table(people=4), "8 muscles of 4 people"),
    "one person": (lambda: table().assign(subject="S1", visit=range(48)), "0 muscles"),
    "constant": (lambda: table().assign(value=60.0), "All 24 values"),
    "unrelated": (unrelated, "correlation"),
    "other measure": (lambda: table().assign(measure="a.b"), None),
    "too long": (lambda: table(people=2).sample(200_001, replace=True), "200001"),
}


@pytest.mark.parametrize(("make", "word"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_paired_is_refused_in_a_sentence(make, word, one_sentence):
    if word is None:
        with pytest.raises(ReferenceSetError, match=r"choose one of a\.b") as error:
            pair_measurements(make(), **DEVICES, measure="intensity.mean")
    else:
        with pytest.raises(ReferenceSetError, match=word) as error:
            pair_measurements(make(), **DEVICES)
    assert one_sentence(str(error.value))


def test_the_same_device_twice_is_refused():
    with pytest.raises(ReferenceSetError, match="two different"):
        pair_measurements(table(), device_a="Esaote", device_b="esaote ")


def test_the_rule_of_the_range_is_the_correlation():
    tidy = table()
    own = tidy["device"] == "Philips"
    rng = np.random.default_rng(2)
    for spread, refused in ((6, False), (60, True)):
        noisy = tidy.copy()
        noisy.loc[own, "value"] += rng.normal(0, spread, own.sum())
        values = noisy.pivot_table(
            index=["subject", "muscle"], columns="device", values="value"
        )
        shared = values.corr().iloc[0, 1]
        assert (shared < pairs_module.MIN_CORRELATION) == refused
        if refused:
            with pytest.raises(ReferenceSetError, match=f"{shared:.2f}"):
                pair_measurements(noisy, **DEVICES)
        else:
            assert pair_measurements(noisy, **DEVICES).n == 24
