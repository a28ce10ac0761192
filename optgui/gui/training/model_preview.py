"""Below the model its number of parameters, below the optimizer which of them it steps."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from optgui.core.optimizers import OptimizerConfig
from optgui.core.params import Config, EntryConfig
from optgui.core.training.config import TrainingConfig
from optgui.core.training.groups import stated
from optgui.core.training.models import ModelConfig
from optgui.core.training.race import RaceConfig
from optgui.gui.form.param_form import Preview
from optgui.gui.form.widgets import Remark


class _Words(Preview):
    """A preview that is a sentence."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._label = Remark()
        layout.addWidget(self._label)

    @property
    def words(self) -> str:
        """What is said."""
        return self._label.text()

    def say(self, words: str) -> None:
        """Say it to eyes and screen readers."""
        if words != self.words:
            self._label.setText(words)
            self.setAccessibleName(words)


class ModelPreview(_Words):
    """How many numbers a network learns."""

    def shows(self, entry: EntryConfig) -> bool:
        return True

    def show_entry(self, entry: EntryConfig, config: Config) -> None:
        assert isinstance(entry, ModelConfig)
        self.say(f"{entry.parameter_count:,} parameters")


class OptimizerPreview(_Words):
    """Which weights Muon steps and which it leaves to AdamW; of others there is nothing to say."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model: ModelConfig | None = None

    def shows(self, entry: EntryConfig) -> bool:
        return entry.name == "Muon"

    def show_entry(self, entry: EntryConfig, config: Config) -> None:
        assert isinstance(entry, OptimizerConfig)
        assert isinstance(config, TrainingConfig | RaceConfig)
        if entry.name == "Muon" and config.model != self._model:
            self._model = config.model
            self.say(stated(entry, config.model))
