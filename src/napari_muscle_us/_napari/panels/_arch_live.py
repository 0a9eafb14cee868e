"""The architecture of the image in hand: measured anew while its lines are dragged.

It belongs to the viewer and not to a panel, for it is on the screen also while the
panel is not: a construction that no longer fits the lines must not stay there.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_muscle_us._napari import _architecture_layer as bridge
from napari_muscle_us._napari._architecture_layer import DrawnLines
from napari_muscle_us._napari._architecture_paths import show_construction
from napari_muscle_us._napari._pairs import is_measurable
from napari_muscle_us._napari.panels._arch_drawing import construction_parts
from napari_muscle_us._napari.panels._arch_lines import WatchedLines
from napari_muscle_us._napari.panels._arch_work import Outcome, measure_lines
from napari_muscle_us.errors import MuscleUSError

if TYPE_CHECKING:
    import numpy.typing as npt
    from napari.components import ViewerModel
    from napari.layers import Image

    from napari_muscle_us._napari._architecture_layer import Role
    from napari_muscle_us._napari._session import Session

    Float = npt.NDArray[np.float64]

_SAME_PX: Final = 1e-2
"""Shapes keep single precision; nobody moves a point by less."""

_of_session: weakref.WeakKeyDictionary[Session, LiveArchitecture] = (
    weakref.WeakKeyDictionary()
)


def live_architecture_of(session: Session) -> LiveArchitecture:
    """Return the one architecture of a viewer."""
    if session not in _of_session:
        _of_session[session] = LiveArchitecture(session)
    return _of_session[session]


class LiveArchitecture(QObject):
    """Keeps construction and numbers in step with the lines of the current image."""

    changed = Signal()
    """The lines or their numbers are others."""
    place_changed = Signal()
    """Another image or frame is shown."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = weakref.ref(session)
        self.image_layer: Image | None = None
        self.outcome = Outcome(DrawnLines())
        self._told: list[tuple[Float, str]] = []
        self._frame = session.frame
        self._drawn = WatchedLines(self)
        self._drawn.moved.connect(self.recompute)
        session.layers_changed.connect(self._on_image)
        session.frame_changed.connect(self._on_frame)
        session.viewer.layers.events.removed.connect(self._on_removed)
        self._on_image()

    @property
    def awaits_line(self) -> bool:
        """Whether the next clicks draw a line, or one is being drawn."""
        return self._drawn.awaits_line

    def draw(self, role: Role) -> None:
        """Let the next clicks on the picture draw a line.

        Raises
        ------
        MuscleUSError
            If no image is open.
        """
        self._drawn.begin(self._ready(), role)

    def put(
        self,
        *,
        superficial: Float | None = None,
        deep: Float | None = None,
        fascicle: Float | None = None,
        note: str = "",
    ) -> None:
        """Put lines on the frame that is shown; an aponeurosis replaces the former.

        The note goes with the lines until they are moved.

        Raises
        ------
        MuscleUSError
            If no image is open.
        """
        self._show_lines(self._ready())
        now = self._drawn.value()
        given = DrawnLines(superficial, deep, () if fascicle is None else (fascicle,))
        self._drawn.set_value(
            DrawnLines(
                now.superficial if superficial is None else superficial,
                now.deep if deep is None else deep,
                now.fascicles + given.fascicles,
            ),
            [role for role, _ in given.by_role()],
        )
        self._told += [(line, note) for _, line in given.by_role() if note]
        self.recompute()

    def _show_lines(self, viewer: ViewerModel) -> None:
        layer = self._drawn.layer
        if layer is not None:
            # First: showing a layer takes its tool away.
            layer.visible = True
            viewer.layers.selection.active = layer

    def clear(self) -> None:
        """Take all lines of the frame that is shown away."""
        self._drawn.set_value(DrawnLines())
        self.recompute()

    def note(self) -> str:
        """Return what is to be known of lines that were found and not moved since."""
        here = [line for _, line in self.outcome.lines.by_role()]
        said = [n for known, n in self._told if any(_same(known, x) for x in here)]
        return "; ".join(dict.fromkeys(said))

    def recompute(self) -> None:
        """Measure the lines as they are now, and draw how."""
        session = self._session()
        if session is None or not session.is_open:
            return
        try:
            spacing = session.image().spacing_mm
        except MuscleUSError:
            spacing = None
        self.outcome = measure_lines(self._drawn.value(), spacing)
        if self.image_layer is not None:
            self._draw_construction(session.viewer, self.image_layer)
        self.changed.emit()

    def _draw_construction(self, viewer: ViewerModel, image_layer: Image) -> None:
        found = self.outcome
        layer = bridge.find_layer(viewer, image_layer, "construction")
        parts = construction_parts(found)
        if layer is None and not parts:
            return
        if layer is None:
            layer = bridge.add_layer(viewer, image_layer, "construction")
        show_construction(
            layer,
            [part.vertices for part in parts],
            [part.colour for part in parts],
            [part.label for part in parts],
        )
        # napari makes it editable again after a look in 3-D.
        layer.editable = False

    def _ready(self) -> ViewerModel:
        """Return the viewer; make a layer of lines if there is none."""
        session = self._session()
        if session is None:
            raise MuscleUSError("The viewer was closed; open a new one.")
        session.image()
        if self._drawn.layer is None and self.image_layer is not None:
            layer = bridge.add_layer(session.viewer, self.image_layer, "lines")
            self._drawn.bind(layer, self.image_layer)
            self._drawn.show_frame(self._frame)
        return session.viewer

    def _on_image(self) -> None:
        session = self._session()
        if session is None or not session.is_open:
            return
        layer = session.image_layer
        image = layer if layer is not None and is_measurable(layer) else None
        other = image is not self.image_layer or session.frame != self._frame
        self.image_layer, self._frame = image, session.frame
        lines = None
        if image is not None:
            lines = bridge.find_layer(session.viewer, image, "lines")
            construction = bridge.find_layer(session.viewer, image, "construction")
            for above in (lines, construction):
                if above is not None:
                    bridge.place_on(above, image)
        self._drawn.bind(lines, image)
        self._drawn.show_frame(self._frame)
        if other:
            self.place_changed.emit()
        self.recompute()

    def _on_frame(self) -> None:
        self._on_image()

    def _on_removed(self, event: Any) -> None:
        session = self._session()
        if session is None:
            return
        if event.value is self._drawn.layer:
            self._drawn.bind(None, self.image_layer)
            self.recompute()
        for left in bridge.orphans(session.viewer):
            session.viewer.layers.remove(left)


def _same(one: Float, other: Float) -> bool:
    return one.shape == other.shape and bool(np.allclose(one, other, atol=_SAME_PX))
