"""The format of reference files: checksum, refusals, writing, schema."""

from __future__ import annotations

import copy
import hashlib
import json
import math
import struct
from functools import cache
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import napari_muscle_us as mus
from napari_muscle_us.errors import MuscleUSError, ReferenceSetError, ResultsError
from napari_muscle_us.reference.checksum import checksum_of, read_strict_json, stamped
from napari_muscle_us.reference.load import MAX_BYTES, parse_reference
from napari_muscle_us.reference.model import ReferenceSet
from napari_muscle_us.reference.schema import WORDS, reference_schema
from napari_muscle_us.reference.write import reference_document, write_reference

from .test_reference_kinds import ALL, people

ROOT = Path(__file__).parents[2]
VALIDATOR = jsonschema.Draft202012Validator(reference_schema())
RADBOUD = "radboud-esaote-6100-adult"


def document(*models, **fields):
    """Return the content of a small set of version 2, without a checksum."""
    return {
        "format": "napari-muscle-us reference set",
        "version": 2,
        "name": "our-laboratory",
        "title": "Ours",
        "citation": "We 2026",
        "source_remark": "Measured by us",
        "licence": "CC0",
        "author": "We",
        "date": "2026-11-22",
        "device": {"manufacturer": "Esaote", "models": ["6100"]},
        "population": {"description": "60 neighbours"},
        "limits": {},
        "models": list(models) or every_kind(),
    } | fields


def every_kind():
    return [
        {"muscle": f"Muscle {kind}", "n": 60, "kind": kind} | copy.deepcopy(fields)
        for kind, fields in ALL.items()
    ]


def as_file(content):
    return json.dumps(stamped(content)).encode()


def read(content):
    return parse_reference(as_file(content), "own.json")


@cache
def small_set():
    return read(document())


# Checksum


def sha256(canonical):
    return "sha256:" + hashlib.sha256(canonical.encode("utf-8")).hexdigest()


def test_the_checksum_is_over_the_canonical_form_of_rfc_8785():
    # The example of RFC 8785, 3.2.2, and its canonical form as 3.2.4 has it in bytes.
    sample = (
        r'{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000'
        r'001], "string": "\u20ac$\u000F\u000aA' + "'" + r'\u0042\u0022\u005c\\\"\/", '
        r'"literals": [null, true, false]}'
    )
    canonical = bytes.fromhex(
        "7b226c69746572616c73223a5b6e756c6c2c747275652c66616c73655d2c226e756d62657273"
        "223a5b3333333333333333332e333333333333332c31652b33302c342e352c302e3030322c31"
        "652d32375d2c22737472696e67223a22e282ac245c75303030665c6e4127425c225c5c5c5c5c"
        "222f227d"
    )
    content = read_strict_json(sample.encode(), what="It")
    expected = "sha256:" + hashlib.sha256(canonical).hexdigest()
    assert checksum_of(content) == expected
    assert checksum_of(content | {"checksum": "anything"}) == expected


# RFC 8785, appendix B: bits of a double, and how it is written.
NUMBERS = {
    "0000000000000000": "0",
    "8000000000000000": "0",
    "0000000000000001": "5e-324",
    "8000000000000001": "-5e-324",
    "7fefffffffffffff": "1.7976931348623157e+308",
    "ffefffffffffffff": "-1.7976931348623157e+308",
    "4340000000000000": "9007199254740992",
    "c340000000000000": "-9007199254740992",
    "4430000000000000": "295147905179352830000",
    "44b52d02c7e14af5": "9.999999999999997e+22",
    "44b52d02c7e14af6": "1e+23",
    "44b52d02c7e14af7": "1.0000000000000001e+23",
    "444b1ae4d6e2ef4e": "999999999999999700000",
    "444b1ae4d6e2ef4f": "999999999999999900000",
    "444b1ae4d6e2ef50": "1e+21",
    "3eb0c6f7a0b5ed8c": "9.999999999999997e-7",
    "3eb0c6f7a0b5ed8d": "0.000001",
    "41b3de4355555553": "333333333.3333332",
    "41b3de4355555554": "333333333.33333325",
    "41b3de4355555555": "333333333.3333333",
    "41b3de4355555556": "333333333.3333334",
    "41b3de4355555557": "333333333.33333343",
    "becbf647612f3696": "-0.0000033333333333333333",
    "43143ff3c1cb0959": "1424953923781206.2",
}


@pytest.mark.parametrize(("bits", "text"), NUMBERS.items())
def test_numbers_are_written_as_rfc_8785_has_them(bits, text):
    (number,) = struct.unpack(">d", bytes.fromhex(bits))
    assert checksum_of({"x": number}) == sha256(f'{{"x":{text}}}')


def test_keys_are_sorted_by_utf_16_as_rfc_8785_has_them():
    keys = ["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\x80", "\u00f6"]
    order = ["\\r", "1", "\x80", "\u00f6", "\u20ac", "\U0001f600", "\ufb33"]
    canonical = "{" + ",".join(f'"{key}":1' for key in order) + "}"
    assert checksum_of(dict.fromkeys(keys, 1)) == sha256(canonical)


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, 2**60, "\ud800"], ids=["nan", "inf", "2^60", "half"]
)
def test_what_json_cannot_say_has_no_checksum(one_sentence, value):
    with pytest.raises(ReferenceSetError, match="no exact form") as error:
        checksum_of({"x": value})
    assert one_sentence(str(error.value))


# Files that are refused


def nested(depth):
    return '{"a":' * depth + "1" + "}" * depth


def edited(change):
    content = document()
    change(content)
    return as_file(content)


def digit_changed():
    return as_file(document()).replace(
        b'"residual_variance": 60', b'"residual_variance": 61'
    )


def at(place, value, *keys):
    """Return a file where one field of one model has another value."""

    def change(content):
        part = content["models"][place]
        for key in keys[:-1]:
            part = part[key]
        part[keys[-1]] = value

    return edited(change)


def without(*keys):
    def change(content):
        part = content
        for key in keys[:-1]:
            part = part[key]
        del part[keys[-1]]

    return edited(change)


LINEAR, GROUPS, CURVES, TABLE, QUANTILES = range(5)
REFUSED = {
    "digit": (digit_changed(), "was changed after it was made"),
    "no-checksum": (json.dumps(document()).encode(), "has no checksum"),
    "checksum-number": (
        json.dumps(document(checksum=7)).encode(),
        "was changed after it was made",
    ),
    "twice": (b'{"format": 1, "format": 2}', "has the field 'format' twice"),
    "nan": (b'{"a": NaN}', "holds NaN"),
    "minus-infinity": (b'{"a": -Infinity}', "holds -Infinity"),
    "too-large": (b'{"a": 1e999}', "holds 1e999, which is too large"),
    "endless-integer": (b'{"a": ' + b"9" * 5000 + b"}", "is not JSON"),
    "large-integer": (
        json.dumps(document(checksum="x", version=2, n=2**70)).encode(),
        "no exact form",
    ),
    "deep": (nested(100_000).encode(), "nested too deep"),
    "deep-models": (
        as_file(document(models=json.loads("[" * 400 + "]" * 400))),
        "nested too deep",
    ),
    "latin-1": ('{"a": "\xe9"}'.encode("latin-1"), "is not JSON"),
    "utf-16": ('{"a": 1}'.encode("utf-16"), "is not JSON"),
    "half-a-letter": (
        b'{"format": "napari-muscle-us reference set", "version": 2, "checksum": "x", '
        b'"name": "\\ud800"}',
        "no exact form",
    ),
    "zip": (b"PK\x03\x04" + bytes(100), "is not JSON"),
    "version": (as_file(document(version=3)), "has version '3' of the format"),
    "version-text": (as_file(document(version="x" * 999)), "has version 'xxxx"),
    "no-version": (without("version"), "has no version of the format"),
    "other-format": (as_file(document(format="a b")), "not valid at format"),
    "no-formula": (
        at(LINEAR, "exp(age_years)", "formula"),
        r"models 1 \(Muscle linear\), formula: 'exp\(age_years\)' in 'exp\(age_years\)'"
        " is no term of a formula",
    ),
    "formula-of-code": (
        at(QUANTILES, "__import__('os').system('x')", "formula"),
        r"models 5 \(Muscle quantiles\), formula: .* is no term of a formula",
    ),
    "formula-of-a-typo": (at(LINEAR, "1 + age_yeers", "formula"), "did you mean age_y"),
    "kind": (at(GROUPS, "gamlss", "kind"), r"\(Muscle groups\): kind is none of"),
    "no-kind": (without("models", GROUPS, "kind"), r"groups\): kind is missing"),
    "missing": (
        without("models", CURVES, "curves", 0, "m"),
        r"models 3 \(Muscle lms\), curves 1, m: the field is missing",
    ),
    "unknown": (
        at(TABLE, 1, "curves", 0, "colour"),
        r"models 4 \(Muscle quantile_table\), curves 1, colour: there is no such field",
    ),
    "word-for-a-number": (
        at(CURVES, "many", "curves", 0, "m", 2),
        r"\(Muscle lms\), curves 1, m 3: it should be a number",
    ),
    "object-for-a-list": (
        at(CURVES, {}, "curves", 0, "m"),
        r"\(Muscle lms\), curves 1, m: it should be a list",
    ),
    "list-for-a-model": (
        as_file(document([1])),
        r"models 1: it should be an object",
    ),
    "choice": (
        at(GROUPS, "M", "groups", 0, "sex"),
        r"groups 1, sex: it should be 'male' or 'female'",
    ),
    "negative-sd": (at(GROUPS, -8, "groups", 0, "sd"), "groups 1, sd: it should be"),
    "overlap": (
        at(GROUPS, {"low": 0, "high": 50}, "groups", 0, "age_years"),
        r"models 2 \(Muscle groups\): groups 1 and 2 overlap",
    ),
    "empty-text": (as_file(document(title="")), "at title: the text should have at"),
    "blank-muscle": (at(LINEAR, " ", "muscle"), "1, muscle: it is blank"),
    "two-lines": (at(LINEAR, "A\nB", "muscle"), "muscle: it has a line break"),
    "code-as-name": (as_file(document(name="__import__")), "at name: it has charact"),
    "same-muscle": (as_file(document(*every_kind(), *every_kind())), "already names"),
    "no-models": (as_file(document(models=[])), "at models: the list should have at"),
    "long-key": (as_file(document(**{"k" * 9000: 1})), "kkk…: there is no such field"),
    "long-muscle": (
        at(LINEAR, "M\n" * 5000, "muscle"),
        r"\(M M M .*…\), muscle: the text should have at most 200",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "words"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_is_not_right_is_refused_in_a_sentence(
    tmp_path, one_sentence, content, words
):
    path = tmp_path / "own.json"
    path.write_bytes(content)
    with pytest.raises(ReferenceSetError, match=words) as error:
        mus.load_reference(path)
    message = str(error.value)
    assert one_sentence(message)
    assert message.startswith("The reference set 'own.json' ")
    for foreign in ("Value error", "Input should", "Tuple", "tagged", "pydantic", ".."):
        assert foreign not in message


def test_a_file_that_is_too_large_is_refused(tmp_path, one_sentence):
    path = tmp_path / "own.json"
    path.write_bytes(as_file(document()) + b" " * MAX_BYTES)
    with pytest.raises(ReferenceSetError, match="more than 20000000 bytes") as error:
        mus.load_reference(path)
    assert one_sentence(str(error.value))


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_any_digit_changed_is_seen(data):
    content = bytearray(as_file(document()))
    digits = [i for i, byte in enumerate(content) if chr(byte).isdigit()]
    place = data.draw(st.sampled_from(digits))
    other = data.draw(st.sampled_from("0123456789"))
    before = json.loads(content)
    content[place] = ord(other)
    try:
        after = json.loads(content)
    except ValueError:
        after = None
    if after == before:
        assert parse_reference(bytes(content), "own.json") == small_set()
    else:
        with pytest.raises(ReferenceSetError):
            parse_reference(bytes(content), "own.json")


def leaves(value, path=()):
    """Return the paths of all parts of a document."""
    items = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    below = [place for key, item in items for place in leaves(item, (*path, key))]
    return [path, *below] if path else below


LEAVES = leaves(document())
SHARES = np.array([1.0, 2.5, 16.0, 50.0, 84.0, 97.5, 99.0])
hostile = st.one_of(
    st.none() | st.booleans() | st.text(max_size=5) | st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0, -1, 1, 1e308, -1e308, 5e-324, [], {}, [[]], "", "\ud800"]),
    st.lists(st.floats(-9, 9), max_size=4),
)


@given(st.lists(st.tuples(st.sampled_from(LEAVES), hostile), min_size=1, max_size=3))
@settings(max_examples=300, deadline=None)
def test_a_file_changed_anywhere_is_refused_or_gives_finite_numbers(
    one_sentence, changes
):
    content = document()
    for path, value in changes:
        part = content
        try:
            for key in path[:-1]:
                part = part[key]
            part[path[-1]] = value
        except (KeyError, IndexError, TypeError):
            continue
    try:
        reference = parse_reference(as_file(content), "own.json")
    except ReferenceSetError as error:
        refusal = str(error)
        models = ()
    else:
        refusal, models = "", reference.models
    assert not refusal or one_sentence(refusal)
    x = people(4, age_years=[20, 35, 59, 90], sex_male=[0, 1, 1, 0])
    for model in models:
        found = model.evaluate(x, np.array([30.0, 55.0, 80.0, 200.0]))
        good = found.problem == ""
        numbers = np.array([found.z, found.predicted, found.sd, found.percentile])
        assert np.isfinite(numbers[:, good]).all()
        assert np.isnan(numbers[:, ~good]).all()
        assert (found.sd[good] > 0).all()
        assert all(map(one_sentence, found.problem[~good]))
        values = model.value_at(people(age_years=35, sex_male=1), SHARES)
        assert not np.isinf(values).any()
        if good[1]:
            reached = values[np.isfinite(values)]
            assert (np.diff(reached) >= -1e-9 * np.abs(reached[1:])).all()


def test_the_order_of_fields_and_spaces_does_not_matter():
    content = stamped(document())
    turned = json.dumps(dict(reversed(content.items())), indent=7)
    assert parse_reference(turned.encode(), "own.json") == small_set()


# Writing

numbers = st.floats(-1e6, 1e6)
positive = st.floats(1e-6, 1e6)
texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
lines = st.text(
    st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1, max_size=40
)


def rising(count, low=-1e6, high=1e6):
    values = st.lists(
        st.floats(low, high), min_size=count, max_size=count, unique_by=float
    )
    return values.map(sorted).filter(lambda v: all(a < b for a, b in pairwise(v)))


def several(values, count):
    return st.lists(values, min_size=count, max_size=count)


@st.composite
def conditions(draw):
    return draw(
        st.fixed_dictionaries(
            {},
            optional={
                "sex": st.sampled_from(["male", "female"]),
                "side": st.sampled_from(["left", "right"]),
                "dominance": st.sampled_from(["dominant", "non-dominant"]),
            },
        )
    )


@st.composite
def any_model(draw, kind):
    made = {"kind": kind, "muscle": kind, "n": 500, "remark": draw(texts)}
    count = draw(st.integers(2, 5))
    along = {"covariate": draw(st.sampled_from(["age_years", "height_cm"]))}
    shares = {"probabilities": [0.025, draw(st.floats(0.03, 0.49)), 0.5, 0.975]}
    x = draw(rising(count))
    if kind == "linear":
        variances = draw(several(positive, 2))
        made |= {
            "formula": "1 + sex_male:age_years^3",
            "coefficients": draw(several(numbers, 2)),
            "covariance": [[variances[0], 0.0], [-0.0, variances[1]]],
            "residual_variance": draw(positive),
            "degrees_of_freedom": draw(st.floats(1, 498)),
            "sd": draw(st.sampled_from(["prediction", "residual"])),
            "transform": draw(
                st.none() | st.builds(lambda p: {"power": p}, st.floats(-5, 5))
            ),
            "measurement_error": {"sem": draw(positive), "basis": draw(lines)},
        }
    elif kind == "groups":
        ends = pairwise(x)
        made["groups"] = [
            {
                "age_years": {"low": low, "high": high},
                "mean": draw(numbers),
                "sd": draw(positive),
                "n": draw(st.integers(2, 500)),
            }
            | draw(conditions())
            for low, high in ends
        ]
        made["sd"] = draw(st.sampled_from(["prediction", "plain"]))
    elif kind == "lms":
        curve = {
            "x": x,
            "l": draw(several(st.floats(-5, 5), count)),
            "m": draw(several(positive, count)),
            "s": draw(several(positive, count)),
        }
        made |= along | {"curves": [curve | draw(conditions())]}
        made["beyond_3"] = draw(st.sampled_from(["lms", "who"]))
    elif kind == "quantile_table":
        curve = {"x": x, "values": [draw(rising(4)) for _ in x], "n": 7}
        made |= along | shares | {"curves": [curve | draw(conditions())]}
    else:
        made |= shares | {
            "formula": "1 + bmi:side_right",
            "coefficients": [draw(several(numbers, 2)) for _ in range(4)],
        }
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("sets")


def bits(value):
    """Return a value with its floats as hexadecimal, so that −0 is not 0."""
    if isinstance(value, dict):
        return {key: bits(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [bits(item) for item in value]
    return value.hex() if isinstance(value, float) else value


@pytest.mark.parametrize("kind", ALL)
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_what_is_written_is_read_bit_for_bit(folder, kind, data):
    content = document(data.draw(any_model(kind)), title=data.draw(texts))
    reference = ReferenceSet.model_validate_json(json.dumps(content), strict=True)
    path = folder / f"{kind}.json"
    written = write_reference(path, reference, overwrite=True)
    again = mus.load_reference(path)
    assert again == written
    assert bits(again.model_dump(exclude={"checksum"})) == bits(
        reference.model_dump(exclude={"checksum"})
    )
    assert again.checksum == checksum_of(json.loads(path.read_text("utf-8")))
    VALIDATOR.validate(json.loads(path.read_text("utf-8")))


def test_the_built_in_set_is_written_as_it_is(tmp_path):
    radboud = mus.load_reference(RADBOUD)
    written = write_reference(tmp_path / "copy.json", radboud)
    assert written.models == radboud.models
    assert mus.load_reference(tmp_path / "copy.json") == written
    text = (tmp_path / "copy.json").read_text("utf-8")
    assert '"measure": "intensity.mean"' in text
    assert '"sd": "prediction"' in text
    assert '"transform"' not in text
    assert list(tmp_path.iterdir()) == [tmp_path / "copy.json"]


def test_a_file_of_version_1_is_written_as_version_2(tmp_path):
    model = ALL["linear"] | {"muscle": "Tongue", "n": 60, "kind": "linear"}
    model["terms"] = [{}, {"age_years": 1}]
    del model["formula"]
    old = document(model, version=1, population="60 neighbours")
    old |= {"measure": "intensity.mean", "unit": "gray level"}
    (tmp_path / "old.json").write_text(json.dumps(old))
    first = mus.load_reference(tmp_path / "old.json")
    write_reference(tmp_path / "new.json", first)
    second = mus.load_reference(tmp_path / "new.json")
    assert json.loads((tmp_path / "new.json").read_text())["version"] == 2
    assert second.models == first.models
    assert second.models[0].formula == "1 + age_years"
    assert second.population.description == "60 neighbours"


def test_nothing_is_replaced_unless_it_is_a_set_and_allowed(tmp_path, one_sentence):
    path = tmp_path / "own.json"
    write_reference(path, small_set())
    before = path.read_bytes()
    other = small_set().model_copy(update={"title": "Other"})
    with pytest.raises(ReferenceSetError, match="is there already; choose") as error:
        write_reference(path, other)
    assert one_sentence(str(error.value))
    assert path.read_bytes() == before
    write_reference(path, other, overwrite=True)
    assert mus.load_reference(path).title == "Other"


@pytest.mark.parametrize(
    "content",
    [b"", b"{}", b'{"format": "a game"}', b"my thesis", bytes(range(256)), b"[1]"],
    ids=["empty", "object", "other-format", "text", "binary", "list"],
)
def test_a_file_that_is_no_set_is_never_replaced(tmp_path, one_sentence, content):
    path = tmp_path / "thesis.json"
    path.write_bytes(content)
    for overwrite in (False, True):
        with pytest.raises(ReferenceSetError, match="is not a reference set") as error:
            write_reference(path, small_set(), overwrite=overwrite)
        assert one_sentence(str(error.value))
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_damaged_set_may_be_replaced_when_allowed(tmp_path):
    path = tmp_path / "own.json"
    path.write_bytes(digit_changed())
    with pytest.raises(ReferenceSetError, match="is there already"):
        write_reference(path, small_set())
    write_reference(path, small_set(), overwrite=True)
    assert mus.load_reference(path).name == "our-laboratory"


@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("own.txt", ReferenceSetError, "does not end in .json"),
        ("own", ReferenceSetError, "does not end in .json"),
        ("none/own.json", ResultsError, "cannot be written"),
        ("folder.json", ResultsError, "is a folder"),
        ("a\0b.json", ResultsError, "not a file name"),
        ("x" * 300 + ".json", MuscleUSError, "cannot be written|not a file name"),
    ],
    ids=["txt", "bare", "no-folder", "folder", "nul", "long"],
)
def test_no_place_to_write_is_said(tmp_path, name, error, words):
    (tmp_path / "folder.json").mkdir()
    with pytest.raises(error, match=words):
        write_reference(f"{tmp_path}/{name}", small_set())


def test_a_set_that_would_not_be_read_back_is_not_written(tmp_path, one_sentence):
    for change in ({"title": ""}, {"version": 1}, {"date": math.inf}, {"models": ()}):
        bad = small_set().model_copy(update=change)
        with pytest.raises(ReferenceSetError) as error:
            write_reference(tmp_path / "own.json", bad)
        assert one_sentence(str(error.value))
    assert list(tmp_path.iterdir()) == []


# Schema


def test_the_published_schema_is_the_one_of_the_code():
    path = ROOT / "docs" / "reference-set.schema.json"
    assert json.loads(path.read_text("utf-8")) == reference_schema()


def test_the_schema_is_one_and_every_field_is_described():
    schema = reference_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    parts = {"ReferenceSet": schema, **schema["$defs"]}
    assert set(parts) == set(WORDS)
    for name, part in parts.items():
        assert part["description"] == WORDS[name][""]
        assert set(part["properties"]) == set(WORDS[name]) - {""}
        for field, content in part["properties"].items():
            assert content["description"] == WORDS[name][field]


def test_the_built_in_set_and_every_kind_follow_the_schema():
    resource = files("napari_muscle_us.reference") / "sets" / f"{RADBOUD}.json"
    jsonschema.validate(json.loads(resource.read_text("utf-8")), reference_schema())
    jsonschema.validate(reference_document(small_set()), reference_schema())
    jsonschema.validate(stamped(document()), reference_schema())


@pytest.mark.parametrize(
    "name",
    ["no-checksum", "version", "kind", "missing", "unknown", "choice", "no-models"],
)
def test_a_broken_file_does_not_follow_the_schema(name):
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(json.loads(REFUSED[name][0]), reference_schema())
