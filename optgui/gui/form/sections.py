"""Sections of a form: the rows of one config, and the choice of a registry entry with that entry's rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from PySide6.QtWidgets import QFormLayout, QVBoxLayout, QWidget

from optgui.core.params import Config, EntryConfig, Kind, Param, params_of
from optgui.gui.form.cards import ListSection
from optgui.gui.form.choices import ChoiceBox
from optgui.gui.form.editor import Editor
from optgui.gui.form.editors import make_editor
from optgui.gui.form.texts import LineEditor
from optgui.gui.form.widgets import LOCKED, Fold, RowLabel, group_title, rows_layout

if TYPE_CHECKING:
    from optgui.gui.form.param_form import ParamForm


class Part(Protocol):
    """A piece of a form for one field. Its path may change: an item of a list moves."""

    def show_config(self, value: Any) -> None:
        """Show another value, without a signal."""

    def follow(self, value: Any) -> None:
        """Follow a value that one of its own editors has changed: rows that come and go, previews."""

    def set_path(self, path: str) -> None:
        """Stand for the field at another path."""

    def lock(self, locked: bool) -> None:
        """Disable what a running job cannot take."""

    def editor(self, path: str) -> Editor | None:
        """The editor at a path below this part, None where there is none now."""


class Section(QWidget):
    """Rows of one config, with its groups, entries and lists below; `without` are fields shown elsewhere."""

    def __init__(
        self,
        form: ParamForm,
        config: type[Config],
        path: str,
        names: str,
        *,
        without: tuple[str, ...] = (),
        titled: bool = True,
    ) -> None:
        super().__init__()
        self._form, self._path, self._names, self._titled = form, path, names, titled
        self._rows: dict[str, tuple[RowLabel, Editor]] = {}
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
            part = EntrySection(self._form, spec, spec.config, path, names, titled=self._titled)
        else:
            part = Section(self._form, spec.config, path, names)
        self._parts[spec.name] = part
        return part

    def _add_row(self, spec: Param, rows: QFormLayout) -> None:
        label, editor = RowLabel(spec), make_editor(spec)
        editor.name(join(self._names, spec.name))
        editor.setToolTip(spec.help)
        editor.changed.connect(lambda value: self._form.change(join(self._path, spec.name), value))
        editor.settled.connect(lambda _: self._form.settle(join(self._path, spec.name)))
        label.reset.connect(lambda: self._reset(spec))
        if isinstance(editor, LineEditor):
            editor.refused.connect(self._form.refused)
        if spec.unit:
            label.setText(f"{spec.title} <span style='font-size: small'>({spec.unit})</span>")
        label.setBuddy(editor.parts()[0])
        rows.addRow(label, editor)
        self._rows[spec.name] = (label, editor)

    def _reset(self, spec: Param) -> None:
        _, editor = self._rows[spec.name]
        if editor.isEnabled():
            path = join(self._path, spec.name)
            default = self._form.default(path, spec)
            editor.set_value(default)
            self._form.change(path, default, final=True)

    def show_config(self, config: Config) -> None:
        for name, (_, editor) in self._rows.items():
            editor.set_value(getattr(config, name))
        for name, part in self._parts.items():
            part.show_config(getattr(config, name))
        self._show_rows(config)

    def follow(self, config: Config) -> None:
        self._show_rows(config)
        for name, part in self._parts.items():
            part.follow(getattr(config, name))

    def _show_rows(self, config: Config) -> None:
        """Show the rows that the values of their siblings call for."""
        for label, editor in self._rows.values():
            shown = editor.spec.shown_when
            visible = shown is None or getattr(config, shown[0]) in shown[1]
            label.setVisible(visible)
            editor.setVisible(visible)

    def set_path(self, path: str) -> None:
        self._path = path
        for name, part in self._parts.items():
            part.set_path(join(path, name))

    def editor(self, path: str) -> Editor | None:
        name, _, rest = path.partition(".")
        if name in self._rows:
            return self._rows[name][1]
        return self._parts[name].editor(rest) if name in self._parts else None

    def lock(self, locked: bool) -> None:
        for label, editor in self._rows.values():
            free = editor.spec.live or not locked
            editor.setEnabled(free)
            label.setEnabled(free)
            editor.setToolTip(editor.spec.help if free else f"{editor.spec.help}\n{LOCKED}".strip())
        for part in self._parts.values():
            part.lock(locked)


class EntrySection(QWidget):
    """The name of a registry entry, and below it the rows of that entry's own parameters.

    A rare one is a fold that says what is chosen. An entry with parameters has the form's preview above them.
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
    ) -> None:
        super().__init__()
        self._form, self._spec, self._config, self._path, self._names = form, spec, config, path, names
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
        self._preview = form.preview(config)
        if self._preview is not None:
            self._preview.setObjectName(f"{names}.preview")
            self._layout.addWidget(self._preview)
        self._rows: Section | None = None
        self._value: EntryConfig | None = None

    def show_config(self, value: EntryConfig) -> None:
        if self._value is None or self._value.name != value.name:
            self._box.setCurrentIndex(self._box.findData(value.name))
            if self._rows is not None:
                self._layout.removeWidget(self._rows)
                self._rows.hide()
                self._rows.deleteLater()
            self._rows = Section(self._form, value.registry[value.name].params, self._path, self._names)
            self._layout.addWidget(self._rows)
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
            self._preview.setVisible(bool(value.values))
            self._preview.show_entry(value, self._form.config)

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
        self._box.setEnabled(not locked)
        self._box.setToolTip(f"{self._spec.help}\n{LOCKED}".strip() if locked else self._spec.help)
        if self._rows is not None:
            self._rows.lock(locked)


def join(*parts: str) -> str:
    """Dotted path of the parts that are not empty."""
    return ".".join(part for part in parts if part)
