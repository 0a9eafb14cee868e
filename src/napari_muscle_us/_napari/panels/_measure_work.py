"""What the panel Results asks the core for: the rows of some regions."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Final

from napari_muscle_us.errors import MuscleUSError
from napari_muscle_us.reference.subject import Subject
from napari_muscle_us.roi.checks import label_of
from napari_muscle_us.rows import measure_rois

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

    from napari_muscle_us._napari._regions import Region
    from napari_muscle_us._napari._session import Session
    from napari_muscle_us.image import UltrasoundImage
    from napari_muscle_us.measure_options import MeasureOptions
    from napari_muscle_us.z_request import ZScoreRequest

_AT_ONCE: Final = 4
"""Regions between two looks whether the user has cancelled."""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What is to be measured, and how; nothing in it changes any more.

    Attributes
    ----------
    image : UltrasoundImage
        A still image, of a clip the frame that was shown.
    regions : tuple of Region
        Usable regions, in the order of their rows.
    options : MeasureOptions
        What is measured besides.
    z_score : ZScoreRequest or None
        What a Z-score needs, for those with a muscle; ``None`` where nobody described
        the person.
    subject, visit : str
        Labels of the rows.
    left_out : str
        Sentences on the regions that are not measured.
    """

    image: UltrasoundImage
    regions: tuple[Region, ...]
    options: MeasureOptions
    z_score: ZScoreRequest | None
    subject: str
    visit: str
    left_out: str

    def wants_z_score(self, region: Region) -> bool:
        """Whether a region gets a Z-score."""
        return bool(region.muscle) and self.z_score is not None


def z_score_request(session: Session) -> ZScoreRequest | None:
    """Return what a Z-score needs, ``None`` for a person nobody described."""
    if session.subject == Subject():
        return None
    return session.z_score_request(note_problems=True)


def measure_plan(plan: Plan) -> pd.DataFrame:
    """Return the rows of all regions, in their order.

    Raises
    ------
    MuscleUSError
        If a region is not usable, or an option does not fit the image.
    """
    import pandas as pd

    # All at once, since what they share of the image is looked at only once.
    parts = [_measure(plan, some) for some in _parts(plan, len(plan.regions))]
    return pd.concat(parts, ignore_index=True)


def measure_plan_slowly(
    plan: Plan,
    *,
    progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
) -> tuple[Plan, pd.DataFrame] | MuscleUSError | None:
    """Measure in the background, a few regions at a time; a refusal is returned."""
    import pandas as pd

    parts, done = [], 0
    for some in _parts(plan, _AT_ONCE):
        if cancelled():
            return None
        try:
            parts.append(_measure(plan, some))
        except MuscleUSError as error:
            return error
        done += len(some)
        progress(done, len(plan.regions))
    return plan, pd.concat(parts, ignore_index=True)


def _parts(plan: Plan, most: int) -> Iterator[list[Region]]:
    """Yield regions that are measured in one go: all with a Z-score, or all without."""
    for _, group in groupby(plan.regions, plan.wants_z_score):
        same = list(group)
        for start in range(0, len(same), most):
            yield same[start : start + most]


def _measure(plan: Plan, regions: list[Region]) -> pd.DataFrame:
    return measure_rois(
        plan.image,
        [r.roi for r in regions if r.roi is not None],
        z_score=plan.z_score if plan.wants_z_score(regions[0]) else None,
        options=plan.options,
        subject=plan.subject,
        visit=plan.visit,
    )


def no_gray_levels(region: Region) -> str:
    """Return why a line, an angle or points give no rows, empty for an area."""
    if region.entry is None or region.roi is not None or region.problem:
        return ""
    line = region.line
    if line is None:
        return f"{label_of(region.name)} is a set of points: it has no gray levels."
    what, has = "a line", "a length"
    if line.kind == "angle":
        what, has = "an angle", "a size in degrees"
    return (
        f"{label_of(region.name)} is {what}: it has {has} (see the ROI table) but no "
        "gray levels."
    )
