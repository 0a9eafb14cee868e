"""The fat of an image: its region and its thickness, followed as they are moved."""

from __future__ import annotations

import weakref
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary

from psygnal import Signal

from napari_muscle_us.errors import MuscleUSError
from napari_muscle_us.measure.fat_correction import (
    FAT_MODELS,
    YOUNG_SLOPE,
    FatCorrection,
    FatModel,
)

if TYPE_CHECKING:
    from napari.layers import Image

    from napari_muscle_us._napari._regions import Region
    from napari_muscle_us._napari._session import Session
    from napari_muscle_us.roi.shapes import Roi

NONE: Final = ""
TYPED: Final = "typed"

_followers: WeakKeyDictionary[Session, FatFollower] = WeakKeyDictionary()


@dataclass(frozen=True, slots=True)
class FatChoice:
    """What the user said about the fat of one image.

    Attributes
    ----------
    region : str
        Key of the region of fat, empty for none.
    thickness : str
        Empty for no correction, ``"typed"``, or the key of a line.
    typed_cm : float, optional
        The thickness that was typed.
    slope : float
        Gray levels per cm of the model ``"young2015"``.
    models : tuple of str
        Corrections to show.
    """

    region: str = NONE
    thickness: str = NONE
    typed_cm: float | None = None
    slope: float = YOUNG_SLOPE
    models: tuple[FatModel, ...] = FAT_MODELS

    def for_another_image(self) -> FatChoice:
        """Return the same ways of correcting, without anything of this image."""
        return FatChoice(slope=self.slope, models=self.models)


def fat_of(session: Session) -> FatFollower:
    """Return the one that follows the fat in a session."""
    if session not in _followers:
        _followers[session] = FatFollower(session)
    return _followers[session]


class FatFollower:
    """Tells the session's options of the fat, and again whenever that moves.

    A choice belongs to its image: another image, perhaps of another person, begins
    without. It works while no panel is on the screen, since results are measured then,
    too.
    """

    changed = Signal()
    """Another choice, or the choice of another image."""

    def __init__(self, session: Session) -> None:
        self._session = weakref.ref(session)
        self._choices: WeakKeyDictionary[Image, FatChoice] = WeakKeyDictionary()
        self._last = FatChoice()
        self._image: weakref.ref[Image] | None = None
        self._given: tuple[Any, ...] = (None, None, FAT_MODELS)
        self.problem = ""
        session.rois_changed.connect(self.update)
        session.layers_changed.connect(self._on_layers)

    @property
    def choice(self) -> FatChoice:
        """What was chosen for the image in hand."""
        session = self._session()
        layer = None if session is None else session.image_layer
        known = None if layer is None else self._choices.get(layer)
        return self._last.for_another_image() if known is None else known

    def choose(self, **changes: Any) -> None:
        """Choose something else for the image in hand.

        Raises
        ------
        MuscleUSError
            If there is no image.
        """
        session = self._session()
        if session is None:
            return
        session.image()
        self._last = replace(self.choice, **changes)
        self._choices[session.image_layer] = self._last
        self.update()
        self.changed.emit()

    def update(self) -> None:
        """Bring the session's options up to date."""
        session, choice = self._session(), self.choice
        if session is None:
            return
        problems: list[str] = []
        regions = {}
        if choice.region or choice.thickness not in (NONE, TYPED):
            regions = {r.entry.key: r for r in session.regions() if r.entry is not None}
        roi = _fat_roi(choice, regions, problems)
        fat = self._correction(choice, regions, problems)
        self.problem = " ".join(problems)
        wanted = (roi, fat, choice.models or FAT_MODELS)
        # What others have set is left alone as long as nothing is chosen here.
        if wanted != self._given:
            self._given = wanted
            session.set_options(fat_roi=roi, fat=fat, fat_models=wanted[2])

    def _on_layers(self) -> None:
        self.update()
        session = self._session()
        layer = None if session is None else session.image_layer
        before = None if self._image is None else self._image()
        if layer is not before:
            self._image = None if layer is None else weakref.ref(layer)
            self.changed.emit()

    def _correction(
        self, choice: FatChoice, regions: dict[str, Region], problems: list[str]
    ) -> FatCorrection | None:
        if choice.thickness == NONE or not choice.models:
            return None
        try:
            if choice.thickness == TYPED:
                if choice.typed_cm is None:
                    return None
                return FatCorrection(choice.typed_cm, slope=choice.slope)
            region = regions.get(choice.thickness)
            if region is None or region.line is None or region.problem:
                gone = "The line of the fat thickness is gone; choose another."
                problems.append(gone if region is None else region.problem or gone)
                return None
            session = self._session()
            spacing = None if session is None else session.image().spacing_mm
            return FatCorrection.from_line(region.line, spacing, slope=choice.slope)
        except MuscleUSError as error:
            problems.append(str(error))
            return None


def _fat_roi(
    choice: FatChoice, regions: dict[str, Region], problems: list[str]
) -> Roi | None:
    if not choice.region:
        return None
    region = regions.get(choice.region)
    if region is None:
        problems.append("The region of fat is gone; choose another.")
        return None
    if region.window is None:
        problems.append(region.problem or "The region of fat is not usable.")
        return None
    return region.roi
