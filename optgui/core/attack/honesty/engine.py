"""The checks of an attack one after another, each on all digits, and the strongest of them together."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Generator, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from optgui.core.attack.config import AttackConfig
from optgui.core.attack.honesty.checks import NO_OTHER, Check, asked, checks_of
from optgui.core.attack.honesty.config import HonestyConfig, HonestyInputs
from optgui.core.attack.honesty.flags import TINY, Findings, flags_of
from optgui.core.attack.honesty.frame import HonestyFrame, HonestyRow, RowState, strongest
from optgui.core.attack.inputs import checked_victim, digits_at_once, first_digits
from optgui.core.attack.loop import Attack
from optgui.core.attack.losses import LOSSES, Goal
from optgui.core.attack.methods import METHODS
from optgui.core.attack.norms import norm_of
from optgui.core.attack.robust.engine import wilson
from optgui.core.attack.strongest import Worst
from optgui.core.attack.strongest import strongest as attacks_in_turn
from optgui.core.attack.verdict import verified
from optgui.core.attack.victim import Victim
from optgui.core.engine import RunFailed, Status
from optgui.core.params import refuse_locked
from optgui.core.runtime import use_threads
from optgui.core.snapshot import NetworkSnapshot
from optgui.core.training.models import network_of


class HonestyRecord(NamedTuple):
    """How far the checks are."""

    check: int  # at work, from 0
    steps: int  # of all attacks so far


class HonestyEngine:
    """Checks an attack on the first digits of the test set.

    A digit counts as fooled by a check if the network itself, in a fresh look at the changed picture,
    misreads it, the picture lies in [0, 1] and the change is no larger than epsilon. A digit that is misread
    as it is counts as fooled by every check. What is verified by any check counts for the strongest of all.

    Args:
        config: how many digits.
        inputs: the attack, the networks and the test set.

    Raises:
        ValueError: if the test set is smaller, or a network's answer is not finite.
    """

    def __init__(self, config: HonestyConfig, inputs: HonestyInputs) -> None:
        use_threads(1)
        count = config.digits
        self.config = config
        self._images, labels = first_digits(inputs.images, inputs.labels, count)
        self._attack, self._notes = asked(inputs.attack)
        self._as_set = inputs.attack
        self._network_id = inputs.network.id
        self._victim = self._checked(inputs.network)
        no_other = _no_other(inputs)
        self._other = None if no_other else self._checked(inputs.other)
        self._images = self._images.to(self._victim.device)
        self._labels = labels.to(self._victim.device)
        self._norm = norm_of(self._attack.norm)
        self._size = digits_at_once(*(victim for victim in (self._victim, self._other) if victim))
        self._right = torch.zeros(count, dtype=torch.bool, device=self._victim.device)  # without any attack
        self._lengths = torch.full((count,), torch.nan, device=self._victim.device)  # of the gradients
        self._checks = checks_of(inputs.attack, config.seed, no_other)
        self._states = [
            RowState.IMPOSSIBLE if check.attack is None else RowState.WAITING for check in self._checks
        ]
        self._reasons = [""] * len(self._checks)
        self._fooled = torch.zeros(len(self._checks), count, dtype=torch.bool, device=self._victim.device)
        self._any = torch.zeros_like(self._right)  # fooled by what is in ball and box, whoever found it
        self._judged = [0] * len(self._checks)  # digits
        self._seconds = [0.0] * len(self._checks)
        self._place, self._count = 0, 0
        self._parts = [slice(first, min(first + self._size, count)) for first in range(0, count, self._size)]
        self._total = len(self._parts) * (1 + sum(check.steps for check in self._checks))
        self._clean = np.nan
        self._work = self._try_all()
        self._ended = False

    @property
    def done(self) -> bool:
        """Whether every check was made."""
        return self._ended

    def step(self) -> HonestyRecord:
        """One step of one attack on some of the digits."""
        begun, place = time.perf_counter(), self._place
        if next(self._work, None) is None:
            self._ended = True
        self._seconds[place] += time.perf_counter() - begun
        return HonestyRecord(self._place, self._count)

    def status(self) -> Status:
        """Iterations of all attacks together, and the check at work."""
        return Status(self._count, self._total, "iterations", self._checks[self._place].name)

    def frame(self) -> HonestyFrame:
        """The checks so far; a sign is flagged only by checks that were made on all digits."""
        rows = tuple(self._row(place) for place in range(len(self._checks)))
        return HonestyFrame(
            attack=self._as_set,
            network_id=self._network_id,
            rows=(*rows, self._strongest()),
            flags=flags_of(self._findings(rows)),
            notes=self._notes,
            digits=self.config.digits,
            clean=self._clean,
        )

    def apply(self, config: HonestyConfig) -> None:
        """No field is live.

        Raises:
            ValueError: if any differs.
        """
        refuse_locked(self.config, config)

    def answer(self, request: Any) -> Any:
        """The checks answer no request: their frame holds everything.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"request: expected none, got {request!r}")

    def _checked(self, snapshot: NetworkSnapshot | None) -> Victim:
        assert snapshot is not None
        return checked_victim(network_of(snapshot), self._images[:1])[0]

    def _try_all(self) -> Iterator[bool]:
        for part in self._parts:
            self._read(part)
            yield True
        self._clean = float(self._right.double().mean())
        for place, check in enumerate(self._checks):
            if check.attack is None:
                continue
            self._place, self._states[place] = place, RowState.RUNNING
            before = self._count
            try:
                for part in self._parts:
                    yield from self._try(place, check, check.attack, part)
                self._states[place] = RowState.DONE
            except RunFailed as failure:
                self._states[place], self._reasons[place] = RowState.IMPOSSIBLE, str(failure)
            self._count = before + len(self._parts) * check.steps

    def _read(self, part: slice) -> None:
        """What the network makes of some digits as they are: the answers, and how steep the loss is."""
        images, labels = self._images[part], self._labels[part]
        uses = METHODS[self._attack.method.name].uses
        loss = LOSSES[self._attack.loss if "loss" in uses else "CrossEntropy"].loss
        self._right[part] = self._victim.logits(images).argmax(1) == labels
        gradient = self._victim.pull(images, Goal(labels), loss).gradient.double()
        self._lengths[part] = torch.linalg.vector_norm(gradient.flatten(1), dim=1).to(self._lengths.dtype)
        self._any[part] = ~self._right[part]
        self._count += 1

    def _try(self, place: int, check: Check, config: AttackConfig, part: slice) -> Iterator[bool]:
        """One check on some digits; those that are misread as they are need no attack."""
        self._fooled[place, part] = ~self._right[part]
        rows = torch.arange(len(self._images), device=self._images.device)[part]
        rows = rows[self._right[part]]
        if len(rows):
            seeded = config.changed("seed", (config.seed + part.start) % 2**32)
            changed = yield from (self._in_turn if check.in_turn else self._attacked)(check, seeded, rows)
            self._take(place, rows, changed)
        self._judged[place] = part.stop

    def _attacked(
        self, check: Check, config: AttackConfig, rows: torch.Tensor
    ) -> Generator[bool, None, torch.Tensor]:
        """What one attack makes of some digits, (k, 1, 28, 28)."""
        victim = self._other if check.on_other else self._victim
        assert victim is not None
        images, labels = self._images[rows].to(victim.device), self._labels[rows].to(victim.device)
        attack = Attack(config, victim, images, labels)
        before = self._count
        while not attack.done:
            attack.step()
            self._count = before + attack.step_count
            yield True
        return attack.changed(attack.result()).to(self._images.device)

    def _in_turn(
        self, check: Check, config: AttackConfig, rows: torch.Tensor
    ) -> Generator[bool, None, torch.Tensor]:
        """What several attacks make of some digits, each of what the others left, (k, 1, 28, 28)."""
        images, labels, before = self._images[rows], self._labels[rows], self._count
        running = attacks_in_turn(self._victim, images, labels, config.norm, config.epsilon, config.seed)
        while True:
            try:
                standing = next(running)
            except StopIteration as end:
                worst: Worst = end.value
                return worst.adversarial
            self._count = before + round(standing.share * check.steps)
            yield True

    def _take(self, place: int, rows: torch.Tensor, changed: torch.Tensor) -> None:
        """Judge the pictures (k, 1, 28, 28) of some digits afresh."""
        goal = Goal(self._labels[rows])
        verdict = verified(self._victim, self._images[rows], changed, goal, self._norm)
        within = verdict.within(self._attack.epsilon)
        self._fooled[place, rows] = within if self._checks[place].bounded else verdict.fooled
        self._any[rows] |= within

    def _row(self, place: int) -> HonestyRow:
        check, state = self._checks[place], self._states[place]
        judged = self._judged[place]
        robust = _left(self._fooled[place], judged)
        first = _left(self._fooled[0], judged) if check.bounded and self._judged[0] >= judged else np.nan
        return HonestyRow(
            check.key,
            check.name,
            self._reasons[place] or check.detail,
            check.help,
            state,
            judged,
            robust,
            *_band(robust, judged),
            change=100 * (robust - first),
            seconds=self._seconds[place],
        )

    def _strongest(self) -> HonestyRow:
        """Every digit that any check fooled within ball and box counts as fooled."""
        judged = max(self._judged)
        robust = _left(self._any, judged)
        first = _left(self._fooled[0], judged) if self._judged[0] >= judged else np.nan
        waiting = RowState.RUNNING if judged else RowState.WAITING
        low, high = _band(robust, judged)
        return dataclasses.replace(
            strongest(RowState.DONE if self._ended else waiting),
            digits=judged,
            robust=robust,
            low=low,
            high=high,
            change=100 * (robust - first),
            seconds=sum(self._seconds),
        )

    def _findings(self, rows: tuple[HonestyRow, ...]) -> Findings:
        lengths = self._lengths[self._right].cpu().numpy()
        measured = len(lengths) > 0 and np.isfinite(self._clean)
        done = {row.key: row for row in rows if row.state is RowState.DONE}
        return Findings(
            self._attack,
            {row.key: row.name for row in rows},
            {key: row.robust for key, row in done.items()},
            frozenset(check.key for check in self._checks if self._is_same(check)),
            self._clean,
            flat=float((lengths == 0).mean()) if measured else np.nan,
            tiny=float((lengths < TINY).mean()) if measured else np.nan,
        )

    def _is_same(self, check: Check) -> bool:
        return check.attack is not None and check.attack.method.name == self._attack.method.name


def _left(fooled: torch.Tensor, judged: int) -> float:
    """The share of the first digits that are not fooled; NaN without any."""
    return 1 - float(fooled[:judged].double().mean()) if judged else np.nan


def _band(share: float, count: int) -> tuple[float, float]:
    if not count:
        return np.nan, np.nan
    shares: NDArray[np.float64] = np.array([share])
    low, high = wilson(shares, count)
    return float(low[0]), float(high[0])


def _no_other(inputs: HonestyInputs) -> str:
    """Why nothing can be transferred from the other network, or an empty string."""
    if inputs.other is None:
        return NO_OTHER
    if inputs.other.id == inputs.network.id:
        return "the other network is the one under attack"
    if inputs.other.dataset != inputs.network.dataset:
        return f"the other network was trained on {inputs.other.dataset}, not on {inputs.network.dataset}"
    return ""
