"""Reference values fitted to controls: truth, oracles, and a set ready to use."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from pydantic import ValidationError

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.fitting.fit import fit_reference, reference_from_fit
from napari_muscle_us.reference.fitting.fit_types import FitOptions
from napari_muscle_us.reference.formula import parse_formula
from napari_muscle_us.reference.kinds.linear import LinearModel
from napari_muscle_us.reference.load import load_reference
from napari_muscle_us.reference.parts import DeviceBinding
from napari_muscle_us.reference.write import write_reference

GOLDEN = Path(__file__).parents[1] / "golden"

DEVICE = DeviceBinding(manufacturer="Acme", models=("Echo 1",))
NAMED = {
    "name": "own",
    "title": "Own controls",
    "device": DEVICE,
    "author": "A. Author",
    "licence": "CC0-1.0",
    "date": "2026-01-31",
}
MEN = FitOptions(candidates=("age_years", "sex_male"), selection="none")


def table(
    n=120, *, seed=0, muscle="Biceps brachii", sides=("left", "right"), predicted=None
):
    """Return controls whose truth is known: SD 6 between, 3 within subjects."""
    rng = np.random.default_rng(seed)
    people = pd.DataFrame(
        {
            "subject": [f"C{number:03}" for number in range(n)],
            "visit": "1",
            "muscle": muscle,
            "measure": "intensity.mean",
            "unit": "gray level",
            "age_years": rng.uniform(20, 80, n).round(1),
            "sex": rng.choice(["male", "female"], n),
            "height_cm": rng.normal(172, 9, n).round(1),
            "weight_kg": rng.normal(75, 10, n).round(1),
            "handedness": rng.choice(["right", "left"], n, p=[0.9, 0.1]),
        }
    )
    if predicted is None:
        predicted = 45 + 0.3 * people["age_years"] - 5 * (people["sex"] == "male")
    else:
        predicted = predicted(people)
    common = predicted + rng.normal(0, 6, n)
    parts = [
        people.assign(side=side, value=common + rng.normal(0, 3, n)) for side in sides
    ]
    return pd.concat(parts, ignore_index=True)


def only(people, **options):
    return fit_reference(people, options=FitOptions(**options)).muscles[0]


def test_truth_is_recovered():
    errors = []
    for seed in range(25):
        fit = fit_reference(table(80, seed=seed), options=MEN).muscles[0]
        model = fit.model
        within = 9.0
        off = np.array(model.coefficients) - [45, 0.3, -5]
        errors.append([*off, model.residual_variance - 36 - within])
        # More than subjects, fewer than values, less coefficients.
        assert 77 < model.degrees_of_freedom < 157
        assert (model.n, model.values) == (80, 160)
        assert (fit.n_subjects, fit.n_values) == (80, 160)
    errors = np.array(errors)
    error = errors.std(axis=0, ddof=1) / np.sqrt(len(errors))
    assert np.all(np.abs(errors.mean(axis=0)) < 3.5 * error)
    # What each model says of its own error is what they scatter by.
    told = np.sqrt(np.diag(model.covariance))
    assert_allclose(errors.std(axis=0, ddof=1)[:3], told, rtol=0.45)


def test_known_regression_of_r(shared):
    told = json.loads(shared("oracles/statistics_oracles.json").read_text())
    told = told["regression_prediction_interval_R"]
    cars = json.loads((GOLDEN / "mixed_models.json").read_text())["mtcars"]
    people = pd.DataFrame(
        {
            "subject": np.arange(32).astype(str),
            "muscle": "Mazda",
            "value": cars["mpg"],
            # Scaled to be people: wt ↔ 20 + wt years, hp ↔ hp/4 + 100 cm.
            "age_years": np.array(cars["wt"]) + 20,
            "height_cm": np.array(cars["hp"]) / 4 + 100,
        }
    )
    fit = only(people, formula="1 + age_years + height_cm")
    x = {"age_years": np.array([23.0]), "height_cm": np.array([130.0])}
    found = fit.model.evaluate(x, np.array([25.0]))
    assert_allclose(found.predicted, told["fit"], rtol=1e-9)
    assert_allclose(found.low, told["lwr95"], rtol=1e-9)
    assert_allclose(found.high, told["upr95"], rtol=1e-9)
    assert_allclose(
        found.z, told["z_for_mpg_25_using_sqrt(se_fit^2+sigma^2)"], rtol=1e-8
    )


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"selection": "aicc"},
        {"repeated": "mean"},
        {"repeated": "left", "sd": "residual"},
        {"scale": "log"},
        {"scale": "box-cox", "repeated": "right"},
        {"formula": "1 + age_years + side_nondominant"},
        {"candidates": ("age_years", "sex_male"), "interactions": True},
    ],
    ids=str,
)
def test_set_is_ready_and_its_z_is_that_of_the_rows(options, tmp_path):
    fit = fit_reference(table(), options=FitOptions(**options))
    reference = reference_from_fit(fit, **NAMED)
    rows = fit.muscles[0].rows
    write_reference(tmp_path / "own.json", reference)
    again = load_reference(tmp_path / "own.json")
    assert again == reference
    for row in rows.iloc[::29].itertuples():
        found = again.z_score(
            "Biceps brachii",
            echo_intensity=row.value,
            age_years=row.age_years,
            sex=row.sex,
            height_cm=row.height_cm,
            weight_kg=row.weight_kg,
            handedness=row.handedness,
            side=row.side,
        )
        assert_allclose(found.z, row.z, rtol=1e-9, atol=1e-12)
        outside = [w for w in found.warnings if "extrapolated" in w]
        assert outside == []
    averaged = options.get("repeated") == "mean"
    observation = "mean of a person's values" if averaged else "single value"
    assert fit.muscles[0].model.observation == observation
    assert_allclose(rows["residual"], rows["shown"] - rows["fitted"])
    assert len(rows) == (240 if "repeated" not in options else 120)


def test_left_out_z_are_told_and_not_those_of_the_model():
    fit = only(table(30), formula="1 + age_years + sex_male")
    rows = fit.rows
    # By hand, without the first subject.
    without = table(30)
    without = without[without["subject"] != "C000"]
    model = only(without, formula="1 + age_years + sex_male").model
    first = rows[rows["subject"] == "C000"]
    x = {
        "age_years": first["age_years"].to_numpy(),
        "sex_male": (first["sex"] == "male").to_numpy(dtype=float),
    }
    expected = model.evaluate(x, first["value"].to_numpy()).z
    assert_allclose(first["z_left_out"], expected, rtol=1e-6)
    assert rows["z_left_out"].std() > rows["z"].std()
    assert fit.left_out.n == 30


def test_copied_sides_do_not_make_subjects():
    single = table(40, sides=("left",))
    double = pd.concat([single, single.assign(side="right")])
    one = fit_reference(single, options=MEN).muscles[0]
    two = fit_reference(double, options=MEN).muscles[0]
    assert_allclose(two.model.covariance, one.model.covariance, rtol=1e-9)
    assert_allclose(two.model.coefficients, one.model.coefficients, rtol=1e-9)
    assert two.model.residual_variance == pytest.approx(one.model.residual_variance)
    assert two.model.n == one.model.n == 40
    assert two.limit_error.standard_error == pytest.approx(
        one.limit_error.standard_error
    )


def test_values_allow_more_degrees_of_freedom_than_people_and_no_more():
    model = fit_reference(table(30), options=MEN).muscles[0].model
    content = model.model_dump(mode="json", exclude_defaults=True)
    assert (content["n"], content["values"]) == (30, 60)
    assert LinearModel(**content | {"degrees_of_freedom": 57}) != model
    for change, words in [
        (
            {"degrees_of_freedom": 57.1},
            "57.1 degrees of freedom from 30 people with 60",
        ),
        ({"values": None}, "from 30 people and 3 coefficients"),
        ({"values": 29}, "29 values of 30 people"),
    ]:
        with pytest.raises(ValidationError, match=words):
            LinearModel(**content | change)
    single = fit_reference(table(30, sides=("left",)), options=MEN).muscles[0].model
    assert (single.values, single.degrees_of_freedom) == (None, 27)


def test_order_and_labels_of_rows_do_not_matter():
    people = table(60)
    found = only(people)
    labels = np.random.default_rng(0).permutation(1000)[:60]
    named = people.assign(
        subject=people["subject"].map(
            dict(zip(sorted(set(people["subject"])), labels.astype(str), strict=True))
        )
    )
    for other in (people.sample(frac=1, random_state=3), named):
        moved = only(other)
        assert moved.model.formula == found.model.formula
        assert_allclose(moved.model.coefficients, found.model.coefficients, rtol=1e-6)
        assert_allclose(
            moved.model.residual_variance, found.model.residual_variance, rtol=1e-6
        )


def test_models_like_the_published_ones_are_found_again():
    published = load_reference("radboud-esaote-6100-adult")
    model = published.model_for("Rectus femoris")

    def predicted(people):
        x = {
            name: people[name].to_numpy()
            for name in ("age_years", "height_cm", "weight_kg")
        }
        x["bmi"] = x["weight_kg"] / (x["height_cm"] / 100) ** 2
        x["sex_male"] = (people["sex"] == "male").to_numpy(dtype=float)
        return model.predict(x)[0]

    people = table(
        400, seed=4, muscle="Rectus femoris", sides=("right",), predicted=predicted
    )
    fit = fit_reference(people)
    assert parse_formula(fit.muscles[0].model.formula) == parse_formula(
        "1 + age_years + age_years^2 + height_cm"
    )
    own = reference_from_fit(fit, **NAMED)
    person = {"echo_intensity": 80, "age_years": 40, "height_cm": 175}
    z = own.z_score("Rectus femoris", **person)
    theirs = published.z_score("Rectus femoris", **person)
    assert abs(z.predicted - theirs.predicted) < 3 * 6.7 * np.sqrt(4 / 400)


def test_limits_and_people_are_those_of_the_sample():
    people = pd.concat(
        [table(40), table(50, seed=1, muscle="Deltoideus", sides=("left",))]
    )
    fit = fit_reference(people, options=MEN)
    reference = reference_from_fit(fit, **NAMED)
    both = people[people["muscle"] == "Biceps brachii"]
    limit = reference.model_for("Biceps brachii").limits["age_years"]
    low, high = both["age_years"].min(), both["age_years"].max()
    assert limit.warn == (low, high)
    assert_allclose(limit.refuse, (low - (high - low) / 10, high + (high - low) / 10))
    assert "height_cm" not in reference.model_for("Biceps brachii").limits
    assert reference.population.n == 50
    assert reference.population.women + reference.population.men == 50
    known = {"echo_intensity": 60, "sex": "male"}
    warned = reference.z_score("Deltoideus", age_years=81, **known).warnings
    assert any("extrapolated" in said for said in warned)
    with pytest.raises(ReferenceSetError, match="outside what the reference set"):
        reference.z_score("Deltoideus", age_years=95, **known)


def test_centre_is_the_mean_of_subjects_and_contributions_start_there():
    people = table(40).iloc[:70]
    model = fit_reference(people, options=MEN).muscles[0].model
    each = people.drop_duplicates("subject")
    assert_allclose(model.centre["age_years"], each["age_years"].mean())
    assert_allclose(model.centre["sex_male"], (each["sex"] == "male").mean())


def test_box_cox_scale_is_found_for_skewed_values():
    people = table(150, sides=("left",))
    people["value"] = np.exp(people["value"] / 25)
    people["value"] *= 100 / people["value"].max()
    fit = only(people, scale="box-cox", formula="1 + age_years + sex_male")
    assert abs(fit.model.transform.power) < 0.5
    log = only(people, scale="log", formula="1 + age_years + sex_male")
    assert log.model.transform.power == 0
    assert_allclose(log.rows["shown"], np.log(log.rows["value"]))
    assert log.limit_error.words.count("ln(gray level)") == 1
    plain = only(people, formula="1 + age_years + sex_male")
    assert plain.diagnostics.suggestion
    assert not all(test.passed for test in plain.diagnostics.tests)


def test_curves_and_their_left_out_z():
    people = table(100, sides=("left",))
    fit = only(people, kind="lms", candidates=("age_years",), folds=5)
    assert fit.model.kind == "lms"
    assert fit.model.limits["age_years"].warn == (
        people["age_years"].min(),
        people["age_years"].max(),
    )
    x = {"age_years": fit.rows["age_years"].to_numpy()}
    x |= {name: np.full(100, np.nan) for name in ("sex_male",)}
    found = fit.model.evaluate(x, fit.rows["value"].to_numpy())
    assert_allclose(fit.rows["z"], found.z)
    left_out = fit.rows["z_left_out"].dropna()
    assert 90 < len(left_out) <= 100
    assert left_out.std() > fit.rows.loc[left_out.index, "z"].std()
    assert "5 folds" in " ".join(fit.warnings)


def test_quantiles_and_who_is_beyond_them():
    people = table(150, sides=("left",))
    fit = only(people, kind="quantiles", formula="1 + age_years", folds=5)
    assert fit.model.kind == "quantiles"
    assert fit.model.formula == "1 + age_years"
    x = {"age_years": fit.rows["age_years"].to_numpy()}
    found = fit.model.evaluate(x, fit.rows["value"].to_numpy())
    assert_allclose(fit.rows["fitted"], found.predicted)
    lost = fit.rows["z_left_out"].isna().sum()
    assert 0 < lost < 75
    assert fit.left_out.n == 150 - lost
    assert not fit.left_out.passed
    assert np.isnan(fit.left_out.sd)
    assert f"{lost} of 150 controls" in " ".join(fit.warnings)


def test_one_bad_muscle_does_not_stop_the_others():
    people = pd.concat([table(40), table(6, muscle="Deltoideus")])
    fit = fit_reference(people, options=MEN)
    assert [m.muscle for m in fit.muscles] == ["Biceps brachii"]
    ((name, said),) = fit.refused
    assert name == "Deltoideus"
    assert "6 subjects" in said


@pytest.mark.parametrize(
    ("people", "arguments", "words"),
    [
        (lambda: table(6), {}, "has 6 subjects"),
        (
            lambda: pd.concat([table(6), table(7, muscle="Deltoideus")]),
            {},
            "None of the 2 muscles .* Biceps brachii has 6",
        ),
        (
            lambda: table(20),
            {"muscle": "Biceps brachi"},
            "did you mean 'Biceps brachii'",
        ),
        (lambda: table(20), {"measure": "thickness.mean"}, "it has intensity.mean"),
        (lambda: table(20).drop(columns="subject"), {}, "no column subject"),
        (
            lambda: table(20).assign(weight_kg=lambda t: t["height_cm"] - 100),
            {
                "options": FitOptions(
                    candidates=("height_cm", "weight_kg"), selection="none"
                )
            },
            "The term weight_kg is a combination of the others",
        ),
        (lambda: table(20), {"options": FitOptions(max_power=9)}, "power 9"),
    ],
    ids=["few", "all few", "name", "measure", "column", "collinear", "option"],
)
def test_nothing_is_fitted_to_what_is_wrong(people, arguments, words):
    with pytest.raises(ReferenceSetError, match=words):
        fit_reference(people(), **arguments)


def test_few_subjects_are_said():
    fit = fit_reference(table(20), options=MEN).muscles[0]
    assert any("20 subjects are few for the 3" in said for said in fit.warnings)
    many = fit_reference(table(60), options=MEN).muscles[0]
    assert not any("are few" in said for said in many.warnings)


def test_set_with_an_impossible_name_is_refused():
    fit = fit_reference(table(40), options=MEN)
    with pytest.raises(ReferenceSetError, match="because of name"):
        reference_from_fit(fit, **NAMED | {"name": "My controls"})


def test_progress_covers_all_muscles_and_cancel_stops():
    people = pd.concat([table(40), table(40, seed=1, muscle="Deltoideus")])
    told = []
    fit_reference(people, progress=lambda done, of: told.append((done, of)))
    assert told[-1] == (200, 200)
    assert told == sorted(told)
    assert any(0 < done < 100 for done, _ in told)
    assert fit_reference(people, cancelled=lambda: len(told) > 0) is None
    asked = iter([False] * 4)
    assert fit_reference(people, cancelled=lambda: next(asked, True)) is None
