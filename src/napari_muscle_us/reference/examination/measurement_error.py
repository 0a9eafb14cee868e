"""Standard error of measurement, and the smallest change that is beyond it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np

from napari_muscle_us.errors import ReferenceSetError
from napari_muscle_us.reference.model import ECHO_INTENSITY

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import pandas as pd

    from napari_muscle_us.reference.model import ReferenceSet

MDC_FACTOR: Final = 1.96
FEW: Final = 10
"""Degrees of freedom below which an estimated standard error is called uncertain."""


@dataclass(frozen=True, slots=True)
class Sem:
    """A standard error of measurement and where it is known from.

    Attributes
    ----------
    value : float
        In the unit of the values, above 0.
    basis : str
        Where it is known from, in words.
    of : {"value", "image"}
        Whether it is of the value that is compared, or of a single image.
    divide : bool
        Whether that of a single image is divided by √k for the mean of k images.
    unit_of : {"absolute", "percent"}
        Whether `value` is in the unit of the values, or in % of them.

    Raises
    ------
    ReferenceSetError
        If the value is not a number above 0.

    Notes
    -----
    By default the error of a single image is not divided: images of one visit, with
    the probe lifted in between, do not show how values differ from day to day, so
    SEM/√k is too small and would flag changes that are none.
    """

    value: float
    basis: str
    of: Literal["value", "image"] = "value"
    divide: bool = False
    unit_of: Literal["absolute", "percent"] = "absolute"

    def __post_init__(self) -> None:
        """Refuse what is no standard error."""
        if not (math.isfinite(self.value) and self.value > 0):
            raise ReferenceSetError(
                f"The standard error of measurement {self.value:g} is not possible; "
                "give a number above 0 in the unit of the values."
            )
        if self.divide and self.of != "image":
            raise ReferenceSetError(
                "Only the standard error of a single image can be divided by the "
                "number of images; say that it is of an image."
            )

    @property
    def words(self) -> str:
        """Size and origin in a sentence."""
        size = f"{self.value:.3g}{' %' if self.unit_of == 'percent' else ''}"
        if self.of == "value":
            return f"SEM {size}: {self.basis}"
        how = (
            "divided by √k for the mean of k images"
            if self.divide
            else "of a single image, not divided for means"
        )
        return f"SEM {size}, {how}: {self.basis}"

    def of_mean(self, value: float, n_images: int) -> float:
        """Return the standard error of a value that is the mean of images.

        Parameters
        ----------
        value : float
            The mean.
        n_images : int
            Number of images.
        """
        size = self.value
        if self.unit_of == "percent":
            size *= abs(value) / 100
        return size / math.sqrt(max(1, n_images)) if self.divide else size


def mdc95(sem: float, other: float | None = None) -> float:
    r"""Return the smallest change that is beyond the measurement error.

    .. math:: \mathrm{MDC}_{95} = 1.96\,\sqrt{\mathrm{SEM}_1^2 + \mathrm{SEM}_2^2}

    Parameters
    ----------
    sem : float
        Standard error of one value.
    other : float, optional
        That of the other value; by default the same.

    Returns
    -------
    float
        In the unit of the standard error; 95 % of the differences between two
        measurements of an unchanged muscle are smaller.

    Examples
    --------
    >>> round(mdc95(0.6), 1)
    1.7
    """
    return MDC_FACTOR * math.hypot(sem, sem if other is None else other)


def sem_from_pairs(first: Sequence[float], second: Sequence[float]) -> Sem:
    r"""Return the standard error of measurement from two measurements of each person.

    .. math:: \mathrm{SEM} = \mathrm{SD}(d)/\sqrt2, \quad d_i = b_i - a_i

    Parameters
    ----------
    first, second : sequence of float
        The value that is compared, such as the mean of three images, of the same
        people and muscles at two times between which nothing changed.

    Returns
    -------
    Sem
        Of the value.

    Raises
    ------
    ReferenceSetError
        If the two have not one length of at least 3, a value is not finite, or all
        differences are the same.

    Notes
    -----
    A shift of all values between the two times is not in it.

    Examples
    --------
    >>> round(sem_from_pairs([60, 62, 70], [61, 62, 69]).value, 4)
    0.7071
    """
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if a.ndim != 1 or a.shape != b.shape or a.size < 3:
        raise ReferenceSetError(
            f"There are {a.size} first and {b.size} second values; give at least 3 "
            "pairs."
        )
    if not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise ReferenceSetError(
            "A value of a pair is missing or no number; leave the pair out."
        )
    sem = float(np.std(b - a, ddof=1)) / math.sqrt(2)
    _refuse_zero(sem)
    doubt = _doubt(a.size - 1)
    return Sem(sem, f"SD of the differences of {a.size} pairs / √2{doubt}")


def sem_from_repeats(
    table: pd.DataFrame,
    *,
    measure: str = ECHO_INTENSITY,
    muscle: str | None = None,
    drop: Collection[str] = (),
    divide: bool = False,
) -> Sem:
    r"""Return the standard error of a single image from the repeated images of a table.

    .. math::
       \mathrm{SEM} = \sqrt{\frac{\sum_g (k_g - 1)\, s_g^2}{\sum_g (k_g - 1)}}

    Parameters
    ----------
    table : DataFrame
        Results table, or a table of people with several rows a muscle and side.
    measure : str, default: "intensity.mean"
        What was measured.
    muscle : str, optional
        Only images of this muscle; by default all are pooled.
    drop : collection of str
        Names of images to leave out.
    divide : bool, default: False
        Whether it is divided by √k for the mean of k images; see `Sem`.

    Returns
    -------
    Sem
        Of a single image: the pooled SD s between the k images of a muscle and side at
        a visit. It holds how the probe was placed, not what differs between days.

    Raises
    ------
    ReferenceSetError
        If no muscle and side has two images, or all images of each are the same.
    ResultsError
        If a method of a results table cannot be read.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame(
    ...     {
    ...         "subject": "P1",
    ...         "muscle": "Soleus",
    ...         "side": "left",
    ...         "value": [60.0, 61.0, 62.0],
    ...     }
    ... )
    >>> sem_from_repeats(table).value
    1.0
    """
    from napari_muscle_us.reference.examination.muscle_values import repeated_values

    groups = [
        values
        for name, values in repeated_values(table, measure=measure, drop=drop)
        if len(values) > 1 and muscle in (None, name)
    ]
    degrees = sum(len(values) - 1 for values in groups)
    if not degrees:
        raise ReferenceSetError(
            "No muscle and side of the table has two images, so the measurement error "
            "cannot be estimated; give it as a number."
        )
    squares = math.fsum(
        (value - math.fsum(values) / len(values)) ** 2
        for values in groups
        for value in values
    )
    sem = math.sqrt(squares / degrees)
    _refuse_zero(sem)
    images = sum(map(len, groups))
    basis = (
        f"pooled SD within a visit of {images} images of {len(groups)} muscles and "
        f"sides{_doubt(degrees)}"
    )
    return Sem(sem, basis, of="image", divide=divide)


def _doubt(degrees: int) -> str:
    return f"; uncertain, with {degrees} degrees of freedom" if degrees < FEW else ""


def _refuse_zero(sem: float) -> None:
    if not sem > 0:
        raise ReferenceSetError(
            "The repeated values do not differ at all, so they tell no measurement "
            "error; give it as a number."
        )


def sem_from_cv(cv_percent: float, basis: str = "CV given by the user") -> Sem:
    """Return a standard error that is a share of the value.

    Parameters
    ----------
    cv_percent : float
        Coefficient of variation between repeated measurements, in %.
    basis : str
        Where it is known from.

    Returns
    -------
    Sem
        Of the value, in % of it.

    Raises
    ------
    ReferenceSetError
        If it is not a number above 0.
    """
    return Sem(cv_percent, basis, unit_of="percent")


def sem_for(
    reference: ReferenceSet,
    muscle: str,
    measure: str,
    given: float | Sem | Mapping[str, float | Sem] | None,
    own: Sem | None,
    *,
    of_set: bool = True,
) -> Sem | None:
    """Return the measurement error of a muscle: of the set, of the user, or estimated.

    Parameters
    ----------
    reference : ReferenceSet
        Set, whose model may tell one.
    muscle, measure : str
        What was measured.
    given : float, Sem, or mapping of muscle to these, optional
        The user's.
    own : Sem, optional
        Estimated from repeats.
    of_set : bool, default: True
        Whether the set's is in the unit of the values, as it is on its own device.

    Returns
    -------
    Sem or None
        ``None`` where none is known.
    """
    try:
        told = reference.model_for(muscle, measure=measure).measurement_error
    except ReferenceSetError:
        told = None
    if told is not None and of_set:
        return Sem(told.sem, f"of the reference set, {told.basis}")
    one = given.get(muscle) if isinstance(given, Mapping) else given
    if isinstance(one, Sem):
        return one
    return own if one is None else Sem(float(one), "given by the user")
