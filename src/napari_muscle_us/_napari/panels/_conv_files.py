"""Conversions as files, and which one the Z-scores use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from napari_muscle_us._napari.panels._widgets import ask_save_path
from napari_muscle_us.errors import ReferenceSetError

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

    from napari_muscle_us._napari._session import Session
    from napari_muscle_us.reference.conversion.device_conversion import DeviceConversion
    from napari_muscle_us.reference.parts import DeviceBinding

_FILES: Final = "Device conversion (*.json)"


class ConversionFiles:
    """Writes conversions, remembers where, and gives them to the session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._saved: list[tuple[DeviceConversion, Path]] = []

    def save(self, conversion: DeviceConversion, path: str | Path) -> Path:
        """Write a conversion.

        Raises
        ------
        ResultsError
            If the file cannot be written, or is of another kind.
        """
        from napari_muscle_us.reference.conversion.conversion_file import (
            write_conversion,
        )

        path = Path(path)
        if path.suffix.lower() != ".json":
            path = path.with_name(f"{path.name}.json")
        write_conversion(path, conversion)
        self._saved = [told for told in self._saved if told[1] != path]
        self._saved.append((conversion, path))
        if self._session.conversion == str(path):
            # The file that Z-scores use is another conversion now.
            self._set("")
            self._set(str(path))
        return path

    def path_of(self, conversion: DeviceConversion) -> Path | None:
        """Return where a conversion was written as it is, if it was."""
        for known, path in self._saved:
            if known == conversion and path.exists():
                return path
        return None

    def use(self, conversion: DeviceConversion, path: str | Path | None) -> Path:
        """Let Z-scores use a conversion, which is written first.

        Raises
        ------
        MuscleUSError
            If there is no path, or the file cannot be written.
        """
        path = path or self.path_of(conversion)
        if path is None:
            raise ReferenceSetError("The conversion is not saved yet; save it.")
        path = self.save(conversion, path)
        self._set(str(path))
        return path

    def stop_using(self) -> None:
        """Let Z-scores compare with the reference set directly."""
        self._set("")

    def _set(self, conversion: str) -> None:
        session = self._session
        session.set_subject(
            session.subject,
            session.reference,
            accept_device=session.accept_device,
            conversion=conversion,
        )

    def leading(self, conversion: DeviceConversion) -> DeviceConversion:
        """Return the direction that leads to the reference set of the Z-scores.

        Raises
        ------
        ReferenceSetError
            If neither does.
        """
        from napari_muscle_us.reference.device_rules import same_binding

        wanted = self.reference_device()
        for one in (conversion, conversion.inverse()):
            if same_binding(one.target, wanted):
                return one
        raise ReferenceSetError(
            f"The conversion is between {conversion.source} and {conversion.target}, "
            f"the reference set of the Z-scores is of {wanted}; fill in that scanner "
            "as the reference set names it, or choose another set in the panel Z-score."
        )

    def reference_device(self) -> DeviceBinding:
        """Return the scanner of the reference set of the Z-scores.

        Raises
        ------
        ReferenceSetError
            If the set cannot be read.
        """
        from napari_muscle_us.reference.load import load_reference

        return load_reference(self._session.reference).device


def ask_path(parent: QWidget, conversion: DeviceConversion) -> str:
    """Ask where to write a conversion; empty when the user cancelled."""
    return ask_save_path(parent, "Save conversion", f"{conversion.name}.json", _FILES)
