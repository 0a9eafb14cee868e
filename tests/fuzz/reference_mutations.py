"""Damage to reference sets, device conversions and clinical spreadsheets."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile
from typing import TYPE_CHECKING, Any, Final

from tests.fuzz import roi_mutations

if TYPE_CHECKING:
    import random

# JSON with a checksum

_FACTORS: Final = (-1, 0, 2, 10, 0.1, 1e3, 1e-3, 1e9, 1e-9, 1e150, 1e-300, 1 + 1e-12)
_STEPS: Final = (1, -1, 0.5, 1e-9, 100)
_WORDS: Final = (
    *("linear", "groups", "lms", "quantiles", "quantile_table", "residual", "plain"),
    *("1", "1 + age_years", "1 + bmi^4 + height_cm:weight_kg:age_years^3", "age_years"),
    *("male", "left", "non-dominant", "height_cm", "weight_kg", "who", "2", "", " "),
    *("__import__('os')", "1 + I(age)", "1 +", "C(sex)", "1 + 1", "intensity.mean"),
    *("size.thickness", "Tongue", "tongue ", "TONGUE", "x" * 250, "é", "e\u0301", "=1"),
    *("1 + age_years^99", "1" + " + age_years" * 70, "\u202egnp", "a\u2028b", "a\tb"),
)


def document(chance: random.Random, _kind: str, content: bytes) -> bytes:
    """Damage a set or a conversion, and give it a right checksum most of the time."""
    text = content.decode("utf-8", "replace")
    if chance.random() < 0.75:
        text = _plausible(chance, text)
    if chance.random() < 0.2 or text.encode("utf-8", "replace") == content:
        text = roi_mutations.hostile_json(chance, text)
    if chance.random() < 0.1:
        return text.encode("utf-8", "surrogatepass")
    return _stamped(text)


def _plausible(chance: random.Random, text: str) -> str:
    """Change numbers and words so that most of the document stays what it was."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    places: list[tuple[Any, Any]] = []
    _leaves(value, places)
    if not places:
        return text
    for _ in range(chance.choice((1, 1, 2, 4))):
        holder, key = chance.choice(places)
        old = holder[key]
        if isinstance(old, str):
            holder[key] = chance.choice((*_WORDS, old.upper(), f" {old}"))
        elif isinstance(old, int | float) and not isinstance(old, bool):
            holder[key] = chance.choice(
                (old * chance.choice(_FACTORS), old + chance.choice(_STEPS))
            )
    return json.dumps(value)


def _leaves(value: Any, places: list[tuple[Any, Any]]) -> None:
    """Gather where the words and numbers of a document are."""
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, inner in items:
        if isinstance(inner, dict | list):
            _leaves(inner, places)
        else:
            places.append((value, key))


def _stamped(text: str) -> bytes:
    from napari_muscle_us.errors import ReferenceSetError
    from napari_muscle_us.reference.checksum import stamped

    try:
        told = json.loads(text)
        if isinstance(told, dict):
            text = json.dumps(stamped(told), ensure_ascii=False)
    except (ValueError, RecursionError, ReferenceSetError):
        pass
    return text.encode("utf-8", "surrogatepass")


# Spreadsheets

_CELLS: Final = (
    *("", " ", "-", "n/a", "nan", "inf", "-inf", "1e400", "1e308", "-1", "0", "255"),
    *("256", "61,5", "1.234,5", "1,234.5", "12 cm", "1_0", "\uff11\uff12", "0x10"),
    *("1e-320", "9" * 400, "9" * 5000, "TRUE", "=1+1", "#DIV/0!", "#REF!", "'1"),
    *("m", "f", "v", "w", "Mann", "both", "left", "L", "re", "links", "x", "20-39"),
    *("39-20", "20-20", "<40", "180", "1.80", "180 lbs", "1980", "480", "\x00"),
    *("C1", "C1.0", "c1", "Soleus", "soleus ", "\u202egnp", "\ufeff", '"', "a\nb"),
    *("intensity.mean", "size.thickness", "mm", "gray level", "1", "2", "10"),
    *("2026-01-31", "\u2028", "e" * 9000),
)  # fmt: skip
_HEADS: Final = (
    *("age", "Age (months)", "height (m)", "weight (lb)", "sex", "value", "EI"),
    *("muscle", "subject", "visit", "side", "", "measure", "unit", "n", "mean"),
    *("patient name", "L", "M", "S", "age from", "age to", "image", "dominance", "Z"),
    *("=1", "x" * 300),
)  # fmt: skip
_ENCODINGS: Final = ("utf-8-sig", "utf-16", "latin-1", "cp1252", "utf-32")
_MOST_ROWS: Final = 3000


def spreadsheet(chance: random.Random, _kind: str, content: bytes) -> bytes:
    """Damage cells, columns and header of a text file, or the parts of a workbook."""
    if content.startswith(b"PK"):
        return _workbook(chance, content)
    text = content.decode("utf-8", "replace")
    delimiter = ";" if text.count(";") > text.count(",") else ","
    try:
        rows = list(csv.reader(io.StringIO(text), delimiter=delimiter))
    except csv.Error:
        return content
    if len(rows) < 2:
        return content
    for _ in range(chance.choice((1, 1, 2, 3, 6))):
        _change_rows(chance, rows)
    if chance.random() < 0.1:
        delimiter = chance.choice((";", "\t", ",", "|"))
    buffer = io.StringIO()
    csv.writer(buffer, delimiter=delimiter).writerows(rows)
    encoding = chance.choice(_ENCODINGS) if chance.random() < 0.1 else "utf-8"
    return buffer.getvalue().encode(encoding, "replace")


def _change_rows(chance: random.Random, rows: list[list[str]]) -> None:
    """Change one thing in the rows of a table.

    The header stays above the values: without it a name would be that of a column.
    """
    how = chance.choices(range(9), (40, 8, 8, 8, 8, 8, 5, 5, 10))[0]
    row = chance.choice(rows[1:] or rows)
    place = chance.randrange(max(map(len, rows)) or 1)
    if how == 0:
        row[place : place + 1] = [chance.choice(_CELLS)]
    elif how == 1:
        rows[0][place : place + 1] = [chance.choice(_HEADS)]
    elif how == 2:
        for one in rows:
            del one[place : place + 1]
    elif how == 3:
        for one in rows:
            one[place:place] = one[place : place + 1]
    elif how == 4:
        rows.insert(chance.randrange(1, len(rows) + 1), list(row))
    elif how == 5:
        rows[1:] = [one for one in rows[1:] if one is not row]
    elif how == 6:
        # A merged header, or a title above it.
        rows.insert(
            0, [chance.choice(("Controls", "", "EI"))] + [""] * chance.randrange(9)
        )
    elif how == 7:
        times = chance.choice((2, 10, 100))
        rows[1:] = (rows[1:] * times)[:_MOST_ROWS]
    else:
        cell = chance.choice(_CELLS)
        for one in rows[1:]:
            one[place : place + 1] = [cell]


def _workbook(chance: random.Random, content: bytes) -> bytes:
    """Damage a part of a workbook, or how its parts are packed."""
    from tests.fuzz.mutations import unzipped

    files = unzipped(content)
    sheets = [name for name in files if name.endswith(".xml")]
    if not sheets:
        return content
    how = chance.randrange(8)
    name = chance.choice(sheets)
    likely = [n for n in sheets if "sheet1" in n or "Strings" in n]
    if likely and chance.random() < 0.7:
        name = chance.choice(likely)
    if how <= 4:
        files[name] = _damaged_xml(chance, files[name])
    elif how == 5:
        del files[name]
    elif how == 6:
        bomb = b'<a b="' + bytes(chance.choice((1000, 10**6, 3 * 10**7))) + b'"/>'
        files[name] = files[name][:200] + bomb + files[name][200:]
    method = chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    made = roi_mutations.packed(list(files.items()), method)
    return roi_mutations.lying(chance, made) if how == 7 else made


_ENTITIES: Final = (
    b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + b"".join(
        b'<!ENTITY %c "%s">' % (98 + k, b"&%c;" % (97 + k) * 10) for k in range(8)
    )
    + b"]>"
)
_PIECES: Final = (
    *(b"&i;", b"&#0;", b"&#xD800;", b"<f>1+1</f>", b"<v>1e999</v>", b"<v>99999999</v>"),
    *(b"<v></v>", b"<v>x</v>", b'<c r="XFD1048576"><v>1</v></c>', b"]]>", b"<!--"),
    *(b'<c r="A1" t="e"><v>#DIV/0!</v></c>', b'<mergeCell ref="A1:C1"/>', b"\xff\xfe"),
)


def _damaged_xml(chance: random.Random, content: bytes) -> bytes:
    """Put a piece in, change a number or an attribute, or leave a part out."""
    how = chance.randrange(5)
    at = chance.randrange(len(content) + 1)
    if how == 0:
        close = content.find(b">", at)
        at = at if close < 0 else close + 1
        return content[:at] + chance.choice(_PIECES) + content[at:]
    if how == 1:
        head = content.find(b"?>") + 2
        start = max(head, 0) if content.startswith(b"<?xml") else 0
        body = content[start:].replace(b"<v>", b"<v>&i;", 1)
        return content[:start] + _ENTITIES + body
    if how == 2:
        return content[:at] + content[at + chance.choice((1, 10, 200)) :]
    found = list(re.finditer(rb'(?<=>)[^<>]+(?=<)|(?<=")[^"<>]*(?=")', content))
    if not found:
        return content
    match = chance.choice(found)
    new = chance.choice(_CELLS).encode("utf-8", "replace")
    if how == 3:
        new = chance.choice(
            (b"-1", b"0", b"1048577", b"99999999999", b"A0", b"s", b"n")
        )
    return content[: match.start()] + new + content[match.end() :]
