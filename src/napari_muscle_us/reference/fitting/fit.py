"""Reference values of one's own, from a table of healthy controls."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

import numpy as np

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.fitting._control_rows import of_measure
from napari_muscle_us.reference.fitting._fit_linear import linear_fit
from napari_muscle_us.reference.fitting._fit_set import (
    reference_from_fit as reference_from_fit,
)
from napari_muscle_us.reference.fitting._mixed import groups_of
from napari_muscle_us.reference.fitting.controls import (
    check_options,
    controls_of,
    needed_covariates,
)
from napari_muscle_us.reference.fitting.fit_types import (
    FitOptions,
    MuscleFit,
    ReferenceFit,
)
from napari_muscle_us.reference.fitting.selection import select_formula
from napari_muscle_us.reference.formula import (
    design_matrix,
    format_formula,
    parse_formula,
)
from napari_muscle_us.reference.kinds.linear import BoxCox
from napari_muscle_us.reference.model import ECHO_INTENSITY

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt
    import pandas as pd

    from napari_muscle_us.reference.fitting.controls import Controls
    from napari_muscle_us.reference.fitting.fit_types import Candidate

    Floats = npt.NDArray[np.float64]
    Progress = Callable[[int, int], None]
    Cancelled = Callable[[], bool]

_PARTS: Final = 100
"""Steps of progress for each muscle."""


def fit_reference(
    table: pd.DataFrame,
    *,
    muscle: str | Sequence[str] | None = None,
    measure: str = ECHO_INTENSITY,
    options: FitOptions | None = None,
    progress: Progress | None = None,
    cancelled: Cancelled | None = None,
) -> ReferenceFit | None:
    r"""Return reference values fitted to healthy controls, with all diagnostics.

    Parameters
    ----------
    table : DataFrame
        One row a value: ``subject, muscle, value`` and, as far as known, ``visit, side,
        image, measure, unit, age_years, sex, height_cm, weight_kg, handedness``. It is
        not modified.
    muscle : str or sequence of str, optional
        Muscles to fit; all of the table when not given.
    measure : str, default: "intensity.mean"
        Key of the measure.
    options : FitOptions, optional
        Covariates, rule of selection, scale, kind of the model.
    progress : callable, optional
        Called with the number of steps that are done and of all.
    cancelled : callable, optional
        Asked from time to time whether to stop.

    Returns
    -------
    ReferenceFit or None
        Fits of the muscles, and a sentence for each that could not be fitted.
        ``None`` when it was cancelled.

    Raises
    ------
    ReferenceSetError
        If the options are not possible, the table lacks a column or the muscle, or
        none of the muscles could be fitted.

    See Also
    --------
    reference_from_fit : A reference set of it, ready for Z-scores.

    Notes
    -----
    Subjects are what is independent, never values. Images of one side are averaged; the
    two sides of a subject enter a mixed model with a random intercept (restricted
    maximum likelihood), or one value a subject is used: see `FitOptions.repeated`. The
    SD of a Z-score is that of a new single value of a new person,

    .. math:: \mathrm{SD} = \sqrt{x C x^\top + \sigma_b^2 + \sigma_w^2},

    with Satterthwaite's degrees of freedom for the mixed model (`estimate`). The
    formula is chosen by a rule of `selection.SELECTION_WORDS`; the SD does not know
    that it was chosen on the same data.

    Examples
    --------
    >>> import numpy as np, pandas as pd
    >>> rng = np.random.default_rng(3)
    >>> age = rng.uniform(20, 80, 60)
    >>> table = pd.DataFrame(
    ...     {
    ...         "subject": [f"C{n:02}" for n in range(60)],
    ...         "muscle": "Biceps brachii",
    ...         "value": 40 + 0.3 * age + rng.normal(0, 6, 60),
    ...         "age_years": age,
    ...     }
    ... )
    >>> fit = fit_reference(table, options=FitOptions(candidates=("age_years",)))
    >>> fit.muscles[0].model.formula
    '1 + age_years'
    """
    options = options or FitOptions()
    check_options(options)
    names = _muscles(table, muscle, measure)
    fits: list[MuscleFit] = []
    refused: list[tuple[str, str]] = []
    for place, name in enumerate(names):
        if cancelled is not None and cancelled():
            return None
        part = _Part(progress, place, len(names))
        try:
            fit = _fit_muscle(table, name, measure, options, part, cancelled)
        except ReferenceSetError as error:
            refused.append((name, str(error)))
        else:
            if fit is None:
                return None
            fits.append(fit)
        part(_PARTS, _PARTS)
    if not fits:
        if len(refused) == 1:
            raise ReferenceSetError(refused[0][1])
        raise ReferenceSetError(
            f"None of the {len(refused)} muscles could be fitted; the first: "
            f"{refused[0][1]}"
        )
    return ReferenceFit(tuple(fits), tuple(refused))


class _Part:
    """Tells the progress of one muscle as a part of all."""

    def __init__(self, progress: Progress | None, place: int, of: int) -> None:
        self._progress, self._place, self._of = progress, place, of

    def __call__(self, done: int, total: int) -> None:
        """Pass on how many steps are done."""
        if self._progress is not None:
            here = _PARTS * done // max(total, 1)
            self._progress(_PARTS * self._place + here, _PARTS * self._of)


def _muscles(
    table: pd.DataFrame, muscle: str | Sequence[str] | None, measure: str
) -> list[str]:
    """Return the names of the muscles to fit, each once, as the table spells them."""
    for name in ("subject", "muscle", "value"):
        if name not in table.columns:
            raise ReferenceSetError(f"The table has no column {name}; add it.")
    twice = table.columns[table.columns.duplicated()]
    if len(twice):
        raise ReferenceSetError(
            f"The table has two columns {str(twice[0])[:60]!r}; rename or drop one."
        )
    own = table
    if "measure" in table.columns:
        own = table[of_measure(table, measure)]
        if own.empty:
            has = ", ".join(sorted(set(table["measure"].dropna().astype(str))))
            raise ReferenceSetError(
                f"The table has no values of {measure}; it has {has[:200] or 'none'}."
            )
    spelt: dict[str, str] = {}
    for name in own["muscle"].dropna().astype(str):
        spelt.setdefault(name.strip().casefold(), name.strip())
    if muscle is None:
        wanted = [name for name in spelt if name]
    else:
        asked = [muscle] if isinstance(muscle, str) else list(muscle)
        wanted = list(dict.fromkeys(name.strip().casefold() for name in asked))
    for name in wanted:
        if name not in spelt:
            near = difflib.get_close_matches(name, spelt, n=1)
            hint = f"did you mean {spelt[near[0]]!r}?" if near else "check the name."
            raise ReferenceSetError(
                f"The table has no muscle {name[:60]!r} with {measure}; {hint}"
            )
        if not spelt[name].isprintable() or len(spelt[name]) > 200:
            raise ReferenceSetError(
                f"{spelt[name][:60]!r} is no name of a muscle; write it in one line of "
                "at most 200 letters."
            )
    if not wanted:
        raise ReferenceSetError("The table names no muscle; fill in the column muscle.")
    return [spelt[name] for name in wanted]


def _fit_muscle(
    table: pd.DataFrame,
    muscle: str,
    measure: str,
    options: FitOptions,
    progress: Progress,
    cancelled: Cancelled | None,
) -> MuscleFit | None:
    controls = controls_of(table, muscle, measure=measure, options=options)
    if options.kind == "lms":
        from napari_muscle_us.reference.fitting._fit_other import curves_of

        return curves_of(controls, options, progress, cancelled)
    scale = _scale(controls, options)
    shown = controls.values if scale is None else scale.forward(controls.values)
    found = _formula(controls, shown, options, progress, cancelled)
    if found is None:
        return None
    formula, candidates = found
    if options.kind == "quantiles":
        from napari_muscle_us.reference.fitting._fit_other import quantiles_of

        return quantiles_of(controls, options, formula, candidates, progress, cancelled)
    return linear_fit(controls, shown, scale, formula, candidates, options)


def _scale(controls: Controls, options: FitOptions) -> BoxCox | None:
    """Return the scale of the model, ``None`` for that of the values."""
    if options.scale == "none":
        return None
    if options.scale == "log":
        return BoxCox(power=0)
    from napari_muscle_us.reference.fitting.box_cox import box_cox_power

    # One value a subject, for the likelihood takes rows for independent.
    of = groups_of(controls.subjects)
    design = design_matrix(
        _all_as_they_are(options), controls.x, rows=len(controls.values)
    )
    means = of.means(np.column_stack([design, controls.values]))
    power, _ = box_cox_power(means[:, -1], means[:, :-1])
    if not np.isfinite(power):
        raise ReferenceSetError(
            f"No Box–Cox power can be found for {controls.muscle}; take the logarithm "
            "or no scale."
        )
    return BoxCox(power=round(power, 2))


def _all_as_they_are(options: FitOptions) -> list[dict[str, int]]:
    if options.formula is not None:
        return list(parse_formula(options.formula))
    return [{}, *({name: 1} for name in needed_covariates(options))]


def _formula(
    controls: Controls,
    shown: Floats,
    options: FitOptions,
    progress: Progress,
    cancelled: Cancelled | None,
) -> tuple[str, tuple[Candidate, ...]] | None:
    """Return the formula and how it was chosen; ``None`` when cancelled."""
    if options.formula is not None or options.selection == "none":
        return format_formula(_all_as_they_are(options)), ()
    tried = select_formula(
        shown,
        controls.x,
        controls.subjects,
        options=options,
        progress=progress,
        cancelled=cancelled,
    )
    if tried is None:
        return None
    return next(c.formula for c in tried if c.chosen), tried
