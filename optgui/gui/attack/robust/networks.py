"""RobustNetworks: which networks of the shelf are measured, the newest until a person says otherwise."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QListWidget, QListWidgetItem, QWidget

from optgui.core.snapshot import NetworkSnapshot
from optgui.core.training import DATASETS
from optgui.gui.attack.network_choice import words_of
from optgui.gui.attack.robust.marks import MOST
from optgui.gui.networks import NetworkShelf

ROWS = 5  # in sight at once
_ID = Qt.ItemDataRole.UserRole


class RobustNetworks(QListWidget):
    """A tick for each network to measure; one of other digits, or beyond the most, says why it cannot be."""

    changed = Signal()  # what is ticked

    def __init__(self, shelf: NetworkShelf, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("attack.robust.networks")
        self.setAccessibleName("Networks to measure")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self._shelf = shelf
        self._dataset = ""  # of the digits; "" while unknown
        self._known: dict[str, tuple[str, str]] = {}  # words and data set by id: some networks are on disk
        self._chosen: list[str] | None = None  # by a person
        self.itemChanged.connect(self._on_ticked)
        shelf.added.connect(self._on_changed)
        shelf.current_changed.connect(self._on_changed)
        self._fill()

    def sizeHint(self) -> QSize:
        """As high as its rows, up to a few."""
        row = self.sizeHintForRow(0) if self.count() else self.fontMetrics().height() + 4
        return QSize(200, row * min(ROWS, max(1, self.count())) + 4)

    def minimumSizeHint(self) -> QSize:
        return QSize(80, self.sizeHint().height())

    @property
    def ids(self) -> list[str]:
        """What is ticked, the newest first."""
        items = (self.item(row) for row in range(self.count()))
        return [item.data(_ID) for item in items if item.checkState() is Qt.CheckState.Checked]

    def words(self) -> dict[str, str]:
        """What each network is, by id."""
        return {identity: words for identity, (words, _) in self._known.items()}

    def snapshots(self) -> tuple[NetworkSnapshot, ...]:
        """The networks ticked.

        Raises:
            ValueError: if one can no longer be read.
        """
        return tuple(self._shelf.get(identity) for identity in self.ids)

    def set_dataset(self, name: str) -> None:
        """Offer only networks that have learned these digits."""
        if name != self._dataset:
            self._dataset = name
            self._fill()

    def tick(self, ids: list[str]) -> None:
        """Tick these networks alone, as a person does; the first ones, where they are too many."""
        self._chosen = ids[:MOST]
        self._fill()

    def _on_changed(self, identity: str) -> None:
        self._known.pop(identity, None)
        self._fill()

    def _about(self, identity: str) -> tuple[str, str]:
        if identity not in self._known:
            snapshot = self._shelf.get(identity)
            self._known[identity] = words_of(snapshot), snapshot.dataset
        return self._known[identity]

    def _fits(self, identity: str) -> bool:
        return self._dataset in ("", self._about(identity)[1])

    def _fill(self) -> None:
        before = self.ids
        fitting = [identity for identity in reversed(self._shelf.ids) if self._fits(identity)]
        current = self._shelf.current
        newest = current.id if current is not None and current.id in fitting else next(iter(fitting), None)
        ticked = ([newest] if newest is not None else []) if self._chosen is None else self._chosen
        self.blockSignals(True)
        self.clear()
        for identity in reversed(self._shelf.ids):
            words = self._about(identity)[0]
            item = QListWidgetItem(words)
            item.setData(_ID, identity)
            item.setSizeHint(QSize(0, self.fontMetrics().height() + 6))
            on = identity in ticked and identity in fitting
            item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
            self.addItem(item)
        self.blockSignals(False)
        self._offer()
        self.updateGeometry()
        if self.ids != before:
            self.changed.emit()

    def _offer(self) -> None:
        """Let be ticked what can be measured; anything else says why not."""
        full = len(self.ids) >= MOST
        self.blockSignals(True)
        for row in range(self.count()):
            item = self.item(row)
            words, dataset = self._about(item.data(_ID))
            refusal = ""
            if not self._fits(item.data(_ID)):
                learned, here = DATASETS[dataset].label, DATASETS[self._dataset].label
                refusal = f"Trained on {learned}, but the test digits here are {here}"
            elif full and item.checkState() is Qt.CheckState.Unchecked:
                refusal = f"At most {MOST} networks: untick another one first"
            able = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemIsUserCheckable
            item.setFlags(Qt.ItemFlag.NoItemFlags if refusal else able)
            item.setToolTip(f"{words}\n{refusal}".strip())
        self.blockSignals(False)

    def _on_ticked(self, item: QListWidgetItem) -> None:
        self._chosen = self.ids
        self._offer()
        self.changed.emit()
