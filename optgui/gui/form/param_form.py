"""A form made from a config: one row for each parameter, in the order of the fields.

The form always holds a valid config. An editor's value that the config refuses snaps back, and the row
says why. Nothing here knows a subject: a new field or registry entry appears by itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QFormLayout,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLayout,
    QLineEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from optgui.core.params import Config, EntryConfig, Kind, Param, params_of
from optgui.gui import theme
from optgui.gui.form.editors import ChoiceBox, Editor, LineEditor, make_editor

LABEL_CHARACTERS = 16  # so that the fields of all sections stand in one column
LOCKED = "Takes effect at the next start."


class ParamForm(QWidget):
    """The form of one config; `config` is always valid."""

    edited = Signal(object, str)  # config, path of the field: with every movement
    settled = Signal(object, str)  # config, path: once a gesture
    refused = Signal(str)  # a sentence

    def __init__(self, config: Config, prefix: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.config = config
        self._defaults = config
        self.prefix = prefix
        self.locked = False
        self._editors: dict[str, Editor] = {}
        self._memory: dict[tuple[str, str], dict[str, Any]] = {}
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._body = _Section(self, type(config), "", prefix)
        self._layout.addWidget(self._body)
        self._body.show_config(config)
        self._order_tabs()

    def set_config(self, config: Config) -> None:
        """Show another config without a signal; sections whose entries changed are made anew."""
        self.config = config
        self._body.show_config(config)
        self._order_tabs()

    def _order_tabs(self) -> None:
        """Let Tab follow what is read, not what was made first."""
        controls = (QAbstractButton, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit)
        found = [w for w in in_reading_order(self) if isinstance(w, controls)]
        for one, other in itertools.pairwise(found):
            QWidget.setTabOrder(one, other)

    def set_locked(self, locked: bool) -> None:
        """While a run holds the config, only live controls can be moved."""
        self.locked = locked
        self._body.lock(locked)

    def change(self, path: str, value: Any, *, final: bool = False) -> None:
        """Set the field at `path` as an editor does; a refused value snaps back."""
        try:
            self.config = self.config.changed(path, value)
        except ValueError as error:
            self.set_config(self.config)
            self.refused.emit(str(error))
            return
        self._body.show_rows(self.config)
        self.edited.emit(self.config, path)
        if final:
            self.settled.emit(self.config, path)

    def editor(self, path: str) -> Editor | None:
        """The editor of the field at `path`, None where there is none now."""
        return self._editors.get(path)

    def default(self, path: str, spec: Param) -> Any:
        """What the field at `path` was when the form was made; another entry's field has its own default."""
        parent, _, name = path.rpartition(".")
        try:
            before = value_at(self._defaults, parent)
        except (AttributeError, IndexError):
            return spec.default  # of something added since
        same = getattr(before, "name", None) == getattr(value_at(self.config, parent), "name", None)
        return getattr(before, name) if same else spec.default

    def know(self, path: str, editor: Editor) -> None:
        """Remember the editor of a field; a newer one for the same field replaces it."""
        self._editors[path] = editor

    def settle(self, path: str) -> None:
        """Say that the gesture at `path` has ended."""
        self.settled.emit(self.config, path)

    def choose(self, path: str, current: EntryConfig, name: str) -> None:
        """Change a registry entry; the values last used with it come back, otherwise its defaults."""
        self._memory[path, current.name] = current.values
        self.change(path, {"name": name, **self._memory.get((path, name), {})}, final=True)
        self.set_config(self.config)


class _RowLabel(QLabel):
    """A row's title; a double click puts the default back."""

    reset = Signal()

    def __init__(self, spec: Param) -> None:
        super().__init__(spec.title)
        self.setToolTip(f"{spec.help}\nDouble-click to put back the default.".strip())
        self.setMinimumWidth(self.fontMetrics().averageCharWidth() * LABEL_CHARACTERS)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        self.reset.emit()


class _Section(QWidget):
    """Rows of one config, with its groups, entries and lists below."""

    def __init__(self, form: ParamForm, config: type[Config], path: str, names: str) -> None:
        super().__init__()
        self._form, self._path, self._names = form, path, names
        self._rows: dict[str, tuple[_RowLabel, Editor]] = {}
        self._parts: dict[str, _EntrySection | _ListSection | _Section] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(12)
        self._plain = _rows_layout()
        rare = _rows_layout()
        plain_row_open = False
        for spec in params_of(config):
            if spec.name == "id":
                continue
            if spec.kind in (Kind.ENTRY, Kind.GROUP, Kind.LIST):
                part = self._make_part(spec)
                self._parts[spec.name] = part
                layout.addWidget(part)
                continue
            self._add_row(spec, rare if spec.rare else self._plain)
            if not spec.rare and not plain_row_open:
                layout.addLayout(self._plain)
                plain_row_open = True
        if rare.rowCount():
            layout.addWidget(_Fold("More", rare, f"{names}.more"))

    def _make_part(self, spec: Param) -> _EntrySection | _ListSection | _Section:
        path, names = _join(self._path, spec.name), _join(self._names, spec.name)
        assert spec.config is not None
        if spec.kind is Kind.LIST:
            return _ListSection(self._form, spec, path, self._names)
        if issubclass(spec.config, EntryConfig):
            return _EntrySection(self._form, spec, spec.config, path, names)
        return _Section(self._form, spec.config, path, names)

    def _add_row(self, spec: Param, rows: QFormLayout) -> None:
        path = _join(self._path, spec.name)
        label, editor = _RowLabel(spec), make_editor(spec)
        editor.name(_join(self._names, spec.name))
        editor.setToolTip(spec.help)
        editor.changed.connect(lambda value: self._form.change(path, value))
        editor.settled.connect(lambda _: self._form.settle(path))
        label.reset.connect(lambda: self._reset(spec, path))
        if isinstance(editor, LineEditor):
            editor.refused.connect(self._form.refused)
        if spec.unit:
            label.setText(f"{spec.title} <span style='font-size: small'>({spec.unit})</span>")
        label.setBuddy(editor.parts()[0])
        rows.addRow(label, editor)
        self._rows[spec.name] = (label, editor)
        self._form.know(path, editor)

    def _reset(self, spec: Param, path: str) -> None:
        _, editor = self._rows[spec.name]
        if editor.isEnabled():
            default = self._form.default(path, spec)
            editor.set_value(default)
            self._form.change(path, default, final=True)

    def show_config(self, config: Config) -> None:
        for name, (_, editor) in self._rows.items():
            editor.set_value(getattr(config, name))
        for name, part in self._parts.items():
            part.show_config(getattr(config, name))
        self.show_rows(config)

    def show_rows(self, config: Config) -> None:
        """Show the rows that the values of their siblings call for."""
        for name, (_, editor) in self._rows.items():
            shown = editor.spec.shown_when
            self._set_row_visible(name, shown is None or getattr(config, shown[0]) in shown[1])

    def _set_row_visible(self, name: str, visible: bool) -> None:
        for widget in self._rows[name]:
            widget.setVisible(visible)

    def lock(self, locked: bool) -> None:
        for label, editor in self._rows.values():
            free = editor.spec.live or not locked
            editor.setEnabled(free)
            label.setEnabled(free)
            editor.setToolTip(editor.spec.help if free else f"{editor.spec.help}\n{LOCKED}".strip())
        for part in self._parts.values():
            part.lock(locked)


class _EntrySection(QWidget):
    """The name of a registry entry, and below it the rows of that entry's own parameters."""

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
        self._form, self._config, self._path, self._names = form, config, path, names
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(6)
        if titled:
            self._layout.addWidget(group_title(spec.title, spec.help))
        self._box = ChoiceBox()
        self._box.setObjectName(f"{names}.name")
        self._box.setAccessibleName(spec.title)
        self._help = spec.help
        self._box.setToolTip(spec.help)
        for name, entry in config.registry.items():
            self._box.offer(name, entry.label, entry.help, config.refusal(name))
        self._box.activated.connect(self._on_chosen)
        self._layout.addWidget(self._box)
        self._rows: _Section | None = None
        self._value: EntryConfig | None = None

    def show_config(self, value: EntryConfig) -> None:
        if self._value is None or self._value.name != value.name:
            self._box.setCurrentIndex(self._box.findData(value.name))
            if self._rows is not None:
                self._layout.removeWidget(self._rows)
                self._rows.hide()
                self._rows.deleteLater()
            self._rows = _Section(self._form, value.registry[value.name].params, self._path, self._names)
            self._layout.addWidget(self._rows)
            self.lock(self._form.locked)
        self._value = value
        assert self._rows is not None
        self._rows.show_config(value)

    def _on_chosen(self) -> None:
        assert self._value is not None
        if self._box.currentData() != self._value.name:
            self._form.choose(self._path, self._form_value(), self._box.currentData())

    def _form_value(self) -> EntryConfig:
        value = value_at(self._form.config, self._path)
        assert isinstance(value, EntryConfig)
        return value

    def lock(self, locked: bool) -> None:
        self._box.setEnabled(not locked)
        self._box.setToolTip(f"{self._help}\n{LOCKED}".strip() if locked else self._help)
        if self._rows is not None:
            self._rows.lock(locked)


class _ListSection(QWidget):
    """Cards of a tuple of configs, each with a stable `id` that its colour and names follow."""

    def __init__(self, form: ParamForm, spec: Param, path: str, names: str) -> None:
        super().__init__()
        self._form, self._spec, self._path, self._names = form, spec, path, names
        self._card_names = _join(names, spec.name.removesuffix("s"))
        self._cards: list[_Card] = []
        self._full = False
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(group_title(spec.title, spec.help))
        self._stack = QVBoxLayout()
        self._stack.setSpacing(8)
        layout.addLayout(self._stack)
        self._add = QPushButton("+ Add")
        self._add.setObjectName(f"{names}.{spec.name}.add")
        self._add.setAccessibleName(f"Add to {spec.title.lower()}")
        self._add.clicked.connect(self._on_add)
        layout.addWidget(self._add, alignment=Qt.AlignmentFlag.AlignLeft)

    def show_config(self, items: tuple[Any, ...]) -> None:
        wanted = [item.id for item in items]
        if wanted != [card.identity for card in self._cards]:
            for card in self._cards:
                self._stack.removeWidget(card)
                card.hide()
                card.deleteLater()
            self._cards = [
                _Card(self._form, type(item), f"{self._path}.{index}", self._card_names, item.id)
                for index, item in enumerate(items)
            ]
            for card in self._cards:
                card.removed.connect(self._on_removed)
                self._stack.addWidget(card)
            self.lock(self._form.locked)
        for card, item in zip(self._cards, items, strict=True):
            card.show_config(item)
            card.set_removable(len(items) > 1)
        self._full = self._spec.high is not None and len(items) >= self._spec.high
        self._add.setToolTip(f"At most {self._spec.high:g} fit" if self._full else "")
        self._add.setEnabled(not self._full and not self._form.locked)

    def _items(self) -> list[dict[str, Any]]:
        return [item.model_dump(mode="json") for item in getattr(self._form.config, self._spec.name)]

    def _on_add(self) -> None:
        items = self._items()
        fresh = {**items[-1], "id": max(item["id"] for item in items) + 1}
        self._form.change(self._path, [*items, fresh], final=True)
        self.show_config(getattr(self._form.config, self._spec.name))

    def _on_removed(self, identity: int) -> None:
        self._form.change(self._path, [i for i in self._items() if i["id"] != identity], final=True)
        self.show_config(getattr(self._form.config, self._spec.name))

    def lock(self, locked: bool) -> None:
        self._add.setEnabled(not locked and not self._full)
        for card in self._cards:
            card.lock(locked)


class _Card(QFrame):
    """One config of a list: colour chip, entry, eye and cross on top, its numbers below."""

    removed = Signal(int)

    def __init__(self, form: ParamForm, config: type[Config], path: str, names: str, identity: int) -> None:
        super().__init__()
        self.setObjectName("card")
        self.identity = identity
        self._form, self._path = form, path
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 8, 8, 10)
        layout.setSpacing(6)
        head = QHBoxLayout()
        head.setSpacing(6)
        self._chip = QLabel("●")
        head.addWidget(self._chip)
        self._title = QLabel(f"{identity + 1}")
        head.addWidget(self._title)
        head.addStretch(1)
        stem = f"{names}.{identity}"
        self._eye = small_button("Hide", f"{stem}.visible", "Show or hide this path")
        self._eye.clicked.connect(lambda: form.change(f"{path}.visible", not self._visible, final=True))
        self._visible = True
        self._cross = small_button("✕", f"{stem}.remove", "Take this racer out of the race")
        self._cross.clicked.connect(lambda: self.removed.emit(identity))
        head.addWidget(self._eye)
        head.addWidget(self._cross)
        layout.addLayout(head)
        entry = next(spec for spec in params_of(config) if spec.kind is Kind.ENTRY)
        assert entry.config is not None
        assert issubclass(entry.config, EntryConfig)
        self._entry_name = entry.name
        self._entry = _EntrySection(
            form, entry, entry.config, f"{path}.{entry.name}", f"{stem}.{entry.name}", titled=False
        )
        layout.addWidget(self._entry)
        self._paint()

    def _paint(self) -> None:
        self._chip.setStyleSheet(f"color: {theme.racer_colour(self.identity, self).name()};")

    def changeEvent(self, event: Any) -> None:
        super().changeEvent(event)
        if event.type() == event.Type.PaletteChange and hasattr(self, "_entry"):
            self._paint()

    def show_config(self, item: Any) -> None:
        self._visible = item.visible
        self._eye.setText("Hide" if item.visible else "Show")
        self._entry.show_config(getattr(item, self._entry_name))

    def set_removable(self, removable: bool) -> None:
        self._cross.setEnabled(removable)
        self._cross.setToolTip("Take this racer out of the race" if removable else "A race needs one racer")

    def lock(self, locked: bool) -> None:
        self._entry.lock(locked)


class _Fold(QWidget):
    """Rare rows behind a small arrow, closed at first."""

    def __init__(self, title: str, rows: QFormLayout, name: str) -> None:
        super().__init__()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        self._button = QToolButton()
        self._button.setObjectName(name)
        self._button.setText(title)
        self._button.setAccessibleName(f"{title} settings")
        self._button.setToolTip("Settings that are rarely changed")
        self._button.setCheckable(True)
        self._button.setArrowType(Qt.ArrowType.RightArrow)
        self._button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._body = QWidget()
        self._body.setLayout(rows)
        self._body.hide()
        self._button.toggled.connect(self._on_toggled)
        layout.addWidget(self._button)
        layout.addWidget(self._body)

    def _on_toggled(self, opened: bool) -> None:
        self._body.setVisible(opened)
        self._button.setArrowType(Qt.ArrowType.DownArrow if opened else Qt.ArrowType.RightArrow)


def value_at(config: Config, path: str) -> Any:
    """The value at a dotted path, the config itself at an empty one."""
    place: Any = config
    for part in path.split(".") if path else ():
        place = place[int(part)] if part.isdigit() else getattr(place, part)
    return place


def in_reading_order(widget: QWidget) -> Iterator[QWidget]:
    """The widgets below `widget` in the order of their layouts, from top to bottom and left to right."""

    def walk(layout: QLayout) -> Iterator[QWidget]:
        for index in range(layout.count()):
            item = layout.itemAt(index)
            if item is None:
                continue
            if (inner := item.widget()) is not None:
                yield inner
                yield from in_reading_order(inner)
            elif (nested := item.layout()) is not None:
                yield from walk(nested)

    if (layout := widget.layout()) is not None:
        yield from walk(layout)


def group_title(title: str, help: str = "") -> QLabel:
    """The small muted title above a group of controls or readings."""
    label = QLabel(title)
    label.setProperty("role", "group")
    label.setToolTip(help)
    label.setWordWrap(True)
    return theme.sized(label, theme.CAPTION, bold=True)


def small_button(text: str, name: str, help: str) -> QToolButton:
    """A flat button of a word or a sign, with its help as tooltip and accessible name."""
    button = QToolButton()
    button.setText(text)
    button.setObjectName(name)
    button.setAccessibleName(help)
    button.setToolTip(help)
    return button


def _rows_layout() -> QFormLayout:
    rows = QFormLayout()
    rows.setContentsMargins(0, 0, 0, 0)
    rows.setHorizontalSpacing(8)
    rows.setVerticalSpacing(6)
    rows.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    rows.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
    return rows


def _join(*parts: str) -> str:
    return ".".join(part for part in parts if part)
