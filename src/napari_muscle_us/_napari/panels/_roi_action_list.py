"""What can be done to ROIs, in words, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from napari_muscle_us._napari.panels import _roi_when as when

if TYPE_CHECKING:
    from collections.abc import Callable

    Rule = Callable[[when.Situation], str]

INNER_SHARE: Final = 0.7
_CHOSEN: Final = (when.image, when.some, when.usable)
_EDITABLE: Final = (*_CHOSEN, when.unlocked)
_AREAS: Final = (*_EDITABLE, when.areas)
_SEVERAL: Final = (*_CHOSEN, when.two, when.unlocked, when.areas)
_BOXES: Final = (*_EDITABLE, when.boxes)


@dataclass(frozen=True, slots=True)
class RoiAction:
    """One thing that can be done; without a text it is in no menu."""

    key: str
    text: str
    tip: str
    rules: tuple[Rule, ...]


ACTIONS: Final = (
    RoiAction("undo", "Undo", "Take the last change back", (when.can_undo,)),
    RoiAction("redo", "Redo", "Do again what was taken back", (when.can_redo,)),
    RoiAction("duplicate", "Duplicate", "Copy the selected ROIs", _CHOSEN),
    RoiAction(
        "delete",
        "Delete",
        "Delete the selected ROIs",
        (when.image, when.some, when.unlocked),
    ),
    RoiAction("lock", "Lock", "Protect the selected ROIs from any change", _CHOSEN),
    RoiAction("colour", "Colour", "Draw the selected ROIs in a colour", _EDITABLE),
    RoiAction("rename", "Rename", "Give the selected ROI another name", _EDITABLE),
    RoiAction(
        "above",
        "Move up",
        "Put the selected ROIs one row higher in the table",
        (*_CHOSEN, when.not_first),
    ),
    RoiAction(
        "below",
        "Move down",
        "Put the selected ROIs one row lower in the table",
        (*_CHOSEN, when.not_last),
    ),
    RoiAction("all", "Select all", "Select every ROI", (when.any_roi,)),
    RoiAction("none", "Select none", "Select no ROI", (when.any_roi,)),
    RoiAction(
        "measure",
        "Measure",
        "Add the selected ROIs to the results; all when none is selected",
        (when.image, when.any_roi),
    ),
    RoiAction(
        "mirror",
        "Mirror left–right",
        "Mirror the selected ROIs about the middle of the picture; the side changes",
        _EDITABLE,
    ),
    RoiAction(
        "grow",
        "Grow…",
        "Move the outline outwards by the same distance everywhere",
        _AREAS,
    ),
    RoiAction(
        "shrink",
        "Shrink…",
        "Move the outline inwards by the same distance everywhere, off the fascia",
        _AREAS,
    ),
    RoiAction("union", "Unite", "Make one ROI of the selected ones", _SEVERAL),
    RoiAction(
        "subtract",
        "Subtract",
        "Cut the other selected ROIs out of the first one in the table",
        _SEVERAL,
    ),
    RoiAction(
        "intersect", "Intersect", "Keep what all selected ROIs have in common", _SEVERAL
    ),
    RoiAction(
        "simplify",
        "Simplify…",
        "Leave out the corners that the outline does not need",
        _AREAS,
    ),
    RoiAction(
        "snap", "Snap to edges…", "Move the outline onto the nearest edges", _AREAS
    ),
    RoiAction(
        "inner",
        "Clip to inner 70 %",
        "Cut off what lies in the outer parts of the field, where echoes are weaker",
        _AREAS,
    ),
    RoiAction(
        "every_frame",
        "On all frames",
        "Let the selected ROIs lie here on every frame of the clip",
        (*_EDITABLE, when.clip),
    ),
    RoiAction(
        "one_frame",
        "Only on this frame",
        "Let the selected ROIs belong to the shown frame alone",
        (*_EDITABLE, when.clip),
    ),
    RoiAction(
        "keyframe",
        "Keyframe here",
        "Note where the ROI lies on this frame; between such frames it moves along",
        (*_EDITABLE, when.clip),
    ),
    RoiAction(
        "no_keyframe",
        "Remove keyframe",
        "Forget where the ROI lies on this frame",
        (*_EDITABLE, when.clip, when.keyed),
    ),
    RoiAction(
        "copy",
        "Copy to other images…",
        "Put copies of the selected ROIs on other images",
        (*_CHOSEN, when.targets),
    ),
    RoiAction(
        "load",
        "Load ROIs…",
        "Add the ROIs of ImageJ files (roi, zip)",
        (when.image,),
    ),
    RoiAction(
        "save",
        "Save ROIs…",
        "Write all ROIs of the image to a file that ImageJ opens",
        (when.image, when.savable),
    ),
    RoiAction(
        "new_layer",
        "New ROI layer",
        "Begin another set of ROIs on the same image",
        (when.image,),
    ),
    RoiAction("keep", "", "Keep the outline being drawn", (when.image,)),
    RoiAction("left", "", "Move the selected ROIs 1 px to the left", ()),
    RoiAction("right", "", "Move the selected ROIs 1 px to the right", ()),
    RoiAction("up", "", "Move the selected ROIs 1 px up", ()),
    RoiAction("down", "", "Move the selected ROIs 1 px down", ()),
    RoiAction("wider", "", "Make a rectangle or ellipse 1 px wider", _BOXES),
    RoiAction("narrower", "", "Make a rectangle or ellipse 1 px narrower", _BOXES),
    RoiAction("higher", "", "Make a rectangle or ellipse 1 px higher", _BOXES),
    RoiAction("lower", "", "Make a rectangle or ellipse 1 px lower", _BOXES),
    RoiAction("previous", "", "Show the frame before", (when.clip,)),
    RoiAction("next", "", "Show the frame after", (when.clip,)),
)
BY_KEY: Final = {action.key: action for action in ACTIONS}
