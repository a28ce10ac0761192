"""A row of a form: its label, its editor, and below it why the editor does nothing now."""

from __future__ import annotations

from PySide6.QtWidgets import QFormLayout

from optgui.core.params import Param
from optgui.gui.form.editors import make_editor
from optgui.gui.form.widgets import LOCKED, Remark, RowLabel


class Row:
    """The widgets of one field; with `live` a running job takes it whatever the field itself says."""

    def __init__(self, spec: Param, rows: QFormLayout, *, live: bool = False) -> None:
        self.spec = spec
        self.label, self.editor = RowLabel(spec), make_editor(spec)
        self._live = live or spec.live
        self._layout = rows
        self._locked = False
        self._note: Remark | None = None
        if spec.unit:
            self.label.setText(f"{spec.title} <span style='font-size: small'>({spec.unit})</span>")
        self.label.setBuddy(self.editor.parts()[0])
        rows.addRow(self.label, self.editor)

    @property
    def note(self) -> str:
        """Why the editor does nothing now, empty if it acts."""
        return self._note.text() if self._note is not None else ""

    def set_visible(self, visible: bool) -> None:
        """Show the row or not."""
        self.label.setVisible(visible)
        self.editor.setVisible(visible)
        if self._note is not None:
            self._note.setVisible(visible)

    def lock(self, locked: bool) -> None:
        """Disable the editor if a running job cannot take its value."""
        self._locked = locked and not self._live
        self.editor.setEnabled(not self._locked)
        self.label.setEnabled(not self._locked)
        self._explain()

    def set_note(self, sentence: str) -> None:
        """Say below the editor why it does nothing now; it can still be moved, for what it does later."""
        if sentence == self.note:
            return
        if self._note is not None:
            self._layout.removeRow(self._note)
            self._note = None
        if sentence:
            place: tuple[int, object] = self._layout.getWidgetPosition(self.editor)  # type: ignore[assignment]
            self._note = Remark(sentence)
            self._layout.insertRow(place[0] + 1, self._note)
            self._note.setVisible(not self.editor.isHidden())
        self.label.setProperty("role", "muted" if sentence else None)
        self.label.style().unpolish(self.label)
        self.label.style().polish(self.label)
        self._explain()

    def _explain(self) -> None:
        lines = [self.spec.help, self.note, LOCKED if self._locked else ""]
        self.editor.setToolTip("\n".join(line for line in lines if line))
        for part in self.editor.parts():
            part.setAccessibleDescription("\n".join(line for line in lines[:2] if line))
