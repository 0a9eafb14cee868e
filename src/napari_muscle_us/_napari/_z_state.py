"""What a Z-score needs besides the region: the person, the set, the device question."""

from __future__ import annotations

from psygnal import Signal

from napari_muscle_us.reference.load import DEFAULT_SET
from napari_muscle_us.reference.subject import Subject
from napari_muscle_us.z_request import ZScoreRequest


class ZScoreState:
    """The part of a session that Z-scores are asked with."""

    subject_changed = Signal()
    """Age, sex, height …, reference set, device question or conversion."""

    def __init__(self) -> None:
        self.subject = Subject()
        self.reference = DEFAULT_SET
        self.accept_device = False
        self.conversion = ""

    def set_subject(
        self,
        subject: Subject,
        reference: str,
        *,
        accept_device: bool,
        conversion: str | None = None,
    ) -> None:
        """Set what a Z-score needs besides the region; ``""`` ends a conversion."""
        conversion = self.conversion if conversion is None else conversion
        new = (subject, reference, accept_device, conversion)
        old = (self.subject, self.reference, self.accept_device, self.conversion)
        if new != old:
            self.subject, self.reference, self.accept_device, self.conversion = new
            self.subject_changed.emit()

    def z_score_request(self, *, note_problems: bool = False) -> ZScoreRequest:
        """Return what a Z-score is asked for now."""
        return ZScoreRequest(
            self.reference,
            self.subject,
            accept_device=self.accept_device,
            note_problems=note_problems,
            conversion=self.conversion or None,
        )
