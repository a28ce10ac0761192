"""Checkpoints in memory, as a tree: every rewind begins a new branch."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import torch

from optgui.core.training.records import Node

BUDGET = 512 * 2**20  # bytes; 700 checkpoints of the tutorial's network under Adam, 400 of a small CNN
State = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class _Kept:
    """A checkpoint: `state` is never written to, `level` is the smoothed loss there."""

    node: Node
    state: State
    level: float
    size: int


class Timeline:
    """What a run can go back to.

    Over the budget the oldest automatic checkpoints (of epochs and edits) go first, then the oldest marks;
    the start and the one the run stands on stay. Children of one that goes hang on its parent.
    """

    def __init__(self, budget: int = BUDGET) -> None:
        self._budget = budget
        self._kept: dict[int, _Kept] = {}
        self._next_id = 0
        self._branches = 0
        self.branch = 0
        self.here = -1
        self.rewinds: tuple[tuple[int, int, int], ...] = ()
        self.nodes: tuple[Node, ...] = ()

    def add(
        self,
        kind: str,
        label: str,
        *,
        step: int,
        epoch: int,
        accuracy: float | None,
        state: State,
        level: float,
    ) -> Node:
        """Keep a state the run has just been in."""
        node = Node(self._next_id, self.here, self.branch, step, epoch, label, kind, accuracy)
        self._next_id += 1
        self._kept[node.id] = _Kept(node, state, level, _size(state))
        self.here = node.id
        self._thin()
        self.nodes = tuple(kept.node for kept in self._kept.values())
        return node

    def at(self, node: int) -> tuple[Node, State]:
        """A checkpoint.

        Raises:
            ValueError: if there is none of that number, or no longer.
        """
        if node not in self._kept:
            raise ValueError(f"node: expected one of the checkpoints that are kept, got {node}")
        kept = self._kept[node]
        return kept.node, kept.state

    def branch_off(self, node: int) -> int:
        """Stand on a checkpoint, as the first of a new branch; the branch's number."""
        self._branches = max(self._branches, self.branch) + 1
        self.branch, self.here = self._branches, node
        if node in self._kept:
            self.rewinds = (*self.rewinds, (node, self._kept[node].node.step, self.branch))
        return self.branch

    def before(self, level: float) -> int | None:
        """The last checkpoint on the way to here at which the smoothed loss was at most `level`."""
        path = list(self._path())
        return next(
            (kept.node.id for kept in path if kept.level <= level), path[-1].node.id if path else None
        )

    def _path(self) -> Iterator[_Kept]:
        """From here to the start."""
        node = self.here
        while node in self._kept:
            yield self._kept[node]
            node = self._kept[node].node.parent

    def _thin(self) -> None:
        total = sum(kept.size for kept in self._kept.values())
        for kinds in (("epoch", "edit"), ("mark",)):
            for number, kept in list(self._kept.items()):
                if total <= self._budget:
                    return
                if kept.node.kind in kinds and number != self.here:
                    total -= kept.size
                    self._drop(number)

    def _drop(self, number: int) -> None:
        parent = self._kept.pop(number).node.parent
        for child, kept in self._kept.items():
            if kept.node.parent == number:
                self._kept[child] = dataclasses.replace(kept, node=kept.node._replace(parent=parent))


def _size(value: Any) -> int:
    """Bytes of all tensors in nested dicts, lists and tuples."""
    if isinstance(value, torch.Tensor):
        return value.nbytes
    if isinstance(value, dict):
        return sum(_size(item) for item in value.values())
    if isinstance(value, (list, tuple)):
        return sum(_size(item) for item in value)
    return 0
