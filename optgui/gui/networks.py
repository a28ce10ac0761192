"""The shelf of networks that the tabs share, by id."""

from __future__ import annotations

import dataclasses
import itertools
import shutil
import tempfile
import weakref
from pathlib import Path

import numpy as np
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
        self._folder: Path | None = None
        self._stored: dict[str, None] = {}  # ids in the order of arrival
        self._about: dict[str, NetworkSnapshot] = {}

    @property
    def ids(self) -> tuple[str, ...]:
        """Every id on the shelf, the pinned ones and then oldest first."""
        return (*self._pinned, *self._stored, *self._snapshots)

    def about(self, identity: str) -> NetworkSnapshot:
        """What is known of a network on the shelf without its weights; nothing is read from disk."""
        return self._about[identity]

    @property
    def current(self) -> NetworkSnapshot | None:
        """The newest network."""
        return next(reversed(self._snapshots.values()), None)

    def add(self, snapshot: NetworkSnapshot) -> None:
        """Put a snapshot on the shelf; the same id again replaces what was known of it."""
        known = snapshot.id in self._about
        self._snapshots.pop(snapshot.id, None)
        self._stored.pop(snapshot.id, None)
        self._snapshots[snapshot.id] = snapshot
        self._remember(snapshot)
        while len(self._snapshots) > KEPT:
            self._store(self._snapshots.pop(next(iter(self._snapshots))))
        if not known:
            self.added.emit(snapshot.id)
        self.current_changed.emit(snapshot.id)

    def pin(self, snapshot: NetworkSnapshot) -> str:
        """Keep a snapshot in memory as long as the shelf; it does not become the current one.

        Where another network has its id already, as one of an earlier session may, it gets a number behind
        it. Returns the id under which it is found.
        """
        for number in itertools.count(1):
            identity = snapshot.id if number == 1 else f"{snapshot.id} ({number})"
            if identity not in self._about:
                break
            if _same(self.get(identity), snapshot):
                return identity
        self._pinned[identity] = dataclasses.replace(snapshot, id=identity)
        self._remember(self._pinned[identity])
        self.added.emit(identity)
        return identity

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
            self._folder = Path(tempfile.mkdtemp(prefix="optgui-networks-"))
            weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        return self._folder / f"{identity}.safetensors"

    def _store(self, snapshot: NetworkSnapshot) -> None:
        snapshot.save(self._path(snapshot.id))
        self._stored[snapshot.id] = None

    def _remember(self, snapshot: NetworkSnapshot) -> None:
        self._about[snapshot.id] = dataclasses.replace(snapshot, arrays={})


def _same(one: NetworkSnapshot, other: NetworkSnapshot) -> bool:
    """Whether two snapshots are one network."""
    facts = one.model == other.model and one.dataset == other.dataset
    return (
        facts
        and one.arrays.keys() == other.arrays.keys()
        and all(np.array_equal(array, other.arrays[name]) for name, array in one.arrays.items())
    )
