"""The list of texture presets: the program's, those of papers, and one's own."""

from __future__ import annotations

from textwrap import shorten
from typing import TYPE_CHECKING, Final

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QMessageBox,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_muscle_us._napari.panels._widgets import MessageLabel, report, tell
from napari_muscle_us.measure.texture.families import features_of
from napari_muscle_us.measure.texture.presets import (
    DEFAULT_PRESET,
    TexturePreset,
    list_presets,
    preset_problems,
    save_preset,
)

if TYPE_CHECKING:
    from napari_muscle_us.measure.texture.settings import TextureSettings

_SHORT: Final = QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon
_TIP: Final = Qt.ItemDataRole.ToolTipRole
_LETTERS: Final = 160
_ASK: Final = "Name of the preset:"


class PresetRow(QWidget):
    """Chooses a preset; says when the settings in hand are not those of it."""

    preset_chosen = Signal()
    save_wanted = Signal(str)
    """A name that the settings in hand are to be kept under."""

    def __init__(self) -> None:
        super().__init__()
        self.combo = QComboBox()
        self.combo.setSizeAdjustPolicy(_SHORT)
        self.combo.setMinimumContentsLength(14)
        self.combo.setToolTip(
            "Settings under a name: the program's own choice, those of papers on "
            "muscle ultrasound, and yours."
        )
        self._changed = QLabel("Changed")
        self._back = QToolButton()
        self._back.setText("↺")
        self._back.setToolTip("Go back to the settings of the preset.")
        self._save = QPushButton("Save preset…")
        self._save.setToolTip("Keep the settings as they are now under a name.")
        self._about = MessageLabel()
        self._more = QPushButton("About this preset")
        self._more.setCheckable(True)
        self._more.setToolTip(
            "What the paper tells of its settings, what it does not, and what is not "
            "the same here."
        )
        self._note = MessageLabel()
        self._presets: list[TexturePreset] = []
        row = QHBoxLayout()
        row.addWidget(self._changed)
        row.addWidget(self._back)
        row.addStretch(1)
        row.addWidget(self._more)
        row.addWidget(self._save)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addWidget(self.combo)
        layout.addLayout(row)
        layout.addWidget(self._about)
        layout.addWidget(self._note)
        self.combo.activated.connect(self._on_chosen)
        self._back.clicked.connect(self._on_chosen)
        self._save.clicked.connect(self._on_save)
        self._more.toggled.connect(self._show_about)
        self.fill(DEFAULT_PRESET)
        self.show_changed(changed=False)

    def value(self) -> TexturePreset | None:
        """Return the chosen preset."""
        number = self.combo.currentIndex()
        return self._presets[number] if 0 <= number < len(self._presets) else None

    def fill(self, name: str) -> None:
        """List the presets anew, with one of them chosen."""
        self._presets = list_presets()
        self.combo.clear()
        for number, preset in enumerate(self._presets):
            self.combo.addItem(preset.title)
            self.combo.setItemData(number, source_of(preset) or preset.note, _TIP)
        names = [preset.name for preset in self._presets]
        self.combo.setCurrentIndex(names.index(name) if name in names else -1)
        self._show_about()

    def choose(self, name: str) -> None:
        """Choose a preset by its name, as a user does."""
        names = [preset.name for preset in self._presets]
        self.combo.setCurrentIndex(names.index(name))
        self._on_chosen()

    def show_changed(self, *, changed: bool) -> None:
        """Say whether the settings in hand are others than the preset's."""
        self._changed.setVisible(changed)
        self._back.setVisible(changed)

    @property
    def is_changed(self) -> bool:
        """Whether it says so."""
        return not self._changed.isHidden()

    def save(self, name: str, settings: TextureSettings) -> None:
        """Keep settings under a name, and choose it.

        Raises
        ------
        MuscleUSError
            If the name is not possible, or the folder cannot be written to.
        """
        old = self.value()
        features = () if old is None else _features(old, settings)
        preset = TexturePreset(
            name=name, title=name, settings=settings, features=features
        )
        save_preset(preset)
        self.fill(name)
        self.preset_chosen.emit()

    def _on_chosen(self) -> None:
        self._show_about()
        self.preset_chosen.emit()

    def _show_about(self, *_: object) -> None:
        preset = self.value()
        source = "" if preset is None else source_of(preset)
        note = "" if preset is None else preset.note
        # A citation with what a paper leaves open fills half of a narrow dock.
        more = bool(source) and self._more.isChecked()
        self._about.show_message(
            source if more else shorten(source or note, _LETTERS, placeholder=" …"),
            warning=False,
        )
        self._about.setToolTip(source or note)
        self._more.setVisible(bool(source))
        said = [note] if more and note else []
        said += [f"⚠ {problem}" for problem in preset_problems()]
        self._note.show_message("\n".join(said), warning=False)

    def _on_save(self) -> None:
        text, ok = QInputDialog.getText(self, "Save preset", _ASK)
        name = text.strip()
        if ok and name and self._may_write(name):
            self.save_wanted.emit(name)

    def _may_write(self, name: str) -> bool:
        """Ask before a preset of the user is written over."""
        if name not in (one.name for one in list_presets() if not one.shipped):
            return True
        ask = f"You have a preset {name!r} already. Replace its settings?"
        answer = QMessageBox.question(self, "Save preset", ask)
        return answer == QMessageBox.StandardButton.Yes


def _features(old: TexturePreset, settings: TextureSettings) -> tuple[str, ...]:
    """Return the features to show: as before, and all of families that are new."""
    shown = {key.partition(".")[0] for key in old.features}
    if not shown:
        return ()
    kept = [key for key in old.features if key.partition(".")[0] in settings.families]
    for family in settings.families:
        if family not in shown:
            kept += [feature.key for feature in features_of(family)]
    return tuple(kept)


def source_of(preset: TexturePreset) -> str:
    """Return where a preset comes from, empty for one's own."""
    doi = f"doi:{preset.doi}" if preset.doi else ""
    return " ".join(filter(None, (preset.citation, doi)))


def same_settings(first: TextureSettings, second: TextureSettings) -> bool:
    """Tell whether two settings give the same values, whatever is not used."""
    if (first.families, _each(first)) != (second.families, _each(second)):
        return False
    return all(
        first.method(family, ()) == second.method(family, ())
        for family in first.families
    )


def _each(settings: TextureSettings) -> bool:
    return settings.each_direction


def keep_preset(row: PresetRow, name: str, settings: TextureSettings) -> None:
    """Save a preset; say where it went, or what stands against it."""
    if report(lambda: row.save(name, settings)):
        tell(f"Preset {name!r} saved")
