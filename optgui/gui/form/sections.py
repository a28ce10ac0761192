"""Sections of a form: the rows of one config, and the choice of a registry entry with that entry's rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from PySide6.QtWidgets import QFormLayout, QVBoxLayout, QWidget

from optgui.core.params import Config, EntryConfig, Kind, Param, params_of
from optgui.gui.form.cards import ListSection
from optgui.gui.form.choices import ChoiceBox
from optgui.gui.form.editor import Editor
from optgui.gui.form.rows import Row
from optgui.gui.form.widgets import LOCKED, Fold, Remark, group_title, rows_layout

if TYPE_CHECKING:
    from optgui.gui.form.param_form import ParamForm


def _word(value: Any) -> Any:
    """What `shown_when` compares: an entry's name, or the value itself."""
    return value.name if isinstance(value, EntryConfig) else value


class Part(Protocol):
    """A piece of a form for one field. Its path may change: an item of a list moves."""

    def show_config(self, value: Any) -> None:
        """Show another value, without a signal."""

    def follow(self, value: Any) -> None:
        """Follow a value that was changed within: editors, rows that come and go, previews."""

    def set_path(self, path: str) -> None:
        """Stand for the field at another path."""

    def lock(self, locked: bool) -> None:
        """Disable what a running job cannot take."""

    def set_notes(self, notes: Mapping[str, str]) -> None:
        """Say at each path of the form's config why the control there does nothing now."""

    def editor(self, path: str) -> Editor | None:
        """The editor at a path below this part, None where there is none now."""


class Section(QWidget):
    """Rows of one config, with its groups, entries and lists below; `without` are fields shown elsewhere.

    With `live` a running job takes all of them.
    """

    def __init__(
        self,
        form: ParamForm,
        config: type[Config],
        path: str,
        names: str,
        *,
        without: tuple[str, ...] = (),
        titled: bool = True,
        live: bool = False,
    ) -> None:
        super().__init__()
        self._form, self._path, self._names = form, path, names
        self._titled, self._live = titled, live
        self._rows: dict[str, Row] = {}
        self._parts: dict[str, Part] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4 if path else 12)
        plain, rare = rows_layout(), rows_layout()
        for spec in params_of(config):
            if spec.name == "id" or spec.name in without:
                continue
            if spec.kind in (Kind.ENTRY, Kind.GROUP, Kind.LIST):
                layout.addWidget(self._make_part(spec))
                continue
            self._add_row(spec, rare if spec.rare else plain)
            if not spec.rare and plain.rowCount() == 1:
                layout.addLayout(plain)
        if rare.rowCount():
            body = QWidget()
            body.setLayout(rare)
            layout.addWidget(Fold("More", body, f"{names}.more"))

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to show."""
        return not self._rows and not self._parts

    def _make_part(self, spec: Param) -> QWidget:
        path, names = join(self._path, spec.name), join(self._names, spec.name)
        assert spec.config is not None
        part: ListSection | EntrySection | Section
        if spec.kind is Kind.LIST:
            part = ListSection(self._form, spec, path, self._names, Section)
        elif issubclass(spec.config, EntryConfig):
            live = self._live or spec.live
            part = EntrySection(self._form, spec, spec.config, path, names, titled=self._titled, live=live)
        else:
            part = Section(self._form, spec.config, path, names, live=self._live or spec.live)
        self._parts[spec.name] = part
        return part

    def _add_row(self, spec: Param, rows: QFormLayout) -> None:
        row = Row(spec, rows, live=self._live)
        editor = row.editor
        editor.name(join(self._names, spec.name))
        editor.changed.connect(lambda value: self._form.change(join(self._path, spec.name), value))
        editor.settled.connect(lambda _: self._form.settle(join(self._path, spec.name)))
        row.label.reset.connect(lambda: self._reset(spec))
        editor.refused.connect(self._form.refused)
        self._rows[spec.name] = row

    def _reset(self, spec: Param) -> None:
        editor = self._rows[spec.name].editor
        if editor.isEnabled():
            path = join(self._path, spec.name)
            default = self._form.default(path, spec)
            editor.set_value(default)
            self._form.change(path, default, final=True)

    def show_config(self, config: Config) -> None:
        for name, row in self._rows.items():
            row.editor.set_value(getattr(config, name))
        for name, part in self._parts.items():
            part.show_config(getattr(config, name))
        self._show_rows(config)

    def follow(self, config: Config) -> None:
        for name, row in self._rows.items():
            if row.editor.value() != getattr(config, name):
                row.editor.set_value(getattr(config, name))
        self._show_rows(config)
        for name, part in self._parts.items():
            part.follow(getattr(config, name))

    def _show_rows(self, config: Config) -> None:
        """Show the rows that the values of their siblings call for."""
        for row in self._rows.values():
            shown = row.spec.shown_when
            row.set_visible(shown is None or _word(getattr(config, shown[0])) in shown[1])

    def set_path(self, path: str) -> None:
        self._path = path
        for name, part in self._parts.items():
            part.set_path(join(path, name))

    def editor(self, path: str) -> Editor | None:
        name, _, rest = path.partition(".")
        if name in self._rows:
            return self._rows[name].editor
        return self._parts[name].editor(rest) if name in self._parts else None

    def lock(self, locked: bool) -> None:
        for row in self._rows.values():
            row.lock(locked)
        for part in self._parts.values():
            part.lock(locked)

    def set_notes(self, notes: Mapping[str, str]) -> None:
        for name, row in self._rows.items():
            row.set_note(notes.get(join(self._path, name), ""))
        for part in self._parts.values():
            part.set_notes(notes)


class EntrySection(QWidget):
    """The name of a registry entry, and below it the rows of that entry's own parameters.

    A rare one is a fold that says what is chosen. The form's preview stands above the parameters, what it
    warns of below them. With `live` a running job takes another entry too.
    """

    def __init__(
        self,
        form: ParamForm,
        spec: Param,
        config: type[EntryConfig],
        path: str,
        names: str,
        *,
        titled: bool = True,
        live: bool = False,
    ) -> None:
        super().__init__()
        self._form, self._spec, self._config, self._path, self._names = form, spec, config, path, names
        self._live = live
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.setSpacing(6)
        body = QWidget()
        self._layout = QVBoxLayout(body)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(6)
        self._fold: Fold | None = None
        if spec.rare:
            self._fold = Fold(spec.title, body, f"{names}.more")
            outer.addWidget(self._fold)
        else:
            if titled:
                outer.addWidget(group_title(spec.title, spec.help))
            outer.addWidget(body)
        self._box = ChoiceBox()
        self._box.setObjectName(f"{names}.name")
        self._box.setAccessibleName(spec.title)
        self._box.setToolTip(spec.help)
        for name, entry in config.registry.items():
            self._box.offer(name, entry.label, entry.help, config.refusal(name))
        self._box.activated.connect(self._on_chosen)
        self._layout.addWidget(self._box)
        self._note, self._warning = Remark(), Remark(role="warning")
        self._warning.setObjectName(f"{names}.warning")
        self._note.hide()
        self._warning.hide()
        self._layout.addWidget(self._note)
        self._preview = form.preview(config)
        if self._preview is not None:
            self._preview.setObjectName(f"{names}.preview")
            self._preview.changed.connect(self._on_preview_changed)
            self._preview.warned.connect(self._warn)
            self._layout.addWidget(self._preview)
        self._layout.addWidget(self._warning)
        self._rows: Section | None = None
        self._value: EntryConfig | None = None

    def show_config(self, value: EntryConfig) -> None:
        self._box.setCurrentIndex(self._box.findData(value.name))
        if self._value is None or self._value.name != value.name:
            self.set_notes({})
            if self._rows is not None:
                self._layout.removeWidget(self._rows)
                self._rows.hide()
                self._rows.deleteLater()
            params = value.registry[value.name].params
            self._rows = Section(self._form, params, self._path, self._names, live=self._live)
            self._layout.insertWidget(self._layout.indexOf(self._warning), self._rows)
            self._rows.setVisible(not self._rows.is_empty)
            self.lock(self._form.locked)
            if self._fold is not None:
                self._fold.set_title(f"{self._spec.title}: {value.registry[value.name].label}")
        assert self._rows is not None
        self._rows.show_config(value)
        self._show_preview(value)

    def follow(self, value: EntryConfig) -> None:
        if self._value is not None and self._value.name == value.name and self._rows is not None:
            self._rows.follow(value)
            self._show_preview(value)

    def _show_preview(self, value: EntryConfig) -> None:
        self._value = value
        if self._preview is not None:
            self._preview.setVisible(self._preview.shows(value))
            self._preview.show_entry(value, self._form.config)

    def _on_preview_changed(self, field: str, value: Any, final: bool) -> None:
        self._form.change(join(self._path, field), value, final=final)

    def _warn(self, sentence: str) -> None:
        self._warning.setText(sentence)
        self._warning.setVisible(bool(sentence))

    def _on_chosen(self) -> None:
        assert self._value is not None
        if self._box.currentData() != self._value.name:
            self._form.choose(self._path, self._names, self._value, self._box.currentData())

    def set_path(self, path: str) -> None:
        self._path = path
        if self._rows is not None:
            self._rows.set_path(path)

    def editor(self, path: str) -> Editor | None:
        return self._rows.editor(path) if self._rows is not None else None

    def lock(self, locked: bool) -> None:
        locked_here = locked and not self._live
        self._box.setEnabled(not locked_here)
        self._box.setToolTip(f"{self._spec.help}\n{LOCKED}".strip() if locked_here else self._spec.help)
        if self._preview is not None:
            self._preview.lock(locked_here)
        if self._rows is not None:
            self._rows.lock(locked)

    def set_notes(self, notes: Mapping[str, str]) -> None:
        note = notes.get(join(self._path, "name"), "")
        self._note.setText(note)
        self._note.setVisible(bool(note))
        if self._rows is not None:
            self._rows.set_notes(notes)


def join(*parts: str) -> str:
    """Dotted path of the parts that are not empty."""
    return ".".join(part for part in parts if part)
