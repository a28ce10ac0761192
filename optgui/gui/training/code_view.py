"""Python code to read and to copy, lightly coloured."""

from __future__ import annotations

import keyword
import re

from PySide6.QtCore import QEvent
from PySide6.QtGui import QColor, QFontDatabase, QSyntaxHighlighter, QTextCharFormat, QTextDocument
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from optgui.gui import theme
from optgui.gui.form.widgets import group_title, small_button

_WORDS = re.compile(
    r'(?P<string>"""|[rbf]?"(?:\\.|[^"\\])*"|[rbf]?\'(?:\\.|[^\'\\])*\')'
    r"|(?P<comment>#.*)"
    rf"|(?P<keyword>\b(?:{'|'.join(keyword.kwlist)})\b)"
    r"|(?P<number>\b\d[\d_]*\.?\d*(?:e[+-]?\d+)?\b)"
)
_QUOTES = '"""'


class PythonColours(QSyntaxHighlighter):
    """Keywords, strings, numbers and comments in the colours of the look."""

    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)
        self._formats: dict[str, QTextCharFormat] = {}

    def take(self, tokens: theme.Colours) -> None:
        """Take the colours of a look."""
        colours = {
            "keyword": tokens.accent,
            "string": tokens.ok,
            "number": tokens.warning,
            "comment": tokens.muted,
        }
        for kind, colour in colours.items():
            self._formats[kind] = QTextCharFormat()
            self._formats[kind].setForeground(QColor(colour))
        self.rehighlight()

    def highlightBlock(self, text: str) -> None:
        """Colour one line; the state says whether it ends within triple quotes."""
        start = 0
        if self.previousBlockState() == 1:
            end = text.find(_QUOTES)
            start = len(text) if end < 0 else end + len(_QUOTES)
            self._paint("string", 0, start)
            self.setCurrentBlockState(1 if end < 0 else 0)
            if end < 0:
                return
        self.setCurrentBlockState(0)
        while (match := _WORDS.search(text, start)) is not None:
            start = match.end()
            if match.group() == _QUOTES:
                end = text.find(_QUOTES, start)
                self.setCurrentBlockState(1 if end < 0 else 0)
                start = len(text) if end < 0 else end + len(_QUOTES)
            self._paint(match.lastgroup or "", match.start(), start - match.start())

    def _paint(self, kind: str, start: int, length: int) -> None:
        if kind in self._formats:
            self.setFormat(start, length, self._formats[kind])


class CodeView(QPlainTextEdit):
    """A page of code: read-only, to be selected and copied."""

    def __init__(self, title: str, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name)
        self.setAccessibleName(title)
        self.setReadOnly(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._colours = PythonColours(self.document())
        self._tokens: theme.Colours | None = None
        self._restyle()

    def copy_all(self) -> None:
        """Put all of it on the clipboard."""
        QApplication.clipboard().setText(self.toPlainText())

    def set_code(self, code: str) -> None:
        """Show code; the place one has scrolled to stays if it is the same."""
        if code != self.toPlainText():
            self.setPlainText(code)

    def _restyle(self) -> None:
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font.setPointSizeF(QApplication.font().pointSizeF())
        if font != self.font():
            self.setFont(font)
        tokens = theme.colours(self)
        if tokens is not self._tokens:
            self._tokens = tokens
            self._colours.take(tokens)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if theme.repaints(event) and hasattr(self, "_tokens"):
            self._restyle()


class CodeBlock(QWidget):
    """A title, a button that copies, and a few lines of code."""

    def __init__(self, title: str, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = CodeView(title, name)
        self.copy_button = small_button("Copy", f"{name}.copy", f"Copy the code: {title.lower()}")
        self.copy_button.clicked.connect(self.view.copy_all)
        head = QHBoxLayout()
        head.addWidget(group_title(title), 1)
        head.addWidget(self.copy_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(head)
        layout.addWidget(self.view, 1)

    def set_code(self, code: str) -> None:
        """Show code."""
        self.view.set_code(code)

    def text(self) -> str:
        """The code."""
        return self.view.toPlainText()
