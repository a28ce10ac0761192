"""The tree of a run's checkpoints: one lane for each branch, over the steps."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from optgui.core.training.records import Node
from optgui.core.training.requests import Load, Mark, NetworkAt, Rewind, Save
from optgui.gui.form.widgets import small_button
from optgui.gui.pace import Pace
from optgui.gui.readings import Readout
from optgui.gui.training.tree_canvas import TreeCanvas, words_of

_TURN_MS = 250  # between two pictures; the ring moves a pixel or so in that time
CHOOSE = "Choose a checkpoint in the tree"
_FILES = "Runs (*.run);;All files (*)"


class RunTree(QWidget):
    """The tree, and what can be done with the checkpoint chosen in it."""

    wanted = Signal(object)  # Rewind, NetworkAt, Mark, Save or Load
    chosen = Signal(int)  # id of a node

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("training.tree")
        self.canvas = TreeCanvas()
        self.canvas.chosen.connect(self._on_chosen)
        self.words = Readout("Chosen checkpoint", characters=20)
        self.words.setObjectName("training.tree.words")
        self.rewind = small_button("Rewind here", "training.tree.rewind", "")
        self.rewind.clicked.connect(lambda: self._rewind(halve_lr=False))
        self.halve = small_button("Rewind with half the rate", "training.tree.halve", "")
        self.halve.clicked.connect(lambda: self._rewind(halve_lr=True))
        self.attack = small_button("To the attack", "training.tree.attack", "")
        self.attack.clicked.connect(self._on_attack)
        self.label = QLineEdit()
        self.label.setObjectName("training.tree.label")
        self.label.setAccessibleName("Name of the next mark")
        self.label.setPlaceholderText("name")
        self.label.setToolTip("Name of the next mark (Enter makes it)")
        self.label.setMaxLength(40)
        self.label.setMaximumWidth(self.fontMetrics().averageCharWidth() * 30)
        self.label.returnPressed.connect(self._on_mark)
        self.mark = small_button("Mark", "training.tree.mark", "")
        self.mark.clicked.connect(self._on_mark)
        self.save = small_button("Save file…", "training.tree.save", "")
        self.save.clicked.connect(self._on_save)
        self.open = small_button("Open file…", "training.tree.open", "")
        self.open.clicked.connect(self._on_open)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 4, 0, 4)
        layout.setSpacing(2)
        layout.addLayout(self._make_row(self.words, self.rewind, self.halve, self.attack))
        layout.addLayout(self._make_row(self.label, self.mark, None, self.save, self.open))
        layout.addWidget(self.canvas, 1)
        self._pace = Pace(self._show, self, _TURN_MS)
        self._newest: tuple[Sequence[Node], int, int, int] = ((), 0, 0, -1)
        self._show()

    def _make_row(self, *widgets: QWidget | None) -> QHBoxLayout:
        """Widgets side by side; None is empty room."""
        row = QHBoxLayout()
        row.setContentsMargins(16, 0, 8, 0)
        row.setSpacing(4)
        for widget in widgets:
            if widget is None:
                row.addStretch(1)
            else:
                row.addWidget(widget, int(widget in (self.words, self.label)))
        return row

    def show_tree(self, nodes: Sequence[Node], branch: int, step: int, here: int = -1) -> None:
        """Show the checkpoints and the present place, at most four times a second.

        Args:
            nodes: in the order they were made.
            branch: the run is on.
            step: the run is at.
            here: id of the last node on the way there; -1 if it is not known.
        """
        self._newest = (nodes, branch, step, here)
        self._pace.ask()

    def set_span(self, steps: float) -> None:
        """Say how many steps the whole run has."""
        self.canvas.set_span(steps)

    @property
    def selected(self) -> int | None:
        """Id of the chosen node, None if there is none."""
        return self.canvas.selected

    def select(self, node: int | None) -> None:
        """Choose a node."""
        self.canvas.select(node)
        self._offer()

    def clear(self) -> None:
        """Forget the tree: another run begins."""
        self.canvas.select(None)
        self.show_tree((), 0, 0)

    def _show(self) -> None:
        self.canvas.show_tree(*self._newest)
        self._offer()

    def _offer(self) -> None:
        """Say what each button does, or why it cannot."""
        node, some = self.canvas.node, bool(self._newest[0])
        words = words_of(node) if node else CHOOSE if some else ""
        self.words.setText(words)
        self.words.setToolTip(words)
        reason = f"{CHOOSE} first" if some else "Start a run first"
        for button, help in (
            (self.rewind, "Go back to the chosen checkpoint and on from there as a new branch"),
            (self.halve, "Go back to the chosen checkpoint and on from there with half the learning rate"),
            (self.attack, "Put the network of the chosen checkpoint where the attack tab finds it"),
        ):
            button.setEnabled(node is not None)
            button.setToolTip(help if node else reason)
            button.setAccessibleName(help)
        for widget, help in (
            (self.mark, "Keep the run as it stands now, under the name beside"),
            (self.save, "Write the run as it stands now into a file"),
            (self.open, "Go on as a new branch from a file of the same model and data"),
        ):
            widget.setEnabled(some)
            widget.setToolTip(help if some else "Start a run first")
            widget.setAccessibleName(help)

    def _on_chosen(self, node: int) -> None:
        self._offer()
        self.chosen.emit(node)

    def _rewind(self, *, halve_lr: bool) -> None:
        if self.selected is not None:
            self.wanted.emit(Rewind(self.selected, halve_lr=halve_lr))

    def _on_attack(self) -> None:
        if self.selected is not None:
            self.wanted.emit(NetworkAt(self.selected))

    def _on_mark(self) -> None:
        if self.mark.isEnabled():
            self.wanted.emit(Mark(self.label.text().strip() or f"step {self._newest[2]:,}"))
            self.label.clear()

    def _on_save(self) -> None:
        dialog = self._dialog("Save the run", QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("run")
        dialog.fileSelected.connect(lambda path: self.wanted.emit(Save(path)))
        dialog.open()

    def _on_open(self) -> None:
        dialog = self._dialog("Open a saved run", QFileDialog.AcceptMode.AcceptOpen)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda path: self.wanted.emit(Load(path)))
        dialog.open()

    def _dialog(self, title: str, mode: QFileDialog.AcceptMode) -> QFileDialog:
        """A dialog beside which the run goes on."""
        dialog = QFileDialog(self, title, "", _FILES)
        dialog.setObjectName("training.tree.dialog")
        dialog.setAcceptMode(mode)
        dialog.finished.connect(dialog.deleteLater)
        return dialog
