"""A form made from a config: one row for each parameter, in the order of the fields.

The form always holds a valid config. An editor's value that the config refuses snaps back, and the row
says why. Nothing here knows a subject: a new field or registry entry appears by itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from optgui.core.params import Config, EntryConfig, Param
from optgui.gui.form.editor import Editor
from optgui.gui.form.sections import Section, join
from optgui.gui.form.widgets import group_title, in_reading_order, small_button

__all__ = ["ParamForm", "Preview", "group_title", "small_button"]


class Preview(QWidget):
    """Base of the pictures that stand below the choice of an entry; one may edit it, or warn of it."""

    changed = Signal(str, object, bool)  # a field of the entry, its value, whether the gesture has ended
    warned = Signal(str)  # a sentence to stand below the entry's rows, empty for none

    def shows(self, entry: EntryConfig) -> bool:
        """Whether there is something to show of an entry; of one without parameters there is not."""
        return bool(entry.values)

    def lock(self, locked: bool) -> None:
        """Do not edit while a running job cannot take it."""

    def show_entry(self, entry: EntryConfig, config: Config) -> None:
        """Show an entry and its values; `config` is the form's whole config."""
        raise TypeError(f"expected a preview that shows an entry, got {type(self).__name__}")


class ParamForm(QWidget):
    """The form of one config; `config` is always valid.

    `previews` makes the picture below each choice of an entry of that config class. A `gate` is asked before
    another entry is chosen (path, old name, new name); where it says no the old one stays, and its owner may
    `change` it later.
    """

    edited = Signal(object, str)  # config, path of the field: with every movement
    settled = Signal(object, str)  # config, path: once a gesture
    refused = Signal(str)  # a sentence

    def __init__(
        self,
        config: Config,
        prefix: str,
        parent: QWidget | None = None,
        *,
        previews: Mapping[type[EntryConfig], Callable[[], Preview]] | None = None,
    ) -> None:
        super().__init__(parent)
        self.config = config
        self._defaults = config
        self.prefix = prefix
        self.locked = False
        self._previews = previews or {}
        self.gate: Callable[[str, str, str], bool] | None = None
        self._memory: dict[tuple[str, str], dict[str, Any]] = {}
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._body = Section(self, type(config), "", prefix)
        self._layout.addWidget(self._body)
        self._body.show_config(config)
        self.order_tabs()

    def set_config(self, config: Config) -> None:
        """Show another config without a signal; sections whose entries changed are made anew."""
        self.config = config
        self._body.show_config(config)
        self.order_tabs()

    def order_tabs(self) -> None:
        """Let Tab follow what is read, not what was made first."""
        controls = (QAbstractButton, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit, Preview)
        found = [w for w in in_reading_order(self) if isinstance(w, controls)]
        for one, other in itertools.pairwise(found):
            QWidget.setTabOrder(one, other)

    def set_locked(self, locked: bool) -> None:
        """While a run holds the config, only live controls can be moved."""
        self.locked = locked
        self._body.lock(locked)

    def set_notes(self, notes: Mapping[str, str]) -> None:
        """Say for each path (`optimizer.lr`) why its control does nothing now; all others act."""
        self._body.set_notes(notes)

    def change(self, path: str, value: Any, *, final: bool = False) -> None:
        """Set the field at `path` as an editor does; a refused value snaps back."""
        try:
            self.config = self.config.changed(path, value)
        except ValueError as error:
            self.set_config(self.config)
            self.refused.emit(str(error))
            return
        self._body.follow(self.config)
        self.edited.emit(self.config, path)
        if final:
            self.settled.emit(self.config, path)

    def editor(self, path: str) -> Editor | None:
        """The editor of the field at `path`, None where there is none now."""
        return self._body.editor(path)

    def preview(self, config: type[EntryConfig]) -> Preview | None:
        """A new picture for the choice of an entry, None for a config without one."""
        make = self._previews.get(config)
        return make() if make is not None else None

    def default(self, path: str, spec: Param) -> Any:
        """What the field at `path` was when the form was made; another entry's field has its own default."""
        parent, _, name = path.rpartition(".")
        now: Any = self.config
        before: Any = self._defaults
        try:
            for part in parent.split(".") if parent else ():
                now, before = _below(now, part), _twin(now, before, part)
        except (AttributeError, IndexError, StopIteration):
            return spec.default  # of something added since
        same = getattr(before, "name", None) == getattr(now, "name", None)
        return getattr(before, name) if same else spec.default

    def settle(self, path: str) -> None:
        """Say that the gesture at `path` has ended."""
        self.settled.emit(self.config, path)

    def choose(self, path: str, names: str, current: EntryConfig, name: str) -> None:
        """Change a registry entry; the values last used with it come back, otherwise its defaults.

        They are remembered by the section's object name `names`, which an item of a list keeps where it goes.
        """
        self._memory[names, current.name] = current.values
        if self.gate is None or self.gate(path, current.name, name):
            self.change(path, {"name": name, **self._memory.get((names, name), {})}, final=True)
        self.set_config(self.config)

    def remembered(self, path: str, name: str) -> dict[str, Any]:
        """The entry `name` as it was last chosen at `path`, which lies in no list: its name and values."""
        return {"name": name, **self._memory.get((join(self.prefix, path), name), {})}


def _below(place: Any, part: str) -> Any:
    """The field or item `part` of a config or tuple."""
    return place[int(part)] if part.isdigit() else getattr(place, part)


def _twin(now: Any, before: Any, part: str) -> Any:
    """What `before` has for the field or item `part` of `now`; of items with an id the one with the same."""
    item = _below(now, part)
    if part.isdigit() and hasattr(item, "id"):
        return next(other for other in before if other.id == item.id)
    return _below(before, part)
