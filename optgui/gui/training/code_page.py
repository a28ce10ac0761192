"""The run as a script: to read, to copy, to save."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from optgui.core.training.records import RunLog
from optgui.gui.form.widgets import small_button
from optgui.gui.training.code_view import CodeView

_HINT = "# Press Write the code: a Python script that repeats this run appears here."


class CodePage(QWidget):
    """Asks for the log of a run and shows the script that does the same."""

    wanted = Signal(object)  # "log"
    said = Signal(str)  # a sentence for the message bar

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("training.code")
        self.view = CodeView("This run as a script", "training.code.text")
        self.button = QPushButton("Write the code")
        self.button.setObjectName("training.code.write")
        self.button.setAccessibleName("Write the code")
        self.button.clicked.connect(lambda: self.wanted.emit("log"))
        self.words = QLabel()
        self.words.setObjectName("training.code.words")
        self.words.setProperty("role", "muted")
        self.words.setWordWrap(True)
        self.copy_button = small_button("Copy", "training.code.copy", "Copy the script")
        self.copy_button.clicked.connect(self.view.copy_all)
        self.save = small_button("Save as .py…", "training.code.save", "Write the script into a file")
        self.save.clicked.connect(self._on_save)
        head = QHBoxLayout()
        head.setContentsMargins(12, 8, 8, 4)
        head.setSpacing(8)
        head.addWidget(self.button)
        head.addWidget(self.words, 1)
        head.addWidget(self.copy_button)
        head.addWidget(self.save)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addWidget(self.view, 1)
        self.allow("Start a run first: there is nothing to write down yet")
        self.clear()

    def allow(self, reason: str = "") -> None:
        """Let the code be written, or say in a sentence why it cannot."""
        self.button.setEnabled(not reason)
        self.button.setToolTip(reason or "Write down the run as it stands now, with every edit at its step")

    def clear(self) -> None:
        """Forget the script: another run begins."""
        self._show("", "")

    def show_log(self, log: RunLog, step: int | None = None) -> None:
        """Write the script of a run.

        Args:
            log: of the run.
            step: the run is at; None if it went to its end.
        """
        from optgui.core.training.script import script

        edits = len(log.edits)
        told = "no edits" if not edits else "1 edit" if edits == 1 else f"{edits} edits"
        where = "to its end" if step is None else f"to step {step:,}"
        self._show(script(log, step), f"The run {where}, {told}: the same numbers, bit for bit")

    def _show(self, code: str, words: str) -> None:
        self.view.set_code(code or _HINT)
        self.words.setText(words)
        for button in (self.copy_button, self.save):
            button.setEnabled(bool(code))
            button.setToolTip(button.accessibleName() if code else "Press Write the code first")

    def _on_save(self) -> None:
        dialog = QFileDialog(self, "Save the script", "run.py", "Python (*.py)")
        dialog.setObjectName("training.code.dialog")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("py")
        dialog.fileSelected.connect(self.write)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def write(self, path: str) -> None:
        """Write the script into a file; a failure is said in a sentence."""
        try:
            Path(path).write_text(self.view.toPlainText(), encoding="utf-8")
        except OSError as error:
            self.said.emit(
                f"{Path(path).name}: expected a file that can be written, got: {error.strerror or error}"
            )
