"""How the images of a muscle and side become one value, and from which measure."""

from __future__ import annotations

from typing import Final, Literal, get_args

from napari_muscle_us.errors import MeasureError

RepeatRule = Literal["mean", "mean_rounded", "radboud"]
REPEAT_RULES: Final[tuple[RepeatRule, ...]] = get_args(RepeatRule)

ROUNDED_RULES: Final[tuple[RepeatRule, ...]] = ("mean_rounded", "radboud")
"""Rules whose average is a whole number."""

ECHO_INTENSITY: Final = "intensity.mean"
"""The measure that is averaged unless the rule needs another."""

ABOVE_BLACK: Final = "intensity.mean_above_black"
"""The measure that the rule ``"radboud"`` averages."""


def check_rule(rule: object) -> RepeatRule:
    """Return a rule, or refuse what is none.

    Raises
    ------
    MeasureError
        If it is not one of `REPEAT_RULES`.
    """
    for known in REPEAT_RULES:
        if rule == known:
            return known
    raise MeasureError(
        f"The rule {rule!r:.40} for averaging images is unknown; use one of "
        f"{', '.join(REPEAT_RULES)}."
    )


def measure_of_rule(rule: object, measure: str | None = None) -> str:
    """Return the measure of single images that a rule averages.

    Parameters
    ----------
    rule : {"mean", "mean_rounded", "radboud"}
        See `napari_muscle_us.measure.repeats.average_repeats`.
    measure : str, optional
        Another measure that is wanted; by default that of the rule.

    Returns
    -------
    str
        Key in the registry.

    Raises
    ------
    MeasureError
        If the rule is unknown, or stands for another measure than the wanted one.

    Examples
    --------
    >>> measure_of_rule("mean"), measure_of_rule("radboud")
    ('intensity.mean', 'intensity.mean_above_black')
    """
    own = ABOVE_BLACK if check_rule(rule) == "radboud" else ECHO_INTENSITY
    if measure is None or measure == own:
        return own
    if own == ABOVE_BLACK:
        raise MeasureError(
            f"The rule 'radboud' averages {ABOVE_BLACK}, not {measure!r:.80}; leave "
            "the measure out, or use the rule mean_rounded."
        )
    return measure
