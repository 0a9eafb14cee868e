"""Two scanners: from paired values to a conversion that Z-scores can use."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qtpy.QtWidgets import QCheckBox, QScrollArea, QVBoxLayout, QWidget

from napari_muscle_us._napari.panels._background_job import BackgroundJob
from napari_muscle_us._napari.panels._conv_devices import DevicePair
from napari_muscle_us._napari.panels._conv_file import FileBox
from napari_muscle_us._napari.panels._conv_files import ConversionFiles, ask_path
from napari_muscle_us._napari.panels._conv_line import LineBox
from napari_muscle_us._napari.panels._conv_result import CheckBox, ResultLabel
from napari_muscle_us._napari.panels._conv_source import PHANTOM, TWO, SourceBox
from napari_muscle_us._napari.panels._conv_work import (
    PREVIEW_LABELS,
    FitRequest,
    Fitted,
    Phantom,
    ShownConversion,
    fit_line,
    preview_bindings,
)
from napari_muscle_us._napari.panels._plot import PlotHolder
from napari_muscle_us._napari.panels._widgets import (
    MessageLabel,
    Section,
    tell,
    tell_saved,
)
from napari_muscle_us.errors import MuscleUSError, ReferenceSetError

if TYPE_CHECKING:
    from collections.abc import Callable

    from napari_muscle_us._napari._session import Session
    from napari_muscle_us.reference.conversion.device_conversion import DeviceConversion


class TwoScannersTab(QWidget):
    """Fits a conversion, shows it, writes it, and gives it to the Z-scores."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._made: Fitted | Phantom | None = None
        self._shown: DeviceConversion | None = None
        self.files = ConversionFiles(session)
        self.source = SourceBox()
        self.devices = DevicePair()
        self.line = LineBox()
        self.result = ResultLabel()
        self.check = CheckBox()
        self.file = FileBox()
        self.plot = PlotHolder[Any](_make_plot)
        self._converted = QCheckBox("Differences after the conversion")
        self._converted.setChecked(True)
        self._converted.setToolTip("Untick it to see how far the scanners differ now.")
        self.message = MessageLabel()
        self.job = BackgroundJob(self)
        self._lay_out()
        self._connect()
        self._show()

    def _lay_out(self) -> None:
        page = QWidget()
        inside = QVBoxLayout(page)
        inside.setContentsMargins(0, 0, 6, 0)
        self._result_box = Section(
            "Result", self.result, self.check, self._converted, self.plot
        )
        self._file_box = Section("File", self.file)
        for box in (
            Section("Values", self.source),
            Section("Scanners", self.devices),
            Section("Line", self.line),
            self._result_box,
            self._file_box,
        ):
            inside.addWidget(box)
        inside.addStretch()
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QScrollArea.Shape.NoFrame)
        area.setWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 0)
        layout.addWidget(area, 1)
        layout.addWidget(self.message)

    def _connect(self) -> None:
        self.source.devices_found.connect(self.devices.offer_names)
        self.source.changed.connect(self._forget)
        self.source.refused.connect(self.message.show_message)
        self.devices.names_changed.connect(self._forget)
        self.devices.swapped.connect(self._on_swapped)
        self.devices.fill_requested.connect(self._on_fill)
        self.line.changed.connect(self._forget)
        self.line.fit_requested.connect(self._on_fit)
        self.line.cancel_requested.connect(self._on_cancel)
        self._converted.toggled.connect(self._draw)
        self.job.progressed.connect(self.line.show_progress)
        self.job.running_changed.connect(self.line.set_running)
        self.job.finished.connect(self._on_fitted)
        self.file.save_requested.connect(self._on_save)
        self.file.save_inverse_requested.connect(self._on_save_inverse)
        self.file.use_requested.connect(self._on_use)
        self.file.stop_requested.connect(self.stop_using)

    def refresh(self) -> None:
        """Show which conversion the Z-scores use."""
        path = self._session.conversion
        self.file.show_used(Path(path).name if path else "")

    def value(self) -> Fitted | Phantom | None:
        """Return what a conversion can be made from, ``None`` before a fit."""
        return self._made

    def fit(self) -> None:
        """Find the line; of a phantom at once, of people in the background.

        Raises
        ------
        ReferenceSetError
            If a table, scanner or number is missing or cannot be used.
        """
        self._forget()
        if self.source.kind == PHANTOM:
            made = self.source.phantom.value()
            names = self.devices.names()
            if not all(names) or names[0].casefold() == names[1].casefold():
                raise ReferenceSetError(
                    "Two scanners are needed; type their names under Scanners."
                )
            self._show_made(made)
            return
        self.job.start(fit_line, self._request())

    def _request(self) -> FitRequest:
        first, second = self.source.tables()
        if first is None or (self.source.kind == TWO and second is None):
            raise ReferenceSetError("No table is open; open it under Values.")
        return FitRequest(
            first,
            second,
            self.source.column,
            self.devices.names(),
            self.source.measure,
            self.line.method,
            self.line.ratio(),
        )

    def conversion(self) -> DeviceConversion:
        """Return the conversion with its scanners and labels.

        Raises
        ------
        ReferenceSetError
            If there is no line yet, or a detail is missing.
        """
        if self._made is None:
            raise ReferenceSetError("There is no line yet; press Fit.")
        source, target = self.devices.binding(0), self.devices.binding(1)
        return self._made.conversion(source, target, self.file.labels())

    def save(self, path: str | Path, *, inverse: bool = False) -> Path:
        """Write the conversion, or its inverse.

        Raises
        ------
        MuscleUSError
            If a detail is missing, or the file cannot be written.
        """
        made = self.conversion()
        return self.files.save(made.inverse() if inverse else made, path)

    def use(self, path: str | Path | None = None) -> Path:
        """Let Z-scores use the conversion in the direction of their reference set.

        Without a path the file is used that holds it as it is now.

        Raises
        ------
        MuscleUSError
            If neither direction leads to the scanner of the reference set, a detail
            is missing, or the file cannot be written.
        """
        made = self.files.leading(self.conversion())
        used = self.files.use(made, path)
        self.refresh()
        return used

    def stop_using(self) -> None:
        """Let Z-scores compare with the reference set directly again."""
        self.files.stop_using()
        self.refresh()

    def _on_fit(self) -> None:
        self._try(self.fit)

    def _on_cancel(self) -> None:
        self.job.cancel()
        self.message.show_message("The fit was cancelled.", warning=False)

    def _on_fitted(self, outcome: Fitted | MuscleUSError | None) -> None:
        if isinstance(outcome, MuscleUSError):
            self.message.show_message(str(outcome))
        elif outcome is not None:
            self._try(partial(self._show_made, outcome))

    def _on_swapped(self) -> None:
        again = self._made is not None
        self.source.swap()
        self._forget()
        if again:
            self._on_fit()

    def _on_fill(self, end: int, what: str) -> None:
        def fill() -> None:
            if what == "reference":
                self.devices.set_binding(end, self.files.reference_device())
            else:
                self.devices.set_device(end, self._session.clip.device)

        self._try(fill)

    def _on_save(self) -> None:
        self._try(self._save)

    def _on_save_inverse(self) -> None:
        self._try(partial(self._save, inverse=True))

    def _save(self, *, inverse: bool = False) -> None:
        made = self.conversion()
        made = made.inverse() if inverse else made
        if path := ask_path(self, made):
            tell_saved(self.files.save(made, path))

    def _on_use(self) -> None:
        self._try(self._use)

    def _use(self) -> None:
        made = self.files.leading(self.conversion())
        path = self.files.path_of(made) or ask_path(self, made)
        if path:
            self.use(path)
            tell(f"Z-scores now carry {made.source} over to {made.target}")

    def _try(self, work: Callable[[], None]) -> None:
        """Run what the user asked for; show our own errors in the panel."""
        self.message.show_message("")
        try:
            work()
        except MuscleUSError as error:
            self.message.show_message(str(error))

    def _show_made(self, made: Fitted | Phantom) -> None:
        names = self.devices.names()
        shown = made.conversion(*preview_bindings(names), PREVIEW_LABELS)
        self._made, self._shown = made, shown
        self.file.suggest(names)
        self._show()

    def _forget(self) -> None:
        """Take a result away that is no longer of what is chosen above."""
        self.job.cancel()
        self._made = self._shown = None
        self.message.show_message("")
        self.line.set_phantom(self.source.kind == PHANTOM)
        self._show()

    def _show(self) -> None:
        made, shown, names = self._made, self._shown, self.devices.names()
        self._result_box.setVisible(made is not None)
        self._file_box.setEnabled(made is not None)
        if made is not None and shown is not None:
            self.result.show_result(names, shown, made)
            self.check.set_conversion(shown, names)
            self._converted.setVisible(isinstance(made, Fitted))
        self._draw()

    def _draw(self) -> None:
        if self._made is None or self._shown is None:
            self.plot.set_value(None)
            return
        names, converted = self.devices.names(), self._converted.isChecked()
        self.plot.set_value(ShownConversion(names, self._made, self._shown, converted))


def _make_plot() -> QWidget:
    from napari_muscle_us._napari.panels._conv_plot import ConversionPlot

    return ConversionPlot()
