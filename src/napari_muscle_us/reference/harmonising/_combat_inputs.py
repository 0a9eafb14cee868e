"""Batches, covariates and values of ComBat, checked and coded."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from napari_muscle_us.errors import MeasureError, MuscleUSWarning

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    import pandas as pd

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]
    Covariates: TypeAlias = Mapping[str, Sequence[Any]] | pd.DataFrame | npt.ArrayLike


@dataclass(frozen=True, slots=True)
class Covariate:
    """What is to be preserved.

    Attributes
    ----------
    name : str
        Its name.
    levels : tuple of str
        Of a category, the first being the one that the others are compared with;
        empty for a number.
    low, high : float
        Range of a number in the samples; NaN for a category.
    """

    name: str
    levels: tuple[str, ...] = ()
    low: float = float("nan")
    high: float = float("nan")

    @property
    def width(self) -> int:
        """Columns that it takes in the design."""
        return len(self.levels) - 1 if self.levels else 1


def shown(name: object) -> str:
    """Return a name in quotes, shortened."""
    text = str(name)
    return repr(text if len(text) <= 60 else text[:59] + "…")


def checked_values(values: npt.ArrayLike, features: Sequence[str] | None) -> Floats:
    """Return values as (features, samples); refuse what is missing or no number."""
    try:
        given = np.array(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise MeasureError(
            "The values are not all numbers; give an array of features × samples."
        ) from None
    if given.ndim != 2 or 0 in given.shape:
        raise MeasureError(
            f"The values have the shape {given.shape}; give an array of features × "
            "samples."
        )
    if features is not None and len(features) != len(given):
        raise MeasureError(
            f"There are {len(features)} features and {len(given)} rows of values; give "
            "features × samples."
        )
    missing = np.argwhere(~np.isfinite(given))
    if len(missing):
        row, sample = (int(number) for number in missing[0])
        name = f"feature {row + 1}" if features is None else features[row]
        raise MeasureError(
            f"{shown(name)} has no finite value in sample {sample + 1}; leave the "
            "sample or the feature out."
        )
    return given


def batch_codes(
    batch: Sequence[object] | npt.NDArray[np.generic],
    samples: int,
    *,
    known: tuple[str, ...] | None = None,
) -> tuple[tuple[str, ...], Indices]:
    """Return the batches' names, sorted or as known, and each sample's number."""
    labels = _labels(batch, samples, "batch")
    names = tuple(sorted(set(labels))) if known is None else known
    number = {name: code for code, name in enumerate(names)}
    for position, label in enumerate(labels):
        if label not in number:
            raise MeasureError(
                f"The batch {shown(label)} of sample {position + 1} was not among "
                "those harmonised; harmonise all samples together."
            )
    return names, np.array([number[label] for label in labels], dtype=np.intp)


def _labels(values: Any, samples: int, name: str) -> list[str]:
    import pandas as pd

    given = list(values)
    if len(given) != samples:
        raise MeasureError(
            f"{shown(name)} has {len(given)} values for {samples} samples; give one a "
            "sample."
        )
    labels: list[str] = [
        "" if pd.isna(value) else str(value).strip() for value in given
    ]
    if "" in labels:
        raise MeasureError(
            f"{shown(name)} is empty in sample {labels.index('') + 1}; fill it in or "
            "leave the sample out."
        )
    return labels


def code_covariates(
    covariates: Covariates | None,
    samples: int,
    *,
    known: tuple[Covariate, ...] | None = None,
) -> tuple[Floats, tuple[Covariate, ...]]:
    """Return covariates as columns of a design, and what they are."""
    named = _named(covariates)
    wanted = tuple(named) if known is None else tuple(c.name for c in known)
    if set(wanted) != set(named):
        raise MeasureError(
            f"The covariates are {', '.join(named) or 'none'}; the fit had "
            f"{', '.join(wanted) or 'none'}. Give those."
        )
    told, columns = [], [np.empty((samples, 0))]
    for position, name in enumerate(wanted):
        before = None if known is None else known[position]
        covariate, coded = _coded(name, named[name], samples, before)
        told.append(covariate)
        columns.append(coded)
    return np.column_stack(columns), tuple(told)


def _named(covariates: Covariates | None) -> dict[str, Any]:
    if covariates is None:
        return {}
    if hasattr(covariates, "items"):
        return {str(name): values for name, values in covariates.items()}
    table = np.asarray(covariates)
    if table.ndim == 1:
        table = table[:, None]
    if table.ndim != 2:
        raise MeasureError(
            f"The covariates have the shape {table.shape}; give samples × covariates."
        )
    return {f"covariate {n + 1}": table[:, n] for n in range(table.shape[1])}


def _coded(
    name: str, values: Any, samples: int, before: Covariate | None
) -> tuple[Covariate, Floats]:
    labels = _labels(values, samples, name)
    numbers = _numbers(values)
    if before is None and numbers is not None:
        low, high = float(numbers.min()), float(numbers.max())
        return Covariate(name, (), low, high), numbers[:, None]
    if before is not None and not before.levels:
        if numbers is None:
            raise MeasureError(f"{shown(name)} must be numbers, as it was in the fit.")
        return before, numbers[:, None]
    covariate = before or Covariate(name, tuple(sorted(set(labels))))
    for position, label in enumerate(labels):
        if label not in covariate.levels:
            raise MeasureError(
                f"{shown(name)} is {shown(label)} in sample {position + 1}, which the "
                f"fit did not have; it had {', '.join(covariate.levels[:10])}."
            )
    levels = covariate.levels[1:]
    coded = [[float(label == level) for level in levels] for label in labels]
    return covariate, np.array(coded).reshape(samples, len(levels))


def _numbers(values: Any) -> Floats | None:
    """Return values as finite numbers; None where they are texts."""
    given = list(values)
    if any(isinstance(value, str) for value in given):
        return None
    try:
        numbers = np.array(given, dtype=np.float64)
    except (TypeError, ValueError):
        return None
    return numbers if np.isfinite(numbers).all() else None


def check_columns(
    codes: Indices, columns: Floats, covariates: tuple[Covariate, ...]
) -> None:
    """Refuse covariates that cannot be told apart, and too few samples."""
    design = np.eye(int(codes.max()) + 1)[codes]
    start = 0
    for covariate in covariates:
        new = columns[:, start : start + covariate.width]
        start += covariate.width
        if not new.size or np.ptp(new, axis=0).max() == 0:
            raise MeasureError(
                f"{shown(covariate.name)} is the same in all samples; leave it out of "
                "the covariates."
            )
        for column in (new - new.mean(axis=0)).T:
            left = column - design @ np.linalg.lstsq(design, column, rcond=None)[0]
            if np.linalg.norm(left) <= 1e-7 * np.linalg.norm(column):
                raise MeasureError(
                    f"{shown(covariate.name)} cannot be told apart from the batches "
                    "and the other covariates; leave it out, or add samples in which "
                    "they do not go together."
                )
            design = np.column_stack([design, column / np.abs(column).max()])
    if len(codes) <= design.shape[1]:
        raise MeasureError(
            f"There are {len(codes)} samples for {design.shape[1]} batches and "
            "covariates; use more samples or fewer covariates."
        )


def no_overlap(
    codes: Indices,
    columns: Floats,
    covariates: tuple[Covariate, ...],
    batches: tuple[str, ...],
) -> list[str]:
    """Return a sentence for each number whose range in a batch meets no other's."""
    told, start = [], 0
    for covariate in covariates:
        column = columns[:, start]
        start += covariate.width
        if covariate.levels:
            continue
        for code, batch in enumerate(batches):
            inside, outside = column[codes == code], column[codes != code]
            met = (outside >= inside.min()) & (outside <= inside.max())
            around = outside.min() <= inside.min() and inside.max() <= outside.max()
            if not met.any() and not around:
                told.append(
                    f"{shown(covariate.name)} of the batch {shown(batch)} is "
                    f"{inside.min():g} to {inside.max():g}, which no other batch "
                    "has; its effect and the scanner's are told apart by "
                    "extrapolation only."
                )
    return told


def extrapolated(columns: Floats, covariates: tuple[Covariate, ...]) -> None:
    """Warn of numbers outside the range of the fit."""
    start = 0
    for covariate in covariates:
        column = columns[:, start]
        start += covariate.width
        if covariate.levels:
            continue
        outside = (column < covariate.low) | (column > covariate.high)
        if outside.any():
            warnings.warn(
                f"{shown(covariate.name)} is {column[outside][0]:g}, outside "
                f"{covariate.low:g} to {covariate.high:g} of the samples that were "
                "harmonised; its effect is extrapolated.",
                MuscleUSWarning,
                stacklevel=3,
            )
