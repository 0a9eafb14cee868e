"""A scanner profile, and the form in which profiles are kept in a file."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from napari_muscle_us.errors import MuscleUSError
from napari_muscle_us.image import Device

FORMAT: Final = "napari-muscle-us scanner profiles"
FORMAT_VERSION: Final = 1
MAX_PROFILES: Final = 200
MAX_SPACINGS: Final = 50
DEPTH_TOLERANCE_MM: Final = 0.5

_Text = Annotated[
    str, StringConstraints(min_length=1, max_length=64, pattern=r"^[^\p{Cc}]+$")
]
_Length = Annotated[float, Field(gt=0, le=2000, allow_inf_nan=False)]
_Level = Annotated[float, Field(ge=-300, le=300, allow_inf_nan=False)]
_Spacing = Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _StoredDevice(_Strict):
    """What `napari_muscle_us.image.Device` holds, and nothing else."""

    manufacturer: _Text | None = None
    model: _Text | None = None
    transducer: _Text | None = None
    preset: _Text | None = None
    depth_mm: _Length | None = None
    frequency_mhz: Annotated[float, Field(gt=0, le=200, allow_inf_nan=False)] | None = (
        None
    )
    software: _Text | None = None
    gain_db: _Level | None = None
    dynamic_range_db: _Level | None = None
    mechanical_index: (
        Annotated[float, Field(ge=0, le=10, allow_inf_nan=False)] | None
    ) = None


class _StoredSpacing(_Strict):
    """Size of a pixel at a depth."""

    depth_mm: _Length
    spacing_mm: Annotated[list[_Spacing], Field(min_length=2, max_length=2)]


class _StoredProfile(_Strict):
    """One scanner."""

    name: _Text
    device: _StoredDevice
    notes: Annotated[str, Field(max_length=2000, pattern=r"^[^\x00]*$")] = ""
    spacings: Annotated[list[_StoredSpacing], Field(max_length=MAX_SPACINGS)] = []


class _StoredFile(_Strict):
    """The whole file."""

    format: Literal["napari-muscle-us scanner profiles"]
    # Strict, so that JSON true is not taken as 1.
    version: Annotated[int, Field(ge=FORMAT_VERSION, le=FORMAT_VERSION)]
    profiles: Annotated[list[_StoredProfile], Field(max_length=MAX_PROFILES)]


class _Header(BaseModel):
    format: Literal["napari-muscle-us scanner profiles"]
    version: Annotated[int, Field(gt=FORMAT_VERSION, strict=True)]


class ProfileError(MuscleUSError):
    """A scanner profile is not valid, or cannot be kept."""


@dataclass(frozen=True, slots=True)
class DepthSpacing:
    """Size of a pixel at one depth setting of a scanner.

    Parameters
    ----------
    depth_mm : float
        Depth setting.
    spacing_mm : tuple of float
        Distance of pixel centres, ``(depth, lateral)``.
    """

    depth_mm: float
    spacing_mm: tuple[float, float]


@dataclass(frozen=True, slots=True)
class ScannerProfile:
    """What is remembered of a scanner.

    Parameters
    ----------
    name : str
        Name that the user gave it, 1 to 64 characters; unique whatever its case.
    device : Device
        Scanner and settings; ``None`` where the user did not tell.
    notes : str
        Free words. They are stored as typed: nothing identifying belongs here.
    spacings : tuple of DepthSpacing
        Size of a pixel for depth settings that were calibrated.

    Raises
    ------
    ProfileError
        If a text or number is not allowed; the message names the field.
    """

    name: str
    device: Device = field(default_factory=Device)
    notes: str = ""
    spacings: tuple[DepthSpacing, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what could not be stored."""
        _validate(_stored(self))

    def spacing_at(self, depth_mm: float | None) -> tuple[float, float] | None:
        """Return the size of a pixel at a depth setting, never interpolated.

        Parameters
        ----------
        depth_mm : float or None
            Depth setting of the image.

        Returns
        -------
        tuple of float or None
            In mm, ``(depth, lateral)``; ``None`` when no depth within 0.5 mm was
            calibrated.
        """
        if depth_mm is None or not self.spacings:
            return None
        near = min(self.spacings, key=lambda s: abs(s.depth_mm - depth_mm))
        within = abs(near.depth_mm - depth_mm) <= DEPTH_TOLERANCE_MM
        return near.spacing_mm if within else None


def _stored(profile: ScannerProfile) -> dict[str, Any]:
    return {
        "name": profile.name,
        "device": asdict(profile.device),
        "notes": profile.notes,
        "spacings": [
            {"depth_mm": s.depth_mm, "spacing_mm": list(s.spacing_mm)}
            for s in profile.spacings
        ],
    }


def _validate(stored: dict[str, Any]) -> None:
    try:
        _StoredProfile.model_validate(stored)
    except ValidationError as error:
        raise ProfileError(
            f"The scanner profile is not valid at {_first_error(error)}; mend that."
        ) from None


def dump_profiles(profiles: list[ScannerProfile]) -> str:
    """Return the text of a file of profiles.

    Raises
    ------
    ProfileError
        If there are too many.
    """
    stored = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "profiles": [_stored(profile) for profile in profiles],
    }
    try:
        return _StoredFile.model_validate(stored).model_dump_json(indent=1) + "\n"
    except ValidationError as error:
        raise ProfileError(
            f"The scanner profiles cannot be kept, at {_first_error(error)}; remove "
            "some."
        ) from None


def parse_profiles(content: bytes) -> tuple[ScannerProfile, ...]:
    """Return the profiles of a file.

    Raises
    ------
    ProfileError
        If the file is not valid; place and reason without the value.
    """
    try:
        stored = _StoredFile.model_validate_json(content)
    except ValidationError as error:
        raise ProfileError(_first_error(error)) from None
    names = [profile.name.casefold() for profile in stored.profiles]
    if len(set(names)) < len(names):
        raise ProfileError("profiles: two have the same name")
    return tuple(
        ScannerProfile(
            p.name,
            Device(**p.device.model_dump()),
            p.notes,
            tuple(
                DepthSpacing(s.depth_mm, (s.spacing_mm[0], s.spacing_mm[1]))
                for s in p.spacings
            ),
        )
        for p in stored.profiles
    )


def is_newer(content: bytes) -> bool:
    """Whether a later version of this program wrote the file."""
    try:
        _Header.model_validate_json(content)
    except ValidationError:
        return False
    return True


def _first_error(error: ValidationError) -> str:
    """Return the place and reason of the first error, without the value."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[
        0
    ]
    place = ".".join(str(part) for part in first["loc"][:6]) or "the file"
    # The name of an unknown key is the file's, so it may hold anything.
    place = "".join(c if c.isprintable() else "?" for c in place[:80])
    return f"{place}: {first['msg'][:160]}"
