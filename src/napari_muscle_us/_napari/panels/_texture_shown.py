"""Which ROIs the texture table shows, and what is to be said of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from napari_muscle_us._napari.panels._texture_columns import (
    Column,
    Difference,
    Heading,
    pairs_of_sides,
)
from napari_muscle_us._napari.panels._texture_live import Source, Sources
from napari_muscle_us._napari.panels._texture_words import NO_PAIRS, used_text
from napari_muscle_us.errors import MeasureError
from napari_muscle_us.measure.texture.measure import Texture

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from napari_muscle_us._napari._regions import Region
    from napari_muscle_us._napari._session import Session

MOST_ROIS: Final = 8
_MOST_PAIRS: Final = 2
_DRAW: Final = "Draw an ROI on the muscle in the panel Muscle ROIs."


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """Regions to show, by twos where `paired`, and what is said of the others."""

    sources: tuple[Source, ...]
    said: str = ""
    paired: bool = False


class ShownRegions:
    """Chooses the ROIs to show, kept ones of other images among them."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._pixels = Sources(session)
        self.kept: list[Source] = []

    def regions(self) -> list[Region]:
        """Return the chosen regions that have pixels, or a problem.

        A line is selected to be dragged; the regions stay shown meanwhile.
        """
        chosen = _areas(self._session.chosen_regions())
        return chosen or _areas(self._session.regions())

    def now(self, *, left_and_right: bool) -> Shown:
        """Return the regions to show.

        Raises
        ------
        MuscleUSError
            If there is no image, or its layer cannot be measured.
        """
        self._session.image()
        regions = self.regions()
        if left_and_right:
            return self._sides(regions)
        problems = [region.problem for region in regions if region.problem]
        sources = [*self.kept, *self._pixels.of(regions)]
        if not sources and not problems:
            problems.append(_DRAW)
        if len(sources) > MOST_ROIS:
            problems.append(
                f"The first {MOST_ROIS} of {len(sources)} ROIs are shown; select the "
                "ones to compare."
            )
        return Shown(tuple(sources[:MOST_ROIS]), " ".join(problems))

    def one_or_two(self, *, left_and_right: bool) -> Shown:
        """Return one region, or two to set beside each other.

        Two are the sides of a muscle, or the first of several selected, or the kept
        one that came last and the one in hand.

        Raises
        ------
        MuscleUSError
            As `now`.
        """
        shown = self.now(left_and_right=left_and_right)
        if left_and_right:
            return replace(shown, sources=shown.sources[:2])
        live = self._pixels.of(self.regions())
        if len(self._session.selected()) > 1 and len(live) > 1:
            return replace(shown, sources=tuple(live[:2]))
        # Just kept, and not moved since, it would be drawn twice.
        kept = [k for k in self.kept if not any(k.is_same(one) for one in live[:1])]
        return replace(shown, sources=(*kept[-1:], *live[:1]))

    def of_this_image(self, *, left_and_right: bool) -> list[Region]:
        """Return the regions in hand, without kept ones.

        Of sides it is those that are shown, whichever of them is selected.

        Raises
        ------
        MuscleUSError
            If there is no image, or its layer cannot be measured, or no side is shown.
        """
        if not left_and_right:
            return self.regions()
        shown = self.now(left_and_right=True)
        if not shown.sources:
            raise MeasureError(shown.said)
        return self._among(shown)

    def _among(self, shown: Shown) -> list[Region]:
        every = _areas(self._session.regions())
        return [r for r in every if set(self._pixels.of([r])) & set(shown.sources)]

    def keep(self, *, left_and_right: bool) -> None:
        """Keep the regions in hand for comparison, each once.

        A side whose other one is on another image is kept before it can be shown.

        Raises
        ------
        MuscleUSError
            If there is none.
        """
        shown = self.now(left_and_right=left_and_right)
        both = self._among(shown) if left_and_right else []
        live = self._pixels.of(both or self.regions())
        if not live:
            raise MeasureError("There is no ROI to keep; draw one on the muscle.")
        for source in live:
            if not any(source.is_same(kept) for kept in self.kept):
                self.kept.append(source.keep())

    def _sides(self, chosen: Sequence[Region]) -> Shown:
        selected = self._session.selected()
        every = _areas(self._session.regions())
        problems = [region.problem for region in chosen if region.problem]
        live = self._pixels.of(every)
        # One that is still there unmoved would be its own rival.
        kept = [k for k in self.kept if not any(k.is_same(one) for one in live)]
        sources = [*kept, *live]
        if not sources:
            return Shown((), " ".join(problems) or _DRAW)
        picked = self._pixels.of([r for r in every if r.index in selected])
        pairs, said = pairs_of_sides(sources, picked)
        if len(pairs) > _MOST_PAIRS:
            said += (
                f" The first {_MOST_PAIRS} of {len(pairs)} muscles are shown; select "
                "the one to compare."
            )
        both = tuple(source for pair in pairs[:_MOST_PAIRS] for source in pair)
        return Shown(both, " ".join([*problems, said]).strip(), paired=True)


def _areas(regions: Sequence[Region]) -> list[Region]:
    return [r for r in regions if r.window is not None or r.problem]


def columns_of(shown: Shown, outcomes: Sequence[Texture | str | None]) -> list[Column]:
    """Return a column for each region, and of two sides the difference."""
    titles = titles_of(shown)
    columns = [
        Column(Heading(title, _tip(source)), source, outcome)
        for title, source, outcome in zip(titles, shown.sources, outcomes, strict=True)
    ]
    if not shown.paired:
        return columns
    with_differences = []
    for left, right in zip(columns[::2], columns[1::2], strict=True):
        tip = f"{left.heading.title} minus {right.heading.title}."
        heading = Heading("L − R", tip)
        with_differences += [left, right]
        with_differences.append(Difference(heading, None, "", left, right))
    return with_differences


def titles_of(shown: Shown) -> list[str]:
    """Return a title for each region, numbered where two are alike."""
    titles: list[str] = []
    several = len({source.muscle for source in shown.sources}) > 1
    for source in shown.sources:
        title = source.title
        if shown.paired:
            muscle = f"{source.muscle} " if several else ""
            title = f"{muscle}{source.side}"
        number, new = 2, title
        while new in titles:
            new, number = f"{title} ({number})", number + 1
        titles.append(new)
    return titles


def _tip(source: Source) -> str:
    parts = (source.name, source.muscle, source.side, source.place)
    return ", ".join(filter(None, parts)) + (" (kept)" if source.kept else "")


def said_of(shown: Shown, outcomes: Sequence[Texture | str | None]) -> tuple[str, str]:
    """Return which levels are used, and the sentences that warn."""
    used = [
        start + used_text(outcome)
        for start, outcome in zip(_starts(shown), outcomes, strict=True)
        if isinstance(outcome, Texture)
    ]
    return " · ".join(used), sentences_of(shown, [_sentences(o) for o in outcomes])


def sentences_of(shown: Shown, of_each: Sequence[Iterable[str]]) -> str:
    """Return the sentences of all regions with their names, a line each."""
    said = {shown.said: None} if shown.said else {}
    for source, start, own in zip(shown.sources, _starts(shown), of_each, strict=True):
        coloured = (f"{source.note}.",) if source.note else ()
        for sentence in (*coloured, *own):
            said[start + sentence] = None
    return "\n".join(_once(said, shown))


def _starts(shown: Shown) -> list[str]:
    """Return what a sentence of each region starts with."""
    named = len(shown.sources) > 1
    return [f"{source.title}: " if named else "" for source in shown.sources]


def _sentences(outcome: Texture | str | None) -> Iterator[str]:
    if isinstance(outcome, str):
        yield outcome
    elif outcome is not None:
        yield from outcome.caveats
        # Of pairs there is a contrast, or there is no pair.
        if math.isnan(outcome.get("glcm.contrast", 0.0)):
            yield NO_PAIRS


def _once(said: dict[str, None], shown: Shown) -> list[str]:
    """Return sentences, one that holds for all regions only once."""
    starts = [f"{source.title}: " for source in shown.sources]
    bare: dict[str, list[str]] = {}
    for sentence in said:
        start = next((s for s in starts if sentence.startswith(s)), "")
        bare.setdefault(sentence[len(start) :], []).append(sentence)
    return [
        text if len(whole) == len(shown.sources) else line
        for text, whole in bare.items()
        for line in (whole if len(whole) != len(shown.sources) else whole[:1])
    ]
