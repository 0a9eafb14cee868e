"""The printed report: whole, well-formed, harmless, and with the numbers of the fit."""

from __future__ import annotations

import base64
import html
import io
import math
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from scipy.stats import t as student

from napari_muscle_us.errors import MuscleUSError, ReferenceSetError, ResultsError
from napari_muscle_us.reference.fitting import fit_report
from napari_muscle_us.reference.fitting._fit_people import formula_words, person
from napari_muscle_us.reference.fitting._report_html import (
    fixed,
    number,
    p_words,
    padded,
    text,
)
from napari_muscle_us.reference.fitting._report_methods import REFERENCES
from napari_muscle_us.reference.fitting._report_typical import typical_ages
from napari_muscle_us.reference.fitting.fit import fit_reference, reference_from_fit
from napari_muscle_us.reference.fitting.fit_plots import plots_of
from napari_muscle_us.reference.fitting.fit_report import report_html, write_fit_report
from napari_muscle_us.reference.fitting.fit_types import FitOptions
from napari_muscle_us.reference.parts import DeviceBinding, Span

SCRIPT = "<script>alert('x')</script>"
HOSTILE = f'{SCRIPT}"&$\\frac{{\u202e筋\x00'
MUSCLE = "Biceps brachii"
VOID = {"meta", "img", "br", "link", "input", "hr"}


def controls(n=45, *, muscle=MUSCLE, seed=0, sides=("left", "right"), mark=""):
    rng = np.random.default_rng(seed)
    people = pd.DataFrame(
        {
            "subject": [f"{mark}C{number:02}" for number in range(n)],
            "muscle": muscle,
            "age_years": rng.uniform(20, 80, n).round(1),
            "sex": np.where(np.arange(n) % 2, "male", "female"),
            "height_cm": rng.normal(172, 9, n).round(1),
            "weight_kg": rng.normal(75, 10, n).round(1),
        }
    )
    own = 45 + 0.3 * people["age_years"] - 12 * (people["sex"] == "male")
    own = own + rng.normal(0, 6, n)
    own[3] += 30
    parts = [
        people.assign(side=side, value=own + rng.normal(0, 3, n)) for side in sides
    ]
    return pd.concat(parts, ignore_index=True)


def both(table, *, title="Own controls", **options):
    """Return a fit and its set."""
    fit = fit_reference(table, options=FitOptions(**options))
    device = DeviceBinding(
        manufacturer="Acme", models=("Echo 1",), depth_mm=Span(low=40, high=40)
    )
    reference = reference_from_fit(
        fit, name="own", title=title, device=device, author="A. Author",
        licence="CC0-1.0", date="2026-01-31", protocol="Transverse.",
        exclusion="Any disease of nerve or muscle.",
    )  # fmt: skip
    return fit, reference


@pytest.fixture(scope="module")
def made():
    """Return a fit of two muscles, one more refused, its set and its report."""
    table = pd.concat(
        [
            controls(),
            controls(seed=1, muscle="Soleus", sides=("left",)),
            controls(n=6, muscle="Tongue"),
        ]
    )
    fit, reference = both(table, candidates=("age_years", "sex_male"))
    return fit, reference, report_html(fit, reference)


@pytest.fixture
def no_plots(monkeypatch):
    """Leave the pictures out, which take most of the time."""
    monkeypatch.setattr(fit_report, "plots_part", lambda fit: text(""))


class Page(HTMLParser):
    """Reads a page and complains of tags that are not closed or not ours."""

    def __init__(self, content):
        super().__init__()
        self.open, self.tags, self.attributes, self.words = [], [], [], []
        # Where a long word may break is no part of it.
        self.feed(content.replace("<wbr/>", ""))
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.words.append(data)


def cells(page):
    return " | ".join(" ".join(page.words).split("\n"))


def section(content, muscle):
    """Return the words of the part of a muscle."""
    start = content.index("<section", content.index(f'id="{muscle}"') - 40)
    part = content[start : content.index("</section>", start)].replace("<wbr/>", "")
    return html.unescape(re.sub(r"<[^>]+>", " | ", re.sub(r'src="[^"]+"', "", part)))


def test_page_is_well_formed_and_needs_nothing_else(made):
    _, _, content = made
    page = Page(content)
    etree = pytest.importorskip("lxml.etree")
    etree.fromstring(content.removeprefix("<!DOCTYPE html>\n").encode())
    assert not {"script", "link", "iframe", "object", "svg", "form"} & set(page.tags)
    for name, value in page.attributes:
        assert not name.startswith("on")
        if name in ("src", "href"):
            assert value.startswith(("data:image/png;base64,", "#"))
    assert "http://" not in content
    assert "https://" not in content
    assert "url(" not in content
    assert "@import" not in content


def test_links_within_the_page_have_their_places(made):
    page = Page(made[2])
    places = {value for name, value in page.attributes if name == "id"}
    links = [value[1:] for name, value in page.attributes if name == "href"]
    assert len(links) == 4
    assert set(links) <= places


def test_each_muscle_starts_a_printed_page(made):
    assert made[2].count('<section class="muscle">') == 2
    printed = made[2].split("@media print")[1]
    assert re.search(r"section\.muscle[^}]*break-before: page", printed)


def test_plots_are_pictures_of_the_fit(made):
    fit, _, content = made
    found = re.findall(r'alt="[^"]+" src="data:image/png;base64,([^"]+)"', content)
    assert len(found) == sum(len(plots_of(one)) for one in fit.muscles)
    for picture in found:
        image = Image.open(io.BytesIO(base64.b64decode(picture)))
        assert image.size[0] >= 600
        assert np.asarray(image.convert("L")).std() > 5


def test_coefficients_and_their_errors_are_told(made):
    fit, _, content = made
    for place, one in enumerate(fit.muscles):
        words = section(content, f"m{place + 1}")
        reach = student.ppf(0.975, one.model.degrees_of_freedom)
        errors = np.sqrt(np.diag(one.model.covariance))
        for value, error in zip(one.model.coefficients, errors, strict=True):
            ends = (number(value - reach * error), number(value + reach * error))
            told = (
                f"{padded(value, 5)} |  | {padded(error, 3)} |  | {' to '.join(ends)}"
            )
            assert told in words
        assert f"{number(math.sqrt(one.model.residual_variance))} gray" in words
        assert one.limit_error.words in words
        assert one.model.remark in words


def test_parts_of_the_variance_are_told_of_a_mixed_model_only(made):
    fit, _, content = made
    assert fit.muscles[0].n_values == 90
    first, second = section(content, "m1"), section(content, "m2")
    said = re.search(r"SD between subjects ([\d.]+), .* subject ([\d.]+) gray", first)
    between, within = map(float, said.groups())
    assert between**2 + within**2 == pytest.approx(
        fit.muscles[0].model.residual_variance, rel=1e-3
    )
    assert "SD between subjects" not in second


def test_all_else_of_the_fit_is_told(made):
    fit, _, content = made
    for place, one in enumerate(fit.muscles):
        words = section(content, f"m{place + 1}")
        told = [one.left_out.words, one.diagnostics.suggestion, *one.warnings]
        for test in one.diagnostics.tests:
            told += [test.name, test.words]
            told.append(f"{number(test.statistic, 3)} |  | {p_words(test.p_value)}")
        for who in one.diagnostics.influential:
            told += [who.subject, who.words, number(who.cooks_distance, 3)]
            told += [number(who.leverage, 3), number(who.studentised, 3)]
        for band in one.left_out.bands:
            told.append(
                f"{number(band.low)} to {number(band.high)} |  | {band.n} |  | "
                f"{fixed(band.mean)} |  | {fixed(band.sd)}"
            )
        for candidate in one.candidates[:10]:
            told.append(formula_words(candidate.formula))
            told.append(padded(candidate.score, 5))
        assert one.diagnostics.influential
        assert len(one.left_out.bands) > 1
        assert [line for line in told if line not in words] == []
        assert words.count("| chosen |") == 1


def test_glance_has_a_line_a_muscle(made):
    fit, _, content = made
    words = cells(Page(content))
    start = words.index("Muscles at a glance")
    glance = words[start : words.index("Muscles that were not fitted", start)]
    for one in fit.muscles:
        error, out = one.limit_error, one.left_out
        line = [
            one.muscle, formula_words(one.model.formula), one.n_subjects, one.n_values,
            padded(one.model.residual_variance**0.5, 3),
            padded(error.standard_error, 3), fixed(error.in_sd), error.more_to_halve,
            fixed(out.mean), fixed(out.sd), fixed(out.coverage, 1),
        ]  # fmt: skip
        assert " ".join(map(str, line)) in glance


def test_refused_muscles_are_told_with_their_reason(made):
    fit, _, content = made
    ((muscle, reason),) = fit.refused
    assert muscle == "Tongue"
    assert f'<td class="w">{muscle}</td><td class="w">{text(reason)}' in content


def test_set_device_and_people_are_told(made):
    _, reference, content = made
    words = cells(Page(content))
    for told in (
        reference.checksum, "Acme Echo 1", "40 to 40 mm", "Transverse.", "2026-01-31",
        "Any disease of nerve or muscle.", "45 subjects, 23 women, 22 men", "CC0-1.0",
    ):  # fmt: skip
        assert told in words


def test_codes_stand_only_where_subjects_pull(made):
    fit, _, content = made
    pull = {w.subject for one in fit.muscles for w in one.diagnostics.influential}
    page = " ".join(Page(content).words)
    assert set(re.findall(r"\bC\d\d\b", page)) == pull
    assert len(pull) < 45


def test_predicted_values_are_those_of_the_model(made):
    fit, _, content = made
    words = cells(
        Page(content[content.index('<h2 id="typical"') :].partition("</sec")[0])
    )
    one = fit.muscles[0]
    assert typical_ages(one) == [30.0, 40.0, 50.0, 60.0, 70.0]
    for sex, name in (("female", "women"), ("male", "men")):
        for age in typical_ages(one):
            ends = one.model.value_at(
                person(one, sex=sex, age_years=age), np.array([2.5, 50, 97.5])
            )
            shown = " ".join(fixed(float(end), 1) for end in ends)
            assert f"{name} {age:g} {shown}" in words


def test_methods_name_what_was_done_and_all_references_have_a_doi(made):
    words = cells(Page(made[2]))
    for told in (
        "fitted to 45 healthy controls (23 women, 22 men", "random intercept",
        "f/(f + 8)", "10 folds, random order 0", "Acme Echo 1",
    ):  # fmt: skip
        assert told in words
    assert all(re.search(r"doi:10\.\d{4,}/\S+$", ref) for ref in REFERENCES.values())
    marks = {int(m) for group in re.findall(r"\[([\d, ]+)\]", words)
             for m in group.split(", ")}  # fmt: skip
    listed = made[2].split('<ol class="small">')[1].split("</ol>")[0].count("<li>")
    assert marks == set(range(1, listed + 1))


@pytest.mark.parametrize(
    ("options", "told", "not_told"),
    [
        ({"repeated": "left"}, "Only values of the left side", "random intercept"),
        ({"repeated": "mean"}, "All values of a subject were averaged", "f/(f + 8)"),
        ({"selection": "aicc"}, "corrected Akaike criterion", "10 folds"),
        ({"formula": "1 + age_years"}, "set beforehand: 1 + age_years", "[Stone"),
        ({"sd": "residual"}, "divided by the plain residual SD", "Student"),
        ({"scale": "log"}, "An analysis of transformations", "LMS"),
        (
            {"kind": "lms", "repeated": "mean", "folds": 3},
            "LMS method",
            "Candidate terms",
        ),
        (
            {"kind": "quantiles", "repeated": "mean", "formula": "1 + age_years"},
            "Regression quantiles",
            "SD of a new observation",
        ),
    ],
)
@pytest.mark.usefixtures("no_plots")
def test_methods_follow_the_options(options, told, not_told):
    words = cells(Page(report_html(*both(controls(n=60), **options))))
    methods = words[words.index("Reference values of echo intensity") :]
    assert told in methods
    assert not_told not in methods


def test_hostile_names_are_text():
    name = HOSTILE.replace("\x00", "").replace("\u202e", "")
    table = controls(muscle=name, mark=HOSTILE)
    fit, reference = both(
        table, title=name, selection="none", candidates=("age_years",)
    )
    fit = replace(fit, refused=((HOSTILE, HOSTILE),))
    content = report_html(fit, reference)
    page = Page(content)
    assert "script" not in page.tags
    assert content.count(text(SCRIPT)) > 10
    assert any(SCRIPT in words for words in page.words)
    for hidden in ("\u202e", "\x00", SCRIPT):
        assert hidden not in content


@pytest.mark.usefixtures("no_plots")
def test_numbers_that_are_none_are_dashes_with_a_reason(made):
    fit, reference, _ = made
    one = fit.muscles[0]
    nan = math.nan
    diagnostics = replace(
        one.diagnostics,
        tests=(replace(one.diagnostics.tests[0], statistic=nan, p_value=nan,
                       words="Too few to test.", passed=False),),
        box_cox_power=nan, box_cox_interval=(nan, nan),
    )  # fmt: skip
    left_out = replace(
        one.left_out, mean=nan, sd=nan, coverage=nan, bands=(), passed=False,
        words="None has a left-out Z.",
    )  # fmt: skip
    empty = replace(one, diagnostics=diagnostics, left_out=left_out)
    content = report_html(replace(fit, muscles=(empty,)), reference)
    words = section(content, "m1")
    assert "nan" not in words.casefold().replace("dominan", "")
    assert "– |  | – |  |  | look |  |  | Too few to test." in words
    assert "no power can be told" in words
    assert "None has a left-out Z." in words


def test_same_fit_gives_the_same_pictures_and_report(made):
    fit, reference, content = made
    one = replace(fit, muscles=fit.muscles[1:])
    again = report_html(one, reference)
    pictures = set(re.findall(r"base64,[^\"]+", again))
    assert len(pictures) == len(plots_of(fit.muscles[1]))
    assert pictures < set(re.findall(r"base64,[^\"]+", content))
    assert section(again, "m1") == section(content, "m2")


@pytest.mark.usefixtures("no_plots")
class TestWrite:
    def test_writes_what_it_makes(self, made, tmp_path):
        fit, reference, _ = made
        path = write_fit_report(tmp_path / "own.html", fit, reference)
        assert path == tmp_path / "own.html"
        assert path.read_bytes().decode() == report_html(fit, reference)
        assert [p.name for p in tmp_path.iterdir()] == ["own.html"]

    def test_replaces_a_report_only_when_allowed(self, made, tmp_path):
        fit, reference, _ = made
        path = write_fit_report(tmp_path / "own.html", fit, reference)
        path.write_text(path.read_text() + "<!-- older -->")
        with pytest.raises(ReferenceSetError, match="is there already; choose"):
            write_fit_report(path, fit, reference)
        assert path.read_text().endswith("<!-- older -->")
        write_fit_report(path, fit, reference, overwrite=True)
        assert path.read_text() == report_html(fit, reference)

    @pytest.mark.parametrize(
        "content", [b"", b"<html>letter</html>", b"\xff\x00" * 5000]
    )
    def test_never_replaces_another_file(self, made, tmp_path, content):
        fit, reference, _ = made
        path = tmp_path / "own.html"
        path.write_bytes(content)
        with pytest.raises(ReferenceSetError, match="is not a report"):
            write_fit_report(path, fit, reference, overwrite=True)
        assert path.read_bytes() == content

    @pytest.mark.parametrize(
        ("name", "error"),
        [
            ("own.txt", ReferenceSetError),
            ("own", ReferenceSetError),
            ("no/folder/own.html", ResultsError),
            ("fol.html", ResultsError),
            ("a\0.html", ResultsError),
        ],
    )
    def test_refuses_names_in_one_sentence(self, made, tmp_path, name, error):
        (tmp_path / "fol.html").mkdir()
        with pytest.raises(error):
            write_fit_report(tmp_path / name, made[0], made[1])
        assert [p.name for p in tmp_path.iterdir()] == ["fol.html"]

    def test_half_a_report_is_none(self, made, tmp_path, monkeypatch):
        def fail(one, *args, **kwargs):
            if one.muscle == "Soleus":
                raise MuscleUSError("Stopped.")
            return text("")

        monkeypatch.setattr(fit_report, "muscle_part", fail)
        with pytest.raises(MuscleUSError, match="Stopped"):
            write_fit_report(tmp_path / "own.html", made[0], made[1])
        assert list(tmp_path.iterdir()) == []

    def test_can_be_cancelled_and_tells_its_progress(self, made, tmp_path):
        fit, reference, _ = made
        done = []
        written = write_fit_report(
            tmp_path / "own.html", fit, reference,
            progress=lambda *steps: done.append(steps),
            cancelled=lambda: len(done) == 1,
        )  # fmt: skip
        assert written is None
        assert done == [(1, 2)]
        assert list(tmp_path.iterdir()) == []

    def test_refuses_the_set_of_another_fit(self, made, tmp_path):
        fit, _, _ = made
        _, other = both(controls(seed=7), candidates=("age_years",))
        with pytest.raises(ReferenceSetError, match="does not hold the model"):
            write_fit_report(tmp_path / "own.html", fit, other)
        with pytest.raises(ReferenceSetError, match="No muscle"):
            write_fit_report(tmp_path / "own.html", replace(fit, muscles=()), other)
        assert list(tmp_path.iterdir()) == []
