"""Reference sets from files: R's prediction interval, and sets that are broken."""

from __future__ import annotations

import copy
import json
import math

import numpy as np
import pytest

import napari_muscle_us as mus
from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.load import builtin_references, reference_sha256

NAME = "radboud-esaote-6100-adult"
MAN = {"age_years": 40, "sex": "male", "height_cm": 180, "weight_kg": 80}
ESAOTE = mus.Device("ESAOTE", "6100")

# R's built-in table mtcars: miles per gallon, horse power, weight.
MTCARS = """
21.0 110 2.620  21.0 110 2.875  22.8 93 2.320   21.4 110 3.215  18.7 175 3.440
18.1 105 3.460  14.3 245 3.570  24.4 62 3.190   22.8 95 3.150   19.2 123 3.440
17.8 123 3.440  16.4 180 4.070  17.3 180 3.730  15.2 180 3.780  10.4 205 5.250
10.4 215 5.424  14.7 230 5.345  32.4 66 2.200   30.4 52 1.615   33.9 65 1.835
21.5 97 2.465   15.5 150 3.520  15.2 150 3.435  13.3 245 3.840  19.2 175 3.845
27.3 66 1.935   26.0 91 2.140   30.4 113 1.513  15.8 264 3.170  19.7 175 2.770
15.0 335 3.570  21.4 109 2.780
"""


def mtcars_set():
    """Return a set whose one muscle is lm(mpg ~ wt + hp): wt as age, hp as weight."""
    mpg, hp, wt = np.array(MTCARS.split(), float).reshape(-1, 3).T
    design = np.column_stack([np.ones(32), wt, hp])
    inverse = np.linalg.inv(design.T @ design)
    coefficients = inverse @ design.T @ mpg
    residual = mpg - design @ coefficients
    variance = residual @ residual / 29
    return {
        "format": "napari-muscle-us reference set",
        "version": 1,
        "name": "cars",
        "title": "Cars",
        "citation": "R",
        "source_remark": "R",
        "licence": "none",
        "author": "R",
        "date": "1974",
        "measure": "intensity.mean",
        "unit": "gray level",
        "device": {"manufacturer": "Esaote", "models": ["6100"]},
        "population": "32 cars",
        "limits": {},
        "models": [
            {
                "muscle": "Car",
                "kind": "linear",
                "n": 32,
                "terms": [{}, {"age_years": 1}, {"weight_kg": 1}],
                "coefficients": coefficients.tolist(),
                "covariance": (variance * inverse).tolist(),
                "residual_variance": variance,
                "degrees_of_freedom": 29,
            }
        ],
    }


@pytest.fixture
def load(tmp_path):
    def from_text(content, name="own.json"):
        path = tmp_path / name
        text = content if isinstance(content, str) else json.dumps(content)
        path.write_text(text, encoding="utf-8")
        return mus.load_reference(path)

    return from_text


def test_prediction_interval_and_z_are_rs(load):
    # R 4.2.2: predict(lm(mpg ~ wt + hp, mtcars), data.frame(wt = 3, hp = 120),
    # interval = "prediction"), and (25 - fit) / sqrt(se.fit^2 + sigma^2).
    score = load(mtcars_set()).z_score(
        "Car", echo_intensity=25, age_years=3, weight_kg=120, device=ESAOTE
    )
    assert score.predicted == pytest.approx(21.7810242514, abs=1e-9)
    assert score.interval == pytest.approx((16.3817381195, 27.1803103832), abs=1e-9)
    assert score.z == pytest.approx(1.2193361229, abs=1e-9)
    assert score.sd == pytest.approx(math.hypot(0.493462505726, 2.59341177723))
    assert score.degrees_of_freedom == 29


# Reference files that are broken


def changed(**values):
    content = mtcars_set()
    for place, value in values.items():
        *path, last = place.split("__")
        part = content
        for step in path:
            part = part[int(step) if step.isdigit() else step]
        part[int(last) if last.isdigit() else last] = value
    return content


LIMIT = {"warn": [1, 2], "refuse": [0, 3], "basis": "test"}
BROKEN = {
    "not-json": ("mean = 66.8", "is not JSON at line 1"),
    "empty": ("", "is not JSON at line 1"),
    "list": ("[]", "is not a JSON object"),
    "unknown-version": (changed(version=3), "version '3' of the format, and this"),
    "version-2-without-checksum": (changed(version=2), "has no checksum"),
    "newer-field": (changed(checksum="sha256:0"), "at checksum: version 1"),
    "newer-model-field": (changed(models__0__formula="1"), "at formula: version 1"),
    "other-format": (changed(format="something"), "at format"),
    "extra-field": (changed(patients=["x"]), "at patients"),
    "code-in-the-name": (changed(name="__import__('os')"), "at name"),
    "missing-models": (changed(models=[]), "at models"),
    "covariance-shape": (changed(models__0__covariance=[[1, 0], [0, 1]]), "3 × 3"),
    "covariance-not-semidefinite": (
        changed(models__0__covariance=[[1, 0.9, 0.9], [0.9, 1, -0.9], [0.9, -0.9, 1]]),
        "not positive semidefinite",
    ),
    "covariance-above-variances": (
        changed(models__0__covariance=[[1, 2, 0], [2, 1, 0], [0, 0, 1]]),
        "variances do not allow",
    ),
    "covariance-ragged": (changed(models__0__covariance__1=[0, 0]), "3 × 3"),
    "too-few-coefficients": (changed(models__0__coefficients=[1]), "1 coefficients"),
    "nan": (changed(models__0__coefficients__0=math.nan), "holds NaN"),
    "infinite": (changed(models__0__covariance__0__0=math.inf), "holds Infinity"),
    "text-for-a-number": (
        changed(models__0__coefficients__1="7"),
        r"at models 1 \(Car\), coefficients 2: it should be a number;",
    ),
    "true-for-a-number": (changed(models__0__n=True), "n: it should be a whole number"),
    "population-of-version-2": (
        changed(population={"description": "cars"}),
        "at population, description: it should be a string",
    ),
    "no-variance": (changed(models__0__residual_variance=0), "residual_variance"),
    "freedom": (changed(models__0__degrees_of_freedom=30), "degrees of freedom"),
    "unknown-covariate": (changed(models__0__terms__1={"shoe": 1}), "shoe"),
    "huge-power": (changed(models__0__terms__1={"age_years": 99}), "at models"),
    "unknown-limit": (changed(limits__shoe_size=LIMIT), "at limits"),
}


@pytest.mark.parametrize(("content", "words"), BROKEN.values(), ids=BROKEN)
def test_a_broken_set_is_refused_in_one_sentence(load, one_sentence, content, words):
    with pytest.raises(ReferenceSetError, match=words) as error:
        load(content)
    assert one_sentence(str(error.value))
    assert "'own.json'" in str(error.value)


@pytest.mark.parametrize(
    "content",
    [
        changed(models__0__covariance__0__0=-1e6),
        changed(models__0__coefficients__2=1e308),
        changed(models__0__covariance__2__2=1e308),
        changed(limits__bmi=LIMIT),
        changed(limits__sex_male=LIMIT),
    ],
    ids=["negative-variance", "huge-slope", "huge-variance", "bmi-limit", "sex-limit"],
)
def test_a_set_that_gives_no_number_is_refused(load, content):
    try:
        score = load(content).z_score("Car", echo_intensity=25, **MAN, device=ESAOTE)
    except ReferenceSetError as error:
        score = error
    if not isinstance(score, ReferenceSetError):
        numbers = (score.z, score.predicted, score.sd, score.percentile)
        assert all(map(math.isfinite, numbers))
        assert score.sd > 0


def test_a_path_that_is_no_set_is_refused(tmp_path, one_sentence):
    huge = tmp_path / "huge.json"
    with huge.open("wb") as file:
        file.truncate(21_000_000)
    for name, words in (
        ("radboud-esaote-6200", "There is no reference set"),
        (tmp_path, "cannot be read"),
        (tmp_path / "none.json", "cannot be read"),
        (huge, "more than 20000000 bytes"),
        ("../sets/x", "cannot be read"),
        ("a\0b", "cannot be read|no reference set"),
    ):
        with pytest.raises(ReferenceSetError, match=words) as error:
            mus.load_reference(name)
        assert one_sentence(str(error.value))


def test_a_changed_file_is_read_again_and_hashes_differently(load, tmp_path):
    first = load(mtcars_set())
    digest = reference_sha256(tmp_path / "own.json")
    second = load(changed(title="Other cars"))
    assert (first.title, second.title) == ("Cars", "Other cars")
    assert reference_sha256(tmp_path / "own.json") != digest


def test_a_set_cannot_be_changed():
    radboud = mus.load_reference(NAME)
    before = copy.deepcopy(radboud.models[0].coefficients)
    with pytest.raises(ValueError, match="frozen"):
        radboud.models = ()
    assert radboud.models[0].coefficients == before
    assert builtin_references() == (NAME,)
