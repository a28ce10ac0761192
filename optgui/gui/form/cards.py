"""A list of configs as cards that can be added, copied, moved, folded and taken away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from optgui.core.params import Config, EntryConfig, Kind, Param, params_of
from optgui.gui import theme
from optgui.gui.form.editor import Editor
from optgui.gui.form.widgets import LOCKED, SignButton, group_title

if TYPE_CHECKING:
    from optgui.gui.form.param_form import ParamForm
    from optgui.gui.form.sections import Section

MANY = 4  # more cards than this begin folded, all but the first FEW
FEW = 2


class MakeSection(Protocol):
    """Makes the rows of a card."""

    def __call__(
        self, form: ParamForm, config: type[Config], path: str, names: str, *, without: tuple[str, ...],
        titled: bool,
    ) -> Section: ...  # fmt: skip


class ListSection(QWidget):
    """Cards of a tuple of configs. An item with an `id` keeps its card, its colour and its names by it."""

    def __init__(
        self, form: ParamForm, spec: Param, path: str, names: str, make_section: MakeSection
    ) -> None:
        super().__init__()
        self._form, self._spec, self._path, self._make_section = form, spec, path, make_section
        self._noun = spec.title.removesuffix("s").lower()
        self._card_names = f"{names}.{spec.name.removesuffix('s')}".lstrip(".")
        self._cards: list[_Card] = []
        self._items: tuple[Any, ...] = ()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(group_title(spec.title, spec.help))
        self._stack = QVBoxLayout()
        self._stack.setSpacing(8)
        layout.addLayout(self._stack)
        self._add = QPushButton("+ Add")
        self._add.setObjectName(f"{names}.{spec.name}.add")
        self._add.setAccessibleName(f"Add a {self._noun}")
        self._add.clicked.connect(self._on_add)
        layout.addWidget(self._add, alignment=Qt.AlignmentFlag.AlignLeft)

    def show_config(self, items: tuple[Any, ...]) -> None:
        self._items = items
        known = {card.identity: card for card in self._cards}
        cards = []
        for place, identity in enumerate(self._identities()):
            card = known.pop(identity, None) or self._make_card(identity, place)
            card.set_path(f"{self._path}.{place}")
            cards.append(card)
        for card in known.values():
            self._stack.removeWidget(card)
            card.hide()
            card.deleteLater()
        if cards != self._cards:
            for place, card in enumerate(cards):
                self._stack.insertWidget(place, card)
            self._cards = cards
        for card, item in zip(cards, items, strict=True):
            card.show_config(item)
        self.lock(self._form.locked)

    def follow(self, items: tuple[Any, ...]) -> None:
        self._items = items
        for card, item in zip(self._cards, items, strict=False):
            card.follow(item)

    def _identities(self) -> list[int]:
        return [getattr(item, "id", place) for place, item in enumerate(self._items)]

    def _make_card(self, identity: int, place: int) -> _Card:
        assert self._spec.config is not None
        names = f"{self._card_names}.{identity}"
        card = _Card(self._form, self._spec.config, names, identity, self._noun, self._make_section)
        card.set_open(place < FEW or len(self._items) <= MANY)
        card.copied.connect(self._on_copied)
        card.removed.connect(self._on_removed)
        card.shifted.connect(self._on_shifted)
        return card

    def _on_add(self) -> None:
        if self._items:
            self._on_copied(self._identities()[-1])
        else:
            self._give([{}])

    def _on_copied(self, identity: int) -> None:
        items = [item.model_dump(mode="json") for item in self._items]
        place = self._identities().index(identity)
        fresh = dict(items[place])
        if "id" in fresh:
            fresh["id"] = max(item["id"] for item in items) + 1
        self._give([*items[: place + 1], fresh, *items[place + 1 :]])
        if place + 1 < len(self._cards):
            self._cards[place + 1].set_open(True)

    def _on_removed(self, identity: int) -> None:
        kept = zip(self._identities(), self._items, strict=True)
        self._give([item.model_dump(mode="json") for number, item in kept if number != identity])

    def _on_shifted(self, identity: int, by: int) -> None:
        items = [item.model_dump(mode="json") for item in self._items]
        place = self._identities().index(identity)
        if 0 <= place + by < len(items):
            items.insert(place + by, items.pop(place))
            self._give(items)

    def _give(self, items: list[dict[str, Any]]) -> None:
        self._form.change(self._path, items, final=True)
        self._form.set_config(self._form.config)

    def set_path(self, path: str) -> None:
        self._path = path
        for place, card in enumerate(self._cards):
            card.set_path(f"{path}.{place}")

    def set_notes(self, notes: Mapping[str, str]) -> None:
        for card in self._cards:
            card.set_notes(notes)

    def editor(self, path: str) -> Editor | None:
        place, _, rest = path.partition(".")
        return self._cards[int(place)].editor(rest) if int(place) < len(self._cards) else None

    def lock(self, locked: bool) -> None:
        low, high, count = self._spec.low, self._spec.high, len(self._cards)
        full = f"At most {high:g} fit" if high is not None and count >= high else ""
        few = f"At least {_counted(low, self._noun)} stays" if low is not None and count <= low else ""
        if locked:
            full = few = LOCKED
        self._add.setToolTip(full)
        self._add.setEnabled(not full)
        for place, card in enumerate(self._cards):
            card.lock(locked)
            card.allow(raised=place > 0 and not locked, lowered=place < count - 1 and not locked,
                       copy_refusal=full, remove_refusal=few)  # fmt: skip


class _Card(QFrame):
    """One config of a list: its words and buttons on top, below its rows, which are made when first shown."""

    copied = Signal(int)  # identity
    removed = Signal(int)  # identity
    shifted = Signal(int, int)  # identity, places down

    def __init__(
        self,
        form: ParamForm,
        config: type[Config],
        names: str,
        identity: int,
        noun: str,
        make_section: MakeSection,
    ) -> None:
        super().__init__()
        self.setObjectName("card")
        self.identity = identity
        self._form, self._config, self._path, self._names, self._noun = form, config, "", names, noun
        self._make_section = make_section
        self._item: Any = None
        self._body: Section | None = None
        fields = {spec.name for spec in params_of(config)}
        self._entry = next((spec.name for spec in params_of(config) if spec.kind is Kind.ENTRY), None)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(6, 4, 4, 4)
        self._layout.setSpacing(6)
        head = QHBoxLayout()
        head.setSpacing(2)
        self._arrow = SignButton("right", f"{names}.fold", f"Fold or unfold this {noun}")
        self._arrow.setCheckable(True)
        self._arrow.toggled.connect(self._on_toggled)
        head.addWidget(self._arrow)
        self._chip = QLabel("●")
        head.addWidget(self._chip)
        head.addSpacing(4)
        self._title = QLabel()
        self._title.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        head.addWidget(self._title, 1)
        self._raise = self._button("raise", "raise", f"Move this {noun} up")
        self._raise.clicked.connect(lambda: self.shifted.emit(identity, -1))
        self._lower = self._button("lower", "lower", f"Move this {noun} down")
        self._lower.clicked.connect(lambda: self.shifted.emit(identity, 1))
        self._copy = self._button("copy", "duplicate", f"Duplicate this {noun}")
        self._copy.clicked.connect(lambda: self.copied.emit(identity))
        self._eye = self._button("eye", "visible", f"Hide this {noun}")
        self._eye.clicked.connect(self._on_eye)
        self._cross = self._button("cross", "remove", f"Remove this {noun}")
        self._cross.clicked.connect(lambda: self.removed.emit(identity))
        for button in (self._raise, self._lower, self._copy, self._eye, self._cross):
            head.addWidget(button)
        self._layout.addLayout(head)
        self._chip.setVisible("id" in fields)
        self._eye.setVisible("visible" in fields)
        self._paint_chip()

    def _button(self, sign: str, field: str, help: str) -> SignButton:
        return SignButton(sign, f"{self._names}.{field}", help)

    def show_config(self, item: Any) -> None:
        self._item = item
        if self._arrow.isChecked() and self._body is None:
            self._make_body()
        if self._body is not None:
            self._body.show_config(item)
        self._show_head()

    def follow(self, item: Any) -> None:
        self._item = item
        if self._body is not None:
            self._body.follow(item)
        self._show_head()

    def _show_head(self) -> None:
        visible = getattr(self._item, "visible", True)
        self._eye.set_sign("eye" if visible else "closed eye")
        self._eye.explain(f"{'Hide' if visible else 'Show'} this {self._noun}")
        folded = not self._arrow.isChecked()
        words = _summary(getattr(self._item, self._entry)) if folded and self._entry else ""
        self._title.setText(f"{self.identity + 1}  {words}".strip())
        self._title.setToolTip(words)

    def set_open(self, opened: bool) -> None:
        """Show or fold away the rows."""
        self._arrow.setChecked(opened)

    def _on_toggled(self, opened: bool) -> None:
        self._arrow.set_sign("down" if opened else "right")
        if self._item is None:
            return
        if opened and self._body is None:
            self.show_config(self._item)
        elif self._body is not None:
            self._body.setVisible(opened)
        self._show_head()
        self._form.order_tabs()

    def _make_body(self) -> None:
        self._body = self._make_section(
            self._form, self._config, self._path, self._names, without=("visible",), titled=False
        )
        self._body.setContentsMargins(4, 0, 4, 6)
        self._layout.addWidget(self._body)
        self._body.lock(self._form.locked)

    def _on_eye(self) -> None:
        self._form.change(f"{self._path}.visible", not self._item.visible, final=True)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        header = self._arrow.geometry().bottom() + self._layout.spacing()
        if event.button() == Qt.MouseButton.LeftButton and event.position().y() < header:
            self._arrow.toggle()
        else:
            super().mousePressEvent(event)

    def _paint_chip(self) -> None:
        self._chip.setStyleSheet(f"color: {theme.racer_colour(self.identity, self).name()};")

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and hasattr(self, "_chip"):
            self._paint_chip()

    def allow(self, *, raised: bool, lowered: bool, copy_refusal: str, remove_refusal: str) -> None:
        """Enable what can be done with the card; a refusal says why not."""
        self._raise.setEnabled(raised)
        self._lower.setEnabled(lowered)
        self._copy.setEnabled(not copy_refusal)
        self._copy.explain(copy_refusal or f"Duplicate this {self._noun}")
        self._cross.setEnabled(not remove_refusal)
        self._cross.explain(remove_refusal or f"Remove this {self._noun}")

    def set_path(self, path: str) -> None:
        """Stand for the item at another path."""
        self._path = path
        if self._body is not None:
            self._body.set_path(path)

    def editor(self, path: str) -> Editor | None:
        """The editor at a path below the item; None also while its rows have never been shown."""
        return self._body.editor(path) if self._body is not None else None

    def set_notes(self, notes: Mapping[str, str]) -> None:
        """Say which rows do nothing now, and why."""
        if self._body is not None:
            self._body.set_notes(notes)

    def lock(self, locked: bool) -> None:
        """Disable the rows that a running job cannot take."""
        if self._body is not None:
            self._body.lock(locked)


def _summary(entry: EntryConfig) -> str:
    """What a folded card says: the entry's label and its first number."""
    numbers = [v for v in entry.values.values() if isinstance(v, float)]
    return entry.registry[entry.name].label + (f" · {numbers[0]:.4g}" if numbers else "")


def _counted(low: float, noun: str) -> str:
    return f"one {noun}" if low == 1 else f"{low:g} {noun}s"
