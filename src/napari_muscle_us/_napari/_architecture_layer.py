"""The lines of a muscle's architecture on layers of their own, never taken for ROIs.

One layer holds what the user draws and corrects, another the construction upon it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from napari.layers import Image, Shapes

from napari_muscle_us._napari._architecture_paths import (
    COLOUR,
    COLUMNS,
    EDGE_WIDTH,
    LABEL,
    ROLE,
    defaults_of,
    show_paths,
)
from napari_muscle_us._napari._facts import METADATA_KEY
from napari_muscle_us._napari._layers import (
    follow_image,
    image_of,
    spatial_kwargs_of,
    tie,
)
from napari_muscle_us._napari._map_layers import same_place
from napari_muscle_us._napari._shapes import pixel_transform
from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt
    from napari.components import ViewerModel

    Float = npt.NDArray[np.float64]

Role = Literal["superficial", "deep", "fascicle"]
Kind = Literal["lines", "construction"]

ROLES: Final[tuple[Role, ...]] = ("superficial", "deep", "fascicle")
COLOURS: Final[dict[str, str]] = {
    "superficial": "#40c4ff",
    "deep": "#ff9e40",
    "fascicle": "#76ff03",
}
TOOL: Final = "add_polyline"
_KIND: Final = "architecture"
_OF: Final = "of"
_TEXT_SIZE: Final = 10
_LINES: Final = ("path", "line")


@dataclass(frozen=True, slots=True, eq=False)
class DrawnLines:
    """Lines of one frame; rows and columns in pixels of the image.

    Of several lines drawn as the same aponeurosis it is the newest.
    """

    superficial: Float | None = None
    deep: Float | None = None
    fascicles: tuple[Float, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing is drawn."""
        return self.superficial is None and self.deep is None and not self.fascicles

    def by_role(self) -> list[tuple[Role, Float]]:
        """Return all lines with what they are."""
        found: list[tuple[Role, Float]] = []
        if self.superficial is not None:
            found.append(("superficial", self.superficial))
        if self.deep is not None:
            found.append(("deep", self.deep))
        return found + [("fascicle", line) for line in self.fascicles]


def is_architecture(layer: object) -> bool:
    """Whether a layer holds lines of architecture, so no regions of interest."""
    return _kind(layer) is not None


def _kind(layer: object) -> Any:
    facts = layer.metadata.get(METADATA_KEY) if isinstance(layer, Shapes) else None
    return facts.get(_KIND) if isinstance(facts, dict) else None


def lies_on(layer: Shapes, image_layer: Image) -> bool:
    """Whether lines were drawn on the picture that an image layer shows."""
    try:
        wanted = tie(image_of(image_layer))
    except MuscleUSError:
        return False
    return bool(layer.metadata[METADATA_KEY].get(_OF) == wanted)


def find_layer(viewer: ViewerModel, image_layer: Image, kind: Kind) -> Shapes | None:
    """Return the layer of lines, or of their construction, on an image."""
    of_kind = (x for x in viewer.layers if _kind(x) == kind)
    return next((x for x in of_kind if lies_on(x, image_layer)), None)


def orphans(viewer: ViewerModel) -> list[Shapes]:
    """Return constructions whose lines or image are gone.

    Nothing would make them follow any more, so that their numbers must not stay.
    """
    drawn = [
        x.metadata[METADATA_KEY][_OF] for x in viewer.layers if _kind(x) == "lines"
    ]
    pictures = [x for x in viewer.layers if isinstance(x, Image)]
    return [
        layer
        for layer in viewer.layers
        if _kind(layer) == "construction"
        and not (
            layer.metadata[METADATA_KEY][_OF] in drawn
            and any(lies_on(layer, picture) for picture in pictures)
        )
    ]


def add_layer(viewer: ViewerModel, image_layer: Image, kind: Kind) -> Shapes:
    """Add an empty layer on an image, without making it the active one."""
    import pandas as pd

    of = tie(image_of(image_layer))
    above = "Architecture" if kind == "lines" else "Construction"
    none = pd.Series([], dtype=str)
    active = viewer.layers.selection.active
    layer = Shapes(
        name=f"{above} of {image_layer.name}",
        ndim=2,
        features=pd.DataFrame(dict.fromkeys(COLUMNS, none)),
        feature_defaults=_row_of("fascicle"),
        text={
            "string": f"{{{LABEL}}}",
            "color": {"feature": COLOUR},
            "size": _TEXT_SIZE,
            "anchor": "upper_left" if kind == "lines" else "center",
        },
        edge_color=COLOURS["fascicle"],
        face_color="transparent",
        edge_width=EDGE_WIDTH,
        opacity=1.0,
        # Not tied as regions are, so that nothing measures or keeps it as such.
        metadata={METADATA_KEY: {_KIND: kind, _OF: of}},
        **spatial_kwargs_of(image_layer),
    )
    place = len(viewer.layers)
    lines = find_layer(viewer, image_layer, "lines")
    if kind == "construction" and lines is not None:
        # Below the lines, so that it is never in the way of a click.
        place = viewer.layers.index(lines)
    viewer.layers.insert(place, layer)
    if kind == "construction":
        layer.editable = False
    if active is not None:
        viewer.layers.selection.active = active
    return layer


def place_on(layer: Shapes, image_layer: Image) -> None:
    """Keep a layer on its image after the image's scale was set by hand."""
    place = spatial_kwargs_of(image_layer)
    if not same_place({name: getattr(layer, name) for name in place}, place):
        follow_image(layer, image_layer)


def read_lines(
    layer: Shapes, image_layer: Image, *, unfinished: bool = False
) -> DrawnLines:
    """Return the lines of a layer.

    Parameters
    ----------
    layer : Shapes
        Layer of lines.
    image_layer : Image
        The image that they lie on.
    unfinished : bool, default: False
        Whether the last one is still being drawn, and does not count.
    """
    roles = layer.features[ROLE].fillna("").astype(str).tolist()
    shapes = list(zip(roles, layer.data, layer.shape_type, strict=False))
    if unfinished:
        shapes = shapes[:-1]
    matrix, offset = pixel_transform(layer, image_layer)
    found: dict[str, list[Float]] = {role: [] for role in ROLES}
    for role, vertices, kind in shapes:
        if role in found and str(kind) in _LINES:
            points = np.asarray(vertices, np.float64)[:, -2:]
            found[role].append(points @ matrix.T + offset)
    return DrawnLines(
        next(reversed(found["superficial"]), None),
        next(reversed(found["deep"]), None),
        tuple(found["fascicle"]),
    )


def write_lines(layer: Shapes, image_layer: Image, lines: DrawnLines) -> None:
    """Make a layer show these lines and nothing else."""
    matrix, offset = pixel_transform(layer, image_layer)
    inverse = np.linalg.inv(matrix)
    known = lines.by_role()
    vertices = [(line - offset) @ inverse.T for _, line in known]
    roles = [role for role, _ in known]
    show_paths(
        layer, vertices, [COLOURS[r] for r in roles], _labels(roles), roles=roles
    )


def _row_of(role: Role) -> dict[str, str]:
    return {ROLE: role, LABEL: role, COLOUR: COLOURS[role]}


def _labels(roles: Sequence[str]) -> list[str]:
    """Return what is written beside lines; fascicles are counted."""
    labels, number = [], 0
    for role in roles:
        number += role == "fascicle"
        labels.append(role + (f" {number}" if role == "fascicle" else ""))
    return labels


def begin_line(viewer: ViewerModel, layer: Shapes, role: Role) -> None:
    """Let the next clicks on the picture draw a line."""
    layer.visible = True
    viewer.layers.selection.active = layer
    # Otherwise the new colour would be given to lines that are selected.
    layer.selected_data = set()
    layer.feature_defaults = _row_of(role)
    layer.current_edge_color = COLOURS[role]
    layer.current_edge_width = EDGE_WIDTH
    layer.mode = TOOL


def mend_rows(layer: Shapes, changed: tuple[int, ...] = ()) -> bool:
    """Forget the row of a line that napari took away without it; tell if there was one.

    That is a line with too few points, at the end of drawing, or one whose last but
    two points were taken away; later lines would have another one's meaning.
    """
    table = layer.features
    if len(table) != len(layer.data) + 1:
        return False
    gone = changed[0] if len(changed) == 1 and changed[0] >= 0 else len(table) - 1
    defaults = defaults_of(layer)
    layer.features = table.drop(index=table.index[gone]).reset_index(drop=True)
    layer.feature_defaults = defaults
    return True
