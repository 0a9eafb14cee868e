"""A device conversion from muscles that were measured on both devices."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.conversion.agreement import (
    Agreement,
    limits_of_agreement,
)
from napari_muscle_us.reference.conversion.device_conversion import DeviceConversion
from napari_muscle_us.reference.conversion.linearity import Linearity, check_linearity
from napari_muscle_us.reference.conversion.method_comparison import bootstrap_line
from napari_muscle_us.reference.parts import Span

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from napari_muscle_us.reference.conversion.method_line import LineMethod, MethodLine
    from napari_muscle_us.reference.conversion.pairs import Pairs
    from napari_muscle_us.reference.parts import DeviceBinding

FEW_PAIRS: Final = 40
FEW_SUBJECTS: Final = 20
"""Below these a conversion is given with a warning.

40 is what CLSI EP09 asks for comparing methods; 20 people are our choice, since the
bootstrap draws people.
"""
VERY_FEW_SUBJECTS: Final = 10
"""Below this the ends of the intervals are nearly the outermost samples."""


@dataclass(frozen=True, slots=True, eq=False)
class ConversionFit:
    """A conversion line with all that speaks for and against it.

    Attributes
    ----------
    pairs : Pairs
        What it was fitted to.
    line : MethodLine
        Slope, intercept, intervals, covariance.
    before, after : Agreement
        Of the target with the source as it is, and with the source converted.
    linearity : Linearity
        Cusum test.
    level_p : float
        Of a scatter that does not change with the level (Spearman, two-sided).
    frame : DataFrame
        The pairs with ``converted`` and ``residual``, y − converted.
    notes : tuple of str
        What was left out or averaged and which ratio was taken, a sentence each.
    warnings : tuple of str
        What speaks against the line, a sentence each.
    """

    pairs: Pairs
    line: MethodLine
    before: Agreement
    after: Agreement
    linearity: Linearity
    level_p: float
    frame: pd.DataFrame
    notes: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def method(self) -> LineMethod:
        """How the line was found."""
        return self.line.method

    @property
    def slope(self) -> float:
        """Slope of target on source."""
        return self.line.slope

    @property
    def intercept(self) -> float:
        """Value on the target where the source has 0."""
        return self.line.intercept

    @property
    def residual_sd(self) -> float:
        """Scatter about the line in the unit of the source."""
        return self.line.residual_sd / self.line.slope


def fit_conversion(
    pairs: Pairs,
    *,
    method: LineMethod = "deming",
    ratio: float | None = None,
    bootstrap: int = 2000,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> ConversionFit | None:
    """Return the line that carries the first device's values to the second.

    Parameters
    ----------
    pairs : Pairs
        As from `napari_muscle_us.reference.conversion.pairs.pair_measurements`.
    method : {"deming", "weighted-deming", "passing-bablok"}
        Errors of constant size, errors that grow with the level, or ranks.
    ratio : float, optional
        Error variance of the second device over that of the first. Without it the
        one from the repeats, and without enough repeats 1.
    bootstrap : int, default: 2000
        Samples of people that the intervals are taken from.
    seed : int, default: 0
        Of the random draws.
    progress : callable, optional
        Called with the number of samples that are done and of all.
    cancelled : callable, optional
        Asked now and then whether to stop.

    Returns
    -------
    ConversionFit or None
        ``None`` when it was cancelled.

    Raises
    ------
    ReferenceSetError
        If the pairs do not allow the line or its intervals, or lie exactly on it.
    """
    frame = pairs.frame.copy()
    x, y = (frame[name].to_numpy(np.float64) for name in ("x", "y"))
    known = math.isfinite(pairs.error_ratio) and pairs.error_ratio > 0
    chosen = ratio if ratio is not None else pairs.error_ratio if known else 1.0
    line = bootstrap_line(
        x,
        y,
        method=method,
        ratio=chosen,
        ratio_freedom=_repeat_freedom(frame) if ratio is None and known else None,
        subjects=frame["subject"].tolist(),
        resamples=bootstrap,
        seed=seed,
        progress=progress,
        cancelled=cancelled,
    )
    if line is None:
        return None
    if not line.residual_sd > 1e-9 * float(np.abs(y).max()):
        raise ReferenceSetError(
            f"All {len(x)} pairs lie exactly on a line, which measured values never "
            "do; check that both devices' values were measured."
        )
    frame["converted"] = line.intercept + line.slope * x
    frame["residual"] = y - frame["converted"]
    linearity = check_linearity(
        x,
        y,
        slope=line.slope,
        intercept=line.intercept,
        ratio=None if math.isnan(line.ratio) else line.ratio,
    )
    level_p = _level_p(frame)
    assumed = ratio is None and not known
    return ConversionFit(
        pairs=pairs,
        line=line,
        before=limits_of_agreement(x, y),
        after=limits_of_agreement(frame["converted"].to_numpy(), y),
        linearity=linearity,
        level_p=level_p,
        frame=frame,
        notes=(*pairs.notes, *_ratio_notes(line, assumed, given=ratio is not None)),
        warnings=(
            *_assumed_words(line, assumed=assumed),
            *_few_words(line),
            *_shape_words(line, linearity, level_p),
        ),
    )


def conversion_from_fit(
    fit: ConversionFit,
    *,
    source: DeviceBinding,
    target: DeviceBinding,
    name: str,
    title: str,
    citation: str,
    licence: str,
    author: str,
    date: str,
    unit: str = "gray level",
    remark: str = "",
) -> DeviceConversion:
    """Return a conversion, ready to be written to a file, from a fit.

    Parameters
    ----------
    fit : ConversionFit
        What `fit_conversion` gave.
    source, target : DeviceBinding
        The devices of x and y, with their settings.
    name, title, citation, licence, author, date, unit : str
        For the file; see `DeviceConversion`.
    remark : str
        What a reader should know; warnings and notes of the fit are added.

    Returns
    -------
    DeviceConversion
        Not yet written; see `conversion_file.write_conversion`.

    Raises
    ------
    ReferenceSetError
        If a text or name does not fit the format, or both devices are the same.
    """
    from pydantic import ValidationError

    line, frame = fit.line, fit.frame
    told: dict[str, Any] = {
        "name": name,
        "title": title,
        "citation": citation,
        "licence": licence,
        "author": author,
        "date": date,
        "unit": unit,
    }
    try:
        return DeviceConversion(
            **told,
            source=source,
            target=target,
            measure=fit.pairs.measure,
            method=line.method,
            slope=line.slope,
            intercept=line.intercept,
            slope_interval=_around(line.slope_interval, line.slope),
            intercept_interval=_around(line.intercept_interval, line.intercept),
            zero_interval=_around(line.zero_interval, -line.intercept / line.slope),
            covariance=line.covariance,
            error_ratio=None if math.isnan(line.ratio) else line.ratio,
            residual_sd=fit.residual_sd,
            n_pairs=line.n,
            n_subjects=line.n_subjects,
            source_range=Span(
                low=float(frame["x"].min()), high=float(frame["x"].max())
            ),
            remark=_remark(remark, fit),
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the conversion"
        raise ReferenceSetError(
            f"The conversion is not valid at {place}: {first['msg']}; change it."
        ) from None


def _repeat_freedom(frame: pd.DataFrame) -> tuple[int, int]:
    """Return the degrees of freedom of the scatter of repeats on both devices."""
    of_x, of_y = (int((frame[name] - 1).sum()) for name in ("n_x", "n_y"))
    return max(of_x, 1), max(of_y, 1)


def _remark(remark: str, fit: ConversionFit) -> str:
    # What speaks against the line comes first, so that it is never cut off.
    parts = (remark, *fit.warnings, *fit.notes)
    return " ".join(part for part in parts if part)[:2000]


def _around(ends: tuple[float, float], value: float) -> tuple[float, float]:
    """Return an interval that holds the estimate, which quantiles may miss."""
    return min(ends[0], value), max(ends[1], value)


def _level_p(frame: pd.DataFrame) -> float:
    from scipy.special import stdtr

    size = frame["residual"].abs().rank()
    level = (frame["converted"] + frame["y"]).rank()
    shared = float(np.corrcoef(size, level)[0, 1])
    n = len(frame)
    if not abs(shared) < 1:
        return 1.0 if math.isnan(shared) else 0.0
    t = shared * math.sqrt((n - 2) / (1 - shared**2))
    return 2 * float(stdtr(n - 2, -abs(t)))


def _ratio_notes(line: MethodLine, assumed: bool, *, given: bool) -> tuple[str, ...]:
    if line.method == "passing-bablok" or assumed:
        return ()
    basis = "was given and is taken as known"
    if not given:
        basis = "is from the repeats, and the intervals hold its error"
    return (
        f"The ratio of error variances, target over source, {line.ratio:.3g}, {basis}.",
    )


def _assumed_words(line: MethodLine, *, assumed: bool) -> tuple[str, ...]:
    if line.method == "passing-bablok" or not assumed:
        return ()
    return (
        "The devices were taken as equally precise (ratio of error variances 1), "
        "since there are too few repeats to tell; the slope depends on it.",
    )


def _few_words(line: MethodLine) -> tuple[str, ...]:
    words = []
    if line.n < FEW_PAIRS:
        words.append(
            f"{line.n} pairs are few for a conversion; {FEW_PAIRS} are asked for."
        )
    if line.n_subjects < VERY_FEW_SUBJECTS:
        words.append(
            f"The pairs come from {line.n_subjects} people; below {VERY_FEW_SUBJECTS} "
            f"the intervals are only a rough guess, and {FEW_SUBJECTS} are asked for."
        )
    elif line.n_subjects < FEW_SUBJECTS:
        words.append(
            f"The pairs come from {line.n_subjects} people; {FEW_SUBJECTS} are asked "
            "for."
        )
    return tuple(words)


def _shape_words(
    line: MethodLine, linearity: Linearity, level_p: float
) -> tuple[str, ...]:
    words = []
    if not linearity.passed:
        words.append(linearity.words)
    if level_p < 0.05 and line.method == "deming":
        words.append(
            f"The scatter about the line changes with the level (p = {level_p:.2g}); "
            "compare with weighted Deming."
        )
    if line.method == "passing-bablok" and not 0.5 <= line.slope <= 2:
        words.append(
            f"Passing–Bablok is made for slopes near 1, and this one is "
            f"{line.slope:.2g}; compare with Deming."
        )
    return tuple(words)
