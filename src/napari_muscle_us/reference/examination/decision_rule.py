"""The published rule that turns the Z-scores of an examination into a suggestion.

It is decision support, not a diagnosis: each test of the rule is shown with what it
found, so that a reader can follow it and disagree.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Final, Literal

from pydantic import Field, ValidationError, model_validator

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.checksum import check_checksum, read_strict_json
from napari_muscle_us.reference.parts import Finite, Label, Strict, Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Self

Outcome = Literal["NMD", "uncertain", "no NMD"]

DISCLAIMER: Final = "Decision support, not a diagnosis."
DEFAULT_RULE: Final = "radboud"

OUTCOME_WORDS: Final[dict[Outcome, str]] = {
    "NMD": "NMD: the Z-scores suggest a neuromuscular disorder",
    "uncertain": "Uncertain: the Z-scores neither suggest nor exclude a "
    "neuromuscular disorder",
    "no NMD": "No NMD: the Z-scores do not suggest a neuromuscular disorder",
}
"""What each outcome says, in words."""

_SHOWN: Final = 8


class RuleTest(Strict):
    """At least `at_least` Z-scores strictly above `threshold` lead to `outcome`."""

    threshold: Finite
    at_least: int = Field(ge=1, le=100)
    outcome: Outcome


class Branch(Strict):
    """The tests for an age and a number of Z-scores, in order.

    Ages from `age_from` up to but not including `age_below`; numbers of Z-scores from
    `z_from` up to but not including `z_below`; ``None`` is no limit.
    """

    age_from: Finite | None
    age_below: Finite | None
    z_from: int | None
    z_below: int | None
    tests: tuple[RuleTest, ...] = Field(min_length=1, max_length=50)

    def holds(self, age_years: float, n: int) -> bool:
        """Whether the branch is for this age and number of Z-scores."""
        return (
            (self.age_from is None or age_years >= self.age_from)
            and (self.age_below is None or age_years < self.age_below)
            and (self.z_from is None or n >= self.z_from)
            and (self.z_below is None or n < self.z_below)
        )


class DecisionRule(Strict):
    """A decision rule on Z-scores; see ``decision_rules/``."""

    format: Literal["napari-muscle-us decision rule"]
    version: Literal[1]
    name: Label
    title: Text
    citation: Text
    purpose: Text
    counting: Text
    reference_sets: tuple[Label, ...] = Field(min_length=1, max_length=50)
    branches: tuple[Branch, ...] = Field(min_length=1, max_length=50)
    otherwise: Outcome
    checksum: Label

    @model_validator(mode="after")
    def _check_branches(self) -> Self:
        """Refuse a rule that has not exactly one branch for each examination."""
        ages, numbers = {0.0, 120.0}, {1, 1000}
        for branch in self.branches:
            for edge in (branch.age_from, branch.age_below):
                ages |= set() if edge is None else {edge - 0.5, edge, edge + 0.5}
            for count in (branch.z_from, branch.z_below):
                numbers |= set() if count is None else {count - 1, count, count + 1}
        for age in ages:
            for n in numbers:
                fitting = sum(branch.holds(age, n) for branch in self.branches)
                if fitting != 1:
                    raise ValueError(
                        f"{fitting} branches hold for {age:g} years and {n} Z-scores"
                    )
        return self

    def branch_for(self, age_years: float, n: int) -> Branch:
        """Return the branch for an age and a number of Z-scores."""
        return next(branch for branch in self.branches if branch.holds(age_years, n))


@dataclass(frozen=True, slots=True)
class Step:
    """A test of the rule and what it found.

    Attributes
    ----------
    threshold : float
        Z-scores strictly above it are counted.
    at_least : int
        How many the test asks for.
    found : tuple of (str, float)
        Those above, largest first.
    met : bool
        Whether there are enough.
    outcome : str
        What the test decides when it is met.
    words : str
        All of this in a sentence.
    """

    threshold: float
    at_least: int
    found: tuple[tuple[str, float], ...]
    met: bool
    outcome: Outcome
    words: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What the rule suggests, and how it came to it.

    Attributes
    ----------
    outcome : {"NMD", "uncertain", "no NMD"}
        Suggestion of the rule; decision support, not a diagnosis.
    words : str
        The same in a sentence.
    branch : str
        Which part of the rule was taken, in words.
    steps : tuple of Step
        Tests in the order in which they were made; the last is the one that decided,
        unless none was met.
    n : int
        Number of Z-scores, one a muscle and side.
    caveats : tuple of str
        What to know of it, a sentence each.
    rule, citation : str
        Name and source of the rule.
    disclaimer : str
        What the outcome is not.
    """

    outcome: Outcome
    words: str
    branch: str
    steps: tuple[Step, ...]
    n: int
    caveats: tuple[str, ...]
    rule: str
    citation: str
    disclaimer: str = DISCLAIMER


def load_decision_rule(name: str = DEFAULT_RULE) -> DecisionRule:
    """Return a decision rule that comes with the package.

    Parameters
    ----------
    name : str, default: "radboud"
        Its name.

    Returns
    -------
    DecisionRule
        Validated rule.

    Raises
    ------
    ReferenceSetError
        If there is no such rule, or its file was changed.

    Examples
    --------
    >>> rule = load_decision_rule()
    >>> len(rule.branches), rule.otherwise
    (4, 'no NMD')
    """
    folder = files("napari_muscle_us.reference.examination") / "decision_rules"
    known = sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".json"))
    if name not in known:
        raise ReferenceSetError(
            f"There is no decision rule {name!r:.40}; built in are {', '.join(known)}."
        )
    return parse_decision_rule((folder / f"{name}.json").read_bytes())


@lru_cache(maxsize=8)
def parse_decision_rule(content: bytes) -> DecisionRule:
    """Return the decision rule that a JSON file holds.

    Raises
    ------
    ReferenceSetError
        If it is not valid, or was changed after it was made.
    """
    what = "The decision rule"
    document = read_strict_json(content, what=what)
    check_checksum(document, what=what)
    try:
        return DecisionRule.model_validate_json(json.dumps(document))
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise ReferenceSetError(
            f"{what} is not valid at {place}: {first['msg']}; get the file again."
        ) from None


def decide(
    z_scores: Mapping[str, float],
    age_years: float | None,
    *,
    rule: DecisionRule | None = None,
    reference: str | None = None,
) -> Decision:
    """Return what the published rule makes of the Z-scores of an examination.

    Parameters
    ----------
    z_scores : mapping of str to float
        One Z-score a muscle and side, by a label such as ``"Biceps brachii left"``.
        Left and right count as two, as the rule does.
    age_years : float or None
        Age of the person at the examination; the rule needs it.
    rule : DecisionRule, optional
        By default that of `load_decision_rule`.
    reference : str, optional
        Name of the reference set of the Z-scores; another than the rule was made with
        is a caveat.

    Returns
    -------
    Decision
        Outcome, the branch taken, and each test with what it found.

    Raises
    ------
    ReferenceSetError
        If there is no Z-score, one is not a number, or the age is missing or
        impossible.

    Notes
    -----
    A Z-score counts when it is strictly greater than the threshold. The tests of the
    branch are made in order; the first that is met decides.

    References
    ----------
    CreateRandom/muscle-ultrasound at commit 42f1606, ``baselines/rule_based.py``.

    Examples
    --------
    >>> found = decide({"Biceps brachii left": 2.71, "Soleus left": 0.4}, 40)
    >>> found.outcome
    'uncertain'
    >>> print(found.steps[1].words)
    At least 2 muscles with Z > 2.5: 1 found (Biceps brachii left 2.71) — no
    """
    rule = load_decision_rule() if rule is None else rule
    age = _checked_age(age_years)
    scores = _checked_scores(z_scores)
    branch = rule.branch_for(age, len(scores))
    steps: list[Step] = []
    outcome = rule.otherwise
    for test in branch.tests:
        steps.append(_step(test, scores))
        if steps[-1].met:
            outcome = test.outcome
            break
    return Decision(
        outcome=outcome,
        words=f"{OUTCOME_WORDS[outcome]}. {DISCLAIMER}",
        branch=_branch_words(branch, age, len(scores)),
        steps=tuple(steps),
        n=len(scores),
        caveats=_caveats(rule, branch, len(scores), reference),
        rule=rule.name,
        citation=rule.citation,
    )


def _checked_age(age_years: float | None) -> float:
    if age_years is None:
        raise ReferenceSetError(
            "The decision rule needs the subject's age; enter it in years."
        )
    if not 0 <= age_years <= 120:
        raise ReferenceSetError(
            f"Age {age_years:g} years is not possible (allowed 0–120); enter it in "
            "years."
        )
    return float(age_years)


def _checked_scores(z_scores: Mapping[str, float]) -> list[tuple[str, float]]:
    if not z_scores:
        raise ReferenceSetError(
            "There is no Z-score, so the decision rule has nothing to count; measure a "
            "muscle that the reference set knows."
        )
    for label, z in z_scores.items():
        if not math.isfinite(z):
            raise ReferenceSetError(
                f"The Z-score of {label:.80} is {z:g}, which is no number; leave "
                "it out."
            )
    return sorted(
        ((label, float(z)) for label, z in z_scores.items()),
        key=lambda pair: (-pair[1], pair[0]),
    )


def _step(test: RuleTest, scores: list[tuple[str, float]]) -> Step:
    found = tuple((label, z) for label, z in scores if z > test.threshold)
    met = len(found) >= test.at_least
    muscles = "1 muscle" if test.at_least == 1 else f"{test.at_least} muscles"
    named = ", ".join(
        f"{label} {_number(z, test.threshold)}" for label, z in found[:_SHOWN]
    )
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    words = (
        f"At least {muscles} with Z > {test.threshold:.1f}: {len(found)} found"
        f"{f' ({named}{more})' if found else ''} — {'yes' if met else 'no'}"
    )
    return Step(test.threshold, test.at_least, found, met, test.outcome, words)


def _number(z: float, threshold: float) -> str:
    """Return a Z-score with as many digits as show that it is above the threshold."""
    texts = (f"{z:.{digits}f}" for digits in range(2, 17))
    return next((text for text in texts if float(text) > threshold), repr(z))


def _age(age: float, edges: Sequence[float]) -> str:
    """Return an age with as many digits as show on which side of an edge it is."""
    texts = (f"{age:.{digits}g}" for digits in range(6, 17))
    told = (t for t in texts if all((float(t) < e) == (age < e) for e in edges))
    return next(told, repr(age))


def _branch_words(branch: Branch, age: float, n: int) -> str:
    edges = [e for e in (branch.age_below, branch.age_from) if e is not None]
    parts = [f"Age {_age(age, edges)} years"]
    if branch.age_below is not None:
        parts[0] += f" (below {branch.age_below:g})"
    elif branch.age_from is not None:
        parts[0] += f" ({branch.age_from:g} or older)"
    scores = "1 Z-score" if n == 1 else f"{n} Z-scores"
    if branch.z_below is not None:
        scores += f" (fewer than {branch.z_below})"
    elif branch.z_from is not None:
        scores += f" ({branch.z_from} or more)"
    return ", ".join([*parts, scores])


def _caveats(
    rule: DecisionRule, branch: Branch, n: int, reference: str | None
) -> tuple[str, ...]:
    caveats = []
    if reference is None:
        caveats.append(
            "The reference set of the Z-scores is not told; the rule was published "
            f"for those of {' or '.join(rule.reference_sets)}."
        )
    elif reference not in rule.reference_sets:
        caveats.append(
            "The rule was published for Z-scores of "
            f"{' or '.join(rule.reference_sets)}, not of {reference}; with other "
            "reference values its error rates are not known."
        )
    asked = max(test.at_least for test in branch.tests)
    if n < asked:
        caveats.append(
            f"The rule also asks for {asked} muscles together, and there "
            f"{'is only 1 Z-score' if n == 1 else f'are only {n} Z-scores'}; examine "
            "more muscles."
        )
    return tuple(caveats)
