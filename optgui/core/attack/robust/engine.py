"""The robust curves of several networks, a few hundred digits at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from optgui.core.attack.inputs import checked_victim, digits_at_once, first_digits
from optgui.core.attack.norms import norm_of
from optgui.core.attack.robust.config import RobustConfig, RobustCurve, RobustInputs
from optgui.core.attack.robust.thresholds import Thresholds
from optgui.core.attack.victim import Victim
from optgui.core.engine import Status
from optgui.core.params import refuse_locked
from optgui.core.runtime import use_threads
from optgui.core.snapshot import frozen
from optgui.core.training.models import network_of

FIRST = 100  # digits of the first picture, so that it comes soon
TYPICAL = 4  # times the config's steps: what a part takes, before one has shown it
SURE = 1.959964  # standard deviations on either side of 95 %


class RobustRecord(NamedTuple):
    """How far the measurement is."""

    digits: int  # attacked in every norm on every network
    network: int  # at work, from 0
    norm: str


@dataclasses.dataclass(frozen=True)
class RobustFrame:
    """The curves so far, all of them of the same digits."""

    curves: tuple[RobustCurve, ...]  # of each network in each norm
    digits: int  # they are of
    wanted: int


class RobustEngine:
    """Measures the robust accuracy of networks, the first digits first, so that what is there is whole.

    Args:
        config: what to measure.
        inputs: the networks and the test set.

    Raises:
        ValueError: if there is no network, the test set is smaller, or a network's answer is not finite.
    """

    def __init__(self, config: RobustConfig, inputs: RobustInputs) -> None:
        use_threads(1)
        if not inputs.networks:
            raise ValueError("networks: expected at least one network, got none")
        self.config = config
        self._ids = [snapshot.id for snapshot in inputs.networks]
        self._images, self._labels = first_digits(inputs.images, inputs.labels, config.digits)
        self._victims = [self._checked(network_of(snapshot)) for snapshot in inputs.networks]
        self._kinds = [(network, norm) for network in range(len(self._victims)) for norm in config.norms]
        self._found: dict[tuple[int, str], list[NDArray[np.float64]]] = {kind: [] for kind in self._kinds}
        self._quiet: dict[tuple[int, str], NDArray[np.float64]] = {
            kind: np.zeros(config.epsilons + 1) for kind in self._kinds
        }  # digits read rightly under noise, by radius
        self._digits = 0
        self._part = 0  # of the digits under attack: which of `_kinds` is at work
        self._steps = 0  # done in this part
        self._typical = [TYPICAL * config.steps] * len(self._kinds)  # steps that each part took last
        self._size = digits_at_once(*self._victims)
        self._work = self._measure()
        self._ended = False
        self._drawn = RobustFrame((), 0, config.digits)

    @property
    def done(self) -> bool:
        """Whether every digit was attacked."""
        return self._ended

    def step(self) -> RobustRecord:
        """One step of one attack on some of the digits."""
        if next(self._work, None) is None:
            self._ended = True
        self._steps += 1
        network, norm = self._kinds[min(self._part, len(self._kinds) - 1)]
        return RobustRecord(self._digits, network, norm)

    def status(self) -> Status:
        """Digits attacked and to attack; those under attack count by how much of their curves is done."""
        if self._ended:
            return Status(self._digits, self.config.digits, "digits")
        begun = min(1.0, self._steps / self._typical[self._part])
        under = int(self._count() * (self._part + begun) / len(self._kinds))
        return Status(self._digits + under, self.config.digits, "digits")

    def frame(self) -> RobustFrame:
        """The curves of the digits attacked so far."""
        if self._digits != self._drawn.digits:
            curves = tuple(self._curve(kind) for kind in self._kinds)
            self._drawn = RobustFrame(curves, self._digits, self.config.digits)
        return self._drawn

    def apply(self, config: RobustConfig) -> None:
        """No field is live.

        Raises:
            ValueError: if any differs.
        """
        refuse_locked(self.config, config)

    def answer(self, request: Any) -> Any:
        """A measurement answers no request: its frame holds everything.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"request: expected none, got {request!r}")

    def _checked(self, network: nn.Module) -> Victim:
        return checked_victim(network, self._images[:1])[0]

    def _count(self) -> int:
        """How many digits are under attack."""
        return min(self._size if self._digits else FIRST, self.config.digits - self._digits)

    def _measure(self) -> Iterator[bool]:
        config = self.config
        while self._digits < config.digits:
            first, count = self._digits, self._count()
            rows = slice(first, first + count)
            parts = []
            for part, (network, norm) in enumerate(self._kinds):
                self._part, self._steps = part, 0
                victim = self._victims[network]
                images, labels = self._images[rows].to(victim.device), self._labels[rows].to(victim.device)
                radii = torch.from_numpy(config.radii(norm)).to(victim.device)
                seed = (config.seed + first) % 2**32
                thresholds = Thresholds(victim, images, labels, norm, radii, config.steps, seed)
                for _ in thresholds.search():
                    yield True
                quiet = np.zeros(config.epsilons + 1)
                if config.noise:
                    for place, right in enumerate(self._noise(victim, images, labels, norm, seed)):
                        quiet[place] = right
                        yield True
                parts.append((thresholds.found.cpu().numpy(), quiet))
                self._typical[part] = max(1, self._steps)
            for kind, (found, quiet) in zip(self._kinds, parts, strict=True):
                self._found[kind].append(found)
                self._quiet[kind] += quiet
            self._digits, self._part, self._steps = first + count, 0, 0

    def _noise(
        self, victim: Victim, images: torch.Tensor, labels: torch.Tensor, norm: str, seed: int
    ) -> Iterator[float]:
        """How many digits are read rightly under noise of each radius, one draw each, clipped to [0, 1]."""
        generator = torch.Generator().manual_seed(seed)
        shape = tuple(images.shape)
        for radius in (0.0, *self.config.radii(norm)):
            drawn = norm_of(norm).random(shape, float(radius), generator).to(images.device)
            answers = victim.logits((images + drawn).clamp(0, 1)).argmax(1)
            yield float((answers == labels).sum())

    def _curve(self, kind: tuple[int, str]) -> RobustCurve:
        network, norm = kind
        found = np.concatenate(self._found[kind])
        epsilons = np.concatenate([[0.0], self.config.radii(norm)])
        robust = (found[None, :] > epsilons[:, None]).mean(1)
        low, high = wilson(robust, len(found))
        noise = self._quiet[kind] / len(found) if self.config.noise else None
        return RobustCurve(
            self._ids[network],
            norm,
            frozen(epsilons),
            frozen(robust),
            frozen(low),
            frozen(high),
            None if noise is None else frozen(noise),
            frozen(found),
        )


def wilson(share: NDArray[np.float64], count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The 95 % confidence band of shares (k,) of `count` digits.

    Source: E. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 1927.
    """
    z2 = SURE**2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = SURE * np.sqrt(share * (1 - share) / count + z2 / (4 * count**2)) / (1 + z2 / count)
    return np.clip(middle - half, 0, share), np.clip(middle + half, share, 1)
