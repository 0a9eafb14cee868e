"""The rules of the look-up as a user reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Severity = Literal["refused", "refused unless accepted", "warning"]


@dataclass(frozen=True, slots=True)
class LookupRule:
    """A rule of the look-up, in words.

    Attributes
    ----------
    key : str
        Its name, which does not change.
    severity : {"refused", "refused unless accepted", "warning"}
        What follows: no Z-score, none unless the user answers for it, or a Z-score
        with a sentence beside it.
    words : str
        When it holds.
    """

    key: str
    severity: Severity
    words: str


LOOKUP_RULES: Final = (
    LookupRule(
        "person",
        "refused",
        "Age, height or weight is not possible, or sex or handedness is not a word "
        "that the models know.",
    ),
    LookupRule("side", "refused", "The side is neither left nor right nor left out."),
    LookupRule(
        "value",
        "refused",
        "The value is no number, or an echo intensity outside 0 to 255.",
    ),
    LookupRule("muscle", "refused", "The set has no such muscle and measure."),
    LookupRule(
        "unit", "refused", "The value is stated in another unit than the set's."
    ),
    LookupRule(
        "missing",
        "refused",
        "Age, sex, height, weight, side or handedness is not known, and the model of "
        "the muscle uses it.",
    ),
    LookupRule(
        "conversion-device",
        "refused",
        "A device conversion does not lead to the set's device and settings, is used "
        "on an image of that very device, or is for another measure.",
    ),
    LookupRule(
        "device",
        "refused unless accepted",
        "Manufacturer or model of the image's scanner is another than the set's.",
    ),
    LookupRule(
        "transducer",
        "refused unless accepted",
        "Set and image both name a transducer, and they differ.",
    ),
    LookupRule(
        "preset",
        "refused unless accepted",
        "Set and image both name a preset, and they differ.",
    ),
    LookupRule(
        "device-unknown",
        "warning",
        "The image does not tell its scanner, or a setting that the set states.",
    ),
    LookupRule(
        "settings",
        "warning",
        "Depth, frequency, gain or dynamic range of the image is outside what the set "
        "was collected with.",
    ),
    LookupRule(
        "conversion",
        "warning",
        "The value was carried over from another device; the error of that is part of "
        "the SD.",
    ),
    LookupRule(
        "beyond",
        "refused",
        "Age, height, weight or body-mass index is further from the sample than the "
        "set allows.",
    ),
    LookupRule(
        "outside",
        "warning",
        "Age, height, weight or body-mass index is outside the range of the sample.",
    ),
    LookupRule(
        "no-range",
        "warning",
        "The set states no range of a covariate that the model uses.",
    ),
    LookupRule(
        "age-unknown",
        "warning",
        "The age is not known, so that nobody checked it against the set's range.",
    ),
    LookupRule(
        "other-sex",
        "warning",
        "All people of the sample are of one sex, and the person is of the other, or "
        "the sex is not known.",
    ),
    LookupRule(
        "conversion-range",
        "refused",
        "The value is outside the range of the paired measurements that a device "
        "conversion was made from.",
    ),
    LookupRule(
        "model",
        "refused",
        "The model reaches no finite value for this person, or not this value.",
    ),
    LookupRule(
        "few-like-this",
        "warning",
        "The person's values, taken together, lie further from those of the sample "
        "(leverage) than anybody's in it, though each alone may be inside.",
    ),
    LookupRule(
        "mean-of-person",
        "warning",
        "The sample's values are means of several values of a person, which scatter "
        "less than a single one.",
    ),
)
"""All rules of the look-up, in the order in which they are checked."""
