"""Spreadsheets read as texts, and hostile ones refused in one sentence."""

from __future__ import annotations

import io
import re
import zipfile

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_muscle_us.errors import ResultsError
from napari_muscle_us.io import _spreadsheet_xlsx, spreadsheet
from napari_muscle_us.io.spreadsheet import number_of, read_spreadsheet, sheet_names

TABLE = [
    ["Code", "Muskel", "EI", "Größe"],
    ["S1", "Soleus", "61,5", "1,75"],
    ["S2", "M. soleus", "n/a", "1,60"],
]


@pytest.fixture
def write(tmp_path):
    def write_file(content, name="table.csv"):
        path = tmp_path / name
        if isinstance(content, str):
            content = content.encode("utf-8")
        path.write_bytes(content)
        return path

    return write_file


def workbook(rows, *, merge=None, sheets=()):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if merge:
        book.active.merge_cells(merge)
    for title, content in sheets:
        page = book.create_sheet(title)
        for row in content:
            page.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def changed(content, part, change):
    """Return a workbook whose part was changed."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            data = old.read(name)
            new.writestr(name, change(data) if name == part else data)
    return buffer.getvalue()


def rows_of(frame):
    return [list(frame.columns), *frame.to_numpy().tolist()]


@pytest.mark.parametrize(
    "delimiter", [";", "\t", ","], ids=["semicolon", "tab", "comma"]
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16"])
def test_text_files_of_all_kinds(write, delimiter, encoding):
    lines = [
        delimiter.join(f'"{c}"' if delimiter in c else c for c in row) for row in TABLE
    ]
    frame = read_spreadsheet(write("\r\n".join(lines).encode(encoding)))
    assert rows_of(frame) == TABLE
    assert frame.index.tolist() == [2, 3]


def test_rows_keep_their_numbers_and_blank_ones_go(write):
    frame = read_spreadsheet(write("a,b,\n1,2,\n,,\n\n3,4,\n"))
    assert rows_of(frame) == [["a", "b"], ["1", "2"], ["3", "4"]]
    assert frame.index.tolist() == [2, 5]


def test_xlsx_values_as_texts(write):
    rows = [
        ["id", "n", "EI", "text", "flag"],
        ["007", 3, 61.5, " 1,5 ", True],
        [7, 3.0, 0.1, None, False],
    ]
    frame = read_spreadsheet(write(workbook(rows), "odd.name"))
    assert rows_of(frame) == [
        ["id", "n", "EI", "text", "flag"],
        ["007", "3", "61.5", "1,5", "TRUE"],
        ["7", "3", "0.1", "", "FALSE"],
    ]


def test_xlsx_sheet_is_chosen_or_asked_for(write):
    content = workbook([["a"], [1]], sheets=[("Controls", [["b"], [2]])])
    with pytest.raises(ResultsError, match=r"2 sheets with values \('Sheet', 'Contr"):
        read_spreadsheet(write(content))
    assert rows_of(read_spreadsheet(write(content), sheet="Controls")) == [["b"], ["2"]]
    with pytest.raises(ResultsError, match="has no sheet 'X'; it has 'Sheet'"):
        read_spreadsheet(write(content), sheet="X")
    assert sheet_names(write(content)) == ("Sheet", "Controls")
    only = workbook([["a"], [1]], sheets=[("Empty", [])])
    assert sheet_names(write(only)) == ("Sheet",)
    assert rows_of(read_spreadsheet(write(only))) == [["a"], ["1"]]


def test_sheet_names_are_those_to_choose_from(write, tmp_path):
    book = openpyxl.Workbook()
    for title, state in (("Älter", "visible"), ("Hidden", "hidden"), ("B", "visible")):
        page = book.create_sheet(title)
        page.append(["a"])
        page.sheet_state = state
    path = tmp_path / "book.xlsx"
    book.save(path)
    assert sheet_names(path) == ("Älter", "B")
    assert sheet_names(write("a,b\n1,2\n")) == ()
    with pytest.raises(ResultsError, match="cannot be read"):
        sheet_names(tmp_path / "gone.xlsx")


def test_formula_with_and_without_a_saved_value(write):
    content = workbook([["a", "b"], [1, "=A2*2"]])
    with pytest.raises(ResultsError, match=r"Cell B2 .* was not saved; open the file"):
        read_spreadsheet(write(content))
    part = "xl/worksheets/sheet1.xml"
    cached = changed(
        content, part, lambda data: re.sub(rb"<v\s*/>|<v></v>", b"<v>2</v>", data)
    )
    assert rows_of(read_spreadsheet(write(cached))) == [["a", "b"], ["1", "2"]]


SECOND = "subject,age,EI\n,years,gray level\nS1,40,60\nS2,50,61\n"


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("", "is empty"),
        ("a,b\n", "no rows below"),
        ("a,a\n1,2\n", "Columns 1 and 2 .* same name"),
        ("a,A\n1,2\n", "Columns 1 and 2 .* same name"),
        (
            "Controls 2024,,\ncode,EI,age\nS1,60,40\n",
            "Row 2 .* 3 cells .* one header row",
        ),
        ("code,,EI\nS1,left,60\n", r"Column 2 .* merged cells .* one header row"),
        (SECOND, "Row 2 .* word in column 2, where numbers follow.* one header row"),
        ("S1,60,40\nS2,61,41\n", "first row .* holds numbers"),
        ("a,b\n1,61,5\n", "Row 2 .* 3 cells and the header 2"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "old kind"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
            + "EncryptedPackage".encode("utf-16-le"),
            "password",
        ),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "no text"),
        (b"PK\x03\x04 broken", "cannot be read as an XLSX"),
        ("a,b\n" + '"' + "x" * 200_000 + '",1\n', "Row 2 .* no row of a table"),
    ],
    ids=lambda value: value[:18] if isinstance(value, str) else None,
)
def test_wrong_files_in_one_sentence(write, one_sentence, content, match):
    with pytest.raises(ResultsError, match=match) as error:
        read_spreadsheet(write(content))
    assert one_sentence(str(error.value))


def test_merged_header_of_a_workbook(write, one_sentence):
    rows = [["code", "EI", None], [None, "left", "right"], ["S1", 60, 61]]
    with pytest.raises(
        ResultsError, match=r"merged cells \(B1:C1\) .* one header"
    ) as error:
        read_spreadsheet(write(workbook(rows, merge="B1:C1")))
    assert one_sentence(str(error.value))


def test_an_odd_first_row_that_is_data_is_kept(write):
    frame = read_spreadsheet(write("code,EI,note\nA,60,first\n1,61,2\n2,62,3\n"))
    assert frame["note"].tolist() == ["first", "2", "3"]


def other_zip():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("photo.txt", "x")
    return buffer.getvalue()


def encrypted():
    content = bytearray(workbook([["a"], [1]]))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        for match in re.finditer(re.escape(signature), bytes(content)):
            content[match.start() + offset] |= 1
    return bytes(content)


ENTITY = b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'


def with_doctype(data):
    start = data.find(b"?>") + 2 if data.startswith(b"<?xml") else 0
    return data[:start] + ENTITY + data[start:]


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (other_zip(), "zip file but no XLSX"),
        (encrypted(), "password"),
        (
            changed(workbook([["a"], [1]]), "xl/worksheets/sheet1.xml", with_doctype),
            "entities",
        ),
        (
            changed(
                workbook([["a"], [1]]),
                "xl/styles.xml",
                lambda data: data.decode().encode("utf-16"),
            ),
            "strange encoding",
        ),
        (
            changed(
                workbook([["a"], [1]]),
                "xl/workbook.xml",
                lambda data: b'<?xml version="1.0" encoding="cp037"?>' + data,
            ),
            "strange encoding",
        ),
        (changed(workbook([["a"], [1]]), "xl/workbook.xml", lambda d: d[:40]), "XLSX"),
    ],
    ids=["other-zip", "encrypted", "entity", "utf-16", "ebcdic", "cut"],
)
def test_hostile_workbooks(write, one_sentence, content, match):
    for read in (read_spreadsheet, sheet_names):
        with pytest.raises(ResultsError, match=match) as error:
            read(write(content))
        assert one_sentence(str(error.value))


def test_a_zip_bomb_is_refused_before_it_is_unpacked(write, monkeypatch):
    bomb = changed(
        workbook([["a"], [1]]),
        "xl/worksheets/sheet1.xml",
        lambda data: data + b" " * 2_000_000,
    )
    assert len(bomb) < 20_000
    monkeypatch.setattr(_spreadsheet_xlsx, "MAX_UNPACKED", 1_000_000)

    def opened(*_, **__):
        raise AssertionError("a part was unpacked")

    monkeypatch.setattr(zipfile.ZipFile, "open", opened)
    with pytest.raises(ResultsError, match="unpacks to 2 MB"):
        read_spreadsheet(write(bomb))


def test_a_row_far_down_and_a_lying_size_do_not_fill_the_memory(write, monkeypatch):
    monkeypatch.setattr(spreadsheet, "MAX_ROWS", 10_000)
    content = workbook([["a"], [1]])
    part = "xl/worksheets/sheet1.xml"
    lying = changed(
        content, part, lambda data: data.replace(b'ref="A1:A2"', b'ref="A1:XFD1048576"')
    )
    assert rows_of(read_spreadsheet(write(lying))) == [["a"], ["1"]]
    far = changed(
        content,
        part,
        lambda data: data.replace(b'r="2"', b'r="99999999999"').replace(
            b'r="A2"', b'r="A99999999999"'
        ),
    )
    with pytest.raises(ResultsError, match="more than 10000 rows"):
        read_spreadsheet(write(far))


@pytest.mark.parametrize("limit", ["MAX_BYTES", "MAX_ROWS", "MAX_COLUMNS", "MAX_CELLS"])
def test_bounds(write, monkeypatch, limit):
    monkeypatch.setattr(spreadsheet, limit, 2)
    with pytest.raises(ResultsError, match=r"has more than"):
        read_spreadsheet(write("a,b,c\n1,2,3\n4,5,6\n7,8,9\n"))


def test_paths_that_cannot_be_read(tmp_path):
    for path in (tmp_path, tmp_path / "none.csv", "\0"):
        with pytest.raises(ResultsError):
            read_spreadsheet(path)


@given(st.floats(-1e9, 1e9), st.booleans())
def test_numbers_in_both_notations(number, comma):
    text = repr(number)
    assert number_of(text.replace(".", ",") if comma else text) == number


@pytest.mark.parametrize(
    "text", ["1.234,5", "1 234", "12:30", "5'11", "<60", "1e999", "nan1", "0x10", "٣"]
)
def test_what_is_no_number(text):
    assert number_of(text) is None


@given(st.binary(max_size=300))
def test_any_bytes_give_a_table_or_a_sentence(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "t.csv"
    path.write_bytes(content)
    try:
        frame = read_spreadsheet(path)
    except ResultsError:
        return
    assert len(frame) >= 1
    assert frame.map(lambda cell: isinstance(cell, str)).all(axis=None)
