"""The published rule against a plain transcription of it, and its words."""

from __future__ import annotations

import itertools
import json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.checksum import stamped
from napari_muscle_us.reference.examination.decision_rule import (
    DISCLAIMER,
    decide,
    load_decision_rule,
    parse_decision_rule,
)

# Written out from the source: (threshold, least number) in the order of the tests.
NMD_YOUNG = [(3.5, 1), (2.5, 2), (1.5, 3)]
NMD_OLD_MANY = [(3.5, 1), (2.5, 2), (2.0, 3)]
RADBOUD = "radboud-esaote-6100-adult"
EDGES = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5)
AROUND = sorted(
    {0.0, -2.0, 4.1}
    | {v for e in EDGES for v in (e, math.nextafter(e, 9), math.nextafter(e, 0))}
)


def naive(values, age):
    """Return the outcome by counting, without any of the package."""

    def any_of(tests):
        return any(len([z for z in values if z > t]) >= m for t, m in tests)

    few = len(values) < 6
    if age < 65:
        uncertain = [(2.0, 1), (1.5, 2), (1.0, 3)] if few else [(2.0, 1)]
        nmd = NMD_YOUNG
    else:
        uncertain = [(2.5, 1)] if few else [(3.0, 1)]
        nmd = NMD_YOUNG if few else NMD_OLD_MANY
    if any_of(nmd):
        return "NMD"
    return "uncertain" if any_of(uncertain) else "no NMD"


def named(values):
    return {f"muscle {i}": z for i, z in enumerate(values)}


def test_the_packaged_rule_is_the_oracle(shared):
    path = shared("oracles/radboud_zscore_decision_rule.json")
    oracle = json.loads(path.read_text("utf-8"))
    rule = load_decision_rule()
    for key, tests in oracle.items():
        if not key.startswith("age"):
            continue
        age = 30 if key.startswith("age<65") else 65
        n = 5 if key.endswith("n<6") else 6
        branch = rule.branch_for(age, n)
        expected = [(*pair, "NMD") for pair in tests["NMD"]]
        expected += [(*pair, "uncertain") for pair in tests["uncertain"]]
        assert [(t.threshold, t.at_least, t.outcome) for t in branch.tests] == expected
    assert rule.otherwise == oracle["else"]
    assert rule.reference_sets == (RADBOUD,)
    assert "42f1606" in rule.citation


@pytest.mark.parametrize("age", [18, 64.999, 65, 80])
@pytest.mark.parametrize("padding", [0, 2, 3, 4, 9])
def test_every_mixture_of_values_at_the_edges(age, padding):
    # All mixtures of three values from at, just above and just below each threshold.
    for values in itertools.combinations_with_replacement(AROUND, 3):
        every = [*values, *[0.0] * padding]
        assert decide(named(every), age).outcome == naive(every, age), (values, age)


@given(
    st.lists(st.sampled_from(AROUND) | st.floats(-6, 6), min_size=1, max_size=12),
    st.sampled_from([0, 18, 64.99, 65, 100]) | st.floats(0, 120),
)
def test_any_examination(values, age):
    decision = decide(named(values), age)
    assert decision.outcome == naive(values, age)
    met = [step.met for step in decision.steps]
    # All but the last test were not met; the last decides, unless nothing does.
    assert not any(met[:-1])
    assert met[-1] == (decision.outcome != "no NMD")
    for step in decision.steps:
        above = sum(z > step.threshold for z in values)
        assert len(step.found) == above
        assert step.met == (above >= step.at_least)
        assert f": {above} found" in step.words


@given(
    st.lists(st.floats(-6, 6), min_size=1, max_size=10),
    st.floats(0, 120),
    st.randoms(),
)
def test_the_order_of_muscles_does_not_matter(values, age, random):
    pairs = list(named(values).items())
    random.shuffle(pairs)
    assert decide(dict(pairs), age) == decide(named(values), age)


@pytest.mark.parametrize(
    ("threshold", "others", "age", "at", "above"),
    [
        (3.5, [0] * 5, 64, "uncertain", "NMD"),
        (2.5, [3.0], 64, "uncertain", "NMD"),
        (1.5, [1.8, 1.8], 64, "uncertain", "NMD"),
        (1.5, [1.8, 1.8, 0, 0, 0], 64, "no NMD", "NMD"),
        (2.0, [0] * 5, 64, "no NMD", "uncertain"),
        (1.5, [1.8], 64, "no NMD", "uncertain"),
        (1.0, [1.2, 1.2], 64, "no NMD", "uncertain"),
        (2.5, [0], 65, "no NMD", "uncertain"),
        (3.0, [0] * 5, 65, "no NMD", "uncertain"),
        (2.0, [2.2, 2.2, 0, 0, 0], 65, "no NMD", "NMD"),
    ],
)
def test_exactly_at_a_threshold_is_not_above_it(threshold, others, age, at, above):
    assert decide(named([threshold, *others]), age).outcome == at
    beyond = math.nextafter(threshold, 9)
    assert decide(named([beyond, *others]), age).outcome == above


def test_the_words_tell_each_step():
    z = {"Biceps brachii left": 2.71, "Soleus right": 1.2}
    decision = decide(z, 40, reference=RADBOUD)
    assert decision.branch == "Age 40 years (below 65), 2 Z-scores (fewer than 6)"
    assert [step.words for step in decision.steps] == [
        "At least 1 muscle with Z > 3.5: 0 found — no",
        "At least 2 muscles with Z > 2.5: 1 found (Biceps brachii left 2.71) — no",
        "At least 3 muscles with Z > 1.5: 1 found (Biceps brachii left 2.71) — no",
        "At least 1 muscle with Z > 2.0: 1 found (Biceps brachii left 2.71) — yes",
    ]
    assert decision.outcome == "uncertain"
    assert DISCLAIMER in decision.words
    assert decision.disclaimer == "Decision support, not a diagnosis."
    (few,) = decision.caveats
    assert "only 2 Z-scores" in few


def test_a_number_is_shown_above_its_threshold():
    words = decide({"Soleus left": math.nextafter(2.5, 9)}, 40).steps[1].words
    shown = float(re.search(r"left ([0-9.]+)\)", words).group(1))
    assert shown > 2.5


def test_the_other_branch_is_told():
    decision = decide(named([0.0] * 6), 65, reference=RADBOUD)
    assert decision.branch == "Age 65 years (65 or older), 6 Z-scores (6 or more)"
    assert decision.outcome == "no NMD"
    assert decision.caveats == ()


@pytest.mark.parametrize(
    ("reference", "words"),
    [("my-own-set", "not of my-own-set"), (None, "is not told")],
)
def test_another_reference_set_is_a_caveat(reference, words):
    (caveat,) = decide(named([0.0] * 6), 65, reference=reference).caveats
    assert words in caveat
    assert RADBOUD in caveat


@pytest.mark.parametrize(
    ("z", "age", "words"),
    [
        ({}, 40, "no Z-score"),
        ({"Soleus": math.nan}, 40, "Soleus is nan"),
        ({"Soleus": math.inf}, 40, "Soleus is inf"),
        ({"Soleus": 1.0}, None, "needs the subject's age"),
        ({"Soleus": 1.0}, math.nan, "Age nan"),
        ({"Soleus": 1.0}, -1, "Age -1"),
        ({"Soleus": 1.0}, 480, "Age 480"),
    ],
)
def test_what_cannot_be_decided_is_refused(z, age, words, one_sentence):
    with pytest.raises(ReferenceSetError, match=words) as error:
        decide(z, age)
    assert one_sentence(str(error.value))


def test_an_unknown_rule_is_refused(one_sentence):
    with pytest.raises(ReferenceSetError, match="built in are radboud") as error:
        load_decision_rule("../radboud")
    assert one_sentence(str(error.value))


def document():
    return json.loads(load_decision_rule().model_dump_json())


def changed(change):
    content = document()
    change(content)
    return json.dumps(stamped(content)).encode()


def test_a_rule_comes_back_as_it_was():
    assert parse_decision_rule(changed(lambda c: None)) == load_decision_rule()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda c: c["branches"].pop(), "0 branches hold"),
        (lambda c: c["branches"].append(c["branches"][0]), "2 branches hold"),
        (lambda c: c["branches"][0].update(age_below=64), "branches hold"),
        (lambda c: c["branches"][0]["tests"][0].update(at_least=0), "at_least"),
        (lambda c: c["branches"][0]["tests"][0].update(outcome="ill"), "outcome"),
        (lambda c: c.update(code="import os"), "code"),
        (lambda c: c.update(version=2), "version"),
    ],
)
def test_a_rule_that_is_none_is_refused(change, words, one_sentence):
    with pytest.raises(ReferenceSetError, match=words) as error:
        parse_decision_rule(changed(change))
    assert one_sentence(str(error.value))


def test_a_changed_rule_is_refused():
    content = document()
    content["branches"][0]["tests"][0]["threshold"] = 2.5
    with pytest.raises(ReferenceSetError, match="changed after it was made"):
        parse_decision_rule(json.dumps(content).encode())
