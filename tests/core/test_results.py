"""The results table: columns, exact round trips, and files that are never half."""

from __future__ import annotations

import csv
import errno
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import napari_muscle_us as mus
from napari_muscle_us.errors import ResultsError
from napari_muscle_us.results import (
    COLUMNS,
    TEXT_COLUMNS,
    MeasuredValue,
    canonical_json,
    empty_results,
    results_frame,
)

AGREED = [
    *("subject", "visit", "image", "frame", "roi", "muscle", "side", "measure"),
    *("value", "unit", "method", "image_sha256", "roi_geometry"),
    *("software_version", "measured_at", "note"),
]


def row(**changes):
    values = dict.fromkeys(TEXT_COLUMNS, "text") | {"frame": 0, "value": 1.5}
    return values | changes


def table(*rows):
    return results_frame(rows)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "results.csv"


def test_the_columns_are_the_agreed_ones(formula_image, path):
    image = mus.UltrasoundImage(formula_image, "a.png", "0" * 64)
    rows = mus.measure_rois(image, [mus.Rectangle(4.5, 4.5, 10, 10, name="BB")])
    assert list(rows.columns) == list(COLUMNS) == AGREED
    assert rows["value"].dtype == np.float64
    assert rows["frame"].dtype == np.int64
    assert list(empty_results().columns) == AGREED
    mus.write_results(path, rows)
    with path.open(encoding="utf-8") as file:
        assert next(csv.reader(file)) == AGREED


@pytest.mark.parametrize("missing", ["value", "roi_geometry"])
def test_a_row_without_an_entry_is_no_row(missing):
    incomplete = row()
    del incomplete[missing]
    frame = results_frame([incomplete])
    # Never a made-up number: a missing value is NaN, a missing text is no text.
    assert pd.isna(frame[missing].iloc[0])


def test_a_measure_must_be_registered():
    with pytest.raises(ResultsError, match=r"'intensity\.glow' is not in the registry"):
        MeasuredValue("intensity.glow", 1.0, "gray level", {})


def test_a_missing_value_needs_a_reason():
    with pytest.raises(ResultsError, match="no value and no note"):
        MeasuredValue("intensity.sd", math.nan, "gray level", {})
    value = MeasuredValue("intensity.sd", math.nan, "gray level", {}, "one pixel")
    assert value.note == "one pixel"


def test_every_missing_value_of_a_real_table_has_its_reason(formula_image):
    image = mus.UltrasoundImage(formula_image, "a.png", "0" * 64)
    rows = mus.measure_rois(image, [mus.Rectangle(4.5, 4.5, 1, 1, name="one pixel")])
    missing = rows[rows["value"].isna()]
    assert set(missing["measure"]) == {
        "intensity.sd",
        "intensity.skewness",
        "intensity.kurtosis",
    }
    assert (missing["note"] == "undefined for a single pixel").all()


def test_json_is_the_same_text_for_the_same_content():
    assert canonical_json({"b": 0.1, "a": "µ"}) == '{"a":"µ","b":0.1}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json({"a": math.nan})


# Round trips

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=12)
HOSTILE = st.sampled_from(["=1+1", "'=1", "-3", "+A1", "@x", "NaN", "''", 'a"b,c'])


@given(st.lists(st.floats(), min_size=1, max_size=5), st.integers(-(2**62), 2**62))
def test_numbers_come_back_to_the_last_bit(tmp_path_factory, values, frame):
    file = tmp_path_factory.getbasetemp() / "floats.csv"
    mus.write_results(file, table(*[row(value=v, frame=frame) for v in values]))
    back = mus.read_results(file)
    assert [v.hex() for v in back["value"]] == [v.hex() for v in values]
    assert (back["frame"] == frame).all()


@given(st.lists(TEXT | HOSTILE, min_size=14, max_size=14))
def test_texts_come_back_as_they_were(tmp_path_factory, texts):
    file = tmp_path_factory.getbasetemp() / "texts.csv"
    rows = table(row(**dict(zip(TEXT_COLUMNS, texts, strict=True))))
    mus.write_results(file, rows)
    pd.testing.assert_frame_equal(mus.read_results(file), rows)


@pytest.mark.parametrize("text", ["=cmd|'/c calc'!A1", "+1", "-1", "@SUM(A1)"])
def test_a_spreadsheet_runs_no_formula(path, text):
    rows = table(row(roi=text, subject=text))
    mus.write_results(path, rows)
    with path.open(encoding="utf-8", newline="") as file:
        (stored,) = list(csv.DictReader(file))
    assert stored["roi"] == stored["subject"] == f"'{text}"
    assert mus.read_results(path)["roi"].tolist() == [text]


@pytest.mark.parametrize("text", ["a\rb", "a\nb", "a\tb", "a\0b"])
def test_a_text_stays_on_one_line(path, text):
    mus.write_results(path, table(row(roi=text)))
    assert mus.read_results(path)["roi"].tolist() == ["a b"]


def test_a_name_that_utf8_cannot_hold_costs_no_row(path):
    mus.write_results(path, table(row(image="scan\udcff.dcm")))
    assert mus.read_results(path)["image"].tolist() == ["scan?.dcm"]


def test_an_empty_table_comes_back(path):
    mus.write_results(path, empty_results())
    assert mus.read_results(path).empty


def test_a_table_saved_by_a_spreadsheet_is_read(path):
    mus.write_results(path, table(row()))
    plain = path.read_text(encoding="utf-8")
    path.write_bytes(b"\xef\xbb\xbf" + plain.replace("\n", "\r\n").encode())
    pd.testing.assert_frame_equal(mus.read_results(path), table(row()))


def test_writing_changes_nothing_in_the_table(path):
    rows = table(row(roi="=1"))
    before = rows.copy(deep=True)
    mus.write_results(path, rows)
    pd.testing.assert_frame_equal(rows, before)


# Appending and replacing


def test_append_keeps_what_is_there(path):
    mus.write_results(path, table(row(roi="first", value=0.1)), append=True)
    mus.write_results(path, table(row(roi="=second", value=0.2)), append=True)
    back = mus.read_results(path)
    assert back["roi"].tolist() == ["first", "=second"]
    assert back["value"].tolist() == [0.1, 0.2]
    mus.write_results(path, table(row(roi="third")))
    assert mus.read_results(path)["roi"].tolist() == ["third"]


@pytest.mark.parametrize("append", [False, True], ids=["replace", "append"])
@pytest.mark.parametrize(
    "content", [b"my,own,table\n1,2,3\n", b"\x89PNG\r\n\x1a\n", b"\xff\xfe\x00"]
)
def test_another_kind_of_file_is_left_alone(path, append, content):
    path.write_bytes(content)
    with pytest.raises(ResultsError, match="not a results table; choose another"):
        mus.write_results(path, table(row()), append=append)
    assert path.read_bytes() == content


def test_append_to_a_damaged_table_is_refused(path):
    mus.write_results(path, table(row()))
    damaged = path.read_bytes() + b"a,b\n"
    path.write_bytes(damaged)
    with pytest.raises(ResultsError, match="not a results table"):
        mus.write_results(path, table(row()), append=True)
    assert path.read_bytes() == damaged


# All or nothing


@pytest.mark.parametrize(
    "failure",
    [OSError(errno.ENOSPC, "No space left on device"), KeyboardInterrupt()],
    ids=["disk-full", "interrupted"],
)
def test_a_write_that_fails_leaves_the_old_table(path, monkeypatch, failure):
    mus.write_results(path, table(row(roi="old")))
    before = path.read_bytes()

    def half(frame, target, **options):
        target.write_bytes(b"subject,visit,im")
        raise failure

    monkeypatch.setattr(pd.DataFrame, "to_csv", half)
    if isinstance(failure, OSError):
        with pytest.raises(ResultsError, match="No space left on device"):
            mus.write_results(path, table(row(roi="new")))
    else:
        with pytest.raises(KeyboardInterrupt):
            mus.write_results(path, table(row(roi="new")))
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["results.csv"]


def test_where_nothing_can_be_written_it_is_said(path, tmp_path, one_sentence):
    blocked = tmp_path / "file"
    blocked.write_bytes(b"x")
    for target, words in (
        (tmp_path / "no" / "results.csv", r"'results\.csv' cannot be written"),
        (blocked / "results.csv", "cannot be written"),
        (tmp_path, "is a folder"),
        (tmp_path / ("x" * 300), "cannot be written"),
    ):
        with pytest.raises(ResultsError, match=words) as error:
            mus.write_results(target, table(row()))
        assert one_sentence(str(error.value)) or len(str(error.value)) > 500
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


# Files that are no tables


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"a,b\n1,2\n",
        ",".join(AGREED[:-1]).encode() + b"\n" + b"x," * 14 + b"x\n",
        ",".join(reversed(AGREED)).encode() + b"\n" + b"1," * 15 + b"1\n",
        ",".join(AGREED).encode() + b"\n" + b"1," * 14 + b"1\n",
        ",".join(AGREED).encode() + b"\n" + b"1," * 16 + b"1\n",
        ",".join(AGREED).encode() + b"\n" + b"x," * 15 + b"x\n",
        ",".join(AGREED).encode() + b"\n" + b"\xff," * 15 + b"1\n",
        ",".join(AGREED).encode() + b"\n" + b'"' + b"x" * 200_000,
    ],
    ids=[
        "empty",
        "other-columns",
        "a-column-less",
        "other-order",
        "short-row",
        "long-row",
        "no-number",
        "not-utf-8",
        "huge-field",
    ],
)
def test_what_is_no_results_table_is_refused(path, one_sentence, content):
    path.write_bytes(content)
    with pytest.raises(ResultsError, match=r"'results\.csv'") as error:
        mus.read_results(path)
    assert one_sentence(str(error.value))


def test_a_missing_table_is_said(tmp_path):
    with pytest.raises(ResultsError, match=r"'none\.csv' cannot be read"):
        mus.read_results(tmp_path / "none.csv")
    with pytest.raises(ResultsError, match="is a folder"):
        mus.read_results(tmp_path)
