"""NetworkChoice: which network is attacked, from the training tab, the shelf or a file."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from optgui.core.snapshot import NetworkSnapshot
from optgui.core.training import DATASETS
from optgui.core.training.network_files import read_network
from optgui.gui.form.choices import ChoiceBox
from optgui.gui.form.widgets import group_title, small_button
from optgui.gui.networks import NetworkShelf

NEWEST = "Newest from training"
LIVE = ""  # the network of the training tab as it stands when the attack begins


class NetworkChoice(QWidget):
    """The networks of the shelf by name, the live one first; `chosen` says that a person took another."""

    chosen = Signal(str)  # id, or LIVE
    refused = Signal(str)  # a sentence

    def __init__(self, shelf: NetworkShelf, name: str, *, live: bool = True, title: str = "Network") -> None:
        super().__init__()
        self.shelf = shelf
        self._live = live
        self.box = ChoiceBox()
        self.box.setObjectName(name)
        self.box.setAccessibleName(title)
        self.box.setToolTip("The network to attack: the one in training, any that was kept, or a file")
        self.box.activated.connect(lambda _: self.chosen.emit(self.selected))
        self.open_button = small_button(
            "Open …", f"{name}.open", "Open the weights of a network (safetensors)"
        )
        self.open_button.clicked.connect(self._on_open)
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.box, 1)
        row.addWidget(self.open_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(group_title(title))
        layout.addLayout(row)
        self.box.setPlaceholderText("None yet")
        self._offered: list[tuple[str, str]] = []  # id, words
        shelf.added.connect(lambda _: self._refill())
        shelf.current_changed.connect(lambda _: self._refill())
        self._refill()

    @property
    def selected(self) -> str:
        """The id of a network, or LIVE; LIVE too where there is none."""
        return str(self.box.currentData() or LIVE)

    def select(self, identity: str) -> None:
        """Choose a network without a signal; nothing or LIVE where it is not on the shelf."""
        self._show(identity)

    def open_file(self, path: str) -> None:
        """Put the network of a weights file on the shelf and choose it."""
        try:
            snapshot = read_network(path)
            if snapshot.dataset not in DATASETS:
                expected = ", ".join(DATASETS)
                raise ValueError(
                    f"{Path(path).name}: expected one trained on {expected}, got {snapshot.dataset}"
                )
        except ValueError as error:
            self.refused.emit(str(error))
            return
        identity = self.shelf.pin(snapshot)
        self.select(identity)
        self.chosen.emit(identity)

    def _refill(self) -> None:
        """Offer what is there; an open list is left alone while it would say the same."""
        offered = [(LIVE, NEWEST)] if self._live else []
        offered += [(identity, words_of(self.shelf.about(identity))) for identity in reversed(self.shelf.ids)]
        if offered == self._offered:
            return
        self._offered, before = offered, self.box.currentData()
        self.box.clear()
        self.box.setPlaceholderText("None chosen" if offered else "None yet")
        for identity, words in offered:
            self.box.offer(identity, words, words)
        self._show(before)

    def _show(self, identity: str | None) -> None:
        found = self.box.findData(identity) if identity is not None else -1
        self.box.setCurrentIndex(found if found >= 0 else 0 if self._live else -1)

    def _on_open(self) -> None:
        dialog = QFileDialog(self, "Open a network", "", "Weights (*.safetensors);;All files (*)")
        dialog.setObjectName("attack.network.dialog")
        dialog.fileSelected.connect(self.open_file)
        dialog.open()


def words_of(snapshot: NetworkSnapshot) -> str:
    """A network in a few words: its id, what it is and how good it is."""
    return f"{snapshot.id}: {model_words(snapshot)}"


def model_words(snapshot: NetworkSnapshot) -> str:
    """What a network is, and how good."""
    hidden = snapshot.model.get("hidden")
    widths = " × ".join(str(width) for width in hidden) if isinstance(hidden, list | tuple) else ""
    model = f"{snapshot.model.get('name', '')} {widths}".strip()
    accuracy = "" if snapshot.test_accuracy is None else f", {100 * snapshot.test_accuracy:.2f} %"
    return f"{model}{accuracy}"
