"""The formula of a reference model, chosen of candidates by a stated rule.

Formulas are hierarchical: age² comes with age, a product with both its factors.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, product
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.fitting._mixed import groups_of, only_common
from napari_muscle_us.reference.fitting._selection_scores import Akaike, CrossValidation
from napari_muscle_us.reference.fitting.fit_types import Candidate
from napari_muscle_us.reference.formula import (
    BINARY,
    COVARIATES,
    design_matrix,
    format_formula,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy.typing as npt

    from napari_muscle_us.reference.fitting._selection_scores import Scorer
    from napari_muscle_us.reference.fitting.fit_types import FitOptions

    Floats = npt.NDArray[np.float64]
    Term = dict[str, int]
    Progress = Callable[[int, int], None]

MAX_ALL: Final = 4096
"""Most formulas that are all tried; beyond, terms are added one by one."""

SUBJECTS_A_COEFFICIENT: Final = 5
"""Subjects that there must be for each coefficient of a formula that is chosen."""

REPORT_EVERY: Final = 16

SELECTION_WORDS: Final = {
    "cv": (
        "smallest mean square error of cross-validation, subjects kept whole; among "
        "the formulas within one standard error of it (of the difference, over "
        "subjects) the one with the fewest coefficients"
    ),
    "aicc": (
        "smallest corrected Akaike criterion, of the likelihood that is not "
        "restricted, with the number of subjects as n"
    ),
    "none": "the user's own formula, or all candidates as they are",
}
"""The rules, in words for a methods section."""

SEARCH_WORDS: Final = {
    True: "all hierarchical formulas of the candidates were tried",
    False: (
        "terms were added one by one, each time the one that made the score smallest, "
        "until all were in or there were too few subjects for more"
    ),
}
"""How formulas were searched: all of them (True) or step by step (False)."""

_SINGULAR: Final = "A term is a combination of the others in these data."


class _Tried(NamedTuple):
    """A formula: its columns, its score, and the square errors of subjects."""

    columns: tuple[int, ...]
    score: float
    errors: Floats | None


def pool_of(options: FitOptions) -> tuple[Term, ...]:
    """Return the terms that may enter beside the intercept.

    Parameters
    ----------
    options : FitOptions
        Candidates, highest power and whether products may enter.

    Returns
    -------
    tuple of dict
        As `napari_muscle_us.reference.formula.parse_formula` has them, in the order
        of `napari_muscle_us.reference.formula.COVARIATES`, products last.

    Examples
    --------
    >>> from napari_muscle_us.reference.fitting.fit_types import FitOptions
    >>> options = FitOptions(candidates=("sex_male", "age_years"), interactions=True)
    >>> [format_formula([term]) for term in pool_of(options)]
    ['age_years', 'age_years^2', 'sex_male', 'age_years:sex_male']
    """
    names = [name for name in COVARIATES if name in options.candidates]
    pool: list[Term] = []
    for name in names:
        highest = 1 if name in BINARY else options.max_power
        pool += [{name: power} for power in range(1, highest + 1)]
    if options.interactions:
        pool += [{first: 1, second: 1} for first, second in combinations(names, 2)]
    return tuple(pool)


def select_formula(
    shown: Floats,
    x: Mapping[str, Floats],
    subjects: npt.NDArray[np.generic],
    *,
    options: FitOptions,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> tuple[Candidate, ...] | None:
    r"""Return the formulas that were tried, best first, one of them chosen.

    Parameters
    ----------
    shown : ndarray of float64, shape (rows,)
        Values on the scale of the model.
    x : mapping of str to ndarray of float64, shape (rows,)
        Covariates; those of the candidates are known.
    subjects : ndarray, shape (rows,)
        Label of each row's subject.
    options : FitOptions
        Candidates and rule.
    progress : callable, optional
        Called with the number of formulas that are done and of all.
    cancelled : callable, optional
        Asked from time to time whether to stop.

    Returns
    -------
    tuple of Candidate or None
        ``None`` when it was cancelled.

    Raises
    ------
    ReferenceSetError
        If no formula could be fitted.

    Notes
    -----
    The error of cross-validation is that of a new person's values, averaged over the
    values of a subject and then over subjects:

    .. math::
       \mathrm{score} = \sqrt{\frac1n \sum_i \frac1{n_i} \sum_j
           \left(y_{ij} - x_{ij} b_{-f(i)}\right)^2} ,

    with the coefficients :math:`b_{-f(i)}` from the folds that subject *i* is not in.
    Where subjects have several values, the coefficients are those of generalised least
    squares with one correlation within subjects, estimated once with all candidates as
    they are. The rule of one standard error uses that of the *difference* of the
    subjects' square errors from those of the best formula: what both get wrong in the
    same person cancels. Which subjects share a fold depends on the seed and the data
    only, not on labels or the order of rows.

    The corrected Akaike criterion is :math:`-2 \ln L + 2k + 2k(k+1)/(n-k-1)`, *k*
    counting coefficients and variances.

    References
    ----------
    Hastie T, Tibshirani R, Friedman J. The Elements of Statistical Learning, 2nd ed.
    Springer 2009, §7.10. doi:10.1007/978-0-387-84858-7
    Hurvich CM, Tsai CL. Regression and time series model selection in small samples.
    Biometrika 1989;76:297. doi:10.1093/biomet/76.2.297

    Examples
    --------
    >>> import numpy as np
    >>> from napari_muscle_us.reference.fitting.fit_types import FitOptions
    >>> rng = np.random.default_rng(0)
    >>> age, height = rng.uniform(20, 80, 60), rng.normal(170, 9, 60)
    >>> tried = select_formula(
    ...     40 + 0.4 * age + rng.normal(0, 5, 60),
    ...     {"age_years": age, "height_cm": height},
    ...     np.arange(60),
    ...     options=FitOptions(candidates=("age_years", "height_cm")),
    ... )
    >>> [candidate.formula for candidate in tried if candidate.chosen]
    ['1 + age_years']
    """
    pool = pool_of(options)
    columns = _columns(pool, x, len(shown))
    groups = groups_of(subjects)
    if len(groups.sizes) < len(shown) and only_common(shown, columns, groups):
        means = groups.means(np.column_stack([columns, shown]))
        columns, shown = means[:, :-1], means[:, -1]
        groups = groups_of(np.arange(len(shown)))
    most = max(1, len(groups.sizes) // SUBJECTS_A_COEFFICIENT)
    scorer: Scorer
    if options.selection == "aicc":
        scorer = Akaike(shown, columns, groups)
    else:
        mains = [0, *(n for n, t in enumerate(pool, 1) if sum(t.values()) == 1)]
        scorer = CrossValidation(
            shown, columns, groups, folds=options.folds, seed=options.seed, mains=mains
        )
    formulas = _all_formulas(pool, most)
    search = _Search(scorer, progress, cancelled)
    done = search.all(formulas) if formulas else search.steps(pool, most)
    if not done:
        return None
    return _ranked(search.tried, pool, options)


def tries_all(options: FitOptions, *, n_subjects: int) -> bool:
    """Whether all formulas of the candidates are tried; see `SEARCH_WORDS`."""
    most = max(1, n_subjects // SUBJECTS_A_COEFFICIENT)
    return bool(_all_formulas(pool_of(options), most))


def _columns(pool: Sequence[Term], x: Mapping[str, Floats], rows: int) -> Floats:
    """Return the columns of all terms, intercept first, of standardised covariates.

    A hierarchical formula spans the same space with them, and is better conditioned.
    """
    standard = {}
    for name in {name for term in pool for name in term}:
        spread = float(np.std(x[name]))
        standard[name] = (x[name] - np.mean(x[name])) / (spread or 1.0)
    return design_matrix([{}, *pool], standard, rows=rows)


def _needs(term: Term) -> list[Term]:
    """Return the terms without which a formula may not hold this one."""
    if len(term) > 1:
        return [{name: 1} for name in term]
    ((name, power),) = term.items()
    return [{name: power - 1}] if power > 1 else []


def _all_formulas(pool: Sequence[Term], most: int) -> list[tuple[int, ...]]:
    """Return the columns of all hierarchical formulas; none where there are too many.

    Columns are numbered as in `_columns`: 0 is the intercept.
    """
    simple = [term for term in pool if len(term) == 1]
    products = [n for n, term in enumerate(pool, 1) if len(term) > 1]
    powers: dict[str, int] = {}
    for term in simple:
        powers.update(term)
    count = float(np.prod([high + 1.0 for high in powers.values()]))
    if count > MAX_ALL or len(products) > MAX_ALL.bit_length():
        return []
    found: list[tuple[int, ...]] = []
    for degrees in product(*(range(high + 1) for high in powers.values())):
        taken = dict(zip(powers, degrees, strict=True))
        base = [n for n, t in enumerate(pool, 1) if len(t) == 1 and _within(t, taken)]
        free = [n for n in products if all(taken[name] for name in pool[n - 1])]
        for extra in _subsets(free):
            if 1 + len(base) + len(extra) <= most:
                found.append((0, *base, *extra))
            if len(found) > MAX_ALL:
                return []
    return found


def _within(term: Term, taken: Mapping[str, int]) -> bool:
    return all(power <= taken[name] for name, power in term.items())


def _subsets(items: Sequence[int]) -> Iterator[tuple[int, ...]]:
    for size in range(len(items) + 1):
        yield from combinations(items, size)


class _Search:
    """Scores formulas, tells of it, and stops when asked."""

    def __init__(
        self,
        scorer: Scorer,
        progress: Progress | None,
        cancelled: Callable[[], bool] | None,
    ) -> None:
        self.tried: list[_Tried] = []
        self._scorer, self._progress, self._cancelled = scorer, progress, cancelled

    def all(self, formulas: Sequence[tuple[int, ...]]) -> bool:
        """Score all; return whether it was not cancelled."""
        return all(self._one(columns, len(formulas)) for columns in formulas)

    def steps(self, pool: Sequence[Term], most: int) -> bool:
        """Add terms one by one; return whether it was not cancelled."""
        total = 1 + sum(len(pool) - n for n in range(min(len(pool), most - 1)))
        taken: tuple[int, ...] = (0,)
        if not self._one(taken, total):
            return False
        while len(taken) < most:
            held = [pool[n - 1] for n in taken[1:]]
            start = len(self.tried)
            for number, term in enumerate(pool, 1):
                if number in taken or any(need not in held for need in _needs(term)):
                    continue
                if not self._one(tuple(sorted((*taken, number))), total):
                    return False
            step = [tried for tried in self.tried[start:] if tried.score < np.inf]
            if not step:
                break
            taken = min(step, key=lambda tried: tried.score).columns
        if self._progress is not None:
            self._progress(total, total)
        return True

    def _one(self, columns: tuple[int, ...], total: int) -> bool:
        done = len(self.tried)
        ask = done % REPORT_EVERY == 0 and self._cancelled is not None
        if ask and self._cancelled is not None and self._cancelled():
            return False
        self.tried.append(_Tried(columns, *self._scorer.score(columns)))
        if self._progress is not None and (
            (done + 1) % REPORT_EVERY == 0 or done + 1 == total
        ):
            self._progress(done + 1, total)
        return True


def _ranked(
    tried: Sequence[_Tried], pool: Sequence[Term], options: FitOptions
) -> tuple[Candidate, ...]:
    order = sorted(
        range(len(tried)),
        key=lambda n: (
            not tried[n].score < np.inf,
            tried[n].score,
            len(tried[n].columns),
        ),
    )
    best = tried[order[0]]
    if not best.score < np.inf:
        raise ReferenceSetError(
            "No formula of these candidates could be fitted; take fewer candidates or "
            "measure more people."
        )
    chosen = _simplest([tried[n] for n in order])
    terms: list[Term] = [{}, *pool]
    found = [
        Candidate(
            formula=format_formula([terms[n] for n in tried[place].columns]),
            score=tried[place].score,
            coefficients=len(tried[place].columns),
            note="" if tried[place].score < np.inf else _SINGULAR,
        )
        for place in order
    ]
    found[chosen] = replace(found[chosen], chosen=True)
    return tuple(found)


def _simplest(ranked: Sequence[_Tried]) -> int:
    """Return the place of the smallest formula within one SE of the best."""
    best = ranked[0].errors
    if best is None:
        return 0
    chosen = 0
    for place, tried in enumerate(ranked[1:], 1):
        if tried.errors is None or len(tried.columns) >= len(ranked[chosen].columns):
            continue
        more = tried.errors - best
        if more.mean() <= more.std(ddof=1) / np.sqrt(len(more)):
            chosen = place
    return chosen
