"""Rules about the scanner and settings of an image, and about carrying values over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from napari_muscle_us.errors import DeviceMismatchError, ReferenceSetError
from napari_muscle_us.reference.parts import same_name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from napari_muscle_us.image import Device
    from napari_muscle_us.reference.conversion.device_conversion import DeviceConversion
    from napari_muscle_us.reference.model import ReferenceSet
    from napari_muscle_us.reference.parts import DeviceBinding, Span

_SPANS: Final = (
    ("depth_mm", "depth", "mm"),
    ("frequency_mhz", "frequency", "MHz"),
    ("gain_db", "gain", "dB"),
    ("dynamic_range_db", "dynamic range", "dB"),
)
_NAMES: Final = (
    ("transducers", "transducer"),
    ("presets", "preset"),
)
_REFERENCE: Final = "the reference values"


def device_caveats(
    binding: DeviceBinding,
    device: Device | None,
    *,
    accept: bool = False,
    holder: str = _REFERENCE,
) -> list[str]:
    """Return caveats about the image's device, none when it is the bound one.

    Parameters
    ----------
    binding : DeviceBinding
        Scanner and settings of a reference set, or the source of a conversion.
    device : Device or None
        Device of the image; ``None`` when the value was typed in.
    accept : bool, default: False
        Whether the user answers for a device that is not the bound one.
    holder : str
        Whose the binding is, in words.

    Returns
    -------
    list of str
        A sentence each.

    Raises
    ------
    DeviceMismatchError
        If manufacturer, model, transducer or preset differ and `accept` is false.
    """
    unknown = (
        f"The device of the image is not known; these values hold for {binding} only."
    )
    if device is None:
        return [unknown]
    found = _mismatch(binding, device, accept=accept, holder=holder)
    if not device.is_known:
        found.append(unknown)
    else:
        found += _not_told(binding, device)
    return found + _outside(binding, device)


def _mismatch(
    binding: DeviceBinding, device: Device, *, accept: bool, holder: str
) -> list[str]:
    other = device.is_known and not binding.matches(device)
    images, bound = [str(device)], [str(binding)]
    for field, word in _NAMES:
        told, wanted = getattr(device, word), getattr(binding, field)
        if told and wanted and not same_name(told, wanted):
            images.append(f"{word} {told!r}")
            bound.append(f"{word} {' or '.join(map(repr, wanted))}")
    if not other and len(images) == 1:
        return []
    said = f"The image is from {_list(images)}, {holder} from {_list(bound)}"
    if accept:
        return [f"{said}; accepted by the user."]
    between = "devices" if other else "settings"
    raise DeviceMismatchError(
        f"{said}; echo intensity differs between {between}, so no Z-score is given. "
        "Use a set of this device, or accept the mismatch yourself."
    )


def _not_told(binding: DeviceBinding, device: Device) -> list[str]:
    lacking, wanted = [], []
    for field, word in _NAMES:
        names = getattr(binding, field)
        if names and not getattr(device, word):
            lacking.append(word)
            wanted.append(f"{word} {' or '.join(map(repr, names))}")
    for field, word, unit in _SPANS:
        span = getattr(binding, field)
        if span is not None and getattr(device, field) is None:
            lacking.append(word)
            wanted.append(f"{word} {_span(span)} {unit}")
    if not lacking:
        return []
    verb = "is" if len(lacking) == 1 else "are"
    return [
        f"The {_list(lacking)} of the image {verb} not known; these values hold for "
        f"{_list(wanted)}."
    ]


def _outside(binding: DeviceBinding, device: Device) -> list[str]:
    found = []
    for field, word, unit in _SPANS:
        span, told = getattr(binding, field), getattr(device, field)
        if span is None or told is None or span.low <= told <= span.high:
            continue
        found.append(
            f"The {word} of the image is {told:g} {unit}, that of the reference values "
            f"{_span(span)} {unit}; echo intensity depends on it."
        )
    return found


def conversion_caveats(
    reference: ReferenceSet,
    conversion: DeviceConversion,
    device: Device | None,
    *,
    accept: bool = False,
) -> list[str]:
    """Return caveats about a value that is carried over from another device.

    Parameters
    ----------
    reference : ReferenceSet
        The set; its device must be the target of the conversion.
    conversion : DeviceConversion
        From the image's device to that of the set.
    device : Device or None
        Device of the image; must be the source of the conversion.
    accept : bool, default: False
        Whether the user answers for a device that is not the source.

    Returns
    -------
    list of str
        At least the sentence that tells the conversion and its error.

    Raises
    ------
    ReferenceSetError
        If the conversion leads elsewhere, or the image is of the set's own device.
    DeviceMismatchError
        If the image is not from the source and `accept` is false.
    """
    if not same_binding(conversion.target, reference.device):
        raise ReferenceSetError(
            f"The conversion {conversion.name} leads to "
            f"{_described(conversion.target)}, the reference values are from "
            f"{_described(reference.device)}; use a conversion to that device."
        )
    if device is not None and _is_target(conversion, device):
        raise ReferenceSetError(
            f"The image is from {device}, the device of the reference values itself; "
            f"leave the conversion {conversion.name} out."
        )
    found = device_caveats(
        conversion.source,
        device,
        accept=accept,
        holder=f"the conversion {conversion.name}",
    )
    error = abs(conversion.slope) * conversion.residual_sd
    found.append(
        f"The value was carried over from {conversion.source} to {conversion.target} "
        f"by the conversion {conversion.name} ({conversion.intercept:.4g} + "
        f"{conversion.slope:.4g} × value); its error, SD {error:.3g}, is part of the "
        "SD of this Z-score."
    )
    return found


def same_binding(one: DeviceBinding, other: DeviceBinding) -> bool:
    """Whether two bindings are of one scanner, and no stated name or span differs.

    Parameters
    ----------
    one, other : DeviceBinding
        What either leaves out is not compared.
    """
    if not same_name(one.manufacturer, [other.manufacturer]):
        return False
    if not _share(one.models, other.models):
        return False
    for field, _ in _NAMES:
        names = getattr(one, field), getattr(other, field)
        if all(names) and not _share(*names):
            return False
    for field, _, _ in _SPANS:
        first, second = getattr(one, field), getattr(other, field)
        if first is None or second is None:
            continue
        if first.high < second.low or second.high < first.low:
            return False
    return True


def _share(names: tuple[str, ...], others: tuple[str, ...]) -> bool:
    return any(same_name(name, others) for name in names)


def _is_target(conversion: DeviceConversion, device: Device) -> bool:
    """Whether an image is of the target and, as far as it tells, not of the source."""
    source, target = (
        binding.matches(device)
        and all(
            not getattr(device, word)
            or not getattr(binding, field)
            or same_name(getattr(device, word), getattr(binding, field))
            for field, word in _NAMES
        )
        for binding in (conversion.source, conversion.target)
    )
    return target and not source


def _described(binding: DeviceBinding) -> str:
    parts = [str(binding)]
    for field, word in _NAMES:
        if getattr(binding, field):
            parts.append(f"{word} {' or '.join(map(repr, getattr(binding, field)))}")
    for field, word, unit in _SPANS:
        if getattr(binding, field) is not None:
            parts.append(f"{word} {_span(getattr(binding, field))} {unit}")
    return _list(parts)


def _span(span: Span) -> str:
    if span.low == span.high:
        return f"{span.low:g}"
    return f"{span.low:g}–{span.high:g}"


def _list(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
