"""Undo and redo of the edits of one form, in plain Python: a QUndoCommand would have two owners."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from optgui.core.params import Config


class Gesture(NamedTuple):
    """One settled edit."""

    words: str
    before: Config
    after: Config


class History:
    """Gestures in order; `put_back` is called with the config of an undone or redone one."""

    def __init__(self, put_back: Callable[[Config], None]) -> None:
        self._put_back = put_back
        self._done: list[Gesture] = []
        self._undone: list[Gesture] = []

    def __len__(self) -> int:
        return len(self._done) + len(self._undone)

    def add(self, gesture: Gesture) -> None:
        """Remember a gesture; what was undone before it is forgotten."""
        self._done.append(gesture)
        self._undone.clear()

    def clear(self) -> None:
        """Forget everything: what was edited is no longer there."""
        self._done.clear()
        self._undone.clear()

    @property
    def can_undo(self) -> bool:
        """Whether there is a gesture to undo."""
        return bool(self._done)

    @property
    def can_redo(self) -> bool:
        """Whether there is an undone gesture."""
        return bool(self._undone)

    @property
    def undo_words(self) -> str:
        """What the next undo takes back."""
        return self._done[-1].words if self._done else ""

    def undo(self) -> None:
        """Take back the last gesture."""
        if self._done:
            self._undone.append(self._done.pop())
            self._put_back(self._undone[-1].before)

    def redo(self) -> None:
        """Make the last undone gesture again."""
        if self._undone:
            self._done.append(self._undone.pop())
            self._put_back(self._done[-1].after)
