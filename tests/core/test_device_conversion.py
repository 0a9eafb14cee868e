"""Conversions between devices: exact inverse, honest range, error that Z carries."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from napari_muscle_us.cli_conversion import conversion as command
from napari_muscle_us.errors import MuscleUSError, ReferenceSetError, ResultsError
from napari_muscle_us.image import Device
from napari_muscle_us.reference.checksum import stamped
from napari_muscle_us.reference.conversion._deming import deming_lines
from napari_muscle_us.reference.conversion.conversion_file import (
    load_conversion,
    write_conversion,
)
from napari_muscle_us.reference.conversion.conversion_fit import (
    conversion_from_fit,
    fit_conversion,
)
from napari_muscle_us.reference.conversion.conversion_plots import (
    draw_agreement,
    draw_conversion,
)
from napari_muscle_us.reference.conversion.device_conversion import (
    DeviceConversion,
    example_conversion,
)
from napari_muscle_us.reference.conversion.method_comparison import deming
from napari_muscle_us.reference.conversion.pairs import pair_measurements
from napari_muscle_us.reference.conversion.phantom_conversion import phantom_conversion
from napari_muscle_us.reference.kinds.linear import LinearModel
from napari_muscle_us.reference.parts import DeviceBinding, Span

ESAOTE = DeviceBinding(manufacturer="Esaote", models=("MyLab",))
PHILIPS = DeviceBinding(manufacturer="Philips", models=("iU22",))
LABELS = {
    "name": "esaote-to-philips",
    "title": "Esaote to Philips",
    "citation": "Own data.",
    "licence": "CC0-1.0",
    "author": "Our laboratory",
    "date": "2026-11-23",
}


def paired(
    *, people=200, muscles=3, error_x=6.0, error_y=0.5, seed=1, slope=0.6, repeats=1
):
    """Return a tidy table: y = 9 + slope · true, x = true, each with its error."""
    rng = np.random.default_rng(seed)
    rows = []
    for person in range(people):
        for muscle in range(muscles):
            true = rng.normal(70, 15)
            for _ in range(repeats):
                x = true + rng.normal(0, error_x)
                y = 9 + slope * true + rng.normal(0, error_y)
                rows.append((f"S{person}", f"M{muscle}", "Esaote", x))
                rows.append((f"S{person}", f"M{muscle}", "Philips", y))
    return pd.DataFrame(rows, columns=["subject", "muscle", "device", "value"])


def fitted(table=None, *, bootstrap=400, **options):
    pairs = pair_measurements(
        paired() if table is None else table, device_a="Esaote", device_b="Philips"
    )
    return fit_conversion(pairs, bootstrap=bootstrap, **options)


def made(fit):
    return conversion_from_fit(fit, source=ESAOTE, target=PHILIPS, **LABELS)


@pytest.fixture(scope="module")
def fit():
    return fitted(ratio=0.25 / 36)


def numbers(conversion):
    """Return all numbers of a conversion in one row."""
    return [
        conversion.slope,
        conversion.intercept,
        *conversion.slope_interval,
        *conversion.intercept_interval,
        *conversion.zero_interval,
        *np.ravel(conversion.covariance),
        conversion.residual_sd,
        conversion.source_range.low,
        conversion.source_range.high,
    ]


@settings(max_examples=100, deadline=None)
@given(
    slope=st.floats(0.05, 20),
    intercept=st.floats(-100, 100),
    share=st.floats(0, 1),
)
def test_the_inverse_is_the_true_inverse(slope, intercept, share):
    there = example_conversion().model_copy(
        update={
            "slope": slope,
            "intercept": intercept,
            "slope_interval": (slope / 2, slope * 2),
            "intercept_interval": (intercept - 1, intercept + 1),
            "zero_interval": (-intercept / slope - 3, -intercept / slope + 3),
        }
    )
    back = there.inverse()
    value = 20 + share * 120
    scale = max(abs(value), abs(intercept) / slope)
    assert abs(back.convert(there.convert(value)) - value) <= 1e-12 * scale
    assert (back.source, back.target) == (there.target, there.source)
    assert back.source_range == there.target_range
    again = back.inverse()
    assert again.name == there.name
    np.testing.assert_allclose(numbers(again), numbers(there), rtol=1e-9, atol=1e-9)


def test_the_inverse_carries_scatter_and_intervals_to_the_other_unit():
    there = example_conversion()
    back = there.inverse()
    # SD(y − a − b x) is 3 on the target; so 3 is what the inverse calls its source's.
    assert back.residual_sd == pytest.approx(3.0)
    assert back.extra_variance == pytest.approx(there.residual_sd**2)
    assert back.slope_interval == pytest.approx((1 / 0.6, 1 / 0.4))
    assert back.intercept_interval == there.zero_interval
    assert back.error_ratio == pytest.approx(4.0)
    assert back.name == "example-inverse"
    # The line is as uncertain at a muscle in either unit.
    assert back.line_sd(54.0) == pytest.approx(there.line_sd(100.0) / there.slope)


def test_the_covariance_of_the_inverse_by_simulation():
    there = example_conversion()
    rng = np.random.default_rng(1)
    cov = np.array(there.covariance) / 400
    a, b = rng.multivariate_normal([there.intercept, there.slope], cov, 200_000).T
    wanted = np.cov(-a / b, 1 / b) * 400
    np.testing.assert_allclose(there.inverse().covariance, wanted, rtol=0.03)


def test_least_squares_both_ways_are_no_inverses_and_deming_is():
    # Published regressions of 481 muscle pairs, Philips and Esaote.
    philips = lambda esaote: 9.886268 + 0.423521 * esaote  # noqa: E731
    esaote = lambda philips: 26.742152 + 1.150133 * philips  # noqa: E731
    assert esaote(philips(100.0)) == pytest.approx(86.8, abs=0.1)
    # Pairs with exactly these two regressions: variances 1 and ratio of the slopes.
    rng = np.random.default_rng(2)
    raw = rng.normal(size=(481, 2))
    raw -= raw.mean(axis=0)
    raw = np.linalg.qr(raw)[0] * math.sqrt(480)
    variance = 0.423521 / 1.150133
    rest = math.sqrt(variance - 0.423521**2)
    x = 60 + 15 * raw[:, 0]
    y = philips(60) + 15 * (0.423521 * raw[:, 0] + rest * raw[:, 1])
    assert np.polyfit(x, y, 1)[0] == pytest.approx(0.423521)
    assert np.polyfit(y, x, 1)[0] == pytest.approx(1.150133)
    for ratio in (0.1, 0.37, 1.0, 3.0):
        there, back = deming(x, y, ratio=ratio), deming(y, x, ratio=1 / ratio)
        assert 0.423521 < there.slope < 1 / 1.150133
        carried = there.intercept + there.slope * 100
        assert back.intercept + back.slope * carried == pytest.approx(100, rel=1e-10)


def test_values_are_converted_in_the_range_and_refused_outside(one_sentence):
    there = example_conversion()
    assert there.convert(20.0) == 14.0
    np.testing.assert_array_equal(
        there.convert([[20, np.nan], [140, 60]]), [[14, np.nan], [74, 34]]
    )
    assert math.isnan(there.convert(math.nan))
    assert isinstance(there.convert(20.0), float)
    for value in (19.99, 140.01, math.inf, -math.inf):
        with pytest.raises(ReferenceSetError, match=f"{value:g}.*20–140") as error:
            there.convert([60.0, value])
        assert one_sentence(str(error.value))
    with pytest.raises(ReferenceSetError, match="no number"):
        there.convert("sixty")


RANGES = {
    "fourth digit": ((14.41234, 98.23333), 98.2334, "98.2334", "14.42–98.23"),
    "at the end": ((20.0, 140.0), 140.0000012, "140.0000012", "20–140"),
    "computed": ((14.400000000000002, 73.99999999999999), 75.0, "75", "14.4–74"),
    "narrow": ((98.2312, 98.2338), 98.24, "98.24", "98.232–98.233"),
    "below": ((14.41234, 98.23333), 14.412, "14.412", "14.42–98.23"),
}


@pytest.mark.parametrize("name", RANGES)
def test_a_refusal_never_contradicts_itself(name):
    (low, high), value, shown, span = RANGES[name]
    there = example_conversion().model_copy(
        update={"source_range": Span(low=low, high=high)}
    )
    assert f"The value {shown} is outside {span} gray level" in there.problem_of(value)
    assert f"for {span} on" in there.words()
    for told in span.split("–"):
        assert there.problem_of(float(told)) == ""


def test_the_source_is_known_by_manufacturer_and_model():
    there = example_conversion()
    assert there.matches_source(Device("maker", "A"))
    assert not there.matches_source(Device("Maker", "B"))
    assert not there.matches_source(Device())


def test_a_fit_finds_line_scatter_and_agreement(fit):
    assert fit.slope == pytest.approx(0.6, abs=3 * fit.line.slope_se)
    assert fit.intercept == pytest.approx(9, abs=3 * fit.line.intercept_se)
    residual = fit.frame["y"] - fit.intercept - fit.slope * fit.frame["x"]
    wanted = residual.std(ddof=2) / fit.slope
    assert fit.residual_sd == pytest.approx(wanted, rel=1e-9)
    assert fit.residual_sd == pytest.approx(6, rel=0.1)
    assert abs(fit.after.bias) < 1e-9
    assert fit.before.bias == pytest.approx(9 - 0.4 * 70, abs=1.5)
    assert np.diff(fit.after.limits)[0] < np.diff(fit.before.limits)[0]
    conversion = made(fit)
    assert conversion.extra_variance == pytest.approx(residual.var(ddof=2))
    assert (conversion.n_pairs, conversion.n_subjects) == (600, 200)
    assert conversion.source_range == Span(
        low=fit.frame["x"].min(), high=fit.frame["x"].max()
    )
    assert conversion.slope_interval[0] < 0.6 < conversion.slope_interval[1]


def healthy_z(conversion, *, error_x, carried):
    """Return Z of healthy people measured on the source, by the target's values."""
    sd = 0.6 * 15
    model = LinearModel(
        kind="linear",
        muscle="M",
        n=100_000,
        formula="1",
        coefficients=(9 + 0.6 * 70,),
        covariance=((1e-9,),),
        residual_variance=sd**2,
        degrees_of_freedom=99_000,
    )
    rng = np.random.default_rng(7)
    measured = rng.normal(70, 15, 20_000) + rng.normal(0, error_x, 20_000)
    span = conversion.source_range
    inside = measured[(measured >= span.low) & (measured <= span.high)]
    assert len(inside) > 19_900
    extra = conversion.extra_variance if carried else 0.0
    people = {"age_years": np.full(len(inside), 40.0)}
    found = model.evaluate(people, conversion.convert(inside), extra_variance=extra)
    return found.z


def test_z_scores_keep_an_sd_of_1_only_with_the_error_carried():
    # Scatter from the source; the target's values are those of the reference.
    table = paired(people=1000, muscles=2)
    conversion = made(fitted(table, ratio=0.25 / 36))
    # Monte-Carlo errors: 0.005 of the SD, 0.007 of the line, 0.01 of the scatter.
    with_error = healthy_z(conversion, error_x=6.0, carried=True)
    assert with_error.std() == pytest.approx(1, abs=0.02)
    assert with_error.mean() == pytest.approx(0, abs=0.03)
    without = healthy_z(conversion, error_x=6.0, carried=False)
    assert without.std() == pytest.approx(math.sqrt(1 + 36 / 225), abs=0.02)
    assert without.std() > 1.05


def test_the_targets_own_error_counts_twice_and_makes_z_smaller():
    # The reference's SD of 9 holds an error of 3 of the target: true SD √72.
    rng = np.random.default_rng(3)
    true_sd = math.sqrt(72) / 0.6
    true = rng.normal(70, true_sd, 4000)
    x = true + rng.normal(0, 5, 4000)
    y = 9 + 0.6 * true + rng.normal(0, 3, 4000)
    slopes, intercepts = deming_lines(x, y, np.ones((1, 4000)), ratio=9 / 25)
    converted = intercepts[0] + slopes[0] * x
    z = (converted - y.mean()) / math.sqrt(81 + np.var(y - converted))
    wanted = math.sqrt((72 + 9) / (81 + 9 + 9))
    assert z.std() == pytest.approx(wanted, abs=0.02)
    assert z.std() < 0.95


def test_repeats_tell_the_ratio_and_one_is_said_to_be_assumed():
    repeated = fitted(paired(repeats=2, error_y=4.0))
    assert repeated.line.ratio == pytest.approx(16 / 36, rel=0.15)
    assert any("ratio of error variances, target" in w for w in repeated.notes)
    assert any("single image scatters more" in w for w in repeated.notes)
    assert any("the intervals hold its error" in w for w in repeated.notes)
    given = fitted(paired(repeats=2, error_y=4.0), ratio=repeated.line.ratio)
    assert any("taken as known" in w for w in given.notes)
    assert given.slope == repeated.slope
    assert given.line.slope_se < repeated.line.slope_se
    assert repeated.warnings == ()
    assert "is from the repeats" in made(repeated).remark
    single = fitted(paired(error_y=4.0))
    assert single.line.ratio == 1.0
    assert any("taken as equally precise" in w for w in single.warnings)


def test_few_pairs_a_bend_and_growing_scatter_are_said():
    few = fitted(paired(people=6, muscles=3), bootstrap=600)
    assert any("18 pairs are few" in w for w in few.warnings)
    assert any("6 people; below 10 the intervals" in w for w in few.warnings)
    twelve = fitted(paired(people=12, muscles=4)).warnings
    assert any("12 people; 20 are asked" in w for w in twelve)
    assert not any("guess" in w for w in twelve)
    table = paired(error_x=2.0)
    own = table["device"] == "Philips"
    bent = table.copy()
    bent.loc[own, "value"] += (bent.loc[own, "value"] - 50) ** 2 / 40
    assert any("straight line" in w for w in fitted(bent).warnings)
    grown = table.copy()
    rng = np.random.default_rng(1)
    level = grown.loc[own, "value"]
    grown.loc[own, "value"] = level * (1 + rng.normal(0, 0.15, own.sum()))
    assert any("weighted Deming" in w for w in fitted(grown).warnings)
    flat = paired(slope=0.3)
    told = fitted(flat, method="passing-bablok").warnings
    assert any("slopes near 1" in w for w in told)


def test_a_fit_can_be_cancelled_and_repeats_itself():
    pairs = pair_measurements(paired(people=20), device_a="Esaote", device_b="Philips")
    assert fit_conversion(pairs, cancelled=lambda: True) is None
    told = []
    first = fit_conversion(
        pairs, bootstrap=300, progress=lambda *done: told.append(done)
    )
    assert told[-1] == (300, 300)
    assert first.line == fit_conversion(pairs, bootstrap=300).line
    assert first.line != fit_conversion(pairs, bootstrap=300, seed=1).line


def test_pairs_exactly_on_a_line_are_not_measured_ones():
    table = paired(error_x=0.0, error_y=0.0)
    with pytest.raises(ReferenceSetError, match="exactly on a line"):
        fitted(table)


def test_labels_that_do_not_fit_are_refused(fit, one_sentence):
    for wrong in ({"name": "Not A Name"}, {"title": ""}, {"name": "a" * 60}):
        with pytest.raises(ReferenceSetError) as error:
            conversion_from_fit(
                fit, source=ESAOTE, target=PHILIPS, **{**LABELS, **wrong}
            )
        assert one_sentence(str(error.value))
    with pytest.raises(ReferenceSetError, match="same device"):
        conversion_from_fit(fit, source=ESAOTE, target=ESAOTE, **LABELS)


def test_a_file_gives_back_the_conversion(fit, tmp_path):
    conversion = made(fit)
    for one in (conversion, conversion.inverse()):
        path = tmp_path / f"{one.name}.json"
        write_conversion(path, one)
        read = load_conversion(path)
        assert read.checksum.startswith("sha256:")
        assert read.model_copy(update={"checksum": ""}) == one
        write_conversion(path, read)
        assert load_conversion(path) == read


def document():
    return example_conversion().model_dump(mode="json")


HOSTILE = {
    "not json": (b"{", "not JSON"),
    "list": (b"[1]", "not a JSON object"),
    "nan": (b'{"slope": NaN}', "NaN"),
    "deep": (b'{"a":' + b"[" * 100_000 + b"}", "nested"),
    "large": (b" " * 1_000_001, "bytes"),
    "twice": (b'{"slope": 1, "slope": 2}', "twice"),
    "other format": (b'{"format": "napari-muscle-us reference set"}', "format"),
    "version 2": (stamped({**document(), "version": 2}), "version '2'"),
    "version true": (stamped({**document(), "version": True}), "version 'True'"),
    "no checksum": (document() | {"checksum": None}, "checksum"),
    "changed": (stamped(document()) | {"slope": 0.51}, "changed"),
    "unknown field": (stamped({**document(), "script": "x"}), "script"),
    "missing field": (
        stamped({k: v for k, v in document().items() if k != "slope"}),
        "slope",
    ),
    "negative slope": (stamped({**document(), "slope": -0.5}), "slope"),
    "slope off its interval": (stamped({**document(), "slope": 0.7}), "slope_interval"),
    "zero off": (stamped({**document(), "zero_interval": [1.0, 2.0]}), "zero_interval"),
    "no scatter": (stamped({**document(), "residual_sd": 0.0}), "residual_sd"),
    "empty range": (
        stamped({**document(), "source_range": {"low": 5.0, "high": 5.0}}),
        "source_range",
    ),
    "covariance": (
        stamped({**document(), "covariance": [[1.0, 9.0], [9.0, 1.0]]}),
        "correlation",
    ),
    "asymmetric": (
        stamped({**document(), "covariance": [[1.0, 0.1], [0.2, 1.0]]}),
        "symmetric",
    ),
    "least squares": (stamped({**document(), "method": "ols"}), "method"),
    "number as text": (stamped({**document(), "n_pairs": "many"}), "n_pairs"),
}


@pytest.mark.parametrize(("content", "word"), HOSTILE.values(), ids=HOSTILE)
def test_wrong_files_are_refused_in_a_sentence(content, word, tmp_path, one_sentence):
    path = tmp_path / "conversion.json"
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    path.write_bytes(raw)
    with pytest.raises(ReferenceSetError, match=word) as error:
        load_conversion(path)
    assert one_sentence(str(error.value))


def test_missing_files_and_folders_are_refused(tmp_path, one_sentence):
    for path in (tmp_path / "none.json", tmp_path, "a\0b"):
        with pytest.raises(ReferenceSetError) as error:
            load_conversion(path)
        assert one_sentence(str(error.value))


def test_another_kind_of_file_is_never_replaced(tmp_path):
    path = tmp_path / "data.json"
    for content in (b'{"format": "other"}', b"subject,value\n", b""):
        path.write_bytes(content)
        with pytest.raises(ResultsError, match="not a device conversion"):
            write_conversion(path, example_conversion())
        assert path.read_bytes() == content
    assert [found.name for found in tmp_path.iterdir()] == ["data.json"]


def test_nothing_of_a_conversion_can_be_changed():
    with pytest.raises(ValidationError):
        example_conversion().slope = 2.0
    with pytest.raises(ValidationError):
        DeviceConversion(**{**dict(example_conversion()), "extra": 1})


PHANTOM = {
    "contrast": [-9, -6, -3, 0, 3, 6],
    "gray_source": [41, 60, 82, 99, 121, 139],
    "gray_target": [30, 41, 50, 61, 69, 80],
}


def phantom(**changes):
    told = {**PHANTOM, **changes}
    return phantom_conversion(source=ESAOTE, target=PHILIPS, **LABELS, **told)


def test_a_phantom_leads_from_one_device_to_the_other():
    found = phantom()
    s = np.polyfit(PHANTOM["contrast"], PHANTOM["gray_source"], 1)
    t = np.polyfit(PHANTOM["contrast"], PHANTOM["gray_target"], 1)
    wanted = (100 - s[1]) / s[0] * t[0] + t[1]
    assert found.convert(100.0) == pytest.approx(wanted, rel=1e-12)
    assert (found.method, found.n_pairs, found.n_subjects) == ("phantom", 6, 0)
    assert found.source_range == Span(low=41.0, high=139.0)
    assert "may scatter more" in found.remark
    back = phantom(
        gray_source=PHANTOM["gray_target"], gray_target=PHANTOM["gray_source"]
    )
    assert back.slope == pytest.approx(1 / found.slope, rel=1e-12)
    assert found.inverse().convert(60.0) == pytest.approx(back.convert(60.0))


def test_two_targets_need_the_scatter_of_muscles():
    two = {name: values[:2] for name, values in PHANTOM.items()}
    with pytest.raises(ReferenceSetError, match="2 targets do not tell the error"):
        phantom(**two)
    found = phantom(**two, residual_sd=2.0)
    assert found.slope == pytest.approx(11 / 19)
    assert found.extra_variance == pytest.approx((2 * 11 / 19) ** 2)


WRONG_PHANTOMS = {
    "one": ({name: values[:1] for name, values in PHANTOM.items()}, "1 target"),
    "lengths": ({"contrast": [1, 2]}, "shapes"),
    "nan": ({"contrast": [math.nan, 1, 2, 3, 4, 5]}, "no number"),
    "same contrast": ({"contrast": [3] * 6}, "contrast 3"),
    "white": ({"gray_source": [41, 60, 82, 99, 121, 255]}, "cut off"),
    "black": ({"gray_target": [0, 41, 50, 61, 69, 80]}, "cut off"),
    "falling": ({"gray_target": [80, 69, 61, 50, 41, 30]}, "must rise"),
    "exact": (
        {"gray_target": [20 + v / 2 for v in PHANTOM["gray_source"]]},
        "exactly on a line",
    ),
    "scatter": ({"residual_sd": 0.0}, "above 0"),
    "noise": ({"gray_target": [60, 30, 90, 20, 95, 62]}, "uncertain"),
}


@pytest.mark.parametrize(
    ("changes", "word"), WRONG_PHANTOMS.values(), ids=WRONG_PHANTOMS
)
def test_wrong_phantoms_are_refused(changes, word, one_sentence):
    with pytest.raises(ReferenceSetError, match=word) as error:
        phantom(**changes)
    assert one_sentence(str(error.value))


def test_plots_show_line_and_limits(fit):
    from matplotlib.figure import Figure

    left, right = Figure().subplots(1, 2)
    draw_conversion(left, fit)
    label = left.get_legend_handles_labels()[1][0]
    assert label == f"y = {fit.slope:.3g} x + {fit.intercept:.3g}"
    assert len(left.collections[-1].get_offsets()) == 600
    draw_agreement(right, fit)
    drawn = sorted(line.get_ydata()[0] for line in right.lines)
    low, high = fit.after.limits
    assert drawn == pytest.approx(sorted([low, fit.after.bias, 0, high]), abs=1e-9)
    assert "converted" in right.get_xlabel()


def run(*arguments):
    return CliRunner().invoke(command, [str(a) for a in arguments])


FIT = [
    *("--from", "Esaote", "--from-maker", "Esaote", "--from-model", "MyLab"),
    *("--to", "Philips", "--to-maker", "Philips", "--to-model", "iU22"),
    *("--from-preset", "MSK", "--to-transducer", "L12-5"),
    *("--name", "e-to-p", "--author", "Lab", "--bootstrap", "300"),
]


def test_the_command_fits_shows_and_applies(tmp_path):
    table, out = tmp_path / "pairs.csv", tmp_path / "e-to-p.json"
    paired(people=30).to_csv(table, index=False)
    result = run("fit", table, *FIT, "--out", out)
    assert result.exit_code == 0, result.output
    made_of = load_conversion(out)
    assert made_of.source.presets == ("MSK",)
    assert made_of.target.transducers == ("L12-5",)
    shown = run("show", out).output
    assert f"{made_of.slope:.4g}" in shown
    assert "SD²" in shown
    assert "e-to-p-inverse" in run("show", out, "--inverse").output
    values = tmp_path / "values.csv"
    values.write_text("code,value\n=A1,70\nB,\nC,9999\nD,-5\n")
    target = tmp_path / "converted.csv"
    result = run("apply", out, values, "--out", target)
    assert "1 of 4 values converted" in result.output
    found = pd.read_csv(target, keep_default_na=False, dtype=str)
    assert float(found["converted"][0]) == made_of.convert(70.0)
    assert float(found["conversion_sd"][0]) ** 2 == pytest.approx(
        made_of.extra_variance
    )
    assert list(found["converted"][1:]) == ["", "", ""]
    assert found["conversion_note"][1] == "not measured"
    assert "outside" in found["conversion_note"][2]
    assert list(found["value"]) == ["70", "", "9999", "-5"]
    assert found["code"][0] == "'=A1"


def test_the_command_refuses_and_writes_nothing(tmp_path):
    table, out = tmp_path / "pairs.csv", tmp_path / "out.json"
    paired(people=2).to_csv(table, index=False)
    assert isinstance(run("fit", table, *FIT, "--out", out).exception, MuscleUSError)
    assert not out.exists()
    paired(people=30).to_csv(table, index=False)
    blank = run("fit", table, *FIT, "--to-model", " ", "--out", out).exception
    assert "--to-model" in str(blank)
    assert not out.exists()
    good = tmp_path / "a-to-b.json"
    write_conversion(good, example_conversion())
    taken = tmp_path / "taken.csv"
    taken.write_text("mine")
    for arguments in (
        ("apply", good, table, "--out", taken),
        ("apply", good, table, "--out", out, "--column", "none"),
        ("apply", table, table, "--out", out),
    ):
        assert isinstance(run(*arguments).exception, MuscleUSError)
    assert taken.read_text() == "mine"
    assert not out.exists()
