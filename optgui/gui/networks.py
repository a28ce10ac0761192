"""The shelf of networks that the tabs share, by id."""

from __future__ import annotations

import tempfile
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from optgui.core.snapshot import NetworkSnapshot

KEPT = 20  # newest snapshots in memory; older ones wait on disk


class NetworkShelf(QObject):
    """Snapshots in the order of arrival; `current` is the newest one.

    The newest `KEPT` stay in memory; older ones go to a folder that ends with the shelf.
    """

    added = Signal(str)  # id
    current_changed = Signal(str)  # id

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._snapshots: dict[str, NetworkSnapshot] = {}
        self._pinned: dict[str, NetworkSnapshot] = {}
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._stored: set[str] = set()

    @property
    def ids(self) -> tuple[str, ...]:
        """Every id on the shelf, the pinned ones and then oldest first."""
        return (*self._pinned, *sorted(self._stored), *self._snapshots)

    @property
    def current(self) -> NetworkSnapshot | None:
        """The newest network."""
        return next(reversed(self._snapshots.values()), None)

    def add(self, snapshot: NetworkSnapshot) -> None:
        """Put a snapshot on the shelf; the same id again replaces what was known of it."""
        known = self._snapshots.pop(snapshot.id, None)
        self._snapshots[snapshot.id] = snapshot
        while len(self._snapshots) > KEPT:
            self._store(self._snapshots.pop(next(iter(self._snapshots))))
        if known is None:
            self.added.emit(snapshot.id)
        self.current_changed.emit(snapshot.id)

    def pin(self, snapshot: NetworkSnapshot) -> None:
        """Keep a snapshot in memory as long as the shelf; it does not become the current one."""
        self._pinned[snapshot.id] = snapshot
        self.added.emit(snapshot.id)

    def get(self, identity: str) -> NetworkSnapshot:
        """The snapshot with an id.

        Raises:
            KeyError: if it is not on the shelf.
        """
        if identity in self._pinned:
            return self._pinned[identity]
        if identity in self._snapshots:
            return self._snapshots[identity]
        if identity in self._stored:
            return NetworkSnapshot.load(self._path(identity))
        raise KeyError(identity)

    def _path(self, identity: str) -> Path:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="optgui-networks-")
        return Path(self._folder.name) / f"{identity}.safetensors"

    def _store(self, snapshot: NetworkSnapshot) -> None:
        snapshot.save(self._path(snapshot.id))
        self._stored.add(snapshot.id)
