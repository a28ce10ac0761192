"""One editor for each kind of parameter."""

from __future__ import annotations

from optgui.core.params import Kind, Param
from optgui.gui.form.choices import ChoiceBox, ChoiceEditor, SwitchEditor
from optgui.gui.form.editor import Editor
from optgui.gui.form.numbers import NumberEditor, TupleEditor
from optgui.gui.form.texts import LineEditor, RecentEditor

__all__ = ["ChoiceBox", "Editor", "LineEditor", "NumberEditor", "make_editor"]


def make_editor(spec: Param) -> Editor:
    """The editor for one parameter that is neither an entry nor a group nor a list of groups."""
    if spec.kind in (Kind.INTS, Kind.FLOATS):
        return TupleEditor(spec) if spec.length else LineEditor(spec)
    if spec.kind is Kind.TEXT and spec.history:
        return RecentEditor(spec)
    return _EDITORS[spec.kind](spec)


_EDITORS: dict[Kind, type[Editor]] = {
    Kind.FLOAT: NumberEditor,
    Kind.INT: NumberEditor,
    Kind.SWITCH: SwitchEditor,
    Kind.CHOICE: ChoiceEditor,
    Kind.TEXT: LineEditor,
    Kind.POINTS: LineEditor,
}
