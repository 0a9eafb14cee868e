"""What changed since an ROI was kept: which ROIs belong together, as of two visits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from napari_muscle_us._napari.panels._texture_shown import Shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from napari_muscle_us._napari.panels._texture_live import Source
    from napari_muscle_us.measure.anisotropy.settings import AnisotropySettings

_MOST_PAIRS: Final = 2
_KEEP: Final = (
    "Press Keep for comparison on the ROI of the former visit or image, then open the "
    "next one and draw its ROI."
)
_NEARLY: Final = 0.01


def since_kept(shown: Shown, kept: Sequence[Source]) -> Shown:
    """Return each kept region with the one in hand that it belongs to.

    They belong together by muscle and side, without a muscle by their name; one alone
    with one alone in any case.

    Parameters
    ----------
    shown : Shown
        Kept regions and those in hand.
    kept : sequence of Source
        All kept ones.
    """
    live = [source for source in shown.sources if not source.kept]
    # One that is still there unmoved would be compared with itself.
    former = [k for k in kept if not any(k.is_same(one) for one in live)]
    if not former:
        return Shown((), " ".join(filter(None, (shown.said, _KEEP))))
    pairs, said = [], [shown.said] if shown.said else []
    for source in live:
        found = [k for k in former if _label(k) == _label(source)]
        if (
            not found
            and len(former) == len(live) == 1
            and _may_be_one(former[0], source)
        ):
            found = former
        if len(found) == 1:
            pairs.append((found[0], source))
        else:
            said.append(_why_not(source, len(found)))
    if len(pairs) > _MOST_PAIRS:
        said.append(
            f"The first {_MOST_PAIRS} of {len(pairs)} ROIs are shown; select the one "
            "to compare."
        )
    both = tuple(source for pair in pairs[:_MOST_PAIRS] for source in pair)
    return Shown(both, " ".join(said))


def said_of_boxes(sources: Sequence[Source], settings: AnisotropySettings) -> str:
    """Return why boxes in pixels cannot be compared, or an empty string."""
    if settings.box_mm is not None or not sources:
        return ""
    known = [source.spacing_mm or (0.0, 0.0) for source in sources]
    alike = all(
        abs(one - first) <= _NEARLY * first
        for spacing in known
        for one, first in zip(spacing, known[0], strict=True)
    )
    if alike:
        return ""
    return (
        "Pixels of these images differ in size, and with them the boxes: do not "
        "compare the local anisotropy, or choose a box in mm."
    )


def _label(source: Source) -> tuple[str, str]:
    return (source.muscle, source.side) if source.muscle else ("", source.name)


def _may_be_one(former: Source, source: Source) -> bool:
    """Whether labels do not speak against it: one of two is not told yet."""
    return not (former.muscle and source.muscle)


def _why_not(source: Source, found: int) -> str:
    what = f"{source.muscle} {source.side}".strip() or f"ROI {source.name!r}"
    if found:
        return (
            f"{what} was kept {found} times; press Clear and keep the one to compare."
        )
    return f"{what} was not kept on another image; keep it there."
