"""Ordered registries: what can be chosen by name, each entry with its words and its parameters."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from optgui.core.params import Config


@dataclasses.dataclass(frozen=True)
class Entry:
    """One thing to choose: `label` and `help` are for people, `params` describes its own parameters."""

    name: str
    label: str
    params: type[Config]
    help: str = ""
    formula: str = ""
    reference: str = ""


E = TypeVar("E", bound=Entry)


class Registry(Mapping[str, E]):
    """Entries by name, in the order in which a person should meet them."""

    def __init__(self, *entries: E) -> None:
        self._entries = {entry.name: entry for entry in entries}

    def __getitem__(self, name: str) -> E:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def choices(self) -> tuple[tuple[str, str], ...]:
        """`(name, label)` pairs, for a parameter that is one of the entries."""
        return tuple((entry.name, entry.label) for entry in self.values())
