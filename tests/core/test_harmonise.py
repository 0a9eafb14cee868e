"""ComBat against neuroCombat and a naive copy of the papers; tables; the command."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from napari_muscle_us.cli_harmonise import harmonise
from napari_muscle_us.errors import MeasureError, MuscleUSError, MuscleUSWarning
from napari_muscle_us.reference.harmonising.harmonise import combat, harmonise_table

EFFECTS = ("gamma_hat", "delta_hat", "gamma_bar", "t2", "a_prior", "b_prior")


@pytest.fixture(scope="module")
def oracle(shared):
    return json.loads(shared("oracles/combat_oracle.json").read_text())["runs"]


@pytest.mark.parametrize("number", [0, 1], ids=["eb", "no eb"])
def test_as_neurocombat(oracle, number):
    run = oracle[number]
    found = combat(
        run["input"],
        run["batch"],
        {"age": run["age"]},
        empirical_bayes=run["eb"],
    )
    np.testing.assert_allclose(found.values, run["output"], rtol=0, atol=1e-8)
    told = run["estimates"]
    for name in EFFECTS if run["eb"] else EFFECTS[:2]:
        np.testing.assert_allclose(
            getattr(found.effects, name), told[name], rtol=1e-10, atol=1e-8
        )
    np.testing.assert_allclose(found.effects.gamma_star, told["gamma.star"], atol=1e-8)
    np.testing.assert_allclose(found.effects.delta_star, told["delta.star"], atol=1e-8)
    np.testing.assert_allclose(found.variance, np.ravel(told["var.pooled"]), atol=1e-8)
    np.testing.assert_allclose(
        found.grand_mean, np.array(told["stand.mean"])[:, 0], atol=1e-8
    )
    ages = np.array(run["age"])
    np.testing.assert_allclose(
        np.outer(found.slopes[0], ages), told["mod.mean"], atol=1e-8
    )


def naive(values, batch, design, *, eb, mean_only=False, reference=None):
    """Harmonise a feature and a batch at a time, as the papers write it."""
    y, batch = np.array(values, float), np.array(batch)
    names = sorted(set(batch))
    full = np.column_stack([*[batch == b for b in names], design]).astype(float)
    z, mean, sd = np.empty_like(y), np.empty_like(y), np.empty(len(y))
    chosen = np.ones(len(batch), bool) if reference is None else batch == reference
    for f, row in enumerate(y):
        beta = np.linalg.solve(full.T @ full, full.T @ row)
        effects = dict(zip(names, beta[: len(names)], strict=True))
        grand = sum(effects[b] for b in batch[chosen]) / chosen.sum()
        sd[f] = np.sqrt(np.mean((row - full @ beta)[chosen] ** 2))
        mean[f] = grand + design @ beta[len(names) :]
        z[f] = (row - mean[f]) / sd[f]
    out = y.copy()
    for b in names:
        mine = batch == b
        if b == reference:
            continue
        n = mine.sum()
        g_hat = z[:, mine].mean(axis=1)
        d_hat = np.ones(len(y)) if mean_only else z[:, mine].var(axis=1, ddof=1)
        g, d = g_hat, d_hat
        if eb:
            g_bar, t2 = g_hat.mean(), g_hat.var(ddof=1)
            m, v = d_hat.mean(), d_hat.var(ddof=1)
            if mean_only:
                g = (t2 * g_hat + g_bar) / (t2 + 1)
            change = 0 if mean_only else 1
            while change > 1e-4:
                g_new = (t2 * n * g_hat + d * g_bar) / (t2 * n + d)
                squares = ((z[:, mine] - g_new[:, None]) ** 2).sum(axis=1)
                d_new = (squares / 2 + (m * v + m**3) / v) / (
                    n / 2 + (2 * v + m**2) / v - 1
                )
                change = max((abs(g_new - g) / g).max(), (abs(d_new - d) / d).max())
                g, d = g_new, d_new
        for f in range(len(y)):
            shown = (z[f, mine] - g[f]) / np.sqrt(d[f])
            out[f, mine] = shown * sd[f] + mean[f, mine]
    return out


def sample(seed=0, sizes=(15, 11, 20), features=12):
    """Echo features of people on three scanners, with age and sex."""
    rng = np.random.default_rng(seed)
    batch = np.repeat(["Aplio", "Esaote", "Philips"], sizes)
    codes = np.repeat([0, 1, 2], sizes)
    n = len(batch)
    age, sex = rng.uniform(20, 80, n), rng.choice(["female", "male"], n)
    base = rng.uniform(20, 120, features)[:, None]
    truth = base + np.outer(rng.uniform(0.1, 0.5, features), age) - 4 * (sex == "male")
    noise = rng.normal(0, 5, (features, n))
    shift = np.array([0.0, 12, -8])[codes] + rng.normal(0, 2, (features, 3))[:, codes]
    scale = np.array([1.0, 1.6, 0.7])[codes]
    return truth + shift + scale * noise, batch, {"age": age, "sex": sex}


@pytest.mark.parametrize("eb", [True, False], ids=["eb", "no eb"])
@pytest.mark.parametrize("mean_only", [True, False], ids=["mean", "mean and scale"])
@pytest.mark.parametrize("reference", [None, "Esaote"], ids=["all", "reference"])
def test_as_the_papers(eb, mean_only, reference):
    values, batch, covariates = sample()
    design = np.column_stack([covariates["age"], covariates["sex"] == "male"])
    found = combat(
        values,
        batch,
        covariates,
        empirical_bayes=eb,
        mean_only=mean_only,
        reference_batch=reference,
    )
    wanted = naive(
        values, batch, design, eb=eb, mean_only=mean_only, reference=reference
    )
    np.testing.assert_allclose(found.values, wanted, rtol=1e-9)


def test_the_scanner_goes_and_covariates_stay():
    values, batch, covariates = sample(sizes=(200, 150, 250))
    found = combat(values, batch, covariates).values
    male = np.array(covariates["sex"]) == "male"

    def slopes(y):
        hot = [batch == name for name in ("Esaote", "Philips")]
        x = np.column_stack([np.ones(len(batch)), *hot, covariates["age"], male])
        return np.linalg.lstsq(x.astype(float), y.T, rcond=None)[0]

    before, after = slopes(values), slopes(found)
    assert np.abs(before[1:3]).mean() > 8
    assert np.abs(after[1:3]).max() < 0.5
    np.testing.assert_allclose(after[3], before[3], atol=0.05)
    np.testing.assert_allclose(after[4], before[4], atol=2)
    spread = [found[:, batch == b].std(axis=1).mean() for b in np.unique(batch)]
    assert max(spread) / min(spread) < 1.2


@given(st.floats(-50, 50), st.floats(0.2, 5), st.integers(0, 5))
@settings(max_examples=25, deadline=None)
def test_unit_and_order_do_not_matter(offset, factor, seed):
    values, batch, covariates = sample(seed=seed)
    first = combat(values, batch, covariates).values
    order = np.random.default_rng(seed).permutation(len(batch))
    shuffled = {k: np.asarray(v)[order] for k, v in covariates.items()}
    second = combat(offset + factor * values[:, order], batch[order], shuffled).values
    np.testing.assert_allclose(second, offset + factor * first[:, order], rtol=1e-7)


@pytest.mark.parametrize("reference", [None, "Esaote"], ids=["all", "reference"])
def test_apply_gives_a_sample_the_same_value_alone(reference):
    values, batch, covariates = sample()
    result = combat(values, batch, covariates, reference_batch=reference)
    for one in (0, 20, 40):
        alone = result.apply(
            values[:, [one]],
            [batch[one]],
            {k: [v[one]] for k, v in reversed(covariates.items())},
        )
        np.testing.assert_allclose(alone[:, 0], result.values[:, one], rtol=1e-13)
    if reference:
        mine = batch == reference
        assert np.array_equal(result.values[:, mine], values[:, mine])


@pytest.mark.parametrize(
    ("batch", "covariates", "words"),
    [
        (["GE"], {"age": [40], "sex": ["male"]}, "'GE' of sample 1"),
        (["Aplio"], {"age": [40], "sex": ["x"]}, "'sex' is 'x'"),
        (["Aplio"], {"age": [40]}, "the fit had age, sex"),
        (["Aplio"], {"age": ["old"], "sex": ["male"]}, "must be numbers"),
        (["Aplio"], {"age": [None], "sex": ["male"]}, "'age' is empty in sample 1"),
    ],
)
def test_apply_refuses_what_the_fit_did_not_know(batch, covariates, words):
    result = combat(*sample())
    with pytest.raises(MeasureError, match=words):
        result.apply(np.full((12, 1), 50.0), batch, covariates)


def test_apply_warns_of_extrapolation():
    result = combat(*sample())
    with pytest.warns(MuscleUSWarning, match="'age' is 95, outside"):
        result.apply(np.full((12, 1), 50.0), ["Aplio"], {"age": [95], "sex": ["male"]})


def changed(**what):
    values, batch, covariates = sample()
    arguments = {"values": values, "batch": list(batch), "covariates": covariates}
    return arguments | {k: v(arguments) for k, v in what.items()}


def row(number, value):
    def change(arguments):
        values = arguments["values"].copy()
        values[number] = value
        return values

    return change


REFUSED = {
    "missing value": (
        {"values": row((2, 7), np.nan)},
        "'feature 3' has no finite value in sample 8",
    ),
    "constant feature": ({"values": row(1, 7.0)}, "'feature 2' is 7 in all samples"),
    "constant in a batch": (
        {"values": row((0, slice(0, 15)), 9.0), "covariates": lambda a: None},
        "'feature 1' does not vary in the batch 'Aplio'",
    ),
    "only the batch": (
        {
            "values": lambda a: np.vstack(
                [a["values"], np.repeat([1, 2, 3], [15, 11, 20])]
            )
        },
        "'feature 13' does not vary beyond",
    ),
    "one batch": ({"batch": lambda a: ["A"] * 46}, "All samples are of the batch 'A'"),
    "small batch": (
        {"batch": lambda a: ["GE", *a["batch"][1:]]},
        "'GE' has one sample",
    ),
    "empty batch": ({"batch": lambda a: ["", *a["batch"][1:]]}, "empty in sample 1"),
    "confounded": (
        {"covariates": lambda a: {"site": [b[0] for b in a["batch"]]}},
        "'site' cannot be told apart from the batches",
    ),
    "repeated covariate": (
        {
            "covariates": lambda a: {
                "age": a["covariates"]["age"],
                "months": 12 * a["covariates"]["age"] + 1,
            }
        },
        "'months' cannot be told apart",
    ),
    "constant covariate": (
        {"covariates": lambda a: {"sex": ["male"] * 46}},
        "'sex' is the same in all samples",
    ),
    "constant number": (
        {"covariates": lambda a: {"age": [40] * 46}},
        "'age' is the same in all samples",
    ),
    "too many levels": (
        {"covariates": lambda a: {"who": [f"S{n}" for n in range(46)]}},
        "cannot be told apart",
    ),
    "short covariate": ({"covariates": lambda a: {"age": [40]}}, "1 values for 46"),
    "one feature": (
        {"values": lambda a: a["values"][:1]},
        "switch empirical Bayes off",
    ),
    "copies": (
        {"values": lambda a: np.vstack([a["values"][:1]] * 3)},
        "same variance in a batch",
    ),
    "unknown reference": (
        {"reference_batch": lambda a: "GE"},
        "reference batch 'GE' is not among",
    ),
    "text": ({"values": lambda a: [["a"] * 46]}, "not all numbers"),
    "no table": ({"values": lambda a: [1.0, 2.0]}, "features × samples"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_in_a_sentence(case):
    what, words = REFUSED[case]
    with pytest.raises(MeasureError, match=words) as caught:
        combat(**changed(**what))
    assert str(caught.value).endswith(".")


def test_too_few_samples():
    with pytest.raises(MeasureError, match="4 samples for 4 batches and covariates"):
        combat(
            [[1, 2, 4, 3], [2, 1, 5, 2]],
            list("AABB"),
            {"age": [20, 30, 25, 50], "height": [170, 150, 180, 165]},
        )


def test_inputs_are_not_modified():
    values, batch, covariates = sample()
    before = values.copy()
    combat(values, batch, covariates, reference_batch="Aplio").values[:] = 0
    assert np.array_equal(values, before)


def test_what_is_rough_is_said():
    values, batch, covariates = sample(sizes=(15, 4, 20), features=5)
    told = " ".join(combat(values, batch, covariates).warnings)
    assert "5 features, which are few" in told
    assert "'Esaote' (4)" in told
    old = {"age": np.where(batch == "Philips", 90.0, 20.0) + np.arange(39) % 7}
    told = " ".join(combat(values, batch, old).warnings)
    assert "'age' of the batch 'Philips' is 90 to 96, which no other batch has" in told
    assert "batch 'Aplio'" not in told
    values, batch, covariates = sample()
    assert combat(values, batch, covariates).warnings == ()


def frame(seed=0):
    values, batch, covariates = sample(seed)
    columns = {f"f{n}": row for n, row in enumerate(values)}
    codes = [f"S{n:02}" for n in range(len(batch))]
    return pd.DataFrame({"subject": codes, "scanner": batch, **covariates, **columns})


FEATURES = [f"f{n}" for n in range(12)]
OPTIONS = {"batch": "scanner", "features": FEATURES, "covariates": ["age", "sex"]}


def test_a_wide_table_keeps_its_rows_and_gets_columns():
    values, batch, covariates = sample()
    table = frame().iloc[::-1]
    before = table.copy()
    done = harmonise_table(table, **OPTIONS)
    wanted = combat(values, batch, covariates).values[:, ::-1]
    np.testing.assert_allclose(
        done[[f"{n}_harmonised" for n in FEATURES]].T, wanted, rtol=1e-10
    )
    pd.testing.assert_frame_equal(done[table.columns.tolist()], table)
    pd.testing.assert_frame_equal(table, before)
    fewer = harmonise_table(table.assign(note="x"), **OPTIONS, keep=["subject"])
    assert "note" not in fewer.columns
    assert fewer.columns[0] == "subject"


def test_a_tidy_table_is_harmonised_by_muscle_and_measure():
    values, batch, covariates = sample()
    wide = frame()
    tidy = wide.melt(["subject", "scanner", "age", "sex"], FEATURES)
    number = tidy.pop("variable").str[1:].astype(int)
    tidy["muscle"] = [["Biceps brachii", "Soleus"][n % 2] for n in number]
    tidy["measure"] = [f"m{n // 2}" for n in number]
    other = tidy.iloc[:3].assign(measure="other")
    table = pd.concat([tidy, other]).sample(frac=1, random_state=1)
    done = harmonise_table(
        table,
        batch="scanner",
        features=[f"m{n}" for n in range(6)],
        covariates=["age", "sex"],
    )
    assert done["value_harmonised"].isna().sum() == 3
    wanted = combat(values, batch, covariates).values
    for _, cell in done[done["measure"] != "other"].iterrows():
        feature = 2 * int(cell["measure"][1:]) + (cell["muscle"] == "Soleus")
        found = wanted[feature, int(cell["subject"][1:])]
        assert cell["value_harmonised"] == pytest.approx(found, rel=1e-9)


def tidy_frame():
    wide = frame()
    return wide.melt(["subject", "scanner", "age", "sex"], FEATURES, var_name="measure")


def put(table, row, column, value):
    table = table.astype({column: object})
    table.loc[row, column] = value
    return table


TABLES = {
    "no column": (lambda: frame().drop(columns="f3"), "no column 'f3'"),
    "text": (lambda: put(frame(), 4, "f3", "?!"), "'f3' is '\\?!' in row 5"),
    "blank": (lambda: put(frame(), 4, "f3", ""), "'f3' is empty in row 5"),
    "blank batch": (lambda: put(frame(), 4, "scanner", None), "'scanner' is empty"),
    "NA": (lambda: put(frame(), 4, "age", pd.NA), "'age' is empty in row 5"),
    "infinite": (lambda: put(frame(), 4, "f3", np.inf), "'f3' is 'inf' in row 5"),
    "done": (lambda: frame().assign(f3_harmonised=1.0), "'f3_harmonised' already"),
    "no rows": (lambda: frame().iloc[:0], "no rows"),
    "tidy twice": (
        lambda: pd.concat([tidy_frame(), tidy_frame().iloc[:1]]),
        "Row 553 of the table is another value of 'f0' in the same sample",
    ),
    "tidy hole": (
        lambda: tidy_frame().drop(index=60),
        "sample that begins in row 15 of the table has no 'f1'",
    ),
    "tidy batch": (
        lambda: put(tidy_frame(), 0, "scanner", "Esaote"),
        "'scanner' differs within a sample",
    ),
    "tidy units": (
        lambda: put(tidy_frame().assign(unit="mm"), 0, "unit", "px"),
        "'f0' has several units",
    ),
    "tidy measure": (
        lambda: tidy_frame().query("measure != 'f3'"),
        "no rows of the measure 'f3'",
    ),
}


@pytest.mark.parametrize("case", TABLES)
def test_a_table_is_refused_in_a_sentence(case):
    make, words = TABLES[case]
    with pytest.raises(MeasureError, match=words):
        harmonise_table(make(), **OPTIONS)


def test_roles_are_refused():
    with pytest.raises(MeasureError, match="'f0' is named twice"):
        harmonise_table(frame(), batch="scanner", features=["f0", "f0"])
    with pytest.raises(MeasureError, match="No feature is named"):
        harmonise_table(frame(), batch="scanner", features=[])


def test_a_table_warns_of_what_is_rough():
    with pytest.warns(MuscleUSWarning, match="3 features, which are few"):
        harmonise_table(frame(), batch="scanner", features=["f0", "f1", "f2"])


def run(*arguments):
    return CliRunner().invoke(harmonise, [str(a) for a in arguments])


def test_the_command_writes_what_the_function_gives(tmp_path):
    table = frame().assign(note="=1+1")
    path, out = tmp_path / "table.csv", tmp_path / "out.csv"
    table.to_csv(path, index=False)
    names = ",".join(FEATURES)
    always = (path, "--batch", "scanner", "--covariates", "age, sex", "--out", out)
    done = run(*always, "--features", names, "--reference-batch", "Aplio")
    assert done.exit_code == 0, done.output
    assert "46 rows with 12 harmonised column(s)" in done.output
    wanted = harmonise_table(table, **OPTIONS, reference_batch="Aplio")
    written = pd.read_csv(out)
    assert list(written.columns) == list(wanted.columns)
    for name in FEATURES:
        new = f"{name}_harmonised"
        np.testing.assert_allclose(written[new], wanted[new], rtol=1e-12)
    assert set(written["note"]) == {"'=1+1"}
    before = out.read_bytes()
    again = run(*always, "--features", names)
    assert "exists; choose another name" in str(again.exception)
    assert out.read_bytes() == before
    over = run(*always, "--features", names, "--overwrite", "--mean-only")
    assert over.exit_code == 0
    assert out.read_bytes() != before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"--features": "f0,,f1"}, "has an empty name"),
        ({"--features": "f0,f99"}, "no column 'f99'"),
        ({"--batch": "site"}, "no column 'site'"),
        ({"--features": "f0"}, "switch empirical Bayes off"),
    ],
)
def test_the_command_refuses_and_writes_nothing(tmp_path, change, words):
    path, out = tmp_path / "table.csv", tmp_path / "out.csv"
    frame().to_csv(path, index=False)
    options = {"--batch": "scanner", "--features": "f0,f1", "--out": out} | change
    done = run(path, *[part for pair in options.items() for part in pair])
    assert isinstance(done.exception, MuscleUSError)
    assert words in str(done.exception)
    assert not out.exists()
    own = run(path, "--batch", "scanner", "--features", "f0,f1", "--out", path)
    assert "is the input itself" in str(own.exception)


def test_numbers_with_commas_and_notes_of_the_command(tmp_path):
    path, out = tmp_path / "table.csv", tmp_path / "out.csv"
    frame()[["scanner", "age", "f0"]].round(3).to_csv(
        path, index=False, sep=";", decimal=","
    )
    done = run(
        *(path, "--batch", "scanner", "--features", "f0", "--covariates", "age"),
        *("--no-empirical-bayes", "--out", out),
    )
    assert done.exit_code == 0, done.output
    values, batch, covariates = sample()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        wanted = combat(
            values[:1].round(3),
            batch,
            {"age": covariates["age"].round(3)},
            empirical_bayes=False,
        )
    found = pd.read_csv(out)["f0_harmonised"]
    np.testing.assert_allclose(found, wanted.values[0], rtol=1e-9)
