"""One value from the repeated images of a muscle, and left beside right.

Three images of a muscle and side are taken, the probe lifted in between. Their average
is the echo intensity that is reported; how far they lie apart tells how steadily the
probe was held.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.repeat_groups import group_repeats
from napari_muscle_us.measure.repeat_rules import REPEAT_RULES as REPEAT_RULES
from napari_muscle_us.measure.repeat_rules import ROUNDED_RULES, measure_of_rule
from napari_muscle_us.measure.repeat_rules import RepeatRule as RepeatRule
from napari_muscle_us.measure.repeat_rules import check_rule as check_rule

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import pandas as pd

    from napari_muscle_us.measure.repeat_groups import RepeatGroup

REPEAT_MEASURES: Final = (
    "repeats.echo_intensity",
    "repeats.cv",
    "repeats.side_difference",
)
"""What `napari_muscle_us.repeat_rows` writes, and `recompute` computes again."""

PROTOCOL_REPEATS: Final = 3
"""Images of a muscle and side in the protocol of the Radboud reference values."""

MAX_CV_PERCENT: Final = 10.0
"""CV above which repeats are flagged; a limit of ours, not of a publication.

With the probe held upright about 3 % were found; 2° of tilt alone lower the echo
intensity of the biceps by 10.5 % (Dankel et al.).
"""

SUMMARY_COLUMNS: Final = (
    *("subject", "visit", "muscle", "side", "measure", "unit", "rule"),
    *("n", "value", "sd", "cv_percent", "flagged"),
    *("difference", "asymmetry_percent", "note"),
)
"""Columns of `summarise_repeats`, in this order."""

_LARGEST: Final = 1e100
"""Beyond it squares overflow; no measure comes near."""


@dataclass(frozen=True, slots=True)
class Repeats:
    """The average of repeated images and how far they lie apart.

    Attributes
    ----------
    value : float
        Average by the rule, in the unit of the values.
    n : int
        Number of images.
    sd : float
        Standard deviation between the images with n − 1; NaN for one image.
    cv_percent : float
        Coefficient of variation in %; NaN for one image, and where the mean is 0 or
        a value negative.
    flagged : bool
        Whether the CV is above `MAX_CV_PERCENT`.
    reason : str
        What to know of it, in words: another number of images than the protocol asks
        for, a CV that is missing or too high. Empty when there is nothing.
    """

    value: float
    n: int
    sd: float
    cv_percent: float
    flagged: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SideDifference:
    """Left minus right.

    Attributes
    ----------
    difference : float
        Left − right, in the unit of the values: positive where the left is higher.
    asymmetry_percent : float
        100 · (left − right) / mean of the two; NaN where that mean is not positive.
    """

    difference: float
    asymmetry_percent: float


def average_repeats(values: Sequence[float], *, rule: RepeatRule = "mean") -> Repeats:
    r"""Return the average of repeated images and their coefficient of variation.

    .. math::
       \bar v = \frac1n \sum v_i,\quad s = \sqrt{\tfrac{1}{n-1}\sum (v_i - \bar v)^2},
       \quad CV = 100\, s / \bar v

    Parameters
    ----------
    values : sequence of float
        One value an image, such as its mean gray level; their order does not matter.
    rule : {"mean", "mean_rounded", "radboud"}, default: "mean"
        Mean of the images' means, or that mean rounded to an integer. ``"radboud"``
        rounds too, and stands for values that are means without black pixels. SD and
        CV are never of rounded numbers.

    Returns
    -------
    Repeats
        `sd` and `cv_percent` are NaN for a single image.

    Raises
    ------
    MeasureError
        If there is no value, one is not finite, or the rule is unknown.

    Notes
    -----
    A mean that ends in exactly .5 is rounded to the even neighbour, since the published
    code rounds with ``pandas.Series.round``. That code also leaves black pixels out of
    each image's mean: ``"radboud"`` is for reproducing its values from
    ``intensity.mean_above_black``; which values are given here is for the caller.

    References
    ----------
    CreateRandom/muscle-ultrasound, ``baselines/zscores.py``,
    ``compute_EIZ_from_scratch``. Dankel SJ et al. The impact of ultrasound probe tilt
    on muscle thickness and echo-intensity: a cross-sectional study.

    Examples
    --------
    >>> repeats = average_repeats([70.0, 77.0, 84.0])
    >>> repeats.value, repeats.sd, round(repeats.cv_percent, 2), repeats.flagged
    (77.0, 7.0, 9.09, False)
    >>> average_repeats([70.0, 75.5], rule="mean_rounded").value
    73.0
    """
    check_rule(rule)
    numbers = [_checked(value, place) for place, value in enumerate(values, 1)]
    if not numbers:
        raise MeasureError("There is no image to average; measure one first.")
    n = len(numbers)
    # fsum is exact, so that the order of the images changes not even the last digit.
    mean = math.fsum(numbers) / n
    sd, cv = math.nan, math.nan
    if n > 1:
        sd = math.sqrt(math.fsum((v - mean) ** 2 for v in numbers) / (n - 1))
        if mean > 0 and min(numbers) >= 0:
            cv = 100 * sd / mean
    flagged = cv > MAX_CV_PERCENT
    value = float(round(mean)) if rule in ROUNDED_RULES else mean
    return Repeats(value, n, sd, cv, flagged, _reason(n, cv, flagged))


def _checked(value: float, place: int) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not abs(number) <= _LARGEST:
        raise MeasureError(
            f"The value of image {place} is {value!r:.40}, which is no number to "
            "average; leave the image out."
        )
    return number


def _reason(n: int, cv: float, flagged: bool) -> str:
    """Return what to know of an average, in words."""
    reasons = []
    if n != PROTOCOL_REPEATS:
        images = "1 image" if n == 1 else f"{n} images"
        reasons.append(f"{images}; the protocol asks for {PROTOCOL_REPEATS}")
    if n == 1:
        reasons.append("the CV needs 2 images")
    elif math.isnan(cv):
        reasons.append("the CV needs values from 0 up and a mean above 0")
    if flagged:
        reasons.append(
            f"the images differ: their CV is {cv:.1f} %, above {MAX_CV_PERCENT:g} %"
        )
    return "; ".join(reasons)


def side_difference(left: float, right: float) -> SideDifference:
    r"""Return how far left and right lie apart: left minus right.

    .. math:: d = L - R,\quad a = 100\, \frac{L - R}{(L + R)/2}

    Parameters
    ----------
    left, right : float
        Averages of the two sides, in one unit.

    Returns
    -------
    SideDifference
        `asymmetry_percent` is NaN where the mean of the two is not positive or one of
        them is negative.

    Raises
    ------
    MeasureError
        If a value is not finite.

    Examples
    --------
    >>> side_difference(left=66.0, right=60.0).difference
    6.0
    >>> round(side_difference(left=60.0, right=66.0).asymmetry_percent, 2)
    -9.52
    """
    for side, value in (("left", left), ("right", right)):
        if not abs(value) <= _LARGEST:
            raise MeasureError(
                f"The {side} side has the value {value:g}; measure it before the two "
                "are compared."
            )
    difference, mean = left - right, (left + right) / 2
    usable = mean > 0 and min(left, right) >= 0
    return SideDifference(difference, 100 * difference / mean if usable else math.nan)


def summarise_repeats(
    results: pd.DataFrame,
    *,
    rule: RepeatRule = "mean",
    measure: str | None = None,
    drop: Collection[str] = (),
) -> pd.DataFrame:
    """Return one row a muscle and side: average, CV, flag and side difference.

    Parameters
    ----------
    results : DataFrame
        Results table; only the rows of `measure` are looked at.
    rule : {"mean", "mean_rounded", "radboud"}, default: "mean"
        See `average_repeats`.
    measure : str, optional
        Which measure to average; by default that of the rule: the mean gray level, or
        the mean without black pixels for ``"radboud"``.
    drop : collection of str
        Names of images to leave out; the note says so.

    Returns
    -------
    DataFrame
        Columns `SUMMARY_COLUMNS`, a row for each subject, visit, muscle and side.
        ``difference`` (left − right) and ``asymmetry_percent`` stand in the rows of
        both sides, NaN where one side is missing. ``value`` is NaN with a reason in
        ``note`` where images cannot be averaged, as for several ROIs on one image,
        rows that name no muscle or side, or images that were measured without what
        the rule needs.

    Raises
    ------
    ResultsError
        If the table lacks a column.
    MeasureError
        If the rule is unknown, or ``"radboud"`` is given another measure than its own.

    Examples
    --------
    >>> import napari_muscle_us as mus
    >>> image = mus.sample_image("transverse_healthy")
    >>> roi = mus.Rectangle(150, 200, 40, 60, muscle="Biceps brachii", side="left")
    >>> table = summarise_repeats(mus.measure_rois(image, [roi]))
    >>> table.loc[0, "note"]
    '1 image; the protocol asks for 3; the CV needs 2 images'
    """
    import pandas as pd

    measure = measure_of_rule(rule, measure)
    groups, averages = averaged_groups(results, rule=rule, measure=measure, drop=drop)
    rows = []
    for group, own in zip(groups, averages, strict=True):
        apart = SideDifference(math.nan, math.nan)
        if group.partner is not None:
            other = averages[group.partner]
            sides = (own, other) if group.side == "left" else (other, own)
            apart = side_difference(*(average.value for average in sides))
        rows.append(
            (
                *(group.subject, group.visit, group.muscle, group.side),
                *(measure, group.unit, rule, own.n, own.value, own.sd),
                *(own.cv_percent, own.flagged),
                *(apart.difference, apart.asymmetry_percent),
                "; ".join(filter(None, (group.problem, own.reason, group.note))),
            )
        )
    return pd.DataFrame(rows, columns=list(SUMMARY_COLUMNS))


def averaged_groups(
    results: pd.DataFrame,
    *,
    rule: RepeatRule = "mean",
    measure: str | None = None,
    drop: Collection[str] = (),
) -> tuple[list[RepeatGroup], list[Repeats]]:
    """Return the groups of a results table and the average of each.

    The parameters and errors are those of `summarise_repeats`. The average of a group
    with a problem is NaN, of 0 images.
    """
    needed = measure_of_rule(rule, measure)
    groups = group_repeats(results, measure=needed, drop=drop)
    nothing = Repeats(math.nan, 0, math.nan, math.nan, flagged=False)
    return groups, [
        average_repeats(group.values, rule=rule) if group.rows else nothing
        for group in groups
    ]


def recompute(
    measure: str, method: Mapping[str, Any], values: Sequence[float]
) -> float:
    """Return the value of a row that `napari_muscle_us.repeat_rows` wrote.

    Parameters
    ----------
    measure : str
        Measure of the row, one of `REPEAT_MEASURES`.
    method : mapping
        Method of the row: ``rule``; of a side difference also ``left`` and ``right``,
        the places in ``inputs`` of the images of each side, from 0.
    values : sequence of float
        Of each image in ``inputs`` the measure of the rule, measured again.

    Returns
    -------
    float
        NaN for no images (a row that says why there is no average), and for the CV
        where `average_repeats` has none.

    Raises
    ------
    MeasureError
        If the measure or the rule is unknown, or the places do not take each image
        once.

    Examples
    --------
    >>> recompute("repeats.echo_intensity", {"rule": "mean"}, [60.0, 61.0, 65.0])
    62.0
    >>> method = {"rule": "mean", "left": [0, 1], "right": [2]}
    >>> recompute("repeats.side_difference", method, [60.0, 64.0, 50.0])
    12.0
    """
    if measure not in REPEAT_MEASURES:
        raise MeasureError(
            f"The measure {measure!r} is not one of repeated images; use one of "
            f"{', '.join(REPEAT_MEASURES)}."
        )
    rule = check_rule(method.get("rule"))
    if not values:
        return math.nan
    if measure == "repeats.side_difference":
        left, right = _sides(method, values)
        one, other = (average_repeats(v, rule=rule).value for v in (left, right))
        return side_difference(one, other).difference
    repeats = average_repeats(values, rule=rule)
    return repeats.cv_percent if measure == "repeats.cv" else repeats.value


def _sides(
    method: Mapping[str, Any], values: Sequence[float]
) -> tuple[list[float], list[float]]:
    """Return the values of each side, each image once."""
    places = (method.get("left"), method.get("right"))
    flat = [p for side in places if isinstance(side, list) for p in side]
    whole = all(type(p) is int for p in flat) and all(places)
    if not whole or sorted(flat) != list(range(len(values))):
        raise MeasureError(
            f"The sides {places!s:.80} do not take each of {len(values)} images once."
        )
    left, right = ([values[p] for p in side or ()] for side in places)
    return left, right
