"""Parts of a printed page: escaped texts, numbers, tables, style.

All that comes from a file or a person goes through `text`. A `Part` holds markup that
is finished; nothing else is put on a page as it is.
"""

from __future__ import annotations

import html
import math
import re
import unicodedata
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NONE: Final = "–"
"""What stands for a number that is not known."""

_LONGEST: Final = 4000
_LONG_WORD: Final = re.compile(r"(?:\S{0,30}\s)*\S{0,30}")
_NOT_SHOWN: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


class Part(str):
    """Markup that is ready for a page."""

    __slots__ = ()


def text(value: object, *, longest: int = _LONGEST) -> Part:
    """Return a text escaped for a page; a `Part` as it is.

    Parameters
    ----------
    value : object
        Shown by ``str``. Letters that cannot be seen, such as control characters and
        those that turn the direction of writing, become U+FFFD.
    longest : int, default: 4000
        Letters that are kept.

    Examples
    --------
    >>> text('<b>"A & B"</b>')
    '&lt;b&gt;&quot;A &amp; B&quot;&lt;/b&gt;'
    """
    if isinstance(value, Part):
        return value
    told = str(value)
    if len(told) > longest:
        told = told[: longest - 1] + "…"
    seen = "".join(
        " "
        if letter in "\n\t\r"
        else "\N{REPLACEMENT CHARACTER}"
        if unicodedata.category(letter) in _NOT_SHOWN
        else letter
        for letter in told
    )
    # Columns are as wide as their longest word, so a very long one may break.
    pieces = filter(None, _LONG_WORD.findall(seen))
    return Part("<wbr/>".join(html.escape(piece, quote=True) for piece in pieces))


def number(value: float, digits: int = 4) -> str:
    """Return a number with so many significant digits; a dash where there is none.

    Examples
    --------
    >>> number(-0.0123456), number(123456.0), number(2.5e-9), number(float("nan"))
    ('−0.01235', '123456', '2.5 × 10⁻⁹', '–')
    """
    if math.isnan(value):
        return NONE
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    size = abs(value)
    if size == 0:
        return "0"
    if size >= 10**digits and size < 1e7:
        return f"{value:.0f}".replace("-", "−")
    shown = f"{value:.{digits}g}"
    if 1e-4 <= size < 1e7:
        return shown.replace("-", "−")
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    mantissa = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    raised = str(int(exponent)).translate(_RAISED)
    return f"{mantissa} × 10{raised}".replace("-", "−")


def padded(value: float, digits: int = 4) -> str:
    """Return a number with so many significant digits, zeros at its end included.

    Examples
    --------
    >>> padded(1.0, 3), padded(-7.5, 3), padded(1234.0), padded(float("inf"))
    ('1.00', '−7.50', '1234', '∞')
    """
    shown = number(value, digits)
    if not math.isfinite(value) or "×" in shown or value == 0:
        return shown
    full = f"{value:#.{digits}g}"
    if "e" in full:
        return shown
    return full.removesuffix(".").replace("-", "−")


_RAISED: Final = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def fixed(value: float, decimals: int = 2) -> str:
    """Return a number with so many decimals; a dash where there is none.

    Examples
    --------
    >>> fixed(-0.001), fixed(-1.254), fixed(float("nan"))
    ('0.00', '−1.25', '–')
    """
    if math.isnan(value):
        return NONE
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    shown = f"{value:.{decimals}f}"
    if float(shown) == 0:
        shown = shown.lstrip("-")
    return shown.replace("-", "−")


def p_words(value: float) -> str:
    """Return a p-value as journals print it.

    Examples
    --------
    >>> p_words(0.0004), p_words(0.0123), p_words(0.456)
    ('< 0.001', '0.012', '0.46')
    """
    if math.isnan(value):
        return NONE
    if value < 0.001:
        return "< 0.001"
    return f"{value:.3f}" if value < 0.1 else f"{value:.2f}"


def table(
    heads: Sequence[str], rows: Iterable[Sequence[object]], *, words: Sequence[int] = ()
) -> Part:
    """Return a table; cells are numbers but for the first column and `words`.

    Parameters
    ----------
    heads : sequence of str
        Names of the columns.
    rows : iterable of sequence
        Cells.
    words : sequence of int
        Columns beside the first that hold words.
    """
    left = {0, *words}
    head = "".join(_cell("th", place in left, h) for place, h in enumerate(heads))
    body = "".join(
        f"<tr>{''.join(_cell('td', k in left, cell) for k, cell in enumerate(row))}"
        "</tr>\n"
        for row in rows
    )
    return Part(
        f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table>\n"
    )


def _cell(tag: str, left: bool, content: object) -> str:
    kind = ' class="w"' if left else ""
    return f"<{tag}{kind}>{text(content)}</{tag}>"


def facts(pairs: Iterable[tuple[str, object]]) -> Part:
    """Return names and what is known of them; those with nothing are left out."""
    rows = "".join(
        f'<tr><th class="w">{text(name)}</th><td class="w">{text(value)}</td></tr>\n'
        for name, value in pairs
        if value not in ("", None)
    )
    return Part(f'<table class="facts"><tbody>\n{rows}</tbody></table>\n')


def heading(level: int, words: object, *, anchor: str = "") -> Part:
    """Return a heading."""
    place = f' id="{text(anchor)}"' if anchor else ""
    return Part(f"<h{level}{place}>{text(words)}</h{level}>\n")


def paragraph(words: object, kind: str = "") -> Part:
    """Return a paragraph; `kind` is a class of the style."""
    name = f' class="{text(kind)}"' if kind else ""
    return Part(f"<p{name}>{text(words)}</p>\n")


def bullets(sentences: Iterable[object], kind: str = "") -> Part:
    """Return a list of sentences; nothing for none."""
    items = "".join(f"<li>{text(sentence)}</li>\n" for sentence in sentences)
    name = f' class="{text(kind)}"' if kind else ""
    return Part(f"<ul{name}>\n{items}</ul>\n" if items else "")


def mark(kind: Literal["good", "ask", "bad"], words: str) -> Part:
    """Return words in the colour of a verdict."""
    return Part(f'<span class="{kind}">{text(words)}</span>')


def verdict(passed: bool) -> Part:
    """Return a word for whether a check was passed."""
    return mark("good", "passed") if passed else mark("bad", "look")


def joined(parts: Iterable[Part]) -> Part:
    """Return parts one after the other."""
    return Part("".join(parts))


def page(title: str, body: Part, *, generator: str) -> str:
    """Return a whole page, which loads nothing and runs nothing.

    Parameters
    ----------
    title : str
        Title of the window.
    body : Part
        What stands on it.
    generator : str
        Name by which such a page is known again.
    """
    return (
        "<!DOCTYPE html>\n"
        f'<html lang="en"><head><meta charset="utf-8"/>\n'
        f'<meta name="generator" content="{text(generator)}"/>\n'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
        "img-src data:; style-src 'unsafe-inline'\"/>\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1"/>\n'
        f"<title>{text(title)}</title>\n<style>\n{_STYLE}</style></head>\n"
        f"<body>\n{body}</body></html>\n"
    )


_STYLE: Final = """
@page { size: A4; margin: 16mm 14mm 16mm 14mm; }
body { font: 10.5pt/1.42 Georgia, 'Times New Roman', serif; color: #111;
  background: #fff; max-width: 182mm; margin: 8mm auto; padding: 0 4mm; }
h1, h2, h3, h4, table, figcaption, .small { font-family: Helvetica, Arial,
  'Liberation Sans', sans-serif; }
h1 { font-size: 19pt; line-height: 1.2; margin: 0 0 3mm; overflow-wrap: anywhere; }
h2 { font-size: 14pt; margin: 8mm 0 2mm; border-bottom: 0.4mm solid #119e73;
  overflow-wrap: anywhere; }
h3 { font-size: 10.5pt; margin: 5mm 0 1mm; }
p { margin: 1.5mm 0; overflow-wrap: anywhere; }
ul, ol { margin: 1.5mm 0; padding-left: 6mm; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-size: 8.3pt; line-height: 1.3;
  margin: 2mm 0; }
th, td { text-align: right; padding: 0.7mm 1.6mm; vertical-align: top;
  border-bottom: 0.2mm solid #ccc; font-variant-numeric: tabular-nums; }
th { font-weight: 600; border-bottom: 0.3mm solid #555; vertical-align: bottom; }
th.w, td.w { text-align: left; overflow-wrap: break-word; }
table.facts th { width: 34mm; border-bottom: 0.2mm solid #ccc; vertical-align: top; }
pre { font-size: 7.5pt; white-space: pre-wrap; overflow-wrap: anywhere; }
.plots { display: flex; flex-wrap: wrap; justify-content: space-between; }
figure { margin: 1.5mm 0; width: 49%; break-inside: avoid; }
figure.wide { width: 100%; }
figure img { width: 100%; display: block; }
figcaption { font-size: 7.8pt; line-height: 1.3; color: #333; }
figcaption b { color: #111; }
.good { color: #0b6e50; } .ask { color: #8a5a00; }
.bad { color: #b0003a; font-weight: 600; }
.note { border-left: 1mm solid #d9a400; padding-left: 3mm; }
.small { font-size: 8pt; color: #444; }
nav ul { columns: 2; font-size: 9pt; }
nav a { color: inherit; }
@media print {
  body { margin: 0; padding: 0; max-width: none; }
  section.muscle, section.methods { break-before: page; }
  h2, h3 { break-after: avoid; }
  tr, figure { break-inside: avoid; }
  thead { display: table-header-group; }
  a { color: inherit; text-decoration: none; }
}
"""
