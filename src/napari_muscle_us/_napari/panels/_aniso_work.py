"""What the page of anisotropy asks the core for, in any thread."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from napari_muscle_us._napari.panels._texture_live import Source
    from napari_muscle_us.measure.anisotropy.fascicle import FascicleDirection
    from napari_muscle_us.measure.anisotropy.roi import Anisotropy
    from napari_muscle_us.measure.anisotropy.settings import AnisotropySettings

_compiled: set[str] = set()
"""Methods whose inner loops are known to be compiled."""


@dataclass(frozen=True, slots=True, eq=False)
class Order:
    """Direction and order of a region; the fascicles' only if asked for."""

    tensor: Anisotropy
    fascicle: FascicleDirection | None


Outcome: TypeAlias = "Order | str"
"""What was found, or a sentence why nothing was."""


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What was found of a region by some settings, and how long it took."""

    source: Source
    settings: AnisotropySettings
    outcome: Outcome
    seconds: float


def is_compiled(settings: AnisotropySettings) -> bool:
    """Return whether the loops that the settings need have run before."""
    return settings.method in _compiled


def anisotropy_of(source: Source, settings: AnisotropySettings) -> Known:
    """Return the anisotropy of a region, or why there is none."""
    began = time.perf_counter()
    outcome: Outcome
    try:
        outcome = _order_of(source, settings)
    except MuscleUSError as error:
        outcome = str(error)
    else:
        _compiled.add(settings.method)
    return Known(source, settings, outcome, time.perf_counter() - began)


def compute_slowly(
    sources: Sequence[Source],
    settings: AnisotropySettings,
    *,
    progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
) -> list[Known]:
    """Return the anisotropy of each region."""
    found = []
    for done, source in enumerate(sources):
        if cancelled():
            break
        progress(done, len(sources))
        found.append(anisotropy_of(source, settings))
    return found


def _order_of(source: Source, settings: AnisotropySettings) -> Order:
    # Late: they bring loops that are compiled.
    from napari_muscle_us.measure.anisotropy.fascicle import fascicle_direction
    from napari_muscle_us.measure.anisotropy.roi import measure_anisotropy

    spacing_mm = source.spacing_mm
    # The direction of the fascicles stands beside that of the tensor.
    options = settings.options() | {"method": "tensor", "spacing_mm": spacing_mm}
    tensor = measure_anisotropy(source.gray, source.mask, **options)
    fascicle = None
    if settings.method == "fascicle":
        fascicle = fascicle_direction(source.gray, source.mask, spacing_mm=spacing_mm)
    return Order(tensor, fascicle)
