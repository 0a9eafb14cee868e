"""Compare the device and settings of an image with those of a reference or a series."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from napari_muscle_us.image import Device

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_muscle_us.reference.model import DeviceBinding

Told = str | float | None


class Said(NamedTuple):
    """What is said of one setting: the fields of a `Finding`."""

    key: str
    level: Literal["ok", "note", "warning"]
    sentence: str
    value: Told = None


class _Setting(NamedTuple):
    name: str
    words: str
    unit: str
    tolerance: float
    meaning: str


STABLE_DEPTH_MM: Final = (40.0, 60.0)
"""Depths between which echo intensity of vastus lateralis was alike.

The influence of ultrasound image depth and gain on skeletal muscle echo intensity.
Appl Physiol Nutr Metab 2022: 36 people, depths of 30 to 70 mm at 50 and 60 dB.
"""

_OTHER_GRAY: Final = "echo intensity is not comparable"
SETTINGS: Final = (
    _Setting("transducer", "transducer", "", 0, _OTHER_GRAY),
    _Setting("preset", "preset", "", 0, _OTHER_GRAY),
    _Setting(
        "gain_db",
        "gain",
        "dB",
        0.5,
        "10 dB more raised echo intensity by some 22 gray levels in vastus lateralis",
    ),
    _Setting(
        "depth_mm", "depth", "mm", 1.0, "echo intensity changes with the depth setting"
    ),
    _Setting(
        "frequency_mhz",
        "frequency",
        "MHz",
        0.25,
        "attenuation and so echo intensity change with frequency",
    ),
    _Setting(
        "dynamic_range_db",
        "dynamic range",
        "dB",
        0.5,
        "echo intensity changes with the dynamic range",
    ),
    _Setting("software", "software version", "", 0, "the gray map may have changed"),
)
"""Settings that change gray levels, with the difference that rounding may make."""


def compare_device(
    device: Device, reference: DeviceBinding | Device | None
) -> list[Said]:
    """Return a sentence on the model and on every setting that a reference tells.

    Parameters
    ----------
    device : Device
        Of the image.
    reference : DeviceBinding or Device or None
        Of the reference set or a scanner profile.

    Returns
    -------
    list of Said
        The first is on the model.
    """
    said = [_model(device, reference)]
    if reference is None:
        return said
    untold = []
    for setting in SETTINGS:
        wanted = getattr(reference, setting.name, None)
        if wanted is None:
            untold.append(setting.words)
        else:
            said.append(_compare(setting, getattr(device, setting.name), wanted))
    if untold:
        said.append(
            Said(
                "device.untold",
                "note",
                f"The reference does not tell its {_list(untold)}: make sure of them "
                "by its publication.",
            )
        )
    return said


def compare_others(device: Device, others: Sequence[Device] | None) -> list[Said]:
    """Return the settings in which images that are compared with each other differ.

    Parameters
    ----------
    device : Device
        Of the image.
    others : sequence of Device or None
        Of the other images; what one of them does not tell is not compared.

    Returns
    -------
    list of Said
        One that all is alike, or one for each setting that differs; empty when there
        are no others.
    """
    if not others:
        return []
    model = _Setting("model", "model", "", 0, _OTHER_GRAY)
    said = []
    for setting in (model, *SETTINGS):
        own = getattr(device, setting.name)
        told = [getattr(other, setting.name) for other in others]
        different = [t for t in told if t is not None and not _alike(setting, own, t)]
        if own is not None and different:
            said.append(
                Said(
                    f"others.{setting.name}",
                    _level(setting, own, different[0]),
                    f"The {setting.words} is {_text(setting, own)} here and "
                    f"{_text(setting, different[0])} in another image: "
                    f"{setting.meaning}.",
                    own,
                )
            )
    if said:
        return said
    sentence = "The other images tell no setting that differs."
    return [Said("others", "ok", sentence, float(len(others)))]


def _model(device: Device, reference: DeviceBinding | Device | None) -> Said:
    key = "device.model"
    if not device.is_known:
        wanted = "" if reference is None else f"; the reference is of {reference}"
        return Said(key, "note", f"The file does not tell the scanner{wanted}.")
    if reference is None:
        return Said(key, "ok", f"The scanner is {device}.", str(device))
    if isinstance(reference, Device):
        pairs = (
            (device.manufacturer, reference.manufacturer),
            (device.model, reference.model),
        )
        same = all(not want or _same_text(own, want) for own, want in pairs)
    else:
        same = reference.matches(device)
    if same:
        sentence = f"The scanner is {device}, as that of the reference."
        return Said(key, "ok", sentence, str(device))
    return Said(
        key,
        "warning",
        f"The scanner is {device}, that of the reference {reference}: {_OTHER_GRAY}.",
        str(device),
    )


def _compare(setting: _Setting, own: Told, wanted: Told) -> Said:
    key = f"device.{setting.name}"
    reference = f"that of the reference {_text(setting, wanted)}"
    if own is None:
        sentence = f"The file does not tell the {setting.words}; {reference}."
        return Said(key, "note", sentence)
    here = f"The {setting.words} is {_text(setting, own)}"
    if _alike(setting, own, wanted):
        return Said(key, "ok", f"{here}, as that of the reference.", own)
    level = _level(setting, own, wanted)
    return Said(key, level, f"{here}, {reference}: {setting.meaning}.", own)


def _level(setting: _Setting, own: Told, wanted: Told) -> Literal["note", "warning"]:
    """Return how grave a difference is; depths that were found alike only a note."""
    low, high = STABLE_DEPTH_MM
    stable = all(isinstance(d, float | int) and low <= d <= high for d in (own, wanted))
    mild = setting.name == "software" or (setting.name == "depth_mm" and stable)
    return "note" if mild else "warning"


def _alike(setting: _Setting, own: Told, wanted: Told) -> bool:
    if isinstance(own, str) or isinstance(wanted, str):
        return _same_text(own, wanted)
    if own is None or wanted is None:
        return False
    return abs(own - wanted) <= setting.tolerance


def _same_text(own: Told, wanted: Told) -> bool:
    if own is None or wanted is None:
        return False
    return str(own).strip().casefold() == str(wanted).strip().casefold()


def _text(setting: _Setting, value: Told) -> str:
    if isinstance(value, float | int):
        return f"{value:g} {setting.unit}".strip()
    return str(value)


def _list(words: list[str]) -> str:
    if len(words) == 1:
        return words[0]
    return f"{', '.join(words[:-1])} and {words[-1]}"
