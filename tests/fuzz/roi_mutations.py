"""Damage to what holds regions: JSON, autosaves, results tables, RoiSet archives."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import struct
import warnings
import zipfile
from typing import TYPE_CHECKING, Any, Final

from tests.fuzz import roi_seeds

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

# JSON

_TOKENS: Final = (
    *("NaN", "Infinity", "-Infinity", "1e999", "-1e999", "5e-324", "1e308", "-0.0"),
    *("0", "-1", "1", "2.5", "9" * 400, "-" + "9" * 4200, "9" * 5000, "1e6", "1000001"),
    *("4294967296", "18446744073709551616", "true", "false", "null"),
    *("{}", "[]", "[[]]"),
    *('""', '"nan"', '"../../x"', '"\\u0000"', '"\\ud800"', '"\\n"', '"=1+1"'),
    *('"polygon"', '"composite"', '"polyline"', '"points"', '"rectangle"', '"ellipse"'),
    *("[1, 2]", "[NaN, 1]", "[[0, 0], [1, 1]]", '{"type": "polygon"}', '{"a": 1}'),
)
_DEEP: Final = (10, 900, 3000, 100_000)
_THOUSANDS: Final = (255, 257, 1000, 1001, 5000, 20_000)
_MOST_TEXT: Final = 200_000
_SPLIT: Final = "\x00here\x00"
"""Stands for a piece of text that no value of Python gives."""


def hostile_json(chance: random.Random, text: str) -> str:
    """Return a JSON text with a value replaced, left out, doubled or nested deep."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return _damaged_text(chance, text)
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        if len(json.dumps(value)) > _MOST_TEXT:
            break  # Thousands of thousands would be too large to be made.
        value, piece = _changed(chance, value)
        if piece is not None:
            # A later change could not get at the piece.
            return json.dumps(value).replace(json.dumps(_SPLIT), piece, 1)
    text = json.dumps(value)
    return _damaged_text(chance, text) if chance.random() < 0.05 else text


def _damaged_text(chance: random.Random, text: str) -> str:
    at = chance.randrange(len(text) + 1)
    piece = chance.choice((*'{}[]",:\\', "NaN", "\x00", "1e5", "é"))
    return text[:at] + piece + text[at + chance.choice((0, 1, 5)) :]


def _changed(chance: random.Random, value: Any) -> tuple[Any, str | None]:
    """Return a value with one place in it changed; a text to stand there, perhaps."""
    holder, key = _somewhere(chance, value)
    if holder is None:
        return _SPLIT, chance.choice(_TOKENS)
    how = chance.choices(range(6), (50, 8, 14, 10, 10, 8))[0]
    if how == 0:
        holder[key] = _SPLIT
        return value, chance.choice(_TOKENS)
    if how == 1:
        depth = chance.choice(_DEEP)
        start, stop = chance.choice((("[", "]"), ('{"a":', "}")))
        holder[key] = _SPLIT
        return value, start * depth + "1" + stop * depth
    if how == 2:
        del holder[key]
    elif how == 3:
        other, there = _somewhere(chance, value)
        if other is not None:
            holder[key] = json.loads(json.dumps(other[there]))
    elif how == 4:
        items = [holder[key]] if chance.random() < 0.5 else holder[key]
        if isinstance(items, list) and items and len(json.dumps(items[0])) < 2000:
            size = len(json.dumps(items[0]))
            fits = [t for t in _THOUSANDS if t * size < 1_000_000]
            holder[key] = items + items[:1] * chance.choice(fits or [2])
    else:
        if isinstance(holder, dict):
            holder[chance.choice(("unknown", "", "type", "x" * 3000, "a\n"))] = 1
        else:
            holder.insert(0, chance.choice((None, "x", [], {}, [[]], True)))
    return value, None


def _somewhere(chance: random.Random, value: Any) -> tuple[Any, Any]:
    """Return a container in a value and a key of it, at any depth alike."""
    holder, key = None, None
    current = value
    while isinstance(current, dict | list) and current:
        holder = current
        keys = list(current) if isinstance(current, dict) else range(len(current))
        key = chance.choice(keys)
        current = current[key]
        if chance.random() < 0.12:
            break
    return holder, key


# Autosaves


def autosave(chance: random.Random, _kind: str, content: bytes) -> bytes:
    """Damage an autosave and give it a right checksum, most of the time."""
    text = hostile_json(chance, content.decode("utf-8", "replace"))
    if chance.random() < 0.15:
        return text.encode("utf-8", "surrogatepass")
    return with_checksum(text)


def with_checksum(text: str) -> bytes:
    """Return an autosave with the checksum of what it holds, as far as it is one."""
    try:
        stored = json.loads(text)
        if isinstance(stored, dict):
            stored.pop("checksum", None)
            body = json.dumps(stored, sort_keys=True, separators=(",", ":"))
            digest = hashlib.sha256(body.encode("ascii")).hexdigest()
            rest = body[1:] if body != "{}" else '"a":1}'
            return f'{{"checksum":"{digest}",{rest}'.encode("ascii")
    except (ValueError, RecursionError):
        pass
    return text.encode("utf-8", "surrogatepass")


# Results tables

_MOST_ROWS: Final = 4
_JSON_COLUMNS: Final = ("method", "roi_geometry")
_CELLS: Final = (
    *("", "nan", "inf", "-1", "1e400", "99999999999999999999", "x", "../scan.png"),
    *("sample:", "scan 2.png", "..", "intensity.mean", "repeats.cv", "\x00", "=1+1"),
    *("intensity.percentile", "intensity.band", "intensity.mean_fat_young2015"),
    *("intensity.luminosity_ratio", "z.echo_intensity", "repeats.side_difference"),
)


def table(chance: random.Random, _kind: str, content: bytes) -> bytes:
    """Keep a few rows, and damage their method, their outline or another cell."""
    try:
        rows = list(csv.DictReader(io.StringIO(content.decode())))
        names = list(rows[0])
    except (ValueError, IndexError, csv.Error):
        return content
    rows = [dict(r) for r in chance.choices(rows, k=chance.randrange(1, _MOST_ROWS))]
    for row in rows:
        known = [c for c in _JSON_COLUMNS if isinstance(row.get(c), str)]
        if known and chance.random() < 0.9:
            column = chance.choice(known)
            row[column] = _inside(chance, row[column])
        else:
            row[chance.choice(names)] = chance.choice(_CELLS)
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, names, extrasaction="ignore", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue().encode("utf-8", "surrogatepass")


def _inside(chance: random.Random, text: str) -> str:
    """Damage a JSON text, or one of those that stand in it as texts."""
    try:
        value = json.loads(text)
        inputs = value.get("inputs") if isinstance(value, dict) else None
        if isinstance(inputs, list) and inputs and chance.random() < 0.5:
            one = chance.choice(inputs)
            column = chance.choice(_JSON_COLUMNS)
            inner = one.get(column)
            if isinstance(inner, str):
                one[column] = hostile_json(chance, inner)
                return json.dumps(value)
    except (ValueError, RecursionError, AttributeError):
        pass
    return hostile_json(chance, text)


# Operations


def shapes(chance: random.Random, _kind: str, content: bytes) -> bytes:
    """Return another operation, or one with a value that is no region's."""
    content = roi_seeds.program(chance)
    if chance.random() < 0.1:
        content = hostile_json(chance, content.decode()).encode("utf-8", "replace")
    return content


# Archives

_NAMES: Final = (
    *("../../evil.roi", "/etc/evil.roi", "C:\\evil.roi", "..\\..\\evil.roi", ".roi"),
    *("CON.roi", "a/b/c/d.roi", "._a.roi", "__MACOSX/a.roi", "x" * 300 + ".roi"),
    *("a\nb.roi", "a\u202egnp.roi", "dir/", "RF.ROI", "no suffix", "é.roi", " .roi"),
    *("0001-0002-0003.roi", "RF.roi", "RF.roi", "RF-1.roi", "\\.roi", "a\x7f.roi"),
)
_FLAGS: Final = (0x1, 0x8, 0x20, 0x40, 0x800, 0x2000, 0xFFFF)


def archive(chance: random.Random, _kind: str, content: bytes) -> bytes:
    """Give an archive hostile names, sizes that lie, bombs, locks or copies."""
    from tests.fuzz.mutations import unzipped

    files = [(name, part) for name, part in unzipped(content).items()]
    if not files:
        return content
    how = chance.randrange(6)
    if how == 0:
        files = [(chance.choice(_NAMES), part) for _, part in files]
    elif how == 1:
        name = chance.choice(("bomb.roi", "bomb"))
        size = chance.choice((1_000, 1_000_000, 30_000_000))
        files.append((name, chance.choice((b"Iout", b"")) + bytes(size)))
    elif how == 2:
        files.insert(chance.randrange(len(files)), ("inner.roi", content))
        files.insert(chance.randrange(len(files)), ("inner.zip", content))
    elif how == 3:
        files = (files * 50)[: chance.choice((50, 300, 700))]
    content = packed(files, chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))
    return lying(chance, content) if how >= 4 else content


def packed(
    files: Sequence[tuple[str, bytes]], method: int = zipfile.ZIP_STORED
) -> bytes:
    """Return an archive of files with whatever names, the same one for the same."""
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as made:
        warnings.simplefilter("ignore")  # Names that occur twice are meant.
        for name, part in files:
            info = zipfile.ZipInfo("x", (2020, 1, 2, 3, 4, 6))
            # ZipInfo would make some names harmless.
            info.filename = name
            info.compress_type = method
            with made.open(info, "w") as file:
                file.write(part)
    return buffer.getvalue()


def lying(chance: random.Random, content: bytes) -> bytes:
    """Change flags, methods or sizes of an archive where they are stated twice."""
    changed = bytearray(content)
    # Flags, method, checksum, packed and unpacked size, in each of the two places.
    width, at = chance.choice((("H", 6), ("H", 8), ("I", 14), ("I", 18), ("I", 22)))
    value = chance.choice(
        _FLAGS if at == 6 else (0, 1, 8, 14, 99, 1000, 65535, 10**9, 2**32 - 1)
    )
    both = chance.random() < 0.6
    heads = ((b"PK\3\4", at), (b"PK\1\2", at + 2))
    for magic, offset in heads if both else heads[1:]:
        start = changed.find(magic)
        while start >= 0 and start + 30 <= len(changed):
            if chance.random() < 0.5:
                limit = 0xFFFF if width == "H" else 0xFFFFFFFF
                struct.pack_into(f"<{width}", changed, start + offset, value & limit)
            start = changed.find(magic, start + 4)
    return bytes(changed)
