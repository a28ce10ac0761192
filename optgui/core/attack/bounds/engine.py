"""An upper bound on the smallest epsilon that fools one digit, for any wrong answer and for each certain one.

Every number is the size of a change that the network itself, asked once more, misreads. So none is too small;
how much too large one is, two searches tell that know little of each other.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from optgui.core.attack.bounds.config import BoundsConfig
from optgui.core.attack.config import AttackConfig
from optgui.core.attack.inputs import AttackInputs, checked_images, checked_labels, checked_victim
from optgui.core.attack.loop import Attack
from optgui.core.attack.losses import Goal
from optgui.core.attack.methods import METHODS
from optgui.core.attack.methods.smallest import surely
from optgui.core.attack.norms import norm_of
from optgui.core.attack.verdict import verified
from optgui.core.engine import RunFailed, Status
from optgui.core.params import refuse_locked
from optgui.core.runtime import use_threads
from optgui.core.snapshot import frozen, frozen_copy
from optgui.core.training.models import CLASSES, network_of

RUNGS = 16  # epsilons tried at once
ANY = -1  # the target of "any wrong answer"
_PGD, _MINIMAL = 0, 1
_RANGE = (0.25, 2.0)  # of the minimum-norm attack's size: where PGD's epsilons begin
_REACH = 5.0  # how often all of PGD's steps together span the radius; measured best in L2 and L∞
_CLOSE = 1e-4  # of a bound: what is left to halve is not worth it


class BoundsRecord(NamedTuple):
    """Where the search stands after a step."""

    step: int
    until: int  # the step at which it ends, as things stand
    found: int  # goals of the ten that have a bound
    bound: float  # on the smallest epsilon for any wrong answer; NaN as long as there is none


@dataclasses.dataclass(frozen=True)
class BoundsFrame:
    """The bounds so far: ten goals, first any wrong answer, then the wrong classes in turn; read-only arrays.

    Sizes are in the config's norm and NaN where nothing was found yet; so are the pixels. An image that fools
    counts for every goal it reaches. A digit that is misread as it is has bounds of 0.
    """

    norm: str
    original: NDArray[np.float32]  # (28, 28)
    label: int
    answer: int  # what the network reads, unchanged
    targets: NDArray[np.int64]  # (10,), -1 for any wrong answer
    pgd: NDArray[np.float32]  # (10,), sizes found by bisection over PGD
    minimal: NDArray[np.float32]  # (10,), sizes found by the minimum-norm attack
    smallest: NDArray[np.float32]  # (10,), the smaller of both
    images: NDArray[np.float32]  # (10, 28, 28) of that size
    answers: NDArray[np.int64]  # (10,), what the network reads there, -1 without an image
    ranking: NDArray[np.int64]  # (9,), wrong classes, the nearest first, those without a bound last
    network_id: str

    @property
    def misread(self) -> bool:
        """Whether the network misreads the digit as it is."""
        return self.answer != self.label


class BoundsEngine:
    """Looks for the smallest change of one digit that fools a network.

    Args:
        config: the search.
        network: any module that maps (n, 1, 28, 28) in [0, 1] to logits (n, 10).
        images: (1, 1, 28, 28) in [0, 1].
        labels: (1,) the digit's class.
        network_id: what a frame calls the network.

    Raises:
        ValueError: if images or labels are not that, or the network's answer is not finite logits.
    """

    def __init__(
        self,
        config: BoundsConfig,
        network: nn.Module,
        images: torch.Tensor | NDArray[Any],
        labels: torch.Tensor | NDArray[Any],
        network_id: str = "",
    ) -> None:
        checked = checked_images(images)
        if len(checked) != 1:
            raise ValueError(f"images: expected one digit, got {len(checked):,}")
        self.config = config
        self._network_id = network_id
        self._victim, self._image, logits = checked_victim(network, checked)
        self._label = checked_labels(labels, 1).to(self._image.device)
        self._norm = norm_of(config.norm)
        self._answer = int(logits.argmax(1))
        label = int(self._label)
        self._targets = [ANY, *(target for target in range(CLASSES) if target != label)]
        self._sizes = np.full((2, CLASSES), np.inf)  # of PGD and of the minimum-norm attack
        self._best = np.full(CLASSES, np.inf)
        self._images = np.full((CLASSES, *self._image.shape[2:]), np.nan, np.float32)
        self._answers = np.full(CLASSES, -1)
        for kind in (_PGD, _MINIMAL):
            self._offer(kind, self._image)
        self._searches = ("FMN", "DDN") if config.norm.name in METHODS["DDN"].norms else ("FMN",)
        self._pgd_steps = config.steps * config.restarts
        each = len(self._searches) * config.search_steps + config.bisections * self._pgd_steps
        self._count, self._total = 0, each * len(self._open())
        self._text = ""
        self._done = False
        self._slices = self._work()

    @classmethod
    def from_inputs(cls, config: BoundsConfig, inputs: AttackInputs) -> BoundsEngine:
        """The engine of frozen inputs, made in the thread that will step it, which computes with one core."""
        use_threads(1)
        return cls(config, network_of(inputs.snapshot), inputs.images, inputs.labels, inputs.snapshot.id)

    @property
    def done(self) -> bool:
        """Whether both searches are over for every goal."""
        return self._done

    def status(self) -> Status:
        """Iterations of all attacks together, and what is looked for."""
        return Status(self._count, self._total, "iterations", self._text)

    def step(self) -> BoundsRecord:
        """One iteration of one attack.

        Raises:
            RunFailed: if there is nothing left to do, or the network's gradient is not finite.
        """
        if self._done:
            raise RunFailed("bounds: expected a search that is not over, got one that is")
        self._done = next(self._slices, self) is self
        bound = float(self._best[0])
        found = int(np.isfinite(self._best).sum())
        return BoundsRecord(self._count, self._total, found, bound if found else np.nan)

    def frame(self) -> BoundsFrame:
        """The bounds so far."""
        pgd, minimal, smallest = (
            frozen(np.where(np.isfinite(sizes), sizes, np.nan).astype(np.float32))
            for sizes in (*self._sizes, self._best)
        )
        targets = np.array(self._targets)
        return BoundsFrame(
            norm=self.config.norm.name,
            original=frozen_copy(self._image[0, 0]),
            label=int(self._label),
            answer=self._answer,
            targets=frozen(targets),
            pgd=pgd,
            minimal=minimal,
            smallest=smallest,
            images=frozen_copy(self._images),
            answers=frozen_copy(self._answers),
            ranking=frozen(targets[1:][np.argsort(self._best[1:], kind="stable")]),
            network_id=self._network_id,
        )

    def apply(self, config: BoundsConfig) -> None:
        """No field is live.

        Raises:
            ValueError: if any differs.
        """
        refuse_locked(self.config, config)

    def answer(self, request: Any) -> Any:
        """No request is known.

        Raises:
            ValueError: always.
        """
        raise ValueError(f"request: expected one that bounds can answer, got {request!r}")

    def _open(self) -> list[int]:
        """The goals that are not reached by the digit as it is."""
        return [goal for goal in range(CLASSES) if self._best[goal] > 0]

    def _work(self) -> Iterator[None]:
        if self._answer != int(self._label):
            self._text = f"misread as {self._answer} without any change"
        goals = self._open()
        said = self._text and self._text + "; "
        for search in self._searches:
            for goal in goals:
                self._text = f"{said}{METHODS[search].label}: {self._words(goal)}"
                yield from self._minimal(goal, search)
        for goal in goals:
            self._text = f"{said}PGD: {self._words(goal)}"
            yield from self._bisect(goal)
        self._text = said[:-2]

    def _words(self, goal: int) -> str:
        target = self._targets[goal]
        return "any wrong answer" if target == ANY else f"read as {target}"

    def _minimal(self, goal: int, search: str) -> Iterator[None]:
        """The minimum-norm attack."""
        config = self._attack(goal, method=search, steps=self.config.search_steps)
        attack = Attack(config, self._victim, self._image, self._label)
        yield from self._run(attack, self.config.search_steps)
        self._offer(_MINIMAL, attack.changed(attack.result()))

    def _bisect(self, goal: int) -> Iterator[None]:
        """PGD in many balls at once, again and again between the last that failed and the first that fooled.

        The minimum-norm attack only says where to begin.
        """
        largest = float(self._norm.norm(torch.maximum(self._image, 1 - self._image)))
        begin = self._sizes[_MINIMAL, goal]
        low, high = 0.0, np.inf
        for attempt in range(self.config.bisections):
            if np.isfinite(high):
                rungs = np.linspace(low, high, RUNGS + 2)[1:-1]
            elif attempt:
                rungs = np.geomspace(low, low * _RANGE[1] / _RANGE[0], RUNGS + 1)[1:]
            else:
                first = begin if np.isfinite(begin) else largest * _RANGE[0]
                rungs = first * np.geomspace(*_RANGE, RUNGS)
            rungs = self._distinct(rungs, low, min(high, largest))
            if len(rungs) and (high - low > _CLOSE * high or not np.isfinite(high)):
                sizes = yield from self._ladder(goal, rungs)
                high = min(high, sizes.min())
                low = max([low, *rungs[(sizes == np.inf) & (rungs < high)]])
            else:
                self._count += self._pgd_steps

    def _distinct(self, rungs: NDArray[np.float64], low: float, high: float) -> NDArray[np.float64]:
        """The epsilons of another attack each: above `low`, up to `high`, whole where they count pixels."""
        if not self._norm.convex:
            rungs = np.unique(np.floor(rungs))
        return np.unique(np.minimum(rungs[rungs > low], high))

    def _ladder(self, goal: int, rungs: NDArray[np.float64]) -> Generator[None, None, NDArray[np.float64]]:
        """PGD in balls of these radii; the size of what fooled in each, infinite where nothing did."""
        count = len(rungs)
        config = self._attack(
            goal,
            steps=self.config.steps,
            step_size=_REACH * rungs[-1] / self.config.steps if self._norm.convex else 0.5,
            restarts=self.config.restarts,
            loss="Margin",
            exact=True,
            stop_when_fooled=True,
        )
        images, labels = self._image.repeat(count, 1, 1, 1), self._label.repeat(count)
        radii = torch.tensor(rungs, dtype=torch.float32, device=images.device)
        attack = Attack(config, self._victim, images, labels, epsilon=radii)
        yield from self._run(attack, self._pgd_steps)
        sizes: NDArray[np.float64] = self._offer(_PGD, attack.changed(attack.result()))[goal]
        return sizes

    def _attack(self, goal: int, **settings: Any) -> AttackConfig:
        target = self._targets[goal]
        aim = {} if target == ANY else {"goal": "targeted", "target": target}
        common = {"norm": self.config.norm.model_dump(), "seed": self.config.seed}
        return AttackConfig.parse({**common, **aim, **settings})

    def _run(self, attack: Attack, planned: int) -> Iterator[None]:
        """Step an attack to its end, and count what it left out as done."""
        before = self._count
        while not attack.done:
            attack.step()
            self._count = before + attack.step_count
            yield
        self._count = before + planned

    def _offer(self, kind: int, images: torch.Tensor) -> NDArray[np.float64]:
        """Let images (n, 1, 28, 28) count for every goal that a fresh look says they reach: (10, n) sizes."""
        labels = self._label.repeat(len(images))
        verdict = verified(self._victim, self._image, images, Goal(labels), self._norm)
        logits = verdict.logits
        goals = [Goal(labels, None if target == ANY else labels * 0 + target) for target in self._targets]
        reached = torch.stack([surely(logits, goal) for goal in goals]).cpu().numpy()
        sizes: NDArray[np.float64] = np.where(reached, verdict.sizes.cpu().numpy(), np.inf)
        answers = logits.argmax(1).cpu().numpy()
        for goal, place in enumerate(sizes.argmin(1)):
            size = sizes[goal, place]
            self._sizes[kind, goal] = min(self._sizes[kind, goal], size)
            if size < self._best[goal]:
                self._best[goal] = size
                self._images[goal] = images[place, 0].cpu().numpy()
                self._answers[goal] = answers[place]
        return sizes
