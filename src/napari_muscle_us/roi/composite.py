"""A region of several outlines: with holes, or in several pieces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_muscle_us.errors import RoiError
from napari_muscle_us.roi.checks import (
    MAX_VERTICES,
    check_labels,
    frozen_vertices,
    label_of,
)

if TYPE_CHECKING:
    import numpy.typing as npt


@dataclass(frozen=True, slots=True, eq=False)
class Composite:
    """Several closed outlines: what lies in an odd number of them is inside.

    ImageJ calls it a *composite selection*. A hole is an outline within another.

    Parameters
    ----------
    parts : sequence of array_like, each of shape (n, 2)
        Outlines of vertices ``(row, column)`` in px, at least one, not closed.
    name, muscle, side : str
        Labels, as for `napari_muscle_us.Polygon`.

    Raises
    ------
    RoiError
        If there is no outline, or one has fewer than three vertices or a number that
        is no place.

    Examples
    --------
    A square of 10 px with a hole of 4 px:

    >>> outer = [(0, 0), (0, 10), (10, 10), (10, 0)]
    >>> hole = [(3, 3), (3, 7), (7, 7), (7, 3)]
    >>> Composite([outer, hole]).area_px
    84.0
    """

    parts: tuple[npt.NDArray[np.float64], ...]
    name: str = ""
    muscle: str = ""
    side: str = ""

    def __post_init__(self) -> None:
        """Freeze and check the outlines."""
        if not isinstance(self.parts, list | tuple) or not self.parts:
            raise RoiError(
                f"{label_of(self.name)} is composed of no outline; draw one."
            )
        parts = tuple(frozen_vertices(self.name, p, least=3) for p in self.parts)
        if sum(map(len, parts)) > MAX_VERTICES:
            raise RoiError(
                f"{label_of(self.name)} has more than {MAX_VERTICES} vertices; "
                "simplify its outlines."
            )
        check_labels(self.name, self.side)
        object.__setattr__(self, "parts", parts)

    def outline(self) -> npt.NDArray[np.float64]:
        """Return the vertices of all outlines, one after the other, shape (n, 2)."""
        return np.vstack(self.parts)

    @property
    def area_px(self) -> float:
        """Area in px² of what lies in an odd number of the outlines."""
        from napari_muscle_us.roi.boolean import even_odd_area

        return even_odd_area(self.parts)
